//! Opens an address in the browser of whoever is at this machine.
//!
//! The address has a token that lets whoever knows it answer for this person, and what a program is started with everybody on the
//! machine can read. So where that is so, a page is opened that only this user can read, and that leads there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::output;

/// The system's own program for that, and what comes before the address.
#[cfg(target_os = "macos")]
const OPENER: (&str, &[&str]) = ("open", &[]);
#[cfg(windows)]
const OPENER: (&str, &[&str]) = ("rundll32", &["url.dll,FileProtocolHandler"]);
#[cfg(not(any(target_os = "macos", windows)))]
const OPENER: (&str, &[&str]) = ("xdg-open", &[]);
/// How long a browser may take to begin and read the page. Then it is removed.
const READ_WITHIN: Duration = Duration::from_secs(60);
/// So many names are tried for the folder of the page.
const NAMES_MAX: u32 = 100;

/// A page that leads somewhere, for as long as this is there, or a minute.
pub struct RedirectPage {
    folder: PathBuf,
}

impl Drop for RedirectPage {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.folder));
    }
}

impl RedirectPage {
    /// Writes one that leads to an address, in a folder of its own below `base`.
    fn write(base: &Path, url: &str) -> io::Result<RedirectPage> {
        let mut made = Err(io::ErrorKind::AlreadyExists.into());
        for number in 0..NAMES_MAX {
            // Not hidden: browsers that are packed as snaps read no hidden folders.
            let folder = base.join(format!("tapwright-page-{}-{number}", std::process::id()));
            made = make_folder(&folder).map(|()| folder);
            if made.as_ref().err().is_none_or(|error| error.kind() != io::ErrorKind::AlreadyExists) {
                break;
            }
        }
        let page = RedirectPage { folder: made? };
        let url = url.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
        let html = format!(
            "<!doctype html><meta charset=\"utf-8\"><meta name=\"referrer\" content=\"no-referrer\"><title>Tapwright</title>\
             <meta http-equiv=\"refresh\" content=\"0; url={url}\"><a href=\"{url}\">Tapwright</a>\n"
        );
        write_own(&page.path(), html.as_bytes())?;
        Ok(page)
    }

    fn path(&self) -> PathBuf {
        self.folder.join("page.html")
    }
}

#[cfg(unix)]
fn make_folder(path: &Path) -> io::Result<()> {
    std::os::unix::fs::DirBuilderExt::mode(&mut fs::DirBuilder::new(), 0o700).create(path)
}

#[cfg(not(unix))]
fn make_folder(path: &Path) -> io::Result<()> {
    fs::create_dir(path)
}

/// Writes a new file that its owner alone can read.
fn write_own(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut how = fs::OpenOptions::new();
    how.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut how, 0o600);
    io::Write::write_all(&mut how.open(path)?, bytes)
}

/// Opens an address; says so if nothing here does that. The address is printed anyway, so it is no error. What is returned is kept for as
/// long as the address leads somewhere. `home` is where a page can be that the user's browser may read.
pub fn open(url: &str, home: &Path) -> Option<RedirectPage> {
    let (program, before) = OPENER;
    // On Windows nobody else can read what a program was started with.
    let page = if cfg!(windows) { Ok(None) } else { RedirectPage::write(home, url).map(Some) };
    let page = match page {
        Ok(page) => page,
        Err(error) => {
            let home = home.display();
            output::err(&format!(
                "  no browser was opened (no page can be in {home}: {error}); open the address yourself"
            ));
            return None;
        }
    };
    let mut command = Command::new(program);
    command.args(before).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match &page {
        Some(page) => command.arg(page.path()),
        None => command.arg(url),
    };
    // Ctrl-C is meant for this program, and not for a browser that was not open before.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    if let Err(error) = command.spawn() {
        output::err(&format!("  no browser was opened ({program}: {error}); open the address yourself"));
        return None;
    }
    if let Some(page) = &page {
        let folder = page.folder.clone();
        std::thread::spawn(move || {
            std::thread::sleep(READ_WITHIN);
            drop(fs::remove_dir_all(folder));
        });
    }
    page
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn nobody_else_reads_the_page_and_it_goes() {
        let base = tempfile::tempdir().unwrap();
        let url = "http://127.0.0.1:1/0123/";
        let (one, other) =
            (RedirectPage::write(base.path(), url).unwrap(), RedirectPage::write(base.path(), url).unwrap());
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&one.folder), mode(&one.path())), (0o700, 0o600));
        assert!(fs::read_to_string(other.path()).unwrap().contains(&format!("url={url}\"")));
        drop((one, other));
        assert_eq!(fs::read_dir(base.path()).unwrap().count(), 0);
        assert!(RedirectPage::write(&base.path().join("none"), url).is_err());
    }
}
