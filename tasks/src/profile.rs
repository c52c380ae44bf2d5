//! What a model expects: the file `profile.toml` in its folder, one section for the agent and one for the model.

use std::path::Path;

use serde::Deserialize;
use tapwright_agent::profile::Profile;
use tapwright_models::{Sampling, Settings};

use crate::mistake::Mistake;

/// A model's profile, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Profiles {
    /// What it is told, and how it answers.
    pub agent: Profile,
    /// How its words and pictures are made.
    pub model: Settings,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    agent: Profile,
    model: Option<Settings>,
}

/// For general models behind servers, which know nothing of the action language and have to be taught it.
const SERVER: &str = include_str!("profiles/server.toml");
/// For scripts, which expect nothing.
const SCRIPT: &str = include_str!("profiles/script.toml");

impl Profiles {
    /// Reads a profile's file.
    ///
    /// # Errors
    /// `Mistake` says what is wrong in it, and where.
    pub fn read(file: &Path) -> Result<Profiles, Mistake> {
        let text = std::fs::read_to_string(file).map_err(|error| Mistake::unreadable(file, &error))?;
        Profiles::parse(&text).map_err(|error| Mistake::of_toml(file, &text, &error))
    }

    /// What a model is taken to expect of which only a server's address is known.
    pub fn of_servers() -> Profiles {
        Profiles::parse(SERVER).expect("a test reads it")
    }

    /// What a script expects.
    pub fn of_scripts() -> Profiles {
        Profiles::parse(SCRIPT).expect("a test reads it")
    }

    fn parse(text: &str) -> Result<Profiles, toml::de::Error> {
        let File { agent, model } = toml::from_str(text)?;
        Ok(Profiles { agent, model: model.unwrap_or_else(greedy) })
    }
}

/// The likeliest token each time, and pictures as the model's own files say.
fn greedy() -> Settings {
    Settings {
        longest_edge: None,
        newline_after_picture: false,
        stop: Vec::new(),
        grammar: true,
        sampling: Sampling::GREEDY,
    }
}

#[cfg(test)]
mod tests {
    use tapwright_agent::action::Call;
    use tapwright_agent::dialect::Dialect;

    use super::*;

    #[test]
    fn ours_can_be_read() {
        assert_eq!(Profiles::of_servers().agent.dialect, Dialect::Autoglm);
        assert_eq!(Profiles::of_scripts().agent.system, None);
    }

    /// What general models are taught must be what is understood.
    #[test]
    fn every_example_in_the_prompt_is_understood() {
        let system = Profiles::of_servers().agent.system.unwrap();
        let mut verbs = 0;
        for line in system.lines().filter(|line| line.starts_with("do(") || line.starts_with("finish(")) {
            let call = Dialect::Autoglm.read(&format!("<think>t</think><answer>{line}</answer>"), false).call;
            let call = call.unwrap_or_else(|unclear| panic!("{line}: {unclear}"));
            assert_eq!(Dialect::Autoglm.print(&call), line);
            verbs += usize::from(matches!(call, Call::Do(_)));
        }
        assert_eq!(verbs, 15, "the 14 verbs, and the tap that a person is asked about");
    }

    #[test]
    fn mistakes_are_pointed_at() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("profile.toml");
        let text = SCRIPT.replace("remarks", "remark");
        std::fs::write(&file, &text).unwrap();
        let mistake = Profiles::read(&file).unwrap_err();
        assert_eq!(mistake.why, "there is no key `remark` here");
        assert_eq!(mistake.help.as_deref(), Some("did you mean `remarks`?"));
        assert_eq!(&text[mistake.at.unwrap()], "remark");
        let missing = Profiles::read(&folder.path().join("none.toml")).unwrap_err();
        assert!(missing.why.starts_with("it cannot be read"), "{missing}");
    }

    #[test]
    fn the_mini_models_profile_is_right() {
        let profiles = Profiles::read(Path::new("../models/mini/profile.toml")).unwrap();
        assert_eq!(profiles.agent.history, Some(1));
        assert_eq!(profiles.agent.tokens_max, 96);
        assert_eq!(profiles.model.longest_edge, Some(126_000));
        assert_eq!(profiles.model.stop, ["</answer>"]);
    }
}
