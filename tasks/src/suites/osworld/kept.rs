//! What is kept of the end of an attempt, in its folder: the task, and each question with its answer. It can be scored again by that
//! alone, also by a later version.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tapwright_agent::journal::private_file;
use tapwright_osworld::output::{FILE_BYTES_MAX, StateFile};
use tapwright_osworld::state::{StateReply, StateRequest, StateSnapshot};
use tapwright_osworld::task::OsworldTask;

/// The folder below the attempt's own.
const FOLDER: &str = "osworld";
const TASK: &str = "task.json";
const STATE: &str = "state.json";
const VERSION: u32 = 1;
/// No file of ours among them is longer.
const JSON_BYTES_MAX: u64 = 256 << 20;

#[derive(Serialize, Deserialize)]
struct KeptState {
    version: u32,
    domain: String,
    answers: Vec<KeptAnswer>,
}

#[derive(Serialize, Deserialize)]
struct KeptAnswer {
    request: StateRequest,
    reply: KeptReply,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum KeptReply {
    /// The file's name for people, and its digest, by which it is called here.
    File {
        name: String,
        sha256: String,
    },
    Missing,
    Text(String),
    Value(Value),
    Command {
        output: String,
        error: String,
    },
    Day {
        year: i32,
        month: u32,
        day: u32,
    },
    Failed {
        why: String,
    },
}

/// Keeps a task and what was asked of its machine.
///
/// # Errors
/// If it cannot be written.
pub fn write(attempt: &Path, task: &OsworldTask, snapshot: &StateSnapshot) -> io::Result<()> {
    let folder = attempt.join(FOLDER);
    fs::create_dir_all(&folder)?;
    let mut answers = Vec::new();
    for (request, reply) in &snapshot.replies {
        let reply = match reply {
            StateReply::File(file) => {
                let sha256 = hex::encode(Sha256::digest(&file.bytes));
                let at = folder.join(&sha256);
                if !at.exists() {
                    io::Write::write_all(&mut private_file(&at)?, &file.bytes)?;
                }
                KeptReply::File { name: file.name.clone(), sha256 }
            }
            StateReply::Missing => KeptReply::Missing,
            StateReply::Text(text) => KeptReply::Text(text.clone()),
            StateReply::Value(value) => KeptReply::Value(value.clone()),
            StateReply::Command { output, error } => {
                KeptReply::Command { output: output.clone(), error: error.clone() }
            }
            StateReply::Day { year, month, day } => KeptReply::Day { year: *year, month: *month, day: *day },
            StateReply::Failed { why } => KeptReply::Failed { why: why.clone() },
        };
        answers.push(KeptAnswer { request: request.clone(), reply });
    }
    let kept = KeptState { version: VERSION, domain: task.domain.clone(), answers };
    for (name, text) in
        [(TASK, serde_json::to_string_pretty(&task.source)?), (STATE, serde_json::to_string_pretty(&kept)?)]
    {
        io::Write::write_all(&mut private_file(&folder.join(name))?, text.as_bytes())?;
    }
    Ok(())
}

/// The task and the answers that were kept of an attempt; `None` if none were.
///
/// # Errors
/// If they cannot be read, or are not what this program writes.
pub fn read(attempt: &Path) -> io::Result<Option<(OsworldTask, StateSnapshot)>> {
    let folder = attempt.join(FOLDER);
    let text = match bounded(&folder.join(STATE), JSON_BYTES_MAX) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        text => text?,
    };
    let kept: KeptState = serde_json::from_slice(&text)?;
    if kept.version > VERSION {
        return Err(io::Error::other(format!("its state is of version {}, which is newer", kept.version)));
    }
    let source = String::from_utf8(bounded(&folder.join(TASK), JSON_BYTES_MAX)?).map_err(io::Error::other)?;
    let id = serde_json::from_str::<Value>(&source)?["id"].as_str().unwrap_or_default().to_owned();
    let task = OsworldTask::read(&format!("{id}.json"), &kept.domain, &source).map_err(|defects| {
        io::Error::other(defects.first().map_or_else(|| "its task cannot be read".to_owned(), ToString::to_string))
    })?;
    let mut snapshot = StateSnapshot::default();
    for KeptAnswer { request, reply } in kept.answers {
        let reply = match reply {
            KeptReply::File { name, sha256 } => {
                // A name of ours, and no path of somebody's.
                if sha256.len() != 64 || !sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                    return Err(io::Error::other("a file of its state has no digest"));
                }
                let content = bounded(&folder.join(&sha256), FILE_BYTES_MAX as u64 + 1)?;
                if hex::encode(Sha256::digest(&content)) != sha256 {
                    return Err(io::Error::other(format!("the file {name} of its state was changed")));
                }
                StateReply::File(StateFile::new(name, content))
            }
            KeptReply::Missing => StateReply::Missing,
            KeptReply::Text(text) => StateReply::Text(text),
            KeptReply::Value(value) => StateReply::Value(value),
            KeptReply::Command { output, error } => StateReply::Command { output, error },
            KeptReply::Day { year, month, day } => StateReply::Day { year, month, day },
            KeptReply::Failed { why } => StateReply::Failed { why },
        };
        snapshot.replies.insert(request, reply);
    }
    Ok(Some((task, snapshot)))
}

fn bounded(at: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    // A link could lead to a file of the user's own.
    if !fs::symlink_metadata(at)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"));
    }
    let mut content = Vec::new();
    fs::File::open(at)?.take(bytes_max + 1).read_to_end(&mut content)?;
    match content.len() as u64 > bytes_max {
        true => Err(io::Error::other(format!("it is longer than {bytes_max} bytes"))),
        false => Ok(content),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = r#"{"id": "a", "instruction": "x", "evaluator": {"func": "exact_match",
        "result": {"type": "vm_command_line", "command": "echo"}, "expected": {"type": "rule", "rules": {"expected": "1"}}}}"#;

    #[test]
    fn what_is_kept_is_read_back() {
        let attempt = tempfile::tempdir().unwrap();
        assert!(read(attempt.path()).unwrap().is_none());
        let task = OsworldTask::read("a.json", "os", SOURCE).unwrap();
        let mut snapshot = StateSnapshot::default();
        let mut put = |path: &str, reply| snapshot.replies.insert(StateRequest::File { path: path.to_owned() }, reply);
        put("a", StateReply::File(StateFile::new("a", *b"content")));
        put("b", StateReply::Missing);
        put("c", StateReply::Text("text".to_owned()));
        put("d", StateReply::Value(serde_json::json!([1, null])));
        put("e", StateReply::Command { output: "o".to_owned(), error: "e".to_owned() });
        put("f", StateReply::Day { year: 2026, month: 2, day: 1 });
        put("g", StateReply::Failed { why: "why".to_owned() });
        write(attempt.path(), &task, &snapshot).unwrap();
        let (again, read_back) = read(attempt.path()).unwrap().unwrap();
        assert_eq!((again.digest, read_back), (task.digest, snapshot));
        let name = hex::encode(Sha256::digest(b"content"));
        fs::write(attempt.path().join(FOLDER).join(name), "other").unwrap();
        assert!(read(attempt.path()).unwrap_err().to_string().contains("was changed"));
    }
}
