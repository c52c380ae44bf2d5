//! How alike two sequences are: `difflib.SequenceMatcher.ratio` of lines, and `rapidfuzz.fuzz.ratio` of characters.

use std::collections::BTreeMap;

/// Comparisons after which a ratio is given up: files of some ten thousand lines that are all alike.
const STEPS_MAX: u64 = 40_000_000;

/// It would take too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

/// `SequenceMatcher(a=a, b=b).ratio()`, with the popular lines of long files left out as it leaves them out.
///
/// # Errors
/// If the lines repeat so much that it would take minutes.
pub fn line_ratio(a: &[&str], b: &[&str]) -> Result<f64, TooLong> {
    let total = a.len() + b.len();
    if total == 0 {
        return Ok(1.0);
    }
    let mut places: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, line) in b.iter().enumerate() {
        places.entry(line).or_default().push(at);
    }
    if b.len() >= 200 {
        let most = b.len() / 100 + 1;
        places.retain(|_, at| at.len() <= most);
    }
    let mut matcher = Matcher { a, b, places, steps: 0 };
    let mut matched = 0;
    let mut open = vec![(0, a.len(), 0, b.len())];
    while let Some((a_from, a_to, b_from, b_to)) = open.pop() {
        let (i, j, size) = matcher.longest(a_from, a_to, b_from, b_to)?;
        if size > 0 {
            matched += size;
            if a_from < i && b_from < j {
                open.push((a_from, i, b_from, j));
            }
            if i + size < a_to && j + size < b_to {
                open.push((i + size, a_to, j + size, b_to));
            }
        }
    }
    Ok(2.0 * matched as f64 / total as f64)
}

struct Matcher<'a> {
    a: &'a [&'a str],
    b: &'a [&'a str],
    places: BTreeMap<&'a str, Vec<usize>>,
    steps: u64,
}

impl Matcher<'_> {
    /// The longest run that both have, the first in `a` and then the first in `b` among equals, grown by popular lines at its ends.
    fn longest(
        &mut self,
        a_from: usize,
        a_to: usize,
        b_from: usize,
        b_to: usize,
    ) -> Result<(usize, usize, usize), TooLong> {
        let (mut best_i, mut best_j, mut best) = (a_from, b_from, 0);
        let mut lengths: BTreeMap<usize, usize> = BTreeMap::new();
        for i in a_from..a_to {
            let mut new = BTreeMap::new();
            self.steps += 1;
            for &j in self.places.get(self.a[i]).into_iter().flatten() {
                self.steps += 1;
                if j < b_from {
                    continue;
                }
                if j >= b_to {
                    break;
                }
                let length = j.checked_sub(1).and_then(|j| lengths.get(&j)).map_or(1, |length| length + 1);
                new.insert(j, length);
                if length > best {
                    (best_i, best_j, best) = (i + 1 - length, j + 1 - length, length);
                }
            }
            lengths = new;
            if self.steps > STEPS_MAX {
                return Err(TooLong);
            }
        }
        while best_i > a_from && best_j > b_from && self.a[best_i - 1] == self.b[best_j - 1] {
            (best_i, best_j, best) = (best_i - 1, best_j - 1, best + 1);
        }
        while best_i + best < a_to && best_j + best < b_to && self.a[best_i + best] == self.b[best_j + best] {
            best += 1;
        }
        Ok((best_i, best_j, best))
    }
}

/// `fuzz.ratio(a, b) / 100`.
///
/// # Errors
/// As [`character_score`].
pub fn character_ratio(a: &str, b: &str) -> Result<f64, TooLong> {
    Ok(character_score(a, b)? / 100.0)
}

/// `fuzz.ratio(a, b)`: a hundred, less the percentage of characters that have to be put in or taken out.
///
/// # Errors
/// If both are so long that it would take minutes.
pub fn character_score(a: &str, b: &str) -> Result<f64, TooLong> {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let total = a.len() + b.len();
    if total == 0 {
        return Ok(100.0);
    }
    // The shorter one is kept in words of bits, one row for each of its characters.
    let (a, b) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if (a.len() as u64).saturating_mul(b.len() as u64) > 10 * STEPS_MAX {
        return Err(TooLong);
    }
    let distance = total - 2 * common_subsequence(&a, &b);
    // The two steps of rapidfuzz, so that the last digit is the same.
    let similarity = 1.0 - distance as f64 / total as f64;
    Ok(similarity * 100.0)
}

/// The length of the longest common subsequence, 64 characters of `a` at a time (Hyyrö 2004).
fn common_subsequence(a: &[char], b: &[char]) -> usize {
    let words = a.len().div_ceil(64);
    let mut masks: BTreeMap<char, Vec<u64>> = BTreeMap::new();
    for (at, char) in a.iter().enumerate() {
        masks.entry(*char).or_insert_with(|| vec![0; words])[at / 64] |= 1 << (at % 64);
    }
    let mut state = vec![u64::MAX; words];
    for char in b {
        let Some(mask) = masks.get(char) else { continue };
        let mut carry = false;
        for (word, mask) in state.iter_mut().zip(mask) {
            let both = *word & mask;
            let (sum, first) = word.overflowing_add(both);
            let (sum, second) = sum.overflowing_add(u64::from(carry));
            carry = first || second;
            *word = sum | (*word - both);
        }
    }
    let zeros = |(at, word): (usize, &u64)| {
        let used = (a.len() - at * 64).min(64);
        let mask = if used == 64 { u64::MAX } else { (1 << used) - 1 };
        (!word & mask).count_ones() as usize
    };
    state.iter().enumerate().map(zeros).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(a: &[char], b: &[char]) -> usize {
        let mut row = vec![0; b.len() + 1];
        for x in a {
            let mut corner = 0;
            for (at, y) in b.iter().enumerate() {
                let above = row[at + 1];
                row[at + 1] = if x == y { corner + 1 } else { above.max(row[at]) };
                corner = above;
            }
        }
        row[b.len()]
    }

    #[test]
    fn the_fast_way_counts_as_the_plain_one() {
        let mut state = 7_u32;
        let mut next = |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) % below
        };
        for _ in 0..200 {
            let (m, n) = (next(150), next(150));
            let a: Vec<char> = (0..m).map(|_| char::from(b'a' + next(4) as u8)).collect();
            let b: Vec<char> = (0..n).map(|_| char::from(b'a' + next(4) as u8)).collect();
            assert_eq!(common_subsequence(&a, &b), plain(&a, &b));
        }
    }

    #[test]
    fn ratios() {
        assert_eq!(line_ratio(&["a", "b", "c", "d"], &["a", "x", "c", "d"]), Ok(0.75));
        assert_eq!(line_ratio(&["a", "a", "b"], &["a", "b", "b"]), Ok(2.0 / 3.0));
        assert_eq!(line_ratio(&[], &[]), Ok(1.0));
        assert_eq!(character_ratio("", ""), Ok(1.0));
        let same = vec!["x"; 199];
        assert_eq!(line_ratio(&same, &same), Ok(1.0));
        // From 200 lines on a line that is everywhere counts only beside one that is not.
        let many = vec!["x"; 300];
        assert_eq!(line_ratio(&many, &many), Ok(1.0));
    }
}
