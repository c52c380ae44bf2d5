//! What whoever starts a run allows, forbids, and wants to be asked about. It is data, and the guard reads it.
//!
//! Words that are found on a screen can only make an action need more permission, never less: what makes it need less
//! (`except`, `apps_allowed`, the apps of a secret) goes by the platform's id of an app, which no app can choose to be
//! somebody else's. What an app calls itself is a text like any other.

mod apis;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tapwright_contract::Spot;
use tapwright_contract::device::{Area, Front, InstalledApp, Label};
use tapwright_contract::name;

pub use apis::{ApiUse, EffectPermissions};

/// What a run may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Apps, by id or by label, that are not launched; and nothing is touched while one of them is in front.
    pub apps_forbidden: Vec<String>,
    /// If there are any, only these are touched, by id; and only what is called so, by id or by name, is launched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub apps_allowed: Vec<String>,
    /// What comes of a touch that the model itself calls important.
    #[serde(default = "ask")]
    pub warning: Permission,
    /// What comes of a touch, or of typing, if the device does not tell what is written on its screen.
    #[serde(default, alias = "unlabelled")]
    pub without_labels: Permission,
    /// Whether a person is asked to help a run that does not get on, before it ends.
    #[serde(default, skip_serializing_if = "no")]
    pub asks_when_stuck: bool,
    /// Kinds of actions, by words and apps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// What stands on buttons that only agree to what is written elsewhere: a touch there is about the whole screen.
    #[serde(default, alias = "agreeing", skip_serializing_if = "Vec::is_empty")]
    pub confirm_buttons: Vec<String>,
    /// Secrets by name, and where they may go. What they are is not here.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, SecretUse>,
    /// What is said of APIs by their names. How they are called is not here.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub apis: BTreeMap<String, ApiUse>,
    /// What comes of calls of which nothing is said by name, by what they do.
    #[serde(default, skip_serializing_if = "EffectPermissions::is_default")]
    pub api_effects: EffectPermissions,
    /// APIs, by name, that a person is asked about each time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub apis_asked: Vec<String>,
    /// What is answered without asking anybody.
    #[serde(default, skip_serializing_if = "PresetAnswers::is_empty")]
    pub answers: PresetAnswers,
}

/// Whether an action may be done; of several, the last one here counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Permission {
    /// It is done.
    #[default]
    Allow,
    /// It is done if a person says so.
    Ask,
    /// It is not done, whoever says so.
    Refuse,
}

/// A kind of action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What a person is told: `payment`.
    pub name: String,
    /// What comes of it.
    #[serde(alias = "then")]
    pub permission: Permission,
    /// Only in these apps, by id or by label; anywhere, if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub apps: Vec<String>,
    /// Not in these apps, by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<String>,
    /// Only if one of these stands where the action goes, or in what the model says of it; always, if there are none.
    /// A word that ends with a star may go on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
    /// It is about typing, and not about touching.
    #[serde(default, skip_serializing_if = "no")]
    pub typing: bool,
    /// Typing: also whatever the words, if the field hides what is typed.
    #[serde(default, skip_serializing_if = "no")]
    pub hidden_fields: bool,
}

/// Where a secret may go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretUse {
    /// Into these apps, by id.
    pub apps: Vec<String>,
    /// Also into fields that do not hide what is typed, as those for a user's name.
    #[serde(default, skip_serializing_if = "no")]
    pub any_field: bool,
    /// Also into the arguments of these APIs, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub apis: Vec<String>,
}

/// Answers that were given before the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PresetAnswers {
    /// What is said to a model that lets a person choose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choose: Option<String>,
    /// What is said to a model that wants a person to take over: that nobody will.
    #[serde(default, skip_serializing_if = "no")]
    pub no_take_over: bool,
}

impl PresetAnswers {
    fn is_empty(&self) -> bool {
        *self == PresetAnswers::default()
    }
}

fn ask() -> Permission {
    Permission::Ask
}

fn no(yes: &bool) -> bool {
    !yes
}

/// A policy for the virtual phone, as TOML: nothing can be lost there.
pub const TRUSTING: &str = include_str!("policy/trusting.toml");
/// A policy for somebody's phone, as TOML: it asks before what cannot be taken back.
pub const CAREFUL: &str = include_str!("policy/careful.toml");

/// No app's id: blanks are in none.
const NO_APP: &str = "no app";

fn extend<T: Clone + PartialEq>(list: &mut Vec<T>, more: &[T]) {
    let more: Vec<T> = more.iter().filter(|one| !list.contains(one)).cloned().collect();
    list.extend(more);
}

/// What the policy says of an action, and by which rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ruling {
    pub(crate) permission: Permission,
    pub(crate) rules: Vec<String>,
}

impl Ruling {
    fn add(&mut self, permission: Permission, rule: &str) {
        if permission != Permission::Allow {
            self.permission = self.permission.max(permission);
            self.rules.push(rule.to_owned());
        }
    }

    /// The stricter of two, by the rules of both.
    pub(crate) fn and(&mut self, other: Ruling) {
        self.permission = self.permission.max(other.permission);
        for rule in other.rules {
            if !self.rules.contains(&rule) {
                self.rules.push(rule);
            }
        }
    }
}

/// Where an action goes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target<'a> {
    /// A finger.
    Touch(Spot),
    /// Text, into the field with the focus.
    Typing(&'a str),
    /// Secrets, and nothing else: where they may go was decided when the policy was written.
    Secret,
}

impl Policy {
    /// The preset that lets most things through, as the file says it.
    #[cfg(test)]
    pub(crate) fn trusting() -> Policy {
        toml::from_str(TRUSTING).expect("it is a policy")
    }

    /// A policy that is at least as strict as both: what either forbids or asks about is forbidden or asked about. Secrets and
    /// answers are `other`'s, as far as this one has them too.
    #[must_use]
    pub fn stricter(&self, other: &Policy) -> Policy {
        let mut policy = self.clone();
        extend(&mut policy.apps_forbidden, &other.apps_forbidden);
        policy.apps_allowed = match (self.apps_allowed.is_empty(), other.apps_allowed.is_empty()) {
            (true, _) => other.apps_allowed.clone(),
            (_, true) => self.apps_allowed.clone(),
            _ => {
                let both = self.apps_allowed.iter().filter(|app| lists_app(&other.apps_allowed, app)).cloned();
                let both: Vec<String> = both.collect();
                // An empty list would allow every app; nothing is called so.
                if both.is_empty() { vec![NO_APP.to_owned()] } else { both }
            }
        };
        policy.warning = self.warning.max(other.warning);
        policy.without_labels = self.without_labels.max(other.without_labels);
        policy.asks_when_stuck |= other.asks_when_stuck;
        extend(&mut policy.rules, &other.rules);
        extend(&mut policy.confirm_buttons, &other.confirm_buttons);
        extend(&mut policy.apis_asked, &other.apis_asked);
        policy.secrets = self
            .secrets
            .iter()
            .filter_map(|(name, here)| {
                let there = other.secrets.get(name)?;
                let apps = here.apps.iter().filter(|app| lists_app(&there.apps, app)).cloned().collect();
                let apis = here.apis.iter().filter(|api| lists_app(&there.apis, api)).cloned().collect();
                Some((name.clone(), SecretUse { apps, any_field: here.any_field && there.any_field, apis }))
            })
            .collect();
        policy.apis = ApiUse::stricter(self, other);
        policy.api_effects = self.api_effects.stricter(&other.api_effects);
        policy.answers = other.answers.clone();
        policy
    }

    /// Forbids these apps too.
    pub(crate) fn forbid(&mut self, ids: impl Iterator<Item = String>) {
        for id in ids {
            if !lists_app(&self.apps_forbidden, &id) {
                self.apps_forbidden.push(id);
            }
        }
    }

    /// Whether it makes a difference which app a name stands for.
    pub(crate) fn names_apps(&self) -> bool {
        !self.apps_forbidden.is_empty() || !self.apps_allowed.is_empty()
    }

    /// Whether this app, which was asked for by a name, is one that is not launched. It is allowed by its id only: an app
    /// chooses its label.
    pub(crate) fn forbids_launching(&self, name: &str, app: &InstalledApp) -> bool {
        let names = [name, &app.label].into_iter().chain(app.aliases.iter().map(String::as_str));
        names.into_iter().any(|name| lists_app(&self.apps_forbidden, name)) || self.forbids_app(&app.id)
    }

    pub(crate) fn forbids_launch(&self, app: &str) -> bool {
        lists_app(&self.apps_forbidden, app) || (!self.apps_allowed.is_empty() && !lists_app(&self.apps_allowed, app))
    }

    pub(crate) fn forbids_touching(&self, front: &Front) -> bool {
        lists_app(&self.apps_forbidden, &front.id)
            || lists_app(&self.apps_forbidden, &front.label)
            || front.aliases.iter().any(|alias| lists_app(&self.apps_forbidden, alias))
            || (!self.apps_allowed.is_empty() && !lists_app(&self.apps_allowed, &front.id))
    }

    /// Whether this app, by its id, is one that is not touched.
    pub(crate) fn forbids_app(&self, id: &str) -> bool {
        lists_app(&self.apps_forbidden, id) || (!self.apps_allowed.is_empty() && !lists_app(&self.apps_allowed, id))
    }

    /// Whether it makes a difference whose widget lies under a finger. A widget's app is known by its id only.
    /// There is a blank in none; `plain` says whether one may be without a dot, too.
    pub(crate) fn names_ids(&self, plain: bool) -> bool {
        let is_id = |app: &String| app.contains('.') || plain && !app.trim().contains(char::is_whitespace);
        self.apps_forbidden.iter().chain(&self.apps_allowed).any(is_id)
    }

    /// Whether it makes a difference what is written on a screen.
    pub(crate) fn reads(&self, typing: bool) -> bool {
        self.without_labels != Permission::Allow
            || self.rules.iter().any(|rule| {
                rule.permission != Permission::Allow
                    && (rule.typing == typing || typing)
                    && (!rule.words.is_empty() || rule.typing)
            })
    }

    /// What it says of an action in the app in front. `labels` is what is written on the screen, if the device tells;
    /// `said` is what the model says of it.
    pub(crate) fn ruling(&self, target: Target<'_>, front: &Front, labels: Option<&[Label]>, said: &str) -> Ruling {
        let mut ruling = Ruling::default();
        if labels.is_none() {
            ruling.add(self.without_labels, "the device does not tell what is written on the screen");
        }
        let labels = labels.unwrap_or_default();
        let whole = || labels.iter().map(|label| label.text.as_str()).collect::<Vec<_>>();
        let (mut about, agrees) = match target {
            Target::Touch(at) => {
                let agrees = self.agrees_at(labels, at);
                (if agrees { whole() } else { near(labels, at) }, agrees)
            }
            // A line break is what sends in many an app.
            Target::Typing(text) => (whole(), text.contains(['\n', '\r'])),
            Target::Secret => (Vec::new(), false),
        };
        about.push(said);
        let about = fold_texts(&about);
        let typing = matches!(target, Target::Typing(_));
        // Several, if it is not known which of them has the focus.
        let fields = || labels.iter().filter(|label| label.focused);
        let field_words = || {
            let mut words: Vec<&str> = fields().flat_map(|field| beside(labels, field.area)).collect();
            if fields().next().is_none() {
                words = whole();
            }
            words.push(said);
            fold_texts(&words)
        };
        // Whose widgets it goes to: several apps can be on a screen, and one of them in front.
        let apps = || {
            let there = labels.iter().filter(|label| match target {
                Target::Touch(at) => label.area.holds(at.x, at.y),
                Target::Typing(_) | Target::Secret => label.focused,
            });
            there.filter_map(|label| label.app.as_ref())
        };
        for rule in &self.rules {
            let here = (rule.apps.is_empty()
                || lists_app(&rule.apps, &front.id)
                || lists_app(&rule.apps, &front.label)
                || front.aliases.iter().any(|alias| lists_app(&rule.apps, alias))
                || apps().any(|app| lists_app(&rule.apps, app)))
                && !(lists_app(&rule.except, &front.id) && apps().all(|app| lists_app(&rule.except, app)));
            let meant = match (rule.typing, typing) {
                (false, false) => rule.words.is_empty() || rule.finds(&about),
                (false, true) => agrees && (rule.words.is_empty() || rule.finds(&about)),
                (true, false) => false,
                (true, true) => {
                    let hidden = rule.hidden_fields && fields().any(|field| field.secret);
                    hidden || (rule.words.is_empty() && !rule.hidden_fields) || rule.finds(&field_words())
                }
            };
            if here && meant {
                ruling.add(rule.permission, &rule.name);
            }
        }
        ruling
    }

    /// Whether a touch there is let through without a question, as far as the words there and the app in front tell.
    pub fn lets_touch(&self, at: Spot, front: &Front, labels: &[Label]) -> bool {
        self.ruling(Target::Touch(at), front, Some(labels), "").permission == Permission::Allow
    }

    /// Whether what stands where a finger goes down only agrees to something that is written elsewhere.
    pub(crate) fn agrees_at(&self, labels: &[Label], at: Spot) -> bool {
        let there = near(labels, at);
        there.is_empty() || there.iter().any(|text| self.agrees(text))
    }

    fn agrees(&self, text: &str) -> bool {
        let text = fold(text);
        let bare = text.trim_matches(|c: char| !c.is_alphanumeric());
        bare.is_empty() || self.confirm_buttons.iter().any(|word| contains_word(&text, &fold(word)))
    }
}

impl Rule {
    fn finds(&self, text: &str) -> bool {
        self.words.iter().any(|word| contains_word(text, &fold(word)))
    }
}

/// Whether a list names an app.
pub(crate) fn lists_app(list: &[String], app: &str) -> bool {
    list.iter().any(|name| name::is_same(name, app))
}

/// What is written where a finger goes down: on what is there, and inside of the smallest thing there that reacts.
pub(crate) fn near(labels: &[Label], at: Spot) -> Vec<&str> {
    let display = u64::from(at.of.size.width) * u64::from(at.of.size.height);
    let reacts = labels
        .iter()
        .filter(|label| {
            label.touchable && label.area.holds(at.x, at.y) && label.area.pixels().saturating_mul(5) < display * 2
        })
        .min_by_key(|label| label.area.pixels());
    let there =
        |label: &&Label| label.area.holds(at.x, at.y) || reacts.is_some_and(|outer| inside(&label.area, &outer.area));
    labels.iter().filter(there).map(|label| label.text.as_str()).filter(|text| !text.trim().is_empty()).collect()
}

/// What is written on a field and close to it.
fn beside(labels: &[Label], field: Area) -> Vec<&str> {
    // A device can tell of an area that no screen has.
    let reach = field.bottom.saturating_sub(field.top).max(1).saturating_mul(2);
    let wide = Area { top: field.top.saturating_sub(reach), bottom: field.bottom.saturating_add(reach), ..field };
    let close = |label: &&Label| {
        let Area { left, top, right, bottom } = label.area;
        left < wide.right && wide.left < right && top < wide.bottom && wide.top < bottom
    };
    labels.iter().filter(close).map(|label| label.text.as_str()).collect()
}

fn inside(inner: &Area, outer: &Area) -> bool {
    let middle = |from: u32, to: u32| from / 2 + to / 2;
    outer.holds(middle(inner.left, inner.right), middle(inner.top, inner.bottom))
}

/// Whether a text only tells the time: `12:34`, `9.41 PM`, `0:07`.
pub(crate) fn names_time(text: &str) -> bool {
    let text = text.trim().trim_end_matches(|c: char| c.is_alphabetic() || c == '.' || c.is_whitespace());
    let mut parts = text.split([':', '.']);
    let digits = |part: &str| (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    (2..=3).contains(&parts.clone().count()) && text.contains(':') && parts.all(digits)
}

pub(crate) fn fold_texts(texts: &[&str]) -> String {
    texts.iter().map(|text| fold(text)).collect::<Vec<_>>().join("\n")
}

/// Texts that look alike become alike: an app that wants to get past a rule can write with other letters.
pub(crate) fn fold(text: &str) -> String {
    text.chars()
        .filter(|c| !matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}'))
        .map(|c| match c {
            '！'..='～' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
            '\u{a0}' | '\u{3000}' => ' ',
            c => c,
        })
        .flat_map(char::to_lowercase)
        .map(|c| match c {
            'а' | 'α' => 'a',
            'в' | 'β' => 'b',
            'с' | 'ϲ' => 'c',
            'ԁ' => 'd',
            'е' | 'ε' => 'e',
            'і' | 'ι' | 'ı' | 'ӏ' => 'i',
            'ј' => 'j',
            'к' | 'κ' => 'k',
            'м' => 'm',
            'ո' | 'η' => 'n',
            'о' | 'ο' => 'o',
            'р' | 'ρ' => 'p',
            'ѕ' => 's',
            'т' | 'τ' => 't',
            'υ' | 'ս' => 'u',
            'ν' => 'v',
            'х' | 'χ' => 'x',
            'у' | 'γ' => 'y',
            c => c,
        })
        .collect()
}

/// Whether a word stands in a text, both folded. Where a script has blanks between words, it has to be a whole one.
pub(crate) fn contains_word(text: &str, word: &str) -> bool {
    let (word, goes_on) = word.strip_suffix('*').map_or((word, false), |stem| (stem, true));
    if word.is_empty() {
        return false;
    }
    let joins = |inner: Option<char>, outer: Option<char>| {
        inner.is_some_and(in_words) && outer.is_some_and(|outer| in_words(outer) || outer.is_ascii_digit())
    };
    text.match_indices(word).any(|(at, _)| {
        let after = text[at + word.len()..].chars().next();
        let before = text[..at].chars().next_back();
        !joins(word.chars().next(), before) && (goes_on || !joins(word.chars().next_back(), after))
    })
}

/// Whether a letter is of a script that writes blanks between words.
fn in_words(c: char) -> bool {
    c.is_alphabetic()
        && !matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use tapwright_contract::Size;

    use super::*;
    use crate::calls::ApiCall;

    fn finds(text: &str, word: &str) -> bool {
        contains_word(&fold(text), &fold(word))
    }

    #[test]
    fn words_are_whole_where_there_are_words() {
        assert!(finds("Pay now", "pay"));
        assert!(finds("PAY ¥25", "pay"));
        assert!(!finds("Display", "pay"));
        assert!(!finds("Payroll", "pay"));
        assert!(finds("Payroll", "pay*"));
        assert!(finds("立即支付", "支付"));
        assert!(finds("立即Pay吧", "pay"));
        assert!(finds("Отправить", "отправить"));
        assert!(!finds("anything", ""));
        assert!(!finds("anything", "*"));
    }

    #[test]
    fn letters_that_look_alike_are_alike() {
        for disguised in ["Ｐａｙ", "p\u{200b}ay", "Рау", "p\u{ad}ay", "ρay", "PAY\u{a0}now"] {
            assert!(finds(disguised, "pay"), "{disguised}");
        }
    }

    #[test]
    fn of_two_policies_the_stricter_counts_everywhere() {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let using = |apps: &[&str], any_field| SecretUse { apps: list(apps), any_field, apis: vec![] };
        let one = Policy {
            apps_forbidden: list(&["a.bank"]),
            apps_allowed: list(&["a.x", "a.y"]),
            secrets: BTreeMap::from([
                ("pin".to_owned(), using(&["a.x", "evil.app"], true)),
                ("b".to_owned(), using(&[], true)),
            ]),
            answers: PresetAnswers { choose: Some("yes to all".to_owned()), no_take_over: true },
            ..Policy::trusting()
        };
        let rule = Rule {
            name: "sending".to_owned(),
            permission: Permission::Ask,
            apps: Vec::new(),
            except: Vec::new(),
            words: list(&["send"]),
            typing: false,
            hidden_fields: false,
        };
        let other = Policy {
            apps_allowed: list(&["a.y", "a.z"]),
            warning: Permission::Refuse,
            without_labels: Permission::Ask,
            rules: vec![rule.clone()],
            secrets: BTreeMap::from([("pin".to_owned(), using(&["a.x"], false))]),
            ..Policy::trusting()
        };
        let both = one.stricter(&other);
        assert_eq!((&both.apps_forbidden, &both.apps_allowed), (&list(&["a.bank"]), &list(&["a.y"])));
        assert_eq!(
            (both.warning, both.without_labels, &both.rules),
            (Permission::Refuse, Permission::Ask, &vec![rule])
        );
        assert_eq!(both.secrets, BTreeMap::from([("pin".to_owned(), using(&["a.x"], false))]));
        assert_eq!(both.answers, PresetAnswers::default(), "answers are given by whoever resumes it");
        assert_eq!(both.stricter(&both), both);
        let none = one.stricter(&Policy { apps_allowed: list(&["a.z"]), ..other });
        assert!(none.forbids_launch("a.x") && none.forbids_launch("a.z") && none.forbids_launch(""), "nothing is left");
    }

    /// A row that says nothing itself is judged by what lies in it, and not by all that is on the screen.
    #[test]
    fn a_touch_beside_the_words_of_a_row_is_about_that_row() {
        let size = Size { width: 100, height: 200 };
        let label = |text: &str, [left, top, right, bottom]: [u32; 4], touchable| Label {
            text: text.to_owned(),
            area: Area { left, top, right, bottom },
            touchable,
            focused: false,
            secret: false,
            app: None,
            role: None,
            value: None,
            is_on: None,
        };
        let labels = [
            label("", [0, 0, 100, 20], true),
            label("Milk", [2, 2, 30, 10], false),
            label("", [0, 20, 100, 40], true),
            label("Pay 5.00", [2, 22, 30, 30], false),
        ];
        let near = |y| near(&labels, Spot { x: 90, y, of: size.into() });
        assert_eq!((near(5), near(35)), (vec!["Milk"], vec!["Pay 5.00"]));
        assert!(near(150).is_empty());
        let policy = Policy { confirm_buttons: vec!["ok".to_owned()], ..Policy::trusting() };
        let agrees = |y| policy.agrees_at(&labels, Spot { x: 90, y, of: size.into() });
        assert!(!agrees(5) && !agrees(35) && agrees(150));
    }

    /// On a desktop an app may be known as `xterm`: its widgets are looked for under a finger all the same.
    #[test]
    fn an_id_may_have_no_dot() {
        for (name, old, new) in
            [("com.bank", true, true), ("xterm", false, true), ("UXTerm", false, true), ("My Bank", false, false)]
        {
            for policy in [
                Policy { apps_forbidden: vec![name.to_owned()], ..Policy::trusting() },
                Policy { apps_allowed: vec![name.to_owned()], ..Policy::trusting() },
            ] {
                assert_eq!((policy.names_ids(false), policy.names_ids(true)), (old, new), "{name}");
            }
        }
    }

    /// Also an app that nobody knew when the run began: by what it is called now, or was asked for by.
    #[test]
    fn an_app_is_forbidden_by_all_that_it_goes_by_and_allowed_by_its_id() {
        let app = |id: &str, aliases: &[&str]| {
            let aliases: Vec<String> = aliases.iter().map(|name| (*name).to_owned()).collect();
            let front = Front { id: id.to_owned(), label: "UXTerm".to_owned(), aliases: aliases.clone() };
            (InstalledApp { id: id.to_owned(), label: "UXTerm".to_owned(), aliases }, front)
        };
        let forbidden = Policy { apps_forbidden: vec!["X term".to_owned()], ..Policy::trusting() };
        let allowed = Policy { apps_allowed: vec!["xterm".to_owned()], ..Policy::trusting() };
        let rule = Rule {
            name: "terminals".to_owned(),
            permission: Permission::Ask,
            apps: vec!["X term".to_owned()],
            except: Vec::new(),
            words: Vec::new(),
            typing: false,
            hidden_fields: false,
        };
        let ruled = Policy { rules: vec![rule], ..Policy::trusting() };
        let at = Spot { x: 5, y: 5, of: Size { width: 100, height: 200 }.into() };
        for (id, aliases, is_forbidden, is_allowed) in [
            ("uxterm", &["xterm"][..], true, false),
            ("uxterm", &["sh", "ＸＴｅｒｍ"], true, false),
            ("xterm", &[], true, true),
            ("uxterm", &["uxterm", "x-term"], false, false),
        ] {
            let (installed, front) = app(id, aliases);
            assert_eq!(forbidden.forbids_touching(&front), is_forbidden, "{id} {aliases:?}");
            assert_eq!(forbidden.forbids_launching("UXTerm", &installed), is_forbidden, "{id} {aliases:?}");
            assert_eq!(!allowed.forbids_touching(&front), is_allowed, "{id} {aliases:?}");
            let ruling = ruled.ruling(Target::Touch(at), &front, Some(&[]), "");
            assert_eq!(ruling.permission == Permission::Ask, is_forbidden, "{id} {aliases:?}");
        }
    }

    #[test]
    fn an_app_is_launched_by_no_name_that_is_forbidden() {
        let app =
            |id: &str, label: &str| InstalledApp { id: id.to_owned(), label: label.to_owned(), aliases: Vec::new() };
        let policy = Policy { apps_forbidden: vec!["Coin Purse".to_owned()], ..Policy::trusting() };
        for (name, id, label, forbidden) in [
            ("purse", "com.purse", "Coin Purse", true),
            (" coin purse", "com.purse", "", true),
            ("purse", "coin purse", "", true),
            ("purse", "com.purse", "Purse", false),
        ] {
            assert_eq!(policy.forbids_launching(name, &app(id, label)), forbidden, "{name} {id} {label}");
        }
    }

    /// A record that somebody sent could write a name in other letters to have a call asked about that is refused here.
    #[test]
    fn of_two_policies_the_stricter_counts_for_an_api_in_any_letters() {
        let saying = |name: &str, permission| Policy {
            apis: BTreeMap::from([(name.to_owned(), ApiUse { permission: Some(permission), ..ApiUse::default() })]),
            api_effects: EffectPermissions::ALLOWED,
            ..Policy::trusting()
        };
        let (asks, refuses) = (saying("Mail", Permission::Ask), saying("mail", Permission::Refuse));
        let call = ApiCall::plain("mail", "hi");
        for both in [asks.stricter(&refuses), refuses.stricter(&asks)] {
            assert_eq!(both.api(&call).and_then(|(_, said)| said.permission), Some(Permission::Refuse), "{both:?}");
            assert_eq!(both.stricter(&both), both);
        }
    }

    #[test]
    fn the_strictest_counts() {
        assert!(Permission::Allow < Permission::Ask && Permission::Ask < Permission::Refuse);
        let mut ruling = Ruling::default();
        ruling.add(Permission::Refuse, "a");
        ruling.add(Permission::Ask, "b");
        ruling.add(Permission::Allow, "c");
        assert_eq!(ruling, Ruling { permission: Permission::Refuse, rules: vec!["a".to_owned(), "b".to_owned()] });
    }
}
