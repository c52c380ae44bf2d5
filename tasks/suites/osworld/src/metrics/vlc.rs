//! Evaluator functions over VLC: its settings file and its status page.
//!
//! Settings are searched as text, comments too: a line `#qt-bgcone=0` counts, since that is how upstream reads it.

use serde_json::Value;

use super::text::score;
use crate::error::EvaluatorErrorKind as Kind;
use crate::output::MetricInputs;
use crate::python::text::{file_name, strip};
use crate::python::url::UrlParts;
use crate::python::value::{equals, parse_int, to_text};
use crate::xml;

type Score = Result<f64, Kind>;

/// What stands behind the last `=` of the last line that names the setting.
fn last_setting<'a>(settings: &'a str, name: &str) -> Option<&'a str> {
    settings.split('\n').filter(|line| line.contains(name)).map(value).next_back()
}

fn value(line: &str) -> &str {
    strip(line.rsplit('=').next().unwrap_or_default())
}

/// A setting compared with what the rule has under `key`; whole numbers are compared as they are written.
fn has_setting(inputs: &MetricInputs, name: &str, default: &str, key: &str) -> Score {
    let settings = inputs.present_file()?.text_as_is()?;
    let found = last_setting(settings, name).unwrap_or(default);
    Ok(score(is_written(inputs.rule_at(key)?, found)))
}

fn is_written(expected: &Value, found: &str) -> bool {
    match expected {
        Value::Number(number) if number.is_f64() => false,
        Value::Number(_) | Value::Bool(_) | Value::String(_) => to_text(expected) == found,
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

pub(super) fn check_qt_bgcone(inputs: &MetricInputs) -> Score {
    has_setting(inputs, "qt-bgcone=", "1", "expected_qt_bgcone")
}

pub(super) fn check_qt_max_volume(inputs: &MetricInputs) -> Score {
    has_setting(inputs, "qt-max-volume=", "125", "expected_qt_max_volume")
}

pub(super) fn check_qt_minimal_view(inputs: &MetricInputs) -> Score {
    has_setting(inputs, "qt-minimal-view=", "0", "expected_qt_minimal_view")
}

pub(super) fn check_play_and_exit(inputs: &MetricInputs) -> Score {
    has_setting(inputs, "play-and-exit=", "0", "expected_play_and_exit")
}

pub(super) fn check_one_instance_when_started_from_file(inputs: &MetricInputs) -> Score {
    let name = "one-instance-when-started-from-file=";
    has_setting(inputs, name, "1", "expected_one_instance_when_started_from_file")
}

/// Whether any key is bound.
pub(super) fn check_global_key_play_pause(inputs: &MetricInputs) -> Score {
    let settings = inputs.present_file()?.text_as_is()?;
    let bound = last_setting(settings, "global-key-play-pause=").is_some_and(|key| !key.is_empty());
    let found = if bound { "1" } else { "0" };
    Ok(score(is_written(inputs.rule_at("expected_global_key_play_pause")?, found)))
}

pub(super) fn check_qt_slider_colours(inputs: &MetricInputs) -> Score {
    let settings = inputs.present_file()?.text_as_is()?;
    let found = last_setting(settings, "qt-slider-colours").unwrap_or("153;210;153;20;210;20;255;199;15;245;39;29");
    match inputs.rule_text("type")? {
        "match" => Ok(score(is_written(inputs.rule_at("expected_qt_slider_colours")?, found))),
        "blackish" => {
            let numbers: Option<Vec<i64>> = found.split(';').map(parse_int).collect();
            Ok(numbers.map_or(0.0, |numbers| score(numbers.chunks_exact(3).flatten().all(|part| *part < 100))))
        }
        other => Err(Kind::rule(format!("the type {other:?} is not supported"))),
    }
}

/// The first line that is no comment counts here.
pub(super) fn is_vlc_recordings_folder(inputs: &MetricInputs) -> Score {
    let settings = inputs.present_file()?.text_as_is()?;
    let expected = inputs.rule_at("recording_file_path")?;
    let says = |line: &&str| !line.starts_with('#') && line.contains("input-record-path");
    Ok(settings.split('\n').find(says).map_or(0.0, |line| score(expected.as_str() == Some(value(line)))))
}

pub(super) fn is_vlc_fullscreen(inputs: &MetricInputs) -> Score {
    let (window, screen) = (inputs.value()?, inputs.rule()?);
    if window.is_null() || screen.is_null() {
        return Ok(0.0);
    }
    let mut is_same = true;
    for side in ["width", "height"] {
        let (Some(window), Some(screen)) = (window.get(side), screen.get(side)) else {
            return Err(Kind::output(format!("there is no {side}")));
        };
        is_same = is_same && equals(window, screen);
    }
    Ok(score(is_same))
}

pub(super) fn is_vlc_playing(inputs: &MetricInputs) -> Score {
    let file = inputs.present_file()?;
    let text = file.text_as_is()?;
    let document = xml::parse(&file.name, text)?;
    let root = document.root_element();
    let state = xml::children(root, "state").next().ok_or_else(|| Kind::unreadable(&file.name, "it tells no state"))?;
    if xml::text(state) != Some("playing") {
        return Ok(0.0);
    }
    let about = |category: &str, name: &str| {
        let category = xml::children(root, "information")
            .flat_map(|part| xml::children(part, "category"))
            .filter(|part| part.attribute("name") == Some(category));
        let info =
            category.flat_map(|part| xml::children(part, "info")).find(|part| part.attribute("name") == Some(name));
        info.and_then(xml::text).filter(|text| !text.is_empty())
    };
    match inputs.rule_text("type")? {
        "file_name" => {
            let expected = inputs.rule_text("file_name")?;
            let playing = ["filename", "title", "uri", "location", "name"].iter().find_map(|name| about("meta", name));
            Ok(playing.map_or(0.0, |playing| score(file_name(playing) == expected || playing.ends_with(expected))))
        }
        "url" => {
            let expected = inputs.rule_text("url")?;
            let meta = ["url", "URI", "location", "title", "filename"].iter().find_map(|name| about("meta", name));
            let stream = || ["Codec", "Type", "Language"].iter().find_map(|name| about("Stream 0", name));
            Ok(meta.or_else(stream).map_or(0.0, |playing| score(is_stream(playing, expected))))
        }
        _ => Ok(0.0),
    }
}

/// VLC tells the whole address, only the file's name, or the address of a part.
fn is_stream(playing: &str, expected: &str) -> bool {
    if playing.contains(expected) {
        return true;
    }
    let Some(address) = UrlParts::parse(expected) else { return false };
    if playing == file_name(&address.path) {
        return true;
    }
    playing.contains("://")
        && UrlParts::parse(playing)
            .is_some_and(|part| part.netloc == address.netloc && part.path.contains(&address.path))
}
