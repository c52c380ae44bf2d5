//! Training data of the small model: pictures of the virtual phone, what lies under each visual token, and what an oracle
//! would say and do next. The oracle sees the world's state; the model that learns from it sees pixels and text.

mod cells;
mod episode;
mod oracle;
mod record;
mod screens;

pub use episode::{Step, steps, write as write_steps};
pub use screens::write as write_screens;
