//! What a desktop costs: a private one of 1920x1080 with LibreOffice Calc on it, beside the programs that people use for the same, in
//! turns within one run. `cargo bench -p tapwright-drivers --bench desktop` prints the table of `docs/performance.md`; `cargo test` runs
//! it small, without Calc. What is not installed is left out, and said so.

#[cfg(not(target_os = "linux"))]
fn main() {}

#[cfg(target_os = "linux")]
fn main() {
    let is_earnest = std::env::args().any(|word| word == "--bench");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(x11::table(is_earnest));
}

#[cfg(target_os = "linux")]
mod x11 {
    use std::process::Stdio;
    use std::sync::Arc;
    use std::time::Duration;

    use tapwright_contract::device::Driver;
    use tapwright_contract::gesture::{Button, Clicks, Gesture, KeyName};
    use tapwright_contract::{Size, Spot};
    use tapwright_drivers::Settle;
    use tapwright_drivers::desktop::{
        DesktopInspector, PrivateDesktop, PrivateOptions, X11Desktop, X11Options, missing_programs,
    };
    use tokio::process::Command;
    use tokio::time::Instant;

    const PATIENCE: Duration = Duration::from_secs(60);
    const ONE_LOOK: Settle = Settle { looks: 1, apart: Duration::ZERO, grace: Duration::ZERO };
    /// Calc tells more widgets than this when it is ready.
    const NODES: usize = 100;
    /// On one line, as what starts programs on a desktop wants it.
    const BUTTONS: &str = "import gi; gi.require_version('Gtk', '3.0'); from gi.repository import Gtk; \
        window, pane, grid = Gtk.Window(title='Buttons'), Gtk.ScrolledWindow(), Gtk.Grid(); \
        [grid.attach(Gtk.Button(label=f'Button {number}'), number % 14, number // 14, 1, 1) for number in range(2800)]; \
        pane.add(grid); window.add(pane); window.maximize(); window.show_all(); Gtk.main()";
    struct Row {
        what: &'static str,
        ours: Vec<f64>,
        others: Vec<(&'static str, Vec<f64>)>,
    }

    pub async fn table(is_earnest: bool) {
        let missing = missing_programs();
        if !missing.is_empty() {
            return println!("SKIPPED: there is no private desktop; missing: {missing:?}");
        }
        let (size, times) =
            if is_earnest { (Size { width: 1920, height: 1080 }, 40) } else { (Size { width: 640, height: 480 }, 2) };
        let mut rows = Vec::new();
        let mut ready = Row { what: "a private desktop is ready", ours: Vec::new(), others: Vec::new() };
        for _ in 0..times.min(10) {
            let began = Instant::now();
            let (session, mut driver) = open(size).await;
            ready.ours.push(since(began));
            driver.close(PATIENCE).await.unwrap();
            session.end().await;
        }
        rows.push(ready);
        let (session, mut driver) = open(size).await;
        let nodes = if is_earnest && has("soffice") { calc(&session, &mut driver).await } else { 0 };
        let other = Other { display: format!(":{}", session.display()), authority: session.authority() };
        rows.push(picture(&session, times).await);
        rows.push(capture(&mut driver, &other, times).await);
        rows.push(look_after_a_key(&mut driver, times).await);
        rows.push(click(&mut driver, &other, size, times).await);
        if nodes > 0 {
            rows.push(typing(&mut driver, &other, times / 4).await);
            let mut tree = Row { what: "the widgets of Calc", ours: Vec::new(), others: Vec::new() };
            for _ in 0..times / 4 {
                let began = Instant::now();
                driver.tree(PATIENCE).await.unwrap().expect("Calc tells its widgets");
                tree.ours.push(since(began));
            }
            rows.push(tree);
        }
        driver.close(PATIENCE).await.unwrap();
        session.end().await;
        if is_earnest {
            rows.extend(many_widgets(size, times / 4).await);
        }
        println!("{size}, {times} times, medians in ms (95 of 100 below); Calc tells {nodes} widgets");
        for row in rows {
            let (ours, most) = at(row.ours, 50, 95);
            println!("{}: {ours:.2} ({most:.2})", row.what);
            for (name, taken) in row.others {
                let (median, most) = at(taken, 50, 95);
                println!("    {name}: {median:.2} ({most:.2}), {:.0} times as long", median / ours);
            }
        }
    }

    async fn open(size: Size) -> (Arc<PrivateDesktop>, X11Desktop) {
        let options = PrivateOptions { size, folder: std::env::temp_dir(), in_group: false, home: None };
        let session = Arc::new(PrivateDesktop::start(&options, PATIENCE).await.unwrap());
        let options = X11Options {
            entrance: session.entrance(),
            settle: ONE_LOOK,
            applications: Vec::new(),
            bus: Some(session.bus()),
        };
        let driver = X11Desktop::connect("bench", options, Some(session.clone()), PATIENCE).await.unwrap();
        (session, driver)
    }

    /// Starts Calc and waits for it; returns how many widgets it tells.
    async fn calc(session: &PrivateDesktop, driver: &mut X11Desktop) -> usize {
        let words = ["soffice", "--calc", "--norestore", "--nologo"].map(str::to_owned);
        session.start_program(&words).await.unwrap();
        let began = Instant::now();
        let mut before = 0;
        while began.elapsed() < PATIENCE {
            tokio::time::sleep(Duration::from_millis(500)).await;
            driver.screen(PATIENCE).await.unwrap();
            let told = driver.tree(PATIENCE).await.ok().flatten();
            let now = told.map_or(0, |tree| tree.widgets.len());
            if now > NODES && now == before {
                return now;
            }
            before = now;
        }
        panic!("Calc told no more than {before} widgets in {} s", PATIENCE.as_secs());
    }

    /// The widgets of a window of GTK that has 2,800 buttons, as many of them in view as fit.
    async fn many_widgets(size: Size, times: usize) -> Option<Row> {
        let (session, mut driver) = open(size).await;
        session.start_program(&["python3", "-c", BUTTONS].map(str::to_owned)).await.unwrap();
        let began = Instant::now();
        let mut told = 0;
        while told < 100 && began.elapsed() < PATIENCE {
            tokio::time::sleep(Duration::from_millis(500)).await;
            driver.screen(PATIENCE).await.unwrap();
            told = driver.tree(PATIENCE).await.ok().flatten().map_or(0, |tree| tree.widgets.len());
        }
        let mut row = Row { what: "the widgets of a window of 2,800", ours: Vec::new(), others: Vec::new() };
        for _ in 0..times {
            let began = Instant::now();
            told = driver.tree(PATIENCE).await.unwrap().map_or(0, |tree| tree.widgets.len());
            row.ours.push(since(began));
        }
        driver.close(PATIENCE).await.unwrap();
        session.end().await;
        println!("the window of 2,800 buttons tells {told} widgets that can be seen");
        if told < 100 {
            println!("SKIPPED: python3-gi is not installed, or the window tells nothing");
        }
        (told >= 100).then_some(row)
    }

    /// The pixels and nothing else: nobody is asked what lies where, or whether it has read a key.
    async fn picture(session: &PrivateDesktop, times: usize) -> Row {
        let inspector = DesktopInspector::new(session.entrance(), session.bus());
        let mut row = Row { what: "a picture", ours: Vec::new(), others: Vec::new() };
        for _ in 0..times {
            let began = Instant::now();
            let picture = inspector.picture(PATIENCE).await.unwrap();
            row.ours.push(since(began));
            assert!(picture.size().width >= 640);
        }
        row
    }

    /// A look after a gesture, before which the app in front is asked whether it has read it.
    async fn look_after_a_key(driver: &mut X11Desktop, times: usize) -> Row {
        let mut row = Row { what: "a look after a key (the app is asked first)", ours: Vec::new(), others: Vec::new() };
        let escape = Gesture::Chord { modifiers: Vec::new(), key: KeyName::new("Escape").unwrap() };
        for _ in 0..times {
            driver.perform(&escape, PATIENCE).await.unwrap();
            let began = Instant::now();
            driver.screen(PATIENCE).await.unwrap();
            row.ours.push(since(began));
        }
        row
    }

    async fn capture(driver: &mut X11Desktop, other: &Other, times: usize) -> Row {
        let mut row = Row { what: "a look (picture, app in front)", ours: Vec::new(), others: Vec::new() };
        let (mut scrot, mut each) = (Vec::new(), Vec::new());
        let file = std::env::temp_dir().join(format!("tapwright-bench-{}.png", std::process::id()));
        for _ in 0..times {
            let began = Instant::now();
            let screen = driver.screen(PATIENCE).await.unwrap();
            row.ours.push(since(began));
            assert!(screen.picture.size().width >= 640);
            if let Some(python) = python() {
                let shoot = format!("{IMPORT}; pyautogui.screenshot('{}')", file.display());
                each.push(other.run(python, &["-c", &shoot]).await);
            }
            if has("scrot") {
                scrot.push(other.run("scrot", &["-o", &file.to_string_lossy()]).await);
            }
        }
        drop(std::fs::remove_file(&file));
        row.others.extend((!scrot.is_empty()).then_some(("scrot, as a PNG file", scrot)));
        row.others.extend((!each.is_empty()).then_some(("python -c with pyautogui.screenshot, a PNG file", each)));
        row
    }

    async fn click(driver: &mut X11Desktop, other: &Other, size: Size, times: usize) -> Row {
        let mut row = Row { what: "a click", ours: Vec::new(), others: Vec::new() };
        let (mut plain, mut pressed, mut each) = (Vec::new(), Vec::new(), Vec::new());
        for n in 0..times as u32 {
            // Apart from each other: two clicks at one place are kept apart in time, so that they are no double click.
            let (x, y) = (size.width / 3 + 40 * (n % 5), size.height / 2 + 20 * (n % 3));
            let of = driver.screen(PATIENCE).await.unwrap().id;
            let click = Gesture::Click {
                at: Spot { x, y, of },
                button: Button::Left,
                count: Clicks::Single,
                modifiers: Vec::new(),
            };
            let began = Instant::now();
            driver.perform(&click, PATIENCE).await.unwrap();
            row.ours.push(since(began));
            if let Some(python) = python() {
                let click = format!("{IMPORT}; pyautogui.click({x}, {})", y + 120);
                each.push(other.run(python, &["-c", &click]).await);
            }
            if has("xdotool") {
                let (x, y) = (x.to_string(), (y + 60).to_string());
                plain.push(other.run("xdotool", &["mousemove", &x, &y, "click", "1"]).await);
                pressed.push(other.run("xdotool", &["mousemove", &x, &y, "mousedown", "1", "mouseup", "1"]).await);
            }
        }
        if !plain.is_empty() {
            row.others.push(("xdotool mousemove click", plain));
            row.others.push(("xdotool mousemove mousedown mouseup", pressed));
        }
        row.others.extend((!each.is_empty()).then_some(("python -c with pyautogui.click", each)));
        row
    }

    async fn typing(driver: &mut X11Desktop, other: &Other, times: usize) -> Row {
        let mut row = Row { what: "200 characters", ours: Vec::new(), others: Vec::new() };
        let text: String = "The quick brown fox jumps over the lazy dog. ".chars().cycle().take(200).collect();
        let (mut fast, mut usual, mut each) = (Vec::new(), Vec::new(), Vec::new());
        let escape = Gesture::Chord { modifiers: Vec::new(), key: KeyName::new("Escape").unwrap() };
        for _ in 0..times {
            driver.screen(PATIENCE).await.unwrap();
            let began = Instant::now();
            driver.perform(&Gesture::Insert { text: text.clone() }, PATIENCE).await.unwrap();
            row.ours.push(since(began));
            driver.perform(&escape, PATIENCE).await.unwrap();
            if has("xdotool") {
                fast.push(other.run("xdotool", &["type", "--delay", "0", &text]).await);
                driver.perform(&escape, PATIENCE).await.unwrap();
                usual.push(other.run("xdotool", &["type", &text]).await);
                driver.perform(&escape, PATIENCE).await.unwrap();
            }
            if let Some(python) = python() {
                let write = format!("{IMPORT}; pyautogui.write('{text}')");
                each.push(other.run(python, &["-c", &write]).await);
                driver.perform(&escape, PATIENCE).await.unwrap();
            }
        }
        row.others.extend((!each.is_empty()).then_some(("python -c with pyautogui.write", each)));
        if !fast.is_empty() {
            row.others.push(("xdotool type --delay 0", fast));
            row.others.push(("xdotool type", usual));
        }
        row
    }

    /// Where other programs find the desktop.
    struct Other {
        display: String,
        authority: std::path::PathBuf,
    }

    impl Other {
        /// Runs a program and says how long that took.
        async fn run(&self, program: &str, arguments: &[&str]) -> f64 {
            let began = Instant::now();
            let status = Command::new(program)
                .args(arguments)
                .env("DISPLAY", &self.display)
                .env("XAUTHORITY", &self.authority)
                .stdin(Stdio::null())
                .status()
                .await
                .unwrap();
            assert!(status.success(), "{program} {arguments:?}");
            since(began)
        }
    }

    /// A Python that has pyautogui, if whoever measures names one (`--python=PATH`): as OSWorld's server runs actions, a process for each.
    fn python() -> Option<&'static str> {
        static PYTHON: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
        let named = || std::env::args().find_map(|word| word.strip_prefix("--python=").map(str::to_owned));
        PYTHON.get_or_init(named).as_deref()
    }

    /// What OSWorld's server says first.
    const IMPORT: &str = "import pyautogui; pyautogui.FAILSAFE = False";

    fn has(program: &str) -> bool {
        ["/usr/bin", "/usr/local/bin"].iter().any(|folder| std::path::Path::new(folder).join(program).exists())
    }

    fn since(began: Instant) -> f64 {
        began.elapsed().as_secs_f64() * 1000.0
    }

    /// Two percentiles.
    fn at(mut taken: Vec<f64>, one: usize, other: usize) -> (f64, f64) {
        taken.sort_by(f64::total_cmp);
        let at = |percent: usize| taken[(taken.len() * percent / 100).min(taken.len() - 1)];
        (at(one), at(other))
    }
}
