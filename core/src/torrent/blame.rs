//! Who sent the corrupt block? Ban by proof only.
//!
//! A piece from several peers that fails proves nothing against any of them. Of each of its blocks, as they lie on
//! the disk, the digest is kept; the picker has the piece fetched again whole from one peer that was not involved;
//! when that version passes, the two are compared block by block, and whoever sent a block that differs lied.

use super::{Job, Torrent};
use crate::context::Context;
use crate::disk::{DiskOutcome, DiskResult, DiskTask};
use crate::error::{BanReason, DisconnectReason};
use crate::event::Event;
use crate::ids::{ConnId, PieceIndex, Sha1Hash};
use crate::limits::MAX_EVIDENCE;
use crate::picker::SOLO_WAIT;
use crate::piece_digest::PieceDigest;
use crate::time::Duration;
use crate::timers::TorrentTimer;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::net::IpAddr;

/// The picker keeps a piece that failed from those that were involved for so long; a little more.
pub(super) const SOLO_RETRY: Duration = SOLO_WAIT.saturating_add(Duration::from_millis(100));

/// What is known of pieces that failed with blocks of several senders.
#[derive(Clone, Debug, Default)]
pub(super) struct Blame {
    cases: BTreeMap<PieceIndex, Vec<Version>>,
    /// Blocks that are being hashed.
    hashing: usize,
}

/// A version of a piece that failed: what each address sent.
type Version = BTreeMap<IpAddr, Vec<(usize, Sha1Hash)>>;

impl Blame {
    /// Sets room aside for the digests of so many blocks. While there is none a piece is fetched again without
    /// evidence: what is known already leads to a verdict sooner than what came last.
    pub(super) fn reserve(&mut self, blocks: usize) -> bool {
        let kept: usize = self.cases.values().flatten().flat_map(BTreeMap::values).map(Vec::len).sum();
        let room = kept + self.hashing + blocks <= MAX_EVIDENCE;
        if room {
            self.hashing += blocks;
        }
        room
    }

    /// The blocks that room was set aside for are hashed.
    pub(super) const fn hashed(&mut self, blocks: usize) {
        self.hashing -= blocks;
    }

    /// Keeps a version that failed: the sender and the digest of each block.
    pub(super) fn keep(&mut self, piece: PieceIndex, senders: &[Option<IpAddr>], digests: &[Sha1Hash]) {
        if digests.is_empty() {
            return;
        }
        let mut version = Version::new();
        for (block, (sender, digest)) in senders.iter().zip(digests).enumerate() {
            if let Some(sender) = sender {
                version.entry(*sender).or_default().push((block, *digest));
            }
        }
        self.cases.entry(piece).or_default().push(version);
    }

    /// Closes the case of a piece. Given what its blocks should be, names whoever sent another.
    fn close(&mut self, piece: PieceIndex, truth: Option<&[Sha1Hash]>) -> Vec<IpAddr> {
        let said = self.cases.remove(&piece).into_iter().flatten().flatten();
        let Some(truth) = truth else { return Vec::new() };
        let lie = |(block, digest): &(usize, Sha1Hash)| truth.get(*block).is_some_and(|t| t != digest);
        said.filter(|(_, blocks)| blocks.iter().any(lie)).map(|(sender, _)| sender).collect()
    }
}

impl Torrent {
    /// Who was involved in a piece that failed may take it once nobody else did for a while, and so may others
    /// when its owner is lost: nothing else would wake them.
    pub(super) fn offer_solo(&mut self, cx: &mut Context) {
        self.fill_hungry(cx);
        if self.is_requesting() && self.picker.has_solo() {
            self.set_timer(cx, TorrentTimer::Solo, cx.now + SOLO_RETRY);
        }
    }

    /// A piece that had failed has passed now: hashes its blocks to compare.
    pub(super) fn settle_blame(&mut self, cx: &mut Context, piece: PieceIndex) {
        if !self.blame.cases.contains_key(&piece) {
            return;
        }
        let extents = self.metainfo.layout().extents(self.geometry.piece_range(piece));
        let task = DiskTask::Digest { place: self.place, extents, hash: PieceDigest::with_blocks() };
        self.data_jobs += 1;
        cx.disk(self.id, task, Job::Evidence(piece));
    }

    /// A [`Job::Evidence`] has come to its end. What cannot be read, or is not what passed, proves nothing.
    pub(super) fn evidence_hashed(&mut self, cx: &mut Context, piece: PieceIndex, result: DiskResult) {
        self.data_jobs -= 1;
        let truth = match result {
            Ok(DiskOutcome::Digest(digest)) if self.is_good(piece, &digest) => Some(digest.into_blocks()),
            _ => None,
        };
        for liar in self.blame.close(piece, truth.as_deref()) {
            self.ban(cx, liar, BanReason::CorruptBlock);
        }
        self.after_disk(cx);
    }

    /// Neither dials nor accepts an address again, and ends what is open to it.
    pub(super) fn ban(&mut self, cx: &mut Context, addr: IpAddr, reason: BanReason) {
        if !self.list.ban(addr) {
            return;
        }
        cx.out.tell(Event::PeerBanned { torrent: self.id, addr, reason });
        let open: Vec<ConnId> = self
            .peers
            .values()
            .filter(|p| p.addr() == addr)
            .map(|p| p.conn)
            .chain(self.opening_to(addr))
            .collect();
        for conn in open {
            self.drop_peer(cx, conn, DisconnectReason::Banned);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_has_a_limit_and_what_is_settled_makes_room() {
        let piece = PieceIndex::new(3);
        let (addr, digest) = (IpAddr::from([10, 0, 0, 1]), crate::hash::sha1(b"a block"));
        let mut blame = Blame::default();
        assert!(!blame.reserve(MAX_EVIDENCE + 1));
        assert!(blame.reserve(MAX_EVIDENCE));
        assert!(!blame.reserve(1), "while those are being hashed");
        blame.hashed(MAX_EVIDENCE);
        let blocks = alloc::vec![digest; MAX_EVIDENCE];
        blame.keep(piece, &alloc::vec![Some(addr); MAX_EVIDENCE], &blocks);
        assert!(!blame.reserve(1), "while those are kept");
        assert!(blame.close(piece, Some(&blocks)).is_empty(), "it told the truth");
        assert!(blame.reserve(1));
    }
}
