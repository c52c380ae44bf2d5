//! What comes of a step of which nobody knows whether it was done, and what is written down of a screen.

use std::collections::BTreeMap;
use std::slice::from_ref;

use tapwright_agent::policy::{CAREFUL, TRUSTING};
use tapwright_agent::secrets::SecretText;
use tapwright_contract::device::{Area, DriverError, DriverErrorKind, Front, Screen};
use tapwright_contract::gesture::Gesture;

use super::super::ScreenCondition;
use super::*;
use crate::plan::values::Outputs;

/// A device that says what it is told to say at each look, if anything, and does nothing.
struct Page<F>(F);

fn refused(operation: &'static str) -> DriverError {
    let kind = DriverErrorKind::Refused { why: "it is a page in a test".to_owned() };
    DriverError { device: "page".to_owned(), operation, kind }
}

#[async_trait]
impl<F: FnMut() -> Option<Vec<Label>> + Send> Driver for Page<F> {
    fn name(&self) -> &str {
        "page"
    }

    async fn screen(&mut self, _: Duration) -> Result<Screen, DriverError> {
        Err(refused("look"))
    }

    async fn perform(&mut self, _: &Gesture, _: Duration) -> Result<(), DriverError> {
        Err(refused("touch"))
    }

    fn abilities(&self) -> Abilities {
        Abilities::PHONE
    }

    async fn labels(&mut self, _: Duration) -> Result<Option<Vec<Label>>, DriverError> {
        Ok((self.0)())
    }
}

fn label(role: &str, text: &str) -> Label {
    Label {
        text: text.to_owned(),
        area: Area { left: 0, top: 0, right: 10, bottom: 10 },
        touchable: true,
        focused: false,
        secret: false,
        app: None,
        role: Some(role.to_owned()),
        value: None,
        is_on: None,
    }
}

fn model(labels: &[Label], secrets: Secrets) -> StepModel {
    let labels = labels.to_vec();
    let eyes = Eyes {
        driver: Box::new(Page(move || Some(labels.clone()))),
        look: Duration::from_secs(1),
        secrets,
        policy: toml::from_str(TRUSTING).unwrap(),
    };
    StepModel::new(SharedProgress::new(&[], &Outputs::new()), eyes)
}

/// What is said of a step that may have been done on the first screen, where the second one is seen now.
async fn said(step: &Step, before: &[Label], touched: Option<&Label>, now: &[Label]) -> &'static str {
    let progress = SharedProgress::new(from_ref(step), &Outputs::new()).now();
    let print = model(before, Secrets::default()).print(step, Some(before), touched, &progress);
    let mut model = model(now, Secrets::default());
    match model.settle_doubt(step, StepPart::Act, &print, &progress).await {
        None => "again",
        Some(Saying::Skip) => "done",
        Some(Saying::Do(Action::TakeOver { .. })) => "asks",
        Some(_) => "something else",
    }
}

#[tokio::test(start_paused = true)]
async fn a_touch_counts_as_done_only_by_what_became_of_its_widget() {
    let step = Step::new(StepAction::Press { target: Target::of("Pay"), how: Press::Once });
    let (pay, battery) = (label("Button", "Pay"), label("TextView", "80 %"));
    let before = [pay.clone(), battery.clone()];
    let low = label("TextView", "79 %");
    for (now, expected, why) in [
        (vec![pay.clone(), battery.clone()], "again", "all is as it was, and the loop compares the pictures"),
        (vec![pay.clone(), low.clone()], "asks", "the battery says nothing of the touch"),
        (
            vec![Label { area: Area { left: 0, top: 50, right: 10, bottom: 60 }, ..pay.clone() }, low.clone()],
            "asks",
            "it moved",
        ),
        (vec![low.clone(), label("TextView", "Paid")], "done", "it is gone"),
        (vec![label("TextView", "Pay"), low.clone()], "done", "that is the title of the next page"),
    ] {
        assert_eq!(said(&step, &before, Some(&pay), &now).await, expected, "{why}");
    }
    // A box says nothing, and is on or off.
    let tick = Step::new(StepAction::Press { target: Target::of("Milk"), how: Press::Once });
    let milk = |is_on| Label { is_on: Some(is_on), ..label("CheckBox", "Milk") };
    let off = [milk(false)];
    assert_eq!(said(&tick, &off, Some(&off[0]), &[milk(true)]).await, "done", "it was ticked");
    assert_eq!(said(&tick, &off, Some(&off[0]), &off).await, "again");
    let keys = Step::new(StepAction::Keys { keys: "ctrl+s".to_owned(), until: None });
    assert_eq!(said(&keys, &before, None, &before).await, "again");
    assert_eq!(said(&keys, &before, None, &[low]).await, "asks", "keys have no widget that could tell");
}

/// What a finger goes down on is judged as if it were pressed: one that scrolls goes down where nobody is asked.
#[test]
fn a_finger_that_scrolls_goes_down_where_the_policy_lets_it() {
    let of = ScreenId::from(Size { width: 80, height: 200 });
    let front = Front { id: "shop".to_owned(), label: "Shop".to_owned(), aliases: Vec::new() };
    let text = |text: &str, [left, top, right, bottom]: [u32; 4]| Label {
        area: Area { left, top, right, bottom },
        ..label("TextView", text)
    };
    let careful: Policy = toml::from_str(CAREFUL).unwrap();
    let begins = |way, labels: &[Label]| {
        let mut model = model(labels, Secrets::default());
        model.eyes.policy = careful.clone();
        let [from, to] = model.swipe(way, of, &front, labels);
        assert!(from.x == to.x && 30 <= from.y.abs_diff(to.y), "{from:?} {to:?}");
        (from.x, from.y)
    };
    assert_eq!(begins(Way::Down, &[]), (40, 140));
    assert_eq!(begins(Way::Up, &[]), (40, 60));
    let send = text("Send", [60, 190, 80, 200]);
    assert_eq!(begins(Way::Down, &[text("Milk", [0, 130, 80, 150]), send.clone()]), (40, 140));
    // A button, and words that look as if they agreed to all that is on the page.
    assert_eq!(begins(Way::Down, &[text("Pay", [35, 130, 80, 150]), text("Milk", [0, 130, 35, 150])]), (30, 140));
    let agrees = text("I do not agree", [0, 135, 80, 150]);
    assert_eq!(begins(Way::Down, &[agrees.clone(), text("Milk", [0, 125, 80, 134]), send.clone()]), (40, 130));
    // Where nothing is written all that is on the page counts: a short list is all that there is.
    assert_eq!(begins(Way::Down, &[agrees.clone(), send.clone(), text("Milk", [0, 60, 80, 75])]), (40, 70));
    assert_eq!(begins(Way::Down, &[agrees, send]), (40, 140), "there is no better place");
}

#[tokio::test(start_paused = true)]
async fn what_was_so_before_tells_nothing_of_a_step() {
    let expect = ScreenCondition { text: Some("Total".to_owned()), ..ScreenCondition::default() };
    let expect = Some(Condition::Screen(expect));
    let press = StepAction::Press { target: Target::of("Pay"), how: Press::Once };
    let step = Step { expect: expect.clone(), ..Step::new(press) };
    let (pay, total) = (label("Button", "Pay"), label("TextView", "Total"));
    let before = [pay.clone()];
    assert_eq!(said(&step, &before, Some(&pay), from_ref(&total)).await, "done");
    assert_eq!(said(&step, &before, Some(&pay), &before).await, "again");
    let before = [pay.clone(), total.clone()];
    assert_eq!(said(&step, &before, Some(&pay), from_ref(&total)).await, "asks");
    // What takes the place of what is there is typed again; what adds to it is not.
    for (adds, text, expected) in [(false, "Oslo", "again"), (true, "Oslo", "asks"), (false, "Oslo\n", "asks")] {
        let typed = StepAction::Type { text: text.to_owned(), into: None, adds };
        let step = Step { expect: expect.clone(), ..Step::new(typed) };
        assert_eq!(said(&step, &before, None, &before).await, expected, "{text:?} {adds}");
    }
}

/// A PIN of four digits is found in no time by whoever has a digest with it.
#[tokio::test]
async fn no_digest_has_what_was_typed_in_it() {
    let pin = SecretText::new("4711".to_owned()).unwrap();
    let secrets = Secrets::new(BTreeMap::from([("pin".to_owned(), pin)]));
    let title = label("TextView", "Pay");
    let seen = async |text: &str| {
        let labels = model(&[title.clone(), label("TextView", text)], secrets.clone()).labels().await.unwrap();
        (labels[1].text.clone(), digest(&labels), widget_digest(&labels[1]))
    };
    let by_name = seen("{{secret:pin}}").await;
    assert_eq!(by_name.0, "{{secret:pin}}");
    assert_eq!(seen("4711").await, by_name);
    assert_ne!(seen("4712").await.1, by_name.1);

    let field = |text: &str, focused, secret| Label { focused, secret, ..label("EditText", text) };
    for (focused, secret) in [(true, false), (false, true)] {
        let of = |text: &str| {
            let field = field(text, focused, secret);
            (digest(&[title.clone(), field.clone()]), widget_digest(&field))
        };
        assert_eq!(of("1234"), of("5678"), "{focused} {secret}");
    }
    let of = |text: &str| digest(&[title.clone(), field(text, false, false)]);
    assert_ne!(of("1234"), of("5678"));
}

#[tokio::test(start_paused = true)]
async fn a_field_is_read_whole_and_without_its_name() {
    let progress = SharedProgress::new(&[], &Outputs::new()).now();
    let read = async |label: Label| {
        let mut model = model(&[label], Secrets::default());
        match model.read(&Target::of("Shopping"), &progress, Duration::ZERO).await {
            Saying::Do(Action::Note { message, .. }) => message,
            Saying::GiveUp(why) => why,
            _ => "something else".to_owned(),
        }
    };
    let field = |value: &str, text: &str| Label { value: Some(value.to_owned()), ..label("EditText", text) };
    assert_eq!(read(field("Milk\nbread", "Milk\nbread\nShopping\nsuch as tea")).await, "Milk\nbread");
    assert!(read(field("", "Shopping\nsuch as tea")).await.contains("nothing stands at"));
}

/// A dialog's button wakes up a moment after its name is there. Words that are no button's need not say that they react.
#[tokio::test(start_paused = true)]
async fn a_button_that_does_not_react_yet_is_waited_for() {
    let progress = SharedProgress::new(&[], &Outputs::new()).now();
    for (role, touchable, waits) in [("Button", true, false), ("Button", false, true), ("TextView", false, false)] {
        let mut model = model(&[Label { touchable, ..label(role, "Save") }], Secrets::default());
        let target = Target::of("Save");
        let step = Step::new(StepAction::Press { target: target.clone(), how: Press::Once });
        let until = model.clock.elapsed() + step.within;
        let began = model.clock.elapsed();
        // There is no screen here that it could be touched on.
        let said = model.press(&step, &target, Press::Once, &progress, until).await.0;
        assert!(matches!(said, Saying::GiveUp(why) if why == "the screen was not seen"));
        assert_eq!(model.clock.elapsed() - began >= WAKES_WITHIN, waits, "{role} {touchable}");
    }
}

/// What cannot be read is neither so nor not so.
#[tokio::test(start_paused = true)]
async fn a_screen_that_tells_nothing_decides_nothing() {
    let paid = ScreenCondition { text: Some("Paid".to_owned()), ..ScreenCondition::default() };
    let test = Step::new(StepAction::Test(Condition::Screen(paid.clone())));
    let progress = SharedProgress::new(from_ref(&test), &Outputs::new()).now();
    let mut silent = model(&[], Secrets::default());
    silent.eyes.driver = Box::new(Page(|| None));
    let condition = Condition::Screen(paid.clone());
    let saying = silent.condition(&test, &condition, &progress, Duration::ZERO).await;
    assert!(matches!(saying, Saying::GiveUp(why) if why.starts_with("it cannot be told: ")));
    let saying = silent.keys_until("back", &paid, &progress, Duration::ZERO).await;
    assert!(matches!(saying, Saying::GiveUp(_)), "nothing is pressed");
    let mut other = model(&[label("TextView", "Due")], Secrets::default());
    let saying = other.condition(&test, &condition, &progress, Duration::ZERO).await;
    assert!(matches!(saying, Saying::Finish(_)), "that it is not so was told");
}

/// Whoever has used the phone since has left another app in front: that the widget is not there says nothing then.
#[tokio::test(start_paused = true)]
async fn a_touch_does_not_count_as_done_where_another_app_is_in_front() {
    let step = Step::new(StepAction::Press { target: Target::of("Save"), how: Press::Once });
    let mut progress = SharedProgress::new(from_ref(&step), &Outputs::new()).now();
    let front = |id: &str| Front { id: id.to_owned(), label: String::new(), aliases: Vec::new() };
    let size = ScreenId::from(Size { width: 100, height: 100 });
    progress.seen = Some((size, front("notes")));
    let save = label("Button", "Save");
    let print = model(&[], Secrets::default()).print(&step, Some(from_ref(&save)), Some(&save), &progress);
    for (now, is_done) in [("notes", true), ("home", false)] {
        progress.seen = Some((size, front(now)));
        let mut model = model(&[label("TextView", "Weather")], Secrets::default());
        let saying = model.settle_doubt(&step, StepPart::Act, &print, &progress).await;
        assert_eq!(matches!(saying, Some(Saying::Skip)), is_done, "{now}");
    }
}

/// What moves for ever is not waited for for ever.
#[tokio::test(start_paused = true)]
async fn a_widget_that_never_stands_still_is_given_up() {
    let step = Step::new(StepAction::Press { target: Target::of("Live"), how: Press::Once });
    let mut progress = SharedProgress::new(from_ref(&step), &Outputs::new()).now();
    progress.seen = Some((
        ScreenId::from(Size { width: 100, height: 100 }),
        Front { id: "a".to_owned(), label: String::new(), aliases: Vec::new() },
    ));
    let mut model = model(&[], Secrets::default());
    let mut left = 0;
    model.eyes.driver = Box::new(Page(move || {
        left = (left + 1) % 80;
        let area = Area { left, top: 0, right: left + 10, bottom: 10 };
        Some(vec![Label { area, ..label("Button", "Live") }])
    }));
    let StepAction::Press { target, how } = &step.act else { panic!("it is a press") };
    let (saying, _) = model.press(&step, target, *how, &progress, Duration::from_secs(10)).await;
    assert!(matches!(saying, Saying::GiveUp(why) if why == "\"Live\" does not stand still"));
}

/// `back` once too often leaves the app.
#[tokio::test(start_paused = true)]
async fn keys_are_pressed_until_it_is_so_and_not_for_ever() {
    let until = ScreenCondition { widget: Some(Target::of("Orders")), ..ScreenCondition::default() };
    let progress = SharedProgress::new(&[], &Outputs::new()).now();
    let first_page = [label("Tab", "Orders"), label("Tab", "Tickets")];
    let mut at_once = model(&first_page, Secrets::default());
    let saying = at_once.keys_until("back", &until, &progress, Duration::ZERO).await;
    assert!(matches!(saying, Saying::Do(Action::Wait { .. })), "nothing is pressed where it is so already");
    let mut elsewhere = model(&[label("Button", "Pay")], Secrets::default());
    let mut presses = 0;
    let why = loop {
        match elsewhere.keys_until("back", &until, &progress, Duration::ZERO).await {
            Saying::Do(Action::Back) => presses += 1,
            Saying::GiveUp(why) => break why,
            _ => panic!("neither pressed nor given up"),
        }
    };
    assert_eq!(presses, END_AFTER, "three that changed nothing");
    assert!(why.starts_with("back was pressed 3 times, and \"Orders\" is not there; there is: "), "{why}");
}
