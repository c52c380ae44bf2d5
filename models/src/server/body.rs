//! A request's body: of bounded size, in bounded time, and all bodies together in bounded memory.

use std::sync::Arc;

use axum::body::{Body, HttpBody};
use futures_util::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::ServerLimits;
use super::error::ErrorResponse;

/// Memory is counted in pieces of so many bytes, as a semaphore counts no further than 2^32 on some machines.
const PIECE: u64 = 1 << 12;

/// The memory that all requests may hold together: bodies, and the pixels of their pictures.
pub struct MemoryBudget(Arc<Semaphore>);

/// What a request holds of it. Dropping it gives it back.
pub struct MemoryPermit {
    memory: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
    pieces: u64,
    bytes: u64,
}

impl MemoryBudget {
    pub fn new(bytes_max: u64) -> MemoryBudget {
        MemoryBudget(Arc::new(Semaphore::new((bytes_max / PIECE).min(u64::from(u32::MAX)) as usize)))
    }

    pub fn permit(&self) -> MemoryPermit {
        MemoryPermit { memory: self.0.clone(), held: None, pieces: 0, bytes: 0 }
    }
}

impl MemoryPermit {
    /// Takes more.
    ///
    /// # Errors
    /// `ErrorResponse` if there is no more: to wait for it could mean that all wait for one another.
    pub fn take(&mut self, bytes: u64) -> Result<(), ErrorResponse> {
        self.bytes = self.bytes.saturating_add(bytes);
        let wanted = self.bytes.div_ceil(PIECE);
        let more = u32::try_from(wanted - self.pieces).map_err(|_| ErrorResponse::memory_full())?;
        if more > 0 {
            let got = self.memory.clone().try_acquire_many_owned(more).map_err(|_| ErrorResponse::memory_full())?;
            match &mut self.held {
                Some(held) => held.merge(got),
                None => self.held = Some(got),
            }
            self.pieces = wanted;
        }
        Ok(())
    }

    /// Gives so much back.
    pub fn give(&mut self, bytes: u64) {
        self.keep(self.bytes.saturating_sub(bytes));
    }

    /// Keeps so much at most, and gives the rest back.
    pub fn keep(&mut self, bytes: u64) {
        self.bytes = self.bytes.min(bytes);
        let wanted = self.bytes.div_ceil(PIECE);
        if let Some(held) = &mut self.held {
            drop(held.split((self.pieces - wanted) as usize));
            self.pieces = wanted;
        }
    }
}

/// Reads a body to its end. What was not read when it is refused is the connection's to throw away.
pub async fn read(body: Body, limits: &ServerLimits, permit: &mut MemoryPermit) -> Result<Vec<u8>, ErrorResponse> {
    // A length that was announced is refused before anything is read.
    if body.size_hint().lower() > limits.body_bytes_max as u64 {
        return Err(ErrorResponse::too_large(limits.body_bytes_max));
    }
    let whole_by = Instant::now() + limits.body_within;
    let mut bytes = Vec::new();
    let mut pieces = body.into_data_stream();
    loop {
        let by = whole_by.min(Instant::now() + limits.body_pause_max);
        let piece = match timeout_at(by, pieces.next()).await {
            Ok(Some(Ok(piece))) => piece,
            Ok(Some(Err(_))) => return Err(ErrorResponse::body("it broke off")),
            Ok(None) => return Ok(bytes),
            Err(_) => {
                let message = format!("{} bytes of the body came, and then nothing more in time", bytes.len());
                return Err(ErrorResponse::too_slow(message));
            }
        };
        if bytes.len() + piece.len() > limits.body_bytes_max {
            return Err(ErrorResponse::too_large(limits.body_bytes_max));
        }
        // A body is there up to three times for a moment: as bytes, as JSON, and as pictures' files.
        permit.take(3 * piece.len() as u64)?;
        bytes.extend_from_slice(&piece);
    }
}
