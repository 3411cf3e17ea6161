//! Why bytes are not bencode, and at which of them that shows.

use crate::escape::escape_bytes_line;
use crate::limits::MAX_SHOWN_TEXT;
use alloc::boxed::Box;
use core::fmt;

/// What is wrong with a bencoded document, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("bencode: {kind} at byte {position}")]
pub struct Error {
    /// What is wrong.
    pub kind: ErrorKind,
    /// Where it shows, in bytes from the start of the document.
    pub position: usize,
}

/// What is wrong with a bencoded document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The document ends inside a value, or is empty.
    UnexpectedEnd,
    /// No value can begin with this byte.
    NotAValue(u8),
    /// A dictionary's key must be a string and cannot begin with this byte.
    NotAKey(u8),
    /// A key without a value.
    KeyWithoutValue,
    /// The same key twice in one dictionary.
    DuplicateKey(Box<[u8]>),
    /// An integer without digits, or with something else among them.
    InvalidInteger,
    /// An integer beyond 64 bits.
    IntegerOverflow,
    /// A string's length with something else among its digits.
    InvalidLength,
    /// A string that is said to be longer than what is left.
    StringTooLong {
        /// Bytes left.
        left: usize,
    },
    /// Lists and dictionaries nested deeper than the limit.
    TooDeep(usize),
    /// More values than the limit.
    TooManyValues(usize),
    /// More bytes than can be counted in 32 bits.
    TooLarge,
    /// Bytes after the document's end: so many.
    Trailing(usize),
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnexpectedEnd => f.write_str("the data ends too early"),
            Self::NotAValue(byte) => write!(f, "no value begins with '{}'", byte.escape_ascii()),
            Self::NotAKey(byte) => {
                write!(f, "a key is a string and cannot begin with '{}'", byte.escape_ascii())
            }
            Self::KeyWithoutValue => f.write_str("a key without a value"),
            Self::DuplicateKey(key) => {
                write!(f, "the key \"{}\" for the second time", escape_bytes_line(key, MAX_SHOWN_TEXT))
            }
            Self::InvalidInteger => f.write_str("an integer that is not a number"),
            Self::IntegerOverflow => f.write_str("an integer that does not fit in 64 bits"),
            Self::InvalidLength => f.write_str("a string length that is not a number"),
            Self::StringTooLong { left } => write!(f, "a string longer than the {left} bytes left"),
            Self::TooDeep(limit) => write!(f, "nested deeper than {limit}"),
            Self::TooManyValues(limit) => write!(f, "more than {limit} values"),
            Self::TooLarge => f.write_str("a document of 4 GiB or more"),
            Self::Trailing(len) => write!(f, "{len} bytes after the end of the document"),
        }
    }
}
