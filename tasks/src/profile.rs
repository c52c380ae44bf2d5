//! What a model expects: the file `profile.toml` in its folder, one section for the agent and one for the model; the
//! profiles that come with this program; and which of them a folder without one is taken to need.

mod goals;
mod import;

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tapwright_agent::profile::Profile;
use tapwright_contract::Size;
use tapwright_models::{ModelSettings, Sampling};

use crate::device::DeviceKind;
use crate::mistake::{Mistake, nearest};

pub use goals::{GoalKind, Slot, TrainedGoals};
pub use import::{ImportedProfile, import};
pub use tapwright_agent::profile::{NoLanguage, PromptLanguage, ReplyForm, System};

/// A model's profile, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Profiles {
    /// What it is told, and how it answers.
    pub agent: Profile,
    /// How its words and pictures are made.
    pub model: ModelSettings,
    /// What it was trained for, if that is said.
    pub goals: Option<TrainedGoals>,
    /// On which kinds of device it was trained; empty if that is not said, and then it may be asked about any.
    pub devices: Vec<DeviceKind>,
    /// Of what proportions the displays of its training were; any, if that is not said.
    pub display_ratio: Option<DisplayRatio>,
}

/// How many times as high as wide a display is at least and at most. What a small model was trained on shrinks to pictures of one size, and
/// of others it has seen nothing.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct DisplayRatio(pub f64, pub f64);

impl DisplayRatio {
    /// Whether a display is of these proportions.
    pub fn includes(self, display: Size) -> bool {
        let ratio = f64::from(display.height) / f64::from(display.width.max(1));
        (self.0..=self.1).contains(&ratio)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    agent: Profile,
    model: Option<ModelSettings>,
    goals: Option<TrainedGoals>,
    #[serde(default)]
    devices: Vec<DeviceKind>,
    display_ratio: Option<DisplayRatio>,
}

/// A profile that comes with this program. The prompts in them are our own words.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Shipped {
    pub name: &'static str,
    /// For people: which models it is for.
    pub about: &'static str,
    /// As a file.
    pub text: &'static str,
}

/// Which profile is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProfileChoice {
    Shipped(Shipped),
    File(PathBuf),
}

/// A folder's profile, and where it is from.
#[derive(Clone, Debug, PartialEq)]
pub struct ChosenProfile {
    pub profiles: Profiles,
    /// A sentence for people if nobody chose it: the folder has none, and this one was taken.
    pub note: Option<String>,
}

/// No profile has that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no profile `{name}`; there are: {}", names())]
pub struct NoSuchProfile {
    pub name: String,
    /// A name that is near.
    pub near: Option<&'static str>,
}

/// For general models behind servers, which know nothing of the action language and have to be taught it.
const SERVER: Shipped = Shipped {
    name: "server",
    about: "any model with vision, here or behind an OpenAI-compatible server; it is taught the action language",
    text: include_str!("profiles/server.toml"),
};
const AUTOGLM: Shipped = Shipped {
    name: "autoglm-phone-9b",
    about: "AutoGLM-Phone-9B: layout, limits and sampling of its official client, in Chinese or English",
    text: include_str!("profiles/autoglm-phone-9b.toml"),
};
const MULTILINGUAL: Shipped = Shipped {
    name: "autoglm-phone-9b-multilingual",
    about: "AutoGLM-Phone-9B-Multilingual: the same, in English or Chinese",
    text: include_str!("profiles/autoglm-phone-9b-multilingual.toml"),
};
const MINI: Shipped = Shipped {
    name: "mini",
    about: "the small model that comes with this program",
    text: include_str!("../../models/mini/profile.toml"),
};
/// For general models that operate a computer, which have to be taught its actions.
const COMPUTER: Shipped = Shipped {
    name: "computer",
    about: "any model with vision on a desktop or in a browser; it is taught the actions of a pointer and a keyboard",
    text: include_str!("profiles/computer.toml"),
};
const UI_TARS: Shipped = Shipped {
    name: "ui-tars",
    about: "UI-TARS-1.5 on a desktop or in a browser: its own form, in pixels of the picture as its processor has made it",
    text: include_str!("profiles/ui-tars.toml"),
};
const QWEN_COMPUTER: Shipped = Shipped {
    name: "qwen-vl-computer",
    about: "Qwen3-VL, Qwen3.5 and their kin on a desktop or in a browser: calls of the tool computer_use",
    text: include_str!("profiles/qwen-vl-computer.toml"),
};
const GLM_COMPUTER: Shipped = Shipped {
    name: "glm-v-computer",
    about: "GLM-4.5V, GLM-4.6V, GLM-5V on a desktop or in a browser: an action in a box",
    text: include_str!("profiles/glm-v-computer.toml"),
};
/// For scripts, which expect nothing.
const SCRIPT: Shipped =
    Shipped { name: "script", about: "replies that somebody wrote down", text: include_str!("profiles/script.toml") };

/// All that ship.
pub const SHIPPED: [Shipped; 9] =
    [MINI, AUTOGLM, MULTILINGUAL, SERVER, COMPUTER, UI_TARS, QWEN_COMPUTER, GLM_COMPUTER, SCRIPT];

/// Far above any profile that a person would write.
const BYTES_MAX: u64 = 4 << 20;

impl Profiles {
    /// Reads a profile's file.
    ///
    /// # Errors
    /// `Mistake` says what is wrong in it, and where.
    pub fn read(file: &Path) -> Result<Profiles, Mistake> {
        let text = text_of(file, BYTES_MAX)?;
        Profiles::parse(&text).map_err(|error| {
            let mut mistake = Mistake::of_toml(file, &text, &error);
            if mistake.why.contains("`max_pixels`") {
                // People know it from command lines of servers; the reference's processor of this model drops it.
                mistake.help = Some("max_pixels sizes no picture of these models; write longest_edge".to_owned());
            }
            mistake
        })
    }

    /// What a model is taken to expect of which only a server's address is known.
    pub fn of_servers() -> Profiles {
        SERVER.profiles()
    }

    /// What a script expects.
    pub fn of_scripts() -> Profiles {
        SCRIPT.profiles()
    }

    /// The same, spoken in another language.
    ///
    /// # Errors
    /// `NoLanguage` if it has no such prompt.
    pub fn speaking(self, language: PromptLanguage) -> Result<Profiles, NoLanguage> {
        let system = self.agent.system.map(|system| system.choose(language)).transpose()?;
        Ok(Profiles { agent: Profile { system, ..self.agent }, ..self })
    }

    fn parse(text: &str) -> Result<Profiles, toml::de::Error> {
        let File { agent, model, goals, devices, display_ratio } = toml::from_str(text)?;
        let model = model.unwrap_or_else(|| ModelSettings::new(Sampling::GREEDY));
        Ok(Profiles { agent, model, goals, devices, display_ratio })
    }
}

impl Shipped {
    /// The one with that name.
    ///
    /// # Errors
    /// `NoSuchProfile` if there is none.
    pub fn find(name: &str) -> Result<Shipped, NoSuchProfile> {
        let mut all = SHIPPED.into_iter();
        all.find(|shipped| shipped.name == name).ok_or_else(|| NoSuchProfile {
            name: name.to_owned(),
            near: nearest(name, SHIPPED.iter().map(|shipped| shipped.name)),
        })
    }

    /// It, read.
    pub fn profiles(&self) -> Profiles {
        Profiles::parse(self.text).expect("a test reads all of them")
    }
}

impl fmt::Debug for Shipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl ProfileChoice {
    /// A name of ours, or a file. A file that is called like one of ours is written with a folder: `./mini`.
    ///
    /// # Errors
    /// `NoSuchProfile` if the words can only be a name, and are none.
    pub fn of(words: &str) -> Result<ProfileChoice, NoSuchProfile> {
        match Shipped::find(words) {
            Ok(shipped) => Ok(ProfileChoice::Shipped(shipped)),
            Err(_) if words.contains(['/', '\\', '.']) || Path::new(words).exists() => {
                Ok(ProfileChoice::File(words.into()))
            }
            Err(error) => Err(error),
        }
    }

    /// The profile.
    ///
    /// # Errors
    /// `Mistake` if it is a file that cannot be read.
    pub fn profiles(&self) -> Result<Profiles, Mistake> {
        match self {
            ProfileChoice::Shipped(shipped) => Ok(shipped.profiles()),
            ProfileChoice::File(file) => Profiles::read(file),
        }
    }
}

/// The profile of a model's folder: its own, or the one that fits its name, or the one for models that know nothing.
///
/// # Errors
/// `Mistake` if its own is wrong.
pub fn of_folder(folder: &Path) -> Result<ChosenProfile, Mistake> {
    let file = folder.join("profile.toml");
    if file.is_file() {
        return Ok(ChosenProfile { profiles: Profiles::read(&file)?, note: None });
    }
    // Downloads are kept under other names; the path above says more then, and so may the configuration.
    let path = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let above = path.ancestors().take(3).filter_map(|above| above.file_name());
    let mut said: Vec<String> = above.map(|name| name.to_string_lossy().into_owned()).collect();
    said.extend(name_in_config(folder));
    let (shipped, why) = match said.iter().find_map(|name| Some((by_name(name)?, name))) {
        Some((shipped, name)) => (shipped, format!("by its name {name}")),
        None => (SERVER, "as nothing says that it was trained for the action language".to_owned()),
    };
    let note = format!(
        "{} has no profile.toml: `{}` is used, {why}; choose another one with --profile",
        folder.display(),
        shipped.name
    );
    Ok(ChosenProfile { profiles: shipped.profiles(), note: Some(note) })
}

/// Which of ours is for a model that is called so, by whoever keeps or serves it.
pub fn by_name(name: &str) -> Option<Shipped> {
    let name = name.to_lowercase().replace('_', "-");
    if name.contains("ui-tars") {
        return Some(UI_TARS);
    }
    match name.contains("autoglm") {
        true if name.contains("multilingual") => Some(MULTILINGUAL),
        true => Some(AUTOGLM),
        false => None,
    }
}

/// What the model was called where its configuration was written.
fn name_in_config(folder: &Path) -> Option<String> {
    #[derive(Deserialize)]
    struct Config {
        _name_or_path: Option<String>,
    }
    let text = text_of(&folder.join("config.json"), BYTES_MAX).ok()?;
    serde_json::from_str::<Config>(&text).ok()?._name_or_path
}

/// A file's text, if it is not larger than any sane one.
fn text_of(file: &Path, bytes_max: u64) -> Result<String, Mistake> {
    let unreadable = |error: &std::io::Error| Mistake::unreadable(file, error);
    tapwright_contract::file::read_text(file, bytes_max).map_err(|error| unreadable(&error))
}

fn names() -> String {
    SHIPPED.map(|shipped| shipped.name).join(", ")
}

#[cfg(test)]
mod tests {
    use tapwright_agent::action::{Action, Call};
    use tapwright_agent::dialect::Dialect;

    use super::*;

    #[test]
    fn ours_can_be_read() {
        for shipped in SHIPPED {
            let profiles = shipped.profiles();
            let is_for_computers = [COMPUTER, UI_TARS, QWEN_COMPUTER, GLM_COMPUTER].contains(&shipped);
            let dialect = if is_for_computers { Dialect::Computer } else { Dialect::Autoglm };
            assert_eq!(profiles.agent.dialect, dialect, "{shipped:?}");
            // Nobody is held to a form that it was not taught.
            assert_eq!(
                profiles.model.grammar,
                ![UI_TARS, QWEN_COMPUTER, GLM_COMPUTER].contains(&shipped),
                "{shipped:?}"
            );
            assert_eq!(Shipped::find(shipped.name), Ok(shipped));
            for language in profiles.agent.system.iter().flat_map(System::languages) {
                let system = profiles.clone().speaking(language).unwrap().agent.system.unwrap();
                assert!(system.text().contains("{date}"), "{shipped:?} in {language} does not say the date");
            }
        }
        assert_eq!(Profiles::of_scripts().agent.system, None);
    }

    /// What models are taught must be what is understood, in every language, and all of it.
    #[test]
    fn every_example_in_the_prompts_is_understood() {
        let mut prompts = 0;
        for shipped in SHIPPED {
            let agent = shipped.profiles().agent;
            let Some(system) = agent.system.filter(|_| agent.dialect == Dialect::Autoglm) else { continue };
            let languages = system.languages();
            let texts = match languages.is_empty() {
                true => vec![system.text().to_owned()],
                false => languages.iter().map(|&at| system.clone().choose(at).unwrap().text().to_owned()).collect(),
            };
            for text in texts {
                let mut verbs = 0;
                for line in text.lines().filter(|line| line.starts_with("do(") || line.starts_with("finish(")) {
                    let call = Dialect::Autoglm.read(&format!("<think>t</think><answer>{line}</answer>"), false).call;
                    let call = call.unwrap_or_else(|unclear| panic!("{line}: {unclear}"));
                    assert_eq!(Dialect::Autoglm.print(&call), line);
                    // `Drag` is no verb that AutoGLM was trained on; general models are told of it.
                    verbs += usize::from(matches!(&call, Call::Do(action) if !matches!(action, Action::Drag { .. })));
                }
                assert_eq!(verbs, 15, "{shipped:?}: the 14 verbs, and the tap that a person is asked about");
                prompts += 1;
            }
        }
        assert_eq!(prompts, 5, "two of two languages, and one of one");
    }

    /// The same for computers, in the form and the coordinates of each family.
    #[test]
    fn every_example_for_computers_is_understood() {
        let size = Size { width: 1280, height: 800 };
        for shipped in [COMPUTER, UI_TARS, QWEN_COMPUTER, GLM_COMPUTER] {
            let agent = shipped.profiles().agent;
            let (system, frame) = (agent.system.clone().unwrap(), agent.frame(size));
            for language in [PromptLanguage::En, PromptLanguage::Zh] {
                let text = system.clone().choose(language).unwrap().text().to_owned();
                let mut read = Vec::new();
                let is_example = |line: &&str| {
                    let name = line.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(0);
                    line.starts_with("<tool_call>") || (name > 0 && line[name..].starts_with('('))
                };
                for line in text.lines().filter(is_example) {
                    let said = Dialect::Computer.read_on(line, false, &Default::default(), &frame);
                    let call = said.call.unwrap_or_else(|unclear| panic!("{shipped:?}: {line}: {unclear}"));
                    assert!(said.rest.is_empty() && !said.more, "{line}");
                    if shipped == COMPUTER {
                        assert_eq!(Dialect::Computer.print_on(&call, &frame), line);
                    }
                    read.push(call);
                }
                let ends = read.iter().filter(|call| !matches!(call, Call::Do(_))).count();
                assert!(ends >= 2 && read.len() >= 11, "{shipped:?}: {read:?}");
            }
        }
        let tars = UI_TARS.profiles().agent;
        let at = Dialect::Computer.read_on(
            "Action: click(start_box='(1287,811)')",
            false,
            &Default::default(),
            &tars.frame(size),
        );
        let Ok(Call::Do(Action::Click { at, .. })) = at.call else { panic!("{at:?}") };
        assert_eq!(
            Dialect::Computer.print_on(
                &Call::Do(Action::Move { at }),
                &tapwright_agent::dialect::frame::Frame::new(
                    tapwright_agent::dialect::frame::Coordinates::Pixels,
                    size
                )
            ),
            "move(at=[1279,799])",
            "the picture that it sees has 1288x812"
        );
    }

    #[test]
    fn what_the_official_client_and_server_do_is_in_the_profiles() {
        for (shipped, language) in [(AUTOGLM, PromptLanguage::Zh), (MULTILINGUAL, PromptLanguage::En)] {
            let Profiles { agent, model, .. } = shipped.profiles();
            assert_eq!(agent.system.unwrap().language(), Some(language));
            assert_eq!((agent.history, agent.reply, agent.tokens_max), (None, ReplyForm::Doubled, 3000));
            assert_eq!((model.context_tokens_max, model.longest_edge), (Some(25_480), Some(5_000_000)));
            assert!(model.newline_after_picture);
            let Sampling { temperature, top_p, frequency_penalty, .. } = model.sampling;
            assert_eq!((temperature, top_p, frequency_penalty), (0.0, Some(0.85), 0.2));
            assert!(model.stop.contains(&"</answer>".to_owned()));
        }
    }

    #[test]
    fn mistakes_are_pointed_at() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("profile.toml");
        let text = SCRIPT.text.replace("remarks", "remark");
        std::fs::write(&file, &text).unwrap();
        let mistake = Profiles::read(&file).unwrap_err();
        assert_eq!(mistake.why, "there is no key `remark` here");
        assert_eq!(mistake.help.as_deref(), Some("did you mean `remarks`?"));
        assert_eq!(&text[mistake.at.unwrap()], "remark");
        std::fs::write(&file, format!("{}[model]\nmax_pixels = 1\n", SCRIPT.text)).unwrap();
        let mistake = Profiles::read(&file).unwrap_err();
        assert!(mistake.help.unwrap().ends_with("write longest_edge"), "{}", mistake.why);
        let missing = Profiles::read(&folder.path().join("none.toml")).unwrap_err();
        assert!(missing.why.starts_with("it cannot be read"), "{missing}");
    }

    #[test]
    fn names_and_files_are_told_apart() {
        assert_eq!(ProfileChoice::of("mini"), Ok(ProfileChoice::Shipped(MINI)));
        assert_eq!(ProfileChoice::of("./mini"), Ok(ProfileChoice::File("./mini".into())));
        assert_eq!(ProfileChoice::of("a.toml"), Ok(ProfileChoice::File("a.toml".into())));
        let error = ProfileChoice::of("autoglm-phone").unwrap_err();
        assert_eq!(error.near, Some("autoglm-phone-9b"));
        assert!(error.to_string().contains("autoglm-phone-9b-multilingual, server"), "{error}");
    }

    #[test]
    fn a_folder_without_a_profile_gets_the_one_that_fits() {
        let folder = tempfile::tempdir().unwrap();
        let check = |path: &str, config: &str, expected: Shipped| {
            let at = folder.path().join(path);
            std::fs::create_dir_all(&at).unwrap();
            std::fs::write(at.join("config.json"), config).unwrap();
            let ChosenProfile { profiles, note } = of_folder(&at).unwrap();
            assert_eq!(profiles, expected.profiles(), "{path}");
            assert!(note.unwrap().contains(&format!("`{}` is used", expected.name)));
        };
        check("AutoGLM-Phone-9B", "{}", AUTOGLM);
        check("autoglm_phone_9b_multilingual-int4", "{}", MULTILINGUAL);
        check("models--zai-org--AutoGLM-Phone-9B-Multilingual/snapshots/0a1b", "{}", MULTILINGUAL);
        check("x", "{\"_name_or_path\": \"zai-org/AutoGLM-Phone-9B\"}", AUTOGLM);
        check("UI-TARS-1.5-7B", "{}", UI_TARS);
        check("GLM-4.1V-9B-Thinking", "{\"model_type\": \"glm4v\"}", SERVER);
        std::fs::write(folder.path().join("x/profile.toml"), MINI.text).unwrap();
        assert_eq!(
            of_folder(&folder.path().join("x")).unwrap(),
            ChosenProfile { profiles: MINI.profiles(), note: None }
        );
    }

    #[test]
    fn the_mini_models_profile_is_right() {
        let profiles = MINI.profiles();
        assert_eq!(profiles.agent.history, Some(1));
        assert_eq!(profiles.agent.tokens_max, 96);
        assert_eq!(profiles.model.longest_edge, Some(126_000));
        assert_eq!(profiles.model.stop, ["</answer>"]);
        assert_eq!(profiles.devices, [DeviceKind::Phone]);
        let ratio = profiles.display_ratio.unwrap();
        let includes = |width, height| ratio.includes(Size { width, height });
        for (width, height) in [(540, 1200), (1080, 2400), (1440, 3120), (1080, 2340), (480, 1040)] {
            assert!(includes(width, height), "{width}x{height}");
        }
        for (width, height) in [(1080, 1920), (720, 1280), (1200, 540), (1080, 2460), (0, 100)] {
            assert!(!includes(width, height), "{width}x{height}");
        }
    }
}
