//! Two measurements of the same cases: where they differ, and whether chance alone could make them differ so.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::preflight::RigIdentity;
use super::summary::mean;
use super::{Budgets, JudgeIdentity, Ledger, LedgerError, LedgerRecords, Status};
use crate::judge::Verdict;
use crate::measurement::Measurement;
use crate::origin::RunOrigin;
use crate::record::{SuiteBrief, runs_of_suite};
use crate::run::Judgement;

/// A measurement as far as it can be compared.
#[derive(Clone, Debug, PartialEq)]
pub struct ComparedMeasurement {
    pub folder: PathBuf,
    pub suite: String,
    pub model: String,
    /// Measurements of the first versions do not say it.
    pub measurement: Option<Measurement>,
    /// By case: the mean of the repeats that count; `None` if none does. One that ran out of its time or its tokens has not passed.
    pub scores: BTreeMap<String, Option<f64>>,
    pub totals: MeasurementTotals,
    /// All versions of the program that have measured.
    pub programs: BTreeSet<String>,
    /// Who has judged; measurements of the first versions do not say it, nor what follows.
    pub judge: Option<JudgeIdentity>,
    /// Whether that was afterwards.
    pub is_rescored: bool,
    pub budgets: Option<Budgets>,
    pub repeats: Option<u32>,
    /// What kind of evaluator judged.
    pub evaluator: Option<String>,
    /// Whether goals of no kind that the model was trained for were given up without asking it.
    pub refuses_untrained: bool,
    /// The devices as they were found; none where the measurement does not say it.
    pub rigs: BTreeSet<RigIdentity>,
}

/// What one of the two came to, with what cannot be compared.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct MeasurementTotals {
    /// Cases, each as often as it is done.
    pub total: u64,
    /// The sum of all scores over those.
    pub mean_of_all: Option<f64>,
    /// How many ran out of what a case may use: they count as not passed.
    pub timeouts: u64,
    /// How many have no score, by what they have come to.
    pub without_score: BTreeMap<String, u64>,
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
    pub totals_a: MeasurementTotals,
    pub totals_b: MeasurementTotals,
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

impl ComparedMeasurement {
    /// Reads a measurement, of this version or an earlier one.
    ///
    /// # Errors
    /// `ComparisonError` if it cannot be read.
    pub fn read(folder: &Path, brief: &SuiteBrief) -> Result<ComparedMeasurement, ComparisonError> {
        if Ledger::is_there(folder) {
            let records = LedgerRecords::read(folder)?;
            let (scores, totals) = scores_of(&records);
            let judge = records.judge();
            return Ok(ComparedMeasurement {
                folder: folder.to_owned(),
                suite: brief.suite.clone(),
                model: brief.model.clone(),
                // What they are judged by is part of what is measured.
                measurement: Some(Measurement { cases: judge.cases.clone(), ..records.header.measurement }),
                scores,
                totals,
                programs: records.programs,
                judge: Some(judge),
                is_rescored: records.judge.is_some(),
                budgets: Some(records.header.budgets),
                repeats: Some(records.header.repeats),
                evaluator: records.header.evaluator,
                refuses_untrained: records.header.refuses_untrained,
                rigs: records.rigs,
            });
        }
        // Before there were ledgers, each run said for itself which case it was.
        let unreadable = |source| ComparisonError::Unreadable { at: folder.to_owned(), source };
        let mut scores = BTreeMap::new();
        let mut totals = Totals::default();
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
            totals.count(score, "void");
            scores.insert(format!("{}/{}", case.template, case.seed), score);
        }
        Ok(ComparedMeasurement {
            folder: folder.to_owned(),
            suite: brief.suite.clone(),
            model: brief.model.clone(),
            measurement: brief.measurement.clone(),
            scores,
            totals: totals.totals(),
            programs: brief.measurement.iter().map(|measurement| measurement.program.clone()).collect(),
            judge: None,
            is_rescored: false,
            budgets: None,
            repeats: None,
            evaluator: None,
            refuses_untrained: false,
            rigs: BTreeSet::new(),
        })
    }
}

fn scores_of(records: &LedgerRecords) -> (BTreeMap<String, Option<f64>>, MeasurementTotals) {
    let mut scores: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    let mut totals = Totals::default();
    for (case, _, end) in records.results() {
        let (score, what) = match end {
            None => (None, "unfinished"),
            Some(end) => match end.status {
                Status::Scored => (end.score, "scored"),
                // A model that needs more than it may use has not done it: left out, it would be the better for it.
                Status::Timeout => (Some(0.0), "timeout"),
                Status::AgentError
                | Status::SetupError
                | Status::DeviceError
                | Status::EvaluatorError
                | Status::Cancelled => (None, end.status.id()),
            },
        };
        totals.count(score, what);
        scores.entry(case.to_owned()).or_default().extend(score);
    }
    (scores.into_iter().map(|(case, scores)| (case, mean(&scores))).collect(), totals.totals())
}

/// Adds up what a measurement came to.
#[derive(Default)]
struct Totals {
    sum: f64,
    totals: MeasurementTotals,
}

impl Totals {
    fn count(&mut self, score: Option<f64>, what: &str) {
        self.totals.total += 1;
        self.totals.timeouts += u64::from(what == "timeout");
        match score {
            Some(score) => self.sum += score,
            None => *self.totals.without_score.entry(what.to_owned()).or_default() += 1,
        }
    }

    fn totals(self) -> MeasurementTotals {
        let Totals { sum, totals } = self;
        let mean_of_all = (totals.total > 0).then(|| sum / totals.total as f64);
        MeasurementTotals { mean_of_all, ..totals }
    }
}

/// Compares two; different sets of cases only if `any` are wanted.
///
/// # Errors
/// `ComparisonError::Cases` if they measure different things.
pub fn compare(a: &ComparedMeasurement, b: &ComparedMeasurement, any: bool) -> Result<Comparison, ComparisonError> {
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
        totals_a: a.totals.clone(),
        totals_b: b.totals.clone(),
        p: 1.0,
        differences: differences(a, b),
    };
    for id in ids {
        let score = |of: &ComparedMeasurement| of.scores.get(id).copied().flatten();
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
    let (of_a, of_b): (Vec<f64>, Vec<f64>) = comparison.cases.iter().map(|case| (case.a, case.b)).unzip();
    (comparison.mean_a, comparison.mean_b) = (mean(&of_a), mean(&of_b));
    comparison.p = sign_test(comparison.a_better, comparison.b_better);
    Ok(comparison)
}

fn check(a: &ComparedMeasurement, b: &ComparedMeasurement) -> Result<(), ComparisonError> {
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
fn differences(a: &ComparedMeasurement, b: &ComparedMeasurement) -> Vec<String> {
    let mut told = Vec::new();
    let (Some(in_a), Some(in_b)) = (&a.measurement, &b.measurement) else { return told };
    let mut note = |what: &str, differs: bool| {
        if differs {
            told.push(what.to_owned());
        }
    };
    note("the version of the program", a.programs != b.programs);
    note("the judge", (a.is_rescored || b.is_rescored) && differ(a.judge.as_ref(), b.judge.as_ref()));
    note("the kind of evaluator", differ(a.evaluator.as_ref(), b.evaluator.as_ref()));
    note("the devices or their programs", !a.rigs.is_empty() && !b.rigs.is_empty() && a.rigs != b.rigs);
    note("the model", (&in_a.model.about, &in_a.model.sha256) != (&in_b.model.about, &in_b.model.sha256));
    note("the model's profile", in_a.model.profile != in_b.model.profile);
    note("what computes the model", in_a.model.provider != in_b.model.provider);
    note("the limits", in_a.limits != in_b.limits);
    note("the minutes or tokens of a case", differ(a.budgets.as_ref(), b.budgets.as_ref()));
    note("what becomes of goals of no trained kind", a.refuses_untrained != b.refuses_untrained);
    note("how often each case is done", differ(a.repeats.as_ref(), b.repeats.as_ref()));
    note("the apps of the phones", in_a.apps != in_b.apps && !in_a.apps.is_empty() && !in_b.apps.is_empty());
    note("the policy", in_a.policy != in_b.policy);
    note("the day", in_a.date != in_b.date);
    note("the weather", (&in_a.weather, in_a.weather_seed) != (&in_b.weather, in_b.weather_seed));
    told
}

/// Whether both say it, and not the same.
fn differ<T: PartialEq>(a: Option<&T>, b: Option<&T>) -> bool {
    a.zip(b).is_some_and(|(a, b)| a != b)
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

    fn measured(scores: &[(&str, Option<f64>)]) -> ComparedMeasurement {
        ComparedMeasurement {
            folder: PathBuf::new(),
            suite: "s".to_owned(),
            model: "m".to_owned(),
            measurement: None,
            scores: scores.iter().map(|(case, score)| ((*case).to_owned(), *score)).collect(),
            totals: MeasurementTotals::default(),
            programs: BTreeSet::new(),
            judge: None,
            is_rescored: false,
            budgets: None,
            repeats: None,
            evaluator: None,
            refuses_untrained: false,
            rigs: BTreeSet::new(),
        }
    }

    /// Two that differ in nothing but what was allowed them are told apart.
    #[test]
    fn what_else_differs_is_said() {
        let measurement = serde_json::json!({
            "program": "0", "cases": "c", "selection": {"first": 0, "count": 2, "template": null},
            "limits": crate::settings::default_limits(), "policy": crate::policy::Preset::Trusting.policy(),
            "date": "d", "weather": [], "weather_seed": 0, "apps": ["basic"],
            "model": {"about": "m", "sha256": null, "sampled": false, "profile": "", "provider": "cpu"},
        });
        let measurement: Measurement = serde_json::from_value(measurement).unwrap();
        let judge = |cases: &str| JudgeIdentity { program: "0".to_owned(), cases: cases.to_owned() };
        let a = ComparedMeasurement {
            measurement: Some(measurement.clone()),
            programs: BTreeSet::from(["0".to_owned()]),
            judge: Some(judge("c")),
            budgets: Some(Budgets::default()),
            repeats: Some(1),
            evaluator: Some("native".to_owned()),
            rigs: BTreeSet::from([RigIdentity {
                rig: "browser 1x1".to_owned(),
                screens: BTreeSet::from(["1x1".to_owned()]),
                programs: BTreeMap::from([("Chrome".to_owned(), "1".to_owned())]),
            }]),
            ..measured(&[("x/0", Some(1.0))])
        };
        assert_eq!(compare(&a, &a, false).unwrap().differences, [""; 0]);
        let with = |change: &dyn Fn(&mut ComparedMeasurement)| {
            let mut b = a.clone();
            change(&mut b);
            compare(&a, &b, false).unwrap().differences
        };
        assert_eq!(with(&|b| b.programs = BTreeSet::from(["1".to_owned()])), ["the version of the program"]);
        assert_eq!(with(&|b| (b.judge, b.is_rescored) = (Some(judge("d")), true)), ["the judge"]);
        assert_eq!(with(&|b| b.repeats = Some(2)), ["how often each case is done"]);
        let budgets = Budgets { minutes: Some(5), tokens: None };
        assert_eq!(with(&|b| b.budgets = Some(budgets)), ["the minutes or tokens of a case"]);
        assert_eq!(with(&|b| b.evaluator = Some("official".to_owned())), ["the kind of evaluator"]);
        assert_eq!(with(&|b| b.refuses_untrained = true), ["what becomes of goals of no trained kind"]);
        let rig = |version: &str| RigIdentity {
            rig: "browser 1x1".to_owned(),
            screens: BTreeSet::from(["1x1".to_owned()]),
            programs: BTreeMap::from([("Chrome".to_owned(), version.to_owned())]),
        };
        assert_eq!(with(&|b| b.rigs = BTreeSet::from([rig("2")])), ["the devices or their programs"]);
        let provider = |b: &mut ComparedMeasurement| b.measurement.as_mut().unwrap().model.provider = "cuda".to_owned();
        assert_eq!(with(&provider), ["what computes the model"]);
        let apps = |b: &mut ComparedMeasurement| b.measurement.as_mut().unwrap().apps = vec!["all".to_owned()];
        assert_eq!(with(&apps), ["the apps of the phones"]);
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
