//! What a phone can be opened as: in another language, on any display, with widgets that move or look better.

use tapwright_phone::{
    ADB_KEYBOARD, Appearance, Event, Input, Key, LATIN_KEYBOARD, Language, Mark, MarkContent, Motion, Options, Rect,
    World,
};

fn tap(world: &mut World, is_it: impl Fn(&MarkContent) -> bool) {
    let found = world.marks().into_iter().find(|mark| is_it(&mark.what)).and_then(|mark| mark.target);
    let (x, y) = found.expect("it is there");
    world.input(&Input::Tap { x, y });
}

fn tap_word(world: &mut World, name: &str) {
    tap(world, |what| *what == MarkContent::Word(name.into()));
}

fn tap_icon(world: &mut World, name: &str) {
    tap(world, |what| matches!(what, MarkContent::Icon(icon) if format!("{icon:?}") == name));
}

fn words(world: &World) -> String {
    let words = world.marks().into_iter().filter_map(|mark| match mark.what {
        MarkContent::Word(word) => Some(word),
        MarkContent::Icon(_) | MarkContent::Control | MarkContent::Field => None,
    });
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn a_phone_speaks_chinese() {
    let mut world = World::new(Options { seed: 3, language: Language::Chinese, ..Options::default() });
    assert_eq!(world.facts()["launcher.icons"], "信息, 通讯录, 便签, 时钟, 日历, 设置");
    assert!(words(&world).contains("1月1日 周四"), "{}", words(&world));
    world.set_fact("launcher.icons", "设置, 信息, 通讯录, 便签, 时钟, 日历").unwrap();
    tap_word(&mut world, "设置");
    assert_eq!((world.front().label, world.front().package), ("设置", "com.android.settings"));
    let on = world.facts()["wifi.on"].clone();
    tap_word(&mut world, "无线网络");
    assert_ne!(world.facts()["wifi.on"], on, "facts have the same names in every language");
    world.launch("com.android.notes");
    tap_icon(&mut world, "Plus");
    world.input(&Input::Type("买牛奶".into()));
    world.input(&Input::Press(Key::Back));
    world.input(&Input::Press(Key::Back));
    assert!(words(&world).contains("舍弃便签？"), "{}", words(&world));
    world.happen(Event::Permission);
    assert!(words(&world).contains("允许“便签”"), "{}", words(&world));
    // Apart from times and the few who have other names, nothing is left in English.
    for app in world.apps() {
        let mut world = World::new(Options { seed: 4, language: Language::Chinese, ..Options::default() });
        world.launch(app.package);
        let english: Vec<String> = words(&world)
            .split(' ')
            .filter(|word| {
                word.chars().all(|c| c.is_ascii_alphabetic()) && !["Anna", "Ben", "Emma", "Leo", "OK"].contains(word)
            })
            .map(str::to_owned)
            .collect();
        assert!(english.is_empty() || english == ["A"], "{}: {english:?}", app.label);
    }
    assert_eq!(Language::named("zh-CN"), Some(Language::Chinese));
    assert_eq!(Language::named("de"), None);
}

/// What has to be on the display for the phone to be whole.
fn is_whole(world: &World, label: &str) {
    let (width, height) = world.size();
    let display = Rect { left: 0, top: 0, right: width as i32, bottom: height as i32 };
    let marks = world.marks();
    let (mut icons, mut times) = (0, 0);
    for Mark { what, rect, target, .. } in &marks {
        assert!(rect.and(display) == *rect, "{label} {width}x{height}: {what:?} is at {rect:?}");
        if let Some((x, y)) = target {
            assert!(display.has(*x, *y), "{label}: {what:?} is touched at {x}, {y}");
        }
        icons += u32::from(matches!(what, MarkContent::Icon(_)));
        times += u32::from(matches!(what, MarkContent::Word(word) if word.len() == 5 && word.contains(':')));
    }
    assert!(icons >= 4 && times >= 1, "{label} {width}x{height}: {marks:?}");
    // Nothing lies on the navigation bar but its buttons, and nothing on each other's words.
    let shown: Vec<&Mark> = marks.iter().filter(|mark| matches!(mark.what, MarkContent::Word(_))).collect();
    for (at, one) in shown.iter().enumerate() {
        for other in &shown[..at] {
            let both = one.rect.and(other.rect);
            let (least, common) = (one.rect.height().min(other.rect.height()), both.height());
            assert!(
                both.is_empty() || common * 3 < least || both.width() <= 1,
                "{label} {width}x{height}: {:?} lies on {:?}",
                one.what,
                other.what
            );
        }
    }
}

#[test]
fn every_display_that_is_allowed_shows_a_whole_phone() {
    for (width, height) in [
        (2400, 1080),
        (1200, 540),
        (1280, 720),
        (1024, 768),
        (1000, 1000),
        (4096, 400),
        (1536, 2048),
        (240, 400),
        (540, 1200),
        (400, 400),
        (300, 2000),
    ] {
        for turns in [false, true] {
            let mut world = World::new(Options { seed: 3, width, height, ..Options::default() });
            if turns {
                world.happen(Event::Turn { millis: 1000 });
            }
            is_whole(&world, "home");
            assert_eq!(world.apps().iter().filter(|app| words(&world).contains(app.label)).count(), 6);
            for app in world.apps() {
                world.launch(app.package);
                is_whole(&world, app.label);
                let list = world.marks().iter().filter(|mark| mark.target.is_some()).count();
                assert!(list >= 6, "{} has no list on {width}x{height}", app.label);
            }
            world.launch("com.android.deskclock");
            tap_icon(&mut world, "Plus");
            is_whole(&world, "new alarm");
            world.launch("com.android.contacts");
            tap_word(&mut world, "Ben");
            is_whole(&world, "person");
        }
    }
}

#[test]
fn a_caret_blinks_and_nothing_else_does() {
    for (blinks, keyboard) in [(true, LATIN_KEYBOARD), (true, ADB_KEYBOARD), (false, LATIN_KEYBOARD)] {
        let mut world = World::new(Options { seed: 3, caret_blinks: blinks, ..Options::default() });
        world.set_input_method(keyboard);
        world.launch("com.android.notes");
        let list = world.draw();
        world.advance(600);
        assert!(world.draw() == list, "there is no caret without a field");
        world.advance(1000);
        tap_icon(&mut world, "Plus");
        world.input(&Input::Type("milk".into()));
        let frames: Vec<Vec<u8>> = [1000, 1499, 1500, 1999, 2000]
            .map(|at| {
                world.advance(at);
                world.draw()
            })
            .into();
        assert!(frames[0] == frames[1] && frames[2] == frames[3] && frames[4] == frames[0]);
        assert_eq!(frames[1] != frames[2], blinks);
        let different = frames[1].chunks_exact(4).zip(frames[2].chunks_exact(4)).filter(|(a, b)| a != b).count();
        assert!(different < 200, "{different} pixels are more than a caret's");
    }
}

#[test]
fn what_moves_moves_as_it_is_said_to() {
    for (motion, still, moving) in [
        (Motion::None, vec![(0, 3000), (0, 100)], vec![]),
        (Motion::Carousel, vec![(500, 2900), (3600, 5900)], vec![(2900, 3600), (3100, 3200)]),
        (Motion::Marquee, vec![], vec![(0, 100), (500, 600), (3000, 3050)]),
        (Motion::Spinner, vec![(0, 90)], vec![(0, 100), (500, 600)]),
    ] {
        for package in ["com.tapwright.launcher", "com.android.settings"] {
            let frame = |millis: u64| {
                let mut world = World::new(Options { seed: 3, motion, ..Options::default() });
                world.launch(package);
                world.advance(millis);
                world.draw()
            };
            for (from, to) in &still {
                assert!(frame(*from) == frame(*to), "{motion:?} rests from {from} to {to}");
            }
            for (from, to) in &moving {
                assert!(frame(*from) != frame(*to), "{motion:?} moves from {from} to {to}");
            }
        }
    }
}

/// How far apart two colours are, as WCAG measures contrast.
fn contrast(one: [u8; 3], other: [u8; 3]) -> f64 {
    let light = |color: [u8; 3]| {
        let part = |value: u8| {
            let share = f64::from(value) / 255.0;
            if share <= 0.03928 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(color[0]) + 0.7152 * part(color[1]) + 0.0722 * part(color[2])
    };
    let (one, other) = (light(one), light(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn the_second_appearance_can_be_read() {
    let open = |appearance: Appearance, dark: bool| {
        let mut world = World::new(Options { seed: 3, appearance, ..Options::default() });
        world.set_fact("dark.on", &dark.to_string()).unwrap();
        world.launch("com.android.contacts");
        tap_word(&mut world, "Ben");
        tap_icon(&mut world, "Bin");
        world
    };
    for dark in [false, true] {
        for (appearance, least) in [(Appearance::First, 1.0), (Appearance::Second, 4.5)] {
            let world = open(appearance, dark);
            let rgba = world.draw();
            let cancel =
                world.marks().into_iter().find(|mark| mark.what == MarkContent::Word("Cancel".into())).unwrap().rect;
            let colors = |x: i32, y: i32| {
                let at = 4 * (y as usize * 540 + x as usize);
                [rgba[at], rgba[at + 1], rgba[at + 2]]
            };
            let back = colors(cancel.left - 6, cancel.top);
            let best = (cancel.top..cancel.bottom)
                .flat_map(|y| (cancel.left..cancel.right).map(move |x| (x, y)))
                .map(|(x, y)| contrast(colors(x, y), back))
                .fold(1.0, f64::max);
            assert!(best >= least, "{appearance:?}, dark {dark}: {best}");
        }
    }
    // A switch keeps off the edge of its card, which ends at 528.
    let mut world = World::new(Options { seed: 3, appearance: Appearance::Second, ..Options::default() });
    world.launch("com.android.settings");
    let switches: Vec<Mark> = world.marks().into_iter().filter(|mark| mark.what == MarkContent::Control).collect();
    assert!(!switches.is_empty() && switches.iter().all(|mark| mark.rect.right <= 512));
    // It says how far the list goes: the bar is at the top, and then it is not.
    let edge = |world: &World| -> Vec<u8> {
        let rgba = world.draw();
        (190..1100).map(|y| rgba[4 * (y * 540 + 534)]).collect()
    };
    let top = edge(&world);
    world.input(&Input::Swipe { from: (270, 900), to: (270, 300), millis: 300 });
    assert!(edge(&world) != top && top.windows(2).filter(|pair| pair[0] != pair[1]).count() >= 1);
}
