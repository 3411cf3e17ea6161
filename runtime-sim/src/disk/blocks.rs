//! What each block on a simulated disk holds. Nearly all of them hold the torrent's content or nothing, and cost a bit;
//! only bytes that are wrong are kept.

use bytes::Bytes;
use peerless_core::{BlockId, Geometry, PieceIndex};
use std::collections::BTreeMap;

/// What a block of the disk holds, if it was ever written; zeros otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// What the torrent has there.
    True,
    /// Other bytes.
    Other(Bytes),
}

/// The blocks of one torrent.
#[derive(Clone, Debug)]
pub(super) struct Blocks {
    geometry: Geometry,
    /// Which hold what the torrent has there: a bit for each, in the order of the torrent.
    truth: Box<[u64]>,
    /// What others hold that were written.
    others: BTreeMap<BlockId, Bytes>,
    /// How long all that were written are together.
    bytes: u64,
}

impl Blocks {
    /// None was written.
    pub(super) fn new(geometry: Geometry) -> Self {
        let blocks = geometry.num_pieces() as usize * blocks_in_a_piece(geometry);
        Self {
            geometry,
            truth: vec![0; blocks.div_ceil(64)].into_boxed_slice(),
            others: BTreeMap::new(),
            bytes: 0,
        }
    }

    /// How long those that were written are together.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What a block holds; `None`: it was never written.
    pub(super) fn get(&self, block: BlockId) -> Option<Held> {
        if self.is_true(block) {
            return Some(Held::True);
        }
        self.others.get(&block).cloned().map(Held::Other)
    }

    /// Whether a block holds what the torrent has there.
    pub(super) fn is_true(&self, block: BlockId) -> bool {
        let (word, bit) = self.place(block);
        self.truth.get(word).is_some_and(|word| word & bit != 0)
    }

    /// Whether a block was ever written.
    pub(super) fn is_written(&self, block: BlockId) -> bool {
        self.is_true(block) || self.others.contains_key(&block)
    }

    /// A block holds this from now on; `None`: as if it had never been written. What it held before.
    pub(super) fn set(&mut self, block: BlockId, held: Option<Held>) -> Option<Held> {
        let len = u64::from(self.geometry.block_len(block));
        let (at, bit) = self.place(block);
        let word = self.truth.get_mut(at)?;
        let (was_true, is_written) = (*word & bit != 0, held.is_some());
        *word &= !bit;
        let other = match held {
            Some(Held::Other(bytes)) => self.others.insert(block, bytes),
            Some(Held::True) => {
                *word |= bit;
                self.others.remove(&block)
            }
            None => self.others.remove(&block),
        };
        let before = if was_true { Some(Held::True) } else { other.map(Held::Other) };
        match (before.is_some(), is_written) {
            (false, true) => self.bytes += len,
            (true, false) => self.bytes -= len,
            _ => {}
        }
        before
    }

    /// The word and the bit in it that stand for a block.
    fn place(&self, block: BlockId) -> (usize, u64) {
        let at = block.piece.as_usize() * blocks_in_a_piece(self.geometry) + block.block as usize;
        (at / 64, 1 << (at % 64))
    }
}

/// Blocks in every piece but the last, which may have fewer.
fn blocks_in_a_piece(geometry: Geometry) -> usize {
    geometry.blocks_in(PieceIndex::new(0)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Dice;

    fn geometry() -> Geometry {
        Geometry::new(800_000, 5 << 14).expect("a torrent of this shape")
    }

    fn blocks() -> Vec<BlockId> {
        let of = |piece| (0..geometry().blocks_in(piece)).map(move |block| BlockId { piece, block });
        geometry().pieces().flat_map(of).collect()
    }

    #[test]
    fn every_block_holds_what_was_put_there_last() {
        let mut dice = Dice::new(1, "blocks");
        let (mut blocks_of_disk, all) = (Blocks::new(geometry()), blocks());
        let mut judge: BTreeMap<BlockId, Held> = BTreeMap::new();
        for _ in 0..5_000 {
            let block = all[dice.below(all.len() as u64) as usize];
            let held = match dice.below(3) {
                0 => None,
                1 => Some(Held::True),
                _ => Some(Held::Other(vec![dice.number() as u8; 3].into())),
            };
            let before = match held.clone() {
                Some(held) => judge.insert(block, held),
                None => judge.remove(&block),
            };
            assert_eq!(blocks_of_disk.set(block, held), before);
            assert_eq!(blocks_of_disk.is_written(block), judge.contains_key(&block));
            let bytes: u64 = judge.keys().map(|block| u64::from(geometry().block_len(*block))).sum();
            assert_eq!(blocks_of_disk.bytes(), bytes);
        }
        for block in all {
            assert_eq!(blocks_of_disk.get(block).as_ref(), judge.get(&block));
        }
    }

    #[test]
    fn only_what_is_wrong_is_kept() {
        let mut disk = Blocks::new(geometry());
        for block in blocks() {
            disk.set(block, Some(Held::Other(Bytes::from_static(b"wrong"))));
        }
        assert_eq!(disk.others.len(), blocks().len());
        for block in blocks() {
            disk.set(block, Some(Held::True));
        }
        assert_eq!(disk.bytes(), 800_000);
        assert!(disk.others.is_empty());
        assert_eq!(disk.truth.len(), 1, "49 blocks, a bit for each");
    }

    #[test]
    fn a_block_that_does_not_exist_holds_nothing() {
        let mut disk = Blocks::new(geometry());
        let beyond = BlockId { piece: PieceIndex::new(100), block: 0 };
        assert_eq!(disk.set(beyond, Some(Held::True)), None);
        assert!(!disk.is_written(beyond));
        assert_eq!(disk.bytes(), 0);
    }
}
