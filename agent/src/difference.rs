//! How two pictures differ in an area, and whether that is more than a caret that blinks.

use tapwright_contract::device::Area;
use tapwright_contract::{Picture, Size};

/// Two pixels are different if one of their channels differs by more than this, of 255.
const SHADES: u8 = 40;
/// Something that differs and is no wider than this part of what is compared is a caret.
const CARET: u32 = 12;

/// Whether two pictures of the same size differ in an area by more than a caret.
pub(crate) fn has_changed(before: &Picture, now: &Picture, area: Area) -> bool {
    let Size { width, height } = now.size();
    let difference = Difference::of(before, now, within(area, Area { left: 0, top: 0, right: width, bottom: height }));
    difference.differ > 0 && !difference.is_a_caret()
}

/// As much of an area as lies in another one.
pub(crate) fn within(area: Area, outer: Area) -> Area {
    Area {
        left: area.left.clamp(outer.left, outer.right),
        top: area.top.clamp(outer.top, outer.bottom),
        right: area.right.clamp(outer.left, outer.right),
        bottom: area.bottom.clamp(outer.top, outer.bottom),
    }
}

/// How two pictures of the same size differ in an area.
pub(crate) struct Difference {
    /// How many pixels are compared, and how many of them differ.
    compared: u64,
    differ: u64,
    /// The columns that have one.
    columns: Option<(u32, u32)>,
    width: u32,
}

impl Difference {
    /// What differs in an area, which lies in both.
    pub(crate) fn of(one: &Picture, other: &Picture, area: Area) -> Difference {
        let width = one.size().width as usize;
        let mut found = Difference { compared: area.pixels(), differ: 0, columns: None, width: area.right - area.left };
        for y in area.top..area.bottom {
            let line = |picture: &'_ Picture| {
                let start = y as usize * width;
                let range = 4 * (start + area.left as usize)..4 * (start + area.right as usize);
                picture.rgba()[range].to_vec()
            };
            let (here, there) = (line(one), line(other));
            if here == there {
                continue;
            }
            for (x, (here, there)) in (area.left..).zip(here.chunks_exact(4).zip(there.chunks_exact(4))) {
                if here.iter().zip(there).any(|(here, there)| here.abs_diff(*there) > SHADES) {
                    found.differ += 1;
                    let (first, last) = found.columns.unwrap_or((x, x));
                    found.columns = Some((first.min(x), last.max(x)));
                }
            }
        }
        found
    }

    /// Whether at most one pixel in so many differs.
    pub(crate) fn is_at_most(&self, one_in: u64) -> bool {
        self.differ * one_in <= self.compared
    }

    /// Whether all of it lies in a few columns.
    pub(crate) fn is_a_caret(&self) -> bool {
        self.columns.is_none_or(|(first, last)| last - first < (self.width / CARET).max(1))
    }
}
