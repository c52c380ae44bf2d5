//! What stands at an address: a page as a list of blocks, or why there is none.

use super::content::{Article, Book, NewsItem, SECTIONS};
use super::library::{self, field};
use super::{Browser, DOWN, Message, START, host};
use crate::app::Context;
use crate::apps::common::{NOTHING_FOUND, SEARCH, SEND, ago, matches};
use crate::atlas::CITIES;
use crate::command::FieldId;
use crate::locale::{CANCEL, Language, Phrase, phrase};
use crate::picture::Picture;

const PEDIA: Phrase = phrase("Pedia, the encyclopedia", "大百科");
const NEWS: Phrase = phrase("The Daily Page", "每日新闻");
const LIBRARY: Phrase = phrase("City Library", "市图书馆");
const FIND: Phrase = phrase("Find", "搜一搜");
const FORUM: Phrase = phrase("Old Forum", "老论坛");
const FIND_HINT: Phrase = phrase("Type an address or words above.", "在上方输入网址或文字。");
const ABOUT_PEDIA: Phrase = phrase("Knowledge for everybody", "人人可用的知识");
const ABOUT_NEWS: Phrase = phrase("News of city, sport, science", "城市、体育与科学新闻");
const ABOUT_LIBRARY: Phrase = phrase("Books, loans, reservations", "图书、借阅与预约");
const ABOUT_FORUM: Phrase = phrase("Talk about everything", "无所不谈");
const SITES: Phrase = phrase("Sites", "网站");
const CITY_ARTICLES: Phrase = phrase("Cities", "城市");
const OTHER_ARTICLES: Phrase = phrase("Animals, plants, inventions", "动物、植物与发明");
const RELATED: Phrase = phrase("See also", "另见");
const ALL: Phrase = phrase("All", "全部");
const MORE_NEWS: Phrase = phrase("More news", "更多新闻");
const RESULTS: Phrase = phrase("Results for {}", "“{}”的搜索结果");
const SIGN_IN: Phrase = phrase("Sign in", "登录");
const SIGN_OUT: Phrase = phrase("Sign out", "退出登录");
const MY_ACCOUNT: Phrase = phrase("My account", "我的账户");
const CATALOGUE: Phrase = phrase("All books", "全部图书");
const CONTACT: Phrase = phrase("Write to us", "给我们留言");
const HOURS: Phrase = phrase("Open on weekdays from 9 to 19 o'clock.", "工作日9点至19点开放。");
const USER: Phrase = phrase("User name", "用户名");
const PASSWORD: Phrase = phrase("Password", "密码");
const LOCKED: Phrase = phrase("Account locked. Ask at the desk.", "账户已锁定，请到服务台。");
const LOANS: Phrase = phrase("Books at home", "已借图书");
const DUE: Phrase = phrase("Due in {} days", "{}天后到期");
const RENEW: Phrase = phrase("Renew", "续借");
const NO_LOANS: Phrase = phrase("Nothing at home", "没有已借图书");
const RESERVATIONS: Phrase = phrase("Reserved books", "已预约图书");
const NO_RESERVATIONS: Phrase = phrase("Nothing reserved", "没有预约");
const AUTHOR: Phrase = phrase("Author", "作者");
const SHELF: Phrase = phrase("Shelf", "书架");
const YEAR: Phrase = phrase("Year", "年份");
const COPIES: Phrase = phrase("Copies", "数量");
const RESERVE: Phrase = phrase("Reserve", "预约");
const NO_COPY: Phrase = phrase("All copies are out", "全部借出");
const NAME: Phrase = phrase("Your name", "您的姓名");
const TEXT: Phrase = phrase("Your message", "留言内容");
const RULES: Phrase = phrase("I have read the rules", "我已阅读规则");
const THANKS: Phrase = phrase("Thank you. We answer within a day.", "谢谢，我们会在一天内回复。");
const BACK_HOME: Phrase = phrase("Back to the library", "返回图书馆");

/// Why there is no page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadError {
    /// No site is called that.
    UnknownSite,
    /// The site does not answer.
    SiteDown,
    /// The site has no such page.
    NoPage,
}

/// Something that can be followed.
#[derive(Clone, Debug)]
pub struct Link {
    pub text: String,
    pub second: String,
    pub to: String,
}

/// A part of a page, from top to bottom.
#[derive(Clone, Debug)]
pub enum Block {
    Title(String),
    Heading(String),
    Text(String),
    Remark(String),
    Problem(String),
    Picture(Picture, String),
    /// Names and values.
    Figures(Vec<(String, String)>),
    Links(Vec<Link>),
    /// Short ones beside each other; the one that is shown is marked.
    Choices(Vec<(String, bool, String)>),
    Field(FieldId, Phrase),
    Secret(FieldId, Phrase),
    Check(String, bool, Message),
    Button(String, Message),
}

/// A page of a site.
#[derive(Clone, Debug)]
pub struct Site {
    pub title: String,
    pub blocks: Vec<Block>,
}

fn link(text: impl Into<String>, second: impl Into<String>, to: impl Into<String>) -> Link {
    Link { text: text.into(), second: second.into(), to: to.into() }
}

impl Browser {
    /// What stands at an address.
    pub fn load(&self, address: &str, context: &Context<'_>) -> Result<Site, LoadError> {
        let language = context.language;
        let mut path = address.splitn(3, '/');
        let (host, first, rest) = (path.next().unwrap_or(""), path.next().unwrap_or(""), path.next().unwrap_or(""));
        if self.down.contains(host) {
            return Err(LoadError::SiteDown);
        }
        let page = match host {
            START => self.find(first, rest, language),
            "pedia.example" => self.pedia(first, language),
            "news.example" => self.paper(first, rest, context),
            "library.example" => self.library_page(first, rest, language),
            // It is back.
            DOWN if first.is_empty() => Some(forum(language)),
            DOWN => None,
            _ => return Err(LoadError::UnknownSite),
        };
        page.ok_or(LoadError::NoPage)
    }

    /// What the page at an address is called; the address itself if there is none.
    pub fn title(&self, address: &str, context: &Context<'_>) -> String {
        self.load(address, context).map_or_else(|_| address.to_owned(), |site| site.title)
    }

    fn find(&self, first: &str, query: &str, language: Language) -> Option<Site> {
        let say = |phrase| language.say(phrase).to_owned();
        match first {
            "" => {
                let sites = [
                    link(say(PEDIA), say(ABOUT_PEDIA), "pedia.example"),
                    link(say(NEWS), say(ABOUT_NEWS), "news.example"),
                    link(say(LIBRARY), say(ABOUT_LIBRARY), "library.example"),
                    link(say(FORUM), say(ABOUT_FORUM), DOWN),
                ];
                let blocks = vec![
                    Block::Title(say(FIND)),
                    Block::Remark(say(FIND_HINT)),
                    Block::Heading(say(SITES)),
                    Block::Links(sites.to_vec()),
                ];
                Some(Site { title: say(FIND), blocks })
            }
            "search" => {
                let found = self.search(query);
                let mut blocks = vec![Block::Title(language.say_with(RESULTS, query))];
                if found.is_empty() {
                    blocks.push(Block::Text(say(NOTHING_FOUND)));
                }
                blocks.push(Block::Links(found));
                Some(Site { title: format!("{}: {query}", say(SEARCH)), blocks })
            }
            _ => None,
        }
    }

    /// All pages that hold every word of what is looked for; those whose titles do come first.
    fn search(&self, query: &str) -> Vec<Link> {
        let mut pages: Vec<(&str, String, String)> = Vec::new();
        for article in &self.articles {
            pages.push((&article.title, article.text.join(" "), format!("pedia.example/{}", article.title)));
        }
        for (at, item) in self.news.iter().enumerate() {
            pages.push((&item.title, item.text.join(" "), format!("news.example/item/{at}")));
        }
        for (at, book) in self.library.books.iter().enumerate() {
            pages.push((&book.title, book.author.clone(), format!("library.example/book/{at}")));
        }
        let holds = |text: &str| query.split_whitespace().all(|word| matches(text, word));
        let mut found: Vec<&(&str, String, String)> =
            pages.iter().filter(|(title, text, _)| holds(&format!("{title} {text}"))).collect();
        found.sort_by_key(|(title, _, _)| !holds(title));
        found.iter().take(30).map(|(title, _, to)| link(*title, host(to), to)).collect()
    }

    fn pedia(&self, title: &str, language: Language) -> Option<Site> {
        let say = |phrase| language.say(phrase).to_owned();
        if title.is_empty() {
            let links = |articles: &[Article]| {
                let mut links: Vec<Link> = articles
                    .iter()
                    .map(|article| link(&article.title, &article.text[0], format!("pedia.example/{}", article.title)))
                    .collect();
                links.sort_by(|one, two| one.text.cmp(&two.text));
                Block::Links(links)
            };
            let (cities, others) = self.articles.split_at(CITIES.len().min(self.articles.len()));
            let blocks = vec![
                Block::Title(say(PEDIA)),
                Block::Remark(say(ABOUT_PEDIA)),
                Block::Heading(say(OTHER_ARTICLES)),
                links(others),
                Block::Heading(say(CITY_ARTICLES)),
                links(cities),
            ];
            return Some(Site { title: say(PEDIA), blocks });
        }
        let article = self.articles.iter().find(|article| article.title.to_lowercase() == title.to_lowercase())?;
        let mut blocks = vec![
            Block::Title(article.title.clone()),
            Block::Picture(article.picture, article.title.clone()),
            Block::Figures(article.figures.clone()),
        ];
        blocks.extend(article.text.iter().cloned().map(Block::Text));
        blocks.push(Block::Heading(say(RELATED)));
        let to = |title: &String| link(title, "", format!("pedia.example/{title}"));
        blocks.push(Block::Links(article.related.iter().map(to).collect()));
        Some(Site { title: article.title.clone(), blocks })
    }

    fn paper(&self, first: &str, rest: &str, context: &Context<'_>) -> Option<Site> {
        let language = context.language;
        let say = |phrase| language.say(phrase).to_owned();
        let when = |item: &NewsItem| ago(60 * item.hours + context.elapsed(), language);
        let headline = |at: usize, item: &NewsItem| {
            let second = format!("{} · {}", language.say(SECTIONS[item.section]), when(item));
            link(&item.title, second, format!("news.example/item/{at}"))
        };
        let section = match first {
            "" => None,
            "section" => Some(rest.parse::<usize>().ok().filter(|at| *at < SECTIONS.len())?),
            "item" => {
                let at = rest.parse::<usize>().ok()?;
                let item = self.news.get(at)?;
                let mut blocks = vec![
                    Block::Title(item.title.clone()),
                    Block::Remark(format!("{} · {}", item.author, when(item))),
                    Block::Picture(item.picture, item.title.clone()),
                ];
                blocks.extend(item.text.iter().cloned().map(Block::Text));
                blocks.push(Block::Heading(say(MORE_NEWS)));
                let others =
                    self.news.iter().enumerate().filter(|(other, one)| *other != at && one.section == item.section);
                blocks.push(Block::Links(others.take(4).map(|(at, item)| headline(at, item)).collect()));
                return Some(Site { title: item.title.clone(), blocks });
            }
            _ => return None,
        };
        let mut choices = vec![(say(ALL), section.is_none(), "news.example".to_owned())];
        choices.extend(
            SECTIONS
                .iter()
                .enumerate()
                .map(|(at, name)| (say(*name), section == Some(at), format!("news.example/section/{at}"))),
        );
        let shown = self.news.iter().enumerate().filter(|(_, item)| section.is_none_or(|at| item.section == at));
        let links = shown.map(|(at, item)| headline(at, item)).collect();
        let blocks = vec![Block::Title(say(NEWS)), Block::Choices(choices), Block::Links(links)];
        Some(Site { title: say(NEWS), blocks })
    }

    fn library_page(&self, first: &str, rest: &str, language: Language) -> Option<Site> {
        let say = |phrase| language.say(phrase).to_owned();
        let home = || link(say(BACK_HOME), "", "library.example");
        let mut blocks = vec![Block::Title(say(LIBRARY))];
        match first {
            "" => blocks.extend(self.library_home(language)),
            "login" => {
                blocks.push(Block::Heading(say(SIGN_IN)));
                if self.library.is_locked() {
                    blocks.push(Block::Problem(say(LOCKED)));
                }
                blocks.push(Block::Field(field("user"), USER));
                blocks.push(Block::Secret(field("password"), PASSWORD));
                blocks.push(Block::Button(say(SIGN_IN), Message::Library(library::Message::SignIn)));
                blocks.push(Block::Links(vec![home()]));
            }
            "account" if !self.library.is_signed_in => {
                blocks.push(Block::Links(vec![link(say(SIGN_IN), "", "library.example/login")]));
            }
            "account" => blocks.extend(self.account(language)),
            "catalogue" => {
                let mut books: Vec<(usize, &Book)> = self.library.books.iter().enumerate().collect();
                books.sort_by(|one, two| one.1.title.cmp(&two.1.title));
                let to =
                    |(at, book): &(usize, &Book)| link(&book.title, &book.author, format!("library.example/book/{at}"));
                blocks.push(Block::Heading(say(CATALOGUE)));
                blocks.push(Block::Links(books.iter().map(to).collect()));
            }
            "book" => blocks.extend(self.book(rest.parse().ok()?, language)?),
            "contact" => {
                blocks.push(Block::Heading(say(CONTACT)));
                blocks.push(Block::Field(field("name"), NAME));
                blocks.push(Block::Field(field("text"), TEXT));
                let accept = Message::Library(library::Message::Accept);
                blocks.push(Block::Check(say(RULES), self.library.is_accepted, accept));
                blocks.push(Block::Button(say(SEND), Message::Library(library::Message::Send)));
            }
            "thanks" => {
                blocks.push(Block::Text(say(THANKS)));
                blocks.push(Block::Links(vec![home()]));
            }
            _ => return None,
        }
        Some(Site { title: say(LIBRARY), blocks })
    }

    fn library_home(&self, language: Language) -> Vec<Block> {
        let say = |phrase| language.say(phrase).to_owned();
        let account = if self.library.is_signed_in {
            link(say(MY_ACCOUNT), "", "library.example/account")
        } else {
            link(say(SIGN_IN), "", "library.example/login")
        };
        let links = vec![
            account,
            link(say(CATALOGUE), "", "library.example/catalogue"),
            link(say(CONTACT), "", "library.example/contact"),
        ];
        vec![Block::Text(say(HOURS)), Block::Links(links)]
    }

    fn account(&self, language: Language) -> Vec<Block> {
        let say = |phrase| language.say(phrase).to_owned();
        let mut blocks = vec![Block::Heading(say(LOANS))];
        if self.library.loans.is_empty() {
            blocks.push(Block::Text(say(NO_LOANS)));
        }
        for (at, loan) in self.library.loans.iter().enumerate() {
            let title = self.library.books[loan.book].title.clone();
            let due = language.say_with(DUE, &loan.days.to_string());
            blocks.push(Block::Links(vec![link(title, due, format!("library.example/book/{}", loan.book))]));
            blocks.push(Block::Button(say(RENEW), Message::Library(library::Message::Renew(at))));
        }
        blocks.push(Block::Heading(say(RESERVATIONS)));
        if self.library.reserved.is_empty() {
            blocks.push(Block::Text(say(NO_RESERVATIONS)));
        }
        for book in &self.library.reserved {
            let found = &self.library.books[*book];
            blocks.push(Block::Links(vec![link(&found.title, &found.author, format!("library.example/book/{book}"))]));
            blocks.push(Block::Button(say(CANCEL), Message::Library(library::Message::Cancel(*book))));
        }
        blocks.push(Block::Links(vec![link(say(CATALOGUE), "", "library.example/catalogue")]));
        blocks.push(Block::Button(say(SIGN_OUT), Message::Library(library::Message::SignOut)));
        blocks
    }

    fn book(&self, at: usize, language: Language) -> Option<Vec<Block>> {
        let book = self.library.books.get(at)?;
        let say = |phrase| language.say(phrase).to_owned();
        let figures = vec![
            (say(AUTHOR), book.author.clone()),
            (say(SHELF), book.shelf.clone()),
            (say(YEAR), book.year.to_string()),
            (say(COPIES), book.copies.to_string()),
        ];
        let mut blocks = vec![Block::Heading(book.title.clone()), Block::Figures(figures)];
        if !self.library.is_signed_in {
            blocks.push(Block::Links(vec![link(say(SIGN_IN), "", "library.example/login")]));
        } else if self.library.reserved.contains(&at) {
            blocks.push(Block::Button(say(CANCEL), Message::Library(library::Message::Cancel(at))));
        } else if book.copies == 0 {
            blocks.push(Block::Problem(say(NO_COPY)));
        } else {
            blocks.push(Block::Button(say(RESERVE), Message::Library(library::Message::Reserve(at))));
        }
        Some(blocks)
    }
}

fn forum(language: Language) -> Site {
    let title = language.say(FORUM).to_owned();
    let about = language.say(ABOUT_FORUM).to_owned();
    Site { blocks: vec![Block::Title(title.clone()), Block::Text(about)], title }
}
