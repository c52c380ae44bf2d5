//! Looks at the screen until it is at rest, and makes sure that the picture, the app in front and the touches that follow are
//! of one moment and of one display.

use std::time::Duration;

use tapwright_contract::device::{DriverErrorKind, Front, Screen};
use tapwright_contract::{Picture, Size};
use tokio::time::Instant;

use super::displays::{self, Fit};
use super::parse::screencap::{self, Screenshot};
use super::parse::window::{self, LockState, Windows};
use super::shell::Shell;
use super::wire::Link;
use super::{Android, ProtectedRenderer, no_link_error};
use crate::deadline::Deadline;
use crate::still::{self, Rest, Sketch, still};

/// So many pictures in a row that cannot be read are the answer.
const BAD_MAX: u32 = 3;
/// How long a device whose last answer was bad may take to show that it is there.
const STILL_THERE: Duration = Duration::from_secs(1);
/// What is in front is asked for at most so long: a picture without it is better than none.
const FRONT_PATIENCE: Duration = Duration::from_secs(3);
/// How often a screen is looked at again because another app came to the front meanwhile.
const FRONTS_MAX: u32 = 3;
/// How many pictures in a row may be of another display than the touched one.
const OTHERS_MAX: u32 = 3;
/// How many may be turned otherwise, and the time between them: the picture and the window manager do not turn at once.
const TURNING_MAX: u32 = 20;
const TURNING_PAUSE: Duration = Duration::from_millis(100);

/// What keeps a picture from showing anything, in words.
enum CaptureBlocked {
    Off(String),
    Protected(String),
}

/// What one look saw.
pub(crate) struct Observation {
    shot: Screenshot,
    /// Decoded already, if anybody needed that.
    picture: Option<Picture>,
    taken: Instant,
    windows: Windows,
    /// What was in front before the picture was asked for.
    front_before: Option<String>,
    fit: Fit,
}

impl Observation {
    async fn decode(&mut self) -> Result<&Picture, DriverErrorKind> {
        if self.picture.is_none() {
            self.picture = Some(decode_shot(&self.shot).await?);
        }
        Ok(self.picture.as_ref().expect("it was put there"))
    }
}

impl still::Camera for Android {
    type Look = Observation;

    async fn look(&mut self, deadline: Deadline) -> Result<Observation, DriverErrorKind> {
        let (mut bad, mut others) = (0, 0);
        loop {
            let began = Instant::now();
            let kind = match self.observe(deadline).await {
                Ok(observation) => match self.is_of_the_touched_display(&observation, others, deadline).await? {
                    true => return Ok(observation),
                    false => {
                        others += 1;
                        continue;
                    }
                },
                Err(kind @ DriverErrorKind::TimedOut { .. }) => return Err(kind),
                Err(kind) => kind,
            };
            self.there(deadline).await?;
            bad += 1;
            if let DriverErrorKind::Hidden { .. } = kind
                && let Some(CaptureBlocked::Protected(why) | CaptureBlocked::Off(why)) =
                    self.capture_block(deadline).await
            {
                return Err(DriverErrorKind::Hidden { why });
            }
            if !kind.is_retryable() || bad >= BAD_MAX {
                return Err(kind);
            }
            tracing::debug!(%kind, "takes another picture");
            deadline.rest_until(began + self.options.settle.apart).await;
        }
    }

    fn taken_at(look: &Observation) -> Instant {
        look.taken
    }

    fn is_same(one: &Observation, other: &Observation) -> bool {
        one.shot == other.shot
    }

    async fn sketch(look: &mut Observation) -> Result<Sketch, DriverErrorKind> {
        // Two bars' worth would hide a search field; the clock is in the upper half of the bar.
        let (size, bar) = (look.shot.size, look.shot.size.height / 20);
        if let Some(rgba) = look.shot.rgba() {
            return Ok(Sketch::of(rgba, size, bar));
        }
        let picture = look.decode().await?;
        Ok(Sketch::of(picture.rgba(), picture.size(), bar))
    }
}

impl Android {
    /// Waits until the screen is at rest or the time is up, and returns what is on it. A phone that is dark or locked is
    /// woken once if that is wanted; what cannot be seen even then is `Hidden`.
    pub(super) async fn settled_screen(&mut self, deadline: Deadline) -> Result<Screen, DriverErrorKind> {
        self.ensure_link(deadline).await?;
        self.refresh_display(deadline).await?;
        let mut seen = self.still(deadline).await?;
        if self.options.wake && seen.windows.lock.is_some() {
            self.open_up(deadline).await?;
            self.refresh_display(deadline).await?;
            seen = self.still(deadline).await?;
        }
        let hidden = |why: &str| Err(DriverErrorKind::Hidden { why: why.to_owned() });
        match seen.windows.lock {
            None => {}
            Some(LockState::Dark) => return hidden("the display is off"),
            Some(LockState::Locked { secret: true }) => {
                return hidden("the phone is locked, and only a person can unlock it");
            }
            Some(LockState::Locked { secret: false }) => return hidden("the phone is locked"),
        }
        if seen.windows.contradicts_itself {
            return hidden(
                "what the phone tells of its windows contradicts itself, as it does when the title of a window imitates the \
                 system's own lines, so nobody can tell which app is in front: close the app that is open",
            );
        }
        seen.decode().await?;
        let Observation { picture, windows, fit, .. } = seen;
        let mut picture = picture.expect("it was decoded");
        // Before a protected window or a dark screen is shown to anybody as a picture.
        if screencap::black(&picture) {
            match (self.capture_block(deadline).await, self.render_protected) {
                (None, _) => {}
                (Some(CaptureBlocked::Protected(why)), Some(render)) => {
                    picture = self.render_labels(render, picture.size(), why, deadline).await?;
                }
                (Some(CaptureBlocked::Protected(why) | CaptureBlocked::Off(why)), _) => {
                    return Err(DriverErrorKind::Hidden { why });
                }
            }
        }
        if let Fit::Scaled(size) = fit {
            picture = displays::scaled(picture, size);
        }
        let id = self.display.identify(picture.size(), windows.rotation);
        self.memory.mark_returned();
        let front =
            Front { label: self.apps.label_of(&windows.front).to_owned(), id: windows.front, aliases: Vec::new() };
        Ok(Screen { picture, front, id })
    }

    /// Waits for the screen to rest, and until what is in front before, with and after the last picture is one app: else the
    /// name of one app would stand at the picture of another, and the policy goes by the name.
    async fn still(&mut self, deadline: Deadline) -> Result<Observation, DriverErrorKind> {
        self.front_seen = None;
        for tried in 1.. {
            // A copy, so that an abandoned wait leaves what was known.
            let mut memory = self.memory.clone();
            let settle = self.options.settle;
            let result = still(self, &mut memory, settle, deadline).await;
            self.memory = memory;
            let (mut seen, rest) = result?;
            self.rest = rest;
            let Android { link, shell, grep, display, .. } = self;
            let link = link.as_ref().ok_or_else(no_link_error)?;
            let patience = deadline.or_sooner(FRONT_PATIENCE);
            let after = match windows(shell, link, grep, display.number(), patience).await {
                Ok(after) => after,
                Err(lost @ DriverErrorKind::Lost { .. }) => return Err(lost),
                Err(_) => return Ok(seen),
            };
            let is_one = after.front == seen.windows.front
                && seen.front_before.as_ref().is_none_or(|before| *before == after.front);
            if is_one || tried == FRONTS_MAX || deadline.is_over() || rest == Rest::OutOfTime {
                // Whatever is touched next is touched in what is in front now.
                seen.windows.front = after.front;
                seen.windows.contradicts_itself |= after.contradicts_itself;
                return Ok(seen);
            }
            tracing::debug!(
                before = seen.windows.front,
                after = after.front,
                "another app has come to the front; looks again"
            );
        }
        unreachable!("the loop has no end but its returns")
    }

    /// Takes one picture, and asks what is in front while the device is busy with it.
    async fn observe(&mut self, deadline: Deadline) -> Result<Observation, DriverErrorKind> {
        let Android { link, shell, camera, grep, display, .. } = self;
        let link = link.as_ref().ok_or_else(no_link_error)?;
        let patience = deadline.or_sooner(FRONT_PATIENCE);
        let (shot, windows) = tokio::join!(
            deadline.hold("a picture", camera.take(link, display.panel())),
            windows(shell, link, grep, display.number(), patience)
        );
        let shot = shot?;
        let windows = windows.unwrap_or_else(|kind| {
            tracing::debug!(%kind, "does not know what is in front");
            Windows::default()
        });
        let taken = self.camera.captured_before.unwrap_or_else(Instant::now);
        let front_before = self.front_seen.replace(windows.front.clone());
        let fit = self.fit(&shot, &windows, deadline).await;
        Ok(Observation { shot, picture: None, taken, windows, front_before, fit })
    }

    /// Whether a picture is of the display that touches go to; if not, goes to the one that is on. `others` is how many were not.
    async fn is_of_the_touched_display(
        &mut self,
        seen: &Observation,
        others: u32,
        deadline: Deadline,
    ) -> Result<bool, DriverErrorKind> {
        let warned = seen.shot.is_of_any_display && self.display.panel().is_none();
        match seen.fit {
            _ if warned => {}
            Fit::Same => return Ok(true),
            // Some panels are finer than what touches are counted in, and such a phone need not have another display.
            Fit::Scaled(_) if self.display.was_asked() => return Ok(true),
            Fit::Scaled(_) | Fit::Other { .. } => {}
            Fit::Turned => {
                deadline.rest_until(Instant::now() + TURNING_PAUSE).await;
                let goes_on = others < TURNING_MAX;
                return if goes_on { Ok(false) } else { Err(displays::unfit(seen.shot.size, seen.fit)) };
            }
        }
        if others < OTHERS_MAX && self.find_display(&seen.windows, deadline).await? {
            return Ok(false);
        }
        let is_scaled = !warned && matches!(seen.fit, Fit::Scaled(_));
        if is_scaled { Ok(true) } else { Err(displays::unfit(seen.shot.size, seen.fit)) }
    }

    /// The app in front now.
    pub(super) async fn front(&mut self, deadline: Deadline) -> Result<Front, DriverErrorKind> {
        let Android { link, shell, grep, display, apps, .. } = self;
        let link = link.as_ref().ok_or_else(no_link_error)?;
        let front = windows(shell, link, grep, display.number(), deadline).await?.front;
        Ok(Front { label: apps.label_of(&front).to_owned(), id: front, aliases: Vec::new() })
    }

    /// Turns the display on and asks the lock screen to go, which one that wants a secret does not.
    async fn open_up(&mut self, deadline: Deadline) -> Result<(), DriverErrorKind> {
        tracing::debug!("wakes the phone");
        self.command("input keyevent 224", deadline).await?;
        let link = self.link.as_ref().ok_or_else(no_link_error)?;
        if self.shell.run(link, "wm dismiss-keyguard", deadline).await?.status != 0 {
            self.command("input keyevent 82", deadline).await?; // Before Android 8 the menu key does it.
        }
        self.memory.touch();
        Ok(())
    }

    /// Tells the end of a device from a bad answer of one that is still there: when a device goes, an adb server, and a
    /// daemon that shuts down in order, end its streams as if it had nothing more to say.
    pub(super) async fn there(&mut self, deadline: Deadline) -> Result<(), DriverErrorKind> {
        // The first try may only find that the shell which was open has ended too.
        for _ in 0..2 {
            let link = self.link.as_ref().ok_or_else(no_link_error)?;
            match self.shell.run(link, "true", deadline.or_sooner(STILL_THERE)).await {
                Err(lost @ DriverErrorKind::Lost { .. }) => return Err(lost),
                Ok(_) | Err(DriverErrorKind::TimedOut { .. }) => return Ok(()),
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// A picture of what is written in a window that cannot be pictured.
    async fn render_labels(
        &mut self,
        render: ProtectedRenderer,
        size: Size,
        why: String,
        deadline: Deadline,
    ) -> Result<Picture, DriverErrorKind> {
        match self.read_labels(deadline).await {
            Ok(Some(labels)) => Ok(render(size, &labels)),
            Ok(None) => Err(DriverErrorKind::Hidden { why: format!("{why}, and those are not of this screen") }),
            Err(lost @ DriverErrorKind::Lost { .. }) => Err(lost),
            Err(kind) => Err(DriverErrorKind::Hidden { why: format!("{why}, and those cannot be had either: {kind}") }),
        }
    }

    /// Why a black screen shows nothing, if the device says so.
    async fn capture_block(&mut self, deadline: Deadline) -> Option<CaptureBlocked> {
        let (power, flags) = match self.grep {
            true => ("dumpsys power | grep mWakefulness=", window::FLAGS),
            false => ("dumpsys power", window::WINDOW_WHOLE),
        };
        if let Ok(output) = self.command(power, deadline).await {
            let state = output.lines().find_map(|line| line.trim().strip_prefix("mWakefulness="));
            if let Some(state) = state.filter(|state| *state != "Awake") {
                let why = format!("the display is off ({})", super::answers::shortened(state));
                return Some(CaptureBlocked::Off(why));
            }
        }
        let dump = self.command(flags, deadline).await.ok()?;
        let display = self.display.number();
        window::is_protected(&dump, display).then(|| {
            let front = window::windows(&dump, display).front;
            let app = if front.is_empty() { "the app in front" } else { &front };
            let why = "protects its window, so pictures of it are black; its words can be had from the UI tree";
            CaptureBlocked::Protected(format!("{app} {why}"))
        })
    }
}

/// Decoding takes tens of milliseconds of a big PNG, which is too long for a thread that others wait for.
async fn decode_shot(shot: &Screenshot) -> Result<Picture, DriverErrorKind> {
    if matches!(shot.form, screencap::Form::Raw(_)) {
        return shot.picture();
    }
    let shot = shot.clone();
    let decoded = tokio::task::spawn_blocking(move || shot.picture()).await;
    decoded
        .map_err(|error| DriverErrorKind::MalformedResponse { why: format!("the picture's decoder broke: {error}") })?
}

/// What the window manager tells of a display now.
pub(super) async fn windows(
    shell: &mut Shell,
    link: &Link,
    grep: &mut bool,
    display: u32,
    deadline: Deadline,
) -> Result<Windows, DriverErrorKind> {
    let mut ran = None;
    if *grep {
        let picked = shell.run(link, window::WINDOW, deadline).await?;
        // 1 is grep's "nothing found"; more is "no grep".
        *grep = picked.status <= 1;
        ran = grep.then_some(picked);
    }
    let ran = match ran {
        Some(ran) => ran,
        None => shell.run(link, window::WINDOW_WHOLE, deadline).await?,
    };
    Ok(window::windows(&ran.output, display))
}
