//! Carries out what an [`Episode`] asks for, over the ports, and writes down all of it. It decides nothing.

mod offered;

use std::future::Future;
use std::io;
use std::time::Duration;

use tapwright_contract::api::{ApiError, Apis};
use tapwright_contract::device::{Driver, DriverErrorKind, Front, InstalledApp, Label, Screen};
use tapwright_contract::gesture::Gesture;
use tapwright_contract::model::{Model, Prompt};

use crate::calls::{ApiCall, ApiCatalog, with_texts};
use crate::clock::Clock;
use crate::episode::{EDITION, Episode, Setting};
use crate::event::{ActionResult, AppSearch, Effect, Event, Fault, Next, NoReply, ResumeTerms};
use crate::guard::Deed;
use crate::journal::{EffectLine, Entry, EventLine, Journal, Line, ResumePoint, Resumed, RunHeader, Step, VERSION};
use crate::limits::{Limits, clip};
use crate::millis;
use crate::outcome::{End, Outcome};
use crate::person::{Answer, Person, Question};
use crate::policy::Policy;
use crate::secrets::{self, ScreenTexts, Secrets, Veil};
use crate::step::Notice;
use crate::stop::Stop;
use offered::{Offer, OfferedApis};

/// As many apps of one name are told a run.
const APPS_MAX: usize = 20;
/// As many other names of one app.
const ALIASES_MAX: usize = 8;

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
pub async fn drive(mut setting: Setting, started: u64, mut ports: Ports<'_>) -> Result<End, DriveError> {
    setting.abilities = Some(ports.driver.abilities());
    forbid_by_id(&mut setting.policy, &setting.limits, &mut ports).await;
    let mut offered = OfferedApis::default();
    setting.apis = offered.begin(ports.apis, ports.secrets);
    let limits = setting.limits.clone();
    let header = RunHeader {
        run: ports.journal.run().to_owned(),
        device: ports.driver.name().to_owned(),
        model: ports.model.name().to_owned(),
        started,
        forked: None,
        setting: setting.clone(),
    };
    let mut shell = Shell::new(ports, limits, started, offered);
    let result = shell.begin(header, Episode::new(setting)).await;
    shell.journal_result(result)
}

/// Goes on with a run where it broke off, to its end. `at` is the time of day in milliseconds since 1970. A run that
/// has an end already, and only its last line was lost, gets that line and nothing else.
///
/// # Errors
/// `DriveError` if the record cannot be written.
///
/// # Panics
/// If it has an end that stands, and that is written down.
pub async fn resume(mut point: ResumePoint, limits: Limits, at: u64, mut ports: Ports<'_>) -> Result<End, DriveError> {
    // What somebody else's record allows itself counts for the ports as it does for the loop.
    let limits = match &point.limited {
        Some(lower) => limits.lower(lower),
        None => limits,
    };
    if let Some(policy) = &mut point.restricted {
        forbid_by_id(policy, &limits, &mut ports).await;
    }
    let mut shell = Shell::new(ports, limits, at, OfferedApis::default());
    shell.seen = point.seen.clone();
    shell.veil = std::mem::take(&mut point.veil);
    shell.veil.after_break(point.seen.as_ref().map(|seen| &seen.picture));
    let result = shell.go_on(point).await;
    shell.journal_result(result)
}

/// Forbids by their ids the apps that are forbidden by another name: what is touched is known by its id, and by what the device
/// calls it only where it tells.
async fn forbid_by_id(policy: &mut Policy, limits: &Limits, ports: &mut Ports<'_>) {
    let Ports { driver, clock, stop, .. } = ports;
    if !driver.abilities().app_names {
        return;
    }
    let begun = clock.elapsed();
    for name in policy.apps_forbidden.clone() {
        let left = (limits.look + limits.grace).saturating_sub(clock.elapsed().saturating_sub(begun));
        match race(stop, *clock, left, driver.find_app(&name, left)).await {
            Race::Won(Ok(apps)) => policy.forbid(apps.into_iter().map(|app| app.id)),
            Race::Won(Err(error)) if matches!(error.kind, DriverErrorKind::NoSuchApp { .. }) => {}
            // Launching asks again, and the first look meets whatever is the matter.
            Race::Won(Err(_)) | Race::Late | Race::Stopped => {
                tracing::debug!(name, "the device did not tell which app it is that is forbidden");
                return;
            }
        }
    }
}

struct Shell<'a> {
    ports: Ports<'a>,
    limits: Limits,
    /// When this process took the run up, in milliseconds since 1970.
    at: u64,
    spent: StepCost,
    /// What a person is shown when asked.
    seen: Option<Screen>,
    /// What is written there, if it was read since.
    labels: Option<Vec<Label>>,
    /// Covers typed secrets in what is seen.
    veil: Veil,
    offered: OfferedApis,
    reached: Option<Outcome>,
}

/// What the present step has cost.
#[derive(Default)]
struct StepCost {
    look: Duration,
    think: Duration,
    ask: Duration,
    act: Duration,
    tokens_in: u32,
    tokens_out: u32,
}

impl<'a> Shell<'a> {
    fn new(ports: Ports<'a>, limits: Limits, at: u64, offered: OfferedApis) -> Shell<'a> {
        let (spent, veil) = (StepCost::default(), Veil::default());
        Shell { ports, limits, at, spent, seen: None, labels: None, veil, offered, reached: None }
    }
}

impl Shell<'_> {
    async fn begin(&mut self, header: RunHeader, episode: Episode) -> io::Result<End> {
        self.note(Line::Run(Box::new(header))).await?;
        self.ports.journal.flush().await?;
        self.run(episode, Event::Began).await
    }

    async fn go_on(&mut self, point: ResumePoint) -> io::Result<End> {
        let ResumePoint { episode, next, written, notices, restricted, limited, .. } = point;
        for notice in notices {
            self.note_notice(notice).await?;
        }
        let now = self.offered.begin(self.ports.apis, self.ports.secrets);
        let apis = (episode.apis().as_ref() != Some(&now)).then_some(now);
        let terms = ResumeTerms { edition: Some(EDITION), policy: restricted, limits: limited, apis };
        if let Some(Next::End(end)) = next {
            if !written {
                self.journal_end(&end).await?;
            }
            if !end.outcome.can_go_on() {
                assert!(!written, "a run that has ended does not go on");
                return Ok(end);
            }
            self.reached = None;
            return self.run(episode, Event::Resumed { begun: true, terms }).await;
        }
        self.run(episode, Event::Resumed { begun: written, terms }).await
    }

    async fn journal_end(&mut self, end: &End) -> io::Result<()> {
        tracing::info!(outcome = end.outcome.id(), steps = end.steps, "the run is over");
        self.reached = Some(end.outcome.clone());
        self.note(Line::End(end.clone())).await?;
        self.ports.journal.flush().await
    }

    fn journal_result(self, result: io::Result<End>) -> Result<End, DriveError> {
        result.map_err(|source| DriveError::Journal {
            run: self.ports.journal.run().to_owned(),
            reached: self.reached.map(Box::new),
            source,
        })
    }

    async fn run(&mut self, mut episode: Episode, mut event: Event) -> io::Result<End> {
        loop {
            self.note_event(&event).await?;
            let next = episode.on(event);
            for notice in episode.notices() {
                self.note_notice(notice).await?;
            }
            let effect = match next {
                Next::Do(effect) => effect,
                Next::End(end) => {
                    self.journal_end(&end).await?;
                    return Ok(end);
                }
            };
            self.note(Line::Effect(EffectLine::of(&effect))).await?;
            if matches!(effect, Effect::Act(_) | Effect::Ask(_)) {
                self.ports.journal.flush().await?; // No record, no action.
            }
            let before = self.ports.clock.elapsed();
            event = self.carry_out(&effect).await;
            let took = self.ports.clock.elapsed().saturating_sub(before);
            self.spent.add(&effect, took);
        }
    }

    async fn carry_out(&mut self, effect: &Effect) -> Event {
        match effect {
            Effect::Look => self.look().await,
            Effect::Read => self.read().await,
            Effect::FindApp(name) => self.find_app(name).await,
            Effect::Think(prompt) => self.think(prompt).await,
            Effect::Ask(question) => self.ask(question).await,
            Effect::Act(vetted) => match vetted.deed() {
                Deed::Gesture(gesture) => self.perform(gesture).await,
                Deed::Api(call) => self.call(call).await,
            },
            Effect::Pause(time) => {
                let Ports { stop, clock, .. } = &mut self.ports;
                match race(stop, *clock, *time, std::future::pending::<()>()).await {
                    Race::Stopped => Event::Stopped,
                    Race::Late | Race::Won(()) => Event::Rested,
                }
            }
        }
    }

    async fn look(&mut self) -> Event {
        let Shell { ports, limits, veil, offered, .. } = self;
        let Ports { driver, apis, secrets, clock, stop, .. } = ports;
        let bytes_max = limits.remark_bytes;
        // Where secrets were typed there are two questions, and one deadline: a screen that moves may take all of its time.
        let within = if veil.is_drawn() { limits.look / 2 } else { limits.look };
        let begun = clock.elapsed();
        let seen = match race(stop, *clock, within + limits.grace, driver.screen(within)).await {
            Race::Stopped => return Event::Stopped,
            Race::Late => return Event::Unseen(Fault::TimedOut { tries: overdue("driver") }),
            Race::Won(Ok(screen)) => screen,
            Race::Won(Err(error)) => {
                tracing::debug!(%error, "nothing was seen");
                return Event::Unseen(Fault::new(error.kind, usize::MAX).without(secrets, bytes_max));
            }
        };
        if let Some(apis) = offered.changes(*apis, secrets) {
            return Event::OfferedApis(apis);
        }
        // Before anybody sees it: the journal, the model, a person.
        let screen = if veil.wants_labels(&seen) {
            let left = (limits.look + limits.grace).saturating_sub(clock.elapsed().saturating_sub(begun));
            let labels = match race(stop, *clock, left, driver.labels(left)).await {
                Race::Stopped => return Event::Stopped,
                Race::Late => Err(()),
                Race::Won(labels) => labels.map_err(|error| tracing::debug!(%error, "the texts cannot be had")),
            };
            let written = match &labels {
                Ok(Some(labels)) => ScreenTexts::Here(labels),
                Ok(None) => ScreenTexts::Untold,
                Err(()) => ScreenTexts::Unknown,
            };
            veil.over(seen, written, secrets)
        } else {
            seen
        };
        let screen = bound_names(screen, secrets, bytes_max);
        (self.seen, self.labels) = (Some(screen.clone()), None);
        Event::Saw(screen)
    }

    async fn read(&mut self) -> Event {
        let Shell { ports, limits, .. } = self;
        let Ports { driver, secrets, clock, stop, .. } = ports;
        let labels = match race(stop, *clock, limits.look + limits.grace, driver.labels(limits.look)).await {
            Race::Stopped => return Event::Stopped,
            Race::Late => None,
            Race::Won(Ok(labels)) => labels,
            Race::Won(Err(error)) => {
                tracing::debug!(%error, "the device does not tell what is written");
                None
            }
        };
        let labels = match labels {
            Some(labels) => bounded_labels(labels, secrets, limits).await,
            None => None,
        };
        self.labels.clone_from(&labels);
        Event::Read(labels)
    }

    async fn find_app(&mut self, name: &str) -> Event {
        let Shell { ports, limits, .. } = self;
        let Ports { driver, secrets, clock, stop, .. } = ports;
        let bytes_max = limits.remark_bytes;
        let search = match race(stop, *clock, limits.look + limits.grace, driver.find_app(name, limits.look)).await {
            Race::Stopped => return Event::Stopped,
            Race::Late => AppSearch::Failed(Fault::TimedOut { tries: overdue("driver") }),
            Race::Won(Ok(mut apps)) => {
                apps.truncate(APPS_MAX);
                apps.iter_mut().for_each(|app| app.aliases.truncate(ALIASES_MAX));
                for app in &mut apps {
                    let InstalledApp { id, label, aliases } = app;
                    for name in [id, label].into_iter().chain(aliases) {
                        *name = secrets.redact_within(name, bytes_max);
                    }
                }
                AppSearch::Found(apps)
            }
            Race::Won(Err(error)) => {
                tracing::debug!(%error, "the device does not tell which app a name stands for");
                AppSearch::Failed(Fault::new(error.kind, usize::MAX).without(secrets, bytes_max))
            }
        };
        Event::FoundApp(search)
    }

    async fn think(&mut self, prompt: &Prompt) -> Event {
        let Shell { ports, limits, .. } = self;
        let Ports { model, secrets, clock, stop, .. } = ports;
        let within = limits.think;
        match race(stop, *clock, within + limits.grace, model.reply(prompt, within)).await {
            Race::Stopped => Event::Stopped,
            Race::Late => Event::Silent(NoReply { why: overdue("model"), may_pass: true, retry_after_ms: None }),
            Race::Won(Ok(mut reply)) => {
                let fits = clip(&reply.text, limits.reply_bytes).len();
                reply.cut |= fits < reply.text.len();
                // Another app may have shown it: what the model read there is written down by its name only.
                reply.text = secrets.redact_within(&reply.text, limits.reply_bytes);
                Event::Heard(reply)
            }
            Race::Won(Err(error)) => {
                tracing::debug!(%error, "the model did not answer");
                Event::Silent(NoReply::new(&error, secrets, limits.remark_bytes))
            }
        }
    }

    async fn ask(&mut self, question: &Question) -> Event {
        let Shell { ports, limits, seen, .. } = self;
        let Ports { person, secrets, clock, stop, .. } = ports;
        match race(stop, *clock, limits.ask, person.ask(question, seen.as_ref())).await {
            Race::Stopped => Event::Stopped,
            Race::Late => Event::Answered(Answer::Nobody),
            Race::Won(Answer::Choice(words)) => {
                Event::Answered(Answer::Choice(secrets.redact_within(&words, limits.remark_bytes)))
            }
            Race::Won(answer) => Event::Answered(answer),
        }
    }

    async fn perform(&mut self, gesture: &Gesture) -> Event {
        let Shell { ports, limits, seen, labels, veil, .. } = self;
        let Ports { driver, secrets, clock, stop, .. } = ports;
        let bytes_max = limits.remark_bytes;
        let is_secret = gesture.text().is_some_and(|text| !secrets::names(text).is_empty());
        let revealed = match is_secret {
            false => None,
            true => {
                let Some(seen) = seen else { return Event::Acted(ActionResult::Failed(Fault::Stale)) };
                match reveal(gesture, secrets) {
                    Ok(revealed) => {
                        veil.before_typing(seen, labels.as_deref());
                        Some(revealed)
                    }
                    Err(name) => {
                        let why = format!("the secret {name:?} is not configured");
                        let why = clip(&why, bytes_max).to_owned();
                        return Event::Acted(ActionResult::Failed(Fault::Refused { why }));
                    }
                }
            }
        };
        let performing = driver.perform(revealed.as_ref().unwrap_or(gesture), limits.act);
        match race(stop, *clock, limits.act + limits.grace, performing).await {
            Race::Stopped => Event::Stopped,
            Race::Late => Event::Acted(ActionResult::Failed(Fault::TimedOut { tries: overdue("driver") })),
            Race::Won(Ok(())) => Event::Acted(ActionResult::Done),
            // Neither here nor in a log: an error can quote what was to be typed, in whatever form and in parts.
            Race::Won(Err(error)) if is_secret => {
                tracing::debug!(operation = error.operation, "the device did not type a secret");
                Event::Acted(ActionResult::Failed(Fault::without_words(error.kind)))
            }
            Race::Won(Err(error)) => {
                tracing::debug!(%error, "the device did not do it");
                let fault = Fault::new(error.kind, usize::MAX).without(secrets, bytes_max);
                Event::Acted(ActionResult::Failed(fault))
            }
        }
    }

    async fn call(&mut self, call: &ApiCall) -> Event {
        let Shell { ports, limits, offered, .. } = self;
        let Ports { apis, secrets, clock, stop, .. } = ports;
        let bytes_max = limits.remark_bytes;
        let call = call.clone().named_in(&ApiCatalog::of(&apis.specs()));
        match offered.offer(&call.name, *apis, secrets) {
            Offer::Stands => {}
            Offer::Gone => return Event::Acted(ActionResult::NoApi),
            Offer::Changed => {
                let why = "the API has become another one in between; look at what it is for now".to_owned();
                return Event::Acted(ActionResult::Failed(Fault::Refused { why }));
            }
        }
        let revealed = match with_texts(&call.arguments, &mut |text| secrets.reveal(text)) {
            Ok(revealed) => revealed,
            Err(name) => {
                let why = clip(&format!("the secret {name:?} is not configured"), bytes_max).to_owned();
                return Event::Acted(ActionResult::Failed(Fault::Refused { why }));
            }
        };
        let calling = apis.call(&call.name, &revealed, limits.act);
        Event::Acted(match race(stop, *clock, limits.act + limits.grace, calling).await {
            Race::Stopped => return Event::Stopped,
            Race::Late => ActionResult::Failed(Fault::TimedOut { tries: overdue("API") }),
            Race::Won(Ok(text)) => {
                ActionResult::Told { text: secrets.redact_within(&text, bytes_max.max(limits.result_bytes)) }
            }
            Race::Won(Err(ApiError::Unknown)) => ActionResult::NoApi,
            // It may quote what it was given.
            Race::Won(Err(error)) => ActionResult::Failed(Fault::from(&error).without(secrets, bytes_max)),
        })
    }

    async fn note_event(&mut self, event: &Event) -> io::Result<()> {
        let line = match event {
            Event::Began => EventLine::Began,
            Event::Saw(screen) => EventLine::Saw {
                picture: self.ports.journal.add_picture(&screen.picture).await?,
                size: screen.id,
                front: screen.front.clone(),
            },
            Event::Unseen(fault) => EventLine::Unseen(fault.clone()),
            Event::OfferedApis(apis) => EventLine::OfferedApis(apis.clone()),
            Event::Read(labels) => EventLine::Read(labels.clone()),
            Event::FoundApp(search) => EventLine::FoundApp(search.clone()),
            Event::Heard(reply) => {
                self.spent.tokens_in = self.spent.tokens_in.saturating_add(reply.tokens_in);
                self.spent.tokens_out = self.spent.tokens_out.saturating_add(reply.tokens_out);
                EventLine::Heard(reply.clone())
            }
            Event::Silent(silence) => EventLine::Silent(silence.clone()),
            Event::Answered(answer) => EventLine::Answered(answer.clone()),
            Event::Acted(result) => EventLine::Acted(result.clone()),
            Event::Rested => EventLine::Rested,
            Event::Stopped => EventLine::Stopped,
            Event::Resumed { begun, terms } => EventLine::Resumed(Resumed {
                version: VERSION,
                at: self.at,
                device: self.ports.driver.name().to_owned(),
                model: self.ports.model.name().to_owned(),
                begun: *begun,
                edition: terms.edition,
                policy: terms.policy.clone(),
                limits: terms.limits.clone(),
                apis: terms.apis.clone(),
            }),
        };
        self.note(Line::Event(line)).await?;
        if matches!(event, Event::Acted(_) | Event::Answered(_) | Event::Resumed { .. }) {
            self.ports.journal.flush().await?; // What was done is not done again.
        }
        Ok(())
    }

    async fn note_notice(&mut self, notice: Notice) -> io::Result<()> {
        match notice {
            Notice::Decided(decided) => {
                tracing::debug!(step = decided.step, action = decided.action, "the model has decided");
                self.note(Line::Decided(decided)).await
            }
            Notice::StepOver(over) => {
                let spent = std::mem::take(&mut self.spent);
                let step = Step {
                    decided: over.decided,
                    result: over.result,
                    summary: over.summary,
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
                self.note(Line::Step(step)).await
            }
        }
    }

    async fn note(&mut self, line: Line) -> io::Result<()> {
        let ms = millis::whole(self.ports.clock.elapsed());
        let entry = self.ports.journal.append(ms, line).await?;
        (self.ports.watch)(&entry);
        Ok(())
    }
}

impl StepCost {
    fn add(&mut self, effect: &Effect, took: Duration) {
        match effect {
            Effect::Look | Effect::Read | Effect::FindApp(_) => self.look += took,
            Effect::Think(_) => self.think += took,
            Effect::Ask(_) => self.ask += took,
            Effect::Act(_) | Effect::Pause(_) => self.act += took,
        }
    }
}

/// What happened first.
enum Race<T> {
    /// Somebody stopped the run.
    Stopped,
    /// The port answered.
    Won(T),
    /// Its time was over.
    Late,
}

/// A future that loses is dropped, and with it whatever it was doing; once the run is stopped, it is not even begun.
async fn race<T>(
    stop: &mut Stop,
    clock: &dyn Clock,
    within: Duration,
    port: impl Future<Output = T> + Send,
) -> Race<T> {
    tokio::select! {
        biased;
        () = stop.stopped() => Race::Stopped,
        answer = port => Race::Won(answer),
        () = clock.sleep(within) => Race::Late,
    }
}

fn overdue(port: &str) -> String {
    format!("the {port} did not come back in time")
}

/// A gesture with the secrets in it, for the driver and nobody else; `Err` is a name that stands for nothing.
fn reveal(gesture: &Gesture, secrets: &Secrets) -> Result<Gesture, String> {
    Ok(match gesture {
        Gesture::Type { text } => Gesture::Type { text: secrets.reveal(text)? },
        Gesture::Insert { text } => Gesture::Insert { text: secrets.reveal(text)? },
        other => other.clone(),
    })
}

/// The labels without secrets; nothing if there are too many of them. A guard that were shown some would be blind to the rest and not
/// know it, and whoever fills a screen could choose what it sees.
async fn bounded_labels(mut labels: Vec<Label>, secrets: &Secrets, limits: &Limits) -> Option<Vec<Label>> {
    let bytes: usize = labels.iter().map(|label| label.text.len()).sum();
    let longest = labels.iter().map(|label| label.text.len()).max().unwrap_or(0);
    if labels.len() > limits.labels_max || longest > limits.label_bytes || bytes > limits.page_bytes {
        tracing::debug!(labels = labels.len(), bytes, "too much is written on the screen to be judged");
        return None;
    }
    if secrets.is_empty() {
        return Some(labels);
    }
    // Screens can hold much, and others wait for this thread.
    let secrets = secrets.clone();
    tokio::task::spawn_blocking(move || {
        for label in &mut labels {
            label.text = secrets.redact(&label.text);
            label.value = label.value.as_deref().map(|value| secrets.redact(value));
        }
        labels
    })
    .await
    .ok()
}

/// The names of an app come from a device and can be of any length; and what it calls itself, an app can choose by what was typed into it.
fn bound_names(mut screen: Screen, secrets: &Secrets, bytes_max: usize) -> Screen {
    let Front { id, label, aliases } = &mut screen.front;
    id.truncate(clip(id, bytes_max).len());
    *label = secrets.redact_within(label, bytes_max);
    aliases.truncate(ALIASES_MAX);
    for alias in aliases {
        *alias = secrets.redact_within(alias, bytes_max);
    }
    screen
}

#[cfg(test)]
mod tests {
    use tapwright_contract::device::Area;

    use super::*;

    /// What a field holds goes into records as its words do.
    #[test]
    fn what_a_field_holds_is_told_without_secrets() {
        let secret = secrets::SecretText::new("hunter2".to_owned()).expect("it is long enough");
        let secrets = Secrets::new([("word".to_owned(), secret)].into());
        let limits = Limits { label_bytes: 100, page_bytes: 100, ..crate::limits::small::limits() };
        let label = Label {
            text: "hunter2\nWord".to_owned(),
            area: Area { left: 0, top: 0, right: 1, bottom: 1 },
            touchable: true,
            focused: false,
            secret: false,
            app: None,
            role: None,
            value: Some("hunter2".to_owned()),
            is_on: None,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime can be built");
        let found = runtime.block_on(bounded_labels(vec![label], &secrets, &limits)).expect("it is little");
        assert_eq!(found[0].text, "{{secret:word}}\nWord");
        assert_eq!(found[0].value.as_deref(), Some("{{secret:word}}"));
    }

    /// A page of labels, each of so many bytes, as long as the guard may judge it.
    fn fits_guard(labels: usize, bytes: usize) -> bool {
        let limits = Limits { labels_max: 4, label_bytes: 10, page_bytes: 30, ..crate::limits::small::limits() };
        let area = Area { left: 0, top: 0, right: 1, bottom: 1 };
        let label = Label {
            text: "x".repeat(bytes),
            area,
            touchable: true,
            focused: false,
            secret: false,
            app: None,
            role: None,
            value: None,
            is_on: None,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime can be built");
        let found = runtime.block_on(bounded_labels(vec![label; labels], &Secrets::default(), &limits));
        found.is_some_and(|found| found.len() == labels)
    }

    #[test]
    fn a_page_that_is_too_long_to_be_judged_is_not_judged_in_part() {
        assert!(fits_guard(4, 7) && fits_guard(3, 10) && fits_guard(0, 0));
        assert!(!fits_guard(5, 1), "too many");
        assert!(!fits_guard(1, 11), "one is too long");
        assert!(!fits_guard(4, 8), "together they are too long");
    }
}
