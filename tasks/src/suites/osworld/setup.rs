//! Makes a machine as a task wants it: the verbs of set-up, and of what is done before scoring.
//!
//! Where upstream sleeps for a fixed time, this waits for a condition and counts what upstream would have slept. A verb that fails is said,
//! never passed over: a task that starts otherwise than it should says nothing of an agent.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use tapwright_contract::Size;
use tapwright_drivers::osworld::machine::{
    COMMAND_TIME, CommandOutput, CommandWords, ControlledMachine, MachineCommand, MachineError, WindowName,
};
use tapwright_osworld::python::value::is_true;
use tapwright_osworld::task::SetupStep;
use tokio::time::{Instant, sleep};

use super::browser::{BrowserError, MachineBrowser};
use crate::osworld::assets::{AssetError, Assets};

/// How long a machine may take for one thing that it does at once.
const SOON: Duration = Duration::from_secs(30);
/// How long a program may take to open its first window.
const WINDOW: Duration = Duration::from_secs(60);
/// How long a named window may take to be there.
const NAMED_WINDOW: Duration = Duration::from_secs(15);
/// How long a program that was ended may take to be gone.
const GONE: Duration = Duration::from_secs(10);
/// How long a file may take to be opened.
const OPEN: Duration = Duration::from_secs(120);
/// The least time between two looks.
const PAUSE: Duration = Duration::from_millis(100);
/// For so long the screen has to stay as it is to be at rest.
const STILL: Duration = Duration::from_millis(400);
/// How often a command is repeated until it gives what a task waits for, as upstream has it.
const TRIES_MAX: usize = 5;
/// How much is told of what a command said.
const TOLD_CHARS_MAX: usize = 300;
/// Programs that open a window.
const WINDOWED: [&str; 14] = [
    "google-chrome",
    "chromium",
    "gimp",
    "vlc",
    "libreoffice",
    "soffice",
    "gnome-terminal",
    "nautilus",
    "thunderbird",
    "code",
    "gnome-control-center",
    "gedit",
    "xterm",
    "mousepad",
];

/// Verbs that are not done here, and what they would need.
const UNSUPPORTED_VERBS: [(&str, &str); 6] = [
    ("googledrive", "a Google account"),
    ("login", "an account at a web site"),
    ("update_browse_history", "a browser's history that is written by set-up"),
    ("upload_file", "files of whoever wrote the task"),
    ("act", "actions that were recorded elsewhere"),
    ("replay", "actions that were recorded elsewhere"),
];

/// What a verb would need that is not done here.
pub fn unsupported_verb(verb: &str) -> Option<&'static str> {
    UNSUPPORTED_VERBS.iter().find(|(name, _)| *name == verb).map(|(_, needs)| *needs)
}

/// What commands have written into the task's cache, by name.
pub type CacheFiles = BTreeMap<String, Vec<u8>>;

/// When the verbs are done, which decides what a window that is not there means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetupPhase {
    BeforeTheAgent,
    /// The agent may have closed it: upstream goes on then.
    BeforeScoring,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct SetupReport {
    pub cache: CacheFiles,
    /// What upstream would have slept.
    pub upstream_sleep: Duration,
    /// Windows that were to be brought to the front and were not there.
    pub missing_windows: Vec<String>,
}

/// A step that could not be done.
#[derive(Debug, thiserror::Error)]
#[error("step {number} ({verb}): {source}")]
pub struct SetupError {
    /// From 1.
    pub number: usize,
    pub verb: &'static str,
    pub source: StepError,
}

#[derive(Debug, thiserror::Error)]
pub enum StepError {
    #[error(transparent)]
    Machine(#[from] MachineError),
    #[error(transparent)]
    Asset(#[from] AssetError),
    #[error(transparent)]
    Browser(#[from] BrowserError),
    #[error("{why}")]
    Parameters { why: String },
    #[error("{why}")]
    NotDone { why: String },
    #[error("this verb cannot be done here: it needs {needs}")]
    Unsupported { needs: &'static str },
}

fn parameters(why: impl Into<String>) -> StepError {
    StepError::Parameters { why: why.into() }
}

fn not_done(why: impl Into<String>) -> StepError {
    StepError::NotDone { why: why.into() }
}

/// Set-up at work on one machine.
struct Setup<'a> {
    machine: &'a dyn ControlledMachine,
    browser: &'a dyn MachineBrowser,
    assets: &'a Assets,
    task: &'a str,
    phase: SetupPhase,
    screen: Size,
    report: SetupReport,
}

/// Does all steps, one after the other.
///
/// # Errors
/// `SetupError` at the first that cannot be done.
pub async fn perform(
    steps: &[SetupStep],
    task: &str,
    phase: SetupPhase,
    machine: &dyn ControlledMachine,
    browser: &dyn MachineBrowser,
    assets: &Assets,
) -> Result<SetupReport, SetupError> {
    let Some(first) = steps.first() else { return Ok(SetupReport::default()) };
    let failed = |number, verb, source| SetupError { number, verb, source };
    let screen = machine.screen_size(SOON).await.map_err(|error| failed(1, first.verb, error.into()))?;
    let mut setup = Setup { machine, browser, assets, task, phase, screen, report: SetupReport::default() };
    for (index, step) in steps.iter().enumerate() {
        tracing::debug!(task, verb = step.verb, "set-up");
        setup.step(step).await.map_err(|source| failed(index + 1, step.verb, source))?;
    }
    Ok(setup.report)
}

impl Setup<'_> {
    async fn step(&mut self, step: &SetupStep) -> Result<(), StepError> {
        let of = |key: &str| step.parameters.get(key);
        let text = |key: &str| of(key).and_then(Value::as_str).ok_or_else(|| parameters(format!("`{key}` is no text")));
        match step.verb {
            "download" => self.download(of("files")).await,
            "launch" => self.launch(&self.command(step)?).await,
            "execute" | "command" => self.execute(step).await,
            "execute_with_verification" => self.execute_with_verification(step).await,
            "open" => Ok(self.machine.open_file(text("path")?, OPEN).await?),
            "activate_window" => self.window(&window_name(step)?, true).await,
            "close_window" => self.window(&window_name(step)?, false).await,
            "sleep" => {
                let seconds = of("seconds").and_then(Value::as_f64).filter(|seconds| (0.0..=3600.0).contains(seconds));
                let seconds = seconds.ok_or_else(|| parameters("`seconds` is no time up to an hour"))?;
                let time = Duration::from_secs_f64(seconds);
                self.report.upstream_sleep += time;
                self.rest(time).await
            }
            "chrome_open_tabs" => Ok(self.browser.open_tabs(&texts(of("urls_to_open"))).await?),
            "chrome_close_tabs" => Ok(self.browser.close_tabs(&texts(of("urls_to_close"))).await?),
            "change_wallpaper" => {
                let path = text("path")?;
                match self.machine.set_wallpaper(path, SOON).await? {
                    true => Ok(()),
                    false => Err(not_done(format!("{path}, which is to be the wallpaper, is not there"))),
                }
            }
            "tidy_desktop" => Ok(()), // Upstream's does nothing either.
            verb => Err(match unsupported_verb(verb) {
                Some(needs) => StepError::Unsupported { needs },
                None => parameters(format!("there is no verb {verb:?}")),
            }),
        }
    }

    /// A step's command, with the size of the screen and the user's password in place of their marks.
    fn command(&self, step: &SetupStep) -> Result<MachineCommand, StepError> {
        let shell = step.parameters.get("shell").is_some_and(is_true);
        let words = match &step.parameters["command"] {
            Value::String(text) => CommandWords::Text(self.filled(text)),
            Value::Array(words) => {
                CommandWords::List(words.iter().filter_map(Value::as_str).map(|word| self.filled(word)).collect())
            }
            _ => return Err(parameters("`command` is neither a text nor a list")),
        };
        Ok(MachineCommand { words, shell })
    }

    fn filled(&self, text: &str) -> String {
        let Size { width, height } = self.screen;
        let marks = [
            ("{CLIENT_PASSWORD}", "password".to_owned()),
            ("{SCREEN_WIDTH_HALF}", (width / 2).to_string()),
            ("{SCREEN_HEIGHT_HALF}", (height / 2).to_string()),
            ("{SCREEN_WIDTH}", width.to_string()),
            ("{SCREEN_HEIGHT}", height.to_string()),
        ];
        marks.into_iter().fold(text.to_owned(), |text, (mark, value)| text.replace(mark, &value))
    }

    async fn download(&self, files: Option<&Value>) -> Result<(), StepError> {
        for file in files.and_then(Value::as_array).into_iter().flatten() {
            let (Some(url), Some(path)) = (file["url"].as_str(), file["path"].as_str()) else {
                return Err(parameters("a file has no text `url` or `path`"));
            };
            let content = self.assets.read(self.task, url, path)?;
            self.machine.write_file(path, &content, OPEN).await?;
        }
        Ok(())
    }

    async fn launch(&mut self, command: &MachineCommand) -> Result<(), StepError> {
        let program = program_of(command);
        if matches!(program.as_str(), "pkill" | "killall") {
            return self.end_programs(command).await;
        }
        let before = self.machine.windows(SOON).await?;
        self.machine.launch(command, SOON).await?;
        if WINDOWED.contains(&program.as_str()) {
            let began = Instant::now();
            loop {
                let now = self.machine.windows(SOON).await?;
                // It may have opened one in place of another, or found the program at work already.
                let is_new = |window: &&_| !before.contains(window);
                if now.iter().any(|window| is_new(&window) && !window.title.is_empty()) {
                    break;
                }
                if began.elapsed() > WINDOW {
                    return Err(not_done(format!("{program} opened no window within {} s", WINDOW.as_secs())));
                }
                sleep(PAUSE).await;
            }
            // What it shows first is not yet what it is: a splash, an empty frame.
            self.rest(Duration::from_secs(5)).await?;
        }
        if has_debugging_port(command) {
            self.debugging_port().await?;
        }
        Ok(())
    }

    /// Ends programs and waits until they are gone: whoever starts one anew would only find the old one.
    async fn end_programs(&self, command: &MachineCommand) -> Result<(), StepError> {
        self.machine.execute(command, SOON).await?;
        let Some(pattern) = last_word(command) else { return Ok(()) };
        let asked = MachineCommand::program(["pgrep", pattern.as_str()]);
        let began = Instant::now();
        while self.machine.execute(&asked, SOON).await?.code == 0 {
            if began.elapsed() > GONE {
                // One that asks whether to save stays, with upstream too.
                tracing::debug!(pattern, "a program that was ended is still there");
                break;
            }
            sleep(PAUSE).await;
        }
        Ok(())
    }

    async fn execute(&mut self, step: &SetupStep) -> Result<(), StepError> {
        let command = self.command(step)?;
        let until = step.parameters.get("until").and_then(Value::as_object);
        let mut tries = 0;
        let ran = loop {
            let ran = self.machine.execute(&command, COMMAND_TIME).await?;
            tries += 1;
            let is_wanted = until.is_none_or(|until| until.iter().all(|(key, wanted)| has(&ran, key, wanted)));
            if is_wanted {
                break ran;
            }
            if tries >= TRIES_MAX {
                let told = ran.output.chars().chain(ran.error.chars()).take(TOLD_CHARS_MAX).collect::<String>();
                return Err(not_done(format!(
                    "the command did not give what is waited for in {TRIES_MAX} tries; it ended with {} and said {told:?}",
                    ran.code
                )));
            }
            sleep(PAUSE).await;
        };
        self.check_ran(&ran)?;
        for (key, content) in [("stdout", ran.output), ("stderr", ran.error)] {
            if let Some(name) = step.parameters.get(key).and_then(Value::as_str) {
                self.report.cache.insert(name.to_owned(), content.into_bytes());
            }
        }
        Ok(())
    }

    /// What a shell says of a program that is not there, or that may not be run. Other codes are the command's own affair: tasks end
    /// commands with `grep` and the like, and upstream looks at none.
    fn check_ran(&self, ran: &CommandOutput) -> Result<(), StepError> {
        if self.phase == SetupPhase::BeforeTheAgent && (ran.code == 126 || ran.code == 127) {
            let told: String = ran.error.trim().chars().take(TOLD_CHARS_MAX).collect();
            return Err(not_done(format!("a program of the command cannot be run here (code {}): {told}", ran.code)));
        }
        Ok(())
    }

    async fn execute_with_verification(&mut self, step: &SetupStep) -> Result<(), StepError> {
        self.execute(step).await?;
        let Some(verification) = step.parameters.get("verification") else { return Ok(()) };
        let seconds = step.parameters.get("max_wait_time").and_then(Value::as_f64).unwrap_or(10.0).clamp(0.0, 600.0);
        let began = Instant::now();
        let within = Duration::from_secs_f64(seconds);
        loop {
            let window = verification["window_exists"].as_str();
            let has_window = match window {
                Some(name) => self.machine.windows(SOON).await?.iter().any(|window| window.title.contains(name)),
                None => true,
            };
            let command = verification["command_success"].as_str();
            let has_succeeded = match command {
                Some(line) => self.machine.execute(&MachineCommand::shell(line), SOON).await?.code == 0,
                None => true,
            };
            if has_window && has_succeeded {
                return Ok(());
            }
            if began.elapsed() >= within {
                return Err(not_done(format!("its verification was not true within {seconds} s")));
            }
            sleep(PAUSE).await;
        }
    }

    async fn window(&mut self, name: &WindowName, activates: bool) -> Result<(), StepError> {
        let began = Instant::now();
        let within = match self.phase {
            SetupPhase::BeforeTheAgent => NAMED_WINDOW,
            SetupPhase::BeforeScoring => Duration::from_secs(2),
        };
        loop {
            let found = match activates {
                true => self.machine.activate_window(name, SOON).await?,
                false => self.machine.close_window(name, SOON).await?,
            };
            if found {
                return self.rest(Duration::from_secs(1)).await;
            }
            if began.elapsed() > within {
                break;
            }
            sleep(PAUSE).await;
        }
        self.report.missing_windows.push(name.name.clone());
        match self.phase {
            SetupPhase::BeforeScoring => Ok(()),
            SetupPhase::BeforeTheAgent => {
                let titles: Vec<String> = self.machine.windows(SOON).await?.into_iter().map(|one| one.title).collect();
                Err(not_done(format!("no window is called {:?}; there are: {}", name.name, titles.join(" | "))))
            }
        }
    }

    /// Waits until the screen rests, for at most so long.
    async fn rest(&self, most: Duration) -> Result<(), StepError> {
        let began = Instant::now();
        let mut last = self.machine.screenshot(SOON).await?;
        let mut since = Instant::now();
        while began.elapsed() < most && since.elapsed() < STILL {
            sleep(PAUSE.min(most)).await;
            let now = self.machine.screenshot(SOON).await?;
            if now != last {
                (last, since) = (now, Instant::now());
            }
        }
        Ok(())
    }

    /// Waits until the browser answers at its debugging port.
    async fn debugging_port(&self) -> Result<(), StepError> {
        let began = Instant::now();
        loop {
            let Some(why) = self.browser.absence().await? else { return Ok(()) };
            if began.elapsed() > WINDOW {
                let within = WINDOW.as_secs();
                return Err(not_done(format!("the browser's debugging port was not there within {within} s: {why}")));
            }
            sleep(PAUSE).await;
        }
    }
}

fn has(ran: &CommandOutput, key: &str, wanted: &Value) -> bool {
    match key {
        "returncode" => wanted.as_i64() == Some(ran.code.into()),
        "stdout" => wanted.as_str().is_some_and(|wanted| ran.output.contains(wanted)),
        "stderr" => wanted.as_str().is_some_and(|wanted| ran.error.contains(wanted)),
        _ => true,
    }
}

fn texts(value: Option<&Value>) -> Vec<String> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn window_name(step: &SetupStep) -> Result<WindowName, StepError> {
    let flag = |key: &str| step.parameters.get(key).is_some_and(is_true);
    let name = step.parameters["window_name"].as_str().ok_or_else(|| parameters("`window_name` is no text"))?;
    Ok(WindowName { name: name.to_owned(), is_whole: flag("strict"), by_class: flag("by_class") })
}

fn words_of(command: &MachineCommand) -> Vec<String> {
    match &command.words {
        CommandWords::List(words) => words.clone(),
        CommandWords::Text(line) => line.split_whitespace().map(str::to_owned).collect(),
    }
}

/// The program that a command starts, without what is set for it in its environment.
pub fn program_of(command: &MachineCommand) -> String {
    let words = words_of(command);
    let is_setting = |word: &&String| word.split_once('=').is_some_and(|(name, _)| !name.contains('/'));
    let program = words.iter().find(|word| !is_setting(word)).cloned().unwrap_or_default();
    program.rsplit('/').next().unwrap_or_default().to_owned()
}

fn last_word(command: &MachineCommand) -> Option<String> {
    words_of(command).into_iter().skip(1).rfind(|word| !word.starts_with('-'))
}

fn has_debugging_port(command: &MachineCommand) -> bool {
    words_of(command).iter().any(|word| word.starts_with("--remote-debugging-port="))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_of_a_command_is_found() {
        let text = |line: &str| MachineCommand { words: CommandWords::Text(line.to_owned()), shell: true };
        for (command, program) in [
            (text("VLC_VERBOSE=-1 vlc --no-audio"), "vlc"),
            (MachineCommand::program(["/usr/bin/google-chrome", "--x=1"]), "google-chrome"),
            (text(""), ""),
        ] {
            assert_eq!(program_of(&command), program);
        }
        assert_eq!(last_word(&MachineCommand::program(["pkill", "-f", "vlc"])).as_deref(), Some("vlc"));
        assert!(has_debugging_port(&MachineCommand::program(["google-chrome", "--remote-debugging-port=1337"])));
    }
}
