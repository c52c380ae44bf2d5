//! Text in any script, key by key and exactly.

use std::time::Duration;

use tapwright_contract::device::DriverErrorKind;
use tapwright_contract::gesture::Modifier;
use tokio::time::Instant;
use x11rb::protocol::xproto::EventMask;

use super::X11Desktop;
use super::clipboard::{Clipboard, Selection};
use crate::deadline::Deadline;
use crate::desktop::apps::reads_layout_late;
use crate::desktop::keysyms;
use crate::desktop::window::is_terminal;

/// How many keys are pressed before it is looked whether they still go where they should.
const CHUNK: usize = 250;
/// How long an app may take to read what was typed, before keys get another meaning that it may not have read by then.
const READ: Duration = Duration::from_secs(30);
/// How long another program may take to tell what is on the clipboard.
const TELL: Duration = Duration::from_secs(2);
/// The least time between two questions whether it has.
const READ_PAUSE: Duration = Duration::from_millis(2);
/// How soon a browser that fetches a text asks for it again, at least and at most.
const ASKED_AGAIN: Duration = Duration::from_millis(200);
const ASKED_AGAIN_MAX: Duration = Duration::from_secs(3);
/// How much longer it may take to ask again than it took to ask at all, which is what a busy machine makes of both.
const ASKED_AGAIN_RATIO: u32 = 4;
/// How long one that gives no sign of having read is waited for.
const READ_UNSEEN: Duration = Duration::from_millis(60);

impl X11Desktop {
    /// Removes what the field with the focus holds, or selects it, so that the first key replaces it. In a terminal, removes the line
    /// up to its beginning.
    pub(super) async fn clear_field(&mut self, for_good: bool, deadline: Deadline) -> Result<(), DriverErrorKind> {
        let class = self
            .call("to see what has the focus", deadline, |link| {
                let owner = link.focus().and_then(|focus| link.owner(focus))?;
                owner.map_or(Ok(None), |window| link.class_of(window))
            })
            .await?;
        let control = keysyms::of_modifier(Modifier::Control);
        if is_terminal(class.as_deref()) {
            return self.press_key(&[control], u32::from('u'), deadline).await;
        }
        self.press_key(&[control], u32::from('a'), deadline).await?;
        if for_good {
            self.press_key(&[], keysyms::BACKSPACE, deadline).await?;
        }
        Ok(())
    }

    /// Types symbols one after the other, all of them or with an error that says how far it came.
    pub(super) async fn type_symbols(&mut self, symbols: Vec<u32>, deadline: Deadline) -> Result<(), DriverErrorKind> {
        let (goes_to, is_late) = self
            .call("to type", deadline, |link| {
                let focus = link.focus()?;
                let owner = match link.owner(focus)? {
                    Some(window) => link.owner_of(window)?,
                    None => None,
                };
                Ok((focus, owner.is_some_and(|owner| reads_layout_late(&owner))))
            })
            .await?;
        let mut typed = 0;
        while typed < symbols.len() {
            let mut length = CHUNK.min(symbols.len() - typed);
            if is_late {
                let line = line_of(&symbols[typed..]);
                let part = symbols[typed..][..line.chars().count()].to_vec();
                if self.call("to type", deadline, move |link| link.has_no_keys_for(&part)).await? {
                    self.paste(PasteInto::Browser, &line, deadline).await?;
                    typed += line.chars().count();
                    continue;
                }
                // Up to the end of the line, and that key.
                length = length.min(line.chars().count().max(1));
            }
            let chunk = symbols[typed..typed + length].to_vec();
            let count = self
                .call("to type", deadline, move |link| match link.focus()? == goes_to {
                    true => link.type_some(&chunk).map(Some),
                    false => Ok(None),
                })
                .await?;
            let Some(count) = count else {
                let why = format!(
                    "another window took the keys after {typed} of {} characters; look what is in front now",
                    symbols.len()
                );
                return Err(DriverErrorKind::Refused { why });
            };
            typed += count;
            if count < length && !self.wait_until_read(typed, deadline).await? {
                let line = line_of(&symbols[typed..]);
                self.paste(PasteInto::Terminal, &line, deadline).await?;
                typed += line.chars().count();
            }
        }
        Ok(())
    }

    /// Whether an app that was asked for a sign of life gives it soon: no failure if it does not, whatever the server takes meanwhile.
    pub(super) async fn is_responsive(
        &mut self,
        window: u32,
        soon: Deadline,
        deadline: Deadline,
    ) -> Result<bool, DriverErrorKind> {
        loop {
            if self.call("an app's sign of life", deadline, move |link| link.has_answered(window)).await? {
                return Ok(true);
            }
            soon.rest_until(Instant::now() + READ_PAUSE).await;
            if soon.is_over() {
                return Ok(false);
            }
        }
    }

    /// Waits until the app with the focus has read the keys that were pressed, so that those that were borrowed for a character can be
    /// given another one. Returns false of a terminal that gives no sign of having read: it may be as slow as it likes, and would show
    /// other characters than were typed.
    ///
    /// # Errors
    /// `Refused` if it does not read: it would get other characters than were typed.
    async fn wait_until_read(&mut self, typed: usize, deadline: Deadline) -> Result<bool, DriverErrorKind> {
        let asked = self
            .call("to wait for the app to read", deadline, |link| {
                let Some(window) = link.focus().and_then(|focus| link.owner(focus))? else { return Ok(None) };
                let answers = link.ping(window)?;
                Ok(Some((window, answers, is_terminal(link.class_of(window)?.as_deref()))))
            })
            .await?;
        match asked {
            Some((window, true, _)) if !self.is_responsive(window, deadline.or_sooner(READ), deadline).await? => {
                let why = format!("the app does not read what is typed; {typed} characters were");
                return Err(DriverErrorKind::Refused { why });
            }
            Some((_, true, _)) => {}
            Some((_, false, true)) => return Ok(false),
            _ => deadline.rest_until(Instant::now() + READ_UNSEEN).await,
        }
        self.call("to type", deadline, |link| {
            link.listen(EventMask::NO_EVENT)?;
            link.keyboard.was_read();
            Ok(())
        })
        .await?;
        Ok(true)
    }

    /// Has the app with the focus fetch a part of a line, after all keys that were pressed before and ahead of those that are pressed next.
    /// What was marked in another window is marked no more for whoever pastes it; a text on the clipboard is put back.
    async fn paste(&mut self, into: PasteInto, text: &str, deadline: Deadline) -> Result<(), DriverErrorKind> {
        let (selection, held, key) = match into {
            PasteInto::Terminal => (Selection::Primary, keysyms::SHIFT, keysyms::INSERT),
            PasteInto::Browser => (Selection::Clipboard, keysyms::of_modifier(Modifier::Control), u32::from('v')),
        };
        let mut clipboard = match self.selections.remove(&selection) {
            Some(clipboard) => clipboard,
            None => {
                let entrance = self.options.entrance.clone();
                let opened = tokio::task::spawn_blocking(move || Clipboard::open(&entrance, selection)).await;
                let opened = opened.map_err(|error| DriverErrorKind::Lost { why: error.to_string() })?;
                opened.map_err(|fault| fault.0)?
            }
        };
        let before = match selection {
            Selection::Clipboard => {
                let soon = deadline.or_sooner(TELL);
                let read = soon.hold("the clipboard", async { Ok(clipboard.read().await.ok()) });
                read.await.ok().flatten().flatten()
            }
            Selection::Primary => None,
        };
        let taken = deadline
            .hold("the app to fetch the text", async {
                clipboard.write(text.to_owned()).await.map_err(|fault| fault.0)?;
                let pressed = Instant::now();
                self.press_key(&[held], key, deadline).await?;
                let mut taken = clipboard.taken().await;
                let again = (pressed.elapsed() * ASKED_AGAIN_RATIO).clamp(ASKED_AGAIN, ASKED_AGAIN_MAX);
                // Browsers ask for it in several forms, one after the other, and take nothing if it is another text by then.
                while into == PasteInto::Browser && taken.is_some() {
                    deadline.rest_until(Instant::now() + again).await;
                    let now = clipboard.taken().await;
                    if std::mem::replace(&mut taken, now) == now {
                        break;
                    }
                }
                Ok(taken.is_some())
            })
            .await;
        // It may be a secret.
        let is_back = match before {
            Some(before) => clipboard.write(before).await.is_ok(),
            None => false,
        };
        if !is_back {
            clipboard.clear().await;
        }
        self.selections.insert(selection, clipboard);
        match taken? {
            true => Ok(()),
            false => Err(DriverErrorKind::Lost { why: "the connection by which apps fetch a text ended".to_owned() }),
        }
    }
}

/// Who fetches a text, and by which keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PasteInto {
    Terminal,
    Browser,
}

/// The characters up to the next key that is none, such as Enter.
fn line_of(symbols: &[u32]) -> String {
    symbols.iter().map_while(|symbol| keysyms::character_of(*symbol)).collect()
}
