//! Players of media (MPRIS): VLC and the like, as calls, while there is one on the bus.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use tapwright_contract::api::{ApiEffect, ApiError, ApiSpec, Apis};
use tapwright_contract::device::DriverErrorKind;
use tokio::time::Instant;
use url::Url;
use zbus::Variant;

use super::super::api_error;
use super::super::files::path_of_file;
use super::notifications::BusWatch;
use super::{BusLink, Method, PLAYER_PREFIX as PREFIX, SessionBus};
use crate::deadline::Deadline;
use crate::refused;

const PATH: &str = "/org/mpris/MediaPlayer2";
const ROOT: &str = "org.mpris.MediaPlayer2";
const PLAYER: &str = "org.mpris.MediaPlayer2.Player";
const TRACKS: &str = "org.mpris.MediaPlayer2.TrackList";
/// How long one player may take to say what it does.
const ANSWER: Duration = Duration::from_secs(1);
/// How long is waited until a player does what it was told: its answer to the call only says that it has heard it.
const SETTLING: Duration = Duration::from_secs(3);
/// Between two looks at what a player does.
const LOOK: Duration = Duration::from_millis(50);
/// Endings of files that name other files: the entry that is played in the end is one of those.
const PLAYLISTS: [&str; 5] = ["m3u", "m3u8", "pls", "xspf", "asx"];
/// No longer playlist is told.
const TRACKS_MAX: usize = 100;
/// Microseconds of a second.
const MICRO: f64 = 1e6;

/// What a player does, as far as it says.
#[derive(Clone, Debug, PartialEq)]
struct Playback {
    /// `Playing`, `Paused`, `Stopped`; empty if it does not say.
    status: String,
    /// The entry and its address.
    entry: (Value, Value),
}

/// The calls of one desktop's players.
pub(in super::super) struct PlayerApis {
    watch: Arc<BusWatch>,
    link: BusLink,
    folders: Arc<[PathBuf]>,
}

impl PlayerApis {
    pub fn new(watch: Arc<BusWatch>, bus: SessionBus, folders: Arc<[PathBuf]>) -> PlayerApis {
        PlayerApis { watch, link: BusLink::new(bus), folders }
    }

    /// The player that is meant: the one named, or the only one.
    fn player(&self, arguments: &Value) -> Result<String, DriverErrorKind> {
        let players = self.watch.players();
        let short = |player: &str| player[PREFIX.len()..].to_owned();
        let names: Vec<String> = players.iter().map(|player| short(player)).collect();
        match (arguments["player"].as_str(), &players[..]) {
            (_, []) => Err(refused("no player is there any more")),
            (None, [only]) => Ok(only.clone()),
            (Some(name), _) if names.iter().any(|known| known == name) => Ok(format!("{PREFIX}{name}")),
            _ => Err(refused(format!("name one of the players: {}", names.join(", ")))),
        }
    }

    async fn get(
        &mut self,
        service: &str,
        interface: &str,
        name: &str,
        deadline: Deadline,
    ) -> Result<Value, DriverErrorKind> {
        self.link.property(Method { service, path: PATH, interface, name }, deadline).await
    }

    async fn state(&mut self, service: &str, deadline: Deadline) -> Result<Value, DriverErrorKind> {
        let mut told = json!({ "player": &service[PREFIX.len()..] });
        for (key, interface, name) in [
            ("name", ROOT, "Identity"),
            ("status", PLAYER, "PlaybackStatus"),
            ("volume", PLAYER, "Volume"),
            ("repeats", PLAYER, "LoopStatus"),
            ("shuffles", PLAYER, "Shuffle"),
            ("fullscreen", ROOT, "Fullscreen"),
        ] {
            // A player need not have all of them.
            match self.get(service, interface, name, deadline).await {
                Ok(value) => told[key] = value,
                Err(DriverErrorKind::Refused { .. }) => {}
                Err(kind) => return Err(kind),
            }
        }
        let position = self.get(service, PLAYER, "Position", deadline).await.unwrap_or(Value::Null);
        told["position_s"] = position.as_f64().map_or(Value::Null, |at| json!(at / MICRO));
        let about = self.get(service, PLAYER, "Metadata", deadline).await.unwrap_or(Value::Null);
        told["media"] = media(&about);
        Ok(told)
    }

    async fn playback(&mut self, service: &str, deadline: Deadline) -> Playback {
        let status = self.get(service, PLAYER, "PlaybackStatus", deadline).await.unwrap_or(Value::Null);
        let about = self.get(service, PLAYER, "Metadata", deadline).await.unwrap_or(Value::Null);
        let entry = (about["mpris:trackid"].clone(), about["xesam:url"].clone());
        Playback { status: status.as_str().unwrap_or_default().to_owned(), entry }
    }

    /// Waits until a player does what it was told, twice in a row: on the way from one entry to the next some say for a moment that they
    /// play. What it does is told in any case; that it was told to is no longer in doubt.
    async fn settled(&mut self, service: &str, deadline: Deadline, is: impl Fn(&Playback) -> bool) -> String {
        let deadline = deadline.or_sooner(SETTLING);
        let mut before = None;
        loop {
            let now = self.playback(service, deadline).await;
            let is_so = is(&now);
            if is_so && before.as_ref() == Some(&now) {
                return match now.status.as_str() {
                    known @ ("Playing" | "Paused" | "Stopped") => format!("the player is {}", known.to_lowercase()),
                    _ => "the player was told to".to_owned(),
                };
            }
            if deadline.is_over() {
                return "the player was told to, and does not say that it has done it".to_owned();
            }
            before = is_so.then_some(now);
            deadline.rest_until(Instant::now() + LOOK).await;
        }
    }

    async fn players(&mut self, deadline: Deadline) -> Result<String, DriverErrorKind> {
        let mut all = Vec::new();
        for player in self.watch.players() {
            // One that hangs does not take the others' time.
            all.push(match self.state(&player, deadline.or_sooner(ANSWER)).await {
                Ok(state) => state,
                Err(kind) => json!({ "player": &player[PREFIX.len()..], "error": kind.to_string() }),
            });
        }
        Ok(Value::from(all).to_string())
    }

    async fn control(&mut self, arguments: &Value, deadline: Deadline) -> Result<String, DriverErrorKind> {
        let service = self.player(arguments)?;
        let name = match arguments["do"].as_str().unwrap_or_default() {
            "play" => "Play",
            "pause" => "Pause",
            "stop" => "Stop",
            "next" => "Next",
            "previous" => "Previous",
            other => return Err(refused(format!("{other:?} is nothing that a player does"))),
        };
        let before = self.playback(&service, deadline.or_sooner(ANSWER)).await;
        let method = Method { service: &service, path: PATH, interface: PLAYER, name };
        self.link.call(method, Vec::new(), deadline).await?;
        let settled = self.settled(&service, deadline, |now| match name {
            "Play" => now.status == "Playing",
            "Pause" => now.status != "Playing",
            "Stop" => now.status == "Stopped",
            // Behind the last entry many stop.
            _ => now.entry != before.entry && (now.status == before.status || now.status == "Stopped"),
        });
        Ok(settled.await)
    }

    async fn seek(&mut self, arguments: &Value, deadline: Deadline) -> Result<String, DriverErrorKind> {
        let service = self.player(arguments)?;
        let now = self.get(&service, PLAYER, "Position", deadline).await?.as_f64().unwrap_or_default();
        let offset = arguments["position_s"].as_f64().unwrap_or_default() * MICRO - now;
        let method = Method { service: &service, path: PATH, interface: PLAYER, name: "Seek" };
        self.link.call(method, vec![Variant::I64(offset as i64)], deadline).await?;
        Ok("the player was told to".to_owned())
    }

    async fn set(&mut self, arguments: &Value, deadline: Deadline) -> Result<String, DriverErrorKind> {
        let service = self.player(arguments)?;
        let mut set = Vec::new();
        for (key, interface, name, signature) in [
            ("volume", PLAYER, "Volume", "d"),
            ("repeats", PLAYER, "LoopStatus", "s"),
            ("shuffles", PLAYER, "Shuffle", "b"),
            ("fullscreen", ROOT, "Fullscreen", "b"),
        ] {
            let Some(value) = arguments.get(key) else { continue };
            let property = Method { service: &service, path: PATH, interface, name };
            self.link.set_property(property, signature, value, deadline).await?;
            set.push(key);
        }
        if set.is_empty() {
            return Err(refused("nothing is to be set: give volume, repeats, shuffles or fullscreen"));
        }
        Ok(format!("set: {}", set.join(", ")))
    }

    async fn open(&mut self, arguments: &Value, deadline: Deadline) -> Result<String, DriverErrorKind> {
        let service = self.player(arguments)?;
        let path = path_of_file(&arguments["path"], &self.folders)?;
        let address = Url::from_file_path(&path).map_err(|()| refused("this path cannot be said to a player"))?;
        let own = String::from(address);
        let address = Variant::from(own.clone());
        if arguments["add"].as_bool() == Some(true) {
            let tracks = self.get(&service, TRACKS, "Tracks", deadline).await?;
            let last = tracks.as_array().and_then(|all| all.last()).and_then(Value::as_str);
            let last = last.unwrap_or("/org/mpris/MediaPlayer2/TrackList/NoTrack");
            let last = zbus::ObjectPath::try_from(last.to_owned()).map_err(|error| refused(error.to_string()))?;
            let method = Method { service: &service, path: PATH, interface: TRACKS, name: "AddTrack" };
            let arguments = vec![address, Variant::ObjectPath(last), Variant::Bool(false)];
            self.link.call(method, arguments, deadline).await?;
            return Ok("it is in the playlist".to_owned());
        }
        let method = Method { service: &service, path: PATH, interface: PLAYER, name: "OpenUri" };
        let before = self.playback(&service, deadline.or_sooner(ANSWER)).await;
        self.link.call(method, vec![address], deadline).await?;
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_lowercase();
        let is_playlist = PLAYLISTS.contains(&ending.as_str());
        // What was played before goes on for a moment.
        let settled = self.settled(&service, deadline, |now| {
            let (is_own, is_new) = (now.entry.1.as_str() == Some(&own), now.entry != before.entry);
            now.status == "Playing" && if is_playlist { is_new && !is_own } else { is_new || is_own }
        });
        Ok(settled.await)
    }

    async fn playlist(&mut self, arguments: &Value, deadline: Deadline) -> Result<String, DriverErrorKind> {
        let service = self.player(arguments)?;
        let tracks = self.get(&service, TRACKS, "Tracks", deadline).await?;
        let all = tracks.as_array().cloned().unwrap_or_default();
        let told: Vec<Value> = all.iter().take(TRACKS_MAX).cloned().collect();
        let signature = super::value::signature("ao").map_err(refused)?;
        let wanted = super::as_variant(&Value::from(told), &signature).map_err(refused)?;
        let method = Method { service: &service, path: PATH, interface: TRACKS, name: "GetTracksMetadata" };
        let about = self.link.call(method, vec![wanted], deadline).await?;
        let entries: Vec<Value> = about.as_array().into_iter().flatten().map(media).collect();
        Ok(json!({ "playlist": entries, "of": all.len() }).to_string())
    }
}

/// What is played, of what a player says about it.
fn media(about: &Value) -> Value {
    let mut told = json!({});
    for (key, name) in
        [("title", "xesam:title"), ("artist", "xesam:artist"), ("album", "xesam:album"), ("address", "xesam:url")]
    {
        if let Some(value) = about.get(name).filter(|value| value.is_string() || value.is_array()) {
            told[key] = value.clone();
        }
    }
    if let Some(length) = about["mpris:length"].as_f64() {
        told["length_s"] = json!(length / MICRO);
    }
    told
}

#[async_trait]
impl Apis for PlayerApis {
    fn specs(&self) -> Vec<ApiSpec> {
        if self.watch.players().is_empty() {
            return Vec::new();
        }
        let player = || json!({"type": "string", "maxLength": 100});
        let (reads, changes) = (ApiEffect::Reads, ApiEffect::Changes);
        let control = json!({"do": {"enum": ["play", "pause", "stop", "next", "previous"]}, "player": player()});
        let seek = json!({"position_s": {"type": "number", "minimum": 0, "maximum": 1e6}, "player": player()});
        let set = json!({
            "volume": {"type": "number", "minimum": 0, "maximum": 1.25}, "repeats": {"enum": ["None", "Track", "Playlist"]},
            "shuffles": {"type": "boolean"}, "fullscreen": {"type": "boolean"}, "player": player(),
        });
        let open = json!({"path": {"type": "string"}, "add": {"type": "boolean"}, "player": player()});
        vec![
            ApiSpec::of("media.players", "Tells what players of media do, and what they play", reads, json!({}), &[]),
            ApiSpec::of(
                "media.control",
                "Plays, pauses, stops, or goes to another entry, and waits until it does",
                changes,
                control,
                &["do"],
            ),
            ApiSpec::of("media.seek", "Goes to a place in what is played", changes, seek, &["position_s"]),
            ApiSpec::of("media.set", "Volume (1 is all of it), repetition, shuffling, full screen", changes, set, &[]),
            ApiSpec::of("media.open", "Plays a file, or adds it to the playlist", changes, open, &["path"]),
            ApiSpec::of("media.playlist", "Tells the playlist", reads, json!({"player": player()}), &[]),
        ]
    }

    async fn call(&mut self, name: &str, arguments: &Value, within: Duration) -> Result<String, ApiError> {
        let deadline = Deadline::after(within);
        let result = match name {
            "media.players" => self.players(deadline).await,
            "media.control" => self.control(arguments, deadline).await,
            "media.seek" => self.seek(arguments, deadline).await,
            "media.set" => self.set(arguments, deadline).await,
            "media.open" => self.open(arguments, deadline).await,
            "media.playlist" => self.playlist(arguments, deadline).await,
            _ => return Err(ApiError::Unknown),
        };
        result.map_err(api_error)
    }
}
