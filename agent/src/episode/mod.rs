//! The step loop as a table: an event in, the next effect out.
//!
//! It touches nothing and knows no time, so the same events give the same effects, and any run can be replayed.
//!
//! | room | what is decided there |
//! | --- | --- |
//! | [`look`] | what comes of a look, and what the model is asked |
//! | [`weigh`] | what a reply comes to, and whether the run goes round in circles |
//! | [`turn`] | what comes of the other actions of one reply |
//! | [`decide`] | what comes of an action: it is done, asked about, refused, or the run's own |
//! | [`ask`] | what comes of a person's answer |
//! | [`act`] | whether what was chosen is still there, and what came of a deed |
//! | [`resume`] | where a run that broke off goes on |
//! | [`tally`] | what is counted against the limits |

mod act;
mod ask;
mod decide;
mod look;
mod resume;
mod tally;
mod turn;
mod weigh;

use std::mem;
use std::sync::OnceLock;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tapwright_contract::api::{ApiEffect, ApiSpec};
use tapwright_contract::device::{Label, Screen};
use tapwright_contract::gesture::Abilities;

use crate::action::Action;
use crate::calls::{self, ApiCatalog};
use crate::doubt::Doubt;
use crate::edition::Rules;
use crate::event::{Event, Next};
use crate::guard::{Held, ReviewContext, Touch};
use crate::limits::Limits;
use crate::loops::Loops;
use crate::memory::Memory;
use crate::notes::Notes;
use crate::outcome::{End, Outcome};
use crate::person::Question;
use crate::place::Place;
use crate::policy::Policy;
use crate::profile::Profile;
use crate::repeats::{BackAndForth, Repeats, ScreenHash};
use crate::step::{Decided, Notice, StepOver, StepResult};
use tally::Tally;
use turn::Turn;

pub use crate::edition::EDITION;

/// What a run is to do, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// What is wanted, in a person's words.
    pub goal: String,
    /// Today, as the system prompt is to say it.
    pub date: String,
    /// What the model expects.
    pub profile: Profile,
    /// How much of everything there is.
    pub limits: Limits,
    /// What is forbidden.
    pub policy: Policy,
    /// How a finger moves.
    pub touch: Touch,
    /// Which generation of the rules it goes by: [`EDITION`], if it is not a record of older times.
    #[serde(default = "first_edition")]
    pub edition: u32,
    /// What the device is able to do; nothing else is offered or let through. The loop's shell asks the driver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abilities: Option<Abilities>,
    /// Which APIs there are at first; no other name is offered or called. The loop's shell asks them, and again at each look.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub apis: Vec<ApiSpec>,
}

impl Setting {
    /// The APIs as they are offered. Records of the first four editions have them in their policies, and all of them take plain words.
    fn catalog(&self) -> ApiCatalog {
        if self.edition >= 5 {
            return ApiCatalog::of(&self.apis);
        }
        let old = self.policy.apis.iter().map(|(name, api)| ApiSpec {
            name: name.clone(),
            about: api.about.clone().filter(|about| !about.trim().is_empty()).unwrap_or_else(|| name.clone()),
            parameters: calls::plain_parameters(),
            effect: ApiEffect::Irreversible,
        });
        ApiCatalog::of(&old.collect::<Vec<_>>())
    }
}

fn first_edition() -> u32 {
    1
}

/// One goal on one device.
pub struct Episode {
    setting: Setting,
    rules: Rules,
    apis: ApiCatalog,
    stage: Stage,
    /// Replies heard.
    steps: u32,
    memory: Memory,
    notes: Notes,
    repeats: Repeats,
    back_and_forth: BackAndForth,
    loops: Loops,
    tally: Tally,
    /// What the next prompt says of what came of the last action.
    remarks: Vec<String>,
    /// Whether one of them is an answer, which may be longer.
    answered: bool,
    /// The app that was launched, and what was in front before.
    launched: Option<(String, String)>,
    /// What the latest reply wants after what is done now.
    turn: Turn,
    /// Where the pointer was left.
    pointer: Option<Place>,
    /// The step that is not over yet.
    open: Option<Decided>,
    notices: Vec<Notice>,
    /// The screen on which the last gesture was made, until the next one is seen.
    touched: Option<ScreenHash>,
    /// What may or may not have happened when the run broke off.
    doubts: Vec<Doubt>,
    /// Where a run that has ended can go on, and the step that was open there.
    left: Option<(Stage, Option<Decided>)>,
}

/// A screen, and its hash once that was asked for.
#[derive(Debug)]
struct View {
    screen: Screen,
    hash: OnceLock<ScreenHash>,
}

impl View {
    fn new(screen: Screen) -> View {
        View { screen, hash: OnceLock::new() }
    }

    fn hash(&self) -> ScreenHash {
        *self.hash.get_or_init(|| ScreenHash::of(&self.screen))
    }
}

/// What is written on a screen, if it was asked.
#[derive(Debug)]
enum Reading {
    /// Nobody asked.
    NotAsked,
    /// The device told, or does not tell.
    Asked(Option<Vec<Label>>),
}

impl Reading {
    fn labels(&self) -> Option<&[Label]> {
        match self {
            Reading::NotAsked | Reading::Asked(None) => None,
            Reading::Asked(Some(labels)) => Some(labels),
        }
    }
}

/// Something that may be done, and all that it was decided by: it is judged again right before it is done.
#[derive(Debug)]
struct Intent {
    held: Held,
    action: Action,
    thought: String,
    /// What it was chosen on.
    view: View,
    reading: Reading,
    /// What the guard asked about it.
    asked: Option<Question>,
    /// Whether a person was asked because it may have been done already.
    doubted: bool,
}

/// Why a screen is looked at once more before something is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// A person was asked, and has said yes.
    Approved,
    /// The run broke off before it was begun.
    BrokeOff,
    /// A secret is typed.
    Secret,
}

/// Something that waits for another look.
#[derive(Debug)]
struct Recheck {
    cause: Cause,
    /// What a person was asked about it.
    question: Option<Question>,
    intent: Intent,
}

/// Something that is being done, and what it takes to do it later if it has not begun when the run breaks off.
#[derive(Debug)]
struct InFlight {
    /// What a person was asked about it.
    question: Option<Question>,
    intent: Intent,
}

/// Where the loop stands, and what it needs there.
#[derive(Debug)]
enum Stage {
    Ready,
    /// Waits for a screen.
    Looking,
    /// Waits until it is time for another look.
    LookPause,
    /// Waits for a reply to this screen and info.
    Thinking {
        view: View,
        info: String,
    },
    /// Waits for what is written on this screen, to judge what the model wants and why.
    Reading {
        view: View,
        action: Box<Action>,
        thought: String,
    },
    /// Waits for which app this name stands for.
    FindingApp {
        view: View,
        name: String,
        thought: String,
    },
    /// Waits for a summary of these notes.
    Summing {
        notes: String,
    },
    /// Waits until a model that failed can be asked again.
    BackingOff,
    /// Waits for a yes.
    Confirming {
        question: Question,
        intent: Box<Intent>,
    },
    /// Waits for a screen, to do what was chosen or approved if it is still there.
    Rechecking(Box<Recheck>),
    /// Waits for what is written on that screen.
    Rereading {
        recheck: Box<Recheck>,
        now: View,
    },
    /// Waits for a person to do or choose something.
    HandedOver {
        question: Question,
    },
    /// Waits for a person to make the screen visible.
    AskingToUnlock {
        question: Question,
    },
    /// Waits for a person to help a run that does not get on.
    AskingForHelp {
        why: String,
    },
    /// Waits for what comes of a deed.
    Acting(Box<InFlight>),
    /// Waits because the model wants to.
    Waiting {
        time: Duration,
    },
    Ended,
}

impl Episode {
    /// A run that has not begun.
    pub fn new(setting: Setting) -> Episode {
        Episode {
            notes: Notes::new(setting.limits.notes_bytes),
            rules: Rules::of(setting.edition),
            apis: setting.catalog(),
            setting,
            stage: Stage::Ready,
            steps: 0,
            memory: Memory::default(),
            repeats: Repeats::default(),
            back_and_forth: BackAndForth::default(),
            loops: Loops::default(),
            tally: Tally::default(),
            remarks: Vec::new(),
            answered: false,
            launched: None,
            turn: Turn::default(),
            pointer: None,
            open: None,
            notices: Vec::new(),
            touched: None,
            doubts: Vec::new(),
            left: None,
        }
    }

    /// Takes what happened and says what comes next.
    ///
    /// # Panics
    /// If the event does not answer the last effect: that is a mistake of the caller, and a run that has lost its
    /// place must not touch a device.
    pub fn on(&mut self, event: Event) -> Next {
        match (mem::replace(&mut self.stage, Stage::Ended), event) {
            (Stage::Ready, Event::Began) => self.look(),
            (Stage::Ended, Event::Resumed { begun, terms }) => {
                let (stage, open) = self.left.take().expect("only a run that can go on is resumed");
                self.open = open;
                self.on_resume(stage, begun, terms)
            }
            (stage @ Stage::Ended, event) => panic!("{event:?} in the stage {stage:?}"),
            (stage, Event::Resumed { begun, terms }) => self.on_resume(stage, begun, terms),
            (stage, Event::Stopped) => self.leave(stage, "stopped", Outcome::Stopped),

            (Stage::Looking, Event::Saw(screen)) => self.think(View::new(screen)),
            (Stage::Looking, Event::Unseen(fault)) => self.blind(fault),
            (Stage::LookPause, Event::Rested) => self.look(),
            (stage @ (Stage::Looking | Stage::Rechecking(_)), Event::OfferedApis(apis)) => {
                self.on_offered_apis(stage, &apis)
            }

            (Stage::Thinking { view, info }, Event::Heard(reply)) => self.weigh(view, info, &reply),
            (Stage::Thinking { .. }, Event::Silent(silence)) => self.silent(silence),
            (Stage::BackingOff, Event::Rested) => self.look(),

            (Stage::Reading { view, action, thought }, Event::Read(labels)) => {
                self.decide(view, thought, *action, Reading::Asked(labels))
            }
            (Stage::FindingApp { view, name, thought }, Event::FoundApp(search)) => {
                self.found_app(view, name, thought, search)
            }
            (Stage::Summing { .. }, Event::Heard(reply)) => self.on_summary(&reply),
            (Stage::Summing { notes }, Event::Silent(_)) => self.tell_notes(notes),

            (Stage::Confirming { question, intent }, Event::Answered(answer)) => {
                self.on_confirmation(question, intent, answer)
            }
            (Stage::Rechecking(recheck), Event::Saw(screen)) => self.on_rechecked_screen(recheck, View::new(screen)),
            (Stage::Rechecking(recheck), Event::Unseen(fault)) => self.unsure(recheck.cause, fault),
            (Stage::Rereading { recheck, now }, Event::Read(labels)) => self.on_rechecked_labels(recheck, now, labels),

            (Stage::HandedOver { question }, Event::Answered(answer)) => self.on_hand_over(question, answer),
            (Stage::AskingToUnlock { question }, Event::Answered(answer)) => self.on_unlock(question, answer),
            (Stage::AskingForHelp { why }, Event::Answered(answer)) => self.on_help(why, answer),

            (Stage::Acting(doing), Event::Acted(result)) => self.on_action_result(doing, result),
            (Stage::Waiting { time }, Event::Rested) => {
                self.settle(StepResult::Waited, format!("waited {} s", time.as_secs_f32()), None)
            }

            (stage, event) => panic!("{event:?} in the stage {stage:?}"),
        }
    }

    /// The APIs that it goes by, if it goes by what they say of themselves.
    pub(crate) fn apis(&self) -> Option<Vec<ApiSpec>> {
        self.rules.calls_are_typed.then(|| self.apis.iter().map(|(spec, _)| spec.clone()).collect())
    }

    /// What happened since this was last asked, for whoever watches.
    pub fn notices(&mut self) -> Vec<Notice> {
        mem::take(&mut self.notices)
    }

    /// What the guard goes by.
    fn context<'a>(&'a self, screen: &'a Screen, reading: &'a Reading, thought: &'a str) -> ReviewContext<'a> {
        let Setting { policy, touch, abilities, goal, profile, .. } = &self.setting;
        let goal = profile.goal_checks.as_ref().map(|checks| (goal.as_str(), checks));
        let (labels, abilities, apis) = (reading.labels(), *abilities, Some(&self.apis));
        ReviewContext { screen, labels, thought, policy, touch, abilities, apis, goal, rules: self.rules }
    }

    /// The step is over, and another one begins.
    fn settle(&mut self, result: StepResult, summary: String, remark: Option<String>) -> Next {
        self.close(result, summary);
        self.remarks.extend(remark);
        self.drop_turn_after(result);
        self.look()
    }

    /// The same; the model is told what people are told.
    fn settle_and_tell(&mut self, result: StepResult, told: String) -> Next {
        self.settle(result, told.clone(), Some(told))
    }

    fn close(&mut self, result: StepResult, summary: String) {
        if let Some(decided) = self.open.take() {
            self.notices.push(Notice::StepOver(StepOver { decided, result, summary }));
        }
    }

    /// Ends where the run can go on later.
    fn leave(&mut self, stage: Stage, summary: &str, outcome: Outcome) -> Next {
        self.left = Some((stage, self.open.clone()));
        self.end(StepResult::Suspended, summary, outcome)
    }

    fn end(&mut self, result: StepResult, summary: &str, outcome: Outcome) -> Next {
        if outcome.can_go_on() && self.left.is_none() {
            self.left = Some((Stage::Looking, None));
        }
        self.close(result, summary.to_owned());
        self.stage = Stage::Ended;
        Next::End(End { outcome, steps: self.steps, notes: self.notes.all().to_vec() })
    }

    fn remark(&mut self, remark: String) {
        self.remarks.push(remark);
    }
}
