//! What a disk operation or name lookup of a torrent was started for: its answer comes back with this,
//! and finds the step that waits for it.

use super::Torrent;
use crate::announcer::TrackerKey;
use crate::context::Context;
use crate::disk::{DiskResult, DiskTask};
use crate::ids::{ConnId, FileIndex, PieceIndex};
use crate::input::ResolveError;
use crate::peer::Batch;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::IpAddr;
use core::ops::Range;

/// Why a job was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Job {
    /// At the start: look at the target.
    SurveyFinal,
    /// At the start: look at what an earlier run left.
    SurveyPart,
    /// At the start: read the journal of an earlier run.
    LoadJournal,
    /// At the start: hash a piece that is there.
    CheckPiece(PieceIndex),
    /// At the start: sync the files of pieces that were hashed, before the journal may name them.
    SyncChecked(Vec<FileIndex>),
    /// At the start: write the journal anew.
    StoreJournal,
    /// Write a run of blocks. The task is kept for another try, should the disk be full or lack descriptors.
    Write {
        /// Which piece.
        piece: PieceIndex,
        /// Which of its blocks.
        blocks: Range<u32>,
        /// Payload bytes, counted against the budget.
        bytes: usize,
        /// Whether the piece's digest travels with it.
        hashed: bool,
        /// The same again.
        again: Box<DiskTask>,
    },
    /// Read back the rest of a written piece to complete its digest.
    Digest(PieceIndex),
    /// Hash a piece from the disk whose digest did not match.
    SecondLook(PieceIndex),
    /// Sync what was written.
    Sync,
    /// Add records to the journal.
    AppendJournal,
    /// Read blocks that a peer asked for.
    Upload {
        /// Which peer.
        conn: ConnId,
        /// Which requests.
        batch: Batch,
    },
    /// Hash a piece that we have, for its file has changed.
    Recheck(PieceIndex),
    /// Hash each block of a piece that is good now and failed before.
    Evidence(PieceIndex),
    /// At the end: create empty files.
    FillUp,
    /// At the end: rename.
    Publish,
    /// At the end: delete the journal.
    DeleteJournal,
    /// Delete a journal that says nothing, or that an earlier run left behind.
    DropJournal,
    /// Look up a tracker's host.
    TrackerHost(TrackerKey),
    /// Look up a host that the user named, by its number among them.
    PeerHost(usize),
}

impl Torrent {
    /// A disk job has come to its end.
    pub(crate) fn disk_done(&mut self, cx: &mut Context, job: Job, result: DiskResult) {
        match job {
            Job::SurveyFinal => self.final_surveyed(cx, result),
            Job::SurveyPart => self.part_surveyed(cx, result),
            Job::LoadJournal => self.journal_loaded(cx, result),
            Job::CheckPiece(piece) => self.piece_checked(cx, piece, result),
            Job::SyncChecked(files) => self.checked_synced(cx, &files, result),
            Job::StoreJournal => self.journal_stored(cx, result),
            Job::Write { .. } => self.write_done(cx, job, result),
            Job::Digest(piece) => self.digest_done(cx, piece, result),
            Job::SecondLook(piece) => self.looked_again(cx, piece, result),
            Job::Sync => self.sync_done(cx, result),
            Job::AppendJournal => self.append_done(cx, result),
            Job::Upload { conn, batch } => self.upload_read(cx, conn, batch, result),
            Job::Recheck(piece) => self.rechecked(cx, piece, result),
            Job::Evidence(piece) => self.evidence_hashed(cx, piece, result),
            Job::FillUp | Job::Publish | Job::DeleteJournal => {
                self.finish_step(cx, &job, result);
            }
            Job::DropJournal => {
                self.data_jobs -= 1;
                self.after_disk(cx);
            }
            Job::TrackerHost(_) | Job::PeerHost(_) => debug_assert!(false, "not a disk job"),
        }
    }

    /// A name lookup of this torrent has come to its end.
    pub(crate) fn resolved(&mut self, cx: &mut Context, job: Job, result: Result<Vec<IpAddr>, ResolveError>) {
        match job {
            Job::TrackerHost(tracker) => self.tracker_resolved(cx, tracker, result),
            Job::PeerHost(which) => self.peer_resolved(cx, which, result),
            _ => debug_assert!(false, "not a lookup"),
        }
    }
}
