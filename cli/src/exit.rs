//! Exit codes, and the errors that lead to them. The codes are a promise to scripts: they never change.

use peerless_core::{AddError, DiskErrorKind, MetainfoError, TorrentError};
use std::fmt;

/// What the process tells its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done: downloaded, verified, created, shown.
    Complete,
    /// A fault of our own.
    Bug,
    /// The command line is wrong.
    Usage,
    /// The torrent is malformed, or of a kind that we cannot use.
    TorrentUnusable,
    /// There is nothing at the path of the torrent, or of the data to read.
    SourceNotFound,
    /// Something else stands where the result is to go.
    TargetInTheWay,
    /// The disk is full.
    NoSpace,
    /// The disk failed in another way.
    Storage,
    /// No socket can be opened.
    Network,
    /// Not complete when the time was over, or when too much was fetched in vain.
    Incomplete,
    /// The data is not what the torrent says.
    Mismatch,
    /// A replay came out differently than what was recorded.
    Diverged,
    /// Stopped by SIGINT (ctrl-c).
    Interrupted,
    /// Stopped by SIGTERM.
    Terminated,
}

impl Exit {
    /// The number that the process exits with.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Complete => 0,
            Self::Bug => 1,
            Self::Usage => 2,
            Self::TorrentUnusable => 3,
            Self::SourceNotFound => 4,
            Self::TargetInTheWay => 5,
            Self::NoSpace => 6,
            Self::Storage => 7,
            Self::Network => 8,
            Self::Incomplete => 9,
            Self::Mismatch => 10,
            Self::Diverged => 12,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }

    /// The same as one word, for `--json`.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Bug => "bug",
            Self::Usage => "usage",
            Self::TorrentUnusable => "torrent_unusable",
            Self::SourceNotFound => "source_not_found",
            Self::TargetInTheWay => "target_in_the_way",
            Self::NoSpace => "no_space",
            Self::Storage => "storage_error",
            Self::Network => "network_unusable",
            Self::Incomplete => "incomplete",
            Self::Mismatch => "mismatch",
            Self::Diverged => "diverged",
            Self::Interrupted => "interrupted",
            Self::Terminated => "terminated",
        }
    }

    /// The code for an I/O error on a file of ours.
    pub(crate) fn of_io(error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::NoSpace,
            _ => Self::Storage,
        }
    }

    fn of_disk(kind: &DiskErrorKind) -> Self {
        match kind {
            DiskErrorKind::NoSpace => Self::NoSpace,
            DiskErrorKind::InTheWay | DiskErrorKind::InUse | DiskErrorKind::Symlink => Self::TargetInTheWay,
            _ => Self::Storage,
        }
    }
}

/// Why a command failed: the exit code, and one sentence that begins with the class of the error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// What the process exits with.
    pub(crate) exit: Exit,
    /// For a person; may hold text from outside, so it is escaped when it is shown.
    pub(crate) message: String,
}

impl Failure {
    /// A failure with these words.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }

    /// An I/O error on a file of ours: what was tried, and on which path.
    pub(crate) fn io(action: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::new(Exit::of_io(error), format!("disk: cannot {action} {}: {}", path.display(), reason(error)))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<MetainfoError> for Failure {
    fn from(error: MetainfoError) -> Self {
        Self::new(Exit::TorrentUnusable, error.to_string())
    }
}

impl From<&AddError> for Failure {
    fn from(error: &AddError) -> Self {
        let exit = match error {
            AddError::VersionTwoOnly => Exit::TorrentUnusable,
            AddError::Duplicate => Exit::Usage,
            AddError::ShuttingDown => Exit::Interrupted,
        };
        Self::new(exit, error.to_string())
    }
}

impl From<&TorrentError> for Failure {
    fn from(error: &TorrentError) -> Self {
        let exit = match error {
            TorrentError::TargetInTheWay => Exit::TargetInTheWay,
            TorrentError::DataMismatch { .. } => Exit::Mismatch,
            TorrentError::TargetMissing => Exit::SourceNotFound,
            TorrentError::Disk { error, .. } => Exit::of_disk(&error.kind),
            TorrentError::TimedOut(_) | TorrentError::Stalled(_) | TorrentError::Overfetched(_) => {
                Exit::Incomplete
            }
        };
        Self::new(exit, error.to_string())
    }
}

/// An I/O error in the system's words, without Rust's "(os error 13)".
pub(crate) fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    let end = text.find(" (os error").unwrap_or(text.len());
    text[..end].to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use peerless_core::DiskError;

    #[test]
    fn every_disk_error_has_its_exit_code() {
        let exit = |kind| {
            let error = DiskError { action: "write", path: "x".into(), kind };
            Failure::from(&TorrentError::Disk { error, have: 1, total: 2 }).exit.code()
        };
        assert_eq!(exit(DiskErrorKind::NoSpace), 6);
        assert_eq!(exit(DiskErrorKind::InTheWay), 5);
        assert_eq!(exit(DiskErrorKind::Denied), 7);
        assert_eq!(exit(DiskErrorKind::ReadOnly), 7);
        assert_eq!(exit(DiskErrorKind::Other { code: 5, text: "input/output error".into() }), 7);
    }

    #[test]
    fn a_timeout_is_incomplete_and_wrong_data_a_mismatch() {
        let timeout = TorrentError::Stalled(std::time::Duration::from_secs(3));
        assert_eq!(Failure::from(&timeout).exit.code(), 9);
        let overfetched = peerless_core::Overfetched { fetched: 3, wanted: 1, corrupt: 0 };
        assert_eq!(Failure::from(&TorrentError::from(overfetched)).exit.code(), 9);
        assert_eq!(Failure::from(&TorrentError::DataMismatch { good: 1, total: 2 }).exit.code(), 10);
        assert_eq!(Failure::from(&TorrentError::TargetMissing).exit.code(), 4);
        assert_eq!(Failure::from(&TorrentError::TargetInTheWay).exit.code(), 5);
    }

    #[test]
    fn system_errors_lose_their_number() {
        let error = std::io::Error::from_raw_os_error(13);
        assert_eq!(reason(&error), "permission denied");
    }
}
