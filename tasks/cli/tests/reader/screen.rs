//! What `uiautomator dump` tells of a screen.

/// A widget that can be seen.
#[derive(Clone, Debug, Default)]
pub struct Widget {
    pub text: String,
    pub description: String,
    /// Without its package.
    pub id: String,
    pub is_field: bool,
    pub is_radio: bool,
    pub checked: bool,
    pub focused: bool,
    /// Left, top, right, bottom.
    pub bounds: [i32; 4],
    parent: Option<usize>,
}

/// All of them, from the first drawn on.
#[derive(Clone, Debug, Default)]
pub struct Screen {
    pub package: String,
    pub widgets: Vec<Widget>,
}

const AGREES: [&str; 12] =
    ["go", "ok", "okay", "yes", "next", "done", "agree", "accept", "continue", "enter", "submit", "proceed"];

impl Screen {
    /// Reads the file that the phone writes.
    pub fn read(xml: &str) -> Screen {
        let mut screen = Screen::default();
        let mut open: Vec<usize> = Vec::new();
        let mut rest = xml;
        while let Some(at) = rest.find('<') {
            rest = &rest[at..];
            if rest.starts_with("</node") {
                open.pop();
            } else if rest.starts_with("<node") {
                let end = end_of_tag(rest);
                let tag = &rest[..end];
                let value = |name: &str| attribute(tag, name).unwrap_or_default();
                let class = value("class");
                if screen.package.is_empty() {
                    screen.package = value("package");
                }
                screen.widgets.push(Widget {
                    text: value("text"),
                    description: value("content-desc"),
                    id: value("resource-id").rsplit('/').next().unwrap_or_default().to_owned(),
                    is_field: class.ends_with("EditText"),
                    is_radio: class.ends_with("RadioButton"),
                    checked: value("checked") == "true",
                    focused: value("focused") == "true",
                    bounds: bounds(&value("bounds")),
                    parent: open.last().copied(),
                });
                if !tag.ends_with("/>") {
                    open.push(screen.widgets.len() - 1);
                }
                rest = &rest[end - 1..];
            }
            rest = &rest[1..];
        }
        screen
    }

    /// All that is written, fields among it.
    pub fn texts(&self) -> Vec<&str> {
        self.widgets.iter().map(|widget| widget.text.as_str()).filter(|text| !text.is_empty()).collect()
    }

    pub fn shows(&self, is_it: impl Fn(&str) -> bool) -> bool {
        self.texts().into_iter().any(is_it)
    }

    /// The first text that begins so, without that.
    pub fn after<'a>(&'a self, begin: &str) -> Option<&'a str> {
        self.texts().into_iter().find_map(|text| text.strip_prefix(begin))
    }

    pub fn has(&self, id: &str) -> bool {
        self.widgets.iter().any(|widget| widget.id == id)
    }

    pub fn field(&self, id: &str) -> Option<&Widget> {
        self.widgets.iter().find(|widget| widget.is_field && widget.id == id)
    }

    /// The texts of this id, from above.
    pub fn of<'a>(&'a self, id: &str) -> Vec<&'a str> {
        let of_id = self.widgets.iter().filter(|widget| widget.id == id && !widget.text.is_empty());
        of_id.map(|widget| widget.text.as_str()).collect()
    }

    /// What stands in the bar at the top.
    pub fn title(&self) -> &str {
        self.of("title").first().copied().unwrap_or_default()
    }

    /// Where to touch a widget: its middle. What is written is touched itself, as the guard judges a touch by what is written there.
    fn target(&self, at: usize) -> (i32, i32) {
        let [left, top, right, bottom] = self.widgets[at].bounds;
        ((left + right) / 2, (top + bottom) / 2)
    }

    /// Where a finger can be put down to move the page: on a text that asks for nothing, as far down as there is one.
    pub fn harmless(&self, height: u32) -> Option<(i32, i32)> {
        let height = height as i32;
        let is_calm = |at: &usize| {
            let widget = &self.widgets[*at];
            let (_, y) = self.target(*at);
            let texts = ["body", "title", "departs", "duration", "summary", "name", "author", "kind"];
            let text = widget.text.to_lowercase();
            // Words on which a careful policy asks, and those that agree to what else is written on the screen.
            let is_risky = ["post", "comment", "share", "send", "pay", "call"].iter().any(|word| text.contains(word))
                || text.split(|letter: char| !letter.is_alphabetic()).any(|word| AGREES.contains(&word));
            texts.contains(&widget.id.as_str()) && !is_risky && (height * 35 / 100..height * 8 / 10).contains(&y)
        };
        let places = (0..self.widgets.len()).filter(is_calm).map(|at| self.target(at));
        places.max_by_key(|(_, y)| *y)
    }

    /// Where to touch the first widget that is so.
    pub fn place(&self, is_it: impl Fn(&Widget) -> bool) -> Option<(i32, i32)> {
        self.widgets.iter().position(is_it).map(|at| self.target(at))
    }

    /// Where to touch what is called so, by its text or by what an icon is said to be; of several the last one, which lies on top.
    pub fn place_of(&self, name: &str) -> Option<(i32, i32)> {
        let is_it = |widget: &Widget| !widget.is_field && (widget.text == name || widget.description == name);
        self.widgets.iter().rposition(is_it).map(|at| self.target(at))
    }

    /// The rows of this id, each with where to touch it, its texts, and whether its radio button is on.
    pub fn rows(&self, id: &str) -> Vec<((i32, i32), Vec<&str>, bool)> {
        let rows = (0..self.widgets.len()).filter(|at| self.widgets[*at].id == id && !self.widgets[*at].is_field);
        let row = |at: usize| {
            let inside = (at + 1..self.widgets.len()).filter(move |inner| self.is_in(*inner, at));
            let texts = inside.clone().map(|inner| self.widgets[inner].text.as_str()).filter(|text| !text.is_empty());
            let is_on = inside.clone().any(|inner| self.widgets[inner].is_radio && self.widgets[inner].checked);
            let written = inside.clone().find(|inner| !self.widgets[*inner].text.is_empty());
            (self.target(written.unwrap_or(at)), texts.collect(), is_on)
        };
        rows.map(row).collect()
    }

    fn is_in(&self, mut at: usize, outer: usize) -> bool {
        while let Some(parent) = self.widgets[at].parent {
            if parent == outer {
                return true;
            }
            at = parent;
        }
        false
    }
}

/// Where a tag ends, quotes being heeded: a `>` may stand in a value.
fn end_of_tag(text: &str) -> usize {
    let mut quote = None;
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            (None, '>') => return at + 1,
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), letter) if open == letter => quote = None,
            _ => {}
        }
    }
    text.len()
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let at = tag.find(&format!(" {name}="))? + name.len() + 2;
    let quote = tag[at..].chars().next()?;
    let value = tag[at + 1..].split(quote).next()?;
    let plain = value.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'");
    Some(plain.replace("&#10;", "\n").replace("&amp;", "&"))
}

fn bounds(text: &str) -> [i32; 4] {
    let mut numbers = text.split(['[', ']', ',']).filter_map(|number| number.parse().ok());
    [0; 4].map(|_: i32| numbers.next().unwrap_or_default())
}
