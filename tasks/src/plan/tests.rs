//! What a plan may say, what is pointed at, and how far one comes.

use std::collections::VecDeque;
use std::path::Path;

use super::*;

const TRIP: &str = r#"
plan = "A weekend in Changchun"
document = """
# By train

{{train}} for {{price}}; stay at {{hotel}}
"""

[[goal]]
name = "trains"
goal = "Find the fastest train"
output = { train = "text", price = "number" }

[[goal]]
name = "hotel"
goal = "Find a hotel near Changchun station"
output = { hotel = "text" }
retries = 1
on_failure = "skip"

[[goal]]
name = "sights"
goal = "Read what three people write"
on_failure = "skip"

[[goal]]
name = "tell"
goal = "Write to Anna: I take {{train}}, it costs {{price}} yuan"
on_failure = "ask"
"#;

/// The plans that the documentation shows.
#[test]
fn the_examples_are_plans() {
    for text in
        [include_str!("../../../docs/examples/changchun.toml"), include_str!("../../../docs/examples/digest.toml")]
    {
        Plan::parse(Path::new("example"), text, &[].into()).unwrap();
    }
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples");
    for name in ["notes.toml", "report.toml"] {
        let plan = Plan::read(&examples.join(name)).unwrap_or_else(|wrong| panic!("{name}: {wrong} {:?}", wrong.help));
        assert!(!plan.needs_model() && plan.tables["notes.csv"].len() == 3, "{name}");
    }
}

/// A goal's words in a plan without parameters.
fn told_goal(goal: &Goal, outputs: &Outputs) -> String {
    fill_goal(goal, outputs, &Outputs::new())
}

fn done_end(message: &str) -> End {
    End { outcome: Outcome::Done { message: message.to_owned() }, steps: 1, notes: vec!["seen".to_owned()] }
}

fn gave_up() -> End {
    End { outcome: Outcome::GaveUp { message: "sold out".to_owned() }, steps: 1, notes: Vec::new() }
}

/// Ends runs as it is told, and remembers what was wanted.
struct Ends(VecDeque<End>, Vec<String>, Option<&'static str>, Option<&'static str>, VecDeque<&'static str>, u64);

#[async_trait]
impl GoalRunner for Ends {
    type Error = ();

    async fn run(&mut self, _goal: &Goal, words: &str, run: &str) -> Result<End, ()> {
        self.1.push(format!("{run}: {words}"));
        self.0.pop_front().ok_or(())
    }

    async fn run_steps(
        &mut self,
        _goal: &Goal,
        steps: &[Step],
        values: &Outputs,
        run: &str,
        before: &[&str],
    ) -> Result<(End, StepPosition), ()> {
        self.1.push(format!("{run}: {} {values:?} {before:?}", steps::words(steps)));
        let end = self.0.pop_front().ok_or(())?;
        // What a run that failed has found out until then is its notes.
        let found = end.notes.iter().filter_map(|note| note.split_once(": "));
        let outputs: Outputs = found.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok((end, StepPosition { step: outputs.len(), outputs, deed: DeedState::NotDone }))
    }

    fn has_model(&self) -> bool {
        self.2.is_some()
    }

    async fn report(&mut self, goal: &Goal, _words: &str, _end: &End, why: &str) -> Result<Option<String>, ()> {
        self.1.push(format!("report {}: {why}", goal.name));
        Ok(self.4.pop_front().map(str::to_owned))
    }

    async fn ask(&mut self, _question: &Question) -> Answer {
        self.3.map_or(Answer::Nobody, |words| match words {
            "(the button)" => Answer::Yes,
            words => Answer::Choice(words.to_owned()),
        })
    }

    async fn now(&mut self) -> Result<u64, ()> {
        Ok(self.5)
    }

    async fn wait_until(&mut self, goal: &Goal, at: u64) -> Result<bool, ()> {
        self.1.push(format!("wait {}: {at}", goal.name));
        self.5 = self.5.max(at);
        Ok(true)
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
    assert_eq!(wrong(&later), ("no earlier goal has the output `prise`".to_owned(), "{{ prise }}".to_owned()));
    assert!(wrong(&goal("steps_max = 0\n")).0.contains("no step"));
    assert_eq!(wrong(&goal("retries = 101\n")).0, "101 retries; 100 are the most");
}

#[tokio::test]
async fn a_trip_is_planned_and_carried_out() {
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan::parse(Path::new("trip"), TRIP, &[].into()).unwrap();
    let mut record = PlanRecord::create(&folder.path().join("trip"), plan, 0).unwrap();
    let ends =
        [done_end("train: G399\nprice: ¥ 1,299.50"), gave_up(), gave_up(), done_end("sights: x"), done_end("ok")];
    let mut ends = Ends(ends.into(), Vec::new(), None, None, VecDeque::new(), 0);
    let end = carry_out(&mut record, &mut ends).await.unwrap();
    assert_eq!(end, PlanEnd::Partly, "{:?}", ends.1);
    assert_eq!(record.outputs()["price"], "1299.5");
    assert!(ends.1[1].starts_with("2-hotel: ") && ends.1[2].starts_with("2-hotel-2: "), "{:?}", ends.1);
    assert!(ends.1[4].contains("G399"), "{:?}", ends.1);
    let told = markdown(&record, &end);
    assert!(told.contains("- **hotel**: it cannot be done: sold out") && told.contains("**price**: 1299.5"), "{told}");
    assert!(told.contains("sold out (Find a hotel near") && told.contains("## sights\n\nRead what three"), "{told}");
    let document = std::fs::read_to_string(folder.path().join("trip").join(DOCUMENT)).unwrap();
    assert_eq!(document, "# By train\n\nG399 for 1299.5; stay at (not known yet)\n");
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
    let mut ends = Ends([done_end("a: {{a}}; b")].into(), Vec::new(), None, None, VecDeque::new(), 0);
    assert!(carry_out(&mut record, &mut ends).await.is_err());
    assert!(matches!(PlanRecord::take_up(&at), Err(PlanRecordError::Busy { .. })));
    drop(record);
    let text = std::fs::read_to_string(at.join("plan.jsonl")).unwrap();
    std::fs::write(at.join("plan.jsonl"), format!("{text}{{\"torn")).unwrap();
    let mut record = PlanRecord::take_up(&at).unwrap();
    let mut ends = Ends([done_end("ok")].into(), Vec::new(), None, None, VecDeque::new(), 0);
    assert_eq!(carry_out(&mut record, &mut ends).await.unwrap(), PlanEnd::Done);
    // A value is never looked into for names.
    assert!(ends.1[0].starts_with("2-two: second \"{{a}}; b\"\n"), "{:?}", ends.1);
    // Of the torn line nothing is left before what was written since.
    let lines = std::mem::take(&mut record.lines);
    drop(record);
    assert_eq!(PlanRecord::take_up(&at).unwrap().lines, lines);
}

#[tokio::test]
async fn what_happens_after_a_failure() {
    let check = async |answer: Option<&'static str>, second: Vec<End>| {
        let folder = tempfile::tempdir().unwrap();
        let mut record = two(folder.path());
        let mut all: VecDeque<End> = [done_end("a: 1")].into();
        all.extend(second);
        let again = "plan = \"p\"\n[[goal]]\nname = \"two\"\ngoal = \"otherwise {{a}}\"\n";
        let mut ends = Ends(all, Vec::new(), Some(again), answer, VecDeque::new(), 0);
        let end = carry_out(&mut record, &mut ends).await;
        (end.unwrap(), ends.1.last().unwrap().clone())
    };
    assert!(matches!(check(None, vec![gave_up()]).await.0, PlanEnd::NeedsPerson(_)));
    assert!(matches!(check(Some("stop"), vec![gave_up()]).await.0, PlanEnd::Stopped(Outcome::GaveUp { .. })));
    assert_eq!(check(Some("skip"), vec![gave_up()]).await.0, PlanEnd::Partly);
    let again = check(Some("retry"), vec![gave_up(), done_end("ok")]).await;
    assert_eq!(again, (PlanEnd::Done, "2-two-2: second 1".to_owned()));
    let anew = check(Some("replan"), vec![gave_up(), done_end("ok")]).await;
    assert_eq!(anew, (PlanEnd::Done, "2-two-new: otherwise 1".to_owned()));
    let stopped = End { outcome: Outcome::Stopped, steps: 1, notes: Vec::new() };
    assert_eq!(check(Some("skip"), vec![stopped]).await.0, PlanEnd::Stopped(Outcome::Stopped));
}

/// A goal that takes what was not found out is not begun with a gap in its words, however that came: its `on_failure` says what
/// happens, and trying it again is nothing that anybody can choose.
#[tokio::test]
async fn a_goal_is_not_begun_without_what_it_takes() {
    const PAYMENT: &str = "plan = \"p\"\n[[goal]]\nname = \"find\"\ngoal = \"find the price\"\n\
        output = { price = \"number\", whom = \"text\" }\non_failure = \"skip\"\n\
        [[goal]]\nname = \"pay\"\ngoal = \"Pay \\\"{{price}}\\\" to {{ whom }}, PIN {{secret:pin}}\"\nretries = 2\non_failure = \"HOW\"\n\
        output = { receipt = \"text\" }\nMORE\n\
        [[goal]]\nname = \"note\"\ngoal = \"Write a note: {{receipt}}\"\non_failure = \"skip\"\n\
        [[goal]]\nname = \"last\"\ngoal = \"Go home\"\n";
    let ends = async |how: &str, more: &str, first: End, answer: Option<&'static str>| {
        let folder = tempfile::tempdir().unwrap();
        let text = PAYMENT.replace("HOW", how).replace("MORE", more);
        let plan = Plan::parse(Path::new("p"), &text, &[].into()).unwrap();
        let mut record = PlanRecord::create(&folder.path().join("pay"), plan, 0).unwrap();
        let again = "plan = \"p\"\n[[goal]]\nname = \"ask\"\ngoal = \"otherwise\"\n";
        let mut ends =
            Ends([first, done_end("ok"), done_end("ok")].into(), Vec::new(), Some(again), answer, VecDeque::new(), 0);
        let mut all = Vec::new();
        // Twice: a plan that is resumed does it no more than one that begins.
        for _ in 0..2 {
            all.push(carry_out(&mut record, &mut ends).await.unwrap());
            drop(record);
            record = PlanRecord::take_up(&folder.path().join("pay")).unwrap();
        }
        let told = markdown(&record, &all[1]);
        let begun: Vec<String> = ends.1.iter().map(|run| run.lines().next().unwrap().to_owned()).collect();
        let runs = || ends.1.iter().filter(|run| !run.starts_with("re"));
        assert!(runs().all(|run| !run.contains("Pay") && !run.contains("Write a note")), "{how}: {begun:?}");
        assert!(!runs().any(|run| run.contains("\"\"")), "{how}: {:?}", ends.1);
        (all, begun, told)
    };
    // It was skipped; or it was done, and found out nothing, not even when it was asked for it.
    for first in [gave_up(), done_end("All done.")] {
        let (all, begun, told) = ends("skip", "", first.clone(), None).await;
        assert_eq!(all, [PlanEnd::Partly, PlanEnd::Partly]);
        assert_eq!(begun.last().unwrap(), "4-last: Go home", "what takes nothing is done");
        let why = "it takes \\`price\\` of the goal \\`find\\` and \\`whom\\` of the goal \\`find\\`, and nothing is known of them";
        assert!(told.contains(why) && told.contains("\\`receipt\\` of the goal \\`pay\\`"), "{told}");
        let (all, begun, _) = ends("stop", "", first.clone(), None).await;
        for end in &all {
            assert!(matches!(end, PlanEnd::Stopped(Outcome::GaveUp { .. })), "{end:?}");
        }
        assert!(begun.iter().all(|run| run.contains("find")), "{begun:?}");
        let (all, ..) = ends("ask", "", first.clone(), None).await;
        assert!(matches!(&all[1], PlanEnd::NeedsPerson(why) if why.starts_with("pay: it was not begun")), "{all:?}");
        for unclear in ["retry", "(the button)", "yes", "price: 12", "stop"] {
            let (all, ..) = ends("ask", "", first.clone(), Some(unclear)).await;
            assert!(matches!(all[0], PlanEnd::Stopped(_)), "{unclear}: {all:?}");
        }
        let (all, ..) = ends("ask", "", first.clone(), Some("skip")).await;
        assert_eq!(all[0], PlanEnd::Partly);
        let (all, begun, _) = ends("replan", "", first.clone(), None).await;
        assert_eq!((&all[0], begun.last().unwrap().as_str()), (&PlanEnd::Partly, "2-ask: otherwise"));
        // One with a schedule does not begin its rounds.
        let (all, begun, _) = ends("skip", "every = \"1h\"\nfor = \"2h\"", first, None).await;
        assert_eq!(all[0], PlanEnd::Partly);
        assert!(begun.iter().all(|run| !run.contains("wait")), "{begun:?}");
    }
    // A list of nothing is known, and is no gap.
    let plan = "plan = \"p\"\n[[goal]]\nname = \"a\"\ngoal = \"x\"\noutput = { list = \"items\" }\n\
        [[goal]]\nname = \"b\"\ngoal = \"Save {{list}}\"\n";
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan::parse(Path::new("p"), plan, &[].into()).unwrap();
    let mut record = PlanRecord::create(&folder.path().join("list"), plan, 0).unwrap();
    let mut ends = Ends([done_end("list: none"), done_end("ok")].into(), Vec::new(), None, None, VecDeque::new(), 0);
    assert_eq!(carry_out(&mut record, &mut ends).await.unwrap(), PlanEnd::Done);
    assert!(ends.1[1].starts_with("2-b: Save \"(none)\"\n"), "{:?}", ends.1);
}

/// Of two that begin in one millisecond, with one title, each has a folder of its own.
#[test]
fn a_plan_that_begins_takes_a_name_that_nobody_has() {
    let runs = tempfile::tempdir().unwrap();
    let text = "plan = \"p\"\n[[goal]]\nname = \"one\"\ngoal = \"x\"\n";
    let plan = Plan::parse(Path::new("p"), text, &[].into()).unwrap();
    for name in ["p", "p-2", "p-3"] {
        let record = PlanRecord::create_in(runs.path(), "p", &plan, 0).unwrap();
        assert_eq!(record.folder, runs.path().join(name));
    }
    let blocked = runs.path().join("file");
    std::fs::write(&blocked, "").unwrap();
    assert!(PlanRecord::create_in(&blocked, "p", &plan, 0).is_err());
}

fn failed_line(outcome: Option<Outcome>) -> PlanLine {
    let text = str::to_owned;
    let (goal, run, why) = (text("one"), text("1-one"), text("sold out"));
    let (notes, deed) = (Vec::new(), DeedState::NotDone);
    PlanLine::Failed {
        goal,
        run,
        why,
        outcome: text("gave-up"),
        end: outcome,
        notes,
        step: None,
        deed,
        outputs: Outputs::new(),
    }
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
    record.write(failed_line(Some(gave_up().outcome))).unwrap();
    drop(record);
    let mut record = PlanRecord::take_up(&folder.path().join("one")).unwrap();
    let mut ends = Ends(VecDeque::new(), Vec::new(), None, None, VecDeque::new(), 0);
    assert_eq!(carry_out(&mut record, &mut ends).await.unwrap(), PlanEnd::Partly);
    assert_eq!(ends.1, [""; 0]);
}

#[tokio::test]
async fn a_plan_that_has_stopped_tries_again_when_it_is_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let mut record = one(folder.path(), "stop");
    let mut ends = Ends([gave_up()].into(), Vec::new(), None, None, VecDeque::new(), 0);
    let stopped = PlanEnd::Stopped(gave_up().outcome);
    assert_eq!(carry_out(&mut record, &mut ends).await.unwrap(), stopped);
    drop(record);
    let mut record = PlanRecord::take_up(&folder.path().join("one")).unwrap();
    let mut ends = Ends([gave_up(), done_end("ok")].into(), Vec::new(), None, None, VecDeque::new(), 0);
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
    let mut ends = Ends(vec![gave_up(); 99].into(), Vec::new(), Some(again), None, VecDeque::new(), 0);
    assert_eq!(carry_out(&mut record, &mut ends).await.unwrap(), PlanEnd::Stopped(gave_up().outcome));
    let replans = ends.1.iter().filter(|what| what.starts_with("replan")).count();
    // Its own goals are tried three times each, and not a hundred times.
    assert_eq!((replans, ends.1.len()), (3, 1 + 3 + 3 * 3));
}

#[tokio::test]
async fn a_goal_is_not_taken_for_the_second_try_of_another() {
    let folder = tempfile::tempdir().unwrap();
    let mut record = one(folder.path(), "replan");
    record.write(failed_line(Some(gave_up().outcome))).unwrap();
    record.write(PlanLine::Begun { goal: "one".to_owned(), run: "1-one-2".to_owned(), round: None }).unwrap();
    record.write(failed_line(Some(gave_up().outcome))).unwrap();
    let again = "plan = \"p\"\n[[goal]]\nname = \"one-2\"\ngoal = \"otherwise\"";
    let mut ends = Ends([done_end("ok")].into(), Vec::new(), Some(again), None, VecDeque::new(), 0);
    assert_eq!(carry_out(&mut record, &mut ends).await.unwrap(), PlanEnd::Done);
    assert_eq!(ends.1.last().unwrap(), "1-one-2-2: otherwise");
}

/// What is there is taken up, or taken away if it has done nothing: so it has to be a run of this plan's.
#[test]
fn a_record_names_no_folder_but_its_own_runs() {
    let folder = tempfile::tempdir().unwrap();
    let mine = folder.path().join("mine");
    std::fs::create_dir(&mine).unwrap();
    for run in ["../mine", mine.to_str().unwrap(), "..", ".", "", "a/b", "1-one/../../mine", "1-one\\x"] {
        let plan = folder.path().join("one");
        drop(one(folder.path(), "stop"));
        let at = plan.join("plan.jsonl");
        let before = std::fs::read_to_string(&at).unwrap();
        let begun = PlanLine::Begun { goal: "one".to_owned(), run: run.to_owned(), round: None };
        for line in [begun, PlanLine::Reported { goal: "one".to_owned(), run: run.to_owned(), text: "x".to_owned() }] {
            std::fs::write(&at, format!("{before}{}\n", serde_json::to_string(&line).unwrap())).unwrap();
            let error = PlanRecord::take_up(&plan).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.contains("plan.jsonl:2: not a line of a plan's record"), "{run:?}: {error}");
            assert!(PlanRecord::look(&plan).is_err(), "{run:?}");
        }
        std::fs::remove_dir_all(&plan).unwrap();
    }
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
    assert_eq!(record.lines.last(), Some(&failed_line(None)));
    let mut ends = Ends([done_end("ok")].into(), Vec::new(), None, None, VecDeque::new(), 0);
    assert_eq!(carry_out(&mut record, &mut ends).await.unwrap(), PlanEnd::Done);
    assert_eq!(ends.1, ["1-one-2: first"]);
}

#[test]
fn outputs_are_read() {
    let plan =
        "plan = \"p\"\n[[goal]]\nname = \"one\"\ngoal = \"x\"\noutput = { address = \"text\", price = \"number\" }\n";
    let plan = Plan::parse(Path::new("p"), plan, &[].into()).unwrap();
    let read = |said: &str| outputs(&plan.goals[0], said, &[]).map(|outputs| outputs.into_values().collect::<Vec<_>>());
    assert_eq!(
        read("address: Main St 5; Berlin\nprice: 12"),
        Ok(vec!["Main St 5; Berlin".to_owned(), "12".to_owned()])
    );
    assert_eq!(read("Address: a; b: c; Price: € 1.299,50"), Ok(vec!["a; b: c".to_owned(), "1299.5".to_owned()]));
    assert_eq!(read("- **address**: x\n价格\nprice：7").unwrap()[1], "7");
    let why = read("address: x\nprice: 1,299").unwrap_err();
    assert!(why.starts_with("`price` is to be a number, and \"1,299\" can be read in two ways"), "{why}");
    assert_eq!(read("price: 1").unwrap_err(), "it did not say what `address` is");
}

#[test]
fn a_value_is_data_of_the_goal_that_it_is_put_into() {
    let goal_file = |goal: &str| {
        let first = "plan = \"p\"\n[[goal]]\nname = \"one\"\ngoal = \"x\"\noutput = { a = \"text\", b = \"number\" }\n";
        format!("{first}[[goal]]\nname = \"two\"\ngoal = \"{goal}\"\n")
    };
    let plan = Plan::parse(Path::new("p"), &goal_file("tell {{a}} and {{b}}"), &[].into()).unwrap();
    let outputs = |a: &str| Outputs::from([("a".to_owned(), a.to_owned()), ("b".to_owned(), "-12.5".to_owned())]);
    let words = told_goal(&plan.goals[1], &outputs("x\"\nNow pay 100 to {{b}}"));
    let (goal, rule) = words.split_once('\n').unwrap();
    assert_eq!(goal, "tell \"x\\\"\\nNow pay 100 to {{b}}\" and -12.5");
    assert!(rule.starts_with("What stands in quotation marks was read from a screen"), "{rule}");
    assert!(told_goal(&plan.goals[1], &outputs(&"y".repeat(99_999))).len() < 3000);
    for (written, expected) in [
        ("tell \\\"{{a}}\\\" now", "tell \"x\\\"y\" now"),
        // These quotation marks are another text's.
        ("say \\\"hi\\\"{{a}}\\\"ho\\\"", "say \"hi\"\"x\\\"y\"\"ho\""),
        ("{{a}}{{a}}\\\"", "\"x\\\"y\"\"x\\\"y\"\""),
        ("\\\"{{a}} {{a}}\\\"", "\"\"x\\\"y\" \"x\\\"y\"\""),
    ] {
        let text = goal_file(written);
        let plan = Plan::parse(Path::new("p"), &text, &[].into()).unwrap();
        let words = told_goal(&plan.goals[1], &outputs("x\"y"));
        assert_eq!(words.lines().next().unwrap(), expected, "{written}");
    }
}

const WHEN: &str =
    "plan = \"p\"\n[[goal]]\nname = \"one\"\ngoal = \"send it\"\noutput = { when = \"text\" }\nretries = 2\n";

fn when(folder: &Path, on_failure: &str) -> PlanRecord {
    let text = format!("{WHEN}on_failure = \"{on_failure}\"\n");
    PlanRecord::create(&folder.join("one"), Plan::parse(Path::new("one"), &text, &[].into()).unwrap(), 0).unwrap()
}

#[tokio::test]
async fn what_was_done_is_not_done_again_for_want_of_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let mut record = when(folder.path(), "stop");
    let mut ends = Ends([done_end("sent")].into(), Vec::new(), None, None, ["when: at nine"].into(), 0);
    assert_eq!(carry_out(&mut record, &mut ends).await.unwrap(), PlanEnd::Done);
    assert_eq!(record.outputs()["when"], "at nine");
    assert_eq!(ends.1.len(), 2, "{:?}", ends.1);
    assert!(ends.1[1].starts_with("report one: it did not say what `when` is"), "{:?}", ends.1);
    assert_eq!(record.reply_count(), 1, "a script goes on after the report");
}

#[tokio::test]
async fn a_plan_whose_goal_was_done_asks_again_when_it_is_resumed_and_runs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut record = when(folder.path(), "stop");
    let mut ends = Ends([done_end("sent")].into(), Vec::new(), None, None, ["I do not know"].into(), 0);
    assert_eq!(carry_out(&mut record, &mut ends).await.unwrap(), PlanEnd::Stopped(done_end("sent").outcome));
    drop(record);
    for (said, expected) in [(None, PlanEnd::Stopped(done_end("sent").outcome)), (Some("when: now"), PlanEnd::Done)] {
        let mut record = PlanRecord::take_up(&folder.path().join("one")).unwrap();
        let mut ends = Ends(VecDeque::new(), Vec::new(), None, None, said.into_iter().collect(), 0);
        assert_eq!(carry_out(&mut record, &mut ends).await.unwrap(), expected);
        assert_eq!(ends.1.len(), 1, "{:?}", ends.1);
    }
}

#[tokio::test]
async fn a_person_can_say_what_is_missing_or_have_it_done_again() {
    for (answer, expected, runs) in [
        (None, None, 1),
        (Some("when: at ten"), Some("at ten"), 1),
        (Some("retry"), Some("second"), 2),
        (Some("what?"), None, 1),
        // A yes does not say that what was done is to be done once more.
        (Some("(the button)"), None, 1),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut record = when(folder.path(), "ask");
        let all = [done_end("sent"), done_end("when: second")].into();
        let mut ends = Ends(all, Vec::new(), None, answer, VecDeque::new(), 0);
        let end = carry_out(&mut record, &mut ends).await.unwrap();
        assert_eq!(end == PlanEnd::Done, expected.is_some(), "{answer:?} {end:?}");
        assert_eq!(record.outputs().get("when").map(String::as_str), expected, "{answer:?}");
        assert_eq!(ends.1.iter().filter(|what| what.contains("send it")).count(), runs, "{answer:?} {:?}", ends.1);
    }
}

const DIGEST: &str = "plan = \"p\"\ndocument = \"# News\\n\\n{{news}}\"\n[[goal]]\nname = \"watch\"\ngoal = \"read it\"\n\
    every = \"1h\"\nfor = \"3h\"\noutput = { news = \"items\" }\non_failure = \"skip\"\n";
const HOUR: u64 = 3_600_000;

fn digest(folder: &Path) -> PlanRecord {
    PlanRecord::create(&folder.join("digest"), Plan::parse(Path::new("p"), DIGEST, &[].into()).unwrap(), 0).unwrap()
}

#[tokio::test]
async fn a_goal_with_a_schedule_is_done_every_hour_and_tells_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let mut record = digest(folder.path());
    let ends = [
        done_end("news: Moon | it is full\nnews: Mars | red [here](x)"),
        done_end("news: none"),
        gave_up(),
        done_end("news: moon | again\nnews: Venus"),
    ];
    let mut ends = Ends(ends.into(), Vec::new(), None, None, VecDeque::new(), 7);
    assert_eq!(carry_out(&mut record, &mut ends).await.unwrap(), PlanEnd::Partly);
    let told: Vec<&str> = ends.1.iter().map(|line| line.lines().next().unwrap()).collect();
    let wait = |hours: u64| format!("wait watch: {}", 7 + hours * HOUR);
    let expected = [
        "1-watch: read it",
        &wait(1),
        "1-watch-2: read it",
        &wait(2),
        "1-watch-3: read it",
        &wait(3),
        "1-watch-4: read it",
    ];
    assert_eq!(told, expected);
    assert!(
        !ends.1[0].contains("told before") && ends.1[4].contains("leave them out: \"Moon\", \"Mars\"."),
        "{:?}",
        ends.1
    );
    let document = std::fs::read_to_string(folder.path().join("digest").join(DOCUMENT)).unwrap();
    assert_eq!(document, "# News\n\n- **Moon**: it is full\n- **Mars**: red \\[here\\](x)\n- Venus\n");
    assert_eq!(record.outputs()["news"], "Moon | it is full\nMars | red [here](x)\nVenus");
    // Each round is written down with what no earlier one has told.
    let rounds = record.lines.iter().filter_map(|line| match line {
        PlanLine::Round(round) => Some(round.outputs["news"].as_str()),
        _ => None,
    });
    assert_eq!(rounds.collect::<Vec<_>>(), ["Moon | it is full\nMars | red [here](x)", "", "Venus"]);
    let told = markdown(&record, &PlanEnd::Partly);
    assert!(told.contains("- **watch, round 2**: it cannot be done: sold out"), "{told}");
    // A program of before reads nothing wrong out of it: it knows no such version.
    let lines = std::fs::read_to_string(folder.path().join("digest/plan.jsonl")).unwrap();
    assert!(lines.starts_with("{\"plan\":{\"version\":6,"), "{lines}");
}

/// A feed to which something is added every twenty minutes, and a model that tells all that it sees there.
struct Feed(u64, u32);

#[async_trait]
impl GoalRunner for Feed {
    type Error = ();

    async fn run(&mut self, _goal: &Goal, _words: &str, _run: &str) -> Result<End, ()> {
        self.1 += 1;
        let lines: Vec<String> = (0..=self.0 / (HOUR / 3)).map(|at| format!("news: post {at} | text")).collect();
        Ok(done_end(&lines.join("\n")))
    }

    async fn run_steps(
        &mut self,
        _: &Goal,
        _: &[Step],
        _: &Outputs,
        _: &str,
        _: &[&str],
    ) -> Result<(End, StepPosition), Self::Error> {
        unreachable!("there are no steps in it")
    }

    fn has_model(&self) -> bool {
        true
    }

    async fn report(&mut self, _: &Goal, _: &str, _: &End, _: &str) -> Result<Option<String>, ()> {
        Err(())
    }

    async fn ask(&mut self, _: &Question) -> Answer {
        Answer::Nobody
    }

    async fn now(&mut self) -> Result<u64, ()> {
        Ok(self.0)
    }

    async fn wait_until(&mut self, _: &Goal, at: u64) -> Result<bool, ()> {
        self.0 = self.0.max(at);
        Ok(true)
    }

    async fn replan(&mut self, _: &str, _: &BTreeSet<String>) -> Result<Option<Plan>, ()> {
        Err(())
    }
}

#[tokio::test]
async fn a_digest_that_is_killed_at_any_line_loses_nothing_and_tells_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("digest");
    let mut record = digest(folder.path());
    let mut feed = Feed(0, 0);
    assert_eq!(carry_out(&mut record, &mut feed).await.unwrap(), PlanEnd::Done);
    assert_eq!((feed.0, feed.1), (3 * HOUR, 4));
    drop(record);
    let expected = std::fs::read_to_string(at.join(DOCUMENT)).unwrap();
    assert_eq!(expected.matches("- **post ").count(), 10, "{expected}");
    let whole = std::fs::read_to_string(at.join("plan.jsonl")).unwrap();
    let ends: Vec<usize> = whole.match_indices('\n').map(|(at, _)| at + 1).collect();
    assert_eq!(ends.len(), 1 + 1 + 4 * 2 + 1);
    // It was killed after that line, or in the middle of the next one; some time passed meanwhile, or none.
    for (end, torn, later) in
        ends.iter().flat_map(|end| [(*end, 0, 0), (*end, 5, HOUR / 2), (*end, 0, 2 * HOUR), (*end, 0, 9 * HOUR)])
    {
        std::fs::write(at.join("plan.jsonl"), &whole[..whole.len().min(end + torn)]).unwrap();
        let mut record = PlanRecord::take_up(&at).unwrap();
        let count = |is_it: fn(&PlanLine) -> bool| record.lines.iter().filter(|line| is_it(line)).count() as u64;
        let rounds = count(|line| matches!(line, PlanLine::Round(_)));
        let begun = count(|line| matches!(line, PlanLine::Begun { .. }));
        let mut feed = Feed(begun.saturating_sub(1) * HOUR + later, 0);
        assert_eq!(carry_out(&mut record, &mut feed).await.unwrap(), PlanEnd::Done, "{end} {torn} {later}");
        let found = std::fs::read_to_string(at.join(DOCUMENT)).unwrap();
        let until = found.matches("- **post ").count();
        assert!(9 < until, "{end} {torn} {later}: {found}");
        for post in 0..until {
            assert_eq!(found.matches(&format!("- **post {post}**")).count(), 1, "{end} {torn} {later}: {found}");
        }
        let lines = std::mem::take(&mut record.lines);
        drop(record);
        assert_eq!(PlanRecord::look(&at).unwrap().1, lines, "{end} {torn} {later}");
        // Rounds that were missed are made up by one.
        assert!(feed.1 <= 4 - u32::try_from(rounds).unwrap(), "{end} {torn} {later}: {}", feed.1);
    }
}

#[test]
fn lists_and_schedules_are_read_or_pointed_at() {
    let list = "plan = \"p\"\n[[goal]]\nname = \"one\"\ngoal = \"x\"\noutput = { sights = \"items\" }\n";
    let plan = Plan::parse(Path::new("p"), list, &[].into()).unwrap();
    let read = |said: &str, notes: &[String]| outputs(&plan.goals[0], said, notes).map(|found| found["sights"].clone());
    assert_eq!(read("sights: A | 1; 2\n- sights: B\nSights： a | twice", &[]), Ok("A | 1; 2\nB".to_owned()));
    assert_eq!(read("", &["sights: A".to_owned(), "sights: B".to_owned()]), Ok("A\nB".to_owned()));
    for nothing in ["sights: none", "sights: Nothing.", "sights: 没有"] {
        assert_eq!(read(nothing, &[]), Ok(String::new()), "{nothing}");
    }
    // Silence is no list of nothing.
    assert_eq!(read("I looked.", &[]).unwrap_err(), "it did not say what `sights` is");
    for (more, why) in [
        ("every = \"1h\"\n", "`every` and `for` go together"),
        ("for = \"1h\"\n", "`every` and `for` go together"),
        ("every = \"2h\"\nfor = \"1h\"\n", "`for` is shorter than `every`"),
        ("every = \"1s\"\nfor = \"30d\"\n", "rounds; 10000 are the most"),
        ("every = \"soon\"\nfor = \"1d\"\n", "\"soon\" is no time; write a whole number and s, m, h or d"),
    ] {
        let found = wrong(&format!("{list}{more}")).0;
        assert!(found.contains(why), "{more}: {found}");
    }
    let document = |text: &str| list.replace("plan = \"p\"\n", &format!("plan = \"p\"\ndocument = \"{text}\"\n"));
    assert_eq!(wrong(&document("{{sight}}")).0, "no goal has the output `sight`");
    assert_eq!(wrong(&document("{{secret:pin}}")).0, "no goal has the output `secret:pin`");
    // What a secret is called is for the agent to write; nobody fills it in.
    let secret = list.replace("goal = \"x\"", "goal = \"pay with {{secret:pin}}\"");
    let plan = Plan::parse(Path::new("p"), &secret, &[].into()).unwrap();
    assert!(told_goal(&plan.goals[0], &Outputs::new()).starts_with("pay with {{secret:pin}}\n"));
    let named = UnknownSecret { name: "pin", goal: &plan.goals[0].name, is_for_model: true };
    assert_eq!(plan.unknown_secrets(|name| name == "shop"), [named]);
    assert_eq!(plan.unknown_secrets(|name| name == "pin"), []);
    for blank in ["pay with {{ secret:pin }}", "pay with {{number:secret:pin}}"] {
        let found = wrong(&list.replace("goal = \"x\"", &format!("goal = \"{blank}\"")));
        assert!(found.0.contains("`secret:pin`"), "{blank}: {found:?}");
    }
}

#[test]
fn a_model_that_plans_anew_sets_no_schedule() {
    let folder = tempfile::tempdir().unwrap();
    let mut record = one(folder.path(), "replan");
    let toml = DIGEST.replace("for = \"3h\"", "for = \"30d\"");
    record.write(PlanLine::Replanned { toml }).unwrap();
    assert!(record.plan.goals.iter().all(|goal| goal.schedule.is_none()));
}

const WORKFLOW: &str = r#"
plan = "Rows"

[[step]]
open = "Contacts"
[[step]]
read = "Total"
output = { total = "number" }

[[goal]]
name = "look"
goal = "See whether {{total}} is right"
output = { people = "items" }

[[step]]
name = "people"
each = "{{people}}"
as = "person"
[[step.do]]
press = "{{person.title}}"
[[step.do]]
if = { text = "Friend" }
[[step.do.do]]
type = "{{person.text}} of {{total}}"
into = "Note"
[[step.do.else]]
goal = "Find {{person.title}} another way"

[[step]]
name = "end"
check = { text = "{{total}} done" }
on_failure = "hand_over"
"#;

fn steps_done(message: &str) -> End {
    End { notes: Vec::new(), ..done_end(message) }
}

/// Rows, conditions and steps become goals one after the other, and a plan that goes on has the same ones.
#[tokio::test]
async fn a_workflow_is_unrolled_and_goes_on_in_the_middle_of_a_row() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("rows");
    let plan = Plan::parse(Path::new("rows"), WORKFLOW, &[].into()).unwrap();
    assert!(plan.needs_model() && plan.hands_over());
    let mut record = PlanRecord::create(&at, plan, 0).unwrap();
    let first = [
        steps_done("all\n{\"outputs\":{\"total\":\"7\"}}"),
        done_end("people: Anna | tall\npeople: Ben | small"),
        steps_done("the step was done"),
        steps_done("it is so\n{\"holds\":true}"),
        steps_done("the step was done"),
        steps_done("the step was done"),
        End { outcome: Outcome::Stopped, steps: 0, notes: Vec::new() },
    ];
    let mut ends = Ends(first.into(), Vec::new(), None, None, VecDeque::new(), 0);
    assert_eq!(carry_out(&mut record, &mut ends).await.unwrap(), PlanEnd::Stopped(Outcome::Stopped));
    let begun = |ends: &Ends| ends.1.iter().map(|told| told.split(": ").next().unwrap().to_owned()).collect::<Vec<_>>();
    let runs = ["1-steps-1", "2-look", "3-people-1-steps-2", "4-people-1-if-1", "4-people-1-steps-3"];
    assert_eq!(begun(&ends)[..5], runs);
    assert_eq!(begun(&ends)[5..], ["5-people-2-steps-2", "6-people-2-if-1"]);
    assert!(ends.1[4].contains("\"person.text\": \"tall\"") && ends.1[4].contains("\"total\": \"7\""), "{:?}", ends.1);
    drop(record);

    let mut record = PlanRecord::take_up(&at).unwrap();
    let missing = End { outcome: Outcome::GaveUp { message: "not there".to_owned() }, steps: 1, notes: Vec::new() };
    let rest = [steps_done("it is not so\n{\"holds\":false}"), done_end("found"), missing, done_end("done")];
    let mut ends = Ends(rest.into(), Vec::new(), Some("a model is there"), None, VecDeque::new(), 0);
    assert_eq!(carry_out(&mut record, &mut ends).await.unwrap(), PlanEnd::Done, "{:?}", ends.1);
    assert_eq!(begun(&ends)[..2], ["6-people-2-if-1", "6-people-2-goal-1"]);
    assert!(ends.1[1].contains("Find \"Ben\" another way"), "what was read is quoted: {:?}", ends.1);
    assert!(ends.1[3].contains("not there") && ends.1[3].contains("check that \"7 done\""), "{:?}", ends.1);
    assert_eq!(PlanRecord::look(&at).unwrap().1.len(), record.lines.len());
}

#[tokio::test]
async fn steps_are_handed_over_only_to_a_model_that_is_there_and_not_past_a_no() {
    for (model, outcome, expected) in [
        (None, Outcome::GaveUp { message: "x".to_owned() }, "gave-up"),
        (Some("there"), Outcome::Refused { why: "x".to_owned() }, "refused"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let text = "plan = \"p\"\n[[step]]\npress = \"Save\"\non_failure = \"hand_over\"\n";
        let plan = Plan::parse(Path::new("p"), text, &[].into()).unwrap();
        let mut record = PlanRecord::create(&folder.path().join("p"), plan, 0).unwrap();
        let ends = [End { outcome, steps: 1, notes: Vec::new() }];
        let mut ends = Ends(ends.into(), Vec::new(), model, None, VecDeque::new(), 0);
        let end = carry_out(&mut record, &mut ends).await.unwrap();
        assert_eq!(id(&end), expected);
    }
}

/// What was done before the screen was another one than the steps want is nothing that a model is told to do, also if the plan was
/// killed in between.
#[tokio::test]
async fn a_deed_that_was_done_is_not_handed_over() {
    let text = "plan = \"p\"\n[[step]]\npress = \"Pay\"\nexpect = { text = \"Paid\" }\non_failure = \"hand_over\"\n";
    for (deed, is_left) in [(DeedState::Done, false), (DeedState::Doubtful, true), (DeedState::NotDone, true)] {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("p");
        let plan = Plan::parse(Path::new("p"), text, &[].into()).unwrap();
        let mut record = PlanRecord::create(&at, plan, 0).unwrap();
        let (goal, run, outcome) = (record.plan.goals[0].name.clone(), "1-steps-1".to_owned(), "gave-up".to_owned());
        let (why, end, notes) = ("{{secret:pin}} is there".to_owned(), Some(gave_up().outcome), Vec::new());
        let (step, outputs) = (Some(1), Outputs::new());
        record.write(PlanLine::Failed { goal, run, why, outcome, end, notes, step, deed, outputs }).unwrap();
        drop(record);
        let mut record = PlanRecord::take_up(&at).unwrap();
        let model = Some("a model is there");
        let mut ends = Ends([done_end("done")].into(), Vec::new(), model, None, VecDeque::new(), 0);
        assert_eq!(carry_out(&mut record, &mut ends).await.unwrap(), PlanEnd::Done);
        let (_, left) = ends.1[0].split_once("Do what is left").unwrap();
        assert_eq!(left.contains("press \"Pay\""), is_left, "{deed:?}: {:?}", ends.1);
        assert!(!ends.1[0].contains("{{secret"), "{:?}", ends.1);
    }
}

#[test]
fn mistakes_in_steps_are_pointed_at() {
    let step = |text: &str| format!("plan = \"p\"\n[[step]]\n{text}\n");
    for text in [
        "press = \"Save\"\nrole = \"button\"\nbeside = \"Anna\"\nexpect = { gone = \"Save\", within = \"5s\" }",
        "keys = \"ctrl+shift+s\"",
        "keys = \"back\"",
        "type = \"{{secret:pin}}\"\ninto = \"PIN\"",
        "call = \"files.read\"\nwith = { path = \"a\" }\noutput = { text = \"text\" }\npointer = \"/a\"",
        "pause = \"3s\"",
        "extract = '^(.+): ¥(\\d+)$'\noutput = { prices = \"items\" }\nwithin = \"3s\"",
    ] {
        Plan::parse(Path::new("p"), &step(text), &[].into()).unwrap_or_else(|wrong| panic!("{text}: {wrong}"));
    }
    for (text, why) in [
        ("", "does nothing"),
        ("press = \"A\"\ntype = \"b\"", "two things, `press` and `type`"),
        ("press = \"\"", "names no widget"),
        ("keys = \"ctrl+nokey\"", "nokey"),
        ("open = \"A\"\ntwice = true", "`twice` means nothing beside `open`"),
        ("each = \"a.csv\"\napp = \"Notes\"\n[[step.do]]\nopen = \"A\"", "`app` means nothing beside `each`"),
        ("press = \"A\"\nuntil = { text = \"a\" }", "`until` means nothing beside `press`"),
        ("keys = \"back\"\nuntil = { file = \"a\" }", "no look at the screen tells whether the file \"a\" is there"),
        ("keys = \"back\"\nuntil = { text = \"a\", within = \"3s\" }", "`within` means nothing in `until`"),
        (
            "keys = \"back\"\nuntil = { text = \"a\" }\nexpect = { text = \"b\" }",
            "`until` tells already when it is done",
        ),
        ("type = \"A\"\nrole = \"field\"", "`role` and `beside` tell apart what `into` names, and it is not there"),
        ("wait = { text = \"a\", file = \"b\" }", "about one thing"),
        ("check = { contains = \"b\" }", "about one thing"),
        ("check = { text = \"b\", on = true }", "`on` goes with `widget`"),
        ("check = { text = \"a\", contains = \"b\" }", "`contains` goes with `file`"),
        ("read = \"Total\"", "has no name"),
        ("extract = 'a'", "has no name"),
        ("extract = '('\noutput = { a = \"items\" }", "is no pattern: unclosed group"),
        ("extract = '{{city}}'\noutput = { a = \"text\" }", "takes no values"),
        ("extract = 'a'\nrole = \"text\"\noutput = { a = \"text\" }", "`role` means nothing beside `extract`"),
        ("call = \"x\"\nwith = { at = 2026-11-27 }", "is a date"),
        ("call = \"x\"\noutput = { a = \"text\", b = \"text\" }", "one thing"),
        ("type = \"{{nobody}}\"", "no earlier step has the output `nobody`"),
        ("type = \"{{row.name}}\"", "no earlier step has the output `row.name`"),
        ("each = \"rows.csv\"", "nothing to do"),
        ("if = { text = \"a\" }\n[[step.do]]\npress = \"b\"\n[[step.do]]\nname = \"a b\"\npress = \"c\"", "no name"),
        ("goal = \"a\"\non_failure = \"hand_over\"", "not made of steps"),
        ("wait = { text = \"a\", within = \"2d\" }", "minutes at most"),
        ("wait = { page = \"bank.example/orders\" }", "no whole address"),
        ("pres = \"Save\"", "there is no key `pres` here"),
    ] {
        let (found, at) = wrong(&step(text));
        assert!(found.contains(why), "{text}: {found}");
        assert!(!at.is_empty(), "{text}: it is pointed at");
    }
    assert_eq!(wrong(&step("keys = \"ctrl+nokey\"")).0, "there is no key \"nokey\"");
    let deep = (1..7).fold(String::from("plan = \"p\"\n"), |text, depth| {
        text + &format!("[[step{}]]\nif = {{ text = \"a\" }}\n", ".do".repeat(depth - 1))
    });
    assert!(wrong(&(deep + "[[step.do.do.do.do.do.do]]\npress = \"b\"\n")).0.contains("deep"));
    let by_model = Plan::parse_by_model(Path::new("p"), &step("press = \"Pay\""), &[].into()).unwrap_err();
    assert!(by_model.why.contains("has goals only"), "{by_model}");
}

/// A table is read with the plan, and kept in its record: it may be another one by the time that a killed plan goes on.
#[test]
fn a_table_is_kept_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.toml");
    let text = "plan = \"p\"\n[[step]]\neach = \"rows.csv\"\n[[step.do]]\ntype = \"{{row.name}}\"\n";
    std::fs::write(&file, text).unwrap();
    assert!(Plan::read(&file).unwrap_err().why.contains("cannot be read"));
    std::fs::write(folder.path().join("rows.csv"), "nme\nAnna\n").unwrap();
    let mistake = Plan::read(&file).unwrap_err();
    assert!(mistake.why.contains("no column") && mistake.help.unwrap().contains("row.nme"), "{}", mistake.why);
    std::fs::write(folder.path().join("rows.csv"), "name\nAnna\nBen\n").unwrap();
    let at = folder.path().join("record");
    drop(PlanRecord::create(&at, Plan::read(&file).unwrap(), 0).unwrap());
    std::fs::remove_file(folder.path().join("rows.csv")).unwrap();
    let record = PlanRecord::take_up(&at).unwrap();
    assert_eq!(record.plan.tables["rows.csv"][1]["name"], "Ben");
}

/// A plan may be a stranger's, and `--check` reads its tables too: it names no file but those beside it.
#[test]
fn a_table_lies_beside_the_plan() {
    let folder = tempfile::tempdir().unwrap();
    let (plans, bank) = (folder.path().join("plans"), folder.path().join("bank.csv"));
    std::fs::create_dir_all(plans.join("tables")).unwrap();
    for table in [&bank, &plans.join("tables/rows.csv")] {
        std::fs::write(table, "name\nAnna\n").unwrap();
    }
    let text = |each: &str| {
        let each = toml::Value::from(each);
        format!("plan = \"p\"\n[[step]]\neach = {each}\n[[step.do]]\ntype = \"x\"\n")
    };
    let outside =
        [bank.to_str().unwrap(), "/etc/passwd", "../bank.csv", "tables/../../bank.csv", "./../bank.csv", "", " "];
    for each in outside {
        let (why, at) = wrong(&text(each));
        assert!(why.contains("lies beside the plan") && !at.is_empty(), "{each}: {why}");
    }
    let file = plans.join("plan.toml");
    let read = |each: &str| {
        std::fs::write(&file, text(each)).unwrap();
        Plan::read(&file)
    };
    assert_eq!(read("tables/rows.csv").unwrap().tables["tables/rows.csv"].len(), 1);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&bank, plans.join("link.csv")).unwrap();
        std::os::unix::fs::symlink(folder.path(), plans.join("up")).unwrap();
        for each in ["link.csv", "up/bank.csv"] {
            let mistake = read(each).unwrap_err();
            assert!(mistake.why.contains("is a link") && mistake.at.is_some(), "{each}: {}", mistake.why);
        }
    }
}

/// Who resumes a plan that stopped in the middle of its steps does not have the first of them done twice.
#[tokio::test]
async fn steps_that_have_stopped_go_on_where_they_stood() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("p");
    let text = "plan = \"p\"\n[[step]]\npress = \"Pay\"\n[[step]]\npress = \"Receipt\"\n";
    let mut record = PlanRecord::create(&at, Plan::parse(Path::new("p"), text, &[].into()).unwrap(), 0).unwrap();
    let mut ends = Ends([gave_up()].into(), Vec::new(), None, None, VecDeque::new(), 0);
    assert!(matches!(carry_out(&mut record, &mut ends).await.unwrap(), PlanEnd::Stopped(Outcome::GaveUp { .. })));
    assert!(ends.1[0].ends_with("[]"), "{:?}", ends.1);
    drop(record);
    let mut record = PlanRecord::take_up(&at).unwrap();
    let mut ends = Ends([steps_done("done")].into(), Vec::new(), None, None, VecDeque::new(), 0);
    assert_eq!(carry_out(&mut record, &mut ends).await.unwrap(), PlanEnd::Done);
    assert!(ends.1[0].starts_with("1-steps-1-2: ") && ends.1[0].ends_with("[\"1-steps-1\"]"), "{:?}", ends.1);
}

/// A try goes on where the one before it stood: what that one has paid is not paid again, and what it has read is known.
#[tokio::test]
async fn steps_that_are_tried_again_go_on_where_they_stood() {
    let folder = tempfile::tempdir().unwrap();
    let text = "plan = \"p\"\n[[step]]\npress = \"Pay\"\nretries = 2\n[[step]]\npress = \"Receipt\"\n";
    let plan = Plan::parse(Path::new("p"), text, &[].into()).unwrap();
    let mut record = PlanRecord::create(&folder.path().join("p"), plan, 0).unwrap();
    let mut ends = Ends([gave_up(), gave_up(), steps_done("done")].into(), Vec::new(), None, None, VecDeque::new(), 0);
    assert_eq!(carry_out(&mut record, &mut ends).await.unwrap(), PlanEnd::Done);
    let befores: Vec<&str> = ends.1.iter().map(|told| told.rsplit("} ").next().unwrap()).collect();
    assert_eq!(befores, ["[]", "[\"1-steps-1\"]", "[\"1-steps-1\", \"1-steps-1-2\"]"]);
}

/// A model that goes on in the middle of steps, and the goals after it, know what the steps before have found out.
#[tokio::test]
async fn what_steps_have_found_out_is_known_after_a_hand_over() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("p");
    let text = "plan = \"p\"\ndocument = \"{{total}}\"\n[[step]]\nread = \"Total\"\noutput = { total = \"number\" }\non_failure = \"hand_over\"\n\
        [[step]]\ntype = \"{{total}}\"\ninto = \"Amount\"\n[[goal]]\nname = \"pay\"\ngoal = \"Pay {{total}}\"\n";
    let mut record = PlanRecord::create(&at, Plan::parse(Path::new("p"), text, &[].into()).unwrap(), 0).unwrap();
    let failed = End { notes: vec!["total: 7".to_owned()], ..gave_up() };
    let first = [failed, End { outcome: Outcome::Stopped, steps: 0, notes: Vec::new() }];
    let mut ends = Ends(first.into(), Vec::new(), Some("a model is there"), None, VecDeque::new(), 0);
    assert_eq!(carry_out(&mut record, &mut ends).await.unwrap(), PlanEnd::Stopped(Outcome::Stopped));
    drop(record);
    let mut record = PlanRecord::take_up(&at).unwrap();
    let rest = [done_end("typed"), done_end("paid")];
    let mut ends = Ends(rest.into(), Vec::new(), Some("a model is there"), None, VecDeque::new(), 0);
    assert_eq!(carry_out(&mut record, &mut ends).await.unwrap(), PlanEnd::Done, "{:?}", ends.1);
    assert!(ends.1[0].contains("type \"7\" into") && ends.1[1].contains("Pay 7"), "{:?}", ends.1);
    assert_eq!(std::fs::read_to_string(at.join(DOCUMENT)).unwrap().trim(), "7");
}

/// What the model is shown as known when it plans anew is known when its plan is read from the record, too.
#[test]
fn a_plan_that_is_written_anew_may_name_what_steps_have_found_out() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("p");
    let text = "plan = \"p\"\n[[step]]\nread = \"Total\"\noutput = { total = \"number\" }\n[[goal]]\nname = \"pay\"\ngoal = \"Pay {{total}}\"\n";
    let plan = Plan::parse(Path::new("p"), text, &[].into()).unwrap();
    let goal = plan.goals[0].name.clone();
    let mut record = PlanRecord::create(&at, plan, 0).unwrap();
    let outputs = Outputs::from([("total".to_owned(), "7".to_owned())]);
    let (why, deed) = ("it is elsewhere".to_owned(), DeedState::NotDone);
    record.write(PlanLine::HandedOver { goal, step: 2, deed, why, outputs }).unwrap();
    let toml = "plan = \"p\"\n[[goal]]\nname = \"transfer\"\ngoal = \"Transfer {{total}}\"\n".to_owned();
    record.write(PlanLine::Replanned { toml }).unwrap();
    drop(record);
    let record = PlanRecord::take_up(&at).unwrap();
    assert!(record.plan.goals.iter().any(|goal| goal.name == "transfer"));
}

/// Rows that come to more goals than a plan may have are not written down: the record could not be read any more.
#[tokio::test]
async fn too_many_rows_stop_a_plan_that_can_still_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("p");
    let body = "[[step.do]]\ngoal = \"a\"\n".repeat(60);
    let text = format!(
        "plan = \"p\"\n[[step]]\nextract = '.+'\noutput = {{ rows = \"items\" }}\n[[step]]\neach = \"{{{{rows}}}}\"\n{body}"
    );
    let mut record = PlanRecord::create(&at, Plan::parse(Path::new("p"), &text, &[].into()).unwrap(), 0).unwrap();
    let goal = record.plan.goals[0].name.clone();
    let rows: Vec<String> = (0..400).map(|row| row.to_string()).collect();
    let outputs = Outputs::from([("rows".to_owned(), rows.join("\n"))]);
    record.write(PlanLine::Achieved(Achieved { goal, run: "1-a".to_owned(), outputs, notes: Vec::new() })).unwrap();
    let mut ends = Ends(VecDeque::new(), Vec::new(), Some("a model is there"), None, VecDeque::new(), 0);
    let end = carry_out(&mut record, &mut ends).await.unwrap();
    assert!(
        matches!(&end, PlanEnd::Stopped(Outcome::GaveUp { message }) if message.contains("20000 goals")),
        "{end:?}"
    );
    drop(record);
    PlanRecord::take_up(&at).unwrap();
}

/// Steps that stand together are one part of a plan, which begins far above the one that is wrong.
#[test]
fn a_name_that_nobody_has_is_pointed_at_where_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rows.csv"), "what,who\ntea,Ben\n").unwrap();
    let file = folder.path().join("plan.toml");
    for (steps, wrong) in [
        ("[[step]]\nopen = \"A\"\n[[step]]\npress = \"B\"\n[[step]]\ntype = \"x {{totl}}\"\n", "{{totl}}"),
        ("[[step]]\nopen = \"A\"\n[[step]]\ncall = \"x\"\nwith = { a = [\"{{ number:sum }}\"] }\n", "{{ number:sum }}"),
        (
            "[[step]]\neach = \"rows.csv\"\n[[step.do]]\ntype = \"{{row.what}}\"\n[[step.do]]\npress = \"B\"\n[[step.do]]\n\
             check = { text = \"{{row.what}} for {{row.wo}}\" }\n",
            "{{row.wo}}",
        ),
        ("[[step]]\nopen = \"A\"\n[[step]]\nif = { text = \"{{'{{'}} {{x}}\" }\n[[step.do]]\npress = \"b\"\n", "{{x}}"),
        ("[[step]]\neach = \"{{places}}\"\n[[step.do]]\ntype = \"x\"\n", "{{places}}"),
        ("[[goal]]\nname = \"g\"\ngoal = \"Go to {{where}}\"\n", "{{where}}"),
    ] {
        let text = format!("plan = \"p\"\n{steps}");
        std::fs::write(&file, &text).unwrap();
        let mistake = Plan::read(&file).unwrap_err();
        assert_eq!(&text[mistake.at.clone().unwrap()], wrong, "{mistake}");
    }
}

const ERRAND: &str = "plan = \"p\"\ndocument = \"{{who}}: {{total}}\"\n[parameters.who]\nabout = \"to whom it goes\"\n[parameters.what]\n\
    about = \"what it is\"\ndefault = \"tea\"\n[[step]]\ntype = \"{{what}} for {{who}}\"\n[[step]]\nread = \"Total\"\n\
    output = { total = \"text\" }\n[[goal]]\nname = \"tell\"\ngoal = \"Tell {{who}}: {{total}}\"\n";

fn given(values: &[&str]) -> Vec<(String, String)> {
    let pairs = values.iter().map(|pair| pair.split_once('=').unwrap());
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[test]
fn what_a_plan_takes_is_complete_or_nothing_begins() {
    use tapwright_agent::secrets::{SecretText, Secrets};
    let plan = |values: &[&str]| {
        let pin = SecretText::new("47114711".to_owned()).unwrap();
        let secrets = Secrets::new([("pin".to_owned(), pin)].into());
        let plan = Plan::parse(Path::new("p"), ERRAND, &[].into()).unwrap();
        plan.with_parameters(&given(values), &secrets)
            .map(|plan| plan.values)
            .map_err(|error| (error.to_string(), error.help()))
    };
    assert_eq!(
        plan(&["who=Anna"]).unwrap(),
        Outputs::from([("what".to_owned(), "tea".to_owned()), ("who".to_owned(), "Anna".to_owned())])
    );
    assert_eq!(plan(&["who=a=b", "what="]).unwrap()["who"], "a=b");
    for (values, why, help) in [
        (&[][..], "the plan needs `who` (to whom it goes)", "--set who=VALUE"),
        (&["what=milk"], "the plan needs `who`", "--set who=VALUE"),
        (&["who=Anna", "wht=milk"], "takes no value `wht`", "did you mean `what`?"),
        (&["who=Anna", "zzz=1"], "takes no value `zzz`", "it takes: what, who"),
        (&["who=Anna", "who=Ben"], "given twice", "leave out one --set who="),
        (&["who=Anna 47114711!"], "has a secret in it", "{{secret:NAME}}"),
        (&["who={{secret:pin}}"], "has a secret in it", "[policy.secrets]"),
        (&[&format!("who={}", "x".repeat(70_000))], "70000 bytes", "table"),
    ] {
        let (found, helps) = plan(values).unwrap_err();
        assert!(found.contains(why) && helps.contains(help), "{values:?}: {found}; {helps}");
    }
    let declared = |text: &str| {
        let (why, at) =
            wrong(&format!("plan = \"p\"\n{text}\n[[step]]\nread = \"T\"\noutput = {{ total = \"text\" }}\n"));
        assert!(!at.is_empty(), "{text}");
        why
    };
    for (text, why) in [
        ("[parameters.total]\nabout = \"a\"", "two outputs with the name `total`, or a parameter"),
        ("[parameters.\"a b\"]\nabout = \"a\"", "no name for a parameter"),
        ("[parameters.a]\nabout = \" \"", "has no words"),
        ("[parameters.a]\nabout = \"a\"\ndefault = \"{{secret:pin}}\"", "names something"),
        ("[parameters.a]\nabout = \"a\"\nvalue = \"a\"", "no key `value`"),
    ] {
        assert!(declared(text).contains(why), "{text}: {}", declared(text));
    }
    let by_model = Plan::parse_by_model(Path::new("p"), ERRAND, &[].into()).unwrap_err();
    assert!(by_model.why.contains("parameters"), "{by_model}");
}

/// A plan that goes on has the values that it began with, whatever is given by then. They are its user's words, and no data.
#[tokio::test]
async fn what_a_plan_was_given_is_kept_in_its_record() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("p");
    let plan = Plan::parse(Path::new("p"), ERRAND, &[].into()).unwrap();
    let plan = plan.with_parameters(&given(&["who=Anna Ω"]), &Default::default()).unwrap();
    drop(PlanRecord::create(&at, plan, 0).unwrap());
    let mut record = PlanRecord::take_up(&at).unwrap();
    let mut ends = Ends(
        [steps_done("all 2 steps were done\n{\"outputs\":{\"total\":\"7 tons\"}}"), done_end("told")].into(),
        Vec::new(),
        None,
        None,
        VecDeque::new(),
        0,
    );
    assert_eq!(carry_out(&mut record, &mut ends).await.unwrap(), PlanEnd::Done, "{:?}", ends.1);
    assert!(ends.1[0].contains("\"who\": \"Anna Ω\""), "{:?}", ends.1);
    assert!(ends.1[1].contains("Tell Anna Ω: "), "{:?}", ends.1);
    assert!(std::fs::read_to_string(at.join(DOCUMENT)).unwrap().contains("Anna Ω: "));
    assert!(markdown(&record, &PlanEnd::Done).contains("with **who** = Anna Ω"));
}
