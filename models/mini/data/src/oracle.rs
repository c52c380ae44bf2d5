//! What should be said and done next, by someone who can see the world's state.

use tapwright_phone::{MarkContent, Page, World};
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
    Home,
    /// Waits, in seconds.
    Wait(u32),
    Finish,
    /// Ends the run with what was asked for.
    Answer(String),
    /// Ends the run and says why.
    GiveUp(String),
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
            OracleAction::Home => "do(action=\"Home\")".into(),
            OracleAction::Wait(seconds) => format!("do(action=\"Wait\", duration=\"{seconds} seconds\")"),
            OracleAction::Finish => "finish(message=\"All done.\")".into(),
            OracleAction::Answer(said) => format!("finish(message=\"{said}\")"),
            OracleAction::GiveUp(why) => format!("finish(message=\"{why}\", status=\"infeasible\")"),
        }
    }
}

impl OracleAction {
    /// Whether the run is over with it.
    pub fn is_end(&self) -> bool {
        matches!(self, OracleAction::Finish | OracleAction::Answer(_) | OracleAction::GiveUp(_))
    }
}

/// What lies over the phone for a while, as far as the screen shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disturbance {
    /// The page in front has not come yet.
    Late,
    /// A notice lies over the top of the display.
    Banner,
}

/// The lowest point that a notice covers, on the model's grid.
const BANNER_BOTTOM: i32 = 152;

/// Advice on a goal that is none of the model's.
pub fn refusal() -> Advice {
    let thought = "I do not know how to do this.".into();
    Advice { thought, deed: OracleAction::GiveUp("I do not know how to do that.".into()) }
}

/// What has to be done first about what has come up, whatever the goal is. A question of the system is neither answered with yes nor
/// with no: nobody has asked for either.
pub fn advice_against(world: &World, disturbance: Option<Disturbance>) -> Option<Advice> {
    let window = world.window();
    let advice = |thought: &str, deed| Some(Advice { thought: thought.into(), deed });
    if window.contains("GrantPermissions") {
        return advice("A question is in the way. Leave it.", OracleAction::Home);
    }
    if window.starts_with("Application Not Responding") {
        return advice("The app does not respond. Wait for it.", row_anywhere("Wait", world)?);
    }
    if disturbance == Some(Disturbance::Late) {
        return advice("The page is not there yet. Wait.", OracleAction::Wait(1));
    }
    None
}

/// The same advice, put off if what it would touch is covered by a notice.
pub fn around_banner(advice: Advice, disturbance: Option<Disturbance>) -> Advice {
    match advice.deed {
        OracleAction::Tap(_, y) if disturbance == Some(Disturbance::Banner) && y < BANNER_BOTTOM => {
            Advice { thought: "A notice is in the way. Wait.".into(), deed: OracleAction::Wait(3) }
        }
        _ => advice,
    }
}

/// What an errand needs next: nothing more, or a thought and a deed.
enum Need {
    Nothing(String),
    Something(String, OracleAction),
}

/// Advice on a whole task. `at` is the errand that is being done; it moves on when one is complete, as far as the screen shows
/// it. `None` when the oracle does not know a way on.
/// `last` is what was said before: in it stands how far has been looked.
pub fn advise(
    errands: &[Errand],
    at: &mut usize,
    world: &World,
    last: &str,
    is_done: impl Fn(&Errand) -> bool,
) -> Option<Advice> {
    let count = errands.len();
    let mut thought = String::new();
    while *at < count {
        let number = format!("{}/{count}", *at + 1);
        match need(&errands[*at], world, last, is_done(&errands[*at]))? {
            Need::Something(why, deed) => return Some(Advice { thought: format!("{thought}{number} {why}"), deed }),
            Need::Nothing(why) => thought = format!("{thought}{number} {why} "),
        }
        *at += 1;
    }
    Some(Advice { thought: thought.trim_end().to_string(), deed: OracleAction::Finish })
}

/// Advice on a question about how an errand's thing is: it is looked for, and how it is is said.
pub fn answer(errand: &Errand, world: &World, last: &str) -> Option<Advice> {
    let need = match errand {
        Errand::Switch { label, .. } => open("Settings", world, |page| page.is("main"))
            .or_else(|| state_of_switch(label, label.split(' ').next().unwrap_or(label), world, last)),
        Errand::Alarm { time, .. } => {
            open("Clock", world, |page| page.is("main")).or_else(|| state_of_switch(time, time, world, last))
        }
        Errand::Favourite { name, .. } => {
            let found = open("Contacts", world, |page| page.is("main") || *page == Page::of("person", name));
            found.or_else(|| match world.page() {
                Some(page) if page.is("person") => {
                    let (is, yes) = if row("In", world).is_some() { ("is", "Yes") } else { ("is not", "No") };
                    let answer = format!("{yes}, {name} {is} a favourite.");
                    Some(Need::Something(format!("{name} {is} a favourite, asked."), OracleAction::Answer(answer)))
                }
                _ => Some(look_for(name, world, last)),
            })
        }
        Errand::Message { .. } | Errand::Note { .. } | Errand::Event { .. } => None,
    };
    match need? {
        Need::Something(why, deed) => Some(Advice { thought: format!("1/1 {why}"), deed }),
        Need::Nothing(_) => None,
    }
}

fn state_of_switch(label: &str, word: &str, world: &World, last: &str) -> Option<Need> {
    let Some((deed, state)) = row(word, world) else { return Some(look_further(label, last)) };
    let (state, yes) = if state? { ("on", "Yes") } else { ("off", "No") };
    let answer = format!("{yes}, {label} is {state}.");
    Some(Need::Something(format!("Find {label}{}: {state}, asked.", height(&deed)), OracleAction::Answer(answer)))
}

fn need(errand: &Errand, world: &World, last: &str, is_done: bool) -> Option<Need> {
    match errand {
        Errand::Switch { label, on, .. } => {
            let found = open("Settings", world, |page| page.is("main"));
            found.or_else(|| need_of_switch(label, label.split(' ').next().unwrap_or(label), *on, world, last))
        }
        Errand::Alarm { time, on } => {
            open("Clock", world, |page| page.is("main")).or_else(|| need_of_switch(time, time, *on, world, last))
        }
        Errand::Favourite { name, on } => {
            let found = open("Contacts", world, |page| page.is("main") || *page == Page::of("person", name));
            found.or_else(|| match world.page() {
                Some(page) if page.is("person") => favourite(name, *on, world),
                _ => Some(look_for(name, world, last)),
            })
        }
        Errand::Message { name, .. } if is_done && world.page() == Some(&Page::of("chat", name)) => {
            Some(Need::Nothing("The message is sent.".into()))
        }
        Errand::Message { name, text } => {
            let found =
                open("Messages", world, |page| page.is("main") || page.is("new") || *page == Page::of("chat", name));
            found.or_else(|| match world.page() {
                Some(page) if page.is("chat") => need_of_text("message", text, ("Send", "Send it."), world, last),
                // Who has no conversation yet may be among the people to write to.
                Some(page) if page.is("main") && row(name, world).is_none() && looks(name, last) == LOOKS_MAX => {
                    Some(Need::Something(format!("Find {name}. Not here. Write a new one."), tap_icon(world, "Plus")?))
                }
                _ => Some(look_for(name, world, last)),
            })
        }
        Errand::Note { .. } if is_done && shows("Notes", "main", world) => {
            Some(Need::Nothing("The note is saved.".into()))
        }
        Errand::Note { text } => {
            let found = open("Notes", world, |page| page.is("main") || *page == Page::new("note"));
            found.or_else(|| match world.page() {
                Some(page) if page.is("note") => need_of_text("note", text, ("Check", "Save it."), world, last),
                _ => Some(Need::Something("Add a note.".into(), tap_icon(world, "Plus")?)),
            })
        }
        Errand::Event { .. } if is_done && shows("Calendar", "day", world) => {
            Some(Need::Nothing("The event is saved.".into()))
        }
        Errand::Event { text } => {
            let found = open("Calendar", world, |page| page.about == "0" && (page.is("day") || page.is("new")));
            found.or_else(|| match world.page() {
                Some(page) if page.is("new") => need_of_text("title", text, ("Check", "Save it."), world, last),
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

fn need_of_switch(label: &str, word: &str, want: bool, world: &World, last: &str) -> Option<Need> {
    let say = |on: bool| if on { "on" } else { "off" };
    let Some(mark) = row(word, world) else { return Some(look_further(label, last)) };
    match mark.1 {
        // How it is and how it has to be are said one behind the other, and only then what follows: whoever decides first has not looked.
        Some(on) => {
            let found = format!("Find {label}{}: {}, need {}.", height(&mark.0), say(on), say(want));
            Some(if on == want {
                Need::Nothing(format!("{found} Leave it."))
            } else {
                Need::Something(format!("{found} Tap it."), mark.0)
            })
        }
        None => None,
    }
}

fn favourite(name: &str, want: bool, world: &World) -> Option<Need> {
    let need = if want { "need it" } else { "need not" };
    let (is, is_not) = (format!("{name} is a favourite, {need}."), format!("{name} is not a favourite, {need}."));
    match (row(if want { "Add" } else { "In" }, world), want) {
        (Some(mark), true) => Some(Need::Something(format!("{is_not} Tap it."), mark.0)),
        (Some(mark), false) => Some(Need::Something(format!("{is} Tap it."), mark.0)),
        (None, true) => Some(Need::Nothing(format!("{is} Leave it."))),
        (None, false) => Some(Need::Nothing(format!("{is_not} Leave it."))),
    }
}

fn look_for(name: &str, world: &World, last: &str) -> Need {
    match row(name, world) {
        Some((deed, _)) => Need::Something(format!("Find {name}{}. Tap it.", height(&deed)), deed),
        None => look_further(name, last),
    }
}

/// What is said on looking further down a list, the first time and the second. No list of the phone is longer than that.
const FURTHER: [&str; LOOKS_MAX] = ["Look further down.", "Look once more."];
const LOOKS_MAX: usize = 2;

/// How often has been looked further down for something, by what was said last.
fn looks(what: &str, last: &str) -> usize {
    let said = |further: &&str| last.contains(&format!("Find {what}. Not here. {further}"));
    FURTHER.iter().position(said).map_or(0, |at| at + 1)
}

fn look_further(what: &str, last: &str) -> Need {
    // The same beginning as of what is there, so that one look, behind the name, tells the two apart.
    let here = format!("Find {what}. Not here.");
    match FURTHER.get(looks(what, last)) {
        Some(further) => Need::Something(format!("{here} {further}"), OracleAction::SwipeUp),
        None => Need::Something(format!("{here} Give up."), OracleAction::GiveUp(format!("There is no {what} here."))),
    }
}

/// How far down a touch is. Said right behind what is found there: a small model finds it in one look then.
fn height(deed: &OracleAction) -> i32 {
    if let OracleAction::Tap(_, y) = deed { *y } else { 0 }
}

/// Text into the only field of a page, then the button that ends it. What stands in a field without the focus is somebody's until it has just
/// been typed: what was begun here before is not sent.
fn need_of_text(what: &str, text: &str, (button, end): (&str, &str), world: &World, last: &str) -> Option<Need> {
    match world.field_text() {
        None if field(world)?.1 && last.contains("Type the") => {
            Some(Need::Something(end.into(), tap_icon(world, button)?))
        }
        None => Some(Need::Something("Tap the text field.".into(), field(world)?.0)),
        Some(written) if written == text => Some(Need::Something(end.into(), tap_icon(world, button)?)),
        Some(_) => Some(Need::Something(format!("Type the {what}."), OracleAction::Type(text.into()))),
    }
}

/// The row of a list in which a word is the first of the title: where to touch it, and its state.
fn row(word: &str, world: &World) -> Option<(OracleAction, Option<bool>)> {
    let (_, height) = world.size();
    let list = (height as i32 * 2 / 13)..(height as i32 * 12 / 13);
    let found = world.marks().into_iter().find(|mark| {
        mark.what == MarkContent::Word(word.into()) && mark.target.is_some() && list.contains(&mark.rect.center().1)
    })?;
    let (x, y) = grid(found.target?, world.size());
    Some((OracleAction::Tap(x, y), found.on))
}

/// Where to touch a word, wherever it stands.
fn row_anywhere(word: &str, world: &World) -> Option<OracleAction> {
    let found =
        world.marks().into_iter().find(|mark| mark.what == MarkContent::Word(word.into()) && mark.target.is_some())?;
    let (x, y) = grid(found.target?, world.size());
    Some(OracleAction::Tap(x, y))
}

/// The field of a page: where to touch it, and whether text is in it.
fn field(world: &World) -> Option<(OracleAction, bool)> {
    let found = world.marks().into_iter().find(|mark| mark.what == MarkContent::Field)?;
    let (x, y) = grid(found.target?, world.size());
    Some((OracleAction::Tap(x, y), found.field.is_some_and(|(_, has_text)| has_text)))
}

fn tap_icon(world: &World, icon: &str) -> Option<OracleAction> {
    let found = world.marks().into_iter().find(|mark| match mark.what {
        MarkContent::Icon(shown) => format!("{shown:?}") == icon && mark.target.is_some(),
        _ => false,
    })?;
    let (x, y) = grid(found.target?, world.size());
    Some(OracleAction::Tap(x, y))
}
