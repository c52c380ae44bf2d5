//! The goal of `docs/examples/digest.toml`.

use std::collections::{BTreeMap, BTreeSet};

use super::trip::{search_deed, tap};
use super::{Deed, Screen};

const SUBJECT: &str = "Space";

/// What was read in this round.
#[derive(Default)]
pub struct WatchMemory {
    is_up_to_date: bool,
    /// The post that is being read, and those that are read, each with its lines.
    reading: Option<String>,
    read: BTreeMap<String, Vec<String>>,
    done: BTreeSet<String>,
}

impl WatchMemory {
    /// A round begins: what it has to know stands in its goal.
    pub fn begin(&mut self) {
        *self = WatchMemory::default();
    }

    pub fn news(&mut self, goal: &str, screen: &Screen) -> Deed {
        let told = goal.split_once("leave them out: ").map_or("", |(_, told)| told.lines().next().unwrap_or_default());
        let told: BTreeSet<String> = super::trip::quotations(told).into_iter().collect();
        if screen.package != "com.tapwright.feed" {
            return Deed::Launch("Feed");
        }
        if !self.is_up_to_date {
            if screen.shows(|text| text == "For you") {
                self.is_up_to_date = true;
                return tap(screen.place_of("Refresh"));
            }
            return screen.place_of("Home").map_or(Deed::Back, |place| tap(Some(place)));
        }
        if screen.has("compose") {
            return self.post(screen);
        }
        if let Some(field) = screen.field("search") {
            if field.text != SUBJECT {
                return search_deed(screen, &field.text, SUBJECT);
            }
            let titles = screen.rows("suggestion").into_iter().filter_map(|(_, texts, _)| texts.first().copied());
            let is_new =
                |title: &&str| title.starts_with(SUBJECT) && !told.contains(*title) && !self.done.contains(*title);
            return match titles.into_iter().find(is_new).map(str::to_owned) {
                Some(title) => {
                    let place = screen.place_of(&title);
                    self.reading = Some(title);
                    tap(place)
                }
                None => Deed::Finish(self.lines()),
            };
        }
        if let Some(title) = &self.reading
            && screen.title() == title
            && !self.done.contains(title)
        {
            let cards = screen.rows("post");
            let card = cards.into_iter().find(|(_, texts, _)| texts.contains(&title.as_str()));
            return card.map_or(Deed::Further, |(place, _, _)| tap(Some(place)));
        }
        match screen.place_of("Search") {
            // The results have a way back to the search, which stands for another one.
            Some(place) if screen.shows(|text| text == "For you") => tap(Some(place)),
            _ => Deed::Back,
        }
    }

    fn post(&mut self, screen: &Screen) -> Deed {
        let Some(title) = self.reading.clone().filter(|title| !self.done.contains(title)) else { return Deed::Back };
        let lines = self.read.entry(title.clone()).or_default();
        for line in screen.of("body") {
            if !lines.iter().any(|known| known == line) {
                lines.push(line.to_owned());
            }
        }
        if !screen.shows(|text| text.starts_with("Comments: ")) {
            return Deed::Further;
        }
        self.done.insert(title);
        Deed::Back
    }

    fn lines(&self) -> String {
        let line = |(title, lines): (&String, &Vec<String>)| format!("news: {title} | {}", lines.join(" "));
        let all: Vec<String> = self.read.iter().filter(|(title, _)| self.done.contains(*title)).map(line).collect();
        if all.is_empty() { "news: none".to_owned() } else { all.join("\n") }
    }
}
