//! The language of desktops and browsers: a pointer, a keyboard, and several actions a turn.
//!
//! ```text
//! <think>The file has to be saved.</think><answer>click(at=[512,300])
//! type(text="report")
//! hotkey(keys="ctrl+s")</answer>
//! ```
//!
//! This is how it is printed, taught and held to a grammar. It reads what other families of models were trained to write as well, each
//! with the coordinates of its profile ([`Coordinates`](super::frame::Coordinates)):
//!
//! | form | for example |
//! | --- | --- |
//! | calls after `Action:` | `click(start_box='(500,300)')`, `click(point='<point>500 300</point>')` |
//! | calls in a box | `<|begin_of_box|>left_click(start_box='[500,300]')<|end_of_box|>` |
//! | code | `pyautogui.click(500, 300)`, `Agent.click([500, 300])`, `WAIT`, `DONE`, `FAIL` |
//! | JSON | `{"action_type": "CLICK", "parameters": {"x": 500, "y": 300}}`, `{"action": "left_click", "coordinate": [500, 300]}` |
//! | tool calls | `<tool_call>{"name": "computer_use", "arguments": {…}}</tool_call>`, the same as `<function=computer_use>` |
//! | lists of actions | `{"actions": [{"type": "click", "x": 500, "y": 300}, {"type": "type", "text": "a"}]}` |
//!
//! Code is read and never run: calls with values, one after the other. A variable, a loop or a condition cannot be read, and nothing after it
//! is done. Of several actions those after one that cannot be read are not done either.
//!
//! | room | what is read there |
//! | --- | --- |
//! | [`find`] | where in a reply its actions are |
//! | [`source`] | what is known of a reply, and how a call is read |
//! | [`code`] | statements of code |
//! | [`json`] | objects, and calls that are written as XML |
//! | [`verb`] | which verb a name is |
//! | [`meaning`] | what an action means, after those before it |
//! | [`given`] | its arguments, by whichever of their names |
//! | [`keys`] | names of keys |

mod code;
mod find;
mod given;
mod grammar;
mod json;
mod keys;
mod meaning;
mod print;
mod source;
#[cfg(test)]
mod tests;
mod verb;

pub use find::{read, without_marks};
pub use grammar::{cannot_say, grammar, offer};
pub use print::print;

use super::value::Arguments;

/// How many actions of one reply are done; as many as anybody plans without looking.
const ACTIONS_MAX: usize = 24;

/// An action as a model wrote it, before it is known what it means.
#[derive(Clone, Debug, Default, PartialEq)]
struct RawCall {
    /// Without what stands before its last point.
    name: String,
    /// What stands there: `pyautogui`, `Agent`; often nothing.
    path: String,
    arguments: Arguments,
}
