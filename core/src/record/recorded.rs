//! An engine that is recorded as it goes, or not.

use super::recorder::{RecordOptions, Recorder};
use crate::action::Action;
use crate::command::Command;
use crate::config::{Config, TorrentOptions};
use crate::engine::Engine;
use crate::error::AddError;
use crate::event::Event;
use crate::ids::TorrentId;
use crate::input::Input;
use crate::metainfo::Metainfo;
use crate::time::Instant;
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::net::SocketAddr;
use core::ops::Deref;

/// An [`Engine`] behind whose door somebody may take notes. What changes it goes through here; to be looked at, it is
/// the engine itself.
#[derive(Debug)]
pub struct Recorded {
    engine: Engine,
    recorder: Option<Box<Recorder>>,
}

impl Recorded {
    /// An engine ([`Engine::new`]), recorded if `options` are given.
    pub fn new(config: Config, seed: [u8; 32], now: Instant, options: Option<RecordOptions>) -> Self {
        let recorder = options.map(|options| Box::new(Recorder::new(&config, seed, now, options)));
        Self { engine: Engine::new(config, seed, now), recorder }
    }

    /// The recording, if there is one.
    pub fn recorder(&self) -> Option<&Recorder> {
        self.recorder.as_deref()
    }

    /// The recording, to take its bytes or to end it.
    pub fn recorder_mut(&mut self) -> Option<&mut Recorder> {
        self.recorder.as_deref_mut()
    }

    /// See [`Engine::handle`].
    pub fn handle(&mut self, now: Instant, input: Input) {
        if let Some(recorder) = &mut self.recorder {
            recorder.input(now, &input);
        }
        self.engine.handle(now, input);
    }

    /// See [`Engine::command`].
    ///
    /// # Errors
    /// As there.
    pub fn command(&mut self, now: Instant, command: Command) -> Result<Option<TorrentId>, AddError> {
        self.note(now, || command.clone());
        self.engine.command(now, command)
    }

    /// See [`Engine::add_torrent`].
    ///
    /// # Errors
    /// As there.
    pub fn add_torrent(
        &mut self,
        now: Instant,
        metainfo: Arc<Metainfo>,
        options: TorrentOptions,
    ) -> Result<TorrentId, AddError> {
        let add = |options| Command::AddTorrent { metainfo: metainfo.clone(), options: Box::new(options) };
        self.note(now, || add(options.clone()));
        self.engine.add_torrent(now, metainfo, options)
    }

    /// See [`Engine::add_peer`].
    pub fn add_peer(&mut self, now: Instant, torrent: TorrentId, peer: SocketAddr) {
        self.note(now, || Command::AddPeer { torrent, peer });
        self.engine.add_peer(now, torrent, peer);
    }

    /// See [`Engine::stop_torrent`].
    pub fn stop_torrent(&mut self, now: Instant, torrent: TorrentId) {
        self.note(now, || Command::StopTorrent { torrent });
        self.engine.stop_torrent(now, torrent);
    }

    /// See [`Engine::remove_torrent`].
    pub fn remove_torrent(&mut self, now: Instant, torrent: TorrentId) {
        self.note(now, || Command::RemoveTorrent { torrent });
        self.engine.remove_torrent(torrent);
    }

    /// See [`Engine::shutdown`].
    pub fn shutdown(&mut self, now: Instant) {
        self.note(now, || Command::Shutdown);
        self.engine.shutdown(now);
    }

    fn note(&mut self, now: Instant, command: impl FnOnce() -> Command) {
        if let Some(recorder) = &mut self.recorder {
            recorder.command(now, &command());
        }
    }

    /// See [`Engine::poll_action`].
    pub fn poll_action(&mut self) -> Option<Action> {
        let action = self.engine.poll_action();
        if let Some(recorder) = &mut self.recorder {
            recorder.action(action.as_ref());
        }
        action
    }

    /// See [`Engine::poll_event`].
    pub fn poll_event(&mut self) -> Option<Event> {
        let event = self.engine.poll_event();
        if let (Some(recorder), Some(event)) = (&mut self.recorder, &event) {
            recorder.event(event);
        }
        event
    }
}

impl Deref for Recorded {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        &self.engine
    }
}
