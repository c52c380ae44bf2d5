//! Whether pages can be read: walks through all apps look for words that lie on each other, reach over an edge or hardly differ
//! from what is behind them, and for buttons whose words are cut.

use std::collections::BTreeSet;

use super::World;
use crate::draw::Rect;
use crate::options::AppSelection;
use crate::ui::{Class, Node, Shape, Window};
use crate::{Dice, Input, Key, Language, Options};

/// Upright and lying, low and high, each with a font size in percent.
const SIZES: [(u32, u32, &str); 4] = [(540, 1200, "100"), (720, 1280, "100"), (1080, 2400, "116"), (1200, 540, "88")];
const STEPS: usize = 60;
/// Words that differ less from what is behind them are hard to read. Those of WCAG ask for 3 of large text; dots, hints and
/// what is switched off may have less.
const CONTRAST_MIN: f32 = 2.2;

/// A text or an icon that can be seen.
struct VisibleMark<'a> {
    node: usize,
    rect: Rect,
    what: &'a str,
    color: u32,
}

/// What can be seen of the layer on top.
fn visible_marks(nodes: &[Node]) -> Vec<VisibleMark<'_>> {
    let top = nodes.iter().rposition(|node| node.id == "dialog").unwrap_or(0);
    let mut list = Vec::new();
    for (at, node) in nodes.iter().enumerate().skip(top) {
        if node.window == Window::Keyboard || node.id == "toast" {
            continue;
        }
        for shape in &node.shapes {
            let (rect, what, color) = match shape {
                Shape::Text { x, baseline, size, bold, color, text } => {
                    let wide = crate::draw::text_width(*size, *bold, text);
                    let size = *size as i32;
                    let rect =
                        Rect { left: *x, top: baseline - size * 7 / 10, right: x + wide, bottom: baseline + size / 20 };
                    (rect, text.as_str(), *color)
                }
                Shape::Icon { rect, color, .. } => {
                    let inset = rect.width() / 8;
                    let rect = Rect {
                        left: rect.left + inset,
                        top: rect.top + inset,
                        right: rect.right - inset,
                        bottom: rect.bottom - inset,
                    };
                    (rect, "an icon", *color)
                }
                Shape::Fill { .. }
                | Shape::Gradient { .. }
                | Shape::Shade
                | Shape::Photo { .. }
                | Shape::Picture { .. } => continue,
            };
            // What a list shows only half of is on its way in or out.
            if rect.and(node.clip).height() == rect.height() && !what.trim().is_empty() {
                list.push(VisibleMark { node: at, rect, what, color });
            }
        }
    }
    list
}

/// How much two colours differ, by WCAG.
fn contrast(one: u32, two: u32) -> f32 {
    let light = |color: u32| {
        let part = |shift: u32| {
            let share = (color >> shift & 255) as f32 / 255.0;
            if share <= 0.04 { share / 12.9 } else { ((share + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(16) + 0.7152 * part(8) + 0.0722 * part(0) + 0.05
    };
    let (one, two) = (light(one), light(two));
    if one > two { one / two } else { two / one }
}

/// What is behind a text, from just beside it.
fn behind(rgba: &[u8], (width, height): (u32, u32), rect: Rect) -> Option<u32> {
    let (x, y) = (rect.left - 3, (rect.top + rect.bottom) / 2);
    let is_there = (0..width as i32).contains(&x) && (0..height as i32).contains(&y);
    let at = is_there.then(|| 4 * (y as usize * width as usize + x as usize))?;
    Some(u32::from(rgba[at]) << 16 | u32::from(rgba[at + 1]) << 8 | u32::from(rgba[at + 2]))
}

fn is_inside_button(nodes: &[Node], mut at: usize) -> bool {
    while let Some(parent) = nodes[at].parent {
        if nodes[parent].class == Class::Button {
            return true;
        }
        at = parent;
    }
    false
}

/// All that is wrong with what is on the display.
fn faults(world: &World) -> Vec<String> {
    let nodes = world.view();
    let list = visible_marks(&nodes);
    let size = world.size();
    let slack = (size.0.min(size.1) / 180) as i32;
    let mut faults = Vec::new();
    for (i, one) in list.iter().enumerate() {
        let clip = nodes[one.node].clip;
        if one.rect.left < clip.left - 1 || clip.right + 1 < one.rect.right {
            faults.push(format!("`{}` reaches over an edge", one.what));
        }
        for two in &list[i + 1..] {
            let both = one.rect.and(two.rect);
            if slack < both.width() && slack < both.height() {
                faults.push(format!("`{}` and `{}` lie on each other", one.what, two.what));
            }
        }
        let node = &nodes[one.node];
        // An address may be as long as it likes.
        let is_cut = node.class == Class::Text && node.text != one.what && node.id != "address";
        if is_cut && is_inside_button(&nodes, one.node) {
            faults.push(format!("a button says `{}` of `{}`", one.what, node.text));
        }
    }
    let rgba = world.draw();
    for one in list.iter().filter(|one| nodes[one.node].class == Class::Text) {
        if let Some(back) = behind(&rgba, size, one.rect)
            && contrast(back, one.color) < CONTRAST_MIN
        {
            faults.push(format!("`{}` is #{:06X} on #{back:06X}", one.what, one.color));
        }
    }
    faults
}

fn wander(world: &mut World, dice: &mut Dice) {
    let (width, height) = (world.size().0 as i32, world.size().1 as i32);
    let mut places: Vec<(i32, i32)> = world.marks().into_iter().filter_map(|mark| mark.target).collect();
    places.retain(|place| place.1 < height * 12 / 13);
    match dice.below(12) {
        0 | 1 => {
            let to = (width / 2, height * (1 + dice.below(5) as i32) / 10);
            world.input(&Input::Swipe { from: (width / 2, height / 2), to, millis: 300 });
        }
        2 => world.input(&Input::Type("12".into())),
        3 if dice.chance(30) => world.input(&Input::Press(Key::Back)),
        4 if !places.is_empty() => {
            let (x, y) = *dice.pick(&places);
            world.input(&Input::LongPress { x, y });
        }
        _ if !places.is_empty() => {
            let (x, y) = *dice.pick(&places);
            world.input(&Input::Tap { x, y });
        }
        _ => {}
    }
    // What is said for a moment lies over the page, and goes.
    world.advance(world.uptime() + 3000);
}

/// What speaks against a list that is in front: that a slow finger does not come to its end, or that its end is covered.
fn scrolled_to_the_end(world: &mut World) -> Option<String> {
    let extent = |world: &World| {
        let nodes = world.view();
        let at = nodes.iter().rposition(|node| node.extent.is_some_and(|extent| 0.0 < extent.travel))?;
        Some((at, nodes[at].extent?, nodes[at].rect.and(nodes[at].clip), nodes))
    };
    let (_, first, rect, _) = extent(world)?;
    let (x, up) = (rect.center().0, rect.height() / 3);
    let (from, to) = match first.is_from_end {
        true => ((x, rect.top + rect.height() / 4), (x, rect.top + rect.height() / 4 + up)),
        false => ((x, rect.bottom - rect.height() / 4), (x, rect.bottom - rect.height() / 4 - up)),
    };
    let mut before = world.draw();
    for swipe in 0.. {
        world.input(&Input::Swipe { from, to, millis: 20_000 });
        let now = world.draw();
        if now == before {
            break;
        }
        if swipe == 2000 {
            return Some("it has no end".to_owned());
        }
        before = now;
    }
    let (list, _, rect, nodes) = extent(world)?;
    let inside = |mut at: usize| loop {
        match nodes[at].parent {
            Some(parent) if parent == list => return true,
            Some(parent) => at = parent,
            None => return false,
        }
    };
    let below = |at: &usize| nodes[*at].id != "group" && nodes[*at].id != "back" && inside(*at);
    let (top, bottom) = (0..nodes.len()).filter(below).fold((i32::MAX, i32::MIN), |(top, bottom), at| {
        (top.min(nodes[at].rect.top), bottom.max(nodes[at].rect.bottom))
    });
    let is_shown = if first.is_from_end { rect.top - 1 <= top } else { bottom <= rect.bottom + 1 };
    (!is_shown).then(|| format!("its end is at {top}, {bottom} of {rect:?}"))
}

#[test]
fn every_list_that_a_walk_meets_can_be_scrolled_to_its_end() {
    let mut found: BTreeSet<String> = BTreeSet::new();
    let mut lists: BTreeSet<(&str, &str)> = BTreeSet::new();
    let mut met = 0;
    for (number, (width, height)) in [(540, 1200), (1200, 540)].into_iter().enumerate() {
        for apps in [AppSelection::Basic, AppSelection::All] {
            let seed = 5 + number as u64;
            let mut start = World::new(Options { seed, width, height, apps, ..Options::default() });
            if apps == AppSelection::All {
                start.set_fact("airplane.on", "false").unwrap();
                start.set_fact("permission.com.android.gallery3d.photos", "granted").unwrap();
            }
            for at in 0..30 {
                start.set_fact("messages.Somebody.last", &format!("them: line {at} of a long conversation")).unwrap();
            }
            let mut home = start.clone();
            found.extend(scrolled_to_the_end(&mut home).map(|fault| format!("home: {fault} ({width}x{height})")));
            for app in start.apps() {
                let mut dice = Dice::named(seed, app.package);
                let mut world = start.clone();
                for step in 0..STEPS {
                    if step % 12 == 0 {
                        world.stop(app.package);
                        world.launch(app.package);
                    }
                    wander(&mut world, &mut dice);
                    let page = world.page().map_or("", |page| page.name);
                    let key = (world.front().package, page);
                    let is_plain = world.overlay.is_none() && world.system.dialog.is_none() && !world.system.shade;
                    if !is_plain || world.field_has_focus() || lists.contains(&key) {
                        continue;
                    }
                    let mut tried = world.clone();
                    let scrolls = tried.view().iter().any(|node| node.extent.is_some_and(|extent| 0.0 < extent.travel));
                    if scrolls {
                        lists.insert(key);
                        met += 1;
                        found.extend(
                            scrolled_to_the_end(&mut tried).map(|fault| format!("{key:?}: {fault} ({width}x{height})")),
                        );
                    }
                }
            }
            let mut chat = start.clone();
            chat.launch("com.android.mms");
            let row = chat.marks().into_iter().find(|mark| format!("{:?}", mark.what).contains("Somebody")).unwrap();
            let (x, y) = row.target.unwrap();
            chat.input(&Input::Tap { x, y });
            assert!(!chat.hierarchy().contains("line 0 of"), "the newest first");
            assert_eq!(scrolled_to_the_end(&mut chat), None);
            assert!(chat.hierarchy().contains("line 0 of"), "{}", chat.hierarchy());
            lists.clear();
        }
    }
    assert!(40 < met, "the walk met {met} lists");
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn every_page_that_a_walk_meets_can_be_read() {
    let mut found: BTreeSet<String> = BTreeSet::new();
    let mut pages: BTreeSet<(&str, &str)> = BTreeSet::new();
    for language in Language::ALL {
        for (number, (width, height, font)) in SIZES.into_iter().enumerate() {
            let seed = number as u64;
            let options = Options { seed, width, height, language, apps: AppSelection::All, ..Options::default() };
            let mut start = World::new(options);
            start.set_fact("dark.on", if number % 2 == 0 { "false" } else { "true" }).unwrap();
            start.set_fact("font.percent", font).unwrap();
            start.set_fact("airplane.on", "false").unwrap();
            start.set_fact("permission.com.android.gallery3d.photos", "granted").unwrap();
            for app in start.apps() {
                let mut dice = Dice::named(seed, app.package);
                let mut world = start.clone();
                for step in 0..STEPS {
                    if step % 15 == 0 {
                        world.stop(app.package);
                        world.launch(app.package);
                    }
                    wander(&mut world, &mut dice);
                    let page = world.page().map_or("", |page| page.name);
                    pages.insert((world.front().package, page));
                    for fault in faults(&world) {
                        found.insert(format!("{} {page}: {fault} ({width}x{height})", world.front().package));
                    }
                }
            }
        }
    }
    assert!(pages.len() > 60, "the walk met {} pages", pages.len());
    let shown: Vec<&String> = found.iter().take(80).collect();
    assert!(found.is_empty(), "{} faults: {shown:#?}", found.len());
}
