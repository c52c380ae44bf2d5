//! What is known of a browser's tabs, by what it tells: pure, so that it can be tested on what browsers say.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tapwright_contract::Size;
use tapwright_contract::device::DriverErrorKind;

use super::cdp::{CdpEvent, Post};

/// So many tabs are kept. A page that opens more finds them closed.
const TABS_MAX: usize = 64;
/// So many frames of other sites are followed in a tab, and so many requests.
const FRAMES_MAX: usize = 64;
const REQUESTS_MAX: usize = 1024;
/// So many downloads are remembered.
const DOWNLOADS_MAX: usize = 256;
/// So many dialogs of a page are shown that come one after the other, with nothing done to the page in between. Then no page may ask
/// on, or it would never be left.
pub(super) const DIALOGS_MAX: u32 = 5;
/// After so many more the script that asks is ended.
const UNSHOWN_MAX: u32 = 20;
/// No title, address or message is kept longer.
const TEXT_MAX: usize = 8192;

/// The pictures of a browser of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Viewport {
    /// In pixels of the picture.
    pub size: Size,
    pub scale_percent: u32,
}

impl Viewport {
    /// # Errors
    /// `Refused` if nobody can have such a picture.
    pub fn check(&self) -> Result<(), DriverErrorKind> {
        let sides = 100..=8192;
        if !sides.contains(&self.size.width)
            || !sides.contains(&self.size.height)
            || !(25..=500).contains(&self.scale_percent)
        {
            let why = format!(
                "a browser of {} at {} % cannot be had: sides go from 100 to 8192 pixels, the scale from 25 to 500 %",
                self.size, self.scale_percent
            );
            return Err(DriverErrorKind::Refused { why });
        }
        Ok(())
    }

    fn metrics(&self) -> Value {
        // In CSS pixels, of which each is `scale` pixels of the picture wide.
        let css = |side: u32| side * 100 / self.scale_percent;
        json!({
            "width": css(self.size.width), "height": css(self.size.height),
            "deviceScaleFactor": f64::from(self.scale_percent) / 100.0, "mobile": false,
        })
    }
}

/// One tab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tab {
    /// Counted from 0, never used twice.
    pub number: u64,
    /// Its name in the protocol, which is also that of its outermost frame.
    pub target: String,
    pub session: String,
    pub url: String,
    /// The page's own word.
    pub title: String,
    /// The address of the page that opened it.
    pub opener_url: Option<String>,
    /// The tab that opened it.
    pub opener: Option<u64>,
    /// Counts its documents: what was measured on one holds on no other.
    pub generation: u32,
    pub is_loading: bool,
    pub has_crashed: bool,
    /// Whether its page did not answer in time, and has not since.
    pub hangs: bool,
    /// Whether its page went elsewhere each time that it was looked at.
    pub is_restless: bool,
    /// Set if it is ours, and shows what is the matter with another one.
    pub drawing: Option<Drawing>,
    /// How many dialogs its page has opened since something was last done to it.
    pub dialogs_in_a_row: u32,
    /// What its page asks a person, and waits for.
    pub dialog: Option<PageDialog>,
    /// The field for files that waits for one.
    pub chooser: Option<FileChooser>,
    /// What is being dragged in it, as the browser wants it back.
    pub drag: Option<Value>,
    /// What it waits for from the network.
    pub requests: BTreeMap<String, ()>,
    /// Frames of other sites, by their names.
    pub frames: BTreeMap<String, Frame>,
}

/// A frame of another site, which has a process of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub session: String,
    pub url: String,
}

/// What a tab of ours shows, and of which other one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Drawing {
    /// What its page asks. Nothing can be done to it before that is answered.
    Dialog { of: u64 },
    /// That its page does not answer, goes elsewhere all the time, or has crashed. It can be reloaded and left.
    Trouble { of: u64 },
}

impl Drawing {
    /// The tab that it is about.
    pub fn of(self) -> u64 {
        match self {
            Drawing::Dialog { of } | Drawing::Trouble { of } => of,
        }
    }
}

/// The document that was looked at last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SeenDocument {
    pub number: u64,
    pub generation: u32,
    /// The look's number, which is also written into our world in the document.
    pub look: u64,
}

/// A dialog of a page: `alert`, `confirm`, `prompt` or `beforeunload`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PageDialog {
    pub kind: String,
    pub message: String,
    pub default: String,
    /// Tells it from others of its tab.
    pub number: u64,
}

/// A field for files that was pressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileChooser {
    pub session: String,
    pub node: i64,
    pub takes_several: bool,
}

/// Something that was downloaded, or is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Download {
    pub id: String,
    /// As the page proposes to call it.
    pub name: String,
    pub url: String,
    /// `inProgress`, `completed` or `canceled`.
    pub state: String,
    pub bytes: u64,
}

/// All tabs.
#[derive(Debug)]
pub(super) struct Tabs {
    viewport: Option<Viewport>,
    tabs: Vec<Tab>,
    front: Option<u64>,
    next: u64,
    dialogs: u64,
    /// What calls and gestures are meant for.
    pub seen: Option<SeenDocument>,
    pub downloads: Vec<Download>,
    has_ended: bool,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().chars().take(TEXT_MAX).collect()
}

fn post(session: &str, method: &'static str, params: Value) -> Post {
    Post { session: Some(session.to_owned()), method, params }
}

impl Tabs {
    pub fn new(viewport: Option<Viewport>) -> Tabs {
        Tabs {
            viewport,
            tabs: Vec::new(),
            front: None,
            next: 0,
            dialogs: 0,
            seen: None,
            downloads: Vec::new(),
            has_ended: false,
        }
    }

    /// The browser is gone.
    pub fn end(&mut self) {
        self.has_ended = true;
    }

    pub fn has_ended(&self) -> bool {
        self.has_ended
    }

    pub fn all(&self) -> &[Tab] {
        &self.tabs
    }

    pub fn front(&self) -> Option<&Tab> {
        self.front.and_then(|number| self.tab(number))
    }

    pub fn tab(&self, number: u64) -> Option<&Tab> {
        self.tabs.iter().find(|tab| tab.number == number)
    }

    /// Changes what is known of a tab, if it is there.
    pub fn change(&mut self, number: u64, change: impl FnOnce(&mut Tab)) {
        self.tabs.iter_mut().find(|tab| tab.number == number).map(change);
    }

    /// The same, of the tab of a target.
    fn change_target(&mut self, target: &Value, change: impl FnOnce(&mut Tab)) {
        self.tabs.iter_mut().find(|tab| target.as_str() == Some(&*tab.target)).map(change);
    }

    pub fn of_target(&self, target: &str) -> Option<&Tab> {
        self.tabs.iter().find(|tab| tab.target == target)
    }

    /// A tab is brought to the front.
    pub fn bring_to_front(&mut self, number: u64) {
        if self.tab(number).is_some() {
            self.front = Some(number);
        }
    }

    /// Notes what a list of the tabs says of their titles.
    pub fn note_titles(&mut self, infos: &Value) {
        for info in infos.as_array().map(Vec::as_slice).unwrap_or_default() {
            self.change_target(&info["targetId"], |tab| tab.title = text(&info["title"]));
        }
    }

    /// The tab in front is the one that was seen, and shows the document that was.
    pub fn shows_what_was_seen(&self) -> bool {
        self.seen
            .zip(self.front())
            .is_some_and(|(seen, front)| (seen.number, seen.generation) == (front.number, front.generation))
    }

    /// Notes what the browser told; returns what it is to be told in turn.
    pub fn apply(&mut self, event: &CdpEvent) -> Vec<Post> {
        let params = &event.params;
        match (&*event.method, &event.session) {
            ("Target.attachedToTarget", within) => return self.attach(within.as_deref(), params),
            ("Target.detachedFromTarget", _) => {
                let session = params["sessionId"].as_str().unwrap_or_default();
                for tab in &mut self.tabs {
                    tab.frames.retain(|_, frame| frame.session != session);
                }
                self.remove(|tab| tab.session == session);
            }
            ("Target.targetDestroyed", _) => {
                let target = params["targetId"].as_str().unwrap_or_default();
                self.remove(|tab| tab.target == target);
            }
            ("Target.targetInfoChanged", _) => {
                let info = &params["targetInfo"];
                self.change_target(&info["targetId"], |tab| {
                    (tab.title, tab.url) = (text(&info["title"]), text(&info["url"]));
                });
                let target = info["targetId"].as_str().unwrap_or_default();
                for frame in self.tabs.iter_mut().filter_map(|tab| tab.frames.get_mut(target)) {
                    frame.url = text(&info["url"]);
                }
            }
            ("Browser.downloadWillBegin" | "Browser.downloadProgress", _) => self.note_download(params),
            (method, Some(session)) => return self.apply_of_tab(method, session, params),
            (_, None) => {}
        }
        Vec::new()
    }

    /// What a tab, or a frame of another site in it, told.
    fn apply_of_tab(&mut self, method: &str, session: &str, params: &Value) -> Vec<Post> {
        let (dialogs, is_of) = (self.dialogs + 1, |tab: &&mut Tab| {
            tab.session == session || tab.frames.values().any(|frame| frame.session == session)
        });
        let Some(tab) = self.tabs.iter_mut().find(is_of) else { return Vec::new() };
        let is_main = |frame: &Value| frame.as_str() == Some(&tab.target);
        match method {
            "Page.frameNavigated" if is_main(&params["frame"]["id"]) => {
                tab.generation += 1;
                tab.url = text(&params["frame"]["url"]);
                (tab.chooser, tab.dialog, tab.has_crashed, tab.hangs) = (None, None, false, false);
                tab.dialogs_in_a_row = 0;
                tab.requests.clear();
            }
            "Page.frameNavigated" => {
                let id = params["frame"]["id"].as_str().unwrap_or_default();
                if let Some(frame) = tab.frames.get_mut(id) {
                    frame.url = text(&params["frame"]["url"]);
                }
            }
            "Page.navigatedWithinDocument" if is_main(&params["frameId"]) => tab.url = text(&params["url"]),
            "Page.frameStartedLoading" if is_main(&params["frameId"]) => tab.is_loading = true,
            "Page.frameStoppedLoading" if is_main(&params["frameId"]) => tab.is_loading = false,
            "Network.requestWillBeSent" => {
                // What stays open by its nature, or is not waited for by the page, is not waited for here.
                let kind = params["type"].as_str().unwrap_or_default();
                let id = params["requestId"].as_str().unwrap_or_default();
                if !matches!(kind, "EventSource" | "WebSocket" | "Ping" | "Media" | "Prefetch")
                    && tab.requests.len() < REQUESTS_MAX
                {
                    tab.requests.insert(id.to_owned(), ());
                }
            }
            "Network.loadingFinished" | "Network.loadingFailed" => {
                tab.requests.remove(params["requestId"].as_str().unwrap_or_default());
            }
            "Page.javascriptDialogOpening" => {
                let kind = text(&params["type"]);
                tab.dialogs_in_a_row += 1;
                // Leaving a page is asked about because it is left.
                if kind != "beforeunload" && tab.dialogs_in_a_row > DIALOGS_MAX {
                    return unshown(&tab.session, tab.dialogs_in_a_row - DIALOGS_MAX);
                }
                let (message, default) = (text(&params["message"]), text(&params["defaultPrompt"]));
                tab.dialog = Some(PageDialog { kind, message, default, number: dialogs });
                self.dialogs = dialogs;
            }
            "Page.javascriptDialogClosed" => tab.dialog = None,
            "Page.fileChooserOpened" => {
                let takes_several = params["mode"] == "selectMultiple";
                let node = params["backendNodeId"].as_i64();
                tab.chooser = node.map(|node| FileChooser { session: session.to_owned(), node, takes_several });
            }
            "Input.dragIntercepted" => tab.drag = Some(params["data"].clone()),
            "Inspector.targetCrashed" if tab.session == session => {
                (tab.has_crashed, tab.is_loading, tab.dialog, tab.hangs) = (true, false, None, false);
                tab.requests.clear();
            }
            _ => {}
        }
        Vec::new()
    }

    /// A tab, or a frame of another site in one, can be spoken to.
    fn attach(&mut self, within: Option<&str>, params: &Value) -> Vec<Post> {
        let (info, session) = (&params["targetInfo"], text(&params["sessionId"]));
        let target = text(&info["targetId"]);
        let go_on = post(&session, "Runtime.runIfWaitingForDebugger", json!({}));
        let outer = self.tabs.iter_mut().find(|tab| {
            Some(&*tab.session) == within || tab.frames.values().any(|frame| Some(&*frame.session) == within)
        });
        if let Some(outer) = outer {
            if outer.frames.len() < FRAMES_MAX {
                outer.frames.insert(target, Frame { session: session.clone(), url: text(&info["url"]) });
            }
            let inner = post(&session, "Target.setAutoAttach", frames_too());
            return vec![
                post(&session, "Page.enable", json!({})),
                post(&session, "Network.enable", json!({"maxTotalBufferSize": 0})),
                inner,
                go_on,
            ];
        }
        if info["type"] != "page" || self.of_target(&target).is_some() {
            return vec![go_on];
        }
        if self.tabs.len() >= TABS_MAX {
            // What a page opens without end is closed; what its owner has open in their own browser is left alone.
            let is_opened = info["openerId"].as_str().is_some_and(|opener| self.of_target(opener).is_some());
            let (method, params) = match is_opened {
                true => ("Target.closeTarget", json!({"targetId": target})),
                false => ("Target.detachFromTarget", json!({"sessionId": session})),
            };
            return vec![go_on, Post { session: None, method, params }];
        }
        let opener = info["openerId"].as_str().and_then(|opener| self.of_target(opener));
        let (opener, opener_url) = (opener.map(|opener| opener.number), opener.map(|opener| opener.url.clone()));
        let number = self.next;
        self.next += 1;
        // What a page opens comes to the front, as with anybody's browser; what somebody else opens does not.
        if self.front.is_none() || opener.is_some() && opener == self.front {
            self.front = Some(number);
        }
        let mut posts = vec![
            post(&session, "Page.enable", json!({})),
            // Bodies of answers are not kept for us.
            post(&session, "Network.enable", json!({"maxTotalBufferSize": 0})),
            post(&session, "Page.setInterceptFileChooserDialog", json!({"enabled": true})),
            post(&session, "Emulation.setFocusEmulationEnabled", json!({"enabled": true})),
            post(&session, "Target.setAutoAttach", frames_too()),
        ];
        if let Some(viewport) = &self.viewport {
            posts.push(post(&session, "Emulation.setDeviceMetricsOverride", viewport.metrics()));
        }
        posts.push(go_on);
        self.tabs.push(Tab {
            number,
            target,
            session,
            url: text(&info["url"]),
            title: text(&info["title"]),
            opener_url,
            opener,
            generation: 0,
            is_loading: false,
            has_crashed: false,
            hangs: false,
            is_restless: false,
            drawing: None,
            dialogs_in_a_row: 0,
            dialog: None,
            chooser: None,
            drag: None,
            requests: BTreeMap::new(),
            frames: BTreeMap::new(),
        });
        posts
    }

    fn remove(&mut self, is: impl Fn(&Tab) -> bool) {
        let Some(at) = self.tabs.iter().position(is) else { return };
        let gone = self.tabs.remove(at);
        if self.front == Some(gone.number) {
            let opener = gone.opener.filter(|opener| self.tab(*opener).is_some());
            self.front = opener.or_else(|| self.tabs.last().map(|tab| tab.number));
        }
    }

    fn note_download(&mut self, params: &Value) {
        let id = text(&params["guid"]);
        if let Some(name) = params["suggestedFilename"].as_str() {
            if self.downloads.len() == DOWNLOADS_MAX {
                self.downloads.remove(0);
            }
            let (name, url) = (text(&name.into()), text(&params["url"]));
            self.downloads.push(Download { id, name, url, state: "inProgress".to_owned(), bytes: 0 });
        } else if let Some(download) = self.downloads.iter_mut().find(|download| download.id == id) {
            download.state = text(&params["state"]);
            download.bytes = params["receivedBytes"].as_f64().unwrap_or(0.0) as u64;
        }
    }
}

/// What is done about a dialog that is one too many: it is answered with no.
fn unshown(session: &str, number: u32) -> Vec<Post> {
    let mut posts = vec![post(session, "Page.handleJavaScriptDialog", json!({"accept": false}))];
    if number.is_multiple_of(UNSHOWN_MAX) {
        posts.push(post(session, "Runtime.terminateExecution", json!({})));
    }
    posts
}

/// Frames of other sites have processes, and so sessions, of their own.
fn frames_too() -> Value {
    json!({
        "autoAttach": true, "waitForDebuggerOnStart": false, "flatten": true,
        "filter": [{"type": "iframe"}, {"exclude": true}],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session_event(session: &str, method: &str, params: Value) -> CdpEvent {
        let session = (!session.is_empty()).then(|| session.to_owned());
        CdpEvent { session, method: method.to_owned(), params }
    }

    fn attached_event(target: &str, opener: Value) -> CdpEvent {
        let info = json!({"targetId": target, "type": "page", "url": "about:blank", "title": "", "openerId": opener});
        session_event("", "Target.attachedToTarget", json!({"sessionId": format!("s{target}"), "targetInfo": info}))
    }

    fn with(events: &[CdpEvent]) -> Tabs {
        let mut tabs = Tabs::new(None);
        for event in events {
            tabs.apply(event);
        }
        tabs
    }

    fn front(tabs: &Tabs) -> Option<&str> {
        tabs.front().map(|tab| &*tab.target)
    }

    #[test]
    fn what_a_page_opens_comes_to_the_front_and_leaves_it_to_its_opener() {
        let mut tabs = with(&[attached_event("A", Value::Null), attached_event("B", Value::Null)]);
        assert_eq!(front(&tabs), Some("A"), "nobody in the first tab opened the other one");
        tabs.apply(&attached_event("C", json!("A")));
        assert_eq!(front(&tabs), Some("C"));
        tabs.apply(&attached_event("D", json!("B")));
        assert_eq!(front(&tabs), Some("C"), "a tab in the background opened it");
        tabs.apply(&session_event("", "Target.detachedFromTarget", json!({"sessionId": "sC"})));
        assert_eq!(front(&tabs), Some("A"));
        tabs.apply(&session_event("", "Target.targetDestroyed", json!({"targetId": "A"})));
        assert_eq!(front(&tabs), Some("D"));
        assert_eq!(tabs.front().unwrap().number, 3, "numbers are not used twice");
    }

    #[test]
    fn a_new_document_is_another_screen_and_a_part_of_one_is_not() {
        let mut tabs = with(&[attached_event("A", Value::Null)]);
        let navigated = |frame: &str, url: &str| {
            session_event("sA", "Page.frameNavigated", json!({"frame": {"id": frame, "url": url}}))
        };
        tabs.apply(&session_event("sA", "Page.javascriptDialogOpening", json!({"type": "alert", "message": "x"})));
        tabs.apply(&navigated("A", "http://a/"));
        assert_eq!((tabs.front().unwrap().generation, &*tabs.front().unwrap().url), (1, "http://a/"));
        assert_eq!(tabs.front().unwrap().dialog, None, "it was of the page that is gone");
        // Whoever sits at the browser may answer it, too.
        tabs.apply(&session_event("sA", "Page.javascriptDialogOpening", json!({"type": "confirm", "message": "y"})));
        let dialog = tabs.front().unwrap().dialog.clone().unwrap();
        assert_eq!((&*dialog.kind, &*dialog.message, dialog.number), ("confirm", "y", 2));
        tabs.apply(&session_event("sA", "Page.javascriptDialogClosed", json!({"result": true})));
        assert_eq!(tabs.front().unwrap().dialog, None, "it was answered");
        tabs.apply(&navigated("inner", "http://b/"));
        tabs.apply(&session_event("sA", "Page.navigatedWithinDocument", json!({"frameId": "A", "url": "http://a/#x"})));
        assert_eq!((tabs.front().unwrap().generation, &*tabs.front().unwrap().url), (1, "http://a/#x"));
    }

    #[test]
    fn what_stays_open_is_not_waited_for() {
        let mut tabs = with(&[attached_event("A", Value::Null)]);
        let sent = |id: &str, kind: &str| {
            session_event("sA", "Network.requestWillBeSent", json!({"requestId": id, "type": kind}))
        };
        for (id, kind) in [("1", "Document"), ("2", "EventSource"), ("3", "Fetch"), ("4", "Media"), ("5", "Ping")] {
            tabs.apply(&sent(id, kind));
        }
        tabs.apply(&session_event("sA", "Network.loadingFinished", json!({"requestId": "1"})));
        assert_eq!(tabs.front().unwrap().requests.keys().collect::<Vec<_>>(), ["3"]);
        tabs.apply(&session_event("sA", "Network.loadingFailed", json!({"requestId": "3"})));
        assert!(tabs.front().unwrap().requests.is_empty());
    }

    #[test]
    fn a_page_cannot_open_tabs_without_end() {
        let mut tabs = with(&[attached_event("A", Value::Null)]);
        let closed = |posts: Vec<Post>| posts.iter().any(|post| post.method == "Target.closeTarget");
        let closes: Vec<bool> =
            (0..100).map(|n| closed(tabs.apply(&attached_event(&format!("p{n}"), json!("A"))))).collect();
        assert_eq!(tabs.all().len(), TABS_MAX);
        assert_eq!(closes.iter().filter(|closes| **closes).count(), 101 - TABS_MAX);
        // In a browser of somebody's own those past the last that is followed are theirs: they are let go, and stay open.
        for opener in [Value::Null, json!("nobody")] {
            let posts = tabs.apply(&attached_event("theirs", opener));
            let told: Vec<(&str, &Value)> = posts.iter().map(|post| (post.method, &post.params)).collect();
            let (go_on, let_go) = (json!({}), json!({"sessionId": "stheirs"}));
            assert_eq!(told, [("Runtime.runIfWaitingForDebugger", &go_on), ("Target.detachFromTarget", &let_go)]);
        }
    }

    #[test]
    fn a_crash_is_of_the_tab_and_a_frame_of_another_site_is_not_the_page() {
        let mut tabs = with(&[attached_event("A", Value::Null)]);
        let info = json!({"targetId": "F", "type": "iframe", "url": "http://other/"});
        let posts =
            tabs.apply(&session_event("sA", "Target.attachedToTarget", json!({"sessionId": "sF", "targetInfo": info})));
        assert!(posts.iter().all(|post| post.session.as_deref() == Some("sF")), "{posts:?}");
        tabs.apply(&session_event("sF", "Inspector.targetCrashed", json!({})));
        assert!(!tabs.front().unwrap().has_crashed);
        assert_eq!(
            tabs.front().unwrap().frames["F"],
            Frame { session: "sF".to_owned(), url: "http://other/".to_owned() }
        );
        tabs.apply(&session_event("sF", "Page.frameNavigated", json!({"frame": {"id": "F", "url": "http://third/"}})));
        assert_eq!((&*tabs.front().unwrap().frames["F"].url, tabs.front().unwrap().generation), ("http://third/", 0));
        tabs.apply(&session_event("sA", "Inspector.targetCrashed", json!({})));
        assert!(tabs.front().unwrap().has_crashed);
    }

    #[test]
    fn a_page_that_asks_on_and_on_is_answered_with_no_and_then_ended() {
        let mut tabs = with(&[attached_event("A", Value::Null)]);
        let asks =
            |kind: &str| session_event("sA", "Page.javascriptDialogOpening", json!({"type": kind, "message": "x"}));
        let shown = |tabs: &mut Tabs| {
            let posts = tabs.apply(&asks("alert"));
            let shown = tabs.front().unwrap().dialog.is_some();
            assert_eq!(shown, posts.is_empty());
            tabs.change(0, |tab| tab.dialog = None);
            (shown, posts.iter().any(|post| post.method == "Runtime.terminateExecution"))
        };
        let all: Vec<_> = (0..200).map(|_| shown(&mut tabs)).collect();
        assert_eq!(all.iter().filter(|(shown, _)| *shown).count(), DIALOGS_MAX as usize);
        assert_eq!(all.iter().filter(|(_, ended)| *ended).count(), (200 - DIALOGS_MAX as usize) / UNSHOWN_MAX as usize);
        assert!(tabs.apply(&asks("beforeunload")).is_empty() && tabs.front().unwrap().dialog.is_some());
        // Something was done to the page: what it asks then is an answer.
        tabs.change(0, |tab| (tab.dialogs_in_a_row, tab.dialog) = (0, None));
        assert_eq!(shown(&mut tabs), (true, false));
    }

    #[test]
    fn nonsense_changes_nothing() {
        let mut tabs = with(&[attached_event("A", Value::Null)]);
        for method in [
            "Target.attachedToTarget",
            "Target.detachedFromTarget",
            "Target.targetInfoChanged",
            "Page.frameNavigated",
            "Page.javascriptDialogOpening",
            "Page.fileChooserOpened",
            "Network.loadingFinished",
            "Browser.downloadProgress",
        ] {
            for params in [Value::Null, json!({}), json!([1]), json!({"targetInfo": 5, "frame": "x", "guid": 7})] {
                tabs.apply(&session_event("", method, params.clone()));
                tabs.apply(&session_event("nobody", method, params));
            }
        }
        assert_eq!(tabs.all().len(), 1);
    }
}
