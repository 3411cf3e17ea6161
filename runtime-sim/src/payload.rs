//! The content of simulated torrents: a function of the piece and the offset, so that no copy has to be kept.
//!
//! A piece is a window into one small pool of random bytes. The same window is handed out whenever the piece is
//! read, so that bytes which travelled through the whole swarm are recognised by where they lie, without a look
//! at them.

use crate::dice::Dice;
use bytes::{Bytes, BytesMut};
use peerless_core::metainfo::Builder;
use peerless_core::{BLOCK_LEN, BlockId, Geometry, Metainfo, MetainfoError, PieceIndex, Sha1State};
use std::ops::Range;
use std::sync::Arc;

/// Windows begin at any of so many places, so few blocks of a torrent are alike.
const PLACES: u64 = 1 << 20;
/// Bytes of one window. A longer piece has several.
const LONGEST_WINDOW: u32 = 16 << 20;

/// The content of one torrent.
#[derive(Clone, Debug)]
pub struct Payload {
    geometry: Geometry,
    pool: Bytes,
    salt: u64,
}

impl Payload {
    /// Content of this shape. Equal seeds give equal content.
    pub fn new(geometry: Geometry, seed: u64) -> Self {
        let mut dice = Dice::new(seed, "payload");
        let mut pool = vec![0; PLACES as usize + geometry.piece_length().min(LONGEST_WINDOW) as usize];
        dice.fill(&mut pool);
        Self { geometry, pool: pool.into(), salt: dice.number() }
    }

    /// How it is cut into pieces.
    pub const fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// One block, without copying it.
    pub fn block(&self, block: BlockId) -> Bytes {
        let from = self.place(block);
        self.pool.slice(from..from + self.geometry.block_len(block) as usize)
    }

    /// Where a block stands in the pool.
    fn place(&self, block: BlockId) -> usize {
        let within = self.geometry.block_start(block);
        let key = u64::from(block.piece.get()) << 8 | u64::from(within / LONGEST_WINDOW);
        let mixed = (key ^ self.salt).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        ((mixed >> 32) % PLACES) as usize + (within % LONGEST_WINDOW) as usize
    }

    /// The blocks that a range of the torrent touches: of each its bytes within the range, in order.
    pub(crate) fn cut(&self, range: Range<u64>) -> impl Iterator<Item = (BlockId, Range<usize>)> + use<> {
        let geometry = self.geometry;
        let mut at = range.start;
        std::iter::from_fn(move || {
            if at >= range.end.min(geometry.total()) {
                return None;
            }
            let piece = u32::try_from(at / u64::from(geometry.piece_length())).ok()?;
            let piece = PieceIndex::new(piece);
            let within = u32::try_from(at - geometry.piece_start(piece)).ok()?;
            let block = BlockId { piece, block: within / BLOCK_LEN };
            let start = geometry.piece_start(piece) + u64::from(geometry.block_start(block));
            let end = (start + u64::from(geometry.block_len(block))).min(range.end);
            let part = (at - start) as usize..(end - start) as usize;
            at = end;
            Some((block, part))
        })
    }

    /// Any range of the torrent; copied, unless it lies within one window.
    pub fn read(&self, range: Range<u64>) -> Bytes {
        let len = (range.end - range.start) as usize;
        let Some((first, part)) = self.cut(range.clone()).next() else { return Bytes::new() };
        let within = self.geometry.block_start(first) as usize + part.start;
        let window = self.geometry.piece_len(first.piece).min(LONGEST_WINDOW) as usize;
        if within + len <= window {
            let from = self.place(first) + part.start;
            return self.pool.slice(from..from + len);
        }
        let mut out = BytesMut::with_capacity(len);
        self.cut(range).for_each(|(block, part)| out.extend_from_slice(&self.block(block)[part]));
        out.freeze()
    }

    /// Whether `data` is what the torrent has in this part of a block.
    pub fn is_true(&self, block: BlockId, part: Range<usize>, data: &[u8]) -> bool {
        let from = self.place(block);
        let Some(truth) = self.pool.get(from + part.start..from + part.end) else { return false };
        // The same place in memory holds the same bytes: that is the case of nearly every block.
        std::ptr::eq(truth, data) || truth == data
    }
}

/// A torrent of the simulation: what the engines know of it, and its content.
#[derive(Clone, Debug)]
pub struct Torrent {
    /// What engines are given.
    pub metainfo: Arc<Metainfo>,
    /// What the seeds have.
    pub payload: Payload,
}

impl Torrent {
    /// A torrent of one file, announced to these trackers, one tier each.
    ///
    /// # Errors
    /// [`MetainfoError`] where no torrent can have this shape.
    pub fn new(
        seed: u64,
        name: &str,
        total: u64,
        piece_length: u32,
        trackers: &[String],
    ) -> Result<Self, MetainfoError> {
        Self::build(Builder::file(name, total, piece_length), seed, total, piece_length, trackers)
    }

    /// A torrent of files of these names and lengths in a directory.
    ///
    /// # Errors
    /// [`MetainfoError`] where no torrent can have this shape.
    pub fn of_files(
        seed: u64,
        name: &str,
        files: &[(&str, u64)],
        piece_length: u32,
        trackers: &[String],
    ) -> Result<Self, MetainfoError> {
        let total = files.iter().map(|(_, length)| length).sum();
        let files = files.iter().map(|(path, length)| (path.split('/').map(String::from).collect(), *length));
        let builder = Builder::directory(name, files.collect(), piece_length);
        Self::build(builder, seed, total, piece_length, trackers)
    }

    fn build(
        builder: Builder,
        seed: u64,
        total: u64,
        piece_length: u32,
        trackers: &[String],
    ) -> Result<Self, MetainfoError> {
        let Some(geometry) = Geometry::new(total, piece_length) else {
            // The builder says what is wrong with the shape.
            let metainfo = Metainfo::parse(&builder.build()?)?;
            return Ok(Self {
                payload: Payload::new(metainfo.geometry(), seed),
                metainfo: Arc::new(metainfo),
            });
        };
        let payload = Payload::new(geometry, seed);
        let mut hashes = Vec::with_capacity(20 * geometry.num_pieces() as usize);
        for piece in geometry.pieces() {
            let mut state = Sha1State::new();
            for block in 0..geometry.blocks_in(piece) {
                state.update(&payload.block(BlockId { piece, block }));
            }
            hashes.extend_from_slice(&state.finish().0);
        }
        let tiers: Vec<Vec<String>> = trackers.iter().map(|url| vec![url.clone()]).collect();
        let file = builder.pieces(hashes).trackers(tiers).build()?;
        Ok(Self { metainfo: Arc::new(Metainfo::parse(&file)?), payload })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn torrent(total: u64, piece_length: u32) -> Torrent {
        Torrent::new(3, "t", total, piece_length, &[]).expect("a torrent of this shape")
    }

    #[test]
    fn the_content_is_what_the_hashes_say() {
        for (total, piece_length) in [(1, 16_384), (100_000, 32_768), (70_001, 4_096), (50_000, 20_000)] {
            let Torrent { metainfo, payload } = torrent(total, piece_length);
            let whole = payload.read(0..total);
            assert_eq!(whole.len() as u64, total);
            for piece in metainfo.geometry().pieces() {
                let range = metainfo.geometry().piece_range(piece);
                let bytes = &whole[range.start as usize..range.end as usize];
                assert_eq!(metainfo.piece_hash(piece), Some(peerless_core::sha1(bytes)));
                assert_eq!(payload.read(range), bytes);
            }
        }
    }

    #[test]
    fn any_range_is_a_part_of_the_whole() {
        let payload = torrent(100_000, 32_768).payload;
        let whole = payload.read(0..100_000);
        for range in [0..0, 5..6, 16_000..17_000, 32_000..99_999, 99_999..100_000] {
            let wanted = &whole[range.start as usize..range.end as usize];
            assert_eq!(payload.read(range), wanted);
        }
    }

    #[test]
    fn a_block_is_told_from_another() {
        let payload = torrent(100_000, 32_768).payload;
        let (a, b) = (
            BlockId { piece: PieceIndex::new(0), block: 0 },
            BlockId { piece: PieceIndex::new(1), block: 0 },
        );
        let data = payload.block(a);
        assert!(payload.is_true(a, 0..data.len(), &data));
        assert!(payload.is_true(a, 0..data.len(), &Bytes::copy_from_slice(&data)), "a copy is as true");
        assert!(!payload.is_true(b, 0..data.len(), &data));
        assert!(!payload.is_true(a, 0..10, &[0; 10]));
        assert!(!payload.is_true(a, 0..usize::MAX >> 1, &data));
    }
}
