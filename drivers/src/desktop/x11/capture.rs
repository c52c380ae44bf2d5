//! Takes pictures of an X screen: through memory that is shared with the server, or over the connection where that cannot be.

use std::fs::File;

use memmap2::MmapMut;
use rustix::fs::{MemfdFlags, memfd_create};
use tapwright_contract::device::DriverErrorKind;
use tapwright_contract::{Picture, Size};
use x11rb::connection::{Connection as _, RequestConnection as _};
use x11rb::protocol::shm::{self, ConnectionExt as _, Seg};
use x11rb::protocol::xproto::{ConnectionExt as _, ImageFormat, ImageOrder};
use x11rb::rust_connection::RustConnection;

use super::monitors::Monitor;
use super::server::{Fault, Link};

/// No picture has more bytes: 16,384 pixels squared would be a mistake.
const BYTES_MAX: usize = 512 << 20;

/// How this server's pictures are had.
#[derive(Default)]
pub(crate) struct Camera {
    shared: Option<SharedMemory>,
    /// Whether memory was shared, or refused to be.
    was_tried: bool,
}

/// Memory that the server draws into.
struct SharedMemory {
    segment: Seg,
    map: MmapMut,
}

/// A picture as the server gives it: blue, green, red and a byte that means nothing, for each pixel.
#[derive(PartialEq, Eq)]
pub(crate) struct Frame {
    pub size: Size,
    pub bgrx: Vec<u8>,
}

impl Camera {
    /// # Errors
    /// `Refused` if the server's pictures are of a kind that nobody here reads.
    pub fn new(x: &RustConnection, screen: usize) -> Result<Camera, Fault> {
        let setup = x.setup();
        let screen = &setup.roots[screen];
        let depth = screen.root_depth;
        let bits =
            setup.pixmap_formats.iter().find(|format| format.depth == depth).map_or(0, |format| format.bits_per_pixel);
        let mut visuals = screen.allowed_depths.iter().flat_map(|depth| &depth.visuals);
        let is_rgb = visuals.any(|visual| {
            visual.visual_id == screen.root_visual && visual.red_mask == 0xff_0000 && visual.blue_mask == 0xff
        });
        if bits != 32 || !is_rgb || setup.image_byte_order != ImageOrder::LSB_FIRST {
            let why = format!("this X server shows colours in {depth} bits; start it with 24");
            return Err(Fault::refused(why));
        }
        Ok(Camera::default())
    }

    /// Memory for so many bytes; `None` if the server shares none.
    fn shared_memory(&mut self, x: &RustConnection, bytes: usize) -> Option<&mut SharedMemory> {
        let is_large_enough = self.shared.as_ref().is_some_and(|shared| shared.map.len() >= bytes);
        if !is_large_enough {
            if let Some(SharedMemory { segment, .. }) = self.shared.take() {
                drop(x.shm_detach(segment));
            } else if self.was_tried {
                return None;
            }
            self.was_tried = true;
            match share(x, bytes) {
                Ok(shared) => self.shared = Some(shared),
                Err(why) => tracing::debug!(why, "the X server shares no memory; pictures come over the connection"),
            }
        }
        self.shared.as_mut()
    }
}

fn share(x: &RustConnection, bytes: usize) -> Result<SharedMemory, String> {
    let said = |error: &dyn std::fmt::Display| error.to_string();
    if x.extension_information(shm::X11_EXTENSION_NAME).map_err(|error| said(&error))?.is_none() {
        return Err("it has not the extension".to_owned());
    }
    let memory = File::from(memfd_create("tapwright-picture", MemfdFlags::CLOEXEC).map_err(|error| said(&error))?);
    memory.set_len(bytes as u64).map_err(|error| said(&error))?;
    // SAFETY: the file has no name, so that besides us only the server that it is sent to has it; the server writes to it while
    // it carries out `shm_get_image` and at no other time, and what is read out of the map are bytes without meaning to memory safety.
    let map = unsafe { MmapMut::map_mut(&memory) }.map_err(|error| said(&error))?;
    let segment = x.generate_id().map_err(|error| said(&error))?;
    let attached = x.shm_attach_fd(segment, memory, false).map_err(|error| said(&error))?;
    attached.check().map_err(|error| said(&error))?;
    Ok(SharedMemory { segment, map })
}

impl Link {
    /// A picture of one monitor.
    pub fn capture(&mut self, of: &Monitor) -> Result<Frame, Fault> {
        let Size { width, height } = of.size;
        let bytes = 4 * width as usize * height as usize;
        if bytes == 0 || bytes > BYTES_MAX {
            return Err(Fault::refused(format!("a monitor of {} cannot be pictured", of.size)));
        }
        let sides = (width.try_into().unwrap_or(u16::MAX), height.try_into().unwrap_or(u16::MAX));
        let format = u8::from(ImageFormat::Z_PIXMAP);
        if let Some(shared) = self.camera.shared_memory(&self.x, bytes) {
            let segment = shared.segment;
            self.x.shm_get_image(self.root, of.x, of.y, sides.0, sides.1, !0, format, segment, 0)?.reply()?;
            return Ok(Frame { size: of.size, bgrx: shared.map[..bytes].to_vec() });
        }
        let image = self.x.get_image(ImageFormat::Z_PIXMAP, self.root, of.x, of.y, sides.0, sides.1, !0)?.reply()?;
        if image.data.len() != bytes {
            let why = format!("a picture of {} came as {} bytes", of.size, image.data.len());
            return Err(Fault(DriverErrorKind::MalformedResponse { why }));
        }
        Ok(Frame { size: of.size, bgrx: image.data })
    }
}

impl Frame {
    /// As everybody else reads pictures. It is turned around where it lies: another eight megabytes would cost as much again to be had.
    pub fn into_picture(mut self) -> Picture {
        for four in self.bgrx.chunks_exact_mut(4) {
            let pixel = u32::from_le_bytes([four[0], four[1], four[2], four[3]]);
            let turned = pixel & 0xff00 | (pixel & 0xff) << 16 | pixel >> 16 & 0xff | 0xff00_0000;
            four.copy_from_slice(&turned.to_le_bytes());
        }
        Picture::new(self.size, self.bgrx).expect("a frame has four bytes a pixel")
    }
}
