//! What no picture of a page shows, drawn in a tab of ours, seen and touched there as anything is: its dialogs, that it does not
//! answer, that it has crashed. So a run goes on with a page in whatever state, and can leave it.

use std::time::Duration;

use serde_json::{Value, json};
use tapwright_contract::device::{DriverErrorKind, Front};

use super::Browser;
use super::tabs::{DIALOGS_MAX, Drawing, PageDialog, Tab};
use crate::deadline::Deadline;

/// How long a page that did not answer may take to show that it does by now, each time that is looked; and if it is waited for.
const PROBE: Duration = Duration::from_millis(300);
const WAIT: Duration = Duration::from_secs(3);

/// Something that is drawn.
#[derive(Clone, Debug)]
pub(super) struct DrawnNotice {
    /// The tab that it is about.
    of: u64,
    matter: Matter,
    /// The tab that it is drawn in.
    pub page: u64,
    /// Whose it is.
    pub front: Front,
}

/// What is the matter with a page.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Matter {
    /// It asks something.
    Dialog(PageDialog),
    /// It does not answer.
    Hangs,
    HasCrashed,
    /// It goes elsewhere, or loads itself anew, before it can be seen.
    IsRestless,
}

impl Matter {
    fn of(tab: &Tab) -> Option<Matter> {
        match &tab.dialog {
            _ if tab.drawing.is_some() => None,
            Some(dialog) => Some(Matter::Dialog(dialog.clone())),
            None if tab.has_crashed => Some(Matter::HasCrashed),
            None if tab.hangs => Some(Matter::Hangs),
            None => tab.is_restless.then_some(Matter::IsRestless),
        }
    }

    fn drawing(&self, of: u64) -> Drawing {
        match self {
            Matter::Dialog(_) => Drawing::Dialog { of },
            Matter::Hangs | Matter::HasCrashed | Matter::IsRestless => Drawing::Trouble { of },
        }
    }
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
</style><form><small>WHOSE</small><p>MESSAGE</p>FIELD<div>BUTTONS</div></form><script>
const say = answer => { document.documentElement.dataset.answer = answer };
const field = document.querySelector('input');
document.querySelector('form').onsubmit = event => { event.preventDefault(); say(document.querySelector('[type=submit]').value) };
for (const button of document.querySelectorAll('[type=button]')) button.onclick = () => say(button.value);
onkeydown = event => { if (event.key == 'Escape') say('no') };
(field || document.querySelector('[type=submit]')).focus();
if (field) field.select();
</script>"#;

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// What is written on a drawing.
struct DrawingText {
    whose: String,
    message: String,
    /// What a field holds at first, if there is one.
    field: Option<String>,
    /// The answers and what is written on their buttons, the one that Enter gives last.
    answers: Vec<(&'static str, &'static str)>,
}

impl DrawingText {
    fn of(matter: &Matter, whose: &str, asked: u32) -> DrawingText {
        let (whose, message, field, answers) = match matter {
            Matter::Dialog(dialog) => {
                let PageDialog { kind, message, default, .. } = dialog;
                let last = if asked >= DIALOGS_MAX {
                    ", which asks again and again: what else it asks now is answered with no"
                } else {
                    ""
                };
                let (message, field, answers) = match &**kind {
                    "alert" => (message.clone(), None, vec![("yes", "OK")]),
                    "prompt" => (message.clone(), Some(default.clone()), vec![("no", "Cancel"), ("yes", "OK")]),
                    "beforeunload" => {
                        let message = "Leave this page? What was entered may be lost.".to_owned();
                        (message, None, vec![("no", "Stay"), ("yes", "Leave")])
                    }
                    _ => (message.clone(), None, vec![("no", "Cancel"), ("yes", "OK")]),
                };
                (format!("{whose} says{last}"), message, field, answers)
            }
            Matter::Hangs => (
                whose.to_owned(),
                "The page does not answer, as if its script ran without end.".to_owned(),
                None,
                vec![("close", "Close tab"), ("back", "Go back"), ("reload", "Reload"), ("wait", "Wait")],
            ),
            Matter::IsRestless => (
                whose.to_owned(),
                "The page goes elsewhere again and again, before it can be seen.".to_owned(),
                None,
                vec![("close", "Close tab"), ("back", "Go back"), ("wait", "Look again")],
            ),
            Matter::HasCrashed => (
                whose.to_owned(),
                "The page has crashed.".to_owned(),
                None,
                vec![("close", "Close tab"), ("back", "Go back"), ("reload", "Reload")],
            ),
        };
        DrawingText { whose, message, field, answers }
    }

    fn html(&self, png: &str) -> String {
        let last = self.answers.len().saturating_sub(1);
        let button = |(at, (answer, word)): (usize, &(&str, &str))| {
            let kind = if at == last { "submit" } else { "button" };
            format!(r#"<button type="{kind}" value="{answer}">{word}</button>"#)
        };
        let buttons: String = self.answers.iter().enumerate().map(button).collect();
        let message = escaped(&self.message);
        let field =
            self.field.as_ref().map(|value| format!(r#"<input aria-label="{message}" value="{}">"#, escaped(value)));
        // The page's own words last: what they say is not replaced again.
        let (before, after) = PAGE.split_once("MESSAGE").unwrap_or_default();
        let (between, after) = after.split_once("FIELD").unwrap_or_default();
        let picture = format!("data:image/png;base64,{png}");
        let before = before.replace("PICTURE", &picture).replace("WHOSE", &escaped(&self.whose));
        let after = after.replace("BUTTONS", &buttons);
        format!("{before}{message}{between}{}{after}", field.unwrap_or_default())
    }
}

impl Browser {
    /// Draws what is the matter with the page in front, if something is, and passes on what was answered where it is drawn.
    pub(super) async fn keep_drawings(&mut self, deadline: Deadline) -> Result<(), DriverErrorKind> {
        if let Some(drawn) = self.drawn.clone() {
            let (of, page) = {
                let tabs = self.connection.tabs.borrow();
                let is_so = |tab: &&Tab| Matter::of(tab).as_ref() == Some(&drawn.matter);
                let page = tabs.tab(drawn.page).filter(|page| !page.has_crashed);
                (tabs.tab(drawn.of).filter(is_so).cloned(), page.cloned())
            };
            match (of, page) {
                (Some(of), Some(page)) => self.pass_answer(&drawn, &of, &page, deadline).await?,
                (Some(_) | None, _) => self.leave_drawing(deadline).await?,
            }
        }
        let Some(tab) = self.connection.tabs.borrow().front().cloned() else { return Ok(()) };
        let Some(matter) = Matter::of(&tab) else { return Ok(()) };
        let drawn = self.drawn.clone().filter(|drawn| (drawn.of, &drawn.matter) == (tab.number, &matter));
        match drawn.and_then(|drawn| self.connection.tabs.borrow().tab(drawn.page).cloned()) {
            Some(page) => self.connection.bring_to_front(&page),
            None => {
                self.leave_drawing(deadline).await?;
                self.draw(&tab, matter, deadline).await?;
            }
        }
        Ok(())
    }

    async fn draw(&mut self, tab: &Tab, matter: Matter, deadline: Deadline) -> Result<(), DriverErrorKind> {
        let front = tab.front(&self.connection.sites);
        let png = self.seen.as_ref().filter(|seen| seen.number == tab.number).map_or("", |seen| &seen.png);
        let html = DrawingText::of(&matter, &front.label, tab.dialogs_in_a_row).html(png);
        let page = self.connection.new_tab(deadline).await?;
        let drawing = matter.drawing(tab.number);
        self.connection.tabs.send_modify(|tabs| tabs.change(page.number, |page| page.drawing = Some(drawing)));
        let params = json!({"frameId": page.target, "html": html});
        let written = self.connection.client.call(Some(&page.session), "Page.setDocumentContent", params, deadline);
        if let Err(kind) = written.await {
            // An empty page would be no answer to anything.
            self.connection.bring_to_front(tab);
            drop(self.connection.close_tab(&page, deadline).await);
            return Err(kind);
        }
        self.drawn = Some(DrawnNotice { of: tab.number, matter, page: page.number, front });
        Ok(())
    }

    /// Does what was answered where something is drawn, if it was.
    async fn pass_answer(
        &mut self,
        drawn: &DrawnNotice,
        of: &Tab,
        page: &Tab,
        deadline: Deadline,
    ) -> Result<(), DriverErrorKind> {
        const ANSWER: &str = "() => [document.documentElement.dataset.answer || '', \
                              (document.querySelector('input') || {value: ''}).value]";
        let mut answer = self.connection.ask(page, ANSWER, &[], deadline).await?;
        let (words, text) = (answer[0].take(), answer[1].take());
        match (&drawn.matter, words.as_str().unwrap_or_default()) {
            (Matter::Dialog(_), "yes") => self.answer_dialog(of, true, text, deadline).await,
            (Matter::Dialog(_), "no") => self.answer_dialog(of, false, Value::Null, deadline).await,
            (Matter::Dialog(_), _) => Ok(()),
            (_, answer @ ("reload" | "back" | "close")) => {
                // First, so that it is not answered so once more if it cannot be done.
                self.leave_drawing(deadline).await?;
                self.connection.tabs.send_modify(|tabs| tabs.change(of.number, |tab| tab.is_restless = false));
                match answer {
                    "reload" => self.connection.reload(of, deadline).await,
                    "back" => self.connection.go(of, -1, deadline).await,
                    _ => self.connection.close_tab(of, deadline).await,
                }
            }
            (Matter::HasCrashed, _) => Ok(()),
            // Each look tries again.
            (Matter::IsRestless, _) => {
                self.connection.tabs.send_modify(|tabs| tabs.change(of.number, |tab| tab.is_restless = false));
                self.leave_drawing(deadline).await
            }
            (Matter::Hangs, answer) => {
                let is_waited_for = answer == "wait";
                let soon = deadline.or_sooner(if is_waited_for { WAIT } else { PROBE });
                // Drawn anew, if it still does not answer, so that it can be answered anew.
                if self.connection.answers(of, soon).await? || is_waited_for {
                    self.leave_drawing(deadline).await?;
                }
                Ok(())
            }
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
        let answered = asker.dialog.as_ref().map(|dialog| dialog.number);
        self.connection.tabs.send_modify(|tabs| {
            // It may ask the next thing already.
            tabs.change(asker.number, |tab| {
                tab.dialog.take_if(|dialog| Some(dialog.number) == answered);
            });
        });
        self.leave_drawing(deadline).await
    }

    /// Closes what is drawn, and lets the tab that it is about come to the front again if it was there.
    async fn leave_drawing(&mut self, deadline: Deadline) -> Result<(), DriverErrorKind> {
        let Some(drawn) = self.drawn.take() else { return Ok(()) };
        let (of, page) = {
            let tabs = self.connection.tabs.borrow();
            (tabs.tab(drawn.of).cloned(), tabs.tab(drawn.page).cloned())
        };
        let Some(page) = page else { return Ok(()) };
        let is_in_front = self.connection.tabs.borrow().front().is_some_and(|front| front.number == page.number);
        if let Some(of) = of.filter(|_| is_in_front) {
            self.connection.bring_to_front(&of);
        }
        self.connection.close_tab(&page, deadline).await
    }

    /// Answers the dialog that is drawn in front with no; whether there was one.
    pub(super) async fn dismiss_dialog(&mut self, deadline: Deadline) -> Result<bool, DriverErrorKind> {
        let asker = {
            let tabs = self.connection.tabs.borrow();
            match tabs.front().and_then(|front| front.drawing) {
                Some(Drawing::Dialog { of }) => tabs.tab(of).cloned(),
                Some(Drawing::Trouble { .. }) | None => None,
            }
        };
        let Some(asker) = asker else { return Ok(false) };
        self.answer_dialog(&asker, false, Value::Null, deadline).await?;
        Ok(true)
    }

    /// Closes a drawing that nobody has answered: a dialog goes on to ask its user.
    pub(super) async fn close_drawing(&mut self, deadline: Deadline) -> Result<(), DriverErrorKind> {
        self.leave_drawing(deadline).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_page_asks_cannot_draw_over_what_asks() {
        let message = "</p><script>alert(1)</script>OKAY BUTTONS FIELD MESSAGE WHOSE \"&";
        let dialog = |kind: &str| {
            Matter::Dialog(PageDialog {
                kind: kind.to_owned(),
                message: message.to_owned(),
                default: "\"><b>BUTTONS".to_owned(),
                number: 1,
            })
        };
        for kind in ["alert", "confirm", "prompt", "beforeunload", "a new kind"] {
            let html = DrawingText::of(&dialog(kind), "<i>evil", 1).html("AAAA");
            assert_eq!(html.matches("<script>").count(), 1, "{kind}");
            assert!(!html.contains("<i>") && !html.contains("<b>") && html.contains("&lt;i&gt;evil says<"), "{kind}");
            assert_eq!(html.contains("value=\"no\">"), kind != "alert", "{kind}");
            assert_eq!(html.matches("type=\"submit\"").count(), 1, "{kind}");
            let whole = html.contains("OKAY BUTTONS FIELD MESSAGE WHOSE &quot;&amp;");
            assert_eq!(whole, kind != "beforeunload", "{kind}");
        }
        assert!(
            DrawingText::of(&dialog("alert"), "evil", DIALOGS_MAX)
                .html("")
                .contains("evil says, which asks again and again")
        );
    }

    #[test]
    fn a_page_in_trouble_can_be_left() {
        for matter in [Matter::Hangs, Matter::HasCrashed, Matter::IsRestless] {
            let html = DrawingText::of(&matter, "a.example", 0).html("");
            for answer in ["back", "close"] {
                assert!(html.contains(&format!("value=\"{answer}\"")), "{matter:?}: {html}");
            }
        }
    }
}
