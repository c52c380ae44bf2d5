//! What comes before what, and what a record may not bring along.

use std::fs;

use super::*;
use tapwright_contract::api::ApiEffect;

use tapwright_contract::Size;

use crate::device::{BrowserAddress, DesktopAddress, Keys, LaunchOptions};
use crate::model::{ApiKey, ModelSource};

const NO_VARIABLES: fn(&str) -> Option<String> = |_| None;

fn machine(variable: &dyn Fn(&str) -> Option<String>) -> MachineFacts<'_> {
    MachineFacts {
        cache: Some("/cache".into()),
        adb_keys: Vec::new(),
        adb_server: None,
        desktop: MachineDesktop { display: Some(":7".to_owned()), folder: "/tmp".into(), ..MachineDesktop::default() },
        cores: 2,
        small_model: "/small".into(),
        date: "2026-01-02".to_owned(),
        variable,
    }
}

fn resolve(text: &str, overrides: Overrides, recorded: RecordedSettings) -> Result<Settings, SettingsError> {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("t.toml");
    fs::write(&at, text).unwrap();
    let file = SettingsFile::read(Some(&at), None)?;
    let variable = |name: &str| Some(format!("key of {name}")).filter(|_| name != "NOT_SET");
    Settings::resolve(&file, overrides, recorded, &machine(&variable))
}

fn of_file(text: &str) -> Settings {
    resolve(text, Overrides::default(), RecordedSettings::default()).unwrap()
}

fn recorded_by_stranger(launch: LaunchSettings) -> RecordedSettings {
    RecordedSettings { launch, provenance: Provenance::Foreign }
}

fn own(launch: LaunchSettings) -> RecordedSettings {
    RecordedSettings { launch, provenance: Provenance::Own }
}

fn of_model(words: &str) -> LaunchSettings {
    LaunchSettings { model: Some(words.to_owned()), model_name: Some("m".to_owned()), ..LaunchSettings::default() }
}

#[test]
fn the_example_in_the_docs_is_the_truth() {
    let page = include_str!("../../../docs/cli.md");
    let example = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let (shown, usual) = (of_file(example), of_file(""));
    assert_eq!(shown.rules.limits, usual.rules.limits);
    assert_eq!(
        shown.device,
        DeviceOptions { keys: Keys { files: Vec::new(), ..shown.device.keys.clone() }, ..usual.device }
    );
    assert_eq!(shown.phone, usual.phone);
    assert_eq!(shown.adb_server, usual.adb_server);
    assert_eq!(shown.model.context_tokens_max, Some(usual.model.context_tokens_usual));
    assert_eq!(shown.model.provider, usual.model.provider);
    assert_eq!(shown.model.language, Some(PromptLanguage::En));
    assert_eq!(shown.model.chunk_tokens_max, usual.model.chunk_tokens_max);
    assert_eq!(shown.model.library.fetch, usual.model.library.fetch);
    for name in toml::Table::try_from(&usual.rules.limits).unwrap().keys() {
        assert!(example.contains(&format!("\n{name} = ")), "{name} is not in the example");
    }
}

#[test]
fn the_example_of_apis_is_the_truth() {
    let settings = of_file(include_str!("../../../docs/examples/apis.toml"));
    assert_eq!(settings.apis.keys().collect::<Vec<_>>(), ["calendar", "notebook", "weather"]);
    let said = |name: &str| settings.rules.policy.apis.get(name).and_then(|said| said.permission);
    assert_eq!((said("notebook"), said("weather")), (Some(tapwright_agent::policy::Permission::Ask), None));
    let spec = |name: &str| settings.apis[name].spec.clone();
    assert_eq!(spec("weather").effect, ApiEffect::Reads);
    assert_eq!(spec("notebook").effect, ApiEffect::LeavesTheDevice);
    assert_eq!(spec("calendar").parameters["required"], serde_json::json!(["day"]));
}

/// The program that has them is on that desktop's bus.
#[test]
fn methods_over_d_bus_are_the_desktops() {
    let text = include_str!("../../../docs/examples/apis.toml");
    let of = |device: &str| {
        let overrides = Overrides { device: Some(device.to_owned()), ..Overrides::default() };
        resolve(text, overrides, RecordedSettings::default()).unwrap().device.at
    };
    for device in ["desktop", "desktop:private", "desktop::3"] {
        let DeviceAddress::Desktop(desktop) = of(device) else { panic!("{device} is no desktop") };
        let [method] = &desktop.methods[..] else { panic!("{device}: {:?}", desktop.methods) };
        assert_eq!((method.spec.name.as_str(), method.method.as_str()), ("dim", "SetLevel"));
        let types: Vec<&str> = method.arguments.iter().map(|argument| argument.signature.as_str()).collect();
        assert_eq!(types, ["s", "u"]);
    }
    let misspelt = format!("{text}\n[policy.apis.dimm]\npermission = \"ask\"\n");
    let error = resolve(&misspelt, Overrides::default(), RecordedSettings::default()).unwrap_err();
    assert!(format!("{error:?}").contains("did you mean `dim`?"), "{error:?}");
}

#[test]
fn an_office_is_reached_on_this_computer_only() {
    let of = |said: &str| {
        let text = format!("[device]\nuse = \"desktop\"\nlibreoffice = \"{said}\"\n");
        resolve(&text, Overrides::default(), RecordedSettings::default())
    };
    for said in ["pipe,name=tapwright", "socket,host=localhost,port=2002", "socket,host=127.0.0.1,port=1"] {
        let DeviceAddress::Desktop(desktop) = of(said).unwrap().device.at else { panic!("{said}") };
        assert!(desktop.office.is_some(), "{said}");
    }
    for said in [
        "",
        "pipe,name=",
        "pipe,name=a;urp",
        "pipe,name=../a",
        "socket,host=example.com,port=2002",
        "socket,host=localhost,port=99999",
        "socket,host=localhost,port=1;urp",
        "2002",
    ] {
        let error = format!("{:?}", of(said).unwrap_err());
        assert!(error.contains("--accept"), "{said}: {error}");
    }
}

#[test]
fn what_is_asked_for_comes_before_the_file() {
    let text = "runs = \"a\"\n[limits]\nsteps_max = 5\nthink_ms = 9\n[device]\nuse = \"10.0.0.2:5555\"\n\
        [policy]\napps_forbidden = [\"Bank\"]\n";
    let settings = of_file(text);
    assert!(settings.runs.ends_with("a") && settings.runs.is_absolute(), "relative to the file");
    assert_eq!((settings.rules.limits.steps_max, settings.rules.limits.think), (5, Duration::from_millis(9)));
    assert_eq!(settings.device.at, DeviceAddress::Direct { address: "10.0.0.2:5555".to_owned() });
    let overrides = Overrides {
        runs: Some("b".into()),
        steps: Some(6),
        forbid: vec!["Shop".to_owned()],
        device: Some("R58M".to_owned()),
        ..Overrides::default()
    };
    let settings = resolve(text, overrides, RecordedSettings::default()).unwrap();
    assert_eq!((settings.runs, settings.rules.limits.steps_max), (PathBuf::from("b"), 6));
    assert_eq!(settings.rules.policy.apps_forbidden, ["Bank", "Shop"]);
    let (server, serial) = ("127.0.0.1:5037".to_owned(), "R58M".to_owned());
    assert_eq!(settings.device.at, DeviceAddress::Server { server, serial });
}

#[test]
fn only_the_virtual_phone_is_trusted_unasked() {
    let policy = |text: &str| of_file(text).rules.policy;
    assert_eq!(policy(""), Preset::Trusting.policy());
    assert_eq!(policy("[device]\nuse = \"10.0.0.2:5555\""), Preset::Careful.policy());
    assert_eq!(policy("[device]\nuse = \"R58M\""), Preset::Careful.policy());
    assert_eq!(policy("[device]\nuse = \"R58M\"\n[policy]\npreset = \"trusting\""), Preset::Trusting.policy());
}

#[test]
fn devices_are_told_apart() {
    let phone = PhoneOptions::default();
    let server = |serial: &str| DeviceAddress::Server { server: "s".to_owned(), serial: serial.to_owned() };
    let here = machine(&NO_VARIABLES).desktop;
    let address = |words: Option<&str>| device::address(words, &phone, "s", &here, &[]);
    assert_eq!(address(None), DeviceAddress::Virtual(phone.clone()));
    assert_eq!(address(Some("virtual")), DeviceAddress::Virtual(phone.clone()));
    assert_eq!(address(Some("adb:10.0.0.2:5555")), server("10.0.0.2:5555"));
    assert_eq!(address(Some("emulator-5554")), server("emulator-5554"));
    assert_eq!(address(Some("[::1]:5555")), DeviceAddress::Direct { address: "[::1]:5555".to_owned() });
    let desktop = |words: &str| match address(Some(words)) {
        DeviceAddress::Desktop(desktop) => desktop.at,
        other => panic!("{other:?}"),
    };
    let display = |display: &str| DesktopAddress::Display(display.to_owned());
    let private = |width, height| DesktopAddress::Private { size: Size { width, height }, folder: "/tmp".into() };
    assert_eq!(desktop("desktop"), display(":7"));
    assert_eq!(desktop("desktop::0"), display(":0"));
    assert_eq!(desktop("desktop:private"), private(1280, 800));
    assert_eq!(desktop("desktop:private:1920x1080"), private(1920, 1080));
    // Through other libraries, and of the same screen.
    assert_eq!(desktop("desktop:portable"), DesktopAddress::Portable { display: Some(":7".to_owned()) });
    // Nobody has such a display, and the error says so.
    assert_eq!(desktop("desktop:privat"), display("privat"));
    assert_eq!(desktop("desktop:private:9x9"), display("private:9x9"));
    let browser = |words: &str| match address(Some(words)) {
        DeviceAddress::Browser(browser) => browser.at,
        other => panic!("{other:?}"),
    };
    let endpoint = |address: &str| BrowserAddress::Endpoint(address.to_owned());
    let private = |width, height| {
        let size = Size { width, height };
        BrowserAddress::Private(LaunchOptions { program: None, size, scale_percent: 100, folder: "/tmp".into() })
    };
    assert_eq!(browser("browser"), private(1280, 800));
    assert_eq!(browser("browser:1920x1080"), private(1920, 1080));
    assert_eq!(browser("browser:http://127.0.0.1:9222"), endpoint("http://127.0.0.1:9222"));
    assert_eq!(browser("browser:localhost:9222"), endpoint("http://localhost:9222"));
    assert_eq!(browser("browser:ws://h:1/devtools/browser/x"), endpoint("ws://h:1/devtools/browser/x"));
    let machine = |words: &str| match address(Some(words)) {
        DeviceAddress::Machine(machine) => machine.address,
        other => panic!("{other:?}"),
    };
    assert_eq!(machine("osworld:http://10.0.0.2:5000"), "http://10.0.0.2:5000");
    assert_eq!(machine("osworld:vm:5000"), "vm:5000");
    assert_eq!(machine("osworld"), "", "and the error says how one is named");
    assert_eq!(device::recorded_words("osworld:http://secret@vm:5000"), "osworld:http://…@vm:5000");
    // No browser is there, and the error says how one is named.
    assert_eq!(browser("browser:privat"), endpoint("privat"));
}

#[test]
fn sites_are_addresses_of_the_web() {
    let settings = of_file("[device]\nuse = \"browser\"\nsites = { Mail = \"https://mail.example.com\" }\n");
    assert!(matches!(&settings.device.at, DeviceAddress::Browser(browser) if browser.sites[0].name == "Mail"));
    assert_eq!(settings.rules.policy, Preset::Careful.policy(), "pages are anybody's");
    for address in ["file:///etc/passwd", "mail.example.com", "javascript:1", ""] {
        let text = format!("[device]\nsites = {{ Mail = {address:?} }}\n");
        let error = resolve(&text, Overrides::default(), RecordedSettings::default()).unwrap_err();
        assert!(format!("{error:?}").contains("no whole address"), "{error:?}");
    }
}

#[test]
fn a_policy_of_a_browser_goes_by_sites_in_one_spelling() {
    const BROWSER: &str = "[device]\nuse = \"browser\"\nsites = { Mail = \"https://mail.example.com/inbox\" }\n";
    let resolved = |policy: &str, forbid: &[&str]| {
        let forbid = forbid.iter().map(|name| (*name).to_owned()).collect();
        let overrides = Overrides { forbid, ..Overrides::default() };
        resolve(&format!("{BROWSER}{policy}"), overrides, RecordedSettings::default())
            .map(|settings| settings.rules.policy)
    };
    let policy = resolved(
        "[policy]\napps_forbidden = [\"HTTPS://Evil.net:443/\", \"mail\"]\napps_allowed = [\"http://localhost:9777\", \"https://A.example.\"]\n\
         [policy.rules.own]\napps = [\"Example.com.\"]\nexcept = [\"https://B.example/\"]\nwords = [\"x\"]\n\
         [policy.secrets.pin]\nfile = \"pin\"\napps = [\"Mail\", \"https://[::ffff:1.2.3.4]\"]\n",
        &["LOCALHOST:1", "http://Bank.example"],
    )
    .unwrap();
    assert_eq!(
        policy.apps_forbidden,
        ["https://evil.net", "https://mail.example.com", "localhost:1", "http://bank.example"]
    );
    assert_eq!(policy.apps_allowed, ["http://localhost:9777", "https://a.example"]);
    let rule = policy.rules.last().unwrap();
    assert_eq!(
        (&rule.apps[..], &rule.except[..]),
        (&["example.com".to_owned()][..], &["https://b.example".to_owned()][..])
    );
    assert_eq!(policy.secrets["pin"].apps, ["https://mail.example.com", "https://1.2.3.4"]);
    for name in ["Gmial", "WeChat", "微信", "https://mail.example.com/inbox"] {
        let error = resolved("", &[name]).unwrap_err().to_string();
        assert!(error.starts_with("--forbid: ") && error.contains("https://mail.example.com"), "{error}");
    }
    for (section, wanted) in [
        ("[policy]\napps_allowed = [\"mail.example.com\"]\n", "https://mail.example.com"),
        ("[policy]\napps_allowed = [\"Gmial\"]\n", "no site is called \"Gmial\""),
        ("[policy]\napps_forbidden = [\"Gmial\"]\n", "no site is called \"Gmial\""),
        ("[policy.rules.own]\napps = [\"Gmial\"]\n", "no site is called \"Gmial\""),
        ("[policy.rules.own]\nexcept = [\"example.com\"]\nwords = [\"x\"]\n", "https://example.com"),
        ("[policy.secrets.pin]\nfile = \"pin\"\napps = [\"example.com\"]\n", "https://example.com"),
    ] {
        let error = format!("{:?}", resolved(section, &[]).unwrap_err());
        assert!(error.contains(&wanted.replace('"', "\\\"")) || error.contains(wanted), "{section}: {error}");
    }
}

fn model_overrides(words: &str) -> Overrides {
    Overrides { model: Some(words.into()), model_name: Some("n".to_owned()), ..Overrides::default() }
}

#[test]
fn models_are_told_apart() {
    let source = |words: &str| resolve("", model_overrides(words), RecordedSettings::default()).unwrap().model.source;
    assert_eq!(source("finish"), ModelSource::Finish);
    assert_eq!(source("taps"), ModelSource::Taps);
    assert_eq!(source("script:a/b.txt"), ModelSource::Script("a/b.txt".into()));
    assert_eq!(source("models/mini"), ModelSource::Folder("models/mini".into()));
    assert!(matches!(source("https://host/v1"), ModelSource::Server { name, .. } if name == "n"));
    let nameless = Overrides { model_name: None, ..model_overrides("http://host/v1") };
    assert!(resolve("", nameless, RecordedSettings::default()).is_err());
    let keyless = Overrides { model_key_env: Some("NOT_SET".to_owned()), ..model_overrides("http://host/v1") };
    assert!(resolve("", keyless, RecordedSettings::default()).unwrap_err().to_string().contains("NOT_SET"));
    assert_eq!(of_file("").model.source, ModelSource::Folder("/small".into()));
}

fn key_of(settings: &Settings) -> Option<&str> {
    match &settings.model.source {
        ModelSource::Server { key: Some(ApiKey(key)), .. } => Some(key),
        _ => None,
    }
}

const CLOUD: &str = "[models.cloud]\nuse = \"https://cloud.example/v1\"\nname = \"big\"\nkey_env = \"CLOUD_KEY\"\n";

#[test]
fn a_model_of_the_settings_has_a_name_and_the_record_holds_that() {
    let overrides = Overrides { model: Some("cloud".into()), ..Overrides::default() };
    let settings = resolve(CLOUD, overrides, RecordedSettings::default()).unwrap();
    assert_eq!((key_of(&settings), settings.launch.model.as_deref()), (Some("key of CLOUD_KEY"), Some("cloud")));
    let kept = serde_json::to_string(&settings.launch).unwrap();
    assert!(!kept.contains("CLOUD_KEY") && !kept.contains("cloud.example"), "{kept}");
    for launch in [settings.launch, of_model("https://cloud.example/v1")] {
        let again = resolve(CLOUD, Overrides::default(), recorded_by_stranger(launch)).unwrap();
        assert_eq!(key_of(&again), Some("key of CLOUD_KEY"), "it is in the settings");
        assert_eq!(again.foreign, []);
    }
    let nothing = resolve("[models.x]\n", model_overrides("x"), RecordedSettings::default()).unwrap_err().to_string();
    assert!(nothing.contains("[models.x] does not say which model"), "{nothing}");
}

#[test]
fn the_key_of_one_server_is_not_for_another() {
    let text = "[model]\nuse = \"https://cloud.example/v1\"\nname = \"big\"\nkey_env = \"CLOUD_KEY\"\n";
    assert_eq!(key_of(&of_file(text)), Some("key of CLOUD_KEY"));
    let other = resolve(text, model_overrides("http://other.example/v1"), RecordedSettings::default()).unwrap();
    assert_eq!(key_of(&other), Some("key of TAPWRIGHT_API_KEY"));
    let own = resolve(text, Overrides::default(), own(of_model("http://other.example/v1"))).unwrap();
    assert_eq!(key_of(&own), Some("key of TAPWRIGHT_API_KEY"));
}

fn foreign(text: &str, launch: LaunchSettings) -> Vec<String> {
    let settings = resolve(text, Overrides::default(), recorded_by_stranger(launch)).unwrap();
    assert_eq!(key_of(&settings), None, "no key goes where a record leads");
    settings.foreign.into_iter().map(|foreign| format!("{} {}", foreign.what, foreign.value)).collect()
}

#[test]
fn what_a_record_from_somebody_else_brings_along_is_named_and_gets_no_key() {
    let launch = LaunchSettings::default;
    assert_eq!(foreign("", of_model("http://evil.example/v1")), ["model http://evil.example/v1"]);
    assert_eq!(foreign(CLOUD, of_model("http://evil.example/v1")), ["model http://evil.example/v1"]);
    assert_eq!(foreign("", of_model("script:/etc/passwd")), ["model script:/etc/passwd"]);
    assert_eq!(foreign("", of_model("/somewhere")), ["model /somewhere"]);
    assert_eq!(foreign("", of_model("finish")), [""; 0]);
    let device = LaunchSettings { device: Some("10.0.0.9:5555".to_owned()), ..launch() };
    assert_eq!(foreign("", device.clone()), ["device 10.0.0.9:5555"]);
    assert_eq!(foreign("[device]\nuse = \"10.0.0.9:5555\"", device), [""; 0]);
    let server =
        LaunchSettings { device: Some("R58M".to_owned()), adb_server: Some("10.0.0.9:5037".to_owned()), ..launch() };
    assert_eq!(foreign("[device]\nuse = \"R58M\"", server), ["adb server 10.0.0.9:5037"]);
    let profile = |words: &str| LaunchSettings { profile: Some(words.to_owned()), ..launch() };
    assert_eq!(foreign("", profile("/x/profile.toml")), ["profile /x/profile.toml"]);
    assert_eq!(foreign("", profile("mini")), [""; 0]);
    let library = LaunchSettings { ort_library: Some("/x/evil.so".to_owned()), ..launch() };
    assert_eq!(foreign("", library), ["ONNX Runtime library /x/evil.so"]);
}

#[test]
fn what_is_asked_for_this_time_takes_the_place_of_what_a_record_names() {
    let launch = LaunchSettings { device: Some("10.0.0.9:5555".to_owned()), ..of_model("http://evil.example/v1") };
    let overrides = Overrides { device: Some("virtual".to_owned()), ..model_overrides("http://mine.example/v1") };
    let settings = resolve("", overrides, recorded_by_stranger(launch)).unwrap();
    assert_eq!(settings.foreign, []);
    assert!(matches!(&settings.model.source, ModelSource::Server { url, .. } if url == "http://mine.example/v1"));
}

#[test]
fn an_app_is_forbidden_and_allowed_by_each_of_its_names() {
    let forbid = vec!["weixin".to_owned()];
    let overrides = Overrides { forbid, ..Overrides::default() };
    let text =
        "[policy]\napps_forbidden = [\"com.eg.android.AlipayGphone\"]\napps_allowed = [\"com.android.settings\"]";
    let policy = resolve(text, overrides, RecordedSettings::default()).unwrap().rules.policy;
    for name in ["com.tencent.mm", "微信", "WeChat", "支付宝", "Alipay"] {
        assert!(policy.apps_forbidden.iter().any(|app| app == name), "{name}: {:?}", policy.apps_forbidden);
    }
    assert!(policy.apps_allowed.iter().any(|app| app == "设置"), "{:?}", policy.apps_allowed);
}

#[test]
fn a_record_cannot_make_the_policy_less_strict() {
    let launch = LaunchSettings {
        device: Some("R58M".to_owned()),
        policy: Some("trusting".to_owned()),
        forbid: vec!["Bank".to_owned()],
        ..LaunchSettings::default()
    };
    let text = "[device]\nuse = \"R58M\"";
    let sent = resolve(text, Overrides::default(), recorded_by_stranger(launch.clone())).unwrap();
    assert_eq!((sent.preset, sent.rules.policy.apps_forbidden), (Preset::Careful, vec!["Bank".to_owned()]));
    // Who chose it when the run began need not choose it again on the same phone, and has not chosen it for another one.
    let kept = resolve(text, Overrides::default(), own(launch.clone())).unwrap();
    assert_eq!(kept.preset, Preset::Trusting);
    let elsewhere = Overrides { device: Some("OTHER".to_owned()), ..Overrides::default() };
    assert_eq!(resolve(text, elsewhere, own(launch)).unwrap().preset, Preset::Careful);
}

#[test]
fn a_run_that_goes_on_needs_no_flags() {
    let launch = LaunchSettings {
        language: Some("zh".to_owned()),
        longest_edge: Some(5000),
        provider: Some("cpu".to_owned()),
        threads: Some(3),
        ort_library: Some("/lib/ort.so".to_owned()),
        no_fetch: true,
        steps: Some(7),
        ..of_model("/model")
    };
    let settings = resolve("", Overrides::default(), own(launch.clone())).unwrap();
    assert_eq!(settings.model.language, Some(PromptLanguage::Zh));
    assert_eq!((settings.model.longest_edge, settings.model.threads), (Some(5000), 3));
    assert_eq!(settings.model.provider, Provider::Cpu);
    assert_eq!(settings.model.library.named, Some("/lib/ort.so".into()));
    assert!(!settings.model.library.fetch && settings.rules.limits.steps_max == 7);
    let kept = LaunchSettings { adb_server: settings.launch.adb_server.clone(), ..launch };
    assert_eq!(settings.launch, kept, "and the next time neither");
}

#[test]
fn without_a_home_only_what_needs_one_misses_it() {
    let none = MachineFacts { cache: None, ..machine(&NO_VARIABLES) };
    let file = SettingsFile::read(None, None).unwrap();
    let settings = Settings::resolve(&file, model_overrides("finish"), RecordedSettings::default(), &none).unwrap();
    assert_eq!(settings.model.cache, PathBuf::new());
}

/// Which of two counts would be a matter of luck.
#[test]
fn an_api_is_spoken_of_once() {
    let text = "[policy.apis.Mail]\npermission = \"ask\"\n[policy.apis.mail]\npermission = \"refuse\"";
    let error = resolve(text, Overrides::default(), RecordedSettings::default()).unwrap_err();
    assert!(error.to_string().contains("[policy.apis.mail]: another one is called so"), "{error}");
}

#[test]
fn old_keys_are_refused_with_the_new_one_named() {
    for (text, new) in [
        ("[policy.rules.sending]\nthen = \"ask\"", "permission"),
        ("[policy]\nunlabelled = \"ask\"", "without_labels"),
        ("[policy]\nasks_when_stuck = true", "ask_when_stuck"),
        ("[device]\nallow_ms = 1", "authorize_ms"),
        ("[device]\nfind_again_ms = 1", "reconnect_ms"),
    ] {
        let error = resolve(text, Overrides::default(), RecordedSettings::default()).unwrap_err();
        assert!(error.to_string().contains(&format!("is called `{new}` now")), "{text}: {error}");
    }
    for text in [
        "[apis.x]\nabout = \"a\"\nleave = \"ask\"",
        "[apis.x]\nabout = \"a\"\npermission = \"ask\"",
        "[apis.x]\nabout = \"a\"\nrepeatable = true",
        "[policy]\napis_ask = []",
        "[policy]\napis_asked = []",
    ] {
        let error = resolve(text, Overrides::default(), RecordedSettings::default()).unwrap_err();
        assert!(error.to_string().contains("is not here any more"), "{text}: {error}");
    }
}

#[test]
fn a_measurement_obeys_nothing_of_the_file_that_would_change_it() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("t.toml");
    let text = "runs = \"r\"\n[model]\nuse = \"finish\"\n[limits]\nsteps_max = 3\n[policy]\napps_forbidden = [\"Settings\"]\n\
        [phone]\nweather = \"wild\"\n[device]\nuse = \"R58M\"\nprotected = \"words\"\napp_functions = [\"*\"]\n[apis.x]\nabout = \"a\"\ncommand = [\"x\"]\n";
    fs::write(&at, text).unwrap();
    let resolve = |file: SettingsFile| {
        let overrides = Overrides { only_virtual: true, steps_default: Some(40), ..Overrides::default() };
        Settings::resolve(&file, overrides, RecordedSettings::default(), &machine(&NO_VARIABLES)).unwrap()
    };
    let found = resolve(SettingsFile::read(Some(&at), None).unwrap().for_measurement());
    fs::write(&at, "").unwrap();
    let usual = resolve(SettingsFile::read(Some(&at), None).unwrap());
    assert_eq!((found.model.source, found.runs), (ModelSource::Finish, folder.path().join("r")));
    assert_eq!((&found.rules.limits, &found.rules.policy), (&usual.rules.limits, &usual.rules.policy));
    assert_eq!((found.device, found.rules.limits.steps_max), (usual.device, 40));
    assert!(found.apis.is_empty());
}

/// What opens a server or a browser to whoever has it is not written down; what is left of an address finds the whole one in the settings.
#[test]
fn a_record_keeps_addresses_without_what_opens_them() {
    for (words, kept) in [
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1"),
        ("http://me:pw@h:8000/v1", "http://…@h:8000/v1"),
        ("https://h/v1?key=pw", "https://h/v1?…"),
        ("https://me:p@w@h/v1?a=pw@x", "https://…@h/v1?…"),
    ] {
        let overrides =
            Overrides { model: Some(words.into()), model_name: Some("m".to_owned()), ..Overrides::default() };
        let launch = resolve("", overrides, RecordedSettings::default()).unwrap().launch;
        assert_eq!(launch.model.as_deref(), Some(kept));
        let url = |settings: Settings| match settings.model.source {
            ModelSource::Server { url, .. } => url,
            other => panic!("{other:?}"),
        };
        for text in [
            format!("[model]\nuse = \"{words}\"\nname = \"m\"\n"),
            format!("[models.a]\nuse = \"{words}\"\nname = \"m\"\n"),
        ] {
            for recorded in [own(of_model(kept)), recorded_by_stranger(of_model(kept)), own(of_model(words))] {
                let settings = resolve(&text, Overrides::default(), recorded).unwrap();
                assert!(settings.foreign.is_empty() && !format!("{:?}", settings.launch).contains("pw"));
                assert_eq!(url(settings), words, "{text}");
            }
        }
        let again = resolve("", Overrides::default(), own(of_model(kept)));
        assert_eq!(again.is_ok(), words == kept, "{words}");
        // A record of before has it, and it is used and not written again.
        let settings = resolve("", Overrides::default(), own(of_model(words))).unwrap();
        assert_eq!((settings.launch.model.as_deref(), url(settings.clone()).as_str()), (Some(kept), words));
        let settings = resolve("", Overrides::default(), recorded_by_stranger(of_model(words))).unwrap();
        assert_eq!(settings.foreign[0].value, kept, "nor is it shown");
    }
    let of_device = |words: &str| LaunchSettings { device: Some(words.to_owned()), ..LaunchSettings::default() };
    for (words, kept) in [
        ("browser", "browser"),
        ("browser:800x600", "browser:800x600"),
        ("browser:127.0.0.1:9222", "browser:127.0.0.1:9222"),
        ("browser:http://127.0.0.1:9222", "browser:http://127.0.0.1:9222"),
        ("browser:http://127.0.0.1:9222/", "browser:http://127.0.0.1:9222/"),
        ("browser:ws://127.0.0.1:9222/devtools/browser/5f-pw", "browser:ws://127.0.0.1:9222/…"),
        ("browser:wss://me:pw@h/x?token=pw", "browser:wss://…@h/…"),
        ("browser:wss://h?token=pw", "browser:wss://h/…"),
        ("browser:me:pw@h:9222", "browser:…@h:9222"),
        ("R58M31ABCDE", "R58M31ABCDE"),
        ("adb:x@y", "adb:x@y"),
    ] {
        let overrides = Overrides { device: Some(words.to_owned()), ..Overrides::default() };
        let settings = resolve("", overrides, RecordedSettings::default()).unwrap();
        assert_eq!(settings.launch.device.as_deref(), Some(kept));
        if let DeviceAddress::Browser(browser) = &settings.device.at {
            use tapwright_drivers::OpenRig as _;
            assert!(!browser.name().contains("pw"), "{}", browser.name());
        }
        let text = format!("[device]\nuse = \"{words}\"\n");
        for recorded in [own(of_device(kept)), recorded_by_stranger(of_device(kept))] {
            let again = resolve(&text, Overrides::default(), recorded).unwrap();
            assert_eq!((&again.device.at, again.foreign.len()), (&settings.device.at, 0), "{words}");
            assert_eq!(again.launch.device.as_deref(), Some(kept));
        }
        let again = resolve("", Overrides::default(), own(of_device(kept)));
        assert_eq!(again.is_ok(), words == kept, "{words}");
    }
}
