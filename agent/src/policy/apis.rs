//! What a policy says of calls of APIs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tapwright_contract::api::ApiEffect;
use tapwright_contract::device::Front;
use tapwright_contract::name::is_same;

use super::{Permission, Policy, Ruling, fold_texts, lists_app};
use crate::calls::{ApiCall, is_named};

/// What may be done with an API, where it is not what its effect says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiUse {
    /// What comes of a call, unless a rule is stricter about its words.
    #[serde(default, alias = "leave", skip_serializing_if = "Option::is_none")]
    pub permission: Option<Permission>,
    /// Whether it may be called again when nobody knows whether it was called; what only reads may, if this is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeatable: Option<bool>,
    /// What the model is told that it is for, in records of the first four editions. Later that is the API's own to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
}

/// What comes of calls by what they do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EffectPermissions {
    pub reads: Permission,
    pub changes: Permission,
    pub leaves_the_device: Permission,
    pub irreversible: Permission,
}

/// As whoever has a phone to lose wants it.
impl Default for EffectPermissions {
    fn default() -> EffectPermissions {
        EffectPermissions {
            leaves_the_device: Permission::Ask,
            irreversible: Permission::Ask,
            ..EffectPermissions::ALLOWED
        }
    }
}

impl EffectPermissions {
    /// Nobody is asked.
    pub const ALLOWED: EffectPermissions = EffectPermissions {
        reads: Permission::Allow,
        changes: Permission::Allow,
        leaves_the_device: Permission::Allow,
        irreversible: Permission::Allow,
    };

    pub(super) fn is_default(&self) -> bool {
        *self == EffectPermissions::default()
    }

    /// What comes of a call that does this.
    pub fn of(&self, effect: ApiEffect) -> Permission {
        match effect {
            ApiEffect::Reads => self.reads,
            ApiEffect::Changes => self.changes,
            ApiEffect::LeavesTheDevice => self.leaves_the_device,
            ApiEffect::Irreversible => self.irreversible,
        }
    }

    pub(super) fn stricter(&self, other: &EffectPermissions) -> EffectPermissions {
        EffectPermissions {
            reads: self.reads.max(other.reads),
            changes: self.changes.max(other.changes),
            leaves_the_device: self.leaves_the_device.max(other.leaves_the_device),
            irreversible: self.irreversible.max(other.irreversible),
        }
    }

    fn strictest(&self) -> Permission {
        ApiEffect::ALL.map(|effect| self.of(effect)).into_iter().max().unwrap_or_default()
    }
}

impl ApiUse {
    /// What two policies say of APIs by name, at least as strict as both.
    pub(super) fn stricter(one: &Policy, other: &Policy) -> BTreeMap<String, ApiUse> {
        let names = one.apis.keys().chain(other.apis.keys());
        let both = names.map(|name| {
            // A name in other letters is a name of the same API.
            let said = |policy: &Policy| {
                let known = policy.apis.iter().find(|(known, _)| is_same(known, name));
                known.map(|(_, said)| said.clone())
            };
            let (here, there) = (said(one), said(other));
            let (here, there) = (here.as_ref(), there.as_ref());
            let permission = match (permission(here), permission(there)) {
                (Some(here), Some(there)) => Some(here.max(there)),
                // The other one goes by what it does, which may be stricter.
                (Some(Permission::Allow), None) | (None, Some(Permission::Allow) | None) => None,
                (Some(said), None) => Some(said.max(other.api_effects.strictest())),
                (None, Some(said)) => Some(said.max(one.api_effects.strictest())),
            };
            let repeatable = |use_: Option<&ApiUse>| use_.and_then(|use_| use_.repeatable);
            let repeatable = match (repeatable(here), repeatable(there)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            };
            let about = there.and_then(|there| there.about.clone());
            (name.clone(), ApiUse { permission, repeatable, about })
        });
        both.collect()
    }
}

/// What is said of an API; of one in an old record that nothing stood against its calls.
fn permission(said: Option<&ApiUse>) -> Option<Permission> {
    said.and_then(|said| said.permission.or(said.about.as_ref().map(|_| Permission::Allow)))
}

impl Policy {
    /// What is said of the API of this call.
    pub(crate) fn api(&self, call: &ApiCall) -> Option<(&str, &ApiUse)> {
        let mut apis = self.apis.iter().map(|(name, api)| (name.as_str(), api));
        apis.find(|(name, _)| is_of(call, name))
    }

    /// What it says of a call that does this, unless the app in front makes it stricter.
    pub fn permission_of(&self, call: &ApiCall, effect: ApiEffect) -> Permission {
        let front = Front { id: String::new(), label: String::new(), aliases: Vec::new() };
        self.ruling_of_call(call, Some(effect), &front).permission
    }

    /// What it says of a call; by the old rules what it does was not known.
    pub(crate) fn ruling_of_call(&self, call: &ApiCall, effect: Option<ApiEffect>, front: &Front) -> Ruling {
        let mut ruling = Ruling::default();
        if self.apis_asked.iter().any(|name| is_of(call, name)) {
            ruling.add(Permission::Ask, "an API that a person is asked about");
        }
        match (self.api(call).and_then(|(name, said)| Some((name, permission(Some(said))?))), effect) {
            (Some((name, permission)), _) => ruling.add(permission, &format!("the API {name}")),
            (None, Some(effect)) => {
                let does = match effect {
                    ApiEffect::Reads => "reads",
                    ApiEffect::Changes => "changes something",
                    ApiEffect::LeavesTheDevice => "tells somebody else something",
                    ApiEffect::Irreversible => "cannot be taken back",
                };
                ruling.add(self.api_effects.of(effect), &format!("the API {} {does}", call.name));
            }
            (None, None) => {}
        }
        let texts = match effect {
            Some(_) => call.texts(),
            None => call.text().map(str::to_owned).into_iter().collect(),
        };
        let about = fold_texts(&texts.iter().map(String::as_str).collect::<Vec<_>>());
        for rule in self.rules.iter().filter(|rule| !rule.typing && !rule.words.is_empty()) {
            if rule.finds(&about) && !lists_app(&rule.except, &front.id) {
                ruling.add(rule.permission, &rule.name);
            }
        }
        ruling
    }
}

/// Whether a call is of the API of this name.
fn is_of(call: &ApiCall, name: &str) -> bool {
    match call.name.is_empty() {
        true => is_named(call.text().unwrap_or_default(), name),
        false => is_same(&call.name, name),
    }
}
