//! An API over HTTP.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Response, StatusCode, Url, redirect};
use serde_json::{Value, json};
use tapwright_agent::secrets::{LOOKAHEAD_BYTES, Secrets, names};
use tapwright_contract::api::{ApiError, ApiSpec, Apis};
use tokio::time::timeout;

use super::{ApiEndpoint, HttpApi, InvalidApi, template, text};

/// Connecting is quick or hopeless.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// What is repeated of a complaint.
const COMPLAINT_BYTES_MAX: usize = 300;

/// A request that waits for its arguments.
pub struct HttpCaller {
    sender: HttpSender,
    method: Method,
    url: String,
    body: Option<(String, Form)>,
    pointer: Option<String>,
    spec: ApiSpec,
    within: Duration,
}

/// Sends requests with the headers that the settings have, follows nobody elsewhere, and says of an answer whether it was done.
pub(super) struct HttpSender {
    client: Client,
    headers: HeaderMap,
    answer_bytes_max: usize,
    secrets: Secrets,
}

/// A request with its arguments.
#[derive(Debug)]
pub(super) struct OutgoingRequest {
    pub method: Method,
    pub url: Url,
    /// Besides those of the settings.
    pub headers: HeaderMap,
    pub body: Option<String>,
}

/// How an argument is written in a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Inside a string of JSON, whose quotes are the template's; or a value of JSON, where nothing quotes it.
    Json,
    /// A value of a form.
    Fields,
    /// As it is.
    Plain,
}

impl HttpApi {
    /// `known` are the arguments that there can be.
    pub(super) fn check(&self, known: &[&str]) -> Result<(), InvalidApi> {
        let bad = |why: String| Err(InvalidApi(why));
        let HttpApi { method, url, headers, body, pointer } = self;
        if method.parse::<Method>().is_err() {
            return bad(format!("{method:?} is no method"));
        }
        // Before it, it could lead to another place than was meant; a fragment is never sent.
        let (sent, fragment) = url.split_once('#').unwrap_or((url, ""));
        let before = sent.split_once('?').map_or(sent, |(before, _)| before);
        if template::has_places(before) || template::has_places(fragment) {
            return bad("arguments can be in the query of url only, after its question mark".to_owned());
        }
        template::check(url, known)?;
        template::check(body.as_deref().unwrap_or_default(), known)?;
        match address(url, &json!({})) {
            Some(url) if matches!(url.scheme(), "http" | "https") && url.host().is_some() => {}
            _ => return bad(format!("{url:?} is no address that begins with http:// or https://")),
        }
        if !names(url).is_empty() || body.as_ref().is_some_and(|body| !names(body).is_empty()) {
            return bad("secrets can be in headers only: addresses and bodies are written to logs".to_owned());
        }
        for (name, value) in headers {
            if name.parse::<HeaderName>().is_err() || template::has_places(value) {
                return bad(format!("the header {name:?} cannot be sent, or has an argument in it"));
            }
        }
        if let Some(body) = body
            && form_of(headers) == Form::Json
            && in_json(body, &json!({})).is_none()
        {
            let why = "body is no JSON; a place is a string, or stands inside of one: {\"text\": \"{{instruction}}\"}";
            return bad(why.to_owned());
        }
        if let Some(body) = body
            && form_of(headers) == Form::Json
            && let Some(key) = key_with_place(&serde_json::from_str(body).unwrap_or_default())
        {
            return bad(format!("the key {key:?} of body has an argument in it: an argument is a value, and no key"));
        }
        match pointer {
            Some(pointer) if !pointer.is_empty() && !pointer.starts_with('/') => {
                bad("pointer begins with a slash: \"/current/summary\"".to_owned())
            }
            _ => Ok(()),
        }
    }
}

impl HttpSender {
    /// `headers` are those of the settings with their secrets.
    pub(super) fn new(
        headers: &BTreeMap<String, String>,
        answer_bytes_max: usize,
        secrets: &Secrets,
    ) -> Result<HttpSender, InvalidApi> {
        let mut sent = HeaderMap::new();
        for (name, value) in headers {
            // What cannot be sent is not repeated: it may be a secret.
            let bad = || InvalidApi(format!("the header {name:?} has signs in it that cannot be sent"));
            let key: HeaderName = name.parse().map_err(|_| bad())?;
            let mut value = HeaderValue::from_str(value).map_err(|_| bad())?;
            value.set_sensitive(true);
            sent.insert(key, value);
        }
        // Whoever is sent elsewhere would get the headers too.
        let client = Client::builder().redirect(redirect::Policy::none()).connect_timeout(CONNECT_WITHIN);
        let client = client.build().map_err(|error| InvalidApi(format!("no connections can be made: {error}")))?;
        Ok(HttpSender { client, headers: sent, answer_bytes_max, secrets: secrets.clone() })
    }

    /// Sends a header with each request, if the settings have none of that name.
    pub(super) fn default_header(&mut self, name: HeaderName, value: HeaderValue) {
        self.headers.entry(name).or_insert(value);
    }

    /// Sends a request; of the answer what is at `pointer` is told, if there is one.
    pub(super) async fn send(
        &self,
        request: OutgoingRequest,
        pointer: Option<&str>,
        within: Duration,
    ) -> Result<String, ApiError> {
        timeout(within, self.ask(request, pointer)).await.unwrap_or_else(|_| {
            Err(ApiError::Unanswered { why: format!("there was no answer within {} s", within.as_secs_f32()) })
        })
    }

    async fn ask(&self, request: OutgoingRequest, pointer: Option<&str>) -> Result<String, ApiError> {
        let refused = |why: String| ApiError::Refused { why };
        let OutgoingRequest { method, url, headers, body } = request;
        // Those of the settings come last: no other takes their place.
        let mut sending = self.client.request(method.clone(), url).headers(headers).headers(self.headers.clone());
        if let Some(body) = body {
            sending = sending.body(body);
        }
        let response = sending.send().await.map_err(|error| {
            let told = cause(&error);
            match error.is_connect() || error.is_builder() {
                true => refused(format!("it cannot be reached: {told}")),
                false => ApiError::Unanswered { why: format!("there was no answer: {told}") },
            }
        })?;
        let status = response.status();
        let kind =
            response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("of no type").to_owned();
        if !status.is_success() {
            let bytes = read(response, COMPLAINT_BYTES_MAX).await.unwrap_or_default();
            let why = format!("it says {status}: {}", text(&bytes, COMPLAINT_BYTES_MAX, &kind, &self.secrets));
            return Err(match status {
                StatusCode::REQUEST_TIMEOUT => ApiError::Unanswered { why },
                status if status.is_server_error() => ApiError::Unanswered { why },
                // Whoever has done something often sends on to a page about it.
                status if status.is_redirection() && !method.is_safe() => ApiError::Unanswered {
                    why: format!("it says {status} and is not followed elsewhere; it may have been done"),
                },
                status if status.is_redirection() => {
                    refused(format!("it says {status}, and is not followed elsewhere"))
                }
                _ => refused(why),
            });
        }
        // From here on it was done, whatever the answer is.
        let Some(bytes) = read(response, self.answer_bytes_max).await else {
            return Ok("done; the answer broke off".to_owned());
        };
        let Some(pointer) = pointer else {
            return Ok(text(&bytes, self.answer_bytes_max, &kind, &self.secrets));
        };
        if bytes.len() > self.answer_bytes_max {
            return Ok(format!("done; the answer is longer than {} bytes, and was not read", self.answer_bytes_max));
        }
        Ok(match serde_json::from_slice::<Value>(&bytes) {
            Err(_) => {
                format!("done; the answer is no JSON: {}", text(&bytes, COMPLAINT_BYTES_MAX, &kind, &self.secrets))
            }
            Ok(answer) => match answer.pointer(pointer) {
                None => format!("done; the answer has nothing at {pointer}"),
                Some(Value::String(text)) => text.clone(),
                Some(value) => value.to_string(),
            },
        })
    }

    /// Reads a file that lies at an address; `Err` in words. The headers go there only if it is of the server that they are for.
    pub(super) async fn download(&self, url: &Url, with_headers: bool, bytes_max: usize) -> Result<Vec<u8>, String> {
        let mut request = self.client.get(url.clone());
        if with_headers {
            request = request.headers(self.headers.clone());
        }
        let response = request.send().await.map_err(|error| format!("it cannot be reached: {}", cause(&error)))?;
        let status = response.status();
        if status.is_redirection() {
            return Err(format!("its server says {status}, and is not followed elsewhere"));
        }
        if !status.is_success() {
            return Err(format!("its server says {status}"));
        }
        let bytes = read(response, bytes_max).await.ok_or("the answer broke off")?;
        match bytes.len() > bytes_max {
            true => Err(format!("it is longer than {} MiB", bytes_max >> 20)),
            false => Ok(bytes),
        }
    }
}

impl HttpCaller {
    /// `headers` are those of `http` with their secrets.
    pub(super) fn new(
        http: &HttpApi,
        headers: &BTreeMap<String, String>,
        spec: &ApiEndpoint,
        secrets: &Secrets,
    ) -> Result<HttpCaller, InvalidApi> {
        let mut sender = HttpSender::new(headers, spec.answer_bytes_max, secrets)?;
        let form = form_of(headers);
        if http.body.is_some() && form == Form::Json {
            sender.default_header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        Ok(HttpCaller {
            sender,
            method: http.method.parse().map_err(|_| InvalidApi(format!("{:?} is no method", http.method)))?,
            url: http.url.clone(),
            body: http.body.clone().map(|body| (body, form)),
            pointer: http.pointer.clone(),
            spec: spec.spec.clone(),
            within: spec.within,
        })
    }

    /// The request with a call's arguments in their places; `Err` in words.
    fn request(&self, arguments: &Value) -> Result<OutgoingRequest, &'static str> {
        let url = address(&self.url, arguments).ok_or("the address cannot be written so")?;
        let written = |(body, form): &(String, Form)| match form {
            Form::Json => in_json(body, arguments),
            Form::Fields => Some(template::fill(body, arguments, percent_encode)),
            Form::Plain => Some(template::fill(body, arguments, str::to_owned)),
        };
        let body = match &self.body {
            Some(body) => Some(written(body).ok_or("the body cannot be written so")?),
            None => None,
        };
        Ok(OutgoingRequest { method: self.method.clone(), url, headers: HeaderMap::new(), body })
    }
}

#[async_trait]
impl Apis for HttpCaller {
    fn specs(&self) -> Vec<ApiSpec> {
        vec![self.spec.clone()]
    }

    async fn call(&mut self, _name: &str, arguments: &Value, within: Duration) -> Result<String, ApiError> {
        let request = self.request(arguments).map_err(|why| ApiError::Refused { why: why.to_owned() })?;
        self.sender.send(request, self.pointer.as_deref(), within.min(self.within)).await
    }
}

/// As many bytes of an answer as are wanted, and so many more as a secret may have; `None` if it broke off.
async fn read(mut response: Response, bytes_max: usize) -> Option<Vec<u8>> {
    let bytes_max = bytes_max.saturating_add(LOOKAHEAD_BYTES);
    let mut bytes = Vec::new();
    while let Some(piece) = response.chunk().await.ok()? {
        let room = bytes_max - bytes.len();
        bytes.extend_from_slice(&piece[..piece.len().min(room)]);
        if piece.len() > room {
            break;
        }
    }
    Some(bytes)
}

fn address(url: &str, arguments: &Value) -> Option<Url> {
    template::fill(url, arguments, percent_encode).parse().ok()
}

/// As a value in a query or a form.
pub(super) fn percent_encode(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// A body of JSON with the arguments in its strings. A string that is one place and nothing else becomes the argument itself, a
/// number or a list too; an argument that was left out is null there.
fn in_json(body: &str, arguments: &Value) -> Option<String> {
    fn fill(value: &mut Value, arguments: &Value) {
        match value {
            Value::String(text) => {
                let whole = text.strip_prefix("{{").and_then(|text| text.strip_suffix("}}"));
                let is_place = template::begins_with_a_place(text) && whole.is_some_and(|name| !name.contains('{'));
                *value = match whole.filter(|_| is_place) {
                    Some(template::ARGUMENTS) if arguments.get(template::ARGUMENTS).is_none() => arguments.clone(),
                    Some(name) => arguments.get(name).cloned().unwrap_or_default(),
                    None => template::fill(text, arguments, str::to_owned).into(),
                };
            }
            Value::Array(items) => items.iter_mut().for_each(|item| fill(item, arguments)),
            Value::Object(fields) => fields.values_mut().for_each(|field| fill(field, arguments)),
            Value::Number(_) | Value::Bool(_) | Value::Null => {}
        }
    }
    let mut body: Value = serde_json::from_str(body).ok()?;
    fill(&mut body, arguments);
    Some(body.to_string())
}

/// A key that would be sent as it is written, with the braces: only values are filled in.
fn key_with_place(body: &Value) -> Option<String> {
    match body {
        Value::Array(items) => items.iter().find_map(key_with_place),
        Value::Object(fields) => {
            let key = fields.keys().find(|key| template::has_places(key));
            key.cloned().or_else(|| fields.values().find_map(key_with_place))
        }
        Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null => None,
    }
}

fn form_of(headers: &BTreeMap<String, String>) -> Form {
    let kind =
        headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type")).map(|(_, kind)| kind.as_str());
    match kind.map(|kind| kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()).as_deref() {
        None => Form::Json,
        Some(kind) if kind == "application/json" || kind.ends_with("+json") => Form::Json,
        Some("application/x-www-form-urlencoded") => Form::Fields,
        Some(_) => Form::Plain,
    }
}

/// What lies at the bottom of an error; its own words have the address.
fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    #[test]
    fn an_instruction_stays_where_it_was_put() {
        let instruction = |text: &str| json!({ "instruction": text });
        let url = address("https://h.example/a?q={{instruction}}&k=1", &instruction("x&k=2#/../é +")).unwrap();
        assert_eq!(url.as_str(), "https://h.example/a?q=x%26k%3D2%23%2F..%2F%C3%A9%20%2B&k=1");
        let body = in_json(r#"{"t": "so: {{instruction}}"}"#, &instruction("a\", \"b\": \"\n")).unwrap();
        assert_eq!(body, r#"{"t":"so: a\", \"b\": \"\n"}"#);
        let typed = json!({ "n": 2, "l": ["a"], "t": "{{n}}" });
        let body = in_json(r#"{"n": "{{n}}", "l": ["{{l}}"], "t": "{{t}}", "m": "{{m}}", "s": "{{n}}{{n}}"}"#, &typed);
        assert_eq!(body.unwrap(), r#"{"n":2,"l":[["a"]],"t":"{{n}}","m":null,"s":"22"}"#);
        assert_eq!(in_json("\"{{arguments}}\"", &typed).unwrap(), typed.to_string());
    }

    fn check(change: impl Fn(&mut HttpApi), expected: Expect) {
        let mut http = HttpApi {
            method: "POST".to_owned(),
            url: "https://h.example/a?q={{instruction}}".to_owned(),
            headers: BTreeMap::from([("authorization".to_owned(), "Bearer {{secret:key}}".to_owned())]),
            body: Some(r#"{"t": "{{instruction}}"}"#.to_owned()),
            pointer: Some("/a".to_owned()),
        };
        change(&mut http);
        expected.assert_eq(&http.check(&["instruction"]).map_or_else(|bad| bad.to_string(), |()| "well".to_owned()));
    }

    #[test]
    fn what_cannot_be_sent_is_said_before_anything_is_done() {
        check(|_| {}, expect!["well"]);
        check(|http| http.method = "P O".to_owned(), expect![[r#""P O" is no method"#]]);
        check(
            |http| http.url = "https://{{instruction}}/".to_owned(),
            expect!["arguments can be in the query of url only, after its question mark"],
        );
        check(
            |http| http.url = "file:///etc/passwd".to_owned(),
            expect![[r#""file:///etc/passwd" is no address that begins with http:// or https://"#]],
        );
        check(
            |http| http.url = "https://h.example/?key={{secret:key}}".to_owned(),
            expect!["secrets can be in headers only: addresses and bodies are written to logs"],
        );
        check(
            |http| http.body = Some("{{instruction}}".to_owned()),
            expect![[r#"body is no JSON; a place is a string, or stands inside of one: {"text": "{{instruction}}"}"#]],
        );
        check(
            |http| http.body = Some(r#"{"a": [{"{{instruction}}": 1}]}"#.to_owned()),
            expect![[r#"the key "{{instruction}}" of body has an argument in it: an argument is a value, and no key"#]],
        );
        check(
            |http| http.pointer = Some("a".to_owned()),
            expect![[r#"pointer begins with a slash: "/current/summary""#]],
        );
        check(
            |http| drop(http.headers.insert("x".to_owned(), "{{instruction}}".to_owned())),
            expect![[r#"the header "x" cannot be sent, or has an argument in it"#]],
        );
        check(
            |http| {
                http.headers.insert("Content-Type".to_owned(), "text/plain".to_owned());
                http.body = Some("{{instruction}}".to_owned());
            },
            expect!["well"],
        );
    }
}
