//! The seeds of BrowserGym's episodes. It draws them with NumPy's `RandomState`, whose stream is fixed for good: the Mersenne Twister
//! MT19937, and whole numbers below a bound by drawing again what is above it.

/// Seeds of tasks are below this: BrowserGym writes `2 ^ 32`, which Python takes for an exclusive or.
const TASK_SEEDS: u32 = 34;
/// Seeds of pages are below this.
const PAGE_SEEDS: u32 = 1_000_000;
/// With what the seeds of all tasks are drawn.
const BENCHMARK: u32 = 42;

const N: usize = 624;

struct RandomState {
    words: [u32; N],
    next: usize,
}

impl RandomState {
    fn new(seed: u32) -> RandomState {
        let mut words = [seed; N];
        for number in 1..N {
            let before = words[number - 1];
            words[number] = 1_812_433_253_u32.wrapping_mul(before ^ (before >> 30)).wrapping_add(number as u32);
        }
        RandomState { words, next: N }
    }

    fn word(&mut self) -> u32 {
        if self.next == N {
            for number in 0..N {
                let joined = (self.words[number] & 0x8000_0000) | (self.words[(number + 1) % N] & 0x7fff_ffff);
                let twist = if joined & 1 == 1 { 0x9908_b0df } else { 0 };
                self.words[number] = self.words[(number + 397) % N] ^ (joined >> 1) ^ twist;
            }
            self.next = 0;
        }
        let mut word = self.words[self.next];
        self.next += 1;
        word ^= word >> 11;
        word ^= (word << 7) & 0x9d2c_5680;
        word ^= (word << 15) & 0xefc6_0000;
        word ^ (word >> 18)
    }

    fn below(&mut self, bound: u32) -> u32 {
        let most = bound - 1;
        let mask = u32::MAX.checked_shr(most.leading_zeros()).unwrap_or(0);
        loop {
            let drawn = self.word() & mask;
            if drawn <= most {
                return drawn;
            }
        }
    }
}

/// Draws the seeds of the tasks' episodes, one after the other.
pub(super) fn benchmark_seeds() -> impl FnMut() -> u64 {
    let mut state = RandomState::new(BENCHMARK);
    move || u64::from(state.below(TASK_SEEDS))
}

/// What the page of an episode is given.
pub(super) fn page_seed(task_seed: u32) -> u32 {
    RandomState::new(task_seed).below(PAGE_SEEDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `np.random.RandomState(42).randint(0, 100, 5)` and `RandomState(0).randint(0, 1000000)`, as anybody's NumPy prints them.
    #[test]
    fn draws_as_numpy_does() {
        let mut state = RandomState::new(42);
        assert_eq!([(); 5].map(|()| state.below(100)), [51, 92, 14, 71, 60]);
        assert_eq!(page_seed(0), 985_772);
        assert_eq!(RandomState::new(1).below(1), 0);
    }
}
