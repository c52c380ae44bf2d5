//! A machine and a browser that only pretend, for tests of whole task sets: whatever is asked of them has an answer of the right kind.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use tapwright_contract::Size;
use tapwright_drivers::osworld::machine::{
    CommandOutput, ControlledMachine, FolderEntry, MachineCommand, MachineError, MachineErrorKind, MachineService,
    MachineWindow, WindowName,
};

use super::super::SCREEN;
use super::super::browser::{BrowserError, MachineBrowser, Tab};

/// What VLC's status page says while nothing is played.
pub const VLC_STATUS: &str = "<?xml version=\"1.0\"?><root><fullscreen>false</fullscreen><state>stopped</state><information><category name=\"meta\"><info name=\"filename\">a.mp4</info></category></information></root>";
/// What the address bar says, and nothing else.
const TREE: &str = r#"<desktop-frame name="main"><application name="Google Chrome"><frame><entry name="Address and search bar">example.org/page?q=1</entry></frame></application></desktop-frame>"#;
const PAGE: &str = "https://www.example.org/page?q=1";

/// A small file of the kind that a name says: of our own making, and readable by whatever reads such files.
pub fn sample(name: &str) -> Vec<u8> {
    let name = name.split('?').next().unwrap_or_default().to_lowercase();
    let end = name.rsplit('/').next().unwrap_or_default().rsplit('.').next().unwrap_or_default();
    let is = |what: &str| name.ends_with(what);
    let bytes: &[u8] = match end {
        "xlsx" => include_bytes!("../samples/sample.xlsx"),
        "docx" => include_bytes!("../samples/sample.docx"),
        "pptx" => include_bytes!("../samples/sample.pptx"),
        "odt" => include_bytes!("../samples/sample.odt"),
        "pdf" => include_bytes!("../samples/sample.pdf"),
        "png" => include_bytes!("../samples/sample.png"),
        "jpg" | "jpeg" => include_bytes!("../samples/sample.jpg"),
        "gif" => include_bytes!("../samples/sample.gif"),
        "mp3" => include_bytes!("../samples/sample.mp3"),
        "wav" => include_bytes!("../samples/sample.wav"),
        "mp4" => include_bytes!("../samples/sample.mp4"),
        "epub" => include_bytes!("../samples/sample.epub"),
        "zip" => include_bytes!("../samples/sample.zip"),
        "gz" => include_bytes!("../samples/sample.tar.gz"),
        "sqlite" | "cookies" | "history" => include_bytes!("../samples/sample.sqlite"),
        "json" | "preferences" => b"{}",
        "code-workspace" => b"{\"folders\": []}",
        "csv" => b"Name,Amount\nAda,12\n",
        "yml" | "yaml" => b"name: Ada\n",
        "xcu" => br#"<?xml version="1.0"?><oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"/>"#,
        "html" => b"<html><head><title>A page</title></head><body><p>Some words</p></body></html>",
        "js" => b"user_pref(\"a.b\", true);\n",
        _ if is("bookmarks") => br#"{"roots": {"bookmark_bar": {"type": "folder", "children": []}}}"#,
        _ if is("local state") => b"{}",
        _ if is("vlcrc") => b"qt-bgcone=1\nqt-max-volume=125\none-instance-when-started-from-file=1\nqt-minimal-view=0\nqt-slider-colours=1;2\nglobal-key-play-pause=\ninput-record-path=/home/user\n",
        _ if is("gimprc") => b"(theme \"Dark\")\n(undo-levels 5)\n",
        _ => b"One line of text.\nAnother line of text.\n",
    };
    bytes.to_vec()
}

type Answer<T> = Result<T, MachineError>;

/// A machine on which every program opens a window, most commands say nothing, and each path has a file of the right kind.
#[derive(Default)]
pub struct StubMachine {
    windows: Mutex<Vec<MachineWindow>>,
    /// What was written to it.
    files: Mutex<BTreeMap<String, Vec<u8>>>,
}

impl StubMachine {
    fn open_window(&self, title: String) {
        self.windows.lock().unwrap().push(MachineWindow { title, class: "stub.Stub".to_owned(), is_active: true });
    }
}

#[async_trait]
impl ControlledMachine for StubMachine {
    fn name(&self) -> &str {
        "stub"
    }

    async fn execute(&self, command: &MachineCommand, _within: Duration) -> Answer<CommandOutput> {
        let line = format!("{:?}", command.words);
        // What tasks read out of what commands say, and cannot judge if nothing is said.
        let answers = [
            ("timedatectl", "one\ntwo\nthree\n Time zone: Etc/UTC (UTC, +0000)\nfive\n"),
            ("date", "2026 11 28\n"),
            ("favorite-apps", "['a.desktop']\n"),
            ("image_script", "{}\n"),
        ];
        let output = answers.iter().find(|(word, _)| line.contains(word)).map_or("", |(_, output)| *output);
        Ok(CommandOutput { output: output.to_owned(), ..CommandOutput::default() })
    }

    async fn launch(&self, command: &MachineCommand, _within: Duration) -> Answer<()> {
        let count = self.windows.lock().unwrap().len();
        self.open_window(format!("{count} {command:?}"));
        Ok(())
    }

    async fn read_file(&self, path: &str, _within: Duration) -> Answer<Option<Vec<u8>>> {
        let written = self.files.lock().unwrap().get(path).cloned();
        Ok(Some(written.unwrap_or_else(|| sample(path))))
    }

    async fn write_file(&self, path: &str, content: &[u8], _within: Duration) -> Answer<()> {
        self.files.lock().unwrap().insert(path.to_owned(), content.to_vec());
        Ok(())
    }

    async fn open_file(&self, path: &str, _within: Duration) -> Answer<()> {
        self.open_window(path.to_owned());
        Ok(())
    }

    async fn activate_window(&self, _window: &WindowName, _within: Duration) -> Answer<bool> {
        Ok(true)
    }

    async fn close_window(&self, _window: &WindowName, _within: Duration) -> Answer<bool> {
        Ok(true)
    }

    async fn windows(&self, _within: Duration) -> Answer<Vec<MachineWindow>> {
        Ok(self.windows.lock().unwrap().clone())
    }

    async fn accessibility_tree(&self, _within: Duration) -> Answer<String> {
        Ok(TREE.to_owned())
    }

    async fn screenshot(&self, _within: Duration) -> Answer<Vec<u8>> {
        Ok(Vec::new())
    }

    async fn terminal_output(&self, _within: Duration) -> Answer<Option<String>> {
        Ok(Some("user@stub:~$ ".to_owned()))
    }

    async fn screen_size(&self, _within: Duration) -> Answer<Size> {
        Ok(SCREEN)
    }

    async fn cursor_position(&self, _within: Duration) -> Answer<(i32, i32)> {
        Ok((0, 0))
    }

    async fn window_size(&self, _app_class: &str, _within: Duration) -> Answer<Option<Size>> {
        Ok(Some(SCREEN))
    }

    async fn desktop_folder(&self, _within: Duration) -> Answer<String> {
        Ok("/home/user/Desktop".to_owned())
    }

    async fn list_folder(&self, path: &str, _within: Duration) -> Answer<Option<FolderEntry>> {
        Ok(Some(FolderEntry { name: path.to_owned(), children: Some(Vec::new()) }))
    }

    async fn wallpaper(&self, _within: Duration) -> Answer<Option<Vec<u8>>> {
        Ok(Some(sample("wallpaper.png")))
    }

    async fn set_wallpaper(&self, _path: &str, _within: Duration) -> Answer<bool> {
        Ok(true)
    }

    async fn service(&self, _service: MachineService, _within: Duration) -> Answer<String> {
        let kind = MachineErrorKind::Unreachable { why: "it has none".to_owned() };
        Err(MachineError { machine: "stub".to_owned(), operation: "reach a service".to_owned(), kind })
    }
}

/// A browser that shows one page, whatever is opened.
#[derive(Default)]
pub struct StubBrowser {
    tabs: Mutex<Vec<Tab>>,
}

#[async_trait]
impl MachineBrowser for StubBrowser {
    async fn absence(&self) -> Result<Option<String>, BrowserError> {
        Ok(None)
    }

    async fn tabs(&self) -> Result<Vec<Tab>, BrowserError> {
        Ok(self.tabs.lock().unwrap().clone())
    }

    async fn open_tabs(&self, urls: &[String]) -> Result<(), BrowserError> {
        let tab = |url: &String| Tab {
            id: url.clone(),
            kind: "page".to_owned(),
            title: "A page".to_owned(),
            url: url.clone(),
        };
        self.tabs.lock().unwrap().extend(urls.iter().map(tab));
        Ok(())
    }

    async fn close_tabs(&self, urls: &[String]) -> Result<(), BrowserError> {
        self.tabs.lock().unwrap().retain(|tab| !urls.contains(&tab.url));
        Ok(())
    }

    async fn page(&self, url: &str) -> Result<Value, BrowserError> {
        Ok(json!({"title": "A page", "url": url, "content": "<html><body><p>Some words</p></body></html>"}))
    }

    async fn texts(&self, _url: &str, queries: &Value) -> Result<Option<Value>, BrowserError> {
        let found: Vec<Value> = queries.as_array().into_iter().flatten().map(|_| json!([" Some words "])).collect();
        Ok(Some(json!({"url": PAGE, "found": found})))
    }

    async fn appearance(&self) -> Result<Option<Value>, BrowserError> {
        Ok(Some(json!({"preferences": {"extensions.theme.system_theme": 1}, "chosen": ["Dark"]})))
    }
}
