//! Training data of the small model: pictures of the virtual phone, what lies under each visual token, and what an oracle
//! would say and do next. The oracle sees the world's state; the model that learns from it sees pixels and text.

mod cells;
mod episode;
mod lesson;
mod oracle;
mod phrases;
mod record;
mod screens;
mod untrained_frames;
mod untrained_goals;
mod words;

pub use episode::{Step, steps, write as write_steps};
pub use lesson::{HELD_OUT_SEEDS, Lesson, LessonKind, lesson};
pub use screens::write as write_screens;

/// Everything that goals of training are made of beside the smoke suite's own words, for whoever compares it with what is measured:
/// frames with their slots in braces, names of people, texts.
pub fn vocabulary() -> Vocabulary {
    Vocabulary {
        refused: untrained_frames::frames().collect(),
        done: phrases::frames().collect(),
        names: words::STRANGERS.to_vec(),
        texts: words::TEXTS.to_vec(),
    }
}

/// What goals of training are made of.
#[derive(Clone, Debug)]
pub struct Vocabulary {
    /// Frames of goals that are to be given up.
    pub refused: Vec<&'static str>,
    /// Frames of goals that are to be done.
    pub done: Vec<&'static str>,
    pub names: Vec<&'static str>,
    pub texts: Vec<&'static str>,
}
