//! The pages of the feed.

use super::content::Post;
use super::{Feed, Message, SEARCH_FIELD, TEXT_FIELD, TITLE_FIELD, comment_field, post_page};
use crate::app::Context;
use crate::apps::common::{HOME, ME, NOTHING_FOUND, SEARCH, ago, is_offline, matches};
use crate::atlas::CITIES;
use crate::command::{Command, Effect, FieldId, Page, send};
use crate::icon::Icon;
use crate::locale::{DELETE, Phrase, SHARE, phrase};
use crate::picture::{Picture, Subject};
use crate::providers::Providers;
use crate::providers::people::avatar_color;
use crate::ui::{Class, Column, EDGE, End, Lead, MEASURE, ROW, Row, Style, TABS, TextField, Ui};

const FOR_YOU: Phrase = phrase("For you", "推荐");
const FOLLOWING: Phrase = phrase("Following", "关注");
const NEW_POST: Phrase = phrase("Post", "发布");
const REFRESH: Phrase = phrase("Refresh", "刷新");
const NEW_POSTS: Phrase = phrase("New posts: {}", "{}条新帖子");
const NOBODY: Phrase = phrase("You follow nobody who has posted", "关注的人还没有发帖");
const SEARCH_POSTS: Phrase = phrase("Search posts and people", "搜索帖子和用户");
const FOLLOW: Phrase = phrase("Follow", "关注");
const UNFOLLOW: Phrase = phrase("Following", "已关注");
const COMMENTS: Phrase = phrase("Comments: {}", "评论：{}");
const NO_COMMENTS: Phrase = phrase("No comments yet", "还没有评论");
const ADD_COMMENT: Phrase = phrase("Add a comment", "写评论");
const LIKE: Phrase = phrase("Like", "赞");
const FAVOURITE: Phrase = phrase("Favourite", "收藏");
const FAVOURITES: Phrase = phrase("Favourites", "收藏");
const LIKED: Phrase = phrase("Liked", "赞过");
const MINE: Phrase = phrase("My posts", "我的帖子");
const NOTHING_HERE: Phrase = phrase("Nothing here yet", "这里还没有内容");
const FOLLOWERS: Phrase = phrase("Followers: {}", "粉丝：{}");
const PEOPLE: Phrase = phrase("People", "用户");
const POSTS: Phrase = phrase("Posts", "帖子");
const TITLE: Phrase = phrase("Title", "标题");
const YOUR_TEXT: Phrase = phrase("What do you want to share?", "分享点什么？");
const PUBLISH: Phrase = phrase("Publish", "发布");

/// The height of a post in a list.
const CARD: f32 = 5.2 * ROW;

/// Draws a page.
pub fn page(feed: &Feed, page: &Page, context: &Context<'_>, providers: &Providers, ui: &mut Ui) {
    match page.name {
        "post" => post(feed, page.number().unwrap_or(0), context, providers, ui),
        "search" => search(feed, context, ui),
        "results" => results(feed, &page.about, context, providers, ui),
        "author" => author(feed, page.number().unwrap_or(0), context, providers, ui),
        "me" => me(feed, page, context, ui),
        "new" => new(context, ui),
        _ => main(feed, page, context, providers, ui),
    }
}

fn open(page: Page) -> Command {
    Effect::Open(page).into()
}

fn bottom_bar(ui: &mut Ui, on: &str) {
    ui.bottom_bar(&[
        (Icon::House, HOME, on == "main", open(Page::new("main"))),
        (Icon::Search, SEARCH, on == "search", open(Page::new("search"))),
        (Icon::Plus, NEW_POST, false, open(Page::new("new"))),
        (Icon::Person, ME, on == "me", open(Page::new("me"))),
    ]);
}

fn main(feed: &Feed, page: &Page, context: &Context<'_>, providers: &Providers, ui: &mut Ui) {
    let title = ui.say(super::FEED);
    ui.title_bar(title, false, &[(Icon::Refresh, REFRESH, send(Message::Refresh))]);
    bottom_bar(ui, "main");
    let only_followed = page.about == "following";
    let tabs = [
        (ui.say(FOR_YOU), !only_followed, Effect::Replace(Page::new("main")).into()),
        (ui.say(FOLLOWING), only_followed, Effect::Replace(Page::of("main", "following")).into()),
    ];
    ui.tabs(2.0 * ROW, &tabs);
    if is_offline(providers, ui, send(Message::Refresh)) {
        return;
    }
    let mut list = feed.visible();
    list.retain(|at| !only_followed || feed.posts[*at].author.is_some_and(|by| feed.following.contains(&by)));
    if list.is_empty() {
        let text = ui.say(NOBODY);
        return ui.notice(Icon::Users, text, None);
    }
    let waiting = feed.waiting(context);
    ui.scroll(2.0 * ROW + TABS, |ui, column| {
        if waiting > 0 {
            let (text, accent) = (ui.say_with(NEW_POSTS, &waiting.to_string()), ui.theme.accent);
            column.button(ui, "new_posts", &text, accent, send(Message::Refresh));
        }
        cards(feed, &list, context, ui, column);
    });
}

fn cards(feed: &Feed, list: &[usize], context: &Context<'_>, ui: &mut Ui, column: &mut Column) {
    for at in list {
        column.gap(8.0);
        column.back(ui, CARD);
        column.item(ui, CARD, |ui, top| card(feed, *at, context, top, ui));
    }
}

/// When it was written, as one line with who wrote it.
fn byline(feed: &Feed, post: &Post, context: &Context<'_>) -> (String, String) {
    let minutes = (context.elapsed() as i32 - post.minute).max(0) as u32;
    (feed.author_name(post, context.language), ago(minutes, context.language))
}

fn avatar(ui: &mut Ui, name: &str, left: f32, middle: f32) {
    let seed = avatar_color(name) ^ name.len() as u32;
    ui.picture((left, middle - 28.0, 56.0, 56.0), Picture::new(Subject::Portrait, seed), 28.0, "");
}

fn card(feed: &Feed, at: usize, context: &Context<'_>, top: f32, ui: &mut Ui) {
    let post = &feed.posts[at];
    let (ink, faint) = (ui.theme.ink, ui.theme.faint);
    let rect = ui.rect(12.0, top, 516.0, CARD);
    let node = ui.add(Class::Row, "post", rect);
    node.tap = Some(open(post_page(at)));
    node.hold = Some(send(Message::Hold(at)));
    ui.inside(|ui| {
        let (name, when) = byline(feed, post, context);
        avatar(ui, &name, EDGE, top + 44.0);
        ui.label("author", &name, (EDGE + 70.0, top + 44.0), 290.0, Style::new(28.0, ink));
        ui.label_right("time", &when, EDGE + MEASURE, top + 44.0, Style::new(23.0, faint));
        ui.picture((EDGE, top + 84.0, MEASURE, 220.0), post.picture, 20.0, &post.title);
        let bold = Style { bold: true, ..Style::new(32.0, ink) };
        ui.label("title", &post.title, (EDGE, top + 336.0), MEASURE, bold);
        let body = post.body.first().map_or("", String::as_str);
        ui.label("body", body, (EDGE, top + 378.0), MEASURE, Style::new(26.0, faint));
        actions(feed, at, top + 436.0, ui);
    });
}

/// The heart, the comments and the star of a post.
fn actions(feed: &Feed, at: usize, middle: f32, ui: &mut Ui) {
    let post = &feed.posts[at];
    let faint = ui.theme.faint;
    let is_liked = feed.liked.contains(&at);
    let (heart, color) = if is_liked { (Icon::HeartFull, 0xE0324B) } else { (Icon::Heart, faint) };
    ui.icon_button("like", LIKE, heart, (EDGE + 20.0, middle), color, send(Message::Like(at)));
    let likes = (post.likes + usize::from(is_liked)).to_string();
    ui.label("likes", &likes, (EDGE + 54.0, middle), 100.0, Style::new(26.0, faint));
    let count = post.comments.len() + feed.comments.iter().filter(|(of, _)| *of == at).count();
    ui.icon_button("comments", ADD_COMMENT, Icon::Bubble, (230.0, middle), faint, open(post_page(at)));
    ui.label("count", &count.to_string(), (264.0, middle), 80.0, Style::new(26.0, faint));
    let (star, color) = if feed.kept.contains(&at) { (Icon::StarFull, 0xE8A317) } else { (Icon::Star, faint) };
    ui.icon_button("favourite", FAVOURITE, star, (470.0, middle), color, send(Message::Keep(at)));
}

fn post(feed: &Feed, at: usize, context: &Context<'_>, providers: &Providers, ui: &mut Ui) {
    let Some(post) = feed.posts.get(at) else { return };
    let text = format!("{}\n{}", post.title, post.body.join("\n"));
    let mut bar = vec![(Icon::Share, SHARE, Effect::Share(text).into())];
    if post.author.is_none() {
        bar.insert(0, (Icon::Bin, DELETE, send(Message::AskToDelete(at))));
    }
    let (name, when) = byline(feed, post, context);
    ui.title_bar(&name, true, &bar);
    if is_offline(providers, ui, send(Message::Refresh)) {
        return;
    }
    ui.compose_bar(context, ADD_COMMENT, comment_field(at), send(Message::Comment(at)));
    let (ink, faint) = (ui.theme.ink, ui.theme.faint);
    ui.scroll(2.0 * ROW, |ui, column| {
        column.item(ui, 312.0, |ui, top| {
            ui.picture((EDGE, top + 6.0, MEASURE, 296.0), post.picture, 20.0, &post.title);
        });
        column.paragraph(ui, "title", &post.title, Style { bold: true, ..Style::new(36.0, ink) });
        column.item(ui, ROW, |ui, top| author_line(feed, post, (&name, &when), top, ui));
        for paragraph in &post.body {
            column.paragraph(ui, "body", paragraph, Style::new(30.0, ink));
            column.gap(8.0);
        }
        column.item(ui, 0.9 * ROW, |ui, top| actions(feed, at, top + 0.45 * ROW, ui));
        let mine: Vec<usize> = (0..feed.comments.len()).filter(|i| feed.comments[*i].0 == at).collect();
        let count = post.comments.len() + mine.len();
        let heading = ui.say_with(COMMENTS, &count.to_string());
        column.heading(ui, &heading);
        if count == 0 {
            let text = ui.say(NO_COMMENTS);
            column.paragraph(ui, "empty", text, Style::new(28.0, faint));
        }
        column.rows(ui, count, |ui, i, y| {
            let own = i.checked_sub(post.comments.len()).map(|i| mine[i]);
            let (by, text) = match own {
                Some(own) => (ui.say(ME), feed.comments[own].1.as_str()),
                None => (post.comments[i].0.as_str(), post.comments[i].1.as_str()),
            };
            let row = Row {
                id: "comment",
                lead: Lead::Initial(by, avatar_color(by)),
                title: text,
                second: by,
                hold: own.map(|own| send(Message::HoldComment(own))),
                size: 28.0,
                ..Row::default()
            };
            ui.row(y, row);
        });
    });
}

/// Who wrote a post, to be looked at and followed.
fn author_line(feed: &Feed, post: &Post, (name, when): (&str, &str), top: f32, ui: &mut Ui) {
    let (ink, faint) = (ui.theme.ink, ui.theme.faint);
    let rect = ui.rect(12.0, top, 350.0, ROW);
    let node = ui.add(Class::Row, "author", rect);
    node.tap = post.author.map(|by| open(Page::of("author", by)));
    ui.inside(|ui| {
        avatar(ui, name, EDGE, top + ROW / 2.0);
        ui.label("name", name, (EDGE + 70.0, top + 30.0), 260.0, Style::new(28.0, ink));
        ui.label("time", when, (EDGE + 70.0, top + 64.0), 260.0, Style::new(23.0, faint));
    });
    if let Some(by) = post.author {
        follow_button(feed, by, (360.0, top + 14.0, 152.0, 64.0), ui);
    }
}

fn follow_button(feed: &Feed, by: usize, rect: (f32, f32, f32, f32), ui: &mut Ui) {
    let is_followed = feed.following.contains(&by);
    let text = ui.say(if is_followed { UNFOLLOW } else { FOLLOW });
    let color = if is_followed { ui.theme.off } else { ui.theme.accent };
    ui.button("follow", text, rect, color, send(Message::Follow(by)));
}

fn search(feed: &Feed, context: &Context<'_>, ui: &mut Ui) {
    ui.search_bar(true, SEARCH_POSTS, SEARCH_FIELD, context.field(&SEARCH_FIELD));
    bottom_bar(ui, "search");
    // What could be meant: cities, people, titles.
    let query = context.trimmed(&SEARCH_FIELD);
    let cities = CITIES.iter().map(|city| (Icon::Pin, ui.say(city.name).to_owned()));
    let people = feed.authors.iter().map(|author| (Icon::Person, author.name.clone()));
    let titles = feed.visible().into_iter().map(|at| (Icon::Page, feed.posts[at].title.clone()));
    let offered: Vec<(Icon, String)> =
        cities.chain(people).chain(titles).filter(|(_, name)| matches(name, query)).take(12).collect();
    if offered.is_empty() {
        let text = ui.say(NOTHING_FOUND);
        ui.label("empty", text, (36.0, 2.6 * ROW), 460.0, Style::new(30.0, ui.theme.faint));
    }
    ui.list(offered.len(), 2.0 * ROW + 8.0, |ui, i, y| {
        let (icon, name) = &offered[i];
        let tap = Some(send(Message::SearchFor(name.clone())));
        ui.row(y, Row { id: "suggestion", lead: Lead::Icon(*icon, 0x64748B), title: name, tap, ..Row::default() });
    });
}

fn results(feed: &Feed, query: &str, context: &Context<'_>, providers: &Providers, ui: &mut Ui) {
    ui.title_bar(query, true, &[(Icon::Search, SEARCH, open(Page::new("search")))]);
    if is_offline(providers, ui, send(Message::Refresh)) {
        return;
    }
    let people: Vec<usize> = (0..feed.authors.len()).filter(|at| matches(&feed.authors[*at].name, query)).collect();
    let is_found = |at: &usize| {
        let post = &feed.posts[*at];
        matches(&post.title, query)
            || post.body.iter().any(|line| matches(line, query))
            || post.author.is_some_and(|by| people.contains(&by))
    };
    let posts: Vec<usize> = feed.visible().into_iter().filter(is_found).collect();
    if people.is_empty() && posts.is_empty() {
        let text = ui.say(NOTHING_FOUND);
        return ui.notice(Icon::Search, text, None);
    }
    ui.scroll(2.0 * ROW, |ui, column| {
        if !people.is_empty() {
            let heading = ui.say(PEOPLE);
            column.heading(ui, heading);
        }
        column.rows(ui, people.len(), |ui, i, y| {
            let author = &feed.authors[people[i]];
            let row = Row {
                id: "person",
                lead: Lead::Initial(&author.name, avatar_color(&author.name)),
                title: &author.name,
                second: &author.about,
                end: End::Chevron,
                tap: Some(open(Page::of("author", people[i]))),
                ..Row::default()
            };
            ui.row(y, row);
        });
        if !posts.is_empty() {
            let heading = ui.say(POSTS);
            column.heading(ui, heading);
        }
        cards(feed, &posts, context, ui, column);
    });
}

fn author(feed: &Feed, by: usize, context: &Context<'_>, providers: &Providers, ui: &mut Ui) {
    let Some(author) = feed.authors.get(by) else { return };
    ui.title_bar(&author.name, true, &[]);
    if is_offline(providers, ui, send(Message::Refresh)) {
        return;
    }
    let mut posts = feed.visible();
    posts.retain(|at| feed.posts[*at].author == Some(by));
    let (ink, faint) = (ui.theme.ink, ui.theme.faint);
    ui.scroll(2.0 * ROW, |ui, column| {
        column.item(ui, 1.6 * ROW, |ui, top| {
            let seed = avatar_color(&author.name) ^ author.name.len() as u32;
            ui.picture((EDGE, top + 10.0, 120.0, 120.0), Picture::new(Subject::Portrait, seed), 60.0, "");
            ui.label("about", &author.about, (168.0, top + 48.0), 344.0, Style::new(28.0, ink));
            let followers = author.followers + usize::from(feed.following.contains(&by));
            let text = ui.say_with(FOLLOWERS, &followers.to_string());
            ui.label("followers", &text, (168.0, top + 92.0), 344.0, Style::new(26.0, faint));
        });
        column.item(ui, ROW, |ui, top| follow_button(feed, by, (EDGE, top + 10.0, MEASURE, ROW - 20.0), ui));
        cards(feed, &posts, context, ui, column);
    });
}

fn me(feed: &Feed, page: &Page, context: &Context<'_>, ui: &mut Ui) {
    let title = ui.say(ME);
    ui.title_bar(title, false, &[]);
    bottom_bar(ui, "me");
    let tab = |name: &'static str, label: Phrase, ui: &Ui| {
        (ui.say(label), page.about == name, Effect::Replace(Page::of("me", name)).into())
    };
    let tabs = [tab("", FAVOURITES, ui), tab("liked", LIKED, ui), tab("mine", MINE, ui)];
    ui.tabs(2.0 * ROW, &tabs);
    let mut posts = feed.visible();
    posts.retain(|at| match page.about.as_str() {
        "liked" => feed.liked.contains(at),
        "mine" => feed.posts[*at].author.is_none(),
        _ => feed.kept.contains(at),
    });
    if posts.is_empty() {
        let text = ui.say(NOTHING_HERE);
        return ui.notice(Icon::Star, text, None);
    }
    ui.scroll(2.0 * ROW + TABS, |ui, column| cards(feed, &posts, context, ui, column));
}

fn new(context: &Context<'_>, ui: &mut Ui) {
    let title = ui.say(NEW_POST);
    ui.title_bar(title, true, &[(Icon::Check, PUBLISH, send(Message::Publish))]);
    let field = |ui: &mut Ui, field: FieldId, hint, top, height| {
        let state = context.field(&field);
        ui.field(TextField { id: field.name, hint, field, state, left: 18.0, top, width: 504.0, height });
    };
    field(ui, TITLE_FIELD, TITLE, 2.0 * ROW + 10.0, ROW - 20.0);
    let room = (ui.bottom - 3.0 * ROW - 20.0).clamp(ROW, 4.0 * ROW);
    field(ui, TEXT_FIELD, YOUR_TEXT, 3.0 * ROW + 6.0, room);
}
