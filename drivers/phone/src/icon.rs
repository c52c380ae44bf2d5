//! Line icons, drawn on a grid of 24 by 24.

use crate::draw::{Canvas, Color, Rect};

/// What an icon shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Icon {
    Back,
    Plus,
    Check,
    Send,
    Star,
    StarFull,
    Bin,
    Pencil,
    Wifi,
    Bluetooth,
    Plane,
    Moon,
    Sun,
    Letter,
    Bell,
    Pin,
    Leaf,
    Disk,
    Info,
    Gear,
    Bubble,
    Person,
    Page,
    Clock,
    Calendar,
    Triangle,
    Circle,
    Square,
    Minus,
    Chevron,
    Phone,
    Battery,
    Globe,
    Sound,
    Shield,
    Shift,
    Erase,
}

enum Stroke {
    Path(&'static [(f32, f32)]),
    Ring(f32, f32, f32),
    Dot(f32, f32, f32),
    /// Middle, radius, first and last angle in degrees, clockwise from the right.
    Arc(f32, f32, f32, f32, f32),
}
use Stroke::{Arc, Dot, Path, Ring};

/// Draws an icon into a square of pixels.
pub fn draw(canvas: &mut Canvas, icon: Icon, rect: Rect, color: Color) {
    let unit = rect.width() as f32 / 24.0;
    let place = |(x, y): (f32, f32)| (rect.left as f32 + x * unit, rect.top as f32 + y * unit);
    let width = (2.0 * unit).max(1.5);
    for stroke in strokes(icon) {
        match *stroke {
            Path(points) => {
                for pair in points.windows(2) {
                    canvas.line(place(pair[0]), place(pair[1]), width, color);
                }
            }
            Ring(x, y, radius) => canvas.ring(place((x, y)), radius * unit, width, color),
            Dot(x, y, radius) => canvas.ring(place((x, y)), radius * unit, 3.0 * radius * unit, color),
            Arc(x, y, radius, from, to) => {
                let pieces = 10;
                let point = |i: i32| {
                    let angle = (from + (to - from) * i as f32 / pieces as f32).to_radians();
                    place((x + radius * angle.cos(), y + radius * angle.sin()))
                };
                for i in 0..pieces {
                    canvas.line(point(i), point(i + 1), width, color);
                }
            }
        }
    }
}

const STAR: &[(f32, f32)] = &[
    (12.0, 2.8),
    (14.8, 9.0),
    (21.4, 9.7),
    (16.5, 14.2),
    (17.9, 20.8),
    (12.0, 17.4),
    (6.1, 20.8),
    (7.5, 14.2),
    (2.6, 9.7),
    (9.2, 9.0),
    (12.0, 2.8),
];

/// What each icon consists of.
static STROKES: [(Icon, &[Stroke]); 37] = [
    (Icon::Back, &[Path(&[(19.0, 12.0), (5.0, 12.0)]), Path(&[(12.0, 5.0), (5.0, 12.0), (12.0, 19.0)])]),
    (
        Icon::Shift,
        &[Path(&[
            (12.0, 3.5),
            (20.5, 12.5),
            (15.5, 12.5),
            (15.5, 20.0),
            (8.5, 20.0),
            (8.5, 12.5),
            (3.5, 12.5),
            (12.0, 3.5),
        ])],
    ),
    (
        Icon::Erase,
        &[
            Path(&[(8.0, 5.0), (21.5, 5.0), (21.5, 19.0), (8.0, 19.0), (2.5, 12.0), (8.0, 5.0)]),
            Path(&[(11.5, 9.0), (17.5, 15.0)]),
            Path(&[(17.5, 9.0), (11.5, 15.0)]),
        ],
    ),
    (Icon::Plus, &[Path(&[(12.0, 4.0), (12.0, 20.0)]), Path(&[(4.0, 12.0), (20.0, 12.0)])]),
    (Icon::Minus, &[Path(&[(4.0, 12.0), (20.0, 12.0)])]),
    (Icon::Check, &[Path(&[(4.0, 12.5), (9.5, 18.0), (20.0, 6.5)])]),
    (
        Icon::Send,
        &[Path(&[(3.0, 4.0), (21.0, 12.0), (3.0, 20.0), (6.5, 12.0), (3.0, 4.0)]), Path(&[(6.5, 12.0), (20.0, 12.0)])],
    ),
    (Icon::Star, &[Path(STAR)]),
    (
        Icon::StarFull,
        &[
            Path(STAR),
            Dot(12.0, 12.2, 5.4),
            Dot(12.0, 8.0, 2.6),
            Dot(7.5, 11.0, 2.4),
            Dot(16.5, 11.0, 2.4),
            Dot(9.3, 15.8, 2.4),
            Dot(14.7, 15.8, 2.4),
        ],
    ),
    (
        Icon::Bin,
        &[
            Path(&[(4.0, 6.5), (20.0, 6.5)]),
            Path(&[(6.0, 6.5), (7.0, 20.5), (17.0, 20.5), (18.0, 6.5)]),
            Path(&[(9.0, 6.0), (9.5, 3.5), (14.5, 3.5), (15.0, 6.0)]),
        ],
    ),
    (Icon::Pencil, &[Path(&[(4.0, 20.0), (5.0, 15.0), (16.0, 4.0), (20.0, 8.0), (9.0, 19.0), (4.0, 20.0)])]),
    (Icon::Wifi, &[Arc(12.0, 19.0, 14.0, 225.0, 315.0), Arc(12.0, 19.0, 9.0, 225.0, 315.0), Dot(12.0, 18.0, 2.0)]),
    (Icon::Bluetooth, &[Path(&[(6.5, 7.5), (17.5, 16.5), (12.0, 21.5), (12.0, 2.5), (17.5, 7.5), (6.5, 16.5)])]),
    (
        Icon::Plane,
        &[
            Path(&[(12.0, 2.5), (12.0, 21.0)]),
            Path(&[(3.0, 14.0), (12.0, 9.0), (21.0, 14.0)]),
            Path(&[(8.0, 21.0), (12.0, 18.5), (16.0, 21.0)]),
        ],
    ),
    (Icon::Moon, &[Arc(11.0, 12.0, 8.5, 50.0, 290.0), Arc(17.0, 8.0, 8.0, 100.0, 200.0)]),
    (
        Icon::Sun,
        &[
            Ring(12.0, 12.0, 4.5),
            Path(&[(12.0, 2.0), (12.0, 4.0)]),
            Path(&[(12.0, 20.0), (12.0, 22.0)]),
            Path(&[(2.0, 12.0), (4.0, 12.0)]),
            Path(&[(20.0, 12.0), (22.0, 12.0)]),
            Path(&[(5.0, 5.0), (6.4, 6.4)]),
            Path(&[(17.6, 17.6), (19.0, 19.0)]),
            Path(&[(5.0, 19.0), (6.4, 17.6)]),
            Path(&[(17.6, 6.4), (19.0, 5.0)]),
        ],
    ),
    (Icon::Letter, &[Path(&[(4.0, 20.0), (12.0, 4.0), (20.0, 20.0)]), Path(&[(7.0, 14.5), (17.0, 14.5)])]),
    (
        Icon::Bell,
        &[
            Path(&[(4.0, 17.0), (6.0, 14.5), (6.0, 10.0)]),
            Arc(12.0, 10.0, 6.0, 180.0, 360.0),
            Path(&[(18.0, 10.0), (18.0, 14.5), (20.0, 17.0), (4.0, 17.0)]),
            Arc(12.0, 18.5, 2.5, 0.0, 180.0),
        ],
    ),
    (
        Icon::Pin,
        &[Arc(12.0, 9.5, 6.5, 150.0, 390.0), Path(&[(6.4, 12.7), (12.0, 21.5), (17.6, 12.7)]), Dot(12.0, 9.5, 2.2)],
    ),
    (
        Icon::Leaf,
        &[
            Arc(14.0, 14.0, 10.0, 180.0, 270.0),
            Arc(10.0, 10.0, 10.0, 0.0, 90.0),
            Path(&[(14.0, 4.0), (20.0, 4.0), (20.0, 10.0)]),
            Path(&[(4.0, 14.0), (4.0, 20.0), (10.0, 20.0)]),
            Path(&[(4.0, 20.0), (13.0, 11.0)]),
        ],
    ),
    (
        Icon::Disk,
        &[
            Path(&[(4.0, 5.0), (20.0, 5.0), (20.0, 19.0), (4.0, 19.0), (4.0, 5.0)]),
            Path(&[(4.0, 12.0), (20.0, 12.0)]),
            Dot(16.5, 8.5, 1.3),
            Dot(16.5, 15.5, 1.3),
        ],
    ),
    (Icon::Info, &[Ring(12.0, 12.0, 9.0), Path(&[(12.0, 11.0), (12.0, 16.5)]), Dot(12.0, 7.5, 1.3)]),
    (
        Icon::Gear,
        &[
            Ring(12.0, 12.0, 6.0),
            Ring(12.0, 12.0, 2.0),
            Path(&[(12.0, 2.5), (12.0, 6.0)]),
            Path(&[(12.0, 18.0), (12.0, 21.5)]),
            Path(&[(2.5, 12.0), (6.0, 12.0)]),
            Path(&[(18.0, 12.0), (21.5, 12.0)]),
            Path(&[(5.3, 5.3), (7.7, 7.7)]),
            Path(&[(16.3, 16.3), (18.7, 18.7)]),
            Path(&[(5.3, 18.7), (7.7, 16.3)]),
            Path(&[(16.3, 7.7), (18.7, 5.3)]),
        ],
    ),
    (
        Icon::Bubble,
        &[
            Path(&[(6.0, 4.5), (18.0, 4.5)]),
            Arc(18.0, 7.5, 3.0, 270.0, 360.0),
            Path(&[(21.0, 7.5), (21.0, 13.5)]),
            Arc(18.0, 13.5, 3.0, 0.0, 90.0),
            Path(&[(18.0, 16.5), (11.0, 16.5), (6.5, 21.0), (6.5, 16.5)]),
            Arc(6.0, 13.5, 3.0, 90.0, 180.0),
            Path(&[(3.0, 13.5), (3.0, 7.5)]),
            Arc(6.0, 7.5, 3.0, 180.0, 270.0),
        ],
    ),
    (Icon::Person, &[Ring(12.0, 8.0, 4.2), Arc(12.0, 21.0, 7.5, 180.0, 360.0)]),
    (
        Icon::Page,
        &[
            Path(&[(5.0, 3.0), (19.0, 3.0), (19.0, 21.0), (5.0, 21.0), (5.0, 3.0)]),
            Path(&[(8.5, 8.0), (15.5, 8.0)]),
            Path(&[(8.5, 12.0), (15.5, 12.0)]),
            Path(&[(8.5, 16.0), (12.5, 16.0)]),
        ],
    ),
    (Icon::Clock, &[Ring(12.0, 12.0, 9.0), Path(&[(12.0, 6.5), (12.0, 12.0), (16.0, 14.0)])]),
    (
        Icon::Calendar,
        &[
            Path(&[(4.0, 5.5), (20.0, 5.5), (20.0, 20.5), (4.0, 20.5), (4.0, 5.5)]),
            Path(&[(4.0, 10.0), (20.0, 10.0)]),
            Path(&[(8.0, 3.0), (8.0, 6.5)]),
            Path(&[(16.0, 3.0), (16.0, 6.5)]),
            Dot(12.0, 15.0, 1.8),
        ],
    ),
    (Icon::Triangle, &[Path(&[(17.0, 4.5), (6.0, 12.0), (17.0, 19.5), (17.0, 4.5)])]),
    (Icon::Circle, &[Ring(12.0, 12.0, 7.5)]),
    (Icon::Square, &[Path(&[(5.5, 5.5), (18.5, 5.5), (18.5, 18.5), (5.5, 18.5), (5.5, 5.5)])]),
    (Icon::Chevron, &[Path(&[(9.0, 5.0), (16.0, 12.0), (9.0, 19.0)])]),
    (
        Icon::Phone,
        &[Path(&[(7.0, 2.5), (17.0, 2.5), (17.0, 21.5), (7.0, 21.5), (7.0, 2.5)]), Path(&[(10.5, 18.5), (13.5, 18.5)])],
    ),
    (
        Icon::Battery,
        &[
            Path(&[(3.0, 7.5), (19.0, 7.5), (19.0, 16.5), (3.0, 16.5), (3.0, 7.5)]),
            Path(&[(21.5, 10.5), (21.5, 13.5)]),
            Path(&[(6.5, 11.0), (6.5, 13.0)]),
            Path(&[(10.0, 11.0), (10.0, 13.0)]),
        ],
    ),
    (
        Icon::Globe,
        &[
            Ring(12.0, 12.0, 9.0),
            Path(&[(3.0, 12.0), (21.0, 12.0)]),
            Arc(4.0, 12.0, 12.0, 315.0, 405.0),
            Arc(20.0, 12.0, 12.0, 135.0, 225.0),
        ],
    ),
    (
        Icon::Sound,
        &[
            Path(&[(3.0, 9.0), (7.0, 9.0), (12.0, 4.5), (12.0, 19.5), (7.0, 15.0), (3.0, 15.0), (3.0, 9.0)]),
            Arc(12.0, 12.0, 5.0, 310.0, 410.0),
            Arc(12.0, 12.0, 9.0, 310.0, 410.0),
        ],
    ),
    (
        Icon::Shield,
        &[Path(&[(12.0, 2.5), (20.0, 5.5), (19.5, 12.5), (12.0, 21.5), (4.5, 12.5), (4.0, 5.5), (12.0, 2.5)])],
    ),
];

fn strokes(icon: Icon) -> &'static [Stroke] {
    STROKES.iter().find(|(known, _)| *known == icon).map_or(&[], |(_, strokes)| strokes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `Erase` is the last of them.
    #[test]
    fn every_icon_is_drawn_once() {
        let mut icons: Vec<Icon> = STROKES.iter().map(|(icon, _)| *icon).collect();
        icons.sort_unstable();
        icons.dedup();
        assert_eq!((icons.len(), STROKES.len()), (Icon::Erase as usize + 1, Icon::Erase as usize + 1));
        assert!(STROKES.iter().all(|(_, strokes)| !strokes.is_empty()));
    }
}
