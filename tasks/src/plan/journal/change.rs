//! What a line of a plan's record does to the plan: a loop becomes its rows, a condition one of its sides, and what was planned anew takes
//! the place of what was left.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::super::GOALS_MAX;
use super::super::file::Plan;
use super::super::goal::{Goal, Work};
use super::super::handed_over::rest_of;
use super::super::outputs::add_round;
use super::super::values::Outputs;
use super::{PlanLine, is_over};
use crate::mistake::Mistake;

/// What a model writes for itself has limits that nobody else has set.
const MODEL_RETRIES_MAX: u32 = 2;

/// Adds a line to what became of a plan, and changes the plan if the line says so.
pub(super) fn take(plan: &mut Plan, lines: &mut Vec<PlanLine>, line: PlanLine) -> Result<(), Mistake> {
    if let PlanLine::Replanned { toml } = &line {
        // All that the model was shown as known.
        let found = outputs(plan, lines);
        let known = plan.parameters.keys().chain(plan.values.keys()).chain(found.keys()).cloned().collect();
        let new = Plan::parse_by_model(Path::new("plan.jsonl"), toml, &known)?;
        let mut names: BTreeSet<String> = plan.goals.iter().map(|goal| goal.name.clone()).collect();
        // Those of earlier plans too: what is written of them is not about the new ones.
        names.extend(lines.iter().filter_map(|line| match line {
            PlanLine::Begun { goal, .. } => Some(goal.clone()),
            _ => None,
        }));
        // What was achieved stays, and the goals that were left are these now.
        plan.goals.retain(|goal| is_over(lines, &goal.name));
        for mut goal in new.goals {
            goal.by_model = true;
            // How long somebody's phone is used is for a person to say.
            goal.schedule = None;
            goal.retries = goal.retries.min(MODEL_RETRIES_MAX);
            while !names.insert(goal.name.clone()) {
                goal.name.push_str("-new");
            }
            plan.goals.push(goal);
        }
    }
    match &line {
        PlanLine::Parameters { values } => plan.values.clone_from(values),
        PlanLine::Table { name, rows } => {
            plan.tables.insert(name.clone(), rows.clone());
        }
        PlanLine::Rows { goal, rows } => replace(plan, lines, goal, |goal| match &goal.work {
            Work::Rows { row: name, body, .. } => with_rows(goal, name, body, rows),
            Work::Words | Work::Steps(_) | Work::Branch { .. } => vec![goal.clone()],
        })?,
        PlanLine::Branch { goal, holds, .. } => replace(plan, lines, goal, |goal| match &goal.work {
            Work::Branch { then, otherwise, .. } => if *holds { then } else { otherwise }.clone(),
            Work::Words | Work::Steps(_) | Work::Rows { .. } => vec![goal.clone()],
        })?,
        PlanLine::HandedOver { goal, step, deed, why, .. } => replace(plan, lines, goal, |goal| match &goal.work {
            Work::Steps(all) => vec![rest_of(goal, all, *step, *deed, why)],
            Work::Words | Work::Branch { .. } | Work::Rows { .. } => vec![goal.clone()],
        })?,
        _ => {}
    }
    lines.push(line);
    Ok(())
}

/// Puts goals in place of one, under names that no other goal has or had.
fn replace(
    plan: &mut Plan,
    lines: &[PlanLine],
    name: &str,
    by: impl FnOnce(&Goal) -> Vec<Goal>,
) -> Result<(), Mistake> {
    let Some(at) = plan.goals.iter().position(|goal| goal.name == name) else { return Ok(()) };
    let mut new = by(&plan.goals[at]);
    if plan.goals.len() + new.len() > GOALS_MAX {
        return Err(Mistake {
            file: PathBuf::from("plan.jsonl"),
            text: String::new(),
            at: None,
            why: format!("with all of its rows the plan has more than {GOALS_MAX} goals"),
            help: Some("give it fewer rows at once".to_owned()),
        });
    }
    let mut names: BTreeSet<String> = plan.goals.iter().map(|goal| goal.name.clone()).collect();
    names.extend(lines.iter().filter_map(|line| match line {
        PlanLine::Begun { goal, .. } => Some(goal.clone()),
        _ => None,
    }));
    for goal in &mut new {
        while !names.insert(goal.name.clone()) {
            goal.name.push_str("-again");
        }
    }
    plan.goals.splice(at..=at, new);
    Ok(())
}

/// The goals of a loop, once for each row.
fn with_rows(of: &Goal, name: &str, body: &[Goal], rows: &[Outputs]) -> Vec<Goal> {
    let each = rows.iter().enumerate().flat_map(|(at, row)| {
        let mut bound = of.row.clone();
        bound.extend(row.iter().map(|(column, value)| (format!("{name}.{column}"), value.clone())));
        body.iter().map(move |goal| goal.with_row(&format!("{}-{}", of.name, at + 1), &bound)).collect::<Vec<_>>()
    });
    // Whoever sent a record may have named more than anybody could do.
    each.take(GOALS_MAX + 1).collect()
}

/// All outputs that the lines tell of, the last of each name.
pub(super) fn outputs(plan: &Plan, lines: &[PlanLine]) -> Outputs {
    let mut outputs = Outputs::new();
    for line in lines {
        match line {
            PlanLine::Achieved(achieved) => outputs.extend(achieved.outputs.clone()),
            PlanLine::HandedOver { outputs: found, .. } => outputs.extend(found.clone()),
            PlanLine::Round(round) => {
                let goal = plan.goals.iter().find(|goal| goal.name == round.goal);
                add_round(goal, &mut outputs, &round.outputs);
            }
            _ => {}
        }
    }
    outputs
}
