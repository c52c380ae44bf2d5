//! The third stage: what was judged, counted.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::OfflineError;
use super::judge::{AnswerStatus, JudgedRecord, count_unjudged, read_judged};

/// Counts of some records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfflineCounts {
    pub records: u32,
    pub right: u32,
    /// Answered with no place, or no action at all.
    pub wrong_format: u32,
    /// Asked, and not answered.
    #[serde(default)]
    pub not_answered: u32,
    /// Not asked yet.
    pub missing: u32,
    /// Of recorded steps: so many, and so many of the right type.
    pub steps: u32,
    pub same_type: u32,
}

/// The numbers of a set. What is right to refuse is counted apart, as is usual.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfflineMetric {
    pub all: OfflineCounts,
    pub kinds: BTreeMap<String, OfflineCounts>,
    pub groups: BTreeMap<String, OfflineCounts>,
    pub refusals: OfflineCounts,
    /// Of recorded runs.
    #[serde(default)]
    pub episodes: EpisodeCounts,
    /// Answers that came after the others were judged, and do not count.
    #[serde(default)]
    pub unjudged: usize,
}

/// Recorded runs, and those of which every step that is in the set was answered rightly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpisodeCounts {
    pub episodes: u32,
    pub right: u32,
}

impl OfflineCounts {
    fn count(&mut self, judged: &JudgedRecord) {
        self.records += 1;
        match judged.status {
            AnswerStatus::Right => self.right += 1,
            AnswerStatus::WrongFormat => self.wrong_format += 1,
            AnswerStatus::NotAnswered => self.not_answered += 1,
            AnswerStatus::Missing => self.missing += 1,
            AnswerStatus::Wrong => {}
        }
        self.steps += u32::from(judged.is_same_type.is_some());
        self.same_type += u32::from(judged.is_same_type == Some(true));
    }

    /// Right among all, those without an answer too; nothing of none.
    pub fn over_all(&self) -> Option<f64> {
        (self.records > 0).then(|| f64::from(self.right) / f64::from(self.records))
    }

    /// Those that were answered.
    pub fn answered(&self) -> u32 {
        self.records - self.missing - self.not_answered
    }

    /// Right among those that were answered.
    pub fn over_answered(&self) -> Option<f64> {
        let answered = self.answered();
        (answered > 0).then(|| f64::from(self.right) / f64::from(answered))
    }
}

/// Counts what was judged in a folder of answers.
///
/// # Errors
/// `OfflineError` if it cannot be read.
pub fn read_metric(answers: &Path) -> Result<OfflineMetric, OfflineError> {
    let judged = read_judged(answers)?;
    Ok(OfflineMetric { unjudged: count_unjudged(answers)?, ..metric(&judged) })
}

/// Counts what was judged.
pub fn metric(judged: &[JudgedRecord]) -> OfflineMetric {
    let mut found = OfflineMetric::default();
    // Whether each is right so far.
    let mut episodes: BTreeMap<&str, bool> = BTreeMap::new();
    for record in judged {
        if record.is_refusal {
            found.refusals.count(record);
            continue;
        }
        found.all.count(record);
        if let Some(episode) = &record.episode {
            *episodes.entry(episode).or_insert(true) &= record.status == AnswerStatus::Right;
        }
        if let Some(kind) = &record.kind {
            found.kinds.entry(kind.clone()).or_default().count(record);
        }
        if let Some(group) = &record.group {
            found.groups.entry(group.clone()).or_default().count(record);
        }
    }
    let count = |of: usize| u32::try_from(of).unwrap_or(u32::MAX);
    let right = count(episodes.values().filter(|is_right| **is_right).count());
    found.episodes = EpisodeCounts { episodes: count(episodes.len()), right };
    found
}
