//! What has changed on the device, in words: of each fact what is new, and what is gone.

use console::{measure_text_width, style};
use tapwright_tasks::judge::{Change, changes_but_front};

use crate::output;

/// Facts that changed, at most; a phone that was used for hours has many.
const CHANGES_MAX: usize = 20;
/// Lines of one value, at most.
const VALUE_LINES_MAX: usize = 6;

/// Facts under each other, each with what is another thing now; the app in front is left out.
pub fn changes_in_words(changed: &[Change], device: &str, room: usize) -> Vec<String> {
    let told = changes_but_front(changed);
    if told.is_empty() {
        return vec![format!("nothing but the app in front, says the {device}")];
    }
    let widest = told.iter().map(|change| measure_text_width(&change.fact)).max().unwrap_or(0).min(32);
    let mut lines = Vec::new();
    for Change { fact, was, is } in told.iter().take(CHANGES_MAX) {
        let name = console::pad_str(&output::fit(fact, 32), widest, console::Alignment::Left, None).into_owned();
        for (n, line) in difference(was.as_deref(), is.as_deref(), room.saturating_sub(widest + 2)).iter().enumerate() {
            let name = if n == 0 { name.clone() } else { " ".repeat(widest) };
            lines.push(format!("{name}  {line}"));
        }
    }
    if told.len() > CHANGES_MAX {
        lines.push(format!("and {} more: verdict.json in the record", told.len() - CHANGES_MAX));
    }
    lines
}

/// What is new, and what is gone: of a list its items, of other values both.
fn difference(was: Option<&str>, is: Option<&str>, room: usize) -> Vec<String> {
    let items = |value: Option<&str>| -> Vec<String> {
        value.unwrap_or_default().split("; ").filter(|item| !item.is_empty()).map(str::to_owned).collect()
    };
    let (before, after) = (items(was), items(is));
    let marked = |mark: &str, item: &str| -> Vec<String> {
        let lines = output::wrap(item, room.saturating_sub(2)).into_iter().take(VALUE_LINES_MAX);
        lines.enumerate().map(|(n, line)| format!("{} {line}", if n == 0 { mark } else { " " })).collect()
    };
    if before.len() > 1 || after.len() > 1 {
        let gone = before.iter().filter(|item| !after.contains(item)).flat_map(|item| marked("−", item));
        let new = after.iter().filter(|item| !before.contains(item)).flat_map(|item| marked("+", item));
        let lines: Vec<String> = gone.chain(new).collect();
        return if lines.is_empty() { vec!["in another order".to_owned()] } else { lines };
    }
    let plain = |value: Option<&str>| value.map_or_else(|| "–".to_owned(), output::flat);
    let (was, is) = (plain(was), plain(is));
    if measure_text_width(&was) + measure_text_width(&is) + 3 <= room {
        return vec![format!("{} {} {is}", style(&was).dim(), style("→").dim())];
    }
    [marked("−", &was), marked("+", &is)].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_what_is_new_and_what_is_gone() {
        let plain = |was: Option<&str>, is: Option<&str>, room: usize| {
            let lines: Vec<String> = difference(was, is, room);
            lines.iter().map(|line| console::strip_ansi_codes(line).into_owned()).collect::<Vec<_>>()
        };
        assert_eq!(plain(Some("false"), Some("true"), 40), ["false → true"]);
        assert_eq!(plain(None, Some("x"), 40), ["– → x"]);
        assert_eq!(
            plain(Some("11:00 Parents evening"), Some("11:00 Parents evening; 12:00 Lunch with everybody"), 30),
            ["+ 12:00 Lunch with everybody"]
        );
        assert_eq!(plain(Some("a; b"), Some("b; c"), 30), ["− a", "+ c"]);
        assert_eq!(plain(Some("a; b"), Some("b; a"), 30), ["in another order"]);
        assert_eq!(
            plain(Some("me: on my way"), Some("Anna: see you at nine"), 24),
            ["− me: on my way", "+ Anna: see you at nine"]
        );
    }
}
