//! One tab of a browser of our own in which one page is shown after another, each as if it were the first: a new tab, with a process for
//! each site, takes longer than most pages do.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tapwright_contract::device::{DriverError, DriverErrorKind};
use url::Url;

use super::tabs::Tab;
use super::{BrowserAddress, BrowserOptions, Connection};
use crate::deadline::Deadline;
use crate::{OpenRig, Rig, refused};

/// The tab of a browser that somebody shows pages in.
pub struct PageStage {
    connection: Arc<Connection>,
    /// The tab's number, once there is one.
    tab: Option<u64>,
}

impl BrowserOptions {
    /// Starts a browser of our own with a stage for pages.
    ///
    /// # Errors
    /// `DriverError` if it cannot be started, or is not to be one of our own.
    pub async fn open_with_stage(&self, within: Duration) -> Result<(Rig, PageStage), DriverError> {
        let deadline = Deadline::after(within);
        let opened = match &self.at {
            BrowserAddress::Private(launch) => self.open_private(launch, deadline).await,
            BrowserAddress::Endpoint(_) => Err(refused("only in a browser of our own are all tabs ours to close")),
        };
        let opened = opened.map(|(rig, connection)| (rig, PageStage { connection, tab: None }));
        opened.map_err(|kind| DriverError { device: OpenRig::name(self), operation: "open", kind })
    }
}

impl PageStage {
    /// Shows the page of an address, with no other tab but the one that the browser has begun with. What the browser keeps for its site
    /// (databases, caches, workers) and all of its cookies are emptied before; what the tab keeps (the window's name, storage of the
    /// session) stays, and in its history the page before, until [`PageStage::forget_history`] once the page has loaded.
    ///
    /// # Errors
    /// `Refused` if the address cannot be opened, or the browser's own page is another one; what became of the tabs is not known then.
    pub async fn show(&mut self, address: &str, within: Duration) -> Result<(), DriverErrorKind> {
        let deadline = Deadline::after(within);
        let all: Vec<Tab> = self.connection.tabs.borrow().all().to_vec();
        let is_stage = |tab: &Tab| Some(tab.number) == self.tab && is_usable(tab);
        let (first, rest) = all.split_first().ok_or_else(|| refused("the browser has lost its first tab"))?;
        if first.url.starts_with("http") {
            return Err(refused("the browser's first tab shows a site"));
        }
        for tab in rest.iter().filter(|tab| !is_stage(tab)) {
            self.connection.close_tab(tab, deadline).await?;
        }
        let tab = match rest.iter().find(|tab| is_stage(tab)) {
            Some(tab) => tab.clone(),
            None => self.connection.new_tab(deadline).await?,
        };
        self.tab = Some(tab.number);
        self.connection.bring_to_front(&tab);
        let origin = Url::parse(address).map_err(|error| refused(format!("{address}: {error}")))?.origin();
        let kept = json!({ "origin": origin.ascii_serialization(), "storageTypes": "all" });
        // Cookies for a whole domain are of no origin.
        for (method, params) in [("Storage.clearDataForOrigin", kept), ("Network.clearBrowserCookies", json!({}))] {
            self.connection.client.call(Some(&*tab.session), method, params, deadline).await?;
        }
        self.connection.navigate(&tab, address, deadline).await
    }

    /// Forgets which pages were before the one that is shown, which has to have loaded: before that nobody can be asked.
    ///
    /// # Errors
    /// `Stale` if there is no page.
    pub async fn forget_history(&mut self, within: Duration) -> Result<(), DriverErrorKind> {
        let tab = self.tab.and_then(|number| self.connection.tabs.borrow().tab(number).cloned());
        let tab = tab.ok_or(DriverErrorKind::Stale)?;
        let (session, deadline) = (Some(&*tab.session), Deadline::after(within));
        self.connection.client.call(session, "Page.resetNavigationHistory", json!({}), deadline).await.map(drop)
    }
}

/// Whether a tab can be led elsewhere as it is.
fn is_usable(tab: &Tab) -> bool {
    !tab.has_crashed && !tab.hangs && tab.dialog.is_none() && tab.drawing.is_none()
}
