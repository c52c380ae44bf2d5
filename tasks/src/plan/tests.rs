//! What a plan may say, what is pointed at, and how far one comes.

use std::collections::VecDeque;

use super::*;

const TRIP: &str = include_str!("../../../docs/examples/changchun.toml");

fn done(message: &str) -> End {
    End { outcome: Outcome::Done { message: message.to_owned() }, steps: 1, notes: vec!["seen".to_owned()] }
}

fn gave_up() -> End {
    End { outcome: Outcome::GaveUp { message: "sold out".to_owned() }, steps: 1, notes: Vec::new() }
}

/// Ends runs as it is told, and remembers what was wanted.
struct Ends(VecDeque<End>, Vec<String>, Option<&'static str>, Option<&'static str>);

#[async_trait]
impl GoalRunner for Ends {
    type Error = ();

    async fn run(&mut self, _goal: &Goal, words: &str, run: &str) -> Result<End, ()> {
        self.1.push(format!("{run}: {words}"));
        self.0.pop_front().ok_or(())
    }

    async fn ask(&mut self, _question: &Question) -> Answer {
        self.3.map_or(Answer::Nobody, |words| Answer::Choice(words.to_owned()))
    }

    async fn replan(&mut self, told: &str, known: &BTreeSet<String>) -> Result<Option<Plan>, ()> {
        self.1.push(format!("replan: {told}"));
        Ok(self.2.map(|toml| Plan::parse(Path::new("new"), toml, known).unwrap()))
    }
}

fn wrong(text: &str) -> (String, String) {
    let mistake = Plan::parse(Path::new("plan.toml"), text, &[].into()).unwrap_err();
    let at = mistake.at.clone().map_or_else(String::new, |at| text[at].to_owned());
    (mistake.why, at)
}

#[test]
fn mistakes_are_pointed_at() {
    let goal = |more: &str| format!("plan = \"p\"\n[[goal]]\nname = \"one\"\ngoal = \"do it\"\n{more}");
    assert!(Plan::parse(Path::new("p"), &goal(""), &[].into()).is_ok());
    assert_eq!(wrong("plan = \"p\"\n").0, "there is no goal in it");
    assert_eq!(wrong(&goal("step_max = 3\n")), ("there is no key `step_max` here".to_owned(), "step_max".to_owned()));
    assert!(wrong(&goal("on_failure = \"panic\"\n")).1.contains("panic"));
    assert!(wrong(&goal("output = { a = \"colour\" }\n")).1.contains("colour"));
    assert_eq!(wrong(&goal("[[goal]]\nname = \"one\"\ngoal = \"x\"\n")).0, "there are two goals with the name `one`");
    let later = goal("output = { price = \"number\" }\n[[goal]]\nname = \"two\"\ngoal = \"pay {{ prise }}\"\n");
    assert_eq!(wrong(&later), ("no earlier goal has the output `prise`".to_owned(), "\"pay {{ prise }}\"".to_owned()));
    assert!(wrong(&goal("steps_max = 0\n")).0.contains("no step"));
    assert_eq!(wrong(&goal("retries = 101\n")).0, "101 retries; 100 are the most");
}

#[tokio::test]
async fn a_trip_is_planned_and_carried_out() {
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan::parse(Path::new("trip"), TRIP, &[].into()).unwrap();
    let mut record = PlanRecord::create(&folder.path().join("trip"), plan, 0).unwrap();
    let ends = [done("train: G399\nprice: ¥ 1,299.50"), gave_up(), gave_up(), done("sights: x"), done("ok")];
    let mut ends = Ends(ends.into(), Vec::new(), None, None);
    let end = carry_out(&mut record, &mut ends).await.unwrap();
    assert_eq!(end, PlanEnd::Partly, "{:?}", ends.1);
    assert_eq!(record.outputs()["price"], "1299.5");
    assert!(ends.1[1].starts_with("2-hotel: ") && ends.1[2].starts_with("2-hotel-2: "), "{:?}", ends.1);
    assert!(ends.1[4].contains("G399"), "{:?}", ends.1);
    let told = markdown(&record, &end);
    assert!(told.contains("- **hotel**: it cannot be done: sold out") && told.contains("**price**: 1299.5"), "{told}");
    assert_eq!(summary(&record, &end)["not_achieved"][0]["goal"], "hotel");
}

const TWO: &str = "plan = \"p\"\n[[goal]]\nname = \"one\"\ngoal = \"first\"\noutput = { a = \"text\" }\n\
    [[goal]]\nname = \"two\"\ngoal = \"second {{a}}\"\non_failure = \"ask\"\n";

fn two(folder: &Path) -> PlanRecord {
    PlanRecord::create(&folder.join("two"), Plan::parse(Path::new("two"), TWO, &[].into()).unwrap(), 0).unwrap()
}

#[tokio::test]
async fn a_plan_goes_on_in_the_middle() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("two");
    let mut record = two(folder.path());
    // It breaks off in the middle of the second goal: the run cannot be made.
    let mut ends = Ends([done("a: {{a}}; b")].into(), Vec::new(), None, None);
    assert!(carry_out(&mut record, &mut ends).await.is_err());
    assert!(matches!(PlanRecord::take_up(&at), Err(PlanRecordError::Busy { .. })));
    drop(record);
    let text = std::fs::read_to_string(at.join("plan.jsonl")).unwrap();
    std::fs::write(at.join("plan.jsonl"), format!("{text}{{\"torn")).unwrap();
    let mut record = PlanRecord::take_up(&at).unwrap();
    let mut ends = Ends([done("ok")].into(), Vec::new(), None, None);
    assert_eq!(carry_out(&mut record, &mut ends).await.unwrap(), PlanEnd::Done);
    // A value is never looked into for names.
    assert_eq!(ends.1, ["2-two: second {{a}}"]);
}

#[tokio::test]
async fn what_happens_after_a_failure() {
    let check = async |answer: Option<&'static str>, second: Vec<End>| {
        let folder = tempfile::tempdir().unwrap();
        let mut record = two(folder.path());
        let mut all: VecDeque<End> = [done("a: 1")].into();
        all.extend(second);
        let again = "plan = \"p\"\n[[goal]]\nname = \"two\"\ngoal = \"otherwise {{a}}\"\n";
        let mut ends = Ends(all, Vec::new(), Some(again), answer);
        let end = carry_out(&mut record, &mut ends).await;
        (end.unwrap(), ends.1.last().unwrap().clone())
    };
    assert!(matches!(check(None, vec![gave_up()]).await.0, PlanEnd::NeedsPerson(_)));
    assert!(matches!(check(Some("stop"), vec![gave_up()]).await.0, PlanEnd::Stopped(Outcome::GaveUp { .. })));
    assert_eq!(check(Some("skip"), vec![gave_up()]).await.0, PlanEnd::Partly);
    let again = check(Some("retry"), vec![gave_up(), done("ok")]).await;
    assert_eq!(again, (PlanEnd::Done, "2-two-2: second 1".to_owned()));
    let anew = check(Some("replan"), vec![gave_up(), done("ok")]).await;
    assert_eq!(anew, (PlanEnd::Done, "2-two-new: otherwise 1".to_owned()));
    let stopped = End { outcome: Outcome::Stopped, steps: 1, notes: Vec::new() };
    assert_eq!(check(Some("skip"), vec![stopped]).await.0, PlanEnd::Stopped(Outcome::Stopped));
}

fn failed(outcome: Option<Outcome>) -> PlanLine {
    let text = str::to_owned;
    let (goal, run, why) = (text("one"), text("1-one"), text("sold out"));
    PlanLine::Failed { goal, run, why, outcome: text("gave-up"), end: outcome }
}

/// A plan of one goal that is skipped, planned anew or ends the plan if it fails.
fn one(folder: &Path, on_failure: &str) -> PlanRecord {
    let text = format!("plan = \"p\"\n[[goal]]\nname = \"one\"\ngoal = \"first\"\non_failure = \"{on_failure}\"\n");
    PlanRecord::create(&folder.join("one"), Plan::parse(Path::new("one"), &text, &[].into()).unwrap(), 0).unwrap()
}

#[tokio::test]
async fn what_failed_before_the_break_is_not_tried_once_more() {
    let folder = tempfile::tempdir().unwrap();
    let mut record = one(folder.path(), "skip");
    record.write(failed(Some(gave_up().outcome))).unwrap();
    drop(record);
    let mut record = PlanRecord::take_up(&folder.path().join("one")).unwrap();
    let mut ends = Ends(VecDeque::new(), Vec::new(), None, None);
    assert_eq!(carry_out(&mut record, &mut ends).await.unwrap(), PlanEnd::Partly);
    assert_eq!(ends.1, [""; 0]);
}

#[tokio::test]
async fn a_plan_that_has_stopped_tries_again_when_it_is_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let mut record = one(folder.path(), "stop");
    let mut ends = Ends([gave_up()].into(), Vec::new(), None, None);
    let stopped = PlanEnd::Stopped(gave_up().outcome);
    assert_eq!(carry_out(&mut record, &mut ends).await.unwrap(), stopped);
    drop(record);
    let mut record = PlanRecord::take_up(&folder.path().join("one")).unwrap();
    let mut ends = Ends([gave_up(), done("ok")].into(), Vec::new(), None, None);
    assert_eq!(carry_out(&mut record, &mut ends).await.unwrap(), stopped);
    assert_eq!(carry_out(&mut record, &mut ends).await.unwrap(), PlanEnd::Done);
    assert_eq!(ends.1, ["1-one-2: first", "1-one-3: first"]);
}

#[tokio::test]
async fn a_model_does_not_plan_anew_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let mut record = one(folder.path(), "replan");
    let again =
        "plan = \"p\"\nreplans_max = 99\n[[goal]]\nname = \"x\"\ngoal = \"y\"\nretries = 99\non_failure = \"replan\"";
    let mut ends = Ends(vec![gave_up(); 99].into(), Vec::new(), Some(again), None);
    assert_eq!(carry_out(&mut record, &mut ends).await.unwrap(), PlanEnd::Stopped(gave_up().outcome));
    let replans = ends.1.iter().filter(|what| what.starts_with("replan")).count();
    // Its own goals are tried three times each, and not a hundred times.
    assert_eq!((replans, ends.1.len()), (3, 1 + 3 + 3 * 3));
}

#[tokio::test]
async fn a_goal_is_not_taken_for_the_second_try_of_another() {
    let folder = tempfile::tempdir().unwrap();
    let mut record = one(folder.path(), "replan");
    record.write(failed(Some(gave_up().outcome))).unwrap();
    record.write(PlanLine::Begun { goal: "one".to_owned(), run: "1-one-2".to_owned() }).unwrap();
    record.write(failed(Some(gave_up().outcome))).unwrap();
    let again = "plan = \"p\"\n[[goal]]\nname = \"one-2\"\ngoal = \"otherwise\"";
    let mut ends = Ends([done("ok")].into(), Vec::new(), Some(again), None);
    assert_eq!(carry_out(&mut record, &mut ends).await.unwrap(), PlanEnd::Done);
    assert_eq!(ends.1.last().unwrap(), "1-one-2-2: otherwise");
}

/// As version 1 wrote it: without `end`, and without a line about the stop.
#[tokio::test]
async fn records_of_the_first_version_are_read() {
    let folder = tempfile::tempdir().unwrap();
    drop(one(folder.path(), "stop"));
    let at = folder.path().join("one");
    let old = "{\"plan\":{\"version\":1,\"title\":\"p\"}}\n{\"begun\":{\"goal\":\"one\",\"run\":\"1-one\"}}\n\
        {\"failed\":{\"goal\":\"one\",\"run\":\"1-one\",\"why\":\"sold out\",\"outcome\":\"gave-up\"}}\n";
    std::fs::write(at.join("plan.jsonl"), old).unwrap();
    let mut record = PlanRecord::take_up(&at).unwrap();
    assert_eq!(record.lines.last(), Some(&failed(None)));
    let mut ends = Ends([done("ok")].into(), Vec::new(), None, None);
    assert_eq!(carry_out(&mut record, &mut ends).await.unwrap(), PlanEnd::Done);
    assert_eq!(ends.1, ["1-one-2: first"]);
}

#[test]
fn outputs_are_read() {
    for (text, expected) in
        [("12", Some("12")), ("¥ 1,299.50 each", Some("1299.5")), ("-3.", Some("-3")), ("2 or 3", None), ("none", None)]
    {
        assert_eq!(number(text).as_deref(), expected, "{text}");
    }
}
