//! The start: what stands at the target, what an earlier run left, and how much of it can be trusted.
//!
//! Trust comes from the journal alone, and only for files that still look as they did when it was written.
//! Everything else that is there is hashed: slow, but no byte on the disk is fetched twice. What is not ours (by its
//! journal, by its length, or since not one piece of it is right) is in the way, and is left as it is.

use super::{Job, Torrent};
use crate::config::Goal;
use crate::context::Context;
use crate::disk::{DiskErrorKind, DiskOutcome, DiskResult, DiskTask, FileStamp, Place, Survey};
use crate::error::TorrentError;
use crate::event::{Event, Phase, ResumeSummary};
use crate::ids::{FileIndex, PieceIndex};
use crate::journal::{Replay, is_of_another, replay};
use crate::limits::MAX_JOURNAL;
use alloc::collections::{BTreeSet, VecDeque};
use alloc::vec::Vec;

/// What is known while the start is under way.
#[derive(Debug, Default)]
pub(super) struct Resume {
    /// What the survey found at the place that is being checked.
    pub(super) stamps: Vec<Option<FileStamp>>,
    /// Files of pieces that were found good by hashing: whether they ever reached the disk is not known.
    pub(super) unsynced: BTreeSet<FileIndex>,
    pub(super) to_hash: VecDeque<PieceIndex>,
    pub(super) hashing: u32,
    /// There is something, and no journal says that it is ours.
    pub(super) unclaimed: bool,
    /// A file of the target is missing, too short or too long.
    pub(super) wrong_size: bool,
    pub(super) total: u32,
    pub(super) bad: Vec<PieceIndex>,
    pub(super) summary: ResumeSummary,
}

impl Torrent {
    /// Begins with a look at the target.
    pub(super) fn begin_resume(&mut self, cx: &mut Context) {
        self.resume = Some(Resume::default());
        cx.disk(self.id, DiskTask::Survey { place: Place::Final }, Job::SurveyFinal);
    }

    /// A [`Job::SurveyFinal`] has come to its end.
    pub(super) fn final_surveyed(&mut self, cx: &mut Context, result: DiskResult) {
        match (result, self.options.goal) {
            (Err(error), _) => self.fail_disk(cx, error),
            (Ok(DiskOutcome::Survey(Survey::Absent)), Goal::Download) => {
                cx.disk(self.id, DiskTask::Survey { place: Place::Part }, Job::SurveyPart);
            }
            (Ok(DiskOutcome::Survey(Survey::Absent)), _) => self.fail(cx, TorrentError::TargetMissing),
            (Ok(DiskOutcome::Survey(Survey::Present(stamps))), goal) => {
                let wrong_size = !self.has_full_size(&stamps);
                if goal == Goal::Download && wrong_size {
                    self.fail(cx, TorrentError::TargetInTheWay);
                    return;
                }
                if let Some(resume) = &mut self.resume {
                    resume.wrong_size = wrong_size;
                }
                self.place = Place::Final;
                self.hash_what_is_there(cx, &stamps);
                self.stamps = stamps;
            }
            (Ok(_), _) => self.fail(cx, TorrentError::TargetInTheWay),
        }
    }

    /// Whether every file is there in its length: otherwise it cannot be this torrent, complete.
    fn has_full_size(&self, stamps: &[Option<FileStamp>]) -> bool {
        self.metainfo
            .layout()
            .files()
            .iter()
            .zip(stamps)
            .all(|(file, stamp)| file.padding || stamp.is_some_and(|s| s.len == file.length))
    }

    /// A [`Job::SurveyPart`] has come to its end.
    pub(super) fn part_surveyed(&mut self, cx: &mut Context, result: DiskResult) {
        match result {
            Err(error) => self.fail_disk(cx, error),
            Ok(DiskOutcome::Survey(Survey::Absent)) => {
                cx.disk(self.id, DiskTask::LoadJournal { limit: MAX_JOURNAL }, Job::LoadJournal);
            }
            Ok(DiskOutcome::Survey(Survey::Present(stamps))) if !self.has_excess(&stamps) => {
                if let Some(resume) = &mut self.resume {
                    resume.stamps = stamps;
                }
                cx.disk(self.id, DiskTask::LoadJournal { limit: MAX_JOURNAL }, Job::LoadJournal);
            }
            Ok(_) => self.fail(cx, TorrentError::TargetInTheWay),
        }
    }

    /// Whether a file is longer than we would ever make it.
    fn has_excess(&self, stamps: &[Option<FileStamp>]) -> bool {
        let files = self.metainfo.layout().files().iter().zip(stamps);
        files.into_iter().any(|(file, stamp)| stamp.is_some_and(|s| !file.padding && s.len > file.length))
    }

    /// A [`Job::LoadJournal`] has come to its end.
    pub(super) fn journal_loaded(&mut self, cx: &mut Context, result: DiskResult) {
        let data = match result {
            Ok(DiskOutcome::LoadJournal(data)) => data,
            Err(error) if error.kind != DiskErrorKind::TooLarge => return self.fail_disk(cx, error),
            _ => Some(bytes::Bytes::new()),
        };
        let Some(resume) = &mut self.resume else { return };
        let stamps = resume.stamps.clone();
        let info_hash = self.metainfo.info_hash();
        if data.as_deref().is_some_and(|data| is_of_another(data, &info_hash)) {
            return self.fail(cx, TorrentError::TargetInTheWay);
        }
        let journal = data.as_deref().and_then(|data| replay(data, &info_hash, self.geometry));
        resume.summary.journal_rejected = data.is_some() && journal.is_none();
        let is_something = stamps.iter().flatten().any(|stamp| stamp.len > 0);
        resume.unclaimed = journal.is_none() && (is_something || data.is_some());
        match journal {
            Some(journal) if !self.options.recheck => self.trust(cx, &journal, &stamps),
            _ => self.hash_what_is_there(cx, &stamps),
        }
    }

    /// Takes the journal's word for what it can prove, and hashes what it leaves in doubt.
    fn trust(&mut self, cx: &mut Context, journal: &Replay, stamps: &[Option<FileStamp>]) {
        let suspicious = self.changed_files(journal, stamps);
        let mut doubtful = VecDeque::new();
        let mut trusted = 0;
        for piece in self.geometry.pieces() {
            let in_order = journal.have.has(piece) && !self.touches(piece, &suspicious);
            if in_order && self.is_there(piece, stamps) {
                self.picker.set_have(piece);
                trusted += 1;
            } else if (journal.have.has(piece) || journal.in_doubt.has(piece)) && self.is_there(piece, stamps)
            {
                doubtful.push_back(piece);
            }
        }
        if let Some(resume) = &mut self.resume {
            resume.summary.trusted = trusted;
        }
        self.begin_check(cx, doubtful);
    }

    /// Files that somebody else wrote to since the journal was closed; or, after a crash, that are older or
    /// shorter than when they were last synced.
    fn changed_files(&self, journal: &Replay, stamps: &[Option<FileStamp>]) -> Vec<bool> {
        let changed = |(n, now): (usize, &Option<FileStamp>)| {
            let then = u32::try_from(n).ok().and_then(|n| journal.stamps.get(&FileIndex(n)));
            match (then, now) {
                (Some(then), Some(now)) if journal.closed => then != now,
                (Some(then), Some(now)) => now.len < then.len || now.modified < then.modified,
                // Without a stamp nothing is known of the file.
                (Some(_), None) | (None, Some(_)) => true,
                (None, None) => false,
            }
        };
        stamps.iter().enumerate().map(changed).collect()
    }

    fn touches(&self, piece: PieceIndex, files: &[bool]) -> bool {
        let mut extents = self.metainfo.layout().each_extent(self.geometry.piece_range(piece));
        extents.any(|e| files.get(e.file.as_usize()).is_some_and(|changed| *changed))
    }

    /// Whether the files are long enough to hold all of a piece.
    fn is_there(&self, piece: PieceIndex, stamps: &[Option<FileStamp>]) -> bool {
        // For each piece of a torrent, before the first request: nothing is allocated here.
        let mut extents = self.metainfo.layout().each_extent(self.geometry.piece_range(piece));
        extents.all(|e| {
            let stamp = stamps.get(e.file.as_usize()).copied().flatten();
            e.padding || stamp.is_some_and(|s| s.len >= e.offset + e.len)
        })
    }

    /// Hashes every piece that the files are long enough to hold.
    fn hash_what_is_there(&mut self, cx: &mut Context, stamps: &[Option<FileStamp>]) {
        let mut there = VecDeque::new();
        let mut bad = Vec::new();
        for piece in self.geometry.pieces() {
            if self.is_there(piece, stamps) {
                there.push_back(piece);
            } else {
                bad.push(piece);
            }
        }
        if let Some(resume) = &mut self.resume {
            resume.bad = bad;
        }
        self.begin_check(cx, there);
    }

    /// The start is over: tells what was found.
    pub(super) fn resumed(&mut self, cx: &mut Context) -> Resume {
        let mut resume = self.resume.take().unwrap_or_default();
        resume.summary.have = self.picker.have().count();
        cx.out.tell(Event::Resumed { torrent: self.id, summary: resume.summary });
        resume
    }

    /// What is there is known: a new journal says so. What was hashed may be in the page cache only, so it is
    /// synced before the journal names it.
    pub(super) fn make_journal(&mut self, cx: &mut Context, resume: Resume) {
        let files: Vec<FileIndex> = resume.unsynced.into_iter().collect();
        if !resume.stamps.is_empty() {
            self.stamps = resume.stamps;
        }
        if files.is_empty() {
            self.store_journal(cx);
        } else {
            cx.disk(self.id, DiskTask::Sync { files: files.clone() }, Job::SyncChecked(files));
        }
    }

    /// A [`Job::SyncChecked`] has come to its end.
    pub(super) fn checked_synced(&mut self, cx: &mut Context, files: &[FileIndex], result: DiskResult) {
        match result {
            Ok(DiskOutcome::Sync(stamps)) => {
                files.iter().zip(stamps).for_each(|(file, stamp)| self.set_stamp(*file, stamp));
                self.store_journal(cx);
            }
            Ok(_) => debug_assert!(false, "a sync was asked for"),
            Err(error) => self.fail_disk(cx, error),
        }
    }

    pub(super) fn store_journal(&self, cx: &mut Context) {
        let known =
            (0..).map(FileIndex).zip(&self.stamps).filter_map(|(file, stamp)| Some((file, (*stamp)?)));
        let data = self.records.writer().fresh(self.picker.have(), &known.collect::<Vec<_>>());
        cx.disk(self.id, DiskTask::StoreJournal { data }, Job::StoreJournal);
    }

    /// A [`Job::StoreJournal`] has come to its end: the download may begin.
    pub(super) fn journal_stored(&mut self, cx: &mut Context, result: DiskResult) {
        match result {
            Err(error) if self.waits_for(&error) => return self.trouble_began(cx, error),
            Err(error) => return self.fail_disk(cx, error),
            Ok(_) => {}
        }
        self.check_trouble_over(cx);
        self.enter(cx, Phase::Downloading);
        if self.picker.is_complete() {
            self.begin_finish(cx);
        } else {
            self.begin_network(cx);
        }
    }
}
