//! Text in any script, key by key and exactly.

use std::time::Duration;

use tapwright_contract::device::DriverErrorKind;
use tokio::time::Instant;
use x11rb::protocol::xproto::EventMask;

use super::X11Desktop;
use crate::deadline::Deadline;
use crate::desktop::keysyms;
use crate::desktop::window::TERMINALS;

/// How many keys are pressed before it is looked whether they still go where they should.
const CHUNK: usize = 250;
/// How long an app may take to read what was typed, before keys that it may not have read are given another meaning after all.
const READ: Duration = Duration::from_secs(2);
/// The least time between two questions whether it has.
const READ_PAUSE: Duration = Duration::from_millis(2);
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
        let control = keysyms::of_modifier(tapwright_contract::gesture::Modifier::Control);
        if class.is_some_and(|class| TERMINALS.contains(&&*class.to_lowercase())) {
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
        let goes_to = self.call("to type", deadline, |link| link.focus()).await?;
        let mut typed = 0;
        while typed < symbols.len() {
            let chunk = symbols[typed..symbols.len().min(typed + CHUNK)].to_vec();
            let length = chunk.len();
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
            if count < length {
                self.wait_until_read(deadline).await?;
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
    /// given another one.
    async fn wait_until_read(&mut self, deadline: Deadline) -> Result<(), DriverErrorKind> {
        let asked = self
            .call("to wait for the app to read", deadline, |link| {
                let Some(window) = link.focus().and_then(|focus| link.owner(focus))? else { return Ok(None) };
                Ok(link.ping(window)?.then_some(window))
            })
            .await?;
        match asked {
            Some(window) => drop(self.is_responsive(window, deadline.or_sooner(READ), deadline).await?),
            None => deadline.rest_until(Instant::now() + READ_UNSEEN).await,
        }
        self.call("to type", deadline, |link| {
            link.listen(EventMask::NO_EVENT)?;
            link.keyboard.was_read();
            Ok(())
        })
        .await
    }
}
