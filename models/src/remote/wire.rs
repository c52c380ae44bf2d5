//! What a chat completions endpoint says and is told. Converted in `remote.rs`, seen nowhere else.

use serde::{Deserialize, Serialize};

#[derive(Serialize)]
pub struct Request<'a> {
    pub model: &'a str,
    pub stream: bool,
    pub messages: Vec<Message<'a>>,
    pub frequency_penalty: f32,
    pub max_tokens: u32,
    pub temperature: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f32>,
    /// Not everybody knows these, so they are said only if they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_k: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_p: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repetition_penalty: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presence_penalty: Option<f32>,
}

#[derive(Serialize)]
pub struct Message<'a> {
    pub role: &'static str,
    pub content: Content<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
pub enum Content<'a> {
    Text(&'a str),
    Items(Vec<Item<'a>>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Item<'a> {
    Text { text: &'a str },
    ImageUrl { image_url: Url },
}

#[derive(Serialize)]
pub struct Url {
    pub url: String,
}

#[derive(Deserialize)]
pub struct Response {
    pub choices: Vec<Choice>,
    pub usage: Option<Usage>,
}

#[derive(Deserialize)]
pub struct Choice {
    pub message: Said,
    pub finish_reason: Option<String>,
}

#[derive(Deserialize)]
pub struct Said {
    pub content: Option<String>,
    /// Some servers cut the thought out of the content.
    pub reasoning_content: Option<String>,
}

#[derive(Deserialize)]
pub struct Usage {
    #[serde(default)]
    pub prompt_tokens: u32,
    #[serde(default)]
    pub completion_tokens: u32,
}

/// What most servers send with a status of 400 and up.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Failure {
    Nested { error: Reason },
    Flat(Reason),
}

#[derive(Deserialize)]
pub struct Reason {
    pub message: String,
}
