//! What getters ask for, and what they make of the replies.

mod calendar;
mod chrome;
mod page;
mod slide;

use serde_json::{Map, Value, json};

use crate::database;
use crate::error::EvaluatorErrorKind as Kind;
use crate::output::{GetterOutput, StateFile};
use crate::python::value::is_true;
use crate::state::{StateReply, StateRequest, StateSnapshot};
use crate::task::Getter;

/// Why a getter has no output yet, or never will.
#[derive(Debug)]
pub enum Unresolved {
    /// These have to be asked first.
    Needs(Vec<StateRequest>),
    /// Upstream's raises `FileNotFoundError`, which some tasks go on after.
    FileNotFound,
    Failed(Kind),
}

impl From<Kind> for Unresolved {
    fn from(kind: Kind) -> Unresolved {
        Unresolved::Failed(kind)
    }
}

type Output = Result<GetterOutput, Unresolved>;

/// A getter at work on what is known so far.
struct Resolution<'a> {
    getter: &'a Getter,
    snapshot: &'a StateSnapshot,
}

/// The output of a getter, as far as a snapshot has what it takes.
///
/// # Errors
/// What is still to be asked, or why there is no output.
pub fn resolve(getter: &Getter, snapshot: &StateSnapshot) -> Output {
    let at = Resolution { getter, snapshot };
    match getter.name {
        "rule" => Ok(GetterOutput::Value(at.parameter("rules")?.clone())),
        "rule_relativeTime" => calendar::relative_time(&at),
        "vm_file" => at.files(|path| StateRequest::File { path: path.to_owned() }, true),
        "cloud_file" => at.files(|path| StateRequest::Download { url: path.to_owned() }, false),
        "cache_file" => at.cache_file(),
        "vm_command_line" => at.command(false),
        "vm_command_error" => at.command(true),
        "vm_terminal_output" => at.plain(StateRequest::TerminalOutput),
        "accessibility_tree" => at.plain(StateRequest::AccessibilityTree),
        "vm_screen_size" => at.plain(StateRequest::ScreenSize),
        "vm_window_size" => at.plain(StateRequest::WindowSize { app_class: at.text("app_class_name")?.to_owned() }),
        "list_directory" => at.plain(StateRequest::Folder { path: at.text("path")?.to_owned() }),
        "vm_wallpaper" => at.wallpaper(),
        "vlc_config" => at.settings_file("~/.config/vlc/vlcrc"),
        "vlc_playing_info" => at.file(StateRequest::VlcStatus),
        "gimp_config_file" => {
            let path = format!("~/.config/GIMP/2.10/{}", at.text("file_name")?);
            // What is empty counts as not there.
            Ok(match at.file(StateRequest::File { path })? {
                GetterOutput::File(file) if file.bytes.is_empty() => GetterOutput::nothing(),
                output => output,
            })
        }
        "vscode_config" => {
            at.reply(StateRequest::VscodeCommand { command: at.text("vscode_extension_command")?.to_owned() })?;
            at.file(StateRequest::File { path: at.text("path")?.to_owned() })
        }
        "default_video_player" => at.default_video_player(),
        "open_tabs_info" => at.plain(StateRequest::Tabs),
        "page_info" => at.plain(StateRequest::Page { url: at.text("url")?.to_owned() }),
        "active_tab_info" => page::active_tab_info(&at),
        "active_tab_html_parse" => page::active_tab_html_parse(&at),
        "audio_in_slide" => slide::audio(&at),
        "background_image_in_slide" => slide::background(&at),
        "cookie_data" => at.rows(chrome::profile_file("Cookies"), "SELECT * FROM cookies"),
        "history" => at.rows(chrome::profile_file("History"), "SELECT url, title, last_visit_time FROM urls"),
        _ => chrome::resolve(&at),
    }
}

impl Resolution<'_> {
    fn parameter(&self, key: &str) -> Result<&Value, Kind> {
        let value = self.getter.parameters.get(key);
        value.ok_or_else(|| Kind::rule(format!("the getter {} has no `{key}`", self.getter.name)))
    }

    fn text(&self, key: &str) -> Result<&str, Kind> {
        let text = self.parameter(key)?.as_str();
        text.ok_or_else(|| Kind::rule(format!("`{key}` of the getter {} is no text", self.getter.name)))
    }

    fn flag(&self, key: &str) -> bool {
        self.getter.parameters.get(key).is_some_and(is_true)
    }

    fn reply(&self, request: StateRequest) -> Result<&StateReply, Unresolved> {
        match self.snapshot.replies.get(&request) {
            None => Err(Unresolved::Needs(vec![request])),
            Some(StateReply::Failed { why }) => Err(Kind::Fetch { why: why.clone() }.into()),
            Some(reply) => Ok(reply),
        }
    }

    /// A reply as the value that upstream's getter gives.
    fn plain(&self, request: StateRequest) -> Output {
        Ok(GetterOutput::Value(match self.reply(request)? {
            StateReply::Missing => Value::Null,
            StateReply::Text(text) => Value::String(text.clone()),
            StateReply::Value(value) => value.clone(),
            _ => return Err(self.unexpected().into()),
        }))
    }

    /// A reply as it comes: a value, or a file under the name that the task keeps it by.
    fn plain_or_file(&self, request: StateRequest) -> Output {
        match self.reply(request.clone())? {
            StateReply::File(file) => Ok(GetterOutput::File(self.named(file, 0))),
            _ => self.plain(request),
        }
    }

    fn unexpected(&self) -> Kind {
        Kind::Fetch { why: format!("the reply for the getter {} is of another kind", self.getter.name) }
    }

    fn file(&self, request: StateRequest) -> Output {
        match self.reply(request)? {
            StateReply::File(file) => Ok(GetterOutput::File(file.clone())),
            StateReply::Missing => Ok(GetterOutput::nothing()),
            _ => Err(self.unexpected().into()),
        }
    }

    /// A file that upstream's getter writes without asking whether it came, which raises.
    fn settings_file(&self, path: &str) -> Output {
        match self.file(StateRequest::File { path: path.to_owned() })? {
            GetterOutput::Value(_) => Err(Kind::output(format!("{path} is not there")).into()),
            output => Ok(output),
        }
    }

    fn cache_file(&self) -> Output {
        let path = self.text("path")?.to_owned();
        match self.file(StateRequest::CacheFile { path: path.clone() })? {
            GetterOutput::Value(_) => Err(Kind::output(format!("set-up left no file {path:?} in the cache")).into()),
            output => Ok(output),
        }
    }

    /// One file or, with `multi`, several, of which `gives` says which go to the function.
    fn files(&self, request: impl Fn(&str) -> StateRequest, may_miss: bool) -> Output {
        let paths: Vec<&str> = match (self.parameter("path")?, self.flag("multi")) {
            (Value::String(path), false) => vec![path],
            (Value::Array(paths), true) => paths.iter().filter_map(Value::as_str).collect(),
            _ => return Err(Kind::rule("`multi` and the form of `path` do not fit each other").into()),
        };
        // Without `gives` the first is given, however many are fetched.
        let gives: Vec<usize> = match self.getter.parameters.get("gives").and_then(Value::as_array) {
            Some(gives) => {
                gives.iter().filter_map(Value::as_u64).filter_map(|index| usize::try_from(index).ok()).collect()
            }
            None => vec![0],
        };
        let wanted: Vec<StateRequest> = paths.iter().map(|path| request(path)).collect();
        let missing: Vec<StateRequest> =
            wanted.iter().filter(|request| !self.snapshot.replies.contains_key(request)).cloned().collect();
        if !missing.is_empty() {
            return Err(Unresolved::Needs(missing));
        }
        let mut fetched: Vec<Option<StateFile>> = Vec::new();
        for (at, request) in wanted.into_iter().enumerate() {
            fetched.push(match self.reply(request)? {
                StateReply::File(file) => Some(self.named(file, at)),
                StateReply::Missing if may_miss => None,
                StateReply::Missing => {
                    return Err(Kind::Fetch { why: "a file of the task is not there".to_owned() }.into());
                }
                _ => return Err(self.unexpected().into()),
            });
        }
        // What is fetched and not given lies beside what is given: prints of sheets do.
        let beside: Vec<StateFile> = fetched.iter().flatten().cloned().collect();
        let given = fetched.into_iter().enumerate().filter(|(at, _)| gives.contains(at)).map(|(_, file)| file);
        let mut files: Vec<Option<StateFile>> = given.collect();
        if beside.len() > files.len() {
            for file in files.iter_mut().flatten() {
                file.beside.clone_from(&beside);
            }
        }
        Ok(if files.len() == 1 {
            files.pop().flatten().map_or_else(GetterOutput::nothing, GetterOutput::File)
        } else {
            GetterOutput::Files(files)
        })
    }

    /// A file under the name that the task keeps it by.
    fn named(&self, file: &StateFile, at: usize) -> StateFile {
        let name = match self.getter.parameters.get("dest") {
            Some(Value::String(name)) => Some(name.as_str()),
            Some(Value::Array(names)) => names.get(at).and_then(Value::as_str),
            _ => None,
        };
        StateFile { name: name.unwrap_or(&file.name).to_owned(), ..file.clone() }
    }

    fn command(&self, wants_error: bool) -> Output {
        let (command, is_text) = match self.parameter("command")? {
            Value::String(command) => (vec![command.clone()], true),
            Value::Array(words) => (words.iter().filter_map(Value::as_str).map(str::to_owned).collect(), false),
            _ => return Err(Kind::rule("`command` is neither a text nor a list").into()),
        };
        match self.reply(StateRequest::Command { command, is_text, shell: self.flag("shell") })? {
            StateReply::Command { output, error } => {
                Ok(GetterOutput::Value(Value::String(if wants_error { error.clone() } else { output.clone() })))
            }
            // The server could not run it: nothing was said.
            StateReply::Missing => Ok(GetterOutput::nothing()),
            _ => Err(self.unexpected().into()),
        }
    }

    /// What cannot be had is an empty file here.
    fn wallpaper(&self) -> Output {
        Ok(GetterOutput::File(match self.reply(StateRequest::Wallpaper)? {
            StateReply::File(file) => file.clone(),
            StateReply::Missing => StateFile::new("wallpaper", Vec::new()),
            _ => return Err(self.unexpected().into()),
        }))
    }

    /// Rows of a database; one that cannot be read is nothing, which the functions then raise for.
    fn rows(&self, path: String, sql: &str) -> Output {
        Ok(match self.file(StateRequest::File { path: path.clone() })? {
            GetterOutput::File(file) => GetterOutput::Value(database::rows(&file.name, file.bounded()?, sql)?),
            output => output,
        })
    }

    /// The program that opens most kinds of film.
    fn default_video_player(&self) -> Output {
        let request = |kind: &str| StateRequest::Command {
            command: ["xdg-mime", "query", "default", &format!("video/{kind}")].map(str::to_owned).to_vec(),
            is_text: false,
            shell: false,
        };
        let requests: Vec<StateRequest> = VIDEO_KINDS.split(' ').map(request).collect();
        let missing: Vec<StateRequest> =
            requests.iter().filter(|request| !self.snapshot.replies.contains_key(request)).cloned().collect();
        if !missing.is_empty() {
            return Err(Unresolved::Needs(missing));
        }
        let mut counts: Vec<(&str, usize)> = Vec::new();
        for (request, kind) in requests.into_iter().zip(VIDEO_KINDS.split(' ')) {
            let StateReply::Command { output, .. } = self.reply(request)? else { continue };
            if output.is_empty() {
                continue;
            }
            // Upstream asks for most of them twice.
            let times = if VIDEO_KINDS_ONCE.contains(&kind) { 1 } else { 2 };
            match counts.iter_mut().find(|(app, _)| app == output) {
                Some((_, count)) => *count += times,
                None => counts.push((output, times)),
            }
        }
        let most = counts.iter().map(|(_, count)| *count).max();
        let first = counts.iter().find(|(_, count)| Some(*count) == most);
        Ok(GetterOutput::Value(json!(first.map_or("unknown", |(app, _)| app))))
    }

    fn parameters(&self) -> &Map<String, Value> {
        &self.getter.parameters
    }
}

const VIDEO_KINDS: &str = "3gp 3gpp 3gpp2 avi divx dv fli flv mp2t mp4 mp4v-es mpeg mpeg-system msvideo ogg quicktime vnd.divx \
    vnd.mpegurl vnd.rn-realvideo webm x-anim x-avi x-flc x-fli x-flv x-m4v x-matroska x-mpeg x-mpeg-system x-mpeg2 x-ms-asf \
    x-ms-asf-plugin x-ms-asx x-ms-wm x-ms-wmv x-ms-wmx x-ms-wvx x-msvideo x-nsv x-ogm x-ogm+ogg x-theora x-theora+ogg";

const VIDEO_KINDS_ONCE: [&str; 1] = ["x-ogm+ogg"];
