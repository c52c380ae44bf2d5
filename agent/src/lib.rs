//! Decides what to do on a device: a model is shown a screen, says what to do next, and it is done.
//!
//! [`Episode`](episode::Episode) is the step loop as a table: an event in, the next effect out, and nothing touched.
//! [`drive`](drive::drive) carries its effects out over ports and decides nothing. What they share is pure: a
//! [`dialect`] reads and prints [`Call`](action::Call)s, the [`guard`] says which of them may be done, [`prompt`] says
//! what the model is told, and the [`journal`] keeps all of it.
//!
//! Devices, models, people and clocks are on the other side of the ports; nothing here knows how they work.

pub mod action;
pub mod apis;
mod approval;
pub mod calls;
pub mod clock;
pub mod dialect;
mod difference;
mod doubt;
pub mod drive;
mod edition;
pub mod episode;
pub mod event;
pub mod guard;
pub mod journal;
pub mod limits;
mod loops;
mod memory;
mod millis;
mod notes;
pub mod outcome;
mod page_subject;
mod patch;
pub mod person;
pub mod place;
pub mod policy;
pub mod profile;
pub mod prompt;
mod repeats;
pub mod schema;
pub mod secrets;
pub mod step;
pub mod stop;
mod work;
