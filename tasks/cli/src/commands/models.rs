//! `tapwright models`

use std::path::{Path, PathBuf};

use console::style;
use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use tapwright_tasks::model::{BuildError, Info, Progress, build, info};

use crate::arguments::{Common, ModelsCommand};
use crate::exit::Exit;
use crate::say;
use crate::trouble::Trouble;

pub async fn perform(common: Common, command: ModelsCommand) -> Result<Exit, Trouble> {
    // Reading gigabytes blocks; Ctrl-C ends the process at once, and a build appears whole or not at all.
    let work = move || match command {
        ModelsCommand::Build { hf_dir, out } => build_model(&hf_dir, &out, common.json),
        ModelsCommand::Info { folder } => tell(&folder, common.json),
    };
    tokio::task::spawn_blocking(work).await.map_err(|error| Trouble::new(Exit::Internal, &error))?
}

fn build_model(hf_dir: &Path, out: &PathBuf, json: bool) -> Result<Exit, Trouble> {
    let target = if json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let bar = ProgressBar::with_draw_target(None, target);
    let look = ProgressStyle::with_template("  {bar:24.cyan/dim} {bytes:>10}/{total_bytes}  {msg}  {eta:.dim}");
    bar.set_style(look.expect("it is a template").progress_chars("━━─"));
    let mut doing = "";
    let built = build(hf_dir, out, |progress: Progress| {
        if progress.doing != doing {
            doing = progress.doing;
            bar.set_message(doing);
        }
        bar.set_length(progress.total);
        bar.set_position(progress.done);
    })
    .map_err(|error| trouble(&error))?;
    bar.finish_and_clear();
    if json {
        let line = json!({"folder": built.folder, "digest": built.digest, "reused": built.reused});
        say::out(&line.to_string());
    } else {
        let how = if built.reused { "was there already, and is current" } else { "is built" };
        say::out(&format!("  {}  {} {how}", style("✓").green(), built.folder.display()));
    }
    Ok(Exit::Done)
}

fn tell(folder: &Path, json: bool) -> Result<Exit, Trouble> {
    let info = info(folder).map_err(|error| trouble(&error))?;
    if json {
        say::out(&serde_json::to_string(&info).unwrap_or_default());
        return Ok(Exit::Done);
    }
    let Info {
        architecture,
        built,
        digest,
        parameters,
        precision,
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
    let rows = [
        ("folder", format!("{}, {}", folder.display(), if built { "built" } else { "Hugging Face's" })),
        ("architecture", architecture.to_owned()),
        ("parameters", format!("{} in {precision}", HumanCount(parameters))),
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
        ("digest", digest),
    ];
    for (name, value) in rows {
        say::out(&format!("  {} {}", style(format!("{name:<13}")).dim(), say::flat(&value)));
    }
    Ok(Exit::Done)
}

fn trouble(error: &BuildError) -> Trouble {
    let exit = match error {
        BuildError::Unwritable { .. } | BuildError::Occupied { .. } => Exit::Unwritten,
        _ => Exit::NotReady,
    };
    Trouble::new(exit, error)
}
