//! What comes of an action: it is done, asked about, refused, or something that the run does by itself.

use tapwright_contract::device::InstalledApp;
use tapwright_contract::model::Reply;

use super::{Cause, Episode, Intent, Reading, Recheck, Setting, Stage, View};
use crate::action::{Action, Call};
use crate::event::{AppSearch, Effect, Fault, Next};
use crate::guard::{self, Internal, Review};
use crate::limits::clip;
use crate::notes::page;
use crate::outcome::Outcome;
use crate::person::{Answer, Question};
use crate::prompt;
use crate::step::StepResult;

impl Episode {
    pub(super) fn decide(&mut self, view: View, thought: String, action: Action, reading: Reading) -> Next {
        match guard::review(&action, self.context(&view.screen, &reading, &thought)) {
            Review::Do(vetted) => {
                if let Action::Launch { app } = &action
                    && self.rules.launches_are_checked
                    && !view.screen.front.id.is_empty()
                {
                    self.launched = Some((app.clone(), view.screen.front.id.clone()));
                }
                let doubt = self.doubtful(vetted.deed(), &view, &reading);
                let doubted = doubt.is_some();
                let intent = Intent { held: vetted.to_held(), action, thought, view, reading, asked: None, doubted };
                match doubt {
                    Some(question) => self.ask_about(question, intent),
                    None if self.rules.secrets_are_looked_at_again && intent.held.deed().has_secret() => {
                        self.recheck(Recheck { cause: Cause::Secret, question: None, intent })
                    }
                    None => self.act(vetted, None, intent),
                }
            }
            Review::Ask(question, held) => {
                let doubt = self.doubtful(held.deed(), &view, &reading);
                let (asked, doubted) = (Some(question.clone()), doubt.is_some());
                let question = match doubt {
                    Some(doubt) => question.with(doubt.message()),
                    None => question,
                };
                self.ask_about(question, Intent { held, action, thought, view, reading, asked, doubted })
            }
            Review::HandOver(mut question) => {
                // `Interact` seldom says between what one is to choose; its thought does.
                if let Question::Choose { message } = &mut question
                    && message.is_empty()
                {
                    *message = thought;
                }
                match self.preset_answer(&question) {
                    Some(answer) => self.on_hand_over(question, answer),
                    None => self.ask(question.clone(), Stage::HandedOver { question }),
                }
            }
            Review::Refuse { why } => self.refuse(why),
            Review::Wrong { why } => self.settle_and_tell(StepResult::NotDone, format!("not done: {why}")),
            Review::Internal(Internal::Wait { duration }) => {
                let time = duration.min(self.setting.limits.wait_max);
                self.stage = Stage::Waiting { time };
                Next::Do(Effect::Pause(time))
            }
            Review::Internal(Internal::Recall { .. }) if self.rules.calls_are_typed && self.notes.all().is_empty() => {
                let none = if self.apis.is_empty() {
                    "no API is registered, and nothing has been noted"
                } else {
                    "nothing has been noted"
                };
                self.settle_and_tell(StepResult::NotDone, format!("not done: {none}; use the screen"))
            }
            Review::Internal(Internal::Recall { instruction }) => self.recall(&instruction),
            Review::Internal(Internal::Note { message, keeps_page }) => {
                let page = reading.labels().map(|labels| page(&view.screen.front, labels));
                let note = match page.filter(|page| !page.is_empty()) {
                    Some(page) => clip(&page, self.setting.limits.note_bytes).to_owned(),
                    None if keeps_page => thought,
                    None => message,
                };
                let all = self.notes.keep(&note);
                let remark = (!all).then(|| "the notes are full; this was not kept in full".to_owned());
                self.settle(StepResult::Noted, "noted".to_owned(), remark)
            }
        }
    }

    /// Which app a name stands for: it is judged, and launched by its id. A slip, a label and an alias are names, too.
    pub(super) fn found_app(&mut self, view: View, name: String, thought: String, search: AppSearch) -> Next {
        let policy = &self.setting.policy;
        let apps = match search {
            AppSearch::Found(apps) => apps,
            AppSearch::Failed(Fault::Lost { why }) => {
                let stage = Stage::FindingApp { view, name, thought };
                return self.leave(stage, "the device is lost", Outcome::DeviceLost { why });
            }
            AppSearch::Failed(Fault::TimedOut { tries: why } | Fault::Nonsense { why }) => {
                self.tally.timeouts += 1;
                let told = format!("not done: the device did not tell which app {name:?} is: {why}");
                if self.tally.timeouts >= self.setting.limits.timeouts_max {
                    let stage = Stage::FindingApp { view, name, thought };
                    return self.leave(stage, "the device does not answer", Outcome::DeviceLost { why: told });
                }
                return self.settle_and_tell(StepResult::NotDone, told);
            }
            AppSearch::Failed(fault) => return self.settle_and_tell(StepResult::NotDone, fault.in_words()),
        };
        let allowed = |app: &&InstalledApp| !policy.forbids_launching(&name, app);
        match &apps[..] {
            [app] if allowed(&app) => {
                let action = Action::Launch { app: app.id.clone() };
                self.decide(view, thought, action, Reading::NotAsked)
            }
            [_] => self.refuse(format!("the app {name:?} must not be used in this task")),
            _ => {
                let like = apps.iter().filter(allowed).map(|app| app.id.clone()).collect();
                self.settle_and_tell(StepResult::NotDone, Fault::NoSuchApp { app: name, like }.in_words())
            }
        }
    }

    pub(super) fn ask_about(&mut self, question: Question, intent: Intent) -> Next {
        self.ask(question.clone(), Stage::Confirming { question, intent: Box::new(intent) })
    }

    pub(super) fn recall(&mut self, instruction: &str) -> Next {
        let notes = self.notes.in_one_line();
        let Setting { profile, .. } = &self.setting;
        if !self.rules.long_notes_are_summed_up || !profile.summaries || notes.len() <= self.result_bytes() {
            return self.tell_notes(notes);
        }
        let prompt = prompt::summary(profile, instruction, &notes, self.result_bytes());
        self.stage = Stage::Summing { notes };
        Next::Do(Effect::Think(prompt))
    }

    fn preset_answer(&self, question: &Question) -> Option<Answer> {
        let answers = &self.setting.policy.answers;
        match question {
            Question::Choose { .. } => answers.choose.clone().map(Answer::Choice),
            Question::TakeOver { .. } => answers.no_take_over.then_some(Answer::No),
            Question::Confirm { .. } | Question::Permit { .. } | Question::Again { .. } => None,
        }
    }

    pub(super) fn on_summary(&mut self, reply: &Reply) -> Next {
        let said = self.setting.profile.dialect.read(&reply.text, reply.cut);
        let words = match said.call {
            Ok(Call::Finish { message }) => message,
            _ => prompt::plain(&reply.text),
        };
        let words = clip(&words, self.result_bytes());
        self.tell_notes(format!("what your notes come to: {words}"))
    }

    pub(super) fn tell_notes(&mut self, told: String) -> Next {
        self.answered = true;
        self.settle(StepResult::Recalled, "notes recalled".to_owned(), Some(told))
    }
}
