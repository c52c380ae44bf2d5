//! The architecture, as a table: who may depend on whom. A new line here is a decision, not a detail.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Package folder, name without `tapwright-`, and the packages of ours that it may name.
const EDGES: &[(&str, &str, &[&str])] = &[
    ("agent/contract", "contract", &[]),
    ("agent", "agent", &["contract"]),
    ("drivers/phone", "phone", &[]),
    ("drivers", "drivers", &["contract", "phone"]),
    ("models/picture", "picture", &[]),
    ("models", "models", &["contract", "picture"]),
    ("models/mini/data", "mini-data", &["phone", "picture", "smoke"]),
    ("tasks/suites/smoke", "smoke", &["phone"]),
    ("tasks", "tasks", &["agent", "contract", "drivers", "models", "phone", "smoke"]),
    ("tasks/cli", "tapwright", &["tasks"]),
    ("tests", "tests", &[]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn manifest(folder: &str) -> toml::Table {
    let path = root().join(folder).join("Cargo.toml");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn dependencies_point_where_the_table_says() {
    for (folder, name, allowed) in EDGES {
        let manifest = manifest(folder);
        let package = manifest["package"]["name"].as_str().unwrap_or_default();
        assert_eq!(package.trim_start_matches("tapwright-"), *name, "{folder}");
        let empty = toml::Table::new();
        let dependencies = manifest.get("dependencies").and_then(|table| table.as_table()).unwrap_or(&empty);
        for dependency in dependencies.keys().filter_map(|key| key.strip_prefix("tapwright-")) {
            assert!(allowed.contains(&dependency), "{folder} must not know {dependency}");
        }
    }
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
    let mut folders: Vec<PathBuf> = EDGES.iter().map(|(folder, ..)| root().join(folder).join("src")).collect();
    let mut read = BTreeMap::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("an entry can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let text = fs::read_to_string(&path).expect("a source file is text");
                read.insert(path, text.starts_with("//!"));
            }
        }
    }
    assert!(read.len() > 60, "only {} files were found", read.len());
    let without: Vec<_> = read.iter().filter(|(_, has)| !**has).map(|(path, _)| path.display().to_string()).collect();
    assert!(without.is_empty(), "{without:#?}");
}
