//! What an engine must never send, and what it must never be.

use super::announce::AnnounceBreach;
use super::reader::name;
use peerless_core::wire::{BlockRange, WireError};
use peerless_core::{ConnId, Duration, Instant};
use std::fmt;

/// A rule that an engine broke. The simulation that shows it again has this seed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("peer: {host} broke a rule at {at} in the simulation with the seed {seed}{}: {breach}", On(.conn))]
pub struct Violation {
    /// The seed of the simulation.
    pub seed: u64,
    /// When.
    pub at: Instant,
    /// The name of the host.
    pub host: String,
    /// The connection, where it was on one.
    pub conn: Option<ConnId>,
    /// The rule.
    pub breach: Breach,
}

struct On<'a>(&'a Option<ConnId>);

impl fmt::Display for On<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |conn| write!(f, " on {conn:?}"))
    }
}

/// See [`Violation`]. Pieces and ranges are as they were sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each says in its text what it is")]
pub enum Breach {
    #[error("sent {0} bytes on a connection that is not open")]
    NoConnection(usize),
    #[error("sent its handshake before the other side had named a torrent (BEP 3)")]
    HandshakeTooEarly,
    #[error("its handshake is not that of BEP 3, or names a torrent that it does not have")]
    Handshake,
    #[error("sent {} before it had read the other side's handshake", name(*.0))]
    BeforeHandshake(u8),
    #[error("sent a {} of {len} bytes", name(*.id))]
    Length { id: u8, len: u32 },
    #[error("sent a message of the kind {0}, which it does not speak")]
    Kind(u8),
    #[error("sent {}, and the two have not agreed on that extension", name(*.0))]
    NotAgreed(u8),
    #[error("sent {} after other messages (BEP 3, 6)", name(*.0))]
    OutOfPlace(u8),
    #[error("sent {} before it had said what it has, which the fast extension demands (BEP 6)", name(*.0))]
    NotIntroduced(u8),
    #[error("set bits beyond the last piece in its bitfield (BEP 3)")]
    SpareBits,
    #[error("sent {} of the piece {index} of {total}", name(*.id))]
    NoSuchPiece { id: u8, index: u32, total: u32 },
    #[error("said by {} that it has the piece {index}, whose data is not on its disk", name(*.id))]
    NotOnDisk { id: u8, index: u32 },
    #[error("said twice that it has the piece {0}")]
    HaveTwice(u32),
    #[error("sent {} when that was so already", name(*.0))]
    Repeated(u8),
    #[error("requested {} while choked, and the piece is not allowed fast", Range(.0))]
    RequestChoked(BlockRange),
    #[error("requested {} of a peer that does not have the piece", Range(.0))]
    RequestNotHad(BlockRange),
    #[error("requested {} without being interested", Range(.0))]
    RequestWithoutInterest(BlockRange),
    #[error("requested {}, which is requested of that peer already", Range(.0))]
    RequestTwice(BlockRange),
    #[error("requested {}, which no piece of the torrent has, or which is more than 16 KiB", Range(.0))]
    RequestBounds(BlockRange),
    #[error("has {0} requests with a peer that takes {1} (BEP 10 reqq)")]
    TooManyRequests(usize, u32),
    #[error("cancelled {}, which it had not requested", Range(.0))]
    CancelUnasked(BlockRange),
    #[error("sent {}, which was not requested, or was answered already", Range(.0))]
    PieceUnasked(BlockRange),
    #[error("sent {} although that was cancelled {ago:?} before", Range(.range))]
    PieceCancelled { range: BlockRange, ago: Duration },
    #[error("rejected {}, which was not requested, or was answered already (BEP 6)", Range(.0))]
    RejectUnasked(BlockRange),
    #[error("choked a peer {ago:?} ago, and has neither sent nor rejected {} (BEP 6)", Range(.range))]
    Unanswered { range: BlockRange, ago: Duration },
    #[error("sent an extended message of the kind {0}, which the other side has not named (BEP 10)")]
    ExtendedKind(u32),
    #[error("its extension handshake cannot be read: {0} (BEP 10)")]
    ExtensionHandshake(WireError),
    #[error("sent nothing for {0:?}, not even a keep-alive (BEP 3)")]
    Silent(Duration),
    #[error("its handshake has another peer_id than what it said before (BEP 3)")]
    PeerId,
    #[error("to a tracker: {0}")]
    Announce(#[from] AnnounceBreach),
    #[error("has {what}: {count}, and may have {limit}")]
    Limit { what: &'static str, count: usize, limit: usize },
    #[error("its own account is wrong: {0}")]
    Account(String),
}

struct Range<'a>(&'a BlockRange);

impl fmt::Display for Range<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BlockRange { index, begin, len } = self.0;
        write!(f, "{len} bytes from {begin} of the piece {index}")
    }
}
