//! `tapwright bench compare`

use console::style;
use serde_json::json;
use tapwright_tasks::bench::comparison::{
    ComparedMeasurement, Comparison, ComparisonError, MeasurementTotals, compare,
};
use tapwright_tasks::bench::summary::percent;

use crate::arguments::{Common, CompareArguments};
use crate::config::{Config, Flags};
use crate::error::CliError;
use crate::exit::Exit;
use crate::output;

/// Cases that are told one by one; --json has all.
const SHOWN: usize = 40;

pub fn perform(common: Common, arguments: &CompareArguments) -> Result<Exit, CliError> {
    let config = Config::read(Flags::records(common))?;
    let read = |name: &str| -> Result<ComparedMeasurement, CliError> {
        let (folder, brief) = super::found(&config.runs, name)?;
        Ok(ComparedMeasurement::read(&folder, &brief)?)
    };
    let (a, b) = (read(&arguments.a)?, read(&arguments.b)?);
    let comparison = compare(&a, &b, arguments.different_cases)?;
    if config.json {
        let line = json!({
            "a": a.folder.to_string_lossy(),
            "b": b.folder.to_string_lossy(),
            "comparison": comparison,
            "exit": Exit::Done.code(),
        });
        output::out(&line.to_string());
    } else {
        show(&a, &b, &comparison);
    }
    Ok(Exit::Done)
}

fn show(a: &ComparedMeasurement, b: &ComparedMeasurement, comparison: &Comparison) {
    output::out("");
    for (name, of) in [("A", a), ("B", b)] {
        output::out(&format!(
            "  {} {} {}",
            style(name).bold(),
            output::flat(&of.model),
            style(of.folder.display()).dim()
        ));
        let MeasurementTotals { total, mean_of_all, timeouts, without_score } = &of.totals;
        let mut line = format!("    of all {total}: {}", percent(*mean_of_all));
        if *timeouts > 0 {
            line += &format!("; {timeouts} timeout, not passed");
        }
        if !without_score.is_empty() {
            let kinds: Vec<String> = without_score.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
            line += &format!("; without a score: {}", kinds.join(", "));
        }
        output::out(&line);
    }
    output::out("");
    let differing: Vec<_> = comparison.cases.iter().filter(|case| case.a.total_cmp(&case.b).is_ne()).collect();
    for case in differing.iter().take(SHOWN) {
        let mark = if case.a > case.b { style("A").green() } else { style("B").cyan() };
        output::out(&format!("  {mark}  {:<34} {:>5.2}  {:>5.2}", output::fit(&case.case, 34), case.a, case.b));
    }
    if differing.len() > SHOWN {
        output::out(&format!("     and {} more; --json has all", differing.len() - SHOWN));
    }
    if !differing.is_empty() {
        output::out("");
    }
    output::out(&format!(
        "  {} cases with a score in both: A {}, B {}",
        comparison.cases.len(),
        percent(comparison.mean_a),
        percent(comparison.mean_b)
    ));
    let verdict = if comparison.p < 0.05 { "significant at 5 %" } else { "chance alone could do that" };
    output::out(&format!(
        "  A is better in {}, B in {}, the same in {}; sign test p = {:.4}: {verdict}",
        comparison.a_better, comparison.b_better, comparison.same, comparison.p
    ));
    if !comparison.incomparable.is_empty() {
        output::out(&format!(
            "  {} cases lack a score in one of them, and do not count",
            comparison.incomparable.len()
        ));
    }
    for what in &comparison.differences {
        output::out(&format!("  {} not the same: {what}", style("!").yellow().bold()));
    }
    output::out("");
}

impl From<ComparisonError> for CliError {
    fn from(error: ComparisonError) -> CliError {
        let help = error.help();
        match error {
            ComparisonError::Ledger(error) => error.into(),
            ComparisonError::Unreadable { .. } => CliError::new(Exit::Unreadable, &error).help(help),
            ComparisonError::Cases { .. } => CliError::new(Exit::Usage, &error).help(help),
        }
    }
}
