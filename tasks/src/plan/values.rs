//! Values that have names: what an output can be, how a number is read, and where a text names one.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;

/// The values of outputs by their names.
pub type Outputs = BTreeMap<String, String>;

/// What an output is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputKind {
    /// Words.
    Text,
    /// A number; signs of money and thousands are left out.
    Number,
    /// Any number of lines, each with a title and what there is to say of it; a title counts once.
    Items,
    /// All that was noted.
    Notes,
}

/// Whether `{{name}}` stands for a secret: that is for the agent to write, and never for a plan to fill.
pub fn is_secret(name: &str) -> bool {
    name.starts_with("secret:")
}

/// Whether it is a name that a value may have, or a part of a plan.
pub fn is_plain(name: &str) -> bool {
    (1..=40).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// Where the first `{{name}}` is.
pub fn place(words: &str) -> Option<Range<usize>> {
    let start = words.find("{{")?;
    let end = start + words[start..].find("}}")? + 2;
    Some(start..end)
}

/// The name of a value between two pairs of braces: `{{total}}`, and `{{number:total}}`, which stands for the number in it.
pub fn value_name(inside: &str) -> &str {
    let inside = inside.trim();
    inside.strip_prefix("number:").map_or(inside, str::trim)
}

/// Where in a file a value of this name is named first, from some place on; what is looked for may stand in another part of a step than
/// the one that a person would look at.
pub fn place_of_name(text: &str, from: usize, name: &str) -> Option<Range<usize>> {
    let mut at = from;
    while let Some(found) = text.get(at..).and_then(place) {
        let found = found.start + at..found.end + at;
        if value_name(&text[found.start + 2..found.end - 2]) == name {
            return Some(found);
        }
        // Of `{{'{{'}}` and of three braces the name begins later.
        at = found.start + 1;
    }
    None
}

/// Whether a text is one such name and nothing else: an argument of a call is a number then, and no text.
pub fn is_number(text: &str) -> bool {
    let text = text.trim();
    text.starts_with("{{number:") && place(text).is_some_and(|at| at == (0..text.len()))
}

/// The braces that a name stands for which is no value's: `{{'{{'}}` is written where a text holds two that name nothing.
pub fn braces(name: &str) -> Option<&'static str> {
    match name {
        "'{{'" => Some("{{"),
        "'{'" => Some("{"),
        _ => None,
    }
}

/// A text as a plan writes it, so that [`fill`] makes of it what it is: only the names of secrets stay names.
pub fn escaped(text: &str) -> String {
    let names_secret = |text: &str| text.starts_with("{{secret:") && text.contains("}}");
    let mut written = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("{{") {
        written += &rest[..at];
        rest = &rest[at..];
        let length = match rest.find("}}") {
            Some(end) if names_secret(rest) => {
                written += &rest[..end + 2];
                end + 2
            }
            _ if names_secret(&rest[1..]) => {
                written += "{{'{'}}";
                1
            }
            _ => {
                written += "{{'{{'}}";
                2
            }
        };
        rest = &rest[length..];
    }
    written + rest
}

/// A text with the values of the names in it, as they are. Secrets stay named.
///
/// # Errors
/// A name that stands for nothing, or a value that would bring a secret's name with it: it was read from a screen, and must not choose
/// what is typed.
pub fn fill(text: &str, values: &Outputs) -> Result<String, String> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some(at) = place(rest) {
        let inside = rest[at.start + 2..at.end - 2].trim();
        let name = value_name(inside);
        filled += &rest[..at.start];
        match (braces(inside), values.get(name)) {
            (Some(braces), _) => filled += braces,
            (None, _) if is_secret(inside) => filled += &rest[at.clone()],
            (None, Some(value)) if name != inside => {
                let found = number(value);
                filled += &found.map_err(|why| format!("`{name}` is to be a number here, and {value:?} {why}"))?;
            }
            (None, Some(value)) if value.contains("{{secret:") => {
                return Err(format!("the value of `{name}` has the name of a secret in it, and is not put anywhere"));
            }
            (None, Some(value)) => filled += value,
            (None, None) => return Err(format!("nothing is known of `{name}`")),
        }
        rest = &rest[at.end..];
    }
    // Two values beside each other could make a name of a secret that neither of them has.
    let filled = filled + rest;
    if secrets_of(&filled) != secrets_of(text) {
        return Err("the values make the name of a secret together, and are not put anywhere".to_owned());
    }
    Ok(filled)
}

fn secrets_of(text: &str) -> usize {
    text.matches("{{secret:").count()
}

/// Words that make another number of the one before them.
const MULTIPLIERS: [&str; 26] = [
    "k",
    "m",
    "b",
    "t",
    "bn",
    "mn",
    "tn",
    "mio",
    "mrd",
    "tsd",
    "hundred",
    "thousand",
    "thousands",
    "million",
    "millions",
    "millionen",
    "billion",
    "billions",
    "trillion",
    "trillions",
    "lakh",
    "lakhs",
    "crore",
    "crores",
    "dozen",
    "dozens",
];
/// The same, which stand before another word without a blank.
const CHINESE_MULTIPLIERS: [char; 6] = ['万', '萬', '亿', '億', '千', '百'];

/// The number in a text such as `¥ 1,299.50`, in plain digits with a point, if there is exactly one and one way to read it.
///
/// # Errors
/// Why not. A value that goes into a payment or a date is not guessed.
pub fn number(text: &str) -> Result<String, &'static str> {
    let letters: Vec<char> = text.chars().map(plain).collect();
    let is_inside = |at: usize| match letters[at] {
        '0'..='9' => true,
        // Between two digits it may be a part of the number.
        '.' | ',' | '\'' => {
            at > 0 && letters[at - 1].is_ascii_digit() && letters.get(at + 1).is_some_and(char::is_ascii_digit)
        }
        _ => false,
    };
    let Some(start) = (0..letters.len()).find(|at| is_inside(*at)) else { return Err("holds none") };
    // `.5` may be a half or the end of a sentence; in `No.5` the point is a part of the word.
    let is_in_word = match letters[..start] {
        [.., before, '.' | ','] => before.is_alphabetic(),
        ['.' | ','] => false,
        _ => true,
    };
    if !is_in_word {
        return Err("is not written as numbers are");
    }
    let end = (start..letters.len()).find(|at| !is_inside(*at)).unwrap_or(letters.len());
    if (end..letters.len()).any(|at| letters[at].is_numeric()) || letters[..start].iter().any(|sign| sign.is_numeric())
    {
        return Err("holds more than one");
    }
    let after: String = letters[end..].iter().collect::<String>().trim_start().to_lowercase();
    let word: String = after.chars().take_while(|sign| sign.is_alphabetic()).collect();
    if MULTIPLIERS.contains(&word.as_str()) || word.starts_with(CHINESE_MULTIPLIERS) {
        return Err("is to be written with all of its digits");
    }
    let digits = value_in(&letters[start..end])?;
    let before = letters[..start].iter().collect::<String>();
    let is_negative = before.trim_end_matches([' ', '$', '€', '£', '¥']).ends_with('-');
    let unsigned = digits.trim_start_matches('0');
    let unsigned =
        if unsigned.is_empty() || unsigned.starts_with('.') { format!("0{unsigned}") } else { unsigned.to_owned() };
    Ok(if is_negative && unsigned != "0" { format!("-{unsigned}") } else { unsigned })
}

/// The plain digits of a number with separators, if one way to read them is left.
fn value_in(letters: &[char]) -> Result<String, &'static str> {
    let text: String = letters.iter().collect();
    let groups = |text: &str, sign: char| -> Option<String> {
        let mut parts = text.split(sign);
        let first = parts.next()?;
        let first_fits = (1..=3).contains(&first.len()) && first.bytes().all(|byte| byte.is_ascii_digit());
        let rest: Vec<&str> = parts.collect();
        // Three digits each; in India two, but for the last.
        let fits = |size: usize| rest.iter().rev().skip(1).all(|part| part.len() == size);
        let last_fits = rest.last().is_some_and(|part| part.len() == 3);
        let plain = rest.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
        (first_fits && plain && last_fits && first != "0" && (fits(3) || fits(2))).then(|| text.replace(sign, ""))
    };
    let shortened = |whole: String, decimals: &str| {
        let decimals = decimals.trim_end_matches('0');
        if decimals.is_empty() { whole } else { format!("{whole}.{decimals}") }
    };
    let kinds: Vec<char> = ['.', ',', '\''].into_iter().filter(|sign| text.contains(*sign)).collect();
    let ill = "is not written as numbers are";
    match kinds[..] {
        [] => Ok(text),
        [sign] if text.matches(sign).count() > 1 => groups(&text, sign).ok_or(ill),
        ['\''] => groups(&text, '\'').ok_or(ill),
        [sign] => {
            let (whole, decimals) = text.split_once(sign).ok_or(ill)?;
            if decimals.len() == 3
                && (1..=3).contains(&whole.len())
                && whole.trim_start_matches('0').len() == whole.len()
            {
                return Err("can be read in two ways: write it in plain digits, without a sign between thousands");
            }
            Ok(shortened(whole.to_owned(), decimals))
        }
        [_, _] => {
            // The last sign stands before the decimals, once; the other one between thousands.
            let at = text.rfind(['.', ',', '\'']).ok_or(ill)?;
            let (whole, decimals) = (&text[..at], &text[at + 1..]);
            let point = text[at..].chars().next().ok_or(ill)?;
            let between = kinds.into_iter().find(|sign| *sign != point).ok_or(ill)?;
            if point == '\'' || whole.contains(point) {
                return Err(ill);
            }
            Ok(shortened(groups(whole, between).ok_or(ill)?, decimals))
        }
        _ => Err(ill),
    }
}

/// Signs that mean the same.
fn plain(letter: char) -> char {
    match letter {
        '０'..='９' => char::from_digit(u32::from(letter) - u32::from('０'), 10).unwrap_or(letter),
        '．' => '.',
        '，' => ',',
        '−' | '–' | '－' => '-',
        '’' | '\u{a0}' | '\u{2009}' | '\u{202f}' => '\'',
        letter => letter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_brings_no_secret_with_it() {
        let values = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Outputs>()
        };
        let known =
            values(&[("a", "x {{b}}"), ("b", "y"), ("pin", "{{secret:pin}}"), ("l", "{{sec"), ("r", "ret:pin}}")]);
        assert_eq!(fill("{{a}} and {{ b }} {{secret:pin}}", &known).unwrap(), "x {{b}} and y {{secret:pin}}");
        assert!(fill("{{pin}}", &known).is_err());
        assert!(fill("{{l}}{{r}}", &known).is_err());
        assert_eq!(fill("{{c}}", &known).unwrap_err(), "nothing is known of `c`");
    }

    #[test]
    fn a_number_in_a_value_is_put_in_as_a_number() {
        let known =
            Outputs::from([("sum".to_owned(), "¥ 1,299.50".to_owned()), ("city".to_owned(), "Oslo".to_owned())]);
        assert_eq!(fill("{{number:sum}} and {{ number: sum }}", &known).as_deref(), Ok("1299.5 and 1299.5"));
        assert_eq!(
            fill("{{number:city}}", &known).unwrap_err(),
            "`city` is to be a number here, and \"Oslo\" holds none"
        );
        assert_eq!(fill("{{number:none}}", &known).unwrap_err(), "nothing is known of `none`");
        for (text, expected) in [
            ("{{number:sum}}", true),
            ("{{sum}}", false),
            ("{{number:sum}} kg", false),
            ("{{number:a}}{{number:b}}", false),
        ] {
            assert_eq!(is_number(text), expected, "{text}");
        }
    }

    #[test]
    fn braces_that_name_nothing_can_be_written() {
        let none = Outputs::new();
        assert_eq!(fill("{{'{{'}}name}} and {{'{'}}", &none).as_deref(), Ok("{{name}} and {"));
        for text in ["{{name}}", "{{{{a}}}} {{{b}}}", "{{", "{ {", "'{{'", "{{secret:pin}}", "{{{secret:pin}}{{x}}"] {
            assert_eq!(fill(&escaped(text), &none).as_deref(), Ok(text), "{}", escaped(text));
        }
        // They make no name of a secret either.
        let known = Outputs::from([("x".to_owned(), "{secret:pin}}".to_owned())]);
        assert!(fill("{{'{{'}}secret:pin}}", &known).is_err());
        assert!(fill("{{'{'}}{{x}}", &known).is_err());
    }

    #[test]
    fn numbers_are_read_in_one_way_or_not_at_all() {
        for (text, expected) in [
            ("12", "12"),
            ("¥ 1,299.50 each", "1299.5"),
            ("€ 1.299,50", "1299.5"),
            ("1,5 km", "1.5"),
            ("1.5 km", "1.5"),
            ("-3.", "-3"),
            ("−7 °C", "-7"),
            ("-$5.00", "-5"),
            ("1.299.000", "1299000"),
            ("12,34,567", "1234567"),
            ("12,34,567.80", "1234567.8"),
            ("1'299.50 CHF", "1299.5"),
            ("1\u{202f}299,50 €", "1299.5"),
            ("0.125", "0.125"),
            ("0,125", "0.125"),
            ("1234.567", "1234.567"),
            ("１２９９．５", "1299.5"),
            ("007", "7"),
            ("-0", "0"),
            ("553元", "553"),
            ("about 40 minutes", "40"),
            ("(3)", "3"),
        ] {
            assert_eq!(number(text).as_deref(), Ok(expected), "{text}");
        }
        for text in [
            "",
            "none",
            "2 or 3",
            "1,299",
            "1.299",
            "€ 1.299",
            "12,999 km",
            "2026-11-27",
            "12:30",
            "1/2",
            "1e5",
            "10k",
            "1.5M",
            "3万",
            "3万元",
            "2 million",
            "2 Millionen",
            "3百",
            ".5 km",
            "$.99",
            "-.5",
            "1 299,50",
            "1,29,99",
            "1.2.3",
            "1,299.50.1",
            "5-7",
            "1,2,3",
            "٣ 4",
            "½",
            "10 % of 3",
            "0.299.000",
        ] {
            assert!(number(text).is_err(), "{text}: {:?}", number(text));
        }
    }
}
