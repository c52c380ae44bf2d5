//! An app for tests: a window in three colours, without a frame, that writes down what it is told by the X server.

use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tapwright_drivers::desktop::PrivateDesktop;
use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    AtomEnum, ChangeGCAux, ConnectionExt as _, CreateGCAux, CreateWindowAux, EventMask, InputFocus, KeyButMask,
    PropMode, Rectangle, Window, WindowClass,
};
use x11rb::rust_connection::{DefaultStream, RustConnection};
use x11rb::wrapper::ConnectionExt as _;

/// What the rows of its window are drawn in: red, green, blue.
pub const ROWS: [u32; 3] = [0xff_2000, 0x20_ff40, 0x10_30f0];

/// How it behaves.
#[derive(Clone, Copy, Default)]
pub struct Habits {
    /// Whether it answers whether it lives.
    pub answers: bool,
    /// How long it does something else before it reads each thing that it is told.
    pub slow: Duration,
}

pub struct App {
    pub window: Window,
    notes: Arc<Mutex<Vec<String>>>,
    connection: Arc<RustConnection>,
    thread: Option<JoinHandle<()>>,
}

/// A connection to a private desktop, as any program has one.
pub fn connect(desktop: &PrivateDesktop) -> RustConnection {
    let tapwright_drivers::desktop::Entrance::Socket { path, cookie } = desktop.entrance() else { unreachable!() };
    let (stream, _) = DefaultStream::from_unix_stream(UnixStream::connect(path).unwrap()).unwrap();
    RustConnection::connect_to_stream_with_auth_info(stream, 0, b"MIT-MAGIC-COOKIE-1".to_vec(), cookie).unwrap()
}

impl App {
    /// Opens its window at a place, without asking the window manager, and takes the focus.
    pub fn open(desktop: &PrivateDesktop, [x, y, width, height]: [i16; 4], habits: Habits) -> App {
        let connection = Arc::new(connect(desktop));
        let c = &*connection;
        let root = c.setup().roots[0].root;
        let window = c.generate_id().unwrap();
        let mask = EventMask::KEY_PRESS
            | EventMask::BUTTON_PRESS
            | EventMask::BUTTON_RELEASE
            | EventMask::BUTTON_MOTION
            | EventMask::EXPOSURE
            | EventMask::STRUCTURE_NOTIFY;
        let aux = CreateWindowAux::new().override_redirect(1).event_mask(mask).background_pixel(0);
        let (width, height) = (width as u16, height as u16);
        c.create_window(0, window, root, x, y, width, height, 0, WindowClass::INPUT_OUTPUT, 0, &aux).unwrap();
        c.change_property8(PropMode::REPLACE, window, AtomEnum::WM_CLASS, AtomEnum::STRING, b"test\0Test\0").unwrap();
        let atom = |name: &str| c.intern_atom(false, name.as_bytes()).unwrap().reply().unwrap().atom;
        let (protocols, ping) = (atom("WM_PROTOCOLS"), atom("_NET_WM_PING"));
        if habits.answers {
            c.change_property32(PropMode::REPLACE, window, protocols, AtomEnum::ATOM, &[ping]).unwrap();
        }
        c.map_window(window).unwrap();
        let context = c.generate_id().unwrap();
        c.create_gc(context, window, &CreateGCAux::new()).unwrap();
        c.flush().unwrap();
        // It is there when it is visible.
        while !matches!(c.wait_for_event().unwrap(), Event::Expose(_)) {}
        for (row, colour) in ROWS.into_iter().enumerate() {
            c.change_gc(context, &ChangeGCAux::new().foreground(colour)).unwrap();
            let high = height / 3;
            let area = Rectangle { x: 0, y: (row as u16 * high) as i16, width, height: high };
            c.poly_fill_rectangle(window, context, &[area]).unwrap();
        }
        c.set_input_focus(InputFocus::POINTER_ROOT, window, x11rb::CURRENT_TIME).unwrap();
        c.get_input_focus().unwrap().reply().unwrap();
        let notes = Arc::new(Mutex::new(Vec::new()));
        let thread = thread::spawn({
            let (connection, notes) = (connection.clone(), notes.clone());
            move || watch(&connection, root, (protocols, ping), habits, &notes)
        });
        App { window, notes, connection, thread: Some(thread) }
    }

    /// What it was told since it was last asked; it is waited for until there are `count` notes, or a while.
    pub fn notes(&self, count: usize) -> Vec<String> {
        for _ in 0..400 {
            if self.notes.lock().unwrap().len() >= count {
                break;
            }
            thread::sleep(Duration::from_millis(10));
        }
        // One more than wanted is to be seen too.
        thread::sleep(Duration::from_millis(20));
        std::mem::take(&mut *self.notes.lock().unwrap())
    }

    /// Whether it was told something since it was last asked.
    pub fn has_notes(&self) -> bool {
        !self.notes.lock().unwrap().is_empty()
    }

    /// What it noted until something that begins so, which is waited for.
    pub fn notes_until(&self, last: &str) -> Vec<String> {
        for _ in 0..400 {
            if self.notes.lock().unwrap().last().is_some_and(|note| note.starts_with(last)) {
                break;
            }
            thread::sleep(Duration::from_millis(10));
        }
        self.notes(0)
    }

    /// The text that it was told, key by key.
    pub fn text(&self, characters: usize) -> String {
        self.notes(characters)
            .iter()
            .filter_map(|note| note.strip_prefix("key "))
            .map(|note| note.split_once(' ').map_or(note, |(key, _)| key))
            .map(character)
            .collect()
    }

    pub fn close(mut self) {
        self.connection.destroy_window(self.window).unwrap();
        self.connection.flush().unwrap();
        self.thread.take().unwrap().join().unwrap();
    }
}

/// What a symbol types.
fn character(symbol: &str) -> char {
    match u32::from_str_radix(symbol, 16).unwrap() {
        0xff0d => '\n',
        0xff09 => '\t',
        latin @ 0x20..=0xff => char::from_u32(latin).unwrap(),
        other => char::from_u32(other & 0x00ff_ffff).unwrap(),
    }
}

fn watch(c: &RustConnection, root: Window, (protocols, ping): (u32, u32), habits: Habits, notes: &Mutex<Vec<String>>) {
    let (first, last) = (c.setup().min_keycode, c.setup().max_keycode);
    let read = || c.get_keyboard_mapping(first, last - first + 1).unwrap().reply().unwrap();
    let mut layout = None;
    let note = |text: String| notes.lock().unwrap().push(text);
    let states = |state: KeyButMask| {
        let names = [
            (KeyButMask::CONTROL, "control"),
            (KeyButMask::SHIFT, "shift"),
            (KeyButMask::MOD1, "alt"),
            (KeyButMask::MOD4, "meta"),
        ];
        let held: Vec<&str> =
            names.iter().filter(|(mask, _)| u16::from(state) & u16::from(*mask) != 0).map(|(_, name)| *name).collect();
        if held.is_empty() { String::new() } else { format!(" with {}", held.join("+")) }
    };
    loop {
        let Ok(event) = c.wait_for_event() else { return };
        thread::sleep(habits.slow);
        match event {
            Event::DestroyNotify(_) => return,
            // As programs do: the layout is read when it is needed, which may be later than a key was pressed.
            Event::MappingNotify(_) => layout = None,
            Event::KeyPress(key) => {
                let layout = layout.get_or_insert_with(read);
                let columns = usize::from(layout.keysyms_per_keycode);
                let symbols = &layout.keysyms[columns * usize::from(key.detail - first)..][..columns];
                let is_shifted = u16::from(key.state) & u16::from(KeyButMask::SHIFT) != 0;
                let symbol = if is_shifted && symbols[1] != 0 { symbols[1] } else { symbols[0] };
                if !(0xffe1..=0xffee).contains(&symbol) && symbol != 0 {
                    note(format!("key {symbol:x}{}", states(key.state)));
                }
            }
            Event::ButtonPress(button) => {
                note(format!(
                    "press {} at {},{}{}",
                    button.detail,
                    button.event_x,
                    button.event_y,
                    states(button.state)
                ));
            }
            Event::ButtonRelease(button) => {
                note(format!("release {} at {},{}", button.detail, button.event_x, button.event_y))
            }
            Event::MotionNotify(_) => note("move".to_owned()),
            Event::ClientMessage(mut message) if message.type_ == protocols && message.data.as_data32()[0] == ping => {
                message.window = root;
                let mask = EventMask::SUBSTRUCTURE_NOTIFY | EventMask::SUBSTRUCTURE_REDIRECT;
                c.send_event(false, root, mask, message).unwrap();
                c.flush().unwrap();
            }
            _ => {}
        }
    }
}
