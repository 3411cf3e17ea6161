//! Numbers for those who have blocks of a piece, so that a block names them in two bytes.

use alloc::vec;
use alloc::vec::Vec;

/// The number of nobody.
pub(super) const NOBODY: u16 = u16::MAX;

#[derive(Debug)]
struct Entry<K> {
    key: K,
    blocks: u32,
}

/// Keys with small numbers, each with a count of blocks. The number of a key without blocks goes to another.
#[derive(Debug)]
pub(super) struct Roster<K>(Vec<Entry<K>>);

impl<K> Default for Roster<K> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Copy + PartialEq> Roster<K> {
    /// Forgets everybody.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The number of a key, a new one if need be; `None` when there are more keys than numbers.
    pub(super) fn number(&mut self, key: K) -> Option<u16> {
        let found = self.0.iter().position(|e| e.key == key && e.blocks > 0);
        if let Some(at) = found.or_else(|| self.0.iter().position(|e| e.blocks == 0)) {
            self.0[at].key = key;
            return u16::try_from(at).ok();
        }
        let number = u16::try_from(self.0.len()).ok().filter(|number| *number != NOBODY)?;
        self.0.push(Entry { key, blocks: 0 });
        Some(number)
    }

    /// The key with this number.
    pub(super) fn key(&self, number: u16) -> Option<K> {
        self.0.get(usize::from(number)).map(|entry| entry.key)
    }

    /// A block more for this number.
    pub(super) fn add(&mut self, number: u16) {
        self.0[usize::from(number)].blocks += 1;
    }

    /// A block fewer for this number.
    pub(super) fn subtract(&mut self, number: u16) {
        self.0[usize::from(number)].blocks -= 1;
    }

    /// The blocks of this key.
    pub(super) fn blocks_of(&self, key: K) -> u32 {
        self.iter().find(|(k, _)| *k == key).map_or(0, |(_, blocks)| blocks)
    }

    /// Everybody who has blocks, with how many.
    pub(super) fn iter(&self) -> impl Iterator<Item = (K, u32)> + '_ {
        self.0.iter().filter(|e| e.blocks > 0).map(|e| (e.key, e.blocks))
    }

    /// A count for each number, to be compared by [`check`](Self::check).
    pub(super) fn tally(&self) -> Tally {
        Tally(vec![0; self.0.len()])
    }

    /// Panics unless each key has one number, and as many blocks name that number as were counted.
    pub(super) fn check(&self, counted: &Tally) {
        for (entry, blocks) in self.0.iter().zip(&counted.0) {
            assert_eq!(entry.blocks, *blocks, "blocks of one of a roster");
            assert!(self.iter().filter(|(key, _)| *key == entry.key).count() <= 1, "two numbers for one");
        }
    }
}

/// How many blocks name each number of a roster.
#[derive(Debug)]
pub(super) struct Tally(Vec<u32>);

impl Tally {
    /// A block names this number.
    pub(super) fn count(&mut self, number: u16) {
        self.0[usize::from(number)] += 1;
    }
}
