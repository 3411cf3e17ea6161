//! A bounded pool of open files and directories: what was used longest ago is closed first.

use super::fault::What;
use super::resident::Wait;
use crate::rlimit::Share;
use crate::workers::lock;
use peerless_core::TorrentId;
use std::collections::{BTreeMap, HashMap};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, OnceLock, RwLock, Weak};

/// Every pool of this process: descriptors are the process's, and one session is not to keep idle what another
/// lacks.
static ALL: Mutex<Vec<Weak<Pool>>> = Mutex::new(Vec::new());
/// Shared by the operations under way in this process; whoever lacked descriptors has it alone.
pub(super) static UNDER_WAY: RwLock<()> = RwLock::new(());

/// Something open. It is closed when the pool and everyone who uses it have let go of it.
#[derive(Debug)]
pub(super) struct Handle {
    fd: OwnedFd,
    /// Whether it was opened for writing too.
    pub(super) writable: bool,
    wait: OnceLock<Wait>,
}

impl Handle {
    pub(super) const fn new(fd: OwnedFd, writable: bool) -> Self {
        Self { fd, writable, wait: OnceLock::new() }
    }

    /// Finds out, once, whether reading it may wait for a disk. That itself may wait.
    pub(super) fn learn_wait(&self) {
        self.wait.get_or_init(|| Wait::of(self.fd.as_fd()));
    }

    /// What [`learn_wait`](Self::learn_wait) found.
    pub(super) fn known_wait(&self) -> Option<Wait> {
        self.wait.get().copied()
    }
}

impl AsFd for Handle {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// What is open of which torrent.
pub(super) type Key = (TorrentId, What);

/// How many handles a pool keeps open, at least 2: a file and its directory.
#[derive(Debug)]
pub(crate) enum Capacity {
    /// So many.
    Fixed(usize),
    /// What falls to the session.
    Share(Arc<Share>),
}

/// The pool. Its lock is held for lookups only; files are opened and closed outside of it.
#[derive(Debug)]
pub(super) struct Pool {
    capacity: Capacity,
    open: Mutex<Lru>,
}

#[derive(Debug, Default)]
struct Lru {
    handles: HashMap<Key, (Arc<Handle>, u64)>,
    /// The same by the time of their last use.
    order: BTreeMap<u64, Key>,
    clock: u64,
}

impl Pool {
    /// An empty pool.
    pub(super) fn new(capacity: Capacity) -> Arc<Self> {
        let pool = Arc::new(Self { capacity, open: Mutex::default() });
        let mut all = lock(&ALL);
        all.retain(|pool| pool.strong_count() > 0);
        all.push(Arc::downgrade(&pool));
        drop(all);
        pool
    }

    /// Closes what nobody uses, of all sessions of this process.
    pub(super) fn close_all_idle() {
        let all: Vec<_> = lock(&ALL).iter().filter_map(Weak::upgrade).collect();
        all.iter().for_each(|pool| pool.forget(|_| true));
    }

    pub(super) fn get(&self, key: Key) -> Option<Arc<Handle>> {
        let mut open = lock(&self.open);
        let Lru { handles, order, clock } = &mut *open;
        let (handle, used) = handles.get_mut(&key)?;
        order.remove(used);
        *clock += 1;
        *used = *clock;
        order.insert(*clock, key);
        Some(handle.clone())
    }

    /// Adds a handle, in the place of an older one with the same key.
    pub(super) fn put(&self, key: Key, handle: Handle) -> Arc<Handle> {
        let handle = Arc::new(handle);
        let capacity = match &self.capacity {
            Capacity::Fixed(most) => *most,
            Capacity::Share(share) => share.descriptors().files,
        };
        let mut closed = Vec::new();
        let mut open = lock(&self.open);
        closed.extend(open.remove(key));
        while open.handles.len() >= capacity.max(2) {
            let Some((_, &oldest)) = open.order.first_key_value() else { break };
            closed.extend(open.remove(oldest));
        }
        open.clock += 1;
        let now = open.clock;
        open.order.insert(now, key);
        open.handles.insert(key, (handle.clone(), now));
        // Closing may take long on a network's file system: not under the lock.
        drop(open);
        handle
    }

    /// Lets go of what `which` names.
    pub(super) fn forget(&self, which: impl Fn(&Key) -> bool) {
        let mut open = lock(&self.open);
        let keys: Vec<Key> = open.handles.keys().filter(|key| which(key)).copied().collect();
        let closed: Vec<_> = keys.into_iter().filter_map(|key| open.remove(key)).collect();
        drop(open);
        drop(closed);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        lock(&self.open).handles.len()
    }
}

impl Lru {
    fn remove(&mut self, key: Key) -> Option<Arc<Handle>> {
        let (handle, used) = self.handles.remove(&key)?;
        self.order.remove(&used);
        Some(handle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use peerless_core::{FileIndex, Place};

    fn key(n: u32) -> Key {
        (TorrentId(0), What::File(Place::Part, FileIndex(n)))
    }

    fn handle() -> Handle {
        Handle::new(tempfile::tempfile().unwrap().into(), true)
    }

    #[test]
    fn the_one_used_longest_ago_is_closed_first() {
        let pool = Pool::new(Capacity::Fixed(3));
        for n in 0..3 {
            pool.put(key(n), handle());
        }
        pool.get(key(0));
        pool.put(key(3), handle());
        assert!(pool.get(key(1)).is_none());
        assert!(pool.get(key(0)).is_some());
        assert_eq!(pool.len(), 3);
    }

    #[test]
    fn what_is_in_use_stays_open_after_it_left_the_pool() {
        let pool = Pool::new(Capacity::Fixed(2));
        let held = pool.put(key(0), handle());
        let weak = Arc::downgrade(&pool.put(key(1), handle()));
        pool.forget(|_| true);
        assert_eq!(pool.len(), 0);
        assert!(weak.upgrade().is_none(), "an idle handle is still open");
        assert!(rustix::fs::fstat(&held).is_ok());
    }

    #[test]
    fn a_new_handle_takes_the_place_of_the_old() {
        let pool = Pool::new(Capacity::Fixed(2));
        let old = Arc::downgrade(&pool.put(key(0), handle()));
        pool.put(key(0), handle());
        assert!(old.upgrade().is_none());
        assert_eq!(pool.len(), 1);
        assert_eq!(lock(&pool.open).order.len(), 1);
    }
}
