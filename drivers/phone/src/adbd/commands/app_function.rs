//! `cmd app_function`: what apps do for other programs, as Android 16 lists and calls it. Older phones have no such service.
//!
//! A document of AppSearch does not tell a single value from a list of one, so every property is a list.

use serde_json::{Map, Value, json};

use super::Call;
use crate::OfferedFunction;
use crate::functions::{AppFunction, Parameter, Returns, ValueType};

/// The first version of Android that has it.
pub(super) const SINCE: u32 = 36;
/// No more is read of what a call is given.
const PARAMETERS_MAX: usize = 64 << 10;
/// Where functions that were switched off are kept, in settings that only this service reads.
const SPACE: &str = "app_function";
const ANSWER: &str = "androidAppfunctionsReturnValue";

const HELP: &str = "AppFunctionManager commands:
  help
    Prints this help text.

  list-app-functions [--user <USER_ID>] [--package <PACKAGE_NAME>]
    Lists app functions in JSON, of one package if it is named.

  execute-app-function --package <PACKAGE_NAME> --function <FUNCTION_ID> --parameters <PARAMETERS_JSON>
      [--user <USER_ID>] [--timeout-duration <SECONDS>] [--brief-yaml]
    Executes the app function of the package, and prints what it returns as JSON.

  set-enabled --package <PACKAGE_NAME> --function <FUNCTION_ID> --state <enable|disable|default> [--user <USER_ID>]
    Switches an app function on or off.

  is-enabled --package <PACKAGE_NAME> --function <FUNCTION_ID> [--user <USER_ID>]
    Prints whether an app function is on.
";

/// What was asked for.
#[derive(Default)]
struct Request<'a> {
    package: Option<&'a str>,
    function: Option<&'a str>,
    parameters: Option<&'a str>,
    state: Option<&'a str>,
    brief_yaml: bool,
}

pub(super) fn app_function(call: &mut Call<'_>) -> u8 {
    let arguments = call.arguments();
    let Some((verb, options)) = arguments.split_first() else {
        call.complain(HELP);
        return 255;
    };
    let known: &[&str] = match *verb {
        "list-app-functions" => &["--user", "--package"],
        "execute-app-function" => {
            &["--user", "--package", "--function", "--parameters", "--timeout-duration", "--brief-yaml"]
        }
        "set-enabled" => &["--user", "--package", "--function", "--state"],
        "is-enabled" => &["--user", "--package", "--function"],
        "help" | "-h" => {
            call.say(HELP);
            return 0;
        }
        unknown => {
            call.complain(&format!("Unknown command: {unknown}\n{HELP}"));
            return 255;
        }
    };
    let request = match read(options, known) {
        Ok(request) => request,
        Err(why) => return refuse(call, &why),
    };
    match *verb {
        "list-app-functions" => list(call, request.package),
        "execute-app-function" => execute(call, &request),
        verb => {
            let (Some(package), Some(function)) = (request.package, request.function) else {
                return refuse(call, missing(&request));
            };
            match verb {
                "is-enabled" => is_enabled(call, package, function),
                _ => set_enabled(call, package, function, request.state.unwrap_or_default()),
            }
        }
    }
}

fn read<'a>(options: &[&'a str], known: &[&str]) -> Result<Request<'a>, String> {
    let mut request = Request::default();
    let mut options = options.iter();
    while let Some(option) = options.next() {
        if !known.contains(option) {
            return Err(format!("Unknown option: {option}"));
        }
        if *option == "--brief-yaml" {
            request.brief_yaml = true;
            continue;
        }
        let value = *options.next().ok_or_else(|| {
            format!("Exception: java.lang.IllegalArgumentException: Argument expected after \"{option}\"")
        })?;
        match *option {
            "--package" => request.package = Some(value),
            "--function" => request.function = Some(value),
            "--parameters" => request.parameters = Some(value),
            "--state" => request.state = Some(value),
            _ => {} // There is one user, and nothing takes long.
        }
    }
    Ok(request)
}

/// The service says why on its standard output, as it does on phones.
fn refuse(call: &mut Call<'_>, why: &str) -> u8 {
    call.say(&format!("{why}\n"));
    255
}

fn missing(request: &Request<'_>) -> &'static str {
    match (request.package, request.function) {
        (None, _) => "Error: --package must be specified.",
        (_, None) => "Error: --function must be specified.",
        _ => "Error: --parameters must be specified.",
    }
}

fn report_failure(call: &mut Call<'_>, why: &str) -> u8 {
    let why = format!(
        "Error executing app function: android.app.appfunctions.AppFunctionException: {why}. See logcat for more details. "
    );
    refuse(call, &why)
}

fn key(package: &str, function: &str) -> String {
    format!("{package}/{function}")
}

fn is_off(call: &Call<'_>, package: &str, function: &str) -> bool {
    call.handle().settings().get(SPACE, &key(package, function)) == Some("disable")
}

fn find_function(call: &Call<'_>, package: &str, function: &str) -> Option<OfferedFunction> {
    let all = call.handle().look(crate::World::functions);
    all.into_iter().find(|offered| offered.package == package && offered.id == function)
}

fn is_enabled(call: &mut Call<'_>, package: &str, function: &str) -> u8 {
    if find_function(call, package, function).is_none() {
        let why = format!(
            "Error checking app function state: java.lang.IllegalArgumentException: Function not found: {function}"
        );
        return refuse(call, &why);
    }
    let is_on = !is_off(call, package, function);
    call.say(&format!("{is_on}\n"));
    0
}

fn set_enabled(call: &mut Call<'_>, package: &str, function: &str, state: &str) -> u8 {
    if !["enable", "disable", "default"].contains(&state) {
        return refuse(
            call,
            "Error: --state must be specified. The accepted values are: `enable`, `disable`, `default`.",
        );
    }
    let is_done = find_function(call, package, function).is_some()
        && call.handle().settings().insert(SPACE, &key(package, function), state);
    match is_done {
        true => {
            call.say("App function enabled state updated successfully.\n");
            0
        }
        false => refuse(
            call,
            &format!(
                "Error setting app function state: java.lang.IllegalArgumentException: Function not found: {function}"
            ),
        ),
    }
}

fn execute(call: &mut Call<'_>, request: &Request<'_>) -> u8 {
    let (Some(package), Some(function), Some(parameters)) = (request.package, request.function, request.parameters)
    else {
        return refuse(call, missing(request));
    };
    if call.handle().denies() {
        return refuse(
            call,
            "Exception: java.lang.SecurityException: Permission Denial: com.android.shell does not have android.permission.EXECUTE_APP_FUNCTIONS",
        );
    }
    if PARAMETERS_MAX < parameters.len() {
        return refuse(
            call,
            &format!("Exception: java.lang.IllegalArgumentException: more than {PARAMETERS_MAX} bytes"),
        );
    }
    let given = match serde_json::from_str::<Map<String, Value>>(parameters) {
        Ok(given) => given,
        Err(error) => return refuse(call, &format!("Exception: org.json.JSONException: {error}")),
    };
    if find_function(call, package, function).is_some() && is_off(call, package, function) {
        return report_failure(call, "The app function is disabled");
    }
    match call.handle().change(|world| world.call_function(package, function, &given)) {
        Ok(answer) => {
            let answer = json!({ANSWER: document(&answer)});
            let told = match request.brief_yaml {
                true => yaml(&answer),
                false => format!("{answer:#}\n"),
            };
            call.say(&told);
            0
        }
        Err(error) => report_failure(call, &error.to_string()),
    }
}

/// A value as a document's property has it.
fn document(value: &Value) -> Value {
    match value {
        Value::Array(list) => {
            list.iter().flat_map(|one| document(one).as_array().cloned().unwrap_or_default()).collect()
        }
        Value::Object(parts) => {
            let parts: Map<String, Value> = parts.iter().map(|(name, part)| (name.clone(), document(part))).collect();
            json!([parts])
        }
        single => json!([single]),
    }
}

/// The same, to be read by people: lists of one are what is in them.
fn yaml(answer: &Value) -> String {
    fn write(value: &Value, depth: usize, lines: &mut String) {
        let indent = "  ".repeat(depth);
        match value {
            Value::Object(parts) => {
                for (name, part) in parts {
                    match part.as_array().map(Vec::as_slice) {
                        Some([single]) if !single.is_object() => {
                            lines.push_str(&format!("{indent}{name}: {single}\n"));
                        }
                        _ => {
                            lines.push_str(&format!("{indent}{name}:\n"));
                            write(part, depth + 1, lines);
                        }
                    }
                }
            }
            Value::Array(list) => {
                for one in list {
                    match one {
                        Value::Object(_) => {
                            lines.push_str(&format!("{indent}-\n"));
                            write(one, depth + 1, lines);
                        }
                        single => lines.push_str(&format!("{indent}- {single}\n")),
                    }
                }
            }
            single => lines.push_str(&format!("{indent}{single}\n")),
        }
    }
    let mut lines = String::new();
    write(answer, 0, &mut lines);
    lines
}

fn list(call: &mut Call<'_>, package: Option<&str>) -> u8 {
    let mut packages: Map<String, Value> = Map::new();
    for offered in call.handle().look(crate::World::functions) {
        if package.is_some_and(|wanted| wanted != offered.package) {
            continue;
        }
        let state = match call.handle().settings().get(SPACE, &key(offered.package, &offered.id)) {
            Some("enable") => 1,
            Some("disable") => 2,
            _ => 0,
        };
        let of_package = packages.entry(offered.package).or_insert_with(|| json!([]));
        if let Some(list) = of_package.as_array_mut() {
            list.push(metadata(&offered, state));
        }
    }
    call.say(&format!("{:#}\n", Value::from(packages)));
    0
}

/// What the system has indexed of a function. Types are numbers of `AppFunctionDataTypeMetadata`.
fn metadata(offered: &OfferedFunction, state: u32) -> Value {
    let OfferedFunction { package, id, function } = offered;
    let AppFunction { about, parameters, returns, .. } = function;
    let declared = |parameter: &Parameter| {
        json!({
            "name": [parameter.name],
            "description": [parameter.about],
            "isRequired": [parameter.is_required],
            "dataTypeMetadata": [data_type(parameter.value)],
        })
    };
    let value_type = match returns {
        Returns::Text => data_type(ValueType::Text),
        Returns::Texts => data_type(ValueType::Texts),
        Returns::Rows(parts) => json!({"type": [10], "isNullable": [false], "itemType": [object(parts)]}),
    };
    json!({
        "AppFunctionStaticMetadata": {
            "functionId": [id],
            "packageName": [package],
            "enabledByDefault": [true],
            "description": [about],
            "parameters": parameters.iter().map(declared).collect::<Vec<_>>(),
            "response": [{"isNullable": [false], "valueType": [value_type]}],
        },
        "AppFunctionRuntimeMetadata": {"functionId": [id], "packageName": [package], "enabled": [state]},
    })
}

fn object(parts: &[Parameter]) -> Value {
    let property = |part: &Parameter| json!({"name": [part.name], "dataTypeMetadata": [data_type(part.value)]});
    let required: Vec<&str> = parts.iter().filter(|part| part.is_required).map(|part| part.name).collect();
    json!({
        "type": [3],
        "isNullable": [false],
        "properties": parts.iter().map(property).collect::<Vec<_>>(),
        "required": required,
    })
}

fn data_type(value: ValueType) -> Value {
    let of = |number: u32| json!({"type": [number], "isNullable": [false]});
    match value {
        ValueType::Truth => of(1),
        ValueType::Number => of(6),
        ValueType::Text => of(8),
        ValueType::Texts => json!({"type": [10], "isNullable": [false], "itemType": [of(8)]}),
    }
}
