//! The page of a record: each picture once, nothing from outside of the record, and whatever is missing is said in its place.

mod program;

use std::fs;
use std::path::PathBuf;

use program::{Place, ProgramOutput};

const HOME: &str = r#"do(action="Home")"#;
const FINISH: &str = r#"finish(message="ok")"#;

/// A run that sees the same screen again and again, and its folder.
fn record_run() -> (Place, PathBuf) {
    let place = Place::new();
    let ran = place.script(&[HOME, HOME, HOME, FINISH], &[]);
    assert_eq!(ran.end_line(), "0 done null", "{}{}", ran.out, ran.err);
    let folder = place.path().join(ran.last()["record"].as_str().unwrap());
    (place, folder)
}

fn pictures(folder: &std::path::Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder.join("pictures")).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|end| end == "png")).collect()
}

fn page(place: &Place, what: &str) -> (ProgramOutput, String) {
    let ran = place.run(&["replay", what, "--json", "--html", "page.html"]);
    let page =
        fs::read_to_string(place.path().join("page.html")).unwrap_or_else(|error| panic!("{error}: {}", ran.out));
    (ran, page)
}

#[test]
fn a_picture_that_is_seen_again_is_there_once() {
    let (place, folder) = record_run();
    let (ran, page) = page(&place, "last");
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let (shown, kept) = (page.matches("class=\"screen p").count(), page.matches("url(data:image/").count());
    assert!(kept < shown, "{kept} pictures on {shown} screens");
    assert_eq!(kept, pictures(&folder).len());
}

/// Names lead nowhere, links neither; and what is no picture of this run is not shown.
#[test]
fn a_page_holds_nothing_from_outside_of_its_record() {
    let secret = "private words that are nobody's business";
    let in_base64 = "cHJpdmF0ZSB3b3Jkcy"; // How they begin in a page.
    let (place, folder) = record_run();
    let outside = place.file("private.png", secret);
    let journal = fs::read_to_string(folder.join("journal.jsonl")).unwrap();
    let picture = pictures(&folder).remove(0);
    let digest = picture.file_stem().unwrap().to_str().unwrap();
    let is_without = |what: &str| {
        let (ran, page) = page(&place, "last");
        assert_eq!(ran.code, 5, "{what}: {}{}", ran.out, ran.err);
        assert!(!page.contains(in_base64), "{what}");
        assert!(page.contains("The picture of this screen cannot be shown"), "{what}");
    };
    fs::write(folder.join("journal.jsonl"), journal.replace(digest, "../../../private")).unwrap();
    is_without("a name that leads out");
    fs::write(folder.join("journal.jsonl"), journal.replace(digest, outside.with_extension("").to_str().unwrap()))
        .unwrap();
    is_without("the name of a file");
    fs::write(folder.join("journal.jsonl"), &journal).unwrap();
    fs::remove_file(&picture).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(&outside, &picture).unwrap();
    #[cfg(not(unix))]
    fs::copy(&outside, &picture).map(drop).unwrap();
    is_without("a link");
    // What is no file is not even opened: a pipe would hold up whoever reads it.
    fs::remove_file(&picture).unwrap();
    fs::create_dir(&picture).unwrap();
    is_without("a folder");
    assert!(page(&place, "last").0.out.contains("no regular file"));
}

#[test]
fn a_page_is_made_without_a_picture_that_is_missing() {
    let (place, folder) = record_run();
    place.file("page.html", "an older page");
    let missing = pictures(&folder).remove(0);
    fs::remove_file(&missing).unwrap();
    let (ran, page) = page(&place, "last");
    assert_eq!(ran.code, 5, "{}{}", ran.out, ran.err);
    assert!(
        page.contains("The picture of this screen cannot be shown") && page.trim_end().ends_with("</html>"),
        "{page}"
    );
    let short = &missing.file_stem().unwrap().to_str().unwrap()[..12];
    assert!(ran.last()["html_missing"].to_string().contains(short), "{}", ran.out);
    assert!(!place.path().join(".page.html.part").exists());
}

/// A disk that is full takes no page, and the older one stays.
#[test]
fn a_page_that_cannot_be_written_leaves_the_older_one() {
    let (place, _) = record_run();
    place.file("page.html", "an older page");
    fs::create_dir(place.path().join(".page.html.part")).unwrap();
    let (ran, page) = page(&place, "last");
    assert_eq!((ran.code, page.as_str()), (4, "an older page"), "{}{}", ran.out, ran.err);
}

/// In a folder of somebody else's what stands beside the page, under the name that it has while it is written, may be a link.
#[cfg(unix)]
#[test]
fn a_page_is_written_through_no_link_beside_it() {
    let (place, _) = record_run();
    let own = place.file("own.txt", "precious");
    std::os::unix::fs::symlink(&own, place.path().join(".page.html.part")).unwrap();
    let (ran, page) = page(&place, "last");
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(page.trim_end().ends_with("</html>"), "{page}");
    assert_eq!(fs::read_to_string(&own).unwrap(), "precious");
    assert!(!fs::symlink_metadata(place.path().join("page.html")).unwrap().is_symlink());
}

/// A device or a pipe would be replaced by a file, and be gone.
#[test]
fn a_page_takes_the_place_of_a_file_only() {
    let (place, _) = record_run();
    let pipe = place.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let ran = place.run(&["replay", "last", "--html", "pipe"]);
    assert_eq!(ran.code, 2, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("pipe is no file"), "{}", ran.err);
    assert!(!fs::metadata(&pipe).unwrap().is_file());
}

#[test]
fn the_page_of_a_plan_has_all_of_its_runs() {
    let place = Place::new();
    let plan = "plan = \"Two things\"\n[[goal]]\nname = \"one\"\ngoal = \"Look at the first\"\n\
        [[goal]]\nname = \"two\"\ngoal = \"Look at the second\"\n";
    place.file("plan.toml", plan);
    place.file("script.txt", &[FINISH, FINISH].join("\n"));
    let ran = place.run(&["run", "--plan", "plan.toml", "--json", "--model", "script:script.txt"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let (ran, page) = page(&place, "last");
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    for words in ["Two things", "Look at the first", "Look at the second"] {
        assert!(page.contains(&format!("<h1>{words}")), "{words}");
    }
}

/// A run that ended with `done` is not a goal that was achieved: what it was to find out may be missing.
#[test]
fn the_page_of_a_plan_says_what_was_not_achieved() {
    let place = Place::new();
    let goal = |name: &str| format!("[[goal]]\nname = \"{name}\"\ngoal = \"Look at {name}\"\non_failure = \"skip\"\n");
    let plan = format!("plan = \"Two <things>\"\n{}{}output = {{ price = \"number\" }}\n", goal("one"), goal("two"));
    place.file("plan.toml", &plan);
    place.file("script.txt", &[FINISH, FINISH, "nothing", "nothing"].join("\n"));
    let ran = place.run(&["run", "--plan", "plan.toml", "--model", "script:script.txt"]);
    assert_eq!(ran.code, 10, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("✗  not achieved: 1 of 2 goals\n"), "{}", ran.out);
    let (_, page) = page(&place, "last");
    for words in [
        "<h1>Two &lt;things&gt;</h1>\n<p class=\"badges\"><span class=\"badge bad\">not achieved: 1 of 2 goals</span></p>",
        "<p class=\"why\"><b>two</b>: it did not say what <kbd>price</kbd> is</p>",
    ] {
        assert!(page.contains(words), "{words}: {}", &page[page.find("<body>").unwrap()..][..900]);
    }
    // One that broke off has no end yet.
    let folder = fs::read_dir(place.path().join("runs")).unwrap().map(|entry| entry.unwrap().path());
    let folder = folder.into_iter().find(|folder| folder.join("plan.json").exists()).unwrap();
    fs::remove_file(folder.join("plan.json")).unwrap();
    let (_, page) = self::page(&place, "last");
    assert!(page.contains("no end: 1 of 2 goals achieved so far, says the model"), "{}", &page[..4000]);
}
