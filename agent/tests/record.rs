//! Runs on a real folder: what is written, what is read back, and how a run is stopped.

mod common;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use common::{reply, screen, setting, toys};
use expect_test::expect;
use tapwright_agent::apis::NoApis;
use tapwright_agent::clock::{Clock, Timer};
use tapwright_agent::drive::{DriveError, Ports, drive};
use tapwright_agent::episode::Setting;
use tapwright_agent::event::{Effect, Event};
use tapwright_agent::journal::{
    Entry, EventLine, Folder, Journal, JournalError, Line, Record, RecordError, ReplayError, Store, VERSION,
};
use tapwright_agent::outcome::{End, Outcome};
use tapwright_agent::person::Nobody;
use tapwright_agent::secrets::Secrets;
use tapwright_agent::stop::{Stop, stop};
use tapwright_contract::device::Driver;
use tapwright_contract::gesture::Abilities;
use tapwright_contract::model::{Model, ModelError, Prompt, Reply};

/// Shows another screen after each gesture, and counts them.
fn phone(gestures: &Arc<AtomicU32>) -> impl Driver + 'static {
    let (shown, touched) = (gestures.clone(), gestures.clone());
    toys::device(
        move |_| screen("Settings", shown.load(Ordering::SeqCst), 0),
        move |_, _| {
            touched.fetch_add(1, Ordering::SeqCst);
            Ok(())
        },
    )
}

/// Says one thing after the other, and then nothing, for ever.
struct Script(Vec<&'static str>, Arc<AtomicBool>);

struct SetOnDrop(Arc<AtomicBool>);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[async_trait]
impl Model for Script {
    fn name(&self) -> &str {
        "script"
    }

    async fn reply(&mut self, _prompt: &Prompt, _within: Duration) -> Result<Reply, ModelError> {
        if self.0.is_empty() {
            let _dropped = SetOnDrop(self.1.clone());
            std::future::pending::<()>().await;
        }
        Ok(reply(self.0.remove(0)))
    }
}

/// Time that stands still, so that what is written is always the same.
struct NoTime;

#[async_trait]
impl Clock for NoTime {
    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    async fn sleep(&self, _time: Duration) {
        std::future::pending().await
    }
}

const GOOD: [&str; 3] = [
    r#"<think>Off.</think><answer>do(action="Tap", element=[500,500])"#,
    r#"<think>It is 20 °C.</think><answer>do(action="Note", message="True")"#,
    r#"<think>On.</think><answer>finish(message="It is on.")"#,
];

/// Stops the run at the first line that contains a text, and counts the gestures that are made.
fn gestures_if_stopped_at(text: &str) -> (u32, End) {
    let mut journal = Journal::over("one", Box::new(common::disk::Memory::default()));
    let (stopper, stop) = stop();
    let gestures = Arc::default();
    let mut phone = phone(&gestures);
    let mut watch = |entry: &Entry| {
        if serde_json::to_string(entry).unwrap().contains(text) {
            stopper.stop();
        }
    };
    let ports = Ports {
        driver: &mut phone,
        model: &mut Script(GOOD.to_vec(), Arc::default()),
        person: &mut Nobody,
        apis: &mut NoApis,
        secrets: &Secrets::default(),
        journal: &mut journal,
        clock: &NoTime,
        stop,
        watch: &mut watch,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let end = runtime.block_on(drive(setting(), 0, ports)).unwrap();
    (gestures.load(Ordering::SeqCst), end)
}

async fn run(journal: &mut Journal, clock: &dyn Clock, model: &mut Script, stop: Stop) -> Result<End, DriveError> {
    let ports = Ports {
        driver: &mut phone(&Arc::default()),
        model,
        person: &mut Nobody,
        apis: &mut NoApis,
        secrets: &Secrets::default(),
        journal,
        clock,
        stop,
        watch: &mut |_| (),
    };
    drive(setting(), 1_735_776_000_000, ports).await
}

fn good_run(runs: &Path, name: &str) -> Record {
    let mut journal = Journal::create(runs, name).unwrap();
    let mut model = Script(GOOD.to_vec(), Arc::default());
    let (_stopper, stop) = stop();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(run(&mut journal, &NoTime, &mut model, stop)).unwrap();
    Record::read(&runs.join(name)).unwrap()
}

#[test]
fn the_format_is_a_promise() {
    let runs = tempfile::tempdir().unwrap();
    good_run(runs.path(), "one");
    expect![[r#"
        {"version":7,"seq":0,"ms":0,"run":{"run":"one","device":"phone","model":"script","started":1735776000000,"goal":"Turn Wi-Fi on","date":"2025-01-02","profile":{"dialect":"autoglm","history":1,"reply":"clean","remarks":true,"tokens_max":300},"limits":{"steps_max":20,"strikes_max":3,"refusals_max":3,"asks_max":5,"retries_max":2,"backoff_ms":1000,"backoff_max_ms":3000,"looks_max":3,"look_pause_ms":1000,"timeouts_max":3,"repeats_remark":3,"repeats_max":5,"repeats_window":10,"unmoved_max":6,"waits_remark":3,"waits_max":5,"rounds_remark":8,"rounds_max":12,"loops_remark":4,"loops_max":8,"look_ms":3000,"think_ms":60000,"act_ms":5000,"ask_ms":600000,"grace_ms":1000,"wait_max_ms":10000,"reply_bytes":10000,"remark_bytes":300,"result_bytes":600,"notes_bytes":1000,"note_bytes":400,"text_bytes":1000,"labels_max":2000,"label_bytes":8192,"page_bytes":524288},"policy":{"apps_forbidden":["My Bank"],"warning":"ask","without_labels":"allow","api_effects":{"reads":"allow","changes":"allow","leaves_the_device":"allow","irreversible":"allow"}},"touch":{"long_press_ms":1000,"swipe_ms":400},"edition":9,"abilities":{"touch":true,"drag":true,"pointer":false,"scroll":false,"replace":true,"insert":false,"navigation":true,"chords":false,"launch":true,"windows":false,"labels":true}}}
        {"seq":1,"ms":0,"event":"began"}
        {"seq":2,"ms":0,"effect":"look"}
        {"seq":3,"ms":0,"event":{"saw":{"picture":"71d6406abeefd6c1fbf042d389463e0d906ccc2f2d221b789f8864efc644169a","size":{"width":20,"height":40},"front":{"id":"com.example.settings","label":"Settings"}}}}
        {"seq":4,"ms":0,"effect":{"think":{"turns":1,"bytes":42,"sha256":"9484d44d605603144c1eb6d212066d232463e1d564b7db61740b7a3e23d607fd"}}}
        {"seq":5,"ms":0,"event":{"heard":{"text":"<think>Off.</think><answer>do(action=\"Tap\", element=[500,500])","tokens_in":100,"tokens_out":10,"cut":false}}}
        {"seq":6,"ms":0,"decided":{"step":1,"thought":"Off.","action":"do(action=\"Tap\", element=[500,500])"}}
        {"seq":7,"ms":0,"effect":{"act":{"gesture":{"tap":{"at":{"x":10,"y":20,"of":{"width":20,"height":40}}}}}}}
        {"seq":8,"ms":0,"event":{"acted":"done"}}
        {"seq":9,"ms":0,"step":{"step":1,"thought":"Off.","action":"do(action=\"Tap\", element=[500,500])","result":"done","summary":"done","look_ms":0,"think_ms":0,"ask_ms":0,"act_ms":0,"tokens_in":100,"tokens_out":10}}
        {"seq":10,"ms":0,"effect":"look"}
        {"seq":11,"ms":0,"event":{"saw":{"picture":"bf12f109bcf0b0485f6ac1aadbf266bac1f89809e38e4ae7b0b049be87e94543","size":{"width":20,"height":40},"front":{"id":"com.example.settings","label":"Settings"}}}}
        {"seq":12,"ms":0,"effect":{"think":{"turns":3,"bytes":159,"sha256":"2bab6d63a43cfe84d498b4fc458ed4fa0e7b9777744f79401e5484e021651207"}}}
        {"seq":13,"ms":0,"event":{"heard":{"text":"<think>It is 20 °C.</think><answer>do(action=\"Note\", message=\"True\")","tokens_in":100,"tokens_out":10,"cut":false}}}
        {"seq":14,"ms":0,"decided":{"step":2,"thought":"It is 20 °C.","action":"do(action=\"Note\", message=\"True\")"}}
        {"seq":15,"ms":0,"effect":"read"}
        {"seq":16,"ms":0,"event":{"read":null}}
        {"seq":17,"ms":0,"step":{"step":2,"thought":"It is 20 °C.","action":"do(action=\"Note\", message=\"True\")","result":"noted","summary":"noted","look_ms":0,"think_ms":0,"ask_ms":0,"act_ms":0,"tokens_in":100,"tokens_out":10}}
        {"seq":18,"ms":0,"effect":"look"}
        {"seq":19,"ms":0,"event":{"saw":{"picture":"bf12f109bcf0b0485f6ac1aadbf266bac1f89809e38e4ae7b0b049be87e94543","size":{"width":20,"height":40},"front":{"id":"com.example.settings","label":"Settings"}}}}
        {"seq":20,"ms":0,"effect":{"think":{"turns":3,"bytes":166,"sha256":"b368fc219ddc3daa106ed08f26e4ee142db5d3404c3b4bb54b39713a36421704"}}}
        {"seq":21,"ms":0,"event":{"heard":{"text":"<think>On.</think><answer>finish(message=\"It is on.\")","tokens_in":100,"tokens_out":10,"cut":false}}}
        {"seq":22,"ms":0,"decided":{"step":3,"thought":"On.","action":"finish(message=\"It is on.\")"}}
        {"seq":23,"ms":0,"step":{"step":3,"thought":"On.","action":"finish(message=\"It is on.\")","result":"finished","summary":"finished","look_ms":0,"think_ms":0,"ask_ms":0,"act_ms":0,"tokens_in":100,"tokens_out":10}}
        {"seq":24,"ms":0,"end":{"outcome":"done","message":"It is on.","steps":3,"notes":["It is 20 °C."]}}
    "#]].assert_eq(&fs::read_to_string(runs.path().join("one/journal.jsonl")).unwrap());
}

#[test]
fn a_record_is_read_and_replayed() {
    let runs = tempfile::tempdir().unwrap();
    let record = good_run(runs.path(), "one");
    assert!(!record.torn);
    assert_eq!(record.facts.run, "one");
    let asked = Setting { abilities: Some(Abilities::PHONE), ..setting() };
    assert_eq!(record.facts.setting, asked);
    let end = record.end().unwrap();
    assert_eq!(end.outcome, Outcome::Done { message: "It is on.".to_owned() });
    assert_eq!(end.notes, ["It is 20 °C."]);
    let mut prompts = 0;
    let mut seen = Vec::new();
    record
        .replay(|effect, event| {
            prompts += usize::from(matches!(effect, Some(Effect::Think(_))));
            if let Event::Saw(screen) = event {
                seen.push(screen.clone());
            }
        })
        .unwrap();
    assert_eq!(prompts, 3);
    assert_eq!(seen, [screen("Settings", 0, 0), screen("Settings", 1, 0), screen("Settings", 1, 0)]);
    // Two screens, two files, each named by what `sha256sum` says.
    assert_eq!(fs::read_dir(runs.path().join("one/pictures")).unwrap().count(), 2);
}

/// One journal of each version is kept, and stays readable.
#[test]
fn journals_of_old_versions_are_read() {
    let journals = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/journals");
    let mut versions = 0;
    for version in 1..=VERSION {
        let record = Record::read(&journals.join(version.to_string())).unwrap();
        let first = fs::read_to_string(journals.join(format!("{version}/journal.jsonl"))).unwrap();
        assert!(first.starts_with(&format!("{{\"version\":{version},")), "{first}");
        assert!(!record.torn);
        assert_eq!(record.end().unwrap().outcome.id(), "done");
        record.replay(|_, _| ()).unwrap_or_else(|error| panic!("version {version}: {error}"));
        versions += 1;
    }
    assert_eq!(versions, VERSION);
}

/// Somebody else's journal can name anything: what is no digest is not even opened.
#[test]
fn a_picture_is_named_by_a_digest_and_by_nothing_else() {
    let runs = tempfile::tempdir().unwrap();
    let record = good_run(runs.path(), "one");
    fs::write(runs.path().join("outside.png"), "no picture").unwrap();
    let digest = |entry: &Entry| match &entry.line {
        Line::Event(EventLine::Saw { picture, .. }) => Some(picture.clone()),
        _ => None,
    };
    let digest = record.entries.iter().find_map(digest).unwrap();
    assert!(record.picture_bytes(&digest).is_ok());
    let long = format!("{}/../{digest}", "a".repeat(60));
    let kind = |name: &str| record.picture_bytes(name).unwrap_err().kind();
    for name in ["../../outside", "", "/etc/passwd", &digest[1..], &format!("{digest}0"), &long] {
        assert_eq!(kind(name), std::io::ErrorKind::InvalidInput, "{name}");
    }
    assert_eq!(kind(&digest.replace(|c: char| c.is_ascii_digit(), "a")), std::io::ErrorKind::NotFound);
    fs::copy(runs.path().join("outside.png"), record.picture_file(&digest)).unwrap();
    assert_eq!(kind(&digest), std::io::ErrorKind::InvalidData, "it is another picture by now");
}

/// In a record that somebody sent, a link under the name of a picture is none, also if what it leads to is as long as that.
#[cfg(unix)]
#[test]
fn a_picture_is_written_in_the_place_of_a_link() {
    let (runs, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let own = home.path().join("own");
    for kept in ["0123", "longer than it"] {
        fs::write(&own, kept).unwrap();
        let mut folder = Folder::create(runs.path(), &format!("one-{}", kept.len())).unwrap();
        let at = runs.path().join(format!("one-{}/pictures/digest.png", kept.len()));
        std::os::unix::fs::symlink(&own, &at).unwrap();
        folder.picture("digest", b"4567").unwrap();
        folder.sync().unwrap();
        assert!(fs::symlink_metadata(&at).unwrap().is_file(), "{kept}");
        assert_eq!((fs::read(&at).unwrap(), fs::read_to_string(&own).unwrap()), (b"4567".to_vec(), kept.to_owned()));
    }
}

#[test]
fn a_run_has_its_folder_to_itself() {
    let runs = tempfile::tempdir().unwrap();
    Journal::create(runs.path(), "one").unwrap();
    assert!(matches!(Journal::create(runs.path(), "one"), Err(JournalError::Exists { .. })));
    for name in ["", "..", ".x", "a/b", "a\\b", "a b", &"a".repeat(101)] {
        assert!(matches!(Journal::create(runs.path(), name), Err(JournalError::Name { .. })), "{name}");
    }
    let file = runs.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(matches!(Journal::create(&file, "one"), Err(JournalError::Unwritable { .. })));
}

#[test]
fn nothing_is_written_after_a_torn_line() {
    let memory = common::disk::Memory::default();
    memory.disk().fails_at = Some(1);
    let mut journal = Journal::over("one", Box::new(memory.clone()));
    journal.write(0, Line::Event(EventLine::Began)).unwrap();
    assert_eq!(journal.write(0, Line::Event(EventLine::Rested)).unwrap_err().kind(), std::io::ErrorKind::StorageFull);
    let torn = memory.disk().lines.clone();
    memory.disk().fails_at = None;
    // The store itself would panic here.
    assert!(journal.write(0, Line::Event(EventLine::Rested)).is_err());
    assert!(journal.sync().is_err());
    assert_eq!(memory.disk().lines, torn);
}

#[test]
fn a_torn_line_is_left_out_wherever_it_is_torn() {
    let runs = tempfile::tempdir().unwrap();
    let whole = good_run(runs.path(), "one");
    let at = runs.path().join("one/journal.jsonl");
    let bytes = fs::read(&at).unwrap();
    let first = bytes.iter().position(|byte| *byte == b'\n').unwrap();
    let near_an_end = |at: usize| bytes[at.saturating_sub(2)..(at + 2).min(bytes.len())].contains(&b'\n');
    for length in (0..bytes.len()).filter(|at| at % 11 == 0 || near_an_end(*at)) {
        fs::write(&at, &bytes[..length]).unwrap();
        match Record::read(&runs.path().join("one")) {
            Ok(record) => {
                assert!(length > first);
                let lines = bytes[..length].iter().filter(|byte| **byte == b'\n').count();
                assert_eq!(record.entries, whole.entries[..lines]);
                assert_eq!(record.torn, bytes[length - 1] != b'\n');
                record.replay(|_, _| ()).unwrap();
            }
            Err(error) => assert!(length <= first && matches!(error, RecordError::NoJournal { .. }), "{error}"),
        }
    }
    // A file system that had lost power can leave zeros.
    let end = bytes[..bytes.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    let mut zeros = bytes.clone();
    zeros[end..bytes.len() - 1].fill(0);
    fs::write(&at, &zeros).unwrap();
    let record = Record::read(&runs.path().join("one")).unwrap();
    assert!(record.torn && record.end().is_none());
}

#[test]
fn what_was_changed_is_noticed() {
    let runs = tempfile::tempdir().unwrap();
    let folder = runs.path().join("one");
    good_run(runs.path(), "one");
    let at = folder.join("journal.jsonl");
    let text = fs::read_to_string(&at).unwrap();
    let read = |text: String| {
        fs::write(&at, text).unwrap();
        Record::read(&folder)
    };
    let removed = text.replacen("{\"seq\":2,", "{\"seq\":3,", 1);
    assert!(matches!(read(removed), Err(RecordError::Broken { line: 3, .. })));
    let broken = text.replacen("{\"seq\":2,", "\"seq\":2,", 1);
    assert!(matches!(read(broken), Err(RecordError::Broken { line: 3, .. })));
    let newer = text.replacen(&format!("\"version\":{VERSION}"), "\"version\":999", 1);
    assert!(matches!(read(newer), Err(RecordError::Version { version: 999, .. })));
    assert!(matches!(Record::read(&runs.path().join("two")), Err(RecordError::Unreadable { .. })));

    let other_gesture = text.replacen("\"x\":10", "\"x\":11", 1);
    assert!(matches!(read(other_gesture).unwrap().replay(|_, _| ()), Err(ReplayError::Differs { .. })));
    let other_reply = text.replace("[500,500])\"", "[600,500])\"");
    assert!(matches!(read(other_reply).unwrap().replay(|_, _| ()), Err(ReplayError::Differs { .. })));

    let record = read(text).unwrap();
    let digest = record.entries.iter().find_map(|entry| match &entry.line {
        Line::Event(EventLine::Saw { picture, .. }) => Some(picture.clone()),
        _ => None,
    });
    let digest = digest.unwrap();
    assert!(record.picture(&digest).is_ok());
    assert!(record.picture("../../../etc/passwd").is_err());
    let mut png = fs::read(record.picture_file(&digest)).unwrap();
    *png.last_mut().unwrap() ^= 1;
    fs::write(record.picture_file(&digest), png).unwrap();
    assert!(record.picture(&digest).is_err());
    assert!(matches!(record.replay(|_, _| ()), Err(ReplayError::Picture { .. })));
}

#[test]
fn a_hanging_reply_is_dropped_at_once_when_somebody_stops() {
    let runs = tempfile::tempdir().unwrap();
    let mut journal = Journal::create(runs.path(), "one").unwrap();
    let dropped = Arc::new(AtomicBool::new(false));
    let mut model = Script(GOOD[..1].to_vec(), dropped.clone());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let end = runtime.block_on(async {
        let (stopper, stop) = stop();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(5)).await;
            stopper.stop();
            std::future::pending::<()>().await;
        });
        let clock = Timer::start();
        let end = run(&mut journal, &clock, &mut model, stop).await.unwrap();
        assert_eq!(clock.elapsed(), Duration::from_secs(5));
        end
    });
    assert_eq!((end.outcome, end.steps), (Outcome::Stopped, 1));
    assert!(dropped.load(Ordering::SeqCst));
}

#[test]
fn nothing_is_begun_once_somebody_has_stopped() {
    for line in ["\"heard\"", "\"decided\"", "\"act\""] {
        let (gestures, end) = gestures_if_stopped_at(line);
        assert_eq!((gestures, end.outcome), (0, Outcome::Stopped), "{line}");
    }
    assert_eq!(gestures_if_stopped_at("\"acted\"").0, 1);
}

#[test]
fn a_model_that_hangs_is_a_model_that_failed() {
    let runs = tempfile::tempdir().unwrap();
    let mut journal = Journal::create(runs.path(), "one").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let end = runtime.block_on(async {
        let (_stopper, stop) = stop();
        run(&mut journal, &Timer::start(), &mut Script(Vec::new(), Arc::default()), stop).await.unwrap()
    });
    assert_eq!(end.outcome.id(), "model-failed");
}

#[test]
fn a_folder_that_cannot_be_written_stops_the_run_before_it_begins() {
    let runs = tempfile::tempdir().unwrap();
    let mut journal = Journal::create(runs.path(), "one").unwrap();
    fs::remove_dir_all(runs.path().join("one/pictures")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (_stopper, stop) = stop();
    let result = runtime.block_on(run(&mut journal, &NoTime, &mut Script(GOOD.to_vec(), Arc::default()), stop));
    let DriveError::Journal { run, reached, source } = result.unwrap_err();
    assert_eq!((run.as_str(), reached), ("one", None));
    assert_eq!(source.kind(), std::io::ErrorKind::NotFound);
    let record = Record::read(&runs.path().join("one")).unwrap();
    assert!(record.entries.iter().all(|entry| !matches!(entry.line, Line::Event(EventLine::Heard(_)))));
}

/// A run can be moved to another thread.
#[test]
fn a_run_is_a_task() {
    fn is_send<T: Send>(_: &T) {}
    let mut journal = Journal::over("one", Box::new(common::disk::Memory::default()));
    let mut model = Script(Vec::new(), Arc::default());
    let (_stopper, stop) = stop();
    is_send(&run(&mut journal, &NoTime, &mut model, stop));
}

/// A disk that writes nothing until somebody else has had a turn.
struct SlowDisk(std::sync::mpsc::Receiver<()>);

impl SlowDisk {
    fn wait(&self) -> std::io::Result<()> {
        self.0.recv_timeout(Duration::from_secs(10)).map_err(std::io::Error::other)
    }
}

impl Store for SlowDisk {
    fn append(&mut self, _line: &[u8]) -> std::io::Result<()> {
        self.wait()
    }

    fn picture(&mut self, _digest: &str, _png: &[u8]) -> std::io::Result<()> {
        self.wait()
    }

    fn sync(&mut self) -> std::io::Result<()> {
        self.wait()
    }
}

#[test]
fn a_slow_disk_holds_up_its_own_run_and_no_other() {
    let (turn, turns) = std::sync::mpsc::channel();
    let mut journal = Journal::over("slow", Box::new(SlowDisk(turns)));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    // On the one thread that there is.
    runtime.block_on(async {
        let other = || async { turn.send(()).unwrap() };
        let (written, ()) = tokio::join!(journal.append(0, Line::Event(EventLine::Began)), other());
        written.unwrap();
        let picture = screen("a", 1, 0).picture;
        let (kept, ()) = tokio::join!(journal.add_picture(&picture), other());
        kept.unwrap();
        let (synced, ()) = tokio::join!(journal.flush(), other());
        synced.unwrap();
    });
}
