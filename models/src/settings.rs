//! What a model's profile says of the model itself: its section `[model]`.

use serde::Deserialize;

/// Under which name a server takes a grammar, if it takes one. Servers ignore or refuse what they do not know, so nothing is
/// guessed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServerGrammar {
    /// Not at all: the model is trusted to write what can be read.
    #[default]
    None,
    /// `guided_grammar`: our own server, and vLLM up to 0.11.
    GuidedGrammar,
    /// `structured_outputs.grammar`: our own server, and vLLM from 0.11 on. The server has to read llguidance's Lark, as vLLM's
    /// `guidance` backend does.
    StructuredOutputs,
}

/// How to show pictures to a model and how to take words from it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSettings {
    /// The most pixels of a picture, counted over its two frames; without it the model's own preprocessor_config.json says.
    /// `size.longest_edge` there is the same number.
    pub longest_edge: Option<u64>,
    /// The most tokens of a prompt and its answer that the model was served with.
    pub context_tokens_max: Option<u32>,
    /// A line break between a picture and the text after it: servers that join the two by a line break put one there,
    /// and models were trained behind such servers.
    #[serde(default)]
    pub newline_after_picture: bool,
    /// Texts that end a reply and are no part of it, besides the tokens that the model's generation_config.json names.
    #[serde(default)]
    pub stop: Vec<String>,
    /// Whether replies are held to the grammar that a prompt brings. Without it the model is trusted to write what can be read.
    #[serde(default = "yes")]
    pub grammar: bool,
    /// Under which name a server takes that grammar, if it takes one: `none`, `guided_grammar` or `structured_outputs`.
    #[serde(default)]
    pub server_grammar: ServerGrammar,
    /// What the chat template is told of thinking (`enable_thinking`), for models that can do without; without it the template
    /// decides. Only for a model that runs here: a server has its own template.
    pub thinking: Option<bool>,
    pub sampling: Sampling,
}

/// How the next token is chosen.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sampling {
    /// 0 always takes the likeliest token.
    pub temperature: f32,
    /// Only the likeliest tokens that make up this probability together; 1 without it.
    pub top_p: Option<f32>,
    /// Only so many of the likeliest tokens; all of them without it.
    pub top_k: Option<u32>,
    /// Only tokens at least this times as likely as the likeliest; 0 without it.
    pub min_p: Option<f32>,
    /// What the logit of a token that stands in the prompt or the reply already is divided by if it is above 0, and multiplied
    /// by if it is below; 1 without it.
    pub repetition_penalty: Option<f32>,
    /// Taken once from the logit of a token that stands in the reply already.
    #[serde(default)]
    pub presence_penalty: f32,
    /// Taken from a token's logit for each time that it stands in the reply already.
    #[serde(default)]
    pub frequency_penalty: f32,
    /// Where chance begins; the same seed gives the same replies to the same prompts in the same order. A server is sent one with
    /// each prompt, counted up from here, unless it is 0.
    #[serde(default)]
    pub seed: u64,
}

fn yes() -> bool {
    true
}

impl ModelSettings {
    /// Pictures as the model's own files say, and only its own tokens end a reply.
    pub fn new(sampling: Sampling) -> ModelSettings {
        ModelSettings {
            longest_edge: None,
            context_tokens_max: None,
            newline_after_picture: false,
            stop: Vec::new(),
            grammar: true,
            server_grammar: ServerGrammar::None,
            thinking: None,
            sampling,
        }
    }

    /// The first value that is out of its range, and the range.
    pub(crate) fn invalid_value(&self) -> Option<String> {
        self.sampling
            .invalid_value()
            .or_else(|| self.stop.iter().any(String::is_empty).then(|| "an empty text in stop".to_owned()))
    }
}

impl Sampling {
    /// The likeliest token each time.
    pub const GREEDY: Sampling = Sampling {
        temperature: 0.0,
        top_p: None,
        top_k: None,
        min_p: None,
        repetition_penalty: None,
        presence_penalty: 0.0,
        frequency_penalty: 0.0,
        seed: 0,
    };

    /// The first value that is out of its range, and the range. The ranges are vLLM's.
    pub(crate) fn invalid_value(&self) -> Option<String> {
        let Sampling {
            temperature,
            top_p,
            top_k: _,
            min_p,
            repetition_penalty,
            presence_penalty,
            frequency_penalty,
            seed: _,
        } = *self;
        if !(0.0..=100.0).contains(&temperature) {
            return Some(format!("temperature {temperature}; it goes from 0 to 100"));
        }
        if let Some(top_p) = top_p.filter(|top_p| !(*top_p > 0.0 && *top_p <= 1.0)) {
            return Some(format!("top_p {top_p}; it is above 0 and at most 1"));
        }
        if let Some(min_p) = min_p.filter(|min_p| !(0.0..=1.0).contains(min_p)) {
            return Some(format!("min_p {min_p}; it goes from 0 to 1"));
        }
        // Logits are divided by it: where it is next to nothing they overflow.
        if let Some(penalty) = repetition_penalty.filter(|penalty| !(0.01..=2.0).contains(penalty)) {
            return Some(format!("repetition_penalty {penalty}; it goes from 0.01 to 2"));
        }
        for (name, penalty) in [("presence_penalty", presence_penalty), ("frequency_penalty", frequency_penalty)] {
            if !(-2.0..=2.0).contains(&penalty) {
                return Some(format!("{name} {penalty}; it goes from -2 to 2"));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_says_little_and_nothing_unknown() {
        let least: ModelSettings = toml::from_str("[sampling]\ntemperature = 0.0").unwrap();
        assert_eq!((least.longest_edge, least.newline_after_picture, least.stop.len()), (None, false, 0));
        assert_eq!(least.sampling, Sampling::GREEDY);
        for unknown in ["[sampling]\ntemperature = 0.0\ntopp = 1.0", "longest = 1\n[sampling]\ntemperature = 0.0", ""] {
            assert!(toml::from_str::<ModelSettings>(unknown).is_err(), "{unknown}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_found() {
        let with = |text: &str| {
            let settings: ModelSettings = toml::from_str(&format!("[sampling]\ntemperature = 0.0\n{text}")).unwrap();
            settings.invalid_value()
        };
        assert_eq!(with("top_p = 0.85\ntop_k = 40\nfrequency_penalty = 0.2"), None);
        for invalid in ["top_p = 0.0", "top_p = 1.5", "top_p = nan", "frequency_penalty = inf"] {
            assert!(with(invalid).is_some(), "{invalid}");
        }
        let empty: ModelSettings = toml::from_str("stop = [\"\"]\n[sampling]\ntemperature = nan").unwrap();
        assert!(empty.invalid_value().is_some());
    }
}
