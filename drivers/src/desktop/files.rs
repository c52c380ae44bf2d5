//! Files in the folders that are allowed, as calls.
//!
//! A model says paths. Each is walked from an allowed folder on, one name after the other and by no link, so that none leads out of it:
//! neither by `..` nor by a link that was there or is put there meanwhile.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, RenameFlags};
use rustix::io::Errno;
use serde_json::{Value, json};
use tapwright_contract::api::{ApiEffect, ApiError, ApiSpec, Apis};
use tapwright_contract::device::DriverErrorKind;

use super::{NO_FILE, ProgramStarter, api_error};
use crate::deadline::Deadline;
use crate::refused;

/// No more characters of a file are told at once.
const TOLD_MAX: usize = 20_000;
/// No larger file is read, and no longer text written.
const FILE_MAX: u64 = 1 << 20;
/// As many names of one folder are told.
const NAMES_MAX: usize = 500;
const PATH_BYTES_MAX: usize = 4096;
/// What a file may not be called that is opened: opening these runs them.
const PROGRAMS: [&str; 9] = ["desktop", "appimage", "jar", "exe", "bat", "msi", "run", "sh", "py"];

/// The calls about files.
pub(super) struct FolderApis {
    folders: Arc<[PathBuf]>,
    starter: Arc<dyn ProgramStarter>,
}

/// The folders of a list that are there, by the names that lead to them without links.
pub(super) fn allowed_folders(folders: &[PathBuf]) -> Arc<[PathBuf]> {
    let there = folders.iter().filter_map(|folder| match fs::canonicalize(folder) {
        Ok(folder) => Some(folder),
        Err(error) => {
            tracing::warn!(folder = %folder.display(), %error, "a folder that is allowed is not there");
            None
        }
    });
    there.collect()
}

/// The path of a file that is there, in one of these folders.
pub(super) fn path_of_file(said: &Value, folders: &[PathBuf]) -> Result<PathBuf, DriverErrorKind> {
    let place = Place::of(said, folders)?;
    place.open_file(OFlags::RDONLY)?;
    Ok(place.path())
}

/// The path of a file that is not there yet, in a folder that is.
pub(super) fn path_of_new_file(said: &Value, folders: &[PathBuf]) -> Result<PathBuf, DriverErrorKind> {
    let place = Place::of(said, folders)?;
    let (parent, name) = place.parent()?;
    match rustix::fs::statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => Ok(place.path()),
        Ok(_) => {
            let path = place.path();
            Err(refused(format!(
                "{} is there already: say another name, or move it away by files.move",
                path.display()
            )))
        }
        Err(error) => Err(place.wrong(error)),
    }
}

impl FolderApis {
    pub fn new(folders: Arc<[PathBuf]>, starter: Arc<dyn ProgramStarter>) -> FolderApis {
        FolderApis { folders, starter }
    }

    /// Opens a file with the app that is for it.
    async fn open(&self, path: PathBuf) -> Result<String, DriverErrorKind> {
        let path = path.to_str().ok_or_else(|| refused("this name cannot be said to a program"))?;
        self.starter.start(&["xdg-open", path].map(str::to_owned)).await?;
        Ok("it is being opened; look at the screen".to_owned())
    }
}

/// A place below an allowed folder.
struct Place {
    folder: PathBuf,
    names: Vec<OsString>,
}

impl Place {
    /// Reads what a model says: a whole path, or one from the first of the folders on.
    fn of(said: &Value, folders: &[PathBuf]) -> Result<Place, DriverErrorKind> {
        let said = said.as_str().unwrap_or_default();
        let listed = || folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", ");
        if said.len() > PATH_BYTES_MAX || said.contains('\0') {
            return Err(refused("this is no path"));
        }
        let path = Path::new(said);
        let within = folders.iter().find_map(|folder| path.strip_prefix(folder).ok().map(|rest| (folder, rest)));
        let (folder, rest) = match within {
            Some(found) => found,
            None if path.is_absolute() => {
                return Err(refused(format!("{said:.200?} is in no folder that is allowed; these are: {}", listed())));
            }
            None => (folders.first().ok_or_else(|| refused("no folder is allowed"))?, path),
        };
        let mut names = Vec::new();
        for part in rest.components() {
            match part {
                Component::Normal(name) => names.push(name.to_owned()),
                Component::CurDir => {}
                Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                    return Err(refused("a path leads down only, without ..; say the whole path"));
                }
            }
        }
        Ok(Place { folder: folder.clone(), names })
    }

    fn path(&self) -> PathBuf {
        self.names.iter().fold(self.folder.clone(), |path, name| path.join(name))
    }

    fn wrong(&self, error: Errno) -> DriverErrorKind {
        let path = self.path();
        let path = path.display();
        refused(match error {
            Errno::NOENT => format!("{NO_FILE}{path}"),
            Errno::LOOP | Errno::NOTDIR => {
                format!("{path}: a link or no folder is on the way, and links are not followed")
            }
            Errno::EXIST => format!("{path} is there already; files.append adds to it, files.replace takes its place"),
            error => format!("{path}: {}", io::Error::from(error)),
        })
    }

    /// The folder that it names itself.
    fn open_folder(&self, depth: usize) -> Result<OwnedFd, DriverErrorKind> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut at = rustix::fs::open(&self.folder, flags, Mode::empty()).map_err(|error| self.wrong(error))?;
        for name in &self.names[..depth] {
            at = rustix::fs::openat(&at, name, flags, Mode::empty()).map_err(|error| self.wrong(error))?;
        }
        Ok(at)
    }

    /// The folder that it is in, and its name there.
    fn parent(&self) -> Result<(OwnedFd, &OsString), DriverErrorKind> {
        let name = self.names.last().ok_or_else(|| refused("this is the allowed folder itself; name a file in it"))?;
        Ok((self.open_folder(self.names.len() - 1)?, name))
    }

    /// The file that it names, if it is a plain one.
    fn open_file(&self, flags: OFlags) -> Result<(File, fs::Metadata), DriverErrorKind> {
        let (parent, name) = self.parent()?;
        // Whatever waits for somebody at its other end is not waited for.
        let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = rustix::fs::openat(parent, name, flags, Mode::empty()).map_err(|error| self.wrong(error))?;
        let file = File::from(file);
        let about = file.metadata().map_err(|error| refused(error.to_string()))?;
        if !about.is_file() {
            return Err(refused(format!("{} is no file", self.path().display())));
        }
        Ok((file, about))
    }

    fn list(&self) -> Result<String, DriverErrorKind> {
        let folder = self.open_folder(self.names.len())?;
        let mut names = Vec::new();
        let (mut left_out, entries) = (0, Dir::read_from(&folder).map_err(|error| self.wrong(error))?);
        for entry in entries {
            let entry = entry.map_err(|error| self.wrong(error))?;
            let name = entry.file_name().to_owned();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            if names.len() >= NAMES_MAX {
                left_out += 1;
                continue;
            }
            names.push(name);
        }
        names.sort();
        let told = names.iter().filter_map(|name| {
            let about = rustix::fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
            let kind = match FileType::from_raw_mode(about.st_mode) {
                FileType::RegularFile => "file",
                FileType::Directory => "folder",
                FileType::Symlink => "link",
                _ => "other",
            };
            Some(json!({"name": name.to_string_lossy(), "kind": kind, "bytes": about.st_size}))
        });
        let told = json!({"folder": self.path(), "files": told.collect::<Vec<_>>(), "left_out": left_out});
        Ok(told.to_string())
    }

    fn read(&self, arguments: &Value) -> Result<String, DriverErrorKind> {
        let (file, about) = self.open_file(OFlags::RDONLY)?;
        if about.len() > FILE_MAX {
            return Err(refused(format!("the file has {} bytes; {FILE_MAX} are the most that are read", about.len())));
        }
        let mut bytes = Vec::new();
        // It may grow while it is read.
        file.take(FILE_MAX).read_to_end(&mut bytes).map_err(|error| refused(error.to_string()))?;
        let text = String::from_utf8(bytes).map_err(|_| refused("the file is not text"))?;
        let from = arguments["from"].as_u64().and_then(|from| usize::try_from(from).ok()).unwrap_or(0);
        let told: String = text.chars().skip(from).take(TOLD_MAX).collect();
        let (all, end) = (text.chars().count(), from + told.chars().count());
        Ok(if end < all { format!("{told}\n… of {all} characters; the rest begins at {end}") } else { told })
    }

    fn write(&self, text: &str) -> Result<String, DriverErrorKind> {
        let (parent, name) = self.parent()?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file =
            rustix::fs::openat(&parent, name, flags, Mode::from_raw_mode(0o644)).map_err(|error| self.wrong(error))?;
        if let Err(error) = File::from(file).write_all(text.as_bytes()) {
            let _ = rustix::fs::unlinkat(&parent, name, AtFlags::empty());
            return Err(refused(error.to_string()));
        }
        Ok(format!("{} is written", self.path().display()))
    }

    fn append(&self, text: &str) -> Result<String, DriverErrorKind> {
        let (mut file, about) = self.open_file(OFlags::WRONLY | OFlags::APPEND)?;
        if about.nlink() > 1 {
            return Err(refused("the file has another name elsewhere, and would be changed there too"));
        }
        file.write_all(text.as_bytes()).map_err(|error| refused(error.to_string()))?;
        Ok(format!("{} has {} bytes now", self.path().display(), about.len() + text.len() as u64))
    }

    /// The whole new text, or the old one.
    fn replace(&self, text: &str) -> Result<String, DriverErrorKind> {
        let (_, about) = self.open_file(OFlags::RDONLY)?;
        let (parent, name) = self.parent()?;
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|error| refused(error.to_string()))?;
        let fresh = format!(".{}.new", hex::encode(random));
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(about.mode() & 0o777);
        let file = rustix::fs::openat(&parent, &*fresh, flags, mode).map_err(|error| self.wrong(error))?;
        let written = File::from(file).write_all(text.as_bytes());
        let moved = written.and_then(|()| Ok(rustix::fs::renameat(&parent, &*fresh, &parent, name)?));
        if let Err(error) = moved {
            let _ = rustix::fs::unlinkat(&parent, &*fresh, AtFlags::empty());
            return Err(refused(error.to_string()));
        }
        Ok(format!("{} has {} bytes now", self.path().display(), text.len()))
    }

    fn move_to(&self, to: &Place) -> Result<String, DriverErrorKind> {
        let ((from_parent, from_name), (to_parent, to_name)) = (self.parent()?, to.parent()?);
        let moved = rustix::fs::renameat_with(&from_parent, from_name, &to_parent, to_name, RenameFlags::NOREPLACE);
        moved.map_err(|error| if error == Errno::EXIST { to.wrong(error) } else { self.wrong(error) })?;
        Ok(format!("it is {} now", to.path().display()))
    }

    fn make_folder(&self) -> Result<String, DriverErrorKind> {
        let (parent, name) = self.parent()?;
        rustix::fs::mkdirat(&parent, name, Mode::from_raw_mode(0o755)).map_err(|error| self.wrong(error))?;
        Ok(format!("{} is there", self.path().display()))
    }

    /// The path of a file that can be opened without running it.
    fn to_open(&self) -> Result<PathBuf, DriverErrorKind> {
        let (_, about) = self.open_file(OFlags::RDONLY)?;
        let path = self.path();
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
        if about.mode() & 0o111 != 0 || PROGRAMS.contains(&ending.as_str()) {
            return Err(refused("this file is a program, and opening it would run it"));
        }
        Ok(path)
    }
}

/// What a call does with files; `None` if there is no such call.
fn carry_out(name: &str, arguments: &Value, folders: &[PathBuf]) -> Option<Result<String, DriverErrorKind>> {
    let text = arguments["text"].as_str().unwrap_or_default();
    let place = |key: &str| Place::of(&arguments[key], folders);
    if text.len() as u64 > FILE_MAX {
        return Some(Err(refused(format!("{FILE_MAX} bytes of text are the most"))));
    }
    Some(match name {
        "files.list" => place("path").and_then(|at| at.list()),
        "files.read" => place("path").and_then(|at| at.read(arguments)),
        "files.write" => place("path").and_then(|at| at.write(text)),
        "files.append" => place("path").and_then(|at| at.append(text)),
        "files.replace" => place("path").and_then(|at| at.replace(text)),
        "files.move" => place("path").and_then(|at| at.move_to(&place("to")?)),
        "files.make_folder" => place("path").and_then(|at| at.make_folder()),
        _ => return None,
    })
}

#[async_trait]
impl Apis for FolderApis {
    fn specs(&self) -> Vec<ApiSpec> {
        let path = || json!({"path": {"type": "string"}});
        let written = || json!({"path": {"type": "string"}, "text": {"type": "string"}});
        let read = json!({"path": {"type": "string"}, "from": {"type": "integer", "minimum": 0}});
        let moved = json!({"path": {"type": "string"}, "to": {"type": "string"}});
        let first: String = self.folders.first().map(|folder| folder.display().to_string()).unwrap_or_default();
        let first: String = first.chars().filter(|letter| !letter.is_control()).take(120).collect();
        let (reads, changes) = (ApiEffect::Reads, ApiEffect::Changes);
        vec![
            ApiSpec::of("files.list", &format!("Lists a folder; the allowed one is {first}"), reads, path(), &[]),
            ApiSpec::of("files.read", "Tells a file that is text", reads, read, &["path"]),
            ApiSpec::of("files.write", "Writes a new file", changes, written(), &["path", "text"]),
            ApiSpec::of("files.append", "Adds to the end of a file", changes, written(), &["path", "text"]),
            ApiSpec::of(
                "files.replace",
                "Replaces all that is in a file",
                ApiEffect::Irreversible,
                written(),
                &["path", "text"],
            ),
            ApiSpec::of("files.move", "Moves or renames a file or a folder", changes, moved, &["path", "to"]),
            ApiSpec::of("files.make_folder", "Makes a folder", changes, path(), &["path"]),
            ApiSpec::of("files.open", "Opens a file in the app that is for it", changes, path(), &["path"]),
        ]
    }

    async fn call(&mut self, name: &str, arguments: &Value, within: Duration) -> Result<String, ApiError> {
        let deadline = Deadline::after(within);
        let (folders, said, called) = (self.folders.clone(), arguments.clone(), name.to_owned());
        let told = if name == "files.open" {
            let found = blocking(deadline, move || Place::of(&said["path"], &folders)?.to_open()).await;
            match found {
                Ok(path) => self.open(path).await,
                Err(kind) => Err(kind),
            }
        } else {
            match blocking(deadline, move || carry_out(&called, &said, &folders).transpose()).await {
                Ok(Some(told)) => Ok(told),
                Ok(None) => return Err(ApiError::Unknown),
                Err(kind) => Err(kind),
            }
        };
        told.map_err(api_error)
    }
}

async fn blocking<T: Send + 'static>(
    deadline: Deadline,
    work: impl FnOnce() -> Result<T, DriverErrorKind> + Send + 'static,
) -> Result<T, DriverErrorKind> {
    let work = tokio::task::spawn_blocking(work);
    deadline
        .hold("the disk", async { work.await.map_err(|error| DriverErrorKind::Lost { why: error.to_string() })? })
        .await
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    /// A folder that is allowed, beside one that is not.
    struct Both {
        _folder: tempfile::TempDir,
        own: PathBuf,
        other: PathBuf,
    }

    fn both() -> Both {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        let (own, other) = (root.join("own"), root.join("other"));
        fs::create_dir_all(own.join("in/deep")).unwrap();
        fs::create_dir(&other).unwrap();
        fs::write(other.join("secret"), "not yours").unwrap();
        fs::write(own.join("in/a.txt"), "héllo").unwrap();
        symlink(&other, own.join("out")).unwrap();
        symlink(other.join("secret"), own.join("leak")).unwrap();
        symlink("in/a.txt", own.join("inside")).unwrap();
        fs::hard_link(other.join("secret"), own.join("twice")).unwrap();
        Both { _folder: folder, own, other }
    }

    fn call_in_words(both: &Both, name: &str, arguments: Value) -> Result<String, String> {
        let folders = [both.own.clone()];
        carry_out(name, &arguments, &folders).expect("there is such a call").map_err(|kind| kind.to_string())
    }

    #[test]
    fn files_are_read_and_written_in_the_folder() {
        let both = both();
        let whole = both.own.join("in/a.txt");
        for path in ["in/a.txt", "./in//a.txt", whole.to_str().unwrap()] {
            assert_eq!(call_in_words(&both, "files.read", json!({ "path": path })).unwrap(), "héllo", "{path}");
        }
        assert_eq!(call_in_words(&both, "files.read", json!({ "path": "in/a.txt", "from": 4 })).unwrap(), "o");
        call_in_words(&both, "files.write", json!({ "path": "in/b.txt", "text": "one\n" })).unwrap();
        call_in_words(&both, "files.append", json!({ "path": "in/b.txt", "text": "two\n" })).unwrap();
        assert_eq!(fs::read_to_string(both.own.join("in/b.txt")).unwrap(), "one\ntwo\n");
        let twice = call_in_words(&both, "files.write", json!({ "path": "in/b.txt", "text": "x" })).unwrap_err();
        assert!(twice.contains("is there already"), "{twice}");
        call_in_words(&both, "files.replace", json!({ "path": "in/b.txt", "text": "new" })).unwrap();
        assert_eq!(fs::read_to_string(both.own.join("in/b.txt")).unwrap(), "new");
        call_in_words(&both, "files.make_folder", json!({ "path": "made" })).unwrap();
        call_in_words(&both, "files.move", json!({ "path": "in/b.txt", "to": "made/c.txt" })).unwrap();
        let over = call_in_words(&both, "files.move", json!({ "path": "made/c.txt", "to": "in/a.txt" })).unwrap_err();
        assert!(over.contains("is there already"), "{over}");
        let listed: Value = serde_json::from_str(&call_in_words(&both, "files.list", json!({})).unwrap()).unwrap();
        let kinds: Vec<(&str, &str)> = listed["files"]
            .as_array()
            .unwrap()
            .iter()
            .map(|file| (file["name"].as_str().unwrap(), file["kind"].as_str().unwrap()))
            .collect();
        let expected = [
            ("in", "folder"),
            ("inside", "link"),
            ("leak", "link"),
            ("made", "folder"),
            ("out", "link"),
            ("twice", "file"),
        ];
        assert_eq!(kinds, expected);
    }

    #[test]
    fn nothing_leads_out_of_it() {
        let both = both();
        let outside = both.other.join("secret");
        let sibling = format!("{}-other/x", both.own.display());
        for path in [
            "../other/secret",
            "in/../../other/secret",
            "in/deep/../a.txt",
            "..",
            "/etc/passwd",
            "/",
            outside.to_str().unwrap(),
            &sibling,
            "out/secret",
            "leak",
            "inside",
            "out",
            "a\0b",
            "",
            &format!("{}/../other/secret", both.own.display()),
        ] {
            for name in ["files.read", "files.write", "files.append", "files.replace", "files.make_folder"] {
                let result = call_in_words(&both, name, json!({ "path": path, "text": "x" }));
                let escapes = result.is_ok();
                assert!(!escapes, "{name} {path}: {result:?}");
            }
            assert!(call_in_words(&both, "files.move", json!({ "path": "in/a.txt", "to": path })).is_err(), "{path}");
        }
        for path in ["out", "leak", "..", "/etc"] {
            assert!(call_in_words(&both, "files.list", json!({ "path": path })).is_err(), "{path}");
        }
        // A file that is also elsewhere is not changed there.
        assert!(
            call_in_words(&both, "files.append", json!({ "path": "twice", "text": "x" }))
                .unwrap_err()
                .contains("elsewhere")
        );
        call_in_words(&both, "files.replace", json!({ "path": "twice", "text": "x" })).unwrap();
        assert_eq!(fs::read_to_string(outside).unwrap(), "not yours");
        assert_eq!(fs::read_dir(&both.other).unwrap().count(), 1);
    }

    #[test]
    fn what_is_no_text_or_no_file_is_said() {
        let both = both();
        fs::write(both.own.join("big"), vec![b'x'; FILE_MAX as usize + 1]).unwrap();
        fs::write(both.own.join("bytes"), [0xff, 0xfe]).unwrap();
        fs::write(both.own.join("long"), "é".repeat(TOLD_MAX + 5)).unwrap();
        let pipe = both.own.join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for (path, words) in [
            ("big", "are the most that are read"),
            ("bytes", "not text"),
            ("pipe", "is no file"),
            ("in", "is no file"),
            ("none", "there is no"),
        ] {
            let error = call_in_words(&both, "files.read", json!({ "path": path })).unwrap_err();
            assert!(error.contains(words), "{path}: {error}");
            assert_eq!(super::super::is_no_file(&error), path == "none", "{path}: {error}");
        }
        assert!(!super::super::is_no_file("there is no API of this name now; use the screen"));
        let long = call_in_words(&both, "files.read", json!({ "path": "long" })).unwrap();
        assert!(long.ends_with(&format!("of {} characters; the rest begins at {TOLD_MAX}", TOLD_MAX + 5)));
        for nth in 0..NAMES_MAX + 3 {
            fs::write(both.own.join(format!("in/deep/{nth}")), "").unwrap();
        }
        let many: Value =
            serde_json::from_str(&call_in_words(&both, "files.list", json!({ "path": "in/deep" })).unwrap()).unwrap();
        assert_eq!((many["files"].as_array().unwrap().len(), &many["left_out"]), (NAMES_MAX, &json!(3)));
    }

    #[test]
    fn a_program_is_not_opened() {
        let both = both();
        fs::write(both.own.join("x.desktop"), "[Desktop Entry]").unwrap();
        fs::write(both.own.join("tool"), "#!/bin/sh").unwrap();
        fs::set_permissions(both.own.join("tool"), fs::Permissions::from_mode(0o755)).unwrap();
        let open = |path: &str| Place::of(&json!(path), std::slice::from_ref(&both.own)).and_then(|at| at.to_open());
        for path in ["x.desktop", "tool", "out/secret", "leak", "in"] {
            assert!(open(path).is_err(), "{path}");
        }
        assert_eq!(open("in/a.txt").unwrap(), both.own.join("in/a.txt"));
    }
}
