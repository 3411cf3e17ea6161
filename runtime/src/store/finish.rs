//! Makes things last: syncs files and their names, fills up what is missing, renames the whole.

use super::contents::DirIndex;
use super::durable::{sync_data, sync_dir};
use super::fault::{At, Fault, What};
use super::pool::Handle;
use super::site::Site;
use super::survey::stamp;
use crate::workers::lock;
use peerless_core::{Allocation, DiskErrorKind, FileIndex, FileStamp, Place};
use rustix::fs::{AtFlags, FileType};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::sync::atomic::Ordering;

impl Site<'_> {
    /// Syncs files of the part, and the entries of all that was created so far.
    pub(super) fn sync(&self, files: &[FileIndex]) -> Result<Vec<FileStamp>, Fault> {
        let mut stamps = Vec::with_capacity(files.len());
        for &file in files {
            let leaf = self.leaf(file)?;
            if leaf.padding {
                stamps.push(FileStamp { len: 0, modified: 0 });
                continue;
            }
            let what = What::File(Place::Part, file);
            let handle = self.file_to_read(Place::Part, file)?;
            sync_data(&handle).at(what)?;
            stamps.push(stamp(&rustix::fs::fstat(&handle).at(what)?));
            self.torrent.note_dirs(leaf);
        }
        self.sync_entries()?;
        Ok(stamps)
    }

    /// Syncs every directory that has new entries, each once.
    fn sync_entries(&self) -> Result<(), Fault> {
        let _one_at_a_time = lock(&self.torrent.syncing_entries);
        let mut waiting = std::mem::take(&mut lock(&self.torrent.entries).unsynced);
        while let Some(&what) = waiting.first() {
            let synced = match what {
                What::Dir(place, dir) => self.dir(place, dir, false),
                _ => self.base(false),
            }
            .and_then(|dir| sync_dir(&dir).at(what));
            if let Err(fault) = synced {
                lock(&self.torrent.entries).unsynced.extend(waiting);
                return Err(fault);
            }
            waiting.pop_first();
        }
        Ok(())
    }

    /// Creates what is missing of the part, and gives every file its full length.
    pub(super) fn fill_up(&self) -> Result<(), Fault> {
        if !self.torrent.tree.is_single() {
            self.dir(Place::Part, DirIndex::ROOT, true)?;
        }
        for (leaf, n) in self.torrent.tree.files().iter().zip(0..) {
            if leaf.padding {
                continue;
            }
            let what = What::File(Place::Part, FileIndex(n));
            let (dir, name) = self.locate(Place::Part, FileIndex(n), true)?;
            if self.length_of(&dir, &name).at(what)? != Some(leaf.length) {
                // What is too short becomes longer when it is opened, unless it already was open.
                let file = self.file_to_write(FileIndex(n), Allocation::Sparse)?;
                super::allocate::set_aside(&file, leaf.length, Allocation::Sparse).at(what)?;
                if self.length_of(&dir, &name).at(what)? != Some(leaf.length) {
                    return Err(Fault::new(what, DiskErrorKind::InTheWay));
                }
            }
        }
        Ok(())
    }

    /// The length of a regular file; `None` for anything else.
    fn length_of(&self, dir: &Handle, name: &OsStr) -> Result<Option<u64>, Errno> {
        match rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile => {
                Ok(u64::try_from(stat.st_size).ok())
            }
            Ok(_) | Err(Errno::NOENT) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Renames the part to its final name. Done once, it only syncs when it is asked for again.
    pub(super) fn publish(&self) -> Result<(), Fault> {
        let base = self.base(false)?;
        if !self.torrent.published.load(Ordering::SeqCst) {
            self.sync_entries()?;
            self.torrent.publishing.store(true, Ordering::SeqCst);
            let [part, name] = [Place::Part, Place::Final].map(|place| self.torrent.name_of(place));
            self.rename(&base, &part, &name)?;
            self.torrent.published.store(true, Ordering::SeqCst);
            let torrent = self.torrent.id;
            self.pool.forget(|(id, what)| {
                *id == torrent && matches!(what, What::Dir(Place::Part, _) | What::File(Place::Part, _))
            });
        }
        sync_dir(&base).at(What::Base)
    }

    fn rename(&self, base: &Handle, part: &OsStr, name: &OsStr) -> Result<(), Fault> {
        let single = self.torrent.tree.is_single();
        let renamed = match rename_to_nothing(base, part, name) {
            // Onto a directory the system renames a directory only, and only if it is empty.
            Err(Errno::EXIST) if !single => rustix::fs::renameat(base, part, base, name),
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) if single => link_instead(base, part, name),
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                rustix::fs::renameat(base, part, base, name)
            }
            other => other,
        };
        renamed.map_err(|e| match e {
            Errno::NOENT => Fault::new(self.torrent.whole(Place::Part), DiskErrorKind::NotFound),
            e => Fault::new(self.torrent.whole(Place::Final), super::fault::kind(e)),
        })
    }
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn rename_to_nothing(base: &Handle, from: &OsStr, to: &OsStr) -> Result<(), Errno> {
    rustix::fs::renameat_with(base, from, base, to, rustix::fs::RenameFlags::NOREPLACE)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn rename_to_nothing(_base: &Handle, _from: &OsStr, _to: &OsStr) -> Result<(), Errno> {
    Err(Errno::NOSYS)
}

/// For file systems that cannot refuse to replace: a second name is never put on what exists. Without
/// second names either, a look beforehand is the best there is.
fn link_instead(base: &Handle, from: &OsStr, to: &OsStr) -> Result<(), Errno> {
    match rustix::fs::linkat(base, from, base, to, AtFlags::empty()) {
        Ok(()) => rustix::fs::unlinkat(base, from, AtFlags::empty()),
        Err(Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS) => {
            match rustix::fs::statat(base, to, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(_) => Err(Errno::EXIST),
                Err(Errno::NOENT) => rustix::fs::renameat(base, from, base, to),
                Err(e) => Err(e),
            }
        }
        Err(e) => Err(e),
    }
}
