//! Answers what evaluator functions ask of a machine.

use std::time::Duration;

use serde_json::{Value, json};
use tapwright_drivers::osworld::machine::{
    COMMAND_TIME, CommandWords, ControlledMachine, FolderEntry, MachineCommand, MachineError, MachineErrorKind,
    MachineService,
};
use tapwright_osworld::output::StateFile;
use tapwright_osworld::state::{StateReply, StateRequest};
use tapwright_osworld::task::OsworldTask;

use super::browser::MachineBrowser;
use super::setup::CacheFiles;
use crate::osworld::assets::{Assets, destination};

/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(60);
/// The status page of VLC, with the password that upstream's machine has for it.
const VLC_PASSWORD: &str = "password";
/// No status page is longer.
const VLC_BYTES_MAX: usize = 1 << 20;

/// What can be asked while a task is scored.
pub struct MachineState<'a> {
    pub machine: &'a dyn ControlledMachine,
    pub browser: &'a dyn MachineBrowser,
    pub task: &'a OsworldTask,
    pub assets: &'a Assets,
    /// What set-up has written, and what was done before scoring.
    pub cache: &'a CacheFiles,
}

fn failed(why: impl ToString) -> StateReply {
    StateReply::Failed { why: why.to_string() }
}

fn file(name: &str, content: Option<Vec<u8>>) -> StateReply {
    content.map_or(StateReply::Missing, |content| StateReply::File(StateFile::new(name, content)))
}

impl MachineState<'_> {
    /// The answer to a question; what cannot be asked is said to have failed, which is never a zero.
    pub async fn fetch(&self, request: &StateRequest) -> StateReply {
        self.answer(request).await.unwrap_or_else(failed)
    }

    async fn answer(&self, request: &StateRequest) -> Result<StateReply, MachineError> {
        let machine = self.machine;
        Ok(match request {
            StateRequest::File { path } => file(path, machine.read_file(path, ANSWER).await?),
            StateRequest::Command { command, is_text, shell } => self.command(command, *is_text, *shell).await?,
            StateRequest::AccessibilityTree => StateReply::Text(machine.accessibility_tree(ANSWER).await?),
            StateRequest::TerminalOutput => {
                machine.terminal_output(ANSWER).await?.map_or(StateReply::Missing, StateReply::Text)
            }
            StateRequest::ScreenSize => {
                let size = machine.screen_size(ANSWER).await?;
                StateReply::Value(json!({"width": size.width, "height": size.height}))
            }
            StateRequest::WindowSize { app_class } => match machine.window_size(app_class, ANSWER).await? {
                Some(size) => StateReply::Value(json!({"width": size.width, "height": size.height})),
                None => StateReply::Missing,
            },
            StateRequest::Folder { path } => match machine.list_folder(path, ANSWER).await? {
                Some(folder) => StateReply::Value(listing(&folder)),
                None => StateReply::Missing,
            },
            StateRequest::DesktopFolder => StateReply::Text(machine.desktop_folder(ANSWER).await?),
            StateRequest::Wallpaper => file("wallpaper", machine.wallpaper(ANSWER).await?),
            StateRequest::Download { url } => {
                match self.assets.read(&self.task.id, url, &destination(self.task, url)) {
                    Ok(content) => file(url, Some(content)),
                    Err(error) => failed(error),
                }
            }
            StateRequest::CacheFile { path } => file(path, self.cache.get(path).cloned()),
            StateRequest::VlcStatus => self.vlc_status().await?,
            StateRequest::Tabs => match self.browser.tabs().await {
                Ok(tabs) => {
                    StateReply::Value(tabs.iter().map(|tab| json!({"title": tab.title, "url": tab.url})).collect())
                }
                Err(error) => failed(error),
            },
            StateRequest::Page { url } => match self.browser.page(url).await {
                Ok(page) => StateReply::Value(page),
                Err(error) => failed(error),
            },
            StateRequest::PageElements { url, queries } => match self.browser.texts(url, &json!(queries)).await {
                Ok(Some(texts)) => StateReply::Value(texts),
                Ok(None) => StateReply::Missing,
                Err(error) => failed(error),
            },
            StateRequest::ChromeAppearance => match self.browser.appearance().await {
                Ok(Some(told)) => StateReply::Value(told),
                Ok(None) => StateReply::Missing,
                Err(error) => failed(error),
            },
            StateRequest::Today { time_zone } => self.today(time_zone.as_deref()).await?,
            StateRequest::VscodeCommand { .. } => failed("Visual Studio Code is not driven here"),
            StateRequest::Other { getter, .. } => {
                failed(format!("the getter {getter} wants an account or a site of the web, which is not asked here"))
            }
        })
    }

    async fn command(&self, words: &[String], is_text: bool, shell: bool) -> Result<StateReply, MachineError> {
        let words = match (is_text, words) {
            (true, [line]) => CommandWords::Text(line.clone()),
            (_, words) => CommandWords::List(words.to_vec()),
        };
        match self.machine.execute(&MachineCommand { words, shell }, COMMAND_TIME).await {
            Ok(ran) => Ok(StateReply::Command { output: ran.output, error: ran.error }),
            // Upstream's server says no, and its getter gives nothing.
            Err(MachineError { kind: MachineErrorKind::Refused { .. }, .. }) => Ok(StateReply::Missing),
            Err(error) => Err(error),
        }
    }

    /// The machine's own day: its pages and programs go by that.
    async fn today(&self, time_zone: Option<&str>) -> Result<StateReply, MachineError> {
        let zone = time_zone.map_or_else(|| "LC_ALL=C".to_owned(), |zone| format!("TZ={zone}"));
        let command = MachineCommand::program(["env", zone.as_str(), "date", "+%Y %m %d"]);
        let told = self.machine.execute(&command, ANSWER).await?.output;
        let numbers: Vec<u32> = told.split_whitespace().filter_map(|number| number.parse().ok()).collect();
        Ok(match numbers[..] {
            [year, month, day] => match i32::try_from(year) {
                Ok(year) => StateReply::Day { year, month, day },
                Err(error) => failed(error),
            },
            _ => failed(format!("the machine says that today is {told:?}")),
        })
    }

    async fn vlc_status(&self) -> Result<StateReply, MachineError> {
        let address = self.machine.service(MachineService::Vlc, ANSWER).await?;
        let asked = async {
            let client = reqwest::Client::builder().no_proxy().timeout(ANSWER).build()?;
            let request = client.get(format!("http://{address}/requests/status.xml"));
            let mut answer = request.basic_auth("", Some(VLC_PASSWORD)).send().await?;
            let is_there = answer.status().is_success();
            let mut bytes = Vec::new();
            while let Some(chunk) = answer.chunk().await? {
                bytes.extend_from_slice(&chunk[..chunk.len().min(VLC_BYTES_MAX - bytes.len().min(VLC_BYTES_MAX))]);
            }
            Ok::<_, reqwest::Error>(is_there.then_some(bytes))
        };
        Ok(match asked.await {
            Ok(status) => file("status.xml", status),
            Err(error) if error.is_connect() => StateReply::Missing,
            Err(error) => failed(error.without_url()),
        })
    }
}

/// A folder as upstream's server lists it.
fn listing(entry: &FolderEntry) -> Value {
    match &entry.children {
        None => json!({"type": "file", "name": entry.name}),
        Some(children) => {
            json!({"type": "directory", "name": entry.name, "children": children.iter().map(listing).collect::<Vec<_>>()})
        }
    }
}
