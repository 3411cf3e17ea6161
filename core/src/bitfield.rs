//! Which pieces somebody has: a set of piece numbers, as words, with its size known.

use crate::ids::PieceIndex;
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;

/// A set of pieces of one torrent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bitfield {
    words: Box<[u64]>,
    len: u32,
    ones: u32,
}

impl Bitfield {
    /// The empty set of `len` possible pieces.
    pub fn new(len: u32) -> Self {
        Self { words: vec![0; (len as usize).div_ceil(64)].into_boxed_slice(), len, ones: 0 }
    }

    /// The set of all `len` pieces.
    pub fn full(len: u32) -> Self {
        let mut all =
            Self { words: vec![u64::MAX; (len as usize).div_ceil(64)].into_boxed_slice(), len, ones: len };
        all.clear_spare_bits();
        all
    }

    /// Reads the payload of a `bitfield` message (BEP 3). `None` if its length is not that of `len` pieces;
    /// spare bits at the end are ignored.
    pub fn from_wire(len: u32, payload: &[u8]) -> Option<Self> {
        if payload.len() != (len as usize).div_ceil(8) {
            return None;
        }
        let mut field = Self::new(len);
        for (word, bytes) in field.words.iter_mut().zip(payload.chunks(8)) {
            let mut full = [0; 8];
            full[..bytes.len()].copy_from_slice(bytes);
            *word = u64::from_be_bytes(full);
        }
        field.clear_spare_bits();
        field.ones = field.words.iter().map(|w| w.count_ones()).sum();
        Some(field)
    }

    /// The payload of a `bitfield` message (BEP 3).
    pub fn to_wire(&self) -> Bytes {
        let mut out: Vec<u8> = self.words.iter().flat_map(|w| w.to_be_bytes()).collect();
        out.truncate((self.len as usize).div_ceil(8));
        out.into()
    }

    fn clear_spare_bits(&mut self) {
        let used = self.len % 64;
        if used != 0
            && let Some(last) = self.words.last_mut()
        {
            *last &= u64::MAX << (64 - used);
        }
    }

    /// How many pieces there could be.
    pub const fn len(&self) -> u32 {
        self.len
    }

    /// How many pieces are in the set.
    pub const fn count(&self) -> u32 {
        self.ones
    }

    /// Whether no piece is in the set.
    pub const fn is_empty(&self) -> bool {
        self.ones == 0
    }

    /// Whether every piece is in the set.
    pub const fn is_full(&self) -> bool {
        self.ones == self.len
    }

    /// Whether the piece is in the set; a piece beyond the torrent is not.
    pub fn has(&self, piece: PieceIndex) -> bool {
        self.words.get(piece.as_usize() / 64).is_some_and(|w| w & Self::bit(piece) != 0)
    }

    /// Puts a piece into the set. Says whether that changed it.
    pub fn insert(&mut self, piece: PieceIndex) -> bool {
        if piece.get() >= self.len || self.has(piece) {
            return false;
        }
        self.words[piece.as_usize() / 64] |= Self::bit(piece);
        self.ones += 1;
        true
    }

    /// Takes a piece out of the set. Says whether that changed it.
    pub fn remove(&mut self, piece: PieceIndex) -> bool {
        if !self.has(piece) {
            return false;
        }
        self.words[piece.as_usize() / 64] &= !Self::bit(piece);
        self.ones -= 1;
        true
    }

    /// The pieces in the set, in order.
    pub fn iter(&self) -> impl Iterator<Item = PieceIndex> + '_ {
        self.words.iter().enumerate().flat_map(|(at, word)| Ones(*word).map(move |bit| index(at, bit)))
    }

    /// The pieces of this set that are not in `other`, in order.
    pub fn minus<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = PieceIndex> + 'a {
        self.words
            .iter()
            .zip(&other.words)
            .enumerate()
            .flat_map(|(at, (a, b))| Ones(a & !b).map(move |bit| index(at, bit)))
    }

    /// Whether this set has a piece that `other` lacks.
    pub fn has_more_than(&self, other: &Self) -> bool {
        self.words.iter().zip(&other.words).any(|(a, b)| a & !b != 0)
    }

    const fn bit(piece: PieceIndex) -> u64 {
        1 << (63 - piece.get() % 64)
    }
}

const fn index(word: usize, bit: u32) -> PieceIndex {
    PieceIndex::new(word as u32 * 64 + bit)
}

/// The ones of a word, from its most significant bit.
struct Ones(u64);

impl Iterator for Ones {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        if self.0 == 0 {
            return None;
        }
        let bit = self.0.leading_zeros();
        self.0 &= !(1 << (63 - bit));
        Some(bit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spare_bits_from_a_careless_peer_are_ignored() {
        let field = Bitfield::from_wire(3, &[0xff]).unwrap();
        assert_eq!(field.count(), 3);
        assert!(field.is_full());
        assert_eq!(field.to_wire().as_ref(), [0xe0]);
    }

    #[test]
    fn a_bitfield_of_the_wrong_length_is_refused() {
        assert_eq!(Bitfield::from_wire(8, &[]), None);
        assert_eq!(Bitfield::from_wire(8, &[0, 0]), None);
        assert_eq!(Bitfield::from_wire(0, &[]), Some(Bitfield::new(0)));
    }

    proptest! {
        #[test]
        fn it_behaves_like_a_set(len in 1u32..300, ops in proptest::collection::vec((any::<bool>(), 0u32..320), 0..200)) {
            let mut field = Bitfield::new(len);
            let mut judge = alloc::collections::BTreeSet::new();
            for (insert, n) in ops {
                let piece = PieceIndex::new(n);
                if insert {
                    prop_assert_eq!(field.insert(piece), n < len && judge.insert(n));
                } else {
                    prop_assert_eq!(field.remove(piece), judge.remove(&n));
                }
            }
            prop_assert_eq!(field.count() as usize, judge.len());
            prop_assert!(field.iter().map(PieceIndex::get).eq(judge.iter().copied()));
            prop_assert_eq!(Bitfield::from_wire(len, &field.to_wire()), Some(field.clone()));
            let rest = Bitfield::full(len);
            prop_assert_eq!(rest.minus(&field).count() as u32, len - field.count());
            prop_assert_eq!(rest.has_more_than(&field), field.count() < len);
        }
    }
}
