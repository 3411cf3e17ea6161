//! Opens the files and directories of one torrent, one element at a time, and follows no link on the way.

use super::buffers::Buffers;
use super::contents::{DirIndex, Leaf};
use super::durable::sync_dir;
use super::fault::{At, Fault, What};
use super::pool::{Handle, Pool};
use super::torrent::Torrent;
use crate::workers::lock;
use peerless_core::{Allocation, DiskErrorKind, FileIndex, Place};
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;
use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// One torrent's files, for the time of one operation.
#[derive(Clone, Copy)]
pub(super) struct Site<'a> {
    pub(super) pool: &'a Pool,
    pub(super) torrent: &'a Torrent,
    pub(super) buffers: &'a Arc<Buffers>,
}

/// `O_NONBLOCK` changes nothing for files and directories; without it a planted pipe would hang the worker.
const ALWAYS: OFlags = OFlags::CLOEXEC.union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

impl Site<'_> {
    /// The directory in which the target stands. Its own path is the user's: links are followed there.
    pub(super) fn base(&self, create: bool) -> Result<Arc<Handle>, Fault> {
        let key = (self.torrent.id, What::Base);
        if let Some(handle) = self.pool.get(key) {
            return Ok(handle);
        }
        let path = &self.torrent.base;
        let open = || rustix::fs::open(path, ALWAYS | OFlags::DIRECTORY, Mode::empty());
        let fd = match self.opening(open) {
            Err(Errno::NOENT) if create => {
                make_with_parents(path).at(What::Base)?;
                self.opening(open)
            }
            other => other,
        };
        Ok(self.pool.put(key, Handle::new(fd.at(What::Base)?, false)))
    }

    /// A directory of the torrent.
    pub(super) fn dir(&self, place: Place, dir: DirIndex, create: bool) -> Result<Arc<Handle>, Fault> {
        let what = What::Dir(place, dir);
        let key = (self.torrent.id, what);
        if let Some(handle) = self.pool.get(key) {
            return Ok(handle);
        }
        let (parent, name) = match self.torrent.tree.parent(dir) {
            None => (self.base(create)?, Cow::Owned(self.torrent.name_of(place))),
            Some((parent, name)) => {
                (self.dir(place, parent, create)?, Cow::Borrowed(element(name).at(what)?))
            }
        };
        let mut flags = ALWAYS | OFlags::DIRECTORY;
        flags.set(OFlags::NOFOLLOW, !self.may_be_link(what));
        let open = || rustix::fs::openat(&parent, &*name, flags, Mode::empty());
        let fd = match self.opening(open) {
            Err(Errno::NOENT) if create => {
                let mut entries = lock(&self.torrent.entries);
                match rustix::fs::mkdirat(&parent, &*name, Mode::from_raw_mode(0o777)) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(e) => return Err(e).at(what),
                }
                entries.unsynced.insert(self.torrent.above(place, dir));
                drop(entries);
                self.opening(open)
            }
            other => other,
        };
        let fd = fd.map_err(|e| self.why_not(e, &parent, &name, what))?;
        Ok(self.pool.put(key, Handle::new(fd, false)))
    }

    /// A file of the torrent, to read. Missing at [`Place::Part`] it is looked for at [`Place::Final`] once
    /// that rename may have happened.
    pub(super) fn file_to_read(&self, place: Place, file: FileIndex) -> Result<Arc<Handle>, Fault> {
        match self.existing_file(place, file) {
            Err(Fault { kind: DiskErrorKind::NotFound, .. })
                if place == Place::Part && self.torrent.publishing.load(Ordering::SeqCst) =>
            {
                self.existing_file(Place::Final, file)
            }
            other => other,
        }
    }

    fn existing_file(&self, place: Place, file: FileIndex) -> Result<Arc<Handle>, Fault> {
        let what = What::File(place, file);
        if let Some(handle) = self.pool.get((self.torrent.id, what)) {
            return Ok(handle);
        }
        let (dir, name) = self.locate(place, file, false)?;
        let fd = self.open_file(&dir, &name, OFlags::RDONLY, what)?;
        Ok(self.pool.put((self.torrent.id, what), Handle::new(fd, false)))
    }

    /// A file of [`Place::Part`], to write. It is created with its directories where it is missing, and
    /// space is set aside for it. Nothing is ever cut off.
    pub(super) fn file_to_write(
        &self,
        file: FileIndex,
        allocation: Allocation,
    ) -> Result<Arc<Handle>, Fault> {
        let what = What::File(Place::Part, file);
        let key = (self.torrent.id, what);
        if let Some(handle) = self.pool.get(key).filter(|h| h.writable) {
            return Ok(handle);
        }
        let leaf = self.leaf(file)?;
        let (dir, name) = self.locate(Place::Part, file, true)?;
        let fd = match self.open_file(&dir, &name, OFlags::RDWR, what) {
            Err(Fault { kind: DiskErrorKind::NotFound, .. }) => {
                // Locked meanwhile: whoever finds the file and then syncs it also finds the note.
                let mut entries = lock(&self.torrent.entries);
                let fd = self.open_file(&dir, &name, OFlags::RDWR | OFlags::CREATE, what)?;
                entries.unsynced.insert(self.torrent.dir_of(Place::Part, leaf));
                fd
            }
            other => other?,
        };
        super::allocate::set_aside(&fd, leaf.length, allocation).at(what)?;
        Ok(self.pool.put(key, Handle::new(fd, true)))
    }

    /// A file of [`Place::Final`], to write over parts of it. It is never created, what was cut off of it is there
    /// again as a hole, and neither it nor the whole may be a link: that is the user's, and leads to what is not ours.
    pub(super) fn file_to_mend(&self, file: FileIndex) -> Result<Arc<Handle>, Fault> {
        let what = What::File(Place::Final, file);
        let key = (self.torrent.id, what);
        if let Some(handle) = self.pool.get(key).filter(|h| h.writable) {
            return Ok(handle);
        }
        let whole = rustix::fs::statat(
            &*self.base(false)?,
            self.torrent.name_of(Place::Final),
            AtFlags::SYMLINK_NOFOLLOW,
        )
        .at(self.torrent.whole(Place::Final))?;
        if FileType::from_raw_mode(whole.st_mode) == FileType::Symlink {
            return Err(Fault::new(self.torrent.whole(Place::Final), DiskErrorKind::Symlink));
        }
        let leaf = self.leaf(file)?;
        let (dir, name) = self.locate(Place::Final, file, false)?;
        let fd = self.open_file(&dir, &name, OFlags::RDWR | OFlags::NOFOLLOW, what)?;
        super::allocate::set_aside(&fd, leaf.length, Allocation::Sparse).at(what)?;
        Ok(self.pool.put(key, Handle::new(fd, true)))
    }

    /// The directory and name of a file.
    pub(super) fn locate(
        &self,
        place: Place,
        file: FileIndex,
        create: bool,
    ) -> Result<(Arc<Handle>, Cow<'_, OsStr>), Fault> {
        let leaf = self.leaf(file)?;
        if self.torrent.tree.is_single() {
            return Ok((self.base(create)?, Cow::Owned(self.torrent.name_of(place))));
        }
        let name = element(&leaf.name).at(What::File(place, file))?;
        Ok((self.dir(place, leaf.dir, create)?, Cow::Borrowed(name)))
    }

    pub(super) fn leaf(&self, file: FileIndex) -> Result<&Leaf, Fault> {
        let leaf = self.torrent.tree.files().get(file.as_usize());
        leaf.ok_or_else(|| Fault::bug(self.torrent.whole(Place::Part), "no such file in the torrent"))
    }

    /// Something that has to be a file.
    pub(super) fn open_file(
        &self,
        dir: &Handle,
        name: &OsStr,
        flags: OFlags,
        what: What,
    ) -> Result<OwnedFd, Fault> {
        let mut flags = flags | ALWAYS;
        if !self.may_be_link(what) {
            flags |= OFlags::NOFOLLOW;
        }
        let fd = self
            .opening(|| rustix::fs::openat(dir, name, flags, Mode::from_raw_mode(0o666)))
            .map_err(|e| self.why_not(e, dir, name, what))?;
        let stat = rustix::fs::fstat(&fd).at(what)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(Fault::new(what, DiskErrorKind::InTheWay));
        }
        Ok(fd)
    }

    /// What the user named may be a link to where the data really is. It is only ever read from.
    pub(super) fn may_be_link(&self, what: What) -> bool {
        what == self.torrent.whole(Place::Final)
    }

    /// A link gives different errors for files and directories, and from one system to the next.
    fn why_not(&self, error: Errno, dir: &Handle, name: &OsStr, what: What) -> Fault {
        let refused = matches!(error, Errno::NOTDIR | Errno::LOOP | Errno::MLINK);
        if refused && !self.may_be_link(what) {
            let stat = rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW);
            let link = stat.is_ok_and(|s| FileType::from_raw_mode(s.st_mode) == FileType::Symlink);
            let kind = if link { DiskErrorKind::Symlink } else { DiskErrorKind::InTheWay };
            return Fault::new(what, kind);
        }
        Fault::new(what, super::fault::kind(error))
    }

    /// Opens something. When there are no more descriptors, idle ones are closed for it, once: another operation
    /// may be quicker to take what became free.
    fn opening(&self, open: impl Fn() -> Result<OwnedFd, Errno>) -> Result<OwnedFd, Errno> {
        match rustix::io::retry_on_intr(&open) {
            Err(Errno::MFILE | Errno::NFILE) => {
                Pool::close_all_idle();
                rustix::io::retry_on_intr(&open)
            }
            other => other,
        }
    }
}

/// A name that is one element of a path, and not a step up. The core makes no others; this is the second wall.
pub(super) fn element(name: &str) -> Result<&OsStr, Errno> {
    let step = matches!(name, "" | "." | "..");
    if step || name.contains(['/', '\0']) { Err(Errno::PERM) } else { Ok(OsStr::new(name)) }
}

/// Creates a directory and those above it, each synced into the one above.
fn make_with_parents(path: &Path) -> Result<(), Errno> {
    let missing: Vec<&Path> = path.ancestors().take_while(|p| !p.exists()).collect();
    for dir in missing.into_iter().rev() {
        match rustix::fs::mkdir(dir, Mode::from_raw_mode(0o777)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(e) => return Err(e),
        }
        if let Some(above) = dir.parent() {
            sync_dir(rustix::fs::open(above, ALWAYS | OFlags::DIRECTORY, Mode::empty())?)?;
        }
    }
    Ok(())
}
