//! Every way in which a run can end has its exit code, and says why.

mod program;

use std::fs;
use std::path::{Path, PathBuf};

use program::{Place, Server, say};
use tapwright_phone::adbd::{Daemon, DaemonOptions, Handle, SteadyClock};
use tapwright_phone::{Icon, MarkContent, Options, World};

fn check(replies: &[&str], more: &[&str], expected: &str) {
    let place = Place::new();
    let ran = place.script(replies, more);
    assert_eq!(ran.end_line(), expected, "{}{}", ran.out, ran.err);
    let journal = place.journal();
    let outcome = expected.split(' ').nth(1).unwrap();
    assert_eq!(journal.last().unwrap()["end"]["outcome"], outcome, "the end is written down");
}

#[test]
fn by_the_models_word() {
    check(&[r#"finish(message="ok")"#], &[], "0 done null");
    check(&[r#"finish(message="ok")"#], &["--expect", "wifi.on=false"], "0 done passed");
    check(&[r#"finish(message="ok")"#], &["--expect", "wifi.on=true"], "20 done failed");
    check(&[r#"finish(message="no", status="infeasible")"#], &[], "10 gave-up null");
}

#[test]
fn by_a_drag_that_the_phone_shows() {
    let drag = r#"do(action="Drag", start=[833,823], end=[167,669])"#;
    let icons = "launcher.icons=Settings, Messages, Contacts, Notes, Clock, Calendar";
    let place = Place::new();
    let ran = place.script(&[drag, r#"finish(message="ok")"#], &["--expect", icons]);
    assert_eq!(ran.end_line(), "0 done passed", "{}{}", ran.out, ran.err);
    let deeds = place.journal().into_iter().filter(|line| line["effect"]["act"]["gesture"]["drag"].is_object()).count();
    assert_eq!(deeds, 1, "it is written down as what it is");
}

#[test]
fn for_want_of_a_person() {
    check(&[r#"do(action="Take_over", message="log in")"#], &[], "11 needs-person null");
    check(&[r#"do(action="Tap", element=[500,500], message="pay")"#], &[], "11 needs-person null");
}

#[test]
fn for_want_of_steps() {
    let home = r#"do(action="Home")"#;
    check(&[home, home, home], &["--steps", "2"], "12 out-of-steps null");
}

#[test]
fn in_circles() {
    let tap = r#"do(action="Tap", element=[500,5])"#;
    check(&[tap; 9], &[], "13 stuck null");
}

#[test]
fn by_replies_that_nobody_understands() {
    check(&["hello"; 4], &["--expect", "wifi.on=true"], "14 model-failed failed");
    check(&["hello"; 1], &["--expect", "wifi.on=true"], "14 model-failed void"); // The script is at its end.
}

#[test]
fn by_the_policy() {
    let launch = r#"do(action="Launch", app="Settings")"#;
    check(&[launch; 4], &["--forbid", "settings"], "16 refused null");
    // Whatever it is called: a slip of the model, another language.
    for (app, forbid) in [("Setings", "settings"), ("Setings", "设置"), ("设置", "com.android.settings")] {
        let launch = format!(r#"do(action="Launch", app="{app}")"#);
        check(&[launch.as_str(); 4], &["--forbid", forbid], "16 refused null");
    }
    // Nor is its icon touched.
    check(&[r#"do(action="Tap", element=[833,823])"#; 4], &["--forbid", "SETTINGS"], "16 refused null");
}

#[test]
fn an_unknown_app_is_no_end() {
    let place = Place::new();
    let ran = place.script(&[r#"do(action="Launch", app="Setings2")"#, r#"finish(message="ok")"#], &[]);
    assert_eq!(ran.end_line(), "0 done null");
    let came = ran.lines()[0]["summary"].as_str().unwrap().to_owned();
    assert!(came.starts_with("there is no app \"Setings2\"; near it: Settings"), "{came}");
}

#[test]
fn hostile_replies_cannot_steer_a_terminal() {
    let place = Place::new();
    place.file("script.txt", "\"<think>\\u001b]0;owned\\u0007\\u001b[2J</think>finish(message=\\\"\\u001b[31mx\\\")\"");
    let ran = place.run(&["run", "Do something", "--model", "script:script.txt"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(!ran.out.contains('\u{1b}') && !ran.out.contains('\u{7}'), "{:?}", ran.out);
}

fn of_server(server: &Server, more: &[&str]) -> String {
    let place = Place::new();
    place.file("tapwright.toml", "[limits]\nretries_max = 1\nbackoff_ms = 10\nthink_ms = 300\ngrace_ms = 200\n");
    let mut arguments = vec!["run", "Do something", "--json", "--model", &server.url, "--model-name", "m"];
    arguments.extend(more);
    let ran = place.run(&arguments);
    assert_eq!(place.journal().last().unwrap()["end"]["outcome"], "model-failed");
    format!("{}: {}", ran.end_line(), ran.last()["message"].as_str().unwrap())
}

#[test]
fn a_server_that_is_ill() {
    let expect = ["--expect", "wifi.on=true"];
    let told =
        of_server(&Server::always("500 Internal Server Error", "{\"error\":{\"message\":\"out of memory\"}}"), &expect);
    assert!(told.starts_with("14 model-failed void: ") && told.contains("out of memory"), "{told}");
    let told = of_server(&Server::always("200 OK", "<html>hello</html>"), &expect);
    assert!(told.starts_with("14 model-failed void: ") && told.contains("is no JSON"), "{told}");
    let told = of_server(&Server::start(), &expect); // It takes the request, and never answers.
    assert!(told.starts_with("14 model-failed void: ") && told.contains("no answer within"), "{told}");
}

#[test]
fn a_server_that_is_well() {
    let place = Place::new();
    let server = Server::start();
    let run = place.start(&["run", "Do something", "--json", "--model", &server.url, "--model-name", "m"]);
    say(server.request(), "<think>Home.</think><answer>do(action=\"Home\")</answer>");
    say(server.request(), "<answer>finish(message=\"ok\")</answer>");
    let ran = run.end();
    assert_eq!(ran.end_line(), "0 done null");
    assert_eq!(ran.lines().len(), 3);
}

#[test]
fn a_phone_that_is_killed_in_the_middle() {
    let place = Place::new();
    let mut phone = place.start(&["phone", "--listen", "127.0.0.1:0", "--json"]);
    let address = phone.line()["listen"].as_str().unwrap().to_owned();
    let server = Server::start();
    let arguments =
        ["run", "Do something", "--json", "--model", &server.url, "--model-name", "m", "--device", &address];
    let mut run = place.start(&[&arguments[..], &["--expect", "wifi.on=true"]].concat());
    say(server.request(), "do(action=\"Launch\", app=\"Settings\")");
    assert_eq!(run.line()["summary"], "done");
    let thinking = server.request();
    phone.kill();
    say(thinking, "do(action=\"Tap\", element=[500,192])");
    let ran = run.end();
    assert_eq!(ran.end_line(), "15 device-lost void");
    let journal = place.journal();
    assert_eq!(journal.last().unwrap()["end"]["outcome"], "device-lost");
    assert_eq!(ran.last()["steps"], 2);
}

#[test]
fn a_phone_of_somebody_elses_is_judged_over_adb() {
    let place = Place::new();
    let mut phone = place.start(&["phone", "--listen", "127.0.0.1:0", "--json", "--size", "1080x2400"]);
    let address = phone.line()["listen"].as_str().unwrap().to_owned();
    let replies =
        [r#"do(action="Launch", app="Settings")"#, r#"do(action="Tap", element=[500,192])"#, r#"finish(message="ok")"#];
    let more = ["--device", &address, "--start", "wifi.on=false", "--expect", "wifi.on=true"];
    let ran = place.script(&replies, &more);
    assert_eq!(ran.end_line(), "0 done passed", "{}", ran.err);
    phone.kill();
}

/// With the key that adb keeps at home; where there is no adb to make one this says so and does nothing.
#[test]
fn a_phone_that_wants_a_key_gets_the_one_at_home_or_it_is_said_what_is_missing() {
    let place = Place::new();
    fs::create_dir(place.path().join(".android")).unwrap();
    let key = place.path().join(".android/adbkey");
    let made = std::process::Command::new("adb").arg("keygen").arg(&key).env("HOME", place.path()).output();
    if !made.is_ok_and(|made| made.status.success()) {
        eprintln!("SKIPPED: the program adb is not there (Debian: apt-get install adb)");
        return;
    }
    let keys = ["phone", "--listen", "127.0.0.1:0", "--json", "--keys"];
    let refused = place.run(&[&keys[..], &["tapwright.toml"]].concat());
    assert_eq!(refused.code, 2, "{}", refused.out);
    assert!(refused.out.contains("tapwright.toml: this is no public key as adb writes it"), "{}", refused.out);
    let mut phone = place.start(&[&keys[..], &[".android/adbkey.pub"]].concat());
    let address = phone.line()["listen"].as_str().unwrap().to_owned();
    let replies = [r#"do(action="Home")"#, r#"finish(message="ok")"#];
    let more = ["--device", &address, "--expect", "front=com.tapwright.launcher"];
    let ran = place.script(&replies, &more);
    assert_eq!(ran.end_line(), "0 done passed", "{}", ran.err);
    fs::rename(&key, place.path().join("elsewhere")).unwrap();
    let ran = place.run(&["run", "Do something", "--model", "finish", "--device", &address]);
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    let told = ran.err.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("adb keygen"), "{told}");
    // A key that the phone does not know: its owner is asked, and does not answer.
    assert!(std::process::Command::new("adb").arg("keygen").arg(&key).env("HOME", place.path()).output().is_ok());
    place.file("tapwright.toml", "[device]\nauthorize_ms = 300\n");
    let ran = place.run(&["run", "Do something", "--model", "finish", "--device", &address]);
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    let told = ran.err.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in ["asks on its screen whether to allow this computer", "nobody said yes within 0.3 s"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let named = "[device]\nkeys = [\"elsewhere\"]\n[policy]\npreset = \"trusting\"\n";
    place.file("tapwright.toml", named);
    assert_eq!(place.script(&replies, &more).end_line(), "0 done passed");
    phone.kill();
}

#[cfg(unix)]
#[test]
fn by_ctrl_c_or_a_closed_terminal_in_the_middle_of_a_thought() {
    for signal in ["INT", "TERM", "HUP"] {
        let place = Place::new();
        let server = Server::start();
        let run = place.start(&["run", "Do something", "--json", "--model", &server.url, "--model-name", "m"]);
        let thinking = server.request();
        run.signal(signal);
        let ran = run.end();
        drop(thinking);
        assert_eq!(ran.end_line(), "130 stopped null", "{signal}");
        assert_eq!(place.journal().last().unwrap()["end"]["outcome"], "stopped");
        let again = place.run(&["replay", "last", "--json"]);
        assert_eq!((again.code, &again.last()["follows"]), (0, &true.into()), "{}", again.out);
    }
}

#[test]
fn two_runs_on_one_phone() {
    let place = Place::new();
    let mut phone = place.start(&["phone", "--listen", "127.0.0.1:0", "--json"]);
    let address = phone.line()["listen"].as_str().unwrap().to_owned();
    let server = Server::start();
    let first = ["run", "Think about it", "--json", "--device", &address, "--model", &server.url, "--model-name", "m"];
    let first = place.start(&first);
    let thinking = server.request();
    let second = ["run", "Look", "--json", "--model", "finish", "--policy", "trusting", "--device"];
    // However it is named.
    for same in [address.clone(), address.replace("127.0.0.1", "localhost")] {
        let ran = place.run(&[&second[..], &[&same]].concat());
        assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
        let told = ran.out.clone() + &ran.err;
        for words in ["is in use by runs/", "think-about-it (process ", "--share-device"] {
            assert!(told.contains(words), "{words}: {told}");
        }
    }
    // What only looks at the phone keeps away from it too.
    let ran = place.run(&["doctor", "--device", &address, "--json"]);
    assert!(ran.out.contains("not looked over") && ran.out.contains("is in use by runs/"), "{}", ran.out);
    assert!(!ran.out.contains("a key takes"), "{}", ran.out);
    assert_eq!(place.run(&[&second[..], &[&*address, "--share-device"]].concat()).code, 0);
    let ran = place.run(&["judge", "last", "--device", &address, "--expect", "wifi.on=true"]);
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("is in use by runs/"), "{}", ran.err);
    // It goes with the process that holds it, however that ends.
    first.kill();
    drop(thinking);
    assert_eq!(place.run(&[&second[..], &[&*address]].concat()).code, 0);
    phone.kill();
}

/// A phone that this process draws, so that its keyboard can be looked at.
struct DrawnPhone {
    daemon: Daemon,
    _runtime: tokio::runtime::Runtime,
}

impl DrawnPhone {
    fn start() -> DrawnPhone {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let daemon = runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let handle = Handle::new(World::new(Options::default()), SteadyClock::new());
            Daemon::start(listener, handle, DaemonOptions::default()).unwrap()
        });
        DrawnPhone { daemon, _runtime: runtime }
    }

    fn keyboard(&self) -> String {
        self.daemon.handle().look(|world| world.input_method().to_owned())
    }
}

/// Where a person would touch to write a note.
fn plus() -> String {
    let mut world = World::new(Options::default());
    let notes = world.apps().iter().find(|app| app.label == "Notes").unwrap().package;
    assert!(world.launch(notes));
    let (width, height) = world.size();
    let (x, y) =
        world.marks().into_iter().find(|mark| mark.what == MarkContent::Icon(Icon::Plus)).unwrap().target.unwrap();
    format!("do(action=\"Tap\", element=[{},{}])", x * 1000 / width as i32 + 1, y * 1000 / height as i32 + 1)
}

/// The only folder of pictures below.
fn pictures(runs: &Path) -> PathBuf {
    let mut open = vec![runs.to_owned()];
    while let Some(folder) = open.pop() {
        if folder.ends_with("pictures") {
            return folder;
        }
        open.extend(fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()));
    }
    panic!("no pictures in {}", runs.display())
}

/// From some step on nothing can be written down, as on a full disk: the run breaks off, and the keyboard is the owner's again.
#[test]
fn the_phone_is_left_as_it_was_found_when_the_record_breaks_off() {
    let place = Place::new();
    let phone = DrawnPhone::start();
    let own = phone.keyboard();
    let (address, server) = (phone.daemon.address().to_string(), Server::start());
    let model = ["--model", &server.url, "--model-name", "m", "--device", &address];
    let launch = r#"do(action="Launch", app="Notes")"#.to_owned();
    let text = |text: &str| format!("do(action=\"Type\", text=\"{text}\")");
    let ends = |arguments: &[&str], runs: &str, replies: &[String]| {
        let running = place.start(&[arguments, &["--runs", runs, "--json"]].concat());
        replies.iter().for_each(|reply| say(server.request(), reply));
        let thinking = server.request();
        assert_ne!(phone.keyboard(), own, "{arguments:?}: another keyboard was selected to type with");
        let pictures = pictures(&place.path().join(runs));
        let aside = pictures.with_extension("aside");
        fs::rename(&pictures, &aside).unwrap();
        fs::write(&pictures, "").unwrap();
        say(thinking, r#"do(action="Home")"#);
        let ran = running.end();
        assert_eq!(ran.code, 4, "{arguments:?}: {}", ran.out);
        assert_eq!(phone.keyboard(), own, "{arguments:?}");
        fs::remove_file(&pictures).unwrap();
        fs::rename(&aside, &pictures).unwrap();
    };
    let replies = [launch.clone(), plus(), text("你好")];
    ends(&[&["run", "Write a note"], &model[..]].concat(), "one", &replies);
    ends(&["resume", "last"], "one", &replies);
    place.file("plan.toml", "plan = \"p\"\n[[goal]]\nname = \"note\"\ngoal = \"Write a note\"\n");
    ends(&[&["run", "--plan", "plan.toml"], &model[..]].concat(), "plan", &replies);
    ends(&["resume", "last"], "plan", &replies);
}
