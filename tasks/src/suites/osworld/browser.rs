//! The tabs of a machine's browser, over its debugging port: which there are, how some are opened and closed, and what is on their pages.

use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::Value;
use tapwright_contract::device::DriverErrorKind;
use tapwright_drivers::browser::LivePages;
use tapwright_drivers::osworld::machine::{ControlledMachine, MachineError, MachineErrorKind, MachineService};
use tapwright_osworld::python::url::unquote;

/// How long the browser may take for one answer.
const ANSWER: Duration = Duration::from_secs(10);
/// No answer of it is longer.
const ANSWER_BYTES_MAX: usize = 4 << 20;
/// How long a page may take to have a title, before it is taken as it is.
const PAGE: Duration = Duration::from_secs(20);
/// How long a page may take until nothing more is loaded, as upstream has it.
const LOAD: Duration = Duration::from_secs(60);
/// The least time between two looks.
const PAUSE: Duration = Duration::from_millis(200);

/// A tab, in the browser's words.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Tab {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub url: String,
}

#[derive(Debug, thiserror::Error)]
pub enum BrowserError {
    #[error(transparent)]
    Machine(#[from] MachineError),
    #[error("the browser at {address} does not answer as one with a debugging port: {why}")]
    Unanswered { address: String, why: String },
    #[error("there is no tab with {url}")]
    NoTab { url: String },
}

async fn ask(method: reqwest::Method, address: &str, path: &str) -> Result<Vec<u8>, BrowserError> {
    let failed = |why: String| BrowserError::Unanswered { address: address.to_owned(), why };
    let asked = async {
        let client = reqwest::Client::builder().no_proxy().timeout(ANSWER).build()?;
        client.request(method, format!("http://{address}{path}")).send().await?.error_for_status()
    };
    let mut answer = asked.await.map_err(|error: reqwest::Error| failed(error.without_url().to_string()))?;
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| failed(error.without_url().to_string()))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > ANSWER_BYTES_MAX {
            return Err(failed(format!("its answer is longer than {ANSWER_BYTES_MAX} bytes")));
        }
    }
    Ok(bytes)
}

/// The browser of a machine, as set-up and scoring use it.
#[async_trait]
pub trait MachineBrowser: Send + Sync {
    /// Why nobody answers; `None` if a browser does.
    ///
    /// # Errors
    /// `BrowserError` if the machine itself fails.
    async fn absence(&self) -> Result<Option<String>, BrowserError>;

    /// All tabs, the one in front first.
    ///
    /// # Errors
    /// `BrowserError` if the browser does not answer.
    async fn tabs(&self) -> Result<Vec<Tab>, BrowserError>;

    /// Opens pages in tabs of their own, and closes the one that the browser has begun with.
    ///
    /// # Errors
    /// `BrowserError` if the browser does not answer.
    async fn open_tabs(&self, urls: &[String]) -> Result<(), BrowserError>;

    /// Closes the tabs with these addresses.
    ///
    /// # Errors
    /// `BrowserError` if the browser does not answer, or has no such tab.
    async fn close_tabs(&self, urls: &[String]) -> Result<(), BrowserError>;

    /// A page's title, address and content, in a tab that is closed afterwards.
    ///
    /// # Errors
    /// `BrowserError` if the browser does not answer, or the page does not come.
    async fn page(&self, url: &str) -> Result<Value, BrowserError>;

    /// Texts of elements of the tab with this address; `None` if there is none.
    ///
    /// # Errors
    /// `BrowserError` if the browser does not answer.
    async fn texts(&self, url: &str, queries: &Value) -> Result<Option<Value>, BrowserError>;

    /// What the page of settings says of light and dark, in a tab that stays; `None` if nobody answers.
    ///
    /// # Errors
    /// `BrowserError` if the browser does not answer as one, or has no such page.
    async fn appearance(&self) -> Result<Option<Value>, BrowserError>;
}

/// A browser that set-up has started with a debugging port.
pub struct DebuggingPort<'a>(pub &'a dyn ControlledMachine);

impl DebuggingPort<'_> {
    async fn address(&self) -> Result<String, BrowserError> {
        Ok(self.0.service(MachineService::Browser, ANSWER).await?)
    }

    async fn live_pages(&self) -> Result<(String, LivePages), BrowserError> {
        let address = self.address().await?;
        let pages = LivePages::connect(&address, ANSWER).await.map_err(|error| unanswered(&address, &error))?;
        Ok((address, pages))
    }
}

#[async_trait]
impl MachineBrowser for DebuggingPort<'_> {
    async fn absence(&self) -> Result<Option<String>, BrowserError> {
        match self.0.service(MachineService::Browser, ANSWER).await {
            Ok(address) => {
                let answers = ask(reqwest::Method::GET, &address, "/json/version").await.is_ok();
                Ok((!answers).then(|| format!("nobody answers at {address}")))
            }
            Err(MachineError { kind: kind @ MachineErrorKind::Unreachable { .. }, .. }) => Ok(Some(kind.to_string())),
            Err(error) => Err(error.into()),
        }
    }

    async fn tabs(&self) -> Result<Vec<Tab>, BrowserError> {
        tabs_at(&self.address().await?).await
    }

    async fn open_tabs(&self, urls: &[String]) -> Result<(), BrowserError> {
        let address = self.address().await?;
        let before = tabs_at(&address).await?;
        for url in urls {
            let tab = open(&address, url).await?;
            settle(&address, &tab.id).await?;
        }
        if !urls.is_empty() {
            for tab in before {
                ask(reqwest::Method::GET, &address, &format!("/json/close/{}", tab.id)).await?;
            }
        }
        Ok(())
    }

    async fn close_tabs(&self, urls: &[String]) -> Result<(), BrowserError> {
        let address = self.address().await?;
        for url in urls {
            let plain = |url: &str| url.trim_end_matches('/').to_owned();
            let all = tabs_at(&address).await?;
            let tab = all.into_iter().find(|tab| plain(&tab.url) == plain(url));
            let tab = tab.ok_or_else(|| BrowserError::NoTab { url: url.clone() })?;
            ask(reqwest::Method::GET, &address, &format!("/json/close/{}", tab.id)).await?;
        }
        Ok(())
    }

    async fn page(&self, url: &str) -> Result<Value, BrowserError> {
        let (address, mut pages) = self.live_pages().await?;
        pages.read(url, LOAD).await.map_err(|error| unanswered(&address, &error))
    }

    async fn texts(&self, url: &str, queries: &Value) -> Result<Option<Value>, BrowserError> {
        let (address, mut pages) = self.live_pages().await?;
        // The address bar, and so the task, has other escapes than the browser itself.
        let plain = |url: &str| unquote(url).trim_end_matches('/').to_owned();
        let wanted = plain(url);
        pages.texts(|tab| plain(tab) == wanted, queries).await.map_err(|error| unanswered(&address, &error))
    }

    async fn appearance(&self) -> Result<Option<Value>, BrowserError> {
        if self.absence().await?.is_some() {
            return Ok(None);
        }
        let (address, mut pages) = self.live_pages().await?;
        pages.appearance(PAGE).await.map(Some).map_err(|error| unanswered(&address, &error))
    }
}

async fn tabs_at(address: &str) -> Result<Vec<Tab>, BrowserError> {
    let bytes = ask(reqwest::Method::GET, address, "/json/list").await?;
    let tabs: Vec<Tab> = serde_json::from_slice(&bytes)
        .map_err(|error| BrowserError::Unanswered { address: address.to_owned(), why: error.to_string() })?;
    Ok(tabs.into_iter().filter(|tab| tab.kind == "page").collect())
}

async fn open(address: &str, url: &str) -> Result<Tab, BrowserError> {
    let query: String = form_urlencoded::byte_serialize(url.as_bytes()).collect();
    let bytes = ask(reqwest::Method::PUT, address, &format!("/json/new?{query}")).await?;
    serde_json::from_slice(&bytes)
        .map_err(|error| BrowserError::Unanswered { address: address.to_owned(), why: error.to_string() })
}

/// Waits until a page has a title of its own, for a time.
async fn settle(address: &str, id: &str) -> Result<Option<Tab>, BrowserError> {
    let began = tokio::time::Instant::now();
    let mut last: Option<Tab> = None;
    while began.elapsed() < PAGE {
        let now = tabs_at(address).await?.into_iter().find(|tab| tab.id == id);
        let has_title = now.as_ref().is_some_and(|tab| !tab.title.is_empty() && !tab.url.ends_with(&tab.title));
        if has_title && now == last {
            return Ok(now);
        }
        last = now;
        tokio::time::sleep(PAUSE).await;
    }
    Ok(last)
}

fn unanswered(address: &str, error: &DriverErrorKind) -> BrowserError {
    BrowserError::Unanswered { address: address.to_owned(), why: error.to_string() }
}
