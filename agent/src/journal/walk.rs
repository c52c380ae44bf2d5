//! Gives what was written down to a fresh loop: to see whether all of it follows, and to find out where a run stands.

use std::collections::VecDeque;
use std::io;

use tapwright_contract::Picture;
use tapwright_contract::device::{Label, Screen};

use super::line::{EffectLine, Entry, EventLine, Line, Resumed, Step};
use super::record::Record;
use crate::episode::Episode;
use crate::event::{Effect, Event, Next, ResumeTerms};
use crate::limits::Limits;
use crate::outcome::End;
use crate::policy::Policy;
use crate::secrets::{ScreenTexts, Secrets, Veil};
use crate::step::{Notice, StepOver, StepResult};

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

/// Where a run stands after all that was written down.
pub struct ResumePoint {
    pub(crate) episode: Episode,
    /// What comes next; nothing if not even the beginning was written.
    pub(crate) next: Option<Next>,
    /// Whether that was written down too.
    pub(crate) written: bool,
    /// What was news after the last event, and was not written.
    pub(crate) notices: VecDeque<Notice>,
    /// What was seen last.
    pub(crate) seen: Option<Screen>,
    /// What is written there, if it was read.
    labels: Option<Vec<Label>>,
    /// Covers the secrets that were typed before, in what is seen from now on.
    pub(crate) veil: Veil,
    /// The policy that holds from here on, if it is another one than before.
    pub(crate) restricted: Option<Box<Policy>>,
    /// The limits that hold from here on, if they are others than before.
    pub(crate) limited: Option<Box<Limits>>,
}

impl ResumePoint {
    /// Has the run go on by this policy, which is at least as strict as the one before: see [`Policy::stricter`].
    pub fn restrict(&mut self, policy: Policy) {
        self.restricted = Some(Box::new(policy));
    }

    /// Has the run go on under these limits, none of which is higher than before: see [`Limits::lower`].
    pub fn limit(&mut self, limits: Limits) {
        self.limited = Some(Box::new(limits));
    }

    /// The end of the run, if it has one that stands, or one that waits for somebody to resume it.
    pub fn end(&self) -> Option<&End> {
        match &self.next {
            Some(Next::End(end)) => Some(end),
            Some(Next::Do(_)) | None => None,
        }
    }

    fn differs(&self, entry: &Entry) -> Result<(), ReplayError> {
        let expected = match (self.notices.front(), &self.next) {
            (Some(notice), _) => format!("{notice:?}"),
            (None, Some(Next::Do(effect))) if self.written => format!("what answers {:?}", EffectLine::of(effect)),
            (None, Some(Next::Do(effect))) => format!("{:?}", EffectLine::of(effect)),
            (None, Some(Next::End(_))) if self.written => "nothing".to_owned(),
            (None, Some(Next::End(end))) => format!("{end:?}"),
            (None, None) => "that it began".to_owned(),
        };
        let written = serde_json::to_string(&entry.line).unwrap_or_default();
        Err(ReplayError::Differs { seq: entry.seq, written, expected })
    }

    /// Takes the next line.
    fn line(
        &mut self,
        entry: &Entry,
        pictures: &mut Pictures<'_>,
        each: &mut impl FnMut(Option<&Effect>, &Event),
    ) -> Result<(), ReplayError> {
        match (&entry.line, &self.next, self.written) {
            (Line::Run(_), ..) => {}
            (Line::Decided(written), ..) => match self.notices.pop_front() {
                Some(Notice::Decided(decided)) if decided == *written => {}
                notice => {
                    self.notices.extend(notice);
                    return self.differs(entry);
                }
            },
            (Line::Step(written), ..) => match self.notices.pop_front() {
                Some(Notice::StepOver(over)) if is_this(&over, written) => {}
                notice => {
                    self.notices.extend(notice);
                    return self.differs(entry);
                }
            },
            (Line::Effect(written), Some(Next::Do(effect)), false) if *written == EffectLine::of(effect) => {
                self.written = true;
                if let EffectLine::Act(deed) = written
                    && deed.has_secret()
                    && let Some(screen) = &self.seen
                {
                    self.veil.before_typing(screen, self.labels.as_deref());
                }
            }
            (Line::End(written), Some(Next::End(end)), false) if written == end => self.written = true,
            (Line::Effect(_) | Line::End(_), ..) => return self.differs(entry),
            (Line::Event(line), next, written) => {
                let event = pictures.event(line).map_err(|source| ReplayError::Picture { seq: entry.seq, source })?;
                let effect = match next {
                    Some(Next::Do(effect)) => Some(effect),
                    Some(Next::End(_)) | None => None,
                };
                let fits = match (&event, next) {
                    (Event::Resumed { begun, .. }, Some(Next::End(end))) => {
                        *begun && written && end.outcome.can_go_on()
                    }
                    (Event::Resumed { begun, .. }, _) => *begun == written,
                    (_, Some(Next::End(_))) => false,
                    (event, _) => event.answers(effect) && (written || effect.is_none()),
                };
                if !fits {
                    return self.differs(entry);
                }
                each(effect, &event);
                match &event {
                    Event::Saw(screen) => {
                        if self.veil.wants_labels(screen) {
                            // Where a secret appeared, if that was not known before: it is covered there already.
                            self.veil.over(screen.clone(), ScreenTexts::Untold, &Secrets::default());
                        }
                        (self.seen, self.labels) = (Some(screen.clone()), None);
                    }
                    Event::Read(labels) => self.labels.clone_from(labels),
                    _ => {}
                }
                self.next = Some(self.episode.on(event));
                self.notices = self.episode.notices().into();
                self.written = false;
            }
        }
        Ok(())
    }
}

impl Record {
    /// Gives the events to a fresh loop and calls `each` with what was asked for and what happened, in order: prompts
    /// with their pictures too. Everything that was written must follow from the events before it.
    ///
    /// # Errors
    /// `ReplayError` at the first line that does not.
    pub fn replay(&self, mut each: impl FnMut(Option<&Effect>, &Event)) -> Result<(), ReplayError> {
        self.walk(&mut each).map(drop)
    }

    /// Where the run stands. What was seen last and did not reach the disk is left out of the record: it is seen
    /// again. That can only be after the last deed, as all that comes before a deed is on the disk.
    ///
    /// # Errors
    /// `ReplayError` if nobody can tell.
    pub fn stand(&mut self) -> Result<ResumePoint, ReplayError> {
        match self.walk(&mut |_, _| ()) {
            Err(ReplayError::Picture { seq, .. }) if !self.is_on_the_disk(seq) => {
                self.cut(seq);
                self.walk(&mut |_, _| ())
            }
            stand => stand,
        }
    }

    /// Whether something was synced after this line.
    fn is_on_the_disk(&self, seq: u64) -> bool {
        self.entries.iter().skip_while(|entry| entry.seq < seq).any(|entry| {
            matches!(
                entry.line,
                Line::Effect(EffectLine::Act(_) | EffectLine::Ask(_))
                    | Line::Event(EventLine::Acted(_) | EventLine::Answered(_) | EventLine::Resumed(_))
                    | Line::End(_)
            )
        })
    }

    fn walk(&self, each: &mut impl FnMut(Option<&Effect>, &Event)) -> Result<ResumePoint, ReplayError> {
        let mut stand = ResumePoint {
            episode: Episode::new(self.facts.setting.clone()),
            next: None,
            written: false,
            notices: VecDeque::new(),
            seen: None,
            labels: None,
            veil: Veil::default(),
            restricted: None,
            limited: None,
        };
        let mut pictures = Pictures { record: self, latest: None };
        for entry in &self.entries {
            stand.line(entry, &mut pictures, each)?;
        }
        Ok(stand)
    }
}

/// Whether a step was written down as it is told now. Versions 1 and 2 wrote the sentence only.
fn is_this(over: &StepOver, written: &Step) -> bool {
    over.decided == written.decided
        && over.summary == written.summary
        && [over.result, StepResult::of_summary(&over.summary)].contains(&written.result)
}

/// Reads pictures; screens often stay as they are.
struct Pictures<'a> {
    record: &'a Record,
    latest: Option<(String, Picture)>,
}

impl Pictures<'_> {
    fn read(&mut self, name: &str) -> io::Result<Picture> {
        if let Some((latest, picture)) = &self.latest
            && latest == name
        {
            return Ok(picture.clone());
        }
        let picture = self.record.picture(name)?;
        self.latest = Some((name.to_owned(), picture.clone()));
        Ok(picture)
    }

    fn event(&mut self, line: &EventLine) -> io::Result<Event> {
        Ok(match line.clone() {
            EventLine::Began => Event::Began,
            EventLine::Saw { picture, size: id, front } => {
                Event::Saw(Screen { picture: self.read(&picture)?, front, id })
            }
            EventLine::Unseen(fault) => Event::Unseen(fault),
            EventLine::OfferedApis(apis) => Event::OfferedApis(apis),
            EventLine::Read(labels) => Event::Read(labels),
            EventLine::FoundApp(search) => Event::FoundApp(search),
            EventLine::Heard(reply) => Event::Heard(reply),
            EventLine::Silent(silence) => Event::Silent(silence),
            EventLine::Answered(answer) => Event::Answered(answer),
            EventLine::Acted(came) => Event::Acted(came),
            EventLine::Rested => Event::Rested,
            EventLine::Stopped => Event::Stopped,
            EventLine::Resumed(resumed) => {
                let Resumed { edition, policy, limits, apis, .. } = resumed;
                let terms = ResumeTerms { edition, policy, limits, apis };
                Event::Resumed { begun: resumed.begun, terms }
            }
        })
    }
}
