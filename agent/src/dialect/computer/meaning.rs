//! What actions mean, each after those before it: a click without a place is where the pointer was moved to, and a key that is held
//! down goes with what follows.

use std::time::Duration;

use serde_json::{Value as Json, json};
use tapwright_contract::gesture::{Button, Clicks, KeyName, Modifier};

use super::given::{AT, ActionArguments, number};
use super::keys::{self, KeyChord};
use super::verb::{VERBS, Verb, verb};
use super::{ACTIONS_MAX, RawCall};
use crate::action::{Action, Call};
use crate::calls::{ApiCall, ApiCatalog, INSTRUCTION, with_journal_numbers};
use crate::dialect::Unclear;
use crate::dialect::frame::Frame;
use crate::dialect::value::Value;
use crate::dialect::words::{excerpt, plain_name, seconds, unclear};
use crate::place::Place;

/// How far a wheel is turned where it is not said.
const NOTCHES: f64 = 5.0;
/// More than so many are pixels.
const NOTCHES_MAX: f64 = 25.0;
/// As many pixels as a notch moves what is shown, roughly.
const PIXELS_A_NOTCH: f64 = 100.0;
/// The longest wait that can be said; how long is really waited is the caller's limit.
const WAIT_MAX_S: f64 = 3600.0;
/// A wait where it is not said how long.
const WAIT_S: f64 = 2.0;
/// How far a way may be off a straight line to be one, in parts of the display.
const STRAIGHT: u32 = 50;

const TEXT: &[&str] = &["text", "content", "value", "message", "string"];
const MESSAGE: &[&str] =
    &["message", "content", "text", "answer", "result", "reason", "msg", "note", "instruction", "question"];
const KEYS: &[&str] = &["keys", "key", "text", "hotkey", "combination", "value", "key_comb"];

/// Understands actions in order.
pub(super) struct Meaning<'a> {
    frame: &'a Frame,
    apis: &'a ApiCatalog,
    pointer: Option<Place>,
    held: Vec<Modifier>,
    /// Where the left button was pressed and not let go yet.
    pressed: Option<Place>,
    /// A key that is no modifier, and is held down.
    key_down: Option<KeyName>,
    calls: Vec<Result<Call, Unclear>>,
}

impl<'a> Meaning<'a> {
    pub(super) fn new(frame: &'a Frame, apis: &'a ApiCatalog) -> Meaning<'a> {
        Meaning {
            frame,
            apis,
            pointer: frame.pointer,
            held: Vec::new(),
            pressed: None,
            key_down: None,
            calls: Vec::new(),
        }
    }

    /// Takes the next action, or what stands in place of one. Returns whether more can be taken.
    pub(super) fn take(&mut self, raw: Result<RawCall, Unclear>) -> bool {
        if self.calls.len() >= ACTIONS_MAX {
            self.calls.push(Err(unclear(format!("at most {ACTIONS_MAX} actions a turn; the others were not done"))));
            return false;
        }
        match raw.and_then(|raw| self.understand(&raw)) {
            Ok(goes_on) => goes_on,
            Err(unclear) => {
                self.calls.push(Err(unclear));
                false
            }
        }
    }

    /// All that was understood, up to what was not.
    pub(super) fn calls(mut self) -> Vec<Result<Call, Unclear>> {
        let is_whole = self.calls.iter().all(Result::is_ok);
        if self.pressed.is_some() && is_whole {
            let (from, to) = (self.frame.print(self.frame.middle()), self.frame.print(self.frame.middle()));
            self.calls.push(Err(unclear(format!(
                "a button cannot stay pressed after your turn; write drag(start={from}, end={to})"
            ))));
        } else if let Some(key) = self.key_down.take().filter(|_| is_whole) {
            self.do_it(Action::Chord { modifiers: self.held.clone(), key });
        } else if self.calls.is_empty() && !self.held.is_empty() {
            self.calls.push(Err(unclear("a key cannot stay pressed after your turn; write hotkey(keys=\"ctrl+s\")")));
        }
        // A look after the last action comes anyway.
        if self.calls.len() > 1
            && matches!(self.calls.last(), Some(Ok(Call::Do(Action::Wait { duration }))) if duration.is_zero())
        {
            self.calls.pop();
        }
        self.calls
    }

    fn do_it(&mut self, action: Action) {
        self.calls.push(Ok(Call::Do(action)));
    }

    /// Understands one action; returns whether others can follow it.
    fn understand(&mut self, raw: &RawCall) -> Result<bool, Unclear> {
        let frame = *self.frame;
        let given = ActionArguments { arguments: &raw.arguments, frame: &frame };
        let verb = match verb(&raw.name) {
            // In this library `move` and `drag` go by so much, rather than to a place.
            Some(Verb::Move) if is_pyautogui(raw) && plain_name(&raw.name) == "move" => Verb::MoveBy,
            Some(Verb::Drag) if is_pyautogui(raw) => Verb::DragBy,
            Some(verb) => verb,
            None if self.apis.named(&raw.name).is_some() => Verb::Call,
            None => return Err(unclear(format!("there is no action {:?}; write one of: {VERBS}", excerpt(&raw.name)))),
        };
        match verb {
            Verb::Click { button, count } => self.click(raw, &given, button, count)?,
            Verb::LongPress => {
                let at = self.place_or_pointer(&given, "long_press")?;
                self.do_it(Action::LongPress { at });
            }
            Verb::Move => {
                let at = given.place(AT)?.ok_or_else(|| self.needs_a_place("move"))?;
                self.point(at);
            }
            Verb::MoveBy => {
                let at = self.beside(&given)?;
                self.point(at);
            }
            Verb::Drag | Verb::Swipe => self.drag(&given, verb == Verb::Swipe)?,
            Verb::DragTo | Verb::DragBy => {
                let from = self.pointer.ok_or_else(|| self.needs_two_places())?;
                let to = match verb {
                    Verb::DragTo => given.place(AT)?.ok_or_else(|| self.needs_two_places())?,
                    _ => self.beside(&given)?,
                };
                self.drag_between(from, to)?;
            }
            Verb::Scroll | Verb::ScrollAside => self.scroll(&given, verb == Verb::ScrollAside)?,
            Verb::Chord | Verb::Press | Verb::KeyDown | Verb::KeyUp | Verb::SystemKey => {
                self.keys(raw, &given, verb)?
            }
            Verb::Type => self.type_text(&given)?,
            Verb::ButtonDown | Verb::ButtonUp => self.button(&given, verb == Verb::ButtonDown)?,
            Verb::Back => self.do_it(Action::Back),
            Verb::Home => self.do_it(Action::Home),
            Verb::Launch => {
                let app = given
                    .any_text(&["app", "app_name", "name", "text", "application"])
                    .filter(|app| !app.trim().is_empty());
                let app = app.ok_or_else(|| unclear("launch needs the app's name; write launch(app=\"Files\")"))?;
                self.do_it(Action::Launch { app });
            }
            Verb::Wait => {
                let duration = wait(raw, &given)?;
                self.do_it(Action::Wait { duration });
            }
            Verb::Look => self.do_it(Action::Wait { duration: Duration::ZERO }),
            Verb::Call => {
                let call = self.call(raw, &given)?;
                self.do_it(call);
            }
            Verb::Note => {
                let message = given.any_text(MESSAGE).unwrap_or_default();
                let keeps_page = message.trim().is_empty();
                self.do_it(Action::Note { message, keeps_page });
            }
            Verb::Recall => {
                let instruction = given.any_text(MESSAGE).unwrap_or_default();
                self.do_it(Action::Recall { instruction });
            }
            Verb::Choose => {
                let message = given.any_text(MESSAGE).unwrap_or_default();
                self.do_it(Action::Interact { message });
            }
            Verb::TakeOver => {
                let message = given.any_text(MESSAGE).unwrap_or_default();
                self.do_it(Action::TakeOver { message });
            }
            Verb::Answer | Verb::Finish | Verb::Fail => {
                self.calls.push(Ok(ending(verb, &given)));
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A place that is given, or where the pointer is.
    fn place_or_pointer(&mut self, given: &ActionArguments<'_>, verb: &str) -> Result<Place, Unclear> {
        match given.place(AT)? {
            Some(at) => {
                self.pointer = Some(at);
                Ok(at)
            }
            None => {
                let at = self.pointer.ok_or_else(|| self.needs_a_place(verb))?;
                // The pointer goes there with what is done there.
                if self.calls.last() == Some(&Ok(Call::Do(Action::Move { at }))) {
                    self.calls.pop();
                }
                Ok(at)
            }
        }
    }

    fn needs_a_place(&self, verb: &str) -> Unclear {
        unclear(format!("{verb} needs a place; write {verb}(at={})", self.frame.print(self.frame.middle())))
    }

    fn needs_two_places(&self) -> Unclear {
        let at = self.frame.print(self.frame.middle());
        unclear(format!(
            "a drag needs two places; write drag(start={at}, end={at}) with where it begins and where it ends"
        ))
    }

    fn point(&mut self, at: Place) {
        self.pointer = Some(at);
        if self.pressed.is_none() {
            self.do_it(Action::Move { at });
        }
    }

    /// The place that lies by two numbers beside the pointer.
    fn beside(&self, given: &ActionArguments<'_>) -> Result<Place, Unclear> {
        let by = |names: &[&str], nth| given.number(names).or_else(|| given.plain_number(nth));
        let (right, down) = (by(&["xoffset", "x_offset", "dx", "x"], 0), by(&["yoffset", "y_offset", "dy", "y"], 1));
        let (Some(right), Some(down), Some(from)) = (right, down, self.pointer) else {
            return Err(unclear(format!(
                "it is not known where the pointer is; write a place: move(at={})",
                self.frame.print(self.frame.middle())
            )));
        };
        let (x, y) = self.frame.numbers(from);
        self.frame.place(x + right, y + down)
    }

    fn click(
        &mut self,
        raw: &RawCall,
        given: &ActionArguments<'_>,
        button: Option<Button>,
        count: Option<u32>,
    ) -> Result<(), Unclear> {
        let modifiers = self.modifiers(given)?;
        let at = self.place_or_pointer(given, &raw.name)?;
        let button = match (button, given.text(&["button", "button_type", "mouse_button"])) {
            (Some(button), _) => button,
            (None, Some(name)) => button_of(&name)?,
            (None, None) => Button::Left,
        };
        // Of two numbers of a place no one is a count.
        let third = || given.plain_number(2).filter(|_| given.arguments.plain.len() > 2);
        let said = given.number(&["num_clicks", "clicks", "count", "click_count", "times"]);
        let count = match count.map(f64::from).or(said).or_else(third) {
            None => Clicks::Single,
            Some(1.0) => Clicks::Single,
            Some(2.0) => Clicks::Double,
            Some(3.0) => Clicks::Triple,
            Some(many) => {
                return Err(unclear(format!("a place is clicked once, twice or three times, and not {many} times")));
            }
        };
        let warning = given.text(&["message"]).filter(|message| !message.trim().is_empty());
        let is_plain = button == Button::Left && count == Clicks::Single && modifiers.is_empty();
        self.do_it(match warning {
            Some(message) if is_plain => Action::SensitiveTap { at, message },
            _ if self.frame.is_touched() && is_plain => Action::Tap { at },
            _ if self.frame.is_touched() && button == Button::Left && count == Clicks::Double => {
                Action::DoubleTap { at }
            }
            _ => Action::Click { at, button, count, modifiers },
        });
        Ok(())
    }

    /// The keys that are held with a click: those that are down, and those that it names.
    fn modifiers(&self, given: &ActionArguments<'_>) -> Result<Vec<Modifier>, Unclear> {
        let mut modifiers = self.held.clone();
        for name in ["modifiers", "hold_keys", "text", "key", "keys", "modifier"] {
            for said in given.named(&[name]).and_then(|_| given.texts(&[name])).into_iter().flatten() {
                for piece in said.split(['+', ' ', ',']).filter(|piece| !piece.is_empty()) {
                    match keys::modifier(piece) {
                        Some(modifier) => modifiers.push(modifier),
                        None if name == "text" => {} // Some families say there what is clicked.
                        None => {
                            let why = format!(
                                "{:?} cannot be held with a click; ctrl, shift, alt and super can",
                                excerpt(piece)
                            );
                            return Err(unclear(why));
                        }
                    }
                }
            }
        }
        modifiers.sort();
        modifiers.dedup();
        Ok(modifiers)
    }

    fn drag(&mut self, given: &ActionArguments<'_>, swipes: bool) -> Result<(), Unclear> {
        let path = given.path()?;
        if let [from, .., to] = path[..] {
            if path.iter().any(|via| !is_between(*via, from, to)) {
                return Err(unclear("a drag goes in a straight line; write one drag for each part of the way"));
            }
            return self.drag_between(from, to);
        }
        const FROM: &[&str] = &[
            "start",
            "start_box",
            "start_coordinate",
            "start_point",
            "from",
            "from_coordinate",
            "drag_from_coordinate",
            "startcoordinate",
            "source",
        ];
        const TO: &[&str] = &[
            "end",
            "end_box",
            "end_coordinate",
            "end_point",
            "to",
            "to_coordinate",
            "drop_on_coordinate",
            "endcoordinate",
            "coordinate2",
            "target",
            "destination",
        ];
        let of = |names| given.named(names).map(|_| given.place(names)).transpose().map(Option::flatten);
        let ends = || match (given.number(&["x2", "end_x"]), given.number(&["y2", "end_y"])) {
            (Some(x), Some(y)) => self.frame.place(x, y).map(Some),
            _ => Ok(None),
        };
        let (from, to, there) = (of(FROM)?, of(TO)?.or(ends()?), of(&["coordinate", "coordinates", "point"])?);
        let (from, to) = match (from, to, there) {
            (Some(from), Some(to), _) | (Some(from), None, Some(to)) | (None, Some(to), Some(from)) => {
                (Some(from), Some(to))
            }
            // Only where it ends: it begins where the pointer is.
            (None, None, Some(to)) => (self.pointer, Some(to)),
            (None, Some(to), None) => (given.place(&[])?.or(self.pointer), Some(to)),
            (from, None, None) => (from.or(given.plain_place(0)?), given.plain_place(1)?),
        };
        let (Some(from), Some(to)) = (from, to) else { return Err(self.needs_two_places()) };
        if swipes {
            self.pointer = Some(to);
            self.do_it(Action::Swipe { from, to });
            return Ok(());
        }
        self.drag_between(from, to)
    }

    fn drag_between(&mut self, from: Place, to: Place) -> Result<(), Unclear> {
        if !self.held.is_empty() {
            return Err(unclear("nothing can be held while something is dragged; write the drag alone"));
        }
        if self.calls.last() == Some(&Ok(Call::Do(Action::Move { at: from }))) {
            self.calls.pop();
        }
        self.pointer = Some(to);
        self.do_it(Action::Drag { from, to });
        Ok(())
    }

    fn button(&mut self, given: &ActionArguments<'_>, is_pressed: bool) -> Result<(), Unclear> {
        if let Some(name) = given.text(&["button"])
            && button_of(&name)? != Button::Left
        {
            return Err(unclear("only the left button can drag; write right_click or middle_click for the others"));
        }
        let at = self.place_or_pointer(given, "move")?;
        match (is_pressed, self.pressed.take()) {
            (true, _) => self.pressed = Some(at),
            (false, Some(from)) if from == at => {
                let modifiers = self.held.clone();
                self.do_it(Action::Click { at, button: Button::Left, count: Clicks::Single, modifiers });
            }
            (false, Some(from)) => self.drag_between(from, at)?,
            (false, None) => return Err(self.needs_two_places()),
        }
        Ok(())
    }

    fn scroll(&mut self, given: &ActionArguments<'_>, aside: bool) -> Result<(), Unclear> {
        if !self.held.is_empty() {
            return Err(unclear("nothing can be held while the wheel turns; write the scroll alone"));
        }
        let (right, down) = self.way(given, aside)?;
        let place = match given.arguments.plain.first() {
            // `scroll(-3, x, y)`
            Some(Value::Number(_)) => match (given.plain_number(1), given.plain_number(2)) {
                (Some(x), Some(y)) => Some(self.frame.place(x, y)?),
                _ if given.named(&["x"]).is_some() || given.named(AT).is_some() => given.place(AT)?,
                _ => None,
            },
            _ => given.place(AT)?,
        };
        let at = place.or(self.pointer).unwrap_or_else(|| self.frame.middle());
        if self.calls.last() == Some(&Ok(Call::Do(Action::Move { at }))) {
            self.calls.pop();
        }
        self.pointer = Some(at);
        let (right, down) = (notches(right), notches(down));
        if (right, down) == (0, 0) {
            return Err(unclear("a scroll by nothing does nothing; say how many notches of the wheel"));
        }
        self.do_it(Action::Scroll { at, right, down });
        Ok(())
    }

    /// How far a wheel turns, to the right and down.
    fn way(&self, given: &ActionArguments<'_>, aside: bool) -> Result<(f64, f64), Unclear> {
        const AMOUNT: &[&str] = &[
            "amount",
            "scroll_amount",
            "step",
            "steps",
            "clicks",
            "ticks",
            "notches",
            "num",
            "distance",
            "pixels",
            "scroll_distance",
        ];
        let plain = &given.arguments.plain;
        let said = given.text(&["direction", "scroll_direction"]).or_else(|| {
            let words = plain.iter().filter_map(|value| match value {
                Value::Text(word) | Value::Word(word) => Some(word.to_lowercase()),
                _ => None,
            });
            words.into_iter().find(|word| ["up", "down", "left", "right"].contains(&word.as_str()))
        });
        if let Some(direction) = said {
            let by = given.number(AMOUNT).or_else(|| plain.iter().find_map(number)).unwrap_or(NOTCHES).abs();
            return match direction.trim().to_lowercase().as_str() {
                "up" => Ok((0.0, -by)),
                "down" => Ok((0.0, by)),
                "left" => Ok((-by, 0.0)),
                "right" => Ok((by, 0.0)),
                _ => Err(unclear("a scroll's direction is up, down, left or right")),
            };
        }
        let along = |more: &[&str], less: &[&str]| match (given.number(more), given.number(less)) {
            (None, None) => None,
            (more, less) => Some(more.unwrap_or(0.0) - less.unwrap_or(0.0)),
        };
        match (along(&["right", "scroll_x"], &["left"]), along(&["down", "scroll_y"], &["up"])) {
            (None, None) => {}
            (right, down) => return Ok((right.unwrap_or(0.0), down.unwrap_or(0.0))),
        }
        // A wheel's own convention: up is more. Two numbers without names are a place.
        let turned = given
            .number(&["pixels", "clicks", "dy", "amount"])
            .or_else(|| given.plain_number(0).filter(|_| plain.len() != 2));
        match (turned, given.number(&["dx"])) {
            (Some(right), None) if aside => Ok((right, 0.0)),
            (None, None) => {
                let at = self.frame.print(self.frame.middle());
                Err(unclear(format!("a scroll says how far; write scroll(at={at}, down=3), or up, left or right")))
            }
            (up, right) => Ok((right.unwrap_or(0.0), -up.unwrap_or(0.0))),
        }
    }

    fn keys(&mut self, raw: &RawCall, given: &ActionArguments<'_>, verb: Verb) -> Result<(), Unclear> {
        if plain_name(&raw.name) == "pressenter" {
            return self.press(keys::of_text("enter")?, 1);
        }
        if verb == Verb::SystemKey {
            let name = given.any_text(&["button", "key", "name"]).unwrap_or_default();
            match plain_name(&name).as_str() {
                "back" => self.do_it(Action::Back),
                "home" => self.do_it(Action::Home),
                _ => self.press(keys::of_text(&name)?, 1)?,
            }
            return Ok(());
        }
        let texts = given.texts(KEYS).filter(|texts| !texts.is_empty());
        let texts = texts.ok_or_else(|| unclear("it needs keys; write for example hotkey(keys=\"ctrl+s\")"))?;
        let one = |texts: &[String]| match texts {
            [text] => keys::of_text(text),
            several => keys::of_list(several).map(|chord| vec![chord]),
        };
        match verb {
            Verb::KeyDown | Verb::KeyUp => {
                for name in &texts {
                    match (keys::modifier(name), verb) {
                        (Some(modifier), Verb::KeyDown) => self.held.push(modifier),
                        (Some(modifier), _) => {
                            let was_used = !self.held.contains(&modifier);
                            self.held.retain(|held| *held != modifier);
                            if was_used {
                                return Err(unclear(format!(
                                    "{:?} was not held down before it was let go",
                                    excerpt(name)
                                )));
                            }
                        }
                        (None, Verb::KeyDown) => self.key_down = Some(keys::of_text(name)?.swap_remove(0).key),
                        (None, _) => match self.key_down.take() {
                            Some(key) => self.do_it(Action::Chord { modifiers: self.held.clone(), key }),
                            None => {
                                return Err(unclear(format!(
                                    "{:?} was not held down before it was let go",
                                    excerpt(name)
                                )));
                            }
                        },
                    }
                }
                self.held.sort();
                self.held.dedup();
            }
            Verb::Press => {
                let times = given.number(&["presses", "times", "count"]).unwrap_or(1.0);
                let times = if (1.0..=ACTIONS_MAX as f64).contains(&times) {
                    times as usize
                } else {
                    return Err(unclear(format!("a key is pressed once to {ACTIONS_MAX} times")));
                };
                // Of several keys each is pressed for itself.
                let chords: Result<Vec<Vec<KeyChord>>, Unclear> =
                    texts.iter().map(|text| keys::of_text(text)).collect();
                self.press(chords?.concat(), times)?;
            }
            _ if given.number(&["duration"]).is_some_and(|seconds| seconds > 0.0) => {
                return Err(unclear("a key cannot be held for a time; write hotkey(keys=\"…\") once for each press"));
            }
            _ => self.press(one(&texts)?, 1)?,
        }
        Ok(())
    }

    fn press(&mut self, chords: Vec<KeyChord>, times: usize) -> Result<(), Unclear> {
        for KeyChord { modifiers, key } in std::iter::repeat_n(chords, times).flatten() {
            if self.calls.len() >= ACTIONS_MAX {
                return Err(unclear(format!("at most {ACTIONS_MAX} actions a turn; the others were not done")));
            }
            let mut held = [self.held.clone(), modifiers].concat();
            held.sort();
            held.dedup();
            self.do_it(Action::Chord { modifiers: held, key });
        }
        Ok(())
    }

    fn type_text(&mut self, given: &ActionArguments<'_>) -> Result<(), Unclear> {
        if !self.held.is_empty() {
            return Err(unclear("nothing can be held while a text is typed; write hotkey(keys=\"ctrl+a\") for keys"));
        }
        // A list is one of keys.
        let list = given.named(TEXT).or_else(|| given.arguments.plain.first());
        if matches!(list, Some(Value::List(_))) && given.place(AT).is_err() {
            let texts = given.texts(TEXT).unwrap_or_default();
            let chords: Result<Vec<Vec<KeyChord>>, Unclear> = texts.iter().map(|text| keys::of_text(text)).collect();
            return self.press(chords?.concat(), 1);
        }
        let text = given.named(TEXT).and_then(crate::dialect::words::text).or_else(|| given.any_text(&[]));
        let mut text = text.ok_or_else(|| unclear("type needs a text; write type(text=\"…\")"))?;
        if given.says_yes(&["enter", "press_enter", "submit"]) {
            text.push('\n');
        }
        if let Some(at) = given.place(AT)? {
            self.pointer = Some(at);
            self.do_it(match self.frame.is_touched() {
                true => Action::Tap { at },
                false => Action::Click { at, button: Button::Left, count: Clicks::Single, modifiers: Vec::new() },
            });
        }
        let replaces = given.says_yes(&["clear", "overwrite", "replace", "clear_before_typing"])
            || self.frame.abilities.is_some_and(|abilities| abilities.replace && !abilities.insert);
        if text.is_empty() && !replaces {
            return Err(unclear("the text to type is empty; write type(text=\"…\")"));
        }
        self.do_it(if replaces { Action::Type { text } } else { Action::Insert { text } });
        Ok(())
    }

    fn call(&self, raw: &RawCall, given: &ActionArguments<'_>) -> Result<Action, Unclear> {
        let name = match self.apis.named(&raw.name) {
            Some((spec, _)) => Some(spec.name.clone()),
            None => given.any_text(&["name", "api", "tool", "function", "api_name", "tool_name"]),
        };
        let example = || match self.apis.iter().next() {
            Some((spec, schema)) => {
                format!("write call(name=\"{}\", arguments={{…}}) with {}", spec.name, schema.signature())
            }
            None => "none is offered here; use the screen".to_owned(),
        };
        let name = name.ok_or_else(|| unclear(format!("a call names an API; {}", example())))?;
        let Some((spec, _)) = self.apis.named(name.trim()) else {
            let known = if self.apis.is_empty() { "none".to_owned() } else { self.apis.names() };
            return Err(unclear(format!("there is no API {:?}; there are: {known}", excerpt(&name))));
        };
        let lenient = given.named(&["arguments", "parameters", "args", "params", "input"]);
        let arguments = match (&raw.arguments.json, lenient) {
            (Some(json), _) => json.clone(),
            (None, Some(Value::Text(text))) => serde_json::from_str(text).unwrap_or(Json::Null),
            (None, Some(value)) => json_of(value).unwrap_or(Json::Null),
            (None, None) => match given.text(&["instruction"]) {
                Some(words) => json!({ INSTRUCTION: words }),
                None => json!({}),
            },
        };
        if !arguments.is_object() {
            return Err(unclear(
                "the arguments cannot be read; write them as a JSON object: arguments={\"name\": \"value\"}",
            ));
        }
        Ok(Action::CallApi(ApiCall { name: spec.name.clone(), arguments: with_journal_numbers(&arguments) }))
    }
}

fn is_pyautogui(raw: &RawCall) -> bool {
    ["pyautogui", "pag"].contains(&raw.path.to_lowercase().as_str())
}

fn button_of(name: &str) -> Result<Button, Unclear> {
    match plain_name(name).as_str() {
        "left" | "primary" | "" => Ok(Button::Left),
        "right" | "secondary" => Ok(Button::Right),
        "middle" | "wheel" | "center" => Ok(Button::Middle),
        "back" => Ok(Button::Back),
        "forward" => Ok(Button::Forward),
        _ => Err(unclear(format!("there is no button {:?}; left, right and middle are", excerpt(name)))),
    }
}

/// Notches of a wheel: small numbers are, large ones are pixels.
fn notches(by: f64) -> i32 {
    let by = if by.abs() > NOTCHES_MAX { by / PIXELS_A_NOTCH } else { by };
    let whole = if by < 0.0 { by.floor() } else { by.ceil() };
    whole.clamp(-100.0, 100.0) as i32
}

fn wait(raw: &RawCall, given: &ActionArguments<'_>) -> Result<Duration, Unclear> {
    let needs = || unclear("a wait needs a number of seconds; write wait(seconds=2)");
    let said = if let Some(value) = given.named(&["ms", "milliseconds", "duration_ms", "time_ms"]) {
        Some(number(value).ok_or_else(needs)? / 1000.0)
    } else {
        match given
            .named(&["seconds", "time", "duration", "secs", "second", "t"])
            .or_else(|| raw.arguments.plain.first())
        {
            None => None,
            Some(Value::Number(number)) => Some(*number),
            Some(Value::Text(text) | Value::Word(text)) => Some(seconds(text).ok_or_else(needs)?),
            Some(Value::List(_) | Value::Map(_)) => return Err(needs()),
        }
    };
    let seconds = Some(said.unwrap_or(WAIT_S)).filter(|seconds| *seconds >= 0.0).ok_or_else(needs)?;
    // Whole milliseconds, so that what is printed is what was meant.
    Ok(Duration::from_millis((seconds.min(WAIT_MAX_S) * 1000.0).round() as u64))
}

fn ending(verb: Verb, given: &ActionArguments<'_>) -> Call {
    let message = given.any_text(MESSAGE).unwrap_or_default();
    let status = given.text(&["status", "result", "goal_status"]).map(|status| plain_name(&status));
    let has_failed = match status.as_deref() {
        Some("infeasible" | "impossible" | "failed" | "fail" | "failure" | "giveup") => true,
        _ => given.says_no(&["success", "is_success"]),
    };
    match verb == Verb::Fail || has_failed {
        true => Call::GiveUp { message },
        false => Call::Finish { message },
    }
}

/// Whether a place of a way lies near the straight line between its ends.
fn is_between(via: Place, from: Place, to: Place) -> bool {
    let at = |place: Place| {
        let (x, y): (u32, u32) = place.into();
        (f64::from(x), f64::from(y))
    };
    let ((x, y), (from_x, from_y), (to_x, to_y)) = (at(via), at(from), at(to));
    let (along_x, along_y) = (to_x - from_x, to_y - from_y);
    let length = along_x.hypot(along_y).max(1.0);
    let off = ((x - from_x) * along_y - (y - from_y) * along_x).abs() / length;
    off <= f64::from(Place::WHOLE / STRAIGHT)
}

/// A value as JSON; nothing if a number in it may have lost its last digits.
fn json_of(value: &Value) -> Option<Json> {
    crate::dialect::words::json(value)
}
