//! `tapwright bench osworld`: tasks that the user has are checked, filtered and listed, and made a suite of.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};

use console::{measure_text_width, style};
use serde_json::{Map, Value, json};
use tapwright_tasks::command_line::quoted;
use tapwright_tasks::count_of;
use tapwright_tasks::device::{Settle, host_and_port, without_machine_token};
use tapwright_tasks::mistake::{Mistake, read_text};
use tapwright_tasks::osworld::{
    MachinePoolOptions, NAME, OsworldOptions, OsworldTask, TaskCounts, TaskDefect, TaskSelection, TaskSet,
    TaskSetError, counts, read_id_list, read_repairs,
};
use tapwright_tasks::suite::Suite as _;
use tapwright_tasks::suites::osworld::{AssetError, OsworldSuite, SCREEN};

use crate::arguments::{OsworldArguments, TaskSetArguments};
use crate::error::CliError;
use crate::exit::Exit;
use crate::output;

/// Mistakes that are told one by one before the rest is only counted.
const MISTAKES_SHOWN: usize = 20;
/// Where the menu's files are on a private desktop.
const APPLICATIONS: [&str; 2] = ["/usr/local/share/applications", "/usr/share/applications"];

/// Lists the tasks that are chosen, with what they need that is not here.
pub fn list(arguments: &OsworldArguments, only: &[String], json: bool) -> Result<Exit, CliError> {
    let set = load(&arguments.set)?;
    let selection = selection(&arguments.set, only, true)?;
    let tasks = set.select(&selection).map_err(usage)?;
    let suite = OsworldSuite::new(&tasks, options(arguments)?)?;
    let needs: Needs = suite.left_out().iter().map(|left| (left.id.as_str(), left.needs.as_slice())).collect();
    let defects = set.selected_defects(&selection);
    let is_fine = defects.is_empty() || arguments.skip_faulty;
    let exit = if is_fine { Exit::Done } else { Exit::Usage };
    if json {
        show_json(&set, &tasks, &needs, &defects, exit);
    } else {
        show(&set, &tasks, &needs, arguments.set.tasks.as_deref().unwrap_or(Path::new("")));
        let mark = if is_fine { style("note:").yellow() } else { style("error:").red() };
        tell_faulty(&defects, &mark.bold().for_stderr().to_string());
    }
    Ok(exit)
}

/// What each task lacks here, by its id.
type Needs<'a> = BTreeMap<&'a str, &'a [String]>;

/// The suite of the tasks that can be run here. Of `only`, mistakes in other files do not count.
///
/// # Errors
/// `CliError` if there are no tasks, mistakes in those that are chosen, or none that can be run.
pub async fn suite(arguments: &OsworldArguments, only: &[String]) -> Result<OsworldSuite, CliError> {
    if let Some(lacks) = tapwright_tasks::private_lacks().filter(|_| arguments.device.is_empty()) {
        return Err(CliError::with_text(Exit::NotReady, lacks));
    }
    let set = load(&arguments.set)?;
    let chosen = selection(&arguments.set, only, arguments.skip_faulty)?;
    let defects = set.selected_defects(&chosen);
    if let Some(defect) = defects.first().filter(|_| !arguments.skip_faulty) {
        let why = format!(
            "{} in the task files: {}",
            count_of(defects.len() as u64, "mistake", "mistakes"),
            output::flat(&defect.to_string())
        );
        return Err(CliError::usage(why).help(
            "mend the files (--list shows all mistakes), leave the tasks that have some out with --skip-faulty, or choose others: \
             --domain, --only",
        ));
    }
    tell_faulty(&defects, &style("note:").yellow().bold().for_stderr().to_string());
    let tasks = select(&set, &arguments.set, &[], arguments.skip_faulty || !only.is_empty())?;
    let options = options(arguments)?;
    super::evaluator::check(&options.evaluator).await?;
    let suite = OsworldSuite::new(&tasks, options)?;
    if suite.templates().is_empty() {
        return Err(CliError::with_text(Exit::NotReady, "none of these tasks can be run here".to_owned())
            .help("--list says what each of them needs"));
    }
    Ok(suite)
}

/// The flags with which the same tasks are chosen again, as they are written on a command line.
pub fn flags(arguments: &OsworldArguments) -> String {
    let path = |path: &PathBuf| path.display().to_string();
    let named = [
        ("--tasks", arguments.set.tasks.as_ref().map(path)),
        ("--ids", arguments.set.ids.as_ref().map(path)),
        ("--repairs", arguments.set.repairs.as_ref().map(path)),
        ("--assets", arguments.assets.as_ref().map(path)),
        ("--evaluator", arguments.official.evaluator.clone()),
        ("--osworld-repo", arguments.official.osworld_repo.as_ref().map(path)),
        ("--osworld-python", arguments.official.osworld_python.as_ref().map(path)),
    ];
    let faulty = if arguments.skip_faulty { " --skip-faulty" } else { "" };
    let devices = arguments.device.iter().map(|device| ("--device", Some(device.clone())));
    let reset = [("--reset-command", arguments.reset_command.clone())];
    let domains = arguments.set.domain.iter().map(|domain| ("--domain", Some(domain.clone())));
    let all =
        named.into_iter().chain(devices).chain(reset).chain(domains).filter_map(|(flag, value)| Some((flag, value?)));
    let all: String = all.map(|(flag, value)| format!(" {flag} {}", quoted(&output::flat(&value)))).collect();
    all + faulty
}

/// The whole ids of the tasks that are wanted alone.
///
/// # Errors
/// `CliError` if there is no such task, or one of them cannot be run here.
pub fn whole_ids(arguments: &OsworldArguments, only: &[String]) -> Result<Vec<String>, CliError> {
    if only.is_empty() {
        return Ok(Vec::new());
    }
    let set = load(&arguments.set)?;
    let tasks = select(&set, &arguments.set, only, arguments.skip_faulty)?;
    if tasks.is_empty() {
        return Err(CliError::usage("all of the tasks that are wanted alone have mistakes").help("--list shows them"));
    }
    let suite = OsworldSuite::new(&tasks, options(arguments)?)?;
    if let Some(left) = suite.left_out().first() {
        return Err(CliError::with_text(
            Exit::NotReady,
            format!("the task {} cannot be run here: it needs {}", left.id, left.needs.join(", and ")),
        ));
    }
    Ok(tasks.iter().map(|task| task.id.clone()).collect())
}

/// Says which tasks are not run, by what they need.
pub fn tell_left_out(suite: &OsworldSuite) {
    let mut by_need: BTreeMap<&str, usize> = BTreeMap::new();
    for need in suite.left_out().iter().flat_map(|left| &left.needs) {
        *by_need.entry(need).or_default() += 1;
    }
    if by_need.is_empty() {
        return;
    }
    let count = count_of(suite.left_out().len() as u64, "task is", "tasks are");
    output::err(&format!("  {count} not run here, and count in no number below. They need:"));
    let mut rows: Vec<_> = by_need.into_iter().collect();
    rows.sort_by_key(|(need, count)| (std::cmp::Reverse(*count), *need));
    for (need, count) in rows {
        output::err(&format!("  {count:>5}  {need}"));
    }
}

fn options(arguments: &OsworldArguments) -> Result<OsworldOptions, CliError> {
    Ok(OsworldOptions {
        folder: env::temp_dir(),
        assets: arguments.assets.clone(),
        applications: APPLICATIONS.map(PathBuf::from).to_vec(),
        size: SCREEN,
        settle: Settle::DESKTOP,
        evaluator: super::evaluator::choice(&arguments.official)?,
        machines: machines(arguments)?,
    })
}

/// The machines of the user's that are named.
fn machines(arguments: &OsworldArguments) -> Result<Option<MachinePoolOptions>, CliError> {
    let mut addresses: Vec<String> = Vec::new();
    for device in &arguments.device {
        let address = device.strip_prefix("osworld:").filter(|address| host_and_port(address).is_some());
        let Some(address) = address else {
            let told = without_machine_token(device.strip_prefix("osworld:").unwrap_or(device));
            return Err(CliError::usage(format!("--device {} is no machine of OSWorld's", output::flat(&told)))
                .help("write osworld:URL, for example osworld:http://192.168.1.20:5000"));
        };
        if addresses.iter().any(|known| host_and_port(known) == host_and_port(address)) {
            let told = without_machine_token(address);
            return Err(CliError::usage(format!("--device {} is named twice", output::flat(&told)))
                .help("two attempts at a time on one machine would disturb each other: name it once"));
        }
        addresses.push(address.to_owned());
    }
    let reset_command = arguments.reset_command.clone();
    Ok((!addresses.is_empty()).then_some(MachinePoolOptions { addresses, reset_command }))
}

fn usage(error: TaskSetError) -> CliError {
    let is_faulty = matches!(error, TaskSetError::Faulty { .. });
    let said = CliError::new(Exit::Usage, &error);
    if is_faulty { said.help("mend the file, or leave tasks with mistakes out: --skip-faulty") } else { said }
}

pub fn load(arguments: &TaskSetArguments) -> Result<TaskSet, CliError> {
    let Some(path) = &arguments.tasks else {
        return Err(CliError::usage(
            "OSWorld's tasks are not part of this program, and --tasks does not say where they are",
        )
        .help("write --tasks PATH, where PATH is OSWorld's evaluation_examples or a .tar.gz of it"));
    };
    let mut set = TaskSet::load(path).map_err(usage)?;
    if let Some(file) = &arguments.repairs {
        let repairs = read_repairs(&read(file)?).map_err(|error| usage(error.into()))?;
        set.repair(&repairs).map_err(usage)?;
    }
    Ok(set)
}

pub fn selection(arguments: &TaskSetArguments, only: &[String], skips_faulty: bool) -> Result<TaskSelection, CliError> {
    let mut selection = TaskSelection { domains: arguments.domain.clone(), ids: only.to_vec(), skips_faulty };
    if let Some(file) = &arguments.ids {
        selection.ids.extend(read_id_list(&read(file)?).map_err(usage)?);
    }
    Ok(selection)
}

fn select<'a>(
    set: &'a TaskSet,
    arguments: &TaskSetArguments,
    only: &[String],
    skips_faulty: bool,
) -> Result<Vec<&'a OsworldTask>, CliError> {
    set.select(&selection(arguments, only, skips_faulty)?).map_err(usage)
}

/// Says which tasks are left out for mistakes in their files.
pub fn tell_faulty(defects: &[&TaskDefect], mark: &str) {
    if defects.is_empty() {
        return;
    }
    let count = count_of(defects.len() as u64, "mistake", "mistakes");
    output::err(&format!("\n{mark} {count} in the task files, which are left out:"));
    for defect in defects.iter().take(MISTAKES_SHOWN) {
        output::err(&format!("  {}", output::flat(&defect.to_string())));
    }
    if defects.len() > MISTAKES_SHOWN {
        output::err(&format!(
            "  and {} more; tapwright bench osworld --list --json lists all",
            defects.len() - MISTAKES_SHOWN
        ));
    }
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

fn show_json(set: &TaskSet, tasks: &[&OsworldTask], needs: &Needs, defects: &[&TaskDefect], exit: Exit) {
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
            "needs": needs.get(task.id.as_str()).copied().unwrap_or_default(),
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
        "mistakes": defects.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "domains": domains,
        "all": all,
        "exit": exit.code(),
    });
    output::out(&line.to_string());
}

fn show(set: &TaskSet, tasks: &[&OsworldTask], needs: &Needs, path: &Path) {
    for task in tasks {
        let kind = if task.is_infeasible() { "infeasible" } else { scored_by(task) };
        let head = format!("  {}  {:<20} {kind:<11}", task.id, task.domain);
        let room = output::width().saturating_sub(measure_text_width(&head));
        output::out(&if room < 20 {
            format!("{head}\n      {}", output::fit(&task.instruction, output::width().saturating_sub(6)))
        } else {
            format!("{head} {}", style(output::fit(&task.instruction, room.saturating_sub(1))).dim())
        });
        if let Some(needs) = needs.get(task.id.as_str()) {
            let told = format!("not run here: it needs {}", needs.join(", and "));
            output::out(&format!("      {}", output::fit(&told, output::width().saturating_sub(6))));
        }
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
    output::out(&format!("  {} {} of {}", style("here  ").dim(), tasks.len() - needs.len(), tasks.len()));
}

impl From<AssetError> for CliError {
    fn from(error: AssetError) -> CliError {
        CliError::new(Exit::Usage, &error)
    }
}
