//! A private desktop as OSWorld's virtual machine: its home, commands, files, windows, widgets, keys, and what is left of it.

#![cfg(target_os = "linux")]

use std::io::Write as _;
use std::time::Duration;

use tapwright_contract::Size;
use tapwright_drivers::desktop::{find_program, missing_programs};
use tapwright_drivers::osworld::machine::{
    CommandWords, ControlledMachine, FILE_BYTES_MAX, MachineCommand, MachineErrorKind, OUTPUT_BYTES_MAX, WindowName,
};
use tapwright_drivers::osworld::private::PrivateMachine;
use tokio::time::Instant;

const PATIENCE: Duration = Duration::from_secs(30);

/// A machine, or `None` where there can be none, which is said on the terminal.
async fn machine() -> Option<PrivateMachine> {
    let missing: Vec<&str> = missing_programs().iter().map(|(_, package)| *package).collect();
    if !missing.is_empty() {
        let _ = writeln!(std::io::stderr(), "SKIPPED: no private desktop (apt-get install {})", missing.join(" "));
        return None;
    }
    let started = PrivateMachine::start(&std::env::temp_dir(), Size { width: 1280, height: 800 }, PATIENCE).await;
    match started {
        Ok(machine) => Some(machine),
        Err(error) if error.to_string().contains("namespaces") => {
            let _ = writeln!(std::io::stderr(), "SKIPPED: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

async fn sh(machine: &PrivateMachine, line: &str) -> (i32, String, String) {
    let ran = machine.execute(&MachineCommand::shell(line), PATIENCE).await.unwrap();
    (ran.code, ran.output, ran.error)
}

async fn until<T>(what: &str, mut is_so: impl AsyncFnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(is) = is_so().await {
            return is;
        }
        assert!(began.elapsed() < PATIENCE, "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn commands_run_where_upstreams_user_is_at_home() {
    let Some(machine) = machine().await else { return };
    assert_eq!(
        sh(&machine, "pwd; echo $HOME; id -u; ls -d ~/Desktop").await.1,
        "/home/user\n/home/user\n1000\n/home/user/Desktop\n"
    );
    assert_eq!(sh(&machine, "echo out; echo err >&2; exit 3").await, (3, "out\n".to_owned(), "err\n".to_owned()));
    assert_eq!(sh(&machine, "kill -9 $$").await.0, -9);
    // Words arrive as they are, with line breaks and quotes.
    let odd = MachineCommand::program(["printf", "%s|", "a\nb", "it's $HOME", "\"", ""]);
    assert_eq!(machine.execute(&odd, PATIENCE).await.unwrap().output, "a\nb|it's $HOME|\"||");
    let text = MachineCommand { words: CommandWords::Text("echo 'a  b' ~/c".to_owned()), shell: false };
    assert_eq!(machine.execute(&text, PATIENCE).await.unwrap().output, "a  b /home/user/c\n");
    // Whoever is left behind keeps nobody waiting, and goes on writing.
    let began = Instant::now();
    sh(&machine, "(while :; do echo more; sleep 0.05; done; touch ~/died) & echo $! >~/left; sleep 0.1").await;
    assert!(began.elapsed() < Duration::from_secs(5));
    assert_eq!(sh(&machine, "sleep 0.5; kill -0 $(cat ~/left) && echo alive").await.1, "alive\n");
    // Too much is cut and does not keep it from ending.
    let much = MachineCommand::shell(format!("head -c {} /dev/zero | tr '\\0' x", OUTPUT_BYTES_MAX + 100_000));
    let ran = machine.execute(&much, PATIENCE).await.unwrap();
    assert_eq!((ran.output.len(), ran.is_cut, ran.code), (OUTPUT_BYTES_MAX, true, 0));
    // One that does not end is killed, with all that it has started.
    let endless = MachineCommand::shell("sleep 1000 & echo $! >~/endless; sleep 1000");
    let error = machine.execute(&endless, Duration::from_secs(1)).await.unwrap_err();
    assert!(matches!(error.kind, MachineErrorKind::TimedOut { .. }), "{error}");
    let gone = async || (sh(&machine, "kill -0 $(cat ~/endless)").await.0 != 0).then_some(());
    until("what did not end is gone", gone).await;
    let error = machine.execute(&MachineCommand::program(["no-such-program"]), PATIENCE).await.unwrap_err();
    assert!(error.to_string().contains("no-such-program"), "{error}");
    machine.end().await;
}

#[tokio::test]
async fn a_command_that_kills_its_own_shell_is_answered_at_once() {
    let Some(machine) = machine().await else { return };
    let text = |text: &str| text.to_owned();
    for (line, code, output) in [
        ("echo before; pkill -9 sh; echo after", -9, "before\n"),
        ("kill -9 $PPID; echo after", -9, "after\n"),
        // What can be caught ends the command and not what tells its end.
        ("kill -TERM $PPID; echo after; exit 3", 3, "after\n"),
        ("echo before; kill 0; echo after", -15, "before\n"),
        // The last: it ends the desktop's programs, too.
        ("echo before; kill -9 -1; echo after", -9, "before\n"),
    ] {
        let began = Instant::now();
        let (ended, told, _) = sh(&machine, line).await;
        assert!(began.elapsed() < Duration::from_secs(5), "{line}: {:?}", began.elapsed());
        // `kill -9 -1` passes over whoever says it.
        assert_eq!((ended, told.replace("before\nafter\n", "before\n")), (code, text(output)), "{line}");
    }
    // Who was left behind with its outputs keeps nobody waiting there either.
    let began = Instant::now();
    sh(&machine, "(while :; do echo more; sleep 0.05; done) & kill -9 $PPID").await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(sh(&machine, "echo still here").await, (0, text("still here\n"), String::new()));
    machine.end().await;
}

#[tokio::test]
async fn nobody_is_root_and_nothing_of_the_system_is_changed() {
    let Some(machine) = machine().await else { return };
    assert_eq!(sh(&machine, "echo password | sudo -S mkdir ~/Desktop/made && ls ~/Desktop").await.1, "made\n");
    assert_ne!(sh(&machine, "echo password | sudo -S su - charles").await.0, 0);
    assert_ne!(sh(&machine, "sudo touch /etc/tapwright-was-here").await.0, 0);
    assert!(!std::path::Path::new("/etc/tapwright-was-here").exists());
    assert!(!std::path::Path::new("/home/user/Desktop/made").exists(), "it is inside only");
    assert_eq!(
        sh(&machine, "echo $DBUS_SESSION_BUS_ADDRESS; test -S /run/user/1000/bus && echo there").await.1.lines().last(),
        Some("there")
    );
    machine.end().await;
}

#[tokio::test]
async fn files_are_read_and_written_as_programs_there_see_them() {
    let Some(machine) = machine().await else { return };
    let content: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    machine.write_file("~/new folder/it's.bin", &content, PATIENCE).await.unwrap();
    assert_eq!(machine.read_file("/home/user/new folder/it's.bin", PATIENCE).await.unwrap(), Some(content));
    assert_eq!(machine.read_file("~/nothing", PATIENCE).await.unwrap(), None);
    // A link leads where it leads for programs there.
    sh(&machine, "echo inside >~/target; ln -s /home/user/target ~/link").await;
    assert_eq!(machine.read_file("~/link", PATIENCE).await.unwrap().unwrap(), b"inside\n");
    for path in ["/dev/zero", "~/Desktop"] {
        assert!(machine.read_file(path, PATIENCE).await.is_err(), "{path}");
    }
    sh(&machine, &format!("truncate -s {} ~/large", FILE_BYTES_MAX + 1)).await;
    let error = machine.read_file("~/large", PATIENCE).await.unwrap_err();
    assert!(matches!(error.kind, MachineErrorKind::TooLarge { .. }), "{error}");
    sh(&machine, "mkdir -p ~/tree/a; touch ~/tree/a/b ~/tree/c").await;
    let folder = machine.list_folder("~/tree", PATIENCE).await.unwrap().unwrap();
    let names: Vec<&str> = folder.children.as_ref().unwrap().iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!((folder.name.as_str(), names), ("tree", vec!["a", "c"]));
    assert_eq!(machine.list_folder("~/nothing", PATIENCE).await.unwrap(), None);
    machine.end().await;
}

#[tokio::test]
async fn a_link_in_the_way_leads_to_no_file_of_the_users() {
    let Some(machine) = machine().await else { return };
    let mut own = tempfile::NamedTempFile::new().unwrap();
    own.write_all(b"the user's own").unwrap();
    let link = format!(
        "for n in $(seq 0 200); do ln -sf {} \"$TAPWRIGHT_DESKTOP/bin/passage-$n\"; done; echo hello >~/a",
        own.path().display()
    );
    let (code, _, error) = sh(&machine, &link).await;
    assert_eq!((code, error.as_str()), (0, ""));
    let content = machine.read_file("~/a", PATIENCE).await;
    assert!(content.is_err(), "{content:?}");
    assert_eq!(std::fs::read(own.path()).unwrap(), b"the user's own");
}

#[tokio::test]
async fn windows_widgets_and_keys_are_there() {
    let Some(machine) = machine().await else { return };
    if find_program("mousepad").is_none() {
        let _ = writeln!(std::io::stderr(), "SKIPPED: mousepad is not there");
        return;
    }
    machine.write_file("~/Desktop/note.txt", b"first", PATIENCE).await.unwrap();
    machine.launch(&MachineCommand::program(["mousepad", "/home/user/Desktop/note.txt"]), PATIENCE).await.unwrap();
    let name = |name: &str, is_whole| WindowName { name: name.to_owned(), is_whole, by_class: false };
    until("its window", async || {
        machine.activate_window(&name("NOTE.TXT", false), PATIENCE).await.unwrap().then_some(())
    })
    .await;
    assert!(!machine.activate_window(&name("note.txt", true), PATIENCE).await.unwrap(), "that is not all of the title");
    until("it is active", async || {
        machine.windows(PATIENCE).await.unwrap().first().filter(|window| window.is_active).map(drop)
    })
    .await;
    let typed = "import pyautogui, time; time.sleep(0.3); pyautogui.hotkey('ctrl', 'end'); \
        pyautogui.write(' Line \"2\" <b>!\\n'); pyautogui.hotkey(['ctrl', 's'])";
    let ran = machine.execute(&MachineCommand::program(["python", "-c", typed]), PATIENCE).await.unwrap();
    assert_eq!((ran.code, ran.error.as_str()), (0, ""));
    until("what was typed is saved", async || {
        let content = machine.read_file("~/Desktop/note.txt", PATIENCE).await.unwrap().unwrap();
        (content.starts_with(b"first Line \"2\" <b>!\n")).then_some(())
    })
    .await;
    // What no key types is refused, and nothing of the text is typed.
    let refused = MachineCommand::program(["python3", "-c", "import pyautogui; pyautogui.write('a\u{4f60}')"]);
    let ran = machine.execute(&refused, PATIENCE).await.unwrap();
    assert!(ran.code != 0 && ran.error.contains("no key of this keyboard types"), "{}", ran.error);
    let tree = machine.accessibility_tree(PATIENCE).await.unwrap();
    let document = roxmltree::Document::parse(&tree).unwrap();
    let texts: Vec<&str> =
        document.descendants().filter(|node| node.has_tag_name("text")).filter_map(|node| node.text()).collect();
    assert!(texts.iter().any(|text| text.contains("first Line")), "{texts:?}");
    let screenshot = machine.screenshot(PATIENCE).await.unwrap();
    let picture = image::load_from_memory(&screenshot).unwrap();
    assert_eq!((picture.width(), picture.height()), (1280, 800));
    assert_eq!(machine.screen_size(PATIENCE).await.unwrap(), Size { width: 1280, height: 800 });
    assert!(machine.window_size("mousepad", PATIENCE).await.unwrap().is_some());
    assert!(machine.close_window(&name("note.txt", false), PATIENCE).await.unwrap());
    until("its window is closed", async || machine.windows(PATIENCE).await.unwrap().is_empty().then_some(())).await;
    machine.end().await;
}

#[tokio::test]
async fn two_machines_know_nothing_of_each_other() {
    let (Some(one), Some(other)) = tokio::join!(machine(), machine()) else { return };
    sh(&one, "touch ~/mine; sleep 500 &").await;
    assert_eq!(sh(&other, "ls ~/mine").await.0, 2);
    assert_ne!(sh(&other, "pkill sleep").await.0, 0, "it is not there to be ended");
    one.end().await;
    assert_eq!(sh(&other, "echo still").await.1, "still\n");
    other.end().await;
    assert!(other.execute(&MachineCommand::shell("true"), PATIENCE).await.is_err());
}
