//! Maps: the places of a city with prices and hours, searching, saved lists with notes, ways.

mod functions;
mod view;

use serde_json::Value;

use super::common::{joined, split};
use crate::app::{App, Context, Facts, Manifest};
use crate::atlas::{self, CITIES, Place, PlaceKind};
use crate::command::{Command, Effect, FieldId, MenuItem, Page, Question, send};
use crate::date::clock_text;
use crate::dice::Dice;
use crate::functions::{AppFunction, Arguments, FunctionError};
use crate::icon::Icon;
use crate::locale::{DELETE, Language, Phrase, phrase};
use crate::permission::PermissionKind;
use crate::providers::Providers;
use crate::ui::Ui;

const MAPS: Phrase = phrase("Maps", "地图");
const SAVED: Phrase = phrase("Saved", "已保存");
const EDIT_NOTE: Phrase = phrase("Edit note", "编辑备注");
const DELETE_LIST: Phrase = phrase("Delete list?", "删除列表？");
const GO_WITH_IT: Phrase = phrase("Its places go with it.", "其中的地点也会删除。");
const THERE_IS_ONE: Phrase = phrase("There is such a list", "已有同名列表");
const LISTS: [Phrase; 2] = [phrase("Favourites", "收藏夹"), phrase("Want to go", "想去")];

const SEARCH_FIELD: FieldId = FieldId::new("search");
const LIST_FIELD: FieldId = FieldId::new("list");

/// A place that was saved, and what was written beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct SavedPlace {
    place: usize,
    note: String,
}

/// Places that were saved together.
#[derive(Clone, Debug, PartialEq, Eq)]
struct SavedList {
    name: String,
    places: Vec<SavedPlace>,
}

/// How somebody goes somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TravelMode {
    Walk,
    Bus,
    Car,
}

#[derive(Clone, Debug)]
pub struct Maps {
    places: Vec<Place>,
    city: usize,
    /// Where the owner is: a city, and hundredths of its map.
    here: (usize, (u32, u32)),
    lists: Vec<SavedList>,
    /// The list that was chosen on the page on which a place is saved.
    chosen: usize,
    way: TravelMode,
}

#[derive(Clone, Debug)]
pub enum Message {
    Search,
    ShowCity(usize),
    Locate,
    Choose(usize),
    Save(usize),
    /// A list, and a place in it.
    Hold(usize, usize),
    Remove(usize, usize),
    HoldList(usize),
    AskToDeleteList(usize),
    DeleteList(usize),
    NewList,
    Travel(TravelMode),
    Again,
}

fn note_field(place: usize) -> FieldId {
    FieldId::of("note", place)
}

impl Maps {
    /// Draws places, and where the owner is.
    pub fn new(seed: u64, language: Language) -> Maps {
        let mut dice = Dice::named(seed, "maps");
        let city = dice.below(CITIES.len());
        let here = (city, (30 + dice.below(40) as u32, 30 + dice.below(40) as u32));
        let list = |name: Phrase| SavedList { name: language.say(name).to_owned(), places: Vec::new() };
        Maps {
            places: atlas::places(seed, language),
            city,
            here,
            lists: LISTS.map(list).to_vec(),
            chosen: 0,
            way: TravelMode::Bus,
        }
    }

    /// The places of a city.
    fn of_city(&self, city: usize) -> impl Iterator<Item = &Place> {
        self.places.iter().filter(move |place| place.city == city)
    }

    /// Metres from the owner to a place; `None` if nobody may know where the owner is.
    fn distance(&self, place: &Place, context: &Context<'_>) -> Option<u32> {
        if !context.may.location {
            return None;
        }
        if place.city != self.here.0 {
            return Some(1000 * CITIES[self.here.0].distance(place.city()));
        }
        let (east, south) = (place.at.0.abs_diff(self.here.1.0), place.at.1.abs_diff(self.here.1.1));
        Some(((f64::from(east * east + south * south)).sqrt() * 110.0) as u32 + 80)
    }

    /// The lists in which a place is.
    fn lists_of(&self, place: usize) -> Vec<&str> {
        let holds = |list: &&SavedList| list.places.iter().any(|saved| saved.place == place);
        self.lists.iter().filter(holds).map(|list| list.name.as_str()).collect()
    }

    fn save(&mut self, place: usize, note: &str) {
        let Some(list) = self.lists.get_mut(self.chosen) else { return };
        match list.places.iter_mut().find(|saved| saved.place == place) {
            Some(saved) => saved.note = note.to_owned(),
            None => list.places.push(SavedPlace { place, note: note.to_owned() }),
        }
    }

    fn new_list(&mut self, context: &Context<'_>) -> Vec<Effect> {
        let name = context.trimmed(&LIST_FIELD).to_owned();
        if name.is_empty() {
            return Vec::new();
        }
        if self.lists.iter().any(|list| list.name == name) {
            return vec![Effect::Toast(context.language.say(THERE_IS_ONE).into())];
        }
        self.lists.push(SavedList { name, places: Vec::new() });
        self.chosen = self.lists.len() - 1;
        vec![Effect::Write(LIST_FIELD, String::new()), Effect::Close]
    }

    fn hold(&self, list: usize, at: usize, language: Language) -> Vec<Effect> {
        let Some(saved) = self.lists.get(list).and_then(|list| list.places.get(at)) else { return Vec::new() };
        let items = [
            (EDIT_NOTE, Effect::Open(Page::of("save", saved.place)).into()),
            (super::common::REMOVE, send(Message::Remove(list, at))),
        ];
        vec![Effect::Menu(items.map(|(label, command)| MenuItem { label: language.say(label), command }).to_vec())]
    }

    fn place_of(&self, name: &str) -> Option<usize> {
        self.places.iter().position(|place| place.name == name)
    }

    /// A list as a fact: `place (note); place`.
    fn list_fact(&self, list: &SavedList) -> String {
        joined(list.places.iter().map(|saved| {
            let name = &self.places[saved.place].name;
            if saved.note.is_empty() { name.clone() } else { format!("{name} ({})", saved.note) }
        }))
    }

    fn set_list(&mut self, name: &str, value: &str) -> Result<(), String> {
        let mut places = Vec::new();
        for entry in split(value) {
            let (place, note) = match entry.split_once(" (") {
                Some((place, note)) => (place, note.trim_end_matches(')')),
                None => (entry, ""),
            };
            let place = self.place_of(place).ok_or_else(|| format!("there is no place `{place}`"))?;
            places.push(SavedPlace { place, note: note.to_owned() });
        }
        match self.lists.iter_mut().find(|list| list.name == name) {
            Some(list) => list.places = places,
            None => self.lists.push(SavedList { name: name.to_owned(), places }),
        }
        Ok(())
    }
}

impl App for Maps {
    type Message = Message;

    fn manifest(&self) -> Manifest {
        Manifest {
            package: "com.tapwright.maps",
            activity: ".MapsActivity",
            label: MAPS,
            icon: Icon::Map,
            color: 0x1E9E62,
        }
    }

    fn view(&self, page: &Page, context: &Context<'_>, providers: &Providers, ui: &mut Ui) {
        view::page(self, page, context, providers, ui);
    }

    fn update(&mut self, message: Message, context: &Context<'_>, _: &mut Providers) -> Vec<Effect> {
        match message {
            Message::Search => {
                let query = context.trimmed(&SEARCH_FIELD).to_owned();
                if !query.is_empty() {
                    return vec![Effect::Open(Page::of("results", query))];
                }
            }
            Message::ShowCity(city) => {
                self.city = city;
                return vec![Effect::Write(SEARCH_FIELD, String::new()), Effect::Open(Page::new("main"))];
            }
            Message::Locate if context.may.location => self.city = self.here.0,
            Message::Locate => return vec![Effect::RequestPermission(PermissionKind::Location)],
            Message::Choose(list) => self.chosen = list,
            Message::Save(place) => {
                let note = context.trimmed(&note_field(place)).to_owned();
                self.save(place, &note);
                return vec![Effect::Close, Effect::Toast(context.language.say(SAVED).into())];
            }
            Message::Hold(list, at) => return self.hold(list, at, context.language),
            Message::Remove(list, at) => {
                if let Some(list) = self.lists.get_mut(list).filter(|list| at < list.places.len()) {
                    list.places.remove(at);
                }
            }
            Message::HoldList(list) => {
                let (label, command) = (context.language.say(DELETE), send(Message::AskToDeleteList(list)));
                return vec![Effect::Menu(vec![MenuItem { label, command }])];
            }
            Message::AskToDeleteList(list) => {
                return vec![Effect::ask(Question {
                    title: context.language.say(DELETE_LIST).into(),
                    text: context.language.say(GO_WITH_IT).into(),
                    yes: context.language.say(DELETE),
                    then: send(Message::DeleteList(list)),
                })];
            }
            Message::DeleteList(list) => {
                if list < self.lists.len() {
                    self.lists.remove(list);
                    self.chosen = 0;
                }
                if context.page.is("list") {
                    return vec![Effect::Close];
                }
            }
            Message::NewList => return self.new_list(context),
            Message::Travel(way) => self.way = way,
            Message::Again => {}
        }
        Vec::new()
    }

    fn on_open(&mut self, page: &Page, _: &Providers) -> Vec<Effect> {
        match page.name {
            "search" => vec![Effect::Write(SEARCH_FIELD, String::new()), Effect::Focus(SEARCH_FIELD)],
            "new-list" => vec![Effect::Focus(LIST_FIELD)],
            "save" => {
                let Some(place) = page.number() else { return Vec::new() };
                let saved = |list: &SavedList| list.places.iter().find(|saved| saved.place == place).cloned();
                let found = self.lists.iter().enumerate().find_map(|(at, list)| Some((at, saved(list)?)));
                self.chosen = found.as_ref().map_or(0, |(at, _)| *at);
                vec![Effect::Write(note_field(place), found.map_or(String::new(), |(_, saved)| saved.note))]
            }
            _ => Vec::new(),
        }
    }

    fn enter(&self, field: &FieldId) -> Option<Command> {
        match field.name {
            "search" => Some(send(Message::Search)),
            "list" => Some(send(Message::NewList)),
            "note" => field.about.parse().ok().map(|place| send(Message::Save(place))),
            _ => None,
        }
    }

    fn functions(&self) -> &'static [AppFunction] {
        functions::ALL
    }

    fn execute(
        &mut self,
        function: &str,
        arguments: &Arguments,
        context: &Context<'_>,
        providers: &mut Providers,
    ) -> Result<Value, FunctionError> {
        functions::execute(self, function, arguments, context, providers)
    }

    fn facts(&self, _: &Providers, facts: &mut Facts) {
        facts.insert("maps.city".into(), CITIES[self.city].name.english.into());
        facts.insert("maps.lists".into(), joined(self.lists.iter().map(|list| &list.name)));
        for list in &self.lists {
            facts.insert(format!("maps.saved.{}", list.name.replace('.', " ")), self.list_fact(list));
        }
        for place in self.places.iter().filter(|place| place.kind == PlaceKind::Sight) {
            let name = |what: &str| format!("maps.place.{}.{what}", place.name);
            facts.insert(name("price"), place.price.to_string());
            facts.insert(name("hours"), format!("{}-{}", clock_text(place.open), clock_text(place.close)));
            facts.insert(name("city"), place.city().name.english.to_owned());
        }
    }

    /// `maps.city`, in English, and `maps.saved.LIST`, which is made if it is not there.
    fn set_fact(&mut self, name: &[&str], value: &str, _: &mut Providers) -> Option<Result<(), String>> {
        match name {
            ["maps", "city"] => {
                let city = CITIES.iter().position(|city| city.name.english == value);
                Some(city.map(|city| self.city = city).ok_or_else(|| format!("there is no city `{value}`")))
            }
            ["maps", "saved", list] => Some(self.set_list(list, value)),
            _ => None,
        }
    }
}
