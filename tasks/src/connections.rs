//! Connections of a server of ours: so many at a time, each for so long.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// After a connection that could not be accepted: it may be that too many files are open.
const PAUSE: Duration = Duration::from_millis(100);

/// How many connections are served, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConnectionLimits {
    /// At the same time; whoever comes meanwhile waits.
    pub at_once: usize,
    /// How long one may take in all.
    pub within: Duration,
}

/// Accepts connections until it is to stop. Those that are still served then are returned.
pub(crate) async fn accept_connections<F>(
    listener: &TcpListener,
    limits: ConnectionLimits,
    stop: impl Future<Output = ()>,
    mut serve: impl FnMut(TcpStream) -> F,
) -> JoinSet<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(limits.at_once));
    let mut connections = JoinSet::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let next = async {
            let place = places.clone().acquire_owned().await;
            (listener.accept().await, place)
        };
        tokio::select! {
            () = &mut stop => return connections,
            Some(_) = connections.join_next() => {}
            (accepted, place) = next => match accepted {
                Ok((stream, _)) => {
                    let served = serve(stream);
                    connections.spawn(async move {
                        let _place = place;
                        let _ = timeout(limits.within, served).await;
                    });
                }
                Err(error) => {
                    tracing::debug!(%error, "nobody can connect");
                    sleep(PAUSE).await;
                }
            },
        }
    }
}
