//! Takes secrets out of what a server says of them: plain, escaped, percent-encoded or in base64.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// What stands in place of a secret.
const HIDDEN: &str = "…";
/// A secret of fewer bytes is hidden only where it stands alone: it may be a syllable of any word.
const WORD_MAX: usize = 3;
/// Beginnings of a secret that are this long are hidden too: servers quote keys cut short.
const BEGINNING: usize = 8;

/// The text without any of the secrets.
pub fn redacted(text: &str, secrets: &[String]) -> String {
    let mut text = text.to_owned();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        text = without(&text, secret);
        text = without_base64(&text, secret.as_bytes());
    }
    text
}

fn without(text: &str, secret: &str) -> String {
    let bytes = text.as_bytes();
    let (mut shown, mut at) = (String::with_capacity(text.len()), 0);
    while at < bytes.len() {
        let end = secret_end(bytes, at, secret.as_bytes());
        match end {
            Some(end) if text.is_char_boundary(end) && (secret.len() > WORD_MAX || stands_alone(text, at, end)) => {
                shown.push_str(HIDDEN);
                at = end;
            }
            _ => {
                let next = text[at..].chars().next().map_or(1, char::len_utf8);
                shown.push_str(&text[at..at + next]);
                at += next;
            }
        }
    }
    shown
}

fn stands_alone(text: &str, start: usize, end: usize) -> bool {
    let inside = |sign: Option<char>| sign.is_some_and(char::is_alphanumeric);
    !inside(text[..start].chars().next_back()) && !inside(text[end..].chars().next())
}

/// Where the secret that begins at `at` ends, however its bytes are written; or a long beginning of it.
fn secret_end(text: &[u8], at: usize, secret: &[u8]) -> Option<usize> {
    // What of a secret looks like an escape may be written out as it is.
    let plain = text[at..].starts_with(secret).then_some(at + secret.len());
    let (mut place, mut count) = (at, 0);
    while count < secret.len() {
        let Some((width, bytes)) = encoded_width(&text[place..], &secret[count..]) else { break };
        place += width;
        count += bytes;
    }
    let long = BEGINNING.max(secret.len() / 2);
    plain.max((count == secret.len() || count >= long).then_some(place))
}

/// How many bytes of text the first byte or bytes of the secret are written in: (in the text, of the secret).
fn encoded_width(text: &[u8], secret: &[u8]) -> Option<(usize, usize)> {
    let first = secret[0];
    // Escaped ways come first, as a secret may hold the sign that escapes.
    match *text.first()? {
        b'\\' => {
            let slashes = text.iter().take_while(|byte| **byte == b'\\').count();
            let escaped = text.get(slashes).copied();
            if escaped == Some(b'u')
                && let Some((digits, sign)) = utf16(&text[slashes..])
            {
                let mut buffer = [0; 4];
                let bytes = sign.encode_utf8(&mut buffer).as_bytes();
                if secret.starts_with(bytes) {
                    return Some((slashes + digits, bytes.len()));
                }
            }
            let short = match escaped {
                Some(b'n') => Some(b'\n'),
                Some(b'r') => Some(b'\r'),
                Some(b't') => Some(b'\t'),
                Some(other @ (b'/' | b'"' | b'\'')) => Some(other),
                _ => None,
            };
            if short == Some(first) {
                return Some((slashes + 1, 1));
            }
            // Backslashes of the secret, doubled or not.
            if first == b'\\' {
                let own = secret.iter().take_while(|byte| **byte == b'\\').count();
                return (slashes >= own && slashes % own == 0).then_some((slashes, own));
            }
        }
        b'%' => {
            // Encoded twice, its own sign is `%25`.
            let twice = text[1..].chunks_exact(2).take_while(|pair| *pair == b"25").count();
            for skipped in [2 * twice, 0] {
                if text.get(1 + skipped..3 + skipped).and_then(hex) == Some(u32::from(first)) {
                    return Some((3 + skipped, 1));
                }
            }
        }
        b'&' => {
            let end = text.iter().take(10).position(|byte| *byte == b';').unwrap_or(1);
            let name = std::str::from_utf8(&text[1..end]).unwrap_or_default();
            let number = name.strip_prefix('#').and_then(|number| {
                let hex = number.strip_prefix(['x', 'X']);
                hex.map_or_else(|| number.parse().ok(), |hex| u32::from_str_radix(hex, 16).ok())
            });
            let sign = number.and_then(char::from_u32).or(match name {
                "amp" => Some('&'),
                "lt" => Some('<'),
                "gt" => Some('>'),
                "quot" => Some('"'),
                "apos" => Some('\''),
                _ => None,
            });
            let mut buffer = [0; 4];
            if let Some(bytes) = sign.map(|sign| sign.encode_utf8(&mut buffer).as_bytes())
                && secret.starts_with(bytes)
            {
                return Some((end + 1, bytes.len()));
            }
        }
        b'+' if first == b' ' => return Some((1, 1)),
        _ => {}
    }
    (text[0] == first).then_some((1, 1))
}

/// A sign that is written as `uXXXX`, or as two of them.
fn utf16(text: &[u8]) -> Option<(usize, char)> {
    let high = hex(text.get(1..5)?)? as u16;
    if let Some(sign) = char::from_u32(high.into()) {
        return Some((5, sign));
    }
    let rest = &text[5..];
    let slashes = rest.iter().take_while(|byte| **byte == b'\\').count();
    let low = hex(rest.get(slashes + 1..slashes + 5)?)? as u16;
    let sign = char::decode_utf16([high, low]).next()?.ok()?;
    Some((5 + slashes + 5, sign))
}

fn hex(digits: &[u8]) -> Option<u32> {
    let digits =
        std::str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    u32::from_str_radix(digits, 16).ok()
}

/// Hides whole words of base64 that hold the secret, wherever in what was encoded it stood.
fn without_base64(text: &str, secret: &[u8]) -> String {
    /// Fewer signs than this are met by chance.
    const LEAST: usize = 6;
    let mut cores = Vec::new();
    for before in 0..3 {
        let bytes = [&[0; 2][..before], secret].concat();
        // Signs at either end also depend on the neighbours of the secret.
        let (first, last) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
        for encoded in [STANDARD_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)] {
            if last >= first + LEAST {
                cores.push(encoded[first..last].to_owned());
            }
        }
    }
    let is_base64 = |sign: char| sign.is_ascii_alphanumeric() || "+/-_=".contains(sign);
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_base64) {
        let end = rest[start..].find(|sign| !is_base64(sign)).map_or(rest.len(), |end| start + end);
        let word = &rest[start..end];
        shown.push_str(&rest[..start]);
        shown.push_str(if cores.iter().any(|core| word.contains(core)) { HIDDEN } else { word });
        rest = &rest[end..];
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_secret_is_hidden_however_it_is_written() {
        let secret = "sekret/key+1\"é 2";
        let json = serde_json::to_string(secret).unwrap();
        let ascii: String = secret.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
        let percent: String = secret.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let html: String = secret.chars().map(|sign| format!("&#{};", u32::from(sign))).collect();
        for (said, expected) in [
            (format!("bad key Bearer {secret}."), "bad key Bearer …."),
            (json.clone(), "\"…\""),
            (serde_json::to_string(&json).unwrap(), "\"\\\"…\\\"\""),
            (ascii.clone(), "…"),
            (ascii.replace('\\', "\\\\"), "…"),
            (percent.clone(), "…"),
            (percent.to_lowercase(), "…"),
            (percent.replace('%', "%25"), "…"),
            ("sekret%2Fkey%2B1%22%C3%A9+2".to_owned(), "…"),
            ("a=sekret/key+1&quot;é 2&b".to_owned(), "a=…&b"),
            (html, "…"),
            (format!("{secret}{secret}"), "……"),
            ("sekret/key+".to_owned(), "…"),
            ("sekret is no secret".to_owned(), "sekret is no secret"),
        ] {
            assert_eq!(redacted(&said, &[secret.to_owned()]), expected, "{said}");
        }
    }

    #[test]
    fn a_secret_that_looks_like_an_escape_is_hidden_as_it_is() {
        for secret in ["%25 ", "%25%", "&amp;amp", "\\\\u0041", "key%2525"] {
            assert_eq!(redacted(&format!("a {secret} b"), &[secret.to_owned()]), "a … b", "{secret}");
        }
    }

    #[test]
    fn a_short_secret_is_hidden_as_a_word_and_none_hides_nothing() {
        assert_eq!(redacted("the key abc, in fabcs", &["abc".to_owned()]), "the key …, in fabcs");
        assert_eq!(redacted("nothing", &[String::new()]), "nothing");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn base64_is_hidden_at_any_place(
            secret in "[ -~é]{8,40}", before in "[ -~]{0,9}", after in "[ -~]{0,9}", url in any::<bool>()
        ) {
            let whole = format!("{before}{secret}{after}");
            let encoded = if url { URL_SAFE_NO_PAD.encode(&whole) } else { STANDARD_NO_PAD.encode(&whole) };
            let shown = redacted(&format!("key {encoded} is wrong"), std::slice::from_ref(&secret));
            prop_assert!(!shown.contains(&encoded), "{shown}");
        }

        #[test]
        fn text_without_the_secret_stays_as_it_is(text in "[a-f0-9\\\\%&;+u\" é]{0,60}") {
            prop_assert_eq!(redacted(&text, &["zzzzzzzz".to_owned()]), text);
        }

        #[test]
        fn nothing_of_a_secret_is_left_in_plain_sight(
            secret in "[ -~é]{4,30}", before in "[ -~]{0,9}", after in "[ -~]{0,9}"
        ) {
            let shown = redacted(&format!("{before}{secret}{after}"), std::slice::from_ref(&secret));
            prop_assert!(!shown.contains(&secret), "{shown}");
        }
    }
}
