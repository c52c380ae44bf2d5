//! `tapwright serve-osworld`

use std::env;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use console::style;
use serde_json::json;
use tapwright_tasks::machine_server::{self, MachineServerError, MachineServerOptions, PrivateMachines};

use crate::arguments::{Common, ServeOsworldArguments};
use crate::error::CliError;
use crate::exit::Exit;
use crate::interrupt;
use crate::output;

pub async fn perform(common: Common, arguments: ServeOsworldArguments) -> Result<Exit, CliError> {
    let ServeOsworldArguments { listen, size, token_env, open } = arguments;
    let token = token_env.as_deref().map(token).transpose()?;
    let stop = interrupt::listen();
    let source = PrivateMachines { folder: env::temp_dir(), size };
    let with_token = token.is_some();
    let options = MachineServerOptions { listen, token, open };
    let ready = |at: SocketAddr, name: &str| {
        if common.json {
            let told = json!({
                "listen": at.to_string(), "machine": name, "width": size.width, "height": size.height, "token": with_token,
            });
            output::out(&told.to_string());
        } else {
            welcome(at, name, token_env.as_deref());
        }
    };
    machine_server::serve(options, Arc::new(source), stop, ready).await.map_err(trouble)?;
    Ok(Exit::Done)
}

/// The secret in a variable of the environment.
fn token(variable: &str) -> Result<String, CliError> {
    #[allow(clippy::disallowed_methods)] // The binary is where the environment is read.
    let token = env::var(variable);
    let is_plain = |token: &str| token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte));
    match token {
        Ok(token) if !token.is_empty() && is_plain(&token) => Ok(token),
        Ok(token) if !token.is_empty() => {
            Err(CliError::usage(format!("the token in {variable} has characters that an address cannot hold"))
                .help("take letters, digits, - and _"))
        }
        _ => Err(CliError::usage(format!("there is no token in the variable {variable}"))
            .help(format!("set it: export {variable}=$(openssl rand -hex 16)"))),
    }
}

/// What to type next.
fn welcome(at: SocketAddr, name: &str, variable: Option<&str>) {
    let bold = |text: String| style(text).bold();
    let with_token = variable.map(|variable| format!("${variable}@")).unwrap_or_default();
    let url = format!("http://{with_token}{at}");
    output::out(&format!("\n  {} behind OSWorld's control protocol, at {}\n", output::flat(name), bold(url.clone())));
    output::out(&format!("    {}", bold(format!("curl -o screen.png \"{url}/screenshot\""))));
    output::out(&format!("    {}", bold(format!("tapwright run 'Open a terminal' --device \"osworld:{url}\""))));
    output::out(&format!(
        "\n  {}",
        style("Ctrl-C stops it. docs/osworld-machines.md says how OSWorld's harness is attached.").dim()
    ));
    if !at.ip().is_loopback() {
        let warning = "whoever has the token runs any command on the desktop, and what they send is not encrypted";
        output::err(&format!("  {} {warning}", style("warning:").yellow().bold().for_stderr()));
    }
}

fn trouble(error: MachineServerError) -> CliError {
    match &error {
        MachineServerError::Listen { source, .. } => {
            let trouble = CliError::new(Exit::NotReady, &error);
            match source.kind() == io::ErrorKind::AddrInUse {
                true => trouble.help("take another port, or any that is free: --listen 127.0.0.1:0"),
                false => trouble,
            }
        }
        MachineServerError::Open { .. } => CliError::new(Exit::Usage, &error)
            .help("if that is wanted: --open --token-env VARIABLE. An SSH tunnel or a private network is safer"),
        MachineServerError::NoToken { .. } => {
            CliError::new(Exit::Usage, &error).help("ask for one: --token-env VARIABLE")
        }
        MachineServerError::Machine(_) => {
            CliError::new(Exit::NotReady, &error).help("see what is missing: tapwright doctor")
        }
    }
}
