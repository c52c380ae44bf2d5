//! `tapwright models serve`

use std::env;
use std::net::SocketAddr;
use std::sync::Arc;

use console::style;
use serde_json::json;
use tapwright_tasks::model::{ApiKey, LoadingStage};
use tapwright_tasks::serve::{self, ModelServer, ModelServerError, Observer, RequestSummary, ServeError, UrlPolicy};

use crate::arguments::{Common, ModelArguments, ServeModelArguments, UrlsArgument};
use crate::config::{Config, Flags};
use crate::error::CliError;
use crate::exit::Exit;
use crate::interrupt;
use crate::output;

pub async fn perform(common: Common, arguments: ServeModelArguments) -> Result<Exit, CliError> {
    let ServeModelArguments {
        folder,
        listen,
        api_key_env,
        without_key,
        allow_urls,
        queue,
        name,
        profile,
        computing,
        library,
    } = arguments;
    let model = Some(folder.clone().into_os_string());
    let model = ModelArguments { model, profile, computing, library, ..ModelArguments::default() };
    let config = Config::read(Flags::common(common).model(model))?;
    let key = api_key_env.as_deref().map(key).transpose()?;
    let json = config.json;
    let observer: Option<Observer> =
        json.then(|| Arc::new(|served: &RequestSummary| output::out(&line(served))) as Observer);
    let how = ModelServer {
        listen,
        name,
        key,
        open_to_all: without_key,
        urls: match allow_urls {
            None => UrlPolicy::None,
            Some(UrlsArgument::Public) => UrlPolicy::Public,
            Some(UrlsArgument::Any) => UrlPolicy::Any,
        },
        queue: queue.into(),
        observer,
    };
    let opening = move |opening| {
        if let (LoadingStage::Library(sentence) | LoadingStage::Note(sentence), false) = (opening, json) {
            output::err(&format!("  {}", style(sentence).dim().for_stderr()));
        }
    };
    let stop = interrupt::listen();
    let with_key = api_key_env.is_some();
    let ready = |at: SocketAddr, name: &str, context: u32| {
        if json {
            output::out(
                &json!({"listen": at.to_string(), "model": name, "key": with_key, "context": context}).to_string(),
            );
        } else {
            welcome(at, name, context, api_key_env.as_deref());
        }
    };
    serve::model(&folder, &config.model, how, stop, opening, ready).await.map_err(trouble)?;
    Ok(Exit::Done)
}

/// The secret in a variable of the environment.
fn key(variable: &str) -> Result<ApiKey, CliError> {
    #[allow(clippy::disallowed_methods)] // The binary is where the environment is read.
    let key = env::var(variable);
    match key {
        Ok(key) if !key.trim().is_empty() => Ok(ApiKey(key.trim().to_owned())),
        _ => Err(CliError::usage(format!("there is no key in the variable {variable}"))
            .help(format!("set it: export {variable}=$(openssl rand -hex 16)"))),
    }
}

/// Open-AutoGLM's own prompts, a screenshot and an answer take so many tokens; a smaller model was not trained on them either.
const OPEN_AUTOGLM_TOKENS: u32 = 8192;

/// What to type next.
fn welcome(at: SocketAddr, name: &str, context: u32, variable: Option<&str>) {
    let bold = |text: String| style(text).bold();
    let url = format!("http://{at}/v1");
    let shown = variable.map_or("EMPTY".to_owned(), |variable| format!("${variable}"));
    output::out(&format!("\n  {} at {}\n", bold(output::flat(name)), bold(url.clone())));
    output::out("  Open-AutoGLM:");
    if context < OPEN_AUTOGLM_TOKENS {
        let why = format!(
            "its prompts take about {OPEN_AUTOGLM_TOKENS} tokens with a screenshot, and this model reads {context}: serve AutoGLM-Phone-9B for it"
        );
        output::out(&format!("    {}", style(why).dim()));
    } else {
        let command = format!("python main.py --base-url {url} --model {name} --apikey {shown} 'Open Settings'");
        output::out(&format!("    {}", bold(command)));
    }
    output::out("  The package openai:");
    let python = variable.map_or("\"EMPTY\"".to_owned(), |variable| format!("os.environ[\"{variable}\"]"));
    output::out(&format!("    {}", bold(format!("client = openai.OpenAI(base_url=\"{url}\", api_key={python})"))));
    output::out(&format!(
        "    {}",
        bold(format!(
            "client.chat.completions.create(model=\"{name}\", messages=[{{\"role\": \"user\", \"content\": \"Hi\"}}])"
        ))
    ));
    output::out("  Tapwright itself:");
    let with_key = variable.map_or_else(String::new, |variable| format!(" --model-key-env {variable}"));
    let run = format!("tapwright run 'Turn Wi-Fi on' --model {url} --model-name {name}{with_key}");
    output::out(&format!("    {}", bold(run)));
    output::out(&format!("\n  {}", style("Ctrl-C stops it; answers that are under way end first.").dim()));
    if !at.ip().is_loopback() && variable.is_none() {
        let warning = "it wants no key: whoever reaches this address can use it";
        output::err(&format!("  {} {warning}", style("warning:").yellow().bold().for_stderr()));
    }
}

/// A request as a line for programs.
fn line(served: &RequestSummary) -> String {
    let RequestSummary { outcome, status, usage, pictures, stream, first, whole } = served;
    json!({
        "request": outcome.name(),
        "status": status,
        "prompt": usage.prompt,
        "cached": usage.cached,
        "answer": usage.answer,
        "pictures": pictures,
        "stream": stream,
        "first_ms": first.map(|first| first.as_millis() as u64),
        "ms": whole.as_millis() as u64,
    })
    .to_string()
}

fn trouble(error: ModelServerError) -> CliError {
    match error {
        ModelServerError::Model(error) => error.into(),
        ModelServerError::Listen { .. } => {
            CliError::new(Exit::NotReady, &error).help("take another port, or any that is free: --listen 127.0.0.1:0")
        }
        ModelServerError::Serve(ServeError::Open { .. }) => CliError::new(Exit::Usage, &error)
            .help("ask for a key with --api-key-env VARIABLE, or let everybody in with --without-key"),
        ModelServerError::Serve(_) => CliError::new(Exit::NotReady, &error),
    }
}
