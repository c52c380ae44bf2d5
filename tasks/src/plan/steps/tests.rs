//! Which widget is meant, what holds, and how far a journal says that a run has come.

use tapwright_agent::event::{ActionResult, Fault};
use tapwright_agent::journal::{Entry, EventLine, Line, Step as StepLine};
use tapwright_agent::step::{Decided, StepResult};
use tapwright_contract::Size;
use tapwright_contract::device::{Area, Front, Label};

use super::condition::{ConditionVerdict, FilePages, InquiryAnswer, Unmet};
use super::find::{content, role_word, value_at};
use super::progress::LastTry;
use super::*;
use crate::plan::values::Outputs;
use crate::step_mark::{Mark, ScreenPrint};

const DISPLAY: Size = Size { width: 400, height: 800 };

fn label(role: &str, text: &str, [left, top, right, bottom]: [u32; 4]) -> Label {
    Label {
        text: text.to_owned(),
        area: Area { left, top, right, bottom },
        touchable: ["Button", "EditText", "LinearLayout", "Switch"].contains(&role),
        focused: false,
        secret: false,
        app: None,
        role: Some(role.to_owned()),
        value: None,
        is_on: None,
    }
}

/// A page with two rows, each with a button of the same name, a captioned field, and a button whose words are drawn in it.
fn page() -> Vec<Label> {
    vec![
        label("TextView", "Contacts", [0, 0, 200, 40]),
        label("LinearLayout", "", [0, 100, 400, 160]),
        label("TextView", "Anna", [10, 110, 100, 150]),
        label("Button", "Delete", [300, 110, 380, 150]),
        label("LinearLayout", "", [0, 160, 400, 220]),
        label("TextView", "Ben", [10, 170, 100, 210]),
        label("Button", "Delete", [300, 170, 380, 210]),
        label("TextView", "City", [10, 300, 100, 340]),
        label("EditText", "Oslo", [120, 300, 380, 340]),
        label("EditText", "\nSearch", [10, 400, 380, 440]),
        label("Button", "", [10, 500, 200, 560]),
        label("TextView", "Save", [60, 510, 140, 550]),
        label("TextView", "Wi-Fi", [10, 600, 100, 640]),
        label("Switch", "off", [300, 600, 380, 640]),
        label("Button", "Far below", [10, 900, 200, 960]),
    ]
}

fn found(target: &Target) -> String {
    match find(target, &page(), DISPLAY) {
        Found::One(label) => in_words(label),
        Found::None => "none".to_owned(),
        Found::Several(which) => format!("{}: {}", which.len(), which.join(", ")),
    }
}

#[test]
fn a_widget_is_found_by_what_is_written_and_only_if_it_is_the_only_one() {
    let of = |text: &str, role: Option<&str>, beside: Option<&str>| {
        let owned = |word: Option<&str>| word.map(str::to_owned);
        found(&Target { text: text.to_owned(), role: owned(role), beside: owned(beside) })
    };
    assert_eq!(of("Anna", None, None), "TextView \"Anna\" at 55,130");
    assert_eq!(of("anna", None, None), "TextView \"Anna\" at 55,130");
    assert_eq!(of("Ann", None, None), "none", "a part is not the whole");
    assert!(of("Delete", None, None).starts_with("2: "));
    assert_eq!(of("Delete", Some("button"), Some("Ben")), "Button \"Delete\" at 340,190");
    assert_eq!(of("Delete", Some("link"), None), "none");
    assert_eq!(of("Save", Some("button"), None), "Button \"\" at 105,530", "the button that the words are in");
    assert_eq!(of("Save", None, None), "TextView \"Save\" at 100,530");
    assert_eq!(of("Wi-Fi", Some("switch"), None), "Switch \"off\" at 340,620", "the switch of the row");
    assert_eq!(of("Anna", Some("button"), None), "none", "the button of the row is another thing");
    assert_eq!(of("Far below", None, None), "none", "what lies outside of the display is not there");
}

/// A dialog with the name of the buttons in it does not make one of them.
#[test]
fn two_buttons_in_one_of_their_name_are_two() {
    let dialog = label("LinearLayout", "Delete", [0, 0, 400, 400]);
    let button = |left| label("Button", "Delete", [left, 300, left + 80, 340]);
    let words = label("TextView", "Delete", [20, 310, 60, 330]);
    let found = |page: &[Label]| match find(&Target::of("Delete"), page, DISPLAY) {
        Found::One(label) => Some(label.area.left),
        Found::None | Found::Several(_) => None,
    };
    assert_eq!(found(&[dialog.clone(), button(10), button(210)]), None);
    assert_eq!(found(&[dialog, button(10), words]), Some(10), "one button, its words and what it lies in");
}

#[test]
fn a_field_is_found_by_its_hint_or_its_caption() {
    let page = page();
    let field = |text: &str| match find_field(&Target::of(text), &page, DISPLAY) {
        Found::One(label) => in_words(label),
        other => format!("{other:?}"),
    };
    assert_eq!(field("City"), "EditText \"Oslo\" at 250,320");
    assert_eq!(field("Search"), "EditText \"Search\" at 195,420");
    assert_eq!(field("Save"), "None");
    assert_eq!(value_at(&Target::of("City"), &page, DISPLAY).unwrap().text, "Oslo");
    assert_eq!(value_at(&Target::of("Wi-Fi"), &page, DISPLAY).unwrap().text, "off");
}

/// What stands first behind a caption is what it is for: a field behind that, or below it, is another one's.
#[test]
fn a_caption_never_leads_to_its_neighbours_field() {
    let mut list = label("ComboBox", "Red\nColour", [120, 10, 200, 40]);
    (list.touchable, list.value) = (true, Some("Red".to_owned()));
    let page = [
        label("Label", "Colour", [10, 10, 100, 40]),
        list.clone(),
        label("EditText", "keep me", [210, 10, 390, 40]),
        label("TextView", "Brightness", [10, 60, 100, 90]),
        label("SeekBar", "", [120, 60, 200, 90]),
        label("EditText", "another", [210, 60, 390, 90]),
        label("TextView", "Silent", [10, 110, 100, 140]),
        label("Switch", "off", [120, 110, 200, 140]),
        label("EditText", "below", [10, 150, 390, 180]),
    ];
    let field = |text: &str| find_field(&Target::of(text), &page, DISPLAY);
    assert_eq!(field("Colour"), Found::One(&list));
    assert_eq!((field("Brightness"), field("Silent")), (Found::None, Found::None));
    assert_eq!(role_word("ComboBox"), Some("combobox"));
    assert_eq!(content(value_at(&Target::of("Colour"), &page, DISPLAY).unwrap()), "Red");
    // The caption and the list are one thing, and the list is what is pressed.
    assert_eq!(find(&Target::of("Colour"), &page, DISPLAY), Found::One(&list));
}

#[test]
fn conditions_say_what_was_there_instead() {
    let page = page();
    let front = Front { id: "com.contacts".to_owned(), label: "Contacts".to_owned(), aliases: Vec::new() };
    let holds = |screen: ScreenCondition| screen.holds(Some(&page), Some(&front), DISPLAY).map_err(Unmet::why);
    let text = |text: &str| ScreenCondition { text: Some(text.to_owned()), ..ScreenCondition::default() };
    assert_eq!(holds(text("Ann")), Ok(()), "a part is enough");
    assert!(holds(text("Clara")).unwrap_err().contains("there is: Contacts | Anna | Delete"));
    let gone = ScreenCondition { gone: Some("Anna".to_owned()), ..ScreenCondition::default() };
    assert!(holds(gone).unwrap_err().contains("still written"));
    let twice = ScreenCondition { widget: Some(Target::of("Delete")), ..ScreenCondition::default() };
    assert!(holds(twice).unwrap_err().contains("more than once"));
    // A row tells of the one switch in it; what holds several, or none, tells nothing.
    let mut page = page.clone();
    page[0].area = Area { left: 0, top: 0, right: 400, bottom: 700 };
    for at in [4, 13] {
        page[at].is_on = Some(at == 13);
    }
    let state = |text: &str, role: Option<&str>, on: bool| {
        let widget = Some(Target { role: role.map(str::to_owned), ..Target::of(text) });
        let screen = ScreenCondition { widget, on: Some(on), ..ScreenCondition::default() };
        screen.holds(Some(&page), Some(&front), DISPLAY).map_err(Unmet::why)
    };
    assert_eq!((state("Ben", Some("row"), false), state("Wi-Fi", Some("switch"), true)), (Ok(()), Ok(())));
    assert!(state("Wi-Fi", Some("switch"), false).unwrap_err().ends_with("is on"));
    assert!(state("Anna", Some("row"), true).unwrap_err().contains("does not tell whether"));
    assert!(state("Contacts", None, true).unwrap_err().contains("does not tell whether"));
    let app = |app: &str| ScreenCondition { app: Some(app.to_owned()), ..ScreenCondition::default() };
    assert_eq!((holds(app("contacts")), holds(app("com.contacts"))), (Ok(()), Ok(())));
    assert!(holds(app("Mail")).unwrap_err().contains("Contacts"));
    assert!(text("x").holds(None, None, DISPLAY).is_err());
    // The last window of a desktop was closed.
    let empty = Front { id: "desktop".to_owned(), label: "Desktop".to_owned(), aliases: Vec::new() };
    let gone = ScreenCondition { gone: Some("File".to_owned()), ..ScreenCondition::default() };
    assert_eq!(gone.holds(None, Some(&empty), DISPLAY), Ok(()));
    assert!(
        gone.holds(None, Some(&front), DISPLAY).is_err() && text("File").holds(None, Some(&empty), DISPLAY).is_err()
    );

    let listed = r#"{"folder":"/h/in","files":[{"name":"a.csv","kind":"file","bytes":3}],"left_out":0}"#;
    assert_eq!(told(&file(None, false), listed), ConditionVerdict::Holds);
    assert!(instead(told(&file(None, true), listed)).contains("is there"));
    assert!(instead(told(&file(None, false), r#"{"files":[{"name":"b"}]}"#)).contains('b'));
    assert!(instead(told(&file(Some("x"), false), "y")).contains("\"y\""));
    assert!(instead(told(&file(Some("x"), true), "y x")).contains("\"x\""));
}

/// What the answer to a condition's first call comes to.
fn told(condition: &Condition, answer: &str) -> ConditionVerdict {
    condition.holds_by(InquiryAnswer::Told(answer), &mut FilePages::default())
}

fn instead(verdict: ConditionVerdict) -> String {
    match verdict {
        ConditionVerdict::Not(instead) => instead,
        other => panic!("{other:?}"),
    }
}

fn file(contains: Option<&str>, is_gone: bool) -> Condition {
    Condition::File { path: "in/a.csv".to_owned(), contains: contains.map(str::to_owned), is_gone }
}

/// A file that nobody may read is not a missing one, and what is not told is not known.
#[test]
fn only_what_is_told_of_a_file_counts() {
    let answered =
        |condition: &Condition, answer: InquiryAnswer<'_>| condition.holds_by(answer, &mut FilePages::default());
    for contains in [None, Some("x")] {
        assert_eq!(answered(&file(contains, true), InquiryAnswer::NoFile), ConditionVerdict::Holds);
        assert!(matches!(answered(&file(contains, false), InquiryAnswer::NoFile), ConditionVerdict::Not(_)));
        for is_gone in [false, true] {
            let refused = InquiryAnswer::Nothing("not done: the file is not text");
            let unknown = ConditionVerdict::Unknown("not done: the file is not text".to_owned());
            assert_eq!(answered(&file(contains, is_gone), refused), unknown, "{contains:?} {is_gone}");
        }
    }
    let cut = r#"{"files":[{"name":"b"}],"left_out":3}"#;
    for is_gone in [false, true] {
        assert!(matches!(told(&file(None, is_gone), cut), ConditionVerdict::Unknown(_)));
        assert!(matches!(told(&file(None, is_gone), "no list"), ConditionVerdict::Unknown(_)));
        assert!(matches!(told(&file(Some(""), is_gone), "text"), ConditionVerdict::Unknown(_)));
    }
    assert_eq!(told(&file(None, false), r#"{"files":[{"name":"a.csv"}],"left_out":3}"#), ConditionVerdict::Holds);
}

/// A file is told a part at a time, and what is looked for may begin in one and end in the next.
#[test]
fn a_long_file_is_read_to_its_end() {
    let read = |condition: &Condition, parts: &[&str]| {
        let mut pages = FilePages::default();
        let mut begun = Vec::new();
        for part in parts {
            begun.push(condition.inquiry(&pages).unwrap().arguments["from"].as_u64().unwrap_or(0));
            match condition.holds_by(InquiryAnswer::Told(part), &mut pages) {
                ConditionVerdict::Part => {}
                verdict => return (verdict, begun),
            }
        }
        panic!("it is not at its end")
    };
    let parts =
        ["aaaé\n… of 12 characters; the rest begins at 4", "ndbb\n… of 12 characters; the rest begins at 8", "cccc"];
    assert_eq!(read(&file(Some("énd"), false), &parts), (ConditionVerdict::Holds, vec![0, 4]));
    assert_eq!(read(&file(Some("cc"), false), &parts), (ConditionVerdict::Holds, vec![0, 4, 8]));
    assert!(matches!(read(&file(Some("bba"), false), &parts), (ConditionVerdict::Not(_), _)));
    assert_eq!(read(&file(Some("bba"), true), &parts), (ConditionVerdict::Holds, vec![0, 4, 8]));
    assert!(matches!(read(&file(Some("bbcc"), true), &parts), (ConditionVerdict::Not(_), _)));
    // A file whose own last line says so: it is not read for ever.
    let itself = "text\n… of 9 characters; the rest begins at 5";
    assert!(matches!(read(&file(Some("x y"), false), &[itself, itself]), (ConditionVerdict::Not(_), _)));
}

#[test]
fn a_page_is_meant_by_its_whole_server() {
    let at = |wanted: &str, found: &str| {
        let tabs = serde_json::json!([
            { "address": "https://other.example/", "in_front": false },
            { "address": found, "in_front": true },
        ]);
        told(&Condition::Page { address: wanted.to_owned() }, &tabs.to_string())
    };
    for (wanted, found) in [
        ("https://bank.example", "https://bank.example/"),
        ("https://bank.example", "https://bank.example/a?b=c#d"),
        ("https://BANK.example:443/a", "https://bank.example/a"),
        ("https://bank.example/a", "https://bank.example/a/b"),
        ("https://bank.example/a/", "https://bank.example/a/b"),
        ("https://bank.example/?way", "https://bank.example/?way"),
        ("http://127.0.0.1:8080/#end", "http://127.0.0.1:8080/#end"),
    ] {
        assert_eq!(at(wanted, found), ConditionVerdict::Holds, "{wanted} {found}");
    }
    for (wanted, found) in [
        ("https://bank.example", "https://bank.example.evil.com/"),
        ("https://bank.example", "https://bank.example@evil.com/"),
        ("https://bank.example", "http://bank.example/"),
        ("https://bank.example", "https://bank.example:8443/"),
        ("https://bank.example/a", "https://bank.example/ab"),
        ("https://bank.example/a", "https://bank.example/"),
        ("https://bank.example/?way", "https://bank.example/?way=2"),
        ("https://bank.example/?way", "https://bank.example/a?way"),
        ("https://bank.example/", "about:blank"),
        ("https://bank.example/", "no address"),
    ] {
        assert!(matches!(at(wanted, found), ConditionVerdict::Not(_)), "{wanted} {found}");
    }
    let page = Condition::Page { address: "https://bank.example".to_owned() };
    for nothing in ["[]", "no list", r#"[{"address":"https://bank.example/","in_front":false}]"#] {
        assert!(matches!(told(&page, nothing), ConditionVerdict::Unknown(_)), "{nothing}");
    }
    assert!(matches!(at("bank.example", "https://bank.example/"), ConditionVerdict::Unknown(_)));
}

/// A run whose journal is told line by line.
struct Told(SharedProgress);

impl Told {
    fn line(&self, line: Line) {
        self.0.observe(&Entry { seq: 0, ms: 0, line });
    }

    fn step(&self, mark: &Mark, action: &str, told: Option<&str>, result: StepResult) {
        self.acted(mark, action, told.map(|text| ActionResult::Told { text: text.to_owned() }), result);
    }

    /// A call that was refused for this reason.
    fn refused(&self, mark: &Mark, why: &str) {
        let fault = Fault::Refused { why: why.to_owned() };
        self.acted(mark, "call()", Some(ActionResult::Failed(fault)), StepResult::NotDone);
    }

    fn acted(&self, mark: &Mark, action: &str, acted: Option<ActionResult>, result: StepResult) {
        let decided = Decided { step: 1, thought: format!("{mark}words"), action: action.to_owned() };
        self.line(Line::Decided(decided.clone()));
        if let Some(acted) = acted {
            self.line(Line::Event(EventLine::Acted(acted)));
        }
        let step = StepLine {
            decided,
            result,
            summary: "so it was".to_owned(),
            look_ms: 0,
            think_ms: 0,
            ask_ms: 0,
            act_ms: 0,
            tokens_in: 0,
            tokens_out: 0,
        };
        self.line(Line::Step(step));
    }

    fn at(&self) -> (usize, usize) {
        self.0.now().at
    }
}

fn at(step: usize, part: usize) -> Mark {
    Mark { at: (step, part), ..Mark::default() }
}

#[test]
fn a_journal_tells_where_a_run_stands() {
    let call = |output: Option<StepOutput>| Step {
        output,
        ..Step::new(StepAction::Call { name: "x".to_owned(), arguments: Value::Null })
    };
    let price = StepOutput { name: "price".to_owned(), kind: OutputKind::Number, pointer: Some("/sum".to_owned()) };
    let title = StepOutput { name: "title".to_owned(), kind: OutputKind::Text, pointer: None };
    let steps = [
        Step::new(StepAction::Type { text: "a".to_owned(), into: Some(Target::of("City")), adds: false }),
        call(Some(price)),
        Step::new(StepAction::Scroll { target: Target::of("End"), way: Way::Down }),
        Step { output: Some(title), ..Step::new(StepAction::Read(Target::of("Title"))) },
        Step::new(StepAction::Press { target: Target::of("Send"), how: Press::Once }),
    ];
    let run = Told(SharedProgress::new(&steps, &Outputs::new()));
    run.step(&at(0, 0), "click(at=[1,1])", None, StepResult::Done);
    assert_eq!(run.at(), (0, 1), "the field has the focus, and nothing is typed yet");
    run.step(&at(0, 1), "type(text=\"a\", clear=True)", None, StepResult::NotDone);
    assert_eq!((run.at(), run.0.now().tries), ((0, 1), 1));
    run.step(&at(0, 1), "type(text=\"a\", clear=True)", None, StepResult::Done);
    run.step(&at(1, 0), "call(name=\"x\", arguments={})", Some("{\"sum\": \"¥ 1,299.50\"}"), StepResult::Answered);
    assert_eq!((run.at(), run.0.now().outputs["price"].as_str()), ((2, 0), "1299.5"));
    run.step(&at(2, 0), "swipe(start=[1,9], end=[1,1])", None, StepResult::Done);
    assert_eq!((run.at(), run.0.now().last), ((2, 0), LastTry::Repeated), "it is looked for again");
    run.step(&at(2, 0), "screenshot()", None, StepResult::Waited);
    run.step(&at(3, 0), "note(message=\"A \\\"title\\\"\")", None, StepResult::Noted);
    assert_eq!(run.0.now().outputs["title"], "A \"title\"");
    let print = ScreenPrint {
        screen: Some("ab12ab12ab12".to_owned()),
        widget: Some("cd34cd34cd34".to_owned()),
        app: None,
        was_so: true,
    };
    let send = Mark { print: print.clone(), ..at(4, 0) };
    run.step(&send, "click(at=[1,1])", None, StepResult::Suspended);
    assert_eq!((run.at(), run.0.now().last), ((4, 0), LastTry::None), "nothing came of it yet");
    run.step(&send, "click(at=[1,1])", None, StepResult::Uncertain);
    assert_eq!(run.0.now().last, LastTry::Doubtful { before: print });
    run.step(&send, "click(at=[1,1])", None, StepResult::Done);
    assert_eq!(run.at(), (5, 0));
    let said = progress::finish_message(&run.0.now(), None);
    assert_eq!(outputs_of(&said), run.0.now().outputs, "{said}");
    assert_eq!(verdict_of(&progress::finish_message(&run.0.now(), Some(true))), Some(true));
}

/// What a call tells decides a condition as a look at the screen does.
#[test]
fn a_test_of_a_file_ends_with_what_was_found() {
    for (listed, holds) in [(r#"{"files":[{"name":"a.csv"}]}"#, true), (r#"{"files":[]}"#, false)] {
        let run = Told(SharedProgress::new(&[Step::new(StepAction::Test(file(None, false)))], &Outputs::new()));
        run.step(&at(0, 0), "call(name=\"files.list\", arguments={})", Some(listed), StepResult::Answered);
        assert_eq!(run.0.now().is_test_over(), holds, "{listed}");
    }
}

/// What was called is not called again for an answer that does not fit, and nobody goes on as if it did.
#[test]
fn an_answer_that_does_not_fit_is_not_passed_over() {
    let total = StepOutput { name: "total".to_owned(), kind: OutputKind::Number, pointer: Some("/sum".to_owned()) };
    let call = StepAction::Call { name: "shop.total".to_owned(), arguments: Value::Null };
    let steps = [
        Step { output: Some(total), ..Step::new(call) },
        Step::new(StepAction::Press { target: Target::of("Save"), how: Press::Once }),
    ];
    let run = Told(SharedProgress::new(&steps, &Outputs::new()));
    run.step(&at(0, 0), "call(name=\"shop.total\", arguments={})", Some("{}"), StepResult::Answered);
    for _ in 0..2 {
        let failure = run.0.now().failure.unwrap();
        assert!(failure.step == 0 && failure.why.contains("`/sum`"), "{failure:?}");
        assert_eq!((run.0.position().step, run.0.position().deed), (0, DeedState::Done));
        run.0.begin_anew();
    }
}

/// A list is longer than a screen: what was found above is known further down, and in a run that goes on.
#[test]
fn a_list_is_put_together_from_its_screens() {
    let extract = |name: &str, kind| Step {
        output: Some(StepOutput { name: name.to_owned(), kind, pointer: None }),
        ..Step::new(StepAction::Extract { pattern: ".+".to_owned() })
    };
    let steps = [extract("sights", OutputKind::Items), extract("price", OutputKind::Number)];
    let run = Told(SharedProgress::new(&steps, &Outputs::new()));
    run.step(&at(0, 0), "note(message=\"Old Palace\\nSnow World\")", None, StepResult::Noted);
    assert_eq!((run.at(), run.0.now().last), ((0, 0), LastTry::Part), "there may be more");
    run.step(&at(0, 0), "swipe(start=[1,9], end=[1,1])", None, StepResult::Done);
    assert_eq!(run.0.now().extracted, ["Old Palace", "Snow World"]);
    run.step(&at(0, 0), "note(message=\"Film Museum | ¥50\")", None, StepResult::Noted);
    run.step(&at(0, 0), "screenshot()", None, StepResult::Waited);
    assert_eq!((run.at(), run.0.now().extracted.len()), ((1, 0), 0));
    assert_eq!(run.0.now().outputs["sights"], "Old Palace\nSnow World\nFilm Museum | ¥50");
    // Of a text or a number the first is meant.
    run.step(&at(1, 0), "swipe(start=[1,9], end=[1,1])", None, StepResult::Done);
    run.step(&at(1, 0), "note(message=\"¥50\")", None, StepResult::Noted);
    assert_eq!((run.at(), run.0.now().outputs["price"].as_str()), ((2, 0), "50"));
    let wrong = Told(SharedProgress::new(&steps[1..], &Outputs::new()));
    wrong.step(&at(0, 0), "note(message=\"free\")", None, StepResult::Noted);
    assert!(wrong.0.now().failure.is_some_and(|failure| failure.why.contains("number")));
    wrong.0.begin_anew();
    assert_eq!((wrong.at(), wrong.0.now().extracted.len()), ((0, 0), 0), "it is looked for again");
}

/// A cell that is to be added up is a number, and no text that looks like one.
#[test]
fn a_number_of_a_row_is_a_number_in_a_call() {
    let arguments = serde_json::json!({"values": [["{{row.name}}", "{{number:row.price}}", "{{row.price}}"]]});
    let step = Step::new(StepAction::Call { name: "calc.write".to_owned(), arguments });
    let values =
        Outputs::from([("row.name".to_owned(), "7".to_owned()), ("row.price".to_owned(), "€ 1,50".to_owned())]);
    let filled = step.with_texts(&mut |text| crate::plan::values::fill(text, &values)).unwrap();
    let StepAction::Call { arguments, .. } = filled.act else { panic!("it is a call") };
    assert_eq!(arguments, serde_json::json!({"values": [["7", 1.5, "€ 1,50"]]}));
}

/// Who has a step tried again does not have done again what it does.
#[test]
fn what_was_done_stays_done_when_a_step_is_tried_anew() {
    let paid = ScreenCondition { text: Some("Paid".to_owned()), ..ScreenCondition::default() };
    let press = StepAction::Press { target: Target::of("Pay"), how: Press::Once };
    let steps = [Step { expect: Some(Condition::Screen(paid)), ..Step::new(press) }];
    let run = || Told(SharedProgress::new(&steps, &Outputs::new()));
    let click = "click(at=[1,1])";
    let done = run();
    done.step(&at(0, 0), click, None, StepResult::Done);
    assert_eq!(done.0.position(), StepPosition { deed: DeedState::Done, ..StepPosition::default() });
    done.0.begin_anew();
    assert_eq!(done.at(), (0, 1), "what it expects is waited for, and it is not pressed once more");

    let doubtful = run();
    doubtful.step(&at(0, 0), click, None, StepResult::Uncertain);
    doubtful.step(&at(0, 0), click, None, StepResult::NotDone);
    assert_eq!(
        doubtful.0.position().deed,
        DeedState::Doubtful,
        "that the second try was not done says nothing of the first"
    );
    doubtful.0.begin_anew();
    assert!(matches!(doubtful.0.now().last, LastTry::Doubtful { .. }), "what it expects tells whether it was done");
    let untold = Told(SharedProgress::new(&[Step { expect: None, ..steps[0].clone() }], &Outputs::new()));
    untold.step(&at(0, 0), click, None, StepResult::Uncertain);
    untold.0.begin_anew();
    assert!(matches!(untold.0.now().last, LastTry::Untold(_)), "nothing tells it, so a person does");

    // What was read and is no number is read again, and what was read before it is known.
    let output = |name: &str, kind| Some(StepOutput { name: name.to_owned(), kind, pointer: None });
    let read = |output| Step { output, ..Step::new(StepAction::Read(Target::of("Total"))) };
    let both = [read(output("city", OutputKind::Text)), read(output("total", OutputKind::Number))];
    let unread = Told(SharedProgress::new(&both, &Outputs::new()));
    unread.step(&at(0, 0), "note(message=\"Oslo\")", None, StepResult::Noted);
    unread.step(&at(1, 0), "note(message=\"soon\")", None, StepResult::Noted);
    assert!(unread.0.now().failure.is_some());
    unread.0.begin_anew();
    assert_eq!((unread.at(), unread.0.now().failure), ((1, 0), None));
    assert_eq!(unread.0.position().outputs["city"], "Oslo");

    let not_done = run();
    not_done.step(&at(0, 0), click, None, StepResult::NotDone);
    assert_eq!(not_done.0.position(), StepPosition::default());
    not_done.0.begin_anew();
    assert_eq!((not_done.at(), not_done.0.now().last), ((0, 0), LastTry::None));
}

/// A call of which nobody knows whether it was done, and what it expects is found out by another call.
#[test]
fn what_a_probe_tells_is_no_answer_of_the_call_itself() {
    let expect = Condition::File { path: "a".to_owned(), contains: Some("row 1".to_owned()), is_gone: false };
    let append = StepAction::Call { name: "files.append".to_owned(), arguments: Value::Null };
    let steps = [Step { expect: Some(expect), ..Step::new(append) }];
    let run = || Told(SharedProgress::new(&steps, &Outputs::new()));
    let probe = Mark { probes: true, ..at(0, 0) };
    for (answer, then, last) in [
        (Some("row 1"), (0, 1), LastTry::None),
        (Some("row 0"), (0, 0), LastTry::Undone("the file says \"row 0\"".to_owned())),
        (None, (0, 0), LastTry::Undone("there is no such file".to_owned())),
    ] {
        let run = run();
        run.step(&at(0, 0), "call()", None, StepResult::Uncertain);
        match answer {
            Some(_) => run.step(&probe, "call()", answer, StepResult::Answered),
            None => run.refused(&probe, "refused: there is no /home/anna/a"),
        }
        assert_eq!((run.at(), run.0.now().last), (then, last), "{answer:?}");
    }
    // Another refusal tells nothing: neither is it done again, nor taken for done.
    let untold = run();
    untold.step(&at(0, 0), "call()", None, StepResult::Uncertain);
    untold.refused(&probe, "refused: the file is not text");
    assert_eq!((untold.at(), untold.0.now().last), ((0, 0), LastTry::Untold("so it was".to_owned())));
    assert_eq!(untold.0.position().deed, DeedState::Doubtful);
    untold.step(&at(0, 0), "take_over()", None, StepResult::Person);
    assert_eq!(untold.at(), (0, 1), "a person has seen to it");
    // One that does not come back is asked again, and not for ever.
    let silent = run();
    silent.step(&at(0, 0), "call()", None, StepResult::Uncertain);
    for _ in 0..2 {
        silent.step(&probe, "call()", None, StepResult::Uncertain);
        assert!(matches!(silent.0.now().last, LastTry::Doubtful { .. }));
    }
    silent.step(&probe, "call()", None, StepResult::Uncertain);
    assert!(matches!(silent.0.now().last, LastTry::Untold(_)));
    // Afterwards what it expects is waited for, until it is so.
    let run = run();
    run.step(&at(0, 0), "call()", Some("done"), StepResult::Answered);
    run.step(&at(0, 1), "call()", Some("row 0"), StepResult::Answered);
    assert_eq!((run.at(), run.0.now().last), ((0, 1), LastTry::NotYet("the file says \"row 0\"".to_owned())));
    run.step(&at(0, 1), "call()", Some("row 1"), StepResult::Answered);
    assert_eq!(run.at(), (1, 0));
}
