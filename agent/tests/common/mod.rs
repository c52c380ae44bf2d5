//! What the suites of this package share: a setting with small limits, screens, toys, a disk, and episodes that are written down.
#![allow(dead_code)] // No suite uses all of it.

pub mod disk;
mod limits;
pub mod outside;
pub mod toys;
pub mod trace;
pub mod values;

use std::time::Duration;

use tapwright_agent::calls::plain_parameters;
use tapwright_agent::dialect::Dialect;
use tapwright_agent::dialect::frame::Coordinates;
use tapwright_agent::episode::{EDITION, Setting};
use tapwright_agent::guard::{Policy, Touch};
use tapwright_agent::limits::Limits;
use tapwright_agent::policy::{EffectPermissions, TRUSTING};
use tapwright_agent::profile::{Profile, ReplyForm};
use tapwright_contract::api::{ApiEffect, ApiSpec};
use tapwright_contract::device::{Area, Front, Label, Screen};
use tapwright_contract::model::Reply;
use tapwright_contract::{Picture, Size};

/// What is written at a place, on something that reacts to a touch.
pub fn label(text: &str, [left, top, right, bottom]: [u32; 4]) -> Label {
    Label {
        text: text.to_owned(),
        area: Area { left, top, right, bottom },
        touchable: true,
        focused: false,
        secret: false,
        app: None,
        role: None,
        value: None,
        is_on: None,
    }
}

pub fn setting() -> Setting {
    Setting {
        goal: "Turn Wi-Fi on".to_owned(),
        date: "2025-01-02".to_owned(),
        profile: Profile {
            dialect: Dialect::Autoglm,
            coordinates: Coordinates::Thousandths,
            system: None,
            history: Some(1),
            reply: ReplyForm::Clean,
            remarks: true,
            tokens_max: 300,
            context_tokens: None,
            picture_pixels: None,
            summaries: false,
            goal_checks: None,
            marked_thoughts: false,
        },
        limits: limits::limits(),
        // Whether a call is asked about is said where that is what is tested.
        policy: Policy {
            apps_forbidden: vec!["My Bank".to_owned()],
            api_effects: EffectPermissions::ALLOWED,
            ..trusting()
        },
        touch: Touch { long_press: Duration::from_secs(1), swipe: Duration::from_millis(400) },
        edition: EDITION,
        abilities: None,
        apis: Vec::new(),
    }
}

/// The preset that lets most things through.
pub fn trusting() -> Policy {
    toml::from_str(TRUSTING).expect("it is a policy")
}

/// An API that takes plain words.
pub fn api(name: &str, about: &str, effect: ApiEffect) -> ApiSpec {
    ApiSpec { name: name.to_owned(), about: about.to_owned(), parameters: plain_parameters(), effect }
}

/// A screen of 20 by 40 that shows `number`, and `clock` in its status bar.
///
/// A dark pixel in each square of eight, at a place that the number chooses: whatever is under a finger, two screens differ there,
/// so that a yes to one is none to the other; and by so little that a button is the same button on both.
pub fn screen(app: &str, number: u32, clock: u8) -> Screen {
    let mut rgba = vec![255; 20 * 40 * 4];
    rgba[0] = clock;
    for (place, byte) in number.to_le_bytes().into_iter().enumerate() {
        rgba[20 * 20 * 4 + 4 * place] = byte;
    }
    let (column, row) = (number % 8, (number / 8 + 3 * number) % 8);
    for y in (3..39).filter(|y| y % 8 == row) {
        for x in (1..19).filter(|x| x % 8 == column) {
            let at = 4 * (y * 20 + x) as usize;
            rgba[at..at + 3].fill(0);
        }
    }
    let picture = Picture::new(Size { width: 20, height: 40 }, rgba).expect("the size is right");
    Screen::new(
        picture,
        Front { id: format!("com.example.{}", app.to_lowercase()), label: app.to_owned(), aliases: Vec::new() },
    )
}

pub fn reply(text: &str) -> Reply {
    Reply { text: text.to_owned(), tokens_in: 100, tokens_out: 10, cut: false }
}
