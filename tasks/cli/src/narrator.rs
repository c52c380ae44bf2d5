//! Tells a person, or a program, what happens in a run as it happens. The same lines tell it again afterwards.

use std::path::Path;
use std::time::Duration;

use console::{Style, measure_text_width, style};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};
use tapwright_tasks::device::DeviceKind;
use tapwright_tasks::headline::{Headline, Mood, message_of};
use tapwright_tasks::judge::Verdict;
use tapwright_tasks::run::Judgement;
use tapwright_tasks::scene::{Scenes, failure_text};
use tapwright_tasks::settings::Settings;
use tapwright_tasks::step_mark::without_mark;
use tapwright_tasks::{Deed, EffectLine, End, Entry, Gesture, Line, Outcome, Step, StepResult};

use crate::changes::changes_in_words;
use crate::clock::span;
use crate::exit::Exit;
use crate::output;
use crate::waiting::{AwaitedAnswer, WaitNotice};

/// The column in which text begins, right of the step's number.
const INDENT: usize = 5;

/// Says what happens.
pub struct Narrator {
    json: bool,
    /// The line at the bottom that shows that something goes on.
    bar: ProgressBar,
    /// What is said once the run has begun: if it does not, there is nothing to be said of it.
    head: Vec<String>,
    scenes: Scenes,
    steps: u32,
    steps_max: u32,
    width: usize,
    /// Whose answers are waited for, if they can be late, and the wait for one.
    answers: Option<AwaitedAnswer>,
    wait: Option<WaitNotice>,
}

/// What a run came to, and where it is written down.
pub struct RunEnding<'a> {
    pub run: &'a str,
    pub folder: &'a Path,
    pub end: &'a End,
    pub judgement: Option<&'a Judgement>,
    pub ms: u64,
    /// What may become of it.
    pub go_on: GoOn,
    /// The word for what it was on.
    pub device: &'static str,
    /// Whether it was done by steps, and no model says anything.
    pub by_steps: bool,
}

/// Whether somebody may want to go on with a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GoOn {
    Yes,
    /// Its end stands, or it is only looked at.
    No,
    /// What it was on was made for it, and is gone.
    Gone(DeviceKind),
}

impl GoOn {
    /// Of a run that ended so, under these settings.
    pub fn of(outcome: &Outcome, settings: &Settings) -> GoOn {
        match settings.device.at.kind() {
            _ if !outcome.can_go_on() => GoOn::No,
            Some(kind) if settings.device_is_gone_after_run() => GoOn::Gone(kind),
            _ => GoOn::Yes,
        }
    }
}

impl Narrator {
    /// The run may take so many steps, and not as many as was said at first.
    pub fn limit(&mut self, steps_max: u32) {
        self.steps_max = steps_max;
    }

    /// `live` shows a line that moves, if there is a terminal.
    pub fn new(json: bool, live: bool, steps_max: u32) -> Narrator {
        let target = if json || !live { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(None, target);
        let look = ProgressStyle::with_template("  {spinner:.cyan}  {msg:.dim} {elapsed:.dim}");
        bar.set_style(look.expect("it is a template").tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ "));
        let (head, scenes, width) = (Vec::new(), Scenes::default(), output::width());
        Narrator { json, bar, head, scenes, steps: 0, steps_max, width, answers: None, wait: None }
    }

    /// With whose answers are waited for: it is said when one is late.
    pub fn awaiting(self, answers: Option<AwaitedAnswer>) -> Narrator {
        Narrator { answers, ..self }
    }

    /// Waits for an answer from now on, until the next line or [`Narrator::go_on`].
    fn await_answer(&self) -> Option<WaitNotice> {
        let answers = self.answers.as_ref().filter(|_| !self.json)?;
        let bar = self.bar.clone();
        Some(answers.begin(move |sentence| {
            bar.suspend(|| output::err(&format!("  {}", style(&sentence).dim().for_stderr())));
        }))
    }

    /// What is going to be done, and with what: said with the first line of the journal.
    pub fn head(&mut self, goal: &str, facts: &[(&str, String)]) {
        self.head = head(goal, facts, self.width);
    }

    /// An answer that is waited for before there is a run.
    pub fn wait_for_answer(&mut self, sentence: &str) {
        self.wait(sentence);
        self.wait = self.await_answer();
    }

    /// Something that takes time before the run begins.
    pub fn wait(&self, sentence: &str) {
        if self.json {
            return;
        }
        if self.bar.is_hidden() {
            output::err(&format!("  {sentence}"));
        } else {
            self.bar.set_message(sentence.to_owned());
            self.tick();
        }
    }

    /// Something to know, which stays.
    pub fn note(&self, sentence: &str) {
        if !self.json {
            for line in output::wrap(sentence, self.width.saturating_sub(4)) {
                self.bar.suspend(|| output::err(&format!("  {}", style(line).dim().for_stderr())));
            }
        }
    }

    /// The answer is there.
    pub fn on_answer(&mut self) {
        self.wait = None;
        self.go_on();
    }

    /// That is over.
    pub fn go_on(&self) {
        self.bar.disable_steady_tick();
        self.bar.finish_and_clear();
    }

    /// A line of the journal.
    pub fn entry(&mut self, entry: &Entry) {
        for line in std::mem::take(&mut self.head) {
            self.print(&line);
        }
        self.wait = None;
        if let Line::Effect(effect) = &entry.line {
            self.shows(effect);
            if matches!(effect, EffectLine::Think { .. }) {
                self.wait = self.await_answer();
            }
        }
        if let Some(failure_text) = failure_text(&entry.line) {
            self.print(&format!(
                "{:INDENT$}{} {}",
                "",
                style("!").yellow(),
                style(output::flat(&failure_text)).yellow()
            ));
        }
        if let Line::Decided(decided) = &entry.line {
            self.steps = decided.step;
            self.show_thought(decided.step, &decided.thought);
        }
        let scene = self.scenes.next(entry);
        match &entry.line {
            Line::Step(step) if self.json => {
                let line = scene.and_then(|scene| scene.line());
                if let Some(line) = line.and_then(|line| serde_json::to_string(&line).ok()) {
                    output::out(&line);
                }
                self.steps = step.decided.step;
            }
            Line::Step(step) => self.step_over(step),
            Line::End(_) => self.go_on(),
            Line::Run(_) | Line::Effect(_) | Line::Event(_) | Line::Decided(_) => {}
        }
    }

    /// How it ended, and what the device says.
    pub fn ending(&self, ending: &RunEnding<'_>, exit: Exit) {
        if self.json {
            output::out(&last_line(ending, exit).to_string());
            return;
        }
        let RunEnding { folder, end, judgement, ms, go_on, device, by_steps, .. } = ending;
        let verdict = judgement.and_then(|judgement| judgement.verdict.as_ref());
        let headline = if *by_steps { Headline::of_steps } else { Headline::of };
        let Headline { mood, text } = headline(Some(&end.outcome), verdict);
        let (mark, colour) = match (&end.outcome, mood) {
            (Outcome::Done { .. }, Mood::Mild) if verdict.is_none() => unchecked_mark(),
            (_, mood) => mark(mood),
        };
        output::out("");
        // In a narrow window the figures go below.
        let figures = format!("{} in {}", output::steps(end.steps), span(*ms));
        let fits = measure_text_width(&text) + 3 + measure_text_width(&figures) <= self.width.saturating_sub(INDENT);
        let (beside, below) = if fits { (format!(" · {figures}"), None) } else { (String::new(), Some(figures)) };
        for (n, line) in output::wrap(&text, self.width - INDENT).iter().enumerate() {
            let (mark, beside) = if n == 0 { (mark, beside.as_str()) } else { (" ", "") };
            output::out(&format!("  {}  {}{}", colour.apply_to(mark), colour.apply_to(line), style(beside).dim()));
        }
        if let Some(figures) = below {
            output::out(&format!("{:INDENT$}{}", "", style(figures).dim()));
        }
        for line in message_of(&end.outcome).map(|said| output::wrap(&said, self.width - INDENT)).unwrap_or_default() {
            output::out(&format!("{:INDENT$}{line}", ""));
        }
        for note in &end.notes {
            self.field("noted", &output::wrap(note, self.width - 16));
        }
        if let Some(judgement) = judgement {
            self.judgement(judgement, device, *by_steps);
        }
        self.field("record", &[folder.display().to_string()]);
        let last = folder.display();
        self.field("", &[style(format!("tapwright replay {last} --html run.html")).dim().to_string()]);
        match go_on {
            GoOn::Yes => {
                let why = match end.outcome {
                    Outcome::ModelFailed { .. } => "  (once the model answers again)",
                    Outcome::DeviceLost { .. } => "  (once the device is back)",
                    Outcome::NeedsPerson { .. } => "  (at a terminal, or with --ask, where somebody answers)",
                    _ => "",
                };
                self.field("", &[style(format!("tapwright resume {last}{why}")).dim().to_string()]);
            }
            GoOn::Gone(kind) => self.field("", &[style(lost_device(*kind)).dim().to_string()]),
            GoOn::No => {}
        }
        output::out("");
    }

    fn judgement(&self, judgement: &Judgement, device: &str, by_steps: bool) {
        match &judgement.verdict {
            Some(verdict) => {
                let shown = match verdict {
                    Verdict::Passed => style("passed".to_owned()).green().bold(),
                    Verdict::Failed { .. } => style("failed".to_owned()).red().bold(),
                    Verdict::Void { .. } => style("void".to_owned()).yellow().bold(),
                };
                let mut lines = match verdict.why() {
                    Some(why) => output::wrap(why, self.width - 24),
                    None => vec![format!("the {device} says so")],
                };
                lines[0] = format!("{shown}  {}", lines[0]);
                self.field("verdict", &lines);
            }
            None => {
                let told = match by_steps {
                    true => "not checked; a step of its own can: check = { text = \"Saved\" }",
                    false => "not checked; --expect FACT=VALUE says what has to be true in the end",
                };
                self.field("verdict", &[style(told).dim().to_string()]);
            }
        }
        let lines = match &judgement.changed {
            None => return,
            Some(changed) if changed.is_empty() => vec![format!("nothing, says the {device}")],
            Some(changed) => changes_in_words(changed, device, self.width.saturating_sub(16)),
        };
        self.field("changed", &lines);
    }

    fn field(&self, name: &str, lines: &[String]) {
        for (number, line) in lines.iter().enumerate() {
            let name = if number == 0 { name } else { "" };
            output::out(&format!("{:INDENT$}{} {line}", "", style(format!("{name:<8}")).dim()));
        }
    }

    fn shows(&self, effect: &EffectLine) {
        let doing = match effect {
            EffectLine::Look => "looking".to_owned(),
            EffectLine::Read => "reading".to_owned(),
            EffectLine::FindApp(_) => "looking for an app".to_owned(),
            EffectLine::Think { .. } => "thinking".to_owned(),
            EffectLine::Ask(_) => return self.go_on(), // The terminal is the person's now.
            EffectLine::Act(deed) => deed_in_words(deed),
            EffectLine::Pause { .. } => "waiting".to_owned(),
        };
        let step = if matches!(effect, EffectLine::Act(_)) { self.steps } else { self.steps + 1 };
        self.bar.set_message(format!("step {step} of at most {} · {doing} ·", self.steps_max));
        self.tick();
    }

    fn tick(&self) {
        if self.bar.is_hidden() {
            return;
        }
        if self.bar.is_finished() {
            self.bar.reset();
        }
        self.bar.reset_elapsed();
        self.bar.enable_steady_tick(Duration::from_millis(100));
    }

    /// The thought, as soon as there is one: what comes of it may take a while.
    fn show_thought(&self, number: u32, thought: &str) {
        let mut lines = output::wrap(without_mark(thought), self.width - INDENT);
        if lines.is_empty() {
            lines.push(style("(no thought)").dim().to_string());
        }
        for (n, line) in lines.iter().enumerate() {
            let number = if n == 0 { style(format!("{number:>3}")).bold().to_string() } else { "   ".to_owned() };
            self.print(&format!("{number}  {line}"));
        }
    }

    /// The action, what came of it, and how long it all took.
    fn step_over(&self, step: &Step) {
        let room = self.width - INDENT;
        let ms = step.look_ms + step.think_ms + step.ask_ms + step.act_ms;
        let result = result_in_colour(step);
        let tail = format!("{result}  {}", style(span(ms)).dim());
        let action = output::wrap(&step.decided.action, room);
        let fits = action.len() == 1 && measure_text_width(&action[0]) + 2 + measure_text_width(&tail) <= room;
        for (n, line) in action.iter().enumerate() {
            let tail = if fits && n == 0 { format!("  {tail}") } else { String::new() };
            self.print(&format!("{:INDENT$}{}{tail}", "", style(line).cyan()));
        }
        if !fits {
            // What came of it may be long too; its first line has the time.
            let (summary, mark) = (output::wrap(&step.summary, room - 14), result_mark(step.result));
            for (n, line) in summary.iter().enumerate() {
                let time = if n == 0 { format!("  {}", style(span(ms)).dim()) } else { String::new() };
                self.print(&format!(
                    "{:INDENT$}{}{}{time}",
                    "",
                    if n == 0 { mark.clone() } else { "  ".to_owned() },
                    line
                ));
            }
        }
    }

    fn print(&self, line: &str) {
        if !self.json {
            self.bar.suspend(|| output::out(line));
        }
    }
}

/// So much of a goal is shown above its run.
const HEAD_LINES_MAX: usize = 12;

/// A goal, and under it what it is tried with.
pub fn head(goal: &str, facts: &[(&str, String)], width: usize) -> Vec<String> {
    let mut lines = output::wrap(goal, width - 4);
    if HEAD_LINES_MAX < lines.len() {
        lines.truncate(HEAD_LINES_MAX);
        lines.push(format!("… ({} characters in all)", goal.chars().count()));
    }
    let goal = lines.iter().map(|line| format!("  {}", style(line).bold()));
    let facts = facts.iter().map(|(name, value)| {
        format!("  {} {}", style(format!("{name:<7}")).dim(), style(output::fit(value, width - 12)).dim())
    });
    let empty = || std::iter::once(String::new());
    empty().chain(goal).chain(facts).chain(empty()).collect()
}

/// Why a run does not go on whose device was made for it, and what stays instead.
fn lost_device(kind: DeviceKind) -> &'static str {
    match kind {
        DeviceKind::Phone => {
            "it cannot go on: its phone was the virtual one of this process; `tapwright phone` serves one that stays"
        }
        DeviceKind::Desktop => {
            "it cannot go on: its desktop was made for this run, and is gone; --device desktop:DISPLAY is one that stays"
        }
        DeviceKind::Browser => {
            "it cannot go on: its browser was started for this run, and is gone; --device browser:HOST:PORT is one that stays"
        }
    }
}

/// The last line for programs.
pub fn last_line(ending: &RunEnding<'_>, exit: Exit) -> Value {
    let RunEnding { run, folder, end, judgement, ms, go_on, device: _, by_steps: _ } = ending;
    let verdict = judgement.and_then(|judgement| judgement.verdict.as_ref());
    json!({
        "run": run,
        "outcome": end.outcome.id(),
        "steps": end.steps,
        "verdict": verdict.map(Verdict::id),
        "why": verdict.and_then(Verdict::why),
        "message": message_of(&end.outcome),
        "notes": end.notes,
        "changed": judgement.and_then(|judgement| judgement.changed.as_ref()),
        "ms": ms,
        "record": folder.to_string_lossy(),
        "can_go_on": *go_on == GoOn::Yes,
        "exit": exit.code(),
    })
}

/// The mark and the colour of an end.
pub fn mark(mood: Mood) -> (&'static str, Style) {
    let bold = Style::new().bold();
    match mood {
        Mood::Good => ("✓", bold.green()),
        Mood::Bad => ("✗", bold.red()),
        Mood::Mild => ("■", bold.yellow()),
    }
}

/// The mark of what came to its end and was not checked: no failure, and no success either.
pub fn unchecked_mark() -> (&'static str, Style) {
    ("·", Style::new().bold().cyan())
}

fn result_mark(result: StepResult) -> String {
    if result.is_good() { style("✓ ").green().to_string() } else { style("! ").yellow().to_string() }
}

fn result_in_colour(step: &Step) -> String {
    let words = output::flat(&step.summary);
    match step.result {
        _ if words.is_empty() => String::new(),
        result if result.is_good() => style(format!("✓ {words}")).green().to_string(),
        StepResult::Waited | StepResult::Person => style(format!("· {words}")).dim().to_string(),
        _ => style(format!("! {words}")).yellow().to_string(),
    }
}

fn deed_in_words(deed: &Deed) -> String {
    match deed {
        Deed::Gesture(Gesture::Tap { at }) => format!("tapping at {}, {}", at.x, at.y),
        Deed::Gesture(Gesture::DoubleTap { at }) => format!("tapping twice at {}, {}", at.x, at.y),
        Deed::Gesture(Gesture::LongPress { at, .. }) => format!("pressing at {}, {}", at.x, at.y),
        Deed::Gesture(Gesture::Swipe { .. }) => "swiping".to_owned(),
        Deed::Gesture(Gesture::Drag { from, to, .. }) => {
            format!("dragging from {}, {} to {}, {}", from.x, from.y, to.x, to.y)
        }
        Deed::Gesture(Gesture::Click { at, .. }) => format!("clicking at {}, {}", at.x, at.y),
        Deed::Gesture(Gesture::Move { at }) => format!("moving the pointer to {}, {}", at.x, at.y),
        Deed::Gesture(Gesture::Scroll { at, .. }) => format!("scrolling at {}, {}", at.x, at.y),
        Deed::Gesture(Gesture::Type { .. } | Gesture::Insert { .. }) => "typing".to_owned(),
        Deed::Gesture(Gesture::Chord { key, .. }) => format!("pressing {}", output::fit(key.as_str(), 12)),
        Deed::Gesture(Gesture::Window { .. }) => "changing a window".to_owned(),
        Deed::Gesture(Gesture::Press { .. }) => "pressing a key".to_owned(),
        Deed::Gesture(Gesture::Launch { app }) => format!("opening {}", output::fit(app, 30)),
        Deed::Api { .. } => "calling an API".to_owned(),
    }
}
