//! Tells the story of what went wrong: what, why, and what to do next.

use std::error::Error;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};
use serde_json::json;
use tapwright_tasks::device::DeviceError;
use tapwright_tasks::device_lock::DeviceInUse;
use tapwright_tasks::mistake::Mistake;
use tapwright_tasks::model::LoadModelError;
use tapwright_tasks::page_server::PageServerError;
use tapwright_tasks::plan::{ParameterError, PlanRecordError, PlanRunError};
use tapwright_tasks::profile::NoSuchProfile;
use tapwright_tasks::run::RunError;
use tapwright_tasks::session::SessionError;
use tapwright_tasks::settings::SettingsError;
use tapwright_tasks::{ForkError, JournalError, ResumeError};

use crate::exit::Exit;
use crate::output;

/// Why the program ends without having done what it was asked.
#[derive(Debug)]
pub struct CliError {
    pub exit: Exit,
    text: String,
    help: Option<String>,
    /// Something in a file, which can be pointed at.
    mistake: Option<Mistake>,
}

impl CliError {
    pub fn new(exit: Exit, error: &dyn Error) -> CliError {
        CliError { exit, text: with_causes(error), help: None, mistake: None }
    }

    pub fn with_text(exit: Exit, text: impl Into<String>) -> CliError {
        CliError { exit, text: text.into(), help: None, mistake: None }
    }

    pub fn usage(text: impl Into<String>) -> CliError {
        CliError::with_text(Exit::Usage, text)
    }

    pub fn help(self, help: impl Into<String>) -> CliError {
        CliError { help: Some(help.into()), ..self }
    }

    fn maybe_help(self, help: Option<impl Into<String>>) -> CliError {
        CliError { help: help.map(Into::into), ..self }
    }

    /// Tells it to people, or to a program.
    pub fn tell(&self, json: bool) {
        if json {
            output::out(&json!({"error": self.text, "help": self.help, "exit": self.exit.code()}).to_string());
            return;
        }
        match &self.mistake {
            Some(mistake) if mistake.at.is_some() => output::err(&mistake_text(mistake)),
            _ => {
                output::err(&format!(
                    "{} {}",
                    console::style("error:").red().bold().for_stderr(),
                    output::plain(&self.text)
                ));
                if let Some(help) = &self.help {
                    output::err(&format!(
                        " {} {}",
                        console::style("help:").cyan().bold().for_stderr(),
                        output::plain(help)
                    ));
                }
            }
        }
    }
}

impl CliError {
    /// About pages for a browser, which a flag asks for and another one opens to other machines.
    pub fn of_pages(error: &PageServerError, flag: &str, open: &str) -> CliError {
        match error {
            PageServerError::Open { .. } => CliError::new(Exit::Usage, error)
                .help(format!("if that is wanted: {open}. From a phone, an SSH tunnel or a private network is safer")),
            PageServerError::Listen { .. } => CliError::new(Exit::NotReady, error)
                .help(format!("take another address: {flag} 127.0.0.1:0 takes any port that is free")),
            PageServerError::Token => CliError::new(Exit::NotReady, error),
        }
    }
}

impl From<Mistake> for CliError {
    fn from(mistake: Mistake) -> CliError {
        CliError { exit: Exit::Usage, text: mistake.to_string(), help: mistake.help.clone(), mistake: Some(mistake) }
    }
}

impl From<ParameterError> for CliError {
    fn from(error: ParameterError) -> CliError {
        CliError::usage(error.to_string()).help(error.help())
    }
}

impl From<PageServerError> for CliError {
    fn from(error: PageServerError) -> CliError {
        CliError::of_pages(&error, "--ask", "--ask-open")
    }
}

impl From<DeviceError> for CliError {
    fn from(error: DeviceError) -> CliError {
        let exit = match &error {
            DeviceError::Start { .. } | DeviceError::NoFacts { .. } => Exit::Usage,
            DeviceError::Listen(_) | DeviceError::Driver(_) | DeviceError::Setup(_) => Exit::NotReady,
        };
        CliError::new(exit, &error).maybe_help(error.help())
    }
}

impl From<LoadModelError> for CliError {
    fn from(error: LoadModelError) -> CliError {
        match error {
            LoadModelError::Mistake(mistake) => mistake.into(),
            LoadModelError::Language(_) => CliError::new(Exit::Usage, &error).maybe_help(error.help()),
            error => CliError::new(Exit::NotReady, &error).maybe_help(error.help()),
        }
    }
}

impl From<RunError> for CliError {
    fn from(error: RunError) -> CliError {
        let exit = match error {
            RunError::Device(error) => return error.into(),
            RunError::UnknownApp(_) | RunError::Expectation(_) | RunError::Api { .. } | RunError::Ended { .. } => {
                Exit::Usage
            }
            RunError::Journal(JournalError::Busy { .. })
            | RunError::Resume(ResumeError::Journal(JournalError::Busy { .. })) => Exit::NotReady,
            RunError::Fork(ForkError::NoSuchStep { .. } | ForkError::Ended { .. }) => Exit::Usage,
            RunError::Resume(ResumeError::Journal(_)) | RunError::Fork(ForkError::Journal(_)) => Exit::Unwritten,
            RunError::Resume(_) | RunError::Fork(ForkError::Replay(_)) | RunError::Origin { .. } => Exit::Unreadable,
            RunError::Journal(_)
            | RunError::Drive(_)
            | RunError::Judgement { .. }
            | RunError::UnwrittenOrigin { .. }
            | RunError::Misplaced { .. } => Exit::Unwritten,
        };
        CliError::new(exit, &error).maybe_help(error.help())
    }
}

impl From<SettingsError> for CliError {
    fn from(error: SettingsError) -> CliError {
        match error {
            SettingsError::Mistake(mistake) => mistake.into(),
            SettingsError::Profile(error) => no_profile(&error),
            SettingsError::Usage { why, help } => CliError::usage(why).maybe_help(help),
        }
    }
}

pub fn no_profile(error: &NoSuchProfile) -> CliError {
    let help = match error.near {
        Some(near) => format!("did you mean `{near}`? A file is written with its folder: ./{}", error.name),
        None => format!("a file is written with its folder: ./{}", error.name),
    };
    CliError::new(Exit::Usage, error).help(help)
}

impl From<SessionError> for CliError {
    fn from(error: SessionError) -> CliError {
        match error {
            SessionError::Model(error) => error.into(),
            SessionError::Device(error) => error.into(),
            SessionError::Mcp(error) => CliError::new(Exit::NotReady, &error).maybe_help(error.help),
            SessionError::OpenApi(error) => CliError::new(Exit::NotReady, &error).maybe_help(error.help),
            SessionError::DeviceInUse(error) => {
                let said = CliError::from(error);
                said.help("wait until it has ended, stop it, or begin all the same with --share-device")
            }
        }
    }
}

impl From<DeviceInUse> for CliError {
    fn from(error: DeviceInUse) -> CliError {
        CliError::new(Exit::NotReady, &error).help("wait until it has ended, or stop it")
    }
}

impl From<PlanRunError> for CliError {
    fn from(error: PlanRunError) -> CliError {
        match error {
            PlanRunError::Run(error) => error.into(),
            PlanRunError::Device(error) => error.into(),
            PlanRunError::Record(error) => CliError::new(Exit::Unreadable, &error)
                .help("it may say what was done: it is neither gone on with nor taken away. Mend it, or move it elsewhere to try the goal anew"),
            PlanRunError::Unwritten { .. } => CliError::new(Exit::Unwritten, &error),
        }
    }
}

impl From<PlanRecordError> for CliError {
    fn from(error: PlanRecordError) -> CliError {
        match error {
            PlanRecordError::Plan(mistake) => mistake.into(),
            error @ PlanRecordError::Busy { .. } => CliError::new(Exit::NotReady, &error),
            error @ PlanRecordError::File { .. } => CliError::new(Exit::Unwritten, &error),
            error @ PlanRecordError::Broken { .. } => CliError::new(Exit::Unreadable, &error),
        }
    }
}

/// An error and its causes, as one sentence; a cause that the error itself has quoted is not said again.
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        let said = deeper.to_string();
        if !text.contains(&said) {
            text += &format!(": {said}");
        }
        cause = deeper.source();
    }
    text
}

/// A mistake with its line and what to write there.
fn mistake_text(mistake: &Mistake) -> String {
    let theme =
        if console::colors_enabled_stderr() { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let mut text = String::new();
    let (source, at) = harmless(&mistake.text, mistake.at.clone().unwrap_or_default());
    let plain = |text: &str| output::plain(text);
    let name = output::flat(&mistake.file.display().to_string());
    let (why, help) = (plain(&mistake.why), mistake.help.as_deref().map(plain));
    let pointer = Pointer {
        source: Arc::new(NamedSource::new(name, source)),
        mistake: Mistake { at: Some(at), why, help, ..mistake.clone() },
    };
    let handler = GraphicalReportHandler::new_themed(theme).with_links(false);
    match handler.render_report(&mut text, &pointer) {
        Ok(()) => text.trim_end().to_owned(),
        Err(_) => mistake.to_string(),
    }
}

/// A file's text without what a terminal would obey, and where the place in it is then. A model may have written the file.
fn harmless(text: &str, at: Range<usize>) -> (String, Range<usize>) {
    let (start, end) = (text.floor_char_boundary(at.start), text.floor_char_boundary(at.end.max(at.start)));
    let parts = [&text[..start], &text[start..end], &text[end..]].map(output::plain);
    let range = parts[0].len()..parts[0].len() + parts[1].len();
    (parts.concat(), range)
}

#[derive(Debug)]
struct Pointer {
    source: Arc<NamedSource<String>>,
    mistake: Mistake,
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.mistake.why)
    }
}

impl Error for Pointer {}

impl Diagnostic for Pointer {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.mistake.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&*self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let at = self.mistake.at.clone()?;
        Some(Box::new(std::iter::once(LabeledSpan::underline(at))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_pointed_at_in_a_text_that_steers_nothing() {
        let text = "a = 1\r\n\tbad\u{1b}[31m = \u{202e}2\n";
        let start = text.find("bad").unwrap();
        let (shown, at) = harmless(text, start..start + 8);
        assert_eq!(&shown[at], "bad\\u{1b}[31m");
        assert!(!shown.contains(['\u{1b}', '\u{202e}', '\t']), "{shown:?}");
        assert_eq!(harmless("é", 1..99), ("é".to_owned(), 0..2));
        let mistake = Mistake {
            file: "x\u{1b}]0;y\u{7}.toml".into(),
            text: text.to_owned(),
            at: Some(start..start + 8),
            why: "there is no key `bad\u{1b}[31m` here".to_owned(),
            help: Some("\u{9b}31m".to_owned()),
        };
        let told = mistake_text(&mistake);
        assert!(!told.contains(['\u{7}', '\u{9b}']) && told.contains("bad\\u{1b}[31m"), "{told:?}");
    }
}
