//! Whether two screens are one page about two things: the page on which one place is saved, and that on which another is.
//!
//! It is told by what is written there, and only what is certain counts: all is where it was, and one thing alone says something else, which
//! is neither a field nor reacts to a touch. Where a message was sent there is one more line, and on the way to a second payment the
//! same names stand there again. A number that is another one is no other thing: there is one place more in the list.

use tapwright_contract::device::Label;

/// Whether both are the same page, and certainly about something else.
pub(crate) fn is_about_another(before: &[Label], now: &[Label]) -> bool {
    if before.len() != now.len() {
        return false;
    }
    let mut others = 0;
    for (one, other) in before.iter().zip(now) {
        let is_same_widget = one.role == other.role
            && one.app == other.app
            && one.touchable == other.touchable
            && (one.area.left, one.area.top, one.area.bottom) == (other.area.left, other.area.top, other.area.bottom);
        if !is_same_widget || one.secret || other.secret {
            return false;
        }
        if one.value.is_some() || other.value.is_some() || one.focused || other.focused {
            // The same words are typed once more, and may be meant as the same.
            if words(one) == words(other) && !words(one).is_empty() {
                return false;
            }
        } else if says(one) != says(other) {
            if one.touchable || says(one).is_empty() || says(other).is_empty() {
                return false;
            }
            others += 1;
        }
    }
    others == 1
}

fn words(label: &Label) -> &str {
    label.value.as_deref().unwrap_or(&label.text).trim()
}

/// What it says, without numbers and blanks.
fn says(label: &Label) -> String {
    label.text.chars().filter(|letter| letter.is_alphabetic()).collect()
}

#[cfg(test)]
mod tests {
    use tapwright_contract::device::Area;

    use super::*;

    /// A line each: the kind and what it says. A field holds what stands behind its colon.
    fn page(lines: &str) -> Vec<Label> {
        let label = |(row, line): (usize, &str)| {
            let (kind, text) = line.trim().split_once(' ').unwrap();
            let top = row as u32 * 10;
            let (text, value) = match text.split_once(':') {
                Some((name, value)) if kind == "field" => (format!("{value}\n{name}"), Some(value.to_owned())),
                _ => (text.to_owned(), None),
            };
            Label {
                area: Area { left: 0, top, right: text.len() as u32, bottom: top + 10 },
                text,
                touchable: kind != "text",
                focused: false,
                secret: kind == "pin",
                app: None,
                role: Some(kind.to_owned()),
                value,
                is_on: None,
            }
        };
        lines.trim().lines().enumerate().map(label).collect()
    }

    #[test]
    fn another_thing_is_told_only_where_all_else_is_as_it_was() {
        let palace =
            "text Save to a list\nbutton Save\ntext Palace Museum\nfield Note:50\ntext Changchun\ntext 2 places";
        let with = |from: &str, to: &str| palace.replace(from, to);
        for (now, expected, why) in [
            (palace.to_owned(), false, "all is as it was"),
            (with("Palace Museum", "Deep Lake").replace(":50", ":"), true, "another place"),
            (with("Palace Museum", "净月潭").replace(":50", ":30"), true, "another place in another script"),
            (
                with("Palace Museum", "Deep Lake").replace("2 p", "3 p").replace(":50", ":30"),
                true,
                "and one more is saved",
            ),
            (with("Palace Museum", "Deep Lake"), false, "the same words are typed"),
            (with("2 places", "3 places").replace(":50", ":"), false, "the same place once more"),
            (with("Palace Museum", "Palace Museum 2").replace(":50", ":"), false, "a number is no other thing"),
            (with("button Save", "button Sent").replace(":50", ":"), false, "what is touched says something else"),
            (with("Palace Museum", "Deep Lake").replace("Changchun", "Jilin").replace(":50", ":"), false, "two things"),
            (with("text Palace", "link Palace").replace(":50", ":"), false, "another widget"),
            (
                with("text Palace Museum\n", "text Palace Museum\ntext Sent\n").replace(":50", ":"),
                false,
                "one line more",
            ),
            (with("text Palace Museum", "text 12:30").replace(":50", ":"), false, "it says no word"),
        ] {
            assert_eq!(is_about_another(&page(palace), &page(&now)), expected, "{why}: {now}");
            assert_eq!(is_about_another(&page(&now), &page(palace)), expected, "the other way round: {why}");
        }
        let pin = "text Pay Anna\npin ••••";
        assert!(!is_about_another(&page(pin), &page(&pin.replace("Anna", "Ben"))), "what is hidden is not known");
    }
}
