//! A server that is a program: a message a line on its standard input and output.
//!
//! It gets no variables but those that were named, starts in nobody's folder, and ends with the run: with all of its process group,
//! also when this program is killed.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::message::{self, Incoming};
use super::{Fault, MESSAGE_BYTES_MAX, late};
use crate::apis::described::one_line;

/// Where programs start: a folder that nobody puts something into for them to find.
const OWN_FOLDER: &str = "/";
/// How many messages wait for a server that does not read.
const WAITING_MAX: usize = 32;
/// How many messages may come in a row of which none is an answer.
const UNASKED_MAX: u32 = 20_000;
/// How much of one line is read and thrown away before the server is ended.
const LINE_BYTES_MAX: usize = 256 << 20;
/// What is kept of its complaints.
const COMPLAINT_BYTES_MAX: usize = 2000;
/// How much of one is told.
const COMPLAINT_CHARS_MAX: usize = 200;
/// How long it may take to end by itself once its input is closed.
const END: Duration = Duration::from_secs(1);
/// How long one that has closed its output may take until it is a program that has ended.
const LAST_BREATH: Duration = Duration::from_millis(300);
const PAUSE: Duration = Duration::from_millis(20);

/// Ends a process group when the other end of its standard input is closed, however that comes about.
#[cfg(unix)]
const KEEPER: &str = "trap '' HUP INT TERM
read -r _
tries=0
while [ \"$tries\" -lt 20 ] && kill -s 0 -- \"-$1\" 2>/dev/null; do
    tries=$((tries + 1))
    sleep 0.1
done
kill -s KILL -- \"-$1\" 2>/dev/null";

/// A server that runs.
pub struct StdioLink {
    shared: Arc<Shared>,
    lines: Mutex<Option<mpsc::Sender<String>>>,
    serving: Mutex<Option<JoinHandle<()>>>,
}

/// What those know who write, read and wait.
pub struct Shared {
    state: Mutex<State>,
    /// Told when the server says that its tools are others now.
    changed: Arc<Notify>,
}

#[derive(Default)]
struct State {
    next: u64,
    pending: BTreeMap<u64, oneshot::Sender<Result<Value, Fault>>>,
    ended: Option<String>,
    unasked: u32,
    /// The first thing on its output that was no message.
    rubbish: Option<String>,
    /// The end of what it has complained about.
    complaint: VecDeque<u8>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers all who wait.
    fn fail_all(&self, why: &str) {
        let pending = std::mem::take(&mut self.state().pending);
        for (_, waiting) in pending {
            let _ = waiting.send(Err(Fault::Lost(why.to_owned())));
        }
    }

    fn end(&self, why: String) {
        self.state().ended.get_or_insert(why.clone());
        self.fail_all(&why);
    }

    /// Takes a message; says whether too many came that nobody asked for.
    fn take(&self, incoming: Incoming, bytes: &[u8], replies: &mpsc::WeakSender<String>) -> bool {
        let mut state = self.state();
        state.unasked += 1;
        match incoming {
            Incoming::Answer { id, result } => {
                if let Some(waiting) = state.pending.remove(&id) {
                    state.unasked = 0;
                    let _ = waiting.send(result);
                }
            }
            Incoming::Request { id, method } => {
                // A server that asks and does not read is not waited for.
                if let Some(replies) = replies.upgrade() {
                    let _ = replies.try_send(message::answer(&id, &method));
                }
            }
            Incoming::Notice { method } if method == super::LIST_CHANGED => self.changed.notify_one(),
            Incoming::Notice { .. } => {}
            Incoming::Rubbish => {
                if !bytes.trim_ascii().is_empty() && state.rubbish.is_none() {
                    state.rubbish = Some(one_line(&String::from_utf8_lossy(bytes), COMPLAINT_CHARS_MAX));
                }
            }
        }
        state.unasked > UNASKED_MAX
    }
}

impl State {
    /// What may explain why it did not do what it should.
    fn hints(&self) -> String {
        let complaint: Vec<u8> = self.complaint.iter().copied().collect();
        let complaint = String::from_utf8_lossy(&complaint);
        let last = complaint.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
        let mut hints = String::new();
        if !last.is_empty() {
            hints += &format!(": {}", one_line(last, COMPLAINT_CHARS_MAX));
        }
        if let Some(rubbish) = &self.rubbish {
            hints += &format!("; it writes to its standard output what is no message: {rubbish:?}");
        }
        hints
    }
}

impl StdioLink {
    /// Starts a program.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(argv: &[String], env: &BTreeMap<String, String>, changed: Arc<Notify>) -> io::Result<StdioLink> {
        let mut command = Command::new(argv.first().map_or("", String::as_str));
        command.args(argv.iter().skip(1)).env_clear().envs(env).current_dir(OWN_FOLDER).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn()?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let family = Family { keeper: keeper(&child), child };
        let (Some(stdin), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) else {
            return Err(io::Error::other("it has no pipes"));
        };
        let shared = Arc::new(Shared { state: Mutex::default(), changed });
        let (lines, waiting) = mpsc::channel(WAITING_MAX);
        let replies = lines.downgrade();
        let told = shared.clone();
        let serving = tokio::spawn(async move {
            let reading = read(BufReader::with_capacity(64 << 10, stdout), &told, &replies);
            serve(family, reading, write(stdin, waiting), complain(stderr, &told), &told).await;
        });
        Ok(StdioLink { shared, lines: Mutex::new(Some(lines)), serving: Mutex::new(Some(serving)) })
    }

    /// Why it is over, if it is.
    pub fn end_reason(&self) -> Option<String> {
        self.shared.state().ended.clone()
    }

    pub async fn request(&self, method: &str, params: &Value, within: Duration) -> Result<Value, Fault> {
        let (answer, answered) = oneshot::channel();
        let (id, lines) = {
            let lines = self.sender();
            let mut state = self.shared.state();
            let (None, Some(lines)) = (&state.ended, lines) else {
                return Err(Fault::NotSent(state.ended.clone().unwrap_or_else(|| "it was ended".to_owned())));
            };
            state.next += 1;
            let id = state.next;
            state.pending.insert(id, answer);
            (id, lines)
        };
        let mut waiting = Waiting { link: self, id, is_sent: false };
        let work = async {
            let line = message::request(id, method, params);
            if lines.send(line).await.is_err() {
                return Err(Fault::NotSent(self.end_reason().unwrap_or_else(|| "it was ended".to_owned())));
            }
            waiting.is_sent = true;
            answered.await.unwrap_or_else(|_| Err(Fault::Lost("it has ended".to_owned())))
        };
        let result = timeout(within, work).await;
        if let Ok(result) = result {
            waiting.is_sent = false;
            return result;
        }
        let why = format!("{}{}", late(within), self.shared.state().hints());
        Err(if waiting.is_sent { Fault::Lost(why) } else { Fault::NotSent(why) })
    }

    pub fn notice(&self, method: &str, params: &Value) {
        if let Some(lines) = self.sender() {
            let _ = lines.try_send(message::notice(method, params));
        }
    }

    fn sender(&self) -> Option<mpsc::Sender<String>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends it, and waits until it has ended.
    pub async fn close(&self) {
        // Its input ends with this, and a server that is well made ends with its input.
        drop(self.lines.lock().unwrap_or_else(PoisonError::into_inner).take());
        let serving = self.serving.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(serving) = serving {
            let _ = serving.await;
        }
    }
}

impl Drop for StdioLink {
    fn drop(&mut self) {
        if let Some(serving) = self.serving.lock().unwrap_or_else(PoisonError::into_inner).take() {
            serving.abort();
        }
    }
}

/// A request whose answer is waited for. Whoever does not wait any more says so to the server.
struct Waiting<'a> {
    link: &'a StdioLink,
    id: u64,
    is_sent: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.link.shared.state().pending.remove(&self.id);
        if self.is_sent {
            let params = json!({ "requestId": self.id, "reason": "nobody waits for it any more" });
            self.link.notice(super::CANCELLED, &params);
        }
    }
}

/// A server and what ends it with us.
struct Family {
    child: Child,
    keeper: Option<Child>,
}

/// Has a group of processes end when this program does.
fn keeper(child: &Child) -> Option<Child> {
    #[cfg(unix)]
    {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", KEEPER, "keeper"]).arg(child.id()?.to_string()).env_clear().current_dir(OWN_FOLDER);
        command.env("PATH", "/usr/bin:/bin").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let keeper = command.process_group(0).kill_on_drop(true).spawn();
        keeper.inspect_err(|error| tracing::warn!(%error, "an MCP server may outlive this program")).ok()
    }
    #[cfg(not(unix))]
    {
        let _ = child;
        None
    }
}

impl Family {
    /// Waits a little for its end by itself; then all of its group is ended, and it is waited for.
    async fn end(mut self, within: Duration) -> io::Result<ExitStatus> {
        let mut left = within;
        while !self.has_ended() && !left.is_zero() {
            sleep(PAUSE).await;
            left = left.saturating_sub(PAUSE);
        }
        self.kill();
        let status = self.child.wait().await;
        if let Some(keeper) = &mut self.keeper {
            let _ = keeper.kill().await;
        }
        status
    }

    /// Whether the program itself has ended. It keeps its number until it is waited for, so that its group can be ended by it.
    #[cfg(unix)]
    fn has_ended(&self) -> bool {
        use rustix::process::{WaitId, WaitIdOptions, waitid};
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        self.group().is_none_or(|pid| !matches!(waitid(WaitId::Pid(pid), options), Ok(None)))
    }

    #[cfg(not(unix))]
    fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    #[cfg(unix)]
    fn group(&self) -> Option<rustix::process::Pid> {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok());
        id.and_then(rustix::process::Pid::from_raw)
    }

    fn kill(&mut self) {
        #[cfg(unix)]
        if let Some(group) = self.group() {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.child.start_kill();
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        self.kill();
        if let Some(keeper) = &mut self.keeper {
            let _ = keeper.start_kill();
        }
    }
}

/// Runs until the server ends, or nobody wants it any more.
async fn serve(
    family: Family,
    reading: impl Future<Output = String>,
    writing: impl Future<Output = bool>,
    complaining: impl Future<Output = ()>,
    shared: &Shared,
) {
    tokio::pin!(reading, writing, complaining);
    let mut complains = true;
    let why = loop {
        tokio::select! {
            why = &mut reading => break why,
            has_stopped = &mut writing => {
                // What it says now is read, so that it can end.
                let last = timeout(if has_stopped { LAST_BREATH } else { END }, &mut reading).await;
                break match (has_stopped, last) {
                    (true, Ok(why)) => why,
                    (true, Err(_)) => "it does not read what it is sent".to_owned(),
                    (false, _) => "it was ended".to_owned(),
                };
            }
            () = &mut complaining, if complains => complains = false,
        }
    };
    if complains {
        // What it said last is in the pipe already.
        let _ = timeout(PAUSE, &mut complaining).await;
    }
    let status = family.end(LAST_BREATH).await;
    let how = status.map_or_else(|error| error.to_string(), |status| status.to_string());
    let hints = shared.state().hints();
    shared.end(format!("{why} ({how}){hints}"));
}

/// Writes what is sent; says whether the server is what has stopped it.
async fn write(mut to: ChildStdin, mut lines: mpsc::Receiver<String>) -> bool {
    while let Some(mut line) = lines.recv().await {
        line.push('\n');
        if to.write_all(line.as_bytes()).await.is_err() || to.flush().await.is_err() {
            return true;
        }
    }
    false
}

/// Reads messages until there are no more, and says why.
async fn read(mut from: impl AsyncBufRead + Unpin, shared: &Shared, replies: &mpsc::WeakSender<String>) -> String {
    let mut line = Vec::new();
    loop {
        match read_line(&mut from, &mut line).await {
            Ok(LineEnd::Whole) => {
                for incoming in message::read(&line) {
                    if shared.take(incoming, &line, replies) {
                        return format!("it has written {UNASKED_MAX} lines that nobody asked for, and was ended");
                    }
                }
            }
            Ok(LineEnd::TooLong) => {
                shared
                    .fail_all(&format!("its answer is longer than {} MiB, and was not read", MESSAGE_BYTES_MAX >> 20));
            }
            Ok(LineEnd::Endless) => return "it has written a line without an end, and was ended".to_owned(),
            Ok(LineEnd::None) | Err(_) => return "it has ended".to_owned(),
        }
    }
}

/// What a line was.
#[derive(Debug, PartialEq, Eq)]
enum LineEnd {
    Whole,
    /// It was read to its end and thrown away.
    TooLong,
    Endless,
    None,
}

/// Reads a line, as much as fits.
async fn read_line(from: &mut (impl AsyncBufRead + Unpin), line: &mut Vec<u8>) -> io::Result<LineEnd> {
    line.clear();
    let mut bytes = 0;
    loop {
        let there = from.fill_buf().await?;
        if there.is_empty() {
            return Ok(if line.is_empty() { LineEnd::None } else { LineEnd::Whole });
        }
        let end = there.iter().position(|byte| *byte == b'\n');
        let piece = &there[..end.unwrap_or(there.len())];
        bytes += piece.len();
        if bytes <= MESSAGE_BYTES_MAX {
            line.extend_from_slice(piece);
        }
        let taken = piece.len() + usize::from(end.is_some());
        from.consume(taken);
        if bytes > LINE_BYTES_MAX {
            return Ok(LineEnd::Endless);
        }
        if end.is_some() {
            return Ok(if bytes <= MESSAGE_BYTES_MAX { LineEnd::Whole } else { LineEnd::TooLong });
        }
    }
}

/// Keeps the end of what it complains about; it is read all the same, so that nobody waits for us.
async fn complain(mut from: impl AsyncRead + Unpin, shared: &Shared) {
    let mut piece = [0; 4 << 10];
    while let Ok(count @ 1..) = from.read(&mut piece).await {
        let mut state = shared.state();
        state.complaint.extend(&piece[..count]);
        let beyond = state.complaint.len().saturating_sub(COMPLAINT_BYTES_MAX);
        state.complaint.drain(..beyond);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_are_bounded() {
        let long = "x".repeat(MESSAGE_BYTES_MAX + 1);
        let text = format!("a\n{long}\n\nb");
        let mut from = BufReader::with_capacity(1000, text.as_bytes());
        let mut line = Vec::new();
        for (end, expected) in
            [(LineEnd::Whole, "a"), (LineEnd::TooLong, ""), (LineEnd::Whole, ""), (LineEnd::Whole, "b")]
        {
            assert_eq!(read_line(&mut from, &mut line).await.unwrap(), end);
            assert!(end == LineEnd::TooLong || line == expected.as_bytes());
            assert!(line.capacity() <= 2 * MESSAGE_BYTES_MAX);
        }
        assert_eq!(read_line(&mut from, &mut line).await.unwrap(), LineEnd::None);
    }
}
