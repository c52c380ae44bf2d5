//! What happened in a run, step by step, as its journal tells.

use std::path::Path;

use serde::Serialize;
use tapwright_agent::event::Fault;
use tapwright_agent::guard::Deed;
use tapwright_agent::journal::{EffectLine, Entry, EventLine, Line, Record, Step};
use tapwright_agent::person::{Answer, Question};
use tapwright_contract::Size;

/// What happened between two looks at the screen, and what it looked like before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scene {
    /// The digest of what was seen.
    pub picture: Option<String>,
    pub size: Option<Size>,
    /// The app in front.
    pub app: String,
    /// `None` if nothing was decided here: the screen on which the run ended.
    pub step: Option<Step>,
    /// What was done outside.
    pub deed: Option<Deed>,
    pub asked: Option<Question>,
    pub answered: Option<Answer>,
}

/// A step as programs are told of it: the same while it happens and when it is read back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StepLine {
    #[serde(flatten)]
    pub step: Step,
    /// The app in front when it was decided.
    pub app: String,
    /// The digest of what was seen then.
    pub picture: Option<String>,
}

/// Puts scenes together from the lines of a journal, as they come.
#[derive(Clone, Debug, Default)]
pub struct Scenes {
    open: Scene,
}

impl Scenes {
    /// Takes the next line; a scene that is over is returned.
    pub fn next(&mut self, entry: &Entry) -> Option<Scene> {
        let scene = &mut self.open;
        match &entry.line {
            Line::Event(EventLine::Saw { picture, size, front }) => {
                scene.picture = Some(picture.clone());
                scene.size = Some(size.size);
                scene.app = if front.label.is_empty() { front.id.clone() } else { front.label.clone() };
            }
            Line::Event(EventLine::Answered(answer)) => scene.answered = Some(answer.clone()),
            Line::Effect(EffectLine::Ask(question)) => scene.asked = Some(question.clone()),
            Line::Effect(EffectLine::Act(deed)) => scene.deed = Some(deed.clone()),
            Line::Step(step) => {
                scene.step = Some(step.clone());
                return Some(std::mem::take(scene));
            }
            Line::End(_) if scene.picture.is_some() => return Some(std::mem::take(scene)),
            Line::Run(_) | Line::Effect(_) | Line::Event(_) | Line::Decided(_) | Line::End(_) => {}
        }
        None
    }

    /// The scene that is going on.
    pub fn open(&self) -> &Scene {
        &self.open
    }
}

impl Scene {
    /// What programs are told of it.
    pub fn line(&self) -> Option<StepLine> {
        let step = self.step.clone()?;
        Some(StepLine { step, app: self.app.clone(), picture: self.picture.clone() })
    }
}

/// What a line says went wrong outside, for people.
pub fn failure_text(line: &Line) -> Option<String> {
    let fault = match line {
        Line::Event(EventLine::Silent(silence)) => return Some(format!("the model did not answer: {}", silence.why)),
        Line::Event(EventLine::Unseen(fault)) => fault,
        _ => return None,
    };
    let why = match fault {
        Fault::Lost { why } | Fault::Refused { why } | Fault::Hidden { why } | Fault::Nonsense { why } => why,
        Fault::TimedOut { tries } => tries,
        Fault::NoSuchApp { app, .. } => app,
        Fault::Stale => "the display has changed",
    };
    Some(format!("the screen was not seen: {why}"))
}

/// Where the last picture of a plan's run is, from the plan's folder; none if the journal names something else.
pub fn last_picture(folder: &Path, run: &str) -> Option<String> {
    let record = Record::read(&folder.join(run)).ok()?;
    let name = scenes(&record).into_iter().rev().find_map(|scene| scene.picture)?;
    record.picture_bytes(&name).ok()?;
    Some(format!("{run}/pictures/{name}.png"))
}

/// All scenes of a run.
pub fn scenes(record: &Record) -> Vec<Scene> {
    let mut scenes = Scenes::default();
    record.entries.iter().filter_map(|entry| scenes.next(entry)).collect()
}
