//! The apps: their state, their pages, and what touching a page does.

pub mod calendar;
pub mod clock;
pub mod contacts;
pub mod launcher;
pub mod messages;
pub mod notes;
pub mod settings;

use crate::icon::Icon;
use crate::world::App;

/// The apps that the launcher shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Id {
    Settings,
    Messages,
    Contacts,
    Notes,
    Clock,
    Calendar,
}

/// Every app, in the launcher's order.
pub const ALL: [Id; 6] = [Id::Messages, Id::Contacts, Id::Notes, Id::Clock, Id::Calendar, Id::Settings];

impl Id {
    /// Package, activity and label.
    pub fn app(self) -> App {
        let (package, activity, label) = match self {
            Id::Settings => ("com.android.settings", ".Settings", "Settings"),
            Id::Messages => ("com.android.mms", ".ui.ConversationList", "Messages"),
            Id::Contacts => ("com.android.contacts", ".activities.PeopleActivity", "Contacts"),
            Id::Notes => ("com.android.notes", ".NotesList", "Notes"),
            Id::Clock => ("com.android.deskclock", ".DeskClock", "Clock"),
            Id::Calendar => ("com.android.calendar", ".AllInOneActivity", "Calendar"),
        };
        App { package, activity, label }
    }

    /// What its launcher icon looks like.
    pub fn icon(self) -> (Icon, u32, u32) {
        match self {
            Id::Settings => (Icon::Gear, 0x7B8494, 0x555E6E),
            Id::Messages => (Icon::Bubble, 0x4ADE80, 0x16A34A),
            Id::Contacts => (Icon::Person, 0x60A5FA, 0x2563EB),
            Id::Notes => (Icon::Page, 0xFBBF24, 0xE08A00),
            Id::Clock => (Icon::Clock, 0x4B5563, 0x1F2937),
            Id::Calendar => (Icon::Calendar, 0xFB7185, 0xE11D48),
        }
    }
}

/// A page of an app.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Page {
    Settings,
    FontSize,
    About,
    Conversations,
    NewMessage,
    Chat(String),
    People,
    Person(String),
    NewPerson,
    Notes,
    /// The note's place in the list, or a new one.
    Note(Option<usize>),
    Alarms,
    NewAlarm,
    /// Days after the world's first one.
    Day(u32),
    NewEvent(u32),
}

impl Page {
    /// The page that an app begins with.
    pub fn first(app: Id) -> Page {
        match app {
            Id::Settings => Page::Settings,
            Id::Messages => Page::Conversations,
            Id::Contacts => Page::People,
            Id::Notes => Page::Notes,
            Id::Clock => Page::Alarms,
            Id::Calendar => Page::Day(0),
        }
    }
}

/// A place that takes text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FieldId {
    Message(String),
    Note,
    Event,
    Name,
    Number,
}

/// What asks whether to delete something before anything else can be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dialog {
    Person(String),
    Note(usize),
    Alarm(usize),
}

/// What a touch does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    Launch(Id),
    Back,
    Home,
    Open(Page),
    Focus(FieldId),
    Ask(Dialog),
    Answer(bool),
    /// Answers a dialog of the system.
    Over(bool),
    /// Opens what a notification is about.
    Banner,
    Key(crate::keyboard::Key),
    Toggle(settings::Switch),
    Brighter(i32),
    FontSize(u32),
    Send(String),
    Favourite(String),
    SavePerson,
    SaveNote,
    Alarm(usize),
    AlarmHour(i32),
    AlarmMinute(i32),
    SaveAlarm,
    ShowDay(u32),
    SaveEvent,
}
