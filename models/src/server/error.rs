//! Why a request gets no answer, in the shape that OpenAI's clients read.

use std::fmt;

use axum::http::header::{CONNECTION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tapwright_contract::model::ModelErrorKind;

use crate::request::AnswerError;

/// What is said of somebody's mistake at most; a mistake can be megabytes long.
const MESSAGE_CHARS_MAX: usize = 400;

/// Why a request gets no answer, and what its sender should do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorResponse {
    pub status: StatusCode,
    kind: &'static str,
    code: Option<&'static str>,
    /// The field that is meant: `messages[0].content`.
    param: Option<String>,
    message: String,
    /// Seconds after which it is worth asking again.
    retry_after: Option<u32>,
    /// Whether the connection is of no more use, as a body was not read to its end.
    close: bool,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    error: Inner<'a>,
}

#[derive(Serialize)]
struct Inner<'a> {
    message: &'a str,
    r#type: &'static str,
    param: Option<&'a str>,
    code: Option<&'static str>,
}

impl ErrorResponse {
    fn new(
        status: StatusCode,
        kind: &'static str,
        code: Option<&'static str>,
        message: impl Into<String>,
    ) -> ErrorResponse {
        let mut message: String = message.into();
        if let Some((end, _)) = message.char_indices().nth(MESSAGE_CHARS_MAX) {
            message.truncate(end);
            message.push('…');
        }
        ErrorResponse { status, kind, code, param: None, message, retry_after: None, close: false }
    }

    fn invalid(status: StatusCode, code: Option<&'static str>, message: impl Into<String>) -> ErrorResponse {
        ErrorResponse::new(status, "invalid_request_error", code, message)
    }

    fn retry(self, seconds: u32) -> ErrorResponse {
        ErrorResponse { retry_after: Some(seconds), ..self }
    }

    fn closing(self) -> ErrorResponse {
        ErrorResponse { close: true, ..self }
    }

    /// A field is wrong.
    pub fn field(param: impl Into<String>, message: impl fmt::Display) -> ErrorResponse {
        let param = param.into();
        let message = format!("{param}: {message}");
        ErrorResponse { param: Some(param), ..ErrorResponse::invalid(StatusCode::BAD_REQUEST, None, message) }
    }

    /// The body as a whole is wrong.
    pub fn body(message: impl fmt::Display) -> ErrorResponse {
        ErrorResponse::invalid(StatusCode::BAD_REQUEST, None, format!("the body: {message}"))
    }

    /// Clients find out by the code, or by the sentence "maximum context length is N tokens".
    pub fn context_exceeded(message: impl Into<String>) -> ErrorResponse {
        ErrorResponse::invalid(StatusCode::BAD_REQUEST, Some("context_length_exceeded"), message)
    }

    /// Text that no tokenizer makes short enough.
    pub fn too_much_text(bytes: usize, context: u32) -> ErrorResponse {
        let message = format!(
            "This model's maximum context length is {context} tokens. However, your messages and tools have {bytes} bytes of text, which are more tokens than that. Please reduce the length of the messages."
        );
        ErrorResponse { param: Some("messages".to_owned()), ..ErrorResponse::context_exceeded(message) }
    }

    pub fn no_such_model(asked: &str, name: &str) -> ErrorResponse {
        let message = format!("there is no model {asked:?} here; this server's is {name:?}");
        let response = ErrorResponse::invalid(StatusCode::NOT_FOUND, Some("model_not_found"), message);
        ErrorResponse { param: Some("model".to_owned()), ..response }
    }

    pub fn no_such_path(method: &str, path: &str) -> ErrorResponse {
        let message = format!(
            "there is no {method} {path}; there are POST /v1/chat/completions, GET /v1/models, GET /health and GET /metrics"
        );
        ErrorResponse::invalid(StatusCode::NOT_FOUND, Some("unknown_url"), message).closing()
    }

    pub fn wrong_method(method: &str, path: &str) -> ErrorResponse {
        let message = format!("{path} takes no {method}");
        ErrorResponse::invalid(StatusCode::METHOD_NOT_ALLOWED, Some("method_not_allowed"), message).closing()
    }

    pub fn not_json() -> ErrorResponse {
        let message = "a request is JSON, and says so: content-type: application/json";
        ErrorResponse::invalid(StatusCode::UNSUPPORTED_MEDIA_TYPE, Some("unsupported_media_type"), message).closing()
    }

    pub fn wrong_key(given: bool) -> ErrorResponse {
        let message = if given {
            "the key is not this server's"
        } else {
            "this server wants a key: the header `Authorization: Bearer KEY`"
        };
        ErrorResponse::invalid(StatusCode::UNAUTHORIZED, Some("invalid_api_key"), message).closing()
    }

    /// Without a key, who asks is known by the name alone.
    pub fn foreign_host(host: &str) -> ErrorResponse {
        let message = format!(
            "this server has no key and answers to localhost and to addresses only, not to {host:?}; start it with a key (--api-key-env) to be asked by other names"
        );
        ErrorResponse::invalid(StatusCode::FORBIDDEN, Some("foreign_host"), message).closing()
    }

    pub fn too_large(bytes_max: usize) -> ErrorResponse {
        let message = format!("the body is longer than {bytes_max} bytes");
        ErrorResponse::invalid(StatusCode::PAYLOAD_TOO_LARGE, Some("request_too_large"), message).closing()
    }

    pub fn too_slow(message: impl Into<String>) -> ErrorResponse {
        ErrorResponse::invalid(StatusCode::REQUEST_TIMEOUT, Some("request_timeout"), message).closing()
    }

    pub fn queue_full(queue: usize) -> ErrorResponse {
        let message = format!("{queue} requests wait or are answered already, and that is the most; ask again later");
        ErrorResponse::new(StatusCode::TOO_MANY_REQUESTS, "rate_limit_error", Some("queue_full"), message)
            .retry(2)
            .closing()
    }

    pub fn memory_full() -> ErrorResponse {
        let message = "the requests that are here already hold all the memory that they may; ask again later";
        ErrorResponse::new(StatusCode::TOO_MANY_REQUESTS, "rate_limit_error", Some("memory_full"), message)
            .retry(2)
            .closing()
    }

    pub fn internal(message: impl Into<String>) -> ErrorResponse {
        ErrorResponse::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", None, message)
    }

    /// The body of the response, and of an event when an answer breaks off.
    pub fn json(&self) -> String {
        let inner = Inner { message: &self.message, r#type: self.kind, param: self.param.as_deref(), code: self.code };
        serde_json::to_string(&ErrorBody { error: inner }).unwrap_or_default()
    }
}

impl From<AnswerError> for ErrorResponse {
    fn from(error: AnswerError) -> ErrorResponse {
        let message = error.to_string();
        let server = |status, code| ErrorResponse::new(status, "server_error", code, message.clone());
        match error {
            AnswerError::ContextExceeded { .. } => {
                ErrorResponse { param: Some("messages".to_owned()), ..ErrorResponse::context_exceeded(message) }
            }
            AnswerError::Model(ModelErrorKind::InvalidPrompt { .. }) => {
                ErrorResponse::invalid(StatusCode::BAD_REQUEST, Some("invalid_prompt"), message)
            }
            AnswerError::Model(ModelErrorKind::Unavailable { retry_after, .. }) => {
                let seconds = retry_after.map_or(2, |wait| wait.as_secs().clamp(1, 3600) as u32);
                server(StatusCode::SERVICE_UNAVAILABLE, Some("busy")).retry(seconds)
            }
            AnswerError::Model(ModelErrorKind::TimedOut { .. }) => {
                server(StatusCode::GATEWAY_TIMEOUT, Some("timed_out"))
            }
            AnswerError::Model(ModelErrorKind::Fatal { .. }) => {
                // Of the model and this machine, not of what was said: whoever runs the server has to see it.
                tracing::error!(why = message, "the model cannot answer");
                ErrorResponse::internal(message)
            }
        }
    }
}

impl IntoResponse for ErrorResponse {
    fn into_response(self) -> Response {
        let mut response = (self.status, [("content-type", "application/json")], self.json()).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if self.close {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
