//! What a control server's answers mean, as upstream's gives them. Pure: tested on bytes that such servers sent.

use serde_json::Value;
use tapwright_contract::Size;

use super::http::Answer;
use super::machine::{CommandOutput, FolderEntry, MachineErrorKind, OUTPUT_BYTES_MAX};

/// So much of an answer that cannot be read is shown, in characters.
const EXCERPT_MAX: usize = 120;
/// No display has a longer side.
const SIDE_MAX: u64 = 32_767;
/// No folder lies deeper in a listing.
const FOLDERS_MAX: usize = 256;

/// The beginning of a text, on one line, for an error.
fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(4 * EXCERPT_MAX)]);
    let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).take(EXCERPT_MAX).collect()
}

fn malformed(why: impl Into<String>) -> MachineErrorKind {
    MachineErrorKind::Malformed { why: why.into() }
}

/// The message of an answer in JSON, or else its text.
fn message(answer: &Answer) -> String {
    let json: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let said = json.as_ref().and_then(|json| {
        let mut texts = ["message", "error"].into_iter().filter_map(|key| json[key].as_str());
        texts.find(|text| !text.is_empty()).map(str::to_owned)
    });
    said.unwrap_or_else(|| String::from_utf8_lossy(&answer.body).into_owned())
}

/// What a server says is wrong.
fn complaint(answer: &Answer) -> String {
    let said = excerpt(message(answer).as_bytes());
    if said.is_empty() { format!("status {}", answer.status) } else { format!("{said} (status {})", answer.status) }
}

/// The body of an answer that says yes.
///
/// # Errors
/// `Refused` with the server's words.
pub(super) fn accepted_body(answer: Answer) -> Result<Vec<u8>, MachineErrorKind> {
    match answer.status {
        200 => Ok(answer.body),
        401 | 403 => {
            let why = format!("{}: it wants a token; write http://TOKEN@HOST:PORT", complaint(&answer));
            Err(MachineErrorKind::Refused { why })
        }
        _ => Err(MachineErrorKind::Refused { why: complaint(&answer) }),
    }
}

/// The body of an answer that says that something was done.
///
/// # Errors
/// `Refused` if it certainly was not; `Unanswered` if nobody knows: whoever stands between, or the server itself, fell over in the middle.
pub(super) fn done_body(answer: Answer) -> Result<Vec<u8>, MachineErrorKind> {
    if answer.status >= 500 {
        let why = complaint(&answer);
        return Err(match was_never_started(&message(&answer)) && answer.status == 500 {
            true => MachineErrorKind::Refused { why },
            false => MachineErrorKind::Unanswered { why },
        });
    }
    accepted_body(answer)
}

/// Whether a message is one that Python gives before anything is started; whatever else goes wrong may do so after it. At its beginning
/// only: what follows may be the command's own words.
fn was_never_started(message: &str) -> bool {
    let begins = ["[Errno ", "No closing quotation", "No escaped character", "list index out of range", "expected str"];
    begins.iter().any(|begin| message.starts_with(begin))
}

/// The body of an answer that says yes or that there is nothing.
pub(super) fn optional_body(answer: Answer) -> Result<Option<Vec<u8>>, MachineErrorKind> {
    if answer.status == 404 { Ok(None) } else { accepted_body(answer).map(Some) }
}

/// The JSON of an answer that says yes.
pub(super) fn json(answer: Answer) -> Result<Value, MachineErrorKind> {
    let body = accepted_body(answer)?;
    serde_json::from_slice(&body).map_err(|_| {
        malformed(format!("JSON was expected, and it begins {:?}; is OSWorld's control server there?", excerpt(&body)))
    })
}

/// A picture: PNG or JPEG, by its first bytes.
pub(super) fn picture(answer: Answer) -> Result<Vec<u8>, MachineErrorKind> {
    let body = accepted_body(answer)?;
    if is_picture(&body) {
        return Ok(body);
    }
    let why = match body.is_empty() {
        true => "the screenshot is empty".to_owned(),
        false => format!(
            "the screenshot is neither PNG nor JPEG and begins {:?}; is OSWorld's control server there?",
            excerpt(&body)
        ),
    };
    Err(malformed(why))
}

pub(super) fn is_picture(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x89PNG\r\n\x1a\n") || bytes.starts_with(b"\xff\xd8\xff")
}

/// How a command has ended.
///
/// # Errors
/// `Refused` if it was not started; `Unanswered` if it was and nobody knows what came of it.
pub(super) fn command(answer: Answer) -> Result<CommandOutput, MachineErrorKind> {
    if answer.status == 200 {
        let json = json(answer)?;
        let code = json["returncode"].as_i64().and_then(|code| i32::try_from(code).ok());
        let (Some(output), Some(error), Some(code)) = (text(&json["output"]), text(&json["error"]), code) else {
            return Err(malformed(format!(
                "a command's answer has to have output, error and returncode: {}",
                excerpt(json.to_string().as_bytes())
            )));
        };
        let is_cut = output.len().max(error.len()) > OUTPUT_BYTES_MAX;
        return Ok(CommandOutput { output: cut(output), error: cut(error), code, is_cut });
    }
    // The command stands before these words, as long as it may be.
    if answer.status == 500 && message(&answer).contains("timed out after") && !was_never_started(&message(&answer)) {
        let why = format!("the machine gave the command up: {}", complaint(&answer));
        return Err(MachineErrorKind::TimedOut { why });
    }
    match done_body(answer) {
        Err(kind) => Err(kind),
        Ok(_) => Err(malformed("a command's answer is empty")),
    }
}

fn text(value: &Value) -> Option<&str> {
    if value.is_null() { Some("") } else { value.as_str() }
}

fn cut(text: &str) -> String {
    text[..text.floor_char_boundary(OUTPUT_BYTES_MAX)].to_owned()
}

/// The accessibility tree.
///
/// # Errors
/// `Refused` if nothing is in it: then nobody listens to programs on the machine, and none will be heard until that is mended.
pub(super) fn tree(answer: Answer) -> Result<String, MachineErrorKind> {
    let mut json = json(answer)?;
    let Value::String(tree) = json["AT"].take() else {
        return Err(malformed("an accessibility tree has to be under the key AT"));
    };
    let begin = tree.trim_start();
    if !begin.starts_with('<') {
        return Err(malformed(format!("the accessibility tree is no XML and begins {:?}", excerpt(begin.as_bytes()))));
    }
    // One element that is closed at once.
    if begin.trim_end().ends_with("/>") && begin.matches('<').count() == 1 {
        let why = "the accessibility tree is empty: start at-spi-bus-launcher and at-spi2-registryd in the machine's \
                   session, and set org.a11y.Status.IsEnabled, before the programs are started";
        return Err(MachineErrorKind::Refused { why: why.to_owned() });
    }
    Ok(tree)
}

/// What the terminal shows.
pub(super) fn terminal(answer: Answer) -> Result<Option<String>, MachineErrorKind> {
    match json(answer)?["output"].take() {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        other => Err(malformed(format!("a terminal's output cannot be {}", excerpt(other.to_string().as_bytes())))),
    }
}

/// A width and a height.
pub(super) fn size(answer: Answer) -> Result<Size, MachineErrorKind> {
    let json = json(answer)?;
    let side = |key: &str| {
        json[key].as_u64().filter(|side| (1..=SIDE_MAX).contains(side)).and_then(|side| side.try_into().ok())
    };
    match (side("width"), side("height")) {
        (Some(width), Some(height)) => Ok(Size { width, height }),
        _ => Err(malformed(format!("no width and height: {}", excerpt(json.to_string().as_bytes())))),
    }
}

/// A place: `[x, y]`.
pub(super) fn place(answer: Answer) -> Result<(i32, i32), MachineErrorKind> {
    let json = json(answer)?;
    let side = |at: usize| json[at].as_i64().and_then(|side| i32::try_from(side).ok());
    side(0).zip(side(1)).ok_or_else(|| malformed(format!("no place: {}", excerpt(json.to_string().as_bytes()))))
}

/// A folder, with what lies in it; `None` if there is no such folder.
pub(super) fn folder(answer: Answer, entries_max: usize) -> Result<Option<FolderEntry>, MachineErrorKind> {
    // That is how upstream says it.
    if answer.status == 404 || answer.status == 400 {
        return Ok(None);
    }
    let json = json(answer)?;
    let mut left = entries_max;
    entry(&json["directory_tree"], &mut left, FOLDERS_MAX).map(Some)
}

fn entry(value: &Value, left: &mut usize, depth: usize) -> Result<FolderEntry, MachineErrorKind> {
    *left = left.checked_sub(1).ok_or_else(|| malformed("the folder has more entries than anybody can read"))?;
    let depth = depth.checked_sub(1).ok_or_else(|| malformed("the folders lie too deep in each other"))?;
    let name = value["name"].as_str().ok_or_else(|| malformed("an entry of a folder without a name"))?.to_owned();
    let children = match value["type"].as_str() {
        Some("directory") => {
            let children = value["children"].as_array().map(Vec::as_slice).unwrap_or_default();
            Some(children.iter().map(|child| entry(child, left, depth)).collect::<Result<_, _>>()?)
        }
        Some("file") => None,
        _ => return Err(malformed(format!("{name:?} is neither a file nor a directory"))),
    };
    Ok(FolderEntry { name, children })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, body: body.as_bytes().to_vec() }
    }

    #[test]
    fn a_command_that_may_have_run_is_never_taken_for_one_that_has_not() {
        let ended = command(answer(200, r#"{"error":"","output":"a\n","returncode":3,"status":"success"}"#)).unwrap();
        assert_eq!(ended, CommandOutput { output: "a\n".to_owned(), code: 3, ..CommandOutput::default() });
        let kind_of = |status, message: &str| {
            command(answer(status, &serde_json::json!({"status": "error", "message": message}).to_string()))
                .unwrap_err()
        };
        for message in
            ["[Errno 2] No such file or directory: 'python'", "No closing quotation", "list index out of range"]
        {
            assert!(matches!(kind_of(500, message), MachineErrorKind::Refused { .. }), "{message}");
        }
        assert!(matches!(
            kind_of(500, "Command '['sleep']' timed out after 120 seconds"),
            MachineErrorKind::TimedOut { .. }
        ));
        let kind = kind_of(500, "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte");
        assert!(matches!(&kind, MachineErrorKind::Unanswered { why } if why.contains("codec")), "{kind}");
        for status in [500, 502, 503, 504] {
            for page in ["<!doctype html><title>Bad Gateway</title>", "", "{}"] {
                for kind in [command(answer(status, page)).unwrap_err(), done_body(answer(status, page)).unwrap_err()] {
                    assert!(matches!(kind, MachineErrorKind::Unanswered { .. }), "{status} {page}: {kind}");
                }
            }
        }
        for status in [400, 401, 404, 413] {
            for kind in [command(answer(status, "no")).unwrap_err(), done_body(answer(status, "no")).unwrap_err()] {
                assert!(matches!(kind, MachineErrorKind::Refused { .. }), "{status}: {kind}");
            }
        }
        // A command's own words are in the message, and its end is far behind them.
        let long = format!("Command '['echo', '[Errno 2] {}']' timed out after 120 seconds", "x".repeat(10_000));
        assert!(matches!(kind_of(500, &long), MachineErrorKind::TimedOut { .. }));
        let own = "Command '['echo', '[Errno 2]']' died with <Signals.SIGKILL: 9>.";
        assert!(matches!(kind_of(500, own), MachineErrorKind::Unanswered { .. }));
        let message = r#"{"status":"error","message":"[Errno 2] No such file or directory: 'gedit'"}"#;
        assert!(matches!(done_body(answer(500, message)), Err(MachineErrorKind::Refused { .. })));
        for (status, body) in [(200, "{}"), (200, "<html>"), (200, r#"{"output":"","error":"","returncode":"0"}"#)] {
            assert!(matches!(command(answer(status, body)), Err(MachineErrorKind::Malformed { .. })), "{body}");
        }
    }

    #[test]
    fn what_is_no_picture_is_told_by_its_beginning() {
        let told = |status, body: &str| picture(answer(status, body)).unwrap_err().to_string();
        assert!(told(200, "<html><body>Sign\nin</body>").contains("begins \"<html><body>Sign in</body>\""));
        assert!(told(200, "").contains("is empty"));
        assert!(told(500, r#"{"message":"no display"}"#).contains("no display (status 500)"));
        assert!(told(401, "who are you").contains("http://TOKEN@HOST:PORT"));
        assert!(picture(Answer { status: 200, body: b"\x89PNG\r\n\x1a\n...".to_vec() }).is_ok());
        assert!(picture(Answer { status: 200, body: b"\xff\xd8\xff\xe0".to_vec() }).is_ok());
    }

    #[test]
    fn an_empty_tree_says_what_is_missing() {
        let told = |tree: &str| tree_of(tree).unwrap_err().to_string();
        fn tree_of(text: &str) -> Result<String, MachineErrorKind> {
            tree(answer(200, &serde_json::json!({"AT": text}).to_string()))
        }
        assert!(
            told("<desktop-frame xmlns:st=\"https://accessibility.ubuntu.example.org/ns/state\"/>")
                .contains("IsEnabled")
        );
        assert!(told("nothing").contains("no XML"));
        assert!(tree_of("<desktop-frame><application name=\"a\"/></desktop-frame>").is_ok());
        assert!(tree(answer(200, "{\"AT\": null}")).is_err());
        assert!(tree(answer(500, "pyatspi failed")).unwrap_err().to_string().contains("pyatspi failed"));
    }

    #[test]
    fn sizes_places_and_folders_are_read_or_refused() {
        assert_eq!(size(answer(200, r#"{"height":1080,"width":1920}"#)).unwrap(), Size { width: 1920, height: 1080 });
        for wrong in [r#"{"height":0,"width":1}"#, r#"{"height":-1,"width":1}"#, "[]", r#"{"height":99999,"width":1}"#]
        {
            assert!(size(answer(200, wrong)).is_err(), "{wrong}");
        }
        assert_eq!(place(answer(200, "[3, -4]")).unwrap(), (3, -4));
        assert!(place(answer(200, "[3]")).is_err());
        let listing = r#"{"directory_tree":{"children":[{"name":"a","type":"file"},{"children":[],"name":"b","type":"directory"}],"name":"x","type":"directory"}}"#;
        let found = folder(answer(200, listing), 10).unwrap().unwrap();
        assert_eq!(found.children.as_ref().unwrap().len(), 2);
        assert!(folder(answer(200, listing), 2).is_err());
        assert!(folder(answer(400, r#"{"error":"no"}"#), 10).unwrap().is_none());
        let deep = format!("{}{}", "{\"name\":\"a\",\"type\":\"directory\",\"children\":[".repeat(40), "]}".repeat(40));
        assert!(folder(answer(200, &format!("{{\"directory_tree\":{deep}}}")), 100).is_ok());
        assert_eq!(terminal(answer(200, r#"{"output":null,"status":"success"}"#)).unwrap(), None);
        assert_eq!(terminal(answer(200, r#"{"output":"$ ls","status":"success"}"#)).unwrap().unwrap(), "$ ls");
    }
}
