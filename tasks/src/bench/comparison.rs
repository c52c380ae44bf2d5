//! Two measurements of the same cases: where they differ, and whether chance alone could make them differ so.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Ledger, LedgerError, LedgerRecords, Status};
use crate::judge::Verdict;
use crate::measurement::Measurement;
use crate::origin::RunOrigin;
use crate::record::{SuiteBrief, runs_of_suite};
use crate::run::Judgement;

/// A measurement as far as it can be compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    pub folder: PathBuf,
    pub suite: String,
    pub model: String,
    /// Measurements of the first versions do not say it.
    pub measurement: Option<Measurement>,
    /// By case: the mean of the repeats that have a score; `None` if none has.
    pub scores: BTreeMap<String, Option<f64>>,
}

/// Two of them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Cases that have a score in both.
    pub cases: Vec<ComparedCase>,
    pub a_better: u64,
    pub b_better: u64,
    pub same: u64,
    /// Cases that lack a score in one of them, or are in one only.
    pub incomparable: Vec<String>,
    /// Means over the cases that have a score in both.
    pub mean_a: Option<f64>,
    pub mean_b: Option<f64>,
    /// The exact two-sided sign test: how likely the better ones are shared out as unevenly as this, or more, if neither is better.
    pub p: f64,
    /// What else is another one, besides the scores.
    pub differences: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ComparedCase {
    pub case: String,
    pub a: f64,
    pub b: f64,
}

/// Why two measurements are not compared.
#[derive(Debug, thiserror::Error)]
pub enum ComparisonError {
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error("{} cannot be read as a measurement", .at.display())]
    Unreadable { at: PathBuf, source: io::Error },
    /// What is asked is another thing.
    #[error("they measure different cases: {what}")]
    Cases { what: String },
}

impl ComparisonError {
    /// What to do next.
    pub fn help(&self) -> String {
        match self {
            ComparisonError::Ledger(error) => error.help(),
            ComparisonError::Unreadable { .. } => "name the folder of a measurement: tapwright runs".to_owned(),
            ComparisonError::Cases { .. } => {
                "measure both with the same cases; or compare what they have in common all the same: --different-cases"
                    .to_owned()
            }
        }
    }
}

impl Measured {
    /// Reads a measurement, of this version or an earlier one.
    ///
    /// # Errors
    /// `ComparisonError` if it cannot be read.
    pub fn read(folder: &Path, brief: &SuiteBrief) -> Result<Measured, ComparisonError> {
        let whole = |measurement, scores| Measured {
            folder: folder.to_owned(),
            suite: brief.suite.clone(),
            model: brief.model.clone(),
            measurement,
            scores,
        };
        if Ledger::is_there(folder) {
            let records = LedgerRecords::read(folder)?;
            let scores = scores_of(&records);
            return Ok(whole(Some(records.header.measurement), scores));
        }
        // Before there were ledgers, each run said for itself which case it was.
        let unreadable = |source| ComparisonError::Unreadable { at: folder.to_owned(), source };
        let mut scores = BTreeMap::new();
        for run in runs_of_suite(folder).map_err(unreadable)? {
            let (Ok(Some(RunOrigin { case: Some(case), .. })), Ok(judgement)) =
                (RunOrigin::read(&run), Judgement::read(&run))
            else {
                continue;
            };
            let score = match judgement.and_then(|judgement| judgement.verdict) {
                Some(Verdict::Passed) => Some(1.0),
                Some(Verdict::Failed { .. }) => Some(0.0),
                Some(Verdict::Void { .. }) | None => None,
            };
            scores.insert(format!("{}/{}", case.template, case.seed), score);
        }
        Ok(whole(brief.measurement.clone(), scores))
    }
}

fn scores_of(records: &LedgerRecords) -> BTreeMap<String, Option<f64>> {
    let mut scores: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for (case, _, end) in records.results() {
        let of_case = scores.entry(case.to_owned()).or_default();
        of_case.extend(end.filter(|end| end.status == Status::Scored).and_then(|end| end.score));
    }
    let mean = |scores: Vec<f64>| (!scores.is_empty()).then(|| scores.iter().sum::<f64>() / scores.len() as f64);
    scores.into_iter().map(|(case, scores)| (case, mean(scores))).collect()
}

/// Compares two; different sets of cases only if `any` are wanted.
///
/// # Errors
/// `ComparisonError::Cases` if they measure different things.
pub fn compare(a: &Measured, b: &Measured, any: bool) -> Result<Comparison, ComparisonError> {
    if !any {
        check(a, b)?;
    }
    let ids: BTreeSet<&String> = a.scores.keys().chain(b.scores.keys()).collect();
    let mut comparison = Comparison {
        cases: Vec::new(),
        a_better: 0,
        b_better: 0,
        same: 0,
        incomparable: Vec::new(),
        mean_a: None,
        mean_b: None,
        p: 1.0,
        differences: differences(a, b),
    };
    for id in ids {
        let score = |of: &Measured| of.scores.get(id).copied().flatten();
        let (Some(in_a), Some(in_b)) = (score(a), score(b)) else {
            comparison.incomparable.push(id.clone());
            continue;
        };
        match in_a.total_cmp(&in_b) {
            std::cmp::Ordering::Greater => comparison.a_better += 1,
            std::cmp::Ordering::Less => comparison.b_better += 1,
            std::cmp::Ordering::Equal => comparison.same += 1,
        }
        comparison.cases.push(ComparedCase { case: id.clone(), a: in_a, b: in_b });
    }
    let count = comparison.cases.len() as f64;
    if count > 0.0 {
        comparison.mean_a = Some(comparison.cases.iter().map(|case| case.a).sum::<f64>() / count);
        comparison.mean_b = Some(comparison.cases.iter().map(|case| case.b).sum::<f64>() / count);
    }
    comparison.p = sign_test(comparison.a_better, comparison.b_better);
    Ok(comparison)
}

fn check(a: &Measured, b: &Measured) -> Result<(), ComparisonError> {
    if a.suite != b.suite {
        return Err(ComparisonError::Cases { what: format!("the suites {} and {}", a.suite, b.suite) });
    }
    match (&a.measurement, &b.measurement) {
        (Some(in_a), Some(in_b)) if in_a.cases == in_b.cases => Ok(()),
        (Some(in_a), Some(in_b)) => Err(ComparisonError::Cases {
            what: format!("their digests are {:.12}… and {:.12}…", in_a.cases, in_b.cases),
        }),
        _ => Err(ComparisonError::Cases { what: "one of them does not say which cases it had".to_owned() }),
    }
}

/// What else is another one: who compares two models wants it to be the model alone.
fn differences(a: &Measured, b: &Measured) -> Vec<String> {
    let mut told = Vec::new();
    let (Some(in_a), Some(in_b)) = (&a.measurement, &b.measurement) else { return told };
    let mut note = |what: &str, differs: bool| {
        if differs {
            told.push(what.to_owned());
        }
    };
    note("the version of the program", in_a.program != in_b.program);
    note("the model", (&in_a.model.about, &in_a.model.sha256) != (&in_b.model.about, &in_b.model.sha256));
    note("the model's profile", in_a.model.profile != in_b.model.profile);
    note("the limits", in_a.limits != in_b.limits);
    note("the policy", in_a.policy != in_b.policy);
    note("the day", in_a.date != in_b.date);
    note("the weather", (&in_a.weather, in_a.weather_seed) != (&in_b.weather, in_b.weather_seed));
    told
}

/// Two-sided and exact: of `a + b` throws of a fair coin, how likely is it that one side comes up as seldom as the rarer one here, or less?
fn sign_test(a: u64, b: u64) -> f64 {
    let throws = a + b;
    let half = (throws as f64) * std::f64::consts::LN_2;
    let (mut log_ways, mut p) = (0.0_f64, 0.0_f64);
    for heads in 0..=a.min(b) {
        if heads > 0 {
            log_ways += ((throws - heads + 1) as f64).ln() - (heads as f64).ln();
        }
        p += (log_ways - half).exp();
    }
    (2.0 * p).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sign_test_counts_throws_of_a_coin() {
        for (a, b, p) in [
            (0, 0, 1.0),
            (1, 0, 1.0),
            (5, 0, 2.0 / 32.0),
            (0, 6, 2.0 / 64.0),
            (8, 2, 2.0 * 56.0 / 1024.0),
            (3, 3, 1.0),
            (1, 9, 2.0 * 11.0 / 1024.0),
        ] {
            assert!((sign_test(a, b) - p).abs() < 1e-12, "{a} {b} {}", sign_test(a, b));
        }
        // No power of two that is too large to be a number.
        assert!(sign_test(2000, 2000) > 0.99 && sign_test(3000, 1000) < 1e-100);
    }

    fn measured(scores: &[(&str, Option<f64>)]) -> Measured {
        Measured {
            folder: PathBuf::new(),
            suite: "s".to_owned(),
            model: "m".to_owned(),
            measurement: None,
            scores: scores.iter().map(|(case, score)| ((*case).to_owned(), *score)).collect(),
        }
    }

    #[test]
    fn what_has_no_score_in_one_of_them_is_left_out_and_said() {
        let a = measured(&[("x/0", Some(1.0)), ("x/1", Some(0.0)), ("x/2", None), ("x/3", Some(1.0))]);
        let b = measured(&[("x/0", Some(0.0)), ("x/1", Some(0.0)), ("x/2", Some(1.0)), ("x/4", Some(1.0))]);
        assert!(
            matches!(compare(&a, &b, false), Err(ComparisonError::Cases { .. })),
            "nobody knows which cases these are"
        );
        let told = compare(&a, &b, true).unwrap();
        assert_eq!((told.a_better, told.b_better, told.same), (1, 0, 1));
        assert_eq!(told.incomparable, ["x/2", "x/3", "x/4"]);
        assert_eq!((told.mean_a, told.mean_b), (Some(0.5), Some(0.0)));
    }
}
