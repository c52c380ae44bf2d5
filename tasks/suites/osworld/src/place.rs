//! Where in a JSON text something stands, so that a mistake can be pointed at.

use std::fmt;

/// A step from a value to one inside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathStep {
    Key(String),
    Index(usize),
}

/// The way from the root of a file to a value, written as in RFC 6901.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JsonPath(pub Vec<PathStep>);

impl JsonPath {
    pub fn key(&self, key: &str) -> JsonPath {
        self.with(PathStep::Key(key.to_owned()))
    }

    pub fn index(&self, index: usize) -> JsonPath {
        self.with(PathStep::Index(index))
    }

    fn with(&self, step: PathStep) -> JsonPath {
        JsonPath(self.0.iter().cloned().chain([step]).collect())
    }

    /// Reads the notation of RFC 6901; what looks like a number is an index.
    pub fn parse(text: &str) -> Option<JsonPath> {
        if text.is_empty() {
            return Some(JsonPath::default());
        }
        let steps = text.strip_prefix('/')?.split('/').map(|step| match step.parse() {
            Ok(index) => PathStep::Index(index),
            Err(_) => PathStep::Key(step.replace("~1", "/").replace("~0", "~")),
        });
        Some(JsonPath(steps.collect()))
    }
}

impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.0 {
            match step {
                PathStep::Key(key) => write!(f, "/{}", key.replace('~', "~0").replace('/', "~1"))?,
                PathStep::Index(index) => write!(f, "/{index}")?,
            }
        }
        Ok(())
    }
}

/// A line and a column, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TextPlace {
    pub line: usize,
    pub column: usize,
}

/// Where the value at a path begins (for a value under a key: its key), or the last value on the way that is there.
/// The text has to be JSON.
pub fn locate(text: &str, path: &JsonPath) -> TextPlace {
    let mut scan = Scan { text, at: 0 };
    scan.blanks();
    let mut found = scan.at;
    for step in &path.0 {
        match scan.enter(step) {
            Some(at) => found = at,
            None => break,
        }
    }
    let before = &text[..found];
    let line_begin = before.rfind('\n').map_or(0, |at| at + 1);
    TextPlace { line: before.matches('\n').count() + 1, column: before[line_begin..].chars().count() + 1 }
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl Scan<'_> {
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blanks(&mut self) {
        while self.byte().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    /// Moves to the value under a key or at an index, and returns where to point.
    fn enter(&mut self, step: &PathStep) -> Option<usize> {
        let open = self.byte()?;
        self.at += 1;
        let mut index = 0;
        loop {
            self.blanks();
            let begin = self.at;
            if matches!(self.byte()?, b'}' | b']') {
                return None;
            }
            let is_it = match (open, step) {
                (b'{', step) => {
                    let key = self.string()?;
                    self.blanks();
                    self.at += 1;
                    self.blanks();
                    matches!(step, PathStep::Key(wanted) if *wanted == key)
                }
                (b'[', PathStep::Index(wanted)) => index == *wanted,
                _ => return None,
            };
            if is_it {
                return Some(begin);
            }
            self.value()?;
            self.blanks();
            if self.byte()? == b',' {
                self.at += 1;
            }
            index += 1;
        }
    }

    fn string(&mut self) -> Option<String> {
        let begin = self.at;
        self.at += 1;
        loop {
            match self.byte()? {
                b'\\' => self.at += 2,
                b'"' => break,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        serde_json::from_str(self.text.get(begin..self.at)?).ok()
    }

    /// Moves behind a value.
    fn value(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.byte()? {
                b'"' => drop(self.string()?),
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' if depth == 0 => return Some(()),
                b'}' | b']' => {
                    depth -= 1;
                    self.at += 1;
                }
                b',' if depth == 0 => return Some(()),
                _ => self.at += 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found() {
        let text = "{\n  \"a\": \"}\\\"]\",\n  \"b\": [1, {\"ä\": 2,\n    \"c\": {}}]\n}";
        for (path, line, column) in [
            ("", 1, 1),
            ("/a", 2, 3),
            ("/b", 3, 3),
            ("/b/0", 3, 9),
            ("/b/1", 3, 12),
            ("/b/1/c", 4, 5),
            ("/b/1/none", 3, 12),
            ("/b/7", 3, 3),
        ] {
            let path = JsonPath::parse(path).unwrap();
            assert_eq!(locate(text, &path), TextPlace { line, column }, "{path}");
        }
        assert_eq!(JsonPath::parse("/a~1b/3").unwrap().to_string(), "/a~1b/3");
    }
}
