//! Does on an X display what stands on standard input, one JSON object a line, and answers each with a line: for suites from outside that
//! compare injectors (docs/desktop.md has the figures).
//!
//! ```text
//! cargo run -p tapwright-drivers --example inject :91
//! {"kind":"click","x":10,"y":20,"button":"left","count":2,"modifiers":["ctrl"]}    {"ok":true,"us":412}
//! {"kind":"key_chord","keys":["ctrl","s"]}                                         {"ok":false,"unsupported":false,"error":"…"}
//! ```
//!
//! Gestures of the driver do it wherever there is one; what is finer (a button that stays pressed, a path with bends) is sent as events.

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("desktops are driven on Linux with X11 only");
}

#[cfg(target_os = "linux")]
fn main() {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime").block_on(x11::serve());
}

#[cfg(target_os = "linux")]
mod x11 {
    use std::io::{BufRead, Write};
    use std::time::Duration;

    use serde_json::{Value, json};
    use tapwright_contract::device::{Driver, Screen};
    use tapwright_contract::gesture::{Button, Clicks, Gesture, KeyName, Modifier};
    use tapwright_contract::{ScreenId, Spot};
    use tapwright_drivers::Settle;
    use tapwright_drivers::desktop::{Entrance, InputEvent, X11Desktop, X11Options};
    use tokio::time::Instant;

    const PATIENCE: Duration = Duration::from_secs(30);
    /// What lies where is looked up before each thing that is done there, and the picture is not waited for.
    const ONE_LOOK: Settle = Settle { looks: 1, apart: Duration::ZERO, grace: Duration::ZERO };

    /// Why something was not done.
    enum Failure {
        /// There is no such thing here.
        Unsupported(String),
        Failed(String),
    }

    pub async fn serve() {
        let display = std::env::args().nth(1).expect("the display is said: inject :91");
        let options =
            X11Options { entrance: Entrance::Display(display), settle: ONE_LOOK, applications: Vec::new(), bus: None };
        let mut driver = X11Desktop::connect("inject", options, None, PATIENCE).await.expect("there is a display");
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let action: Value = serde_json::from_str(&line).unwrap_or_default();
            let looking = Instant::now();
            let screen = driver.screen(PATIENCE).await;
            let looked = looking.elapsed();
            let began = Instant::now();
            let result = match screen {
                Ok(screen) => perform(&mut driver, &screen, &action).await,
                Err(error) => Err(failure(&error)),
            };
            let (us, look_us) = (began.elapsed().as_micros() as u64, looked.as_micros() as u64);
            let answer = match result {
                Ok(()) => json!({ "ok": true, "us": us, "look_us": look_us }),
                Err(Failure::Unsupported(error)) => json!({ "ok": false, "unsupported": true, "error": error }),
                Err(Failure::Failed(error)) => json!({ "ok": false, "unsupported": false, "error": error, "us": us }),
            };
            let mut out = std::io::stdout().lock();
            let _ = writeln!(out, "{answer}");
            let _ = out.flush();
        }
        let _ = driver.close(PATIENCE).await;
    }

    fn failure(error: &dyn std::error::Error) -> Failure {
        let mut told = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            told += &format!(": {cause}");
            source = cause.source();
        }
        Failure::Failed(told)
    }

    async fn perform(driver: &mut X11Desktop, screen: &Screen, action: &Value) -> Result<(), Failure> {
        let number = |key: &str| action[key].as_i64().unwrap_or_default();
        let spot = |x: i64, y: i64| place(x, y, screen.id);
        let texts = |key: &str| -> Vec<String> {
            action[key].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let at = spot(number("x"), number("y"));
        let modifiers: Result<Vec<Modifier>, Failure> = texts("modifiers").iter().map(|name| modifier(name)).collect();
        let modifiers = modifiers?;
        match action["kind"].as_str().unwrap_or_default() {
            "move" => act(driver, Gesture::Move { at }).await,
            "click" => {
                let count = match number("count") {
                    0 | 1 => Clicks::Single,
                    2 => Clicks::Double,
                    3 => Clicks::Triple,
                    more => return Err(Failure::Unsupported(format!("{more} clicks"))),
                };
                let (button, _) = button(action)?;
                act(driver, Gesture::Click { at, button, count, modifiers }).await
            }
            kind @ ("button_press" | "button_release") => {
                let (_, button) = button(action)?;
                send(driver, InputEvent::Move { to: at }).await?;
                send(driver, InputEvent::Button { button, is_down: kind == "button_press" }).await
            }
            "drag" => {
                let path: Vec<Spot> = action["path"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(|point| spot(point[0].as_i64().unwrap_or_default(), point[1].as_i64().unwrap_or_default()))
                    .collect();
                let (which, number) = button(action)?;
                let delay = Duration::from_millis(action["step_delay_ms"].as_u64().unwrap_or(30));
                match path[..] {
                    [from, to] if which == Button::Left && modifiers.is_empty() => {
                        act(driver, Gesture::Drag { from, to, over: 10 * delay }).await
                    }
                    [from, ..] => drag(driver, from, &path, number, &modifiers, delay).await,
                    [] => Err(Failure::Failed("a drag has no path".to_owned())),
                }
            }
            "scroll" => {
                let (right, down) = (number("dx_ticks") as i32, number("dy_ticks") as i32);
                hold(driver, &modifiers, true).await?;
                let result = act(driver, Gesture::Scroll { at, right, down }).await;
                hold(driver, &modifiers, false).await?;
                result
            }
            "key_chord" => chord(driver, &texts("keys")).await,
            "type_text" => {
                let text = action["text"].as_str().unwrap_or_default().to_owned();
                act(driver, Gesture::Insert { text }).await
            }
            other => Err(Failure::Unsupported(format!("action {other:?}"))),
        }
    }

    async fn act(driver: &mut X11Desktop, gesture: Gesture) -> Result<(), Failure> {
        driver.perform(&gesture, PATIENCE).await.map_err(|error| failure(&error))
    }

    async fn send(driver: &mut X11Desktop, event: InputEvent) -> Result<(), Failure> {
        driver.send(event, PATIENCE).await.map_err(|error| failure(&error))
    }

    async fn hold(driver: &mut X11Desktop, modifiers: &[Modifier], is_down: bool) -> Result<(), Failure> {
        for modifier in modifiers {
            let symbol = match modifier {
                Modifier::Control => 0xffe3,
                Modifier::Shift => 0xffe1,
                Modifier::Alt => 0xffe9,
                Modifier::Meta => 0xffeb,
            };
            send(driver, InputEvent::Key { symbol, is_down }).await?;
        }
        Ok(())
    }

    async fn drag(
        driver: &mut X11Desktop,
        from: Spot,
        path: &[Spot],
        button: u8,
        modifiers: &[Modifier],
        delay: Duration,
    ) -> Result<(), Failure> {
        send(driver, InputEvent::Move { to: from }).await?;
        hold(driver, modifiers, true).await?;
        send(driver, InputEvent::Button { button, is_down: true }).await?;
        for leg in path.windows(2) {
            for step in 1..=5 {
                tokio::time::sleep(delay).await;
                let between = |from: u32, to: u32| (i64::from(from) * (5 - step) + i64::from(to) * step) / 5;
                let to = place(between(leg[0].x, leg[1].x), between(leg[0].y, leg[1].y), from.of);
                send(driver, InputEvent::Move { to }).await?;
            }
        }
        tokio::time::sleep(delay).await;
        send(driver, InputEvent::Button { button, is_down: false }).await?;
        hold(driver, modifiers, false).await
    }

    async fn chord(driver: &mut X11Desktop, keys: &[String]) -> Result<(), Failure> {
        let Some((last, held)) = keys.split_last() else { return Err(Failure::Failed("there are no keys".to_owned())) };
        let modifiers: Result<Vec<Modifier>, Failure> = held.iter().map(|name| modifier(name)).collect();
        let modifiers = modifiers?;
        let name = match last.as_str() {
            // Keys of the number pad have no names of their own in the standard.
            "kp_enter" | "kp_add" => {
                let symbol = if last == "kp_enter" { 0xff8d } else { 0xffab };
                hold(driver, &modifiers, true).await?;
                send(driver, InputEvent::Key { symbol, is_down: true }).await?;
                send(driver, InputEvent::Key { symbol, is_down: false }).await?;
                return hold(driver, &modifiers, false).await;
            }
            "ctrl" => "Control".to_owned(),
            "shift" => "Shift".to_owned(),
            "alt" => "Alt".to_owned(),
            "super" => "Meta".to_owned(),
            "enter" => "Enter".to_owned(),
            "esc" => "Escape".to_owned(),
            "space" => " ".to_owned(),
            "up" | "down" | "left" | "right" => format!("Arrow{}", capital(last)),
            "pageup" => "PageUp".to_owned(),
            "pagedown" => "PageDown".to_owned(),
            "caps_lock" => "CapsLock".to_owned(),
            "num_lock" => "NumLock".to_owned(),
            "menu" => "ContextMenu".to_owned(),
            "minus" => "-".to_owned(),
            "equal" => "=".to_owned(),
            "grave" => "`".to_owned(),
            "backslash" => "\\".to_owned(),
            "slash" => "/".to_owned(),
            "semicolon" => ";".to_owned(),
            "apostrophe" => "'".to_owned(),
            "comma" => ",".to_owned(),
            "period" => ".".to_owned(),
            "bracketleft" => "[".to_owned(),
            "bracketright" => "]".to_owned(),
            // `tab`, `f5`, `home`, and characters as they are.
            name if name.chars().count() > 1 => capital(name),
            name => name.to_owned(),
        };
        let key = KeyName::new(name).map_err(|error| Failure::Unsupported(error.to_string()))?;
        act(driver, Gesture::Chord { modifiers, key }).await
    }

    fn capital(name: &str) -> String {
        let mut letters = name.chars();
        letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
    }

    fn modifier(name: &str) -> Result<Modifier, Failure> {
        match name {
            "ctrl" => Ok(Modifier::Control),
            "shift" => Ok(Modifier::Shift),
            "alt" => Ok(Modifier::Alt),
            "super" => Ok(Modifier::Meta),
            other => Err(Failure::Unsupported(format!("{other:?} held"))),
        }
    }

    fn button(action: &Value) -> Result<(Button, u8), Failure> {
        match action["button"].as_str().unwrap_or("left") {
            "left" => Ok((Button::Left, 1)),
            "middle" => Ok((Button::Middle, 2)),
            "right" => Ok((Button::Right, 3)),
            "back" => Ok((Button::Back, 8)),
            "forward" => Ok((Button::Forward, 9)),
            other => Err(Failure::Unsupported(format!("button {other:?}"))),
        }
    }

    fn place(x: i64, y: i64, of: ScreenId) -> Spot {
        Spot { x: u32::try_from(x).unwrap_or_default(), y: u32::try_from(y).unwrap_or_default(), of }
    }
}
