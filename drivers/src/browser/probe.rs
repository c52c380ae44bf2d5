//! What is true of a browser, for judges: its tabs, and the page in front.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use tapwright_contract::device::{DriverError, DriverErrorKind};

use super::tabs::Tab;
use super::{Connection, sites};
use crate::deadline::Deadline;
use crate::{Probe, refused};

/// No more characters of a page are told: a record keeps them.
const TEXT_MAX: usize = 4000;
const TEXT: &str = "most => (document.body ? document.body.innerText : '').replace(/\\s+/g, ' ').trim().slice(0, most)";

/// Looks at the pages of a browser.
pub(super) struct BrowserProbe {
    connection: Arc<Connection>,
}

impl BrowserProbe {
    pub fn new(connection: Arc<Connection>) -> BrowserProbe {
        BrowserProbe { connection }
    }

    async fn read(&self, deadline: Deadline) -> Result<BTreeMap<String, String>, DriverErrorKind> {
        self.connection.ask_titles(deadline).await?;
        let mut facts = BTreeMap::new();
        let mut note = |name: &str, value: String| facts.insert(name.to_owned(), value);
        let count = self.connection.tabs.borrow().all().iter().filter(|tab| tab.drawing.is_none()).count();
        note("tabs.count", count.to_string());
        let Some(tab) = self.page() else { return Ok(facts) };
        note("page.site", sites::front(&self.connection.sites, &tab.url, tab.opener_url.as_deref()).id);
        // A page that asks something answers nothing meanwhile.
        let answers = tab.dialog.is_none() && !tab.has_crashed && !tab.hangs;
        let text = match answers {
            true => self.connection.ask(&tab, TEXT, &[TEXT_MAX.into()], deadline).await,
            false => Err(DriverErrorKind::Stale),
        };
        match text {
            Ok(text) => drop(note("page.text", text.as_str().unwrap_or_default().to_owned())),
            Err(kind @ DriverErrorKind::Lost { .. }) => return Err(kind),
            Err(kind) => tracing::debug!(%kind, "the text of a page is not told"),
        }
        note("page.address", tab.url);
        note("page.title", tab.title);
        Ok(facts)
    }

    /// The tab in front, or the one that is drawn there.
    fn page(&self) -> Option<Tab> {
        let tabs = self.connection.tabs.borrow();
        let front = tabs.front()?;
        match front.drawing {
            Some(drawing) => tabs.tab(drawing.of()).cloned(),
            None => Some(front.clone()),
        }
    }
}

#[async_trait]
impl Probe for BrowserProbe {
    async fn facts(&mut self, within: Duration) -> Result<BTreeMap<String, String>, DriverError> {
        self.read(Deadline::after(within)).await.map_err(error)
    }

    async fn set(&mut self, name: &str, _value: &str, _within: Duration) -> Result<(), DriverError> {
        Err(error(refused(format!("{name:?} cannot be set in a browser: let the task begin by launching a site"))))
    }

    async fn programs(&mut self, within: Duration) -> Result<BTreeMap<String, String>, DriverError> {
        let asked = self.connection.client.call(None, "Browser.getVersion", json!({}), Deadline::after(within)).await;
        // `Chrome/130.0.6723.91`
        let version = asked.map_err(error)?;
        let product = version["product"].as_str().unwrap_or_default();
        let (name, version) = product.split_once('/').unwrap_or((product, ""));
        Ok(BTreeMap::from([(name.to_owned(), version.to_owned())]))
    }
}

fn error(kind: DriverErrorKind) -> DriverError {
    DriverError { device: "the browser".to_owned(), operation: "look behind the screen", kind }
}
