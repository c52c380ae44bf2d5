//! Places in what is sent, for a call's arguments: `{{city}}` for the argument `city`, `{{arguments}}` for all of them as JSON.

use serde_json::Value;

use super::InvalidApi;

/// All arguments, as an object of JSON.
pub const ARGUMENTS: &str = "arguments";

/// What a text is made of, in order.
enum Piece<'a> {
    Text(&'a str),
    /// The name of an argument.
    Place(&'a str),
}

/// `{{name}}` is a place; `{{secret:name}}` and whatever else stands between braces is none.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut rest, mut from) = (text, 0);
    while let Some(at) = rest[from..].find("{{").map(|at| at + from) {
        let name = rest[at + 2..].find("}}").map(|end| &rest[at + 2..at + 2 + end]);
        let is_name = |name: &&str| {
            !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-' || c == '.')
        };
        match name.filter(is_name) {
            Some(name) => {
                pieces.extend([Piece::Text(&rest[..at]), Piece::Place(name)]);
                (rest, from) = (&rest[at + 4 + name.len()..], 0);
            }
            None => from = at + 1,
        }
    }
    pieces.push(Piece::Text(rest));
    pieces
}

/// Whether an argument goes into it.
pub fn has_places(text: &str) -> bool {
    pieces(text).iter().any(|piece| matches!(piece, Piece::Place(_)))
}

/// Whether it begins with one: of a program's arguments such a one could be an option.
pub fn begins_with_a_place(text: &str) -> bool {
    matches!(&pieces(text)[..], [Piece::Text(""), Piece::Place(_), ..])
}

/// Whether all places are for arguments that there are.
pub fn check(text: &str, known: &[&str]) -> Result<(), InvalidApi> {
    let mut places = pieces(text).into_iter().filter_map(|piece| match piece {
        Piece::Place(name) => Some(name),
        Piece::Text(_) => None,
    });
    match places.find(|name| *name != ARGUMENTS && !known.contains(name)) {
        Some(name) => Err(InvalidApi(format!(
            "{{{{{name}}}}} is the place of no argument; its parameters are: {}",
            if known.is_empty() { "none".to_owned() } else { known.join(", ") }
        ))),
        None => Ok(()),
    }
}

/// The text with the arguments in their places, each written as it has to be there. One that was left out is empty.
pub fn fill(text: &str, arguments: &Value, written: impl Fn(&str) -> String) -> String {
    let fill = |piece| match piece {
        Piece::Text(text) => text.to_owned(),
        Piece::Place(ARGUMENTS) if arguments.get(ARGUMENTS).is_none() => written(&arguments.to_string()),
        Piece::Place(name) => match arguments.get(name) {
            None => String::new(),
            Some(Value::String(text)) => written(text),
            Some(value) => written(&value.to_string()),
        },
    };
    pieces(text).into_iter().map(fill).collect()
}

/// What a program reads: the instruction, if there is nothing else, and otherwise all arguments as JSON.
pub fn whole(arguments: &Value) -> String {
    let only = arguments.as_object().filter(|arguments| arguments.len() == 1);
    match only.and_then(|arguments| arguments.get("instruction")) {
        Some(Value::String(text)) => text.clone(),
        _ => arguments.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn places_are_filled_once() {
        let arguments = json!({ "city": "{{days}} & {{secret:key}}", "days": 2, "deep": { "a": [1] } });
        let fill = |text: &str| fill(text, &arguments, |text| text.replace('&', "%26"));
        for (text, expected) in [
            ("q={{city}}&n={{days}}", "q={{days}} %26 {{secret:key}}&n=2"),
            ("{{none}}|{{deep}}", "|{\"a\":[1]}"),
            ("{{ city }} {{}} {{a b}} {{", "{{ city }} {{}} {{a b}} {{"),
            ("{{secret:key}}{{{days}}}", "{{secret:key}}{2}"),
            ("{{{{days}}}}", "{{2}}"),
        ] {
            assert_eq!(fill(text), expected, "{text}");
        }
        assert_eq!(fill("{{arguments}}"), arguments.to_string().replace('&', "%26"));
        assert!(begins_with_a_place("{{city}}x") && !begins_with_a_place("x{{city}}") && !has_places("{{secret:a}}"));
        assert!(check("{{days}} {{arguments}}", &["days"]).is_ok());
        let error = check("{{day}}", &["days", "city"]).unwrap_err().to_string();
        assert_eq!(error, "{{day}} is the place of no argument; its parameters are: days, city");
    }
}
