//! What goes to the screen: a finger, a text, a key.

use tapwright_contract::Spot;
use tapwright_contract::device::Label;
use tapwright_contract::gesture::{Gesture, Key};

use super::goal;
use super::secret::{self, Secret};
use super::{Deed, Held, Review, ReviewContext, allow, apply_ruling, refuse};
use crate::person::{Asker, Question};
use crate::policy::{Permission, Target};

/// `warning` is what the model says of a touch that it calls important.
pub(super) fn review(gesture: Gesture, warning: Option<&str>, context: ReviewContext<'_>) -> Review {
    let ReviewContext { screen, labels, thought, policy, abilities, .. } = context;
    if abilities.is_some_and(|abilities| !abilities.include(&gesture)) {
        return Review::Wrong { why: format!("this device cannot {}; use another action", gesture.name()) };
    }
    match &gesture {
        Gesture::Launch { app } if policy.forbids_launch(app) => return refuse(app),
        // An app can always be left, and a pointer that only moves presses nothing.
        Gesture::Launch { .. } | Gesture::Move { .. } | Gesture::Press { key: Key::Back | Key::Home } => {
            return allow(Deed::Gesture(gesture));
        }
        _ if policy.forbids_touching(&screen.front) => return refuse(screen.front.name()),
        _ => {}
    }
    if context.rules.apps_under_a_finger_count
        && let Some(app) = touched_app(&gesture, labels.unwrap_or_default(), |app| policy.forbids_app(app))
    {
        return refuse(app);
    }
    if let Some((goal, checks)) = context.goal
        && let Some(why) = goal::strays(&gesture, labels.unwrap_or_default(), goal, checks)
    {
        return Review::Refuse { why };
    }
    let said = format!("{thought}\n{}", warning.unwrap_or_default());
    let judged = |target| policy.ruling(target, &screen.front, labels, &said);
    let mut at = gesture.spot();
    let mut ruling = match (at, gesture.text()) {
        (Some(from), _) => {
            let mut ruling = judged(Target::Touch(from));
            // What is dragged counts, and where it is let go: on a bin, on a button that sends.
            if let Gesture::Drag { to, .. } = &gesture {
                let there = judged(Target::Touch(*to));
                at = if ruling.rules.is_empty() && !there.rules.is_empty() { Some(*to) } else { at };
                ruling.and(there);
            }
            ruling
        }
        (None, Some(text)) => match secret::secret(text, screen, labels, policy) {
            Secret::None => judged(Target::Typing(text)),
            // Where it may go was decided when the policy was written.
            Secret::Here => policy.ruling(Target::Secret, &screen.front, labels, ""),
            Secret::Unsure => {
                let mut ruling = judged(Target::Typing(text));
                ruling.permission = ruling.permission.max(Permission::Ask);
                ruling.rules.push("a secret, and the device does not tell into what field it goes".to_owned());
                ruling
            }
            Secret::Refused(review) => return *review,
        },
        (None, None) => judged(Target::Typing(if gesture.sends() { "\n" } else { "" })),
    };
    let held = Held { deed: Deed::Gesture(gesture) };
    if let Some(message) = warning
        && policy.warning != Permission::Allow
    {
        if ruling.rules.is_empty() && policy.warning == Permission::Ask {
            // The question is the model's own then, in its words.
            let at = at.expect("it is a touch");
            let (target, page) = (context.target(at), context.page(at));
            let question = Question::Confirm { message: message.to_owned(), at, target, page, asker: Asker::Model };
            return Review::Ask(question, held);
        }
        ruling.permission = ruling.permission.max(policy.warning);
        ruling.rules.push("the model's own warning".to_owned());
    }
    apply_ruling(&ruling, warning.unwrap_or(thought), held, context, at)
}

/// The app of what a gesture goes to, if it is one of these: a screen can show several, and the one in front is not always it.
fn touched_app<'a>(gesture: &Gesture, labels: &'a [Label], is_one: impl Fn(&str) -> bool) -> Option<&'a str> {
    let spots: Vec<Spot> = [gesture.spot(), gesture.end()].into_iter().flatten().collect();
    let there = |label: &&Label| match spots.is_empty() {
        true => label.focused,
        false => spots.iter().any(|at| label.area.holds(at.x, at.y)),
    };
    labels.iter().filter(there).filter_map(|label| label.app.as_deref()).find(|app| is_one(app))
}
