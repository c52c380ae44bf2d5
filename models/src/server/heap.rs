//! Memory that large requests leave behind: the allocator keeps it, an arena a thread, and the system does not get it back by itself.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Between two times that memory is given back: it costs milliseconds.
const PAUSE: Duration = Duration::from_secs(1);

/// When memory was given back last.
#[derive(Default)]
pub struct Heap {
    last: Mutex<Option<Instant>>,
    under_way: AtomicBool,
}

impl Heap {
    /// Gives back what is free, on a thread of its own, unless that was done just now.
    pub fn give_back(self: &Arc<Heap>) {
        let due = {
            let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            let due = last.is_none_or(|last| last.elapsed() >= PAUSE);
            if due {
                *last = Some(Instant::now());
            }
            due
        };
        if !due || self.under_way.swap(true, Ordering::SeqCst) {
            return;
        }
        let heap = self.clone();
        let work = move || {
            trim();
            heap.under_way.store(false, Ordering::SeqCst);
        };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(work)),
            Err(_) => work(),
        }
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
