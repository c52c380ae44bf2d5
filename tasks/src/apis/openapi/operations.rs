//! The operations of a description as calls: what each is called, what it takes and what it does to the world.

use reqwest::Method;
use reqwest::header::HeaderName;
use serde_json::{Map, Value, json};
use tapwright_agent::calls::{ABOUT_CHARS_MAX, ApiCatalog};
use tapwright_contract::api::{ApiEffect, ApiSpec};

use super::OpenApiOptions;
use super::request::{OperationRequest, Parameter, ParameterPlace, QueryStyle, RequestBody};
use super::schemas::{Extent, Schemas};
use crate::apis::described::{
    OFFERED_MAX, SHOWN_CHARS_MAX, UnknownCall, UnofferedApi, find_unknown, is_wanted, one_line,
};

/// How many operations that are not offered are named.
const LEFT_OUT_MAX: usize = 1000;
/// As long as the name of a call may be.
const NAME_BYTES_MAX: usize = 64;
/// The argument that is the body of a request.
const BODY: &str = "body";
/// What may be asked of a path, in the order in which it is offered.
const METHODS: [&str; 6] = ["get", "post", "put", "patch", "delete", "head"];
/// How much is written out of what has no end, the most first: the first that is not too much is taken.
const EXTENTS: [Extent; 5] = [
    Extent { levels_max: 8, repeats_max: 1 },
    Extent { levels_max: 6, repeats_max: 0 },
    Extent { levels_max: 4, repeats_max: 0 },
    Extent { levels_max: 3, repeats_max: 0 },
    Extent { levels_max: 2, repeats_max: 0 },
];
/// Headers that are the settings', or the connection's: no argument is one of them.
const OWN_HEADERS: [&str; 12] = [
    "accept",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "host",
    "proxy-authorization",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// An operation that is offered.
#[derive(Clone, Debug)]
pub struct Operation {
    pub spec: ApiSpec,
    pub request: OperationRequest,
}

/// What a description has, and what of it is not offered.
#[derive(Clone, Debug, Default)]
pub struct OperationList {
    pub operations: Vec<Operation>,
    pub left_out: Vec<UnofferedApi>,
    /// A name of the settings that is no operation's.
    pub unknown: Option<UnknownCall>,
}

/// An operation as the description has it.
struct Described<'a> {
    method: &'static str,
    path: &'a str,
    item: &'a Value,
    operation: &'a Value,
    /// What the call is called, without the service.
    name: String,
    /// What it may be called in the settings: so, by its own identifier, and by its method and path.
    names: Vec<String>,
}

impl OperationList {
    /// Reads what a description has. `is_elsewhere` tells the servers of one operation that are not the service's.
    pub fn read(
        root: &Value,
        is_older: bool,
        options: &OpenApiOptions,
        is_elsewhere: impl Fn(&Value) -> Option<String>,
    ) -> OperationList {
        let mut list = OperationList::default();
        let mut catalog = ApiCatalog::default();
        let described = describe(root, is_older);
        for described in &described {
            let called = format!("{}.{}", options.name, described.name);
            let called: String = called.chars().take(NAME_BYTES_MAX).collect();
            let names: Vec<&str> = described.names.iter().map(String::as_str).collect();
            let is_unchosen = !is_wanted(options.operations.as_deref(), &names);
            let taken = match is_unchosen {
                true => Err(format!("[apis.{}] operations does not name it", options.name)),
                false => list.take(&mut catalog, (root, is_older), options, described, &called, &is_elsewhere),
            };
            let Err(why) = taken else { continue };
            if list.left_out.len() < LEFT_OUT_MAX {
                let (name, why) = (one_line(&called, SHOWN_CHARS_MAX), one_line(&why, 400));
                list.left_out.push(UnofferedApi { name, why, is_unchosen });
            }
        }
        let known: Vec<&str> = described.iter().flat_map(|described| &described.names).map(String::as_str).collect();
        list.unknown = find_unknown(options.operations.iter().flatten().chain(options.effects.keys()), &known);
        list
    }

    fn take(
        &mut self,
        catalog: &mut ApiCatalog,
        (root, is_older): (&Value, bool),
        options: &OpenApiOptions,
        described: &Described<'_>,
        called: &str,
        is_elsewhere: &impl Fn(&Value) -> Option<String>,
    ) -> Result<(), String> {
        let names: Vec<&str> = described.names.iter().map(String::as_str).collect();
        let chosen = options.operations.as_deref();
        let name_it = || format!("name it: [apis.{}] operations = [\"{}\"]", options.name, described.name);
        if chosen.is_none() && described.operation["deprecated"].as_bool() == Some(true) {
            return Err(format!("the service says that it is deprecated; if it is wanted, {}", name_it()));
        }
        if chosen.is_none() && self.operations.len() >= OFFERED_MAX {
            return Err(format!(
                "the first {OFFERED_MAX} operations of a service are offered; if it is wanted, {}",
                name_it()
            ));
        }
        let servers = [&described.operation["servers"], &described.item["servers"]];
        if let Some(elsewhere) = servers.into_iter().find_map(is_elsewhere) {
            return Err(format!("it is at another server than url is, {elsewhere}"));
        }
        let effect = options.effect_of(&names, described.method);
        let about = about(described);
        let mut why = String::new();
        for extent in EXTENTS {
            let mut schemas = Schemas::new(root, is_older, extent);
            let read = Arguments::read(&mut schemas, described);
            if schemas.is_exhausted() {
                why = "its arguments are too many to be told".to_owned();
                continue;
            }
            let (parameters, request) = read?;
            let spec = ApiSpec { name: called.to_owned(), about: about.clone(), parameters, effect };
            match catalog.add(spec.clone()) {
                Ok(()) => {
                    self.operations.push(Operation { spec, request });
                    return Ok(());
                }
                Err(error) => why = error.to_string(),
            }
        }
        Err(why)
    }
}

impl OpenApiOptions {
    /// What an operation does: what the settings say; or else what its method has to mean by HTTP. What is sent to a service has left
    /// the device, and what was deleted there nobody brings back.
    fn effect_of(&self, names: &[&str], method: &str) -> ApiEffect {
        let said = names.iter().find_map(|name| self.effects.get(*name)).copied().or(self.effect);
        said.unwrap_or(match method {
            "get" | "head" => ApiEffect::Reads,
            "delete" => ApiEffect::Irreversible,
            _ => ApiEffect::LeavesTheDevice,
        })
    }
}

/// All operations, in the order of the description.
fn describe(root: &Value, is_older: bool) -> Vec<Described<'_>> {
    let schemas = Schemas::new(root, is_older, EXTENTS[0]);
    let mut all = Vec::new();
    for (path, item) in root["paths"].as_object().into_iter().flatten() {
        let Ok(item) = schemas.resolve(item) else { continue };
        for method in METHODS {
            let Some(operation) = item.get(method).filter(|operation| operation.is_object()) else { continue };
            let id = operation["operationId"].as_str().unwrap_or_default();
            let plain = plain_name(id);
            let name = match plain.is_empty() {
                false => plain,
                true => plain_name(&format!("{method}{path}")),
            };
            let whole = format!("{} {path}", method.to_uppercase());
            let names = [name.clone(), id.to_owned(), whole].into_iter().filter(|name| !name.is_empty()).collect();
            all.push(Described { method, path, item, operation, name, names });
        }
    }
    all
}

/// Letters, digits and `-_.`; whatever else there is becomes one `_`.
fn plain_name(text: &str) -> String {
    let mut name = String::new();
    for letter in text.chars().take(8 * NAME_BYTES_MAX) {
        match letter {
            letter if letter.is_ascii_alphanumeric() || "-.".contains(letter) => name.push(letter),
            _ if !name.ends_with('_') => name.push('_'),
            _ => {}
        }
    }
    name.trim_matches(['_', '.', '-']).to_owned()
}

fn about(described: &Described<'_>) -> String {
    let Described { operation, item, method, path, .. } = described;
    let texts = ["summary", "description"].into_iter().flat_map(|key| [operation.get(key), item.get(key)]);
    let told = texts.flatten().filter_map(Value::as_str).map(|text| one_line(text, ABOUT_CHARS_MAX));
    let whole = one_line(&format!("{} {path}", method.to_uppercase()), ABOUT_CHARS_MAX);
    told.chain([whole]).find(|line| !line.is_empty()).unwrap_or_default()
}

/// What an operation takes, while it is read.
#[derive(Default)]
struct Arguments {
    properties: Map<String, Value>,
    required: Vec<String>,
    parameters: Vec<Parameter>,
}

impl Arguments {
    /// The schema of all arguments, and where each of them goes. What may be left out and cannot be written is left out.
    fn read<'a>(schemas: &mut Schemas<'a>, described: &Described<'a>) -> Result<(Value, OperationRequest), String> {
        let Described { method, path, item, operation, .. } = described;
        let odd = |letter: char| letter.is_control() || letter.is_whitespace() || "?#\\%".contains(letter);
        let dots = path.split('/').any(|segment| matches!(segment, "." | ".."));
        if !path.starts_with('/') || path.contains(odd) || dots {
            return Err("its path begins with a slash, and has no ?, #, % or dots that lead elsewhere".to_owned());
        }
        let mut arguments = Arguments::default();
        for said in parameters(schemas, item, operation)? {
            let name = said["name"].as_str().unwrap_or_default();
            let is_needed = said["in"] == "path" || said["required"].as_bool() == Some(true);
            match parameter(schemas, said) {
                Ok((place, schema)) => arguments.add(name, place, schema, is_needed),
                Err(why) if is_needed => return Err(format!("its parameter {:?}: {why}", one_line(name, 60))),
                Err(_) => {}
            }
        }
        let places = path.split('{').skip(1).map(|rest| rest.split_once('}').map_or(rest, |(name, _)| name));
        for place in places {
            let is_place = |known: &Parameter| known.place == ParameterPlace::Path && known.name == place;
            if !arguments.parameters.iter().any(is_place) {
                return Err(format!("its path has {{{}}}, which is none of its parameters", one_line(place, 60)));
            }
        }
        let body = match operation.get("requestBody") {
            Some(body) if !matches!(*method, "get" | "head") => arguments.body(schemas, body)?,
            _ => None,
        };
        let Arguments { properties, required, parameters } = arguments;
        let schema = json!({
            "type": "object", "properties": properties, "required": required, "additionalProperties": false,
        });
        let method = Method::from_bytes(method.to_uppercase().as_bytes()).map_err(|error| error.to_string())?;
        Ok((schema, OperationRequest { method, path: (*path).to_owned(), parameters, body }))
    }

    fn add(&mut self, name: &str, place: ParameterPlace, schema: Value, is_needed: bool) {
        // One name may stand for two places: then the later one says which it is.
        let kind = match place {
            ParameterPlace::Path => "path",
            ParameterPlace::Query(_) => "query",
            ParameterPlace::Header => "header",
        };
        let argument = match self.properties.contains_key(name) || name == BODY {
            true => format!("{name}_{kind}"),
            false => name.to_owned(),
        };
        if is_needed {
            self.required.push(argument.clone());
        }
        self.properties.insert(argument.clone(), schema);
        self.parameters.push(Parameter { argument, name: name.to_owned(), place });
    }

    fn body<'a>(&mut self, schemas: &mut Schemas<'a>, said: &'a Value) -> Result<Option<RequestBody>, String> {
        // Whether one that is not there is needed nobody knows.
        let said = schemas.resolve(said).map_err(|why| format!("its body: {why}"))?;
        let is_needed = said["required"].as_bool() == Some(true);
        match body_content(schemas, said) {
            Ok((content_type, is_form, schema)) => {
                self.properties.insert(BODY.to_owned(), schema);
                if is_needed {
                    self.required.push(BODY.to_owned());
                }
                Ok(Some(RequestBody { argument: BODY.to_owned(), content_type, is_form }))
            }
            Err(why) if is_needed => Err(why),
            Err(_) => Ok(None),
        }
    }
}

/// How a body is written, whether that is as a form, and what it looks like.
fn body_content<'a>(schemas: &mut Schemas<'a>, said: &'a Value) -> Result<(String, bool, Value), String> {
    let content = said["content"].as_object().ok_or("its body has no content")?;
    let kind_of = |kind: &str| kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_json = |kind: &str| kind == "application/json" || kind.ends_with("+json");
    let as_json = content.iter().find(|(kind, _)| is_json(&kind_of(kind)));
    let is_form = |kind: &str| kind == "application/x-www-form-urlencoded";
    let as_form = || content.iter().find(|(kind, _)| is_form(&kind_of(kind)));
    let (kind, media) = as_json.or_else(as_form).ok_or_else(|| {
        let kinds: Vec<&str> = content.keys().map(String::as_str).collect();
        format!("its body is neither JSON nor a form: {}", one_line(&kinds.join(", "), 80))
    })?;
    let schema = match media.get("schema") {
        Some(schema) => schemas.convert(schema, 1).map_err(|why| format!("its body: {why}"))?,
        None => Map::new(),
    };
    if as_json.is_none() && schema.get("type").and_then(Value::as_str) != Some("object") {
        return Err("its body is a form of no fields".to_owned());
    }
    Ok((kind_of(kind), as_json.is_none(), schema.into()))
}

/// The parameters of a path and those of the operation, which take the place of the path's.
fn parameters<'a>(schemas: &Schemas<'a>, item: &'a Value, operation: &'a Value) -> Result<Vec<&'a Value>, String> {
    let mut all: Vec<&Value> = Vec::new();
    for said in [&item["parameters"], &operation["parameters"]].into_iter().filter_map(Value::as_array).flatten() {
        let said = schemas.resolve(said).map_err(|why| format!("one of its parameters: {why}"))?;
        let is_same = |known: &&Value| known["name"] == said["name"] && known["in"] == said["in"];
        match all.iter().position(is_same) {
            Some(at) => all[at] = said,
            None => all.push(said),
        }
    }
    Ok(all)
}

/// Where a parameter goes, and what it looks like.
fn parameter<'a>(schemas: &mut Schemas<'a>, said: &'a Value) -> Result<(ParameterPlace, Value), String> {
    let name = said["name"].as_str().filter(|name| !name.is_empty()).ok_or("it has no name")?;
    let place = said["in"].as_str().unwrap_or_default();
    let style = said["style"].as_str();
    let (schema, as_json) = match (said.get("schema"), said["content"].as_object()) {
        (Some(schema), _) => (schema, false),
        (None, Some(content)) => {
            let media = content.get("application/json").ok_or("it is neither a plain value nor JSON")?;
            (media.get("schema").unwrap_or(&Value::Bool(true)), true)
        }
        (None, None) => return Err("it has no schema".to_owned()),
    };
    let schema = Value::Object(schemas.convert(schema, 1)?);
    let place = match (place, style) {
        ("path", None | Some("simple")) if !as_json => ParameterPlace::Path,
        ("header", None | Some("simple")) if !as_json => {
            let is_own = OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str());
            if is_own || name.parse::<HeaderName>().is_err() {
                return Err("such a header is the settings' to say: headers = { … }".to_owned());
            }
            ParameterPlace::Header
        }
        ("query", _) if as_json => ParameterPlace::Query(QueryStyle::Json),
        ("query", style) => ParameterPlace::Query(query_style(style, said["explode"].as_bool(), &schema)?),
        ("cookie", _) => return Err("cookies are the settings' to say: headers = { cookie = \"…\" }".to_owned()),
        (place, style) => {
            let style = style.map(|style| format!(" in the style {}", one_line(style, 30))).unwrap_or_default();
            return Err(format!("it is in {:?}{style}, which is not known here", one_line(place, 30)));
        }
    };
    Ok((place, schema))
}

fn query_style(style: Option<&str>, explode: Option<bool>, schema: &Value) -> Result<QueryStyle, String> {
    let is_object = schema["type"].as_str() == Some("object") || schema.get("properties").is_some();
    match (style, explode) {
        (Some("deepObject"), _) => Ok(QueryStyle::Deep),
        // Each field would be a parameter of its own, of whichever name.
        _ if is_object => Err("an object is written into a query as deepObject or as JSON only".to_owned()),
        (None | Some("form"), None | Some(true)) => Ok(QueryStyle::Repeated),
        (None | Some("form"), Some(false)) => Ok(QueryStyle::Joined(",")),
        (Some("spaceDelimited"), _) => Ok(QueryStyle::Joined("%20")),
        (Some("pipeDelimited"), _) => Ok(QueryStyle::Joined("%7C")),
        (Some(style), _) => Err(format!("its style {} is not known here", one_line(style, 30))),
    }
}
