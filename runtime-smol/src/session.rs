//! The session: as a future and a stream for those who have an executor, blocking for those who have none.

use crate::connection::Connection;
use crate::desk::{Desk, Report};
use crate::signals::{Alarm, Bell};
use peerless_core::{ConnId, Engine, Event, Metainfo, TorrentId, TorrentOptions};
use peerless_runtime::{RecordingState, Session, SessionError, Settings, Shared, Waker, make_room, net};
use smol::future;
use smol::stream::{self, Stream};
use smol::{Async, Executor, Task};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::{Duration, Instant};

/// An engine whose connections are async tasks.
///
/// It works while [`next_event`](Self::next_event) is awaited, or [`wait`](Session::wait) blocks, and rests
/// in between. It can be moved between threads and needs no executor but whoever awaits it.
#[derive(Debug)]
pub struct SmolSession {
    pub(crate) shared: Shared,
    /// Each task watches one socket. They are declared before the executor that runs them.
    pub(crate) connections: BTreeMap<ConnId, Connection>,
    pub(crate) acceptors: Vec<Task<()>>,
    pub(crate) listeners: Vec<Arc<Async<TcpListener>>>,
    pub(crate) executor: Executor<'static>,
    pub(crate) desk: Arc<Mutex<Desk>>,
    /// Empty between turns; kept for its memory.
    pub(crate) reports: Vec<Report>,
    /// Rung by workers that have finished something, and by [`Waker`]s.
    pub(crate) bell: Arc<Bell>,
    /// Somebody used a [`Waker`].
    woken: Arc<AtomicBool>,
    alarm: Alarm,
    /// Connections accepted so far.
    pub(crate) accepted: u64,
    /// [`Event::ShutDown`] was told.
    over: bool,
}

impl SmolSession {
    /// Opens the sockets, starts the workers. Listening is not vital: see [`listening`](Session::listening).
    ///
    /// # Errors
    /// [`SessionError`] where workers cannot be started or sockets not be watched.
    pub fn open(settings: Settings) -> Result<Self, SessionError> {
        let poll = |e: io::Error| SessionError::Poll(net::net_error(&e));
        make_room()?;
        begin_reactor().map_err(poll)?;
        let bell = Arc::new(Bell::default());
        let notify = bell.clone();
        let mut shared = Shared::open(settings, Arc::new(move || notify.ring()))?;
        let watch = |listener| Async::new_nonblocking(listener).map(Arc::new);
        let listeners: io::Result<_> = shared.take_listeners().into_iter().map(watch).collect();
        let mut session = Self {
            shared,
            connections: BTreeMap::new(),
            acceptors: Vec::new(),
            listeners: listeners.map_err(poll)?,
            executor: Executor::new(),
            desk: Arc::default(),
            reports: Vec::new(),
            bell,
            woken: Arc::default(),
            alarm: Alarm::new(),
            accepted: 0,
            over: false,
        };
        session.accept();
        Ok(session)
    }

    /// Runs the session until there is an event; `None` after [`Event::ShutDown`], when everything is closed.
    ///
    /// Dropping the future before it is ready loses nothing: the session rests until the next is awaited.
    pub async fn next_event(&mut self) -> Option<Event> {
        self.run(None, |session| session.over).await
    }

    /// The session as a stream of its events, which ends after [`Event::ShutDown`].
    pub fn events(&mut self) -> impl Stream<Item = Event> + Send + '_ {
        stream::unfold(self, |session| async {
            let event = session.next_event().await?;
            Some((event, session))
        })
    }

    /// Runs the session until there is an event, or `stop` says so, which is asked again at the `deadline` at
    /// the latest.
    async fn run(&mut self, deadline: Option<Instant>, stop: impl Fn(&Self) -> bool) -> Option<Event> {
        let mut over = false;
        loop {
            if let Some(event) = self.take_event() {
                return Some(event);
            }
            let busy = self.turn();
            if let Some(event) = self.take_event() {
                return Some(event);
            }
            if over {
                return None;
            }
            over = stop(self);
            // Sockets are looked at even where there is no time to wait: a caller that is in a hurry each time
            // is not to starve them.
            if busy || over {
                future::yield_now().await;
            } else {
                self.pause(deadline).await;
            }
        }
    }

    fn take_event(&mut self) -> Option<Event> {
        let event = self.shared.next_event()?;
        if event == Event::ShutDown {
            self.close_all();
            self.over = true;
        }
        Some(event)
    }

    /// Waits until there is something to do.
    async fn pause(&mut self, deadline: Option<Instant>) {
        let due = self.shared.timeout().and_then(|left| Instant::now().checked_add(left));
        let due = [due, deadline].into_iter().flatten().min();
        let (bell, alarm) = (&self.bell, &mut self.alarm);
        let signal = poll_fn(|cx| match due {
            Some(due) if alarm.poll(cx, due).is_ready() => Poll::Ready(()),
            _ => bell.poll(cx),
        });
        future::or(self.executor.tick(), signal).await;
        self.take_in();
    }
}

/// Begins what waits for sockets, which is one for the whole process: it panics where the system refuses its
/// descriptors (three), so it is seen to before that there are some.
fn begin_reactor() -> io::Result<()> {
    drop((UnixStream::pair()?, UnixStream::pair()?));
    Async::<UnixStream>::pair().map(drop)
}

impl Session for SmolSession {
    fn open(settings: Settings) -> Result<Self, SessionError> {
        Self::open(settings)
    }

    fn add(
        &mut self,
        metainfo: Arc<Metainfo>,
        target: PathBuf,
        options: TorrentOptions,
    ) -> Result<TorrentId, SessionError> {
        self.shared.add(metainfo, target, options)
    }

    fn engine(&self) -> &Engine {
        self.shared.engine()
    }

    fn now(&self) -> peerless_core::Instant {
        self.shared.clock().now()
    }

    fn waker(&self) -> Waker {
        let (bell, woken) = (self.bell.clone(), self.woken.clone());
        Waker::new(Arc::new(move || {
            woken.store(true, Ordering::Release);
            bell.ring();
        }))
    }

    fn wait(&mut self, timeout: Option<Duration>) -> Result<Option<Event>, SessionError> {
        // Entering and leaving the reactor has its price: what is known already does without.
        if let Some(event) = self.take_event() {
            return Ok(Some(event));
        }
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let stop = |session: &Self| {
            session.woken.swap(false, Ordering::AcqRel) || deadline.is_some_and(|at| at <= Instant::now())
        };
        Ok(smol::block_on(self.run(deadline, stop)))
    }

    fn add_peer(&mut self, torrent: TorrentId, peer: SocketAddr) {
        self.shared.add_peer(torrent, peer);
    }

    fn stop_torrent(&mut self, torrent: TorrentId) {
        self.shared.stop_torrent(torrent);
    }

    fn remove_torrent(&mut self, torrent: TorrentId) {
        self.shared.remove_torrent(torrent);
    }

    fn shutdown(&mut self) {
        self.shared.shutdown();
    }

    fn listening(&self) -> &[SocketAddr] {
        self.shared.listening()
    }

    fn recording(&self) -> Option<RecordingState> {
        self.shared.recording()
    }
}
