//! What an import has gathered: records, the pictures beside them, and what was left out and why.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use super::super::rules::{RuleSet, StepAction};
use super::super::validity::check_record;
use super::super::{OfflineError, OfflineRecord, RECORDS, RECORDS_MAX, Target};
use super::ownership::RECORDS_DIGEST;
use super::{ImportOptions, ImportReport, PARTS, RECORDS_REPLACED};

/// An episode's name is a folder's here, and a part of the records' names.
const EPISODE_NAME_MAX: usize = 100;
/// What an import writes beside the episodes; the third while the first is written.
const OWN_NAMES: [&str; 5] = [RECORDS, RECORDS_REPLACED, "records.part", PARTS, RECORDS_DIGEST];
/// So many reasons are told apart. They hold words of the files, which may be anything.
const REASONS_MAX: usize = 50;
/// Of what is faulty so much is told in words.
pub const FAULTS_MAX: usize = 20;
/// Letters of one.
pub const WHY_MAX: usize = 600;
const PNG_START: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
const PNG_END: &[u8] = b"\0\0\0\0IEND\xaeB`\x82";

/// Why something was not read.
#[derive(Debug)]
pub enum Fault {
    /// What stands in the file is wrong. With `skip_faulty` the rest is read all the same.
    Content(String),
    /// Nothing more can be read or written.
    Fatal(OfflineError),
}

impl From<OfflineError> for Fault {
    /// What cannot be read is fatal; what stands in it is not.
    fn from(error: OfflineError) -> Fault {
        match error {
            OfflineError::Content { why, .. } => Fault::Content(why),
            OfflineError::Line { line, why, .. } => Fault::Content(format!("line {line}: {why}")),
            OfflineError::Entry { entry, why, .. } => Fault::Content(format!("entry {entry}: {why}")),
            error @ (OfflineError::File { .. }
            | OfflineError::Unwritten { .. }
            | OfflineError::Record { .. }
            | OfflineError::Occupied { .. }
            | OfflineError::ForeignRecords { .. }
            | OfflineError::Busy { .. }
            | OfflineError::Unfit(_)) => Fault::Fatal(error),
        }
    }
}

impl From<String> for Fault {
    fn from(why: String) -> Fault {
        Fault::Content(why)
    }
}

/// Whether an episode is one of those that are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Episode {
    Wanted,
    LeftOut,
}

/// A step that has no record yet. Only such a one gets a picture: that of a step which is there twice would lie under the first one's record.
pub struct VacantStep<'a> {
    episode: &'a str,
    step: usize,
    id: String,
}

/// A step of an episode, but for what is right there.
pub struct StepRecord<'a> {
    pub place: VacantStep<'a>,
    pub question: &'a str,
    /// Below the folder of the records.
    pub image: PathBuf,
    pub group: Option<&'a str>,
}

/// What has come of one file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    pub records: Vec<OfflineRecord>,
    /// Those that begin in it.
    pub episodes: Vec<String>,
    pub left_out: BTreeMap<String, usize>,
    pub faults: Vec<String>,
    pub fault_count: usize,
}

/// What a file had come to before something more of it was read.
pub struct Mark {
    records: usize,
    episodes: usize,
    left_out: BTreeMap<String, usize>,
}

/// All that was gathered. Of earlier files it keeps names alone.
pub struct Collection<'a> {
    pub options: &'a ImportOptions,
    folder: &'a Path,
    /// The episodes that a list names.
    listed: Option<BTreeSet<String>>,
    ids: BTreeSet<String>,
    report: ImportReport,
    episodes: BTreeSet<String>,
    batch: Batch,
    /// Pictures that may not be on the disk yet.
    pictures: Vec<PathBuf>,
}

impl<'a> Collection<'a> {
    pub fn new(
        options: &'a ImportOptions,
        folder: &'a Path,
        listed: Option<BTreeSet<String>>,
        report: ImportReport,
    ) -> Collection<'a> {
        let (ids, episodes, batch) = (BTreeSet::new(), BTreeSet::new(), Batch::default());
        Collection { options, folder, listed, ids, report, episodes, batch, pictures: Vec::new() }
    }

    /// Whether an episode is asked for. Nothing is done about one that is not.
    pub fn wants(&mut self, episode: &str) -> Result<Episode, Fault> {
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
        if episode.is_empty()
            || episode.len() > EPISODE_NAME_MAX
            || episode.starts_with('.')
            || !episode.chars().all(is_plain)
        {
            let why = "should be of at most 100 letters, digits, and - _ . within";
            return Err(Fault::Content(format!("the episode's name {:?} {why}", start(episode, EPISODE_NAME_MAX))));
        }
        if OWN_NAMES.iter().any(|name| name.eq_ignore_ascii_case(episode)) {
            let why = "is that of a file that the import itself writes";
            return Err(Fault::Content(format!("the episode's name {episode:?} {why}")));
        }
        if self.listed.as_ref().is_some_and(|listed| !listed.contains(episode)) {
            self.leave_out("an episode that the list of --splits does not name".to_owned());
            return Ok(Episode::LeftOut);
        }
        if !self.episodes.contains(episode) {
            if self.has_episodes() {
                self.leave_out("behind the first --episodes".to_owned());
                return Ok(Episode::LeftOut);
            }
            self.episodes.insert(episode.to_owned());
            self.batch.episodes.push(episode.to_owned());
        }
        Ok(Episode::Wanted)
    }

    /// Whether there are as many episodes as were asked for.
    pub fn has_episodes(&self) -> bool {
        self.options.episodes_max.is_some_and(|most| self.episodes.len() >= most)
    }

    /// Whether there are as many records as were asked for.
    pub fn is_full(&self) -> bool {
        self.options.records_max.is_some_and(|most| self.ids.len() >= most)
    }

    pub fn records(&self) -> usize {
        self.ids.len()
    }

    /// Counts what is read, but makes no record.
    pub fn leave_out(&mut self, reason: String) {
        let reasons = &mut self.batch.left_out;
        let is_known = reasons.contains_key(&reason) || reasons.len() < REASONS_MAX;
        *reasons.entry(if is_known { reason } else { "other reasons".to_owned() }).or_default() += 1;
    }

    /// A place for the record of a step.
    pub fn vacant<'b>(&self, episode: &'b str, step: usize) -> Result<VacantStep<'b>, Fault> {
        let id = format!("{episode}-{step}");
        if self.ids.contains(&id) {
            let why = "is there twice: parts of a set that name their episodes alike go into a folder each";
            return Err(Fault::Content(format!("episode {episode}, step {step} {why}")));
        }
        if self.ids.len() >= RECORDS_MAX {
            let why = format!(
                "there are more than {RECORDS_MAX} steps: take some of them, by --splits, --episodes or --limit"
            );
            return Err(Fault::Fatal(OfflineError::Content { at: self.folder.to_owned(), why }));
        }
        Ok(VacantStep { episode, step, id })
    }

    /// Writes the picture of a step, which is a PNG file's bytes, and says its name.
    pub fn png(&mut self, place: &VacantStep<'_>, bytes: &[u8], size: [i64; 2]) -> Result<PathBuf, Fault> {
        let VacantStep { episode, step, .. } = place;
        let side = |at: usize| bytes.get(at..at + 4).and_then(|side| side.try_into().ok()).map(u32::from_be_bytes);
        let found = (side(16), side(20));
        if !bytes.starts_with(PNG_START) || !bytes.ends_with(PNG_END) {
            return Err(Fault::Content(format!(
                "episode {episode}, step {step}: its screenshot is no whole PNG picture"
            )));
        }
        if found != (u32::try_from(size[0]).ok(), u32::try_from(size[1]).ok()) {
            let [width, height] = size;
            return Err(Fault::Content(format!(
                "episode {episode}, step {step}: its screenshot is {} x {}, and said to be {width} x {height}",
                found.0.unwrap_or_default(),
                found.1.unwrap_or_default(),
            )));
        }
        self.picture(place, |file| file.write_all(bytes))
    }

    /// Writes the picture of a step into a new file, and says its name.
    pub fn picture(
        &mut self,
        place: &VacantStep<'_>,
        write: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> Result<PathBuf, Fault> {
        let image = Path::new(place.episode).join(format!("{}.png", place.step));
        let at = self.folder.join(&image);
        let written = || -> io::Result<()> {
            // Records of an import before this one would ask old questions about new pictures, if this one breaks off.
            rename_if_there(&self.folder.join(RECORDS), &self.folder.join(RECORDS_REPLACED))?;
            fs::create_dir_all(self.folder.join(place.episode))?;
            // It may be a link, or a file that only allows to be read.
            remove_if_there(&at)?;
            write(&mut File::create_new(&at)?)
        };
        written().map_err(|error| Fault::Fatal(OfflineError::unwritten(&at)(error)))?;
        self.pictures.push(at);
        Ok(image)
    }

    /// Adds a record.
    pub fn add(
        &mut self,
        step: StepRecord<'_>,
        rules: RuleSet,
        action: StepAction,
        boxes: Vec<[f64; 4]>,
    ) -> Result<(), Fault> {
        let StepRecord { place: VacantStep { episode, step, id }, question, image, group } = step;
        let record = OfflineRecord {
            id,
            image,
            question: question.to_owned(),
            kind: Some(action.name().to_owned()),
            target: Target::Step { rules, action, boxes },
            group: group.map(str::to_owned),
            episode: Some(episode.to_owned()),
        };
        check_record(&record).map_err(|why| format!("episode {episode}, step {step}: {why}"))?;
        assert!(self.ids.insert(record.id.clone()), "a step became two records");
        self.batch.records.push(record);
        Ok(())
    }

    /// What this file has come to now, so that what turns out to be faulty can be taken back.
    pub fn mark(&self) -> Mark {
        let Batch { records, episodes, left_out, .. } = &self.batch;
        Mark { records: records.len(), episodes: episodes.len(), left_out: left_out.clone() }
    }

    /// Takes back what was added since, and counts it as faulty; or gives the fault back, if it is not to be passed over.
    pub fn skip(&mut self, mark: Mark, fault: Fault, place: impl Fn(&str) -> OfflineError) -> Result<(), OfflineError> {
        let error = match fault {
            Fault::Fatal(error) => return Err(error),
            // It may hold words of the file, which may be long.
            Fault::Content(why) => place(start(&why, WHY_MAX)),
        };
        if !self.options.skip_faulty {
            return Err(error);
        }
        for record in self.batch.records.drain(mark.records..) {
            self.ids.remove(&record.id);
        }
        for episode in self.batch.episodes.drain(mark.episodes..) {
            self.episodes.remove(&episode);
        }
        self.batch.left_out = mark.left_out;
        self.batch.fault_count += 1;
        if self.batch.faults.len() < FAULTS_MAX {
            self.batch.faults.push(error.to_string());
        }
        Ok(())
    }

    /// What has come of the file that was read. Its pictures are on the disk, as what is kept of it soon is: a loss of power would leave records
    /// of empty ones otherwise.
    pub fn take(&mut self) -> Result<Batch, OfflineError> {
        for at in self.pictures.drain(..) {
            let kept = OpenOptions::new().write(true).open(&at).and_then(|file| file.sync_all());
            kept.map_err(OfflineError::unwritten(&at))?;
        }
        let batch = std::mem::take(&mut self.batch);
        self.count(&batch);
        Ok(batch)
    }

    /// Takes over what has come of a file before.
    pub fn replay(&mut self, batch: &Batch) {
        self.ids.extend(batch.records.iter().map(|record| record.id.clone()));
        self.episodes.extend(batch.episodes.iter().cloned());
        self.count(batch);
    }

    fn count(&mut self, batch: &Batch) {
        for (reason, count) in &batch.left_out {
            *self.report.left_out.entry(reason.clone()).or_default() += count;
        }
        self.report.fault_count += batch.fault_count;
        let room = FAULTS_MAX.saturating_sub(self.report.faults.len());
        self.report.faults.extend(batch.faults.iter().take(room).cloned());
    }

    /// What it was in all.
    pub fn report(self) -> ImportReport {
        ImportReport { records: self.ids.len(), episodes: self.episodes.len(), ..self.report }
    }
}

/// The first letters of a text that may be long.
pub fn start(text: &str, letters: usize) -> &str {
    text.char_indices().nth(letters).map_or(text, |(end, _)| &text[..end])
}

/// Takes a file away.
pub fn remove_if_there(at: &Path) -> io::Result<()> {
    if_there(fs::remove_file(at))
}

fn rename_if_there(from: &Path, to: &Path) -> io::Result<()> {
    if_there(fs::rename(from, to))
}

fn if_there(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        done => done,
    }
}
