//! How a recording's values are written and read: varints, lengths, and data of which parts are left out.

use super::error::Fault;
use crate::limits::MAX_RECORDED_ZEROS;
use alloc::vec;
use alloc::vec::Vec;
use bytes::{Buf, Bytes};
use core::ops::Range;

/// A value that can stand in a recording.
pub(super) trait Code: Sized {
    /// Writes it.
    fn put(&self, out: &mut Out);

    /// Reads it back.
    fn take(from: &mut Take) -> Result<Self, Fault>;
}

/// Where values are written to.
#[derive(Debug, Default)]
pub(super) struct Out {
    pub(super) bytes: Vec<u8>,
    /// Which bytes of data are left out; in order.
    pub(super) left_out: Vec<Range<usize>>,
}

impl Out {
    /// Seven bits a byte, the lowest first; all but the last byte have their highest bit set.
    pub(super) fn number(&mut self, mut n: u64) {
        while n >= 0x80 {
            self.bytes.push(n.to_le_bytes()[0] | 0x80);
            n >>= 7;
        }
        self.bytes.push(n.to_le_bytes()[0]);
    }

    /// The length, then the bytes.
    pub(super) fn text(&mut self, text: &[u8]) {
        self.number(text.len() as u64);
        self.bytes.extend_from_slice(text);
    }

    /// Data, as [`Take::data`] reads it.
    pub(super) fn data(&mut self, data: &[u8]) {
        self.number(data.len() as u64);
        let mut at = 0;
        for range in core::mem::take(&mut self.left_out).into_iter().filter(|range| !range.is_empty()) {
            self.text(data.get(at..range.start).unwrap_or_default());
            self.number(range.len() as u64);
            at = range.end;
        }
        if at < data.len() {
            self.text(data.get(at..).unwrap_or_default());
        }
    }
}

/// What is left to be read of one entry.
#[derive(Debug)]
pub(super) struct Take(pub(super) Bytes);

impl Take {
    pub(super) fn byte(&mut self) -> Result<u8, Fault> {
        let byte = self.0.first().copied().ok_or(Fault::Short)?;
        self.0.advance(1);
        Ok(byte)
    }

    pub(super) fn number(&mut self) -> Result<u64, Fault> {
        let mut n = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return Err(Fault::Number);
            }
            n |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(n);
            }
        }
        Err(Fault::Number)
    }

    pub(super) fn bytes(&mut self, len: usize) -> Result<Bytes, Fault> {
        if len > self.0.len() {
            return Err(Fault::Short);
        }
        Ok(self.0.split_to(len))
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let bytes = self.bytes(N)?;
        <[u8; N]>::try_from(&bytes[..]).map_err(|_| Fault::Short)
    }

    pub(super) fn len(&mut self) -> Result<usize, Fault> {
        usize::try_from(self.number()?).map_err(|_| Fault::Number)
    }

    pub(super) fn text(&mut self) -> Result<Bytes, Fault> {
        let len = self.len()?;
        self.bytes(len)
    }

    /// A length; then by turns how many bytes are here, these, and how many were left out, which become zeros.
    pub(super) fn data(&mut self) -> Result<Bytes, Fault> {
        let total = self.len()?;
        if total == 0 {
            return Ok(Bytes::new());
        }
        let first = self.text()?;
        if first.len() == total {
            return Ok(first);
        }
        if total > MAX_RECORDED_ZEROS {
            return Err(Fault::TooLong { len: total, limit: MAX_RECORDED_ZEROS });
        }
        let left_out = self.left_out(total, first.len())?;
        if left_out == total {
            return Ok(zeros(total));
        }
        let mut data = vec![0; total];
        data.get_mut(..first.len()).ok_or(Fault::Number)?.copy_from_slice(&first);
        let mut at = first.len() + left_out;
        while at < total {
            let kept = self.text()?;
            let end = at.checked_add(kept.len()).ok_or(Fault::Number)?;
            data.get_mut(at..end).ok_or(Fault::Number)?.copy_from_slice(&kept);
            at = end + if end < total { self.left_out(total, end)? } else { 0 };
        }
        Ok(data.into())
    }

    /// How many bytes were left out at `at` of `total`; at least one.
    fn left_out(&mut self, total: usize, at: usize) -> Result<usize, Fault> {
        let n = self.len()?;
        let fits = at.checked_add(n).is_some_and(|end| n > 0 && end <= total);
        if fits { Ok(n) } else { Err(Fault::Number) }
    }
}

/// So many zeros, of which the usual numbers take no memory.
fn zeros(len: usize) -> Bytes {
    static ZEROS: [u8; 1 << 20] = [0; 1 << 20];
    match ZEROS.get(..len) {
        Some(zeros) => Bytes::from_static(zeros),
        None => vec![0; len].into(),
    }
}
