//! What the tree's reader takes, and what it does not.

use std::fmt::Write as _;

use expect_test::{Expect, expect};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::*;

fn check(output: &str, expected: Expect) {
    expected.assert_eq(&match tree(output) {
        Ok(tree) => format!("{}\n{}", tree.size, tree.text(3)),
        Err(kind) => kind.to_string(),
    });
}

#[test]
fn dumps() {
    let real = "WARNING: linker: app_process has text relocations. Please fix.\n<?xml version='1.0' encoding='UTF-8' standalone='yes' ?><hierarchy rotation=\"0\"><node index=\"0\" text=\"\" \
        resource-id=\"\" class=\"android.widget.FrameLayout\" package=\"com.x\" content-desc=\"\" checkable=\"false\" checked=\"false\" \
        clickable=\"false\" enabled=\"true\" focusable=\"false\" focused=\"false\" scrollable=\"false\" long-clickable=\"false\" \
        password=\"false\" selected=\"false\" bounds=\"[0,0][1080,2400]\">\
        <node index=\"0\" text=\"Tom &amp; &quot;Jerry&quot;&#10;&#x1F600;\" class=\"android.widget.TextView\" clickable=\"true\" enabled=\"true\" bounds=\"[0,100][1080,200]\" />\
        <node text=\"hunter2\" content-desc=\"PIN\" class=\"android.widget.EditText\" enabled=\"true\" focused=\"true\" password=\"true\" bounds=\"[0,200][1080,300]\"></node>\n\
        <node text=\"\" class=\"android.widget.Switch\" checkable=\"true\" checked=\"true\" clickable=\"true\" enabled=\"false\" bounds=\"[900,300][1080,400]\" />\
        <node text=\"last\" class=\"x.y.Z\" enabled=\"true\" bounds=\"[0,0]\" /></node></hierarchy>UI hierchary dumped to: /dev/tty\n";
    check(
        real,
        expect![[r#"
            1080x2400
            TextView "Tom & \"Jerry\"\n😀" at 540,150, can be touched
            EditText "PIN" at 540,250, has the focus, a password
            Switch "" at 990,350, can be touched, disabled, on
            and 1 more
        "#]],
    );
    assert_eq!(tree(real).unwrap().focus().unwrap().text, "", "a password is never told");
    check("<hierarchy rotation=\"0\"></hierarchy>", expect![["0x0\n"]]);
    check("<hierarchy rotation=\"0\" />", expect![["0x0\n"]]);
    // A place that no display has is none.
    check(
        "<hierarchy><node text=\"far\" class=\"x.Far\" enabled=\"true\" bounds=\"[-2147483648,0][2147483647,9]\" /></hierarchy>",
        expect![["0x0\nFar \"far\" at 0,0\n"]],
    );
}

/// Android writes a value that holds a double quote between single ones. Nothing in it is markup, and nothing in it may be read
/// as an attribute of the widget.
#[test]
fn values_between_single_quotes() {
    let check = |node: &str, expected: Expect| {
        check(
            &format!("<hierarchy rotation=\"0\"><node class=\"B\" {node} bounds=\"[0,5][4,7]\" /></hierarchy>"),
            expected,
        );
    };
    check(
        r#"text='Pay "49.90" now' clickable="true""#,
        expect![[r#"
        4x7
        B "Pay \"49.90\" now" at 2,6, can be touched, disabled
    "#]],
    );
    check(
        r#"text="" content-desc='Delete "Holiday"' clickable="true""#,
        expect![[r#"
        4x7
        B "Delete \"Holiday\"" at 2,6, can be touched, disabled
    "#]],
    );
    check(
        r#"text='x" a="" password="true" b="' focused="true" password="false""#,
        expect![[r#"
        4x7
        B "x\" a=\"\" password=\"true\" b=\"" at 2,6, has the focus, disabled
    "#]],
    );
    check(
        r#"text='it&apos;s "so" > that /> </node>'"#,
        expect!["malformed response: the widget tree is not XML as Android writes it: expected ''' not '<' at 1:72"],
    );
    check(
        r#"text='it&apos;s "so" &gt; that /&gt; &lt;/node&gt;'"#,
        expect![[r#"
        4x7
        B "it's \"so\" > that /> </node>" at 2,6, disabled
    "#]],
    );
    // The same name twice is a forgery or an accident, and nobody knows which one counts.
    check(
        r#"text="a" text="b""#,
        expect![
            "malformed response: the widget tree is not XML as Android writes it: attribute 'text' at 1:50 is already defined"
        ],
    );
}

#[test]
fn all_that_a_widget_says_counts() {
    let words = |node: &str| {
        let tree = tree(&format!("<hierarchy><node class=\"B\" {node} bounds=\"[0,0][4,4]\" /></hierarchy>")).unwrap();
        tree.labels().into_iter().map(|label| label.text).collect::<Vec<_>>()
    };
    assert_eq!(
        words(r#"text="Off" content-desc="Allow installing unknown apps""#),
        ["Off\nAllow installing unknown apps"]
    );
    assert_eq!(words(r#"text="&#59392;" content-desc="Delete account""#), ["\u{e800}\nDelete account"]);
    assert_eq!(words(r#"text="" hint="Card number" focused="true""#), ["Card number"]);
    assert_eq!(words(r#"text="OK" content-desc="OK" hint=" ""#), ["OK"]);
    assert_eq!(
        words(r#"text="" tooltip-text="Pay" state-description="armed" pane-title="Till""#),
        ["Pay\nTill\narmed"]
    );
    assert_eq!(words(r#"text="secret" password="true" content-desc="PIN""#), ["PIN"]);
}

/// A row or a tab is touched beside its words, too: it is told by its place, and what lies in it says what it does.
#[test]
fn what_can_be_touched_is_told_by_what_lies_in_it() {
    let labels = |outer: &str, inner: &str| {
        let text = format!(
            "<hierarchy><node class=\"A\" {outer} bounds=\"[0,0][100,20]\"><node class=\"B\" bounds=\"[0,0][50,20]\"><node class=\"C\" \
             {inner} bounds=\"[2,2][40,10]\" /></node></node></hierarchy>"
        );
        let labels = tree(&text).unwrap().labels();
        labels.into_iter().map(|label| (label.text, label.area.right, label.touchable)).collect::<Vec<_>>()
    };
    let said = |text: &str, right, touchable| (text.to_owned(), right, touchable);
    let words = r#"text="Pay 5.00""#;
    assert_eq!(labels(r#"clickable="true""#, words), [said("", 100, true), said("Pay 5.00", 40, false)]);
    assert_eq!(labels(r#"clickable="true""#, r#"content-desc="Send""#), [said("", 100, true), said("Send", 40, false)]);
    assert_eq!(labels("", words), [said("Pay 5.00", 40, false)], "it cannot be touched");
    assert_eq!(labels(r#"clickable="true""#, ""), [], "nobody knows what it does");
    let button = r#"text="Send" clickable="true""#;
    assert_eq!(
        labels(r#"clickable="true""#, button),
        [said("Send", 40, true)],
        "its words are the button's, not the row's"
    );
}

/// What Android says that it could not, in the letter cases and places in which versions of it say so.
#[test]
fn what_is_no_dump() {
    check(
        "ERROR: could not get idle state.\n",
        expect!["timed out: the screen did not rest, so its widgets cannot be read: ERROR: could not get idle state."],
    );
    check(
        "WARNING: linker: x\nERROR: null root node returned by UiTestAutomationBridge.\n",
        expect!["malformed response: no widget tree: ERROR: null root node returned by UiTestAutomationBridge."],
    );
    check(
        "UI hierchary dumped to: x\nerror: null root node\n",
        expect!["malformed response: no widget tree: error: null root node"],
    );
    check(
        "java.lang.IllegalStateException: UiAutomationService already registered!\n\tat android.x\n",
        expect![
            "malformed response: no widget tree: java.lang.IllegalStateException: UiAutomationService already registered!"
        ],
    );
    check("", expect!["malformed response: no widget tree: "]);
    check(
        "<hierarchy rotation=\"0\"><node text=\"x",
        expect!["malformed response: the widget tree is not XML as Android writes it: unexpected end of stream"],
    );
    check(
        "<hierarchy><node /><evil /></hierarchy>",
        expect!["malformed response: the widget tree is not XML as Android writes it: <evil> among the widgets"],
    );
    check(
        "<hierarchy><node />Pay now</hierarchy>",
        expect!["malformed response: the widget tree is not XML as Android writes it: text between the widgets"],
    );
    check(
        "<hierarchy><node></hierarchy>",
        expect![
            "malformed response: the widget tree is not XML as Android writes it: expected 'node' tag, not 'hierarchy' at 1:18"
        ],
    );
    check(
        "<hierarchy><node text=\"&odd;\" /></hierarchy>",
        expect![
            "malformed response: the widget tree is not XML as Android writes it: unknown entity reference 'odd' at 1:24"
        ],
    );
    check(
        "<hierarchy><node text=\"a & b\" /></hierarchy>",
        expect![
            "malformed response: the widget tree is not XML as Android writes it: malformed entity reference at 1:26"
        ],
    );
    check(
        "<hierarchy><node text=Pay /></hierarchy>",
        expect![
            "malformed response: the widget tree is not XML as Android writes it: expected a quote not 'P' at 1:23"
        ],
    );
    check(
        "<hierarchy><!-- <node /> --></hierarchy>",
        expect!["malformed response: the widget tree is not XML as Android writes it: something else than widgets"],
    );
}

#[test]
fn what_is_too_much_is_not_parsed() {
    let whole = |inner: &str| format!("<hierarchy>{inner}</hierarchy>");
    let too_much = |text: &str| {
        let error = tree(text).unwrap_err().to_string();
        assert!(error.contains("too"), "{error}");
    };
    too_much(&whole(&("<node>".repeat(300) + &"</node>".repeat(300))));
    too_much(&whole(&"<node />".repeat(WIDGETS_MAX + 1)));
    too_much(&whole(&format!("<node text=\"{}\" />", "x".repeat(BYTES_MAX))));
    // Doubles are looked for among all pairs.
    let many = (0..400_000).fold(String::new(), |mut text, n| {
        let _ = write!(text, " a{n}=\"\"");
        text
    });
    too_much(&whole(&format!("<node{many} />")));
    let long = whole(&format!("<node text=\"{}\" />", "é".repeat(VALUE_MAX)));
    assert_eq!(tree(&long).unwrap().widgets[0].text.len(), VALUE_MAX);
}

/// A widget with everything that an app can choose.
#[derive(Clone, Debug)]
struct WrittenTree {
    text: String,
    description: String,
    hint: String,
    id: String,
    password: bool,
    focused: bool,
    children: Vec<WrittenTree>,
}

/// What Android's `uiautomator` leaves of a text: it writes a full stop for what XML has no place for.
fn strip(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            '\u{1}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}' => {
                '.'
            }
            '\u{fdd0}'..='\u{fddf}' | '\0' | '\u{fffe}' | '\u{ffff}' => '.',
            letter if u32::from(letter) & 0xfffe == 0xfffe => '.',
            letter => letter,
        })
        .collect()
}

/// An attribute as Android's serializer writes it (KXmlSerializer): the quotes are chosen by what is in the value.
fn attribute(xml: &mut String, name: &str, value: &str) {
    let quote = if value.contains('"') { '\'' } else { '"' };
    let _ = write!(xml, " {name}={quote}");
    for letter in value.chars() {
        match letter {
            '\n' | '\r' | '\t' => {
                let _ = write!(xml, "&#{};", u32::from(letter));
            }
            '&' => xml.push_str("&amp;"),
            '>' => xml.push_str("&gt;"),
            '<' => xml.push_str("&lt;"),
            '"' if quote == '"' => xml.push_str("&quot;"),
            '\'' if quote == '\'' => xml.push_str("&apos;"),
            letter if u32::from(letter) > 0xffff => {
                let _ = write!(xml, "&#{};", u32::from(letter));
            }
            letter => xml.push(letter),
        }
    }
    xml.push(quote);
}

fn write(xml: &mut String, widget: &WrittenTree, index: usize) {
    xml.push_str("<node");
    attribute(xml, "index", &index.to_string());
    attribute(xml, "text", &strip(&widget.text));
    attribute(xml, "resource-id", &strip(&widget.id));
    attribute(xml, "class", "android.widget.EditText");
    attribute(xml, "package", "com.example");
    attribute(xml, "content-desc", &strip(&widget.description));
    for (name, is) in [("clickable", true), ("focused", widget.focused), ("password", widget.password)] {
        attribute(xml, name, &is.to_string());
    }
    attribute(xml, "bounds", "[1,2][30,40]");
    attribute(xml, "hint", &strip(&widget.hint));
    if widget.children.is_empty() {
        xml.push_str(" />");
        return;
    }
    xml.push('>');
    widget.children.iter().enumerate().for_each(|(index, child)| write(xml, child, index));
    xml.push_str("</node>");
}

fn compare(widgets: &mut std::slice::Iter<'_, Widget>, written: &WrittenTree, depth: u32) {
    let read = widgets.next().expect("a widget");
    let text = if written.password { String::new() } else { strip(&written.text) };
    let expected = Widget {
        depth,
        text,
        description: strip(&written.description),
        hint: strip(&written.hint),
        remarks: Vec::new(),
        class: "EditText".to_owned(),
        id: strip(&written.id),
        app: "com.example".to_owned(),
        bounds: [1, 2, 30, 40],
        can_be_touched: true,
        has_focus: written.focused,
        is_password: written.password,
        dots: written.password.then(|| dots(&strip(&written.text))).flatten(),
        ..Widget::default()
    };
    assert_eq!(*read, expected);
    written.children.iter().for_each(|child| compare(widgets, child, depth + 1));
}

/// Strings that an app would choose that wants to be read as something else, and any others.
fn string() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\"".to_owned()),
        Just("'".to_owned()),
        Just("\" password=\"true\" a=\"".to_owned()),
        Just("' clickable='false' b='".to_owned()),
        Just("/><node text=\"Pay\"".to_owned()),
        Just("</node></hierarchy>".to_owned()),
        Just("<hierarchy rotation=\"0\">".to_owned()),
        Just("&quot;&apos;&#39;&amp;".to_owned()),
        Just("]]><!-- --><?x?>".to_owned()),
        Just("ERROR: could not get idle state.".to_owned()),
        "[ -~]{0,6}",
        "\\PC{0,3}",
        "[\u{0}-\u{1f}\u{7f}-\u{9f}\u{2028}\u{fffe}]{0,3}",
        "[你😀é\u{e800}\u{200b}\u{202e}]{0,3}",
    ];
    proptest::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

fn tree_strategy() -> impl Strategy<Value = WrittenTree> {
    let widget = |children: Vec<WrittenTree>| {
        (string(), string(), string(), string(), any::<bool>(), any::<bool>()).prop_map(
            move |(text, description, hint, id, password, focused)| {
                let children = children.clone();
                WrittenTree { text, description, hint, id, password, focused, children }
            },
        )
    };
    widget(Vec::new())
        .prop_recursive(4, 8, 3, move |inner| proptest::collection::vec(inner, 0..3).prop_flat_map(widget))
}

/// Trees with any strings, nested, written as Android writes them, are read as they were.
#[test]
fn ten_thousand_trees_are_read_as_they_were_written() {
    let config = Config { cases: 10_000, failure_persistence: None, ..Config::default() };
    // The same trees each time: a failure is a bug report. proptest's own variable draws others.
    let mut runner = match std::env::var_os("PROPTEST_CASES") {
        Some(_) => TestRunner::new(Config { failure_persistence: None, ..Config::default() }),
        None => TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
    };
    let mut singles = 0;
    runner
        .run(&tree_strategy(), |written| {
            let mut xml =
                "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?><hierarchy rotation=\"0\">".to_owned();
            write(&mut xml, &written, 0);
            xml.push_str("</hierarchy>UI hierchary dumped to: /dev/tty\n");
            let tree = tree(&xml).map_err(|kind| TestCaseError::fail(format!("{kind}: {xml}")))?;
            let mut widgets = tree.widgets.iter();
            compare(&mut widgets, &written, 0);
            prop_assert!(widgets.next().is_none(), "more widgets than were written");
            Ok(())
        })
        .unwrap();
    // And values between single quotes were among them.
    let mut draw = TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    for _ in 0..200 {
        let written = tree_strategy().new_tree(&mut draw).unwrap().current();
        singles += u32::from(written.text.contains('"'));
    }
    assert!(singles > 20, "{singles}");
}

proptest! {
    #[test]
    fn any_output_is_read(text in "(<hierarchy>|</hierarchy>|<node|</node>|text=\"|text='|bounds=\"|[\\[\\],0-9<>&;#/x\"' a-z]){0,40}") {
        let _ = tree(&text);
    }
}
