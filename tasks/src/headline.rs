//! How a run ended, in the words that people read first: the same at the terminal, on the page where questions are asked, and on a
//! run's own page. What only the model says is never told as if somebody had looked.

use tapwright_agent::outcome::Outcome;

use crate::judge::Verdict;

/// What records say in place of a model's name where steps of a plan were done without one.
pub const STEP_MODEL: &str = "steps";

/// How good it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    Good,
    Mild,
    Bad,
}

/// A sentence about an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headline {
    pub mood: Mood,
    pub text: String,
}

/// An end, for programs and for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndNotice {
    /// The outcome's word, or another one if no run has ended.
    pub id: String,
    /// The verdict's word, if it was judged.
    pub verdict: Option<&'static str>,
    pub headline: Headline,
}

impl Mood {
    /// Its word, which style sheets know.
    pub fn id(self) -> &'static str {
        match self {
            Mood::Good => "good",
            Mood::Mild => "mild",
            Mood::Bad => "bad",
        }
    }
}

impl Headline {
    /// Of a run that ended so, or has no end yet, and was judged so.
    pub fn of(outcome: Option<&Outcome>, verdict: Option<&Verdict>) -> Headline {
        let ended = outcome.map_or("no end", Outcome::id);
        let is_done = matches!(outcome, Some(Outcome::Done { .. }));
        let (mood, text) = match verdict {
            Some(Verdict::Passed) if is_done => {
                (Mood::Good, "achieved: the model says it is done, and the check agrees".to_owned())
            }
            Some(Verdict::Passed) => (Mood::Good, format!("passed: to end with {ended} was right")),
            Some(Verdict::Failed { .. }) if is_done => {
                (Mood::Bad, "not achieved: the model says it is done, the check says otherwise".to_owned())
            }
            Some(Verdict::Failed { .. }) => (Mood::Bad, format!("not achieved: the run ended with {ended}")),
            Some(Verdict::Void { .. }) if is_done => {
                (Mood::Mild, "void: the model says it is done, and that could not be checked".to_owned())
            }
            Some(Verdict::Void { .. }) => {
                (Mood::Mild, format!("void: this says nothing about the model; the run ended with {ended}"))
            }
            None => unjudged_end(outcome),
        };
        Headline { mood, text }
    }

    /// The same of a run of steps that need no model: what they check was looked at by them.
    pub fn of_steps(outcome: Option<&Outcome>, verdict: Option<&Verdict>) -> Headline {
        match (outcome, verdict) {
            (Some(Outcome::Done { .. }), None) => {
                Headline { mood: Mood::Mild, text: "all of its steps were done".to_owned() }
            }
            _ => Headline::of(outcome, verdict),
        }
    }
}

fn unjudged_end(outcome: Option<&Outcome>) -> (Mood, String) {
    let Some(outcome) = outcome else {
        return (Mood::Mild, "no end: the run is still going on, or was killed".to_owned());
    };
    match outcome {
        Outcome::Done { .. } => (Mood::Mild, "the model says it is done; nothing was checked".to_owned()),
        Outcome::GaveUp { .. } | Outcome::NeedsPerson { .. } | Outcome::OutOfSteps | Outcome::Stopped => {
            (Mood::Mild, outcome.id().to_owned())
        }
        Outcome::Stuck { .. } | Outcome::ModelFailed { .. } | Outcome::DeviceLost { .. } | Outcome::Refused { .. } => {
            (Mood::Bad, outcome.id().to_owned())
        }
    }
}

/// What an outcome says beyond its name.
pub fn message_of(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Done { message } | Outcome::GaveUp { message } => Some(message.clone()),
        Outcome::NeedsPerson { asked } => Some(asked.message().to_owned()),
        Outcome::Stuck { why }
        | Outcome::ModelFailed { why }
        | Outcome::DeviceLost { why }
        | Outcome::Refused { why } => Some(why.clone()),
        Outcome::OutOfSteps | Outcome::Stopped => None,
    }
}

impl EndNotice {
    /// Of a run that ended so and was judged so.
    pub fn of(outcome: &Outcome, verdict: Option<&Verdict>) -> EndNotice {
        EndNotice {
            id: outcome.id().to_owned(),
            verdict: verdict.map(Verdict::id),
            headline: Headline::of(Some(outcome), verdict),
        }
    }
}

impl From<&str> for EndNotice {
    /// Something that no run has come to.
    fn from(id: &str) -> EndNotice {
        EndNotice { id: id.to_owned(), verdict: None, headline: Headline { mood: Mood::Mild, text: id.to_owned() } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_looked_at_is_good_and_what_failed_says_so_first() {
        let why = String::new;
        let (done, gave_up) = (Outcome::Done { message: why() }, Outcome::GaveUp { message: why() });
        let verdicts =
            [None, Some(Verdict::Passed), Some(Verdict::Failed { why: why() }), Some(Verdict::Void { why: why() })];
        let told = |outcome: Option<&Outcome>| {
            verdicts.each_ref().map(|verdict| {
                let Headline { mood, text } = Headline::of(outcome, verdict.as_ref());
                format!("{}: {text}", mood.id())
            })
        };
        let of_steps = |outcome: Option<&Outcome>| Headline::of_steps(outcome, None).text;
        assert_eq!(of_steps(Some(&done)), "all of its steps were done");
        assert_eq!(of_steps(Some(&gave_up)), "gave-up");
        assert_eq!(of_steps(None), Headline::of(None, None).text);
        assert_eq!(
            told(Some(&done)),
            [
                "mild: the model says it is done; nothing was checked",
                "good: achieved: the model says it is done, and the check agrees",
                "bad: not achieved: the model says it is done, the check says otherwise",
                "mild: void: the model says it is done, and that could not be checked",
            ]
        );
        assert_eq!(
            told(Some(&gave_up)),
            [
                "mild: gave-up",
                "good: passed: to end with gave-up was right",
                "bad: not achieved: the run ended with gave-up",
                "mild: void: this says nothing about the model; the run ended with gave-up",
            ]
        );
        assert_eq!(told(None)[0], "mild: no end: the run is still going on, or was killed");
        let lost = Outcome::DeviceLost { why: why() };
        assert_eq!(Headline::of(Some(&lost), None), Headline { mood: Mood::Bad, text: "device-lost".to_owned() });
        for (outcome, verdict) in [(&done, &verdicts[2]), (&gave_up, &verdicts[1])] {
            let notice = EndNotice::of(outcome, verdict.as_ref());
            assert_eq!((notice.id.as_str(), notice.verdict), (outcome.id(), verdict.as_ref().map(Verdict::id)));
        }
    }
}
