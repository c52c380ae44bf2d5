//! What is on the display: the layers that lie over each other, the lowest first.

use super::{ADB_KEYBOARD, HEIGHTS, Overlay, WIDTHS, World};
use crate::app::Manifest;
use crate::apps;
use crate::command::Command;
use crate::date::{DAY, Date, clock_text};
use crate::options::AppSelection;
use crate::providers::settings::Switch;
use crate::system::motion::Motion;
use crate::system::sheets::{self, Shade};
use crate::system::{bars, dialogs, home, keyboard, motion};
use crate::truth::Mark;
use crate::ui::{self, Class, DARK, Dialog, LIGHT, Node, ROW, Shape, Ui, Window};

/// The colour of a button that deletes.
const DANGER: u32 = 0xDC3545;
/// How long a caret that blinks is shown, and then hidden, in milliseconds.
const BLINK: u64 = 500;
/// How long a page slides in, and how long a list glides, in milliseconds.
const SLIDE: u64 = 250;
const GLIDE: u64 = 450;
/// The shape for which everything has been laid out, and the lowest in which it finds room. Design pixels.
const WIDTH: u32 = 540;
const HEIGHT: u32 = 1200;
const HEIGHT_MIN: u32 = 880;

/// How wide the phone stands on a display: as wide as that, unless it would be too low.
fn column(width: u32, height: u32) -> u32 {
    if height * WIDTH < HEIGHT_MIN * width { height * WIDTH / HEIGHT } else { width }
}

impl World {
    /// Display size in pixels, width first.
    pub fn size(&self) -> (u32, u32) {
        let (width, height) = (self.options.width, self.options.height);
        if self.is_turned() { (height, width) } else { (width, height) }
    }

    /// Lays everything out for a display of another size, as `wm size` does; false if no phone has one of that size.
    pub fn resize(&mut self, (width, height): (u32, u32)) -> bool {
        let fits = WIDTHS.contains(&width) && HEIGHTS.contains(&height);
        if fits {
            (self.options.width, self.options.height) = (width, height);
        }
        fits
    }

    /// Width, height and left edge of what apps are laid out for: all of the display, or an upright column in the middle
    /// of one that is too wide for its height.
    pub(super) fn layout(&self) -> (u32, u32, i32) {
        let (width, height) = self.size();
        // What was laid out for the phone upright keeps its shape on its side.
        let upright = if self.is_turned() && height < width { height * height / width } else { width };
        let upright = column(upright, height);
        (upright, height, ((width - upright) / 2) as i32)
    }

    /// Whether there are black borders beside the apps.
    fn has_borders(&self) -> bool {
        self.layout().0 < self.size().0
    }

    /// Density in dots per inch, as `wm density` prints it.
    pub fn density(&self) -> u32 {
        column(self.options.width, self.options.height) * 240 / 540
    }

    /// For how many milliseconds from now something on the display moves by itself.
    pub fn moves_for(&self) -> u64 {
        if !self.awake() || self.is_locked() {
            return 0;
        }
        let slide = self.slide.map_or(0, |(since, _)| (since + SLIDE).saturating_sub(self.millis));
        let glide = self.scrolls.get(&self.scrolling()).filter(|scroll| scroll.from != scroll.at);
        let glide = glide.map_or(0, |scroll| (scroll.since + GLIDE).saturating_sub(self.millis));
        let animated = if self.options.animations { slide.max(glide) } else { 0 };
        animated.max(motion::moves_for(self.options.motion, self.millis))
    }

    /// What is on the display: `[height, width, 4]` bytes of RGBA.
    pub fn draw(&self) -> Vec<u8> {
        let (width, height) = self.size();
        if !self.awake() {
            return [0, 0, 0, 255].repeat(width as usize * height as usize);
        }
        let back = if self.has_borders() { 0 } else { self.theme().back };
        let mut rgba = ui::draw(&self.view(), width, height, back);
        if self.is_protected() {
            // The bars are the system's own windows, and stay.
            let line = 4 * width as usize;
            let (top, bottom) = (line * height as usize / 25, line * (height as usize * 12 / 13));
            let top = top - top % line;
            for pixel in rgba[top..bottom].chunks_exact_mut(4) {
                pixel[..3].fill(0);
            }
        }
        rgba
    }

    /// The ground truth of what is on the display, for training and for tests; never for a model.
    pub fn marks(&self) -> Vec<Mark> {
        crate::truth::marks(&self.view())
    }

    fn theme(&self) -> ui::Theme {
        if self.providers.settings.is_on(Switch::Dark) { DARK } else { LIGHT }
    }

    /// All widgets of the display, the lowest first.
    pub(crate) fn view(&self) -> Vec<Node> {
        let (width, height, left) = self.layout();
        let language = self.options.language;
        let mut ui = Ui::new(width, height, self.theme(), self.providers.settings.font_percent, language);
        ui.appearance = self.options.appearance;
        ui.by_pixels = self.options.apps == AppSelection::All;
        ui.caret = !self.options.caret_blinks || (self.millis / BLINK).is_multiple_of(2);
        if let Some(seed) = self.photo {
            let rect = ui.rect(0.0, 0.0, 540.0, ui.height());
            ui.add(Class::Frame, "photo", rect).shapes.push(Shape::Photo { rect, seed });
        } else if self.has_borders() {
            let (rect, color) = (ui.rect(0.0, 0.0, 540.0, ui.height()), self.theme().back);
            ui.add(Class::Frame, "column", rect).shapes.push(Shape::Fill { rect, radius: 0.0, color });
        }
        let time = clock_text((self.clock() / 60 % (24 * 60)) as u32);
        let date = Date::new(self.clock() / DAY).long(language);
        if self.is_locked() {
            dialogs::view_lock(&mut ui, &time, &date);
        } else {
            self.view_front(&mut ui, &time, &date);
            bars::view(&mut ui, &time, &self.providers.settings, self.front.is_none());
            if self.field_has_focus() {
                keyboard::view(&mut ui, self.keyboard == ADB_KEYBOARD, self.layer);
            }
            self.view_overlays(&mut ui, &time, &date);
        }
        if left != 0 {
            ui::shift(&mut ui.nodes, left);
        }
        ui.nodes
    }

    /// How far the page in front has been moved up at this moment.
    fn scroll_offset(&self) -> usize {
        let Some(scroll) = self.scrolls.get(&self.scrolling()) else { return 0 };
        let spent = self.millis.saturating_sub(scroll.since).min(GLIDE);
        if !self.options.animations || spent == GLIDE || self.options.apps != AppSelection::All {
            return scroll.at;
        }
        // Fast at first, then slower and slower.
        let left = (GLIDE - spent) as i64;
        let (from, at) = (scroll.from as i64, scroll.at as i64);
        (at + (from - at) * left * left / (GLIDE * GLIDE) as i64) as usize
    }

    /// How far to the right the page in front is that is still coming, in pixels.
    fn slide_offset(&self, width: i32) -> i32 {
        let Some((since, side)) = self.slide.filter(|_| self.options.animations) else { return 0 };
        let left = (since + SLIDE).saturating_sub(self.millis) as i32;
        side * width * left * left / (SLIDE * SLIDE) as i32
    }

    /// The app in front, or the home screen.
    fn view_front(&self, ui: &mut Ui, time: &str, date: &str) {
        let keys = if self.field_has_focus() { keyboard::rows(self.keyboard == ADB_KEYBOARD) } else { 0.0 };
        ui.bottom = ui.nav_top() - keys * ROW;
        let motion = self.options.motion;
        if motion != Motion::None && self.front.is_some() {
            ui.bottom -= ROW;
        }
        match self.front.zip(self.page()) {
            Some(_) if self.millis < self.system.late_until => dialogs::view_late(ui),
            Some((app, page)) => {
                ui.scrolled = self.scroll_offset();
                let first = ui.nodes.len();
                self.apps[app].view(page, &self.context(app, page), &self.providers, ui);
                let by = self.slide_offset(ui.px(540.0));
                ui::shift(&mut ui.nodes[first..], by);
            }
            None => {
                if self.photo.is_none() {
                    home::view_wallpaper(ui, self.providers.settings.is_on(Switch::Dark));
                }
                ui.scrolled = self.scroll_offset();
                home::view(ui, &self.manifests(&self.icons), time, date);
            }
        }
        let top = if self.front.is_some() { ui.bottom } else { 4.0 * ROW };
        motion::view(ui, motion, self.millis, top);
    }

    /// The names and icons of some apps.
    fn manifests(&self, apps: &[usize]) -> Vec<(usize, Manifest)> {
        apps.iter().map(|app| (*app, self.apps[*app].manifest())).collect()
    }

    fn view_shade(&self, ui: &mut Ui, time: &str, date: &str) {
        let switches = Switch::ALL.map(|switch| {
            let (label, icon, _) = apps::switch_look(switch);
            (switch, label, icon)
        });
        let (settings, notifications) = (&self.providers.settings, &self.system.notifications);
        sheets::view_shade(ui, &Shade { time, date, settings, switches: &switches, notifications });
    }

    /// What lies over the page: its own dialogs, then the system's.
    fn view_overlays(&self, ui: &mut Ui, time: &str, date: &str) {
        ui.window = Window::Dialog;
        match &self.overlay {
            Some(Overlay::Question(_, question)) => ui.dialog(Dialog {
                top: 4.0 * ROW,
                title: &question.title,
                text: &question.text,
                no: ("cancel", None, Command::Answer(false)),
                yes: ("confirm", question.yes, DANGER, Command::Answer(true)),
            }),
            Some(Overlay::Menu(_, items)) => sheets::view_menu(ui, items),
            Some(Overlay::Share(_)) => {
                let takers: Vec<usize> = (0..self.apps.len()).filter(|app| self.apps[*app].takes_text()).collect();
                sheets::view_share(ui, &self.manifests(&takers));
            }
            Some(Overlay::Recents) => sheets::view_recents(ui, &self.manifests(&self.recent)),
            None => {}
        }
        if self.system.shade {
            self.view_shade(ui, time, date);
        }
        if let Some((text, _)) = self.system.toast.as_ref().filter(|(_, until)| self.millis < *until) {
            dialogs::view_toast(ui, text);
        }
        if let Some(notification) = self.system.banner(self.millis) {
            dialogs::view_banner(ui, &notification.text);
        }
        if let Some(dialog) = self.system.dialog {
            dialogs::view_system_dialog(ui, dialog, self.dialog_app().label, &self.system.computer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Event, Icon, Input, Language, MarkContent, Options, draw};

    /// Every character that a widget writes is in the font: others would be drawn as empty boxes.
    #[test]
    fn the_font_has_every_character_of_every_phrase() {
        for language in Language::ALL {
            for seed in 0..4 {
                let start = World::new(Options { seed, language, ..Options::default() });
                check(&start);
                for app in start.apps() {
                    let mut world = start.clone();
                    world.launch(app.package);
                    check(&world);
                    for (x, y) in [(200, 230), (200, 510), (200, 1060), (495, 138), (400, 230)] {
                        for input in [Input::Tap { x, y }, Input::LongPress { x, y }] {
                            let mut world = world.clone();
                            world.input(&input);
                            check(&world);
                            for icon in [Icon::Bin, Icon::Plus, Icon::Check] {
                                let mut world = world.clone();
                                let found = world.marks().into_iter().find(|mark| mark.what == MarkContent::Icon(icon));
                                if let Some((x, y)) = found.and_then(|mark| mark.target) {
                                    world.input(&Input::Tap { x, y });
                                    check(&world);
                                }
                            }
                        }
                    }
                }
                for event in [Event::Permission, Event::Anr, Event::Lock { dark: false }, Event::Late { millis: 9 }] {
                    let mut world = start.clone();
                    world.launch("com.android.settings");
                    world.happen(event);
                    check(&world);
                }
                let mut world = start.clone();
                world.input(&Input::Press(crate::Key::Notifications));
                check(&world);
                world.input(&Input::Press(crate::Key::Back));
                world.input(&Input::Press(crate::Key::Recents));
                check(&world);
            }
        }
    }

    /// All that the tables say, and what is met on walks through all apps.
    #[test]
    fn the_font_has_every_character_of_all_apps() {
        for language in Language::ALL {
            for place in crate::atlas::places(1, language) {
                let text = format!("{}{}{}", place.name, place.address, language.say(place.kind.label()));
                assert!(text.chars().all(draw::has_glyph), "{text}");
            }
            for seed in 0..3 {
                let options = Options { seed, language, apps: AppSelection::All, ..Options::default() };
                let start = World::new(options);
                for app in start.apps() {
                    let mut dice = crate::Dice::named(seed, app.package);
                    let mut world = start.clone();
                    for step in 0..90 {
                        if step % 15 == 0 {
                            world.stop(app.package);
                            world.launch(app.package);
                        }
                        wander(&mut world, &mut dice);
                        check(&world);
                    }
                }
            }
        }
    }

    fn wander(world: &mut World, dice: &mut crate::Dice) {
        let (width, height) = (world.size().0 as i32, world.size().1 as i32);
        let places: Vec<(i32, i32)> = world
            .marks()
            .into_iter()
            .filter_map(|mark| mark.target)
            .filter(|place| place.1 < height * 12 / 13)
            .collect();
        match dice.below(10) {
            0 => {
                let to = (width / 2, height * (2 + dice.below(4) as i32) / 10);
                world.input(&Input::Swipe { from: (width / 2, height / 2), to, millis: 300 });
            }
            1 => world.input(&Input::Type("12".into())),
            2 if dice.chance(30) => world.input(&Input::Press(crate::Key::Back)),
            3 if !places.is_empty() => {
                let (x, y) = *dice.pick(&places);
                world.input(&Input::LongPress { x, y });
            }
            _ if !places.is_empty() => {
                let (x, y) = *dice.pick(&places);
                world.input(&Input::Tap { x, y });
            }
            _ => {}
        }
    }

    fn check(world: &World) {
        for node in world.view() {
            for shape in &node.shapes {
                if let Shape::Text { text, .. } = shape {
                    let missing: String = text.chars().filter(|c| !draw::has_glyph(*c)).collect();
                    assert!(
                        missing.is_empty() || node.id == "cap",
                        "{missing} of {text} is not in the font: {:?}",
                        world.page()
                    );
                }
            }
        }
    }
}
