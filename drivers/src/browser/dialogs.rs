//! Dialogs of pages, which no picture of a page shows: they are drawn in a tab of ours, seen and touched there as anything is.

use serde_json::{Value, json};
use tapwright_contract::device::{DriverErrorKind, Front};

use super::Browser;
use super::tabs::{PageDialog, Tab};
use crate::deadline::Deadline;

/// A dialog that is drawn.
#[derive(Clone, Debug)]
pub(super) struct DrawnDialog {
    /// The tab whose page asks, and which of its dialogs it is.
    of: u64,
    dialog: u64,
    /// The tab that it is drawn in.
    pub page: u64,
    /// Whose it is.
    pub front: Front,
}

/// Answers with a click, with Enter and with Escape; `html.dataset.answer` says how.
const PAGE: &str = r#"<!doctype html><meta charset="utf-8"><title>Dialog</title><style>
html,body{margin:0;height:100%;font:16px sans-serif}
body{background:#777 url(PICTURE) top left/100% auto no-repeat;background-blend-mode:multiply}
form{position:absolute;left:50%;top:12%;transform:translateX(-50%);width:min(28em,90%);box-sizing:border-box;padding:1.2em;
background:#fff;border:1px solid #555;border-radius:8px;box-shadow:0 4px 24px #000a}
p{margin:0 0 1em;white-space:pre-wrap;overflow-wrap:anywhere;max-height:50vh;overflow:auto}small{color:#555}
input{width:100%;box-sizing:border-box;font:inherit;padding:.4em;margin-bottom:1em}
div{text-align:right}button{font:inherit;padding:.4em 1.4em;margin-left:.6em}
</style><form><small>WHOSE</small><p>MESSAGE</p>FIELD<div>CANCEL<button id="ok">OKAY</button></div></form><script>
const say = answer => { document.documentElement.dataset.answer = answer };
const field = document.querySelector('input');
document.querySelector('form').onsubmit = event => { event.preventDefault(); say('yes') };
const cancel = document.querySelector('#cancel');
if (cancel) cancel.onclick = () => say('no');
onkeydown = event => { if (event.key == 'Escape') say('no') };
(field || document.querySelector('#ok')).focus();
if (field) field.select();
</script>"#;

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

impl PageDialog {
    fn html(&self, whose: &str, png: &str) -> String {
        let button = |word: &str| format!(r#"<button type="button" id="cancel">{word}</button>"#);
        let (message, field, cancel, okay) = match &*self.kind {
            "alert" => (self.message.clone(), String::new(), String::new(), "OK"),
            "prompt" => {
                let field =
                    format!(r#"<input aria-label="{}" value="{}">"#, escaped(&self.message), escaped(&self.default));
                (self.message.clone(), field, button("Cancel"), "OK")
            }
            "beforeunload" => {
                ("Leave this page? What was entered may be lost.".to_owned(), String::new(), button("Stay"), "Leave")
            }
            _ => (self.message.clone(), String::new(), button("Cancel"), "OK"),
        };
        // The message last: what it says is not replaced again.
        let before = PAGE.split("MESSAGE").next().unwrap_or_default();
        let after = PAGE.split("MESSAGE").nth(1).unwrap_or_default();
        let picture = format!("data:image/png;base64,{png}");
        let before = before.replace("PICTURE", &picture).replace("WHOSE", &format!("{} says", escaped(whose)));
        let after = after.replace("OKAY", okay).replace("CANCEL", &cancel).replace("FIELD", &field);
        format!("{before}{}{after}", escaped(&message))
    }
}

impl Browser {
    /// Draws the dialog of the page in front, if it has one, and answers one that was answered where it is drawn.
    pub(super) async fn keep_dialogs(&mut self, deadline: Deadline) -> Result<(), DriverErrorKind> {
        if let Some(drawn) = self.drawn.clone() {
            let (asker, page) = {
                let tabs = self.connection.tabs.borrow();
                let asks = |tab: &&Tab| tab.dialog.as_ref().is_some_and(|dialog| dialog.number == drawn.dialog);
                (tabs.tab(drawn.of).filter(asks).cloned(), tabs.tab(drawn.page).cloned())
            };
            match (asker, page) {
                (Some(asker), Some(page)) => self.pass_answer(&asker, &page, deadline).await?,
                (_, page) => {
                    self.drawn = None;
                    self.leave_dialog(drawn.of, page.as_ref(), deadline).await?;
                }
            }
        }
        let Some(tab) = self.connection.tabs.borrow().front().cloned() else { return Ok(()) };
        let Some(dialog) = tab.dialog.clone() else { return Ok(()) };
        let drawn = self.drawn.clone().filter(|drawn| (drawn.of, drawn.dialog) == (tab.number, dialog.number));
        let there = drawn.and_then(|drawn| self.connection.tabs.borrow().tab(drawn.page).cloned());
        match there {
            Some(page) => self.connection.bring_to_front(&page),
            None => self.draw(&tab, &dialog, deadline).await?,
        }
        Ok(())
    }

    async fn draw(&mut self, tab: &Tab, dialog: &PageDialog, deadline: Deadline) -> Result<(), DriverErrorKind> {
        let front = tab.front(&self.connection.sites);
        let png = self.seen.as_ref().filter(|seen| seen.number == tab.number).map_or("", |seen| &seen.png);
        let html = dialog.html(&front.label, png);
        let page = self.connection.new_tab(deadline).await?;
        self.connection.tabs.send_modify(|tabs| tabs.show_dialog_in(page.number));
        self.drawn = Some(DrawnDialog { of: tab.number, dialog: dialog.number, page: page.number, front });
        let params = json!({"frameId": page.target, "html": html});
        self.connection.client.call(Some(&page.session), "Page.setDocumentContent", params, deadline).await?;
        Ok(())
    }

    /// Tells the page that asks how it was answered, if it was.
    async fn pass_answer(&mut self, asker: &Tab, page: &Tab, deadline: Deadline) -> Result<(), DriverErrorKind> {
        const ANSWER: &str = "() => [document.documentElement.dataset.answer || '', \
                              (document.querySelector('input') || {value: ''}).value]";
        let answer = self.connection.ask(page, ANSWER, &[], deadline).await?;
        match answer[0].as_str() {
            Some("yes") => self.answer_dialog(asker, true, answer[1].clone(), deadline).await,
            Some("no") => self.answer_dialog(asker, false, Value::Null, deadline).await,
            _ => Ok(()),
        }
    }

    async fn answer_dialog(
        &mut self,
        asker: &Tab,
        accept: bool,
        text: Value,
        deadline: Deadline,
    ) -> Result<(), DriverErrorKind> {
        let mut params = json!({"accept": accept});
        if text.is_string() {
            params["promptText"] = text;
        }
        let answered =
            self.connection.client.call(Some(&asker.session), "Page.handleJavaScriptDialog", params, deadline);
        match answered.await {
            // Refused if nobody asks any more.
            Ok(_) | Err(DriverErrorKind::Refused { .. } | DriverErrorKind::Stale) => {}
            Err(kind) => return Err(kind),
        }
        self.connection.tabs.send_modify(|tabs| tabs.forget_dialog(asker.number));
        let page = self.drawn.take().and_then(|drawn| self.connection.tabs.borrow().tab(drawn.page).cloned());
        self.leave_dialog(asker.number, page.as_ref(), deadline).await
    }

    async fn leave_dialog(&mut self, of: u64, page: Option<&Tab>, deadline: Deadline) -> Result<(), DriverErrorKind> {
        let asker = self.connection.tabs.borrow().tab(of).cloned();
        if let (Some(asker), Some(page)) = (asker, page)
            && self.connection.tabs.borrow().front().is_some_and(|front| front.number == page.number)
        {
            self.connection.bring_to_front(&asker);
        }
        match page {
            Some(page) => self.connection.close_tab(page, deadline).await,
            None => Ok(()),
        }
    }

    /// Answers the dialog that is drawn in front with no; whether there was one.
    pub(super) async fn dismiss_dialog(&mut self, deadline: Deadline) -> Result<bool, DriverErrorKind> {
        let Some(drawn) = self.drawn.clone() else { return Ok(false) };
        let asker = {
            let tabs = self.connection.tabs.borrow();
            if tabs.front().is_none_or(|front| front.number != drawn.page) {
                return Ok(false);
            }
            tabs.tab(drawn.of).cloned()
        };
        let Some(asker) = asker else { return Ok(false) };
        self.answer_dialog(&asker, false, Value::Null, deadline).await?;
        Ok(true)
    }

    /// Closes the tab of a dialog that nobody has answered, which goes on to ask its user.
    pub(super) async fn close_drawn_dialogs(&mut self, deadline: Deadline) -> Result<(), DriverErrorKind> {
        let Some(drawn) = self.drawn.take() else { return Ok(()) };
        let page = self.connection.tabs.borrow().tab(drawn.page).cloned();
        self.leave_dialog(drawn.of, page.as_ref(), deadline).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_page_asks_cannot_draw_over_what_asks() {
        let message = "</p><script>alert(1)</script>OKAY CANCEL FIELD \"&";
        let dialog = |kind: &str| PageDialog {
            kind: kind.to_owned(),
            message: message.to_owned(),
            default: "\"><b>".to_owned(),
            number: 1,
        };
        for kind in ["alert", "confirm", "prompt", "beforeunload", "a new kind"] {
            let html = dialog(kind).html("<i>evil", "AAAA");
            assert_eq!(html.matches("<script>").count(), 1, "{kind}");
            assert!(!html.contains("<i>") && !html.contains("<b>") && html.contains("&lt;i&gt;evil says"), "{kind}");
            assert_eq!(html.contains("id=\"cancel\">"), kind != "alert", "{kind}");
            assert_eq!(html.contains("OKAY CANCEL FIELD &quot;&amp;"), kind != "beforeunload", "{kind}");
        }
    }
}
