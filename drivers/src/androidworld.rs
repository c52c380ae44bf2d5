//! The phone behind AndroidWorld's own server: its screen, its actions, its tasks and their scores.
//!
//! It is the server of AndroidWorld's Docker image, or the few lines of Python of `docs/androidworld_agent.py`, which let its harness keep
//! the phone and ask this program for what to do next. Neither tells a tree of widgets.

mod pixels;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use tapwright_contract::Spot;
use tapwright_contract::device::{Driver, DriverError, DriverErrorKind, Front, Screen};
use tapwright_contract::gesture::{Abilities, Gesture, Key};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::{Position, Url, form_urlencoded};

use crate::osworld::driver::{action_error, question_error};
use crate::osworld::http::{Body, Http, ServerAddress};
use crate::{OpenRig, Rig};

/// A screen is three numbers of up to four characters a pixel; this holds one of 8 million pixels.
const SCREEN_BYTES_MAX: u64 = 128 << 20;
const ANSWER_BYTES_MAX: u64 = 4 << 20;
/// Making a phone ready for a task, and ending one, installs and fills apps: it takes minutes on a slow machine, whatever connecting may take.
const PREPARE: Duration = Duration::from_secs(300);
/// How an address of such a server is written.
const WANTED: &str = "write androidworld:http://HOST:5000, where AndroidWorld's server listens";

/// AndroidWorld's server.
pub struct AndroidWorldServer {
    address: String,
    http: Http,
    /// There is one phone behind it.
    phone: Arc<Semaphore>,
}

/// A phone behind a server that has been made ready for a task, or is taken as it is.
pub struct AndroidWorldPhone {
    server: Arc<AndroidWorldServer>,
    task: Option<(String, u64)>,
}

/// The phone of a server that nobody has spoken to yet, as it is.
#[derive(Debug)]
pub struct AndroidWorldAddress(pub String);

#[async_trait]
impl OpenRig for AndroidWorldAddress {
    fn name(&self) -> String {
        format!("androidworld:{}", self.0)
    }

    async fn open(&self, within: Duration) -> Result<Rig, DriverError> {
        let server = AndroidWorldServer::new(&self.0).map_err(|why| {
            let kind = DriverErrorKind::Refused { why };
            DriverError { device: self.name(), operation: "connect", kind }
        })?;
        AndroidWorldPhone::new(Arc::new(server), None).open(within).await
    }
}

/// The phone while a run has it.
struct PhoneDriver {
    server: Arc<AndroidWorldServer>,
    task: Option<(String, u64)>,
    /// What was touched last: text goes there, as its server touches what it types into.
    touched: Option<Spot>,
    /// Nobody else has the phone.
    _permit: OwnedSemaphorePermit,
}

impl AndroidWorldServer {
    /// Reads `http://HOST:PORT`. Nothing is asked yet.
    ///
    /// # Errors
    /// What is wrong with the address, and how one is written.
    pub fn new(address: &str) -> Result<AndroidWorldServer, String> {
        let written = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
        let base = Url::parse(&written).map_err(|error| format!("{address:?} is no address ({error}); {WANTED}"))?;
        let is_plain = ["http", "https"].contains(&base.scheme())
            && base.host_str().is_some()
            && base.username().is_empty()
            && &base[Position::AfterPort..] == base.path()
            && base.path() == "/";
        if !is_plain {
            return Err(format!("{address:?} is no address of such a server; {WANTED}"));
        }
        let name = base[..Position::BeforePath].to_owned();
        let http = Http::new(&ServerAddress { base, token: None, browser_port: 0, vlc_port: 0 })?;
        Ok(AndroidWorldServer { address: name, http, phone: Arc::new(Semaphore::new(1)) })
    }

    /// `http://HOST:PORT`
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The names of its tasks.
    ///
    /// # Errors
    /// `DriverError` if it does not answer, or not with names.
    pub async fn tasks(&self, within: Duration) -> Result<Vec<String>, DriverError> {
        let answer = self.ask("/suite/task_list?max_index=-1", "list the tasks", within).await?;
        let list = answer.get("task_list").unwrap_or(&answer);
        let names = list.as_array().map(|names| names.iter().filter_map(|name| name.as_str().map(str::to_owned)));
        names.map(Iterator::collect).ok_or_else(|| self.malformed("list the tasks", "it names no tasks"))
    }

    /// How many cases a task has, each with parameters of its own.
    ///
    /// # Errors
    /// As [`AndroidWorldServer::tasks`].
    pub async fn task_length(&self, task: &str, within: Duration) -> Result<u64, DriverError> {
        let answer = self.ask(&format!("/suite/task_length?{}", query(task, None)), "count the cases", within).await?;
        let length = answer.get("length").unwrap_or(&answer).as_u64();
        length.ok_or_else(|| self.malformed("count the cases", "it says no number"))
    }

    /// What a case asks for.
    ///
    /// # Errors
    /// As [`AndroidWorldServer::tasks`].
    pub async fn goal(&self, task: &str, index: u64, within: Duration) -> Result<String, DriverError> {
        let answer = self.ask(&format!("/task/goal?{}", query(task, Some(index))), "ask for a goal", within).await?;
        let goal = answer.get("goal").unwrap_or(&answer).as_str().map(str::to_owned);
        goal.ok_or_else(|| self.malformed("ask for a goal", "it says no goal"))
    }

    /// The score of a case by the state of the phone. Whether the agent has said that it is done is the caller's to know.
    ///
    /// # Errors
    /// As [`AndroidWorldServer::tasks`].
    pub async fn score(&self, task: &str, index: u64, within: Duration) -> Result<f64, DriverError> {
        let answer = self.ask(&format!("/task/score?{}", query(task, Some(index))), "score", within).await?;
        let score = answer.get("score").unwrap_or(&answer).as_f64().filter(|score| (0.0..=1.0).contains(score));
        score.ok_or_else(|| self.malformed("score", "it says no number from 0 to 1"))
    }

    /// Says what the agent has found out: what its tasks that ask for something are judged by.
    ///
    /// # Errors
    /// As [`AndroidWorldServer::tasks`].
    pub async fn answer(&self, text: &str, within: Duration) -> Result<(), DriverError> {
        self.act(&json!({"action_type": "answer", "text": text}), "answer", within).await
    }

    async fn act(&self, action: &Value, operation: &'static str, within: Duration) -> Result<(), DriverError> {
        let answer = self.http.act("/execute_action", &Body::Json(action), ANSWER_BYTES_MAX, within).await;
        let answer = answer.map_err(|kind| self.error(operation, action_error(kind)))?;
        self.check(operation, answer.status, &answer.body)
    }

    /// Has something done that takes no body.
    async fn post(&self, path: &str, operation: &'static str, within: Duration) -> Result<(), DriverError> {
        let answer = self.http.act(path, &Body::Form(&[]), ANSWER_BYTES_MAX, within).await;
        let answer = answer.map_err(|kind| self.error(operation, action_error(kind)))?;
        self.check(operation, answer.status, &answer.body)
    }

    async fn ask(&self, path: &str, operation: &'static str, within: Duration) -> Result<Value, DriverError> {
        let answer = self.http.read(path, &Body::Nothing, ANSWER_BYTES_MAX, within).await;
        let answer = answer.map_err(|kind| self.error(operation, question_error(kind)))?;
        self.check(operation, answer.status, &answer.body)?;
        serde_json::from_slice(&answer.body).map_err(|error| self.malformed(operation, &error.to_string()))
    }

    async fn screen(&self, within: Duration) -> Result<Screen, DriverError> {
        const LOOK: &str = "look";
        let path = "/screenshot?wait_to_stabilize=true";
        let answer = self.http.read(path, &Body::Nothing, SCREEN_BYTES_MAX, within).await;
        let answer = answer.map_err(|kind| self.error(LOOK, question_error(kind)))?;
        self.check(LOOK, answer.status, &answer.body)?;
        // Some million numbers.
        let read = tokio::task::spawn_blocking(move || pixels::read(&answer.body)).await;
        let picture = read.map_err(|error| self.malformed(LOOK, &error.to_string()))?;
        let picture = picture.map_err(|why| self.malformed(LOOK, &why))?;
        Ok(Screen::new(picture, Front { id: String::new(), label: String::new(), aliases: Vec::new() }))
    }

    fn check(&self, operation: &'static str, status: u16, body: &[u8]) -> Result<(), DriverError> {
        if (200..300).contains(&status) {
            return Ok(());
        }
        let said: String = String::from_utf8_lossy(body).chars().take(300).collect();
        Err(self.error(operation, DriverErrorKind::Refused { why: format!("status {status}: {said}") }))
    }

    fn malformed(&self, operation: &'static str, why: &str) -> DriverError {
        self.error(operation, DriverErrorKind::MalformedResponse { why: why.to_owned() })
    }

    fn error(&self, operation: &'static str, kind: DriverErrorKind) -> DriverError {
        DriverError { device: self.address.clone(), operation, kind }
    }
}

impl fmt::Debug for AndroidWorldServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AndroidWorld's server at {}", self.address)
    }
}

/// What names a case, as a query.
fn query(task: &str, index: Option<u64>) -> String {
    let mut pairs = form_urlencoded::Serializer::new(String::new());
    pairs.append_pair("task_type", task);
    if let Some(index) = index {
        pairs.append_pair("task_idx", &index.to_string());
    }
    pairs.finish()
}

impl AndroidWorldPhone {
    /// The phone as it is, or made ready for a task's case.
    pub fn new(server: Arc<AndroidWorldServer>, task: Option<(String, u64)>) -> AndroidWorldPhone {
        AndroidWorldPhone { server, task }
    }
}

impl fmt::Debug for AndroidWorldPhone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the phone of {:?}, for {:?}", self.server, self.task)
    }
}

#[async_trait]
impl OpenRig for AndroidWorldPhone {
    fn name(&self) -> String {
        match &self.task {
            Some((task, index)) => format!("androidworld:{} {task} {index}", self.server.address),
            None => self.rig(),
        }
    }

    fn rig(&self) -> String {
        format!("androidworld:{}", self.server.address)
    }

    async fn open(&self, within: Duration) -> Result<Rig, DriverError> {
        let permit = self.server.phone.clone().acquire_owned().await;
        let permit = permit.map_err(|error| self.server.malformed("open", &error.to_string()))?;
        if let Some((task, index)) = &self.task {
            self.server.post("/reset?go_home=true", "reset", within.max(PREPARE)).await?;
            let path = format!("/task/initialize?{}", query(task, Some(*index)));
            self.server.post(&path, "make a task ready", within.max(PREPARE)).await?;
        } else {
            self.server.ask("/health", "connect", within).await?;
        }
        let driver =
            PhoneDriver { server: self.server.clone(), task: self.task.clone(), touched: None, _permit: permit };
        let about = format!("the phone of AndroidWorld's server at {}", self.server.address);
        Ok(Rig { driver: Box::new(driver), apis: Vec::new(), probe: None, about, identity: None, teardown: None })
    }
}

impl PhoneDriver {
    fn refused(&self, gesture: &Gesture, why: &str) -> DriverError {
        self.server.error(gesture.name(), DriverErrorKind::Refused { why: why.to_owned() })
    }

    /// What AndroidWorld calls a gesture; what it has no word for is refused.
    fn action(&self, gesture: &Gesture) -> Result<Value, DriverError> {
        let at = |action: &str, at: &Spot| json!({"action_type": action, "x": at.x, "y": at.y});
        Ok(match gesture {
            Gesture::Tap { at: spot } => at("click", spot),
            Gesture::DoubleTap { at: spot } => at("double_tap", spot),
            Gesture::LongPress { at: spot, .. } => at("long_press", spot),
            Gesture::Swipe { from, to, .. } => json!({"action_type": "scroll", "direction": direction(*from, *to)}),
            Gesture::Type { text } => {
                let Some(spot) = self.touched else {
                    return Err(self.refused(gesture, "tap the field first: text goes where the last touch was"));
                };
                json!({"action_type": "input_text", "text": text, "x": spot.x, "y": spot.y, "clear_text": true})
            }
            Gesture::Press { key: Key::Back } => json!({"action_type": "navigate_back"}),
            Gesture::Press { key: Key::Home } => json!({"action_type": "navigate_home"}),
            Gesture::Press { key: Key::Enter } => json!({"action_type": "keyboard_enter"}),
            Gesture::Launch { app } => json!({"action_type": "open_app", "app_name": app}),
            Gesture::Drag { .. }
            | Gesture::Click { .. }
            | Gesture::Move { .. }
            | Gesture::Scroll { .. }
            | Gesture::Insert { .. }
            | Gesture::Chord { .. }
            | Gesture::Window { .. } => {
                return Err(self.refused(gesture, "AndroidWorld's server has no such action"));
            }
        })
    }
}

/// Where a list goes that a finger moves so: it shows what lies the other way.
fn direction(from: Spot, to: Spot) -> &'static str {
    let (right, down) = (i64::from(to.x) - i64::from(from.x), i64::from(to.y) - i64::from(from.y));
    match (right.abs() > down.abs(), right > 0, down > 0) {
        (true, true, _) => "left",
        (true, false, _) => "right",
        (false, _, true) => "up",
        (false, _, false) => "down",
    }
}

#[async_trait]
impl Driver for PhoneDriver {
    fn name(&self) -> &str {
        &self.server.address
    }

    fn abilities(&self) -> Abilities {
        Abilities { drag: false, labels: false, ..Abilities::PHONE }
    }

    async fn screen(&mut self, within: Duration) -> Result<Screen, DriverError> {
        self.server.screen(within).await
    }

    async fn perform(&mut self, gesture: &Gesture, within: Duration) -> Result<(), DriverError> {
        let action = self.action(gesture)?;
        if let Gesture::Tap { at } | Gesture::DoubleTap { at } | Gesture::LongPress { at, .. } = gesture {
            self.touched = Some(*at);
        }
        self.server.act(&action, gesture.name(), within).await
    }

    async fn close(&mut self, within: Duration) -> Result<(), DriverError> {
        let Some((task, index)) = &self.task else { return Ok(()) };
        let path = format!("/task/tear_down?{}", query(task, Some(*index)));
        self.server.post(&path, "end a task", within.max(PREPARE)).await
    }
}

#[cfg(test)]
mod tests {
    use tapwright_contract::{ScreenId, Size};

    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port() {
        let read = |text: &str| AndroidWorldServer::new(text).map(|server| server.address);
        assert_eq!(read("http://10.0.0.2:5000/").unwrap(), "http://10.0.0.2:5000");
        assert_eq!(read("box:5000").unwrap(), "http://box:5000");
        for wrong in ["", "http://", "ftp://box:1", "http://box:5000/reset", "http://a@box:1", "http://box:1?x=1"] {
            let why = read(wrong).unwrap_err();
            assert!(why.contains("androidworld:http://HOST:5000"), "{wrong}: {why}");
        }
    }

    #[test]
    fn a_finger_that_goes_up_shows_what_lies_below() {
        let spot = |x, y| Spot { x, y, of: ScreenId::from(Size { width: 100, height: 200 }) };
        for (to, wanted) in [((50, 10), "down"), ((50, 190), "up"), ((5, 100), "right"), ((95, 100), "left")] {
            assert_eq!(direction(spot(50, 100), spot(to.0, to.1)), wanted);
        }
    }
}
