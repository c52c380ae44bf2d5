//! Secrets by name: `{{secret:bank-pin}}` in what a model wants to type. What a name stands for is put in at the
//! driver's edge, and taken out of all that comes back from there, so that prompts and journals never hold it.

use std::collections::BTreeMap;
use std::fmt;

use tapwright_contract::device::{Area, Label, Screen};
use tapwright_contract::{Picture, Size};

/// A text that is printed nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Hush(String);

impl Hush {
    /// Takes a secret over. `None` if it is empty or shorter than can be told apart from what is on any screen.
    pub fn new(text: String) -> Option<Hush> {
        (text.chars().count() >= 3).then_some(Hush(text))
    }
}

impl fmt::Debug for Hush {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(a secret)")
    }
}

/// What the names stand for.
#[derive(Clone, Debug, Default)]
pub struct Secrets(BTreeMap<String, Hush>);

impl Secrets {
    /// Secrets by their names.
    pub fn new(secrets: BTreeMap<String, Hush>) -> Secrets {
        Secrets(secrets)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A text with the secrets in it, for what is sent and nothing else; `Err` is a name that stands for nothing.
    ///
    /// # Errors
    /// The name.
    pub fn revealed(&self, text: &str) -> Result<String, String> {
        let mut revealed = String::new();
        let mut rest = text;
        while let Some((before, name, after)) = next(rest) {
            revealed.push_str(before);
            revealed.push_str(&self.0.get(name).ok_or_else(|| name.to_owned())?.0);
            rest = after;
        }
        revealed.push_str(rest);
        Ok(revealed)
    }

    /// A text with the names in the secrets' places.
    pub(crate) fn hidden(&self, text: &str) -> String {
        // The longest first: one may be part of another, whose rest would be left to read.
        let mut longest: Vec<_> = self.0.iter().collect();
        longest.sort_by_key(|(_, secret)| std::cmp::Reverse(secret.0.len()));
        longest
            .iter()
            .fold(text.to_owned(), |text, (name, secret)| text.replace(&secret.0, &format!("{{{{secret:{name}}}}}")))
    }

    fn shows(&self, text: &str) -> bool {
        self.0.values().any(|secret| text.contains(&secret.0))
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
    const OPEN: &str = "{{secret:";
    let at = text.find(OPEN)?;
    let (name, after) = text[at + OPEN.len()..].split_once("}}")?;
    Some((&text[..at], name.trim(), after))
}

/// Covers what was typed in pictures, before anybody else sees them.
#[derive(Debug, Default)]
pub(crate) struct Veil {
    covered: Vec<Covered>,
}

#[derive(Debug)]
struct Covered {
    app: String,
    size: Size,
    how: How,
}

#[derive(Debug)]
enum How {
    /// The field, as the device told it.
    Field(Area),
    /// Whatever differs from this picture from before: the device does not tell where the field is.
    Difference(Picture),
}

/// As many places as a run may cover.
const COVERED_MAX: usize = 32;

impl Veil {
    /// A secret is about to be typed on this screen.
    pub(crate) fn typed(&mut self, screen: &Screen, labels: Option<&[Label]>) {
        let field = labels.unwrap_or_default().iter().find(|label| label.focused && label.area.pixels() > 0);
        let how = field.map_or_else(|| How::Difference(screen.picture.clone()), |field| How::Field(field.area));
        if self.covered.len() == COVERED_MAX {
            self.covered.remove(0);
        }
        self.covered.push(Covered { app: screen.front.id.clone(), size: screen.picture.size(), how });
    }

    /// Whether it makes a difference where texts stand on this screen.
    pub(crate) fn wants_labels(&self, screen: &Screen) -> bool {
        self.covered.iter().any(|covered| covered.app == screen.front.id)
    }

    /// The screen without what was typed.
    pub(crate) fn over(&mut self, mut screen: Screen, labels: Option<&[Label]>, secrets: &Secrets) -> Screen {
        let size = screen.picture.size();
        let mut areas: Vec<Area> = Vec::new();
        for covered in self.covered.iter_mut().filter(|covered| covered.app == screen.front.id) {
            if covered.size != size {
                continue; // The display has turned; what the device tells of texts is what is left.
            }
            if let How::Difference(before) = &covered.how
                && let Some(area) = difference(before, &screen.picture)
            {
                covered.how = How::Field(area);
            }
            if let How::Field(area) = covered.how {
                areas.push(area);
            }
        }
        let written = labels.unwrap_or_default().iter().filter(|label| secrets.shows(&label.text));
        areas.extend(written.map(|label| label.area));
        if !areas.is_empty() {
            screen.picture = painted(&screen.picture, &areas);
        }
        screen
    }
}

/// The rectangle in which two pictures of the same size differ, below the status bar, with a margin.
fn difference(one: &Picture, other: &Picture) -> Option<Area> {
    let Size { width, height } = other.size();
    let mut found: Option<Area> = None;
    for y in height / 20..height {
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

fn painted(picture: &Picture, areas: &[Area]) -> Picture {
    let size = picture.size();
    let mut rgba = picture.rgba().to_vec();
    for area in areas {
        for y in area.top..area.bottom.min(size.height) {
            for x in area.left..area.right.min(size.width) {
                let at = 4 * (y as usize * size.width as usize + x as usize);
                rgba[at..at + 4].copy_from_slice(&[96, 96, 96, 255]);
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
        let hush = |text: &str| Hush::new(text.to_owned()).unwrap();
        Secrets::new(BTreeMap::from([("pin".to_owned(), hush("4711")), ("user".to_owned(), hush("anna"))]))
    }

    #[test]
    fn names_are_put_in_and_taken_out() {
        let secrets = secrets();
        let revealed = secrets.revealed("a{{secret:user}}b{{secret: pin }}").unwrap();
        assert_eq!(revealed, "aannab4711");
        assert_eq!(secrets.hidden(&revealed), "a{{secret:user}}b{{secret:pin}}");
        assert_eq!(secrets.revealed("{{secret:none}}"), Err("none".to_owned()));
        assert_eq!(secrets.revealed("{{secret:open").unwrap(), "{{secret:open");
        assert_eq!(names("{{secret:a}} {{secret:b}}"), ["a", "b"]);
        assert!(only_names("{{secret:a}}{{secret:b}}") && !only_names("{{secret:a}} ") && only_names(""));
        assert!(!format!("{secrets:?}").contains("4711"));
        assert!(Hush::new("12".to_owned()).is_none(), "that stands on every screen");
    }

    fn screen(app: &str, dark: &[(u32, u32)]) -> Screen {
        let size = Size { width: 40, height: 100 };
        let mut rgba = vec![255; 4 * 4000];
        for (x, y) in dark {
            rgba[4 * (y * 40 + x) as usize] = 0;
        }
        let front = Front { id: app.to_owned(), label: app.to_owned() };
        Screen { picture: Picture::new(size, rgba).unwrap(), front }
    }

    fn shown(screen: &Screen, x: u32, y: u32) -> [u8; 4] {
        screen.picture.rgba()[4 * (y * 40 + x) as usize..][..4].try_into().unwrap()
    }

    #[test]
    fn what_was_typed_is_covered_where_the_device_tells_the_field() {
        let mut veil = Veil::default();
        let area = Area { left: 10, top: 50, right: 20, bottom: 60 };
        let label = |text: &str, focused| Label { text: text.to_owned(), area, touchable: true, focused, secret: true };
        veil.typed(&screen("a", &[]), Some(&[label("PIN", true)]));
        let after = screen("a", &[(15, 55)]);
        let covered = veil.over(after.clone(), None, &secrets());
        assert_eq!(shown(&covered, 15, 55), [96, 96, 96, 255]);
        assert_eq!(shown(&covered, 21, 55), [255; 4]);
        assert_eq!(veil.over(screen("b", &[(15, 55)]), None, &secrets()), screen("b", &[(15, 55)]), "another app");
        let mut fresh = Veil::default();
        assert_eq!(fresh.over(after.clone(), Some(&[label("nothing", false)]), &secrets()), after);
        let covered = fresh.over(after, Some(&[label("it is 4711", false)]), &secrets());
        assert_eq!(shown(&covered, 15, 55), [96, 96, 96, 255], "wherever it is written");
    }

    #[test]
    fn what_was_typed_is_covered_where_the_picture_changes() {
        let mut veil = Veil::default();
        veil.typed(&screen("a", &[]), None);
        assert_eq!(veil.over(screen("a", &[]), None, &secrets()), screen("a", &[]), "nothing has appeared yet");
        let covered = veil.over(screen("a", &[(15, 55), (0, 0)]), None, &secrets());
        assert_eq!(shown(&covered, 15, 55), [96, 96, 96, 255]);
        assert_eq!(shown(&covered, 30, 90), [255; 4]);
        let covered = veil.over(screen("a", &[(15, 55), (30, 90)]), None, &secrets());
        assert_eq!(shown(&covered, 15, 55), [96, 96, 96, 255], "and stays covered");
    }
}
