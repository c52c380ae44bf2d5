//! What is answered: upstream's paths, forms and words, each from a machine's own answer.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use tapwright_drivers::osworld::machine::{
    COMMAND_TIME, CommandOutput, CommandWords, ControlledMachine, FolderEntry, MachineCommand, MachineError,
    MachineErrorKind, WindowName,
};
use tokio::time::{Instant, sleep};

use super::Site;
use super::form::{self, FileForm};
use super::recording::Recording;

/// How long what is quick may take.
const QUICK: Duration = Duration::from_secs(30);
/// How long all programs' widgets may take to be read.
const TREE: Duration = Duration::from_secs(60);
/// How long a file may take to be opened. Upstream waits three times as long.
const OPEN: Duration = Duration::from_secs(600);
/// How long Python may run that is sent as code, as upstream has it.
const PYTHON: Duration = Duration::from_secs(30);
/// The longest that a script or a wait may be wished to take.
const REQUESTED_MAX: Duration = Duration::from_secs(600);

/// Answers one request.
pub(super) async fn answer(site: &Site, method: &Method, path: &str, kind: &str, body: Bytes) -> Response {
    let is_reading = method == Method::GET;
    if !is_reading && method != Method::POST {
        return complaint(StatusCode::METHOD_NOT_ALLOWED, "GET or POST");
    }
    if path == "/tapwright/reset" && !is_reading {
        return match site.reset().await {
            Ok(()) => json_response(&json!({"status": "success"})),
            Err(kind) => error_response(&kind.to_string()),
        };
    }
    let machine = site.machine().await;
    let machine = &*machine;
    let result = if is_reading { read(machine, path).await } else { None };
    let result = match result {
        Some(result) => result,
        None if is_reading => return complaint(StatusCode::NOT_FOUND, "there is no such path"),
        None if path == "/start_recording" => begin_recording(site, machine).await,
        None if path == "/end_recording" => end_recording(site, machine).await,
        None => match ask(machine, path, &body).await {
            Some(result) => result,
            None => match act(machine, path, kind, &body).await {
                Some(result) => result,
                None => return complaint(StatusCode::NOT_FOUND, "there is no such path"),
            },
        },
    };
    result.unwrap_or_else(|error| machine_error_response(&error))
}

type RouteResult = Result<Response, MachineError>;

/// What is read with GET.
async fn read(machine: &dyn ControlledMachine, path: &str) -> Option<RouteResult> {
    Some(match path {
        "/screenshot" => machine.screenshot(QUICK).await.map(|picture| {
            let kind = if picture.starts_with(b"\xff\xd8") { "image/jpeg" } else { "image/png" };
            bytes_response(kind, picture)
        }),
        "/accessibility" => machine.accessibility_tree(TREE).await.map(|tree| json_response(&json!({"AT": tree}))),
        "/terminal" => machine
            .terminal_output(TREE)
            .await
            .map(|output| json_response(&json!({"output": output, "status": "success"}))),
        "/platform" => Ok(text_response(StatusCode::OK, machine.platform())),
        "/cursor_position" => machine.cursor_position(QUICK).await.map(|(x, y)| json_response(&json!([x, y]))),
        _ => return None,
    })
}

/// What is read with POST; `None` if the path is none of these.
async fn ask(machine: &dyn ControlledMachine, path: &str, body: &[u8]) -> Option<RouteResult> {
    let size = |size: tapwright_contract::Size| json_response(&json!({"width": size.width, "height": size.height}));
    Some(match path {
        "/screen_size" => machine.screen_size(QUICK).await.map(size),
        "/window_size" => {
            let Some(class) = form::field(body, "app_class_name") else {
                return Some(Ok(complaint(StatusCode::BAD_REQUEST, "app_class_name is required")));
            };
            let none = || complaint(StatusCode::NOT_FOUND, "no window is of this class");
            machine.window_size(&class, QUICK).await.map(|found| found.map_or_else(none, size))
        }
        "/desktop_path" => {
            machine.desktop_folder(QUICK).await.map(|path| json_response(&json!({"desktop_path": path})))
        }
        "/wallpaper" => {
            let none = || complaint(StatusCode::NOT_FOUND, "there is no wallpaper");
            let found = machine.wallpaper(QUICK).await;
            found.map(|picture| picture.map_or_else(none, |picture| bytes_response("image/png", picture)))
        }
        "/list_directory" => {
            let path = match json_field(body, "path") {
                Ok(path) => path,
                Err(response) => return Some(Ok(response)),
            };
            let none = || complaint(StatusCode::BAD_REQUEST, "The provided path is not a directory");
            let found = machine.list_folder(&path, QUICK).await;
            found.map(|folder| {
                folder.map_or_else(none, |folder| json_response(&json!({"directory_tree": folder_json(&folder)})))
            })
        }
        "/file" => {
            let Some(path) = form::field(body, "file_path") else {
                return Some(Ok(complaint(StatusCode::BAD_REQUEST, "file_path is required")));
            };
            let none = || complaint(StatusCode::NOT_FOUND, "File not found");
            let found = machine.read_file(&path, QUICK).await;
            found
                .map(|content| content.map_or_else(none, |content| bytes_response("application/octet-stream", content)))
        }
        _ => return None,
    })
}

/// What is done; `None` if the path is none of these.
async fn act(machine: &dyn ControlledMachine, path: &str, kind: &str, body: &[u8]) -> Option<RouteResult> {
    if path == "/setup/upload" {
        return Some(match FileForm::read(kind, body) {
            Ok(form) => machine
                .write_file(&form.path, form.content, QUICK)
                .await
                .map(|()| text_response(StatusCode::OK, format!("File Uploaded: {} bytes", form.content.len()))),
            Err(why) => Ok(complaint(StatusCode::BAD_REQUEST, why)),
        });
    }
    let is_known = [
        "/execute",
        "/setup/execute",
        "/setup/launch",
        "/execute_with_verification",
        "/setup/execute_with_verification",
        "/run_python",
        "/run_bash_script",
        "/setup/open_file",
        "/setup/activate_window",
        "/setup/close_window",
        "/setup/change_wallpaper",
        "/setup/download_file",
    ]
    .contains(&path);
    if !is_known {
        return None;
    }
    // A page of a browser can send anything but this kind without being asked.
    if !kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json") {
        return Some(Ok(complaint(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body has to be application/json")));
    }
    let Ok(json) = serde_json::from_slice::<Value>(body) else {
        return Some(Ok(complaint(StatusCode::BAD_REQUEST, "the body is no JSON")));
    };
    Some(match path {
        "/execute" | "/setup/execute" => match command(&json) {
            Ok(command) => {
                machine.execute(&command, COMMAND_TIME).await.map(|output| json_response(&output_json(&output)))
            }
            Err(why) => Ok(error_response(why)),
        },
        "/setup/launch" => match command(&json) {
            Ok(command) => machine
                .launch(&command, QUICK)
                .await
                .map(|()| text_response(StatusCode::OK, format!("{} launched successfully", command_line(&command)))),
            Err(why) => Ok(error_response(why)),
        },
        "/execute_with_verification" | "/setup/execute_with_verification" => {
            execute_with_verification(machine, &json).await
        }
        "/run_python" => run_python(machine, &json).await,
        "/run_bash_script" => run_script(machine, &json).await,
        "/setup/open_file" => match json["path"].as_str() {
            Some(path) => machine
                .open_file(path, OPEN)
                .await
                .map(|()| text_response(StatusCode::OK, "File opened and window activated successfully")),
            None => Ok(complaint(StatusCode::BAD_REQUEST, "path is required")),
        },
        "/setup/change_wallpaper" => match json["path"].as_str() {
            Some(path) => change_wallpaper(machine, path).await,
            None => Ok(complaint(StatusCode::BAD_REQUEST, "path is required")),
        },
        "/setup/download_file" => {
            let why = "nothing is fetched from the network here: download the file and send it to /setup/upload";
            Ok(error_response(why))
        }
        window => change_window(machine, window == "/setup/activate_window", &json).await,
    })
}

async fn change_wallpaper(machine: &dyn ControlledMachine, path: &str) -> RouteResult {
    Ok(match machine.set_wallpaper(path, QUICK).await? {
        true => text_response(StatusCode::OK, "Wallpaper changed successfully"),
        false => text_response(StatusCode::NOT_FOUND, format!("File not found: {path}")),
    })
}

async fn change_window(machine: &dyn ControlledMachine, activates: bool, json: &Value) -> RouteResult {
    let Some(name) = json["window_name"].as_str().filter(|name| !name.is_empty()) else {
        return Ok(complaint(StatusCode::BAD_REQUEST, "window_name is required"));
    };
    let flag = |key: &str| json[key].as_bool().unwrap_or(false);
    let window = WindowName { name: name.to_owned(), is_whole: flag("strict"), by_class: flag("by_class") };
    let (changed, word) = match activates {
        true => (machine.activate_window(&window, QUICK).await?, "Window activated successfully"),
        false => (machine.close_window(&window, QUICK).await?, "Window closed successfully."),
    };
    Ok(match changed {
        true => text_response(StatusCode::OK, word),
        false => text_response(StatusCode::NOT_FOUND, format!("Window {name} not found.")),
    })
}

/// Runs a command and waits until what it was for has come about.
async fn execute_with_verification(machine: &dyn ControlledMachine, json: &Value) -> RouteResult {
    let command = match command(json) {
        Ok(command) => command,
        Err(why) => return Ok(error_response(why)),
    };
    let began = Instant::now();
    let output = machine.execute(&command, COMMAND_TIME).await?;
    let wait = requested_time(&json["max_wait_time"], 10.0);
    let apart = requested_time(&json["check_interval"], 1.0).max(Duration::from_millis(50));
    let verification = &json["verification"];
    let since = Instant::now();
    loop {
        let mut is_so = true;
        if let Some(title) = verification["window_exists"].as_str() {
            let name = WindowName { name: title.to_owned(), is_whole: false, by_class: false };
            is_so &= machine.windows(QUICK).await?.iter().any(|window| name.is_of(window));
        }
        if let Some(line) = verification["command_success"].as_str() {
            is_so &= machine.execute(&MachineCommand::shell(line), QUICK).await?.code == 0;
        }
        let mut told = output_json(&output);
        if is_so {
            told["verification"] = "passed".into();
            told["wait_time"] = began.elapsed().as_secs_f64().into();
            return Ok(json_response(&told));
        }
        if since.elapsed() + apart > wait {
            told["status"] = "verification_failed".into();
            told["wait_time"] = began.elapsed().as_secs_f64().into();
            return Ok((StatusCode::INTERNAL_SERVER_ERROR, json_response(&told)).into_response());
        }
        sleep(apart).await;
    }
}

async fn run_python(machine: &dyn ControlledMachine, json: &Value) -> RouteResult {
    let Some(code) = json["code"].as_str() else {
        let told = json!({"status": "error", "message": "Code not supplied!", "error": "Code not supplied!"});
        return Ok((StatusCode::BAD_REQUEST, json_response(&told)).into_response());
    };
    let command = MachineCommand::program(["python3", "-c", code]);
    let told = |status: &str, output: &str, error: &str, code: i32| {
        json_response(&json!({
            "status": status, "message": format!("{output}{error}"), "output": output, "error": error,
            "return_code": code, "need_more": false,
        }))
    };
    match machine.execute(&command, PYTHON).await {
        Ok(ended) => {
            let status = if ended.code == 0 { "success" } else { "error" };
            Ok(told(status, &ended.output, &ended.error, ended.code))
        }
        Err(MachineError { kind: MachineErrorKind::TimedOut { .. }, .. }) => {
            let why = format!("Execution timed out after {} seconds", PYTHON.as_secs());
            Ok(told("error", "", &why, -1))
        }
        Err(error) => Err(error),
    }
}

async fn run_script(machine: &dyn ControlledMachine, json: &Value) -> RouteResult {
    let Some(script) = json["script"].as_str().filter(|script| !script.is_empty()) else {
        let told = json!({"status": "error", "output": "Script not supplied!", "error": "", "returncode": -1});
        return Ok((StatusCode::BAD_REQUEST, json_response(&told)).into_response());
    };
    let within = requested_time(&json["timeout"], 100.0);
    // The script's own outputs become one, as upstream has it; the folder is a word and no part of a script.
    let line = "cd -- \"$1\" 2>&1 && exec bash -c \"$0\" 2>&1";
    let folder = json["working_dir"].as_str().unwrap_or(".");
    let command = MachineCommand::program(["sh", "-c", line, script, folder]);
    let told = |status: &str, output: &str, code: i32| {
        json_response(&json!({"status": status, "output": output, "error": "", "returncode": code}))
    };
    match machine.execute(&command, within).await {
        Ok(ended) => Ok(told(if ended.code == 0 { "success" } else { "error" }, &ended.output, ended.code)),
        Err(MachineError { kind: MachineErrorKind::TimedOut { .. }, .. }) => {
            let why = format!("Script execution timed out after {} seconds", within.as_secs());
            Ok((StatusCode::INTERNAL_SERVER_ERROR, told("error", &why, -1)).into_response())
        }
        Err(error) => Err(error),
    }
}

async fn begin_recording(site: &Site, machine: &dyn ControlledMachine) -> RouteResult {
    let mut recording = site.recording.lock().await;
    if recording.is_some() {
        let told = json!({"status": "error", "message": "Recording is already in progress."});
        return Ok((StatusCode::BAD_REQUEST, json_response(&told)).into_response());
    }
    *recording = Some(Recording::begin(machine).await?);
    let told = json!({"status": "success", "message": "Started recording successfully."});
    Ok(json_response(&told))
}

async fn end_recording(site: &Site, machine: &dyn ControlledMachine) -> RouteResult {
    let mut recording = site.recording.lock().await;
    let Some(running) = &*recording else {
        let told = json!({"status": "error", "message": "No recording in progress to stop."});
        return Ok((StatusCode::BAD_REQUEST, json_response(&told)).into_response());
    };
    let film = running.end(machine).await;
    // Of one that may still be there it is asked again.
    if !matches!(&film, Err(error) if !matches!(error.kind, MachineErrorKind::Refused { .. })) {
        *recording = None;
    }
    film.map(|film| bytes_response("video/mp4", film))
}

/// The command of a request.
fn command(json: &Value) -> Result<MachineCommand, &'static str> {
    let shell = json["shell"].as_bool().unwrap_or(false);
    let words = match &json["command"] {
        Value::String(line) => CommandWords::Text(line.clone()),
        Value::Array(words) => {
            let words = words.iter().map(|word| word.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>();
            CommandWords::List(words.ok_or("[Errno 22] each word of a command has to be a text")?)
        }
        _ => return Err("[Errno 22] command has to be a text or a list of texts"),
    };
    Ok(MachineCommand { words, shell })
}

fn command_line(command: &MachineCommand) -> String {
    match &command.words {
        CommandWords::Text(line) => line.clone(),
        CommandWords::List(words) => words.join(" "),
    }
}

fn output_json(output: &CommandOutput) -> Value {
    json!({"status": "success", "output": output.output, "error": output.error, "returncode": output.code})
}

fn folder_json(folder: &FolderEntry) -> Value {
    match &folder.children {
        Some(children) => {
            let children: Vec<Value> = children.iter().map(folder_json).collect();
            json!({"type": "directory", "name": folder.name, "children": children})
        }
        None => json!({"type": "file", "name": folder.name}),
    }
}

/// A number of seconds that somebody wishes, within bounds.
fn requested_time(value: &Value, usual: f64) -> Duration {
    let seconds = value.as_f64().filter(|seconds| seconds.is_finite() && *seconds >= 0.0).unwrap_or(usual);
    Duration::from_secs_f64(seconds.min(REQUESTED_MAX.as_secs_f64()))
}

fn json_field(body: &[u8], name: &str) -> Result<String, Response> {
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let missing = || complaint(StatusCode::BAD_REQUEST, &format!("{name} is required"));
    json[name].as_str().map(str::to_owned).ok_or_else(missing)
}

/// What a machine's error is on the wire. Clients tell by these words whether something was done.
fn machine_error_response(error: &MachineError) -> Response {
    let why = error.to_string();
    match &error.kind {
        // As Python says it of what was never started.
        MachineErrorKind::Refused { .. }
        | MachineErrorKind::Unsupported { .. }
        | MachineErrorKind::Unreachable { .. } => error_response(&format!("[Errno 2] {why}")),
        MachineErrorKind::TimedOut { .. } => error_response(&format!("Command timed out after its time: {why}")),
        MachineErrorKind::TooLarge { .. } => complaint(StatusCode::PAYLOAD_TOO_LARGE, &why),
        MachineErrorKind::Unanswered { .. } | MachineErrorKind::Malformed { .. } => error_response(&why),
    }
}

fn error_response(why: &str) -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, json_response(&json!({"status": "error", "message": why}))).into_response()
}

pub(super) fn complaint(status: StatusCode, why: &str) -> Response {
    (status, json_response(&json!({"error": why}))).into_response()
}

fn json_response(value: &Value) -> Response {
    bytes_response("application/json", value.to_string())
}

fn text_response(status: StatusCode, text: impl Into<String>) -> Response {
    (status, bytes_response("text/plain; charset=utf-8", text.into())).into_response()
}

fn bytes_response(kind: &'static str, body: impl Into<Body>) -> Response {
    ([(CONTENT_TYPE, kind)], body.into()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_for_time_has_bounds() {
        let seconds = |value: Value| requested_time(&value, 10.0).as_secs();
        assert_eq!(seconds(json!(3)), 3);
        for usual in [json!(null), json!(-1), json!("x"), json!(f64::NAN)] {
            assert_eq!(seconds(usual), 10);
        }
        assert_eq!(seconds(json!(1e300)), 600);
    }

    #[test]
    fn a_command_is_a_text_or_texts() {
        assert!(command(&json!({"command": ["a", 1]})).is_err());
        assert!(command(&json!({"command": {}})).is_err());
        assert_eq!(command(&json!({"command": "ls -l", "shell": true})).unwrap(), MachineCommand::shell("ls -l"));
        assert_eq!(command(&json!({"command": ["ls"]})).unwrap(), MachineCommand::program(["ls"]));
    }
}
