//! What `uiautomator dump` writes: widgets as XML. Only what Android writes is understood, which is a small part of XML.

use tapwright_contract::Size;
use tapwright_contract::device::DriverErrorKind;

use crate::tree::{Tree, Widget};

/// More widgets than any screen has.
const WIDGETS_MAX: usize = 20_000;
/// Deeper than any layout nests.
const DEPTH_MAX: u32 = 200;
/// More than a label or a field holds.
const VALUE_MAX: usize = 64 << 10;

/// Reads the dump, wherever in the output it stands.
///
/// # Errors
/// `DriverErrorKind::TimedOut` if the screen did not rest, `DriverErrorKind::MalformedResponse` if this is no dump.
pub(crate) fn tree(output: &str) -> Result<Tree, DriverErrorKind> {
    let Some((_, xml)) = output.split_once("<hierarchy") else {
        let line = output.lines().map(str::trim).find(|line| line.starts_with("ERROR")).unwrap_or(output);
        let why = super::answers::shortened(line);
        return Err(match why.contains("idle state") {
            true => DriverErrorKind::TimedOut { tries: format!("the screen to rest: {why}") },
            false => DriverErrorKind::MalformedResponse { why: format!("no widgets: {why}") },
        });
    };
    let nonsense = |why: &str| DriverErrorKind::MalformedResponse { why: format!("the widgets make no sense: {why}") };
    let mut rest = attributes(xml).ok_or_else(|| nonsense("the beginning"))?.1;
    let mut widgets: Vec<Widget> = Vec::new();
    let mut depth = 0;
    loop {
        let Some(at) = rest.find('<') else { return Err(nonsense("they break off")) };
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix("/node") {
            depth -= u32::from(depth > 0);
            rest = after;
        } else if rest.starts_with("/hierarchy") {
            break;
        } else if let Some(after) = rest.strip_prefix("node") {
            let (found, after, closed) = attributes(after).ok_or_else(|| nonsense("a widget breaks off"))?;
            if widgets.len() == WIDGETS_MAX || depth == DEPTH_MAX {
                return Err(nonsense("there are too many of them"));
            }
            widgets.push(widget(&found, depth));
            depth += u32::from(!closed);
            rest = after;
        } else {
            return Err(nonsense("something else is among them"));
        }
    }
    let reach = |at: usize| widgets.iter().map(|widget| widget.bounds[at]).max().unwrap_or(0).max(0) as u32;
    Ok(Tree { size: Size { width: reach(2), height: reach(3) }, widgets })
}

type Attributes<'a> = Vec<(&'a str, String)>;

/// Attributes up to the end of a tag, what follows it, and whether it closes itself.
fn attributes(mut rest: &str) -> Option<(Attributes<'_>, &str, bool)> {
    let mut found = Vec::new();
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix("/>") {
            return Some((found, after, true));
        }
        if let Some(after) = rest.strip_prefix('>') {
            return Some((found, after, false));
        }
        let (name, after) = rest.split_once("=\"")?;
        let (value, after) = after.split_once('"')?;
        found.push((name.trim(), unescaped(value)));
        rest = after;
    }
}

fn widget(attributes: &Attributes<'_>, depth: u32) -> Widget {
    let value = |name: &str| attributes.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value);
    let is = |name: &str| value(name) == "true";
    let is_password = is("password");
    Widget {
        depth,
        text: if is_password { String::new() } else { value("text").to_owned() },
        description: value("content-desc").to_owned(),
        class: value("class").rsplit('.').next().unwrap_or_default().to_owned(),
        id: value("resource-id").to_owned(),
        bounds: bounds(value("bounds")).unwrap_or_default(),
        can_be_touched: is("clickable"),
        can_be_scrolled: is("scrollable"),
        has_focus: is("focused"),
        is_password,
        is_enabled: is("enabled"),
        is_on: is("checkable").then(|| is("checked")),
    }
}

/// `[0,92][540,184]`
fn bounds(text: &str) -> Option<[i32; 4]> {
    let mut numbers = text.split(['[', ']', ',']).filter(|number| !number.is_empty()).map(str::parse);
    let mut next = || numbers.next()?.ok();
    let bounds = [next()?, next()?, next()?, next()?];
    let plausible = bounds.iter().all(|number: &i32| number.abs() < 1 << 20);
    plausible.then_some(bounds)
}

/// Text without XML's escapes; one that is not known stays as it is.
fn unescaped(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        let known = after.split_once(';').filter(|(name, _)| name.len() <= 8).and_then(|(name, after)| {
            let letter = match name {
                "amp" => '&',
                "lt" => '<',
                "gt" => '>',
                "quot" => '"',
                "apos" => '\'',
                name => {
                    let number = name.strip_prefix('#')?;
                    let code = match number.strip_prefix('x') {
                        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                        None => number.parse().ok()?,
                    };
                    char::from_u32(code)?
                }
            };
            Some((letter, after))
        });
        rest = match known {
            Some((letter, after)) => {
                plain.push(letter);
                after
            }
            None => {
                plain.push('&');
                after
            }
        };
        if plain.len() > VALUE_MAX {
            return plain;
        }
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;

    fn check(output: &str, expected: Expect) {
        expected.assert_eq(&match tree(output) {
            Ok(tree) => format!("{}\n{}", tree.size, tree.text(3)),
            Err(kind) => kind.to_string(),
        });
    }

    #[test]
    fn dumps() {
        let real = "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?><hierarchy rotation=\"0\"><node index=\"0\" text=\"\" \
            resource-id=\"\" class=\"android.widget.FrameLayout\" package=\"com.x\" content-desc=\"\" checkable=\"false\" checked=\"false\" \
            clickable=\"false\" enabled=\"true\" focusable=\"false\" focused=\"false\" scrollable=\"false\" long-clickable=\"false\" \
            password=\"false\" selected=\"false\" bounds=\"[0,0][1080,2400]\">\
            <node index=\"0\" text=\"Tom &amp; &quot;Jerry&quot;&#10;&#x1F600; &odd; &\" class=\"android.widget.TextView\" clickable=\"true\" enabled=\"true\" bounds=\"[0,100][1080,200]\" />\
            <node text=\"hunter2\" content-desc=\"PIN\" class=\"android.widget.EditText\" enabled=\"true\" focused=\"true\" password=\"true\" bounds=\"[0,200][1080,300]\"></node>\
            <node text=\"\" class=\"android.widget.Switch\" checkable=\"true\" checked=\"true\" clickable=\"true\" enabled=\"false\" bounds=\"[900,300][1080,400]\" />\
            <node text=\"last\" class=\"x.y.Z\" enabled=\"true\" bounds=\"[0,0]\" /></node></hierarchy>UI hierchary dumped to: /dev/tty\n";
        check(
            real,
            expect![[r#"
                1080x2400
                TextView "Tom & \"Jerry\"\n😀 &odd; &" at 540,150, can be touched
                EditText "PIN" at 540,250, has the focus, a password
                Switch "" at 990,350, can be touched, disabled, on
                and 1 more
            "#]],
        );
        assert_eq!(tree(real).unwrap().focus().unwrap().text, "", "a password is never told");
        check("<hierarchy rotation=\"0\"></hierarchy>", expect![["0x0\n"]]);
    }

    #[test]
    fn what_is_no_dump() {
        check(
            "ERROR: could not get idle state.\n",
            expect!["timed out: the screen to rest: ERROR: could not get idle state."],
        );
        check(
            "ERROR: null root node returned by UiTestAutomationBridge.\n",
            expect!["malformed response: no widgets: ERROR: null root node returned by UiTestAutomationBridge."],
        );
        check("", expect!["malformed response: no widgets: "]);
        check(
            "<hierarchy rotation=\"0\"><node text=\"x",
            expect!["malformed response: the widgets make no sense: a widget breaks off"],
        );
        check(
            "<hierarchy><node /><evil /></hierarchy>",
            expect!["malformed response: the widgets make no sense: something else is among them"],
        );
        let deep = format!("<hierarchy>{}", "<node>".repeat(300));
        check(&deep, expect!["malformed response: the widgets make no sense: there are too many of them"]);
    }

    proptest! {
        #[test]
        fn any_output_is_read(text in "(<hierarchy>|<node|</node>|text=\"|bounds=\"|[\\[\\],0-9<>&;#/x\" a-z]){0,40}") {
            let _ = tree(&text);
        }

        #[test]
        fn what_was_escaped_is_the_text(text in "[ -~你😀\n]{0,40}") {
            let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\n', "&#10;");
            let xml = format!("<hierarchy rotation=\"0\"><node text=\"{escaped}\" /></hierarchy>");
            prop_assert_eq!(&tree(&xml).unwrap().widgets[0].text, &text);
        }
    }
}
