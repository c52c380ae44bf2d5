//! `tapwright phone`

use std::io;

use console::style;
use serde_json::json;
use tapwright_tasks::serve;

use crate::arguments::{Common, Phone};
use crate::config::{Config, Given};
use crate::exit::Exit;
use crate::interrupt;
use crate::say;
use crate::trouble::Trouble;

pub async fn perform(common: Common, arguments: Phone) -> Result<Exit, Trouble> {
    let config = Config::read(Given { phone: arguments.phone, weather: arguments.weather, ..Given::common(common) })?;
    let stop = interrupt::listen();
    let listen = arguments.listen;
    let access = serve::access(&arguments.keys).map_err(|error| {
        Trouble::usage(error.to_string()).help("adb writes it beside the private key: ~/.android/adbkey.pub")
    })?;
    let is_open = matches!(access, serve::Access::Anybody);
    let phone = &config.phone;
    let served = serve::phone(listen, phone, &config.device.weather, access, stop, |address| {
        if config.json {
            let (width, height) = (phone.width, phone.height);
            say::out(
                &json!({"listen": address.to_string(), "seed": phone.seed, "width": width, "height": height})
                    .to_string(),
            );
            return;
        }
        let bold = |text: String| style(text).bold();
        say::out(&format!(
            "\n  A virtual phone, {}x{}, seed {}, at {}\n",
            phone.width,
            phone.height,
            phone.seed,
            bold(address.to_string())
        ));
        say::out(&format!("    {}", bold(format!("adb connect {address}"))));
        say::out(&format!("    {}", bold(format!("adb -s {address} exec-out screencap -p > screen.png"))));
        say::out(&format!("    {}", bold(format!("tapwright run 'Turn Wi-Fi on' --device {address}"))));
        say::out(&format!("\n  {}", style("Ctrl-C unplugs it.").dim()));
        if !is_open {
            let rule = "Only with the keys that were given; other computers wait until they are allowed on its screen.";
            say::out(&format!("  {}", style(rule).dim()));
        } else if !address.ip().is_loopback() {
            let warning = "it wants no key: whoever reaches this address can use it";
            say::err(&format!("  {} {warning}", style("warning:").yellow().bold().for_stderr()));
        }
    });
    served.await.map_err(|error| {
        let trouble = Trouble::said(Exit::NotReady, format!("nothing can listen at {listen}: {error}"));
        match error.kind() {
            io::ErrorKind::AddrInUse => trouble.help("take another port, or any that is free: --listen 127.0.0.1:0"),
            _ => trouble,
        }
    })?;
    Ok(Exit::Done)
}
