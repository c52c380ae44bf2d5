//! Policies that come with the program, as data, and secrets as they are read from where they lie.

use std::io;
use std::path::{Path, PathBuf};

use tapwright_agent::policy::Policy;
use tapwright_agent::secrets::Hush;

const TRUSTING: &str = include_str!("policies/trusting.toml");
const CAREFUL: &str = include_str!("policies/careful.toml");

/// A policy that comes with the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// For the virtual phone: the model's own warnings are asked about, and nothing else.
    Trusting,
    /// For somebody's phone: a person is asked before anything that cannot be taken back.
    Careful,
}

impl Preset {
    /// The policy itself.
    pub fn policy(self) -> Policy {
        let text = match self {
            Preset::Trusting => TRUSTING,
            Preset::Careful => CAREFUL,
        };
        toml::from_str(text).expect("a test reads it")
    }
}

/// Why a secret cannot be had. Its text is nowhere in here.
#[derive(Debug, thiserror::Error)]
pub enum NoSecret {
    #[error("the file {} cannot be read: {source}", .at.display())]
    Unreadable { at: PathBuf, source: io::Error },
    /// Somebody else could read it.
    #[error("others may read the file {} (its mode is {mode:o})", .at.display())]
    Open { at: PathBuf, mode: u32 },
    #[error("the file {} holds no text of 3 to 4096 characters", .at.display())]
    Unfit { at: PathBuf },
}

const SECRET_BYTES: u64 = 4096;

/// Reads a secret from a file that its owner alone can read. A line break at its end is no part of it.
///
/// # Errors
/// `NoSecret` if it is not there, not safe, or not a secret.
pub fn secret_in(at: &Path) -> Result<Hush, NoSecret> {
    let unreadable = |source| NoSecret::Unreadable { at: at.to_owned(), source };
    let file = std::fs::File::open(at).map_err(unreadable)?;
    // Of the file that was opened, and not of whatever has its name by now.
    let metadata = file.metadata().map_err(unreadable)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let mode = metadata.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(NoSecret::Open { at: at.to_owned(), mode });
        }
    }
    let unfit = || NoSecret::Unfit { at: at.to_owned() };
    if !metadata.is_file() || metadata.len() > SECRET_BYTES {
        return Err(unfit());
    }
    let mut text = String::new();
    io::Read::read_to_string(&mut io::Read::take(file, SECRET_BYTES), &mut text).map_err(unreadable)?;
    let text = text.strip_suffix('\n').map(|text| text.strip_suffix('\r').unwrap_or(text)).unwrap_or(&text);
    Hush::new(text.to_owned()).ok_or_else(unfit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_can_be_read() {
        assert_eq!(Preset::Trusting.policy(), Policy::trusting());
        let careful = Preset::Careful.policy();
        for name in ["payment", "sending", "deleting", "installing", "permission", "credentials"] {
            assert!(careful.rules.iter().any(|rule| rule.name == name), "{name}");
        }
        for word in careful.rules.iter().flat_map(|rule| &rule.words).chain(&careful.agreeing) {
            assert!(!word.trim_matches('*').trim().is_empty() && word.trim() == word, "{word:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_secret_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("pin");
        std::fs::write(&at, "4711\n").unwrap();
        let mode = |mode| std::fs::set_permissions(&at, std::fs::Permissions::from_mode(mode)).unwrap();
        for open in [0o644, 0o640, 0o604, 0o660] {
            mode(open);
            assert!(matches!(secret_in(&at), Err(NoSecret::Open { .. })), "{open:o}");
        }
        for safe in [0o600, 0o400] {
            mode(safe);
            assert_eq!(secret_in(&at).unwrap(), Hush::new("4711".to_owned()).unwrap());
        }
        mode(0o600);
        std::fs::write(&at, "1\n").unwrap();
        assert!(matches!(secret_in(&at), Err(NoSecret::Unfit { .. })), "too short to be told apart");
        assert!(matches!(secret_in(folder.path()), Err(NoSecret::Open { .. } | NoSecret::Unfit { .. })));
        assert!(matches!(secret_in(Path::new("/no/such/file")), Err(NoSecret::Unreadable { .. })));
    }
}
