//! What OSWorld's control server can do, as a trait: commands, files, windows, and what the desktop tells of itself.
//!
//! The words of the wire are not here: whoever speaks HTTP to such a server, or answers as one, translates from and to this.

use std::time::Duration;

use async_trait::async_trait;
use tapwright_contract::Size;

/// No file is read or written that has more bytes. Evaluators refuse larger ones too.
pub const FILE_BYTES_MAX: u64 = 64 << 20;
/// No more of what a command writes is kept, for each of its two outputs; what comes after that is read and thrown away.
pub const OUTPUT_BYTES_MAX: usize = 8 << 20;
/// No accessibility tree is longer.
pub const TREE_BYTES_MAX: usize = 64 << 20;
/// No folder's listing has more entries.
pub const FOLDER_ENTRIES_MAX: usize = 100_000;
/// How long a command may take if nobody says it, as upstream's server has it.
pub const COMMAND_TIME: Duration = Duration::from_secs(120);

/// A machine that is set up, looked at and asked for its state from behind its screen.
///
/// All methods take `&self`: a command that takes minutes must not keep anybody from taking a picture meanwhile.
/// `within` bounds how long each may take.
#[async_trait]
pub trait ControlledMachine: Send + Sync {
    /// What it is called in errors and records.
    fn name(&self) -> &str;

    /// Runs a command in the user's home and waits for its end, not for programs that it leaves behind. An end that is not 0 is no
    /// error.
    ///
    /// # Errors
    /// `Refused` if it cannot be started, `TimedOut` if it has not ended by then (it is killed, where that can be done).
    async fn execute(&self, command: &MachineCommand, within: Duration) -> Result<CommandOutput, MachineError>;

    /// Starts a program and does not wait for it.
    ///
    /// # Errors
    /// `Refused` if there is no such program.
    async fn launch(&self, command: &MachineCommand, within: Duration) -> Result<(), MachineError>;

    /// A file's content; `None` if it is not there. `~` and `$NAME` stand for what they do in a shell.
    ///
    /// # Errors
    /// `TooLarge` if it has more than [`FILE_BYTES_MAX`].
    async fn read_file(&self, path: &str, within: Duration) -> Result<Option<Vec<u8>>, MachineError>;

    /// Writes a file, with the folders that it lies in.
    ///
    /// # Errors
    /// `Refused` if it cannot be written.
    async fn write_file(&self, path: &str, content: &[u8], within: Duration) -> Result<(), MachineError>;

    /// Opens a file with the program that is for it, and waits until a window has its name in the title.
    ///
    /// # Errors
    /// `Refused` if the file is not there or nothing opens it, `TimedOut` if no such window came.
    async fn open_file(&self, path: &str, within: Duration) -> Result<(), MachineError>;

    /// Brings a window to the front; `false` if there is none of that name.
    async fn activate_window(&self, window: &WindowName, within: Duration) -> Result<bool, MachineError>;

    /// Closes a window as its own button would; `false` if there is none of that name.
    async fn close_window(&self, window: &WindowName, within: Duration) -> Result<bool, MachineError>;

    /// The titles and classes of all windows, the uppermost first.
    async fn windows(&self, within: Duration) -> Result<Vec<MachineWindow>, MachineError>;

    /// All programs' widgets as the XML that upstream's server writes: `<desktop-frame …>`.
    ///
    /// # Errors
    /// `TooLarge` if it has more than [`TREE_BYTES_MAX`].
    async fn accessibility_tree(&self, within: Duration) -> Result<String, MachineError>;

    /// The screen with the pointer, as PNG or JPEG.
    async fn screenshot(&self, within: Duration) -> Result<Vec<u8>, MachineError>;

    /// What the terminal in front shows; `None` if there is none.
    async fn terminal_output(&self, within: Duration) -> Result<Option<String>, MachineError>;

    async fn screen_size(&self, within: Duration) -> Result<Size, MachineError>;

    /// Where the pointer is, in pixels of the screen.
    async fn cursor_position(&self, within: Duration) -> Result<(i32, i32), MachineError>;

    /// The size of the window of an app, by its class (`WM_CLASS`); `None` if it has none.
    async fn window_size(&self, app_class: &str, within: Duration) -> Result<Option<Size>, MachineError>;

    /// Where the user's desktop folder is.
    async fn desktop_folder(&self, within: Duration) -> Result<String, MachineError>;

    /// A folder with all that is in it; `None` if it is not there.
    ///
    /// # Errors
    /// `TooLarge` if it has more than [`FOLDER_ENTRIES_MAX`].
    async fn list_folder(&self, path: &str, within: Duration) -> Result<Option<FolderEntry>, MachineError>;

    /// The picture behind the windows; `None` if there is none.
    async fn wallpaper(&self, within: Duration) -> Result<Option<Vec<u8>>, MachineError>;

    /// Puts a picture behind the windows; `false` if there is no such file.
    ///
    /// # Errors
    /// `Refused` if it is no picture.
    async fn set_wallpaper(&self, path: &str, within: Duration) -> Result<bool, MachineError>;

    /// `HOST:PORT`, as reached from here, of a service that set-up has started on the machine.
    ///
    /// # Errors
    /// `Unreachable` if it is not there, or not yet.
    async fn service(&self, service: MachineService, within: Duration) -> Result<String, MachineError>;

    /// The operating system, as Python's `platform.system()` calls it.
    fn platform(&self) -> &'static str {
        "Linux"
    }

    /// The processor, as Python's `platform.machine()` calls it: evaluators look for another browser on ARM.
    fn processor(&self) -> &'static str {
        std::env::consts::ARCH
    }
}

/// What is run on a machine, in the form in which somebody said it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineCommand {
    pub words: CommandWords,
    /// Whether a shell reads it.
    pub shell: bool,
}

/// A command's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandWords {
    /// A line for the shell; without a shell it is split as one would.
    Text(String),
    /// The program, and what it takes.
    List(Vec<String>),
}

/// How a command has ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandOutput {
    pub output: String,
    pub error: String,
    /// What it returned; -N if signal N has ended it, as Python says it.
    pub code: i32,
    /// Whether it wrote more than [`OUTPUT_BYTES_MAX`], which is not in here.
    pub is_cut: bool,
}

/// Which window is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowName {
    pub name: String,
    /// Whether its title is the name; else the name is a part of it, whatever its capitals.
    pub is_whole: bool,
    /// Whether the name is of its class and not of its title.
    pub by_class: bool,
}

/// A window that is there. Both texts are a program's own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineWindow {
    pub title: String,
    /// As `wmctrl -x` writes it: `INSTANCE.CLASS`.
    pub class: String,
    pub is_active: bool,
}

/// What lies in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderEntry {
    pub name: String,
    /// `None` of a file.
    pub children: Option<Vec<FolderEntry>>,
}

/// What listens on a machine once set-up has started it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MachineService {
    /// Chrome's debugging port.
    Browser,
    /// The status page of VLC.
    Vlc,
}

/// A machine did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error("{machine}: cannot {operation}: {kind}")]
pub struct MachineError {
    pub machine: String,
    /// As it goes on after "cannot": "read a file".
    pub operation: String,
    pub kind: MachineErrorKind,
}

#[derive(Debug, thiserror::Error)]
pub enum MachineErrorKind {
    /// It is not there: nothing was done.
    #[error("it cannot be reached: {why}")]
    Unreachable { why: String },
    /// It may have been done, or not: the connection was lost before the answer.
    #[error("no answer came, so it may have been done: {why}")]
    Unanswered { why: String },
    #[error("it took too long: {why}")]
    TimedOut { why: String },
    /// The machine says no, in its own words.
    #[error("{why}")]
    Refused { why: String },
    /// The answer is not what such a machine says.
    #[error("the answer cannot be read: {why}")]
    Malformed { why: String },
    #[error("it is larger than {bytes_max} bytes")]
    TooLarge { bytes_max: u64 },
    /// This machine has not what it takes.
    #[error("{needs} is not on this machine")]
    Unsupported { needs: String },
}

impl MachineErrorKind {
    /// Whether the same may go well if it is done again, without harm.
    pub fn is_retryable(&self) -> bool {
        match self {
            MachineErrorKind::Unreachable { .. } => true,
            MachineErrorKind::Unanswered { .. }
            | MachineErrorKind::TimedOut { .. }
            | MachineErrorKind::Refused { .. }
            | MachineErrorKind::Malformed { .. }
            | MachineErrorKind::TooLarge { .. }
            | MachineErrorKind::Unsupported { .. } => false,
        }
    }
}

impl MachineCommand {
    /// A program, and what it takes.
    pub fn program(words: impl IntoIterator<Item = impl Into<String>>) -> MachineCommand {
        MachineCommand { words: CommandWords::List(words.into_iter().map(Into::into).collect()), shell: false }
    }

    /// A line for the shell.
    pub fn shell(line: impl Into<String>) -> MachineCommand {
        MachineCommand { words: CommandWords::Text(line.into()), shell: true }
    }

    /// The words that are started on a machine whose home is this, by the rules of upstream's server: a text without a shell is
    /// split, `~/` at the beginning of a word is the home, and a shell gets a list as its line and that line's arguments.
    ///
    /// # Errors
    /// If there is no word, or a quote is not closed.
    pub fn resolved(&self, home: &str) -> Result<Vec<String>, String> {
        let words = match (&self.words, self.shell) {
            (CommandWords::Text(line), true) => return Ok(shell_line(vec![line.clone()])),
            (CommandWords::Text(line), false) => split(line)?,
            (CommandWords::List(words), _) => words.clone(),
        };
        let words: Vec<String> = words
            .into_iter()
            .map(|word| match word.strip_prefix("~/") {
                Some(rest) => format!("{home}/{rest}"),
                None => word,
            })
            .collect();
        match (words.first(), self.shell) {
            (None, _) => Err("the command is empty".to_owned()),
            (Some(program), false) if program.is_empty() => Err("the command is empty".to_owned()),
            (Some(_), false) => Ok(words),
            (Some(_), true) => Ok(shell_line(words)),
        }
    }
}

fn shell_line(words: Vec<String>) -> Vec<String> {
    ["/bin/sh", "-c"].into_iter().map(str::to_owned).chain(words).collect()
}

/// A line's words, as Python's `shlex.split` has them.
fn split(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next().ok_or("a quote is not closed")? {
                        '\'' => break,
                        letter => word.push(letter),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next().ok_or("a quote is not closed")? {
                        '"' => break,
                        '\\' => match letters.next().ok_or("a quote is not closed")? {
                            letter @ ('"' | '\\') => word.push(letter),
                            letter => word.extend(['\\', letter]),
                        },
                        letter => word.push(letter),
                    }
                }
            }
            '\\' => word.get_or_insert_default().push(letters.next().ok_or("a backslash stands at the end")?),
            letter => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    Ok(words)
}

impl WindowName {
    /// Whether a window is meant, as `wmctrl` decides it.
    pub fn is_of(&self, window: &MachineWindow) -> bool {
        let text = if self.by_class { &window.class } else { &window.title };
        match self.is_whole {
            true => *text == self.name,
            false => text.to_lowercase().contains(&self.name.to_lowercase()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_read_as_upstreams_server_reads_it() {
        let text = |line: &str, shell| MachineCommand { words: CommandWords::Text(line.to_owned()), shell };
        for (line, words) in [
            ("ls  -l\t~/a ~", &["ls", "-l", "/home/user/a", "~"][..]),
            (r#"a 'b c' "d \"e\" \n" f\ g """#, &["a", "b c", r#"d "e" \n"#, "f g", ""]),
            ("mkdir 'a'b\"c\"", &["mkdir", "abc"]),
        ] {
            assert_eq!(text(line, false).resolved("/home/user").unwrap(), words, "{line}");
        }
        for line in ["", "  ", "a 'b", "a \"b", "a \\", "''"] {
            assert!(text(line, false).resolved("/home/user").is_err(), "{line:?}");
        }
        assert_eq!(text("cd ~/a; ls 'b", true).resolved("/h").unwrap(), ["/bin/sh", "-c", "cd ~/a; ls 'b"]);
        let list = MachineCommand::program(["a b", "~/c", "c'"]);
        assert_eq!(list.resolved("/h").unwrap(), ["a b", "/h/c", "c'"]);
        let list = MachineCommand { shell: true, ..MachineCommand::program(["echo $0", "x"]) };
        assert_eq!(list.resolved("/h").unwrap(), ["/bin/sh", "-c", "echo $0", "x"]);
    }

    #[test]
    fn a_window_is_found_as_wmctrl_finds_it() {
        let window = MachineWindow {
            title: "a.txt - Mousepad".to_owned(),
            class: "mousepad.Mousepad".to_owned(),
            is_active: true,
        };
        let name = |name: &str, is_whole, by_class| WindowName { name: name.to_owned(), is_whole, by_class };
        for (name, is_of) in [
            (name("mousepad", false, false), true),
            (name("A.TXT", false, false), true),
            (name("mousepad", true, false), false),
            (name("a.txt - Mousepad", true, false), true),
            (name("mousepad.Mousepad", true, true), true),
            (name("a.txt", false, true), false),
        ] {
            assert_eq!(name.is_of(&window), is_of, "{name:?}");
        }
    }
}
