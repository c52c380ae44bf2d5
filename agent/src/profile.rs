//! What a model expects to be told, and how it answers: data that comes with the model, not code.

mod system;

use serde::{Deserialize, Serialize};

use tapwright_contract::Size;

use crate::dialect::Dialect;
use crate::dialect::frame::{Coordinates, Frame};

pub use system::{NoLanguage, NotALanguage, PromptLanguage, System};

/// The agent's section of a model's `profile.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// How the model writes actions.
    pub dialect: Dialect,
    /// What the numbers of its places count, where the dialect leaves that to the model.
    #[serde(default, skip_serializing_if = "Coordinates::is_default")]
    pub coordinates: Coordinates,
    /// The system prompt, in which `{date}` stands for today; without one there is no system turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<System>,
    /// How many of its latest replies the model is reminded of; without a number, of all. With 0 every prompt looks
    /// like the first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<u32>,
    /// How the model's replies are written back to it.
    pub reply: ReplyForm,
    /// Whether the model is told what came of its actions, in the screen info's key `last_action`.
    pub remarks: bool,
    /// How many tokens a reply may have at most.
    pub tokens_max: u32,
    /// How many tokens a prompt and its reply may have together; what does not fit is condensed, the oldest first.
    /// Without a number nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_tokens: Option<u32>,
    /// How many pixels a picture has at most when the model sees it, for what it takes of the context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture_pixels: Option<u64>,
    /// Whether the model can be asked to sum up what was noted: in words, and without a picture.
    #[serde(default, skip_serializing_if = "no")]
    pub summaries: bool,
    /// What the model is held to, if it only ever copies from its goal: small ones lose the thread of a long text, and take one name
    /// for another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goal_checks: Option<GoalChecks>,
    /// Whether a thought begins with a mark, up to the first colon, that is for the journal: nobody is asked in such words.
    #[serde(default, skip_serializing_if = "no")]
    pub marked_thoughts: bool,
}

/// How what a model does is compared with its goal before it is done. What does not fit is refused, and ends the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoalChecks {
    /// Nothing is typed but what stands in the goal: all of what is between quotes there, or any of its words if it has no quotes.
    #[serde(default, skip_serializing_if = "no")]
    pub texts: bool,
    /// Where one of these words is written nothing is touched unless the heading of the page stands in the goal, outside of quotes: who
    /// is written to is who is named. A word that ends with a star may go on. Without a heading, or where the device does not tell what
    /// is written, nothing is compared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub named: Vec<String>,
    /// In a row with a switch and a time of day nothing is touched unless the goal says this time: one alarm is not another. A goal that
    /// says no time is not compared.
    #[serde(default, skip_serializing_if = "no")]
    pub times: bool,
    /// What the model says at the end of what it has done; a run that ends with anything else was given up. Empty: any message is an end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub done: Vec<String>,
}

fn no(yes: &bool) -> bool {
    !yes
}

impl Profile {
    /// How places are written on a display of this size.
    pub fn frame(&self, display: Size) -> Frame {
        Frame::new(self.coordinates, display)
    }
}

/// How a reply is written back into the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReplyForm {
    /// `<think>T</think><answer>A</answer>`: the thought without tags, and the action as the dialect prints it.
    Clean,
    /// The same, with a line break between the thought and the action.
    CleanLines,
    /// The text as it was heard.
    Heard,
    /// As the official client of AutoGLM writes it: what comes before the action, with the tags that it has already,
    /// inside a second pair of tags. A server that was tried with that client has seen nothing else.
    Doubled,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_section_and_refuses_what_it_does_not_know() {
        let text = "dialect = \"autoglm\"\nhistory = 1\nreply = \"clean\"\nremarks = true\ntokens_max = 300\n";
        let profile: Profile = toml::from_str(text).unwrap();
        assert_eq!(profile.history, Some(1));
        assert_eq!(profile.system, None);
        assert!(toml::from_str::<Profile>(&format!("{text}token_max = 3\n")).is_err());
        assert!(toml::from_str::<Profile>(&text.replace("autoglm", "autoglm2")).is_err());
    }
}
