//! Memory that large requests leave behind: the allocator keeps what is free, an arena for each of its many threads, and the system
//! does not get it back by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::sleep;

/// Between a large request's end and the time that memory is given back, which costs milliseconds: others may end meanwhile.
const PAUSE: Duration = Duration::from_secs(1);

/// Arenas of the allocator. By itself it makes eight a core, each of which keeps the most that was ever free in it: a server whose
/// requests are prepared on many threads would hold so many times as much as it uses. Two are enough for threads that compute more
/// than they allocate.
const ARENAS_MAX: u8 = 2;

/// Bounds what the allocator keeps. It counts from then on: who has many threads calls it before they begin.
pub fn limit_arenas() {
    glibc::limit_arenas(ARENAS_MAX);
}

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
            let _ = tokio::task::spawn_blocking(glibc::trim).await;
        });
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod glibc {
    unsafe extern "C" {
        fn malloc_trim(pad: usize) -> i32;
        fn mallopt(parameter: i32, value: i32) -> i32;
    }

    /// `M_ARENA_MAX` of `malloc.h`.
    const ARENA_MAX: i32 = -8;

    pub fn trim() {
        // SAFETY: glibc's own function; it takes the allocator's locks and touches nothing that is in use.
        unsafe { malloc_trim(0) };
    }

    pub fn limit_arenas(most: u8) {
        // SAFETY: glibc's own function; it takes the allocator's locks and changes how many arenas are made from now on.
        unsafe { mallopt(ARENA_MAX, i32::from(most)) };
    }
}

/// Other allocators give memory back themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
mod glibc {
    pub fn trim() {}

    pub fn limit_arenas(_: u8) {}
}
