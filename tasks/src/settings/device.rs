//! Which phone, where an adb server is, and where people answer.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tapwright_contract::Size;
use tapwright_drivers::androidworld::AndroidWorldAddress;
use tapwright_drivers::desktop::OfficeAddress;
use toml::Spanned;

use super::file::ProtectedWindows;
use super::model::{absolute, is_withheld};
use super::{ForeignSetting, MachineDesktop, MachineFacts, Overrides, SettingsError, SettingsFile, weather_named};
use crate::desk::DeskOptions;
use crate::device::{
    BrowserAddress, BrowserOptions, CustomDevice, DesktopAddress, DesktopOptions, DeviceAddress, DeviceOptions,
    FunctionOwners, Keys, LaunchOptions, MachineOptions, PageToolSites, PhoneOptions, SIDES, Settle, Site, Weather,
    without_machine_token, without_token,
};
use crate::origin::LaunchSettings;
use crate::page_server::PageServerOptions;
use crate::serve::AppSelection;

/// A world in which Wi-Fi is off, and Anna is among the latest who have written.
const SEED: u64 = 16;
const SIZE: Size = Size { width: 540, height: 1200 };
const ADB_SERVER: &str = "127.0.0.1:5037";
/// Of a private desktop and a browser: what most programs are made for, and small enough for a model to read.
const DESKTOP_SIZE: Size = Size { width: 1280, height: 800 };

/// The phone that is meant.
pub(super) struct FoundDevice {
    pub options: DeviceOptions,
    /// As a record keeps it.
    pub words: Option<String>,
    pub adb_server: String,
}

#[allow(clippy::too_many_arguments)] // Each is another source of settings; together they would be a struct that is used once.
pub(super) fn resolve(
    file: &SettingsFile,
    overrides: &Overrides,
    recorded: &LaunchSettings,
    is_own: bool,
    phone: &PhoneOptions,
    weather: Weather,
    machine: &MachineFacts<'_>,
    foreign: &mut Vec<ForeignSetting>,
) -> Result<FoundDevice, SettingsError> {
    let section = &file.sections.device;
    let sites = sites(file)?;
    let mut is_recorded = false;
    let words = match (&overrides.device, &recorded.device) {
        _ if overrides.only_virtual => None,
        (Some(words), _) => Some(words.clone()),
        (None, Some(words)) => {
            is_recorded = true;
            // What was left out of a record is in the settings, or nowhere.
            match section.r#use.as_ref().filter(|own| recorded_words(own) == recorded_words(words)) {
                Some(own) => Some(own.clone()),
                None if is_withheld(words) => {
                    let kind = words.split(':').next().unwrap_or_default();
                    let why =
                        format!("the run was on {words}, and a record does not hold what was left out of that address");
                    let help =
                        format!("name it whole: --device {kind}:ADDRESS, or use = \"{kind}:ADDRESS\" in [device]");
                    return Err(SettingsError::usage(why, help));
                }
                None => {
                    if !is_own && words != "virtual" {
                        foreign.push(ForeignSetting {
                            what: "device",
                            value: recorded_words(words),
                            flag: "--device DEVICE",
                        });
                    }
                    Some(words.clone())
                }
            }
        }
        (None, None) => section.r#use.clone(),
    };
    let own_server = section.adb_server.clone().or(machine.adb_server.clone()).unwrap_or_else(|| ADB_SERVER.to_owned());
    let recorded_server = recorded.adb_server.clone().filter(|_| is_own || is_recorded);
    let adb_server = match (&overrides.adb_server, recorded_server) {
        (Some(server), _) => server.clone(),
        (None, Some(server)) => {
            let meant = address(words.as_deref(), phone, &server, &machine.desktop, &sites);
            let used = matches!(meant, DeviceAddress::Server { .. });
            if !is_own && used && server != own_server {
                let (value, flag) = (server.clone(), "--adb-server HOST:PORT");
                foreign.push(ForeignSetting { what: "adb server", value, flag });
            }
            server
        }
        (None, None) => own_server,
    };
    let ms = Duration::from_millis;
    let mut at = address(words.as_deref(), phone, &adb_server, &machine.desktop, &sites);
    allow_calls(file, machine, &mut at)?;
    let options = DeviceOptions {
        at,
        weather,
        connect: ms(section.connect_ms.unwrap_or(10_000)),
        keys: Keys {
            files: match &section.keys {
                Some(files) => files.iter().map(|key| file.beside(key)).collect(),
                None => machine.adb_keys.clone(),
            },
            person: ms(section.authorize_ms.unwrap_or(60_000)),
        },
        find_again: ms(section.reconnect_ms.unwrap_or(5_000)),
        probe: Duration::from_secs(10),
        words: section.protected.unwrap_or_default() == ProtectedWindows::Words,
        app_functions: match section.app_functions.as_deref().unwrap_or_default() {
            [] => FunctionOwners::None,
            packages if packages.iter().any(|package| package == "*") => FunctionOwners::All,
            packages => FunctionOwners::Packages(packages.to_vec()),
        },
    };
    Ok(FoundDevice { options, words: words.as_deref().map(recorded_words), adb_server })
}

/// The words for a device as a record keeps them: without what opens a browser to whoever reads it.
pub(super) fn recorded_words(words: &str) -> String {
    match words.split_once(':') {
        Some(("browser", address)) => format!("browser:{}", without_token(address)),
        Some(("osworld", address)) => format!("osworld:{}", without_machine_token(address)),
        _ => words.to_owned(),
    }
}

/// Where somebody's LibreOffice listens.
fn office(
    file: &SettingsFile,
    said: &Spanned<String>,
    machine: &MachineFacts<'_>,
) -> Result<OfficeAddress, SettingsError> {
    OfficeAddress::new(said.get_ref(), machine.desktop.folder.clone()).ok_or_else(|| {
        let why = "this is not where LibreOffice listens on this computer".to_owned();
        let help = "start it with --accept=\"pipe,name=NAME;urp\", and write libreoffice = \"pipe,name=NAME\"";
        file.wrong(Some(said.span()), why, Some(help.to_owned()))
    })
}

/// What a desktop's and a browser's own calls may reach.
fn allow_calls(file: &SettingsFile, machine: &MachineFacts<'_>, at: &mut DeviceAddress) -> Result<(), SettingsError> {
    let section = &file.sections.device;
    let folders = section.folders.iter().map(|folder| allowed_folder(file, folder)).collect::<Result<Vec<_>, _>>()?;
    let office = section.libreoffice.as_ref().map(|said| office(file, said, machine)).transpose()?;
    let page_tools = page_tools(file)?;
    match at {
        DeviceAddress::Desktop(desktop) => {
            desktop.folders = folders;
            desktop.office = office;
        }
        DeviceAddress::Browser(browser) => browser.page_tools = page_tools,
        DeviceAddress::Virtual(_)
        | DeviceAddress::Direct { .. }
        | DeviceAddress::Server { .. }
        | DeviceAddress::Machine(_)
        | DeviceAddress::Custom(_) => {}
    }
    Ok(())
}

/// A folder whose files a model may read and write.
fn allowed_folder(file: &SettingsFile, folder: &Spanned<PathBuf>) -> Result<PathBuf, SettingsError> {
    let at = PathBuf::from(absolute(&file.beside(folder.get_ref())));
    if at.is_dir() {
        return Ok(at);
    }
    let help = "make it, or leave it out; a path is relative to this file";
    Err(file.wrong(Some(folder.span()), format!("there is no folder {}", at.display()), Some(help.to_owned())))
}

/// What can be launched in a browser by a name.
fn sites(file: &SettingsFile) -> Result<Vec<Site>, SettingsError> {
    let read = |(name, address): (&String, &Spanned<String>)| {
        Site::new(name, address.get_ref())
            .map_err(|why| file.wrong(Some(address.span()), why, Some("https://example.com".to_owned())))
    };
    file.sections.device.sites.iter().map(read).collect()
}

/// Whose pages may offer tools to the model.
fn page_tools(file: &SettingsFile) -> Result<PageToolSites, SettingsError> {
    let Some(said) = &file.sections.device.page_tools else { return Ok(PageToolSites::None) };
    PageToolSites::read(said.get_ref()).map_err(|why| file.wrong(Some(said.span()), why, None))
}

/// Which phone some words mean.
pub(super) fn address(
    words: Option<&str>,
    phone: &PhoneOptions,
    server: &str,
    machine: &MachineDesktop,
    sites: &[Site],
) -> DeviceAddress {
    let through_server = |serial: &str| DeviceAddress::Server { server: server.to_owned(), serial: serial.to_owned() };
    match words {
        None | Some("virtual") => DeviceAddress::Virtual(phone.clone()),
        Some("desktop") => desktop(DesktopAddress::Display(machine.display.clone().unwrap_or_default()), machine),
        Some(words) if words.starts_with("desktop:") => {
            let at = match &words["desktop:".len()..] {
                "private" => DesktopAddress::Private { size: DESKTOP_SIZE, folder: machine.folder.clone() },
                "portable" => DesktopAddress::Portable { display: machine.display.clone() },
                other => match other.strip_prefix("private:").map(size_of) {
                    Some(Ok(size)) => DesktopAddress::Private { size, folder: machine.folder.clone() },
                    _ => DesktopAddress::Display(other.to_owned()),
                },
            };
            desktop(at, machine)
        }
        Some("browser") => browser(private_browser(DESKTOP_SIZE, machine), sites),
        Some(words) if words.starts_with("browser:") => {
            let at = match &words["browser:".len()..] {
                other if is_address(other) && !other.contains('/') => {
                    BrowserAddress::Endpoint(format!("http://{other}"))
                }
                other => match size_of(other) {
                    Ok(size) => private_browser(size, machine),
                    Err(_) => BrowserAddress::Endpoint(other.to_owned()),
                },
            };
            browser(at, sites)
        }
        // Without an address the error says how one is written.
        Some("osworld") => machine_behind(""),
        Some(words) if words.starts_with("osworld:") => machine_behind(&words["osworld:".len()..]),
        Some(words) if words == "androidworld" || words.starts_with("androidworld:") => {
            let at = words.strip_prefix("androidworld:").unwrap_or_default().to_owned();
            DeviceAddress::Custom(CustomDevice(Arc::new(AndroidWorldAddress(at))))
        }
        Some(words) => match words.strip_prefix("adb:") {
            Some(serial) => through_server(serial),
            None if is_address(words) => DeviceAddress::Direct { address: words.to_owned() },
            None => through_server(words),
        },
    }
}

fn desktop(at: DesktopAddress, machine: &MachineDesktop) -> DeviceAddress {
    let MachineDesktop { menu, bus, machine, .. } = machine.clone();
    DeviceAddress::Desktop(DesktopOptions {
        at,
        settle: Settle::DESKTOP,
        applications: menu,
        folders: Vec::new(),
        bus,
        machine,
        office: None,
        methods: Vec::new(),
    })
}

fn private_browser(size: Size, machine: &MachineDesktop) -> BrowserAddress {
    let folder = machine.folder.clone();
    BrowserAddress::Private(LaunchOptions { program: None, size, scale_percent: 100, folder })
}

fn browser(at: BrowserAddress, sites: &[Site]) -> DeviceAddress {
    let page_tools = PageToolSites::None;
    DeviceAddress::Browser(BrowserOptions { at, settle: Settle::BROWSER, sites: sites.to_vec(), page_tools })
}

fn machine_behind(address: &str) -> DeviceAddress {
    DeviceAddress::Machine(MachineOptions { address: address.to_owned(), settle: Settle::DESKTOP })
}

/// `HOST:PORT`
fn is_address(words: &str) -> bool {
    words.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
}

pub(super) fn phone(file: &SettingsFile, overrides: &Overrides) -> Result<PhoneOptions, SettingsError> {
    let section = &file.sections.phone;
    let size = match (overrides.size, &section.size) {
        (Some(size), _) => size,
        (None, Some(text)) => {
            size_of(text.get_ref()).map_err(|why| file.wrong(Some(text.span()), why, Some("540x1200".to_owned())))?
        }
        (None, None) => SIZE,
    };
    let seed = overrides.seed.or(section.seed).unwrap_or(SEED);
    let apps = match (overrides.apps, &section.apps) {
        (Some(apps), _) => apps,
        (None, Some(name)) => {
            let known = AppSelection::NAMES.iter().find(|(known, _)| known == name.get_ref());
            let wrong =
                || file.wrong(Some(name.span()), "the apps are basic or all".to_owned(), Some("all".to_owned()));
            known.map(|(_, apps)| *apps).ok_or_else(wrong)?
        }
        (None, None) => AppSelection::default(),
    };
    Ok(PhoneOptions { seed, width: size.width, height: size.height, apps, ..PhoneOptions::default() })
}

pub(super) fn weather(file: &SettingsFile, overrides: &Overrides) -> Result<Weather, SettingsError> {
    let section = &file.sections.phone;
    let seed = overrides.weather_seed.or(section.weather_seed).unwrap_or(0);
    let (name, span) = match (&overrides.weather, &section.weather) {
        (Some(name), _) => (name.as_str(), None),
        (None, Some(name)) => (name.get_ref().as_str(), Some(name.span())),
        (None, None) => ("calm", None),
    };
    weather_named(name, seed).map_err(|(why, help)| file.wrong(span, why, Some(help)))
}

pub(super) fn desk(file: &SettingsFile, overrides: &Overrides) -> Result<Option<DeskOptions>, SettingsError> {
    let section = &file.sections.ask;
    let listen = match (overrides.ask, &section.listen) {
        (None, Some(words)) => Some(words.get_ref().parse().map_err(|_| {
            let why = format!("{:?} is no address to listen at", words.get_ref());
            file.wrong(Some(words.span()), why, Some("127.0.0.1:8790".to_owned()))
        })?),
        (given, _) => given,
    };
    let (open, watch) = (overrides.ask_open || section.open, overrides.watch);
    let listen = listen.or(watch.then_some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))));
    Ok(listen.map(|listen| DeskOptions { server: PageServerOptions { listen, open }, watch }))
}

/// Reads `540x1200`.
///
/// # Errors
/// What is wrong with it.
pub fn size_of(text: &str) -> Result<Size, String> {
    let parts = text.split_once('x').and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    let (width, height) = parts.ok_or("a size is written like 540x1200")?;
    let (widths, heights) = SIDES;
    if !widths.contains(&width) || !heights.contains(&height) {
        return Err(format!(
            "a display is {} to {} pixels wide and {} to {} high",
            widths.start(),
            widths.end(),
            heights.start(),
            heights.end()
        ));
    }
    Ok(Size { width, height })
}
