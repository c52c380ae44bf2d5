//! Chance, and how much of each fault a world has.

/// SplitMix64: all that happens follows from one number.
#[derive(Clone)]
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, sides: u64) -> u64 {
        self.next() % sides
    }

    pub fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    pub fn one_of<T: Clone>(&mut self, these: &[T]) -> T {
        these[self.below(these.len() as u64) as usize].clone()
    }

    /// Off, rare or wild: a fault that is always there hides what only happens without it.
    fn weather(&mut self) -> u64 {
        self.one_of(&[0, 0, 5, 40])
    }
}

/// Chances in percent.
#[derive(Clone, Default)]
pub struct Weather {
    pub lost: u64,
    /// The screen moves on by itself.
    pub restless: u64,
    pub device: u64,
    pub blind: u64,
    /// What is written on the screen cannot be told.
    pub labels: u64,
    pub model: u64,
    pub nonsense: u64,
    pub stubborn: u64,
    pub risky: u64,
    pub hang: u64,
}

impl Weather {
    pub fn draw(dice: &mut Dice) -> Weather {
        Weather {
            lost: dice.weather() / 8,
            // Some screens never rest: between two looks at one there is often another.
            restless: dice.one_of(&[0, 0, 1, 10, 40]),
            device: dice.weather(),
            blind: dice.weather(),
            labels: dice.weather() / 2,
            model: dice.weather(),
            nonsense: dice.weather(),
            stubborn: dice.weather(),
            risky: dice.weather(),
            hang: dice.weather() / 8,
        }
    }
}
