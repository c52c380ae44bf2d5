//! How people say times and days, in the languages of the phone.

use tapwright_phone::Language;
use tapwright_phone::date::{DAY, Date};

use crate::Columns;

/// A time of day: `{t}` is `07:30`; `{t.short}` leaves out what goes without saying; `{t.half}` says the half of the day;
/// `{t.words}` is all words; `{t.minutes}` counts from midnight.
pub fn time_columns(minute: u32, language: Language) -> Columns {
    let (hour, rest) = (minute / 60 % 24, minute % 60);
    let (short, half, words) = match language {
        Language::English => english_time(hour, rest),
        Language::Chinese => chinese_time(hour, rest),
    };
    columns(&[
        ("is", format!("{hour:02}:{rest:02}")),
        ("short", short),
        ("half", half),
        ("words", words),
        ("minutes", minute.to_string()),
    ])
}

/// A day: `{d}` counts from today; `{d.when}` is `tomorrow` or `on Friday`; `{d.weekday}` is `Friday`; `{d.date}` is `2 January`; `{d.iso}` is `2026-01-02`.
pub fn day_columns(ahead: u32, epoch: u64, language: Language) -> Columns {
    let date = Date::new(epoch / DAY + u64::from(ahead));
    let weekday = date.weekday_in_full(language).to_owned();
    let when = match (language, ahead) {
        (Language::English, 0) => "today".to_owned(),
        (Language::English, 1) => "tomorrow".to_owned(),
        (Language::English, _) => format!("on {weekday}"),
        (Language::Chinese, 0) => "今天".to_owned(),
        (Language::Chinese, 1) => "明天".to_owned(),
        (Language::Chinese, 2) => "后天".to_owned(),
        (Language::Chinese, _) => weekday.clone(),
    };
    let Date { year, month, day, .. } = date;
    let iso = format!("{year}-{month:02}-{day:02}");
    let date = date.day_of_month(language);
    columns(&[("is", ahead.to_string()), ("weekday", weekday), ("when", when), ("date", date), ("iso", iso)])
}

/// Columns of names and texts.
pub fn columns(pairs: &[(&str, String)]) -> Columns {
    pairs.iter().map(|(name, text)| ((*name).to_owned(), text.clone())).collect()
}

const HOURS: [&str; 12] =
    ["twelve", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"];
const HAN: [&str; 13] = ["零", "一", "二", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二"];

fn english_time(hour: u32, rest: u32) -> (String, String, String) {
    let twelve = if hour.is_multiple_of(12) { 12 } else { hour % 12 };
    let half = if hour < 12 { "am" } else { "pm" };
    let with = if rest == 0 { format!("{twelve} {half}") } else { format!("{twelve}:{rest:02} {half}") };
    // An hour after noon goes by 24 hours, as it could be either without.
    let short = if rest == 0 && hour <= 12 && hour > 0 { hour.to_string() } else { format!("{hour}:{rest:02}") };
    let name = |hour: u32| HOURS[(hour % 12) as usize];
    let of_day = match hour {
        0..12 => "in the morning",
        12..18 => "in the afternoon",
        _ => "in the evening",
    };
    let words = match rest {
        0 => format!("{} o'clock {of_day}", name(hour)),
        15 => format!("quarter past {} {of_day}", name(hour)),
        30 => format!("half past {} {of_day}", name(hour)),
        _ => with.clone(),
    };
    (short, with, words)
}

fn chinese_time(hour: u32, rest: u32) -> (String, String, String) {
    let of_day = match hour {
        0..6 => "凌晨",
        6..12 => "上午",
        12 => "中午",
        13..18 => "下午",
        _ => "晚上",
    };
    let tail = |half: &str| match rest {
        0 => "点".to_owned(),
        30 => half.to_owned(),
        _ => format!("点{rest:02}分"),
    };
    let twelve = if hour > 12 { hour - 12 } else { hour };
    let short = if rest == 0 || rest == 30 { format!("{hour}{}", tail("点半")) } else { format!("{hour}:{rest:02}") };
    let spoken = if twelve == 2 { "两" } else { HAN[twelve as usize] };
    (short, format!("{of_day}{twelve}{}", tail("点半")), format!("{of_day}{spoken}{}", tail("点半")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute_in_words(minute: u32, language: Language) -> String {
        let columns = time_columns(minute, language);
        ["is", "short", "half", "words"].map(|name| columns[name].as_str()).join(" | ")
    }

    #[test]
    fn times_are_said_as_people_say_them() {
        assert_eq!(minute_in_words(420, Language::English), "07:00 | 7 | 7 am | seven o'clock in the morning");
        assert_eq!(
            minute_in_words(1170, Language::English),
            "19:30 | 19:30 | 7:30 pm | half past seven in the evening"
        );
        assert_eq!(
            minute_in_words(735, Language::English),
            "12:15 | 12:15 | 12:15 pm | quarter past twelve in the afternoon"
        );
        assert_eq!(minute_in_words(0, Language::English), "00:00 | 0:00 | 12 am | twelve o'clock in the morning");
        assert_eq!(minute_in_words(450, Language::Chinese), "07:30 | 7点半 | 上午7点半 | 上午七点半");
        assert_eq!(minute_in_words(1205, Language::Chinese), "20:05 | 20:05 | 晚上8点05分 | 晚上八点05分");
        assert_eq!(minute_in_words(840, Language::Chinese), "14:00 | 14点 | 下午2点 | 下午两点");
    }

    #[test]
    fn days_are_said_as_people_say_them() {
        // The first of January 2026 is a Thursday.
        let day = |ahead, language| {
            let columns = day_columns(ahead, 1_767_258_000, language);
            ["is", "when", "weekday", "date"].map(|name| columns[name].as_str()).join(" | ")
        };
        assert_eq!(day(0, Language::English), "0 | today | Thursday | 1 January");
        assert_eq!(day(1, Language::English), "1 | tomorrow | Friday | 2 January");
        assert_eq!(day(4, Language::English), "4 | on Monday | Monday | 5 January");
        assert_eq!(day(2, Language::Chinese), "2 | 后天 | 周六 | 1月3日");
    }
}
