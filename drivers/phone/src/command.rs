//! What a touch or an app makes the phone do: pages, fields, questions, and messages that only their app understands.

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use crate::permission::PermissionKind;

/// A page of an app: its name, and what it is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Page {
    pub name: &'static str,
    /// For example whose conversation it shows; empty where there is only one such page.
    pub about: String,
}

impl Page {
    /// The only page of its name.
    pub const fn new(name: &'static str) -> Page {
        Page { name, about: String::new() }
    }

    /// One of several pages of a name.
    pub fn of(name: &'static str, about: impl ToString) -> Page {
        Page { name, about: about.to_string() }
    }

    /// Whether it is a page of this name.
    pub fn is(&self, name: &str) -> bool {
        self.name == name
    }

    /// What it is about, as a number.
    pub fn number(&self) -> Option<usize> {
        self.about.parse().ok()
    }
}

/// A place that takes text, within its app.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldId {
    pub name: &'static str,
    /// Whose field it is, where there are several of a name.
    pub about: String,
}

impl FieldId {
    /// The only field of its name.
    pub const fn new(name: &'static str) -> FieldId {
        FieldId { name, about: String::new() }
    }

    /// One of several fields of a name.
    pub fn of(name: &'static str, about: impl ToString) -> FieldId {
        FieldId { name, about: about.to_string() }
    }
}

/// What an app can have the phone do for it.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Shows a page of this app on top of the one in front.
    Open(Page),
    /// Shows a page of this app in place of the one in front.
    Replace(Page),
    /// Leaves the page in front without asking.
    Close,
    /// Shows a page of another app; `None` for the page that it begins with.
    Start { package: &'static str, page: Option<Page> },
    /// Brings up the keyboard for a field of this app.
    Focus(FieldId),
    /// Puts text into a field of this app, in place of what is in it.
    Write(FieldId, String),
    /// Adds text to what is in a field of this app.
    Append(FieldId, String),
    /// Asks before anything else can be done.
    Ask(Box<Question>),
    /// Offers a choice of things to do.
    Menu(Vec<MenuItem>),
    /// Says for a moment what has been done.
    Toast(String),
    /// Leaves a line about this app in the shade.
    Notify(String),
    /// Has the system ask whether this app may use something.
    RequestPermission(PermissionKind),
    /// Puts text on the clipboard.
    Copy(String),
    /// Offers text to the apps that take it.
    Share(String),
}

impl Effect {
    /// Asks before anything else can be done.
    pub fn ask(question: Question) -> Effect {
        Effect::Ask(Box::new(question))
    }
}

/// A question with two answers; no means that nothing happens.
#[derive(Clone, Debug)]
pub struct Question {
    pub title: String,
    pub text: String,
    /// What the button that says yes is called.
    pub yes: &'static str,
    /// What happens on a yes.
    pub then: Command,
}

/// One line of a menu.
#[derive(Clone, Debug)]
pub struct MenuItem {
    pub label: &'static str,
    pub command: Command,
}

/// What a touch makes the phone do.
#[derive(Clone, Debug)]
pub enum Command {
    /// Something that the app in front is told.
    App(Message),
    /// Something that the app in front could ask for as well.
    Effect(Effect),
    /// Goes back one step: a menu, a question, the keyboard, a page.
    Back,
    /// Goes back one page, as the arrow in a title bar does.
    Up,
    Home,
    Recents,
    /// Brings an app to the front, by its place among the installed ones.
    Launch(usize),
    /// Answers the question of an app.
    Answer(bool),
    /// Answers a question of the system.
    AnswerSystem(bool),
    /// Chooses from a menu.
    Choose(usize),
    /// Opens what the notification at the top of the display is about.
    OpenBanner,
    /// Opens what a notification in the shade is about.
    OpenNotification(usize),
    ClearNotifications,
    /// Turns a switch of the quick settings.
    QuickSwitch(crate::providers::settings::Switch),
    /// Changes the brightness by so many tenths.
    Brightness(i32),
    /// Ends all apps.
    ClearRecents,
    /// Gives text that is shared to an app.
    ShareTo(usize),
    /// A key of the keyboard on the display.
    Key(KeyCap),
    /// Something done to the text of the field with the focus.
    Edit(Edit),
}

impl From<Effect> for Command {
    fn from(effect: Effect) -> Command {
        Command::Effect(effect)
    }
}

/// A command that tells the app in front something of its own.
pub fn send<M: Any + Debug + Send + Sync>(message: M) -> Command {
    Command::App(Message(Arc::new(message)))
}

/// A message whose type only one app knows.
#[derive(Clone, Debug)]
pub struct Message(Arc<dyn AnyMessage>);

trait AnyMessage: Any + Debug + Send + Sync {}

impl<M: Any + Debug + Send + Sync> AnyMessage for M {}

impl Message {
    /// What was sent, if it is of this type.
    pub fn get<M: Any + Clone>(&self) -> Option<M> {
        let any: &dyn Any = &*self.0;
        any.downcast_ref::<M>().cloned()
    }
}

/// A key of the keyboard on the display.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyCap {
    Character(char),
    Shift,
    Symbols,
    Erase,
    Enter,
}

/// What can be done to the text of a field, besides typing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    Cut,
    Copy,
    Paste,
    SelectAll,
}
