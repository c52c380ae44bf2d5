//! Numbers of things as people say them.

/// `1 reply`, `3 replies`
pub fn count_of(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_not_many() {
        assert_eq!([0, 1, 2].map(|count| count_of(count, "reply", "replies")), ["0 replies", "1 reply", "2 replies"]);
    }
}
