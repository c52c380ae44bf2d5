//! A model that says what it was told to say: for tests, rehearsals and the floor of a comparison.

use std::time::Duration;

use async_trait::async_trait;
use tapwright_contract::model::{Model, ModelError, ModelErrorKind, Prompt, Reply};

/// What comes after the last reply of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtEnd {
    /// The last reply again, and again.
    Stay,
    /// The list from its beginning.
    StartOver,
    /// An error: the model is broken.
    Break,
}

type ReplyFunction = Box<dyn FnMut(&Prompt) -> Result<Reply, ModelErrorKind> + Send>;

/// Answers without thinking.
pub struct Scripted {
    name: String,
    answer: ReplyFunction,
}

impl Scripted {
    /// Says the replies one after another.
    pub fn new(name: impl Into<String>, replies: Vec<String>, at_end: AtEnd) -> Scripted {
        let mut next = 0;
        Scripted::by(name, move |prompt| {
            let at = match at_end {
                AtEnd::Stay => next.min(replies.len().saturating_sub(1)),
                AtEnd::StartOver => next % replies.len().max(1),
                AtEnd::Break => next,
            };
            next += 1;
            let text = replies.get(at).ok_or_else(|| ModelErrorKind::Fatal {
                why: format!("the script is at its end (replies: {})", replies.len()),
            })?;
            Ok(Scripted::reply(prompt, text))
        })
    }

    /// Says what a function makes of each prompt.
    pub fn by(
        name: impl Into<String>,
        answer: impl FnMut(&Prompt) -> Result<Reply, ModelErrorKind> + Send + 'static,
    ) -> Scripted {
        Scripted { name: name.into(), answer: Box::new(answer) }
    }

    /// A reply of that text, cut where the prompt asks for it. Words stand for tokens.
    pub fn reply(prompt: &Prompt, text: &str) -> Reply {
        let most = prompt.tokens_max as usize;
        let words = text.split_inclusive(char::is_whitespace);
        let count = words.clone().count();
        Reply { text: words.take(most).collect(), tokens_in: 0, tokens_out: count.min(most) as u32, cut: count > most }
    }
}

#[async_trait]
impl Model for Scripted {
    fn name(&self) -> &str {
        &self.name
    }

    async fn reply(&mut self, prompt: &Prompt, _within: Duration) -> Result<Reply, ModelError> {
        (self.answer)(prompt).map_err(|kind| ModelError { model: self.name.clone(), kind })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn reply_texts(at_end: AtEnd, count: usize) -> Vec<String> {
        let mut model = Scripted::new("script", vec!["a".to_owned(), "b".to_owned()], at_end);
        let prompt = Prompt { turns: Vec::new(), tokens_max: 10, grammar: None };
        let mut said = Vec::new();
        for _ in 0..count {
            said.push(match model.reply(&prompt, Duration::from_secs(1)).await {
                Ok(reply) => reply.text,
                Err(error) => error.to_string(),
            });
        }
        said
    }

    #[tokio::test]
    async fn the_end_of_the_list_is_as_it_was_chosen() {
        assert_eq!(reply_texts(AtEnd::Stay, 4).await, ["a", "b", "b", "b"]);
        assert_eq!(reply_texts(AtEnd::StartOver, 5).await, ["a", "b", "a", "b", "a"]);
        assert_eq!(reply_texts(AtEnd::Break, 3).await[2], "script: the script is at its end (replies: 2)");
    }

    #[tokio::test]
    async fn an_empty_list_is_an_error_and_no_panic() {
        for at_end in [AtEnd::Stay, AtEnd::StartOver, AtEnd::Break] {
            let mut model = Scripted::new("script", Vec::new(), at_end);
            let prompt = Prompt { turns: Vec::new(), tokens_max: 10, grammar: None };
            assert!(model.reply(&prompt, Duration::from_secs(1)).await.is_err());
        }
    }

    #[test]
    fn long_replies_are_cut_as_a_model_s_are() {
        let prompt = Prompt { turns: Vec::new(), tokens_max: 2, grammar: None };
        let reply = Scripted::reply(&prompt, "one two three");
        assert_eq!(reply, Reply { text: "one two ".to_owned(), tokens_in: 0, tokens_out: 2, cut: true });
    }
}
