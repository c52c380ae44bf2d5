//! What an app is to the phone: a name, pages that draw themselves, messages that change it, and facts for judges.
//!
//! An app knows the widgets, the providers and its own state. It does not know the world: what it wants of it, it says
//! as effects.

use std::collections::BTreeMap;
use std::fmt::Debug;

use serde_json::Value;

use crate::command::{Command, Effect, FieldId, Message, Page, Question};
use crate::date::Date;
use crate::fields::Fields;
use crate::functions::{AppFunction, Arguments, FunctionError};
use crate::icon::Icon;
use crate::locale::{Language, Phrase};
use crate::permission::GrantedPermissions;
use crate::providers::Providers;
use crate::ui::{FieldState, Ui};

/// What the launcher and the package manager know of an app.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Manifest {
    /// For example `com.android.settings`.
    pub package: &'static str,
    /// For example `.Settings`.
    pub activity: &'static str,
    pub label: Phrase,
    pub icon: Icon,
    /// The colour of its icon's square.
    pub color: u32,
}

/// An app that can be launched, as it is called in the phone's language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppInfo {
    /// For example `com.android.settings`.
    pub package: &'static str,
    /// For example `.Settings`.
    pub activity: &'static str,
    /// For example `Settings`.
    pub label: &'static str,
}

impl Manifest {
    /// The app as it is called in a language.
    pub fn info(&self, language: Language) -> AppInfo {
        AppInfo { package: self.package, activity: self.activity, label: language.say(self.label) }
    }
}

/// Facts by name: what is true of the phone, for judges.
pub type Facts = BTreeMap<String, String>;

/// What an app is told of the phone round it.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    pub language: Language,
    /// Seconds since 1970 on the phone's clock.
    pub clock: u64,
    /// The day on which the world began, counted from 1970-01-01.
    pub first_day: u64,
    /// When the world began, in seconds since 1970.
    pub began: u64,
    /// What the owner has allowed this app to use.
    pub may: GrantedPermissions,
    /// The page in front of this app.
    pub page: &'a Page,
    pub(crate) fields: &'a Fields,
    /// The app's place among the installed ones.
    pub(crate) app: usize,
}

impl<'a> Context<'a> {
    /// What stands in a field of this app.
    pub fn field(&self, field: &FieldId) -> FieldState<'a> {
        self.fields.state(self.app, field)
    }

    /// The text in a field of this app, without blanks around it.
    pub fn trimmed(&self, field: &FieldId) -> &'a str {
        self.field(field).text.trim()
    }

    /// Minutes since the world began.
    pub fn elapsed(&self) -> u32 {
        (self.clock.saturating_sub(self.began) / 60) as u32
    }

    /// Minutes after midnight.
    pub fn minute(&self) -> u32 {
        (self.clock / 60 % (24 * 60)) as u32
    }

    /// A day after the one on which the world began.
    pub fn day(&self, ahead: u64) -> Date {
        Date::new(self.first_day + ahead)
    }
}

/// An app of the phone.
pub trait App: Clone + Debug + Send + Sync + 'static {
    /// What its widgets tell it.
    type Message: Clone + Debug + Send + Sync + 'static;

    /// Its names and its icon.
    fn manifest(&self) -> Manifest;

    /// The page that it begins with.
    fn first_page(&self) -> Page {
        Page::new("main")
    }

    /// Draws a page.
    fn view(&self, page: &Page, context: &Context<'_>, providers: &Providers, ui: &mut Ui);

    /// Does what a widget says.
    fn update(&mut self, message: Self::Message, context: &Context<'_>, providers: &mut Providers) -> Vec<Effect>;

    /// What happens when its page was pulled down.
    fn on_refresh(&mut self, context: &Context<'_>, providers: &Providers) -> Vec<Effect> {
        let _ = (context, providers);
        Vec::new()
    }

    /// What happens when a page has been opened.
    fn on_open(&mut self, page: &Page, providers: &Providers) -> Vec<Effect> {
        let _ = (page, providers);
        Vec::new()
    }

    /// What the Enter key does in a field; `None` if it begins a new line.
    fn enter(&self, field: &FieldId) -> Option<Command> {
        let _ = field;
        None
    }

    /// What going back does on a page in place of leaving it, as in a browser; `None` to leave it.
    fn back(&mut self, context: &Context<'_>) -> Option<Vec<Effect>> {
        let _ = context;
        None
    }

    /// What has to be asked before a page is left, because something written on it would be lost.
    fn unsaved_question(&self, context: &Context<'_>, providers: &Providers) -> Option<Question> {
        let _ = (context, providers);
        None
    }

    /// Whether a page is left behind by whoever goes on from it, as a list is from which something is chosen.
    fn has_no_history(&self, page: &Page) -> bool {
        let _ = page;
        false
    }

    /// Whether other apps can share text with it.
    fn takes_text(&self) -> bool {
        false
    }

    /// What it does with text that another app has shared.
    fn receive(&mut self, text: &str) -> Vec<Effect> {
        let _ = text;
        Vec::new()
    }

    /// What it does for other programs, without its screen.
    fn functions(&self) -> &'static [AppFunction] {
        &[]
    }

    /// Carries out one of its functions.
    ///
    /// # Errors
    /// `FunctionError` says why nothing was done.
    fn execute(
        &mut self,
        function: &str,
        arguments: &Arguments,
        context: &Context<'_>,
        providers: &mut Providers,
    ) -> Result<Value, FunctionError> {
        let _ = (arguments, context, providers);
        Err(FunctionError::NotFound(function.to_owned()))
    }

    /// What is true of it. Names that begin alike are the same app's.
    fn facts(&self, providers: &Providers, facts: &mut Facts);

    /// Makes a fact of its own true; `None` if it has no such fact, an error if it cannot have that value.
    fn set_fact(&mut self, name: &[&str], value: &str, providers: &mut Providers) -> Option<Result<(), String>> {
        let _ = (name, value, providers);
        None
    }
}

/// An app as the world holds it: its own type, and that of its messages, are forgotten.
#[derive(Debug)]
pub struct InstalledApp(Box<dyn AnyApp>);

impl InstalledApp {
    /// Any app.
    pub fn new(app: impl App) -> InstalledApp {
        InstalledApp(Box::new(app))
    }
}

impl Clone for InstalledApp {
    fn clone(&self) -> InstalledApp {
        InstalledApp(self.0.boxed())
    }
}

impl std::ops::Deref for InstalledApp {
    type Target = dyn AnyApp;

    fn deref(&self) -> &(dyn AnyApp + 'static) {
        &*self.0
    }
}

impl std::ops::DerefMut for InstalledApp {
    fn deref_mut(&mut self) -> &mut (dyn AnyApp + 'static) {
        &mut *self.0
    }
}

/// `App` without its types.
pub trait AnyApp: Debug + Send + Sync {
    fn boxed(&self) -> Box<dyn AnyApp>;
    fn manifest(&self) -> Manifest;
    fn first_page(&self) -> Page;
    fn view(&self, page: &Page, context: &Context<'_>, providers: &Providers, ui: &mut Ui);
    fn update(&mut self, message: &Message, context: &Context<'_>, providers: &mut Providers) -> Vec<Effect>;
    fn on_refresh(&mut self, context: &Context<'_>, providers: &Providers) -> Vec<Effect>;
    fn on_open(&mut self, page: &Page, providers: &Providers) -> Vec<Effect>;
    fn enter(&self, field: &FieldId) -> Option<Command>;
    fn back(&mut self, context: &Context<'_>) -> Option<Vec<Effect>>;
    fn unsaved_question(&self, context: &Context<'_>, providers: &Providers) -> Option<Question>;
    fn has_no_history(&self, page: &Page) -> bool;
    fn takes_text(&self) -> bool;
    fn receive(&mut self, text: &str) -> Vec<Effect>;
    fn functions(&self) -> &'static [AppFunction];
    fn execute(
        &mut self,
        function: &str,
        arguments: &Arguments,
        context: &Context<'_>,
        providers: &mut Providers,
    ) -> Result<Value, FunctionError>;
    fn facts(&self, providers: &Providers, facts: &mut Facts);
    fn set_fact(&mut self, name: &[&str], value: &str, providers: &mut Providers) -> Option<Result<(), String>>;
}

impl<A: App> AnyApp for A {
    fn boxed(&self) -> Box<dyn AnyApp> {
        Box::new(self.clone())
    }
    fn manifest(&self) -> Manifest {
        App::manifest(self)
    }
    fn first_page(&self) -> Page {
        App::first_page(self)
    }
    fn view(&self, page: &Page, context: &Context<'_>, providers: &Providers, ui: &mut Ui) {
        App::view(self, page, context, providers, ui);
    }
    fn update(&mut self, message: &Message, context: &Context<'_>, providers: &mut Providers) -> Vec<Effect> {
        // A message of another app's can only come from a widget that this app has not drawn.
        message.get().map_or(Vec::new(), |message| App::update(self, message, context, providers))
    }
    fn on_refresh(&mut self, context: &Context<'_>, providers: &Providers) -> Vec<Effect> {
        App::on_refresh(self, context, providers)
    }
    fn on_open(&mut self, page: &Page, providers: &Providers) -> Vec<Effect> {
        App::on_open(self, page, providers)
    }
    fn enter(&self, field: &FieldId) -> Option<Command> {
        App::enter(self, field)
    }
    fn back(&mut self, context: &Context<'_>) -> Option<Vec<Effect>> {
        App::back(self, context)
    }
    fn unsaved_question(&self, context: &Context<'_>, providers: &Providers) -> Option<Question> {
        App::unsaved_question(self, context, providers)
    }
    fn has_no_history(&self, page: &Page) -> bool {
        App::has_no_history(self, page)
    }
    fn takes_text(&self) -> bool {
        App::takes_text(self)
    }
    fn receive(&mut self, text: &str) -> Vec<Effect> {
        App::receive(self, text)
    }
    fn functions(&self) -> &'static [AppFunction] {
        App::functions(self)
    }
    fn execute(
        &mut self,
        function: &str,
        arguments: &Arguments,
        context: &Context<'_>,
        providers: &mut Providers,
    ) -> Result<Value, FunctionError> {
        App::execute(self, function, arguments, context, providers)
    }
    fn facts(&self, providers: &Providers, facts: &mut Facts) {
        App::facts(self, providers, facts);
    }
    fn set_fact(&mut self, name: &[&str], value: &str, providers: &mut Providers) -> Option<Result<(), String>> {
        App::set_fact(self, name, value, providers)
    }
}
