//! Replies as models garble them, one JSON string a line in `malformed.jsonl`: none ends a run, and each is understood
//! or answered with a remark.

mod common;

use std::fmt::Write;

use common::{reply, screen, setting};
use expect_test::expect_file;
use tapwright_agent::episode::Episode;
use tapwright_agent::event::{ActionResult, Effect, Event, Next};
use tapwright_agent::person::Answer;
use tapwright_agent::step::Notice;
use tapwright_contract::model::Part;

/// What a reply comes to: what is done, or the remark in the next prompt.
fn comes_to(text: &str) -> String {
    let mut episode = Episode::new(setting());
    let mut next = episode.on(Event::Began);
    let mut heard = false;
    let mut decided = String::new();
    loop {
        let event = match &next {
            Next::Do(Effect::Look) => Event::Saw(screen("Settings", u32::from(heard), 0)),
            Next::Do(Effect::Think(_)) if !heard => {
                heard = true;
                Event::Heard(reply(text))
            }
            Next::Do(Effect::Think(prompt)) => {
                let last = prompt.turns.last().and_then(|turn| turn.parts.last());
                let Some(Part::Text(told)) = last else { panic!("a text comes last: {last:?}") };
                let remark = told.split("\"last_action\": ").nth(1).map(|remark| remark.trim_end_matches('}'));
                return match remark {
                    Some(remark) => format!("{decided} ! {remark}"),
                    None => decided,
                };
            }
            Next::Do(Effect::Act(vetted)) => {
                decided = serde_json::to_string(vetted.deed()).expect("a deed can be written");
                Event::Acted(ActionResult::Done)
            }
            Next::Do(Effect::Ask(question)) => {
                decided = format!("ask {}", question.message());
                Event::Answered(Answer::Done)
            }
            Next::Do(Effect::Read) => Event::Read(None),
            Next::Do(Effect::FindApp(name)) => panic!("{name:?} is no app of a policy"),
            Next::Do(Effect::Pause(time)) => {
                decided = format!("wait {time:?}");
                Event::Rested
            }
            Next::End(end) => panic!("{text:?} ends the run: {end:?}"),
        };
        next = episode.on(event);
        for news in episode.notices() {
            if let (Notice::StepOver(settled), true) = (news, decided.is_empty()) {
                decided = settled.summary.split(':').next().unwrap_or_default().to_owned();
            }
        }
    }
}

#[test]
fn none_ends_a_run() {
    let corpus = include_str!("malformed.jsonl");
    let (mut shown, mut understood, mut remarked) = (String::new(), 0, 0);
    for (n, line) in corpus.lines().enumerate() {
        let text: String = serde_json::from_str(line).unwrap_or_else(|error| panic!("line {}: {error}", n + 1));
        let came = comes_to(&text);
        assert!(!came.is_empty(), "{text:?} came to nothing");
        match came.starts_with("unclear") {
            true => {
                assert!(came.contains(" ! "), "{text:?} is not understood, and the model is not told: {came}");
                remarked += 1;
            }
            false => understood += 1,
        }
        let cut: String = line.chars().take(100).collect();
        writeln!(shown, "{cut}\n    {came}").expect("a string takes it");
    }
    assert!(understood + remarked >= 60 && understood > 30 && remarked > 20, "{understood} {remarked}");
    expect_file!["malformed.txt"].assert_eq(&shown);
}
