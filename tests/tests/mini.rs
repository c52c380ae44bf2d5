//! The small model is taught exactly what it is asked later: the generator's prompts are the agent's.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use agent::dialect::Dialect;
use agent::profile::{Profile, ReplyForm};
use agent::prompt::{self, Exchange};
use contract::model::{Part, Role};
use contract::{Picture, Size};
use tapwright_agent as agent;
use tapwright_contract as contract;
use tapwright_mini_data::{Step, steps};

/// The agent's section of the profile that the shipped model comes with.
fn profile() -> &'static Profile {
    static PROFILE: OnceLock<Profile> = OnceLock::new();
    PROFILE.get_or_init(|| {
        let at = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/mini/profile.toml");
        let text = fs::read_to_string(&at).unwrap_or_else(|error| panic!("{}: {error}", at.display()));
        let whole: toml::Table = text.parse().unwrap_or_else(|error| panic!("{}: {error}", at.display()));
        whole["agent"].clone().try_into().unwrap_or_else(|error| panic!("{}: {error}", at.display()))
    })
}

/// What the agent makes of the same steps, as (role, text).
fn asked(past: &[Step], goal: &str, front: &str) -> Vec<(&'static str, String)> {
    let profile = profile();
    let exchanges: Vec<Exchange> = past
        .iter()
        .map(|step| {
            let said = Dialect::Autoglm.read(&step.reply, false);
            let call = said.call.unwrap_or_else(|unclear| panic!("{}: {unclear:?}", step.reply));
            Exchange {
                info: prompt::info(front_of(step), None),
                reply: written_back(&said.thought, &Dialect::Autoglm.print(&call), &step.reply),
            }
        })
        .collect();
    let picture = Picture::new(Size { width: 1, height: 1 }, vec![0; 4]).expect("one pixel is a picture");
    let prompt = prompt::compose(profile, goal, "", &exchanges, &prompt::info(front, None), picture);
    let said = |parts: Vec<Part>| {
        parts.into_iter().filter_map(|part| if let Part::Text(text) = part { Some(text) } else { None }).collect()
    };
    let role = |role| match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    };
    prompt.turns.into_iter().map(|turn| (role(turn.role), said(turn.parts))).collect()
}

/// A reply as the profile has it written back.
fn written_back(thought: &str, action: &str, heard: &str) -> String {
    match profile().reply {
        ReplyForm::Clean => prompt::clean_reply(thought, action),
        ReplyForm::CleanLines => prompt::clean_reply_in_lines(thought, action),
        ReplyForm::Doubled => prompt::doubled_reply(heard),
        ReplyForm::Heard => heard.to_owned(),
    }
}

fn front_of(step: &Step) -> &'static str {
    if step.world.page().is_some() { step.world.front().label } else { "System Home" }
}

#[test]
fn the_generator_writes_the_prompts_that_the_agent_writes() {
    let mut compared = 0;
    for seed in 0..60 {
        let episode = steps(tapwright_smoke::TRAINING_SEEDS + seed);
        for (at, step) in episode.iter().enumerate() {
            assert_eq!(asked(&episode[..at], &step.goal, front_of(step)), step.turns, "seed {seed}, step {at}");
            compared += 1;
        }
    }
    assert!(compared > 200, "only {compared} steps");
}
