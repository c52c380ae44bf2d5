//! `tapwright setup`

use console::style;
use serde_json::json;
use tapwright_tasks::model::library;

use crate::arguments::{Common, Setup};
use crate::config::{Config, Given};
use crate::exit::Exit;
use crate::say;
use crate::trouble::Trouble;

pub async fn perform(common: Common, arguments: Setup) -> Result<Exit, Trouble> {
    let config = Config::read(Given::common(common).library(arguments.library))?;
    let found = library(&config.model.library, |sentence| {
        if !config.json {
            say::err(&format!("  {sentence}"));
        }
    })
    .await
    .map_err(|error| Trouble::new(Exit::NotReady, &error))?;
    if config.json {
        say::out(&json!({"library": found.path, "origin": found.origin.to_string()}).to_string());
    } else {
        let mark = style("✓").green();
        say::out(&format!("  {mark}  ONNX Runtime is there: {} ({})", found.path.display(), found.origin));
    }
    Ok(Exit::Done)
}
