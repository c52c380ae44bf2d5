//! `tapwright models`

mod doctor;
mod profile;
mod serve;

use std::path::Path;

use console::style;
use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use tapwright_tasks::model::{
    Build, BuildError, Info, Progress, ReferenceModel, TargetProvider, WeightFormat, build, info, random,
};

use crate::arguments::{Common, FormArgument, LikeArgument, ModelsCommand, ProviderArgument};
use crate::error::CliError;
use crate::exit::Exit;
use crate::output;

pub async fn perform(common: Common, command: ModelsCommand) -> Result<Exit, CliError> {
    match command {
        ModelsCommand::Build { hf_dir, out, precision, provider, block, exact } => {
            let how = Build { precision: form(precision), provider: runner(provider), block, exact };
            blocking(move || build_model(&hf_dir, &out, &how, common.json)).await
        }
        ModelsCommand::Random { folder, like, seed } => blocking(move || draw(&folder, like, seed, common.json)).await,
        ModelsCommand::Info { folder } => blocking(move || tell(&folder, common.json)).await,
        ModelsCommand::Profile(arguments) => blocking(move || profile::perform(arguments.command, common.json)).await,
        ModelsCommand::Serve(arguments) => serve::perform(common, arguments).await,
        ModelsCommand::Doctor(arguments) => doctor::perform(common, arguments).await,
    }
}

/// Reading gigabytes blocks; Ctrl-C ends the process at once, and a build appears whole or not at all.
async fn blocking(work: impl FnOnce() -> Result<Exit, CliError> + Send + 'static) -> Result<Exit, CliError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| CliError::new(Exit::Internal, &error))?
}

fn form(said: FormArgument) -> WeightFormat {
    match said {
        FormArgument::Fp32 => WeightFormat::Fp32,
        FormArgument::Fp16 => WeightFormat::Fp16,
        FormArgument::Bf16 => WeightFormat::Bf16,
        FormArgument::Int8 => WeightFormat::Int8,
        FormArgument::Int4 => WeightFormat::Int4,
    }
}

fn runner(said: ProviderArgument) -> TargetProvider {
    match said {
        ProviderArgument::Cpu => TargetProvider::Cpu,
        ProviderArgument::Cuda => TargetProvider::Cuda,
        ProviderArgument::Coreml => TargetProvider::Coreml,
        ProviderArgument::Webgpu => TargetProvider::Webgpu,
    }
}

/// Shows how far something has come, unless a program listens.
fn bar(json: bool) -> (ProgressBar, impl FnMut(Progress)) {
    let target = if json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let bar = ProgressBar::with_draw_target(None, target);
    let look = ProgressStyle::with_template("  {bar:24.cyan/dim} {bytes:>10}/{total_bytes}  {msg}  {eta:.dim}");
    bar.set_style(look.expect("it is a template").progress_chars("━━─"));
    let mut doing = "";
    let shown = bar.clone();
    let show = move |progress: Progress| {
        if progress.doing != doing {
            doing = progress.doing;
            shown.set_message(doing);
        }
        shown.set_length(progress.total);
        shown.set_position(progress.done);
    };
    (bar, show)
}

fn draw(folder: &Path, like: LikeArgument, seed: u64, json: bool) -> Result<Exit, CliError> {
    let like = match like {
        LikeArgument::Glm4v9b => ReferenceModel::Glm4v9b,
        LikeArgument::Glm4v04b => ReferenceModel::Glm4v04b,
        LikeArgument::Glm4vTiny => ReferenceModel::Glm4vTiny,
    };
    let (bar, show) = bar(json);
    random(like, folder, seed, show).map_err(|error| trouble(&error))?;
    bar.finish_and_clear();
    if json {
        output::out(&json!({"folder": folder.to_string_lossy(), "seed": seed}).to_string());
    } else {
        output::out(&format!("  {}  {} is drawn", style("✓").green(), folder.display()));
    }
    Ok(Exit::Done)
}

fn build_model(hf_dir: &Path, out: &Path, how: &Build, json: bool) -> Result<Exit, CliError> {
    let (bar, show) = bar(json);
    let built = build(hf_dir, out, how, show).map_err(|error| trouble(&error))?;
    bar.finish_and_clear();
    if json {
        let line = json!({"folder": built.folder.to_string_lossy(), "digest": built.digest, "reused": built.reused});
        output::out(&line.to_string());
    } else {
        let how = if built.reused { "was there already, and is current" } else { "is built" };
        output::out(&format!("  {}  {} {how}", style("✓").green(), built.folder.display()));
    }
    Ok(Exit::Done)
}

fn tell(folder: &Path, json: bool) -> Result<Exit, CliError> {
    let info = info(folder).map_err(|error| trouble(&error))?;
    if json {
        output::out(&serde_json::to_string(&info).unwrap_or_default());
        return Ok(Exit::Done);
    }
    let Info {
        architecture,
        built,
        digest,
        parameters,
        precision,
        build,
        bytes,
        layers,
        width,
        heads,
        kv_heads,
        vocabulary,
        positions_max,
        vision_layers,
        vision_width,
        tied,
    } = info;
    let form = build.map_or(String::new(), |build| {
        format!(", built as {:?} for {:?}", build.precision, build.provider).to_lowercase()
    });
    let rows = [
        ("folder", format!("{}, {}", folder.display(), if built { "built" } else { "Hugging Face's" })),
        ("architecture", architecture.to_owned()),
        ("parameters", format!("{} in {precision}{form}", HumanCount(parameters))),
        ("size", HumanBytes(bytes).to_string()),
        (
            "text",
            format!(
                "{layers} layers of {width}, {heads} heads over {kv_heads}, {} positions",
                HumanCount(positions_max)
            ),
        ),
        ("vision", format!("{vision_layers} layers of {vision_width}")),
        ("words", format!("{}{}", HumanCount(vocabulary), if tied { ", tied" } else { "" })),
        (
            "digest",
            digest.unwrap_or_else(|| "not known before it is built, as that means reading all of it".to_owned()),
        ),
    ];
    for (name, value) in rows {
        output::out(&format!("  {} {}", style(format!("{name:<13}")).dim(), output::flat(&value)));
    }
    Ok(Exit::Done)
}

fn trouble(error: &BuildError) -> CliError {
    let exit = match error {
        BuildError::Unwritable { .. } | BuildError::Unreplaced { .. } | BuildError::Occupied { .. } => Exit::Unwritten,
        _ => Exit::NotReady,
    };
    CliError::new(exit, error)
}
