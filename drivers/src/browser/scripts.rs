//! Asks pages, in a world of our own in them: a page's scripts see nothing of it, and cannot change what it answers with.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};
use tapwright_contract::device::DriverErrorKind;

use super::Connection;
use super::tabs::{SeenDocument, Tab};
use crate::deadline::Deadline;

/// What our world in a page is called.
const WORLD: &str = "tapwright";

/// How long a page may take to answer what is asked of it. One that takes longer runs without end, as far as anybody can tell.
pub(super) const ANSWER_MAX: Duration = Duration::from_secs(3);

/// What is said of a page that does not answer.
fn no_answer(tab: &Tab, connection: &Connection) -> String {
    let whose = tab.front(&connection.sites).label;
    format!("the page of {whose} does not answer, as if its script ran without end; reload it or close its tab")
}

impl Connection {
    /// Calls a function, written in JavaScript, in a tab's page.
    ///
    /// # Errors
    /// `Stale` if the page went meanwhile, `TimedOut` if it does not answer, `MalformedResponse` if the function failed.
    pub(super) async fn ask(
        &self,
        tab: &Tab,
        function: &str,
        arguments: &[Value],
        deadline: Deadline,
    ) -> Result<Value, DriverErrorKind> {
        let soon = deadline.or_sooner(ANSWER_MAX);
        let answer = self.ask_frame(&tab.session, &tab.target, &call_expression(function, arguments), soon).await;
        self.note_silence(tab, answer)
    }

    /// Makes the document of a tab the one that was seen, and asks it something.
    ///
    /// # Errors
    /// As [`Connection::ask`].
    pub(super) async fn see(&self, tab: &Tab, function: &str, deadline: Deadline) -> Result<Value, DriverErrorKind> {
        let look = self.looks.fetch_add(1, Ordering::Relaxed) + 1;
        // In our own world of that very document: another one has another world, or was told another number.
        let answer = self
            .ask(tab, &format!("() => {{ globalThis.look = {look}; return ({function})() }}"), &[], deadline)
            .await?;
        let seen = SeenDocument { number: tab.number, generation: tab.generation, look };
        self.tabs.send_modify(|tabs| tabs.seen = Some(seen));
        Ok(answer)
    }

    /// Asks the document that was seen, and no other, whatever comes in between.
    ///
    /// # Errors
    /// As [`Connection::ask`]; `Stale` if it is not there any more.
    pub(super) async fn ask_seen(
        &self,
        tab: &Tab,
        function: &str,
        arguments: &[Value],
        deadline: Deadline,
    ) -> Result<Value, DriverErrorKind> {
        let seen = self.tabs.borrow().seen.filter(|seen| seen.number == tab.number).ok_or(DriverErrorKind::Stale)?;
        let guarded = format!("globalThis.look === {} ? [{}] : null", seen.look, call_expression(function, arguments));
        let soon = deadline.or_sooner(ANSWER_MAX);
        let answer = self.ask_frame(&tab.session, &tab.target, &guarded, soon).await;
        match self.note_silence(tab, answer)? {
            Value::Array(mut answer) => Ok(answer.pop().unwrap_or_default()),
            _ => Err(DriverErrorKind::Stale),
        }
    }

    /// Has the document that was seen, and no other, do something that takes its time: the function returns a promise. `None` if the
    /// document is not there any more, and nothing was done.
    ///
    /// # Errors
    /// As [`Connection::ask`]; `Stale` if the document went while it did it.
    pub(super) async fn ask_seen_to_do(
        &self,
        tab: &Tab,
        function: &str,
        arguments: &[Value],
        deadline: Deadline,
    ) -> Result<Option<Value>, DriverErrorKind> {
        let Some(seen) = self.tabs.borrow().seen.filter(|seen| seen.number == tab.number) else { return Ok(None) };
        let call = call_expression(function, arguments);
        let guarded = format!("globalThis.look === {} ? ({call}).then(answer => [answer]) : null", seen.look);
        match self.evaluate(&tab.session, &tab.target, &guarded, true, deadline).await? {
            Value::Array(mut answer) => Ok(answer.pop()),
            _ => Ok(None),
        }
    }

    /// Remembers of a tab that its page does not answer.
    pub(super) fn note_silence<T>(&self, tab: &Tab, answer: Result<T, DriverErrorKind>) -> Result<T, DriverErrorKind> {
        match answer {
            Err(DriverErrorKind::TimedOut { .. }) => {
                self.tabs.send_modify(|tabs| tabs.change(tab.number, |tab| tab.hangs = true));
                Err(DriverErrorKind::TimedOut { tries: no_answer(tab, self) })
            }
            answer => answer,
        }
    }

    /// What an expression comes to in a frame of a session.
    ///
    /// # Errors
    /// As [`Connection::ask`].
    pub(super) async fn ask_frame(
        &self,
        session: &str,
        frame: &str,
        expression: &str,
        deadline: Deadline,
    ) -> Result<Value, DriverErrorKind> {
        self.evaluate(session, frame, expression, false, deadline).await
    }

    async fn evaluate(
        &self,
        session: &str,
        frame: &str,
        expression: &str,
        waits: bool,
        deadline: Deadline,
    ) -> Result<Value, DriverErrorKind> {
        let session = Some(session);
        // One a document: asking again gives the same.
        let world = json!({"frameId": frame, "worldName": WORLD, "grantUniveralAccess": false});
        let world =
            self.client.call(session, "Page.createIsolatedWorld", world, deadline).await.map_err(stale_if_gone)?;
        let context = &world["executionContextId"];
        let params =
            json!({"expression": expression, "contextId": context, "returnByValue": true, "awaitPromise": waits});
        let mut answer =
            self.client.call(session, "Runtime.evaluate", params, deadline).await.map_err(stale_if_gone)?;
        if let Some(error) = answer.get("exceptionDetails") {
            let words = error["exception"]["description"].as_str().or(error["text"].as_str()).unwrap_or("unknown");
            return Err(DriverErrorKind::MalformedResponse { why: format!("the page cannot be read: {words:.300}") });
        }
        Ok(answer["result"]["value"].take())
    }
}

/// A function that is called with these arguments.
pub(super) fn call_expression(function: &str, arguments: &[Value]) -> String {
    let arguments: Vec<String> = arguments.iter().map(Value::to_string).collect();
    format!("({function})({})", arguments.join(","))
}

/// A page that went while it was asked has to be looked at again.
fn stale_if_gone(kind: DriverErrorKind) -> DriverErrorKind {
    let is_gone = |why: &str| {
        ["Cannot find context", "No frame for given id", "Execution context was destroyed", "Frame not found"]
            .iter()
            .any(|words| why.contains(words))
    };
    match kind {
        DriverErrorKind::Refused { why } if is_gone(&why) => DriverErrorKind::Stale,
        kind => kind,
    }
}
