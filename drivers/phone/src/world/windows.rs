//! Which app is in front, and on which page: what touches and apps ask of the window manager.

use super::{Overlay, World};
use crate::command::{Command, Effect, KeyCap, Message, Page};
use crate::system::events::{Answer, Notification, SystemDialog};
use crate::system::keyboard::Layer;

/// How long a line about what was done is there, in milliseconds.
const TOAST: u64 = 2500;

impl World {
    /// Does what a touch wants, on behalf of the app in front.
    pub(super) fn act(&mut self, command: Command) {
        self.act_for(self.front, command);
    }

    fn act_for(&mut self, app: Option<usize>, command: Command) {
        match command {
            Command::App(message) => {
                if let Some(app) = app {
                    self.tell(app, &message);
                }
            }
            Command::Effect(effect) => {
                if let Some(app) = app {
                    self.carry_out(app, effect);
                }
            }
            Command::Back => self.go_back(),
            Command::Up => self.leave_page(),
            Command::Home => self.go_home(),
            Command::Launch(app) => self.show(app),
            Command::Answer(yes) => {
                if let Some(Overlay::Question(app, question)) = self.overlay.take()
                    && yes
                {
                    self.act_for(Some(app), question.then);
                }
            }
            Command::Choose(at) => {
                if let Some(Overlay::Menu(app, mut items)) = self.overlay.take()
                    && at < items.len()
                {
                    self.act_for(Some(app), items.swap_remove(at).command);
                }
            }
            Command::AnswerSystem(yes) => self.answer_system(yes),
            Command::OpenBanner => {
                if let Some((notification, _)) = self.system.banner.take() {
                    self.system.notifications.retain(|kept| *kept != notification);
                    self.launch(notification.package);
                }
            }
            Command::OpenNotification(at) => {
                if at < self.system.notifications.len() {
                    let notification = self.system.notifications.remove(at);
                    self.launch(notification.package);
                }
            }
            Command::ClearNotifications => self.system.notifications.clear(),
            Command::QuickSwitch(switch) => self.providers.settings.toggle(switch),
            Command::Brightness(by) => self.providers.settings.brighten(by),
            Command::Recents => {
                self.leave_field();
                self.overlay = Some(Overlay::Recents);
            }
            Command::ClearRecents => {
                self.stacks.clear();
                self.recent.clear();
                self.go_home();
            }
            Command::ShareTo(app) => {
                if let Some(Overlay::Share(text)) = self.overlay.take() {
                    self.show(app);
                    let effects = self.apps[app].receive(&text);
                    self.carry_out_all(app, effects);
                }
            }
            Command::Key(key) => self.type_key(key),
            Command::Edit(edit) => self.fields.edit(edit),
        }
    }

    /// Gives an app a message and does what it asks for.
    fn tell(&mut self, app: usize, message: &Message) {
        let Some(page) = self.stacks.get(&app).and_then(|stack| stack.last()).cloned() else { return };
        let mut providers = self.providers.clone();
        let mut told = self.apps[app].clone();
        let effects = told.update(message, &self.context(app, &page), &mut providers);
        self.apps[app] = told;
        self.providers = providers;
        self.carry_out_all(app, effects);
    }

    /// Tells an app that its page was pulled down.
    pub(super) fn refresh(&mut self, app: usize) {
        let Some(page) = self.stacks.get(&app).and_then(|stack| stack.last()).cloned() else { return };
        let mut told = self.apps[app].clone();
        let effects = told.on_refresh(&self.context(app, &page), &self.providers);
        self.apps[app] = told;
        self.carry_out_all(app, effects);
    }

    fn carry_out_all(&mut self, app: usize, effects: Vec<Effect>) {
        for effect in effects {
            self.carry_out(app, effect);
        }
    }

    fn carry_out(&mut self, app: usize, effect: Effect) {
        match effect {
            Effect::Open(page) => self.open(app, page),
            Effect::Replace(page) => {
                if let Some(top) = self.stacks.get_mut(&app).and_then(|stack| stack.last_mut()) {
                    self.scrolls.remove(&(app, page.clone()));
                    *top = page;
                }
            }
            Effect::Close => self.close_page(),
            Effect::Start { package, page } => {
                if let Some(other) = self.place_of(package) {
                    match page {
                        Some(page) => self.open(other, page),
                        None => self.show(other),
                    }
                }
            }
            Effect::Focus(field) => {
                self.fields.set_focus(Some((app, field)));
                self.layer = Layer::default();
            }
            Effect::Write(field, text) => self.fields.write(app, field, &text),
            Effect::Append(field, text) => {
                let longer = format!("{}{text}", self.fields.state(app, &field).text);
                self.fields.write(app, field, &longer);
            }
            Effect::Ask(question) => self.overlay = Some(Overlay::Question(app, *question)),
            Effect::Menu(items) => self.overlay = Some(Overlay::Menu(app, items)),
            Effect::Toast(text) => self.system.toast = Some((text, self.millis + TOAST)),
            Effect::Notify(text) => {
                let package = self.apps[app].manifest().package;
                self.system.notifications.insert(0, Notification { package, text });
            }
            Effect::RequestPermission(kind) => {
                let package = self.apps[app].manifest().package;
                self.ask_permission(package, kind);
            }
            Effect::Copy(text) => self.fields.copy(&text),
            Effect::Share(text) => self.overlay = Some(Overlay::Share(text)),
        }
    }

    /// Brings an app to the front on the page where it was left.
    fn show(&mut self, app: usize) {
        self.leave_field();
        self.bring_forward(app);
        let first = self.apps[app].first_page();
        self.slide = Some((self.millis, 1));
        self.stacks.entry(app).or_insert_with(|| vec![first]);
    }

    fn bring_forward(&mut self, app: usize) {
        // What lay over the app that was in front belonged to it.
        self.overlay = None;
        self.system.shade = false;
        self.front = Some(app);
        self.recent.retain(|other| *other != app);
        self.recent.insert(0, app);
    }

    fn open(&mut self, app: usize, page: Page) {
        self.leave_field();
        let first = self.apps[app].first_page();
        let stack = self.stacks.entry(app).or_insert_with(|| vec![first.clone()]);
        if page == first {
            stack.truncate(1);
        } else {
            stack.retain(|below| !self.apps[app].has_no_history(below) && *below != page);
            stack.push(page.clone());
        }
        self.scrolls.remove(&(app, page.clone()));
        self.slide = Some((self.millis, 1));
        self.bring_forward(app);
        let effects = self.apps[app].on_open(&page, &self.providers);
        self.carry_out_all(app, effects);
    }

    fn close_page(&mut self) {
        self.leave_field();
        if let Some(stack) = self.front.and_then(|app| self.stacks.get_mut(&app)) {
            if stack.len() > 1 {
                stack.pop();
                self.slide = Some((self.millis, -1));
            } else {
                self.go_home();
            }
        }
    }

    /// Leaves the page in front; asks first where something that was written on it would be lost.
    fn leave_page(&mut self) {
        let Some((app, page)) = self.front.zip(self.page().cloned()) else { return };
        let mut told = self.apps[app].clone();
        if let Some(effects) = told.back(&self.context(app, &page)) {
            self.apps[app] = told;
            self.leave_field();
            return self.carry_out_all(app, effects);
        }
        match self.apps[app].unsaved_question(&self.context(app, &page), &self.providers) {
            Some(question) => {
                self.leave_field();
                self.overlay = Some(Overlay::Question(app, question));
            }
            None => self.close_page(),
        }
    }

    /// What lies over the page goes first, then the keyboard, then the page.
    pub(super) fn go_back(&mut self) {
        if std::mem::take(&mut self.system.shade) || self.overlay.take().is_some() {
            return;
        }
        if self.field_has_focus() {
            self.leave_field();
        } else {
            self.leave_page();
        }
    }

    pub(super) fn go_home(&mut self) {
        self.leave_field();
        self.overlay = None;
        self.system.shade = false;
        self.front = None;
    }

    pub(super) fn leave_field(&mut self) {
        self.fields.set_focus(None);
        self.layer = Layer::default();
    }

    fn answer_system(&mut self, yes: bool) {
        let asker = self.dialog_app().package;
        match self.system.dialog.take() {
            // Who does not want to wait closes the app.
            Some(SystemDialog::Anr) if !yes => self.stop(self.front().package),
            Some(SystemDialog::Debugging) => {
                self.system.debugging = Some(if yes { Answer::Yes } else { Answer::No });
            }
            Some(SystemDialog::Permission(kind)) => self.system.decide(asker, kind, yes),
            Some(SystemDialog::Anr) | None => {}
        }
    }

    pub(super) fn press_enter(&mut self) {
        let Some((app, field)) = self.fields.focus().cloned() else { return };
        match self.apps[app].enter(&field) {
            Some(command) => self.act(command),
            None => self.fields.insert("\n"),
        }
    }

    fn type_key(&mut self, key: KeyCap) {
        match key {
            KeyCap::Character(character) => {
                self.fields.insert(&character.to_string());
                self.layer.shift = false;
            }
            KeyCap::Shift => self.layer.shift = !self.layer.shift,
            KeyCap::Symbols => self.layer = Layer { symbols: !self.layer.symbols, shift: false },
            KeyCap::Erase => self.fields.erase(),
            KeyCap::Enter => self.press_enter(),
        }
    }
}
