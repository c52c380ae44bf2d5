//! Looks whether all that a run needs is there, and says what to do about what is not.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use tapwright_agent::clock::{Clock, Timer};
use tapwright_contract::device::Driver;
use tapwright_contract::gesture::{Gesture, Key};
use tapwright_contract::{Size, Spot};

use crate::device::{self, Device, DeviceAddress, PhoneOptions};
use crate::device_lock::DeviceLock;
use crate::devices;
use crate::model::{self, ModelSource};
use crate::osworld::environment;
use crate::plural::count_of;
use crate::profile::ChosenProfile;

/// What is looked at.
pub struct Checkup<'a> {
    pub model: &'a model::ModelOptions,
    pub device: &'a device::DeviceOptions,
    /// Where phones are locked, for as long as one is looked over.
    pub device_locks: Option<&'a Path>,
    /// Whether that phone is looked over too.
    pub examine: bool,
    /// How many taps are asked from the model, to see whether it finds what it is told to touch.
    pub taps: u32,
    /// As the model is told it.
    pub date: &'a str,
    pub phone: PhoneOptions,
    /// A desktop that would be made for a run.
    pub private_desktop: DeviceAddress,
    /// A browser that would be started for a run.
    pub private_browser: DeviceAddress,
    /// Where an adb server would be.
    pub adb_server: &'a str,
    /// Where the Python environment of OSWorld's own evaluator is, or would be.
    pub osworld_environment: Option<PathBuf>,
    pub runs: &'a Path,
}

/// What was found about one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// For example `onnx runtime`.
    pub what: &'static str,
    pub state: CheckState,
    pub text: String,
    /// What to do about it.
    pub next: Option<String>,
}

/// How well it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    Ok,
    /// Something that not every run needs.
    Warning,
    /// No run as it is set up now can work.
    Failed,
}

/// Looks at everything, one thing after another, and returns the worst that was found.
pub async fn check(checkup: &Checkup<'_>, mut each: impl FnMut(&Finding)) -> CheckState {
    let mut worst = CheckState::Ok;
    let mut say = |finding: Finding| {
        worst = worst.max(finding.state);
        each(&finding);
    };
    say(onnx_runtime(checkup.model).await);
    say(profile(checkup.model));
    say(loads(checkup.model).await);
    if checkup.taps > 0 {
        say(grounding(checkup).await);
    }
    say(virtual_phone(checkup).await);
    if checkup.examine {
        for finding in examine_phone(checkup).await {
            say(finding);
        }
    }
    say(private_desktop(checkup).await);
    say(private_browser(checkup).await);
    say(adb_server(checkup).await);
    if let Some(folder) = &checkup.osworld_environment {
        say(osworld_evaluator(folder).await);
    }
    say(writable("runs", checkup.runs, "choose another folder: --runs FOLDER"));
    say(writable("cache", &checkup.model.cache, "choose another folder: --cache FOLDER"));
    worst
}

fn finding(what: &'static str, state: CheckState, text: impl Into<String>, next: Option<&str>) -> Finding {
    Finding { what, state, text: text.into(), next: next.map(str::to_owned) }
}

async fn onnx_runtime(options: &model::ModelOptions) -> Finding {
    let what = "onnx runtime";
    // Looking is the doctor's business; fetching is `setup`'s.
    let looking = model::LibraryOptions { fetch: false, ..options.library.clone() };
    match model::library(&looking, |_| ()).await {
        Ok(found) => finding(what, CheckState::Ok, format!("{} ({})", found.path.display(), found.origin), None),
        Err(error) => {
            let needed = matches!(options.source, ModelSource::Folder(_)) && !options.library.fetch;
            let state = if needed { CheckState::Failed } else { CheckState::Warning };
            let text = error.to_string().lines().next().unwrap_or_default().to_owned();
            finding(what, state, text, Some("fetch it with: tapwright setup (a run does so by itself)"))
        }
    }
}

fn profile(options: &model::ModelOptions) -> Finding {
    let what = "profile";
    match model::profiles(options) {
        Ok(ChosenProfile { profiles, note }) => {
            let earlier = |count: u64| count_of(count, "earlier reply", "earlier replies");
            let history =
                profiles.agent.history.map_or("all earlier replies".to_owned(), |history| earlier(u64::from(history)));
            let tokens = profiles.agent.tokens_max;
            let text = format!("the model is shown {history}, and writes {tokens} tokens at most");
            match note {
                None => finding(what, CheckState::Ok, text, None),
                Some(note) => finding(what, CheckState::Ok, format!("{text}; {note}"), None),
            }
        }
        Err(error) => finding(what, CheckState::Failed, error.to_string(), error.help()),
    }
}

async fn loads(options: &model::ModelOptions) -> Finding {
    let what = "model";
    let looking = model::LibraryOptions { fetch: false, ..options.library.clone() };
    let options = model::ModelOptions { library: looking, ..options.clone() };
    let clock = Timer::start();
    match model::open(&options, |_| ()).await {
        Ok(opened) => finding(
            what,
            CheckState::Ok,
            format!("{}, opened in {} ms", opened.about, clock.elapsed().as_millis()),
            None,
        ),
        Err(model::LoadModelError::Library(_)) => finding(
            what,
            CheckState::Warning,
            "not opened, as ONNX Runtime is not there yet",
            Some("tapwright setup, then look again"),
        ),
        Err(error) => finding(what, CheckState::Failed, error.to_string(), error.help()),
    }
}

/// Taps asked from the model.
async fn grounding(checkup: &Checkup<'_>) -> Finding {
    let what = "grounding";
    let library = model::LibraryOptions { fetch: false, ..checkup.model.library.clone() };
    let options = model::ModelOptions { library, ..checkup.model.clone() };
    let mut opened = match model::open(&options, |_| ()).await {
        Ok(opened) => opened,
        Err(error) => return finding(what, CheckState::Failed, error.to_string(), error.help()),
    };
    let display = Size { width: checkup.phone.width, height: checkup.phone.height };
    let within = Duration::from_secs(120);
    match crate::grounding::measure(&mut opened, display, checkup.taps, checkup.date, within).await {
        Ok(found) => {
            let crate::grounding::Grounding { asked, taps, hits, error_median, error_max, .. } = found;
            let text = format!(
                "told to tap {asked} icons of {display}, it tapped {taps} times and hit {hits}; {error_median:.0} pixels from \
                 their middle in the median, {error_max:.0} at most"
            );
            let state = if 10 * hits >= 9 * asked { CheckState::Ok } else { CheckState::Warning };
            let next =
                "a model that hits less than it did elsewhere is served with other pictures than it was trained on";
            finding(what, state, text, (state == CheckState::Warning).then_some(next))
        }
        Err(error) => finding(what, CheckState::Failed, error.to_string(), None),
    }
}

async fn virtual_phone(checkup: &Checkup<'_>) -> Finding {
    let what = "virtual phone";
    match try_phone(checkup).await {
        Ok((look, tap)) => {
            let ms = |time: Duration| time.as_secs_f64() * 1000.0;
            let text = format!("over ADB: a look takes {:.1} ms, a tap {:.1} ms", ms(look), ms(tap));
            finding(what, CheckState::Ok, text, None)
        }
        Err(why) => {
            finding(what, CheckState::Failed, why, Some("see whether anything forbids connections within this machine"))
        }
    }
}

/// What works on the phone that is meant.
async fn examine_phone(checkup: &Checkup<'_>) -> Vec<Finding> {
    let within = Duration::from_secs(60);
    let _lock = match DeviceLock::take_for(checkup.device_locks, &checkup.device.at, "tapwright doctor") {
        Ok(lock) => lock,
        // It would press a key and put a keyboard back that the run has selected.
        Err(error) => {
            let text = format!("not looked over: {error}");
            return vec![finding("phone", CheckState::Warning, text, Some("wait for the run's end, then look again"))];
        }
    };
    let (mut driver, _, about) = match device::android(checkup.device).await {
        Ok(opened) => opened,
        Err(error) => return vec![finding("phone", CheckState::Failed, error.to_string(), error.help())],
    };
    let health = driver.examine(within).await;
    // A keyboard that an earlier run left selected is put back by this.
    let closed = driver.close(within).await;
    let health = match health {
        Ok(health) => health,
        Err(error) => return vec![finding("phone", CheckState::Failed, error.to_string(), None)],
    };
    let ms = |time: Duration| format!("{:.0} ms", time.as_secs_f64() * 1000.0);
    let who = format!("{} {}, Android {}: {about}", health.manufacturer, health.model, health.android);
    let mut found = vec![finding("phone", CheckState::Ok, who, health.advice)];
    let time = |time: &Result<Duration, String>| time.as_ref().map_or_else(|why| format!("({why})"), |time| ms(*time));
    found.push(match &health.display {
        Ok(size) => {
            let text = format!("{size}; {} as pixels, {} as PNG", time(&health.raw), time(&health.png));
            finding("pictures", CheckState::Ok, text, None)
        }
        Err(why) => {
            let next = "wake and unlock the phone, and leave windows that are protected";
            finding("pictures", CheckState::Failed, why.clone(), Some(next))
        }
    });
    found.push(match &health.input {
        Ok(time) => finding("touches", CheckState::Ok, format!("a key takes {}", ms(*time)), None),
        Err(why) => finding("touches", CheckState::Failed, why.clone(), health.advice),
    });
    found.push(match &health.any_text {
        Ok(()) => finding("text", CheckState::Ok, "any script, by ADB Keyboard", None),
        Err(why) => finding("text", CheckState::Warning, why.clone(), None),
    });
    found.push(match &health.apps {
        Ok(count) => finding("apps", CheckState::Ok, count_of(*count as u64, "package", "packages"), None),
        Err(why) => finding("apps", CheckState::Warning, why.clone(), None),
    });
    found.push(match &health.widgets {
        Ok((count, time)) => finding(
            "words",
            CheckState::Ok,
            format!("{}, told in {}", count_of(*count as u64, "widget", "widgets"), ms(*time)),
            None,
        ),
        Err(why) => finding("words", CheckState::Warning, why.clone(), None),
    });
    if let Err(error) = closed {
        found.push(finding("keyboard", CheckState::Warning, error.to_string(), None));
    }
    found
}

/// Opens the launcher's first app by touch, and sees that it did.
async fn try_phone(checkup: &Checkup<'_>) -> Result<(Duration, Duration), String> {
    let within = checkup.device.connect;
    let said = |error: &dyn std::fmt::Display| error.to_string();
    let options = device::DeviceOptions {
        at: DeviceAddress::Virtual(checkup.phone.clone()),
        weather: device::Weather::calm(),
        ..checkup.device.clone()
    };
    let mut device = Device::open(&options).await.map_err(|error| said(&error))?;
    let clock = Timer::start();
    // The first look tries out the ways to take a picture.
    device.rig.driver.screen(within).await.map_err(|error| said(&error))?;
    let before = clock.elapsed();
    let screen = device.rig.driver.screen(within).await.map_err(|error| said(&error))?;
    let look = clock.elapsed() - before;
    let Size { width, height } = screen.picture.size();
    device
        .rig
        .driver
        .perform(&Gesture::Launch { app: "Settings".to_owned() }, within)
        .await
        .map_err(|error| said(&error))?;
    let opened = device.rig.driver.screen(within).await.map_err(|error| said(&error))?;
    if opened.picture == screen.picture {
        return Err("opening an app changed nothing on the screen".to_owned());
    }
    let before = clock.elapsed();
    let at = Spot { x: width / 2, y: height / 2, of: screen.id };
    device.rig.driver.perform(&Gesture::Tap { at }, within).await.map_err(|error| said(&error))?;
    let tap = clock.elapsed() - before;
    device.rig.driver.perform(&Gesture::Press { key: Key::Home }, within).await.map_err(|error| said(&error))?;
    let home = device.rig.driver.screen(within).await.map_err(|error| said(&error))?;
    device.close().await.map_err(|error| said(&error))?;
    if home.front.id == opened.front.id {
        return Err("the home key did not lead home".to_owned());
    }
    Ok((look, tap))
}

/// Starts a private desktop, looks at it and moves the pointer.
async fn private_desktop(checkup: &Checkup<'_>) -> Finding {
    let next = "only runs with --device desktop:private need one";
    let lacks = tapwright_drivers::desktop::private_lacks();
    start_trial("private desktop", lacks, &checkup.private_desktop, next, checkup).await
}

/// Starts a browser, looks at it and moves the pointer.
async fn private_browser(checkup: &Checkup<'_>) -> Finding {
    let next = "only runs with --device browser need one";
    let lacks = tapwright_drivers::browser::private_browser_lacks();
    start_trial("browser", lacks, &checkup.private_browser, next, checkup).await
}

/// Starts something that a run would have for itself, unless something is lacking for it.
async fn start_trial(
    what: &'static str,
    lacks: Option<String>,
    at: &DeviceAddress,
    next: &'static str,
    checkup: &Checkup<'_>,
) -> Finding {
    if let Some(lacks) = lacks {
        return finding(what, CheckState::Warning, lacks, Some(next));
    }
    match try_started(at, checkup).await {
        Ok((ready, look, touch)) => {
            let ms = |time: Duration| time.as_secs_f64() * 1000.0;
            let (ready, look, touch) = (ready.as_secs_f64(), ms(look), ms(touch));
            let text = format!("ready in {ready:.1} s; a look takes {look:.0} ms, a move of the pointer {touch:.1} ms");
            finding(what, CheckState::Ok, text, None)
        }
        Err(why) => finding(what, CheckState::Warning, why, Some(next)),
    }
}

async fn try_started(at: &DeviceAddress, checkup: &Checkup<'_>) -> Result<(Duration, Duration, Duration), String> {
    let within = checkup.device.connect;
    let said = |error: &dyn std::fmt::Display| error.to_string();
    let options = device::DeviceOptions { at: at.clone(), ..checkup.device.clone() };
    let clock = Timer::start();
    let mut device = Device::open(&options).await.map_err(|error| said(&error))?;
    let ready = clock.elapsed();
    let screen = device.rig.driver.screen(within).await.map_err(|error| said(&error))?;
    let looked = clock.elapsed();
    let Size { width, height } = screen.picture.size();
    let at = Spot { x: width / 2, y: height / 2, of: screen.id };
    device.rig.driver.perform(&Gesture::Move { at }, within).await.map_err(|error| said(&error))?;
    let moved = clock.elapsed();
    device.close().await.map_err(|error| said(&error))?;
    Ok((ready, looked - ready, moved - looked))
}

async fn adb_server(checkup: &Checkup<'_>) -> Finding {
    let what = "adb server";
    match devices(checkup.adb_server, checkup.device.probe).await {
        Ok(found) => finding(
            what,
            CheckState::Ok,
            format!("at {}, with {}", checkup.adb_server, devices_in_words(found.len())),
            None,
        ),
        Err(_) => finding(
            what,
            CheckState::Warning,
            format!("none at {}; only phones on USB and phones that want a key need one", checkup.adb_server),
            Some("start one with: adb start-server"),
        ),
    }
}

/// OSWorld's own evaluator, which only some measurements want.
async fn osworld_evaluator(folder: &Path) -> Finding {
    let what = "osworld";
    let python = environment::python_in(folder);
    if !python.exists() {
        let text = "its own evaluator is not there; only bench osworld --evaluator official and both need it";
        return finding(what, CheckState::Warning, text, Some("fetch it with: tapwright setup --osworld"));
    }
    let next = Some("complete it with: tapwright setup --osworld");
    match environment::inspect(&python).await {
        Err(error) => finding(what, CheckState::Warning, error.to_string(), next),
        Ok(report) if !report.is_complete_but_for_media() => {
            let mut missing = report.missing;
            missing.extend(report.evaluator.is_none().then(|| environment::PACKAGE.to_owned()));
            let text = format!("its own evaluator lacks {}", missing.join(", "));
            finding(what, CheckState::Warning, text, next)
        }
        Ok(report) => {
            let version = report.evaluator.unwrap_or_default();
            let without = if report.missing.is_empty() { "" } else { ", without sound and films" };
            finding(what, CheckState::Ok, format!("its own evaluator, desktop-env {version}{without}"), None)
        }
    }
}

fn devices_in_words(count: usize) -> String {
    match count {
        0 => "no device".to_owned(),
        count => count_of(count as u64, "device", "devices"),
    }
}

/// Tries to write where a run would, and leaves nothing behind.
fn writable(what: &'static str, folder: &Path, next: &'static str) -> Finding {
    let absolute = if folder.is_absolute() { folder.to_owned() } else { Path::new(".").join(folder) };
    let Some(at) = absolute.ancestors().find(|above| above.exists()).filter(|above| above.is_dir()).map(Path::to_owned)
    else {
        return finding(what, CheckState::Failed, format!("{} cannot be made", folder.display()), Some(next));
    };
    let trial = at.join(format!(".tapwright-trial-{}", std::process::id()));
    let written = fs::write(&trial, "trial").and_then(|()| fs::remove_file(&trial));
    match written {
        Ok(()) => finding(what, CheckState::Ok, format!("{} can be written", folder.display()), None),
        Err(error) => {
            finding(what, CheckState::Failed, format!("{} cannot be written: {error}", folder.display()), Some(next))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_cannot_be_written_is_found() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(writable("runs", &folder.path().join("a/b"), "").state, CheckState::Ok);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left behind");
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        // Below a file nothing can be; the nearest folder is not where a run would write.
        assert_eq!(writable("runs", &file.join("runs"), "").state, CheckState::Failed);
    }

    #[test]
    fn the_worst_finding_counts() {
        assert!(CheckState::Failed > CheckState::Warning && CheckState::Warning > CheckState::Ok);
    }
}
