//! Chooses the next token.

use std::collections::BTreeMap;

use crate::settings::Sampling;

/// Chooses the tokens of one reply.
pub struct Sampler {
    sampling: Sampling,
    said: BTreeMap<u32, u32>,
    dice: Dice,
}

/// A row of numbers that looks like chance and is the same for the same seed (SplitMix64). It goes on from reply to reply.
#[derive(Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    /// From 0 up to but not including 1.
    fn throw(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

impl Sampler {
    pub fn new(sampling: Sampling, dice: Dice) -> Sampler {
        Sampler { sampling, said: BTreeMap::new(), dice }
    }

    /// For the next reply.
    pub fn into_dice(self) -> Dice {
        self.dice
    }

    /// Chooses by the logits of all tokens; `None` when they are not numbers.
    pub fn choose(&mut self, logits: &[f32]) -> Option<u32> {
        if logits.is_empty() || logits.iter().any(|logit| logit.is_nan()) {
            return None;
        }
        let penalty = self.sampling.frequency_penalty;
        let mut logits = logits.to_vec();
        for (&token, &times) in &self.said {
            logits[token as usize] -= penalty * times as f32;
        }
        let token = if self.sampling.temperature == 0.0 { likeliest(&logits) } else { self.draw(&logits) };
        *self.said.entry(token).or_default() += 1;
        Some(token)
    }

    fn draw(&mut self, logits: &[f32]) -> u32 {
        let mut order: Vec<u32> = (0..logits.len() as u32).collect();
        let by_logit = |&a: &u32, &b: &u32| logits[b as usize].total_cmp(&logits[a as usize]).then(a.cmp(&b));
        let kept = self.sampling.top_k.map_or(order.len(), |most| order.len().min(most as usize));
        if kept < order.len() {
            order.select_nth_unstable_by(kept - 1, by_logit);
            order.truncate(kept);
        }
        order.sort_unstable_by(by_logit);

        let highest = f64::from(logits[order[0] as usize]);
        let temperature = f64::from(self.sampling.temperature);
        let weight = |&token: &u32| ((f64::from(logits[token as usize]) - highest) / temperature).exp();
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
        let within = within.count();
        let mut left = self.dice.throw() * weights[..within].iter().sum::<f64>();
        for (token, weight) in order.iter().zip(&weights[..within]) {
            left -= weight;
            if left < 0.0 {
                return *token;
            }
        }
        order[within - 1] // Rounding may leave a little.
    }
}

/// The first of the likeliest, as the reference has it.
fn likeliest(logits: &[f32]) -> u32 {
    let mut best = 0;
    for (token, logit) in logits.iter().enumerate() {
        if *logit > logits[best] {
            best = token;
        }
    }
    best as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const GREEDY: Sampling = Sampling::GREEDY;

    fn choices(sampling: &Sampling, logits: &[f32], count: usize) -> Vec<u32> {
        let mut dice = Dice::new(sampling.seed);
        let mut choose = || {
            // A new sampler each time, so that penalties do not add up.
            let mut sampler = Sampler::new(sampling.clone(), dice.clone());
            let token = sampler.choose(logits).unwrap();
            dice = sampler.into_dice();
            token
        };
        (0..count).map(|_| choose()).collect()
    }

    #[test]
    fn without_temperature_the_first_of_the_likeliest_is_taken() {
        assert_eq!(choices(&GREEDY, &[0.0, 3.0, 3.0, -1.0], 3), [1, 1, 1]);
    }

    #[test]
    fn the_penalty_counts_what_was_said() {
        let mut sampler = Sampler::new(Sampling { frequency_penalty: 0.2, ..GREEDY }, Dice::new(0));
        let said: Vec<u32> = (0..7).map(|_| sampler.choose(&[1.0, 0.9, 0.45]).unwrap()).collect();
        // 1.0 0.9 | 0.8 0.9 | 0.8 0.7 | 0.6 0.7 | 0.6 0.5 | 0.4 0.5, and 0.45 has never been said | 0.4 0.3 0.45
        assert_eq!(said, [0, 1, 0, 1, 0, 1, 2]);
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
        let logits = [0.2f32.ln(), 0.5f32.ln(), 0.3f32.ln()];
        let drawn = |top_p, top_k| {
            let said = choices(&Sampling { temperature: 1.0, top_p, top_k, ..GREEDY }, &logits, 2_000);
            [0, 1, 2].map(|token| said.contains(&token))
        };
        assert_eq!(drawn(Some(0.5), None), [false, true, false]);
        assert_eq!(drawn(Some(0.6), None), [false, true, true]);
        assert_eq!(drawn(None, Some(1)), [false, true, false]);
        assert_eq!(drawn(None, Some(2)), [false, true, true]);
        assert_eq!(drawn(None, Some(9)), [true; 3]);
    }

    #[test]
    fn nonsense_is_not_chosen_from() {
        assert_eq!(Sampler::new(GREEDY, Dice::new(0)).choose(&[1.0, f32::NAN]), None);
        assert_eq!(Sampler::new(GREEDY, Dice::new(0)).choose(&[]), None);
    }
}
