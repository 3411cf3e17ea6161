//! What a driver tells the engine: one enum, all values.

use crate::disk::DiskResult;
use crate::ids::{ConnId, JobId};
use alloc::boxed::Box;
use alloc::vec::Vec;
use bytes::Bytes;
use core::net::{IpAddr, SocketAddr};

/// Something that happened outside. Handed to [`Engine::handle`](crate::Engine::handle).
///
/// Inputs for a connection or job that the engine has given up are recognised and dropped, so a driver need
/// not race to withdraw them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The driver listens for peers on this address. Said once for each listening socket, at the start.
    Listening {
        /// The address, with the port that trackers are to be told.
        local: SocketAddr,
    },
    /// An [`Action::Connect`](crate::Action::Connect) succeeded (for TLS: the TCP part did, at least).
    Connected {
        /// Which.
        conn: ConnId,
        /// Our end of it.
        local: SocketAddr,
    },
    /// An [`Action::Connect`](crate::Action::Connect) failed. The connection is gone.
    ConnectFailed {
        /// Which.
        conn: ConnId,
        /// Why.
        error: NetError,
    },
    /// A peer connected to us. `conn` is made with [`ConnId::accepted`].
    Accepted {
        /// A number that the driver has not used before.
        conn: ConnId,
        /// The other side.
        remote: SocketAddr,
    },
    /// A connection could not be accepted.
    AcceptFailed {
        /// Why.
        error: NetError,
    },
    /// Bytes arrived. The engine keeps slices of `data`, so a driver that recycles its buffers does so
    /// through the reference count of [`Bytes`].
    Received {
        /// On which connection.
        conn: ConnId,
        /// The next bytes of the stream; not empty.
        data: Bytes,
    },
    /// So many more bytes of what was given in [`Action::Send`](crate::Action::Send) have been handed to the
    /// operating system.
    Sent {
        /// On which connection.
        conn: ConnId,
        /// How many.
        bytes: usize,
    },
    /// The other side closed the connection (`error` is `None`), or it broke. The connection is gone.
    Closed {
        /// Which.
        conn: ConnId,
        /// Why, unless the other side closed it in order.
        error: Option<NetError>,
    },
    /// The answer to [`Action::Resolve`](crate::Action::Resolve).
    Resolved {
        /// Which.
        job: JobId,
        /// The addresses, best first; or why there are none.
        result: Result<Vec<IpAddr>, ResolveError>,
    },
    /// The answer to [`Action::Disk`](crate::Action::Disk).
    DiskDone {
        /// Which.
        job: JobId,
        /// What it found, or why it failed.
        result: DiskResult,
    },
    /// Time has passed. Needed when [`Engine::poll_timeout`](crate::Engine::poll_timeout) is reached and
    /// nothing else happened; harmless at any other time.
    Timeout,
}

/// Why a connection could not be opened or broke.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum NetError {
    /// The other side refused.
    #[error("connection refused")]
    Refused,
    /// No answer in time.
    #[error("no answer in time")]
    TimedOut,
    /// No way to that host or network.
    #[error("host or network unreachable")]
    Unreachable,
    /// The other side, or something between, broke the connection.
    #[error("connection reset")]
    Reset,
    /// No local port is left for another connection.
    #[error("no local port left")]
    NoPort,
    /// The process or the system has no more descriptors.
    #[error("too many open files")]
    TooManyFiles,
    /// Forbidden by a firewall or a policy of the system.
    #[error("not permitted")]
    Denied,
    /// TLS failed: a certificate, a version, a name.
    #[error("TLS: {0}")]
    Tls(Box<str>),
    /// Anything else, in the system's words.
    #[error("{text}")]
    Other {
        /// `errno`, or 0.
        code: i32,
        /// What the system calls it.
        text: Box<str>,
    },
}

/// Why a name has no address.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ResolveError {
    /// The name does not exist.
    #[error("no such host")]
    NotFound,
    /// It could not be found out now.
    #[error("name lookup failed: {0}")]
    Failed(Box<str>),
}
