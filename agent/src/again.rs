//! What may be done again after a run broke off in the middle of it.
//!
//! The loop itself repeats nothing that had begun. It looks, tells the model what it found, and lets it choose; and what
//! cannot be taken back it lets nobody do twice but a person:
//!
//! | deed | again without a person | why |
//! | --- | --- | --- |
//! | looking, waiting, notes | yes | they touch nothing |
//! | opening an app, Home | yes | the second time ends where the first one did |
//! | typing | yes | a text takes the place of what the field holds |
//! | swiping, Back | yes | they move what is shown; the model has seen where it is by now |
//! | tap, double tap, long press, Enter | on the screen as it was before it | they send, pay and toggle; a screen that has changed says that it happened |
//! | an API | never | no screen tells whether it was called |

use tapwright_contract::Spot;
use tapwright_contract::device::{Gesture, Key};

use crate::guard::Deed;
use crate::limits::clip;
use crate::person::Question;
use crate::repeats::Sight;

/// As much of an action is repeated in a remark; a long text would leave no room for what matters.
const ACTION_BYTES: usize = 160;
/// Touches that are at most this part of the display's width apart are on the same thing.
const NEAR: u32 = 20;

/// A deed that may or may not have been done.
#[derive(Debug)]
pub(crate) struct Doubt {
    deed: Deed,
    /// What the model called it.
    action: String,
    /// What the screen looked like before it.
    before: Sight,
    told: bool,
}

impl Doubt {
    pub(crate) fn new(deed: Deed, action: &str, before: Sight) -> Doubt {
        let short = clip(action, ACTION_BYTES);
        let more = if short.len() < action.len() { "…" } else { "" };
        Doubt { deed, action: format!("{short}{more}"), before, told: false }
    }

    /// What the model is told with the first screen after the break; later nothing.
    pub(crate) fn remark(&mut self, now: Sight) -> Option<String> {
        let found = match (&self.deed, now == self.before) {
            (Deed::Api { .. }, _) => "the screen does not tell",
            (Deed::Gesture(_), true) => "the screen looks as it did before it",
            (Deed::Gesture(_), false) => "the screen has changed since",
        };
        let remark = format!(
            "the run broke off in the middle of {}: this may or may not have happened; {found}; look before you do it again",
            self.action
        );
        (!std::mem::replace(&mut self.told, true)).then_some(remark)
    }

    /// What a person is asked before this deed is done on this screen, if it may be the doubtful one again.
    pub(crate) fn question(&self, deed: &Deed, now: Sight) -> Option<Question> {
        let asks = match deed {
            Deed::Api { .. } => *deed == self.deed,
            Deed::Gesture(gesture) => now != self.before && self.is_about(gesture),
        };
        let message = || format!("the run broke off in the middle of {}, and it may have happened", self.action);
        asks.then(|| Question::Again { message: message() })
    }

    /// Whether a gesture that cannot be taken back is the doubtful one once more.
    fn is_about(&self, gesture: &Gesture) -> bool {
        let Deed::Gesture(doubtful) = &self.deed else { return false };
        match (doubtful, gesture) {
            (
                Gesture::Tap { at } | Gesture::DoubleTap { at } | Gesture::LongPress { at, .. },
                Gesture::Tap { at: other } | Gesture::DoubleTap { at: other } | Gesture::LongPress { at: other, .. },
            ) => near(*at, *other),
            // A line break sends, in many apps.
            (Gesture::Type { text }, Gesture::Type { text: other }) => text == other && text.contains('\n'),
            (Gesture::Press { key: Key::Enter }, Gesture::Press { key: Key::Enter }) => true,
            (
                Gesture::Tap { .. }
                | Gesture::DoubleTap { .. }
                | Gesture::LongPress { .. }
                | Gesture::Swipe { .. }
                | Gesture::Type { .. }
                | Gesture::Press { .. }
                | Gesture::Launch { .. },
                _,
            ) => false,
        }
    }
}

fn near(one: Spot, other: Spot) -> bool {
    let most = one.of.width / NEAR;
    one.of == other.of && one.x.abs_diff(other.x) <= most && one.y.abs_diff(other.y) <= most
}
