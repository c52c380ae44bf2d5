//! What comes of the other actions of one reply: each is a step of its own, on the screen as it is by then, and none is done after one
//! that failed.

use std::collections::VecDeque;

use tapwright_contract::ScreenId;
use tapwright_contract::device::Screen;

use super::{Episode, View};
use crate::action::Call;
use crate::dialect::Unclear;
use crate::dialect::frame::Frame;
use crate::event::Next;
use crate::guard::Deed;
use crate::outcome::Outcome;
use crate::place::Place;
use crate::step::{Decided, Notice, StepResult};

/// What the latest reply wants after what is done now.
#[derive(Debug, Default)]
pub(super) struct Turn {
    rest: VecDeque<Result<Call, Unclear>>,
    /// Why, of all of them: the guard goes by it.
    thought: String,
    /// The display whose places it speaks of.
    display: Option<ScreenId>,
}

impl Turn {
    pub(super) fn new(rest: Vec<Result<Call, Unclear>>, thought: String, display: ScreenId) -> Turn {
        Turn { rest: rest.into(), thought, display: Some(display) }
    }
}

impl Episode {
    /// How places are written on this screen.
    pub(super) fn frame(&self, screen: &Screen) -> Frame {
        let frame = self.setting.profile.frame(screen.id.size);
        frame.able(self.setting.abilities).with_pointer(self.pointer)
    }

    /// Goes on with the reply on the screen as it is now; gives the screen back if there is nothing more to do.
    pub(super) fn next_of_turn(&mut self, view: View) -> Result<Next, View> {
        if self.turn.display.is_some_and(|display| display != view.screen.id) && !self.turn.rest.is_empty() {
            self.turn.rest.clear();
            self.remark(
                "the display is another one by now, so the other actions of your turn were not done".to_owned(),
            );
        }
        let Some(call) = self.turn.rest.pop_front() else { return Err(view) };
        self.steps += 1;
        let call = call.and_then(|call| self.check_call(call));
        let action = match &call {
            Ok(call) => self.setting.profile.dialect.print_on(call, &self.frame(&view.screen)),
            Err(unclear) => unclear.to_string(),
        };
        let decided = Decided { step: self.steps, thought: String::new(), action };
        self.notices.push(Notice::Decided(decided.clone()));
        self.open = Some(decided);
        Ok(match call {
            Err(unclear) => self.strike(&unclear),
            Ok(Call::Finish { message }) => self.end(StepResult::Finished, "finished", Outcome::Done { message }),
            Ok(Call::GiveUp { message }) => self.end(StepResult::GaveUp, "gave up", Outcome::GaveUp { message }),
            // Whether the run goes round in circles is told by the first action of each reply.
            Ok(Call::Do(action)) => self.attempt(view, self.turn.thought.clone(), action),
        })
    }

    /// Nothing more of a reply is done after a step that did not come out as it was meant.
    pub(super) fn drop_turn_after(&mut self, result: StepResult) {
        let goes_on = match result {
            StepResult::Done | StepResult::Noted | StepResult::Recalled | StepResult::Answered | StepResult::Waited => {
                true
            }
            StepResult::Finished
            | StepResult::GaveUp
            | StepResult::Person
            | StepResult::Refused
            | StepResult::Unclear
            | StepResult::NotDone
            | StepResult::Uncertain
            | StepResult::Stuck
            | StepResult::Suspended
            | StepResult::Ended => false,
        };
        let left = self.turn.rest.len();
        if goes_on || left == 0 {
            return;
        }
        self.turn.rest.clear();
        self.remark(match left {
            1 => "the last action of your turn was not done after that".to_owned(),
            left => format!("the last {left} actions of your turn were not done after that"),
        });
    }

    /// A pointer stays where a gesture has left it.
    pub(super) fn left_pointer(&mut self, deed: &Deed) {
        if let Deed::Gesture(gesture) = deed
            && let Some(spot) = gesture.end().or_else(|| gesture.spot())
        {
            self.pointer = Some(Place::of_spot(spot));
        }
    }
}
