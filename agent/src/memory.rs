//! What the model is reminded of, within what it can take.
//!
//! The latest exchanges are kept word for word. When they no longer fit, the oldest are condensed to a line each in the
//! first turn's screen info, beside what was noted, and in the end forgotten: the memory of a long run stays flat.

use std::collections::VecDeque;

use tapwright_contract::model::{Part, Prompt};
use tapwright_contract::{Picture, Size};

use crate::limits::clip;
use crate::profile::Profile;
use crate::prompt::{self, Exchange};

/// The earlier steps of a run.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// What the model was told first of all.
    first: Option<String>,
    recent: VecDeque<(u32, Exchange, String)>,
    /// The condensed steps, the oldest first.
    lines: VecDeque<String>,
    lines_bytes: usize,
    /// How many steps are not even a line.
    forgotten: u32,
    /// Tokens that a model counted, for a thousand that were estimated; it only grows.
    scale: Option<u64>,
    /// The estimate of the latest prompt.
    estimated: u64,
}

/// The most that the condensed steps take, in bytes.
const LINES_BYTES: usize = 2_000;
/// The longest line.
const LINE_BYTES: usize = 90;
/// Without a limit of the model's, so many exchanges are kept.
const EXCHANGES_MAX: usize = 1_000;
/// What a turn costs besides its words.
const TURN_TOKENS: u64 = 8;

/// The prompt cannot be made small enough: the goal alone is too long.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the goal needs about {needed} tokens with its screen, and the model takes {context}")]
pub(crate) struct TooLong {
    pub(crate) needed: u64,
    pub(crate) context: u32,
}

impl Memory {
    /// Adds a step.
    pub(crate) fn add(&mut self, step: u32, mut exchange: Exchange, action: &str, profile: &Profile) {
        if let Some(context) = profile.context_tokens {
            // One step must not take the place of all others.
            let bytes_max = (context as usize / 4).max(200);
            if exchange.reply.len() > bytes_max {
                exchange.reply = clip(&exchange.reply, bytes_max).to_owned();
            }
        }
        self.first.get_or_insert_with(|| exchange.info.clone());
        self.recent.push_back((step, exchange, clip(action, LINE_BYTES).to_owned()));
        let kept = profile.history.map_or(EXCHANGES_MAX, |history| history as usize);
        while self.recent.len() > kept {
            // A model with a history of its own length was not taught to read more than that.
            match profile.history {
                Some(_) => drop(self.recent.pop_front()),
                None => self.condense(),
            }
        }
    }

    /// How many tokens the model counted for the latest prompt.
    pub(crate) fn set_prompt_tokens(&mut self, tokens: u32) {
        if tokens > 0 && self.estimated > 0 {
            let scale = (u64::from(tokens) * 1000 / self.estimated).clamp(1000, 4000);
            self.scale = Some(self.scale.map_or(scale, |before| before.max(scale)));
        }
    }

    /// The prompt for a step, within the model's context.
    pub(crate) fn prompt(
        &mut self,
        profile: &Profile,
        goal: &str,
        date: &str,
        notes: &str,
        info: &str,
        picture: &Picture,
    ) -> Result<Prompt, TooLong> {
        if let Some(context) = profile.context_tokens {
            loop {
                let needed = self.tokens(profile, goal, date, notes, info, picture);
                if needed <= u64::from(context) {
                    break;
                }
                if self.recent.len() > 1 {
                    // Some more than needed, so that the prompt's beginning then stays as it is for a while.
                    (0..(self.recent.len() / 4).max(1)).for_each(|_| self.condense());
                } else if let Some(line) = self.lines.pop_front() {
                    self.lines_bytes -= line.len();
                    self.forgotten += 1;
                } else if self.recent.is_empty() {
                    return Err(TooLong { needed, context });
                } else {
                    self.condense();
                }
            }
        }
        let prompt = self.compose(profile, goal, date, notes, info, picture);
        self.estimated = estimate(profile, &prompt).max(1);
        Ok(prompt)
    }

    fn tokens(&self, profile: &Profile, goal: &str, date: &str, notes: &str, info: &str, picture: &Picture) -> u64 {
        let prompt = self.compose(profile, goal, date, notes, info, picture);
        let tokens = estimate(profile, &prompt);
        let scaled = tokens * self.scale.unwrap_or(1000) / 1000;
        scaled + u64::from(profile.tokens_max)
    }

    fn compose(&self, profile: &Profile, goal: &str, date: &str, notes: &str, info: &str, picture: &Picture) -> Prompt {
        let condensed = self.forgotten > 0 || !self.lines.is_empty();
        let first = match (&self.first, condensed) {
            (Some(first), true) => Some(prompt::with_earlier(first, &self.earlier(), notes)),
            (first, _) => first.clone(),
        };
        // All was condensed: what the first turn knows must not be lost with the reply that it led to.
        let info = match (&first, condensed && self.recent.is_empty()) {
            (Some(_), true) => prompt::with_earlier(info, &self.earlier(), notes),
            _ => info.to_owned(),
        };
        let kept = self.recent.iter().map(|(_, exchange, _)| exchange);
        prompt::layout(profile, goal, date, first.as_deref(), kept, &info, picture.clone())
    }

    fn earlier(&self) -> String {
        let mut told = String::new();
        if self.forgotten > 0 {
            told = format!("({} steps before) ", self.forgotten);
        }
        told + &self.lines.iter().map(String::as_str).collect::<Vec<_>>().join("; ")
    }

    fn condense(&mut self) {
        let Some((step, _, action)) = self.recent.pop_front() else { return };
        let line = format!("{step}. {action}");
        self.lines_bytes += line.len();
        self.lines.push_back(line);
        while self.lines_bytes > LINES_BYTES
            && let Some(line) = self.lines.pop_front()
        {
            self.lines_bytes -= line.len();
            self.forgotten += 1;
        }
    }

    /// How many bytes it holds, for tests.
    #[cfg(test)]
    fn bytes(&self) -> usize {
        self.first.as_ref().map_or(0, String::len)
            + self.recent.iter().map(|(_, e, a)| e.info.len() + e.reply.len() + a.len()).sum::<usize>()
            + self.lines_bytes
    }
}

/// How many tokens a prompt has, rather too many than too few.
pub(crate) fn estimate(profile: &Profile, prompt: &Prompt) -> u64 {
    let parts = prompt.turns.iter().flat_map(|turn| &turn.parts);
    let words: u64 = parts
        .map(|part| match part {
            Part::Text(text) => tokens_of(text),
            Part::Picture(picture) => picture_tokens(picture.size(), profile.picture_pixels),
        })
        .sum();
    words + TURN_TOKENS * prompt.turns.len() as u64
}

/// Two bytes a token: English has four, Chinese two to six, coordinates and brackets between two and three.
fn tokens_of(text: &str) -> u64 {
    text.len().div_ceil(2) as u64
}

/// A token for 28 by 28 pixels, of a picture that is made smaller if it has more than `pixels_max`.
fn picture_tokens(size: Size, pixels_max: Option<u64>) -> u64 {
    let whole = u64::from(size.width.div_ceil(28)) * u64::from(size.height.div_ceil(28));
    pixels_max.map_or(whole, |pixels| whole.min(pixels.div_ceil(28 * 28)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Dialect;
    use crate::dialect::frame::Coordinates;
    use crate::profile::ReplyForm;
    use crate::prompt::{clean_reply, info};

    fn profile() -> Profile {
        Profile {
            dialect: Dialect::Autoglm,
            coordinates: Coordinates::Thousandths,
            system: Some("指令".repeat(1700).into()),
            history: None,
            reply: ReplyForm::Clean,
            remarks: true,
            tokens_max: 3000,
            context_tokens: Some(25_480),
            picture_pixels: Some(2_500_000),
            summaries: false,
            goal_checks: None,
            marked_thoughts: false,
        }
    }

    #[test]
    fn pictures_cost_what_the_model_counts() {
        let size = |width, height| Size { width, height };
        assert!(picture_tokens(size(1080, 2400), Some(2_500_000)) >= 3108);
        assert!(picture_tokens(size(1440, 3200), Some(2_500_000)) >= 3108);
        assert!(picture_tokens(size(1280, 720), Some(2_500_000)) >= 1196);
        assert!(picture_tokens(size(1080, 2400), None) >= 3354);
        assert!(picture_tokens(size(540, 1200), Some(63_000)) >= 78);
    }

    #[test]
    fn three_hundred_steps_fit_and_take_no_more_room_than_a_hundred() {
        let profile = profile();
        let picture = Picture::new(Size { width: 4, height: 4 }, vec![0; 64]).unwrap();
        let mut memory = Memory::default();
        let (mut most, mut at_hundred, mut later) = (0, 0, 0);
        for step in 1..=300 {
            let info = info("小红书", (step % 7 == 0).then_some("the last 2 actions have not changed the screen"));
            let prompt = memory.prompt(&profile, "比价并下单", "2026-01-01", "1. 牛奶 2.49", &info, &picture).unwrap();
            let pictures = prompt.turns.iter().flat_map(|turn| &turn.parts).filter(|p| matches!(p, Part::Picture(_)));
            assert_eq!(pictures.count(), 1);
            let tokens = estimate(&profile, &prompt) + 3000;
            assert!(tokens <= 25_480, "step {step}: {tokens}");
            most = most.max(tokens);
            let action = format!("do(action=\"Tap\", element=[{step},500])");
            let thought = "当前页面显示了商品列表，我需要点击第一个商品查看价格。".repeat(3);
            memory.add(step, Exchange { info, reply: clean_reply(&thought, &action) }, &action, &profile);
            memory.set_prompt_tokens(0);
            if step <= 100 {
                at_hundred = at_hundred.max(memory.bytes());
            } else {
                later = later.max(memory.bytes());
            }
        }
        assert!(most > 15_000, "the room is used: {most}");
        assert!(later <= at_hundred + LINE_BYTES, "{at_hundred} {later}");
        assert!(memory.forgotten > 100);
        println!("most tokens {most}; most bytes held {at_hundred}, {later}");
    }

    #[test]
    fn a_model_that_counts_more_gets_less() {
        let profile = profile();
        let picture = Picture::new(Size { width: 4, height: 4 }, vec![0; 64]).unwrap();
        let mut memory = Memory::default();
        for step in 1..=200 {
            let info = info("a", None);
            let prompt = memory.prompt(&profile, "g", "d", "", &info, &picture).unwrap();
            let counted = estimate(&profile, &prompt) * 3 / 2;
            // The first prompt tells how wrong the estimate is; from then on nothing is too long.
            assert!(counted + 3000 <= 25_480, "step {step}: {counted}");
            memory.set_prompt_tokens(u32::try_from(counted).unwrap());
            memory.add(step, Exchange { info, reply: "x".repeat(600) }, "do(action=\"Back\")", &profile);
        }
    }

    #[test]
    fn a_goal_that_never_fits_is_said_so() {
        let picture = Picture::new(Size { width: 4, height: 4 }, vec![0; 64]).unwrap();
        let mut memory = Memory::default();
        let long = "x".repeat(100_000);
        let error = memory.prompt(&profile(), &long, "d", "", "{}", &picture).unwrap_err();
        assert_eq!(error.context, 25_480);
        memory.add(1, Exchange { info: "{}".to_owned(), reply: "r".to_owned() }, "a", &profile());
        assert!(memory.prompt(&profile(), &long, "d", "", "{}", &picture).is_err());
    }

    #[test]
    fn a_reply_that_is_too_long_is_shortened() {
        let mut memory = Memory::default();
        memory.add(1, Exchange { info: "{}".to_owned(), reply: "x".repeat(64_000) }, "a", &profile());
        assert!(memory.bytes() < 7_000);
    }
}
