//! Contacts: a list of people, one of them, a new one.

use super::{Act, Dialog, FieldId, Page};
use crate::apps::messages::{Draft, color_of};
use crate::content::{HAN_NAMES, NAMES};
use crate::dice::Dice;
use crate::icon::Icon;
use crate::ui::{Class, End, Field, Lead, Look, ROW, Row, Style, Ui};

/// Someone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub name: String,
    pub number: String,
    pub favourite: bool,
}

/// Everybody, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contacts {
    pub list: Vec<Person>,
}

impl Contacts {
    /// Draws people.
    pub fn new(dice: &mut Dice) -> Contacts {
        let mut names: Vec<&str> = NAMES.to_vec();
        dice.shuffle(&mut names);
        names.truncate(9 + dice.below(8));
        for name in HAN_NAMES {
            if dice.chance(20) {
                names.push(name);
            }
        }
        names.sort_unstable();
        let list = names.into_iter().map(|name| Person {
            name: name.to_string(),
            number: format!("0{} {:03} {:04}", 151 + dice.below(39), dice.below(1000), dice.below(10_000)),
            favourite: dice.chance(25),
        });
        Contacts { list: list.collect() }
    }

    /// Someone by name.
    pub fn named(&self, name: &str) -> Option<&Person> {
        self.list.iter().find(|person| person.name == name)
    }

    /// Adds someone, or changes the number of someone who is there.
    pub fn save(&mut self, name: &str, number: &str) {
        match self.list.iter_mut().find(|person| person.name == name) {
            Some(person) => person.number = number.to_string(),
            None => {
                self.list.push(Person { name: name.to_string(), number: number.to_string(), favourite: false });
                self.list.sort_by(|a, b| a.name.cmp(&b.name));
            }
        }
    }

    /// Draws a page.
    pub fn view(&self, page: &Page, drafts: [Draft<'_>; 2], ui: &mut Ui, first: usize, bottom: f32) {
        match page {
            Page::Person(name) => self.view_person(name, ui),
            Page::NewPerson => view_new(drafts, ui),
            _ => self.view_list(ui, first, bottom),
        }
    }

    fn view_list(&self, ui: &mut Ui, first: usize, bottom: f32) {
        ui.title_bar("Contacts", false, &[(Icon::Plus, "New contact", Act::Open(Page::NewPerson))]);
        ui.rows(self.list.len(), first, 2.0 * ROW, bottom, |ui, i, y| {
            let person = &self.list[i];
            ui.row(
                y,
                Row {
                    id: "person",
                    lead: Lead::Initial(&person.name, color_of(&person.name)),
                    title: &person.name,
                    second: "",
                    end: if person.favourite { End::Icon(Icon::StarFull, 0xE0A100) } else { End::None },
                    tap: Some(Act::Open(Page::Person(person.name.clone()))),
                    size: 34.0,
                },
            );
        });
    }

    fn view_person(&self, name: &str, ui: &mut Ui) {
        let Some(person) = self.named(name) else {
            ui.title_bar("Contacts", true, &[]);
            return;
        };
        ui.title_bar(name, true, &[(Icon::Bin, "Delete", Act::Ask(Dialog::Person(name.to_string())))]);
        let circle = ui.rect(195.0, 2.2 * ROW, 150.0, 150.0);
        let (radius, color) = (ui.px(75.0) as f32, color_of(name));
        ui.add(Class::Image, "avatar", circle).looks.push(Look::Fill { rect: circle, radius, color });
        let initial: String = name.chars().take(1).collect();
        let style = Style { centered: true, fixed: true, ..Style::new(72.0, 0xFFFFFF) };
        ui.label("initial", &initial, (195.0, 2.2 * ROW + 75.0), 150.0, style);
        let (star, title) =
            if person.favourite { (Icon::StarFull, "In favourites") } else { (Icon::Star, "Add to favourites") };
        let rows = [
            (Icon::Phone, 0x22A559, person.number.as_str(), "Mobile", None),
            (Icon::Bubble, 0x2F80ED, "Message", "", Some(Act::Open(Page::Chat(name.to_string())))),
            (star, 0xE0A100, title, "", Some(Act::Favourite(name.to_string()))),
        ];
        ui.rows(rows.len(), 0, 5.0 * ROW, 8.0 * ROW, |ui, i, y| {
            let (icon, color, title, second, tap) = rows[i].clone();
            let end = if i == 2 { End::Switch(person.favourite) } else { End::None };
            ui.row(y, Row { id: "entry", lead: Lead::Icon(icon, color), title, second, end, tap, size: 34.0 });
        });
    }
}

fn view_new([name, number]: [Draft<'_>; 2], ui: &mut Ui) {
    ui.title_bar("New contact", true, &[(Icon::Check, "Save", Act::SavePerson)]);
    for (i, (id, hint, draft, field)) in
        [("name", "Name", name, FieldId::Name), ("number", "Phone number", number, FieldId::Number)]
            .into_iter()
            .enumerate()
    {
        ui.field(Field {
            id,
            hint,
            text: draft.text,
            focused: draft.focused,
            left: 18.0,
            top: (2.0 + i as f32) * ROW + 10.0,
            width: 504.0,
            height: ROW - 20.0,
            tap: Act::Focus(field),
        });
    }
}
