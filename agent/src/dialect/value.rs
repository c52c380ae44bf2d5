//! Arguments as models write them: Python, JSON and what lies between. Nothing is computed: what is no value is no argument.
//!
//! What they mean is decided in the `verb.rs` of each dialect.

use serde_json::Value as Json;

use crate::work::looked_at;

/// How deep lists may be nested.
const DEPTH_MAX: usize = 6;
/// How many items a list, a map or a call may have.
const ITEMS_MAX: usize = 64;

/// An argument.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// In quotes of any kind.
    Text(String),
    /// In digits of any width.
    Number(f64),
    /// In brackets of any kind.
    List(Vec<Value>),
    /// In braces.
    Map(Vec<(String, Value)>),
    /// Without quotes: `True`, `None`, `Tap`.
    Word(String),
}

/// What stands between a call's parentheses.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Arguments {
    /// Those with a name, in lower case, in order.
    pub(super) named: Vec<(String, Value)>,
    /// Those without.
    pub(super) plain: Vec<Value>,
    /// What the one called `arguments` says to the letter, if it is an object of JSON.
    pub(super) json: Option<Json>,
}

/// The text cannot be read from here on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Syntax {
    /// Where, in bytes.
    pub(super) at: usize,
    /// Whether the text ended too early, rather than being wrong.
    pub(super) unfinished: bool,
}

/// How strings end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quoting {
    /// At the first quote of the same kind that is not escaped.
    Strict,
    /// At the first quote after which something comes that can follow a string: models forget to escape.
    Lenient,
}

/// Reads values from a place in a text.
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
    quoting: Quoting,
    /// Whether strings may have what only Python's have: prefixes, three quotes, several that follow each other; and whether places
    /// may stand between tags. AutoGLM's replies are read without, as they always were.
    python: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, at: usize, quoting: Quoting) -> Reader<'a> {
        Reader { text, at, quoting, python: false }
    }

    /// One that knows all strings of Python's, and places between tags.
    pub(super) fn python(text: &'a str, at: usize, quoting: Quoting) -> Reader<'a> {
        Reader { text, at, quoting, python: true }
    }

    /// Where the reader stands, in bytes.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Reads `name=value, …)`, after the opening parenthesis. A text that ends instead of the closing one is fine if
    /// `open_end`, as long as its last argument is complete.
    pub(super) fn arguments(&mut self, open_end: bool) -> Result<Arguments, Syntax> {
        let mut arguments = Arguments::default();
        loop {
            self.blank();
            match self.peek() {
                Some(')' | '）') => {
                    self.bump();
                    return Ok(arguments);
                }
                None if open_end => return Ok(arguments),
                None => return Err(self.unfinished_error()),
                Some(_) if self.rest().starts_with("</answer>") && open_end => return Ok(arguments),
                Some(_) => {}
            }
            if arguments.named.len() + arguments.plain.len() >= ITEMS_MAX {
                return Err(self.wrong());
            }
            match self.name() {
                Some(name) => {
                    let name = name.to_lowercase();
                    let json = if name == "arguments" { self.json() } else { None };
                    let value = match json {
                        // In it numbers are exact, and it may be deeper and longer than what is read leniently.
                        Some((json, end)) => {
                            let from = self.at;
                            let value = self.value(0).unwrap_or(Value::Map(Vec::new()));
                            self.at = end.max(from);
                            arguments.json = Some(json);
                            value
                        }
                        None => self.value(0)?,
                    };
                    arguments.named.push((name, value));
                }
                None => arguments.plain.push(self.value(0)?),
            }
            self.blank();
            match self.peek() {
                Some(',' | '，' | '、' | ';' | '；') => self.bump(),
                Some(')' | '）' | '<') | None => {}
                Some(_) => return Err(self.wrong()),
            }
        }
    }

    /// The object of JSON that comes, and where it ends.
    fn json(&mut self) -> Option<(Json, usize)> {
        self.blank();
        let rest = self.rest();
        if !rest.starts_with('{') {
            return None;
        }
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Json>();
        let json = values.next().and_then(Result::ok).filter(Json::is_object);
        let end = self.at + values.byte_offset();
        looked_at(values.byte_offset());
        Some((json?, end))
    }

    /// Reads one value.
    pub(super) fn value(&mut self, depth: usize) -> Result<Value, Syntax> {
        if depth > DEPTH_MAX {
            return Err(self.wrong());
        }
        self.blank();
        if self.python {
            if let Some(text) = self.python_string(depth > 0)? {
                return Ok(Value::Text(text));
            }
            if let Some(text) = self.between_tags() {
                return Ok(Value::Text(text));
            }
        }
        match self.peek() {
            None => Err(self.unfinished_error()),
            Some(c) if quote(c).is_some() => self.string(depth > 0).map(Value::Text),
            Some('[' | '(' | '［' | '（' | '【') => self.list(depth),
            Some('{' | '｛') => self.map(depth).map(Value::Map),
            Some(c) if digit(c).is_some() || matches!(c, '-' | '+' | '.' | '－' | '＋') => self.number(),
            Some(_) => self.word(),
        }
    }

    /// Reads `name=` or `"name":` if that is what comes, and nothing otherwise.
    fn name(&mut self) -> Option<String> {
        let before = self.at;
        let name = match self.peek() {
            Some(c) if quote(c).is_some() => self.string(true).ok(),
            Some(_) => {
                let rest = self.rest();
                let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).unwrap_or(rest.len());
                self.at += end;
                (end > 0).then(|| rest[..end].to_owned())
            }
            None => None,
        };
        self.blank();
        match (name, self.peek()) {
            (Some(name), Some('=' | ':' | '＝' | '：')) => {
                self.bump();
                Some(name)
            }
            _ => {
                self.at = before;
                None
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value, Syntax> {
        self.bump();
        let mut items = Vec::new();
        loop {
            self.blank();
            match self.peek() {
                None => return Err(self.unfinished_error()),
                Some(']' | ')' | '］' | '）' | '】') => {
                    self.bump();
                    return Ok(Value::List(items));
                }
                Some(',' | '，' | '、' | ';' | '；') => self.bump(),
                Some(_) if items.len() >= ITEMS_MAX => return Err(self.wrong()),
                Some(_) => items.push(self.value(depth + 1)?),
            }
        }
    }

    /// Reads `{"name": value, …}`.
    pub(super) fn map(&mut self, depth: usize) -> Result<Vec<(String, Value)>, Syntax> {
        self.bump();
        let mut items = Vec::new();
        loop {
            self.blank();
            match self.peek() {
                None => return Err(self.unfinished_error()),
                Some('}' | '｝') => {
                    self.bump();
                    return Ok(items);
                }
                Some(',' | '，') => self.bump(),
                Some(_) if items.len() >= ITEMS_MAX => return Err(self.wrong()),
                Some(_) => {
                    let name = self.name().ok_or(self.wrong())?;
                    items.push((name.to_lowercase(), self.value(depth + 1)?));
                }
            }
        }
    }

    fn number(&mut self) -> Result<Value, Syntax> {
        let (start, before) = (self.wrong(), self.at);
        let mut plain = String::new();
        while let Some(c) = self.peek() {
            match (digit(c), c) {
                (Some(digit), _) => plain.push(digit),
                (None, '.' | '．') => plain.push('.'),
                (None, '-' | '－') => plain.push('-'),
                (None, '+' | '＋') => plain.push('+'),
                _ => break,
            }
            self.bump();
        }
        match self.rest().trim_start_matches(is_blank).chars().next() {
            None => return Err(self.unfinished_error()), // Who knows how many digits were to come?
            Some(c) if c.is_alphabetic() => {
                self.at = before;
                return self.word(); // `2 seconds`, without quotes.
            }
            Some(_) => {}
        }
        match plain.parse::<f64>() {
            // `500.` and `+5` are fine by Rust; so is anything of any length, but not infinity.
            Ok(number) if number.is_finite() => Ok(Value::Number(number)),
            _ => Err(start),
        }
    }

    fn word(&mut self) -> Result<Value, Syntax> {
        let rest = self.rest();
        let ends = |c: char| ",，、;；)）]］】}｝\n<\"'“”".contains(c);
        let end = rest.find(ends).ok_or(Syntax { at: self.text.len(), unfinished: true })?;
        let word = rest[..end].trim();
        if word.is_empty() {
            return Err(self.wrong());
        }
        self.at += end;
        Ok(Value::Word(word.to_owned()))
    }

    /// Reads a string of Python's, with all that follow it directly; nothing if something else comes.
    ///
    /// What a string would be after its fields are filled in is not known, so one with a prefix `f` and a field cannot be read.
    fn python_string(&mut self, nested: bool) -> Result<Option<String>, Syntax> {
        let mut whole: Option<String> = None;
        loop {
            let before = self.at;
            let rest = self.rest();
            let prefix = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
            let quoted = rest[prefix..].starts_with(['"', '\'']);
            let known =
                ["", "r", "b", "u", "f", "rb", "br", "fr", "rf"].contains(&rest[..prefix].to_lowercase().as_str());
            if !quoted || !known || (whole.is_some() && self.quoting == Quoting::Lenient) {
                return Ok(whole);
            }
            let (raw, filled) = (rest[..prefix].contains(['r', 'R']), rest[..prefix].contains(['f', 'F']));
            self.at += prefix;
            let marks = &self.rest()[..1];
            let three = self.rest().get(..3).filter(|three| *three == marks.repeat(3));
            let string = match three {
                Some(three) => {
                    self.at += 3;
                    let end = end_of_block(self.rest(), three).ok_or(self.unfinished_error())?;
                    let block = &self.rest()[..end];
                    looked_at(end);
                    self.at += end + 3;
                    if raw { block.to_owned() } else { Reader::python(block, 0, Quoting::Strict).all_escaped()? }
                }
                None if raw => {
                    self.bump();
                    let end = end_of_block(self.rest(), marks).ok_or(self.unfinished_error())?;
                    let line = self.rest()[..end].to_owned();
                    looked_at(end);
                    self.at += end + 1;
                    line
                }
                None => self.string(nested)?,
            };
            if filled && string.contains(['{', '}']) {
                self.at = before;
                return Err(self.wrong());
            }
            whole.get_or_insert_default().push_str(&string);
            let after = self.at;
            self.blank();
            if !self.rest().starts_with(|c: char| c.is_ascii_alphabetic() || c == '"' || c == '\'') {
                self.at = after;
                return Ok(whole);
            }
        }
    }

    /// All of a text, with what its escapes stand for.
    fn all_escaped(&mut self) -> Result<String, Syntax> {
        let mut string = String::new();
        while let Some(c) = self.peek() {
            self.bump();
            match c {
                '\\' => self.escape(&mut string)?,
                c => string.push(c),
            }
        }
        Ok(string)
    }

    /// Reads `<point>1 2</point>` as what stands in it.
    fn between_tags(&mut self) -> Option<String> {
        let rest = self.rest();
        let name = rest.strip_prefix('<')?;
        let name = &name[..name.find('>').filter(|end| (1..=TOKEN_BYTES).contains(end))?];
        if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return None;
        }
        let inner = &rest[name.len() + 2..];
        let end = inner.find(&format!("</{name}>"))?;
        looked_at(end);
        self.at += 2 * name.len() + 5 + end;
        Some(inner[..end].to_owned())
    }

    /// Reads a string; `nested` if it stands in a list or a map, where more can follow it.
    fn string(&mut self, nested: bool) -> Result<String, Syntax> {
        let Some((opening, kind)) = self.peek().and_then(|c| Some((c, quote(c)?))) else { return Err(self.wrong()) };
        self.bump();
        let mut string = String::new();
        loop {
            let Some(c) = self.peek() else { return Err(self.unfinished_error()) };
            self.bump();
            let closes = match self.quoting {
                Quoting::Strict => c == kind.closing(opening),
                Quoting::Lenient => quote(c) == Some(kind) && self.string_may_end(nested),
            };
            if closes {
                return Ok(string);
            }
            match c {
                '\\' => self.escape(&mut string)?,
                c => string.push(c),
            }
        }
    }

    /// What follows a backslash; one that Python does not know stays as it is.
    fn escape(&mut self, string: &mut String) -> Result<(), Syntax> {
        let Some(c) = self.peek() else { return Err(self.unfinished_error()) };
        self.bump();
        match c {
            'n' => string.push('\n'),
            'r' => string.push('\r'),
            't' => string.push('\t'),
            'x' => self.code(string, 'x', 2),
            'u' => self.code(string, 'u', 4),
            '\n' if self.python => {}
            '/' | '\\' => string.push(c),
            c if quote(c).is_some() => string.push(c),
            c => string.extend(['\\', c]),
        }
        Ok(())
    }

    fn code(&mut self, string: &mut String, letter: char, digits: usize) {
        let Some(high) = self.hex(digits) else { return string.extend(['\\', letter]) };
        self.at += digits;
        if let Some(c) = char::from_u32(high) {
            return string.push(c);
        }
        // JSON writes what is beyond 16 bits as two halves.
        let mut low = None;
        if self.rest().starts_with("\\u") {
            self.at += 2;
            low = self.hex(4).filter(|low| (0xdc00..0xe000).contains(low) && high < 0xdc00);
            self.at -= 2;
        }
        match low.and_then(|low| char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))) {
            Some(c) => {
                self.at += 6;
                string.push(c);
            }
            None => string.push(char::REPLACEMENT_CHARACTER),
        }
    }

    fn hex(&self, digits: usize) -> Option<u32> {
        let code = self.rest().get(..digits)?;
        code.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u32::from_str_radix(code, 16).ok()).flatten()
    }

    /// Whether what comes can follow a string.
    fn string_may_end(&self, nested: bool) -> bool {
        let mut ahead = Reader::new(self.text, self.at, self.quoting);
        ahead.blank();
        match ahead.peek() {
            None => true,
            Some(')' | '）') => {
                ahead.bump();
                ahead.blank();
                // `say (so "now")"`: the string goes on if a quote or a comma follows the parenthesis.
                ahead.peek().is_none_or(|c| quote(c).is_none() && !matches!(c, ')' | '）' | ',' | '，'))
            }
            Some(']' | '］' | '】' | '}' | '｝' | '<') => true,
            Some(':' | '：') => nested,
            Some(',' | '，') if nested => true,
            Some(',' | '，') => {
                ahead.bump();
                ahead.blank();
                let rest = ahead.rest().trim_start_matches(|c| quote(c).is_some());
                let name = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
                let after = rest[name..].trim_start_matches(|c: char| c.is_whitespace() || quote(c).is_some());
                name > 0 && after.starts_with(['=', ':', '＝', '：'])
            }
            Some(_) => false,
        }
    }

    /// Skips what says nothing: blanks, and the tokens that models put around boxes.
    fn blank(&mut self) {
        loop {
            let rest = self.rest();
            let skipped = rest.len() - rest.trim_start_matches(is_blank).len();
            if skipped > 0 {
                self.at += skipped;
            } else if let Some(token) = token(rest) {
                self.at += token;
            } else {
                return;
            }
        }
    }

    fn peek(&self) -> Option<char> {
        looked_at(1);
        self.rest().chars().next()
    }

    fn bump(&mut self) {
        self.at += self.peek().map_or(0, char::len_utf8);
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn wrong(&self) -> Syntax {
        Syntax { at: self.at, unfinished: false }
    }

    fn unfinished_error(&self) -> Syntax {
        Syntax { at: self.text.len(), unfinished: true }
    }
}

/// Where a string ends that these quotes end, and no quote after a backslash.
///
/// Even in a raw string a backslash keeps its quote.
fn end_of_block(text: &str, quotes: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let end = from + text[from..].find(quotes)?;
        let slashes = text[..end].bytes().rev().take_while(|b| *b == b'\\').count();
        // One line is not left by a string that has no three quotes.
        if quotes.len() == 1 && text[..end].contains('\n') {
            return None;
        }
        if slashes % 2 == 0 {
            return Some(end);
        }
        from = end + 1;
    }
}

/// White space, and what is invisible though Unicode calls it something else.
pub(super) fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}' | '\u{200c}' | '\u{200d}' | '\u{2060}')
}

/// No special token is longer.
pub(super) const TOKEN_BYTES: usize = 40;

/// The length of the special token that a text begins with, such as `<|begin_of_box|>`.
pub(super) fn token(text: &str) -> Option<usize> {
    let name = text.strip_prefix("<|")?;
    // No name is longer; what follows may be megabytes.
    let near = &name[..name.floor_char_boundary(TOKEN_BYTES)];
    looked_at(near.len());
    let end = near.find("|>")?;
    let plain = end > 0 && end <= 32 && name[..end].bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    plain.then_some(end + 4)
}

/// An ASCII digit for a digit of either width.
pub(super) fn digit(c: char) -> Option<char> {
    match c {
        '0'..='9' => Some(c),
        '０'..='９' => char::from_digit(u32::from(c) - u32::from('０'), 10),
        _ => None,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Quote {
    Double,
    Single,
    Corner,
    White,
}

impl Quote {
    /// The quote that ends a string which `opening` began.
    fn closing(self, opening: char) -> char {
        match (self, opening) {
            (Quote::Double, '"' | '＂') | (Quote::Single, '\'' | '＇' | '`') => opening,
            (Quote::Double, _) => '”',
            (Quote::Single, _) => '’',
            (Quote::Corner, _) => '」',
            (Quote::White, _) => '』',
        }
    }
}

fn quote(c: char) -> Option<Quote> {
    match c {
        '"' | '＂' | '“' | '”' => Some(Quote::Double),
        '\'' | '＇' | '‘' | '’' | '`' => Some(Quote::Single),
        '「' | '」' => Some(Quote::Corner),
        '『' | '』' => Some(Quote::White),
        _ => None,
    }
}
