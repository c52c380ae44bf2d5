//! The suite `osworld` on systems without private desktops: its tasks can be listed, and none is run.

use tapwright_contract::Size;
use tapwright_osworld::task::OsworldTask;

use crate::osworld::{LeftOut, NAME, OsworldOptions};
use crate::suite::{Case, Suite};

pub use crate::osworld::assets::AssetError;

/// The screen of upstream's machine.
pub const SCREEN: Size = Size { width: 1920, height: 1080 };
const NEEDS: &str = "a private desktop, which there is on Linux with X11 only";

/// The suite without a task.
pub struct OsworldSuite {
    left_out: Vec<LeftOut>,
}

impl OsworldSuite {
    /// A suite that leaves all of these tasks out.
    ///
    /// # Errors
    /// Never.
    pub fn new(tasks: &[&OsworldTask], _options: OsworldOptions) -> Result<OsworldSuite, AssetError> {
        let left = |task: &&OsworldTask| LeftOut {
            id: task.id.clone(),
            domain: task.domain.clone(),
            needs: vec![NEEDS.to_owned()],
        };
        Ok(OsworldSuite { left_out: tasks.iter().map(left).collect() })
    }

    /// The tasks that are not run here.
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }
}

impl Suite for OsworldSuite {
    fn name(&self) -> &str {
        NAME
    }

    fn about(&self) -> &str {
        "OSWorld's tasks, which are not run on this system"
    }

    fn templates(&self) -> Vec<&str> {
        Vec::new()
    }

    fn fixed_cases(&self) -> Option<Vec<(String, u64)>> {
        Some(Vec::new())
    }

    fn training_seeds(&self) -> Option<u64> {
        None
    }

    fn case(&self, _template: &str, _seed: u64) -> Option<Case> {
        None
    }
}
