//! Who is in which swarm: the tracker's memory, as a plain value. Time and addresses are arguments.

use super::Settings;
use super::query::Announce;
use super::refusal::Refusal;
use crate::time::{Duration, Instant};
use crate::tracker::AnnounceEvent;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

/// Torrents that a tracker knows at once.
pub const MAX_SWARMS: usize = 1_000;
/// Peers of one torrent.
pub const MAX_SWARM: usize = 2_000;
/// Peers over all torrents.
pub const MAX_SWARM_PEERS: usize = 50_000;
/// Peers in one answer, however many the client would like.
pub const MAX_NUMWANT: usize = 200;

/// All swarms.
#[derive(Debug)]
pub(super) struct Registry {
    swarms: BTreeMap<[u8; 20], Swarm>,
    peers: usize,
    /// When everything was last looked through for peers that left without a word.
    swept: Instant,
    /// The least time between two such looks.
    pause: Duration,
    /// A peer that was not heard of for so long has left: it missed two announces and some.
    expiry: Duration,
    numwant: usize,
    random: u64,
}

#[derive(Debug, Default)]
struct Swarm {
    peers: BTreeMap<SocketAddr, Peer>,
    /// Downloads that came to their end here.
    completed: u64,
}

#[derive(Clone, Copy, Debug)]
struct Peer {
    id: [u8; 20],
    seed: bool,
    heard: Instant,
}

/// What an announce is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Other peers, in no order.
    pub(super) peers: Vec<(SocketAddr, [u8; 20])>,
    /// How the swarm stands now.
    pub(super) counts: Counts,
    /// What the announce changed.
    pub(super) change: Change,
}

/// How a swarm stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Seeds.
    pub(super) complete: u64,
    /// Peers that are not seeds.
    pub(super) incomplete: u64,
    /// Downloads that came to their end here.
    pub(super) downloaded: u64,
}

/// What an announce changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A peer that was not there.
    Joined,
    /// A peer became a seed.
    Completed,
    /// A peer left.
    Left,
    /// Nothing.
    Nothing,
}

impl Registry {
    /// No swarms. `random` decides which peers are named where there are more than asked for.
    pub(super) fn new(random: u64, settings: &Settings) -> Self {
        let (pause, expiry) = (Duration::ZERO, Duration::ZERO);
        let mut new = Self {
            swarms: BTreeMap::new(),
            peers: 0,
            swept: Instant::ZERO,
            pause,
            expiry,
            numwant: 0,
            random,
        };
        new.set(settings);
        new
    }

    /// Other settings are in force from now on.
    pub(super) fn set(&mut self, settings: &Settings) {
        self.pause = settings.min_interval;
        self.expiry = settings.interval.saturating_mul(5) / 2;
        self.numwant = settings.numwant;
    }

    /// Takes in an announce from `ip` at `now`, and finds other peers for it.
    pub(super) fn announce(
        &mut self,
        now: Instant,
        ip: IpAddr,
        announce: &Announce,
    ) -> Result<Found, Refusal> {
        self.sweep(now);
        let remote = SocketAddr::new(ip, announce.port);
        let change = match announce.event {
            AnnounceEvent::Stopped => self.remove(remote, announce),
            _ => self.insert(now, remote, announce)?,
        };
        let peers = match announce.event {
            AnnounceEvent::Stopped => Vec::new(),
            _ => self.pick(remote, announce),
        };
        Ok(Found { peers, counts: self.counts(&announce.info_hash).unwrap_or_default(), change })
    }

    /// How a swarm stands; `None` for one that is not known.
    pub(super) fn counts(&self, info_hash: &[u8; 20]) -> Option<Counts> {
        let swarm = self.swarms.get(info_hash)?;
        let complete = swarm.peers.values().filter(|p| p.seed).count() as u64;
        let incomplete = swarm.peers.len() as u64 - complete;
        Some(Counts { complete, incomplete, downloaded: swarm.completed })
    }

    /// All torrents, in order.
    pub(super) fn torrents(&self) -> impl Iterator<Item = [u8; 20]> {
        self.swarms.keys().copied()
    }

    fn insert(&mut self, now: Instant, remote: SocketAddr, announce: &Announce) -> Result<Change, Refusal> {
        let known = self.swarms.get(&announce.info_hash);
        if known.is_none() && self.swarms.len() >= MAX_SWARMS {
            return Err(Refusal::FullOfTorrents);
        }
        let before = known.and_then(|s| s.peers.get(&remote)).copied();
        let swarm_is_full = known.is_some_and(|s| s.peers.len() >= MAX_SWARM);
        if before.is_none() && (swarm_is_full || self.peers >= MAX_SWARM_PEERS) {
            return Err(Refusal::FullOfPeers);
        }
        let peer = Peer { id: announce.peer_id, seed: announce.left == 0, heard: now };
        let swarm = self.swarms.entry(announce.info_hash).or_default();
        swarm.peers.insert(remote, peer);
        self.peers += usize::from(before.is_none());
        // Counted by the event alone, and once for each peer: a seed that restarts says "started".
        if announce.event == AnnounceEvent::Completed && before.is_none_or(|b| !b.seed) {
            swarm.completed += 1;
            return Ok(Change::Completed);
        }
        Ok(if before.is_none() { Change::Joined } else { Change::Nothing })
    }

    fn remove(&mut self, remote: SocketAddr, announce: &Announce) -> Change {
        let Some(swarm) = self.swarms.get_mut(&announce.info_hash) else { return Change::Nothing };
        if swarm.peers.remove(&remote).is_none() {
            return Change::Nothing;
        }
        self.peers -= 1;
        if swarm.peers.is_empty() && swarm.completed == 0 {
            self.swarms.remove(&announce.info_hash);
        }
        Change::Left
    }

    /// Peers for the one at `remote`: never itself, and for a seed no other seed.
    fn pick(&mut self, remote: SocketAddr, announce: &Announce) -> Vec<(SocketAddr, [u8; 20])> {
        let Some(swarm) = self.swarms.get(&announce.info_hash) else { return Vec::new() };
        let wanted = announce.numwant.unwrap_or(self.numwant).min(MAX_NUMWANT);
        let useful = |addr: SocketAddr, peer: &Peer| addr != remote && !(peer.seed && announce.left == 0);
        let mut all: Vec<_> =
            swarm.peers.iter().filter(|&(&a, p)| useful(a, p)).map(|(&a, p)| (a, p.id)).collect();
        for place in 0..wanted.min(all.len()) {
            let rest = (all.len() - place) as u64;
            let other = place + usize::try_from(next_random(&mut self.random) % rest).unwrap_or(0);
            all.swap(place, other);
        }
        all.truncate(wanted);
        all
    }

    /// Forgets who was not heard of. At most once in a while, so that it costs nothing.
    fn sweep(&mut self, now: Instant) {
        if now < self.swept + self.pause {
            return;
        }
        self.swept = now;
        let expiry = self.expiry;
        for swarm in self.swarms.values_mut() {
            swarm.peers.retain(|_, peer| now.since(peer.heard) < expiry);
        }
        self.swarms.retain(|_, swarm| !swarm.peers.is_empty());
        self.peers = self.swarms.values().map(|s| s.peers.len()).sum();
    }
}

/// SplitMix64: good enough to spread peers evenly.
fn next_random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
