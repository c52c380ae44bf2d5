//! The generations of the loop's rules, in one table. A record is replayed, and goes on, by the rules of its own time.

/// The present generation.
pub const EDITION: u32 = 9;

/// What one generation does, and the ones before it do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    /// A note that stands for the page keeps what is written there.
    pub(crate) notes_read_the_page: bool,
    /// Notes that are too long to be repeated are summed up by the model.
    pub(crate) long_notes_are_summed_up: bool,
    /// A launch that left the app in front as it was is remarked on.
    pub(crate) launches_are_checked: bool,
    /// A run that broke off does not count what was chosen again because of that.
    pub(crate) resuming_forgets_repeats: bool,
    /// A call in other words is still a call of the same API.
    pub(crate) calls_are_known_by_name: bool,
    /// An API that does not answer is no sign that the device is lost, and leaves a doubt.
    pub(crate) apis_are_not_the_device: bool,
    /// A doubt lasts until what is doubtful was done for certain, and not until anything was.
    pub(crate) doubts_outlive_other_deeds: bool,
    /// What was chosen or approved holds for a place in an app, and not for a frame of pixels; it is judged again right
    /// before it is done.
    pub(crate) approvals_hold_for_a_place: bool,
    /// Before a secret is typed the screen is looked at again.
    pub(crate) secrets_are_looked_at_again: bool,
    /// Loops of more than two screens are seen.
    pub(crate) longer_loops_are_seen: bool,
    /// Marks of the model's own, such as `<|begin_of_box|>`, are no part of a thought.
    pub(crate) thoughts_have_no_marks: bool,
    /// A question says what is written where the finger goes, and who asks.
    pub(crate) questions_name_the_target: bool,
    /// The app of the widget under a finger counts, and not only the app in front.
    pub(crate) apps_under_a_finger_count: bool,
    /// A call has a name and arguments, which are checked; what it does decides whether somebody is asked.
    pub(crate) calls_are_typed: bool,
    /// A call that waited for a person, or that the run broke off before, is made only if it is still offered as it was.
    pub(crate) calls_are_checked_again: bool,
    /// The app of a widget counts also where ids of apps have no dot, as on desktops.
    pub(crate) plain_ids_count: bool,
    /// A yes to a touch holds for the time of day that stands beside it, and one to typing only while the page says the same if the
    /// device does not tell what has the focus.
    pub(crate) approvals_read_times: bool,
    /// A touch on the same page about something else is no repetition of a doubtful one.
    pub(crate) doubts_read_the_page: bool,
    /// A question says which page a touch is on, where a heading tells it: `Send` alone does not say to whom.
    pub(crate) questions_name_the_page: bool,
}

impl Rules {
    /// The rules of an edition; a record of times to come is refused by its version, long before this.
    pub(crate) const fn of(edition: u32) -> Rules {
        let (second, third, fourth) = (edition >= 2, edition >= 3, edition >= 4);
        let (fifth, sixth, seventh) = (edition >= 5, edition >= 6, edition >= 7);
        let (eighth, ninth) = (edition >= 8, edition >= 9);
        Rules {
            notes_read_the_page: second,
            long_notes_are_summed_up: second,
            launches_are_checked: second,
            resuming_forgets_repeats: third,
            calls_are_known_by_name: third,
            apis_are_not_the_device: third,
            doubts_outlive_other_deeds: third,
            approvals_hold_for_a_place: fourth,
            secrets_are_looked_at_again: fourth,
            longer_loops_are_seen: fourth,
            thoughts_have_no_marks: fourth,
            questions_name_the_target: fourth,
            apps_under_a_finger_count: fourth,
            calls_are_typed: fifth,
            calls_are_checked_again: sixth,
            plain_ids_count: seventh,
            approvals_read_times: seventh,
            doubts_read_the_page: eighth,
            questions_name_the_page: ninth,
        }
    }
}
