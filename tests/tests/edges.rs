//! The architecture, as a table: who may depend on whom. A new line here is a decision, not a detail.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// Package folder, name without `tapwright-`, the packages of ours that it may name, and those that only its tests may.
const EDGES: &[(&str, &str, &[&str], &[&str])] = &[
    ("agent/contract", "contract", &[], &[]),
    ("agent", "agent", &["contract"], &[]),
    ("drivers/phone", "phone", &[], &[]),
    ("drivers", "drivers", &["contract"], &["phone"]),
    ("models/picture", "picture", &[], &[]),
    ("models", "models", &["contract", "picture"], &[]),
    ("models/mini/data", "mini-data", &["phone", "picture", "smoke"], &[]),
    ("tasks/yaml", "yaml", &[], &[]),
    ("tasks/suites/osworld", "osworld", &["yaml"], &[]),
    ("tasks/suites/phone", "phone-suite", &["phone", "smoke"], &[]),
    ("tasks/suites/smoke", "smoke", &["phone"], &[]),
    (
        "tasks",
        "tasks",
        &["agent", "contract", "drivers", "models", "osworld", "phone", "phone-suite", "smoke", "yaml"],
        &[],
    ),
    ("tasks/cli", "tapwright", &["tasks"], &["phone"]),
    ("tests", "tests", &[], &["agent", "contract", "drivers", "mini-data", "models", "phone", "smoke", "tasks"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn manifest(folder: &str) -> toml::Table {
    let path = root().join(folder).join("Cargo.toml");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The packages of ours that a table of a manifest names.
fn named_packages(manifest: &toml::Table, table: &str) -> Vec<String> {
    let names = |table: &toml::Value| -> Vec<String> {
        let keys = table.as_table().into_iter().flat_map(|table| table.keys());
        keys.filter_map(|key| key.strip_prefix("tapwright-")).map(str::to_owned).collect()
    };
    // Also those of one system only: `[target.'cfg(unix)'.dependencies]`.
    let targets = manifest.get("target").and_then(|targets| targets.as_table());
    let targets = targets.into_iter().flat_map(|targets| targets.values()).filter_map(|target| target.get(table));
    manifest.get(table).into_iter().chain(targets).flat_map(names).collect()
}

#[test]
fn dependencies_point_where_the_table_says() {
    let mut seen = 0;
    for (folder, name, allowed, in_tests) in EDGES {
        let manifest = manifest(folder);
        let package = manifest["package"]["name"].as_str().unwrap_or_default();
        assert_eq!(package.trim_start_matches("tapwright-"), *name, "{folder}");
        for table in ["dependencies", "build-dependencies", "dev-dependencies"] {
            for dependency in named_packages(&manifest, table) {
                let dependency = dependency.as_str();
                let in_tests = table == "dev-dependencies" && in_tests.contains(&dependency);
                assert!(allowed.contains(&dependency) || in_tests, "{folder} must not know {dependency} ({table})");
                seen += 1;
            }
        }
        for dependency in *in_tests {
            assert!(
                named_packages(&manifest, "dev-dependencies").iter().any(|name| name == dependency),
                "{folder}: {dependency}"
            );
        }
    }
    assert!(seen > 15, "only {seen} edges were found");
}

/// What a file includes is an edge too, which no manifest shows.
#[test]
fn files_are_included_where_the_table_says() {
    let package = |path: &Path| {
        let of = EDGES.iter().filter(|(folder, ..)| path.starts_with(folder));
        of.max_by_key(|(folder, ..)| folder.len())
    };
    let mut included = 0;
    for (path, text) in sources(&["src", "tests", "benches", "examples"]) {
        let Some((folder, _, allowed, allowed_in_tests)) = package(&path) else {
            panic!("{} is in no package", path.display())
        };
        for (at, _) in text.match_indices("include_").filter(|(at, _)| {
            ["str!(\"", "bytes!(\""].iter().any(|kind| text[at + "include_".len()..].starts_with(kind))
        }) {
            let name = text[at..].split('"').nth(1).unwrap_or_default();
            let target = plain(&path.parent().expect("it lies in a folder").join(name));
            let is_own = package(&target).is_some_and(|(other, ..)| other == folder);
            // Of the package `tests` all is a test.
            let is_test = !path.components().any(|part| part.as_os_str() == "src");
            let may = package(&target)
                .is_some_and(|(_, other, ..)| allowed.contains(other) || is_test && allowed_in_tests.contains(other));
            assert!(is_own || may || target.starts_with("docs"), "{} must not include {name}", path.display());
            included += 1;
        }
    }
    assert!(included > 20, "only {included} were found");
}

/// A path without `..`.
fn plain(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut plain, part| {
        match part {
            Component::ParentDir => drop(plain.pop()),
            part => plain.push(part),
        }
        plain
    })
}

/// All Rust files in these folders of every package, by their paths from the root.
fn sources(folders: &[&str]) -> BTreeMap<PathBuf, String> {
    let mut open: Vec<PathBuf> = EDGES
        .iter()
        .flat_map(|(package, ..)| folders.iter().map(|folder| Path::new(package).join(folder)))
        .filter(|folder| root().join(folder).is_dir())
        .collect();
    let mut read = BTreeMap::new();
    while let Some(folder) = open.pop() {
        let entries = fs::read_dir(root().join(&folder));
        for entry in entries.unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = folder.join(entry.expect("an entry can be read").file_name());
            if root().join(&path).is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let text = fs::read_to_string(root().join(&path)).expect("a source file is text");
                read.insert(path, text);
            }
        }
    }
    read
}

#[test]
fn every_member_is_in_the_table() {
    let workspace = manifest(".");
    let members = workspace["workspace"]["members"].as_array().expect("members are a list");
    for member in members.iter().filter_map(|member| member.as_str()) {
        assert!(EDGES.iter().any(|(folder, ..)| folder == &member), "{member} is missing");
    }
    assert_eq!(members.len(), EDGES.len());
}

#[test]
fn a_crate_from_outside_has_its_reason_beside_it() {
    let text = fs::read_to_string(root().join("Cargo.toml")).expect("the root manifest can be read");
    let section =
        text.split("[workspace.dependencies]").nth(1).and_then(|rest| rest.split("\n[").next()).unwrap_or_default();
    for line in
        section.lines().filter(|line| line.contains('=') && !line.starts_with('#') && !line.starts_with("tapwright-"))
    {
        assert!(line.contains("# "), "no reason beside: {line}");
    }
}

#[test]
fn every_file_opens_with_what_it_is_for() {
    let read = sources(&["src"]);
    assert!(read.len() > 60, "only {} files were found", read.len());
    let without: Vec<_> = read.iter().filter(|(_, text)| !text.starts_with("//!")).map(|(path, _)| path).collect();
    assert!(without.is_empty(), "{without:#?}");
}
