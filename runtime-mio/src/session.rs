//! The session: its own loop for those who have none, and the parts of one for those who do.

use crate::sockets::Sockets;
use crate::wake::Wake;
use mio::{Events, Poll, Registry, Token};
use peerless_core::{ConnId, Engine, Event, Instant, Metainfo, NetError, TorrentId, TorrentOptions};
use peerless_runtime::{
    ReceiveBuffer, RecordingState, Session, SessionError, Settings, Shared, Waker, make_room, net,
};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant as Clock};

/// Events taken from the system at once.
const MAX_EVENTS: usize = 1_024;

/// An engine on a readiness loop. Used from one thread.
#[derive(Debug)]
pub struct MioSession {
    /// The session's own loop; `None` where the caller has one.
    own: Option<(Poll, Events)>,
    wake: Arc<Wake>,
    /// Somebody used the session's [`Waker`].
    woken: Arc<AtomicBool>,
    pub(crate) shared: Shared,
    pub(crate) sockets: Sockets,
    pub(crate) buffer: ReceiveBuffer,
    /// Connections whose queue was empty before something was added.
    pub(crate) unflushed: Vec<ConnId>,
    pub(crate) accepting: bool,
    /// Connections accepted so far.
    pub(crate) accepted: u64,
}

impl MioSession {
    /// Opens a session in a `Poll` that the caller owns. It uses the tokens from `first` on, upwards without a
    /// fixed end: give it the last range.
    ///
    /// # Errors
    /// [`SessionError`] where workers or the wake-up cannot be made.
    pub fn in_poll(settings: Settings, registry: &Registry, first: Token) -> Result<Self, SessionError> {
        let io = |e: std::io::Error| SessionError::Poll(net::net_error(&e));
        let wake = Arc::new(Wake::new(registry, first).map_err(io)?);
        let notify = wake.clone();
        let mut shared = Shared::open(settings, Arc::new(move || notify.wake()))?;
        let registry = registry.try_clone().map_err(io)?;
        let sockets = Sockets::new(registry, first, wake.clone(), shared.take_listeners()).map_err(io)?;
        Ok(Self {
            own: None,
            wake,
            woken: Arc::default(),
            shared,
            sockets,
            buffer: ReceiveBuffer::new(),
            unflushed: Vec::new(),
            accepting: true,
            accepted: 0,
        })
    }

    /// Takes note of an event of the caller's `Poll`. Those with other tokens are ignored.
    pub fn ready(&mut self, event: &mio::event::Event) {
        self.sockets.note(event);
    }

    /// The next event, if there is one. To be called until there is none, after every [`turn`](Self::turn).
    pub fn next_event(&mut self) -> Option<Event> {
        self.shared.next_event()
    }

    /// How long the caller's `poll` may wait before the next [`turn`](Self::turn); `None`: for ever.
    pub fn timeout(&self) -> Option<Duration> {
        let can_accept = self.accepting && self.sockets.can_accept();
        if self.sockets.ready() > 0 || can_accept || self.shared.has_reads() {
            return Some(Duration::ZERO);
        }
        self.shared.timeout()
    }

    fn poll(&mut self, deadline: Option<Clock>) -> Result<(), SessionError> {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Clock::now()));
        let timeout = [left, self.timeout()].into_iter().flatten().min();
        let Some((poll, events)) = &mut self.own else {
            return Err(SessionError::Poll(NetError::Denied));
        };
        match poll.poll(events, timeout) {
            Err(e) if e.kind() != ErrorKind::Interrupted => {
                return Err(SessionError::Poll(net::net_error(&e)));
            }
            _ => {}
        }
        for event in events.iter() {
            self.sockets.note(event);
        }
        Ok(())
    }
}

impl Session for MioSession {
    fn open(settings: Settings) -> Result<Self, SessionError> {
        make_room()?;
        let poll = Poll::new().map_err(|e| SessionError::Poll(net::net_error(&e)))?;
        let mut session = Self::in_poll(settings, poll.registry(), Token(0))?;
        session.own = Some((poll, Events::with_capacity(MAX_EVENTS)));
        Ok(session)
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

    fn now(&self) -> Instant {
        self.shared.clock().now()
    }

    fn waker(&self) -> Waker {
        let (wake, woken) = (self.wake.clone(), self.woken.clone());
        Waker::new(Arc::new(move || {
            woken.store(true, Ordering::Release);
            wake.wake();
        }))
    }

    /// Runs the loop of its own. A session that was opened [`in_poll`](Self::in_poll) has none and refuses.
    fn wait(&mut self, timeout: Option<Duration>) -> Result<Option<Event>, SessionError> {
        let deadline = timeout.and_then(|timeout| Clock::now().checked_add(timeout));
        let mut over = false;
        loop {
            if let Some(event) = self.shared.next_event() {
                return Ok(Some(event));
            }
            self.turn();
            if let Some(event) = self.shared.next_event() {
                return Ok(Some(event));
            }
            if over {
                return Ok(None);
            }
            // Sockets are looked at even where there is no time to wait: a caller that is in a hurry each time
            // is not to starve them.
            let woken = self.woken.swap(false, Ordering::AcqRel);
            self.poll(if woken { Some(Clock::now()) } else { deadline })?;
            over = woken
                || self.woken.swap(false, Ordering::AcqRel)
                || deadline.is_some_and(|deadline| deadline <= Clock::now());
        }
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
