//! CSS selectors: names, attributes, and the four ways in which elements stand to each other.

use roxmltree::{Document, Node};

use super::Namespaces;

const PARTS_MAX: usize = 64;

/// A list of chains, any of which may match.
pub struct Selector {
    chains: Vec<Vec<(Combinator, Compound)>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Combinator {
    Descendant,
    Child,
    Next,
    Later,
}

#[derive(Debug, Default)]
struct Compound {
    name: Option<Name>,
    attributes: Vec<(Name, Comparison)>,
}

#[derive(Debug, PartialEq, Eq)]
struct Name {
    namespace: Option<String>,
    local: String,
}

#[derive(Debug)]
enum Comparison {
    Present,
    Equals(String),
    Word(String),
    Dashed(String),
    Begins(String),
    Ends(String),
    Contains(String),
}

impl Comparison {
    /// An empty value is begun, ended or contained by nothing, as in CSS.
    fn accepts(&self, value: &str) -> bool {
        match self {
            Comparison::Present => true,
            Comparison::Equals(wanted) => value == wanted,
            Comparison::Word(wanted) => !wanted.is_empty() && value.split_ascii_whitespace().any(|word| word == wanted),
            Comparison::Dashed(wanted) => {
                value.strip_prefix(wanted.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
            }
            Comparison::Begins(wanted) => !wanted.is_empty() && value.starts_with(wanted.as_str()),
            Comparison::Ends(wanted) => !wanted.is_empty() && value.ends_with(wanted.as_str()),
            Comparison::Contains(wanted) => !wanted.is_empty() && value.contains(wanted.as_str()),
        }
    }
}

impl Compound {
    fn accepts(&self, node: Node) -> bool {
        let is_named = self.name.as_ref().is_none_or(|name| {
            let tag = node.tag_name();
            name.local == tag.name() && name.namespace.as_deref() == tag.namespace()
        });
        is_named
            && self.attributes.iter().all(|(name, comparison)| {
                let value = match &name.namespace {
                    Some(namespace) => node.attribute((namespace.as_str(), name.local.as_str())),
                    None => node
                        .attributes()
                        .find(|it| it.namespace().is_none() && it.name() == name.local)
                        .map(|it| it.value()),
                };
                value.is_some_and(|value| comparison.accepts(value))
            })
    }
}

impl Selector {
    pub fn parse(text: &str, namespaces: &Namespaces) -> Result<Selector, String> {
        let mut reader = Reader { chars: text.chars().collect(), at: 0, namespaces };
        let mut chains = Vec::new();
        let mut parts = 0;
        loop {
            let mut chain = Vec::new();
            let mut combinator = Combinator::Descendant;
            loop {
                reader.blanks();
                chain.push((combinator, reader.compound()?));
                parts += 1;
                if parts > PARTS_MAX {
                    return Err(format!("it has more than {PARTS_MAX} parts"));
                }
                match reader.combinator() {
                    Some(next) => combinator = next,
                    None => break,
                }
            }
            chains.push(chain);
            match reader.next() {
                None => return Ok(Selector { chains }),
                Some(',') => {}
                Some(other) => return Err(format!("{other:?} is not supported here")),
            }
        }
    }

    /// All elements that match, in the order of the document.
    pub fn select<'a>(&self, tree: &'a Document<'a>) -> Vec<Node<'a, 'a>> {
        let all: Vec<Node> = tree.root_element().descendants().filter(Node::is_element).collect();
        let count = all.iter().map(|node| node.id().get_usize() + 1).max().unwrap_or(0);
        let mut selected = vec![false; count];
        for chain in &self.chains {
            // From the left: what a chain matches so far, and what may follow it, once for each element.
            let mut matched: Option<Vec<bool>> = None;
            for (combinator, compound) in chain {
                let reached = matched.map(|matched| reach(&all, &matched, *combinator));
                let mut now = vec![false; count];
                for node in &all {
                    let id = node.id().get_usize();
                    now[id] = reached.as_ref().is_none_or(|reached| reached[id]) && compound.accepts(*node);
                }
                matched = Some(now);
            }
            for (selected, matched) in selected.iter_mut().zip(matched.unwrap_or_default()) {
                *selected |= matched;
            }
        }
        all.into_iter().filter(|node| selected[node.id().get_usize()]).collect()
    }
}

/// What stands to the matched elements as the combinator says. Parents and earlier siblings come first in `all`.
fn reach(all: &[Node], matched: &[bool], combinator: Combinator) -> Vec<bool> {
    let mut reached = vec![false; matched.len()];
    for node in all {
        let before = match combinator {
            Combinator::Descendant | Combinator::Child => node.parent_element(),
            Combinator::Next | Combinator::Later => node.prev_sibling_element(),
        };
        let Some(before) = before.map(|node| node.id().get_usize()) else { continue };
        let goes_on = matches!(combinator, Combinator::Descendant | Combinator::Later);
        reached[node.id().get_usize()] = matched[before] || goes_on && reached[before];
    }
    reached
}

struct Reader<'a> {
    chars: Vec<char>,
    at: usize,
    namespaces: &'a Namespaces,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let char = self.peek()?;
        self.at += 1;
        Some(char)
    }

    fn eat(&mut self, wanted: char) -> bool {
        let is_there = self.peek() == Some(wanted);
        self.at += usize::from(is_there);
        is_there
    }

    fn expect(&mut self, wanted: char) -> Result<(), String> {
        if self.eat(wanted) { Ok(()) } else { Err(format!("a {wanted:?} is missing at character {}", self.at + 1)) }
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    fn combinator(&mut self) -> Option<Combinator> {
        let begin = self.at;
        self.blanks();
        let combinator = match self.peek() {
            Some('>') => Combinator::Child,
            Some('+') => Combinator::Next,
            Some('~') => Combinator::Later,
            Some(',') | None => return None,
            Some(_) => return (self.at > begin).then_some(Combinator::Descendant),
        };
        self.at += 1;
        Some(combinator)
    }

    fn compound(&mut self) -> Result<Compound, String> {
        let mut compound = Compound::default();
        let begin = self.at;
        if self.peek() == Some('*') {
            self.at += 1;
        } else if self.is_name() {
            compound.name = Some(self.name()?);
        }
        loop {
            match self.peek() {
                Some('[') => {
                    self.at += 1;
                    compound.attributes.push(self.attribute()?);
                }
                Some(mark @ ('#' | '.')) => {
                    self.at += 1;
                    let value = self.identifier()?;
                    let (local, comparison) = match mark {
                        '#' => ("id", Comparison::Equals(value)),
                        _ => ("class", Comparison::Word(value)),
                    };
                    compound.attributes.push((Name { namespace: None, local: local.to_owned() }, comparison));
                }
                Some(':') => return Err("pseudo-classes are not supported".to_owned()),
                _ => break,
            }
        }
        if self.at == begin { Err(format!("an element is missing at character {}", begin + 1)) } else { Ok(compound) }
    }

    fn attribute(&mut self) -> Result<(Name, Comparison), String> {
        self.blanks();
        let name = self.name()?;
        self.blanks();
        let kind = match self.next() {
            Some(']') => return Ok((name, Comparison::Present)),
            Some('=') => Comparison::Equals,
            Some(sign @ ('~' | '|' | '^' | '$' | '*')) => {
                self.expect('=')?;
                match sign {
                    '~' => Comparison::Word,
                    '|' => Comparison::Dashed,
                    '^' => Comparison::Begins,
                    '$' => Comparison::Ends,
                    _ => Comparison::Contains,
                }
            }
            _ => return Err(format!("the attribute at character {} is not compared with anything", self.at)),
        };
        self.blanks();
        let value = match self.peek() {
            Some(quote @ ('"' | '\'')) => self.quoted(quote)?,
            _ => self.identifier()?,
        };
        self.blanks();
        self.expect(']')?;
        Ok((name, kind(value)))
    }

    fn quoted(&mut self, quote: char) -> Result<String, String> {
        self.at += 1;
        let mut text = String::new();
        loop {
            match self.next() {
                None => return Err("a quote is not closed".to_owned()),
                Some('\\') => text.push(self.escape()?),
                Some(char) if char == quote => return Ok(text),
                Some(char) => text.push(char),
            }
        }
    }

    /// Behind a backslash: a character as it is, or its number in hexadecimal.
    fn escape(&mut self) -> Result<char, String> {
        let hex: String = self.chars[self.at..].iter().take(6).take_while(|char| char.is_ascii_hexdigit()).collect();
        if hex.is_empty() {
            return self.next().ok_or_else(|| "it ends with a backslash".to_owned());
        }
        self.at += hex.len();
        if self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
        u32::from_str_radix(&hex, 16)
            .ok()
            .and_then(char::from_u32)
            .ok_or_else(|| format!("{hex} is not the number of a character"))
    }

    fn is_name(&self) -> bool {
        self.peek().is_some_and(|char| char.is_alphabetic() || matches!(char, '_' | '-' | '\\') || char > '\u{7f}')
    }

    fn identifier(&mut self) -> Result<String, String> {
        let mut text = String::new();
        loop {
            match self.peek() {
                Some('\\') => {
                    self.at += 1;
                    text.push(self.escape()?);
                }
                Some(char) if char.is_alphanumeric() || matches!(char, '_' | '-') || char > '\u{7f}' => {
                    self.at += 1;
                    text.push(char);
                }
                _ if text.is_empty() => return Err(format!("a name is missing at character {}", self.at + 1)),
                _ => return Ok(text),
            }
        }
    }

    /// `local` or `prefix|local`.
    fn name(&mut self) -> Result<Name, String> {
        let first = self.identifier()?;
        if self.peek() != Some('|') || self.chars.get(self.at + 1) == Some(&'=') {
            return Ok(Name { namespace: None, local: first });
        }
        self.at += 1;
        let local = self.identifier()?;
        let namespace = self.namespaces.get(first.as_str()).ok_or_else(|| format!("there is no prefix {first:?}"))?;
        Ok(Name { namespace: Some(namespace.clone()), local })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = r#"<desktop-frame xmlns:attr="https://accessibility.ubuntu.example.org/ns/attributes">
      <application name="Google Chrome"><frame><entry name="Address and search bar">x.com</entry></frame></application>
      <application name="Thunderbird"><page-tab-list attr:id="tabmail-tabs"><page-tab name="A" /><page-tab name="B" attr:class="one two" /><page-tab name="C-1" /></page-tab-list></application>
    </desktop-frame>"#;

    fn names(selector: &str) -> Result<String, String> {
        let tree = Document::parse(TREE).unwrap();
        let namespaces = super::super::namespaces("ubuntu").unwrap();
        let found = Selector::parse(selector, &namespaces)?.select(&tree);
        Ok(found.iter().map(|node| node.attribute("name").unwrap_or("-")).collect::<Vec<_>>().join("|"))
    }

    #[test]
    fn elements_by_selector() {
        for (selector, expected) in [
            (r"application[name=Google\ Chrome] entry[name=Address\ and\ search\ bar]", "Address and search bar"),
            (r#"application[name=Thunderbird] page-tab-list[attr|id="tabmail-tabs"]>page-tab[name="B"]"#, "B"),
            ("page-tab", "A|B|C-1"),
            ("page-tab + page-tab", "B|C-1"),
            ("page-tab[name=A] ~ *", "B|C-1"),
            ("page-tab[name=C-1] ~ *", ""),
            ("application > page-tab", ""),
            ("application page-tab[name|=C]", "C-1"),
            ("[attr|class~=two]", "B"),
            ("[name^=Go], [name$=bird]", "Google Chrome|Thunderbird"),
            ("[name*=''], x", ""),
            ("desktop-frame", "-"),
            ("[class~=two]", ""),
        ] {
            assert_eq!(names(selector), Ok(expected.to_owned()), "{selector}");
        }
        for broken in ["", "a >", "a:first-child", "[x", "[x=", "[y|x]", "a,,b", "a{b}", "[x='a]"] {
            assert!(names(broken).is_err(), "{broken}");
        }
    }
}
