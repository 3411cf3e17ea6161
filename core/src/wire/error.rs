//! Why bytes are not the peer protocol.

use super::message::name_of;
use crate::bencode;
use core::fmt;

/// Bytes that are not the peer protocol, or not within our limits. The connection they came on is lost: where
/// the next message would begin cannot be known.
///
/// The text names no class of its own: [`PeerFault`](crate::PeerFault) puts `peer:` before it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The handshake does not begin with the protocol's name (BEP 3).
    #[error(
        "not the BitTorrent protocol: byte {at} of the handshake is {got:#04x} instead of {expected:#04x}"
    )]
    NotBitTorrent {
        /// Place of the first wrong byte, from 0.
        at: usize,
        /// What stands there.
        got: u8,
        /// What belongs there.
        expected: u8,
    },
    /// A message whose length does not suit its kind.
    #[error("{} of {len} bytes instead of {}", Kind(*.id), Between(*.min, *.max))]
    Length {
        /// The kind of message, as the wire numbers it.
        id: u8,
        /// The length prefix: bytes from the id on.
        len: u32,
        /// The least that its kind may have here.
        min: u32,
        /// The most that its kind may have here.
        max: u32,
    },
    /// A message of the fast extension (BEP 6), on a connection whose two sides have not both offered it.
    #[error("{} without the fast extension", Kind(*.id))]
    FastNotNegotiated {
        /// The kind of message, as the wire numbers it.
        id: u8,
    },
    /// An extension handshake (BEP 10) that is not bencode, or is too much of it.
    #[error("extension handshake that is not bencode: {} at byte {}", .0.kind, .0.position)]
    ExtensionHandshake(bencode::Error),
    /// An extension handshake that is bencode, but no dictionary.
    #[error("extension handshake that is not a dictionary")]
    ExtensionHandshakeNotDict,
}

/// A kind of message as people and the wire call it.
struct Kind(u8);

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} message (id {})", name_of(self.0), self.0)
    }
}

/// One allowed length, or a range of them.
struct Between(u32, u32);

impl fmt::Display for Between {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == self.1 {
            return self.0.fmt(f);
        }
        write!(f, "{} to {}", self.0, self.1)
    }
}
