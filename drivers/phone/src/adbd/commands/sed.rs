//! `sed`, as far as scripts for phones go: `s`, `d`, `p`, `q`, `=`, with addresses.

use regex::bytes::{Captures, Regex};

use super::Call;
use super::expression::{self, PatternOptions};
use super::operands::{flags, for_each, inputs, lines, operands};

/// Commands of a script, and letters of a line that grows.
const COMMANDS_MAX: usize = 100;
const LINE_MAX: usize = 1 << 20;

enum Address {
    Line(usize),
    Last,
    Fits(Regex),
}

struct Command {
    from: Option<Address>,
    to: Option<Address>,
    negated: bool,
    verb: Verb,
    /// Whether it is between its two addresses.
    inside: bool,
}

enum Verb {
    Delete,
    Print,
    Quit,
    Number,
    Substitute { pattern: Regex, with: Vec<u8>, which: usize, all: bool, print: bool },
}

pub(super) fn sed(call: &mut Call<'_>) -> u8 {
    let (mut script, mut rest) = (Vec::new(), call.arguments.iter());
    let mut first = None;
    while let Some(word) = rest.next() {
        if word.len() > 1 && word.starts_with('-') {
            match word.strip_prefix("-e") {
                Some("") => script.extend(rest.next().cloned()),
                Some(inline) => script.push(inline.to_owned()),
                None if word.ends_with('e') => script.extend(rest.next().cloned()),
                None => {}
            }
        } else {
            first = first.or(Some(word.clone()));
        }
    }
    if script.is_empty() {
        script.extend(first);
    }
    let options = flags(call);
    if script.is_empty() {
        call.complain("sed: Needs 1 argument\n");
        return 1;
    }
    let extended = options.contains(['E', 'r']);
    let mut commands = match Script::new(&script.join("\n"), extended).commands() {
        Ok(commands) => commands,
        Err(why) => {
            call.complain(&format!("sed: bad pattern '{}': {why}\n", script.join("; ")));
            return 1;
        }
    };
    let quiet = options.contains('n');
    if options.contains('i') {
        let names: Vec<String> = operands(call.name, call.arguments).into_iter().map(str::to_owned).collect();
        return for_each(call, &names, |call, name| {
            let path = super::operands::path(call, name);
            let bytes = call.handle().files().read(&path)?;
            let changed = edit(&bytes, &mut commands, quiet);
            let now = call.handle().now();
            call.handle().files().write(&path, changed, now)
        });
    }
    let (inputs, status) = inputs(call);
    let whole: Vec<u8> = inputs.iter().flat_map(|(_, bytes)| bytes.iter().copied()).collect();
    call.write(&edit(&whole, &mut commands, quiet));
    status
}

fn edit(bytes: &[u8], commands: &mut [Command], quiet: bool) -> Vec<u8> {
    let mut out = Vec::new();
    let count = lines(bytes).count();
    for command in commands.iter_mut() {
        command.inside = false;
    }
    'lines: for (index, line) in lines(bytes).enumerate() {
        let (number, is_last) = (index + 1, index + 1 == count);
        let end: &[u8] = if line.ends_with(b"\n") { b"\n" } else { b"" };
        let mut text = line.strip_suffix(b"\n").unwrap_or(line).to_vec();
        let mut quits = false;
        for command in commands.iter_mut() {
            if !command.wants(&text, number, is_last) {
                continue;
            }
            match &command.verb {
                Verb::Delete => continue 'lines,
                Verb::Print => out.extend([&text, end].concat()),
                Verb::Number => out.extend(format!("{number}\n").into_bytes()),
                Verb::Quit => {
                    quits = true;
                    break;
                }
                Verb::Substitute { pattern, with, which, all, print } => {
                    let (changed, new) = substitute(&text, pattern, with, *which, *all);
                    text = new;
                    if changed && *print {
                        out.extend([&text, end].concat());
                    }
                }
            }
        }
        if !quiet {
            out.extend([&text, end].concat());
        }
        if quits {
            break;
        }
    }
    out
}

impl Command {
    fn wants(&mut self, text: &[u8], number: usize, is_last: bool) -> bool {
        let is = |address: &Address| match address {
            Address::Line(wanted) => *wanted == number,
            Address::Last => is_last,
            Address::Fits(pattern) => pattern.is_match(text),
        };
        let wants = match (&self.from, &self.to) {
            (None, _) => true,
            (Some(from), None) => is(from),
            (Some(_), Some(to)) if self.inside => {
                self.inside = !is(to);
                true
            }
            (Some(from), Some(to)) => {
                let begins = is(from);
                // A range that ends before it begins is one line.
                self.inside = begins && !matches!(to, Address::Line(end) if *end <= number);
                begins
            }
        };
        wants != self.negated
    }
}

fn substitute(text: &[u8], pattern: &Regex, with: &[u8], which: usize, all: bool) -> (bool, Vec<u8>) {
    let (mut out, mut at, mut changed) = (Vec::new(), 0, false);
    for (index, found) in pattern.captures_iter(text).enumerate() {
        let Some(whole) = found.get(0) else { break };
        if index + 1 < which || LINE_MAX < out.len() {
            continue;
        }
        out.extend_from_slice(&text[at..whole.start()]);
        fill_in(&mut out, with, &found);
        at = whole.end();
        changed = true;
        if !all {
            break;
        }
    }
    out.extend_from_slice(&text[at..]);
    (changed, out)
}

/// `&` is what was found, `\1` a part of it.
fn fill_in(out: &mut Vec<u8>, with: &[u8], found: &Captures<'_>) {
    let group = |index: usize| found.get(index).map_or(&b""[..], |part| part.as_bytes());
    let mut letters = with.iter().copied();
    while let Some(letter) = letters.next() {
        match letter {
            b'&' => out.extend_from_slice(group(0)),
            b'\\' => match letters.next() {
                Some(digit @ b'0'..=b'9') => out.extend_from_slice(group(usize::from(digit - b'0'))),
                Some(b'n') => out.push(b'\n'),
                Some(b't') => out.push(b'\t'),
                Some(other) => out.push(other),
                None => {}
            },
            letter => out.push(letter),
        }
    }
}

/// The text of a script, as it is read.
struct Script {
    letters: Vec<char>,
    at: usize,
    extended: bool,
}

impl Script {
    fn new(text: &str, extended: bool) -> Script {
        Script { letters: text.chars().collect(), at: 0, extended }
    }

    fn peek(&self) -> Option<char> {
        self.letters.get(self.at).copied()
    }

    fn commands(&mut self) -> Result<Vec<Command>, String> {
        let mut found = Vec::new();
        loop {
            while self.peek().is_some_and(|letter| letter.is_whitespace() || letter == ';') {
                self.at += 1;
            }
            if self.peek().is_none() {
                return Ok(found);
            }
            if found.len() == COMMANDS_MAX {
                return Err("too many commands".to_owned());
            }
            found.push(self.command()?);
        }
    }

    fn command(&mut self) -> Result<Command, String> {
        let from = self.address()?;
        let to = match self.peek() {
            Some(',') => {
                self.at += 1;
                Some(self.address()?.ok_or("no address after a comma")?)
            }
            _ => None,
        };
        while self.peek() == Some(' ') {
            self.at += 1;
        }
        let negated = self.peek() == Some('!');
        self.at += usize::from(negated);
        let letter = self.peek().ok_or("no command")?;
        self.at += 1;
        let verb = match letter {
            'd' => Verb::Delete,
            'p' => Verb::Print,
            'q' => Verb::Quit,
            '=' => Verb::Number,
            's' => self.substitution()?,
            other => return Err(format!("the command {other} is not supported on this phone")),
        };
        while self.peek() == Some(' ') {
            self.at += 1;
        }
        match self.peek() {
            None | Some(';' | '\n') => Ok(Command { from, to, negated, verb, inside: false }),
            Some(other) => Err(format!("unexpected {other}")),
        }
    }

    fn address(&mut self) -> Result<Option<Address>, String> {
        Ok(match self.peek() {
            Some('0'..='9') => {
                let start = self.at;
                while self.peek().is_some_and(|letter| letter.is_ascii_digit()) {
                    self.at += 1;
                }
                let number: String = self.letters[start..self.at].iter().collect();
                Some(Address::Line(number.parse().map_err(|_| "a number that is too large")?))
            }
            Some('$') => {
                self.at += 1;
                Some(Address::Last)
            }
            Some('/') => {
                self.at += 1;
                let pattern = self.until('/', true)?;
                Some(Address::Fits(self.pattern(pattern, false)?))
            }
            _ => None,
        })
    }

    fn pattern(&self, text: String, ignore_case: bool) -> Result<Regex, String> {
        expression::compile(
            &[text],
            PatternOptions { extended: self.extended, ignore_case, ..PatternOptions::default() },
        )
    }

    fn substitution(&mut self) -> Result<Verb, String> {
        let mark = self.peek().filter(|mark| !mark.is_alphanumeric() && *mark != '\n' && *mark != '\\');
        let mark = mark.ok_or("no delimiter after s")?;
        self.at += 1;
        let pattern = self.until(mark, true)?;
        let with = self.until(mark, false)?;
        let (mut which, mut all, mut print, mut ignore_case) = (1, false, false, false);
        loop {
            match self.peek() {
                Some('g') => all = true,
                Some('p') => print = true,
                Some('i' | 'I') => ignore_case = true,
                Some(digit @ '1'..='9') => which = digit as usize - '0' as usize,
                _ => break,
            }
            self.at += 1;
        }
        let pattern = self.pattern(pattern, ignore_case)?;
        Ok(Verb::Substitute { pattern, with: with.into_bytes(), which, all, print })
    }

    /// Text up to a delimiter; behind a backslash that one is a letter.
    fn until(&mut self, mark: char, is_pattern: bool) -> Result<String, String> {
        let mut text = String::new();
        let mut class = false;
        loop {
            let letter = self.peek().ok_or_else(|| format!("no closing {mark}"))?;
            self.at += 1;
            match letter {
                '\\' => match self.peek() {
                    Some(next) if next == mark => {
                        self.at += 1;
                        text.push(mark);
                    }
                    Some('n') if is_pattern => {
                        self.at += 1;
                        text.push('\n');
                    }
                    Some(next) => {
                        self.at += 1;
                        text.extend(['\\', next]);
                    }
                    None => return Err(format!("no closing {mark}")),
                },
                letter if letter == mark && !class => return Ok(text),
                letter => {
                    class = is_pattern && (letter == '[' || (class && letter != ']'));
                    text.push(letter);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run(script: &str, extended: bool, quiet: bool, text: &str) -> Result<String, String> {
        let mut commands = Script::new(script, extended).commands()?;
        Ok(String::from_utf8(edit(text.as_bytes(), &mut commands, quiet)).unwrap())
    }

    #[test]
    fn scripts_change_lines() {
        for (script, expected) in [
            ("s/o/0/", "0ne\ntw0\nthree\nf0ur\n"),
            ("s/e/E/2", "one\ntwo\nthreE\nfour\n"),
            ("s|o|/|g; 1d", "tw/\nthree\nf/ur\n"),
            ("2,3d", "one\nfour\n"),
            ("/two/,$d", "one\n"),
            ("/e$/!d", "one\nthree\n"),
            ("s/\\(t\\)\\(.\\)/[\\2\\1&]/", "one\n[wttw]o\n[htth]ree\nfour\n"),
            ("2q", "one\ntwo\n"),
            ("$s/.*/x\\ty/", "one\ntwo\nthree\nx\ty\n"),
            ("1=;s/a\\/b//", "1\none\ntwo\nthree\nfour\n"),
        ] {
            assert_eq!(run(script, false, false, "one\ntwo\nthree\nfour\n").as_deref(), Ok(expected), "{script}");
        }
        assert_eq!(run("s/(.+)=(.*)/\\2/p", true, true, "a=1\nb").as_deref(), Ok("1\n"));
        assert_eq!(run("s/[/]/-/g", false, false, "a/b").as_deref(), Ok("a-b"));
        for bad in ["s/a", "s/a/b/x", "x", "1,p", "s/\\(/b/", "/a"] {
            assert!(run(bad, false, false, "a").is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn garbage_never_panics(script in "[sdpq=/,0-9a-c$!;\\\\&\\[\\]*. ]{0,20}") {
            let _ = run(&script, false, false, "abc\ncba\n");
        }
    }
}
