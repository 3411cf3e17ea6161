//! The journal's pace: verified pieces are synced in batches, and only then recorded.
//!
//! The order is what makes a crash harmless: the data of a piece is written, its files are synced, and only
//! then does a synced record say that we have it. That a piece was begun is recorded without waiting: if that
//! record is lost, the piece is fetched again. That a piece was lost is recorded before it is written again: otherwise
//! a crash would leave half of it where the journal says that we have it.

use super::finish::Finish;
use super::gather::Flush;
use super::{Job, Torrent};
use crate::context::Context;
use crate::disk::{DiskOutcome, DiskResult, DiskTask, Extent, FileStamp, Place};
use crate::event::Phase;
use crate::geometry::Geometry;
use crate::ids::{FileIndex, InfoHash, PieceIndex};
use crate::journal::Writer;
use crate::time::Duration;
use crate::timers::TorrentTimer;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use bytes::BytesMut;

/// A verified piece is synced after so long at the latest.
const MAX_UNSYNCED_TIME: Duration = Duration::from_secs(5);
/// Or when so many verified bytes wait to be synced.
const MAX_UNSYNCED_BYTES: u64 = 64 << 20;

/// What is still to be synced and recorded.
#[derive(Debug)]
pub(super) struct Records {
    writer: Writer,
    /// Pieces that were ever recorded as begun, by this run.
    begun: BTreeSet<PieceIndex>,
    /// Verified pieces that have not been synced.
    verified: Vec<PieceIndex>,
    verified_bytes: u64,
    /// Files that were written to since the last sync began.
    dirty: BTreeSet<FileIndex>,
    syncing: Option<Syncing>,
    /// Pieces that may not be written before what waits to be appended is, and before what is being appended is.
    losing: Vec<PieceIndex>,
    losing_now: Vec<PieceIndex>,
    /// Records that wait to be appended.
    unwritten: BytesMut,
    /// Whether they have to be synced.
    unwritten_sync: bool,
    appending: bool,
    /// What is being appended, for another try, should the disk be full or lack descriptors.
    again: BytesMut,
    /// A sync failed: nobody knows what is on the disk, so nothing more is recorded.
    broken: bool,
    /// A write failed: what it did to its files is not known, so the journal is not closed.
    torn: bool,
}

/// A sync under way.
#[derive(Debug, Default)]
struct Syncing {
    /// In the order asked for.
    files: Vec<FileIndex>,
    /// Verified pieces that it makes last, but for those that were lost meanwhile.
    pieces: Vec<PieceIndex>,
}

impl Records {
    pub(super) const fn writer(&self) -> &Writer {
        &self.writer
    }

    pub(super) fn new(info_hash: InfoHash, geometry: Geometry) -> Self {
        Self {
            writer: Writer::new(info_hash, geometry),
            begun: BTreeSet::new(),
            verified: Vec::new(),
            verified_bytes: 0,
            dirty: BTreeSet::new(),
            syncing: None,
            losing: Vec::new(),
            losing_now: Vec::new(),
            unwritten: BytesMut::new(),
            unwritten_sync: false,
            appending: false,
            again: BytesMut::new(),
            broken: false,
            torn: false,
        }
    }

    /// Whether a sync or an append is under way.
    pub(super) const fn is_busy(&self) -> bool {
        self.syncing.is_some() || self.appending
    }

    /// A write has returned: the next sync has to cover its files.
    pub(super) fn written(&mut self, extents: &[Extent]) {
        self.dirty.extend(extents.iter().filter(|e| !e.padding).map(|e| e.file));
    }

    /// Files were created.
    pub(super) fn created(&mut self, files: impl Iterator<Item = FileIndex>) {
        self.dirty.extend(files);
    }

    /// A write has failed.
    pub(super) const fn write_failed(&mut self) {
        self.torn = true;
    }

    /// Whether this run has written no block.
    pub(super) fn is_unused(&self) -> bool {
        self.begun.is_empty()
    }

    /// Adds the last word of an orderly end, if it would be true.
    pub(super) fn close(&mut self) {
        if self.broken || self.torn {
            return;
        }
        self.writer.closed(&mut self.unwritten);
        self.unwritten_sync = true;
    }
}

impl Torrent {
    /// Blocks of a piece are about to be written.
    pub(super) fn begin_record(&mut self, cx: &mut Context, piece: PieceIndex) {
        if self.place == Place::Part && self.records.begun.insert(piece) {
            self.records.writer.begun(&mut self.records.unwritten, &[piece]);
            self.append_records(cx);
        }
    }

    /// A piece has been written and verified.
    pub(super) fn verified_record(&mut self, cx: &mut Context, piece: PieceIndex) {
        // What is finished has no journal.
        if self.place == Place::Final {
            return;
        }
        let records = &mut self.records;
        records.verified.push(piece);
        records.verified_bytes += u64::from(self.geometry.piece_len(piece));
        if records.verified_bytes >= MAX_UNSYNCED_BYTES {
            self.sync_records(cx);
        } else if records.verified.len() == 1 {
            self.set_timer(cx, TorrentTimer::Sync, cx.now + MAX_UNSYNCED_TIME);
        }
    }

    /// A had piece could not be read back. It is not written before the journal says so.
    pub(super) fn lost_record(&mut self, cx: &mut Context, piece: PieceIndex) {
        let records = &mut self.records;
        records.verified.retain(|p| *p != piece);
        if let Some(syncing) = &mut records.syncing {
            syncing.pieces.retain(|p| *p != piece);
        }
        records.writer.lost(&mut records.unwritten, &[piece]);
        records.unwritten_sync = true;
        records.losing.push(piece);
        self.gather.hold(cx.now, piece, true);
        self.append_records(cx);
    }

    /// Verified pieces have waited long enough.
    pub(super) fn sync_due(&mut self, cx: &mut Context) {
        if self.phase == Phase::Downloading {
            self.sync_records(cx);
        }
    }

    /// Syncs what was written, unless a sync is under way: then its end starts the next.
    pub(super) fn sync_records(&mut self, cx: &mut Context) {
        let records = &mut self.records;
        let nothing_new = records.verified.is_empty() && records.dirty.is_empty();
        if nothing_new || records.syncing.is_some() || records.broken {
            return;
        }
        let files: Vec<FileIndex> = core::mem::take(&mut records.dirty).into_iter().collect();
        let pieces = core::mem::take(&mut records.verified);
        records.verified_bytes = 0;
        records.syncing = Some(Syncing { files: files.clone(), pieces });
        cx.disk(self.id, DiskTask::Sync { files }, Job::Sync);
    }

    /// A [`Job::Sync`] has come to its end.
    pub(super) fn sync_done(&mut self, cx: &mut Context, result: DiskResult) {
        let Syncing { files, pieces } = self.records.syncing.take().unwrap_or_default();
        match result {
            Ok(DiskOutcome::Sync(stamps)) => {
                let stamps: Vec<(FileIndex, FileStamp)> = files.into_iter().zip(stamps).collect();
                stamps.iter().for_each(|(file, stamp)| self.set_stamp(*file, *stamp));
                let records = &mut self.records;
                records.writer.have(&mut records.unwritten, &pieces);
                records.writer.stamps(&mut records.unwritten, &stamps);
                records.unwritten_sync = true;
                // After the last sync the journal is about to go: only a stop still needs these records.
                if self.finish != Finish::Syncing {
                    self.append_records(cx);
                }
            }
            Ok(_) => debug_assert!(false, "a sync was asked for"),
            // After a failed sync nobody knows what is on the disk: these pieces stay in doubt.
            Err(error) => {
                self.records.broken = true;
                self.fail_disk(cx, error);
            }
        }
        if self.records.verified_bytes >= MAX_UNSYNCED_BYTES || self.phase == Phase::Stopping {
            self.sync_records(cx);
        } else if !self.records.verified.is_empty() {
            self.set_timer(cx, TorrentTimer::Sync, cx.now + MAX_UNSYNCED_TIME);
        }
        self.after_disk(cx);
    }

    /// Appends what waits, one append at a time so that records stay in order.
    pub(super) fn append_records(&mut self, cx: &mut Context) {
        let records = &mut self.records;
        if records.appending || records.unwritten.is_empty() || records.broken {
            return;
        }
        records.appending = true;
        records.again = records.unwritten.clone();
        records.losing_now = core::mem::take(&mut records.losing);
        let data = records.unwritten.split().freeze();
        let sync = core::mem::take(&mut records.unwritten_sync);
        cx.disk(self.id, DiskTask::AppendJournal { data, sync }, Job::AppendJournal);
    }

    /// A [`Job::AppendJournal`] has come to its end.
    pub(super) fn append_done(&mut self, cx: &mut Context, result: DiskResult) {
        self.records.appending = false;
        match result {
            Ok(_) => {
                let lost = core::mem::take(&mut self.records.losing_now);
                self.append_records(cx);
                for piece in lost {
                    self.gather.hold(cx.now, piece, false);
                    self.write_runs(cx, piece, Flush::All);
                }
            }
            Err(error) if self.waits_for(&error) => {
                let records = &mut self.records;
                let later = core::mem::take(&mut records.unwritten);
                records.unwritten = core::mem::take(&mut records.again);
                records.unwritten.extend_from_slice(&later);
                records.unwritten_sync = true;
                let losing_now = core::mem::take(&mut records.losing_now);
                records.losing.extend(losing_now);
                self.trouble_began(cx, error);
            }
            Err(error) => {
                self.records.broken = true;
                self.fail_disk(cx, error);
            }
        }
        self.after_disk(cx);
    }
}
