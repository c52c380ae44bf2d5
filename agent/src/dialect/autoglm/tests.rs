//! The parser's corpus: what models wrote, and what it comes to.

use std::time::Duration;

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::{print, without_marks};
use crate::action::{Action, Call};
use crate::calls::ApiCatalog;
use crate::dialect::ParsedReply;
use crate::dialect::autoglm::GRID;
use crate::place::Place;
use crate::work::count_bytes;

/// Understands a reply where no API is offered.
fn read(reply: &str, cut: bool) -> ParsedReply {
    super::read(reply, cut, &ApiCatalog::default())
}

fn printed_call(reply: &str, cut: bool) -> String {
    let said = read(reply, cut);
    let thought = if said.thought.is_empty() { String::new() } else { format!("({}) ", said.thought) };
    let more = if said.more { " and more" } else { "" };
    match said.call {
        Ok(call) => format!("{thought}{}{more}", print(&call)),
        Err(unclear) => format!("{thought}? {unclear}{more}"),
    }
}

fn check(reply: &str, expected: Expect) {
    expected.assert_eq(&printed_call(reply, false));
}

#[test]
fn all_verbs() {
    check(r#"do(action="Launch", app="京东")"#, expect![[r#"do(action="Launch", app="京东")"#]]);
    check(r#"do(action="Tap", element=[500,300])"#, expect![[r#"do(action="Tap", element=[500,300])"#]]);
    check(
        r#"do(action="Tap", element=[500,300], message="重要操作")"#,
        expect![[r#"do(action="Tap", element=[500,300], message="重要操作")"#]],
    );
    check(r#"do(action="Type", text="hello")"#, expect![[r#"do(action="Type", text="hello")"#]]);
    check(r#"do(action="Type_Name", text="Anna")"#, expect![[r#"do(action="Type_Name", text="Anna")"#]]);
    check(r#"do(action="Interact")"#, expect![[r#"do(action="Interact")"#]]);
    check(
        r#"do(action="Swipe", start=[500,800], end=[500,200])"#,
        expect![[r#"do(action="Swipe", start=[500,800], end=[500,200])"#]],
    );
    check(r#"do(action="Note", message="True")"#, expect![[r#"do(action="Note", message="True")"#]]);
    check(
        r#"do(action="Call_API", instruction="summarise")"#,
        expect![[r#"do(action="Call_API", instruction="summarise")"#]],
    );
    check(
        r#"do(action="Drag", start=[500,800], end=[500,200])"#,
        expect![[r#"do(action="Drag", start=[500,800], end=[500,200])"#]],
    );
    check(r#"do(action="Long Press", element=[1,2])"#, expect![[r#"do(action="Long Press", element=[1,2])"#]]);
    check(r#"do(action="Double Tap", element=[1,2])"#, expect![[r#"do(action="Double Tap", element=[1,2])"#]]);
    check(r#"do(action="Take_over", message="log in")"#, expect![[r#"do(action="Take_over", message="log in")"#]]);
    check(r#"do(action="Back")"#, expect![[r#"do(action="Back")"#]]);
    check(r#"do(action="Home")"#, expect![[r#"do(action="Home")"#]]);
    check(r#"do(action="Wait", duration="3 seconds")"#, expect![[r#"do(action="Wait", duration="3 seconds")"#]]);
    check(r#"finish(message="it is on")"#, expect![[r#"finish(message="it is on")"#]]);
    check(
        r#"finish(message="no such contact", status="infeasible")"#,
        expect![[r#"finish(message="no such contact", status="infeasible")"#]],
    );
}

/// Every row of the table of replies that the official client gets wrong.
#[test]
fn what_the_official_client_gets_wrong() {
    check(r#"do(action="Tap", element=[500,500])</answer>"#, expect![[r#"do(action="Tap", element=[500,500])"#]]);
    check(r#"do(action="Type", text="hello")</answer>"#, expect![[r#"do(action="Type", text="hello")"#]]);
    check(r#"do(action="Type", text="say \"hi\"")"#, expect![[r#"do(action="Type", text="say \"hi\"")"#]]);
    check(r#"do(action="Type", text="abc", element=[1,2])"#, expect![[r#"do(action="Type", text="abc")"#]]);
    check(r#"do(action="Tap", element=[050,300])"#, expect![[r#"do(action="Tap", element=[50,300])"#]]);
    check(r#"do( action="Tap", element=[5,3])"#, expect![[r#"do(action="Tap", element=[5,3])"#]]);
    check(r#"DO(action="Tap", element=[5,3])"#, expect![[r#"do(action="Tap", element=[5,3])"#]]);
    check(r#"do(action="Back") do(action="Home")"#, expect![[r#"do(action="Back") and more"#]]);
    check("do(action=\"Back\")\ndo(action=\"Home\")", expect![[r#"do(action="Back") and more"#]]);
    check("finish()", expect![[r#"finish(message="")"#]]);
    check(r#"<|begin_of_box|>do(action="Back")<|end_of_box|>"#, expect![[r#"do(action="Back")"#]]);
    check(
        r#"[{'Type':'Type'}]"#,
        expect![[
            r#"? the action cannot be read; write one action after the thought, for example do(action="Tap", element=[500,500])"#
        ]],
    );
    check(r#"do(action="Wait", duration=2)"#, expect![[r#"do(action="Wait", duration="2 seconds")"#]]);
    check(r#"do(action="Wait", duration="1 second")"#, expect![[r#"do(action="Wait", duration="1 seconds")"#]]);
    check("do(action=\"Tap\", element=[100,200,300,401])", expect![[r#"do(action="Tap", element=[200,301])"#]]);
    check("do(action=“Tap”，element=[５００，３００])", expect![[r#"do(action="Tap", element=[500,300])"#]]);
    check("do（action＝“Type”，text＝“你好，世界”）", expect![[r#"do(action="Type", text="你好，世界")"#]]);
    check(
        r#"<think>I may not finish(message="x") yet.</think><answer>do(action="Home")"#,
        expect![[r#"(I may not finish(message="x") yet.) do(action="Home")"#]],
    );
    check(
        "I may not finish(message=\"x\") yet.\ndo(action=\"Home\")",
        expect![[r#"(I may not finish(message="x") yet.) do(action="Home")"#]],
    );
    check(r#"do(action="Tap", element=[[500,300]])"#, expect![[r#"do(action="Tap", element=[500,300])"#]]);
}

#[test]
fn thought_and_answer() {
    let plan = "<think>First\nthe app.</think>\n<answer>do(action=\"Launch\", app=\"京东\")";
    check(
        plan,
        expect![[r#"
        (First
        the app.) do(action="Launch", app="京东")"#]],
    );
    let doubled = r#"<think><think>T</think>
<answer></think><answer>do(action="Back")"#;
    check(doubled, expect![[r#"(T) do(action="Back")"#]]);
    check(r#"<think>T</think>do(action="Back")"#, expect![[r#"(T) do(action="Back")"#]]);
    check(r#"T</think><answer>do(action="Back")</answer>"#, expect![[r#"(T) do(action="Back")"#]]);
    check(r#"T <answer>do(action="Back")</answer>"#, expect![[r#"(T) do(action="Back")"#]]);
    check(r#"<think>T <answer>do(action="Back")</answer>"#, expect![[r#"(T) do(action="Back")"#]]);
    check("T\n\ndo(action=\"Back\")", expect![[r#"(T) do(action="Back")"#]]);
    check(
        r#"not do(action="Back") but do(action="Home")"#,
        expect![[r#"(not do(action="Back") but) do(action="Home")"#]],
    );
    check(
        r#"<think>use <answer> tags, not do(action="Back")</think><answer>do(action="Home")"#,
        expect![[r#"(use  tags, not do(action="Back")) do(action="Home")"#]],
    );
    check(
        r#"<think>only do(action="Home")</think>"#,
        expect![[
            r#"(only do(action="Home")) ? the reply has no action; write one action after the thought, for example do(action="Tap", element=[500,500]) or finish(message="…")"#
        ]],
    );
    check(
        r#"I could finish(message="x") but will not."#,
        expect![[
            r#"(I could finish(message="x") but will not.) ? the reply has no action; write one action after the thought, for example do(action="Tap", element=[500,500]) or finish(message="…")"#
        ]],
    );
    check(r#"Now do(action="Home"), and later finish(message="x") it is."#, expect![[r#"(Now) do(action="Home")"#]]);
    check("```python\ndo(action=\"Back\")\n```", expect![[r#"do(action="Back")"#]]);
    check("1. do(action=\"Back\")\n2. do(action=\"Home\")\n3. finish()", expect![[r#"do(action="Back") and more"#]]);
    check("所以执行do(action=\"Back\")", expect![[r#"(所以执行) do(action="Back")"#]]);
    check(
        "",
        expect![[
            r#"? the reply has no action; write one action after the thought, for example do(action="Tap", element=[500,500]) or finish(message="…")"#
        ]],
    );
    check(
        "What can I do (maybe) to finish (at all)?",
        expect![[
            r#"(What can I do (maybe) to finish (at all)?) ? the reply has no action; write one action after the thought, for example do(action="Tap", element=[500,500]) or finish(message="…")"#
        ]],
    );
    check(
        "<think>T</think><answer></answer>",
        expect![[
            r#"(T) ? the reply has no action; write one action after the thought, for example do(action="Tap", element=[500,500]) or finish(message="…")"#
        ]],
    );
}

#[test]
fn a_text_to_be_typed_is_never_a_call() {
    check(
        r#"do(action="Type", text="do(action='Home')")"#,
        expect![[r#"do(action="Type", text="do(action='Home')")"#]],
    );
    check(
        r#"<think>T</think>do(action="Type", text="<answer>do(action='Home')")"#,
        expect![[r#"(T) do(action="Type", text="<answer>do(action='Home')")"#]],
    );
    check(
        r#"do(action="Type", text="</think><answer>do(action='Home')")"#,
        expect![[r#"do(action="Type", text="</think><answer>do(action='Home')")"#]],
    );
    check(
        r#"do(action="Type", text="broken, do(action="Home") "#,
        expect![[r#"do(action="Type", text="broken, do(action=\"Home")"#]],
    );
    check(
        r#"do(action="Note", message="it says: finish(message="you are done")")"#,
        expect![[r#"do(action="Note", message="it says: finish(message=\"you are done\")")"#]],
    );
}

#[test]
fn a_broken_call_takes_what_follows_with_it() {
    check(
        r#"Now do(action="Type", text="a" do(action='Home')"#,
        expect![[
            r#"(Now) ? the action cannot be read at "do(action='Home')"; write for example do(action="Tap", element=[500,500]) or do(action="Type", text="hello")"#
        ]],
    );
    check(
        r#"Now do(action="Type", text=[a do(action='Home')"#,
        expect![[r#"(Now) ? Type needs a text; write do(action="Type", text="…")"#]],
    );
}

#[test]
fn strings() {
    check(r#"do(action='Type', text='it''s')"#, expect![[r#"do(action="Type", text="it''s")"#]]);
    check(r#"do(action="Type", text="say "hi"")"#, expect![[r#"do(action="Type", text="say \"hi\"")"#]]);
    check(
        r#"do(action="Type", text="say "hi", then (go "now")")"#,
        expect![[r#"do(action="Type", text="say \"hi\", then (go \"now\")")"#]],
    );
    check(
        r#"do(action="Type", text="a\nb\tc\\d\qe\u4f60\ud83d\ude00\x41\ud800")"#,
        expect![[r#"do(action="Type", text="a\nb\tc\\d\\qe你😀A�")"#]],
    );
    check("do(action=\"Type\", text=\"two\nlines\")", expect![[r#"do(action="Type", text="two\nlines")"#]]);
    check(r#"do(action="Type", text="")"#, expect![[r#"do(action="Type", text="")"#]]);
    check(r#"do(action="Type", text=42)"#, expect![[r#"do(action="Type", text="42")"#]]);
    check(r#"do(action="Type", text=None)"#, expect![[r#"do(action="Type", text="None")"#]]);
    check("do(action=「Type」, text=「你好」)", expect![[r#"do(action="Type", text="你好")"#]]);
    check("do(action=\"Type\", text=“he said \"no\"”)", expect![[r#"do(action="Type", text="he said \"no\"")"#]]);
    check("do(action=\"Type\", text=“mixed\")", expect![[r#"do(action="Type", text="mixed")"#]]);
    check(r#"do(action=Tap, element=[1,2])"#, expect![[r#"do(action="Tap", element=[1,2])"#]]);
    check(
        r#"do(action="Type", text="unfinished"#,
        expect![[
            r#"? the action is not complete; write for example do(action="Tap", element=[500,500]) or do(action="Type", text="hello")"#
        ]],
    );
    check(r#"do(action="Back""#, expect![[r#"do(action="Back")"#]]);
    check(r#"do(action="Back"</answer>"#, expect![[r#"do(action="Back")"#]]);
    check(r#"do(action="Type")"#, expect![[r#"? Type needs a text; write do(action="Type", text="…")"#]]);
}

#[test]
fn places() {
    check(r#"do(action="tap", element=(500, 300))"#, expect![[r#"do(action="Tap", element=[500,300])"#]]);
    check(r#"do(action="Tap", element=[500.4, 299.5])"#, expect![[r#"do(action="Tap", element=[500,300])"#]]);
    check(r#"do(action="Tap", element="500,300")"#, expect![[r#"do(action="Tap", element=[500,300])"#]]);
    check(r#"do(action="Tap", element="[500, 300]")"#, expect![[r#"do(action="Tap", element=[500,300])"#]]);
    check(r#"do(action="Tap", element=["500","300"])"#, expect![[r#"do(action="Tap", element=[500,300])"#]]);
    check(r#"do(action="Tap", element=[500 300])"#, expect![[r#"do(action="Tap", element=[500,300])"#]]);
    check(r#"do(action="Tap", element={"x": 500, "y": 300})"#, expect![[r#"do(action="Tap", element=[500,300])"#]]);
    check(r#"do(action="Tap", element=[[100,200],[300,400]])"#, expect![[r#"do(action="Tap", element=[200,300])"#]]);
    check(r#"do(action="Tap", coordinate=【500，300】)"#, expect![[r#"do(action="Tap", element=[500,300])"#]]);
    check(r#"do("Tap", [500,300])"#, expect![[r#"do(action="Tap", element=[500,300])"#]]);
    check(r#"do(action="Tap", element=[1000,0])"#, expect![[r#"do(action="Tap", element=[999,0])"#]]);
    check(
        r#"do(action="Tap", element=[1001,0])"#,
        expect!["? the place [1001,0] is off the grid; both numbers go from 0 to 999"],
    );
    check(
        r#"do(action="Tap", element=[-1,0])"#,
        expect!["? the place [-1,0] is off the grid; both numbers go from 0 to 999"],
    );
    check(
        r#"do(action="Tap", element=[0.5,0.25])"#,
        expect!["? the place [0.5,0.25] is off the grid; both numbers go from 0 to 999"],
    );
    check(
        r#"do(action="Tap", element=[1,2,3])"#,
        expect!["? a place has two numbers, and here are 3; write element=[x,y]"],
    );
    check(r#"do(action="Tap", element=[])"#, expect!["? a place has two numbers, and here are 0; write element=[x,y]"]);
    check(
        r#"do(action="Tap", element=here)"#,
        expect!["? a place has two numbers, and here are 0; write element=[x,y]"],
    );
    check(
        r#"do(action="Tap", element=[5"#,
        expect![[
            r#"? the action is not complete; write for example do(action="Tap", element=[500,500]) or do(action="Type", text="hello")"#
        ]],
    );
    check(
        r#"do(action="Tap")"#,
        expect![[r#"? Tap needs a place; write do(action="Tap", element=[x,y]) with numbers from 0 to 999"#]],
    );
    check(
        r#"do(action="Swipe", start=[1,2])"#,
        expect![[
            r#"? Swipe needs two places; write do(action="Swipe", start=[x,y], end=[x,y]) with numbers from 0 to 999"#
        ]],
    );
    check(
        r#"do(action="Swipe", start=[1,2,3,4], end=[[5,6]])"#,
        expect![[r#"do(action="Swipe", start=[2,3], end=[5,6])"#]],
    );
    check(
        r#"do(action="Tap", element=[1e9,999999999999999999999999999999999])"#,
        expect!["? a place has two numbers, and here are 1; write element=[x,y]"],
    );
}

#[test]
fn numbers_are_not_read_out_of_words() {
    check(
        r#"do(action="Tap", element=[1e2])"#,
        expect!["? a place has two numbers, and here are 0; write element=[x,y]"],
    );
    check(
        r#"do(action="Tap", element="row 3, item 4")"#,
        expect!["? a place has two numbers, and here are 0; write element=[x,y]"],
    );
    check(r#"do(action="Tap", element="x=500, y=300")"#, expect![[r#"do(action="Tap", element=[500,300])"#]]);
}

#[test]
fn verbs() {
    for written in [
        r#"do(action="drag", from=[1,2], to=[3,4])"#,
        r#"do(action="Drag_and_Drop", start=[[1,2]], end="[3,4]")"#,
        r#"do(action="DragDrop", element=[1,2], end_coordinate=[3,4])</answer>"#,
        r#"do("Drag", [1,2], [3,4])"#,
        r#"{"action": "drag", "start": {"x": 1, "y": 2}, "end": {"x": 3, "y": 4}}"#,
    ] {
        check(written, expect![[r#"do(action="Drag", start=[1,2], end=[3,4])"#]]);
    }
    check(
        r#"do(action="Drag", element=[1,2])"#,
        expect![[
            r#"? Drag needs two places; write do(action="Drag", start=[x,y], end=[x,y]) with numbers from 0 to 999"#
        ]],
    );
    check(r#"do(action="LONG_PRESS", element=[1,2])"#, expect![[r#"do(action="Long Press", element=[1,2])"#]]);
    check(r#"do(action="DoubleTap", element=[1,2])"#, expect![[r#"do(action="Double Tap", element=[1,2])"#]]);
    check(r#"do(action="take over")"#, expect![[r#"do(action="Take_over", message="")"#]]);
    check(r#"do(action="Finish", message="ok")"#, expect![[r#"finish(message="ok")"#]]);
    check(
        r#"do(action="Fly", height=3)"#,
        expect![[
            r#"? there is no action "Fly"; write one of: Launch, Tap, Type, Type_Name, Interact, Swipe, Drag, Note, Call_API, Long Press, Double Tap, Take_over, Back, Home, Wait"#
        ]],
    );
    check(
        r#"do(element=[1,2])"#,
        expect![[
            r#"? the call names no action; write do(action="…") with one of: Launch, Tap, Type, Type_Name, Interact, Swipe, Drag, Note, Call_API, Long Press, Double Tap, Take_over, Back, Home, Wait"#
        ]],
    );
    check(
        r#"do(action="Launch")"#,
        expect![[r#"? Launch needs the app's name; write do(action="Launch", app="Settings")"#]],
    );
    check(
        r#"do(action="Launch", app="")"#,
        expect![[r#"? Launch needs the app's name; write do(action="Launch", app="Settings")"#]],
    );
    check(
        r#"do(action="Tap", element=[1,2], message="")"#,
        expect![[r#"do(action="Tap", element=[1,2], message="")"#]],
    );
    check(r#"do(action="Tap", element=[1,2], message=None)"#, expect![[r#"do(action="Tap", element=[1,2])"#]]);
    check(r#"do(action="Note")"#, expect![[r#"do(action="Note", message="True")"#]]);
    check(r#"do(action="Note", message=True)"#, expect![[r#"do(action="Note", message="True")"#]]);
    check(
        r#"do(action="Call_API")"#,
        expect![[r#"? Call_API needs an instruction; write do(action="Call_API", instruction="…")"#]],
    );
    check(r#"finish(message='ok', success=False)"#, expect![[r#"finish(message="ok", status="infeasible")"#]]);
    check(r#"finish("ok")"#, expect![[r#"finish(message="ok")"#]]);
    check(r#"finish(message="he said "ok"")"#, expect![[r#"finish(message="he said \"ok\"")"#]]);
}

#[test]
fn waits() {
    check(r#"do(action="Wait")"#, expect![[r#"do(action="Wait", duration="1 seconds")"#]]);
    check(r#"do(action="Wait", duration=2.5)"#, expect![[r#"do(action="Wait", duration="2.5 seconds")"#]]);
    check(r#"do(action="Wait", duration="500 ms")"#, expect![[r#"do(action="Wait", duration="0.5 seconds")"#]]);
    check(r#"do(action="Wait", duration="２秒")"#, expect![[r#"do(action="Wait", duration="2 seconds")"#]]);
    check(r#"do(action="Wait", duration="两秒")"#, expect![[r#"do(action="Wait", duration="2 seconds")"#]]);
    check(r#"do(action="Wait", duration="1 minute")"#, expect![[r#"do(action="Wait", duration="60 seconds")"#]]);
    check(r#"do(action="Wait", duration=3 seconds)"#, expect![[r#"do(action="Wait", duration="3 seconds")"#]]);
    check(
        r#"do(action="Wait", duration="a moment")"#,
        expect![[r#"? Wait needs a number of seconds; write do(action="Wait", duration="2 seconds")"#]],
    );
    check(
        r#"do(action="Wait", duration="1e9 years")"#,
        expect![[r#"? Wait needs a number of seconds; write do(action="Wait", duration="2 seconds")"#]],
    );
    check(r#"do(action="Wait", duration=99999999999)"#, expect![[r#"do(action="Wait", duration="3600 seconds")"#]]);
    check(
        r#"do(action="Wait", duration=-1)"#,
        expect![[r#"? Wait needs a number of seconds; write do(action="Wait", duration="2 seconds")"#]],
    );
}

#[test]
fn json() {
    check(r#"{"action":"Tap","element":[500,300]}"#, expect![[r#"do(action="Tap", element=[500,300])"#]]);
    check(r#"[{"action":"Back"}]"#, expect![[r#"do(action="Back")"#]]);
    check(
        r#"{"name":"do","arguments":{"action":"Tap","element":[5,3]}}"#,
        expect![[r#"do(action="Tap", element=[5,3])"#]],
    );
    check(r#"{"name":"Type","arguments":{"text":"a \"b\""}}"#, expect![[r#"do(action="Type", text="a \"b\"")"#]]);
    check(r#"{"action":"finish","message":"ok"}"#, expect![[r#"finish(message="ok")"#]]);
    check(r#"do({"action": "Tap", "element": [1, 2]})"#, expect![[r#"do(action="Tap", element=[1,2])"#]]);
    check(r#"<think>T</think><answer>{"action": "Home"}</answer>"#, expect![[r#"(T) do(action="Home")"#]]);
    check(
        r#"{"action":"Tap","element":[500,3"#,
        expect![[
            r#"? the action is not complete; write for example do(action="Tap", element=[500,500]) or do(action="Type", text="hello")"#
        ]],
    );
    check(
        r#"{"thoughts":"none"}"#,
        expect![[
            r#"? the action cannot be read; write one action after the thought, for example do(action="Tap", element=[500,500])"#
        ]],
    );
}

#[test]
fn what_is_cut_off_is_not_guessed() {
    for reply in
        [r#"do(action="Back""#, r#"do(action="Type", text="hel"#, "<think>Once upon a time", r#"{"action":"Back""#]
    {
        assert!(printed_call(reply, true).contains("cut off"), "{}", printed_call(reply, true));
    }
    assert_eq!(printed_call(r#"do(action="Back") and then"#, true), r#"do(action="Back")"#);
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,40}",
        "[\"'\\\\n“”‘’「」()\\[\\],=:<>|{}a \n\r\t\u{0}\u{85}]{0,30}",
        Just("</answer>".to_owned()),
        Just("<think></think><answer>do(action='Home')".to_owned()),
        Just("<|end_of_box|>".to_owned()),
    ]
}

fn places_of_the_grid() -> impl Strategy<Value = Place> {
    (0..GRID, 0..GRID).prop_map(|(x, y)| Place::of_parts(x, y, GRID).expect("on the grid"))
}

fn calls() -> impl Strategy<Value = Call> {
    let at = places_of_the_grid;
    let action = prop_oneof![
        texts().prop_filter("an app has a name", |app| !app.trim().is_empty()).prop_map(|app| Action::Launch { app }),
        at().prop_map(|at| Action::Tap { at }),
        (at(), texts()).prop_map(|(at, message)| Action::SensitiveTap { at, message }),
        texts().prop_map(|text| Action::Type { text }),
        texts().prop_map(|text| Action::TypeName { text }),
        texts().prop_map(|message| Action::Interact { message }),
        (at(), at()).prop_map(|(from, to)| Action::Swipe { from, to }),
        (at(), at()).prop_map(|(from, to)| Action::Drag { from, to }),
        texts().prop_map(|message| {
            let keeps_page = message.trim().is_empty() || message.trim().eq_ignore_ascii_case("true");
            Action::Note { message, keeps_page }
        }),
        texts().prop_map(|instruction| Action::Recall { instruction }),
        at().prop_map(|at| Action::LongPress { at }),
        at().prop_map(|at| Action::DoubleTap { at }),
        texts().prop_map(|message| Action::TakeOver { message }),
        Just(Action::Back),
        Just(Action::Home),
        (0..=3_600_000u64).prop_map(|ms| Action::Wait { duration: Duration::from_millis(ms) }),
    ];
    prop_oneof![
        8 => action.prop_map(Call::Do),
        1 => texts().prop_map(|message| Call::Finish { message }),
        1 => texts().prop_map(|message| Call::GiveUp { message }),
    ]
}

/// Replies that are nearly right.
fn nearly() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        calls().prop_map(|call| print(&call)),
        "[a-z0-9=,:(){}\\[\\]\"'“”<>/|\\\\ \n，（）]{0,12}",
        prop::sample::select(vec![
            "<think>",
            "</think>",
            "<answer>",
            "</answer>",
            "do(",
            "finish(message=",
            "action=",
            "\"Tap\"",
            "element=[",
            "\\u",
            "\\ud83d",
            "<|",
            "|>",
            "{\"action\":",
            "５００",
            "text=",
            "，",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_printed_is_read(call in calls(), cut: bool) {
        let said = read(&print(&call), cut);
        prop_assert_eq!(said.call.as_ref(), Ok(&call));
        prop_assert!(!said.more && said.thought.is_empty());
    }

    #[test]
    fn what_is_printed_is_read_after_any_thought(thought in "[^<]{0,60}", call in calls(), ended: bool) {
        let end = if ended { "</answer>" } else { "" };
        let said = read(&format!("<think>{thought}</think><answer>{}{end}", print(&call)), false);
        prop_assert_eq!(said.call, Ok(call));
        prop_assert!(!said.more);
    }

    #[test]
    fn nothing_is_too_strange(reply in "\\PC{0,200}", cut: bool) {
        let _ = read(&reply, cut);
    }

    #[test]
    fn nearly_right_is_not_too_strange(reply in nearly(), cut: bool) {
        if let Ok(call) = read(&reply, cut).call {
            prop_assert_eq!(read(&print(&call), false).call, Ok(call));
        }
    }
}

/// What would take long: reading stays linear, or nearly so, in the reply's length. Eight times the text may be eight times as
/// many looks at a byte; a reader that looks at everything again for each piece would make sixty-four times as many.
#[test]
fn long_replies_are_read_in_linear_time() {
    let pieces = [
        "[",
        "{",
        "\"",
        "do(",
        "do(action=",
        "do(action=\"",
        "do(\"",
        "\",",
        "<answer>",
        "finish()",
        "(",
        "{\"a\":",
        "<think>",
        "\\u",
        "do(action=\"Back\")",
        "<|end_of_box|>",
        "<|",
        "|>",
    ];
    let mut most = 0;
    for piece in pieces {
        for start in ["", "do(action=\"Type\", text=\"", "x ", "<think>"] {
            let looks = |bytes: usize| {
                let reply = format!("{start}{}", piece.repeat(bytes / piece.len()));
                count_bytes(|| {
                    let said = read(&reply, false);
                    assert!(without_marks(&said.thought).len() <= said.thought.len());
                })
            };
            let (short, long) = (looks(8_000), looks(64_000));
            most = most.max(long / 64_000);
            assert!(long < short * 12 + 64_000, "{start:?} and {piece:?}: {short} looks became {long}");
        }
    }
    // Something is counted, and no byte is looked at a thousand times.
    assert!((1..1000).contains(&most), "{most}");
}

/// The tokens that a model's decoding leaves around and in its thought are no part of it.
#[test]
fn marks_are_no_part_of_a_thought() {
    let wifi = "I can see the home screen with several icons.";
    for (thought, clean) in [
        ("<|begin_of_box|>I can see the home screen with several icons.<|end_of_box|>\n<|begin_of_box|>", wifi),
        ("I can see <|begin_of_box|>the home screen<|end_of_box|> with several icons.", wifi),
        ("<|assistant|>\nI can see the home screen with several icons.<|endoftext|>", wifi),
        ("I can see the home screen with several icons.<|end<|end_of_box|>_of_box|>", wifi),
        ("<|a|><|b|>", ""),
        ("a <| b |> c", "a <| b |> c"),
        ("if a <|b and c|> d", "if a <|b and c|> d"),
        ("5 |> 3", "5 |> 3"),
        ("|>", "|>"),
        ("<|", "<|"),
        ("你好<|end_of_box|>", "你好"),
    ] {
        assert_eq!(without_marks(thought), clean, "{thought}");
    }
}
