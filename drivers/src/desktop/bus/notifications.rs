//! Who is on the bus, and what programs tell people in passing. On a desktop of our own nobody else shows notifications: they are taken
//! here, kept for a while, and told by a call.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tapwright_contract::api::{ApiEffect, ApiError, ApiSpec, Apis};
use tapwright_contract::device::DriverErrorKind;
use tokio::task::JoinHandle;
use zbus::message::Type;
use zbus::{Connection, Message, MessageStream, OwnedVariant};

use super::super::api_error;
use super::{ANSWER_MAX, BUS, BUS_PATH, BusLink, Method, PLAYER_PREFIX as PREFIX, SessionBus, connect};
use crate::deadline::Deadline;

const NOTIFICATIONS: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";
/// As many are kept, the latest, and no text of them is longer.
const KEPT_MAX: usize = 50;
const TEXT_MAX: usize = 1000;
/// No more players are known.
const PLAYERS_MAX: usize = 20;
/// How long the bus may take to say who is there.
const SOON: Duration = Duration::from_secs(5);

/// What a program has told in passing.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Notification {
    id: u32,
    app: String,
    title: String,
    text: String,
}

#[derive(Debug, Default)]
struct BusState {
    players: BTreeSet<String>,
    notifications: VecDeque<Notification>,
    last_id: u32,
}

/// Knows who is on a bus, until it is dropped.
pub(in super::super) struct BusWatch {
    state: Arc<Mutex<BusState>>,
    task: JoinHandle<()>,
}

impl Drop for BusWatch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl BusWatch {
    /// Starts to watch; on a desktop of our own it also takes what programs tell people.
    pub fn start(bus: SessionBus, takes_notifications: bool) -> BusWatch {
        let state = Arc::new(Mutex::new(BusState::default()));
        let task = tokio::spawn(watch(bus, takes_notifications, state.clone()));
        BusWatch { state, task }
    }

    /// The names of the players that are there.
    pub fn players(&self) -> Vec<String> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).players.iter().cloned().collect()
    }

    fn notifications(&self) -> Vec<Notification> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).notifications.iter().cloned().collect()
    }
}

async fn watch(bus: SessionBus, takes_notifications: bool, state: Arc<Mutex<BusState>>) {
    if let Err(error) = watch_messages(&bus, takes_notifications, &state).await {
        tracing::debug!(%error, "the session bus is not watched");
    }
}

async fn watch_messages(bus: &SessionBus, takes_notifications: bool, state: &Mutex<BusState>) -> zbus::Result<()> {
    let connection = connect(bus, Some(SOON)).await?;
    let mut messages = MessageStream::from(&connection);
    let ask = async |name: &str, body: &str| connection.call_method(Some(BUS), BUS_PATH, Some(BUS), name, &body).await;
    let rule =
        "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0namespace='org.mpris.MediaPlayer2'";
    ask("AddMatch", rule).await?;
    let answer = connection.call_method(Some(BUS), BUS_PATH, Some(BUS), "ListNames", &()).await?;
    for name in answer.body().deserialize::<Vec<String>>()? {
        note_player(state, &name, true);
    }
    if takes_notifications {
        let answer =
            connection.call_method(Some(BUS), BUS_PATH, Some(BUS), "RequestName", &(NOTIFICATIONS, 4u32)).await?;
        tracing::debug!(answer = answer.body().deserialize::<u32>()?, "notifications are asked for");
    }
    while let Some(message) = messages.next().await {
        let Ok(message) = message else { continue };
        match message.message_type() {
            Type::Signal => note_owner(state, &message),
            Type::MethodCall if takes_notifications => {
                if let Err(error) = answer_call(&connection, &message, state).await {
                    tracing::debug!(%error, "a program that tells something was not answered");
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn note_player(state: &Mutex<BusState>, name: &str, is_there: bool) {
    let is_player = name.strip_prefix(PREFIX).is_some_and(|rest| !rest.is_empty());
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    if !is_there {
        state.players.remove(name);
    } else if is_player && name.len() <= 255 && state.players.len() < PLAYERS_MAX {
        state.players.insert(name.to_owned());
    }
}

/// Takes note of who comes and goes; only the bus itself says so.
fn note_owner(state: &Mutex<BusState>, message: &Message) {
    let header = message.header();
    let is_of_the_bus = header.sender().is_some_and(|sender| sender.as_str() == BUS);
    if !is_of_the_bus || header.member().is_none_or(|member| member.as_str() != "NameOwnerChanged") {
        return;
    }
    let body = message.body();
    if let Ok((name, _, owner)) = body.deserialize::<(String, String, String)>() {
        note_player(state, &name, !owner.is_empty());
    }
}

/// What `Notify` is called with: who, instead of which, icon, title, text, buttons, hints, for how long.
type Notify = (String, u32, String, String, String, Vec<String>, std::collections::BTreeMap<String, OwnedVariant>, i32);

/// Answers as somebody who shows notifications.
async fn answer_call(connection: &Connection, message: &Message, state: &Mutex<BusState>) -> zbus::Result<()> {
    let header = message.header();
    let is_ours = header.interface().is_none_or(|interface| interface.as_str() == NOTIFICATIONS);
    let member = header.member().map(|member| member.as_str().to_owned()).unwrap_or_default();
    match (is_ours, member.as_str()) {
        (true, "Notify") if message.body().len() > ANSWER_MAX => {
            refuse(connection, message, "LimitsExceeded", "so much is not taken").await
        }
        (true, "Notify") => match message.body().deserialize::<Notify>() {
            Ok(said) => connection.reply(&header, &keep(state, said)).await,
            Err(error) => refuse(connection, message, "InvalidArgs", &error.to_string()).await,
        },
        (true, "CloseNotification") => {
            if let Ok(id) = message.body().deserialize::<u32>() {
                let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
                state.notifications.retain(|kept| kept.id != id);
            }
            connection.reply(&header, &()).await
        }
        (true, "GetCapabilities") => connection.reply(&header, &vec!["body"]).await,
        (true, "GetServerInformation") => {
            connection.reply(&header, &("Tapwright", "Tapwright", env!("CARGO_PKG_VERSION"), "1.2")).await
        }
        _ => refuse(connection, message, "UnknownMethod", "there is no such method here").await,
    }
}

async fn refuse(connection: &Connection, message: &Message, name: &str, why: &str) -> zbus::Result<()> {
    let name = format!("org.freedesktop.DBus.Error.{name}");
    connection.reply_error(&message.header(), name.as_str(), &why).await
}

fn keep(state: &Mutex<BusState>, said: Notify) -> u32 {
    let (app, instead_of, _, title, text, ..) = said;
    let clipped = |text: String| text.chars().take(TEXT_MAX).collect::<String>();
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    let is_known = state.notifications.iter().any(|kept| kept.id == instead_of);
    let id = if is_known {
        state.notifications.retain(|kept| kept.id != instead_of);
        instead_of
    } else {
        state.last_id = state.last_id.wrapping_add(1).max(1);
        state.last_id
    };
    if state.notifications.len() >= KEPT_MAX {
        state.notifications.pop_front();
    }
    state.notifications.push_back(Notification { id, app: clipped(app), title: clipped(title), text: clipped(text) });
    id
}

/// The calls about what programs tell people.
pub(in super::super) struct NotificationApis {
    watch: Arc<BusWatch>,
    /// Set on a desktop of our own: there they are taken here.
    is_own: bool,
    link: BusLink,
}

impl NotificationApis {
    pub fn new(watch: Arc<BusWatch>, bus: SessionBus, is_own: bool) -> NotificationApis {
        NotificationApis { watch, is_own, link: BusLink::new(bus) }
    }

    fn list(&self) -> String {
        let told =
            |kept: &Notification| json!({ "id": kept.id, "app": kept.app, "title": kept.title, "text": kept.text });
        // The latest first.
        Value::from(self.watch.notifications().iter().rev().map(told).collect::<Vec<_>>()).to_string()
    }

    async fn show(&mut self, arguments: &Value, deadline: Deadline) -> Result<String, DriverErrorKind> {
        let said =
            json!(["Tapwright", 0, "", arguments["title"], arguments["text"].as_str().unwrap_or_default(), [], {}, -1]);
        let mut values = Vec::new();
        for (value, of) in said.as_array().into_iter().flatten().zip(["s", "u", "s", "s", "s", "as", "a{sv}", "i"]) {
            let signature = super::value::signature(of).map_err(crate::refused)?;
            values.push(super::as_variant(value, &signature).map_err(crate::refused)?);
        }
        let method = Method { service: NOTIFICATIONS, path: PATH, interface: NOTIFICATIONS, name: "Notify" };
        self.link.call(method, values, deadline).await?;
        Ok("it is shown".to_owned())
    }
}

#[async_trait]
impl Apis for NotificationApis {
    fn specs(&self) -> Vec<ApiSpec> {
        let text = || json!({"type": "string", "maxLength": 500});
        if self.is_own {
            let about = "Lists what programs have told in passing, the latest first";
            return vec![ApiSpec::of("notifications.list", about, ApiEffect::Reads, json!({}), &[])];
        }
        let said = json!({"title": text(), "text": text()});
        vec![ApiSpec::of("notifications.show", "Shows the person a notification", ApiEffect::Changes, said, &["title"])]
    }

    async fn call(&mut self, name: &str, arguments: &Value, within: Duration) -> Result<String, ApiError> {
        match name {
            "notifications.list" if self.is_own => Ok(self.list()),
            "notifications.show" if !self.is_own => {
                self.show(arguments, Deadline::after(within)).await.map_err(api_error)
            }
            _ => Err(ApiError::Unknown),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notify_body(app: &str, instead_of: u32, title: &str) -> Notify {
        let text = "x".repeat(5000);
        (app.to_owned(), instead_of, String::new(), title.to_owned(), text, Vec::new(), Default::default(), -1)
    }

    #[test]
    fn as_many_are_kept_as_fit_and_one_can_take_the_place_of_another() {
        let state = Mutex::new(BusState::default());
        assert_eq!(keep(&state, notify_body("mail", 0, "first")), 1);
        assert_eq!(keep(&state, notify_body("mail", 1, "second")), 1);
        assert_eq!(keep(&state, notify_body("mail", 99, "other")), 2);
        for _ in 0..200 {
            keep(&state, notify_body("loud", 0, "again"));
        }
        let state = state.into_inner().unwrap();
        assert_eq!(state.notifications.len(), KEPT_MAX);
        assert!(state.notifications.iter().all(|kept| kept.text.len() == TEXT_MAX && kept.app == "loud"));
    }

    #[test]
    fn players_are_known_by_their_names_and_no_more_than_some() {
        let state = Mutex::new(BusState::default());
        for name in
            ["org.mpris.MediaPlayer2.vlc", "org.mpris.MediaPlayer2.", "org.mpris.MediaPlayer2", "org.example.X", ":1.7"]
        {
            note_player(&state, name, true);
        }
        assert_eq!(state.lock().unwrap().players.len(), 1);
        note_player(&state, "org.mpris.MediaPlayer2.vlc", false);
        assert!(state.lock().unwrap().players.is_empty());
        for number in 0..100 {
            note_player(&state, &format!("{PREFIX}p{number}"), true);
        }
        assert_eq!(state.lock().unwrap().players.len(), PLAYERS_MAX);
    }
}
