//! Which phone it is, however it is reached: an address is given to another phone tomorrow, a serial number is not.

use std::time::Duration;

use tapwright_contract::device::DriverError;

use super::Android;
use crate::deadline::Deadline;

/// Where phones keep the serial number of their hardware: the first one is not told to everybody on some, the second one is missing on
/// old ones.
const PROPERTIES: &str = "getprop ro.serialno; getprop ro.boot.serialno";

impl Android {
    /// The serial number that the phone itself tells; `None` if it tells none, or one that many phones have.
    ///
    /// # Errors
    /// `DriverError` only if the phone is lost.
    pub async fn serial_number(&mut self, within: Duration) -> Result<Option<String>, DriverError> {
        let deadline = Deadline::after(within);
        self.ensure_link(deadline).await.map_err(|kind| self.error("ask for its serial number", kind))?;
        match self.command(PROPERTIES, deadline).await {
            Ok(output) => Ok(serial_number(&output)),
            Err(kind @ tapwright_contract::device::DriverErrorKind::Lost { .. }) => {
                Err(self.error("ask for its serial number", kind))
            }
            Err(_) => Ok(None),
        }
    }
}

/// The first line that is one phone's own serial number.
fn serial_number(output: &str) -> Option<String> {
    const LENGTH: std::ops::RangeInclusive<usize> = 4..=64;
    output.lines().map(str::trim).find(|line| LENGTH.contains(&line.len()) && is_of_one_phone(line)).map(str::to_owned)
}

/// Emulators all have the same, and makers who give out none leave what the board came with.
fn is_of_one_phone(serial: &str) -> bool {
    let letters = serial.as_bytes();
    let is_counted = letters.windows(2).all(|pair| pair[1] == pair[0] || pair[1].wrapping_sub(pair[0]) == 1);
    serial.bytes().all(|letter| letter.is_ascii_graphic())
        && !serial.starts_with("EMULATOR")
        && !["unknown", "0123456789ABCDEF", "0123456789abcdef"].contains(&serial)
        && !is_counted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_number_is_one_phones_own() {
        for (output, expected) in [
            ("R58M31ABCDE\nR58M31ABCDE\n", Some("R58M31ABCDE")),
            ("\nR58M31ABCDE\n", Some("R58M31ABCDE")),
            ("unknown\n9A231FFAZ004\n", Some("9A231FFAZ004")),
            ("EMULATOR35X1X13X0\nEMULATOR35X1X13X0\n", None),
            ("0123456789ABCDEF\n\n", None),
            ("0123456789\n\n", None),
            ("00000000\n\n", None),
            ("unknown\nunknown\n", None),
            ("\n\n", None),
            ("/system/bin/sh: getprop: not found\n", None),
            ("getprop: permission denied\r\n", None),
            ("abc\n", None),
            (&"x1".repeat(40), None),
        ] {
            assert_eq!(serial_number(output).as_deref(), expected, "{output:?}");
        }
    }
}
