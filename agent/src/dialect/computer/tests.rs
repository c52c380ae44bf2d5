//! Whatever a model writes is read without a panic, in time that grows no faster than the reply does. What replies come to is among the
//! tests of the package, as data.

use proptest::prelude::*;

use super::{print, read};
use crate::action::Call;
use crate::calls::ApiCatalog;
use crate::dialect::ParsedReply;
use crate::dialect::frame::Frame;
use crate::work::count_bytes;

fn parsed(reply: &str, cut: bool) -> ParsedReply {
    read(reply, cut, &ApiCatalog::default(), &Frame::default())
}

/// What replies are made of, and what goes wrong with them.
fn pieces() -> impl Strategy<Value = String> {
    let fixed: Vec<&'static str> = vec![
        "<think>",
        "</think>",
        "<answer>",
        "</answer>",
        "Action: ",
        "Thought: ",
        "```python\n",
        "```",
        "\n",
        "<tool_call>",
        "</tool_call>",
        "<|begin_of_box|>",
        "<|end_of_box|>",
        "click(",
        "at=[",
        "500",
        ",",
        "]",
        ")",
        "type(text=\"",
        "\"",
        "'",
        "\\",
        "pyautogui.",
        "press(",
        "'''",
        "r'",
        "f\"{x}\"",
        "{\"action\": \"",
        "left_click",
        "\", \"coordinate\": [",
        "}",
        "{",
        "[",
        "<function=",
        "<parameter=",
        ">",
        "</",
        "<point>",
        "</point>",
        "WAIT",
        "DONE",
        "for i in x:\n    ",
        "import ",
        "#",
        ";",
        "mouseDown()",
        "keyDown('ctrl')",
        "scroll(-3)",
        "，",
        "“",
        "你好",
        "👩‍👩‍👧",
        "-",
        "1e999",
        "nan",
        "hotkey(keys=\"ctrl+",
        "s\")",
        "finish(",
        "\"actions\": [",
        "\"type\": \"click\"",
        "\u{0}",
        "\u{200b}",
    ];
    proptest::collection::vec(proptest::sample::select(fixed), 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn nothing_a_model_writes_is_too_strange(reply in pieces(), cut in any::<bool>()) {
        let read = parsed(&reply, cut);
        let mut calls = vec![read.call];
        calls.extend(read.rest);
        // One that cannot be read is the last, and what can be read says itself again.
        let errors = calls.iter().take(calls.len() - 1).filter(|call| call.is_err()).count();
        prop_assert_eq!(errors, 0, "{:?}", calls);
        prop_assert!(calls.len() <= super::ACTIONS_MAX + 2);
        for call in calls.into_iter().flatten() {
            if matches!(&call, Call::Do(crate::action::Action::CallApi(_))) {
                continue;
            }
            let printed = print(&call, &Frame::default());
            prop_assert_eq!(parsed(&format!("<answer>{printed}</answer>"), false).call, Ok(call), "{}", printed);
        }
    }
}

#[test]
fn much_text_is_read_in_linear_time() {
    for piece in [
        "a",
        "click(",
        "click(at=[1,2])\n",
        "{",
        "{\"name",
        "{\"action\": \"left_click\", ",
        "[\"",
        "<function=a>",
        "<tool_call>",
        "```python\n",
        "```",
        "pyautogui.press('a')\n",
        "Action: ",
        "<|begin_of_box|>",
        "type(text=\"",
        "'''",
        "<parameter=a>",
        "<point>",
        "I say (a) b.c ",
    ] {
        let short = count_bytes(|| drop(parsed(&piece.repeat(4000 / piece.len()), false)));
        let long = count_bytes(|| drop(parsed(&piece.repeat(16_000 / piece.len()), false)));
        assert!(long <= 5 * short + 20_000, "{piece:?}: {short} and {long}");
    }
}
