//! What a browser offers besides its screen: addresses, tabs, the page as text and tables, forms, downloads.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use tapwright_contract::api::{ApiEffect, ApiError, ApiSpec, Apis};
use tapwright_contract::device::DriverErrorKind;
use tapwright_contract::file::read_text;

use super::tabs::Tab;
use super::{Connection, page_tools, sites};
use crate::deadline::Deadline;
use crate::refused;

/// No more characters of a page or a file are told at once.
const TOLD_MAX: usize = 20_000;
/// No larger file is read.
const FILE_MAX: u64 = 1 << 20;
const TEXT: &str = "() => (document.body ? document.body.innerText : '').slice(0, 2000000)";
const TABLES: &str = "() => [...document.querySelectorAll('table')].filter(table => table.getClientRects().length).slice(0, 20)\
    .map(table => [...table.rows].slice(0, 500).map(row => [...row.cells].slice(0, 50)\
    .map(cell => cell.innerText.replace(/\\s+/g, ' ').trim().slice(0, 500))))";
const LINKS: &str = "() => [...document.links].filter(link => link.getClientRects().length).slice(0, 500)\
    .map(link => [link.innerText.replace(/\\s+/g, ' ').trim().slice(0, 200), link.href.slice(0, 1000)])";
const STALE: &str = "not done: what is in front is not the page that was seen; look at the screen, then call again";
const FILL: &str = concat!("(caption => ", include_str!("forms.js"), ")(", include_str!("caption.js"), ")");

/// The calls of one browser.
pub(super) struct BrowserApis {
    connection: Arc<Connection>,
}

/// A part of something long, from a character of it on.
fn part(text: &str, arguments: &Value) -> String {
    let from = arguments["from"].as_u64().and_then(|from| usize::try_from(from).ok()).unwrap_or(0);
    let told: String = text.chars().skip(from).take(TOLD_MAX).collect();
    let all = text.chars().count();
    let end = from + told.chars().count();
    if end < all { format!("{told}\n… of {all} characters; the rest begins at {end}") } else { told }
}

/// What was not filled, and why, of what `forms.js` returned; a form that is filled in part is none that could be sent.
fn unfilled(told: &Value) -> Option<String> {
    let names = |value: &Value| {
        let names = value.as_array().into_iter().flatten().filter_map(Value::as_str);
        names.map(|name| format!("{name:.80?}")).collect::<Vec<_>>().join(", ")
    };
    let missing = names(&told["missing"]);
    let mut why: Vec<String> = told["refused"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, why)| format!("{name:.80?}: {}", why.as_str().unwrap_or_default()))
        .collect();
    if !missing.is_empty() {
        why.push(format!("no field is called {missing}; there are: {}", names(&told["fields"])));
    }
    (!why.is_empty()).then(|| format!("{}; nothing was filled", why.join("; ")))
}

impl BrowserApis {
    pub fn new(connection: Arc<Connection>) -> BrowserApis {
        BrowserApis { connection }
    }

    /// The tab that was seen.
    fn tab(&self) -> Result<Tab, DriverErrorKind> {
        self.connection.seen_tab().map_err(|kind| match kind {
            // Before anything was done.
            DriverErrorKind::Stale => refused(STALE),
            kind => kind,
        })
    }

    /// The same, which has to be able to answer.
    fn page(&self) -> Result<Tab, DriverErrorKind> {
        let tab = self.tab()?;
        if tab.has_crashed || tab.hangs || tab.is_restless {
            let why = match tab.has_crashed {
                true => "has crashed",
                false if tab.hangs => "does not answer",
                false => "goes elsewhere again and again",
            };
            return Err(refused(format!("the page {why}: call page.reload, page.open or tabs.close")));
        }
        Ok(tab)
    }

    fn address(arguments: &Value) -> Result<String, DriverErrorKind> {
        let address = arguments["address"].as_str().unwrap_or_default();
        let url = sites::web_address(address);
        url.map(String::from)
            .ok_or_else(|| refused("write a whole address of the web, such as https://example.com/page"))
    }

    async fn ask(&self, function: &str, deadline: Deadline) -> Result<Value, DriverErrorKind> {
        self.connection.ask_seen(&self.page()?, function, &[], deadline).await
    }

    /// What a tab shows now, for who has moved it.
    async fn page_after_move(&self, tab: &Tab, deadline: Deadline) -> Result<String, DriverErrorKind> {
        let number = tab.number;
        let has_loaded = |tab: &Tab| !tab.is_loading || tab.dialog.is_some() || tab.has_crashed;
        match self.connection.until("the page", deadline, |tabs| tabs.tab(number).is_none_or(has_loaded)).await {
            Ok(()) | Err(DriverErrorKind::TimedOut { .. }) => {}
            Err(kind) => return Err(kind),
        }
        self.connection.ask_titles(deadline).await?;
        let tabs = self.connection.tabs.borrow();
        let tab = tabs.tab(number).ok_or_else(|| refused("the tab is gone"))?;
        Ok(json!({"tab": tab.number, "address": tab.url, "title": tab.title, "loading": tab.is_loading}).to_string())
    }

    async fn fill(&self, arguments: &Value, deadline: Deadline) -> Result<String, DriverErrorKind> {
        let fields = arguments["fields"].as_object().filter(|fields| !fields.is_empty());
        let fields = fields.ok_or_else(|| refused("say which fields, as {\"Name\": \"what goes there\"}"))?;
        if let Some((name, _)) =
            fields.iter().find(|(_, value)| value.is_array() || value.is_object() || value.is_null())
        {
            return Err(refused(format!("what goes into {name:.200?} is a text, a number, true or false")));
        }
        let told = self.connection.ask_seen(&self.page()?, FILL, &[Value::from(fields.clone())], deadline).await?;
        match unfilled(&told) {
            None => Ok(json!({"filled": told["filled"]}).to_string()),
            Some(why) => Err(refused(why)),
        }
    }

    fn folder(&self) -> Result<&Path, DriverErrorKind> {
        self.connection
            .downloads
            .as_deref()
            .ok_or_else(|| refused("this browser puts its downloads where its user wants them"))
    }

    /// A file among the downloads: the name of one, and no way to anywhere else.
    fn file(&self, name: &str) -> Result<PathBuf, DriverErrorKind> {
        let folder = self.folder()?;
        let there = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut plain = there.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
        let found = plain.find(|entry| entry.file_name().to_str() == Some(name));
        found
            .map(|entry| entry.path())
            .ok_or_else(|| refused(format!("no download is called {name:.200?}; downloads.list names them")))
    }

    fn downloads(&self) -> Result<String, DriverErrorKind> {
        let folder = self.folder()?;
        let tabs = self.connection.tabs.borrow();
        let files = std::fs::read_dir(folder).into_iter().flatten().flatten().filter_map(|entry| {
            let size = entry.metadata().ok().filter(std::fs::Metadata::is_file)?.len();
            Some(json!({"name": entry.file_name().to_string_lossy(), "bytes": size}))
        });
        let begun = tabs.downloads.iter().rev().take(20).map(|download| {
            json!({"name": download.name, "from": download.url, "state": download.state, "bytes": download.bytes})
        });
        Ok(json!({"files": files.collect::<Vec<_>>(), "downloads": begun.collect::<Vec<_>>()}).to_string())
    }

    fn read_download(&self, arguments: &Value) -> Result<String, DriverErrorKind> {
        let path = self.file(arguments["name"].as_str().unwrap_or_default())?;
        let text = read_text(&path, FILE_MAX).map_err(|error| refused(format!("the file cannot be told: {error}")))?;
        Ok(part(&text, arguments))
    }

    async fn choose(&self, arguments: &Value, deadline: Deadline) -> Result<String, DriverErrorKind> {
        let tab = self.page()?;
        let chooser = tab.chooser.clone();
        let chooser = chooser.ok_or_else(|| refused("no page asks for a file: tap its button for files first"))?;
        let names = arguments["names"].as_array().map(Vec::as_slice).unwrap_or_default();
        let paths: Result<Vec<PathBuf>, _> =
            names.iter().map(|name| self.file(name.as_str().unwrap_or_default())).collect();
        let paths = paths?;
        if paths.is_empty() || paths.len() > 1 && !chooser.takes_several {
            return Err(refused(if paths.is_empty() { "name a file" } else { "the page takes one file" }));
        }
        let params = json!({"files": paths, "backendNodeId": chooser.node});
        self.connection.client.call(Some(&chooser.session), "DOM.setFileInputFiles", params, deadline).await?;
        self.connection.tabs.send_modify(|tabs| tabs.change(tab.number, |tab| tab.chooser = None));
        Ok(format!("the page has {} file(s)", paths.len()))
    }

    /// The tab that is named in the arguments.
    async fn tab_named(&self, arguments: &Value, deadline: Deadline) -> Result<Tab, DriverErrorKind> {
        let tab = &arguments["tab"];
        let name =
            tab.as_u64().map_or_else(|| tab.as_str().unwrap_or_default().to_owned(), |number| number.to_string());
        self.connection.find_tab(&name, deadline).await
    }

    /// What the call of a name tells; `None` if there is none.
    async fn carry_out(
        &self,
        name: &str,
        arguments: &Value,
        deadline: Deadline,
    ) -> Result<Option<String>, DriverErrorKind> {
        let told = match name {
            "page.open" => {
                let (address, tab) = (BrowserApis::address(arguments)?, self.tab()?);
                self.connection.navigate(&tab, &address, deadline).await?;
                self.page_after_move(&tab, deadline).await?
            }
            "page.back" => {
                let tab = self.tab()?;
                self.connection.go(&tab, -1, deadline).await?;
                self.page_after_move(&tab, deadline).await?
            }
            "page.reload" => {
                let tab = self.tab()?;
                self.connection.reload(&tab, deadline).await?;
                self.page_after_move(&tab, deadline).await?
            }
            "page.text" => part(self.ask(TEXT, deadline).await?.as_str().unwrap_or_default(), arguments),
            "page.tables" => part(&self.ask(TABLES, deadline).await?.to_string(), arguments),
            "page.links" => part(&self.ask(LINKS, deadline).await?.to_string(), arguments),
            "form.fill" => self.fill(arguments, deadline).await?,
            "tabs.list" => self.connection.list_tabs(deadline).await?.to_string(),
            "tabs.open" => {
                let tab = self.connection.open(&BrowserApis::address(arguments)?, deadline).await?;
                self.page_after_move(&tab, deadline).await?
            }
            "tabs.show" => {
                self.connection.bring_to_front(&self.tab_named(arguments, deadline).await?);
                "it is in front".to_owned()
            }
            "tabs.close" => {
                let tab = self.tab_named(arguments, deadline).await?;
                self.connection.close_tab(&tab, deadline).await?;
                "it is closed".to_owned()
            }
            "downloads.list" => self.downloads()?,
            "downloads.read" => self.read_download(arguments)?,
            "files.choose" => self.choose(arguments, deadline).await?,
            _ => return Ok(None),
        };
        Ok(Some(told))
    }
}

#[async_trait]
impl Apis for BrowserApis {
    fn specs(&self) -> Vec<ApiSpec> {
        let from = || json!({"from": {"type": "integer", "minimum": 0, "description": "the character to begin at"}});
        let address = || json!({"address": {"type": "string", "description": "a whole address: https://…"}});
        let tab = || json!({"tab": {"type": ["integer", "string"], "description": "its number or whole title"}});
        let (reads, changes, leaves) = (ApiEffect::Reads, ApiEffect::Changes, ApiEffect::LeavesTheDevice);
        let mut specs = vec![
            // What is asked for by an address reaches whoever has it.
            ApiSpec::of("page.open", "Opens an address in the tab in front", leaves, address(), &["address"]),
            ApiSpec::of("page.back", "Goes one page back", changes, json!({}), &[]),
            ApiSpec::of("page.reload", "Loads the page again", changes, json!({}), &[]),
            ApiSpec::of("page.text", "Tells the text of the page in front", reads, from(), &[]),
            ApiSpec::of("page.tables", "Tells the tables of the page in front, as lists of rows", reads, from(), &[]),
            ApiSpec::of("page.links", "Tells the links of the page in front, with their addresses", reads, from(), &[]),
            ApiSpec::of(
                "form.fill",
                "Fills fields of the page in front, by what is written at them; sends nothing",
                changes,
                json!({"fields": {
                    "type": "object", "additionalProperties": true,
                    "description": "for example {\"Name\": \"Ada\", \"I agree\": true}",
                }}),
                &["fields"],
            ),
            ApiSpec::of("tabs.list", "Lists the tabs", reads, json!({}), &[]),
            ApiSpec::of("tabs.open", "Opens an address in a new tab, in front", leaves, address(), &["address"]),
            ApiSpec::of("tabs.show", "Brings a tab to the front", changes, tab(), &["tab"]),
            ApiSpec::of("tabs.close", "Closes a tab; what was entered there is lost", changes, tab(), &["tab"]),
        ];
        if self.connection.downloads.is_some() {
            let read = json!({"name": {"type": "string"}, "from": from()["from"]});
            let names = json!({"names": {"type": "array", "items": {"type": "string"}, "minItems": 1}});
            let choose = "Gives downloaded files to the field for files that was tapped";
            specs.push(ApiSpec::of("downloads.list", "Lists what was downloaded", reads, json!({}), &[]));
            specs.push(ApiSpec::of("downloads.read", "Tells a downloaded file that is text", reads, read, &["name"]));
            specs.push(ApiSpec::of("files.choose", choose, leaves, names, &["names"]));
        }
        specs.extend(self.connection.tool_specs());
        specs
    }

    async fn call(&mut self, name: &str, arguments: &Value, within: Duration) -> Result<String, ApiError> {
        let deadline = Deadline::after(within);
        if deadline.is_over() {
            return Err(ApiError::Refused { why: "no time was left".to_owned() });
        }
        if name.starts_with(page_tools::PREFIX) {
            let tab = self.page().map_err(|kind| ApiError::Refused { why: kind.to_string() })?;
            return self.connection.call_tool(&tab, name, arguments, deadline).await;
        }
        let reads = self.specs().iter().any(|spec| spec.name == name && spec.effect == ApiEffect::Reads);
        let result = self.carry_out(name, arguments, deadline).await;
        let told = result.map_err(|kind| match kind {
            // It may have been done in the end.
            DriverErrorKind::TimedOut { .. } | DriverErrorKind::Lost { .. } | DriverErrorKind::Stale if !reads => {
                ApiError::Unanswered { why: kind.to_string() }
            }
            DriverErrorKind::Stale => ApiError::Refused { why: STALE.to_owned() },
            kind => ApiError::Refused { why: kind.to_string() },
        })?;
        told.ok_or(ApiError::Unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_told_in_parts() {
        let text = "é".repeat(TOLD_MAX + 5);
        let first = part(&text, &json!({}));
        assert!(
            first.ends_with(&format!("of {} characters; the rest begins at {TOLD_MAX}", TOLD_MAX + 5)),
            "{}",
            &first[first.len() - 80..]
        );
        assert_eq!(part(&text, &json!({"from": TOLD_MAX})), "ééééé");
        assert_eq!(part(&text, &json!({"from": u64::MAX})), "");
    }
}
