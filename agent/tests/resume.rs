//! Runs that go on: what is done again, what is asked, what the model is told, and who may do it.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use common::outside::{Outside, RunStart};
use common::trace::{Trace, last_text};
use common::{api, reply, screen, toys};
use expect_test::{Expect, expect};
use tapwright_agent::episode::{Episode, Setting};
use tapwright_agent::event::{ActionResult, Effect, Event, Fault, Next, ResumeTerms};
use tapwright_agent::journal::{Entry, EventLine, ForkError, Journal, JournalError, Line, Record, ResumeError};
use tapwright_agent::limits::Limits;
use tapwright_agent::outcome::End;
use tapwright_agent::person::{Answer, Person, Question};
use tapwright_agent::policy::{ApiUse, Policy};
use tapwright_contract::Picture;
use tapwright_contract::api::ApiEffect;
use tapwright_contract::device::{Driver, DriverErrorKind, Screen};
use tapwright_contract::model::{Model, ModelErrorKind};
use tempfile::TempDir;

fn setting() -> Setting {
    let apis = vec![api("pay", "pays", ApiEffect::Irreversible), api("weather", "the weather", ApiEffect::Reads)];
    Setting { apis, ..common::setting() }
}

fn screen_event(number: u32) -> Event {
    Event::Saw(screen("Settings", number, 0))
}

fn reply_event(text: &str) -> Event {
    Event::Heard(reply(text))
}

const DONE: Event = Event::Acted(ActionResult::Done);
const BROKE: Event =
    Event::Resumed { begun: true, terms: ResumeTerms { edition: None, policy: None, limits: None, apis: None } };
const BEFORE: Event =
    Event::Resumed { begun: false, terms: ResumeTerms { edition: None, policy: None, limits: None, apis: None } };
const TAP: &str = r#"do(action="Tap", element=[100,200])"#;
const BESIDE: &str = r#"do(action="Tap", element=[120,210])"#;
const PAY: &str = r#"do(action="Tap", element=[100,200], message="pay")"#;
const API: &str = r#"do(action="Call_API", instruction="pay 5 to Anna")"#;
const FINISH: &str = r#"finish(message="ok")"#;

fn check(events: impl IntoIterator<Item = Event>, expected: Expect) {
    check_with(setting(), events, expected);
}

fn check_with(setting: Setting, events: impl IntoIterator<Item = Event>, expected: Expect) {
    expected.assert_eq(&Trace::SHORT.play(setting, events));
}

#[test]
fn what_was_not_begun_is_done_if_the_screen_is_still_the_same() {
    check(
        [screen_event(1), reply_event(TAP), BEFORE, screen_event(1), DONE],
        expect![[r#"
        look
        think {"current_app": "Settings"}
        act {"gesture":{"tap":{"at":{"x":2,"y":8,"of":{"width":20,"height":40}}}}}
        -- broke off before it
        look
        act {"gesture":{"tap":{"at":{"x":2,"y":8,"of":{"width":20,"height":40}}}}}
          1. done
        look
    "#]],
    );
    check(
        [screen_event(1), reply_event(TAP), BEFORE, screen_event(2), reply_event(FINISH)],
        expect![[r#"
        look
        think {"current_app": "Settings"}
        act {"gesture":{"tap":{"at":{"x":2,"y":8,"of":{"width":20,"height":40}}}}}
        -- broke off before it
        look
          1. not done: the run broke off before it, and the screen has changed since
        think {"current_app": "Settings", "last_action": "not done: the run broke off before it, and the screen has changed since"}
          2. finished
        end done
    "#]],
    );
}

#[test]
fn a_touch_that_may_have_happened_is_the_models_to_repeat_where_nothing_has_changed() {
    check(
        [screen_event(1), reply_event(TAP), BROKE, screen_event(1), reply_event(TAP), DONE, screen_event(2)],
        expect![[r#"
        look
        think {"current_app": "Settings"}
        act {"gesture":{"tap":{"at":{"x":2,"y":8,"of":{"width":20,"height":40}}}}}
        -- broke off
          1. the run broke off in the middle of it: it may or may not have happened
        look
        think {"current_app": "Settings", "last_action": "the run broke off in the middle of do(action=\"Tap\", element=[100,200]): this may or may not have happened; the screen looks as it did before it; look before you do it again"}
        act {"gesture":{"tap":{"at":{"x":2,"y":8,"of":{"width":20,"height":40}}}}}
          2. done
        look
        think {"current_app": "Settings"}
    "#]],
    );
}

#[test]
fn where_something_has_changed_a_person_is_asked_before_the_same_touch() {
    check(
        [
            screen_event(1),
            reply_event(TAP),
            BROKE,
            screen_event(2),
            reply_event(BESIDE),
            Event::Answered(Answer::Nobody),
        ],
        expect![[r#"
        look
        think {"current_app": "Settings"}
        act {"gesture":{"tap":{"at":{"x":2,"y":8,"of":{"width":20,"height":40}}}}}
        -- broke off
          1. the run broke off in the middle of it: it may or may not have happened
        look
        think {"current_app": "Settings", "last_action": "the run broke off in the middle of do(action=\"Tap\", element=[100,200]): this may or may not have happened; the screen has changed since; look before you do it again"}
        ask Again { message: "the run broke off in the middle of do(action=\"Tap\", element=[100,200]), and it may have happened" }
          2. needs a person
        end needs-person
    "#]],
    );
}

/// What is under the finger at the place of `TAP` is something else.
fn elsewhere(mut screen: Screen) -> Event {
    let mut rgba = screen.picture.rgba().to_vec();
    rgba[4 * 20 * 4..4 * 20 * 12].fill(90);
    screen.picture = Picture::new(screen.picture.size(), rgba).unwrap();
    Event::Saw(screen)
}

#[test]
fn a_doubt_is_not_over_because_something_else_was_done() {
    let other = || reply_event(r#"do(action="Tap", element=[900,900])"#);
    let words = || reply_event(r#"do(action="Type", text="On my way")"#);
    let broken =
        || [screen_event(1), reply_event(TAP), BROKE, screen_event(2), other(), DONE, screen_event(3), words(), DONE];
    // The same button sends the same message once more; a person's yes ends the doubt.
    let yes = Event::Answered(Answer::Yes);
    check(
        broken().into_iter().chain([
            screen_event(4),
            reply_event(TAP),
            yes,
            screen_event(4),
            DONE,
            screen_event(5),
            reply_event(TAP),
            DONE,
        ]),
        expect![[r#"
            look
            think {"current_app": "Settings"}
            act {"gesture":{"tap":{"at":{"x":2,"y":8,"of":{"width":20,"height":40}}}}}
            -- broke off
              1. the run broke off in the middle of it: it may or may not have happened
            look
            think {"current_app": "Settings", "last_action": "the run broke off in the middle of do(action=\"Tap\", element=[100,200]): this may or may not have happened; the screen has changed since; look before you do it again"}
            act {"gesture":{"tap":{"at":{"x":18,"y":36,"of":{"width":20,"height":40}}}}}
              2. done
            look
            think {"current_app": "Settings"}
            act {"gesture":{"type":{"text":"On my way"}}}
              3. done
            look
            think {"current_app": "Settings"}
            ask Again { message: "the run broke off in the middle of do(action=\"Tap\", element=[100,200]), and it may have happened" }
            look
            act {"gesture":{"tap":{"at":{"x":2,"y":8,"of":{"width":20,"height":40}}}}}
              4. done
            look
            think {"current_app": "Settings"}
            act {"gesture":{"tap":{"at":{"x":2,"y":8,"of":{"width":20,"height":40}}}}}
              5. done
            look
        "#]],
    );
    // By now it is another thing, or another app.
    check(
        broken().into_iter().chain([elsewhere(screen("Settings", 4, 0)), reply_event(TAP), DONE]),
        expect![[r#"
        look
        think {"current_app": "Settings"}
        act {"gesture":{"tap":{"at":{"x":2,"y":8,"of":{"width":20,"height":40}}}}}
        -- broke off
          1. the run broke off in the middle of it: it may or may not have happened
        look
        think {"current_app": "Settings", "last_action": "the run broke off in the middle of do(action=\"Tap\", element=[100,200]): this may or may not have happened; the screen has changed since; look before you do it again"}
        act {"gesture":{"tap":{"at":{"x":18,"y":36,"of":{"width":20,"height":40}}}}}
          2. done
        look
        think {"current_app": "Settings"}
        act {"gesture":{"type":{"text":"On my way"}}}
          3. done
        look
        think {"current_app": "Settings"}
        act {"gesture":{"tap":{"at":{"x":2,"y":8,"of":{"width":20,"height":40}}}}}
          4. done
        look
    "#]],
    );
    check(
        broken().into_iter().chain([Event::Saw(screen("Notes", 4, 0)), reply_event(TAP), DONE]),
        expect![[r#"
        look
        think {"current_app": "Settings"}
        act {"gesture":{"tap":{"at":{"x":2,"y":8,"of":{"width":20,"height":40}}}}}
        -- broke off
          1. the run broke off in the middle of it: it may or may not have happened
        look
        think {"current_app": "Settings", "last_action": "the run broke off in the middle of do(action=\"Tap\", element=[100,200]): this may or may not have happened; the screen has changed since; look before you do it again"}
        act {"gesture":{"tap":{"at":{"x":18,"y":36,"of":{"width":20,"height":40}}}}}
          2. done
        look
        think {"current_app": "Settings"}
        act {"gesture":{"type":{"text":"On my way"}}}
          3. done
        look
        think {"current_app": "Notes"}
        act {"gesture":{"tap":{"at":{"x":2,"y":8,"of":{"width":20,"height":40}}}}}
          4. done
        look
    "#]],
    );
}

/// The phone does not always say what is in front.
#[test]
fn a_doubt_lasts_where_the_app_is_not_known() {
    let nameless = |number| {
        let mut screen = screen("Settings", number, 0);
        screen.front.id.clear();
        Event::Saw(screen)
    };
    for (before, after) in [(nameless(1), screen_event(4)), (screen_event(1), nameless(4)), (nameless(1), nameless(4))]
    {
        let mut episode = Episode::new(setting());
        let other = reply_event(r#"do(action="Tap", element=[900,900])"#);
        let mut next = episode.on(Event::Began);
        for event in [before, reply_event(TAP), BROKE, screen_event(2), other, DONE, after, reply_event(TAP)] {
            next = episode.on(event);
        }
        assert!(matches!(next, Next::Do(Effect::Ask(Question::Again { .. }))), "{next:?}");
    }
}

/// What comes next after a call that broke off, and another one of the same API.
fn after_another_call(setting: Setting, broke: Event) -> Next {
    let mut episode = Episode::new(setting);
    let other = reply_event(r#"do(action="Call_API", instruction="Pay: Anna, 5")"#);
    let mut next = episode.on(Event::Began);
    for event in [screen_event(1), reply_event(API), broke, screen_event(1), other] {
        next = episode.on(event);
    }
    next
}

#[test]
fn a_record_of_the_second_edition_goes_by_its_own_rules() {
    let old = Setting { edition: 2, ..setting() };
    let next = after_another_call(old, BROKE);
    assert!(matches!(next, Next::Do(Effect::Act(_))), "other words were another call: {next:?}");
    let next = after_another_call(setting(), BROKE);
    assert!(matches!(next, Next::Do(Effect::Ask(Question::Again { .. }))), "{next:?}");
}

#[test]
fn a_call_without_an_answer_is_not_made_again_unasked() {
    let silent = || Event::Acted(ActionResult::Failed(Fault::TimedOut { tries: "no answer".to_owned() }));
    let next = after_another_call(setting(), silent());
    let Next::Do(Effect::Ask(Question::Again { message })) = next else { panic!("{next:?}") };
    assert!(message.starts_with("there was no answer to do(action="), "{message}");
    let mut repeatable = setting();
    let pay = ApiUse { repeatable: Some(true), ..ApiUse::default() };
    repeatable.policy.apis.insert("pay".to_owned(), pay);
    let next = after_another_call(repeatable, silent());
    assert!(matches!(next, Next::Do(Effect::Act(_))), "{next:?}");
    let refused = Event::Acted(ActionResult::Failed(Fault::Refused { why: "closed".to_owned() }));
    assert!(matches!(after_another_call(setting(), refused), Next::Do(Effect::Act(_))), "nothing was done");
}

#[test]
fn a_call_in_other_words_is_a_call_of_the_same_api() {
    let same = reply_event(r#"do(action="Call_API", instruction="Pay: Anna, 5")"#);
    let other = reply_event(r#"do(action="Call_API", instruction="weather in Changchun")"#);
    let told = Event::Acted(ActionResult::Told { text: "rain".to_owned() });
    check(
        [
            screen_event(1),
            reply_event(API),
            BROKE,
            screen_event(1),
            other,
            told,
            screen_event(2),
            same,
            Event::Answered(Answer::No),
        ],
        expect![[r#"
            look
            think {"current_app": "Settings"}
            act {"api":{"name":"pay","arguments":{"instruction":"5 to Anna"}}}
            -- broke off
              1. the run broke off in the middle of it: it may or may not have happened
            look
            think {"current_app": "Settings", "last_action": "the run broke off in the middle of do(action=\"Call_API\", instruction=\"pay: 5 to Anna\"): this may or may not have happened; the screen does not tell; look before you do it again"}
            act {"api":{"name":"weather","arguments":{"instruction":"in Changchun"}}}
              2. the API answered
            look
            think {"current_app": "Settings", "last_action": "the API answered: rain"}
            ask Again { message: "the run broke off in the middle of do(action=\"Call_API\", instruction=\"pay: 5 to Anna\"), and it may have happened; now it calls pay: Anna, 5" }
              3. refused: a person said no to this action
            look
        "#]],
    );
}

#[test]
fn text_takes_the_place_of_what_is_there() {
    let text = || reply_event(r#"do(action="Type", text="hi")"#);
    check(
        [screen_event(1), text(), BROKE, screen_event(2), text(), DONE],
        expect![[r#"
        look
        think {"current_app": "Settings"}
        act {"gesture":{"type":{"text":"hi"}}}
        -- broke off
          1. the run broke off in the middle of it: it may or may not have happened
        look
        think {"current_app": "Settings", "last_action": "the run broke off in the middle of do(action=\"Type\", text=\"hi\"): this may or may not have happened; the screen has changed since; look before you do it again"}
        act {"gesture":{"type":{"text":"hi"}}}
          2. done
        look
    "#]],
    );
}

#[test]
fn no_screen_tells_whether_an_api_was_called() {
    check(
        [
            screen_event(1),
            reply_event(API),
            BROKE,
            screen_event(1),
            reply_event(API),
            Event::Answered(Answer::Yes),
            screen_event(1),
        ],
        expect![[r#"
            look
            think {"current_app": "Settings"}
            act {"api":{"name":"pay","arguments":{"instruction":"5 to Anna"}}}
            -- broke off
              1. the run broke off in the middle of it: it may or may not have happened
            look
            think {"current_app": "Settings", "last_action": "the run broke off in the middle of do(action=\"Call_API\", instruction=\"pay: 5 to Anna\"): this may or may not have happened; the screen does not tell; look before you do it again"}
            ask Again { message: "the run broke off in the middle of do(action=\"Call_API\", instruction=\"pay: 5 to Anna\"), and it may have happened" }
            look
            act {"api":{"name":"pay","arguments":{"instruction":"5 to Anna"}}}
        "#]],
    );
}

#[test]
fn a_person_is_asked_again_when_somebody_is_there() {
    let nobody = || Event::Answered(Answer::Nobody);
    check(
        [screen_event(1), reply_event(PAY), nobody(), BROKE, Event::Answered(Answer::Yes), screen_event(1), DONE],
        expect![[r#"
            look
            think {"current_app": "Settings"}
            ask Confirm { message: "pay", at: Spot { x: 2, y: 8, of: Size { width: 20, height: 40 } }, target: None, page: None, asker: Model }
              1. needs a person
            end needs-person
            -- broke off
            ask Confirm { message: "pay", at: Spot { x: 2, y: 8, of: Size { width: 20, height: 40 } }, target: None, page: None, asker: Model }
            look
            act {"gesture":{"tap":{"at":{"x":2,"y":8,"of":{"width":20,"height":40}}}}}
              1. done
            look
        "#]],
    );
    check(
        [screen_event(1), reply_event(PAY), Event::Answered(Answer::Yes), BEFORE, Event::Answered(Answer::No)],
        expect![[r#"
            look
            think {"current_app": "Settings"}
            ask Confirm { message: "pay", at: Spot { x: 2, y: 8, of: Size { width: 20, height: 40 } }, target: None, page: None, asker: Model }
            look
            -- broke off before it
            ask Confirm { message: "pay", at: Spot { x: 2, y: 8, of: Size { width: 20, height: 40 } }, target: None, page: None, asker: Model }
              1. refused: a person said no to this action
            look
        "#]],
    );
    let take_over = || reply_event(r#"do(action="Take_over", message="log in")"#);
    check(
        [screen_event(1), take_over(), nobody(), BROKE, Event::Answered(Answer::Done), screen_event(2)],
        expect![[r#"
        look
        think {"current_app": "Settings"}
        ask TakeOver { message: "log in" }
          1. needs a person
        end needs-person
        -- broke off
        ask TakeOver { message: "log in" }
          1. a person has done this
        look
        think {"current_app": "Settings", "last_action": "a person has done this"}
    "#]],
    );
}

#[test]
fn what_was_only_judged_or_summed_up_is_not_lost_from_sight() {
    let note = || reply_event(r#"do(action="Note", message="True")"#);
    check(
        [screen_event(1), note(), BROKE, screen_event(1)],
        expect![[r#"
        look
        think {"current_app": "Settings"}
        read
        -- broke off
          1. not done: the run broke off before it
        look
        think {"current_app": "Settings", "last_action": "not done: the run broke off before it"}
    "#]],
    );
    check(
        [screen_event(1), note(), Event::Stopped, BROKE, screen_event(1)],
        expect![[r#"
        look
        think {"current_app": "Settings"}
        read
          1. stopped
        end stopped
        -- broke off
          1. not done: the run broke off before it
        look
        think {"current_app": "Settings", "last_action": "not done: the run broke off before it"}
    "#]],
    );
    let mut sums = setting();
    sums.profile.summaries = true;
    sums.limits.result_bytes = 8;
    sums.limits.remark_bytes = 8;
    let keep = || reply_event(r#"do(action="Note", message="a long note on trains")"#);
    let recall = || reply_event(r#"do(action="Call_API", instruction="sum up my notes")"#);
    check_with(
        sums,
        [screen_event(1), keep(), screen_event(1), recall(), BROKE, screen_event(1)],
        expect![[r#"
        look
        think {"current_app": "Settings"}
          1. noted
        look
        think {"current_app": "Settings"}
        think your notes: 1. a long note on trains
        -- broke off
          2. notes recalled
        look
        think {"current_app": "Settings", "last_action": "your not"}
    "#]],
    );
}

#[test]
fn a_run_that_does_not_get_on_asks_for_help_once_more() {
    let mut asks = setting();
    asks.policy.asks_when_stuck = true;
    asks.limits.repeats_max = 2;
    check_with(
        asks,
        [
            screen_event(1),
            reply_event(TAP),
            DONE,
            screen_event(1),
            reply_event(TAP),
            BROKE,
            Event::Answered(Answer::Done),
            screen_event(2),
        ],
        expect![[r#"
            look
            think {"current_app": "Settings"}
            act {"gesture":{"tap":{"at":{"x":2,"y":8,"of":{"width":20,"height":40}}}}}
              1. done
            look
            think {"current_app": "Settings"}
            ask TakeOver { message: "the run does not get on: the same action 2 times on the same screen" }
            -- broke off
            ask TakeOver { message: "the run does not get on: the same action 2 times on the same screen" }
              2. the same action 2 times on the same screen; a person has helped; look at the screen anew
            look
            think {"current_app": "Settings", "last_action": "a person has helped; look at the screen anew"}
        "#]],
    );
}

#[test]
fn ends_that_need_not_be_the_last() {
    let lost = || Event::Acted(ActionResult::Failed(Fault::Lost { why: "unplugged".to_owned() }));
    check(
        [screen_event(1), reply_event(TAP), lost(), BROKE, screen_event(2), reply_event(TAP)],
        expect![[r#"
        look
        think {"current_app": "Settings"}
        act {"gesture":{"tap":{"at":{"x":2,"y":8,"of":{"width":20,"height":40}}}}}
          1. the device is lost
        end device-lost
        -- broke off
          1. the run broke off in the middle of it: it may or may not have happened
        look
        think {"current_app": "Settings", "last_action": "the run broke off in the middle of do(action=\"Tap\", element=[100,200]): this may or may not have happened; the screen has changed since; look before you do it again"}
        ask Again { message: "the run broke off in the middle of do(action=\"Tap\", element=[100,200]), and it may have happened" }
    "#]],
    );
    check(
        [screen_event(1), Event::Stopped, BROKE, screen_event(1), reply_event(FINISH)],
        expect![[r#"
        look
        think {"current_app": "Settings"}
        end stopped
        -- broke off
        look
        think {"current_app": "Settings"}
          1. finished
        end done
    "#]],
    );
    check(
        [
            screen_event(1),
            reply_event(TAP),
            Event::Stopped,
            BROKE,
            screen_event(1),
            Event::Stopped,
            BROKE,
            screen_event(1),
        ],
        expect![[r#"
        look
        think {"current_app": "Settings"}
        act {"gesture":{"tap":{"at":{"x":2,"y":8,"of":{"width":20,"height":40}}}}}
          1. stopped
        end stopped
        -- broke off
          1. the run broke off in the middle of it: it may or may not have happened
        look
        think {"current_app": "Settings", "last_action": "the run broke off in the middle of do(action=\"Tap\", element=[100,200]): this may or may not have happened; the screen looks as it did before it; look before you do it again"}
        end stopped
        -- broke off
        look
        think {"current_app": "Settings", "last_action": "the run broke off in the middle of do(action=\"Tap\", element=[100,200]): this may or may not have happened; the screen looks as it did before it; look before you do it again"}
    "#]],
    );
    check(
        [
            screen_event(1),
            reply_event("a"),
            screen_event(1),
            reply_event("b"),
            screen_event(1),
            reply_event("c"),
            BROKE,
            screen_event(1),
        ],
        expect![[r#"
        look
        think {"current_app": "Settings"}
          1. unclear: the reply has no action; write one action after the thought, for example do(action="Tap", element=[500,500]) or finish(message="…")
        look
        think {"current_app": "Settings", "last_action": "the reply has no action; write one action after the thought, for example do(action=\"Tap\", element=[500,500]) or finish(message=\"…\")"}
          2. unclear: the reply has no action; write one action after the thought, for example do(action="Tap", element=[500,500]) or finish(message="…")
        look
        think {"current_app": "Settings", "last_action": "the reply has no action; write one action after the thought, for example do(action=\"Tap\", element=[500,500]) or finish(message=\"…\")"}
          3. unclear
        end model-failed
        -- broke off
        look
        think {"current_app": "Settings"}
    "#]],
    );
}

#[test]
#[should_panic(expected = "only a run that can go on")]
fn an_end_that_says_something_of_the_goal_is_the_last() {
    check([screen_event(1), reply_event(FINISH), BROKE], expect![""]);
}

/// A phone, a model and a person in one, that break off where they are told to.
#[derive(Clone, Default)]
struct World(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    number: u32,
    replies: Vec<&'static str>,
    told: Vec<String>,
    asked: u32,
    lost: bool,
    /// How long each of them was given, by what it was asked for.
    given: BTreeSet<(&'static str, Duration)>,
}

#[async_trait]
impl Person for World {
    async fn ask(&mut self, _question: &Question, screen: Option<&Screen>) -> Answer {
        assert!(screen.is_some(), "a person is shown what the model saw, also after a break");
        self.state().asked += 1;
        Answer::Yes
    }
}

impl World {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn device(&self) -> impl Driver + 'static {
        let (seen, touched) = (self.clone(), self.clone());
        toys::device(
            move |within| {
                let mut state = seen.state();
                state.given.insert(("look", within));
                screen("App", state.number, 0)
            },
            move |_, within| {
                let mut state = touched.state();
                state.given.insert(("act", within));
                state.number += 1;
                if state.lost { Err(DriverErrorKind::Lost { why: "unplugged".to_owned() }) } else { Ok(()) }
            },
        )
    }

    fn model(&self) -> impl Model + 'static {
        let world = self.clone();
        toys::model(move |prompt, within| {
            let mut state = world.state();
            state.given.insert(("think", within));
            state.told.push(last_text(prompt).lines().last().unwrap().to_owned());
            if state.replies.is_empty() {
                return Err(ModelErrorKind::Fatal { why: "at its end".to_owned() });
            }
            Ok(reply(state.replies.remove(0)))
        })
    }

    /// The device and the model, and nobody to ask.
    fn outside(&self) -> Outside {
        Outside::new(self.device(), self.model())
    }

    /// The same with somebody who says yes.
    fn outside_with_person(&self) -> Outside {
        Outside { person: Box::new(self.clone()), ..self.outside() }
    }
}

/// A world, and a folder for its run, which is called `one`.
fn world_and_runs() -> (World, TempDir, PathBuf) {
    let runs = tempfile::tempdir().unwrap();
    let folder = runs.path().join("one");
    (World::default(), runs, folder)
}

fn begin(world: &World, runs: &Path, replies: &[&'static str]) -> End {
    world.state().replies = replies.to_vec();
    let mut journal = Journal::create(runs, "one").unwrap();
    world.outside().run(RunStart::beginning(setting()), &mut journal)
}

fn go_on(world: &World, folder: &Path, replies: &[&'static str]) -> Result<End, ResumeError> {
    world.state().replies = replies.to_vec();
    let (mut journal, record, stand) = Journal::resume(folder)?;
    let from = RunStart::resuming(stand, record.facts.setting.limits);
    Ok(world.outside_with_person().run(from, &mut journal))
}

#[test]
fn a_run_that_goes_on_under_a_stricter_policy_is_judged_by_it_from_then_on() {
    let (world, runs, folder) = world_and_runs();
    assert_eq!(begin(&world, runs.path(), &[TAP]).outcome.id(), "model-failed");
    world.state().number = 0;
    // As if it had been killed when the tap was let through, and not made yet.
    let journal = fs::read_to_string(folder.join("journal.jsonl")).unwrap();
    let before = journal.find("\n{\"seq\":7").unwrap() + 1;
    assert!(journal[before..].lines().next().unwrap().contains("\"act\""), "{journal}");
    fs::write(folder.join("journal.jsonl"), &journal[..before]).unwrap();
    world.state().replies = vec![TAP, TAP, TAP, TAP];
    let (mut journal, record, mut stand) = Journal::resume(&folder).unwrap();
    let policy = Policy { apps_forbidden: vec!["App".to_owned()], ..common::trusting() };
    stand.restrict(record.facts.setting.policy.stricter(&policy));
    let outside = world.outside_with_person();
    let end = outside.run(RunStart::resuming(stand, record.facts.setting.limits), &mut journal);
    assert_eq!(end.outcome.id(), "refused");
    drop(journal);
    assert_eq!(world.state().number, 0, "nothing was touched");
    Record::read(&folder).unwrap().replay(|_, _| ()).unwrap();
}

/// Whoever goes on with a record that somebody sent may hand over the limits that stand in it: the lower ones hold for the device and the
/// model as they do for the loop.
#[test]
fn a_run_that_goes_on_under_lower_limits_gives_nobody_more_time() {
    let (world, runs, folder) = world_and_runs();
    assert_eq!(begin(&world, runs.path(), &[TAP]).outcome.id(), "model-failed");
    let (mut journal, record, mut stand) = Journal::resume(&folder).unwrap();
    let theirs = record.facts.setting.limits;
    let seconds = Duration::from_secs;
    // What is higher than theirs does not count.
    let own = Limits { look: seconds(1), act: seconds(2), think: theirs.think * 2, ..theirs.clone() };
    stand.limit(theirs.lower(&own));
    {
        let mut state = world.state();
        state.given.clear();
        state.replies = vec![BESIDE, FINISH];
    }
    let outside = world.outside_with_person();
    let end = outside.run(RunStart::resuming(stand, theirs.clone()), &mut journal);
    assert_eq!(end.outcome.id(), "done");
    let given = std::mem::take(&mut world.state().given);
    assert_eq!(given, [("look", seconds(1)), ("act", seconds(2)), ("think", theirs.think)].into());
}

/// What another policy let through is not done, and nobody is asked about it: the model may want it again.
#[test]
fn what_was_let_through_before_is_not_begun_under_a_stricter_policy() {
    let stricter = || {
        let policy = Policy { apps_forbidden: vec!["Settings".to_owned()], ..setting().policy };
        ResumeTerms { policy: Some(Box::new(policy)), ..ResumeTerms::default() }
    };
    for (events, begun) in [
        (vec![screen_event(1), reply_event(PAY)], true),
        (vec![screen_event(1), reply_event(PAY)], false),
        (vec![screen_event(1), reply_event(PAY), Event::Answered(Answer::Yes)], true),
        (vec![screen_event(1), reply_event(TAP)], false),
    ] {
        let mut episode = Episode::new(setting());
        for event in [Event::Began].into_iter().chain(events.clone()) {
            episode.on(event);
        }
        let next = episode.on(Event::Resumed { begun, terms: stricter() });
        assert_eq!(next, Next::Do(Effect::Look), "{events:?}");
        let told = match episode.on(screen_event(1)) {
            Next::Do(Effect::Think(prompt)) => format!("{prompt:?}"),
            next => panic!("{events:?}: {next:?}"),
        };
        assert!(told.contains("the run broke off before it, and goes on under a stricter policy"), "{told}");
        assert!(!matches!(episode.on(reply_event(TAP)), Next::Do(Effect::Act(_) | Effect::Ask(_))), "{events:?}");
    }
}

#[test]
fn a_run_goes_on_after_each_of_its_ends() {
    let (world, runs, folder) = world_and_runs();
    world.state().lost = true;
    assert_eq!(begin(&world, runs.path(), &[TAP]).outcome.id(), "device-lost");
    world.state().lost = false;
    let told = "may or may not have happened; the screen has changed since";
    assert_eq!(go_on(&world, &folder, &[]).unwrap().outcome.id(), "model-failed");
    assert!(world.state().told.pop().unwrap().contains(told));
    // What it was not told it is told now; and doing the same again is a person's to allow.
    assert_eq!(go_on(&world, &folder, &[TAP, FINISH]).unwrap().outcome.id(), "done");
    assert!(world.state().told[1].contains(told));
    let state = world.state();
    assert_eq!((state.number, state.asked), (2, 1));
    let record = Record::read(&folder).unwrap();
    record.replay(|_, _| ()).unwrap();
    assert_eq!(record.steps(), 3);
    assert!(record.entries.windows(2).all(|pair| pair[0].ms <= pair[1].ms));
}

#[test]
fn a_run_that_has_ended_stays_so_and_one_that_goes_on_is_its_process_alone() {
    let (world, runs, folder) = world_and_runs();
    assert_eq!(begin(&world, runs.path(), &[FINISH]).outcome.id(), "done");
    let (_journal, _, stand) = Journal::resume(&folder).unwrap();
    assert!(!stand.end().unwrap().outcome.can_go_on());
    assert!(matches!(Journal::resume(&folder), Err(ResumeError::Journal(JournalError::Busy { .. }))));
    assert!(Record::read(&folder).is_ok(), "who only reads needs no lock");
    let begun = Journal::create(runs.path(), "two").unwrap();
    let busy = Journal::resume(&runs.path().join("two"));
    assert!(matches!(busy, Err(ResumeError::Journal(JournalError::Busy { .. }))));
    drop(begun);
    assert!(matches!(Journal::resume(&runs.path().join("two")), Err(ResumeError::Record(_))), "it has no line yet");
    assert!(matches!(Journal::resume(&runs.path().join("three")), Err(ResumeError::Record(_))));
}

/// Makes the journal of this version that is kept as an example: `cargo test --test resume -- --ignored the_example`.
#[test]
#[ignore = "writes into the source tree, once a version"]
fn the_example() {
    let journals = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/journals");
    let (world, runs, folder) = world_and_runs();
    world.state().lost = true;
    begin(&world, runs.path(), &[TAP]);
    world.state().lost = false;
    assert_eq!(go_on(&world, &folder, &[TAP, FINISH]).unwrap().outcome.id(), "done");
    let kept = journals.join(tapwright_agent::journal::VERSION.to_string());
    assert!(!kept.exists(), "what is kept stays as it is");
    fs::rename(folder, kept).unwrap();
}

/// Wherever a journal breaks off, the run goes on and comes to the same end, and what was done stays on record.
#[test]
fn a_journal_that_breaks_off_anywhere() {
    let (whole, runs, folder) = world_and_runs();
    const GOOD: [&str; 4] = [TAP, PAY, "do(action=\"Note\", message=\"20 °C\")", FINISH];
    whole.state().replies = GOOD.to_vec();
    {
        let mut journal = Journal::create(runs.path(), "one").unwrap();
        let outside = whole.outside_with_person();
        assert_eq!(outside.run(RunStart::beginning(setting()), &mut journal).outcome.id(), "done");
    }
    let at = folder.join("journal.jsonl");
    let bytes = fs::read(&at).unwrap();
    let entries = Record::read(&folder).unwrap().entries;
    let ends: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] == b'\n').map(|at| at + 1).collect();
    for (line, end) in ends.iter().enumerate() {
        for torn in [0, 7] {
            let length = (end + torn).min(bytes.len());
            fs::write(&at, &bytes[..length]).unwrap();
            let world = World::default();
            // The device is as it was when the last line was written, or one gesture further.
            let acted = |entries: &[Entry], word| {
                entries.iter().filter(|entry| serde_json::to_string(&entry.line).unwrap().starts_with(word)).count()
            };
            let written = &entries[..=line];
            let heard = acted(written, "{\"event\":{\"heard\"");
            let intents = acted(written, "{\"effect\":{\"act\"");
            let done = acted(written, "{\"event\":{\"acted\"");
            for happened in done..=intents {
                fs::write(&at, &bytes[..length]).unwrap();
                world.state().number = happened as u32;
                let mut left = GOOD[heard..].to_vec();
                if intents > done && happened == done {
                    left.insert(0, GOOD[heard - 1]); // The screen is as it was before: the model does it again.
                }
                let end = go_on_or_end(&world, &folder, &left);
                assert_eq!((end.outcome.id(), end.notes.len()), ("done", 1), "line {line}");
                assert_eq!(world.state().number, 2, "line {line}, {happened} happened: twice, or never");
                let record = Record::read(&folder).unwrap();
                assert_eq!(record.entries[..written.len()], *written);
                record.replay(|_, _| ()).unwrap_or_else(|error| panic!("line {line}: {error}"));
            }
        }
    }
}

fn go_on_or_end(world: &World, folder: &Path, replies: &[&'static str]) -> End {
    let record = Record::read(folder).unwrap();
    match record.end() {
        Some(end) if !end.outcome.can_go_on() => end.clone(),
        _ => go_on(world, folder, replies).unwrap(),
    }
}

#[test]
fn what_was_seen_last_and_is_not_on_the_disk_is_seen_again() {
    let (world, runs, folder) = world_and_runs();
    begin(&world, runs.path(), &[TAP, FINISH]);
    let at = folder.join("journal.jsonl");
    let text = fs::read_to_string(&at).unwrap();
    let record = Record::read(&folder).unwrap();
    let digests: Vec<String> = record
        .entries
        .iter()
        .filter_map(|entry| match &entry.line {
            Line::Event(EventLine::Saw { picture, .. }) => Some(picture.clone()),
            _ => None,
        })
        .collect();
    // Power is lost after the second look: its line is there, and its picture is not.
    let second = text.lines().position(|line| line.contains(&digests[1])).unwrap();
    let kept: String = text.lines().take(second + 1).map(|line| format!("{line}\n")).collect();
    fs::write(&at, &kept).unwrap();
    let file = record.picture_file(&digests[1]);
    fs::write(&file, "").unwrap();
    assert_eq!(go_on(&world, &folder, &[FINISH]).unwrap().outcome.id(), "done");
    // The picture of the first look was on the disk before the tap. Without it nobody can tell.
    fs::write(&at, &kept).unwrap();
    fs::remove_file(record.picture_file(&digests[0])).unwrap();
    assert!(matches!(go_on(&world, &folder, &[FINISH]), Err(ResumeError::Replay(_))));
}

#[test]
fn a_fork_begins_with_the_first_steps_of_another_run() {
    let (world, runs, folder) = world_and_runs();
    begin(&world, runs.path(), &[TAP, "do(action=\"Note\", message=\"a\")", "do(action=\"Back\")", FINISH]);
    let record = Record::read(&folder).unwrap();
    for steps in 0..4 {
        let name = format!("fork{steps}");
        let (mut journal, stand) = Journal::fork(&record, steps, runs.path(), &name, 77).unwrap();
        let world = World::default();
        world.state().replies = vec![FINISH];
        let end = world.outside().run(RunStart::resuming(stand, record.facts.setting.limits.clone()), &mut journal);
        assert_eq!((end.steps, end.notes.len()), (steps + 1, usize::from(steps >= 2)));
        let fork = Record::read(&runs.path().join(&name)).unwrap();
        fork.replay(|_, _| ()).unwrap();
        let forked = fork.facts.forked.as_ref().unwrap();
        assert_eq!((forked.run.as_str(), forked.steps, fork.facts.started), ("one", steps, 77));
        assert_eq!(fork.entries[1], record.entries[1]);
    }
    let fork = |steps| Journal::fork(&record, steps, runs.path(), "none", 0).map(drop);
    assert!(matches!(fork(4), Err(ForkError::Ended { steps: 4, .. })));
    assert!(matches!(fork(5), Err(ForkError::NoSuchStep { steps: 5, has: 4, .. })));
    assert!(!runs.path().join("none").exists());
}

#[test]
fn an_api_that_may_be_called_twice_is() {
    let mut setting = setting();
    let api = ApiUse { repeatable: Some(true), ..ApiUse::default() };
    setting.policy.apis.insert("pay".to_owned(), api);
    check_with(
        setting,
        [screen_event(1), reply_event(API), BROKE, screen_event(1), reply_event(API)],
        expect![[r#"
            look
            think {"current_app": "Settings"}
            act {"api":{"name":"pay","arguments":{"instruction":"5 to Anna"}}}
            -- broke off
              1. the run broke off in the middle of it: it may or may not have happened
            look
            think {"current_app": "Settings", "last_action": "the run broke off in the middle of do(action=\"Call_API\", instruction=\"pay: 5 to Anna\"): this may or may not have happened; the screen does not tell; look before you do it again"}
            act {"api":{"name":"pay","arguments":{"instruction":"5 to Anna"}}}
        "#]],
    );
}
