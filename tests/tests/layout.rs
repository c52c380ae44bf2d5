//! How long files and functions may be, and that modules do not go round in circles: by reading the sources, as people do. What is let
//! off stands below, with its reason; a new line there is a decision.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

const FILE_LINES_MAX: usize = 700;
const FUNCTION_LINES_MAX: usize = 90;

/// Circles that are one matter in several files, which nobody else takes apart: package, the modules' parent, the modules, the reason.
const CIRCLES: &[(&str, &str, &[&str], &str)] = &[
    ("drivers", "android::wire", &["direct", "greet"], "a greeting is half of a connection, which it is made of"),
    (
        "drivers",
        "desktop::x11",
        &["capture", "keyboard", "monitors", "server"],
        "a connection to an X server and what is asked over it",
    ),
    (
        "models",
        "engine",
        &["numbers", "pool", "providers", "runtime"],
        "a runtime and what each of its providers can compute",
    ),
    ("models", "engine", &["run", "thread"], "answers, and the thread that takes turns at them"),
    ("models", "onnx", &["graph", "proto"], "a graph, and the form in which it is written"),
    ("models", "server", &["chat_request", "tools"], "tools are fields of a request, and are read by its rules"),
    ("tasks", "settings", &["apis", "policy"], "an API's secrets are the policy's, which names APIs"),
    ("tasks/cli", "commands", &["plan", "resume", "run"], "a plan is begun by `run` and taken up by `resume`"),
    ("tasks/suites/osworld", "metrics", &["json", "text"], "texts are compared in JSON, and JSON in texts"),
];

type ModulePath = Vec<String>;

/// A module's file. Tests are not read for what they name: they may look anywhere.
struct Module {
    file: PathBuf,
    /// What is not a test in it.
    text: String,
    lines: usize,
    is_test: bool,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// The folders of all packages, by the manifest of the workspace.
fn packages() -> Vec<String> {
    let manifest: toml::Table = fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    let members = manifest["workspace"]["members"].as_array().unwrap();
    members.iter().map(|member| member.as_str().unwrap().to_owned()).collect()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap_or_else(|error| panic!("{error}"))
}

/// The modules of a package by their paths, the root's own file by an empty one.
fn modules(package: &str) -> BTreeMap<ModulePath, Module> {
    let src = root().join(package).join("src");
    let tests_begin = regex(r"(?m)^#\[cfg\(test\)\]\n(?:#\[[^\n]*\n)*mod \w+ \{");
    let test_module = regex(r"#\[cfg\(test\)\]\n(?:#\[[^\n]*\n)*(?:pub(?:\([^)]*\))? )?mod (\w+);");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let (mut modules, mut tests) = (BTreeMap::new(), Vec::new());
    for file in files {
        let name = file.strip_prefix(&src).unwrap().with_extension("");
        let mut path: ModulePath = name.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
        path.retain(|part| part != "mod");
        if path == ["lib"] || path == ["main"] {
            path.clear();
        }
        let text = fs::read_to_string(&file).unwrap();
        tests.extend(test_module.captures_iter(&text).map(|found| [&path[..], &[found[1].to_owned()]].concat()));
        let lines = text.lines().count();
        let end = tests_begin.find(&text).map_or(text.len(), |found| found.start());
        modules.insert(path, Module { file, text: text[..end].to_owned(), lines, is_test: false });
    }
    for (path, module) in &mut modules {
        module.is_test = tests.iter().any(|test| path.starts_with(test));
    }
    modules
}

/// The paths in the braces of a `use`, without them.
fn spread(inside: &str) -> Vec<ModulePath> {
    let mut parts = vec![String::new()];
    let mut depth = 0;
    for letter in inside.chars() {
        match letter {
            ',' if depth == 0 => parts.push(String::new()),
            letter => {
                depth += i32::from(letter == '{') - i32::from(letter == '}');
                parts.last_mut().unwrap().push(letter);
            }
        }
    }
    let names =
        |path: &str| path.split("::").map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect();
    let mut all = Vec::new();
    for part in parts {
        match part.split_once('{') {
            Some((head, tail)) => {
                let head: ModulePath = names(head);
                let inner = tail.trim_end().strip_suffix('}').unwrap_or(tail);
                all.extend(spread(inner).into_iter().map(|rest| [&head[..], &rest[..]].concat()));
            }
            None => all.push(names(part.split(" as ").next().unwrap_or_default())),
        }
    }
    all
}

/// The modules that one names, each as deep as there is one.
fn named_modules(path: &ModulePath, module: &Module, modules: &BTreeMap<ModulePath, Module>) -> BTreeSet<ModulePath> {
    let text = regex(r"//[^\n]*").replace_all(&module.text, "").into_owned();
    let mut found = BTreeSet::new();
    for one in regex(r"\b((?:crate|super|self)(?:::\w+)*)(::\{)?").captures_iter(&text) {
        let mut names: Vec<&str> = one[1].split("::").collect();
        let mut base = path.clone();
        match names.remove(0) {
            "crate" => base.clear(),
            "super" => {
                base.pop();
                while names.first() == Some(&"super") {
                    names.remove(0);
                    base.pop();
                }
            }
            _ => {}
        }
        let tails = match one.get(2) {
            None => vec![Vec::new()],
            Some(open) => {
                let mut depth = 1;
                let rest = &text[open.end()..];
                let end = rest.char_indices().find(|(_, letter)| {
                    depth += i32::from(*letter == '{') - i32::from(*letter == '}');
                    depth == 0
                });
                spread(&rest[..end.map_or(rest.len(), |(at, _)| at)])
            }
        };
        for tail in tails {
            let mut at = base.clone();
            for name in names.iter().map(|name| (*name).to_owned()).chain(tail) {
                at.push(name);
                if !modules.contains_key(&at) {
                    at.pop();
                    break;
                }
            }
            if at != *path && modules.get(&at).is_some_and(|module| !module.is_test) {
                found.insert(at);
            }
        }
    }
    found
}

/// All that can be reached from a node, by a way of one step at least.
fn reachable<'a>(graph: &BTreeMap<&'a str, BTreeSet<&'a str>>, from: &'a str) -> BTreeSet<&'a str> {
    let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(node) = next.pop() {
        next.extend(graph.get(node).into_iter().flatten().filter(|to| seen.insert(**to)));
    }
    seen
}

/// Circles among the children of each module, by what all that is in a child names: parent and children.
fn circles(modules: &BTreeMap<ModulePath, Module>) -> BTreeSet<(String, Vec<String>)> {
    let tested = modules.iter().filter(|(_, module)| !module.is_test);
    let edges: Vec<(&ModulePath, BTreeSet<ModulePath>)> =
        tested.map(|(path, module)| (path, named_modules(path, module, modules))).collect();
    let parents: BTreeSet<&[String]> =
        modules.keys().filter_map(|path| path.split_last()).map(|(_, parent)| parent).collect();
    let mut found = BTreeSet::new();
    for parent in parents {
        let child = |path: &'_ ModulePath| path.starts_with(parent).then(|| path.get(parent.len()).cloned()).flatten();
        let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (path, names) in &edges {
            let Some(from) = child(path) else { continue };
            let to = names.iter().filter_map(child).filter(|to| *to != from);
            graph.entry(from.clone()).or_default().extend(to);
        }
        let graph: BTreeMap<&str, BTreeSet<&str>> =
            graph.iter().map(|(from, to)| (from.as_str(), to.iter().map(String::as_str).collect())).collect();
        for from in graph.keys() {
            let round: Vec<String> = reachable(&graph, from)
                .into_iter()
                .filter(|to| reachable(&graph, to).contains(from) && reachable(&graph, from).contains(from))
                .map(str::to_owned)
                .collect();
            if round.len() > 1 {
                found.insert((parent.join("::"), round));
            }
        }
    }
    found
}

/// The functions of a text that is laid out by rustfmt, with their lines.
fn functions(text: &str) -> Vec<(String, usize)> {
    let begins = regex(r#"^(\s*)(?:pub(?:\([^)]*\))? )?(?:const |async |unsafe |extern "C" )*fn (\w+)"#);
    let lines: Vec<&str> = text.lines().collect();
    let begun = lines.iter().enumerate().filter_map(|(at, line)| Some((at, begins.captures(line)?)));
    begun
        .filter_map(|(at, found)| {
            let end = format!("{}}}", &found[1]);
            let length = lines[at..].iter().position(|line| *line == end)? + 1;
            // One that has no body, as in a trait, ends before another one begins.
            let is_whole = lines[at..at + length]
                .iter()
                .skip(1)
                .all(|line| begins.captures(line).is_none_or(|inner| inner[1].len() > found[1].len()));
            is_whole.then(|| (found[2].to_owned(), length))
        })
        .collect()
}

#[test]
fn files_and_functions_can_be_read_at_once() {
    let (mut files, mut seen) = (0, 0);
    for package in packages() {
        for module in modules(&package).into_values().filter(|module| !module.is_test) {
            let at = module.file.strip_prefix(root()).unwrap().display();
            files += 1;
            assert!(
                module.lines <= FILE_LINES_MAX,
                "{at} has {} lines, and {FILE_LINES_MAX} are the most",
                module.lines
            );
            for (name, lines) in functions(&module.text) {
                seen += 1;
                assert!(
                    lines <= FUNCTION_LINES_MAX,
                    "{name} in {at} has {lines} lines, and {FUNCTION_LINES_MAX} are the most"
                );
            }
        }
    }
    assert!(300 < files && 3000 < seen, "{files} files, {seen} functions: too few to be all");
}

#[test]
fn modules_do_not_go_round_in_circles() {
    let mut found = BTreeSet::new();
    for package in packages() {
        for (parent, round) in circles(&modules(&package)) {
            found.insert((package.clone(), parent, round));
        }
    }
    let mut allowed = BTreeSet::new();
    for (package, parent, round, why) in CIRCLES {
        assert!(!why.is_empty(), "{package}: it is let off for a reason");
        let round: Vec<String> = round.iter().map(|name| (*name).to_owned()).collect();
        allowed.insert(((*package).to_owned(), (*parent).to_owned(), round));
    }
    let new: Vec<_> = found.difference(&allowed).collect();
    assert!(new.is_empty(), "modules that name each other in a circle: {new:#?}");
    let gone: Vec<_> = allowed.difference(&found).collect();
    assert!(gone.is_empty(), "these are no circles any more; take them out of the list: {gone:#?}");
}

#[test]
fn what_is_looked_for_is_found() {
    let module = |text: &str| Module { file: PathBuf::new(), text: text.to_owned(), lines: 1, is_test: false };
    let path =
        |words: &str| words.split("::").filter(|word| !word.is_empty()).map(str::to_owned).collect::<ModulePath>();
    let of =
        |files: &[(&str, &str)]| files.iter().map(|(at, text)| (path(at), module(text))).collect::<BTreeMap<_, _>>();
    let named = [
        ("", "mod a;"),
        ("a", "use crate::{b::{self, Thing}, other};"),
        ("a::deep", "fn f() { super::super::c::g() }"),
        ("b", "// crate::a\nuse super::c;"),
        ("c", "use crate::a::deep::h as i;"),
        ("d", "use crate::a;"),
    ];
    let round = circles(&of(&named));
    assert_eq!(round, [(String::new(), ["a", "b", "c"].map(str::to_owned).to_vec())].into());
    assert!(circles(&of(&named[..4])).is_empty());
    let text = "trait T {\n    fn none(&self);\n    fn some(&self) {\n        1\n    }\n}\nfn long(\n    a: u8,\n) {\n    2\n}\n";
    assert_eq!(functions(text), [("some".to_owned(), 3), ("long".to_owned(), 5)]);
}
