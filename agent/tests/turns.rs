//! Several actions of one reply: each a step of its own on the screen as it is by then, and none after one that failed.

mod common;

use common::trace::Trace;
use common::{api, reply, screen, setting};
use expect_test::{Expect, expect};
use tapwright_agent::dialect::Dialect;
use tapwright_agent::dialect::frame::Coordinates;
use tapwright_agent::episode::{Episode, Setting};
use tapwright_agent::event::{ActionResult, Effect, Event, Fault, Next, ResumeTerms};
use tapwright_agent::outcome::End;
use tapwright_agent::person::Answer;
use tapwright_agent::profile::Profile;
use tapwright_contract::api::ApiEffect;
use tapwright_contract::device::Screen;
use tapwright_contract::gesture::Abilities;
use tapwright_contract::model::{Part, Prompt};
use tapwright_contract::{Picture, Size};

const DONE: Event = Event::Acted(ActionResult::Done);

fn computer() -> Setting {
    let abilities =
        Abilities { pointer: true, scroll: true, insert: true, chords: true, windows: true, ..Abilities::PHONE };
    let setting = setting();
    let profile = Profile { dialect: Dialect::Computer, coordinates: Coordinates::Pixels, ..setting.profile };
    Setting {
        profile,
        abilities: Some(abilities),
        apis: vec![api("weather", "tells the weather", ApiEffect::Reads)],
        ..setting
    }
}

fn screen_event(number: u32) -> Event {
    Event::Saw(screen("Files", number, 0))
}

fn reply_event(text: &str) -> Event {
    Event::Heard(reply(text))
}

/// The texts of all turns but the first.
fn turns_in_lines(prompt: &Prompt) -> String {
    let turns = prompt.turns.iter().skip(1);
    let texts = turns.flat_map(|turn| {
        turn.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(format!("think {:?}: {text:?}\n", turn.role)),
            Part::Picture(_) => None,
        })
    });
    texts.chain(["think\n".to_owned()]).collect()
}

/// Plays events, and shows what is decided, done and told.
fn check_with(setting: Setting, events: impl IntoIterator<Item = Event>, expected: Expect) {
    let end = |end: &End| serde_json::to_string(end).unwrap();
    let trace = Trace { prompt: turns_in_lines, end, decisions: true, ..Trace::SHORT };
    expected.assert_eq(&trace.play(setting, events));
}

fn check(events: impl IntoIterator<Item = Event>, expected: Expect) {
    check_with(computer(), events, expected);
}

const THREE: &str = "<think>Save it.</think><answer>click(at=[10,20])\ntype(text=\"a\")\nhotkey(keys=\"ctrl+s\")";

#[test]
fn each_is_a_step_on_the_screen_as_it_is_by_then() {
    check(
        [screen_event(1), reply_event(THREE), DONE, screen_event(2), DONE, screen_event(3), DONE, screen_event(4)],
        expect![[r#"
        look
        think
        1. click(at=[10,20])
        act {"gesture":{"click":{"at":{"x":10,"y":20,"of":{"width":20,"height":40}},"button":"left","count":"single","modifiers":[]}}}
          1. done
        look
        2. type(text="a")
        act {"gesture":{"insert":{"text":"a"}}}
          2. done
        look
        3. hotkey(keys="ctrl+s")
        act {"gesture":{"chord":{"modifiers":["control"],"key":"s"}}}
          3. done
        look
        think Assistant: "<think>Save it.</think><answer>click(at=[10,20])\ntype(text=\"a\")\nhotkey(keys=\"ctrl+s\")</answer>"
        think User: "** Screen Info **\n\n{\"current_app\": \"Files\"}"
        think
    "#]],
    );
}

#[test]
fn none_is_done_after_one_that_failed() {
    let refused = Event::Acted(ActionResult::Failed(Fault::Refused { why: "no field has the focus".to_owned() }));
    check(
        [screen_event(1), reply_event(THREE), DONE, screen_event(2), refused, screen_event(3)],
        expect![[r#"
        look
        think
        1. click(at=[10,20])
        act {"gesture":{"click":{"at":{"x":10,"y":20,"of":{"width":20,"height":40}},"button":"left","count":"single","modifiers":[]}}}
          1. done
        look
        2. type(text="a")
        act {"gesture":{"insert":{"text":"a"}}}
          2. not done: no field has the focus
        look
        think Assistant: "<think>Save it.</think><answer>click(at=[10,20])\ntype(text=\"a\")\nhotkey(keys=\"ctrl+s\")</answer>"
        think User: "** Screen Info **\n\n{\"current_app\": \"Files\", \"last_action\": \"not done: no field has the focus; the last action of your turn was not done after that\"}"
        think
    "#]],
    );
}

#[test]
fn none_is_done_after_one_that_cannot_be_read() {
    check(
        [
            screen_event(1),
            reply_event("<answer>click(at=[10,20])\nclick(at=[99,20])\nclick(at=[1,2])"),
            DONE,
            screen_event(2),
            screen_event(3),
        ],
        expect![[r#"
            look
            think
            1. click(at=[10,20])
            act {"gesture":{"click":{"at":{"x":10,"y":20,"of":{"width":20,"height":40}},"button":"left","count":"single","modifiers":[]}}}
              1. done
            look
            2. the place [99,20] is off the screen; x goes from 0 to 19 and y from 0 to 39
              2. unclear: the place [99,20] is off the screen; x goes from 0 to 19 and y from 0 to 39
            look
            think Assistant: "<think></think><answer>click(at=[10,20])</answer>"
            think User: "** Screen Info **\n\n{\"current_app\": \"Files\", \"last_action\": \"the place [99,20] is off the screen; x goes from 0 to 19 and y from 0 to 39\"}"
            think
        "#]],
    );
}

#[test]
fn none_is_done_on_another_display() {
    let size = Size { width: 40, height: 20 };
    let turned = Screen::new(Picture::new(size, vec![255; 40 * 20 * 4]).unwrap(), screen("Files", 1, 0).front);
    check(
        [screen_event(1), reply_event(THREE), DONE, Event::Saw(turned)],
        expect![[r#"
        look
        think
        1. click(at=[10,20])
        act {"gesture":{"click":{"at":{"x":10,"y":20,"of":{"width":20,"height":40}},"button":"left","count":"single","modifiers":[]}}}
          1. done
        look
        think Assistant: "<think>Save it.</think><answer>click(at=[10,20])\ntype(text=\"a\")\nhotkey(keys=\"ctrl+s\")</answer>"
        think User: "** Screen Info **\n\n{\"current_app\": \"Files\", \"last_action\": \"the display is another one by now, so the other actions of your turn were not done\"}"
        think
    "#]],
    );
}

#[test]
fn a_run_that_broke_off_in_between_asks_the_model_anew() {
    let resumed = Event::Resumed { begun: true, terms: ResumeTerms::default() };
    check(
        [screen_event(1), reply_event(THREE), DONE, resumed, screen_event(2)],
        expect![[r#"
        look
        think
        1. click(at=[10,20])
        act {"gesture":{"click":{"at":{"x":10,"y":20,"of":{"width":20,"height":40}},"button":"left","count":"single","modifiers":[]}}}
          1. done
        look
        -- broke off
        look
        think Assistant: "<think>Save it.</think><answer>click(at=[10,20])\ntype(text=\"a\")\nhotkey(keys=\"ctrl+s\")</answer>"
        think User: "** Screen Info **\n\n{\"current_app\": \"Files\", \"last_action\": \"the last 2 actions of your turn were not done after that\"}"
        think
    "#]],
    );
}

#[test]
fn each_counts_as_a_step() {
    let mut setting = computer();
    setting.limits.steps_max = 2;
    check_with(
        setting,
        [screen_event(1), reply_event(THREE), DONE, screen_event(2), DONE],
        expect![[r#"
        look
        think
        1. click(at=[10,20])
        act {"gesture":{"click":{"at":{"x":10,"y":20,"of":{"width":20,"height":40}},"button":"left","count":"single","modifiers":[]}}}
          1. done
        look
        2. type(text="a")
        act {"gesture":{"insert":{"text":"a"}}}
          2. done
        {"outcome":"out-of-steps","steps":2,"notes":[]}
    "#]],
    );
}

#[test]
fn the_end_is_claimed_only_after_what_came_before_was_done() {
    let refused = Event::Acted(ActionResult::Failed(Fault::Refused { why: "no".to_owned() }));
    let ends = "<answer>click(at=[1,1])\nfinish(message=\"saved\")";
    check(
        [screen_event(1), reply_event(ends), DONE, screen_event(2)],
        expect![[r#"
        look
        think
        1. click(at=[1,1])
        act {"gesture":{"click":{"at":{"x":1,"y":1,"of":{"width":20,"height":40}},"button":"left","count":"single","modifiers":[]}}}
          1. done
        look
        2. finish(message="saved")
          2. finished
        {"outcome":"done","message":"saved","steps":2,"notes":[]}
    "#]],
    );
    check(
        [screen_event(1), reply_event(ends), refused, screen_event(2)],
        expect![[r#"
        look
        think
        1. click(at=[1,1])
        act {"gesture":{"click":{"at":{"x":1,"y":1,"of":{"width":20,"height":40}},"button":"left","count":"single","modifiers":[]}}}
          1. not done: no
        look
        think Assistant: "<think></think><answer>click(at=[1,1])\nfinish(message=\"saved\")</answer>"
        think User: "** Screen Info **\n\n{\"current_app\": \"Files\", \"last_action\": \"not done: no; the last action of your turn was not done after that\"}"
        think
    "#]],
    );
}

#[test]
fn a_click_without_a_place_is_where_the_pointer_was_left() {
    check(
        [
            screen_event(1),
            reply_event("<answer>move(at=[7,9])"),
            DONE,
            screen_event(2),
            reply_event("<answer>right_click()"),
        ],
        expect![[r#"
        look
        think
        1. move(at=[7,9])
        act {"gesture":{"move":{"at":{"x":7,"y":9,"of":{"width":20,"height":40}}}}}
          1. done
        look
        think Assistant: "<think></think><answer>move(at=[7,9])</answer>"
        think User: "** Screen Info **\n\n{\"current_app\": \"Files\"}"
        think
        2. right_click(at=[7,9])
        act {"gesture":{"click":{"at":{"x":7,"y":9,"of":{"width":20,"height":40}},"button":"right","count":"single","modifiers":[]}}}
    "#]],
    );
}

#[test]
fn the_same_keys_over_and_over_are_one_action_of_one_reply() {
    let keys = format!("<answer>{}", ["hotkey(keys=\"down\")"; 9].join("\n"));
    let played = (0..8).flat_map(|_| [DONE, screen_event(1)]);
    check(
        [screen_event(1), reply_event(&keys)].into_iter().chain(played).chain([DONE, screen_event(1)]),
        expect![[r#"
        look
        think
        1. hotkey(keys="down")
        act {"gesture":{"chord":{"modifiers":[],"key":"ArrowDown"}}}
          1. done
        look
        2. hotkey(keys="down")
        act {"gesture":{"chord":{"modifiers":[],"key":"ArrowDown"}}}
          2. done
        look
        3. hotkey(keys="down")
        act {"gesture":{"chord":{"modifiers":[],"key":"ArrowDown"}}}
          3. done
        look
        4. hotkey(keys="down")
        act {"gesture":{"chord":{"modifiers":[],"key":"ArrowDown"}}}
          4. done
        look
        5. hotkey(keys="down")
        act {"gesture":{"chord":{"modifiers":[],"key":"ArrowDown"}}}
          5. done
        look
        6. hotkey(keys="down")
        act {"gesture":{"chord":{"modifiers":[],"key":"ArrowDown"}}}
          6. done
        look
        7. hotkey(keys="down")
        act {"gesture":{"chord":{"modifiers":[],"key":"ArrowDown"}}}
          7. done
        look
        8. hotkey(keys="down")
        act {"gesture":{"chord":{"modifiers":[],"key":"ArrowDown"}}}
          8. done
        look
        9. hotkey(keys="down")
        act {"gesture":{"chord":{"modifiers":[],"key":"ArrowDown"}}}
          9. done
        look
        think Assistant: "<think></think><answer>hotkey(keys=\"down\")\nhotkey(keys=\"down\")\nhotkey(keys=\"down\")\nhotkey(keys=\"down\")\nhotkey(keys=\"down\")\nhotkey(keys=\"down\")\nhotkey(keys=\"down\")\nhotkey(keys=\"down\")\nhotkey(keys=\"down\")</answer>"
        think User: "** Screen Info **\n\n{\"current_app\": \"Files\"}"
        think
    "#]],
    );
}

#[test]
fn a_call_and_a_question_are_among_them() {
    let told = Event::Acted(ActionResult::Told { text: "rain".to_owned() });
    let mixed = "<answer>call(name=\"weather\", arguments={\"instruction\": \"Oslo\"})\nask(message=\"which?\")\nclick(at=[1,1])";
    check(
        [
            screen_event(1),
            reply_event(mixed),
            told,
            screen_event(1),
            Event::Answered(Answer::Choice("the left one".to_owned())),
            screen_event(1),
        ],
        expect![[r#"
            look
            think
            1. call(name="weather", arguments={"instruction":"Oslo"})
            act {"api":{"name":"weather","arguments":{"instruction":"Oslo"}}}
              1. the API answered
            look
            2. ask(message="which?")
            ask Choose { message: "which?" }
              2. a person says: the left one
            look
            think Assistant: "<think></think><answer>call(name=\"weather\", arguments={\"instruction\":\"Oslo\"})\nask(message=\"which?\")\nclick(at=[1,1])</answer>"
            think User: "** Screen Info **\n\n{\"current_app\": \"Files\", \"last_action\": \"the API answered: rain; a person says: the left one; the last action of your turn was not done after that\"}"
            think
        "#]],
    );
}

/// Why a model wants its actions counts for each of them, and not only for the first.
#[test]
fn the_thought_of_a_turn_is_judged_with_each_of_its_actions() {
    let mut setting = computer();
    setting.policy = toml::from_str(tapwright_agent::policy::CAREFUL).unwrap();
    let pays = "<think>Now I delete all files.</think><answer>move(at=[1,1])\nclick(at=[2,2])";
    let mut episode = Episode::new(setting);
    let mut next = episode.on(Event::Began);
    let mut asked = false;
    for event in [screen_event(1), reply_event(pays), DONE, screen_event(2), Event::Read(Some(Vec::new()))] {
        next = match next {
            Next::Do(Effect::Ask(_)) => break,
            _ => episode.on(event),
        };
        asked |= matches!(next, Next::Do(Effect::Ask(_)));
    }
    assert!(asked, "{next:?}");
}
