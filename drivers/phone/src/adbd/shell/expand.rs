//! Words become arguments: variables, output and numbers are filled in, split, and patterns matched.

use super::{ARGUMENTS_MAX, Running, SMALL, Shell, arithmetic};
use crate::adbd::files::resolve;
use crate::adbd::output::Output;
use crate::adbd::pattern::{self, Pattern};
use crate::adbd::stream::Disconnected;
use crate::adbd::syntax::{List, Modifier, Piece, Word};
use crate::adbd::terminal::{Channel, Console};

/// What marks a word as a pattern.
const PATTERN: [char; 3] = ['*', '?', '['];

impl Shell {
    /// Adds the words that a word stands for.
    pub(super) async fn expand<C: Console>(
        &mut self,
        word: &Word,
        words: &mut Vec<String>,
        output: &mut Output,
        console: &mut C,
    ) -> Result<(), Disconnected> {
        let mut current: Option<String> = None;
        let mut pattern = false;
        let mut found = Vec::new();
        for piece in &word.0 {
            if let Piece::Variable { name, quoted: true, change: Modifier::Nothing } = piece
                && name == "@"
            {
                // Each argument stays the word that it is.
                for (index, argument) in self.scope.arguments.iter().enumerate() {
                    if 0 < index {
                        found.extend(current.take());
                    }
                    self.expanded = self.expanded.saturating_add(argument.len());
                    current.get_or_insert_default().push_str(argument);
                }
                continue;
            }
            let text = self.fill(piece, output, console).await?;
            let (quoted, split) = match piece {
                Piece::Text { quoted, .. } => (*quoted, false),
                Piece::Variable { quoted, .. } | Piece::Output { quoted, .. } | Piece::Number { quoted, .. } => {
                    (*quoted, !quoted)
                }
            };
            self.expanded = self.expanded.saturating_add(text.len());
            if ARGUMENTS_MAX < self.expanded {
                break;
            }
            pattern |= !quoted && text.contains(PATTERN);
            if !split {
                if quoted || !text.is_empty() {
                    current.get_or_insert_default().push_str(&text);
                }
                continue;
            }
            if text.starts_with(char::is_whitespace) {
                found.extend(current.take());
            }
            let mut fields = text.split_whitespace().peekable();
            while let Some(field) = fields.next() {
                current.get_or_insert_default().push_str(field);
                if fields.peek().is_some() || text.ends_with(char::is_whitespace) {
                    found.extend(current.take());
                }
            }
        }
        found.extend(current);
        for word in found {
            if pattern && word.contains(PATTERN) && 0 < self.patterns {
                self.patterns -= 1;
                let files = self.device.handle.files();
                let matching = files.matching(&resolve(&self.scope.folder, &word));
                if !matching.is_empty() {
                    words.extend(matching.into_iter().map(|found| named_as(found, &word)));
                    continue;
                }
            }
            words.push(word);
        }
        Ok(())
    }

    /// A word that is never split: the value of an assignment, or a pattern, in which quotes make letters of its signs.
    pub(super) fn expand_unsplit<'b, C: Console>(
        &'b mut self,
        word: &'b Word,
        is_pattern: bool,
        output: &'b mut Output,
        console: &'b mut C,
    ) -> Running<'b, String> {
        Box::pin(async move {
            let mut value = String::new();
            for piece in &word.0 {
                if ARGUMENTS_MAX < value.len() {
                    break;
                }
                let text = self.fill(piece, output, console).await?;
                let quoted = match piece {
                    Piece::Text { quoted, .. }
                    | Piece::Variable { quoted, .. }
                    | Piece::Output { quoted, .. }
                    | Piece::Number { quoted, .. } => *quoted,
                };
                value.push_str(&if is_pattern && quoted { pattern::literal(&text) } else { text });
            }
            Ok(value)
        })
    }

    /// What a piece of a word stands for.
    async fn fill<C: Console>(
        &mut self,
        piece: &Piece,
        output: &mut Output,
        console: &mut C,
    ) -> Result<String, Disconnected> {
        Ok(match piece {
            Piece::Text { text, .. } => text.clone(),
            Piece::Output { of, .. } => self.substitute(of, output, console).await?,
            Piece::Number { of, .. } => {
                let text = self.expand_unsplit(of, false, output, console).await?;
                match arithmetic::evaluate(&text, |name| self.variable(name).unwrap_or_default()) {
                    Ok(number) => number.to_string(),
                    Err(why) => {
                        self.complaint = Some(why);
                        String::new()
                    }
                }
            }
            Piece::Variable { name, change, .. } => {
                let value = self.variable(name);
                self.apply_modifier(name, value, change, output, console).await?
            }
        })
    }

    async fn apply_modifier<C: Console>(
        &mut self,
        name: &str,
        value: Option<String>,
        change: &Modifier,
        output: &mut Output,
        console: &mut C,
    ) -> Result<String, Disconnected> {
        match change {
            Modifier::Nothing => Ok(value.unwrap_or_default()),
            Modifier::Length => Ok(value.unwrap_or_default().chars().count().to_string()),
            Modifier::Default { kind, or_empty, word } => {
                let held = value.filter(|value| !or_empty || !value.is_empty());
                match (kind, held) {
                    ('+', None) => Ok(String::new()),
                    ('-' | '=' | '?', Some(held)) => Ok(held),
                    (kind, _) => {
                        let text = self.expand_unsplit(word, false, output, console).await?;
                        match kind {
                            '=' if !self.scope.variables.set(name, &text) => {
                                self.complaint = Some(format!("{name}: no room for its value"));
                            }
                            '?' => {
                                let why = if text.is_empty() { "parameter null or not set" } else { &text };
                                self.complaint = Some(format!("{name}: {why}"));
                            }
                            _ => {}
                        }
                        Ok(text)
                    }
                }
            }
            Modifier::Trim { start, longest, pattern } => {
                let value = value.unwrap_or_default();
                let pattern = self.expand_unsplit(pattern, true, output, console).await?;
                let Some(count) = Pattern::new(&pattern).trims(&value, *start, *longest) else { return Ok(value) };
                Ok(match start {
                    true => value.chars().skip(count).collect(),
                    false => value.chars().take(value.chars().count() - count).collect(),
                })
            }
        }
    }

    pub(super) fn variable(&self, name: &str) -> Option<String> {
        Some(match name {
            "?" => self.status.to_string(),
            "$" => "4242".to_owned(),
            "!" => {
                if self.jobs_begun == 0 {
                    String::new()
                } else {
                    (5000 + self.jobs_begun).to_string()
                }
            }
            "-" => {
                if self.scope.errexit {
                    "e".to_owned()
                } else {
                    String::new()
                }
            }
            "#" => self.scope.arguments.len().to_string(),
            "@" | "*" => self.scope.arguments.join(" "),
            "0" => self.scope.name.clone(),
            "PWD" => self.scope.folder.clone(),
            name if name.starts_with(|letter: char| letter.is_ascii_digit()) => {
                let index = name.parse::<usize>().ok()?;
                self.scope.arguments.get(index.checked_sub(1)?)?.clone()
            }
            name => self.scope.variables.get(name)?.to_owned(),
        })
    }

    async fn substitute<C: Console>(
        &mut self,
        list: &List,
        output: &mut Output,
        console: &mut C,
    ) -> Result<String, Disconnected> {
        let kept = (self.scope.clone(), self.expanded, self.patterns, self.complaint.take());
        let mut printed = Output::new(SMALL);
        self.list(list, &mut super::Input::Console, &mut printed, console).await?;
        (self.scope, self.expanded, self.patterns, self.complaint) = kept;
        let text = printed.split(Channel::Out, output);
        Ok(String::from_utf8_lossy(&text).trim_end_matches('\n').replace('\0', ""))
    }
}

/// A found path as the pattern was written: `/sdcard/*.png` finds `/sdcard/a.png`, wherever that really lies.
fn named_as(found: &str, written: &str) -> String {
    let name = found.rsplit_once('/').map_or(found, |(_, name)| name);
    match written.rsplit_once('/') {
        None => name.to_owned(),
        Some((folder, _)) if !folder.contains(PATTERN) => format!("{folder}/{name}"),
        Some(_) => found.to_owned(),
    }
}
