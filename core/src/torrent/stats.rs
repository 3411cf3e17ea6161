//! What a torrent counts, and its status and peers as an application sees them.

use super::Torrent;
use crate::rate::Rate;
use crate::status::{PeerStatus, TorrentStatus, TorrentTraffic};
use crate::time::Instant;
use alloc::vec::Vec;

/// Counters of one torrent.
#[derive(Clone, Debug)]
pub(super) struct Stats {
    pub(super) down: Rate,
    pub(super) up: Rate,
    /// When a byte last counted for something.
    pub(super) progress: Instant,
}

impl Stats {
    pub(super) fn new(now: Instant) -> Self {
        Self { down: Rate::default(), up: Rate::default(), progress: now }
    }
}

impl Torrent {
    /// Bytes in verified pieces.
    pub(super) fn bytes_have(&self) -> u64 {
        let have = self.picker.have();
        let full = u64::from(have.count()) * u64::from(self.geometry.piece_length());
        let last = self.geometry.num_pieces().checked_sub(1).and_then(|n| self.geometry.piece(n));
        match last {
            Some(last) if have.has(last) => {
                full - u64::from(self.geometry.piece_length() - self.geometry.piece_len(last))
            }
            _ => full,
        }
    }

    /// Bytes that are still to come, as trackers are told (BEP 3 `left`).
    pub(super) fn bytes_left(&self) -> u64 {
        self.geometry.total() - self.bytes_have()
    }

    /// Its payload, by what became of it.
    pub(crate) fn traffic(&self) -> TorrentTraffic {
        TorrentTraffic {
            downloaded: self.stats.down.total(),
            uploaded: self.stats.up.total(),
            wasted: self.ledger.all_wasted(),
            duplicate: self.ledger.all_duplicate(),
            corrupt: self.ledger.all_corrupt(),
        }
    }

    /// How the torrent stands.
    pub(crate) fn status(&self, now: Instant) -> TorrentStatus {
        let (bytes_have, crowd) = (self.bytes_have(), self.crowd());
        TorrentStatus {
            phase: self.phase,
            have: self.picker.have().count(),
            pieces: self.geometry.num_pieces(),
            bytes_have,
            bytes_total: self.geometry.total(),
            bytes_progress: bytes_have + self.picker.bytes_received_in_open(),
            downloaded: self.stats.down.total(),
            uploaded: self.stats.up.total(),
            wasted: self.ledger.all_wasted(),
            duplicate: self.ledger.all_duplicate(),
            corrupt: self.ledger.all_corrupt(),
            down_rate: self.stats.down.per_second(now),
            up_rate: self.stats.up.per_second(now),
            peers: u32::try_from(self.peers.len()).unwrap_or(u32::MAX),
            seeds: crowd.seeds,
            known_peers: self.list.known(),
            why: self.why(now, crowd),
        }
    }

    /// How its connected peers stand.
    pub(crate) fn peer_statuses(&self, now: Instant) -> Vec<PeerStatus> {
        let status = |peer: &crate::peer::Peer| PeerStatus {
            conn: peer.conn,
            remote: peer.remote,
            peer_id: peer.peer_id,
            client: peer.client.clone(),
            have: peer.has.count(),
            choking_us: peer.choking_us,
            interesting: peer.interesting,
            choked: peer.choked,
            interested: peer.interested,
            snubbed: peer.window.is_snubbed(),
            requests: u32::try_from(peer.requests.len()).unwrap_or(u32::MAX),
            down_rate: peer.down.per_second(now),
            up_rate: peer.up.per_second(now),
            downloaded: peer.down.total(),
            uploaded: peer.up.total(),
        };
        self.peers.values().map(|peer| status(peer)).collect()
    }
}
