//! APIs that whoever starts a run registers: a request over HTTP, or a program. Each of a call's arguments is put into a place
//! that was made for it, as data of that place: never an address or another field of a request, and of a program an argument or its
//! input. What a program does with its argument is the program's: scripts are refused where that can be seen, as in `sh -c`, and
//! nothing more is promised. What MCP servers offer is in [`mcp`], what
//! services offer that an OpenAPI document describes in [`openapi`].

mod described;
mod http;
mod interpreter;
pub mod mcp;
pub mod openapi;
mod template;

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use tapwright_agent::apis::Registry;
use tapwright_agent::calls::ApiCatalog;
use tapwright_agent::secrets::{LOOKAHEAD_BYTES, Secrets, names};
use tapwright_contract::api::{ApiError, ApiSpec, Apis};

use crate::process::{Program, ProgramError, ProgramOutput, run};

pub use self::described::UnofferedApi;

/// An API, as somebody writes it down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiEndpoint {
    /// What it is called, and what may be said to it.
    pub spec: ApiSpec,
    pub how: ApiTransport,
    /// How long a call may take.
    pub within: Duration,
    /// How much of an answer is read.
    pub answer_bytes_max: usize,
}

/// How an API is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiTransport {
    Http(HttpApi),
    Command(CommandApi),
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpApi {
    pub method: String,
    /// Arguments may be in its query.
    pub url: String,
    /// Secrets may be in their values.
    pub headers: BTreeMap<String, String>,
    /// Arguments may be in it.
    pub body: Option<String>,
    /// What of a JSON answer the model is told.
    pub pointer: Option<String>,
}

/// A program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandApi {
    /// The call's arguments may be in them; what is in none of them the program reads.
    pub argv: Vec<String>,
    /// Secrets may be in their values.
    pub env: BTreeMap<String, String>,
}

/// What is wrong with a spec.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidApi(String);

/// Registers APIs by their names.
///
/// # Errors
/// `InvalidApi` with the name of the one that cannot be called.
pub fn registry(
    specs: &BTreeMap<String, ApiEndpoint>,
    secrets: &Secrets,
) -> Result<Registry<'static>, (String, InvalidApi)> {
    let mut registry = Registry::default();
    for (name, spec) in specs {
        let bad = |bad| (name.clone(), bad);
        spec.check().map_err(bad)?;
        let reveal = |fields: &BTreeMap<String, String>| {
            let fields = fields.iter().map(|(key, value)| Ok((key.clone(), secrets.reveal(value)?)));
            fields.collect::<Result<BTreeMap<_, _>, String>>().map_err(|name| {
                InvalidApi(format!("the secret {name:?} is not configured: add [policy.secrets.{name}]"))
            })
        };
        let api: Box<dyn Apis> = match &spec.how {
            ApiTransport::Http(http) => {
                let headers = reveal(&http.headers).map_err(bad)?;
                Box::new(http::HttpCaller::new(http, &headers, spec, secrets).map_err(bad)?)
            }
            ApiTransport::Command(command) => {
                let env = reveal(&command.env).map_err(bad)?;
                let command = CommandApi { env, ..command.clone() };
                Box::new(CommandCaller { command, spec: spec.clone(), secrets: secrets.clone() })
            }
        };
        registry.add(api).map_err(|(name, error)| (name, InvalidApi(error.to_string())))?;
    }
    Ok(registry)
}

impl ApiEndpoint {
    /// Whether it can be called, as far as can be said without its secrets.
    ///
    /// # Errors
    /// `InvalidApi` if not.
    pub fn check(&self) -> Result<(), InvalidApi> {
        let mut catalog = ApiCatalog::default();
        catalog.add(self.spec.clone()).map_err(|error| InvalidApi(error.to_string()))?;
        let known: Vec<&str> = catalog.iter().flat_map(|(_, schema)| schema.properties()).collect();
        match &self.how {
            ApiTransport::Http(http) => http.check(&known),
            ApiTransport::Command(command) => command.check(&known),
        }
    }

    /// The secrets that it needs, by name.
    pub fn secrets(&self) -> Vec<&str> {
        let fields = match &self.how {
            ApiTransport::Http(http) => &http.headers,
            ApiTransport::Command(command) => &command.env,
        };
        fields.values().flat_map(|value| names(value)).collect()
    }
}

impl CommandApi {
    fn check(&self, known: &[&str]) -> Result<(), InvalidApi> {
        for argument in &self.argv {
            template::check(argument, known)?;
        }
        let Some(program) = self.argv.first().filter(|program| !program.is_empty()) else {
            return Err(InvalidApi("command names no program: command = [\"PROGRAM\", \"ARGUMENT\"]".to_owned()));
        };
        if template::has_places(program) {
            return Err(InvalidApi("what the model says cannot choose the program".to_owned()));
        }
        if self.argv.iter().any(|argument| !names(argument).is_empty()) {
            return Err(InvalidApi(
                "all who use this machine can see a program's arguments; a secret goes into env = { NAME = \"…\" }"
                    .to_owned(),
            ));
        }
        // There it would be a program of the model's.
        if interpreter::runs_arguments(&self.argv) {
            return Err(InvalidApi(
                "what the model says would be run as a script, or opened, which starts what is a program; have the program \
                 read it, and have files opened by `files.open`"
                    .to_owned(),
            ));
        }
        Ok(())
    }
}

/// A program that is an API.
struct CommandCaller {
    command: CommandApi,
    spec: ApiEndpoint,
    secrets: Secrets,
}

#[async_trait]
impl Apis for CommandCaller {
    fn specs(&self) -> Vec<ApiSpec> {
        vec![self.spec.spec.clone()]
    }

    async fn call(&mut self, _name: &str, arguments: &Value, within: Duration) -> Result<String, ApiError> {
        let CommandApi { argv, env } = &self.command;
        let refused = |why: &str| Err(ApiError::Refused { why: why.to_owned() });
        let reads = !argv.iter().any(|argument| template::has_places(argument));
        let given: Vec<String> =
            argv.iter().map(|argument| template::fill(argument, arguments, str::to_owned)).collect();
        let input = template::whole(arguments);
        if given.iter().chain([&input]).any(|argument| argument.contains('\0')) {
            return refused("an argument contains a NUL character, which no program can be given");
        }
        let ended = argv.iter().position(|argument| argument == "--").unwrap_or(argv.len());
        let options = argv.iter().zip(&given).take(ended);
        if options.into_iter().any(|(place, given)| template::begins_with_a_place(place) && given.starts_with('-')) {
            return refused("an argument of this API does not begin with a dash");
        }
        let argv = given;
        let program = Program {
            argv: &argv,
            env: env.clone(),
            own_group: true,
            input: reads.then_some(input),
            within: within.min(self.spec.within),
            output_bytes_max: self.spec.answer_bytes_max.saturating_add(LOOKAHEAD_BYTES),
        };
        let ProgramOutput { status, out, err, .. } = run(program).await.map_err(|error| match error {
            ProgramError::Start { .. } => ApiError::Refused { why: error.to_string() },
            ProgramError::Late { .. } | ProgramError::Broke { .. } => ApiError::Unanswered { why: error.to_string() },
        })?;
        if !status.success() {
            let err = String::from_utf8_lossy(&err);
            let said = err.trim().lines().next_back().unwrap_or_default();
            let colon = if said.is_empty() { "" } else { ": " };
            return Err(ApiError::Unanswered { why: format!("it ended with {status}{colon}{said}") });
        }
        Ok(text(&out, self.spec.answer_bytes_max, "text", &self.secrets))
    }
}

/// What a model is told of an answer: as much as `bytes_max`. So much more was read that no secret in it is cut in two, and
/// only a part of it known.
fn text(bytes: &[u8], bytes_max: usize, kind: &str, secrets: &Secrets) -> String {
    let more = bytes.len() > bytes_max;
    let fits = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        // A limit can fall into the middle of a sign.
        Err(error) if more && error.error_len().is_none() => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => {
            return format!(
                "done; the answer is no text ({kind}, {} bytes{})",
                bytes.len().min(bytes_max),
                if more { " and more" } else { "" }
            );
        }
    };
    match (fits.trim(), more) {
        ("", false) => "done".to_owned(),
        (text, false) => text.to_owned(),
        (text, true) => {
            let text = secrets.redact_within(text, bytes_max);
            format!("(the answer is longer than {bytes_max} bytes; this is its beginning) {text}")
        }
    }
}

#[cfg(test)]
mod tests;
