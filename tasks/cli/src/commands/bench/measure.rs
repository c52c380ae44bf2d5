//! Has a model do the cases of a suite, and tells how many it passes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use tapwright_tasks::bench::preflight::RigIdentity;
use tapwright_tasks::bench::{
    BenchOutcome, BenchProgress, BenchRun, Budgets, Ledger, LedgerHeader, LedgerLine, LedgerRecords, ModelSupply,
    bench, browsergym_layout, osworld_layout, report, table,
};
use tapwright_tasks::command_line::quoted;
use tapwright_tasks::device::DeviceAddress;
use tapwright_tasks::measurement::Measurement;
use tapwright_tasks::model::LoadedModel;
use tapwright_tasks::policy::Preset;
use tapwright_tasks::record::{
    SUITE_VERSION, SuiteBrief, claim_folder, keep_suite, mark_last_suite, unmark_last_suite,
};
use tapwright_tasks::serve::AppSelection;
use tapwright_tasks::suite::{Case, CaseCounts, CaseSelection, Suite, SuiteTable, case_ids};
use tapwright_tasks::suites::{self, miniwob};
use tapwright_tasks::{Limits, Policy, Stop, count_of};

use super::super::{open_model, run_name};
use super::preflight;
use super::suite_source::SuiteSource;
use super::summary_output::{SummaryOutput, bar, in_a_line, tell};
use crate::arguments::{BenchArguments, Common};
use crate::clock;
use crate::config::{Config, Flags};
use crate::error::CliError;
use crate::exit::Exit;
use crate::interrupt;
use crate::narrator::{Narrator, head};
use crate::output;

/// How many cases are drawn if nobody says it.
const SEEDS: u64 = 24;
/// How long judging the end of a run may take.
pub const JUDGE: Duration = Duration::from_secs(180);
/// How much longer than all of its limits an attempt may take, before it is left alone.
const GRACE: Duration = Duration::from_secs(60);
/// So many errors of the model's own in a row end a sitting.
const AGENT_ERRORS_MAX: u32 = 5;
/// How often a device that does not answer is started anew.
const RESTARTS_MAX: u32 = 2;
const MINUTE: Duration = Duration::from_secs(60);
/// Why a sitting ended before its end, and what to do then.
const UNASKED: (&str, &str) = ("the model could not be asked, several times in a row", "see that it answers");
const RIGS_LOST: (&str, &str) =
    ("a device that the other cases need does not answer, and could not be started anew", "see that it is there");

/// How a sitting goes about the cases.
#[derive(Clone, Copy)]
struct Pace {
    retries: u32,
    parallel: usize,
    start_interval: Duration,
}

/// What is to be measured, whether it begins or goes on.
struct BenchSelection {
    ledger: Option<Ledger>,
    selection: CaseSelection,
    apps: Option<AppSelection>,
    repeats: u32,
    budgets: Budgets,
    refuses_untrained: bool,
}

pub async fn perform(common: Common, arguments: BenchArguments) -> Result<Exit, CliError> {
    let name = arguments.suite.clone().unwrap_or_default();
    let mut command = format!("tapwright bench {}", quoted(&output::flat(&name)));
    if let Some(pages) = &arguments.pages {
        command += &format!(" --pages {}", quoted(&output::flat(&pages.display().to_string())));
    }
    command += &super::osworld::flags(&arguments.osworld);
    if let Some(server) = &arguments.server {
        command += &format!(" --server {}", quoted(&output::flat(server)));
    }
    let (pages, server) = (arguments.pages.as_deref(), arguments.server.as_deref());
    let chosen = SuiteSource::find(&name, pages, server, &arguments.osworld, &arguments.only).await?;
    let result = measure(common, arguments, &chosen, &command).await;
    chosen.close().await;
    result
}

/// `command` is what it is begun with, as far as it goes on with the same.
async fn measure(
    common: Common,
    arguments: BenchArguments,
    chosen: &SuiteSource,
    command: &str,
) -> Result<Exit, CliError> {
    let suite = chosen.suite();
    let given = Budgets { minutes: arguments.budgets.minutes, tokens: arguments.budgets.tokens };
    let mut measured = new_selection(&arguments, suite, given);
    let BenchArguments { resume, weather, model, limits, at_least, retries, list, preflight, .. } = arguments;
    let pace = Pace {
        retries,
        parallel: usize::from(arguments.parallel),
        start_interval: arguments.starts_per_minute.map_or(Duration::ZERO, |starts| MINUTE / starts),
    };
    // A suite is the same for everybody: of the file only the model counts, and where things are kept.
    let steps_default = Some(suite.steps_max());
    let flags = Flags { weather, model, limits, steps_default, is_measurement: true, ..Flags::common(common) };
    let mut config = Config::read(flags)?;
    config.refuse_idle_flags()?;
    if let Some(name) = &resume {
        measured = take_up(&mut config, suite, name, given)?;
    }
    measured.selection.check(suite)?;
    let narrator = Narrator::new(config.json, config.verbose == 0, config.rules.limits.steps_max);
    narrator.wait("drawing the cases");
    let apps = measured.apps.unwrap_or_default();
    let cases: Vec<Case> = measured.selection.cases(suite).map(|case| case.with_apps(apps)).collect();
    narrator.go_on();
    measured.selection.check_only(suite, &cases)?;
    let has_phones = cases.iter().any(|case| matches!(case.device, DeviceAddress::Virtual(_)));
    let idle = ["apps", "weather", "weather_seed"].iter().find(|flag| !has_phones && config.is_written(flag));
    if let Some(flag) = idle {
        let flag = format!("--{}", flag.replace('_', "-"));
        return Err(CliError::usage(format!("{flag} would do nothing: no case is on a virtual phone"))
            .help(format!("leave out {flag}")));
    }
    if list {
        return Ok(list_cases(suite, &cases, config.json));
    }
    let stop = interrupt::listen();
    let is_done =
        measured.ledger.as_ref().is_some_and(|ledger| finished(ledger, retries) == ledger.records.results().count());
    let rigs = if is_done && !preflight {
        Vec::new()
    } else {
        let looking = preflight::look(&config, &narrator, (suite, &cases), retries, preflight);
        let mut stopped = stop.clone();
        let report = tokio::select! {
            biased;
            () = stopped.stopped() => return Ok(Exit::Stopped),
            report = looking => report,
        };
        if preflight {
            return Ok(preflight::conclude(&report, config.json));
        }
        preflight::rigs(report, command)?
    };
    let Some(opened) = open_model(&config.model, &narrator, &stop).await? else { return Ok(Exit::Stopped) };
    if measured.refuses_untrained && opened.profiles.goals.is_none() {
        let why =
            "--refuse-untrained would do nothing: the model's profile does not say for which goals it was trained";
        return Err(CliError::usage(why).help("leave out --refuse-untrained"));
    }
    let mut ledger = match measured.ledger.take() {
        Some(ledger) => go_on(&config, &narrator, ledger, &measured, (&cases, rigs), &opened)?,
        None => begin(&config, &narrator, suite, &measured, (&cases, rigs), &opened)?,
    };
    if !config.json {
        let facts = [("model", opened.about.clone()), ("record", ledger.folder.display().to_string())];
        let what = count_of(cases.len() as u64, "case", "cases");
        let times = if measured.repeats > 1 { format!(", {} times each", measured.repeats) } else { String::new() };
        let how = if resume.is_some() { "goes on: " } else { "" };
        let from = match suite.fixed_cases() {
            Some(_) => String::new(),
            None => format!(" from seed {}", measured.selection.first),
        };
        let title = format!("The suite {}: {how}{what}{from}{times}", suite.name());
        head(&title, &facts, output::width()).iter().for_each(|line| output::out(line));
        if let SuiteSource::Osworld(suite) = chosen {
            super::osworld::tell_left_out(suite);
        }
    }
    let models = ModelSupply::of(opened, Some(&config.model));
    let result = sitting(&config, &mut ledger, cases, models, pace, stop).await;
    conclude(&config, chosen, &ledger, at_least, command, result)
}

/// What is to be measured if it begins now.
fn new_selection(arguments: &BenchArguments, suite: &dyn Suite, budgets: Budgets) -> BenchSelection {
    let fixed = suite.fixed_cases().map(|cases| cases.len() as u64);
    let first = arguments.from.unwrap_or(0);
    let count = arguments.seeds.unwrap_or_else(|| fixed.map_or(SEEDS, |all| all.saturating_sub(first)));
    let selection = CaseSelection { first, count, template: arguments.template.clone(), only: arguments.only.clone() };
    let repeats = arguments.repeats.unwrap_or(1);
    let (apps, refuses_untrained) = (arguments.apps, arguments.refuse_untrained);
    BenchSelection { ledger: None, selection, apps, repeats, budgets, refuses_untrained }
}

/// Takes up a measurement: what it was begun with counts, and a flag that says otherwise is refused.
fn take_up(config: &mut Config, suite: &dyn Suite, name: &str, given: Budgets) -> Result<BenchSelection, CliError> {
    let (folder, _) = super::found(&config.runs, name)?;
    if !Ledger::is_there(&folder) {
        return Err(CliError::usage(format!("{} has no ledger: an earlier version measured it", folder.display()))
            .help("measure anew, without --resume"));
    }
    let ledger = Ledger::take_up(&folder)?;
    let header = &ledger.records.header;
    if header.suite != suite.name() {
        return Err(CliError::usage(format!("{name} measures the suite {}, not {}", header.suite, suite.name())).help(
            match is_shipped(&header.suite) {
                true => format!("write: tapwright bench {} --resume {}", header.suite, quoted(name)),
                false => format!("name the folder of that suite: tapwright bench FOLDER --resume {}", quoted(name)),
            },
        ));
    }
    let other = |what: &str, was: String| {
        CliError::usage(format!("not the same as when the measurement began: {what}; it was {was}"))
            .help("leave it as it was, or measure anew, without --resume")
    };
    let limit = |of: Option<u64>| of.map_or_else(|| "not limited".to_owned(), |of| of.to_string());
    let measurement = &header.measurement;
    if given.minutes.is_some_and(|minutes| Some(minutes) != header.budgets.minutes) {
        return Err(other("--minutes", limit(header.budgets.minutes.map(u64::from))));
    }
    if given.tokens.is_some_and(|tokens| Some(tokens) != header.budgets.tokens) {
        return Err(other("--tokens", limit(header.budgets.tokens)));
    }
    if let Some(was) = header.evaluator.clone().filter(|was| *was != suite.evaluator()) {
        return Err(other("who judges (--evaluator)", was));
    }
    let rules = &config.settings.rules;
    if config.is_written("steps") && rules.limits.steps_max != measurement.limits.steps_max {
        return Err(other("--steps", measurement.limits.steps_max.to_string()));
    }
    if ["policy", "forbid"].iter().any(|flag| config.is_written(flag)) && rules.policy != measurement.policy {
        return Err(other("the policy", "as suite.json says".to_owned()));
    }
    check_cost(&rules.limits, &measurement.limits)?;
    if rules.policy != measurement.policy && !is_preset(&measurement.policy) {
        let why = "the measurement was begun with a policy that is not one of this program's own";
        return Err(CliError::usage(why)
            .help("if it is yours, say it again: --policy and --forbid as it was begun; else measure anew"));
    }
    config.settings.rules.limits = measurement.limits.clone();
    config.settings.rules.policy = measurement.policy.clone();
    config.settings.rules.date.clone_from(&measurement.date);
    let named = |name: &String| AppSelection::NAMES.iter().find(|(known, _)| known == name).map(|(_, apps)| *apps);
    Ok(BenchSelection {
        selection: measurement.selection.clone(),
        apps: header.apps.as_ref().and_then(named),
        repeats: header.repeats,
        budgets: header.budgets,
        refuses_untrained: header.refuses_untrained,
        ledger: Some(ledger),
    })
}

/// Refuses limits above those that hold here: a record that somebody sent is gone on with at one's own cost.
fn check_cost(own: &Limits, recorded: &Limits) -> Result<(), CliError> {
    let number = |of: &Limits, key: &str| serde_json::to_value(of).ok().and_then(|of| of.get(key)?.as_f64());
    let keys = serde_json::to_value(recorded).ok().and_then(|of| Some(of.as_object()?.keys().cloned().collect()));
    let keys: Vec<String> = keys.unwrap_or_default();
    let above = keys.iter().find(|key| number(recorded, key) > number(own, key));
    let Some(key) = above else { return Ok(()) };
    let (was, most) = (number(recorded, key).unwrap_or_default(), number(own, key).unwrap_or_default());
    let error = CliError::usage(format!("the measurement was begun with {key} = {was}, and here it is {most} at most"));
    Err(match key.as_str() {
        "steps_max" => error.help(format!("if that is what you want, say it: --steps {was}; else measure anew")),
        _ => error.help("measure anew, without --resume"),
    })
}

/// Whether it is a policy that comes with the program, perhaps with some apps that are forbidden besides.
fn is_preset(policy: &Policy) -> bool {
    let plain = |policy: &Policy| Policy { apps_forbidden: Vec::new(), ..policy.clone() };
    Preset::ALL.iter().any(|preset| plain(&preset.policy()) == plain(policy))
}

/// Whether a name is that of a suite that comes with the program.
fn is_shipped(suite: &str) -> bool {
    suite == miniwob::NAME || suites::find(suite).is_some()
}

fn measurement(
    config: &Config,
    narrator: &Narrator,
    measured: &BenchSelection,
    cases: &[Case],
    opened: &LoadedModel,
) -> Result<Measurement, CliError> {
    narrator.wait("reading the model's files: their digest stands in suite.json");
    let made =
        Measurement::of(cases, &measured.selection, &config.rules, &config.device.weather, &config.model, opened);
    narrator.go_on();
    made.map_err(|error| CliError::with_text(Exit::NotReady, format!("the model's files cannot be read: {error}")))
}

/// Begins a ledger, in a folder that nobody else has.
fn begin(
    config: &Config,
    narrator: &Narrator,
    suite: &dyn Suite,
    measured: &BenchSelection,
    (cases, rigs): (&[Case], Vec<RigIdentity>),
    opened: &LoadedModel,
) -> Result<Ledger, CliError> {
    let measurement = measurement(config, narrator, measured, cases, opened)?;
    let started = clock::now();
    let (run, folder) = claim(&config.runs, &run_name(started, suite.name()))?;
    let ids = case_ids(cases);
    let of_case = ids.iter().zip(cases).filter_map(|(id, case)| Some((id.clone(), case.group.clone()?)));
    let groups: BTreeMap<String, String> = of_case.collect();
    let named = |apps| AppSelection::NAMES.iter().find(|(_, known)| *known == apps).map(|(name, _)| (*name).to_owned());
    let header = LedgerHeader {
        version: 0, // The ledger says which it writes.
        suite: suite.name().to_owned(),
        run,
        model: opened.model.name().to_owned(),
        started,
        measurement,
        cases: ids,
        groups,
        repeats: measured.repeats,
        apps: measured.apps.and_then(named),
        budgets: measured.budgets,
        rigs,
        evaluator: Some(suite.evaluator()),
        refuses_untrained: measured.refuses_untrained,
    };
    let ledger = Ledger::create(&folder, header).inspect_err(|_| nothing_done(&folder))?;
    // So that it is found by its name, whatever becomes of this process.
    keep(&ledger.folder, &brief(&ledger.records, SuiteTable { stopped: true, ..SuiteTable::default() }))?;
    mark_last_suite(&config.runs, &ledger.records.header.run);
    Ok(ledger)
}

/// Whether the measurement can go on as it was begun, and if so says in the ledger that it does.
fn go_on(
    config: &Config,
    narrator: &Narrator,
    mut ledger: Ledger,
    measured: &BenchSelection,
    (cases, rigs): (&[Case], Vec<RigIdentity>),
    opened: &LoadedModel,
) -> Result<Ledger, CliError> {
    let now = measurement(config, narrator, measured, cases, opened)?;
    let then = &ledger.records.header.measurement;
    let differs = [
        ("the cases", now.cases != then.cases),
        ("the model", (&now.model.about, &now.model.sha256) != (&then.model.about, &then.model.sha256)),
        ("the model's profile", now.model.profile != then.model.profile),
        ("the weather", (&now.weather, now.weather_seed) != (&then.weather, then.weather_seed)),
    ];
    if let Some((what, _)) = differs.iter().find(|(_, differs)| *differs) {
        let was = if *what == "the model" { format!("; it was {}", then.model.about) } else { String::new() };
        return Err(CliError::usage(format!("not the same as when the measurement began: {what}{was}"))
            .help("give the same flags as then; or measure anew, without --resume"));
    }
    ledger.write(clock::now(), LedgerLine::Resumed { program: now.program, rigs })?;
    Ok(ledger)
}

/// How many are done, each as often as it is to be, and need no other attempt.
fn finished(ledger: &Ledger, retries: u32) -> usize {
    let records = &ledger.records;
    let open = |(case, repeat, _): &(&str, u32, _)| records.standing(case, *repeat).is_open(retries, false);
    records.results().filter(|result| !open(result)).count()
}

/// Makes the attempts, and tells of them.
async fn sitting(
    config: &Config,
    ledger: &mut Ledger,
    cases: Vec<Case>,
    models: ModelSupply,
    Pace { retries, parallel, start_interval }: Pace,
    stop: Stop,
) -> Result<BenchOutcome, CliError> {
    let done = finished(ledger, retries);
    let total = cases.len() as u64 * u64::from(ledger.records.header.repeats);
    let plan = BenchRun {
        cases,
        rules: config.rules.clone(),
        device: config.device.clone(),
        retries,
        parallel,
        judge: JUDGE,
        grace: GRACE,
        agent_errors_max: AGENT_ERRORS_MAX,
        restarts_max: RESTARTS_MAX,
        start_interval,
        now: &clock::now,
    };
    let bar = bar(total, config.json || config.verbose > 0);
    bar.inc(done as u64);
    let mut count = done;
    let result = bench(plan, ledger, models, stop, |progress| match progress {
        BenchProgress::Begun { id, goal } => {
            bar.set_message(output::fit(&format!("{}: {goal}", id.case), output::width().saturating_sub(58)));
        }
        BenchProgress::Step(step) => bar.set_prefix(format!("step {step:>2}")),
        BenchProgress::Ended { row, is_settled } => {
            // One that is made again comes once more.
            count += usize::from(is_settled);
            if config.json {
                output::out(&serde_json::to_string(row).unwrap_or_default());
            } else if bar.is_hidden() {
                output::err(&format!("  {count:>4}/{total}  {}", in_a_line(row)));
            }
            bar.inc(u64::from(is_settled));
        }
        BenchProgress::RigLost { rig, why } if config.json => {
            output::out(&json!({"rig_lost": rig, "why": why}).to_string());
        }
        BenchProgress::RigLost { rig, why } => {
            let line = output::flat(&format!("{rig} does not answer, and could not be started anew: {why}"));
            bar.suspend(|| output::err(&format!("  {line}")));
        }
    })
    .await;
    bar.finish_and_clear();
    Ok(result?)
}

/// Writes the table, the page and the rest, and tells what came of it.
fn conclude(
    config: &Config,
    chosen: &SuiteSource,
    ledger: &Ledger,
    at_least: Option<f64>,
    command: &str,
    result: Result<BenchOutcome, CliError>,
) -> Result<Exit, CliError> {
    let records = &ledger.records;
    let (mut table, rows) = table(records, &ledger.folder);
    if let (Err(error), true) = (&result, rows.is_empty()) {
        tracing::debug!(error = ?error, "nothing was measured");
        nothing_done(&ledger.folder);
        return result.map(|_| Exit::Done);
    }
    let broke_off = [BenchOutcome::Stopped, BenchOutcome::AgentErrors, BenchOutcome::RigsLost];
    table.stopped = table.stopped || result.as_ref().is_ok_and(|outcome| broke_off.contains(outcome));
    let brief = brief(records, table);
    let kept = keep(&ledger.folder, &brief).and_then(|()| {
        let when = clock::time(records.header.started) + " UTC";
        let theirs = match chosen {
            SuiteSource::Miniwob(_) => browsergym_layout::write(&ledger.folder, records),
            SuiteSource::Osworld(_) => osworld_layout::write(&ledger.folder, records),
            SuiteSource::Shipped(_) | SuiteSource::AndroidWorld(_) | SuiteSource::Folder(_) => Ok(()),
        };
        theirs.and_then(|()| report::write(&ledger.folder, records, &when)).map_err(|error| {
            CliError::with_text(Exit::Unwritten, format!("the page of the measurement cannot be written: {error}"))
        })
    });
    let (broke, lacks) = match result {
        Ok(BenchOutcome::AgentErrors) => (None, Some((Exit::ModelFailed, UNASKED))),
        Ok(BenchOutcome::RigsLost) => (None, Some((Exit::DeviceLost, RIGS_LOST))),
        Ok(BenchOutcome::Finished | BenchOutcome::Stopped) => (None, None),
        Err(error) => (Some(error), None),
    };
    let exit = match (&broke, &kept, lacks) {
        (Some(error), ..) | (None, Err(error), _) => error.exit,
        (None, Ok(_), Some((exit, _))) => exit,
        (None, Ok(_), None) => exit(&brief.table, at_least),
    };
    if let Ok(summary) = &kept {
        let templates = chosen.suite().templates().into_iter().map(str::to_owned).collect();
        let folder = &ledger.folder;
        tell(&SummaryOutput { templates, brief: &brief, summary, rows: &rows, folder, command, exit }, config.json);
    }
    match broke {
        Some(trouble) if config.json => Ok(trouble.exit),
        Some(trouble) => Err(trouble),
        None => match lacks.filter(|_| kept.is_ok() && !config.json) {
            Some((exit, (why, what_next))) => {
                let go_on = format!("{command} --resume {}", quoted(&output::flat(&brief.run)));
                Err(CliError::with_text(exit, why).help(format!("{what_next}, and go on: {go_on}")))
            }
            None => kept.map(|_| exit),
        },
    }
}

fn brief(records: &LedgerRecords, table: SuiteTable) -> SuiteBrief {
    let header = &records.header;
    SuiteBrief {
        version: SUITE_VERSION,
        suite: header.suite.clone(),
        run: header.run.clone(),
        model: header.model.clone(),
        started: header.started,
        measurement: Some(header.measurement.clone()),
        table,
    }
}

fn keep(folder: &Path, brief: &SuiteBrief) -> Result<(), CliError> {
    keep_suite(folder, brief)
        .map_err(|error| CliError::with_text(Exit::Unwritten, format!("the suite's table cannot be written: {error}")))
}

/// A folder for the suite's runs, which nobody else has.
fn claim(runs: &Path, name: &str) -> Result<(String, PathBuf), CliError> {
    claim_folder(runs, name).map_err(|error| {
        let why = format!("no folder for the runs can be made in {}: {error}", runs.display());
        CliError::with_text(Exit::Unwritten, why).help("choose a folder that can be written: --runs FOLDER")
    })
}

/// Takes the folder away if no run came into it: what it holds is only what was going to be measured.
fn nothing_done(folder: &Path) {
    let has_runs = fs::read_dir(folder).is_ok_and(|mut all| all.any(|one| one.is_ok_and(|one| one.path().is_dir())));
    if !has_runs {
        for name in ["ledger.jsonl", "ledger.lock", "suite.json"] {
            let _ = fs::remove_file(folder.join(name));
        }
        let _ = fs::remove_dir(folder);
        if let (Some(runs), Some(name)) = (folder.parent(), folder.file_name().and_then(|name| name.to_str())) {
            unmark_last_suite(runs, name);
        }
    }
}

fn exit(table: &SuiteTable, at_least: Option<f64>) -> Exit {
    let below = at_least.is_some_and(|least| table.all.success().is_none_or(|success| success < least));
    match table {
        SuiteTable { stopped: true, .. } => Exit::Stopped,
        _ if below => Exit::Failed,
        SuiteTable { all: CaseCounts { void: 1.., .. }, .. } => Exit::Void,
        _ => Exit::Done,
    }
}

/// The cases, with their ids and goals.
fn list_cases(suite: &dyn Suite, cases: &[Case], json: bool) -> Exit {
    for (id, case) in case_ids(cases).iter().zip(cases) {
        let goal = match case.goal_fact {
            Some(_) if case.goal.is_empty() => "(the device says it)",
            _ => case.goal.as_str(),
        };
        if json {
            let line = json!({"case": id, "template": case.id.template, "seed": case.id.seed, "group": case.group, "goal": case.goal});
            output::out(&line.to_string());
        } else {
            let room = output::width().saturating_sub(34);
            output::out(&format!("  {id:<30}  {}", output::fit(goal, room)));
        }
    }
    if json {
        let digest = tapwright_tasks::suite::digest(cases);
        output::out(&json!({"suite": suite.name(), "cases": cases.len(), "digest": digest, "exit": 0}).to_string());
    }
    Exit::Done
}
