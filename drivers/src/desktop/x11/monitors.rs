//! The monitors of an X screen. Each is a display of the device: what was measured on one holds on no other.

use tapwright_contract::Size;
use x11rb::connection::RequestConnection as _;
use x11rb::protocol::randr::{self, ConnectionExt as _};
use x11rb::protocol::xproto::ConnectionExt as _;

use super::server::{Fault, Link};

/// One monitor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Monitor {
    /// What the server calls it: `HDMI-1`; empty if it has only one.
    pub name: String,
    /// Its first pixel on the X screen.
    pub x: i16,
    pub y: i16,
    pub size: Size,
}

impl Monitor {
    pub fn holds(&self, x: i32, y: i32) -> bool {
        let (right, bottom) = (i32::from(self.x) + self.size.width as i32, i32::from(self.y) + self.size.height as i32);
        (i32::from(self.x)..right).contains(&x) && (i32::from(self.y)..bottom).contains(&y)
    }
}

impl Link {
    /// All of them, the primary one first; at least one.
    pub fn monitors(&self) -> Result<Vec<Monitor>, Fault> {
        let mut found = Vec::new();
        if self.x.extension_information(randr::X11_EXTENSION_NAME)?.is_some() {
            let mut told = self.x.randr_get_monitors(self.root, true)?.reply()?.monitors;
            told.sort_by_key(|monitor| (!monitor.primary, monitor.x, monitor.y));
            for monitor in told {
                let name = self.x.get_atom_name(monitor.name)?.reply().map(|reply| reply.name).unwrap_or_default();
                found.push(Monitor {
                    name: String::from_utf8_lossy(&name).into_owned(),
                    x: monitor.x,
                    y: monitor.y,
                    size: Size { width: monitor.width.into(), height: monitor.height.into() },
                });
            }
        }
        found.retain(|monitor| monitor.size.width > 0 && monitor.size.height > 0);
        if found.is_empty() {
            let all = self.x.get_geometry(self.root)?.reply()?;
            let size = Size { width: all.width.into(), height: all.height.into() };
            found.push(Monitor { name: String::new(), x: 0, y: 0, size });
        }
        Ok(found)
    }
}
