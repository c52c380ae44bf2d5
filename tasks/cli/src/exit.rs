//! Exit codes: a promise to whoever calls the program from another one.

use std::process::ExitCode;

use tapwright_tasks::Outcome;
use tapwright_tasks::judge::Verdict;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    Done = 0,
    Internal = 1,
    Usage = 2,
    NotReady = 3,
    Unwritten = 4,
    Unreadable = 5,
    GaveUp = 10,
    NeedsPerson = 11,
    OutOfSteps = 12,
    Stuck = 13,
    ModelFailed = 14,
    DeviceLost = 15,
    Refused = 16,
    Failed = 20,
    Void = 21,
    Stopped = 130,
}

impl Exit {
    /// All of them, with what each means.
    pub const ALL: [(Exit, &'static str); 16] = [
        (Exit::Done, "done: the device says so if it was asked (--expect, --task, bench), else only the model does"),
        (Exit::Internal, "a mistake of the program's own, or one that it does not know"),
        (Exit::Usage, "the arguments or a file that somebody wrote are wrong; nothing was done"),
        (Exit::NotReady, "the device, the model or a library is not there; nothing was done"),
        (Exit::Unwritten, "a record cannot be written, so nothing more was done"),
        (Exit::Unreadable, "a record cannot be read, or does not follow from its own events"),
        (Exit::GaveUp, "gave-up: the model says that it cannot be done"),
        (Exit::NeedsPerson, "needs-person: somebody has to answer, and nobody does"),
        (Exit::OutOfSteps, "out-of-steps: as many actions as were allowed (--steps), and no end"),
        (
            Exit::Stuck,
            "stuck: the same again and again, back and forth, waits in a row, or actions that change nothing",
        ),
        (Exit::ModelFailed, "model-failed: no answer, or none that can be read"),
        (Exit::DeviceLost, "device-lost: the device is gone, or does not answer any more"),
        (Exit::Refused, "refused: the policy or a person said no; apis: or the API did"),
        (
            Exit::Failed,
            "the model says that it is done, and the device says otherwise; bench: below --at-least; models doctor: a number is wrong",
        ),
        (
            Exit::Void,
            "the verdict is void; bench: some runs say nothing about the agent; offline: some records have no answer; \
             apis: nobody knows whether it was done",
        ),
        (Exit::Stopped, "stopped, by Ctrl-C"),
    ];

    /// The number.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// What a run's end comes to.
    pub fn of(outcome: &Outcome, verdict: Option<&Verdict>) -> Exit {
        match (outcome, verdict) {
            (Outcome::Done { .. }, None | Some(Verdict::Passed)) => Exit::Done,
            (Outcome::Done { .. }, Some(Verdict::Failed { .. })) => Exit::Failed,
            (Outcome::Done { .. }, Some(Verdict::Void { .. })) => Exit::Void,
            (Outcome::GaveUp { .. }, _) => Exit::GaveUp,
            (Outcome::NeedsPerson { .. }, _) => Exit::NeedsPerson,
            (Outcome::OutOfSteps, _) => Exit::OutOfSteps,
            (Outcome::Stuck { .. }, _) => Exit::Stuck,
            (Outcome::ModelFailed { .. }, _) => Exit::ModelFailed,
            (Outcome::DeviceLost { .. }, _) => Exit::DeviceLost,
            (Outcome::Stopped, _) => Exit::Stopped,
            (Outcome::Refused { .. }, _) => Exit::Refused,
        }
    }

    /// The list for the help.
    pub fn table() -> String {
        let lines = Exit::ALL.iter().map(|(exit, means)| format!("  {:>3}  {means}", exit.code()));
        format!("Exit codes:\n{}", lines.collect::<Vec<_>>().join("\n"))
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_codes_are_the_same() {
        let mut codes: Vec<u8> = Exit::ALL.iter().map(|(exit, _)| exit.code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Exit::ALL.len());
    }
}
