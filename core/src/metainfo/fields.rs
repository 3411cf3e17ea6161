//! Typed access to the keys of a dictionary, with errors that say which key and where; text and its encoding.

use super::error::MetainfoError;
use crate::bencode::{DictIter, Value};
use crate::limits::MAX_TOTAL_LENGTH;
use alloc::boxed::Box;
use alloc::string::String;
use core::fmt::Write;

/// A dictionary of which we know what it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'d> {
    value: Value<'d>,
    what: &'static str,
}

impl<'d> Fields<'d> {
    pub(super) fn new(value: Value<'d>, what: &'static str) -> Result<Self, MetainfoError> {
        match value.as_dict() {
            Some(_) => Ok(Self { value, what }),
            None => Err(MetainfoError::invalid(what, "is not a dictionary", value.position())),
        }
    }

    pub(super) fn entries(self) -> Option<DictIter<'d>> {
        self.value.as_dict()
    }

    pub(super) const fn value(self) -> Value<'d> {
        self.value
    }

    pub(super) fn find(self, key: &str) -> Option<Value<'d>> {
        self.value.get(key)
    }

    pub(super) fn need(self, key: &'static str) -> Result<Value<'d>, MetainfoError> {
        let missing = || MetainfoError::Missing { key, of: self.what, position: self.value.position() };
        self.find(key).ok_or_else(missing)
    }

    pub(super) fn need_bytes(self, key: &'static str) -> Result<(&'d [u8], usize), MetainfoError> {
        let value = self.need(key)?;
        let bytes = value.as_bytes().ok_or_else(|| wrong_type(value, key, "a string"))?;
        Ok((bytes, value.position()))
    }

    pub(super) fn int(self, key: &'static str) -> Result<Option<i64>, MetainfoError> {
        let Some(value) = self.find(key) else { return Ok(None) };
        value.as_int().map(Some).ok_or_else(|| wrong_type(value, key, "an integer"))
    }

    /// A number that cannot be negative, and where it stands.
    pub(super) fn need_size(self, key: &'static str) -> Result<(u64, usize), MetainfoError> {
        let value = self.need(key)?;
        let position = value.position();
        let number = value.as_int().ok_or_else(|| wrong_type(value, key, "an integer"))?;
        let size = u64::try_from(number).map_err(|_| MetainfoError::invalid(key, "is negative", position))?;
        Ok((size, position))
    }

    /// The `length` of a file.
    pub(super) fn length(self) -> Result<u64, MetainfoError> {
        let (found, position) = self.need_size("length")?;
        if found > MAX_TOTAL_LENGTH {
            return Err(MetainfoError::limit("the length of a file is", found, MAX_TOTAL_LENGTH, position));
        }
        Ok(found)
    }

    /// A text, if there is one.
    pub(super) fn text(self, key: &str) -> Option<Box<str>> {
        self.find(key)?.as_bytes().map(decode_text)
    }

    /// Whether the file attributes of BEP 47 hold this one.
    pub(super) fn has_attr(self, attr: u8) -> bool {
        self.find("attr").and_then(Value::as_bytes).is_some_and(|attrs| attrs.contains(&attr))
    }

    /// Symbolic links (BEP 47) are refused: never created, never followed.
    pub(super) fn refuse_symlink(self) -> Result<(), MetainfoError> {
        if !self.has_attr(b'l') {
            return Ok(());
        }
        Err(MetainfoError::Unsupported { what: "symlink", position: self.value.position() })
    }
}

pub(super) const fn wrong_type(value: Value<'_>, key: &'static str, expected: &'static str) -> MetainfoError {
    MetainfoError::WrongType { key, expected, position: value.position() }
}

/// Text as UTF-8; each byte that is not part of UTF-8 becomes `%` and two hexadecimal digits.
pub(super) fn decode_text(bytes: &[u8]) -> Box<str> {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // Writing to a `String` cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text.into()
}
