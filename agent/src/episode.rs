//! The step loop as a table: an event in, the next effect out.
//!
//! It touches nothing and knows no time, so the same events give the same effects, and any run can be replayed.

use std::mem;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tapwright_contract::device::{Label, Screen};
use tapwright_contract::model::Reply;

use crate::action::{Action, Call};
use crate::again::Doubt;
use crate::dialect::Unclear;
use crate::event::{ActionResult, Effect, Event, Fault, Next, NoReply};
use crate::guard::{self, Deed, Held, Internal, Review, ReviewContext, Touch, Vetted};
use crate::limits::{Limits, clip};
use crate::memory::Memory;
use crate::notes::{Notes, page};
use crate::outcome::{End, Outcome};
use crate::person::{Answer, Question};
use crate::policy::Policy;
use crate::profile::{Profile, ReplyForm};
use crate::prompt::{self, Exchange};
use crate::repeats::{BackAndForth, Repeats, ScreenHash, same};

/// Which generation of the loop's rules this is. A record is replayed by the rules of its own time.
pub const EDITION: u32 = 3;

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
}

fn first_edition() -> u32 {
    1
}

/// What the loop made of a reply, before anything comes of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// Which step it is, from 1.
    pub step: u32,
    /// Why the model wants it.
    pub thought: String,
    /// What it wants, in canonical form, or the reply itself if it cannot be read.
    pub action: String,
}

/// What a step comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepOver {
    /// What was wanted.
    pub decided: Decided,
    /// What came of it, for people.
    pub came: String,
}

/// Notice for whoever watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A reply was read.
    Decided(Decided),
    /// A step is over.
    StepOver(StepOver),
}

/// One goal on one device.
pub struct Episode {
    setting: Setting,
    stage: Stage,
    /// Replies heard.
    steps: u32,
    memory: Memory,
    notes: Notes,
    repeats: Repeats,
    rounds: BackAndForth,
    /// Waits in a row.
    waits: u32,
    /// What the next prompt says of what came of the last action.
    remarks: Vec<String>,
    /// Whether one of them is an answer, which may be longer.
    answered: bool,
    /// The app that was launched, and what was in front before.
    launched: Option<(String, String)>,
    /// The step that is not over yet.
    open: Option<Decided>,
    news: Vec<Notice>,
    strikes: u32,
    refusals: u32,
    asks: u32,
    retries: u32,
    looks: u32,
    timeouts: u32,
    /// The screen on which the last gesture was made, until the next one is seen.
    touched: Option<ScreenHash>,
    /// How many gestures in a row changed nothing.
    unmoved: u32,
    /// What may or may not have happened when the run broke off.
    doubts: Vec<Doubt>,
    /// Where a run that has ended can go on, and the step that was open there.
    left: Option<(Stage, Option<Decided>)>,
    /// Whether the policy has become stricter, and what was decided before has to be decided anew.
    restricted: bool,
}

/// Something that is being done, and what it takes to do it later if it has not begun when the run breaks off.
#[derive(Debug)]
struct InFlight {
    /// What a person was asked about it.
    question: Option<Question>,
    held: Held,
    /// What it was chosen on, and what that looked like.
    screen: Screen,
    sight: ScreenHash,
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
    Thinking(Screen, String),
    /// Waits for what is written on this screen, to judge what the model wants and why.
    Reading(Screen, Box<Action>, String),
    /// Waits for a summary of these notes.
    Summing(String),
    /// Waits until a model that failed can be asked again.
    BackingOff,
    /// Waits for a yes to what was chosen on this screen.
    Confirming(Question, Held, Screen),
    /// Waits for a screen, to do what was approved if it is still the same one. Without a question nobody had to
    /// approve it: the run broke off before it had begun.
    Rechecking(Option<Question>, Held, Screen),
    /// Waits for a person to do or choose something.
    HandedOver(Question),
    /// Waits for a person to make the screen visible.
    AskingToUnlock(Question),
    /// Waits for a person to help a run that does not get on, for this reason.
    AskingForHelp(String),
    /// Waits for what comes of a deed.
    Acting(InFlight),
    /// Waits because the model wants to.
    Waiting(Duration),
    Ended,
}

impl Episode {
    /// A run that has not begun.
    pub fn new(setting: Setting) -> Episode {
        Episode {
            notes: Notes::new(setting.limits.notes_bytes),
            setting,
            stage: Stage::Ready,
            steps: 0,
            memory: Memory::default(),
            repeats: Repeats::default(),
            rounds: BackAndForth::default(),
            waits: 0,
            remarks: Vec::new(),
            answered: false,
            launched: None,
            open: None,
            news: Vec::new(),
            strikes: 0,
            refusals: 0,
            asks: 0,
            retries: 0,
            looks: 0,
            timeouts: 0,
            touched: None,
            unmoved: 0,
            doubts: Vec::new(),
            restricted: false,
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
            (Stage::Ended, Event::Resumed { begun }) => {
                let (stage, open) = self.left.take().expect("only a run that can go on is resumed");
                self.open = open;
                self.resumed(stage, begun)
            }
            (stage @ Stage::Ended, event) => panic!("{event:?} in the stage {stage:?}"),
            (stage, Event::Resumed { begun }) => self.resumed(stage, begun),
            (stage, Event::Stopped) => self.leave(stage, "stopped", Outcome::Stopped),

            (Stage::Looking, Event::Saw(screen)) => self.think(screen),
            (Stage::Looking, Event::Unseen(fault)) => self.blind(fault),
            (Stage::LookPause, Event::Rested) => self.look(),

            (Stage::Thinking(screen, info), Event::Heard(reply)) => self.weigh(screen, info, &reply),
            (Stage::Thinking(..), Event::Silent(silence)) => self.silent(silence),
            (Stage::BackingOff, Event::Rested) => self.look(),

            (Stage::Reading(screen, action, thought), Event::Read(labels)) => {
                self.decide(screen, &thought, &action, labels.as_deref())
            }
            (Stage::Summing(_), Event::Heard(reply)) => self.summed(&reply),
            (Stage::Summing(notes), Event::Silent(_)) => self.recalled(notes),

            (Stage::Confirming(question, held, screen), Event::Answered(answer)) => {
                self.confirmed(question, held, screen, answer)
            }
            (Stage::Rechecking(question, held, before), Event::Saw(screen)) if same(&before, &screen) => {
                self.approve(question, held, screen)
            }
            (Stage::Rechecking(question, ..), Event::Saw(screen)) => self.outdated(question.is_some(), screen),
            (Stage::Rechecking(question, ..), Event::Unseen(fault)) => self.unsure(question.is_some(), fault),

            (Stage::HandedOver(question), Event::Answered(answer)) => self.handed(question, answer),
            (Stage::AskingToUnlock(question), Event::Answered(answer)) => self.uncovered(question, answer),
            (Stage::AskingForHelp(why), Event::Answered(answer)) => self.freed(why, answer),

            (Stage::Acting(doing), Event::Acted(came)) => self.came(doing, came),
            (Stage::Waiting(time), Event::Rested) => self.settle(format!("waited {} s", time.as_secs_f32()), None),

            (stage, event) => panic!("{event:?} in the stage {stage:?}"),
        }
    }

    /// What happened since this was last asked, for whoever watches.
    pub fn news(&mut self) -> Vec<Notice> {
        mem::take(&mut self.news)
    }

    /// The run goes on by this policy from its next event on, which is that it was resumed.
    pub(crate) fn restrict(&mut self, policy: Policy) {
        self.setting.policy = policy;
        self.restricted = true;
    }

    fn held_back(&mut self) -> Next {
        let why = "not done: the run broke off before it, and goes on under a stricter policy".to_owned();
        self.settle(why.clone(), Some(why))
    }

    /// The run goes on after it broke off, or after an end that need not be the last. `begun` says whether the last
    /// effect was on the disk; what was not cannot have happened.
    fn resumed(&mut self, stage: Stage, begun: bool) -> Next {
        let restricted = mem::take(&mut self.restricted);
        // What went wrong in a row has been looked into; and whoever resumes a run can be asked.
        (self.looks, self.retries, self.timeouts, self.strikes, self.asks) = (0, 0, 0, 0, 0);
        self.touched = None;
        self.launched = None;
        if self.setting.edition >= 3 {
            // That the same was chosen on the same screen once more is what breaking off does.
            self.forget_rounds();
        }
        match stage {
            Stage::Ready
            | Stage::Looking
            | Stage::LookPause
            | Stage::Thinking(..)
            | Stage::BackingOff
            | Stage::AskingToUnlock(_) => {
                self.open = None;
                self.look()
            }
            Stage::Reading(..) => {
                let why = "not done: the run broke off before it".to_owned();
                self.settle(why.clone(), Some(why))
            }
            Stage::Summing(notes) => self.recalled(notes),
            Stage::AskingForHelp(why) => self.stuck(why),
            Stage::Waiting(_) => self.settle("the run broke off while it waited".to_owned(), None),
            // It was let through by another policy: the model may want it again, and is judged by this one.
            Stage::Confirming(..) | Stage::Rechecking(..) if restricted => self.held_back(),
            Stage::Acting(..) if restricted && !begun => self.held_back(),
            // An answer is for now: nobody knows what the person sees by then.
            Stage::Confirming(question, held, screen) | Stage::Rechecking(Some(question), held, screen) => {
                self.ask(question.clone(), Stage::Confirming(question, held, screen))
            }
            Stage::HandedOver(question) => self.ask(question.clone(), Stage::HandedOver(question)),
            Stage::Rechecking(None, held, screen) => self.recheck(None, held, screen),
            Stage::Acting(InFlight { question, held, screen, .. }) if !begun => match question {
                Some(question) => self.ask(question.clone(), Stage::Confirming(question, held, screen)),
                None => self.recheck(None, held, screen),
            },
            Stage::Acting(InFlight { held, screen, .. }) => {
                let action = self.open.as_ref().map_or("", |decided| &decided.action);
                let doubt = Doubt::new(held.deed().clone(), action, &screen, self.setting.edition);
                self.doubts.push(doubt.harmless(self.may_repeat(held.deed())));
                self.settle("the run broke off in the middle of it: it may or may not have happened".to_owned(), None)
            }
            Stage::Ended => panic!("a run that has ended goes on from where it stood before"),
        }
    }

    fn may_repeat(&self, deed: &Deed) -> bool {
        match deed {
            Deed::Api { instruction } => self.setting.policy.api(instruction).is_some_and(|(_, api)| api.repeatable),
            Deed::Gesture(_) => false,
        }
    }

    fn look(&mut self) -> Next {
        if self.steps >= self.setting.limits.steps_max {
            return self.end("", Outcome::OutOfSteps);
        }
        self.stage = Stage::Looking;
        Next::Do(Effect::Look)
    }

    fn blind(&mut self, fault: Fault) -> Next {
        self.looks += 1;
        let again = self.looks < self.setting.limits.looks_max;
        match fault {
            Fault::Lost { why } => self.end("", Outcome::DeviceLost { why }),
            _ if again => {
                self.stage = Stage::LookPause;
                Next::Do(Effect::Pause(self.setting.limits.look_pause))
            }
            Fault::Hidden { why } | Fault::Refused { why } => {
                self.looks = 0;
                self.remark(format!("the screen could not be seen for a while: {why}"));
                let question = Question::TakeOver { message: format!("the screen cannot be seen: {why}") };
                self.ask(question.clone(), Stage::AskingToUnlock(question))
            }
            fault => self.end("", Outcome::DeviceLost { why: told(&fault) }),
        }
    }

    fn think(&mut self, screen: Screen) -> Next {
        self.looks = 0;
        if let Some(before) = self.touched.take() {
            self.unmoved = if before == ScreenHash::of(&screen) { self.unmoved + 1 } else { 0 };
            if self.unmoved >= self.setting.limits.unmoved_max {
                let why = format!("the last {} actions have not changed the screen", self.unmoved);
                return self.stuck(why);
            }
            if self.unmoved >= 2 {
                self.remark(format!("the last {} actions have not changed the screen", self.unmoved));
            }
        }
        if !self.doubts.is_empty() {
            let sight = ScreenHash::of(&screen);
            self.remarks.extend(self.doubts.iter_mut().filter_map(|doubt| doubt.remark(sight)));
        }
        let front = &screen.front;
        if let Some((app, before)) = self.launched.take()
            && front.id == before
            && !is_called(&app, [&front.id, &front.label])
        {
            let label = if front.label.is_empty() { &front.id } else { &front.label };
            self.remark(format!("{app:?} was launched, but {label:?} is still in front"));
        }
        let limits = &self.setting.limits;
        let app = clip(if front.label.is_empty() { &front.id } else { &front.label }, limits.remark_bytes);
        let bytes_max = if self.answered { self.result_bytes() } else { limits.remark_bytes };
        let remark = self.remarks.join("; ");
        let remark = (self.setting.profile.remarks && !remark.is_empty()).then(|| clip(&remark, bytes_max));
        let info = prompt::info(app, remark);
        let Setting { profile, goal, date, limits, policy, .. } = &self.setting;
        let goal = prompt::with_apis(goal, &policy.apis);
        let notes = self.notes.brief(limits.remark_bytes);
        match self.memory.prompt(profile, &goal, date, &notes, &info, &screen.picture) {
            Ok(prompt) => {
                self.stage = Stage::Thinking(screen, info);
                Next::Do(Effect::Think(prompt))
            }
            Err(too_long) => self.end("", Outcome::ModelFailed { why: too_long.to_string() }),
        }
    }

    fn silent(&mut self, silence: NoReply) -> Next {
        let limits = &self.setting.limits;
        if !silence.may_pass || self.retries >= limits.retries_max {
            return self.end("", Outcome::ModelFailed { why: silence.why });
        }
        let pause = limits.backoff.saturating_mul(1 << self.retries.min(20)).min(limits.backoff_max);
        // Asked earlier than it said, it would only say so again; but it may not hold up a run for longer than it may think.
        let asked = silence.retry_after_ms.map(Duration::from_millis).unwrap_or_default();
        if asked > limits.think {
            let why = format!("{}; it asks to be left alone for {} s", silence.why, asked.as_secs());
            return self.end("", Outcome::ModelFailed { why });
        }
        let pause = pause.max(asked);
        self.retries += 1;
        self.stage = Stage::BackingOff;
        // Then look again: nothing is decided on a screen from before the pause.
        Next::Do(Effect::Pause(pause))
    }

    fn weigh(&mut self, screen: Screen, info: String, reply: &Reply) -> Next {
        self.steps += 1;
        self.retries = 0;
        self.remarks.clear();
        self.answered = false;
        self.memory.counted(reply.tokens_in);
        let profile = &self.setting.profile;
        let bytes_max = self.setting.limits.reply_bytes;
        let heard = clip(&reply.text, bytes_max);
        let said = profile.dialect.read(heard, reply.cut || heard.len() < reply.text.len());
        let action = match &said.call {
            Ok(call) => profile.dialect.print(call),
            Err(_) => heard.to_owned(),
        };
        let back = match (&said.call, profile.reply) {
            (Ok(_), ReplyForm::Clean) => prompt::clean_reply(&said.thought, &action),
            (Ok(_), ReplyForm::CleanLines) => prompt::clean_reply_in_lines(&said.thought, &action),
            (Ok(_), ReplyForm::Doubled) => prompt::doubled_reply(heard),
            (Ok(_), ReplyForm::Heard) | (Err(_), _) => heard.to_owned(),
        };
        self.memory.add(self.steps, Exchange { info, reply: back }, &action, profile);
        let decided = Decided { step: self.steps, thought: said.thought.clone(), action };
        self.news.push(Notice::Decided(decided.clone()));
        self.open = Some(decided);
        if said.more {
            self.remark("only the first of your actions was done; write one action a turn".to_owned());
        }
        match said.call {
            Err(unclear) => self.strike(&unclear),
            Ok(Call::Finish { message }) => self.end("finished", Outcome::Done { message }),
            Ok(Call::GiveUp { message }) => self.end("gave up", Outcome::GaveUp { message }),
            Ok(Call::Do(action)) => {
                self.strikes = 0;
                self.consider(screen, said.thought, action)
            }
        }
    }

    fn strike(&mut self, unclear: &Unclear) -> Next {
        self.strikes += 1;
        if self.strikes >= self.setting.limits.strikes_max {
            let why = format!("{} replies in a row could not be read; the last one: {unclear}", self.strikes);
            return self.end("unclear", Outcome::ModelFailed { why });
        }
        self.settle(format!("unclear: {unclear}"), Some(unclear.to_string()))
    }

    fn consider(&mut self, screen: Screen, thought: String, action: Action) -> Next {
        let limits = &self.setting.limits;
        let sight = ScreenHash::of(&screen);
        let times = self.repeats.count(sight, &action, limits.repeats_window);
        if times >= limits.repeats_max {
            return self.stuck(format!("the same action {times} times on the same screen"));
        }
        if let Action::Type { text } | Action::TypeName { text } = &action
            && text.len() > limits.text_bytes
        {
            let why = format!("the text is too long to type; at most {} bytes at once", limits.text_bytes);
            return self.settle(why.clone(), Some(why));
        }
        let (rounds_remark, rounds_max) = (limits.rounds_remark, limits.rounds_max);
        let (waits_remark, waits_max) = (limits.waits_remark, limits.waits_max);
        if times >= limits.repeats_remark {
            self.remark(format!("you have done this {times} times on the same screen; do something else"));
        }
        self.waits = if matches!(action, Action::Wait { .. }) { self.waits + 1 } else { 0 };
        if self.waits >= waits_max {
            return self.stuck(format!("{} waits in a row", self.waits));
        }
        if self.waits >= waits_remark {
            self.remark(format!("you have waited {} times in a row; go back and try another way", self.waits));
        }
        if touches(&action) {
            let rounds = self.rounds.count(sight);
            if rounds >= rounds_max {
                return self.stuck(format!("back and forth between two screens for {rounds} actions"));
            }
            if rounds >= rounds_remark {
                self.remark(format!(
                    "for {rounds} actions you have gone back and forth between the same two screens; try another way"
                ));
            }
        }
        let notes_page = matches!(&action, Action::Note { message } if stands_for_the_page(message));
        if self.setting.edition >= 2 && notes_page || guard::reads(&action, &self.setting.policy) {
            self.stage = Stage::Reading(screen, Box::new(action), thought);
            return Next::Do(Effect::Read);
        }
        self.decide(screen, &thought, &action, None)
    }

    fn decide(&mut self, screen: Screen, thought: &str, action: &Action, labels: Option<&[Label]>) -> Next {
        let sight = ScreenHash::of(&screen);
        let Setting { policy, touch, .. } = &self.setting;
        match guard::review(action, ReviewContext { screen: &screen, labels, thought, policy, touch }) {
            Review::Do(vetted) => {
                if let Action::Launch { app } = action
                    && self.setting.edition >= 2
                    && !screen.front.id.is_empty()
                {
                    self.launched = Some((app.clone(), screen.front.id.clone()));
                }
                match self.doubts.iter().find_map(|doubt| doubt.question(vetted.deed(), &screen)) {
                    None => self.act(vetted, None, screen, sight),
                    Some(question) => self.ask(question.clone(), Stage::Confirming(question, vetted.held(), screen)),
                }
            }
            Review::Ask(question, held) => {
                let doubt = self.doubts.iter().find_map(|doubt| doubt.question(held.deed(), &screen));
                let question = match doubt {
                    Some(doubt) => question.with(doubt.message()),
                    None => question,
                };
                self.ask(question.clone(), Stage::Confirming(question, held, screen))
            }
            Review::HandOver(mut question) => {
                // `Interact` seldom says between what one is to choose; its thought does.
                if let Question::Choose { message } = &mut question
                    && message.is_empty()
                {
                    *message = thought.to_owned();
                }
                match self.answer_beforehand(&question) {
                    Some(answer) => self.handed(question, answer),
                    None => self.ask(question.clone(), Stage::HandedOver(question)),
                }
            }
            Review::Refuse { why } => self.refused(why),
            Review::Wrong { why } => self.settle(format!("not done: {why}"), Some(format!("not done: {why}"))),
            Review::Internal(Internal::Wait { duration }) => {
                let time = duration.min(self.setting.limits.wait_max);
                self.stage = Stage::Waiting(time);
                Next::Do(Effect::Pause(time))
            }
            Review::Internal(Internal::Recall { instruction }) => self.recall(&instruction),
            Review::Internal(Internal::Note { message }) => {
                let page = labels.map(|labels| page(&screen.front, labels)).filter(|page| !page.is_empty());
                let note = match page {
                    Some(page) => clip(&page, self.setting.limits.note_bytes).to_owned(),
                    None if stands_for_the_page(&message) => thought.to_owned(),
                    None => message,
                };
                let all = self.notes.keep(&note);
                self.settle(
                    "noted".to_owned(),
                    (!all).then(|| "the notes are full; this was not kept in full".to_owned()),
                )
            }
        }
    }

    fn recall(&mut self, instruction: &str) -> Next {
        let told = self.notes.told();
        let Setting { profile, edition, .. } = &self.setting;
        if *edition < 2 || !profile.summaries || told.len() <= self.result_bytes() {
            return self.recalled(told);
        }
        let prompt = prompt::summary(profile, instruction, &told, self.result_bytes());
        self.stage = Stage::Summing(told);
        Next::Do(Effect::Think(prompt))
    }

    fn answer_beforehand(&self, question: &Question) -> Option<Answer> {
        let answers = &self.setting.policy.answers;
        match question {
            Question::Choose { .. } => answers.choose.clone().map(Answer::Choice),
            Question::TakeOver { .. } => answers.no_take_over.then_some(Answer::No),
            Question::Confirm { .. } | Question::Permit { .. } | Question::Again { .. } => None,
        }
    }

    fn summed(&mut self, reply: &Reply) -> Next {
        let said = self.setting.profile.dialect.read(&reply.text, reply.cut);
        let words = match said.call {
            Ok(Call::Finish { message }) => message,
            _ => prompt::plain(&reply.text),
        };
        let words = clip(&words, self.result_bytes());
        self.recalled(format!("what your notes come to: {words}"))
    }

    fn recalled(&mut self, told: String) -> Next {
        self.answered = true;
        self.settle("notes recalled".to_owned(), Some(told))
    }

    fn result_bytes(&self) -> usize {
        self.setting.limits.result_bytes.max(self.setting.limits.remark_bytes)
    }

    /// The run does not get on by itself.
    fn stuck(&mut self, why: String) -> Next {
        let limits = &self.setting.limits;
        if !self.setting.policy.asks_when_stuck || self.asks >= limits.asks_max {
            return self.end("stuck", Outcome::Stuck { why });
        }
        let question = Question::TakeOver { message: format!("the run does not get on: {why}") };
        self.ask(question, Stage::AskingForHelp(why))
    }

    fn freed(&mut self, why: String, answer: Answer) -> Next {
        let said = match answer {
            Answer::No | Answer::Nobody => return self.end("stuck", Outcome::Stuck { why }),
            Answer::Choice(words) => format!("a person says: {words}"),
            Answer::Yes | Answer::Done => "a person has helped; look at the screen anew".to_owned(),
        };
        self.forget_rounds();
        self.settle(format!("{why}; {said}"), Some(said))
    }

    /// What went round in circles before does not count any more.
    fn forget_rounds(&mut self) {
        self.repeats.forget();
        self.rounds.forget();
        (self.waits, self.unmoved) = (0, 0);
    }

    fn ask(&mut self, question: Question, stage: Stage) -> Next {
        self.asks += 1;
        if self.asks > self.setting.limits.asks_max {
            return self.leave(stage, "needs a person", Outcome::NeedsPerson { asked: question });
        }
        self.stage = stage;
        Next::Do(Effect::Ask(question))
    }

    fn act(&mut self, vetted: Vetted, question: Option<Question>, screen: Screen, sight: ScreenHash) -> Next {
        self.stage = Stage::Acting(InFlight { question, held: vetted.held(), screen, sight });
        Next::Do(Effect::Act(vetted))
    }

    fn recheck(&mut self, question: Option<Question>, held: Held, screen: Screen) -> Next {
        self.stage = Stage::Rechecking(question, held, screen);
        Next::Do(Effect::Look)
    }

    fn confirmed(&mut self, question: Question, held: Held, screen: Screen, answer: Answer) -> Next {
        match answer {
            Answer::Yes => self.recheck(Some(question), held, screen),
            Answer::No => self.refused("a person said no to this action".to_owned()),
            Answer::Choice(words) => self.refused(format!("a person did not say yes but: {words}")),
            Answer::Done => {
                let did = "a person has done this themselves".to_owned();
                self.settle(did.clone(), Some(did))
            }
            Answer::Nobody => {
                let stage = Stage::Confirming(question.clone(), held, screen);
                self.leave(stage, "needs a person", Outcome::NeedsPerson { asked: question })
            }
        }
    }

    fn approve(&mut self, question: Option<Question>, held: Held, screen: Screen) -> Next {
        self.looks = 0;
        let sight = ScreenHash::of(&screen);
        self.act(held.approved(), question, screen, sight)
    }

    /// What it was chosen or approved on is not there any more.
    fn outdated(&mut self, asked: bool, screen: Screen) -> Next {
        let why = match asked {
            true => "not done: the screen changed while a person was asked".to_owned(),
            false => "not done: the run broke off before it, and the screen has changed since".to_owned(),
        };
        self.remark(why.clone());
        self.close(why);
        if self.steps >= self.setting.limits.steps_max {
            return self.end("", Outcome::OutOfSteps);
        }
        self.think(screen)
    }

    /// What it was chosen or approved on cannot be seen any more.
    fn unsure(&mut self, asked: bool, fault: Fault) -> Next {
        let why = match asked {
            true => "not done: the screen could not be seen after a person was asked".to_owned(),
            false => "not done: the run broke off before it, and the screen could not be seen".to_owned(),
        };
        self.remark(why.clone());
        self.close(why);
        self.blind(fault)
    }

    fn handed(&mut self, question: Question, answer: Answer) -> Next {
        let said = match (answer, &question) {
            (Answer::Nobody, _) => {
                let stage = Stage::HandedOver(question.clone());
                return self.leave(stage, "needs a person", Outcome::NeedsPerson { asked: question });
            }
            (Answer::No, Question::Choose { .. }) => "a person says: no".to_owned(),
            (Answer::No, _) => return self.refused("a person would not do this".to_owned()),
            (Answer::Choice(words), _) => format!("a person says: {words}"),
            (Answer::Yes, Question::Choose { .. }) => "a person says: yes".to_owned(),
            (Answer::Yes | Answer::Done, _) => "a person has done this".to_owned(),
        };
        self.settle(said.clone(), Some(said))
    }

    fn uncovered(&mut self, question: Question, answer: Answer) -> Next {
        match answer {
            Answer::Yes | Answer::Done | Answer::Choice(_) => self.look(),
            Answer::No | Answer::Nobody => self.end("", Outcome::NeedsPerson { asked: question }),
        }
    }

    fn refused(&mut self, why: String) -> Next {
        self.refusals += 1;
        if self.refusals >= self.setting.limits.refusals_max {
            return self.end("refused", Outcome::Refused { why });
        }
        self.settle(format!("refused: {why}"), Some(format!("refused: {why}")))
    }

    fn came(&mut self, doing: InFlight, came: ActionResult) -> Next {
        let is_api = self.setting.edition >= 3 && matches!(doing.held.deed(), Deed::Api { .. });
        let unanswered = matches!(came, ActionResult::Failed(Fault::TimedOut { .. } | Fault::Nonsense { .. }));
        if !is_api {
            self.timeouts = if unanswered { self.timeouts + 1 } else { 0 };
        }
        let fault = match came {
            ActionResult::Done => {
                self.reassure(&doing);
                self.touched = Some(doing.sight);
                return self.settle("done".to_owned(), None);
            }
            ActionResult::Told { text } => {
                self.reassure(&doing);
                self.answered = true;
                return self.settle("the API answered".to_owned(), Some(format!("the API answered: {text}")));
            }
            // What was taught with this action is to work on what was noted.
            ActionResult::NoApi => {
                if let Deed::Api { instruction } = doing.held.deed()
                    && !self.notes.all().is_empty()
                {
                    return self.recall(&instruction.clone());
                }
                let told = "not done: no API is registered, and nothing has been noted; use the screen".to_owned();
                return self.settle(told.clone(), Some(told));
            }
            ActionResult::Failed(fault) => fault,
        };
        self.launched = None;
        let told = match &fault {
            Fault::TimedOut { tries } if is_api => format!("it may or may not have happened: {tries}"),
            fault => told(fault),
        };
        if is_api && unanswered {
            let action = self.open.as_ref().map_or("", |decided| &decided.action);
            let doubt = Doubt::new(doing.held.deed().clone(), action, &doing.screen, self.setting.edition).unanswered();
            self.doubts.push(doubt.harmless(self.may_repeat(doing.held.deed())));
        }
        match fault {
            Fault::Lost { why } => self.leave(Stage::Acting(doing), "the device is lost", Outcome::DeviceLost { why }),
            _ if !is_api && self.timeouts >= self.setting.limits.timeouts_max => {
                self.leave(Stage::Acting(doing), "the device does not answer", Outcome::DeviceLost { why: told })
            }
            _ => self.settle(told.clone(), Some(told)),
        }
    }

    /// Something was done for certain: if it was doubtful before, it is not any more.
    fn reassure(&mut self, doing: &InFlight) {
        if self.setting.edition < 3 {
            self.doubts.clear();
        }
        self.doubts.retain_mut(|doubt| doubt.outlives(doing.held.deed(), &doing.screen));
    }

    /// The step is over, and another one begins.
    fn settle(&mut self, came: String, remark: Option<String>) -> Next {
        self.close(came);
        self.remarks.extend(remark);
        self.look()
    }

    fn close(&mut self, came: String) {
        if let Some(decided) = self.open.take() {
            self.news.push(Notice::StepOver(StepOver { decided, came }));
        }
    }

    /// Ends where the run can go on later.
    fn leave(&mut self, stage: Stage, came: &str, outcome: Outcome) -> Next {
        self.left = Some((stage, self.open.clone()));
        self.end(came, outcome)
    }

    fn end(&mut self, came: &str, outcome: Outcome) -> Next {
        if outcome.can_go_on() && self.left.is_none() {
            self.left = Some((Stage::Looking, None));
        }
        self.close(came.to_owned());
        self.stage = Stage::Ended;
        Next::End(End { outcome, steps: self.steps, notes: self.notes.all().to_vec() })
    }

    fn remark(&mut self, remark: String) {
        self.remarks.push(remark);
    }
}

/// Whether an action is one that a screen answers to.
fn touches(action: &Action) -> bool {
    match action {
        Action::Launch { .. }
        | Action::Tap { .. }
        | Action::SensitiveTap { .. }
        | Action::Type { .. }
        | Action::TypeName { .. }
        | Action::Swipe { .. }
        | Action::Drag { .. }
        | Action::LongPress { .. }
        | Action::DoubleTap { .. }
        | Action::Back
        | Action::Home => true,
        Action::Interact { .. }
        | Action::Note { .. }
        | Action::CallApi { .. }
        | Action::TakeOver { .. }
        | Action::Wait { .. } => false,
    }
}

/// `Note` was taught with the message `True`: keep what is here.
fn stands_for_the_page(message: &str) -> bool {
    message.trim().is_empty() || message.trim().eq_ignore_ascii_case("true")
}

/// Whether one of an app's names is what it was called, or near it.
fn is_called(app: &str, names: [&String; 2]) -> bool {
    let bare =
        |name: &str| -> String { name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect() };
    let app = bare(app);
    names
        .into_iter()
        .map(|name| bare(name))
        .any(|name| !name.is_empty() && !app.is_empty() && (name.contains(&app) || app.contains(&name)))
}

/// What a fault means for the model.
fn told(fault: &Fault) -> String {
    match fault {
        Fault::Lost { why } => format!("the device is lost: {why}"),
        Fault::TimedOut { tries } => format!("the device did not answer, and it may or may not have happened: {tries}"),
        Fault::Refused { why } => format!("not done: {why}"),
        Fault::NoSuchApp { app, like } if like.is_empty() => format!("there is no app {app:?} on this device"),
        Fault::NoSuchApp { app, like } => format!("there is no app {app:?}; near it: {}", like.join(", ")),
        Fault::Stale => "not done: the display changed in between".to_owned(),
        Fault::Hidden { why } => format!("not done: the screen cannot be seen: {why}"),
        Fault::Nonsense { why } => {
            format!("it may or may not have happened; the device's answer makes no sense: {why}")
        }
    }
}
