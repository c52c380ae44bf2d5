//! Asks pages, in a world of our own in them: a page's scripts see nothing of it, and cannot change what it answers with.

use serde_json::{Value, json};
use tapwright_contract::device::DriverErrorKind;

use super::Connection;
use super::tabs::Tab;
use crate::deadline::Deadline;

/// What our world in a page is called.
const WORLD: &str = "tapwright";

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
        self.ask_frame(&tab.session, &tab.target, function, arguments, deadline).await
    }

    /// The same, of a frame that has a session of its own.
    pub(super) async fn ask_frame(
        &self,
        session: &str,
        frame: &str,
        function: &str,
        arguments: &[Value],
        deadline: Deadline,
    ) -> Result<Value, DriverErrorKind> {
        let session = Some(session);
        // One a document: asking again gives the same.
        let world = json!({"frameId": frame, "worldName": WORLD, "grantUniveralAccess": false});
        let world = self.client.call(session, "Page.createIsolatedWorld", world, deadline).await.map_err(gone)?;
        let arguments: Vec<String> = arguments.iter().map(Value::to_string).collect();
        let expression = format!("({function})({})", arguments.join(","));
        let context = &world["executionContextId"];
        let params = json!({"expression": expression, "contextId": context, "returnByValue": true});
        let mut answer = self.client.call(session, "Runtime.evaluate", params, deadline).await.map_err(gone)?;
        if let Some(error) = answer.get("exceptionDetails") {
            let words = error["exception"]["description"].as_str().or(error["text"].as_str()).unwrap_or("unknown");
            return Err(DriverErrorKind::MalformedResponse { why: format!("the page cannot be read: {words:.300}") });
        }
        Ok(answer["result"]["value"].take())
    }
}

/// A page that went while it was asked has to be looked at again.
fn gone(kind: DriverErrorKind) -> DriverErrorKind {
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
