//! Weather: the day and the week of cities, which are added, removed and told in either unit.

use super::common::{NOTHING_FOUND, REMOVE, is_offline, joined, matches, split};
use crate::app::{App, Context, Facts, Manifest};
use crate::atlas::CITIES;
use crate::command::{Command, Effect, FieldId, MenuItem, Page, send};
use crate::date::{Date, clock_text};
use crate::dice::Dice;
use crate::icon::Icon;
use crate::locale::{Language, Phrase, phrase};
use crate::providers::Providers;
use crate::ui::{EDGE, End, Lead, MEASURE, ROW, Row, Style, Ui};

const WEATHER: Phrase = phrase("Weather", "天气");
const ADD_CITY: Phrase = phrase("Add city", "添加城市");
const CITY: Phrase = phrase("City", "城市");
const FAHRENHEIT: Phrase = phrase("Degrees Fahrenheit", "华氏度");
const SETTINGS: Phrase = phrase("Settings", "设置");
const TODAY: Phrase = phrase("Hours", "逐小时");
const WEEK: Phrase = phrase("Days", "未来几天");
const RAIN_CHANCE: Phrase = phrase("Rain {} %", "降水概率{}%");
const WIND: Phrase = phrase("Wind {} km/h", "风速{}公里/小时");
const NO_CITIES: Phrase = phrase("No cities. Add one.", "还没有城市，请添加。");

const CITY_FIELD: FieldId = FieldId::new("city");
const DAYS: u64 = 7;

/// What the sky does.
const SKIES: [(Phrase, Icon, u32); 5] = [
    (phrase("Sunny", "晴"), Icon::Sun, 0xE8A317),
    (phrase("Cloudy", "多云"), Icon::Cloud, 0x64748B),
    (phrase("Rain", "雨"), Icon::Rain, 0x2563EB),
    (phrase("Snow", "雪"), Icon::Snowflake, 0x38A3C8),
    (phrase("Fog", "雾"), Icon::Cloud, 0x94A3B8),
];

/// A day somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Outlook {
    /// Its place in `SKIES`.
    sky: usize,
    low: i32,
    high: i32,
    rain: u32,
    wind: u32,
}

#[derive(Clone, Debug)]
pub struct Weather {
    seed: u64,
    cities: Vec<usize>,
    fahrenheit: bool,
    first_day: u64,
}

#[derive(Clone, Debug)]
pub enum Message {
    Add(usize),
    Hold(usize),
    Remove(usize),
    Unit,
    Again,
}

impl Weather {
    /// Draws the cities that are looked at.
    pub fn new(seed: u64, first_day: u64) -> Weather {
        let mut dice = Dice::named(seed, "weather app");
        let mut cities: Vec<usize> = (0..CITIES.len()).collect();
        dice.shuffle(&mut cities);
        cities.truncate(3 + dice.below(3));
        Weather { seed, cities, fahrenheit: false, first_day }
    }

    /// The weather of a day, counted from 1970, which is the same whoever asks.
    fn outlook(&self, city: usize, day: u64) -> Outlook {
        let mut dice = Dice::named(self.seed, &format!("weather {city} {day}"));
        let month = Date::new(day).month as i32;
        // Colder in the north, and in January.
        let north = CITIES[city].at.1 / 10;
        let season = (month - 7).abs() * 4;
        let high = 46 - north / 2 - season + dice.below(9) as i32 - 4;
        let sky = match dice.below(10) {
            0..4 => 0,
            4..7 => 1,
            7..9 => 2,
            _ => 4,
        };
        let sky = if sky == 2 && high < 1 { 3 } else { sky };
        let rain = if sky == 2 || sky == 3 { 60 + dice.below(40) } else { dice.below(30) } as u32;
        Outlook { sky, low: high - 5 - dice.below(7) as i32, high, rain, wind: 3 + dice.below(40) as u32 }
    }

    fn degrees(&self, celsius: i32) -> String {
        if self.fahrenheit { format!("{}°F", celsius * 9 / 5 + 32) } else { format!("{celsius}°") }
    }

    fn span(&self, day: Outlook) -> String {
        format!("{} / {}", self.degrees(day.high), self.degrees(day.low))
    }

    fn view_list(&self, context: &Context<'_>, providers: &Providers, ui: &mut Ui) {
        let title = ui.say(WEATHER);
        let bar = [
            (Icon::Gear, SETTINGS, Effect::Open(Page::new("settings")).into()),
            (Icon::Plus, ADD_CITY, Effect::Open(Page::new("add")).into()),
        ];
        ui.title_bar(title, false, &bar);
        if is_offline(providers, ui, send(Message::Again)) {
            return;
        }
        if self.cities.is_empty() {
            let text = ui.say(NO_CITIES);
            return ui.notice(Icon::Cloud, text, None);
        }
        ui.list(self.cities.len(), 2.0 * ROW, |ui, i, y| {
            let city = self.cities[i];
            let today = self.outlook(city, context.clock / 86_400);
            let (sky, icon, color) = SKIES[today.sky];
            let row = Row {
                id: "city",
                lead: Lead::Icon(icon, color),
                title: ui.say(CITIES[city].name),
                second: &format!("{} · {}", ui.say(sky), self.span(today)),
                end: End::Chevron,
                tap: Some(Effect::Open(Page::of("city", city)).into()),
                hold: Some(send(Message::Hold(i))),
                ..Row::default()
            };
            ui.row(y, row);
        });
    }

    fn view_city(&self, city: usize, context: &Context<'_>, providers: &Providers, ui: &mut Ui) {
        let title = ui.say(CITIES[city].name);
        ui.title_bar(title, true, &[]);
        if is_offline(providers, ui, send(Message::Again)) {
            return;
        }
        let (ink, faint) = (ui.theme.ink, ui.theme.faint);
        let day = context.clock / 86_400;
        let today = self.outlook(city, day);
        let hour = context.minute() / 60;
        ui.scroll(2.0 * ROW, |ui, column| {
            let centered = |size: f32, color: u32| Style { centered: true, ..Style::new(size, color) };
            column.item(ui, 2.6 * ROW, |ui, top| {
                let (sky, icon, color) = SKIES[today.sky];
                let rect = ui.rect(100.0, top + 20.0, 110.0, 110.0);
                let node = ui.add(crate::ui::Class::Image, "sky", rect);
                node.shapes.push(crate::ui::Shape::Icon { icon, rect, color });
                ui.label("now", &self.degrees(at_hour(today, hour)), (230.0, top + 74.0), 280.0, Style::new(96.0, ink));
                let line = format!("{} · {}", ui.say(sky), self.span(today));
                ui.label("sky", &line, (EDGE, top + 166.0), MEASURE, centered(32.0, ink));
                let rain = ui.say_with(RAIN_CHANCE, &today.rain.to_string());
                let wind = ui.say_with(WIND, &today.wind.to_string());
                ui.label("rain", &format!("{rain} · {wind}"), (EDGE, top + 210.0), MEASURE, centered(26.0, faint));
            });
            let heading = ui.say(TODAY);
            column.heading(ui, heading);
            column.back(ui, 1.3 * ROW);
            column.item(ui, 1.3 * ROW, |ui, top| {
                for step in 0..6 {
                    let then = (hour + 2 * step) % 24;
                    let left = 20.0 + 84.0 * step as f32;
                    ui.label("hour", &clock_text(60 * then), (left, top + 34.0), 80.0, centered(24.0, faint));
                    let text = self.degrees(at_hour(today, then));
                    ui.label("degrees", &text, (left, top + 82.0), 80.0, centered(28.0, ink));
                }
            });
            let heading = ui.say(WEEK);
            column.heading(ui, heading);
            column.rows(ui, DAYS as usize, |ui, i, y| {
                let then = self.outlook(city, day + i as u64);
                let (sky, icon, color) = SKIES[then.sky];
                let title = Date::new(day + i as u64).long(context.language);
                let second = format!("{} · {}", ui.say(sky), self.span(then));
                let lead = Lead::Icon(icon, color);
                ui.row(y, Row { id: "day", lead, title: &title, second: &second, size: 30.0, ..Row::default() });
            });
        });
    }

    fn view_add(&self, context: &Context<'_>, ui: &mut Ui) {
        ui.search_bar(true, CITY, CITY_FIELD, context.field(&CITY_FIELD));
        let query = context.trimmed(&CITY_FIELD);
        let is_meant =
            |at: &usize| matches(CITIES[*at].name.english, query) || matches(CITIES[*at].name.chinese, query);
        let found: Vec<usize> = (0..CITIES.len()).filter(is_meant).collect();
        if found.is_empty() {
            let (text, faint) = (ui.say(NOTHING_FOUND), ui.theme.faint);
            ui.label("empty", text, (36.0, 2.6 * ROW), 460.0, Style::new(30.0, faint));
        }
        ui.list(found.len(), 2.0 * ROW + 8.0, |ui, i, y| {
            let (title, end) = (ui.say(CITIES[found[i]].name), End::Radio(self.cities.contains(&found[i])));
            ui.row(y, Row { id: "city", title, end, tap: Some(send(Message::Add(found[i]))), ..Row::default() });
        });
    }
}

/// The temperature of an hour: the lowest at four, the highest at three in the afternoon.
fn at_hour(day: Outlook, hour: u32) -> i32 {
    let from_top = (hour as i32 - 15).rem_euclid(24);
    let away = from_top.min(24 - from_top);
    day.high - (day.high - day.low) * away / 12
}

impl App for Weather {
    type Message = Message;

    fn manifest(&self) -> Manifest {
        Manifest {
            package: "com.tapwright.weather",
            activity: ".WeatherActivity",
            label: WEATHER,
            icon: Icon::Sun,
            color: 0x38A3C8,
        }
    }

    fn view(&self, page: &Page, context: &Context<'_>, providers: &Providers, ui: &mut Ui) {
        match page.name {
            "city" => self.view_city(page.number().unwrap_or(0) % CITIES.len(), context, providers, ui),
            "add" => self.view_add(context, ui),
            "settings" => {
                let title = ui.say(SETTINGS);
                ui.title_bar(title, true, &[]);
                ui.list(1, 2.0 * ROW, |ui, _, y| {
                    let (title, end) = (ui.say(FAHRENHEIT), End::Switch(self.fahrenheit));
                    ui.row(y, Row { id: "unit", title, end, tap: Some(send(Message::Unit)), ..Row::default() });
                });
            }
            _ => self.view_list(context, providers, ui),
        }
    }

    fn update(&mut self, message: Message, context: &Context<'_>, _: &mut Providers) -> Vec<Effect> {
        match message {
            Message::Add(city) => {
                if !self.cities.contains(&city) {
                    self.cities.push(city);
                }
                return vec![Effect::Write(CITY_FIELD, String::new()), Effect::Close];
            }
            Message::Hold(at) => {
                let (label, command) = (context.language.say(REMOVE), send(Message::Remove(at)));
                return vec![Effect::Menu(vec![MenuItem { label, command }])];
            }
            Message::Remove(at) => {
                if at < self.cities.len() {
                    self.cities.remove(at);
                }
            }
            Message::Unit => self.fahrenheit = !self.fahrenheit,
            Message::Again => {}
        }
        Vec::new()
    }

    fn on_open(&mut self, page: &Page, _: &Providers) -> Vec<Effect> {
        if page.is("add") { vec![Effect::Focus(CITY_FIELD)] } else { Vec::new() }
    }

    fn enter(&self, _: &FieldId) -> Option<Command> {
        Some(Command::Back)
    }

    fn facts(&self, _: &Providers, facts: &mut Facts) {
        facts.insert("weather.cities".into(), joined(self.cities.iter().map(|city| CITIES[*city].name.english)));
        facts.insert("weather.fahrenheit".into(), self.fahrenheit.to_string());
        for (at, city) in CITIES.iter().enumerate() {
            for ahead in 0..DAYS {
                let day = self.outlook(at, self.first_day + ahead);
                let sky = Language::English.say(SKIES[day.sky].0);
                let fact = format!("{sky} | {} | {} | {}", day.high, day.low, day.rain);
                facts.insert(format!("weather.{}.{ahead}", city.name.english), fact);
            }
        }
    }

    /// `weather.cities`, in English, and `weather.fahrenheit`.
    fn set_fact(&mut self, name: &[&str], value: &str, _: &mut Providers) -> Option<Result<(), String>> {
        let city = |name: &str| CITIES.iter().position(|city| city.name.english == name);
        Some(match name {
            ["weather", "cities"] => split(value)
                .map(|name| city(name).ok_or_else(|| format!("there is no city `{name}`")))
                .collect::<Result<Vec<usize>, String>>()
                .map(|cities| self.cities = cities),
            ["weather", "fahrenheit"] => super::common::truth(value).map(|on| self.fahrenheit = on),
            _ => return None,
        })
    }
}
