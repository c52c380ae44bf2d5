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

/// A pixel, and the display that it was measured on: a phone that has turned since refuses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spot {
    /// Pixels from the left edge, below `of.width`.
    pub x: u32,
    /// Pixels from the top edge, below `of.height`.
    pub y: u32,
    /// The display's size when the spot was measured.
    pub of: Size,
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
