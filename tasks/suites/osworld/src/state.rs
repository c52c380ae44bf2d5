//! The state of a device as it is asked for and as it was answered: all that a score is computed from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::output::StateFile;

/// Something that is asked of the device, the task set's files, or the web.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StateRequest {
    /// A file of the device; `~` is the user's folder.
    File {
        path: String,
    },
    /// A program, with what it takes; a text alone is for the shell or is split as a shell would.
    Command {
        command: Vec<String>,
        is_text: bool,
        shell: bool,
    },
    AccessibilityTree,
    TerminalOutput,
    ScreenSize,
    WindowSize {
        app_class: String,
    },
    Folder {
        path: String,
    },
    DesktopFolder,
    Wallpaper,
    /// A file that the task names by its address.
    Download {
        url: String,
    },
    /// A file that set-up wrote into the task's cache.
    CacheFile {
        path: String,
    },
    /// The status page of VLC.
    VlcStatus,
    /// Addresses and titles of all tabs.
    Tabs,
    /// A page as the browser shows it: its title, address and content.
    Page {
        url: String,
    },
    /// Texts of elements of the tab that has this address: `{"url", "found": [[text, …], …]}`, a list for each query.
    PageElements {
        url: String,
        queries: Vec<PageQuery>,
    },
    /// What Chrome's page of settings says of light and dark: `{"preferences": {"browser.theme.color_scheme": 2, …}, "chosen": ["Dark", …]}`,
    /// with the texts of all that is chosen there. The page is in front afterwards, as with upstream.
    ChromeAppearance,
    /// Keys that are pressed, after which the state is another one.
    VscodeCommand {
        command: String,
    },
    /// The day on which the task is judged, in a time zone.
    Today {
        time_zone: Option<String>,
    },
    /// What only a live page or an account can tell: a getter of the task, and its parameters as JSON.
    Other {
        getter: String,
        parameters: String,
    },
}

/// What is asked of a page.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PageQuery {
    pub kind: PageQueryKind,
    /// A selector of CSS or, of the kinds that say so, an XPath.
    pub selector: String,
}

/// Which texts are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PageQueryKind {
    /// Of each element.
    Texts,
    /// What stands in the first element itself, and not in others inside it.
    OwnTextsOfFirst,
    /// The first heading of the third level in each element.
    Headings,
    /// What stands in the `li.catAllProducts` of each element.
    ListItems,
    /// Of the first element that an XPath finds.
    #[serde(rename = "x_path")]
    XPath,
    /// What is written in the first field that an XPath finds.
    #[serde(rename = "x_path_input")]
    XPathInput,
}

/// What came back.
#[derive(Clone, Debug, PartialEq)]
pub enum StateReply {
    File(StateFile),
    /// It is not there.
    Missing,
    Text(String),
    Value(Value),
    Command {
        output: String,
        error: String,
    },
    Day {
        year: i32,
        month: u32,
        day: u32,
    },
    /// It could not be asked.
    Failed {
        why: String,
    },
}

/// All replies, by what was asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StateSnapshot {
    pub replies: BTreeMap<StateRequest, StateReply>,
}

/// Whatever can answer: a VM, a private desktop, a stub of a test.
pub trait StateSource {
    fn fetch(&mut self, request: &StateRequest) -> StateReply;
}
