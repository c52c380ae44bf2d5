//! A private desktop as a machine: what a control server would run in it is run in it, by processes of this test.

use std::io::Cursor;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use image::{ImageFormat, RgbImage};
use tapwright_contract::Size;
use tapwright_drivers::desktop::PrivateDesktop;
use tapwright_drivers::osworld::machine::{
    CommandOutput, ControlledMachine, FolderEntry, MachineCommand, MachineError, MachineErrorKind, MachineService,
    MachineWindow, WindowName,
};
use tokio::process::Command;
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{ConnectionExt as _, ImageFormat as XFormat};

use crate::app;

pub struct LocalMachine(pub Arc<PrivateDesktop>);

type Answer<T> = Result<T, MachineError>;

fn error(kind: MachineErrorKind) -> MachineError {
    MachineError { machine: "test".to_owned(), operation: "do it".to_owned(), kind }
}

fn missing<T>() -> Answer<T> {
    Err(error(MachineErrorKind::Unsupported { needs: "a whole machine".to_owned() }))
}

#[async_trait]
impl ControlledMachine for LocalMachine {
    fn name(&self) -> &str {
        "test"
    }

    async fn execute(&self, command: &MachineCommand, within: Duration) -> Answer<CommandOutput> {
        let home = self.0.home().to_string_lossy().into_owned();
        let words = command.resolved(&home).map_err(|why| error(MachineErrorKind::Refused { why }))?;
        let mut program = Command::new(format!("/usr/bin/{}", words[0]));
        program
            .args(&words[1..])
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", &home)
            .env("XDG_RUNTIME_DIR", &home)
            .env("DISPLAY", format!(":{}", self.0.display()))
            .env("XAUTHORITY", self.0.authority())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let ended = tokio::time::timeout(within, program.output()).await;
        let ended = ended.map_err(|_| error(MachineErrorKind::TimedOut { why: "it was killed".to_owned() }))?;
        let ended = ended.map_err(|why| error(MachineErrorKind::Refused { why: why.to_string() }))?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let code = ended.status.code().unwrap_or(-9);
        Ok(CommandOutput { output: text(ended.stdout), error: text(ended.stderr), code, is_cut: false })
    }

    async fn launch(&self, command: &MachineCommand, _within: Duration) -> Answer<()> {
        let words = command.resolved("/").map_err(|why| error(MachineErrorKind::Refused { why }))?;
        self.0.start_program(&words).await.map_err(|why| error(MachineErrorKind::Refused { why: why.to_string() }))
    }

    async fn screenshot(&self, _within: Duration) -> Answer<Vec<u8>> {
        let c = app::connect(&self.0);
        let screen = &c.setup().roots[0];
        let (width, height) = (screen.width_in_pixels, screen.height_in_pixels);
        let image = c.get_image(XFormat::Z_PIXMAP, screen.root, 0, 0, width, height, !0).unwrap().reply().unwrap();
        let rgb: Vec<u8> = image.data.chunks_exact(4).flat_map(|bgrx| [bgrx[2], bgrx[1], bgrx[0]]).collect();
        let picture = RgbImage::from_raw(width.into(), height.into(), rgb).unwrap();
        let mut file = Vec::new();
        picture.write_to(&mut Cursor::new(&mut file), ImageFormat::Png).unwrap();
        Ok(file)
    }

    async fn read_file(&self, _path: &str, _within: Duration) -> Answer<Option<Vec<u8>>> {
        missing()
    }

    async fn write_file(&self, _path: &str, _content: &[u8], _within: Duration) -> Answer<()> {
        missing()
    }

    async fn open_file(&self, _path: &str, _within: Duration) -> Answer<()> {
        missing()
    }

    async fn activate_window(&self, _window: &WindowName, _within: Duration) -> Answer<bool> {
        missing()
    }

    async fn close_window(&self, _window: &WindowName, _within: Duration) -> Answer<bool> {
        missing()
    }

    async fn windows(&self, _within: Duration) -> Answer<Vec<MachineWindow>> {
        missing()
    }

    async fn accessibility_tree(&self, _within: Duration) -> Answer<String> {
        missing()
    }

    async fn terminal_output(&self, _within: Duration) -> Answer<Option<String>> {
        missing()
    }

    async fn screen_size(&self, _within: Duration) -> Answer<Size> {
        missing()
    }

    async fn cursor_position(&self, _within: Duration) -> Answer<(i32, i32)> {
        missing()
    }

    async fn window_size(&self, _app_class: &str, _within: Duration) -> Answer<Option<Size>> {
        missing()
    }

    async fn desktop_folder(&self, _within: Duration) -> Answer<String> {
        missing()
    }

    async fn list_folder(&self, _path: &str, _within: Duration) -> Answer<Option<FolderEntry>> {
        missing()
    }

    async fn wallpaper(&self, _within: Duration) -> Answer<Option<Vec<u8>>> {
        missing()
    }

    async fn set_wallpaper(&self, _path: &str, _within: Duration) -> Answer<bool> {
        missing()
    }

    async fn service(&self, _service: MachineService, _within: Duration) -> Answer<String> {
        missing()
    }
}
