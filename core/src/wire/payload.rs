//! The bytes of a block, as slices of what was received; and how they are put together from fragments.

use crate::limits::MIN_SHARED_SLICE;
use alloc::vec::Vec;
use bytes::{Buf, Bytes, BytesMut};
use core::fmt;
use core::iter;
use core::mem;

/// The bytes of a block: nearly always one slice of a receive buffer, then without an allocation of its own.
///
/// Every slice either is at least [`MIN_SHARED_SLICE`] long or has its memory to itself, so none keeps a
/// large receive buffer alive for a few bytes. Two payloads are equal when their bytes are, however cut.
#[derive(Clone, Default)]
pub struct Payload {
    first: Bytes,
    /// None is empty; and there is none where `first` is empty.
    rest: Vec<Bytes>,
}

impl Payload {
    /// How many bytes.
    pub fn len(&self) -> usize {
        self.slices().map(Bytes::len).sum()
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.first.is_empty()
    }

    /// The slices in order. None of them is empty.
    pub fn slices(&self) -> impl Iterator<Item = &Bytes> {
        iter::once(&self.first).chain(&self.rest).filter(|slice| !slice.is_empty())
    }

    /// The slices in order, handed over. None of them is empty.
    pub fn into_slices(self) -> impl Iterator<Item = Bytes> {
        iter::once(self.first).chain(self.rest).filter(|slice| !slice.is_empty())
    }

    /// All bytes in one piece: copied, unless they already are.
    pub fn to_bytes(&self) -> Bytes {
        if self.rest.is_empty() {
            return self.first.clone();
        }
        let mut out = BytesMut::with_capacity(self.len());
        self.slices().for_each(|slice| out.extend_from_slice(slice));
        out.freeze()
    }

    /// Appends a slice.
    fn add(&mut self, slice: Bytes) {
        if slice.is_empty() {
            return;
        }
        if self.first.is_empty() {
            self.first = slice;
        } else {
            self.rest.push(slice);
        }
    }
}

impl From<Bytes> for Payload {
    fn from(first: Bytes) -> Self {
        Self { first, rest: Vec::new() }
    }
}

impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        self.slices().flatten().eq(other.slices().flatten())
    }
}

impl Eq for Payload {}

impl fmt::Debug for Payload {
    /// Its size and its slices: the bytes themselves help nobody.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payload").field("len", &self.len()).field("slices", &self.slices().count()).finish()
    }
}

/// Puts together a body of known length from the fragments in which it arrives.
///
/// Fragments from a certain size on are shared; smaller ones that follow each other are copied together, into
/// memory that grows only with the bytes that have arrived.
#[derive(Clone, Debug)]
pub(super) struct Assembly {
    done: Payload,
    copied: Vec<u8>,
    left: usize,
    share_from: usize,
}

impl Assembly {
    /// For a body of `len` bytes that may end up in several slices.
    pub(super) fn slices(len: usize) -> Self {
        Self { done: Payload::default(), copied: Vec::new(), left: len, share_from: MIN_SHARED_SLICE }
    }

    /// For a body of `len` bytes that is wanted in one slice: a fragment is shared only if it is the whole.
    pub(super) fn whole(len: usize) -> Self {
        Self { share_from: MIN_SHARED_SLICE.max(len), ..Self::slices(len) }
    }

    /// How many bytes are missing.
    pub(super) const fn left(&self) -> usize {
        self.left
    }

    /// Takes what `input` has of the body.
    pub(super) fn take_from(&mut self, input: &mut Bytes) {
        let len = input.len().min(self.left);
        if len >= self.share_from {
            self.end_copy();
            self.done.add(input.split_to(len));
        } else {
            self.make_room(len);
            self.copied.extend_from_slice(&input[..len]);
            input.advance(len);
        }
        self.left -= len;
    }

    /// The body, once nothing is missing.
    pub(super) fn finish(mut self) -> Payload {
        self.end_copy();
        self.done
    }

    /// Makes room to copy `len` bytes: doubling, so that a trickle stays cheap, but never beyond the body.
    fn make_room(&mut self, len: usize) {
        if self.copied.capacity() - self.copied.len() < len {
            self.copied.reserve_exact(len.max(self.copied.len()).min(self.left));
        }
    }

    /// Makes a slice of what was copied, without the room that it did not need.
    fn end_copy(&mut self) {
        if !self.copied.is_empty() {
            self.done.add(mem::take(&mut self.copied).into_boxed_slice().into());
        }
    }

    /// Bytes of memory that the copies take.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.done.len() + self.copied.capacity()
    }
}
