//! Chooses the next token, as vLLM defines its settings.

use std::collections::{BTreeMap, BTreeSet};

use crate::settings::Sampling;

/// Chooses the tokens of one reply.
pub struct Sampler {
    sampling: Sampling,
    /// What is added to logits.
    bias: BTreeMap<u32, f32>,
    /// Tokens of the prompt; empty where nothing asks for them.
    asked: BTreeSet<u32>,
    /// Tokens of the reply, and how often each was said.
    said: BTreeMap<u32, u32>,
    dice: SplitMix64,
}

/// Why no token can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SampleError {
    /// The model computed NaN or infinity.
    NotFinite,
    /// The model's numbers were finite, and are not with the penalties that were asked for.
    Penalties,
    /// No token may be chosen.
    Nothing,
}

/// A row of numbers that looks like chance and is the same for the same seed (SplitMix64).
#[derive(Clone)]
pub struct SplitMix64(u64);

impl SplitMix64 {
    pub fn new(seed: u64) -> SplitMix64 {
        SplitMix64(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A seed that goes with this one and a number.
    pub fn derive_seed(seed: u64, number: u64) -> u64 {
        if number == 0 { seed } else { SplitMix64(seed ^ SplitMix64(number).next()).next() }
    }

    /// From 0 up to but not including 1.
    pub fn throw(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

impl Sampler {
    /// For a reply to a prompt of those tokens.
    pub fn new(sampling: Sampling, bias: BTreeMap<u32, f32>, prompt: impl Iterator<Item = u32>) -> Sampler {
        let asked = if sampling.repetition_penalty.is_some() { prompt.collect() } else { BTreeSet::new() };
        let dice = SplitMix64::new(sampling.seed);
        Sampler { sampling, bias, asked, said: BTreeMap::new(), dice }
    }

    /// Chooses by the logits of all tokens, which are spoilt. A logit of minus infinity is a token that may not be chosen.
    ///
    /// # Errors
    /// `SampleError` when there is nothing to choose by.
    pub fn choose(&mut self, logits: &mut [f32]) -> Result<u32, SampleError> {
        // One infinity would weigh as much as all the rest, and the difference of two of them is no number.
        let broken = |logits: &[f32]| logits.iter().any(|logit| logit.is_nan() || *logit == f32::INFINITY);
        if broken(logits) {
            return Err(SampleError::NotFinite);
        }
        self.penalise(logits);
        if broken(logits) {
            return Err(SampleError::Penalties);
        }
        let best = likeliest(logits).ok_or(SampleError::Nothing)?;
        let token = if self.sampling.temperature == 0.0 { best } else { self.draw(logits, best) };
        self.note(token);
        Ok(token)
    }

    /// Counts a token that was said without being chosen.
    pub fn note(&mut self, token: u32) {
        *self.said.entry(token).or_default() += 1;
    }

    fn penalise(&self, logits: &mut [f32]) {
        if let Some(penalty) = self.sampling.repetition_penalty {
            for &token in self.asked.iter().chain(self.said.keys().filter(|token| !self.asked.contains(token))) {
                if let Some(logit) = logits.get_mut(token as usize) {
                    *logit = if *logit > 0.0 { *logit / penalty } else { *logit * penalty };
                }
            }
        }
        for (&token, bias) in &self.bias {
            if let Some(logit) = logits.get_mut(token as usize) {
                *logit += bias;
            }
        }
        for (&token, &times) in &self.said {
            if let Some(logit) = logits.get_mut(token as usize) {
                *logit -= self.sampling.frequency_penalty * times as f32 + self.sampling.presence_penalty;
            }
        }
    }

    fn draw(&mut self, logits: &[f32], best: u32) -> u32 {
        let temperature = f64::from(self.sampling.temperature);
        let highest = f64::from(logits[best as usize]);
        let weight = |token: &u32| ((f64::from(logits[*token as usize]) - highest) / temperature).exp();
        let least = self.sampling.min_p.map_or(0.0, f64::from);
        let mut order: Vec<u32> = (0..logits.len() as u32)
            .filter(|&token| logits[token as usize] > f32::NEG_INFINITY && weight(&token) >= least)
            .collect();
        let by_logit = |&a: &u32, &b: &u32| logits[b as usize].total_cmp(&logits[a as usize]).then(a.cmp(&b));
        // None of them stands for all of them, as in other people's files.
        let most = self.sampling.top_k.filter(|most| *most > 0).map_or(order.len(), |most| most as usize);
        let kept = order.len().min(most);
        if kept < order.len() {
            order.select_nth_unstable_by(kept - 1, by_logit);
            order.truncate(kept);
        }
        order.sort_unstable_by(by_logit);

        let weights: Vec<f64> = order.iter().map(weight).collect();
        let all: f64 = weights.iter().sum();
        // The token that crosses the line is still in, so there is always one.
        let line = all * f64::from(self.sampling.top_p.unwrap_or(1.0));
        let mut sum = 0.0;
        let within = weights.iter().take_while(|&&weight| {
            let before = sum;
            sum += weight;
            before < line
        });
        // The likeliest is among them whatever rounding makes of the line.
        let within = within.count().clamp(1, order.len().max(1));
        let Some(order) = order.get(..within) else { return best };
        let mut left = self.dice.throw() * weights[..within].iter().sum::<f64>();
        for (token, weight) in order.iter().zip(&weights) {
            left -= weight;
            if left < 0.0 {
                return *token;
            }
        }
        order.last().copied().unwrap_or(best) // Rounding may leave a little.
    }
}

/// The first of the likeliest, as the reference has it; `None` if there is none.
fn likeliest(logits: &[f32]) -> Option<u32> {
    let mut best: Option<(usize, f32)> = None;
    for (token, &logit) in logits.iter().enumerate() {
        if logit > best.map_or(f32::NEG_INFINITY, |(_, highest)| highest) {
            best = Some((token, logit));
        }
    }
    best.map(|(token, _)| token as u32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GREEDY: Sampling = Sampling::GREEDY;

    fn sampler(sampling: Sampling) -> Sampler {
        Sampler::new(sampling, BTreeMap::new(), std::iter::empty())
    }

    #[test]
    fn a_bias_is_added_to_the_logits_and_the_most_negative_one_forbids() {
        for (bias, expected) in
            [(&[(0, -100.0)][..], 1), (&[(2, 1.0)], 0), (&[(2, 2.5), (1, 1.0)], 2), (&[(9, 100.0)], 0)]
        {
            let mut sampler = Sampler::new(GREEDY, bias.iter().copied().collect(), std::iter::empty());
            assert_eq!(sampler.choose(&mut [3.0, 2.0, 1.0]), Ok(expected), "{bias:?}");
        }
    }

    /// Each from a sampler of its own, so that penalties do not add up.
    fn choices(sampling: &Sampling, logits: &[f32], count: u64) -> Vec<u32> {
        (0..count)
            .map(|number| {
                let seed = SplitMix64::derive_seed(sampling.seed, number);
                sampler(Sampling { seed, ..sampling.clone() }).choose(&mut logits.to_vec()).unwrap()
            })
            .collect()
    }

    #[test]
    fn without_temperature_the_first_of_the_likeliest_is_taken() {
        assert_eq!(choices(&GREEDY, &[0.0, 3.0, 3.0, -1.0], 3), [1, 1, 1]);
    }

    #[test]
    fn the_penalty_counts_what_was_said() {
        let mut sampler = sampler(Sampling { frequency_penalty: 0.2, ..GREEDY });
        let said: Vec<u32> = (0..7).map(|_| sampler.choose(&mut [1.0, 0.9, 0.45]).unwrap()).collect();
        // 1.0 0.9 | 0.8 0.9 | 0.8 0.7 | 0.6 0.7 | 0.6 0.5 | 0.4 0.5, and 0.45 has never been said | 0.4 0.3 0.45
        assert_eq!(said, [0, 1, 0, 1, 0, 1, 2]);
    }

    #[test]
    fn presence_counts_once() {
        let mut sampler = sampler(Sampling { presence_penalty: 0.2, ..GREEDY });
        let said: Vec<u32> = (0..4).map(|_| sampler.choose(&mut [1.0, 0.9, 0.75]).unwrap()).collect();
        // 1.0 0.9 0.75 | 0.8 0.9 0.75 | 0.8 0.7 0.75 | 0.8 0.7 0.75
        assert_eq!(said, [0, 1, 0, 0]);
    }

    #[test]
    fn repetition_divides_what_is_above_nought_and_multiplies_what_is_below_in_prompt_and_reply() {
        let sampling = Sampling { repetition_penalty: Some(2.0), ..GREEDY };
        let mut sampler = Sampler::new(sampling, BTreeMap::new(), [0].into_iter());
        assert_eq!(sampler.choose(&mut [1.0, 0.6, -2.0]), Ok(1), "0.5 0.6 -2");
        assert_eq!(sampler.choose(&mut [-0.3, -0.5, -0.9]), Ok(0), "-0.6 -1 -0.9");
        assert_eq!(sampler.choose(&mut [-0.5, -0.5, -0.9]), Ok(2), "-1 -1 -0.9");
    }

    #[test]
    fn shares_follow_the_logits() {
        let sampling = Sampling { temperature: 1.0, seed: 7, ..GREEDY };
        let logits = [0.5f32.ln(), 0.3f32.ln(), 0.2f32.ln()];
        let said = choices(&sampling, &logits, 20_000);
        for (token, share) in [(0, 0.5), (1, 0.3), (2, 0.2)] {
            let found = said.iter().filter(|&&said| said == token).count() as f64 / 20_000.0;
            assert!((found - share).abs() < 0.02, "token {token}: {found}");
        }
        assert_eq!(said, choices(&sampling, &logits, 20_000), "the same seed says the same");
        assert_ne!(said, choices(&Sampling { seed: 8, ..sampling }, &logits, 20_000));
    }

    #[test]
    fn only_the_likeliest_are_drawn_from() {
        let logits = [0.2f32.ln(), 0.5f32.ln(), 0.3f32.ln(), f32::NEG_INFINITY];
        let drawn = |top_p, top_k, min_p| {
            let said = choices(&Sampling { temperature: 1.0, top_p, top_k, min_p, ..GREEDY }, &logits, 2_000);
            assert!(!said.contains(&3), "what may not be said is not");
            [0, 1, 2].map(|token| said.contains(&token))
        };
        assert_eq!(drawn(Some(0.5), None, None), [false, true, false]);
        assert_eq!(drawn(Some(0.6), None, None), [false, true, true]);
        assert_eq!(drawn(None, Some(1), None), [false, true, false]);
        assert_eq!(drawn(None, Some(2), None), [false, true, true]);
        assert_eq!(drawn(None, Some(9), None), [true; 3]);
        assert_eq!(drawn(None, Some(0), None), [true; 3], "none of them stands for all");
        assert_eq!(drawn(None, None, Some(0.5)), [false, true, true]);
        assert_eq!(drawn(None, None, Some(0.7)), [false, true, false]);
        // Shares are counted among what the other two leave: 5/8 of two.
        assert_eq!(drawn(Some(0.6), Some(2), None), [false, true, false]);
    }

    #[test]
    fn what_is_no_number_is_not_chosen_from() {
        use SampleError::{NotFinite, Nothing};
        for (none, why) in [
            (vec![1.0, f32::NAN], NotFinite),
            (vec![1.0, f32::INFINITY], NotFinite),
            (vec![f32::INFINITY, f32::NEG_INFINITY], NotFinite),
            (vec![], Nothing),
            (vec![f32::NEG_INFINITY; 3], Nothing),
        ] {
            assert_eq!(sampler(GREEDY).choose(&mut none.clone()), Err(why));
            assert_eq!(sampler(Sampling { temperature: 1.0, ..GREEDY }).choose(&mut none.clone()), Err(why));
        }
    }

    #[test]
    fn penalties_that_leave_no_numbers_are_the_asker_s_mistake() {
        let sampling = Sampling { temperature: 1.0, repetition_penalty: Some(1e-45), ..GREEDY };
        let mut sampler = Sampler::new(sampling, BTreeMap::new(), [2].into_iter());
        assert_eq!(sampler.choose(&mut [1.0, 2.0, 3.0, -1.0]), Err(SampleError::Penalties));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        /// Any settings, also those that are refused before they come here, and any numbers: a token that may be chosen, or why not.
        #[test]
        fn any_settings_choose_a_token_or_say_why_not(
            settings in (any::<f32>(), any::<Option<f32>>(), any::<Option<u32>>(), any::<Option<f32>>(), any::<Option<f32>>()),
            penalties in (any::<f32>(), any::<f32>()),
            logits in prop::collection::vec(prop_oneof![any::<f32>(), -9.0f32..9.0, Just(f32::NEG_INFINITY)], 0..9),
            seed in any::<u64>(),
        ) {
            let (temperature, top_p, top_k, min_p, repetition_penalty) = settings;
            let (presence_penalty, frequency_penalty) = penalties;
            let sampling = Sampling {
                temperature, top_p, top_k, min_p, repetition_penalty, presence_penalty, frequency_penalty, seed,
            };
            let mut sampler = Sampler::new(sampling, BTreeMap::new(), [0, 3, 99].into_iter());
            for _ in 0..3 {
                if let Ok(token) = sampler.choose(&mut logits.clone()) {
                    prop_assert!(logits[token as usize] > f32::NEG_INFINITY);
                }
            }
        }
    }
}
