//! Writes a conversation the way a model was trained to read it: by the template in its folder.

use std::path::Path;

use contract::model::{Part, Role, Turn};
use minijinja::{Environment, Error, ErrorKind, context};
use serde::{Deserialize, Serialize};
use tapwright_contract as contract;

use crate::BuildError;
use crate::checkpoint::{parse, read};
use crate::tokenizer::Tokenizer;

/// A template is a page of text; anything else is something else.
const TEMPLATE_BYTES_MAX: u64 = 1 << 20;

/// Instructions that a template may take: a conversation of a thousand turns needs a hundredth.
const FUEL: u64 = 5_000_000;

pub struct Template {
    environment: Environment<'static>,
    newline_after_picture: bool,
}

/// What a template is given. Hugging Face's names.
#[derive(Serialize)]
struct Message {
    role: &'static str,
    content: Content,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Items(Vec<Item>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Item {
    Text { text: String },
    Image,
}

/// `chat_template.json`, and the same field in `tokenizer_config.json`.
#[derive(Deserialize)]
struct Holder {
    chat_template: Option<OneOrNamed>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrNamed {
    One(String),
    Named(Vec<Named>),
}

#[derive(Deserialize)]
struct Named {
    name: String,
    template: String,
}

impl Template {
    /// Finds the template where Hugging Face keeps it: `chat_template.jinja`, or one of two JSON files.
    ///
    /// # Errors
    /// `BuildError` when there is none, or it does not parse.
    pub fn open(folder: &Path, newline_after_picture: bool) -> Result<Template, BuildError> {
        let file = folder.join("chat_template.jinja");
        let text = if file.is_file() {
            let bytes = read(&file, TEMPLATE_BYTES_MAX)?;
            Some(String::from_utf8(bytes).map_err(|error| BuildError::malformed(&file, error.to_string()))?)
        } else {
            let mut found = None;
            for name in ["chat_template.json", "tokenizer_config.json"] {
                let path = folder.join(name);
                if found.is_none() && path.is_file() {
                    found = parse::<Holder>(&path, 16 << 20)?.chat_template.and_then(OneOrNamed::into_template);
                }
            }
            found
        };
        let text = text.ok_or_else(|| BuildError::Unsupported {
            what: format!(
                "a model without a chat template; put the model's chat_template.jinja into {}",
                folder.display()
            ),
        })?;
        Template::new(text, newline_after_picture).map_err(|error| BuildError::malformed(&file, error.to_string()))
    }

    fn new(text: String, newline_after_picture: bool) -> Result<Template, Error> {
        let mut environment = Environment::new();
        // A template is data, and may loop.
        environment.set_fuel(Some(FUEL));
        // As `transformers` sets it up.
        environment.set_trim_blocks(true);
        environment.set_lstrip_blocks(true);
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", |why: String| -> Result<String, Error> {
            Err(Error::new(ErrorKind::InvalidOperation, why))
        });
        environment.add_template_owned("chat", text)?;
        Ok(Template { environment, newline_after_picture })
    }

    /// The conversation as text, open for the model's turn. Pictures are where the template puts their marks.
    ///
    /// # Errors
    /// What the template objects to.
    pub fn render(&self, turns: &[Turn], tokenizer: &Tokenizer, thinking: Option<bool>) -> Result<String, String> {
        let messages: Vec<Message> = turns.iter().map(|turn| self.message(turn, tokenizer)).collect();
        let template = self.environment.get_template("chat").expect("it was added when this was made");
        // Templates tell "false" from "not said".
        let rendered = match thinking {
            Some(enable_thinking) => {
                template.render(context! { messages, add_generation_prompt => true, enable_thinking })
            }
            None => template.render(context! { messages, add_generation_prompt => true }),
        };
        rendered.map_err(|error| error.to_string())
    }

    fn message(&self, turn: &Turn, tokenizer: &Tokenizer) -> Message {
        let role = match turn.role {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        let mut items = Vec::new();
        // Texts that follow one another are one text: quoted apart, they could say a token of structure between them.
        let mut text = String::new();
        for (index, part) in turn.parts.iter().enumerate() {
            match part {
                Part::Text(more) => text.push_str(more),
                Part::Picture(_) => {
                    if !text.is_empty() {
                        items.push(Item::Text { text: tokenizer.quote(&std::mem::take(&mut text)) });
                    }
                    items.push(Item::Image);
                    if self.newline_after_picture && index + 1 < turn.parts.len() {
                        text.push('\n');
                    }
                }
            }
        }
        let text = tokenizer.quote(&text);
        let content = if items.is_empty() {
            Content::Text(text)
        } else {
            items.extend((!text.is_empty()).then_some(Item::Text { text }));
            Content::Items(items)
        };
        Message { role, content }
    }
}

impl OneOrNamed {
    fn into_template(self) -> Option<String> {
        match self {
            OneOrNamed::One(text) => Some(text),
            OneOrNamed::Named(all) => all.into_iter().find(|named| named.name == "default").map(|named| named.template),
        }
    }
}
