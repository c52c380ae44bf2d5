//! `tapwright runs`

use console::{Alignment, pad_str, style};
use tapwright_tasks::count_of;
use tapwright_tasks::record::{StoredRecord, list};

use crate::arguments::{Common, RunsArguments};
use crate::clock;
use crate::config::{Config, Flags};
use crate::error::CliError;
use crate::exit::Exit;
use crate::output;

pub fn perform(common: Common, arguments: &RunsArguments) -> Result<Exit, CliError> {
    let config = Config::read(Flags::records(common))?;
    let kept = list(&config.runs, usize::try_from(arguments.most).unwrap_or(usize::MAX)).map_err(|error| {
        CliError::with_text(Exit::Unreadable, format!("{} cannot be read: {error}", config.runs.display()))
    })?;
    if config.json {
        for one in &kept {
            output::out(&serde_json::to_string(one).unwrap_or_default());
        }
        return Ok(Exit::Done);
    }
    if kept.is_empty() {
        let runs = output::flat(&config.runs.display().to_string());
        output::out(&format!("  no runs in {runs} yet; begin with: tapwright run 'Turn Wi-Fi on'"));
        return Ok(Exit::Done);
    }
    let now = clock::now();
    for one in &kept {
        let (when, mark, run, about) = match one {
            StoredRecord::Run(run) => {
                let outcome = run.outcome.as_deref().unwrap_or("no end");
                let passed = run.verdict.as_ref().map(|verdict| verdict.id());
                let mark = match (outcome, passed) {
                    (_, Some("passed")) => style("✓").green(),
                    (_, Some("failed")) => style("✗").red(),
                    (_, Some(_)) => style("■").yellow(), // Void.
                    ("done", None) => style("·").cyan(), // Only the model says so.
                    ("no end" | "stopped" | "needs-person" | "gave-up" | "out-of-steps", _) => style("■").yellow(),
                    _ => style("✗").red(),
                };
                let verdict = passed.map_or_else(String::new, |passed| format!(", {passed}"));
                let goal = format!("{} ({outcome}{verdict}, {}, {})", run.goal, output::steps(run.steps), run.model);
                (clock::ago(run.started, now), mark, &run.run, goal)
            }
            StoredRecord::Plan(plan) => {
                let end = plan.end.as_deref().unwrap_or("no end");
                let mark = match end {
                    "done" => style("·").cyan(), // Its goals are not judged.
                    "no end" | "stopped" | "needs-person" => style("■").yellow(),
                    _ => style("✗").red(),
                };
                let about = format!(
                    "plan: {} ({end}, {} of {})",
                    plan.plan,
                    plan.achieved,
                    count_of(plan.goals as u64, "goal", "goals")
                );
                (clock::ago(plan.started, now), mark, &plan.run, about)
            }
            StoredRecord::Suite(suite) => {
                let all = &suite.table.all;
                let share = all.success().map_or_else(|| "–".to_owned(), |share| format!("{:.1} %", 100.0 * share));
                let about = format!(
                    "{} suite: {share} of {} passed, {} void ({})",
                    suite.suite,
                    all.passed + all.failed,
                    all.void,
                    suite.model
                );
                (clock::ago(suite.started, now), style("▤").cyan(), &suite.run, about)
            }
            StoredRecord::Unreadable { run, why } => {
                (String::new(), style("?").yellow(), run, format!("cannot be read: {why}"))
            }
        };
        output::out(&format!(
            "  {mark}  {}  {}",
            style(output::flat(run)).bold(),
            style(pad_str(&when, 12, Alignment::Left, None)).dim()
        ));
        output::out(&format!("     {}", output::fit(&about, output::width() - 5)));
    }
    Ok(Exit::Done)
}
