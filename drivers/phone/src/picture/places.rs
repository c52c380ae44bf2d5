//! Pictures of places: a sky, what stands before it, and the ground.

use super::{Painter, Subject, darker, lighter};
use crate::draw::{Color, mix};

const SKIES: [(Color, Color); 5] =
    [(0x4F9DE8, 0xD9EEFF), (0x6FB6F0, 0xFFF1D6), (0x3C5A99, 0xF6B27A), (0x7A6FC0, 0xFBC6C0), (0x87B5D6, 0xE9F2F5)];
const GREENS: [Color; 4] = [0x5E9F53, 0x4C8C5A, 0x7BAF4D, 0x3F7D4E];

/// Paints a place; false if it is none.
pub fn paint(painter: &mut Painter, subject: Subject) -> bool {
    match subject {
        Subject::Mountain => mountain(painter),
        Subject::Lake => lake(painter),
        Subject::Sea => sea(painter),
        Subject::Skyline => skyline(painter),
        Subject::Palace => palace(painter),
        Subject::Temple => temple(painter),
        Subject::Tower => tower(painter),
        Subject::Park => park(painter),
        Subject::Museum => museum(painter),
        Subject::Snow => snow(painter),
        Subject::Street => street(painter),
        Subject::Bridge => bridge(painter),
        Subject::Station => station(painter),
        Subject::Map => map(painter),
        _ => return false,
    }
    true
}

fn sky(painter: &mut Painter, horizon: f32) {
    let (top, bottom) = painter.pick(&SKIES);
    painter.fade(0.0, horizon, top, bottom);
    let sun = (painter.between(12.0, 88.0), painter.between(10.0, 30.0));
    painter.dot(sun, 9.0, lighter(bottom, 150));
    for _ in 0..3 {
        let at = (painter.between(5.0, 90.0), painter.between(8.0, 36.0));
        let size = painter.between(4.0, 8.0);
        for (across, share) in [(-6.0, 0.7), (0.0, 1.0), (6.0, 0.8)] {
            painter.dot((at.0 + across, at.1), size * share, lighter(bottom, 120));
        }
    }
}

fn ridge(painter: &mut Painter, height: f32, rough: f32, color: Color) {
    let mut points = vec![(0.0, 100.0)];
    for step in 0..=8 {
        let up = painter.between(-rough, rough);
        points.push((12.5 * step as f32, height + up));
    }
    points.push((100.0, 100.0));
    painter.shape(&points, color);
}

fn tree(painter: &mut Painter, x: f32, foot: f32, size: f32) {
    let green = painter.pick(&GREENS);
    painter.line(&[(x, foot), (x, foot - size)], size / 6.0, 0x6B4A2E);
    if painter.flip() {
        let half = size * 0.45;
        painter.shape(&[(x - half, foot - size * 0.4), (x, foot - size * 1.6), (x + half, foot - size * 0.4)], green);
    } else {
        painter.dot((x, foot - size), size * 0.5, green);
        painter.dot((x - size * 0.2, foot - size * 1.15), size * 0.3, lighter(green, 40));
    }
}

fn mountain(painter: &mut Painter) {
    sky(painter, 100.0);
    let rock = painter.pick(&[0x6B7A90, 0x7C6F64, 0x5E7281]);
    for share in [90, 40] {
        let (x, up) = (painter.between(25.0, 75.0), painter.between(18.0, 34.0));
        painter.shape(&[(x - 55.0, 100.0), (x, up), (x + 55.0, 100.0)], lighter(rock, share));
        let snow = up + 12.0;
        painter.shape(
            &[(x - 9.0, snow + 3.0), (x, up), (x + 9.0, snow + 3.0), (x + 3.0, snow - 2.0), (x - 3.0, snow + 1.0)],
            0xFFFFFF,
        );
    }
    let green = painter.pick(&GREENS);
    ridge(painter, 80.0, 5.0, green);
    for step in 0..6 {
        let x = 8.0 + 16.0 * step as f32 + painter.between(-5.0, 5.0);
        tree(painter, x, 92.0, 9.0);
    }
}

fn lake(painter: &mut Painter) {
    sky(painter, 55.0);
    let green = painter.pick(&GREENS);
    ridge(painter, 46.0, 7.0, mix(green, 0x9FB6C8, 120));
    let water = painter.pick(&[0x4A90C2, 0x3F9AA8, 0x5C86C6]);
    painter.fade(58.0, 100.0, lighter(water, 90), water);
    for _ in 0..9 {
        let (x, y) = (painter.between(0.0, 90.0), painter.between(62.0, 94.0));
        painter.line(&[(x, y), (x + 10.0, y)], 0.8, lighter(water, 110));
    }
    let x = painter.between(25.0, 70.0);
    painter.shape(&[(x - 9.0, 74.0), (x + 9.0, 74.0), (x + 6.0, 79.0), (x - 6.0, 79.0)], 0x8B3A2E);
    painter.shape(&[(x, 73.0), (x, 56.0), (x + 8.0, 72.0)], 0xFFFFFF);
    tree(painter, 8.0, 62.0, 14.0);
    tree(painter, 93.0, 64.0, 17.0);
}

fn sea(painter: &mut Painter) {
    sky(painter, 50.0);
    let water = painter.pick(&[0x1E7FB8, 0x2A9D9D, 0x2F6FB0]);
    painter.fade(48.0, 80.0, water, lighter(water, 100));
    ridge(painter, 80.0, 2.5, 0xEBD9A8);
    for _ in 0..7 {
        let (x, y) = (painter.between(0.0, 90.0), painter.between(52.0, 74.0));
        painter.line(&[(x, y), (x + 12.0, y)], 0.9, 0xFFFFFF);
    }
    let x = painter.between(20.0, 75.0);
    let cloth = painter.pick(&[0xE0567A, 0xF08C2E, 0x3B82F6]);
    painter.line(&[(x, 66.0), (x + 4.0, 92.0)], 1.5, 0x8A6B45);
    painter.shape(&[(x - 15.0, 72.0), (x - 1.0, 62.0), (x + 15.0, 70.0)], cloth);
}

fn skyline(painter: &mut Painter) {
    sky(painter, 100.0);
    for (layer, share) in [130, 40].into_iter().enumerate() {
        let mut x = -3.0;
        while x < 100.0 {
            let wide = painter.between(8.0, 15.0);
            let top = painter.between(26.0, 62.0) + 10.0 * layer as f32;
            let wall = painter.pick(&[0x45597A, 0x5A6C87, 0x6D5F84]);
            painter.block(x, top, x + wide - 1.0, 100.0, lighter(wall, share));
            if layer == 1 {
                let mut y = top + 4.0;
                while y < 96.0 {
                    for column in 0..3 {
                        let left = x + 1.5 + column as f32 * (wide - 3.0) / 3.0;
                        let lit = if painter.flip() { 0xFFE9A8 } else { darker(wall, 60) };
                        painter.block(left, y, left + 1.6, y + 2.6, lit);
                    }
                    y += 6.0;
                }
            }
            x += wide;
        }
    }
}

/// A roof whose corners turn up.
fn roof(painter: &mut Painter, middle: f32, top: f32, half: f32, high: f32, color: Color) {
    painter.shape(
        &[
            (middle - half * 0.55, top),
            (middle + half * 0.55, top),
            (middle + half * 0.8, top + high * 0.7),
            (middle + half * 1.12, top + high * 0.6),
            (middle + half, top + high),
            (middle - half, top + high),
            (middle - half * 1.12, top + high * 0.6),
            (middle - half * 0.8, top + high * 0.7),
        ],
        color,
    );
}

fn palace(painter: &mut Painter) {
    sky(painter, 82.0);
    let (wall, tiles) = painter.pick(&[(0xA63A2B, 0xD9A441), (0xB5483A, 0x4C7A68), (0x8F3B3B, 0xC98F3A)]);
    painter.block(0.0, 60.0, 100.0, 82.0, darker(wall, 40));
    let middle = painter.between(40.0, 60.0);
    painter.block(middle - 30.0, 56.0, middle + 30.0, 82.0, wall);
    roof(painter, middle, 44.0, 36.0, 13.0, tiles);
    painter.block(middle - 20.0, 38.0, middle + 20.0, 45.0, wall);
    roof(painter, middle, 26.0, 26.0, 13.0, tiles);
    for step in -2..=2 {
        let x = middle + 11.0 * step as f32;
        painter.round(x - 3.0, 64.0, x + 3.0, 82.0, 3.0, 0x3A1E1A);
    }
    painter.fade(82.0, 100.0, 0xCBBFAE, 0xA99C89);
}

fn temple(painter: &mut Painter) {
    sky(painter, 80.0);
    ridge(painter, 62.0, 6.0, 0x86A58C);
    let tiles = painter.pick(&[0x5B6A73, 0x3F6E63, 0x8A4B3A]);
    let middle = painter.between(38.0, 62.0);
    for floor in 0..5 {
        let half = 9.0 + 3.0 * floor as f32;
        let top = 18.0 + 13.0 * floor as f32;
        painter.block(middle - half * 0.7, top + 5.0, middle + half * 0.7, top + 14.0, 0xD8B68A);
        painter.block(middle - 2.0, top + 8.0, middle + 2.0, top + 14.0, 0x5A3B28);
        roof(painter, middle, top, half, 6.5, tiles);
    }
    let green = painter.pick(&GREENS);
    painter.fade(83.0, 100.0, green, darker(green, 70));
    tree(painter, 12.0, 90.0, 18.0);
    tree(painter, 88.0, 92.0, 20.0);
}

fn tower(painter: &mut Painter) {
    sky(painter, 100.0);
    ridge(painter, 82.0, 4.0, 0x76839A);
    let steel = painter.pick(&[0xC5CCD6, 0xE4B7A0, 0xB7C4E0]);
    let x = painter.between(38.0, 62.0);
    painter.shape(&[(x - 9.0, 92.0), (x - 1.2, 30.0), (x + 1.2, 30.0), (x + 9.0, 92.0)], steel);
    painter.dot((x, 60.0), 8.0, darker(steel, 40));
    painter.dot((x, 38.0), 6.0, painter_accent(x));
    painter.line(&[(x, 30.0), (x, 8.0)], 1.6, steel);
    ridge(painter, 93.0, 1.5, 0x4C8C5A);
}

fn painter_accent(x: f32) -> Color {
    if x < 50.0 { 0xD6455D } else { 0x3B82F6 }
}

fn park(painter: &mut Painter) {
    sky(painter, 60.0);
    let green = painter.pick(&GREENS);
    ridge(painter, 56.0, 3.0, lighter(green, 60));
    painter.fade(64.0, 100.0, green, darker(green, 50));
    painter.shape(&[(46.0, 62.0), (54.0, 62.0), (78.0, 100.0), (22.0, 100.0)], 0xE3D3AE);
    for (x, foot, size) in [(14.0, 70.0, 17.0), (30.0, 64.0, 11.0), (72.0, 65.0, 12.0), (88.0, 74.0, 20.0)] {
        tree(painter, x, foot, size);
    }
    for _ in 0..10 {
        let at = (painter.between(0.0, 24.0), painter.between(80.0, 97.0));
        let petal = painter.pick(&[0xF3A3B5, 0xF6D55C, 0xFFFFFF]);
        painter.dot(at, 1.6, petal);
    }
}

fn museum(painter: &mut Painter) {
    sky(painter, 84.0);
    let stone = painter.pick(&[0xE7DFCF, 0xD9CFC4, 0xD3D8DF]);
    painter.shape(&[(14.0, 42.0), (50.0, 20.0), (86.0, 42.0)], darker(stone, 25));
    painter.block(14.0, 42.0, 86.0, 48.0, stone);
    painter.block(18.0, 48.0, 82.0, 82.0, darker(stone, 70));
    for column in 0..6 {
        let x = 20.0 + 11.0 * column as f32;
        painter.block(x, 48.0, x + 5.0, 82.0, lighter(stone, 40));
    }
    painter.block(10.0, 82.0, 90.0, 88.0, stone);
    painter.fade(88.0, 100.0, 0xB9B3A8, 0x9A948A);
    let banner = painter.pick(&[0xC0392B, 0x2D6A9F, 0x7A4FA0]);
    painter.block(46.5, 52.0, 53.5, 72.0, banner);
}

fn snow(painter: &mut Painter) {
    painter.fade(0.0, 100.0, 0x8FB3D9, 0xF2F7FC);
    ridge(painter, 50.0, 9.0, 0xC7D8EA);
    ridge(painter, 70.0, 5.0, 0xFFFFFF);
    for step in 0..5 {
        let x = 10.0 + 20.0 * step as f32 + painter.between(-6.0, 6.0);
        let size = painter.between(10.0, 17.0);
        painter.shape(&[(x - size * 0.4, 82.0), (x, 82.0 - size * 1.7), (x + size * 0.4, 82.0)], 0x3E6B5C);
        painter
            .shape(&[(x - size * 0.2, 82.0 - size), (x, 82.0 - size * 1.7), (x + size * 0.2, 82.0 - size)], 0xFFFFFF);
    }
    for _ in 0..40 {
        let at = (painter.between(0.0, 100.0), painter.between(0.0, 90.0));
        painter.dot(at, 0.9, 0xFFFFFF);
    }
}

fn street(painter: &mut Painter) {
    sky(painter, 60.0);
    for side in [false, true] {
        for house in 0..3 {
            let near = 30.0 - 10.0 * house as f32;
            let wall = painter.pick(&[0xD98E6A, 0xE2C391, 0xB86A5C, 0x9FB7A6]);
            let (left, right) = (14.0 * house as f32, 14.0 * house as f32 + 15.0);
            let (left, right) = if side { (100.0 - right, 100.0 - left) } else { (left, right) };
            painter.block(left, 48.0 - near, right, 86.0 - 5.0 * house as f32, wall);
            for floor in 0..3 {
                let y = 54.0 - near + 11.0 * floor as f32;
                painter.block(left + 4.0, y, left + 9.0, y + 6.0, 0xFFF3CF);
            }
        }
    }
    painter.shape(&[(42.0, 76.0), (58.0, 76.0), (100.0, 100.0), (0.0, 100.0)], 0x7D7F86);
    for step in 0..4 {
        let x = 20.0 + 20.0 * step as f32;
        painter.dot((x, 30.0 + 3.0 * (step % 2) as f32), 3.4, 0xD6303B);
    }
}

fn bridge(painter: &mut Painter) {
    sky(painter, 62.0);
    painter.fade(62.0, 100.0, 0x6FA8C9, 0x3E789E);
    let steel = painter.pick(&[0xC0392B, 0x5B6A7D, 0xE0E4EA]);
    painter.block(0.0, 60.0, 100.0, 64.0, steel);
    for pillar in [27.0, 73.0] {
        painter.block(pillar - 1.8, 22.0, pillar + 1.8, 84.0, steel);
        for cable in 1..6 {
            let reach = 4.6 * cable as f32;
            let high = 24.0 + 3.0 * cable as f32;
            painter.line(&[(pillar, high), (pillar - reach, 60.0)], 0.7, steel);
            painter.line(&[(pillar, high), (pillar + reach, 60.0)], 0.7, steel);
        }
    }
}

fn station(painter: &mut Painter) {
    sky(painter, 60.0);
    painter.block(8.0, 40.0, 92.0, 74.0, 0xC9D2DE);
    painter.shape(&[(4.0, 42.0), (50.0, 22.0), (96.0, 42.0)], 0x4F6480);
    for window in 0..7 {
        let left = 12.0 + 11.5 * window as f32;
        painter.block(left, 48.0, left + 7.0, 66.0, 0x7FA6CC);
    }
    painter.block(0.0, 74.0, 100.0, 100.0, 0x8A8E96);
    let train = painter.pick(&[0xFFFFFF, 0x3F8F5B, 0xC63D3D]);
    let nose = painter.between(58.0, 82.0);
    painter.shape(&[(0.0, 70.0), (nose, 70.0), (nose + 14.0, 88.0), (0.0, 88.0)], train);
    painter.block(0.0, 74.0, nose, 79.0, 0x2B3A55);
    painter.block(0.0, 84.0, nose + 10.0, 86.0, 0x2563EB);
}

fn map(painter: &mut Painter) {
    painter.block(0.0, 0.0, 100.0, 100.0, 0xEEF0EA);
    for _ in 0..5 {
        let (x, y) = (painter.between(0.0, 85.0), painter.between(0.0, 85.0));
        let (wide, high) = (painter.between(8.0, 24.0), painter.between(8.0, 20.0));
        painter.round(x, y, x + wide, y + high, 3.0, 0xC4E3B6);
    }
    let start = painter.between(10.0, 60.0);
    let mut river = vec![(start, 0.0)];
    for step in 1..=5 {
        let x = river[step - 1].0 + painter.between(-10.0, 18.0);
        river.push((x, 20.0 * step as f32));
    }
    painter.line(&river, 6.0, 0xA9D3F0);
    for street in 0..9 {
        let at = 6.0 + 11.0 * street as f32 + painter.between(-3.0, 3.0);
        let (tilt, is_main) = (painter.between(-6.0, 6.0), street % 4 == 1);
        let (width, color) = if is_main { (3.0, 0xF7D98B) } else { (1.6, 0xFFFFFF) };
        painter.line(&[(at, 0.0), (at + tilt, 100.0)], width, color);
        painter.line(&[(0.0, at + tilt), (100.0, at)], width, color);
    }
}
