//! A widget as a program lists it on the accessibility bus (AT-SPI), and the questions that are asked about one.

use tapwright_contract::device::DriverErrorKind;
use zbus::{Connection, Message, OwnedObjectPath};

use crate::tree::Widget;

/// No program is asked about more widgets.
pub(super) const ASKED_MAX: usize = 2000;
/// How many questions are on their way at once.
pub(super) const AT_ONCE: usize = 64;
/// No widget lies in more of them.
pub(super) const DEPTH_MAX: u32 = 64;

pub(super) const REGISTRY: &str = "org.a11y.atspi.Registry";
pub(super) const ROOT: &str = "/org/a11y/atspi/accessible/root";
pub(super) const ACCESSIBLE: &str = "org.a11y.atspi.Accessible";

/// A widget: the program on the bus, and the object.
pub(super) type Reference = (String, OwnedObjectPath);

/// One widget as it was listed.
#[derive(Default)]
pub(super) struct ListedWidget {
    pub path: String,
    pub depth: u32,
    pub interfaces: Vec<String>,
    pub name: String,
    pub description: String,
    pub role: u32,
    pub states: u64,
    /// How many children it says that it has; none if nobody has asked.
    pub children: usize,
    /// How far it lies from where it says: right and down.
    pub shift: (i32, i32),
}

pub(super) mod state {
    pub const CHECKED: u32 = 4;
    pub const EDITABLE: u32 = 7;
    pub const FOCUSED: u32 = 12;
    pub const PRESSED: u32 = 20;
    pub const SENSITIVE: u32 = 24;
    pub const SHOWING: u32 = 25;
    pub const VISIBLE: u32 = 30;
    pub const MANAGES_DESCENDANTS: u32 = 31;
    pub const CHECKABLE: u32 = 41;
}

pub(super) mod role {
    pub const CHECK_BOX: u32 = 7;
    pub const CHECK_MENU_ITEM: u32 = 8;
    pub const MENU_BAR: u32 = 34;
    pub const PASSWORD: u32 = 40;
    pub const RADIO_BUTTON: u32 = 44;
    pub const RADIO_MENU_ITEM: u32 = 45;
    pub const ROOT_PANE: u32 = 46;
    pub const SCROLL_PANE: u32 = 49;
    pub const SPIN_BUTTON: u32 = 52;
    pub const TERMINAL: u32 = 60;
    pub const TEXT: u32 = 61;
    pub const TOGGLE_BUTTON: u32 = 62;
    pub const PARAGRAPH: u32 = 73;
    pub const ENTRY: u32 = 79;
}

/// What the more frequent roles are called here; a field to type into is a `TextField`.
const ROLES: [(u32, &str); 42] = [
    (2, "Alert"),
    (role::CHECK_BOX, "CheckBox"),
    (role::CHECK_MENU_ITEM, "CheckMenuItem"),
    (10, "ColumnHeader"),
    (11, "ComboBox"),
    (16, "Dialog"),
    (19, "FileChooser"),
    (20, "Filler"),
    (23, "Frame"),
    (26, "Icon"),
    (27, "Image"),
    (29, "Label"),
    (31, "List"),
    (32, "ListItem"),
    (33, "Menu"),
    (role::MENU_BAR, "MenuBar"),
    (35, "MenuItem"),
    (37, "PageTab"),
    (38, "PageTabList"),
    (39, "Panel"),
    (role::PASSWORD, "PasswordField"),
    (41, "PopupMenu"),
    (42, "ProgressBar"),
    (43, "Button"),
    (role::RADIO_BUTTON, "RadioButton"),
    (role::RADIO_MENU_ITEM, "RadioMenuItem"),
    (48, "ScrollBar"),
    (role::SCROLL_PANE, "ScrollPane"),
    (51, "Slider"),
    (role::SPIN_BUTTON, "SpinButton"),
    (55, "Table"),
    (56, "TableCell"),
    (role::TERMINAL, "Terminal"),
    (role::TEXT, "TextField"),
    (role::TOGGLE_BUTTON, "ToggleButton"),
    (63, "ToolBar"),
    (65, "Tree"),
    (role::PARAGRAPH, "Paragraph"),
    (role::ENTRY, "TextField"),
    (83, "Heading"),
    (88, "Link"),
    (90, "TableRow"),
];

impl ListedWidget {
    pub fn is(&self, state: u32) -> bool {
        self.states & 1 << state != 0
    }

    pub fn has(&self, interface: &str) -> bool {
        self.interfaces.iter().any(|name| name.rsplit('.').next() == Some(interface))
    }

    pub fn is_seen(&self) -> bool {
        self.is(state::SHOWING) && self.is(state::VISIBLE)
    }

    /// Whether it can be asked for all of its children: a sheet of Calc makes its cells when it is asked, has a milliard of them, and hangs.
    pub fn tells_its_children(&self) -> bool {
        !self.is(state::MANAGES_DESCENDANTS)
    }

    fn class(&self) -> &'static str {
        ROLES.iter().find(|(role, _)| *role == self.role).map_or("Widget", |(_, class)| class)
    }

    /// Whether it may hold words of its own.
    pub fn has_text(&self) -> bool {
        let roles = [role::SPIN_BUTTON, role::TERMINAL, role::TEXT, role::PARAGRAPH, role::ENTRY];
        self.has("Text") && (roles.contains(&self.role) || self.is(state::EDITABLE)) && self.role != role::PASSWORD
    }

    /// Whether it is worth a question: it says something, or something can be done with it.
    pub fn is_of_interest(&self) -> bool {
        let says = !self.name.trim().is_empty() || !self.description.trim().is_empty();
        self.is_seen()
            && self.has("Component")
            && (says || self.has_text() || self.role == role::PASSWORD || self.is(state::FOCUSED))
    }

    pub fn widget(self, bounds: [i32; 4], text: String, app: &str) -> Widget {
        let switches =
            [role::CHECK_BOX, role::CHECK_MENU_ITEM, role::RADIO_BUTTON, role::RADIO_MENU_ITEM, role::TOGGLE_BUTTON];
        let is_switch = switches.contains(&self.role) || self.is(state::CHECKABLE);
        let shown = self.name != text && !self.name.trim().is_empty();
        Widget {
            depth: self.depth,
            is_on: is_switch.then(|| self.is(state::CHECKED) || self.is(state::PRESSED)),
            can_be_touched: self.has("Action") && self.is(state::SENSITIVE) || self.is(state::EDITABLE),
            can_be_scrolled: self.role == role::SCROLL_PANE,
            has_focus: self.is(state::FOCUSED),
            is_password: self.role == role::PASSWORD,
            is_enabled: self.is(state::SENSITIVE),
            class: self.class().to_owned(),
            app: app.to_owned(),
            bounds,
            remarks: if shown && !text.is_empty() { vec![self.name.clone()] } else { Vec::new() },
            text: if text.is_empty() { self.name } else { text },
            description: self.description,
            ..Widget::default()
        }
    }
}

pub(super) fn bus_error(error: zbus::Error) -> DriverErrorKind {
    DriverErrorKind::MalformedResponse { why: format!("the accessibility bus: {error}") }
}

pub(super) fn bits(states: &[u32]) -> u64 {
    states.iter().take(2).rev().fold(0, |bits, word| bits << 32 | u64::from(*word))
}

pub(super) fn body<T: for<'a> zbus::wire::DynamicDeserialize<'a>>(answer: Option<Message>) -> Option<T> {
    let body = answer?.body();
    body.deserialize().ok()
}

pub(super) async fn property(connection: &Connection, program: &str, path: &str, name: &str) -> Option<String> {
    let properties = Some("org.freedesktop.DBus.Properties");
    let answer = connection.call_method(Some(program), path, properties, "Get", &(ACCESSIBLE, name)).await.ok()?;
    let value: zbus::OwnedVariant = body(Some(answer))?;
    String::try_from(value).ok()
}

/// Where a widget says that it is on the screen: left, top, width and height.
pub(super) async fn extents(connection: &Connection, program: &str, path: &str) -> Option<(i32, i32, i32, i32)> {
    /// Of the whole screen, and not of the window.
    const SCREEN: u32 = 0;
    let (interface, method) = ("org.a11y.atspi.Component", "GetExtents");
    body(connection.call_method(Some(program), path, Some(interface), method, &SCREEN).await.ok())
}
