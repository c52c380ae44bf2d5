//! A device in a browser's tab: what is on its screen, live, and touches, keys and text for it.
//!
//! ```text
//! GET  /TOKEN/         the page
//! GET  /TOKEN/frame    the latest picture
//! POST /TOKEN/input    what is done there
//! ```
//!
//! Whoever has the address with its token has the device. How the screen is shown is `live`'s, and who may ask `page_server`'s.

mod phone;

use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use tapwright_contract::device::Driver;
use tapwright_contract::gesture::Abilities;

use crate::live::{self, LiveScreen};
use crate::page::escaped;
use crate::page_server::{
    PageServer, PageServerError, PageServerOptions, Pages, content_policy, not_allowed, query, typed_response,
};

pub(crate) use phone::PhoneDriver;

const STYLE: &str =
    concat!(include_str!("page/shared.css"), include_str!("live/style.css"), include_str!("window/style.css"));
const SCRIPT: &str = concat!(include_str!("live/script.js"), include_str!("window/script.js"));

static CONTENT_POLICY: LazyLock<HeaderValue> = LazyLock::new(|| content_policy(STYLE, SCRIPT));

/// Shows a device until it is closed.
pub struct Window {
    server: PageServer,
}

struct WindowPages {
    page: String,
    screen: LiveScreen,
}

impl Window {
    /// Shows the device of a driver at an address. `about` says what it is.
    ///
    /// # Errors
    /// `PageServerError` if nothing can be there.
    pub async fn open(
        options: PageServerOptions,
        driver: Box<dyn Driver>,
        about: &str,
    ) -> Result<Window, PageServerError> {
        let abilities = driver.abilities();
        let page = page(about, &abilities);
        let screen = LiveScreen::start(driver);
        let server = PageServer::open(options, Arc::new(WindowPages { page, screen })).await?;
        Ok(Window { server })
    }

    /// Where it is, with the token.
    pub fn url(&self) -> &str {
        self.server.url()
    }

    /// Closes it.
    pub async fn close(self) {
        self.server.close().await;
    }
}

#[async_trait]
impl Pages for WindowPages {
    fn content_policy(&self) -> &HeaderValue {
        &CONTENT_POLICY
    }

    async fn answer(&self, path: &str, _home: &str, request: Request) -> Response {
        let method = request.method().clone();
        match (path, &method) {
            ("", &Method::GET) => typed_response("text/html; charset=utf-8", self.page.clone()),
            ("frame", &Method::GET) => self.screen.frame(query(&request)).await,
            ("input", &Method::POST) => self.screen.input(request).await,
            ("" | "frame", _) => not_allowed("GET"),
            ("input", _) => not_allowed("POST"),
            _ => StatusCode::NOT_FOUND.into_response(),
        }
    }
}

fn page(about: &str, abilities: &Abilities) -> String {
    let title = escaped(about);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title} · Tapwright</title>\n\
         <style>{STYLE}</style>\n<link rel=\"icon\" href=\"data:,\">\n</head>\n<body>\n\
         <main data-panel>\n<h1>{title}</h1>\n{}\n\
         <p class=\"hint\">Click to tap, hold to press long, drag to swipe, hold and drag to move something. What you type goes to the \
         field with the caret; Escape is Back.</p>\n\
         <noscript><p class=\"trouble\">This page needs its script, which is in it.</p></noscript>\n\
         </main>\n<script>{SCRIPT}</script>\n</body>\n</html>\n",
        live::panel(abilities)
    )
}
