//! Is a written piece what the torrent names? It is announced, or somebody is to blame.

use super::blame::SOLO_RETRY;
use super::{Job, Torrent};
use crate::context::Context;
use crate::disk::{DiskOutcome, DiskResult, DiskTask};
use crate::error::BanReason;
use crate::event::{Event, Phase};
use crate::hash::Sha1State;
use crate::ids::{PieceIndex, Sha1Hash};
use crate::piece_digest::PieceDigest;
use crate::timers::TorrentTimer;

impl Torrent {
    /// Decides about a piece once all of it is on the disk and its digest is here.
    pub(super) fn judge(&mut self, cx: &mut Context, piece: PieceIndex) {
        if !self.picker.is_written(piece) {
            return;
        }
        let Some(digested) = self.gather.digested(piece) else { return };
        if digested < u64::from(self.geometry.piece_len(piece)) {
            self.digest_rest(cx, piece, digested);
            return;
        }
        let Some(state) = self.gather.digest_out(piece) else { return };
        if self.is_good(piece, &state.into()) {
            self.gather.forget(piece);
            self.piece_verified(cx, piece);
        } else {
            self.look_again(cx, piece);
        }
    }

    /// Whether this is the digest that the torrent names.
    pub(super) fn is_good(&self, piece: PieceIndex, digest: &PieceDigest) -> bool {
        self.metainfo.piece_hash(piece) == Some(digest.whole().finish())
    }

    /// A piece failed by the digest that ran along with its writes. Parts of it may have been replaced since:
    /// only what is on the disk counts against a peer. Where several sent it, each block is hashed by itself.
    fn look_again(&mut self, cx: &mut Context, piece: PieceIndex) {
        let extents = self.metainfo.layout().extents(self.geometry.piece_range(piece));
        let blocks = self.geometry.blocks_in(piece) as usize;
        let evidence = self.picker.is_shared(piece) && self.blame.reserve(blocks);
        let hash = if evidence { PieceDigest::with_blocks() } else { Sha1State::new().into() };
        self.data_jobs += 1;
        cx.disk(self.id, DiskTask::Digest { place: self.place, extents, hash }, Job::SecondLook(piece));
    }

    /// A [`Job::SecondLook`] has come to its end: this is the verdict.
    pub(super) fn looked_again(&mut self, cx: &mut Context, piece: PieceIndex, result: DiskResult) {
        self.data_jobs -= 1;
        match result {
            Ok(DiskOutcome::Digest(digest)) => {
                self.gather.forget(piece);
                let good = self.is_good(piece, &digest);
                let blocks = digest.into_blocks();
                self.blame.hashed(blocks.len());
                if good {
                    self.piece_verified(cx, piece);
                } else {
                    self.piece_failed(cx, piece, &blocks);
                }
            }
            Ok(_) => debug_assert!(false, "a digest was asked for"),
            // A read error is never a peer's fault.
            Err(error) => self.fail_disk(cx, error),
        }
        self.after_disk(cx);
    }

    /// Hashing was interrupted: the rest of the piece is read back.
    fn digest_rest(&mut self, cx: &mut Context, piece: PieceIndex, from: u64) {
        let Some(hash) = self.gather.digest_out(piece) else { return };
        let range = self.geometry.piece_range(piece);
        let extents = self.metainfo.layout().extents(range.start + from..range.end);
        self.data_jobs += 1;
        let task = DiskTask::Digest { place: self.place, extents, hash: hash.into() };
        cx.disk(self.id, task, Job::Digest(piece));
    }

    /// A [`Job::Digest`] has come to its end.
    pub(super) fn digest_done(&mut self, cx: &mut Context, piece: PieceIndex, result: DiskResult) {
        self.data_jobs -= 1;
        match result {
            Ok(DiskOutcome::Digest(digest)) => {
                self.gather.digest_back(piece, digest.whole());
                self.judge(cx, piece);
            }
            Ok(_) => debug_assert!(false, "a digest was asked for"),
            // A read error is never a peer's fault.
            Err(error) => self.fail_disk(cx, error),
        }
        self.after_disk(cx);
    }

    fn piece_verified(&mut self, cx: &mut Context, piece: PieceIndex) {
        self.picker.verified(piece);
        self.stats.progress = cx.now;
        cx.out.tell(Event::PieceVerified { torrent: self.id, piece });
        self.verified_record(cx, piece);
        self.settle_blame(cx, piece);
        self.tell_have(cx, piece);
        if self.picker.is_complete() {
            match self.phase {
                Phase::Downloading => self.begin_finish(cx),
                Phase::Seeding => self.leave_other_seeds(cx),
                _ => {}
            }
        }
    }

    /// A piece is bad on the disk. `blocks` are the digests of its blocks, if it has several senders.
    fn piece_failed(&mut self, cx: &mut Context, piece: PieceIndex, blocks: &[Sha1Hash]) {
        let senders = self.picker.failed(cx.now, piece);
        self.ledger.corrupt(self.geometry.piece_len(piece));
        let culprit = only_one(&senders);
        cx.out.tell(Event::PieceFailed { torrent: self.id, piece, culprit });
        match culprit {
            Some(addr) => self.ban(cx, addr, BanReason::CorruptPiece),
            None => self.blame.keep(piece, &senders, blocks),
        }
        self.set_timer(cx, TorrentTimer::Solo, cx.now + SOLO_RETRY);
        self.fill_hungry(cx);
    }
}

/// The one value of a list in which all are the same.
fn only_one<T: Copy + PartialEq>(list: &[Option<T>]) -> Option<T> {
    let first = list.first().copied().flatten()?;
    list.iter().all(|x| *x == Some(first)).then_some(first)
}
