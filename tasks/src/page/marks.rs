//! Draws over a screen what was done to it.

use tapwright_agent::guard::Deed;
use tapwright_contract::gesture::{Gesture, Key, KeyName, Modifier};
use tapwright_contract::{Size, Spot};

use super::escaped;

/// SVG in pixels of the display.
pub fn marks(deed: &Deed, size: Size) -> String {
    // Marks keep their size on the page, whatever the display's resolution.
    let unit = f64::from(size.width) / 100.0;
    match deed {
        Deed::Gesture(Gesture::Tap { at }) => ring(at, 5.0 * unit) + &dot(at, unit),
        Deed::Gesture(Gesture::DoubleTap { at }) => ring(at, 4.0 * unit) + &ring(at, 6.5 * unit) + &dot(at, unit),
        Deed::Gesture(Gesture::LongPress { at, .. }) => ring(at, 5.0 * unit) + &dot(at, 3.5 * unit),
        Deed::Gesture(Gesture::Swipe { from, to, .. }) => swipe(from, to, unit),
        // A swipe that begins with a long press.
        Deed::Gesture(Gesture::Drag { from, to, .. }) => ring(from, 5.0 * unit) + &swipe(from, to, unit),
        Deed::Gesture(Gesture::Press { key }) => chip(key_name(*key), size, unit),
        Deed::Gesture(Gesture::Click { at, .. }) => ring(at, 5.0 * unit) + &dot(at, unit),
        Deed::Gesture(Gesture::Move { at }) => dot(at, unit),
        Deed::Gesture(Gesture::Scroll { at, .. }) => ring(at, 5.0 * unit) + &chip("scrolled", size, unit),
        Deed::Gesture(Gesture::Chord { modifiers, key }) => chip(&chord_name(modifiers, key), size, unit),
        Deed::Gesture(Gesture::Type { .. } | Gesture::Insert { .. }) => chip("typed", size, unit),
        Deed::Gesture(Gesture::Window { .. }) => chip("window changed", size, unit),
        Deed::Gesture(Gesture::Launch { .. }) => chip("launched", size, unit),
        Deed::Api { .. } => chip("API", size, unit),
    }
}

/// A chord as menus write it: `Ctrl+Shift+T`.
fn chord_name(modifiers: &[Modifier], key: &KeyName) -> String {
    let mut name = String::new();
    for modifier in modifiers {
        name += match modifier {
            Modifier::Control => "Ctrl+",
            Modifier::Shift => "Shift+",
            Modifier::Alt => "Alt+",
            Modifier::Meta => "Meta+",
        };
    }
    // A key may be any character, one that means something in a page too.
    name + &escaped(key.as_str())
}

fn ring(at: &Spot, radius: f64) -> String {
    format!("<circle class=\"ring\" cx=\"{}\" cy=\"{}\" r=\"{radius:.1}\"/>", at.x, at.y)
}

fn dot(at: &Spot, radius: f64) -> String {
    format!("<circle class=\"dot\" cx=\"{}\" cy=\"{}\" r=\"{radius:.1}\"/>", at.x, at.y)
}

fn swipe(from: &Spot, to: &Spot, unit: f64) -> String {
    let (x, y) = (f64::from(to.x), f64::from(to.y));
    let (dx, dy) = (x - f64::from(from.x), y - f64::from(from.y));
    let length = dx.hypot(dy).max(1.0);
    let (dx, dy) = (dx / length, dy / length);
    // The head: back from the end, and to both sides of the way.
    let corner = |side: f64| {
        format!("{:.1},{:.1}", x - 5.0 * unit * (dx + side * 0.6 * -dy), y - 5.0 * unit * (dy + side * 0.6 * dx))
    };
    format!(
        "<line class=\"way\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"/><polygon class=\"dot\" points=\"{x},{y} {} {}\"/>{}",
        from.x,
        from.y,
        to.x,
        to.y,
        corner(1.0),
        corner(-1.0),
        dot(from, 1.5 * unit)
    )
}

/// A word at the top, for what has no place on the screen.
fn chip(word: &str, size: Size, unit: f64) -> String {
    let (width, height) = ((word.len() as f64 * 3.4 + 8.0) * unit, 9.0 * unit);
    let (x, y) = ((f64::from(size.width) - width) / 2.0, 9.0 * unit);
    format!(
        "<rect class=\"chip\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"{:.1}\"/>\
         <text class=\"word\" x=\"{:.1}\" y=\"{:.1}\" font-size=\"{:.1}\">{word}</text>",
        height / 2.0,
        f64::from(size.width) / 2.0,
        y + 6.4 * unit,
        5.4 * unit
    )
}

fn key_name(key: Key) -> &'static str {
    match key {
        Key::Back => "back",
        Key::Home => "home",
        Key::Enter => "enter",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use expect_test::{Expect, expect};

    use super::*;

    const SIZE: Size = Size { width: 100, height: 200 };

    fn check(gesture: Gesture, expected: Expect) {
        expected.assert_eq(&marks(&Deed::Gesture(gesture), SIZE));
    }

    #[test]
    fn a_tap_is_where_it_was() {
        check(
            Gesture::Tap { at: Spot { x: 30, y: 40, of: SIZE.into() } },
            expect![[r#"<circle class="ring" cx="30" cy="40" r="5.0"/><circle class="dot" cx="30" cy="40" r="1.0"/>"#]],
        );
    }

    #[test]
    fn a_drag_shows_where_it_took_hold() {
        let (from, to) = (Spot { x: 50, y: 150, of: SIZE.into() }, Spot { x: 50, y: 50, of: SIZE.into() });
        let ring = r#"<circle class="ring" cx="50" cy="150" r="5.0"/>"#;
        let over = Duration::ZERO;
        let swiped = marks(&Deed::Gesture(Gesture::Swipe { from, to, over }), SIZE);
        assert_eq!(marks(&Deed::Gesture(Gesture::Drag { from, to, over }), SIZE), format!("{ring}{swiped}"));
    }

    #[test]
    fn a_swipe_points_the_way_it_went() {
        let (from, to) = (Spot { x: 50, y: 150, of: SIZE.into() }, Spot { x: 50, y: 50, of: SIZE.into() });
        check(
            Gesture::Swipe { from, to, over: Duration::ZERO },
            expect![[
                r#"<line class="way" x1="50" y1="150" x2="50" y2="50"/><polygon class="dot" points="50,50 47.0,55.0 53.0,55.0"/><circle class="dot" cx="50" cy="150" r="1.5"/>"#
            ]],
        );
    }
}
