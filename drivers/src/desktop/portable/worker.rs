//! The thread that owns xcap and enigo: both block, and on some systems neither may be used from two threads.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use enigo::{Axis, Coordinate, Direction, Enigo, Keyboard as _, Mouse as _, Settings};
use tapwright_contract::device::DriverErrorKind;
use tapwright_contract::gesture::{Button, Modifier};
use tapwright_contract::{Picture, Size, Spot};
use tokio::sync::oneshot;
use xcap::{Monitor, Window};

use super::{keys, picture};
use crate::deadline::Deadline;
use crate::refused;

/// So many windows are looked at.
const WINDOWS_MAX: usize = 200;
/// How many different characters are typed before a rest: on X11 enigo lends keys to characters that the layout has not, and lends
/// them anew before the app has read what they were.
const PIECE_CHARACTERS: usize = 12;
const PIECE_REST: Duration = Duration::from_millis(60);

type Job = Box<dyn FnOnce(&mut Platform) + Send>;

/// Has things done on the thread.
pub(super) struct Worker {
    jobs: mpsc::Sender<Job>,
}

/// Both libraries.
pub(super) struct Platform {
    enigo: Enigo,
}

/// One monitor, in the units in which the pointer is moved.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct MonitorArea {
    pub id: u32,
    x: i32,
    y: i32,
    width: u32,
    height: u32,
}

/// A window that lies somewhere.
#[derive(Clone, Debug, PartialEq)]
struct WindowArea {
    id: u32,
    /// What the system calls its app.
    app: String,
    x: i32,
    y: i32,
    width: u32,
    height: u32,
}

/// What lies where.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scene {
    pub monitor: MonitorArea,
    /// The topmost first.
    windows: Vec<WindowArea>,
    /// The app whose window has the focus.
    pub focused: Option<String>,
}

/// What a pointer does.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum PointerStep {
    Move((i32, i32)),
    Press(Button),
    Release(Button),
    Click(Button),
    Scroll { right: i32, down: i32 },
    Hold(Modifier),
    LetGo(Modifier),
    Rest(Duration),
}

impl MonitorArea {
    /// The place of a pixel of its picture.
    pub fn place(&self, spot: &Spot, size: Size) -> (i32, i32) {
        let scaled = |at: u32, of: u32, to: u32| {
            i32::try_from(u64::from(at) * u64::from(to) / u64::from(of.max(1))).unwrap_or_default()
        };
        (self.x + scaled(spot.x, size.width, self.width), self.y + scaled(spot.y, size.height, self.height))
    }

    fn holds(&self, (x, y): (i32, i32)) -> bool {
        let inside = |at: i32, from: i32, far: u32| {
            i64::from(at) >= i64::from(from) && i64::from(at) < i64::from(from) + i64::from(far)
        };
        inside(x, self.x, self.width) && inside(y, self.y, self.height)
    }
}

impl Scene {
    /// The topmost window at a place.
    fn at(&self, (x, y): (i32, i32)) -> Option<&WindowArea> {
        let inside = |at: i32, from: i32, far: u32| {
            i64::from(at) >= i64::from(from) && i64::from(at) < i64::from(from) + i64::from(far)
        };
        self.windows.iter().find(|window| inside(x, window.x, window.width) && inside(y, window.y, window.height))
    }

    /// The app of each window.
    pub fn apps(&self) -> impl Iterator<Item = &str> {
        self.windows.iter().map(|window| &*window.app)
    }
}

impl Worker {
    /// Starts the thread.
    ///
    /// # Errors
    /// `Refused` if the system lets nobody in.
    pub async fn start(deadline: Deadline) -> Result<Worker, DriverErrorKind> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let (told, started) = oneshot::channel();
        thread::spawn(move || {
            let settings = Settings { open_prompt_to_get_permissions: false, linux_delay: 2, ..Settings::default() };
            match Enigo::new(&settings) {
                Ok(enigo) => {
                    let mut platform = Platform { enigo };
                    drop(told.send(Ok(())));
                    queue.into_iter().for_each(|job| job(&mut platform));
                }
                Err(error) => drop(told.send(Err(error.to_string()))),
            }
        });
        let started = deadline.hold("the desktop", async { Ok(started.await) }).await?;
        match started {
            Ok(Ok(())) => Ok(Worker { jobs }),
            Ok(Err(why)) => Err(refused(format!(
                "pointer and keys cannot be used: {why}; allow this program to control the computer in the system's settings"
            ))),
            Err(_) => Err(refused("pointer and keys cannot be used")),
        }
    }

    /// Has something done, and waits for it.
    ///
    /// # Errors
    /// `TimedOut` if it takes longer; it may be done in the end.
    pub async fn call<T: Send + 'static>(
        &self,
        what: &'static str,
        deadline: Deadline,
        job: impl FnOnce(&mut Platform) -> Result<T, String> + Send + 'static,
    ) -> Result<T, DriverErrorKind> {
        let (told, done) = oneshot::channel();
        // Whoever does not wait any more does not hear of it.
        let job: Job = Box::new(move |platform| drop(told.send(job(platform))));
        let gone = || DriverErrorKind::Lost { why: "the desktop is gone".to_owned() };
        self.jobs.send(job).map_err(|_| gone())?;
        match deadline.hold(what, async { Ok(done.await) }).await? {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(why)) => Err(refused(format!("{what}: {why}"))),
            Err(_) => Err(gone()),
        }
    }
}

impl Platform {
    /// A picture of the monitor with the window in front, and what lies where.
    pub fn observe(&mut self) -> Result<(Picture, Scene), String> {
        let (scene, monitor) = scene()?;
        let image = monitor.capture_image().map_err(|error| error.to_string())?;
        let (width, height) = (image.width(), image.height());
        let mut rgba = image.into_raw();
        // What a system leaves transparent is shown as it is.
        rgba.chunks_exact_mut(4).for_each(|pixel| pixel[3] = 255);
        Ok((picture(width, height, rgba)?, scene))
    }

    /// Moves the pointer to a place and does something with it, if what was seen lies there; says whether it did.
    pub fn point(&mut self, seen: &Scene, place: (i32, i32), steps: &[PointerStep]) -> Result<bool, String> {
        let (now, _) = scene()?;
        if now.monitor != seen.monitor || now.at(place) != seen.at(place) {
            return Ok(false);
        }
        let began = self.steps(&[&[PointerStep::Move(place)], steps].concat());
        if began.is_err() {
            // Whatever is held would stay so.
            for step in steps {
                match step {
                    PointerStep::Press(button) => drop(self.enigo.button(button_of(*button), Direction::Release)),
                    PointerStep::Hold(modifier) => {
                        drop(self.enigo.key(keys::of_modifier(*modifier), Direction::Release))
                    }
                    _ => {}
                }
            }
        }
        began.map(|()| true)
    }

    fn steps(&mut self, steps: &[PointerStep]) -> Result<(), String> {
        for step in steps {
            let enigo = &mut self.enigo;
            let done = match step {
                PointerStep::Move((x, y)) => enigo.move_mouse(*x, *y, Coordinate::Abs),
                PointerStep::Press(button) => enigo.button(button_of(*button), Direction::Press),
                PointerStep::Release(button) => enigo.button(button_of(*button), Direction::Release),
                PointerStep::Click(button) => enigo.button(button_of(*button), Direction::Click),
                PointerStep::Scroll { right, down } => enigo
                    .scroll(*down, Axis::Vertical)
                    .and_then(|()| if *right == 0 { Ok(()) } else { enigo.scroll(*right, Axis::Horizontal) }),
                PointerStep::Hold(modifier) => enigo.key(keys::of_modifier(*modifier), Direction::Press),
                PointerStep::LetGo(modifier) => enigo.key(keys::of_modifier(*modifier), Direction::Release),
                PointerStep::Rest(time) => {
                    thread::sleep(*time);
                    Ok(())
                }
            };
            done.map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    pub fn chord(&mut self, modifiers: &[Modifier], key: enigo::Key) -> Result<(), String> {
        let mut done = Ok(());
        for modifier in modifiers {
            done = done.and_then(|()| self.enigo.key(keys::of_modifier(*modifier), Direction::Press));
        }
        done = done.and_then(|()| self.enigo.key(key, Direction::Click));
        // Also after a failure: whatever is held would stay so.
        for modifier in modifiers.iter().rev() {
            let let_go = self.enigo.key(keys::of_modifier(*modifier), Direction::Release);
            done = done.and(let_go);
        }
        done.map_err(|error| error.to_string())
    }

    pub fn text(&mut self, text: &str) -> Result<(), String> {
        for (nth, line) in text.split('\n').enumerate() {
            if nth > 0 {
                self.enigo.key(enigo::Key::Return, Direction::Click).map_err(|error| error.to_string())?;
            }
            for piece in pieces(line) {
                self.enigo.text(&piece).map_err(|error| error.to_string())?;
                if !piece.is_ascii() {
                    thread::sleep(PIECE_REST);
                }
            }
        }
        Ok(())
    }
}

/// A text in pieces that have few characters beyond those of ASCII each.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut lent = 0;
    for letter in text.chars() {
        if !letter.is_ascii() {
            lent += 1;
        }
        if lent > PIECE_CHARACTERS {
            pieces.push(String::new());
            lent = 1;
        }
        pieces.last_mut().expect("there is one").push(letter);
    }
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

fn button_of(button: Button) -> enigo::Button {
    match button {
        Button::Left => enigo::Button::Left,
        Button::Middle => enigo::Button::Middle,
        Button::Right => enigo::Button::Right,
        Button::Back => enigo::Button::Back,
        Button::Forward => enigo::Button::Forward,
    }
}

/// What lies where now, and the monitor with the window in front, or the first one.
pub(super) fn scene() -> Result<(Scene, Monitor), String> {
    let text = |error: xcap::XCapError| error.to_string();
    let mut focused = None;
    let mut windows = Vec::new();
    let mut place = None;
    // Without a list of windows, as on Wayland, there is none in front.
    for window in Window::all().unwrap_or_default().into_iter().take(WINDOWS_MAX) {
        if window.is_minimized().unwrap_or(false) {
            continue;
        }
        let (Ok(id), Ok(x), Ok(y), Ok(width), Ok(height)) =
            (window.id(), window.x(), window.y(), window.width(), window.height())
        else {
            continue;
        };
        if focused.is_none() && window.is_focused().unwrap_or(false) {
            focused = window.app_name().ok();
            place = Some((x.saturating_add(width as i32 / 2), y.saturating_add(height as i32 / 2)));
        }
        let app = window.app_name().unwrap_or_default();
        windows.push((window.z().unwrap_or(0), WindowArea { id, app, x, y, width, height }));
    }
    windows.sort_by_key(|(z, _)| std::cmp::Reverse(*z));
    let windows = windows.into_iter().map(|(_, window)| window).collect();
    let monitors = Monitor::all().map_err(text)?;
    let mut areas = Vec::new();
    for monitor in monitors {
        let area = MonitorArea {
            id: monitor.id().map_err(text)?,
            x: monitor.x().map_err(text)?,
            y: monitor.y().map_err(text)?,
            width: monitor.width().map_err(text)?,
            height: monitor.height().map_err(text)?,
        };
        areas.push((area, monitor));
    }
    let with_front = place.and_then(|place| areas.iter().position(|(area, _)| area.holds(place)));
    let at = with_front.or_else(|| areas.iter().position(|(_, monitor)| monitor.is_primary().unwrap_or(false)));
    if areas.is_empty() {
        return Err("there is no monitor".to_owned());
    }
    let (area, monitor) = areas.swap_remove(at.unwrap_or(0));
    Ok((Scene { monitor: area, windows, focused }, monitor))
}

#[cfg(test)]
mod tests {
    use tapwright_contract::ScreenId;

    use super::*;

    #[test]
    fn a_pixel_is_a_place_of_the_pointer_also_on_a_sharp_monitor() {
        let monitor = MonitorArea { id: 1, x: -100, y: 50, width: 800, height: 600 };
        let size = Size { width: 1600, height: 1200 };
        let spot = Spot { x: 801, y: 1199, of: ScreenId::from(size) };
        assert_eq!(monitor.place(&spot, size), (300, 649));
        assert!(monitor.holds((-100, 50)) && monitor.holds((699, 649)) && !monitor.holds((700, 649)));
    }

    #[test]
    fn a_text_is_typed_in_pieces() {
        assert_eq!(
            pieces("plain text of any length, as long as it is ASCII"),
            ["plain text of any length, as long as it is ASCII"]
        );
        let long: String = "漢".repeat(30);
        assert_eq!(pieces(&long).iter().map(|piece| piece.chars().count()).collect::<Vec<_>>(), [12, 12, 6]);
        assert!(pieces("").is_empty());
    }
}
