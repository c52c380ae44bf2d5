//! Whether what was chosen is still there, and what came of a deed.

use tapwright_contract::api::ApiEffect;
use tapwright_contract::device::Label;

use super::{Cause, Episode, InFlight, Intent, Reading, Recheck, Stage, View};
use crate::action::Action;
use crate::approval;
use crate::doubt::Doubt;
use crate::event::{ActionResult, Effect, Fault, Next};
use crate::guard::{self, Deed, Review, Vetted};
use crate::outcome::Outcome;
use crate::person::Question;
use crate::repeats::same;
use crate::step::StepResult;

impl Episode {
    pub(super) fn act(&mut self, vetted: Vetted, question: Option<Question>, intent: Intent) -> Next {
        let intent = Intent { held: vetted.to_held(), ..intent };
        self.stage = Stage::Acting(Box::new(InFlight { question, intent }));
        Next::Do(Effect::Act(vetted))
    }

    pub(super) fn recheck(&mut self, recheck: Recheck) -> Next {
        self.stage = Stage::Rechecking(Box::new(recheck));
        Next::Do(Effect::Look)
    }

    /// The screen was seen once more.
    pub(super) fn on_rechecked_screen(&mut self, recheck: Box<Recheck>, now: View) -> Next {
        let intent = &recheck.intent;
        if !self.rules.approvals_hold_for_a_place {
            if !same(&intent.view.screen, &now.screen) {
                return self.drop_outdated(recheck.cause, now);
            }
            self.tally.looks = 0;
            let Recheck { question, intent, .. } = *recheck;
            let vetted = intent.held.clone().approved();
            return self.act(vetted, question, Intent { view: now, ..intent });
        }
        let shown = match recheck.cause {
            Cause::Secret => approval::is_same_place(&intent.view.screen, &now.screen),
            Cause::Approved | Cause::BrokeOff => {
                approval::is_shown(intent.held.deed(), &intent.view.screen, intent.reading.labels(), &now.screen)
            }
        };
        match (shown, &intent.reading) {
            (false, _) => self.drop_outdated(recheck.cause, now),
            (true, Reading::NotAsked) => self.judge_again(recheck, now, Reading::NotAsked),
            (true, Reading::Asked(_)) => {
                self.stage = Stage::Rereading { recheck, now };
                Next::Do(Effect::Read)
            }
        }
    }

    /// What is written on that screen was read.
    pub(super) fn on_rechecked_labels(&mut self, recheck: Box<Recheck>, now: View, labels: Option<Vec<Label>>) -> Next {
        let Intent { held, view, reading, .. } = &recheck.intent;
        let looks_the_same = || approval::is_shown(held.deed(), &view.screen, None, &now.screen);
        let (holds, labels) = match (recheck.cause, reading.labels(), labels) {
            // The guard says whether it may go where it would go now.
            (Cause::Secret, _, labels) => (true, labels),
            (_, None, None) => (true, None), // The pictures were compared.
            (_, Some(before), Some(after)) => {
                (approval::is_written(held.deed(), before, &after, &self.setting.policy, self.rules), Some(after))
            }
            (_, None, Some(after)) => (looks_the_same(), Some(after)),
            // The device could not tell this time; what it told holds if nothing round the place has changed.
            (_, Some(before), None) if !held.deed().has_secret() => (looks_the_same(), Some(before.to_vec())),
            (_, Some(_), None) => (false, None),
        };
        if holds {
            self.judge_again(recheck, now, Reading::Asked(labels))
        } else {
            self.drop_outdated(recheck.cause, now)
        }
    }

    /// The guard has the last word, on what is there by now; and so has a doubt, if what it goes by has changed.
    fn judge_again(&mut self, recheck: Box<Recheck>, now: View, reading: Reading) -> Next {
        self.tally.looks = 0;
        let Recheck { cause, question, intent } = *recheck;
        let Intent { action, thought, asked, doubted, .. } = intent;
        if let Action::CallApi(call) = &action
            && self.rules.calls_are_checked_again
            && let Err(invalid) = self.apis.check_call(call.clone())
        {
            return self.settle_and_tell(StepResult::NotDone, format!("not done: {invalid}"));
        }
        // A yes is for what was asked, and for nothing that has come to it.
        let is_asked =
            |new: &Question| cause == Cause::Approved && asked.as_ref().is_some_and(|asked| asked.asks_the_same(new));
        let (vetted, asked) = match guard::review(&action, self.context(&now.screen, &reading, &thought)) {
            Review::Do(vetted) => (vetted, None),
            Review::Ask(new, held) if is_asked(&new) => (held.approved(), Some(new)),
            Review::Ask(new, held) if cause != Cause::Approved => {
                let asked = Some(new.clone());
                return self.ask_about(new, Intent { held, action, thought, view: now, reading, asked, doubted });
            }
            Review::Refuse { why } => return self.refuse(why),
            Review::Wrong { why } => return self.settle_and_tell(StepResult::NotDone, format!("not done: {why}")),
            Review::Ask(..) | Review::HandOver(_) | Review::Internal(_) => return self.drop_outdated(cause, now),
        };
        let doubt = self.doubtful(vetted.deed(), &now, &reading);
        let intent = Intent { held: vetted.to_held(), action, thought, view: now, reading, asked, doubted };
        match doubt {
            Some(_) if doubted && cause == Cause::Approved => self.act(vetted, question, intent),
            Some(_) if cause == Cause::Approved => self.drop_outdated(cause, intent.view),
            Some(doubt) => self.ask_about(doubt, Intent { doubted: true, ..intent }),
            None => self.act(vetted, question, intent),
        }
    }

    /// What it was chosen or approved on is not there any more.
    fn drop_outdated(&mut self, cause: Cause, now: View) -> Next {
        let why = match cause {
            Cause::Approved => "not done: the screen changed while a person was asked",
            Cause::BrokeOff => "not done: the run broke off before it, and the screen has changed since",
            Cause::Secret => "not done: another screen came before the secret was typed",
        };
        self.remark(why.to_owned());
        self.close(StepResult::NotDone, why.to_owned());
        self.drop_turn_after(StepResult::NotDone);
        if self.steps >= self.setting.limits.steps_max {
            return self.end(StepResult::Ended, "", Outcome::OutOfSteps);
        }
        self.think(now)
    }

    /// What it was chosen or approved on cannot be seen any more.
    pub(super) fn unsure(&mut self, cause: Cause, fault: Fault) -> Next {
        let why = match cause {
            Cause::Approved => "not done: the screen could not be seen after a person was asked",
            Cause::BrokeOff => "not done: the run broke off before it, and the screen could not be seen",
            Cause::Secret => "not done: the screen could not be seen before the secret was typed",
        };
        self.remark(why.to_owned());
        self.close(StepResult::NotDone, why.to_owned());
        self.drop_turn_after(StepResult::NotDone);
        self.blind(fault)
    }

    pub(super) fn on_action_result(&mut self, doing: Box<InFlight>, result: ActionResult) -> Next {
        let is_api = self.rules.apis_are_not_the_device && matches!(doing.intent.held.deed(), Deed::Api(_));
        let unanswered = matches!(result, ActionResult::Failed(Fault::TimedOut { .. } | Fault::Nonsense { .. }));
        if !is_api {
            self.tally.timeouts = if unanswered { self.tally.timeouts + 1 } else { 0 };
        }
        let fault = match result {
            ActionResult::Done => {
                self.reassure(&doing);
                self.left_pointer(doing.intent.held.deed());
                // Of several actions of one reply they change the screen together, or not.
                self.touched.get_or_insert(doing.intent.view.hash());
                return self.settle(StepResult::Done, "done".to_owned(), None);
            }
            ActionResult::Told { text } => {
                self.reassure(&doing);
                self.answered = true;
                let told = format!("the API answered: {text}");
                return self.settle(StepResult::Answered, "the API answered".to_owned(), Some(told));
            }
            ActionResult::NoApi => return self.no_api(&doing),
            ActionResult::Failed(fault) => fault,
        };
        self.launched = None;
        let told = match &fault {
            Fault::TimedOut { tries } if is_api => format!("it may or may not have happened: {tries}"),
            fault => fault.in_words(),
        };
        if is_api && unanswered {
            let doubt = self.doubt(&doing).without_answer();
            self.doubts.push(doubt);
        }
        match fault {
            Fault::Lost { why } => self.leave(Stage::Acting(doing), "the device is lost", Outcome::DeviceLost { why }),
            _ if !is_api && self.tally.timeouts >= self.setting.limits.timeouts_max => {
                self.leave(Stage::Acting(doing), "the device does not answer", Outcome::DeviceLost { why: told })
            }
            _ if unanswered => self.settle_and_tell(StepResult::Uncertain, told),
            _ => self.settle_and_tell(StepResult::NotDone, told),
        }
    }

    /// By the old rules every call of an API that was not there was a wish for the notes.
    fn no_api(&mut self, doing: &InFlight) -> Next {
        if let Deed::Api(call) = doing.intent.held.deed()
            && call.name.is_empty()
            && let Some(instruction) = call.text()
            && !self.notes.all().is_empty()
        {
            return self.recall(instruction);
        }
        if self.rules.calls_are_typed {
            let told = "not done: there is no API of this name now; use the screen".to_owned();
            return self.settle_and_tell(StepResult::NotDone, told);
        }
        let told = "not done: no API is registered, and nothing has been noted; use the screen".to_owned();
        self.settle_and_tell(StepResult::NotDone, told)
    }

    /// What a person is asked first about a deed on a screen that may be a doubtful one again.
    pub(super) fn doubtful(&self, deed: &Deed, view: &View, reading: &Reading) -> Option<Question> {
        self.doubts.iter().find_map(|doubt| doubt.question(deed, &view.screen, reading.labels()))
    }

    /// That nobody knows whether this was done.
    pub(super) fn doubt(&self, doing: &InFlight) -> Doubt {
        let action = self.open.as_ref().map_or("", |decided| &decided.action);
        let deed = doing.intent.held.deed();
        let Intent { view, reading, .. } = &doing.intent;
        let doubt = Doubt::new(deed.clone(), action, &view.screen, reading.labels(), self.rules);
        doubt.harmless(self.may_repeat(deed))
    }

    fn may_repeat(&self, deed: &Deed) -> bool {
        match deed {
            Deed::Api(call) => {
                let said = self.setting.policy.api(call).and_then(|(_, said)| said.repeatable);
                said.unwrap_or_else(|| self.rules.calls_are_typed && self.apis.effect(call) == ApiEffect::Reads)
            }
            Deed::Gesture(_) => false,
        }
    }

    /// Something was done for certain: if it was doubtful before, it is not any more.
    fn reassure(&mut self, doing: &InFlight) {
        if !self.rules.doubts_outlive_other_deeds {
            self.doubts.clear();
        }
        let Intent { held, view, reading, .. } = &doing.intent;
        self.doubts.retain_mut(|doubt| doubt.outlives(held.deed(), &view.screen, reading.labels()));
    }
}
