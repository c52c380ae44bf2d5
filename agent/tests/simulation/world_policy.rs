//! What a run may do, said once more and without the guard: plain comparisons on what is truly there, and on what was told.

use tapwright_agent::guard::Policy;
use tapwright_agent::policy::{Permission, PresetAnswers, Rule, SecretUse};
use tapwright_contract::gesture::Gesture;

use crate::dice::Dice;
use crate::page::{BANK, Cell, Kind, PIN, USER, VAULT};

/// What the policy of a world says, in the words of this simulation.
#[derive(Clone, Debug)]
pub struct WorldPolicy {
    pub policy: Policy,
    pub send: Permission,
    pub delete: Permission,
    pub password: Permission,
}

/// What the model said when it chose what is done.
#[derive(Clone, Copy, Debug, Default)]
pub struct ModelStatement {
    /// It called the touch important.
    pub warned: bool,
    /// It said that it sends something.
    pub sends: bool,
}

pub const PERMISSIONS: &[Permission] = &[Permission::Allow, Permission::Ask, Permission::Ask, Permission::Refuse];

impl WorldPolicy {
    pub fn draw(dice: &mut Dice) -> WorldPolicy {
        use Permission::{Allow, Ask};
        let kind = dice.below(6);
        let mut law = match kind {
            0 | 1 => WorldPolicy { policy: crate::common::trusting(), send: Allow, delete: Allow, password: Allow },
            2 => {
                let policy = toml::from_str(tapwright_agent::policy::CAREFUL).expect("it is a policy");
                WorldPolicy { policy, send: Ask, delete: Ask, password: Ask }
            }
            _ => WorldPolicy::own(dice),
        };
        // By name, and where the platform's name is needed to know it in another app's window.
        law.policy.apps_forbidden.push("Bank".to_owned());
        if dice.percent(50) {
            law.policy.apps_forbidden.push(BANK.to_owned());
        }
        law.draw_apis(dice, kind > 2);
        let login = if dice.percent(50) { vec!["login".to_owned()] } else { vec![] };
        let pin = SecretUse { apps: vec![VAULT.to_owned()], any_field: false, apis: vec![] };
        let user = SecretUse { apps: vec![VAULT.to_owned()], any_field: true, apis: login };
        law.policy.secrets = [("pin".to_owned(), pin), ("user".to_owned(), user)].into();
        law
    }

    fn own(dice: &mut Dice) -> WorldPolicy {
        let [send, delete, password] = [(); 3].map(|()| dice.one_of(PERMISSIONS));
        let rule = |name: &str, permission, words: &[&str], typing| Rule {
            name: name.to_owned(),
            permission,
            apps: Vec::new(),
            except: Vec::new(),
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            typing,
            hidden_fields: typing,
        };
        let mut policy = Policy {
            rules: vec![
                rule("sending", send, &["send"], false),
                rule("deleting", delete, &["delete*"], false),
                rule("passwords", password, &["password*"], true),
            ],
            confirm_buttons: vec!["ok".to_owned()],
            warning: dice.one_of(PERMISSIONS),
            without_labels: dice.one_of(PERMISSIONS),
            asks_when_stuck: dice.percent(50),
            ..crate::common::trusting()
        };
        if dice.percent(20) {
            policy.apps_allowed = [crate::page::APP, VAULT].map(str::to_owned).into();
        }
        if dice.percent(40) {
            policy.apis_asked = vec!["weather".to_owned()];
        }
        if dice.percent(20) {
            policy.answers = PresetAnswers { choose: Some("the first one".to_owned()), no_take_over: dice.percent(50) };
        }
        WorldPolicy { policy, send, delete, password }
    }

    /// The same without what would keep a run that does nothing wrong from its end.
    pub fn gentle(&mut self) {
        for permission in [&mut self.send, &mut self.delete, &mut self.password] {
            *permission = (*permission).min(Permission::Ask);
        }
        let Policy { rules, warning, without_labels, apps_allowed, answers, .. } = &mut self.policy;
        rules.iter_mut().for_each(|rule| rule.permission = rule.permission.min(Permission::Ask));
        (*warning, *without_labels) = ((*warning).min(Permission::Ask), (*without_labels).min(Permission::Ask));
        apps_allowed.clear();
        *answers = PresetAnswers::default();
        self.gentle_to_calls();
    }

    /// Whether an app must not be touched. One in front is known by its name too, a window of another one only by its id.
    pub fn forbids(&self, app: &str, in_front: bool) -> bool {
        let Policy { apps_forbidden, apps_allowed, .. } = &self.policy;
        app == BANK && (in_front || apps_forbidden.iter().any(|forbidden| forbidden == BANK))
            || !apps_allowed.is_empty() && !apps_allowed.iter().any(|allowed| allowed == app)
    }

    fn of_kinds(&self, kinds: impl IntoIterator<Item = Kind>) -> Permission {
        let of = |kind| match kind {
            Kind::Send => self.send,
            Kind::Delete => self.delete,
            Kind::Plain | Kind::Long | Kind::Agree | Kind::Password | Kind::Field => Permission::Allow,
        };
        kinds.into_iter().map(of).max().unwrap_or_default()
    }

    /// What a gesture needs at least, by what was told of the screen.
    pub fn needs(&self, gesture: &Gesture, told: Option<&[Cell]>, chosen: ModelStatement) -> Permission {
        let said = if chosen.sends { self.send } else { Permission::Allow };
        let spots: Vec<_> = match gesture {
            Gesture::Swipe { from, .. } => vec![*from],
            gesture => [gesture.spot(), gesture.end()].into_iter().flatten().collect(),
        };
        let text = gesture.text().unwrap_or_default();
        if spots.is_empty() && gesture.text().is_none() {
            return Permission::Allow;
        }
        let Some(cells) = told else { return self.policy.without_labels };
        let mut needs = if spots.is_empty() { Permission::Allow } else { said };
        for at in spots {
            let there = cells.iter().filter(|cell| cell.area.holds(at.x, at.y));
            let agrees = there.clone().any(|cell| cell.kind == Kind::Agree);
            let counted = cells.iter().filter(|cell| agrees || cell.area.holds(at.x, at.y)).map(|cell| cell.kind);
            needs = needs.max(self.of_kinds(counted));
            if chosen.warned {
                needs = needs.max(self.policy.warning);
            }
        }
        if !text.is_empty() && !is_only_secret(text) {
            if cells.iter().any(|cell| cell.focused && cell.hidden) {
                needs = needs.max(self.password);
            }
            if text.contains('\n') {
                needs = needs.max(self.of_kinds(cells.iter().map(|cell| cell.kind))).max(said);
            }
        }
        needs
    }
}

/// Whether a text, as it reaches the device, is secrets and nothing else.
fn is_only_secret(text: &str) -> bool {
    text.replace(PIN, "").replace(USER, "").is_empty()
}
