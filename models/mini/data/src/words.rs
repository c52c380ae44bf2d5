//! The words that training's goals are made of. Nothing here is in a goal that the model is measured on: a test compares them.

use tapwright_phone::Dice;

/// People who are on no phone that has not been given them. Whoever measures has other ones.
pub(crate) const STRANGERS: &[&str] = &[
    "Abigail", "Adam", "Alan", "Albert", "Alicia", "Amy", "Andrea", "Angela", "Anton", "April", "Arthur", "Barbara",
    "Becky", "Bernd", "Betty", "Bill", "Boris", "Brenda", "Carl", "Carmen", "Cathy", "Charlie", "Cindy", "Colin",
    "Craig", "Damon", "Dennis", "Derek", "Donna", "Doug", "Eddie", "Elena", "Emil", "Eric", "Esther", "Eva", "Floyd",
    "Freya", "Gary", "Gerda", "Gunda", "Hans", "Heidi", "Helen", "Ian", "Inga", "Ivy", "Jake", "Jane", "Jason", "Joe",
    "Judy", "Keith", "Kim", "Larry", "Lily", "Lola", "Luis", "Marcus", "Mary", "Megan", "Mike", "Molly", "Ned", "Nick",
    "Pam", "Ralph", "Rita", "Sally", "Steve", "Ted", "Wilma",
];

/// Words of all kinds, most of them in no picture.
pub(crate) const WORDS: &[&str] = &[
    "about", "above", "again", "air", "almost", "along", "animal", "answer", "apple", "arm", "art", "ask", "autumn",
    "away", "baby", "bag", "ball", "bath", "beach", "bed", "bell", "better", "big", "bird", "black", "blue", "board",
    "boat", "body", "bone", "bottle", "box", "boy", "bridge", "bright", "brother", "brown", "brush", "build", "busy",
    "butter", "button", "cat", "chair", "cheese", "child", "church", "city", "clear", "cloud", "coat", "cold",
    "colour", "cook", "corner", "cotton", "country", "cow", "cream", "cross", "cup", "dance", "dark", "daughter",
    "deep", "desk", "dish", "dog", "dream", "dress", "drink", "driver", "dry", "dust", "ear", "early", "earth", "east",
    "egg", "engine", "enough", "every", "example", "eye", "face", "fall", "family", "farm", "fast", "father",
    "feather", "field", "fire", "fish", "floor", "flower", "foot", "forest", "fork", "friend", "fruit", "garden",
    "gift", "girl", "glass", "glove", "gold", "grass", "green", "group", "hair", "hammer", "hand", "happy", "hat",
    "head", "heart", "heavy", "hill", "history", "hole", "horse", "hospital", "hot", "hour", "house", "idea", "iron",
    "island", "jacket", "jam", "job", "juice", "jump", "kettle", "kitchen", "knee", "knife", "ladder", "lake",
    "language", "laugh", "leaf", "leather", "left", "leg", "lemon", "letter", "library", "light", "lion", "little",
    "long", "machine", "market", "meat", "metal", "middle", "minute", "mirror", "money", "month", "moon", "mother",
    "mountain", "mouth", "music", "name", "narrow", "neck", "needle", "never", "new", "north", "nose", "number",
    "office", "oil", "old", "onion", "orange", "oven", "page", "paint", "paper", "park", "past", "pencil", "people",
    "pepper", "picture", "pig", "pillow", "plane", "plate", "pocket", "potato", "queen", "question", "quick", "quiet",
    "rain", "rice", "river", "road", "roof", "room", "rope", "round", "salt", "sand", "school", "sea", "second",
    "sheep", "ship", "shirt", "shoe", "silver", "sister", "sky", "sleep", "slow", "small", "snow", "soap", "sock",
    "spoon", "spring", "stone", "street", "strong", "sugar", "summer", "sun",
];

/// What people write to each other, note and plan.
pub(crate) const TEXTS: &[&str] = &[
    "I'm five minutes away",
    "can we talk",
    "I will be there at six",
    "what a day",
    "don't wait up",
    "it's a boy",
    "we won the match",
    "bring a jacket, it is cold",
    "is the shop still open?",
    "the cat is back",
    "thanks!",
    "ok",
    "yes please",
    "no worries",
    "I am stuck at work",
    "sorry, I forgot",
    "how did it go?",
    "are you hungry",
    "your package came",
    "the doctor called back",
    "love you lots",
    "happy new year to all of you",
    "I will call at 8",
    "the code is 4471",
    "meet me at gate 12",
    "two tickets for row 5",
    "bus 42 leaves at 17:20",
    "wash the dog",
    "feed the fish",
    "iron the shirts",
    "sell the old sofa",
    "learn ten Spanish words",
    "ideas for the weekend",
    "things to pack: socks, soap, hat",
    "milk, eggs and rice",
    "rent is 640 this month",
    "size of the shelf: 80 x 40",
    "parking level 3",
    "gift for Grandma",
    "ask for a raise",
    "call the plumber",
    "new tyres in spring",
    "password hint: first school",
    "book to read: The Sea",
    "swimming with the kids",
    "a new haircut for Rex",
    "Eye test",
    "Choir practice",
    "Football training",
    "Interview at the mill",
    "Flight to Oslo",
    "School play",
    "Tax office",
    "Chess club",
    "Brunch with the neighbours",
    "Moving day",
    "Concert",
    "Wedding of Jane and Joe",
    "Blood donation",
    "Board meeting",
];

const STARTS: &[&str] =
    &["b", "c", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w", "br", "st", "tr", "sh"];
const MIDDLES: &[&str] = &["a", "e", "i", "o", "u", "ai", "ee", "ou", "ea"];
const ENDS: &[&str] = &["", "n", "r", "s", "t", "l", "ck", "m", "nd", "st", "x", "p"];

/// A word of no language.
pub(crate) fn invent_word(dice: &mut Dice) -> String {
    let count = 1 + dice.below(3);
    (0..count).map(|_| format!("{}{}{}", dice.pick(STARTS), dice.pick(MIDDLES), dice.pick(ENDS))).collect()
}

/// One word, most often of a language.
pub(crate) fn word(dice: &mut Dice) -> String {
    match dice.below(10) {
        0 | 1 => invent_word(dice),
        2 => dice.below(2000).to_string(),
        _ => dice.pick(WORDS).to_string(),
    }
}

/// So many words in a row.
pub(crate) fn words(dice: &mut Dice, count: usize) -> String {
    (0..count).map(|_| word(dice)).collect::<Vec<_>>().join(" ")
}

/// The same with a capital first.
pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().collect::<String>() + letters.as_str())
}

/// A text to be written, with nothing in it that would end a quotation.
pub(crate) fn text(dice: &mut Dice) -> String {
    let mut text = match dice.below(10) {
        0..3 => dice.pick(TEXTS).to_string(),
        3..5 => {
            let count = 1 + dice.below(2);
            format!("{} {}", words(dice, count), dice.pick(TEXTS))
        }
        _ => {
            let count = 1 + dice.below(7);
            words(dice, count)
        }
    };
    if dice.chance(40) {
        text = capital(&text);
    }
    if dice.chance(12) {
        let at = dice.below(3);
        text.push(['!', '?', '.'][at]);
    }
    text
}

/// Somebody who is on no phone, half of the time hardly another name than one of the phone's.
pub(crate) fn stranger(dice: &mut Dice) -> String {
    match dice.below(10) {
        0..5 => dice.pick(STRANGERS).to_string(),
        5..7 => capital(&invent_word(dice)),
        _ => {
            let name = *dice.pick(&tapwright_phone::content::NAMES);
            misspelt(name, dice)
        }
    }
}

/// A name with a letter more, less, or another one.
fn misspelt(name: &str, dice: &mut Dice) -> String {
    let mut letters: Vec<char> = name.to_lowercase().chars().collect();
    let at = dice.below(letters.len());
    match dice.below(4) {
        0 if letters.len() > 3 => {
            letters.remove(at);
        }
        1 => letters.insert(at, letters[at]),
        2 => letters[at] = (b'a' + dice.below(26) as u8) as char,
        _ => letters.push(['a', 'e', 's', 'y'][dice.below(4)]),
    }
    capital(&letters.into_iter().collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_its_own_quotation() {
        let mut dice = Dice::new(1);
        for _ in 0..2000 {
            let text = text(&mut dice);
            assert!(!text.is_empty() && !text.contains(['"', '\\', '\n']), "{text}");
            assert!(text.split(' ').count() <= 12, "{text}");
        }
    }

    #[test]
    fn strangers_are_not_on_any_phone() {
        assert!(STRANGERS.iter().all(|name| !tapwright_phone::content::NAMES.contains(name)));
    }
}
