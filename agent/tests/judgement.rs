//! What the loop makes of a run: what it tells the model, what it notices, what it remembers, and whom it asks.

mod common;

use common::{reply, screen, setting};
use tapwright_agent::episode::{Episode, Setting};
use tapwright_agent::event::{ActionResult, Effect, Event, Next};
use tapwright_agent::outcome::Outcome;
use tapwright_agent::person::{Answer, Question};
use tapwright_agent::profile::GoalChecks;
use tapwright_agent::step::Notice;
use tapwright_contract::device::{Front, Label, Screen};
use tapwright_contract::model::{Part, Prompt, Reply};

/// A phone of numbered screens, a model that says what it is told, and all that the loop says to either.
struct Play {
    episode: Episode,
    next: Next,
    /// What the model was told, each time, from the screen info on.
    told: Vec<String>,
    asked: Vec<Question>,
    came: Vec<String>,
    labels: Option<Vec<Label>>,
    answers: Vec<Answer>,
    tokens: Vec<usize>,
}

impl Play {
    fn new(setting: Setting) -> Play {
        let mut episode = Episode::new(setting);
        let next = episode.on(Event::Began);
        let (told, asked, came, tokens) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Play { episode, next, told, asked, came, labels: None, answers: Vec::new(), tokens }
    }

    fn on(&mut self, event: Event) {
        self.next = self.episode.on(event);
        for news in self.episode.notices() {
            if let Notice::StepOver(settled) = news {
                self.came.push(settled.summary);
            }
        }
    }

    /// One step: a screen, and what the model says to it. False at the end.
    fn step(&mut self, seen: Screen, says: &str) -> bool {
        let mut says = vec![says.to_owned()];
        loop {
            let event = match &self.next {
                Next::End(_) => return false,
                // The next step's.
                Next::Do(Effect::Look) if says.is_empty() => return true,
                Next::Do(Effect::Look) => Event::Saw(seen.clone()),
                Next::Do(Effect::Read) => Event::Read(self.labels.clone()),
                Next::Do(Effect::FindApp(name)) => panic!("{name:?} is looked for, and this device tells no names"),
                Next::Do(Effect::Think(prompt)) => {
                    self.told.push(last_words(prompt));
                    self.tokens.push(bytes(prompt));
                    let text = says.pop().unwrap_or_else(|| "Milk is cheaper.".to_owned());
                    Event::Heard(Reply { tokens_in: 0, ..reply(&text) })
                }
                Next::Do(Effect::Ask(question)) => {
                    self.asked.push(question.clone());
                    Event::Answered(if self.answers.is_empty() { Answer::Nobody } else { self.answers.remove(0) })
                }
                Next::Do(Effect::Act(_)) => Event::Acted(ActionResult::Done),
                Next::Do(Effect::Pause(_)) => Event::Rested,
            };
            self.on(event);
        }
    }

    fn last(&self) -> &str {
        self.told.last().map_or("", String::as_str)
    }

    fn outcome(&self) -> &Outcome {
        match &self.next {
            Next::End(end) => &end.outcome,
            Next::Do(effect) => panic!("it goes on: {effect:?}"),
        }
    }
}

fn last_words(prompt: &Prompt) -> String {
    match prompt.turns.last().and_then(|turn| turn.parts.last()) {
        Some(Part::Text(text)) => text.clone(),
        other => panic!("a text comes last, and not {other:?}"),
    }
}

fn bytes(prompt: &Prompt) -> usize {
    let parts = prompt.turns.iter().flat_map(|turn| &turn.parts);
    parts.map(|part| if let Part::Text(text) = part { text.len() } else { 0 }).sum()
}

fn label(text: &str, top: u32) -> Label {
    common::label(text, [0, top, 20, top + 4])
}

const TAP: &str = r#"do(action="Tap", element=[100,200])"#;
const BACK: &str = r#"do(action="Back")"#;
const WAIT: &str = r#"do(action="Wait", duration=1)"#;
const SWIPE: &str = r#"do(action="Swipe", start=[500,800], end=[500,200])"#;

#[test]
fn an_app_that_did_not_come_to_the_front() {
    let mut play = Play::new(setting());
    play.step(screen("Settings", 1, 0), r#"do(action="Launch", app="Notes")"#);
    play.step(screen("Settings", 2, 0), r#"do(action="Launch", app="settings")"#);
    assert!(play.last().contains(r#"\"Notes\" was launched, but \"Settings\" is still in front"#), "{}", play.last());
    play.step(screen("Settings", 3, 0), r#"do(action="Launch", app="Notes")"#);
    assert!(!play.last().contains("last_action"), "it is what was launched: {}", play.last());
    play.step(screen("Notes", 4, 0), BACK);
    assert!(!play.last().contains("last_action"), "{}", play.last());
}

#[test]
fn waits_in_a_row() {
    let mut play = Play::new(setting());
    for n in 0..5 {
        assert_eq!(play.step(screen("Settings", n, 0), WAIT), n < 4);
    }
    assert!(play.told[3].contains("you have waited 3 times in a row"), "{}", play.told[3]);
    assert_eq!(*play.outcome(), Outcome::Stuck { why: "5 waits in a row".to_owned() });
    let mut play = Play::new(setting());
    for n in 0..6 {
        assert!(play.step(screen("Settings", n, 0), if n % 3 == 2 { BACK } else { WAIT }));
    }
}

#[test]
fn scrolling_where_nothing_moves() {
    let mut play = Play::new(setting());
    let mut steps = 0;
    // A little further each time, so that no two are the same action.
    while play
        .step(screen("Settings", 1, 0), &format!(r#"do(action="Swipe", start=[500,800], end=[500,{}])"#, 200 + steps))
    {
        steps += 1;
        assert!(steps < 10);
    }
    assert!(play.told[2].contains("the last 2 actions have not changed the screen"), "{}", play.told[2]);
    let why = "the last 6 actions have not changed the screen".to_owned();
    assert_eq!(*play.outcome(), Outcome::Stuck { why });
}

#[test]
fn back_and_forth_between_two_screens() {
    let mut play = Play::new(setting());
    let mut steps = 0;
    loop {
        let says = if steps % 2 == 0 { format!(r#"do(action="Tap", element=[{steps},200])"#) } else { BACK.to_owned() };
        // Back alone would be noticed as a repeat.
        let says = if steps % 4 == 1 { SWIPE.to_owned() } else { says };
        if !play.step(screen("Settings", steps % 2, 0), &says) {
            break;
        }
        steps += 1;
        assert!(steps < 20);
    }
    assert!(play.told.iter().any(|told| told.contains("gone back and forth between the same two screens")));
    assert!(matches!(play.outcome(), Outcome::Stuck { why } if why.contains("back and forth")), "{:?}", play.outcome());
}

#[test]
fn somebody_can_help_a_run_that_does_not_get_on() {
    let mut asks = setting();
    asks.policy.asks_when_stuck = true;
    let mut play = Play::new(asks.clone());
    play.answers = vec![Answer::Choice("the switch is further down".to_owned()), Answer::No];
    let mut steps = 0;
    while play.step(screen("Settings", 1, 0), TAP) {
        steps += 1;
    }
    assert_eq!(play.asked.len(), 2, "{:?}", play.asked);
    assert!(play.told.iter().any(|told| told.contains("a person says: the switch is further down")));
    assert!(matches!(play.outcome(), Outcome::Stuck { .. }) && steps > 5, "{steps} {:?}", play.outcome());
    let mut play = Play::new(asks);
    while play.step(screen("Settings", 1, 0), TAP) {}
    assert!(matches!(play.outcome(), Outcome::Stuck { .. }), "nobody is there: {:?}", play.outcome());
}

#[test]
fn a_note_keeps_the_page() {
    let mut with_room = setting();
    with_room.limits.note_bytes = 60;
    let mut play = Play::new(with_room);
    let mut secret = label("4711", 30);
    secret.secret = true;
    play.labels =
        Some(vec![label("Milk\n2.49", 0), label("", 5), label("Bread 3.10", 10), label("Bread 3.10", 11), secret]);
    play.step(screen("Shop", 1, 0), r#"<think>T</think>do(action="Note", message="True")"#);
    play.labels = None;
    play.step(screen("Shop", 2, 0), r#"<think>Eggs are 4.</think>do(action="Note", message="True")"#);
    play.step(screen("Shop", 2, 0), r#"do(action="Note", message="Call Anna.")"#);
    play.step(screen("Shop", 2, 0), r#"finish(message="")"#);
    match &play.next {
        Next::End(end) => assert_eq!(end.notes, ["Shop: Milk 2.49 | Bread 3.10", "Eggs are 4.", "Call Anna."]),
        Next::Do(effect) => panic!("{effect:?}"),
    }
}

#[test]
fn long_notes_are_summed_up_by_the_model() {
    let mut sums = setting();
    sums.profile.summaries = true;
    sums.limits.notes_bytes = 4000;
    let notes = format!(r#"do(action="Note", message="{}")"#, "Milk is 2.49, bread is 3.10. ".repeat(40));
    let mut play = Play::new(sums.clone());
    play.step(screen("Shop", 1, 0), &notes);
    let recall = r#"do(action="Call_API", instruction="Summarise the prices")"#;
    play.step(screen("Shop", 2, 0), recall);
    play.step(screen("Shop", 3, 0), BACK);
    assert!(play.told[2].starts_with("Summarise the prices\n\nAnswer from these notes alone"), "{}", play.told[2]);
    assert!(play.last().contains("what your notes come to: Milk is cheaper."), "{}", play.last());
    // One that cannot is told as much as fits.
    sums.profile.summaries = false;
    let mut play = Play::new(sums);
    play.step(screen("Shop", 1, 0), &notes);
    play.step(screen("Shop", 2, 0), recall);
    play.step(screen("Shop", 3, 0), BACK);
    assert!(play.last().contains("your notes: 1. Milk is 2.49") && play.last().len() < 800, "{}", play.last());
}

#[test]
fn answers_that_were_given_beforehand() {
    let mut said = setting();
    said.policy.answers.choose = Some("the cheapest".to_owned());
    said.policy.answers.no_take_over = true;
    let mut play = Play::new(said);
    play.step(screen("Shop", 1, 0), r#"do(action="Interact", message="Red or blue?")"#);
    play.step(screen("Shop", 2, 0), r#"do(action="Take_over", message="log in")"#);
    play.step(screen("Shop", 3, 0), BACK);
    assert!(play.asked.is_empty());
    assert!(play.told[1].contains("a person says: the cheapest"), "{}", play.told[1]);
    assert!(play.told[2].contains("refused: a person would not do this"), "{}", play.told[2]);
}

/// The prompt of a long run stays within the context, and what is held for it does not grow.
#[test]
fn three_hundred_steps_are_within_the_context() {
    let mut long = setting();
    long.limits.steps_max = 300;
    long.profile.history = None;
    long.profile.context_tokens = Some(25_480);
    long.profile.picture_pixels = Some(2_500_000);
    long.profile.tokens_max = 3000;
    long.profile.system = Some("指令".repeat(1700).into());
    let mut play = Play::new(long);
    let thought = "The page lists products and their prices, and I have to open the next one to compare it. ".repeat(3);
    let mut steps = 0;
    while play.step(
        Screen {
            front: Front { id: "com.shop".to_owned(), label: "Shop".to_owned(), aliases: Vec::new() },
            ..screen("Shop", steps, 0)
        },
        &format!("<think>{thought}</think><answer>do(action=\"Tap\", element=[{},500])", steps),
    ) {
        steps += 1;
    }
    assert_eq!(*play.outcome(), Outcome::OutOfSteps);
    assert_eq!(play.tokens.len(), 300);
    let most = *play.tokens.iter().max().unwrap();
    // Two bytes a token, beside the answer and the picture: as cautious as the estimate.
    assert!(most / 2 + 3000 <= 25_480, "{most}");
    let later = *play.tokens[150..].iter().max().unwrap();
    let earlier = *play.tokens[..150].iter().max().unwrap();
    assert!(later <= earlier + 2500, "it grows: {earlier} {later}");
    assert!(earlier > 20_000, "the room is used: {earlier}");
    println!("bytes of the longest prompt: {most}");
}

/// It is not told to try again, after which a small model says that all is done.
#[test]
fn a_model_that_only_copies_ends_where_it_leaves_its_goal() {
    const SEND: &str = r#"do(action="Tap", element=[500,900])"#;
    let ended = |heading: &str, says: &str| {
        let mut held = setting();
        held.goal = "Send \"on my way\" to Leo".to_owned();
        held.profile.goal_checks =
            Some(GoalChecks { texts: true, named: vec!["send".to_owned()], ..GoalChecks::default() });
        let mut play = Play::new(held);
        play.labels = Some(vec![Label { touchable: false, ..label(heading, 0) }, label("Send", 34)]);
        let goes_on = play.step(screen("Messages", 1, 0), says);
        (!goes_on).then(|| play.outcome().clone())
    };
    assert_eq!(ended("Leo", r#"do(action="Type", text="on my way")"#), None);
    assert_eq!(ended("Leo", SEND), None);
    for (heading, says, word) in [
        ("Leo", r#"do(action="Type", text="on my know")"#, "on my know"),
        ("Lea", SEND, "\"Lea\", which the goal does not name"),
    ] {
        match ended(heading, says) {
            Some(Outcome::Refused { why }) => assert!(why.contains(word), "{why}"),
            other => panic!("{heading}, {says}: {other:?}"),
        }
    }
}
