//! What a chat completions endpoint is told. Converted in `remote.rs`, seen nowhere else.

use serde::Serialize;

#[derive(Serialize)]
pub struct CompletionRequest<'a> {
    pub model: &'a str,
    pub stream: bool,
    pub messages: Vec<RequestMessage<'a>>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guided_grammar: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub structured_outputs: Option<StructuredOutputs<'a>>,
}

#[derive(Serialize)]
pub struct StructuredOutputs<'a> {
    pub grammar: &'a str,
}

#[derive(Serialize)]
pub struct RequestMessage<'a> {
    pub role: &'static str,
    pub content: MessageContent<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
pub enum MessageContent<'a> {
    Text(&'a str),
    Items(Vec<MessagePart<'a>>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum MessagePart<'a> {
    Text { text: &'a str },
    ImageUrl { image_url: Url },
}

#[derive(Serialize)]
pub struct Url {
    pub url: String,
}
