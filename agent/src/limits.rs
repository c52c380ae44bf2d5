//! How much of everything a run may use. Whoever starts a run chooses each number.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::millis;

/// The limits of a run; durations are written down in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// How many replies are heard before the run is out of steps.
    pub steps_max: u32,
    /// How many replies in a row may be unreadable; with this many the model has failed.
    pub strikes_max: u32,
    /// How many times the policy or a person may say no; with this many the run is refused.
    pub refusals_max: u32,
    /// How many questions a person is asked; the next one ends the run.
    pub asks_max: u32,

    /// How many times in a row a model that fails is asked again.
    pub retries_max: u32,
    /// The pause before a model is asked again; it doubles with each try.
    #[serde(with = "millis", rename = "backoff_ms")]
    pub backoff: Duration,
    /// The longest such pause.
    #[serde(with = "millis", rename = "backoff_max_ms")]
    pub backoff_max: Duration,

    /// How many looks in a row may show nothing.
    pub looks_max: u32,
    /// The pause before another look.
    #[serde(with = "millis", rename = "look_pause_ms")]
    pub look_pause: Duration,
    /// How many gestures in a row may be left without an answer; with this many the device is lost.
    pub timeouts_max: u32,

    /// How many times the same action on the same screen draws a remark.
    pub repeats_remark: u32,
    /// How many times the same action on the same screen makes a run stuck.
    pub repeats_max: u32,
    /// Among how many of the latest actions repeats are counted.
    pub repeats_window: u32,

    /// How many gestures in a row may change nothing; with this many a run does not get on.
    #[serde(default = "never")]
    pub unmoved_max: u32,
    /// How many waits in a row draw a remark.
    #[serde(default = "never")]
    pub waits_remark: u32,
    /// How many waits in a row may be; with this many a run does not get on.
    #[serde(default = "never")]
    pub waits_max: u32,
    /// How many gestures in a row, back and forth between the same two screens, draw a remark.
    #[serde(default = "never")]
    pub rounds_remark: u32,
    /// How many such gestures may be; with this many a run does not get on.
    #[serde(default = "never")]
    pub rounds_max: u32,

    /// How many times over a round of three actions or more draws a remark.
    #[serde(default = "never")]
    pub loops_remark: u32,
    /// How many times over it may be made; with this many a run does not get on.
    #[serde(default = "never")]
    pub loops_max: u32,

    /// How long a look may take until the screen is still.
    #[serde(with = "millis", rename = "look_ms")]
    pub look: Duration,
    /// How long a reply may take.
    #[serde(with = "millis", rename = "think_ms")]
    pub think: Duration,
    /// How long a gesture or the call of an API may take.
    #[serde(with = "millis", rename = "act_ms")]
    pub act: Duration,
    /// How long a person may take to answer; later there is nobody.
    #[serde(with = "millis", rename = "ask_ms")]
    pub ask: Duration,
    /// How much longer than that a port may take before it is abandoned.
    #[serde(with = "millis", rename = "grace_ms")]
    pub grace: Duration,
    /// The longest wait that a model may have.
    #[serde(with = "millis", rename = "wait_max_ms")]
    pub wait_max: Duration,

    /// The longest reply that is read.
    pub reply_bytes: usize,
    /// The most that a model is told of what came of its action, and the longest name of an app.
    pub remark_bytes: usize,
    /// The most that a model is told of what an API answered, or of its notes.
    #[serde(default)]
    pub result_bytes: usize,
    /// The most that all notes together may hold.
    pub notes_bytes: usize,
    /// The most of a page's text that one note holds.
    #[serde(default)]
    pub note_bytes: usize,
    /// The longest text that is typed at once.
    pub text_bytes: usize,
    /// How many texts of a screen are judged; of a screen with more nothing is known, as if the device did not tell.
    #[serde(default = "labels_max")]
    pub labels_max: usize,
    /// The longest such text.
    #[serde(default = "label_bytes")]
    pub label_bytes: usize,
    /// The most that all texts of a screen may have together.
    #[serde(default = "page_bytes")]
    pub page_bytes: usize,
}

impl Limits {
    /// The pause before a model is asked again that has been asked again so many times in a row.
    pub fn pause_after(&self, retries: u32) -> Duration {
        self.backoff.saturating_mul(1 << retries.min(20)).min(self.backoff_max)
    }

    /// What neither of two allows more of: counts, times and bytes. What is remarked on, and after which pause something is tried once
    /// more, stays as it is here.
    #[must_use]
    pub fn lower(&self, other: &Limits) -> Limits {
        Limits {
            steps_max: self.steps_max.min(other.steps_max),
            strikes_max: self.strikes_max.min(other.strikes_max),
            refusals_max: self.refusals_max.min(other.refusals_max),
            asks_max: self.asks_max.min(other.asks_max),
            retries_max: self.retries_max.min(other.retries_max),
            backoff: self.backoff,
            backoff_max: self.backoff_max.min(other.backoff_max),
            looks_max: self.looks_max.min(other.looks_max),
            look_pause: self.look_pause.min(other.look_pause),
            timeouts_max: self.timeouts_max.min(other.timeouts_max),
            repeats_remark: self.repeats_remark,
            repeats_max: self.repeats_max.min(other.repeats_max),
            repeats_window: self.repeats_window,
            unmoved_max: self.unmoved_max.min(other.unmoved_max),
            waits_remark: self.waits_remark,
            waits_max: self.waits_max.min(other.waits_max),
            rounds_remark: self.rounds_remark,
            rounds_max: self.rounds_max.min(other.rounds_max),
            loops_remark: self.loops_remark,
            loops_max: self.loops_max.min(other.loops_max),
            look: self.look.min(other.look),
            think: self.think.min(other.think),
            act: self.act.min(other.act),
            ask: self.ask.min(other.ask),
            grace: self.grace.min(other.grace),
            wait_max: self.wait_max.min(other.wait_max),
            reply_bytes: self.reply_bytes.min(other.reply_bytes),
            remark_bytes: self.remark_bytes.min(other.remark_bytes),
            result_bytes: self.result_bytes.min(other.result_bytes),
            notes_bytes: self.notes_bytes.min(other.notes_bytes),
            note_bytes: self.note_bytes.min(other.note_bytes),
            text_bytes: self.text_bytes.min(other.text_bytes),
            labels_max: self.labels_max.min(other.labels_max),
            label_bytes: self.label_bytes.min(other.label_bytes),
            page_bytes: self.page_bytes.min(other.page_bytes),
        }
    }
}

/// What records that know no such limit had.
fn never() -> u32 {
    u32::MAX
}

fn labels_max() -> usize {
    2000
}

fn label_bytes() -> usize {
    8 << 10
}

fn page_bytes() -> usize {
    512 << 10
}

/// The longest beginning of a text that fits.
pub(crate) fn clip(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

#[cfg(test)]
#[path = "../tests/common/limits.rs"]
pub(crate) mod small;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn are_read_back_as_written() {
        let limits = small::limits();
        let text = serde_json::to_string(&limits).unwrap();
        assert!(text.contains("\"think_ms\":60000"), "{text}");
        assert_eq!(serde_json::from_str::<Limits>(&text).unwrap(), limits);
    }

    /// A record that somebody sent says how many steps it may take, and how long each may last: no more than its new owner allows.
    #[test]
    fn of_two_limits_the_lower_one_holds_of_each() {
        let own = small::limits();
        let greedy = Limits { steps_max: u32::MAX, think: Duration::MAX, labels_max: usize::MAX, ..own.clone() };
        assert_eq!(greedy.lower(&own), own);
        assert_eq!(own.lower(&greedy), own);
        let modest = Limits { steps_max: 2, ask: Duration::from_millis(1), ..greedy };
        let both = modest.lower(&own);
        assert_eq!((both.steps_max, both.ask, both.think), (2, Duration::from_millis(1), own.think));
    }

    #[test]
    fn clips_between_characters() {
        assert_eq!(clip("aé你", 0), "");
        assert_eq!(clip("aé你", 2), "a");
        assert_eq!(clip("aé你", 5), "aé");
        assert_eq!(clip("aé你", 6), "aé你");
        assert_eq!(clip("aé你", 600), "aé你");
    }
}
