//! What a desktop offers besides its screen: its windows and its clipboard.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use tapwright_contract::api::{ApiEffect, ApiError, ApiSpec, Apis};
use tapwright_contract::device::DriverErrorKind;

use super::super::api_error;
use super::clipboard::{Clipboard, Selection, TEXT_MAX};
use super::server::{Entrance, Fault, Server};
use crate::deadline::Deadline;
use crate::desktop::window::{AppWindow, find_window};

/// No more characters of a text are told.
const TOLD_MAX: usize = 20_000;

/// The calls of one desktop. They have connections of their own, since the driver is used at the same time.
pub(super) struct DesktopApis {
    entrance: Entrance,
    server: Option<Server>,
    clipboard: Option<Clipboard>,
}

impl DesktopApis {
    pub fn new(entrance: Entrance) -> DesktopApis {
        DesktopApis { entrance, server: None, clipboard: None }
    }

    async fn server(&mut self, deadline: Deadline) -> Result<&Server, DriverErrorKind> {
        if self.server.is_none() {
            self.server = Some(Server::connect(&self.entrance, deadline).await?);
        }
        Ok(self.server.as_ref().expect("it was put there"))
    }

    async fn windows(&mut self, deadline: Deadline) -> Result<Vec<AppWindow>, DriverErrorKind> {
        self.server(deadline).await?.call("to list the windows", deadline, |link| link.windows()).await
    }

    async fn list(&mut self, deadline: Deadline) -> Result<String, DriverErrorKind> {
        // The uppermost first.
        let windows: Vec<Value> = self.windows(deadline).await?.iter().rev().map(AppWindow::to_json).collect();
        Ok(Value::from(windows).to_string())
    }

    async fn place(&mut self, arguments: &Value, deadline: Deadline) -> Result<String, DriverErrorKind> {
        let windows = self.windows(deadline).await?;
        let window = find_window(&windows, arguments["window"].as_str().unwrap_or_default())?;
        let number = |name: &str| arguments[name].as_i64().and_then(|number| i32::try_from(number).ok());
        let at = (number("x").unwrap_or(0), number("y").unwrap_or(0));
        let side = |name: &str| number(name).and_then(|number| u32::try_from(number).ok());
        let size = side("width").zip(side("height"));
        let server = self.server(deadline).await?;
        server.call("to move a window", deadline, move |link| link.move_window(window, at, size)).await?;
        Ok("the window manager was asked to".to_owned())
    }

    async fn clipboard(&mut self, deadline: Deadline) -> Result<&mut Clipboard, DriverErrorKind> {
        if self.clipboard.is_none() {
            let entrance = self.entrance.clone();
            let opened = deadline.hold("the clipboard", async {
                let opened =
                    tokio::task::spawn_blocking(move || Clipboard::open(&entrance, Selection::Clipboard)).await;
                opened.map_err(|error| DriverErrorKind::Lost { why: error.to_string() })?.map_err(|fault| fault.0)
            });
            self.clipboard = Some(opened.await?);
        }
        Ok(self.clipboard.as_mut().expect("it was put there"))
    }

    async fn read(&mut self, deadline: Deadline) -> Result<String, DriverErrorKind> {
        let clipboard = self.clipboard(deadline).await?;
        let text = deadline.hold("the clipboard", async { clipboard.read().await.map_err(|fault| fault.0) }).await?;
        let Some(text) = text else { return Ok("the clipboard holds no text".to_owned()) };
        let more = text.chars().count().saturating_sub(TOLD_MAX);
        let begin: String = text.chars().take(TOLD_MAX).collect();
        Ok(if more > 0 { format!("{begin}… and {more} characters more") } else { begin })
    }

    async fn write(&mut self, arguments: &Value, deadline: Deadline) -> Result<String, DriverErrorKind> {
        let text = arguments["text"].as_str().unwrap_or_default().to_owned();
        if text.len() > TEXT_MAX {
            return Err(DriverErrorKind::Refused { why: format!("{TEXT_MAX} bytes of text are the most") });
        }
        let clipboard = self.clipboard(deadline).await?;
        let result =
            deadline.hold("the clipboard", async { clipboard.write(text).await.map_err(|fault: Fault| fault.0) });
        result.await.map(|()| "it is on the clipboard".to_owned())
    }
}

#[async_trait]
impl Apis for DesktopApis {
    fn specs(&self) -> Vec<ApiSpec> {
        let side = || json!({"type": "integer", "minimum": 1, "maximum": 32767});
        let place = || json!({"type": "integer", "minimum": -32768, "maximum": 32767});
        vec![
            ApiSpec::of("windows.list", "Lists the windows, the uppermost first", ApiEffect::Reads, json!({}), &[]),
            ApiSpec::of(
                "windows.move",
                "Moves a window, by its number or whole title, to a place of the screen; with a width and a height, resizes it",
                ApiEffect::Changes,
                json!({"window": {"type": "string"}, "x": place(), "y": place(), "width": side(), "height": side()}),
                &["window", "x", "y"],
            ),
            ApiSpec::of("clipboard.read", "Tells the text on the clipboard", ApiEffect::Reads, json!({}), &[]),
            ApiSpec::of(
                "clipboard.write",
                "Puts a text on the clipboard",
                ApiEffect::Changes,
                json!({"text": {"type": "string"}}),
                &["text"],
            ),
        ]
    }

    async fn call(&mut self, name: &str, arguments: &Value, within: Duration) -> Result<String, ApiError> {
        let deadline = Deadline::after(within);
        let result = match name {
            "windows.list" => self.list(deadline).await,
            "windows.move" => self.place(arguments, deadline).await,
            "clipboard.read" => self.read(deadline).await,
            "clipboard.write" => self.write(arguments, deadline).await,
            _ => return Err(ApiError::Unknown),
        };
        if matches!(result, Err(DriverErrorKind::Lost { .. })) {
            (self.server, self.clipboard) = (None, None);
        }
        result.map_err(api_error)
    }
}
