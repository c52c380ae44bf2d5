//! The pages of a browser that somebody has at work, for whoever judges what is on them: read from behind the screen, and left as they are.

use std::time::Duration;

use serde_json::{Value, json};
use tapwright_contract::device::DriverErrorKind;
use tokio::sync::mpsc;

use super::cdp::{CdpEvent, Client, ConnectionTasks};
use super::endpoint;
use crate::deadline::Deadline;
use crate::refused;

/// The texts of elements.
const TEXTS: &str = include_str!("live_pages.js");
/// What a page is read with.
const CONTENT: &str = r#"() => ({
    title: document.title, url: location.href,
    content: (document.doctype ? new XMLSerializer().serializeToString(document.doctype) : "")
        + (document.documentElement?.outerHTML ?? ""),
})"#;
/// What the page of settings says of light and dark; nothing until it has come.
const APPEARANCE: &str = include_str!("appearance.js");
const APPEARANCE_PAGE: &str = "chrome://settings/appearance";
/// The least time between two looks at it.
const APPEARANCE_PAUSE: Duration = Duration::from_millis(200);
/// No page is longer that is read.
const CONTENT_BYTES_MAX: usize = 32 << 20;
/// For a page that nothing rests on any more, what upstream says in place of its title.
const LOAD_TIMEOUT: &str = "Load timeout";
/// How long something may take that needs no network.
const ANSWER: Duration = Duration::from_secs(20);

/// A connection to a browser with a debugging port.
#[derive(Debug)]
pub struct LivePages {
    client: Client,
    events: mpsc::Receiver<CdpEvent>,
    _tasks: ConnectionTasks,
}

impl LivePages {
    /// Connects to a browser at `HOST:PORT`.
    ///
    /// # Errors
    /// `DriverErrorKind` if no browser answers there.
    pub async fn connect(address: &str, within: Duration) -> Result<LivePages, DriverErrorKind> {
        let deadline = Deadline::after(within);
        let socket = endpoint::open(&format!("http://{address}"), deadline).await?;
        let (client, events, tasks) = Client::over_websocket(socket);
        Ok(LivePages { client, events, _tasks: tasks })
    }

    /// Opens a page in a tab of its own, and reads its title, address and content once nothing more is loaded; the tab is closed again.
    ///
    /// # Errors
    /// `DriverErrorKind` if there is no such page, or the browser does not answer.
    pub async fn read(&mut self, url: &str, within: Duration) -> Result<Value, DriverErrorKind> {
        let deadline = Deadline::after(ANSWER);
        let opened = self.client.call(None, "Target.createTarget", json!({"url": "about:blank"}), deadline).await?;
        let target = text(&opened, "targetId")?;
        let read = self.read_in(&target, url, within).await;
        let closing = json!({"targetId": target});
        let _ = self.client.call(None, "Target.closeTarget", closing, Deadline::after(ANSWER)).await;
        read
    }

    async fn read_in(&mut self, target: &str, url: &str, within: Duration) -> Result<Value, DriverErrorKind> {
        let session = self.attach(target).await?;
        let deadline = Deadline::after(within);
        for (method, params) in
            [("Page.enable", json!({})), ("Page.setLifecycleEventsEnabled", json!({"enabled": true}))]
        {
            self.client.call(Some(&session), method, params, deadline).await?;
        }
        let came = self.client.call(Some(&session), "Page.navigate", json!({"url": url}), deadline).await?;
        if let Some(why) = came["errorText"].as_str() {
            return Err(DriverErrorKind::Lost { why: format!("the page {url} did not come: {why}") });
        }
        let loader = came["loaderId"].as_str().map(str::to_owned);
        let rested = self.is_at_rest(&session, loader.as_deref(), deadline).await?;
        let mut page = self.evaluate(&session, CONTENT, &json!(null)).await?;
        if page["content"].as_str().map_or(0, str::len) > CONTENT_BYTES_MAX {
            return Err(refused(format!("the page {url} is longer than {CONTENT_BYTES_MAX} bytes")));
        }
        if !rested {
            page["title"] = json!(LOAD_TIMEOUT);
        }
        Ok(page)
    }

    /// Waits until nothing is loaded any more; `false` if something still is at the deadline.
    async fn is_at_rest(
        &mut self,
        session: &str,
        loader: Option<&str>,
        deadline: Deadline,
    ) -> Result<bool, DriverErrorKind> {
        // An address within the same page loads nothing.
        let Some(loader) = loader else { return Ok(true) };
        let (mut loaders, mut has_come) = (vec![loader.to_owned()], false);
        loop {
            let Ok(event) = tokio::time::timeout(deadline.remaining(), self.events.recv()).await else {
                return Ok(false);
            };
            let Some(event) = event else {
                return Err(DriverErrorKind::Lost { why: "the browser has closed the connection".to_owned() });
            };
            if event.session.as_deref() != Some(session) {
                continue;
            }
            // One page may lead on to another, whose loader is a later one; what is said of the empty page before is not meant.
            match (event.method.as_str(), event.params["name"].as_str(), event.params["loaderId"].as_str()) {
                ("Page.lifecycleEvent", Some("networkIdle"), Some(of)) if loaders.iter().any(|known| known == of) => {
                    return Ok(true);
                }
                ("Page.lifecycleEvent", Some("commit"), Some(of)) if has_come || loaders[0] == of => {
                    has_come = true;
                    loaders.push(of.to_owned());
                }
                _ => {}
            }
        }
    }

    /// Asks the tab that `is_it` for texts of its elements; `None` if there is no such tab. A query is an object with `kind` and `selector`.
    ///
    /// # Errors
    /// `DriverErrorKind` if the browser does not answer.
    pub async fn texts(
        &mut self,
        is_it: impl Fn(&str) -> bool,
        queries: &Value,
    ) -> Result<Option<Value>, DriverErrorKind> {
        let deadline = Deadline::after(ANSWER);
        let targets = self.client.call(None, "Target.getTargets", json!({}), deadline).await?;
        let tabs = targets["targetInfos"].as_array().into_iter().flatten().filter(|target| target["type"] == "page");
        let Some(tab) = tabs.into_iter().find(|tab| tab["url"].as_str().is_some_and(&is_it)) else { return Ok(None) };
        let session = self.attach(&text(tab, "targetId")?).await?;
        let told = self.evaluate(&session, TEXTS, queries).await;
        let leaving = json!({"sessionId": session});
        let _ = self.client.call(None, "Target.detachFromTarget", leaving, Deadline::after(ANSWER)).await;
        told.map(Some)
    }

    /// What the browser's page of settings says of light and dark, in a tab that stays in front:
    /// `{"preferences": {NAME: VALUE}, "chosen": [TEXT]}`, with the texts of all that is chosen on it.
    ///
    /// # Errors
    /// `DriverErrorKind` if the browser does not answer, or the page does not come within that time.
    pub async fn appearance(&mut self, within: Duration) -> Result<Value, DriverErrorKind> {
        let deadline = Deadline::after(within);
        let opened = self.client.call(None, "Target.createTarget", json!({"url": APPEARANCE_PAGE}), deadline).await?;
        let session = self.attach(&text(&opened, "targetId")?).await?;
        let (mut last, mut why) = (Value::Null, String::new());
        while !deadline.is_over() {
            // Who is asked while the page comes may be gone before the answer.
            let told = match self.evaluate(&session, APPEARANCE, &json!(null)).await {
                Ok(told) => told,
                Err(kind) => {
                    why = format!(" ({kind})");
                    Value::Null
                }
            };
            // Twice the same: what is chosen comes after the page has.
            if !told.is_null() && told == last {
                return Ok(told);
            }
            last = told;
            deadline.rest_until(tokio::time::Instant::now() + APPEARANCE_PAUSE).await;
        }
        let tries = format!("{APPEARANCE_PAGE} says nothing of what is chosen{why}");
        Err(DriverErrorKind::TimedOut { tries })
    }

    async fn attach(&self, target: &str) -> Result<String, DriverErrorKind> {
        let params = json!({"targetId": target, "flatten": true});
        let attached = self.client.call(None, "Target.attachToTarget", params, Deadline::after(ANSWER)).await?;
        text(&attached, "sessionId")
    }

    /// Calls a function of the page with one value.
    async fn evaluate(&self, session: &str, function: &str, value: &Value) -> Result<Value, DriverErrorKind> {
        let expression = format!("({function})({value})");
        let params = json!({"expression": expression, "returnByValue": true});
        let mut told = self.client.call(Some(session), "Runtime.evaluate", params, Deadline::after(ANSWER)).await?;
        match told.get("exceptionDetails") {
            None => Ok(told["result"]["value"].take()),
            Some(details) => {
                let why = details["exception"]["description"].as_str().or(details["text"].as_str());
                Err(refused(format!("the page cannot be read: {}", why.unwrap_or("it does not say why"))))
            }
        }
    }
}

fn text(of: &Value, key: &str) -> Result<String, DriverErrorKind> {
    let text = of[key].as_str().map(str::to_owned);
    text.ok_or_else(|| DriverErrorKind::MalformedResponse { why: format!("a browser's answer has no {key}") })
}
