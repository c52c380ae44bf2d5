//! Both snapshots of upstream's tasks: read without a mistake, named by their hashes, counted.

#[path = "shared/mod.rs"]
mod shared;

use std::collections::BTreeMap;
use std::fmt::Write;

use expect_test::expect;
use tapwright_osworld::repair::read_repairs;
use tapwright_osworld::task_set::{TaskSelection, TaskSet, read_id_list};

const APRIL: &str = "osworld/osworld-tasks.tar.gz";
const LATER: &str = "osworld-315a760/osworld-tasks-315a760.tar.gz";

/// Tasks by domain: all, those that are scored here, those that cannot be done.
fn counts(set: &TaskSet) -> String {
    let mut counts: BTreeMap<&str, (usize, usize, usize)> = BTreeMap::new();
    for task in &set.tasks {
        let of = counts.entry(&task.domain).or_default();
        *of = (of.0 + 1, of.1 + usize::from(task.is_native()), of.2 + usize::from(task.is_infeasible()));
    }
    let mut text = String::new();
    for (domain, (all, native, infeasible)) in &counts {
        writeln!(text, "{domain:<20} {all:>4} {native:>4} {infeasible:>4}").unwrap();
    }
    let sum = counts.values().fold((0, 0, 0), |sum, of| (sum.0 + of.0, sum.1 + of.1, sum.2 + of.2));
    writeln!(text, "{:<20} {:>4} {:>4} {:>4}", "all", sum.0, sum.1, sum.2).unwrap();
    text
}

#[test]
fn both_snapshots_are_read_without_a_mistake() {
    for (name, hash, known) in [
        (APRIL, "73865ec2a265cdaa44e8a7b918076422018428b18bda8d88256263c4ed0f2fd1", "OSWorld of 2026-04-29"),
        (LATER, "1b87c10bba3a463ad7cbbd94b4792aa30113968a639cdcec306eacd35a4606ea", "OSWorld at 315a760"),
    ] {
        let Some(path) = shared::data(name) else { continue };
        let set = TaskSet::load(&path).unwrap();
        assert_eq!(set.defects, []);
        assert_eq!(set.hash(), hash);
        assert_eq!(set.known_name(), Some(known));
        expect![[r#"
            chrome                 46   45    3
            gimp                   26   15   10
            libreoffice_calc       47   46    1
            libreoffice_impress    47   45    0
            libreoffice_writer     23   22    1
            multi_apps            101   71    1
            os                     24   24    5
            thunderbird            15   15    1
            vlc                    17   13    2
            vs_code                23   23    5
            all                   369  319   29
        "#]]
        .assert_eq(&counts(&set));
    }
}

#[test]
fn the_two_differ_in_eight_tasks() {
    let (Some(april), Some(later)) = (shared::data(APRIL), shared::data(LATER)) else { return };
    let (april, later) = (TaskSet::load(&april).unwrap(), TaskSet::load(&later).unwrap());
    let differ: Vec<&str> = april
        .tasks
        .iter()
        .zip(&later.tasks)
        .filter(|(a, b)| a.digest != b.digest)
        .map(|(a, _)| a.id.as_str())
        .collect();
    assert_eq!(april.tasks.len(), later.tasks.len());
    expect![[r#"
        7f52cab9-535c-4835-ac8c-391ee64dc930
        9f935cce-0a9f-435f-8007-817732bfc0a5
        a96b564e-dbe9-42c3-9ccf-b4498073438a
        b7895e80-f4d1-4648-bee0-4eb45a6f1fa8
        f3b19d1e-2d48-44e9-b4e1-defcae1a0197
        d68204bf-11c1-4b13-b48b-d303c73d4bf6
        f201fbc3-44e6-46fc-bcaa-432f9815454c
        5e2d93d8-8ad0-4435-b150-1692aacaa994"#]]
    .assert_eq(&differ.join("\n"));
}

#[test]
fn lists_of_ids_name_tasks_that_are_there() {
    let Some(path) = shared::data(LATER) else { return };
    let set = TaskSet::load(&path).unwrap();
    for (name, count) in
        [("osworld-315a760/osworld-offline-295.json", 295), ("osworld-315a760/osworld-sample-50.json", 50)]
    {
        let Some(list) = shared::data(name) else { continue };
        let ids = read_id_list(&std::fs::read_to_string(list).unwrap()).unwrap();
        let selection = TaskSelection { ids, ..TaskSelection::default() };
        assert_eq!(set.select(&selection).unwrap().len(), count, "{name}");
    }
    let selection = TaskSelection { domains: vec!["vlc".to_owned()], ..TaskSelection::default() };
    assert_eq!(set.select(&selection).unwrap().len(), 17);
}

#[test]
fn repairs_change_what_they_name_and_the_hash() {
    let (Some(path), Some(repairs)) = (shared::data(LATER), shared::data("osworld-315a760/osworld-repairs-17.json"))
    else {
        return;
    };
    let repairs = read_repairs(&std::fs::read_to_string(repairs).unwrap()).unwrap();
    assert_eq!(repairs.len(), 17);
    let untouched = TaskSet::load(&path).unwrap();
    let mut set = TaskSet::load(&path).unwrap();
    set.repair(&repairs).unwrap();
    let changed = set.tasks.iter().zip(&untouched.tasks).filter(|(a, b)| a.digest != b.digest).count();
    assert_eq!((changed, set.repaired.len()), (17, 17));
    assert_ne!(set.hash(), untouched.hash());
    assert_eq!(set.known_name(), None);
}
