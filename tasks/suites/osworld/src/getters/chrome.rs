//! Getters over the browser: what stands in its profile, and in the address bar.

use serde_json::{Map, Value, json};

use super::{Output, Resolution, Unresolved};
use crate::accessibility;
use crate::error::EvaluatorErrorKind as Kind;
use crate::output::GetterOutput;
use crate::python::text::strip;
use crate::python::url::{UrlParts, query_value, unquote};
use crate::python::value::{canonical_json, equals, is_true};
use crate::state::{StateReply, StateRequest};
use crate::xml;

/// A file of the profile that the VM's browser uses.
pub(super) fn profile_file(name: &str) -> String {
    format!("~/.config/google-chrome/Default/{name}")
}

pub(super) fn resolve(at: &Resolution) -> Output {
    let settings = |or: Value, read: fn(&Value) -> Value| {
        let settings = json_file(at, &profile_file("Preferences"))?;
        // Whatever goes wrong with the settings upstream answers with a default.
        Ok(GetterOutput::Value(settings.filter(Value::is_object).map_or(or, |settings| read(&settings))))
    };
    let chromes = || json!("Google");
    let flag = |is: bool| json!(if is { "true" } else { "false" });
    match at.getter.name {
        "enable_do_not_track" => settings(flag(false), |it| truth(is_true(&it["enable_do_not_track"]))),
        "enable_enhanced_safety_browsing" => settings(chromes(), |it| truth(is_true(&it["safebrowsing"]["enhanced"]))),
        "enable_safe_browsing" => settings(flag(false), |it| {
            truth(is_true(&it["safebrowsing"]["enhanced"]) || is_true(&it["safebrowsing"]["enabled"]))
        }),
        "new_startup_page" => settings(chromes(), |it| match it.get("session") {
            None => truth(true),
            Some(session) => truth(equals(&session["restore_on_startup"], &json!(5))),
        }),
        "data_delete_automacally" => settings(chromes(), |it| match it.get("profile") {
            None => json!("Google"),
            Some(profile) => truth(!profile["default_content_setting_values"].is_null()),
        }),
        "chrome_appearance_mode_ui" => match at.reply(StateRequest::ChromeAppearance)? {
            StateReply::Value(told) => match appearance(told) {
                Some(mode) => Ok(GetterOutput::Value(json!(mode))),
                None => settings(json!("system"), colour_scheme),
            },
            // There is no browser: what it has written counts.
            StateReply::Missing => settings(json!("system"), colour_scheme),
            _ => Err(at.unexpected().into()),
        },
        "profile_name" => settings(Value::Null, |it| it["profile"]["name"].clone()),
        "default_search_engine" => settings(chromes(), |it| {
            let name = &it["default_search_provider_data"]["template_url_data"];
            name.get("short_name").cloned().unwrap_or_else(|| json!("Google"))
        }),
        "chrome_font_size" => settings(json!({"default_fixed_font_size": 13, "default_font_size": 16}), |it| {
            let sizes = json!({"default_fixed_font_size": 13, "default_font_size": 16, "minimum_font_size": 13});
            it["webkit"].get("webprefs").cloned().unwrap_or(sizes)
        }),
        "find_unpacked_extension_path" => settings(chromes(), |it| extensions(it, |extension| extension.get("path"))),
        "find_installed_extension_name" => {
            settings(chromes(), |it| extensions(it, |extension| extension.get("manifest")?.get("name")))
        }
        "bookmarks" => {
            let path = profile_file("Bookmarks");
            let roots = match at.file(StateRequest::File { path: path.clone() })? {
                GetterOutput::File(file) if !file.bytes.is_empty() => {
                    let bookmarks: Value =
                        serde_json::from_slice(file.bounded()?).map_err(|error| Kind::unreadable(&path, error))?;
                    bookmarks.get("roots").cloned().unwrap_or_else(|| json!({}))
                }
                _ => json!([]),
            };
            Ok(GetterOutput::Value(roots))
        }
        "chrome_language" | "enabled_experiments" => local_state(at),
        "active_url_from_accessTree" => Ok(GetterOutput::Value(address(at)?.map_or(Value::Null, Value::String))),
        "active_tab_url_parse" => url_parameters(at),
        "url_dashPart" => url_part(at),
        "url_path_parse" => shop_filters(at),
        "shortcuts_on_desktop" => shortcuts(at),
        // A live page, an account, or a part of a document.
        name => at.plain_or_file(StateRequest::Other {
            getter: name.to_owned(),
            parameters: canonical_json(&Value::Object(at.parameters().clone())),
        }),
    }
}

/// What is chosen on the page of settings, by upstream's rules: light before dark before the system's, wherever it is said.
fn appearance(told: &Value) -> Option<&'static str> {
    let preference = |name: &str| match &told["preferences"][name] {
        Value::String(text) => text.to_lowercase(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let mut modes: Vec<&str> = Vec::new();
    for name in ["browser.theme.color_scheme", "browser.theme.color_scheme2"] {
        modes.extend(match preference(name).as_str() {
            "1" | "light" => Some("light"),
            "2" | "dark" => Some("dark"),
            "0" | "system" | "default" | "device" => Some("system"),
            _ => None,
        });
    }
    modes.extend(match preference("extensions.theme.system_theme").as_str() {
        "0" | "false" => Some("light"),
        "1" | "true" => Some("dark"),
        _ => None,
    });
    for text in told["chosen"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let text = text.to_lowercase();
        let words =
            [("light", "light"), ("dark", "dark"), ("device", "system"), ("system", "system"), ("default", "system")];
        modes.extend(words.into_iter().find(|(word, _)| text.contains(word)).map(|(_, mode)| mode));
    }
    ["light", "dark", "system"].into_iter().find(|mode| modes.contains(mode))
}

/// The same by the settings that the browser has written.
fn colour_scheme(settings: &Value) -> Value {
    if equals(&settings["extensions"]["theme"]["system_theme"], &json!(0))
        || settings["extensions"]["theme"]["system_theme"] == "0"
    {
        return json!("light");
    }
    let theme = &settings["browser"]["theme"];
    let chosen = theme.get("color_scheme2").unwrap_or(&theme["color_scheme"]);
    let chosen = match chosen {
        Value::String(text) => strip(text).to_lowercase(),
        Value::Bool(is) => u8::from(*is).to_string(),
        other => other.as_f64().map_or_else(String::new, |number| number.trunc().to_string()),
    };
    json!(match chosen.as_str() {
        "1" | "light" => "light",
        "2" | "dark" => "dark",
        _ => "system",
    })
}

fn truth(is: bool) -> Value {
    json!(if is { "true" } else { "false" })
}

/// A file that holds JSON; `None` if it is not there or holds none.
fn json_file(at: &Resolution, path: &str) -> Result<Option<Value>, Unresolved> {
    let GetterOutput::File(file) = at.file(StateRequest::File { path: path.to_owned() })? else { return Ok(None) };
    let parsed = serde_json::from_slice(file.bounded()?);
    match parsed {
        Err(error) if error.to_string().contains("recursion limit") => Err(Kind::unreadable(path, error).into()),
        parsed => Ok(parsed.ok()),
    }
}

fn local_state(at: &Resolution) -> Output {
    let state = json_file(at, "~/.config/google-chrome/Local State")?.filter(Value::is_object);
    let found = state.map(|it| match at.getter.name {
        "chrome_language" => it["intl"].get("app_locale").cloned().unwrap_or_else(|| json!("en-US")),
        _ => it["browser"].get("enabled_labs_experiments").cloned().unwrap_or_else(|| json!([])),
    });
    let or = if at.getter.name == "chrome_language" { json!("en-US") } else { json!([]) };
    Ok(GetterOutput::Value(found.unwrap_or(or)))
}

/// A field of each extension; if one lacks it, what upstream answers for anything that goes wrong.
fn extensions(settings: &Value, field: fn(&Value) -> Option<&Value>) -> Value {
    let empty = Map::new();
    let all = settings["extensions"].get("settings").map_or(Some(&empty), Value::as_object);
    let fields: Option<Vec<Value>> =
        all.and_then(|all| all.values().map(|extension| field(extension).cloned()).collect());
    fields.map_or_else(|| json!("Google"), Value::Array)
}

/// What the address bar says, with the task's prefix before it.
pub(super) fn address(at: &Resolution) -> Result<Option<String>, Unresolved> {
    let tree = match at.reply(StateRequest::AccessibilityTree)? {
        StateReply::Text(tree) => tree,
        _ => return Ok(None),
    };
    let document = xml::parse("the accessibility tree", tree)?;
    let namespaces = accessibility::namespaces("ubuntu").unwrap_or_default();
    let bar = r"application[name=Google\ Chrome] entry[name=Address\ and\ search\ bar]";
    let bars = accessibility::by_selector(&document, bar, &namespaces)?;
    // Upstream asks whether the last one says something, and takes the first.
    let Some(last) = bars.last().and_then(|bar| xml::text(*bar)).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let first = bars.first().and_then(|bar| xml::text(*bar)).unwrap_or(if bars.len() == 1 { last } else { "None" });
    let prefix = at.parameters().get("goto_prefix").and_then(Value::as_str).unwrap_or("https://");
    Ok(Some(format!("{prefix}{first}")))
}

/// Parameters of the address, `""` for one that is not there.
fn url_parameters(at: &Resolution) -> Output {
    let Some(address) = address(at)? else { return Ok(GetterOutput::nothing()) };
    let parts = UrlParts::parse(&address).ok_or_else(|| Kind::unreadable("the address", &address))?;
    let keys = at.parameter("parse_keys")?.as_array().into_iter().flatten().filter_map(Value::as_str);
    let mut found: Map<String, Value> =
        keys.map(|key| (key.to_owned(), json!(query_value(&parts.query, key).unwrap_or_default()))).collect();
    for (old, new) in at.parameters().get("replace").and_then(Value::as_object).into_iter().flatten() {
        let value =
            found.remove(old).ok_or_else(|| Kind::rule(format!("`replace` names {old:?}, which is not parsed")))?;
        let new = new.as_str().ok_or_else(|| Kind::rule("`replace` renames to what is no text"))?;
        found.insert(new.to_owned(), value);
    }
    if at.flag("split_list") {
        for value in found.values_mut() {
            *value = json!(value.as_str().unwrap_or_default().split(',').collect::<Vec<_>>());
        }
    }
    Ok(GetterOutput::Value(Value::Object(found)))
}

/// What stands between two slashes of the address.
fn url_part(at: &Resolution) -> Output {
    let Some(address) = address(at)? else { return Ok(GetterOutput::nothing()) };
    let parts: Vec<&str> = address.split('/').collect();
    let Some(index) = at.parameter("partIndex")?.as_i64() else { return Ok(GetterOutput::nothing()) };
    let count = parts.len() as i64;
    if index >= count {
        return Ok(GetterOutput::nothing());
    }
    let from_begin = if index < 0 { index + count } else { index };
    let part = usize::try_from(from_begin).ok().and_then(|index| parts.get(index));
    let mut part = *part.ok_or_else(|| Kind::output("the address has fewer parts"))?;
    if at.flag("needDeleteId") {
        part = part.split('?').next().unwrap_or_default();
    }
    Ok(GetterOutput::Value(match at.text("returnType")? {
        "string" => json!(part),
        "json" => json!({ at.text("key")?: part }),
        _ => Value::Null,
    }))
}

/// The filters of a shop's list, which stand in its path as `Name,Name/value,value`.
fn shop_filters(at: &Resolution) -> Output {
    const DISCOUNT: &str = "Price_discount_range";
    const HALF: &str = "50_PERCENT_ off & more";
    let Some(address) = address(at)? else { return Ok(GetterOutput::nothing()) };
    let parts = UrlParts::parse(&address).ok_or_else(|| Kind::unreadable("the address", &address))?;
    let path = unquote(&parts.path);
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    let mut filters: Map<String, Value> = Map::new();
    let (mut shirts, mut short) = (path.contains("shirts"), path.contains("short-sleeve"));
    if let Some(pair) = segments.windows(2).find(|pair| pair.iter().all(|part| part.contains(','))) {
        for (name, value) in pair[0].split(',').map(strip).zip(pair[1].split(',').map(strip)) {
            let kept = match (name, value) {
                (_, "") => Value::Null,
                (DISCOUNT, value) => json!(value.split('|').map(strip).collect::<Vec<_>>()),
                (_, value) => json!(value),
            };
            filters.insert(name.to_owned(), kept);
            shirts |= name == "Product_department" && matches!(value, "shirts" | "Shirts" | "Shirt");
            short |= name == "Sleeve_length" && matches!(value, "short-sleeve" | "Short Sleeve");
        }
    }
    for name in ["Men_regular_size_t", DISCOUNT] {
        filters.entry(name).or_insert(Value::Null);
    }
    let or_nothing = |is: bool| if is { json!(true) } else { Value::Null };
    let mut found = json!({
        "mens_clothing": or_nothing(path.contains("mens-clothing")),
        "shirts": or_nothing(shirts),
        "short_sleeve": or_nothing(short),
    });
    for key in at.parameter("parse_keys")?.as_array().into_iter().flatten().filter_map(Value::as_str) {
        let Some(value) = filters.get(key) else { continue };
        found[key] = if key == DISCOUNT {
            let has = |text: &str| value.as_array().is_some_and(|items| items.iter().any(|item| item == text));
            let is_half = has(HALF) && !has("30_PERCENT_ off & more") && !has("20_PERCENT_ off & more");
            json!(if is_half { HALF.to_owned() } else { format!("not_{HALF}") })
        } else {
            value.clone()
        };
    }
    Ok(GetterOutput::Value(found))
}

/// The `.desktop` files on the desktop, by their names.
fn shortcuts(at: &Resolution) -> Output {
    let StateReply::Text(desktop) = at.reply(StateRequest::DesktopFolder)? else { return Err(at.unexpected().into()) };
    let StateReply::Value(folder) = at.reply(StateRequest::Folder { path: desktop.clone() })? else {
        return Err(at.unexpected().into());
    };
    let names = folder["children"].as_array().into_iter().flatten().filter_map(|entry| entry["name"].as_str());
    let mut found = Map::new();
    let mut missing = Vec::new();
    for name in names.filter(|name| name.ends_with(".desktop")) {
        match at.file(StateRequest::File { path: format!("~/Desktop/{name}") }) {
            Ok(GetterOutput::File(file)) => drop(found.insert(name.to_owned(), json!(file.text_as_is()?))),
            Ok(_) => return Err(Kind::output(format!("the shortcut {name:?} is not there")).into()),
            Err(Unresolved::Needs(more)) => missing.extend(more),
            Err(other) => return Err(other),
        }
    }
    if missing.is_empty() { Ok(GetterOutput::Value(Value::Object(found))) } else { Err(Unresolved::Needs(missing)) }
}
