//! Episodes of an oracle that is sometimes led astray, cut into steps: prompt, picture, reply.

use std::io::{self, Write};

use tapwright_phone::content::NAMES;
use tapwright_phone::{ADB_KEYBOARD, Dice, Event, Input, Key, Mark, World};
use tapwright_smoke::{self as smoke, Errand};

use crate::lesson::{Lesson, LessonKind, errands, lesson};
use crate::oracle::{Advice, Disturbance, OracleAction, advice_against, advise, answer, around_banner, refusal};
use crate::record::{Caption, write_text, write_whole};
use crate::words;

const STEPS_MAX: usize = 30;

/// Writes the steps of episodes from a seed on.
pub fn write(first: u64, count: u64, with_pictures: bool, out: &mut dyn Write) -> io::Result<()> {
    let write = if with_pictures { write_whole } else { write_text };
    let mut written = 0;
    for seed in 0.. {
        let seed = smoke::TRAINING_SEEDS + first + seed;
        let errands = lesson(seed).errands;
        for Step { world, turns, reply, kind, .. } in steps(seed) {
            write(out, &world, Caption { turns: &turns, reply: &reply, kind, errands: &errands })?;
            written += 1;
            if written == count {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// One step of an episode.
#[derive(Clone, Debug)]
pub struct Step {
    /// The phone before the step.
    pub world: World,
    pub goal: String,
    /// What the agent says of the app in front, and remarks beside it.
    pub front: String,
    pub remark: Option<String>,
    /// The prompt as (role, text); the picture stands before the text of the last one.
    pub turns: Vec<(&'static str, String)>,
    /// What should be answered, without the token that ends it.
    pub reply: String,
    /// What the step teaches, to tell rates apart.
    pub kind: &'static str,
}

/// The episode of a seed.
pub fn steps(seed: u64) -> Vec<Step> {
    let mut dice = Dice::new(seed ^ 0xDA7A);
    let lesson = lesson(seed);
    let mut world = World::new(lesson.phone.clone());
    set_the_stage(&mut world, &lesson, &mut dice);
    let start = world.facts();
    let mut at = 0;
    let mut steps: Vec<Step> = Vec::new();
    let mut first_turn = String::new();
    let mut stillness = Stillness::default();
    let mut over = Disturbances::default();
    while steps.len() < STEPS_MAX {
        if lesson.is_disturbed && dice.chance(30) {
            over.come(&mut world, &mut dice);
        }
        let facts = world.facts();
        let is_done = |errand: &Errand| is_done(errand, &start, &facts);
        let disturbance = over.now(&world);
        let last = steps.last().map_or("", |step| step.reply.as_str());
        let before = at;
        let advice = match advice_against(&world, disturbance) {
            Some(advice) => Some(advice),
            None if lesson.errands.is_empty() => Some(refusal()),
            None if lesson.is_question => answer(&lesson.errands[0], &world, last),
            None => advise(&lesson.errands, &mut at, &world, last, is_done),
        };
        let Some(advice) = advice else { break };
        let Advice { thought, deed } = around_banner(advice, disturbance);
        if matches!(deed, OracleAction::Wait(_)) {
            at = before;
        }
        let front = front_of(&world);
        let remark = stillness.remark(&world, &mut dice);
        let info = match &remark {
            None => format!("{{\"current_app\": \"{front}\"}}"),
            Some(remark) => format!("{{\"current_app\": \"{front}\", \"last_action\": \"{}\"}}", escaped(remark)),
        };
        let mut turns = Vec::new();
        if steps.is_empty() {
            first_turn = format!("{}\n\n{info}", lesson.goal);
            turns.push(("user", first_turn.clone()));
        } else {
            turns.push(("user", first_turn.clone()));
            turns.push(("assistant", format!("{last}</answer>")));
            turns.push(("user", format!("** Screen Info **\n\n{info}")));
        }
        let reply = format!("<think>{thought}</think><answer>{}", deed.text());
        let kind = kind(&lesson, &deed, disturbance.is_some() || !front_is_app(&world));
        steps.push(Step { world: world.clone(), goal: lesson.goal.clone(), front, remark, turns, reply, kind });
        if deed.is_end() {
            break;
        }
        stillness.touch(&deed, &world);
        // Sometimes a touch misses: whoever learns from this has to look whether it worked. What has been looked through is counted.
        if dice.chance(6) && !matches!(deed, OracleAction::SwipeUp | OracleAction::Wait(_)) {
            continue;
        }
        perform(&deed, &mut world);
        let pause = if let OracleAction::Wait(seconds) = deed { 1000 * u64::from(seconds) } else { 0 };
        world.advance(world.uptime() + pause + 300 + dice.below(2500) as u64);
    }
    steps
}

/// What a step teaches.
fn kind(lesson: &Lesson, deed: &OracleAction, is_disturbed: bool) -> &'static str {
    match (lesson.kind, deed) {
        (_, OracleAction::Wait(_) | OracleAction::Home) => "disturbed",
        _ if is_disturbed && lesson.is_disturbed => "disturbed",
        (LessonKind::Absent, OracleAction::GiveUp(_)) => "absent-end",
        (kind, _) => kind.name(),
    }
}

/// The app that the agent takes to be in front.
fn front_of(world: &World) -> String {
    if world.window().contains("GrantPermissions") {
        return "com.android.permissioncontroller".into();
    }
    if world.page().is_none() { "System Home".into() } else { world.front().label.into() }
}

fn front_is_app(world: &World) -> bool {
    world.window().contains('/') && !world.window().contains("GrantPermissions")
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// How long nothing has changed on the display, as the agent remarks on it.
#[derive(Debug, Default)]
struct Stillness {
    before: Option<Vec<Mark>>,
    count: u32,
}

impl Stillness {
    /// What the agent remarks before the next step, now and then something that says nothing about it.
    fn remark(&mut self, world: &World, dice: &mut Dice) -> Option<String> {
        if let Some(before) = self.before.take() {
            self.count = if before == world.marks() { self.count + 1 } else { 0 };
        }
        if self.count >= 2 {
            return Some(format!("the last {} actions have not changed the screen", self.count));
        }
        dice.chance(1).then(|| "only the first of your actions was done; write one action a turn".into())
    }

    fn touch(&mut self, deed: &OracleAction, world: &World) {
        if !matches!(deed, OracleAction::Wait(_) | OracleAction::Launch(_)) {
            self.before = Some(world.marks());
        }
    }
}

/// What has come over the phone, and until when on its clock.
#[derive(Debug, Default)]
struct Disturbances {
    banner_until: u64,
    late_until: u64,
}

impl Disturbances {
    fn now(&self, world: &World) -> Option<Disturbance> {
        if world.uptime() < self.late_until {
            return Some(Disturbance::Late);
        }
        (world.uptime() < self.banner_until).then_some(Disturbance::Banner)
    }

    fn come(&mut self, world: &mut World, dice: &mut Dice) {
        let now = world.uptime();
        let is_app = world.page().is_some();
        match dice.below(10) {
            0..5 => {
                let millis = 2000 + dice.below(3000) as u64;
                self.banner_until = now + millis;
                let count = 2 + dice.below(3);
                let said = words::words(dice, count);
                let text =
                    if dice.chance(50) { format!("{}: {said}", dice.pick(&NAMES)) } else { words::capital(&said) };
                let package = dice.pick(&world.apps()).package;
                world.happen(Event::Notification { package, text, millis });
            }
            5 | 6 if is_app => world.happen(Event::Permission),
            7 | 8 if is_app => world.happen(Event::Anr),
            _ if is_app => {
                let millis = 300 + dice.below(1200) as u64;
                self.late_until = now + millis;
                world.happen(Event::Late { millis });
            }
            _ => {}
        }
    }
}

/// Where the phone happens to be when the task is set.
fn set_the_stage(world: &mut World, lesson: &Lesson, dice: &mut Dice) {
    if dice.chance(20) {
        world.set_input_method(ADB_KEYBOARD);
    }
    // How a switch is says nothing of how it should be: else a model learns the one from the other, and neither looks nor reads.
    for errand in &lesson.errands {
        let fact = match errand {
            Errand::Switch { fact, on, .. } => Some((format!("{fact}.on"), on)),
            Errand::Alarm { time, on } => Some((format!("alarms.{time}.on"), on)),
            Errand::Favourite { name, on } => Some((format!("contacts.{name}.favourite"), on)),
            Errand::Message { .. } | Errand::Note { .. } | Errand::Event { .. } => None,
        };
        let is_right = dice.chance(40);
        if let Some((fact, on)) = fact
            && lesson.kind != LessonKind::Absent
        {
            let _ = world.set_fact(&fact, &(*on == is_right).to_string());
        }
    }
    match dice.below(100) {
        0..45 => {}
        45..70 => leave_open(world, dice),
        _ => open_somewhere(world, dice),
    }
}

/// What somebody has begun before, or has done, is left as it stands. Not where a list was moved: nothing on the display tells that it was.
fn leave_open(world: &mut World, dice: &mut Dice) {
    let untouched = world.clone();
    let start = world.facts();
    let errands = errands(&start, dice);
    let (mut at, mut last) = (0, String::new());
    for _ in 0..1 + dice.below(9) {
        let facts = world.facts();
        let advice = advise(&errands, &mut at, world, &last, |errand| is_done(errand, &start, &facts));
        let Some(Advice { thought, deed }) = advice else { break };
        match &deed {
            OracleAction::SwipeUp => {
                *world = untouched;
                return;
            }
            deed if deed.is_end() => break,
            // What is begun in a hurry is no whole text.
            OracleAction::Type(text) if dice.chance(20) => {
                let words: Vec<&str> = text.split(' ').collect();
                perform(&OracleAction::Type(words[..1 + dice.below(words.len())].join(" ")), world);
            }
            deed => perform(deed, world),
        }
        last = thought;
        world.advance(world.uptime() + 1000);
    }
    if dice.chance(60) {
        world.input(&Input::Press(Key::Home));
        world.advance(world.uptime() + 1000);
    }
}

/// An app is open already, perhaps on some other page.
fn open_somewhere(world: &mut World, dice: &mut Dice) {
    let app = *dice.pick(&world.apps());
    world.launch(app.package);
    let (width, height) = world.size();
    if dice.chance(50) {
        let row = 2 + dice.below(6) as i32;
        let x = if dice.chance(70) { 100 } else { 495 };
        // Not in Settings, where a touch would turn something.
        if app.label == "Messages" || app.label == "Contacts" || app.label == "Notes" {
            world.input(&Input::Tap { x: x * width as i32 / 540, y: (2 * row + 1) * height as i32 / 26 });
        }
    }
    if dice.chance(30) {
        world.input(&Input::Press(Key::Home));
    }
}

/// Whether what leaves no lasting sign on the screen has been done since the start.
fn is_done(
    errand: &Errand,
    start: &std::collections::BTreeMap<String, String>,
    now: &std::collections::BTreeMap<String, String>,
) -> bool {
    let fact = match errand {
        Errand::Message { name, .. } => format!("messages.{name}.count"),
        Errand::Note { .. } => "notes.count".into(),
        Errand::Event { .. } => "calendar.0.count".into(),
        Errand::Switch { .. } | Errand::Alarm { .. } | Errand::Favourite { .. } => return false,
    };
    start.get(&fact) != now.get(&fact)
}

/// Carries out what the driver would.
fn perform(deed: &OracleAction, world: &mut World) {
    let (width, height) = world.size();
    let pixel = |x: i32, y: i32| (x * width as i32 / 1000, y * height as i32 / 1000);
    match deed {
        OracleAction::Launch(label) => {
            let app = world.apps().iter().find(|app| app.label == *label).copied();
            assert!(app.is_some_and(|app| world.launch(app.package)), "the oracle knows the apps");
        }
        OracleAction::Tap(x, y) => {
            let (x, y) = pixel(*x, *y);
            world.input(&Input::Tap { x, y });
        }
        OracleAction::Type(text) => {
            world.set_input_method(ADB_KEYBOARD);
            world.input(&Input::Clear);
            world.input(&Input::Type(text.clone()));
        }
        OracleAction::SwipeUp => world.input(&Input::Swipe { from: pixel(500, 750), to: pixel(500, 350), millis: 500 }),
        OracleAction::Back => world.input(&Input::Press(Key::Back)),
        OracleAction::Home => world.input(&Input::Press(Key::Home)),
        OracleAction::Wait(_) | OracleAction::Finish | OracleAction::Answer(_) | OracleAction::GiveUp(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use tapwright_phone::AppSelection;

    use super::*;

    /// What a model is taught must be right: nearly every episode that starts untouched ends as the judge wants it.
    #[test]
    fn the_oracle_does_what_it_is_asked() {
        let mut failed = Vec::new();
        for seed in 0..600 {
            let mut task = smoke::task(seed);
            if seed % 2 == 1 {
                task.phone.apps = AppSelection::All;
            }
            if let Some(why) = wrong(World::new(task.phone.clone()), &task) {
                failed.push(format!("{seed} {}: {why}", task.goal));
            }
        }
        assert!(failed.is_empty(), "{} of 600: {:#?}", failed.len(), &failed[..failed.len().min(5)]);
    }

    /// The same where somebody has left a page open, or a text half written.
    #[test]
    fn the_oracle_begins_where_another_has_left() {
        let mut failed = Vec::new();
        let mut tried = 0;
        for seed in 0..900 {
            let mut task = smoke::task(seed);
            if seed % 2 == 1 {
                task.phone.apps = AppSelection::All;
            }
            let mut left = World::new(task.phone.clone());
            let fresh = left.facts();
            leave_open(&mut left, &mut Dice::new(seed));
            // The judge counts from the phone as it was at first.
            if left.facts() != fresh {
                continue;
            }
            tried += 1;
            if let Some(why) = wrong(left, &task) {
                failed.push(format!("{seed} {}: {why}", task.goal));
            }
        }
        assert!(250 < tried, "{tried}");
        assert!(failed.is_empty(), "{} of {tried}: {:#?}", failed.len(), &failed[..failed.len().min(5)]);
    }

    /// The same where to change something is wrong, or easily the wrong thing.
    #[test]
    fn the_oracle_looks_before_it_touches() {
        let mut failed = Vec::new();
        for seed in 0..200 {
            for template in smoke::edge_templates() {
                let mut task = smoke::edge_task_of(template, seed).expect("a template");
                if seed % 2 == 1 {
                    task.phone.apps = AppSelection::All;
                }
                if let Some(why) = wrong(World::new(task.phone.clone()), &task) {
                    failed.push(format!("{template} {seed} {}: {why}", task.goal));
                }
            }
        }
        assert!(failed.is_empty(), "{} of 600: {:#?}", failed.len(), &failed[..failed.len().min(5)]);
    }

    /// What is wrong with the phone, or with the oracle's last word, after it has done a task.
    fn wrong(mut world: World, task: &smoke::Task) -> Option<String> {
        let start = world.facts();
        let (mut at, mut last) = (0, String::new());
        for _ in 0..STEPS_MAX {
            let facts = world.facts();
            let advice = advise(&task.errands, &mut at, &world, &last, |errand| is_done(errand, &start, &facts))?;
            if advice.deed.is_end() {
                let gave_up = advice.deed != OracleAction::Finish;
                let judged = smoke::judge(task, &start, &world.facts());
                return judged.or((gave_up != task.impossible).then(|| format!("it ended with {:?}", advice.deed)));
            }
            perform(&advice.deed, &mut world);
            last = advice.thought;
        }
        Some("it came to no end".into())
    }

    /// Who learns from a goal that is none of its own learns to touch nothing.
    #[test]
    fn goals_of_no_kind_end_at_the_first_step() {
        let mut ended = 0;
        for seed in 0..400 {
            let seed = smoke::TRAINING_SEEDS + seed;
            let Lesson { errands, is_disturbed, .. } = lesson(seed);
            if errands.is_empty() && !is_disturbed {
                let steps = steps(seed);
                assert_eq!(steps.len(), 1, "{}", steps[0].goal);
                assert!(steps[0].reply.contains("infeasible"), "{}", steps[0].reply);
                ended += 1;
            }
        }
        assert!(60 < ended, "{ended}");
    }

    /// Everything that a model is to learn does come, and every episode comes to an end.
    #[test]
    fn all_kinds_of_step_come() {
        let mut counts = std::collections::BTreeMap::<&str, usize>::new();
        let mut open = 0;
        for seed in 0..800 {
            let steps = steps(smoke::TRAINING_SEEDS + seed);
            for step in &steps {
                *counts.entry(step.kind).or_default() += 1;
            }
            open += usize::from(steps.last().is_none_or(|step| !step.reply.contains("finish(")));
        }
        for kind in ["known", "reworded", "question", "absent", "absent-end", "beyond", "disturbed"] {
            assert!(counts.get(kind).is_some_and(|count| 60 < *count), "{kind}: {counts:?}");
        }
        assert!(open < 40, "{open} of 800 have no end");
    }
}
