//! Untrusted text as one word of a shell.

/// Why text cannot be a word of a shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an argument of a command cannot contain a NUL")]
pub(crate) struct HasNul;

/// One word for a POSIX shell that means exactly `text`, whatever is in it.
pub(crate) fn quote(text: &str) -> Result<String, HasNul> {
    if text.contains('\0') {
        return Err(HasNul);
    }
    // Between single quotes nothing is special but the single quote itself, which has to be said outside of them.
    Ok(format!("'{}'", text.replace('\'', r"'\''")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a POSIX shell makes of a line: its words, or `None` where anything but plain words would happen.
    fn words(line: &str) -> Option<Vec<String>> {
        let mut words = Vec::new();
        let mut word: Option<String> = None;
        let mut letters = line.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '\'' => {
                    let word = word.get_or_insert_default();
                    loop {
                        match letters.next()? {
                            '\'' => break,
                            letter => word.push(letter),
                        }
                    }
                }
                '\\' => match letters.next()? {
                    '\n' => {}
                    letter => word.get_or_insert_default().push(letter),
                },
                ' ' | '\t' => words.extend(word.take()),
                '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')' | '$' | '`' | '"' | '*' | '?' | '[' | '#' | '~'
                | '{' | '}' | '!' => return None,
                letter => word.get_or_insert_default().push(letter),
            }
        }
        words.extend(word);
        Some(words)
    }

    proptest! {
        #[test]
        fn any_text_is_one_word(text in "[^\0]{0,40}", other in "['\"\\\\$`;&|\n a-c]{0,12}") {
            let line = format!("input text {} {}", quote(&text).unwrap(), quote(&other).unwrap());
            prop_assert_eq!(words(&line), Some(vec!["input".into(), "text".into(), text, other]));
        }
    }

    #[test]
    fn a_real_shell_agrees() {
        let hostile = [
            "",
            "'",
            "''",
            "a b",
            "$(id)",
            "`id`",
            "\\",
            "\\'",
            "\"",
            "a\nb",
            "*",
            "~",
            "-n",
            "你好 '吗'",
            "x;y&z|w",
            "!!",
            "${IFS}",
        ];
        for text in hostile {
            let line = format!("printf %s {}", quote(text).unwrap());
            let output = std::process::Command::new("/bin/sh").args(["-c", &line]).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&output.stdout), text);
        }
    }

    #[test]
    fn a_nul_is_no_argument() {
        assert_eq!(quote("a\0b"), Err(HasNul));
    }
}
