//! The weather: each fault comes when it is wanted and only then, a seed draws it anew, and what comes over the phone
//! shows, can be touched, and goes again.

mod client;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use client::{CLSE, Client, OKAY, OPEN, PATIENCE, WRTE, packet};
use tapwright_phone::adbd::{Daemon, Handle, ManualClock, SteadyClock};
use tapwright_phone::weather::{Fault, Weather};
use tapwright_phone::{ADB_KEYBOARD, Answer, Dice, Event, Input, Key, MarkContent, Motion, Options, World};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Asks for one service on a connection of its own; `None` if the weather did not let it through.
async fn ask(address: SocketAddr, service: &str) -> Option<Vec<u8>> {
    tokio::time::timeout(PATIENCE, ask_service(address, service)).await.expect("an answer or an end")
}

async fn ask_service(address: SocketAddr, service: &str) -> Option<Vec<u8>> {
    let mut socket = TcpStream::connect(address).await.ok()?;
    let hello = packet(client::CNXN, 0x0100_0001, 1 << 20, b"host::features=shell_v2,cmd");
    socket.write_all(&hello).await.ok()?;
    socket.write_all(&packet(OPEN, 1, 0, format!("{service}\0").as_bytes())).await.ok()?;
    let mut said = Vec::new();
    loop {
        let mut header = [0; 24];
        socket.read_exact(&mut header).await.ok()?;
        let word = |index: usize| u32::from_le_bytes(header[4 * index..4 * index + 4].try_into().unwrap());
        let mut payload = vec![0; word(3) as usize];
        socket.read_exact(&mut payload).await.ok()?;
        match word(0) {
            CLSE => return Some(said),
            WRTE => {
                said.extend(payload);
                socket.write_all(&packet(OKAY, 1, word(1), b"")).await.ok()?;
            }
            _ => {}
        }
    }
}

async fn phone(seed: u64, weather: Weather) -> Daemon {
    let world = World::new(Options { seed, width: 240, height: 400, ..Options::default() });
    let handle = Handle::in_weather(world, SteadyClock::new(), weather);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    Daemon::start(listener, handle, Default::default()).unwrap()
}

/// Things that a client does, drawn from a seed; what it is told is not looked at.
async fn use_it(phone: &Daemon, seed: u64, deeds: u32) {
    let mut dice = Dice::new(seed);
    for _ in 0..deeds {
        let (x, y) = (dice.below(240), dice.below(400));
        let service = match dice.below(9) {
            0 => "exec:screencap -p".to_owned(),
            1 => "exec:screencap".to_owned(),
            2 => "shell,v2,raw:am start -n com.android.settings/.Settings".to_owned(),
            3 => "shell,v2,raw:input keyevent 3".to_owned(),
            4 => "shell,v2,raw:input keyevent 224; wm dismiss-keyguard".to_owned(),
            5 => "shell,v2,raw:uiautomator dump /dev/tty".to_owned(),
            _ => format!("shell,v2,raw:input tap {x} {y}"),
        };
        ask(phone.address(), &service).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_comes_in_wild_weather_and_none_in_calm() {
    let mut census: BTreeMap<Fault, u64> = BTreeMap::new();
    for seed in 0..24 {
        let mut weather = Weather::wild(seed);
        weather.lengths.boot = 20;
        weather.lengths.stall = 8;
        weather.lengths.idle = 5;
        weather.lengths.delay = 3;
        let phone = phone(seed, weather).await;
        use_it(&phone, seed, 25).await;
        for (fault, count) in phone.handle().census() {
            *census.entry(fault).or_insert(0) += count;
        }
    }
    for fault in Fault::ALL {
        assert!(census.contains_key(&fault), "{fault:?} never came: {census:?}");
    }
    let phone = phone(1, Weather::calm()).await;
    use_it(&phone, 1, 20).await;
    assert_eq!(phone.handle().census(), BTreeMap::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_fault_comes_alone_where_only_it_is_on_and_can_be_switched_off() {
    for fault in Fault::ALL {
        let mut weather = Weather::of(5, &[(fault, 1000)]);
        weather.lengths.boot = 20;
        weather.lengths.delay = 2;
        weather.lengths.stall = 8;
        weather.lengths.idle = 5;
        let phone = phone(2, weather.clone()).await;
        use_it(&phone, 3, 40).await;
        let census = phone.handle().census();
        assert_eq!(census.keys().collect::<Vec<_>>(), [&fault], "{census:?}");
        assert!(weather.without(fault).is_calm());
    }
    for name in Weather::NAMES {
        assert_eq!(Weather::named(name, 1).unwrap().is_calm(), name == "calm");
    }
    assert_eq!(Weather::named("stormy", 1), None);
}

/// The widgets of a screen that moves cannot be had, and neither can those of one without a window: phones say so and
/// call it success.
#[tokio::test]
async fn a_dump_fails_as_it_fails_on_phones() {
    let said = async |weather: Weather, event: Option<Event>| {
        let world = World::new(Options { width: 240, height: 400, ..Options::default() });
        let handle = Handle::in_weather(world, ManualClock::default(), weather);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let phone = Daemon::start(listener, handle, Default::default()).unwrap();
        event.into_iter().for_each(|event| phone.handle().happen(event));
        ask(phone.address(), "shell:am start -n com.android.settings/.Settings > /dev/null").await;
        let said =
            ask(phone.address(), "shell:uiautomator dump /sdcard/x.xml; echo $?; ls /sdcard/x.xml").await.unwrap();
        (String::from_utf8(said).unwrap(), phone.handle().look(World::uptime))
    };
    let none = "ls: /sdcard/x.xml: No such file or directory\n";
    let dumped = "UI hierchary dumped to: /sdcard/x.xml\n0\n/sdcard/x.xml\n".to_owned();
    assert_eq!(said(Weather::calm(), None).await, (dumped.clone(), 0));
    let moving = Weather::of(1, &[(Fault::Animation, 1000)]);
    assert_eq!(said(moving.clone(), None).await, (dumped, 300), "it waits until nothing moves");
    let mut endless = moving;
    endless.lengths.animation = 1_000_000;
    let busy = (format!("ERROR: could not get idle state.\n0\n{none}"), 10_000);
    assert_eq!(said(endless, None).await, busy, "but not for ever");
    for (motion, waits) in [(Motion::Spinner, Err(10_000)), (Motion::Marquee, Err(10_000)), (Motion::Carousel, Ok(400))]
    {
        let world = World::new(Options { width: 240, height: 400, motion, ..Options::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let phone = Daemon::start(listener, Handle::new(world, ManualClock::default()), Default::default()).unwrap();
        let said = String::from_utf8(ask(phone.address(), "shell:uiautomator dump").await.unwrap()).unwrap();
        let up = phone.handle().look(World::uptime);
        let seen = if said.starts_with("ERROR: could not get idle state.") { Err(up) } else { Ok(up) };
        assert_eq!(seen, waits, "{motion:?}: {said}");
    }
    let busy = (busy.0, 1000);
    assert_eq!(said(Weather::of(1, &[(Fault::NeverIdle, 1000)]), None).await, busy);
    let rootless = (format!("ERROR: null root node returned by UiTestAutomationBridge.\n0\n{none}"), 0);
    assert_eq!(said(Weather::of(1, &[(Fault::NoRootNode, 1000)]), None).await, rootless);
    assert_eq!(said(Weather::calm(), Some(Event::Lock { dark: true })).await, rootless);
}

#[tokio::test]
async fn a_seed_draws_the_same_weather_again() {
    let mut seen = Vec::new();
    for seed in [7, 7, 8] {
        // Without what depends on when a packet came.
        let weather = Weather::wild(seed).without(Fault::Disconnect).without(Fault::Reboot).without(Fault::Denied);
        let world = World::new(Options { width: 240, height: 400, ..Options::default() });
        let handle = Handle::in_weather(world, ManualClock::default(), weather);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let phone = Daemon::start(listener, handle, Default::default()).unwrap();
        use_it(&phone, 4, 60).await;
        let world = phone.handle().look(|world| (world.hierarchy(), world.facts()));
        let mut census = phone.handle().census();
        census.retain(|fault, _| !matches!(fault, Fault::SlowLink | Fault::BurstyLink));
        seen.push((world, census));
    }
    assert_eq!(seen[0], seen[1]);
    assert_ne!(seen[0].1, seen[2].1);
}

#[tokio::test]
async fn a_phone_that_starts_anew_cannot_be_reached_and_then_it_is_locked() {
    let mut weather = Weather::of(1, &[(Fault::Reboot, 1000)]);
    weather.lengths.boot = 1500;
    let phone = phone(1, weather).await;
    // Whether the answer to what began it still comes out is chance, as on real phones.
    let _ = ask(phone.address(), "shell:input keyevent 3").await;
    assert_eq!(ask(phone.address(), "shell:true").await, None, "it is starting");
    let started = async {
        while ask(phone.address(), "shell:true").await != Some(Vec::new()) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), started).await.expect("it starts in its own time");
    assert!(phone.handle().look(World::is_locked));
}

#[tokio::test]
async fn what_is_denied_is_said_in_the_words_of_real_phones() {
    let phone =
        phone(1, Weather::of(1, &[(Fault::Denied, 1000), (Fault::NoKeyboard, 1000), (Fault::FullStorage, 1000)])).await;
    let said = |service: &'static str| {
        let address = phone.address();
        async move { String::from_utf8(ask(address, service).await.unwrap()).unwrap() }
    };
    let before = phone.handle().look(World::hierarchy);
    assert!(said("shell:input tap 5 5").await.contains("java.lang.SecurityException: Injecting input events requires"));
    assert_eq!(phone.handle().look(World::hierarchy), before);
    assert!(!said("shell:ime list -s").await.contains(ADB_KEYBOARD));
    assert!(!said("shell:pm list packages").await.contains("com.android.adbkeyboard"));
    assert!(said("shell:screencap -p /sdcard/x.png").await.contains("No space left on device"));
    // The pixels themselves need no storage.
    assert!(ask(phone.address(), "exec:screencap -p").await.unwrap().starts_with(b"\x89PNG"));
}

#[tokio::test]
async fn a_change_slides_in_and_comes_to_rest() {
    let world = World::new(Options { width: 240, height: 400, ..Options::default() });
    let clock = ManualClock::default();
    let handle = Handle::in_weather(world, clock.clone(), Weather::of(1, &[(Fault::Animation, 1000)]));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let phone = Daemon::start(listener, handle, Default::default()).unwrap();
    let before = ask(phone.address(), "exec:screencap").await.unwrap();
    ask(phone.address(), "shell:am start -n com.android.settings/.Settings").await.unwrap();
    let mut frames = vec![before];
    for _ in 0..4 {
        clock.pass(100);
        frames.push(ask(phone.address(), "exec:screencap").await.unwrap());
    }
    let still = phone.handle().look(World::draw);
    assert!(frames[1] != frames[0] && frames[2] != frames[1] && frames[1][16..] != still, "it moves");
    assert!(frames[3][16..] == still && frames[4] == frames[3], "it rests after 300 ms");
}

fn world() -> World {
    World::new(Options { seed: 3, ..Options::default() })
}

fn target(world: &World, word: &str) -> (i32, i32) {
    let is_it = |mark: &&tapwright_phone::Mark| mark.what == MarkContent::Word(word.into()) && mark.target.is_some();
    world.marks().iter().rev().find(is_it).and_then(|mark| mark.target).unwrap_or_else(|| panic!("no `{word}`"))
}

fn tap(world: &mut World, word: &str) {
    let (x, y) = target(world, word);
    world.input(&Input::Tap { x, y });
}

#[test]
fn a_dialog_of_the_system_covers_all_and_can_be_answered() {
    for (event, window, no, yes, closes) in [
        (Event::Permission, "GrantPermissionsActivity", "Deny", "Allow", [false, false]),
        (Event::Anr, "Application Not Responding: com.android.settings", "Close", "Wait", [true, false]),
        (
            Event::Debugging { computer: "me@laptop".to_owned() },
            "com.android.systemui.usb.UsbDebuggingActivity",
            "Cancel",
            "Allow",
            [false, false],
        ),
    ] {
        for (word, closed) in [(no, closes[0]), (yes, closes[1])] {
            let mut world = world();
            world.launch("com.android.settings");
            let (wifi, before) = (target(&world, "Wi-Fi"), world.facts());
            world.happen(event.clone());
            assert!(world.window().contains(window), "{}", world.window());
            assert!(world.hierarchy().contains(yes));
            world.input(&Input::Tap { x: wifi.0, y: wifi.1 });
            world.input(&Input::Swipe { from: (270, 900), to: (270, 300), millis: 300 });
            assert_eq!(world.facts(), before, "what lies below is not reached");
            tap(&mut world, word);
            assert_eq!(world.front().package == "com.android.settings", !closed);
            assert!(!world.hierarchy().contains(yes));
        }
    }
    let mut world = world();
    world.launch("com.android.settings");
    world.happen(Event::Anr);
    world.input(&Input::Press(Key::Home));
    assert_eq!(world.front().label, "Home");
}

#[test]
fn a_computer_is_allowed_by_a_yes_and_by_nothing_else() {
    let ask = || {
        let mut world = world();
        world.happen(Event::Debugging { computer: "me@laptop".to_owned() });
        assert!(world.hierarchy().contains("me@laptop") && world.debugging().is_none());
        world
    };
    for no in [Input::Press(Key::Home), Input::Press(Key::Back)] {
        let mut world = ask();
        world.input(&no);
        assert_eq!(world.debugging(), Some(Answer::No), "{no:?}");
        // The next question starts without an answer.
        world.happen(Event::Debugging { computer: String::new() });
        assert_eq!(world.debugging(), None);
    }
    let mut world = ask();
    tap(&mut world, "Allow");
    assert_eq!(world.debugging(), Some(Answer::Yes));
    let mut world = ask();
    world.happen(Event::Permission);
    assert!(world.hierarchy().contains("me@laptop"), "no other dialog takes its place, whose Allow would be its");
    world.happen(Event::DebuggingOver);
    assert!(!world.hierarchy().contains("me@laptop") && world.debugging().is_none());
}

#[test]
fn a_notification_lies_over_the_top_until_it_is_swiped_away_or_gone() {
    let said =
        || Event::Notification { package: "com.android.calendar", text: "Rain in an hour".to_owned(), millis: 4000 };
    let shown = |world: &World| {
        let words: Vec<String> = world
            .marks()
            .into_iter()
            .filter_map(|mark| match mark.what {
                MarkContent::Word(word) => Some(word),
                MarkContent::Icon(_) | MarkContent::Control | MarkContent::Field => None,
            })
            .collect();
        words.join(" ").contains("Rain in an hour")
    };
    let mut world = world();
    world.launch("com.android.settings");
    let plain = world.draw();
    world.happen(said());
    assert!(shown(&world));
    world.input(&Input::Swipe { from: (270, 100), to: (270, 5), millis: 100 });
    assert!(world.draw() == plain, "swiped away");
    world.happen(said());
    world.advance(4000);
    assert!(!shown(&world), "its time is over");
    world.happen(said());
    world.input(&Input::Tap { x: 270, y: 100 });
    assert_eq!(world.front().label, "Calendar", "a tap on it opens the app that has said it");
}

#[test]
fn a_locked_phone_does_nothing_but_open() {
    let mut world = world();
    world.launch("com.android.settings");
    let before = (world.facts(), world.draw());
    world.happen(Event::Lock { dark: true });
    assert!(world.draw().chunks_exact(4).all(|pixel| pixel == [0, 0, 0, 255]), "the display is off");
    let up = Input::Swipe { from: (270, 1100), to: (270, 300), millis: 200 };
    world.input(&up);
    assert!(!world.awake() && world.is_locked(), "a dark display feels nothing");
    world.wake(true);
    assert_eq!(world.window(), "NotificationShade");
    assert!(world.hierarchy().contains("Swipe up to unlock") && !world.hierarchy().contains("Wi-Fi"));
    for input in [Input::Press(Key::Home), Input::Tap { x: 270, y: 600 }, Input::Type("x".into())] {
        world.input(&input);
    }
    assert!(world.is_locked());
    world.input(&up);
    assert!((world.facts(), world.draw()) == before, "and all is as it was");
}

#[test]
fn a_phone_on_its_side_is_touched_where_it_shows() {
    let mut world = world();
    world.happen(Event::Turn { millis: 1000 });
    assert_eq!(world.size(), (1200, 540));
    assert_eq!(world.draw().len(), 4 * 1200 * 540);
    tap(&mut world, "Settings");
    assert_eq!(world.front().label, "Settings");
    let before = world.facts();
    tap(&mut world, "Location");
    assert_ne!(world.facts()["location.on"], before["location.on"]);
    assert!(world.hierarchy().contains("rotation=\"1\""));
    world.advance(1000);
    assert_eq!(world.size(), (540, 1200));
}

#[test]
fn a_protected_window_is_black_in_pictures_and_still_told_in_words() {
    let mut world = world();
    world.launch("com.android.settings");
    let plain = world.draw();
    world.happen(Event::Protect { millis: 1000 });
    let black = world.draw().chunks_exact(4).filter(|pixel| pixel[..3] == [0, 0, 0]).count();
    assert!(black > 540 * 1200 * 8 / 10, "{black}");
    assert!(world.hierarchy().contains("Wi-Fi"));
    world.input(&Input::Press(Key::Home));
    assert!(!world.is_protected(), "it is the app's window that is protected");
    world.launch("com.android.settings");
    world.advance(1000);
    assert!(world.draw() == plain);
}

#[test]
fn a_page_that_is_late_has_nothing_to_touch() {
    let mut world = world();
    world.launch("com.android.settings");
    let wifi = target(&world, "Wi-Fi");
    world.happen(Event::Late { millis: 300 });
    let before = world.facts();
    world.input(&Input::Tap { x: wifi.0, y: wifi.1 });
    assert_eq!(world.facts(), before);
    assert!(world.hierarchy().contains("Loading"));
    world.advance(300);
    assert_eq!(target(&world, "Wi-Fi"), wifi);
}

#[test]
fn nothing_that_comes_over_it_breaks_it() {
    for seed in 0..60 {
        let mut dice = Dice::new(seed);
        let (width, height) = *dice.pick(&[(540, 1200), (240, 400), (720, 1280)]);
        let mut world = World::new(Options { seed, width, height, ..Options::default() });
        for step in 0..40 {
            world.advance(200 * step);
            world.happen(match dice.below(8) {
                0 => Event::Permission,
                1 => Event::Anr,
                2 => Event::Notification {
                    package: "com.android.calendar",
                    text: "x".repeat(dice.below(300)),
                    millis: 500,
                },
                3 => Event::Turn { millis: 500 },
                4 => Event::Lock { dark: dice.chance(50) },
                5 => Event::Protect { millis: 500 },
                6 => Event::Late { millis: 500 },
                _ => Event::NoAdbKeyboard,
            });
            if dice.chance(30) {
                world.wake(true);
                world.unlock();
            }
            let (wide, high) = world.size();
            let (x, y) = (dice.below(wide as usize) as i32, dice.below(high as usize) as i32);
            world.input(&Input::Tap { x, y });
            world.launch(dice.pick(&world.apps()).package);
            assert_eq!(world.draw().len(), 4 * (wide * high) as usize);
            world.hierarchy();
            world.marks();
        }
    }
}

#[tokio::test]
async fn a_client_that_keeps_its_connection_gets_through_a_slow_and_bursty_link() {
    let mut weather = Weather::of(3, &[(Fault::SlowLink, 500), (Fault::BurstyLink, 500)]);
    weather.lengths.delay = 3;
    weather.lengths.stall = 8;
    let phone = phone(1, weather).await;
    let mut client = Client::connect(phone.address()).await;
    for _ in 0..10 {
        assert_eq!(client.run("exec:screencap").await.len(), 16 + 4 * 240 * 400);
    }
}
