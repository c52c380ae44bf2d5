//! The shell's grammar: text in, commands out. Pure; nothing is looked up or run here.
//!
//! What is understood and what is not is said in the documentation of `adbd`.

/// Bytes of a script. Phones take no longer ones either: it is an argument of their shell.
pub(super) const TEXT_MAX: usize = 128 << 10;
/// How deep groups and substitutions may be nested.
const DEPTH_MAX: u32 = 16;

/// Pipelines, each with what has to be so for it to run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct List(pub Vec<(Join, Pipeline)>);

/// When a pipeline runs, by the status of the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Join {
    /// After `;` or a new line.
    Always,
    /// After `&&`.
    IfDone,
    /// After `||`.
    IfFailed,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pipeline {
    /// Begins with `!`.
    pub negated: bool,
    pub stages: Vec<Stage>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stage {
    pub what: What,
    pub redirects: Vec<Redirect>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    Command {
        assignments: Vec<(String, Word)>,
        words: Vec<Word>,
    },
    /// `{ ...; }`
    Group(List),
    /// `( ... )`
    Subshell(List),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Redirect {
    /// 0, 1 or 2.
    pub from: u8,
    pub to: Target,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// `< file`
    Read(Word),
    /// `> file`
    Write(Word),
    /// `>> file`
    Append(Word),
    /// `>&1`, `>&2`
    Same(u8),
}

/// Pieces that stand together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Word(pub Vec<Piece>);

/// What a quoted piece stands for is never split into words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Text { text: String, quoted: bool },
    Variable { name: String, quoted: bool },
    Output { of: List, quoted: bool },
}

/// Text that is not a command, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SyntaxError {
    #[error("syntax error: unexpected '{0}'")]
    Unexpected(String),
    #[error("syntax error: no closing {0}")]
    Unclosed(&'static str),
    #[error("Argument list too long")]
    TooLong,
    #[error("syntax error: nested too deeply")]
    TooDeep,
    #[error("syntax error: {0} is not supported on this phone")]
    Unsupported(&'static str),
}

/// Reads a whole script.
pub(super) fn parse(text: &str) -> Result<List, SyntaxError> {
    if TEXT_MAX < text.len() {
        return Err(SyntaxError::TooLong);
    }
    let mut parser = Parser { letters: text.chars().collect(), at: 0, depth: 0 };
    let list = parser.list(End::Text)?;
    Ok(list)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Text,
    Parenthesis,
    Brace,
}

struct Parser {
    letters: Vec<char>,
    at: usize,
    depth: u32,
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.letters.get(self.at).copied()
    }

    fn peek_second(&self) -> Option<char> {
        self.letters.get(self.at + 1).copied()
    }

    fn take(&mut self, wanted: &str) -> bool {
        let fits = wanted.chars().enumerate().all(|(index, letter)| self.letters.get(self.at + index) == Some(&letter));
        if fits {
            self.at += wanted.chars().count();
        }
        fits
    }

    /// Skips blanks, continued lines and comments.
    fn blanks(&mut self) {
        loop {
            match self.peek() {
                Some(' ' | '\t' | '\r') => self.at += 1,
                Some('\\') if self.peek_second() == Some('\n') => self.at += 2,
                Some('#') => {
                    while self.peek().is_some_and(|letter| letter != '\n') {
                        self.at += 1;
                    }
                }
                _ => return,
            }
        }
    }

    fn lines(&mut self) {
        self.blanks();
        while self.peek() == Some('\n') {
            self.at += 1;
            self.blanks();
        }
    }

    /// Whether a reserved word like `{` stands here by itself.
    fn reserved(&self, word: &str) -> bool {
        let after = self.at + word.chars().count();
        word.chars().eq(self.letters[self.at..].iter().copied().take(word.chars().count()))
            && self
                .letters
                .get(after)
                .is_none_or(|letter| letter.is_whitespace() || matches!(letter, ';' | '&' | '|' | ')' | '('))
    }

    fn nested(&mut self, end: End) -> Result<List, SyntaxError> {
        if self.depth == DEPTH_MAX {
            return Err(SyntaxError::TooDeep);
        }
        self.depth += 1;
        let list = self.list(end)?;
        self.depth -= 1;
        Ok(list)
    }

    /// Reads pipelines up to `end`, and `end` itself.
    fn list(&mut self, end: End) -> Result<List, SyntaxError> {
        let mut pipelines = Vec::new();
        let mut join = Join::Always;
        loop {
            self.lines();
            let ended = match (end, self.peek()) {
                (End::Text, None) => true,
                (End::Parenthesis, None) => return Err(SyntaxError::Unclosed(")")),
                (End::Brace, None) => return Err(SyntaxError::Unclosed("}")),
                (End::Parenthesis, Some(')')) => true,
                (End::Brace, Some('}')) => self.reserved("}"),
                _ => false,
            };
            if ended {
                if join != Join::Always {
                    let word = if end == End::Text { "newline".to_owned() } else { self.peek().into_iter().collect() };
                    return Err(SyntaxError::Unexpected(word));
                }
                self.at += usize::from(end != End::Text);
                return Ok(List(pipelines));
            }
            pipelines.push((join, self.pipeline()?));
            self.blanks();
            join = if self.take("&&") {
                Join::IfDone
            } else if self.take("||") {
                Join::IfFailed
            } else if self.peek() == Some('&') {
                return Err(SyntaxError::Unsupported("running in the background (&)"));
            } else {
                match self.peek() {
                    Some(';') if self.peek_second() == Some(';') => {
                        return Err(SyntaxError::Unexpected(";;".to_owned()));
                    }
                    Some(';' | '\n') => self.at += 1,
                    None => {}
                    Some(')') if end == End::Parenthesis => {}
                    Some(other) => return Err(SyntaxError::Unexpected(other.to_string())),
                }
                Join::Always
            };
        }
    }

    fn pipeline(&mut self) -> Result<Pipeline, SyntaxError> {
        let mut negated = false;
        while self.reserved("!") {
            self.at += 1;
            negated = !negated;
            self.blanks();
        }
        let mut stages = vec![self.stage()?];
        loop {
            self.blanks();
            if self.peek() != Some('|') || self.peek_second() == Some('|') {
                return Ok(Pipeline { negated, stages });
            }
            self.at += 1;
            self.lines();
            stages.push(self.stage()?);
        }
    }

    fn stage(&mut self) -> Result<Stage, SyntaxError> {
        let mut redirects = Vec::new();
        let group = if self.take("(") {
            Some(What::Subshell(self.nested(End::Parenthesis)?))
        } else if self.reserved("{") {
            self.at += 1;
            Some(What::Group(self.nested(End::Brace)?))
        } else {
            None
        };
        if let Some(what) = group {
            self.blanks();
            while let Some(redirect) = self.redirect()? {
                redirects.push(redirect);
                self.blanks();
            }
            return Ok(Stage { what, redirects });
        }
        for word in ["if", "for", "while", "until", "case", "function", "select"] {
            if self.reserved(word) {
                return Err(SyntaxError::Unsupported(word));
            }
        }
        let (mut assignments, mut words) = (Vec::new(), Vec::new());
        loop {
            self.blanks();
            if let Some(redirect) = self.redirect()? {
                redirects.push(redirect);
                continue;
            }
            match self.peek() {
                None | Some('\n' | ';' | '&' | '|' | ')') => break,
                Some('(') => return Err(SyntaxError::Unexpected("(".to_owned())),
                Some(_) => {}
            }
            let word = self.word()?;
            match assignment(&word) {
                Some(assignment) if words.is_empty() => assignments.push(assignment),
                _ => words.push(word),
            }
        }
        if assignments.is_empty() && words.is_empty() && redirects.is_empty() {
            return Err(SyntaxError::Unexpected(self.peek().map_or("newline".to_owned(), |letter| match letter {
                '\n' => "newline".to_owned(),
                other => other.to_string(),
            })));
        }
        Ok(Stage { what: What::Command { assignments, words }, redirects })
    }

    fn redirect(&mut self) -> Result<Option<Redirect>, SyntaxError> {
        let number = match (self.peek(), self.peek_second()) {
            (Some(digit @ '0'..='9'), Some('<' | '>')) => {
                self.at += 1;
                Some(digit as u8 - b'0')
            }
            (Some('<' | '>'), _) => None,
            _ => return Ok(None),
        };
        if self.take("<<") {
            return Err(SyntaxError::Unsupported("a here-document (<<)"));
        }
        let (from, kind) = if self.take("<") {
            (number.unwrap_or(0), '<')
        } else if self.take(">>") {
            (number.unwrap_or(1), '+')
        } else {
            self.at += 1; // `>`, as was seen above.
            (number.unwrap_or(1), '>')
        };
        if 2 < from {
            return Err(SyntaxError::Unsupported("a file descriptor above 2"));
        }
        if self.take("&") {
            let digit = self.peek();
            return match (kind, digit) {
                ('>', Some(digit @ '1'..='2')) => {
                    self.at += 1;
                    Ok(Some(Redirect { from, to: Target::Same(digit as u8 - b'0') }))
                }
                _ => Err(SyntaxError::Unsupported("that use of & in a redirection")),
            };
        }
        self.take("|"); // `>|` writes over files, which `>` does as well.
        self.blanks();
        if self.peek().is_none_or(|letter| matches!(letter, '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')')) {
            return Err(SyntaxError::Unexpected(self.peek().map_or("newline".to_owned(), String::from)));
        }
        let word = self.word()?;
        let to = match kind {
            '<' => Target::Read(word),
            '+' => Target::Append(word),
            _ => Target::Write(word),
        };
        Ok(Some(Redirect { from, to }))
    }

    fn word(&mut self) -> Result<Word, SyntaxError> {
        let mut word = Word::default();
        while let Some(letter) = self.peek() {
            match letter {
                ' ' | '\t' | '\r' | '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')' => break,
                '\'' => {
                    self.at += 1;
                    let start = self.at;
                    while self.peek().is_some_and(|letter| letter != '\'') {
                        self.at += 1;
                    }
                    if self.peek().is_none() {
                        return Err(SyntaxError::Unclosed("quote"));
                    }
                    let text = self.letters[start..self.at].iter().collect::<String>();
                    self.at += 1;
                    word.push(&text, true);
                }
                '"' => self.double_quoted(&mut word)?,
                '\\' => {
                    self.at += 1;
                    match self.peek() {
                        Some('\n') => {}
                        Some(letter) => word.push(letter.encode_utf8(&mut [0; 4]), true),
                        None => word.push("\\", true),
                    }
                    self.at += 1;
                }
                '`' => return Err(SyntaxError::Unsupported("a backquote")),
                '$' => self.dollar(&mut word, false)?,
                letter => {
                    self.at += 1;
                    word.push(letter.encode_utf8(&mut [0; 4]), false);
                }
            }
        }
        Ok(word)
    }

    fn double_quoted(&mut self, word: &mut Word) -> Result<(), SyntaxError> {
        self.at += 1;
        word.push("", true); // Makes `""` a word.
        loop {
            match self.peek() {
                None => return Err(SyntaxError::Unclosed("quote")),
                Some('"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some('`') => return Err(SyntaxError::Unsupported("a backquote")),
                Some('$') => self.dollar(word, true)?,
                Some('\\') => {
                    let text = match self.peek_second() {
                        Some('\n') => String::new(),
                        Some(letter @ ('$' | '`' | '"' | '\\')) => letter.to_string(),
                        Some(letter) => format!("\\{letter}"),
                        None => return Err(SyntaxError::Unclosed("quote")),
                    };
                    word.push(&text, true);
                    self.at += 2;
                }
                Some(letter) => {
                    self.at += 1;
                    word.push(letter.encode_utf8(&mut [0; 4]), true);
                }
            }
        }
    }

    fn dollar(&mut self, word: &mut Word, quoted: bool) -> Result<(), SyntaxError> {
        self.at += 1;
        match self.peek() {
            Some('(') if self.peek_second() == Some('(') => return Err(SyntaxError::Unsupported("arithmetic")),
            Some('(') => {
                self.at += 1;
                let of = self.nested(End::Parenthesis)?;
                word.0.push(Piece::Output { of, quoted });
            }
            Some('{') => {
                self.at += 1;
                let name = self.name();
                if name.is_empty() || !self.take("}") {
                    return Err(SyntaxError::Unsupported("that use of ${"));
                }
                word.0.push(Piece::Variable { name, quoted });
            }
            Some(letter @ ('?' | '$' | '#' | '0'..='9')) => {
                self.at += 1;
                word.0.push(Piece::Variable { name: letter.to_string(), quoted });
            }
            Some(letter) if letter == '_' || letter.is_ascii_alphabetic() => {
                let name = self.name();
                word.0.push(Piece::Variable { name, quoted });
            }
            _ => word.push("$", quoted),
        }
        Ok(())
    }

    fn name(&mut self) -> String {
        let start = self.at;
        if self.peek().is_some_and(|letter| matches!(letter, '?' | '$' | '#')) {
            self.at += 1;
        } else {
            while self.peek().is_some_and(|letter| letter == '_' || letter.is_ascii_alphanumeric()) {
                self.at += 1;
            }
        }
        self.letters[start..self.at].iter().collect()
    }
}

impl Word {
    fn push(&mut self, more: &str, is_quoted: bool) {
        match self.0.last_mut() {
            Some(Piece::Text { text, quoted }) if *quoted == is_quoted => text.push_str(more),
            _ => self.0.push(Piece::Text { text: more.to_owned(), quoted: is_quoted }),
        }
    }
}

/// Reads `NAME=value`.
fn assignment(word: &Word) -> Option<(String, Word)> {
    let Some(Piece::Text { text, quoted: false }) = word.0.first() else { return None };
    let (name, value) = text.split_once('=')?;
    let is_name = name.starts_with(|letter: char| letter == '_' || letter.is_ascii_alphabetic())
        && name.chars().all(|letter| letter == '_' || letter.is_ascii_alphanumeric());
    is_name.then(|| {
        let mut rest = Word(vec![Piece::Text { text: value.to_owned(), quoted: false }]);
        rest.0.extend(word.0[1..].iter().cloned());
        (name.to_owned(), rest)
    })
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;

    /// Prints what was read as a script again, quoting what was quoted with `‹ ›`.
    fn show_list(list: &List) -> String {
        let mut text = String::new();
        for (index, (join, pipeline)) in list.0.iter().enumerate() {
            text += match (index, join) {
                (0, _) => "",
                (_, Join::Always) => " ; ",
                (_, Join::IfDone) => " && ",
                (_, Join::IfFailed) => " || ",
            };
            text += if pipeline.negated { "! " } else { "" };
            text += &pipeline.stages.iter().map(show_stage).collect::<Vec<_>>().join(" | ");
        }
        text
    }

    fn show_stage(stage: &Stage) -> String {
        let mut parts = match &stage.what {
            What::Command { assignments, words } => {
                let assignments = assignments.iter().map(|(name, word)| format!("{name}={}", show_word(word)));
                assignments.chain(words.iter().map(show_word)).collect::<Vec<_>>()
            }
            What::Group(list) => vec![format!("{{ {} }}", show_list(list))],
            What::Subshell(list) => vec![format!("( {} )", show_list(list))],
        };
        parts.extend(stage.redirects.iter().map(|redirect| {
            let from = redirect.from;
            match &redirect.to {
                Target::Read(word) => format!("{from}<{}", show_word(word)),
                Target::Write(word) => format!("{from}>{}", show_word(word)),
                Target::Append(word) => format!("{from}>>{}", show_word(word)),
                Target::Same(to) => format!("{from}>&{to}"),
            }
        }));
        parts.join(" ")
    }

    fn show_word(word: &Word) -> String {
        word.0
            .iter()
            .map(|piece| match piece {
                Piece::Text { text, quoted: false } => text.clone(),
                Piece::Text { text, quoted: true } => format!("‹{text}›"),
                Piece::Variable { name, quoted } => format!("${}{name}", if *quoted { "\"" } else { "" }),
                Piece::Output { of, .. } => format!("$({})", show_list(of)),
            })
            .collect()
    }

    fn check(text: &str, expected: Expect) {
        expected.assert_eq(&match parse(text) {
            Ok(list) => show_list(&list),
            Err(error) => error.to_string(),
        });
    }

    #[test]
    fn scripts_are_read() {
        check("input tap 540 1200", expect!["input tap 540 1200"]);
        check("screencap '-p'", expect!["screencap ‹-p›"]);
        check("input tap 1 2; echo X7f $?", expect!["input tap 1 2 ; echo X7f $?"]);
        check("a&&b||c;d\n\ne # no\nf;", expect!["a && b || c ; d ; e ; f"]);
        check("echo a'b c'\"d $x \\\" \\n\"\\ e", expect![[r#"echo a‹b cd ›$"x‹ " \n ›e"#]]);
        check("am broadcast -a ADB_INPUT_B64 --es msg ", expect!["am broadcast -a ADB_INPUT_B64 --es msg"]);
        check("echo '' \"\"", expect!["echo ‹› ‹›"]);
        check("ls /sdcard 2>/dev/null >>x 2>&1 | grep -v a", expect!["ls /sdcard 2>/dev/null 1>>x 2>&1 | grep -v a"]);
        check("echo 2 >x; echo a2>x", expect!["echo 2 1>x ; echo a2 1>x"]);
        check("X=1 Y=\"a b\" cmd Z=3", expect!["X=1 Y=‹a b› cmd Z=3"]);
        check("{ a; b; } 2>/dev/null && ( c | d )", expect!["{ a ; b } 2>/dev/null && ( c | d )"]);
        check("! test -f $(ls ${a}b $1) || e", expect!["! test -f $(ls $ab $1) || e"]);
        check("echo a#b {x} }", expect!["echo a#b {x} }"]);
        check("echo $ $", expect!["echo $ $"]);
        check("", expect![""]);
        check(" \n # nothing\n", expect![""]);
    }

    #[test]
    fn what_is_not_a_script_says_why() {
        check("a ;; b", expect!["syntax error: unexpected ';;'"]);
        check("| a", expect!["syntax error: unexpected '|'"]);
        check("a |", expect!["syntax error: unexpected 'newline'"]);
        check("a &&", expect!["syntax error: unexpected 'newline'"]);
        check("a )", expect!["syntax error: unexpected ')'"]);
        check("( a", expect!["syntax error: no closing )"]);
        check("{ a; ", expect!["syntax error: no closing }"]);
        check("echo 'a", expect!["syntax error: no closing quote"]);
        check("echo \"a", expect!["syntax error: no closing quote"]);
        check("a > ", expect!["syntax error: unexpected 'newline'"]);
        check("sleep 5 &", expect!["syntax error: running in the background (&) is not supported on this phone"]);
        check("echo `date`", expect!["syntax error: a backquote is not supported on this phone"]);
        check("for x in a; do b; done", expect!["syntax error: for is not supported on this phone"]);
        check("cat <<END", expect!["syntax error: a here-document (<<) is not supported on this phone"]);
        check("echo $((1+1))", expect!["syntax error: arithmetic is not supported on this phone"]);
        check(&"x".repeat(200_000), expect!["Argument list too long"]);
        check(&"(".repeat(100_000), expect!["syntax error: nested too deeply"]);
        check(&"$(".repeat(50_000), expect!["syntax error: nested too deeply"]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in "[a-c '\"\\\\$(){};&|<>#!=\n\u{4f60}0-3]{0,40}") {
            let _ = parse(&text);
        }

        #[test]
        fn single_quotes_keep_everything(text in "[^']{0,40}") {
            let list = parse(&format!("x '{text}'")).unwrap();
            prop_assert_eq!(show_list(&list), format!("x ‹{text}›"));
        }
    }
}
