//! Expressions of XPath 1.0, and what they come to at an element.

use std::collections::BTreeSet;

use roxmltree::{Attribute, Node};

/// Elements that may be looked at for one path: a few seconds of work.
const STEPS_MAX: usize = 5_000_000;

#[derive(Debug)]
pub enum Expression {
    Binary(Operator, Box<Expression>, Box<Expression>),
    Negative(Box<Expression>),
    Union(Vec<Expression>),
    Filter(Box<Expression>, Vec<Expression>),
    Path { from: Option<Box<Expression>>, absolute: bool, steps: Vec<Step> },
    Literal(String),
    Number(f64),
    Call(Function, Vec<Expression>),
}

#[derive(Debug)]
pub struct Step {
    pub axis: Axis,
    pub test: NodeTest,
    pub predicates: Vec<Expression>,
}

#[derive(Debug)]
pub enum NodeTest {
    Any,
    Text,
    Named { namespace: Option<String>, local: Option<String> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Or,
    And,
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

/// Names of axes and functions, each once.
macro_rules! named {
    ($(#[$about:meta])* $name:ident { $($variant:ident = $text:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($variant,)* }

        impl $name {
            pub fn find(name: &str) -> Option<$name> {
                match name { $($text => Some($name::$variant),)* _ => None }
            }
        }
    };
}

named! {
    Axis {
        Child = "child",
        Descendant = "descendant",
        DescendantOrOwn = "descendant-or-self",
        Own = "self",
        Parent = "parent",
        Ancestor = "ancestor",
        AncestorOrOwn = "ancestor-or-self",
        FollowingSibling = "following-sibling",
        PrecedingSibling = "preceding-sibling",
        Following = "following",
        Preceding = "preceding",
        Attribute = "attribute",
    }
}

named! {
    Function {
        Contains = "contains",
        StartsWith = "starts-with",
        SubstringBefore = "substring-before",
        SubstringAfter = "substring-after",
        Concat = "concat",
        Translate = "translate",
        NormalizeSpace = "normalize-space",
        StringLength = "string-length",
        Text = "string",
        ToNumber = "number",
        Boolean = "boolean",
        Not = "not",
        True = "true",
        False = "false",
        Count = "count",
        Position = "position",
        Last = "last",
        Name = "name",
        LocalName = "local-name",
        Floor = "floor",
        Ceiling = "ceiling",
        Round = "round",
    }
}

impl Function {
    pub fn arguments(self) -> std::ops::RangeInclusive<usize> {
        match self {
            Function::True | Function::False | Function::Position | Function::Last => 0..=0,
            Function::NormalizeSpace
            | Function::StringLength
            | Function::Text
            | Function::ToNumber
            | Function::Name
            | Function::LocalName => 0..=1,
            Function::Boolean
            | Function::Not
            | Function::Count
            | Function::Floor
            | Function::Ceiling
            | Function::Round => 1..=1,
            Function::Contains | Function::StartsWith | Function::SubstringBefore | Function::SubstringAfter => 2..=2,
            Function::Translate => 3..=3,
            Function::Concat => 2..=64,
        }
    }
}

/// An element, a text, the document, or an attribute.
#[derive(Clone, Copy)]
enum Item<'a> {
    Node(Node<'a, 'a>),
    Attribute(Attribute<'a, 'a>),
}

enum Value<'a> {
    Items(Vec<Item<'a>>),
    Text(String),
    Number(f64),
    Boolean(bool),
}

/// Where an expression is evaluated.
#[derive(Clone, Copy)]
struct Place<'a> {
    node: Node<'a, 'a>,
    position: usize,
    size: usize,
}

pub struct Evaluation {
    steps: usize,
}

impl Evaluation {
    pub fn new() -> Evaluation {
        Evaluation { steps: 0 }
    }

    /// The elements that an expression selects.
    pub fn nodes<'a>(&mut self, expression: &Expression, at: Node<'a, 'a>) -> Result<Vec<Node<'a, 'a>>, String> {
        match self.value(expression, Place { node: at, position: 1, size: 1 })? {
            Value::Items(items) => {
                let elements = items.into_iter().map(|item| match item {
                    Item::Node(node) if node.is_element() => Ok(node),
                    _ => Err("it selects what is no element".to_owned()),
                });
                elements.collect()
            }
            _ => Err("it selects no elements".to_owned()),
        }
    }

    fn count(&mut self, steps: usize) -> Result<(), String> {
        self.steps += steps;
        if self.steps > STEPS_MAX { Err(format!("it takes more than {STEPS_MAX} steps")) } else { Ok(()) }
    }

    fn value<'a>(&mut self, expression: &Expression, at: Place<'a>) -> Result<Value<'a>, String> {
        self.count(1)?;
        match expression {
            Expression::Literal(text) => Ok(Value::Text(text.clone())),
            Expression::Number(number) => Ok(Value::Number(*number)),
            Expression::Negative(inside) => Ok(Value::Number(-self.number(inside, at)?)),
            Expression::Binary(operator, left, right) => self.binary(*operator, left, right, at),
            Expression::Union(parts) => {
                let mut items = Vec::new();
                for part in parts {
                    items.extend(self.items(part, at)?);
                }
                Ok(Value::Items(distinct(items)))
            }
            Expression::Filter(inside, predicates) => {
                let items = self.items(inside, at)?;
                self.filter(items, predicates).map(Value::Items)
            }
            Expression::Path { from, absolute, steps } => {
                let mut items = match from {
                    Some(from) => self.items(from, at)?,
                    None if *absolute => vec![Item::Node(at.node.document().root())],
                    None => vec![Item::Node(at.node)],
                };
                for step in steps {
                    let mut found = Vec::new();
                    for item in items {
                        // An attribute has neither children nor any other axis but itself here.
                        let Item::Node(node) = item else { continue };
                        let reached = self.along(step, node)?;
                        found.extend(self.filter(reached, &step.predicates)?);
                    }
                    items = distinct(found);
                }
                Ok(Value::Items(items))
            }
            Expression::Call(function, arguments) => self.call(*function, arguments, at),
        }
    }

    fn items<'a>(&mut self, expression: &Expression, at: Place<'a>) -> Result<Vec<Item<'a>>, String> {
        match self.value(expression, at)? {
            Value::Items(items) => Ok(items),
            _ => Err("a value stands where elements are selected".to_owned()),
        }
    }

    /// What an axis reaches and the test lets through, nearest first.
    fn along<'a>(&mut self, step: &Step, node: Node<'a, 'a>) -> Result<Vec<Item<'a>>, String> {
        if step.axis == Axis::Attribute {
            let attributes: Vec<Item> = node.attributes().map(Item::Attribute).collect();
            self.count(attributes.len())?;
            return Ok(attributes.into_iter().filter(|item| accepts(&step.test, item)).collect());
        }
        let reached: Box<dyn Iterator<Item = Node>> = match step.axis {
            Axis::Child => Box::new(node.children()),
            Axis::Descendant => Box::new(node.descendants().skip(1)),
            Axis::DescendantOrOwn => Box::new(node.descendants()),
            Axis::Own | Axis::Attribute => Box::new(std::iter::once(node)),
            Axis::Parent => Box::new(node.parent().into_iter()),
            Axis::Ancestor => Box::new(node.ancestors().skip(1)),
            Axis::AncestorOrOwn => Box::new(node.ancestors()),
            Axis::FollowingSibling => Box::new(node.next_siblings().skip(1)),
            Axis::PrecedingSibling => Box::new(node.prev_siblings().skip(1)),
            Axis::Following => {
                Box::new(node.ancestors().flat_map(|it| it.next_siblings().skip(1)).flat_map(|it| it.descendants()))
            }
            Axis::Preceding => {
                Box::new(node.ancestors().flat_map(|it| it.prev_siblings().skip(1)).flat_map(|it| it.descendants()))
            }
        };
        let mut found = Vec::new();
        for node in reached {
            self.count(1)?;
            let item = Item::Node(node);
            if accepts(&step.test, &item) {
                found.push(item);
            }
        }
        Ok(found)
    }

    fn filter<'a>(&mut self, mut items: Vec<Item<'a>>, predicates: &[Expression]) -> Result<Vec<Item<'a>>, String> {
        for predicate in predicates {
            let size = items.len();
            let mut kept = Vec::new();
            for (at, item) in items.into_iter().enumerate() {
                let Item::Node(node) = item else {
                    return Err("predicates of attributes are not supported".to_owned());
                };
                let is_kept = match self.value(predicate, Place { node, position: at + 1, size })? {
                    Value::Number(number) => number == (at + 1) as f64,
                    other => other.boolean(),
                };
                if is_kept {
                    kept.push(item);
                }
            }
            items = kept;
        }
        Ok(items)
    }

    fn number(&mut self, expression: &Expression, at: Place) -> Result<f64, String> {
        Ok(self.value(expression, at)?.number())
    }

    fn text(&mut self, expression: &Expression, at: Place) -> Result<String, String> {
        let text = self.value(expression, at)?.text();
        self.count(text.len() / 64)?;
        Ok(text)
    }

    fn binary<'a>(
        &mut self,
        operator: Operator,
        left: &Expression,
        right: &Expression,
        at: Place<'a>,
    ) -> Result<Value<'a>, String> {
        let left = self.value(left, at)?;
        match operator {
            Operator::Or if left.boolean() => return Ok(Value::Boolean(true)),
            Operator::And if !left.boolean() => return Ok(Value::Boolean(false)),
            _ => {}
        }
        let right = self.value(right, at)?;
        let (a, b) = match operator {
            Operator::Or | Operator::And => return Ok(Value::Boolean(right.boolean())),
            Operator::Equal
            | Operator::Unequal
            | Operator::Less
            | Operator::LessOrEqual
            | Operator::Greater
            | Operator::GreaterOrEqual => {
                return self.compare(operator, &left, &right).map(Value::Boolean);
            }
            _ => (left.number(), right.number()),
        };
        Ok(Value::Number(match operator {
            Operator::Add => a + b,
            Operator::Subtract => a - b,
            Operator::Multiply => a * b,
            Operator::Divide => a / b,
            _ => a % b,
        }))
    }

    /// Of several elements one has to be as is said.
    fn compare(&mut self, operator: Operator, left: &Value, right: &Value) -> Result<bool, String> {
        match (left, right) {
            (Value::Items(a), Value::Items(b)) => {
                self.count(a.len().saturating_mul(b.len()))?;
                let b = self.texts(b)?;
                Ok(self.texts(a)?.iter().any(|a| b.iter().any(|b| holds(operator, a, b))))
            }
            (Value::Items(_), Value::Boolean(_)) | (Value::Boolean(_), Value::Items(_)) => {
                Ok(holds(operator, left, right))
            }
            (Value::Items(items), other) => Ok(self.texts(items)?.iter().any(|text| holds(operator, text, other))),
            (other, Value::Items(items)) => Ok(self.texts(items)?.iter().any(|text| holds(operator, other, text))),
            (left, right) => Ok(holds(operator, left, right)),
        }
    }

    /// What elements say, as values; long texts are many steps.
    fn texts<'a>(&mut self, items: &[Item]) -> Result<Vec<Value<'a>>, String> {
        let mut texts = Vec::new();
        for item in items {
            let text = item.text();
            self.count(text.len() / 64)?;
            texts.push(Value::Text(text));
        }
        Ok(texts)
    }

    fn call<'a>(&mut self, function: Function, arguments: &[Expression], at: Place<'a>) -> Result<Value<'a>, String> {
        let own = Value::Items(vec![Item::Node(at.node)]);
        match function {
            Function::True => Ok(Value::Boolean(true)),
            Function::False => Ok(Value::Boolean(false)),
            Function::Position => Ok(Value::Number(at.position as f64)),
            Function::Last => Ok(Value::Number(at.size as f64)),
            Function::Count => Ok(Value::Number(self.items(&arguments[0], at)?.len() as f64)),
            Function::Boolean => Ok(Value::Boolean(self.value(&arguments[0], at)?.boolean())),
            Function::Not => Ok(Value::Boolean(!self.value(&arguments[0], at)?.boolean())),
            Function::Floor => Ok(Value::Number(self.number(&arguments[0], at)?.floor())),
            Function::Ceiling => Ok(Value::Number(self.number(&arguments[0], at)?.ceil())),
            Function::Round => Ok(Value::Number((self.number(&arguments[0], at)? + 0.5).floor())),
            Function::Name
            | Function::LocalName
            | Function::Text
            | Function::ToNumber
            | Function::NormalizeSpace
            | Function::StringLength => {
                let value = match arguments.first() {
                    Some(argument) => self.value(argument, at)?,
                    None => own,
                };
                Ok(of_one(function, &value))
            }
            Function::Contains | Function::StartsWith | Function::SubstringBefore | Function::SubstringAfter => {
                let (text, part) = (self.text(&arguments[0], at)?, self.text(&arguments[1], at)?);
                let split = text.split_once(part.as_str());
                Ok(match function {
                    Function::Contains => Value::Boolean(text.contains(&part)),
                    Function::StartsWith => Value::Boolean(text.starts_with(&part)),
                    Function::SubstringBefore => Value::Text(split.map_or("", |(before, _)| before).to_owned()),
                    _ => Value::Text(split.map_or("", |(_, after)| after).to_owned()),
                })
            }
            Function::Concat => {
                let parts: Result<Vec<String>, String> =
                    arguments.iter().map(|argument| self.text(argument, at)).collect();
                Ok(Value::Text(parts?.concat()))
            }
            Function::Translate => {
                let (text, from, to) =
                    (self.text(&arguments[0], at)?, self.text(&arguments[1], at)?, self.text(&arguments[2], at)?);
                let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
                let translated = text.chars().filter_map(|char| match from.iter().position(|from| *from == char) {
                    Some(place) => to.get(place).copied(),
                    None => Some(char),
                });
                Ok(Value::Text(translated.collect()))
            }
        }
    }
}

/// Functions of one value, which is the element itself if none is given.
fn of_one<'a>(function: Function, value: &Value) -> Value<'a> {
    let name = || match value {
        Value::Items(items) => items.first().map_or("", Item::local_name).to_owned(),
        _ => String::new(),
    };
    match function {
        Function::Name | Function::LocalName => Value::Text(name()),
        Function::ToNumber => Value::Number(value.number()),
        Function::NormalizeSpace => Value::Text(value.text().split_ascii_whitespace().collect::<Vec<_>>().join(" ")),
        Function::StringLength => Value::Number(value.text().chars().count() as f64),
        _ => Value::Text(value.text()),
    }
}

fn accepts(test: &NodeTest, item: &Item) -> bool {
    match (test, item) {
        (NodeTest::Any, _) => true,
        (NodeTest::Text, Item::Node(node)) => node.is_text(),
        (NodeTest::Text, Item::Attribute(_)) => false,
        (NodeTest::Named { namespace, local }, item) => {
            let (is_kind, own) = match item {
                Item::Node(node) => (node.is_element(), node.tag_name().namespace()),
                Item::Attribute(attribute) => (true, attribute.namespace()),
            };
            // `*` is in any namespace, a name without a prefix in none.
            let is_space = match (namespace, local) {
                (None, None) => true,
                (namespace, _) => own == namespace.as_deref(),
            };
            is_kind && is_space && local.as_deref().is_none_or(|local| local == item.local_name())
        }
    }
}

/// Each once, in the order in which they were found first.
fn distinct(items: Vec<Item>) -> Vec<Item> {
    let mut seen: BTreeSet<u32> = BTreeSet::new();
    items
        .into_iter()
        .filter(|item| match item {
            Item::Node(node) => seen.insert(node.id().get()),
            Item::Attribute(_) => true,
        })
        .collect()
}

fn holds(operator: Operator, a: &Value, b: &Value) -> bool {
    let is_equal = || match (a, b) {
        (Value::Boolean(_), _) | (_, Value::Boolean(_)) => a.boolean() == b.boolean(),
        (Value::Number(_), _) | (_, Value::Number(_)) => a.number() == b.number(),
        _ => a.text() == b.text(),
    };
    match operator {
        Operator::Equal => is_equal(),
        Operator::Unequal => !is_equal(),
        Operator::Less => a.number() < b.number(),
        Operator::LessOrEqual => a.number() <= b.number(),
        Operator::Greater => a.number() > b.number(),
        _ => a.number() >= b.number(),
    }
}

impl Item<'_> {
    fn text(&self) -> String {
        match self {
            Item::Node(node) => node.descendants().filter(Node::is_text).filter_map(|node| node.text()).collect(),
            Item::Attribute(attribute) => attribute.value().to_owned(),
        }
    }

    fn local_name(&self) -> &str {
        match self {
            Item::Node(node) => node.tag_name().name(),
            Item::Attribute(attribute) => attribute.name(),
        }
    }
}

impl Value<'_> {
    /// Of several elements the first one's.
    fn text(&self) -> String {
        match self {
            Value::Items(items) => items.first().map_or_else(String::new, Item::text),
            Value::Text(text) => text.clone(),
            Value::Number(number) => format!("{number}"),
            Value::Boolean(is) => is.to_string(),
        }
    }

    fn number(&self) -> f64 {
        match self {
            Value::Number(number) => *number,
            Value::Boolean(is) => f64::from(u8::from(*is)),
            Value::Items(_) | Value::Text(_) => self.text().trim().parse().unwrap_or(f64::NAN),
        }
    }

    fn boolean(&self) -> bool {
        match self {
            Value::Items(items) => !items.is_empty(),
            Value::Text(text) => !text.is_empty(),
            Value::Number(number) => *number != 0.0 && !number.is_nan(),
            Value::Boolean(is) => *is,
        }
    }
}
