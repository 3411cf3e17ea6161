//! Runs of blocks on their way to the disk: when they go, and what comes back.

use super::gather::{Flush, Run};
use super::{Job, Torrent};
use crate::context::Context;
use crate::disk::{DiskError, DiskOutcome, DiskResult, DiskTask, Place};
use crate::geometry::BLOCK_LEN;
use crate::ids::PieceIndex;
use crate::timers::TorrentTimer;
use alloc::boxed::Box;
use core::ops::Range;

/// A write and all that is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Write {
    pub(super) piece: PieceIndex,
    pub(super) blocks: Range<u32>,
    pub(super) bytes: usize,
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
        let extents = self.metainfo.layout().extents(start..start + run.bytes as u64);
        let (data, hash, allocation) = (run.data, run.hash, self.options.allocation);
        let hashed = hash.is_some();
        let task = if self.place == Place::Final {
            DiskTask::Mend { extents, data, hash }
        } else {
            DiskTask::Write { extents, data, hash, allocation }
        };
        self.begin_record(cx, run.piece);
        self.start_write(
            cx,
            Write { piece: run.piece, blocks: run.blocks, bytes: run.bytes, hashed, task: task.into() },
        );
    }

    pub(super) fn start_write(&mut self, cx: &mut Context, write: Write) {
        self.data_jobs += 1;
        if matches!(*write.task, DiskTask::Mend { .. }) {
            self.loss.mend_began();
        }
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
        if let DiskTask::Mend { extents, .. } = &*again {
            let stamps = if let Ok(DiskOutcome::Mend { stamps, .. }) = &result { &stamps[..] } else { &[] };
            self.mended(extents, stamps);
        }
        match result {
            Ok(outcome) => {
                self.give_memory(cx, bytes);
                if let DiskTask::Write { extents, .. } = &*again {
                    self.records.written(extents);
                }
                if let DiskOutcome::Write(Some(state)) | DiskOutcome::Mend { hash: Some(state), .. } = outcome
                    && hashed
                {
                    self.gather.digest_back(piece, state);
                }
                self.picker.written(piece, blocks);
                // What gathered behind this write while memory was short goes out as one run now.
                let flush = if cx.budget.is_tight() { Flush::All } else { Flush::Ready };
                self.write_runs(cx, piece, flush);
                self.judge(cx, piece);
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
}
