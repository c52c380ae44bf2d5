//! The system prompt: one text, or one for each language that a model is spoken to in.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::{Date, Month};

/// A language that a system prompt is written in. It also says how the date is written there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PromptLanguage {
    En,
    Zh,
}

/// What a model is told before anything else; `{date}` stands for today in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct System {
    /// Without a language there is one text, for all.
    texts: BTreeMap<Option<PromptLanguage>, String>,
    /// Which of them is used.
    chosen: Option<PromptLanguage>,
}

/// There is no such text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this profile has no system prompt in `{wanted}`; it has: {}", names(.there))]
pub struct NoLanguage {
    pub wanted: PromptLanguage,
    pub there: Vec<PromptLanguage>,
}

/// No language has that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is none of the languages en, zh")]
pub struct NotALanguage(String);

impl PromptLanguage {
    pub const ALL: [PromptLanguage; 2] = [PromptLanguage::En, PromptLanguage::Zh];

    /// Its short name: `zh`.
    pub fn name(self) -> &'static str {
        match self {
            PromptLanguage::En => "en",
            PromptLanguage::Zh => "zh",
        }
    }
}

impl fmt::Display for PromptLanguage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for PromptLanguage {
    type Err = NotALanguage;

    fn from_str(name: &str) -> Result<PromptLanguage, NotALanguage> {
        let mut all = PromptLanguage::ALL.into_iter();
        all.find(|language| language.name() == name).ok_or_else(|| NotALanguage(name.to_owned()))
    }
}

impl System {
    /// One text in one language.
    pub fn in_language(language: PromptLanguage, text: String) -> System {
        System { texts: BTreeMap::from([(Some(language), text)]), chosen: Some(language) }
    }

    /// The text that is used, as it stands in the profile.
    pub fn text(&self) -> &str {
        &self.texts[&self.chosen]
    }

    /// The text that is used, on a day that is given as `2025-12-11`.
    pub fn on(&self, day: &str) -> String {
        self.text().replace("{date}", &format_day(day, self.chosen))
    }

    /// The language of the text that is used, if it is said.
    pub fn language(&self) -> Option<PromptLanguage> {
        self.chosen
    }

    /// All languages that there is a text in.
    pub fn languages(&self) -> Vec<PromptLanguage> {
        self.texts.keys().copied().flatten().collect()
    }

    /// The same, spoken in another language. A single text without a language is for all of them.
    ///
    /// # Errors
    /// `NoLanguage` if there is no such text.
    pub fn choose(self, wanted: PromptLanguage) -> Result<System, NoLanguage> {
        if self.chosen.is_none() {
            return Ok(self);
        }
        if !self.texts.contains_key(&Some(wanted)) {
            return Err(NoLanguage { wanted, there: self.languages() });
        }
        Ok(System { chosen: Some(wanted), ..self })
    }
}

impl From<String> for System {
    fn from(text: String) -> System {
        System { texts: BTreeMap::from([(None, text)]), chosen: None }
    }
}

/// A day as a language writes it: `2025年12月11日 星期四`, `2025-12-11, Thursday`. What is no day stays as it is.
fn format_day(day: &str, language: Option<PromptLanguage>) -> String {
    const CHINESE: [&str; 7] = ["日", "一", "二", "三", "四", "五", "六"];
    let Some(date) = date_of(day) else { return day.to_owned() };
    let weekday = date.weekday();
    match language {
        None => day.to_owned(),
        Some(PromptLanguage::En) => format!("{day}, {weekday}"),
        Some(PromptLanguage::Zh) => {
            let (year, month, number) = (date.year(), u8::from(date.month()), date.day());
            let weekday = CHINESE[usize::from(weekday.number_days_from_sunday())];
            format!("{year}年{month:02}月{number:02}日 星期{weekday}")
        }
    }
}

/// The day that a text like `2025-12-11` names, if the calendar has it.
fn date_of(text: &str) -> Option<Date> {
    let mut numbers = text.splitn(3, '-');
    let (year, month, day) = (numbers.next()?, numbers.next()?, numbers.next()?);
    let month = Month::try_from(month.parse::<u8>().ok()?).ok()?;
    Date::from_calendar_date(year.parse().ok().filter(|year| *year > 0)?, month, day.parse().ok()?).ok()
}

fn names(languages: &[PromptLanguage]) -> String {
    languages.iter().map(|language| language.name()).collect::<Vec<_>>().join(", ")
}

/// `{ language = "zh", zh = "…", en = "…" }`
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    language: PromptLanguage,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    zh: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    en: Option<String>,
}

impl Serialize for System {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Some(language) = self.chosen else { return to.serialize_str(self.text()) };
        let text = |language| self.texts.get(&Some(language)).cloned();
        Table { language, zh: text(PromptLanguage::Zh), en: text(PromptLanguage::En) }.serialize(to)
    }
}

impl<'de> Deserialize<'de> for System {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<System, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = System;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, or a table of texts by language")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<System, E> {
                Ok(System::from(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<System, A::Error> {
                let Table { language, zh, en } = Table::deserialize(de::value::MapAccessDeserializer::new(map))?;
                let all = [(PromptLanguage::Zh, zh), (PromptLanguage::En, en)];
                let texts = all.into_iter().filter_map(|(language, text)| Some((Some(language), text?)));
                let system = System { texts: texts.collect(), chosen: Some(language) };
                if !system.texts.contains_key(&system.chosen) {
                    let there = system.languages();
                    return Err(de::Error::custom(NoLanguage { wanted: language, there }));
                }
                Ok(system)
            }
        }

        from.deserialize_any(Either)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct File {
        system: System,
    }

    fn read(text: &str) -> Result<System, String> {
        toml::from_str::<File>(text).map(|file| file.system).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn a_day_is_written_as_the_language_does() {
        for (day, language, expected) in [
            ("2025-12-11", Some(PromptLanguage::Zh), "2025年12月11日 星期四"),
            ("2025-12-12", Some(PromptLanguage::En), "2025-12-12, Friday"),
            ("2024-02-29", Some(PromptLanguage::En), "2024-02-29, Thursday"),
            ("2000-01-01", Some(PromptLanguage::Zh), "2000年01月01日 星期六"),
            ("1970-01-04", Some(PromptLanguage::Zh), "1970年01月04日 星期日"),
            ("2025-12-11", None, "2025-12-11"),
            ("some day", Some(PromptLanguage::En), "some day"),
            ("2025-13-01", Some(PromptLanguage::En), "2025-13-01"),
            ("2025-02-29", Some(PromptLanguage::En), "2025-02-29"),
            ("2025-04-31", Some(PromptLanguage::Zh), "2025-04-31"),
            ("0-01-01", Some(PromptLanguage::En), "0-01-01"),
            ("99999-01-01", Some(PromptLanguage::En), "99999-01-01"),
        ] {
            assert_eq!(format_day(day, language), expected);
        }
    }

    #[test]
    fn one_text_or_several() {
        let one = read("system = \"It is {date}.\"").unwrap();
        assert_eq!(one.on("2025-12-12"), "It is 2025-12-12.");
        assert_eq!(one.clone().choose(PromptLanguage::Zh), Ok(one), "a text without a language is for all");
        let both = read("[system]\nlanguage = \"zh\"\nzh = \"今天是{date}\"\nen = \"{date}\"").unwrap();
        assert_eq!(both.on("2025-12-11"), "今天是2025年12月11日 星期四");
        let english = both.choose(PromptLanguage::En).unwrap();
        assert_eq!(english.on("2025-12-12"), "2025-12-12, Friday");
        for system in
            [english, System::from("{date}".to_owned()), System::in_language(PromptLanguage::Zh, "x".to_owned())]
        {
            let written = toml::to_string(&File { system: system.clone() }).unwrap();
            assert_eq!(read(&written), Ok(system));
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let missing = read("[system]\nlanguage = \"zh\"\nen = \"x\"").unwrap_err();
        assert_eq!(missing, "this profile has no system prompt in `zh`; it has: en");
        assert!(read("system = 3").unwrap_err().contains("a text, or a table of texts by language"));
        assert!(read("[system]\nlanguage = \"zh\"\nfr = \"x\"").unwrap_err().contains("unknown field `fr`"));
        assert!("fr".parse::<PromptLanguage>().is_err());
    }
}
