//! Writes the widget tree as Android's `uiautomator dump` does: the window that has the focus under its one root, and
//! nothing of the other windows. The bars, the keyboard and a notification's banner are windows of their own, and what
//! lies behind a dialog is another one's.
//!
//! The order of the attributes and the escaping are those of `AccessibilityNodeInfoDumper` and `KXmlSerializer`.

use std::fmt::Write;

use crate::draw::Rect;
use crate::ui::{Class, Node, Window as Layer};
use crate::world::World;

/// The first version of Android that writes a field's hint into an attribute of its own.
const HINTS_FROM: u32 = 36;

/// How a dump is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DumpOptions {
    /// The phone's API level.
    pub api: u32,
    /// Without the nodes that only lay out others: `--compressed`.
    pub compressed: bool,
}

impl Default for DumpOptions {
    /// All nodes, as Android 14 writes them.
    fn default() -> DumpOptions {
        DumpOptions { api: 34, compressed: false }
    }
}

impl World {
    /// The widget tree as `uiautomator dump` writes it on Android 14; empty if no window has the focus.
    pub fn hierarchy(&self) -> String {
        hierarchy(self, DumpOptions::default()).unwrap_or_default()
    }
}

/// The whole file, with its declaration; `None` if no window has the focus, as on a display that is off.
pub fn hierarchy(world: &World, options: DumpOptions) -> Option<String> {
    if !world.awake() {
        return None;
    }
    let nodes = world.view();
    let window = Window::active(world, &nodes);
    let mut dump = Dump { options, package: &window.package, xml: String::new() };
    let _ = write!(
        dump.xml,
        "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?><hierarchy rotation=\"{}\">",
        u8::from(world.is_turned())
    );
    dump.write(&window.root, 0);
    dump.xml.push_str("</hierarchy>");
    Some(dump.xml)
}

/// A widget as the accessibility service tells it.
#[derive(Clone, Debug, Default)]
struct Widget {
    class: &'static str,
    /// With its package, or empty.
    id: String,
    text: String,
    description: String,
    hint: String,
    checked: Option<bool>,
    clickable: bool,
    long_clickable: bool,
    focusable: bool,
    focused: bool,
    selected: bool,
    password: bool,
    /// A button that nothing comes of is there and cannot be pressed.
    disabled: bool,
    scrollable: bool,
    bounds: Rect,
    children: Vec<Widget>,
}

impl Widget {
    /// What a window's own layout consists of.
    fn layout(class: &'static str, id: &str, bounds: Rect, children: Vec<Widget>) -> Widget {
        Widget { class, id: id.to_owned(), bounds, children, ..Widget::default() }
    }

    /// Whether a finger can do something here that nobody can read.
    fn is_unreadable(&self) -> bool {
        self.clickable && !self.has_words()
    }

    fn has_words(&self) -> bool {
        !self.text.is_empty() || !self.description.is_empty() || self.children.iter().any(Widget::has_words)
    }

    /// Whether it only lays out others.
    fn is_layout(&self) -> bool {
        self.text.is_empty() && self.description.is_empty() && !self.focusable && self.checked.is_none()
    }
}

/// The window that has the focus.
struct Window {
    package: String,
    root: Widget,
}

impl Window {
    fn active(world: &World, nodes: &[Node]) -> Window {
        let (width, height) = world.size();
        let display = Rect { left: 0, top: 0, right: width as i32, bottom: height as i32 };
        let dialog = nodes.iter().rposition(|node| node.parent.is_none() && node.id == "dialog");
        let dialog = dialog.filter(|_| !world.is_locked());
        // Whom to share with is asked by the system, in front of the app that shares.
        let system = dialog.is_some_and(|at| nodes[at].window == Layer::System);
        let package = match package(&world.window(), world.front().package) {
            package if system && package == world.front().package => "android".to_owned(),
            package => package,
        };
        let widgets = |tops: &mut dyn Iterator<Item = usize>| -> Vec<Widget> {
            tops.map(|top| widget(nodes, top, &package)).collect()
        };
        let root = if let Some(dialog) = dialog {
            // The shade behind it is the window manager's; the window is as large as the card.
            let mut inside = children(nodes, dialog);
            let card = inside.clone().find(|at| nodes[*at].id == "card");
            let bounds = card.map_or(display, |card| nodes[card].rect.and(nodes[card].clip));
            let content = Widget::layout(FRAME, "android:id/content", bounds, widgets(&mut inside));
            Widget::layout(FRAME, "", bounds, vec![content])
        } else {
            let layer = if world.is_locked() { Layer::System } else { Layer::App };
            let is_top = |node: &Node| node.parent.is_none() && node.window == layer && !is_background(node.id);
            let mut tops = (0..nodes.len()).filter(|at| is_top(&nodes[*at]));
            let content = Widget::layout(FRAME, "android:id/content", display, widgets(&mut tops));
            let column = Widget::layout(class(Class::Row), "", display, vec![content]);
            Widget::layout(FRAME, "", display, vec![column])
        };
        Window { package, root }
    }
}

const FRAME: &str = "android.widget.FrameLayout";

/// Whose window it is, by the name that the window manager has for it.
fn package(window: &str, front: &str) -> String {
    match window.split_once('/') {
        Some((package, _)) => package,
        None if window.starts_with("Application Not Responding") => "android",
        None if window == "NotificationShade" => "com.android.systemui",
        None => front,
    }
    .to_owned()
}

/// What is drawn behind a window and is no widget of it.
fn is_background(id: &str) -> bool {
    matches!(id, "photo" | "column" | "wallpaper")
}

fn children(nodes: &[Node], of: usize) -> impl Iterator<Item = usize> + Clone {
    (of + 1..nodes.len()).filter(move |at| nodes[*at].parent == Some(of))
}

fn widget(nodes: &[Node], at: usize, package: &str) -> Widget {
    let node = &nodes[at];
    let is_field = node.class == Class::Field;
    // A field that is empty tells its hint as its text, as `TextView` has it.
    let text = if is_field && node.text.is_empty() { &node.hint } else { &node.text };
    Widget {
        class: class(node.class),
        id: format!("{package}:id/{}", node.id),
        text: text.clone(),
        description: if is_field { String::new() } else { node.desc.clone() },
        hint: node.hint.clone(),
        checked: node.checked,
        clickable: node.tap.is_some(),
        long_clickable: node.hold.is_some(),
        focusable: node.tap.is_some() || is_field || node.class == Class::List,
        focused: node.focused,
        selected: node.selected,
        password: node.password,
        disabled: node.class == Class::Button && node.tap.is_none() && node.hold.is_none(),
        scrollable: node.scrolls,
        bounds: node.rect.and(node.clip),
        children: children(nodes, at).map(|child| widget(nodes, child, package)).collect(),
    }
}

struct Dump<'a> {
    options: DumpOptions,
    package: &'a str,
    xml: String,
}

impl Dump<'_> {
    fn write(&mut self, widget: &Widget, index: usize) {
        self.xml.push_str("<node");
        if widget.is_unreadable() {
            self.attribute("NAF", "true"); // "Not accessibility friendly".
        }
        self.attribute("index", &index.to_string());
        self.attribute("text", &widget.text);
        self.attribute("resource-id", &widget.id);
        self.attribute("class", widget.class);
        self.attribute("package", self.package);
        self.attribute("content-desc", &widget.description);
        for (name, holds) in [
            ("checkable", widget.checked.is_some()),
            ("checked", widget.checked == Some(true)),
            ("clickable", widget.clickable),
            ("enabled", !widget.disabled),
            ("focusable", widget.focusable),
            ("focused", widget.focused),
            ("scrollable", widget.scrollable),
            ("long-clickable", widget.long_clickable),
            ("password", widget.password),
            ("selected", widget.selected),
        ] {
            self.attribute(name, if holds { "true" } else { "false" });
        }
        let Rect { left, top, right, bottom } = widget.bounds;
        self.attribute("bounds", &format!("[{left},{top}][{right},{bottom}]"));
        if HINTS_FROM <= self.options.api {
            self.attribute("hint", &widget.hint);
        }
        let before = self.xml.len();
        self.xml.push('>');
        let start = self.xml.len();
        let mut index = 0;
        self.write_children(widget, &mut index);
        if self.xml.len() == start {
            self.xml.truncate(before);
            self.xml.push_str(" />");
        } else {
            self.xml.push_str("</node>");
        }
    }

    /// The children that can be seen; in a compressed dump a layout's own children stand in its place.
    fn write_children(&mut self, widget: &Widget, index: &mut usize) {
        for child in &widget.children {
            if self.options.compressed && child.is_layout() {
                self.write_children(child, index);
                continue;
            }
            // Those that cannot be seen are counted and not written.
            if !child.bounds.is_empty() {
                self.write(child, *index);
            }
            *index += 1;
        }
    }

    /// ` name="value"`, between single quotes if a double one is in it: then only those are escaped.
    fn attribute(&mut self, name: &str, value: &str) {
        let quote = if value.contains('"') { '\'' } else { '"' };
        let _ = write!(self.xml, " {name}={quote}");
        for letter in value.chars() {
            match letter {
                '&' => self.xml.push_str("&amp;"),
                '<' => self.xml.push_str("&lt;"),
                '>' => self.xml.push_str("&gt;"),
                '\'' if quote == '\'' => self.xml.push_str("&apos;"),
                '\n' | '\r' | '\t' => {
                    let _ = write!(self.xml, "&#{};", u32::from(letter));
                }
                // What has no place in XML 1.0.
                '\u{1}'..='\u{1F}' | '\u{7F}'..='\u{84}' | '\u{86}'..='\u{9F}' | '\u{FDD0}'..='\u{FDDF}' | '\0' => {
                    self.xml.push('.');
                }
                '\u{10000}'.. => {
                    let _ = write!(self.xml, "&#{};", u32::from(letter));
                }
                letter => self.xml.push(letter),
            }
        }
        self.xml.push(quote);
    }
}

fn class(class: Class) -> &'static str {
    match class {
        Class::Frame => FRAME,
        Class::List => "androidx.recyclerview.widget.RecyclerView",
        Class::Row => "android.widget.LinearLayout",
        Class::Text => "android.widget.TextView",
        Class::Button | Class::Key => "android.widget.Button",
        Class::ImageButton => "android.widget.ImageButton",
        Class::Image => "android.widget.ImageView",
        Class::Switch => "android.widget.Switch",
        Class::Radio => "android.widget.RadioButton",
        Class::Field => "android.widget.EditText",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Event, Input, Key, Options};

    fn world() -> World {
        World::new(Options { seed: 3, ..Options::default() })
    }

    /// The middle of a node's bounds.
    fn center_of(node: &str) -> (i32, i32) {
        let bounds = node.split("bounds=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("it has bounds");
        let numbers: Vec<i32> =
            bounds.split(|letter: char| !letter.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect();
        ((numbers[0] + numbers[2]) / 2, (numbers[1] + numbers[3]) / 2)
    }

    fn xml(world: &World) -> String {
        hierarchy(world, DumpOptions::default()).expect("the display is on")
    }

    /// The values of an attribute, in order.
    fn values<'a>(xml: &'a str, name: &str) -> Vec<&'a str> {
        xml.split(&format!(" {name}=\"")).skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
    }

    /// How many nodes stand beside each other on top.
    fn roots(xml: &str) -> usize {
        let (mut depth, mut roots) = (0, 0);
        for tag in xml.split('<').skip(1) {
            match tag {
                tag if tag.starts_with("/node") => depth -= 1,
                tag if tag.starts_with("node") => {
                    roots += usize::from(depth == 0);
                    depth += i32::from(!tag.trim_end().ends_with("/>"));
                }
                _ => {}
            }
        }
        assert_eq!(depth, 0, "every node is closed");
        roots
    }

    #[test]
    fn every_window_has_one_root_and_one_package() {
        let mut world = world();
        let packages: Vec<&str> = world.apps().iter().map(|app| app.package).collect();
        let check = |world: &World, package: &str, bounds: &str| {
            let xml = xml(world);
            assert_eq!(roots(&xml), 1, "{xml}");
            let root = xml.split("<node").nth(1).unwrap();
            assert!(
                root.starts_with(" index=\"0\" text=\"\" resource-id=\"\" class=\"android.widget.FrameLayout\""),
                "{root}"
            );
            assert!(root.contains(bounds), "{root}");
            let packages = values(&xml, "package");
            assert!(packages.iter().all(|of| *of == package), "{package}: {xml}");
            xml
        };
        let whole = "bounds=\"[0,0][540,1200]\"";
        check(&world, "com.tapwright.launcher", whole);
        for package in packages {
            assert!(world.launch(package));
            check(&world, package, whole);
            world.happen(Event::Permission);
            check(&world, "com.android.permissioncontroller", "bounds=\"[36,");
            world.input(&Input::Press(Key::Back));
            world.happen(Event::Anr);
            check(&world, "android", "bounds=\"[36,");
            world.input(&Input::Press(Key::Back));
        }
        world.happen(Event::Debugging { computer: "me@laptop".into() });
        let asked = check(&world, "com.android.systemui", "bounds=\"[36,");
        assert!(asked.contains("me@laptop"));
        world.happen(Event::DebuggingOver);
        world.happen(Event::Turn { millis: 1000 });
        check(&world, world.front().package, "bounds=\"[0,0][1200,540]\"");
        world.advance(2000);
        world.happen(Event::Lock { dark: false });
        let locked = check(&world, "com.android.systemui", whole);
        assert!(locked.contains("Swipe up to unlock"));
        world.happen(Event::Lock { dark: true });
        assert_eq!(hierarchy(&world, DumpOptions::default()), None, "nothing has the focus on a display that is off");
    }

    #[test]
    fn only_the_window_with_the_focus_is_told() {
        let mut world = world();
        world.launch("com.android.notes");
        let at = |xml: &str, name: &str| -> (i32, i32) {
            center_of(xml.split("<node").find(|node| node.contains(&format!("\"{name}\""))).expect(name))
        };
        let list = xml(&world);
        for of_another in ["nav_back", "nav_home", "id/status", "id/time", "navigation"] {
            assert!(!list.contains(of_another), "{of_another} is a window of its own: {list}");
        }
        let (x, y) = at(&list, "New note");
        world.input(&Input::Tap { x, y });
        world.input(&Input::Type("milk".into()));
        let written = xml(&world);
        assert!(world.field_has_focus() && !written.contains("id/key"), "{written}");
        assert!(written.contains("text=\"milk\"") && written.contains("content-desc=\"Save\""));
        world.happen(Event::Notification {
            package: "com.android.calendar",
            text: "Rain in an hour".into(),
            millis: 1000,
        });
        assert_eq!(xml(&world), written, "a banner takes no focus");
        world.advance(5000);
        world.launch("com.android.contacts");
        let people = xml(&world);
        let name = values(&people, "text").into_iter().filter(|text| !text.is_empty()).nth(2).unwrap().to_owned();
        let (x, y) = at(&people, &name);
        world.input(&Input::Tap { x, y });
        let person = xml(&world);
        let (x, y) = at(&person, "Delete");
        world.input(&Input::Tap { x, y });
        let asked = xml(&world);
        assert!(asked.contains("text=\"Delete contact\"") && !asked.contains("content-desc=\"Back\""), "{asked}");
    }

    #[test]
    fn an_empty_field_says_its_hint_as_phones_do() {
        let mut world = world();
        world.launch("com.android.contacts");
        let list = xml(&world);
        let plus = list
            .split("<node")
            .find(|node| node.contains("content-desc=\"New contact\"") || node.contains("content-desc=\"Add"))
            .expect("a way to a new one");
        let (x, y) = center_of(plus);
        world.input(&Input::Tap { x, y });
        let fields = |api: u32| -> Vec<String> {
            let xml = hierarchy(&world, DumpOptions { api, ..DumpOptions::default() }).unwrap();
            xml.split("<node").filter(|node| node.contains("EditText")).map(str::to_owned).collect()
        };
        assert!(!fields(34).is_empty());
        for (old, new) in fields(34).iter().zip(fields(36)) {
            let hint = values(old, "text")[0];
            assert!(!hint.is_empty() && values(old, "content-desc") == [""], "{old}");
            assert!(!old.contains(" hint="), "{old}");
            assert_eq!(values(&new, "hint"), [hint]);
            assert_eq!(values(&new, "text"), [hint]);
        }
    }

    #[test]
    fn a_compressed_dump_has_no_mere_layout() {
        let mut world = world();
        world.launch("com.android.settings");
        let short = hierarchy(&world, DumpOptions { compressed: true, ..DumpOptions::default() }).unwrap();
        let long = xml(&world);
        assert_eq!(roots(&short), 1);
        assert!(!short.contains("android:id/content") && short.contains("text=\"Wi-Fi\""), "{short}");
        assert!(values(&short, "class").len() < values(&long, "class").len());
    }

    #[test]
    fn text_is_escaped_as_androids_serializer_does() {
        for (text, written) in [
            ("plain", "\"plain\""),
            ("it's", "\"it's\""),
            ("Pay \"49.90\" now", "'Pay \"49.90\" now'"),
            ("x\" a=\"it's", "'x\" a=\"it&apos;s'"),
            ("a<b>&c", "\"a&lt;b&gt;&amp;c\""),
            ("one\ntwo\tthree", "\"one&#10;two&#9;three\""),
            ("\u{1}\u{7f}", "\"..\""),
            ("你好 🙂", "\"你好 &#128578;\""),
        ] {
            let mut dump = Dump { options: DumpOptions::default(), package: "x", xml: String::new() };
            dump.attribute("text", text);
            assert_eq!(dump.xml, format!(" text={written}"));
        }
    }

    proptest! {
        /// Whatever is written into a field, nothing of it can be taken for markup.
        #[test]
        fn no_text_breaks_out(text in "[ -~\n你🙂']{1,40}") {
            let mut dump = Dump { options: DumpOptions::default(), package: "x", xml: String::new() };
            dump.attribute("text", &text);
            let value = dump.xml.strip_prefix(" text=").unwrap();
            let quote = value.chars().next().unwrap();
            let inner = &value[1..value.len() - 1];
            prop_assert!(value.ends_with(quote) && !inner.contains([quote, '<', '>', '\n']));
        }
    }
}
