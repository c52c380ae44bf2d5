//! The result of a plan as a document.

use std::fmt::Write;
use std::path::Path;

use serde_json::{Value, json};

use tapwright_agent::journal::Record;
use tapwright_agent::outcome::Outcome;

use super::journal::achieved;
use super::values::{braces, place, value_name};
use super::{OutputKind, Outputs, Plan, PlanEnd, PlanLine, PlanRecord};
use crate::headline::{EndNotice, Headline, Mood};
use crate::mistake::read_text;
use crate::plural::count_of;
use crate::scene::last_picture;

/// For people: what each goal asked for and took, outputs, notes, the last picture of each run, and what was not achieved.
pub fn markdown(record: &PlanRecord, end: &PlanEnd) -> String {
    let mut text = format!("# {}\n\n{}\n", line(&record.plan.title), end_in_words(end, &record.plan));
    for (at, (name, value)) in record.plan.values.iter().enumerate() {
        let _ = writeln!(text, "{}- with **{name}** = {}", if at == 0 { "\n" } else { "" }, line(value));
    }
    for achieved in record.achieved() {
        let _ = write!(
            text,
            "\n## {}\n\n{}\n\n",
            achieved.goal,
            goal_in_words(record, &achieved.goal, Some(&achieved.run))
        );
        for (name, value) in &achieved.outputs {
            let lines: Vec<String> = value.lines().map(line).collect();
            let _ = match &lines[..] {
                [_, _, ..] => writeln!(text, "- **{name}**:\n  - {}", lines.join("\n  - ")),
                _ => writeln!(text, "- **{name}**: {}", line(value)),
            };
        }
        for note in &achieved.notes {
            let _ = writeln!(text, "\n> {}", line(note));
        }
        if let Some(picture) = last_picture(&record.folder, &achieved.run) {
            let _ = writeln!(text, "\n![the last screen]({picture})");
        }
    }
    let missing = missing(&record.plan, &record.lines);
    if !missing.is_empty() {
        text += "\n## What was not achieved\n\n";
        for (goal, why) in missing {
            let _ = writeln!(text, "- **{goal}**: {} ({})", line(&why), goal_in_words(record, &goal, None));
        }
    }
    text
}

/// The plan's own document with the outputs in it that are known; `None` if it has none.
pub fn document(plan: &Plan, outputs: &Outputs) -> Option<String> {
    let mut rest = plan.document.as_deref()?;
    let mut text = String::new();
    while let Some(at) = place(rest) {
        text += &rest[..at.start];
        let name = value_name(&rest[at.start + 2..at.end - 2]);
        let is_list = plan.goals.iter().any(|goal| goal.output.get(name) == Some(&OutputKind::Items));
        match (braces(name), outputs.get(name)) {
            (Some(braces), _) => text += braces,
            (None, Some(value)) if is_list => text += &bullets(value),
            (None, Some(value)) if value.trim().contains('\n') => text += &block(value),
            (None, Some(value)) => text += &line(value),
            (None, None) => text += "(not known yet)",
        }
        rest = &rest[at.end..];
    }
    text += rest;
    Some(format!("{}\n", text.trim()))
}

/// A text of several lines, as it is: nothing in it is Markdown.
fn block(text: &str) -> String {
    let longest = text.split(|letter| letter != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(3.max(longest + 1));
    let kept = |letter: &char| !letter.is_control() || ['\n', '\t'].contains(letter);
    let text: String = text.trim_matches('\n').chars().filter(kept).collect();
    format!("\n\n{fence}\n{text}\n{fence}\n\n")
}

/// A list, an item a line.
fn bullets(items: &str) -> String {
    let bullet = |item: &str| match item.split_once(['|', '｜']) {
        Some((title, more)) if !more.trim().is_empty() => format!("- **{}**: {}", line(title), line(more)),
        _ => format!("- {}", line(item)),
    };
    if items.is_empty() { "(nothing)".to_owned() } else { items.lines().map(bullet).collect::<Vec<_>>().join("\n") }
}

/// What a goal asks for, as the plan says it, and what its run took.
fn goal_in_words(record: &PlanRecord, name: &str, run: Option<&str>) -> String {
    let goal = record.plan.goals.iter().find(|goal| goal.name == name);
    let mut text = goal.map_or_else(String::new, |goal| line(goal.goal.get_ref()));
    if let Some(Ok(done)) = run.map(|run| Record::read(&record.folder.join(run))) {
        // As it was told, with the outputs of earlier goals in it.
        text = line(done.facts.setting.goal.lines().next().unwrap_or_default());
        let (steps, ms) = (done.steps(), done.entries.last().map_or(0, |entry| entry.ms));
        let _ = write!(text, " ({}, {:.1} s)", count_of(u64::from(steps), "step", "steps"), ms as f64 / 1000.0);
    }
    text
}

/// The same for programs.
pub fn summary(record: &PlanRecord, end: &PlanEnd) -> Value {
    let achieved: Vec<Value> = record
        .achieved()
        .map(|achieved| {
            json!({
                "goal": achieved.goal, "run": achieved.run, "outputs": achieved.outputs, "notes": achieved.notes,
                "picture": last_picture(&record.folder, &achieved.run),
            })
        })
        .collect();
    let missing: Vec<Value> = missing(&record.plan, &record.lines)
        .into_iter()
        .map(|(goal, why)| json!({ "goal": goal, "why": why }))
        .collect();
    json!({
        "version": 1, "plan": record.plan.title, "end": id(end), "parameters": record.plan.values,
        "outputs": record.outputs(), "achieved": achieved,
        "not_achieved": missing,
    })
}

/// The id that reports and scripts use.
pub fn id(end: &PlanEnd) -> &'static str {
    match end {
        PlanEnd::Done => "done",
        PlanEnd::Partly => "partly",
        // It said that it was done, and what it was to find out is missing.
        PlanEnd::Stopped(Outcome::Done { .. }) => "failed",
        PlanEnd::Stopped(outcome) => outcome.id(),
        PlanEnd::NeedsPerson(_) => "needs-person",
    }
}

/// A plan as a record tells it, whether or not it has come to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanStanding {
    pub title: String,
    pub headline: Headline,
    /// The goals that were not achieved, and why.
    pub missing: Vec<(String, String)>,
}

/// How the plan in a folder stands; `None` if there is none that can be read.
pub fn standing(folder: &Path) -> Option<PlanStanding> {
    let (plan, lines) = PlanRecord::look(folder).ok()?;
    let (done, all) = (achieved(&lines).count(), plan.goals.len());
    let headline = match end_of(folder) {
        Some(end) => headline(&end, done, all, &plan),
        None => {
            let says = if plan.needs_model() { ", says the model" } else { "" };
            let all = count_of(all as u64, "goal", "goals");
            Headline { mood: Mood::Mild, text: format!("no end: {done} of {all} achieved so far{says}") }
        }
    };
    Some(PlanStanding { missing: missing(&plan, &lines), title: plan.title, headline })
}

/// The end that a plan's result tells, if there is one.
pub fn end_of(folder: &Path) -> Option<String> {
    let result: Value = serde_json::from_str(&read_text(&folder.join("plan.json")).ok()?).ok()?;
    Some(result["end"].as_str()?.to_owned())
}

/// What is told in the end. The goals of a plan are not judged.
pub fn notice(end: &PlanEnd, record: &PlanRecord) -> EndNotice {
    let (achieved, all) = (record.achieved().count(), record.plan.goals.len());
    EndNotice { id: id(end).to_owned(), verdict: None, headline: headline(id(end), achieved, all, &record.plan) }
}

fn headline(end: &str, achieved: usize, all: usize, plan: &Plan) -> Headline {
    let rest = match end {
        "done" if !plan.needs_model() => {
            let parts = count_of(all as u64, "part", "parts");
            return Headline { mood: Mood::Mild, text: format!("all of its steps were done, in {parts}") };
        }
        "done" => {
            let text = format!("the model says that all goals are achieved ({all}); nothing was checked");
            return Headline { mood: Mood::Mild, text };
        }
        "partly" => String::new(),
        end => format!("; it ended with {end}"),
    };
    let goals = count_of(all as u64, "goal", "goals");
    Headline { mood: Mood::Bad, text: format!("not achieved: {} of {goals}{rest}", all.saturating_sub(achieved)) }
}

fn end_in_words(end: &PlanEnd, plan: &Plan) -> String {
    match end {
        PlanEnd::Done if !plan.needs_model() => "All of its steps were done.".to_owned(),
        PlanEnd::Done => "All of it was achieved, says the model.".to_owned(),
        PlanEnd::Partly => "It went to its end, but not all of it was achieved.".to_owned(),
        PlanEnd::Stopped(_) => format!("It stopped before its end: `{}`.", id(end)),
        PlanEnd::NeedsPerson(why) => format!("Somebody has to say how it goes on: {}", line(why)),
    }
}

/// The goals that were not achieved, and what was said last of each.
fn missing(plan: &Plan, lines: &[PlanLine]) -> Vec<(String, String)> {
    let over: Vec<&str> = achieved(lines).map(|achieved| achieved.goal.as_str()).collect();
    let why = |name: &str| {
        lines.iter().rev().find_map(|line| match line {
            PlanLine::Skipped { goal, why } | PlanLine::Failed { goal, why, .. } | PlanLine::Stopped { goal, why }
                if goal == name =>
            {
                Some(why.clone())
            }
            _ => None,
        })
    };
    let goals = plan.goals.iter().filter(|goal| !over.contains(&goal.name.as_str()));
    let goals = goals.map(|goal| {
        (goal.name.clone(), why(&goal.name).unwrap_or_else(|| "it was not tried, or not to its end".to_owned()))
    });
    let rounds = lines.iter().filter_map(|line| match line {
        PlanLine::RoundSkipped { goal, round, why } => Some((format!("{goal}, round {round}"), why.clone())),
        _ => None,
    });
    goals.chain(rounds).collect()
}

/// Text from models and screens, which must not become headings, links or pictures of the document.
fn line(text: &str) -> String {
    let mut shown = String::new();
    for letter in text.split_whitespace().collect::<Vec<_>>().join(" ").chars() {
        if "\\`*_[]<>#!|".contains(letter) {
            shown.push('\\');
        }
        shown.push(letter);
    }
    shown
}
