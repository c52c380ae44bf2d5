//! Windows: what lies where, which one is in front, and what a window manager is asked to do with them.

use x11rb::connection::Connection as _;
use x11rb::cookie::Cookie;
use x11rb::protocol::xproto::{
    AtomEnum, ClientMessageEvent, ConfigureWindowAux, ConnectionExt as _, EventMask, GetPropertyReply, InputFocus,
    MapState, StackMode, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;

use super::server::{Fault, Link};
use crate::desktop::window::{AppWindow, WindowOwner, one_line as words};

/// No list of windows is longer.
const WINDOWS_MAX: usize = 256;
/// `_NET_ACTIVE_WINDOW` and the like from a program that acts for its user.
const BY_THE_USER: u32 = 2;

/// What lies on the screen, with its frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TopLevel {
    pub id: Window,
    x: i32,
    y: i32,
    width: i32,
    height: i32,
}

impl TopLevel {
    #[cfg(test)]
    pub fn for_tests(id: Window, [x, y, width, height]: [i32; 4]) -> TopLevel {
        TopLevel { id, x, y, width, height }
    }

    pub fn holds(&self, (x, y): (i32, i32)) -> bool {
        (self.x..self.x + self.width).contains(&x) && (self.y..self.y + self.height).contains(&y)
    }
}

/// What lies at a place, the uppermost first.
pub(crate) fn at(stack: &[TopLevel], place: (i32, i32)) -> Vec<TopLevel> {
    stack.iter().rev().filter(|top| top.holds(place)).copied().collect()
}

impl Link {
    /// What lies on the screen now, the lowest first.
    pub fn stack(&self) -> Result<Vec<TopLevel>, Fault> {
        let children = self.x.query_tree(self.root)?.reply()?.children;
        let mut asked = Vec::with_capacity(children.len());
        for id in children {
            asked.push((id, self.x.get_window_attributes(id)?, self.x.get_geometry(id)?));
        }
        let mut stack = Vec::new();
        for (id, attributes, geometry) in asked {
            // A window may be gone by the time it is asked about.
            let (Ok(attributes), Ok(at)) = (attributes.reply(), geometry.reply()) else { continue };
            if attributes.map_state == MapState::VIEWABLE && attributes.class == WindowClass::INPUT_OUTPUT {
                let edge = 2 * i32::from(at.border_width);
                let (width, height) = (i32::from(at.width) + edge, i32::from(at.height) + edge);
                stack.push(TopLevel { id, x: at.x.into(), y: at.y.into(), width, height });
            }
        }
        Ok(stack)
    }

    /// The numbers that a property holds.
    fn numbers(&self, window: Window, property: u32) -> Result<Vec<u32>, Fault> {
        let length = WINDOWS_MAX as u32;
        match self.x.get_property(false, window, property, AtomEnum::ANY, 0, length)?.reply() {
            Ok(reply) => Ok(reply.value32().into_iter().flatten().collect()),
            Err(error) => gone_is_none(error),
        }
    }

    /// Whether a window manager is there that says what it does.
    pub fn has_window_manager(&self) -> Result<bool, Fault> {
        let check = self.atoms._NET_SUPPORTING_WM_CHECK;
        let Some(window) = self.numbers(self.root, check)?.first().copied() else { return Ok(false) };
        Ok(self.numbers(window, check)?.first() == Some(&window))
    }

    /// The window in front, if one is.
    pub fn active(&self) -> Result<Option<Window>, Fault> {
        let told = self.numbers(self.root, self.atoms._NET_ACTIVE_WINDOW)?;
        Ok(told.first().copied().filter(|window| *window != x11rb::NONE))
    }

    /// Whether a window can be seen. One that has closed is still called the active one until the window manager has heard of it.
    pub fn is_there(&self, window: Window) -> Result<bool, Fault> {
        match self.x.get_window_attributes(window)?.reply() {
            Ok(attributes) => Ok(attributes.map_state == MapState::VIEWABLE),
            Err(error) => gone_is_none(error),
        }
    }

    /// The class of a window, and its instance.
    pub fn class_of(&self, window: Window) -> Result<Option<String>, Fault> {
        match self.x.get_property(false, window, AtomEnum::WM_CLASS, AtomEnum::STRING, 0, 256)?.reply() {
            Ok(reply) => Ok(class(&reply)),
            Err(error) => gone_is_none(error),
        }
    }

    /// Whether a window is there to be answered: it says so, or it belongs to another one.
    pub fn is_dialog(&self, window: Window) -> Result<bool, Fault> {
        let is_kind =
            self.numbers(window, self.atoms._NET_WM_WINDOW_TYPE)?.contains(&self.atoms._NET_WM_WINDOW_TYPE_DIALOG);
        Ok(is_kind || !self.numbers(window, AtomEnum::WM_TRANSIENT_FOR.into())?.is_empty())
    }

    /// Whose a window is.
    pub fn owner_of(&self, window: Window) -> Result<Option<WindowOwner>, Fault> {
        let property = self.x.get_property(false, window, AtomEnum::WM_CLASS, AtomEnum::STRING, 0, 256)?;
        let (instance, class) = match property.reply() {
            Ok(reply) => match both_of_class(&reply) {
                Some(both) => both,
                None => return Ok(None),
            },
            Err(error) => return gone_is_none(error),
        };
        let program = self.process_of(window)?.and_then(program_of);
        Ok(Some(WindowOwner { class, instance, program }))
    }

    /// The process of a window, as its program says.
    pub fn process_of(&self, window: Window) -> Result<Option<u32>, Fault> {
        Ok(self.numbers(window, self.atoms._NET_WM_PID)?.first().copied())
    }

    /// What lies on the screen, the lowest first, each with the process that it belongs to, if that is told.
    pub fn owners(&self) -> Result<Vec<(TopLevel, Option<u32>)>, Fault> {
        let mut frames: Vec<(Window, Option<u32>)> = Vec::new();
        for client in self.numbers(self.root, self.atoms._NET_CLIENT_LIST)? {
            frames.push((self.frame_of(client)?, self.process_of(client)?));
        }
        let mut owners = Vec::new();
        for top in self.stack()? {
            let framed = frames.iter().find(|(frame, _)| *frame == top.id).and_then(|(_, process)| *process);
            // Menus have no frame and say it themselves.
            owners.push((top, if framed.is_some() { framed } else { self.process_of(top.id)? }));
        }
        Ok(owners)
    }

    /// The window right below the root that a window lies in.
    fn frame_of(&self, window: Window) -> Result<Window, Fault> {
        const DEPTH_MAX: u32 = 16;
        let mut at = window;
        for _ in 0..DEPTH_MAX {
            match self.x.query_tree(at)?.reply() {
                Ok(tree) if tree.parent == self.root || tree.parent == x11rb::NONE => break,
                Ok(tree) => at = tree.parent,
                Err(error) => return gone_is_none::<Window>(error),
            }
        }
        Ok(at)
    }

    /// All windows of apps, the lowest first.
    pub fn windows(&self) -> Result<Vec<AppWindow>, Fault> {
        let mut ids = self.numbers(self.root, self.atoms._NET_CLIENT_LIST_STACKING)?;
        if ids.is_empty() {
            ids = self.numbers(self.root, self.atoms._NET_CLIENT_LIST)?;
        }
        let active = self.active()?;
        let mut asked = Vec::with_capacity(ids.len());
        for id in ids {
            asked.push((id, self.ask(id)?));
        }
        let mut windows = Vec::new();
        for (id, asked) in asked {
            if let Some(window) = self.read_window(id, asked, active) {
                windows.push(window);
            }
        }
        Ok(windows)
    }

    fn ask(&self, id: Window) -> Result<Asked<'_>, Fault> {
        let Link { x, atoms, root, .. } = self;
        Ok(Asked {
            name: x.get_property(false, id, atoms._NET_WM_NAME, AtomEnum::ANY, 0, 1024)?,
            old_name: x.get_property(false, id, AtomEnum::WM_NAME, AtomEnum::ANY, 0, 1024)?,
            class: x.get_property(false, id, AtomEnum::WM_CLASS, AtomEnum::STRING, 0, 256)?,
            states: x.get_property(false, id, atoms._NET_WM_STATE, AtomEnum::ATOM, 0, 64)?,
            kinds: x.get_property(false, id, atoms._NET_WM_WINDOW_TYPE, AtomEnum::ATOM, 0, 16)?,
            geometry: x.get_geometry(id)?,
            place: x.translate_coordinates(id, *root, 0, 0)?,
        })
    }

    /// `None` if it is gone, or no window of an app: a panel, the background.
    fn read_window(&self, id: Window, asked: Asked<'_>, active: Option<Window>) -> Option<AppWindow> {
        // Every cookie is asked for its answer, or the answers would be kept for ever.
        let name = asked.name.reply().ok().filter(|name| !name.value.is_empty());
        let old_name = asked.old_name.reply().ok();
        let (class_reply, states, kinds) =
            (asked.class.reply().ok(), asked.states.reply().ok(), asked.kinds.reply().ok());
        let (geometry, place) = (asked.geometry.reply().ok()?, asked.place.reply().ok()?);
        let has = |reply: &Option<GetPropertyReply>, atom: u32| {
            reply.as_ref().and_then(|reply| reply.value32()).is_some_and(|mut atoms| atoms.any(|is| is == atom))
        };
        let atoms = &self.atoms;
        let others =
            [atoms._NET_WM_WINDOW_TYPE_DESKTOP, atoms._NET_WM_WINDOW_TYPE_DOCK, atoms._NET_WM_WINDOW_TYPE_SPLASH];
        if others.iter().any(|kind| has(&kinds, *kind)) {
            return None;
        }
        Some(AppWindow {
            id,
            title: name.or(old_name).map(|name| words(&name.value)).unwrap_or_default(),
            class: class_reply.as_ref().and_then(class).unwrap_or_default(),
            area: [place.dst_x.into(), place.dst_y.into(), geometry.width.into(), geometry.height.into()],
            is_active: active == Some(id),
            is_hidden: has(&states, atoms._NET_WM_STATE_HIDDEN),
        })
    }

    /// Asks the window manager for something.
    fn request(&self, window: Window, kind: u32, data: [u32; 5]) -> Result<(), Fault> {
        let event = ClientMessageEvent::new(32, window, kind, data);
        let mask = EventMask::SUBSTRUCTURE_NOTIFY | EventMask::SUBSTRUCTURE_REDIRECT;
        self.x.send_event(false, self.root, mask, event)?;
        self.x.flush()?;
        Ok(())
    }

    /// Brings a window to the front.
    pub fn activate(&self, window: Window) -> Result<(), Fault> {
        if self.has_window_manager()? {
            return self.request(window, self.atoms._NET_ACTIVE_WINDOW, [BY_THE_USER, x11rb::CURRENT_TIME, 0, 0, 0]);
        }
        self.x.map_window(window)?;
        self.x.configure_window(window, &ConfigureWindowAux::new().stack_mode(StackMode::ABOVE))?;
        self.x.set_input_focus(InputFocus::POINTER_ROOT, window, x11rb::CURRENT_TIME)?;
        self.sync()
    }

    /// Has a window closed, as its own button would.
    pub fn close(&self, window: Window) -> Result<(), Fault> {
        self.request(window, self.atoms._NET_CLOSE_WINDOW, [x11rb::CURRENT_TIME, BY_THE_USER, 0, 0, 0])
    }

    pub fn minimize(&self, window: Window) -> Result<(), Fault> {
        const ICONIC: u32 = 3;
        self.request(window, self.atoms.WM_CHANGE_STATE, [ICONIC, 0, 0, 0, 0])
    }

    pub fn maximize(&self, window: Window, is: bool) -> Result<(), Fault> {
        let (horizontal, vertical) = (self.atoms._NET_WM_STATE_MAXIMIZED_HORZ, self.atoms._NET_WM_STATE_MAXIMIZED_VERT);
        self.request(window, self.atoms._NET_WM_STATE, [is.into(), horizontal, vertical, BY_THE_USER, 0])
    }

    /// Moves a window, with its frame, to a place of the X screen, and gives it a size if one is said.
    pub fn move_window(&self, window: Window, (x, y): (i32, i32), size: Option<(u32, u32)>) -> Result<(), Fault> {
        const NORTH_WEST: u32 = 1;
        let (width, height) = size.unwrap_or_default();
        let parts = 0b11 << 8 | if size.is_some() { 0b11 << 10 } else { 0 };
        let flags = NORTH_WEST | parts | BY_THE_USER << 12;
        self.request(
            window,
            self.atoms._NET_MOVERESIZE_WINDOW,
            [flags, x.cast_unsigned(), y.cast_unsigned(), width, height],
        )
    }

    /// Hides all windows, or shows them again.
    pub fn show_desktop(&self, is: bool) -> Result<(), Fault> {
        self.request(self.root, self.atoms._NET_SHOWING_DESKTOP, [is.into(), 0, 0, 0, 0])
    }

    pub fn shows_desktop(&self) -> Result<bool, Fault> {
        Ok(self.numbers(self.root, self.atoms._NET_SHOWING_DESKTOP)?.first() == Some(&1))
    }

    /// The window of an app that a window lies in, by its class: keys go to an inner one at times.
    pub fn owner(&self, window: Window) -> Result<Option<Window>, Fault> {
        const DEPTH_MAX: u32 = 32;
        let mut window = window;
        for _ in 0..DEPTH_MAX {
            if window <= 1 || window == self.root {
                return Ok(None);
            }
            if self.class_of(window)?.is_some() {
                return Ok(Some(window));
            }
            match self.x.query_tree(window)?.reply() {
                Ok(tree) => window = tree.parent,
                Err(error) => return gone_is_none(error),
            }
        }
        Ok(None)
    }

    /// Asks the app of a window for a sign of life, which it gives after it has read all that came before; whether it is one that does.
    pub fn ping(&mut self, window: Window) -> Result<bool, Fault> {
        let atoms = &self.atoms;
        if !self.numbers(window, atoms.WM_PROTOCOLS)?.contains(&atoms._NET_WM_PING) {
            return Ok(false);
        }
        self.listen(EventMask::SUBSTRUCTURE_NOTIFY)?;
        self.pong = None;
        let data = [atoms._NET_WM_PING, PING, window, 0, 0];
        let event = ClientMessageEvent::new(32, window, atoms.WM_PROTOCOLS, data);
        self.x.send_event(false, window, EventMask::NO_EVENT, event)?;
        self.x.flush()?;
        Ok(true)
    }

    /// Whether the sign of life has come.
    pub fn has_answered(&mut self, window: Window) -> Result<bool, Fault> {
        self.sync()?;
        self.read_events()?;
        Ok(self.pong == Some(window))
    }

    /// Chooses which news of the root window come.
    pub fn listen(&self, mask: EventMask) -> Result<(), Fault> {
        let mask = x11rb::protocol::xproto::ChangeWindowAttributesAux::new().event_mask(mask);
        self.x.change_window_attributes(self.root, &mask)?;
        Ok(())
    }

    /// Notes a sign of life.
    pub(super) fn hear(&mut self, event: &ClientMessageEvent) {
        let data = event.data.as_data32();
        if event.type_ == self.atoms.WM_PROTOCOLS && data[0] == self.atoms._NET_WM_PING && data[1] == PING {
            self.pong = Some(data[2]);
        }
    }
}

/// By which our own question is known: no time at which anybody else asks.
const PING: u32 = 0x7461_7077;

/// What was asked about one window, all at once.
struct Asked<'a> {
    name: Cookie<'a, RustConnection, GetPropertyReply>,
    old_name: Cookie<'a, RustConnection, GetPropertyReply>,
    class: Cookie<'a, RustConnection, GetPropertyReply>,
    states: Cookie<'a, RustConnection, GetPropertyReply>,
    kinds: Cookie<'a, RustConnection, GetPropertyReply>,
    geometry: Cookie<'a, RustConnection, x11rb::protocol::xproto::GetGeometryReply>,
    place: Cookie<'a, RustConnection, x11rb::protocol::xproto::TranslateCoordinatesReply>,
}

/// A window that is gone has nothing.
fn gone_is_none<T: Default>(error: x11rb::errors::ReplyError) -> Result<T, Fault> {
    match error {
        x11rb::errors::ReplyError::X11Error(_) => Ok(T::default()),
        error => Err(error.into()),
    }
}

/// Two words, each with a zero at its end: the instance and the class.
fn both_of_class(reply: &GetPropertyReply) -> Option<(String, String)> {
    let mut parts = reply.value.split(|byte| *byte == 0).filter(|part| !part.is_empty());
    let first = parts.next()?;
    Some((words(first), words(parts.next().unwrap_or(first))))
}

fn class(reply: &GetPropertyReply) -> Option<String> {
    both_of_class(reply).map(|(_, class)| class)
}

/// The name of the file that a process of this machine runs.
fn program_of(process: u32) -> Option<String> {
    let file = std::fs::read_link(format!("/proc/{process}/exe")).ok()?;
    let name = file.file_name()?.to_string_lossy();
    let name = name.strip_suffix(" (deleted)").unwrap_or(&name);
    Some(words(name.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_uppermost_comes_first_and_edges_count() {
        let top = |id, x, width| TopLevel { id, x, y: 0, width, height: 10 };
        let stack = [top(1, 0, 100), top(2, 50, 10), top(3, -5, 10)];
        let ids = |place| at(&stack, place).iter().map(|top| top.id).collect::<Vec<_>>();
        assert_eq!(ids((4, 0)), [3, 1]);
        assert_eq!(ids((5, 9)), [1]);
        assert_eq!(ids((55, 0)), [2, 1]);
        assert_eq!(ids((60, 0)), [1]);
        assert_eq!(ids((0, 10)), [0u32; 0]);
    }
}
