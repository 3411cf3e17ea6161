//! What can go wrong with a session as a whole. Torrents fail by themselves, through events.

use peerless_core::{AddError, NetError};

/// Why a session cannot be opened, cannot take on a torrent, or cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// The engine does not take the torrent.
    #[error(transparent)]
    Add(#[from] AddError),
    /// Another torrent of this session has this target, or one inside it or around it.
    #[error("path: {0} belongs to another torrent of this session; choose another name")]
    TargetTaken(Box<str>),
    /// A target that names no file: empty, `/`, or ending in `..`.
    #[error("path: {0:?} is not the name of a file or directory; choose another")]
    TargetUnusable(Box<str>),
    /// The current directory, against which a relative target is meant, cannot be found out.
    #[error("path: the current directory cannot be found out: {0}")]
    NoCurrentDirectory(NetError),
    /// Something that is not a recording stands where one is to go, or another session records to it.
    #[error("path: {0} is there already and is not a finished recording; choose another name")]
    RecordingInTheWay(Box<str>),
    /// The recording's file would be one of the torrent's own, or stand inside or around them.
    #[error(
        "usage: the recording cannot be {path}: the torrent's own files stand there or beside {target}; choose another name"
    )]
    RecordingInTarget {
        /// The recording.
        path: Box<str>,
        /// The torrent's target.
        target: Box<str>,
    },
    /// A recording cannot be written.
    #[error("disk: cannot write the recording {path}: {error}")]
    RecordingUnusable {
        /// The file.
        path: Box<str>,
        /// Why not.
        error: NetError,
    },
    /// The operating system gives no randomness.
    #[error("unsupported: no randomness from the operating system: {0}")]
    NoEntropy(Box<str>),
    /// A thread could not be started.
    #[error("limit: cannot start a worker thread: {0}")]
    NoThread(NetError),
    /// There are not even the descriptors to begin with.
    #[error("limit: fewer than {0} descriptors are free; allow more of them (ulimit -n)")]
    TooFewDescriptors(usize),
    /// What the driver waits with (an epoll instance, for example) could not be made or failed.
    #[error("limit: cannot wait for sockets: {0}")]
    Poll(NetError),
}
