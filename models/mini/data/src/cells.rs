//! What lies under each visual token: the dense supervision that teaches a small vision tower to read.

use serde::Serialize;
use tapwright_phone::{Mark, MarkContent, Rect, World};

/// Pixels of the shrunk picture that one visual token covers, each way.
const CELL: i32 = 28;

/// What one visual token should know: word, icon or control, state (1 on, 2 off, 3 to 6 a field: empty, empty with the
/// focus, with text, with text and the focus; 0 none), and the middle of what a touch there reaches, 0 to 999 each way.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Cell(pub String, pub String, pub u8, pub i32, pub i32);

/// The cells of a world's display shrunk to `width` by `height`, row by row.
pub fn of(world: &World, width: u32, height: u32) -> Vec<Cell> {
    let (columns, rows) = (width as i32 / CELL, height as i32 / CELL);
    let (display_width, display_height) = world.size();
    let mut cells = vec![Cell::default(); (columns * rows) as usize];
    let mut covered = vec![0; cells.len()];
    for mark in world.marks() {
        let small = Rect {
            left: mark.rect.left * width as i32 / display_width as i32,
            top: mark.rect.top * height as i32 / display_height as i32,
            right: mark.rect.right * width as i32 / display_width as i32,
            bottom: mark.rect.bottom * height as i32 / display_height as i32,
        };
        let row = (small.center().1 / CELL).clamp(0, rows - 1);
        for column in small.left / CELL..=(small.right - 1) / CELL {
            if !(0..columns).contains(&column) {
                continue;
            }
            let overlap = small.right.min((column + 1) * CELL) - small.left.max(column * CELL);
            let at = (row * columns + column) as usize;
            note(&mut cells[at], &mut covered[at], &mark, overlap, small.width(), world.size());
        }
    }
    cells
}

fn note(cell: &mut Cell, covered: &mut i32, mark: &Mark, overlap: i32, whole: i32, display: (u32, u32)) {
    match &mark.what {
        MarkContent::Word(word) => {
            let counts = overlap >= 9 || overlap * 10 >= whole * 6;
            if !counts || overlap <= *covered {
                return;
            }
            *covered = overlap;
            cell.0 = word.clone();
        }
        MarkContent::Icon(icon) if overlap >= 5 => cell.1 = format!("{icon:?}"),
        MarkContent::Control if overlap >= 9 => cell.1 = "Control".into(),
        MarkContent::Field if overlap >= 9 => {
            if cell.1.is_empty() {
                cell.1 = "Field".into();
            }
        }
        MarkContent::Icon(_) | MarkContent::Control | MarkContent::Field => return,
    }
    if let Some(on) = mark.on {
        cell.2 = if on { 1 } else { 2 };
    }
    if let Some((focused, has_text)) = mark.field {
        cell.2 = 3 + u8::from(focused) + 2 * u8::from(has_text);
    }
    if let Some(target) = mark.target {
        (cell.3, cell.4) = grid(target, display);
    }
}

/// A display pixel on the model's grid of 0 to 999.
pub fn grid(at: (i32, i32), display: (u32, u32)) -> (i32, i32) {
    let scale = |v: i32, size: u32| ((v * 1000 + size as i32 / 2) / size as i32).clamp(0, 999);
    (scale(at.0, display.0), scale(at.1, display.1))
}
