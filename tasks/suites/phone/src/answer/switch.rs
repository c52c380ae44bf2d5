//! Whether a message says that something is on or off, in English or Chinese: by the words for it, and what denies them; where there
//! are none, by a yes or a no to the question whether it is on.

/// Words that say it is on, or off, with blanks around.
const ON: [&str; 7] = ["on", "enabled", "active", "activated", "running", "lit", "armed"];
const OFF: [&str; 6] = ["off", "disabled", "inactive", "deactivated", "unset", "disarmed"];
/// What turns the next of them round.
const DENIED: [&str; 14] = [
    "not", "isn't", "isnt", "ain't", "aren't", "wasn't", "never", "no", "without", "neither", "nor", "cannot",
    "hasn't", "doesn't",
];
const YES: [&str; 6] = ["yes", "yeah", "yep", "correct", "true", "right"];
const NO: [&str; 6] = ["no", "nope", "negative", "incorrect", "false", "wrong"];
/// After these `on` is where something is, and not how.
const PLACES: [&str; 22] = [
    "the",
    "this",
    "that",
    "your",
    "my",
    "his",
    "her",
    "its",
    "our",
    "their",
    "a",
    "an",
    "it",
    "top",
    "screen",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// On, off, or neither, where a message says nothing of it or both.
pub fn state(message: &str) -> Option<bool> {
    let clauses: Vec<&str> = message
        .split_inclusive([',', '.', ';', '!', '?', ':', '\n', '(', ')'])
        .flat_map(|clause| clause.split(" but "))
        // What is asked says nothing.
        .filter(|clause| !clause.trim_end().ends_with('?'))
        .collect();
    let said = |read: fn(&str) -> Option<bool>| {
        let mut all = clauses.iter().filter_map(|clause| read(clause));
        all.next().map(|first| all.all(|next| next == first).then_some(first))
    };
    // In whole words it is said better than by yes or no: `Yes, it is off`.
    said(in_words).or_else(|| said(in_short)).flatten()
}

fn in_words(clause: &str) -> Option<bool> {
    english(clause).or_else(|| chinese(clause))
}

fn words(clause: &str) -> Vec<&str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '\'';
    clause.split(|c| !is_part(c)).map(|word| word.trim_matches('\'')).filter(|word| !word.is_empty()).collect()
}

fn english(clause: &str) -> Option<bool> {
    let words = words(clause);
    // `I checked whether it is on` does not say so; what it found comes after.
    let from = words.iter().rposition(|word| matches!(*word, "whether" | "if")).map_or(0, |at| words.len().min(at + 1));
    if 0 < from {
        return None;
    }
    let mut is_denied = false;
    let mut found: Option<bool> = None;
    for (at, word) in words.iter().enumerate() {
        let next = words.get(at + 1).copied().unwrap_or_default();
        // `Nothing is on` and `no longer on` deny; `no, …` ends its clause.
        // `No it is off` answers, and denies nothing of what comes.
        let answers =
            at == 0 && *word == "no" && matches!(next, "it" | "it's" | "its" | "they" | "they're" | "the" | "this");
        is_denied |= !answers && DENIED.contains(word) || *word == "nothing" || word.ends_with("n't");
        let said = match *word {
            "on" if PLACES.contains(&next) => None,
            word if ON.contains(&word) => Some(true),
            word if OFF.contains(&word) => Some(false),
            _ => None,
        };
        if let Some(said) = said.map(|said| said != is_denied) {
            // Both: `on or off`.
            if found.is_some_and(|found| found != said) {
                return None;
            }
            found = Some(said);
        }
    }
    found
}

fn chinese(clause: &str) -> Option<bool> {
    // A switch is called by both signs, and a question has them twice.
    let mut text = clause.to_owned();
    for neutral in ["开关", "有没有", "是不是", "是否", "开没开", "关没关", "开还是关", "开着还是关着", "还没"]
    {
        text = text.replace(neutral, if neutral == "还没" { "没" } else { " " });
    }
    let letters: Vec<char> = text.chars().collect();
    let mut found: Option<bool> = None;
    for (at, letter) in letters.iter().enumerate() {
        let is_on = match letter {
            '开' | '启' => true,
            '关' | '闭' => false,
            _ => continue,
        };
        // Up to a few signs before it: `没有打开`, `未开启`, `不是开着的`, `没有被打开`.
        let before = &letters[at.saturating_sub(5)..at];
        let since = before.iter().rposition(|c| matches!(c, ' ' | '开' | '启' | '关' | '闭')).map_or(0, |at| at + 1);
        let is_same_word = since > 0 && since == before.len() && matches!(before.last(), Some('开' | '关'));
        let is_denied = before[since..].iter().any(|c| matches!(c, '没' | '未' | '不'));
        let said = is_on != is_denied;
        match found {
            // `开启`, `关闭`: the second sign says what the first one did.
            Some(_) if is_same_word => {}
            Some(found) if found != said => return None,
            _ => found = Some(said),
        }
    }
    found
}

fn in_short(clause: &str) -> Option<bool> {
    let words = words(clause);
    let first = words.first().copied().unwrap_or_default();
    let says = |list: &[&str]| list.contains(&first) || words.len() == 1 && list.contains(&words[0]);
    let text = clause.trim().trim_end_matches([',', '.', '!', ':', ';', ' ']);
    match text {
        "是" | "是的" | "对" | "有" | "对的" | "嗯" => return Some(true),
        "不" | "没" | "没有" | "不是" | "否" | "没有的" | "不是的" => return Some(false),
        _ => {}
    }
    match (says(&YES), says(&NO)) {
        (true, false) => Some(true),
        (false, true) => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_on_is_told_from_what_is_not() {
        for (message, expected) in [
            ("on", Some(true)),
            ("off", Some(false)),
            ("yes", Some(true)),
            ("no", Some(false)),
            ("wi-fi is on", Some(true)),
            ("wi-fi is off.", Some(false)),
            ("yes, it is on.", Some(true)),
            ("no, it is not on.", Some(false)),
            ("no, it isn't on", Some(false)),
            ("no, it's off", Some(false)),
            ("no it's off", Some(false)),
            ("no it is not on", Some(false)),
            ("no alarm is on", Some(false)),
            ("no, it is not.", Some(false)),
            ("yes, it is.", Some(true)),
            ("yes. the switch is on.", Some(true)),
            ("it is not off", Some(true)),
            ("it is no longer on", Some(false)),
            ("it is not turned on", Some(false)),
            ("bluetooth is currently disabled", Some(false)),
            ("the 07:30 alarm is enabled", Some(true)),
            ("is it on? no.", Some(false)),
            ("is wi-fi on? yes, it is on", Some(true)),
            ("i checked whether it is on: it is off", Some(false)),
            ("it is off on this phone", Some(false)),
            ("no, the alarm on monday is off", Some(false)),
            ("the alarm at 7:30 won't ring, it is off", Some(false)),
            ("yes, it is off", Some(false)),
            ("dark theme is not enabled", Some(false)),
            ("it never was on", Some(false)),
            ("开", Some(true)),
            ("已打开", Some(true)),
            ("是的,开着", Some(true)),
            ("无线网络已开启", Some(true)),
            ("关", Some(false)),
            ("已关闭", Some(false)),
            ("没开", Some(false)),
            ("没有打开", Some(false)),
            ("没有,它没有开启.", Some(false)),
            ("闹钟是关着的", Some(false)),
            ("闹钟没有关", Some(true)),
            ("未开启", Some(false)),
            ("不是开着的", Some(false)),
            ("还没打开", Some(false)),
            ("开关是开着的", Some(true)),
            ("是的", Some(true)),
            ("没有", Some(false)),
            ("不是.", Some(false)),
            ("", None),
            ("i found it", None),
            ("all done", None),
            ("it is on or off", None),
            ("wi-fi is on, bluetooth is off", None),
            ("whether it is on", None),
            ("it is on the screen", None),
            ("i do not know", None),
        ] {
            assert_eq!(state(message), expected, "{message}");
        }
    }
}
