//! Reads what is in memory already and nothing else: it waits for no disk, so the thread of the sockets may do it, and
//! sends it on while it is in the processor's cache. What is not there, not open, or not right is left to a worker.
//! (That a file was read is noted by the system, by default once a day; this alone may wait for its journal.)

use super::fault::{Fault, What};
use super::pool::Handle;
use super::site::Site;
use super::transfer::pread;
use bytes::Bytes;
use peerless_core::{DiskErrorKind, Extent, FileStamp, Place};
use rustix::io::Errno;
use std::os::fd::{AsFd, BorrowedFd};

/// Whether to read a file is to wait for a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// Never: the file system is in memory. (Which can be swapped out; so can ours.)
    Never,
    /// Not where the system is told not to.
    Avoidable,
    /// Perhaps, and the file system cannot be told not to.
    Possible,
}

impl Wait {
    /// Asks the file system, which may take its time.
    pub(super) fn of(file: BorrowedFd<'_>) -> Self {
        if system::is_in_memory(file) {
            return Self::Never;
        }
        match system::read_now(file, &mut [0], 0) {
            Ok(_) | Err(Errno::AGAIN) => Self::Avoidable,
            Err(_) => Self::Possible,
        }
    }
}

impl Site<'_> {
    /// What [`Site::read`] would give; `None` where that would have to wait, or fails.
    pub(super) fn read_resident(&self, place: Place, extents: &[Extent]) -> Option<(Bytes, Vec<FileStamp>)> {
        let open = |extent: &Extent| {
            let what = What::File(place, extent.file);
            let known = self.pool.get((self.torrent.id, what));
            known.ok_or_else(|| Fault::new(what, DiskErrorKind::NotFound))
        };
        self.read_with(place, extents, open, read_now).ok()
    }
}

fn read_now(file: &Handle, into: &mut [u8], offset: u64) -> Result<usize, Errno> {
    match file.known_wait() {
        Some(Wait::Never) => pread(file, into, offset),
        Some(Wait::Avoidable) => system::read_now(file.as_fd(), into, offset),
        Some(Wait::Possible) | None => Err(Errno::AGAIN),
    }
}

#[cfg(target_os = "linux")]
mod system {
    use rustix::io::{Errno, ReadWriteFlags};
    use std::io::IoSliceMut;
    use std::os::fd::BorrowedFd;

    /// What the kernel calls `tmpfs` and `ramfs`.
    const IN_MEMORY: [u64; 2] = [0x0102_1994, 0x8584_58f6];

    pub(super) fn is_in_memory(file: BorrowedFd<'_>) -> bool {
        // The width and sign of the field differ from one machine to the next.
        rustix::fs::fstatfs(file)
            .is_ok_and(|system| IN_MEMORY.contains(&(system.f_type as u64 & 0xffff_ffff)))
    }

    pub(super) fn read_now(file: BorrowedFd<'_>, into: &mut [u8], offset: u64) -> Result<usize, Errno> {
        rustix::io::preadv2(file, &mut [IoSliceMut::new(into)], offset, ReadWriteFlags::NOWAIT)
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use rustix::io::Errno;
    use std::os::fd::BorrowedFd;

    pub(super) const fn is_in_memory(_file: BorrowedFd<'_>) -> bool {
        false
    }

    pub(super) const fn read_now(_: BorrowedFd<'_>, _into: &mut [u8], _offset: u64) -> Result<usize, Errno> {
        Err(Errno::NOSYS)
    }
}
