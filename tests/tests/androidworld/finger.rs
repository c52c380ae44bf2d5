//! A finger that does what a walk says on a phone, and writes down what a model would have to say to have it done.

use serde_json::json;
use tapwright_phone::{ADB_KEYBOARD, Input, Key, MarkContent};

use crate::hand::Hand;

/// How far the grid of a model's positions goes.
const GRID: i32 = 1000;

pub struct Finger {
    pub hand: Hand,
    /// What a model says, action by action.
    pub says: Vec<String>,
}

impl Finger {
    pub fn new(hand: Hand) -> Finger {
        Finger { hand, says: Vec::new() }
    }

    /// Does all of a walk. Returns what the run ends with.
    pub fn walk(&mut self, steps: &str) -> String {
        let mut answer = "All is done.".to_owned();
        for step in steps.split(" > ") {
            let (verb, what) = step.split_once(' ').unwrap_or((step, ""));
            // What was said for a moment is gone.
            self.hand.world.advance(self.hand.world.uptime() + 3000);
            match verb {
                "open" => self.open(what),
                "tap" => self.touch(self.hand.place(what), false),
                "first" => self.touch(self.hand.first_place(what), false),
                "like" => self.touch(self.place_like(what), false),
                "hold" => self.touch(self.hand.place(what), true),
                "field" => self.touch(self.hand.field_place(what.parse().unwrap()), false),
                "repeat" => {
                    let (times, what) = what.split_once(" first ").unwrap();
                    for _ in 0..times.parse().unwrap() {
                        self.touch(self.hand.first_place(what), false);
                    }
                }
                "write" => self.write(&what.replace('|', "\n")),
                "back" => {
                    self.hand.press(Key::Back);
                    self.says.push(r#"do(action="Back")"#.to_owned());
                }
                "see" => assert!(self.hand.shows(what), "`{what}` is not in: {}", self.hand.words()),
                "answer" => answer = what.to_owned(),
                other => panic!("there is no step {other}"),
            }
        }
        answer
    }

    /// Where a word is touched that begins so: a long name is cut.
    fn place_like(&self, start: &str) -> (i32, i32) {
        let marks = self.hand.world.marks().into_iter();
        let found = marks.rev().find(|mark| matches!(&mark.what, MarkContent::Word(word) if word.starts_with(start)));
        let mark = found.unwrap_or_else(|| panic!("nothing begins with `{start}` in: {}", self.hand.words()));
        mark.target.unwrap_or_else(|| mark.rect.center())
    }

    fn open(&mut self, label: &str) {
        let app = self.hand.world.apps().into_iter().find(|app| app.label == label).expect(label);
        assert!(self.hand.world.launch(app.package), "{label}");
        self.says.push(format!("do(action=\"Launch\", app={})", json!(label)));
    }

    /// Touches a place as a model would say it: on its grid.
    fn touch(&mut self, (x, y): (i32, i32), long: bool) {
        let (width, height) = self.hand.world.size();
        let on_grid = |at: i32, size: u32| (at * GRID + size as i32 / 2) / size as i32;
        let of_grid = |at: i32, size: u32| at * size as i32 / GRID;
        let (left, top) = (on_grid(x, width), on_grid(y, height));
        let (x, y) = (of_grid(left, width), of_grid(top, height));
        let (input, action) =
            if long { (Input::LongPress { x, y }, "Long Press") } else { (Input::Tap { x, y }, "Tap") };
        self.hand.world.input(&input);
        self.says.push(format!("do(action=\"{action}\", element=[{left},{top}])"));
    }

    /// The program types with a keyboard of its own, which stays until the run ends, and empties a field first.
    fn write(&mut self, text: &str) {
        assert!(self.hand.world.field_has_focus(), "nothing takes `{text}`: {}", self.hand.words());
        self.hand.world.set_input_method(ADB_KEYBOARD);
        self.hand.world.input(&Input::Clear);
        self.hand.world.input(&Input::Type(text.into()));
        self.says.push(format!("do(action=\"Type\", text={})", json!(text)));
    }
}
