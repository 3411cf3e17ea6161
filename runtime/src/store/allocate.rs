//! Sets aside space for a file that is about to be written.

use peerless_core::Allocation;
use rustix::io::Errno;
use std::os::fd::AsFd;

/// Gives a file its full length, and its blocks, as far as `allocation` asks for it. Never shortens.
pub(super) fn set_aside(file: impl AsFd, length: u64, allocation: Allocation) -> Result<(), Errno> {
    if allocation == Allocation::None {
        return Ok(());
    }
    let file = file.as_fd();
    let stat = rustix::fs::fstat(file)?;
    let current = u64::try_from(stat.st_size).unwrap_or(0);
    if allocation == Allocation::Full {
        // In blocks of 512 bytes, whatever the file system's own are.
        let reserved = u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(512);
        if reserved < length && current <= length {
            reserve(file, length, length - reserved)?;
        }
    }
    if current < length { rustix::fs::ftruncate(file, length) } else { Ok(()) }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn reserve(file: impl AsFd, length: u64, missing: u64) -> Result<(), Errno> {
    // Some file systems take every free block before they find that there are too few.
    let disk = rustix::fs::fstatvfs(&file)?;
    if missing > disk.f_bavail.saturating_mul(disk.f_frsize) {
        return Err(Errno::NOSPC);
    }
    match rustix::io::retry_on_intr(|| {
        rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, length)
    }) {
        // This file system cannot.
        Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => Ok(()),
        other => other,
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn reserve(_file: impl AsFd, _length: u64, _missing: u64) -> Result<(), Errno> {
    Ok(())
}
