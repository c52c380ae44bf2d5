//! A model that reads: it is told what any model is told, and sees of the screen what `uiautomator dump` tells anybody who asks the
//! phone. Of what is true behind the screen it knows nothing. It is written for the goals of the plans in `docs/examples`, as far as
//! their words: which places, which list, which train stands in the goal.
//!
//! It remembers what it has read, as a model remembers by its own replies; what it has done it reads off the screen.
#![allow(dead_code)] // Not every suite needs all of it.

mod screen;
mod trip;
mod watch;

use std::sync::{Arc, Mutex};

use serde_json::Value;
use tapwright_phone::adbd::Handle;

use crate::program::server::serve_model;
pub use screen::Screen;

/// What it does next.
pub enum Deed {
    Launch(&'static str),
    Tap(i32, i32),
    Type(String),
    /// Shows what is further down.
    Further,
    Back,
    Wait,
    Note(String),
    Finish(String),
    GiveUp(String),
}

impl Deed {
    fn text(&self, screen: &Screen, (width, height): (u32, u32)) -> String {
        let quoted = |text: &str| Value::from(text).to_string();
        let grid = |at: i32, of: u32| (at * 1000 / of as i32 + 1).clamp(0, 999);
        match self {
            Deed::Launch(app) => format!("do(action=\"Launch\", app=\"{app}\")"),
            Deed::Tap(x, y) => {
                format!("do(action=\"Tap\", element=[{},{}])", grid(*x, width), grid(*y, height))
            }
            Deed::Type(text) => format!("do(action=\"Type\", text={})", quoted(text)),
            Deed::Further => {
                let (x, y) = screen.harmless(height).unwrap_or((width as i32 / 2, height as i32 * 7 / 10));
                let (x, y) = (grid(x, width), grid(y, height));
                format!("do(action=\"Swipe\", start=[{x},{y}], end=[{x},{}])", y - 250)
            }
            Deed::Back => "do(action=\"Back\")".to_owned(),
            Deed::Wait => "do(action=\"Wait\", duration=\"1 seconds\")".to_owned(),
            Deed::Note(text) => format!("do(action=\"Note\", message={})", quoted(text)),
            Deed::Finish(text) => format!("finish(message={})", quoted(text)),
            Deed::GiveUp(text) => format!("finish(message={}, status=\"infeasible\")", quoted(text)),
        }
    }
}

/// Reads the screen of a phone and answers prompts about it.
pub struct Reader {
    phone: Handle,
    size: (u32, u32),
    trip: trip::TripMemory,
    watch: watch::WatchMemory,
    /// How often it was told that something may or may not have happened.
    pub doubts: u32,
    /// The last screens and deeds, for a test that fails.
    pub seen: Vec<String>,
}

impl Reader {
    pub fn new(phone: Handle) -> Reader {
        let size = phone.look(|world| world.size());
        Reader {
            phone,
            size,
            trip: trip::TripMemory::default(),
            watch: watch::WatchMemory::default(),
            doubts: 0,
            seen: Vec::new(),
        }
    }

    fn reply(&mut self, request: &Value) -> String {
        let messages = request["messages"].as_array().unwrap();
        let first = messages.iter().find(|message| message["role"] == "user").map(text_of).unwrap_or_default();
        // What follows is told of the screen.
        let goal = first.split("\n\n").next().unwrap_or_default().to_owned();
        if messages.iter().all(|message| message["role"] != "assistant") {
            self.watch.begin();
        }
        let last = messages.last().map(text_of).unwrap_or_default();
        if last.contains("may or may not have happened") {
            self.doubts += 1;
            self.trip.doubt();
        }
        let screen = Screen::read(&self.phone.look(tapwright_phone::World::hierarchy));
        let deed = match &goal {
            goal if goal.contains("post about what to see") => self.trip.sights(&screen),
            goal if goal.contains("In Maps, save each") => self.trip.save(goal, &screen),
            goal if goal.contains("In Rail, order one ticket") => self.trip.ticket(goal, &screen),
            goal if goal.contains("In Notes, write one note") => self.trip.note(goal, &screen),
            goal if goal.contains("posts whose titles begin with") => self.watch.news(goal, &screen),
            _ => Deed::GiveUp("I do not know this goal.".to_owned()),
        };
        let text = deed.text(&screen, self.size);
        self.seen.push(format!("{} | {} | {text}", screen.package, screen.texts().join(" / ")));
        format!("<think>I read {} texts.</think><answer>{text}</answer>", screen.texts().len())
    }
}

/// All words of a message; pictures are left out.
fn text_of(message: &Value) -> String {
    match &message["content"] {
        Value::String(text) => text.clone(),
        parts => {
            let texts = parts.as_array().into_iter().flatten().filter_map(|part| part["text"].as_str());
            texts.collect::<Vec<_>>().join("\n")
        }
    }
}

/// Answers as an OpenAI-compatible server; returns its address.
pub fn serve(reader: Arc<Mutex<Reader>>) -> String {
    serve_model(move |request| reader.lock().unwrap().reply(request))
}
