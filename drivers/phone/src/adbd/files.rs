//! What is stored on the phone: a small file system in memory, where clients may write to `/sdcard` and
//! `/data/local/tmp` only.
//!
//! Paths are resolved here and nowhere else; nothing of the machine that runs the phone can be reached.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::pattern::Pattern;

/// Bytes of storage.
pub(super) const STORAGE: u64 = 64 << 20;
/// Files and folders together.
const NODES_MAX: usize = 4096;
/// Characters of a path.
pub(super) const PATH_MAX: usize = 1024;

const SDCARD: &str = "/storage/emulated/0";
const SCRATCH: &str = "/data/local/tmp";
const FOLDERS: &[&str] = &[
    "/",
    "/data",
    "/data/local",
    SCRATCH,
    "/dev",
    "/storage",
    "/storage/emulated",
    SDCARD,
    "/storage/emulated/0/Android",
    "/storage/emulated/0/DCIM",
    "/storage/emulated/0/Documents",
    "/storage/emulated/0/Download",
    "/storage/emulated/0/Movies",
    "/storage/emulated/0/Music",
    "/storage/emulated/0/Pictures",
    "/sys",
    "/sys/devices",
    "/sys/devices/system",
    "/sys/devices/system/cpu",
    "/sys/devices/system/cpu/cpu0",
    "/sys/devices/system/cpu/cpu1",
    "/sys/devices/system/cpu/cpu2",
    "/sys/devices/system/cpu/cpu3",
    "/system",
    "/system/bin",
];
/// Other names of the same places, as links are on a phone.
const LINKS: &[(&str, &str)] =
    &[("/sdcard", SDCARD), ("/mnt/sdcard", SDCARD), ("/storage/self/primary", SDCARD), ("/bin", "/system/bin")];

/// Why a file operation failed; reads as the phone's C library says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum FileError {
    #[error("No such file or directory")]
    NotFound,
    #[error("Not a directory")]
    NotAFolder,
    #[error("Is a directory")]
    IsAFolder,
    #[error("Permission denied")]
    Denied,
    #[error("No space left on device")]
    NoSpace,
    #[error("File exists")]
    Exists,
    #[error("Directory not empty")]
    NotEmpty,
    #[error("File name too long")]
    NameTooLong,
    #[error("Cannot allocate memory")]
    TooMuch,
    #[error("Operation not permitted")]
    NotPermitted,
    #[error("bad mode")]
    BadMode,
}

/// A file or a folder.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub kind: Kind,
    /// Seconds since 1970.
    pub modified: u64,
    permissions: u32,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Folder,
    File(Arc<Vec<u8>>),
}

impl Node {
    fn folder(now: u64) -> Node {
        Node { kind: Kind::Folder, modified: now, permissions: 0o771 }
    }
    /// Type and permissions as in `struct stat`.
    pub fn mode(&self) -> u32 {
        match self.kind {
            Kind::Folder => 0o040_000 | self.permissions,
            Kind::File(_) => 0o100_000 | self.permissions,
        }
    }
    pub fn size(&self) -> u64 {
        match &self.kind {
            Kind::Folder => 4096,
            Kind::File(bytes) => bytes.len() as u64,
        }
    }
    pub fn is_folder(&self) -> bool {
        matches!(self.kind, Kind::Folder)
    }
}

/// The whole storage. Paths given to it are resolved ones.
#[derive(Debug)]
pub(super) struct Files {
    nodes: BTreeMap<String, Node>,
    /// Bytes of all files and of uploads that are not finished.
    used: u64,
    max: u64,
}

impl Files {
    pub fn new(max: u64, now: u64) -> Files {
        Files { nodes: FOLDERS.iter().map(|path| ((*path).to_owned(), Node::folder(now))).collect(), used: 0, max }
    }

    pub fn used_bytes(&self) -> u64 {
        self.used
    }
    pub fn max(&self) -> u64 {
        self.max
    }

    pub fn find(&self, path: &str) -> Result<&Node, FileError> {
        if path.len() > PATH_MAX {
            return Err(FileError::NameTooLong);
        }
        self.nodes.get(path).ok_or_else(|| match self.nodes.get(parent(path)) {
            Some(Node { kind: Kind::File(_), .. }) => FileError::NotAFolder,
            _ => FileError::NotFound,
        })
    }

    pub fn read(&self, path: &str) -> Result<Arc<Vec<u8>>, FileError> {
        match &self.find(path)?.kind {
            Kind::Folder => Err(FileError::IsAFolder),
            Kind::File(bytes) => Ok(bytes.clone()),
        }
    }

    /// What lies in a folder: names without their path, in order.
    pub fn list(&self, path: &str) -> Result<Vec<(&str, &Node)>, FileError> {
        if !self.find(path)?.is_folder() {
            return Err(FileError::NotAFolder);
        }
        let start = if path == "/" { "/".to_owned() } else { format!("{path}/") };
        let inside = self.nodes.range::<str, _>((std::ops::Bound::Excluded(&*start), std::ops::Bound::Unbounded));
        Ok(inside
            .take_while(|(path, _)| path.starts_with(&start))
            .map(|(path, node)| (&path[start.len()..], node))
            .filter(|(name, _)| !name.contains('/'))
            .collect())
    }

    /// Writes a file, in place of one that may be there. Its folder must exist.
    pub fn write(&mut self, path: &str, bytes: Vec<u8>, now: u64) -> Result<(), FileError> {
        let before = self.may_write(path)?;
        let used = self.used - before + bytes.len() as u64;
        if self.max < used {
            return Err(FileError::NoSpace);
        }
        self.used = used;
        let permissions = self.nodes.get(path).map_or(0o660, |old| old.permissions);
        self.nodes.insert(path.to_owned(), Node { kind: Kind::File(Arc::new(bytes)), modified: now, permissions });
        Ok(())
    }

    /// Bytes that a file at this path has now, if it can be written.
    fn may_write(&self, path: &str) -> Result<u64, FileError> {
        writable(path)?;
        if !self.find(parent(path))?.is_folder() {
            return Err(FileError::NotAFolder);
        }
        match self.nodes.get(path) {
            Some(Node { kind: Kind::Folder, .. }) => Err(FileError::IsAFolder),
            Some(Node { kind: Kind::File(bytes), .. }) => Ok(bytes.len() as u64),
            None if NODES_MAX <= self.nodes.len() => Err(FileError::NoSpace),
            None => Ok(0),
        }
    }

    pub fn make_folder(&mut self, path: &str, parents: bool, now: u64) -> Result<(), FileError> {
        match self.nodes.get(path) {
            Some(node) if parents && node.is_folder() => return Ok(()),
            Some(_) => return Err(FileError::Exists),
            None => writable(path)?,
        }
        if parents {
            self.make_folder(parent(path), true, now)?;
        } else if !self.find(parent(path))?.is_folder() {
            return Err(FileError::NotAFolder);
        }
        if NODES_MAX <= self.nodes.len() {
            return Err(FileError::NoSpace);
        }
        self.nodes.insert(path.to_owned(), Node::folder(now));
        Ok(())
    }

    /// All that lies below a path, and what lies there itself, by whole paths.
    pub fn below(&self, path: &str) -> Result<Vec<(&str, &Node)>, FileError> {
        self.find(path)?;
        let start = if path == "/" { "/".to_owned() } else { format!("{path}/") };
        let inside = |found: &str| found == path || found.starts_with(&start);
        Ok(self.nodes.iter().filter(|(found, _)| inside(found)).map(|(found, node)| (found.as_str(), node)).collect())
    }

    /// Changes who may do what with a file or folder.
    pub fn change_mode(&mut self, path: &str, permissions: u32) -> Result<(), FileError> {
        writable(path)?;
        let node = self.nodes.get_mut(path).ok_or(FileError::NotFound)?;
        node.permissions = permissions & 0o777;
        Ok(())
    }

    /// Removes a file, or with `whole` a folder with all that is in it.
    pub fn remove(&mut self, path: &str, whole: bool) -> Result<(), FileError> {
        let node = self.find(path)?;
        writable(path)?;
        if node.is_folder() {
            if !whole {
                return Err(FileError::IsAFolder);
            }
            let start = format!("{path}/");
            let used = &mut self.used;
            self.nodes.retain(|inside, node| {
                let stays = !inside.starts_with(&start);
                if !stays && !node.is_folder() {
                    *used -= node.size();
                }
                stays
            });
        } else {
            self.used -= node.size();
        }
        self.nodes.remove(path);
        Ok(())
    }

    /// Removes a folder that is empty.
    pub fn remove_folder(&mut self, path: &str) -> Result<(), FileError> {
        match self.list(path)?.is_empty() {
            true => self.remove(path, true),
            false => Err(FileError::NotEmpty),
        }
    }

    /// Sets space aside for a file that is still arriving.
    pub fn reserve(&mut self, bytes: u64) -> Result<(), FileError> {
        let used = self.used.saturating_add(bytes);
        if self.max < used {
            return Err(FileError::NoSpace);
        }
        self.used = used;
        Ok(())
    }

    /// Gives back what was set aside.
    pub fn release(&mut self, bytes: u64) {
        self.used -= bytes;
    }

    /// Paths that match a pattern with `*` and `?`, which do not match `/`.
    pub fn matching(&self, pattern: &str) -> Vec<&str> {
        let wanted: Vec<Name> = pattern.split('/').map(Name::new).collect();
        let fits = |path: &&String| {
            let parts: Vec<&str> = path.split('/').collect();
            parts.len() == wanted.len() && parts.iter().zip(&wanted).all(|(name, wanted)| wanted.fits(name))
        };
        self.nodes.keys().filter(fits).map(String::as_str).collect()
    }
}

/// The path that is meant when the shell stands in `folder`: absolute, without `.`, `..`, `//` and links.
pub(super) fn resolve(folder: &str, path: &str) -> String {
    let whole = if path.starts_with('/') { path.to_owned() } else { format!("{folder}/{path}") };
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let plain = format!("/{}", parts.join("/"));
    for (link, target) in LINKS {
        match plain.strip_prefix(link) {
            Some("") => return (*target).to_owned(),
            Some(rest) if rest.starts_with('/') => return format!("{target}{rest}"),
            _ => {}
        }
    }
    plain
}

fn parent(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some(("", _)) | None => "/",
        Some((parent, _)) => parent,
    }
}

/// Refuses paths outside the two places that clients may write to.
fn writable(path: &str) -> Result<(), FileError> {
    if path.len() > PATH_MAX || path.split('/').any(|name| name.len() > 255) {
        return Err(FileError::NameTooLong);
    }
    let within = |place: &str| path.strip_prefix(place).is_some_and(|rest| rest.starts_with('/'));
    if within(SDCARD) || within(SCRATCH) { Ok(()) } else { Err(FileError::Denied) }
}

/// A pattern for the name of a file or folder.
struct Name {
    pattern: Pattern,
    /// Hidden files are meant only by a pattern that begins with their dot.
    hidden: bool,
}

impl Name {
    fn new(text: &str) -> Name {
        Name { pattern: Pattern::new(text), hidden: text.starts_with('.') }
    }

    fn fits(&self, name: &str) -> bool {
        (self.hidden || !name.starts_with('.')) && self.pattern.fits(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_resolved_to_one_name() {
        for (path, expected) in [
            ("/sdcard", SDCARD),
            ("/sdcard/", SDCARD),
            ("//sdcard/./DCIM/../tmp.png", "/storage/emulated/0/tmp.png"),
            ("/mnt/sdcard/a", "/storage/emulated/0/a"),
            ("/sdcardX", "/sdcardX"),
            ("../../..", "/"),
            ("a", "/data/local/tmp/a"),
            ("/../etc/passwd", "/etc/passwd"),
        ] {
            assert_eq!(resolve(SCRATCH, path), expected, "{path}");
        }
    }

    #[test]
    fn space_runs_out_and_comes_back() {
        let mut files = Files::new(10, 0);
        let path = "/data/local/tmp/a";
        assert_eq!(files.write(path, vec![0; 11], 0), Err(FileError::NoSpace));
        assert_eq!(files.write(path, vec![0; 10], 0), Ok(()));
        assert_eq!(files.write(path, vec![0; 9], 0), Ok(()), "a file takes the place of itself");
        assert_eq!(files.reserve(2), Err(FileError::NoSpace));
        assert_eq!(files.reserve(1), Ok(()));
        assert_eq!(files.write("/data/local/tmp/b", vec![0], 0), Err(FileError::NoSpace));
        files.release(1);
        assert_eq!(files.write("/data/local/tmp/b", vec![0], 0), Ok(()));
        assert_eq!(files.remove(path, false), Ok(()));
        assert_eq!(files.used_bytes(), 1);
    }

    #[test]
    fn folders_count_what_is_in_them() {
        let mut files = Files::new(100, 0);
        files.make_folder("/data/local/tmp/a/b", true, 0).unwrap();
        files.write("/data/local/tmp/a/b/c", vec![0; 7], 0).unwrap();
        files.write("/data/local/tmp/ab", vec![0; 2], 0).unwrap();
        let names =
            |path: &str| files.list(path).unwrap().into_iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>();
        assert_eq!(names("/data/local/tmp"), ["a", "ab"]);
        assert_eq!(names("/data/local"), ["tmp"]);
        assert_eq!(files.remove_folder("/data/local/tmp/a"), Err(FileError::NotEmpty));
        assert_eq!(files.remove("/data/local/tmp/a", true), Ok(()));
        assert_eq!(files.used_bytes(), 2);
        assert_eq!(files.find("/data/local/tmp/a/b/c").unwrap_err(), FileError::NotFound);
    }

    #[test]
    fn only_two_places_can_be_written_to() {
        let mut files = Files::new(100, 0);
        for path in ["/system/bin/sh", "/x", "/storage/emulated/0", "/data/local/tmpx"] {
            assert_eq!(files.write(path, vec![], 0), Err(FileError::Denied), "{path}");
        }
        assert_eq!(files.write("/data/local/tmp/none/x", vec![], 0), Err(FileError::NotFound));
        assert_eq!(files.remove("/storage/emulated/0", true), Err(FileError::Denied));
        assert_eq!(
            files.write(&format!("/data/local/tmp/{}", "x".repeat(300)), vec![], 0),
            Err(FileError::NameTooLong)
        );
    }

    #[test]
    fn files_and_folders_are_limited_in_number() {
        let mut files = Files::new(100, 0);
        let ended = (0..NODES_MAX).find_map(|index| files.write(&format!("/data/local/tmp/{index}"), vec![], 0).err());
        assert_eq!(ended, Some(FileError::NoSpace));
    }

    #[test]
    fn hidden_files_are_not_meant_by_a_star() {
        for (name, pattern, fits) in
            [("a", "*", true), (".hidden", "*", false), (".hidden", ".h*", true), ("a.b", "?[.]b", true)]
        {
            assert_eq!(Name::new(pattern).fits(name), fits, "{name} {pattern}");
        }
    }
}
