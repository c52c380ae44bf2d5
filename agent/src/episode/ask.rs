//! What a person is asked, and what comes of the answer.

use super::{Cause, Episode, Intent, Recheck, Stage};
use crate::event::{Effect, Next};
use crate::outcome::Outcome;
use crate::person::{Answer, Question};
use crate::step::StepResult;

const NEEDS_A_PERSON: &str = "needs a person";

impl Episode {
    pub(super) fn ask(&mut self, question: Question, stage: Stage) -> Next {
        self.tally.asks += 1;
        if self.tally.asks > self.setting.limits.asks_max {
            return self.leave(stage, NEEDS_A_PERSON, Outcome::NeedsPerson { asked: question });
        }
        self.stage = stage;
        Next::Do(Effect::Ask(question))
    }

    pub(super) fn on_confirmation(&mut self, question: Question, intent: Box<Intent>, answer: Answer) -> Next {
        match answer {
            Answer::Yes => self.recheck(Recheck { cause: Cause::Approved, question: Some(question), intent: *intent }),
            Answer::No => self.refuse("a person said no to this action".to_owned()),
            Answer::Choice(words) => self.refuse(format!("a person did not say yes but: {words}")),
            Answer::Done => self.settle_and_tell(StepResult::Person, "a person has done this themselves".to_owned()),
            Answer::Nobody => {
                let stage = Stage::Confirming { question: question.clone(), intent };
                self.leave(stage, NEEDS_A_PERSON, Outcome::NeedsPerson { asked: question })
            }
        }
    }

    pub(super) fn on_hand_over(&mut self, question: Question, answer: Answer) -> Next {
        let said = match (answer, &question) {
            (Answer::Nobody, _) => {
                let stage = Stage::HandedOver { question: question.clone() };
                return self.leave(stage, NEEDS_A_PERSON, Outcome::NeedsPerson { asked: question });
            }
            (Answer::No, Question::Choose { .. }) => "a person says: no".to_owned(),
            (Answer::No, _) => return self.refuse("a person would not do this".to_owned()),
            (Answer::Choice(words), _) => format!("a person says: {words}"),
            (Answer::Yes, Question::Choose { .. }) => "a person says: yes".to_owned(),
            (Answer::Yes | Answer::Done, _) => "a person has done this".to_owned(),
        };
        self.settle_and_tell(StepResult::Person, said)
    }

    pub(super) fn on_unlock(&mut self, question: Question, answer: Answer) -> Next {
        match answer {
            Answer::Yes | Answer::Done | Answer::Choice(_) => self.look(),
            Answer::No | Answer::Nobody => self.end(StepResult::Ended, "", Outcome::NeedsPerson { asked: question }),
        }
    }

    /// The run does not get on by itself.
    pub(super) fn ask_for_help(&mut self, why: String) -> Next {
        if !self.setting.policy.asks_when_stuck || self.tally.asks >= self.setting.limits.asks_max {
            return self.end(StepResult::Stuck, "stuck", Outcome::Stuck { why });
        }
        let question = Question::TakeOver { message: format!("the run does not get on: {why}") };
        self.ask(question, Stage::AskingForHelp { why })
    }

    pub(super) fn on_help(&mut self, why: String, answer: Answer) -> Next {
        let said = match answer {
            Answer::No | Answer::Nobody => return self.end(StepResult::Stuck, "stuck", Outcome::Stuck { why }),
            Answer::Choice(words) => format!("a person says: {words}"),
            Answer::Yes | Answer::Done => "a person has helped; look at the screen anew".to_owned(),
        };
        self.forget_repeats();
        self.settle(StepResult::Stuck, format!("{why}; {said}"), Some(said))
    }

    pub(super) fn refuse(&mut self, why: String) -> Next {
        self.tally.refusals += 1;
        // A model that only copies finds no other way, and may say after all that it is done.
        let only_copies = self.setting.profile.goal_checks.is_some();
        if only_copies || self.tally.refusals >= self.setting.limits.refusals_max {
            return self.end(StepResult::Refused, "refused", Outcome::Refused { why });
        }
        self.settle_and_tell(StepResult::Refused, format!("refused: {why}"))
    }
}
