//! What the phone shows that belongs to no app: the home screen, bars, keyboard, lock screen, dialogs, shade, recent apps.

pub mod bars;
pub mod dialogs;
pub mod events;
pub mod home;
pub mod keyboard;
pub mod motion;
pub mod sheets;
