//! Steps as a person writes them, in TOML: `[[step]]` tables, read into goals. Steps that stand together are one goal, and so one run.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Component, Path};
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use tapwright_agent::dialect::Dialect;
use toml::Spanned;

use super::goal::{Goal, OnFailure, TableSource, Work};
use super::schedule::TimeSpan;
use super::steps::{
    Condition, Press, ScreenCondition, Step, StepAction, StepOutput, Target, WITHIN_MAX, Way, compile,
    is_whole_address, words,
};
use super::values::{OutputKind, place};
use crate::mistake::nearest;

/// How deep conditions and loops may lie in each other.
const DEPTH_MAX: usize = 5;
/// Whoever has more wants a program of their own.
pub const STEPS_MAX: usize = 1000;

const PATTERN_HELP: &str =
    "a regular expression without look-around, between single quotes: extract = '^(\\d+) pages$'";

pub type Wrong = (Option<Range<usize>>, String, Option<String>);

/// A `[[step]]` as it is written: exactly one of its verbs is there.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawStep {
    name: Option<String>,
    open: Option<String>,
    press: Option<String>,
    hold: Option<String>,
    r#type: Option<String>,
    keys: Option<String>,
    scroll: Option<String>,
    call: Option<String>,
    wait: Option<RawCondition>,
    check: Option<RawCondition>,
    pause: Option<TimeSpan>,
    read: Option<String>,
    extract: Option<String>,
    each: Option<String>,
    r#if: Option<RawCondition>,
    goal: Option<Spanned<String>>,

    role: Option<String>,
    beside: Option<String>,
    #[serde(default)]
    twice: bool,
    #[serde(default)]
    right: bool,
    into: Option<String>,
    #[serde(default)]
    add: bool,
    #[serde(default)]
    up: bool,
    until: Option<RawCondition>,
    with: Option<toml::Table>,
    output: Option<BTreeMap<String, OutputKind>>,
    pointer: Option<String>,
    expect: Option<RawCondition>,
    within: Option<TimeSpan>,
    app: Option<String>,
    r#as: Option<String>,
    r#do: Option<Vec<Spanned<RawStep>>>,
    r#else: Option<Vec<Spanned<RawStep>>>,
    steps_max: Option<u32>,
    retries: Option<u32>,
    on_failure: Option<OnFailure>,
    at: Option<[u32; 2]>,
}

/// A condition as it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCondition {
    text: Option<String>,
    gone: Option<String>,
    widget: Option<String>,
    role: Option<String>,
    beside: Option<String>,
    on: Option<bool>,
    app: Option<String>,
    file: Option<String>,
    contains: Option<String>,
    #[serde(default)]
    missing: bool,
    page: Option<String>,
    value: Option<String>,
    is: Option<String>,
    within: Option<TimeSpan>,
}

/// Something at the top of a file, or in the body of a step.
pub enum Item {
    Goal(Box<Spanned<Goal>>),
    Step(Box<Spanned<RawStep>>),
}

impl Item {
    fn span(&self) -> Range<usize> {
        match self {
            Item::Goal(goal) => goal.span(),
            Item::Step(step) => step.span(),
        }
    }
}

/// Reads items into goals, in the order of the file.
pub struct Reader {
    /// Names that somebody has written.
    taken: BTreeSet<String>,
    numbers: BTreeMap<&'static str, usize>,
    steps: usize,
}

/// Steps that stand together, before they are a goal.
#[derive(Default)]
struct Block {
    name: Option<String>,
    on_failure: OnFailure,
    retries: u32,
    span: Range<usize>,
    steps: Vec<Step>,
}

impl Reader {
    pub fn new(items: &[Item]) -> Reader {
        let mut taken = BTreeSet::new();
        for item in items {
            match item {
                Item::Goal(goal) => {
                    taken.insert(goal.get_ref().name.clone());
                }
                Item::Step(step) => names_of(step.get_ref(), &mut taken),
            }
        }
        Reader { taken, numbers: BTreeMap::new(), steps: 0 }
    }

    /// # Errors
    /// What is wrong, and where.
    pub fn goals(&mut self, mut items: Vec<Item>) -> Result<Vec<Goal>, Wrong> {
        items.sort_by_key(|item| item.span().start);
        self.read(items, 0)
    }

    fn read(&mut self, items: Vec<Item>, depth: usize) -> Result<Vec<Goal>, Wrong> {
        let mut goals = Vec::new();
        let mut block = Block::default();
        for item in items {
            let (raw, span) = match item {
                Item::Goal(goal) => {
                    self.close(&mut block, &mut goals);
                    goals.push(goal.into_inner());
                    continue;
                }
                Item::Step(step) => (step.get_ref().clone(), step.span()),
            };
            self.steps += 1;
            if self.steps > STEPS_MAX {
                return Err((Some(span), format!("{STEPS_MAX} steps are the most"), None));
            }
            if raw.r#if.is_some() || raw.each.is_some() || raw.goal.is_some() {
                self.close(&mut block, &mut goals);
                goals.push(self.larger(raw, span, depth)?);
                continue;
            }
            if raw.name.is_some() || raw.on_failure.is_some() || raw.retries.is_some() {
                self.close(&mut block, &mut goals);
            }
            if block.steps.is_empty() {
                block.name.clone_from(&raw.name);
                block.on_failure = raw.on_failure.unwrap_or_default();
                block.retries = raw.retries.unwrap_or_default();
                block.span = span.clone();
            }
            block.steps.push(step(raw, &span)?);
        }
        self.close(&mut block, &mut goals);
        Ok(goals)
    }

    fn close(&mut self, block: &mut Block, goals: &mut Vec<Goal>) {
        let Block { name, on_failure, retries, span, steps } = std::mem::take(block);
        if steps.is_empty() {
            return;
        }
        let name = name.unwrap_or_else(|| self.name("steps"));
        let output = steps.iter().filter_map(|step| step.output.as_ref());
        let output = output.map(|output| (output.name.clone(), output.kind)).collect();
        let said = Spanned::new(span, words(&steps));
        let goal = Goal::of_work(name, said, Work::Steps(steps));
        goals.push(Goal { on_failure, retries, output, ..goal });
    }

    /// A condition, a loop, or a goal for a model.
    fn larger(&mut self, raw: RawStep, span: Range<usize>, depth: usize) -> Result<Goal, Wrong> {
        if depth >= DEPTH_MAX {
            return Err((Some(span), format!("steps lie in each other at most {DEPTH_MAX} deep"), None));
        }
        let here = |why: &str, help: &str| Err((Some(span.clone()), why.to_owned(), Some(help.to_owned())));
        only_its_own(&raw, &span)?;
        let allowed = |on_failure: Option<OnFailure>| on_failure.unwrap_or_default();
        if let Some(goal) = raw.goal {
            let name = raw.name.clone().unwrap_or_else(|| self.name("goal"));
            let new = Goal::of_work(name, goal, Work::Words);
            let (output, retries) = (raw.output.unwrap_or_default(), raw.retries.unwrap_or_default());
            let (app, steps_max, on_failure) = (raw.app, raw.steps_max, allowed(raw.on_failure));
            return Ok(Goal { output, retries, app, steps_max, on_failure, ..new });
        }
        let body = |steps: Option<Vec<Spanned<RawStep>>>| {
            steps.unwrap_or_default().into_iter().map(|step| Item::Step(Box::new(step))).collect()
        };
        let Some(inner) = raw.r#do.filter(|steps| !steps.is_empty()) else {
            return here("there is nothing to do in it", "write the steps below it: [[step.do]]");
        };
        if let Some(each) = raw.each {
            let name = raw.name.unwrap_or_else(|| self.name("rows"));
            let row = raw.r#as.unwrap_or_else(|| "row".to_owned());
            if !is_word(&row) {
                return here("`as` is a word of letters", "as = \"person\", and then {{person.name}}");
            }
            let table = match place(&each) {
                Some(at) if at == (0..each.len()) => TableSource::Output(each[2..each.len() - 2].trim().to_owned()),
                Some(_) => return here("a table's file is a name without values in it", "each = \"rows.csv\""),
                None if !leads_down(&each) => {
                    let help = "write its name, or a path that leads down from there: each = \"tables/rows.csv\"";
                    return here("a table's file lies beside the plan, or in a folder there", help);
                }
                None => TableSource::File(each.clone()),
            };
            let body = self.read(body(Some(inner)), depth + 1)?;
            let said = Spanned::new(span, format!("with each row of {each}"));
            let goal = Goal::of_work(name, said, Work::Rows { table, row, body });
            return Ok(Goal { on_failure: allowed(raw.on_failure), ..goal });
        }
        let Some(condition) = raw.r#if else { return here("this is no step", "see docs/plans.md") };
        let name = raw.name.unwrap_or_else(|| self.name("if"));
        let (condition, within) = condition_of(condition, &span)?;
        let within = within.map_or(Ok(Duration::ZERO), |time| bounded_time(time, &span))?;
        let said = Spanned::new(span, format!("see whether {condition}"));
        let then = self.read(body(Some(inner)), depth + 1)?;
        let otherwise = self.read(body(raw.r#else), depth + 1)?;
        let goal = Goal::of_work(name, said, Work::Branch { condition, within, then, otherwise });
        let (retries, app, on_failure) = (raw.retries.unwrap_or_default(), raw.app, allowed(raw.on_failure));
        Ok(Goal { retries, app, on_failure, ..goal })
    }

    /// A name that nobody has written.
    fn name(&mut self, kind: &'static str) -> String {
        loop {
            let number = self.numbers.entry(kind).or_default();
            *number += 1;
            let name = format!("{kind}-{number}");
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }
}

fn names_of(step: &RawStep, names: &mut BTreeSet<String>) {
    names.extend(step.name.clone());
    for inner in step.r#do.iter().chain(&step.r#else).flatten() {
        names_of(inner.get_ref(), names);
    }
}

/// Whether a path stays below the folder that it begins in. A plan may be somebody else's, and names no other file of the user's.
fn leads_down(path: &str) -> bool {
    !path.trim().is_empty() && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

fn is_word(text: &str) -> bool {
    (1..=40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_')
}

const VERBS: &str = "open, press, hold, type, keys, scroll, call, wait, check, pause, read, extract, each, if, goal";

/// The verbs of a step that are there.
fn verbs(raw: &RawStep) -> Vec<&'static str> {
    let all = [
        ("open", raw.open.is_some()),
        ("press", raw.press.is_some()),
        ("hold", raw.hold.is_some()),
        ("type", raw.r#type.is_some()),
        ("keys", raw.keys.is_some()),
        ("scroll", raw.scroll.is_some()),
        ("call", raw.call.is_some()),
        ("wait", raw.wait.is_some()),
        ("check", raw.check.is_some()),
        ("pause", raw.pause.is_some()),
        ("read", raw.read.is_some()),
        ("extract", raw.extract.is_some()),
        ("each", raw.each.is_some()),
        ("if", raw.r#if.is_some()),
        ("goal", raw.goal.is_some()),
    ];
    all.into_iter().filter(|(_, there)| *there).map(|(verb, _)| verb).collect()
}

/// The keys beside a verb, and with which verbs they mean something.
fn beside_verb(raw: &RawStep) -> Vec<(&'static str, &'static [&'static str])> {
    const WIDGETS: &[&str] = &["press", "hold", "type", "scroll", "read"];
    const ALL_BUT_EACH: &[&str] = &[
        "open", "press", "hold", "type", "keys", "scroll", "call", "wait", "check", "pause", "read", "extract", "if",
        "goal",
    ];
    let all: [(&str, bool, &[&str]); 20] = [
        ("role", raw.role.is_some(), WIDGETS),
        ("beside", raw.beside.is_some(), WIDGETS),
        ("twice", raw.twice, &["press"]),
        ("right", raw.right, &["press"]),
        ("into", raw.into.is_some(), &["type"]),
        ("add", raw.add, &["type"]),
        ("up", raw.up, &["scroll"]),
        ("until", raw.until.is_some(), &["keys"]),
        ("with", raw.with.is_some(), &["call"]),
        ("output", raw.output.is_some(), &["call", "read", "extract", "goal"]),
        ("pointer", raw.pointer.is_some(), &["call"]),
        ("expect", raw.expect.is_some(), &["open", "press", "hold", "type", "keys", "call"]),
        ("within", raw.within.is_some(), &["press", "hold", "type", "scroll", "read", "extract"]),
        ("at", raw.at.is_some(), WIDGETS),
        ("as", raw.r#as.is_some(), &["each"]),
        ("do", raw.r#do.is_some(), &["each", "if"]),
        ("else", raw.r#else.is_some(), &["if"]),
        ("steps_max", raw.steps_max.is_some(), &["goal"]),
        ("app", raw.app.is_some(), ALL_BUT_EACH),
        ("retries", raw.retries.is_some(), ALL_BUT_EACH),
    ];
    all.into_iter().filter(|(_, there, _)| *there).map(|(key, _, verbs)| (key, verbs)).collect()
}

/// One verb, and no key that means nothing beside it.
fn only_its_own(raw: &RawStep, span: &Range<usize>) -> Result<&'static str, Wrong> {
    let at = Some(span.clone());
    let verb = match verbs(raw)[..] {
        [verb] => verb,
        [] => return Err((at, "this step does nothing".to_owned(), Some(format!("write one of: {VERBS}")))),
        [one, other, ..] => {
            let why = format!("this step is to do two things, `{one}` and `{other}`");
            return Err((at, why, Some("write a [[step]] for each".to_owned())));
        }
    };
    match beside_verb(raw).into_iter().find(|(_, verbs)| !verbs.contains(&verb)) {
        Some((key, verbs)) => Err((
            at,
            format!("`{key}` means nothing beside `{verb}`"),
            Some(format!("it goes with: {}", verbs.join(", "))),
        )),
        None => Ok(verb),
    }
}

fn step(raw: RawStep, span: &Range<usize>) -> Result<Step, Wrong> {
    let verb = only_its_own(&raw, span)?;
    let wrong = |why: String, help: &str| (Some(span.clone()), why, Some(help.to_owned()));
    let (role, beside) = (raw.role.clone(), raw.beside.clone());
    let target = |text: String| -> Result<Target, Wrong> {
        match text.trim().is_empty() {
            true => Err(wrong(format!("`{verb}` names no widget"), "write what is on it: press = \"Save\"")),
            false => Ok(Target { text, role: role.clone(), beside: beside.clone() }),
        }
    };
    let how = match (raw.twice, raw.right) {
        (true, true) => return Err(wrong("`twice` and `right` go not together".to_owned(), "take one of them out")),
        (true, false) => Press::Twice,
        (false, true) => Press::Right,
        (false, false) => Press::Once,
    };
    if raw.until.is_some() && raw.expect.is_some() {
        let why = "`until` tells already when it is done".to_owned();
        return Err(wrong(why, "take `expect` out, or write a [[step]] with `check` after it"));
    }
    if verb == "type" && raw.into.is_none() && (raw.role.is_some() || raw.beside.is_some()) {
        let why = "`role` and `beside` tell apart what `into` names, and it is not there".to_owned();
        return Err(wrong(why, "say which field: into = \"City\""));
    }
    let mut within = raw.within;
    let act = if let Some(app) = raw.open {
        StepAction::Open { app }
    } else if let Some(text) = raw.press {
        StepAction::Press { target: target(text)?, how }
    } else if let Some(text) = raw.hold {
        StepAction::Press { target: target(text)?, how: Press::Long }
    } else if let Some(text) = raw.r#type {
        StepAction::Type { text, into: raw.into.map(target).transpose()?, adds: raw.add }
    } else if let Some(keys) = raw.keys {
        check_keys(&keys).map_err(|why| wrong(why, "such as keys = \"ctrl+s\", \"enter\", \"back\""))?;
        StepAction::Keys { keys, until: raw.until.map(|until| until_of(until, span)).transpose()? }
    } else if let Some(text) = raw.scroll {
        StepAction::Scroll { target: target(text)?, way: if raw.up { Way::Up } else { Way::Down } }
    } else if let Some(name) = raw.call {
        let arguments = raw.with.map_or_else(|| Ok(Value::Object(serde_json::Map::new())), json_of);
        let arguments = arguments.map_err(|why| wrong(why, "write it as a text"))?;
        StepAction::Call { name, arguments }
    } else if let Some(text) = raw.read {
        StepAction::Read(target(text)?)
    } else if let Some(pattern) = raw.extract {
        if place(&pattern).is_some() {
            return Err(wrong("a pattern takes no values".to_owned(), "write what it looks for itself"));
        }
        compile(&pattern).map_err(|why| wrong(format!("{pattern:?} is no pattern: {why}"), PATTERN_HELP))?;
        StepAction::Extract { pattern }
    } else if let Some(time) = raw.pause {
        StepAction::Pause(Duration::from_millis(time.ms))
    } else if let Some(condition) = raw.wait {
        let (condition, time) = condition_of(condition, span)?;
        within = time;
        StepAction::Wait(condition)
    } else if let Some(condition) = raw.check {
        let (condition, time) = condition_of(condition, span)?;
        within = time;
        StepAction::Check(condition)
    } else {
        return Err(wrong(format!("`{verb}` is no step here"), "see docs/plans.md"));
    };
    let mut step = Step::new(act);
    if let Some(time) = within {
        step.within = bounded_time(time, span)?;
    }
    if let StepAction::Pause(time) = step.act
        && time > WITHIN_MAX
    {
        return Err(too_long(span));
    }
    if let Some(condition) = raw.expect {
        let (condition, time) = condition_of(condition, span)?;
        if let Some(time) = time {
            step.within = bounded_time(time, span)?;
        }
        step.expect = Some(condition);
    }
    step.output = output(raw.output, raw.pointer, verb, span)?;
    (step.app, step.was_at) = (raw.app, raw.at);
    Ok(step)
}

/// What is pressed for: something that a look at the screen tells.
fn until_of(raw: RawCondition, span: &Range<usize>) -> Result<ScreenCondition, Wrong> {
    let help = || Some("such as until = { text = \"Search\" }, or widget, gone or app".to_owned());
    if raw.within.is_some() {
        return Err((Some(span.clone()), "`within` means nothing in `until`".to_owned(), help()));
    }
    match condition_of(raw, span)?.0 {
        Condition::Screen(screen) => Ok(screen),
        other => Err((Some(span.clone()), format!("no look at the screen tells whether {other}"), help())),
    }
}

fn output(
    output: Option<BTreeMap<String, OutputKind>>,
    pointer: Option<String>,
    verb: &str,
    span: &Range<usize>,
) -> Result<Option<StepOutput>, Wrong> {
    let form = || Some(format!("such as {verb} = \"…\", output = {{ price = \"number\" }}"));
    let is_pointer = |pointer: &String| pointer.is_empty() || pointer.starts_with('/');
    if let Some(wrong) = pointer.as_ref().filter(|pointer| !is_pointer(pointer)) {
        return Err((
            Some(span.clone()),
            format!("{wrong:?} is no JSON pointer"),
            Some("such as \"/items/0/name\"".to_owned()),
        ));
    }
    let Some(output) = output else {
        return match (verb, pointer) {
            ("read" | "extract", _) => Err((Some(span.clone()), format!("what `{verb}` finds has no name"), form())),
            (_, Some(_)) => Err((Some(span.clone()), "what the pointer points at has no name".to_owned(), form())),
            _ => Ok(None),
        };
    };
    let mut all = output.into_iter();
    match (all.next(), all.next()) {
        (Some((name, kind)), None) if kind != OutputKind::Notes => Ok(Some(StepOutput { name, kind, pointer })),
        (Some((_, OutputKind::Notes)), None) => Err((
            Some(span.clone()),
            "a step takes no notes".to_owned(),
            Some("write text, number or items".to_owned()),
        )),
        _ => Err((Some(span.clone()), "a step finds out one thing".to_owned(), form())),
    }
}

fn bounded_time(time: TimeSpan, span: &Range<usize>) -> Result<Duration, Wrong> {
    let time = Duration::from_millis(time.ms);
    if time > WITHIN_MAX { Err(too_long(span)) } else { Ok(time) }
}

fn too_long(span: &Range<usize>) -> Wrong {
    let why = format!("a step waits for {} minutes at most", WITHIN_MAX.as_secs() / 60);
    (Some(span.clone()), why, Some("such as within = \"30s\"".to_owned()))
}

fn check_keys(keys: &str) -> Result<(), String> {
    if ["back", "home"].contains(&keys.trim().to_lowercase().as_str()) {
        return Ok(());
    }
    let said = format!("hotkey(keys={})", Value::from(keys));
    match Dialect::Computer.read(&said, false) {
        read if read.call.is_ok() && read.rest.is_empty() => Ok(()),
        // What a model is told to write instead is no line of a plan.
        read => Err(read.call.err().map_or_else(
            || format!("{keys:?} is more than one chord"),
            |why| why.to_string().split("; write ").next().unwrap_or_default().to_owned(),
        )),
    }
}

/// TOML's dates are no JSON.
fn json_of(table: toml::Table) -> Result<Value, String> {
    fn value(of: toml::Value) -> Result<Value, String> {
        Ok(match of {
            toml::Value::String(text) => Value::String(text),
            toml::Value::Integer(number) => Value::from(number),
            toml::Value::Float(number) => Value::from(number),
            toml::Value::Boolean(yes) => Value::Bool(yes),
            toml::Value::Datetime(time) => return Err(format!("{time} is a date, which no call takes")),
            toml::Value::Array(items) => Value::Array(items.into_iter().map(value).collect::<Result<_, _>>()?),
            toml::Value::Table(table) => json_of(table)?,
        })
    }
    let fields = table.into_iter().map(|(name, field)| Ok((name, value(field)?)));
    Ok(Value::Object(fields.collect::<Result<_, String>>()?))
}

fn condition_of(raw: RawCondition, span: &Range<usize>) -> Result<(Condition, Option<TimeSpan>), Wrong> {
    let at = || Some(span.clone());
    let within = raw.within;
    let is_screen = raw.text.is_some() || raw.gone.is_some() || raw.widget.is_some() || raw.app.is_some();
    let kinds = [is_screen, raw.file.is_some(), raw.page.is_some(), raw.value.is_some()];
    if kinds.iter().filter(|there| **there).count() != 1 {
        let help = "one of: text, gone, widget and app together; file (with contains or missing); page; value with is";
        return Err((
            at(),
            "a condition is about one thing: the screen, a file, a page or a value".to_owned(),
            Some(help.to_owned()),
        ));
    }
    let beside = [
        ("contains", raw.contains.is_some() && raw.file.is_none(), "file"),
        ("missing", raw.missing && raw.file.is_none(), "file"),
        ("is", raw.is.is_some() != raw.value.is_some(), "value"),
        ("role", raw.role.is_some() && raw.widget.is_none(), "widget"),
        ("beside", raw.beside.is_some() && raw.widget.is_none(), "widget"),
        ("on", raw.on.is_some() && raw.widget.is_none(), "widget"),
    ];
    if let Some((key, _, with)) = beside.into_iter().find(|(_, wrong, _)| *wrong) {
        return Err((at(), format!("`{key}` goes with `{with}`"), None));
    }
    let texts = [&raw.text, &raw.gone, &raw.widget, &raw.app, &raw.file, &raw.contains, &raw.page];
    if texts.into_iter().flatten().any(|text| text.trim().is_empty()) {
        return Err((at(), "a text of this condition is empty".to_owned(), None));
    }
    if let Some(page) = &raw.page
        && place(page).is_none()
        && !is_whole_address(page)
    {
        let help = "such as page = \"https://example.org/orders\"".to_owned();
        return Err((at(), format!("{page:?} is no whole address"), Some(help)));
    }
    let condition = if let Some(path) = raw.file {
        Condition::File { path, contains: raw.contains, is_gone: raw.missing }
    } else if let Some(address) = raw.page {
        Condition::Page { address }
    } else if let Some(value) = raw.value {
        Condition::Value { value, is: raw.is.unwrap_or_default() }
    } else {
        let widget = raw.widget.map(|text| Target { text, role: raw.role, beside: raw.beside });
        Condition::Screen(ScreenCondition { text: raw.text, gone: raw.gone, widget, on: raw.on, app: raw.app })
    };
    Ok((condition, within))
}

/// What is near a name that nobody knows, for an error.
pub fn near(name: &str, known: &BTreeSet<String>) -> Option<String> {
    nearest(name, known.iter().map(String::as_str)).map(|near| format!("did you mean `{near}`?"))
}
