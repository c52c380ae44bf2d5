//! Words of the shell's grammar: quotes, backslashes, and what begins with a dollar.

use super::{DEPTH_MAX, Modifier, Parser, Piece, SyntaxError, Terminator, Word};

impl Parser {
    pub(super) fn word(&mut self) -> Result<Word, SyntaxError> {
        let mut word = Word::default();
        while let Some(letter) = self.peek() {
            match letter {
                ' ' | '\t' | '\r' | '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')' => break,
                '\'' => self.single_quoted(&mut word)?,
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
                '`' => self.backquoted_command(&mut word, false)?,
                '$' => self.dollar(&mut word, false)?,
                letter => {
                    self.at += 1;
                    word.push(letter.encode_utf8(&mut [0; 4]), false);
                }
            }
        }
        Ok(word)
    }

    fn single_quoted(&mut self, word: &mut Word) -> Result<(), SyntaxError> {
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
        Ok(())
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
                Some('`') => self.backquoted_command(word, true)?,
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

    /// A command between backquotes: a script of its own, in which a backslash hides what the quotes around it need.
    fn backquoted_command(&mut self, word: &mut Word, quoted: bool) -> Result<(), SyntaxError> {
        self.at += 1;
        let mut script = String::new();
        loop {
            match self.peek() {
                None => return Err(SyntaxError::Unclosed("quote")),
                Some('`') => break,
                Some('\\') => {
                    match self.peek_second() {
                        Some(letter @ ('$' | '`' | '\\')) => script.push(letter),
                        Some('"') if quoted => script.push('"'),
                        Some(letter) => script.extend(['\\', letter]),
                        None => return Err(SyntaxError::Unclosed("quote")),
                    }
                    self.at += 2;
                }
                Some(letter) => {
                    script.push(letter);
                    self.at += 1;
                }
            }
        }
        self.at += 1;
        if self.depth == DEPTH_MAX {
            return Err(SyntaxError::TooDeep);
        }
        let of = Parser::new(&script, self.depth + 1).list(Terminator::Text)?;
        word.0.push(Piece::Output { of, quoted });
        Ok(())
    }

    fn dollar(&mut self, word: &mut Word, quoted: bool) -> Result<(), SyntaxError> {
        self.at += 1;
        match self.peek() {
            Some('(') if self.peek_second() == Some('(') => {
                self.at += 2;
                let of = self.deeper(|parser| parser.until_closed(quoted))?;
                word.0.push(Piece::Number { of, quoted });
            }
            Some('(') => {
                self.at += 1;
                let of = self.nested_list(Terminator::Parenthesis)?;
                word.0.push(Piece::Output { of, quoted });
            }
            Some('{') => {
                self.at += 1;
                let piece = self.deeper(|parser| parser.braced_parameter(quoted))?;
                word.0.push(piece);
            }
            Some(letter @ ('?' | '$' | '#' | '@' | '*' | '!' | '-' | '0'..='9')) => {
                self.at += 1;
                word.0.push(Piece::Variable { name: letter.to_string(), quoted, change: Modifier::Nothing });
            }
            Some(letter) if letter == '_' || letter.is_ascii_alphabetic() => {
                let name = self.name();
                word.0.push(Piece::Variable { name, quoted, change: Modifier::Nothing });
            }
            _ => word.push("$", quoted),
        }
        Ok(())
    }

    /// Reads something that may hold more of its kind.
    fn deeper<T>(&mut self, read: impl FnOnce(&mut Parser) -> Result<T, SyntaxError>) -> Result<T, SyntaxError> {
        if self.depth == DEPTH_MAX {
            return Err(SyntaxError::TooDeep);
        }
        self.depth += 1;
        let found = read(self)?;
        self.depth -= 1;
        Ok(found)
    }

    /// What stands between `$((` and `))`, its variables still to be filled in.
    fn until_closed(&mut self, quoted: bool) -> Result<Word, SyntaxError> {
        let mut of = Word::default();
        let mut open = 0;
        loop {
            match self.peek() {
                None => return Err(SyntaxError::Unclosed("))")),
                Some(')') if open == 0 => {
                    return if self.take("))") { Ok(of) } else { Err(SyntaxError::Unexpected(")".to_owned())) };
                }
                Some('$') => self.dollar(&mut of, quoted)?,
                Some(letter) => {
                    open += match letter {
                        '(' => 1,
                        ')' => -1,
                        _ => 0,
                    };
                    self.at += 1;
                    of.push(letter.encode_utf8(&mut [0; 4]), true);
                }
            }
        }
    }

    /// What stands between `${` and `}`.
    fn braced_parameter(&mut self, quoted: bool) -> Result<Piece, SyntaxError> {
        const ODD: SyntaxError = SyntaxError::Unsupported("that use of ${");
        if self.peek() == Some('#') && self.peek_second().is_some_and(|letter| letter != '}') {
            self.at += 1;
            let name = self.parameter();
            let is_length = !name.is_empty() && self.take("}");
            return if is_length { Ok(Piece::Variable { name, quoted, change: Modifier::Length }) } else { Err(ODD) };
        }
        let name = self.parameter();
        if name.is_empty() {
            return Err(ODD);
        }
        if self.take("}") {
            return Ok(Piece::Variable { name, quoted, change: Modifier::Nothing });
        }
        let or_empty = self.take(":");
        let Some(kind) = self.peek() else { return Err(SyntaxError::Unclosed("}")) };
        self.at += 1;
        let change = match kind {
            '-' | '=' | '+' | '?' => Modifier::Default { kind, or_empty, word: self.until_brace(quoted)? },
            '#' | '%' if !or_empty => {
                let longest = self.take(if kind == '#' { "#" } else { "%" });
                Modifier::Trim { start: kind == '#', longest, pattern: self.until_brace(false)? }
            }
            _ => return Err(ODD),
        };
        Ok(Piece::Variable { name, quoted, change })
    }

    /// A word that ends at a brace, which is taken; blanks are a part of it.
    fn until_brace(&mut self, quoted: bool) -> Result<Word, SyntaxError> {
        let mut word = Word::default();
        loop {
            match self.peek() {
                None => return Err(SyntaxError::Unclosed("}")),
                Some('}') => break,
                Some('\'') if !quoted => self.single_quoted(&mut word)?,
                Some('"') => self.double_quoted(&mut word)?,
                Some('`') => self.backquoted_command(&mut word, quoted)?,
                Some('$') => self.dollar(&mut word, quoted)?,
                Some('\\') if self.peek_second().is_some() => {
                    self.at += 1;
                    if let Some(letter) = self.peek() {
                        word.push(letter.encode_utf8(&mut [0; 4]), true);
                    }
                    self.at += 1;
                }
                Some(letter) => {
                    self.at += 1;
                    word.push(letter.encode_utf8(&mut [0; 4]), quoted);
                }
            }
        }
        self.at += 1;
        Ok(word)
    }

    /// A variable's name, or one letter that stands for something.
    fn parameter(&mut self) -> String {
        if self.peek().is_some_and(|letter| matches!(letter, '?' | '$' | '#' | '@' | '*' | '!')) {
            self.at += 1;
            return self.letters[self.at - 1..self.at].iter().collect();
        }
        self.name()
    }

    pub(super) fn name(&mut self) -> String {
        let start = self.at;
        while self.peek().is_some_and(|letter| letter == '_' || letter.is_ascii_alphanumeric()) {
            self.at += 1;
        }
        self.letters[start..self.at].iter().collect()
    }
}

impl Word {
    pub(super) fn push(&mut self, more: &str, is_quoted: bool) {
        match self.0.last_mut() {
            Some(Piece::Text { text, quoted }) if *quoted == is_quoted => text.push_str(more),
            _ => self.0.push(Piece::Text { text: more.to_owned(), quoted: is_quoted }),
        }
    }
}
