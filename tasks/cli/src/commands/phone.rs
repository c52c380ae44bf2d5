//! `tapwright phone`

use std::io;

use console::style;
use serde_json::json;
use tapwright_tasks::page_server::PageServerOptions;
use tapwright_tasks::serve::{self, ServePhoneError};

use crate::arguments::{Common, ServePhoneArguments};
use crate::config::{Config, Flags, page_folder};
use crate::error::CliError;
use crate::exit::Exit;
use crate::interrupt;
use crate::opener;
use crate::output;

pub async fn perform(common: Common, arguments: ServePhoneArguments) -> Result<Exit, CliError> {
    let config = Config::read(Flags { phone: arguments.phone, weather: arguments.weather, ..Flags::records(common) })?;
    let stop = interrupt::listen();
    let listen = arguments.listen;
    let access = serve::access(&arguments.keys).map_err(|error| {
        CliError::usage(error.to_string()).help("adb writes it beside the private key: ~/.android/adbkey.pub")
    })?;
    let is_open = matches!(access, serve::Access::Anybody);
    let phone = &serve::PhoneOptions {
        language: arguments.language,
        appearance: arguments.appearance,
        caret_blinks: arguments.caret_blinks,
        animations: arguments.animations,
        motion: arguments.motion,
        ..config.phone.clone()
    };
    let window = arguments.window.map(|listen| PageServerOptions { listen, open: arguments.window_open });
    // For as long as the window is there.
    let mut redirect = None;
    let identity = serve::Identity { api: arguments.api_level, ..serve::Identity::default() };
    let options = serve::DaemonOptions { access, identity, ..serve::DaemonOptions::default() };
    let served = serve::phone(listen, phone, &config.device.weather, options, window, stop, |address, window| {
        if let Some(url) = window.filter(|_| arguments.open) {
            redirect = opener::open(url, &page_folder());
        }
        if config.json {
            let (width, height) = (phone.width, phone.height);
            let mut told = json!({"listen": address.to_string(), "seed": phone.seed, "width": width, "height": height});
            if let Some(url) = window {
                told["window"] = url.into();
            }
            output::out(&told.to_string());
            return;
        }
        let bold = |text: String| style(text).bold();
        output::out(&format!(
            "\n  A virtual phone, {}x{}, seed {}, at {}\n",
            phone.width,
            phone.height,
            phone.seed,
            bold(address.to_string())
        ));
        if let Some(url) = window {
            output::out(&format!("    in a browser: {}\n", bold(url.to_owned())));
        }
        output::out(&format!("    {}", bold(format!("adb connect {address}"))));
        output::out(&format!("    {}", bold(format!("adb -s {address} exec-out screencap -p > screen.png"))));
        output::out(&format!("    {}", bold(format!("tapwright run 'Turn Wi-Fi on' --device {address}"))));
        output::out(&format!("\n  {}", style("Ctrl-C stops it.").dim()));
        if !is_open {
            let rule = "Only with the keys that were given; other computers wait until they are allowed on its screen.";
            output::out(&format!("  {}", style(rule).dim()));
        } else if !address.ip().is_loopback() {
            let warning = "it wants no key: whoever reaches this address can use it";
            output::err(&format!("  {} {warning}", style("warning:").yellow().bold().for_stderr()));
        }
    });
    let served = served.await;
    drop(redirect);
    served.map_err(|error| match error {
        ServePhoneError::Listen { ref source, .. } => {
            let is_taken = source.kind() == io::ErrorKind::AddrInUse;
            let trouble = CliError::new(Exit::NotReady, &error);
            match is_taken {
                true => trouble.help("take another port, or any that is free: --listen 127.0.0.1:0"),
                false => trouble,
            }
        }
        ServePhoneError::Window(error) => CliError::of_pages(&error, "--window", "--window-open"),
    })?;
    Ok(Exit::Done)
}
