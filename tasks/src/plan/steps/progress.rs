//! How far a run of steps has come, as its journal tells: the same lines give the same progress, in the process that wrote them and in
//! the one that goes on.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tapwright_agent::action::{Action, Call};
use tapwright_agent::dialect::Dialect;
use tapwright_agent::event::{ActionResult, Fault};
use tapwright_agent::journal::{Entry, EventLine, Line};
use tapwright_agent::step::{Decided, StepResult};
use tapwright_contract::ScreenId;
use tapwright_contract::device::Front;
use tapwright_drivers::desktop::is_no_file;

use super::condition::{ConditionVerdict, FilePages, InquiryAnswer};
use super::{Condition, Step, StepAction, StepOutput};
use crate::plan::values::{OutputKind, Outputs, fill, number};
use crate::step_mark::{Mark, ScreenPrint};

/// How often what was not done is tried.
pub const TRIES_MAX: u32 = 3;
/// The most of one value.
const VALUE_BYTES_MAX: usize = 64 << 10;

/// How far a run has come.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    steps: Vec<Step>,
    /// What the plan knew when the run began.
    known: Outputs,
    /// Which step is to be done, from 0, and which part of it.
    pub at: (usize, usize),
    /// What came of this part so far.
    pub last: LastTry,
    /// Whether this part may have been done, whatever was found out since; and what the screen said when it was decided on.
    doubt: Option<ScreenPrint>,
    /// How often in a row it was not done.
    pub tries: u32,
    /// What was found out.
    pub outputs: Outputs,
    /// What the present step has found of a list so far.
    pub extracted: Vec<String>,
    /// What cannot be mended: what was found out is not what it is to be.
    pub failure: Option<StepFailure>,
    /// The display that was seen last, and the app in front of it.
    pub seen: Option<(ScreenId, Front)>,
    /// How far the file is read that the present part is about.
    pub pages: FilePages,
    action: String,
    told: Option<String>,
    /// Why the present call was refused.
    refusal: Option<String>,
    /// Whether the present call only finds out whether the part was done already.
    probes: bool,
}

/// A step that has found out something else than it was to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepFailure {
    /// From 0.
    pub step: usize,
    pub why: String,
}

/// What came of the last try at a part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LastTry {
    /// There was none.
    #[default]
    None,
    /// Nobody knows whether it was done.
    Doubtful { before: ScreenPrint },
    /// It was not done, for this reason.
    NotDone(String),
    /// It cannot be done as it is said.
    Wrong(String),
    /// What was asked for is not so yet; what was there instead.
    NotYet(String),
    /// Whether what was asked for is so was not told, for this reason.
    Unknown(String),
    /// A part of the file was read, and not all of it yet.
    Part,
    /// It was doubtful, and a call has told that it was not done; what was there instead.
    Undone(String),
    /// It was doubtful, and nothing tells whether it was done, for this reason.
    Untold(String),
    /// The screen was scrolled, or keys were pressed, and what is looked for may be seen by now.
    Repeated,
}

/// How much is known of what a step does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeedState {
    #[default]
    NotDone,
    /// It may have been done.
    Doubtful,
    /// It was done; what the step expects is not there.
    Done,
}

impl DeedState {
    pub fn is_not_done(&self) -> bool {
        *self == DeedState::NotDone
    }
}

/// Where a run of steps stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepPosition {
    /// From 0.
    pub step: usize,
    pub deed: DeedState,
    /// What was found out so far.
    pub outputs: Outputs,
}

/// A progress that is written where the journal is watched, and read where the next step is decided.
#[derive(Clone, Debug, Default)]
pub struct SharedProgress(Arc<Mutex<Progress>>);

impl SharedProgress {
    pub fn new(steps: &[Step], known: &Outputs) -> SharedProgress {
        let progress = Progress { steps: steps.to_vec(), known: known.clone(), ..Progress::default() };
        SharedProgress(Arc::new(Mutex::new(progress)))
    }

    /// Takes note of a line of the run's journal.
    pub fn observe(&self, entry: &Entry) {
        self.lock().observe(&entry.line);
    }

    /// The step at which it stands is tried anew. What it does is not done again if it was done, and stays doubtful if it was that.
    pub fn begin_anew(&self) {
        let mut progress = self.lock();
        let doubt = progress.doubt.clone();
        progress.last = LastTry::None;
        match (progress.deed(), doubt) {
            (DeedState::Done, _) => {}
            (DeedState::Doubtful, Some(before)) if !progress.can_be_repeated() => {
                let expect = progress.step().and_then(|step| step.expect.as_ref());
                let is_seen = matches!(expect, Some(Condition::Screen(_))) && !before.was_so;
                // Pictures of another run are not compared with what is seen now.
                let is_told = is_seen || expect.is_some_and(Condition::is_asked);
                let why = "that was in another run".to_owned();
                progress.last = if is_told { LastTry::Doubtful { before } } else { LastTry::Untold(why) };
            }
            (DeedState::Doubtful | DeedState::NotDone, _) => (progress.at.1, progress.doubt) = (0, None),
        }
        progress.tries = 0;
        if !progress.has_failed_for_good() {
            progress.failure = None;
        }
    }

    /// Where the run stands.
    pub fn position(&self) -> StepPosition {
        let progress = self.lock();
        let outputs = progress.outputs.clone();
        match &progress.failure {
            Some(failure) if progress.has_failed_for_good() => {
                StepPosition { step: failure.step, deed: DeedState::Done, outputs }
            }
            _ => StepPosition { step: progress.at.0, deed: progress.deed(), outputs },
        }
    }

    pub fn now(&self) -> Progress {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The parts that a step is made of, each an action of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepPart {
    /// The field is touched, so that it has the focus.
    Focus,
    /// What the step does.
    Act,
    /// What it expects is waited for.
    Expect,
}

/// The parts of a step.
pub fn parts(step: &Step) -> Vec<StepPart> {
    let focus = matches!(step.act, StepAction::Type { into: Some(_), .. }).then_some(StepPart::Focus);
    let expect = step.expect.as_ref().map(|_| StepPart::Expect);
    focus.into_iter().chain([StepPart::Act]).chain(expect).collect()
}

impl Progress {
    pub fn step(&self) -> Option<&Step> {
        self.steps.get(self.at.0)
    }

    pub fn part(&self) -> Option<StepPart> {
        parts(self.step()?).get(self.at.1).copied()
    }

    /// How much is known of what the present step does.
    fn deed(&self) -> DeedState {
        match self.part() {
            Some(StepPart::Expect) => DeedState::Done,
            Some(StepPart::Act) if self.doubt.is_some() => DeedState::Doubtful,
            Some(StepPart::Focus | StepPart::Act) | None => DeedState::NotDone,
        }
    }

    /// Whether what a call has told is not what it was to tell: nothing is called a second time for that.
    fn has_failed_for_good(&self) -> bool {
        let step = self.failure.as_ref().and_then(|failure| self.steps.get(failure.step));
        step.is_some_and(|step| matches!(step.act, StepAction::Call { .. }))
    }

    /// Whether all that is left to say is that what was tested is so.
    pub fn is_test_over(&self) -> bool {
        let last = self.at.0.checked_sub(1).and_then(|last| self.steps.get(last));
        self.step().is_none() && last.is_some_and(|step| matches!(step.act, StepAction::Test(_)))
    }

    /// What a step says, the one that failed or else the present one; and its number, from 0.
    pub fn step_in_words(&self) -> (usize, String) {
        let at = self.failure.as_ref().map_or(self.at.0, |failure| failure.step);
        (at, self.steps.get(at).map_or_else(String::new, Step::to_string))
    }

    /// Whether the present step may be done a second time: it ends where the first one did.
    fn can_be_repeated(&self) -> bool {
        self.step().is_some_and(Step::can_be_repeated)
    }

    /// How many steps there are.
    pub fn count(&self) -> usize {
        self.steps.len()
    }

    /// The step that is to be done, with the values of what it names.
    ///
    /// # Errors
    /// What it names and nobody knows.
    pub fn step_with_values(&self) -> Option<Result<Step, String>> {
        let mut values = self.known.clone();
        values.extend(self.outputs.clone());
        self.step().map(|step| step.with_texts(&mut |text| fill(text, &values)))
    }

    fn observe(&mut self, line: &Line) {
        match line {
            Line::Event(EventLine::Saw { size, front, .. }) => self.seen = Some((*size, front.clone())),
            Line::Event(EventLine::Acted(ActionResult::Told { text })) => self.told = Some(text.clone()),
            Line::Event(EventLine::Acted(ActionResult::Failed(Fault::Refused { why }))) => {
                self.refusal = Some(why.clone());
            }
            Line::Decided(decided) => self.take_decision(decided),
            Line::Step(step) => self.take_result(step.result, &step.summary, &step.decided),
            Line::Run(_) | Line::Effect(_) | Line::Event(_) | Line::End(_) => {}
        }
    }

    fn take_decision(&mut self, decided: &Decided) {
        self.action.clone_from(&decided.action);
        (self.told, self.refusal) = (None, None);
        let Some((mark, _)) = Mark::split(&decided.thought) else { return };
        self.probes = mark.probes;
        if mark.at != self.at {
            self.at = mark.at;
            (self.tries, self.last, self.doubt) = (0, LastTry::None, None);
            (self.pages, self.extracted) = (FilePages::default(), Vec::new());
        }
    }

    fn take_result(&mut self, result: StepResult, summary: &str, decided: &Decided) {
        match result {
            StepResult::Done
            | StepResult::Noted
            | StepResult::Recalled
            | StepResult::Answered
            | StepResult::Waited
            | StepResult::Person => self.take_success(result),
            StepResult::Uncertain | StepResult::NotDone if self.probes || self.asks() => self.take_refusal(summary),
            StepResult::Uncertain => {
                let before = Mark::split(&decided.thought).map(|(mark, _)| mark.print).unwrap_or_default();
                self.doubt = Some(before.clone());
                self.last = LastTry::Doubtful { before };
            }
            StepResult::NotDone => {
                self.tries += 1;
                self.last = LastTry::NotDone(summary.to_owned());
            }
            StepResult::Unclear | StepResult::Refused => self.last = LastTry::Wrong(summary.to_owned()),
            // It goes on there, or does not go on.
            StepResult::Finished
            | StepResult::GaveUp
            | StepResult::Stuck
            | StepResult::Suspended
            | StepResult::Ended => {}
        }
    }

    /// Whether the present part finds something out by a call.
    fn asks(&self) -> bool {
        self.condition().is_some_and(|condition| condition.is_asked())
    }

    /// The condition that the present part is about, with its values.
    fn condition(&self) -> Option<Condition> {
        let step = self.step_with_values()?.ok()?;
        condition_of(&step, self.part()?).cloned()
    }

    /// A call that was to find something out has no answer.
    fn take_refusal(&mut self, summary: &str) {
        match self.refusal.take() {
            Some(refusal) if is_no_file(&refusal) => self.take_answer(InquiryAnswer::NoFile),
            Some(_) => self.take_answer(InquiryAnswer::Nothing(summary)),
            // It was not asked, or did not come back: it is asked again.
            None => {
                self.tries += 1;
                if !self.probes {
                    self.last = LastTry::NotDone(summary.to_owned());
                } else if self.tries >= TRIES_MAX {
                    self.last = LastTry::Untold(summary.to_owned());
                }
            }
        }
    }

    fn take_answer(&mut self, answer: InquiryAnswer<'_>) {
        let condition = match self.probes {
            true => self.step_with_values().and_then(Result::ok).and_then(|step| step.expect),
            false => self.condition(),
        };
        let Some(condition) = condition else { return };
        self.tries = 0;
        match condition.holds_by(answer, &mut self.pages) {
            ConditionVerdict::Part if self.probes => return,
            ConditionVerdict::Part => {
                self.last = LastTry::Part;
                return;
            }
            ConditionVerdict::Holds => return self.advance(),
            ConditionVerdict::Not(instead) if self.probes => (self.last, self.doubt) = (LastTry::Undone(instead), None),
            ConditionVerdict::Not(instead) => self.last = LastTry::NotYet(instead),
            ConditionVerdict::Unknown(why) if self.probes => self.last = LastTry::Untold(why),
            ConditionVerdict::Unknown(why) => self.last = LastTry::Unknown(why),
        }
        self.pages = FilePages::default();
    }

    fn take_success(&mut self, result: StepResult) {
        if self.probes || self.asks() {
            let told = self.told.take();
            let answer = told.as_deref().map_or(InquiryAnswer::Nothing("there was no answer"), InquiryAnswer::Told);
            return self.take_answer(answer);
        }
        let Some(step) = self.step().cloned() else { return };
        match (&step.act, self.part()) {
            // Nobody has told what came of it.
            _ if result == StepResult::Person => {}
            (
                StepAction::Scroll { .. } | StepAction::Extract { .. } | StepAction::Keys { until: Some(_), .. },
                Some(StepPart::Act),
            ) if result == StepResult::Done => {
                (self.tries, self.doubt, self.last) = (0, None, LastTry::Repeated);
                return;
            }
            (StepAction::Call { .. }, Some(StepPart::Act)) => {
                let told = self.told.take();
                self.keep(step.output.as_ref(), told.as_deref().unwrap_or_default());
            }
            (StepAction::Extract { .. }, Some(StepPart::Act)) => {
                self.extracted.extend(self.noted().iter().flat_map(|noted| noted.lines()).map(str::to_owned));
                // Of a list there may be more further down.
                if step.finds_list() && result == StepResult::Noted {
                    (self.tries, self.doubt, self.last) = (0, None, LastTry::Part);
                    return;
                }
                self.keep(step.output.as_ref(), &self.extracted.join("\n"));
                if self.failure.is_some() {
                    self.extracted.clear();
                    return;
                }
            }
            (StepAction::Read(_), Some(StepPart::Act)) => {
                if let Some(noted) = self.noted() {
                    self.keep(step.output.as_ref(), &noted);
                    // Whoever tries it again reads it again.
                    if self.failure.is_some() {
                        return;
                    }
                }
            }
            _ => {}
        }
        self.advance();
    }

    /// What the last action notes, if it is a note.
    fn noted(&self) -> Option<String> {
        match Dialect::Computer.read(&self.action, false).call {
            Ok(Call::Do(Action::Note { message, .. })) => Some(message),
            _ => None,
        }
    }

    fn keep(&mut self, output: Option<&StepOutput>, text: &str) {
        let Some(output) = output else { return };
        match value(output, text) {
            Ok(value) => {
                self.outputs.insert(output.name.clone(), value);
            }
            Err(why) => self.failure = Some(StepFailure { step: self.at.0, why }),
        }
    }

    /// The part after the present one.
    pub fn after(&self) -> (usize, usize) {
        let parts = self.step().map_or(0, |step| parts(step).len());
        if self.at.1 + 1 < parts { (self.at.0, self.at.1 + 1) } else { (self.at.0 + 1, 0) }
    }

    fn advance(&mut self) {
        self.at = self.after();
        (self.tries, self.last, self.doubt) = (0, LastTry::None, None);
        (self.pages, self.extracted) = (FilePages::default(), Vec::new());
    }
}

/// The condition that a part of a step is about.
pub fn condition_of(step: &Step, part: StepPart) -> Option<&Condition> {
    match (&step.act, part) {
        (_, StepPart::Expect) => step.expect.as_ref(),
        (StepAction::Wait(condition) | StepAction::Check(condition) | StepAction::Test(condition), StepPart::Act) => {
            Some(condition)
        }
        _ => None,
    }
}

/// The value of an output in what was told.
fn value(output: &StepOutput, text: &str) -> Result<String, String> {
    let name = &output.name;
    let text = match &output.pointer {
        None => text.to_owned(),
        Some(pointer) => {
            let told: Value = serde_json::from_str(text)
                .map_err(|_| format!("the answer is no JSON, so `{pointer}` of it is not `{name}`"))?;
            match told.pointer(pointer) {
                Some(Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
                None => return Err(format!("the answer has no `{pointer}`, so nothing is known of `{name}`")),
            }
        }
    };
    if text.len() > VALUE_BYTES_MAX {
        return Err(format!("`{name}` has {} bytes; {VALUE_BYTES_MAX} are the most", text.len()));
    }
    match output.kind {
        OutputKind::Number => number(&text).map_err(|why| format!("`{name}` is to be a number, and {text:?} {why}")),
        OutputKind::Text | OutputKind::Items | OutputKind::Notes => Ok(text),
    }
}

/// What a run of steps says in the end, for people in the first line and for the plan in the last.
pub fn finish_message(progress: &Progress, holds: Option<bool>) -> String {
    let words = match holds {
        Some(true) => "it is so".to_owned(),
        Some(false) => "it is not so".to_owned(),
        None if progress.count() == 1 => "the step was done".to_owned(),
        None => format!("all {} steps were done", progress.count()),
    };
    let told = match holds {
        Some(holds) => json!({ "holds": holds }),
        None if progress.outputs.is_empty() => return words,
        None => json!({ "outputs": progress.outputs }),
    };
    format!("{words}\n{told}")
}

fn json_of_last_line(message: &str) -> Value {
    message.lines().next_back().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default()
}

/// The outputs in such a message.
pub fn outputs_of(message: &str) -> Outputs {
    serde_json::from_value(json_of_last_line(message)["outputs"].clone()).unwrap_or_default()
}

/// Whether it says that what was tested is so.
pub fn verdict_of(message: &str) -> Option<bool> {
    json_of_last_line(message)["holds"].as_bool()
}
