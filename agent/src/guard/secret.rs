//! Where a secret may go: into which app and field, to which API.

use tapwright_contract::device::{Label, Screen};

use super::{Policy, Review};
use tapwright_contract::name::is_same;

use crate::calls::ApiCall;
use crate::policy::lists_app;
use crate::secrets;

/// What comes of the secrets in a text.
pub(super) enum Secret {
    None,
    Here,
    Unsure,
    /// Boxed: a review with a question in it is large.
    Refused(Box<Review>),
}

/// Whether the secrets in a text may go where it goes.
pub(super) fn secret(text: &str, screen: &Screen, labels: Option<&[Label]>, policy: &Policy) -> Secret {
    let names = secrets::names(text);
    let mut sure = true;
    for name in &names {
        let Some(usage) = policy.secrets.get(*name) else {
            return Secret::Refused(Box::new(unknown(name, policy)));
        };
        if !lists_app(&usage.apps, &screen.front.id) {
            let why = format!("the secret {name:?} may not go into this app");
            return Secret::Refused(Box::new(Review::Refuse { why }));
        }
        // Several, if it is not known which of them has the focus.
        let fields = || labels.unwrap_or_default().iter().filter(|label| label.focused);
        if fields().filter_map(|field| field.app.as_deref()).any(|app| !lists_app(&usage.apps, app)) {
            let why = format!("the secret {name:?} may not go into this app");
            return Secret::Refused(Box::new(Review::Refuse { why }));
        }
        if usage.any_field {
            continue;
        }
        let hides = fields().filter(|field| field.secret).count();
        match labels {
            Some(_) if hides > 0 && hides == fields().count() => {}
            Some(_) if hides > 0 => sure = false,
            Some(_) => {
                let why =
                    format!("the secret {name:?} may only go into a field that hides what is typed; tap it first");
                return Secret::Refused(Box::new(Review::Refuse { why }));
            }
            None => sure = false,
        }
    }
    match (names.is_empty(), sure) {
        (true, _) => Secret::None,
        (false, false) => Secret::Unsure,
        (false, true) if secrets::only_names(text) => Secret::Here,
        (false, true) => Secret::None,
    }
}

/// What is said of a name that stands for nothing.
fn unknown(name: &str, policy: &Policy) -> Review {
    let known: Vec<&str> = policy.secrets.keys().map(String::as_str).collect();
    let known = if known.is_empty() { "there are none".to_owned() } else { format!("there are: {}", known.join(", ")) };
    Review::Wrong { why: format!("there is no secret {name:?}; {known}") }
}

/// Why the secrets in a call's arguments may not go to its API, if they may not.
pub(super) fn withhold(call: &ApiCall, policy: &Policy) -> Option<Review> {
    call.secrets().into_iter().find_map(|name| match policy.secrets.get(&name) {
        None => Some(unknown(&name, policy)),
        Some(usage) if usage.apis.iter().any(|api| is_same(api, &call.name)) => None,
        Some(_) => Some(Review::Refuse { why: format!("the secret {name:?} may not go to the API {}", call.name) }),
    })
}
