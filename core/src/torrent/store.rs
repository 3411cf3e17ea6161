//! From gathered blocks to verified pieces: writes, their answers, the verdict, and a disk that refuses.

use super::blame::SOLO_RETRY;
use super::gather::{Flush, Run};
use super::{Job, Torrent};
use crate::context::Context;
use crate::disk::{DiskError, DiskErrorKind, DiskOutcome, DiskResult, DiskTask};
use crate::error::{BanReason, TorrentError};
use crate::event::{Event, Phase};
use crate::geometry::BLOCK_LEN;
use crate::hash::Sha1State;
use crate::ids::{PieceIndex, Sha1Hash};
use crate::piece_digest::PieceDigest;
use crate::time::{Duration, Instant};
use crate::timers::TorrentTimer;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Range;

/// How long to wait before a disk that refused is tried again.
const RETRY: Duration = Duration::from_secs(30);
/// The same where it was only descriptors that were missing.
const RETRY_DESCRIPTORS: Duration = Duration::from_secs(1);

/// A disk that is full, and what is to be written once it is not.
#[derive(Debug)]
pub(super) struct Trouble {
    failed: Vec<Write>,
    pub(super) retry: Instant,
}

/// A write and all that is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Write {
    piece: PieceIndex,
    blocks: Range<u32>,
    bytes: usize,
    hashed: bool,
    task: Box<DiskTask>,
}

impl Torrent {
    /// Sends the runs of a piece to the disk that are to go now.
    pub(super) fn write_runs(&mut self, cx: &mut Context, piece: PieceIndex, flush: Flush) {
        let complete = self.picker.is_received(piece);
        while let Some(run) = self.gather.next_run(piece, complete, flush) {
            self.write_run(cx, run);
        }
    }

    fn write_run(&mut self, cx: &mut Context, run: Run) {
        let start = self.geometry.piece_start(run.piece) + u64::from(run.blocks.start) * u64::from(BLOCK_LEN);
        let task = DiskTask::Write {
            extents: self.metainfo.layout().extents(start..start + run.bytes as u64),
            data: run.data,
            hash: run.hash,
            allocation: self.options.allocation,
        };
        self.begin_record(cx, run.piece);
        let hashed = run.hash.is_some();
        self.start_write(
            cx,
            Write { piece: run.piece, blocks: run.blocks, bytes: run.bytes, hashed, task: task.into() },
        );
    }

    fn start_write(&mut self, cx: &mut Context, write: Write) {
        self.data_jobs += 1;
        let task = (*write.task).clone();
        let Write { piece, blocks, bytes, hashed, task: again } = write;
        cx.disk(self.id, task, Job::Write { piece, blocks, bytes, hashed, again });
    }

    /// Blocks of some pieces have waited long enough.
    pub(super) fn write_aged(&mut self, cx: &mut Context) {
        let (due, next) = self.gather.aged(cx.now);
        for piece in due {
            self.write_runs(cx, piece, Flush::All);
        }
        if let Some(next) = next {
            self.set_timer(cx, TorrentTimer::Gather, next);
        }
    }

    /// Memory is short: everything that is gathered goes to the disk, but for what can join a longer run
    /// behind a write that is under way.
    pub(super) fn write_all(&mut self, cx: &mut Context) {
        for piece in self.gather.pending() {
            let behind_another = self.gather.digested(piece).is_none();
            self.write_runs(cx, piece, if behind_another { Flush::Ready } else { Flush::All });
        }
    }

    /// A [`Job::Write`] has come to its end.
    pub(super) fn write_done(&mut self, cx: &mut Context, job: Job, result: DiskResult) {
        let Job::Write { piece, blocks, bytes, hashed, again } = job else { return };
        self.data_jobs -= 1;
        match result {
            Ok(outcome) => {
                self.give_memory(cx, bytes);
                if let DiskTask::Write { extents, .. } = &*again {
                    self.records.written(extents);
                }
                if let DiskOutcome::Write(Some(state)) = outcome
                    && hashed
                {
                    self.gather.digest_back(piece, state);
                }
                self.picker.written(piece, blocks);
                // What gathered behind this write while memory was short goes out as one run now.
                let flush = if cx.budget.is_tight() { Flush::All } else { Flush::Ready };
                self.write_runs(cx, piece, flush);
                self.judge(cx, piece);
                self.trouble_over(cx);
            }
            Err(error) => self.write_failed(cx, Write { piece, blocks, bytes, hashed, task: again }, error),
        }
        self.after_disk(cx);
    }

    fn write_failed(&mut self, cx: &mut Context, write: Write, error: DiskError) {
        self.records.write_failed();
        if self.waits_for(&error) {
            self.trouble_began(cx, error);
            if let Some(trouble) = &mut self.trouble {
                trouble.failed.push(write);
            }
            return;
        }
        self.give_memory(cx, write.bytes);
        self.picker.unwritten(write.piece, write.blocks);
        self.fail_disk(cx, error);
    }

    /// Whether this is an error that time cures: descriptors come back by themselves, space where the user
    /// wants to wait for it.
    pub(super) fn waits_for(&self, error: &DiskError) -> bool {
        let curable = match error.kind {
            DiskErrorKind::TooManyFiles => true,
            DiskErrorKind::NoSpace => self.options.wait_disk,
            _ => false,
        };
        curable && self.phase == Phase::Downloading
    }

    /// Stops asking for blocks until the disk takes them again.
    pub(super) fn trouble_began(&mut self, cx: &mut Context, error: DiskError) {
        let descriptors = error.kind == DiskErrorKind::TooManyFiles;
        let retry = cx.now + if descriptors { RETRY_DESCRIPTORS } else { RETRY };
        self.set_timer(cx, TorrentTimer::DiskRetry, retry);
        if let Some(trouble) = &mut self.trouble {
            trouble.retry = retry;
            return;
        }
        self.trouble = Some(Trouble { failed: Vec::new(), retry });
        self.withdraw_requests(cx);
        cx.out.tell(Event::DiskTrouble { torrent: self.id, error });
    }

    /// Tries again what failed.
    pub(super) fn retry_writes(&mut self, cx: &mut Context) {
        let Some(trouble) = &mut self.trouble else { return };
        for write in core::mem::take(&mut trouble.failed) {
            self.start_write(cx, write);
        }
        self.append_records(cx);
        if self.data_jobs == 0 && !self.records.is_busy() {
            self.trouble_over(cx);
        }
    }

    /// The disk took something: if nothing waits for another try, asking goes on.
    pub(super) fn trouble_over(&mut self, cx: &mut Context) {
        if self.trouble.as_ref().is_some_and(|trouble| trouble.failed.is_empty() && trouble.retry <= cx.now) {
            self.trouble = None;
            cx.out.tell(Event::DiskRecovered { torrent: self.id });
            self.fill_hungry(cx);
        }
    }

    /// A disk error that is not worth waiting for.
    pub(super) fn fail_disk(&mut self, cx: &mut Context, error: DiskError) {
        let (have, total) = (self.picker.have().count(), self.geometry.num_pieces());
        self.fail(cx, TorrentError::Disk { error, have, total });
    }

    /// Decides about a piece once all of it is on the disk and its digest is here.
    fn judge(&mut self, cx: &mut Context, piece: PieceIndex) {
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
        if self.picker.is_complete() && self.phase == Phase::Downloading {
            self.begin_finish(cx);
        }
    }

    /// A piece is bad on the disk. `blocks` are the digests of its blocks, if it has several senders.
    fn piece_failed(&mut self, cx: &mut Context, piece: PieceIndex, blocks: &[Sha1Hash]) {
        let senders = self.picker.failed(cx.now, piece);
        self.stats.corrupt += u64::from(self.geometry.piece_len(piece));
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
