//! Which settings of a file need its user's trust, and which files have it.
//!
//! `tapwright.toml` of the folder in which the program is started may have come with the folder: a clone, a download. What in it runs
//! a program, reads a secret, names where something is sent, or has people asked less often counts only if this user trusts the file,
//! as it is now: its path and the digest of its text are kept in the user's own folder. A file that the user names, or has in the
//! folder for settings of their own, needs none of that.

use std::fs;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Component, Path, PathBuf};

use sha2::{Digest as _, Sha256};
use tapwright_agent::journal::{private_file, private_folders};
use tapwright_agent::policy::Permission;
use tapwright_contract::file;

use super::SettingsFile;
use super::file::{ModelSection, PolicySection, ProtectedWindows, Sections, SettingsOrigin};
use super::model::{is_null_model, is_server};
use crate::command_line;
use crate::model::without_secrets;
use crate::policy::Preset;
use crate::profile::Shipped;

/// What one setting does is told whole: what a command does may stand at its end. Nobody reads more than so much of it, and whoever is
/// asked is told that there is more.
const DOES_LETTERS_MAX: usize = 4096;

/// As much is told of where it stands.
const KEY_LETTERS_MAX: usize = 60;

/// A setting that somebody else's file may not have without being trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SensitiveSetting {
    /// Where it stands: `policy.secrets.pin`.
    pub key: String,
    /// What it does, for people: `runs the program pass show pin`.
    pub does: String,
    /// Whether it runs somebody's code here: a program or a library.
    pub runs_code: bool,
}

/// A file from the working folder that is not trusted, and what in it needs trust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UntrustedFile {
    pub path: PathBuf,
    pub digest: String,
    pub settings: Vec<SensitiveSetting>,
}

/// The files that this user trusts: each by its path, with the digest of the text that was looked at.
#[derive(Clone, Debug)]
pub struct TrustStore {
    folder: PathBuf,
}

impl TrustStore {
    /// Kept in a folder of the user's own, outside of anything that is copied along with a project.
    pub fn new(folder: PathBuf) -> TrustStore {
        TrustStore { folder }
    }

    /// Whether this very text at this path is trusted. What cannot be read trusts nothing.
    pub fn is_trusted(&self, path: &Path, digest: &str) -> bool {
        let kept = file::read_text(&self.entry(path), 1 << 16).unwrap_or_default();
        kept.lines().next().is_some_and(|line| line == digest)
    }

    /// Trusts it from now on, until it is changed.
    ///
    /// # Errors
    /// If that cannot be written down.
    pub fn trust(&self, path: &Path, digest: &str) -> io::Result<()> {
        private_folders(&self.folder)?;
        let entry = self.entry(path);
        let fresh = entry.with_extension(format!("new-{}", std::process::id()));
        let mut to = private_file(&fresh)?;
        // The path is for whoever looks into the folder.
        writeln!(to, "{digest}\n{}", path.display())?;
        to.sync_all()?;
        fs::rename(&fresh, &entry)
    }

    /// Trusts the file at this path no more, and says whether it did.
    ///
    /// # Errors
    /// If that cannot be written down.
    pub fn forget(&self, path: &Path) -> io::Result<bool> {
        match fs::remove_file(self.entry(path)) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn entry(&self, path: &Path) -> PathBuf {
        self.folder.join(hex::encode(Sha256::digest(real(path).as_os_str().as_encoded_bytes())))
    }
}

/// One path for one file, however it is reached.
fn real(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
}

impl SettingsFile {
    /// What in this file needs the user's trust and does not have it; `None` if all of it may be used.
    pub fn needed_trust(&self, store: Option<&TrustStore>) -> Option<UntrustedFile> {
        if self.origin() != SettingsOrigin::WorkingFolder {
            return None;
        }
        let settings = self.sensitive();
        let path = real(self.path());
        let digest = self.digest();
        let is_trusted = settings.is_empty() || store.is_some_and(|store| store.is_trusted(&path, &digest));
        (!is_trusted).then_some(UntrustedFile { path, digest, settings })
    }

    /// The digest of what it says.
    pub fn digest(&self) -> String {
        hex::encode(Sha256::digest(self.text().as_bytes()))
    }

    /// The settings in it that need trust, in the order of the file's sections.
    pub fn sensitive(&self) -> Vec<SensitiveSetting> {
        let mut found = self.replaced_file().map_or_else(Vec::new, |own| {
            vec![setting(
                "the file itself".to_owned(),
                format!("takes the place of your own settings in {}", own.display()),
            )]
        });
        found.extend(self.sensitive_places());
        let Sections { runs: _, cache: _, model, models, device, phone: _, policy, ask, apis, mcp, limits: _ } =
            &self.sections;
        of_model("model", model, &mut found);
        for (name, section) in models {
            of_model(&format!("models.{name}"), section, &mut found);
        }
        let mut add = |key: &str, does: String| found.push(setting(key.to_owned(), does));
        if let Some(words) = device.r#use.as_ref().filter(|words| *words != "virtual") {
            add("device.use", format!("acts on the device {}", super::device::recorded_words(words)));
        }
        if let Some(server) = &device.adb_server {
            add("device.adb_server", format!("asks the adb server at {server}"));
        }
        if !device.sites.is_empty() {
            let names: Vec<&str> = device.sites.keys().map(String::as_str).collect();
            add("device.sites", format!("says which sites these names mean: {}", names.join(", ")));
        }
        if !device.folders.is_empty() {
            let folders: Vec<String> =
                device.folders.iter().map(|folder| folder.get_ref().display().to_string()).collect();
            add("device.folders", format!("lets a model read and write the files in {}", folders.join(", ")));
        }
        if device.keys.is_some() {
            add("device.keys", "shows devices other keys than adb's own".to_owned());
        }
        if device.protected == Some(ProtectedWindows::Words) {
            add("device.protected", "shows the model windows that forbid pictures".to_owned());
        }
        if let Some(office) = &device.libreoffice {
            add(
                "device.libreoffice",
                format!("lets a model change what is open in LibreOffice at {}", office.get_ref()),
            );
        }
        if device.app_functions.as_ref().is_some_and(|packages| !packages.is_empty()) {
            add("device.app_functions", "lets the model call functions of the phone's apps".to_owned());
        }
        if device.page_tools.as_ref().is_some_and(|sites| !sites.get_ref().is_empty()) {
            add("device.page_tools", "lets the model call tools of web pages".to_owned());
        }
        if ask.open {
            add("ask.open", "lets other machines see the screen and answer".to_owned());
        }
        let listen = ask.listen.as_ref().and_then(|words| words.get_ref().parse::<SocketAddr>().ok());
        if let Some(listen) = listen.filter(|listen| !listen.ip().is_loopback()) {
            add("ask.listen", format!("lets other machines reach {listen}"));
        }
        of_policy(policy, &mut found);
        for (name, api) in apis {
            let key = format!("apis.{name}");
            if let Some(description) = &api.openapi {
                let at = api.url.as_ref().unwrap_or(description);
                let (to, by) = (without_secrets(at), without_secrets(description));
                found.push(setting(key, format!("sends what a model writes to {to}, by the description {by}")));
                continue;
            }
            found.push(match (&api.command, &api.url, &api.dbus) {
                (Some(argv), ..) => running(key, runs(argv)),
                // A program that is asked over the bus may do anything that its user may.
                (None, _, Some(bus)) => running(key, format!("calls {} of {}", bus.method, bus.service)),
                (None, url, None) => {
                    let url = url.as_deref().map_or_else(|| "an address".to_owned(), without_secrets);
                    setting(key, format!("sends what a model writes to {url}"))
                }
            });
        }
        for (name, server) in mcp {
            let key = format!("mcp.{name}");
            found.push(match (&server.command, &server.url) {
                (Some(argv), _) if server.pass_env.is_empty() => running(key, runs(argv)),
                (Some(argv), _) => {
                    running(key, format!("{} with the variables {}", runs(argv), server.pass_env.join(", ")))
                }
                (None, url) => {
                    let url = url.as_deref().map_or_else(|| "an address".to_owned(), without_secrets);
                    setting(key, format!("sends what a model writes to {url}"))
                }
            });
        }
        found
    }

    /// Those that say where things of this program's are kept: they count for every command, also for one that only reads records.
    pub fn sensitive_places(&self) -> Vec<SensitiveSetting> {
        let mut found = Vec::new();
        // Also by a link: of what is not there yet, the folder counts that is.
        let is_elsewhere = |path: &Path| {
            let home = self.path().parent().map(|home| if home.as_os_str().is_empty() { Path::new(".") } else { home });
            let at = self.beside(path);
            let there = at.ancestors().find_map(|above| fs::canonicalize(above).ok());
            let home = home.and_then(|home| fs::canonicalize(home).ok());
            there.zip(home).is_some_and(|(there, home)| !there.starts_with(home))
        };
        let leads_out = |path: &Path| {
            path.is_absolute()
                || path.components().any(|part| !matches!(part, Component::Normal(_) | Component::CurDir))
                || is_elsewhere(path)
        };
        if let Some(runs) = self.sections.runs.as_ref().filter(|runs| leads_out(runs)) {
            found.push(setting("runs".to_owned(), format!("keeps records in {}", runs.display())));
        }
        if let Some(cache) = &self.sections.cache {
            // A library that lies there is loaded into this process.
            let does = format!("takes models, libraries and the key of records from {}", cache.display());
            found.push(running("cache", does));
        }
        found
    }

    /// With what needs no trust only: where records are kept, and what a virtual phone is like.
    #[must_use]
    pub fn without_sensitive(mut self) -> SettingsFile {
        let Sections { runs, cache, phone, limits, .. } = std::mem::take(&mut self.sections);
        self.sections = Sections { runs, cache, phone, limits, ..Sections::default() };
        self
    }
}

fn setting(key: impl Into<String>, does: impl Into<String>) -> SensitiveSetting {
    SensitiveSetting {
        key: start_of(&key.into(), KEY_LETTERS_MAX, |_| String::new()),
        does: start_of(&does.into(), DOES_LETTERS_MAX, |more| {
            format!(" and {more} characters more, which are not shown: read the file before you trust it")
        }),
        runs_code: false,
    }
}

/// One by which somebody's code runs here.
fn running(key: impl Into<String>, does: impl Into<String>) -> SensitiveSetting {
    SensitiveSetting { runs_code: true, ..setting(key, does) }
}

/// A program, for people: as a shell would be told it, and with nothing in it that a terminal obeys.
fn runs(argv: &[String]) -> String {
    format!("runs the program {}", command_line::in_words(argv))
}

/// As much of a text as that, and what is said of the characters that are left out.
fn start_of(text: &str, letters_max: usize, more: impl FnOnce(usize) -> String) -> String {
    match text.char_indices().nth(letters_max) {
        Some((end, _)) => format!("{}…{}", &text[..end], more(text[end..].chars().count())),
        None => text.to_owned(),
    }
}

fn of_model(at: &str, section: &ModelSection, found: &mut Vec<SensitiveSetting>) {
    let key_of = |key: &str| format!("{at}.{key}");
    let mut add = |key: &str, does: String| found.push(setting(key_of(key), does));
    match section.r#use.as_deref() {
        None => {}
        Some(words) if is_null_model(words) => {}
        Some(words) if is_server(words.as_ref()) => {
            add("use", format!("sends the goal and pictures of the screen to {}", without_secrets(words)));
        }
        Some(words) => add("use", format!("lets {words} decide what is done")),
    }
    if let Some(variable) = &section.key_env {
        add("key_env", format!("sends the environment variable {variable} to the model's server"));
    }
    let is_file = |words: &&toml::Spanned<String>| Shipped::find(words.get_ref()).is_err();
    if let Some(profile) = section.profile.as_ref().filter(is_file) {
        add("profile", format!("tells the model what stands in {}", profile.get_ref()));
    }
    if let Some(library) = &section.ort_library {
        found.push(running(key_of("ort_library"), format!("loads the library {}", library.display())));
    }
}

/// What of a policy has people asked less often than the careful preset, or opens a secret.
fn of_policy(section: &PolicySection, found: &mut Vec<SensitiveSetting>) {
    let careful = Preset::Careful.policy();
    let mut add = |key: String, does: String| found.push(setting(format!("policy.{key}"), does));
    if section.preset == Some(Preset::Trusting) {
        add("preset".to_owned(), "asks before less than it would on a real device".to_owned());
    }
    let looser = |own: Option<Permission>, usual: Permission| own.is_some_and(|own| own < usual);
    let asks_less = "asks before less".to_owned();
    for (key, own, usual) in [
        ("warning", section.warning, careful.warning),
        ("without_labels", section.without_labels, careful.without_labels),
    ] {
        if looser(own, usual) {
            add(key.to_owned(), asks_less.clone());
        }
    }
    if section.ask_when_stuck == Some(false) {
        add("ask_when_stuck".to_owned(), "asks nobody when a run does not get on".to_owned());
    }
    for (name, said) in &section.apis {
        if said.permission == Some(Permission::Allow) || said.repeatable == Some(true) {
            add(format!("apis.{name}"), "lets an API be called without asking, or again".to_owned());
        }
    }
    let (own, usual) = (&section.api_effects, &careful.api_effects);
    let effects = [
        (own.reads, usual.reads),
        (own.changes, usual.changes),
        (own.leaves_the_device, usual.leaves_the_device),
        (own.irreversible, usual.irreversible),
    ];
    if effects.into_iter().any(|(own, usual)| looser(own, usual)) {
        add("api_effects".to_owned(), "asks before fewer calls of APIs".to_owned());
    }
    if section.answers.is_some() {
        add("answers".to_owned(), "answers the model in your place".to_owned());
    }
    for (name, rule) in &section.rules {
        let known = careful.rules.iter().find(|known| known.name == *name);
        if !rule.except.is_empty() || known.is_some_and(|known| looser(rule.permission, known.permission)) {
            add(format!("rules.{name}"), asks_less.clone());
        }
    }
    for (name, secret) in &section.secrets {
        let key = format!("policy.secrets.{name}");
        if let Some(argv) = &secret.command {
            found.push(running(key, runs(argv)));
            continue;
        }
        let does = match (&secret.env, &secret.file, &secret.keyring) {
            (Some(variable), ..) => format!("reads the environment variable {variable}"),
            (_, Some(at), _) => format!("reads the file {}", at.display()),
            (.., keyring) => format!("reads {} from the keyring", keyring.as_deref().unwrap_or("a secret")),
        };
        found.push(setting(key, does));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Vec<String> {
        let file = SettingsFile::of_text(Path::new("tapwright.toml"), text, SettingsOrigin::WorkingFolder).unwrap();
        file.sensitive().into_iter().map(|setting| setting.key).collect()
    }

    #[test]
    fn what_needs_trust_is_told_by_its_key() {
        for harmless in [
            "",
            "runs = \"records\"",
            "[phone]\nseed = 3\n[limits]\nsteps_max = 9\n[device]\nuse = \"virtual\"\nconnect_ms = 5",
            "[model]\nuse = \"taps\"\nprofile = \"autoglm-phone-9b\"\nthreads = 2",
            "[ask]\nlisten = \"127.0.0.1:0\"",
            "[policy]\npreset = \"careful\"\napps_forbidden = [\"Bank\"]\napps_allowed = [\"com.x\"]\nwarning = \"refuse\"",
            "[policy]\napi_effects = { reads = \"allow\", irreversible = \"refuse\" }\napis = { x = { permission = \"ask\" } }",
            "[policy.rules.payment]\npermission = \"refuse\"\n[policy.rules.mine]\nwords = [\"x\"]",
        ] {
            assert_eq!(keys(harmless), Vec::<String>::new(), "{harmless}");
        }
        for (text, expected) in [
            ("runs = \"/tmp/x\"", "runs"),
            ("runs = \"../x\"", "runs"),
            ("cache = \"cache\"", "cache"),
            ("[model]\nuse = \"http://127.0.0.1:1/v1\"", "model.use"),
            ("[model]\nuse = \"weights\"", "model.use"),
            ("[model]\nuse = \"script:replies.txt\"", "model.use"),
            ("[model]\nkey_env = \"AWS_SECRET_ACCESS_KEY\"", "model.key_env"),
            ("[model]\nprofile = \"profile.toml\"", "model.profile"),
            ("[model]\nort_library = \"x.so\"", "model.ort_library"),
            ("[models.a]\nuse = \"https://x/v1\"", "models.a.use"),
            ("[models.a]\nkey_env = \"HOME\"", "models.a.key_env"),
            ("[device]\nuse = \"desktop\"", "device.use"),
            ("[device]\nuse = \"127.0.0.1:5555\"", "device.use"),
            ("[device]\nadb_server = \"x:1\"", "device.adb_server"),
            ("[device]\nkeys = []", "device.keys"),
            ("[device]\nfolders = [\"/home\"]", "device.folders"),
            ("[device]\nprotected = \"words\"", "device.protected"),
            ("[device]\napp_functions = [\"*\"]", "device.app_functions"),
            ("[device]\npage_tools = [\"*\"]", "device.page_tools"),
            ("[device]\nlibreoffice = \"pipe,name=a\"", "device.libreoffice"),
            ("[device.sites]\nBank = \"https://bank.example\"", "device.sites"),
            ("[ask]\nopen = true", "ask.open"),
            ("[ask]\nlisten = \"0.0.0.0:1\"", "ask.listen"),
            ("[policy]\npreset = \"trusting\"", "policy.preset"),
            ("[policy]\nwarning = \"allow\"", "policy.warning"),
            ("[policy]\nwithout_labels = \"allow\"", "policy.without_labels"),
            ("[policy]\nask_when_stuck = false", "policy.ask_when_stuck"),
            ("[policy]\napi_effects = { irreversible = \"allow\" }", "policy.api_effects"),
            ("[policy]\nanswers = { choose = \"yes\" }", "policy.answers"),
            ("[policy.apis.x]\npermission = \"allow\"", "policy.apis.x"),
            ("[policy.apis.x]\nrepeatable = true", "policy.apis.x"),
            ("[policy.rules.payment]\npermission = \"allow\"", "policy.rules.payment"),
            ("[policy.rules.sending]\nexcept = [\"com.x\"]", "policy.rules.sending"),
            ("[policy.secrets.a]\ncommand = [\"sh\"]", "policy.secrets.a"),
            ("[policy.secrets.a]\nenv = \"HOME\"", "policy.secrets.a"),
            ("[policy.secrets.a]\nfile = \"/etc/shadow\"", "policy.secrets.a"),
            ("[policy.secrets.a]\nkeyring = \"me\"", "policy.secrets.a"),
            ("[apis.a]\nabout = \"x\"\nurl = \"http://x\"", "apis.a"),
            ("[apis.a]\nabout = \"x\"\ncommand = [\"rm\"]", "apis.a"),
            (
                "[apis.a]\nabout = \"x\"\ndbus = { service = \"a.b\", path = \"/\", interface = \"a.b\", method = \"C\" }",
                "apis.a",
            ),
            ("[mcp.a]\ncommand = [\"npx\", \"x\"]", "mcp.a"),
            ("[mcp.a]\nurl = \"https://x.example/mcp\"", "mcp.a"),
        ] {
            assert_eq!(keys(text), [expected], "{text}");
        }
    }

    /// Whether it runs something is known where it is found, and not read off the words for it.
    #[test]
    fn what_runs_code_is_known_as_that() {
        for (text, expected, does) in [
            (
                "cache = \"runs the program\"",
                true,
                "takes models, libraries and the key of records from runs the program",
            ),
            ("[model]\nort_library = \"x.so\"", true, "loads the library x.so"),
            ("[policy.secrets.a]\ncommand = [\"sh\", \"-c\", \"a b\"]", true, "runs the program sh -c 'a b'"),
            ("[policy.secrets.a]\ncommand = [\"a\\u001b[2J\"]", true, r"runs the program $'a\x1b[2J'"),
            ("[apis.a]\nabout = \"x\"\ncommand = [\"touch\", \"x\", \"y z\"]", true, "runs the program touch x 'y z'"),
            (
                "[apis.a]\nabout = \"x\"\nurl = \"http://me:pw@x/a?key=k\"",
                false,
                "sends what a model writes to http://…@x/a?…",
            ),
            (
                "[model]\nuse = \"http://me:pw@x/v1\"",
                false,
                "sends the goal and pictures of the screen to http://…@x/v1",
            ),
            ("[policy.secrets.a]\nenv = \"HOME\"", false, "reads the environment variable HOME"),
            ("[device]\nuse = \"browser:ws://h:1/devtools/browser/t\"", false, "acts on the device browser:ws://h:1/…"),
        ] {
            let file = SettingsFile::of_text(Path::new("t.toml"), text, SettingsOrigin::WorkingFolder).unwrap();
            let [found] = &file.sensitive()[..] else { panic!("one: {text}") };
            assert_eq!((found.runs_code, found.does.as_str()), (expected, does), "{text}");
        }
    }

    /// What a command does may stand at its end, and which folder is meant too.
    #[test]
    fn what_a_setting_does_is_told_whole() {
        let only = |text: &str| {
            let file = SettingsFile::of_text(Path::new("t.toml"), text, SettingsOrigin::WorkingFolder).unwrap();
            let [setting] = &file.sensitive()[..] else { panic!("one: {text}") };
            setting.clone()
        };
        let long = "x".repeat(500);
        for (text, end) in [
            (format!("[policy.secrets.a]\ncommand = [\"sh\", \"-c\", \"true {long}; rm -r ~\"]"), "; rm -r ~'"),
            (format!("[apis.a]\nabout = \"x\"\ncommand = [\"curl\", \"{long}\", \"evil.example\"]"), " evil.example"),
            (format!("[mcp.a]\ncommand = [\"npx\", \"{long}\"]\npass_env = [\"TOKEN\"]"), " with the variables TOKEN"),
            (format!("[device]\nfolders = [\"/{long}\", \"/home\"]"), ", /home"),
            (format!("[apis.a]\nabout = \"x\"\nurl = \"http://{long}.example/take\""), ".example/take"),
        ] {
            let does = only(&text).does;
            assert!(does.ends_with(end) && does.contains(&long), "{does}");
        }
        let endless = only(&format!("[policy.secrets.a]\ncommand = [\"curl\", \"{}\"]", "x".repeat(9_000)));
        assert!(endless.runs_code && endless.does.starts_with("runs the program curl xxx"), "{endless:?}");
        assert!(
            endless
                .does
                .ends_with("… and 4926 characters more, which are not shown: read the file before you trust it")
        );
        let named = only(&format!("[models.{}]\nkey_env = \"HOME\"", "a".repeat(500)));
        assert!(named.key.chars().count() <= KEY_LETTERS_MAX + 1 && !named.runs_code, "{named:?}");
    }

    #[test]
    #[cfg(unix)]
    fn records_in_a_folder_that_a_link_leads_out_of_need_trust() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::os::unix::fs::symlink(other.path(), folder.path().join("out")).unwrap();
        std::os::unix::fs::symlink("in", folder.path().join("here")).unwrap();
        fs::create_dir(folder.path().join("in")).unwrap();
        let at = folder.path().join("tapwright.toml");
        for (runs, asked) in [("out", 1), ("out/a/b", 1), ("in", 0), ("in/a", 0), ("here", 0), ("new", 0)] {
            let text = format!("runs = \"{runs}\"");
            let file = SettingsFile::of_text(&at, &text, SettingsOrigin::WorkingFolder).unwrap();
            assert_eq!(file.sensitive().len(), asked, "{runs}");
        }
    }

    #[test]
    fn a_file_is_trusted_as_it_was_and_where_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let store = TrustStore::new(folder.path().join("state"));
        let at = folder.path().join("tapwright.toml");
        let read = |text: &str, origin: SettingsOrigin| {
            fs::write(&at, text).unwrap();
            SettingsFile::of_text(&at, text, origin).unwrap().needed_trust(Some(&store))
        };
        let text = "[model]\nkey_env = \"X\"";
        let untrusted = read(text, SettingsOrigin::WorkingFolder).expect("nobody trusts it");
        assert_eq!(read("[phone]\nseed = 1", SettingsOrigin::WorkingFolder), None);
        assert_eq!(read(text, SettingsOrigin::Named), None);
        assert_eq!(read(text, SettingsOrigin::UserFolder), None);
        store.trust(&untrusted.path, &untrusted.digest).unwrap();
        assert_eq!(read(text, SettingsOrigin::WorkingFolder), None);
        assert!(read(&format!("{text}\n"), SettingsOrigin::WorkingFolder).is_some(), "it was changed");
        assert!(!store.is_trusted(&folder.path().join("other.toml"), &untrusted.digest));
        assert!(SettingsFile::of_text(&at, text, SettingsOrigin::WorkingFolder).unwrap().needed_trust(None).is_some());
        assert!(store.forget(&at).unwrap() && !store.forget(&at).unwrap());
        assert!(read(text, SettingsOrigin::WorkingFolder).is_some());
    }
}
