//! What is shared while clients are measured: a torrent, and its bytes in memory, for seeds to send and to compare.

use crate::payload::Payload;
use crate::torrent::Torrent;
use bytes::Bytes;
use peerless_core::metainfo::Builder;
use peerless_core::wire::{BlockRange, Features, Handshake};
use peerless_core::{BLOCK_LEN, Bitfield, Metainfo, PeerId, Sha1Hash, sha1};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// A torrent, and all its bytes or, where they repeat, one piece of them. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Content {
    /// The .torrent file.
    pub(super) torrent: PathBuf,
    /// The name of the file or directory.
    pub(super) name: String,
    /// Pieces in all.
    pub(super) pieces: u32,
    /// Bytes in all.
    pub(super) total: u64,
    info_hash: Sha1Hash,
    piece_length: u32,
    files: Vec<(String, u64)>,
    data: Bytes,
}

impl Content {
    /// The torrent of `payload` in the directory `dir`, announced at `url`.
    pub(super) fn new(dir: &Path, payload: &Payload, url: &str) -> Self {
        let torrent = Torrent::new(dir, payload, &[&[url]]);
        Self {
            torrent: torrent.path,
            name: payload.name().into(),
            pieces: payload.num_pieces(),
            total: payload.total(),
            info_hash: torrent.info_hash,
            piece_length: payload.piece_length(),
            files: payload.files().to_vec(),
            data: payload.bytes(0, payload.total() as usize).into(),
        }
    }

    /// A torrent of one file in which all pieces are the same, so that it may be larger than the memory.
    pub(super) fn repeating(dir: &Path, pieces: u32, piece_length: u32, url: &str) -> Self {
        let name = format!("{pieces}-pieces.bin");
        let data = Payload::file(&name, piece_length.into(), piece_length).piece(0);
        let total = u64::from(pieces) * u64::from(piece_length);
        let file = Builder::file(name.clone(), total, piece_length)
            .pieces(sha1(&data).0.repeat(pieces as usize))
            .trackers([[url]])
            .build()
            .expect("a torrent that can be");
        let info_hash = Metainfo::parse(&file).expect("our own torrent").info_hash().wire();
        let torrent = dir.join(format!("{name}.torrent"));
        std::fs::write(&torrent, file).expect("write into the lab");
        Self { torrent, name, pieces, total, info_hash, piece_length, files: Vec::new(), data: data.into() }
    }

    /// All bytes in GiB.
    pub(super) fn gib(&self) -> f64 {
        self.total as f64 / f64::from(1 << 30)
    }

    /// What the `n`-th peer says first.
    pub(super) fn handshake(&self, n: usize) -> Bytes {
        let mut peer_id = PeerId(*b"-XX0002-measures----");
        peer_id.0[16..].copy_from_slice(&(n as u32).to_be_bytes());
        let handshake = Handshake { info_hash: self.info_hash, peer_id, features: Features::default() };
        Bytes::copy_from_slice(&handshake.encode())
    }

    /// The message of one who has everything.
    pub(super) fn everything(&self) -> Bytes {
        let bits = Bitfield::full(self.pieces).to_wire();
        let length = bits.len() as u32 + 1;
        [&length.to_be_bytes()[..], &[5], &bits].concat().into()
    }

    /// The bytes of a block; `None` where the torrent has none.
    pub(super) fn block(&self, range: BlockRange) -> Option<Bytes> {
        let start = u64::from(range.index) * u64::from(self.piece_length) + u64::from(range.begin);
        let in_piece = u64::from(range.begin) + u64::from(range.len) <= u64::from(self.piece_length);
        if !in_piece || start + u64::from(range.len) > self.total {
            return None;
        }
        let start = (start % self.data.len() as u64) as usize;
        Some(self.data.slice(start..start + range.len as usize))
    }

    /// The length of all blocks but the last.
    pub(super) fn block_len(&self) -> u32 {
        BLOCK_LEN.min(self.piece_length)
    }

    /// How many blocks there are.
    pub(super) fn blocks(&self) -> u64 {
        self.total.div_ceil(self.block_len().into())
    }

    /// The `n`-th block of the torrent.
    pub(super) fn nth_block(&self, n: u64) -> BlockRange {
        let start = n * u64::from(self.block_len());
        let piece = u64::from(self.piece_length);
        BlockRange {
            index: (start / piece) as u32,
            begin: (start % piece) as u32,
            len: u64::from(self.block_len()).min(self.total - start) as u32,
        }
    }

    /// Compares what lies below the directory `parent` with what should.
    ///
    /// # Errors
    /// Which file differs.
    pub(super) fn verify(&self, parent: &Path) -> Result<(), String> {
        let single = [(String::new(), self.total)];
        let all = if self.files.is_empty() { &single[..] } else { &self.files };
        let mut buffer = vec![0; 1 << 20];
        let mut start = 0;
        for (below, len) in all {
            let path = parent.join(&self.name);
            let path = if below.is_empty() { path } else { path.join(below) };
            let differs = |why: &str| format!("{} {why}", path.display());
            let mut file = File::open(&path).map_err(|e| differs(&e.to_string()))?;
            let mut at = 0;
            loop {
                let n = file.read(&mut buffer).map_err(|e| differs(&e.to_string()))?;
                if at + n as u64 > *len || !self.is_at(start + at, &buffer[..n]) {
                    return Err(differs(&format!("is wrong within a mebibyte of byte {at}")));
                }
                at += n as u64;
                if n == 0 {
                    break;
                }
            }
            if at != *len {
                return Err(differs(&format!("has {at} bytes and not {len}")));
            }
            start += len;
        }
        Ok(())
    }

    fn is_at(&self, start: u64, mut bytes: &[u8]) -> bool {
        let mut at = (start % self.data.len() as u64) as usize;
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(self.data.len() - at));
            if self.data[at..at + now.len()] != *now {
                return false;
            }
            (at, bytes) = (0, later);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_byte_in_a_file_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let files = vec![("a".into(), 70_000), ("b/c".into(), 30_000)];
        let payload = Payload::of_files("tree", files, 32 << 10);
        let content = Content::new(dir.path(), &payload, "http://198.18.0.1/announce");
        let root = payload.write(dir.path());
        assert_eq!(content.verify(dir.path()), Ok(()));
        let mut bytes = std::fs::read(root.join("b/c")).unwrap();
        bytes[29_999] ^= 1;
        std::fs::write(root.join("b/c"), &bytes).unwrap();
        assert!(content.verify(dir.path()).unwrap_err().contains("b/c is wrong"));
        std::fs::write(root.join("b/c"), &bytes[..29_999]).unwrap();
        assert!(content.verify(dir.path()).unwrap_err().contains("29999 bytes and not 30000"));
    }

    #[test]
    fn blocks_are_counted_over_the_whole() {
        let dir = tempfile::tempdir().unwrap();
        let payload = Payload::file("file", 100_000, 32 << 10);
        let content = Content::new(dir.path(), &payload, "http://198.18.0.1/announce");
        assert_eq!(content.blocks(), 7);
        assert_eq!(content.nth_block(6), BlockRange { index: 3, begin: 0, len: 1_696 });
        assert_eq!(content.block(content.nth_block(5)).unwrap(), payload.bytes(5 << 14, 1 << 14));
        assert_eq!(content.block(BlockRange { index: 3, begin: 0, len: 1_697 }), None);
        assert_eq!(content.block(BlockRange { index: 0, begin: 20_000, len: 16_384 }), None);
    }

    #[test]
    fn a_repeating_torrent_needs_the_memory_of_one_piece() {
        let dir = tempfile::tempdir().unwrap();
        let content = Content::repeating(dir.path(), 100_000, 16 << 10, "http://198.18.0.1/announce");
        assert_eq!((content.total, content.data.len()), (100_000 << 14, 16 << 10));
        assert_eq!(content.block(content.nth_block(0)), content.block(content.nth_block(99_999)));
        std::fs::write(dir.path().join(&content.name), content.data.repeat(3)).unwrap();
        assert!(content.verify(dir.path()).unwrap_err().contains("has 49152 bytes"));
    }
}
