//! A disk that refuses: what is worth waiting for, and what ends the torrent.

use super::Torrent;
use super::writes::Write;
use crate::context::Context;
use crate::disk::{DiskError, DiskErrorKind};
use crate::error::TorrentError;
use crate::event::{Event, Phase};
use crate::time::{Duration, Instant};
use crate::timers::TorrentTimer;
use alloc::vec::Vec;

/// How long to wait before a disk that refused is tried again.
const RETRY: Duration = Duration::from_secs(30);
/// The same where it was only descriptors that were missing.
const RETRY_DESCRIPTORS: Duration = Duration::from_secs(1);

/// A disk that is full or lacks descriptors, and what is to be written once it is not.
#[derive(Debug)]
pub(super) struct Trouble {
    /// Writes that wait for another try.
    pub(super) failed: Vec<Write>,
    pub(super) retry: Instant,
}

impl Torrent {
    /// Whether this is an error that time cures: descriptors come back by themselves, space where the user
    /// wants to wait for it.
    pub(super) fn waits_for(&self, error: &DiskError) -> bool {
        let curable = match error.kind {
            DiskErrorKind::TooManyFiles => true,
            DiskErrorKind::NoSpace => self.options.wait_disk,
            _ => false,
        };
        let at_work = matches!(self.phase, Phase::Checking | Phase::Downloading | Phase::Finishing);
        curable && (at_work || self.is_mending())
    }

    /// Stops what it is about, asking for blocks above all, until the disk takes what it refused.
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
    pub(super) fn retry_disk(&mut self, cx: &mut Context) {
        let Some(trouble) = &mut self.trouble else { return };
        for write in core::mem::take(&mut trouble.failed) {
            self.start_write(cx, write);
        }
        self.append_records(cx);
        if self.data_jobs > 0 || self.records.is_busy() {
            return;
        }
        // Neither a write nor a record failed: it was the first journal, or what is made at the end.
        match self.phase {
            Phase::Checking => self.store_journal(cx),
            Phase::Finishing => self.fill_up(cx),
            _ => self.check_trouble_over(cx),
        }
    }

    /// The disk took something: if nothing waits for another try or is being tried, asking goes on.
    pub(super) fn check_trouble_over(&mut self, cx: &mut Context) {
        let tries = self.data_jobs > 0 || self.records.is_busy() || self.finish.has_job();
        let is_over = |trouble: &Trouble| trouble.failed.is_empty() && trouble.retry <= cx.now && !tries;
        if self.trouble.as_ref().is_some_and(is_over) {
            self.trouble = None;
            cx.out.tell(Event::DiskRecovered { torrent: self.id });
            self.fill_hungry(cx);
        }
    }

    /// A disk error that is not worth waiting for.
    pub(super) fn fail_disk(&mut self, cx: &mut Context, error: DiskError) {
        if self.phase == Phase::Seeding {
            return self.stop_mending(cx, Some(error));
        }
        let (have, total) = (self.picker.have().count(), self.geometry.num_pieces());
        self.fail(cx, TorrentError::Disk { error, have, total });
    }
}
