//! The step loop, event by event: what it asks for next, what it tells the model, and how it ends.

mod common;

use std::collections::BTreeMap;

use common::trace::Trace;
use common::{api, reply, screen, setting};
use expect_test::{Expect, expect};
use tapwright_agent::episode::{Episode, Setting};
use tapwright_agent::event::{ActionResult, Effect, Event, Fault, Next, NoReply};
use tapwright_agent::person::Answer;
use tapwright_agent::policy::{ApiUse, Permission};
use tapwright_contract::api::ApiEffect;
use tapwright_contract::gesture::Abilities;
use tapwright_contract::model::{Part, Prompt, Reply};

fn screen_event(number: u32) -> Event {
    Event::Saw(screen("Settings", number, 0))
}

fn reply_event(text: &str) -> Event {
    Event::Heard(reply(text))
}

fn failure_event(fault: Fault) -> Event {
    Event::Acted(ActionResult::Failed(fault))
}

fn silent(may_pass: bool) -> Event {
    Event::Silent(NoReply { why: "m: no".to_owned(), may_pass, retry_after_ms: None })
}

const DONE: Event = Event::Acted(ActionResult::Done);
const TAP: &str = r#"do(action="Tap", element=[100,200])"#;
const BACK: &str = r#"do(action="Back")"#;

fn hidden_event() -> Event {
    Event::Unseen(Fault::Hidden { why: "it is locked".to_owned() })
}

fn timed_out() -> Fault {
    Fault::TimedOut { tries: "5 s".to_owned() }
}

/// What the model is told last, and how long the prompt is.
fn last_turn(prompt: &Prompt) -> String {
    let last = prompt.turns.last().expect("a prompt has turns");
    let pictures = prompt.turns.iter().flat_map(|turn| &turn.parts).filter(|part| matches!(part, Part::Picture(_)));
    assert_eq!(pictures.count(), 1, "exactly one picture");
    match &last.parts[..] {
        [Part::Picture(_), Part::Text(text)] => format!("{} turns: {:?}", prompt.turns.len(), text),
        parts => panic!("a picture and then a text, and not {parts:?}"),
    }
}

fn check_with(setting: Setting, events: impl IntoIterator<Item = Event>, expected: Expect) {
    let trace = Trace {
        prompt: |prompt| format!("think {}\n", last_turn(prompt)),
        deed: |deed| format!("{deed:?}"),
        end: |end| serde_json::to_string(end).unwrap(),
        ..Trace::SHORT
    };
    expected.assert_eq(&trace.play(setting, events));
}

fn check(events: impl IntoIterator<Item = Event>, expected: Expect) {
    check_with(setting(), events, expected);
}

#[test]
fn a_good_run() {
    check(
        [
            screen_event(1),
            reply_event("<think>Off.</think><answer>do(action=\"Tap\", element=[500,500])"),
            DONE,
            screen_event(2),
            reply_event("<think>On.</think><answer>finish(message=\"It is on.\")"),
        ],
        expect![[r#"
            look
            think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
            act Gesture(Tap { at: Spot { x: 10, y: 20, of: Size { width: 20, height: 40 } } })
              1. done
            look
            think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\"}"
              2. finished
            {"outcome":"done","message":"It is on.","steps":2,"notes":[]}
        "#]],
    );
}

#[test]
fn a_model_that_gives_up() {
    check(
        [screen_event(1), reply_event(r#"finish(message="no such switch", status="infeasible")"#)],
        expect![[r#"
        look
        think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
          1. gave up
        {"outcome":"gave-up","message":"no such switch","steps":1,"notes":[]}
    "#]],
    );
}

#[test]
fn unreadable_replies_are_never_a_finish() {
    check(
        [
            screen_event(1),
            reply_event("I am done."),
            screen_event(1),
            reply_event(BACK),
            DONE,
            screen_event(2),
            reply_event("?"),
            screen_event(2),
        ],
        expect![[r#"
        look
        think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
          1. unclear: the reply has no action; write one action after the thought, for example do(action="Tap", element=[500,500]) or finish(message="…")
        look
        think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\", \"last_action\": \"the reply has no action; write one action after the thought, for example do(action=\\\"Tap\\\", element=[500,500]) or finish(message=\\\"…\\\")\"}"
        act Gesture(Press { key: Back })
          2. done
        look
        think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\"}"
          3. unclear: the reply has no action; write one action after the thought, for example do(action="Tap", element=[500,500]) or finish(message="…")
        look
        think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\", \"last_action\": \"the reply has no action; write one action after the thought, for example do(action=\\\"Tap\\\", element=[500,500]) or finish(message=\\\"…\\\")\"}"
    "#]],
    );
    check(
        [
            screen_event(1),
            reply_event("a"),
            screen_event(1),
            reply_event("b"),
            screen_event(1),
            reply_event("do(action=\"Fly\")"),
        ],
        expect![[r#"
        look
        think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
          1. unclear: the reply has no action; write one action after the thought, for example do(action="Tap", element=[500,500]) or finish(message="…")
        look
        think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\", \"last_action\": \"the reply has no action; write one action after the thought, for example do(action=\\\"Tap\\\", element=[500,500]) or finish(message=\\\"…\\\")\"}"
          2. unclear: the reply has no action; write one action after the thought, for example do(action="Tap", element=[500,500]) or finish(message="…")
        look
        think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\", \"last_action\": \"the reply has no action; write one action after the thought, for example do(action=\\\"Tap\\\", element=[500,500]) or finish(message=\\\"…\\\")\"}"
          3. unclear
        {"outcome":"model-failed","why":"3 replies in a row could not be read; the last one: there is no action \"Fly\"; write one of: Launch, Tap, Type, Type_Name, Interact, Swipe, Drag, Note, Call_API, Long Press, Double Tap, Take_over, Back, Home, Wait","steps":3,"notes":[]}
    "#]],
    );
}

#[test]
fn only_the_first_of_several_calls_is_done() {
    check(
        [screen_event(1), reply_event(&format!("{BACK}\n{TAP}")), DONE, screen_event(2)],
        expect![[r#"
        look
        think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
        act Gesture(Press { key: Back })
          1. done
        look
        think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\", \"last_action\": \"only the first of your actions was done; write one action a turn\"}"
    "#]],
    );
}

#[test]
fn a_reply_that_was_cut_off() {
    let cut = Reply { cut: true, ..reply("<think>Long ago") };
    check(
        [screen_event(1), Event::Heard(cut), screen_event(1)],
        expect![[r#"
        look
        think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
          1. unclear: the reply was too long and was cut off before its action; think in one short sentence, then write one action
        look
        think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\", \"last_action\": \"the reply was too long and was cut off before its action; think in one short sentence, then write one action\"}"
    "#]],
    );
    let long = format!("{}{TAP}", "x".repeat(10_000));
    check(
        [screen_event(1), reply_event(&long), screen_event(1)],
        expect![[r#"
        look
        think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
          1. unclear: the reply was too long and was cut off before its action; think in one short sentence, then write one action
        look
        think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\", \"last_action\": \"the reply was too long and was cut off before its action; think in one short sentence, then write one action\"}"
    "#]],
    );
}

/// What is counted in a row begins anew with a success.
#[test]
fn a_success_makes_up_for_failures() {
    fn goes_on(events: &[Event]) {
        let mut episode = Episode::new(setting());
        episode.on(Event::Began);
        for round in 0..3 {
            for event in events {
                let next = episode.on(event.clone());
                assert!(matches!(next, Next::Do(_)), "round {round}, after {event:?}: {next:?}");
            }
        }
    }
    let launch = || reply_event(r#"do(action="Launch", app="Notes")"#);
    let late = || Event::Unseen(timed_out());
    goes_on(&[
        screen_event(1),
        reply_event("?"),
        screen_event(1),
        reply_event("?"),
        screen_event(1),
        reply_event(BACK),
        DONE,
    ]);
    goes_on(&[
        screen_event(1),
        silent(true),
        Event::Rested,
        screen_event(1),
        silent(true),
        Event::Rested,
        screen_event(1),
        reply_event(BACK),
        DONE,
    ]);
    goes_on(&[late(), Event::Rested, late(), Event::Rested, screen_event(1), reply_event(BACK), DONE]);
    goes_on(&[
        screen_event(1),
        reply_event(TAP),
        failure_event(timed_out()),
        screen_event(2),
        reply_event(BACK),
        failure_event(timed_out()),
        screen_event(3),
        launch(),
        DONE,
    ]);
}

#[test]
fn steps_run_out() {
    let mut setting = setting();
    setting.limits.steps_max = 2;
    check_with(
        setting,
        [screen_event(1), reply_event(TAP), DONE, screen_event(2), reply_event(BACK), DONE],
        expect![[r#"
        look
        think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
        act Gesture(Tap { at: Spot { x: 2, y: 8, of: Size { width: 20, height: 40 } } })
          1. done
        look
        think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\"}"
        act Gesture(Press { key: Back })
          2. done
        {"outcome":"out-of-steps","steps":2,"notes":[]}
    "#]],
    );
}

#[test]
fn the_model_is_told_what_came_of_it() {
    let launch = r#"do(action="Launch", app="Wifi")"#;
    let like = vec!["Wi-Fi".to_owned(), "Files".to_owned()];
    check_with(
        Setting { apis: vec![api("weather", "the weather", ApiEffect::Reads)], ..setting() },
        [
            screen_event(1),
            reply_event(launch),
            failure_event(Fault::NoSuchApp { app: "Wifi".to_owned(), like }),
            screen_event(1),
            reply_event(TAP),
            failure_event(Fault::Refused { why: "no such key".to_owned() }),
            screen_event(1),
            reply_event(BACK),
            failure_event(Fault::Stale),
            screen_event(1),
            reply_event(r#"do(action="Call_API", instruction="weather")"#),
            Event::Acted(ActionResult::Told { text: "rain".to_owned() }),
            screen_event(1),
        ],
        expect![[r#"
            look
            think 1 turns: "Turn Wi-Fi on\n\nCall_API can do this, with an instruction that begins with the name:\n- weather: the weather\n\n{\"current_app\": \"Settings\"}"
            act Gesture(Launch { app: "Wifi" })
              1. there is no app "Wifi"; near it: Wi-Fi, Files
            look
            think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\", \"last_action\": \"there is no app \\\"Wifi\\\"; near it: Wi-Fi, Files\"}"
            act Gesture(Tap { at: Spot { x: 2, y: 8, of: Size { width: 20, height: 40 } } })
              2. not done: no such key
            look
            think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\", \"last_action\": \"not done: no such key\"}"
            act Gesture(Press { key: Back })
              3. not done: the display changed in between
            look
            think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\", \"last_action\": \"not done: the display changed in between\"}"
            act Api(ApiCall { name: "weather", arguments: Object {"instruction": String("")} })
              4. the API answered
            look
            think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\", \"last_action\": \"the API answered: rain\"}"
        "#]],
    );
}

fn with_apis(leave: Permission) -> Setting {
    let mut setting = setting();
    setting.apis =
        vec![api("mail", "writes to me", ApiEffect::LeavesTheDevice), api("notes", "my notebook", ApiEffect::Changes)];
    let said = |permission| ApiUse { permission: Some(permission), ..ApiUse::default() };
    setting.policy.apis =
        BTreeMap::from([("mail".to_owned(), said(leave)), ("notes".to_owned(), said(Permission::Allow))]);
    setting
}

const MAIL: &str = r#"do(action="Call_API", instruction="mail: I am late")"#;

#[test]
fn apis_are_told_with_the_goal_and_judged_by_name() {
    check_with(
        with_apis(Permission::Ask),
        [
            screen_event(1),
            reply_event(MAIL),
            Event::Answered(Answer::No),
            screen_event(1),
            reply_event(r#"do(action="Call_API", instruction="notes: summarise the week")"#),
            Event::Acted(ActionResult::Failed(Fault::TimedOut { tries: "no answer in 3 s".to_owned() })),
            screen_event(1),
        ],
        expect![[r#"
            look
            think 1 turns: "Turn Wi-Fi on\n\nCall_API can do this, with an instruction that begins with the name:\n- mail: writes to me\n- notes: my notebook\n\n{\"current_app\": \"Settings\"}"
            ask Permit { message: "the API mail; it calls an API: mail: I am late", asker: Policy }
              1. refused: a person said no to this action
            look
            think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\", \"last_action\": \"refused: a person said no to this action\"}"
            act Api(ApiCall { name: "notes", arguments: Object {"instruction": String("summarise the week")} })
              2. it may or may not have happened: no answer in 3 s
            look
            think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\", \"last_action\": \"it may or may not have happened: no answer in 3 s\"}"
        "#]],
    );
    check_with(
        with_apis(Permission::Refuse),
        [screen_event(1), reply_event(MAIL), screen_event(1)],
        expect![[r#"
        look
        think 1 turns: "Turn Wi-Fi on\n\nCall_API can do this, with an instruction that begins with the name:\n- mail: writes to me\n- notes: my notebook\n\n{\"current_app\": \"Settings\"}"
          1. refused: the policy forbids to call an API here: the API mail
        look
        think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\", \"last_action\": \"refused: the policy forbids to call an API here: the API mail\"}"
    "#]],
    );
    let unanswered = || Event::Acted(ActionResult::Failed(Fault::TimedOut { tries: "late".to_owned() }));
    let mut setting = with_apis(Permission::Allow);
    setting.policy.apis.get_mut("mail").unwrap().repeatable = Some(true);
    let mut episode = Episode::new(setting);
    let mut next = episode.on(Event::Began);
    for step in 0..6 {
        assert!(matches!(next, Next::Do(Effect::Look)), "the device is not lost for an API's sake: {step} {next:?}");
        episode.on(screen_event(step));
        episode.on(reply_event(MAIL));
        next = episode.on(unanswered());
    }
}

#[test]
fn without_an_api_the_model_works_on_its_notes() {
    let weather = r#"do(action="Call_API", instruction="compare the hotels")"#;
    check(
        [
            screen_event(1),
            reply_event(weather),
            screen_event(1),
            reply_event(r#"do(action="Note", message="Hotel A: 90")"#),
            screen_event(1),
            reply_event(weather),
            screen_event(1),
        ],
        expect![[r#"
            look
            think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
              1. not done: no API is registered, and nothing has been noted; use the screen
            look
            think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\", \"last_action\": \"not done: no API is registered, and nothing has been noted; use the screen\"}"
              2. noted
            look
            think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\"}"
              3. notes recalled
            look
            think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\", \"last_action\": \"your notes: 1. Hotel A: 90\"}"
        "#]],
    );
}

#[test]
fn the_model_is_told_nothing_where_its_profile_says_so() {
    let mut setting = setting();
    setting.profile.remarks = false;
    check_with(
        setting,
        [screen_event(1), reply_event(TAP), failure_event(Fault::Stale), screen_event(1)],
        expect![[r#"
        look
        think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
        act Gesture(Tap { at: Spot { x: 2, y: 8, of: Size { width: 20, height: 40 } } })
          1. not done: the display changed in between
        look
        think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\"}"
    "#]],
    );
}

#[test]
fn gestures_without_effect_are_remarked() {
    let clock_moved_on = Event::Saw(screen("Settings", 1, 9));
    check(
        [screen_event(1), reply_event(TAP), DONE, screen_event(1), reply_event(BACK), DONE, clock_moved_on],
        expect![[r#"
        look
        think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
        act Gesture(Tap { at: Spot { x: 2, y: 8, of: Size { width: 20, height: 40 } } })
          1. done
        look
        think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\"}"
        act Gesture(Press { key: Back })
          2. done
        look
        think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\", \"last_action\": \"the last 2 actions have not changed the screen\"}"
    "#]],
    );
    check(
        [screen_event(1), reply_event(TAP), DONE, screen_event(1), reply_event(BACK), DONE, screen_event(2)],
        expect![[r#"
        look
        think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
        act Gesture(Tap { at: Spot { x: 2, y: 8, of: Size { width: 20, height: 40 } } })
          1. done
        look
        think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\"}"
        act Gesture(Press { key: Back })
          2. done
        look
        think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\"}"
    "#]],
    );
}

#[test]
fn going_round_in_circles() {
    let round = [reply_event(TAP), DONE, screen_event(1)];
    let events = std::iter::once(screen_event(1)).chain(std::iter::repeat_n(round, 5).flatten().take(13));
    check(
        events,
        expect![[r#"
        look
        think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
        act Gesture(Tap { at: Spot { x: 2, y: 8, of: Size { width: 20, height: 40 } } })
          1. done
        look
        think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\"}"
        act Gesture(Tap { at: Spot { x: 2, y: 8, of: Size { width: 20, height: 40 } } })
          2. done
        look
        think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\", \"last_action\": \"the last 2 actions have not changed the screen\"}"
        act Gesture(Tap { at: Spot { x: 2, y: 8, of: Size { width: 20, height: 40 } } })
          3. done
        look
        think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\", \"last_action\": \"you have done this 3 times on the same screen; do something else; the last 3 actions have not changed the screen\"}"
        act Gesture(Tap { at: Spot { x: 2, y: 8, of: Size { width: 20, height: 40 } } })
          4. done
        look
        think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\", \"last_action\": \"you have done this 4 times on the same screen; do something else; the last 4 actions have not changed the screen\"}"
          5. stuck
        {"outcome":"stuck","why":"the same action 5 times on the same screen","steps":5,"notes":[]}
    "#]],
    );
    let two_screens = [reply_event(TAP), DONE, screen_event(2), reply_event(BACK), DONE, screen_event(1)];
    let events = std::iter::once(screen_event(1)).chain(std::iter::repeat_n(two_screens, 5).flatten().take(25));
    check(
        events,
        expect![[r#"
            look
            think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
            act Gesture(Tap { at: Spot { x: 2, y: 8, of: Size { width: 20, height: 40 } } })
              1. done
            look
            think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\"}"
            act Gesture(Press { key: Back })
              2. done
            look
            think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\"}"
            act Gesture(Tap { at: Spot { x: 2, y: 8, of: Size { width: 20, height: 40 } } })
              3. done
            look
            think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\"}"
            act Gesture(Press { key: Back })
              4. done
            look
            think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\"}"
            act Gesture(Tap { at: Spot { x: 2, y: 8, of: Size { width: 20, height: 40 } } })
              5. done
            look
            think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\", \"last_action\": \"you have done this 3 times on the same screen; do something else\"}"
            act Gesture(Press { key: Back })
              6. done
            look
            think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\", \"last_action\": \"you have done this 3 times on the same screen; do something else\"}"
            act Gesture(Tap { at: Spot { x: 2, y: 8, of: Size { width: 20, height: 40 } } })
              7. done
            look
            think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\", \"last_action\": \"you have done this 4 times on the same screen; do something else\"}"
            act Gesture(Press { key: Back })
              8. done
            look
            think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\", \"last_action\": \"you have done this 4 times on the same screen; do something else; for 8 actions you have gone back and forth between the same two screens; try another way\"}"
              9. stuck
            {"outcome":"stuck","why":"the same action 5 times on the same screen","steps":9,"notes":[]}
        "#]],
    );
}

#[test]
fn a_model_that_fails_is_asked_again_on_a_new_screen() {
    check(
        [
            screen_event(1),
            silent(true),
            Event::Rested,
            screen_event(2),
            silent(true),
            Event::Rested,
            screen_event(2),
            reply_event(TAP),
            DONE,
        ],
        expect![[r#"
            look
            think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
            pause 1s
            look
            think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
            pause 2s
            look
            think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
            act Gesture(Tap { at: Spot { x: 2, y: 8, of: Size { width: 20, height: 40 } } })
              1. done
            look
        "#]],
    );
    check(
        [
            screen_event(1),
            silent(true),
            Event::Rested,
            screen_event(2),
            silent(true),
            Event::Rested,
            screen_event(2),
            silent(true),
        ],
        expect![[r#"
        look
        think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
        pause 1s
        look
        think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
        pause 2s
        look
        think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
        {"outcome":"model-failed","why":"m: no","steps":0,"notes":[]}
    "#]],
    );
    // It says when: that is waited for, unless it would take longer than the model may think.
    let busy = |retry_after_ms| Event::Silent(NoReply { why: "m: busy".to_owned(), may_pass: true, retry_after_ms });
    check(
        [
            screen_event(1),
            busy(Some(20_000)),
            Event::Rested,
            screen_event(1),
            busy(Some(500)),
            Event::Rested,
            screen_event(1),
            busy(None),
        ],
        expect![[r#"
            look
            think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
            pause 20s
            look
            think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
            pause 2s
            look
            think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
            {"outcome":"model-failed","why":"m: busy","steps":0,"notes":[]}
        "#]],
    );
    check(
        [screen_event(1), busy(Some(60_001))],
        expect![[r#"
        look
        think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
        {"outcome":"model-failed","why":"m: busy; it asks to be left alone for 60 s","steps":0,"notes":[]}
    "#]],
    );
    check(
        [screen_event(1), silent(false)],
        expect![[r#"
        look
        think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
        {"outcome":"model-failed","why":"m: no","steps":0,"notes":[]}
    "#]],
    );
}

#[test]
fn a_device_that_goes_away() {
    let lost = || Fault::Lost { why: "unplugged".to_owned() };
    check(
        [Event::Unseen(lost())],
        expect![[r#"
        look
        {"outcome":"device-lost","why":"unplugged","steps":0,"notes":[]}
    "#]],
    );
    check(
        [screen_event(1), reply_event(TAP), failure_event(lost())],
        expect![[r#"
        look
        think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
        act Gesture(Tap { at: Spot { x: 2, y: 8, of: Size { width: 20, height: 40 } } })
          1. the device is lost
        {"outcome":"device-lost","why":"unplugged","steps":1,"notes":[]}
    "#]],
    );
    check(
        [Event::Unseen(timed_out()), Event::Rested, Event::Unseen(timed_out()), Event::Rested, screen_event(1)],
        expect![[r#"
        look
        pause 1s
        look
        pause 1s
        look
        think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
    "#]],
    );
    let late = || Event::Unseen(timed_out());
    check(
        [late(), Event::Rested, late(), Event::Rested, late()],
        expect![[r#"
        look
        pause 1s
        look
        pause 1s
        look
        {"outcome":"device-lost","why":"the device did not answer, and it may or may not have happened: 5 s","steps":0,"notes":[]}
    "#]],
    );
    let late = || failure_event(timed_out());
    check(
        [
            screen_event(1),
            reply_event(TAP),
            late(),
            screen_event(1),
            reply_event(BACK),
            late(),
            screen_event(1),
            reply_event(TAP),
            late(),
        ],
        expect![[r#"
        look
        think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
        act Gesture(Tap { at: Spot { x: 2, y: 8, of: Size { width: 20, height: 40 } } })
          1. the device did not answer, and it may or may not have happened: 5 s
        look
        think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\", \"last_action\": \"the device did not answer, and it may or may not have happened: 5 s\"}"
        act Gesture(Press { key: Back })
          2. the device did not answer, and it may or may not have happened: 5 s
        look
        think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\", \"last_action\": \"the device did not answer, and it may or may not have happened: 5 s\"}"
        act Gesture(Tap { at: Spot { x: 2, y: 8, of: Size { width: 20, height: 40 } } })
          3. the device does not answer
        {"outcome":"device-lost","why":"the device did not answer, and it may or may not have happened: 5 s","steps":3,"notes":[]}
    "#]],
    );
}

#[test]
fn a_screen_that_may_not_be_seen() {
    let thrice = || [hidden_event(), Event::Rested, hidden_event(), Event::Rested, hidden_event()];
    let events = thrice().into_iter().chain([Event::Answered(Answer::Done), screen_event(1)]);
    check(
        events,
        expect![[r#"
        look
        pause 1s
        look
        pause 1s
        look
        ask TakeOver { message: "the screen cannot be seen: it is locked" }
        look
        think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\", \"last_action\": \"the screen could not be seen for a while: it is locked\"}"
    "#]],
    );
    check(
        thrice().into_iter().chain([Event::Answered(Answer::Nobody)]),
        expect![[r#"
        look
        pause 1s
        look
        pause 1s
        look
        ask TakeOver { message: "the screen cannot be seen: it is locked" }
        {"outcome":"needs-person","asked":{"take_over":{"message":"the screen cannot be seen: it is locked"}},"steps":0,"notes":[]}
    "#]],
    );
}

#[test]
fn a_sensitive_tap_is_a_persons() {
    let pay = || [screen_event(1), reply_event(r#"do(action="Tap", element=[500,500], message="pay 9.99")"#)];
    let then = |answer: Answer, more: &[Event]| {
        pay().into_iter().chain([Event::Answered(answer)]).chain(more.to_vec()).collect::<Vec<_>>()
    };
    check(
        then(Answer::Yes, &[Event::Saw(screen("Settings", 1, 30)), DONE]),
        expect![[r#"
            look
            think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
            ask Confirm { message: "pay 9.99", at: Spot { x: 10, y: 20, of: Size { width: 20, height: 40 } }, target: None, page: None, asker: Model }
            look
            act Gesture(Tap { at: Spot { x: 10, y: 20, of: Size { width: 20, height: 40 } } })
              1. done
            look
        "#]],
    );
    check(
        then(Answer::Yes, &[screen_event(2)]),
        expect![[r#"
            look
            think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
            ask Confirm { message: "pay 9.99", at: Spot { x: 10, y: 20, of: Size { width: 20, height: 40 } }, target: None, page: None, asker: Model }
            look
              1. not done: the screen changed while a person was asked
            think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\", \"last_action\": \"not done: the screen changed while a person was asked\"}"
        "#]],
    );
    check(
        then(Answer::Yes, &[hidden_event(), Event::Rested, screen_event(1)]),
        expect![[r#"
            look
            think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
            ask Confirm { message: "pay 9.99", at: Spot { x: 10, y: 20, of: Size { width: 20, height: 40 } }, target: None, page: None, asker: Model }
            look
              1. not done: the screen could not be seen after a person was asked
            pause 1s
            look
            think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\", \"last_action\": \"not done: the screen could not be seen after a person was asked\"}"
        "#]],
    );
    check(
        then(Answer::No, &[screen_event(1)]),
        expect![[r#"
            look
            think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
            ask Confirm { message: "pay 9.99", at: Spot { x: 10, y: 20, of: Size { width: 20, height: 40 } }, target: None, page: None, asker: Model }
              1. refused: a person said no to this action
            look
            think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\", \"last_action\": \"refused: a person said no to this action\"}"
        "#]],
    );
    check(
        then(Answer::Choice("the cheaper one".to_owned()), &[screen_event(1)]),
        expect![[r#"
            look
            think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
            ask Confirm { message: "pay 9.99", at: Spot { x: 10, y: 20, of: Size { width: 20, height: 40 } }, target: None, page: None, asker: Model }
              1. refused: a person did not say yes but: the cheaper one
            look
            think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\", \"last_action\": \"refused: a person did not say yes but: the cheaper one\"}"
        "#]],
    );
    check(
        then(Answer::Done, &[screen_event(2)]),
        expect![[r#"
            look
            think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
            ask Confirm { message: "pay 9.99", at: Spot { x: 10, y: 20, of: Size { width: 20, height: 40 } }, target: None, page: None, asker: Model }
              1. a person has done this themselves
            look
            think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\", \"last_action\": \"a person has done this themselves\"}"
        "#]],
    );
    check(
        then(Answer::Nobody, &[]),
        expect![[r#"
            look
            think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
            ask Confirm { message: "pay 9.99", at: Spot { x: 10, y: 20, of: Size { width: 20, height: 40 } }, target: None, page: None, asker: Model }
              1. needs a person
            {"outcome":"needs-person","asked":{"confirm":{"message":"pay 9.99","at":{"x":10,"y":20,"of":{"width":20,"height":40}}}},"steps":1,"notes":[]}
        "#]],
    );
    let mut no = then(Answer::No, &[]);
    no.extend(then(Answer::No, &[]));
    no.extend(then(Answer::No, &[]));
    check(
        no,
        expect![[r#"
            look
            think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
            ask Confirm { message: "pay 9.99", at: Spot { x: 10, y: 20, of: Size { width: 20, height: 40 } }, target: None, page: None, asker: Model }
              1. refused: a person said no to this action
            look
            think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\", \"last_action\": \"refused: a person said no to this action\"}"
            ask Confirm { message: "pay 9.99", at: Spot { x: 10, y: 20, of: Size { width: 20, height: 40 } }, target: None, page: None, asker: Model }
              2. refused: a person said no to this action
            look
            think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\", \"last_action\": \"refused: a person said no to this action\"}"
            ask Confirm { message: "pay 9.99", at: Spot { x: 10, y: 20, of: Size { width: 20, height: 40 } }, target: None, page: None, asker: Model }
              3. refused
            {"outcome":"refused","why":"a person said no to this action","steps":3,"notes":[]}
        "#]],
    );
}

#[test]
fn taking_over() {
    let take_over = || [screen_event(1), reply_event(r#"do(action="Take_over", message="log in")"#)];
    for (answer, expected) in [
        (
            Answer::Done,
            expect![[r#"
            look
            think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
            ask TakeOver { message: "log in" }
              1. a person has done this
            look
            think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\", \"last_action\": \"a person has done this\"}"
        "#]],
        ),
        (
            Answer::No,
            expect![[r#"
            look
            think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
            ask TakeOver { message: "log in" }
              1. refused: a person would not do this
            look
            think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\", \"last_action\": \"refused: a person would not do this\"}"
        "#]],
        ),
        (
            Answer::Choice("later".to_owned()),
            expect![[r#"
            look
            think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
            ask TakeOver { message: "log in" }
              1. a person says: later
            look
            think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\", \"last_action\": \"a person says: later\"}"
        "#]],
        ),
    ] {
        check(take_over().into_iter().chain([Event::Answered(answer), screen_event(2)]), expected);
    }
    check(
        take_over().into_iter().chain([Event::Answered(Answer::Nobody)]),
        expect![[r#"
        look
        think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
        ask TakeOver { message: "log in" }
          1. needs a person
        {"outcome":"needs-person","asked":{"take_over":{"message":"log in"}},"steps":1,"notes":[]}
    "#]],
    );
}

#[test]
fn choosing() {
    let choose = || [screen_event(1), reply_event(r#"<think>Red or blue?</think>do(action="Interact")"#)];
    for (answer, expected) in [
        (
            Answer::Choice("red".to_owned()),
            expect![[r#"
        look
        think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
        ask Choose { message: "Red or blue?" }
          1. a person says: red
        look
        think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\", \"last_action\": \"a person says: red\"}"
    "#]],
        ),
        (
            Answer::No,
            expect![[r#"
        look
        think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
        ask Choose { message: "Red or blue?" }
          1. a person says: no
        look
        think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\", \"last_action\": \"a person says: no\"}"
    "#]],
        ),
    ] {
        check(choose().into_iter().chain([Event::Answered(answer), screen_event(1)]), expected);
    }
}

#[test]
fn questions_run_out() {
    let mut setting = setting();
    setting.limits.asks_max = 1;
    let choose = || reply_event(r#"do(action="Interact", message="which?")"#);
    let answer = Event::Answered(Answer::Choice("a".to_owned()));
    check_with(
        setting,
        [screen_event(1), choose(), answer, screen_event(1), choose()],
        expect![[r#"
        look
        think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
        ask Choose { message: "which?" }
          1. a person says: a
        look
        think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\", \"last_action\": \"a person says: a\"}"
          2. needs a person
        {"outcome":"needs-person","asked":{"choose":{"message":"which?"}},"steps":2,"notes":[]}
    "#]],
    );
}

#[test]
fn what_the_policy_forbids() {
    let open = || reply_event(r#"do(action="Launch", app="my bank")"#);
    check(
        [screen_event(1), open(), screen_event(1), open(), screen_event(2), open()],
        expect![[r#"
            look
            think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
              1. refused: the app "my bank" must not be used in this task
            look
            think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\", \"last_action\": \"refused: the app \\\"my bank\\\" must not be used in this task\"}"
              2. refused: the app "my bank" must not be used in this task
            look
            think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\", \"last_action\": \"refused: the app \\\"my bank\\\" must not be used in this task\"}"
              3. refused
            {"outcome":"refused","why":"the app \"my bank\" must not be used in this task","steps":3,"notes":[]}
        "#]],
    );
    let bank = Event::Saw(screen("My Bank", 1, 0));
    check(
        [bank, reply_event(TAP), screen_event(1)],
        expect![[r#"
        look
        think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"My Bank\"}"
          1. refused: the app "My Bank" must not be used in this task
        look
        think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\", \"last_action\": \"refused: the app \\\"My Bank\\\" must not be used in this task\"}"
    "#]],
    );
}

#[test]
fn notes_are_kept_and_handed_on() {
    check(
        [
            screen_event(1),
            reply_event(r#"<think>Milk is 2.49.</think>do(action="Note", message="True")"#),
            Event::Read(None),
            screen_event(1),
            reply_event(r#"do(action="Note", message="Bread is 3.10.")"#),
            screen_event(1),
            reply_event(r#"do(action="Call_API", instruction="Summarise the prices")"#),
            screen_event(1),
            reply_event(r#"finish(message="Milk is cheaper.")"#),
        ],
        expect![[r#"
            look
            think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
            read
              1. noted
            look
            think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\"}"
              2. noted
            look
            think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\"}"
              3. notes recalled
            look
            think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\", \"last_action\": \"your notes: 1. Milk is 2.49. 2. Bread is 3.10.\"}"
              4. finished
            {"outcome":"done","message":"Milk is cheaper.","steps":4,"notes":["Milk is 2.49.","Bread is 3.10."]}
        "#]],
    );
    let mut setting = setting();
    setting.limits.notes_bytes = 5;
    let long = reply_event(r#"do(action="Note", message="1234567")"#);
    check_with(
        setting,
        [screen_event(1), long, screen_event(1), reply_event(r#"finish(message="")"#)],
        expect![[r#"
        look
        think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
          1. noted
        look
        think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\", \"last_action\": \"the notes are full; this was not kept in full\"}"
          2. finished
        {"outcome":"done","message":"","steps":2,"notes":["12345"]}
    "#]],
    );
}

#[test]
fn waiting_is_bounded() {
    check(
        [screen_event(1), reply_event(r#"do(action="Wait", duration="1 hour")"#), Event::Rested, screen_event(2)],
        expect![[r#"
        look
        think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
        pause 10s
          1. waited 10 s
        look
        think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\"}"
    "#]],
    );
}

#[test]
fn a_text_that_is_too_long_is_not_typed() {
    let long = format!("do(action=\"Type\", text=\"{}\")", "a".repeat(1001));
    check(
        [screen_event(1), reply_event(&long), screen_event(1)],
        expect![[r#"
        look
        think 1 turns: "Turn Wi-Fi on\n\n{\"current_app\": \"Settings\"}"
          1. the text is too long to type; at most 1000 bytes at once
        look
        think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\", \"last_action\": \"the text is too long to type; at most 1000 bytes at once\"}"
    "#]],
    );
}

#[test]
fn stop_means_stop_at_every_stage() {
    let pay = || reply_event(r#"do(action="Tap", element=[5,5], message="pay")"#);
    let wait = || reply_event(r#"do(action="Wait", duration=1)"#);
    let long: Vec<Event> = vec![
        hidden_event(),
        Event::Rested,
        screen_event(1),
        silent(true),
        Event::Rested,
        screen_event(1),
        pay(),
        Event::Answered(Answer::Yes),
        screen_event(1),
        DONE,
        screen_event(2),
        wait(),
        Event::Rested,
        screen_event(2),
        reply_event(r#"do(action="Interact")"#),
        Event::Answered(Answer::Yes),
        screen_event(2),
        reply_event(TAP),
        DONE,
        screen_event(3),
        reply_event("finish()"),
    ];
    for length in 0..long.len() {
        let mut episode = Episode::new(setting());
        episode.on(Event::Began);
        for event in &long[..length] {
            assert!(matches!(episode.on(event.clone()), Next::Do(_)), "after {event:?}");
        }
        match episode.on(Event::Stopped) {
            Next::End(end) => assert_eq!(end.outcome.id(), "stopped"),
            Next::Do(effect) => panic!("stopped after {length} events, and then {effect:?}"),
        }
    }
}

#[test]
#[should_panic(expected = "in the stage Ended")]
fn nothing_happens_after_the_end() {
    let mut episode = Episode::new(setting());
    episode.on(Event::Began);
    episode.on(Event::Stopped);
    episode.on(screen_event(1));
}

/// A device that cannot do an action is not offered it, and a model that wants it all the same is told.
#[test]
fn what_the_device_cannot_do_is_not_offered() {
    let mut setting = setting();
    setting.abilities = Some(Abilities { drag: false, navigation: false, ..Abilities::PHONE });
    let mut episode = Episode::new(setting.clone());
    episode.on(Event::Began);
    let Next::Do(Effect::Think(prompt)) = episode.on(screen_event(1)) else { panic!("it thinks") };
    let grammar = prompt.grammar.as_deref().unwrap();
    assert!(!grammar.contains("Drag") && !grammar.contains("Back") && grammar.contains("Swipe"), "{grammar}");
    check_with(
        setting.clone(),
        [screen_event(1), reply_event(BACK), screen_event(1), reply_event(TAP)],
        expect![[r#"
        look
        think 1 turns: "Turn Wi-Fi on\n\nThis device has no Drag, Back, Home.\n\n{\"current_app\": \"Settings\"}"
          1. not done: this device cannot press a key; use another action
        look
        think 3 turns: "** Screen Info **\n\n{\"current_app\": \"Settings\", \"last_action\": \"not done: this device cannot press a key; use another action\"}"
        act Gesture(Tap { at: Spot { x: 2, y: 8, of: Size { width: 20, height: 40 } } })
    "#]],
    );
    // Where it can do all, the prompt is what the model was trained with, to the byte.
    let think = |abilities| {
        let mut episode = Episode::new(Setting { abilities, ..setting.clone() });
        episode.on(Event::Began);
        episode.on(screen_event(1))
    };
    assert_eq!(think(Some(Abilities::PHONE)), think(None));
    assert_ne!(think(setting.abilities), think(None));
}
