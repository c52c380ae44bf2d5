//! One call of an API, tried by a person: a run whose model is a line that somebody wrote, so that the policy, the person's permission,
//! secrets and the record hold as in any other.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tapwright_agent::action::{Action, Call};
use tapwright_agent::calls::{ApiCall, ApiCatalog, INSTRUCTION};
use tapwright_agent::dialect::Dialect;
use tapwright_agent::event::{ActionResult, Fault};
use tapwright_agent::journal::{Entry, EventLine, Line};
use tapwright_agent::outcome::Outcome;
use tapwright_agent::policy::{Permission, Policy};
use tapwright_contract::api::ApiSpec;

use crate::model::ModelSource;
use crate::run::{RunError, RunTask};
use crate::session::Session;
use crate::settings::Settings;

/// The most that is told of what an API answers.
const RESULT_BYTES: usize = 4 << 20;

/// A call that is to be tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallTrial {
    call: ApiCall,
}

/// What is to be said before it is tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedTrial {
    pub spec: ApiSpec,
    pub arguments: Value,
    /// What the policy says of it, unless the app in front makes it stricter.
    pub permission: Permission,
    call: ApiCall,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    /// The API answered.
    Answered { text: String },
    /// The policy did not let it through.
    Forbidden { why: String },
    /// Nothing was done: the API said no, or is not there any more.
    NotDone { why: String },
    /// Nobody knows whether it was done.
    Uncertain { why: String },
    /// The run ended before it was called.
    Ended(Outcome),
}

/// What came of it, and where it is written down.
#[derive(Clone, Debug)]
pub struct TrialReport {
    pub outcome: CallOutcome,
    pub folder: PathBuf,
}

impl CallTrial {
    /// A call by name, with a JSON object, or with words for an API that takes an instruction; without either of them with nothing.
    ///
    /// # Errors
    /// In words, if the arguments look like JSON and are no object.
    pub fn new(name: &str, arguments: Option<&str>) -> Result<CallTrial, String> {
        let arguments = match arguments.map(str::trim) {
            None | Some("") => json!({}),
            Some(text) if text.starts_with('{') => {
                serde_json::from_str(text).map_err(|error| format!("the arguments are no JSON: {error}"))?
            }
            Some(text) if text.starts_with('[') => {
                return Err("the arguments are a JSON object, and no list".to_owned());
            }
            Some(text) => json!({ INSTRUCTION: text }),
        };
        Ok(CallTrial { call: ApiCall { name: name.to_owned(), arguments } })
    }

    /// Has settings be those of this trial: the model says this call, and nothing else.
    pub fn prepare(&self, settings: &mut Settings) {
        let call = Dialect::Autoglm.print(&Call::Do(Action::CallApi(self.call.clone())));
        let end = Dialect::Autoglm.print(&Call::Finish { message: "tried".to_owned() });
        settings.model.source = ModelSource::Given(vec![call, end]);
        settings.model.profile = None;
        settings.model.language = None;
        settings.rules.limits.result_bytes = RESULT_BYTES;
        settings.rules.limits.refusals_max = 1;
    }

    /// Whether it can be tried: there is such an API now, and the arguments are what it takes.
    ///
    /// # Errors
    /// In words, and nothing was done.
    pub fn check(&self, session: &mut Session) -> Result<CheckedTrial, String> {
        let (specs, left_out) = session.apis().map_err(|error| error.to_string())?;
        let is_named = |name: &str| name.eq_ignore_ascii_case(&self.call.name);
        // Of two that have one name the first is offered, and it is meant.
        if let Some(left_out) = left_out.iter().find(|api| is_named(&api.name))
            && !specs.iter().any(|spec| is_named(&spec.name))
        {
            return Err(format!("{} is not offered: {}", left_out.name, left_out.why));
        }
        if specs.is_empty() {
            return Err("neither this device nor the settings offer an API".to_owned());
        }
        let call = ApiCatalog::of(&specs).check_call(self.call.clone()).map_err(|error| error.to_string())?;
        let spec = specs.into_iter().find(|spec| spec.name == call.name).ok_or("it is gone")?;
        let permission = permission_of(&session.settings().rules.policy, &spec, &call.arguments);
        Ok(CheckedTrial { spec, arguments: call.arguments.clone(), permission, call })
    }
}

/// What a policy says of calls of an API with these arguments, unless the app in front makes it stricter.
pub fn permission_of(policy: &Policy, spec: &ApiSpec, arguments: &Value) -> Permission {
    policy.permission_of(&ApiCall { name: spec.name.clone(), arguments: arguments.clone() }, spec.effect)
}

impl CheckedTrial {
    /// What it would do, for people.
    pub fn words(&self) -> String {
        format!("{} {}", self.call.name, self.arguments)
    }

    /// Tries it.
    ///
    /// # Errors
    /// `RunError` if the run could not begin, or not be written down.
    pub async fn run(
        &self,
        session: &mut Session,
        runs: &Path,
        name: &str,
        started: u64,
    ) -> Result<TrialReport, RunError> {
        let goal = format!("Call the API {}", self.call.name);
        let task = RunTask { goal, start: Vec::new(), evaluator: None, case: None };
        let (mut acted, mut first) = (None, None);
        let mut watch = |entry: &Entry| match &entry.line {
            Line::Event(EventLine::Acted(result)) => acted = Some(result.clone()),
            Line::Step(step) => {
                first.get_or_insert_with(|| step.summary.clone());
            }
            _ => {}
        };
        let report = session.run(&task, runs, name, started, &mut watch).await?;
        let outcome = match acted {
            Some(ActionResult::Told { text }) => CallOutcome::Answered { text },
            Some(ActionResult::Done) => CallOutcome::Answered { text: "done".to_owned() },
            Some(ActionResult::NoApi) => {
                CallOutcome::NotDone { why: "there is no API of this name any more".to_owned() }
            }
            Some(ActionResult::Failed(Fault::Refused { why })) => CallOutcome::NotDone { why },
            Some(ActionResult::Failed(Fault::TimedOut { tries })) => CallOutcome::Uncertain { why: tries },
            Some(ActionResult::Failed(fault)) => CallOutcome::Uncertain { why: fault.in_words() },
            None => match report.end.outcome {
                Outcome::Refused { why } => CallOutcome::Forbidden { why },
                Outcome::Done { .. } => CallOutcome::NotDone { why: first.unwrap_or_default() },
                outcome => CallOutcome::Ended(outcome),
            },
        };
        Ok(TrialReport { outcome, folder: report.folder })
    }
}
