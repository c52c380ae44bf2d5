//! What heads a page: the texts in its highest part that are no widget of their own.

use tapwright_contract::Size;
use tapwright_contract::device::Label;

/// A heading stands in the highest sixth of a display: below the status bar, in the bar that names the page.
const HEADING_SHARE: u32 = 6;

/// The headings of a page, from the one that the device tells first: with a letter in them, which a clock has not.
pub(super) fn headings(labels: &[Label], display: Size) -> Vec<&str> {
    let lowest = display.height / HEADING_SHARE;
    labels
        .iter()
        .filter(|label| {
            !label.touchable
                && !label.secret
                && label.value.is_none()
                && label.area.top / 2 + label.area.bottom / 2 < lowest
        })
        .map(|label| label.text.trim())
        .filter(|text| text.chars().any(char::is_alphabetic))
        .collect()
}
