//! A suite in one file: three cases on the canvas.

use std::sync::Arc;

use tapwright_tasks::device::{CustomDevice, DeviceAddress};
use tapwright_tasks::judge::{Fact, FactEvaluator};
use tapwright_tasks::origin::CaseId;
use tapwright_tasks::suite::{Case, CaseLimits, Suite};

use crate::canvas::Canvas;

pub struct Toys;

const CASES: [(&str, &str, [bool; 2]); 3] = [
    ("upper", "Turn the upper button on", [true, false]),
    ("lower", "Turn the lower button on", [false, true]),
    ("both", "Turn both buttons on", [true, true]),
];

impl Suite for Toys {
    fn name(&self) -> &'static str {
        "toys"
    }

    fn about(&self) -> &'static str {
        "two buttons on a canvas"
    }

    fn templates(&self) -> Vec<&'static str> {
        CASES.iter().map(|(name, ..)| *name).collect()
    }

    fn training_seeds(&self) -> Option<u64> {
        None
    }

    fn case(&self, template: &str, seed: u64) -> Option<Case> {
        let (name, goal, [upper, lower]) = CASES.into_iter().find(|(name, ..)| *name == template)?;
        let facts = [("upper.on", upper), ("lower.on", lower)];
        let facts = facts.map(|(fact, is)| Fact { fact: fact.to_owned(), is: is.to_string() }).to_vec();
        Some(Case {
            id: CaseId { suite: self.name().to_owned(), template: name.to_owned(), seed },
            goal: goal.to_owned(),
            device: DeviceAddress::Custom(CustomDevice(Arc::new(Canvas))),
            start: Vec::new(),
            evaluator: FactEvaluator::of(facts)?,
            goal_fact: None,
            group: None,
            limits: CaseLimits::default(),
        })
    }
}
