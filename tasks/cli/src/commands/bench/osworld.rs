//! `tapwright bench osworld`: tasks that the user has are checked, filtered and listed.

use std::path::Path;

use console::{measure_text_width, style};
use serde_json::{Map, Value, json};
use tapwright_tasks::count_of;
use tapwright_tasks::mistake::{Mistake, read_text};
use tapwright_tasks::osworld::{
    NAME, OsworldTask, TaskCounts, TaskSelection, TaskSet, TaskSetError, counts, read_id_list, read_repairs,
};

use crate::arguments::OsworldArguments;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output;

/// Mistakes that are told one by one before the rest is only counted.
const MISTAKES_SHOWN: usize = 20;

pub fn perform(arguments: &OsworldArguments, list: bool, only: &[String], json: bool) -> Result<Exit, CliError> {
    let usage = |error: TaskSetError| CliError::new(Exit::Usage, &error);
    let Some(path) = &arguments.tasks else {
        return Err(CliError::usage(
            "OSWorld's tasks are not part of this program, and --tasks does not say where they are",
        )
        .help("write --tasks PATH, where PATH is OSWorld's evaluation_examples or a .tar.gz of it"));
    };
    if !list {
        return Err(CliError::usage("running OSWorld's tasks is not possible yet; checking and listing them is")
            .help("add --list"));
    }
    let mut set = TaskSet::load(path).map_err(usage)?;
    if let Some(file) = &arguments.repairs {
        let repairs = read_repairs(&read(file)?).map_err(|error| usage(error.into()))?;
        set.repair(&repairs).map_err(usage)?;
    }
    let mut selection = TaskSelection { domains: arguments.domain.clone(), ids: only.to_vec() };
    if let Some(file) = &arguments.ids {
        selection.ids.extend(read_id_list(&read(file)?).map_err(usage)?);
    }
    let tasks = set.select(&selection).map_err(usage)?;
    let exit = if set.defects.is_empty() { Exit::Done } else { Exit::Usage };
    if json {
        show_json(&set, &tasks, exit);
    } else {
        show(&set, &tasks, path);
    }
    Ok(exit)
}

fn read(file: &Path) -> Result<String, CliError> {
    read_text(file).map_err(|error| Mistake::unreadable(file, &error).into())
}

/// Who can score a task.
fn scored_by(task: &OsworldTask) -> &'static str {
    if task.is_native() { "native" } else { "official" }
}

fn functions(task: &OsworldTask) -> Vec<&'static str> {
    task.evaluator.checks.iter().map(|check| check.function.name).collect()
}

fn show_json(set: &TaskSet, tasks: &[&OsworldTask], exit: Exit) {
    for task in tasks {
        let line = json!({
            "id": task.id,
            "domain": task.domain,
            "instruction": task.instruction,
            "functions": functions(task),
            "evaluator": scored_by(task),
            "tier": task.machinery().tier(),
            "infeasible": task.is_infeasible(),
            "downloads": task.downloads(),
            "digest": task.digest,
        });
        output::out(&line.to_string());
    }
    let (domains, all) = counts(tasks);
    let domains: Map<String, Value> = domains.into_iter().map(|(name, of)| (name.to_owned(), json!(of))).collect();
    let line = json!({
        "suite": NAME,
        "set": set.known_name(),
        "hash": set.hash(),
        "repaired": set.repaired,
        "mistakes": set.defects.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "domains": domains,
        "all": all,
        "exit": exit.code(),
    });
    output::out(&line.to_string());
}

fn show(set: &TaskSet, tasks: &[&OsworldTask], path: &Path) {
    for task in tasks {
        let kind = if task.is_infeasible() { "infeasible" } else { scored_by(task) };
        let head = format!("  {}  {:<20} {kind:<11}", task.id, task.domain);
        let room = output::width().saturating_sub(measure_text_width(&head));
        output::out(&if room < 20 {
            format!("{head}\n      {}", output::fit(&task.instruction, output::width().saturating_sub(6)))
        } else {
            format!("{head} {}", style(output::fit(&task.instruction, room.saturating_sub(1))).dim())
        });
    }
    let (domains, all) = counts(tasks);
    let line = |name: &str, of: &TaskCounts| {
        let TaskCounts { tasks, native, infeasible, downloads } = of;
        format!("  {name:<20}{tasks:>7}{native:>9}{infeasible:>13}{downloads:>12}")
    };
    output::out("");
    output::out(
        &style(format!("  {:<20}{:>7}{:>9}{:>13}{:>12}", "domain", "tasks", "native", "infeasible", "downloads"))
            .dim()
            .to_string(),
    );
    for (name, of) in &domains {
        output::out(&line(name, of));
    }
    output::out(&style(line("all", &all)).bold().to_string());
    output::out("");
    let name =
        set.known_name().unwrap_or(if set.repaired.is_empty() { "not one of the known sets" } else { "with repairs" });
    for (what, value) in [("tasks", path.display().to_string()), ("set", name.to_owned()), ("hash", set.hash())] {
        output::out(&format!("  {} {value}", style(format!("{what:<6}")).dim()));
    }
    if !set.repaired.is_empty() {
        output::out(&format!("  {} {}", style("repairs").dim(), count_of(set.repaired.len() as u64, "task", "tasks")));
    }
    if !set.defects.is_empty() {
        output::err(&format!(
            "\n{} {} in the task files, which are left out:",
            style("error:").red().bold().for_stderr(),
            count_of(set.defects.len() as u64, "mistake", "mistakes")
        ));
        for defect in set.defects.iter().take(MISTAKES_SHOWN) {
            output::err(&format!("  {}", output::flat(&defect.to_string())));
        }
        if set.defects.len() > MISTAKES_SHOWN {
            output::err(&format!("  and {} more; --json lists all", set.defects.len() - MISTAKES_SHOWN));
        }
    }
}
