//! Commands as people read them, and can write them to a shell.

/// A program and its arguments for people, as they would be written to a shell: what is one argument is seen to be one. One that holds
/// what a terminal would obey, or what cannot be seen, is written with its letters' numbers.
pub fn in_words(argv: &[String]) -> String {
    argv.iter().map(|argument| quoted(argument)).collect::<Vec<_>>().join(" ")
}

/// An argument as it is written to a shell.
pub fn quoted(argument: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "/._-+:@%,=".contains(letter);
    if !argument.is_empty() && argument.chars().all(is_plain) {
        return argument.to_owned();
    }
    let is_seen = |letter: char| letter == ' ' || letter.escape_debug().len() == 1 || "'\"\\".contains(letter);
    if argument.chars().all(is_seen) {
        return format!("'{}'", argument.replace('\'', r"'\''"));
    }
    let escaped = |letter: char| match letter {
        '\'' | '\\' => format!("\\{letter}"),
        letter if is_seen(letter) => letter.to_string(),
        letter if u32::from(letter) < 0x80 => format!("\\x{:02x}", u32::from(letter)),
        letter => format!("\\u{:04x}", u32::from(letter)),
    };
    format!("$'{}'", argument.chars().map(escaped).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_one_argument_is_seen_to_be_one() {
        for (argv, expected) in [
            (&["pass", "show", "a/b.c"][..], "pass show a/b.c"),
            (&["touch", "a b", ""], "touch 'a b' ''"),
            (&["sh", "-c", "a; b | c > \"d\""], "sh -c 'a; b | c > \"d\"'"),
            (&["it's", "a\\b", "$(x)", "`y`", "*"], r"'it'\''s' 'a\b' '$(x)' '`y`' '*'"),
            (&["a\nb", "\u{1b}[2J", "a\u{202e}b", "\u{a0}"], r"$'a\x0ab' $'\x1b[2J' $'a\u202eb' $'\u00a0'"),
            (&["a'\\\n"], r"$'a\'\\\x0a'"),
            (&["打开"], "打开"),
        ] {
            let argv: Vec<String> = argv.iter().map(|argument| (*argument).to_owned()).collect();
            assert_eq!(in_words(&argv), expected);
        }
    }

    /// A shell reads it as what it is.
    #[cfg(unix)]
    #[test]
    fn a_shell_reads_what_was_meant() {
        let bash = std::path::Path::new("/bin/bash");
        if !bash.is_file() {
            return;
        }
        for argument in ["a b", "it's", "a\nb", "$(x) `y` \"z\" \\ *", "\u{1b}'\\", "", "~", "#x", "é\u{202e}"] {
            let script = format!("printf %s {}", quoted(argument));
            let out = std::process::Command::new(bash).args(["-c", &script]).env("LC_ALL", "C.UTF-8").output().unwrap();
            assert_eq!(String::from_utf8_lossy(&out.stdout), argument, "{script}");
        }
    }
}
