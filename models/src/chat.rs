//! Writes a conversation the way a model was trained to read it: by the template in its folder.

use std::collections::BTreeMap;
use std::path::Path;

use contract::model::{Part, Role, Turn};
use minijinja::{Environment, Error, ErrorKind, Value};
use serde::{Deserialize, Serialize};
use tapwright_contract as contract;

use crate::checkpoint::{parse, read};
use crate::error::BuildError;
use crate::settings::ModelSettings;
use crate::tokenizer::Tokenizer;

/// A template is a page of text; anything else is something else.
const TEMPLATE_BYTES_MAX: u64 = 1 << 20;

const TOKENIZER_CONFIG: &str = "tokenizer_config.json";
/// It may hold a template, and a few hundred tokens.
const CONFIG_BYTES_MAX: u64 = 16 << 20;

/// Instructions that a template may take: a conversation of a thousand turns needs a hundredth.
const FUEL: u64 = 5_000_000;

pub struct ChatTemplate {
    environment: Environment<'static>,
    options: TemplateOptions,
    /// What `transformers` tells every template of the tokenizer.
    tokens: SpecialTokens,
}

/// What a profile says of the template.
#[derive(Clone, Copy, Debug, Default)]
pub struct TemplateOptions {
    pub newline_after_picture: bool,
    /// `enable_thinking`; the template decides without it.
    pub thinking: Option<bool>,
}

/// Texts of tokens with a role, under their names in `tokenizer_config.json`.
#[derive(Default, Deserialize)]
struct SpecialTokens {
    bos_token: Option<TokenText>,
    eos_token: Option<TokenText>,
    pad_token: Option<TokenText>,
    unk_token: Option<TokenText>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum TokenText {
    Text(String),
    Token { content: String },
}

/// What a template is given. Hugging Face's names.
#[derive(Serialize)]
struct TemplateMessage {
    role: &'static str,
    content: TemplateContent,
}

#[derive(Serialize)]
#[serde(untagged)]
enum TemplateContent {
    Text(String),
    Items(Vec<TemplateItem>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum TemplateItem {
    Text { text: String },
    Image,
}

/// `chat_template.json`, and the same field in `tokenizer_config.json`.
#[derive(Deserialize)]
struct TemplateFile {
    chat_template: Option<OneOrNamed>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrNamed {
    One(String),
    Named(Vec<NamedTemplate>),
}

#[derive(Deserialize)]
struct NamedTemplate {
    name: String,
    template: String,
}

impl ChatTemplate {
    /// Finds the template where Hugging Face keeps it: `chat_template.jinja`, or one of two JSON files.
    ///
    /// # Errors
    /// `BuildError` when there is none, or it does not parse.
    pub fn open(folder: &Path, options: TemplateOptions) -> Result<ChatTemplate, BuildError> {
        let mut file = folder.join("chat_template.jinja");
        let text = if file.is_file() {
            let bytes = read(&file, TEMPLATE_BYTES_MAX)?;
            Some(String::from_utf8(bytes).map_err(|error| BuildError::malformed(&file, error.to_string()))?)
        } else {
            let mut found = None;
            for name in ["chat_template.json", TOKENIZER_CONFIG] {
                let path = folder.join(name);
                if found.is_none() && path.is_file() {
                    found = parse::<TemplateFile>(&path, CONFIG_BYTES_MAX)?
                        .chat_template
                        .and_then(OneOrNamed::into_template);
                    file = path;
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
        let config = folder.join(TOKENIZER_CONFIG);
        let tokens = if config.is_file() { parse(&config, CONFIG_BYTES_MAX)? } else { SpecialTokens::default() };
        ChatTemplate::new(text, options, tokens).map_err(|error| BuildError::malformed(&file, error.to_string()))
    }

    fn new(text: String, options: TemplateOptions, tokens: SpecialTokens) -> Result<ChatTemplate, Error> {
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
        Ok(ChatTemplate { environment, options, tokens })
    }

    /// The conversation as text, open for the model's turn. Pictures are where the template puts their marks.
    ///
    /// # Errors
    /// What the template objects to.
    pub fn render(&self, turns: &[Turn], tokenizer: &Tokenizer, thinking: Option<bool>) -> Result<String, String> {
        let messages: Vec<TemplateMessage> = turns.iter().map(|turn| self.message(turn, tokenizer)).collect();
        let template = self.environment.get_template("chat").expect("it was added when this was made");
        // `transformers` tells of tools and documents even where there are none, and of a token or a wish only where there is one:
        // templates ask whether they are defined.
        let mut told = BTreeMap::from([
            ("messages", Value::from_serialize(&messages)),
            ("add_generation_prompt", Value::from(true)),
            ("tools", Value::from(())),
            ("documents", Value::from(())),
        ]);
        let SpecialTokens { bos_token, eos_token, pad_token, unk_token } = &self.tokens;
        for (name, token) in
            [("bos_token", bos_token), ("eos_token", eos_token), ("pad_token", pad_token), ("unk_token", unk_token)]
        {
            told.extend(token.as_ref().map(|token| (name, Value::from(token.text()))));
        }
        told.extend(thinking.or(self.options.thinking).map(|thinking| ("enable_thinking", Value::from(thinking))));
        template.render(told).map_err(|error| error.to_string())
    }

    fn message(&self, turn: &Turn, tokenizer: &Tokenizer) -> TemplateMessage {
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
                        items.push(TemplateItem::Text { text: tokenizer.quote(&std::mem::take(&mut text)) });
                    }
                    items.push(TemplateItem::Image);
                    if self.options.newline_after_picture && index + 1 < turn.parts.len() {
                        text.push('\n');
                    }
                }
            }
        }
        let text = tokenizer.quote(&text);
        let content = if items.is_empty() {
            TemplateContent::Text(text)
        } else {
            items.extend((!text.is_empty()).then_some(TemplateItem::Text { text }));
            TemplateContent::Items(items)
        };
        TemplateMessage { role, content }
    }
}

impl TemplateOptions {
    pub fn of(settings: &ModelSettings) -> TemplateOptions {
        TemplateOptions { newline_after_picture: settings.newline_after_picture, thinking: settings.thinking }
    }
}

impl TokenText {
    fn text(&self) -> &str {
        match self {
            TokenText::Text(content) | TokenText::Token { content } => content,
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use contract::model::{Role, Turn};

    /// What a template makes of "hi", beside that `tokenizer_config.json`.
    fn rendered(template: &str, config: Option<&str>, thinking: Option<bool>) -> String {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("chat_template.jinja"), template).unwrap();
        if let Some(config) = config {
            std::fs::write(folder.path().join(TOKENIZER_CONFIG), config).unwrap();
        }
        let options = TemplateOptions { thinking, ..TemplateOptions::default() };
        let template = ChatTemplate::open(folder.path(), options).unwrap();
        let goldens = Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens");
        let turn = Turn { role: Role::User, parts: vec![Part::Text("hi".to_owned())] };
        template.render(&[turn], &Tokenizer::open(&goldens).unwrap(), None).unwrap()
    }

    #[test]
    fn a_template_that_cannot_be_read_is_named_by_the_file_that_it_stands_in() {
        for name in ["chat_template.jinja", "chat_template.json", TOKENIZER_CONFIG] {
            let folder = tempfile::tempdir().unwrap();
            let broken = if name.ends_with("json") { r#"{"chat_template": "{% for"}"# } else { "{% for" };
            std::fs::write(folder.path().join(name), broken).unwrap();
            let error = ChatTemplate::open(folder.path(), TemplateOptions::default()).err().unwrap().to_string();
            assert!(error.contains(name), "{name}: {error}");
        }
    }

    #[test]
    fn a_template_is_told_what_transformers_tells_it() {
        let tokens =
            "{{ bos_token }}|{{ eos_token }}|{{ pad_token is defined }}|{{ tools is none }}|{{ documents is none }}";
        let config = r#"{"bos_token": "<s>", "eos_token": {"content": "</s>", "lstrip": false}, "pad_token": null}"#;
        assert_eq!(rendered(tokens, Some(config), None), "<s>|</s>|False|True|True");
        assert_eq!(rendered(tokens, None, None), "||False|True|True");
        let thinking = "{% if enable_thinking is defined and not enable_thinking %}/nothink{% endif %}";
        assert_eq!(rendered(thinking, None, None), "");
        assert_eq!(rendered(thinking, None, Some(true)), "");
        assert_eq!(rendered(thinking, None, Some(false)), "/nothink");
        assert_eq!(
            rendered("{% for tool in tools %}{{ tool }}{% endfor %}{{ messages[0].content }}", None, None),
            "hi"
        );
    }
}
