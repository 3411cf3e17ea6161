//! What stands on a simulated disk: per torrent and place, what its blocks hold, and how long its files are.

use super::blocks::{Blocks, Held};
use crate::payload::Torrent;
use bytes::{Bytes, BytesMut};
use peerless_core::{Allocation, BlockId, Extent, FileIndex, FileStamp, Geometry, PieceIndex};
use std::collections::BTreeMap;
use std::ops::Range;

/// What stood where a write has put something else.
#[derive(Debug, Default)]
pub(super) struct Replaced {
    /// Where in the torrent it was written.
    pub(super) written: Range<u64>,
    /// What stood in the blocks there, in those that had been written before.
    pub(super) before: BTreeMap<BlockId, Held>,
    /// Each file that was touched.
    pub(super) stamps: Vec<(FileIndex, Option<FileStamp>)>,
}

/// The files of one torrent at one place.
#[derive(Clone, Debug)]
pub(super) struct Files {
    torrent: Torrent,
    blocks: Blocks,
    /// Bytes that were set aside, written or not.
    reserved: u64,
    /// Of each file, its length and the time of its last change; `None` where it does not exist.
    stamps: Vec<Option<FileStamp>>,
}

impl Files {
    /// Nothing is there yet.
    pub(super) fn new(torrent: Torrent) -> Self {
        let count = torrent.metainfo.layout().files().len();
        let blocks = Blocks::new(torrent.metainfo.geometry());
        Self { torrent, blocks, reserved: 0, stamps: vec![None; count] }
    }

    /// Everything is there.
    pub(super) fn full(torrent: Torrent, modified: i64) -> Self {
        let mut files = Self::new(torrent);
        let geometry = files.torrent.metainfo.geometry();
        for piece in geometry.pieces() {
            files.fill(piece);
        }
        files.fill_up(modified);
        files
    }

    /// Puts a piece there as the torrent has it.
    pub(super) fn fill(&mut self, piece: PieceIndex) {
        for block in 0..self.geometry().blocks_in(piece) {
            self.blocks.set(BlockId { piece, block }, Some(Held::True));
        }
    }

    /// Every file has its full length.
    pub(super) fn fill_up(&mut self, modified: i64) -> Replaced {
        let mut replaced = Replaced::default();
        for (n, file) in (0..).zip(self.torrent.metainfo.layout().files()) {
            let Some(stamp) = self.stamps.get_mut(n as usize) else { break };
            if !file.padding && stamp.is_none_or(|s| s.len < file.length) {
                replaced.stamps.push((FileIndex(n), *stamp));
                *stamp = Some(FileStamp { len: file.length, modified });
            }
        }
        replaced
    }

    /// Room that it takes up.
    pub(super) fn used(&self) -> u64 {
        self.blocks.bytes().max(self.reserved)
    }

    /// How many bytes of a write fit into `free` bytes more.
    pub(super) fn fits(&self, extents: &[Extent], allocation: Allocation, free: u64) -> u64 {
        let limit = self.used() + free;
        let files = self.torrent.metainfo.layout().files();
        let new = |e: &&Extent| !e.padding && self.stamps.get(e.file.as_usize()).is_some_and(Option::is_none);
        let new_files = extents.iter().filter(new).filter_map(|e| files.get(e.file.as_usize()));
        let to_reserve: u64 = new_files.map(|file| file.length).sum();
        if allocation == Allocation::Full && self.reserved + to_reserve > limit {
            return 0;
        }
        let (mut bytes, mut fits) = (self.blocks.bytes(), 0);
        for (block, part) in self.parts_of(extents) {
            if !self.blocks.is_written(block) {
                bytes += u64::from(self.geometry().block_len(block));
            }
            if bytes > limit {
                break;
            }
            fits += part.len() as u64;
        }
        fits
    }

    /// The blocks that a range of the torrent touches.
    pub(super) fn blocks_in(&self, range: Range<u64>) -> impl Iterator<Item = BlockId> + use<> {
        self.torrent.payload.cut(range).map(|(block, _)| block)
    }

    /// The blocks that these extents touch.
    pub(super) fn blocks_of(&self, extents: &[Extent]) -> Vec<BlockId> {
        self.parts_of(extents).map(|(block, _)| block).collect()
    }

    fn parts_of(&self, extents: &[Extent]) -> impl Iterator<Item = (BlockId, Range<usize>)> + use<> {
        let start = extents.first().map_or(0, |first| self.start(first));
        self.torrent.payload.cut(start..start + extents.iter().map(|e| e.len).sum::<u64>())
    }

    /// A block holds these bytes from now on.
    fn put(&mut self, block: BlockId, bytes: Bytes) -> Option<Held> {
        let held = if self.torrent.payload.is_true(block, 0..bytes.len(), &bytes) {
            Held::True
        } else {
            Held::Other(bytes)
        };
        self.blocks.set(block, Some(held))
    }

    /// Whether no file exists.
    pub(super) fn is_nothing(&self) -> bool {
        self.stamps.iter().all(Option::is_none)
    }

    pub(super) fn set_stamp(&mut self, file: FileIndex, stamp: Option<FileStamp>) {
        if let Some(slot) = self.stamps.get_mut(file.as_usize()) {
            *slot = stamp;
        }
    }

    /// The stamps of the files of these extents; of padding, and of what is missing, none.
    pub(super) fn stamps_of(&self, extents: &[Extent]) -> Vec<Option<FileStamp>> {
        extents.iter().map(|e| self.stamps.get(e.file.as_usize()).copied().flatten()).collect()
    }

    pub(super) fn block_len(&self, block: BlockId) -> usize {
        self.geometry().block_len(block) as usize
    }

    pub(super) fn stamps(&self) -> &[Option<FileStamp>] {
        &self.stamps
    }

    /// Writes `data` where the extents say; they and the slices add up to as many bytes. What stood there before.
    pub(super) fn write(
        &mut self,
        extents: &[Extent],
        data: &[Bytes],
        modified: i64,
        allocation: Allocation,
    ) -> Replaced {
        let mut replaced = Replaced::default();
        let start = extents.first().map_or(0, |first| self.start(first));
        for extent in extents.iter().filter(|e| !e.padding) {
            self.touch(extent, modified, allocation, &mut replaced);
        }
        let end = start + data.iter().map(|slice| slice.len() as u64).sum::<u64>();
        replaced.written = start..end;
        let mut slices = data.iter().cloned();
        let mut slice = Bytes::new();
        let mut pieces_of_it: Vec<Bytes> = Vec::with_capacity(1);
        for (block, part) in self.torrent.payload.cut(start..end) {
            pieces_of_it.clear();
            let mut wanted = part.len();
            while wanted > 0 {
                if slice.is_empty() {
                    let Some(next) = slices.next() else { return replaced };
                    slice = next;
                    continue;
                }
                let now = slice.split_to(wanted.min(slice.len()));
                wanted -= now.len();
                pieces_of_it.push(now);
            }
            if let Some(before) = self.write_block(block, part, &pieces_of_it) {
                replaced.before.insert(block, before);
            }
        }
        replaced
    }

    /// A file is as long as a write makes it, and was changed.
    fn touch(&mut self, extent: &Extent, modified: i64, allocation: Allocation, replaced: &mut Replaced) {
        let files = self.torrent.metainfo.layout().files();
        let whole = files.get(extent.file.as_usize()).map_or(0, |f| f.length);
        let end = if allocation == Allocation::None { extent.offset + extent.len } else { whole };
        let Some(stamp) = self.stamps.get_mut(extent.file.as_usize()) else { return };
        replaced.stamps.push((extent.file, *stamp));
        if stamp.is_none() && allocation == Allocation::Full {
            self.reserved += whole;
        }
        *stamp = Some(FileStamp { len: stamp.map_or(0, |s| s.len).max(end), modified });
    }

    fn write_block(&mut self, block: BlockId, part: Range<usize>, data: &[Bytes]) -> Option<Held> {
        let mut from = part.start;
        let all_true = data.iter().all(|slice| {
            let at = from..from + slice.len();
            from = at.end;
            self.torrent.payload.is_true(block, at, slice)
        });
        let len = self.geometry().block_len(block) as usize;
        if all_true && (part == (0..len) || self.blocks.is_true(block)) {
            return self.blocks.set(block, Some(Held::True));
        }
        let mut bytes = BytesMut::from(&self.block(block)[..]);
        let mut at = part.start;
        for slice in data {
            bytes[at..at + slice.len()].copy_from_slice(slice);
            at += slice.len();
        }
        self.put(block, bytes.freeze())
    }

    /// What a block holds; zeros where nothing was written.
    pub(super) fn block(&self, block: BlockId) -> Bytes {
        self.bytes_of(block, self.blocks.get(block).as_ref())
    }

    fn bytes_of(&self, block: BlockId, held: Option<&Held>) -> Bytes {
        match held {
            Some(Held::True) => self.torrent.payload.block(block),
            Some(Held::Other(bytes)) => bytes.clone(),
            None => Bytes::from(vec![0; self.geometry().block_len(block) as usize]),
        }
    }

    /// Whether a part of a block holds what the torrent has there.
    pub(super) fn is_true(&self, block: BlockId, part: Range<usize>) -> bool {
        match self.blocks.get(block) {
            Some(Held::True) => true,
            // The rest of a block may be true where one byte of it is not.
            Some(Held::Other(bytes)) => {
                bytes.get(part.clone()).is_some_and(|bytes| self.torrent.payload.is_true(block, part, bytes))
            }
            None => self.torrent.payload.is_true(block, part.clone(), &self.block(block).slice(part)),
        }
    }

    /// The bytes of these extents; `None` where a file is missing or too short.
    pub(super) fn read(&self, extents: &[Extent]) -> Option<Bytes> {
        let range = self.range(extents)?;
        let payload = &self.torrent.payload;
        if payload.cut(range.clone()).all(|(block, _)| self.blocks.is_true(block)) {
            return Some(payload.read(range));
        }
        let mut out = BytesMut::with_capacity((range.end - range.start) as usize);
        payload.cut(range).for_each(|(block, part)| out.extend_from_slice(&self.block(block)[part]));
        Some(out.freeze())
    }

    /// The range of the torrent that the extents cover; `None` where a file is missing or too short.
    pub(super) fn range(&self, extents: &[Extent]) -> Option<Range<u64>> {
        let there = |e: &Extent| {
            let stamp = self.stamps.get(e.file.as_usize()).copied().flatten();
            e.padding || stamp.is_some_and(|s| s.len >= e.offset + e.len)
        };
        if !extents.iter().all(there) {
            return None;
        }
        let start = self.start(extents.first()?);
        Some(start..start + extents.iter().map(|e| e.len).sum::<u64>())
    }

    /// Damages a block: one byte of it is another.
    pub(super) fn corrupt(&mut self, block: BlockId) {
        let mut bytes = BytesMut::from(&self.block(block)[..]);
        if let Some(byte) = bytes.first_mut() {
            *byte ^= 0x55;
        }
        self.put(block, bytes.freeze());
    }

    /// A file ends here: what was behind is gone. With `None` the file is gone.
    pub(super) fn end_file(&mut self, file: FileIndex, stamp: Option<FileStamp>) {
        let Some(entry) = self.torrent.metainfo.layout().files().get(file.as_usize()) else { return };
        let gone = entry.offset + stamp.map_or(0, |s| s.len)..entry.offset + entry.length;
        if let Some(slot) = self.stamps.get_mut(file.as_usize()) {
            *slot = stamp;
        }
        for (block, part) in self.torrent.payload.cut(gone) {
            if part.len() == self.geometry().block_len(block) as usize {
                self.blocks.set(block, None);
            } else if self.blocks.is_written(block) {
                let mut bytes = BytesMut::from(&self.block(block)[..]);
                bytes[part].fill(0);
                self.put(block, bytes.freeze());
            }
        }
    }

    /// A block holds what it held before, but for the first `kept` bytes, and for files that are not among these.
    pub(super) fn restore(
        &mut self,
        block: BlockId,
        before: Option<&Held>,
        kept: usize,
        files: &[FileIndex],
    ) {
        let geometry = self.geometry();
        let start = geometry.piece_start(block.piece) + u64::from(geometry.block_start(block));
        let range = start..start + u64::from(geometry.block_len(block));
        let extents = self.torrent.metainfo.layout().extents(range);
        if kept == 0 && extents.iter().all(|e| e.padding || files.contains(&e.file)) {
            self.blocks.set(block, before.cloned());
            return;
        }
        let old = self.bytes_of(block, before);
        let mut bytes = BytesMut::from(&self.block(block)[..]);
        let mut at = 0;
        for extent in extents {
            let end = at + extent.len as usize;
            if files.contains(&extent.file) && end > kept {
                bytes[at.max(kept)..end].copy_from_slice(&old[at.max(kept)..end]);
            }
            at = end;
        }
        self.put(block, bytes.freeze());
    }

    /// Where an extent begins in the torrent.
    pub(super) fn start(&self, extent: &Extent) -> u64 {
        let files = self.torrent.metainfo.layout().files();
        files.get(extent.file.as_usize()).map_or(0, |f| f.offset) + extent.offset
    }

    pub(super) fn geometry(&self) -> Geometry {
        self.torrent.metainfo.geometry()
    }

    pub(super) const fn torrent(&self) -> &Torrent {
        &self.torrent
    }
}
