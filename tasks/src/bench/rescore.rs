//! Judges the attempts of a measurement anew, by what was kept of their ends: no device is needed, and no model.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tapwright_agent::journal::refuse_links;
use tokio::runtime::Handle;

use super::attempt::write_page;
use super::ledger::template_and_seed;
use super::{JudgeIdentity, Ledger, LedgerError, LedgerLine, Rescored, Status};
use crate::judge::{Evaluator, ScoreSource, Verdict};
use crate::rejudge::rejudge;
use crate::run::Judgement;
use crate::serve::AppSelection;
use crate::suite::{Case, Suite, digest};
use crate::suites;

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rescoring {
    /// How many were judged.
    pub judged: u64,
    /// Those that are worth something else now: the case, and the verdict before and after.
    pub changed: Vec<(String, String, String)>,
    /// Those that could not be judged, and why; what was said of them stands.
    pub left: Vec<(String, String)>,
}

/// Judges all attempts that count and have left enough to be judged by; by `suite`, if it is not one that comes with this program, or by
/// `by` alone, and each for no longer than `within`. A verdict that is another one, or another judge's, is added to the ledger.
///
/// # Errors
/// `LedgerError` if it cannot be written.
pub async fn rescore(
    ledger: &mut Ledger,
    suite: Option<&dyn Suite>,
    by: Option<Arc<dyn Evaluator>>,
    within: Duration,
    now: &(dyn Fn() -> u64 + Sync),
) -> Result<Rescoring, LedgerError> {
    let mut told = Rescoring::default();
    let judge = judge_of(ledger, suite);
    let is_other_judge = ledger.records.judge().cases != judge.cases;
    let ends: Vec<_> = ledger.records.results().filter_map(|(_, _, end)| end.cloned()).collect();
    for end in ends {
        if !matches!(end.status, Status::Scored | Status::EvaluatorError) {
            continue;
        }
        let name = match end.id.repeat {
            1 => end.id.case.clone(),
            repeat => format!("{} (repeat {repeat})", end.id.case),
        };
        let (template, seed) = template_and_seed(&end.id.case);
        let of_suite = || suite.and_then(|suite| suite.case(template, seed)).map(|case| case.evaluator);
        let evaluator = by.clone().or_else(of_suite);
        // What is judged, and written, is in this folder and nowhere else.
        let judged = match refuse_links(&ledger.folder, &[], &[&end.run]) {
            Ok(()) => judged_within(ledger.folder.join(&end.run), evaluator, within).await,
            Err(error) => Err(error.to_string()),
        };
        let judgement = match judged {
            Ok(judgement) => judgement,
            Err(why) => {
                told.left.push((name, why));
                continue;
            }
        };
        let Some(verdict) = judgement.verdict else {
            told.left.push((name, "nobody says what is wanted".to_owned()));
            continue;
        };
        told.judged += 1;
        let before = match (end.status, end.score) {
            (Status::Scored, Some(1.0)) => "passed",
            (Status::Scored, _) => "failed",
            _ => "void",
        };
        let has_same_reason = verdict == Verdict::Passed || before == "void" || verdict.why() == end.why.as_deref();
        let has_same_score = judgement.score.is_none_or(|score| end.score == Some(score));
        // Ledgers of before do not say that it was this program.
        let source = |of: Option<&ScoreSource>| of.cloned().unwrap_or_else(ScoreSource::native);
        let has_same_source = source(judgement.source.as_ref()) == source(end.source.as_ref());
        let is_same = verdict.id() == before && has_same_reason && has_same_score && has_same_source;
        let is_same = is_same && judgement.unasked == end.unasked;
        if is_same && (!is_other_judge || before == "void") {
            continue;
        }
        if verdict.id() != before {
            told.changed.push((name, before.to_owned(), verdict.id().to_owned()));
        }
        let (unasked, judge) = (Some(judgement.unasked), Some(judge.clone()));
        let (score, source) = (judgement.score, judgement.source);
        let line = Rescored { id: end.id, verdict, score, source, unasked, judge };
        ledger.write(now(), LedgerLine::Rescored(line))?;
        // Its page says what it was worth.
        let folder = ledger.folder.join(&end.run);
        let written = tokio::task::spawn_blocking(move || write_page(&folder)).await;
        if let Ok(Err(error)) = written {
            tracing::warn!(run = end.run, %error, "the page of the run was not written");
        }
    }
    Ok(told)
}

/// Who judges now: this program, by the cases as the suite draws them today.
fn judge_of(ledger: &Ledger, suite: Option<&dyn Suite>) -> JudgeIdentity {
    let header = &ledger.records.header;
    let suite = suite.or_else(|| suites::find(&header.suite).map(|suite| suite as &dyn Suite));
    let named = |name: &String| AppSelection::NAMES.iter().find(|(known, _)| known == name).map(|(_, apps)| *apps);
    let apps = header.apps.as_ref().and_then(named).unwrap_or_default();
    let cases = match suite {
        Some(suite) => {
            let cases: Vec<Case> = header.measurement.selection.cases(suite).map(|case| case.with_apps(apps)).collect();
            digest(&cases)
        }
        // Whose judge is in this program, or whose facts are in the records.
        None => header.measurement.cases.clone(),
    };
    JudgeIdentity { program: env!("CARGO_PKG_VERSION").to_owned(), cases }
}

/// On a thread of its own: a judge that breaks or computes without end takes nobody with it.
async fn judged_within(
    folder: PathBuf,
    evaluator: Option<Arc<dyn Evaluator>>,
    within: Duration,
) -> Result<Judgement, String> {
    let runtime = Handle::current();
    let judging = tokio::task::spawn_blocking(move || runtime.block_on(rejudge(&folder, Vec::new(), evaluator, None)));
    match tokio::time::timeout(within, judging).await {
        Ok(Ok(Ok((_, judgement)))) => Ok(judgement),
        Ok(Ok(Err(error))) => Err(error.to_string()),
        Ok(Err(_)) => Err("it broke while it judged: a mistake in the evaluator".to_owned()),
        Err(_) => Err(format!("it did not judge within {} s", within.as_secs_f32())),
    }
}
