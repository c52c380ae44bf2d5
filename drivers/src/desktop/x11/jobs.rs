//! Commands that are run in a private desktop for somebody who waits for their end: what they write, and what they return.
//!
//! The keeper of the desktop starts them, so that they are where its programs are. What they say comes through named pipes in the
//! desktop's folder. Whoever is left behind by a command keeps nobody waiting.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use tapwright_contract::device::DriverErrorKind;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::net::unix::pipe::{OpenOptions, Receiver};

use super::private::PrivateDesktop;
use crate::deadline::Deadline;
use crate::private_folder::write_new;
use crate::quote::quote;
use crate::refused;

/// The number of a process and a code, a line each.
const END_BYTES_MAX: u64 = 64;
/// How much is read at a time.
const CHUNK: usize = 64 << 10;

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
    /// time is killed, with all of its group.
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
        let end = files.open("end").map_err(failed)?;
        let script = quote(&folder.join("job.sh").to_string_lossy()).map_err(|error| refused(error.to_string()))?;
        let job = quote(&files.job.to_string_lossy()).map_err(|error| refused(error.to_string()))?;
        self.start_line(&format!("setsid sh {script} {job}")).await?;
        let mut process = None;
        let ran = deadline.hold("the end of a command", read_job(out, error, end, bytes_max, &mut process)).await;
        if let (Err(_), Some(process)) = (&ran, process) {
            drop(self.start_line(&format!("kill -s KILL -- -{process}")).await);
        }
        let (output, out, error) = ran?;
        // A program that was left behind goes on writing: into pipes that nobody reads it would not.
        let readers = [("out", out), ("err", error)]
            .map(|(end, was)| (OpenOptions::new().open_receiver(files.job.with_extension(end)), was));
        for (reader, was) in readers {
            if let Ok(reader) = reader {
                tokio::spawn(drain(reader));
            }
            drop(was);
        }
        Ok(output)
    }
}

/// Reads what a command writes until it has ended.
async fn read_job(
    mut out: Receiver,
    mut error: Receiver,
    end: Receiver,
    bytes_max: usize,
    process: &mut Option<u32>,
) -> Result<(JobOutput, Receiver, Receiver), DriverErrorKind> {
    let broke = |error: std::io::Error| DriverErrorKind::Lost { why: format!("a command's pipe broke: {error}") };
    let mut told = JobOutput::default();
    let (mut chunk, mut other) = (vec![0; CHUNK], vec![0; CHUNK]);
    let mut lines = BufReader::new(end.take(END_BYTES_MAX)).lines();
    loop {
        tokio::select! {
            // The end first: who was left behind may write without one.
            biased;
            line = lines.next_line() => {
                let number = line.map_err(broke)?.and_then(|line| line.parse::<i32>().ok());
                let malformed = || DriverErrorKind::MalformedResponse { why: "a command does not say how it ended".to_owned() };
                let number = number.ok_or_else(malformed)?;
                if process.is_none() {
                    *process = u32::try_from(number).ok();
                    continue;
                }
                told.code = number;
                break;
            }
            read = out.read(&mut chunk) => told.keep(false, &chunk[..read.map_err(broke)?], bytes_max),
            read = error.read(&mut other) => told.keep(true, &other[..read.map_err(broke)?], bytes_max),
        }
    }
    // All that it has written itself is in the pipes by now. The pipes are asked, and not the runtime (`try_read`), which may have heard of
    // the end and not yet of these: an output would be lost.
    for (is_error, pipe) in [(false, &out), (true, &error)] {
        while let Ok(read) = rustix::io::retry_on_intr(|| rustix::io::read(pipe, &mut chunk[..])) {
            told.keep(is_error, &chunk[..read], bytes_max);
            if read == 0 || told.is_cut {
                break;
            }
        }
    }
    Ok((told, out, error))
}

/// Reads until nobody writes any more.
async fn drain(mut pipe: Receiver) {
    let mut chunk = vec![0; CHUNK];
    while pipe.read(&mut chunk).await.is_ok_and(|read| read > 0) {}
}
