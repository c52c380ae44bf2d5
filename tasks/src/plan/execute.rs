//! Makes the runs of a plan in a session: on one phone, with one model.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::mem;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use tapwright_agent::action::Call;
use tapwright_agent::journal::{Entry, JOURNAL_BYTES_MAX, Record, RecordError, refuse_links};
use tapwright_agent::outcome::End;
use tapwright_agent::person::{Answer, Question};
use tapwright_contract::file;
use tapwright_contract::model::{Part, Prompt, Role, Turn};

use super::outputs::question;
use super::steps::{Eyes, SharedProgress, Step, StepModel, StepPosition, WITHIN_MAX, profiles};
use super::values::Outputs;
use super::{Goal, GoalRunner, Plan, draft};
use crate::device::DeviceError;
use crate::model::{LoadedModel, ModelSource};
use crate::resume::ResumableRun;
use crate::run::{RunError, RunOptions, RunReport, RunTask};
use crate::session::{RunPlace, Session};

/// How long a schedule is waited for without a look at the clock.
const WAIT_PIECE: Duration = Duration::from_secs(20);
/// The longest answer to what is missing.
const REPORT_TOKENS_MAX: u32 = 500;
const REPORT_BYTES_MAX: usize = 16 << 10;
/// As many actions may one run of steps take: a loop is a run for each row.
const STEP_ACTIONS_MAX: u32 = 100_000;
/// The longest that such a run may say or be told at once: values of tables and answers of calls.
const STEP_BYTES_MAX: usize = 1 << 20;

/// Sees what happens in a plan.
pub trait PlanWatch: Send {
    /// A goal's run begins, or goes on, in this record.
    fn begins(&mut self, goal: &Goal, words: &str, folder: &Path, steps_max: u32);
    /// Nothing is done until the next round of a goal is due, in so many milliseconds.
    fn waits(&mut self, goal: &Goal, ms: u64);
    /// A line of its journal was written.
    fn entry(&mut self, entry: &Entry);
    /// It is over.
    fn on_end(&mut self, report: &RunReport);
}

/// Makes a plan's runs.
pub struct SessionRunner<'a> {
    pub session: &'a mut Session,
    /// The plan's.
    pub folder: &'a Path,
    pub watch: &'a mut dyn PlanWatch,
    /// Whether the plan is this user's own. Somebody else's allows its goals no more steps than the settings do.
    pub is_own: bool,
    /// Milliseconds since 1970.
    pub now: &'a (dyn Fn() -> u64 + Sync),
}

/// Why a run of a plan could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PlanRunError {
    #[error(transparent)]
    Run(#[from] RunError),
    /// The phone does not tell its time any more.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// There is something, and nobody can tell what was done.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// What a run that never began has left cannot be taken away.
    #[error("{} cannot be written", .at.display())]
    Unwritten { at: PathBuf, source: io::Error },
}

#[async_trait]
impl GoalRunner for SessionRunner<'_> {
    type Error = PlanRunError;

    async fn run(&mut self, goal: &Goal, words: &str, name: &str) -> Result<End, PlanRunError> {
        let mut rules = self.session.settings().rules.clone();
        let steps_max = goal.steps_max.unwrap_or(rules.limits.steps_max);
        // A model may give itself less than it was given, not more; nor may somebody who sent a record.
        let is_bounded = goal.by_model || !self.is_own;
        rules.limits.steps_max = if is_bounded { steps_max.min(rules.limits.steps_max) } else { steps_max };
        let at = self.folder.join(name);
        let broken = match taken_up(&at)? {
            EarlierTry::Ended(end) => return Ok(end),
            EarlierTry::BrokeOff => Some(ResumableRun::take_up(&at)?),
            EarlierTry::Nothing => None,
        };
        self.watch.begins(goal, words, &at, rules.limits.steps_max);
        let SessionRunner { session, folder, watch, now, .. } = self;
        let mut each = |entry: &Entry| watch.entry(entry);
        let report = match broken {
            Some(run) => session.resume(run, now(), &mut each).await?,
            None => {
                let task = RunTask { goal: words.to_owned(), start: Vec::new(), evaluator: None, case: None };
                session.run_under(&task, &rules, folder, name, now(), &mut each).await?
            }
        };
        self.watch.on_end(&report);
        Ok(report.end)
    }

    async fn run_steps(
        &mut self,
        goal: &Goal,
        steps: &[Step],
        values: &Outputs,
        name: &str,
        before: &[&str],
    ) -> Result<(End, StepPosition), PlanRunError> {
        let rules = self.step_rules();
        let at = self.folder.join(name);
        let progress = SharedProgress::new(steps, values);
        for before in before {
            Record::read(&self.folder.join(before))?.entries.iter().for_each(|entry| progress.observe(entry));
            progress.begin_anew();
        }
        let earlier = taken_up(&at)?;
        if !matches!(earlier, EarlierTry::Nothing) {
            Record::read(&at)?.entries.iter().for_each(|entry| progress.observe(entry));
        }
        let broken = match earlier {
            EarlierTry::Ended(end) => return Ok((end, progress.position())),
            EarlierTry::BrokeOff => Some(ResumableRun::take_up(&at)?),
            EarlierTry::Nothing => None,
        };
        let words = goal.goal.get_ref();
        self.watch.begins(goal, words, &at, rules.limits.steps_max);
        let SessionRunner { session, folder, watch, now, .. } = self;
        let eyes = Eyes {
            driver: session.eyes(),
            look: rules.limits.look,
            secrets: session.secrets(),
            policy: rules.policy.clone(),
        };
        let model = StepModel::new(progress.clone(), eyes);
        let about = "the steps of the file".to_owned();
        let mut opened = LoadedModel { model: Box::new(model), profiles: profiles(), about };
        let mut each = |entry: &Entry| {
            progress.observe(entry);
            watch.entry(entry);
        };
        let report = match broken {
            Some(run) => session.resume_by(&mut opened, run, now(), &mut each).await?,
            None => {
                let task = RunTask { goal: words.clone(), start: Vec::new(), evaluator: None, case: None };
                let place = RunPlace { runs: folder, name, started: now() };
                session.run_by(&mut opened, &task, &rules, place, &mut each).await?
            }
        };
        self.watch.on_end(&report);
        Ok((report.end, progress.position()))
    }

    fn has_model(&self) -> bool {
        self.session.settings().model.source != ModelSource::Nobody
    }

    async fn report(&mut self, goal: &Goal, words: &str, end: &End, why: &str) -> Result<Option<String>, PlanRunError> {
        let within = self.session.settings().rules.limits.think;
        let text = Part::Text(question(words, end, goal, why));
        let turns = vec![Turn { role: Role::User, parts: vec![text] }];
        let prompt = Prompt { turns, grammar: None, tokens_max: REPORT_TOKENS_MAX };
        let mut stop = self.session.stop();
        let model = self.session.model();
        let reply = tokio::select! {
            biased;
            () = stop.stopped() => return Ok(None),
            reply = model.model.reply(&prompt, within) => reply,
        };
        Ok(match reply {
            Ok(reply) => {
                let text = &reply.text[..reply.text.floor_char_boundary(REPORT_BYTES_MAX)];
                // A model that knows nothing but actions says it in the message of its last one.
                Some(match model.profiles.agent.dialect.read(text, reply.cut).call {
                    Ok(Call::Finish { message, .. }) => message,
                    _ => text.rsplit("</think>").next().unwrap_or(text).trim().to_owned(),
                })
            }
            Err(error) => {
                tracing::warn!(%error, goal = goal.name, "the model was not asked for what is missing");
                None
            }
        })
    }

    async fn ask(&mut self, question: &Question) -> Answer {
        self.session.ask(question).await
    }

    async fn now(&mut self) -> Result<u64, PlanRunError> {
        Ok(self.session.let_pass(Duration::ZERO).await?.unwrap_or_else(self.now))
    }

    async fn wait_until(&mut self, goal: &Goal, at: u64) -> Result<bool, PlanRunError> {
        let mut stop = self.session.stop();
        let mut is_told = false;
        loop {
            let now = self.now().await?;
            let Some(left) = at.checked_sub(now).filter(|left| 0 < *left) else { return Ok(true) };
            if !mem::replace(&mut is_told, true) {
                self.watch.waits(goal, left);
            }
            let left = Duration::from_millis(left);
            let passing = async {
                // On a phone of ours the time is over at once; else in pieces: a machine that slept meanwhile is late by one at most.
                if self.session.let_pass(left).await?.is_none() {
                    tokio::time::sleep(left.min(WAIT_PIECE)).await;
                }
                Ok::<(), PlanRunError>(())
            };
            tokio::select! {
                biased;
                () = stop.stopped() => return Ok(false),
                passed = passing => passed?,
            }
        }
    }

    async fn replan(&mut self, told: &str, known: &BTreeSet<String>) -> Result<Option<Plan>, PlanRunError> {
        let within = self.session.settings().rules.limits.think;
        match draft(self.session.model().model.as_mut(), told, known, within).await {
            Ok(plan) => Ok(Some(plan)),
            Err(mistake) => {
                tracing::warn!(why = mistake.why, "nobody could plan anew");
                Ok(None)
            }
        }
    }
}

impl SessionRunner<'_> {
    /// What a run of steps goes by: the settings, but that it may do the same again and again, and that nothing is tried another way once
    /// somebody has said no.
    fn step_rules(&self) -> RunOptions {
        let mut rules = self.session.settings().rules.clone();
        let limits = &mut rules.limits;
        if self.is_own {
            limits.steps_max = STEP_ACTIONS_MAX;
        }
        (limits.strikes_max, limits.refusals_max) = (2, 1);
        limits.think = WITHIN_MAX + Duration::from_secs(60);
        for most in [
            &mut limits.repeats_remark,
            &mut limits.repeats_max,
            &mut limits.unmoved_max,
            &mut limits.waits_remark,
            &mut limits.waits_max,
            &mut limits.rounds_remark,
            &mut limits.rounds_max,
            &mut limits.loops_remark,
            &mut limits.loops_max,
        ] {
            *most = u32::MAX;
        }
        limits.wait_max = limits.wait_max.max(WITHIN_MAX);
        limits.reply_bytes = limits.reply_bytes.max(STEP_BYTES_MAX);
        limits.result_bytes = limits.result_bytes.max(STEP_BYTES_MAX);
        rules
    }
}

/// What is there of an earlier try at a goal.
#[derive(Debug)]
enum EarlierTry {
    Nothing,
    BrokeOff,
    Ended(End),
}

/// Looks at what an earlier process has left. Only what shows that nothing was done is taken away; what cannot be read may hold deeds.
fn taken_up(at: &Path) -> Result<EarlierTry, PlanRunError> {
    if let (Some(plan), Some(name)) = (at.parent(), at.file_name().and_then(|name| name.to_str())) {
        let unwritten = |source| PlanRunError::Unwritten { at: at.to_owned(), source };
        refuse_links(plan, &[], &[name]).map_err(unwritten)?;
    }
    match Record::read(at) {
        Ok(record) => Ok(match record.end() {
            Some(end) if !end.outcome.can_go_on() => EarlierTry::Ended(end.clone()),
            _ => EarlierTry::BrokeOff,
        }),
        Err(error) => {
            if !has_done_nothing(at) {
                return Err(error.into());
            }
            match fs::remove_dir_all(at) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    Err(PlanRunError::Unwritten { at: at.to_owned(), source })
                }
                _ => Ok(EarlierTry::Nothing),
            }
        }
    }
}

/// Whether a run was killed before its first line was whole: its journal is empty, or the beginning of one line, and it saw nothing.
fn has_done_nothing(at: &Path) -> bool {
    let saw_nothing = match fs::read_dir(at.join("pictures")) {
        Ok(mut pictures) => pictures.next().is_none(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    };
    let is_beginning = match file::read_bytes(&at.join("journal.jsonl"), JOURNAL_BYTES_MAX) {
        Ok(bytes) => !bytes.contains(&b'\n') && (bytes.is_empty() || bytes.starts_with(b"{")),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    };
    saw_nothing && is_beginning
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_run_that_did_nothing_is_taken_away() {
        let cases: [(&str, &[u8], bool, bool); 7] = [
            ("empty", b"", false, true),
            ("torn", b"{\"version\":2,\"se", false, true),
            ("zeroed first line", b"\0\0\0\0\n{\"seq\":1,\"ms\":0,\"event\":\"began\"}\n", false, false),
            ("all zeros", b"\0\0\0\0", false, false),
            ("something else", b"what?\n", false, false),
            ("another version", b"{\"version\":99}\n", false, false),
            ("it saw something", b"", true, false),
        ];
        for (name, journal, saw, goes) in cases {
            let folder = tempfile::tempdir().unwrap();
            let at = folder.path().join("1-one");
            fs::create_dir_all(at.join("pictures")).unwrap();
            fs::write(at.join("journal.jsonl"), journal).unwrap();
            if saw {
                fs::write(at.join("pictures/x.png"), "x").unwrap();
            }
            let found = taken_up(&at);
            assert_eq!(matches!(found, Ok(EarlierTry::Nothing)), goes, "{name}: {found:?}");
            assert_eq!(at.exists(), !goes, "{name}");
        }
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(taken_up(&folder.path().join("none")), Ok(EarlierTry::Nothing)));
    }
}
