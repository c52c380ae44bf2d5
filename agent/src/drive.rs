//! Carries out what an [`Episode`] asks for, over the ports, and writes down all of it. It decides nothing.

use std::future::Future;
use std::io;
use std::time::Duration;

use tapwright_contract::device::{Driver, Label, Screen};
use tapwright_contract::gesture::Gesture;
use tapwright_contract::model::Model;

use crate::apis;
use crate::clock::Clock;
use crate::episode::{Episode, Notice, Setting};
use crate::event::{ActionResult, Effect, Event, Fault, Next, NoReply};
use crate::guard::Deed;
use crate::journal::{EffectLine, Entry, EventLine, Journal, Line, ResumePoint, Resumed, RunHeader, Step, VERSION};
use crate::limits::{Limits, clip};
use crate::millis;
use crate::outcome::{End, Outcome};
use crate::person::{Answer, Person};
use crate::policy::Policy;
use crate::secrets::{self, Secrets, Veil, Written};
use crate::stop::Stop;
use tapwright_contract::api::{ApiError, Apis};

/// The outside of a run.
pub struct Ports<'a> {
    /// Sees and touches the device.
    pub driver: &'a mut dyn Driver,
    /// Answers prompts.
    pub model: &'a mut dyn Model,
    /// Answers questions.
    pub person: &'a mut dyn Person,
    /// Carries out what needs no screen.
    pub apis: &'a mut dyn Apis,
    /// What is put in where the model writes a secret's name. It goes to the driver, and nowhere else.
    pub secrets: &'a Secrets,
    /// Keeps the record.
    pub journal: &'a mut Journal,
    /// Knows the time.
    pub clock: &'a dyn Clock,
    /// Stops the run.
    pub stop: Stop,
    /// Sees every line once it is written.
    pub watch: &'a mut (dyn FnMut(&Entry) + Send),
}

/// Why a run has no outcome. Whatever happens to the device or the model is an outcome.
#[derive(Debug, thiserror::Error)]
pub enum DriveError {
    /// The record cannot be written, so nothing more was done. `reached` is the end of the run if only that could
    /// not be written down.
    #[error("run {run}: the journal cannot be written, so nothing more is done")]
    Journal { run: String, reached: Option<Box<Outcome>>, source: io::Error },
}

/// Runs one goal on one device, to its end. `started` is the time of day in milliseconds since 1970, for the record.
///
/// # Errors
/// `DriveError` if the record cannot be written.
pub async fn drive(setting: Setting, started: u64, ports: Ports<'_>) -> Result<End, DriveError> {
    let limits = setting.limits.clone();
    let facts = RunHeader {
        run: ports.journal.run().to_owned(),
        device: ports.driver.name().to_owned(),
        model: ports.model.name().to_owned(),
        started,
        forked: None,
        setting: setting.clone(),
    };
    let mut shell = Shell {
        ports,
        limits,
        at: started,
        spent: Spent::default(),
        seen: None,
        veil: Veil::default(),
        restricted: None,
        reached: None,
    };
    let result = shell.begin(facts, Episode::new(setting)).await;
    shell.told(result)
}

/// Goes on with a run where it broke off, to its end. `at` is the time of day in milliseconds since 1970. A run that
/// has an end already, and only its last line was lost, gets that line and nothing else.
///
/// # Errors
/// `DriveError` if the record cannot be written.
///
/// # Panics
/// If it has an end that stands, and that is written down.
pub async fn resume(mut stand: ResumePoint, limits: Limits, at: u64, ports: Ports<'_>) -> Result<End, DriveError> {
    let seen = stand.seen.clone();
    let veil = std::mem::take(&mut stand.veil);
    let restricted = stand.restricted.take();
    let mut shell = Shell { ports, limits, at, spent: Spent::default(), seen, veil, restricted, reached: None };
    let result = shell.go_on(stand).await;
    shell.told(result)
}

struct Shell<'a> {
    ports: Ports<'a>,
    limits: Limits,
    /// When this process took the run up, in milliseconds since 1970.
    at: u64,
    spent: Spent,
    /// What a person is shown when asked.
    seen: Option<Screen>,
    /// Covers typed secrets in what is seen.
    veil: Veil,
    /// The policy that the run goes on by, if it is another one than before.
    restricted: Option<Box<Policy>>,
    reached: Option<Outcome>,
}

/// What the present step has cost.
#[derive(Default)]
struct Spent {
    look: Duration,
    think: Duration,
    ask: Duration,
    act: Duration,
    tokens_in: u32,
    tokens_out: u32,
}

impl Shell<'_> {
    async fn begin(&mut self, facts: RunHeader, episode: Episode) -> io::Result<End> {
        self.note(Line::Run(Box::new(facts)))?;
        self.ports.journal.sync()?;
        self.run(episode, Event::Began).await
    }

    async fn go_on(&mut self, stand: ResumePoint) -> io::Result<End> {
        let ResumePoint { mut episode, next, written, news, .. } = stand;
        for news in news {
            self.note_news(news)?;
        }
        if let Some(Next::End(end)) = next {
            if !written {
                self.ended(&end)?;
            }
            if !end.outcome.can_go_on() {
                assert!(!written, "a run that has ended does not go on");
                return Ok(end);
            }
            self.reached = None;
            self.restricted.iter().for_each(|policy| episode.restrict(policy.as_ref().clone()));
            return self.run(episode, Event::Resumed { begun: true }).await;
        }
        self.restricted.iter().for_each(|policy| episode.restrict(policy.as_ref().clone()));
        self.run(episode, Event::Resumed { begun: written }).await
    }

    fn ended(&mut self, end: &End) -> io::Result<()> {
        tracing::info!(outcome = end.outcome.id(), steps = end.steps, "the run is over");
        self.reached = Some(end.outcome.clone());
        self.note(Line::End(end.clone()))?;
        self.ports.journal.sync()
    }

    fn told(self, result: io::Result<End>) -> Result<End, DriveError> {
        result.map_err(|source| DriveError::Journal {
            run: self.ports.journal.run().to_owned(),
            reached: self.reached.map(Box::new),
            source,
        })
    }

    async fn run(&mut self, mut episode: Episode, mut event: Event) -> io::Result<End> {
        loop {
            self.note_event(&event)?;
            let next = episode.on(event);
            for news in episode.news() {
                self.note_news(news)?;
            }
            let effect = match next {
                Next::Do(effect) => effect,
                Next::End(end) => {
                    self.ended(&end)?;
                    return Ok(end);
                }
            };
            self.note(Line::Effect(EffectLine::of(&effect)))?;
            if matches!(effect, Effect::Act(_) | Effect::Ask(_)) {
                self.ports.journal.sync()?; // No record, no action.
            }
            let before = self.ports.clock.elapsed();
            event = self.carry_out(&effect).await;
            let took = self.ports.clock.elapsed().saturating_sub(before);
            self.spent.add(&effect, took);
        }
    }

    async fn carry_out(&mut self, effect: &Effect) -> Event {
        let Shell { ports, limits, seen, veil, .. } = self;
        let Ports { driver, model, person, apis, secrets, clock, stop, .. } = ports;
        let bytes_max = limits.remark_bytes;
        let overdue = |port: &str| format!("the {port} did not come back in time");
        match effect {
            Effect::Look => {
                let within = limits.look;
                let looking = async {
                    match driver.screen(within).await {
                        Ok(screen) => {
                            // Before anybody sees it: the journal, the model, a person.
                            let labels = match veil.wants_labels(&screen) {
                                true => driver.labels(within).await,
                                false => Ok(None),
                            };
                            let written = match &labels {
                                Ok(Some(labels)) => Written::Here(labels),
                                Ok(None) => Written::Untold,
                                Err(_) => Written::Unknown,
                            };
                            Event::Saw(bounded(veil.over(screen, written, secrets), bytes_max))
                        }
                        Err(error) => {
                            tracing::debug!(%error, "nothing was seen");
                            Event::Unseen(Fault::new(error.kind, usize::MAX).without(secrets, bytes_max))
                        }
                    }
                };
                let late = Event::Unseen(Fault::TimedOut { tries: overdue("driver") });
                let event = race(stop, *clock, within + limits.grace, late, looking).await;
                if let Event::Saw(screen) = &event {
                    *seen = Some(screen.clone());
                }
                event
            }
            Effect::Read => {
                let within = limits.look;
                let reading = async {
                    Event::Read(match driver.labels(within).await {
                        Ok(labels) => labels.and_then(|labels| bounded_labels(labels, secrets)),
                        Err(error) => {
                            tracing::debug!(%error, "the device does not tell what is written");
                            None
                        }
                    })
                };
                race(stop, *clock, within + limits.grace, Event::Read(None), reading).await
            }
            Effect::Think(prompt) => {
                let within = limits.think;
                let thinking = async {
                    match model.reply(prompt, within).await {
                        Ok(mut reply) => {
                            let fits = clip(&reply.text, limits.reply_bytes).len();
                            reply.cut |= fits < reply.text.len();
                            reply.text.truncate(fits);
                            Event::Heard(reply)
                        }
                        Err(error) => {
                            tracing::debug!(%error, "the model did not answer");
                            Event::Silent(NoReply::new(&error, bytes_max))
                        }
                    }
                };
                let late = Event::Silent(NoReply { why: overdue("model"), may_pass: true, retry_after_ms: None });
                race(stop, *clock, within + limits.grace, late, thinking).await
            }
            Effect::Ask(question) => {
                let asking = async {
                    Event::Answered(match person.ask(question, seen.as_ref()).await {
                        Answer::Choice(words) => Answer::Choice(secrets.redact_within(&words, bytes_max)),
                        answer => answer,
                    })
                };
                race(stop, *clock, limits.ask, Event::Answered(Answer::Nobody), asking).await
            }
            Effect::Act(vetted) => {
                let within = limits.act;
                let acting = async {
                    Event::Acted(match vetted.deed() {
                        Deed::Gesture(Gesture::Type { text }) if !secrets::names(text).is_empty() => {
                            type_secret(*driver, text, secrets, veil, seen.as_ref(), within, bytes_max).await
                        }
                        Deed::Gesture(gesture) => match driver.perform(gesture, within).await {
                            Ok(()) => ActionResult::Done,
                            Err(error) => {
                                tracing::debug!(%error, "the device did not do it");
                                ActionResult::Failed(Fault::new(error.kind, usize::MAX).without(secrets, bytes_max))
                            }
                        },
                        Deed::Api { instruction } => match apis.call(instruction, within).await {
                            Ok(text) => {
                                let text = secrets.redact_within(&text, bytes_max.max(limits.result_bytes));
                                ActionResult::Told { text }
                            }
                            Err(ApiError::Unknown) => ActionResult::NoApi,
                            // It may quote what it was given.
                            Err(error) => {
                                ActionResult::Failed(apis::fault(&error, usize::MAX).without(secrets, bytes_max))
                            }
                        },
                    })
                };
                let port = match vetted.deed() {
                    Deed::Gesture(_) => "driver",
                    Deed::Api { .. } => "API",
                };
                let late = Event::Acted(ActionResult::Failed(Fault::TimedOut { tries: overdue(port) }));
                race(stop, *clock, within + limits.grace, late, acting).await
            }
            Effect::Pause(time) => race(stop, *clock, *time, Event::Rested, std::future::pending()).await,
        }
    }

    fn note_event(&mut self, event: &Event) -> io::Result<()> {
        let line = match event {
            Event::Began => EventLine::Began,
            Event::Saw(screen) => EventLine::Saw {
                picture: self.ports.journal.picture(&screen.picture)?,
                size: screen.id,
                front: screen.front.clone(),
            },
            Event::Unseen(fault) => EventLine::Unseen(fault.clone()),
            Event::Read(labels) => EventLine::Read(labels.clone()),
            Event::Heard(reply) => {
                self.spent.tokens_in = self.spent.tokens_in.saturating_add(reply.tokens_in);
                self.spent.tokens_out = self.spent.tokens_out.saturating_add(reply.tokens_out);
                EventLine::Heard(reply.clone())
            }
            Event::Silent(silence) => EventLine::Silent(silence.clone()),
            Event::Answered(answer) => EventLine::Answered(answer.clone()),
            Event::Acted(came) => EventLine::Acted(came.clone()),
            Event::Rested => EventLine::Rested,
            Event::Stopped => EventLine::Stopped,
            Event::Resumed { begun } => EventLine::Resumed(Resumed {
                version: VERSION,
                at: self.at,
                device: self.ports.driver.name().to_owned(),
                model: self.ports.model.name().to_owned(),
                begun: *begun,
                policy: self.restricted.take(),
            }),
        };
        self.note(Line::Event(line))?;
        if matches!(event, Event::Acted(_) | Event::Answered(_) | Event::Resumed { .. }) {
            self.ports.journal.sync()?; // What was done is not done again.
        }
        Ok(())
    }

    fn note_news(&mut self, news: Notice) -> io::Result<()> {
        match news {
            Notice::Decided(decided) => {
                tracing::debug!(step = decided.step, action = decided.action, "the model has decided");
                self.note(Line::Decided(decided))
            }
            Notice::StepOver(settled) => {
                let spent = std::mem::take(&mut self.spent);
                let step = Step {
                    decided: settled.decided,
                    came: settled.came,
                    look_ms: millis::whole(spent.look),
                    think_ms: millis::whole(spent.think),
                    ask_ms: millis::whole(spent.ask),
                    act_ms: millis::whole(spent.act),
                    tokens_in: spent.tokens_in,
                    tokens_out: spent.tokens_out,
                };
                tracing::info!(
                    step = step.decided.step,
                    look_ms = step.look_ms,
                    think_ms = step.think_ms,
                    act_ms = step.act_ms,
                    "a step is over"
                );
                self.note(Line::Step(step))
            }
        }
    }

    fn note(&mut self, line: Line) -> io::Result<()> {
        let ms = millis::whole(self.ports.clock.elapsed());
        let entry = self.ports.journal.write(ms, line)?;
        (self.ports.watch)(&entry);
        Ok(())
    }
}

impl Spent {
    fn add(&mut self, effect: &Effect, took: Duration) {
        match effect {
            Effect::Look | Effect::Read => self.look += took,
            Effect::Think(_) => self.think += took,
            Effect::Ask(_) => self.ask += took,
            Effect::Act(_) | Effect::Pause(_) => self.act += took,
        }
    }
}

/// What happens first. A future that loses is dropped, and with it whatever it was doing; once the run is stopped, it
/// is not even begun.
async fn race(
    stop: &mut Stop,
    clock: &dyn Clock,
    within: Duration,
    late: Event,
    port: impl Future<Output = Event> + Send,
) -> Event {
    tokio::select! {
        biased;
        () = stop.stopped() => Event::Stopped,
        event = port => event,
        () = clock.sleep(within) => late,
    }
}

/// Types what the names in a text stand for. What comes back is told without it.
async fn type_secret(
    driver: &mut dyn Driver,
    text: &str,
    secrets: &Secrets,
    veil: &mut Veil,
    seen: Option<&Screen>,
    within: Duration,
    bytes_max: usize,
) -> ActionResult {
    let revealed = match secrets.reveal(text) {
        Ok(revealed) => revealed,
        Err(name) => {
            let why = format!("nobody has said what the secret {name:?} is");
            return ActionResult::Failed(Fault::Refused { why: clip(&why, bytes_max).to_owned() });
        }
    };
    let Some(seen) = seen else { return ActionResult::Failed(Fault::Stale) };
    // The model took its time: what is in front by now may be another app than the one that may have the secret.
    match driver.screen(within).await {
        Ok(now) if now.front.id == seen.front.id && now.picture.size() == seen.picture.size() => {}
        Ok(_) => return ActionResult::Failed(Fault::Stale),
        Err(error) => return ActionResult::Failed(Fault::new(error.kind, bytes_max)),
    }
    let labels = driver.labels(within).await.unwrap_or_default();
    veil.typed(seen, labels.as_deref());
    match driver.perform(&Gesture::Type { text: revealed }, within).await {
        Ok(()) => ActionResult::Done,
        Err(error) => {
            // Neither here nor in a log: an error can quote what was to be typed, in whatever form and in parts.
            tracing::debug!(operation = error.operation, "the device did not type a secret");
            ActionResult::Failed(Fault::without_words(error.kind))
        }
    }
}

/// Labels of a screen, and bytes of one of them, that are looked at.
const LABELS_MAX: usize = 2000;
const LABEL_BYTES_MAX: usize = 8 << 10;

/// The labels without secrets; nothing if there are too many of them. A guard that were shown some would be blind to the rest and not
/// know it, and whoever fills a screen could choose what it sees.
fn bounded_labels(mut labels: Vec<Label>, secrets: &Secrets) -> Option<Vec<Label>> {
    if labels.len() > LABELS_MAX || labels.iter().any(|label| label.text.len() > LABEL_BYTES_MAX) {
        return None;
    }
    for label in &mut labels {
        label.text = secrets.redact(&label.text);
    }
    Some(labels)
}

/// The names of an app come from a device and can be of any length.
fn bounded(mut screen: Screen, bytes_max: usize) -> Screen {
    for name in [&mut screen.front.id, &mut screen.front.label] {
        name.truncate(clip(name, bytes_max).len());
    }
    screen
}
