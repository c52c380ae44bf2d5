//! What a client asks for: the body of a chat completion, read once, into something that cannot be wrong.
//!
//! Fields that would change the answer and that we do not have are refused by name; others that we do not know are ignored.

use std::collections::BTreeMap;

use reqwest::Url;
use serde_json::{Value, json};
use tapwright_contract::model::{Role, Turn};

use super::error::ErrorResponse;
use super::json::{JsonFields, read as read_json, unlike};
use super::picture;
use super::tools::{self, ToolMode, ToolRequest};
use crate::request::{Grammar, Request};
use crate::settings::Sampling;

/// Entries of `stop` and of `stop_token_ids`.
const STOPS_MAX: usize = 64;
const STOP_BYTES_MAX: usize = 1024;
/// Pieces of one message.
const PARTS_MAX: usize = 256;
const CHOICES_MAX: usize = 1024;
const BIASES_MAX: usize = 1024;
/// Answers to one request.
const ANSWERS_MAX: i64 = 8;
/// A grammar or a regular expression.
const GRAMMAR_BYTES_MAX: usize = 1 << 16;
/// A JSON schema, written without blanks: twice the text that OpenAI allows in one.
const SCHEMA_BYTES_MAX: usize = 1 << 18;

/// What holds for every request.
pub struct RequestRules<'a> {
    pub name: &'a str,
    /// What is not asked for.
    pub sampling: &'a Sampling,
    /// The most tokens of a prompt and its answer.
    pub context: u32,
    /// Where chance begins if the client does not say.
    pub seed: u64,
    pub messages_max: usize,
    pub pictures_max: usize,
    pub text_bytes_max: usize,
    /// Whether pictures may be named by their address.
    pub urls: bool,
}

/// A request, as far as it can be understood without looking at pictures.
#[derive(Debug)]
pub struct ChatRequest {
    pub stream: bool,
    /// Whether a stream says what it took.
    pub usage: UsageReport,
    /// How many answers there are to be.
    pub answers: usize,
    pub messages: Vec<ChatMessage>,
    pub tokens_max: Option<u32>,
    pub tokens_min: u32,
    pub sampling: Sampling,
    pub logit_bias: BTreeMap<u32, f32>,
    pub stop: Vec<String>,
    pub stop_tokens: Vec<u32>,
    pub stop_shown: bool,
    pub special_shown: bool,
    pub grammar: Option<Grammar>,
    pub tools: ToolMode,
    pub thinking: Option<bool>,
}

impl ChatRequest {
    /// What the engine is asked, with these turns in place of the messages.
    pub fn with_turns(self, turns: Vec<Turn>) -> Request {
        Request {
            turns,
            tokens_max: self.tokens_max,
            tokens_min: self.tokens_min,
            sampling: self.sampling,
            logit_bias: self.logit_bias,
            stop: self.stop,
            stop_tokens: self.stop_tokens,
            stop_shown: self.stop_shown,
            special_shown: self.special_shown,
            grammar: self.grammar,
            thinking: self.thinking,
        }
    }
}

/// When a stream says what it took so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageReport {
    Never,
    AtEnd,
    /// With each piece.
    Always,
}

#[derive(Debug)]
pub struct ChatMessage {
    pub role: Role,
    pub parts: Vec<ContentPart>,
}

impl ChatMessage {
    /// What it takes in memory.
    pub fn bytes(&self) -> u64 {
        let bytes = |part: &ContentPart| match part {
            ContentPart::Text(text) => text.len() as u64,
            ContentPart::Picture { from: ImageSource::File(file), .. } => file.len() as u64,
            ContentPart::Picture { from: ImageSource::Address(_), .. } => 0,
        };
        self.parts.iter().map(bytes).sum()
    }
}

#[derive(Debug)]
pub enum ContentPart {
    Text(String),
    /// `at` is the field that it stands in.
    Picture {
        at: String,
        from: ImageSource,
    },
}

#[derive(Debug)]
pub enum ImageSource {
    /// The bytes of a file.
    File(Vec<u8>),
    Address(Url),
}

/// What would change the answer and is not there, unless it says what holds anyway.
const MISSING: &[(&str, &str)] = &[
    ("logprobs", "there are no probabilities of tokens here"),
    ("top_logprobs", "there are no probabilities of tokens here"),
    ("prompt_logprobs", "there are no probabilities of tokens here"),
    ("bad_words", "words cannot be forbidden here"),
    ("allowed_token_ids", "tokens cannot be forbidden here"),
    ("logits_processors", "there are none here"),
    ("functions", "it is called `tools` now"),
    ("audio", "there is no sound here"),
    ("documents", "the models here read no documents"),
    ("best_of", "answers are not compared; ask for several by n"),
    ("use_beam_search", "answers are sampled"),
    ("echo", "a prompt is not repeated"),
    ("continue_final_message", "an answer is a turn of its own"),
    ("chat_template", "the model's own template is used"),
    ("truncate_prompt_tokens", "a prompt is not cut"),
    ("mm_processor_kwargs", "how pictures are shown to the model is said by its profile"),
    ("prompt", "there are chats only: write messages"),
];

/// Reads a body.
///
/// # Errors
/// `ErrorResponse` that names the field.
pub fn read(body: &[u8], rules: &RequestRules) -> Result<ChatRequest, ErrorResponse> {
    let mut fields = JsonFields::of("", read_json(body)?)?;
    let model = fields.text("model")?;
    if let Some(model) = model.filter(|model| !model.is_empty() && model != rules.name) {
        return Err(ErrorResponse::no_such_model(&model, rules.name));
    }
    for (name, why) in MISSING {
        if fields.take(name).is_some_and(|value| !says_nothing(name, &value)) {
            return Err(fields.refuse(name, why));
        }
    }
    if fields.take("modalities").is_some_and(|modes| modes != json!(["text"])) {
        return Err(fields.refuse("modalities", "answers are text: [\"text\"]"));
    }
    if fields.yes_or_no("add_generation_prompt")? == Some(false) {
        return Err(fields.refuse("add_generation_prompt", "the model's turn is opened for it"));
    }
    let answers = fields.whole("n", 1..=ANSWERS_MAX)?.unwrap_or(1) as usize;
    let thinking = match fields.object("chat_template_kwargs")? {
        Some(mut given) => given.yes_or_no("enable_thinking")?,
        None => None,
    };
    let stream = fields.yes_or_no("stream")?.unwrap_or(false);
    let usage = usage(&mut fields, stream)?;
    let ToolRequest { mode, prompt, grammar: demanded } = tools::read(&mut fields)?;
    let older = tokens_max(&mut fields, "max_tokens")?;
    let newer = tokens_max(&mut fields, "max_completion_tokens")?;
    let least = fields.whole("min_tokens", 0..=i64::from(u32::MAX))?.unwrap_or(0) as u32;
    let tokens_min = if fields.yes_or_no("ignore_eos")? == Some(true) { u32::MAX } else { least };
    let mut messages = messages(&mut fields, rules)?;
    if let Some(prompt) = prompt {
        add_instructions(&mut messages, prompt);
    }
    bound_text(&messages, rules)?;
    Ok(ChatRequest {
        stream,
        usage,
        answers,
        tokens_max: newer.or(older),
        tokens_min,
        sampling: sampling(&mut fields, rules)?,
        logit_bias: logit_bias(&mut fields)?,
        stop: stop(&mut fields)?,
        stop_tokens: stop_tokens(&mut fields)?,
        stop_shown: fields.yes_or_no("include_stop_str_in_output")?.unwrap_or(false),
        special_shown: !fields.yes_or_no("skip_special_tokens")?.unwrap_or(true),
        grammar: grammar(&mut fields, demanded)?,
        tools: mode,
        thinking,
        messages,
    })
}

/// The most tokens of an answer. -1 is how llama.cpp's and LM Studio's clients say that there is no such number.
fn tokens_max(fields: &mut JsonFields, name: &str) -> Result<Option<u32>, ErrorResponse> {
    match fields.whole(name, -1..=i64::from(u32::MAX))? {
        Some(0) => Err(fields.refuse(name, "0; it is at least 1, or -1 for as many as the context has room for")),
        Some(-1) | None => Ok(None),
        Some(tokens) => Ok(Some(tokens as u32)),
    }
}

/// What is added to the logits of tokens: an object of their numbers, as OpenAI has it.
fn logit_bias(fields: &mut JsonFields) -> Result<BTreeMap<u32, f32>, ErrorResponse> {
    let map = match fields.take("logit_bias") {
        None => return Ok(BTreeMap::new()),
        Some(Value::Object(map)) if map.len() <= BIASES_MAX => map,
        Some(Value::Object(map)) => {
            return Err(fields.refuse("logit_bias", format!("{} entries; {BIASES_MAX} are the most", map.len())));
        }
        Some(other) => return Err(fields.refuse("logit_bias", unlike("an object of tokens' numbers", &other))),
    };
    let bias = |(token, value): (String, Value)| {
        let number =
            token.parse().map_err(|_| fields.refuse("logit_bias", format!("{token:?} is no token's number")))?;
        match value.as_f64().filter(|bias| (-100.0..=100.0).contains(bias)) {
            Some(bias) => Ok((number, bias as f32)),
            None => Err(fields.refuse("logit_bias", format!("{value} for token {token}; it goes from -100 to 100"))),
        }
    };
    map.into_iter().map(bias).collect()
}

fn usage(fields: &mut JsonFields, stream: bool) -> Result<UsageReport, ErrorResponse> {
    let Some(mut options) = fields.object("stream_options")? else { return Ok(UsageReport::Never) };
    if !stream {
        return Err(fields.refuse("stream_options", "it goes with \"stream\": true only"));
    }
    let at_end = options.yes_or_no("include_usage")?.unwrap_or(false);
    Ok(match options.yes_or_no("continuous_usage_stats")? {
        Some(true) if at_end => UsageReport::Always,
        _ if at_end => UsageReport::AtEnd,
        _ => UsageReport::Never,
    })
}

/// Tells the model more in the first message, which is the system's.
fn add_instructions(messages: &mut Vec<ChatMessage>, prompt: String) {
    match messages.first_mut() {
        Some(ChatMessage { role: Role::System, parts }) => parts.push(ContentPart::Text(format!("\n\n{prompt}"))),
        _ => messages.insert(0, ChatMessage { role: Role::System, parts: vec![ContentPart::Text(prompt)] }),
    }
}

/// Whether a field that we do not have says what holds anyway.
fn says_nothing(name: &str, value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_f64() == Some(if name == "best_of" { 1.0 } else { 0.0 }),
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(true) => false,
    }
}

fn sampling(fields: &mut JsonFields, rules: &RequestRules) -> Result<Sampling, ErrorResponse> {
    let usual = rules.sampling;
    // vLLM's two ways of saying "all of them".
    let top_k = match fields.whole("top_k", -1..=i64::from(u32::MAX))? {
        Some(-1 | 0) => None,
        Some(count) => Some(count as u32),
        None => usual.top_k,
    };
    let seed = match fields.take("seed") {
        None => rules.seed,
        Some(Value::Number(number)) if number.is_u64() || number.is_i64() => {
            number.as_u64().or_else(|| number.as_i64().map(i64::cast_unsigned)).unwrap_or_default()
        }
        Some(other) => return Err(fields.refuse("seed", unlike("a whole number of 64 bits", &other))),
    };
    let sampling = Sampling {
        temperature: fields.number("temperature")?.unwrap_or(usual.temperature),
        top_p: fields.number("top_p")?.or(usual.top_p),
        top_k,
        min_p: fields.number("min_p")?.or(usual.min_p),
        repetition_penalty: fields.number("repetition_penalty")?.or(usual.repetition_penalty),
        presence_penalty: fields.number("presence_penalty")?.unwrap_or(usual.presence_penalty),
        frequency_penalty: fields.number("frequency_penalty")?.unwrap_or(usual.frequency_penalty),
        seed,
    };
    match sampling.invalid_value() {
        // It begins with the field's name, which a refusal says itself.
        Some(invalid) => match invalid.split_once(' ') {
            Some((name, rest)) => Err(fields.refuse(name, rest)),
            None => Err(ErrorResponse::body(invalid)),
        },
        None => Ok(sampling),
    }
}

fn stop(fields: &mut JsonFields) -> Result<Vec<String>, ErrorResponse> {
    let list = match fields.take("stop") {
        None => Vec::new(),
        Some(one @ Value::String(_)) => vec![one],
        Some(Value::Array(list)) if list.len() <= STOPS_MAX => list,
        Some(Value::Array(list)) => {
            return Err(fields.refuse("stop", format!("{} entries; {STOPS_MAX} are the most", list.len())));
        }
        Some(other) => return Err(fields.refuse("stop", unlike("a text or a list of texts", &other))),
    };
    let text = |value| match value {
        Value::String(text) if text.is_empty() => Err(fields.refuse("stop", "an empty text ends every answer")),
        Value::String(text) if text.len() > STOP_BYTES_MAX => {
            Err(fields.refuse("stop", format!("a text of {} bytes; {STOP_BYTES_MAX} are the most", text.len())))
        }
        Value::String(text) => Ok(text),
        other => Err(fields.refuse("stop", unlike("a text or a list of texts", &other))),
    };
    list.into_iter().map(text).collect()
}

fn stop_tokens(fields: &mut JsonFields) -> Result<Vec<u32>, ErrorResponse> {
    let list = fields.list("stop_token_ids", STOPS_MAX)?.unwrap_or_default();
    let token = |value: Value| {
        let token = value.as_u64().and_then(|token| u32::try_from(token).ok());
        token.ok_or_else(|| fields.refuse("stop_token_ids", format!("{value} is no token's number")))
    };
    list.into_iter().map(token).collect()
}

/// What the answer has to look like, by whichever of the fields that say it; by one of them at most.
fn grammar(
    fields: &mut JsonFields,
    demanded: Option<(&'static str, Grammar)>,
) -> Result<Option<Grammar>, ErrorResponse> {
    let mut found = demanded.map(|(at, grammar)| (at.to_owned(), grammar));
    let mut add = |at: String, grammar: Grammar| match &found {
        Some((other, _)) => Err(ErrorResponse::field(
            &at,
            format!("{other} says already what the answer has to look like; leave one away"),
        )),
        None => {
            found = Some((at, grammar));
            Ok(())
        }
    };
    if let Some(mut format) = fields.object("response_format")? {
        let at = format.path("type");
        let kind = format.text("type")?;
        match format.require("type", kind)?.as_str() {
            "text" => {}
            "json_object" => add(at, any_object())?,
            "json_schema" => {
                let holder = format.object("json_schema")?;
                let mut holder = format.require("json_schema", holder)?;
                let schema = holder.take("schema");
                let schema = holder.require("schema", schema)?;
                add(holder.path("schema"), Grammar::Schema(check_schema(holder.path("schema"), schema)?))?;
            }
            other => {
                return Err(ErrorResponse::field(
                    at,
                    format!("{other:?}; there are text, json_object and json_schema"),
                ));
            }
        }
    }
    read_guided_fields(fields, "guided_", &mut add)?;
    if let Some(mut inner) = fields.object("structured_outputs")? {
        read_guided_fields(&mut inner, "", &mut add)?;
        if inner.take("structural_tag").is_some() {
            return Err(inner.refuse("structural_tag", "there are json, json_object, regex, choice and grammar"));
        }
    }
    Ok(found.map(|(_, grammar)| grammar))
}

/// vLLM's older fields, and the same without their prefix in its newer one.
fn read_guided_fields(
    fields: &mut JsonFields,
    prefix: &str,
    add: &mut impl FnMut(String, Grammar) -> Result<(), ErrorResponse>,
) -> Result<(), ErrorResponse> {
    let name = |what: &str| format!("{prefix}{what}");
    if let Some(schema) = fields.take(&name("json")) {
        let at = fields.path(&name("json"));
        add(at.clone(), Grammar::Schema(check_schema(at, schema)?))?;
    }
    if fields.yes_or_no(&name("json_object"))? == Some(true) {
        add(fields.path(&name("json_object")), any_object())?;
    }
    for (what, make) in [("regex", Grammar::Regex as fn(String) -> Grammar), ("grammar", Grammar::Lark)] {
        let name = name(what);
        match fields.text(&name)? {
            Some(text) if text.is_empty() || text.len() > GRAMMAR_BYTES_MAX => {
                let why = format!("{} bytes; it has 1 to {GRAMMAR_BYTES_MAX}", text.len());
                return Err(fields.refuse(&name, why));
            }
            Some(text) => add(fields.path(&name), make(text))?,
            None => {}
        }
    }
    let name = name("choice");
    if let Some(choices) = fields.list(&name, CHOICES_MAX)? {
        let mut texts = Vec::new();
        for choice in choices {
            match choice {
                Value::String(text) if !text.is_empty() => texts.push(literal(&text)),
                other => return Err(fields.refuse(&name, unlike("a list of texts", &other))),
            }
        }
        let regex = format!("(?:{})", texts.join("|"));
        if texts.is_empty() || regex.len() > GRAMMAR_BYTES_MAX {
            return Err(fields.refuse(&name, "none, or more than can be told apart"));
        }
        add(fields.path(&name), Grammar::Regex(regex))?;
    }
    Ok(())
}

fn any_object() -> Grammar {
    Grammar::Schema(json!({"type": "object"}))
}

/// A schema, or a text that holds one.
fn check_schema(at: String, schema: Value) -> Result<Value, ErrorResponse> {
    let schema = match schema {
        Value::String(text) => match read_json(text.as_bytes()) {
            Ok(schema) => schema,
            Err(_) => return Err(ErrorResponse::field(at, "a text that is no JSON")),
        },
        other => other,
    };
    match schema {
        Value::Object(_) | Value::Bool(_) => {
            bound_schema(&schema).map_err(|why| ErrorResponse::field(at, why))?;
            Ok(schema)
        }
        other => Err(ErrorResponse::field(at, unlike("a schema", &other))),
    }
}

/// Whether a schema is short enough to be made a grammar of.
///
/// # Errors
/// How long it is, and how long it may be.
pub fn bound_schema(schema: &Value) -> Result<(), String> {
    match schema.to_string().len() {
        bytes if bytes > SCHEMA_BYTES_MAX => Err(format!("a schema of {bytes} bytes; {SCHEMA_BYTES_MAX} are the most")),
        _ => Ok(()),
    }
}

/// A regular expression for exactly this text.
fn literal(text: &str) -> String {
    let mut regex = String::new();
    for sign in text.chars() {
        if sign.is_ascii_punctuation() {
            regex.push('\\');
        }
        regex.push(sign);
    }
    regex
}

fn messages(fields: &mut JsonFields, rules: &RequestRules) -> Result<Vec<ChatMessage>, ErrorResponse> {
    let list = fields.list("messages", rules.messages_max)?;
    let list = fields.require("messages", list)?;
    if list.is_empty() {
        return Err(fields.refuse("messages", "there are none"));
    }
    let mut messages = Vec::with_capacity(list.len());
    for (index, value) in list.into_iter().enumerate() {
        messages.push(message(JsonFields::of(format!("messages[{index}]"), value)?, rules)?);
    }
    let parts = messages.iter().flat_map(|message| &message.parts);
    let pictures = parts.filter(|part| matches!(part, ContentPart::Picture { .. })).count();
    if pictures > rules.pictures_max {
        return Err(fields.refuse("messages", format!("{pictures} pictures; {} are the most", rules.pictures_max)));
    }
    Ok(move_system_pictures(messages))
}

/// Refuses more text than any context has room for, sooner than its tokens are counted: that takes a while where there are millions.
fn bound_text(messages: &[ChatMessage], rules: &RequestRules) -> Result<(), ErrorResponse> {
    let parts = messages.iter().flat_map(|message| &message.parts);
    let bytes: usize = parts.map(|part| if let ContentPart::Text(text) = part { text.len() } else { 0 }).sum();
    if bytes > rules.text_bytes_max { Err(ErrorResponse::too_much_text(bytes, rules.context)) } else { Ok(()) }
}

/// Models were trained on pictures in users' messages: what a system message shows is shown by the next user.
fn move_system_pictures(messages: Vec<ChatMessage>) -> Vec<ChatMessage> {
    let mut out: Vec<ChatMessage> = Vec::with_capacity(messages.len());
    let mut shown = Vec::new();
    for mut message in messages {
        match message.role {
            Role::System => {
                let (pictures, rest) =
                    message.parts.into_iter().partition(|part| matches!(part, ContentPart::Picture { .. }));
                message.parts = rest;
                shown.extend::<Vec<ContentPart>>(pictures);
            }
            Role::User => drop(message.parts.splice(0..0, shown.drain(..))),
            Role::Assistant => {}
        }
        out.push(message);
    }
    if !shown.is_empty() {
        out.push(ChatMessage { role: Role::User, parts: shown });
    }
    out
}

fn message(mut fields: JsonFields, rules: &RequestRules) -> Result<ChatMessage, ErrorResponse> {
    let role = fields.text("role")?;
    let written = fields.require("role", role)?;
    let (role, returns) = match written.as_str() {
        "system" | "developer" => (Role::System, false),
        "user" => (Role::User, false),
        "assistant" => (Role::Assistant, false),
        "tool" | "function" => (Role::User, true),
        other => {
            let why = format!("{other:?}; there are system, developer, user, assistant and tool");
            return Err(fields.refuse("role", why));
        }
    };
    let calls = match role {
        Role::Assistant => calls(&mut fields)?,
        Role::System | Role::User => Vec::new(),
    };
    let content = match (fields.take("content"), role) {
        // An assistant that only called functions said nothing.
        (None, Role::Assistant) => Value::String(String::new()),
        (content, _) => fields.require("content", content)?,
    };
    let mut parts = match content {
        Value::String(text) => vec![ContentPart::Text(text)],
        Value::Array(list) if list.len() > PARTS_MAX => {
            return Err(fields.refuse("content", format!("{} parts; {PARTS_MAX} are the most", list.len())));
        }
        Value::Array(list) => {
            let mut parts = Vec::with_capacity(list.len());
            for (index, value) in list.into_iter().enumerate() {
                parts.push(part(&fields.path(&format!("content[{index}]")), value, role, rules)?);
            }
            parts
        }
        other => return Err(fields.refuse("content", unlike("a text or a list of parts", &other))),
    };
    if returns {
        for part in &mut parts {
            if let ContentPart::Text(text) = part {
                *text = tools::result_text(text);
            }
        }
    }
    parts.extend(calls.into_iter().map(ContentPart::Text));
    Ok(ChatMessage { role, parts })
}

/// The functions that an earlier answer called, as text.
fn calls(fields: &mut JsonFields) -> Result<Vec<String>, ErrorResponse> {
    let mut calls = Vec::new();
    for (index, call) in fields.list("tool_calls", PARTS_MAX)?.unwrap_or_default().into_iter().enumerate() {
        calls.push(tools::call_text(JsonFields::of(fields.path(&format!("tool_calls[{index}]")), call)?)?);
    }
    if let Some(call) = fields.object("function_call")? {
        calls.push(tools::function_call_text(call)?);
    }
    Ok(calls)
}

fn part(at: &str, value: Value, role: Role, rules: &RequestRules) -> Result<ContentPart, ErrorResponse> {
    if let Value::String(text) = value {
        return Ok(ContentPart::Text(text));
    }
    let mut fields = JsonFields::of(at, value)?;
    let kind = fields.text("type")?;
    match fields.require("type", kind)?.as_str() {
        "text" => {
            let text = fields.text("text")?;
            Ok(ContentPart::Text(fields.require("text", text)?))
        }
        "image_url" if role == Role::Assistant => Err(fields.refuse("type", "pictures are shown by the user")),
        "image_url" => {
            let (at, url) = match fields.take("image_url") {
                Some(Value::String(url)) => (fields.path("image_url"), url),
                Some(value) => {
                    let mut holder = JsonFields::of(fields.path("image_url"), value)?;
                    let url = holder.text("url")?;
                    (holder.path("url"), holder.require("url", url)?)
                }
                None => return Err(fields.refuse("image_url", "it is missing")),
            };
            let from = source(&url, rules.urls).map_err(|why| ErrorResponse::field(&at, why))?;
            Ok(ContentPart::Picture { at, from })
        }
        other => Err(fields.refuse("type", format!("{other:?}; there are text and image_url"))),
    }
}

fn source(url: &str, urls: bool) -> Result<ImageSource, String> {
    let scheme = url.split(':').next().unwrap_or_default().to_ascii_lowercase();
    match scheme.as_str() {
        "data" => picture::file_of(url).map(ImageSource::File),
        "http" | "https" if !urls => {
            Err("this server fetches no pictures; send it as data:image/png;base64,… (or start the server with --allow-urls)"
                .to_owned())
        }
        "http" | "https" => Url::parse(url).map(ImageSource::Address).map_err(|error| format!("no address: {error}")),
        _ => Err("a picture is a data URL: data:image/png;base64,…".to_owned()),
    }
}
