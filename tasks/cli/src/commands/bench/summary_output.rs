//! How a measurement is told: row by row while it goes on, and as a table in the end.

use std::collections::BTreeMap;
use std::path::Path;

use console::style;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};
use tapwright_tasks::bench::summary::{Summary, percent};
use tapwright_tasks::command_line::quoted;
use tapwright_tasks::judge::Verdict;
use tapwright_tasks::record::SuiteBrief;
use tapwright_tasks::suite::{CaseCounts, CaseResult, Status};

use super::table::Lines;
use crate::exit::Exit;
use crate::output;

/// What came of a measurement.
pub struct SummaryOutput<'a> {
    /// In the order in which a table goes through them.
    pub templates: Vec<String>,
    pub brief: &'a SuiteBrief,
    pub summary: &'a Summary,
    pub rows: &'a [CaseResult],
    pub folder: &'a Path,
    /// What it was begun with, as far as it goes on with the same.
    pub command: &'a str,
    pub exit: Exit,
}

/// The table, and where the record is, for people or for programs.
pub fn tell(told: &SummaryOutput<'_>, json: bool) {
    if json {
        output::out(&last_line(told).to_string());
        return;
    }
    show(told);
    output::out(&format!("  {} {}", style("record ").dim(), told.folder.display()));
    let page = told.folder.join(tapwright_tasks::bench::report::INDEX);
    output::out(&format!("  {} {}\n", style("page   ").dim(), page.display()));
}

pub fn bar(tasks: u64, hidden: bool) -> ProgressBar {
    let target = if hidden { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let bar = ProgressBar::with_draw_target(Some(tasks), target);
    let look = ProgressStyle::with_template("  {bar:24.cyan/dim} {pos:>3}/{len}  {prefix:.dim} {msg}  {eta:.dim}");
    bar.set_style(look.expect("it is a template").progress_chars("━━─"));
    bar
}

/// What it came to: of what has no score, why it has none.
fn verdict_in_colour(row: &CaseResult) -> String {
    match row.verdict {
        Verdict::Passed => style("passed").green().to_string(),
        Verdict::Failed { .. } => style("failed").red().to_string(),
        Verdict::Void { .. } => style(format!("{:<6}", row.status.map_or("void", Status::id))).yellow().to_string(),
    }
}

pub fn in_a_line(row: &CaseResult) -> String {
    format!(
        "{}  {:<22} {:>2} steps  {}",
        verdict_in_colour(row),
        output::flat(&row.template),
        row.steps,
        output::fit(&row.goal, 60)
    )
}

fn last_line(told: &SummaryOutput<'_>) -> Value {
    let SummaryOutput { brief, summary, folder, exit, .. } = told;
    let table = &brief.table;
    let counts = |counts: &CaseCounts| {
        json!({
            "passed": counts.passed,
            "failed": counts.failed,
            "void": counts.void,
            "unasked": counts.unasked,
            "success": counts.success(),
            "steps_mean": counts.steps_mean(),
            "ms_per_step": counts.ms_per_step(),
        })
    };
    let mut line = counts(&table.all);
    let by_name = |table: &BTreeMap<String, CaseCounts>| -> serde_json::Map<String, Value> {
        table.iter().map(|(name, of_it)| (name.clone(), counts(of_it))).collect()
    };
    if let Some(object) = line.as_object_mut() {
        object.insert("suite".to_owned(), json!(brief.suite));
        object.insert("run".to_owned(), json!(brief.run));
        object.insert("model".to_owned(), json!(brief.model));
        object.insert("measurement".to_owned(), json!(brief.measurement));
        object.insert("stopped".to_owned(), json!(table.stopped));
        object.insert("templates".to_owned(), Value::Object(by_name(&table.templates)));
        if !table.groups.is_empty() {
            object.insert("groups".to_owned(), Value::Object(by_name(&table.groups)));
        }
        object.insert("summary".to_owned(), json!(summary));
        object.insert("record".to_owned(), json!(folder.to_string_lossy()));
        object.insert("exit".to_owned(), json!(exit.code()));
    }
    line
}

fn show(told: &SummaryOutput<'_>) {
    let table = &told.brief.table;
    let failed: Vec<&CaseResult> = told.rows.iter().filter(|row| row.verdict != Verdict::Passed).collect();
    for row in &failed {
        output::out(&format!(
            "  {}  {} {}",
            verdict_in_colour(row),
            style(output::flat(&row.template)).bold(),
            style(format!("seed {}", row.seed)).dim()
        ));
        output::out(&format!("          {}", output::fit(&row.goal, output::width() - 10)));
        let how = row
            .outcome
            .as_deref()
            .map_or_else(String::new, |outcome| format!("{outcome} after {}; ", output::steps(row.steps)));
        for line in output::wrap(&format!("{how}{}", row.verdict.why().unwrap_or_default()), output::width() - 10) {
            output::out(&format!("          {}", style(line).dim()));
        }
        output::out(&format!("          {}", style(output::flat(&row.folder.display().to_string())).dim()));
    }
    if !failed.is_empty() {
        output::out("");
    }
    let width = output::width();
    // As the suite goes through them.
    let of_template =
        told.templates.iter().filter_map(|name| Some((name.as_str(), table.templates.get(name.as_str())?)));
    let mut lines = Lines { first: "template", rows: of_template.collect() }.shown(&table.all, false, width);
    if !table.groups.is_empty() {
        lines.push(String::new());
        let of_kind = table.groups.iter().map(|(name, counts)| (name.as_str(), counts)).collect();
        // How many runs of each changed something that nobody asked for.
        lines.extend(Lines { first: "kind", rows: of_kind }.shown(&table.all, true, width));
    }
    lines.iter().for_each(|line| output::out(line));
    output::out("");
    for line in numbers(told.summary) {
        for line in output::wrap(&line, width.saturating_sub(2)) {
            output::out(&format!("  {line}"));
        }
    }
    if table.stopped {
        let how = format!(
            "stopped before its end; go on: {} --resume {}",
            told.command,
            quoted(&output::flat(&told.brief.run))
        );
        output::out(&format!("\n  {}", style(how).yellow()));
    }
    output::out("");
}

/// The three numbers, and what repeats say.
pub fn numbers(summary: &Summary) -> Vec<String> {
    let over_cases = summary.standard_error.map_or_else(String::new, |error| {
        format!("; over cases: {} ± {:.1}", percent(summary.mean_of_cases), 100.0 * error)
    });
    let kinds: Vec<String> =
        summary.errors.iter().filter(|(_, count)| **count > 0).map(|(kind, count)| format!("{count} {kind}")).collect();
    let mut errors = if kinds.is_empty() { "none".to_owned() } else { kinds.join(", ") };
    if summary.unfinished > 0 {
        errors += &format!("; {} not finished", summary.unfinished);
    }
    let mut lines = vec![format!(
        "of all {}: {}; of the {} scored: {}{over_cases}; errors: {errors}",
        summary.total,
        percent(summary.mean_of_all),
        summary.scored,
        percent(summary.mean_of_scored),
    )];
    if summary.repeats > 1 && summary.complete_cases > 0 {
        lines.push(format!(
            "of the {} cases all of whose {} repeats have a score: pass@{1} {}, pass^{1} {}",
            summary.complete_cases,
            summary.repeats,
            percent(summary.pass_at_k.last().copied()),
            percent(summary.pass_hat_k.last().copied()),
        ));
    }
    lines
}
