//! When a screen counts as still.

use std::time::Duration;

/// How a driver decides that a screen is still. The first run of `looks` equal pictures ends the wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settle {
    /// How many pictures in a row have to be equal, the first one counted; 1 takes what is there.
    pub looks: u32,
    /// The least time between the moments at which two pictures are taken. Less than a frame of the display would compare
    /// a frame with itself.
    pub apart: Duration,
    /// How long after a gesture a screen that still looks as it did before is not believed to be still: apps take a
    /// while to begin to react. It is not a sleep: the first change ends it. A gesture without effect costs this much.
    pub grace: Duration,
}

impl Settle {
    /// For real phones: frames of 60 Hz, apps that take some frames to react.
    pub const PHONE: Settle = Settle { looks: 2, apart: Duration::from_millis(17), grace: Duration::from_millis(250) };

    /// For desktops: frames of 60 Hz, apps that react within a few of them.
    pub const DESKTOP: Settle =
        Settle { looks: 2, apart: Duration::from_millis(17), grace: Duration::from_millis(150) };

    /// For browsers, which have run what a page does at once by the time they acknowledge a gesture, and whose pages say what else
    /// they wait for.
    pub const BROWSER: Settle = Settle { looks: 2, apart: Duration::from_millis(17), grace: Duration::from_millis(60) };

    /// For devices that have reacted by the time they acknowledge a gesture, such as the virtual phone.
    pub const INSTANT: Settle = Settle { looks: 2, apart: Duration::from_millis(15), grace: Duration::ZERO };
}
