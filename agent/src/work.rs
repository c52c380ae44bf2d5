//! Counts how much of a text is looked at, so that tests can say that it grows no faster than the text does. A clock could not:
//! on a machine that is busy everything takes longer. Outside of tests nothing is counted.

#[cfg(test)]
use std::cell::Cell;

#[cfg(test)]
thread_local! {
    static LOOKED_AT: Cell<u64> = const { Cell::new(0) };
}

/// So many bytes are looked at.
#[inline]
pub(crate) fn looked_at(bytes: usize) {
    #[cfg(test)]
    LOOKED_AT.with(|sum| sum.set(sum.get() + bytes as u64));
    #[cfg(not(test))]
    let _ = bytes;
}

/// How many bytes this looks at.
#[cfg(test)]
pub(crate) fn count_bytes(work: impl FnOnce()) -> u64 {
    LOOKED_AT.with(|sum| sum.set(0));
    work();
    LOOKED_AT.with(Cell::get)
}
