//! A run in which the model says one thing, and then that it is done.

use std::time::Duration;

use tapwright_agent::apis::NoApis;
use tapwright_agent::clock::Timer;
use tapwright_agent::drive::{Ports, drive};
use tapwright_agent::episode::Setting;
use tapwright_agent::guard::Touch;
use tapwright_agent::journal::{Journal, Record};
use tapwright_agent::person::Person;
use tapwright_agent::policy::Policy;
use tapwright_agent::secrets::Secrets;
use tapwright_agent::stop::stop;
use tapwright_contract::device::Driver;
use tapwright_models::scripted::{AtEnd, Scripted};
use tapwright_tasks::profile::Profiles;
use tapwright_tasks::settings::default_limits;

/// Makes the run, by the rules of an edition, and reads its record back. It follows from its own events.
pub async fn recorded_run(
    driver: &mut dyn Driver,
    person: &mut dyn Person,
    policy: Policy,
    edition: u32,
    says: &str,
) -> Record {
    let replies =
        [says, r#"finish(message="ok")"#].map(|call| format!("<think>.</think><answer>{call}</answer>")).into();
    let setting = Setting {
        goal: "Try it".to_owned(),
        date: "2026-11-27".to_owned(),
        profile: Profiles::of_scripts().agent,
        limits: default_limits(),
        policy,
        touch: Touch { long_press: Duration::from_secs(1), swipe: Duration::from_millis(300) },
        edition,
        abilities: None,
        apis: Vec::new(),
    };
    let runs = tempfile::tempdir().unwrap();
    let mut journal = Journal::create(runs.path(), "one").unwrap();
    let (_stopper, stop) = stop();
    let ports = Ports {
        driver,
        model: &mut Scripted::new("script", replies, AtEnd::Break),
        person,
        apis: &mut NoApis,
        secrets: &Secrets::default(),
        journal: &mut journal,
        clock: &Timer::start(),
        stop,
        watch: &mut |_| (),
    };
    drive(setting, 0, ports).await.unwrap();
    drop(journal);
    let record = Record::read(&runs.path().join("one")).unwrap();
    record.replay(|_, _| ()).unwrap();
    record
}
