//! What a field holds after text was typed into it, compared with the text: whether letters were lost, what the field made of them
//! itself, and from where on they have to be typed again.

use crate::Tree;

/// A field that has the focus, as far as the device tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// What stands in it: what was typed, or a hint. In a field that hides what is typed, a dot for each letter or nothing.
    pub text: String,
    pub is_hidden: bool,
}

/// What a comparison comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    /// It holds the text, or what the field makes of it.
    Same,
    /// It does not; so many letters at its beginning are right.
    Differs { right: usize },
    /// Nobody can tell.
    Unknown,
}

impl Field {
    /// The field that has the focus; `None` if what has it cannot be told to be a field for text.
    pub fn of(tree: &Tree) -> Option<Field> {
        let widget = tree.focus().filter(|widget| widget.is_field())?;
        let text = match widget.is_password {
            true => "•".repeat(widget.dots.unwrap_or_default()),
            false => widget.text.clone(),
        };
        Some(Field { text, is_hidden: widget.is_password })
    }

    /// How many keys delete all of it, from either side of any letter.
    pub fn deletions(&self) -> usize {
        self.text.encode_utf16().count()
    }

    /// Whether it holds what was typed into it when it was empty.
    pub fn compare(&self, typed: &str) -> Comparison {
        if self.is_hidden {
            return self.compare_hidden(typed);
        }
        let (held, wanted) = (letters(&self.text), letters(typed));
        if same(&held, &wanted) || is_formatted(&held, &wanted) {
            return Comparison::Same;
        }
        if typed.contains('\n') {
            // A line break may have sent what stood before it, or gone on in the next field.
            let last = letters(typed.rsplit('\n').next().unwrap_or_default());
            let joined: Vec<char> = wanted.iter().copied().filter(|letter| *letter != '\n').collect();
            if same(&held, &last) || same(&held, &joined) {
                return Comparison::Same;
            }
            return Comparison::Unknown;
        }
        // A row of boxes for a letter each: the last one has the focus, and holds the last letter.
        if let ([only], true) = (&held[..], wanted.len() > 1)
            && wanted.last() == Some(only)
        {
            return Comparison::Unknown;
        }
        // A blank at the end is right too, as far as it goes.
        let right = self.text.chars().zip(typed.chars()).take_while(|(a, b)| a == b).count();
        Comparison::Differs { right }
    }

    /// Dots can only be counted.
    fn compare_hidden(&self, typed: &str) -> Comparison {
        match self.text.chars().count() {
            // Empty, or not told, or a hint.
            0 => Comparison::Unknown,
            dots if dots == typed.chars().count() => Comparison::Same,
            _ => Comparison::Differs { right: 0 },
        }
    }

    /// What it holds instead of a text, for an error. What a field hides is not said, nor what was to be typed.
    pub fn description(&self, typed: &str) -> String {
        let letters = typed.chars().count();
        if self.is_hidden {
            let held = self.text.chars().count();
            return format!("after typing, the field holds {held} letters instead of {letters}");
        }
        let held = super::parse::answers::shortened(&self.text);
        if self.text.is_empty() {
            format!("after typing {letters} letters, the field is empty")
        } else {
            format!("after typing {letters} letters, the field holds {held:?}, which is not the text")
        }
    }
}

fn letters(text: &str) -> Vec<char> {
    text.trim_end().replace("\r\n", "\n").chars().collect()
}

/// The same letters; a keyboard may have begun a sentence with a capital.
fn same(held: &[char], wanted: &[char]) -> bool {
    held.len() == wanted.len() && held.iter().zip(wanted).all(|(a, b)| alike(*a, *b))
}

fn alike(a: char, b: char) -> bool {
    a == b
        || a.to_lowercase().eq(b.to_lowercase())
        || (a.is_whitespace() && b.is_whitespace() && a != '\n' && b != '\n')
}

/// Whether a field has only put marks between the letters, as fields for telephone numbers, cards and amounts do.
fn is_formatted(held: &[char], wanted: &[char]) -> bool {
    if !wanted.iter().any(char::is_ascii_digit) || wanted.iter().any(|letter| letter.is_alphabetic()) {
        return false;
    }
    let mut rest = wanted.iter();
    let mut next = rest.next();
    for letter in held {
        if next == Some(letter) {
            next = rest.next();
        } else if !" -()/.,:+".contains(*letter) {
            return false;
        }
    }
    next.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(held: &str, typed: &str, expected: Comparison) {
        let field = Field { text: held.to_owned(), is_hidden: false };
        assert_eq!(field.compare(typed), expected, "{held:?} after {typed:?}");
    }

    #[test]
    fn what_a_field_makes_of_a_text_is_the_text() {
        for (held, typed) in [
            ("new words", "new words"),
            ("New words", "new words"),
            ("new words", "new words "),
            ("new\u{a0}words", "new words"),
            ("(555) 123-4567", "5551234567"),
            ("4111 1111 1111 1111", "4111111111111111"),
            ("1,234.50", "1234.50"),
            ("12/31", "1231"),
            ("a\nb", "a\nb"),
            ("b", "a\nb"),
            ("ab", "a\nb"),
            ("", "sent\n"),
            ("", ""),
        ] {
            check(held, typed, Comparison::Same);
        }
    }

    #[test]
    fn letters_that_were_lost_and_letters_that_stayed_are_told() {
        for (held, typed, right) in [
            ("new ords", "new words", 4),
            ("old valuenew words", "new words", 0),
            ("old valunew words", "new words", 0),
            ("new wordsold value", "new words", 9),
            ("new word", "new words", 8),
            ("ew words", "new words", 0),
            ("", "new words", 0),
            ("Search", "new words", 0),
            ("555123456", "5551234567", 9),
            ("555 123 4568", "5551234567", 3),
            ("a-b", "ab", 1),
            ("ab", "a+b", 1),
            ("googlemail.com", "google", 6),
        ] {
            check(held, typed, Comparison::Differs { right });
        }
    }

    #[test]
    fn what_cannot_be_told_is_left() {
        for (held, typed) in [("6", "123456"), ("elsewhere", "a\nb")] {
            check(held, typed, Comparison::Unknown);
        }
    }

    #[test]
    fn what_a_field_hides_is_counted_and_not_said() {
        for (held, typed, expected) in [
            ("•••••••", "hunter2", Comparison::Same),
            ("••••••", "hunter2", Comparison::Differs { right: 0 }),
            ("••••••••••••••", "hunter2", Comparison::Differs { right: 0 }),
            ("", "hunter2", Comparison::Unknown),
        ] {
            let field = Field { text: held.to_owned(), is_hidden: true };
            assert_eq!(field.compare(typed), expected, "{held}");
            assert!(!field.description(typed).contains("hunter2"));
        }
        let shown = Field { text: "hunter".to_owned(), is_hidden: false };
        assert_eq!(
            shown.description("hunter2"),
            "after typing 7 letters, the field holds \"hunter\", which is not the text"
        );
    }
}
