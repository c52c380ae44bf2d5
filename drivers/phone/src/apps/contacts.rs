//! Contacts: a list of people, one of them, a new one.

use serde_json::{Value, json};

use super::common::matches;
use crate::app::{App, Context, Facts, Manifest};
use crate::command::{Command, Effect, FieldId, MenuItem, Page, Question, send};
use crate::functions::{AppFunction, Arguments, FunctionError, Parameter, Returns, ValueType, invalid, nobody};
use crate::icon::Icon;
use crate::locale::{DELETE, DISCARD, Phrase, SAVE, WILL_BE_LOST, phrase};
use crate::providers::Providers;
use crate::providers::people::{Person, avatar_color};
use crate::ui::{Class, End, Lead, ROW, Row, Shape, Style, TextField, Ui};

const CONTACTS: Phrase = phrase("Contacts", "通讯录");
const NEW_CONTACT: Phrase = phrase("New contact", "新建联系人");
const COPY_NUMBER: Phrase = phrase("Copy number", "复制号码");
const DELETE_CONTACT: Phrase = phrase("Delete contact", "删除联系人");
const WILL_BE_REMOVED: Phrase = phrase("{} will be removed.", "{}将被删除。");
const MOBILE: Phrase = phrase("Mobile", "手机");
const MESSAGE: Phrase = phrase("Message", "发信息");
const IN_FAVOURITES: Phrase = phrase("In favourites", "已收藏");
const ADD_TO_FAVOURITES: Phrase = phrase("Add to favourites", "添加到收藏");
const NAME: Phrase = phrase("Name", "姓名");
const PHONE_NUMBER: Phrase = phrase("Phone number", "电话号码");
const DISCARD_CONTACT: Phrase = phrase("Discard contact?", "舍弃联系人？");

const NAME_FIELD: FieldId = FieldId::new("name");
const NUMBER_FIELD: FieldId = FieldId::new("number");

/// The app; the people are kept by their provider.
#[derive(Clone, Debug)]
pub struct Contacts;

const WHO: Parameter = Parameter::required("name", ValueType::Text, "As it stands in Contacts");
const FUNCTIONS: &[AppFunction] = &[
    AppFunction {
        name: "findContacts",
        about: "Lists people with their numbers, all of them or those whose names hold a text",
        parameters: &[Parameter::optional("query", ValueType::Text, "A part of the name")],
        returns: Returns::Rows(&[
            Parameter::required("name", ValueType::Text, ""),
            Parameter::required("number", ValueType::Text, ""),
            Parameter::required("favourite", ValueType::Truth, ""),
        ]),
        reads: true,
    },
    AppFunction {
        name: "createContact",
        about: "Adds a person who is not there yet",
        parameters: &[
            Parameter::required("name", ValueType::Text, "What the person is called"),
            Parameter::required("number", ValueType::Text, "The telephone number"),
        ],
        returns: Returns::Text,
        reads: false,
    },
    AppFunction {
        name: "setFavourite",
        about: "Makes a person a favourite, or no favourite",
        parameters: &[WHO, Parameter::required("on", ValueType::Truth, "Whether the person is one")],
        returns: Returns::Text,
        reads: false,
    },
];

#[derive(Clone, Debug)]
pub enum Message {
    Favourite(String),
    Hold(String),
    AskToDelete(String),
    Delete(String),
    Save,
    Discard,
}

impl App for Contacts {
    type Message = Message;

    fn manifest(&self) -> Manifest {
        Manifest {
            package: "com.android.contacts",
            activity: ".activities.PeopleActivity",
            label: CONTACTS,
            icon: Icon::Person,
            color: 0x2563EB,
        }
    }

    fn view(&self, page: &Page, context: &Context<'_>, providers: &Providers, ui: &mut Ui) {
        match page.name {
            "person" => view_person(&page.about, providers, ui),
            "new" => view_new(context, ui),
            _ => view_list(providers, ui),
        }
    }

    fn update(&mut self, message: Message, context: &Context<'_>, providers: &mut Providers) -> Vec<Effect> {
        let language = context.language;
        match message {
            Message::Favourite(name) => {
                if let Some(person) = providers.people.named_mut(&name) {
                    person.favourite = !person.favourite;
                }
                Vec::new()
            }
            Message::Hold(name) => {
                let number = providers.people.named(&name).map_or(String::new(), |person| person.number.clone());
                let items = [(COPY_NUMBER, Effect::Copy(number).into()), (DELETE, send(Message::AskToDelete(name)))];
                let items = items.map(|(label, command)| MenuItem { label: language.say(label), command });
                vec![Effect::Menu(items.to_vec())]
            }
            Message::AskToDelete(name) => vec![Effect::ask(Question {
                title: language.say(DELETE_CONTACT).into(),
                text: language.say_with(WILL_BE_REMOVED, &name),
                yes: language.say(DELETE),
                then: send(Message::Delete(name)),
            })],
            Message::Delete(name) => {
                providers.people.remove(&name);
                // From the list of people nothing has to be closed.
                if context.page.is("person") { vec![Effect::Close] } else { Vec::new() }
            }
            Message::Save => {
                let name = context.trimmed(&NAME_FIELD);
                if name.is_empty() {
                    return Vec::new();
                }
                providers.people.save(name, context.trimmed(&NUMBER_FIELD));
                leave_editor()
            }
            Message::Discard => leave_editor(),
        }
    }

    fn enter(&self, field: &FieldId) -> Option<Command> {
        Some(if *field == NAME_FIELD { Effect::Focus(NUMBER_FIELD).into() } else { send(Message::Save) })
    }

    fn unsaved_question(&self, context: &Context<'_>, _: &Providers) -> Option<Question> {
        let is_empty = context.trimmed(&NAME_FIELD).is_empty() && context.trimmed(&NUMBER_FIELD).is_empty();
        (context.page.is("new") && !is_empty).then(|| Question {
            title: context.language.say(DISCARD_CONTACT).into(),
            text: context.language.say(WILL_BE_LOST).into(),
            yes: context.language.say(DISCARD),
            then: send(Message::Discard),
        })
    }

    fn functions(&self) -> &'static [AppFunction] {
        FUNCTIONS
    }

    fn execute(
        &mut self,
        function: &str,
        arguments: &Arguments,
        _: &Context<'_>,
        providers: &mut Providers,
    ) -> Result<Value, FunctionError> {
        if function == "findContacts" {
            let found = providers.people.list.iter().filter(|person| matches(&person.name, arguments.text("query")));
            let row =
                |person: &Person| json!({"name": person.name, "number": person.number, "favourite": person.favourite});
            return Ok(found.map(row).collect());
        }
        let name = arguments.line("name")?;
        match (function, providers.people.named_mut(name)) {
            ("createContact", None) => providers.people.save(name, arguments.line("number")?),
            ("createContact", Some(_)) => return Err(invalid(format!("{name:.100} is in Contacts already"))),
            ("setFavourite", Some(person)) => person.favourite = arguments.truth("on").unwrap_or_default(),
            ("setFavourite", None) => return Err(nobody(name)),
            _ => return Err(FunctionError::NotFound(function.to_owned())),
        }
        Ok(json!(name))
    }

    fn facts(&self, providers: &Providers, facts: &mut Facts) {
        for person in &providers.people.list {
            facts.insert(format!("contacts.{}.number", person.name), person.number.clone());
            facts.insert(format!("contacts.{}.favourite", person.name), person.favourite.to_string());
        }
    }

    fn set_fact(&mut self, name: &[&str], value: &str, providers: &mut Providers) -> Option<Result<(), String>> {
        match name {
            ["contacts", person, "number"] => providers.people.save(person, value),
            ["contacts", person, "favourite"] => {
                let Ok(on) = value.parse() else { return Some(Err("it is true or false".into())) };
                let Some(person) = providers.people.named_mut(person) else {
                    return Some(Err("there is nobody of that name".into()));
                };
                person.favourite = on;
            }
            _ => return None,
        }
        Some(Ok(()))
    }
}

/// Leaves the page of a new contact, with nothing in its fields.
fn leave_editor() -> Vec<Effect> {
    vec![Effect::Write(NAME_FIELD, String::new()), Effect::Write(NUMBER_FIELD, String::new()), Effect::Close]
}

fn view_list(providers: &Providers, ui: &mut Ui) {
    let title = ui.say(CONTACTS);
    ui.title_bar(title, false, &[(Icon::Plus, NEW_CONTACT, Effect::Open(Page::new("new")).into())]);
    ui.list(providers.people.list.len(), 2.0 * ROW, |ui, i, y| {
        let person = &providers.people.list[i];
        ui.row(
            y,
            Row {
                id: "person",
                lead: Lead::Initial(&person.name, avatar_color(&person.name)),
                title: &person.name,
                end: if person.favourite { End::Icon(Icon::StarFull, 0xE0A100) } else { End::None },
                tap: Some(Effect::Open(Page::of("person", &person.name)).into()),
                hold: Some(send(Message::Hold(person.name.clone()))),
                ..Row::default()
            },
        );
    });
}

fn view_person(name: &str, providers: &Providers, ui: &mut Ui) {
    let Some(person) = providers.people.named(name) else {
        let title = ui.say(CONTACTS);
        ui.title_bar(title, true, &[]);
        return;
    };
    ui.title_bar(name, true, &[(Icon::Bin, DELETE, send(Message::AskToDelete(name.to_string())))]);
    let circle = ui.rect(195.0, 2.2 * ROW, 150.0, 150.0);
    let (radius, color) = (ui.px(75.0) as f32, avatar_color(name));
    ui.add(Class::Image, "avatar", circle).shapes.push(Shape::Fill { rect: circle, radius, color });
    let initial: String = name.chars().take(1).collect();
    let style = Style { centered: true, fixed: true, ..Style::new(72.0, 0xFFFFFF) };
    ui.label("initial", &initial, (195.0, 2.2 * ROW + 75.0), 150.0, style);
    let (star, title) =
        if person.favourite { (Icon::StarFull, IN_FAVOURITES) } else { (Icon::Star, ADD_TO_FAVOURITES) };
    let chat = Effect::Start { package: "com.android.mms", page: Some(Page::of("chat", name)) };
    let copy = Effect::Copy(person.number.clone());
    let rows = [
        (Icon::Phone, 0x22A559, person.number.as_str(), ui.say(MOBILE), None, Some(copy.into())),
        (Icon::Bubble, 0x2F80ED, ui.say(MESSAGE), "", Some(chat.into()), None),
        (star, 0xE0A100, ui.say(title), "", Some(send(Message::Favourite(name.to_string()))), None),
    ];
    ui.rows(rows.len(), 0, 5.0 * ROW, 8.0 * ROW, |ui, i, y| {
        let (icon, color, title, second, tap, hold) = rows[i].clone();
        let end = if i == 2 { End::Switch(person.favourite) } else { End::None };
        let lead = Lead::Icon(icon, color);
        ui.row(y, Row { id: "entry", lead, title, second, end, tap, hold, ..Row::default() });
    });
}

fn view_new(context: &Context<'_>, ui: &mut Ui) {
    let title = ui.say(NEW_CONTACT);
    ui.title_bar(title, true, &[(Icon::Check, SAVE, send(Message::Save))]);
    let fields = [("name", NAME, NAME_FIELD), ("number", PHONE_NUMBER, NUMBER_FIELD)];
    for (i, (id, hint, field)) in fields.into_iter().enumerate() {
        ui.field(TextField {
            id,
            hint,
            state: context.field(&field),
            field,
            left: 18.0,
            top: (2.0 + i as f32) * ROW + 10.0,
            width: 504.0,
            height: ROW - 20.0,
        });
    }
}
