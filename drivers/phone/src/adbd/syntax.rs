//! The shell's grammar: text in, commands out. Pure; nothing is looked up or run here.
//!
//! What is understood and what is not is said in the documentation of `adbd`.

/// Bytes of a script. Phones take no longer ones either: it is an argument of their shell.
pub(super) const TEXT_MAX: usize = 128 << 10;
/// How deep groups and substitutions may be nested.
const DEPTH_MAX: u32 = 16;

mod words;

use std::sync::Arc;

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
    pub what: Construct,
    pub redirects: Vec<Redirect>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Construct {
    Command {
        assignments: Vec<(String, Word)>,
        words: Vec<Word>,
    },
    /// `{ ...; }`
    Group(List),
    /// `( ... )`
    Subshell(List),
    /// `if`: conditions with what is done where they hold, and `else`.
    If {
        branches: Vec<(List, List)>,
        otherwise: Option<List>,
    },
    /// `while`, and `until` where it says so.
    While {
        until: bool,
        condition: List,
        body: List,
    },
    /// `for`; without words it goes over the script's arguments.
    For {
        name: String,
        words: Option<Vec<Word>>,
        body: List,
    },
    Case {
        word: Word,
        arms: Vec<(Vec<Word>, List)>,
    },
    /// Defines a function.
    Function {
        name: String,
        body: Arc<Stage>,
    },
    /// `... &`
    Background(Arc<List>),
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
    Text {
        text: String,
        quoted: bool,
    },
    Variable {
        name: String,
        quoted: bool,
        change: Modifier,
    },
    /// `$( ... )`, or the same between backquotes.
    Output {
        of: List,
        quoted: bool,
    },
    /// `$(( ... ))`
    Number {
        of: Word,
        quoted: bool,
    },
}

/// What is done to a variable's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Modifier {
    Nothing,
    /// `${#name}`
    Length,
    /// `${name-word}`, `=`, `+`, `?`: another value for one that is not set or, after a colon, is empty.
    Default {
        kind: char,
        or_empty: bool,
        word: Word,
    },
    /// `${name#pattern}`, `##` from the start and `%`, `%%` from the end.
    Trim {
        start: bool,
        longest: bool,
        pattern: Word,
    },
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
    Parser::new(text, 0).list(Terminator::Text)
}

/// What a list ends with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Terminator {
    Text,
    Parenthesis,
    Brace,
    /// One of these words, which is left where it is; the last one is what is missed if none comes.
    Words(&'static [&'static str]),
    /// `;;`, which is taken, or `esac`, which is left.
    Arm,
}

/// Words that end or continue something and cannot begin a command.
const CLOSING: [&str; 7] = ["then", "elif", "else", "fi", "do", "done", "esac"];

struct Parser {
    letters: Vec<char>,
    at: usize,
    depth: u32,
}

impl Parser {
    fn new(text: &str, depth: u32) -> Parser {
        Parser { letters: text.chars().collect(), at: 0, depth }
    }

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
    fn is_reserved(&self, word: &str) -> bool {
        let after = self.at + word.chars().count();
        word.chars().eq(self.letters[self.at..].iter().copied().take(word.chars().count()))
            && self
                .letters
                .get(after)
                .is_none_or(|letter| letter.is_whitespace() || matches!(letter, ';' | '&' | '|' | ')' | '('))
    }

    fn nested_list(&mut self, end: Terminator) -> Result<List, SyntaxError> {
        if self.depth == DEPTH_MAX {
            return Err(SyntaxError::TooDeep);
        }
        self.depth += 1;
        let list = self.list(end)?;
        self.depth -= 1;
        Ok(list)
    }

    /// Reads pipelines up to `end`, and `end` itself.
    fn list(&mut self, end: Terminator) -> Result<List, SyntaxError> {
        let mut pipelines = Vec::new();
        let mut join = Join::Always;
        loop {
            self.lines();
            if self.is_at_end(end)? {
                if join != Join::Always {
                    let word =
                        if end == Terminator::Text { "newline".to_owned() } else { self.peek().into_iter().collect() };
                    return Err(SyntaxError::Unexpected(word));
                }
                self.at += match end {
                    Terminator::Text | Terminator::Words(_) => 0,
                    Terminator::Parenthesis | Terminator::Brace => 1,
                    Terminator::Arm if self.peek() == Some(';') => 2,
                    Terminator::Arm => 0,
                };
                return Ok(List(pipelines));
            }
            pipelines.push((join, self.pipeline()?));
            self.blanks();
            join = if self.take("&&") {
                Join::IfDone
            } else if self.take("||") {
                Join::IfFailed
            } else {
                match self.peek() {
                    Some(';') if self.peek_second() == Some(';') && end == Terminator::Arm => {}
                    Some(';') if self.peek_second() == Some(';') => {
                        return Err(SyntaxError::Unexpected(";;".to_owned()));
                    }
                    Some('&') => {
                        self.at += 1;
                        in_background(&mut pipelines);
                    }
                    Some(';' | '\n') => self.at += 1,
                    None => {}
                    Some(')') if end == Terminator::Parenthesis => {}
                    Some(other) => return Err(SyntaxError::Unexpected(other.to_string())),
                }
                Join::Always
            };
        }
    }

    /// Whether a list ends here.
    fn is_at_end(&self, end: Terminator) -> Result<bool, SyntaxError> {
        Ok(match (end, self.peek()) {
            (Terminator::Text, None) => true,
            (Terminator::Parenthesis, None) => return Err(SyntaxError::Unclosed(")")),
            (Terminator::Brace, None) => return Err(SyntaxError::Unclosed("}")),
            (Terminator::Words(words), None) => {
                return Err(SyntaxError::Unclosed(words.last().copied().unwrap_or_default()));
            }
            (Terminator::Arm, None) => return Err(SyntaxError::Unclosed("esac")),
            (Terminator::Parenthesis, Some(')')) => true,
            (Terminator::Brace, Some('}')) => self.is_reserved("}"),
            (Terminator::Words(words), Some(_)) => words.iter().any(|word| self.is_reserved(word)),
            (Terminator::Arm, Some(';')) => self.peek_second() == Some(';'),
            (Terminator::Arm, Some(_)) => self.is_reserved("esac"),
            (Terminator::Text | Terminator::Parenthesis | Terminator::Brace, Some(_)) => false,
        })
    }

    fn pipeline(&mut self) -> Result<Pipeline, SyntaxError> {
        let mut negated = false;
        while self.is_reserved("!") {
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
        if let Some(what) = self.compound()? {
            self.blanks();
            while let Some(redirect) = self.redirect()? {
                redirects.push(redirect);
                self.blanks();
            }
            return Ok(Stage { what, redirects });
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
                Some('(') => match &words[..] {
                    [name] if assignments.is_empty() && redirects.is_empty() => {
                        let name = plain(name).ok_or(SyntaxError::Unexpected("(".to_owned()))?;
                        return self.function(name);
                    }
                    _ => return Err(SyntaxError::Unexpected("(".to_owned())),
                },
                Some(_) => {}
            }
            let word = self.word()?;
            match assignment(&word) {
                Some(assignment) if words.is_empty() => assignments.push(assignment),
                _ => words.push(word),
            }
        }
        if assignments.is_empty() && words.is_empty() && redirects.is_empty() {
            return Err(self.unexpected_error());
        }
        Ok(Stage { what: Construct::Command { assignments, words }, redirects })
    }

    /// That what stands here cannot.
    fn unexpected_error(&self) -> SyntaxError {
        SyntaxError::Unexpected(match self.peek() {
            None | Some('\n') => "newline".to_owned(),
            Some(letter) => letter.to_string(),
        })
    }

    /// Reads what begins with a parenthesis or a reserved word, if something does here.
    fn compound(&mut self) -> Result<Option<Construct>, SyntaxError> {
        if let Some(word) = CLOSING.iter().find(|word| self.is_reserved(word)) {
            return Err(SyntaxError::Unexpected((*word).to_owned()));
        }
        for word in ["select", "[["] {
            if self.is_reserved(word) {
                return Err(SyntaxError::Unsupported(word));
            }
        }
        Ok(Some(if self.peek() == Some('(') && self.peek_second() == Some('(') {
            // Arithmetic, or two groups: phones take it for the first as well.
            return Err(SyntaxError::Unsupported("(( without a dollar"));
        } else if self.take("(") {
            Construct::Subshell(self.nested_list(Terminator::Parenthesis)?)
        } else if self.keyword("{") {
            Construct::Group(self.nested_list(Terminator::Brace)?)
        } else if self.keyword("if") {
            self.conditional()?
        } else if self.keyword("while") {
            self.while_loop(false)?
        } else if self.keyword("until") {
            self.while_loop(true)?
        } else if self.keyword("for") {
            self.for_loop()?
        } else if self.keyword("case") {
            self.cases()?
        } else if self.keyword("function") {
            self.blanks();
            let name = plain(&self.word()?).ok_or_else(|| self.unexpected_error())?;
            self.function(name)?.what
        } else {
            return Ok(None);
        }))
    }

    /// Takes a reserved word, if it stands here by itself.
    fn keyword(&mut self, word: &str) -> bool {
        self.is_reserved(word) && self.take(word)
    }

    /// Takes a reserved word that has to come.
    fn expect(&mut self, word: &'static str) -> Result<(), SyntaxError> {
        self.lines();
        match self.peek() {
            None => Err(SyntaxError::Unclosed(word)),
            Some(_) if self.keyword(word) => Ok(()),
            Some(_) => Err(self.unexpected_error()),
        }
    }

    fn conditional(&mut self) -> Result<Construct, SyntaxError> {
        let mut branches = Vec::new();
        let mut otherwise = None;
        loop {
            let condition = self.nested_list(Terminator::Words(&["then"]))?;
            self.expect("then")?;
            let body = self.nested_list(Terminator::Words(&["elif", "else", "fi"]))?;
            branches.push((condition, body));
            if self.keyword("elif") {
                continue;
            }
            if self.keyword("else") {
                otherwise = Some(self.nested_list(Terminator::Words(&["fi"]))?);
            }
            self.expect("fi")?;
            return Ok(Construct::If { branches, otherwise });
        }
    }

    fn while_loop(&mut self, until: bool) -> Result<Construct, SyntaxError> {
        let condition = self.nested_list(Terminator::Words(&["do"]))?;
        Ok(Construct::While { until, condition, body: self.body()? })
    }

    /// `do ... done`
    fn body(&mut self) -> Result<List, SyntaxError> {
        self.expect("do")?;
        let body = self.nested_list(Terminator::Words(&["done"]))?;
        self.expect("done")?;
        Ok(body)
    }

    fn for_loop(&mut self) -> Result<Construct, SyntaxError> {
        self.blanks();
        if self.peek() == Some('(') {
            return Err(SyntaxError::Unsupported("for (("));
        }
        let name = self.name();
        if name.is_empty() {
            return Err(self.unexpected_error());
        }
        self.lines();
        let mut words = None;
        if self.keyword("in") {
            let mut found = Vec::new();
            loop {
                self.blanks();
                match self.peek() {
                    None | Some('\n' | ';') => break,
                    Some('&' | '|' | '<' | '>' | '(' | ')') => return Err(self.unexpected_error()),
                    Some(_) => found.push(self.word()?),
                }
            }
            words = Some(found);
        }
        self.blanks();
        self.take(";");
        Ok(Construct::For { name, words, body: self.body()? })
    }

    fn cases(&mut self) -> Result<Construct, SyntaxError> {
        self.blanks();
        let word = self.word()?;
        self.expect("in")?;
        let mut arms = Vec::new();
        loop {
            self.lines();
            if self.keyword("esac") {
                return Ok(Construct::Case { word, arms });
            }
            self.take("(");
            let mut patterns = Vec::new();
            loop {
                self.blanks();
                let pattern = self.word()?;
                if pattern.0.is_empty() {
                    return Err(if self.peek().is_none() {
                        SyntaxError::Unclosed("esac")
                    } else {
                        self.unexpected_error()
                    });
                }
                patterns.push(pattern);
                self.blanks();
                if self.take(")") {
                    break;
                }
                if !self.take("|") {
                    return Err(if self.peek().is_none() {
                        SyntaxError::Unclosed("esac")
                    } else {
                        self.unexpected_error()
                    });
                }
            }
            arms.push((patterns, self.nested_list(Terminator::Arm)?));
        }
    }

    /// What follows a function's name.
    fn function(&mut self, name: String) -> Result<Stage, SyntaxError> {
        self.blanks();
        if self.take("(") {
            self.blanks();
            if !self.take(")") {
                return Err(self.unexpected_error());
            }
        }
        self.lines();
        if self.depth == DEPTH_MAX {
            return Err(SyntaxError::TooDeep);
        }
        self.depth += 1;
        let body = self.stage()?;
        self.depth -= 1;
        if matches!(body.what, Construct::Command { .. }) {
            return Err(SyntaxError::Unsupported("a function without { }"));
        }
        Ok(Stage { what: Construct::Function { name, body: Arc::new(body) }, redirects: Vec::new() })
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
}

/// Puts the pipelines since the last `;` into the background.
fn in_background(pipelines: &mut Vec<(Join, Pipeline)>) {
    let start = pipelines.iter().rposition(|(join, _)| *join == Join::Always).unwrap_or(0);
    let list = List(pipelines.drain(start..).collect());
    let stage = Stage { what: Construct::Background(Arc::new(list)), redirects: Vec::new() };
    pipelines.push((Join::Always, Pipeline { negated: false, stages: vec![stage] }));
}

/// A word that is a name.
fn plain(word: &Word) -> Option<String> {
    match &word.0[..] {
        [Piece::Text { text, quoted: false }] if is_name(text) => Some(text.clone()),
        _ => None,
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|letter: char| letter == '_' || letter.is_ascii_alphabetic())
        && text.chars().all(|letter| letter == '_' || letter.is_ascii_alphanumeric())
}

/// Reads `NAME=value`.
fn assignment(word: &Word) -> Option<(String, Word)> {
    let Some(Piece::Text { text, quoted: false }) = word.0.first() else { return None };
    let (name, value) = text.split_once('=')?;
    is_name(name).then(|| {
        let mut rest = Word(vec![Piece::Text { text: value.to_owned(), quoted: false }]);
        rest.0.extend(word.0[1..].iter().cloned());
        (name.to_owned(), rest)
    })
}

#[cfg(test)]
mod tests;
