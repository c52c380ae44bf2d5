//! `tapwright bench assets`: the files that OSWorld's tasks name by their addresses, fetched beforehand and looked at.

use std::path::Path;
use std::time::Duration;

use indicatif::HumanBytes;
use serde_json::json;
use tapwright_tasks::count_of;
use tapwright_tasks::osworld::assets::{Assets, WantedAsset, wanted_assets};
use tapwright_tasks::osworld::download::{AssetDownload, DownloadProgress, Fetched};

use super::osworld::{load, selection, tell_faulty};
use crate::arguments::{AssetArguments, AssetsCommand, Common};
use crate::error::CliError;
use crate::exit::Exit;
use crate::interrupt;
use crate::output;

/// How long a server may be silent.
const SILENCE: Duration = Duration::from_secs(60);
const TRIES: u32 = 5;

pub async fn perform(common: Common, command: AssetsCommand) -> Result<Exit, CliError> {
    let json = common.json;
    match command {
        AssetsCommand::Fetch(arguments) => {
            let assets = wanted(&arguments.assets)?;
            if arguments.dry_run {
                return Ok(list(&assets, json));
            }
            if let Some(mirror) = arguments.mirror.as_deref().filter(|mirror| !mirror.starts_with("http")) {
                return Err(CliError::usage(format!("--mirror {} is no address of the web", output::flat(mirror)))
                    .help("write it with http:// or https://"));
            }
            let folder = arguments.assets.to.clone();
            fetch(AssetDownload { folder, mirror: arguments.mirror, silence: SILENCE, tries: TRIES }, &assets, json)
                .await
        }
        AssetsCommand::Verify(arguments) => verify(&arguments.to, &wanted(&arguments)?, json),
    }
}

/// What the chosen tasks need, each file once.
fn wanted(arguments: &AssetArguments) -> Result<Vec<WantedAsset>, CliError> {
    let set = load(&arguments.tasks)?;
    let selection = selection(&arguments.tasks, &arguments.only, true)?;
    let tasks = set.select(&selection).map_err(|error| CliError::new(Exit::Usage, &error))?;
    tell_faulty(&set.selected_defects(&selection), "note:");
    let mut all: Vec<WantedAsset> = tasks.iter().flat_map(|task| wanted_assets(task)).collect();
    all.sort();
    all.dedup_by(|one, other| one.name == other.name);
    Ok(all)
}

fn list(assets: &[WantedAsset], json: bool) -> Exit {
    for WantedAsset { task, url, name, .. } in assets {
        output::out(&match json {
            true => json!({"task": task, "url": url, "name": name}).to_string(),
            false => format!("  {name}\n      {}", output::flat(url)),
        });
    }
    if json {
        output::out(&json!({"files": assets.len(), "exit": 0}).to_string());
    } else {
        output::out(&format!("  {}", count_of(assets.len() as u64, "file", "files")));
    }
    Exit::Done
}

async fn fetch(download: AssetDownload, assets: &[WantedAsset], json: bool) -> Result<Exit, CliError> {
    let bar = super::summary_output::bar(assets.len() as u64, json);
    let (mut done, mut bytes, mut failed) = (0_u64, 0_u64, 0_u64);
    let fetching = download.fetch(assets, |progress| match progress {
        DownloadProgress::Begun { name, bytes } => {
            let size = bytes.map_or_else(String::new, |bytes| format!(" ({})", HumanBytes(bytes)));
            bar.set_message(output::fit(&format!("{name}{size}"), output::width().saturating_sub(40)));
        }
        DownloadProgress::Bytes(more) => bytes += more,
        DownloadProgress::Ended { asset, came } => {
            bar.inc(1);
            done += u64::from(!matches!(came, Fetched::Failed { .. }));
            let (what, why) = match came {
                Fetched::Here => ("here", None),
                Fetched::Done { .. } => ("fetched", None),
                Fetched::Failed { why } => ("failed", Some(why)),
            };
            failed += u64::from(why.is_some());
            if json {
                let line = json!({"task": asset.task, "url": asset.url, "name": asset.name, "came": what, "why": why});
                output::out(&line.to_string());
            } else if let Some(why) = why {
                bar.suspend(|| output::err(&format!("  {}", output::flat(why))));
            }
        }
    });
    let mut stop = interrupt::listen();
    let result = tokio::select! {
        biased;
        () = stop.stopped() => return Ok(Exit::Stopped),
        result = fetching => result,
    };
    bar.finish_and_clear();
    result.map_err(|error| {
        let why = format!("{} cannot be used: {error}", download.folder.display());
        CliError::with_text(Exit::Unwritten, why).help("name a folder where you may write: --to FOLDER")
    })?;
    let exit = if failed > 0 { Exit::NotReady } else { Exit::Done };
    if json {
        output::out(
            &json!({"files": assets.len(), "here": done, "failed": failed, "bytes": bytes, "exit": exit.code()})
                .to_string(),
        );
    } else {
        let files = count_of(assets.len() as u64, "file", "files");
        output::out(&format!("  {done} of {files} here, {} fetched now", HumanBytes(bytes)));
        if failed > 0 {
            output::err(&format!(
                "  {failed} could not be had; the same command tries them again, from where they broke off"
            ));
        }
    }
    Ok(exit)
}

fn verify(folder: &Path, assets: &[WantedAsset], json: bool) -> Result<Exit, CliError> {
    let found = Assets::open(folder)?;
    let mut wrong = 0_u64;
    for asset in assets {
        let why = found.verify(asset).err().map(|error| error.to_string());
        wrong += u64::from(why.is_some());
        if json {
            let line =
                json!({"task": asset.task, "url": asset.url, "name": asset.name, "right": why.is_none(), "why": why});
            output::out(&line.to_string());
        } else if let Some(why) = why {
            output::out(&format!("  {}", output::flat(&why)));
        }
    }
    let exit = if wrong > 0 { Exit::NotReady } else { Exit::Done };
    if json {
        output::out(&json!({"files": assets.len(), "wrong": wrong, "exit": exit.code()}).to_string());
    } else {
        let files = count_of(assets.len() as u64, "file", "files");
        output::out(&format!("  {} of {files} are right", assets.len() as u64 - wrong));
    }
    Ok(exit)
}
