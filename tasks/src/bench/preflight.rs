//! What is looked at before a model is asked anything: whether each sort of device can be had, shows something, tells its widgets if it
//! says that it does, and has the apps that the cases need; and whether the files are there that their preparation takes.
//!
//! Cases whose devices are of one sort need one look: [`rig_name`] says which those are. What is found of a device besides, its screen
//! and the versions of its programs, belongs to what is measured.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tapwright_contract::device::{DriverError, DriverErrorKind};
use tapwright_contract::{Picture, Size};

use crate::device::{CustomDevice, Device, DeviceAddress, DeviceError, DeviceKind, DeviceOptions, Weather};
use crate::doctor::{CheckState, Finding};
use crate::plural::count_of;
use crate::serve::AppSelection;
use crate::suite::{Case, Suite};
use tapwright_drivers::OpenRig as _;

/// More cases than that are not named one by one.
const CASES_SHOWN: usize = 3;
/// More screens than that are not told of one sort of device.
const SCREENS_MAX: usize = 16;
/// More sorts of devices than that are not looked at one by one.
const RIGS_MAX: usize = 16;
/// A screen that is switched off, or that nobody draws, is no brighter than this anywhere.
const BLACK: u8 = 8;

/// What is looked at.
pub struct Preflight<'a> {
    pub suite: &'a dyn Suite,
    pub cases: &'a [Case],
    /// The device's address is each case's own.
    pub device: &'a DeviceOptions,
    /// How long a look may take.
    pub look: Duration,
    /// How often a device that cannot be had is tried.
    pub tries: u32,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PreflightReport {
    pub findings: Vec<Finding>,
    /// The devices that could be had.
    pub rigs: Vec<RigIdentity>,
}

impl PreflightReport {
    /// Whether nothing speaks against measuring.
    pub fn is_ready(&self) -> bool {
        self.findings.iter().all(|finding| finding.state != CheckState::Failed)
    }
}

/// One sort of device, as it was found before a measurement.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RigIdentity {
    pub rig: String,
    /// The sizes of its screen; of phones that are drawn for their cases, all of them.
    pub screens: BTreeSet<String>,
    /// Its programs that have a say in what a case is, with their versions, as far as it tells them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub programs: BTreeMap<String, String>,
}

/// The cases of one sort of device.
struct RigCases<'a> {
    name: String,
    cases: Vec<&'a Case>,
}

/// What sort of device is at an address: one look is enough for all that have this name.
pub fn rig_name(at: &DeviceAddress) -> String {
    match at {
        DeviceAddress::Virtual(phone) => {
            let name = AppSelection::NAMES.iter().find(|(_, apps)| *apps == phone.apps);
            format!("virtual phone with {} apps", name.map_or("its", |(name, _)| name))
        }
        DeviceAddress::Direct { address } => format!("phone {address}"),
        DeviceAddress::Server { serial, .. } => format!("phone {serial}"),
        DeviceAddress::Desktop(desktop) => desktop.name(),
        DeviceAddress::Browser(browser) => browser.name(),
        DeviceAddress::Machine(machine) => machine.name(),
        DeviceAddress::Custom(CustomDevice(device)) => device.rig(),
    }
}

/// Looks at all of it, and tells each finding as it is made.
pub async fn preflight(of: &Preflight<'_>, mut each: impl FnMut(&Finding)) -> PreflightReport {
    let mut report = PreflightReport::default();
    let mut note = |findings: &mut Vec<Finding>, finding: Finding| {
        each(&finding);
        findings.push(finding);
    };
    for finding in files(of) {
        note(&mut report.findings, finding);
    }
    let mut rigs: Vec<RigCases<'_>> = Vec::new();
    for case in of.cases {
        let name = rig_name(&case.device);
        match rigs.iter_mut().find(|rig| rig.name == name) {
            Some(rig) => rig.cases.push(case),
            None => rigs.push(RigCases { name, cases: vec![case] }),
        }
    }
    if rigs.len() > RIGS_MAX {
        let text = format!("of {} sorts of devices the first {RIGS_MAX} are looked at", rigs.len());
        note(&mut report.findings, Finding { what: "device", state: CheckState::Warning, text, next: None });
    }
    for rig in rigs.into_iter().take(RIGS_MAX) {
        let (findings, identity) = look_at(of, &rig).await;
        for finding in findings {
            note(&mut report.findings, finding);
        }
        report.rigs.extend(identity);
    }
    report
}

fn failed_finding(what: &'static str, text: String, next: &str) -> Finding {
    Finding { what, state: CheckState::Failed, text, next: Some(next.to_owned()) }
}

/// The files that are not there, and one word about the others.
fn files(of: &Preflight<'_>) -> Vec<Finding> {
    let mut needed: BTreeMap<PathBuf, Vec<String>> = BTreeMap::new();
    for case in of.cases {
        for file in of.suite.needs(case).files {
            needed.entry(file).or_default().push(case.id());
        }
    }
    let missing: Vec<Finding> = needed
        .iter()
        .filter(|(file, _)| !file.is_file())
        .map(|(file, cases)| {
            let text = format!("{} is not there; {} it", file.display(), need(cases));
            failed_finding("files", text, "put it there, or leave out those cases: --only")
        })
        .collect();
    if missing.is_empty() && !needed.is_empty() {
        let text = format!("{} of the cases are there", count_of(needed.len() as u64, "file", "files"));
        return vec![Finding { what: "files", state: CheckState::Ok, text, next: None }];
    }
    missing
}

/// `a/0, b/1 and 7 more cases need`.
fn need(cases: &[String]) -> String {
    let first = cases.iter().take(CASES_SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match cases.len() {
        0 | 1 => format!("{first} needs"),
        count if count <= CASES_SHOWN => format!("{first} need"),
        count => format!("{first} and {} need", count_of((count - CASES_SHOWN) as u64, "more case", "more cases")),
    }
}

/// Looks at the device of some cases.
async fn look_at(of: &Preflight<'_>, rig: &RigCases<'_>) -> (Vec<Finding>, Option<RigIdentity>) {
    let (case, mut device) = match open(of, rig).await {
        Ok(found) => found,
        Err(error) => {
            let next = error.help().unwrap_or("see that it is there and can be reached");
            return (vec![failed_finding("device", format!("{}: {error}", rig.name), next)], None);
        }
    };
    let mut findings = Vec::new();
    let mut screens = BTreeSet::new();
    match screen(&mut device, of.look).await {
        Ok(size) => {
            screens.insert(size.to_string());
            let text = format!("{}: it is there, and shows {size}", rig.name);
            findings.push(Finding { what: "device", state: CheckState::Ok, text, next: None });
        }
        Err(why) => {
            let next = "switch the screen on and unlock it; tapwright doctor --device looks at a device closely";
            findings.push(failed_finding("screen", format!("{}: {why}", rig.name), next));
        }
    }
    findings.extend(widgets(&mut device, rig, case, of.look).await);
    findings.extend(apps(of, &mut device, rig).await);
    let programs = device.probe().programs(of.look).await.unwrap_or_default();
    drop(device.close().await);
    // Those are drawn with their cases.
    screens.extend(rig.cases.iter().filter_map(|case| match &case.device {
        DeviceAddress::Virtual(phone) => Some(Size { width: phone.width, height: phone.height }.to_string()),
        _ => None,
    }));
    let screens = screens.into_iter().take(SCREENS_MAX).collect();
    (findings, Some(RigIdentity { rig: rig.name.clone(), screens, programs }))
}

/// How a device is looked at: what goes wrong around a virtual phone is the measurement's business.
fn calm_options(options: &DeviceOptions, at: &DeviceAddress) -> DeviceOptions {
    DeviceOptions { at: at.clone(), weather: Weather::calm(), ..options.clone() }
}

/// Opens the device of one of the cases, of one farther on each time: the preparation of one may fail for reasons of its own, which may be
/// its neighbours' too.
async fn open<'a>(of: &Preflight<'_>, rig: &RigCases<'a>) -> Result<(&'a Case, Device), DeviceError> {
    let tries = usize::try_from(of.tries.max(1)).unwrap_or(1);
    let mut result = Err(DeviceError::Start { why: "there is no case on it".to_owned() });
    for tried in 0..tries {
        let Some(case) = rig.cases.get(tried * rig.cases.len() / tries) else { break };
        result = Device::open(&calm_options(of.device, &case.device)).await.map(|device| (*case, device));
        if result.is_ok() {
            break;
        }
    }
    result
}

/// Looks at its screen, which is not to be black.
async fn screen(device: &mut Device, within: Duration) -> Result<Size, String> {
    let seen = device.rig.driver.screen(within).await.map_err(|error| error.to_string())?;
    let size = seen.picture.size();
    if is_black(&seen.picture) { Err(format!("its screen ({size}) is black")) } else { Ok(size) }
}

fn is_black(picture: &Picture) -> bool {
    picture.rgba().chunks_exact(4).all(|pixel| pixel[..3].iter().all(|value| *value <= BLACK))
}

/// What is to be said of its widgets, if it says that it tells them.
async fn widgets(device: &mut Device, rig: &RigCases<'_>, case: &Case, within: Duration) -> Option<Finding> {
    if !device.rig.driver.abilities().labels {
        return None;
    }
    let has_home_screen = match &case.device {
        DeviceAddress::Custom(CustomDevice(device)) => device.has_home_screen(),
        // Its desktop has a panel, whatever else is there.
        DeviceAddress::Machine(_) => true,
        other => other.kind() == Some(DeviceKind::Phone),
    };
    let begins_empty = matches!(&case.device, DeviceAddress::Custom(CustomDevice(device)) if device.begins_empty());
    let why = match device.rig.driver.labels(within).await {
        Ok(Some(labels)) if !labels.is_empty() => return None,
        Ok(Some(_)) if has_home_screen => "it says that it tells its widgets, and tells none".to_owned(),
        // Where nothing is in front nobody tells any.
        Ok(None) if begins_empty => return None,
        Ok(Some(_)) => {
            let text = format!("{}: it tells no widgets of what it shows now, which may be right", rig.name);
            return Some(Finding { what: "widgets", state: CheckState::Warning, text, next: None });
        }
        Ok(None) => "it says that it tells its widgets, and does not".to_owned(),
        Err(error) => error.to_string(),
    };
    let next = "see that its accessibility service is on; without widgets, what is written and protected is not known";
    Some(failed_finding("widgets", format!("{}: {why}", rig.name), next))
}

/// The apps that are missing, and one word about the others.
async fn apps(of: &Preflight<'_>, device: &mut Device, rig: &RigCases<'_>) -> Vec<Finding> {
    let mut needed: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for case in &rig.cases {
        for app in of.suite.needs(case).apps {
            needed.entry(app).or_default().push(case.id());
        }
    }
    if needed.is_empty() {
        return Vec::new();
    }
    if !device.rig.driver.abilities().app_names {
        let text = format!("{}: it does not tell which apps it has, and {} are needed", rig.name, needed.len());
        return vec![Finding { what: "apps", state: CheckState::Warning, text, next: None }];
    }
    let mut findings = Vec::new();
    for (app, cases) in &needed {
        let (what, next) = match device.rig.driver.find_app(app, of.look).await {
            Ok(_) => continue,
            Err(DriverError { kind: DriverErrorKind::NoSuchApp { like, .. }, .. }) => match like.is_empty() {
                true => (format!("there is no app {app:?}"), "install it".to_owned()),
                false => (format!("there is no app {app:?}"), format!("install it (there is {})", like.join(", "))),
            },
            Err(error) => (format!("nobody knows whether {app:?} is there: {error}"), "look at the device".to_owned()),
        };
        let text = format!("{}: {what}; {} it", rig.name, need(cases));
        findings.push(failed_finding("apps", text, &format!("{next}, or leave out those cases: --only")));
    }
    if findings.is_empty() {
        let text = format!("{}: {} there", rig.name, are(needed.len()));
        findings.push(Finding { what: "apps", state: CheckState::Ok, text, next: None });
    }
    findings
}

fn are(apps: usize) -> String {
    if apps == 1 { "the app that is needed is".to_owned() } else { format!("the {apps} apps that are needed are") }
}

/// Whether a device can be had and shows something. What is wrong is said for people.
async fn is_well(options: &DeviceOptions, look: Duration) -> Result<(), String> {
    let mut device = Device::open(options).await.map_err(|error| error.to_string())?;
    let seen = screen(&mut device, look).await;
    drop(device.close().await);
    seen.map(drop)
}

/// Looks at a device on which an attempt has failed; has it started anew, so often, if it is not well. `devices` are those of several cases
/// on it: it is well if one of them can be had, as the preparation of a case may fail for reasons of its own.
///
/// # Errors
/// What is wrong with it, for people, if it is not well after all.
pub(super) async fn recover(devices: &[DeviceOptions], look: Duration, restarts_max: u32) -> Result<(), String> {
    let mut result = is_any_well(devices, look).await;
    for _ in 0..restarts_max {
        let (Err(_), Some(options)) = (&result, devices.first()) else { break };
        if let DeviceAddress::Custom(CustomDevice(device)) = &options.at
            && let Err(error) = device.restart(options.connect).await
        {
            result = Err(error.to_string());
            continue;
        }
        result = is_any_well(devices, look).await;
    }
    result
}

async fn is_any_well(devices: &[DeviceOptions], look: Duration) -> Result<(), String> {
    let mut result = Ok(());
    for options in devices {
        result = is_well(&calm_options(options, &options.at), look).await;
        if result.is_ok() {
            break;
        }
    }
    result
}
