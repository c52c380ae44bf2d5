//! What goes wrong with a device.

use tapwright_contract::device::{DriverError, DriverErrorKind};

use crate::page::FORMS;
use crate::world::World;

impl World {
    /// A fault, which quotes what was typed last if anything was.
    pub fn fault(&mut self) -> DriverErrorKind {
        let typed = self.ink.filter(|_| self.dice.percent(50)).map(|_| FORMS.join(" or "));
        let why = || format!("dice {}", typed.clone().unwrap_or_default());
        let (name, kind) = match self.dice.below(6) {
            0 => ("timed out", DriverErrorKind::TimedOut { tries: why() }),
            1 => ("refused", DriverErrorKind::Refused { why: why() }),
            2 => {
                let like = vec![format!("Y{}", typed.clone().unwrap_or_else(|| "Y".repeat(500))); 9];
                ("no such app", DriverErrorKind::NoSuchApp { app: "X".repeat(500), like })
            }
            3 => ("stale", DriverErrorKind::Stale),
            4 => ("hidden", DriverErrorKind::Hidden { why: why() }),
            _ => ("nonsense", DriverErrorKind::MalformedResponse { why: why() }),
        };
        self.count(name);
        kind
    }
}

pub fn lost_device() -> DriverErrorKind {
    DriverErrorKind::Lost { why: "unplugged".to_owned() }
}

pub fn error(operation: &'static str, kind: DriverErrorKind) -> DriverError {
    DriverError { device: "dice".to_owned(), operation, kind }
}
