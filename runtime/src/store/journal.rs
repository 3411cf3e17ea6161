//! The journal's file: replaced whole, added to record by record, never left with half a record in the middle.
//!
//! It is locked from its first use until the torrent is forgotten, so that two processes never download to one
//! target: the second finds the lock before it has written anything.

use super::durable::{sync_data, sync_dir};
use super::fault::{At, Fault, What};
use super::pool::Handle;
use super::site::Site;
use super::transfer::write_all;
use crate::workers::lock;
use bytes::Bytes;
use peerless_core::{DiskErrorKind, Place};
use rustix::fs::{AtFlags, FileType, FlockOperation, OFlags};
use rustix::io::{Errno, retry_on_intr};
use std::io::IoSlice;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

const JOURNAL: What = What::Journal(Place::Journal);
const NEW: What = What::Journal(Place::JournalNew);
/// How often a journal is opened anew because somebody replaced it before we had its lock.
const MAX_TRIES: u32 = 8;

/// Room on the disk that is set aside for what is added to a journal: where data fills a disk, what is verified has still
/// to be recorded. More is set aside when half of it is used.
const RESERVE: u64 = 64 << 10;

/// The journal of a torrent of ours. Having it is what makes the download this process's own.
#[derive(Debug, Default)]
pub(super) struct Journal {
    /// `None` until it is first needed, and again once it is deleted.
    file: Option<Locked>,
    /// The length to cut it to before anything is added, where half a record could not be taken back.
    pub(super) torn: Option<u64>,
    /// Up to where the disk has room set aside for it.
    reserved: u64,
}

impl Journal {
    /// Sets room aside, ahead of the end. Where that cannot be, appending says so when it comes to it.
    fn reserve(&mut self, end: u64) {
        let Some(file) = self.file.as_ref().filter(|_| end + RESERVE / 2 > self.reserved) else { return };
        self.reserved = end + RESERVE;
        #[cfg(target_os = "linux")]
        let _ = rustix::fs::fallocate(file, rustix::fs::FallocateFlags::KEEP_SIZE, 0, self.reserved);
        #[cfg(not(target_os = "linux"))]
        let _ = file;
    }
}

/// An open file with an exclusive lock. The lock is advisory: it keeps away nobody but other sessions.
#[derive(Debug)]
struct Locked(OwnedFd);

impl Locked {
    fn new(file: OwnedFd) -> Result<Self, Fault> {
        match retry_on_intr(|| rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)) {
            Err(Errno::WOULDBLOCK) => Err(taken()),
            // A file system without locks, or one across a network that has nobody to keep them.
            Ok(()) | Err(Errno::NOLCK | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => Ok(Self(file)),
            Err(e) => Err(e).at(JOURNAL),
        }
    }
}

impl AsFd for Locked {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // Closing is not enough where a child that was just forked still has the descriptor.
        let _ = rustix::fs::flock(&self.0, FlockOperation::Unlock);
    }
}

impl Site<'_> {
    /// The whole journal, if there is one, which is ours from then on.
    pub(super) fn lock_and_load_journal(&self, limit: u64) -> Result<Option<Bytes>, Fault> {
        let mut journal = lock(&self.torrent.journal);
        let file = match self.own(&mut journal, false) {
            Err(Fault { kind: DiskErrorKind::NotFound, .. }) => return Ok(None),
            other => other?,
        };
        let len = length(file)?;
        let too_large = || Fault::new(JOURNAL, DiskErrorKind::TooLarge);
        let len = usize::try_from(len).ok().filter(|_| len <= limit).ok_or_else(too_large)?;
        let mut data = vec![0; len];
        let mut done = 0;
        while done < len {
            let into = &mut data[done..];
            match retry_on_intr(|| rustix::io::pread(file, &mut *into, done as u64)).at(JOURNAL)? {
                0 => break,
                n => done += n,
            }
        }
        data.truncate(done);
        // An empty one was made to be locked, and never written to.
        Ok((done > 0).then(|| data.into()))
    }

    /// Replaces the journal: at every moment the old one or the new one is there, whole.
    pub(super) fn store_journal(&self, data: &Bytes) -> Result<(), Fault> {
        let mut journal = lock(&self.torrent.journal);
        // Who has the lock on the old one may replace it; the new one is locked before anyone can find it.
        self.own(&mut journal, true)?;
        let base = self.journal_base(true)?;
        self.remove_own(Place::JournalNew)?;
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL;
        let new = Locked::new(self.open_journal(Place::JournalNew, flags)?)?;
        write_all(&new, &mut [IoSlice::new(data)], 0).at(NEW)?;
        sync_data(&new).at(NEW)?;
        let names = [Place::JournalNew, Place::Journal].map(|place| self.torrent.name_of(place));
        rustix::fs::renameat(&base, &names[0], &base, &names[1]).at(JOURNAL)?;
        *journal = Journal { file: Some(new), torn: None, reserved: 0 };
        journal.reserve(data.len() as u64);
        sync_dir(&base).at(JOURNAL)
    }

    /// Adds to the journal. What could not be added or synced whole is taken back.
    pub(super) fn append_journal(&self, data: &Bytes, sync: bool) -> Result<(), Fault> {
        let mut journal = lock(&self.torrent.journal);
        let torn = journal.torn;
        let file = self.own(&mut journal, false)?;
        if let Some(len) = torn {
            rustix::fs::ftruncate(file, len).at(JOURNAL)?;
        }
        let end = length(file)?;
        let added = write_all(file, &mut [IoSlice::new(data)], end)
            .and_then(|()| if sync { sync_data(file) } else { Ok(()) });
        let still_torn = added.is_err() && rustix::fs::ftruncate(file, end).is_err();
        journal.torn = still_torn.then_some(end);
        if added.is_ok() {
            journal.reserve(end + data.len() as u64);
        }
        added.at(JOURNAL)
    }

    /// Removes the journal, and a new one that was never finished.
    pub(super) fn delete_journal(&self) -> Result<(), Fault> {
        let mut journal = lock(&self.torrent.journal);
        match self.own(&mut journal, false) {
            Ok(_) | Err(Fault { kind: DiskErrorKind::NotFound, .. }) => {}
            Err(fault) => return Err(fault),
        }
        self.remove_own(Place::JournalNew)?;
        self.remove_own(Place::Journal)?;
        *journal = Journal::default();
        Ok(())
    }

    /// The journal's file, open and locked. With `create`, an empty one is made where there is none.
    fn own<'a>(&self, journal: &'a mut Journal, create: bool) -> Result<&'a Locked, Fault> {
        match &mut journal.file {
            Some(file) => Ok(file),
            none => Ok(none.insert(self.lock_journal(create)?)),
        }
    }

    fn lock_journal(&self, create: bool) -> Result<Locked, Fault> {
        let mut flags = OFlags::RDWR;
        flags.set(OFlags::CREATE, create);
        for _ in 0..MAX_TRIES {
            let file = Locked::new(self.open_journal(Place::Journal, flags)?)?;
            // Whoever had it until now may have put another in its place, or removed it.
            if self.is_in_place(&file)? {
                return Ok(file);
            }
        }
        Err(taken())
    }

    fn is_in_place(&self, file: &Locked) -> Result<bool, Fault> {
        let name = self.torrent.name_of(Place::Journal);
        let ours = rustix::fs::fstat(file).at(JOURNAL)?;
        match rustix::fs::statat(&*self.journal_base(false)?, &name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(there) => Ok((there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)),
            Err(Errno::NOENT) => Ok(false),
            Err(e) => Err(e).at(JOURNAL),
        }
    }

    /// The directory in which it stands. Where that cannot be had it is the journal that is told of.
    fn journal_base(&self, create: bool) -> Result<Arc<Handle>, Fault> {
        self.base(create).map_err(|fault| Fault::new(JOURNAL, fault.kind))
    }

    /// The journal or the new one, to be opened as `flags` say.
    fn open_journal(&self, place: Place, flags: OFlags) -> Result<OwnedFd, Fault> {
        let base = self.journal_base(flags.contains(OFlags::CREATE))?;
        self.open_file(&base, &self.torrent.name_of(place), flags, What::Journal(place))
    }

    /// Removes a file of ours, if it is there. Nothing but a file has our names by our doing.
    fn remove_own(&self, place: Place) -> Result<(), Fault> {
        let what = What::Journal(place);
        let base = match self.journal_base(false) {
            Err(Fault { kind: DiskErrorKind::NotFound, .. }) => return Ok(()),
            other => other?,
        };
        let name = self.torrent.name_of(place);
        let kind = match rustix::fs::statat(&base, &name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(()),
            other => FileType::from_raw_mode(other.at(what)?.st_mode),
        };
        match kind {
            FileType::RegularFile => match rustix::fs::unlinkat(&base, &name, AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => Ok(()),
                Err(e) => Err(e).at(what),
            },
            FileType::Symlink => Err(Fault::new(what, DiskErrorKind::Symlink)),
            _ => Err(Fault::new(what, DiskErrorKind::InTheWay)),
        }
    }
}

fn length(file: impl AsFd) -> Result<u64, Fault> {
    Ok(u64::try_from(rustix::fs::fstat(file).at(JOURNAL)?.st_size).unwrap_or(0))
}

fn taken() -> Fault {
    Fault::new(JOURNAL, DiskErrorKind::InUse)
}
