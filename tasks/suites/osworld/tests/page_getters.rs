//! What getters make of a live page, and of what lies in a presentation: by replies that are written here.

#[path = "shared/archive.rs"]
mod archive;

use serde_json::{Value, json};
use tapwright_osworld::getters::resolve;
use tapwright_osworld::output::{GetterOutput, StateFile};
use tapwright_osworld::state::{StateReply, StateRequest, StateSnapshot};
use tapwright_osworld::task::{Getter, OsworldTask};

const TREE: &str = r#"<desktop-frame><application name="Google Chrome"><entry name="Address and search bar">shop.example.org/a%20b/?q=NIKE</entry></application></desktop-frame>"#;

fn getter(of: &Value) -> Getter {
    let evaluator = json!({"func": "check_direct_json_object", "result": of, "expected": {"type": "rule", "rules": {"expected": {}}}});
    let text = json!({"id": "a", "instruction": "x", "evaluator": evaluator}).to_string();
    let task = OsworldTask::read("a.json", "chrome", &text).unwrap_or_else(|defects| panic!("{defects:?}"));
    task.evaluator.checks[0].result.clone().unwrap()
}

/// What a getter gives on a page whose elements have these texts, by their selectors.
fn read(of: &Value, page: &[(&str, &[&str])]) -> Result<GetterOutput, String> {
    let getter = getter(of);
    let mut snapshot = StateSnapshot::default();
    for _ in 0..3 {
        let requests = match resolve(&getter, &snapshot) {
            Err(tapwright_osworld::getters::Unresolved::Needs(requests)) => requests,
            other => return other.map_err(|error| format!("{error:?}")),
        };
        for request in requests {
            let reply = match &request {
                StateRequest::AccessibilityTree => StateReply::Text(TREE.to_owned()),
                StateRequest::Page { url } => StateReply::Value(json!({"title": "T", "url": url, "content": "<p>"})),
                StateRequest::PageElements { url, queries } => {
                    let texts =
                        |selector: &str| page.iter().find(|(known, _)| *known == selector).map(|(_, texts)| *texts);
                    let found: Vec<_> =
                        queries.iter().map(|of| json!(texts(&of.selector).unwrap_or_default())).collect();
                    StateReply::Value(json!({"url": url, "found": found}))
                }
                other => panic!("{other:?}"),
            };
            snapshot.replies.insert(request, reply);
        }
    }
    panic!("it asks on and on")
}

fn check(of: Value, page: &[(&str, &[&str])], expected: Value) {
    let mut parameters = of;
    parameters["type"] = json!("active_tab_html_parse");
    match read(&parameters, page) {
        Ok(GetterOutput::Value(value)) => assert_eq!(value, expected, "{parameters}"),
        other => panic!("{parameters}: {other:?}"),
    }
}

#[test]
fn texts_of_a_page_come_under_the_keys_of_the_task() {
    let page: &[(&str, &[&str])] = &[
        (".time", &[" 9:00 ", "10:00"]),
        (".tag", &["Nike", "Women", "socks"]),
        ("//h2", &["\n Oslo\n"]),
        ("//input", &[" Ada "]),
    ];
    check(
        json!({"category": "class", "class_singleObject": {"time": "at", "none": "other"}}),
        page,
        json!({"at": "9:00", "other": ""}),
    );
    check(
        json!({"category": "class", "class_multiObject": {"time": {"1": "to", "7": "late"}}}),
        page,
        json!({"to": "10:00", "late": ""}),
    );
    check(
        json!({"category": "class", "class_multiObject_search_exist": {"tag": ["Nike", "nike", "is_other_exist"]}}),
        page,
        json!({"Nike": true, "nike": false, "is_other_exist": true}),
    );
    check(
        json!({"category": "class", "class_multiObject_search_exist": {"tag": ["Nike", "Women", "socks", "is_other_exist"]}}),
        page,
        json!({"Nike": true, "Women": true, "socks": true, "is_other_exist": false}),
    );
    check(
        json!({"category": "xpath", "xpathObject": {"//h2": "city", "//h3": "no"}}),
        page,
        json!({"city": "Oslo", "no": ""}),
    );
    check(json!({"category": "input", "inputObject": {"//input": "name"}}), page, json!({"name": "Ada"}));
    // What is named and not there has no key by its class; by the address it has one.
    check(
        json!({"category": "class&url", "class_multiObject": {"tag": ["NIKE", "women", "wool socks"]},
            "url_include_expected": ["nike", "adidas"], "url_include_expected_multichoice": {"a%20b": "Path", "q=x": "Query"}}),
        page,
        json!({"nike": true, "women": true, "is_other_exist": false, "adidas": false, "path": true, "query": false}),
    );
}

#[test]
fn the_page_in_front_is_asked_for_by_its_address() {
    let said = read(&json!({"type": "active_tab_info", "goto_prefix": "https://www."}), &[]).unwrap();
    let url = "https://www.shop.example.org/a%20b/?q=NIKE";
    assert_eq!(said, GetterOutput::Value(json!({"title": "T", "url": url, "content": "<p>"})));
    // A category that nobody knows is no page without its texts.
    let error = read(&json!({"type": "active_tab_html_parse", "category": "label", "labelObject": {"a": "b"}}), &[]);
    assert!(error.unwrap_err().contains("is not done here"));
}

#[test]
fn light_and_dark_are_read_as_upstream_reads_them() {
    let getter = getter(&json!({"type": "chrome_appearance_mode_ui"}));
    let mode = |page: Option<Value>, written: &Value| {
        let settings = StateRequest::File { path: "~/.config/google-chrome/Default/Preferences".to_owned() };
        let file = StateFile::new("Preferences", written.to_string().into_bytes());
        let replies = [
            (StateRequest::ChromeAppearance, page.map_or(StateReply::Missing, StateReply::Value)),
            (settings, StateReply::File(file)),
        ];
        match resolve(&getter, &StateSnapshot { replies: replies.into() }) {
            Ok(GetterOutput::Value(Value::String(mode))) => mode,
            other => panic!("{other:?}"),
        }
    };
    let page = |scheme: Value, theme: Value, chosen: &[&str]| {
        let preferences = json!({"browser.theme.color_scheme2": scheme, "extensions.theme.system_theme": theme});
        Some(json!({"preferences": preferences, "chosen": chosen}))
    };
    // GNOME's theme counts as dark, the browser's own as light, whatever else is said.
    assert_eq!(mode(page(json!(2), json!(1), &["Medium (Recommended)", "Device"]), &json!({})), "dark");
    assert_eq!(mode(page(json!(2), json!(0), &["Dark"]), &json!({})), "light");
    assert_eq!(mode(page(json!(1), json!(1), &[]), &json!({})), "light");
    assert_eq!(mode(page(Value::Null, Value::Null, &["Device"]), &json!({})), "system");
    // A page that says nothing, and none at all: what is written counts.
    let written = |scheme: Value| json!({"browser": {"theme": {"color_scheme2": scheme, "color_scheme": 1}}});
    assert_eq!(mode(page(Value::Null, Value::Null, &["Custom"]), &written(json!(2))), "dark");
    assert_eq!(mode(None, &written(json!(" Light "))), "light");
    assert_eq!(mode(None, &written(json!(0))), "system");
    assert_eq!(mode(None, &json!({"extensions": {"theme": {"system_theme": 0}}})), "light");
    assert_eq!(mode(None, &json!([])), "system");
}

#[test]
fn sounds_and_grounds_are_taken_out_of_slides() {
    const NAMES: &str = r#"xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships""#;
    let slide = format!(
        r#"<p:sld {NAMES}><p:bg><p:bgPr><a:blipFill><a:blip r:embed="rId2"/></a:blipFill></p:bgPr></p:bg></p:sld>"#
    );
    let relations = |sound: &str| {
        format!(
            r#"<Relationships><Relationship Id="rId1" Type="x/relationships/audio" {sound}/><Relationship Id="rId3" Type="x/relationships/image" Target="../media/other.png"/><Relationship Id="rId2" Type="x/relationships/image" Target="../media/ground.png"/></Relationships>"#
        )
    };
    let deck = |sound: &str| {
        let relations = relations(sound);
        archive::package([
            ("ppt/slides/slide1.xml", slide.as_bytes()),
            ("ppt/slides/_rels/slide1.xml.rels", relations.as_bytes()),
            ("ppt/media/ground.png", b"ground"),
            ("ppt/media/other.png", b"other"),
            ("ppt/media/a.mp3", b"sound"),
        ])
    };
    let take = |kind: &str, slide: u32, sound: &str| {
        let getter = getter(&json!({"type": kind, "ppt_file_path": "/a.pptx", "slide_index": slide, "dest": "it"}));
        let mut snapshot = StateSnapshot::default();
        let files = [("/a.pptx", deck(sound)), ("/home/user/b.mp3", b"beside".to_vec())];
        for (path, bytes) in files {
            let request = StateRequest::File { path: path.to_owned() };
            snapshot.replies.insert(request, StateReply::File(StateFile::new(path, bytes)));
        }
        match resolve(&getter, &snapshot) {
            Ok(GetterOutput::File(file)) => String::from_utf8_lossy(&file.bytes).into_owned(),
            Ok(GetterOutput::Value(Value::Null)) => "nothing".to_owned(),
            other => format!("{other:?}"),
        }
    };
    let inside = r#"Target="../media/a.mp3""#;
    assert_eq!(take("audio_in_slide", 0, inside), "sound");
    assert_eq!(take("audio_in_slide", 1, inside), "nothing");
    assert_eq!(take("audio_in_slide", 0, r#"Target="file:///home/user/b.mp3" TargetMode="External""#), "beside");
    assert!(take("audio_in_slide", 0, r#"Target="../media/gone.mp3""#).contains("not in it"));
    assert_eq!(take("background_image_in_slide", 0, inside), "ground");
    assert_eq!(take("background_image_in_slide", 1, inside), "nothing");
}
