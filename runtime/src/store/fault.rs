//! What failed, where: an error before it has a path, and what the system's numbers mean.

use super::contents::DirIndex;
use peerless_core::{DiskErrorKind, FileIndex, Place};
use rustix::io::Errno;

/// Something of a torrent that stands on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum What {
    /// The directory in which the target stands.
    Base,
    /// A directory of the torrent itself.
    Dir(Place, DirIndex),
    /// A file of the torrent.
    File(Place, FileIndex),
    /// The journal, or the new one.
    Journal(Place),
}

/// An operation that failed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// On what.
    pub(super) at: What,
    /// Why.
    pub(super) kind: DiskErrorKind,
}

impl Fault {
    pub(super) const fn new(at: What, kind: DiskErrorKind) -> Self {
        Self { at, kind }
    }

    /// A rule of the contract that the caller broke: a bug.
    pub(super) fn bug(at: What, text: &str) -> Self {
        Self::new(at, DiskErrorKind::Other { code: 0, text: text.into() })
    }
}

/// Says on what a system call failed.
pub(super) trait At<T> {
    fn at(self, what: What) -> Result<T, Fault>;
}

impl<T> At<T> for Result<T, Errno> {
    fn at(self, what: What) -> Result<T, Fault> {
        self.map_err(|e| Fault::new(what, kind(e)))
    }
}

/// What the core calls an error of the file system.
pub(super) fn kind(error: Errno) -> DiskErrorKind {
    match error {
        Errno::NOSPC | Errno::DQUOT => DiskErrorKind::NoSpace,
        Errno::ACCESS | Errno::PERM => DiskErrorKind::Denied,
        Errno::ROFS => DiskErrorKind::ReadOnly,
        Errno::NOENT => DiskErrorKind::NotFound,
        Errno::LOOP => DiskErrorKind::Symlink,
        Errno::FBIG | Errno::NAMETOOLONG | Errno::OVERFLOW => DiskErrorKind::TooLarge,
        Errno::MFILE | Errno::NFILE => DiskErrorKind::TooManyFiles,
        Errno::EXIST | Errno::NOTEMPTY | Errno::NOTDIR | Errno::ISDIR | Errno::NXIO => {
            DiskErrorKind::InTheWay
        }
        _ => {
            let text = crate::net::system_text(&error.into());
            DiskErrorKind::Other { code: error.raw_os_error(), text }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_errors_that_the_core_acts_on_have_names() {
        assert_eq!(kind(Errno::NOSPC), DiskErrorKind::NoSpace);
        assert_eq!(kind(Errno::DQUOT), DiskErrorKind::NoSpace);
        assert_eq!(kind(Errno::ACCESS), DiskErrorKind::Denied);
        assert_eq!(kind(Errno::ROFS), DiskErrorKind::ReadOnly);
        assert_eq!(kind(Errno::FBIG), DiskErrorKind::TooLarge);
        assert_eq!(kind(Errno::MFILE), DiskErrorKind::TooManyFiles);
        let DiskErrorKind::Other { code, text } = kind(Errno::IO) else { panic!("EIO has no name") };
        assert_eq!((code, &*text), (Errno::IO.raw_os_error(), "Input/output error"));
    }
}
