//! The ledger of a measurement: a line for each attempt that is begun, and one for each that has ended. From it a measurement goes on
//! after it broke off, and all of its numbers come from it.
//!
//! ```text
//! RUNS/SUITE/ledger.jsonl   {"seq":0,"at":…,"bench":{"version":1,…}}   what is measured, with what
//!                           {"seq":1,"at":…,"begun":{"case":"radio/3","repeat":1,"attempt":1,"run":"000003-radio"}}
//!                           {"seq":2,"at":…,"ended":{"case":"radio/3","repeat":1,"attempt":1,"status":"scored","score":1.0,…}}
//! RUNS/SUITE/ledger.lock    empty; locked by the process that writes
//! ```
//!
//! Lines are only ever added, each is on the disk before anything follows from it, and their order is what counts: `at` is for people,
//! and a clock that is set back changes nothing. An attempt that was begun and has no end was killed; its case is not lost.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tapwright_agent::journal::{FileLock, JOURNAL_BYTES_MAX, private, private_folders, refuse_links};
use tapwright_contract::file;

use super::preflight::RigIdentity;
use crate::judge::{ScoreSource, Verdict};
use crate::measurement::Measurement;
use crate::origin::write_atomically;
use crate::suite::{self, CASES_MAX, CaseResult, REPEATS_MAX, Status};

/// The format's version.
const VERSION: u32 = 1;
pub(crate) const LEDGER: &str = "ledger.jsonl";
const LOCK: &str = "ledger.lock";
/// The day stands in each prompt.
const DATE_BYTES_MAX: u64 = 64;

/// What is measured, and with what: the ledger's first line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LedgerHeader {
    /// The format's version.
    pub version: u32,
    pub suite: String,
    /// The name of the measurement, which is its folder's.
    pub run: String,
    /// The model's name.
    pub model: String,
    /// Milliseconds since 1970.
    pub started: u64,
    pub measurement: Measurement,
    /// The ids of the cases, in their order.
    pub cases: Vec<String>,
    /// The kind of each, where cases are counted by kind too.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<String, String>,
    /// How often each case is done.
    pub repeats: u32,
    /// `--apps`, if it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apps: Option<String>,
    #[serde(default)]
    pub budgets: Budgets,
    /// The devices as they were found before it began; measurements of the first versions do not say it, nor what follows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rigs: Vec<RigIdentity>,
    /// What kind of evaluator judges.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluator: Option<String>,
    /// Whether a goal of no kind that the model was trained for is given up without asking it, as `tapwright run` does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refuses_untrained: bool,
}

/// What an attempt may use, besides its steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budgets {
    /// From the moment at which the device is there to the end of the run. Connecting and judging have limits of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<u32>,
    /// Of prompts and replies together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
}

/// Which attempt at which case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AttemptId {
    pub case: String,
    /// Which time the case is done, from 1.
    pub repeat: u32,
    /// From 1.
    pub attempt: u32,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttemptEnd {
    #[serde(flatten)]
    pub id: AttemptId,
    pub status: Status,
    /// Only of what was scored: 1 if it passed, 0 if not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// Whose score it is, where several could give one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<ScoreSource>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Something was changed that nobody asked for.
    #[serde(default)]
    pub unasked: bool,
    /// Whether it is an error that another attempt would end with, too: a mistake in the case.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_certain: bool,
    /// `None` if the run has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    #[serde(default)]
    pub steps: u32,
    /// From the first look to the end.
    #[serde(default)]
    pub ms: u64,
    #[serde(default)]
    pub tokens_in: u64,
    #[serde(default)]
    pub tokens_out: u64,
    /// What the agent was told; a device may have said it.
    pub goal: String,
    /// Its folder beside the ledger.
    pub run: String,
    /// What the device called itself: which machine of several it was. `None` if none could be had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
}

/// A verdict that took the place of another one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rescored {
    #[serde(flatten)]
    pub id: AttemptId,
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Something was changed that nobody asked for. Lines of before say nothing of it, nor of who judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unasked: Option<bool>,
    /// How much was reached, where that may be a part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// Whose score it is, where several could give one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<ScoreSource>,
    /// Who judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judge: Option<JudgeIdentity>,
}

/// By what verdicts were given: a table of another judge's is another table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JudgeIdentity {
    /// The program's version.
    pub program: String,
    /// The digest of the cases as the suite was then.
    pub cases: String,
}

/// What a line says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LedgerLine {
    Bench(Box<LedgerHeader>),
    /// An attempt is going to be made.
    Begun {
        #[serde(flatten)]
        id: AttemptId,
        run: String,
    },
    Ended(Box<AttemptEnd>),
    /// The measurement goes on, by this version of the program.
    Resumed {
        program: String,
        /// The devices as they were found then.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        rigs: Vec<RigIdentity>,
    },
    Rescored(Rescored),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct LedgerEntry {
    /// Its place, from 0, without gaps.
    seq: u64,
    /// Milliseconds since 1970, as the clock was.
    at: u64,
    #[serde(flatten)]
    line: LedgerLine,
}

/// What is known of one case, in one of its repeats.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CaseStanding {
    /// How many attempts were begun.
    pub begun: u32,
    /// The folder of the last of them.
    pub run: String,
    /// Those that have ended, in their order.
    pub ended: Vec<AttemptEnd>,
}

impl CaseStanding {
    /// How many attempts were begun and have no end: while nobody makes any, those at which the program ended.
    pub fn unended(&self) -> u32 {
        self.begun.saturating_sub(u32::try_from(self.ended.len()).unwrap_or(u32::MAX))
    }

    /// Whether the last attempt that was begun is one of those.
    pub fn is_last_unended(&self) -> bool {
        self.ended.last().map_or(0, |end| end.id.attempt) < self.begun
    }

    /// What counts: the score, if there is one, else the last end.
    pub fn result(&self) -> Option<&AttemptEnd> {
        self.ended.iter().find(|end| end.status.is_final()).or_else(|| self.ended.last())
    }

    /// Whether another attempt is due: there is no end that stands, and not so many errors that one more says nothing.
    /// `in_this_sitting` are attempts that have just been made; an error of the agent's is not tried again in the sitting that met it.
    pub fn is_open(&self, retries: u32, in_this_sitting: bool) -> bool {
        if self.ended.iter().any(|end| end.status.is_final() || end.is_certain) {
            return false;
        }
        // Who stopped it, or killed it, wanted no answer yet.
        let errors = self.ended.iter().filter(|end| end.status != Status::Cancelled).count();
        let is_tried_now = match self.ended.last().filter(|_| in_this_sitting) {
            Some(end) => end.status.is_infrastructure(),
            None => true,
        };
        is_tried_now && errors <= usize::try_from(retries).unwrap_or(usize::MAX)
    }
}

/// What a ledger says, and how to say more. No other process can write it while this is kept.
pub struct Ledger {
    pub folder: PathBuf,
    pub records: LedgerRecords,
    file: File,
    seq: u64,
    /// A line may be torn after a failure; nothing can follow it.
    is_broken: bool,
    _lock: FileLock,
}

/// What a ledger says.
#[derive(Clone, Debug, PartialEq)]
pub struct LedgerRecords {
    pub header: LedgerHeader,
    /// By case and repeat.
    standings: BTreeMap<(String, u32), CaseStanding>,
    /// What the header says, to find one.
    cases: BTreeSet<String>,
    /// All versions of the program that have measured.
    pub programs: BTreeSet<String>,
    /// All devices that it was measured on, as they were found.
    pub rigs: BTreeSet<RigIdentity>,
    pub rescored: u32,
    /// Who judged last, if it was judged anew.
    pub judge: Option<JudgeIdentity>,
    /// The bytes that were read or written: what is longer than a ledger may be cannot be read again.
    bytes: u64,
}

/// Why a ledger cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Another process writes it.
    #[error("the measurement at {} is going on in another process", .at.display())]
    Busy { at: PathBuf },
    /// It cannot be read or written.
    #[error("the ledger at {} cannot be read or written", .at.display())]
    File { at: PathBuf, source: io::Error },
    /// Somebody changed it, or a newer version wrote it.
    #[error("{}:{line}: {why}", .at.display())]
    Broken { at: PathBuf, line: usize, why: String },
}

impl LedgerError {
    /// What to do next.
    pub fn help(&self) -> String {
        match self {
            LedgerError::Busy { .. } => "wait for its end, or stop that process".to_owned(),
            LedgerError::File { at, source } => match source.kind() {
                io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
                    format!("put the file that was written in its place; it is in {}", at.display())
                }
                io::ErrorKind::NotFound => "name the folder of a measurement: tapwright runs".to_owned(),
                io::ErrorKind::AlreadyExists => "go on with it: --resume; or choose another folder".to_owned(),
                io::ErrorKind::FileTooLarge => {
                    "measure the rest anew, without --resume; what was written stands".to_owned()
                }
                _ => "see whether the disk is full, and whether you may write there; what was written before stands, and --resume goes on with it"
                    .to_owned(),
            },
            LedgerError::Broken { at, line: 0 | 1, .. } => {
                format!("put the file back as it was written, or measure anew, without --resume: {}", at.display())
            }
            LedgerError::Broken { at, line, .. } => {
                let before = line - 1;
                let lines = if before == 1 { "line" } else { "lines" };
                format!("put the file back as it was written, or keep its first {before} {lines}: {}", at.display())
            }
        }
    }
}

impl Ledger {
    /// Whether a folder has one.
    pub fn is_there(folder: &Path) -> bool {
        folder.join(LEDGER).is_file()
    }

    /// Begins one, in a folder that has none.
    ///
    /// # Errors
    /// `LedgerError` if it cannot be written.
    pub fn create(folder: &Path, header: LedgerHeader) -> Result<Ledger, LedgerError> {
        let failed = |source| LedgerError::File { at: folder.to_owned(), source };
        private_folders(folder).map_err(failed)?;
        let lock = lock_file(folder)?;
        if Ledger::is_there(folder) {
            return Err(failed(io::ErrorKind::AlreadyExists.into()));
        }
        let at = header.started;
        let entry =
            LedgerEntry { seq: 0, at, line: LedgerLine::Bench(Box::new(LedgerHeader { version: VERSION, ..header })) };
        let text = serde_json::to_string(&entry).map_err(|error| failed(error.into()))?;
        // All of the first line or nothing: a ledger without one says nothing.
        write_atomically(folder, LEDGER, &format!("{text}\n")).map_err(failed)?;
        Ledger::open(folder, lock)
    }

    /// Takes up a ledger that broke off. A torn last line is left out.
    ///
    /// # Errors
    /// `LedgerError` if somebody else has it, or it cannot be read.
    pub fn take_up(folder: &Path) -> Result<Ledger, LedgerError> {
        Ledger::open(folder, lock_file(folder)?)
    }

    fn open(folder: &Path, lock: FileLock) -> Result<Ledger, LedgerError> {
        let failed = |source| LedgerError::File { at: folder.to_owned(), source };
        refuse_links(folder, &[LEDGER], &[]).map_err(failed)?;
        let (records, seq, whole) = read(folder)?;
        let file = OpenOptions::new().append(true).open(folder.join(LEDGER)).map_err(failed)?;
        file.set_len(whole).map_err(failed)?;
        Ok(Ledger { folder: folder.to_owned(), records, file, seq, is_broken: false, _lock: lock })
    }

    /// Writes a line, and returns when it is on the disk. It blocks for as long as that takes.
    ///
    /// # Errors
    /// `LedgerError` if it was not written: then nothing more is to be done.
    pub fn write(&mut self, at: u64, line: LedgerLine) -> Result<(), LedgerError> {
        let failed = |folder: &Path, source| LedgerError::File { at: folder.to_owned(), source };
        if self.is_broken {
            return Err(failed(&self.folder, io::Error::other("an earlier line could not be written")));
        }
        let entry = LedgerEntry { seq: self.seq, at, line };
        let written = serde_json::to_string(&entry).map_err(io::Error::from).and_then(|mut text| {
            text.push('\n');
            let bytes = self.records.bytes + text.len() as u64;
            if bytes > JOURNAL_BYTES_MAX {
                let why = format!("it would be longer than {JOURNAL_BYTES_MAX} bytes, and could not be read again");
                return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
            }
            self.file.write_all(text.as_bytes())?;
            self.records.bytes = bytes;
            self.file.sync_data()
        });
        if let Err(source) = written {
            self.is_broken = true;
            return Err(failed(&self.folder, source));
        }
        self.seq += 1;
        self.records.apply(entry.line).map_err(|why| {
            let line = usize::try_from(self.seq).unwrap_or(usize::MAX);
            LedgerError::Broken { at: self.folder.join(LEDGER), line, why }
        })
    }
}

impl LedgerHeader {
    /// Whether some cases have a template in common; where each has its own, as the tasks of a list do, the cases say all that templates do.
    pub fn has_shared_templates(&self) -> bool {
        let mut seen = BTreeSet::new();
        !self.cases.iter().all(|case| seen.insert(template_and_seed(case).0))
    }
}

impl LedgerRecords {
    /// What a ledger says, whoever writes it.
    ///
    /// # Errors
    /// `LedgerError` if it cannot be read.
    pub fn read(folder: &Path) -> Result<LedgerRecords, LedgerError> {
        Ok(read(folder)?.0)
    }

    /// What is known of a case.
    pub fn standing(&self, case: &str, repeat: u32) -> CaseStanding {
        self.standings.get(&(case.to_owned(), repeat)).cloned().unwrap_or_default()
    }

    /// All cases in their order, each as often as it is done, with what counts of each.
    pub fn results(&self) -> impl Iterator<Item = (&str, u32, Option<&AttemptEnd>)> {
        let repeats = self.header.repeats;
        self.header.cases.iter().flat_map(move |case| {
            (1..=repeats).map(move |repeat| {
                let standing = self.standings.get(&(case.clone(), repeat));
                (case.as_str(), repeat, standing.and_then(CaseStanding::result))
            })
        })
    }

    /// Who has judged: last, if it was judged anew.
    pub fn judge(&self) -> JudgeIdentity {
        let Measurement { program, cases, .. } = &self.header.measurement;
        let first = || JudgeIdentity { program: program.clone(), cases: cases.clone() };
        self.judge.clone().unwrap_or_else(first)
    }

    /// The ends of all attempts, with those that do not count.
    pub fn ends(&self) -> impl Iterator<Item = &AttemptEnd> {
        self.standings.values().flat_map(|standing| &standing.ended)
    }

    /// How many attempts were begun.
    pub fn attempts(&self) -> u64 {
        self.standings.values().map(|standing| u64::from(standing.begun)).sum()
    }

    fn apply(&mut self, line: LedgerLine) -> Result<(), String> {
        match line {
            LedgerLine::Bench(_) => return Err("there is a second first line".to_owned()),
            LedgerLine::Resumed { program, rigs } => {
                self.programs.insert(program);
                self.rigs.extend(rigs);
            }
            LedgerLine::Begun { id, run } => {
                if !self.cases.contains(&id.case) || !(1..=self.header.repeats).contains(&id.repeat) {
                    return Err(format!("{} is not measured, or not {} times", id.case, id.repeat));
                }
                if !is_plain(&run) {
                    return Err(format!("{run:?} is not the name of an attempt's folder"));
                }
                let standing = self.standings.entry((id.case.clone(), id.repeat)).or_default();
                if id.attempt != standing.begun + 1 {
                    return Err(format!("attempt {} at {} cannot begin after {}", id.attempt, id.case, standing.begun));
                }
                if standing.ended.iter().any(|end| end.status.is_final()) {
                    return Err(format!("{} is scored already", id.case));
                }
                standing.begun = id.attempt;
                standing.run = run;
            }
            LedgerLine::Ended(end) => {
                let begun = self.standings.get_mut(&(end.id.case.clone(), end.id.repeat));
                let standing = begun.ok_or_else(|| format!("no attempt at {} was begun", end.id.case))?;
                let is_next = end.id.attempt == standing.begun
                    && standing.ended.last().is_none_or(|last| last.id.attempt < end.id.attempt);
                let fits = match (end.status, end.score) {
                    (Status::Scored, score) => score.is_some_and(|score| (0.0..=1.0).contains(&score)),
                    (_, score) => score.is_none(),
                };
                if !fits {
                    return Err(format!("{} and a score of {:?} do not go together", end.status.id(), end.score));
                }
                if !is_next || !is_plain(&end.run) {
                    return Err(format!("attempt {} at {} was not begun", end.id.attempt, end.id.case));
                }
                standing.ended.push(*end);
            }
            LedgerLine::Rescored(Rescored { id, verdict, score, source, unasked, judge }) => {
                let standing = self.standings.get_mut(&(id.case.clone(), id.repeat));
                let end = standing.and_then(|standing| standing.ended.iter_mut().find(|end| end.id == id));
                let end = end.ok_or_else(|| format!("attempt {} at {} has no end", id.attempt, id.case))?;
                (end.status, end.score) = match &verdict {
                    Verdict::Passed => (Status::Scored, score.or(Some(1.0))),
                    Verdict::Failed { .. } => (Status::Scored, score.or(Some(0.0))),
                    Verdict::Void { .. } => (Status::EvaluatorError, None),
                };
                end.why = verdict.why().map(str::to_owned);
                end.unasked = unasked.unwrap_or(end.unasked);
                end.source = source;
                self.rescored += 1;
                self.judge = judge.or(self.judge.take());
            }
        }
        Ok(())
    }
}

impl AttemptEnd {
    /// As a row of the suite's table.
    pub fn row(&self, header: &LedgerHeader, folder: &Path) -> CaseResult {
        let (template, seed) = template_and_seed(&self.id.case);
        let why = || self.why.clone().unwrap_or_default();
        let verdict = match (self.status, self.score) {
            (Status::Scored, Some(1.0)) => Verdict::Passed,
            (Status::Scored, _) => Verdict::Failed { why: why() },
            _ => Verdict::Void { why: why() },
        };
        CaseResult {
            template: template.to_owned(),
            group: header.groups.get(&self.id.case).cloned(),
            seed,
            case: self.id.case.clone(),
            repeat: self.id.repeat,
            attempt: self.id.attempt,
            status: Some(self.status),
            goal: self.goal.clone(),
            verdict,
            unasked: self.unasked,
            outcome: self.outcome.clone(),
            steps: self.steps,
            ms: self.ms,
            tokens_in: self.tokens_in,
            tokens_out: self.tokens_out,
            run: self.run.clone(),
            folder: folder.join(&self.run),
        }
    }
}

/// The template and the seed of a case's id.
pub(super) fn template_and_seed(case: &str) -> (&str, u64) {
    let (template, seed) = case.rsplit_once('/').unwrap_or((case, "0"));
    let seed = seed.split_once('#').map_or(seed, |(seed, _)| seed);
    (template, seed.parse().unwrap_or(0))
}

/// Whether it is the name of a folder beside the ledger. One that somebody sent could name any folder of the user's.
fn is_plain(name: &str) -> bool {
    let is_short = (1..=255).contains(&name.len()) && !name.starts_with('.');
    is_short && name.chars().all(suite::is_plain)
}

fn lock_file(folder: &Path) -> Result<FileLock, LedgerError> {
    let failed = |source| LedgerError::File { at: folder.to_owned(), source };
    refuse_links(folder, &[LOCK], &[]).map_err(failed)?;
    let lock = private().create(true).append(true).open(folder.join(LOCK)).map_err(failed)?;
    FileLock::try_take(lock).map_err(failed)?.ok_or_else(|| LedgerError::Busy { at: folder.to_owned() })
}

/// What a ledger says, how many lines that are, and the bytes of them: what follows is a torn line.
fn read(folder: &Path) -> Result<(LedgerRecords, u64, u64), LedgerError> {
    let at = folder.join(LEDGER);
    let failed = |source| LedgerError::File { at: folder.to_owned(), source };
    let bytes = file::read_bytes(&at, JOURNAL_BYTES_MAX).map_err(failed)?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    let mut records: Option<LedgerRecords> = None;
    let mut seq = 0;
    for (number, line) in bytes[..whole].split_inclusive(|byte| *byte == b'\n').enumerate() {
        let broken = |why: String| LedgerError::Broken { at: at.clone(), line: number + 1, why };
        let entry: LedgerEntry =
            serde_json::from_slice(line).map_err(|error| broken(format!("not a line of a ledger: {error}")))?;
        if entry.seq != seq {
            return Err(broken(format!("line {} of the ledger stands where line {seq} belongs", entry.seq)));
        }
        seq += 1;
        match (&mut records, entry.line) {
            (None, LedgerLine::Bench(header)) => {
                if header.version > VERSION {
                    let newer = format!("it is of version {}, and this program knows {VERSION}", header.version);
                    return Err(broken(newer));
                }
                let cases: BTreeSet<&String> = header.cases.iter().collect();
                if cases.len() != header.cases.len() || header.repeats == 0 {
                    return Err(broken("its cases are not told apart".to_owned()));
                }
                check_bounds(&header).map_err(broken)?;
                records = Some(LedgerRecords {
                    cases: header.cases.iter().cloned().collect(),
                    programs: BTreeSet::from([header.measurement.program.clone()]),
                    rigs: header.rigs.iter().cloned().collect(),
                    header: *header,
                    standings: BTreeMap::new(),
                    rescored: 0,
                    judge: None,
                    bytes: whole as u64,
                });
            }
            (None, _) => return Err(broken("a ledger begins with what is measured".to_owned())),
            (Some(records), line) => records.apply(line).map_err(broken)?,
        }
    }
    let nothing = || LedgerError::Broken { at: at.clone(), line: 1, why: "there is no whole line in it".to_owned() };
    Ok((records.ok_or_else(nothing)?, seq, whole as u64))
}

/// Whether what a ledger begins with is within what a measurement of ours can be. One that somebody sent is gone on with at one's own cost.
fn check_bounds(header: &LedgerHeader) -> Result<(), String> {
    let of = |what: &str, is: u64, most: u64| {
        if is > most { Err(format!("{what}: {is} is more than the {most} that there can be")) } else { Ok(()) }
    };
    of("repeats", u64::from(header.repeats), u64::from(REPEATS_MAX))?;
    of("cases", header.cases.len() as u64, CASES_MAX)?;
    of("cases to draw", header.measurement.selection.count, CASES_MAX)?;
    of("letters of a day", header.measurement.date.len() as u64, DATE_BYTES_MAX)
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
