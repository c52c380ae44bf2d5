//! Typing: through the ADB keyboard, which takes any script, or through `input text`, which takes ASCII and loses letters on some
//! phones, so that what the field holds is read afterwards.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tapwright_contract::device::DriverErrorKind;

use super::field::{Comparison, Field};
use super::keyboard::{ADB_KEYBOARD, ADB_KEYBOARD_PACKAGE, InputMethod};
use super::parse::answers;
use super::{Android, no_link_error};
use crate::deadline::Deadline;
use crate::quote::quote;

/// The longest text that is typed at once.
const TEXT_MAX: usize = 64 << 10;
/// How much text goes into one command: an argument may have 128 KB, and one command is one chance to be late.
const PIECE_MAX: usize = 3000;
/// How many of them go into one line.
const PIECES_MAX: usize = 8;
/// How many letters are deleted in one command, and of a field that does not say how many it holds.
const DELETIONS: usize = 100;
/// How often text is typed again from where it is wrong on, in all, if there is time for it, …
const MENDED_MAX: u32 = 60;
/// … and how often without a letter more.
const IN_VAIN_MAX: u32 = 6;
/// How many letters go into one command then: a keyboard that loses letters loses fewer of few.
const MENDED_LETTERS: usize = 6;
/// What reading the field once may take: a screen that does not rest tells nothing.
const READING: Duration = Duration::from_secs(5);

/// What becomes of the text that the field holds already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    Replaced,
    /// It stays, and the text comes to where the caret is.
    Kept,
}

impl Android {
    /// Puts a text into the focused field.
    pub(super) async fn type_text(
        &mut self,
        text: &str,
        before: Before,
        deadline: Deadline,
    ) -> Result<(), DriverErrorKind> {
        if text.len() > TEXT_MAX {
            let why = format!("a text of {} bytes is too long to type; {TEXT_MAX} is the most", text.len());
            return Err(DriverErrorKind::Refused { why });
        }
        let link = self.link.as_ref().ok_or_else(no_link_error)?;
        let mut method = self.keyboard.method(&mut self.shell, link, deadline).await?;
        if method == InputMethod::AdbKeyboard {
            if self.broadcast(text, before, deadline).await? {
                return Ok(());
            }
            // Another keyboard was selected meanwhile, so nobody has heard it.
            let link = self.link.as_ref().ok_or_else(no_link_error)?;
            method = self.keyboard.select_again(&mut self.shell, link, deadline).await?;
        }
        match method {
            InputMethod::AdbKeyboard if self.broadcast(text, before, deadline).await? => Ok(()),
            InputMethod::AdbKeyboard => {
                Err(DriverErrorKind::Refused { why: "the device does not keep the ADB keyboard selected".to_owned() })
            }
            // Plain ASCII needs no keyboard of ours.
            InputMethod::KeyEvents { lacking } => match arguments(text) {
                Ok(arguments) => self.input_text(text, &arguments, before, deadline).await,
                Err(NoKey(letter)) => Err(InputMethod::refusal(&lacking, letter)),
            },
        }
    }

    /// Sends text to the ADB keyboard, in one round trip if it is not long. False if another keyboard is selected, which hears
    /// nothing of this.
    async fn broadcast(&mut self, text: &str, before: Before, deadline: Deadline) -> Result<bool, DriverErrorKind> {
        // Named to its receiver: without a package every app that listens would hear what is typed.
        let to = format!("am broadcast -p {ADB_KEYBOARD_PACKAGE}");
        // The alphabet of base64 needs no quotes.
        let typing =
            pieces(text, PIECE_MAX).map(|piece| format!("{to} -a ADB_INPUT_B64 --es msg {}", STANDARD.encode(piece)));
        let clearing = (before == Before::Replaced).then(|| format!("{to} -a ADB_CLEAR_TEXT"));
        let commands: Vec<String> = clearing.into_iter().chain(typing).collect();
        for together in commands.chunks(PIECES_MAX) {
            let line = format!("settings get secure default_input_method && {}", together.join(" && "));
            let output = self.command(&line, deadline).await?;
            if answers::input_method(&output) != Some(ADB_KEYBOARD) {
                return Ok(false);
            }
            if output.matches("Broadcast completed").count() < together.len() {
                let said = output.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
                let why = format!("the keyboard was not reached: {}", answers::shortened(said));
                return Err(DriverErrorKind::Refused { why });
            }
        }
        Ok(true)
    }

    /// Types through `input`, and types again what the field lacks.
    async fn input_text(
        &mut self,
        text: &str,
        arguments: &[Argument],
        before: Before,
        deadline: Deadline,
    ) -> Result<(), DriverErrorKind> {
        if before == Before::Replaced {
            self.clear(deadline).await?;
        }
        self.send(arguments, deadline).await?;
        // What stood there before is not known where it is kept, so nothing can be compared.
        if before == Before::Kept { Ok(()) } else { self.mend(text, deadline).await }
    }

    async fn send(&mut self, arguments: &[Argument], deadline: Deadline) -> Result<(), DriverErrorKind> {
        for argument in arguments {
            let command = match argument {
                Argument::Text(text) => {
                    let word = quote(text).map_err(|error| DriverErrorKind::Refused { why: error.to_string() })?;
                    format!("input text {word}")
                }
                Argument::Enter => "input keyevent 66".to_owned(),
            };
            self.command(&command, deadline).await?;
        }
        Ok(())
    }

    /// Empties the focused field without a keyboard of ours: select all and delete where the device knows chords (Android 13),
    /// else letter by letter.
    async fn clear(&mut self, deadline: Deadline) -> Result<(), DriverErrorKind> {
        let link = self.link.as_ref().ok_or_else(no_link_error)?;
        let chord = self.shell.run(link, "input keycombination 113 29", deadline).await?;
        if answers::refusal(chord.status, &chord.output).is_none() && !answers::is_unknown_to_input(&chord.output) {
            // Whether it has selected anything shows in what the field holds in the end.
            self.command("input keyevent 67", deadline).await?;
            return Ok(());
        }
        // So many as the field says that it holds, which takes a second to ask and is right; a field that shows a hint may say
        // some more, which does no harm. Where nobody tells, as many as fields commonly hold.
        let field = self.field(deadline).await?;
        let count = field.filter(|field| !field.is_hidden).map_or(DELETIONS, |field| field.deletions());
        self.delete(count, deadline).await
    }

    /// Deletes so many letters on either side of the caret, wherever it is: the key that goes to the end goes to that of a line.
    async fn delete(&mut self, count: usize, deadline: Deadline) -> Result<(), DriverErrorKind> {
        if count > TEXT_MAX {
            let why = format!("the field holds {count} letters, too many to delete one by one");
            return Err(DriverErrorKind::Refused { why });
        }
        let mut left = count;
        while left > 0 {
            let now = left.min(DELETIONS);
            self.command(&format!("input keyevent 123{}", " 67".repeat(now)), deadline).await?;
            self.command(&format!("input keyevent{}", " 112".repeat(now)), deadline).await?;
            left -= now;
        }
        Ok(())
    }

    /// Reads what the field holds, and types what it lacks again, in pieces, for as long as that helps.
    async fn mend(&mut self, text: &str, deadline: Deadline) -> Result<(), DriverErrorKind> {
        let mut most = MENDED_LETTERS * 4;
        let (mut best, mut in_vain) = (0, 0);
        for round in 0.. {
            let before = deadline.remaining();
            let Some(field) = self.field_in_time(deadline).await? else { return Ok(()) };
            let reading = before.saturating_sub(deadline.remaining());
            let right = match field.compare(text) {
                Comparison::Same | Comparison::Unknown => return Ok(()),
                Comparison::Differs { right } => right,
            };
            // A field that shows its hint is empty, and one that takes nothing shows it again.
            if text.is_empty() && round > 0 {
                return Ok(());
            }
            tracing::debug!(round, right, letters = text.chars().count(), "the field does not hold what was typed");
            let time = deadline.remaining() > 2 * reading + Duration::from_millis(200);
            if round == MENDED_MAX || in_vain == IN_VAIN_MAX || !time || (field.is_hidden && round > 1) {
                return Err(DriverErrorKind::Refused { why: field.description(text) });
            }
            // As many letters as came through the last time, and more while all of them do: else the same ones are lost again.
            let gained = right.saturating_sub(best);
            in_vain = if gained > 0 { 0 } else { in_vain + 1 };
            most = match round {
                0 => most,
                _ if gained >= most => (2 * most).min(MENDED_LETTERS * 4),
                _ if gained > 0 => gained,
                _ => (most / 2).max(1),
            };
            best = best.max(right);
            self.shorten(&field, right, deadline).await?;
            let rest: String = text.chars().skip(right).take(most).collect();
            for piece in pieces(&rest, MENDED_LETTERS) {
                // It was one before, so each part of it is.
                self.send(&arguments(piece).unwrap_or_default(), deadline).await?;
            }
        }
        Ok(())
    }

    /// Deletes what comes after the letters that are right.
    async fn shorten(&mut self, field: &Field, right: usize, deadline: Deadline) -> Result<(), DriverErrorKind> {
        let wrong = field.text.chars().skip(right).map(char::len_utf16).sum::<usize>();
        if right == 0 || field.text.contains('\n') {
            return self.delete(field.deletions(), deadline).await;
        }
        let mut left = wrong;
        // Also for none: what is typed next belongs at the end.
        loop {
            let now = left.min(DELETIONS);
            self.command(&format!("input keyevent 123{}", " 67".repeat(now)), deadline).await?;
            left -= now;
            if left == 0 {
                return Ok(());
            }
        }
    }

    /// The field that has the focus, or `None` if the device does not tell.
    async fn field(&mut self, deadline: Deadline) -> Result<Option<Field>, DriverErrorKind> {
        match self.widgets(deadline).await {
            Ok(tree) => Ok(Field::of(&tree)),
            Err(kind @ DriverErrorKind::Lost { .. }) => Err(kind),
            // It was silent for all of the time; one that says that its screen does not rest tells nothing in good time.
            Err(kind @ DriverErrorKind::TimedOut { .. }) if deadline.is_over() => Err(kind),
            Err(kind) => {
                tracing::debug!(%kind, "the device does not tell what the field holds");
                Ok(None)
            }
        }
    }

    /// The same after typing, for which a part of the time is enough: that nobody can tell is no reason to call it undone.
    async fn field_in_time(&mut self, deadline: Deadline) -> Result<Option<Field>, DriverErrorKind> {
        let part = deadline.or_sooner(READING.min(deadline.remaining() / 2));
        match self.field(part).await {
            Err(DriverErrorKind::TimedOut { .. }) => Ok(None),
            result => result,
        }
    }
}

/// Text in pieces of at most `length_max` bytes, cut between letters.
fn pieces(mut text: &str, length_max: usize) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        if text.is_empty() {
            return None;
        }
        let (piece, rest) = text.split_at(text.floor_char_boundary(length_max));
        text = rest;
        Some(piece)
    })
}

/// What `input` is told, one command each.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Argument {
    /// Of `input text`, still to be quoted for the shell.
    Text(String),
    Enter,
}

/// A letter that no key writes.
#[derive(Debug)]
struct NoKey(char);

/// `input text` has a spelling of its own: `%s` is a blank, and there is no way to say a percent sign before an s in one
/// command. It finds keys for letters, so what no key writes cannot be typed.
fn arguments(text: &str) -> Result<Vec<Argument>, NoKey> {
    if let Some(letter) = text.chars().find(|letter| !matches!(letter, ' '..='~' | '\n')) {
        return Err(NoKey(letter));
    }
    let mut arguments = Vec::new();
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            arguments.push(Argument::Enter);
        }
        let mut word = String::new();
        for letter in line.chars() {
            if letter == 's' && word.ends_with('%') {
                arguments.push(Argument::Text(std::mem::take(&mut word)));
            }
            if letter == ' ' {
                word.push_str("%s");
            } else {
                word.push(letter);
            }
        }
        if !word.is_empty() {
            arguments.push(Argument::Text(word));
        }
    }
    Ok(arguments)
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: Expect) {
        expected.assert_eq(
            &arguments(text).map_or_else(|no_key| format!("{no_key:?}"), |arguments| format!("{arguments:?}")),
        );
    }

    #[test]
    fn arguments_for_input_text() {
        check("", expect!["[]"]);
        check("on my way", expect![[r#"[Text("on%smy%sway")]"#]]);
        check("100%sure", expect![[r#"[Text("100%"), Text("sure")]"#]]);
        check("a\nb", expect![[r#"[Text("a"), Enter, Text("b")]"#]]);
        check("it's $(fine)", expect![[r#"[Text("it's%s$(fine)")]"#]]);
        check("你好", expect![[r"NoKey('你')"]]);
        check("a\tb", expect![[r"NoKey('\t')"]]);
    }

    /// What Android makes of an argument of `input text`.
    fn android(word: &str) -> String {
        word.replace("%s", " ")
    }

    /// A real shell, with `input` in place of Android's, which tells what it was given.
    #[test]
    fn a_real_shell_hears_nothing_but_the_text() {
        let hostile = "['\"`$(){};&|<>*?~#!%s\\\\ a-c\n]{0,40}";
        let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(100));
        let result = runner.run(&hostile.prop_map(|text| text), |text| {
            let mut script =
                "input() { case $1 in text) printf 'T%s' \"$2\";; *) printf 'K%s' \"$2\";; esac; printf '\\0'; }\n"
                    .to_owned();
            for word in arguments(&text).unwrap() {
                script += &match word {
                    Argument::Text(word) => format!("input text {}\n", quote(&word).unwrap()),
                    Argument::Enter => "input keyevent 66\n".to_owned(),
                };
            }
            let ran = std::process::Command::new("/bin/sh").args(["-c", &script]).output().unwrap();
            prop_assert!(ran.stderr.is_empty(), "{}", String::from_utf8_lossy(&ran.stderr));
            let heard = String::from_utf8(ran.stdout).unwrap();
            let typed: String = heard
                .split_terminator('\0')
                .map(|heard| match heard.split_at(1) {
                    ("T", text) => android(text),
                    _ => "\n".to_owned(),
                })
                .collect();
            prop_assert_eq!(typed, text);
            Ok(())
        });
        result.unwrap();
    }

    proptest! {
        #[test]
        fn what_is_typed_is_the_text(text in "[ -~\n]{0,60}", percents in "[%s ]{0,12}") {
            for text in [text, percents] {
                let typed: String = arguments(&text)
                    .unwrap()
                    .iter()
                    .map(|word| match word {
                        Argument::Text(word) => android(word),
                        Argument::Enter => "\n".to_owned(),
                    })
                    .collect();
                prop_assert_eq!(typed, text);
            }
        }

        #[test]
        fn pieces_make_the_text(text in "[a你😀]{0,60}", length_max in 4usize..20) {
            let cut: Vec<&str> = pieces(&text, length_max).collect();
            prop_assert!(cut.iter().all(|piece| !piece.is_empty() && piece.len() <= length_max));
            prop_assert_eq!(cut.concat(), text);
        }
    }
}
