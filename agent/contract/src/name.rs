//! How names of apps and APIs are compared: people and models spell one name in several ways.

use icu_normalizer::ComposingNormalizerBorrowed;

/// A name as it is spelled: compatible letters are one letter (`Ｗ` is `W`, `ﬁ` is `fi`), capitals are small, and what is not seen is
/// not there.
pub fn spelled(name: &str) -> String {
    let visible = name.chars().filter(|letter| {
        !matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
            && (!letter.is_control() || letter.is_whitespace())
    });
    let visible: String = visible.collect();
    let small: String = ComposingNormalizerBorrowed::new_nfkc().normalize(&visible).to_lowercase();
    // Some letters become two that belong together once they are small.
    ComposingNormalizerBorrowed::new_nfkc().normalize(&small).into_owned()
}

/// A name without its blanks, too, to be compared with others.
pub fn folded(name: &str) -> String {
    spelled(name).chars().filter(|letter| !letter.is_whitespace()).collect()
}

/// Whether two names are one: letter case, blanks and compatible letters do not count. A name of nothing is nobody's.
pub fn is_same(one: &str, other: &str) -> bool {
    one == other || (one.len() < LONG && other.len() < LONG && folded(one) == folded(other))
}

/// No name is as long, and folding a long text takes time.
const LONG: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_name_are_one_name() {
        for (one, other, expected) in [
            ("Settings", "settings", true),
            ("Settings", " SETTINGS\u{a0}", true),
            ("Ｓｅｔｔｉｎｇｓ", "Settings", true),
            ("Play Store", "PlayStore", true),
            ("Play\u{3000}Store", "play store", true),
            ("Cafe\u{301}", "Café", true),
            ("Ｌｉﬁ", "lifi", true),
            ("İstanbul", "i\u{307}stanbul", true),
            ("微信", "微信\u{200b}", true),
            ("com.a.b", "com.a.b", true),
            ("Settings", "Setings", false),
            ("Bank", "Bank 2", false),
            ("com.ab", "com.a.b", false),
            ("Café", "Cafe", false),
        ] {
            assert_eq!(is_same(one, other), expected, "{one:?} {other:?}");
        }
    }
}
