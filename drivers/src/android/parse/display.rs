//! Which displays a phone has, which of them is on, and by what names `screencap` and `input` know it.

use tapwright_contract::{Rotation, Size};

/// Lists the panels by the names that `screencap -d` takes.
pub(crate) const PANELS: &str = "dumpsys SurfaceFlinger --display-id";
/// Tells which panel each display is on, how large and how turned it is, and whether it is on.
pub(crate) const DISPLAYS: &str = "dumpsys display | grep -E 'DisplayDeviceInfo|DisplayInfo'";
/// The same for devices without grep.
pub(crate) const DISPLAYS_WHOLE: &str = "dumpsys display";

/// A display that can be pictured and touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Display {
    /// Its number for `input` and the window manager; 0 is the one that things are on unless they are told otherwise.
    pub number: u32,
    /// The name of its panel for `screencap`.
    pub panel: String,
    pub size: Option<Size>,
    pub rotation: Option<Rotation>,
    pub is_on: bool,
}

/// The displays that are on a panel of the phone, by their numbers. Those that programs have made for themselves are left out.
pub(crate) fn displays(panels: &str, dump: &str) -> Vec<Display> {
    let panels: Vec<&str> = panels.lines().filter_map(|line| digits(line.trim().strip_prefix("Display ")?)).collect();
    let known = |panel: &str| panels.is_empty() || panels.contains(&panel);
    let off: Vec<&str> =
        dump.lines().filter_map(device).filter(|(_, state)| !is_on(state)).map(|(panel, _)| panel).collect();
    let mut displays: Vec<Display> = Vec::new();
    for line in dump.lines() {
        let Some(display) = display(line).filter(|display| known(&display.panel)) else { continue };
        let display = Display { is_on: display.is_on && !off.contains(&display.panel.as_str()), ..display };
        match displays.iter_mut().find(|known| known.number == display.number) {
            // What comes later overrides: the first line is the display as it was made, the second as it is now.
            Some(known) => *known = display,
            None => displays.push(display),
        }
    }
    displays.sort_by_key(|display| display.number);
    displays
}

/// The display to look at: the first one that is on.
pub(crate) fn first_on(displays: &[Display]) -> Option<&Display> {
    displays.iter().find(|display| display.is_on)
}

/// `DisplayInfo{"Built-in Screen", displayId 0, …, real 1080 x 2400, …, rotation 0, state ON, …, uniqueId "local:46198", …}`
fn display(line: &str) -> Option<Display> {
    let (_, info) = line.split_once("DisplayInfo{\"").filter(|(before, _)| !before.ends_with("Device"))?;
    // The name comes first, and programs choose those of their displays: a line that says a thing twice says nothing.
    let once = |key: &str| {
        let mut found = info.match_indices(key);
        let (at, _) = found.next()?;
        found.next().is_none().then(|| &info[at + key.len()..])
    };
    let panel = digits(once(", uniqueId \"local:")?)?;
    Some(Display {
        number: digits(once(", displayId ")?)?.parse().ok()?,
        panel: panel.to_owned(),
        size: once(", real ").and_then(size),
        rotation: once(", rotation ").and_then(rotation),
        is_on: once(", state ").is_some_and(is_on),
    })
}

/// The panel and the state of `DisplayDeviceInfo{"Inner": uniqueId="local:46198", 1038 x 1076, …, state OFF, …}`.
fn device(line: &str) -> Option<(&str, &str)> {
    let (_, info) = line.split_once("DisplayDeviceInfo{\"")?;
    let (_, panel) = info.split_once(": uniqueId=\"local:")?;
    let (_, state) = info.split_once(", state ")?;
    Some((digits(panel)?, state))
}

/// States begin with a word; ON is one, and so is VR. DOZE shows a clock and takes no touches.
fn is_on(text: &str) -> bool {
    let word = text.split(|letter: char| !(letter.is_ascii_alphabetic() || letter == '_')).next();
    matches!(word, Some("ON" | "VR"))
}

fn digits(text: &str) -> Option<&str> {
    let end = text.find(|digit: char| !digit.is_ascii_digit()).unwrap_or(text.len());
    (1..=20).contains(&end).then(|| &text[..end])
}

/// The size at the beginning of a text: `1080x2400`, `1080 x 2400`.
pub(crate) fn size(text: &str) -> Option<Size> {
    let width = digits(text)?;
    let rest = text[width.len()..].trim_start().strip_prefix('x')?.trim_start();
    let size = Size { width: width.parse().ok()?, height: digits(rest)?.parse().ok()? };
    (size.width > 0 && size.height > 0).then_some(size)
}

/// How a display is turned that says `1`, `ROTATION_90` or `90`.
pub(crate) fn rotation(text: &str) -> Option<Rotation> {
    let text = text.strip_prefix("ROTATION_").unwrap_or(text);
    match digits(text)?.parse::<u16>().ok()? {
        0 => Some(Rotation::None),
        1 | 90 => Some(Rotation::Quarter),
        2 | 180 => Some(Rotation::Half),
        3 | 270 => Some(Rotation::ThreeQuarters),
        _ => None,
    }
}

/// How large the display is that touches are counted on, by what `wm size` prints; the size that somebody has set counts.
pub(crate) fn size_of_wm(output: &str) -> Option<Size> {
    output.lines().filter_map(|line| line.trim().split_once(" size: ")).filter_map(|(_, rest)| size(rest)).next_back()
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(panels: &str, dump: &str, expected: Expect) {
        let lines: Vec<String> = displays(panels, dump)
            .iter()
            .map(|display| {
                let size = display.size.map_or("?".to_owned(), |size| size.to_string());
                let on = if display.is_on { "on" } else { "off" };
                format!("{} on panel {}: {size}, turned {:?}, {on}", display.number, display.panel, display.rotation)
            })
            .collect();
        let at = displays(panels, dump);
        expected.assert_eq(&format!(
            "{}\nlooks at {:?}",
            lines.join("\n"),
            first_on(&at).map(|display| display.number)
        ));
    }

    #[test]
    fn displays_of_phones() {
        // One that is folded: its number is on the panel outside.
        check(
            "Display 46198 (HWC display 0): port=0 pnpId=GGL displayName=\"Common Panel\"\nDisplay 46199 (HWC display 1): port=1\n",
            "  DisplayDeviceInfo{\"Inner\": uniqueId=\"local:46198\", 1038 x 1076, modeId 1, state OFF, committedState OFF}\n  \
             DisplayDeviceInfo{\"Outer\": uniqueId=\"local:46199\", 540 x 1212, state ON}\n    \
             mBaseDisplayInfo=DisplayInfo{\"Built-in Screen\", displayId 0, real 540 x 1212, uniqueId \"local:46199\", state ON}\n",
            expect![[r#"
                0 on panel 46199: 540x1212, turned None, on
                looks at Some(0)"#]],
        );
        // One with a display on its cover, shut, and turned.
        check(
            "Display 1 (HWC display 0): port=0\nDisplay 2 (HWC display 1): port=1\n",
            "mBaseDisplayInfo=DisplayInfo{\"In\", displayId 0, real 1080 x 2640, rotation 0, state OFF, type INTERNAL, uniqueId \"local:1\", app 1 x 1}\n\
             mOverrideDisplayInfo=DisplayInfo{\"In\", displayId 0, real 1080 x 2640, rotation 0, state OFF, uniqueId \"local:1\"}\n\
             mBaseDisplayInfo=DisplayInfo{\"Cover\", displayId 1, real 748 x 720, rotation 0, state ON, uniqueId \"local:2\"}\n\
             mOverrideDisplayInfo=DisplayInfo{\"Cover\", displayId 1, real 720 x 748, rotation 3, state ON, uniqueId \"local:2\"}\n",
            expect![[r#"
                0 on panel 1: 1080x2640, turned Some(None), off
                1 on panel 2: 720x748, turned Some(ThreeQuarters), on
                looks at Some(1)"#]],
        );
        // A program's own display, and one whose name tells lies.
        check(
            "Display 1 (HWC display 0): port=0\n",
            "mBaseDisplayInfo=DisplayInfo{\"x\", displayId 0, real 9 x 9, state ON, uniqueId \"local:1\", \", displayId 7, real 5 x 5, state ON, uniqueId \"virtual:com.x,1,y,0\"}\n\
             mBaseDisplayInfo=DisplayInfo{\"HDMI\", displayId 3, real 5 x 5, state ON, uniqueId \"local:77\"}\n\
             mBaseDisplayInfo=DisplayInfo{\"In\", displayId 0, real 10 x 20, state ON, uniqueId \"local:1\"}\n",
            expect![[r#"
                0 on panel 1: 10x20, turned None, on
                looks at Some(0)"#]],
        );
        check(
            "",
            "Can't find service: display\n",
            expect![[r#"

            looks at None"#]],
        );
    }

    #[test]
    fn sizes_and_turns() {
        let wm = |text| size_of_wm(text).map(|size| size.to_string());
        assert_eq!(
            wm("WARNING: linker: x size\nPhysical size: 1440x3040\nOverride size: 1080x2280\n"),
            Some("1080x2280".into())
        );
        assert_eq!(wm("Physical size: 0x0\n"), None);
        assert_eq!(wm(""), None);
        for (text, turned) in [
            ("0", Rotation::None),
            ("3 mDeferred=0", Rotation::ThreeQuarters),
            ("ROTATION_90", Rotation::Quarter),
            ("ROTATION_270", Rotation::ThreeQuarters),
            ("180", Rotation::Half),
        ] {
            assert_eq!(rotation(text), Some(turned), "{text}");
        }
        assert_eq!(rotation("ROTATION_45"), None);
        assert_eq!(rotation("x"), None);
    }
}
