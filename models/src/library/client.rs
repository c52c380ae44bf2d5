//! Runs the package clients of this machine, and takes the library out of what they bring.
//!
//! Which registry they ask is their own business: people set up mirrors and proxies there.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tapwright_contract::file::open_regular;
use tokio::io::AsyncReadExt;
use tokio::process::Command;

use super::pin::{MINOR_MIN, PYTHON, PackageSource, Pin};

/// Looking is quick; a Python that hangs is no reason to wait.
const LOOK_WITHIN: Duration = Duration::from_secs(10);
/// What a client may say before the rest is dropped.
const SAID_BYTES_MAX: u64 = 16 << 10;

/// Where clients are started: a folder that nobody but the machine's owner writes to.
const OWN_FOLDER: &str = "/";

/// A way to get a package.
pub struct Attempt {
    /// For people: `pip`.
    pub client: &'static str,
    program: &'static str,
    before: &'static [&'static str],
    kind: ClientKind,
}

#[derive(Clone, Copy)]
enum ClientKind {
    Uv,
    Pip,
    Npm,
}

/// Where a client left the library.
pub enum Brought {
    File(PathBuf),
    /// In a zip file, under that name.
    Zipped(PathBuf, String),
}

/// A wheel that is the same for every Python.
pub struct Wheel {
    pub package: &'static str,
    pub version: &'static str,
    /// The tag that it is published under.
    pub platform: &'static str,
}

/// The ways to get a wheel, the better first.
pub fn wheel_attempts() -> Vec<Attempt> {
    attempts_at(&PackageSource::Wheel { platform: "" })
}

/// The ways to get a file, the better first. One that is not installed costs nothing.
pub fn attempts(pin: &Pin) -> Vec<Attempt> {
    attempts_at(&pin.source)
}

fn attempts_at(source: &PackageSource) -> Vec<Attempt> {
    let way = |client, program, before, kind| Attempt { client, program, before, kind };
    match source {
        PackageSource::Wheel { .. } => vec![
            way("uv", "uv", &[][..], ClientKind::Uv),
            way("pip", "python3", &["-m", "pip"], ClientKind::Pip),
            way("pip", "pip3", &[], ClientKind::Pip),
            way("pip", "pip", &[], ClientKind::Pip),
        ],
        PackageSource::Npm { .. } => {
            vec![way("npm", if cfg!(windows) { "npm.cmd" } else { "npm" }, &[], ClientKind::Npm)]
        }
    }
}

impl Attempt {
    /// Brings a wheel into `folder`: as it is, or unpacked. What is wanted of it is taken out by `inside`.
    pub async fn wheel(&self, wheel: &Wheel, folder: &Path, within: Duration) -> Result<WheelContent, String> {
        let folder = &absolute(folder)?;
        let mut arguments: Vec<&OsStr> = self.before.iter().map(OsStr::new).collect();
        let package = format!("{}=={}", wheel.package, wheel.version);
        let more: &[&str] = match self.kind {
            ClientKind::Uv => &[
                "pip",
                "install",
                "--quiet",
                "--no-deps",
                "--only-binary",
                ":all:",
                "--python-version",
                PYTHON,
                "--target",
            ],
            ClientKind::Pip => &[
                "download",
                "--quiet",
                "--disable-pip-version-check",
                "--no-input",
                "--no-deps",
                "--only-binary=:all:",
                "--implementation",
                "cp",
                "--python-version",
                PYTHON,
                "--platform",
                wheel.platform,
                "--dest",
            ],
            ClientKind::Npm => return Err("it does not have this package".to_owned()),
        };
        arguments.extend(more.iter().map(OsStr::new));
        arguments.push(folder.as_os_str());
        arguments.push(OsStr::new(&package));
        run(self.program, &arguments, within).await?;
        match self.kind {
            ClientKind::Pip => Ok(WheelContent::Zip(only_file(folder, ".whl")?)),
            ClientKind::Uv | ClientKind::Npm => Ok(WheelContent::Folder(folder.to_owned())),
        }
    }

    /// Brings the package into `folder`.
    pub async fn run(&self, pin: &Pin, folder: &Path, within: Duration) -> Result<Brought, String> {
        let folder = &absolute(folder)?;
        let mut arguments: Vec<&OsStr> = self.before.iter().map(OsStr::new).collect();
        let mut add = |more: &[&'static str]| arguments.extend(more.iter().map(|&text| OsStr::new(text)));
        let package = match pin.source {
            PackageSource::Wheel { .. } => format!("onnxruntime=={}", pin.version),
            PackageSource::Npm { .. } => format!("onnxruntime-node@{}", pin.version),
        };
        match (self.kind, &pin.source) {
            (ClientKind::Uv, PackageSource::Wheel { .. }) => {
                add(&["pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:"]);
                add(&["--python-version", PYTHON, "--target"]);
            }
            (ClientKind::Pip, &PackageSource::Wheel { platform }) => {
                add(&["download", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps"]);
                // No code of the package runs: a wheel is only unpacked.
                add(&["--only-binary=:all:", "--implementation", "cp", "--python-version", PYTHON]);
                add(&["--platform", platform, "--dest"]);
            }
            (ClientKind::Npm, PackageSource::Npm { .. }) => {
                add(&["pack", "--silent", "--ignore-scripts", "--pack-destination"]);
            }
            (ClientKind::Uv | ClientKind::Pip, PackageSource::Npm { .. })
            | (ClientKind::Npm, PackageSource::Wheel { .. }) => {
                return Err("it does not have this package".to_owned());
            }
        }
        arguments.push(folder.as_os_str());
        arguments.push(OsStr::new(&package));
        run(self.program, &arguments, within).await?;

        match (self.kind, &pin.source) {
            (ClientKind::Npm, PackageSource::Npm { path }) => {
                let archive = only_file(folder, ".tgz")?;
                // tar comes with every system that this runs on, Windows too.
                let archive = archive.as_os_str();
                run("tar", &["-xzf".as_ref(), archive, "-C".as_ref(), folder.as_os_str(), path.as_ref()], within)
                    .await?;
                Ok(Brought::File(folder.join(path)))
            }
            (ClientKind::Pip, _) => {
                Ok(Brought::Zipped(only_file(folder, ".whl")?, format!("onnxruntime/capi/{}", pin.file)))
            }
            (ClientKind::Uv | ClientKind::Npm, _) => {
                Ok(Brought::File(folder.join("onnxruntime").join("capi").join(pin.file)))
            }
        }
    }
}

/// A wheel, packed or not.
pub enum WheelContent {
    Zip(PathBuf),
    Folder(PathBuf),
}

impl WheelContent {
    /// A file of it.
    pub fn inside(&self, path: &str) -> Brought {
        match self {
            WheelContent::Zip(wheel) => Brought::Zipped(wheel.clone(), path.to_owned()),
            WheelContent::Folder(folder) => Brought::File(folder.join(path)),
        }
    }
}

/// Copies the library out of what was brought; at most so many bytes of it.
pub fn extract(brought: &Brought, to: &Path, bytes_max: u64) -> Result<(), String> {
    let said = |error: io::Error| format!("cannot unpack it: {error}");
    match brought {
        Brought::File(from) => copy(open_regular(from).map_err(said)?, to, bytes_max),
        Brought::Zipped(wheel, name) => {
            let file = open_regular(wheel).map_err(said)?;
            let mut archive = zip::ZipArchive::new(file).map_err(|error| format!("cannot unpack it: {error}"))?;
            let entry = archive.by_name(name).map_err(|error| format!("{name} is not in it: {error}"))?;
            copy(entry, to, bytes_max)
        }
    }
}

fn copy(from: impl Read, to: &Path, bytes_max: u64) -> Result<(), String> {
    let said = |error: io::Error| format!("cannot write the library: {error}");
    let mut file = fs::File::create(to).map_err(said)?;
    let copied = io::copy(&mut from.take(bytes_max), &mut file).map_err(said)?;
    if copied == bytes_max {
        return Err(format!("it has {bytes_max} bytes or more"));
    }
    file.sync_all().map_err(said)
}

/// The library of an installed `onnxruntime`, if Python knows one that is new enough.
pub async fn installed_library() -> Result<PathBuf, String> {
    // Where it is, without loading it: that would take a second.
    const WHERE: &str = "import importlib.util as u; s = u.find_spec('onnxruntime'); \
                         print(list(s.submodule_search_locations)[0] if s else '')";
    let mut why = String::new();
    for python in ["python3", "python"] {
        match run(python, &["-c".as_ref(), WHERE.as_ref()], LOOK_WITHIN).await {
            Err(error) => why = error,
            Ok(said) if said.trim().is_empty() => why = format!("{python} has no package onnxruntime"),
            Ok(said) => match library_of(Path::new(said.trim())) {
                Ok(path) => return Ok(path),
                Err(error) => why = error,
            },
        }
    }
    Err(why)
}

/// The library in the folder of an installed package.
fn library_of(package: &Path) -> Result<PathBuf, String> {
    let at = |error: io::Error| format!("{}: {error}", package.display());
    let mut source = String::new();
    let file = fs::File::open(package.join("__init__.py")).map_err(at)?;
    file.take(1 << 20).read_to_string(&mut source).map_err(at)?;
    let version = source.split("__version__ = \"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or("");
    let mut numbers = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let (major, minor) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if major != 1 || minor < MINOR_MIN {
        return Err(format!(
            "{} is version {version:?}, and 1.{MINOR_MIN} is the oldest that can be used",
            package.display()
        ));
    }
    let mut found: Vec<PathBuf> =
        fs::read_dir(package.join("capi")).map_err(at)?.flatten().map(|entry| entry.path()).collect();
    found.retain(|path| path.file_name().and_then(OsStr::to_str).is_some_and(is_library));
    found.sort();
    found.pop().ok_or_else(|| format!("{} has no library in it", package.display()))
}

fn is_library(name: &str) -> bool {
    let unix = name.strip_prefix("libonnxruntime.");
    name == "onnxruntime.dll" || unix.is_some_and(|rest| rest.starts_with("so") || rest.ends_with("dylib"))
}

fn absolute(folder: &Path) -> Result<PathBuf, String> {
    std::path::absolute(folder).map_err(|error| format!("{}: {error}", folder.display()))
}

/// Runs a program to its end, within a time, and returns what it said.
async fn run(program: &str, arguments: &[&OsStr], within: Duration) -> Result<String, String> {
    let mut child = Command::new(program)
        .args(arguments)
        // Python takes modules, and uv and npm their settings, from where they are started: that folder may be somebody else's.
        .current_dir(OWN_FOLDER)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true) // If it takes too long, or nobody waits any more.
        .spawn()
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => format!("{program} is not installed"),
            _ => format!("{program}: {error}"),
        })?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let all = async { tokio::join!(listen(out), listen(err), child.wait()) };
    let (said, complained, status) = tokio::time::timeout(within, all)
        .await
        .map_err(|_| format!("{program} was not done within {} s", within.as_secs()))?;
    let status = status.map_err(|error| format!("{program}: {error}"))?;
    if status.success() {
        return Ok(said);
    }
    let last: Vec<&str> = complained.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = last[last.len().saturating_sub(2)..].join("; ");
    Err(format!("{program} failed ({status}): {last}"))
}

/// What comes out of a pipe; the end of it is read and dropped, so that nobody waits for us.
async fn listen(pipe: Option<impl tokio::io::AsyncRead + Unpin>) -> String {
    let Some(mut pipe) = pipe else { return String::new() };
    let mut said = Vec::new();
    let _ = (&mut pipe).take(SAID_BYTES_MAX).read_to_end(&mut said).await;
    let _ = tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&said).into_owned()
}

fn only_file(folder: &Path, ending: &str) -> Result<PathBuf, String> {
    let mut found: Vec<PathBuf> =
        fs::read_dir(folder).map_err(|error| error.to_string())?.flatten().map(|entry| entry.path()).collect();
    found.retain(|path| path.file_name().and_then(OsStr::to_str).is_some_and(|name| name.ends_with(ending)));
    match <[PathBuf; 1]>::try_from(found) {
        Ok([file]) => Ok(file),
        Err(found) => Err(format!("it left {} files that end in {ending}", found.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_is_told_from_its_neighbours() {
        for (name, expected) in [
            ("libonnxruntime.so.1.31.1", true),
            ("libonnxruntime.so", true),
            ("libonnxruntime.1.31.1.dylib", true),
            ("onnxruntime.dll", true),
            ("libonnxruntime_providers_shared.so", false),
            ("onnxruntime_pybind11_state.cpython-313-x86_64-linux-gnu.so", false),
            ("onnxruntime_providers_shared.dll", false),
        ] {
            assert_eq!(is_library(name), expected, "{name}");
        }
    }

    /// In a folder with a `pip` or an `onnxruntime` of its own Python would run those.
    #[cfg(unix)]
    #[tokio::test]
    async fn clients_are_started_in_nobodys_folder() {
        assert_eq!(run("pwd", &[], LOOK_WITHIN).await.unwrap().trim(), "/");
        // So what they are told to put somewhere is told from the root.
        const ABSOLUTE: &str = "while [ $# -gt 2 ]; do shift; done; case \"$1\" in /*) ;; *) exit 3 ;; esac";
        let (package, version, platform) = ("p", "1.0", "any");
        let source = PackageSource::Wheel { platform };
        let pin = Pin { version, file: "none", sha256: "", megabytes: 1, source };
        let client = Attempt { client: "sh", program: "sh", before: &["-c", ABSOLUTE], kind: ClientKind::Uv };
        let folder = Path::new("some/folder");
        client.run(&pin, folder, LOOK_WITHIN).await.map(drop).unwrap();
        client.wheel(&Wheel { package, version, platform }, folder, LOOK_WITHIN).await.map(drop).unwrap();
    }

    #[test]
    fn an_installed_package_has_to_be_new_enough() {
        let package = tempfile::tempdir().unwrap();
        let library = package.path().join("capi").join("libonnxruntime.so.1.31.1");
        fs::create_dir(package.path().join("capi")).unwrap();
        fs::write(&library, "").unwrap();
        fs::write(package.path().join("__init__.py"), "__version__ = \"1.22.1\"\n").unwrap();
        assert!(library_of(package.path()).unwrap_err().contains("1.23"));
        fs::write(package.path().join("__init__.py"), "__version__ = \"1.31.1\"\n").unwrap();
        assert_eq!(library_of(package.path()), Ok(library));
    }

    #[test]
    fn what_is_too_large_or_missing_is_not_unpacked() {
        let folder = tempfile::tempdir().unwrap();
        let (wheel, to) = (folder.path().join("a.whl"), folder.path().join("library"));
        let mut writer = zip::ZipWriter::new(fs::File::create(&wheel).unwrap());
        writer.start_file("onnxruntime/capi/lib", zip::write::SimpleFileOptions::default()).unwrap();
        io::Write::write_all(&mut writer, &[7; 1000]).unwrap();
        writer.finish().unwrap();
        let brought = |name: &str| Brought::Zipped(wheel.clone(), name.to_owned());
        assert!(extract(&brought("onnxruntime/capi/lib"), &to, 1000).is_err());
        assert!(extract(&brought("other"), &to, 5000).is_err());
        extract(&brought("onnxruntime/capi/lib"), &to, 5000).unwrap();
        assert_eq!(fs::read(&to).unwrap(), [7; 1000]);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_program_that_hangs_or_fails_says_so() {
        let run = |script: &'static str, within| async move {
            run("sh", &["-c".as_ref(), script.as_ref()], Duration::from_millis(within)).await
        };
        assert_eq!(run("echo hello", 5000).await.unwrap().trim(), "hello");
        let failed = run("echo one >&2; echo two >&2; echo three >&2; exit 3", 5000).await.unwrap_err();
        assert!(failed.contains("two; three") && !failed.contains("one"), "{failed}");
        assert!(run("exec sleep 60", 50).await.unwrap_err().contains("not done within"));
    }
}
