//! Reads a journal back.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tapwright_contract::Picture;
use tapwright_contract::device::Screen;

use super::line::{EffectLine, Entry, EventLine, Facts, Line, VERSION};
use super::picture::{decode, digest};
use crate::episode::Episode;
use crate::event::{Effect, Event, Next};
use crate::outcome::End;

/// A run as it was written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What the run was to do.
    pub facts: Facts,
    /// All lines, the first one included.
    pub entries: Vec<Entry>,
    /// Whether the last line was torn, and left out: the writer was killed, or the disk was full.
    pub torn: bool,
    folder: PathBuf,
}

/// Why a journal cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// There is none there, or it may not be read.
    #[error("no journal can be read at {}", .at.display())]
    Unreadable { at: PathBuf, source: io::Error },
    /// The run was killed before it began, or this is something else.
    #[error("{} does not begin as a journal does", .at.display())]
    NoJournal { at: PathBuf },
    /// Another version of the program wrote it.
    #[error("{} has version {version}, and this program reads {VERSION}", .at.display())]
    Version { at: PathBuf, version: u64 },
    /// Somebody changed it.
    #[error("{}:{line}: not a line of a journal", .at.display())]
    Broken { at: PathBuf, line: usize, source: Option<serde_json::Error> },
}

/// Why a record does not follow from its own events.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// A picture is missing, or not the one that was seen.
    #[error("line {seq}: the picture cannot be had")]
    Picture { seq: u64, source: io::Error },
    /// The loop would have done something else.
    #[error("line {seq}: it says {written}, and the loop would have said {expected}")]
    Differs { seq: u64, written: String, expected: String },
}

impl Record {
    /// Reads the journal in a run's folder.
    ///
    /// # Errors
    /// `RecordError`, but not for a torn last line: what was written before it stands.
    pub fn read(folder: &Path) -> Result<Record, RecordError> {
        let at = folder.join("journal.jsonl");
        let bytes = fs::read(&at).map_err(|source| RecordError::Unreadable { at: at.clone(), source })?;
        let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
        // What follows the last newline is nothing, or torn.
        let mut torn = lines.pop().is_some_and(|rest| !rest.is_empty());
        let [first, ..] = lines[..] else { return Err(RecordError::NoJournal { at }) };
        #[derive(Deserialize)]
        struct Version {
            version: u64,
        }
        match serde_json::from_slice::<Version>(first) {
            Ok(Version { version }) if version == u64::from(VERSION) => {}
            Ok(Version { version }) => return Err(RecordError::Version { at, version }),
            Err(_) => return Err(RecordError::NoJournal { at }),
        }
        let mut entries: Vec<Entry> = Vec::with_capacity(lines.len());
        for (n, line) in lines.iter().enumerate() {
            let broken = |source| RecordError::Broken { at: at.clone(), line: n + 1, source };
            match serde_json::from_slice::<Entry>(line) {
                Ok(entry) if entry.seq == n as u64 => entries.push(entry),
                Ok(_) => return Err(broken(None)),
                // A file system can leave zeros where a line was to be.
                Err(_) if n + 1 == lines.len() && n > 0 && !torn => torn = true,
                Err(source) => return Err(broken(Some(source))),
            }
        }
        match entries.first() {
            Some(Entry { line: Line::Run(facts), .. }) => {
                Ok(Record { facts: facts.as_ref().clone(), entries, torn, folder: folder.to_owned() })
            }
            _ => Err(RecordError::NoJournal { at }),
        }
    }

    /// How the run ended, if it did.
    pub fn end(&self) -> Option<&End> {
        self.entries.iter().rev().find_map(|entry| match &entry.line {
            Line::End(end) => Some(end),
            _ => None,
        })
    }

    /// The file of a picture.
    pub fn picture_file(&self, digest: &str) -> PathBuf {
        self.folder.join("pictures").join(format!("{digest}.png"))
    }

    /// A picture that was seen.
    ///
    /// # Errors
    /// If its file cannot be read, or is not what its name says.
    pub fn picture(&self, name: &str) -> io::Result<Picture> {
        if name.len() != 64 || !name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a digest"));
        }
        let png = fs::read(self.picture_file(name))?;
        if digest(&png) != name {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the file is not what its name says"));
        }
        decode(&png)
    }

    /// Gives the events to a fresh loop and calls `each` with what was asked for and what happened, in order: prompts
    /// with their pictures too. Everything that was written must follow from the events before it.
    ///
    /// # Errors
    /// `ReplayError` at the first line that does not.
    pub fn replay(&self, mut each: impl FnMut(Option<&Effect>, &Event)) -> Result<(), ReplayError> {
        let mut episode = Episode::new(self.facts.setting.clone());
        let mut next: Option<Next> = None;
        let mut effect_written = false;
        for Entry { seq, line, .. } in &self.entries {
            let differs = |expected: String| ReplayError::Differs {
                seq: *seq,
                written: serde_json::to_string(line).unwrap_or_default(),
                expected,
            };
            match (line, &next) {
                (Line::Effect(written), Some(Next::Do(effect))) if !effect_written => {
                    let expected = EffectLine::of(effect);
                    if *written != expected {
                        return Err(differs(format!("{expected:?}")));
                    }
                    effect_written = true;
                }
                (Line::End(written), Some(Next::End(end))) if written == end => {}
                (Line::Effect(_) | Line::End(_), next) => return Err(differs(format!("{next:?}"))),
                (Line::Event(written), _) => {
                    let event = self.event(written).map_err(|source| ReplayError::Picture { seq: *seq, source })?;
                    let effect = match &next {
                        None => None,
                        Some(Next::Do(effect)) => Some(effect),
                        Some(Next::End(_)) => return Err(differs("nothing".to_owned())),
                    };
                    let fits = event.answers(effect) && (effect_written || effect.is_none());
                    if !fits {
                        return Err(differs(format!("what answers {:?}", effect.map(EffectLine::of))));
                    }
                    each(effect, &event);
                    next = Some(episode.on(event));
                    effect_written = false;
                }
                (Line::Run(_) | Line::Decided(_) | Line::Step(_), _) => {}
            }
        }
        Ok(())
    }

    fn event(&self, line: &EventLine) -> io::Result<Event> {
        Ok(match line.clone() {
            EventLine::Began => Event::Began,
            EventLine::Saw { picture, front, .. } => Event::Saw(Screen { picture: self.picture(&picture)?, front }),
            EventLine::Unseen(fault) => Event::Unseen(fault),
            EventLine::Read(labels) => Event::Read(labels),
            EventLine::Heard(reply) => Event::Heard(reply),
            EventLine::Silent(silence) => Event::Silent(silence),
            EventLine::Answered(answer) => Event::Answered(answer),
            EventLine::Acted(came) => Event::Acted(came),
            EventLine::Rested => Event::Rested,
            EventLine::Stopped => Event::Stopped,
        })
    }
}
