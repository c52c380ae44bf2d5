//! Enters text, exactly, into what has the focus.

use serde_json::{Value, json};
use tapwright_contract::device::DriverErrorKind;
use tapwright_contract::gesture::{KeyName, Modifier};

use super::Browser;
use super::keys::KeyCode;
use super::tabs::Tab;
use crate::deadline::Deadline;
use crate::refused;

const FOCUS: &str = include_str!("fields.js");
/// No text is longer.
const TEXT_MAX: usize = 200_000;

impl Browser {
    /// Enters a text; a line break is Enter.
    pub(super) async fn enter_text(
        &mut self,
        text: &str,
        replace: bool,
        deadline: Deadline,
    ) -> Result<(), DriverErrorKind> {
        if text.len() > TEXT_MAX {
            return Err(refused(format!("{TEXT_MAX} bytes of text at a time are the most")));
        }
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        if let Some(bad) = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
            return Err(refused(format!("no key types the character U+{:04X}", u32::from(bad))));
        }
        let tab = self.current()?;
        let focus = self.connection.ask_seen(&tab, FOCUS, &[replace.into(), text.as_str().into()], deadline).await?;
        match focus.as_str() {
            Some("done") => return Ok(()),
            Some("none") | None => return Err(refused("no field has the focus; tap the field first")),
            // A field in a frame of another site: only the keyboard gets there.
            Some("frame") if replace => self.select_all(&tab, deadline).await?,
            Some("frame" | "text") => {}
            Some(why) => return Err(refused(why)),
        }
        let mut calls: Vec<(&'static str, Value)> = Vec::new();
        if replace && (text.is_empty() || text.starts_with('\n')) {
            // Nothing is inserted that would replace what is selected.
            let delete = KeyName::new("Delete").expect("a name of the standard");
            calls.extend(KeyCode::of(&delete, false).stroke(&[]).map(|stroke| ("Input.dispatchKeyEvent", stroke)));
        }
        for (number, line) in text.split('\n').enumerate() {
            if number > 0 {
                calls.extend(KeyCode::enter().stroke(&[]).map(|stroke| ("Input.dispatchKeyEvent", stroke)));
            }
            if !line.is_empty() {
                calls.push(("Input.insertText", json!({"text": line})));
            }
        }
        self.input(&tab, calls, deadline).await
    }

    async fn select_all(&mut self, tab: &Tab, deadline: Deadline) -> Result<(), DriverErrorKind> {
        let a = KeyName::new("a").expect("a character");
        let strokes = KeyCode::of(&a, false).stroke(&[Modifier::Control]);
        self.input(tab, strokes.map(|stroke| ("Input.dispatchKeyEvent", stroke)).into(), deadline).await
    }
}
