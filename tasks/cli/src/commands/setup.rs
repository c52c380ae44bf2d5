//! `tapwright setup`

use console::style;
use indicatif::HumanBytes;
use serde_json::json;
use tapwright_tasks::model::{
    CudaDownload, CudaError, CudaPackage, FoundLibrary, LibraryDownload, LibraryOptions, cuda_download, fetch_cuda,
    library, library_download,
};
use tapwright_tasks::osworld::environment::{self, EnvironmentPlan, EnvironmentReport};

use crate::arguments::{Common, SetupArguments};
use crate::config::{Config, Flags, user_cache};
use crate::error::CliError;
use crate::exit::Exit;
use crate::output;

pub async fn perform(common: Common, arguments: SetupArguments) -> Result<Exit, CliError> {
    let config = Config::read(Flags::common(common).library(arguments.library))?;
    if arguments.gpu {
        return gpu(&config.model.library, arguments.dry_run, config.json).await;
    }
    if arguments.osworld {
        return osworld(arguments.media, arguments.dry_run, config.json).await;
    }
    if arguments.dry_run {
        return would_fetch(&config.model.library, config.json).await;
    }
    let found = library(&config.model.library, |sentence| {
        if !config.json {
            output::err(&format!("  {sentence}"));
        }
    })
    .await
    .map_err(|error| CliError::new(Exit::NotReady, &error))?;
    tell_library(&found, config.json);
    Ok(Exit::Done)
}

/// OSWorld's own evaluator, in an environment of its own.
async fn osworld(with_media: bool, dry_run: bool, json: bool) -> Result<Exit, CliError> {
    let Some(folder) = user_cache().map(|cache| cache.join(environment::FOLDER)) else {
        return Err(CliError::with_text(Exit::NotReady, "there is no folder of the user's to keep it in".to_owned())
            .help("set HOME, or make an environment of your own and name it: --osworld-python FILE"));
    };
    let plan = environment::plan(&folder, with_media);
    if dry_run {
        tell_environment_plan(&plan, json);
        return Ok(Exit::Done);
    }
    let installing = environment::install(&plan, |sentence| {
        if !json {
            output::err(&format!("  {sentence}"));
        }
    });
    let EnvironmentReport { python: version, evaluator, missing } = installing.await.map_err(|error| {
        let help = error.help();
        CliError::new(Exit::NotReady, &error).help(help)
    })?;
    let python = environment::python_in(&folder);
    if json {
        let line =
            json!({"python": python.to_string_lossy(), "version": version, "evaluator": evaluator, "missing": missing});
        output::out(&line.to_string());
    } else {
        let mark = style("✓").green();
        output::out(&format!("  {mark}  OSWorld's own evaluator is there: {}", python.display()));
        if !missing.is_empty() {
            let line =
                "without what scores sound and films (4 of the 369 tasks): tapwright setup --osworld --media adds it";
            output::out(&format!("     {}", style(line).dim()));
        }
    }
    Ok(Exit::Done)
}

fn tell_environment_plan(plan: &EnvironmentPlan, json: bool) {
    let EnvironmentPlan { folder, packages, megabytes, download_megabytes, free_megabytes } = plan;
    if json {
        let line = json!({
            "packages": packages, "without_dependencies": [environment::PACKAGE], "target": folder.to_string_lossy(),
            "megabytes": megabytes, "download_megabytes": download_megabytes, "free_megabytes": free_megabytes,
        });
        output::out(&line.to_string());
        return;
    }
    let free = free_megabytes.map_or(String::new(), |free| format!("; {free} MB are free"));
    output::out(&format!(
        "  pip would download about {download_megabytes} MB, which take {megabytes} MB on the disk{free}: {} {}",
        packages.join(" "),
        environment::PACKAGE
    ));
    output::out(&format!("  {}", style(folder.display()).dim()));
}

fn tell_library(found: &FoundLibrary, json: bool) {
    if json {
        output::out(&json!({"library": found.path.to_string_lossy(), "origin": found.origin.to_string()}).to_string());
    } else {
        let mark = style("✓").green();
        output::out(&format!("  {mark}  ONNX Runtime is there: {} ({})", found.path.display(), found.origin));
    }
}

/// Looks, and fetches nothing.
async fn would_fetch(options: &LibraryOptions, json: bool) -> Result<Exit, CliError> {
    let error = match library(&LibraryOptions { fetch: false, ..options.clone() }, |_| ()).await {
        Ok(found) => {
            tell_library(&found, json);
            return Ok(Exit::Done);
        }
        Err(error) => error,
    };
    // A library that was named is that one or none.
    let download = library_download(options).filter(|_| options.named.is_none());
    let Some(LibraryDownload { version, megabytes, clients, target }) = download else {
        return Err(CliError::new(Exit::NotReady, &error));
    };
    if json {
        let line =
            json!({"version": version, "megabytes": megabytes, "clients": clients, "target": target.to_string_lossy()});
        output::out(&line.to_string());
    } else {
        output::out(&format!(
            "  ONNX Runtime {version} would be fetched: about {megabytes} MB, with the first of {} that is here",
            clients.join(", ")
        ));
        output::out(&format!("  {}", style(target.display()).dim()));
    }
    Ok(Exit::Done)
}

async fn gpu(options: &LibraryOptions, dry_run: bool, json: bool) -> Result<Exit, CliError> {
    let trouble = |error: CudaError| {
        let exit = match error {
            CudaError::Machine | CudaError::Client { .. } => Exit::NotReady,
            CudaError::Full { .. } | CudaError::Unwritable { .. } => Exit::Unwritten,
        };
        let help = match error {
            CudaError::Full { .. } | CudaError::Unwritable { .. } => "another folder can be named: --cache FOLDER",
            CudaError::Machine => "name a library of your own: --ort-library FILE --provider cuda",
            CudaError::Client { .. } => {
                "it has to be on this machine: uv or pip; or name a library of your own: --ort-library FILE --provider cuda"
            }
        };
        CliError::new(exit, &error).help(help)
    };
    let plan = cuda_download(options).map_err(trouble)?;
    if dry_run {
        tell_download(&plan, json);
        return Ok(Exit::Done);
    }
    let found = fetch_cuda(options, |sentence| {
        if !json {
            output::err(&format!("  {sentence}"));
        }
    })
    .await
    .map_err(trouble)?;
    if json {
        output::out(&json!({"library": found.path.to_string_lossy(), "origin": found.origin.to_string()}).to_string());
    } else {
        let mark = style("✓").green();
        output::out(&format!(
            "  {mark}  the library set for CUDA is there: {} ({})",
            found.path.display(),
            found.origin
        ));
    }
    Ok(Exit::Done)
}

fn tell_download(plan: &CudaDownload, json: bool) {
    let CudaDownload { folder, parts, download, needed, free } = plan;
    if json {
        let parts: Vec<_> = parts
            .iter()
            .map(|part| {
                let CudaPackage { package, version, download, kept, there } = part;
                json!({"package": package, "version": version, "download": download, "kept": kept, "there": there})
            })
            .collect();
        let line = json!({"folder": folder.to_string_lossy(), "parts": parts, "download": download, "needed": needed, "free": free});
        output::out(&line.to_string());
        return;
    }
    for CudaPackage { package, version, download, kept, there } in parts {
        let what = format!("{package} {version}");
        let size = match there {
            true => "there already".to_owned(),
            false => format!("{} to fetch, {} to keep", HumanBytes(*download), HumanBytes(*kept)),
        };
        output::out(&format!("  {what:<32} {}", style(size).dim()));
    }
    let free = free.map_or(String::new(), |free| format!("; {} are free", HumanBytes(free)));
    output::out(&format!(
        "  {} to fetch into {}; {} have to be free{free}",
        HumanBytes(*download),
        folder.display(),
        HumanBytes(*needed)
    ));
}
