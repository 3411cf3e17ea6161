//! The end of a download, in the one order that no crash can spoil: all writes done, empty files made,
//! everything synced, the rename, and only then the journal deleted and success told. A piece that is lost before the
//! rename makes it a download again.

use super::{Job, Torrent};
use crate::context::Context;
use crate::disk::{DiskResult, DiskTask, Place};
use crate::event::Phase;
use crate::ids::FileIndex;

/// How far the end of the download is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Finish {
    /// Not begun.
    #[default]
    Idle,
    /// Waiting for writes and records that are under way.
    Settling,
    /// Making what no write made: empty files, holes at the end.
    FillingUp,
    /// Syncing what is not synced yet.
    Syncing,
    /// Waiting for reads from the old name to end.
    Draining,
    /// Renaming.
    Publishing,
    /// Deleting the journal.
    Cleaning,
    /// Over.
    Done,
}

impl Finish {
    /// Whether an operation of the end is under way.
    pub(super) const fn has_job(self) -> bool {
        matches!(self, Self::FillingUp | Self::Publishing | Self::Cleaning)
    }

    /// Whether no read may be started: the files are about to change their name, or success is about to be told.
    pub(super) const fn holds_reads(self) -> bool {
        matches!(self, Self::Draining | Self::Publishing | Self::Cleaning)
    }
}

impl Torrent {
    /// Every piece is verified.
    pub(super) fn begin_finish(&mut self, cx: &mut Context) {
        self.enter(cx, Phase::Finishing);
        self.finish = Finish::Settling;
        self.finish_more(cx);
    }

    /// Takes the next step if nothing stands in its way any more.
    pub(super) fn finish_more(&mut self, cx: &mut Context) {
        if self.place == Place::Part && !self.picker.is_complete() {
            return self.leave_finish(cx);
        }
        let settled = self.data_jobs == 0 && !self.records.is_busy() && self.trouble.is_none();
        if self.finish == Finish::Settling && settled {
            self.fill_up(cx);
        }
        if self.finish == Finish::Syncing && !self.records.is_busy() {
            self.finish = Finish::Draining;
        }
        if self.finish == Finish::Draining && self.data_jobs == 0 && self.upload_reads == 0 {
            self.finish = Finish::Publishing;
            cx.disk(self.id, DiskTask::Publish, Job::Publish);
        }
    }

    /// Makes what no write made.
    pub(super) fn fill_up(&mut self, cx: &mut Context) {
        self.finish = Finish::FillingUp;
        cx.disk(self.id, DiskTask::FillUp, Job::FillUp);
    }

    /// A piece was lost before the rename: there is something to download again.
    fn leave_finish(&mut self, cx: &mut Context) {
        if self.finish.has_job() {
            return;
        }
        self.finish = Finish::Idle;
        self.enter(cx, Phase::Downloading);
        self.append_records(cx);
        self.look_for_lost(cx);
        self.serve_everyone(cx);
    }

    /// A job of the end has come to its own.
    pub(super) fn finish_step(&mut self, cx: &mut Context, job: &Job, result: DiskResult) {
        if let Err(error) = result {
            if *job == Job::DeleteJournal {
                // The data is in its place: the next run removes a journal left behind.
                self.published(cx);
            } else if *job == Job::FillUp && self.waits_for(&error) {
                self.finish = Finish::Settling;
                self.trouble_began(cx, error);
            } else {
                self.finish = Finish::Idle;
                self.fail_disk(cx, error);
            }
            self.after_disk(cx);
            return;
        }
        match job {
            Job::FillUp => {
                let files = (0..).map(FileIndex).zip(self.metainfo.layout().files());
                // The others were made by writes.
                let empty = files.filter(|(_, file)| !file.padding && file.length == 0);
                self.records.created(empty.map(|(n, _)| n));
                if self.phase == Phase::Stopping || !self.picker.is_complete() {
                    // The stop syncs and records what there is; the next run goes on from here.
                    self.finish = Finish::Idle;
                } else {
                    self.finish = Finish::Syncing;
                    self.sync_records(cx);
                }
            }
            Job::Publish => {
                self.place = Place::Final;
                self.finish = Finish::Cleaning;
                cx.disk(self.id, DiskTask::DeleteJournal, Job::DeleteJournal);
            }
            _ => self.published(cx),
        }
        self.after_disk(cx);
    }

    fn published(&mut self, cx: &mut Context) {
        self.finish = Finish::Done;
        self.complete(cx);
        self.serve_everyone(cx);
    }
}
