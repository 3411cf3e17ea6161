//! Looking at a simulation: its time, its hosts, how their torrents stand, and what has come of it all.

use super::Sim;
use crate::check::Violation;
use crate::digest::RunDigest;
use crate::host::{Program, Traffic};
use crate::net::{HostId, Link};
use peerless_core::{Engine, Event, Instant, PeerStatus, PieceIndex, TorrentId, TorrentStatus};
use std::net::{IpAddr, SocketAddr};

impl Sim {
    /// The virtual time since the start.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// What the clock of a host says.
    pub fn clock(&self, host: HostId) -> Instant {
        self.machines[host.index()].clock.at(self.now)
    }

    /// The seed that all of it follows from.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// All hosts, in the order in which they were added.
    pub fn hosts(&self) -> impl Iterator<Item = HostId> + use<> {
        (0..self.machines.len() as u32).map(HostId)
    }

    /// What a host is called.
    pub fn host_name(&self, host: HostId) -> &str {
        &self.machines[host.index()].spec.name
    }

    /// Where the world reaches a host, as far as its gate lets it.
    pub fn addr(&self, host: HostId) -> SocketAddr {
        let addr = self.machines[host.index()].addr();
        self.net.seen(host, addr, None)
    }

    /// Where a host reaches a peer: in a family that both have, if there is one.
    pub fn addr_for(&self, host: HostId, peer: HostId) -> SocketAddr {
        let (own, peers) = (&self.machines[host.index()].addrs, &self.machines[peer.index()].addrs);
        let common = |addr: &&IpAddr| own.iter().any(|own| own.is_ipv4() == addr.is_ipv4());
        let addr = peers.iter().find(common).copied().unwrap_or(peers[0]);
        let addr = SocketAddr::new(addr, self.machines[peer.index()].spec.port);
        self.net.seen(peer, addr, Some(own[0]))
    }

    /// The link that a host has now.
    pub fn link(&self, host: HostId) -> Link {
        self.net.link(host)
    }

    /// Whether anything runs on a host.
    pub fn is_on(&self, host: HostId) -> bool {
        !matches!(self.machines[host.index()].program, Program::Off)
    }

    /// The engine of a host; `None` while it is off, and where an actor runs.
    pub fn engine(&self, host: HostId) -> Option<&Engine> {
        self.machines[host.index()].engine()
    }

    /// How a host's first torrent stands.
    pub fn status(&self, host: HostId) -> Option<TorrentStatus> {
        self.engine(host)?.torrent(self.clock(host), TorrentId(0))
    }

    /// The peers of a host's first torrent.
    pub fn peers(&self, host: HostId) -> Vec<PeerStatus> {
        self.engine(host).map(|engine| engine.peers(self.clock(host), TorrentId(0))).unwrap_or_default()
    }

    /// When a host was started for the first time; now, if it never was.
    pub fn started(&self, host: HostId) -> Instant {
        self.machines[host.index()].started.unwrap_or(self.now)
    }

    /// Whether a host was ever started.
    pub fn has_begun(&self, host: HostId) -> bool {
        self.machines[host.index()].started.is_some()
    }

    /// Payload of a host's first torrent, and what its engine sent besides payload, over all its lives.
    pub fn traffic(&self, host: HostId) -> Traffic {
        let machine = &self.machines[host.index()];
        let mut traffic = machine.before;
        let Some(engine) = machine.engine() else { return traffic };
        let mut uploaded = 0;
        for (id, its) in engine.torrents().filter_map(|id| Some((id, engine.traffic(id)?))) {
            uploaded += its.uploaded;
            if id == TorrentId(0) {
                traffic.downloaded += its.downloaded;
                traffic.uploaded += its.uploaded;
                traffic.wasted += its.wasted;
                traffic.duplicate += its.duplicate;
                traffic.corrupt += its.corrupt;
            }
        }
        traffic.overhead += machine.sent.saturating_sub(uploaded);
        traffic
    }

    /// When a host completed its first torrent.
    pub fn completed(&self, host: HostId) -> Option<Instant> {
        self.machines[host.index()].completed.get(&TorrentId(0)).copied()
    }

    /// Downloads that hosts have taken on and not completed, those of hosts that are off included.
    pub const fn downloads_left(&self) -> usize {
        self.downloads_left
    }

    /// Whether a host has its first torrent whole, byte for byte, under its final name.
    pub fn has_whole(&self, host: HostId) -> bool {
        self.machines[host.index()].disk.is_complete(TorrentId(0))
    }

    /// Pieces that a host's engine says it has, and that are not on its disk as the torrent has them. None, unless
    /// the disk lies.
    pub fn unproved(&self, host: HostId) -> Vec<(TorrentId, PieceIndex)> {
        let machine = &self.machines[host.index()];
        let Some(engine) = machine.engine() else { return Vec::new() };
        let had = |id: TorrentId| {
            let pieces: Vec<_> =
                engine.torrent_have(id).map(|have| have.iter().collect()).unwrap_or_default();
            pieces.into_iter().map(move |piece| (id, piece))
        };
        engine.torrents().flat_map(had).filter(|(id, piece)| !machine.disk.proves(*id, *piece)).collect()
    }

    /// What a host's engines told, in order, but for what comes with every piece and every peer.
    pub fn story(&self, host: HostId) -> &[(Instant, Event)] {
        &self.machines[host.index()].story
    }

    /// Rules that engines broke, where the [`Checks`](crate::Checks) have them kept.
    pub fn violations(&self) -> &[Violation] {
        self.watch.violations()
    }

    /// The digest of all that every host has done so far.
    pub const fn digest(&self) -> RunDigest {
        self.digest.digest()
    }

    /// Inputs that engines have been given so far: the measure of a simulation's work.
    pub const fn inputs(&self) -> u64 {
        self.inputs
    }
}
