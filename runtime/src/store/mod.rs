//! The files of all torrents of a session: carries out disk operations, from any number of threads at once.
//!
//! Files are opened relative to the directory that the target stands in, element by element, without
//! following links ([`site`]); what is open is kept in a bounded [`pool`].

mod allocate;
mod buffers;
mod contents;
mod digest;
mod durable;
mod fault;
mod finish;
mod journal;
mod pool;
mod resident;
mod site;
mod survey;
#[cfg(test)]
mod tests;
mod torrent;
mod transfer;

pub use contents::{Contents, StoredFile};
pub use transfer::Scratch;

use crate::error::SessionError;
use crate::hash::hash_together;
use crate::net::net_error;
use buffers::Buffers;
use digest::{Piece, digest_together};
use fault::Fault;
use peerless_core::{DiskError, DiskErrorKind, DiskOp, DiskOutcome, DiskResult, DiskTask, TorrentId};
pub(crate) use pool::Capacity;
use pool::{Pool, UNDER_WAY};
use site::Site;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::slice;
use std::sync::{Arc, PoisonError, RwLock};
use torrent::{PLACES, Torrent, with_suffix};

/// Where the files of every torrent stand, with a bounded pool of open ones.
#[derive(Debug)]
pub struct Store {
    torrents: RwLock<BTreeMap<TorrentId, Arc<Torrent>>>,
    pool: Arc<Pool>,
    buffers: Arc<Buffers>,
}

impl Store {
    /// A store that keeps at most `max_open` files and directories open (at least 2) while nobody uses them.
    pub fn new(max_open: usize) -> Self {
        Self::with(Capacity::Fixed(max_open))
    }

    pub(crate) fn with(capacity: Capacity) -> Self {
        Self { torrents: RwLock::default(), pool: Pool::new(capacity), buffers: Arc::default() }
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
    pub fn execute(&self, mut op: DiskOp, scratch: &mut Scratch) -> DiskResult {
        hash_data(slice::from_mut(&mut op));
        self.run(&op, self.find(op.torrent).as_deref(), scratch)
    }

    /// Carries out a read, if no disk has to be waited for: all of it is in memory, and its files are open. `None` where
    /// it has to be [executed](Self::execute), to be done or to fail.
    pub fn read_resident(&self, op: &DiskOp) -> Option<DiskOutcome> {
        let DiskTask::Read { place, extents } = &op.task else { return None };
        // Whoever lacks descriptors is not waited for either.
        let _company = UNDER_WAY.try_read().ok()?;
        let torrent = self.find(op.torrent)?;
        let (data, stamps) = self.site(&torrent).read_resident(*place, extents)?;
        Some(DiskOutcome::Read { data, stamps })
    }

    /// Carries out operations that [go together](goes_together); blocks until all are done. The results are in
    /// their order; one that fails does not hinder the others.
    pub(crate) fn execute_together(&self, mut ops: Vec<DiskOp>, scratch: &mut Scratch) -> Vec<DiskResult> {
        hash_data(&mut ops);
        let torrents: Vec<_> = ops.iter().map(|op| self.find(op.torrent)).collect();
        let pieces: Vec<_> = ops
            .iter()
            .zip(&torrents)
            .filter_map(|(op, torrent)| self.site(torrent.as_ref()?).piece(op))
            .collect();
        if pieces.len() < 2 {
            let run = |(op, torrent): (_, &Option<Arc<_>>)| self.run(op, torrent.as_deref(), scratch);
            return ops.iter().zip(&torrents).map(run).collect();
        }
        let company = UNDER_WAY.read().unwrap_or_else(PoisonError::into_inner);
        let mut digests = digest_together(pieces, scratch).into_iter();
        drop(company);
        let result = |(op, torrent): (&DiskOp, &Option<Arc<Torrent>>)| match torrent {
            Some(torrent) => match digests.next() {
                Some(Ok(digest)) => Ok(DiskOutcome::Digest(digest)),
                Some(Err(fault)) if fault.kind != DiskErrorKind::TooManyFiles => {
                    Err(torrent.error(op.task.verb(), fault))
                }
                // By itself it may be possible.
                _ => self.run(op, Some(torrent), scratch),
            },
            None => self.run(op, None, scratch),
        };
        ops.iter().zip(&torrents).map(result).collect()
    }

    fn find(&self, torrent: TorrentId) -> Option<Arc<Torrent>> {
        self.torrents.read().unwrap_or_else(PoisonError::into_inner).get(&torrent).cloned()
    }

    fn site<'a>(&'a self, torrent: &'a Torrent) -> Site<'a> {
        Site { pool: &self.pool, torrent, buffers: &self.buffers }
    }

    fn run(&self, op: &DiskOp, torrent: Option<&Torrent>, scratch: &mut Scratch) -> DiskResult {
        let action = op.task.verb();
        let Some(torrent) = torrent else {
            let path = "the files of a torrent that was removed".into();
            return Err(DiskError { action, path, kind: DiskErrorKind::NotFound });
        };
        let result = self.site(torrent).run_in_company(&op.task, scratch);
        result.map_err(|fault| torrent.error(action, fault))
    }
}

/// Whether two operations gain by being carried out together: pieces are hashed.
pub(crate) const fn goes_together(one: &DiskOp, other: &DiskOp) -> bool {
    use DiskTask::{Digest, Write};
    matches!(
        (&one.task, &other.task),
        (Digest { .. }, Digest { .. }) | (Write { hash: Some(_), .. }, Write { hash: Some(_), .. })
    )
}

/// Advances the digests of what is to be written, before it is.
fn hash_data(ops: &mut [DiskOp]) {
    hash_together(ops.iter_mut().filter_map(|op| match &mut op.task {
        DiskTask::Write { data, hash, .. } | DiskTask::Mend { data, hash, .. } => {
            Some((hash.as_mut()?, data.iter().map(|slice| &slice[..])))
        }
        _ => None,
    }));
}

impl<'a> Site<'a> {
    fn piece(self, op: &'a DiskOp) -> Option<Piece<'a>> {
        let DiskTask::Digest { place, extents, hash } = &op.task else { return None };
        Some(Piece::new(self, *place, extents, hash.clone()))
    }

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

    /// Carries it out. What is to be written has been hashed before.
    fn run(&self, task: &DiskTask, scratch: &mut Scratch) -> Result<DiskOutcome, Fault> {
        Ok(match task {
            DiskTask::Survey { place } => DiskOutcome::Survey(self.survey(*place)?),
            DiskTask::Write { extents, data, hash, allocation } => {
                self.write(extents, data, *allocation)?;
                DiskOutcome::Write(*hash)
            }
            DiskTask::Digest { place, extents, hash } => {
                let piece = Piece::new(*self, *place, extents, hash.clone());
                let digests = digest_together(vec![piece], scratch);
                DiskOutcome::Digest(digests.into_iter().collect::<Result<Vec<_>, _>>()?.remove(0))
            }
            DiskTask::Read { place, extents } => {
                let (data, stamps) = self.read(*place, extents)?;
                DiskOutcome::Read { data, stamps }
            }
            DiskTask::Mend { extents, data, hash } => {
                DiskOutcome::Mend { stamps: self.mend(extents, data)?, hash: *hash }
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
