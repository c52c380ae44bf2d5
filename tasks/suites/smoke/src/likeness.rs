//! How easily two names or times are taken for each other.

/// Letters that are the same at the same place, from either end, less what the two differ in length.
pub fn likeness(one: &str, other: &str) -> i64 {
    let same = |one: &mut dyn Iterator<Item = char>, other: &mut dyn Iterator<Item = char>| {
        one.zip(other).filter(|(a, b)| a == b).count() as i64
    };
    let from_start = same(&mut one.chars(), &mut other.chars());
    let from_end = same(&mut one.chars().rev(), &mut other.chars().rev());
    let longer = one.chars().count().abs_diff(other.chars().count()) as i64;
    2 * from_start.max(from_end) - longer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_alike_is_alike() {
        assert!(likeness("Anna", "Anne") > likeness("Anna", "Emma"));
        assert!(likeness("06:30", "16:30") > likeness("06:30", "12:45"));
    }
}
