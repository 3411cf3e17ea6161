//! Puts files and directories where a power cut leaves them.

use rustix::io::{Errno, retry_on_intr};
use std::os::fd::AsFd;

/// Syncs a file's bytes and its length.
pub(super) fn sync_data(file: impl AsFd) -> Result<(), Errno> {
    #[cfg(not(target_vendor = "apple"))]
    return retry_on_intr(|| rustix::fs::fdatasync(&file));
    #[cfg(target_vendor = "apple")]
    return retry_on_intr(|| rustix::fs::fcntl_fullfsync(&file));
}

/// Syncs a directory's entries. File systems that cannot (some that lie across a network) are taken to keep
/// them by themselves.
pub(super) fn sync_dir(dir: impl AsFd) -> Result<(), Errno> {
    match retry_on_intr(|| rustix::fs::fsync(&dir)) {
        Err(Errno::INVAL | Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
        other => other,
    }
}
