//! What comes of a look, and what the model is asked then.

use std::time::Duration;

use tapwright_contract::api::ApiSpec;
use tapwright_contract::gesture::Abilities;

use super::{Episode, Setting, Stage, View};
use crate::calls::ApiCatalog;
use crate::event::{Effect, Fault, Next, NoReply};
use crate::limits::clip;
use crate::outcome::Outcome;
use crate::person::Question;
use crate::prompt;
use crate::step::StepResult;

impl Episode {
    pub(super) fn look(&mut self) -> Next {
        if self.steps >= self.setting.limits.steps_max {
            return self.end(StepResult::Ended, "", Outcome::OutOfSteps);
        }
        self.stage = Stage::Looking;
        Next::Do(Effect::Look)
    }

    /// Other APIs are there now; what was to be looked at is looked at.
    pub(super) fn on_offered_apis(&mut self, stage: Stage, apis: &[ApiSpec]) -> Next {
        self.apis = ApiCatalog::of(apis);
        self.stage = stage;
        Next::Do(Effect::Look)
    }

    pub(super) fn blind(&mut self, fault: Fault) -> Next {
        self.tally.looks += 1;
        let again = self.tally.looks < self.setting.limits.looks_max;
        match fault {
            Fault::Lost { why } => self.end(StepResult::Ended, "", Outcome::DeviceLost { why }),
            _ if again => {
                self.stage = Stage::LookPause;
                Next::Do(Effect::Pause(self.setting.limits.look_pause))
            }
            Fault::Hidden { why } | Fault::Refused { why } => {
                self.tally.looks = 0;
                self.remark(format!("the screen could not be seen for a while: {why}"));
                let question = Question::TakeOver { message: format!("the screen cannot be seen: {why}") };
                self.ask(question.clone(), Stage::AskingToUnlock { question })
            }
            fault => self.end(StepResult::Ended, "", Outcome::DeviceLost { why: fault.in_words() }),
        }
    }

    pub(super) fn think(&mut self, view: View) -> Next {
        self.tally.looks = 0;
        let view = match self.next_of_turn(view) {
            Ok(next) => return next,
            Err(view) => view,
        };
        if let Some(before) = self.touched.take() {
            self.tally.unmoved = if before == view.hash() { self.tally.unmoved + 1 } else { 0 };
            let told = format!("the last {} actions have not changed the screen", self.tally.unmoved);
            if self.tally.unmoved >= self.setting.limits.unmoved_max {
                return self.ask_for_help(told);
            }
            if self.tally.unmoved >= 2 {
                self.remark(told);
            }
        }
        self.remarks.extend(self.doubts.iter_mut().filter_map(|doubt| doubt.remark(&view.screen)));
        self.remark_on_a_launch(&view);
        let front = &view.screen.front;
        let limits = &self.setting.limits;
        let app = clip(front.name(), limits.remark_bytes);
        let bytes_max = if self.answered { self.result_bytes() } else { limits.remark_bytes };
        let remark = self.remarks.join("; ");
        let remark = (self.setting.profile.remarks && !remark.is_empty()).then(|| clip(&remark, bytes_max));
        let info = prompt::info(app, remark);
        let Setting { profile, goal, date, limits, abilities, .. } = &self.setting;
        let goal = prompt::with_apis(goal, &profile.dialect.offer(&self.apis));
        let cannot = abilities.map_or_else(Vec::new, |abilities| profile.dialect.cannot_say(abilities));
        let goal = prompt::with_limits(goal, &cannot);
        let notes = self.notes.brief(limits.remark_bytes);
        match self.memory.prompt(profile, &goal, date, &notes, &info, &view.screen.picture) {
            Ok(mut prompt) => {
                if abilities.is_some() || !self.apis.is_empty() {
                    let abilities = abilities.unwrap_or(Abilities::PHONE);
                    let frame = profile.frame(view.screen.id.size);
                    let (dialect, tokens_max) = (profile.dialect, profile.tokens_max);
                    prompt.grammar = Some(dialect.grammar_on(tokens_max, abilities, &self.apis, &frame));
                }
                self.stage = Stage::Thinking { view, info };
                Next::Do(Effect::Think(prompt))
            }
            Err(too_long) => self.end(StepResult::Ended, "", Outcome::ModelFailed { why: too_long.to_string() }),
        }
    }

    fn remark_on_a_launch(&mut self, view: &View) {
        let front = &view.screen.front;
        if let Some((app, before)) = self.launched.take()
            && front.id == before
            && !is_called(&app, [&front.id, &front.label])
        {
            self.remark(format!("{app:?} was launched, but {:?} is still in front", front.name()));
        }
    }

    pub(super) fn silent(&mut self, silence: NoReply) -> Next {
        let limits = &self.setting.limits;
        if !silence.may_pass || self.tally.retries >= limits.retries_max {
            return self.end(StepResult::Ended, "", Outcome::ModelFailed { why: silence.why });
        }
        let pause = limits.pause_after(self.tally.retries);
        // Asked earlier than it said, it would only say so again; but it may not hold up a run for longer than it may think.
        let asked = silence.retry_after_ms.map(Duration::from_millis).unwrap_or_default();
        if asked > limits.think {
            let why = format!("{}; it asks to be left alone for {} s", silence.why, asked.as_secs());
            return self.end(StepResult::Ended, "", Outcome::ModelFailed { why });
        }
        let pause = pause.max(asked);
        self.tally.retries += 1;
        self.stage = Stage::BackingOff;
        // Then look again: nothing is decided on a screen from before the pause.
        Next::Do(Effect::Pause(pause))
    }

    /// The most that an answer may have.
    pub(super) fn result_bytes(&self) -> usize {
        self.setting.limits.result_bytes.max(self.setting.limits.remark_bytes)
    }
}

/// Whether one of an app's names is what it was called, or near it.
fn is_called(app: &str, names: [&String; 2]) -> bool {
    let bare =
        |name: &str| -> String { name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect() };
    let app = bare(app);
    names
        .into_iter()
        .map(|name| bare(name))
        .any(|name| !name.is_empty() && !app.is_empty() && (name.contains(&app) || app.contains(&name)))
}
