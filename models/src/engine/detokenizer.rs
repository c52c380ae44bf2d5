//! A reply's tokens as text, while they come: whole characters, and nothing that may yet turn out to be the text that ends it.

use crate::tokenizer::Tokenizer;

/// How many tokens back a character may begin: as many as it has bytes, and one that tells where the text before it ends.
const WINDOW: usize = 8;

/// What a reply says so far.
pub struct Detokenizer {
    stops: Vec<String>,
    stop_shown: bool,
    special_shown: bool,
    tokens: Vec<u32>,
    /// Tokens before this one are text already.
    read: usize,
    /// Text that was not handed out yet.
    held: String,
}

/// What a token brought.
#[derive(Debug, PartialEq, Eq)]
pub struct Detokenized {
    /// Text that stays.
    pub text: String,
    /// The text of `stops` that ended the reply.
    pub stop: Option<String>,
}

impl Detokenizer {
    pub fn new(stops: Vec<String>, stop_shown: bool, special_shown: bool) -> Detokenizer {
        Detokenizer { stops, stop_shown, special_shown, tokens: Vec::new(), read: 0, held: String::new() }
    }

    /// Takes the next token.
    ///
    /// # Errors
    /// What the tokenizer complains of.
    pub fn push(&mut self, token: u32, tokenizer: &Tokenizer) -> Result<Detokenized, String> {
        self.tokens.push(token);
        let fresh = self.fresh(tokenizer, false)?;
        self.held.push_str(&fresh);
        Ok(self.release(false))
    }

    /// All that is left, when no token follows.
    ///
    /// # Errors
    /// As `push`.
    pub fn finish(&mut self, tokenizer: &Tokenizer) -> Result<Detokenized, String> {
        let fresh = self.fresh(tokenizer, true)?;
        self.held.push_str(&fresh);
        Ok(self.release(true))
    }

    /// The tokens that were pushed.
    #[cfg(test)]
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// The text of the tokens that were not read yet. Half a character waits for its other half, unless there is none coming.
    fn fresh(&mut self, tokenizer: &Tokenizer, last: bool) -> Result<String, String> {
        let from = self.read.saturating_sub(WINDOW);
        let before = tokenizer.decode(&self.tokens[from..self.read], self.special_shown)?;
        let all = tokenizer.decode(&self.tokens[from..], self.special_shown)?;
        let waits = all.ends_with(char::REPLACEMENT_CHARACTER) && self.tokens.len() - self.read < WINDOW;
        if waits && !last {
            return Ok(String::new());
        }
        self.read = self.tokens.len();
        // The window may begin within a character; what it begins with is the same both times.
        Ok(all.get(before.len()..).unwrap_or_default().to_owned())
    }

    fn release(&mut self, last: bool) -> Detokenized {
        let first = self.stops.iter().filter_map(|stop| Some((self.held.find(stop)?, stop))).min();
        if let Some((at, stop)) = first {
            let end = if self.stop_shown { at + stop.len() } else { at };
            let more = Detokenized { text: self.held[..end].to_owned(), stop: Some(stop.clone()) };
            self.held.clear();
            return more;
        }
        let kept = if last { 0 } else { self.stops.iter().map(|stop| overlap(&self.held, stop)).max().unwrap_or(0) };
        let text = self.held.drain(..self.held.len() - kept).collect();
        Detokenized { text, stop: None }
    }
}

/// How many bytes at the end of `text` are the beginning of `stop`.
fn overlap(text: &str, stop: &str) -> usize {
    let mut ends = stop.char_indices().map(|(at, _)| at).filter(|&at| at > 0).collect::<Vec<_>>();
    ends.reverse();
    ends.into_iter().find(|&length| text.ends_with(&stop[..length])).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    fn tokenizer() -> Tokenizer {
        Tokenizer::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens")).unwrap()
    }

    /// All that is handed out, up to the stop.
    fn detokenize(text: &str, stops: &[&str], stop_shown: bool) -> (String, Option<String>) {
        thread_local!(static TOKENIZER: Tokenizer = tokenizer());
        TOKENIZER.with(|tokenizer| {
            let mut detokenizer =
                Detokenizer::new(stops.iter().map(|stop| (*stop).to_owned()).collect(), stop_shown, false);
            let mut out = String::new();
            for token in tokenizer.encode(text).unwrap() {
                let Detokenized { text, stop } = detokenizer.push(token, tokenizer).unwrap();
                assert!(!text.contains(char::REPLACEMENT_CHARACTER), "{text:?}");
                out += &text;
                if stop.is_some() {
                    return (out, stop);
                }
            }
            let Detokenized { text, stop } = detokenizer.finish(tokenizer).unwrap();
            (out + &text, stop)
        })
    }

    #[test]
    fn a_reply_ends_before_the_text_that_ends_it() {
        type Case<'a> = (&'a str, &'a [&'a str], bool, &'a str, Option<&'a str>);
        let cases: &[Case<'_>] = &[
            ("one two three", &[], false, "one two three", None),
            ("one two three", &["tw"], false, "one ", Some("tw")),
            ("one two three", &["tw"], true, "one tw", Some("tw")),
            ("one two three", &["three", "two t"], false, "one ", Some("two t")),
            ("one two thr", &["three"], false, "one two thr", None),
            ("好的，完成", &["完成"], false, "好的，", Some("完成")),
            ("a\n\n", &["\n\n\n"], false, "a\n\n", None),
        ];
        for (text, stops, shown, expected, stop) in cases {
            assert_eq!(
                detokenize(text, stops, *shown),
                ((*expected).to_owned(), stop.map(str::to_owned)),
                "{text:?} {stops:?}"
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn pieces_are_the_whole(text in "[a-zé好🙂 \n]{0,40}", stop in "[a-c好]{1,3}") {
            let whole = text.find(&stop).map_or(text.as_str(), |at| &text[..at]);
            prop_assert_eq!(detokenize(&text, &[&stop], false).0, whole);
        }
    }
}
