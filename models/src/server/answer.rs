//! An answer on its way out: whole, or piece by piece as server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tapwright_contract::model::ModelErrorKind;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{sleep, timeout};

use super::Limits;
use super::body::Share;
use super::refusal::Refusal;
use super::visit::{Outcome, Visit};
use super::wire;
use crate::request::{Answer, Finish, Said};

/// Pieces that wait for a slow reader before the engine is held up; a reader that takes nothing at all is given up sooner.
const PIECES_MAX: usize = 4096;

/// An answer that was promised, and all that is held until it is out.
pub struct Promise {
    pub answer: Answer,
    pub visit: Visit,
    /// Its place in the queue.
    pub _place: OwnedSemaphorePermit,
    /// Its memory.
    pub _share: Share,
    pub id: String,
    pub created: u64,
    pub model: String,
    /// The tokens that the client itself wants it to end at.
    pub ends: Vec<(u32, End)>,
}

/// How a client said that an answer should end at a token.
pub enum End {
    Token,
    Text(String),
}

fn broke_off() -> ModelErrorKind {
    ModelErrorKind::Fatal { why: "the engine stopped within the answer".to_owned() }
}

impl Promise {
    /// vLLM's word for what ended the answer, if it was one of the client's own.
    fn stop_reason<'a>(&'a self, why: &'a Finish) -> Option<wire::StopReason<'a>> {
        match why {
            Finish::Text(text) => Some(wire::StopReason::Text(text)),
            Finish::Token(token) => match self.ends.iter().find(|(end, _)| end == token)? {
                (token, End::Token) => Some(wire::StopReason::Token(*token)),
                (_, End::Text(text)) => Some(wire::StopReason::Text(text)),
            },
            Finish::Grammar | Finish::Length => None,
        }
    }

    fn ended(&mut self, why: &Finish, usage: crate::request::Usage) {
        self.visit.served.usage = usage;
        self.visit.served.outcome = if *why == Finish::Length { Outcome::Length } else { Outcome::Stop };
    }

    fn failed(&mut self, trouble: ModelErrorKind) -> Refusal {
        let refusal = Refusal::from(trouble);
        self.visit.refused(refusal.status.as_u16());
        refusal
    }

    /// Waits for all of it. If the client goes away, this is dropped, and with it the engine's work.
    pub async fn whole(mut self) -> Response {
        let mut text = String::new();
        loop {
            match self.answer.recv().await.unwrap_or_else(|| Err(broke_off())) {
                Ok(Said::Text(more)) => {
                    self.visit.heard();
                    text.push_str(&more);
                }
                Ok(Said::End { why, usage }) => {
                    self.ended(&why, usage);
                    let choice = wire::Choice {
                        index: 0,
                        message: wire::Message { role: "assistant", content: &text, refusal: () },
                        logprobs: (),
                        finish_reason: wire::finish_reason(&why),
                        stop_reason: self.stop_reason(&why),
                    };
                    return json(&wire::Completion {
                        id: &self.id,
                        object: "chat.completion",
                        created: self.created,
                        model: &self.model,
                        choices: [choice],
                        usage: usage.into(),
                    });
                }
                Err(trouble) => return self.failed(trouble).into_response(),
            }
        }
    }

    /// Begins a stream as soon as there is something to say; `usage` says whether it ends with what it took.
    pub async fn streamed(mut self, usage: bool, limits: &Limits) -> Response {
        let first = match timeout(limits.first_within, self.answer.recv()).await {
            Ok(Some(Ok(said))) => Some(said),
            Ok(Some(Err(trouble))) => return self.failed(trouble).into_response(),
            Ok(None) => return self.failed(broke_off()).into_response(),
            Err(_) => None,
        };
        let (pieces, mut out) = mpsc::channel(PIECES_MAX);
        tokio::spawn(self.tell(first, usage, limits.silence_max, pieces));
        let body = stream::poll_fn(move |context| out.poll_recv(context).map(|piece| piece.map(Ok::<_, Infallible>)));
        let head = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-cache")];
        (head, [("x-accel-buffering", "no")], Body::from_stream(body)).into_response()
    }

    /// Writes the events. When nobody takes them any more it ends, and with it the engine's work.
    async fn tell(mut self, first: Option<Said>, usage: bool, silence_max: Duration, pieces: mpsc::Sender<Bytes>) {
        let role = wire::Delta { role: Some("assistant"), content: Some("") };
        if pieces.send(self.event(role, None, usage)).await.is_err() {
            return;
        }
        let mut next = first;
        loop {
            let said = match next.take() {
                Some(said) => Ok(said),
                None => tokio::select! {
                    biased;
                    () = pieces.closed() => return,
                    said = self.answer.recv() => said.unwrap_or_else(|| Err(broke_off())),
                    () = sleep(silence_max) => {
                        if pieces.send(Bytes::from_static(b": waiting\n\n")).await.is_err() {
                            return;
                        }
                        continue;
                    }
                },
            };
            let piece = match said {
                Ok(Said::Text(text)) => {
                    self.visit.heard();
                    self.event(wire::Delta { role: None, content: Some(&text) }, None, usage)
                }
                Ok(Said::End { why, usage: took }) => {
                    let mut last = self.event(wire::Delta::default(), Some(&why), usage).to_vec();
                    if usage {
                        last.extend(self.data(&[], Some(Some(took.into()))));
                    }
                    last.extend_from_slice(b"data: [DONE]\n\n");
                    if pieces.send(last.into()).await.is_ok() {
                        self.ended(&why, took);
                    }
                    return;
                }
                Err(trouble) => {
                    let refusal = self.failed(trouble);
                    let _ = pieces.send(format!("data: {}\n\n", refusal.json()).into()).await;
                    return;
                }
            };
            if pieces.send(piece).await.is_err() {
                return;
            }
        }
    }

    fn event(&self, delta: wire::Delta<'_>, why: Option<&Finish>, usage: bool) -> Bytes {
        let part = wire::Part {
            index: 0,
            delta,
            logprobs: (),
            finish_reason: why.map(wire::finish_reason),
            stop_reason: why.and_then(|why| self.stop_reason(why)),
        };
        self.data(&[part], usage.then_some(None)).into()
    }

    fn data(&self, choices: &[wire::Part<'_>], usage: Option<Option<wire::Counts>>) -> Vec<u8> {
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

pub fn json(what: &impl serde::Serialize) -> Response {
    match serde_json::to_vec(what) {
        Ok(body) => ([(CONTENT_TYPE, "application/json")], body).into_response(),
        Err(error) => Refusal::ours(error.to_string()).into_response(),
    }
}
