//! Whether what a model does fits its goal, for models that only copy from it (`GoalChecks`).

use tapwright_contract::Spot;
use tapwright_contract::device::Label;
use tapwright_contract::gesture::Gesture;

use super::heading::headings;
use crate::policy::{contains_word, fold, fold_texts, near};
use crate::profile::GoalChecks;
use crate::secrets;

/// Why a gesture does not fit the goal, if it does not.
pub(super) fn strays(gesture: &Gesture, labels: &[Label], goal: &str, checks: &GoalChecks) -> Option<String> {
    let parts = parts(goal);
    if let Some(text) = gesture.text().filter(|_| checks.texts) {
        let has_secret = !secrets::names(text).is_empty();
        return (!has_secret && !quotes(&parts, text))
            .then(|| format!("the goal does not say {text:?}; type what it says, word for word"));
    }
    // What is dragged is let go somewhere; a list that is moved is not touched where the finger leaves it.
    let end = if let Gesture::Drag { to, .. } = gesture { Some(*to) } else { None };
    let at = gesture.spot()?;
    if checks.times
        && let Some(time) = another_time(at, labels, &parts)
    {
        return Some(format!("this row is about {time}, and the goal says another time"));
    }
    let touched: Vec<&str> = [Some(at), end].into_iter().flatten().flat_map(|at| near(labels, at)).collect();
    let touched = fold_texts(&touched);
    if !checks.named.iter().any(|word| contains_word(&touched, &fold(word))) {
        return None;
    }
    let headings = headings(labels, at.of.size);
    let is_named = |heading: &&str| parts.iter().any(|part| !part.is_quoted && names(&part.text, heading));
    match headings.first() {
        Some(first) if !headings.iter().any(is_named) => {
            Some(format!("this page is {first:?}, which the goal does not name"))
        }
        _ => None,
    }
}

/// Whether a text is what the goal has between quotes; or, without any, whether its words stand there.
fn quotes(parts: &[GoalPart], text: &str) -> bool {
    let wanted = plain(text);
    if parts.iter().any(|part| part.is_quoted) {
        return parts.iter().any(|part| part.is_quoted && plain(&part.text) == wanted);
    }
    parts.iter().any(|part| contains_word(&plain(&part.text), &wanted))
}

/// The time of the row with a switch that is touched, if the goal says times and this is none of them.
fn another_time<'a>(at: Spot, labels: &'a [Label], parts: &[GoalPart]) -> Option<&'a str> {
    let said = parts.iter().filter(|part| !part.is_quoted).flat_map(|part| part.text.split_whitespace());
    let said: Vec<(u32, u32)> = said.filter_map(time_of_day).collect();
    let row = || labels.iter().filter(|label| (label.area.top..label.area.bottom).contains(&at.y));
    if said.is_empty() || row().all(|label| label.is_on.is_none()) {
        return None;
    }
    let shown: Vec<&str> = row().map(|label| label.text.trim()).filter(|text| time_of_day(text).is_some()).collect();
    let is_said = |text: &&str| time_of_day(text).is_some_and(|time| said.contains(&time));
    if shown.iter().any(is_said) { None } else { shown.first().copied() }
}

/// `7:30`, as hours and minutes.
fn time_of_day(text: &str) -> Option<(u32, u32)> {
    let (hours, minutes) = text.trim_end_matches(|letter: char| letter.is_ascii_punctuation()).split_once(':')?;
    let fits = |text: &str| (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if fits(hours) && fits(minutes) { Some((hours.parse().ok()?, minutes.parse().ok()?)) } else { None }
}

/// Whether a text names somebody, and not somebody else whose longer name begins alike: `Anna` is not named by `Anna Lee`.
/// Where names are not written with capitals the two cannot be told apart, and it is.
fn names(text: &str, name: &str) -> bool {
    let name = fold(name);
    let count = name.split_whitespace().count();
    let words: Vec<&str> = text.split_whitespace().collect();
    let is_longer = |at: usize| {
        // The one word that is written with a capital wherever it stands.
        let is_i = |word: &str| word.split(['\'', '\u{2019}']).next() == Some("I");
        let goes_on = words.get(at + count).is_some_and(|next| next.starts_with(char::is_uppercase) && !is_i(next));
        goes_on && fold(&words[at..at + count].join(" ")) == name
    };
    let mut others = Vec::new();
    let mut at = 0;
    while at < words.len() {
        if is_longer(at) {
            at += count + 1;
        } else {
            others.push(words[at]);
            at += 1;
        }
    }
    contains_word(&fold(&others.join(" ")), &name)
}

fn plain(text: &str) -> String {
    fold(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What stands between two quotes, or outside of them.
#[derive(Debug, PartialEq, Eq)]
struct GoalPart {
    text: String,
    is_quoted: bool,
}

/// A goal, cut at its quotes. One that is not closed is none.
fn parts(goal: &str) -> Vec<GoalPart> {
    let mut parts = Vec::new();
    let mut rest = goal;
    while let Some((at, closing)) = opening(rest) {
        let inner = &rest[at + rest[at..].chars().next().map_or(0, char::len_utf8)..];
        let Some(end) = close(inner, closing) else { break };
        parts.push(GoalPart { text: rest[..at].to_owned(), is_quoted: false });
        parts.push(GoalPart { text: inner[..end].to_owned(), is_quoted: true });
        rest = &inner[end + closing.len_utf8()..];
    }
    parts.push(GoalPart { text: rest.to_owned(), is_quoted: false });
    parts
}

/// The first quote that opens, and the one that closes it. A single one opens only at the beginning of a word: `don't` has none.
fn opening(text: &str) -> Option<(usize, char)> {
    let mut before = None;
    text.char_indices().find_map(|(at, letter)| {
        let begins = before.replace(letter).is_none_or(|letter: char| !letter.is_alphanumeric());
        let closing = match letter {
            '"' => '"',
            '\'' if begins => '\'',
            '\u{201c}' | '\u{201e}' => '\u{201d}',
            '\u{2018}' if begins => '\u{2019}',
            '\u{ab}' => '\u{bb}',
            '\u{300c}' => '\u{300d}',
            _ => return None,
        };
        Some((at, closing))
    })
}

/// Where a quote closes; a single one does so only at the end of a word.
fn close(text: &str, closing: char) -> Option<usize> {
    text.match_indices(closing).map(|(at, _)| at).find(|at| {
        let after = text[at + closing.len_utf8()..].chars().next();
        !matches!(closing, '\'' | '\u{2019}') || after.is_none_or(|letter| !letter.is_alphanumeric())
    })
}

#[cfg(test)]
mod tests {
    use tapwright_contract::device::Area;
    use tapwright_contract::{ScreenId, Size};

    use super::*;

    const DISPLAY: Size = Size { width: 100, height: 240 };

    fn label(text: &str, top: u32, touchable: bool) -> Label {
        Label {
            area: Area { left: 0, top, right: 100, bottom: top + 10 },
            text: text.to_owned(),
            touchable,
            focused: false,
            secret: false,
            app: None,
            role: None,
            value: None,
            is_on: None,
        }
    }

    #[test]
    fn a_text_is_typed_only_as_the_goal_has_it() {
        let checks = GoalChecks { texts: true, ..GoalChecks::default() };
        let expect = |goal: &str, text: &str, fits: bool| {
            let gesture = Gesture::Type { text: text.to_owned() };
            assert_eq!(strays(&gesture, &[], goal, &checks).is_none(), fits, "{goal}: {text}");
        };
        for quotes in ["\"_\"", "\u{201c}_\u{201d}", "'_'", "\u{2018}_\u{2019}", "\u{ab}_\u{bb}", "\u{300c}_\u{300d}"] {
            let goal = format!("Send {} to Anna", quotes.replace('_', "I don't  know yet"));
            expect(&goal, "I don't know yet", true);
            expect(&goal, "i don't know yet", true);
            for wrong in ["I don't know", "I don't know yet yet", "Send", "Anna", ""] {
                expect(&goal, wrong, false);
            }
        }
        for (goal, text, fits) in [
            ("Tell Mom I love her", "I love her", true),
            ("Tell Mom I love her", "I love him", false),
            ("Text Anna that I'm late", "I'm late", true),
            ("Note \"a\", then send \"b c\" to Anna", "b c", true),
            ("Note \"a\", then send \"b c\" to Anna", "a b c", false),
            ("Note \"a", "a", true),
            ("Note x", "{{secret:pin}}", true),
        ] {
            expect(goal, text, fits);
        }
    }

    #[test]
    fn one_alarm_is_not_another() {
        let checks = GoalChecks { times: true, ..GoalChecks::default() };
        let switch = |top| Label { is_on: Some(false), ..label("", top, true) };
        let page = [
            label("7:30", 20, false),
            switch(20),
            label("13:31", 40, false),
            switch(40),
            // A row without a switch: when something was written.
            label("Anna", 60, true),
            label("11:00", 60, false),
        ];
        for (goal, y, fits) in [
            ("Turn the 07:30 alarm on", 25, true),
            ("Turn the 07:30 alarm on", 45, false),
            ("Turn the 7:31 alarm on", 25, false),
            ("Turn on the alarm at 13:31, then send \"7:30\" to Anna", 45, true),
            ("Turn on the alarm at 13:31, then send \"7:30\" to Anna", 25, false),
            ("Turn on the alarm at 13:31, then send \"7:30\" to Anna", 65, true),
            ("Turn on dark mode", 25, true),
        ] {
            let at = Spot { x: 50, y, of: ScreenId::from(DISPLAY) };
            let strayed = strays(&Gesture::Tap { at }, &page, goal, &checks);
            assert_eq!(strayed.is_none(), fits, "{goal}, at {y}: {strayed:?}");
        }
    }

    #[test]
    fn nothing_is_sent_on_a_page_of_somebody_else() {
        let checks = GoalChecks { named: vec!["send".to_owned(), "favourite*".to_owned()], ..GoalChecks::default() };
        let at = |y: u32| Spot { x: 50, y, of: ScreenId::from(DISPLAY) };
        let page = |heading: &str| {
            vec![
                label("Back", 0, true),
                label(heading, 20, false),
                label("Leo is here", 100, false),
                label("Send", 200, true),
                label("Add to favourites", 220, true),
            ]
        };
        for (goal, heading, y, fits) in [
            ("Send \"hi\" to Leo", "Leo", 205, true),
            ("send \"hi\" to leo", "Leo", 205, true),
            ("Send \"hi\" to Leo", "Lea", 205, false),
            ("Send \"Lea\" to Leo", "Lea", 205, false),
            ("Send \"hi\" to Anna", "Anna Lee", 205, false),
            ("Send \"hi\" to Anna Lee", "Anna", 205, false),
            ("Send \"hi\" to Anna Lee", "Anna Lee", 205, true),
            ("Send \"hi\" to Anna. Then star Leo", "Anna", 205, true),
            ("Text Anna Lee, then text Anna", "Anna", 205, true),
            ("send \"hi\" to anna lee", "Anna", 205, true),
            ("Tell Mom I love her", "Mom", 205, true),
            ("Text Anna I'm late", "Anna", 205, true),
            ("\"hi\" to", "Anna", 205, false),
            ("Star Leo", "Leonie", 225, false),
            ("Star Leo", "Leo", 225, true),
            // A row of a list.
            ("Send \"hi\" to Leo", "Messages", 105, true),
            // A page that says of nobody who it is about.
            ("Send \"hi\" to Leo", "12:30", 205, true),
        ] {
            let gesture = Gesture::Tap { at: at(y) };
            let strayed = strays(&gesture, &page(heading), goal, &checks);
            assert_eq!(strayed.is_none(), fits, "{goal}, on {heading} at {y}: {strayed:?}");
        }
        // A list that is moved ends under a finger that presses nothing there; what is dragged is let go.
        let over = std::time::Duration::from_millis(300);
        let moved = |gesture| strays(&gesture, &page("Lea"), "Send \"hi\" to Leo", &checks).is_some();
        assert!(!moved(Gesture::Swipe { from: at(105), to: at(205), over }));
        assert!(moved(Gesture::Swipe { from: at(205), to: at(105), over }));
        assert!(moved(Gesture::Drag { from: at(105), to: at(205), over }));
        assert_eq!(strays(&Gesture::Tap { at: at(205) }, &[], "Send \"hi\" to Leo", &checks), None, "nothing is told");
    }
}
