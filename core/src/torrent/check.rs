//! Hashing what is on the disk: a few pieces at a time, then on to the download, the seeding or the report.

use super::{Job, Torrent};
use crate::config::Goal;
use crate::context::Context;
use crate::disk::{DiskErrorKind, DiskOutcome, DiskResult, DiskTask, Place};
use crate::error::TorrentError;
use crate::event::Event;
use crate::hash::Sha1State;
use crate::ids::PieceIndex;
use alloc::collections::VecDeque;

/// Pieces being hashed at once: enough to keep a few workers busy that hash several together, with more of them
/// waiting when one is done.
const MAX_HASHING: u32 = 64;
/// Where pieces are long, fewer: what else the disk is to do waits behind them.
const MIN_HASHING: u32 = 8;
/// Bytes of the pieces being hashed at once, beyond [`MIN_HASHING`] of them.
const HASHING_BYTES: u32 = 256 << 20;

impl Torrent {
    /// Hashes these pieces, then goes on.
    pub(super) fn begin_check(&mut self, cx: &mut Context, pieces: VecDeque<PieceIndex>) {
        if let Some(resume) = &mut self.resume {
            resume.total = u32::try_from(pieces.len()).unwrap_or(u32::MAX);
            resume.to_hash = pieces;
        }
        self.check_more(cx);
    }

    fn check_more(&mut self, cx: &mut Context) {
        let Some(resume) = &mut self.resume else { return };
        let at_once = (HASHING_BYTES / self.geometry.piece_length()).clamp(MIN_HASHING, MAX_HASHING);
        while resume.hashing < at_once
            && let Some(piece) = resume.to_hash.pop_front()
        {
            resume.hashing += 1;
            let extents = self.metainfo.layout().extents(self.geometry.piece_range(piece));
            let task = DiskTask::Digest { place: self.place, extents, hash: Sha1State::new().into() };
            cx.disk(self.id, task, Job::CheckPiece(piece));
        }
        if resume.hashing == 0 {
            self.check_ended(cx);
        }
    }

    /// A [`Job::CheckPiece`] has come to its end.
    pub(super) fn piece_checked(&mut self, cx: &mut Context, piece: PieceIndex, result: DiskResult) {
        let good = matches!(&result, Ok(DiskOutcome::Digest(digest)) if self.is_good(piece, digest));
        let Some(resume) = &mut self.resume else { return };
        resume.hashing -= 1;
        resume.summary.hashed += 1;
        match result {
            Ok(_) if good => {
                self.picker.set_have(piece);
                self.stats.progress = cx.now;
                let extents = self.metainfo.layout().extents(self.geometry.piece_range(piece));
                resume.unsynced.extend(extents.iter().filter(|e| !e.padding).map(|e| e.file));
            }
            Ok(_) => resume.bad.push(piece),
            Err(error) if matches!(error.kind, DiskErrorKind::Short | DiskErrorKind::NotFound) => {
                resume.bad.push(piece);
            }
            Err(error) => return self.fail_disk(cx, error),
        }
        if self.options.goal == Goal::Download && self.place == Place::Final && !self.is_clean_so_far() {
            return self.fail(cx, TorrentError::TargetInTheWay);
        }
        self.check_more(cx);
    }

    fn is_clean_so_far(&self) -> bool {
        self.resume.as_ref().is_none_or(|resume| resume.bad.is_empty())
    }

    fn check_ended(&mut self, cx: &mut Context) {
        let resume = self.resumed(cx);
        let (good, total) = (self.picker.have().count(), self.geometry.num_pieces());
        match self.options.goal {
            Goal::Verify => {
                let mut bad = resume.bad;
                bad.sort_unstable();
                cx.out.tell(Event::Checked { torrent: self.id, good, total, bad });
                self.stop(cx);
            }
            Goal::Seed if good < total || resume.wrong_size => {
                self.fail(cx, TorrentError::DataMismatch { good, total });
            }
            Goal::Seed => self.complete(cx),
            Goal::Download if self.place == Place::Final => {
                // A crash between the rename and the end left it behind.
                self.drop_journal(cx);
                self.complete(cx);
            }
            Goal::Download if resume.unclaimed && good == 0 => self.fail(cx, TorrentError::TargetInTheWay),
            Goal::Download => self.make_journal(cx, resume),
        }
    }
}
