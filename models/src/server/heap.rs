//! Memory that large requests leave behind: the allocator keeps it, an arena a thread, and the system does not get it back by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::sleep;

/// Between a large request's end and the time that memory is given back, which costs milliseconds: others may end meanwhile.
const PAUSE: Duration = Duration::from_secs(1);

/// Whether memory is about to be given back.
#[derive(Default)]
pub struct Heap {
    planned: AtomicBool,
}

impl Heap {
    /// Gives back what is free, in a moment and on a thread of its own.
    pub fn give_back(self: &Arc<Heap>) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if self.planned.swap(true, Ordering::SeqCst) {
            return;
        }
        let heap = self.clone();
        runtime.spawn(async move {
            sleep(PAUSE).await;
            heap.planned.store(false, Ordering::SeqCst);
            let _ = tokio::task::spawn_blocking(trim).await;
        });
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn trim() {
    unsafe extern "C" {
        fn malloc_trim(pad: usize) -> i32;
    }
    // SAFETY: glibc's own function; it takes the allocator's locks and touches nothing that is in use.
    unsafe { malloc_trim(0) };
}

/// Other allocators give memory back themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn trim() {}
