//! What a chat completions endpoint answers. Seen nowhere else.

use serde::Serialize;

use crate::request::{FinishReason, Usage};

/// A whole answer.
#[derive(Serialize)]
pub struct Completion<'a> {
    pub id: &'a str,
    pub object: &'static str,
    pub created: u64,
    pub model: &'a str,
    pub choices: Vec<Choice<'a>>,
    pub usage: UsageCounts,
}

#[derive(Serialize)]
pub struct Choice<'a> {
    pub index: u32,
    pub message: AnswerMessage<'a>,
    pub logprobs: (),
    pub finish_reason: &'static str,
    pub stop_reason: Option<StopReason<'a>>,
}

#[derive(Serialize)]
pub struct AnswerMessage<'a> {
    pub role: &'static str,
    /// Nothing where functions are called.
    pub content: Option<&'a str>,
    pub refusal: (),
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCallPart>,
}

/// A call of a function, or a piece of one.
#[derive(Serialize)]
pub struct ToolCallPart {
    /// In streams.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<&'static str>,
    pub function: Function,
}

#[derive(Serialize)]
pub struct Function {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub arguments: String,
}

/// A piece of an answer.
#[derive(Serialize)]
pub struct Chunk<'a> {
    pub id: &'a str,
    pub object: &'static str,
    pub created: u64,
    pub model: &'a str,
    /// One; or none, in the chunk that has the usage.
    pub choices: &'a [ChunkChoice<'a>],
    /// Absent unless the client wants it; then null in all chunks but the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Option<UsageCounts>>,
}

#[derive(Serialize)]
pub struct ChunkChoice<'a> {
    pub index: u32,
    pub delta: Delta<'a>,
    pub logprobs: (),
    pub finish_reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_reason: Option<StopReason<'a>>,
}

#[derive(Default, Serialize)]
pub struct Delta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCallPart>,
}

/// vLLM's: which of the client's own texts or tokens ended the answer.
#[derive(Clone, Copy, Serialize)]
#[serde(untagged)]
pub enum StopReason<'a> {
    Text(&'a str),
    Token(u32),
}

#[derive(Clone, Copy, Serialize)]
pub struct UsageCounts {
    prompt_tokens: u32,
    completion_tokens: u32,
    total_tokens: u32,
    prompt_tokens_details: PromptCounts,
    completion_tokens_details: AnswerCounts,
}

#[derive(Clone, Copy, Serialize)]
struct PromptCounts {
    cached_tokens: u32,
    /// Those that were computed for this answer.
    prefilled_tokens: u32,
}

#[derive(Clone, Copy, Serialize)]
struct AnswerCounts {
    /// Those that the grammar left no choice about.
    forced_tokens: u32,
}

impl From<Usage> for UsageCounts {
    fn from(usage: Usage) -> UsageCounts {
        let Usage { prompt, cached, answer, forced } = usage;
        UsageCounts {
            prompt_tokens: prompt,
            completion_tokens: answer,
            total_tokens: prompt.saturating_add(answer),
            prompt_tokens_details: PromptCounts {
                cached_tokens: cached,
                prefilled_tokens: prompt.saturating_sub(cached),
            },
            completion_tokens_details: AnswerCounts { forced_tokens: forced },
        }
    }
}

/// OpenAI's word for why an answer ended.
pub fn finish_reason(why: &FinishReason) -> &'static str {
    match why {
        FinishReason::Token(_) | FinishReason::Text(_) | FinishReason::Grammar => "stop",
        FinishReason::Length => "length",
    }
}

/// How the server and its engine are.
#[derive(Serialize)]
pub struct HealthReport<'a> {
    /// `ok`, or what is wrong: `restarting`, `failed`, `stopped`.
    pub status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<&'a str>,
    /// Answers under way.
    pub answering: u32,
    /// Steps of computing since the start: while there are answers under way they grow.
    pub steps: u64,
    /// What the caches of its conversations hold.
    pub cache_bytes: u64,
    /// Answers that ended because something broke, and how often the engine was opened anew.
    pub faults: u64,
    pub restarts: u64,
}

/// The list of models.
#[derive(Serialize)]
pub struct ModelList<'a> {
    pub object: &'static str,
    pub data: [ModelEntry<'a>; 1],
}

#[derive(Serialize)]
pub struct ModelEntry<'a> {
    pub id: &'a str,
    pub object: &'static str,
    pub created: u64,
    pub owned_by: &'static str,
    /// vLLM's: the most tokens of a prompt and its answer.
    pub max_model_len: u32,
}
