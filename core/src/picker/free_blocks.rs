//! Which blocks of an open piece are free: a set of bits that finds its lowest member quickly.

use alloc::vec::Vec;

/// A set of block numbers. Finding the lowest costs one step for 64 blocks that are not in the set.
#[derive(Debug, Default)]
pub(super) struct FreeBlocks {
    words: Vec<u64>,
    /// No word before this one has a bit.
    hint: usize,
    count: u32,
}

impl FreeBlocks {
    /// Makes it the set of all numbers below `len`.
    pub(super) fn fill(&mut self, len: u32) {
        self.words.clear();
        self.words.resize((len as usize).div_ceil(64), u64::MAX);
        if !len.is_multiple_of(64)
            && let Some(last) = self.words.last_mut()
        {
            *last = (1 << (len % 64)) - 1;
        }
        self.hint = 0;
        self.count = len;
    }

    /// How many are in the set.
    pub(super) const fn count(&self) -> u32 {
        self.count
    }

    /// Whether the block is in the set.
    pub(super) fn has(&self, block: u32) -> bool {
        self.words.get(block as usize / 64).is_some_and(|w| w & (1 << (block % 64)) != 0)
    }

    /// The lowest block in the set.
    pub(super) fn first(&mut self) -> Option<u32> {
        while let Some(word) = self.words.get(self.hint) {
            if *word != 0 {
                return Some(self.hint as u32 * 64 + word.trailing_zeros());
            }
            self.hint += 1;
        }
        None
    }

    /// Puts a block into the set, which must not be in it.
    pub(super) fn insert(&mut self, block: u32) {
        debug_assert!(!self.has(block));
        let word = block as usize / 64;
        self.words[word] |= 1 << (block % 64);
        self.hint = self.hint.min(word);
        self.count += 1;
    }

    /// Takes a block out of the set, which must be in it.
    pub(super) fn remove(&mut self, block: u32) {
        debug_assert!(self.has(block));
        self.words[block as usize / 64] &= !(1 << (block % 64));
        self.count -= 1;
    }
}
