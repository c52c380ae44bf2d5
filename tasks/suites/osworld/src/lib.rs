//! OSWorld: its tasks read, checked and listed, and what its evaluator functions give, without a device.
//!
//! Tasks come from a folder or an archive that the user has; nothing of upstream's is in here. A score is computed from files and
//! values that somebody else fetched, so that a finished run can be scored again. What cannot be judged is an error, never a zero.

pub mod accessibility;
mod archive;
pub mod database;
pub mod defect;
pub mod document;
pub mod error;
pub mod evaluation;
pub mod getters;
pub mod metrics;
pub mod output;
pub mod package;
pub mod place;
pub mod presentation;
pub mod python;
pub mod repair;
pub mod schema;
pub mod state;
pub mod task;
pub mod task_set;
pub mod workbook;
pub mod xml;
