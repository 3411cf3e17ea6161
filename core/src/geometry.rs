//! How a torrent divides into pieces and blocks: the only maker of piece and block numbers from outside.

use crate::ids::{BlockId, PieceIndex};
use core::ops::Range;

/// The length of a block in bytes (BEP 3, by convention of every client).
pub const BLOCK_LEN: u32 = 16 * 1024;

/// The size of a torrent and of its pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Geometry {
    total: u64,
    piece_length: u32,
    num_pieces: u32,
}

impl Geometry {
    /// A torrent of `total` bytes in pieces of `piece_length` bytes. `None` where the piece length is zero
    /// or the pieces are too many to count.
    pub fn new(total: u64, piece_length: u32) -> Option<Self> {
        if piece_length == 0 {
            return None;
        }
        let num_pieces = u32::try_from(total.div_ceil(u64::from(piece_length))).ok()?;
        Some(Self { total, piece_length, num_pieces })
    }

    /// All bytes of the torrent, padding files included.
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// Bytes of every piece but the last.
    pub const fn piece_length(&self) -> u32 {
        self.piece_length
    }

    /// How many pieces there are.
    pub const fn num_pieces(&self) -> u32 {
        self.num_pieces
    }

    /// All pieces in order.
    pub fn pieces(&self) -> impl DoubleEndedIterator<Item = PieceIndex> + use<> {
        (0..self.num_pieces).map(PieceIndex)
    }

    /// The piece with this number, if there is one.
    pub fn piece(&self, index: u32) -> Option<PieceIndex> {
        (index < self.num_pieces).then_some(PieceIndex(index))
    }

    /// Where the piece begins, in bytes from the start of the torrent.
    pub fn piece_start(&self, piece: PieceIndex) -> u64 {
        u64::from(piece.0) * u64::from(self.piece_length)
    }

    /// The length of a piece in bytes: shorter than the others for the last, 0 for one out of range.
    pub fn piece_len(&self, piece: PieceIndex) -> u32 {
        let rest = self.total.saturating_sub(self.piece_start(piece));
        u32::try_from(rest).unwrap_or(u32::MAX).min(self.piece_length)
    }

    /// The bytes of the torrent that a piece covers.
    pub fn piece_range(&self, piece: PieceIndex) -> Range<u64> {
        let start = self.piece_start(piece);
        start..start + u64::from(self.piece_len(piece))
    }

    /// How many blocks a piece has.
    pub fn blocks_in(&self, piece: PieceIndex) -> u32 {
        self.piece_len(piece).div_ceil(BLOCK_LEN)
    }

    /// The length of a block in bytes; 0 for one out of range.
    pub fn block_len(&self, block: BlockId) -> u32 {
        let start = u64::from(block.block) * u64::from(BLOCK_LEN);
        let rest = u64::from(self.piece_len(block.piece)).saturating_sub(start);
        u32::try_from(rest).unwrap_or(u32::MAX).min(BLOCK_LEN)
    }

    /// Where a block begins within its piece, in bytes.
    pub const fn block_start(&self, block: BlockId) -> u32 {
        block.block * BLOCK_LEN
    }

    /// The block that a `piece`, `request`, `cancel` or `reject` message speaks of, if `index`, `begin` and
    /// `len` name exactly one block of this torrent.
    pub fn block(&self, index: u32, begin: u32, len: u32) -> Option<BlockId> {
        let piece = self.piece(index)?;
        if !begin.is_multiple_of(BLOCK_LEN) {
            return None;
        }
        let block = BlockId { piece, block: begin / BLOCK_LEN };
        (len != 0 && self.block_len(block) == len).then_some(block)
    }

    /// Whether `len` bytes from `begin` of piece `index` lie inside that piece.
    pub fn contains(&self, index: u32, begin: u32, len: u32) -> bool {
        self.piece(index).is_some_and(|p| u64::from(begin) + u64::from(len) <= u64::from(self.piece_len(p)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_piece_and_the_last_block_are_short() {
        let g = Geometry::new(2 * 40_000 + 100, 40_000).unwrap();
        assert_eq!(g.num_pieces(), 3);
        assert_eq!(g.piece_len(PieceIndex(2)), 100);
        assert_eq!(g.blocks_in(PieceIndex(0)), 3);
        assert_eq!(g.block_len(BlockId { piece: PieceIndex(0), block: 2 }), 40_000 - 2 * BLOCK_LEN);
        assert_eq!(g.block_len(BlockId { piece: PieceIndex(2), block: 1 }), 0);
    }

    #[test]
    fn only_whole_blocks_inside_the_torrent_are_blocks() {
        let g = Geometry::new(100_000, 50_000).unwrap();
        assert!(g.block(0, 0, BLOCK_LEN).is_some());
        assert!(g.block(0, 1, BLOCK_LEN).is_none());
        assert!(g.block(2, 0, BLOCK_LEN).is_none());
        assert!(g.block(1, 3 * BLOCK_LEN, 50_000 - 3 * BLOCK_LEN).is_some());
        assert!(g.block(1, 3 * BLOCK_LEN, BLOCK_LEN).is_none());
        assert!(g.block(0, u32::MAX, u32::MAX).is_none());
        assert!(!g.contains(0, u32::MAX, u32::MAX));
    }

    #[test]
    fn an_empty_torrent_has_no_pieces() {
        assert_eq!(Geometry::new(0, 1).unwrap().num_pieces(), 0);
        assert!(Geometry::new(1, 0).is_none());
        assert!(Geometry::new(u64::MAX, 1).is_none());
    }
}
