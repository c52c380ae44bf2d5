//! What happens to a run, and what it asks for.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tapwright_contract::api::{ApiError, ApiSpec};
use tapwright_contract::device::{DriverErrorKind, InstalledApp, Label, Screen};
use tapwright_contract::model::{ModelError, ModelErrorKind, Prompt, Reply};

use crate::guard::Vetted;
use crate::limits::{Limits, clip};
use crate::millis;
use crate::outcome::End;
use crate::person::{Answer, Question};
use crate::policy::Policy;
use crate::secrets::Secrets;

/// What the loop asks for. Each effect is answered by one event.
#[derive(Debug, PartialEq, Eq)]
pub enum Effect {
    /// Look at the screen, and which APIs there are: `Saw`, `Unseen` or `OfferedApis`.
    Look,
    /// Read what is written on the screen: `Read`.
    Read,
    /// Ask the device which app a name stands for: `FoundApp`.
    FindApp(String),
    /// Ask the model: `Heard` or `Silent`.
    Think(Prompt),
    /// Ask a person: `Answered`.
    Ask(Question),
    /// Do something outside: `Acted`.
    Act(Vetted),
    /// Let time pass: `Rested`.
    Pause(Duration),
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Carry this out, and tell what happened.
    Do(Effect),
    /// Nothing; the run is over.
    End(End),
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The run began.
    Began,
    /// The screen was seen.
    Saw(Screen),
    /// The screen was not seen.
    Unseen(Fault),
    /// The APIs that there are from here on are not those from before. It comes in place of a screen, which is looked at again.
    OfferedApis(Vec<ApiSpec>),
    /// What is written on the screen; `None` if the device does not tell, or could not.
    Read(Option<Vec<Label>>),
    /// The apps that a name stands for, or why nobody knows.
    FoundApp(AppSearch),
    /// The model answered.
    Heard(Reply),
    /// The model did not answer.
    Silent(NoReply),
    /// A person answered, or nobody did.
    Answered(Answer),
    /// Something was done outside, or not.
    Acted(ActionResult),
    /// Time has passed.
    Rested,
    /// Somebody stopped the run. It can come in place of any other answer.
    Stopped,
    /// The run goes on after it broke off, or after an end that need not be the last. `begun` says whether the effect
    /// that waits for its answer had been written down: if not, it has not happened.
    Resumed { begun: bool, terms: ResumeTerms },
}

/// What a run goes by from where it is resumed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResumeTerms {
    /// The generation of the loop's rules, if it is another one than before.
    pub edition: Option<u32>,
    /// The policy, if it is stricter than before: what was let through and not begun is decided anew.
    pub policy: Option<Box<Policy>>,
    /// The limits, if they are lower than before.
    pub limits: Option<Box<Limits>>,
    /// The APIs that there are from here on, if they are not those from before.
    pub apis: Option<Vec<ApiSpec>>,
}

/// What came of a deed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionResult {
    /// The device took it.
    Done,
    /// An API answered.
    Told { text: String },
    /// There is no API at all, so nothing was done.
    NoApi,
    /// It was not done, or nobody knows.
    Failed(Fault),
}

/// What came of looking for an app by its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppSearch {
    /// These are called so; more than one if the name does not say which.
    Found(Vec<InstalledApp>),
    /// None, or the device did not tell.
    Failed(Fault),
}

/// What went wrong outside: [`DriverErrorKind`] as it is written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The device is gone.
    Lost { why: String },
    /// It did not answer; what was asked for may have happened.
    TimedOut { tries: String },
    /// It said no.
    Refused { why: String },
    /// There is no such app.
    NoSuchApp { app: String, like: Vec<String> },
    /// The display is another one by now; nothing was done.
    Stale,
    /// The screen may not be seen.
    Hidden { why: String },
    /// Its answer makes no sense; what was asked for may have happened.
    Nonsense { why: String },
}

impl Fault {
    /// Takes over what a driver said, as much of each text as `bytes_max`.
    pub fn new(kind: DriverErrorKind, bytes_max: usize) -> Fault {
        let cut = |text: String| clip(&text, bytes_max).to_owned();
        match kind {
            DriverErrorKind::Lost { why } => Fault::Lost { why: cut(why) },
            DriverErrorKind::TimedOut { tries } => Fault::TimedOut { tries: cut(tries) },
            DriverErrorKind::Refused { why } => Fault::Refused { why: cut(why) },
            DriverErrorKind::NoSuchApp { app, like } => {
                Fault::NoSuchApp { app: cut(app), like: like.into_iter().take(5).map(cut).collect() }
            }
            DriverErrorKind::Stale => Fault::Stale,
            DriverErrorKind::Hidden { why } => Fault::Hidden { why: cut(why) },
            DriverErrorKind::MalformedResponse { why } => Fault::Nonsense { why: cut(why) },
        }
    }
}

impl Fault {
    /// What it means for the model.
    pub fn in_words(&self) -> String {
        match self {
            Fault::Lost { why } => format!("the device is lost: {why}"),
            Fault::TimedOut { tries } => {
                format!("the device did not answer, and it may or may not have happened: {tries}")
            }
            Fault::Refused { why } => format!("not done: {why}"),
            Fault::NoSuchApp { app, like } if like.is_empty() => format!("there is no app {app:?} on this device"),
            Fault::NoSuchApp { app, like } => format!("there is no app {app:?}; near it: {}", like.join(", ")),
            Fault::Stale => "not done: the display changed in between".to_owned(),
            Fault::Hidden { why } => format!("not done: the screen cannot be seen: {why}"),
            Fault::Nonsense { why } => {
                format!("it may or may not have happened; the device's answer makes no sense: {why}")
            }
        }
    }

    /// What kind of thing went wrong, without any word of the device's.
    pub(crate) fn without_words(kind: DriverErrorKind) -> Fault {
        let why =
            || "it was a secret, so what the device says of it is left out; another text there shows why".to_owned();
        match kind {
            DriverErrorKind::Lost { .. } => Fault::Lost { why: why() },
            DriverErrorKind::TimedOut { .. } => Fault::TimedOut { tries: why() },
            DriverErrorKind::Refused { .. } | DriverErrorKind::NoSuchApp { .. } => Fault::Refused { why: why() },
            DriverErrorKind::Stale => Fault::Stale,
            DriverErrorKind::Hidden { .. } => Fault::Hidden { why: why() },
            DriverErrorKind::MalformedResponse { .. } => Fault::Nonsense { why: why() },
        }
    }

    /// The same without secrets, which a device may have quoted, as much of each text as `bytes_max`.
    pub(crate) fn without(self, secrets: &Secrets, bytes_max: usize) -> Fault {
        let cut = |text: String| secrets.redact_within(&text, bytes_max);
        match self {
            Fault::Lost { why } => Fault::Lost { why: cut(why) },
            Fault::TimedOut { tries } => Fault::TimedOut { tries: cut(tries) },
            Fault::Refused { why } => Fault::Refused { why: cut(why) },
            Fault::NoSuchApp { app, like } => {
                Fault::NoSuchApp { app: cut(app), like: like.into_iter().map(cut).collect() }
            }
            Fault::Stale => Fault::Stale,
            Fault::Hidden { why } => Fault::Hidden { why: cut(why) },
            Fault::Nonsense { why } => Fault::Nonsense { why: cut(why) },
        }
    }
}

impl From<&ApiError> for Fault {
    fn from(error: &ApiError) -> Fault {
        let why = error.to_string();
        match error {
            ApiError::Unknown | ApiError::Refused { .. } => Fault::Refused { why },
            ApiError::Unanswered { .. } => Fault::TimedOut { tries: why },
        }
    }
}

/// Why a model did not answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoReply {
    /// For people.
    pub why: String,
    /// Whether it may answer if it is asked again.
    pub may_pass: bool,
    /// How long it asks to be left alone before that, if it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl NoReply {
    /// What a model said, without secrets, as much as `bytes_max`.
    pub(crate) fn new(error: &ModelError, secrets: &Secrets, bytes_max: usize) -> NoReply {
        let retry_after_ms = match error.kind {
            ModelErrorKind::Unavailable { retry_after, .. } => retry_after.map(millis::whole),
            ModelErrorKind::TimedOut { .. } | ModelErrorKind::InvalidPrompt { .. } | ModelErrorKind::Fatal { .. } => {
                None
            }
        };
        let why = secrets.redact_within(&error.to_string(), bytes_max);
        NoReply { why, may_pass: error.kind.is_retryable(), retry_after_ms }
    }
}

impl Event {
    /// Whether this can be the answer to an effect, or to nothing: only the beginning answers that.
    pub fn answers(&self, effect: Option<&Effect>) -> bool {
        matches!(
            (effect, self),
            (None, Event::Began)
                | (Some(_), Event::Stopped)
                | (_, Event::Resumed { .. })
                | (Some(Effect::Look), Event::Saw(_) | Event::Unseen(_) | Event::OfferedApis(_))
                | (Some(Effect::Read), Event::Read(_))
                | (Some(Effect::FindApp(_)), Event::FoundApp(_))
                | (Some(Effect::Think(_)), Event::Heard(_) | Event::Silent(_))
                | (Some(Effect::Ask(_)), Event::Answered(_))
                | (Some(Effect::Act(_)), Event::Acted(_))
                | (Some(Effect::Pause(_)), Event::Rested)
        )
    }
}
