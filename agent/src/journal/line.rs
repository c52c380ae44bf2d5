//! What is written down. A change here is a change of the format, and of [`VERSION`].
//!
//! | version | what came with it |
//! | --- | --- |
//! | 1 | runs from their beginning to their end |
//! | 2 | runs that go on: the event `resumed`, the question `again`, and `forked` among the run's facts; `edition`, the |
//! |   | effect and event `read`, the question `permit`, `no_api`, and more of the policy and the limits, where there was less; |
//! |   | the gesture `drag` |
//! | 3 | a policy's `permission` (which was `then` or `leave`), `without_labels` (`unlabelled`) and `confirm_buttons` (`agreeing`); |
//! |   | a step's `result`, and `summary` (`came`); `edition` and `policy` where a run is resumed; the effect `find_app` and the |
//! |   | event `found_app`, and among the abilities `app_names` |
//! | 4 | a call's `name` and `arguments`, where it was an `instruction`; `apis` among the run's facts and where it is resumed, |
//! |   | which were in its policy; a policy's `api_effects`, and `apis` of a secret |
//! | 5 | the event `offered_apis` |
//! | 6 | `limits` where a run is resumed; `aliases` of the app in front and of those that were found |
//! | 7 | a profile's dialect `computer` and `coordinates`, several steps of one reply, and the buttons `back` and `forward` |

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tapwright_contract::ScreenId;
use tapwright_contract::api::ApiSpec;
use tapwright_contract::device::{Front, Label};
use tapwright_contract::model::{Part, Prompt, Reply, Role};

use crate::episode::Setting;
use crate::event::{ActionResult, AppSearch, Effect, Fault, NoReply};
use crate::guard::Deed;
use crate::limits::Limits;
use crate::millis;
use crate::outcome::End;
use crate::person::{Answer, Question};
use crate::policy::Policy;
use crate::step::{Decided, StepResult};

/// The format's version, which the first line begins with.
pub const VERSION: u32 = 7;

/// A line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its place, from 0, without gaps.
    pub seq: u64,
    /// Milliseconds since the run began.
    pub ms: u64,
    /// What it says.
    #[serde(flatten)]
    pub line: Line,
}

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// The first line: what the run was to do, and with what.
    Run(Box<RunHeader>),
    /// Something is going to be done.
    Effect(EffectLine),
    /// Something has happened.
    Event(EventLine),
    /// A reply was understood, or not.
    Decided(Decided),
    /// A step is over.
    Step(Step),
    /// The run is over.
    End(End),
}

/// What a run was to do, and with what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunHeader {
    /// The run's id.
    pub run: String,
    /// The device's name.
    pub device: String,
    /// The model's name.
    pub model: String,
    /// When it began, in milliseconds since 1970.
    pub started: u64,
    /// The run whose first steps it begins with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forked: Option<Forked>,
    /// The goal, and how to reach it.
    #[serde(flatten)]
    pub setting: Setting,
}

/// Where the first steps of a run come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forked {
    /// The other run's id.
    pub run: String,
    /// How many of its steps were taken over.
    pub steps: u32,
}

/// An effect, as it is written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectLine {
    /// The screen is looked at.
    Look,
    /// What is written on the screen is read.
    Read,
    /// The device is asked which app a name stands for.
    FindApp(String),
    /// The model is asked. The prompt follows from the lines before; here is enough to tell whether it does.
    Think { turns: usize, bytes: usize, sha256: String },
    /// A person is asked.
    Ask(Question),
    /// Something is done outside.
    Act(Deed),
    /// Time passes.
    Pause { ms: u64 },
}

/// An event, as it is written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventLine {
    /// The run began.
    Began,
    /// The screen was seen; `picture` is the digest that names its file.
    Saw { picture: String, size: ScreenId, front: Front },
    /// It was not.
    Unseen(Fault),
    /// Other APIs are offered from here on than before.
    OfferedApis(Vec<ApiSpec>),
    /// What is written on the screen, if the device tells.
    Read(Option<Vec<Label>>),
    /// The apps that a name stands for, or why nobody knows.
    FoundApp(AppSearch),
    /// The model answered.
    Heard(Reply),
    /// It did not.
    Silent(NoReply),
    /// A person answered, or nobody did.
    Answered(Answer),
    /// Something was done, or not.
    Acted(ActionResult),
    /// Time has passed.
    Rested,
    /// Somebody stopped the run.
    Stopped,
    /// The run goes on, in another process.
    Resumed(Resumed),
}

/// How a run goes on after it broke off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumed {
    /// The format's version from here on.
    pub version: u32,
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// The device's name.
    pub device: String,
    /// The model's name.
    pub model: String,
    /// Whether the effect that waits for its answer had been written down: if not, it has not happened.
    pub begun: bool,
    /// The generation of the loop's rules from here on, if it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edition: Option<u32>,
    /// The policy from here on, if it is stricter than the one before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Box<Policy>>,
    /// The limits from here on, if they are lower than before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Box<Limits>>,
    /// The APIs from here on, if they are others than before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apis: Option<Vec<ApiSpec>>,
}

/// A step in one line, for people and reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StepLine")]
pub struct Step {
    /// Which step it is, from 1; why the model wanted what.
    #[serde(flatten)]
    pub decided: Decided,
    /// What came of it.
    pub result: StepResult,
    /// The same for people; nothing goes by it.
    pub summary: String,
    /// How long looking took, since the step before.
    pub look_ms: u64,
    /// How long the model took.
    pub think_ms: u64,
    /// How long a person took.
    pub ask_ms: u64,
    /// How long the device took, and waits.
    pub act_ms: u64,
    /// Tokens of the prompt.
    pub tokens_in: u32,
    /// Tokens of the reply.
    pub tokens_out: u32,
}

/// A step as any version has it.
#[derive(Deserialize)]
struct StepLine {
    #[serde(flatten)]
    decided: Decided,
    result: Option<StepResult>,
    #[serde(alias = "came")]
    summary: String,
    look_ms: u64,
    think_ms: u64,
    ask_ms: u64,
    act_ms: u64,
    tokens_in: u32,
    tokens_out: u32,
}

impl From<StepLine> for Step {
    fn from(line: StepLine) -> Step {
        let StepLine { decided, result, summary, look_ms, think_ms, ask_ms, act_ms, tokens_in, tokens_out } = line;
        let result = result.unwrap_or_else(|| StepResult::of_summary(&summary));
        Step { decided, result, summary, look_ms, think_ms, ask_ms, act_ms, tokens_in, tokens_out }
    }
}

impl EffectLine {
    /// How an effect is written down.
    pub fn of(effect: &Effect) -> EffectLine {
        match effect {
            Effect::Look => EffectLine::Look,
            Effect::Read => EffectLine::Read,
            Effect::FindApp(name) => EffectLine::FindApp(name.clone()),
            Effect::Think(prompt) => EffectLine::think(prompt),
            Effect::Ask(question) => EffectLine::Ask(question.clone()),
            Effect::Act(vetted) => EffectLine::Act(vetted.deed().clone()),
            Effect::Pause(time) => EffectLine::Pause { ms: millis::whole(*time) },
        }
    }

    fn think(prompt: &Prompt) -> EffectLine {
        let mut bytes = 0;
        let mut hash = Sha256::new();
        for turn in &prompt.turns {
            hash.update(match turn.role {
                Role::System => "\0system\0",
                Role::User => "\0user\0",
                Role::Assistant => "\0assistant\0",
            });
            for part in &turn.parts {
                match part {
                    // The line that saw the picture names it.
                    Part::Picture(_) => hash.update("\0picture\0"),
                    Part::Text(text) => {
                        bytes += text.len();
                        hash.update(text);
                    }
                }
            }
        }
        EffectLine::Think { turns: prompt.turns.len(), bytes, sha256: hex::encode(hash.finalize()) }
    }
}
