//! What is shared in the tests: bytes that follow from a seed, as one file or as a tree of many.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// The content of a torrent, described and not held: every byte follows from the seed and its place.
#[derive(Clone, Debug)]
pub struct Payload {
    name: String,
    seed: u64,
    piece_length: u32,
    /// The files below `name`, in order; none where `name` is the file.
    files: Vec<(String, u64)>,
    total: u64,
}

impl Payload {
    /// One file of `len` bytes.
    pub fn file(name: &str, len: u64, piece_length: u32) -> Self {
        Self { name: name.into(), seed: len ^ 0x0f11e, piece_length, files: Vec::new(), total: len }
    }

    /// A tree of `count` files in nested directories: one in eight is empty, one in eight has a few bytes, most
    /// are smaller than a piece, some span several. Some names are not ASCII.
    pub fn tree(name: &str, count: u32, piece_length: u32) -> Self {
        let seed = u64::from(count) ^ 0x7ee5;
        let files: Vec<_> = (0..count).map(|n| (tree_path(n), tree_len(seed, n, piece_length))).collect();
        let total = files.iter().map(|(_, len)| len).sum();
        Self { name: name.into(), seed, piece_length, files, total }
    }

    /// These files, each with its length, below a directory.
    pub fn of_files(name: &str, files: Vec<(String, u64)>, piece_length: u32) -> Self {
        let total = files.iter().map(|(_, len)| len).sum();
        Self { name: name.into(), seed: total ^ 0xf11e5, piece_length, files, total }
    }

    /// The name of the file, or of the directory that holds the files.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The files below the name, with their lengths, in order; none where the name is the file.
    pub fn files(&self) -> &[(String, u64)] {
        &self.files
    }

    /// All bytes together.
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// The length of a piece in bytes.
    pub const fn piece_length(&self) -> u32 {
        self.piece_length
    }

    /// How many pieces there are.
    pub fn num_pieces(&self) -> u32 {
        self.total.div_ceil(u64::from(self.piece_length)).try_into().expect("test payloads are small")
    }

    /// The bytes of a piece.
    pub fn piece(&self, index: u32) -> Vec<u8> {
        let start = u64::from(index) * u64::from(self.piece_length);
        self.bytes(start, (self.total - start).min(self.piece_length.into()) as usize)
    }

    /// The `len` bytes from `start` on.
    pub fn bytes(&self, start: u64, len: usize) -> Vec<u8> {
        let skip = (start % 8) as usize;
        let mut bytes = Vec::with_capacity(skip + len + 8);
        let mut word = start / 8;
        while bytes.len() < skip + len {
            bytes.extend_from_slice(&mix(self.seed.wrapping_add(word)).to_le_bytes());
            word += 1;
        }
        bytes.truncate(skip + len);
        bytes.drain(..skip);
        bytes
    }

    /// Writes everything below the directory `parent`, under the payload's name. Returns where it is.
    pub fn write(&self, parent: &Path) -> PathBuf {
        self.write_some(parent, |_| true)
    }

    /// As [`write`](Self::write), but only the pieces that `keep` wants: the others are holes, which read as
    /// zeros.
    pub fn write_some(&self, parent: &Path, keep: impl Fn(u32) -> bool) -> PathBuf {
        let root = parent.join(&self.name);
        let files = self.create_files(&root);
        let mut file = 0;
        for index in 0..self.num_pieces() {
            if !keep(index) {
                continue;
            }
            let bytes = self.piece(index);
            let mut at = u64::from(index) * u64::from(self.piece_length);
            let mut rest = bytes.as_slice();
            while !rest.is_empty() {
                let (path, start, len) = &files[file];
                if at >= start + len {
                    file += 1;
                    continue;
                }
                let (now, later) = rest.split_at((start + len - at).min(rest.len() as u64) as usize);
                let open = OpenOptions::new().write(true).open(path).expect("just created");
                open.write_all_at(now, at - start).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
                at += now.len() as u64;
                rest = later;
            }
        }
        root
    }

    /// Makes all files at their full lengths; with the place where each begins, and its length.
    fn create_files(&self, root: &Path) -> Vec<(PathBuf, u64, u64)> {
        let single = [(String::new(), self.total)];
        let mut start = 0;
        let all = if self.files.is_empty() { single.as_slice() } else { &self.files };
        all.iter()
            .map(|(below, len)| {
                let path = if below.is_empty() { root.to_owned() } else { root.join(below) };
                std::fs::create_dir_all(path.parent().expect("below a directory")).unwrap();
                let file = File::create(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
                file.set_len(*len).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
                start += len;
                (path, start - len, *len)
            })
            .collect()
    }
}

fn tree_path(n: u32) -> String {
    let dir = match n % 5 {
        0 => String::new(),
        1 => format!("d{:02}/", n % 17),
        2 => format!("deep/er/and/deep/er/{:02}/", n % 7),
        3 => "with spaces/and (brackets) [1]/".into(),
        _ => "données/日本語/Ελλάδα/".into(),
    };
    let name = if n % 11 == 7 { "naïve ☃ 🎈" } else { "file" };
    format!("{dir}{name} {n:05}.dat")
}

fn tree_len(seed: u64, n: u32, piece_length: u32) -> u64 {
    let random = mix(seed ^ u64::from(n));
    match n % 8 {
        3 => 0,
        5 => 1 + random % 40,
        6 => u64::from(piece_length) + random % (4 * u64::from(piece_length)),
        7 => u64::from(piece_length),
        _ => 1 + random % u64::from(piece_length),
    }
}

/// A number into one that looks random (the finaliser of SplitMix64).
const fn mix(n: u64) -> u64 {
    let n = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_the_pieces_say() {
        let dir = tempfile::tempdir().unwrap();
        let payload = Payload::tree("tree", 40, 16 << 10);
        let root = payload.write(dir.path());
        let mut read = Vec::new();
        for (path, len) in payload.files() {
            let bytes = std::fs::read(root.join(path)).unwrap();
            assert_eq!(bytes.len() as u64, *len);
            read.extend(bytes);
        }
        let pieces: Vec<u8> = (0..payload.num_pieces()).flat_map(|p| payload.piece(p)).collect();
        assert!(read == pieces);
        assert!(payload.files().iter().any(|(_, len)| *len == 0));
    }

    #[test]
    fn pieces_that_are_not_kept_are_zeros() {
        let dir = tempfile::tempdir().unwrap();
        let payload = Payload::file("file", 100_000, 32 << 10);
        let bytes = std::fs::read(payload.write_some(dir.path(), |p| p == 1)).unwrap();
        assert_eq!(bytes.len(), 100_000);
        let (first, rest) = bytes.split_at(32 << 10);
        let (second, last) = rest.split_at(32 << 10);
        assert!(second == payload.piece(1));
        assert!(first.iter().chain(last).all(|b| *b == 0));
    }
}
