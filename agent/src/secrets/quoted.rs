//! Finds a secret in what a program says of it: it may be quoted for JSON, Rust, a shell, Android's `input`, an address or a
//! page, once or more than once, or be in base64 or in digits.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use crate::work::looked_at;

/// The fewest letters of an encoded form: fewer stand anywhere.
const ENCODED_MIN: usize = 4;
/// Backslashes in a row that quoting more than once comes to.
const BACKSLASHES_MAX: usize = 16;

/// A secret, ready to be looked for: what a letter may look like is worked out once, and not at each place of a text.
#[derive(Debug)]
pub struct Pattern {
    letters: Vec<Letter>,
    /// Which bytes the first letter can begin with, however it is written.
    begins: [bool; 256],
    /// How it looks where no letter of it is to be seen.
    pub encoded: Vec<String>,
}

/// How a letter may be written.
#[derive(Debug)]
struct Letter {
    plain: char,
    /// Behind a backslash: `n`, `u{e4}`, `u00e4`.
    escaped: Vec<String>,
    /// By itself: `%20`, `&quot;`.
    forms: Vec<String>,
}

impl Letter {
    fn new(plain: char) -> Letter {
        let named = match plain {
            '\n' => Some('n'),
            '\r' => Some('r'),
            '\t' => Some('t'),
            '\0' => Some('0'),
            _ => None,
        };
        let units: Vec<String> = plain.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("u{unit:04x}")).collect();
        let escaped = named.map(String::from).into_iter();
        let escaped = escaped.chain([format!("u{{{:x}}}", u32::from(plain)), units.join("\\")]).collect();
        let percent = plain.encode_utf8(&mut [0; 4]).bytes().map(|byte| format!("%{byte:02x}")).collect();
        let others: &[&str] = match plain {
            ' ' => &["+", "%s"],
            '\'' => &["'\\''", "'\"'\"'", "&#39;", "&#x27;", "&apos;"],
            '"' => &["&quot;", "&#34;"],
            '&' => &["&amp;"],
            '<' => &["&lt;"],
            '>' => &["&gt;"],
            _ => &[],
        };
        let forms = std::iter::once(percent).chain(others.iter().map(|form| (*form).to_owned())).collect();
        Letter { plain, escaped, forms }
    }

    /// Calls `found` with the length of each way in which a text begins with it.
    fn ways(&self, text: &str, found: &mut impl FnMut(usize)) {
        let backslashes = text.bytes().take(BACKSLASHES_MAX).take_while(|byte| *byte == b'\\').count();
        if self.plain == '\\' {
            (1..=backslashes).for_each(&mut *found);
        }
        let bare = &text[backslashes..];
        if bare.starts_with(self.plain) {
            found(backslashes + self.plain.len_utf8());
        }
        if backslashes > 0 {
            for form in self.escaped.iter().filter(|form| begins(bare, form)) {
                // `\N` is no line break.
                if form.len() > 1 || bare.starts_with(form.as_str()) {
                    found(backslashes + form.len());
                }
            }
        }
        for form in self.forms.iter().filter(|form| begins(text, form)) {
            found(form.len());
        }
    }
}

impl Pattern {
    pub fn new(secret: &str) -> Pattern {
        let letters: Vec<Letter> = secret.chars().map(Letter::new).collect();
        let mut begins = [false; 256];
        begins[usize::from(b'\\')] = true;
        if let Some(first) = letters.first() {
            let plain = first.plain.to_string();
            for form in first.forms.iter().chain([&plain]) {
                begins[usize::from(form.as_bytes()[0])] = true;
            }
        }
        Pattern { letters, begins, encoded: encodings(secret) }
    }

    /// The first place where it is written, letter by letter: as it is, or each letter as some format has it.
    pub fn find(&self, text: &str) -> Option<(usize, usize)> {
        let bytes = text.as_bytes();
        // No byte that a form begins with lies within a character.
        looked_at(bytes.len());
        let places = (0..bytes.len()).filter(|at| self.begins[usize::from(bytes[*at])] && text.is_char_boundary(*at));
        places.map(|at| (at, self.length(&text[at..]))).find_map(|(at, length)| Some((at, at + length?)))
    }

    /// How much of a text is the secret, if it begins with it; the most that can be.
    fn length(&self, text: &str) -> Option<usize> {
        // A letter may be written in several ways of different lengths, so there may be several places to go on from.
        let (mut ends, mut next) = (vec![0], Vec::new());
        for letter in &self.letters {
            next.clear();
            for end in &ends {
                looked_at(1);
                letter.ways(&text[*end..], &mut |length| next.push(end + length));
            }
            next.sort_unstable();
            next.dedup();
            std::mem::swap(&mut ends, &mut next);
            if ends.is_empty() {
                return None;
            }
        }
        ends.pop()
    }
}

/// Whether a text begins so, whatever the case of its digits.
fn begins(text: &str, form: &str) -> bool {
    text.get(..form.len()).is_some_and(|start| start.eq_ignore_ascii_case(form))
}

/// How a secret looks where no letter of it is to be seen.
fn encodings(secret: &str) -> Vec<String> {
    let mut forms: Vec<String> = (0..3).flat_map(|before| base64_within(secret, before)).collect();
    forms.push(hex::encode(secret));
    forms.push(secret.bytes().map(|byte| format!("{byte:02X}")).collect());
    forms.retain(|form| form.len() >= ENCODED_MIN);
    forms.sort_unstable_by_key(|form| std::cmp::Reverse(form.len()));
    forms.dedup();
    forms
}

/// What base64 of a text has in it for certain, whatever follows, if so many bytes are before the secret; in both
/// alphabets. What shares a letter with its neighbours is left out: it alone tells nothing.
fn base64_within(secret: &str, before: usize) -> [String; 2] {
    let bytes = [&[0; 3][..before], secret.as_bytes()].concat();
    let (first, last) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
    [STANDARD_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)]
        .map(|text| text.get(first..last).unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use base64::Engine as _;

    use crate::secrets::{SecretText, Secrets};
    use crate::work::count_bytes;

    /// A screen may hold much, and a device decides how much: it is looked through in time linear in its length, also where each
    /// place could be the beginning.
    #[test]
    fn much_text_is_looked_through_in_linear_time() {
        let secret = "hunter2-hunter3".to_owned();
        let secrets = Secrets::new(BTreeMap::from([("key".to_owned(), SecretText::new(secret).unwrap())]));
        for piece in ["all is well here, and nothing is told ", "hunter2-hunter", "\\\\\\", "h", "%68"] {
            let looks = |bytes: usize| {
                let text = piece.repeat(bytes / piece.len());
                count_bytes(|| assert_eq!(secrets.redact(&text), text))
            };
            let (short, long) = (looks(8_000), looks(64_000));
            assert!(0 < short && long < short * 12, "{piece:?}: {short} looks became {long}");
        }
    }

    #[test]
    fn a_secret_is_hidden_however_it_is_written() {
        let secret = "p4'ss \"w\\rd$ü/+";
        let secrets = Secrets::new(BTreeMap::from([("key".to_owned(), SecretText::new(secret.to_owned()).unwrap())]));
        let base64 = |text: String| base64::engine::general_purpose::STANDARD.encode(text);
        let html = secret.replace('"', "&quot;").replace('\'', "&#39;");
        let shell = secret.replace('\'', r"'\''");
        let percent: String = secret
            .bytes()
            .map(|byte| match byte {
                byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
                byte => format!("%{byte:02X}"),
            })
            .collect();
        for quoted in [
            secret.to_owned(),
            serde_json::to_string(secret).unwrap(),
            serde_json::to_string(&serde_json::to_string(secret).unwrap()).unwrap(),
            format!("{secret:?}"),
            format!("sh: '{shell}': not found"),
            format!("input text '{}'", shell.replace(' ', "%s")),
            r#"p4\'ss\ \"w\\rd\$ü\/\+"#.to_owned(),
            r#"p4'ss \"w\\rd\$ü/+"#.to_owned(),
            format!("?q={}", percent.replace("%20", "+").replace("%2F", "/").replace("%2B", "%2b").to_lowercase()),
            format!("?q={percent}"),
            "p4%27ss+%22w%5Crd%24%C3%BC%2F%2B".to_owned(),
            secret.bytes().map(|byte| format!("{byte:02x}")).collect(),
            html,
            base64(secret.to_owned()),
            secret.replace('ü', "\\u00fc"),
            format!("{secret}{secret}"),
            base64(format!("a{secret}")),
            base64(format!("user:{secret} and more")),
            base64(format!("{{\"msg\": \"{secret}\"}}")),
        ] {
            let hidden = secrets.redact(&quoted);
            assert!(hidden.contains("{{secret:key}}"), "{quoted} -> {hidden}");
            for part in ["p4", "ss", "w\\"] {
                assert!(!hidden.replace("{{secret:key}}", "").contains(part), "{quoted} -> {hidden}");
            }
        }
        let twice = secrets.redact(&format!("{secret}, {percent}"));
        assert_eq!(twice, "{{secret:key}}, {{secret:key}}");
        let other = "an error of 4 words, and QUJD, %20, 0x41";
        assert_eq!(secrets.redact(other), other);
    }
}
