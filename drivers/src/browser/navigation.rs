//! Brings pages and tabs to the front: by address, by history, by name.

use std::time::Duration;

use serde_json::{Value, json};
use tapwright_contract::device::DriverErrorKind;

use super::cdp::Post;
use super::tabs::{Tab, Tabs};
use super::{Browser, Connection, sites};
use crate::deadline::Deadline;
use crate::refused;

/// How long a site may take to begin with a page.
const BEGINS_MAX: Duration = Duration::from_secs(10);
/// What is left of the time, to say that it did not.
const BEGINS_REST: Duration = Duration::from_millis(500);
/// How long a page that hangs may take to be ended.
const FREE_MAX: Duration = Duration::from_millis(700);
/// How long a page may take to be left for its tab to close.
const CLOSE_MAX: Duration = Duration::from_secs(2);
/// So many tabs are named where one is unknown.
const NAMED_MAX: usize = 20;

fn begins(deadline: Deadline) -> Deadline {
    deadline.or_sooner(deadline.remaining().saturating_sub(BEGINS_REST).min(BEGINS_MAX))
}

impl Connection {
    /// Opens an address in a tab, and returns when its page has begun.
    ///
    /// # Errors
    /// `Refused` if it cannot be opened, in the browser's words.
    pub(super) async fn navigate(&self, tab: &Tab, address: &str, deadline: Deadline) -> Result<(), DriverErrorKind> {
        self.free(tab, deadline).await?;
        let params = json!({"url": address});
        let (number, generation) = (tab.number, tab.generation);
        let is_other = |tab: &Tab| tab.generation != generation || tab.dialog.is_some();
        let asks = self.until("the page", deadline, |tabs| tabs.tab(number).is_none_or(|tab| tab.dialog.is_some()));
        let soon = begins(deadline);
        let answer = tokio::select! {
            biased;
            answer = self.client.call(Some(&tab.session), "Page.navigate", params, soon) => match answer {
                Err(DriverErrorKind::TimedOut { .. }) => return Err(self.give_up(tab)),
                answer => answer?,
            },
            // One that asks before it is left answers only after it was answered.
            asks = asks => return asks,
        };
        match answer["errorText"].as_str() {
            // What is downloaded instead of shown.
            Some("net::ERR_ABORTED") => Ok(()),
            // A place in the page that is there has no document of its own.
            None if answer["loaderId"].is_null() || answer["isDownload"] == true => Ok(()),
            None => self.until_begun(tab, deadline, is_other).await,
            Some(why) => {
                let host = address.split('?').next().unwrap_or_default();
                Err(DriverErrorKind::Refused { why: format!("{host:.200} cannot be opened: {why}") })
            }
        }
    }

    /// Waits until the page that a tab was led to has begun.
    async fn until_begun(
        &self,
        tab: &Tab,
        deadline: Deadline,
        has_begun: impl Fn(&Tab) -> bool,
    ) -> Result<(), DriverErrorKind> {
        let number = tab.number;
        let begun = self.until("the page", begins(deadline), |tabs| tabs.tab(number).is_none_or(&has_begun));
        match begun.await {
            Err(DriverErrorKind::TimedOut { .. }) => Err(self.give_up(tab)),
            begun => begun,
        }
    }

    /// A site that says nothing is no fault of the browser's: the page that was there stays.
    fn give_up(&self, tab: &Tab) -> DriverErrorKind {
        let session = Some(tab.session.clone());
        self.client.post(Post { session, method: "Page.stopLoading", params: json!({}) });
        refused("the site does not answer: the page that was there is still there; try again later, or another site")
    }

    /// Whether the page of a tab answers anything.
    pub(super) async fn answers(&self, tab: &Tab, deadline: Deadline) -> Result<bool, DriverErrorKind> {
        let params = json!({"expression": "0"});
        let answers = match self.client.call(Some(&tab.session), "Runtime.evaluate", params, deadline).await {
            Err(DriverErrorKind::TimedOut { .. }) => false,
            Err(kind @ DriverErrorKind::Lost { .. }) => return Err(kind),
            // A script that was ended, a document that goes: somebody answers.
            Ok(_) | Err(_) => true,
        };
        if answers {
            self.tabs.send_modify(|tabs| tabs.change(tab.number, |tab| tab.hangs = false));
        }
        Ok(answers)
    }

    /// Ends what the script of a page does without end, or it could not be left; if that does not help, the process of the page.
    async fn free(&self, tab: &Tab, deadline: Deadline) -> Result<(), DriverErrorKind> {
        if !tab.hangs {
            return Ok(());
        }
        let post = |method| self.client.post(Post { session: Some(tab.session.clone()), method, params: json!({}) });
        post("Runtime.terminateExecution");
        if self.answers(tab, deadline.or_sooner(FREE_MAX)).await? {
            return Ok(());
        }
        tracing::debug!(tab = tab.number, "the process of a page is ended");
        post("Page.crash");
        let number = tab.number;
        let is_over = |tabs: &Tabs| tabs.tab(number).is_none_or(|tab| tab.has_crashed);
        match self.until("the end of a page's process", deadline.or_sooner(FREE_MAX), is_over).await {
            Ok(()) | Err(DriverErrorKind::TimedOut { .. }) => Ok(()),
            Err(kind) => Err(kind),
        }
    }

    /// Makes a tab, in the front, and waits until it can be spoken to.
    pub(super) async fn new_tab(&self, deadline: Deadline) -> Result<Tab, DriverErrorKind> {
        let params = json!({"url": "about:blank"});
        let answer = self.client.call(None, "Target.createTarget", params, deadline).await?;
        let target = answer["targetId"].as_str().unwrap_or_default().to_owned();
        self.until("a new tab", deadline, |tabs| tabs.of_target(&target).is_some()).await?;
        let tab = self.tabs.borrow().of_target(&target).cloned().ok_or(DriverErrorKind::Stale)?;
        // Until its process answers: Chromium 148's crashes if it is led elsewhere while it begins.
        self.client.call(Some(&tab.session), "Runtime.evaluate", json!({"expression": "0"}), deadline).await?;
        self.bring_to_front(&tab);
        Ok(tab)
    }

    pub(super) fn bring_to_front(&self, tab: &Tab) {
        self.tabs.send_modify(|tabs| tabs.bring_to_front(tab.number));
        // One with a dialog does not answer.
        self.client.post(Post { session: Some(tab.session.clone()), method: "Page.bringToFront", params: json!({}) });
    }

    /// Opens an address in a new tab; one that cannot be opened leaves none.
    pub(super) async fn open(&self, address: &str, deadline: Deadline) -> Result<Tab, DriverErrorKind> {
        let before = self.tabs.borrow().front().map(|tab| tab.number);
        let tab = self.new_tab(deadline).await?;
        let opened = self.navigate(&tab, address, deadline).await;
        if opened.is_err() {
            if let Some(before) = before {
                self.tabs.send_modify(|tabs| tabs.bring_to_front(before));
            }
            drop(self.close_tab(&tab, deadline).await);
        }
        opened.map(|()| tab)
    }

    /// Closes a tab; returns when it is gone, or its page asks whether it may be left.
    pub(super) async fn close_tab(&self, tab: &Tab, deadline: Deadline) -> Result<(), DriverErrorKind> {
        let close = || json!({"targetId": tab.target});
        self.client.call(None, "Target.closeTarget", close(), deadline).await?;
        let number = tab.number;
        let is_over = |tabs: &Tabs| tabs.tab(number).is_none_or(|tab| tab.dialog.is_some());
        match self.until("the tab to close", deadline.or_sooner(CLOSE_MAX), is_over).await {
            // A page that goes elsewhere all the time outruns it.
            Err(DriverErrorKind::TimedOut { .. }) => {
                tracing::debug!(tab = number, "the process of a page is ended, so that its tab closes");
                let session = Some(tab.session.clone());
                self.client.post(Post { session, method: "Page.crash", params: json!({}) });
                self.client.post(Post { session: None, method: "Target.closeTarget", params: close() });
                self.until("the tab to close", deadline, is_over).await
            }
            closed => closed,
        }
    }

    /// One page back or on; where there is none, nothing happens, as with the key of a phone.
    pub(super) async fn go(&self, tab: &Tab, by: i64, deadline: Deadline) -> Result<(), DriverErrorKind> {
        self.free(tab, deadline).await?;
        let session = Some(&*tab.session);
        let history = self.client.call(session, "Page.getNavigationHistory", json!({}), deadline).await?;
        let wanted = history["currentIndex"].as_i64().unwrap_or(0) + by;
        let entries = history["entries"].as_array().map(Vec::as_slice).unwrap_or_default();
        let entry = usize::try_from(wanted).ok().and_then(|at| entries.get(at));
        // A tab begins blank, before its first page.
        let Some(entry) = entry.filter(|entry| !(wanted == 0 && entry["url"] == "about:blank")) else { return Ok(()) };
        let params = json!({"entryId": entry["id"]});
        self.client.call(session, "Page.navigateToHistoryEntry", params, deadline).await?;
        let (had_crashed, generation, url) = (tab.has_crashed, tab.generation, tab.url.clone());
        let has_moved = |tab: &Tab| {
            tab.generation != generation || tab.url != url || tab.dialog.is_some() || tab.has_crashed && !had_crashed
        };
        self.until_begun(tab, deadline, has_moved).await
    }

    pub(super) async fn reload(&self, tab: &Tab, deadline: Deadline) -> Result<(), DriverErrorKind> {
        self.free(tab, deadline).await?;
        self.client.call(Some(&tab.session), "Page.reload", json!({}), deadline).await?;
        let generation = tab.generation;
        self.until_begun(tab, deadline, |tab| tab.generation != generation || tab.dialog.is_some()).await
    }

    /// Asks for the titles of the tabs, which the browser tells late.
    pub(super) async fn ask_titles(&self, deadline: Deadline) -> Result<(), DriverErrorKind> {
        let targets = self.client.call(None, "Target.getTargets", json!({}), deadline).await?;
        self.tabs.send_modify(|tabs| tabs.note_titles(&targets["targetInfos"]));
        Ok(())
    }

    /// The tab of a number or of a whole title.
    pub(super) async fn find_tab(&self, name: &str, deadline: Deadline) -> Result<Tab, DriverErrorKind> {
        self.ask_titles(deadline).await?;
        let tabs = self.tabs.borrow();
        let all = || tabs.all().iter().filter(|tab| tab.drawing.is_none());
        if let Some(tab) = name.parse().ok().and_then(|number: u64| all().find(|tab| tab.number == number)) {
            return Ok(tab.clone());
        }
        let titled: Vec<&Tab> = all().filter(|tab| tab.title == name).collect();
        if let [tab] = titled[..] {
            return Ok(tab.clone());
        }
        let (what, named): (_, Vec<&Tab>) = match titled.is_empty() {
            true => ("no tab has", all().take(NAMED_MAX).collect()),
            false => ("several tabs have", titled),
        };
        let named: Vec<String> = named.iter().map(|tab| format!("{} {:?}", tab.number, tab.title)).collect();
        let why = format!("{what} the number or the title {name:?}; say one by its number: {}", named.join(", "));
        Err(DriverErrorKind::Refused { why })
    }

    /// The tabs, for a model: titles are the pages' own words.
    pub(super) async fn list_tabs(&self, deadline: Deadline) -> Result<Value, DriverErrorKind> {
        self.ask_titles(deadline).await?;
        let tabs = self.tabs.borrow();
        let front = tabs.front().map(|tab| tab.drawing.map_or(tab.number, |drawing| drawing.of()));
        let told = tabs.all().iter().filter(|tab| tab.drawing.is_none()).map(|tab| {
            json!({
                "tab": tab.number, "title": tab.title, "address": tab.url, "in_front": Some(tab.number) == front,
                "loading": tab.is_loading, "crashed": tab.has_crashed, "hangs": tab.hangs,
                "asks": tab.dialog.is_some(),
            })
        });
        Ok(told.collect())
    }
}

impl Browser {
    pub(super) async fn launch(&mut self, name: &str, deadline: Deadline) -> Result<(), DriverErrorKind> {
        let site = match self.found.take().filter(|found| found.app().id == name) {
            Some(found) => found,
            None => sites::find(&self.connection.sites, name)?,
        };
        let there = self.connection.tabs.borrow().all().iter().rev().find(|tab| site.is_at(&tab.url)).cloned();
        match there {
            Some(tab) => self.connection.bring_to_front(&tab),
            None => drop(self.connection.open(site.address.as_str(), deadline).await?),
        }
        Ok(())
    }

    /// The start page, in a tab of its own.
    pub(super) async fn go_home(&mut self, deadline: Deadline) -> Result<(), DriverErrorKind> {
        let there = self.connection.tabs.borrow().all().iter().find(|tab| tab.url == sites::start_page()).cloned();
        match there {
            Some(tab) => self.connection.bring_to_front(&tab),
            None => drop(self.connection.open(sites::start_page(), deadline).await?),
        }
        Ok(())
    }
}
