//! Feed: posts of people with pictures, searching, profiles, comments, favourites, a post of one's own.

mod content;
mod view;

use std::collections::BTreeSet;

use super::common::{discard_question, joined, open_with, places_of};
use crate::app::{App, Context, Facts, Manifest};
use crate::command::{Command, Effect, FieldId, MenuItem, Page, Question, send};
use crate::dice::Dice;
use crate::icon::Icon;
use crate::locale::{COPY, DELETE, Language, Phrase, SHARE, WILL_BE_LOST, phrase};
use crate::picture::{Picture, Subject};
use crate::providers::Providers;
use crate::ui::Ui;
use content::{Author, Post};

const FEED: Phrase = phrase("Feed", "动态");
const ADDED: Phrase = phrase("Added to favourites", "已收藏");
const TAKEN_AWAY: Phrase = phrase("Removed from favourites", "已取消收藏");
const POSTED: Phrase = phrase("Posted", "已发布");
const DELETE_POST: Phrase = phrase("Delete post?", "删除帖子？");
const FOR_GOOD: Phrase = phrase("This cannot be undone.", "此操作无法撤销。");
const DISCARD_POST: Phrase = phrase("Discard post?", "舍弃帖子？");
const UP_TO_DATE: Phrase = phrase("You are up to date", "已是最新");
const KEEP: Phrase = phrase("Add to favourites", "收藏");

const SEARCH_FIELD: FieldId = FieldId::new("search");
const TITLE_FIELD: FieldId = FieldId::new("title");
const TEXT_FIELD: FieldId = FieldId::new("text");

/// What was written and what the owner thinks of it. Posts are named by their places in the list, which only grows.
#[derive(Clone, Debug)]
pub struct Feed {
    authors: Vec<Author>,
    posts: Vec<Post>,
    /// Posts of later are not there yet. Minutes since the world began.
    until: u32,
    liked: BTreeSet<usize>,
    kept: BTreeSet<usize>,
    following: BTreeSet<usize>,
    deleted: BTreeSet<usize>,
    /// The owner's comments, each with its post.
    comments: Vec<(usize, String)>,
    /// Text that another app has shared.
    received: Option<String>,
}

#[derive(Clone, Debug)]
pub enum Message {
    Like(usize),
    Keep(usize),
    Follow(usize),
    Search,
    SearchFor(String),
    Comment(usize),
    Hold(usize),
    HoldComment(usize),
    DeleteComment(usize),
    AskToDelete(usize),
    Delete(usize),
    Publish,
    Discard,
    Refresh,
}

fn post_page(at: usize) -> Page {
    Page::of("post", at)
}

fn comment_field(at: usize) -> FieldId {
    FieldId::of("comment", at)
}

fn flip(set: &mut BTreeSet<usize>, at: usize) -> bool {
    set.insert(at) || !set.remove(&at)
}

impl Feed {
    /// Draws authors and posts.
    pub fn new(seed: u64, language: Language) -> Feed {
        let mut dice = Dice::named(seed, "feed");
        let authors = content::authors(&mut dice, language);
        let posts = content::posts(&mut dice, seed, language);
        Feed {
            following: (0..authors.len()).filter(|_| dice.chance(25)).collect(),
            authors,
            posts,
            until: 0,
            liked: BTreeSet::new(),
            kept: BTreeSet::new(),
            deleted: BTreeSet::new(),
            comments: Vec::new(),
            received: None,
        }
    }

    /// The posts that are there, the latest first.
    fn visible(&self) -> Vec<usize> {
        let is_there = |at: &usize| self.posts[*at].minute <= self.until as i32 && !self.deleted.contains(at);
        let mut list: Vec<usize> = (0..self.posts.len()).filter(is_there).collect();
        list.sort_by_key(|at| -self.posts[*at].minute);
        list
    }

    /// How many posts have come since the list was brought up to date.
    fn waiting(&self, context: &Context<'_>) -> usize {
        let now = context.elapsed() as i32;
        self.posts.iter().filter(|post| (self.until as i32 + 1..=now).contains(&post.minute)).count()
    }

    fn author_name(&self, post: &Post, language: Language) -> String {
        match post.author.and_then(|at| self.authors.get(at)) {
            Some(author) => author.name.clone(),
            None => language.say(super::common::ME).to_owned(),
        }
    }

    fn title(&self, at: usize) -> &str {
        self.posts.get(at).map_or("", |post| &post.title)
    }

    fn place_of(&self, title: &str) -> Option<usize> {
        self.posts.iter().position(|post| post.title == title)
    }

    fn hold(&self, at: usize, language: Language) -> Vec<Effect> {
        let Some(post) = self.posts.get(at) else { return Vec::new() };
        let text = format!("{}\n{}", post.title, post.body.join("\n"));
        let mut items = vec![
            (KEEP, send(Message::Keep(at))),
            (COPY, Effect::Copy(text.clone()).into()),
            (SHARE, Effect::Share(text).into()),
        ];
        if post.author.is_none() {
            items.push((DELETE, send(Message::AskToDelete(at))));
        }
        let item = |(label, command)| MenuItem { label: language.say(label), command };
        vec![Effect::Menu(items.into_iter().map(item).collect())]
    }

    fn publish(&mut self, context: &Context<'_>) -> Vec<Effect> {
        let (title, text) = (context.trimmed(&TITLE_FIELD), context.trimmed(&TEXT_FIELD));
        if title.is_empty() {
            return Vec::new();
        }
        self.until = self.until.max(context.elapsed());
        self.posts.push(Post {
            author: None,
            title: title.to_owned(),
            body: text.lines().map(str::to_owned).collect(),
            places: Vec::new(),
            picture: Picture::new(Subject::Sea, self.posts.len() as u32),
            minute: context.elapsed() as i32,
            likes: 0,
            comments: Vec::new(),
        });
        let mut effects = leave_editor();
        effects.push(Effect::Toast(context.language.say(POSTED).into()));
        effects
    }

    fn bring_up_to_date(&mut self, context: &Context<'_>) -> Vec<Effect> {
        let is_new = self.waiting(context) > 0;
        self.until = self.until.max(context.elapsed());
        if is_new { Vec::new() } else { vec![Effect::Toast(context.language.say(UP_TO_DATE).into())] }
    }
}

fn leave_editor() -> Vec<Effect> {
    vec![Effect::Write(TITLE_FIELD, String::new()), Effect::Write(TEXT_FIELD, String::new()), Effect::Close]
}

impl App for Feed {
    type Message = Message;

    fn manifest(&self) -> Manifest {
        Manifest {
            package: "com.tapwright.feed",
            activity: ".FeedActivity",
            label: FEED,
            icon: Icon::Heart,
            color: 0xE0567A,
        }
    }

    fn view(&self, page: &Page, context: &Context<'_>, providers: &Providers, ui: &mut Ui) {
        view::page(self, page, context, providers, ui);
    }

    fn update(&mut self, message: Message, context: &Context<'_>, providers: &mut Providers) -> Vec<Effect> {
        match message {
            Message::Like(at) => {
                flip(&mut self.liked, at);
            }
            Message::Keep(at) => {
                let said = if flip(&mut self.kept, at) { ADDED } else { TAKEN_AWAY };
                return vec![Effect::Toast(context.language.say(said).into())];
            }
            Message::Follow(at) => {
                flip(&mut self.following, at);
            }
            Message::Search => {
                let query = context.trimmed(&SEARCH_FIELD).to_owned();
                if !query.is_empty() {
                    return vec![Effect::Open(Page::of("results", query))];
                }
            }
            Message::SearchFor(query) => {
                return vec![Effect::Write(SEARCH_FIELD, query.clone()), Effect::Open(Page::of("results", query))];
            }
            Message::Comment(at) => {
                let text = context.trimmed(&comment_field(at)).to_owned();
                if !text.is_empty() && providers.is_online() {
                    self.comments.push((at, text));
                    return vec![Effect::Write(comment_field(at), String::new())];
                }
            }
            Message::Hold(at) => return self.hold(at, context.language),
            Message::HoldComment(at) => {
                let label = context.language.say(DELETE);
                return vec![Effect::Menu(vec![MenuItem { label, command: send(Message::DeleteComment(at)) }])];
            }
            Message::DeleteComment(at) => {
                if at < self.comments.len() {
                    self.comments.remove(at);
                }
            }
            Message::AskToDelete(at) => {
                return vec![Effect::ask(Question {
                    title: context.language.say(DELETE_POST).into(),
                    text: context.language.say(FOR_GOOD).into(),
                    yes: context.language.say(DELETE),
                    then: send(Message::Delete(at)),
                })];
            }
            Message::Delete(at) => {
                self.deleted.insert(at);
                if context.page.is("post") {
                    return vec![Effect::Close];
                }
            }
            Message::Publish if providers.is_online() => return self.publish(context),
            Message::Publish => {}
            Message::Discard => return leave_editor(),
            Message::Refresh => return self.bring_up_to_date(context),
        }
        Vec::new()
    }

    fn on_refresh(&mut self, context: &Context<'_>, providers: &Providers) -> Vec<Effect> {
        if context.page.is("main") && providers.is_online() { self.bring_up_to_date(context) } else { Vec::new() }
    }

    fn on_open(&mut self, page: &Page, _: &Providers) -> Vec<Effect> {
        match page.name {
            "search" => vec![Effect::Write(SEARCH_FIELD, String::new()), Effect::Focus(SEARCH_FIELD)],
            "new" => {
                let text = self.received.take().map(|text| Effect::Write(TEXT_FIELD, text));
                text.into_iter().chain([Effect::Focus(TITLE_FIELD)]).collect()
            }
            _ => Vec::new(),
        }
    }

    fn enter(&self, field: &FieldId) -> Option<Command> {
        match field.name {
            "search" => Some(send(Message::Search)),
            "title" => Some(Effect::Focus(TEXT_FIELD).into()),
            "comment" => field.about.parse().ok().map(|at| send(Message::Comment(at))),
            _ => None,
        }
    }

    fn unsaved_question(&self, context: &Context<'_>, _: &Providers) -> Option<Question> {
        discard_question(context, &[TITLE_FIELD, TEXT_FIELD], DISCARD_POST, WILL_BE_LOST, send(Message::Discard))
    }

    fn takes_text(&self) -> bool {
        true
    }

    fn receive(&mut self, text: &str) -> Vec<Effect> {
        open_with(&mut self.received, text)
    }

    fn facts(&self, _: &Providers, facts: &mut Facts) {
        let titles = |set: &BTreeSet<usize>| joined(set.iter().map(|at| self.title(*at)));
        facts.insert("feed.liked".into(), titles(&self.liked));
        facts.insert("feed.favourites".into(), titles(&self.kept));
        let following = self.following.iter().filter_map(|at| self.authors.get(*at));
        facts.insert("feed.following".into(), joined(following.map(|author| &author.name)));
        let comments = self.comments.iter().map(|(at, text)| format!("{}: {text}", self.title(*at)));
        facts.insert("feed.comments".into(), joined(comments));
        let is_mine = |(at, post): &(usize, &Post)| post.author.is_none() && !self.deleted.contains(at);
        let mine = self.posts.iter().enumerate().filter(is_mine);
        let mine = mine.map(|(_, post)| format!("{}: {}", post.title, post.body.join(" ")));
        facts.insert("feed.mine".into(), joined(mine));
        for post in self.posts.iter().filter(|post| post.author.is_some()) {
            let name = |what: &str| format!("feed.post.{}.{what}", post.title.replace('.', " "));
            let author = post.author.and_then(|at| self.authors.get(at)).map_or("", |author| &author.name);
            facts.insert(name("author"), author.to_owned());
            facts.insert(name("minute"), post.minute.to_string());
            if !post.places.is_empty() {
                facts.insert(name("places"), joined(&post.places));
            }
        }
    }

    /// `feed.liked`, `feed.favourites`, `feed.following` are lists; `feed.post` is `title: text` of a stranger's new post.
    fn set_fact(&mut self, name: &[&str], value: &str, _: &mut Providers) -> Option<Result<(), String>> {
        let of_post = |feed: &Feed| places_of(value, |title| feed.place_of(title));
        Some(match name {
            ["feed", "liked"] => of_post(self).map(|list| self.liked = list.into_iter().collect()),
            ["feed", "favourites"] => of_post(self).map(|list| self.kept = list.into_iter().collect()),
            ["feed", "following"] => {
                let place = |name: &str| self.authors.iter().position(|author| author.name == name);
                places_of(value, place).map(|list| self.following = list.into_iter().collect())
            }
            ["feed", "post"] => {
                let (title, body) = value.split_once(": ").unwrap_or((value, ""));
                self.posts.push(Post {
                    author: Some(self.posts.len() % self.authors.len()),
                    title: title.to_owned(),
                    body: body.split('|').map(|line| line.trim().to_owned()).collect(),
                    places: Vec::new(),
                    picture: Picture::new(Subject::Street, self.posts.len() as u32),
                    minute: 0,
                    likes: 0,
                    comments: Vec::new(),
                });
                Ok(())
            }
            _ => return None,
        })
    }
}
