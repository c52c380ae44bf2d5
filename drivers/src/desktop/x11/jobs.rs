//! Commands that are run in a private desktop for somebody who waits for their end: what they write, and what they return.
//!
//! The keeper of the desktop starts them, so that they are where its programs are. What they say comes through named pipes in the
//! desktop's folder. Whoever is left behind by a command keeps nobody waiting, and neither does a command that kills the shell which would
//! have told its end.

use std::fs;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use tapwright_contract::device::DriverErrorKind;
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe::{OpenOptions, Receiver};
use tokio::time::timeout;

use super::private::PrivateDesktop;
use crate::deadline::Deadline;
use crate::private_folder::write_new;
use crate::quote::quote;
use crate::refused;

/// The number of a process and a code, a line each.
const END_BYTES_MAX: usize = 64;
/// How much is read at a time.
const CHUNK: usize = 64 << 10;
/// What a command has returned whose shell was killed: nobody knows more.
const KILLED: i32 = 128 + 9;
/// How long is read then, unless all who could write are gone before: what was left behind may write without an end.
const LAST_OUTPUT: Duration = Duration::from_secs(1);

/// How a command has ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobOutput {
    pub output: Vec<u8>,
    pub error: Vec<u8>,
    /// What it has returned; 128 and the number of the signal that has ended it, as shells say it.
    pub code: i32,
    /// Whether it wrote more than was kept.
    pub is_cut: bool,
}

/// The pipes of a command. They go when this is dropped.
struct JobFiles {
    /// `FOLDER/jobs/NUMBER`, before the dot.
    job: PathBuf,
}

impl Drop for JobFiles {
    fn drop(&mut self) {
        for end in ["words", "out", "err", "end"] {
            drop(fs::remove_file(self.job.with_extension(end)));
        }
    }
}

impl JobFiles {
    fn make(folder: &Path, words: &[String]) -> std::io::Result<JobFiles> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let files = JobFiles { job: folder.join("jobs").join(NUMBER.fetch_add(1, Ordering::Relaxed).to_string()) };
        let quoted: Result<Vec<String>, _> = words.iter().map(|word| quote(word)).collect();
        let quoted = quoted.map_err(|error| std::io::Error::other(error.to_string()))?;
        write_new(&files.job.with_extension("words"), format!("set -- {}\n", quoted.join(" ")).as_bytes())?;
        for end in ["out", "err", "end"] {
            mknodat(CWD, files.job.with_extension(end), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
        }
        Ok(files)
    }

    /// A pipe that has a writer for as long as this is open, so that it does not seem to be over before the command writes.
    fn open(&self, end: &str) -> std::io::Result<Receiver> {
        OpenOptions::new().read_write(true).open_receiver(self.job.with_extension(end))
    }
}

impl JobOutput {
    fn keep(&mut self, is_error: bool, bytes: &[u8], most: usize) {
        let to = if is_error { &mut self.error } else { &mut self.output };
        let room = most.saturating_sub(to.len()).min(bytes.len());
        to.extend_from_slice(&bytes[..room]);
        self.is_cut |= room < bytes.len();
    }
}

impl PrivateDesktop {
    /// Runs a command in the desktop's home and waits for its end. Of each of its outputs, `bytes_max` are kept. One that has not ended in
    /// time is killed, with all of its group. One that has its own shell killed has ended, killed, with what it wrote until then.
    ///
    /// # Errors
    /// `Refused` if it cannot be said, `TimedOut` if it has not ended, `Lost` if the desktop is gone.
    pub async fn run_command(
        &self,
        words: &[String],
        bytes_max: usize,
        within: Duration,
    ) -> Result<JobOutput, DriverErrorKind> {
        let deadline = Deadline::after(within);
        let folder = self.folder.path.clone();
        let failed = |error: std::io::Error| refused(format!("a command cannot be started: {error}"));
        let files = JobFiles::make(&folder, words).map_err(failed)?;
        let (out, error) = (files.open("out").map_err(failed)?, files.open("err").map_err(failed)?);
        let end = JobEnd { pipe: files.open("end").map_err(failed)?, bytes: Vec::new() };
        let script = quote(&folder.join("job.sh").to_string_lossy()).map_err(|error| refused(error.to_string()))?;
        let job = quote(&files.job.to_string_lossy()).map_err(|error| refused(error.to_string()))?;
        self.start_line(&format!("setsid sh {script} {job}")).await?;
        let mut process = None;
        let ran = deadline.hold("the end of a command", read_job(out, error, end, bytes_max, &mut process)).await;
        if let (Err(_), Some(process)) = (&ran, process) {
            drop(self.start_line(&format!("kill -s KILL -- -{process}")).await);
        }
        let (output, pipes) = ran?;
        // A program that was left behind goes on writing: into pipes that nobody reads it would not.
        for pipe in pipes {
            tokio::spawn(drain(pipe));
        }
        Ok(output)
    }
}

/// What a job says of itself, a line each: the number of its process, then what its command has returned.
struct JobEnd {
    pipe: Receiver,
    bytes: Vec<u8>,
}

impl JobEnd {
    /// The next number, or `None` if nobody is left who could say it. Whoever stops waiting may ask again.
    async fn number(&mut self) -> Result<Option<i32>, DriverErrorKind> {
        let malformed = || DriverErrorKind::MalformedResponse { why: "a command does not say how it ended".to_owned() };
        loop {
            if let Some(length) = self.bytes.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.bytes.drain(..=length).collect();
                let number = str::from_utf8(&line[..length]).ok().and_then(|line| line.parse().ok());
                return number.map(Some).ok_or_else(malformed);
            }
            if self.bytes.len() >= END_BYTES_MAX {
                return Err(malformed());
            }
            let mut chunk = [0; END_BYTES_MAX];
            match self.pipe.read(&mut chunk).await.map_err(broke)? {
                0 => return Ok(None),
                read => self.bytes.extend_from_slice(&chunk[..read]),
            }
        }
    }
}

fn broke(error: std::io::Error) -> DriverErrorKind {
    DriverErrorKind::Lost { why: format!("a command's pipe broke: {error}") }
}

/// The same pipe without a writer of our own, so that it ends when all others have closed it. It has to be opened before the old one is
/// closed: of a pipe that never had a writer, the runtime hears no end.
fn reading_end(pipe: Receiver) -> Result<Receiver, DriverErrorKind> {
    // By its descriptor: the command may have removed the file.
    OpenOptions::new().open_receiver(format!("/proc/self/fd/{}", pipe.as_raw_fd())).map_err(broke)
}

/// Reads what a command writes until it has ended. The pipes that are returned end when nobody writes any more.
async fn read_job(
    mut out: Receiver,
    mut error: Receiver,
    mut end: JobEnd,
    bytes_max: usize,
    process: &mut Option<u32>,
) -> Result<(JobOutput, [Receiver; 2]), DriverErrorKind> {
    let mut told = JobOutput::default();
    let (mut chunk, mut other) = (vec![0; CHUNK], vec![0; CHUNK]);
    let code = loop {
        tokio::select! {
            // The end first: who was left behind may write without one.
            biased;
            number = end.number() => {
                let number = number?;
                if process.is_some() {
                    break number;
                }
                *process = number.and_then(|number| u32::try_from(number).ok());
                // Its shell holds the pipe open by now: that it is closed is the end, also where nobody is left to say so.
                end.pipe = reading_end(end.pipe)?;
            }
            read = out.read(&mut chunk) => told.keep(false, &chunk[..read.map_err(broke)?], bytes_max),
            read = error.read(&mut other) => told.keep(true, &other[..read.map_err(broke)?], bytes_max),
        }
    };
    told.code = code.unwrap_or(KILLED);
    let mut pipes = [reading_end(out)?, reading_end(error)?];
    if code.is_none() {
        // Its shell is gone, and what it had started may be about to write its last.
        let _ = timeout(LAST_OUTPUT, read_to_end(&mut told, &mut pipes, bytes_max)).await;
    }
    // All that it has written itself is in the pipes by now. The pipes are asked, and not the runtime (`try_read`), which may have heard of
    // the end and not yet of these: an output would be lost.
    for (is_error, pipe) in [false, true].into_iter().zip(&pipes) {
        while let Ok(read) = rustix::io::retry_on_intr(|| rustix::io::read(pipe, &mut chunk[..])) {
            told.keep(is_error, &chunk[..read], bytes_max);
            if read == 0 || told.is_cut {
                break;
            }
        }
    }
    Ok((told, pipes))
}

/// Reads both outputs until nobody writes them any more.
async fn read_to_end(told: &mut JobOutput, pipes: &mut [Receiver; 2], bytes_max: usize) {
    let [out, error] = pipes;
    let (mut chunk, mut other) = (vec![0; CHUNK], vec![0; CHUNK]);
    let (mut has_out, mut has_error) = (true, true);
    while has_out || has_error {
        tokio::select! {
            read = out.read(&mut chunk), if has_out => {
                let read = read.unwrap_or(0);
                has_out = read > 0;
                told.keep(false, &chunk[..read], bytes_max);
            }
            read = error.read(&mut other), if has_error => {
                let read = read.unwrap_or(0);
                has_error = read > 0;
                told.keep(true, &other[..read], bytes_max);
            }
        }
    }
}

/// Reads until nobody writes any more.
async fn drain(mut pipe: Receiver) {
    let mut chunk = vec![0; CHUNK];
    while pipe.read(&mut chunk).await.is_ok_and(|read| read > 0) {}
}
