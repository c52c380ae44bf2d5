//! Looks at the screen until it is still.

use std::sync::Arc;
use std::time::Duration;

use tapwright_contract::device::{Front, Kind, Screen};
use tokio::time::Instant;

use super::parse::screencap::{self, Shot};
use super::parse::window;
use super::shell::Shell;
use super::wire::Link;
use super::{Android, apps, unlinked};
use crate::deadline::{Deadline, Tries};

/// So many pictures in a row that make no sense are the answer.
const BAD_MAX: u32 = 3;
/// How long a device whose last answer was bad may take to show that it is there.
const STILL_THERE: Duration = Duration::from_secs(1);
/// What is in front is asked for at most so long: a picture without it is better than none.
const FRONT_PATIENCE: Duration = Duration::from_secs(3);

impl Android {
    /// Waits until the screen is still or the time is up, and returns what is on it.
    pub(super) async fn settled(&mut self, deadline: Deadline) -> Result<Screen, Kind> {
        self.linked(deadline).await?;
        let settle = self.options.settle;
        let before = self.last.clone();
        let mut tries = Tries::new("the screen is still");
        let mut seen: Option<(Shot, Front)> = None;
        let mut equal = 0;
        let mut bad = 0;
        while !deadline.passed() {
            let began = Instant::now();
            match self.look(deadline).await {
                Ok((shot, front)) => {
                    bad = 0;
                    match &seen {
                        Some((last, _)) if *last == shot => equal += 1,
                        Some(_) => {
                            tries.note("it has changed");
                            equal = 1;
                        }
                        None => equal = 1,
                    }
                    // An app that was touched may not have begun to react yet.
                    let waits = self.touched.is_some_and(|touched| touched.elapsed() < settle.grace)
                        && before.as_ref().is_some_and(|before| **before == shot);
                    seen = Some((shot, front));
                    if equal >= settle.looks && !waits {
                        break;
                    }
                    if waits {
                        tries.note("nothing has happened yet");
                    }
                }
                Err(Kind::TimedOut { tries: why }) => {
                    tries.note(why);
                    break;
                }
                Err(kind) => {
                    self.there(deadline).await?;
                    bad += 1;
                    if !kind.may_pass() || bad >= BAD_MAX {
                        return Err(kind);
                    }
                    tries.note(kind.to_string());
                }
            }
            deadline.rest_until(began + settle.apart).await;
        }
        let Some((shot, front)) = seen else { return Err(Kind::TimedOut { tries: tries.tell(&deadline) }) };
        tracing::debug!(looks = tries.count() + equal, ms = deadline.spent().as_millis(), "looked");
        let (shot, picture) = decoded(shot).await?;
        // Before a protected window or a dark screen is shown to anybody as a picture.
        if screencap::black(&picture)
            && let Some(why) = self.asleep(deadline).await
        {
            return Err(Kind::Hidden { why });
        }
        self.last = Some(Arc::new(shot));
        self.touched = None;
        Ok(Screen { picture, front })
    }

    /// Takes one picture, and asks what is in front while the device is busy with it.
    async fn look(&mut self, deadline: Deadline) -> Result<(Shot, Front), Kind> {
        let Android { link, shell, camera, grep, .. } = self;
        let link = link.as_ref().ok_or_else(unlinked)?;
        let patience = deadline.or_sooner(FRONT_PATIENCE);
        let (shot, front) =
            tokio::join!(deadline.hold("a picture", camera.take(link)), front(shell, link, grep, patience));
        let front = front.unwrap_or_else(|kind| {
            tracing::debug!(%kind, "does not know what is in front");
            Front { id: String::new(), label: String::new() }
        });
        Ok((shot?, front))
    }

    /// Tells the end of a device from a bad answer of one that is still there: when a device goes, an adb server, and a
    /// daemon that shuts down in order, end its streams as if it had nothing more to say.
    pub(super) async fn there(&mut self, deadline: Deadline) -> Result<(), Kind> {
        // The first try may only find that the shell which was open has ended too.
        for _ in 0..2 {
            let link = self.link.as_ref().ok_or_else(unlinked)?;
            match self.shell.run(link, "true", deadline.or_sooner(STILL_THERE)).await {
                Err(lost @ Kind::Lost { .. }) => return Err(lost),
                Ok(_) | Err(Kind::TimedOut { .. }) => return Ok(()),
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// Why a black screen shows nothing, if the device says so.
    async fn asleep(&mut self, deadline: Deadline) -> Option<String> {
        let output = self.command("dumpsys power | grep mWakefulness=", deadline).await.ok()?;
        let state = output.lines().find_map(|line| line.trim().strip_prefix("mWakefulness="))?;
        (state != "Awake").then(|| format!("the display is off ({})", super::answers::shortened(state)))
    }
}

/// Decoding takes tens of milliseconds of a big PNG, which is too long for a thread that others wait for.
async fn decoded(shot: Shot) -> Result<(Shot, tapwright_contract::Picture), Kind> {
    if matches!(shot.form, screencap::Form::Raw(_)) {
        let picture = shot.picture()?;
        return Ok((shot, picture));
    }
    let decoded = tokio::task::spawn_blocking(move || shot.picture().map(|picture| (shot, picture))).await;
    decoded.map_err(|error| Kind::Nonsense { why: format!("the picture's decoder broke: {error}") })?
}

/// What is in front now.
pub(super) async fn front(shell: &mut Shell, link: &Link, grep: &mut bool, deadline: Deadline) -> Result<Front, Kind> {
    let mut ran = None;
    if *grep {
        let picked = shell.run(link, window::FRONT, deadline).await?;
        // 1 is grep's "nothing found"; more is "no grep".
        *grep = picked.status <= 1;
        ran = grep.then_some(picked);
    }
    let ran = match ran {
        Some(ran) => ran,
        None => shell.run(link, window::FRONT_WHOLE, deadline).await?,
    };
    let id = window::front(&ran.output).unwrap_or_default();
    Ok(Front { id: id.to_owned(), label: apps::label(id).to_owned() })
}
