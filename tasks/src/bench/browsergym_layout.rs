//! The scores of a measurement of MiniWoB++ in a table with the columns that BrowserGym's results have, so that what reads those reads ours.

use std::io;
use std::path::Path;

use super::ledger::template_and_seed;
use super::{LedgerRecords, Status};
use crate::origin::write_atomically;
use crate::run::Judgement;
use crate::suites::miniwob;

/// What it is called, in the measurement's folder.
const CSV: &str = "browsergym.csv";

/// Writes it into a measurement's folder.
///
/// # Errors
/// If it cannot be written.
pub fn write(folder: &Path, records: &LedgerRecords) -> io::Result<()> {
    write_atomically(folder, CSV, &table(folder, records))
}

fn table(folder: &Path, records: &LedgerRecords) -> String {
    let mut out = "env.task_name,env.task_seed,cum_reward,n_steps,terminated,truncated,err_msg\r\n".to_owned();
    for (case, _, end) in records.results() {
        let (task, seed) = template_and_seed(case);
        let name = format!("miniwob.{task},{seed}");
        let line = match end {
            Some(end) if end.status == Status::Scored => {
                // As the page said in the end: whoever stops a run, or runs out of steps, ends no episode.
                let judgement = Judgement::read(&folder.join(&end.run)).ok().flatten();
                let facts = judgement.and_then(|judgement| judgement.facts);
                let terminated = facts.is_some_and(|facts| miniwob::is_over(&facts));
                let truncated = !terminated && end.outcome.as_deref() == Some("out-of-steps");
                format!("{},{},{terminated},{truncated},", end.score.unwrap_or_default(), end.steps)
            }
            Some(end) => format!(",{},false,false,{}", end.steps, end.status.id()),
            None => ",,,,unfinished".to_owned(),
        };
        out += &format!("{name},{line}\r\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::bench::report::tests::ledger_of;
    use crate::bench::{AttemptEnd, AttemptId, LedgerLine, attempt};

    /// What a run that somebody stopped comes to is no end of the page's.
    #[test]
    fn an_episode_is_terminated_if_the_page_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = ledger_of(folder.path(), "m", &["a/0", "b/1", "c/2", "d/3"]);
        for (case, outcome, done) in [
            ("a/0", "stopped", Some("true")),
            ("b/1", "stopped", Some("false")),
            ("c/2", "out-of-steps", Some("true")),
            ("d/3", "out-of-steps", None),
        ] {
            let run = &case[..1];
            let id = AttemptId { case: case.to_owned(), repeat: 1, attempt: 1 };
            ledger.write(0, LedgerLine::Begun { id: id.clone(), run: run.to_owned() }).unwrap();
            let end = attempt::blank_end(&id, run, "g", "");
            let outcome = Some(outcome.to_owned());
            let end = AttemptEnd { status: Status::Scored, score: Some(0.0), steps: 2, outcome, ..end };
            ledger.write(0, LedgerLine::Ended(Box::new(end))).unwrap();
            std::fs::create_dir(folder.path().join(run)).unwrap();
            if let Some(done) = done {
                let judged = json!({"version": 1, "verdict": "failed", "why": "", "expected": [], "changed": null, "facts": {"task.done": done}});
                std::fs::write(folder.path().join(run).join("verdict.json"), judged.to_string()).unwrap();
            }
        }
        let told = table(folder.path(), &ledger.records);
        let lines: Vec<&str> = told.lines().skip(1).collect();
        assert_eq!(
            lines,
            [
                "miniwob.a,0,0,2,true,false,",
                "miniwob.b,1,0,2,false,false,",
                "miniwob.c,2,0,2,true,false,",
                "miniwob.d,3,0,2,false,true,",
            ]
        );
    }
}
