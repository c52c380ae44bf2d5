//! A program that is run for what it says: never through a shell, within a time, and no more of it than is wanted.

use std::collections::BTreeMap;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// What is run.
pub struct Program<'a> {
    /// The program and its arguments, as they are.
    pub argv: &'a [String],
    /// Variables besides those of this process.
    pub env: BTreeMap<String, String>,
    /// Whether it is killed with all that it started, and hears no Ctrl-C. It cannot ask at the terminal then.
    pub own_group: bool,
    /// What it reads.
    pub input: Option<String>,
    pub within: Duration,
    /// How much of its output is kept; the rest is read and forgotten.
    pub output_bytes_max: usize,
}

/// What came of it.
pub struct ProgramOutput {
    pub status: ExitStatus,
    pub out: Vec<u8>,
    pub err: Vec<u8>,
}

/// Why nothing came of it.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// It was not even started.
    #[error("{program} cannot be started: {source}")]
    Start { program: String, source: io::Error },
    /// It was killed.
    #[error("{program} was not done within {} s, and was killed", within.as_secs_f32())]
    Late { program: String, within: Duration },
    /// Nobody knows what became of it.
    #[error("{program}: {source}")]
    Broke { program: String, source: io::Error },
}

/// What is kept of its complaints.
const COMPLAINT_BYTES_MAX: usize = 2000;
/// How much of a line is told.
const LINE_BYTES_MAX: usize = 4 << 10;
/// How long its output is waited for once it has ended: something that it left behind may hold it open.
const REST: Duration = Duration::from_millis(500);

/// Runs a program to its end. If this is dropped, it is killed with all that it has started.
///
/// # Errors
/// `ProgramError` if it has no end of its own.
pub async fn run(program: Program<'_>) -> Result<ProgramOutput, ProgramError> {
    run_telling(program, |_| ()).await
}

/// As [`run`]; each line of its output is told as soon as it is there.
///
/// # Errors
/// As [`run`].
pub async fn run_telling(program: Program<'_>, mut each_line: impl FnMut(&str)) -> Result<ProgramOutput, ProgramError> {
    let Program { argv, env, own_group, input, within, output_bytes_max } = program;
    let name = argv.first().cloned().unwrap_or_default();
    let mut command = Command::new(&name);
    command.args(argv.iter().skip(1)).envs(env).kill_on_drop(true);
    command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    #[cfg(unix)]
    if own_group {
        command.process_group(0);
    }
    let child = command.spawn().map_err(|source| ProgramError::Start { program: name.clone(), source })?;
    let mut family = ProcessGroup { child, own_group };
    let child = &mut family.child;
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let status = timeout(within, async {
        let talking = async {
            let writing = async {
                if let (Some(mut stdin), Some(input)) = (stdin, input) {
                    let _ = stdin.write_all(input.as_bytes()).await; // It need not read it.
                }
            };
            tokio::join!(
                writing,
                read(stdout, &mut out, output_bytes_max, &mut each_line),
                read(stderr, &mut err, COMPLAINT_BYTES_MAX, |_| ())
            );
        };
        tokio::pin!(talking);
        tokio::select! {
            () = &mut talking => child.wait().await,
            status = child.wait() => {
                let _ = timeout(REST, talking).await;
                status
            }
        }
    })
    .await;
    match status {
        Ok(Ok(status)) => Ok(ProgramOutput { status, out, err }),
        Ok(Err(source)) => Err(ProgramError::Broke { program: name, source }),
        Err(_) => Err(ProgramError::Late { program: name, within }),
    }
}

async fn read(
    from: Option<impl AsyncRead + Unpin>,
    kept: &mut Vec<u8>,
    bytes_max: usize,
    mut each_line: impl FnMut(&str),
) {
    let Some(mut from) = from else { return };
    let mut piece = [0; 8 << 10];
    let mut line = Vec::new();
    while let Ok(count @ 1..) = from.read(&mut piece).await {
        let room = bytes_max - kept.len();
        kept.extend_from_slice(&piece[..count.min(room)]);
        for byte in &piece[..count] {
            match byte {
                b'\n' => {
                    each_line(&String::from_utf8_lossy(&line));
                    line.clear();
                }
                // What a line has beyond this is not told.
                byte if line.len() < LINE_BYTES_MAX => line.push(*byte),
                _ => {}
            }
        }
    }
}

/// A program and whatever it has started.
struct ProcessGroup {
    child: Child,
    own_group: bool,
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        // It has a number as long as nobody has waited for its end, so the number is still its own.
        #[cfg(unix)]
        if self.own_group
            && let Some(id) = self.child.id().and_then(|id| i32::try_from(id).ok())
            && let Some(group) = rustix::process::Pid::from_raw(id)
        {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.child.start_kill();
    }
}

#[cfg(all(test, unix))]
pub(crate) mod testing {
    //! Whether processes that a test has started are gone.

    use std::time::Duration;

    /// Whether a process is there, and is not only waited for. `ps` is on every Unix.
    pub(crate) fn is_there(pid: &str) -> bool {
        let told = std::process::Command::new("ps").args(["-o", "stat=", "-p", pid]).output().unwrap();
        let state = String::from_utf8_lossy(&told.stdout).trim().to_owned();
        !state.is_empty() && !state.starts_with('Z')
    }

    pub(crate) async fn wait_until_gone(pid: &str) {
        for _ in 0..600 {
            if !is_there(pid) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{pid} is still there");
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::testing::{is_there, wait_until_gone};
    use super::*;

    async fn shell(script: &str, within: Duration, output_bytes_max: usize) -> Result<ProgramOutput, ProgramError> {
        let argv = ["sh", "-c", script].map(str::to_owned);
        run(Program {
            argv: &argv,
            env: BTreeMap::new(),
            own_group: true,
            input: Some("in".to_owned()),
            within,
            output_bytes_max,
        })
        .await
    }

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn what_it_says_is_kept_up_to_a_limit() {
        let ran = shell("cat; echo out; echo err >&2; exit 3", LONG, 100).await.unwrap();
        assert_eq!((ran.status.code(), &ran.out[..], &ran.err[..]), (Some(3), &b"inout\n"[..], &b"err\n"[..]));
        let ran = shell("head -c 1000000 /dev/zero", LONG, 10).await.unwrap();
        assert_eq!((ran.status.code(), ran.out.len()), (Some(0), 10));
        let ran = shell("exit 0", LONG, 10).await.unwrap();
        assert!(ran.status.success() && ran.out.is_empty(), "it need not read what it is given");
    }

    /// The number that a script writes down, once it is there.
    async fn written_pid(pid: &std::path::Path) -> String {
        for _ in 0..1200 {
            if let Ok(pid) = std::fs::read_to_string(pid) {
                return pid.trim().to_owned();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the script did not start");
    }

    #[tokio::test]
    async fn what_takes_too_long_is_killed_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let pid = folder.path().join("pid");
        let script = format!("sleep 1000 & echo $! > {0}.new && mv {0}.new {0}; wait", pid.display());
        let running = tokio::spawn(async move { shell(&script, LONG, 10).await.map(|_| ()) });
        let child = written_pid(&pid).await;
        assert!(is_there(&child), "it has started something");
        // It is dropped in the middle, as it is when its time is over.
        running.abort();
        wait_until_gone(&child).await;
        let late = shell("sleep 1000", Duration::from_millis(200), 10).await.err().unwrap();
        assert!(matches!(late, ProgramError::Late { .. }), "{late}");
    }

    #[tokio::test]
    async fn what_it_leaves_behind_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let pid = folder.path().join("pid");
        let script = format!("echo done; sleep 1000 & echo $! > {}", pid.display());
        let ran = shell(&script, LONG, 10).await.unwrap();
        assert_eq!(ran.out, b"done\n");
        let left = written_pid(&pid).await;
        // Nothing of ours kills it, so the test does.
        let _ = std::process::Command::new("kill").arg(&left).status();
        wait_until_gone(&left).await;
    }

    #[tokio::test]
    async fn what_is_not_there() {
        let argv = ["/no/such/program".to_owned()];
        let program = Program {
            argv: &argv,
            env: BTreeMap::new(),
            own_group: true,
            input: None,
            within: LONG,
            output_bytes_max: 10,
        };
        let error = run(program).await.err().unwrap();
        assert!(matches!(error, ProgramError::Start { .. }), "{error}");
    }
}
