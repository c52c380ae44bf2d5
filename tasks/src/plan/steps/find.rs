//! Which widget is meant by what is written on it: one, none or several. A place alone means nothing.

use tapwright_contract::Size;
use tapwright_contract::device::{Area, Label};

use super::Target;

/// As many widgets are named in an error.
const NAMED_MAX: usize = 5;
/// How far below its caption a field may lie, in parts of the display's height.
const BELOW: u32 = 10;

/// The roles that people write, and what platforms call them.
const ROLES: &[(&str, &[&str])] = &[
    // Before fields, which it is too: what is written down of a role is the first that fits.
    ("combobox", &["combobox", "spinner"]),
    ("button", &["button", "imagebutton", "pushbutton", "togglebutton"]),
    (
        "field",
        &["edittext", "autocompletetextview", "textfield", "passwordfield", "spinbutton", "searchfield", "combobox"],
    ),
    ("switch", &["switch", "switchcompat", "togglebutton"]),
    ("checkbox", &["checkbox", "checkmenuitem", "checkedtextview"]),
    ("radio", &["radiobutton", "radiomenuitem"]),
    ("slider", &["slider", "seekbar"]),
    ("link", &["link", "a"]),
    ("menuitem", &["menuitem", "checkmenuitem", "radiomenuitem"]),
    ("tab", &["pagetab", "tab", "tabview"]),
    ("text", &["textview", "label", "paragraph", "heading"]),
    ("image", &["image", "imageview", "img", "icon"]),
    ("row", &["linearlayout", "listitem", "tablerow", "viewgroup", "relativelayout"]),
];

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found<'a> {
    One(&'a Label),
    None,
    /// More than one; these, in words.
    Several(Vec<String>),
}

/// The widget that is meant.
pub fn find<'a>(target: &Target, labels: &'a [Label], display: Size) -> Found<'a> {
    let seen = visible(labels, display);
    let named = labels_saying(&target.text, &seen);
    let candidates = match &target.role {
        None => without_captions(named, display),
        Some(role) => of_role(role, &named, &seen),
    };
    one(beside(target, candidates, &seen))
}

/// The field that is meant: by its own words, or by a caption to the left of it or above it.
pub fn find_field<'a>(target: &Target, labels: &'a [Label], display: Size) -> Found<'a> {
    let seen = visible(labels, display);
    let named = labels_saying(&target.text, &seen);
    let own: Vec<&Label> = named.iter().copied().filter(|label| is_field(label)).collect();
    if !own.is_empty() {
        return one(beside(target, own, &seen));
    }
    let inside: Vec<&Label> =
        seen.iter().copied().filter(|field| is_field(field) && named.iter().any(|label| holds(field, label))).collect();
    if !inside.is_empty() {
        return one(beside(target, inside, &seen));
    }
    let captions = beside(target, named, &seen);
    let of_captions = captions.iter().filter_map(|caption| field_of(caption, &seen, display)).collect();
    one(of_captions)
}

/// Whether text can be typed into it, as far as its kind tells.
pub fn is_field(label: &Label) -> bool {
    label.secret || label.role.as_deref().is_some_and(|role| is_role("field", role))
}

/// What stands at a caption: what a field holds, or the words to the right of it or below it.
pub fn value_at<'a>(target: &Target, labels: &'a [Label], display: Size) -> Option<&'a Label> {
    if let Found::One(field) = find_field(target, labels, display) {
        return Some(field);
    }
    let Found::One(caption) = find(target, labels, display) else { return None };
    let seen = visible(labels, display);
    let others = || {
        seen.iter()
            .copied()
            .filter(|label| *label != caption && !label.text.trim().is_empty() && !holds(label, caption))
    };
    let right =
        others().filter(|label| in_a_row(&label.area, &caption.area) && caption.area.right <= label.area.left + 2);
    let right = right.min_by_key(|label| label.area.left);
    let below = || others().filter(|label| is_below(&label.area, &caption.area)).min_by_key(|label| label.area.top);
    right.or_else(below)
}

/// What stands on a widget: of a field what it holds, whole, and not what it is called.
pub fn content(label: &Label) -> &str {
    label.value.as_deref().unwrap_or(&label.text)
}

/// Labels whose middle is on the display: what lies outside cannot be touched.
pub fn visible(labels: &[Label], display: Size) -> Vec<&Label> {
    let on = |label: &&Label| {
        let (x, y) = middle(&label.area);
        label.area.pixels() > 0 && x < display.width && y < display.height
    };
    labels.iter().filter(on).collect()
}

/// Those that say this: a line of theirs, whole. Capital letters, and the colon of a caption, count only if something is written exactly so.
fn labels_saying<'a>(text: &str, seen: &[&'a Label]) -> Vec<&'a Label> {
    let text = plain(text);
    let says = |label: &&&Label, folds: bool| {
        let folded = |text: &str| text.trim_end_matches([':', '：', ' ']).to_lowercase();
        let same = |said: String| said == text || folds && folded(&said) == folded(&text);
        same(plain(&label.text)) || label.text.lines().any(|line| same(plain(line)))
    };
    let exactly: Vec<&Label> = seen.iter().filter(|label| says(label, false)).copied().collect();
    if !exactly.is_empty() || text.is_empty() {
        return if text.is_empty() { Vec::new() } else { exactly };
    }
    seen.iter().filter(|label| says(label, true)).copied().collect()
}

/// Widgets of a role that say it, or that hold what says it; and switches and boxes that stand in its row, which seldom say anything
/// themselves. A button of the row is another thing.
fn of_role<'a>(role: &str, named: &[&'a Label], seen: &[&'a Label]) -> Vec<&'a Label> {
    let fits = |label: &&Label| label.role.as_deref().is_some_and(|found| is_role(role, found));
    let own: Vec<&Label> = named.iter().copied().filter(fits).collect();
    if !own.is_empty() {
        return own;
    }
    let around: Vec<&Label> =
        seen.iter().copied().filter(fits).filter(|label| named.iter().any(|inner| holds(label, inner))).collect();
    if !around.is_empty() {
        return around;
    }
    if !["switch", "checkbox", "radio"].contains(&role.to_lowercase().as_str()) {
        return Vec::new();
    }
    let in_row = |label: &&Label| named.iter().any(|named| in_a_row(&label.area, &named.area));
    seen.iter().copied().filter(fits).filter(in_row).collect()
}

/// Without captions of what is called the same itself: the two are one thing, and the one that does something is meant.
fn without_captions(named: Vec<&Label>, display: Size) -> Vec<&Label> {
    let is_named = |caption: &Label, control: &Label| {
        takes_value(control) && (in_a_row(&control.area, &caption.area) || is_near_below(control, caption, display))
    };
    let is_caption =
        |label: &Label| !takes_value(label) && label.role.as_deref().is_some_and(|role| is_role("text", role));
    let counts = |label: &&Label| !is_caption(label) || !named.iter().any(|control| is_named(label, control));
    named.iter().copied().filter(counts).collect()
}

fn beside<'a>(target: &Target, candidates: Vec<&'a Label>, seen: &[&'a Label]) -> Vec<&'a Label> {
    let Some(text) = &target.beside else { return candidates };
    let marks = labels_saying(text, seen);
    candidates.into_iter().filter(|label| marks.iter().any(|mark| in_a_row(&label.area, &mark.area))).collect()
}

/// One, if all that is left is the same thing: a row and the words in it, a button and its picture.
fn one<'a>(candidates: Vec<&'a Label>) -> Found<'a> {
    let mut groups: Vec<Vec<&Label>> = Vec::new();
    for label in candidates {
        let same = |group: &Vec<&'a Label>| group.iter().any(|other| holds(other, label) || holds(label, other));
        match groups.iter_mut().find(|group| same(group)) {
            Some(group) => group.push(label),
            None => groups.push(vec![label]),
        }
    }
    let several =
        |labels: &[&Label]| Found::Several(labels.iter().take(NAMED_MAX).map(|label| in_words(label)).collect());
    match &groups[..] {
        [] => Found::None,
        [group] => {
            // What reacts is touched, and the innermost of what reacts.
            let innermost = innermost(group);
            let Some(chosen) = innermost.iter().min_by_key(|label| label.area.pixels()) else { return Found::None };
            // Two buttons in a dialog that is called the same are two things.
            let is_one = innermost.iter().all(|label| holds(label, chosen) || holds(chosen, label));
            if is_one { Found::One(chosen) } else { several(&innermost) }
        }
        _ => several(&groups.iter().filter_map(|group| group.first().copied()).collect::<Vec<_>>()),
    }
}

/// What reacts, or all if nothing does, without what holds another of them.
fn innermost<'a>(group: &[&'a Label]) -> Vec<&'a Label> {
    let reacts: Vec<&Label> = group.iter().copied().filter(|label| label.touchable).collect();
    let candidates = if reacts.is_empty() { group.to_vec() } else { reacts };
    let is_inside = |label: &Label, other: &Label| holds(label, other) && other.area.pixels() < label.area.pixels();
    candidates.iter().copied().filter(|label| !candidates.iter().any(|other| is_inside(label, other))).collect()
}

/// The field that a caption is for.
fn field_of<'a>(caption: &Label, seen: &[&'a Label], display: Size) -> Option<&'a Label> {
    // What takes a value and stands first is what the caption is for: a field behind it has a caption of its own.
    let controls =
        || seen.iter().copied().filter(|label| takes_value(label) && (is_text(caption) || !holds(caption, label)));
    let right = controls().filter(|control| {
        in_a_row(&control.area, &caption.area) && caption.area.left < control.area.left && !holds(control, caption)
    });
    let below = || {
        let near = controls().filter(|control| is_near_below(control, caption, display));
        near.min_by_key(|control| control.area.top)
    };
    let first = right.min_by_key(|control| control.area.left).or_else(below);
    first.filter(|control| is_field(control))
}

/// Whether it is words and no more: a page or a dialog that is called something is no caption of what lies in it.
fn is_text(label: &Label) -> bool {
    label.role.as_deref().is_none_or(|role| is_role("text", role))
}

/// Whether it takes a value: a text, a choice, on or off.
fn takes_value(label: &Label) -> bool {
    const KINDS: [&str; 6] = ["field", "switch", "checkbox", "radio", "slider", "combobox"];
    label.secret || label.role.as_deref().is_some_and(|role| KINDS.iter().any(|kind| is_role(kind, role)))
}

fn is_near_below(label: &Label, above: &Label, display: Size) -> bool {
    is_below(&label.area, &above.area) && label.area.top.saturating_sub(above.area.bottom) < display.height / BELOW
}

/// A widget in words, for errors and records.
pub fn in_words(label: &Label) -> String {
    let (x, y) = middle(&label.area);
    let role = label.role.as_deref().map_or_else(String::new, |role| format!("{role} "));
    let text: String = plain(&label.text).chars().take(60).collect();
    format!("{role}{text:?} at {x},{y}")
}

/// The pixel in the middle.
pub fn middle(area: &Area) -> (u32, u32) {
    (area.left + area.right.saturating_sub(area.left) / 2, area.top + area.bottom.saturating_sub(area.top) / 2)
}

/// Whether what a platform calls a widget is what a person calls so.
pub fn is_role(wanted: &str, found: &str) -> bool {
    let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
    let (wanted, found) = (letters(wanted), letters(found));
    let known = ROLES.iter().find(|(name, _)| *name == wanted).map(|(_, names)| *names);
    wanted == found || known.is_some_and(|names| names.contains(&found.as_str()))
}

/// The word that people write for what a platform calls a widget, if there is one.
pub fn role_word(found: &str) -> Option<&'static str> {
    ROLES.iter().map(|(word, _)| *word).find(|word| is_role(word, found))
}

/// Whether one lies in another: the middle of it, and it is not the larger one.
pub fn holds(outer: &Label, inner: &Label) -> bool {
    let (x, y) = middle(&inner.area);
    outer.area.holds(x, y) && inner.area.pixels() <= outer.area.pixels()
}

fn in_a_row(one: &Area, other: &Area) -> bool {
    let (_, y) = middle(one);
    let (_, other_y) = middle(other);
    (other.top..other.bottom).contains(&y) || (one.top..one.bottom).contains(&other_y)
}

fn is_below(area: &Area, above: &Area) -> bool {
    above.bottom <= area.top + 2 && area.left < above.right && above.left < area.right
}

/// A text in one line, with one blank between two words.
pub fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
