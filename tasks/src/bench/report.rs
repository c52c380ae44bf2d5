//! What a measurement came to, for people and for programs: a page without scripts that needs nothing beside it but the pages of the runs,
//! a table for a spreadsheet, and the same as JSON.
//!
//! Goals and reasons come from models, screens and pages, so they are escaped: in the page as in [`crate::page`], and in the table so that
//! no cell is taken for a formula.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::Path;

use serde_json::json;

use super::attempt::PAGE;
use super::ledger::template_and_seed;
use super::preflight::RigIdentity;
use super::summary::{self, Summary};
use super::{AttemptEnd, LedgerRecords, Status};
use crate::judge::ScoreSource;
use crate::origin::write_atomically;
use crate::page::{escaped, quoted};
use crate::suite::{CaseCounts, SuiteTable};

const STYLE: &str = concat!(include_str!("../page/shared.css"), include_str!("report.css"));

/// What the page of a measurement is called, in its folder.
pub const INDEX: &str = "index.html";
/// Its table for a spreadsheet.
pub const CSV: &str = "cases.csv";
/// The same, and the numbers, as JSON.
pub const JSON: &str = "cases.json";

/// Writes all of them. `when` says when it began, as people say it.
///
/// # Errors
/// If one cannot be written.
pub fn write(folder: &Path, records: &LedgerRecords, when: &str) -> io::Result<Summary> {
    let summary = Summary::of(records);
    let (table, _) = super::table(records, folder);
    write_atomically(folder, CSV, &csv(records))?;
    write_atomically(folder, JSON, &json(records, &summary)?)?;
    write_atomically(folder, INDEX, &html(folder, records, &summary, &table, when))?;
    Ok(summary)
}

fn html(folder: &Path, records: &LedgerRecords, summary: &Summary, table: &SuiteTable, when: &str) -> String {
    let header = &records.header;
    let title = format!("{} &middot; {}", escaped(&header.suite), escaped(&header.model));
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<header>\n<h1>{title}</h1>\n"
    );
    numbers(summary, &mut out);
    facts(records, summary, when, &mut out);
    out.push_str("</header>\n<main>\n");
    if !table.groups.is_empty() {
        counts("By kind", "kind", &table.groups, &mut out);
    }
    // Else the cases below say the same, with what is asked.
    if header.has_shared_templates() {
        counts("By template", "template", &table.templates, &mut out);
    }
    cases(folder, records, &mut out);
    let _ = write!(
        out,
        "</main>\n<footer>Tapwright &middot; {} &middot; <a href=\"{CSV}\">{CSV}</a> &middot; <a href=\"{JSON}\">{JSON}</a></footer>\n</body>\n</html>\n",
        escaped(&header.run)
    );
    out
}

/// On one line of the page.
fn percent(share: Option<f64>) -> String {
    summary::percent(share).replace(' ', "&nbsp;")
}

/// The three numbers, in the order in which they can be told wrong.
fn numbers(summary: &Summary, out: &mut String) {
    let Summary { total, scored, sum, mean_of_all, mean_of_scored, mean_of_cases, errors, unfinished, .. } = summary;
    // As many digits as it has, and no more than are worth telling.
    let sum = (sum * 1000.0).round() / 1000.0;
    let over_cases = summary.standard_error.map_or_else(String::new, |error| {
        format!("<br>over cases {} &plusmn; {:.1}", percent(*mean_of_cases), 100.0 * error)
    });
    let failed: u64 = errors.values().sum();
    let kinds: Vec<String> =
        errors.iter().filter(|(_, count)| **count > 0).map(|(name, count)| format!("{count} {name}")).collect();
    let mut told = if kinds.is_empty() { "none".to_owned() } else { kinds.join(", ") };
    if *unfinished > 0 {
        let _ = write!(told, "; {unfinished} not finished");
    }
    let mood = if failed + unfinished > 0 { "mild" } else { "good" };
    let _ = write!(
        out,
        "<dl class=\"numbers\">\n<div><dt>of all</dt><dd>{}</dd><p>{sum} of {total}</p></div>\n\
         <div><dt>of those scored</dt><dd>{}</dd><p>{sum} of {scored}{over_cases}</p></div>\n\
         <div class=\"{mood}\"><dt>errors</dt><dd>{}</dd><p>{told}</p></div>\n</dl>\n",
        percent(*mean_of_all),
        percent(*mean_of_scored),
        failed + unfinished,
    );
    if summary.repeats > 1 && summary.complete_cases > 0 {
        let row = |name: &str, shares: &[f64]| {
            let cells: String = shares.iter().map(|share| format!("<td>{}</td>", percent(Some(*share)))).collect();
            format!("<tr><th>{name}</th>{cells}</tr>\n")
        };
        let heads: String = (1..=summary.repeats).map(|k| format!("<th>{k}</th>")).collect();
        let _ = write!(
            out,
            "<div class=\"wide\"><table class=\"counts\"><caption>Repeats, over the {} cases all of whose {} have a score</caption>\
             <tr><th>k</th>{heads}</tr>\n{}{}</table></div>\n",
            summary.complete_cases,
            summary.repeats,
            row("pass@k: at least one of k", &summary.pass_at_k),
            row("pass^k: each of k", &summary.pass_hat_k)
        );
    }
}

fn facts(records: &LedgerRecords, summary: &Summary, when: &str, out: &mut String) {
    let header = &records.header;
    let measurement = &header.measurement;
    let budgets = header.budgets;
    let mut rows = vec![
        ("model", measurement.model.about.clone()),
        ("model's digest", measurement.model.sha256.clone().unwrap_or_else(|| "not known".to_owned())),
        ("profile's digest", measurement.model.profile.clone()),
        ("cases", format!("{}, {} times each", summary.cases, header.repeats)),
        ("cases' digest", measurement.cases.clone()),
        ("steps of a case", measurement.limits.steps_max.to_string()),
        ("minutes of a case", budgets.minutes.map_or_else(|| "not limited".to_owned(), |minutes| minutes.to_string())),
        ("tokens of a case", budgets.tokens.map_or_else(|| "not limited".to_owned(), |tokens| tokens.to_string())),
        ("attempts", summary.attempts.to_string()),
        ("tokens", format!("{} in, {} out", summary.tokens_in, summary.tokens_out)),
        ("program", measurement.program.clone()),
        ("day in the prompt", measurement.date.clone()),
        ("began", when.to_owned()),
        ("evaluator", header.evaluator.clone().unwrap_or_else(|| "not known".to_owned())),
        ("judged by", format!("version {} with cases {}", records.judge().program, records.judge().cases)),
    ];
    if header.refuses_untrained {
        rows.push(("goals of no trained kind", "given up without asking the model".to_owned()));
    }
    for RigIdentity { rig, screens, programs } in &records.rigs {
        let screens = screens.iter().cloned().collect::<Vec<_>>().join(", ");
        let programs: String = programs.iter().map(|(name, version)| format!("; {name} {version}")).collect();
        rows.push(("device", format!("{rig}: {screens}{programs}")));
    }
    if !measurement.weather.is_empty() {
        rows.push(("weather", format!("seed {}", measurement.weather_seed)));
    }
    let disagrees = |end: &AttemptEnd| end.source.as_ref().is_some_and(|source| source.disagreement.is_some());
    let disagreements = records.results().filter_map(|(_, _, end)| end).filter(|end| disagrees(end)).count();
    if disagreements > 0 {
        rows.push(("evaluators that do not agree", disagreements.to_string()));
    }
    if records.rescored > 0 {
        rows.push(("judged anew", records.rescored.to_string()));
    }
    out.push_str("<details><summary>What was measured</summary><dl class=\"facts\">");
    for (name, value) in rows {
        let _ = write!(out, "<div><dt>{name}</dt><dd>{}</dd></div>", escaped(&value));
    }
    out.push_str("</dl></details>\n");
}

fn counts(title: &str, first: &str, rows: &BTreeMap<String, CaseCounts>, out: &mut String) {
    let has_unasked = rows.values().any(|counts| counts.unasked > 0);
    let unasked = |cell: String, tag: &str| if has_unasked { format!("<{tag}>{cell}</{tag}>") } else { String::new() };
    let _ = write!(
        out,
        "<section><h2>{title}</h2><div class=\"wide\"><table class=\"counts\">\n<tr><th>{first}</th><th>success</th><th>passed</th>\
         <th>failed</th><th>no score</th><th>steps</th>{}</tr>\n",
        unasked("unasked".to_owned(), "th")
    );
    for (name, counts) in rows {
        let success = counts.success();
        let bar = success.map_or_else(String::new, |share| {
            format!("<meter min=\"0\" max=\"1\" value=\"{share:.4}\">{share:.2}</meter>")
        });
        let steps = counts.steps_mean().map_or_else(|| "&ndash;".to_owned(), |steps| format!("{steps:.1}"));
        let _ = writeln!(
            out,
            "<tr><th>{}</th><td class=\"success\">{bar}{}</td><td>{}</td><td>{}</td><td>{}</td><td>{steps}</td>{}</tr>",
            escaped(name),
            percent(success),
            counts.passed,
            counts.failed,
            counts.void,
            unasked(counts.unasked.to_string(), "td"),
        );
    }
    out.push_str("</table></div></section>\n");
}

/// What a case came to, in a word and the colour of it.
fn word(end: Option<&AttemptEnd>) -> (&'static str, &'static str) {
    match end.map(|end| (end.status, end.score)) {
        None => ("not finished", "mild"),
        Some((Status::Scored, Some(1.0))) => ("passed", "good"),
        Some((Status::Scored, _)) => ("failed", "bad"),
        Some((status, _)) => (status.id(), "mild"),
    }
}

fn cases(folder: &Path, records: &LedgerRecords, out: &mut String) {
    out.push_str("<section><h2>Cases</h2><ol class=\"cases\">\n");
    for (case, repeat, end) in records.results() {
        let (word, mood) = word(end);
        let name = escaped(case);
        let page = end.map(|end| format!("{}/{PAGE}", end.run)).filter(|page| folder.join(page).is_file());
        let name = match page {
            // The name of a folder of ours; what else it could hold is no part of an address.
            Some(page) => {
                let address = page.replace('%', "%25").replace('#', "%23").replace('?', "%3F");
                format!("<a href=\"./{}\">{name}</a>", escaped(&address))
            }
            None => name,
        };
        let again =
            if records.header.repeats > 1 { format!(" <small>repeat {repeat},</small>") } else { String::new() };
        let _ = write!(out, "<li><span class=\"badge {mood}\">{word}</span><div><b>{name}</b>{again}");
        if let Some(end) = end {
            let attempts = match end.id.attempt {
                1 => String::new(),
                attempt => format!(", attempt {attempt}"),
            };
            let outcome = end.outcome.as_deref().unwrap_or("no end");
            let _ = write!(
                out,
                " <small>{} {}, {:.1} s, {}{attempts}</small><p>{}</p>",
                end.steps,
                if end.steps == 1 { "step" } else { "steps" },
                end.ms as f64 / 1000.0,
                escaped(outcome),
                escaped(&end.goal)
            );
            if let Some(device) = &end.device {
                let _ = write!(out, "<p><small>on {}</small></p>", escaped(device));
            }
            if let Some(why) = &end.why {
                let _ = write!(out, "<p class=\"why\">{}</p>", quoted(why));
            }
            if let Some(ScoreSource { by, disagreement }) = &end.source {
                let _ = write!(out, "<p><small>scored by {}</small></p>", escaped(by));
                if let Some(other) = disagreement {
                    let _ = write!(out, "<p class=\"why\">{}</p>", quoted(other));
                }
            }
        }
        out.push_str("</div></li>\n");
    }
    out.push_str("</ol></section>\n");
}

/// A cell as RFC 4180 has it. What begins as a formula does is made a text: the words are a model's or a page's.
fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<f64>().is_err();
    let text = if is_formula { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

fn line(cells: &[String]) -> String {
    let cells: Vec<String> = cells.iter().map(|text| cell(text)).collect();
    format!("{}\r\n", cells.join(","))
}

fn csv(records: &LedgerRecords) -> String {
    let heads = [
        "suite",
        "case",
        "template",
        "group",
        "seed",
        "repeat",
        "attempt",
        "status",
        "score",
        "unasked",
        "outcome",
        "steps",
        "seconds",
        "tokens_in",
        "tokens_out",
        "goal",
        "why",
        "run",
        "scored_by",
        "disagreement",
        "device",
    ];
    let mut out = line(&heads.map(str::to_owned));
    for (case, repeat, end) in records.results() {
        let (template, seed) = template_and_seed(case);
        let group = records.header.groups.get(case).cloned().unwrap_or_default();
        let mut cells = vec![
            records.header.suite.clone(),
            case.to_owned(),
            template.to_owned(),
            group,
            seed.to_string(),
            repeat.to_string(),
        ];
        match end {
            None => cells.extend([String::new(), "unfinished".to_owned()]),
            Some(end) => cells.extend([
                end.id.attempt.to_string(),
                end.status.id().to_owned(),
                end.score.map_or_else(String::new, |score| score.to_string()),
                end.unasked.to_string(),
                end.outcome.clone().unwrap_or_default(),
                end.steps.to_string(),
                format!("{:.3}", end.ms as f64 / 1000.0),
                end.tokens_in.to_string(),
                end.tokens_out.to_string(),
                end.goal.clone(),
                end.why.clone().unwrap_or_default(),
                end.run.clone(),
                end.source.as_ref().map(|source| source.by.clone()).unwrap_or_default(),
                end.source.as_ref().and_then(|source| source.disagreement.clone()).unwrap_or_default(),
                end.device.clone().unwrap_or_default(),
            ]),
        }
        cells.resize(heads.len(), String::new());
        out += &line(&cells);
    }
    out
}

fn json(records: &LedgerRecords, summary: &Summary) -> io::Result<String> {
    let cases: Vec<_> = records
        .results()
        .map(|(case, repeat, end)| {
            let (template, seed) = template_and_seed(case);
            json!({
                "case": case,
                "template": template,
                "seed": seed,
                "group": records.header.groups.get(case),
                "repeat": repeat,
                "end": end,
            })
        })
        .collect();
    let whole = json!({ "measured": records.header, "summary": summary, "cases": cases });
    Ok(serde_json::to_string_pretty(&whole)? + "\n")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::bench::{AttemptId, Ledger, LedgerLine};

    /// A ledger of these cases, in which everything else is called so.
    pub fn ledger_of(folder: &Path, words: &str, cases: &[&str]) -> Ledger {
        let groups: BTreeMap<&str, &str> = cases.iter().map(|case| (*case, words)).collect();
        let header = json!({
            "version": 1, "suite": words, "run": words, "model": words, "started": 0, "repeats": 1,
            "cases": cases, "groups": groups,
            "measurement": {
                "program": words, "cases": words, "selection": {"first": 0, "count": 1, "template": null},
                "limits": crate::settings::default_limits(), "policy": crate::policy::Preset::Trusting.policy(),
                "date": "<script>", "weather": [], "weather_seed": 0,
                "model": {"about": words, "sha256": words, "sampled": false, "profile": words, "provider": words},
            },
        });
        Ledger::create(folder, serde_json::from_value(header).unwrap()).unwrap()
    }

    /// Whatever a model, a page or a record that somebody sent says, it is a text in the page.
    #[test]
    fn nothing_that_was_said_is_markup() {
        const HOSTILE: &str = "<script>x()</script>\"><img src=x onerror=x()>'`\u{1b}[2J&#60;b&#62;";
        let case = format!("{HOSTILE}/0");
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = ledger_of(folder.path(), HOSTILE, &[&case]);
        let id = AttemptId { case, repeat: 1, attempt: 1 };
        ledger.write(0, LedgerLine::Begun { id: id.clone(), run: "r".to_owned() }).unwrap();
        let end = crate::bench::attempt::blank_end(&id, "r", HOSTILE, HOSTILE);
        let outcome = Some(HOSTILE.to_owned());
        let end = AttemptEnd { status: Status::Scored, score: Some(0.0), outcome, ..end };
        ledger.write(0, LedgerLine::Ended(Box::new(end))).unwrap();
        std::fs::create_dir(folder.path().join("r")).unwrap();
        std::fs::write(folder.path().join("r").join(PAGE), "").unwrap();
        write(folder.path(), &ledger.records, HOSTILE).unwrap();
        let page = std::fs::read_to_string(folder.path().join(INDEX)).unwrap();
        for markup in ["<script", "</script", "<img", "onerror=x()>", "\u{1b}", "x&#60;b"] {
            assert!(!page.contains(markup), "{markup}: {page}");
        }
        for text in ["&lt;script&gt;", "&amp;#60;b", "href=\"./r/page.html\""] {
            assert!(page.contains(text), "{text}: {page}");
        }
    }

    #[test]
    fn a_table_by_template_says_more_than_the_cases_or_is_left_out() {
        for (cases, has_table) in [
            (vec!["a/0", "b/0"], false),
            (vec!["a/0", "b/0", "a/1"], true),
            (vec!["a/1", "a/1#2"], true),
            (vec!["os/c/0"], false),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let ledger = ledger_of(folder.path(), "m", &cases);
            write(folder.path(), &ledger.records, "").unwrap();
            let page = std::fs::read_to_string(folder.path().join(INDEX)).unwrap();
            assert_eq!(page.contains("By template"), has_table, "{cases:?}");
        }
    }

    #[test]
    fn a_cell_is_a_text_whatever_is_in_it() {
        for (text, written) in [
            ("plain", "plain"),
            ("a, b", "\"a, b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
            ("+1,2", "\"'+1,2\""),
            ("-0.5", "-0.5"),
            ("@cmd", "'@cmd"),
        ] {
            assert_eq!(cell(text), written);
        }
    }
}
