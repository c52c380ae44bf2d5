//! A film of the screen, made by ffmpeg inside the machine where it is installed.

use std::time::Duration;

use tapwright_contract::Size;
use tapwright_drivers::osworld::machine::{ControlledMachine, MachineCommand, MachineError, MachineErrorKind};
use tokio::time::{Instant, sleep};

const WITHIN: Duration = Duration::from_secs(10);
/// How long the film may take to be written to its end.
const END: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(200);

/// A film that is being made.
pub(super) struct Recording {
    folder: String,
}

fn refused(machine: &dyn ControlledMachine, why: String) -> MachineError {
    let kind = MachineErrorKind::Refused { why };
    MachineError { machine: machine.name().to_owned(), operation: "record the screen".to_owned(), kind }
}

impl Recording {
    /// Begins.
    ///
    /// # Errors
    /// `MachineError` if the machine has nothing that could.
    pub async fn begin(machine: &dyn ControlledMachine) -> Result<Recording, MachineError> {
        let made = "command -v ffmpeg >/dev/null || exit 9; mktemp -d";
        let made = machine.execute(&MachineCommand::shell(made), WITHIN).await?;
        if made.code == 9 {
            return Err(refused(machine, "ffmpeg is not on this machine: apt install ffmpeg".to_owned()));
        }
        let folder = made.output.trim().to_owned();
        if made.code != 0 || !folder.starts_with('/') {
            return Err(refused(machine, format!("no folder for the film: {}", made.error.trim())));
        }
        let Size { width, height } = machine.screen_size(WITHIN).await?;
        // Its number is in a file, so that it alone is told to end.
        let line = format!(
            "echo $$ >\"$0/pid\"; exec ffmpeg -y -f x11grab -draw_mouse 1 -s {width}x{height} -framerate 30 -i \"$DISPLAY\" \
             -c:v libx264 -preset ultrafast -r 30 \"$0/film.mp4\" </dev/null >\"$0/log\" 2>&1"
        );
        machine.launch(&MachineCommand::program(["sh", "-c", &line, &folder]), WITHIN).await?;
        Ok(Recording { folder })
    }

    /// Ends it; returns the film.
    ///
    /// # Errors
    /// `MachineError` if there is none.
    pub async fn end(&self, machine: &dyn ControlledMachine) -> Result<Vec<u8>, MachineError> {
        let line = "pid=$(cat \"$0/pid\") || exit 1; kill -INT \"$pid\" 2>/dev/null; kill -0 \"$pid\" 2>/dev/null && exit 7; exit 0";
        let began = Instant::now();
        let asked = MachineCommand::program(["sh", "-c", line, &self.folder]);
        while machine.execute(&asked, WITHIN).await?.code == 7 && began.elapsed() < END {
            sleep(PAUSE).await;
        }
        let film = machine.read_file(&format!("{}/film.mp4", self.folder), WITHIN).await?;
        let removed = MachineCommand::program(["rm", "-rf", "--", &self.folder]);
        if let Err(error) = machine.execute(&removed, WITHIN).await {
            tracing::debug!(%error, "a film's folder stays");
        }
        film.filter(|film| !film.is_empty()).ok_or_else(|| refused(machine, "ffmpeg wrote no film".to_owned()))
    }
}
