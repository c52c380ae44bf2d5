//! The site of the city library: a login, loans that are renewed, books that are reserved, a form to write to it.

use super::content::{self, Book};
use crate::app::{Context, Facts};
use crate::apps::common::{joined, places_of, truth};
use crate::command::{Command, Effect, FieldId, send};
use crate::dice::Dice;
use crate::locale::{Language, Phrase, phrase};

const WRONG: Phrase = phrase("Wrong name or password", "用户名或密码错误");
const LOCKED: Phrase = phrase("Account locked. Ask at the desk.", "账户已锁定，请到服务台。");
const FILL_IN: Phrase = phrase("Fill in all fields", "请填写所有内容");
const ACCEPT: Phrase = phrase("Accept the rules first", "请先同意规则");
const SENT: Phrase = phrase("Your message was sent", "留言已发送");
const RENEWED: Phrase = phrase("Renewed for 14 days", "已续借14天");
const NO_MORE: Phrase = phrase("It cannot be renewed again", "不能再次续借");
const RESERVED: Phrase = phrase("Reserved", "已预约");
const NONE_LEFT: Phrase = phrase("No copy is left", "没有可借的书");
const CANCELLED: Phrase = phrase("Reservation cancelled", "已取消预约");
const TOO_MANY: Phrase = phrase("Three reservations are the most", "最多预约三本");

/// So many wrong passwords in a row lock the account.
const TRIES_MAX: u32 = 3;
/// So many books can be reserved at a time.
const RESERVED_MAX: usize = 3;

/// The fields of its forms.
pub const FIELDS: [&str; 4] = ["user", "password", "name", "text"];

/// A field of one of the library's forms.
pub fn field(about: &'static str) -> FieldId {
    FieldId::of("library", about)
}

/// A book at home.
#[derive(Clone, Debug)]
pub struct Loan {
    pub book: usize,
    /// In how many days it is due.
    pub days: u32,
    pub is_renewed: bool,
}

#[derive(Clone, Debug)]
pub struct Library {
    pub books: Vec<Book>,
    pub loans: Vec<Loan>,
    pub reserved: Vec<usize>,
    user: String,
    password: String,
    pub is_signed_in: bool,
    failures: u32,
    /// Whether the rules beside the form were accepted.
    pub is_accepted: bool,
    messages: Vec<String>,
}

#[derive(Clone, Debug)]
pub enum Message {
    SignIn,
    SignOut,
    Renew(usize),
    Reserve(usize),
    Cancel(usize),
    Accept,
    Send,
}

impl Library {
    /// Draws books, loans and an account.
    pub fn new(dice: &mut Dice, language: Language) -> Library {
        let books = content::books(dice, language);
        let mut places: Vec<usize> = (0..books.len()).collect();
        dice.shuffle(&mut places);
        let count = 2 + dice.below(3);
        let loans = places[..count].iter().map(|book| Loan {
            book: *book,
            days: 1 + dice.below(20) as u32,
            is_renewed: dice.chance(25),
        });
        let loans = loans.collect();
        Library {
            books,
            loans,
            reserved: Vec::new(),
            user: format!("reader{}", 10 + dice.below(90)),
            password: format!("book{}", 1000 + dice.below(9000)),
            is_signed_in: false,
            failures: 0,
            is_accepted: false,
            messages: Vec::new(),
        }
    }

    /// Whether nobody can sign in any more.
    pub fn is_locked(&self) -> bool {
        self.failures >= TRIES_MAX
    }

    /// Does what a form says: what is told, and the address that is shown then.
    pub fn update(&mut self, message: Message, context: &Context<'_>) -> (Option<Phrase>, Option<&'static str>) {
        let said = match message {
            Message::SignIn => return self.sign_in(context),
            Message::SignOut => {
                self.is_signed_in = false;
                return (None, Some("library.example"));
            }
            Message::Renew(at) => match self.loans.get_mut(at) {
                Some(loan) if !loan.is_renewed => {
                    (loan.is_renewed, loan.days) = (true, loan.days + 14);
                    RENEWED
                }
                Some(_) | None => NO_MORE,
            },
            Message::Reserve(book) => match self.books.get(book) {
                Some(_) if self.reserved.contains(&book) => RESERVED,
                Some(_) if self.reserved.len() >= RESERVED_MAX => TOO_MANY,
                Some(found) if found.copies > 0 => {
                    self.reserved.push(book);
                    RESERVED
                }
                Some(_) | None => NONE_LEFT,
            },
            Message::Cancel(book) => {
                self.reserved.retain(|reserved| *reserved != book);
                CANCELLED
            }
            Message::Accept => {
                self.is_accepted = !self.is_accepted;
                return (None, None);
            }
            Message::Send => return self.send(context),
        };
        (Some(said), None)
    }

    fn sign_in(&mut self, context: &Context<'_>) -> (Option<Phrase>, Option<&'static str>) {
        let (user, password) = (context.trimmed(&field("user")), context.trimmed(&field("password")));
        if user.is_empty() || password.is_empty() {
            return (Some(FILL_IN), None);
        }
        if self.is_locked() {
            return (Some(LOCKED), None);
        }
        if user != self.user || password != self.password {
            self.failures += 1;
            return (Some(if self.is_locked() { LOCKED } else { WRONG }), None);
        }
        (self.is_signed_in, self.failures) = (true, 0);
        (None, Some("library.example/account"))
    }

    fn send(&mut self, context: &Context<'_>) -> (Option<Phrase>, Option<&'static str>) {
        let (name, text) = (context.trimmed(&field("name")), context.trimmed(&field("text")));
        if name.is_empty() || text.is_empty() {
            return (Some(FILL_IN), None);
        }
        if !self.is_accepted {
            return (Some(ACCEPT), None);
        }
        self.messages.push(format!("{name}: {text}"));
        self.is_accepted = false;
        (Some(SENT), Some("library.example/thanks"))
    }

    /// What Enter does in a field of a form.
    pub fn enter(&self, field: &FieldId) -> Option<Command> {
        match field.about.as_str() {
            "user" => Some(Effect::Focus(self::field("password")).into()),
            "password" => Some(send(super::Message::Library(Message::SignIn))),
            "name" => Some(Effect::Focus(self::field("text")).into()),
            _ => None,
        }
    }

    fn titles<'a>(&self, books: impl IntoIterator<Item = &'a usize>) -> String {
        joined(books.into_iter().filter_map(|book| self.books.get(*book)).map(|book| &book.title))
    }

    /// What is true of it.
    pub fn facts(&self, facts: &mut Facts) {
        let mut fact = |name: &str, value: String| facts.insert(format!("browser.library.{name}"), value);
        fact("user", self.user.clone());
        fact("password", self.password.clone());
        fact("signed-in", self.is_signed_in.to_string());
        fact("locked", self.is_locked().to_string());
        fact("reserved", self.titles(&self.reserved));
        fact("messages", joined(&self.messages));
        fact("loans", self.titles(self.loans.iter().map(|loan| &loan.book)));
        for loan in &self.loans {
            let title = self.books[loan.book].title.replace('.', " ");
            fact(&format!("loan.{title}.days"), loan.days.to_string());
            fact(&format!("loan.{title}.renewed"), loan.is_renewed.to_string());
        }
        for book in &self.books {
            let title = book.title.replace('.', " ");
            fact(&format!("book.{title}.shelf"), book.shelf.clone());
            fact(&format!("book.{title}.author"), book.author.clone());
            fact(&format!("book.{title}.copies"), book.copies.to_string());
        }
    }

    /// `user`, `password`, `signed-in`, `locked`, `reserved` (titles), `loans` (titles, each due in a week).
    pub fn set_fact(&mut self, name: &str, value: &str) -> Option<Result<(), String>> {
        let books =
            |library: &Library| places_of(value, |title| library.books.iter().position(|book| book.title == title));
        Some(match name {
            "user" | "password" if value.trim().is_empty() => Err("it is a word".to_owned()),
            "user" => {
                self.user = value.trim().to_owned();
                Ok(())
            }
            "password" => {
                self.password = value.trim().to_owned();
                Ok(())
            }
            "signed-in" => truth(value).map(|is_in| self.is_signed_in = is_in),
            "locked" => truth(value).map(|is_locked| self.failures = if is_locked { TRIES_MAX } else { 0 }),
            "reserved" => books(self).map(|books| self.reserved = books),
            "loans" => books(self).map(|books| {
                self.loans = books.into_iter().map(|book| Loan { book, days: 7, is_renewed: false }).collect();
            }),
            _ => return None,
        })
    }
}
