//! The messages between peers (BEP 3, BEP 6, BEP 10), their names, and how each is written.

use super::payload::Payload;
use bytes::{BufMut, Bytes, BytesMut};

pub(super) const CHOKE: u8 = 0;
pub(super) const UNCHOKE: u8 = 1;
pub(super) const INTERESTED: u8 = 2;
pub(super) const NOT_INTERESTED: u8 = 3;
pub(super) const HAVE: u8 = 4;
pub(super) const BITFIELD: u8 = 5;
pub(super) const REQUEST: u8 = 6;
pub(crate) const PIECE: u8 = 7;
pub(super) const CANCEL: u8 = 8;
pub(super) const PORT: u8 = 9;
pub(super) const SUGGEST: u8 = 13;
pub(super) const HAVE_ALL: u8 = 14;
pub(super) const HAVE_NONE: u8 = 15;
pub(super) const REJECT: u8 = 16;
pub(super) const ALLOWED_FAST: u8 = 17;
pub(crate) const EXTENDED: u8 = 20;

/// Bytes of a `piece` message before its block: length prefix, id, piece, begin.
pub const PIECE_HEADER_LEN: usize = 13;

/// One message. Numbers are as the peer sent them: nothing here says that a piece exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Nothing: the connection is still wanted.
    KeepAlive,
    /// Requests are no longer answered.
    Choke,
    /// Requests are answered.
    Unchoke,
    /// The sender would request pieces if it were not choked.
    Interested,
    /// The sender wants none of the receiver's pieces.
    NotInterested,
    /// The sender has this piece.
    Have(u32),
    /// The pieces that the sender has, one bit each, from the most significant bit of the first byte.
    Bitfield(Bytes),
    /// The sender wants this block.
    Request(BlockRange),
    /// A block.
    Piece {
        /// Its piece.
        index: u32,
        /// Its first byte within the piece.
        begin: u32,
        /// Its bytes.
        data: Payload,
    },
    /// The sender no longer wants this block.
    Cancel(BlockRange),
    /// The UDP port of the sender's DHT node (BEP 5).
    Port(u16),
    /// The sender would like to be asked for this piece (BEP 6).
    Suggest(u32),
    /// The sender has every piece (BEP 6).
    HaveAll,
    /// The sender has no piece (BEP 6).
    HaveNone,
    /// The sender will not answer this request (BEP 6).
    Reject(BlockRange),
    /// The sender answers requests for this piece even while it chokes (BEP 6).
    AllowedFast(u32),
    /// A message of an extension (BEP 10).
    Extended {
        /// 0 for the extension handshake, otherwise what the receiver's own handshake named.
        id: u8,
        /// What the extension says.
        payload: Bytes,
    },
    /// A message of a kind that we do not know, or did not agree on. What it says was skipped.
    Unknown {
        /// Its kind, as the wire numbers it.
        id: u8,
    },
}

impl Message {
    /// What the BEPs call it.
    pub const fn name(&self) -> &'static str {
        match self.id() {
            Some(id) => name_of(id),
            None => "keep-alive",
        }
    }

    /// Appends the message as it goes over the wire. A block is copied; to send one without a copy, see
    /// [`piece_header`].
    pub fn encode(&self, out: &mut BytesMut) {
        let Some(id) = self.id() else {
            return out.put_u32(0);
        };
        // Nothing in memory comes near 4 GiB; and a wrong prefix is refused by every receiver.
        out.put_u32(u32::try_from(1 + self.body_len()).unwrap_or(u32::MAX));
        out.put_u8(id);
        match self {
            Self::KeepAlive
            | Self::Choke
            | Self::Unchoke
            | Self::Interested
            | Self::NotInterested
            | Self::HaveAll
            | Self::HaveNone
            | Self::Unknown { .. } => {}
            Self::Have(index) | Self::Suggest(index) | Self::AllowedFast(index) => out.put_u32(*index),
            Self::Request(range) | Self::Cancel(range) | Self::Reject(range) => {
                out.put_u32(range.index);
                out.put_u32(range.begin);
                out.put_u32(range.len);
            }
            Self::Bitfield(bits) => out.put_slice(bits),
            Self::Piece { index, begin, data } => {
                out.put_u32(*index);
                out.put_u32(*begin);
                data.slices().for_each(|slice| out.put_slice(slice));
            }
            Self::Port(port) => out.put_u16(*port),
            Self::Extended { id, payload } => {
                out.put_u8(*id);
                out.put_slice(payload);
            }
        }
    }

    /// How the wire numbers this kind; a keep-alive has no number.
    const fn id(&self) -> Option<u8> {
        Some(match self {
            Self::KeepAlive => return None,
            Self::Choke => CHOKE,
            Self::Unchoke => UNCHOKE,
            Self::Interested => INTERESTED,
            Self::NotInterested => NOT_INTERESTED,
            Self::Have(_) => HAVE,
            Self::Bitfield(_) => BITFIELD,
            Self::Request(_) => REQUEST,
            Self::Piece { .. } => PIECE,
            Self::Cancel(_) => CANCEL,
            Self::Port(_) => PORT,
            Self::Suggest(_) => SUGGEST,
            Self::HaveAll => HAVE_ALL,
            Self::HaveNone => HAVE_NONE,
            Self::Reject(_) => REJECT,
            Self::AllowedFast(_) => ALLOWED_FAST,
            Self::Extended { .. } => EXTENDED,
            Self::Unknown { id } => *id,
        })
    }

    /// Bytes after the id.
    fn body_len(&self) -> usize {
        match self {
            Self::Have(_) | Self::Suggest(_) | Self::AllowedFast(_) => 4,
            Self::Request(_) | Self::Cancel(_) | Self::Reject(_) => 12,
            Self::Bitfield(bits) => bits.len(),
            Self::Piece { data, .. } => 8 + data.len(),
            Self::Port(_) => 2,
            Self::Extended { payload, .. } => 1 + payload.len(),
            _ => 0,
        }
    }
}

/// The place of a block, as `request`, `cancel` and `reject` carry it. Unchecked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockRange {
    /// Its piece.
    pub index: u32,
    /// Its first byte within the piece.
    pub begin: u32,
    /// Its bytes.
    pub len: u32,
}

/// All of a `piece` message but its block, whose `len` bytes are to be sent right after, uncopied. `len` is
/// at most [`MAX_REQUEST_LEN`](crate::limits::MAX_REQUEST_LEN).
pub fn piece_header(index: u32, begin: u32, len: u32) -> [u8; PIECE_HEADER_LEN] {
    let mut out = [0; PIECE_HEADER_LEN];
    out[..4].copy_from_slice(&len.saturating_add(9).to_be_bytes());
    out[4] = PIECE;
    out[5..9].copy_from_slice(&index.to_be_bytes());
    out[9..].copy_from_slice(&begin.to_be_bytes());
    out
}

/// What the BEPs call the kind of message that the wire gives this number.
pub(crate) const fn name_of(id: u8) -> &'static str {
    match id {
        CHOKE => "choke",
        UNCHOKE => "unchoke",
        INTERESTED => "interested",
        NOT_INTERESTED => "not interested",
        HAVE => "have",
        BITFIELD => "bitfield",
        REQUEST => "request",
        PIECE => "piece",
        CANCEL => "cancel",
        PORT => "port",
        SUGGEST => "suggest piece",
        HAVE_ALL => "have all",
        HAVE_NONE => "have none",
        REJECT => "reject request",
        ALLOWED_FAST => "allowed fast",
        EXTENDED => "extended",
        _ => "unknown",
    }
}
