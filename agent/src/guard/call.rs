//! What goes to an API.

use tapwright_contract::api::ApiEffect;

use super::{Deed, Held, Review, ReviewContext, apply_ruling, refuse, secret};
use crate::calls::ApiCall;

/// Reviews a call; its arguments fit, or it is of a record of times when there were none.
pub(super) fn review(call: &ApiCall, context: ReviewContext<'_>) -> Review {
    let ReviewContext { screen, thought, policy, apis, rules, .. } = context;
    if policy.forbids_touching(&screen.front) {
        return refuse(screen.front.name());
    }
    if rules.calls_are_typed
        && let Some(review) = secret::withhold(call, policy)
    {
        return review;
    }
    // By the old rules a call of no API that is known was let through, and came to nothing.
    let effect = apis.map_or(ApiEffect::Irreversible, |apis| apis.effect(call));
    let ruling = policy.ruling_of_call(call, rules.calls_are_typed.then_some(effect), &screen.front);
    let held = Held { deed: Deed::Api(call.clone()) };
    apply_ruling(&ruling, thought, held, context, None)
}
