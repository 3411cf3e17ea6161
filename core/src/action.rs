//! What the engine asks of a driver: one enum, all values.

use crate::disk::DiskOp;
use crate::ids::{ConnId, JobId};
use alloc::boxed::Box;
use bytes::Bytes;
use core::net::SocketAddr;

/// Something to do, taken from [`Engine::poll_action`](crate::Engine::poll_action). None may be dropped,
/// and those of one connection are carried out in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Open a stream to `remote`. Answered by `Connected` or `ConnectFailed`.
    Connect {
        /// The number of the new connection.
        conn: ConnId,
        /// Where to.
        remote: SocketAddr,
        /// With TLS: the name that the certificate has to bear.
        tls: Option<Box<str>>,
    },
    /// Send these bytes after all that came before on the same connection. What has left is reported by
    /// `Sent`, in any portions.
    Send {
        /// On which connection.
        conn: ConnId,
        /// The bytes; several actions may be sent by one vectored call.
        data: Bytes,
    },
    /// Stop (`false`) or go on (`true`) reading from a connection. New connections are readable.
    SetReadable {
        /// Which connection.
        conn: ConnId,
        /// Whether to read.
        readable: bool,
    },
    /// Close a connection at once, dropping what is unsent. Nothing more is to be said of it.
    Close {
        /// Which connection.
        conn: ConnId,
    },
    /// Stop (`false`) or go on (`true`) accepting connections.
    SetAccepting {
        /// Whether to accept.
        accepting: bool,
    },
    /// Look up the addresses of a host. Answered by `Resolved`.
    Resolve {
        /// The number of the answer.
        job: JobId,
        /// A name in ASCII (punycode), never an address.
        host: Box<str>,
    },
    /// Carry out a disk operation where waiting for the disk holds up nothing else: on a worker, or at once what is known
    /// not to wait. Answered by `DiskDone`.
    Disk {
        /// The number of the answer.
        job: JobId,
        /// What to do.
        op: Box<DiskOp>,
    },
    /// The answer to this job is no longer wanted. It may be carried out and answered all the same.
    Cancel {
        /// Which job.
        job: JobId,
    },
}
