//! Looks at the screen until it is still.

use std::sync::Arc;
use std::time::Duration;

use tapwright_contract::device::{DriverErrorKind, Front, Screen};
use tapwright_contract::{Picture, Size};
use tokio::time::Instant;

use super::parse::screencap::{self, Shot};
use super::parse::window::{self, Shut};
use super::shell::Shell;
use super::wire::Link;
use super::{Android, Paint, apps, unlinked};
use crate::deadline::{Deadline, Tries};

/// So many pictures in a row that make no sense are the answer.
const BAD_MAX: u32 = 3;
/// How long a device whose last answer was bad may take to show that it is there.
const STILL_THERE: Duration = Duration::from_secs(1);
/// What is in front is asked for at most so long: a picture without it is better than none.
const FRONT_PATIENCE: Duration = Duration::from_secs(3);

/// What keeps a picture from showing anything, in words.
enum Cover {
    Off(String),
    Protected(String),
}

/// What one look saw.
struct Seen {
    shot: Shot,
    front: Front,
    shut: Option<Shut>,
}

impl Android {
    /// Waits until the screen is still or the time is up, and returns what is on it. A phone that is dark or locked is
    /// woken once if that is wanted; what cannot be seen even then is `Hidden`.
    pub(super) async fn settled(&mut self, deadline: Deadline) -> Result<Screen, DriverErrorKind> {
        self.linked(deadline).await?;
        let mut seen = self.still(deadline).await?;
        if self.options.wake && seen.shut.is_some() {
            self.open_up(deadline).await?;
            seen = self.still(deadline).await?;
        }
        let Seen { shot, front, shut } = seen;
        match shut {
            None => {}
            Some(Shut::Dark) => return Err(DriverErrorKind::Hidden { why: "the display is off".to_owned() }),
            Some(Shut::Locked { secret: true }) => {
                let why = "the phone is locked, and only a person can unlock it".to_owned();
                return Err(DriverErrorKind::Hidden { why });
            }
            Some(Shut::Locked { secret: false }) => {
                return Err(DriverErrorKind::Hidden { why: "the phone is locked".to_owned() });
            }
        }
        let (shot, mut picture) = decoded(shot).await?;
        // Before a protected window or a dark screen is shown to anybody as a picture.
        if screencap::black(&picture) {
            match (self.hidden(deadline).await, self.paint) {
                (None, _) => {}
                (Some(Cover::Protected(why)), Some(paint)) => {
                    picture = self.painted(paint, picture.size(), why, deadline).await?;
                }
                (Some(Cover::Protected(why) | Cover::Off(why)), _) => return Err(DriverErrorKind::Hidden { why }),
            }
        }
        self.last = Some(Arc::new(shot));
        self.touched = None;
        Ok(Screen::new(picture, front))
    }

    /// Takes pictures until they are equal or the time is up.
    async fn still(&mut self, deadline: Deadline) -> Result<Seen, DriverErrorKind> {
        let settle = self.options.settle;
        let before = self.last.clone();
        let mut tries = Tries::new("the screen is still");
        let mut seen: Option<Seen> = None;
        let mut equal = 0;
        let mut bad = 0;
        while !deadline.passed() {
            let began = Instant::now();
            match self.look(deadline).await {
                Ok(look) => {
                    bad = 0;
                    match &seen {
                        Some(last) if last.shot == look.shot => equal += 1,
                        Some(_) => {
                            tries.note("it has changed");
                            equal = 1;
                        }
                        None => equal = 1,
                    }
                    // An app that was touched may not have begun to react yet.
                    let waits = self.touched.is_some_and(|touched| touched.elapsed() < settle.grace)
                        && before.as_ref().is_some_and(|before| **before == look.shot);
                    seen = Some(look);
                    if equal >= settle.looks && !waits {
                        break;
                    }
                    if waits {
                        tries.note("nothing has happened yet");
                    }
                }
                Err(DriverErrorKind::TimedOut { tries: why }) => {
                    tries.note(why);
                    break;
                }
                Err(kind) => {
                    self.there(deadline).await?;
                    bad += 1;
                    if let DriverErrorKind::Hidden { .. } = kind
                        && let Some(Cover::Protected(why) | Cover::Off(why)) = self.hidden(deadline).await
                    {
                        return Err(DriverErrorKind::Hidden { why });
                    }
                    if !kind.is_retryable() || bad >= BAD_MAX {
                        return Err(kind);
                    }
                    tries.note(kind.to_string());
                }
            }
            // From when the picture was there at the latest: two that were asked for apart may be taken at once.
            deadline.rest_until(self.camera.taken_by.unwrap_or(began) + settle.apart).await;
        }
        let Some(seen) = seen else { return Err(DriverErrorKind::TimedOut { tries: tries.tell(&deadline) }) };
        tracing::debug!(looks = tries.count() + equal, ms = deadline.spent().as_millis(), "looked");
        Ok(seen)
    }

    /// Takes one picture, and asks what is in front while the device is busy with it.
    async fn look(&mut self, deadline: Deadline) -> Result<Seen, DriverErrorKind> {
        let Android { link, shell, camera, grep, .. } = self;
        let link = link.as_ref().ok_or_else(unlinked)?;
        let patience = deadline.or_sooner(FRONT_PATIENCE);
        let (shot, window) =
            tokio::join!(deadline.hold("a picture", camera.take(link)), window(shell, link, grep, patience));
        let (front, shut) = window.unwrap_or_else(|kind| {
            tracing::debug!(%kind, "does not know what is in front");
            (Front { id: String::new(), label: String::new() }, None)
        });
        Ok(Seen { shot: shot?, front, shut })
    }

    /// Turns the display on and asks the lock screen to go, which one that wants a secret does not.
    async fn open_up(&mut self, deadline: Deadline) -> Result<(), DriverErrorKind> {
        tracing::debug!("wakes the phone");
        self.command("input keyevent 224", deadline).await?;
        let link = self.link.as_ref().ok_or_else(unlinked)?;
        if self.shell.run(link, "wm dismiss-keyguard", deadline).await?.status != 0 {
            self.command("input keyevent 82", deadline).await?; // Before Android 8 the menu key does it.
        }
        self.touched = Some(Instant::now());
        Ok(())
    }

    /// Tells the end of a device from a bad answer of one that is still there: when a device goes, an adb server, and a
    /// daemon that shuts down in order, end its streams as if it had nothing more to say.
    pub(super) async fn there(&mut self, deadline: Deadline) -> Result<(), DriverErrorKind> {
        // The first try may only find that the shell which was open has ended too.
        for _ in 0..2 {
            let link = self.link.as_ref().ok_or_else(unlinked)?;
            match self.shell.run(link, "true", deadline.or_sooner(STILL_THERE)).await {
                Err(lost @ DriverErrorKind::Lost { .. }) => return Err(lost),
                Ok(_) | Err(DriverErrorKind::TimedOut { .. }) => return Ok(()),
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// A picture of what is written in a window that cannot be pictured.
    async fn painted(
        &mut self,
        paint: Paint,
        size: Size,
        why: String,
        deadline: Deadline,
    ) -> Result<Picture, DriverErrorKind> {
        match self.widgets(deadline).await {
            Ok(tree) => Ok(paint(size, &tree.labels())),
            Err(lost @ DriverErrorKind::Lost { .. }) => Err(lost),
            Err(kind) => Err(DriverErrorKind::Hidden { why: format!("{why}, and those cannot be had either: {kind}") }),
        }
    }

    /// Why a black screen shows nothing, if the device says so.
    async fn hidden(&mut self, deadline: Deadline) -> Option<Cover> {
        if let Ok(output) = self.command("dumpsys power | grep mWakefulness=", deadline).await {
            let state = output.lines().find_map(|line| line.trim().strip_prefix("mWakefulness="));
            if let Some(state) = state.filter(|state| *state != "Awake") {
                return Some(Cover::Off(format!("the display is off ({})", super::answers::shortened(state))));
            }
        }
        let windows = self.command(window::FLAGS, deadline).await.ok()?;
        window::protected(&windows).then(|| {
            let app = window::front(&windows).unwrap_or("the app in front");
            let why = "protects its window, so pictures of it are black; its words can be had from the UI tree";
            Cover::Protected(format!("{app} {why}"))
        })
    }
}

/// Decoding takes tens of milliseconds of a big PNG, which is too long for a thread that others wait for.
async fn decoded(shot: Shot) -> Result<(Shot, Picture), DriverErrorKind> {
    if matches!(shot.form, screencap::Form::Raw(_)) {
        let picture = shot.picture()?;
        return Ok((shot, picture));
    }
    let decoded = tokio::task::spawn_blocking(move || shot.picture().map(|picture| (shot, picture))).await;
    decoded
        .map_err(|error| DriverErrorKind::MalformedResponse { why: format!("the picture's decoder broke: {error}") })?
}

/// What is in front now, and what keeps it from being used.
pub(super) async fn window(
    shell: &mut Shell,
    link: &Link,
    grep: &mut bool,
    deadline: Deadline,
) -> Result<(Front, Option<Shut>), DriverErrorKind> {
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
    let id = window::front(&ran.output).unwrap_or_default();
    Ok((Front { id: id.to_owned(), label: apps::label(id).to_owned() }, window::shut(&ran.output)))
}
