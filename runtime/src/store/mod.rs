//! The files of all torrents of a session: carries out disk operations, from any number of threads at once.
//!
//! Files are opened relative to the directory that the target stands in, element by element, without
//! following links ([`site`]); what is open is kept in a bounded [`pool`].

mod allocate;
mod contents;
mod durable;
mod fault;
mod finish;
mod journal;
mod pool;
mod site;
mod survey;
#[cfg(test)]
mod tests;
mod torrent;
mod transfer;

pub use contents::{Contents, StoredFile};
pub use transfer::Scratch;

use crate::error::SessionError;
use crate::net::net_error;
use fault::Fault;
use peerless_core::{DiskError, DiskErrorKind, DiskOp, DiskOutcome, DiskResult, DiskTask, TorrentId};
pub(crate) use pool::Capacity;
use pool::{Pool, UNDER_WAY};
use site::Site;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use torrent::{PLACES, Torrent, with_suffix};

/// Where the files of every torrent stand, with a bounded pool of open ones.
#[derive(Debug)]
pub struct Store {
    torrents: RwLock<BTreeMap<TorrentId, Arc<Torrent>>>,
    pool: Arc<Pool>,
}

impl Store {
    /// A store that keeps at most `max_open` files and directories open (at least 2) while nobody uses them.
    pub fn new(max_open: usize) -> Self {
        Self::with(Capacity::Fixed(max_open))
    }

    pub(crate) fn with(capacity: Capacity) -> Self {
        Self { torrents: RwLock::default(), pool: Pool::new(capacity) }
    }

    /// Closes the files and directories that no operation uses just now, of all stores of this process: there
    /// are no more descriptors. They are opened again when they are needed.
    pub fn close_idle() {
        Pool::close_all_idle();
    }

    /// Makes `target` absolute, and refuses it where it, or anything that stands beside it under one of the
    /// four [`Place`](peerless_core::Place)s, is in or around a registered torrent's.
    pub fn claim(&self, target: &Path) -> Result<PathBuf, SessionError> {
        let absolute = absolute(target)?;
        let ours = places(&absolute);
        let torrents = self.torrents.read().unwrap_or_else(PoisonError::into_inner);
        for theirs in torrents.values().flat_map(|torrent| torrent.paths()) {
            if ours.iter().any(|path| path.starts_with(&theirs) || theirs.starts_with(path)) {
                return Err(SessionError::TargetTaken(target.to_string_lossy().into()));
            }
        }
        Ok(absolute)
    }

    /// Makes a torrent known: its operations can be executed from now on. `target` is from
    /// [`claim`](Self::claim).
    pub fn register(&self, torrent: TorrentId, target: &Path, contents: Contents) {
        let known = Arc::new(Torrent::new(torrent, target, contents));
        self.torrents.write().unwrap_or_else(PoisonError::into_inner).insert(torrent, known);
    }

    /// Forgets a torrent, closes its files and lets go of its journal. Operations under way end as they would
    /// have.
    pub fn unregister(&self, torrent: TorrentId) {
        let known = self.torrents.write().unwrap_or_else(PoisonError::into_inner).remove(&torrent);
        self.pool.forget(|(id, _)| *id == torrent);
        // A long read is not to keep the target from whoever comes next. What changes the journal just now
        // keeps it until it is done, and is not waited for.
        if let Some(known) = known
            && let Ok(mut journal) = known.journal.try_lock()
        {
            *journal = Default::default();
        }
    }

    /// Carries out one operation; blocks until it is done.
    pub fn execute(&self, op: DiskOp, scratch: &mut Scratch) -> DiskResult {
        let action = op.task.verb();
        let torrents = self.torrents.read().unwrap_or_else(PoisonError::into_inner);
        let torrent = torrents.get(&op.torrent).cloned();
        drop(torrents);
        let Some(torrent) = torrent else {
            let path = "the files of a torrent that was removed".into();
            return Err(DiskError { action, path, kind: DiskErrorKind::NotFound });
        };
        let site = Site { pool: &self.pool, torrent: &torrent };
        let result = site.run_in_company(&op.task, scratch);
        result.map_err(|fault| torrent.error(action, fault))
    }
}

impl Site<'_> {
    /// Runs beside others; where that fails for want of descriptors, again when all others have ended. Whatever
    /// can fail so fails before it changes anything that a second run would not change likewise.
    fn run_in_company(&self, task: &DiskTask, scratch: &mut Scratch) -> Result<DiskOutcome, Fault> {
        let company = UNDER_WAY.read().unwrap_or_else(PoisonError::into_inner);
        let result = self.run(task, scratch);
        drop(company);
        if !matches!(&result, Err(Fault { kind: DiskErrorKind::TooManyFiles, .. })) {
            return result;
        }
        let _alone = UNDER_WAY.write().unwrap_or_else(PoisonError::into_inner);
        Pool::close_all_idle();
        self.run(task, scratch)
    }

    fn run(&self, task: &DiskTask, scratch: &mut Scratch) -> Result<DiskOutcome, Fault> {
        Ok(match task {
            DiskTask::Survey { place } => DiskOutcome::Survey(self.survey(*place)?),
            DiskTask::Write { extents, data, hash, allocation } => {
                DiskOutcome::Write(self.write(extents, data, *hash, *allocation)?)
            }
            DiskTask::Digest { place, extents, hash } => {
                DiskOutcome::Digest(self.digest(*place, extents, hash.clone(), scratch)?)
            }
            DiskTask::Read { place, extents } => {
                let (data, stamps) = self.read(*place, extents)?;
                DiskOutcome::Read { data, stamps }
            }
            DiskTask::Mend { extents, data, hash } => {
                let (hash, stamps) = self.mend(extents, data, *hash)?;
                DiskOutcome::Mend { hash, stamps }
            }
            DiskTask::Sync { files } => DiskOutcome::Sync(self.sync(files)?),
            DiskTask::LoadJournal { limit } => DiskOutcome::LoadJournal(self.lock_and_load_journal(*limit)?),
            DiskTask::StoreJournal { data } => {
                self.store_journal(data)?;
                DiskOutcome::StoreJournal
            }
            DiskTask::AppendJournal { data, sync } => {
                self.append_journal(data, *sync)?;
                DiskOutcome::AppendJournal
            }
            DiskTask::FillUp => {
                self.fill_up()?;
                DiskOutcome::FillUp
            }
            DiskTask::Publish => {
                self.publish()?;
                DiskOutcome::Publish
            }
            DiskTask::DeleteJournal => {
                self.delete_journal()?;
                DiskOutcome::DeleteJournal
            }
        })
    }
}

/// Where a target stands: an absolute path that has a name.
pub(crate) fn absolute(target: &Path) -> Result<PathBuf, SessionError> {
    let unusable = || SessionError::TargetUnusable(target.to_string_lossy().into());
    if target.as_os_str().is_empty() {
        return Err(unusable());
    }
    let absolute =
        std::path::absolute(target).map_err(|e| SessionError::NoCurrentDirectory(net_error(&e)))?;
    let absolute = match absolute.file_name() {
        Some(name) => resolve(absolute.parent().unwrap_or(&absolute)).join(name),
        None => absolute.canonicalize().map_err(|_| unusable())?,
    };
    if absolute.file_name().is_some() { Ok(absolute) } else { Err(unusable()) }
}

/// The four paths of a torrent at an [`absolute`] target.
pub(crate) fn places(target: &Path) -> [PathBuf; 4] {
    let name = target.file_name().unwrap_or_default();
    PLACES.map(|place| target.with_file_name(with_suffix(name, place)))
}

/// A directory's path without links, as far as it exists.
pub(crate) fn resolve(dir: &Path) -> PathBuf {
    for known in dir.ancestors() {
        if let (Ok(real), Ok(rest)) = (known.canonicalize(), dir.strip_prefix(known)) {
            return real.join(rest);
        }
    }
    dir.to_owned()
}
