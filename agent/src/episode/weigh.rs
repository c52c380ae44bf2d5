//! What a reply comes to, and whether the run goes round in circles.

use tapwright_contract::model::Reply;

use super::turn::Turn;
use super::{Episode, Reading, Stage, View};
use crate::action::{Action, Call};
use crate::calls::ApiCall;
use crate::dialect::{Dialect, Unclear, autoglm};
use crate::event::{Effect, Next};
use crate::guard;
use crate::limits::clip;
use crate::outcome::Outcome;
use crate::profile::ReplyForm;
use crate::prompt::{self, Exchange};
use crate::step::{Decided, Notice, StepResult};

impl Episode {
    pub(super) fn weigh(&mut self, view: View, info: String, reply: &Reply) -> Next {
        self.steps += 1;
        self.tally.retries = 0;
        self.remarks.clear();
        self.answered = false;
        self.memory.set_prompt_tokens(reply.tokens_in);
        let profile = &self.setting.profile;
        let profile_dialect = profile.dialect;
        let bytes_max = self.setting.limits.reply_bytes;
        let heard = clip(&reply.text, bytes_max);
        let cut = reply.cut || heard.len() < reply.text.len();
        let frame = self.frame(&view.screen);
        let mut said = match self.rules.calls_are_typed {
            true => profile.dialect.read_on(heard, cut, &self.apis, &frame),
            false => profile.dialect.read(heard, cut),
        };
        said.call = said.call.and_then(|call| self.check_call(call));
        if self.rules.thoughts_have_no_marks {
            said.thought = profile.dialect.without_marks(&said.thought);
        }
        let print = |call: &Call| profile.dialect.print_on(call, &frame);
        let action = match &said.call {
            Ok(call) => print(call),
            Err(_) => heard.to_owned(),
        };
        let others = said.rest.iter().filter_map(|call| call.as_ref().ok().map(print));
        let all: Vec<String> = std::iter::once(action.clone()).chain(others).collect();
        let back = match (&said.call, profile.reply) {
            (Ok(_), ReplyForm::Clean) => prompt::clean_reply(&said.thought, &all.join("\n")),
            (Ok(_), ReplyForm::CleanLines) => prompt::clean_reply_in_lines(&said.thought, &all.join("\n")),
            (Ok(_), ReplyForm::Doubled) => prompt::doubled_reply(heard),
            (Ok(_), ReplyForm::Heard) | (Err(_), _) => heard.to_owned(),
        };
        let words = match said.thought.split_once(':') {
            Some((_mark, words)) if profile.marked_thoughts => words.trim_start().to_owned(),
            _ => said.thought.clone(),
        };
        self.memory.add(self.steps, Exchange { info, reply: back }, &all.join("; "), profile);
        self.turn = Turn::new(said.rest, words.clone(), view.screen.id);
        let decided = Decided { step: self.steps, thought: said.thought, action };
        self.notices.push(Notice::Decided(decided.clone()));
        self.open = Some(decided);
        if said.more {
            self.remark(match profile_dialect {
                Dialect::Autoglm => "only the first of your actions was done; write one action a turn".to_owned(),
                Dialect::Computer => "only the first of your actions that stand together were done".to_owned(),
            });
        }
        match said.call {
            Err(unclear) => self.strike(&unclear),
            Ok(Call::Finish { message }) if self.is_finish(&message) => {
                self.end(StepResult::Finished, "finished", Outcome::Done { message })
            }
            Ok(Call::Finish { message } | Call::GiveUp { message }) => {
                self.end(StepResult::GaveUp, "gave up", Outcome::GaveUp { message })
            }
            Ok(Call::Do(action)) => {
                self.tally.strikes = 0;
                self.consider(view, words, action)
            }
        }
    }

    /// Whether what the model says at its end is what it says of things that are done.
    fn is_finish(&self, message: &str) -> bool {
        let done = self.setting.profile.goal_checks.as_ref().map_or(&[][..], |checks| &checks.done);
        done.is_empty() || done.iter().any(|said| said == message.trim())
    }

    /// A call of an API only if there is such an API and its arguments fit: it is not written down, asked about or done before that.
    pub(super) fn check_call(&self, call: Call) -> Result<Call, Unclear> {
        match call {
            Call::Do(Action::CallApi(call)) => match self.apis.check_call(call) {
                Ok(call) => Ok(Call::Do(Action::CallApi(call))),
                Err(invalid) => Err(Unclear(invalid.to_string())),
            },
            // By the old rules it was a call, unless it was about the notes and named no API.
            Call::Do(Action::Recall { instruction }) if !self.rules.calls_are_typed => {
                let names_one = self.apis.beginning(&instruction).is_some();
                Ok(Call::Do(match names_one || !autoglm::asks_for_notes(&instruction) {
                    true => Action::CallApi(ApiCall::from_instruction(&instruction)),
                    false => Action::Recall { instruction },
                }))
            }
            call => Ok(call),
        }
    }

    pub(super) fn strike(&mut self, unclear: &Unclear) -> Next {
        self.tally.strikes += 1;
        if self.tally.strikes >= self.setting.limits.strikes_max {
            let why = format!("{} replies in a row could not be read; the last one: {unclear}", self.tally.strikes);
            return self.end(StepResult::Unclear, "unclear", Outcome::ModelFailed { why });
        }
        self.settle(StepResult::Unclear, format!("unclear: {unclear}"), Some(unclear.to_string()))
    }

    fn consider(&mut self, view: View, thought: String, action: Action) -> Next {
        if let Some(why) = self.goes_round(&view, &action) {
            return self.ask_for_help(why);
        }
        self.attempt(view, thought, action)
    }

    /// The same for an action that does not count as one more round.
    pub(super) fn attempt(&mut self, view: View, thought: String, action: Action) -> Next {
        let text_bytes = self.setting.limits.text_bytes;
        if action.text().is_some_and(|text| text.len() > text_bytes) {
            let why = format!("the text is too long to type; at most {text_bytes} bytes at once");
            return self.settle_and_tell(StepResult::NotDone, why);
        }
        let checks = self.setting.profile.goal_checks.as_ref();
        let keeps_page = self.rules.notes_read_the_page && matches!(action, Action::Note { keeps_page: true, .. });
        if keeps_page || guard::reads(&action, &self.setting.policy, checks, self.rules) {
            self.stage = Stage::Reading { view, action: Box::new(action), thought };
            return Next::Do(Effect::Read);
        }
        if let Action::Launch { app } = &action
            && self.setting.policy.names_apps()
            && self.setting.abilities.is_some_and(|abilities| abilities.app_names)
        {
            let name = app.clone();
            self.stage = Stage::FindingApp { view, name: name.clone(), thought };
            return Next::Do(Effect::FindApp(name));
        }
        self.decide(view, thought, action, Reading::NotAsked)
    }

    /// Why the run is stuck, if it is; and remarks on what looks like it.
    fn goes_round(&mut self, view: &View, action: &Action) -> Option<String> {
        let limits = self.setting.limits.clone();
        let times = self.repeats.count(view.hash(), action, limits.repeats_window);
        if times >= limits.repeats_max {
            return Some(format!("the same action {times} times on the same screen"));
        }
        if action.text().is_some_and(|text| text.len() > limits.text_bytes) {
            return None; // It is not done.
        }
        if times >= limits.repeats_remark {
            self.remark(format!("you have done this {times} times on the same screen; do something else"));
        }
        self.tally.waits = if matches!(action, Action::Wait { .. }) { self.tally.waits + 1 } else { 0 };
        let waits = self.tally.waits;
        if waits >= limits.waits_max {
            return Some(format!("{waits} waits in a row"));
        }
        if waits >= limits.waits_remark {
            self.remark(format!("you have waited {waits} times in a row; go back and try another way"));
        }
        if action.touches() {
            let rounds = self.back_and_forth.count(view.hash());
            if rounds >= limits.rounds_max {
                return Some(format!("back and forth between two screens for {rounds} actions"));
            }
            if rounds >= limits.rounds_remark {
                self.remark(format!(
                    "for {rounds} actions you have gone back and forth between the same two screens; try another way"
                ));
            }
        }
        if self.rules.longer_loops_are_seen
            && let Some(found) = self.loops.add(&view.screen, action)
        {
            if found.rounds >= limits.loops_max {
                return Some(format!("the same {} actions, {} times over", found.steps, found.rounds));
            }
            if found.rounds >= limits.loops_remark {
                self.remark(format!(
                    "you have done the same {} actions {} times over; if that is not what the goal asks for, stop or try another way",
                    found.steps, found.rounds
                ));
            }
        }
        None
    }

    /// What went round in circles before does not count any more.
    pub(super) fn forget_repeats(&mut self) {
        self.repeats.forget();
        self.back_and_forth.forget();
        self.loops.forget();
        self.tally.after_help();
    }
}
