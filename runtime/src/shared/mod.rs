//! Everything of a session that does not depend on how the driver waits.

mod reads;
#[cfg(test)]
mod tests;

pub use reads::MAX_SERVED;

use crate::clock::Clock;
use crate::error::SessionError;
use crate::net;
use crate::recording::{RecordingFile, RecordingState};
use crate::rlimit::{Share, make_room};
use crate::settings::Settings;
use crate::store::{Capacity, Contents, Store};
use crate::stream::Stream;
use crate::tls::TlsRoots;
use crate::workers::{Notify, Workers};
use peerless_core::record::{RecordOptions, Recorded};
use peerless_core::{
    Action, DiskOp, DiskTask, Engine, Event, Input, JobId, Metainfo, NetError, TorrentId, TorrentOptions,
};
use std::collections::VecDeque;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The engine with its files, its workers and its clock: a driver adds sockets.
///
/// One round of a driver's loop: [`collect`](Self::collect) what workers finished, perform what
/// [`next_action`](Self::next_action) hands out until it has no more, [`read`](Self::read) for peers and perform what
/// comes of it, at most [`MAX_SERVED`] times, return an event if [`next_event`](Self::next_event) has one, otherwise, unless
/// it [has more to read](Self::has_reads), wait for sockets, for `notify`, or for [`timeout`](Self::timeout), and
/// [`handle`](Self::handle) what came.
#[derive(Debug)]
pub struct Shared {
    engine: Recorded,
    recording: Option<RecordingFile>,
    clock: Clock,
    store: Arc<Store>,
    workers: Workers,
    tls: Arc<TlsRoots>,
    listeners: Vec<TcpListener>,
    listening: Vec<SocketAddr>,
    finished: Vec<Input>,
    /// What peers asked for and nobody has read yet.
    reads: VecDeque<(JobId, Box<DiskOp>)>,
    /// Other sessions get less while this one lives.
    _share: Arc<Share>,
}

impl Shared {
    /// Opens everything. `notify` is called from a worker's thread whenever [`collect`](Self::collect) has
    /// something to do, once for each batch; it must not block.
    pub fn open(settings: Settings, notify: Notify) -> Result<Self, SessionError> {
        make_room()?;
        let share = Arc::new(Share::claim());
        let descriptors = share.descriptors();
        let mut config = settings.engine;
        config.max_peers = config.max_peers.min(descriptors.peers());
        config.max_half_open = config.max_half_open.min(descriptors.peers());
        let seed = settings.seed.map_or_else(crate::entropy::seed, Ok)?;
        let clock = Clock::new();
        let recording = settings.record.as_ref().map(RecordingFile::open).transpose()?;
        let record =
            settings.record.map(|r| RecordOptions { payload: r.payload, mask: r.mask, limit: r.limit });
        let mut engine = Recorded::new(config, seed, clock.now(), record);
        let capacity =
            settings.max_open_files.map_or_else(|| Capacity::Share(share.clone()), Capacity::Fixed);
        let store = Arc::new(Store::with(capacity));
        let workers = Workers::new(store.clone(), settings.disk_workers, notify)?;
        let (listeners, listening) = settings.listen.as_ref().map(net::listen).unwrap_or_default();
        for &local in &listening {
            engine.handle(clock.now(), Input::Listening { local });
        }
        let tls = Arc::new(TlsRoots::new(settings.extra_roots));
        Ok(Self {
            engine,
            recording,
            clock,
            store,
            workers,
            tls,
            listeners,
            listening,
            finished: Vec::new(),
            reads: VecDeque::new(),
            _share: share,
        })
    }

    /// Takes on a torrent: see [`Session::add`](crate::Session::add).
    pub fn add(
        &mut self,
        metainfo: Arc<Metainfo>,
        target: PathBuf,
        options: TorrentOptions,
    ) -> Result<TorrentId, SessionError> {
        if let Some(recording) = &self.recording {
            recording.keep_out_of(&target)?;
        }
        let contents = Contents::of(&metainfo);
        let needs_tls = has_tls_tracker(&metainfo);
        let target = self.store.claim(&target)?;
        let torrent = self.engine.add_torrent(self.clock.now(), metainfo, options)?;
        self.store.register(torrent, &target, contents);
        if needs_tls {
            self.tls.load_ahead();
        }
        Ok(torrent)
    }

    /// The next thing to do with a socket. What is to be done with files and names is begun on the way.
    pub fn next_action(&mut self) -> Option<Action> {
        loop {
            let Some(action) = self.engine.poll_action() else {
                self.keep_record();
                return None;
            };
            match action {
                Action::Disk { job, op } if matches!(op.task, DiskTask::Read { .. }) => {
                    self.reads.push_back((job, op));
                }
                Action::Disk { job, op } => self.workers.disk(job, *op),
                Action::Resolve { job, host } => self.workers.resolve(job, host),
                Action::Cancel { job } => self.cancel(job),
                action => return Some(action),
            }
        }
    }

    /// The next thing to tell the application.
    pub fn next_event(&mut self) -> Option<Event> {
        let event = self.engine.poll_event()?;
        match event {
            Event::Stopped { torrent } => self.store.unregister(torrent),
            Event::ShutDown => self.end_record(),
            _ => {}
        }
        Some(event)
    }

    /// Hands what workers finished to the engine. Says whether there was anything.
    pub fn collect(&mut self) -> bool {
        self.workers.drain(&mut self.finished);
        let any = !self.finished.is_empty();
        let now = self.clock.now();
        for input in self.finished.drain(..) {
            self.engine.handle(now, input);
        }
        any
    }

    /// Hands something that happened to the engine. Where a socket lacked a descriptor, idle files give theirs.
    pub fn handle(&mut self, input: Input) {
        if let Input::ConnectFailed { error, .. } | Input::AcceptFailed { error } = &input
            && *error == NetError::TooManyFiles
        {
            self.workers.close_idle_files();
        }
        self.engine.handle(self.clock.now(), input);
    }

    /// How long until [`Input::Timeout`] is due: zero when it is now, `None` when it is never.
    pub fn timeout(&self) -> Option<Duration> {
        self.engine.poll_timeout().map(|when| self.clock.until(when))
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The clock.
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Begins to connect; with `tls`, to a host of that name.
    pub fn connect(&self, remote: SocketAddr, tls: Option<&str>) -> Result<Stream, NetError> {
        let tls = tls.map(|name| self.tls.client(name)).transpose()?;
        Stream::connect(remote, tls)
    }

    /// The listening sockets, nonblocking, for the driver to take; the engine knows of them already.
    pub fn take_listeners(&mut self) -> Vec<TcpListener> {
        std::mem::take(&mut self.listeners)
    }

    /// Where we listen.
    pub fn listening(&self) -> &[SocketAddr] {
        &self.listening
    }

    /// Names a peer to try.
    pub fn add_peer(&mut self, torrent: TorrentId, peer: SocketAddr) {
        self.engine.add_peer(self.clock.now(), torrent, peer);
    }

    /// Forgets a torrent that has stopped.
    pub fn remove_torrent(&mut self, torrent: TorrentId) {
        self.engine.remove_torrent(self.clock.now(), torrent);
    }

    /// Stops a torrent cleanly.
    pub fn stop_torrent(&mut self, torrent: TorrentId) {
        self.engine.stop_torrent(self.clock.now(), torrent);
    }

    /// Stops everything cleanly.
    pub fn shutdown(&mut self) {
        self.engine.shutdown(self.clock.now());
    }

    /// How the recording stands; `None` where none was asked for.
    pub fn recording(&self) -> Option<RecordingState> {
        let failure = self.recording.as_ref()?.failure();
        let recorder = self.engine.recorder()?;
        Some(match failure {
            Some(error) => RecordingState::Failed(error),
            None if recorder.reached_limit() => RecordingState::AtLimit,
            None if recorder.is_over() => RecordingState::Ended,
            None => RecordingState::Running,
        })
    }

    /// Hands what was recorded to the thread that writes it.
    fn keep_record(&mut self) {
        if let (Some(recording), Some(recorder)) = (&self.recording, self.engine.recorder_mut()) {
            recording.take(recorder);
        }
    }

    fn end_record(&mut self) {
        if let Some(recorder) = self.engine.recorder_mut() {
            recorder.end();
        }
        self.keep_record();
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.end_record();
    }
}

fn has_tls_tracker(metainfo: &Metainfo) -> bool {
    let is_tls = |url: &str| url.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:"));
    metainfo.trackers().iter().flatten().any(|url| is_tls(url))
}
