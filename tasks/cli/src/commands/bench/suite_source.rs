//! Which suite is meant: one that comes with the program, MiniWoB++ with its pages, OSWorld with its tasks, AndroidWorld with its server, or
//! a folder of somebody's own.

use std::env;
use std::path::{Path, PathBuf};

use serde_json::json;
use tapwright_tasks::private_browser_lacks;
use tapwright_tasks::suite::Suite;
use tapwright_tasks::suites;
use tapwright_tasks::suites::androidworld;
use tapwright_tasks::suites::androidworld::server::{AndroidWorldServer, AndroidWorldServerSuite};
use tapwright_tasks::suites::folder::{self, FolderSuite};
use tapwright_tasks::suites::miniwob::{self, Miniwob, MiniwobError};
use tapwright_tasks::suites::osworld::OsworldSuite;

use crate::arguments::OsworldArguments;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output;

/// A suite, ready to be drawn from.
pub enum SuiteSource {
    Shipped(&'static dyn Suite),
    Miniwob(Box<Miniwob>),
    Osworld(Box<OsworldSuite>),
    AndroidWorld(Box<AndroidWorldServerSuite>),
    Folder(Box<FolderSuite>),
}

impl SuiteSource {
    /// Finds it by its name, or its folder.
    ///
    /// # Errors
    /// `CliError` with what to do next.
    pub async fn find(
        name: &str,
        pages: Option<&Path>,
        server: Option<&str>,
        osworld: &OsworldArguments,
        only: &[String],
    ) -> Result<SuiteSource, CliError> {
        if let Some(server) = server {
            if name != androidworld::NAME {
                let why = format!("--server would do nothing: it is for the suite androidworld, not {name}");
                return Err(CliError::usage(why).help("leave out --server"));
            }
            let server = AndroidWorldServer::new(server).map_err(CliError::usage)?;
            let suite = AndroidWorldServerSuite::open(server).await.map_err(|error| {
                CliError::new(Exit::NotReady, &error)
                    .help("start AndroidWorld's server there, or leave out --server for the virtual phone")
            })?;
            return Ok(SuiteSource::AndroidWorld(Box::new(suite)));
        }
        if name != miniwob::NAME && pages.is_some() {
            return Err(CliError::usage(format!("--pages would do nothing: it is for the suite miniwob, not {name}"))
                .help("leave out --pages"));
        }
        if name == miniwob::NAME {
            if let Some(lacks) = private_browser_lacks() {
                return Err(CliError::with_text(Exit::NotReady, lacks));
            }
            let pages = match pages {
                Some(named) => miniwob::find_pages(named)?,
                None => miniwob::installed_pages(&environments()).ok_or(MiniwobError::Missing)?,
            };
            return Ok(SuiteSource::Miniwob(Box::new(Miniwob::open(&pages, &env::temp_dir()).await?)));
        }
        if name == tapwright_tasks::osworld::NAME {
            return Ok(SuiteSource::Osworld(Box::new(super::osworld::suite(osworld, only).await?)));
        }
        match suites::find(name) {
            Some(suite) => Ok(SuiteSource::Shipped(suite)),
            None => Ok(SuiteSource::Folder(Box::new(FolderSuite::read(Path::new(name), &env::temp_dir())?))),
        }
    }

    pub fn suite(&self) -> &dyn Suite {
        match self {
            SuiteSource::Shipped(suite) => *suite,
            SuiteSource::Miniwob(suite) => suite.as_ref(),
            SuiteSource::Osworld(suite) => suite.as_ref(),
            SuiteSource::AndroidWorld(suite) => suite.as_ref(),
            SuiteSource::Folder(suite) => suite.as_ref(),
        }
    }

    /// Ends what was started for it.
    pub async fn close(&self) {
        if let SuiteSource::Miniwob(suite) = self {
            suite.close().await;
        }
    }
}

/// Where the packages of the Python that somebody uses are. Not where this is started: a folder that somebody sent may have some.
fn environments() -> Vec<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let user = set("HOME").map(|home| home.join(".local"));
    let system = ["/usr/local", "/usr"].map(PathBuf::from);
    set("VIRTUAL_ENV").into_iter().chain(user).chain(system).filter(|folder| folder.is_absolute()).collect()
}

/// Begins a suite of somebody's own.
pub fn begin(folder: &Path, json: bool) -> Result<Exit, CliError> {
    let made = folder::create(folder).map_err(|error| {
        let why = format!("no suite can be begun in {}: {error}", folder.display());
        CliError::with_text(Exit::Unwritten, why).help("name a folder that is not there yet, where you may write")
    })?;
    if json {
        output::out(&json!({"suite": folder.to_string_lossy(), "file": made.to_string_lossy(), "exit": 0}).to_string());
    } else {
        output::out(&format!("  {} is there: change its cases, and run them with", made.display()));
        output::out(&format!("  tapwright bench {}", folder.display()));
    }
    Ok(Exit::Done)
}

impl From<MiniwobError> for CliError {
    fn from(error: MiniwobError) -> CliError {
        let exit = match error {
            MiniwobError::Missing | MiniwobError::Unservable { .. } => Exit::NotReady,
            MiniwobError::NotThere { .. } | MiniwobError::Incomplete { .. } => Exit::Usage,
        };
        CliError::new(exit, &error).help(error.help())
    }
}
