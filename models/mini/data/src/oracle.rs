//! What should be said and done next, by someone who can see the world's state.

use tapwright_phone::{Page, What, World};
use tapwright_smoke::Errand;

use crate::cells::grid;

/// What the oracle says: a short thought, and an action in the `autoglm` dialect together with what it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    pub thought: String,
    pub deed: OracleAction,
}

/// An action that the oracle takes; places are on the model's grid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OracleAction {
    Launch(&'static str),
    Tap(i32, i32),
    Type(String),
    SwipeUp,
    Back,
    Finish,
}

impl OracleAction {
    /// The action as the model should write it.
    pub fn text(&self) -> String {
        match self {
            OracleAction::Launch(app) => format!("do(action=\"Launch\", app=\"{app}\")"),
            OracleAction::Tap(x, y) => format!("do(action=\"Tap\", element=[{x},{y}])"),
            OracleAction::Type(text) => format!("do(action=\"Type\", text=\"{text}\")"),
            OracleAction::SwipeUp => "do(action=\"Swipe\", start=[500,750], end=[500,350])".into(),
            OracleAction::Back => "do(action=\"Back\")".into(),
            OracleAction::Finish => "finish(message=\"All done.\")".into(),
        }
    }
}

/// What an errand needs next: nothing more, or a thought and a deed.
enum Need {
    Nothing(String),
    Something(String, OracleAction),
}

/// Advice on a whole task. `at` is the errand that is being done; it moves on when one is complete, as far as the screen shows
/// it. `None` when the oracle does not know a way on.
pub fn advise(errands: &[Errand], at: &mut usize, world: &World, is_done: impl Fn(&Errand) -> bool) -> Option<Advice> {
    let count = errands.len();
    let mut thought = String::new();
    while *at < count {
        let number = format!("{}/{count}", *at + 1);
        match need(&errands[*at], world, is_done(&errands[*at]))? {
            Need::Something(why, deed) => return Some(Advice { thought: format!("{thought}{number} {why}"), deed }),
            Need::Nothing(why) => thought = format!("{thought}{number} {why} "),
        }
        *at += 1;
    }
    Some(Advice { thought: thought.trim_end().to_string(), deed: OracleAction::Finish })
}

fn need(errand: &Errand, world: &World, is_done: bool) -> Option<Need> {
    match errand {
        Errand::Switch { label, on, .. } => {
            let found = open("Settings", world, |page| page.is("main"));
            found.or_else(|| turned(label, label.split(' ').next().unwrap_or(label), *on, world))
        }
        Errand::Alarm { time, on } => {
            open("Clock", world, |page| page.is("main")).or_else(|| turned(time, time, *on, world))
        }
        Errand::Favourite { name, on } => {
            let found = open("Contacts", world, |page| page.is("main") || *page == Page::of("person", name));
            found.or_else(|| match world.page() {
                Some(page) if page.is("person") => favourite(name, *on, world),
                _ => Some(look_for(name, world)),
            })
        }
        Errand::Message { name, .. } if is_done && world.page() == Some(&Page::of("chat", name)) => {
            Some(Need::Nothing("The message is sent.".into()))
        }
        Errand::Message { name, text } => {
            let found = open("Messages", world, |page| page.is("main") || *page == Page::of("chat", name));
            found.or_else(|| match world.page() {
                Some(page) if page.is("chat") => {
                    written("message", text, "Tap the text field.", "Send", "Send it.", world)
                }
                _ => Some(look_for(name, world)),
            })
        }
        Errand::Note { .. } if is_done && shows("Notes", "main", world) => {
            Some(Need::Nothing("The note is saved.".into()))
        }
        Errand::Note { text } => {
            let found = open("Notes", world, |page| page.is("main") || *page == Page::new("note"));
            found.or_else(|| match world.page() {
                Some(page) if page.is("note") => {
                    written("note", text, "Tap the text field.", "Check", "Save it.", world)
                }
                _ => Some(Need::Something("Add a note.".into(), tap_icon(world, "Plus")?)),
            })
        }
        Errand::Event { .. } if is_done && shows("Calendar", "day", world) => {
            Some(Need::Nothing("The event is saved.".into()))
        }
        Errand::Event { text } => {
            let found = open("Calendar", world, |page| page.about == "0" && (page.is("day") || page.is("new")));
            found.or_else(|| match world.page() {
                Some(page) if page.is("new") => {
                    written("title", text, "Tap the text field.", "Check", "Save it.", world)
                }
                _ => Some(Need::Something("Add an event.".into(), tap_icon(world, "Plus")?)),
            })
        }
    }
}

/// Whether an app shows a page of this name.
fn shows(label: &str, page: &str, world: &World) -> bool {
    world.front().label == label && world.page().is_some_and(|shown| shown.is(page))
}

/// The way to an app's right page, or `None` if that is in front.
fn open(label: &'static str, world: &World, is_right: impl Fn(&Page) -> bool) -> Option<Need> {
    match world.page() {
        Some(page) if world.front().label == label && is_right(page) => None,
        // In the right app, on a page that does not serve.
        Some(_) if world.front().label == label => {
            Some(Need::Something("This is the wrong page. Go back.".into(), OracleAction::Back))
        }
        _ => Some(Need::Something(format!("Open {label}."), OracleAction::Launch(label))),
    }
}

fn turned(label: &str, word: &str, want: bool, world: &World) -> Option<Need> {
    let say = |on: bool| if on { "on" } else { "off" };
    let Some(mark) = row(word, world) else { return Some(look_further(label)) };
    match mark.1 {
        Some(on) if on == want => Some(Need::Nothing(format!("{label} is {}.", say(on)))),
        Some(on) => Some(Need::Something(format!("{label}{} is {}. Tap it.", height(&mark.0), say(on)), mark.0)),
        None => None,
    }
}

fn favourite(name: &str, want: bool, world: &World) -> Option<Need> {
    let mark = row(if want { "Add" } else { "In" }, world);
    let (is, is_not) = (format!("{name} is a favourite."), format!("{name} is not a favourite."));
    match (mark, want) {
        (Some(mark), true) => Some(Need::Something(format!("{is_not} Tap it."), mark.0)),
        (Some(mark), false) => Some(Need::Something(format!("{is} Tap it."), mark.0)),
        (None, true) => Some(Need::Nothing(is)),
        (None, false) => Some(Need::Nothing(is_not)),
    }
}

fn look_for(name: &str, world: &World) -> Need {
    match row(name, world) {
        Some((deed, _)) => Need::Something(format!("Find {name}{}. Tap it.", height(&deed)), deed),
        None => look_further(name),
    }
}

fn look_further(what: &str) -> Need {
    Need::Something(format!("{what} is not here. Look further down."), OracleAction::SwipeUp)
}

/// How far down a touch is. Said right behind what is found there: a small model finds it in one look then.
fn height(deed: &OracleAction) -> i32 {
    if let OracleAction::Tap(_, y) = deed { *y } else { 0 }
}

/// Text into the only field of a page, then the button that ends it.
fn written(what: &str, text: &str, focus: &str, button: &str, end: &str, world: &World) -> Option<Need> {
    match world.field_text() {
        None if field(world)?.1 => Some(Need::Something(end.into(), tap_icon(world, button)?)),
        None => Some(Need::Something(focus.into(), field(world)?.0)),
        Some(written) if written == text => Some(Need::Something(end.into(), tap_icon(world, button)?)),
        Some(_) => Some(Need::Something(format!("Type the {what}."), OracleAction::Type(text.into()))),
    }
}

/// The row of a list in which a word is the first of the title: where to touch it, and its state.
fn row(word: &str, world: &World) -> Option<(OracleAction, Option<bool>)> {
    let (_, height) = world.size();
    let list = (height as i32 * 2 / 13)..(height as i32 * 12 / 13);
    let found = world.marks().into_iter().find(|mark| {
        mark.what == What::Word(word.into()) && mark.target.is_some() && list.contains(&mark.rect.center().1)
    })?;
    let (x, y) = grid(found.target?, world.size());
    Some((OracleAction::Tap(x, y), found.on))
}

/// The field of a page: where to touch it, and whether text is in it.
fn field(world: &World) -> Option<(OracleAction, bool)> {
    let found = world.marks().into_iter().find(|mark| mark.what == What::Field)?;
    let (x, y) = grid(found.target?, world.size());
    Some((OracleAction::Tap(x, y), found.field.is_some_and(|(_, has_text)| has_text)))
}

fn tap_icon(world: &World, icon: &str) -> Option<OracleAction> {
    let found = world.marks().into_iter().find(|mark| match mark.what {
        What::Icon(shown) => format!("{shown:?}") == icon && mark.target.is_some(),
        _ => false,
    })?;
    let (x, y) = grid(found.target?, world.size());
    Some(OracleAction::Tap(x, y))
}
