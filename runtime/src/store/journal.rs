//! The journal's file: replaced whole, added to record by record, never left with half a record in the middle.

use super::durable::{sync_data, sync_dir};
use super::fault::{At, Fault, What};
use super::pool::Handle;
use super::site::Site;
use super::transfer::write_all;
use crate::workers::lock;
use bytes::Bytes;
use peerless_core::{DiskErrorKind, Place};
use rustix::fs::{AtFlags, FileType, OFlags};
use rustix::io::Errno;
use std::io::IoSlice;
use std::sync::Arc;

const JOURNAL: What = What::Record(Place::Journal);
const NEW: What = What::Record(Place::JournalNew);

impl Site<'_> {
    /// The whole journal, if there is one.
    pub(super) fn load_journal(&self, limit: u64) -> Result<Option<Bytes>, Fault> {
        let file = match self.open_record(Place::Journal, OFlags::RDONLY) {
            Err(Fault { kind: DiskErrorKind::NotFound, .. }) => return Ok(None),
            other => other?,
        };
        let len = length(&file)?;
        let too_large = || Fault::new(JOURNAL, DiskErrorKind::TooLarge);
        let len = usize::try_from(len).ok().filter(|_| len <= limit).ok_or_else(too_large)?;
        let mut data = vec![0; len];
        let mut done = 0;
        while done < len {
            let into = &mut data[done..];
            match rustix::io::retry_on_intr(|| rustix::io::pread(&file, &mut *into, done as u64))
                .at(JOURNAL)?
            {
                0 => break,
                n => done += n,
            }
        }
        data.truncate(done);
        Ok(Some(data.into()))
    }

    /// Replaces the journal: at every moment the old one or the new one is there, whole.
    pub(super) fn store_journal(&self, data: &Bytes) -> Result<(), Fault> {
        let mut torn = lock(&self.torrent.torn_journal);
        let base = self.base(true)?;
        self.remove_own(Place::JournalNew)?;
        let new = self.open_record(Place::JournalNew, OFlags::RDWR | OFlags::CREATE | OFlags::EXCL)?;
        let new = Handle::new(new, true);
        write_all(&new, &mut [IoSlice::new(data)], 0).at(NEW)?;
        sync_data(&new).at(NEW)?;
        let names = [Place::JournalNew, Place::Journal].map(|place| self.torrent.name_of(place));
        rustix::fs::renameat(&base, &names[0], &base, &names[1]).at(JOURNAL)?;
        *torn = None;
        self.pool.put((self.torrent.id, JOURNAL), new);
        sync_dir(&base).at(What::Base)
    }

    /// Adds to the journal. What could not be added or synced whole is taken back.
    pub(super) fn append_journal(&self, data: &Bytes, sync: bool) -> Result<(), Fault> {
        let mut torn = lock(&self.torrent.torn_journal);
        let file = self.journal()?;
        if let Some(len) = *torn {
            rustix::fs::ftruncate(&file, len).at(JOURNAL)?;
            *torn = None;
        }
        let end = length(&file)?;
        let added = write_all(&file, &mut [IoSlice::new(data)], end)
            .and_then(|()| if sync { sync_data(&file) } else { Ok(()) });
        if added.is_err() && rustix::fs::ftruncate(&file, end).is_err() {
            *torn = Some(end);
        }
        added.at(JOURNAL)
    }

    /// Removes the journal, and a new one that was never finished.
    pub(super) fn delete_journal(&self) -> Result<(), Fault> {
        let mut torn = lock(&self.torrent.torn_journal);
        self.pool.forget(|key| *key == (self.torrent.id, JOURNAL));
        self.remove_own(Place::JournalNew)?;
        self.remove_own(Place::Journal)?;
        *torn = None;
        Ok(())
    }

    fn journal(&self) -> Result<Arc<Handle>, Fault> {
        let key = (self.torrent.id, JOURNAL);
        if let Some(handle) = self.pool.get(key) {
            return Ok(handle);
        }
        let file = self.open_record(Place::Journal, OFlags::RDWR)?;
        Ok(self.pool.put(key, Handle::new(file, true)))
    }

    /// Removes a file of ours, if it is there. Nothing but a file has our names by our doing.
    fn remove_own(&self, place: Place) -> Result<(), Fault> {
        let what = What::Record(place);
        let base = match self.base(false) {
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

fn length(file: impl std::os::fd::AsFd) -> Result<u64, Fault> {
    Ok(u64::try_from(rustix::fs::fstat(file).at(JOURNAL)?.st_size).unwrap_or(0))
}
