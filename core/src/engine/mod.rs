//! The engine: every torrent and every connection behind one door. It routes and keeps time; torrents decide.

mod invariants;
mod places;
mod routes;
mod strangers;
#[cfg(test)]
mod tests;

use crate::action::Action;
use crate::bitfield::Bitfield;
use crate::command::Command;
use crate::config::{Config, TorrentOptions};
use crate::context::{ConnOwner, Context};
use crate::error::AddError;
use crate::event::{Event, Phase};
use crate::ids::{PeerId, Sha1Hash, TorrentId};
use crate::input::Input;
use crate::metainfo::Metainfo;
use crate::peer_list::Source;
use crate::status::{PeerStatus, TorrentStatus, TorrentTraffic, Usage};
use crate::time::Instant;
use crate::torrent::Torrent;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;
use strangers::Strangers;

/// A BitTorrent engine that does no I/O.
///
/// Inputs go in through [`handle`](Self::handle), any number of them; then [`poll_action`](Self::poll_action)
/// and [`poll_event`](Self::poll_event) are called until they give nothing more, and
/// [`poll_timeout`](Self::poll_timeout) says when to hand in [`Input::Timeout`] if nothing else happens.
/// Nothing here fails or panics on what the network says: a misbehaving peer is an outcome.
///
/// Two engines with equal configuration and seed that are given equal inputs at equal times give equal
/// actions and events.
#[derive(Debug)]
pub struct Engine {
    cx: Context,
    torrents: BTreeMap<TorrentId, Torrent>,
    by_hash: BTreeMap<Sha1Hash, TorrentId>,
    strangers: Strangers,
    next_torrent: u32,
    shutting_down: bool,
    shut_down: bool,
}

impl Engine {
    /// An engine without torrents. All its randomness comes from `seed`.
    pub fn new(config: Config, seed: [u8; 32], now: Instant) -> Self {
        Self {
            cx: Context::new(config, seed, now),
            torrents: BTreeMap::new(),
            by_hash: BTreeMap::new(),
            strangers: Strangers::default(),
            next_torrent: 0,
            shutting_down: false,
            shut_down: false,
        }
    }

    /// Takes on a torrent. Its first actions look at what is on the disk.
    ///
    /// # Errors
    /// [`AddError`] for a torrent that is here already, one of version 2 only, or while shutting down.
    pub fn add_torrent(
        &mut self,
        now: Instant,
        metainfo: Arc<Metainfo>,
        options: TorrentOptions,
    ) -> Result<TorrentId, AddError> {
        self.advance(now);
        let info_hash = metainfo.info_hash();
        if info_hash.v1.is_none() {
            return Err(AddError::VersionTwoOnly);
        }
        if self.shutting_down {
            return Err(AddError::ShuttingDown);
        }
        if self.by_hash.contains_key(&info_hash.wire()) {
            return Err(AddError::Duplicate);
        }
        let id = TorrentId(self.next_torrent);
        self.next_torrent += 1;
        let mut torrent = Torrent::new(&mut self.cx, id, metainfo, options);
        torrent.start(&mut self.cx);
        self.torrents.insert(id, torrent);
        self.by_hash.insert(info_hash.wire(), id);
        Ok(id)
    }

    /// Does what a command says. The number of the torrent, where one was added.
    ///
    /// # Errors
    /// [`AddError`], from [`Command::AddTorrent`] only.
    pub fn command(&mut self, now: Instant, command: Command) -> Result<Option<TorrentId>, AddError> {
        match command {
            Command::AddTorrent { metainfo, options } => {
                return self.add_torrent(now, metainfo, *options).map(Some);
            }
            Command::AddPeer { torrent, peer } => self.add_peer(now, torrent, peer),
            Command::StopTorrent { torrent } => self.stop_torrent(now, torrent),
            Command::RemoveTorrent { torrent } => self.remove_torrent(torrent),
            Command::Shutdown => self.shutdown(now),
        }
        Ok(None)
    }

    /// Names a peer to try.
    pub fn add_peer(&mut self, now: Instant, torrent: TorrentId, peer: SocketAddr) {
        self.advance(now);
        if let Some(torrent) = self.torrents.get_mut(&torrent) {
            torrent.add_peer(&mut self.cx, peer, Source::User);
        }
        self.settle();
    }

    /// Stops a torrent cleanly: what is verified is synced and recorded, trackers are told.
    /// [`Event::Stopped`] says when it is done, within [`Config::stop_timeout`].
    pub fn stop_torrent(&mut self, now: Instant, torrent: TorrentId) {
        self.advance(now);
        if let Some(torrent) = self.torrents.get_mut(&torrent) {
            torrent.stop(&mut self.cx);
        }
        self.settle();
    }

    /// Forgets a torrent that has stopped. Until then its status can still be asked for.
    pub fn remove_torrent(&mut self, torrent: TorrentId) {
        if self.torrents.get(&torrent).is_some_and(|t| t.phase() == Phase::Stopped) {
            self.torrents.remove(&torrent);
        }
    }

    /// Stops everything cleanly, within [`Config::stop_timeout`]. [`Event::ShutDown`] says when it is done.
    pub fn shutdown(&mut self, now: Instant) {
        self.advance(now);
        self.shutting_down = true;
        for torrent in self.torrents.values_mut() {
            torrent.stop(&mut self.cx);
        }
        self.settle();
    }

    /// Takes in what happened. `now` is never earlier than at the call before.
    pub fn handle(&mut self, now: Instant, input: Input) {
        self.advance(now);
        match input {
            Input::Listening { local } => self.cx.port = Some(local.port()),
            Input::Connected { conn, .. } => self.connected(conn),
            Input::ConnectFailed { conn, error } => self.connect_failed(conn, error),
            Input::Accepted { conn, remote } => self.strangers.accepted(&mut self.cx, conn, remote),
            Input::AcceptFailed { error } => self.accept_failed(&error),
            Input::Received { conn, data } => self.received(conn, data),
            Input::Sent { conn, bytes } => self.sent(conn, bytes),
            Input::Closed { conn, error } => self.closed(conn, error),
            Input::Resolved { job, result } => {
                if let Some((torrent, cx, job)) = self.job_done(job) {
                    torrent.resolved(cx, job, result);
                }
            }
            Input::DiskDone { job, result } => {
                if let Some((torrent, cx, job)) = self.job_done(job) {
                    torrent.disk_done(cx, job, result);
                }
            }
            Input::Timeout => {}
        }
        self.run_timers();
        self.settle();
    }

    /// The next thing to do, if there is one.
    pub fn poll_action(&mut self) -> Option<Action> {
        if let Some(action) = self.cx.out.next_action() {
            return Some(action);
        }
        if self.cx.out.has_unflushed() {
            for conn in self.cx.out.take_unflushed() {
                if let Some(ConnOwner::Peer(torrent)) = self.cx.owner(conn)
                    && let Some(torrent) = self.torrents.get_mut(&torrent)
                {
                    torrent.flush(&mut self.cx, conn);
                }
            }
        }
        self.cx.out.next_action()
    }

    /// The next thing to tell, if there is one.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.cx.out.next_event()
    }

    /// When to hand in [`Input::Timeout`] if nothing else happens; `None`: never.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.cx.timers.next()
    }

    /// How a torrent stands; `None` for one that is not, or no longer, known.
    pub fn torrent(&self, now: Instant, torrent: TorrentId) -> Option<TorrentStatus> {
        Some(self.torrents.get(&torrent)?.status(now))
    }

    /// A torrent's payload, by what became of it; `None` for one that is not, or no longer, known.
    pub fn traffic(&self, torrent: TorrentId) -> Option<TorrentTraffic> {
        Some(self.torrents.get(&torrent)?.traffic())
    }

    /// The torrent's connected peers, in the order in which they came.
    pub fn peers(&self, now: Instant, torrent: TorrentId) -> Vec<PeerStatus> {
        self.torrents.get(&torrent).map(|t| t.peer_statuses(now)).unwrap_or_default()
    }

    /// The pieces that a torrent has: verified and on the disk.
    pub fn torrent_have(&self, torrent: TorrentId) -> Option<&Bitfield> {
        Some(self.torrents.get(&torrent)?.have())
    }

    /// The torrents, in the order in which they were added.
    pub fn torrents(&self) -> impl Iterator<Item = TorrentId> + '_ {
        self.torrents.keys().copied()
    }

    /// What it uses of what its configuration allows.
    pub fn usage(&self) -> Usage {
        let strangers = self.strangers.len();
        Usage {
            peers: self.cx.peer_conns - strangers,
            dialling: self.cx.half_open,
            strangers,
            memory: self.cx.budget.used(),
        }
    }

    /// Our peer id.
    pub const fn peer_id(&self) -> PeerId {
        self.cx.peer_id
    }
}

/// Around every input.
impl Engine {
    fn advance(&mut self, now: Instant) {
        self.cx.now = self.cx.now.max(now);
    }

    /// After every input: free places are dealt out, and the end of all torrents is the end.
    fn settle(&mut self) {
        self.deal_places();
        while let Some(id) = self.cx.stopped.pop() {
            self.by_hash.retain(|_, torrent| *torrent != id);
        }
        let all_stopped = || self.torrents.values().all(|t| t.phase() == Phase::Stopped);
        if self.shutting_down && !self.shut_down && all_stopped() {
            self.shut_down = true;
            self.strangers.close_all(&mut self.cx);
            self.cx.timers = crate::timers::Timers::default();
            self.cx.out.tell(Event::ShutDown);
        }
        if cfg!(debug_assertions) {
            self.check_changes();
        }
    }
}
