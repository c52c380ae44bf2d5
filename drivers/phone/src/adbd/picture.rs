//! Pictures of the display, as `screencap` and `framebuffer:` hand them out.

use tokio::task::spawn_blocking;

use super::handle::Handle;
use crate::World;

/// How Android numbers this order of the colours, and what they mean.
const RGBA_8888: u32 = 1;
const SRGB: u32 = 1;

/// How the one display is called where several can be told apart, as the first of a phone commonly is.
pub(super) const DISPLAY: &str = "4619827259835644672";

/// Whether that is the one display's name or number.
pub(super) fn is_display(name: &str) -> bool {
    name == DISPLAY || name == "0"
}

/// What is written after the pixels were taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// A PNG, compressed for speed.
    Png,
    /// Width, height, format and colour space as words, then RGBA.
    Raw,
    /// The header of `framebuffer:` version 2, then RGBA.
    Framebuffer,
}

/// A picture as it is handed out. In two parts, because one would mean to copy all pixels for a few bytes before them.
pub(super) struct EncodedPicture {
    pub head: Vec<u8>,
    pub body: Vec<u8>,
}

/// Takes a picture of the display as it is now.
pub(super) async fn take(handle: &Handle, format: Format) -> EncodedPicture {
    // Never closed, so this only waits for a turn; it ends with the work, even if nobody waits for the picture any more.
    let turn = handle.cameras().acquire_owned().await;
    let handle = handle.clone();
    let taken = spawn_blocking(move || {
        // A copy is small and made at once, while drawing and encoding would keep others from the world.
        let world = handle.look(World::clone);
        let (width, height) = world.size();
        let pixels = world.draw();
        let pixels = handle.faults().picture(&world, pixels);
        let mut written = write(width, height, pixels, format);
        if let Some(length) = handle.faults().cut(written.body.len()) {
            written.body.truncate(length);
        }
        drop(turn);
        written
    });
    taken.await.expect("a picture of the display can be encoded")
}

fn write(width: u32, height: u32, rgba: Vec<u8>, format: Format) -> EncodedPicture {
    let words: &[u32] = match format {
        Format::Png => return EncodedPicture { head: Vec::new(), body: png(width, height, &rgba) },
        Format::Raw => &[width, height, RGBA_8888, SRGB],
        // The colour space is the one that `screencap` says. Clients that find a zero there read it as the size.
        Format::Framebuffer => &[2, 32, SRGB, rgba.len() as u32, width, height, 0, 8, 16, 8, 8, 8, 24, 8],
    };
    EncodedPicture { head: words.iter().flat_map(|word| word.to_le_bytes()).collect(), body: rgba }
}

fn png(width: u32, height: u32, rgba: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(rgba.len() / 16);
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fastest);
    // Memory does not refuse bytes, and the picture has the size that the header says: the world asserts it.
    let mut writer = encoder.write_header().expect("a display has a size");
    writer.write_image_data(rgba).expect("the pixels fill the display");
    writer.finish().expect("memory takes bytes");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_png_holds_the_same_pixels() {
        let rgba: Vec<u8> = (0..4 * 7 * 5).map(|value: u32| (value * 37 % 251) as u8).collect();
        let bytes = write(7, 5, rgba.clone(), Format::Png).body;
        let mut reader = png::Decoder::new(std::io::Cursor::new(&bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.width, info.height, info.color_type), (7, 5, png::ColorType::Rgba));
        assert_eq!(pixels, rgba);
    }

    #[test]
    fn raw_pictures_begin_with_their_size() {
        let raw = write(3, 2, vec![9; 24], Format::Raw);
        assert_eq!(raw.head, [3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]);
        assert_eq!(raw.body, [9; 24]);
        let head = write(3, 2, vec![9; 24], Format::Framebuffer).head;
        let words: Vec<u32> =
            head.chunks(4).map(|word| u32::from_le_bytes(word.try_into().expect("words have four bytes"))).collect();
        assert_eq!(words, [2, 32, 1, 24, 3, 2, 0, 8, 16, 8, 8, 8, 24, 8]);
    }
}
