//! The languages of the phone. A phrase is written in all of them at once, so none can be missing.

/// A language that the phone can be set to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Language {
    #[default]
    English,
    Chinese,
}

impl Language {
    /// All of them.
    pub const ALL: [Language; 2] = [Language::English, Language::Chinese];

    /// Its code, as it is given on a command line: `en`, `zh`.
    pub fn code(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Chinese => "zh",
        }
    }

    /// Its locale, as Android's properties and settings name it.
    pub fn locale(self) -> &'static str {
        match self {
            Language::English => "en-US",
            Language::Chinese => "zh-CN",
        }
    }

    /// The language of a code or of a locale; `None` if the phone does not speak it.
    pub fn named(name: &str) -> Option<Language> {
        Language::ALL.into_iter().find(|language| [language.code(), language.locale()].contains(&name))
    }

    /// A phrase in this language.
    pub fn say(self, phrase: Phrase) -> &'static str {
        match self {
            Language::English => phrase.english,
            Language::Chinese => phrase.chinese,
        }
    }

    /// A phrase with a value in place of its `{}`.
    pub fn say_with(self, phrase: Phrase, value: &str) -> String {
        self.say(phrase).replacen("{}", value, 1)
    }
}

/// Words that the phone shows, in each of its languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phrase {
    pub english: &'static str,
    pub chinese: &'static str,
}

/// A phrase in English and in Chinese.
pub const fn phrase(english: &'static str, chinese: &'static str) -> Phrase {
    Phrase { english, chinese }
}

// What several apps, and the system, say in the same words.
pub const SAVE: Phrase = phrase("Save", "保存");
pub const DELETE: Phrase = phrase("Delete", "删除");
pub const COPY: Phrase = phrase("Copy", "复制");
pub const SHARE: Phrase = phrase("Share", "分享");
pub const DISCARD: Phrase = phrase("Discard", "舍弃");
pub const WILL_BE_LOST: Phrase = phrase("What you wrote will be lost.", "您输入的内容将会丢失。");
pub const CANCEL: Phrase = phrase("Cancel", "取消");
pub const BACK: Phrase = phrase("Back", "返回");
pub const DARKER: Phrase = phrase("Darker", "调暗");
pub const BRIGHTER: Phrase = phrase("Brighter", "调亮");
