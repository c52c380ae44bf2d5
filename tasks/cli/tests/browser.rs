//! Runs in browsers, as somebody starts them.

#![cfg(target_os = "linux")]

mod program;

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use program::{Place, ProgramOutput, server};

/// Whether a Chromium is here.
fn is_possible() -> bool {
    let is_there = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge"]
        .iter()
        .any(|program| {
            ["/usr/bin", "/usr/local/bin", "/snap/bin"].iter().any(|at| Path::new(at).join(program).is_file())
        });
    if !is_there {
        // On the terminal, whatever is captured.
        let _ = writeln!(std::io::stderr(), "SKIPPED: there is no browser: no Chromium is installed");
    }
    is_there
}

/// A page with a field and a button that covers all below it; returns its origin.
fn serve() -> String {
    const PAGE: &str = "<!doctype html><meta charset=utf-8><title>Shop</title><body style='margin:0;background:#eef'>\
        <input autofocus style='font-size:30px'><button style='position:fixed;left:0;top:50%;width:100%;height:50%'>Order</button>\
        <p id=o></p><script>document.querySelector('button').onclick=()=>{o.textContent='ordered '+document.querySelector('input').value}</script>";
    serve_page(PAGE)
}

/// Serves a page; returns its origin.
fn serve_page(page: &'static str) -> String {
    server::serve(move |_, stream| server::send(stream, &server::response("200 OK", "text/html", page.as_bytes())))
}

/// The processes that have this folder in their command lines.
fn processes(folder: &Path) -> usize {
    let folder = folder.to_str().unwrap().as_bytes();
    let is_here = |line: Vec<u8>| line.windows(folder.len()).any(|part| part == folder);
    let all = fs::read_dir("/proc").unwrap().flatten();
    all.filter(|process| fs::read(process.path().join("cmdline")).is_ok_and(is_here)).count()
}

fn folders_left(folder: &Path) -> usize {
    let all = fs::read_dir(folder).unwrap().flatten();
    all.filter(|entry| entry.file_name().to_string_lossy().starts_with("tapwright-browser")).count()
}

#[test]
fn a_run_has_a_browser_of_its_own_and_leaves_nothing() {
    if !is_possible() {
        return;
    }
    let (place, origin) = (Place::new(), serve());
    let settings = format!("[device]\nsites = {{ Shop = \"{origin}\" }}\n[policy]\npreset = \"trusting\"\n");
    place.file("tapwright.toml", &settings);
    let launch = r#"do(action="Launch", app="Shop")"#;
    let enter = r#"do(action="Type", text="Milk, 面包 and 🍎")"#;
    let order = r#"do(action="Tap", element=[500,750])"#;
    let read = r#"do(action="Call_API", instruction="page.text {}")"#;
    place.file("script.txt", &[launch, enter, order, read, r#"finish(message="ordered")"#].join("\n"));
    let arguments = ["run", "Order milk", "--json", "--model", "script:script.txt", "--device", "browser:800x600"];
    let of = |expected: &[&str]| {
        let mut command = place.command(&[&arguments[..], expected].concat());
        ProgramOutput::of(command.env("TMPDIR", place.path()).output().unwrap())
    };
    // A judge looks at the page, whatever the model says.
    let text = "page.text=Order ordered Milk, 面包 and 🍎";
    let ran = of(&["--expect", "page.title=Shop", "--expect", text]);
    assert_eq!(ran.end_line(), "0 done passed", "{}{}", ran.out, ran.err);
    let ran = of(&["--expect", "page.title=Bank"]);
    assert!(ran.end_line().contains("failed"), "{}{}", ran.out, ran.err);
    fs::remove_dir_all(place.path().join("runs")).unwrap();
    let ran = of(&[]);
    assert_eq!(ran.end_line(), "0 done null", "{}{}", ran.out, ran.err);
    let journal = place.journal();
    let saw: Vec<String> =
        journal.iter().filter(|line| line["event"]["saw"].is_object()).map(ToString::to_string).collect();
    assert!(saw[0].contains("browser:start") && saw[0].contains("800"), "{}", saw[0]);
    let last = saw.last().unwrap();
    assert!(last.contains(&origin) && last.contains("\"Shop\""), "{last}");
    let all: String = journal.iter().map(ToString::to_string).collect();
    assert!(all.contains("ordered Milk, 面包 and 🍎"), "{all}");
    assert_eq!((folders_left(place.path()), processes(place.path())), (0, 0));
    // It is gone with its run: another one does not know what was done on it.
    place.file("script.txt", launch);
    assert_eq!(place.run(&arguments).code, 14);
    let ran = place.run(&["resume", "last"]);
    let told = ran.err.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(ran.code == 2 && told.contains("the browser of this run was made for it, and is gone with it"), "{told}");
    assert!(told.contains("--device browser --another-device"), "{told}");
}

#[test]
fn a_page_that_hangs_is_told_and_left() {
    if !is_possible() {
        return;
    }
    let page =
        "<!doctype html><title>Hangs</title><button style='position:fixed;inset:0' onclick='for(;;);'>Go on</button>";
    let (place, origin, shop) = (Place::new(), serve_page(page), serve());
    let settings = format!(
        "[device]\nsites = {{ Trap = \"{origin}\", Shop = \"{shop}\" }}\n[policy]\npreset = \"trusting\"\n\
         [policy.rules.silent]\npermission = \"refuse\"\nwords = [\"does not answer\"]\n"
    );
    place.file("tapwright.toml", &settings);
    let launch = |name: &str| format!("do(action=\"Launch\", app=\"{name}\")");
    let tap = r#"do(action="Tap", element=[500,750])"#;
    let read = r#"do(action="Call_API", instruction="page.text {}")"#;
    let script = [&launch("Trap"), tap, tap, &launch("Shop"), tap, read, r#"finish(message="out")"#];
    place.file("script.txt", &script.join("\n"));
    let arguments = ["run", "Get out", "--json", "--model", "script:script.txt", "--device", "browser:800x600"];
    let ran = ProgramOutput::of(place.command(&arguments).env("TMPDIR", place.path()).output().unwrap());
    assert_eq!(ran.end_line(), "0 done null", "{}{}", ran.out, ran.err);
    let all: String = place.journal().iter().map(ToString::to_string).collect();
    assert!(all.contains("it may have happened") || all.contains("does not answer"), "{all}");
    assert!(all.contains("rule silent") || all.contains("silent"), "what is drawn is read as any screen is: {all}");
    assert!(all.contains("ordered"), "{all}");
}

#[test]
fn a_browser_ends_with_a_run_that_is_killed() {
    if !is_possible() {
        return;
    }
    let (place, origin) = (Place::new(), serve());
    place.file("script.txt", &vec![format!(r#"do(action="Launch", app="{origin}")"#); 30].join("\n"));
    let arguments = ["run", "Look", "--json", "--model", "script:script.txt", "--device", "browser"];
    let mut program =
        place.command(&arguments).env("TMPDIR", place.path()).stdout(std::process::Stdio::null()).spawn().unwrap();
    let waits = |is: &dyn Fn() -> bool| {
        (0..800).any(|_| {
            std::thread::sleep(Duration::from_millis(25));
            is()
        })
    };
    // What starts it, the browser, and one for its pages at the least.
    assert!(waits(&|| processes(place.path()) > 3), "it did not start");
    program.kill().unwrap();
    program.wait().unwrap();
    assert!(waits(&|| processes(place.path()) == 0 && folders_left(place.path()) == 0), "something of it is left");
}

#[test]
fn a_browser_that_is_not_there_is_said_to_be() {
    let place = Place::new();
    place.file("script.txt", r#"finish(message="x")"#);
    for (device, words) in [
        ("browser:http://127.0.0.1:1", "127.0.0.1:1"),
        ("browser:127.0.0.1:1", "127.0.0.1:1"),
        ("browser:privat", "--remote-debugging-port=PORT"),
        ("browser:https://127.0.0.1:1", "--remote-debugging-port=PORT"),
        ("browser:", "--remote-debugging-port=PORT"),
    ] {
        let ran = place.run(&["run", "x", "--model", "script:script.txt", "--device", device]);
        assert!(ran.code != 0 && ran.err.contains(words), "{device}: {} {}", ran.code, ran.err);
    }
}

#[test]
fn browsers_are_listed() {
    let place = Place::new();
    let ran = place.run(&["devices", "--json"]);
    let line = ran.lines().into_iter().find(|line| line["device"] == "browser").unwrap();
    if line["ready"] == false {
        assert!(line["state"].as_str().unwrap().contains("apt install chromium"), "{line}");
    }
}
