//! Typing: through the ADB keyboard, which takes any script, or through `input text`, which takes ASCII.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tapwright_contract::device::DriverErrorKind;
use tokio::time::Instant;

use super::parse::{answers, hierarchy};
use super::quote::quote;
use super::shell::Shell;
use super::wire::{ANSWER_MAX, Link};
use crate::deadline::{Deadline, Tries};

/// The input method that takes text from adb, and the package that it is in.
pub(crate) const ADB_KEYBOARD: &str = "com.android.adbkeyboard/.AdbIME";
const ADB_KEYBOARD_PACKAGE: &str = "com.android.adbkeyboard";
/// The longest text that is typed at once.
const TEXT_MAX: usize = 64 << 10;
/// How much text goes into one command: an argument may have 128 KB, and one command is one chance to be late.
const PIECE_MAX: usize = 3000;
/// How many letters are deleted in one command, and of a field that does not say how many it holds.
const DELETIONS: usize = 100;
/// How many of them go into one line.
const PIECES_MAX: usize = 8;
/// On the device: what was selected before, in case that whoever selected the ADB keyboard dies.
const MARK: &str = "/data/local/tmp/tapwright-keyboard";
/// How long a keyboard may take to come up after it was selected.
const COMES_UP: Duration = Duration::from_secs(2);

/// Which keyboard the device has, and what to put back in the end.
#[derive(Default)]
pub(crate) struct Keyboard {
    way: Option<Way>,
    /// What was selected before, if that was another one.
    pub original: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    AdbKeyboard,
    InputText,
}

impl Keyboard {
    /// Another device, or the same after a restart: finds out again, but does not forget what was selected at first.
    pub fn forget_way(&mut self) {
        self.way = None;
    }

    /// Replaces what the focused field holds by `text`.
    pub async fn enter(
        &mut self,
        shell: &mut Shell,
        link: &Link,
        text: &str,
        deadline: Deadline,
    ) -> Result<(), DriverErrorKind> {
        if text.len() > TEXT_MAX {
            let why = format!("a text of {} bytes is too long to type; {TEXT_MAX} is the most", text.len());
            return Err(DriverErrorKind::Refused { why });
        }
        let way = match self.way {
            Some(way) => way,
            None => self.choose(shell, link, deadline).await?,
        };
        match way {
            Way::AdbKeyboard => {
                if by_broadcast(shell, link, text, deadline).await? {
                    return Ok(());
                }
                // Another keyboard was selected meanwhile, so nobody has heard it.
                tracing::debug!("selects the ADB keyboard again");
                self.select(shell, link, deadline).await?;
                if by_broadcast(shell, link, text, deadline).await? {
                    return Ok(());
                }
                Err(DriverErrorKind::Refused { why: "the device does not keep the ADB keyboard selected".to_owned() })
            }
            Way::InputText => by_input(shell, link, text, deadline).await,
        }
    }

    async fn choose(&mut self, shell: &mut Shell, link: &Link, deadline: Deadline) -> Result<Way, DriverErrorKind> {
        let enabled = shell.run(link, "ime list -s", deadline).await?.accepted()?;
        let mut there = answers::lists(&enabled, ADB_KEYBOARD);
        if !there {
            // Installed, but never switched on.
            let all = shell.run(link, "ime list -s -a", deadline).await?;
            if all.status == 0 && answers::lists(&all.output, ADB_KEYBOARD) {
                shell.run(link, &format!("ime enable {ADB_KEYBOARD}"), deadline).await?.accepted()?;
                there = true;
            }
        }
        let way = if there {
            self.select(shell, link, deadline).await?;
            Way::AdbKeyboard
        } else {
            Way::InputText
        };
        tracing::debug!(?way, "found out how to type");
        self.way = Some(way);
        Ok(way)
    }

    /// Selects the ADB keyboard and waits until it is up. It stays selected: each change would cost seconds.
    async fn select(&mut self, shell: &mut Shell, link: &Link, deadline: Deadline) -> Result<(), DriverErrorKind> {
        let before = selected(shell, link, deadline).await?;
        if before == ADB_KEYBOARD {
            // Left by a run that died, or by the owner's own choice; the mark tells them apart.
            if self.original.is_none() {
                self.original = left_behind(shell, link, deadline).await?;
            }
            return Ok(());
        }
        if is_method(&before) {
            // Before the deed, so that it can be undone by whoever comes next. Without storage it is done all the same.
            let word = quote(&before).map_err(|error| DriverErrorKind::Refused { why: error.to_string() })?;
            let marked = shell.run(link, &format!("echo {word} > {MARK}"), deadline).await?;
            if marked.status != 0 {
                tracing::warn!(said = answers::shortened(&marked.output), "cannot note which keyboard was selected");
            }
        }
        shell.run(link, &format!("ime set {ADB_KEYBOARD}"), deadline).await?.accepted()?;
        // Somebody's choice is restored; what cannot be one ("null", nonsense) is not.
        if self.original.is_none() && is_method(&before) {
            self.original = Some(before);
        }
        let patience = deadline.or_sooner(COMES_UP);
        let mut tries = Tries::new("the ADB keyboard is up");
        loop {
            let began = Instant::now();
            let now = selected(shell, link, deadline).await?;
            if now == ADB_KEYBOARD && connected(shell, link, deadline).await? {
                return Ok(());
            }
            tries.note(format!("{:?} is selected", answers::shortened(&now)));
            if patience.passed() {
                return Err(DriverErrorKind::TimedOut { tries: tries.tell(&patience) });
            }
            patience.rest_until(began + Duration::from_millis(20)).await;
        }
    }

    /// Selects what was selected at first, by us or by a run that died.
    pub async fn restore(&mut self, shell: &mut Shell, link: &Link, deadline: Deadline) -> Result<(), DriverErrorKind> {
        let original = match &self.original {
            Some(original) => original.clone(),
            None => match left_behind(shell, link, deadline).await? {
                Some(original) => original,
                None => return Ok(()),
            },
        };
        // Whoever has chosen another one since keeps it.
        if selected(shell, link, deadline).await? == ADB_KEYBOARD {
            // Checked by `is_method`, and quoted all the same.
            let word = quote(&original).map_err(|error| DriverErrorKind::Refused { why: error.to_string() })?;
            shell.run(link, &format!("ime set {word}"), deadline).await?.accepted()?;
        }
        shell.run(link, &format!("rm -f {MARK}"), deadline).await?;
        self.original = None;
        self.way = None;
        Ok(())
    }
}

/// What was selected before a run that did not put it back.
async fn left_behind(shell: &mut Shell, link: &Link, deadline: Deadline) -> Result<Option<String>, DriverErrorKind> {
    let mark = shell.run(link, &format!("cat {MARK}"), deadline).await?;
    let method = mark.output.trim();
    Ok((mark.status == 0 && is_method(method) && method != ADB_KEYBOARD).then(|| method.to_owned()))
}

async fn selected(shell: &mut Shell, link: &Link, deadline: Deadline) -> Result<String, DriverErrorKind> {
    let output = shell.run(link, "settings get secure default_input_method", deadline).await?.accepted()?;
    Ok(output.trim().to_owned())
}

/// Whether the input method service has begun to run, as far as the device tells: one that does not is not waited for.
async fn connected(shell: &mut Shell, link: &Link, deadline: Deadline) -> Result<bool, DriverErrorKind> {
    let command = "dumpsys input_method | grep -E 'mHaveConnection=|mHasConnection='";
    let ran = shell.run(link, command, deadline).await?;
    let says = |value: &str| {
        ["mHaveConnection=", "mHasConnection="].iter().any(|key| ran.output.contains(&format!("{key}{value}")))
    };
    Ok(says("true") || !says("false"))
}

/// Whether this names an input method: a package and a class.
fn is_method(text: &str) -> bool {
    let plain = |letter: u8| letter.is_ascii_alphanumeric() || b"._$/".contains(&letter);
    text.len() <= 255 && text.split('/').count() == 2 && text.bytes().all(plain)
}

/// Replaces what the field holds, in one round trip if the text is not long. False if another keyboard is selected, which
/// hears nothing of this.
async fn by_broadcast(shell: &mut Shell, link: &Link, text: &str, deadline: Deadline) -> Result<bool, DriverErrorKind> {
    // Named to its receiver: without a package every app that listens would hear what is typed.
    let to = format!("am broadcast -p {ADB_KEYBOARD_PACKAGE}");
    // The alphabet of base64 needs no quotes.
    let typing =
        pieces(text, PIECE_MAX).map(|piece| format!("{to} -a ADB_INPUT_B64 --es msg {}", STANDARD.encode(piece)));
    let commands: Vec<String> = std::iter::once(format!("{to} -a ADB_CLEAR_TEXT")).chain(typing).collect();
    for together in commands.chunks(PIECES_MAX) {
        let line = format!("settings get secure default_input_method && {}", together.join(" && "));
        let output = shell.run(link, &line, deadline).await?.accepted()?;
        if output.lines().next().map(str::trim) != Some(ADB_KEYBOARD) {
            return Ok(false);
        }
        if output.matches("Broadcast completed").count() < together.len() {
            let said = output.lines().skip(1).find(|line| !line.trim().is_empty()).unwrap_or_default();
            return Err(DriverErrorKind::Refused {
                why: format!("the keyboard was not reached: {}", answers::shortened(said)),
            });
        }
    }
    Ok(true)
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

async fn by_input(shell: &mut Shell, link: &Link, text: &str, deadline: Deadline) -> Result<(), DriverErrorKind> {
    let words = words(text)?;
    clear(shell, link, deadline).await?;
    for word in words {
        let command = match word {
            Word::Text(word) => {
                format!(
                    "input text {}",
                    quote(&word).map_err(|error| DriverErrorKind::Refused { why: error.to_string() })?
                )
            }
            Word::Enter => "input keyevent 66".to_owned(),
        };
        shell.run(link, &command, deadline).await?.accepted()?;
    }
    Ok(())
}

/// Empties the focused field without a keyboard of ours: select all and delete where the device knows chords (Android 13),
/// else letter by letter.
async fn clear(shell: &mut Shell, link: &Link, deadline: Deadline) -> Result<(), DriverErrorKind> {
    let chord = shell.run(link, "input keycombination 113 29", deadline).await?;
    if answers::refusal(chord.status, &chord.output).is_none() && !chord.output.contains("Unknown command") {
        shell.run(link, "input keyevent 67", deadline).await?.accepted()?;
        return Ok(());
    }
    // So many as the field says that it holds, which takes a second to ask and is right; a field that shows a hint may say
    // some more, which does no harm. Where nobody tells, as many as fields commonly hold.
    let held = match link.read("exec:uiautomator dump /dev/tty", 0, ANSWER_MAX).await {
        Ok(said) => hierarchy::tree(&String::from_utf8_lossy(&said)).ok(),
        Err(kind @ DriverErrorKind::Lost { .. }) => return Err(kind),
        Err(_) => None,
    };
    let field = held.as_ref().and_then(|tree| tree.focus()).filter(|field| !field.is_password);
    let held = field.map(|field| field.text.encode_utf16().count());
    let mut deletions = held.unwrap_or(DELETIONS);
    if deletions > TEXT_MAX {
        return Err(DriverErrorKind::Refused {
            why: format!("the field holds {deletions} letters, too many to delete one by one"),
        });
    }
    while deletions > 0 {
        let now = deletions.min(DELETIONS);
        let command = format!("input keyevent 123{}", " 67".repeat(now));
        shell.run(link, &command, deadline).await?.accepted()?;
        deletions -= now;
    }
    Ok(())
}

/// What `input` is told, one command each.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Word {
    /// An argument of `input text`, still to be quoted for the shell.
    Text(String),
    Enter,
}

/// `input text` has a spelling of its own: `%s` is a blank, and there is no way to say a percent sign before an s in one
/// command. It finds keys for letters, so what no key writes cannot be typed.
fn words(text: &str) -> Result<Vec<Word>, DriverErrorKind> {
    if let Some(letter) = text.chars().find(|letter| !matches!(letter, ' '..='~' | '\n')) {
        let why = format!(
            "this device can be sent plain ASCII only, and {letter:?} is not: install ADB Keyboard \
             ({ADB_KEYBOARD_PACKAGE}) on it to type any script"
        );
        return Err(DriverErrorKind::Refused { why });
    }
    let mut words = Vec::new();
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            words.push(Word::Enter);
        }
        let mut word = String::new();
        for letter in line.chars() {
            if letter == 's' && word.ends_with('%') {
                words.push(Word::Text(std::mem::take(&mut word)));
            }
            if letter == ' ' {
                word.push_str("%s");
            } else {
                word.push(letter);
            }
        }
        if !word.is_empty() {
            words.push(Word::Text(word));
        }
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: Expect) {
        expected.assert_eq(&words(text).map_or_else(|kind| kind.to_string(), |words| format!("{words:?}")));
    }

    #[test]
    fn words_for_input_text() {
        check("", expect!["[]"]);
        check("on my way", expect![[r#"[Text("on%smy%sway")]"#]]);
        check("100%sure", expect![[r#"[Text("100%"), Text("sure")]"#]]);
        check("a\nb", expect![[r#"[Text("a"), Enter, Text("b")]"#]]);
        check("it's $(fine)", expect![[r#"[Text("it's%s$(fine)")]"#]]);
        check(
            "你好",
            expect![
                "refused: this device can be sent plain ASCII only, and '你' is not: install ADB Keyboard (com.android.adbkeyboard) on it to type any script"
            ],
        );
        check(
            "a\tb",
            expect![[
                r"refused: this device can be sent plain ASCII only, and '\t' is not: install ADB Keyboard (com.android.adbkeyboard) on it to type any script"
            ]],
        );
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
            for word in words(&text).unwrap() {
                script += &match word {
                    Word::Text(word) => format!("input text {}\n", quote(&word).unwrap()),
                    Word::Enter => "input keyevent 66\n".to_owned(),
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
                let typed: String = words(&text)
                    .unwrap()
                    .iter()
                    .map(|word| match word {
                        Word::Text(word) => android(word),
                        Word::Enter => "\n".to_owned(),
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
