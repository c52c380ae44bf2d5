//! An app that the phone does not know: all of it is in this file.

use tapwright_phone::app::{App, Context, Facts, InstalledApp, Manifest};
use tapwright_phone::command::{Effect, Page, send};
use tapwright_phone::locale::phrase;
use tapwright_phone::providers::Providers;
use tapwright_phone::ui::{End, ROW, Row, Ui};
use tapwright_phone::{Icon, Input, Key, Language, MarkContent, Options, World};

/// Counts what is touched.
#[derive(Clone, Debug, Default)]
struct Counter {
    counts: [u32; 3],
}

#[derive(Clone, Debug)]
enum Message {
    Count(usize),
}

impl App for Counter {
    type Message = Message;

    fn manifest(&self) -> Manifest {
        Manifest {
            package: "org.example.counter",
            activity: ".Counter",
            label: phrase("Counter", "计数"),
            icon: Icon::Plus,
            color: 0x0EA5A4,
        }
    }

    fn view(&self, page: &Page, _: &Context<'_>, _: &Providers, ui: &mut Ui) {
        let title = ui.say(phrase("Counter", "计数"));
        ui.title_bar(title, page.is("about"), &[(Icon::Info, phrase("About", "关于"), about().into())]);
        if page.is("about") {
            return;
        }
        ui.list(self.counts.len(), 2.0 * ROW, |ui, i, y| {
            let (title, count) = (["Sheep", "Cars", "Stars"][i], self.counts[i].to_string());
            ui.row(y, Row { title, end: End::Text(&count), tap: Some(send(Message::Count(i))), ..Row::default() });
        });
    }

    fn update(&mut self, message: Message, _: &Context<'_>, _: &mut Providers) -> Vec<Effect> {
        let Message::Count(at) = message;
        self.counts[at] += 1;
        Vec::new()
    }

    fn facts(&self, _: &Providers, facts: &mut Facts) {
        for (at, count) in self.counts.iter().enumerate() {
            facts.insert(format!("counter.{at}"), count.to_string());
        }
    }

    fn set_fact(&mut self, name: &[&str], value: &str, _: &mut Providers) -> Option<Result<(), String>> {
        let ["counter", at] = name else { return None };
        let count = self.counts.get_mut(at.parse::<usize>().ok()?)?;
        Some(value.parse().map(|value| *count = value).map_err(|_| "it is a number".to_owned()))
    }
}

fn about() -> Effect {
    Effect::Open(Page::new("about"))
}

fn phone(language: Language) -> World {
    let options = Options { seed: 3, language, ..Options::default() };
    World::with_apps(options, vec![InstalledApp::new(Counter::default())])
}

fn tap(world: &mut World, name: &str) {
    let is_it = |what: &MarkContent| match what {
        MarkContent::Word(word) => word == name,
        MarkContent::Icon(icon) => format!("{icon:?}") == name,
        MarkContent::Control | MarkContent::Field => false,
    };
    let found = world.marks().into_iter().find(|mark| is_it(&mark.what)).and_then(|mark| mark.target);
    let (x, y) = found.unwrap_or_else(|| panic!("there is no `{name}`"));
    world.input(&Input::Tap { x, y });
}

#[test]
fn an_app_of_another_crate_is_as_good_as_any() {
    let mut world = phone(Language::English);
    assert!(world.facts()["launcher.icons"].ends_with("Settings, Counter"));
    world.set_fact("counter.1", "7").unwrap();
    assert!(world.set_fact("counter.1", "x").is_err() && world.set_fact("counter.9", "1").is_err());
    tap(&mut world, "Counter");
    assert_eq!(world.front().package, "org.example.counter");
    tap(&mut world, "Cars");
    tap(&mut world, "Stars");
    let facts = world.facts();
    assert_eq!([&facts["counter.0"], &facts["counter.1"], &facts["counter.2"]], ["0", "8", "1"]);
    tap(&mut world, "Info");
    assert_eq!(world.page(), Some(&Page::new("about")));
    world.input(&Input::Press(Key::Back));
    assert_eq!(world.page(), Some(&Page::new("main")));
    assert!(world.hierarchy().contains("package=\"org.example.counter\""));
    // Every other app is what it is without this one.
    let mut alone = World::new(Options { seed: 3, ..Options::default() });
    for package in ["com.android.mms", "com.android.settings"] {
        assert!(world.launch(package) && alone.launch(package));
        assert!(world.draw() == alone.draw(), "{package}");
    }
    let mut chinese = phone(Language::Chinese);
    tap(&mut chinese, "计数");
    assert_eq!(chinese.front().label, "计数");
}

#[test]
#[should_panic(expected = "two apps are called org.example.counter")]
fn two_apps_of_a_name_are_a_mistake() {
    World::with_apps(
        Options::default(),
        vec![InstalledApp::new(Counter::default()), InstalledApp::new(Counter::default())],
    );
}
