//! Finds a secret in what a program says of it: it may be quoted for JSON, Rust, a shell, Android's `input`, an address or a
//! page, once or more than once, or be in base64 or in digits.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// The fewest letters of an encoded form: fewer stand anywhere.
const ENCODED_MIN: usize = 4;
/// Backslashes in a row that quoting more than once comes to.
const BACKSLASHES_MAX: usize = 16;

/// The first place where a secret is written, letter by letter: as it is, or each letter as some format has it.
pub fn find(text: &str, secret: &str) -> Option<(usize, usize)> {
    let mut from = 0;
    loop {
        let rest = &text[from..];
        if let Some(length) = length(rest, secret) {
            return Some((from, from + length));
        }
        from += rest.chars().next()?.len_utf8();
    }
}

/// How much of a text is the secret, if it begins with it; the most that can be.
fn length(text: &str, secret: &str) -> Option<usize> {
    // A letter may be written in several ways of different lengths, so there may be several places to go on from.
    let mut ends = vec![0];
    for letter in secret.chars() {
        let mut next: Vec<usize> = Vec::new();
        for end in ends {
            ways(&text[end..], letter, &mut |length| next.push(end + length));
        }
        next.sort_unstable();
        next.dedup();
        if next.is_empty() {
            return None;
        }
        ends = next;
    }
    ends.pop()
}

/// Calls `found` with the length of each way in which a text begins with a letter.
fn ways(text: &str, letter: char, found: &mut impl FnMut(usize)) {
    let backslashes = text.bytes().take(BACKSLASHES_MAX).take_while(|byte| *byte == b'\\').count();
    if letter == '\\' {
        (1..=backslashes).for_each(&mut *found);
    }
    let bare = &text[backslashes..];
    if bare.starts_with(letter) {
        found(backslashes + letter.len_utf8());
    }
    if backslashes > 0 {
        let named = match letter {
            '\n' => Some('n'),
            '\r' => Some('r'),
            '\t' => Some('t'),
            '\0' => Some('0'),
            _ => None,
        };
        if named.is_some_and(|named| bare.starts_with(named)) {
            found(backslashes + 1);
        }
        let braced = format!("u{{{:x}}}", u32::from(letter));
        let units: Vec<String> = letter.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("u{unit:04x}")).collect();
        for form in [braced, units.join("\\")] {
            if begins(bare, &form) {
                found(backslashes + form.len());
            }
        }
    }
    let mut bytes = [0; 4];
    let percent: String = letter.encode_utf8(&mut bytes).bytes().map(|byte| format!("%{byte:02x}")).collect();
    let others: &[&str] = match letter {
        ' ' => &["+", "%s"],
        '\'' => &["'\\''", "'\"'\"'", "&#39;", "&#x27;", "&apos;"],
        '"' => &["&quot;", "&#34;"],
        '&' => &["&amp;"],
        '<' => &["&lt;"],
        '>' => &["&gt;"],
        _ => &[],
    };
    for form in std::iter::once(percent.as_str()).chain(others.iter().copied()) {
        if begins(text, form) {
            found(form.len());
        }
    }
}

/// Whether a text begins so, whatever the case of its digits.
fn begins(text: &str, form: &str) -> bool {
    text.get(..form.len()).is_some_and(|start| start.eq_ignore_ascii_case(form))
}

/// How a secret looks where no letter of it is to be seen.
pub fn encoded(secret: &str) -> Vec<String> {
    let mut forms: Vec<String> = (0..3).flat_map(|before| base64_within(secret, before)).collect();
    forms.push(secret.bytes().map(|byte| format!("{byte:02x}")).collect());
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
