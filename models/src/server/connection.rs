//! Connections: requests over HTTP/1.1, with a deadline for everything that the other side may never do.
//!
//! There is room for so many. Where it is full, the connection that has been without a whole request for longest gives way, so that
//! half-sent requests and kept-alive connections hold up nobody.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Sleep, sleep, timeout};

use super::ServerLimits;

/// What is held of a connection's bytes at most, a way.
const BUFFER_BYTES: usize = 128 << 10;
/// How long, and how much, is read after the last word, so that the other side hears it: a connection that is closed with
/// bytes unread is reset, and takes the response with it.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES_MAX: usize = 64 << 20;

/// All connections that are open.
pub struct Connections {
    places: Arc<Semaphore>,
    open: Mutex<BTreeMap<u64, Arc<ConnectionState>>>,
    count: AtomicU64,
}

/// What others see of a connection.
#[derive(Default)]
pub struct ConnectionState {
    /// Requests that came whole and are not answered to their end.
    requests: AtomicU32,
    give_way: Notify,
}

/// A connection's place; dropping it makes room.
pub struct ConnectionSlot {
    connections: Arc<Connections>,
    number: u64,
    state: Arc<ConnectionState>,
    _permit: OwnedSemaphorePermit,
}

/// A request that came whole and is being answered: its connection does not give way.
pub struct BusyConnection(Arc<ConnectionState>);

impl Connections {
    pub fn new(most: usize) -> Arc<Connections> {
        let places = Arc::new(Semaphore::new(most));
        Arc::new(Connections { places, open: Mutex::default(), count: AtomicU64::new(0) })
    }

    /// A place for one more; where there is none, the connection that has been without a whole request for longest gives way.
    pub async fn place(self: &Arc<Connections>) -> Option<ConnectionSlot> {
        let permit = match self.places.clone().try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                let oldest = {
                    let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
                    let idle = open.iter().find(|(_, state)| state.requests.load(Ordering::SeqCst) == 0);
                    let number = idle.map(|(&number, _)| number);
                    number.and_then(|number| open.remove(&number))
                };
                if let Some(state) = oldest {
                    state.give_way.notify_one();
                }
                self.places.clone().acquire_owned().await.ok()?
            }
        };
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let state = Arc::new(ConnectionState::default());
        self.open.lock().unwrap_or_else(PoisonError::into_inner).insert(number, state.clone());
        Some(ConnectionSlot { connections: self.clone(), number, state, _permit: permit })
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        self.connections.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
    }
}

impl ConnectionState {
    /// A request came whole.
    pub fn busy(self: &Arc<ConnectionState>) -> BusyConnection {
        self.requests.fetch_add(1, Ordering::SeqCst);
        BusyConnection(self.clone())
    }
}

impl Drop for BusyConnection {
    fn drop(&mut self) {
        self.0.requests.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Serves a connection until it closes; when `stop` says so, after the request that is under way.
pub async fn serve(
    stream: TcpStream,
    router: Router,
    limits: &ServerLimits,
    mut stop: watch::Receiver<bool>,
    place: &ConnectionSlot,
) {
    let _ = stream.set_nodelay(true); // A token is a small packet that somebody waits for.
    let io = TokioIo::new(IdleTimeoutStream { stream, within: limits.write_within, waits: None });
    let routes = TowerToHyperService::new(router);
    let state = place.state.clone();
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(state.clone());
        Box::pin(routes.call(request))
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_within)
        .max_buf_size(BUFFER_BYTES)
        .serve_connection(io, service);
    let mut stopping = false;
    let ended = loop {
        tokio::select! {
            ended = poll_fn(|context| connection.poll_without_shutdown(context)) => break ended,
            () = place.state.give_way.notified() => {
                return tracing::debug!("a connection without a whole request gave way");
            }
            _ = stop.wait_for(|stop| *stop), if !stopping => {
                stopping = true;
                Pin::new(&mut connection).graceful_shutdown();
            }
        }
    };
    match ended {
        Ok(()) => linger(connection.into_parts().io.into_inner().stream).await,
        Err(error) => tracing::debug!(%error, "a connection broke"),
    }
}

/// Throws away what still comes, for a while.
async fn linger(mut stream: TcpStream) {
    let rest = async {
        stream.shutdown().await?;
        let mut thrown = [0; 16 << 10];
        let mut left = LINGER_BYTES_MAX;
        while left > 0 {
            match stream.read(&mut thrown).await? {
                0 => break,
                count => left = left.saturating_sub(count),
            }
        }
        io::Result::Ok(())
    };
    let _ = timeout(LINGER, pin!(rest)).await;
}

/// A stream that is broken as soon as the other side takes nothing for too long.
struct IdleTimeoutStream {
    stream: TcpStream,
    within: Duration,
    /// Since the other side takes nothing.
    waits: Option<Pin<Box<Sleep>>>,
}

impl IdleTimeoutStream {
    fn with_timeout<T>(
        &mut self,
        context: &mut Context<'_>,
        work: impl FnOnce(Pin<&mut TcpStream>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match work(Pin::new(&mut self.stream), context) {
            Poll::Ready(done) => {
                self.waits = None;
                Poll::Ready(done)
            }
            Poll::Pending => {
                let waits = self.waits.get_or_insert_with(|| Box::pin(sleep(self.within)));
                match waits.as_mut().poll(context) {
                    Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
                    Poll::Pending => Poll::Pending,
                }
            }
        }
    }
}

impl AsyncRead for IdleTimeoutStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for IdleTimeoutStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.with_timeout(context, |stream, context| stream.poll_write(context, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.with_timeout(context, |stream, context| stream.poll_write_vectored(context, pieces))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
