//! Files that a person names, or that a record or a folder from somebody else names: regular ones only, and a bounded part of each.
//!
//! A pipe or a terminal lets whoever opens it wait for ever, and a device such as `/dev/zero` has no end. So what a name leads to is
//! looked at before it is opened and again once it is, and what counts is what was read, whatever the file says of its length.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::path::Path;

/// Opens a regular file to be read.
///
/// # Errors
/// If it is not there, is none, or cannot be opened.
pub fn open_regular(path: &Path) -> io::Result<File> {
    // Opening a pipe waits for whoever writes to it.
    regular(&fs::metadata(path)?)?;
    let file = File::open(path)?;
    regular(&file.metadata()?)?;
    Ok(file)
}

/// Reads a regular file whole.
///
/// # Errors
/// If it is not there, is no regular file, is longer than `bytes_max`, or cannot be read.
pub fn read_bytes(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    let too_long = |found: &str| {
        let why = format!("it has {found} bytes, and at most {bytes_max} are read of such a file");
        io::Error::new(io::ErrorKind::FileTooLarge, why)
    };
    let file = open_regular(path)?;
    let length = file.metadata()?.len();
    if length > bytes_max {
        return Err(too_long(&length.to_string()));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    // It may be growing.
    file.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bytes_max {
        return Err(too_long("more"));
    }
    Ok(bytes)
}

/// Reads a regular file of text whole.
///
/// # Errors
/// As [`read_bytes`], and if it is no text in UTF-8.
pub fn read_text(path: &Path, bytes_max: u64) -> io::Result<String> {
    String::from_utf8(read_bytes(path, bytes_max)?).map_err(|error| {
        let why = format!("it is no text in UTF-8: what follows byte {} is none", error.utf8_error().valid_up_to());
        io::Error::new(io::ErrorKind::InvalidData, why)
    })
}

fn regular(found: &Metadata) -> io::Result<()> {
    if found.is_file() {
        return Ok(());
    }
    let why = format!("it is {}, and no regular file", kind(found));
    Err(io::Error::new(io::ErrorKind::InvalidInput, why))
}

#[cfg(unix)]
fn kind(found: &Metadata) -> &'static str {
    use std::os::unix::fs::FileTypeExt as _;
    let kind = found.file_type();
    match () {
        () if kind.is_dir() => "a folder",
        () if kind.is_fifo() => "a pipe",
        () if kind.is_socket() => "a socket",
        () => "a device",
    }
}

#[cfg(not(unix))]
fn kind(found: &Metadata) -> &'static str {
    if found.is_dir() { "a folder" } else { "something else" }
}

#[cfg(all(test, unix))]
mod tests {
    use std::path::PathBuf;
    use std::process::{Command, id};

    use super::*;

    #[test]
    fn only_regular_files_are_read_and_only_so_much_of_them() {
        let folder = std::env::temp_dir().join(format!("tapwright-files-{}", id()));
        fs::create_dir_all(&folder).unwrap();
        let pipe = folder.join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        fs::write(folder.join("short"), "text").unwrap();
        fs::write(folder.join("binary"), b"te\xffxt").unwrap();
        File::create(folder.join("long")).unwrap().set_len(5 << 30).unwrap();
        std::os::unix::fs::symlink("/dev/zero", folder.join("link")).unwrap();
        for (at, expected) in [
            (folder.clone(), "it is a folder, and no regular file"),
            (pipe, "it is a pipe, and no regular file"),
            (PathBuf::from("/dev/zero"), "it is a device, and no regular file"),
            (folder.join("link"), "it is a device, and no regular file"),
            (folder.join("long"), "it has 5368709120 bytes, and at most 4 are read of such a file"),
            (folder.join("binary"), "it has 5 bytes, and at most 4 are read of such a file"),
        ] {
            assert_eq!(read_bytes(&at, 4).unwrap_err().to_string(), expected, "{at:?}");
            assert_eq!(read_text(&at, 4).unwrap_err().to_string(), expected, "{at:?}");
        }
        assert_eq!(read_text(&folder.join("short"), 4).unwrap(), "text");
        let binary = read_text(&folder.join("binary"), 5).unwrap_err();
        assert_eq!(binary.to_string(), "it is no text in UTF-8: what follows byte 2 is none");
        assert_eq!(read_bytes(&folder.join("none"), 4).unwrap_err().kind(), io::ErrorKind::NotFound);
        // A file of the system's that says that it is empty.
        let status = Path::new("/proc/self/status");
        assert!(!read_bytes(status, 1 << 20).unwrap().is_empty());
        let longer = read_bytes(status, 4).unwrap_err();
        assert_eq!(longer.to_string(), "it has more bytes, and at most 4 are read of such a file");
        fs::remove_dir_all(folder).unwrap();
    }
}
