//! Pictures of things that are eaten, worn, used and looked at.

use super::{Painter, Subject, darker, lighter};
use crate::draw::Color;

const COLORS: [Color; 10] =
    [0xE0567A, 0x3B82F6, 0x16A34A, 0xF08C2E, 0x7C5CFC, 0x0EA5A4, 0x334155, 0xB45309, 0xD6303B, 0xE8C547];
const BACKS: [Color; 5] = [0xF4EFE6, 0xE8F0F7, 0xF3E8EE, 0xEAF3EA, 0xEDEBF7];

/// Paints a thing.
pub fn paint(painter: &mut Painter, subject: Subject) {
    let color = painter.pick(&COLORS);
    let back = painter.pick(&BACKS);
    if !matches!(subject, Subject::Cover | Subject::Portrait | Subject::Meal | Subject::Coffee) {
        painter.fade(0.0, 100.0, lighter(back, 90), back);
    }
    painter.is_square = subject != Subject::Cover;
    match subject {
        Subject::Meal => meal(painter),
        Subject::Coffee => coffee(painter),
        Subject::Cat => cat(painter),
        Subject::Flower => flower(painter, color),
        Subject::Portrait => portrait(painter, color),
        Subject::Cover => cover(painter, color),
        Subject::Book => book(painter, color),
        Subject::Device => device(painter, color),
        Subject::Shoe => shoe(painter, color),
        Subject::Shirt => shirt(painter, color),
        Subject::Bag => bag(painter, color),
        Subject::Lamp => lamp(painter, color),
        Subject::Cup => cup(painter, color),
        Subject::Headphones => headphones(painter, color),
        Subject::Watch => watch(painter, color),
        _ => ball(painter, color),
    }
}

fn meal(painter: &mut Painter) {
    let table = painter.pick(&[0x8A5A3B, 0x5D4636, 0xC9A878, 0x40505C]);
    painter.fade(0.0, 100.0, table, darker(table, 60));
    painter.dot((50.0, 52.0), 42.0, 0xE9E4DA);
    painter.dot((50.0, 52.0), 36.0, 0xFFFFFF);
    let soup = painter.pick(&[0xC8502E, 0xE3B04B, 0xA8743E, 0x7FA650]);
    painter.dot((50.0, 52.0), 30.0, soup);
    for _ in 0..16 {
        let at = (painter.between(34.0, 66.0), painter.between(34.0, 70.0));
        let piece = painter.pick(&[0x4C8C5A, 0xF2D7A0, 0xD6303B, 0xF7F0DC, 0x8A4B2A]);
        let size = painter.between(2.0, 5.0);
        painter.dot(at, size, piece);
    }
    painter.line(&[(82.0, 12.0), (94.0, 92.0)], 2.0, 0xD8B07A);
    painter.line(&[(87.0, 12.0), (97.0, 90.0)], 2.0, 0xD8B07A);
}

fn coffee(painter: &mut Painter) {
    let table = painter.pick(&[0x9A6B45, 0xD9C3A5, 0x5A4A42]);
    painter.fade(0.0, 100.0, lighter(table, 40), table);
    painter.dot((48.0, 54.0), 38.0, 0xF3EEE6);
    painter.ring((84.0, 54.0), 10.0, 5.0, 0xFFFFFF);
    painter.dot((48.0, 54.0), 29.0, 0xFFFFFF);
    painter.dot((48.0, 54.0), 25.0, 0x6B3F22);
    let foam = painter.pick(&[0xE8CFA8, 0xF4E4CB, 0xD3A878]);
    painter.dot((43.0, 50.0), 8.0, foam);
    painter.dot((53.0, 50.0), 8.0, foam);
    painter.shape(&[(36.5, 53.0), (59.5, 53.0), (48.0, 70.0)], foam);
}

fn cat(painter: &mut Painter) {
    let fur = painter.pick(&[0xE0A45E, 0x8A8F98, 0x3B3A3E, 0xF1E3CF]);
    painter.dot((50.0, 108.0), 44.0, fur);
    for side in [-1.0, 1.0] {
        painter.shape(&[(50.0 + side * 24.0, 44.0), (50.0 + side * 22.0, 12.0), (50.0 + side * 6.0, 32.0)], fur);
        painter.shape(&[(50.0 + side * 20.0, 38.0), (50.0 + side * 19.5, 20.0), (50.0 + side * 11.0, 31.0)], 0xF3B7B0);
    }
    painter.dot((50.0, 50.0), 27.0, fur);
    let eye = painter.pick(&[0x4CAF50, 0x2F80ED, 0xE2B93B]);
    for side in [-1.0, 1.0] {
        painter.dot((50.0 + side * 10.0, 46.0), 5.0, eye);
        painter.dot((50.0 + side * 10.0, 46.0), 2.2, 0x101418);
        painter.line(&[(50.0 + side * 8.0, 58.0), (50.0 + side * 26.0, 54.0)], 0.8, darker(fur, 120));
        painter.line(&[(50.0 + side * 8.0, 60.0), (50.0 + side * 26.0, 62.0)], 0.8, darker(fur, 120));
    }
    painter.shape(&[(47.0, 54.0), (53.0, 54.0), (50.0, 58.0)], 0xE07A7A);
}

fn flower(painter: &mut Painter, color: Color) {
    painter.line(&[(50.0, 50.0), (52.0, 100.0)], 3.0, 0x4C8C5A);
    painter.shape(&[(52.0, 82.0), (70.0, 66.0), (72.0, 78.0)], 0x5E9F53);
    painter.shape(&[(51.0, 90.0), (34.0, 76.0), (33.0, 87.0)], 0x5E9F53);
    for (x, y) in [(50.0, 22.0), (66.0, 32.0), (62.0, 52.0), (38.0, 52.0), (34.0, 32.0)] {
        painter.dot((x, y), 14.0, color);
        painter.dot((x, y), 9.0, lighter(color, 50));
    }
    painter.dot((50.0, 39.0), 9.0, 0xF6D55C);
}

fn portrait(painter: &mut Painter, color: Color) {
    painter.fade(0.0, 100.0, lighter(color, 120), lighter(color, 60));
    let skin = painter.pick(&[0xF3C9A5, 0xE0A67C, 0xB97B52, 0x8D5A3B]);
    let hair = painter.pick(&[0x2B2320, 0x5A3A26, 0xB5803D, 0x8C8C92]);
    painter.dot((50.0, 40.0), 26.0, hair);
    if painter.flip() {
        painter.round(25.0, 38.0, 75.0, 76.0, 10.0, hair);
    }
    painter.round(43.0, 58.0, 57.0, 76.0, 4.0, darker(skin, 40));
    painter.dot((50.0, 46.0), 20.0, skin);
    let cloth = painter.pick(&COLORS);
    painter.round(18.0, 72.0, 82.0, 130.0, 24.0, cloth);
    for x in [43.0, 57.0] {
        painter.dot((x, 45.0), 2.2, 0x2B2320);
    }
    painter.line(&[(44.0, 55.0), (50.0, 57.5), (56.0, 55.0)], 1.6, 0x9A3F3A);
}

fn cover(painter: &mut Painter, color: Color) {
    let second = painter.pick(&COLORS);
    painter.fade(0.0, 100.0, color, darker(second, 60));
    match painter.dice.below(3) {
        0 => {
            for ring in 0..5 {
                painter.ring((50.0, 50.0), 8.0 + 9.0 * ring as f32, 3.0, lighter(second, 40 + 30 * ring));
            }
        }
        1 => {
            for bar in 0..7 {
                let top = painter.between(20.0, 70.0);
                let left = 12.0 + 11.0 * bar as f32;
                painter.round(left, top, left + 7.0, 84.0, 3.0, lighter(second, 110));
            }
        }
        _ => {
            let sun = painter.between(30.0, 70.0);
            painter.dot((sun, 40.0), 20.0, lighter(second, 120));
            for wave in 0..4 {
                let y = 58.0 + 10.0 * wave as f32;
                painter.shape(
                    &[(0.0, y), (30.0, y - 6.0), (65.0, y + 4.0), (100.0, y - 3.0), (100.0, 100.0), (0.0, 100.0)],
                    darker(color, 40 * wave),
                );
            }
        }
    }
}

fn book(painter: &mut Painter, color: Color) {
    painter.round(24.0, 12.0, 80.0, 90.0, 3.0, darker(color, 90));
    painter.block(28.0, 15.0, 80.0, 87.0, 0xF7F3E8);
    painter.round(22.0, 10.0, 75.0, 88.0, 3.0, color);
    painter.block(22.0, 10.0, 29.0, 88.0, darker(color, 60));
    painter.block(36.0, 24.0, 68.0, 30.0, lighter(color, 170));
    painter.block(36.0, 34.0, 60.0, 38.0, lighter(color, 130));
    let at = (52.0, painter.between(56.0, 68.0));
    painter.dot(at, 11.0, lighter(color, 100));
}

fn device(painter: &mut Painter, color: Color) {
    painter.round(31.0, 8.0, 69.0, 92.0, 6.0, 0x1C2230);
    painter.round(33.0, 11.0, 67.0, 89.0, 4.0, color);
    let wave = painter.between(40.0, 70.0);
    painter.shape(
        &[(33.0, wave), (50.0, wave - 12.0), (67.0, wave + 6.0), (67.0, 87.0), (33.0, 87.0)],
        lighter(color, 90),
    );
    painter.dot((50.0, 15.0), 1.8, 0x1C2230);
}

fn shoe(painter: &mut Painter, color: Color) {
    painter.shape(
        &[
            (14.0, 72.0),
            (16.0, 40.0),
            (34.0, 38.0),
            (42.0, 52.0),
            (70.0, 58.0),
            (88.0, 66.0),
            (90.0, 76.0),
            (14.0, 76.0),
        ],
        color,
    );
    painter.round(12.0, 74.0, 92.0, 84.0, 4.0, 0xFFFFFF);
    painter.round(12.0, 80.0, 92.0, 85.0, 2.0, darker(color, 80));
    for lace in 0..4 {
        let x = 40.0 + 7.0 * lace as f32;
        painter.line(&[(x, 50.0 + 2.0 * lace as f32), (x + 5.0, 58.0 + 1.5 * lace as f32)], 2.0, 0xFFFFFF);
    }
    let stripe = painter.between(20.0, 30.0);
    painter.line(&[(stripe, 70.0), (stripe + 10.0, 48.0)], 4.0, lighter(color, 150));
}

fn shirt(painter: &mut Painter, color: Color) {
    painter.shape(
        &[
            (36.0, 16.0),
            (64.0, 16.0),
            (90.0, 32.0),
            (80.0, 50.0),
            (72.0, 44.0),
            (72.0, 88.0),
            (28.0, 88.0),
            (28.0, 44.0),
            (20.0, 50.0),
            (10.0, 32.0),
        ],
        color,
    );
    painter.dot((50.0, 15.0), 10.0, lighter(color, 190));
    if painter.flip() {
        for stripe in 0..4 {
            let y = 46.0 + 11.0 * stripe as f32;
            painter.block(28.0, y, 72.0, y + 4.0, lighter(color, 120));
        }
    } else {
        painter.dot((50.0, 54.0), 11.0, lighter(color, 140));
    }
}

fn bag(painter: &mut Painter, color: Color) {
    painter.ring((50.0, 34.0), 18.0, 5.0, darker(color, 80));
    painter.round(20.0, 32.0, 80.0, 90.0, 9.0, color);
    painter.round(28.0, 56.0, 72.0, 82.0, 5.0, darker(color, 50));
    let clasp = painter.between(46.0, 54.0);
    painter.round(clasp - 5.0, 52.0, clasp + 5.0, 62.0, 2.0, 0xE8C547);
}

fn lamp(painter: &mut Painter, color: Color) {
    let tilt = painter.between(-8.0, 8.0);
    painter.dot((50.0 + tilt, 50.0), 30.0, 0xFFF3C4);
    painter.shape(&[(36.0 + tilt, 16.0), (64.0 + tilt, 16.0), (78.0 + tilt, 50.0), (22.0 + tilt, 50.0)], color);
    painter.line(&[(50.0 + tilt, 50.0), (50.0, 86.0)], 3.0, 0x3B3F48);
    painter.round(32.0, 85.0, 68.0, 91.0, 3.0, 0x3B3F48);
}

fn cup(painter: &mut Painter, color: Color) {
    painter.ring((72.0, 52.0), 14.0, 6.0, darker(color, 30));
    painter.round(24.0, 26.0, 70.0, 86.0, 9.0, color);
    painter.round(24.0, 26.0, 70.0, 38.0, 5.0, darker(color, 60));
    let band = painter.between(50.0, 64.0);
    painter.block(24.0, band, 70.0, band + 7.0, lighter(color, 140));
}

fn headphones(painter: &mut Painter, color: Color) {
    painter.ring((50.0, 52.0), 32.0, 6.0, darker(color, 30));
    painter.block(10.0, 58.0, 90.0, 92.0, 0xEEF1F5);
    painter.round(12.0, 48.0, 30.0, 84.0, 8.0, color);
    painter.round(70.0, 48.0, 88.0, 84.0, 8.0, color);
    let pad = painter.between(54.0, 60.0);
    painter.round(26.0, pad, 34.0, 82.0, 4.0, 0x22262E);
    painter.round(66.0, pad, 74.0, 82.0, 4.0, 0x22262E);
}

fn watch(painter: &mut Painter, color: Color) {
    painter.round(39.0, 4.0, 61.0, 96.0, 5.0, color);
    painter.dot((50.0, 50.0), 29.0, 0x2B3038);
    painter.dot((50.0, 50.0), 24.0, 0xF7F8FA);
    let (hour, minute) = (painter.between(-10.0, 10.0), painter.between(-14.0, 14.0));
    painter.line(&[(50.0, 50.0), (50.0 + hour, 38.0)], 3.0, 0x16181D);
    painter.line(&[(50.0, 50.0), (50.0 + minute, 62.0)], 2.0, 0xD6303B);
}

fn ball(painter: &mut Painter, color: Color) {
    painter.round(24.0, 86.0, 76.0, 92.0, 3.0, 0xC9CDD4);
    painter.dot((50.0, 52.0), 36.0, color);
    let curve = painter.between(36.0, 64.0);
    painter.line(&[(16.0, 46.0), (curve, 60.0), (84.0, 46.0)], 2.0, darker(color, 110));
    painter.line(&[(50.0, 16.0), (curve, 52.0), (50.0, 88.0)], 2.0, darker(color, 110));
    painter.dot((38.0, 38.0), 7.0, lighter(color, 120));
}
