//! What is written in a window that forbids pictures, as a picture: the same words at the same places.
//!
//! The widgets' texts come from the device's own tree. A model that sees pixels sees them where it would have seen them, and can touch
//! them there; what has no text (photographs, icons without a name) is missing, and a banner says what the picture is.

use tapwright_contract::device::Label;
use tapwright_contract::{Picture, Size};
use tapwright_phone::draw::{Canvas, Color, Rect, fit, wrap};

const PAPER: Color = 0x00ff_ffff;
const INK: Color = 0x001a_1a1a;
/// Of what a touch does something to.
const BUTTON: Color = 0x00e4_e8f2;
const FOCUS: Color = 0x002d_6cdf;
const BANNER: Color = 0x00ff_f1c2;
/// Letters of one label, of one word in it, and of all: a screen's texts have no other bound that is near, and measuring takes time.
const LABEL_LETTERS_MAX: usize = 2000;
const WORD_LETTERS_MAX: usize = 60;
const LETTERS_MAX: usize = 20_000;
/// More do not fit into a line of any display.
const LINE_LETTERS_MAX: usize = 300;

/// Draws it.
pub fn draw(size: Size, labels: &[Label]) -> Picture {
    let mut canvas = Canvas::new(size.width, size.height, PAPER);
    let unit = (size.width / 27).clamp(8, 80);
    // Large ones first: what lies on them is drawn over them.
    let mut labels: Vec<&Label> = labels.iter().collect();
    labels.sort_by_key(|label| std::cmp::Reverse(label.area.pixels()));
    let mut left = LETTERS_MAX;
    for label in labels {
        let text = excerpt(&label.text, left);
        left -= text.chars().count().min(left);
        draw_label(&mut canvas, label, &text, size, unit);
    }
    banner(&mut canvas, size, unit);
    let rgba = canvas.into_rgba();
    Picture::new(size, rgba).expect("a canvas has four bytes a pixel")
}

/// As much of a text as can be drawn in time. A word without an end is broken.
fn excerpt(text: &str, left: usize) -> String {
    let mut bounded = String::new();
    let mut word = 0;
    for letter in text.trim().chars().take(LABEL_LETTERS_MAX.min(left)) {
        word = if letter.is_whitespace() { 0 } else { word + 1 };
        if word > WORD_LETTERS_MAX {
            bounded.push(' ');
            word = 1;
        }
        bounded.push(letter);
    }
    bounded
}

fn draw_label(canvas: &mut Canvas, label: &Label, text: &str, size: Size, unit: u32) {
    let area = rect(label, size);
    if area.is_empty() {
        return;
    }
    if label.touchable || label.focused {
        if label.focused {
            canvas.fill(area, unit as f32 / 3.0, FOCUS);
        }
        let edge = if label.focused { (unit as i32 / 8).max(1) } else { 0 };
        let inside =
            Rect { left: area.left + edge, top: area.top + edge, right: area.right - edge, bottom: area.bottom - edge };
        canvas.fill(inside, unit as f32 / 3.0, if label.touchable { BUTTON } else { PAPER });
    }
    if text.is_empty() {
        return;
    }
    let letters = unit.min(u32::try_from(area.height()).unwrap_or(unit).max(8));
    let line = letters as i32 * 4 / 3;
    let margin = (area.width() / 16).min(unit as i32 / 2);
    let width = (area.width() - 2 * margin).max(1);
    let room = usize::try_from(area.height() / line).unwrap_or(0).max(1);
    let mut lines = match room {
        1 => {
            let end = text.char_indices().nth(LINE_LETTERS_MAX).map_or(text.len(), |(end, _)| end);
            vec![fit(letters, false, &text[..end], width)]
        }
        _ => wrap(letters, text, width),
    };
    lines.truncate(room);
    let top = area.top + (area.height() - line * lines.len() as i32) / 2;
    for (n, words) in lines.iter().enumerate() {
        let baseline = top + line * n as i32 + letters as i32;
        canvas.text(area.left + margin, baseline, letters, false, INK, words);
    }
}

/// At the lower edge, where apps seldom put anything to read.
fn banner(canvas: &mut Canvas, size: Size, unit: u32) {
    let letters = (unit * 2 / 3).max(8);
    let (width, height) = (size.width as i32, size.height as i32);
    let area = Rect { left: 0, top: height - 2 * letters as i32, right: width, bottom: height };
    canvas.fill(area, 0.0, BANNER);
    let words = fit(letters, false, "This app forbids pictures; these are its words", width - letters as i32);
    canvas.text(letters as i32 / 2, height - letters as i32 * 2 / 3, letters, false, INK, &words);
}

/// Where a label is, within the display.
fn rect(label: &Label, size: Size) -> Rect {
    let within = |at: u32, end: u32| i32::try_from(at.min(end)).unwrap_or(i32::MAX);
    Rect {
        left: within(label.area.left, size.width),
        top: within(label.area.top, size.height),
        right: within(label.area.right, size.width),
        bottom: within(label.area.bottom, size.height),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use tapwright_contract::Spot;
    use tapwright_contract::device::{Area, DriverError, DriverErrorKind};
    use tapwright_contract::gesture::Gesture;
    use tapwright_phone::weather::{Fault, Weather};

    use super::*;
    use crate::device::{Device, DeviceAddress, DeviceOptions, FunctionOwners, Keys, PhoneOptions};

    fn label(text: &str, area: (u32, u32, u32, u32), touchable: bool) -> Label {
        let (left, top, right, bottom) = area;
        let area = Area { left, top, right, bottom };
        Label {
            text: text.to_owned(),
            area,
            touchable,
            focused: false,
            secret: false,
            app: None,
            role: None,
            value: None,
            is_on: None,
        }
    }

    /// How many pixels of a colour there are in a rectangle.
    fn count(picture: &Picture, color: Color, area: (u32, u32, u32, u32)) -> usize {
        let wanted = [(color >> 16) as u8, (color >> 8) as u8, color as u8];
        let width = picture.size().width as usize;
        let inside = |at: usize| {
            let (x, y) = ((at % width) as u32, (at / width) as u32);
            (area.0..area.2).contains(&x) && (area.1..area.3).contains(&y)
        };
        picture.rgba().chunks_exact(4).enumerate().filter(|(at, pixel)| inside(*at) && pixel[..3] == wanted).count()
    }

    /// A phone on which every window that is touched forbids pictures for a while.
    #[tokio::test]
    async fn a_protected_window_is_seen_as_its_words() {
        let mut weather = Weather::of(1, &[(Fault::Secure, 1000)]);
        weather.lengths.secure = 60_000;
        let phone = PhoneOptions { width: 540, height: 1200, ..PhoneOptions::default() };
        let within = Duration::from_secs(10);
        let options = |words| DeviceOptions {
            at: DeviceAddress::Virtual(phone.clone()),
            weather: weather.clone(),
            connect: within,
            keys: Keys::default(),
            find_again: within,
            probe: within,
            words,
            app_functions: FunctionOwners::None,
        };
        let launch = Gesture::Launch { app: "Settings".to_owned() };
        for words in [false, true] {
            let mut device = Device::open(&options(words)).await.unwrap();
            let _ = device.rig.driver.screen(within).await;
            device.rig.driver.perform(&launch, within).await.unwrap();
            let seen = device.rig.driver.screen(within).await;
            match (words, seen) {
                (false, Err(DriverError { kind: DriverErrorKind::Hidden { .. }, .. })) => {}
                (true, Ok(screen)) => {
                    assert!(count(&screen.picture, BANNER, (0, 1100, 540, 1200)) > 5_000, "it says what it is");
                    assert!(count(&screen.picture, INK, (0, 100, 540, 1000)) > 500, "there are words");
                    assert_eq!(screen.front.label, "Settings");
                    // What is seen so can be touched.
                    let at = Spot { x: 270, y: 600, of: screen.id };
                    device.rig.driver.perform(&Gesture::Tap { at }, within).await.unwrap();
                }
                (_, seen) => panic!("words: {words}: {seen:?}"),
            }
            device.close().await.unwrap();
        }
    }

    #[test]
    fn words_stand_where_they_were() {
        let size = Size { width: 540, height: 1200 };
        let button = (40, 800, 500, 880);
        let labels = [label("Pay ¥399", button, true), label("余额", (40, 200, 500, 260), false)];
        let picture = draw(size, &labels);
        assert!(count(&picture, BUTTON, button) > 10_000 && count(&picture, INK, button) > 5);
        assert!(count(&picture, INK, (40, 200, 500, 260)) > 5, "text that cannot be touched");
        assert_eq!(count(&picture, PAPER, (0, 300, 540, 790)), 540 * 490, "nothing between them");
        assert!(count(&picture, BANNER, (0, 1100, 540, 1200)) > 5_000);
        // What is written is what tells two screens apart.
        assert_ne!(picture, draw(size, &labels[1..]));
    }

    #[test]
    fn no_label_breaks_it() {
        let odd = [
            label("", (0, 0, 540, 1200), true),
            label("beyond", (500, 1100, 9000, 9000), true),
            label("turned round", (300, 300, 200, 200), true),
            label(&"x".repeat(5000), (0, 0, 3, 3), false),
            label("\u{202e}\n\n\u{0}", (10, 10, 500, 1000), false),
        ];
        // The most that a tree can hold, in words without an end: seconds if they were measured whole.
        let endless: Vec<Label> = (0..200).map(|_| label(&"长x".repeat(16_000), (0, 0, 540, 1200), true)).collect();
        #[allow(clippy::disallowed_methods)] // It measures.
        let began = Instant::now();
        draw(Size { width: 540, height: 1200 }, &endless);
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        for (width, height) in [(1, 1), (3, 400), (240, 400), (4096, 300)] {
            let size = Size { width, height };
            assert_eq!(draw(size, &odd).size(), size);
        }
    }
}
