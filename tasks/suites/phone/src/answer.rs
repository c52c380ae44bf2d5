//! Whether a message says what it has to say, however a number, a price, a time or a name is written.

mod switch;

/// What a message has to say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnswerCheck {
    pub contains: Vec<String>,
    pub any_of: Vec<String>,
    pub without: Vec<String>,
    /// Whether it has to say that something is on, or off.
    pub on: Option<bool>,
}

impl AnswerCheck {
    /// What speaks against a message; `None` if it says all that it should.
    pub fn differs(&self, message: &str) -> Option<String> {
        if let Some(missing) = self.contains.iter().find(|wanted| !says(message, wanted)) {
            return Some(format!("the answer should say `{missing}`, and is `{message}`"));
        }
        if !self.any_of.is_empty() && !self.any_of.iter().any(|wanted| says(message, wanted)) {
            return Some(format!("the answer should say `{}`, and is `{message}`", self.any_of.join("` or `")));
        }
        let word = |on| if on { "on" } else { "off" };
        if let Some(wanted) = self.on
            && switch::state(&halfwidth(message).to_lowercase()) != Some(wanted)
        {
            return Some(format!("the answer should say that it is {}, and is `{message}`", word(wanted)));
        }
        let wrong = self.without.iter().find(|unwanted| says(message, unwanted))?;
        Some(format!("the answer should not say `{wrong}`, and is `{message}`"))
    }
}

/// Digits from which on a number is one of those that people write in groups, with any signs between them.
const NUMBER_IN_GROUPS: usize = 7;

/// Whether a message says something: a number by its value, a time however it is written, words as whole words.
pub fn says(message: &str, wanted: &str) -> bool {
    let (message, wanted) = (halfwidth(message).to_lowercase(), halfwidth(wanted).to_lowercase());
    let digits: String = wanted.chars().filter(char::is_ascii_digit).collect();
    let is_number = wanted.chars().all(|c| c.is_ascii_digit() || " -+().".contains(c));
    if is_number && digits.len() >= NUMBER_IN_GROUPS {
        return has_grouped(&message, &digits);
    }
    if let Some(minute) = minute_of_day(&wanted) {
        return times(&message).contains(&minute);
    }
    if let Ok(value) = wanted.parse::<f64>() {
        return numbers(&message).iter().any(|number| (number - value).abs() < 1e-9);
    }
    has_whole(&plain(&message), &plain(&wanted))
}

/// Whether some groups of digits, with signs between them but nothing else, make up a number.
fn has_grouped(message: &str, digits: &str) -> bool {
    let is_digit = |c: char| c.is_ascii_digit();
    message.split(|c: char| !is_digit(c) && !" -+().".contains(c)).any(|run| {
        let groups: Vec<&str> = run.split(|c| !is_digit(c)).filter(|group| !group.is_empty()).collect();
        (0..groups.len()).any(|from| (from..groups.len()).any(|to| groups[from..=to].concat() == digits))
    })
}

/// A text without what people write now so and now so: capitals, wide letters, kinds of quotes, marks at its end, double spaces.
pub fn plain(text: &str) -> String {
    let text = halfwidth(text).to_lowercase();
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").trim_matches(|c: char| "\"'.!?,;: ".contains(c)).to_owned()
}

/// Wide letters and signs of Chinese texts as narrow ones, and curly quotes as straight ones.
fn halfwidth(text: &str) -> String {
    let narrow = |c: char| match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(c as u32 - 0xFEE0).unwrap_or(c),
        '\u{3000}' | '\u{A0}' | '\u{202F}' => ' ',
        '。' => '.',
        '、' => ',',
        '“' | '”' | '「' | '」' | '«' | '»' => '"',
        '‘' | '’' => '\'',
        '\u{2010}'..='\u{2014}' => '-',
        c => c,
    };
    text.chars().map(narrow).collect()
}

/// Whether the needle stands there and is not a part of a longer Latin word or number.
fn has_whole(hay: &str, needle: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric();
    let (first, last) = (needle.chars().next(), needle.chars().last());
    hay.match_indices(needle).any(|(at, _)| {
        let before = hay[..at].chars().next_back();
        let after = hay[at + needle.len()..].chars().next();
        let joined = |one: Option<char>, other: Option<char>| one.is_some_and(is_word) && other.is_some_and(is_word);
        !needle.is_empty() && !joined(before, first) && !joined(last, after)
    })
}

const WORDS: [(&str, u32); 26] = [
    ("zero", 0),
    ("no", 0),
    ("none", 0),
    ("one", 1),
    ("two", 2),
    ("three", 3),
    ("four", 4),
    ("five", 5),
    ("six", 6),
    ("seven", 7),
    ("eight", 8),
    ("nine", 9),
    ("ten", 10),
    ("eleven", 11),
    ("twelve", 12),
    ("没有", 0),
    ("一", 1),
    ("两", 2),
    ("三", 3),
    ("四", 4),
    ("五", 5),
    ("六", 6),
    ("七", 7),
    ("八", 8),
    ("九", 9),
    ("十", 10),
];

/// Signs of Chinese numbers: of `十三` neither is a number by itself.
const HAN_DIGITS: &str = "零〇一二两三四五六七八九十百千万";

/// Whether a Chinese numeral stands there that is no part of a longer one; whatever else stands there counts.
fn has_alone(text: &str, word: &str) -> bool {
    let is_digit = |c: Option<char>| c.is_some_and(|c| HAN_DIGITS.contains(c) || c.is_ascii_digit());
    !HAN_DIGITS.contains(word)
        || text.match_indices(word).any(|(at, _)| {
            let (before, after) = (text[..at].chars().next_back(), text[at + word.len()..].chars().next());
            !is_digit(before) && !is_digit(after)
        })
}

/// All numbers that a text says, with commas between thousands and a point before what is less than one.
fn numbers(text: &str) -> Vec<f64> {
    let mut found = Vec::new();
    let mut letters = text.char_indices().peekable();
    while let Some((from, first)) = letters.next() {
        if !first.is_ascii_digit() {
            continue;
        }
        let mut to = from + 1;
        while let Some((at, c)) = letters.peek().copied() {
            let next_is_digit = text[at + c.len_utf8()..].starts_with(|c: char| c.is_ascii_digit());
            if !(c.is_ascii_digit() || (c == ',' || c == '.') && next_is_digit) {
                break;
            }
            to = at + 1;
            letters.next();
        }
        let sign = if text[..from].ends_with('-') && !text[..from].trim_end_matches('-').ends_with(char::is_numeric) {
            -1.0
        } else {
            1.0
        };
        found.extend(text[from..to].replace(',', "").parse::<f64>().map(|number| sign * number));
    }
    for (word, value) in WORDS {
        if has_whole(text, word) && has_alone(text, word) {
            found.push(value.into());
        }
    }
    found
}

/// Minutes after midnight of `07:30`.
fn minute_of_day(text: &str) -> Option<u32> {
    let (hour, minute) = text.split_once(':')?;
    if hour.len() > 2 || minute.len() != 2 {
        return None;
    }
    let (hour, minute) = (hour.parse::<u32>().ok()?, minute.parse::<u32>().ok()?);
    (hour < 24 && minute < 60).then_some(60 * hour + minute)
}

/// All times of day that a text says: `7:30`, `19:30`, `7.30 pm`, `7 pm`, `7点半`, `晚上7点`, `7点30分`. One without a half of the day is
/// what it says, from 0 to 24.
fn times(text: &str) -> Vec<u32> {
    let mut found = Vec::new();
    let letters: Vec<char> = text.chars().collect();
    let mut at = 0;
    while at < letters.len() {
        let from = at;
        let Some((hour, after)) = small_number(&letters, at) else {
            at += 1;
            continue;
        };
        at = after;
        let rest: String = letters[at..].iter().take(12).collect();
        let (minute, tail) = minute_after(&rest);
        let Some(minute) = minute.or_else(|| {
            let tail = tail.trim_start();
            (tail.starts_with("am") || tail.starts_with("pm") || tail.starts_with("a.m") || tail.starts_with("p.m"))
                .then_some(0)
        }) else {
            continue;
        };
        let tail = tail.trim_start();
        let before: String = letters[from.saturating_sub(3)..from].iter().collect();
        let is_late = tail.starts_with("pm")
            || tail.starts_with("p.m")
            || ["下午", "晚上", "傍晚"].iter().any(|word| before.trim_end().ends_with(word));
        let is_early = tail.starts_with("am") || tail.starts_with("a.m");
        let hour = match hour {
            12 if is_early => 0,
            1..=11 if is_late => hour + 12,
            hour => hour,
        };
        if hour < 24 && minute < 60 {
            found.push(60 * hour + minute);
        }
    }
    found
}

/// A number of one or two digits that is not a part of a longer one, and where it ends.
fn small_number(letters: &[char], at: usize) -> Option<(u32, usize)> {
    if at > 0 && (letters[at - 1].is_ascii_digit() || letters[at - 1] == ':') {
        return None;
    }
    let count = letters[at..].iter().take_while(|c| c.is_ascii_digit()).count();
    if !(1..=2).contains(&count) {
        return None;
    }
    let text: String = letters[at..at + count].iter().collect();
    Some((text.parse().ok()?, at + count))
}

/// The minutes that stand behind an hour, and what comes after them.
fn minute_after(rest: &str) -> (Option<u32>, &str) {
    let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).count();
    if let Some(tail) = rest.strip_prefix([':', '.'])
        && digits(tail) == 2
    {
        return (tail[..2].parse().ok(), &tail[2..]);
    }
    let Some(tail) = rest.strip_prefix(['点', '时']) else { return (None, rest) };
    if let Some(tail) = tail.strip_prefix('半') {
        return (Some(30), tail);
    }
    let count = digits(tail);
    if (1..=2).contains(&count) { (tail[..count].parse().ok(), &tail[count..]) } else { (Some(0), tail) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_says_what_it_says_however_it_is_written() {
        for (message, wanted) in [
            ("Anna's number is 0151-234-5678.", "0151 234 5678"),
            ("号码是０１５１ ２３４ ５６７８", "0151 234 5678"),
            ("You have three alarms.", "3"),
            ("有三个闹钟", "3"),
            ("There are 3 of them", "3"),
            ("It costs ¥1,250.00", "1250"),
            ("共1250元", "1250"),
            ("No alarms are on", "0"),
            ("The result is -12", "-12"),
            ("at 7:30 am", "07:30"),
            ("at 7.30 pm", "19:30"),
            ("at 7 pm", "19:00"),
            ("晚上7点半", "19:30"),
            ("闹钟是7点", "07:00"),
            ("It is “Buy milk”.", "buy milk"),
            ("Yes, it is on.", "yes"),
            ("最后一条是“明天见”", "明天见"),
        ] {
            assert!(says(message, wanted), "{message:?} says {wanted:?}");
        }
    }

    #[test]
    fn a_message_does_not_say_what_is_only_a_part_of_something_else() {
        for (message, wanted) in [
            ("There are 13 of them", "3"),
            ("一共有十三个", "3"),
            ("有二十个", "10"),
            ("有一百个", "1"),
            ("It is 3.5", "3"),
            ("It costs 12,500", "1250"),
            ("0151 234 56789", "0151 234 5678"),
            ("at 17:30", "07:30"),
            ("at 7:30 pm", "07:30"),
            ("at 7:30", "19:30"),
            ("It is Annabel", "Anna"),
            ("I do not know", "no"),
            ("on the phone", "one"),
            ("", "yes"),
        ] {
            assert!(!says(message, wanted), "{message:?} does not say {wanted:?}");
        }
    }

    #[test]
    fn what_is_wanted_and_what_is_not_are_both_looked_for() {
        let check = AnswerCheck {
            contains: vec!["2".to_owned()],
            any_of: vec!["on".to_owned(), "开".to_owned()],
            without: vec!["off".to_owned()],
            on: None,
        };
        assert_eq!(check.differs("2 are on"), None);
        assert!(check.differs("they are on").unwrap().contains("should say `2`"));
        assert!(check.differs("there are 2").unwrap().contains("`on` or `开`"));
        assert!(check.differs("2 are on and 3 off").unwrap().contains("should not say `off`"));
        let is_on = AnswerCheck { on: Some(true), ..AnswerCheck::default() };
        assert_eq!((is_on.differs("Yes, Ｗｉ-Ｆｉ is ON."), is_on.differs("已打开")), (None, None));
        assert_eq!(is_on.differs("Ｉｔ ｉｓ ＯＮ"), None);
        for other in ["No, it is not on.", "Ｉｔ ｉｓ ＯＦＦ", "Off", "没开", "Wi-Fi is done", ""] {
            assert!(is_on.differs(other).is_some_and(|why| why.contains("should say that it is on")), "{other}");
        }
    }
}
