//! The rules on vectors of our own, and the stages on a set that was drawn.

use std::fs;
use std::time::Duration;

use async_trait::async_trait;
use tapwright_agent::limits::Limits;
use tapwright_agent::stop::stop;
use tapwright_contract::model::{Model, ModelError, ModelErrorKind, Part, Prompt, Reply};
use tapwright_models::scripted::Scripted;

use super::draw::draw;
use super::import::{BoxForm, ImportOptions, import};
use super::infer::{ANSWERS, InferError, InferReport, InferRules, OfflineAnswer, infer};
use super::judge::{AnswerStatus, judge, judged_record, read_judged};
use super::metric::{metric, read_metric};
use super::rules::{Direction, RuleSet, StepAction, compare, is_in_box, is_in_polygon};
use super::*;
use crate::model::LoadedModel;
use crate::profile::Profiles;
use crate::settings::default_limits;

#[test]
fn places_lie_inside_and_on_edges() {
    for (spot, is_in) in [([10.0, 20.0], true), ([30.0, 40.0], true), ([30.1, 40.0], false), ([9.9, 20.0], false)] {
        assert_eq!(is_in_box(spot, [10.0, 20.0, 30.0, 40.0]), is_in, "{spot:?}");
    }
    // An L: the notch at its upper right is outside.
    let corners = [[0.0, 0.0], [5.0, 0.0], [5.0, 5.0], [10.0, 5.0], [10.0, 10.0], [0.0, 10.0]];
    for (spot, is_in) in
        [([2.0, 2.0], true), ([8.0, 8.0], true), ([8.0, 2.0], false), ([11.0, 8.0], false), ([2.0, 9.9], true)]
    {
        assert_eq!(is_in_polygon(spot, &corners), is_in, "{spot:?}");
    }
}

#[test]
fn steps_are_compared_by_the_rules_of_their_sets() {
    use RuleSet::{Aitw, AndroidControl, GuiOdyssey};
    let size = [1000.0, 1000.0];
    let click = |x: f64, y: f64| StepAction::Click { x, y };
    let scroll = |direction| StepAction::Scroll { direction, from: None, to: None };
    let swipe = |from: [f64; 2], to: [f64; 2]| StepAction::Scroll {
        direction: Direction::of_finger(from, to),
        from: Some(from),
        to: Some(to),
    };
    let text = |text: &str| StepAction::Type { text: text.to_owned() };
    let app = |app: &str| StepAction::OpenApp { app: app.to_owned() };
    // A wide box, whose far end is further than 0.14 from where somebody has touched it.
    let wide = [[100.0, 100.0, 600.0, 150.0]];
    let corner = [[0.0, 0.0, 100.0, 40.0]];
    for (rules, right, boxes, done, is_same_type, is_right) in [
        (AndroidControl, click(120.0, 120.0), &wide[..], click(590.0, 140.0), true, true),
        (GuiOdyssey, click(120.0, 120.0), &wide[..], click(590.0, 140.0), true, true),
        (GuiOdyssey, click(120.0, 120.0), &wide[..], click(610.0, 140.0), true, false),
        (Aitw, click(120.0, 120.0), &wide[..], click(940.0, 180.0), true, true),
        (AndroidControl, click(120.0, 120.0), &wide[..], click(940.0, 180.0), true, false),
        (Aitw, click(120.0, 120.0), &wide[..], click(960.0, 180.0), true, true),
        (Aitw, click(120.0, 120.0), &wide[..], click(940.0, 190.0), true, false),
        (GuiOdyssey, click(500.0, 500.0), &[], click(600.0, 595.0), true, true),
        (GuiOdyssey, click(500.0, 500.0), &[], click(600.0, 600.0), true, false),
        (AndroidControl, click(500.0, 500.0), &[], StepAction::LongPress { x: 500.0, y: 500.0 }, false, false),
        (AndroidControl, scroll(Direction::Down), &[], scroll(Direction::Down), true, true),
        (AndroidControl, scroll(Direction::Down), &[], scroll(Direction::Up), true, false),
        // A finger that goes up shows what lies below.
        (AndroidControl, scroll(Direction::Down), &[], swipe([500.0, 800.0], [500.0, 200.0]), true, true),
        (Aitw, scroll(Direction::Down), &[], scroll(Direction::Up), true, true),
        (Aitw, scroll(Direction::Down), &[], scroll(Direction::Left), true, false),
        // A finger that hardly moves touches, in Android in the Wild.
        (Aitw, click(500.0, 500.0), &[], swipe([500.0, 500.0], [530.0, 510.0]), true, true),
        (Aitw, click(500.0, 500.0), &[], swipe([500.0, 500.0], [550.0, 500.0]), false, false),
        // However long it stays.
        (Aitw, click(500.0, 500.0), &[], StepAction::LongPress { x: 510.0, y: 500.0 }, true, true),
        // A box that would begin off the screen begins at its edge, as large as the others: up to 240 here.
        (Aitw, click(20.0, 20.0), &corner[..], click(235.0, 20.0), true, true),
        (Aitw, click(20.0, 20.0), &corner[..], click(245.0, 20.0), true, false),
        (AndroidControl, click(500.0, 500.0), &[], swipe([500.0, 500.0], [530.0, 510.0]), false, false),
        (AndroidControl, text("Call mum today"), &[], text("call mum  today"), true, true),
        (AndroidControl, text("call mum today"), &[], text("call mum now"), true, true),
        (AndroidControl, text("call mum today"), &[], text("write mum now"), true, false),
        (Aitw, text("call"), &[], text("write"), true, true),
        // Half of the letters, or one in the other; nothing lies in every text and is none.
        (GuiOdyssey, text("call mum"), &[], text("all mum now"), true, true),
        (GuiOdyssey, text("abcd"), &[], text("abxy"), true, true),
        (GuiOdyssey, text("abcd"), &[], text("axyz"), true, false),
        (GuiOdyssey, text("call mum today"), &[], text("mum"), true, true),
        (GuiOdyssey, text("call mum"), &[], text(" "), true, false),
        (GuiOdyssey, StepAction::Recents, &[], StepAction::Recents, true, true),
        (AndroidControl, app("Clock "), &[], app("clock"), true, true),
        (AndroidControl, app("Clock"), &[], app("Calendar"), true, false),
        (GuiOdyssey, StepAction::Back, &[], StepAction::Back, true, true),
        (GuiOdyssey, StepAction::Complete, &[], StepAction::Impossible, false, false),
    ] {
        let found = compare(rules, &right, boxes, &done, size);
        assert_eq!((found.is_same_type, found.is_right), (is_same_type, is_right), "{rules:?} {right:?} {done:?}");
    }
}

fn record(id: &str, target: Target) -> OfflineRecord {
    let (image, question) = (PathBuf::from("a.png"), "Tap it".to_owned());
    OfflineRecord { id: id.to_owned(), image, question, target, kind: None, group: None, episode: None }
}

#[test]
fn what_is_no_place_is_no_format_and_a_refusal_is_right_where_nothing_is_meant() {
    let answer = |action: Option<StepAction>, refuses: bool| OfflineAnswer {
        id: "a".to_owned(),
        asked: String::new(),
        reply: String::new(),
        action,
        refuses,
        size: [100, 100],
        ms: 0,
    };
    let place = || Some(StepAction::Click { x: 15.0, y: 15.0 });
    let area = || Target::Box([10.0, 10.0, 20.0, 20.0]);
    for (target, answer, status) in [
        (area(), Some(answer(place(), false)), AnswerStatus::Right),
        (Target::Box([1.0, 1.0, 2.0, 2.0]), Some(answer(place(), false)), AnswerStatus::Wrong),
        (area(), Some(answer(Some(StepAction::Back), false)), AnswerStatus::WrongFormat),
        (area(), Some(answer(None, false)), AnswerStatus::WrongFormat),
        (area(), Some(answer(Some(StepAction::Impossible), true)), AnswerStatus::Wrong),
        (area(), None, AnswerStatus::Missing),
        (Target::Refusal, Some(answer(Some(StepAction::Impossible), true)), AnswerStatus::Right),
        (Target::Refusal, Some(answer(place(), false)), AnswerStatus::Wrong),
    ] {
        assert_eq!(
            judged_record(&record("a", target.clone()), answer.as_ref()).status,
            status,
            "{target:?} {answer:?}"
        );
    }
}

/// Knows what is right of one record after the other: the middle of its box, and for one in three a place beside it.
struct Knowing {
    records: Vec<OfflineRecord>,
    sizes: Vec<(u32, u32)>,
    next: usize,
    /// From there on it is away.
    away_at: usize,
}

#[async_trait]
impl Model for Knowing {
    fn name(&self) -> &str {
        "knowing"
    }

    async fn reply(&mut self, _prompt: &Prompt, _within: Duration) -> Result<Reply, ModelError> {
        let at = self.next;
        if at == self.away_at {
            let kind = ModelErrorKind::Fatal { why: "it is away".to_owned() };
            return Err(ModelError { model: "knowing".to_owned(), kind });
        }
        self.next += 1;
        let Target::Box([left, top, right, bottom]) = self.records[at].target else { panic!("a box") };
        let (width, height) = self.sizes[at];
        let grid = |middle: f64, side: u32| (middle * 1000.0 / f64::from(side)).round();
        let (mut x, y) = (grid((left + right) / 2.0, width), grid((top + bottom) / 2.0, height));
        if at % 3 == 2 {
            // Nothing is so wide that it reaches to either edge and has its middle on one side.
            x = if x < 500.0 { 999.0 } else { 0.0 };
        }
        let text = format!("<think>.</think><answer>do(action=\"Tap\", element=[{x},{y}])</answer>");
        Ok(Reply { text, tokens_in: 0, tokens_out: 0, cut: false })
    }
}

fn model(records: &[OfflineRecord], set: &Path, (next, away_at): (usize, usize)) -> LoadedModel {
    let sizes = records.iter().map(|record| image::image_dimensions(set.join(&record.image)).unwrap()).collect();
    LoadedModel {
        model: Box::new(Knowing { records: records.to_vec(), sizes, next, away_at }),
        profiles: Profiles::of_scripts(),
        about: "knowing".to_owned(),
    }
}

#[tokio::test]
async fn a_set_is_drawn_asked_about_judged_and_counted_and_what_broke_off_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (set, again, answers) = (folder.path().join("set"), folder.path().join("again"), folder.path().join("answers"));
    draw(&set, 3, 24, |_| ()).unwrap();
    draw(&again, 3, 24, |_| ()).unwrap();
    let records = read_records(&set).unwrap();
    assert_eq!((records.len(), digest(&records)), (24, digest(&read_records(&again).unwrap())));
    assert_eq!(fs::read(set.join("00007.png")).unwrap(), fs::read(again.join("00007.png")).unwrap());
    let (_stopper, stop) = stop();
    let limits = limits();
    let rules = InferRules { date: "2026-01-01", limits: &limits };
    let away = infer((&set, &records), &answers, &mut model(&records, &set, (0, 5)), rules, &stop, |_| ()).await;
    assert!(matches!(away, Err(InferError::Model { .. })), "{away:?}");
    // A line that was torn is asked about again.
    let text = fs::read_to_string(answers.join(ANSWERS)).unwrap();
    fs::write(answers.join(ANSWERS), format!("{text}{{\"id\":\"0")).unwrap();
    let counts =
        infer((&set, &records), &answers, &mut model(&records, &set, (5, 99)), rules, &stop, |_| ()).await.unwrap();
    assert_eq!((counts.answered_before, counts.asked), (5, records.len() - 5));
    let judged = judge(&records, &answers).unwrap();
    assert_eq!(read_judged(&answers).unwrap(), judged);
    let found = metric(&judged);
    // What reaches over the whole width is touched at its edge too.
    let is_wide = |at: &usize| {
        let Target::Box([left, _, right, _]) = records[*at].target else { panic!("a box") };
        let width = f64::from(image::image_dimensions(set.join(&records[*at].image)).unwrap().0);
        let middle = (left + right) / 2.0 * 1000.0 / width;
        if middle.round() < 500.0 { (0.999 * width).floor() <= right } else { left <= 0.0 }
    };
    let wrong = (0..24).filter(|at| at % 3 == 2 && !is_wide(at)).count();
    assert!(wrong > 0);
    assert_eq!((found.all.records as usize, found.all.right as usize), (24, 24 - wrong));
    assert_eq!(found.groups.values().map(|counts| counts.records).sum::<u32>(), found.all.records);
    // Answers of another model are not mixed with these.
    let mut other = model(&records, &set, (0, 99));
    other.about = "another".to_owned();
    let mixed = infer((&set, &records), &answers, &mut other, rules, &stop, |_| ()).await;
    assert!(matches!(mixed, Err(InferError::OtherModel { .. })));
}

fn limits() -> Limits {
    let think = Duration::from_secs(5);
    Limits { retries_max: 1, backoff: Duration::ZERO, backoff_max: Duration::ZERO, think, ..default_limits() }
}

/// A set of records, each with a picture of its own.
fn set_of(folder: &Path, ids: &[&str]) -> Vec<OfflineRecord> {
    fs::create_dir_all(folder).unwrap();
    let of = |id: &&str| OfflineRecord {
        image: PathBuf::from(format!("{id}.png")),
        question: format!("Touch number {id}!"),
        ..record(id, Target::Box([10.0, 10.0, 20.0, 20.0]))
    };
    let records: Vec<OfflineRecord> = ids.iter().map(of).collect();
    records.iter().for_each(|record| image::RgbImage::new(100, 100).save(folder.join(&record.image)).unwrap());
    write_lines(&folder.join(RECORDS), records.iter()).unwrap();
    records
}

/// Where a model answers rightly.
const RIGHT: &str = "<think>.</think><answer>do(action=\"Tap\", element=[150,150])</answer>";

fn unavailable(retry_after: Option<Duration>) -> ModelErrorKind {
    ModelErrorKind::Unavailable { why: "connection refused".to_owned(), retry_after }
}

fn refused() -> ModelErrorKind {
    ModelErrorKind::InvalidPrompt { why: "too many image tokens".to_owned() }
}

/// Asks a model that is asked for each record by its number; says which ones it was asked about, in their order.
async fn ask(
    (set, records): (&Path, &[OfflineRecord]),
    limits: &Limits,
    mut reply: impl FnMut(&str) -> Result<&'static str, ModelErrorKind> + Send + 'static,
) -> (Result<InferReport, InferError>, Vec<String>) {
    let (tell, told) = std::sync::mpsc::channel();
    let model = Scripted::by("m", move |prompt| {
        let texts = prompt.turns.iter().flat_map(|turn| &turn.parts).filter_map(|part| match part {
            Part::Text(text) => Some(text),
            Part::Picture(_) => None,
        });
        let mut numbers = texts.filter_map(|text| text.split_once("Touch number ")?.1.split_once('!'));
        let (id, _) = numbers.next().expect("a question of these");
        tell.send(id.to_owned()).unwrap();
        reply(id).map(|text| Scripted::reply(prompt, text))
    });
    let mut opened = LoadedModel { model: Box::new(model), profiles: Profiles::of_scripts(), about: "m".to_owned() };
    let (_stopper, stop) = stop();
    let rules = InferRules { date: "2026-01-01", limits };
    let found = infer((set, records), &set.join("answers"), &mut opened, rules, &stop, |_| ()).await;
    drop(opened);
    (found, told.iter().collect())
}

#[tokio::test]
async fn a_record_without_an_answer_is_noted_and_all_others_are_asked_about() {
    use AnswerStatus::{NotAnswered, Right};
    let folder = tempfile::tempdir().unwrap();
    let (set, answers) = (folder.path(), folder.path().join("answers"));
    let records = set_of(set, &["1", "2", "3", "4"]);
    fs::write(set.join("3.png"), "no picture").unwrap();
    let (found, asked) = ask((set, &records), &limits(), |id| if id == "2" { Err(refused()) } else { Ok(RIGHT) }).await;
    let found = found.unwrap();
    assert_eq!((found.asked, found.answered_before, found.unanswered), (2, 0, 2));
    // What is refused is not asked about twice.
    assert_eq!(asked, ["1", "2", "4"]);
    assert!(found.reasons[0].contains("2: ") && found.reasons[0].contains("too many image tokens"), "{found:?}");
    assert!(found.reasons[1].contains("3: 3.png: "), "{found:?}");
    let statuses = || judge(&records, &answers).unwrap().iter().map(|record| record.status).collect::<Vec<_>>();
    assert_eq!(statuses(), [Right, NotAnswered, NotAnswered, Right]);
    let counts = read_metric(&answers).unwrap().all;
    assert_eq!((counts.not_answered, counts.missing, counts.answered(), counts.right), (2, 0, 2, 2));
    assert_eq!((counts.over_all(), counts.over_answered()), (Some(0.5), Some(1.0)));
    // Asked about again by a later call, and only those.
    let (found, asked) = ask((set, &records), &limits(), |_| Ok(RIGHT)).await;
    let found = found.unwrap();
    assert_eq!((found.asked, found.answered_before, found.unanswered), (1, 2, 1));
    assert_eq!(asked, ["2"]);
    // What has come since was not judged, and is not counted in silence.
    let counted = read_metric(&answers).unwrap();
    assert_eq!((counted.unjudged, counted.all.right), (1, 2));
    image::RgbImage::new(100, 100).save(set.join("3.png")).unwrap();
    assert_eq!(ask((set, &records), &limits(), |_| Ok(RIGHT)).await.0.unwrap().asked, 1);
    assert_eq!(statuses(), [Right; 4]);
    assert_eq!(read_metric(&answers).unwrap().unjudged, 0);
}

#[tokio::test]
async fn answers_stay_when_records_come_and_go() {
    use AnswerStatus::{Missing, Right, Wrong};
    let folder = tempfile::tempdir().unwrap();
    let (set, answers) = (folder.path(), folder.path().join("answers"));
    let records = set_of(set, &["1", "2", "3"]);
    ask((set, &records), &limits(), |_| Ok(RIGHT)).await.0.unwrap();
    // One is taken out, one is new, and of one what is right was mended.
    let mut records = set_of(set, &["1", "2", "4"]);
    records[0].target = Target::Box([50.0, 50.0, 60.0, 60.0]);
    let (found, asked) = ask((set, &records), &limits(), |_| Ok(RIGHT)).await;
    assert_eq!((found.unwrap().answered_before, asked), (2, vec!["4".to_owned()]));
    let statuses = |records: &[OfflineRecord]| {
        judge(records, &answers).unwrap().iter().map(|record| record.status).collect::<Vec<_>>()
    };
    assert_eq!(statuses(&records), [Wrong, Right, Right]);
    // Another question is another record.
    records[1].question = "Touch number 2! Twice.".to_owned();
    assert_eq!(statuses(&records), [Wrong, Missing, Right]);
    let others = set_of(set, &["7", "8"]);
    let (found, asked) = ask((set, &others), &limits(), |_| Ok(RIGHT)).await;
    assert!(matches!(found, Err(InferError::OtherRecords { lines: 4 })), "{found:?}");
    assert!(asked.is_empty());
    assert!(judge(&others, &answers).unwrap_err().to_string().contains("other records"));
}

#[tokio::test]
async fn answers_of_before_are_to_their_set_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (set, answers) = (folder.path(), folder.path().join("answers"));
    let records = set_of(set, &["1", "2"]);
    fs::create_dir(&answers).unwrap();
    let about = format!("{{\"model\":\"m\",\"records\":\"{}\"}}\n", digest(&records));
    fs::write(answers.join("offline.json"), about).unwrap();
    let line = "{\"id\":\"1\",\"reply\":\"\",\"action\":{\"type\":\"click\",\"x\":15.0,\"y\":15.0},\"refuses\":false,\
        \"size\":[100,100],\"ms\":1}\n";
    fs::write(answers.join(ANSWERS), line).unwrap();
    assert_eq!(judge(&records, &answers).unwrap()[0].status, AnswerStatus::Right);
    assert!(judge(&records[..1], &answers).unwrap_err().to_string().contains("other records"));
    assert_eq!(ask((set, &records), &limits(), |_| Ok(RIGHT)).await.1, ["2"]);
}

#[tokio::test(start_paused = true)]
async fn a_model_that_is_busy_is_asked_again_after_a_pause_or_when_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let records = set_of(folder.path(), &["1", "2", "3"]);
    let (backoff, backoff_max) = (Duration::from_secs(1), Duration::from_secs(20));
    let patient = Limits { retries_max: 2, backoff, backoff_max, think: Duration::from_secs(60), ..limits() };
    let began = tokio::time::Instant::now();
    let mut asked = 0;
    let reply = move |id: &str| {
        asked += 1;
        match (id, asked) {
            (_, 1) => Err(unavailable(Some(Duration::from_secs(7)))),
            (_, 2) => Err(ModelErrorKind::TimedOut { within: Duration::from_secs(60) }),
            // It is not waited for as long as that.
            ("2", _) => Err(unavailable(Some(Duration::from_secs(3600)))),
            _ => Ok(RIGHT),
        }
    };
    let (found, asked) = ask((folder.path(), &records), &patient, reply).await;
    let found = found.unwrap();
    assert_eq!(asked, ["1", "1", "1", "2", "3"]);
    assert_eq!((found.asked, found.unanswered), (2, 1));
    assert!(found.reasons[0].contains("it asks to be left alone for 3600 s"), "{found:?}");
    // As long as it said, and twice the first pause.
    assert_eq!(began.elapsed().as_secs(), 9);
}

#[tokio::test]
async fn a_model_that_is_gone_ends_it_and_the_next_call_begins_with_what_was_not_asked() {
    let folder = tempfile::tempdir().unwrap();
    let records = set_of(folder.path(), &["1", "2", "3", "4", "5"]);
    let (found, asked) = ask((folder.path(), &records), &limits(), |_| Err(unavailable(None))).await;
    assert!(matches!(&found, Err(InferError::Unanswered { count: 3, id, .. }) if id == "3"), "{found:?}");
    assert_eq!(asked, ["1", "1", "2", "2", "3", "3"]);
    // Those that fail here and there end nothing.
    let (found, asked) = ask((folder.path(), &records), &limits(), |id| match id {
        "4" | "1" | "2" => Err(unavailable(None)),
        _ => Ok(RIGHT),
    })
    .await;
    assert_eq!(asked, ["4", "4", "5", "1", "1", "2", "2", "3"]);
    assert_eq!(found.unwrap().unanswered, 3);
    // One that refuses everything, too, but not as soon.
    let ids: Vec<String> = (100..130).map(|id| id.to_string()).collect();
    let set = folder.path().join("more");
    let more = set_of(&set, &ids.iter().map(String::as_str).collect::<Vec<_>>());
    let (found, asked) = ask((&set, &more), &limits(), |_| Err(refused())).await;
    assert!(matches!(found, Err(InferError::Unanswered { count: 20, .. })), "{found:?}");
    assert_eq!(asked.len(), 20);
}

#[tokio::test]
async fn one_process_at_a_time_writes_answers_or_draws_a_set() {
    let folder = tempfile::tempdir().unwrap();
    let records = set_of(folder.path(), &["1"]);
    fs::create_dir(folder.path().join("answers")).unwrap();
    let held = lock_file(&folder.path().join("answers/lock")).unwrap().unwrap();
    let (found, asked) = ask((folder.path(), &records), &limits(), |_| Ok(RIGHT)).await;
    assert!(matches!(found, Err(InferError::File(OfflineError::Busy { .. }))), "{found:?}");
    assert!(asked.is_empty());
    drop(held);
    ask((folder.path(), &records), &limits(), |_| Ok(RIGHT)).await.0.unwrap();
    let set = folder.path().join("set");
    fs::create_dir(&set).unwrap();
    let held = lock_file(&set.join("draw.part")).unwrap().unwrap();
    assert!(matches!(draw(&set, 1, 1, |_| ()), Err(OfflineError::Busy { .. })));
    drop(held);
    draw(&set, 1, 1, |_| ()).unwrap();
}

#[test]
fn a_set_is_drawn_into_no_folder_that_holds_anything_else() {
    let folder = tempfile::tempdir().unwrap();
    let [set, own, broken] = ["set", "own", "broken"].map(|name| folder.path().join(name));
    fs::create_dir(&set).unwrap();
    draw(&set, 3, 2, |_| ()).unwrap();
    let drawn = fs::read(set.join(RECORDS)).unwrap();
    let said = |at: &Path, seed: u64| match draw(at, seed, 2, |_| ()) {
        Err(error @ OfflineError::Occupied { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    };
    said(&set, 3);
    assert_eq!(fs::read(set.join(RECORDS)).unwrap(), drawn);
    assert!(!set.join("draw.part").exists());
    fs::create_dir(&own).unwrap();
    fs::write(own.join("a.png"), "mine").unwrap();
    assert!(said(&own, 3).contains("\"a.png\" is in it already"));
    assert_eq!(fs::read_dir(&own).unwrap().count(), 1);
    // One that broke off is drawn anew by the same command, and by no other.
    let break_off = || draw(&broken, 3, 2, |done| assert!(done < 1, "the test breaks it off"));
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(break_off)).is_err());
    assert!(broken.join("00000.png").exists() && !broken.join(RECORDS).exists());
    assert!(said(&broken, 4).contains("--seed 3 --count 2"));
    draw(&broken, 3, 2, |_| ()).unwrap();
    assert_eq!(fs::read(broken.join(RECORDS)).unwrap(), drawn);
    said(&broken, 3);
}

#[test]
fn the_files_of_published_sets_are_read_and_mistakes_are_said_with_their_entry() {
    let folder = tempfile::tempdir().unwrap();
    image::RgbImage::new(100, 100).save(folder.path().join("a.png")).unwrap();
    fs::write(folder.path().join("broken.png"), "x").unwrap();
    let from = folder.path().join("set.json");
    let read = |text: &str, form| {
        fs::write(&from, text).unwrap();
        let options = ImportOptions { boxes: form, ..ImportOptions::default() };
        import(std::slice::from_ref(&from), folder.path(), &options, |_| ())
            .map(|_| read_records(folder.path()).unwrap())
    };
    let v2 = r#"[{"img_filename": "a.png", "bbox": [10, 20, 30, 40], "instruction": "close it", "data_type": "icon", "data_source": "ios"}]"#;
    let records = read(v2, None).unwrap();
    assert_eq!(records[0].target, Target::Box([10.0, 20.0, 40.0, 60.0]));
    assert_eq!((records[0].kind.as_deref(), records[0].group.as_deref()), (Some("icon"), Some("ios")));
    assert_eq!(read(v2, Some(BoxForm::Corners)).unwrap()[0].target, Target::Box([10.0, 20.0, 30.0, 40.0]));
    // Some editors put a mark before the first letter.
    assert_eq!(read(&format!("\u{feff}{v2}"), None).unwrap().len(), 1);
    let pro = r#"[{"img_filename": "a.png", "bbox": [10, 20, 30, 40], "instruction": "i", "ui_type": "text", "application": "blender",
        "platform": "windows", "data_type": "icon", "image_path": "b.png", "group": "Creative", "img_size": [3840, 2160], "id": "blender_1"}]"#;
    let records = read(pro, None).unwrap();
    assert_eq!((records[0].id.as_str(), &records[0].target), ("blender_1", &Target::Box([10.0, 20.0, 30.0, 40.0])));
    assert_eq!((records[0].kind.as_deref(), records[0].group.as_deref()), (Some("icon"), Some("Creative")));
    let osworld = r#"[{"image_path": "a.png", "instruction": "i", "box_type": "polygon", "box_coordinates": [0,0, 9,0, 9,9]},
        {"image_path": "a.png", "instruction": "i", "box_type": "refusal", "box_coordinates": [-1,-1,-1,-1]}]"#;
    let records = read(osworld, None).unwrap();
    assert_eq!(records[0].target, Target::Polygon(vec![[0.0, 0.0], [9.0, 0.0], [9.0, 9.0]]));
    assert_eq!(records[1].target, Target::Refusal);
    for (text, why) in [
        ("{}", "in no format that is known"),
        ("[{}", "no list of entries"),
        ("[]", "0 entries"),
        (
            r#"[{"img_filename": "b.png", "bbox": [1,2,3,4], "instruction": "i"}]"#,
            "set.json: entry 1: there is no picture b.png",
        ),
        (r#"[{"img_filename": "broken.png", "bbox": [1,2,3,4], "instruction": "i"}]"#, "it is no picture"),
        (r#"[{"bbox": [1,2,3,4], "instruction": "i"}]"#, "it names no picture"),
        (r#"[{"img_filename": "a.png", "bbox": [1,2,3,4], "instruction": " "}]"#, "its instruction is empty"),
        (
            r#"[{"img_filename": "a.png", "bbox": [1,2,3,0], "instruction": "i", "id": "x"}]"#,
            "id \"x\": its box is empty",
        ),
        (r#"[{"img_filename": "a.png", "bbox": [5000,2,3,4], "instruction": "i"}]"#, "off its picture of 100 x 100"),
        (
            r#"[{"image_path": "a.png", "instruction": "i", "box_type": "polygon", "box_coordinates": [1,1, 2,1, 3,1]}]"#,
            "its polygon is empty",
        ),
        (r#"[{"img_filename": "../a.png", "bbox": [1,2,3,4], "instruction": "i"}]"#, "not in the folder of pictures"),
        (r#"[{"img_filename": "a.png", "instruction": "i"}]"#, "no place that can be read"),
        (r#"[{"img_filename": "a.png", "bbox": [9,9,1,1], "instruction": "i", "img_size": [9,9]}]"#, "inside out"),
    ] {
        let said = read(text, None).unwrap_err().to_string();
        assert!(said.contains(why), "{text}: {said}");
    }
}

#[test]
fn faulty_entries_are_passed_over_and_a_part_of_a_list_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    image::RgbImage::new(100, 100).save(folder.path().join("a.png")).unwrap();
    let from = folder.path().join("set.json");
    let entry = |image: &str, id: &str| {
        format!("{{\"img_filename\":\"{image}\",\"bbox\":[1,2,3,4],\"instruction\":\"i\",\"id\":\"{id}\"}}")
    };
    let entries =
        [entry("a.png", "1"), entry("b.png", "2"), entry("a.png", "1"), entry("a.png", "3"), entry("a.png", "4")];
    fs::write(&from, format!("[{}]", entries.join(",\n"))).unwrap();
    let read = |options: &ImportOptions| import(std::slice::from_ref(&from), folder.path(), options, |_| ());
    let said = read(&ImportOptions::default()).unwrap_err().to_string();
    assert!(said.contains("entry 2: there is no picture b.png"), "{said}");
    let report = read(&ImportOptions { skip_faulty: true, records_max: Some(2), ..ImportOptions::default() }).unwrap();
    assert_eq!((report.records, report.fault_count), (2, 2));
    assert!(report.faults[1].contains("entry 3: there is another entry with the id \"1\""), "{report:?}");
    let ids: Vec<String> = read_records(folder.path()).unwrap().into_iter().map(|record| record.id).collect();
    assert_eq!(ids, ["1", "3"]);
    let said = read(&ImportOptions { episodes_max: Some(2), ..ImportOptions::default() }).unwrap_err().to_string();
    assert!(said.contains("are for recorded runs, and this is screenspot"), "{said}");
    // A set without a record is none.
    fs::write(&from, format!("[{}]", entry("b.png", "2"))).unwrap();
    let none = read(&ImportOptions { skip_faulty: true, ..ImportOptions::default() }).unwrap_err().to_string();
    assert!(none.contains("nothing in it became a record"), "{none}");
}

#[test]
fn records_that_nobody_can_answer_rightly_are_refused_with_their_line_and_id() {
    let folder = tempfile::tempdir().unwrap();
    image::RgbImage::new(100, 100).save(folder.path().join("a.png")).unwrap();
    let read = |question: &str, target: &str, image: &str| {
        let of = |id: &str, question: &str, target: &str, image: &str| {
            format!("{{\"id\":\"{id}\",\"image\":\"{image}\",\"question\":\"{question}\",\"target\":{target}}}\n")
        };
        // With a mark before the first letter, and a line that is empty.
        let lines = format!("\u{feff}{}\n{}", of("a", "q", "\"refusal\"", "a.png"), of("b", question, target, image));
        fs::write(folder.path().join(RECORDS), lines).unwrap();
        read_records_on_pictures(folder.path()).map_err(|error| error.to_string())
    };
    let step = |action: &str, boxes: &str| {
        format!("{{\"step\":{{\"rules\":\"gui_odyssey\",\"action\":{action},\"boxes\":[{boxes}]}}}}")
    };
    let click = |x: u32| format!("{{\"type\":\"click\",\"x\":{x},\"y\":50}}");
    for (question, target, why) in [
        (" ", "{\"box\":[1,1,9,9]}", "there is no instruction"),
        ("q", "{\"box\":[10,10,0,0]}", "is inside out"),
        ("q", "{\"box\":[10,10,10,20]}", "its box is empty"),
        ("q", "{\"box\":[5000,5000,5010,5010]}", "off its picture of 100 x 100"),
        // Left, top, width and height of what reaches from 60 to 90 are no corners.
        ("q", "{\"box\":[60,60,150,150]}", "off its picture of 100 x 100"),
        ("q", "{\"polygon\":[[1,1],[9,9]]}", "its polygon has 2 corners, and needs 3"),
        ("q", "{\"polygon\":[[1,1],[5,5],[5000,9]]}", "off its picture of 100 x 100"),
        ("q", &step(&click(101), ""), "it touches 101, 50 on a picture of 100 x 100"),
        ("q", &step(&click(50), "[9,9,1,1]"), "is inside out"),
    ] {
        let said = read(question, target, "a.png").unwrap_err();
        assert!(said.contains("records.jsonl: line 3: record \"b\": ") && said.contains(why), "{target}: {said}");
    }
    let right = [
        "{\"box\":[-3,0,104,100]}",
        "{\"polygon\":[[1,1],[9,1],[5,9]]}",
        &step(&click(100), "[9,9,9,9]"),
        &step("{\"type\":\"back\"}", ""),
    ];
    for target in right {
        read("q", target, "a.png").unwrap();
    }
    // A picture that is not there is noted when it is asked about.
    read("q", "{\"box\":[5000,5000,5010,5010]}", "none.png").unwrap();
    let said = read("q", "{\"box\":[1,1]}", "a.png").unwrap_err();
    assert!(said.contains("line 3: column ") && !said.contains("at line 1"), "{said}");
}

#[test]
fn a_set_that_somebody_sent_names_no_files_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let read = |lines: &str| {
        fs::write(folder.path().join(RECORDS), lines).unwrap();
        read_records(folder.path()).map(|records| records.len()).map_err(|error| error.to_string())
    };
    let line = |id: &str, image: &str| {
        format!("{{\"id\":\"{id}\",\"image\":\"{image}\",\"question\":\"q\",\"target\":\"refusal\"}}\n")
    };
    assert_eq!(read(&(line("a", "a.png") + &line("b", "in/b.png"))).unwrap(), 2);
    for (lines, why) in [
        (line("a", "/etc/passwd"), "line 1: the picture"),
        (line("a", "../x.png"), "is not beside the records"),
        (line("a", "a.png") + &line("a", "b.png"), "line 2: there is another record"),
        (String::new(), "no record"),
        ("{\"id\":1}\n".to_owned(), "line 1"),
    ] {
        let said = read(&lines).unwrap_err();
        assert!(said.contains(why), "{lines}: {said}");
    }
}
