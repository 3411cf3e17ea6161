//! The engine: every torrent and connection behind one door. (Being built: the door is here, the house is not.)

use crate::action::Action;
use crate::config::{Config, TorrentOptions};
use crate::error::AddError;
use crate::event::Event;
use crate::ids::{PeerId, TorrentId};
use crate::input::Input;
use crate::metainfo::Metainfo;
use crate::status::{PeerStatus, TorrentStatus};
use crate::time::Instant;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;

/// The engine.
#[derive(Debug)]
pub struct Engine {
    config: Config,
}

impl Engine {
    /// An engine without torrents. All its randomness comes from `seed`.
    pub fn new(config: Config, _seed: [u8; 32], _now: Instant) -> Self {
        Self { config }
    }

    /// Takes on a torrent. Its first actions look at what is on the disk.
    pub fn add_torrent(
        &mut self,
        _now: Instant,
        _metainfo: Arc<Metainfo>,
        _options: TorrentOptions,
    ) -> Result<TorrentId, AddError> {
        Err(AddError::ShuttingDown)
    }

    /// Names a peer to try.
    pub fn add_peer(&mut self, _now: Instant, _torrent: TorrentId, _peer: SocketAddr) {}

    /// Stops a torrent cleanly: journal synced, trackers told. [`Event::Stopped`] says when it is done.
    pub fn stop_torrent(&mut self, _now: Instant, _torrent: TorrentId) {}

    /// Stops everything cleanly, within [`Config::stop_timeout`]. [`Event::ShutDown`] says when it is done.
    pub fn shutdown(&mut self, _now: Instant) {}

    /// Takes in what happened.
    pub fn handle(&mut self, _now: Instant, _input: Input) {}

    /// The next thing to do, if there is one.
    pub fn poll_action(&mut self) -> Option<Action> {
        None
    }

    /// The next thing to tell, if there is one.
    pub fn poll_event(&mut self) -> Option<Event> {
        None
    }

    /// When to hand in [`Input::Timeout`] if nothing else happens; `None`: never.
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// How a torrent stands; `None` for one that is not, or no longer, known.
    pub fn torrent(&self, _now: Instant, _torrent: TorrentId) -> Option<TorrentStatus> {
        None
    }

    /// The torrent's connected peers.
    pub fn peers(&self, _now: Instant, _torrent: TorrentId) -> Vec<PeerStatus> {
        Vec::new()
    }

    /// Our peer id.
    pub fn peer_id(&self) -> PeerId {
        let mut id = [0; 20];
        id[..8].copy_from_slice(&self.config.peer_id_prefix);
        PeerId(id)
    }
}
