//! The files of all torrents of a session: carries out disk operations, from any number of threads at once.

mod contents;

pub use contents::{Contents, StoredFile};

use crate::error::SessionError;
use peerless_core::{DiskOp, DiskResult, TorrentId};
use std::path::{Path, PathBuf};

/// Memory that a worker uses again and again.
#[derive(Debug, Default)]
pub struct Scratch {}

/// Where the files of every torrent stand, with a bounded pool of open ones.
#[derive(Debug)]
pub struct Store {}

impl Store {
    /// A store that keeps at most `max_open` files and directories open (at least 2) while nobody uses them.
    pub fn new(_max_open: usize) -> Self {
        Self {}
    }

    /// Makes `target` absolute, and refuses it where it, or anything that stands beside it under one of the
    /// four [`Place`](peerless_core::Place)s, is in or around a registered torrent's.
    pub fn claim(&self, target: &Path) -> Result<PathBuf, SessionError> {
        Ok(target.to_owned())
    }

    /// Makes a torrent known: its operations can be executed from now on. `target` is from
    /// [`claim`](Self::claim).
    pub fn register(&self, _torrent: TorrentId, _target: PathBuf, _contents: Contents) {}

    /// Forgets a torrent and closes its files. Operations under way end as they would have.
    pub fn unregister(&self, _torrent: TorrentId) {}

    /// Carries out one operation; blocks until it is done.
    pub fn execute(&self, op: DiskOp, _scratch: &mut Scratch) -> DiskResult {
        unreachable!("{op:?}")
    }
}
