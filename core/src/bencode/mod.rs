//! Bencode (BEP 3): a decoder that copies nothing and remembers where every value stood, and an encoder.
//!
//! Decoding gives a [`Document`]: a flat table of spans over the input. It takes time linear in the input
//! (times the logarithm of a dictionary's length where its keys are not sorted) and, at worst, memory of about
//! 16 bytes for each byte of input, whatever the input is. Nothing recurses.

mod decode;
mod encode;
mod error;
#[cfg(test)]
mod tests;
mod value;

pub use decode::Limits;
pub use encode::{DictEncoder, Encoder, encode_dict};
pub use error::{Error, ErrorKind};
pub use value::{DictIter, Document, ListIter, Value};
