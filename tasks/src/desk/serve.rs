//! The desk over HTTP: what can be asked for, and answered.

use std::sync::LazyLock;

use async_trait::async_trait;
use axum::body::Bytes;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;
use tapwright_agent::journal::picture_bytes;
use tokio::time::timeout;

use super::{DeskState, RejectedAnswer, Shared, show};
use crate::live::{LiveScreen, encode};
use crate::page_server::{
    Pages, Query, body, content_policy, error_response, lock, not_allowed, query, see_other, typed_response,
};

/// The most bytes of a picture that stands in the page itself.
const INLINE_BYTES_MAX: usize = 8 << 20;

static CONTENT_POLICY: LazyLock<HeaderValue> = LazyLock::new(|| content_policy(show::STYLE, show::SCRIPT));

#[async_trait]
impl Pages for Shared {
    fn content_policy(&self) -> &HeaderValue {
        &CONTENT_POLICY
    }

    async fn answer(&self, path: &str, home: &str, request: Request) -> Response {
        let method = request.method().clone();
        let picture = path.strip_prefix("picture-").and_then(|rest| rest.strip_suffix(".png")?.parse().ok());
        match (path, picture) {
            ("answer", _) if method == Method::POST => answer_request(self, home, request).await,
            ("answer", _) => not_allowed("POST"),
            ("input", _) if method == Method::POST => input(self, request).await,
            ("input", _) => not_allowed("POST"),
            ("" | "question" | "frame", _) | (_, Some(_)) if method != Method::GET => not_allowed("GET"),
            ("frame", _) => frame(self, query(&request)).await,
            ("", _) => page(self, StatusCode::OK, None).await,
            ("question", _) => question(self, query(&request)).await,
            (_, Some(id)) => picture_of(self, id).await,
            (path, None) => match path.strip_prefix("screen-").and_then(|rest| rest.strip_suffix(".png")) {
                Some(digest) if method == Method::GET => screen_of(self, digest).await,
                Some(_) => not_allowed("GET"),
                None => StatusCode::NOT_FOUND.into_response(),
            },
        }
    }
}

async fn page(shared: &Shared, status: StatusCode, note: Option<&str>) -> Response {
    // After the last word nothing answers any more: that page has its picture in it.
    let last = {
        let state = lock(&shared.state);
        let digest = state.view.as_ref().filter(|_| state.ended.is_some()).and_then(|view| view.digest());
        digest.map(str::to_owned)
    };
    let inline = match last {
        Some(digest) => screen_bytes(shared, &digest).await.filter(|png| png.len() <= INLINE_BYTES_MAX),
        None => None,
    };
    let inline = inline.map(|png| format!("data:image/png;base64,{}", STANDARD.encode(png)));
    let version = *shared.version.borrow();
    let text = show::page(&lock(&shared.state), version, note, inline.as_deref());
    (status, typed_response("text/html; charset=utf-8", text)).into_response()
}

/// The screen that the run sees: as it was written into the record, where secrets are covered.
async fn screen_of(shared: &Shared, digest: &str) -> Response {
    match screen_bytes(shared, digest).await {
        Some(png) => typed_response("image/png", png),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn screen_bytes(shared: &Shared, digest: &str) -> Option<Vec<u8>> {
    let (folder, digest) = lock(&shared.state).view.as_ref()?.picture(digest)?;
    tokio::task::spawn_blocking(move || picture_bytes(&folder, &digest)).await.ok()?.ok()
}

/// The screen as it is, for whoever has it now.
async fn frame(shared: &Shared, query: Query) -> Response {
    let frame = live(&lock(&shared.state)).map(|live| live.frame(query));
    match frame {
        Some(frame) => frame.await,
        None => not_yours(),
    }
}

/// Does something on the screen, for whoever has it now.
async fn input(shared: &Shared, request: Request) -> Response {
    let input = live(&lock(&shared.state)).map(|live| live.input(request));
    match input {
        Some(input) => input.await,
        None => not_yours(),
    }
}

fn live(state: &DeskState) -> Option<&LiveScreen> {
    state.open.as_ref()?.live.as_ref()
}

fn not_yours() -> Response {
    let why = "the screen is lent only while the run asks a person to take over, and is watched";
    error_response(StatusCode::CONFLICT, why)
}

/// What is asked, for programs. With `wait` it comes when there is something new: since `version`, or else a question.
async fn question(shared: &Shared, query: Query) -> Response {
    let (wait, known) = match (query.wait(), query.number("version")) {
        (Ok(wait), Ok(known)) => (wait, known),
        (Err(wrong), _) | (_, Err(wrong)) => return wrong,
    };
    let is_new = |version: u64| match known {
        Some(known) => version != known,
        None => {
            let state = lock(&shared.state);
            state.open.is_some() || state.ended.is_some()
        }
    };
    let mut versions = shared.version.subscribe();
    let _ = timeout(wait, versions.wait_for(|version| is_new(*version))).await;
    let version = *shared.version.borrow();
    let told = show::question(&lock(&shared.state), version);
    typed_response("application/json", told.to_string())
}

/// The body of an answer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PostedAnswer {
    id: u64,
    answer: String,
    #[serde(default)]
    words: String,
}

async fn answer_request(shared: &Shared, home: &str, request: Request) -> Response {
    let (bytes, is_form) = match body(request).await {
        Ok(body) => body,
        Err(wrong) => return wrong,
    };
    let PostedAnswer { id, answer, words } = match read(&bytes, is_form) {
        Ok(said) => said,
        Err(why) => return error_response(StatusCode::BAD_REQUEST, &why),
    };
    match (shared.answer(id, &answer, &words), is_form) {
        (Ok(()), false) => typed_response("application/json", json!({"taken": true}).to_string()),
        (Ok(()), true) => see_other(home),
        (Err(late), is_form) => {
            let (status, why) = explain(&late);
            if is_form { page(shared, status, Some(&why)).await } else { error_response(status, &why) }
        }
    }
}

fn read(bytes: &Bytes, is_form: bool) -> Result<PostedAnswer, String> {
    if !is_form {
        return serde_json::from_slice(bytes).map_err(|error| format!("the body: {error}"));
    }
    let fields: Vec<(String, String)> = form_urlencoded::parse(bytes).into_owned().collect();
    let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    let id = field("id").and_then(|id| id.parse().ok()).ok_or("the form has no id of a question")?;
    Ok(PostedAnswer { id, answer: field("answer").unwrap_or_default(), words: field("words").unwrap_or_default() })
}

fn explain(late: &RejectedAnswer) -> (StatusCode, String) {
    match late {
        RejectedAnswer::Closed { id, how } => (
            StatusCode::CONFLICT,
            format!("question {id} is not open any more, and nothing came of this answer: {how}"),
        ),
        RejectedAnswer::NoSuchQuestion { id } => (StatusCode::CONFLICT, format!("there is no question {id}")),
        RejectedAnswer::NotAllowed { fit } => {
            (StatusCode::BAD_REQUEST, format!("this question is answered with: {}; a choice has words", fit.join(", ")))
        }
    }
}

async fn picture_of(shared: &Shared, id: u64) -> Response {
    let picture = {
        let state = lock(&shared.state);
        let open = state.open.as_ref().filter(|open| open.id == id);
        open.and_then(|open| open.screen.as_ref()).map(|screen| screen.picture.clone())
    };
    let Some(picture) = picture else { return StatusCode::NOT_FOUND.into_response() };
    match tokio::task::spawn_blocking(move || encode::png(&picture)).await {
        Ok(Ok(png)) => typed_response("image/png", png),
        _ => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
