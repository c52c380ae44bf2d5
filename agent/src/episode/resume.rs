//! Where a run that broke off goes on.

use super::{Cause, Episode, InFlight, Recheck, Stage};
use crate::calls::ApiCatalog;
use crate::edition::Rules;
use crate::event::{Next, ResumeTerms};
use crate::step::StepResult;

impl Episode {
    /// The run goes on after it broke off, or after an end that need not be the last. `begun` says whether the last
    /// effect was on the disk; what was not cannot have happened.
    pub(super) fn on_resume(&mut self, stage: Stage, begun: bool, terms: ResumeTerms) -> Next {
        let ResumeTerms { edition, policy, limits, apis } = terms;
        let restricted = policy.is_some();
        if let Some(policy) = policy {
            self.setting.policy = *policy;
        }
        if let Some(limits) = limits {
            self.setting.limits = *limits;
        }
        if let Some(edition) = edition {
            self.rules = Rules::of(edition);
        }
        if let Some(apis) = apis {
            self.apis = ApiCatalog::of(&apis);
        }
        self.tally.after_break();
        self.drop_turn_after(StepResult::NotDone);
        self.touched = None;
        self.launched = None;
        if self.rules.resuming_forgets_repeats {
            // That the same was chosen on the same screen once more is what breaking off does.
            self.forget_repeats();
        }
        match stage {
            Stage::Ready
            | Stage::Looking
            | Stage::LookPause
            | Stage::Thinking { .. }
            | Stage::BackingOff
            | Stage::AskingToUnlock { .. } => {
                self.open = None;
                self.look()
            }
            Stage::Reading { .. } | Stage::FindingApp { .. } => {
                self.settle_and_tell(StepResult::NotDone, "not done: the run broke off before it".to_owned())
            }
            Stage::Summing { notes } => self.tell_notes(notes),
            Stage::AskingForHelp { why } => self.ask_for_help(why),
            Stage::Waiting { .. } => {
                self.settle(StepResult::Waited, "the run broke off while it waited".to_owned(), None)
            }
            Stage::HandedOver { question } => self.ask(question.clone(), Stage::HandedOver { question }),
            // It was let through by another policy: the model may want it again, and is judged by this one.
            Stage::Confirming { .. } | Stage::Rechecking(_) | Stage::Rereading { .. } if restricted => self.held_back(),
            Stage::Acting(_) if restricted && !begun => self.held_back(),
            // An answer is for now: nobody knows what the person sees by then.
            Stage::Confirming { question, intent } => {
                self.ask(question.clone(), Stage::Confirming { question, intent })
            }
            Stage::Rechecking(recheck) | Stage::Rereading { recheck, .. } => self.not_begun(*recheck),
            Stage::Acting(doing) if !begun => {
                let InFlight { question, intent } = *doing;
                self.not_begun(Recheck { cause: Cause::BrokeOff, question, intent })
            }
            Stage::Acting(doing) => {
                self.doubts.push(self.doubt(&doing));
                let summary = "the run broke off in the middle of it: it may or may not have happened".to_owned();
                self.settle(StepResult::Uncertain, summary, None)
            }
            Stage::Ended => panic!("a run that has ended goes on from where it stood before"),
        }
    }

    fn held_back(&mut self) -> Next {
        let why = "not done: the run broke off before it, and goes on under a stricter policy";
        self.settle_and_tell(StepResult::NotDone, why.to_owned())
    }

    fn not_begun(&mut self, recheck: Recheck) -> Next {
        let Recheck { question, intent, cause } = recheck;
        match question {
            Some(question) => self.ask(question.clone(), Stage::Confirming { question, intent: Box::new(intent) }),
            None => {
                let cause = if cause == Cause::Secret { cause } else { Cause::BrokeOff };
                self.recheck(Recheck { cause, question: None, intent })
            }
        }
    }
}
