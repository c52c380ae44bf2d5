//! Where task sets come from: folders and archives that are fine, damaged, or made to hurt.

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use tapwright_osworld::task_set::{TaskSelection, TaskSet, TaskSetError};

const GOOD: &str = r#"{"id": "ID", "instruction": "Do it", "evaluator": {"func": "infeasible"}}"#;

fn good(id: &str) -> String {
    GOOD.replace("ID", id)
}

/// A header of a POSIX archive, for a plain file or what `kind` says.
fn header(path: &str, size: u64, kind: u8) -> Vec<u8> {
    let mut header = vec![0; 512];
    header[..path.len()].copy_from_slice(path.as_bytes());
    header[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
    header[156] = kind;
    header[257..262].copy_from_slice(b"ustar");
    header
}

fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    let mut tar = Vec::new();
    for (path, text) in files {
        tar.extend(header(path, text.len() as u64, b'0'));
        tar.extend(text.as_bytes());
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar.resize(tar.len() + 1024, 0);
    tar
}

fn pack(tar: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(tar).unwrap();
    encoder.finish().unwrap()
}

fn load(folder: &Path, name: &str, bytes: &[u8]) -> Result<TaskSet, TaskSetError> {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    TaskSet::load(&path)
}

#[test]
fn a_folder_and_an_archive_of_it_are_the_same_set() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("evaluation_examples/examples");
    for (domain, id) in [("os", "a"), ("vlc", "b"), ("vlc", "ab")] {
        fs::create_dir_all(folder.join(domain)).unwrap();
        fs::write(folder.join(domain).join(format!("{id}.json")), good(id)).unwrap();
    }
    fs::write(folder.parent().unwrap().join("test_all.json"), "{}").unwrap();
    let set = TaskSet::load(&place.path().join("evaluation_examples")).unwrap();
    let ids: Vec<&str> = set.tasks.iter().map(|task| task.id.as_str()).collect();
    assert_eq!((ids, set.defects.len()), (vec!["a", "ab", "b"], 0));
    let (a, b, ab) = (good("a"), good("b"), good("ab"));
    let files = [
        ("x/examples/vlc/b.json", b.as_str()),
        ("x/examples/vlc/ab.json", &ab),
        ("x/examples/os/a.json", &a),
        ("x/test_all.json", "{}"),
    ];
    let other = load(place.path(), "set.tar.gz", &pack(&archive(&files))).unwrap();
    assert_eq!(set.hash(), other.hash());
    // How a file is laid out does not matter, what is in it does.
    let spread = a.replace(": ", " :\n ");
    let files = [("examples/vlc/b.json", b.as_str()), ("examples/vlc/ab.json", &ab), ("examples/os/a.json", &spread)];
    assert_eq!(load(place.path(), "set.tgz", &pack(&archive(&files))).unwrap().hash(), set.hash());
    let changed = a.replace("Do it", "Do it not");
    let files = [("examples/vlc/b.json", b.as_str()), ("examples/vlc/ab.json", &ab), ("examples/os/a.json", &changed)];
    assert_ne!(load(place.path(), "set.tgz", &pack(&archive(&files))).unwrap().hash(), set.hash());
    let select = |ids: &[&str]| {
        let selection =
            TaskSelection { ids: ids.iter().map(|id| (*id).to_owned()).collect(), ..TaskSelection::default() };
        set.select(&selection).map(|tasks| tasks.len())
    };
    assert_eq!(select(&["b"]).unwrap(), 1);
    // A whole id is that task's alone, even where another one begins with it.
    assert_eq!(select(&["a"]).unwrap(), 1);
    assert!(matches!(select(&["c"]), Err(TaskSetError::NoTask { .. })));
    assert!(matches!(select(&[""]), Err(TaskSetError::Ambiguous { count: 3, .. })));
}

#[test]
fn what_is_no_task_set_is_said() {
    let place = tempfile::tempdir().unwrap();
    let at = place.path();
    let whole = pack(&archive(&[("examples/os/a.json", &good("a"))]));
    let said =
        |name: &str, bytes: &[u8]| load(at, name, bytes).map(|set| set.tasks.len()).map_err(|error| error.to_string());
    assert_eq!(said("whole.tar.gz", &whole), Ok(1));
    for (name, bytes, why) in [
        ("cut.tar.gz", &whole[..whole.len() / 2], "cannot be read as a task set"),
        ("none.tar.gz", &b"no archive"[..], "cannot be read as a task set"),
        ("empty.tar.gz", &pack(&archive(&[]))[..], "has no tasks"),
        ("text.tar.gz", &pack(&[b'x'; 2048])[..], "no tar archive"),
        ("half.tar.gz", &pack(&archive(&[("examples/os/a.json", &good("a"))])[..700])[..], "cut off"),
        ("tasks.zip", &b"PK"[..], "neither a folder nor a .tar.gz archive"),
    ] {
        let error = said(name, bytes).expect_err(name);
        assert!(error.contains(why), "{name}: {error}");
    }
    let error = TaskSet::load(&at.join("nothing")).expect_err("nothing is there").to_string();
    assert!(error.contains("cannot be read as a task set"), "{error}");
    fs::create_dir(at.join("bare")).unwrap();
    assert!(matches!(TaskSet::load(&at.join("bare")), Err(TaskSetError::Empty { .. })));
}

#[test]
fn an_archive_that_grows_is_given_up() {
    let place = tempfile::tempdir().unwrap();
    // It says that it has eight gigabytes, and is made of zeros.
    let mut tar = header("examples/os/a.json", 0o77_777_777_777, b'0');
    tar.resize(1 << 20, 0);
    let error = load(place.path(), "claims.tar.gz", &pack(&tar)).expect_err("it claims too much").to_string();
    assert!(error.contains("bytes"), "{error}");
    let files: Vec<u8> =
        (0..20_001).flat_map(|number| header(&format!("examples/os/{number}.json"), 0, b'0')).collect();
    let error = load(place.path(), "many.tar.gz", &pack(&files)).expect_err("too many files").to_string();
    assert!(error.contains("more than 20000 JSON files"), "{error}");
    // A link is no file, wherever it leads.
    let mut tar = header("examples/os/a.json", 0, b'2');
    tar[157..168].copy_from_slice(b"/etc/passwd");
    tar.resize(tar.len() + 1024, 0);
    assert!(matches!(load(place.path(), "link.tar.gz", &pack(&tar)), Err(TaskSetError::Empty { .. })));
}

#[test]
fn a_file_that_is_no_task_is_left_out_and_named() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("examples/os");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("good.json"), good("good")).unwrap();
    fs::write(folder.join("cut.json"), &good("cut")[..30]).unwrap();
    fs::write(folder.join("bytes.json"), [b'{', 0xff]).unwrap();
    fs::write(folder.join("large.json"), vec![b' '; (1 << 20) + 1]).unwrap();
    fs::write(folder.join("deep.json"), "[".repeat(100_000)).unwrap();
    let set = TaskSet::load(place.path()).unwrap();
    let said: Vec<String> = set.defects.iter().map(ToString::to_string).collect();
    assert_eq!((set.tasks.len(), said.len()), (1, 4), "{said:#?}");
    for (file, why) in [("bytes", "not UTF-8"), ("cut", "no JSON"), ("deep", "recursion"), ("large", "longer than")] {
        let found = said.iter().any(|said| said.contains(&format!("examples/os/{file}.json:")) && said.contains(why));
        assert!(found, "{file}: {said:#?}");
    }
    // The set is another one than without them.
    let hash = set.hash();
    fs::remove_file(folder.join("cut.json")).unwrap();
    assert_ne!(TaskSet::load(place.path()).unwrap().hash(), hash);
}

/// A mistake is of whoever chooses the file that has it, and of nobody else.
#[test]
fn a_mistake_in_one_file_is_nothing_to_the_others() {
    let place = tempfile::tempdir().unwrap();
    let faulty = good("b").replace("\"instruction\"", "\"new_field\": 1, \"instruction\"");
    let files = [("examples/os/a.json", &*good("a")), ("examples/vlc/b.json", &*faulty)];
    let set = load(place.path(), "set.tgz", &pack(&archive(&files))).unwrap();
    let selection = |domains: &[&str], ids: &[&str], skips_faulty| {
        let texts = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        TaskSelection { domains: texts(domains), ids: texts(ids), skips_faulty }
    };
    for (domains, ids, defects) in
        [(&[][..], &[][..], 1), (&["os"], &[], 0), (&["vlc"], &[], 1), (&[], &["a"], 0), (&[], &["b"], 1)]
    {
        let found = set.selected_defects(&selection(domains, ids, false)).len();
        assert_eq!(found, defects, "{domains:?} {ids:?}");
    }
    assert_eq!(set.select(&selection(&["vlc"], &[], false)).unwrap().len(), 0);
    assert_eq!(set.select(&selection(&[], &["a"], false)).unwrap().len(), 1);
    assert_eq!(set.select(&selection(&[], &["a", "b"], true)).unwrap().len(), 1);
    let error = set.select(&selection(&[], &["a", "b"], false)).unwrap_err().to_string();
    assert!(error.starts_with("the task b has a mistake: ") && error.contains("`new_field`"), "{error}");
}
