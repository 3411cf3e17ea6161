//! The contract that every driver fulfils: one session, whatever waits underneath it.

use crate::error::SessionError;
use crate::recording::RecordingState;
use crate::settings::Settings;
use crate::workers::Notify;
use peerless_core::{Engine, Event, Instant, Metainfo, TorrentId, TorrentOptions};
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A running engine with its sockets and files, used from one thread.
///
/// Nothing happens between calls of [`wait`](Session::wait) but what workers already do: an application that
/// does not wait does not download.
pub trait Session: Sized {
    /// Opens the sockets, starts the workers. Listening is not vital: see [`listening`](Session::listening).
    fn open(settings: Settings) -> Result<Self, SessionError>;

    /// Takes on a torrent whose data stands, or is to stand, at `target`: the file itself, or for a torrent
    /// of several files the directory that takes the place of its name. Refused where another torrent of
    /// this session has that target, or one inside it or around it. Where another process is downloading to
    /// it the torrent fails by itself, before it has written anything.
    fn add(
        &mut self,
        metainfo: Arc<Metainfo>,
        target: PathBuf,
        options: TorrentOptions,
    ) -> Result<TorrentId, SessionError>;

    /// The engine, to ask how things stand.
    fn engine(&self) -> &Engine;

    /// The time as the engine counts it.
    fn now(&self) -> Instant;

    /// A handle that ends a [`wait`](Session::wait) from any thread.
    fn waker(&self) -> Waker;

    /// Runs the session until there is an event, `timeout` has passed, or a [`Waker`] was used; in the last
    /// two cases the answer is `None`. Without a `timeout` it waits for ever. A wake-up between two calls
    /// ends the next one.
    fn wait(&mut self, timeout: Option<Duration>) -> Result<Option<Event>, SessionError>;

    /// Names a peer to try, at any time. One that is known already, or a torrent that is not, changes nothing.
    fn add_peer(&mut self, torrent: TorrentId, peer: SocketAddr);

    /// Stops a torrent cleanly: records written, trackers told. [`Event::Stopped`] says when it is done.
    fn stop_torrent(&mut self, torrent: TorrentId);

    /// Forgets a torrent that has stopped: until then its status can still be asked for. One that runs stays.
    fn remove_torrent(&mut self, torrent: TorrentId);

    /// Stops everything cleanly. Go on waiting until [`Event::ShutDown`].
    fn shutdown(&mut self);

    /// Where peers can reach us. Empty where the settings say so, and where no port could be had.
    fn listening(&self) -> &[SocketAddr];

    /// How the recording stands that [`Settings::record`] asked for; `None` where it did not.
    fn recording(&self) -> Option<RecordingState>;
}

/// Ends a [`Session::wait`] from another thread, a signal handler's for example.
#[derive(Clone)]
pub struct Waker(Notify);

impl Waker {
    /// A waker that does this. Called from any thread, any number of times; must not block.
    pub fn new(wake: Notify) -> Self {
        Self(wake)
    }

    /// Makes the current or the next `wait` return.
    pub fn wake(&self) {
        (self.0)();
    }
}

impl fmt::Debug for Waker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Waker")
    }
}
