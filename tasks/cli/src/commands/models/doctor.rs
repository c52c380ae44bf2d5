//! `tapwright models doctor`

use console::style;
use tapwright_tasks::model::{Check, Examining, Fallback, LoadingStage, ModelCheckup, examine};

use crate::arguments::{Common, ModelArguments, ModelDoctorArguments};
use crate::config::{Config, Flags};
use crate::error::CliError;
use crate::exit::Exit;
use crate::narrator::Narrator;
use crate::output;

pub async fn perform(common: Common, arguments: ModelDoctorArguments) -> Result<Exit, CliError> {
    let ModelDoctorArguments { folder, computing, library } = arguments;
    let model = Some(folder.clone().into_os_string());
    let model = ModelArguments { model, computing, library, ..ModelArguments::default() };
    let config = Config::read(Flags::common(common).model(model))?;
    let narrator = Narrator::new(config.json, true, 0);
    let (said, mut hears) = tokio::sync::mpsc::channel(64);
    let examining = examine(&config.model, &folder, move |news| drop(said.try_send(news)));
    tokio::pin!(examining);
    let mut doing = "";
    let checkup = loop {
        tokio::select! {
            biased;
            Some(news) = hears.recv() => match news {
                Examining::LoadingStage(LoadingStage::Library(sentence)) => narrator.wait(&sentence),
                Examining::LoadingStage(LoadingStage::Note(sentence)) => narrator.note(&sentence),
                Examining::LoadingStage(LoadingStage::Building(progress)) if progress.doing != doing => {
                    doing = progress.doing;
                    narrator.wait(&format!("the model: {doing}"));
                }
                Examining::LoadingStage(LoadingStage::Building(_)) => {}
                Examining::Doing(sentence) => narrator.wait(sentence),
            },
            checkup = &mut examining => {
                narrator.go_on();
                break checkup?;
            }
        }
    };
    let exit = if checkup.is_well() { Exit::Done } else { Exit::Failed };
    if config.json {
        output::out(&serde_json::to_string(&checkup).unwrap_or_default());
    } else {
        tell(&checkup);
    }
    Ok(exit)
}

fn tell(checkup: &ModelCheckup) {
    let row = |mark: String, name: &str, text: &str| {
        for (n, line) in output::wrap(text, output::width().saturating_sub(23)).iter().enumerate() {
            let (mark, name) = if n == 0 { (mark.as_str(), name) } else { (" ", "") };
            output::out(&format!("  {mark}  {} {line}", style(format!("{name:<16}")).bold()));
        }
    };
    let plain = || " ".to_owned();
    let has = checkup.providers.join(", ");
    row(plain(), "folder", &checkup.folder.display().to_string());
    row(plain(), "onnx runtime", &format!("{}, {}; it has: {has}", checkup.library_version, checkup.library.display()));
    row(plain(), "provider", &format!("{}: {}", checkup.provider, checkup.why));
    if checkup.fallbacks.is_empty() {
        row(plain(), "fell back", "nothing");
    }
    for Fallback { graph, operator, provider, nodes } in &checkup.fallbacks {
        row(style("!").yellow().to_string(), "fell back", &format!("{graph}: {nodes} of {operator} to {provider}"));
    }
    for Check { what, passed, text } in &checkup.checks {
        let mark = if *passed { style("✓").green() } else { style("✗").red() };
        row(mark.to_string(), what, text);
    }
    let times = |engine: f64, raw: f64| format!("{:.2} times the bare session", engine / raw);
    let (decode, raw) = (checkup.decode_ms_per_token, checkup.raw_decode_ms_per_token);
    row(
        plain(),
        "a token",
        &format!("{decode:.2} ms behind {} others; bare {raw:.2} ms: {}", checkup.decode_past, times(decode, raw)),
    );
    let (prefill, raw) = (checkup.prefill_tokens_per_s, checkup.raw_prefill_tokens_per_s);
    let tokens = checkup.prefill_tokens;
    row(
        plain(),
        "a prompt",
        &format!("{prefill:.0} tokens a second, of {tokens}; bare {raw:.0}: {}", times(prefill, raw)),
    );
    let [columns, rows] = checkup.vision_tokens;
    row(plain(), "a picture", &format!("{:.1} ms for {columns}x{rows} tokens", checkup.vision_ms));
    let resident = checkup.resident_mib.map_or("unknown here".to_owned(), |resident| format!("{resident} MiB"));
    let (load, threads) = (checkup.load_ms, checkup.threads);
    row(plain(), "memory", &format!("{resident}; loaded in {load:.0} ms; {threads} threads"));
}
