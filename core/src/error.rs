//! What can go wrong, by who is to blame: the torrent, a peer, the disk, the caller.

use crate::disk::DiskError;
use crate::input::NetError;
use crate::torrent::Overfetched;
use crate::wire::WireError;
use core::time::Duration;

/// A torrent that was not taken on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddError {
    /// Version 2 only: shown, but not yet downloaded.
    #[error("unsupported: this torrent is version 2 only (BEP 52); a hybrid or version 1 torrent is needed")]
    VersionTwoOnly,
    /// The engine has it already.
    #[error("usage: this torrent is already being downloaded or seeded")]
    Duplicate,
    /// The engine is shutting down.
    #[error("interrupted: the session is shutting down")]
    ShuttingDown,
}

/// Why a torrent cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TorrentError {
    /// Something that is not this torrent's data stands at the target; it was not touched.
    #[error(
        "path: something else stands at the target, or under its name with .part, and it is not this torrent's data; move \
         it or choose another name"
    )]
    TargetInTheWay,
    /// The data to seed does not match.
    #[error(
        "path: the data does not match the torrent ({good} of {total} pieces do, or a file has another length)"
    )]
    DataMismatch {
        /// Pieces that match.
        good: u32,
        /// All pieces.
        total: u32,
    },
    /// There is nothing at the target to seed or verify.
    #[error("path: there is nothing at that path")]
    TargetMissing,
    /// The disk failed, and it is not worth waiting.
    #[error("{error} ({have} of {total} pieces verified and kept)")]
    Disk {
        /// What failed.
        error: DiskError,
        /// Pieces verified. Their data is kept; what could not be recorded is hashed by the next run.
        have: u32,
        /// All pieces.
        total: u32,
    },
    /// Not complete within [`TorrentOptions::timeout`](crate::TorrentOptions::timeout).
    #[error("interrupted: not complete after {0:?}; run the same command again to go on")]
    TimedOut(Duration),
    /// No progress within [`TorrentOptions::stall_timeout`](crate::TorrentOptions::stall_timeout).
    #[error("interrupted: no progress for {0:?}; run the same command again to go on")]
    Stalled(Duration),
    /// Much more was fetched than is missing.
    #[error(transparent)]
    Overfetched(#[from] Overfetched),
}

/// Why a connection to a peer ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DisconnectReason {
    /// The connection could not be opened.
    #[error("peer: cannot connect: {0}")]
    ConnectFailed(NetError),
    /// It was not open in time.
    #[error("peer: no connection in time")]
    ConnectTimeout,
    /// The handshake did not come in time.
    #[error("peer: no handshake in time")]
    HandshakeTimeout,
    /// It closed the connection.
    #[error("peer: closed the connection")]
    Closed,
    /// The connection broke.
    #[error("peer: {0}")]
    Broken(NetError),
    /// Nothing arrived for too long.
    #[error("peer: silent for too long")]
    Silent,
    /// It broke the protocol.
    #[error(transparent)]
    Misbehaved(#[from] PeerFault),
    /// It is ourselves.
    #[error("peer: it is ourselves")]
    OurselfAgain,
    /// Another connection to the same peer is open.
    #[error("peer: already connected")]
    Duplicate,
    /// It is banned.
    #[error("peer: banned")]
    Banned,
    /// It wants a torrent that we do not have.
    #[error("peer: wants another torrent")]
    UnknownTorrent,
    /// Neither has anything for the other: two seeds.
    #[error("peer: nothing to exchange")]
    NothingToExchange,
    /// All places ([`Config::max_peers`](crate::Config::max_peers)) were taken, and this one made room for
    /// another peer.
    #[error("peer: made room for another: {0}")]
    MadeRoom(EvictReason),
    /// All places ([`Config::max_peers`](crate::Config::max_peers)) are taken by peers that are of use.
    #[error("peer: no room for another")]
    NoRoom,
    /// Its address holds as many connections as one may have
    /// ([`Config::max_per_address`](crate::Config::max_per_address)).
    #[error("peer: too many connections from its address")]
    TooManyFromAddress,
    /// The torrent stopped.
    #[error("peer: the torrent stopped")]
    TorrentStopped,
}

/// Of what little use a connection was that made room for another; the least useful comes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum EvictReason {
    /// No block went either way for minutes.
    #[error("no block went either way")]
    Fruitless,
    /// It never sent what was asked for.
    #[error("it never sent what was asked for")]
    Snubbed,
    /// It wants nothing and has nothing of use.
    #[error("neither side wants anything")]
    Idle,
}

/// A rule of the protocol that a peer broke.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeerFault {
    /// A message that cannot be read.
    #[error("peer: {0}")]
    Wire(#[from] WireError),
    /// A piece number beyond the torrent.
    #[error("peer: piece {index} of a torrent with {total} pieces")]
    PieceOutOfRange {
        /// What it sent.
        index: u32,
        /// How many there are.
        total: u32,
    },
    /// A message that is not allowed at this point, such as `have all` after others (BEP 6).
    #[error("peer: {0} not allowed here")]
    OutOfPlace(&'static str),
    /// Too many requests that cannot be served.
    #[error("peer: {0} invalid requests")]
    InvalidRequests(u32),
    /// Too many blocks that nobody asked for.
    #[error("peer: {0} blocks that nobody asked for")]
    UnwantedBlocks(u32),
    /// It asks and does not read the answers.
    #[error("peer: does not read: {0} bytes wait for it")]
    DoesNotRead(usize),
    /// It lets us download and rejects every request.
    #[error("peer: rejected {0} requests in a row")]
    KeepsRejecting(u32),
}

/// What was proved against an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum BanReason {
    /// It alone sent a piece that failed its hash.
    #[error("sent a corrupt piece")]
    CorruptPiece,
    /// It sent a block that differs from the one in the piece that later passed its hash.
    #[error("sent a corrupt block")]
    CorruptBlock,
    /// It named pieces that do not exist, twice.
    #[error("keeps naming pieces that do not exist")]
    ImpossiblePieces,
}
