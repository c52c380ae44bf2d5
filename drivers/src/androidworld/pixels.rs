//! A screen as AndroidWorld's server says it: rows of pixels of three numbers, as JSON. It is read number by number, as it has some million.

use tapwright_contract::{Picture, Size};

/// No display has more.
const PIXELS_MAX: usize = 32 << 20;
const SIDE_MAX: usize = 16_384;

/// Reads `[[[r, g, b], …], …]`, alone or as `"pixels"` of an object.
///
/// # Errors
/// What is wrong with it.
pub fn read(body: &[u8]) -> Result<Picture, String> {
    let start = body.iter().position(|byte| *byte == b'[').ok_or("it has no rows")?;
    let head = String::from_utf8_lossy(&body[..start]);
    if !matches!(head.split_whitespace().collect::<String>().as_str(), "" | "{\"pixels\":") {
        let head: String = head.chars().take(80).collect();
        return Err(format!("it begins with {head:?}, and not with pixels"));
    }
    let mut reader = Reader { rgba: Vec::new(), width: None, height: 0 };
    reader.rows(&body[start..])?;
    let (width, height) = (reader.width.unwrap_or(0), reader.height);
    if width > SIDE_MAX || height > SIDE_MAX {
        return Err(format!("it is {width} x {height} pixels"));
    }
    let size = Size { width: width as u32, height: height as u32 };
    Picture::new(size, reader.rgba).map_err(|error| error.to_string())
}

struct Reader {
    rgba: Vec<u8>,
    /// That of the first row, and so of all.
    width: Option<usize>,
    height: usize,
}

impl Reader {
    fn rows(&mut self, body: &[u8]) -> Result<(), String> {
        // How deep a number stands, how many there were of its pixel, how many pixels of its row.
        let (mut depth, mut channel, mut across) = (0, 0, 0);
        let mut number: Option<u32> = None;
        for byte in body {
            match byte {
                b'0'..=b'9' if depth == 3 => {
                    let said = 10 * number.unwrap_or(0) + u32::from(byte - b'0');
                    if said > 255 {
                        return Err("a number is above 255".to_owned());
                    }
                    number = Some(said);
                }
                b'[' if depth < 3 => depth += 1,
                b',' | b']' => {
                    if let Some(said) = number.take() {
                        channel += 1;
                        // A fourth number says how opaque it is, which a screen always is.
                        if channel <= 3 {
                            self.rgba.push(said as u8);
                        }
                    }
                    if *byte == b',' {
                        continue;
                    }
                    match depth {
                        3 => {
                            if !(3..=4).contains(&channel) {
                                return Err(format!("a pixel has {channel} numbers, and not three"));
                            }
                            self.rgba.push(255);
                            (channel, across) = (0, across + 1);
                            if self.rgba.len() > 4 * PIXELS_MAX {
                                return Err(format!("it has more than {PIXELS_MAX} pixels"));
                            }
                        }
                        2 => {
                            if *self.width.get_or_insert(across) != across {
                                return Err("its rows are not of the same length".to_owned());
                            }
                            (across, self.height) = (0, self.height + 1);
                        }
                        _ => return Ok(()),
                    }
                    depth -= 1;
                }
                b' ' | b'\n' | b'\r' | b'\t' => {}
                other => return Err(format!("{:?} stands among its numbers", char::from(*other))),
            }
        }
        Err("it breaks off".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_are_read_and_what_is_none_is_refused() {
        let picture = read(b"{\"pixels\": [[[1, 2, 3], [4,5,6]],\n [[7,8,9],[255,0,0,255]]]}").unwrap();
        assert_eq!(picture.size(), Size { width: 2, height: 2 });
        assert_eq!(picture.rgba(), [1, 2, 3, 255, 4, 5, 6, 255, 7, 8, 9, 255, 255, 0, 0, 255]);
        for (wrong, why) in [
            ("", "no rows"),
            ("{\"detail\": [1]}", "not with pixels"),
            ("[]", "0"),
            ("[[[1,2]]]", "2 numbers"),
            ("[[[1,2,256]]]", "above 255"),
            ("[[[1,2,3]],[[1,2,3],[1,2,3]]]", "same length"),
            ("[[[1,2,3]]", "breaks off"),
            ("[[[1,2,x]]]", "'x'"),
            ("[[[[1]]]]", "'['"),
        ] {
            let said = read(wrong.as_bytes()).unwrap_err();
            assert!(said.contains(why), "{wrong}: {said}");
        }
    }
}
