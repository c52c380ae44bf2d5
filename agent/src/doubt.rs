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
//! | tap, double tap, long press, drag, Enter | on the screen as it was before it | they send, pay, toggle and move; a screen that has changed says that it happened |
//! | an API | if it only reads, or the policy says that it is repeatable | no screen tells whether it was called |
//!
//! A doubt lasts until a person has said yes, or it was done again on the screen as it was before. What else is done
//! meanwhile does not end it: a message that was sent is written once more, and then sent once more, by the same
//! button. But with time the same place becomes another thing. So after another deed a touch is the doubtful one only in
//! the same app and on something that looks the same, and not where the same page certainly is about something else.

use tapwright_contract::Spot;
use tapwright_contract::device::{Label, Screen};
use tapwright_contract::gesture::{Gesture, Key, Undo};

use crate::calls::ApiCall;
use crate::edition::Rules;
use crate::guard::Deed;
use crate::limits::clip;
use crate::page_subject::is_about_another;
use crate::patch::Patch;
use crate::person::Question;
use crate::repeats::looks_the_same;

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
    before: Screen,
    /// What was under the finger, if it was a touch.
    patch: Option<Patch>,
    /// What was written there, if it was asked and goes by that.
    labels: Option<Vec<Label>>,
    told: bool,
    /// Whether something else was done since the break.
    old: bool,
    /// Whether it may be done again without asking.
    harmless: bool,
    /// Whether a call in other words is a call of the same API.
    by_name: bool,
    /// Whether only a call with the same arguments settles what became of it.
    by_arguments: bool,
    /// Why nobody knows whether it happened.
    why: &'static str,
}

impl Doubt {
    /// The run broke off in the middle of it.
    pub(crate) fn new(deed: Deed, action: &str, before: &Screen, labels: Option<&[Label]>, rules: Rules) -> Doubt {
        let short = clip(action, ACTION_BYTES);
        let more = if short.len() < action.len() { "…" } else { "" };
        let patch = match &deed {
            Deed::Gesture(gesture) => touch_spot(gesture).map(|at| Patch::of(&before.picture, at)),
            Deed::Api(_) => None,
        };
        Doubt {
            deed,
            action: format!("{short}{more}"),
            before: before.clone(),
            patch,
            labels: labels.filter(|_| rules.doubts_read_the_page).map(<[Label]>::to_vec),
            told: false,
            old: false,
            harmless: false,
            by_name: rules.calls_are_known_by_name,
            by_arguments: rules.calls_are_typed,
            why: "the run broke off in the middle of",
        }
    }

    /// Nothing broke off, but there was no answer; the model has been told.
    pub(crate) fn without_answer(self) -> Doubt {
        Doubt { told: true, why: "there was no answer to", ..self }
    }

    /// Whoever wrote the policy says that it may be done twice.
    pub(crate) fn harmless(self, harmless: bool) -> Doubt {
        Doubt { harmless, ..self }
    }

    /// What the model is told with the first screen after the break; later nothing.
    pub(crate) fn remark(&mut self, now: &Screen) -> Option<String> {
        let found = match (&self.deed, looks_the_same(now, &self.before)) {
            (Deed::Api(_), _) => "the screen does not tell",
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
    pub(crate) fn question(&self, deed: &Deed, now: &Screen, labels: Option<&[Label]>) -> Option<Question> {
        let asks = match deed {
            Deed::Api(_) => !self.harmless && self.is_about(deed, now, labels),
            Deed::Gesture(_) => !looks_the_same(now, &self.before) && self.is_about(deed, now, labels),
        };
        let message = || {
            let doubtful = format!("{} {}, and it may have happened", self.why, self.action);
            match (&self.deed, deed) {
                // A yes is for what is called now.
                (Deed::Api(before), Deed::Api(call)) if self.by_arguments && !before.asks_the_same(call) => {
                    format!("{doubtful}; now it calls {}", call.words())
                }
                _ => doubtful,
            }
        };
        asks.then(|| Question::Again { message: message() })
    }

    /// Something was done for certain, chosen on this screen. Returns whether a doubt remains.
    pub(crate) fn outlives(&mut self, deed: &Deed, now: &Screen, labels: Option<&[Label]>) -> bool {
        let ended = self.is_about(deed, now, labels)
            && match (&self.deed, deed) {
                (Deed::Api(doubtful), Deed::Api(call)) if self.by_arguments => is_the_same_call(doubtful, call),
                _ => true,
            };
        self.old = true;
        !ended
    }

    /// Whether a deed that cannot be taken back is the doubtful one once more.
    fn is_about(&self, deed: &Deed, now: &Screen, labels: Option<&[Label]>) -> bool {
        match (&self.deed, deed) {
            (Deed::Api(doubtful), Deed::Api(call)) if !self.by_name => doubtful == call,
            // With other arguments, or in other words, it may still be meant as the same.
            (Deed::Api(doubtful), Deed::Api(call)) => doubtful.is_of_the_api(call),
            (Deed::Gesture(doubtful), Deed::Gesture(gesture)) => {
                repeats(doubtful, gesture)
                    && (!self.old
                        || self.is_in(&now.front.id)
                            && self.looks_the_same(gesture, now)
                            && !self.is_another_page(labels))
            }
            (Deed::Api(_), Deed::Gesture(_)) | (Deed::Gesture(_), Deed::Api(_)) => false,
        }
    }

    /// Whether an app may be the one in which it was done; which one is in front is not always known.
    fn is_in(&self, app: &str) -> bool {
        let before = &self.before.front.id;
        before.is_empty() || app.is_empty() || before == app
    }

    fn is_another_page(&self, labels: Option<&[Label]>) -> bool {
        self.labels.as_deref().zip(labels).is_some_and(|(before, now)| is_about_another(before, now))
    }

    fn looks_the_same(&self, gesture: &Gesture, now: &Screen) -> bool {
        match (&self.patch, touch_spot(gesture)) {
            (Some(before), Some(at)) => Patch::of(&now.picture, at).is_like(before),
            _ => true,
        }
    }
}

/// Whether a gesture that cannot be taken back is another one again.
fn repeats(doubtful: &Gesture, gesture: &Gesture) -> bool {
    match (touch_spot(doubtful), touch_spot(gesture)) {
        // A touch where something was dragged away is no drag again, and the other way round.
        (Some(at), Some(other)) => is_drag(doubtful) == is_drag(gesture) && near(at, other),
        _ => match (doubtful, gesture) {
            // A line break sends, in many apps.
            (Gesture::Type { text }, Gesture::Type { text: other }) => text == other && doubtful.sends(),
            (Gesture::Press { key: Key::Enter }, Gesture::Press { key: Key::Enter }) => true,
            (Gesture::Insert { .. } | Gesture::Chord { .. } | Gesture::Window { .. }, _) => {
                doubtful == gesture && doubtful.undo() == Undo::Final
            }
            _ => false,
        },
    }
}

fn is_drag(gesture: &Gesture) -> bool {
    matches!(gesture, Gesture::Drag { .. })
}

/// Where a finger comes down on something that it may send, pay, toggle or move.
fn touch_spot(gesture: &Gesture) -> Option<Spot> {
    match gesture {
        Gesture::Tap { at }
        | Gesture::DoubleTap { at }
        | Gesture::LongPress { at, .. }
        | Gesture::Click { at, .. }
        | Gesture::Drag { from: at, .. } => Some(*at),
        Gesture::Swipe { .. }
        | Gesture::Move { .. }
        | Gesture::Scroll { .. }
        | Gesture::Type { .. }
        | Gesture::Insert { .. }
        | Gesture::Press { .. }
        | Gesture::Chord { .. }
        | Gesture::Launch { .. }
        | Gesture::Window { .. } => None,
    }
}

/// Whether a call asks for the same. Of a record of times when calls were texts only the name can be told.
fn is_the_same_call(doubtful: &ApiCall, call: &ApiCall) -> bool {
    doubtful.name.is_empty() || doubtful.asks_the_same(call)
}

fn near(one: Spot, other: Spot) -> bool {
    let most = one.of.size.width / NEAR;
    one.of == other.of && one.x.abs_diff(other.x) <= most && one.y.abs_diff(other.y) <= most
}
