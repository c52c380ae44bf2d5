//! Switches, brightness, font size.

use crate::dice::Dice;

/// Something that is on or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Switch {
    Wifi,
    Bluetooth,
    Airplane,
    Dark,
    Quiet,
    Location,
    Saver,
    Rotate,
}

impl Switch {
    /// All of them.
    pub const ALL: [Switch; 8] = [
        Switch::Wifi,
        Switch::Bluetooth,
        Switch::Airplane,
        Switch::Dark,
        Switch::Quiet,
        Switch::Location,
        Switch::Saver,
        Switch::Rotate,
    ];

    /// The first part of its fact's name: `wifi` of `wifi.on`.
    pub fn fact(self) -> &'static str {
        match self {
            Switch::Wifi => "wifi",
            Switch::Bluetooth => "bluetooth",
            Switch::Airplane => "airplane",
            Switch::Dark => "dark",
            Switch::Quiet => "quiet",
            Switch::Location => "location",
            Switch::Saver => "saver",
            Switch::Rotate => "rotate",
        }
    }
}

/// Font sizes in percent of the default one.
pub const FONT_PERCENTS: [u32; 3] = [88, 100, 116];

/// The state of the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    on: [bool; 8],
    /// 0..=10.
    pub brightness: u32,
    /// One of `FONT_PERCENTS`.
    pub font_percent: u32,
}

impl Settings {
    /// Draws settings.
    pub fn new(dice: &mut Dice) -> Settings {
        let mut on = [false; 8];
        for (at, percent) in on.iter_mut().zip([50, 50, 15, 30, 30, 50, 30, 50]) {
            *at = dice.chance(percent);
        }
        if on[Switch::Airplane as usize] {
            on[Switch::Wifi as usize] = false;
            on[Switch::Bluetooth as usize] = false;
        }
        Settings { on, brightness: 3 + dice.below(7) as u32, font_percent: 100 }
    }

    /// Whether a switch is on.
    pub fn is_on(&self, switch: Switch) -> bool {
        self.on[switch as usize]
    }

    /// Turns a switch. Airplane mode takes the radios down with it, as phones do.
    pub fn set(&mut self, switch: Switch, on: bool) {
        self.on[switch as usize] = on;
        if switch == Switch::Airplane && on {
            self.on[Switch::Wifi as usize] = false;
            self.on[Switch::Bluetooth as usize] = false;
        }
    }

    /// Turns a switch the other way.
    pub fn toggle(&mut self, switch: Switch) {
        self.set(switch, !self.is_on(switch));
    }

    /// Changes the brightness by so many tenths.
    pub fn brighten(&mut self, by: i32) {
        self.brightness = self.brightness.saturating_add_signed(by).min(10);
    }
}
