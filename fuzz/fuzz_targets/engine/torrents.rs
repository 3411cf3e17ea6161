//! A few small torrents, each with its content: of one piece and of many, of one file and of several.

use peerless_core::metainfo::Builder;
use peerless_core::{Metainfo, sha1};
use std::sync::{Arc, LazyLock};

/// A torrent and its content.
pub(crate) struct Torrent {
    pub(crate) meta: Arc<Metainfo>,
    pub(crate) data: Vec<u8>,
}

/// Where its tracker is.
pub(crate) const TRACKER: [u8; 4] = [10, 0, 9, 9];

static TORRENTS: LazyLock<[Torrent; 4]> = LazyLock::new(|| {
    [
        single(64 << 10, 50_000),
        single(32 << 10, 5 * (32 << 10) - 5_000),
        // An empty file, one that spans pieces, padding, and one that is smaller than a block.
        several(
            16 << 10,
            &[("empty", 0), ("long", 40_000), (".pad/9152", 9_152), ("d/a", 20_000), ("d/b", 700)],
        ),
        // More than the least memory budget.
        single(64 << 10, 20 * (64 << 10)),
    ]
});

/// One of them.
pub(crate) fn torrent(n: u8) -> &'static Torrent {
    &TORRENTS[usize::from(n) % TORRENTS.len()]
}

fn single(piece_length: u32, total: usize) -> Torrent {
    make(Builder::file("file", total as u64, piece_length), content(total), piece_length)
}

fn several(piece_length: u32, files: &[(&str, usize)]) -> Torrent {
    let total = files.iter().map(|(_, len)| len).sum();
    let mut data: Vec<u8> = content(total);
    let mut at = 0;
    for (path, len) in files {
        if path.starts_with(".pad/") {
            data[at..at + len].fill(0);
        }
        at += len;
    }
    let path = |path: &str| path.split('/').map(str::to_owned).collect();
    let files = files.iter().map(|(name, len)| (path(name), *len as u64)).collect();
    make(Builder::directory("dir", files, piece_length), data, piece_length)
}

fn make(builder: Builder, data: Vec<u8>, piece_length: u32) -> Torrent {
    let hashes: Vec<u8> = data.chunks(piece_length as usize).flat_map(|piece| sha1(piece).0).collect();
    let file =
        builder.pieces(hashes).trackers([["http://10.0.9.9/announce", "http://tracker.example/announce"]]);
    let meta = Metainfo::parse(&file.build().expect("it is sound")).expect("it is sound");
    Torrent { meta: Arc::new(meta), data }
}

/// Bytes of which no two blocks are alike.
fn content(len: usize) -> Vec<u8> {
    (0..len).map(|n| ((n * n) >> 11) as u8 ^ (n >> 3) as u8).collect()
}
