//! What a page that watches a run shows of it: the screen with what is touched, what is going on, and the steps.
//!
//! All of it comes from the run's own record, after it was written: whoever watches costs the run nothing, and sees secrets as covered
//! as the model does.

use std::collections::VecDeque;
use std::path::PathBuf;

use serde_json::{Value, json};
use tapwright_agent::guard::Deed;
use tapwright_agent::journal::{EffectLine, EventLine, Line};
use tapwright_contract::Size;

use crate::page::escaped;
use crate::page::marks::marks;
use crate::step_mark::without_mark;

/// The steps that are shown; those before them are in the record.
const STEPS_MAX: usize = 100;
/// Letters of a thought, an action and what came of it.
const LETTERS_MAX: usize = 300;

/// What is known of a run that is watched.
#[derive(Default)]
pub(super) struct RunView {
    /// Its record.
    folder: Option<PathBuf>,
    screen: Option<SeenScreen>,
    deed: Option<Deed>,
    /// Whether the screen is the one that came after the deed.
    is_after: bool,
    doing: &'static str,
    steps: VecDeque<WatchedStep>,
}

struct SeenScreen {
    /// The digest that names its picture.
    picture: String,
    size: Size,
    app: String,
}

struct WatchedStep {
    number: u32,
    thought: String,
    action: String,
    /// Whether it came out as it was wanted, and what came of it, once it is over.
    over: Option<(bool, String)>,
}

impl RunView {
    /// A run is written down there from now on.
    pub fn begin(&mut self, folder: PathBuf) {
        *self = RunView { folder: Some(folder), doing: "begins", ..RunView::default() };
    }

    /// Takes note of a line; whether something that is shown is another one now.
    pub fn observe(&mut self, line: &Line) -> bool {
        let doing = self.doing;
        match line {
            Line::Run(_) => {
                let folder = self.folder.take();
                *self = RunView { folder, doing: "begins", ..RunView::default() };
            }
            Line::Effect(effect) => match effect {
                EffectLine::Look => self.doing = "looks",
                EffectLine::Read | EffectLine::FindApp(_) => self.doing = "reads",
                EffectLine::Think { .. } => self.doing = "thinks",
                EffectLine::Ask(_) => self.doing = "waits for a person",
                EffectLine::Act(deed) => {
                    (self.deed, self.is_after, self.doing) = (Some(deed.clone()), false, "acts");
                    return true;
                }
                EffectLine::Pause { .. } => self.doing = "waits",
            },
            Line::Event(EventLine::Saw { picture, size, front }) => {
                let screen = SeenScreen { picture: picture.clone(), size: size.size, app: front.name().to_owned() };
                (self.screen, self.is_after) = (Some(screen), true);
                return true;
            }
            Line::Event(_) => return false,
            Line::Decided(decided) => {
                // What was touched before is on the screen no longer.
                self.deed = None;
                if self.steps.len() == STEPS_MAX {
                    self.steps.pop_front();
                }
                self.steps.push_back(WatchedStep {
                    number: decided.step,
                    thought: cut(without_mark(&decided.thought)),
                    action: cut(&decided.action),
                    over: None,
                });
                return true;
            }
            Line::Step(step) => {
                if let Some(last) = self.steps.back_mut().filter(|last| last.number == step.decided.step) {
                    last.over = Some((step.result.is_good(), cut(&step.summary)));
                }
                return true;
            }
            Line::End(_) => self.doing = "is over",
        }
        doing != self.doing
    }

    /// The step that is going on.
    pub fn step(&self) -> u32 {
        self.steps.back().map_or(1, |step| step.number + u32::from(step.over.is_some()))
    }

    /// What is going on, in a word or so.
    pub fn doing(&self) -> &'static str {
        self.doing
    }

    /// Where the picture of the screen is, if one of that digest is shown.
    pub fn picture(&self, digest: &str) -> Option<(PathBuf, String)> {
        let (folder, screen) = (self.folder.as_ref()?, self.screen.as_ref()?);
        (screen.picture == digest).then(|| (folder.clone(), screen.picture.clone()))
    }

    /// The digest of what is on the screen.
    pub fn digest(&self) -> Option<&str> {
        self.screen.as_ref().map(|screen| screen.picture.as_str())
    }

    /// The screen as a figure; `inline` is the picture itself, for a page after which there is nothing to be fetched.
    pub fn figure(&self, inline: Option<&str>) -> String {
        let Some(SeenScreen { picture, size: Size { width, height }, app }) = &self.screen else {
            return "<figure><p class=\"soft unseen\">Nothing was seen yet.</p></figure>\n".to_owned();
        };
        let size = Size { width: *width, height: *height };
        let class = if self.is_after { "was" } else { "is" };
        let touched = self.deed.as_ref().map(|deed| marks(deed, size)).unwrap_or_default();
        let source = inline.map_or_else(|| format!("screen-{}.png", escaped(picture)), str::to_owned);
        format!(
            "<figure><div class=\"phone\"><img alt=\"the screen: {}\" width=\"{width}\" height=\"{height}\" src=\"{source}\">\
             <svg viewBox=\"0 0 {width} {height}\" aria-hidden=\"true\"><g class=\"{class}\">{touched}</g></svg></div></figure>\n",
            escaped(app)
        )
    }

    /// The steps, the latest first.
    pub fn steps(&self) -> String {
        let mut list = String::new();
        if let Some(first) = self.steps.front().filter(|first| first.number > 1) {
            list = format!("<li class=\"soft\">The steps before {} are in the record.</li>\n", first.number);
        }
        let mut items: Vec<String> = self.steps.iter().map(WatchedStep::item).collect();
        items.reverse();
        format!("<ol class=\"steps\" aria-label=\"The steps, the latest first\">\n{}{list}</ol>\n", items.concat())
    }

    /// The same for programs.
    pub fn json(&self, takes_input: bool) -> Value {
        json!({
            "doing": self.doing,
            "step": self.steps.back().map_or(0, |step| step.number),
            "app": self.screen.as_ref().map(|screen| &screen.app),
            "screen": self.screen.as_ref().map(|screen| format!("screen-{}.png", screen.picture)),
            "size": self.screen.as_ref().map(|screen| screen.size),
            "takes_input": takes_input,
        })
    }
}

impl WatchedStep {
    fn item(&self) -> String {
        let WatchedStep { number, thought, action, over } = self;
        let (mood, summary) = match over {
            Some((true, summary)) => ("good", summary.as_str()),
            Some((false, summary)) => ("plain", summary.as_str()),
            None => ("now", ""),
        };
        let part = |class: &str, text: &str| match text {
            "" => String::new(),
            text => format!("<p class=\"{class}\" dir=\"auto\">{}</p>", escaped(text)),
        };
        format!(
            "<li class=\"step {mood}\" value=\"{number}\"><b>{number}</b><div>{}<code dir=\"auto\">{}</code>{}</div></li>\n",
            part("thought", thought),
            escaped(action),
            part(&format!("came {mood}"), summary)
        )
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LETTERS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
