//! The templates and tables that come with the program.

use std::sync::LazyLock;

use crate::{Catalog, NoValue, Part, Task};

const TEMPLATES: &[(&str, &str)] = &[
    ("templates/settings.toml", include_str!("../templates/settings.toml")),
    ("templates/messages.toml", include_str!("../templates/messages.toml")),
    ("templates/contacts.toml", include_str!("../templates/contacts.toml")),
    ("templates/notes.toml", include_str!("../templates/notes.toml")),
    ("templates/clock.toml", include_str!("../templates/clock.toml")),
    ("templates/calendar.toml", include_str!("../templates/calendar.toml")),
    ("templates/feed.toml", include_str!("../templates/feed.toml")),
    ("templates/maps.toml", include_str!("../templates/maps.toml")),
    ("templates/rail.toml", include_str!("../templates/rail.toml")),
    ("templates/shop.toml", include_str!("../templates/shop.toml")),
    ("templates/mail.toml", include_str!("../templates/mail.toml")),
    ("templates/small_apps.toml", include_str!("../templates/small_apps.toml")),
    ("templates/files.toml", include_str!("../templates/files.toml")),
    ("templates/across.toml", include_str!("../templates/across.toml")),
    ("templates/errands.toml", include_str!("../templates/errands.toml")),
    ("templates/beyond.toml", include_str!("../templates/beyond.toml")),
];

const TABLES: &[(&str, &str)] = &[
    ("tables/people.toml", include_str!("../tables/people.toml")),
    ("tables/texts.toml", include_str!("../tables/texts.toml")),
    ("tables/journeys.toml", include_str!("../tables/journeys.toml")),
    ("tables/things.toml", include_str!("../tables/things.toml")),
];

static BUILTIN: LazyLock<Catalog> = LazyLock::new(|| {
    // They are a part of the program, and a test reads them.
    Catalog::parse(TEMPLATES, TABLES).unwrap_or_else(|error| panic!("{error}"))
});

/// The catalog that comes with the program.
pub fn builtin() -> &'static Catalog {
    &BUILTIN
}

/// Draws a task of the catalog that comes with the program.
///
/// # Errors
/// `NoValue` if there is no such template.
pub fn draw_builtin(template: &str, seed: u64) -> Result<Task, NoValue> {
    BUILTIN.draw(template, seed, Part::of_seed(seed))
}
