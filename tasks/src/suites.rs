//! The suites that there are, by name. A new one is a module here and a line in [`ALL`].

pub mod androidworld;
pub mod folder;
pub mod miniwob;
#[cfg(target_os = "linux")]
pub mod osworld;
#[cfg(not(target_os = "linux"))]
#[path = "suites/osworld_elsewhere.rs"]
pub mod osworld;
mod phone;
mod smoke;

use std::sync::Arc;

use crate::judge::Evaluator;
use crate::origin::CaseId;
use crate::osworld::EvaluatorChoice;
use crate::suite::Suite;

/// All suites, as help lists them.
pub const ALL: &[&dyn Suite] = &[&smoke::Smoke, &smoke::EdgeCases, &phone::Phone, &androidworld::AndroidWorld];

/// The suite of a name.
pub fn find(name: &str) -> Option<&'static dyn Suite> {
    ALL.iter().find(|suite| suite.name() == name).copied()
}

/// Suites that are not found by their names alone: they need pages, tasks or a server.
const UNLISTED: [&str; 3] = [miniwob::NAME, crate::osworld::NAME, androidworld::server::NAME];

/// Whether a name is that of a suite that comes with this program.
pub fn is_shipped(name: &str) -> bool {
    UNLISTED.contains(&name) || find(name).is_some()
}

/// What judges a case of a record; `None` if it is of a suite that is not here.
pub fn evaluator(case: &CaseId) -> Option<Arc<dyn Evaluator>> {
    if case.suite == miniwob::NAME {
        return Some(miniwob::evaluator());
    }
    #[cfg(target_os = "linux")]
    if case.suite == crate::osworld::NAME {
        return Some(osworld::evaluator(EvaluatorChoice::Native));
    }
    Some(find(&case.suite)?.case(&case.template, case.seed)?.evaluator)
}

/// What the tests of the suites share.
#[cfg(test)]
mod testing {
    use tapwright_agent::outcome::Outcome;

    use crate::judge::{Evidence, Facts, RecordedProbe};
    use crate::suite::Case;

    /// What speaks against a run of a case that ended so.
    pub async fn against(case: &Case, start: &Facts, end: &Facts, outcome: &Outcome) -> Option<String> {
        let mut probe = RecordedProbe(end);
        case.evaluator.evaluate(Evidence { start, end, outcome, probe: &mut probe, folder: None }).await.unwrap()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::suite::{CaseSelection, digest};

    #[test]
    fn each_name_stands_for_one_suite_whose_cases_can_be_drawn_again() {
        let names: BTreeSet<&str> = ALL.iter().map(|suite| suite.name()).collect();
        assert_eq!(names.len(), ALL.len());
        for suite in ALL {
            // Of a list there are no more than there are.
            let count = suite.fixed_cases().map_or(3 * suite.templates().len(), |fixed| fixed.len() - 8) as u64;
            let selection = CaseSelection { first: 7, count, template: None, only: Vec::new() };
            selection.check(*suite).unwrap();
            let cases: Vec<_> = selection.cases(*suite).collect();
            assert_eq!(cases.len() as u64, count);
            for case in &cases {
                assert_eq!(case.id.suite, suite.name());
                assert!(!case.goal.is_empty());
                let again = evaluator(&case.id).unwrap();
                assert_eq!(again.expected_facts(), case.evaluator.expected_facts());
            }
            assert_eq!(digest(&cases), digest(&selection.cases(*suite).collect::<Vec<_>>()));
            let other = CaseSelection { first: 8, ..selection.clone() };
            assert_ne!(digest(&cases), digest(&other.cases(*suite).collect::<Vec<_>>()));
        }
    }
}
