//! A hand that finds words and icons on a phone with all apps, and touches them.

use tapwright_phone::{ADB_KEYBOARD, AppSelection, Input, Key, Language, Mark, MarkContent, Options, World};

pub struct Hand {
    pub world: World,
}

impl Hand {
    /// A phone of a seed in English, with an app in front.
    pub fn new(seed: u64, package: &str) -> Hand {
        Hand::with(Options { seed, ..Options::default() }, package)
    }

    pub fn with(options: Options, package: &str) -> Hand {
        let mut world = World::new(Options { apps: AppSelection::All, ..options });
        world.set_input_method(ADB_KEYBOARD);
        assert!(world.launch(package), "{package} is installed");
        Hand { world }
    }

    pub fn chinese(seed: u64, package: &str) -> Hand {
        Hand::with(Options { seed, language: Language::Chinese, ..Options::default() }, package)
    }

    /// All words that can be seen, in the order in which they are drawn.
    pub fn words(&self) -> String {
        let words = self.world.marks().into_iter().filter_map(|mark| match mark.what {
            MarkContent::Word(word) => Some(word),
            MarkContent::Icon(_) | MarkContent::Control | MarkContent::Field => None,
        });
        words.collect::<Vec<_>>().join(" ")
    }

    pub fn shows(&self, text: &str) -> bool {
        self.words().contains(text)
    }

    /// Where words, one after the other, or an icon can be seen.
    fn find(&self, name: &str) -> Option<Mark> {
        let marks = self.world.marks();
        let words: Vec<&str> = name.split(' ').collect();
        let is_it = |at: usize| {
            words.iter().enumerate().all(|(i, word)| match marks.get(at + i).map(|mark| &mark.what) {
                Some(MarkContent::Word(shown)) => shown == word,
                Some(MarkContent::Icon(icon)) => words.len() == 1 && format!("{icon:?}") == *word,
                _ => false,
            })
        };
        // What lies on top was drawn last.
        (0..marks.len()).rev().find(|at| is_it(*at)).map(|at| marks[at].clone())
    }

    pub fn place(&self, name: &str) -> (i32, i32) {
        let mark = self.find(name).unwrap_or_else(|| panic!("there is no `{name}` in: {}", self.words()));
        mark.target.unwrap_or_else(|| mark.rect.center())
    }

    pub fn tap(&mut self, name: &str) -> &mut Hand {
        let (x, y) = self.place(name);
        self.world.input(&Input::Tap { x, y });
        self
    }

    /// Where what was drawn first of that name is touched, as what stands in the title bar.
    pub fn first_place(&self, name: &str) -> (i32, i32) {
        let is_it = |what: &MarkContent| match what {
            MarkContent::Word(word) => word == name,
            MarkContent::Icon(icon) => format!("{icon:?}") == name,
            MarkContent::Control | MarkContent::Field => false,
        };
        let found = self
            .world
            .marks()
            .into_iter()
            .find(|mark| is_it(&mark.what) && mark.target.is_some())
            .and_then(|mark| mark.target);
        found.unwrap_or_else(|| panic!("there is no `{name}` in: {}", self.words()))
    }

    /// Touches what was drawn first of that name.
    pub fn tap_first(&mut self, name: &str) -> &mut Hand {
        let (x, y) = self.first_place(name);
        self.world.input(&Input::Tap { x, y });
        self
    }

    pub fn hold(&mut self, name: &str) -> &mut Hand {
        let (x, y) = self.place(name);
        self.world.input(&Input::LongPress { x, y });
        self
    }

    pub fn write(&mut self, text: &str) -> &mut Hand {
        assert!(self.world.field_has_focus(), "nothing takes `{text}`");
        self.world.input(&Input::Type(text.into()));
        self
    }

    /// Where a field is touched, counted from above.
    pub fn field_place(&self, number: usize) -> (i32, i32) {
        let fields: Vec<Mark> = self.world.marks().into_iter().filter(|mark| mark.what == MarkContent::Field).collect();
        fields[number].target.expect("a field can be touched")
    }

    pub fn field(&mut self, number: usize) -> &mut Hand {
        let (x, y) = self.field_place(number);
        self.world.input(&Input::Tap { x, y });
        self
    }

    pub fn press(&mut self, key: Key) -> &mut Hand {
        self.world.input(&Input::Press(key));
        self
    }

    /// Moves the page up by so many pixels, without a fling.
    pub fn scroll(&mut self, pixels: i32) -> &mut Hand {
        let (width, height) = self.world.size();
        let from = (width as i32 / 2, height as i32 * if pixels > 0 { 7 } else { 4 } / 10);
        self.world.input(&Input::Swipe { from, to: (from.0, from.1 - pixels), millis: 20_000 });
        self
    }

    /// Moves the page up until words or an icon can be seen, and touches them.
    pub fn seek(&mut self, name: &str) -> &mut Hand {
        for _ in 0..60 {
            if self.find(name).is_some_and(|mark| mark.target.is_some()) {
                return self.tap(name);
            }
            self.scroll(200);
        }
        panic!("there is no `{name}` however far one scrolls: {}", self.words());
    }

    pub fn fact(&self, name: &str) -> String {
        self.world.facts().get(name).unwrap_or_else(|| panic!("there is no fact `{name}`")).clone()
    }

    pub fn set(&mut self, name: &str, value: &str) -> &mut Hand {
        self.world.set_fact(name, value).unwrap();
        self
    }
}
