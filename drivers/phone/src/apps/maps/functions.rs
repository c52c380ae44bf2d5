//! What Maps does for other programs: finding places, and keeping them in lists.

use serde_json::{Value, json};

use super::{CITIES, Maps, Place, SavedList, SavedPlace};
use crate::app::Context;
use crate::apps::common::{matches, require_network};
use crate::date::clock_text;
use crate::functions::{AppFunction, Arguments, FunctionError, Parameter, Returns, ValueType, invalid};
use crate::providers::Providers;

const FOUND_MAX: usize = 20;
const LIST: Parameter = Parameter::required("list", ValueType::Text, "The name of the list");

pub(super) const ALL: &[AppFunction] = &[
    AppFunction {
        name: "findPlaces",
        about: "Finds places by a part of their names, with prices and hours: up to twenty",
        parameters: &[
            Parameter::required("query", ValueType::Text, "A part of the name"),
            Parameter::optional("city", ValueType::Text, "Only there"),
        ],
        returns: Returns::Rows(&[
            Parameter::required("name", ValueType::Text, ""),
            Parameter::required("city", ValueType::Text, ""),
            Parameter::required("kind", ValueType::Text, ""),
            Parameter::required("price", ValueType::Number, "In yuan; 0 is free"),
            Parameter::required("hours", ValueType::Text, ""),
            Parameter::required("address", ValueType::Text, ""),
        ]),
        reads: true,
    },
    AppFunction {
        name: "listSavedPlaces",
        about: "Lists the places of a list, with the notes beside them",
        parameters: &[LIST],
        returns: Returns::Rows(&[
            Parameter::required("name", ValueType::Text, ""),
            Parameter::required("note", ValueType::Text, ""),
        ]),
        reads: true,
    },
    AppFunction {
        name: "savePlace",
        about: "Saves a place in a list, which is made if it is not there; a place that is in it gets the new note",
        parameters: &[
            Parameter::required("place", ValueType::Text, "Its whole name"),
            LIST,
            Parameter::optional("note", ValueType::Text, "What stands beside it"),
        ],
        returns: Returns::Text,
        reads: false,
    },
];

pub(super) fn execute(
    maps: &mut Maps,
    function: &str,
    arguments: &Arguments,
    context: &Context<'_>,
    providers: &Providers,
) -> Result<Value, FunctionError> {
    match function {
        "findPlaces" => {
            require_network(providers)?;
            find(maps, arguments.line("query")?, arguments.text("city"), context)
        }
        "listSavedPlaces" => {
            let name = arguments.line("list")?;
            let list = maps.lists.iter().find(|list| list.name == name);
            let list = list.ok_or_else(|| invalid(format!("there is no list {name:.100}")))?;
            let row = |saved: &SavedPlace| json!({"name": maps.places[saved.place].name, "note": saved.note});
            Ok(list.places.iter().map(row).collect())
        }
        "savePlace" => {
            let (name, place) = (arguments.line("list")?, arguments.line("place")?);
            let place =
                maps.place_of(place).ok_or_else(|| invalid("there is no place of that name; findPlaces tells them"))?;
            let at = maps.lists.iter().position(|list| list.name == name).unwrap_or_else(|| {
                maps.lists.push(SavedList { name: name.to_owned(), places: Vec::new() });
                maps.lists.len() - 1
            });
            let chosen = std::mem::replace(&mut maps.chosen, at);
            maps.save(place, arguments.text("note"));
            maps.chosen = chosen;
            Ok(json!(format!("{} is in {name}", maps.places[place].name)))
        }
        _ => Err(FunctionError::NotFound(function.to_owned())),
    }
}

fn find(maps: &Maps, query: &str, city: &str, context: &Context<'_>) -> Result<Value, FunctionError> {
    let is_city = |known: &&crate::atlas::City| known.name.english == city || known.name.chinese == city;
    if !city.is_empty() && !CITIES.iter().any(|known| is_city(&known)) {
        return Err(invalid(format!("there is no city {city:.100}")));
    }
    let is_meant = |place: &&Place| matches(&place.name, query) && (city.is_empty() || is_city(&place.city()));
    let row = |place: &Place| {
        let hours = match place.open == place.close {
            true => "all day".to_owned(),
            false => format!("{}-{}", clock_text(place.open), clock_text(place.close)),
        };
        json!({
            "name": place.name, "city": context.language.say(place.city().name), "kind": context.language.say(place.kind.label()),
            "price": place.price, "hours": hours, "address": place.address,
        })
    };
    Ok(maps.places.iter().filter(is_meant).take(FOUND_MAX).map(row).collect())
}
