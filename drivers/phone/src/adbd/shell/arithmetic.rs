//! `$(( ... ))`: whole numbers, their operators, and variables by their names.

/// Works out an expression; `value` tells what a variable holds.
///
/// # Errors
/// What is wrong with it, as a shell says it.
pub(super) fn evaluate(text: &str, value: impl Fn(&str) -> String) -> Result<i64, String> {
    let mut parser = Parser { letters: text.chars().collect(), at: 0, depth: 0, value: &value };
    let number = parser.choice()?;
    parser.blanks();
    match parser.letters.get(parser.at) {
        None => Ok(number),
        Some(_) => Err(format!("{text}: unexpected '{}'", parser.letters[parser.at..].iter().collect::<String>())),
    }
}

/// Operators by how loosely they bind; longer ones stand before those that they begin with.
const LEVELS: [&[&str]; 9] =
    [&["||"], &["&&"], &["|"], &["^"], &["&"], &["==", "!="], &["<=", ">=", "<", ">"], &["<<", ">>"], &["+", "-"]];
const TIGHT: &[&str] = &["*", "/", "%"];
const ALL: [&str; 18] =
    ["||", "&&", "==", "!=", "<=", ">=", "<<", ">>", "|", "^", "&", "<", ">", "+", "-", "*", "/", "%"];
const DEPTH_MAX: u32 = 64;

struct Parser<'a> {
    letters: Vec<char>,
    at: usize,
    depth: u32,
    value: &'a dyn Fn(&str) -> String,
}

impl Parser<'_> {
    fn blanks(&mut self) {
        while self.letters.get(self.at).is_some_and(|letter| letter.is_whitespace()) {
            self.at += 1;
        }
    }

    /// The operator that stands here, the longest one.
    fn operator(&mut self) -> Option<&'static str> {
        self.blanks();
        let rest = &self.letters[self.at..];
        ALL.into_iter().find(|name| name.chars().enumerate().all(|(index, letter)| rest.get(index) == Some(&letter)))
    }

    fn take(&mut self, letter: char) -> bool {
        self.blanks();
        let found = self.letters.get(self.at) == Some(&letter);
        self.at += usize::from(found);
        found
    }

    /// `condition ? yes : no`
    fn choice(&mut self) -> Result<i64, String> {
        if self.depth == DEPTH_MAX {
            return Err("nested too deeply".to_owned());
        }
        self.depth += 1;
        let condition = self.binary(0)?;
        let chosen = if self.take('?') {
            let yes = self.choice()?;
            if !self.take(':') {
                return Err("missing :".to_owned());
            }
            let no = self.choice()?;
            if condition != 0 { yes } else { no }
        } else {
            condition
        };
        self.depth -= 1;
        Ok(chosen)
    }

    fn binary(&mut self, level: usize) -> Result<i64, String> {
        let Some(names) = LEVELS.get(level).or((level == LEVELS.len()).then_some(&TIGHT)) else { return self.single() };
        let mut left = self.binary(level + 1)?;
        while let Some(name) = self.operator().filter(|name| names.contains(name)) {
            self.at += name.len();
            let right = self.binary(level + 1)?;
            left = apply(name, left, right)?;
        }
        Ok(left)
    }

    fn single(&mut self) -> Result<i64, String> {
        for (sign, apply) in [
            ('-', i64::wrapping_neg as fn(i64) -> i64),
            ('+', |it| it),
            ('!', |it| i64::from(it == 0)),
            ('~', |it| !it),
        ] {
            if self.take(sign) {
                if self.depth == DEPTH_MAX {
                    return Err("nested too deeply".to_owned());
                }
                self.depth += 1;
                let number = self.single()?;
                self.depth -= 1;
                return Ok(apply(number));
            }
        }
        if self.take('(') {
            let number = self.choice()?;
            return if self.take(')') { Ok(number) } else { Err("missing )".to_owned()) };
        }
        let start = self.at;
        while self.letters.get(self.at).is_some_and(|letter| *letter == '_' || letter.is_ascii_alphanumeric()) {
            self.at += 1;
        }
        let word: String = self.letters[start..self.at].iter().collect();
        match word.chars().next() {
            None => Err("unexpected end or operator".to_owned()),
            Some('0'..='9') => number(&word),
            Some(_) => match (self.value)(&word).trim() {
                "" => Ok(0),
                held => number(held).or_else(|why| match held.strip_prefix('-') {
                    Some(held) => number(held).map(|number| -number),
                    None => Err(why),
                }),
            },
        }
    }
}

fn number(word: &str) -> Result<i64, String> {
    let read = match word.strip_prefix("0x").or(word.strip_prefix("0X")) {
        Some(hex) => i64::from_str_radix(hex, 16),
        None => word.parse(),
    };
    read.map_err(|_| format!("{word}: bad number"))
}

fn apply(name: &str, left: i64, right: i64) -> Result<i64, String> {
    let truth = i64::from;
    Ok(match name {
        "||" => truth(left != 0 || right != 0),
        "&&" => truth(left != 0 && right != 0),
        "|" => left | right,
        "^" => left ^ right,
        "&" => left & right,
        "==" => truth(left == right),
        "!=" => truth(left != right),
        "<=" => truth(left <= right),
        ">=" => truth(left >= right),
        "<" => truth(left < right),
        ">" => truth(left > right),
        "<<" => left.wrapping_shl(right as u32),
        ">>" => left.wrapping_shr(right as u32),
        "+" => left.wrapping_add(right),
        "-" => left.wrapping_sub(right),
        "*" => left.wrapping_mul(right),
        "/" | "%" if right == 0 => return Err("divide by zero".to_owned()),
        "/" => left.wrapping_div(right),
        _ => left.wrapping_rem(right),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn expressions_are_worked_out() {
        for (text, expected) in [
            ("1 + 2 * 3", "7"),
            ("(1 + 2) * 3 % 4", "1"),
            ("-3 - -2", "-1"),
            ("i + 1", "5"),
            ("n * 2 + none", "-14"),
            ("1 < 2 && 2 <= 2 || 0", "1"),
            ("0x10 >> 2 | 1 << 3", "12"),
            ("!0 + ~0", "0"),
            ("3 > 2 ? 10 : 20", "10"),
            ("1 == 1 != 0", "1"),
            ("9223372036854775807 + 1", "-9223372036854775808"),
            ("1 / 0", "divide by zero"),
            ("1 +", "unexpected end or operator"),
            ("1 2", "1 2: unexpected '2'"),
            ("(1", "missing )"),
            ("08x", "08x: bad number"),
        ] {
            let value = |name: &str| match name {
                "i" => "4".to_owned(),
                "n" => "-7".to_owned(),
                _ => String::new(),
            };
            let said = evaluate(text, value).map_or_else(|why| why, |number| number.to_string());
            assert_eq!(said, expected, "{text}");
        }
        assert!(evaluate(&"(".repeat(10_000), |_| String::new()).is_err());
        assert!(evaluate(&"-".repeat(10_000), |_| String::new()).is_err());
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in "[0-9a-c+*/%<>=!&|^~?:() -]{0,30}") {
            let _ = evaluate(&text, |name| name.repeat(2));
        }
    }
}
