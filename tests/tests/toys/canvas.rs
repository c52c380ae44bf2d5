//! A device in one file: a canvas with two buttons that turn, by a finger or by an API, as small as a device can be.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use tapwright_contract::api::{ApiEffect, ApiError, ApiSpec, Apis};
use tapwright_contract::device::{Driver, DriverError, DriverErrorKind, Front, Screen};
use tapwright_contract::gesture::{Abilities, Gesture};
use tapwright_contract::{Picture, ScreenId, Size};
use tapwright_drivers::{OpenRig, Probe, Rig};

const SIZE: Size = Size { width: 100, height: 200 };

/// Opens a canvas on which nothing is on.
#[derive(Debug)]
pub struct Canvas;

/// The upper button and the lower one, as its driver and its probe share them.
#[derive(Clone, Default)]
struct Buttons(Arc<Mutex<[bool; 2]>>);

fn refused_error(operation: &'static str, why: &str) -> DriverError {
    DriverError { device: "canvas".to_owned(), operation, kind: DriverErrorKind::Refused { why: why.to_owned() } }
}

#[async_trait]
impl OpenRig for Canvas {
    fn name(&self) -> String {
        "canvas".to_owned()
    }

    async fn open(&self, _within: Duration) -> Result<Rig, DriverError> {
        let buttons = Buttons::default();
        let (driver, apis) = (Box::new(buttons.clone()), vec![Box::new(buttons.clone()) as Box<dyn Apis>]);
        let (probe, about) = (Box::new(buttons), "a canvas".to_owned());
        Ok(Rig { driver, apis, probe: Some(probe), about, identity: None, teardown: None })
    }
}

#[async_trait]
impl Driver for Buttons {
    fn name(&self) -> &str {
        "canvas"
    }

    fn abilities(&self) -> Abilities {
        Abilities { drag: false, replace: false, navigation: false, launch: false, labels: false, ..Abilities::PHONE }
    }

    async fn screen(&mut self, _within: Duration) -> Result<Screen, DriverError> {
        let on = *self.0.lock().unwrap();
        let half =
            |is_on: bool| [if is_on { 255 } else { 0 }, 128, 64, 255].repeat((SIZE.width * SIZE.height / 2) as usize);
        let picture = Picture::new(SIZE, [half(on[0]), half(on[1])].concat()).expect("it has that size");
        Ok(Screen::new(picture, Front { id: "canvas".to_owned(), label: "Canvas".to_owned(), aliases: Vec::new() }))
    }

    async fn perform(&mut self, gesture: &Gesture, _within: Duration) -> Result<(), DriverError> {
        match gesture {
            Gesture::Tap { at } if at.of == ScreenId::from(SIZE) => {
                let button = &mut self.0.lock().unwrap()[usize::from(at.y >= SIZE.height / 2)];
                *button = !*button;
                Ok(())
            }
            _ => Err(refused_error(gesture.name(), "a canvas is tapped")),
        }
    }
}

#[async_trait]
impl Apis for Buttons {
    fn specs(&self) -> Vec<ApiSpec> {
        let button = json!({ "type": "object", "properties": { "button": { "enum": ["upper", "lower"] } }, "required": ["button"] });
        vec![ApiSpec {
            name: "turn".to_owned(),
            about: "turns a button".to_owned(),
            parameters: button,
            effect: ApiEffect::Changes,
        }]
    }

    async fn call(&mut self, _name: &str, arguments: &Value, _within: Duration) -> Result<String, ApiError> {
        let button = &mut self.0.lock().unwrap()[usize::from(arguments["button"] == "lower")];
        *button = !*button;
        Ok(format!("it is {}", if *button { "on" } else { "off" }))
    }
}

#[async_trait]
impl Probe for Buttons {
    async fn facts(&mut self, _within: Duration) -> Result<BTreeMap<String, String>, DriverError> {
        let on = *self.0.lock().unwrap();
        Ok([("upper.on", on[0]), ("lower.on", on[1])].map(|(name, is)| (name.to_owned(), is.to_string())).into())
    }

    async fn set(&mut self, name: &str, _value: &str, _within: Duration) -> Result<(), DriverError> {
        Err(refused_error("set a fact", &format!("there is no way to set {name}")))
    }
}
