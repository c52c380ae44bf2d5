//! What stands in a case of a file, and the case that is made of it.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use tapwright_contract::Size;
use tapwright_phone::World;
use tapwright_phone::date::{DAY, Date, minute_of};
use tapwright_phone_suite::AnswerCheck;
use toml::Spanned;

use super::expectation::{ExpectationText, Expectations, Wrong, requirement};
use crate::device::{
    BrowserAddress, BrowserOptions, DeviceAddress, LaunchOptions, PageToolSites, PhoneOptions, Settle,
};
use crate::judge::{Fact, Facts};
use crate::mistake::nearest;
use crate::origin::CaseId;
use crate::serve::AppSelection;
use crate::settings::size_of;
use crate::suite::{Case, CaseLimits};

/// A page in a browser that nobody said the size of.
const BROWSER_SIZE: Size = Size { width: 1280, height: 800 };
/// The steps that a case may have if nobody says it.
pub const STEPS: u32 = 40;
/// How runs can end and be right.
const ENDS: [&str; 3] = ["done", "gave-up", "needs-person"];

/// What the cases of a suite have in common.
pub struct CaseOrigin<'a> {
    pub suite: &'a str,
    pub seed: u64,
    /// The phone of a case that says nothing of its own.
    pub phone: PhoneOptions,
    /// Where browsers may have their profiles.
    pub profiles: &'a Path,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseText {
    name: Spanned<String>,
    goal: Spanned<String>,
    #[serde(default)]
    group: Option<String>,
    #[serde(default)]
    device: DeviceText,
    #[serde(default)]
    start: Vec<Spanned<Fact>>,
    #[serde(default)]
    expect: Vec<Spanned<ExpectationText>>,
    #[serde(default)]
    answer: Option<Spanned<AnswerText>>,
    #[serde(default)]
    ends: Option<Spanned<Vec<String>>>,
    /// Facts whose names begin so may change, and no others may; without it, any may.
    #[serde(default)]
    may_change: Option<Vec<String>>,
    #[serde(default)]
    limits: LimitsText,
    /// Apps that have to be there, by the names by which they are launched.
    #[serde(default)]
    pub needs_apps: Vec<String>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeviceText {
    #[serde(default)]
    kind: Option<Spanned<String>>,
    #[serde(default)]
    seed: Option<u64>,
    #[serde(default)]
    size: Option<Spanned<String>>,
    #[serde(default)]
    apps: Option<Spanned<String>>,
    /// What its clock says when the case starts.
    #[serde(default)]
    clock: Option<Spanned<String>>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerText {
    #[serde(default)]
    contains: Vec<String>,
    #[serde(default)]
    any_of: Vec<String>,
    #[serde(default)]
    without: Vec<String>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitsText {
    #[serde(default)]
    steps: Option<Spanned<u32>>,
    #[serde(default)]
    minutes: Option<Spanned<u32>>,
}

/// Makes a case of what somebody has written. `names` are those that are taken.
pub fn case_of(
    origin: &CaseOrigin<'_>,
    spanned: &Spanned<CaseText>,
    names: &mut BTreeSet<String>,
) -> Result<Case, Wrong> {
    let (text, here) = (spanned.get_ref(), Some(spanned.span()));
    let name = text.name.get_ref();
    let is_plain = (1..=60).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if !is_plain {
        let help = Some("letters, digits, `-` and `_`, up to 60".to_owned());
        return Err((Some(text.name.span()), format!("{name:?} is no name for a case"), help));
    }
    if !names.insert(name.clone()) {
        return Err((Some(text.name.span()), format!("there are two cases with the name `{name}`"), None));
    }
    if text.goal.get_ref().trim().is_empty() {
        return Err((Some(text.goal.span()), "the goal is empty".to_owned(), None));
    }
    let (device, has_facts) = device_of(&text.device, origin, here.clone())?;
    let goes_by_facts = !text.start.is_empty() || !text.expect.is_empty() || text.may_change.is_some();
    if !has_facts && goes_by_facts {
        let why = "a browser does not tell facts, so nothing can be made true of it or expected of it".to_owned();
        let help = Some("expect something of the answer: answer = { contains = [\"…\"] }".to_owned());
        return Err((here, why, help));
    }
    if text.expect.is_empty() && text.answer.is_none() && text.ends.is_none() {
        let help = Some("say what is true in the end: expect = [{ fact = \"wifi.on\", is = \"true\" }]".to_owned());
        return Err((here, format!("nobody says what the case `{name}` wants"), help));
    }
    let start = start_of(text, &device)?;
    let facts = text.expect.iter().map(|one| requirement(one, &start)).collect::<Result<Vec<_>, Wrong>>()?;
    let (ends, answer) = (ends_of(text)?, answer_of(text)?);
    let positive = |limit: &Option<Spanned<u32>>, what: &str| match limit {
        Some(limit) if *limit.get_ref() == 0 => Err((Some(limit.span()), format!("a case may take no {what}"), None)),
        limit => Ok(limit.as_ref().map(|limit| *limit.get_ref())),
    };
    let limits = CaseLimits {
        steps_max: Some(positive(&text.limits.steps, "step")?.unwrap_or(STEPS)),
        minutes: positive(&text.limits.minutes, "time")?,
    };
    let may_change = text.may_change.clone();
    Ok(Case {
        id: CaseId { suite: origin.suite.to_owned(), template: name.clone(), seed: origin.seed },
        goal: text.goal.get_ref().clone(),
        goal_fact: None,
        device,
        start: text.start.iter().map(|fact| fact.get_ref().clone()).collect(),
        evaluator: Arc::new(Expectations { facts, answer, ends, may_change, has_facts }),
        group: text.group.clone(),
        limits,
    })
}

fn ends_of(text: &CaseText) -> Result<Vec<String>, Wrong> {
    let Some(ends) = &text.ends else { return Ok(vec!["done".to_owned()]) };
    if ends.get_ref().is_empty() {
        let help = Some(format!("leave it out for `done`, or name some of: {}", ENDS.join(", ")));
        return Err((
            Some(ends.span()),
            "no run ends in one of no ways, so the case could never pass".to_owned(),
            help,
        ));
    }
    if let Some(end) = ends.get_ref().iter().find(|end| !ENDS.contains(&end.as_str())) {
        let near = nearest(end, ENDS).map(|near| format!("did you mean `{near}`?"));
        let help = near.or_else(|| Some(format!("there are: {}", ENDS.join(", "))));
        return Err((Some(ends.span()), format!("no run that is right ends with `{end}`"), help));
    }
    Ok(ends.get_ref().clone())
}

fn answer_of(text: &CaseText) -> Result<Option<AnswerCheck>, Wrong> {
    let Some(answer) = &text.answer else { return Ok(None) };
    let AnswerText { contains, any_of, without } = answer.get_ref().clone();
    if contains.is_empty() && any_of.is_empty() && without.is_empty() {
        let help = Some("answer = { contains = [\"…\"] }".to_owned());
        return Err((Some(answer.span()), "nobody says what the answer has to say".to_owned(), help));
    }
    Ok(Some(AnswerCheck { contains, any_of, without, on: None }))
}

/// The device of a case, and whether it tells facts.
fn device_of(
    text: &DeviceText,
    origin: &CaseOrigin<'_>,
    here: Option<Range<usize>>,
) -> Result<(DeviceAddress, bool), Wrong> {
    let kind = text.kind.as_ref().map_or("virtual", |kind| kind.get_ref().as_str());
    let size = match &text.size {
        None => None,
        Some(size) => Some(size_of(size.get_ref()).map_err(|why| (Some(size.span()), why, None))?),
    };
    match kind {
        "virtual" => {
            let mut phone = origin.phone.clone();
            phone.seed = text.seed.unwrap_or(phone.seed);
            if let Some(size) = size {
                (phone.width, phone.height) = (size.width, size.height);
            }
            if let Some(apps) = &text.apps {
                let found = AppSelection::NAMES.iter().find(|(name, _)| name == apps.get_ref());
                let help = || Some("write \"basic\" or \"all\"".to_owned());
                let wrong = || (Some(apps.span()), format!("there are no apps `{}`", apps.get_ref()), help());
                phone.apps = found.ok_or_else(wrong)?.1;
            }
            if let Some(clock) = &text.clock {
                let help = || Some("write it like \"2026-01-05T09:30\"".to_owned());
                let wrong = || (Some(clock.span()), format!("`{}` is no time", clock.get_ref()), help());
                phone.epoch = seconds_of(clock.get_ref()).ok_or_else(wrong)?;
            }
            Ok((DeviceAddress::Virtual(phone), true))
        }
        "browser" => {
            if text.seed.is_some() || text.apps.is_some() || text.clock.is_some() {
                let why = "`seed`, `apps` and `clock` are a virtual phone's, and this is a browser".to_owned();
                return Err((here, why, None));
            }
            let size = size.unwrap_or(BROWSER_SIZE);
            let launch = LaunchOptions { program: None, size, scale_percent: 100, folder: origin.profiles.to_owned() };
            let at = BrowserAddress::Private(launch);
            Ok((
                DeviceAddress::Browser(BrowserOptions {
                    at,
                    settle: Settle::BROWSER,
                    sites: Vec::new(),
                    page_tools: PageToolSites::None,
                }),
                false,
            ))
        }
        other => {
            let at = text.kind.as_ref().map(Spanned::span);
            let help =
                "kind = \"virtual\" is a phone of this program's, kind = \"browser\" a browser of its own".to_owned();
            Err((at, format!("there is no device of the kind `{other}` for cases"), Some(help)))
        }
    }
}

/// What a clock says, in seconds since 1970.
fn seconds_of(clock: &str) -> Option<u64> {
    let (day, time) = clock.split_once('T')?;
    Some(Date::parse_iso(day)?.days * DAY + u64::from(minute_of(time)?) * 60)
}

/// Makes the start true of a phone as it would be drawn, and tells what is true then: a slip is found before anything is run.
/// Of a browser nothing is known.
fn start_of(text: &CaseText, device: &DeviceAddress) -> Result<Facts, Wrong> {
    let DeviceAddress::Virtual(phone) = device else { return Ok(Facts::new()) };
    let mut world = World::new(phone.clone());
    for spanned in &text.start {
        let Fact { fact, is } = spanned.get_ref();
        world.set_fact(fact, is).map_err(|refused| {
            let facts = world.facts();
            let near = nearest(fact, facts.keys().map(String::as_str)).filter(|near| near != fact);
            let help = near.map_or_else(
                || "docs/phone.md lists what can be set".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            (Some(spanned.span()), format!("it cannot start so: {refused}"), Some(help))
        })?;
    }
    Ok(world.facts())
}
