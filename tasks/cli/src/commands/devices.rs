//! `tapwright devices`

use console::{Alignment, pad_str, style};
use serde_json::json;
use tapwright_tasks::device::{DeviceAddress, machine_state, without_machine_token};
use tapwright_tasks::{DeviceState, devices, private_browser_lacks, private_lacks};

use crate::arguments::{Common, DevicesArguments};
use crate::config::{Config, Flags};
use crate::error::CliError;
use crate::exit::Exit;
use crate::output;

pub async fn perform(common: Common, arguments: DevicesArguments) -> Result<Exit, CliError> {
    let config = Config::read(Flags::common(common).server(arguments.server))?;
    let found = devices(&config.adb_server, config.device.probe).await;
    let mut rows =
        vec![("virtual".to_owned(), "ready".to_owned(), "a virtual phone, drawn for each run".to_owned(), true)];
    if let Some(display) = &config.desktop_display {
        rows.push(("desktop".to_owned(), "ready".to_owned(), format!("the desktop of {display}"), true));
    }
    for (device, lacks, about) in [
        ("desktop:private", private_lacks(), "a desktop of its own for each run"),
        ("browser", private_browser_lacks(), "a browser of its own for each run"),
    ] {
        let (state, ready) = lacks.map_or(("ready".to_owned(), true), |lacks| (lacks, false));
        rows.push((device.to_owned(), state, about.to_owned(), ready));
    }
    if let DeviceAddress::Machine(machine) = &config.device.at {
        let (state, ready) = match machine_state(machine, config.device.probe).await {
            Ok(()) => ("ready".to_owned(), true),
            Err(why) => (why, false),
        };
        let address = without_machine_token(&machine.address);
        rows.push((format!("osworld:{address}"), state, "a machine behind OSWorld's control server".to_owned(), ready));
    }
    for device in found.as_deref().unwrap_or_default() {
        let (state, ready) = match &device.state {
            DeviceState::Ready => ("ready".to_owned(), true),
            DeviceState::Offline => ("offline".to_owned(), false),
            DeviceState::Unauthorized => ("unauthorized: confirm this computer on the phone".to_owned(), false),
            DeviceState::Other(words) => (words.clone(), false),
        };
        rows.push((device.serial.clone(), state, device.model.clone(), ready));
    }
    if config.json {
        for (device, state, model, ready) in rows {
            output::out(&json!({"device": device, "state": state, "model": model, "ready": ready}).to_string());
        }
        return Ok(Exit::Done);
    }
    for (device, state, model, ready) in rows {
        let mark = if ready { style("✓").green() } else { style("!").yellow() };
        let name = pad_str(&output::flat(&device), 24, Alignment::Left, None).into_owned();
        output::out(&format!(
            "  {mark}  {}  {}  {}",
            style(name).bold(),
            output::flat(&state),
            style(output::flat(&model)).dim()
        ));
    }
    if found.is_err() {
        output::out("");
        let told =
            format!("no adb server at {}: for phones on USB start one with `adb start-server`", config.adb_server);
        for line in output::wrap(&told, output::width() - 2) {
            output::out(&format!("  {}", style(line).dim()));
        }
    }
    Ok(Exit::Done)
}
