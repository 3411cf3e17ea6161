//! The two descriptions of one payload in a hybrid torrent (BEP 52): lists and SHA-1 for version 1, a tree and
//! SHA-256 for version 2.

use crate::payload::Payload;
use peerless_core::bencode::{DictEncoder, encode_dict};
use peerless_core::{BLOCK_LEN, sha1, sha256};

type Digest = [u8; 32];

/// A file as both versions see it.
struct File {
    /// Below the payload's name; of a payload that is a file, the name itself.
    path: Vec<String>,
    bytes: Vec<u8>,
    /// The hash of each piece, by Merkle tree.
    layer: Vec<Digest>,
}

/// A hybrid's info dictionary and its piece layers, bencoded.
///
/// # Panics
/// When the piece length is none that version 2 allows.
pub(crate) fn info_and_layers(payload: &Payload) -> (Vec<u8>, Vec<u8>) {
    let piece = payload.piece_length();
    assert!(piece.is_power_of_two() && piece >= BLOCK_LEN, "version 2 has no pieces of {piece} bytes");
    let files = files(payload);
    let info = encode_dict(|d| {
        d.entry("file tree").dict(|d| tree(d, &files, 0, piece));
        if let ([file], true) = (files.as_slice(), payload.files().is_empty()) {
            d.entry("length").int(file.bytes.len() as i64);
        } else {
            list(d, &files, piece as usize);
        }
        d.entry("meta version").int(2);
        d.entry("name").bytes(payload.name());
        d.entry("piece length").int(piece.into());
        d.entry("pieces").bytes(pieces(&files, piece as usize));
    });
    let layers = encode_dict(|d| {
        for file in files.iter().filter(|file| file.bytes.len() > piece as usize) {
            d.entry(file.root(piece)).bytes(file.layer.concat());
        }
    });
    (info, layers)
}

/// The files in the order of the tree, which the list has to follow.
fn files(payload: &Payload) -> Vec<File> {
    let single = [(payload.name().to_owned(), payload.total())];
    let all = if payload.files().is_empty() { single.as_slice() } else { payload.files() };
    let mut start = 0;
    let mut files: Vec<File> = all
        .iter()
        .map(|(path, len)| {
            start += len;
            File::new(path, payload.bytes(start - len, *len as usize), payload.piece_length())
        })
        .collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// The version 2 tree of files that are in one directory, so many elements down.
fn tree(d: &mut DictEncoder<'_>, files: &[File], depth: usize, piece: u32) {
    for same in files.chunk_by(|a, b| a.path[depth] == b.path[depth]) {
        let path = &same[0].path;
        d.entry(&path[depth]).dict(|d| match same {
            [file] if path.len() == depth + 1 => file.encode(d, piece),
            _ => tree(d, same, depth + 1, piece),
        });
    }
}

/// The version 1 list, in which padding brings each file to the start of a piece.
fn list(d: &mut DictEncoder<'_>, files: &[File], piece: usize) {
    d.entry("files").list(|l| {
        for (n, file) in files.iter().enumerate() {
            l.dict(|d| {
                d.entry("length").int(file.bytes.len() as i64);
                d.entry("path").list(|l| file.path.iter().for_each(|element| l.bytes(element)));
            });
            let padding = file.bytes.len().next_multiple_of(piece) - file.bytes.len();
            if padding > 0 && n + 1 < files.len() {
                l.dict(|d| {
                    d.entry("attr").bytes("p");
                    d.entry("length").int(padding as i64);
                    d.entry("path").list(|l| {
                        l.bytes(".pad");
                        l.bytes(padding.to_string());
                    });
                });
            }
        }
    });
}

/// The SHA-1 of each piece, padding included.
fn pieces(files: &[File], length: usize) -> Vec<u8> {
    let mut all = Vec::new();
    for (n, file) in files.iter().enumerate() {
        for piece in file.bytes.chunks(length) {
            let mut piece = piece.to_vec();
            if n + 1 < files.len() {
                piece.resize(length, 0);
            }
            all.extend(sha1(&piece).0);
        }
    }
    all
}

impl File {
    fn new(path: &str, bytes: Vec<u8>, piece: u32) -> Self {
        let path = path.split('/').map(str::to_owned).collect();
        // Of a file with one piece the tree is no larger than it has to be.
        let least = if bytes.len() > piece as usize { (piece / BLOCK_LEN) as usize } else { 1 };
        let layer = bytes.chunks(piece as usize).map(|piece| {
            let leaves = piece.chunks(BLOCK_LEN as usize).map(|block| sha256(block).0);
            merkle(leaves.collect(), least, [0; 32])
        });
        Self { path, layer: layer.collect(), bytes }
    }

    fn encode(&self, d: &mut DictEncoder<'_>, piece: u32) {
        d.entry("").dict(|d| {
            d.entry("length").int(self.bytes.len() as i64);
            if !self.bytes.is_empty() {
                d.entry("pieces root").bytes(self.root(piece));
            }
        });
    }

    fn root(&self, piece: u32) -> Digest {
        let nothing = merkle(Vec::new(), (piece / BLOCK_LEN) as usize, [0; 32]);
        merkle(self.layer.clone(), 1, nothing)
    }
}

/// The root above these nodes, brought to `least` of them at least and to a power of two by repeating `filler`.
fn merkle(mut nodes: Vec<Digest>, least: usize, filler: Digest) -> Digest {
    nodes.resize(nodes.len().max(least).next_power_of_two(), filler);
    while nodes.len() > 1 {
        nodes = nodes.chunks(2).map(|pair| sha256(&pair.concat()).0).collect();
    }
    nodes.first().copied().unwrap_or(filler)
}
