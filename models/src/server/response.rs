//! Answers on their way out: whole, or piece by piece as server-sent events; as text, or as calls of functions.

use std::convert::Infallible;
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{sleep, timeout};

use super::ServerLimits;
use super::body::MemoryPermit;
use super::chat_request::UsageReport;
use super::connection::BusyConnection;
use super::error::ErrorResponse;
use super::metrics::{RequestGuard, RequestOutcome};
use super::tools::{ToolCall, ToolMode};
use super::wire;
use crate::engine::broken_off;
use crate::request::{AnswerError, AnswerEvent, AnswerStream, FinishReason, Usage};

/// Pieces that wait for a slow reader before the engine is held up; a reader that takes nothing at all is given up sooner.
const PIECES_MAX: usize = 4096;

/// Answers that were promised to one request, and all that is held until they are out.
pub struct PendingResponse {
    pub answers: Vec<AnswerStream>,
    pub guard: RequestGuard,
    /// Its place in the queue.
    pub _place: OwnedSemaphorePermit,
    pub _memory: MemoryPermit,
    /// Keeps the connection from giving way to another.
    pub _busy: Option<BusyConnection>,
    pub id: String,
    pub created: u64,
    pub model: String,
    /// The tokens that the client itself wants answers to end at.
    pub ends: Vec<(u32, RequestedEnd)>,
    /// How answers are read.
    pub tools: ToolMode,
}

/// How a client said that an answer should end at a token.
pub enum RequestedEnd {
    Token,
    Text(String),
}

/// One of the answers, as far as it has come.
#[derive(Default)]
struct ChoiceState {
    text: String,
    /// Whether it turned out to be text, which goes out as it comes.
    shown: bool,
    /// Whether the head of its call is out.
    called: bool,
    usage: Usage,
    end: Option<FinishReason>,
}

type Event = (usize, Result<AnswerEvent, AnswerError>);

impl PendingResponse {
    /// The next piece of any answer that is not over.
    async fn next(&mut self, choices: &[ChoiceState]) -> Event {
        let answers = &mut self.answers;
        poll_fn(move |context| {
            for (index, answer) in answers.iter_mut().enumerate().filter(|(index, _)| choices[*index].end.is_none()) {
                if let Poll::Ready(event) = answer.poll_recv(context) {
                    return Poll::Ready((index, event.unwrap_or_else(|| Err(broken_off().into()))));
                }
            }
            Poll::Pending
        })
        .await
    }

    fn choices(&self) -> Vec<ChoiceState> {
        self.answers.iter().map(|_| ChoiceState::default()).collect()
    }

    /// vLLM's word for what ended the answer, if it was one of the client's own.
    fn stop_reason<'a>(&'a self, why: &'a FinishReason) -> Option<wire::StopReason<'a>> {
        match why {
            FinishReason::Text(text) => Some(wire::StopReason::Text(text)),
            FinishReason::Token(token) => match self.ends.iter().find(|(end, _)| end == token)? {
                (token, RequestedEnd::Token) => Some(wire::StopReason::Token(*token)),
                (_, RequestedEnd::Text(text)) => Some(wire::StopReason::Text(text)),
            },
            FinishReason::Grammar | FinishReason::Length => None,
        }
    }

    /// OpenAI's word for it. A call that was demanded by name ends as any answer does.
    fn finish_reason(&self, why: &FinishReason, calls: &[ToolCall]) -> &'static str {
        match self.tools {
            ToolMode::Auto(_) | ToolMode::Required if !calls.is_empty() => "tool_calls",
            _ => wire::finish_reason(why),
        }
    }

    fn record_end(&mut self, choices: &[ChoiceState]) {
        self.guard.summary.usage = total(choices);
        let cut = choices.iter().any(|choice| choice.end == Some(FinishReason::Length));
        self.guard.summary.outcome = if cut { RequestOutcome::Length } else { RequestOutcome::Stop };
    }

    fn error_response(&mut self, error: AnswerError) -> ErrorResponse {
        let response = ErrorResponse::from(error);
        self.guard.set_status(response.status.as_u16());
        response
    }

    /// Waits for all of it. If the client goes away, this is dropped, and with it the engine's work.
    pub async fn whole(mut self) -> Response {
        let mut choices = self.choices();
        while choices.iter().any(|choice| choice.end.is_none()) {
            let (index, event) = self.next(&choices).await;
            let choice = &mut choices[index];
            match event {
                Ok(AnswerEvent::Delta { text, usage }) => {
                    self.guard.answering();
                    choice.text.push_str(&text);
                    choice.usage = usage;
                }
                Ok(AnswerEvent::Done { why, usage }) => {
                    choice.usage = usage;
                    choice.end = Some(why);
                }
                Err(error) => return self.error_response(error).into_response(),
            }
        }
        self.record_end(&choices);
        let calls: Vec<Vec<ToolCall>> = choices.iter().map(|choice| self.tools.calls(&choice.text)).collect();
        let wired = |index: usize| {
            let (choice, calls) = (&choices[index], &calls[index]);
            wire::Choice {
                index: index as u32,
                message: wire::AnswerMessage {
                    role: "assistant",
                    content: calls.is_empty().then_some(&*choice.text),
                    refusal: (),
                    tool_calls: self.wire_calls(index, calls),
                },
                logprobs: (),
                finish_reason: choice.end.as_ref().map_or("length", |why| self.finish_reason(why, calls)),
                stop_reason: choice.end.as_ref().and_then(|why| self.stop_reason(why)),
            }
        };
        json(&wire::Completion {
            id: &self.id,
            object: "chat.completion",
            created: self.created,
            model: &self.model,
            choices: (0..choices.len()).map(wired).collect(),
            usage: total(&choices).into(),
        })
    }

    fn wire_calls(&self, choice: usize, calls: &[ToolCall]) -> Vec<wire::ToolCallPart> {
        let call = |(index, call): (usize, &ToolCall)| wire::ToolCallPart {
            index: None,
            id: Some(self.call_id(choice, index)),
            r#type: Some("function"),
            function: wire::Function { name: Some(call.name.clone()), arguments: call.arguments.clone() },
        };
        calls.iter().enumerate().map(call).collect()
    }

    fn call_id(&self, choice: usize, index: usize) -> String {
        format!("call_{}_{choice}_{index}", self.id.trim_start_matches("chatcmpl-"))
    }

    /// Begins a stream as soon as there is something to say.
    pub async fn into_stream(mut self, usage: UsageReport, limits: &ServerLimits) -> Response {
        let choices = self.choices();
        let first = match timeout(limits.first_within, self.next(&choices)).await {
            Ok((_, Err(error))) => return self.error_response(error).into_response(),
            Ok(event) => Some(event),
            Err(_) => None,
        };
        let (pieces, mut out) = mpsc::channel(PIECES_MAX);
        tokio::spawn(self.tell(choices, first, usage, limits.silence_max, pieces));
        let body = stream::poll_fn(move |context| out.poll_recv(context).map(|piece| piece.map(Ok::<_, Infallible>)));
        let head = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-cache")];
        (head, [("x-accel-buffering", "no")], Body::from_stream(body)).into_response()
    }

    /// Writes the events. When nobody takes them any more it ends, and with it the engine's work.
    async fn tell(
        mut self,
        mut choices: Vec<ChoiceState>,
        first: Option<Event>,
        report: UsageReport,
        silence_max: Duration,
        pieces: mpsc::Sender<Bytes>,
    ) {
        for index in 0..choices.len() {
            let role = wire::Delta { role: Some("assistant"), content: Some(""), ..wire::Delta::default() };
            if pieces.send(self.event(index, role, None, report, &choices).into()).await.is_err() {
                return;
            }
        }
        let mut next = first;
        while choices.iter().any(|choice| choice.end.is_none()) {
            let (index, event) = match next.take() {
                Some(event) => event,
                None => tokio::select! {
                    biased;
                    () = pieces.closed() => return,
                    event = self.next(&choices) => event,
                    () = sleep(silence_max) => {
                        if pieces.send(Bytes::from_static(b": waiting\n\n")).await.is_err() {
                            return;
                        }
                        continue;
                    }
                },
            };
            let piece = match event {
                Ok(AnswerEvent::Delta { text, usage }) => {
                    self.guard.answering();
                    choices[index].usage = usage;
                    self.delta(index, &text, report, &mut choices)
                }
                Ok(AnswerEvent::Done { why, usage }) => {
                    choices[index].usage = usage;
                    choices[index].end = Some(why);
                    self.last(index, report, &choices)
                }
                Err(error) => {
                    let response = self.error_response(error);
                    let _ = pieces.send(format!("data: {}\n\n", response.json()).into()).await;
                    return;
                }
            };
            if !piece.is_empty() && pieces.send(piece.into()).await.is_err() {
                return;
            }
        }
        let mut end = Vec::new();
        if report != UsageReport::Never {
            end.extend(self.data(&[], Some(Some(total(&choices).into()))));
        }
        end.extend_from_slice(b"data: [DONE]\n\n");
        if pieces.send(end.into()).await.is_ok() {
            self.record_end(&choices);
        }
    }

    /// What goes out of more text.
    fn delta(&self, index: usize, text: &str, report: UsageReport, choices: &mut [ChoiceState]) -> Vec<u8> {
        let choice = &mut choices[index];
        choice.text.push_str(text);
        if let ToolMode::Named(name) = &self.tools {
            let head = !std::mem::replace(&mut choice.called, true);
            let call = wire::ToolCallPart {
                index: Some(0),
                id: head.then(|| self.call_id(index, 0)),
                r#type: head.then_some("function"),
                function: wire::Function { name: head.then(|| name.clone()), arguments: text.to_owned() },
            };
            let delta = wire::Delta { tool_calls: vec![call], ..wire::Delta::default() };
            return self.event(index, delta, None, report, choices);
        }
        let held = if choice.shown { text.to_owned() } else { choice.text.clone() };
        if !choice.shown && self.tools.may_call(&choice.text) {
            return Vec::new();
        }
        choice.shown = true;
        let delta = wire::Delta { content: Some(&held), ..wire::Delta::default() };
        self.event(index, delta, None, report, choices)
    }

    /// What goes out at the end of an answer.
    fn last(&self, index: usize, report: UsageReport, choices: &[ChoiceState]) -> Vec<u8> {
        let choice = &choices[index];
        let calls = if choice.shown { Vec::new() } else { self.tools.calls(&choice.text) };
        let mut out = Vec::new();
        let nothing_held = choice.shown || choice.called || (calls.is_empty() && choice.text.is_empty());
        if !nothing_held {
            // What was held back, as what it turned out to be.
            let mut tool_calls = self.wire_calls(index, &calls);
            for (at, call) in tool_calls.iter_mut().enumerate() {
                call.index = Some(at as u32);
            }
            let content = calls.is_empty().then_some(&*choice.text);
            out.extend(self.event(index, wire::Delta { role: None, content, tool_calls }, None, report, choices));
        }
        let why = choice.end.as_ref().map(|why| (why, &*calls));
        out.extend(self.event(index, wire::Delta::default(), why, report, choices));
        out
    }

    fn event(
        &self,
        index: usize,
        delta: wire::Delta<'_>,
        why: Option<(&FinishReason, &[ToolCall])>,
        report: UsageReport,
        choices: &[ChoiceState],
    ) -> Vec<u8> {
        let part = wire::ChunkChoice {
            index: index as u32,
            delta,
            logprobs: (),
            finish_reason: why.map(|(why, calls)| self.finish_reason(why, calls)),
            stop_reason: why.and_then(|(why, _)| self.stop_reason(why)),
        };
        let usage = match report {
            UsageReport::Never => None,
            UsageReport::AtEnd => Some(None),
            UsageReport::Always => Some(Some(total(choices).into())),
        };
        self.data(&[part], usage)
    }

    fn data(&self, choices: &[wire::ChunkChoice<'_>], usage: Option<Option<wire::UsageCounts>>) -> Vec<u8> {
        let chunk = wire::Chunk {
            id: &self.id,
            object: "chat.completion.chunk",
            created: self.created,
            model: &self.model,
            choices,
            usage,
        };
        let mut data = b"data: ".to_vec();
        data.extend(serde_json::to_vec(&chunk).unwrap_or_default());
        data.extend_from_slice(b"\n\n");
        data
    }
}

/// The prompt is counted once, however many answers there are; they add up.
fn total(choices: &[ChoiceState]) -> Usage {
    let mut all = choices.first().map_or(Usage::default(), |first| first.usage);
    for Usage { prompt, answer, forced, .. } in choices.iter().skip(1).map(|choice| choice.usage) {
        all.prompt = all.prompt.max(prompt);
        all.answer += answer;
        all.forced += forced;
    }
    all
}

pub fn json(what: &impl serde::Serialize) -> Response {
    match serde_json::to_vec(what) {
        Ok(body) => ([(CONTENT_TYPE, "application/json")], body).into_response(),
        Err(error) => ErrorResponse::internal(error.to_string()).into_response(),
    }
}
