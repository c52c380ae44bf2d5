//! Pictures and places on them.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The size of a display or a picture, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Size {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// Which screen of a device was pictured: its display, that display's size in pixels, and how it was turned. What was measured
/// on one screen holds on no other.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ScreenId {
    /// The display's size as it is turned now.
    #[serde(flatten)]
    pub size: Size,
    /// The display, by the number that the device gives it; 0 is the default one.
    #[serde(default, skip_serializing_if = "is_default")]
    pub display: u64,
    /// How the display is turned: half a turn leaves its size as it was.
    #[serde(default, skip_serializing_if = "is_default")]
    pub rotation: Rotation,
    /// Counts how often the device was lost and found again, or its displays changed.
    #[serde(default, skip_serializing_if = "is_default")]
    pub generation: u32,
}

/// How a display is turned against its natural position, clockwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rotation {
    #[default]
    None,
    Quarter,
    Half,
    ThreeQuarters,
}

impl From<Size> for ScreenId {
    /// The only display of a device, not turned.
    fn from(size: Size) -> ScreenId {
        ScreenId { size, display: 0, rotation: Rotation::None, generation: 0 }
    }
}

impl fmt::Debug for ScreenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Most devices have one display that is not turned; what is not said in that case would only be in the way.
        if *self == ScreenId::from(self.size) {
            return fmt::Debug::fmt(&self.size, f);
        }
        let ScreenId { size, display, rotation, generation } = self;
        f.debug_struct("ScreenId")
            .field("size", size)
            .field("display", display)
            .field("rotation", rotation)
            .field("generation", generation)
            .finish()
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A pixel, and the screen that it was measured on: a phone that has turned since refuses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spot {
    /// Pixels from the left edge, below `of.size.width`.
    pub x: u32,
    /// Pixels from the top edge, below `of.size.height`.
    pub y: u32,
    /// The screen that the spot was measured on.
    pub of: ScreenId,
}

/// What a screen looks like: rows of RGBA, eight bits a channel, top row first. Cloning is cheap.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    size: Size,
    rgba: Arc<[u8]>,
}

/// The bytes given are not a picture of the size given.
#[derive(Debug, thiserror::Error)]
#[error("a picture of {size} needs {needed} bytes of RGBA, and {given} were given")]
pub struct BadPicture {
    size: Size,
    needed: u64,
    given: usize,
}

impl Picture {
    /// Takes `4 * width * height` bytes.
    ///
    /// # Errors
    /// `BadPicture` when the number of bytes differs, or there is no pixel at all.
    pub fn new(size: Size, rgba: impl Into<Arc<[u8]>>) -> Result<Picture, BadPicture> {
        let rgba = rgba.into();
        let needed = 4 * u64::from(size.width) * u64::from(size.height);
        if needed == 0 || needed != rgba.len() as u64 {
            return Err(BadPicture { size, needed, given: rgba.len() });
        }
        Ok(Picture { size, rgba })
    }

    /// Width and height.
    pub fn size(&self) -> Size {
        self.size
    }

    /// `[height, width, 4]` bytes, row by row.
    pub fn rgba(&self) -> &[u8] {
        &self.rgba
    }
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Picture({})", self.size)
    }
}
