//! The peer wire protocol: handshake and messages of BEP 3, the fast extension (BEP 6), and the extension
//! protocol (BEP 10). Bytes to values and back; what a value means for a conversation is decided elsewhere.

mod decoder;
mod error;
mod extended;
mod handshake;
mod input;
mod message;
mod payload;

pub use decoder::Decoder;
pub use error::WireError;
pub use extended::ExtensionHandshake;
pub use handshake::{Features, HANDSHAKE_LEN, Handshake, HandshakeDecoder};
pub use message::{BlockRange, Message, PIECE_HEADER_LEN, piece_header};
pub use payload::Payload;

pub(crate) use handshake::PROTOCOL;
pub(crate) use message::{EXTENDED, PIECE, name_of};

#[cfg(test)]
mod tests;
