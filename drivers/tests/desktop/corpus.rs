//! Texts in many scripts that are typed into programs.

/// Latin, Cyrillic, Han, kana, Hangul, emoji with joiners, scripts from the right, combining marks.
pub const CORPUS: [&str; 9] = [
    "The quick brown fox: ~!@#$%^&*()_+{}|:\"<>?`-=[]\\;',./ 0123456789 QUICK",
    "a\tb\nc\n\nd",
    "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich – „fein“ …",
    "Съешь же ещё этих мягких французских булок, да выпей чаю",
    "我能吞下玻璃而不伤身体。敏捷的棕色狐狸跳过了懒惰的狗，天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往秋收冬藏闰余成岁律吕调阳云腾致雨露结为霜金生丽水玉出昆冈",
    "いろはにほへと ちりぬるを 한국어 키보드 자판",
    "👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇩🇪 😀",
    "שלום עולם مرحبا بالعالم १२३",
    "e\u{301}a\u{308}o\u{302}\u{323} n\u{303}",
];

/// So many different characters that keys have to be borrowed again and again.
pub fn long_text() -> String {
    (0..2000u32).map(|n| char::from_u32(0x4e00 + (n * 37) % 900).unwrap()).collect()
}
