//! Judges the attempts of a measurement anew, by what was kept of their ends: no device is needed, and no model.

use super::ledger::template_and_seed;
use super::{Ledger, LedgerError, LedgerLine, Rescored, Status};
use crate::judge::Verdict;
use crate::rejudge::rejudge;
use crate::suite::Suite;

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

/// Judges all attempts that count and have left enough to be judged by; by `suite`, if it is not one that comes with this program. A verdict
/// that is another one is added to the ledger.
///
/// # Errors
/// `LedgerError` if it cannot be written.
pub async fn rescore(
    ledger: &mut Ledger,
    suite: Option<&dyn Suite>,
    now: &(dyn Fn() -> u64 + Sync),
) -> Result<Rescoring, LedgerError> {
    let mut told = Rescoring::default();
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
        let evaluator = suite.and_then(|suite| suite.case(template, seed)).map(|case| case.evaluator);
        let judgement = match rejudge(&ledger.folder.join(&end.run), Vec::new(), evaluator, None).await {
            Ok((_, judgement)) => judgement,
            Err(error) => {
                told.left.push((name, error.to_string()));
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
        let is_same = verdict.id() == before && (verdict == Verdict::Passed || verdict.why() == end.why.as_deref());
        if is_same || (before == "void" && verdict.id() == "void") {
            continue;
        }
        if verdict.id() != before {
            told.changed.push((name, before.to_owned(), verdict.id().to_owned()));
        }
        ledger.write(now(), LedgerLine::Rescored(Rescored { id: end.id, verdict }))?;
    }
    Ok(told)
}
