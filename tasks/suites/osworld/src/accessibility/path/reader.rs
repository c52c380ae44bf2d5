//! The grammar of XPath 1.0.

use super::super::Namespaces;
use super::expression::{Axis, Expression, Function, NodeTest, Operator, Step};

const DEPTH_MAX: usize = 50;
const PATH_CHARS_MAX: usize = 8 << 10;

pub fn parse(path: &str, namespaces: &Namespaces) -> Result<Expression, String> {
    if path.len() > PATH_CHARS_MAX {
        return Err(format!("it is longer than {PATH_CHARS_MAX} bytes"));
    }
    let mut reader = Reader { tokens: tokens(path)?, at: 0, depth: 0, namespaces };
    let expression = reader.expression(0)?;
    match reader.peek() {
        None => Ok(expression),
        Some(token) => Err(format!("{token:?} is not expected here")),
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    /// A name with its prefix, or `*`.
    Name(String),
    Literal(String),
    Number(f64),
    Sign(&'static str),
}

const SIGNS: [&str; 22] = [
    "//", "::", "..", "!=", "<=", ">=", "/", "(", ")", "[", "]", ".", "@", ",", "|", "+", "-", "=", "<", ">", "*", "$",
];

fn tokens(path: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = path.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if first == '"' || first == '\'' {
            let end = rest[1..].find(first).ok_or("a quote is not closed")?;
            tokens.push(Token::Literal(rest[1..=end].to_owned()));
            end + 2
        } else if first.is_ascii_digit() || first == '.' && rest[1..].starts_with(|char: char| char.is_ascii_digit()) {
            let length = rest.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(rest.len());
            let number = rest[..length].parse().map_err(|_| format!("{:?} is no number", &rest[..length]))?;
            tokens.push(Token::Number(number));
            length
        } else if first.is_alphabetic() || first == '_' {
            let length = name_length(rest);
            tokens.push(Token::Name(rest[..length].to_owned()));
            length
        } else {
            let sign = SIGNS
                .iter()
                .find(|sign| rest.starts_with(**sign))
                .ok_or_else(|| format!("{first:?} is not supported"))?;
            tokens.push(Token::Sign(sign));
            sign.len()
        };
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

/// A name with at most one colon in it; two colons end it.
fn name_length(text: &str) -> usize {
    let part = |text: &str| {
        text.find(|char: char| !char.is_alphanumeric() && !matches!(char, '_' | '-' | '.')).unwrap_or(text.len())
    };
    let first = part(text);
    match text[first..].strip_prefix(':') {
        Some(after) if after.starts_with('*') => first + 2,
        Some(after) if after.starts_with(|char: char| char.is_alphabetic() || char == '_') => first + 1 + part(after),
        _ => first,
    }
}

struct Reader<'a> {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    namespaces: &'a Namespaces,
}

/// Operators by how loosely they bind.
const LEVELS: [&[(&str, Operator)]; 6] = [
    &[("or", Operator::Or)],
    &[("and", Operator::And)],
    &[("=", Operator::Equal), ("!=", Operator::Unequal)],
    &[("<", Operator::Less), ("<=", Operator::LessOrEqual), (">", Operator::Greater), (">=", Operator::GreaterOrEqual)],
    &[("+", Operator::Add), ("-", Operator::Subtract)],
    &[("*", Operator::Multiply), ("div", Operator::Divide), ("mod", Operator::Modulo)],
];

impl Reader<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn is_sign(&self, sign: &str) -> bool {
        matches!(self.peek(), Some(Token::Sign(found)) if *found == sign)
    }

    fn eat(&mut self, sign: &str) -> bool {
        let is_there = self.is_sign(sign);
        self.at += usize::from(is_there);
        is_there
    }

    fn expect(&mut self, sign: &str) -> Result<(), String> {
        if self.eat(sign) { Ok(()) } else { Err(format!("a {sign:?} is missing")) }
    }

    fn expression(&mut self, level: usize) -> Result<Expression, String> {
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        if level == 0 {
            self.depth += 1;
            if self.depth > DEPTH_MAX {
                return Err(format!("it is nested more than {DEPTH_MAX} deep"));
            }
        }
        let mut left = self.expression(level + 1)?;
        while let Some((_, operator)) = operators.iter().find(|(word, _)| match self.peek() {
            Some(Token::Sign(sign)) => sign == word,
            Some(Token::Name(name)) => name == word,
            _ => false,
        }) {
            self.at += 1;
            left = Expression::Binary(*operator, Box::new(left), Box::new(self.expression(level + 1)?));
        }
        if level == 0 {
            self.depth -= 1;
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expression, String> {
        let mut is_negative = false;
        while self.eat("-") {
            is_negative = !is_negative;
        }
        let mut parts = vec![self.path()?];
        while self.eat("|") {
            parts.push(self.path()?);
        }
        let expression = if parts.len() == 1 { parts.remove(0) } else { Expression::Union(parts) };
        Ok(if is_negative { Expression::Negative(Box::new(expression)) } else { expression })
    }

    fn path(&mut self) -> Result<Expression, String> {
        if self.eat("//") {
            let mut steps = vec![anything_below()];
            self.steps(&mut steps)?;
            return Ok(Expression::Path { from: None, absolute: true, steps });
        }
        if self.eat("/") {
            let mut steps = Vec::new();
            if self.begins_step() {
                self.steps(&mut steps)?;
            }
            return Ok(Expression::Path { from: None, absolute: true, steps });
        }
        let Some(from) = self.primary()? else {
            let mut steps = Vec::new();
            self.steps(&mut steps)?;
            return Ok(Expression::Path { from: None, absolute: false, steps });
        };
        let predicates = self.predicates()?;
        let from = if predicates.is_empty() { from } else { Expression::Filter(Box::new(from), predicates) };
        let mut steps = Vec::new();
        if self.eat("//") {
            steps.push(anything_below());
        } else if !self.eat("/") {
            return Ok(from);
        }
        self.steps(&mut steps)?;
        Ok(Expression::Path { from: Some(Box::new(from)), absolute: false, steps })
    }

    /// What is no path: a literal, a number, a group, a call.
    fn primary(&mut self) -> Result<Option<Expression>, String> {
        match self.peek().cloned() {
            Some(Token::Literal(text)) => {
                self.at += 1;
                Ok(Some(Expression::Literal(text)))
            }
            Some(Token::Number(number)) => {
                self.at += 1;
                Ok(Some(Expression::Number(number)))
            }
            Some(Token::Sign("(")) => {
                self.at += 1;
                let inside = self.expression(0)?;
                self.expect(")")?;
                Ok(Some(inside))
            }
            Some(Token::Sign("$")) => Err("variables are not supported".to_owned()),
            Some(Token::Name(name))
                if self.tokens.get(self.at + 1) == Some(&Token::Sign("("))
                    && !["text", "node", "comment", "processing-instruction"].contains(&name.as_str()) =>
            {
                self.at += 2;
                self.call(&name).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn call(&mut self, name: &str) -> Result<Expression, String> {
        let function = Function::find(name).ok_or_else(|| format!("there is no function {name:?}"))?;
        let mut arguments = Vec::new();
        while !self.eat(")") {
            if !arguments.is_empty() {
                self.expect(",")?;
            }
            arguments.push(self.expression(0)?);
        }
        if !function.arguments().contains(&arguments.len()) {
            return Err(format!("{name} is called with {} arguments", arguments.len()));
        }
        Ok(Expression::Call(function, arguments))
    }

    fn begins_step(&self) -> bool {
        match self.peek() {
            Some(Token::Name(_)) => true,
            Some(Token::Sign(sign)) => ["*", "@", ".", ".."].contains(sign),
            _ => false,
        }
    }

    fn steps(&mut self, steps: &mut Vec<Step>) -> Result<(), String> {
        loop {
            steps.push(self.step()?);
            if self.eat("//") {
                steps.push(anything_below());
            } else if !self.eat("/") {
                return Ok(());
            }
        }
    }

    fn step(&mut self) -> Result<Step, String> {
        if self.eat(".") {
            return Ok(Step { axis: Axis::Own, test: NodeTest::Any, predicates: Vec::new() });
        }
        if self.eat("..") {
            return Ok(Step { axis: Axis::Parent, test: NodeTest::Any, predicates: Vec::new() });
        }
        let mut axis = Axis::Child;
        if self.eat("@") {
            axis = Axis::Attribute;
        } else if let (Some(Token::Name(name)), Some(Token::Sign("::"))) = (self.peek(), self.tokens.get(self.at + 1)) {
            axis = Axis::find(name).ok_or_else(|| format!("there is no axis {name:?}"))?;
            self.at += 2;
        }
        let test = self.node_test()?;
        Ok(Step { axis, test, predicates: self.predicates()? })
    }

    fn node_test(&mut self) -> Result<NodeTest, String> {
        if self.eat("*") {
            return Ok(NodeTest::Named { namespace: None, local: None });
        }
        let Some(Token::Name(name)) = self.peek().cloned() else { return Err("a name is missing".to_owned()) };
        self.at += 1;
        if self.eat("(") {
            self.expect(")")?;
            return match name.as_str() {
                "text" => Ok(NodeTest::Text),
                "node" => Ok(NodeTest::Any),
                other => Err(format!("{other}() is not supported here")),
            };
        }
        let Some((prefix, local)) = name.split_once(':') else {
            return Ok(NodeTest::Named { namespace: None, local: Some(name) });
        };
        let namespace = self.namespaces.get(prefix).ok_or_else(|| format!("there is no prefix {prefix:?}"))?;
        Ok(NodeTest::Named { namespace: Some(namespace.clone()), local: (local != "*").then(|| local.to_owned()) })
    }

    fn predicates(&mut self) -> Result<Vec<Expression>, String> {
        let mut predicates = Vec::new();
        while self.eat("[") {
            predicates.push(self.expression(0)?);
            self.expect("]")?;
        }
        Ok(predicates)
    }
}

fn anything_below() -> Step {
    Step { axis: Axis::DescendantOrOwn, test: NodeTest::Any, predicates: Vec::new() }
}
