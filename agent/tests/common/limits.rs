//! Small limits, for the tests of this package: those within it and those beside it.

use std::time::Duration;

use super::Limits;

pub fn limits() -> Limits {
    Limits {
        steps_max: 20,
        strikes_max: 3,
        refusals_max: 3,
        asks_max: 5,
        retries_max: 2,
        backoff: Duration::from_secs(1),
        backoff_max: Duration::from_secs(3),
        looks_max: 3,
        look_pause: Duration::from_secs(1),
        timeouts_max: 3,
        repeats_remark: 3,
        repeats_max: 5,
        repeats_window: 10,
        unmoved_max: 6,
        waits_remark: 3,
        waits_max: 5,
        rounds_remark: 8,
        rounds_max: 12,
        loops_remark: 4,
        loops_max: 8,
        look: Duration::from_secs(3),
        think: Duration::from_secs(60),
        act: Duration::from_secs(5),
        ask: Duration::from_secs(600),
        grace: Duration::from_secs(1),
        wait_max: Duration::from_secs(10),
        reply_bytes: 10_000,
        remark_bytes: 300,
        result_bytes: 600,
        notes_bytes: 1000,
        note_bytes: 400,
        text_bytes: 1000,
        labels_max: 2000,
        label_bytes: 8 << 10,
        page_bytes: 512 << 10,
    }
}
