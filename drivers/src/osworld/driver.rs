//! The desktop of a machine behind a control server: seen by its screenshots, touched by a program that runs on it for each gesture.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use image::{ImageReader, Limits};
use tapwright_contract::device::{Driver, DriverError, DriverErrorKind, InstalledApp, Label, Screen};
use tapwright_contract::gesture::{Abilities, Gesture};
use tapwright_contract::{Picture, ScreenId, Size};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::guest::{self, Interpreter, Scene};
use super::machine::{ControlledMachine, MachineErrorKind};
use super::widgets;
use crate::deadline::Deadline;
use crate::desktop::apps::{Menu, MenuEntry};
use crate::desktop::pointing::LastClick;
use crate::still::{self, Memory, Sketch, still};
use crate::{Rest, Settle, Tree};

/// No picture takes more memory.
const PICTURE_ALLOC_MAX: u64 = 512 << 20;
const SIDE_MAX: u32 = 16_384;
/// A picture with fewer pixels that are not black shows nothing but a pointer, of so many.
const LIT_OF: usize = 2000;
/// What is nearly black.
const BLACK: u8 = 12;

/// The desktop of one machine.
pub struct MachineDesktop {
    name: String,
    machine: Arc<dyn ControlledMachine>,
    interpreter: Arc<Interpreter>,
    /// The last thing that the machine was to do, for as long as nobody knows that it has ended: whoever wanted it may have gone.
    under_way: Option<JoinHandle<()>>,
    settle: Settle,
    pub(super) menu: Menu,
    memory: Memory,
    rest: Rest,
    pub(super) seen: Option<Seen>,
    /// The size that was seen last, and how often it has changed or the machine was lost.
    size: Option<Size>,
    generation: u32,
    pub(super) last_click: Option<LastClick>,
}

/// The screen that was returned last, and what lay on it.
pub(super) struct Seen {
    pub id: ScreenId,
    pub scene: Scene,
}

/// What one look saw.
pub(crate) struct Observation {
    file: Arc<[u8]>,
    picture: Option<Picture>,
    scene: Scene,
    taken: Instant,
}

impl MachineDesktop {
    /// Makes sure that a machine can be seen and touched.
    ///
    /// # Errors
    /// `DriverErrorKind::Refused` if it lacks what that takes, with what to install.
    pub async fn connect(
        machine: Arc<dyn ControlledMachine>,
        settle: Settle,
        within: Duration,
    ) -> Result<MachineDesktop, DriverError> {
        let mut desktop = MachineDesktop {
            name: machine.name().to_owned(),
            machine,
            interpreter: Arc::default(),
            under_way: None,
            settle,
            menu: Menu::default(),
            memory: Memory::default(),
            rest: Rest::Still,
            seen: None,
            size: None,
            generation: 0,
            last_click: None,
        };
        let deadline = Deadline::after(within);
        let read = async {
            desktop.scene(deadline).await?;
            desktop.read_menu(deadline).await
        };
        read.await.map_err(|kind| desktop.error("connect", kind))?;
        Ok(desktop)
    }

    /// How the last wait for the screen to rest has ended: a screen that moves on is returned as well.
    pub fn rest(&self) -> Rest {
        self.rest
    }

    fn error(&self, operation: &'static str, kind: DriverErrorKind) -> DriverError {
        DriverError { device: self.name.clone(), operation, kind }
    }

    /// Has the machine do something. It goes on though whoever wants it goes away: then the next one waits until it has ended.
    pub(super) async fn hold<T, F>(
        &mut self,
        deadline: Deadline,
        work: impl FnOnce(Arc<dyn ControlledMachine>, Arc<Interpreter>, Duration) -> F,
    ) -> Result<T, DriverErrorKind>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, MachineErrorKind>> + Send + 'static,
    {
        self.finish(deadline).await?;
        let work = work(self.machine.clone(), self.interpreter.clone(), deadline.check()?);
        let (tell, told) = oneshot::channel();
        self.under_way = Some(tokio::spawn(async move { drop(tell.send(work.await)) }));
        let result = told.await.map_err(|_| malformed("what was asked of the machine has fallen over"))?;
        self.under_way = None;
        result.map_err(action_error)
    }

    /// Waits until what was begun before has ended.
    async fn finish(&mut self, deadline: Deadline) -> Result<(), DriverErrorKind> {
        let Some(under_way) = &mut self.under_way else { return Ok(()) };
        match tokio::time::timeout(deadline.check()?, under_way).await {
            Ok(_) => {
                self.under_way = None;
                Ok(())
            }
            Err(_) => {
                let tries = "an earlier action has not been answered yet: nothing else was begun";
                Err(DriverErrorKind::TimedOut { tries: tries.to_owned() })
            }
        }
    }

    /// What lies on the screen now.
    pub(super) async fn scene(&self, deadline: Deadline) -> Result<Scene, DriverErrorKind> {
        guest::look(&*self.machine, &self.interpreter, deadline.check()?).await.map_err(question_error)
    }

    async fn read_menu(&mut self, deadline: Deadline) -> Result<(), DriverErrorKind> {
        let files = guest::menu(&*self.machine, &self.interpreter, deadline.check()?).await.map_err(question_error)?;
        self.menu = Menu::from_files(files.iter().map(|(id, text)| (id.as_str(), text.as_str())));
        Ok(())
    }

    /// The apps that a name stands for. The menu is read again if it is not known: the app may have been installed since.
    pub(super) async fn entries(&mut self, name: &str, deadline: Deadline) -> Result<Vec<MenuEntry>, DriverErrorKind> {
        if let Ok(found) = self.menu.find(name) {
            return Ok(found.into_iter().cloned().collect());
        }
        self.read_menu(deadline).await?;
        self.menu.find(name).map(|found| found.into_iter().cloned().collect())
    }

    async fn still_screen(&mut self, deadline: Deadline) -> Result<Screen, DriverErrorKind> {
        self.finish(deadline).await?;
        // A copy, so that an abandoned wait leaves what was known.
        let mut memory = self.memory.clone();
        let settle = self.settle;
        let result = still(self, &mut memory, settle, deadline).await;
        self.memory = memory;
        let (mut observation, rest) = result?;
        self.rest = rest;
        let picture = observation.decode().await?.clone();
        let (size, scene) = (picture.size(), observation.scene);
        if size != scene.size {
            let why = format!("the screenshot is {size} and the screen {}: it has just changed", scene.size);
            return Err(DriverErrorKind::MalformedResponse { why });
        }
        if is_black(picture.rgba()) && !covers(&scene) {
            let why = "the screenshot is black: the machine's screen is off or locked, or its control server is not let \
                       in by the session that is shown";
            return Err(DriverErrorKind::Hidden { why: why.to_owned() });
        }
        if self.size.replace(size).is_some_and(|before| before != size) {
            self.generation += 1;
        }
        let id = ScreenId { generation: self.generation, ..ScreenId::from(size) };
        let owner = scene.active().map(guest::GuestWindow::owner);
        let front = self.menu.front(owner.as_ref());
        self.seen = Some(Seen { id, scene });
        self.memory.mark_returned();
        Ok(Screen { picture, front, id })
    }

    /// The widgets of the app in front; `None` if it tells none.
    async fn tree(&mut self, deadline: Deadline) -> Result<Option<Tree>, DriverErrorKind> {
        let xml = match self.machine.accessibility_tree(deadline.check()?).await {
            Ok(xml) => xml,
            Err(error) => return Err(question_error(error.kind)),
        };
        let scene = self.scene(deadline).await?;
        let Some(owner) = scene.active().map(guest::GuestWindow::owner) else { return Ok(None) };
        let app = self.menu.front(Some(&owner)).id;
        // Megabytes of it.
        let read = tokio::task::spawn_blocking(move || widgets::tree(&xml, &scene, &app)).await;
        read.map_err(|error| malformed(error.to_string()))?.map_err(malformed)
    }
}

#[async_trait]
impl Driver for MachineDesktop {
    fn name(&self) -> &str {
        &self.name
    }

    fn abilities(&self) -> Abilities {
        Abilities::DESKTOP
    }

    async fn screen(&mut self, within: Duration) -> Result<Screen, DriverError> {
        let deadline = Deadline::after(within);
        let result = self.still_screen(deadline).await;
        if matches!(result, Err(DriverErrorKind::Lost { .. })) && self.seen.take().is_some() {
            // Who knows which machine comes back.
            self.generation += 1;
        }
        result.map_err(|kind| self.error("take a picture", kind))
    }

    async fn perform(&mut self, gesture: &Gesture, within: Duration) -> Result<(), DriverError> {
        let deadline = Deadline::after(within);
        self.memory.touch();
        let result = self.gesture(gesture, deadline).await;
        self.memory.touch();
        result.map_err(|kind| self.error(gesture.name(), kind))
    }

    async fn find_app(&mut self, name: &str, within: Duration) -> Result<Vec<InstalledApp>, DriverError> {
        let entries = self.entries(name, Deadline::after(within)).await;
        let found = entries.map(|entries| entries.iter().map(MenuEntry::to_installed_app).collect());
        found.map_err(|kind| self.error("find an app", kind))
    }

    async fn labels(&mut self, within: Duration) -> Result<Option<Vec<Label>>, DriverError> {
        let tree = self.tree(Deadline::after(within)).await;
        tree.map(|tree| tree.map(|tree| tree.labels())).map_err(|kind| self.error("read the widgets", kind))
    }
}

impl still::Camera for MachineDesktop {
    type Look = Observation;

    async fn look(&mut self, deadline: Deadline) -> Result<Observation, DriverErrorKind> {
        let within = deadline.check()?;
        // Side by side: each takes a good part of a second.
        let picture = self.machine.screenshot(within);
        let scene = guest::look(&*self.machine, &self.interpreter, within);
        let (picture, scene) = tokio::join!(picture, scene);
        let file = picture.map_err(|error| question_error(error.kind))?.into();
        let scene = scene.map_err(question_error)?;
        Ok(Observation { file, picture: None, scene, taken: Instant::now() })
    }

    fn taken_at(look: &Observation) -> Instant {
        look.taken
    }

    fn is_same(one: &Observation, other: &Observation) -> bool {
        one.scene == other.scene && one.file == other.file
    }

    async fn sketch(look: &mut Observation) -> Result<Sketch, DriverErrorKind> {
        let picture = look.decode().await?;
        Ok(Sketch::of(picture.rgba(), picture.size(), 0))
    }
}

impl Observation {
    async fn decode(&mut self) -> Result<&Picture, DriverErrorKind> {
        if self.picture.is_none() {
            let file = self.file.clone();
            let decoded = tokio::task::spawn_blocking(move || decode(&file)).await;
            self.picture = Some(decoded.map_err(|error| malformed(error.to_string()))??);
        }
        Ok(self.picture.as_ref().expect("it was put there"))
    }
}

fn decode(file: &[u8]) -> Result<Picture, DriverErrorKind> {
    let failed = |error: image::ImageError| malformed(format!("the screenshot: {error}"));
    let mut reader = ImageReader::new(std::io::Cursor::new(file));
    let mut limits = Limits::default();
    limits.max_alloc = Some(PICTURE_ALLOC_MAX);
    (limits.max_image_width, limits.max_image_height) = (Some(SIDE_MAX), Some(SIDE_MAX));
    reader.limits(limits);
    let reader = reader.with_guessed_format().map_err(|error| malformed(error.to_string()))?;
    let mut rgba = reader.decode().map_err(failed)?.into_rgba8();
    // What is seen through in a screenshot is nothing that anybody sees.
    rgba.pixels_mut().for_each(|pixel| pixel[3] = u8::MAX);
    let size = Size { width: rgba.width(), height: rgba.height() };
    Picture::new(size, rgba.into_raw()).map_err(|error| malformed(error.to_string()))
}

/// Whether nothing is there to see but a pointer.
fn is_black(rgba: &[u8]) -> bool {
    let lit = rgba.chunks_exact(4).filter(|pixel| pixel[..3].iter().any(|shade| *shade > BLACK)).count();
    lit * LIT_OF < rgba.len() / 4
}

/// Whether the window in front covers the screen: then it may be black by itself.
fn covers(scene: &Scene) -> bool {
    scene.active().is_some_and(|window| {
        let [left, top, width, height] = window.app_window().area.map(i64::from);
        left <= 0
            && top <= 0
            && left + width >= i64::from(scene.size.width)
            && top + height >= i64::from(scene.size.height)
    })
}

fn malformed(why: impl Into<String>) -> DriverErrorKind {
    DriverErrorKind::MalformedResponse { why: why.into() }
}

/// What to do about something that was only asked.
pub(crate) fn question_error(kind: MachineErrorKind) -> DriverErrorKind {
    match kind {
        MachineErrorKind::Unanswered { why } => malformed(why),
        kind => action_error(kind),
    }
}

/// What to do about something that was to be done.
pub(crate) fn action_error(kind: MachineErrorKind) -> DriverErrorKind {
    let told = kind.to_string();
    match kind {
        MachineErrorKind::Unreachable { why } => DriverErrorKind::Lost { why },
        MachineErrorKind::Unanswered { why } => {
            DriverErrorKind::TimedOut { tries: format!("it may or may not have happened: {why}") }
        }
        MachineErrorKind::TimedOut { why } => DriverErrorKind::TimedOut { tries: why },
        MachineErrorKind::Refused { why } => DriverErrorKind::Refused { why },
        MachineErrorKind::Malformed { why } => malformed(why),
        MachineErrorKind::TooLarge { .. } => malformed(told),
        MachineErrorKind::Unsupported { .. } => DriverErrorKind::Refused { why: told },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_on_a_black_screen_is_black_and_a_line_of_text_is_not() {
        let mut rgba = [0, 0, 0, 255].repeat(1000 * 1000);
        assert!(is_black(&rgba));
        for pixel in rgba.chunks_exact_mut(4).take(400) {
            pixel[..3].fill(255);
        }
        assert!(is_black(&rgba));
        for pixel in rgba.chunks_exact_mut(4).take(2000) {
            pixel[..3].fill(255);
        }
        assert!(!is_black(&rgba));
    }

    #[test]
    fn a_screenshot_that_is_cut_or_huge_is_no_picture() {
        let mut file = Vec::new();
        let picture = image::RgbaImage::from_pixel(3, 2, image::Rgba([1, 2, 3, 0]));
        picture.write_to(&mut std::io::Cursor::new(&mut file), image::ImageFormat::Png).unwrap();
        assert_eq!(decode(&file).unwrap().rgba()[..4], [1, 2, 3, 255]);
        assert!(decode(&file[..file.len() / 2]).is_err());
        assert!(decode(b"\x89PNG\r\n\x1a\n").is_err());
        // A header that announces a picture of terabytes.
        file[16..24].copy_from_slice(&[0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff]);
        assert!(decode(&file).is_err());
    }
}
