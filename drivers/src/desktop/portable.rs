//! A desktop through xcap and enigo: pictures and windows as the one tells them, pointer and keys as the other sends them.
//!
//! It is for Windows, macOS and Wayland, where there is no path of our own, and can be taken on X11 (`--device desktop:portable`). There
//! the usual driver is better at everything: it captures in a fiftieth of the time, types any script exactly, and tells widgets.
//!
//! | room | what is there |
//! | --- | --- |
//! | [`worker`] | the thread that owns both libraries |
//! | [`keys`] | keys by the names of the standard |

mod keys;
mod worker;

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use tapwright_contract::device::{Driver, DriverError, DriverErrorKind, Front, InstalledApp, Screen};
use tapwright_contract::gesture::{Abilities, Button, Gesture, Key, KeyName, Modifier};
use tapwright_contract::{Picture, ScreenId, Size, Spot};
use tokio::time::Instant;

use self::worker::{PointerStep, Scene, Worker};
use super::apps::{Menu, MenuEntry};
use super::pointing::{DRAG_REST, LastClick, check_duration, check_notches, notches, way};
use super::window::WindowOwner;
use super::{key_name, start_detached};
use crate::deadline::Deadline;
use crate::still::{self, Memory, Sketch, still};
use crate::{Settle, refused};

/// How long an app that was started may take to come to the front, before the next look shows what is there instead.
const TO_FRONT: Duration = Duration::from_secs(10);
const FRONT_PAUSE: Duration = Duration::from_millis(150);
/// What marks all of a field, as the system has it.
const SELECTS_ALL: Modifier = if cfg!(target_os = "macos") { Modifier::Meta } else { Modifier::Control };

/// How to drive a desktop so. Which one is not said: xcap knows only that of the session that this runs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortableOptions {
    pub settle: Settle,
    /// Where the menu's files are, on Linux.
    pub applications: Vec<PathBuf>,
}

/// What was returned last.
struct ReturnedScreen {
    id: ScreenId,
    scene: Scene,
}

/// One desktop.
pub struct PortableDesktop {
    name: String,
    options: PortableOptions,
    worker: Worker,
    menu: Menu,
    memory: Memory,
    seen: Option<ReturnedScreen>,
    last_click: Option<LastClick>,
    starting: Option<StartingApp>,
}

/// An app that was started and has not come to the front. It is waited for before anything else is done, also where the launch was
/// abandoned: it would come over what is done next.
#[derive(Clone, Debug)]
struct StartingApp {
    id: String,
    /// How many windows it had before.
    windows: usize,
    until: Instant,
}

/// What one look saw.
pub(crate) struct Observation {
    picture: Picture,
    scene: Scene,
    taken: Instant,
}

impl still::Camera for PortableDesktop {
    type Look = Observation;

    async fn look(&mut self, deadline: Deadline) -> Result<Observation, DriverErrorKind> {
        let (picture, scene) = self.worker.call("a picture", deadline, |platform| platform.observe()).await?;
        Ok(Observation { picture, scene, taken: Instant::now() })
    }

    fn taken_at(look: &Observation) -> Instant {
        look.taken
    }

    fn is_same(one: &Observation, other: &Observation) -> bool {
        one.scene == other.scene && one.picture == other.picture
    }

    async fn sketch(look: &mut Observation) -> Result<Sketch, DriverErrorKind> {
        Ok(Sketch::of(look.picture.rgba(), look.picture.size(), 0))
    }
}

impl PortableDesktop {
    /// Opens the desktop.
    ///
    /// # Errors
    /// `DriverErrorKind::Refused` if there is none, or the system lets nobody see or touch it.
    pub async fn open(name: &str, options: PortableOptions, within: Duration) -> Result<PortableDesktop, DriverError> {
        let deadline = Deadline::after(within);
        let error = |kind| DriverError { device: name.to_owned(), operation: "open", kind };
        let worker = Worker::start(deadline).await.map_err(error)?;
        let folders = options.applications.clone();
        let menu = tokio::task::spawn_blocking(move || Menu::read(&folders)).await.unwrap_or_default();
        Ok(PortableDesktop {
            name: name.to_owned(),
            options,
            worker,
            menu,
            memory: Memory::default(),
            seen: None,
            last_click: None,
            starting: None,
        })
    }

    async fn settled_screen(&mut self, deadline: Deadline) -> Result<Screen, DriverErrorKind> {
        self.wait_for_started(deadline).await?;
        let settle = self.options.settle;
        // A copy, so that an abandoned wait leaves what was known.
        let mut memory = self.memory.clone();
        let result = still(self, &mut memory, settle, deadline).await;
        self.memory = memory;
        let (Observation { picture, scene, .. }, _) = result?;
        let id = ScreenId { display: u64::from(scene.monitor.id), ..ScreenId::from(picture.size()) };
        let front = self.front_of(&scene);
        self.seen = Some(ReturnedScreen { id, scene });
        self.memory.mark_returned();
        Ok(Screen { picture, front, id })
    }

    fn front_of(&self, scene: &Scene) -> Front {
        self.app_of(scene.focused.as_deref())
    }

    fn app_of(&self, class: Option<&str>) -> Front {
        let owner = class.map(|class| WindowOwner { class: class.to_owned(), instance: String::new(), program: None });
        self.menu.front(owner.as_ref())
    }

    fn windows_of(&self, scene: &Scene, app: &str) -> usize {
        scene.apps().filter(|class| self.app_of(Some(class)).id == app).count()
    }

    async fn scene(&self, deadline: Deadline) -> Result<Scene, DriverErrorKind> {
        self.worker.call("to see what lies where", deadline, |_| worker::scene().map(|(scene, _)| scene)).await
    }

    /// A spot as a place of the desktop, and what was seen.
    fn aim(&self, spot: &Spot) -> Result<(Scene, (i32, i32)), DriverErrorKind> {
        let Some(seen) = self.seen.as_ref().filter(|seen| seen.id == spot.of) else {
            return Err(DriverErrorKind::Stale);
        };
        let size = spot.of.size;
        if spot.x >= size.width || spot.y >= size.height {
            return Err(refused(format!("{}, {} is not on a monitor of {size}", spot.x, spot.y)));
        }
        Ok((seen.scene.clone(), seen.scene.monitor.place(spot, size)))
    }

    /// Moves the pointer to a place, if what was seen there is there, and does something with it.
    async fn point(&mut self, at: &Spot, steps: Vec<PointerStep>, deadline: Deadline) -> Result<(), DriverErrorKind> {
        let (scene, place) = self.aim(at)?;
        let job = move |platform: &mut worker::Platform| platform.point(&scene, place, &steps);
        match self.worker.call("to use the pointer", deadline, job).await? {
            true => Ok(()),
            false => Err(DriverErrorKind::Stale),
        }
    }

    async fn click(
        &mut self,
        at: &Spot,
        button: Button,
        count: u32,
        modifiers: &[Modifier],
        deadline: Deadline,
    ) -> Result<(), DriverErrorKind> {
        let (_, place) = self.aim(at)?;
        if let Some(last) = &self.last_click {
            deadline.rest_until(last.double_click_end(place)).await;
        }
        let hold = modifiers.iter().map(|modifier| PointerStep::Hold(*modifier));
        let clicks = (0..count).map(|_| PointerStep::Click(button));
        let let_go = modifiers.iter().rev().map(|modifier| PointerStep::LetGo(*modifier));
        self.point(at, hold.chain(clicks).chain(let_go).collect(), deadline).await?;
        self.last_click = Some(LastClick::now(place));
        Ok(())
    }

    async fn drag(
        &mut self,
        from: &Spot,
        to: &Spot,
        over: Duration,
        deadline: Deadline,
    ) -> Result<(), DriverErrorKind> {
        let (begin, end) = (self.aim(from)?.1, self.aim(to)?.1);
        let mut steps = vec![PointerStep::Press(Button::Left), PointerStep::Rest(DRAG_REST)];
        let mut before = Duration::ZERO;
        for (after, place) in way(begin, end, over) {
            steps.extend([PointerStep::Rest(after.saturating_sub(before)), PointerStep::Move(place)]);
            before = after;
        }
        steps.extend([PointerStep::Rest(DRAG_REST), PointerStep::Release(Button::Left)]);
        self.point(from, steps, deadline).await
    }

    async fn chord(
        &mut self,
        modifiers: &[Modifier],
        key: &KeyName,
        deadline: Deadline,
    ) -> Result<(), DriverErrorKind> {
        let key = keys::of_name(key).ok_or_else(|| refused(format!("this system has no key {:?}", key.as_str())))?;
        let modifiers = modifiers.to_vec();
        self.worker.call("to press a key", deadline, move |platform| platform.chord(&modifiers, key)).await
    }

    async fn type_text(&mut self, text: &str, replaces: bool, deadline: Deadline) -> Result<(), DriverErrorKind> {
        if let Some(letter) = text.chars().find(|letter| letter.is_control() && !matches!(letter, '\n' | '\t')) {
            return Err(refused(format!("no key types {letter:?}; nothing was typed")));
        }
        if replaces {
            self.chord(&[SELECTS_ALL], &key_name("a"), deadline).await?;
            if text.is_empty() {
                return self.chord(&[], &key_name("Backspace"), deadline).await;
            }
        }
        let text = text.to_owned();
        self.worker.call("to type a text", deadline, move |platform| platform.text(&text)).await
    }

    async fn gesture(&mut self, gesture: &Gesture, deadline: Deadline) -> Result<(), DriverErrorKind> {
        self.wait_for_started(deadline).await?;
        match gesture {
            Gesture::Tap { at } => self.click(at, Button::Left, 1, &[], deadline).await,
            Gesture::DoubleTap { at } => self.click(at, Button::Left, 2, &[], deadline).await,
            Gesture::LongPress { at, hold } => {
                let rest = PointerStep::Rest(check_duration(*hold)?);
                let steps = vec![PointerStep::Press(Button::Left), rest, PointerStep::Release(Button::Left)];
                self.point(at, steps, deadline).await
            }
            Gesture::Swipe { from, to, over } => {
                self.aim(to)?;
                check_duration(*over)?;
                // There is no finger: what a swipe moves, a wheel moves.
                let (right, down) = notches(from, to);
                self.scroll(from, right, down, deadline).await
            }
            Gesture::Drag { from, to, over } => self.drag(from, to, check_duration(*over)?, deadline).await,
            Gesture::Click { at, button, count, modifiers } => {
                self.click(at, *button, count.count(), modifiers, deadline).await
            }
            Gesture::Move { at } => self.point(at, Vec::new(), deadline).await,
            Gesture::Scroll { at, right, down } => self.scroll(at, *right, *down, deadline).await,
            Gesture::Type { text } => self.type_text(text, true, deadline).await,
            Gesture::Insert { text } => self.type_text(text, false, deadline).await,
            Gesture::Press { key: Key::Enter } => self.chord(&[], &key_name("Enter"), deadline).await,
            Gesture::Press { key: Key::Back } => self.chord(&[Modifier::Alt], &key_name("ArrowLeft"), deadline).await,
            Gesture::Press { key: Key::Home } => self.go_home(deadline).await,
            Gesture::Chord { modifiers, key } => self.chord(modifiers, key, deadline).await,
            Gesture::Launch { app } => self.launch(app, deadline).await,
            Gesture::Window { .. } => {
                Err(refused("windows are not changed through this back end: use the pointer and keys"))
            }
        }
    }

    async fn scroll(&mut self, at: &Spot, right: i32, down: i32, deadline: Deadline) -> Result<(), DriverErrorKind> {
        self.aim(at)?;
        check_notches(right, down)?;
        self.point(at, vec![PointerStep::Scroll { right, down }], deadline).await
    }

    /// The desktop without windows. Where the windows are told and none is in front, it is there already, and the key would bring them back.
    async fn go_home(&mut self, deadline: Deadline) -> Result<(), DriverErrorKind> {
        if cfg!(target_os = "linux") {
            let scene = self.scene(deadline).await?;
            if scene.focused.is_none() && scene.apps().next().is_some() {
                return Ok(());
            }
        }
        let (modifiers, key): (&[Modifier], &str) = match std::env::consts::OS {
            "macos" => (&[], "F11"),
            // Pressed twice, it is the desktop still.
            "windows" => (&[Modifier::Meta], "m"),
            _ => (&[Modifier::Meta], "d"),
        };
        self.chord(modifiers, &key_name(key), deadline).await
    }

    /// Starts an app, if it is not in front.
    async fn launch(&mut self, app: &str, deadline: Deadline) -> Result<(), DriverErrorKind> {
        let found = self.menu.find(app)?;
        let [entry] = found[..] else {
            return Err(DriverErrorKind::NoSuchApp {
                app: app.to_owned(),
                like: found.iter().map(|entry| entry.id.clone()).collect(),
            });
        };
        let entry = entry.clone();
        let scene = self.scene(deadline).await?;
        if self.front_of(&scene).id == entry.id {
            return Ok(());
        }
        let windows = self.windows_of(&scene, &entry.id);
        start(&entry)?;
        self.starting = Some(StartingApp { id: entry.id, windows, until: Instant::now() + TO_FRONT });
        self.wait_for_started(deadline).await
    }

    /// Waits for an app that was started, as long as it may take.
    async fn wait_for_started(&mut self, deadline: Deadline) -> Result<(), DriverErrorKind> {
        while let Some(starting) = &self.starting {
            let scene = self.scene(deadline).await?;
            let has_come =
                self.front_of(&scene).id == starting.id && self.windows_of(&scene, &starting.id) > starting.windows;
            if has_come || Instant::now() >= starting.until {
                self.starting = None;
                break;
            }
            if deadline.is_over() {
                return Err(DriverErrorKind::TimedOut { tries: format!("{} is still starting", starting.id) });
            }
            deadline.rest_until(Instant::now() + FRONT_PAUSE).await;
        }
        Ok(())
    }

    fn error(&self, operation: &'static str, kind: DriverErrorKind) -> DriverError {
        DriverError { device: self.name.clone(), operation, kind }
    }
}

/// Starts a program of the menu, and does not wait for it.
fn start(entry: &MenuEntry) -> Result<(), DriverErrorKind> {
    if entry.in_terminal {
        return Err(refused(format!("{} cannot be started through this back end: it wants a terminal", entry.label)));
    }
    start_detached(&entry.command, None)
}

#[async_trait]
impl Driver for PortableDesktop {
    fn name(&self) -> &str {
        &self.name
    }

    fn abilities(&self) -> Abilities {
        // Apps are launched from the menu, which is a folder of files on Linux only.
        Abilities { labels: false, windows: false, launch: cfg!(target_os = "linux"), ..Abilities::DESKTOP }
    }

    async fn screen(&mut self, within: Duration) -> Result<Screen, DriverError> {
        let result = self.settled_screen(Deadline::after(within)).await;
        result.map_err(|kind| self.error("take a picture", kind))
    }

    async fn perform(&mut self, gesture: &Gesture, within: Duration) -> Result<(), DriverError> {
        let deadline = Deadline::after(within);
        self.memory.touch();
        let result = match deadline.check() {
            Ok(_) => self.gesture(gesture, deadline).await,
            Err(kind) => Err(kind),
        };
        self.memory.touch();
        result.map_err(|kind| self.error(gesture.name(), kind))
    }

    async fn find_app(&mut self, name: &str, _within: Duration) -> Result<Vec<InstalledApp>, DriverError> {
        let found = self.menu.find(name).map(|found| found.into_iter().map(MenuEntry::to_installed_app).collect());
        found.map_err(|kind| self.error("find an app", kind))
    }
}

/// The size of a picture whose pixels are known.
fn picture(width: u32, height: u32, rgba: Vec<u8>) -> Result<Picture, String> {
    Picture::new(Size { width, height }, rgba).map_err(|error| error.to_string())
}
