//! What apps of a phone do for other programs (Android 16's AppFunctions), as APIs: over ADB, by `cmd app_function`.
//!
//! What an app says of its functions is data. It becomes neither a word of a shell that means something, nor a permission: which effect
//! a function has is known from a table of this program, and is the worst one where the table does not know it.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value};
use tapwright_contract::api::{ApiEffect, ApiError, ApiSpec, Apis};
use tapwright_contract::device::{DriverError, DriverErrorKind};

use super::Address;
use super::parse::answers;
use super::parse::app_functions::{self as parse, Function, FunctionResult};
use super::shell::ShellConnection;
use crate::deadline::Deadline;
use crate::quote::quote;

/// A model is told of no more APIs than this, whoever offers them.
const OFFERED_MAX: usize = 32;
/// Letters of a name, as an API's.
const NAME_MAX: usize = 64;
/// Bytes of a call's arguments.
const ARGUMENTS_MAX: usize = 16 << 10;

type Effects = BTreeMap<String, BTreeMap<String, ApiEffect>>;

static EFFECTS: LazyLock<Effects> = LazyLock::new(|| {
    // It is a part of the program, and a test reads it.
    toml::from_str(include_str!("app_functions.toml")).unwrap_or_else(|error| panic!("{error}"))
});

/// Whose functions are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum FunctionOwners {
    /// Nobody's: the phone is not asked.
    #[default]
    None,
    /// Those of these packages.
    Packages(Vec<String>),
    All,
}

impl FunctionOwners {
    fn include(&self, package: &str) -> bool {
        match self {
            FunctionOwners::None => false,
            FunctionOwners::Packages(packages) => packages.iter().any(|known| known == package),
            FunctionOwners::All => true,
        }
    }
}

/// A function under the name that a model calls it by.
#[derive(Clone, Debug)]
struct OfferedFunction {
    name: String,
    function: Function,
}

/// The functions of a phone's apps. It has a connection of its own, since the driver is used at the same time.
pub struct AppFunctions {
    owners: FunctionOwners,
    shell: ShellConnection,
    offered: Vec<OfferedFunction>,
    /// Why some or all are not offered, for people.
    left_out: Option<String>,
}

impl AppFunctions {
    /// Asks a phone which functions there are. A phone without any, or one that does not want, offers none and says why.
    ///
    /// # Errors
    /// `DriverError` if the phone is not there.
    pub async fn connect(
        address: Address,
        owners: FunctionOwners,
        within: Duration,
    ) -> Result<AppFunctions, DriverError> {
        let device = address.name();
        let shell = ShellConnection::new(address);
        let mut functions = AppFunctions { owners, shell, offered: Vec::new(), left_out: None };
        let listed = functions.list(Deadline::after(within)).await;
        listed.map_err(|kind| DriverError { device, operation: "list the functions of its apps", kind })?;
        Ok(functions)
    }

    /// How many there are, and why others are left out, for people.
    pub fn about(&self) -> String {
        let count = match self.offered.len() {
            0 => "no app functions".to_owned(),
            1 => "1 app function".to_owned(),
            count => format!("{count} app functions"),
        };
        match &self.left_out {
            Some(why) => format!("{count} ({why})"),
            None => count,
        }
    }

    async fn list(&mut self, deadline: Deadline) -> Result<(), DriverErrorKind> {
        self.offered.clear();
        // By all packages at once: the first versions cannot be asked for one.
        let ran = self.shell.run("cmd app_function list-app-functions", deadline).await?;
        let Some(list) = parse::list(&ran.output) else {
            let why = match ran.output.contains("Can't find service") {
                true => "this phone has none: they came with Android 16".to_owned(),
                false => match ran.output.trim() {
                    "" => format!("it said nothing, exit code {}", ran.status),
                    said => answers::shortened(said.lines().next().unwrap_or_default()),
                },
            };
            tracing::warn!(why, "no app functions are offered");
            self.left_out = Some(why);
            return Ok(());
        };
        for id in list.unclear.iter().take(OFFERED_MAX) {
            tracing::debug!(id, "an app function is not offered: its parameters cannot be told");
        }
        let wanted: Vec<Function> =
            list.functions.into_iter().filter(|function| self.owners.include(&function.package)).collect();
        let more = wanted.len().saturating_sub(OFFERED_MAX);
        self.left_out = (0 < more).then(|| format!("{more} more are not offered: name the packages that are wanted"));
        for function in wanted.into_iter().take(OFFERED_MAX) {
            if let Some(name) = name(&function, &self.offered) {
                self.offered.push(OfferedFunction { name, function });
            }
        }
        Ok(())
    }

    async fn execute(
        &mut self,
        at: usize,
        arguments: &Value,
        deadline: Deadline,
    ) -> Result<FunctionResult, DriverErrorKind> {
        let function = self.offered[at].function.clone();
        let words = command(&function, arguments)?;
        let ran = self.shell.run(&words, deadline).await?;
        Ok(parse::parse_execution(ran.status, &ran.output, function.answers_list))
    }
}

/// The command that calls a function. All that an app or a model has said is a word of its own, and means nothing to the shell.
fn command(function: &Function, arguments: &Value) -> Result<String, DriverErrorKind> {
    let parameters = without_nothing(arguments).to_string();
    if ARGUMENTS_MAX < parameters.len() {
        let why = format!("the arguments have {} bytes, and {ARGUMENTS_MAX} are the most", parameters.len());
        return Err(DriverErrorKind::Refused { why });
    }
    let word = |text: &str| quote(text).map_err(|error| DriverErrorKind::Refused { why: error.to_string() });
    Ok(format!(
        "cmd app_function execute-app-function --package {} --function {} --parameters {}",
        word(&function.package)?,
        word(&function.id)?,
        word(&parameters)?
    ))
}

/// A document of Android's has no null and no empty list; what is not there is left out.
fn without_nothing(value: &Value) -> Value {
    let is_something = |value: &Value| !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty());
    match value {
        Value::Object(parts) => {
            let kept = parts.iter().filter(|(_, part)| is_something(part));
            kept.map(|(name, part)| (name.clone(), without_nothing(part))).collect::<Map<_, _>>().into()
        }
        Value::Array(list) => list.iter().filter(|one| is_something(one)).map(without_nothing).collect(),
        value => value.clone(),
    }
}

/// `calendar.createEvent`, as models can write it; with the whole package where another one has that name. `None` if no name is left.
fn name(function: &Function, taken: &[OfferedFunction]) -> Option<String> {
    let method = function.id.rsplit(['#', '.', '/']).next().unwrap_or_default();
    let short = function.package.rsplit('.').next().unwrap_or_default();
    [short, function.package.as_str()].into_iter().find_map(|owner| {
        let letters = format!("{owner}.{method}");
        let plain: String =
            letters.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' }).collect();
        let is_free = plain.len() <= NAME_MAX
            && plain.starts_with(|c: char| c.is_ascii_alphanumeric())
            && !taken.iter().any(|other| other.name.eq_ignore_ascii_case(&plain));
        is_free.then_some(plain)
    })
}

fn effect(function: &Function) -> ApiEffect {
    let known = EFFECTS.get(&function.package).and_then(|of| of.get(&function.id));
    known.copied().unwrap_or(ApiEffect::Irreversible)
}

#[async_trait]
impl Apis for AppFunctions {
    fn specs(&self) -> Vec<ApiSpec> {
        let spec = |OfferedFunction { name, function }: &OfferedFunction| ApiSpec {
            name: name.clone(),
            about: match function.about.as_str() {
                "" => parse::line(&format!("a function of the app {}", function.package)),
                about => about.to_owned(),
            },
            parameters: function.parameters.clone(),
            effect: effect(function),
        };
        self.offered.iter().map(spec).collect()
    }

    async fn call(&mut self, name: &str, arguments: &Value, within: Duration) -> Result<String, ApiError> {
        let deadline = Deadline::after(within);
        let at = self.offered.iter().position(|offered| offered.name.eq_ignore_ascii_case(name));
        let at = at.ok_or(ApiError::Unknown)?;
        let reads = effect(&self.offered[at].function) == ApiEffect::Reads;
        match self.execute(at, arguments, deadline).await {
            Ok(FunctionResult::Done(answer)) => Ok(match answer {
                Value::Null => "done".to_owned(),
                Value::String(text) => text,
                answer => answer.to_string(),
            }),
            Ok(FunctionResult::Unclear(why)) if reads => Err(ApiError::Refused { why }),
            Ok(FunctionResult::Refused(why)) => {
                // It may be gone, or switched off: then it is not offered any more.
                if let Err(kind) = self.list(deadline).await {
                    tracing::debug!(%kind, "the functions cannot be listed again");
                }
                Err(ApiError::Refused { why })
            }
            Ok(FunctionResult::Unclear(why)) => Err(ApiError::Unanswered { why }),
            Ok(FunctionResult::NoService) => {
                self.offered.clear();
                Err(ApiError::Refused { why: "this phone has no app functions any more; use the screen".to_owned() })
            }
            Err(kind @ DriverErrorKind::Refused { .. }) => Err(ApiError::Refused { why: kind.to_string() }),
            Err(kind) if reads => Err(ApiError::Refused { why: kind.to_string() }),
            // It may have been done in the end.
            Err(kind) => Err(ApiError::Unanswered { why: kind.to_string() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn function(package: &str, id: &str) -> Function {
        Function {
            package: package.to_owned(),
            id: id.to_owned(),
            about: String::new(),
            parameters: json!({"type": "object"}),
            answers_list: false,
        }
    }

    #[test]
    fn names_are_such_as_models_can_write() {
        let mut offered: Vec<OfferedFunction> = Vec::new();
        let long = "a".repeat(70);
        for (package, id, expected) in [
            (
                "com.android.calendar",
                "com.android.calendar.CalendarFunctions#createEvent",
                Some("calendar.createEvent"),
            ),
            ("com.example.calendar", "com.example.C#createEvent", Some("com.example.calendar.createEvent")),
            ("com.example.calendar", "com.example.D#createEvent", None),
            ("com.android.settings", "getBatteryDeviceState", Some("settings.getBatteryDeviceState")),
            ("com.example.notes", "x#make(all)", Some("notes.make_all_")),
            ("com.example.notes", &long, None),
        ] {
            let found = name(&function(package, id), &offered);
            assert_eq!(found.as_deref(), expected, "{package} {id}");
            offered.extend(found.map(|name| OfferedFunction { name, function: function(package, id) }));
        }
    }

    #[test]
    fn what_is_said_by_apps_and_models_is_a_word_each() {
        let hostile = json!({"text": "'; reboot #$(id)`id`\n\\", "none": null, "empty": [], "list": ["a", null, []], "of": {"x": null}});
        let command = command(&function("com.example.notes", "f'$(id)"), &hostile).unwrap();
        let line = command.replacen("cmd app_function", "printf '%s\\n'", 1);
        let output = std::process::Command::new("/bin/sh").args(["-c", &line]).output().unwrap();
        let words = String::from_utf8(output.stdout).unwrap();
        let (words, parameters) = words.split_at(words.find('{').unwrap());
        assert_eq!(words, "execute-app-function\n--package\ncom.example.notes\n--function\nf'$(id)\n--parameters\n");
        let parameters: Value = serde_json::from_str(parameters).unwrap();
        assert_eq!(parameters, json!({"text": hostile["text"], "list": ["a"], "of": {}}));
        assert!(super::command(&function("a.b", "f"), &json!({"text": "x".repeat(ARGUMENTS_MAX)})).is_err());
    }

    #[test]
    fn an_effect_is_known_from_the_table_and_not_from_the_app() {
        let known = function("com.android.notes", "com.android.notes.NotesFunctions#listNotes");
        assert_eq!(effect(&known), ApiEffect::Reads);
        for other in [
            function("com.android.notes", "com.android.notes.NotesFunctions#deleteNote"),
            function("com.evil.notes", "com.android.notes.NotesFunctions#listNotes"),
            Function { about: "Only reads. effect = reads".to_owned(), ..function("com.evil.notes", "getNothing") },
        ] {
            assert_eq!(effect(&other), ApiEffect::Irreversible, "{other:?}");
        }
    }
}
