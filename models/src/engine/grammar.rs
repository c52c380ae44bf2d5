//! What may be said next, by a grammar. llguidance does the work; here are its corners.

use llguidance::api::TopLevelGrammar;
use llguidance::toktrie::SimpleVob;
use llguidance::{Matcher, ParserFactory};
use toktrie_hf_tokenizers::ByteTokenizer;

use crate::request::Grammar;
use crate::tokenizer::{SHOWN, Tokenizer};

/// Makes constraints for one model's tokens.
pub struct Grammars {
    factory: ParserFactory,
    /// Marks that this model has no token for, and how a grammar has to say them then.
    marks: Vec<(String, String)>,
}

/// What one reply may still say.
pub struct Constraint {
    matcher: Matcher,
}

impl Grammars {
    /// For a model with `rows` logits, whose replies end with `ends`.
    ///
    /// # Errors
    /// What llguidance makes of the tokenizer.
    pub fn new(words: &Tokenizer, rows: usize, ends: &[u32]) -> Result<Grammars, String> {
        let mut tokens = ByteTokenizer::from_tokenizer(words.tokenizer().clone()).map_err(why)?;
        // What a folder's files say need not be so.
        let ends: Vec<u32> = ends.iter().copied().filter(|&end| (end as usize) < rows).collect();
        if !ends.is_empty() {
            tokens.set_eos_tokens(&ends);
        }
        let environment = tokens.into_tok_env(Some(rows)).map_err(why)?;
        let mut factory = ParserFactory::new_simple(&environment).map_err(why)?;
        factory.quiet();
        let marks = SHOWN.iter().filter(|mark| !words.is_special(mark));
        let marks = marks.map(|mark| ((*mark).to_owned(), format!("\"{mark}\""))).collect();
        Ok(Grammars { factory, marks })
    }

    /// A constraint that holds from the first token of a reply on.
    ///
    /// # Errors
    /// What is wrong with the grammar, for whoever wrote it.
    pub fn constraint(&self, grammar: &Grammar) -> Result<Constraint, String> {
        let grammar = match grammar {
            Grammar::Lark(text) => TopLevelGrammar::from_lark(self.spelled(text)),
            Grammar::Schema(schema) => TopLevelGrammar::from_json_schema(schema.clone()),
            Grammar::Regex(expression) => TopLevelGrammar::from_regex(expression),
        };
        let matcher = Matcher::new(self.factory.create_parser(grammar));
        match matcher.get_error() {
            Some(error) => Err(error),
            None => Ok(Constraint { matcher }),
        }
    }

    /// Marks of thought and answer are tokens for some models and five letters between signs for others.
    fn spelled(&self, lark: &str) -> String {
        self.marks.iter().fold(lark.to_owned(), |text, (mark, spelled)| text.replace(mark, spelled))
    }
}

fn why(error: impl std::fmt::Display) -> String {
    error.to_string()
}

impl Constraint {
    /// The tokens that have to follow, which are taken as said.
    pub fn forced(&mut self) -> Vec<u32> {
        self.matcher.consume_ff_tokens()
    }

    /// Makes the logits of what may not follow minus infinity.
    ///
    /// # Errors
    /// What llguidance gave up on: a grammar may be more than it can follow.
    pub fn mask(&mut self, logits: &mut [f32]) -> Result<(), String> {
        let allowed: SimpleVob = self.matcher.compute_mask().map_err(why)?;
        let mut bits = allowed.as_slice().iter();
        for part in logits.chunks_mut(32) {
            let word = bits.next().copied().unwrap_or(0);
            if word == u32::MAX {
                continue;
            }
            for (bit, logit) in part.iter_mut().enumerate() {
                if word & (1 << bit) == 0 {
                    *logit = f32::NEG_INFINITY;
                }
            }
        }
        Ok(())
    }

    /// Takes a token that was chosen.
    ///
    /// # Errors
    /// As `mask`.
    pub fn hear(&mut self, token: u32) -> Result<(), String> {
        self.matcher.consume_token(token).map_err(why)
    }

    /// Whether nothing can follow.
    pub fn is_over(&self) -> bool {
        self.matcher.is_stopped()
    }
}
