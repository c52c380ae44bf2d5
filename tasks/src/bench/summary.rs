//! The numbers of a measurement: none of them takes a case that was not judged for one that failed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{LedgerRecords, Status};

/// What it comes to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    pub cases: u64,
    pub repeats: u32,
    /// Cases, each as often as it is done.
    pub total: u64,
    /// How many of these have a score.
    pub scored: u64,
    pub sum: f64,
    /// The sum over all, whatever became of them: no agent can be better than that by leaving cases out.
    pub mean_of_all: Option<f64>,
    /// The sum over those that have a score.
    pub mean_of_scored: Option<f64>,
    /// The mean over cases that have a score, of the mean of each one's repeats, …
    #[serde(default)]
    pub mean_of_cases: Option<f64>,
    /// … and the standard error of it; `None` where the cases are too few, or too much alike, to say anything of others.
    pub standard_error: Option<f64>,
    /// How many ended with each error and have no score.
    pub errors: BTreeMap<String, u64>,
    /// How many have no end yet.
    pub unfinished: u64,
    /// All attempts that were begun, with those that were made again.
    pub attempts: u64,
    /// Of the cases all of whose repeats have a score: how many those are, …
    pub complete_cases: u64,
    /// … which share of them passes at least once in 1, 2, … of its repeats, …
    pub pass_at_k: Vec<f64>,
    /// … and which share passes in each of 1, 2, … of them.
    pub pass_hat_k: Vec<f64>,
    /// Of all attempts, with those that were made again.
    pub steps: u64,
    pub ms: u64,
    pub tokens_in: u64,
    pub tokens_out: u64,
}

impl Summary {
    /// Adds up a ledger.
    pub fn of(records: &LedgerRecords) -> Summary {
        let repeats = records.header.repeats;
        let mut summary = Summary {
            cases: records.header.cases.len() as u64,
            repeats,
            attempts: records.attempts(),
            errors: Status::ALL[1..].iter().map(|status| (status.id().to_owned(), 0)).collect(),
            ..Summary::default()
        };
        let mut scores: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for (case, _, end) in records.results() {
            summary.total += 1;
            let Some(end) = end else {
                summary.unfinished += 1;
                continue;
            };
            match (end.status, end.score) {
                (Status::Scored, Some(score)) => {
                    summary.scored += 1;
                    summary.sum += score;
                    scores.entry(case).or_default().push(score);
                }
                _ => *summary.errors.entry(end.status.id().to_owned()).or_default() += 1,
            }
        }
        for end in records.ends() {
            summary.steps = summary.steps.saturating_add(u64::from(end.steps));
            summary.ms = summary.ms.saturating_add(end.ms);
            summary.tokens_in = summary.tokens_in.saturating_add(end.tokens_in);
            summary.tokens_out = summary.tokens_out.saturating_add(end.tokens_out);
        }
        let share = |of: u64| (of > 0).then(|| summary.sum / of as f64);
        (summary.mean_of_all, summary.mean_of_scored) = (share(summary.total), share(summary.scored));
        let means: Vec<f64> = scores.values().filter_map(|scores| mean(scores)).collect();
        summary.mean_of_cases = mean(&means);
        summary.standard_error = standard_error(&means);
        let complete: Vec<&Vec<f64>> = scores.values().filter(|scores| scores.len() == repeats as usize).collect();
        summary.complete_cases = complete.len() as u64;
        if !complete.is_empty() {
            let passes: Vec<u32> = complete
                .iter()
                .map(|scores| u32::try_from(scores.iter().filter(|score| **score >= 1.0).count()).unwrap_or(0))
                .collect();
            for k in 1..=repeats {
                let at: Vec<f64> = passes.iter().map(|passed| pass_at(repeats, *passed, k)).collect();
                let hat: Vec<f64> = passes.iter().map(|passed| pass_hat(repeats, *passed, k)).collect();
                summary.pass_at_k.extend(mean(&at));
                summary.pass_hat_k.extend(mean(&hat));
            }
        }
        summary
    }
}

/// `None` of nothing.
pub(super) fn mean(of: &[f64]) -> Option<f64> {
    (!of.is_empty()).then(|| of.iter().sum::<f64>() / of.len() as f64)
}

/// A share as people read it: `70.0 %`.
pub fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), |share| format!("{:.1} %", 100.0 * share))
}

/// Of the mean. One number says nothing of it, and neither do two that are equal: two of two are not 100 % for sure.
fn standard_error(of: &[f64]) -> Option<f64> {
    let count = of.len() as f64;
    let mean = mean(of)?;
    let squares: f64 = of.iter().map(|one| (one - mean).powi(2)).sum();
    (of.len() > 1 && squares > 0.0).then(|| (squares / (count - 1.0) / count).sqrt())
}

/// How likely some of `k` passes, drawn from `n` of which `passed` did.
fn pass_at(n: u32, passed: u32, k: u32) -> f64 {
    1.0 - all_of(n, n - passed, k)
}

/// How likely each of `k` passes, drawn from `n` of which `passed` did.
fn pass_hat(n: u32, passed: u32, k: u32) -> f64 {
    all_of(n, passed, k)
}

/// How likely `k` drawn from `n` are all among `good` of them.
fn all_of(n: u32, good: u32, k: u32) -> f64 {
    (0..k).map(|drawn| f64::from(good.saturating_sub(drawn)) / f64::from(n - drawn)).product()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_without_putting_back() {
        // Two of four pass: of two that are drawn, one of six pairs is bad, and one is good.
        assert!((pass_at(4, 2, 2) - 5.0 / 6.0).abs() < 1e-12);
        assert!((pass_hat(4, 2, 2) - 1.0 / 6.0).abs() < 1e-12);
        for k in 1..=4 {
            assert_eq!((pass_at(4, 4, k), pass_hat(4, 4, k)), (1.0, 1.0));
            assert_eq!((pass_at(4, 0, k), pass_hat(4, 0, k)), (0.0, 0.0));
        }
        assert_eq!((pass_at(1, 1, 1), pass_hat(1, 0, 1)), (1.0, 0.0));
    }

    #[test]
    fn numbers_that_are_one_or_alike_have_no_standard_error() {
        assert_eq!(standard_error(&[]), None);
        assert_eq!(standard_error(&[1.0]), None);
        assert_eq!(standard_error(&[1.0, 1.0]), None, "all alike");
        // The variance of 0, 0, 1, 1 is a third, and that of its mean a twelfth.
        let error = standard_error(&[0.0, 0.0, 1.0, 1.0]).unwrap();
        assert!((error - (1.0_f64 / 12.0).sqrt()).abs() < 1e-12);
    }
}
