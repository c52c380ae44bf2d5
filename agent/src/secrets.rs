//! Secrets by name: `{{secret:bank-pin}}` in what a model wants to type. What a name stands for is put in at the driver's edge, and
//! taken out of all that comes back: errors, answers of APIs, texts on a screen, and what a model says of them. Where it was
//! typed the picture is covered, in that app. What another app shows of it is not: docs/policy.md says so.

mod quoted;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use tapwright_contract::device::{Area, Label, Screen};
use tapwright_contract::{Picture, Size};

use crate::difference::has_changed;
use crate::limits::clip;
use quoted::Pattern;

/// A text that is printed nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(String);

impl SecretText {
    /// Takes a secret over. `None` if it is empty or shorter than can be told apart from what is on any screen.
    pub fn new(text: String) -> Option<SecretText> {
        (text.chars().count() >= 3).then_some(SecretText(text))
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(a secret)")
    }
}

/// How far a text is looked through for secrets beyond what is kept of it: one that begins before the cut has to be seen
/// whole, however it is written.
pub const LOOKAHEAD_BYTES: usize = 64 << 10;

/// What stands before a name.
const OPEN: &str = "{{secret:";
/// What a name may have around it: the signs, and blanks.
const NAME_MARGIN: usize = 32;

/// A part of a text in which secrets are looked for.
enum Piece {
    /// A secret's name with its braces: there is none in it.
    Name(String),
    Text(String),
}

/// What the names stand for. Cloning is cheap.
#[derive(Clone, Debug, Default)]
pub struct Secrets(Arc<SecretTable>);

#[derive(Debug, Default)]
struct SecretTable {
    texts: BTreeMap<String, SecretText>,
    /// How to find them, the longest first: one may be part of another, whose rest would be left to read.
    patterns: Vec<(String, Pattern)>,
}

impl Secrets {
    /// Secrets by their names.
    pub fn new(secrets: BTreeMap<String, SecretText>) -> Secrets {
        let mut longest: Vec<&String> = secrets.keys().collect();
        longest.sort_by_key(|name| std::cmp::Reverse(secrets[*name].0.len()));
        let patterns = longest.into_iter().map(|name| (name.clone(), Pattern::new(&secrets[name].0))).collect();
        Secrets(Arc::new(SecretTable { texts: secrets, patterns }))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.texts.is_empty()
    }

    /// A text with the secrets in it, for what is sent and nothing else; `Err` is a name that stands for nothing.
    ///
    /// # Errors
    /// The name.
    pub fn reveal(&self, text: &str) -> Result<String, String> {
        let mut revealed = String::new();
        let mut rest = text;
        while let Some((before, name, after)) = next(rest) {
            revealed.push_str(before);
            revealed.push_str(&self.0.texts.get(name).ok_or_else(|| name.to_owned())?.0);
            rest = after;
        }
        revealed.push_str(rest);
        Ok(revealed)
    }

    /// As much of [`Secrets::redact`] as `bytes_max`. What is far beyond is not looked at: an answer may have megabytes.
    pub fn redact_within(&self, text: &str, bytes_max: usize) -> String {
        let read = clip(text, bytes_max.saturating_add(LOOKAHEAD_BYTES));
        clip(&self.redact(read), bytes_max).to_owned()
    }

    /// A text with the names in the secrets' places, also where they are written as some format has them. A name may have another
    /// secret in it, as `anna-password` has a user's name: names stay as they are, or nobody could type that secret.
    pub(crate) fn redact(&self, text: &str) -> String {
        let mut pieces = self.pieces(text);
        for (name, pattern) in &self.0.patterns {
            let place = format!("{{{{secret:{name}}}}}");
            pieces = each_text(pieces, |text| pattern.split(text, &place));
        }
        pieces
            .into_iter()
            .map(|piece| match piece {
                Piece::Name(text) | Piece::Text(text) => text,
            })
            .collect()
    }

    /// The names in a text, as they are written there, and what stands between them.
    fn pieces(&self, text: &str) -> Vec<Piece> {
        let longest = self.0.texts.keys().map(String::len).max().unwrap_or(0) + NAME_MARGIN;
        let (mut pieces, mut from) = (Vec::new(), 0);
        for (at, _) in text.match_indices(OPEN).filter(|_| !self.is_empty()) {
            let rest = &text[at..];
            let Some((_, name, after)) = next(clip(rest, longest)) else { continue };
            let length = clip(rest, longest).len() - after.len();
            if at >= from && self.0.texts.contains_key(name) {
                pieces.extend([Piece::Text(text[from..at].to_owned()), Piece::Name(rest[..length].to_owned())]);
                from = at + length;
            }
        }
        pieces.push(Piece::Text(text[from..].to_owned()));
        pieces
    }

    /// Whether one of them stands in a text as it is.
    pub fn shows(&self, text: &str) -> bool {
        self.0.texts.values().any(|secret| text.contains(&secret.0))
    }
}

/// The names in a text, in order.
pub fn names(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some((_, name, after)) = next(rest) {
        names.push(name);
        rest = after;
    }
    names
}

/// Whether a text is names and nothing else.
pub(crate) fn only_names(text: &str) -> bool {
    let mut rest = text;
    while let Some((before, _, after)) = next(rest) {
        if !before.is_empty() {
            return false;
        }
        rest = after;
    }
    rest.is_empty()
}

fn next(text: &str) -> Option<(&str, &str, &str)> {
    let at = text.find(OPEN)?;
    let (name, after) = text[at + OPEN.len()..].split_once("}}")?;
    Some((&text[..at], name.trim(), after))
}

impl Pattern {
    /// A text with a place wherever the secret was: as it is or quoted, and then in the forms that show no letter of it.
    fn split(&self, text: &str, place: &str) -> Vec<Piece> {
        let (mut pieces, mut rest) = (Vec::new(), text);
        while let Some((start, end)) = self.find(rest) {
            pieces.extend([Piece::Text(rest[..start].to_owned()), Piece::Name(place.to_owned())]);
            rest = &rest[end..];
        }
        pieces.push(Piece::Text(rest.to_owned()));
        for form in &self.encoded {
            pieces = each_text(pieces, |text| {
                let mut parts = text.split(form.as_str()).map(str::to_owned);
                let mut split = vec![Piece::Text(parts.next().unwrap_or_default())];
                split.extend(parts.flat_map(|part| [Piece::Name(place.to_owned()), Piece::Text(part)]));
                split
            });
        }
        pieces
    }
}

/// The pieces, with those in the place of each text that are made of it.
fn each_text(pieces: Vec<Piece>, split: impl Fn(&str) -> Vec<Piece>) -> Vec<Piece> {
    let of = |piece| match piece {
        Piece::Name(_) => vec![piece],
        Piece::Text(text) => split(&text),
    };
    pieces.into_iter().flat_map(of).collect()
}

/// Covers what was typed in pictures, before anybody else sees them.
#[derive(Debug, Default)]
pub(crate) struct Veil {
    covered: Vec<CoveredSecret>,
    /// What was seen last where something is covered, and in which of the shades that was painted: what changes under a cover changes
    /// its shade. A place that looks the same is taken to be the same by approvals, and by whoever looks whether something happened.
    last: Option<Picture>,
    shade: usize,
}

#[derive(Debug)]
struct CoveredSecret {
    app: String,
    /// What it looked like before.
    before: Picture,
    how: CoverMethod,
    /// Whether the device told what is written.
    told: bool,
    /// Whether the field hides what is typed, so that it can be read nowhere else.
    hidden: bool,
}

/// What is known of the texts on a screen, and where they stand.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ScreenTexts<'a> {
    /// These are there.
    Here(&'a [Label]),
    /// The device does not tell.
    Untold,
    /// It could not be asked this time.
    Unknown,
}

#[derive(Debug)]
enum CoverMethod {
    /// The field, as the device told it.
    Field(Area),
    /// Whatever differs from the picture from before: the device does not tell where the field is.
    Difference,
}

/// What is painted over a secret; each two differ by more than an approval overlooks.
const SHADES: &[u8] = &[96, 160, 32, 224];
/// As many places as a run may cover.
const COVERED_MAX: usize = 32;
/// As many fields as may be the one that a secret was typed into.
const FIELDS_MAX: usize = 8;

impl Veil {
    /// A secret is about to be typed on this screen.
    pub(crate) fn before_typing(&mut self, screen: &Screen, labels: Option<&[Label]>) {
        // Several, if it is not known which of them has the focus.
        let fields = labels.unwrap_or_default().iter().filter(|label| label.focused && label.area.pixels() > 0);
        let mut ways: Vec<(CoverMethod, bool)> =
            fields.take(FIELDS_MAX).map(|field| (CoverMethod::Field(field.area), field.secret)).collect();
        if ways.is_empty() {
            ways.push((CoverMethod::Difference, false));
        }
        for (how, hidden) in ways {
            if self.covered.len() == COVERED_MAX {
                self.covered.remove(0);
            }
            let (app, before) = (screen.front.id.clone(), screen.picture.clone());
            self.covered.push(CoveredSecret { app, before, how, told: labels.is_some(), hidden });
        }
    }

    /// The run broke off, and was seen last like this: what is under a cover may have changed since.
    pub(crate) fn after_break(&mut self, seen: Option<&Picture>) {
        let is_in = |shade: &u8| {
            seen.is_some_and(|seen| seen.rgba().chunks_exact(4).any(|pixel| pixel == [*shade, *shade, *shade, 255]))
        };
        self.shade = SHADES.iter().position(|shade| !is_in(shade)).unwrap_or(0);
    }

    /// Whether anything is covered.
    pub(crate) fn is_drawn(&self) -> bool {
        !self.covered.is_empty()
    }

    /// Whether it makes a difference where texts stand on this screen. An app that is not in front can show its field in a window of
    /// its own, or an app in front what it was handed.
    pub(crate) fn wants_labels(&self, screen: &Screen) -> bool {
        self.covered.iter().any(|covered| covered.app == screen.front.id || (covered.told && !covered.hidden))
    }

    /// The screen without what was typed.
    pub(crate) fn over(&mut self, mut screen: Screen, written: ScreenTexts<'_>, secrets: &Secrets) -> Screen {
        let size = screen.picture.size();
        let whole = Area { left: 0, top: 0, right: size.width, bottom: size.height };
        let mut areas: Vec<Area> = Vec::new();
        for covered in self.covered.iter_mut().filter(|covered| covered.app == screen.front.id) {
            // Where the device told of its texts and now does not, the secret may stand elsewhere by now.
            let blind = match written {
                ScreenTexts::Here(_) => false,
                ScreenTexts::Untold => covered.told,
                ScreenTexts::Unknown => true,
            };
            if covered.before.size() != size {
                // The display has turned; what the device tells of texts is what is left.
                areas.extend(blind.then_some(whole));
                continue;
            }
            if blind {
                areas.extend(difference(&covered.before, &screen.picture, 0));
            }
            if let CoverMethod::Difference = covered.how
                && !matches!(written, ScreenTexts::Unknown)
                && let Some(area) = difference(&covered.before, &screen.picture, size.height / 20)
            {
                covered.how = CoverMethod::Field(area);
            }
            if let CoverMethod::Field(area) = covered.how {
                areas.push(area);
            }
        }
        if let ScreenTexts::Here(labels) = written {
            areas.extend(labels.iter().filter(|label| secrets.shows(&label.text)).map(|label| label.area));
        }
        if !areas.is_empty() {
            let changed = |before: &Picture| {
                before.size() == size && areas.iter().any(|area| has_changed(before, &screen.picture, *area))
            };
            if self.last.as_ref().is_some_and(changed) {
                self.shade = (self.shade + 1) % SHADES.len();
            }
            let covered = paint(&screen.picture, &areas, SHADES[self.shade]);
            self.last = Some(std::mem::replace(&mut screen.picture, covered));
        }
        screen
    }
}

/// The rectangle in which two pictures of the same size differ below some row, with a margin.
fn difference(one: &Picture, other: &Picture, top: u32) -> Option<Area> {
    let Size { width, height } = other.size();
    let mut found: Option<Area> = None;
    for y in top..height {
        let row = |picture: &Picture| {
            let start = 4 * y as usize * width as usize;
            picture.rgba()[start..start + 4 * width as usize].to_vec()
        };
        let (here, there) = (row(one), row(other));
        if here == there {
            continue;
        }
        for x in 0..width {
            let at = 4 * x as usize;
            if here[at..at + 4] != there[at..at + 4] {
                let area = found.get_or_insert(Area { left: x, top: y, right: x + 1, bottom: y + 1 });
                area.left = area.left.min(x);
                area.right = area.right.max(x + 1);
                area.bottom = area.bottom.max(y + 1);
            }
        }
    }
    let margin = height / 100 + 1;
    found.map(|area| Area {
        left: area.left.saturating_sub(margin),
        top: area.top.saturating_sub(margin),
        right: (area.right + margin).min(width),
        bottom: (area.bottom + margin).min(height),
    })
}

fn paint(picture: &Picture, areas: &[Area], shade: u8) -> Picture {
    let size = picture.size();
    let mut rgba = picture.rgba().to_vec();
    for area in areas {
        for y in area.top..area.bottom.min(size.height) {
            for x in area.left..area.right.min(size.width) {
                let at = 4 * (y as usize * size.width as usize + x as usize);
                rgba[at..at + 4].copy_from_slice(&[shade, shade, shade, 255]);
            }
        }
    }
    Picture::new(size, rgba).expect("it is as large as before")
}

#[cfg(test)]
mod tests {
    use tapwright_contract::device::Front;

    use super::*;

    fn secrets() -> Secrets {
        let secret_text = |text: &str| SecretText::new(text.to_owned()).unwrap();
        Secrets::new(BTreeMap::from([
            ("pin".to_owned(), secret_text("4711")),
            ("user".to_owned(), secret_text("anna")),
        ]))
    }

    #[test]
    fn names_are_put_in_and_taken_out() {
        let secrets = secrets();
        let revealed = secrets.reveal("a{{secret:user}}b{{secret: pin }}").unwrap();
        assert_eq!(revealed, "aannab4711");
        assert_eq!(secrets.redact(&revealed), "a{{secret:user}}b{{secret:pin}}");
        assert_eq!(secrets.reveal("{{secret:none}}"), Err("none".to_owned()));
        assert_eq!(secrets.reveal("{{secret:open").unwrap(), "{{secret:open");
        assert_eq!(names("{{secret:a}} {{secret:b}}"), ["a", "b"]);
        assert!(only_names("{{secret:a}}{{secret:b}}") && !only_names("{{secret:a}} ") && only_names(""));
        assert!(!format!("{secrets:?}").contains("4711"));
        // A name that has another secret in it is still that name.
        let known = ["user", "anna-password", "4711"].map(str::to_owned).into_iter();
        let texts = ["anna", "hunter2", "secret"].map(|text| SecretText::new(text.to_owned()).unwrap());
        let secrets = Secrets::new(known.zip(texts).collect());
        for kept in ["{{secret:anna-password}}", "{{secret: anna-password }}, {{secret:user}}", "{{secret:4711}}"] {
            assert_eq!(secrets.redact(kept), kept);
        }
        let hidden = secrets.redact("anna {{secret:anna-password}} hunter2 {{secret:anna}} {{secret:x {{secret:user}}");
        let (user, password) = ("{{secret:user}}", "{{secret:anna-password}}");
        assert_eq!(
            hidden,
            format!("{user} {password} {password} {{{{{{{{secret:4711}}}}:{user}}}}} {{{{{{{{secret:4711}}}}:x {user}")
        );
        assert!(SecretText::new("12".to_owned()).is_none(), "that stands on every screen");
    }

    fn screen(app: &str, dark: &[(u32, u32)]) -> Screen {
        let size = Size { width: 40, height: 100 };
        let mut rgba = vec![255; 4 * 4000];
        for (x, y) in dark {
            rgba[4 * (y * 40 + x) as usize] = 0;
        }
        let front = Front { id: app.to_owned(), label: app.to_owned(), aliases: Vec::new() };
        Screen::new(Picture::new(size, rgba).unwrap(), front)
    }

    fn pixel_at(screen: &Screen, x: u32, y: u32) -> [u8; 4] {
        screen.picture.rgba()[4 * (y * 40 + x) as usize..][..4].try_into().unwrap()
    }

    #[test]
    fn what_was_typed_is_covered_where_the_device_tells_the_field() {
        let mut veil = Veil::default();
        let area = Area { left: 10, top: 50, right: 20, bottom: 60 };
        let label = |text: &str, focused| Label {
            text: text.to_owned(),
            area,
            touchable: true,
            focused,
            secret: true,
            app: None,
            role: None,
            value: None,
            is_on: None,
        };
        veil.before_typing(&screen("a", &[]), Some(&[label("PIN", true)]));
        let after = screen("a", &[(15, 55)]);
        let covered = veil.over(after.clone(), ScreenTexts::Here(&[]), &secrets());
        assert_eq!(pixel_at(&covered, 15, 55), [96, 96, 96, 255]);
        assert_eq!(pixel_at(&covered, 21, 55), [255; 4]);
        assert_eq!(
            veil.over(screen("b", &[(15, 55)]), ScreenTexts::Unknown, &secrets()),
            screen("b", &[(15, 55)]),
            "another app"
        );
        let mut fresh = Veil::default();
        assert_eq!(fresh.over(after.clone(), ScreenTexts::Here(&[label("nothing", false)]), &secrets()), after);
        let covered = fresh.over(after, ScreenTexts::Here(&[label("it is 4711", false)]), &secrets());
        assert_eq!(pixel_at(&covered, 15, 55), [96, 96, 96, 255], "wherever it is written");
    }

    #[test]
    fn what_was_typed_is_covered_where_the_picture_changes() {
        let mut veil = Veil::default();
        veil.before_typing(&screen("a", &[]), None);
        assert_eq!(
            veil.over(screen("a", &[]), ScreenTexts::Untold, &secrets()),
            screen("a", &[]),
            "nothing has appeared yet"
        );
        let covered = veil.over(screen("a", &[(15, 55), (0, 0)]), ScreenTexts::Untold, &secrets());
        assert_eq!(pixel_at(&covered, 15, 55), [96, 96, 96, 255]);
        assert_eq!(pixel_at(&covered, 30, 90), [255; 4]);
        let covered = veil.over(screen("a", &[(15, 55), (30, 90)]), ScreenTexts::Untold, &secrets());
        assert_eq!(pixel_at(&covered, 15, 55), [96, 96, 96, 255], "and stays covered");
    }

    /// Whoever compares pictures would take a button under the cover for the button that was approved.
    #[test]
    fn a_cover_is_another_one_when_what_it_covers_has_changed() {
        let field = |left, hidden| Label {
            text: String::new(),
            area: Area { left, top: 50, right: left + 20, bottom: 60 },
            touchable: true,
            focused: true,
            secret: hidden,
            app: None,
            role: None,
            value: None,
            is_on: None,
        };
        let mut veil = Veil::default();
        veil.before_typing(&screen("a", &[]), Some(&[field(10, true)]));
        let mut shade =
            |dark: &[(u32, u32)]| pixel_at(&veil.over(screen("a", dark), ScreenTexts::Here(&[]), &secrets()), 12, 52);
        let first = shade(&[(15, 55)]);
        assert_eq!(shade(&[(15, 55), (30, 90)]), first, "something changed elsewhere");
        assert_eq!(shade(&[]), first, "a caret, no more");
        let other = shade(&[(11, 51), (28, 58)]);
        assert!(first[0].abs_diff(other[0]) > 40, "{first:?} {other:?}");
        let seen = veil.over(screen("a", &[(11, 51), (28, 58)]), ScreenTexts::Here(&[]), &secrets());
        let mut resumed = Veil::default();
        resumed.before_typing(&screen("a", &[]), Some(&[field(10, true)]));
        resumed.after_break(Some(&seen.picture));
        let after = resumed.over(screen("a", &[(11, 51)]), ScreenTexts::Here(&[]), &secrets());
        assert_ne!(pixel_at(&after, 12, 52), other, "nobody knows what changed meanwhile");
        assert!(!veil.wants_labels(&screen("b", &[])), "it can be read nowhere else");
        veil.before_typing(&screen("a", &[]), Some(&[field(10, false)]));
        assert!(veil.wants_labels(&screen("b", &[])), "it may stand in a window beside");
    }

    #[test]
    fn what_cannot_be_told_this_time_is_covered_wherever_it_may_be() {
        let area = Area { left: 10, top: 50, right: 20, bottom: 60 };
        let field = Label {
            text: "PIN".to_owned(),
            area,
            touchable: true,
            focused: true,
            secret: true,
            app: None,
            role: None,
            value: None,
            is_on: None,
        };
        for written in [ScreenTexts::Unknown, ScreenTexts::Untold] {
            let mut veil = Veil::default();
            veil.before_typing(&screen("a", &[]), Some(std::slice::from_ref(&field)));
            // It stands elsewhere by now, in the status bar even.
            let covered = veil.over(screen("a", &[(30, 90), (2, 1)]), written, &secrets());
            for (x, y) in [(30, 90), (2, 1), (15, 55), (20, 30)] {
                assert_eq!(pixel_at(&covered, x, y), [96, 96, 96, 255], "{x} {y}");
            }
            let same = veil.over(screen("a", &[]), written, &secrets());
            assert_eq!(pixel_at(&same, 30, 90), [255; 4], "what is as it was before shows nothing new");
            let mut turned = screen("a", &[]);
            let size = Size { width: 100, height: 40 };
            turned.picture = Picture::new(size, turned.picture.rgba().to_vec()).unwrap();
            let covered = veil.over(turned, written, &secrets());
            assert!(covered.picture.rgba().chunks(4).all(|pixel| pixel == [96, 96, 96, 255]), "nobody knows where");
            // The next look is told where the texts are, and shows what it may again.
            let seen = veil.over(screen("a", &[(30, 90)]), ScreenTexts::Here(&[]), &secrets());
            assert_eq!((pixel_at(&seen, 15, 55), pixel_at(&seen, 30, 90)), ([96, 96, 96, 255], [0, 255, 255, 255]));
        }
    }
}
