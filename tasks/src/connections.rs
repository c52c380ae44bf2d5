//! Connections of a server of ours: so many at a time, each for so long. Whoever connects and asks nothing keeps nobody out: when all
//! places are taken, the connection that has been idle longest gives up its own.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout};

/// After a connection that could not be accepted: it may be that too many files are open.
const PAUSE: Duration = Duration::from_millis(100);

/// How many connections are served, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConnectionLimits {
    /// At the same time; whoever comes meanwhile waits if all of them are being answered.
    pub at_once: usize,
    /// How long one may take in all.
    pub within: Duration,
}

/// Whether a connection is being answered: whoever serves it says so, once it knows all that is asked.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionActivity {
    state: Arc<Mutex<ActivityState>>,
    /// Is told when the connection is idle again.
    idle: Arc<Notify>,
}

#[derive(Debug)]
struct ActivityState {
    answering: usize,
    has_asked: bool,
    /// Its place was given to another one.
    is_dropped: bool,
    idle_since: Instant,
}

impl ConnectionActivity {
    pub fn new(idle: Arc<Notify>) -> ConnectionActivity {
        let state = ActivityState { answering: 0, has_asked: false, is_dropped: false, idle_since: Instant::now() };
        ConnectionActivity { state: Arc::new(Mutex::new(state)), idle }
    }

    /// Keeps the connection its place for as long as what is returned is held; `None` if it has lost it, and nothing may be done for it.
    pub fn begin_answer(&self) -> Option<Answering> {
        let mut state = self.lock();
        if state.is_dropped {
            return None;
        }
        state.answering += 1;
        state.has_asked = true;
        Some(Answering(self.clone()))
    }

    /// Who loses a place first: those that never asked anything before those that did, and the longest idle before the others.
    fn idle_rank(&self) -> Option<(bool, Instant)> {
        let state = self.lock();
        (state.answering == 0).then_some((state.has_asked, state.idle_since))
    }

    /// Takes its place away, unless it is being answered by now.
    fn drop_idle(&self) -> bool {
        let mut state = self.lock();
        state.is_dropped = state.answering == 0;
        state.is_dropped
    }

    fn lock(&self) -> MutexGuard<'_, ActivityState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that is being answered.
pub(crate) struct Answering(ConnectionActivity);

impl Drop for Answering {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.answering -= 1;
        state.idle_since = Instant::now();
        drop(state);
        self.0.idle.notify_one();
    }
}

struct OpenConnection {
    activity: ConnectionActivity,
    task: AbortHandle,
}

/// Accepts connections until it is to stop. Those that are still served then are returned.
pub(crate) async fn accept_connections<F>(
    listener: &TcpListener,
    limits: ConnectionLimits,
    stop: impl Future<Output = ()>,
    mut serve: impl FnMut(TcpStream, ConnectionActivity) -> F,
) -> JoinSet<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    let idle = Arc::new(Notify::new());
    let mut connections = JoinSet::new();
    let mut open: Vec<OpenConnection> = Vec::new();
    // One that has no place yet.
    let mut waiting: Option<TcpStream> = None;
    let mut stop = std::pin::pin!(stop);
    loop {
        let has_room = |open: &mut Vec<OpenConnection>| open.len() < limits.at_once || drop_longest_idle(open);
        if let Some(stream) = waiting.take_if(|_| has_room(&mut open)) {
            let activity = ConnectionActivity::new(idle.clone());
            let served = serve(stream, activity.clone());
            let task = connections.spawn(async move {
                let _ = timeout(limits.within, served).await;
            });
            open.push(OpenConnection { activity, task });
        }
        tokio::select! {
            () = &mut stop => return connections,
            Some(_) = connections.join_next() => open.retain(|one| !one.task.is_finished()),
            // Somebody is idle again, and may give up the place.
            () = idle.notified(), if waiting.is_some() => {}
            accepted = listener.accept(), if waiting.is_none() => match accepted {
                Ok((stream, _)) => waiting = Some(stream),
                Err(error) => {
                    tracing::debug!(%error, "nobody can connect");
                    sleep(PAUSE).await;
                }
            },
        }
    }
}

/// Ends the connection that has been idle longest; false if all are being answered.
fn drop_longest_idle(open: &mut Vec<OpenConnection>) -> bool {
    let ranked = open.iter().enumerate().filter_map(|(index, one)| Some((one.activity.idle_rank()?, index)));
    let mut ranked: Vec<_> = ranked.collect();
    ranked.sort_unstable();
    // One may have begun to be answered meanwhile.
    let Some((_, index)) = ranked.into_iter().find(|(_, index)| open[*index].activity.drop_idle()) else {
        return false;
    };
    tracing::debug!("a connection that asks nothing gives up its place");
    open.remove(index).task.abort();
    true
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::{Semaphore, oneshot};

    use super::*;

    const WITHIN: Duration = Duration::from_secs(20);

    /// Answers `s` once it may, and everything else at once.
    async fn answer(mut stream: TcpStream, activity: ConnectionActivity, slow: Arc<Semaphore>) {
        let mut asked = [0];
        if stream.read_exact(&mut asked).await.is_err() {
            return;
        }
        let Some(_answering) = activity.begin_answer() else { return };
        if asked == *b"s" {
            drop(stream.write_all(b"1").await);
            drop(slow.acquire().await);
        }
        drop(stream.write_all(b"2").await);
    }

    async fn hear(stream: &mut TcpStream) -> Option<u8> {
        let mut told = [0];
        let read = timeout(WITHIN, stream.read_exact(&mut told)).await.expect("an answer or an end in time");
        read.ok().map(|_| told[0])
    }

    #[tokio::test]
    async fn no_more_are_answered_at_once_than_there_are_places() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let slow = Arc::new(Semaphore::new(0));
        let (stop, stopped) = oneshot::channel::<()>();
        let accepting = tokio::spawn({
            let slow = slow.clone();
            async move {
                let limits = ConnectionLimits { at_once: 2, within: WITHIN };
                let stopped = async { drop(stopped.await) };
                accept_connections(&listener, limits, stopped, |stream, activity| {
                    answer(stream, activity, slow.clone())
                })
                .await
            }
        });
        let mut held = Vec::new();
        for _ in 0..2 {
            let mut stream = TcpStream::connect(at).await.unwrap();
            stream.write_all(b"s").await.unwrap();
            assert_eq!(hear(&mut stream).await, Some(b'1'), "it is being answered");
            held.push(stream);
        }
        let mut third = TcpStream::connect(at).await.unwrap();
        third.write_all(b"q").await.unwrap();
        let mut told = [0];
        let early = timeout(Duration::from_millis(100), third.read_exact(&mut told)).await;
        assert!(early.is_err(), "it was answered though there was no place");
        slow.add_permits(1);
        assert_eq!(hear(&mut third).await, Some(b'2'), "a place became free");
        slow.add_permits(1);
        stop.send(()).unwrap();
        drop(accepting.await.unwrap());
    }

    #[tokio::test]
    async fn who_asks_nothing_gives_up_the_place_and_who_is_answered_keeps_it() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let slow = Arc::new(Semaphore::new(0));
        let (stop, stopped) = oneshot::channel::<()>();
        let accepting = tokio::spawn({
            let slow = slow.clone();
            async move {
                let limits = ConnectionLimits { at_once: 2, within: WITHIN };
                let stopped = async { drop(stopped.await) };
                let serve = |stream, activity| answer(stream, activity, slow.clone());
                accept_connections(&listener, limits, stopped, serve).await
            }
        });
        let mut held = TcpStream::connect(at).await.unwrap();
        held.write_all(b"s").await.unwrap();
        assert_eq!(hear(&mut held).await, Some(b'1'), "it is being answered");
        let mut idle = Vec::new();
        for _ in 0..10 {
            idle.push(TcpStream::connect(at).await.unwrap());
        }
        let mut last = TcpStream::connect(at).await.unwrap();
        last.write_all(b"q").await.unwrap();
        assert_eq!(hear(&mut last).await, Some(b'2'), "others that ask nothing keep nobody out");
        assert_eq!(hear(&mut idle[0]).await, None, "the longest idle has lost its place");
        slow.add_permits(1);
        assert_eq!(hear(&mut held).await, Some(b'2'), "who is being answered keeps the place");
        stop.send(()).unwrap();
        drop(accepting.await.unwrap());
    }
}
