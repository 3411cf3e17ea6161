//! What stands on a simulated disk: per torrent and place, which blocks hold the torrent's content, which hold
//! something else, and which of it would survive a power cut.

use crate::payload::Torrent;
use bytes::{Bytes, BytesMut};
use peerless_core::{BlockId, Extent, FileStamp, PieceIndex};
use std::collections::BTreeMap;
use std::ops::Range;

/// What a block of the disk holds.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Held {
    /// What the torrent has there.
    True,
    /// Something else: bytes that were written, or zeros (`None`) where nothing was.
    Other(Option<Bytes>),
}

/// The files of one torrent at one place.
#[derive(Clone, Debug)]
pub(super) struct Files {
    torrent: Torrent,
    /// Blocks that are not zeros.
    blocks: BTreeMap<(u32, u32), Held>,
    /// Of each file, its length and the time of its last change; `None` where it does not exist.
    stamps: Vec<Option<FileStamp>>,
}

impl Files {
    /// Nothing is there yet.
    pub(super) fn new(torrent: Torrent) -> Self {
        let count = torrent.metainfo.layout().files().len();
        Self { torrent, blocks: BTreeMap::new(), stamps: vec![None; count] }
    }

    /// Everything is there.
    pub(super) fn full(torrent: Torrent, modified: i64) -> Self {
        let mut files = Self::new(torrent);
        let geometry = files.torrent.metainfo.geometry();
        for piece in geometry.pieces() {
            files.fill(piece);
        }
        files.complete(modified);
        files
    }

    /// Puts a piece there as the torrent has it.
    pub(super) fn fill(&mut self, piece: PieceIndex) {
        for block in 0..self.torrent.metainfo.geometry().blocks_in(piece) {
            self.blocks.insert((piece.get(), block), Held::True);
        }
    }

    /// Every file has its full length.
    pub(super) fn complete(&mut self, modified: i64) {
        for (file, stamp) in self.torrent.metainfo.layout().files().iter().zip(&mut self.stamps) {
            if !file.padding && stamp.is_none_or(|s| s.len < file.length) {
                *stamp = Some(FileStamp { len: file.length, modified });
            }
        }
    }

    pub(super) fn stamps(&self) -> &[Option<FileStamp>] {
        &self.stamps
    }

    /// Writes `data` where the extents say; they and the slices add up to as many bytes.
    pub(super) fn write(&mut self, extents: &[Extent], data: &[Bytes], modified: i64, sparse: bool) {
        let start = extents.first().map_or(0, |first| self.start(first));
        for extent in extents.iter().filter(|e| !e.padding) {
            let whole =
                self.torrent.metainfo.layout().files().get(extent.file.as_usize()).map_or(0, |f| f.length);
            let end = if sparse { whole } else { extent.offset + extent.len };
            if let Some(stamp) = self.stamps.get_mut(extent.file.as_usize()) {
                let len = stamp.map_or(0, |s| s.len).max(end);
                *stamp = Some(FileStamp { len, modified });
            }
        }
        let end = start + data.iter().map(|slice| slice.len() as u64).sum::<u64>();
        let parts: Vec<_> = self.torrent.payload.cut(start..end).collect();
        let mut slices = data.iter().cloned();
        let mut slice = Bytes::new();
        for (block, part) in parts {
            let mut pieces_of_it: Vec<Bytes> = Vec::with_capacity(1);
            let mut wanted = part.len();
            while wanted > 0 {
                if slice.is_empty() {
                    let Some(next) = slices.next() else { return };
                    slice = next;
                    continue;
                }
                let now = slice.split_to(wanted.min(slice.len()));
                wanted -= now.len();
                pieces_of_it.push(now);
            }
            self.write_block(block, part, &pieces_of_it);
        }
    }

    fn write_block(&mut self, block: BlockId, part: Range<usize>, data: &[Bytes]) {
        let mut from = part.start;
        let all_true = data.iter().all(|slice| {
            let at = from..from + slice.len();
            from = at.end;
            self.torrent.payload.is_true(block, at, slice)
        });
        let key = (block.piece.get(), block.block);
        let len = self.torrent.metainfo.geometry().block_len(block) as usize;
        let whole = part == (0..len);
        let held = self.blocks.get(&key);
        if all_true && (whole || held == Some(&Held::True)) {
            self.blocks.insert(key, Held::True);
            return;
        }
        let mut bytes = BytesMut::from(&self.block(block)[..]);
        let mut at = part.start;
        for slice in data {
            bytes[at..at + slice.len()].copy_from_slice(slice);
            at += slice.len();
        }
        let held = if self.torrent.payload.is_true(block, 0..len, &bytes) {
            Held::True
        } else {
            Held::Other(Some(bytes.freeze()))
        };
        self.blocks.insert(key, held);
    }

    /// What a block holds; zeros where nothing was written.
    pub(super) fn block(&self, block: BlockId) -> Bytes {
        let len = self.torrent.metainfo.geometry().block_len(block) as usize;
        match self.blocks.get(&(block.piece.get(), block.block)) {
            Some(Held::True) => self.torrent.payload.block(block),
            Some(Held::Other(Some(bytes))) => bytes.clone(),
            Some(Held::Other(None)) | None => Bytes::from(vec![0; len]),
        }
    }

    /// Whether a part of a block holds what the torrent has there.
    pub(super) fn is_true(&self, block: BlockId, part: Range<usize>) -> bool {
        match self.blocks.get(&(block.piece.get(), block.block)) {
            Some(Held::True) => true,
            // The rest of a block may be true where one byte of it is not.
            Some(Held::Other(Some(bytes))) => {
                bytes.get(part.clone()).is_some_and(|bytes| self.torrent.payload.is_true(block, part, bytes))
            }
            Some(Held::Other(None)) | None => {
                self.torrent.payload.is_true(block, part.clone(), &self.block(block).slice(part))
            }
        }
    }

    /// The bytes of these extents; `None` where a file is missing or too short.
    pub(super) fn read(&self, extents: &[Extent]) -> Option<Bytes> {
        let range = self.range(extents)?;
        let payload = &self.torrent.payload;
        let is_true =
            |block: BlockId| self.blocks.get(&(block.piece.get(), block.block)) == Some(&Held::True);
        if payload.cut(range.clone()).all(|(block, _)| is_true(block)) {
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
        self.blocks.insert((block.piece.get(), block.block), Held::Other(Some(bytes.freeze())));
    }

    /// Where an extent begins in the torrent.
    pub(super) fn start(&self, extent: &Extent) -> u64 {
        let files = self.torrent.metainfo.layout().files();
        files.get(extent.file.as_usize()).map_or(0, |f| f.offset) + extent.offset
    }

    pub(super) const fn torrent(&self) -> &Torrent {
        &self.torrent
    }
}
