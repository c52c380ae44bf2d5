//! A run that is over, written out as a workflow that needs no model: what was touched by what was written on it, what was typed, what was
//! called. Where nothing was written a place alone is not enough, and the step becomes a goal for a model.

use std::fmt::Write as _;

use serde_json::Value;
use tapwright_agent::action::{Action, Call};
use tapwright_agent::calls::ApiCall;
use tapwright_agent::dialect::Dialect;
use tapwright_agent::guard::Deed;
use tapwright_agent::journal::{EffectLine, EventLine, Line, Record, Step};
use tapwright_agent::outcome::Outcome;
use tapwright_agent::step::{Decided, StepResult};
use tapwright_contract::device::{Front, Label};
use tapwright_contract::gesture::{Button, Clicks, Gesture, Key};
use tapwright_contract::{Size, Spot};

use crate::judge::Verdict;
use crate::step_mark::without_mark;

use super::steps::{Found, Target, find, find_field, in_words, is_field, middle, role_word};
use super::values::escaped;

/// Why a run cannot be written out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordingError {
    /// It has done nothing that could be done again.
    #[error("the run {run} is not known to have done anything that could be written out")]
    Empty { run: String },
    /// It is not known to have reached its goal.
    #[error("the run {run} ended with `{outcome}`, and only one that ended with `done` is written out")]
    NotDone { run: String, outcome: &'static str },
    /// It is known not to have reached its goal.
    #[error("the run {run} says that it is done, and the device says otherwise: {why}")]
    Failed { run: String, why: String },
    /// Nobody asked what was written where it touched.
    #[error("step {step} of the run {run} touched something, and its record does not tell what is written there")]
    NoLabels { run: String, step: u32 },
}

impl RecordingError {
    /// What to do next.
    pub fn help(&self) -> &'static str {
        match self {
            RecordingError::Empty { .. } | RecordingError::NotDone { .. } => {
                "see which runs there are with: tapwright runs"
            }
            RecordingError::Failed { .. } => {
                "run it again until its verdict is `passed`; if what was expected is wrong, judge it again: tapwright judge RUN --expect FACT=VALUE"
            }
            RecordingError::NoLabels { .. } => {
                "make it once more by a policy that reads what is touched: --policy careful, or without_labels = \"ask\" under [policy]"
            }
        }
    }
}

/// A workflow, and how much of it needs a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    pub toml: String,
    pub steps: usize,
    /// Steps that could not be written by label.
    pub for_model: usize,
    /// Those that are left out, as nobody knows whether the run did them: a comment each.
    pub doubtful: usize,
}

/// Writes a run out. One that `verdict` calls failed is refused; without a verdict `done` is enough.
///
/// # Errors
/// `RecordingError` if that cannot be done.
pub fn recording(record: &Record, verdict: Option<&Verdict>) -> Result<Recording, RecordingError> {
    let run = record.facts.run.clone();
    match record.end().map(|end| &end.outcome) {
        Some(Outcome::Done { .. }) => {}
        other => {
            let outcome = other.map_or("no end", Outcome::id);
            return Err(RecordingError::NotDone { run, outcome });
        }
    }
    if let Some(Verdict::Failed { why }) = verdict {
        return Err(RecordingError::Failed { run, why: why.clone() });
    }
    let goal: String = record.facts.setting.goal.lines().next().unwrap_or_default().chars().take(100).collect();
    let mut writer = Writer { run, ..Writer::default() };
    for entry in &record.entries {
        writer.line(&entry.line)?;
    }
    writer.untyped();
    if writer.steps == 0 {
        return Err(RecordingError::Empty { run: writer.run });
    }
    let mut toml = format!(
        "# Written out from the run {} on {}. Read it before it is run: tapwright run --plan FILE\nplan = {}\n",
        comment(&writer.run),
        comment(&record.facts.device),
        text(&goal)
    );
    toml += &writer.toml;
    Ok(Recording { toml, steps: writer.steps, for_model: writer.for_model, doubtful: writer.doubtful })
}

#[derive(Default)]
struct Writer {
    run: String,
    toml: String,
    steps: usize,
    for_model: usize,
    doubtful: usize,
    front: Option<Front>,
    labels: Option<Vec<Label>>,
    deed: Option<Deed>,
    /// Which way was scrolled since the last touch.
    scrolled: Option<&'static str>,
    /// A touch of a field that only its caption names: the caption, and what the touch is if no text follows.
    captioned: Option<(String, String)>,
    /// Whether the next step begins a part of its own.
    begins: bool,
    parts: usize,
}

impl Writer {
    fn line(&mut self, line: &Line) -> Result<(), RecordingError> {
        match line {
            Line::Run(_) => self.begins = true,
            Line::Event(EventLine::Saw { front, .. }) => self.front = Some(front.clone()),
            Line::Event(EventLine::Read(labels)) => self.labels.clone_from(labels),
            Line::Decided(_) => (self.labels, self.deed) = (None, None),
            Line::Effect(EffectLine::Act(deed)) => self.deed = Some(deed.clone()),
            Line::Step(step) => return self.step(step),
            Line::Effect(_) | Line::Event(_) | Line::End(_) => {}
        }
        Ok(())
    }

    fn step(&mut self, step: &Step) -> Result<(), RecordingError> {
        let Step { decided, result, .. } = step;
        match result {
            StepResult::Done | StepResult::Answered => {}
            StepResult::Person => {
                self.untyped();
                self.for_a_model(&words_of(decided), "a person did this");
                return Ok(());
            }
            StepResult::Uncertain => {
                match &self.deed {
                    // It was touched for what may have been typed then.
                    Some(Deed::Gesture(Gesture::Type { .. } | Gesture::Insert { .. })) => {
                        if let Some((caption, _)) = self.captioned.take() {
                            self.leave_out(&format!("a touch of the field at {caption:?}"));
                        }
                    }
                    _ => self.untyped(),
                }
                self.leave_out(&words_of(decided));
                return Ok(());
            }
            StepResult::Finished
            | StepResult::GaveUp
            | StepResult::Noted
            | StepResult::Recalled
            | StepResult::Waited
            | StepResult::Refused
            | StepResult::Unclear
            | StepResult::NotDone
            | StepResult::Stuck
            | StepResult::Suspended
            | StepResult::Ended => return Ok(()),
        }
        if !matches!(&self.deed, Some(Deed::Gesture(Gesture::Type { .. } | Gesture::Insert { .. }))) {
            self.untyped();
        }
        match self.deed.take() {
            Some(Deed::Api(call)) => self.call(&call),
            Some(Deed::Gesture(gesture)) => return self.gesture(&gesture, decided),
            None => {}
        }
        Ok(())
    }

    fn gesture(&mut self, gesture: &Gesture, decided: &Decided) -> Result<(), RecordingError> {
        match gesture {
            Gesture::Launch { app } => self.write(&format!("open = {}", template(app)), None),
            Gesture::Tap { at } => return self.touch("press", "", *at, decided),
            Gesture::DoubleTap { at } => return self.touch("press", "twice = true\n", *at, decided),
            Gesture::LongPress { at, .. } => return self.touch("hold", "", *at, decided),
            Gesture::Click { at, button, count, modifiers } => match (button, count, modifiers.is_empty()) {
                (Button::Left, Clicks::Single, true) => return self.touch("press", "", *at, decided),
                (Button::Left, Clicks::Double, true) => return self.touch("press", "twice = true\n", *at, decided),
                (Button::Right, Clicks::Single, true) => return self.touch("press", "right = true\n", *at, decided),
                _ => self.for_a_model(&words_of(decided), "a click that no step can do"),
            },
            Gesture::Type { text } => self.type_text(text, false),
            Gesture::Insert { text } => self.type_text(text, true),
            Gesture::Press { key } => {
                let key = match key {
                    Key::Back => "back",
                    Key::Home => "home",
                    Key::Enter => "enter",
                };
                self.write(&format!("keys = {}", text(key)), None);
            }
            Gesture::Chord { modifiers, key } => {
                let action = Action::Chord { modifiers: modifiers.clone(), key: key.clone() };
                let said = Dialect::Computer.print(&Call::Do(action));
                let keys = said.strip_prefix("hotkey(keys=").and_then(|rest| rest.strip_suffix(')'));
                match keys.and_then(|keys| serde_json::from_str::<String>(keys).ok()) {
                    Some(keys) => self.write(&format!("keys = {}", text(&keys)), None),
                    None => self.for_a_model(&words_of(decided), "a key that no step can press"),
                }
            }
            Gesture::Swipe { from, to, .. } if from.x.abs_diff(to.x) < from.y.abs_diff(to.y) => {
                self.scrolled = Some(if to.y < from.y { "" } else { "up = true\n" });
            }
            Gesture::Scroll { right: 0, down, .. } => {
                self.scrolled = Some(if *down > 0 { "" } else { "up = true\n" });
            }
            Gesture::Move { .. } => {}
            Gesture::Swipe { .. } | Gesture::Scroll { .. } | Gesture::Drag { .. } | Gesture::Window { .. } => {
                self.for_a_model(&words_of(decided), "a gesture that no step can do");
            }
        }
        Ok(())
    }

    /// A touch, by what is written under the finger: as the only thing of the screen that is so called.
    fn touch(&mut self, verb: &str, more: &str, at: Spot, decided: &Decided) -> Result<(), RecordingError> {
        let Some(labels) = self.labels.take() else {
            return Err(RecordingError::NoLabels { run: self.run.clone(), step: decided.step });
        };
        let Some((target, label)) = target_at(&labels, at) else {
            let why = format!("it touched {},{}, where nothing is written that tells it apart", at.x, at.y);
            match caption_of(&labels, at).filter(|_| verb == "press" && more.is_empty()) {
                // `into` touches it.
                Some(caption) => {
                    if let Some(up) = self.scrolled.take() {
                        let app = self.app();
                        self.write(&format!("scroll = {}\n{up}{app}", template(&caption)), None);
                    }
                    self.captioned = Some((caption, words_of(decided)));
                }
                None => self.for_a_model(&words_of(decided), &why),
            }
            return Ok(());
        };
        if let Some(up) = self.scrolled.take() {
            let app = self.app();
            self.write(&format!("scroll = {}\n{}{up}{app}", template(&target.text), keys_of(&target)), None);
        }
        let seen = format!("{} of {}", in_words(&label), self.front.as_ref().map_or("", |front| front.name()));
        let place = format!("at = [{}, {}]\n", at.x, at.y);
        let app = self.app();
        let target = format!("{}\n{}", template(&target.text), keys_of(&target));
        self.write(&format!("{verb} = {target}{more}{place}{app}"), Some(&seen));
        Ok(())
    }

    fn type_text(&mut self, typed: &str, adds: bool) {
        let labels = self.labels.take().unwrap_or_default();
        let focused: Vec<&Label> = labels.iter().filter(|label| label.focused && is_field(label)).collect();
        let size = size_of(&labels);
        let into = match focused[..] {
            [field] => field.text.lines().rev().map(str::trim).filter(|line| !line.is_empty()).find(
                |line| matches!(find_field(&Target::of(line), &labels, size), Found::One(found) if found == field),
            ),
            _ => None,
        };
        // What a field holds is what the run typed before, and not what it is called.
        let into = into.filter(|line| *line != typed).map(str::to_owned);
        let into = self.captioned.take().map(|(caption, _)| caption).or(into);
        let into = into.map_or_else(String::new, |name| format!("into = {}\n", template(&name)));
        let add = if adds { "add = true\n" } else { "" };
        let app = self.app();
        self.write(&format!("type = {}\n{into}{add}{app}", template(typed)), None);
    }

    fn call(&mut self, call: &ApiCall) {
        let with = toml_of(&call.arguments).map_or_else(String::new, |with| format!("\nwith = {with}"));
        self.write(&format!("call = {}{with}", text(&call.name)), None);
    }

    fn app(&self) -> String {
        let id = self.front.as_ref().map_or("", |front| front.id.as_str());
        if id.is_empty() { String::new() } else { format!("app = {}\n", template(id)) }
    }

    /// Of a field that was touched by its caption, and into which nothing was typed, a model has to see to.
    fn untyped(&mut self) {
        if let Some((caption, thought)) = self.captioned.take() {
            self.for_a_model(&thought, &format!("it touched the field at {caption:?}, and nothing was typed"));
        }
    }

    fn for_a_model(&mut self, thought: &str, why: &str) {
        let goal =
            format!("Do this one thing on the screen as it is, and nothing else: {}", thought.replace('{', "{ "));
        let _ = write!(self.toml, "\n# {}\n[[step]]\ngoal = {}\n", comment(why), text(&goal));
        self.steps += 1;
        self.for_model += 1;
        (self.begins, self.scrolled) = (true, None);
    }

    /// What the run may have done or not: done again it could be done twice, so whoever reads the file decides.
    fn leave_out(&mut self, thought: &str) {
        let why = format!("Left out, as nobody knows whether the run did it; if it did, it belongs here: {thought}");
        let _ = write!(self.toml, "\n# {}\n", comment(&why));
        self.doubtful += 1;
    }

    fn write(&mut self, body: &str, seen: Option<&str>) {
        let seen = seen.map_or_else(String::new, |seen| format!("# {}\n", comment(seen)));
        let mut begins = String::new();
        if std::mem::take(&mut self.begins) {
            self.parts += 1;
            begins = format!("name = \"part-{}\"\non_failure = \"hand_over\"\n", self.parts);
        }
        let _ = write!(self.toml, "\n{seen}[[step]]\n{begins}{}\n", body.trim_end());
        self.steps += 1;
    }
}

fn keys_of(target: &Target) -> String {
    let key = |name: &str, value: Option<String>| value.map_or_else(String::new, |value| format!("{name} = {value}\n"));
    key("role", target.role.as_deref().map(text)) + &key("beside", target.beside.as_deref().map(template))
}

/// The words by which the thing at a place is found and nothing else is.
fn target_at(labels: &[Label], at: Spot) -> Option<(Target, Label)> {
    let size = size_of(labels);
    let mut here: Vec<&Label> = labels.iter().filter(|label| label.area.holds(at.x, at.y)).collect();
    // What reacts, and the words in it, the innermost first.
    here.sort_by_key(|label| label.area.pixels());
    let touched = here.iter().find(|label| label.touchable).or(here.first()).copied()?;
    let lies_in = |label: &&Label| {
        let (x, y) = middle(&label.area);
        touched.area.holds(x, y) && label.area.pixels() <= touched.area.pixels()
    };
    let texts = labels.iter().filter(lies_in).chain(here.iter().copied());
    let names: Vec<&str> =
        texts.flat_map(|label| label.text.lines()).map(str::trim).filter(|line| !line.is_empty()).collect();
    let role = touched.role.as_deref().and_then(role_word).map(str::to_owned);
    let in_row =
        labels.iter().filter(|label| label.area.top < touched.area.bottom && touched.area.top < label.area.bottom);
    let marks: Vec<&str> =
        in_row.flat_map(|label| label.text.lines()).map(str::trim).filter(|line| !line.is_empty()).collect();
    let is_meant = |target: &Target| match find(target, labels, size) {
        // What holds it is touched in the middle, where something else may lie.
        Found::One(found) => {
            let (x, y) = middle(&found.area);
            found == touched || lies_in(&found) || found.area.holds(at.x, at.y) && touched.area.holds(x, y)
        }
        Found::None | Found::Several(_) => false,
    };
    let plain = names.iter().map(|name| Target::of(name));
    let with_role = names.iter().map(|name| Target { role: role.clone(), ..Target::of(name) });
    let beside = names.iter().flat_map(|name| {
        let (role, marks) = (role.clone(), &marks);
        marks.iter().filter(move |mark| *mark != name).map(move |mark| Target {
            role: role.clone(),
            beside: Some((*mark).to_owned()),
            ..Target::of(name)
        })
    });
    let is_short = |target: &Target| target.text.chars().count() <= 200;
    let target = plain.chain(with_role).chain(beside).filter(is_short).find(is_meant)?;
    Some((target, touched.clone()))
}

/// The caption by which the field at a place is found.
fn caption_of(labels: &[Label], at: Spot) -> Option<String> {
    let size = size_of(labels);
    let is_here = |field: &Label| is_field(field) && field.area.holds(at.x, at.y);
    let mut lines = labels.iter().flat_map(|label| label.text.lines()).map(str::trim).filter(|line| !line.is_empty());
    let is_its =
        |line: &str| matches!(find_field(&Target::of(line), labels, size), Found::One(field) if is_here(field));
    lines.find(|line| line.chars().count() <= 200 && is_its(line)).map(str::to_owned)
}

/// What a model said that it does.
fn words_of(decided: &Decided) -> String {
    let thought = if decided.thought.trim().is_empty() { &decided.action } else { without_mark(&decided.thought) };
    thought.chars().take(500).collect()
}

/// A display that all of them are on.
fn size_of(labels: &[Label]) -> Size {
    let width = labels.iter().map(|label| label.area.right).max().unwrap_or(1);
    let height = labels.iter().map(|label| label.area.bottom).max().unwrap_or(1);
    Size { width: width.max(1), height: height.max(1) }
}

/// A text as TOML has it.
fn text(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// The same of a text in which values are put in: what looks like a value's name, and is none of a secret's, is what the run typed or saw.
fn template(typed: &str) -> String {
    text(&escaped(typed))
}

fn comment(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// Arguments as an inline table; `None` if there are none.
fn toml_of(arguments: &Value) -> Option<toml::Value> {
    let value = toml::Value::try_from(as_template(arguments)).ok()?;
    let is_empty = value.as_table().is_none_or(toml::Table::is_empty);
    (!is_empty).then_some(value)
}

/// Arguments without what TOML has no word for, and each text as a plan writes it.
fn as_template(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let there = fields.iter().filter(|(_, field)| !field.is_null());
            Value::Object(there.map(|(name, field)| (name.clone(), as_template(field))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().filter(|item| !item.is_null()).map(as_template).collect()),
        Value::String(text) => Value::String(escaped(text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;
    use tapwright_contract::ScreenId;
    use tapwright_contract::device::Area;

    use super::super::values::fill;
    use super::super::{Outputs, Plan, Work};
    use super::*;

    /// A field without words in a dialog that has some: the middle of the dialog is another place, and the caption leads to the field.
    #[test]
    fn a_field_without_words_is_found_by_its_caption_and_not_by_what_it_lies_in() {
        let label = |role: &str, text: &str, [left, top, right, bottom]: [u32; 4]| Label {
            text: text.to_owned(),
            area: Area { left, top, right, bottom },
            touchable: role == "TextField",
            focused: false,
            secret: false,
            app: None,
            role: Some(role.to_owned()),
            value: None,
            is_on: None,
        };
        let labels = [
            label("FileChooser", "File Chooser Widget", [0, 0, 1280, 800]),
            label("Label", "Name:", [560, 35, 610, 60]),
            label("TextField", "", [620, 30, 720, 65]),
            label("TextField", "", [620, 370, 720, 400]),
        ];
        let size = Size { width: 1280, height: 800 };
        let at = Spot { x: 668, y: 47, of: ScreenId::from(size) };
        assert_eq!(target_at(&labels, at), None);
        assert_eq!(caption_of(&labels, at).as_deref(), Some("Name:"));
        let mut writer = Writer { captioned: Some(("Name:".to_owned(), "thought".to_owned())), ..Writer::default() };
        writer.type_text("by hand.txt", false);
        writer.untyped();
        assert_eq!((writer.steps, writer.for_model), (1, 0), "{}", writer.toml);
        assert!(writer.toml.contains("into = \"Name:\""), "{}", writer.toml);
        writer.captioned = Some(("Name:".to_owned(), "thought".to_owned()));
        writer.untyped();
        assert_eq!((writer.steps, writer.for_model), (2, 1), "{}", writer.toml);
    }

    #[test]
    fn what_may_have_been_done_is_left_out_and_told() {
        let mut writer = Writer::default();
        let step = |result| Step {
            decided: Decided { step: 1, thought: "Pay\nnow".to_owned(), action: String::new() },
            result,
            summary: String::new(),
            look_ms: 0,
            think_ms: 0,
            ask_ms: 0,
            act_ms: 0,
            tokens_in: 0,
            tokens_out: 0,
        };
        writer.line(&Line::Step(step(StepResult::Uncertain))).unwrap();
        assert_eq!((writer.steps, writer.doubtful), (0, 1));
        assert!(writer.toml.contains("it belongs here: Pay now\n"), "{}", writer.toml);
        writer.line(&Line::Step(step(StepResult::NotDone))).unwrap();
        assert_eq!((writer.steps, writer.doubtful), (0, 1));
    }

    /// What a run typed is typed again as it was, and is no value's name.
    #[test]
    fn braces_that_a_run_typed_stay_braces() {
        for typed in ["{{name}}", "a {{ b }} {{{c}}}", "{{secret:pin}}", "{{{secret:pin}} {{", "{ {", "'{{'"] {
            let mut writer = Writer::default();
            writer.type_text(typed, false);
            let arguments = json!({ "text": typed, "all": [typed], "none": null });
            writer.call(&ApiCall { name: "notes.add".to_owned(), arguments });
            let written = format!("plan = \"p\"\n{}", writer.toml);
            let plan = Plan::parse(Path::new("p"), &written, &[].into());
            let plan = plan.unwrap_or_else(|wrong| panic!("{typed}: {wrong}\n{written}"));
            let Work::Steps(steps) = &plan.goals[0].work else { panic!("they are steps") };
            let texts: Vec<&str> = steps.iter().flat_map(|step| step.texts()).collect();
            assert_eq!(texts.len(), 3, "{written}");
            for text in texts {
                assert_eq!(fill(text, &Outputs::new()).as_deref(), Ok(typed), "{written}");
            }
        }
    }
}
