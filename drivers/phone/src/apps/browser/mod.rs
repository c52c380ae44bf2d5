//! Browser: tabs with their histories, bookmarks, and a few sites of the phone's own: an encyclopedia, news, a library with a login.

mod content;
mod library;
mod site;
mod view;

use std::collections::BTreeSet;

use super::common::{joined, split};
use crate::app::{App, Context, Facts, Manifest};
use crate::command::{Command, Effect, FieldId, MenuItem, Page, Question, send};
use crate::dice::Dice;
use crate::icon::Icon;
use crate::locale::{COPY, DELETE, Language, Phrase, SHARE, phrase};
use crate::picture::{Picture, Subject};
use crate::providers::Providers;
use crate::ui::Ui;
use content::{Article, NewsItem};
use library::Library;

const BROWSER: Phrase = phrase("Browser", "网页");
const BOOKMARKED: Phrase = phrase("Bookmark added", "已添加书签");
const NOT_BOOKMARKED: Phrase = phrase("Bookmark removed", "已移除书签");
const BOOKMARKS: Phrase = phrase("Bookmarks", "书签");
const HISTORY: Phrase = phrase("History", "历史记录");
const ADD_BOOKMARK: Phrase = phrase("Add bookmark", "添加书签");
const REMOVE_BOOKMARK: Phrase = phrase("Remove bookmark", "移除书签");
const OPEN_IN_TAB: Phrase = phrase("Open in new tab", "在新标签页打开");
const NEW_TAB: Phrase = phrase("New tab", "新标签页");
const COPY_ADDRESS: Phrase = phrase("Copy address", "复制网址");
const CLEAR_HISTORY: Phrase = phrase("Clear history?", "清除历史记录？");
const FOR_GOOD: Phrase = phrase("This cannot be undone.", "此操作无法撤销。");
const TOO_MANY: Phrase = phrase("Close a tab first", "请先关闭一个标签页");

/// The page that a tab begins with.
const START: &str = "find.example";
/// A site that never answers.
const DOWN: &str = "forum.example";

const ADDRESS_FIELD: FieldId = FieldId::new("address");
/// So many tabs can be open, and so many pages are remembered.
const TABS_MAX: usize = 20;
const HISTORY_MAX: usize = 200;

/// The pages that one window shows, one after the other.
#[derive(Clone, Debug)]
struct Tab {
    addresses: Vec<String>,
    at: usize,
}

impl Tab {
    fn new(address: &str) -> Tab {
        Tab { addresses: vec![address.to_owned()], at: 0 }
    }

    fn address(&self) -> &str {
        &self.addresses[self.at]
    }
}

#[derive(Clone, Debug)]
pub struct Browser {
    tabs: Vec<Tab>,
    tab: usize,
    bookmarks: Vec<String>,
    /// All pages that were shown, the latest last.
    visited: Vec<String>,
    /// Sites that do not answer.
    down: BTreeSet<String>,
    articles: Vec<Article>,
    news: Vec<NewsItem>,
    library: Library,
}

#[derive(Clone, Debug)]
pub enum Message {
    /// Shows an address in the tab in front.
    Follow(String),
    /// Shows what was typed into the address bar: an address, or words to look for.
    Go,
    Back,
    Forward,
    Reload,
    NewTab,
    OpenInTab(String),
    SwitchTab(usize),
    CloseTab(usize),
    Bookmark(String),
    HoldLink(String),
    More,
    AskToClear,
    Clear,
    Library(library::Message),
}

fn open(page: Page) -> Command {
    Effect::Open(page).into()
}

fn menu(language: Language, items: Vec<(Phrase, Command)>) -> Vec<Effect> {
    let item = |(label, command)| MenuItem { label: language.say(label), command };
    vec![Effect::Menu(items.into_iter().map(item).collect())]
}

/// The site of an address.
fn host(address: &str) -> &str {
    address.split('/').next().unwrap_or("")
}

/// An address as the browser keeps it: what was typed if it looks like one, else a search for it.
fn address_of(typed: &str) -> String {
    let plain = typed.trim().trim_start_matches("https://").trim_start_matches("http://").trim_end_matches('/');
    let is_address =
        plain.contains('.') && !plain.contains(' ') && !plain.starts_with('.') && !host(plain).ends_with('.');
    if is_address {
        let (host, rest) = plain.split_at(host(plain).len());
        return format!("{}{rest}", host.trim_start_matches("www.").to_lowercase());
    }
    format!("{START}/search/{plain}")
}

impl Browser {
    /// Draws what the sites say.
    pub fn new(seed: u64, language: Language) -> Browser {
        let mut dice = Dice::named(seed, "browser");
        Browser {
            tabs: vec![Tab::new(START)],
            tab: 0,
            bookmarks: vec!["pedia.example".into(), "news.example".into()],
            visited: Vec::new(),
            down: BTreeSet::from([DOWN.to_owned()]),
            articles: content::articles(&mut dice, language),
            news: content::news(&mut dice, language),
            library: Library::new(&mut dice, language),
        }
    }

    fn address(&self) -> &str {
        self.tabs[self.tab].address()
    }

    /// The page of the phone that shows the tab in front, in place of the one that is there.
    fn show_front_tab(&self, context: &Context<'_>) -> Vec<Effect> {
        let is_web = context.page.is("main") || context.page.is("web");
        let close = (!is_web).then_some(Effect::Close);
        close.into_iter().chain([Effect::Replace(Page::of("web", self.address()))]).collect()
    }

    fn remember(&mut self, address: &str) {
        self.visited.retain(|visited| visited != address);
        self.visited.push(address.to_owned());
        let over = self.visited.len().saturating_sub(HISTORY_MAX);
        self.visited.drain(..over);
    }

    /// Shows an address in the tab in front; what lay ahead there is forgotten.
    fn visit(&mut self, address: &str) {
        let tab = &mut self.tabs[self.tab];
        tab.addresses.truncate(tab.at + 1);
        if tab.address() != address {
            tab.addresses.push(address.to_owned());
            let over = tab.addresses.len().saturating_sub(HISTORY_MAX);
            tab.addresses.drain(..over);
            tab.at = tab.addresses.len() - 1;
        }
        self.remember(address);
    }

    fn open_tab(&mut self, address: &str, context: &Context<'_>) -> Vec<Effect> {
        if self.tabs.len() >= TABS_MAX {
            return vec![Effect::Toast(context.language.say(TOO_MANY).into())];
        }
        self.tabs.push(Tab::new(address));
        self.tab = self.tabs.len() - 1;
        self.show_front_tab(context)
    }

    fn close_tab(&mut self, at: usize) {
        if at < self.tabs.len() {
            self.tabs.remove(at);
        }
        if self.tabs.is_empty() {
            self.tabs.push(Tab::new(START));
        }
        if at < self.tab || self.tab >= self.tabs.len() {
            self.tab = self.tab.saturating_sub(1);
        }
    }

    fn more(&self, context: &Context<'_>) -> Vec<Effect> {
        let address = self.address().to_owned();
        let is_kept = self.bookmarks.contains(&address);
        let bookmark = if is_kept { REMOVE_BOOKMARK } else { ADD_BOOKMARK };
        let items = vec![
            (NEW_TAB, send(Message::NewTab)),
            (bookmark, send(Message::Bookmark(address.clone()))),
            (BOOKMARKS, open(Page::new("bookmarks"))),
            (HISTORY, open(Page::new("history"))),
            (COPY_ADDRESS, Effect::Copy(address.clone()).into()),
            (SHARE, Effect::Share(format!("{}\n{address}", self.title(&address, context))).into()),
        ];
        menu(context.language, items)
    }

    fn set_tabs(&mut self, value: &str) -> Result<(), String> {
        let tabs: Vec<Tab> = split(value).map(|address| Tab::new(&address_of(address))).collect();
        if tabs.is_empty() || tabs.len() > TABS_MAX {
            return Err(format!("it is 1 to {TABS_MAX} addresses, for example `news.example; pedia.example`"));
        }
        (self.tabs, self.tab) = (tabs, 0);
        Ok(())
    }

    /// `title | text`: a piece of news that anybody may have written, the latest of all.
    fn add_news(&mut self, value: &str) {
        let (title, text) = value.split_once('|').unwrap_or((value, ""));
        let item = NewsItem {
            title: title.trim().to_owned(),
            text: text.split('|').map(|line| line.trim().to_owned()).collect(),
            section: 0,
            author: "Anon".into(),
            hours: 0,
            picture: Picture::new(Subject::Street, self.news.len() as u32),
        };
        self.news.insert(0, item);
    }
}

impl App for Browser {
    type Message = Message;

    fn manifest(&self) -> Manifest {
        Manifest {
            package: "com.android.browser",
            activity: ".BrowserActivity",
            label: BROWSER,
            icon: Icon::Globe,
            color: 0x2F80ED,
        }
    }

    fn view(&self, page: &Page, context: &Context<'_>, providers: &Providers, ui: &mut Ui) {
        view::page(self, page, context, providers, ui);
    }

    fn update(&mut self, message: Message, context: &Context<'_>, providers: &mut Providers) -> Vec<Effect> {
        let language = context.language;
        match message {
            Message::Follow(address) => {
                self.visit(&address);
                return self.show_front_tab(context);
            }
            Message::Go => {
                let typed = context.trimmed(&ADDRESS_FIELD).to_owned();
                if typed.is_empty() {
                    return Vec::new();
                }
                self.visit(&address_of(&typed));
                return self.show_front_tab(context);
            }
            Message::Back => {
                let tab = &mut self.tabs[self.tab];
                tab.at = tab.at.saturating_sub(1);
                return self.show_front_tab(context);
            }
            Message::Forward => {
                let tab = &mut self.tabs[self.tab];
                tab.at = (tab.at + 1).min(tab.addresses.len() - 1);
                return self.show_front_tab(context);
            }
            Message::Reload => {}
            Message::NewTab => return self.open_tab(START, context),
            Message::OpenInTab(address) => {
                self.remember(&address);
                return self.open_tab(&address, context);
            }
            Message::SwitchTab(at) => {
                self.tab = at.min(self.tabs.len() - 1);
                return self.show_front_tab(context);
            }
            Message::CloseTab(at) => self.close_tab(at),
            Message::Bookmark(address) => {
                let said = if self.bookmarks.contains(&address) {
                    self.bookmarks.retain(|kept| *kept != address);
                    NOT_BOOKMARKED
                } else {
                    self.bookmarks.push(address);
                    BOOKMARKED
                };
                return vec![Effect::Toast(language.say(said).into())];
            }
            Message::HoldLink(address) => {
                let items = vec![
                    (OPEN_IN_TAB, send(Message::OpenInTab(address.clone()))),
                    (COPY, Effect::Copy(address.clone()).into()),
                    (SHARE, Effect::Share(address).into()),
                ];
                return menu(language, items);
            }
            Message::More => return self.more(context),
            Message::AskToClear => {
                return vec![Effect::ask(Question {
                    title: language.say(CLEAR_HISTORY).into(),
                    text: language.say(FOR_GOOD).into(),
                    yes: language.say(DELETE),
                    then: send(Message::Clear),
                })];
            }
            Message::Clear => self.visited.clear(),
            Message::Library(message) if providers.is_online() => {
                let (said, next) = self.library.update(message, context);
                let said = said.map(|phrase| Effect::Toast(language.say(phrase).into()));
                if let Some(next) = next {
                    self.visit(next);
                    let emptied = library::FIELDS.map(|field| Effect::Write(library::field(field), String::new()));
                    return self.show_front_tab(context).into_iter().chain(emptied).chain(said).collect();
                }
                return said.into_iter().collect();
            }
            Message::Library(_) => {}
        }
        Vec::new()
    }

    fn on_open(&mut self, page: &Page, _: &Providers) -> Vec<Effect> {
        if page.is("address") {
            return vec![Effect::Write(ADDRESS_FIELD, String::new()), Effect::Focus(ADDRESS_FIELD)];
        }
        Vec::new()
    }

    fn enter(&self, field: &FieldId) -> Option<Command> {
        match field.name {
            "address" => Some(send(Message::Go)),
            "library" => self.library.enter(field),
            _ => None,
        }
    }

    fn back(&mut self, context: &Context<'_>) -> Option<Vec<Effect>> {
        let is_web = context.page.is("main") || context.page.is("web");
        let tab = &mut self.tabs[self.tab];
        if !is_web || tab.at == 0 {
            return None;
        }
        tab.at -= 1;
        Some(self.show_front_tab(context))
    }

    fn facts(&self, _: &Providers, facts: &mut Facts) {
        facts.insert("browser.address".into(), self.address().to_owned());
        facts.insert("browser.tabs".into(), joined(self.tabs.iter().map(Tab::address)));
        facts.insert("browser.bookmarks".into(), joined(&self.bookmarks));
        facts.insert("browser.history".into(), joined(&self.visited));
        facts.insert("browser.down".into(), joined(&self.down));
        for article in &self.articles {
            for (name, value) in &article.figures {
                facts.insert(format!("browser.pedia.{}.{name}", article.title.replace('.', " ")), value.clone());
            }
        }
        for item in &self.news {
            let name = |what: &str| format!("browser.news.{}.{what}", item.title.replace('.', " "));
            facts.insert(name("author"), item.author.clone());
            facts.insert(name("text"), item.text.join(" "));
        }
        self.library.facts(facts);
    }

    /// `browser.tabs`, `browser.bookmarks` and `browser.history` are addresses, `browser.down` sites that do not answer; `browser.news` is
    /// `title | text` of a new piece; `browser.library.…` as the library has it.
    fn set_fact(&mut self, name: &[&str], value: &str, _: &mut Providers) -> Option<Result<(), String>> {
        let addresses = || split(value).map(address_of).collect::<Vec<String>>();
        match name {
            ["browser", "tabs"] => return Some(self.set_tabs(value)),
            ["browser", "bookmarks"] => self.bookmarks = addresses(),
            ["browser", "history"] => self.visited = addresses(),
            ["browser", "down"] => self.down = split(value).map(str::to_owned).collect(),
            ["browser", "news"] => self.add_news(value),
            ["browser", "library", what] => return self.library.set_fact(what, value),
            _ => return None,
        }
        Some(Ok(()))
    }
}
