//! What no driver does, a recording must not do either: answer what was not asked, or with something else.
//!
//! The engine relies on that. A recording may come from anybody, so its answers are looked at before the engine
//! sees them.

use crate::action::Action;
use crate::disk::{DiskOutcome, DiskTask, Extent};
use crate::hash::Sha1State;
use crate::ids::{ConnId, JobId};
use crate::input::Input;
use alloc::collections::{BTreeMap, BTreeSet};

/// What was asked for and not answered yet.
#[derive(Debug, Default)]
pub(super) struct Contract {
    jobs: BTreeMap<JobId, Ask>,
    /// The connections that were accepted and are not over.
    accepted: BTreeSet<ConnId>,
}

/// What an answer has to be like.
#[derive(Debug)]
enum Ask {
    Lookup,
    Survey,
    /// With the number of bytes hashed afterwards, where any are.
    Write(Option<u64>),
    /// Likewise, and whether digests of blocks are wanted.
    Digest(u64, bool),
    /// The number of bytes, and of extents: each has a stamp.
    Read(u64, usize),
    /// As of a write, and the number of extents.
    Mend(Option<u64>, usize),
    /// The number of files.
    Sync(usize),
    LoadJournal(u64),
    /// Anything else: the answer is only that it is done.
    Step,
}

impl Contract {
    /// The engine asks for something.
    pub(super) fn asked(&mut self, action: &Action) {
        match action {
            Action::Disk { job, op } => drop(self.jobs.insert(*job, Ask::of(&op.task))),
            Action::Resolve { job, .. } => drop(self.jobs.insert(*job, Ask::Lookup)),
            Action::Close { conn } => drop(self.accepted.remove(conn)),
            _ => {}
        }
    }

    /// Whether a driver may hand this in now.
    pub(super) fn allows(&mut self, input: &Input) -> bool {
        match input {
            Input::DiskDone { job, result } => {
                let Some(ask) = self.jobs.remove(job) else { return false };
                !matches!(ask, Ask::Lookup) && result.as_ref().map_or(true, |outcome| ask.fits(outcome))
            }
            Input::Resolved { job, .. } => matches!(self.jobs.remove(job), Some(Ask::Lookup)),
            Input::Accepted { conn, .. } => conn.is_accepted() && self.accepted.insert(*conn),
            Input::Closed { conn, .. } => {
                self.accepted.remove(conn);
                true
            }
            _ => true,
        }
    }
}

impl Ask {
    fn of(task: &DiskTask) -> Self {
        match task {
            DiskTask::Survey { .. } => Self::Survey,
            DiskTask::Write { extents, hash, .. } => Self::Write(hashed(*hash, extents)),
            DiskTask::Mend { extents, hash, .. } => Self::Mend(hashed(*hash, extents), extents.len()),
            DiskTask::Digest { extents, hash, .. } => {
                Self::Digest(hash.len().saturating_add(len(extents)), hash.wants_blocks())
            }
            DiskTask::Read { extents, .. } => Self::Read(len(extents), extents.len()),
            DiskTask::Sync { files } => Self::Sync(files.len()),
            DiskTask::LoadJournal { limit } => Self::LoadJournal(*limit),
            DiskTask::StoreJournal { .. }
            | DiskTask::AppendJournal { .. }
            | DiskTask::FillUp
            | DiskTask::Publish
            | DiskTask::DeleteJournal => Self::Step,
        }
    }

    fn fits(&self, outcome: &DiskOutcome) -> bool {
        match (self, outcome) {
            (Self::Survey, DiskOutcome::Survey(_)) => true,
            (Self::Write(hashed), DiskOutcome::Write(state)) => {
                state.is_none_or(|state| Some(state.len()) == *hashed)
            }
            (Self::Mend(hashed, extents), DiskOutcome::Mend { hash, stamps }) => {
                hash.is_none_or(|state| Some(state.len()) == *hashed) && stamps.len() == *extents
            }
            (Self::Digest(hashed, blocks), DiskOutcome::Digest(digest)) => {
                digest.len() == *hashed && digest.wants_blocks() == *blocks
            }
            (Self::Read(len, extents), DiskOutcome::Read { data, stamps }) => {
                data.len() as u64 == *len && stamps.len() == *extents
            }
            (Self::Sync(files), DiskOutcome::Sync(stamps)) => stamps.len() == *files,
            (Self::LoadJournal(limit), DiskOutcome::LoadJournal(data)) => {
                data.as_ref().is_none_or(|data| data.len() as u64 <= *limit)
            }
            (
                Self::Step,
                DiskOutcome::StoreJournal
                | DiskOutcome::AppendJournal
                | DiskOutcome::FillUp
                | DiskOutcome::Publish
                | DiskOutcome::DeleteJournal,
            ) => true,
            _ => false,
        }
    }
}

/// How many bytes are hashed after a write.
fn hashed(hash: Option<Sha1State>, extents: &[Extent]) -> Option<u64> {
    hash.map(|hash| hash.len().saturating_add(len(extents)))
}

fn len(extents: &[Extent]) -> u64 {
    extents.iter().fold(0, |sum, extent| sum.saturating_add(extent.len))
}
