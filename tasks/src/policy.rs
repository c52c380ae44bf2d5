//! Policies that come with the program, as data, and secrets as they are read from where they lie.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use serde::Deserialize;
use tapwright_agent::policy::{CAREFUL, Policy, TRUSTING};
use tapwright_agent::secrets::SecretText;
use tapwright_contract::file::open_regular;

use crate::process::{self, Program, ProgramError, ProgramOutput};

/// A policy that comes with the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// For the virtual phone: what the model itself calls important is asked about, and calls of APIs that nobody can take back.
    Trusting,
    /// For somebody's phone: a person is asked before anything that cannot be taken back.
    Careful,
}

impl Preset {
    pub const ALL: [Preset; 2] = [Preset::Trusting, Preset::Careful];

    /// As it is written in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Preset::Trusting => "trusting",
            Preset::Careful => "careful",
        }
    }

    /// The preset of a name.
    pub fn named(name: &str) -> Option<Preset> {
        Preset::ALL.into_iter().find(|preset| preset.name() == name)
    }

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
pub enum SecretError {
    #[error("the file {} cannot be read: {source}", .at.display())]
    Unreadable { at: PathBuf, source: io::Error },
    /// Somebody else could read it.
    #[error("others may read the file {} (its mode is {mode:o})", .at.display())]
    Open { at: PathBuf, mode: u32 },
    #[error("the file {} holds no text of 3 to 4096 characters", .at.display())]
    Unfit { at: PathBuf },
    /// A program that was to say it did not. What it printed is not repeated.
    #[error(transparent)]
    Program(#[from] ProgramError),
    #[error("{program} ended with {status}, and said nothing that counts")]
    Failed { program: String, status: ExitStatus },
    #[error("the first line that {program} prints is no text of 3 to 4096 characters")]
    Unsaid { program: String },
    /// The keyring is asked by the platform's own program.
    #[error("the keyring is asked with {program}, which is not there")]
    NoTool { program: &'static str, install: &'static str },
    #[error("the keyring has nothing for the account {account:?} of the service `tapwright`, or is locked")]
    NotKept { account: String, store: String },
    #[error("this program knows of no keyring on this system")]
    NoKeyring,
}

impl SecretError {
    /// What to do next.
    pub fn help(&self) -> String {
        match self {
            SecretError::Unreadable { .. } | SecretError::Open { .. } | SecretError::Unfit { .. } => {
                "its owner alone may read it: chmod 600 FILE".to_owned()
            }
            SecretError::Program(_) | SecretError::Failed { .. } | SecretError::Unsaid { .. } => {
                "run the command by hand: its first line is to be the secret".to_owned()
            }
            SecretError::NoTool { install, .. } => (*install).to_owned(),
            SecretError::NotKept { store, .. } => format!("store it: {store}"),
            SecretError::NoKeyring => "take command = [\"PROGRAM\", …], file or env".to_owned(),
        }
    }
}

const SECRET_BYTES: u64 = 4096;
/// Somebody may have to unlock a keyring first.
const SECRET_WITHIN: Duration = Duration::from_secs(60);

/// Has a program say a secret: the first line that it prints.
///
/// # Errors
/// `SecretError` if it does not.
pub async fn secret_from_command(argv: &[String]) -> Result<SecretText, SecretError> {
    output_of(argv, SECRET_WITHIN).await
}

async fn output_of(argv: &[String], within: Duration) -> Result<SecretText, SecretError> {
    let program = argv.first().cloned().unwrap_or_default();
    let ran = process::run(Program {
        argv,
        env: BTreeMap::new(),
        own_group: false,
        input: None,
        within,
        output_bytes_max: SECRET_BYTES as usize + 2,
    });
    let ProgramOutput { status, out, .. } = ran.await?;
    if !status.success() {
        return Err(SecretError::Failed { program, status });
    }
    let line = out.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let fits = line.len() <= SECRET_BYTES as usize;
    let text = std::str::from_utf8(line).ok().filter(|_| fits);
    text.and_then(|text| SecretText::new(text.to_owned())).ok_or(SecretError::Unsaid { program })
}

/// Asks the platform's keyring, with the platform's own program.
///
/// # Errors
/// `SecretError` if it is not there, or has nothing for the account.
pub async fn secret_from_keyring(account: &str) -> Result<SecretText, SecretError> {
    let (argv, store, install): (&[&str], String, &'static str) = if cfg!(target_os = "macos") {
        (
            &["security", "find-generic-password", "-s", "tapwright", "-w", "-a"],
            format!("security add-generic-password -s tapwright -a {account} -w"),
            "it comes with macOS",
        )
    } else if cfg!(target_os = "linux") {
        (
            &["secret-tool", "lookup", "service", "tapwright", "account"],
            format!("secret-tool store --label=Tapwright service tapwright account {account}"),
            "install it: apt install libsecret-tools, dnf install libsecret, or pacman -S libsecret",
        )
    } else {
        return Err(SecretError::NoKeyring);
    };
    let program = argv[0];
    let argv: Vec<String> = argv.iter().map(|word| (*word).to_owned()).chain([account.to_owned()]).collect();
    secret_from_command(&argv).await.map_err(|error| match error {
        SecretError::Program(ProgramError::Start { .. }) => SecretError::NoTool { program, install },
        SecretError::Failed { .. } => SecretError::NotKept { account: account.to_owned(), store },
        error => error,
    })
}

/// Reads a secret from a file that its owner alone can read. A line break at its end is no part of it.
///
/// # Errors
/// `SecretError` if it is not there, not safe, or not a secret.
pub fn secret_from_file(at: &Path) -> Result<SecretText, SecretError> {
    let unreadable = |source| SecretError::Unreadable { at: at.to_owned(), source };
    let file = open_regular(at).map_err(unreadable)?;
    // Of the file that was opened, and not of whatever has its name by now.
    let metadata = file.metadata().map_err(unreadable)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let mode = metadata.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(SecretError::Open { at: at.to_owned(), mode });
        }
    }
    let unfit = || SecretError::Unfit { at: at.to_owned() };
    if metadata.len() > SECRET_BYTES {
        return Err(unfit());
    }
    let mut text = String::new();
    io::Read::read_to_string(&mut io::Read::take(file, SECRET_BYTES), &mut text).map_err(unreadable)?;
    let text = text.strip_suffix('\n').map(|text| text.strip_suffix('\r').unwrap_or(text)).unwrap_or(&text);
    SecretText::new(text.to_owned()).ok_or_else(unfit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_can_be_read() {
        let trusting = Preset::Trusting.policy();
        assert!(trusting.rules.is_empty() && trusting.apps_forbidden.is_empty() && !trusting.asks_when_stuck);
        let careful = Preset::Careful.policy();
        for name in ["payment", "sending", "deleting", "installing", "permission", "credentials"] {
            assert!(careful.rules.iter().any(|rule| rule.name == name), "{name}");
        }
        for word in careful.rules.iter().flat_map(|rule| &rule.words).chain(&careful.confirm_buttons) {
            assert!(!word.trim_matches('*').trim().is_empty() && word.trim() == word, "{word:?}");
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_program_says_its_first_line() {
        let long = Duration::from_secs(60);
        let shell = |script: &str| ["sh", "-c", script].map(str::to_owned);
        let secret_text = |text: &str| SecretText::new(text.to_owned()).unwrap();
        for script in ["printf 4711", "echo 4711", "printf '4711\\r\\nmore\\n'", "echo 4711; echo more >&2"] {
            assert_eq!(output_of(&shell(script), long).await.unwrap(), secret_text("4711"), "{script}");
        }
        assert_eq!(output_of(&shell("printf ' a b '"), long).await.unwrap(), secret_text(" a b "));
        for (script, expected) in [
            ("echo 4711; exit 1", "sh ended with exit status: 1, and said nothing that counts"),
            ("echo", "the first line that sh prints is no text of 3 to 4096 characters"),
            ("echo 12", "the first line that sh prints is no text of 3 to 4096 characters"),
            ("printf '4711\\377'", "the first line that sh prints is no text of 3 to 4096 characters"),
            ("printf %05000d 4711", "the first line that sh prints is no text of 3 to 4096 characters"),
        ] {
            assert_eq!(output_of(&shell(script), long).await.unwrap_err().to_string(), expected, "{script}");
        }
        let late = output_of(&shell("echo 4711; exec sleep 100"), Duration::from_millis(300)).await.unwrap_err();
        assert!(late.to_string().contains("was not done within 0.3 s"), "{late}");
        let none = output_of(&["/no/such/program".to_owned()], long).await.unwrap_err();
        assert!(none.to_string().contains("cannot be started"), "{none}");
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
            assert!(matches!(secret_from_file(&at), Err(SecretError::Open { .. })), "{open:o}");
        }
        for safe in [0o600, 0o400] {
            mode(safe);
            assert_eq!(secret_from_file(&at).unwrap(), SecretText::new("4711".to_owned()).unwrap());
        }
        mode(0o600);
        std::fs::write(&at, "1\n").unwrap();
        assert!(matches!(secret_from_file(&at), Err(SecretError::Unfit { .. })), "too short to be told apart");
        assert!(matches!(secret_from_file(folder.path()), Err(SecretError::Unreadable { .. })));
        assert!(matches!(secret_from_file(Path::new("/no/such/file")), Err(SecretError::Unreadable { .. })));
    }
}
