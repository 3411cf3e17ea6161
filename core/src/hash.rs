//! SHA-1 as a value: a running state that can be carried into a write, resumed, compared and recorded.

use crate::ids::{Sha1Hash, Sha256Hash};
use core::fmt;
use sha2::Digest;

/// The state of a SHA-1 that has taken in part of a piece.
///
/// The core hands one out with a disk operation and gets it back advanced. It is a plain value: it can be kept,
/// sent between threads and compared.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sha1State {
    chain: [u32; 5],
    /// The bytes that do not fill a block of 64 yet, then zeros, so that equal states compare equal.
    tail: [u8; 64],
    len: u64,
    /// The digest is known without the bytes: it stands in `chain`.
    known: bool,
}

impl Sha1State {
    /// The state before any byte.
    pub const fn new() -> Self {
        Self {
            chain: [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0],
            tail: [0; 64],
            len: 0,
            known: false,
        }
    }

    /// A state after `len` bytes that were hashed by other means, or whose digest is known: its digest is
    /// `digest`. For a replay, which has the verdicts without the bytes, and for a simulated disk, which knows
    /// what it holds. Bytes that are taken in after it make it the digest of nothing: it matches no piece.
    pub const fn known(digest: Sha1Hash, len: u64) -> Self {
        let mut chain = [0; 5];
        let mut n = 0;
        while n < 5 {
            let at = 4 * n;
            chain[n] =
                u32::from_be_bytes([digest.0[at], digest.0[at + 1], digest.0[at + 2], digest.0[at + 3]]);
            n += 1;
        }
        Self { chain, tail: [0; 64], len, known: true }
    }

    /// Whether it was made by [`known`](Self::known).
    pub const fn is_known(&self) -> bool {
        self.known
    }

    /// How many bytes have been taken in.
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether nothing has been taken in.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Takes in the next bytes.
    pub fn update(&mut self, mut data: &[u8]) {
        if self.known {
            if !data.is_empty() {
                self.chain = [0; 5];
                self.len = self.len.wrapping_add(data.len() as u64);
            }
            return;
        }
        let held = (self.len % 64) as usize;
        self.len = self.len.wrapping_add(data.len() as u64);
        if held > 0 {
            let (now, rest) = data.split_at(data.len().min(64 - held));
            self.tail[held..held + now.len()].copy_from_slice(now);
            data = rest;
            if held + now.len() < 64 {
                return;
            }
            sha1::block_api::compress(&mut self.chain, core::slice::from_ref(&self.tail));
        }
        let (blocks, rest) = data.as_chunks::<64>();
        sha1::block_api::compress(&mut self.chain, blocks);
        self.tail = [0; 64];
        self.tail[..rest.len()].copy_from_slice(rest);
    }

    /// The five words that the next block of 64 bytes works on, for those who hash several streams in turn and hand
    /// the outcome to [`advance`](Self::advance). `None` in the middle of a block, and where the digest is known
    /// without the bytes: then only [`update`](Self::update) goes on.
    pub const fn words(&self) -> Option<[u32; 5]> {
        if self.known || !self.len.is_multiple_of(64) { None } else { Some(self.chain) }
    }

    /// Takes in that many blocks of 64 bytes, of which nothing is left but what they made of the
    /// [`words`](Self::words). Without these nothing can be advanced, and nothing is.
    pub const fn advance(&mut self, words: [u32; 5], blocks: u64) {
        if self.words().is_some() {
            self.chain = words;
            self.len = self.len.wrapping_add(blocks.wrapping_mul(64));
        }
    }

    /// The digest of all that was taken in.
    pub fn finish(mut self) -> Sha1Hash {
        if !self.known {
            let bits = self.len.wrapping_mul(8);
            let mut padding = [0u8; 72];
            padding[0] = 0x80;
            let fill = 1 + (119 - (self.len % 64) as usize) % 64;
            padding[fill..fill + 8].copy_from_slice(&bits.to_be_bytes());
            self.update(&padding[..fill + 8]);
        }
        let mut out = [0; 20];
        for (to, word) in out.as_chunks_mut::<4>().0.iter_mut().zip(self.chain) {
            *to = word.to_be_bytes();
        }
        Sha1Hash(out)
    }
}

impl Default for Sha1State {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Sha1State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha1State(after {} bytes)", self.len)
    }
}

/// The SHA-1 of `data`.
pub fn sha1(data: &[u8]) -> Sha1Hash {
    let mut state = Sha1State::new();
    state.update(data);
    state.finish()
}

/// The SHA-256 of `data`.
pub fn sha256(data: &[u8]) -> Sha256Hash {
    Sha256Hash(sha2::Sha256::digest(data).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_digests() {
        assert_eq!(sha1(b"").to_hex(), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
        assert_eq!(sha1(b"abc").to_hex(), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert!(sha256(b"abc").to_hex().starts_with("ba7816bf8f01cfea"));
    }

    #[test]
    fn a_known_digest_stands_for_the_bytes_until_more_come() {
        let digest = sha1(b"abc");
        let mut state = Sha1State::known(digest, 3);
        assert_eq!((state.finish(), state.len(), state.is_known()), (digest, 3, true));
        state.update(b"");
        assert_eq!(state.finish(), digest);
        state.update(b"d");
        assert_eq!((state.finish(), state.len()), (Sha1Hash([0; 20]), 4));
    }

    #[test]
    fn blocks_can_be_compressed_elsewhere() {
        let (mut here, mut there) = (Sha1State::new(), Sha1State::new());
        here.update(&[7; 128]);
        let mut words = there.words().unwrap();
        sha1::block_api::compress(&mut words, &[[7; 64]; 2]);
        there.advance(words, 2);
        assert_eq!(here, there);
    }

    #[test]
    fn within_a_block_and_without_bytes_there_are_no_words_to_advance() {
        let mut within = Sha1State::new();
        within.update(b"abc");
        for state in [within, Sha1State::known(sha1(b"abc"), 64)] {
            let mut advanced = state;
            advanced.advance([1; 5], 1);
            assert_eq!((state.words(), advanced), (None, state));
        }
    }

    proptest! {
        #[test]
        fn any_cut_of_the_bytes_gives_the_digest_of_the_sha1_crate(
            data in proptest::collection::vec(any::<u8>(), 0..600),
            cuts in proptest::collection::vec(0usize..600, 0..6),
        ) {
            let mut cuts: alloc::vec::Vec<_> = cuts.into_iter().map(|c| c.min(data.len())).collect();
            cuts.sort_unstable();
            let mut state = Sha1State::new();
            let mut from = 0;
            for cut in cuts.into_iter().chain([data.len()]) {
                state.update(&data[from..cut]);
                from = cut;
            }
            let judge: [u8; 20] = sha1::Sha1::digest(&data).into();
            prop_assert_eq!(state.finish().0, judge);
            let mut at_once = Sha1State::new();
            at_once.update(&data);
            prop_assert_eq!(state, at_once);
        }
    }
}
