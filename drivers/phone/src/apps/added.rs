//! An app that was installed over ADB: an icon, and a page that says what it is. Its program does not run on this phone.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::app::{App, Context, Facts, Manifest};
use crate::command::{Effect, Page};
use crate::icon::Icon;
use crate::locale::{Phrase, phrase};
use crate::providers::Providers;
use crate::ui::{Class, EDGE, MEASURE, ROW, Shape, Style, Ui};

const VERSION: Phrase = phrase("Version {}", "版本{}");
const INSTALLED: Phrase = phrase("It was installed over ADB.", "通过ADB安装。");
const DOES_NOT_RUN: Phrase = phrase("Its program does not run on this phone.", "本机无法运行它的程序。");
const COLORS: [u32; 6] = [0x2563EB, 0x1E9E62, 0xE11D48, 0x7C3AED, 0xE08A00, 0x0891B2];

/// What is known of it: what its package says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddedPackage {
    /// For example `com.example.app`.
    pub package: String,
    pub label: String,
    pub version: String,
    /// The class of the page that it begins with: `.MainActivity`.
    pub activity: String,
}

#[derive(Clone, Copy, Debug)]
pub struct AddedApp {
    package: &'static str,
    activity: &'static str,
    label: &'static str,
    version: &'static str,
}

impl AddedApp {
    /// The app of a package.
    pub fn new(added: &AddedPackage) -> AddedApp {
        AddedApp {
            package: intern(&added.package),
            activity: intern(&added.activity),
            label: intern(&added.label),
            version: intern(&added.version),
        }
    }

    fn color(&self) -> u32 {
        COLORS[self.package.bytes().map(usize::from).sum::<usize>() % COLORS.len()]
    }
}

/// A name that stays for as long as the program runs, as the names of the phone's own apps do; each is kept once. How many there can
/// be on a phone, and how long they are, is limited where apps are installed.
fn intern(name: &str) -> &'static str {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    match names.get(name) {
        Some(known) => known,
        None => {
            let name: &'static str = Box::leak(name.to_owned().into_boxed_str());
            names.insert(name);
            name
        }
    }
}

impl App for AddedApp {
    type Message = ();

    fn manifest(&self) -> Manifest {
        Manifest {
            package: self.package,
            activity: self.activity,
            label: phrase(self.label, self.label),
            icon: Icon::Box,
            color: self.color(),
        }
    }

    fn view(&self, _: &Page, _: &Context<'_>, _: &Providers, ui: &mut Ui) {
        ui.title_bar(self.label, false, &[]);
        let (ink, faint) = (ui.theme.ink, ui.theme.faint);
        let square = ui.rect(210.0, 2.6 * ROW, 120.0, 120.0);
        let inner = ui.rect(240.0, 2.6 * ROW + 30.0, 60.0, 60.0);
        let (radius, color) = (ui.px(28.0) as f32, self.color());
        let node = ui.add(Class::Image, "icon", square);
        node.shapes.push(Shape::Fill { rect: square, radius, color });
        node.shapes.push(Shape::Icon { icon: Icon::Box, rect: inner, color: 0xFFFFFF });
        let centered = |size: f32, color: u32| Style { centered: true, ..Style::new(size, color) };
        let version = ui.say_with(VERSION, self.version);
        let said = (ui.say(INSTALLED), ui.say(DOES_NOT_RUN));
        ui.label("label", self.label, (EDGE, 4.7 * ROW), MEASURE, centered(40.0, ink));
        ui.label("package", self.package, (EDGE, 5.3 * ROW), MEASURE, centered(24.0, faint));
        ui.label("version", &version, (EDGE, 5.8 * ROW), MEASURE, centered(26.0, faint));
        ui.label("installed", said.0, (EDGE, 6.6 * ROW), MEASURE, centered(26.0, ink));
        ui.label("program", said.1, (EDGE, 7.1 * ROW), MEASURE, centered(26.0, ink));
    }

    fn update(&mut self, (): (), _: &Context<'_>, _: &mut Providers) -> Vec<Effect> {
        Vec::new()
    }

    fn facts(&self, _: &Providers, _: &mut Facts) {}
}
