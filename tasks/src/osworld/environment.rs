//! The Python environment that OSWorld's own evaluator runs in: how it is made or completed, and whether all is there that its functions import.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::process::{self, Program, ProgramOutput};

/// What the environment is called in the folder for what is fetched.
pub const FOLDER: &str = "osworld-evaluator";
/// The version of the package that the sidecar was made for.
pub const PACKAGE: &str = "desktop-env==1.0.2";

/// A package that evaluator functions import: as pip is asked for it, and the module by which it is known to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PythonPackage {
    pub requirement: &'static str,
    pub module: &'static str,
}

const fn package(requirement: &'static str, module: &'static str) -> PythonPackage {
    PythonPackage { requirement, module }
}

/// What evaluator functions import, without what they hardly use: the package itself asks for far more.
pub const REQUIREMENTS: [PythonPackage; 24] = [
    package("numpy<2", "numpy"),
    package("pandas<2.3", "pandas"),
    package("Pillow~=11.0.0", "PIL"),
    package("requests", "requests"),
    package("lxml", "lxml"),
    package("cssselect", "cssselect"),
    package("xmltodict", "xmltodict"),
    package("openpyxl", "openpyxl"),
    package("python-docx", "docx"),
    package("python-pptx", "pptx"),
    package("pypdf", "pypdf"),
    package("pypdf2", "PyPDF2"),
    package("rapidfuzz", "rapidfuzz"),
    package("ImageHash", "imagehash"),
    package("scikit-image", "skimage"),
    package("scipy", "scipy"),
    // Later ones bring a layout model and what runs it, 250 MB that no function asks for.
    package("pymupdf<1.27", "fitz"),
    package("pdfplumber", "pdfplumber"),
    package("formulas", "formulas"),
    package("odfpy", "odf"),
    package("beautifulsoup4", "bs4"),
    package("PyYAML", "yaml"),
    package("mutagen", "mutagen"),
    package("tldextract", "tldextract"),
];
/// What `compare_audios` and `compare_videos` import besides, for 4 of the 369 tasks: with what these bring, a third of the whole.
pub const MEDIA: [PythonPackage; 3] =
    [package("librosa", "librosa"), package("fastdtw", "fastdtw"), package("opencv-python-headless<5", "cv2")];

/// What the environment takes on the disk, and what pip downloads for it, without and with [`MEDIA`].
const MEGABYTES: [u64; 2] = [600, 1100];
const DOWNLOAD_MEGABYTES: [u64; 2] = [180, 330];

/// How long installing may take.
const INSTALLING: Duration = Duration::from_secs(3600);
/// How long a Python may take to say what it has.
const LOOK: Duration = Duration::from_secs(30);
const OUTPUT_BYTES_MAX: usize = 64 << 10;
/// Says what it is called with, and which of the modules cannot be found.
const LOOKING: &str = "import importlib.metadata as m, importlib.util as u, json, sys
try: version = m.version('desktop-env')
except m.PackageNotFoundError: version = None
missing = [name for name in sys.argv[1:] if u.find_spec(name) is None]
print(json.dumps({'python': sys.version.split()[0], 'evaluator': version, 'missing': missing}))";

/// What is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentPlan {
    pub folder: PathBuf,
    /// As pip is asked for them.
    pub packages: Vec<&'static str>,
    pub megabytes: u64,
    pub download_megabytes: u64,
    /// How much of the disk is free, where that can be known.
    pub free_megabytes: Option<u64>,
}

/// What a Python environment has of what evaluator functions import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentReport {
    /// Its version.
    pub python: String,
    /// The version of the package `desktop-env`; none if it is not there.
    pub evaluator: Option<String>,
    /// What is not there, as pip calls it.
    pub missing: Vec<String>,
}

impl EnvironmentReport {
    /// Whether nothing but packages for sound and films is missing.
    pub fn is_complete_but_for_media(&self) -> bool {
        self.evaluator.is_some() && self.missing.iter().all(|name| MEDIA.iter().any(|of| of.requirement == *name))
    }
}

/// Why an environment could not be made or looked at.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    #[error("{what} failed: {why}")]
    Step { what: String, why: String },
    #[error("{needed} MB have to be free where {} is, and {free} MB are", .folder.display())]
    Full { folder: PathBuf, needed: u64, free: u64 },
    #[error("python3 cannot make environments here: {why}")]
    Venv { why: String },
    #[error("{} does not answer as a Python: {why}", .python.display())]
    NoPython { python: PathBuf, why: String },
    #[error("after installing, these are still not there: {}", .missing.join(", "))]
    Incomplete { missing: Vec<String> },
}

impl EnvironmentError {
    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            EnvironmentError::Full { .. } => "make room, or name a folder on another disk: XDG_CACHE_HOME=FOLDER",
            EnvironmentError::Venv { .. } => {
                "install what makes them (on Debian: apt install python3-venv), and try again"
            }
            EnvironmentError::NoPython { .. } => "install Python 3.10 or later as python3, and try again",
            EnvironmentError::Step { .. } | EnvironmentError::Incomplete { .. } => {
                "what is there already stays, and the same command goes on; pip needs its index (a network, or PIP_INDEX_URL)"
            }
        }
    }
}

/// The Python of an environment.
pub fn python_in(folder: &Path) -> PathBuf {
    if cfg!(windows) { folder.join("Scripts/python.exe") } else { folder.join("bin/python") }
}

/// What would be installed into a folder.
pub fn plan(folder: &Path, with_media: bool) -> EnvironmentPlan {
    let media = if with_media { &MEDIA[..] } else { &[] };
    let packages = REQUIREMENTS.iter().chain(media).map(|package| package.requirement).collect();
    EnvironmentPlan {
        folder: folder.to_owned(),
        packages,
        megabytes: MEGABYTES[usize::from(with_media)],
        download_megabytes: DOWNLOAD_MEGABYTES[usize::from(with_media)],
        free_megabytes: free_megabytes(folder),
    }
}

#[cfg(unix)]
fn free_megabytes(folder: &Path) -> Option<u64> {
    let at = folder.ancestors().find(|above| above.is_dir())?;
    let found = rustix::fs::statvfs(at).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize) / 1_000_000)
}

#[cfg(not(unix))]
fn free_megabytes(_: &Path) -> Option<u64> {
    None
}

/// Makes an environment with OSWorld's evaluator in it, or completes one. `say` is told each step, and each larger download.
///
/// # Errors
/// `EnvironmentError` if there is no Python, no room, or a package cannot be had.
pub async fn install(plan: &EnvironmentPlan, say: impl Fn(&str)) -> Result<EnvironmentReport, EnvironmentError> {
    let EnvironmentPlan { folder, packages, megabytes, free_megabytes, .. } = plan;
    let python = python_in(folder);
    // What is complete needs no room; pip finds that out by itself, but not before it has asked its index for all.
    let before = inspect(&python).await.ok();
    let lacks = |of: &EnvironmentReport| packages.iter().any(|name| of.missing.iter().any(|missing| missing == name));
    if let Some(report) = before.filter(|of| of.evaluator.as_deref() == PACKAGE.split("==").nth(1) && !lacks(of)) {
        say("all of it is there already");
        return Ok(report);
    }
    if let Some(free) = free_megabytes.filter(|free| free < megabytes) {
        return Err(EnvironmentError::Full { folder: folder.clone(), needed: *megabytes, free });
    }
    make(folder, &say).await?;
    let python = python.display().to_string();
    let pip = [
        &python,
        "-I",
        "-u",
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--no-input",
        "--progress-bar",
        "off",
    ];
    say(&format!(
        "installing {} packages that its functions use: about {} MB to download, {megabytes} MB on the disk",
        packages.len(),
        plan.download_megabytes
    ));
    let words = pip.iter().chain(packages).map(|word| (*word).to_owned()).collect::<Vec<String>>();
    step("pip install of what its functions use", &words, &say).await?;
    say(&format!("installing {PACKAGE}, without what it asks for and does not need here"));
    let words = pip.iter().chain(&["--no-deps", PACKAGE]).map(|word| (*word).to_owned()).collect::<Vec<String>>();
    step(&format!("pip install {PACKAGE}"), &words, &say).await?;
    let report = inspect(&python_in(folder)).await?;
    let mut missing: Vec<String> =
        report.missing.iter().filter(|name| packages.contains(&name.as_str())).cloned().collect();
    if report.evaluator.is_none() {
        missing.push(PACKAGE.to_owned());
    }
    if missing.is_empty() { Ok(report) } else { Err(EnvironmentError::Incomplete { missing }) }
}

/// Makes the environment itself, where there is none or only a part of one: without pip it could never be completed.
async fn make(folder: &Path, say: &impl Fn(&str)) -> Result<(), EnvironmentError> {
    let python = python_in(folder).display().to_string();
    let has_pip = run(&[&python, "-I", "-m", "pip", "--version"].map(str::to_owned), LOOK, |_| ()).await;
    if has_pip.is_ok_and(|output| output.status.success()) {
        return Ok(());
    }
    say(&format!("making a Python environment in {}", folder.display()));
    let argv = ["python3", "-m", "venv", "--clear", &folder.display().to_string()].map(str::to_owned);
    match run(&argv, INSTALLING, |_| ()).await {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(EnvironmentError::Venv { why: complaint(&output) }),
        Err(error) => Err(EnvironmentError::NoPython { python: "python3".into(), why: error.to_string() }),
    }
}

/// What an environment has of what evaluator functions import.
///
/// # Errors
/// `EnvironmentError` if there is no Python that answers.
pub async fn inspect(python: &Path) -> Result<EnvironmentReport, EnvironmentError> {
    let all: Vec<PythonPackage> = REQUIREMENTS.into_iter().chain(MEDIA).collect();
    let failed = |why: String| EnvironmentError::NoPython { python: python.to_owned(), why };
    let mut argv = vec![python.display().to_string(), "-I".to_owned(), "-c".to_owned(), LOOKING.to_owned()];
    argv.extend(all.iter().map(|package| package.module.to_owned()));
    let output = run(&argv, LOOK, |_| ()).await.map_err(|error| failed(error.to_string()))?;
    let told = String::from_utf8_lossy(&output.out);
    let report = told.lines().last().and_then(|line| serde_json::from_str::<EnvironmentReport>(line).ok());
    let report = report.ok_or_else(|| failed(complaint(&output)))?;
    let known = |module: &String| all.iter().find(|package| package.module == module);
    let missing = report.missing.iter().filter_map(known).map(|package| package.requirement.to_owned()).collect();
    Ok(EnvironmentReport { missing, ..report })
}

async fn run(
    argv: &[String],
    within: Duration,
    each_line: impl FnMut(&str),
) -> Result<ProgramOutput, process::ProgramError> {
    let program = Program {
        argv,
        env: BTreeMap::new(),
        own_group: true,
        input: None,
        within,
        output_bytes_max: OUTPUT_BYTES_MAX,
    };
    process::run_telling(program, each_line).await
}

async fn step(what: &str, argv: &[String], say: &impl Fn(&str)) -> Result<(), EnvironmentError> {
    let failed = |why: String| EnvironmentError::Step { what: what.to_owned(), why };
    let each_line = |line: &str| {
        if let Some(told) = progress(line) {
            say(&told);
        }
    };
    let output = run(argv, INSTALLING, each_line).await.map_err(|error| failed(error.to_string()))?;
    if output.status.success() { Ok(()) } else { Err(failed(complaint(&output))) }
}

/// What of a line of pip's is told: larger downloads, what is built, and the installing itself, during which it says nothing.
fn progress(line: &str) -> Option<String> {
    let line = line.trim();
    if let Some(file) = line.strip_prefix("Downloading ").filter(|file| file.ends_with(" MB)")) {
        let (file, size) = file.rsplit_once(" (")?;
        let name = file.rsplit('/').next().unwrap_or(file).split('-').take(2).collect::<Vec<_>>().join(" ");
        return Some(format!("  downloading {name} ({size}"));
    }
    if let Some(names) = line.strip_prefix("Installing collected packages: ") {
        return Some(match names.split(", ").count() {
            1 => format!("  writing {names}"),
            count => format!("  writing {count} packages, during which pip says nothing"),
        });
    }
    let is_begun = line.starts_with("Building wheel for ") && line.ends_with(": started");
    is_begun.then(|| format!("  {}", line.trim_end_matches(": started").to_lowercase()))
}

/// The line of a program's complaints that says why: pip's last ones are advice.
fn complaint(output: &ProgramOutput) -> String {
    let said = [&output.err, &output.out].map(|said| String::from_utf8_lossy(said).trim().to_owned());
    let lines = || said.iter().flat_map(|said| said.lines()).map(str::trim);
    let error = lines().rfind(|line| line.starts_with("ERROR: "));
    let last = || said.iter().find(|said| !said.is_empty()).and_then(|said| said.lines().last());
    error.or_else(last).map_or_else(|| output.status.to_string(), |line| line.trim_start_matches("ERROR: ").to_owned())
}

/// The advice beside the name of a package that an evaluator function lacks.
pub fn advice(package: &str) -> &'static str {
    let is = |of: &PythonPackage| of.requirement.split(['<', '~', '=']).next() == Some(package);
    if MEDIA.iter().any(is) {
        "tapwright setup --osworld --media installs it, and tapwright bench rescore scores what was kept"
    } else if REQUIREMENTS.iter().any(is) {
        "tapwright setup --osworld installs it, and tapwright bench rescore scores what was kept"
    } else {
        "install it into the environment by hand (its python -m pip install), and tapwright bench rescore scores what was kept"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pip_is_told_in_short() {
        for (line, told) in [
            ("Collecting numpy<2", None),
            (
                "  Downloading numpy-1.26.4-cp311-cp311-manylinux_2_17_x86_64.whl (18.3 MB)",
                Some("  downloading numpy 1.26.4 (18.3 MB)"),
            ),
            (
                "  Downloading https://files.example.org/a/b/lxml-6.1.3-cp311.whl (5.3 MB)",
                Some("  downloading lxml 6.1.3 (5.3 MB)"),
            ),
            ("  Downloading lxml-6.1.3.metadata (61 kB)", None),
            ("Installing collected packages: a, b, c", Some("  writing 3 packages, during which pip says nothing")),
            (
                "  Building wheel for odfpy (pyproject.toml): started",
                Some("  building wheel for odfpy (pyproject.toml)"),
            ),
            ("  Building wheel for odfpy (pyproject.toml): finished with status 'done'", None),
            ("Installing collected packages: desktop_env", Some("  writing desktop_env")),
            ("Requirement already satisfied: numpy<2", None),
        ] {
            assert_eq!(progress(line).as_deref(), told, "{line}");
        }
    }

    #[test]
    fn the_advice_fits_the_package() {
        assert!(advice("librosa").contains("--media") && advice("opencv-python-headless").contains("--media"));
        assert!(!advice("numpy").contains("--media") && advice("Pillow").contains("setup --osworld"));
        assert!(advice("easyocr").contains("by hand"));
    }
}
