//! The request of an operation: each argument goes into the place that the description has for it, as data of that place. No argument
//! is another segment of a path, another field, another header or another host.

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde_json::Value;

use crate::apis::http::{OutgoingRequest, percent_encode};

/// A request that waits for its arguments.
#[derive(Clone, Debug)]
pub struct OperationRequest {
    pub method: Method,
    /// Begins with a slash; `{name}` is the place of a parameter.
    pub path: String,
    pub parameters: Vec<Parameter>,
    pub body: Option<RequestBody>,
}

/// An argument, and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// What the model calls it.
    pub argument: String,
    /// What the service calls it.
    pub name: String,
    pub place: ParameterPlace,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterPlace {
    Path,
    Query(QueryStyle),
    Header,
}

/// How what is no single value is written in a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryStyle {
    /// `a=1&a=2`
    Repeated,
    /// `a=1,2`, with this between the values.
    Joined(&'static str),
    /// `a[x]=1&a[y]=2`
    Deep,
    /// As JSON.
    Json,
}

/// The argument that is the body, and how it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestBody {
    pub argument: String,
    pub content_type: String,
    pub is_form: bool,
}

impl OperationRequest {
    /// The request with a call's arguments; `Err` in words.
    pub fn build(&self, base: &Url, arguments: &Value) -> Result<OutgoingRequest, String> {
        let mut path = self.path.clone();
        let mut query = String::new();
        let mut headers = HeaderMap::new();
        for Parameter { argument, name, place } in &self.parameters {
            let given = arguments.get(argument).filter(|given| !given.is_null());
            match (place, given) {
                (ParameterPlace::Path, given) => {
                    let given =
                        given.ok_or_else(|| format!("{argument} is part of the path, and cannot be left out"))?;
                    let text = texts(argument, given)?.iter().map(|text| percent_encode(text)).collect::<Vec<_>>();
                    path = path.replace(&format!("{{{name}}}"), &text.join(","));
                }
                (_, None) => {}
                (ParameterPlace::Query(style), Some(given)) => add_to_query(&mut query, name, argument, *style, given)?,
                (ParameterPlace::Header, Some(given)) => {
                    let text = texts(argument, given)?.join(",");
                    let key: HeaderName = name.parse().map_err(|_| format!("{argument} cannot be sent"))?;
                    // A line break would begin another header.
                    let value = HeaderValue::from_str(&text)
                        .map_err(|_| format!("{argument} has signs in it that no header can have"))?;
                    headers.insert(key, value);
                }
            }
        }
        // A segment of dots leads elsewhere, and an empty one may be another operation.
        let is_odd = |segment: &str| segment.is_empty() || segment.chars().all(|letter| letter == '.');
        let segments = |path: &str| path.split('/').skip(1).map(str::to_owned).collect::<Vec<_>>();
        let before = segments(&self.path);
        let after = segments(&path);
        if before.len() != after.len()
            || before.iter().zip(&after).any(|(before, after)| before != after && is_odd(after))
        {
            return Err("an argument of its path is empty, or leads to another path".to_owned());
        }
        let whole = format!("{}{path}", base.as_str().trim_end_matches('/'));
        let question = if query.is_empty() { "" } else { "?" };
        let url: Url =
            format!("{whole}{question}{query}").parse().map_err(|_| "the address cannot be written so".to_owned())?;
        if url.origin() != base.origin() || url.path().split('/').count() != whole_segments(base, after.len()) {
            return Err("the address would be another one".to_owned());
        }
        let body = match &self.body {
            None => None,
            Some(body) => body.write(arguments, &mut headers)?,
        };
        Ok(OutgoingRequest { method: self.method.clone(), url, headers, body })
    }
}

/// How many parts a path has once it is behind that of `base`.
fn whole_segments(base: &Url, more: usize) -> usize {
    base.path().trim_end_matches('/').split('/').count() + more
}

impl RequestBody {
    fn write(&self, arguments: &Value, headers: &mut HeaderMap) -> Result<Option<String>, String> {
        let Some(given) = arguments.get(&self.argument) else { return Ok(None) };
        let kind = HeaderValue::from_str(&self.content_type).map_err(|_| "its body cannot be sent".to_owned())?;
        headers.insert(CONTENT_TYPE, kind);
        if !self.is_form {
            return Ok(Some(given.to_string()));
        }
        let mut form = String::new();
        for (name, value) in given.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
            let style = if value.is_object() { QueryStyle::Json } else { QueryStyle::Repeated };
            add_to_query(&mut form, name, name, style, value)?;
        }
        Ok(Some(form))
    }
}

fn add_to_query(
    query: &mut String,
    name: &str,
    argument: &str,
    style: QueryStyle,
    given: &Value,
) -> Result<(), String> {
    let mut add = |name: &str, value: &str| {
        let and = if query.is_empty() { "" } else { "&" };
        query.push_str(&format!("{and}{}={value}", percent_encode(name)));
    };
    match (style, given) {
        (QueryStyle::Json, given) => add(name, &percent_encode(&given.to_string())),
        (QueryStyle::Deep, Value::Object(fields)) => {
            for (field, value) in fields {
                for text in texts(argument, value)? {
                    add(&format!("{name}[{field}]"), &percent_encode(&text));
                }
            }
        }
        (QueryStyle::Repeated | QueryStyle::Deep, given) => {
            texts(argument, given)?.iter().for_each(|text| add(name, &percent_encode(text)));
        }
        (QueryStyle::Joined(between), given) => {
            let texts: Vec<String> = texts(argument, given)?.iter().map(|text| percent_encode(text)).collect();
            add(name, &texts.join(between));
        }
    }
    Ok(())
}

/// A single value as a text, or each of a list.
fn texts(argument: &str, given: &Value) -> Result<Vec<String>, String> {
    let one = |value: &Value| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(_) | Value::Bool(_) => Ok(value.to_string()),
        Value::Null => Ok(String::new()),
        Value::Array(_) | Value::Object(_) => {
            Err(format!("{argument} is a text, a number, true, false, or a list of these"))
        }
    };
    match given {
        Value::Array(items) => items.iter().map(one).collect(),
        value => Ok(vec![one(value)?]),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request() -> OperationRequest {
        let parameter = |name: &str, place| Parameter { argument: name.to_owned(), name: name.to_owned(), place };
        OperationRequest {
            method: Method::POST,
            path: "/pets/{id}/x{part}.json".to_owned(),
            parameters: vec![
                parameter("id", ParameterPlace::Path),
                parameter("part", ParameterPlace::Path),
                parameter("q", ParameterPlace::Query(QueryStyle::Repeated)),
                parameter("j", ParameterPlace::Query(QueryStyle::Joined("%20"))),
                parameter("deep", ParameterPlace::Query(QueryStyle::Deep)),
                parameter("json", ParameterPlace::Query(QueryStyle::Json)),
                parameter("x-h", ParameterPlace::Header),
            ],
            body: Some(RequestBody {
                argument: "body".to_owned(),
                content_type: "application/json".to_owned(),
                is_form: false,
            }),
        }
    }

    #[test]
    fn an_argument_stays_in_its_place() {
        let base: Url = "https://h.example/v1/".parse().unwrap();
        let built = |arguments: Value| request().build(&base, &arguments);
        for (arguments, expected) in [
            (json!({"id": 7, "part": "a"}), "https://h.example/v1/pets/7/xa.json"),
            (json!({"id": "a/../b?c#d", "part": ""}), "https://h.example/v1/pets/a%2F..%2Fb%3Fc%23d/x.json"),
            (json!({"id": [1, "b,c"], "part": "@"}), "https://h.example/v1/pets/1,b%2Cc/x%40.json"),
            (json!({"id": "{part}", "part": "%2e"}), "https://h.example/v1/pets/%7Bpart%7D/x%252e.json"),
            (
                json!({"id": 1, "part": 1, "q": ["a&b=c", true, 2.5], "j": ["x", "y z"]}),
                "https://h.example/v1/pets/1/x1.json?q=a%26b%3Dc&q=true&q=2.5&j=x%20y%20z",
            ),
            (
                json!({"id": 1, "part": 1, "deep": {"a": 1, "b]=": "c"}, "json": {"k": [1]}, "q": null}),
                "https://h.example/v1/pets/1/x1.json?deep%5Ba%5D=1&deep%5Bb%5D%3D%5D=c&json=%7B%22k%22%3A%5B1%5D%7D",
            ),
        ] {
            assert_eq!(built(arguments.clone()).unwrap().url.as_str(), expected, "{arguments}");
        }
        for arguments in [
            json!({"id": "..", "part": "a"}),
            json!({"id": ".", "part": "a"}),
            json!({"id": "", "part": "a"}),
            json!({"id": [], "part": "a"}),
            json!({"id": null, "part": "a"}),
            json!({"part": "a"}),
            json!({"id": {"a": 1}, "part": "a"}),
            json!({"id": [[1]], "part": "a"}),
            json!({"id": 1, "part": 1, "x-h": "a\r\nhost: b"}),
            json!({"id": 1, "part": 1, "q": {"a": 1}}),
        ] {
            assert!(built(arguments.clone()).is_err(), "{arguments}");
        }
        let sent = built(json!({"id": 1, "part": 1, "x-h": ["a", 2], "body": {"b": "\""}})).unwrap();
        assert_eq!(
            (sent.body.as_deref(), &sent.headers["x-h"]),
            (Some(r#"{"b":"\""}"#), &HeaderValue::from_static("a,2"))
        );
        assert_eq!(sent.headers[CONTENT_TYPE], "application/json");
        let mut form = request();
        form.body = Some(RequestBody {
            argument: "body".to_owned(),
            content_type: "application/x-www-form-urlencoded".to_owned(),
            is_form: true,
        });
        let body = json!({"a": "x&y=1", "b": [1, 2], "c": {"d": 1}, "e": null});
        let sent = form.build(&base, &json!({"id": 1, "part": 1, "body": body})).unwrap();
        assert_eq!(sent.body.unwrap(), "a=x%26y%3D1&b=1&b=2&c=%7B%22d%22%3A1%7D");
    }
}
