//! What a torrent consists of, as far as files are concerned.

use peerless_core::Metainfo;
use std::collections::HashMap;

/// The files of a torrent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    /// Whether the target is the one file itself, not a directory.
    pub single: bool,
    /// All files in the order of the torrent, padding files included.
    pub files: Vec<StoredFile>,
}

/// One file of a torrent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// Safe path elements below the target; empty for the file of a single-file torrent.
    pub path: Vec<Box<str>>,
    /// Bytes.
    pub length: u64,
    /// A padding file (BEP 47): never on the disk.
    pub padding: bool,
}

impl Contents {
    /// The files of a torrent.
    pub fn of(metainfo: &Metainfo) -> Self {
        let files = metainfo.layout().files().iter();
        Self {
            single: metainfo.is_single_file(),
            files: files
                .map(|f| StoredFile { path: f.path.clone(), length: f.length, padding: f.padding })
                .collect(),
        }
    }
}

/// A directory of a torrent, by its number in the [`Tree`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct DirIndex(u32);

impl DirIndex {
    /// The directory that takes the place of the torrent's name.
    pub(super) const ROOT: Self = Self(0);
}

/// The files of a torrent, each with the number of its directory: so that a handle of a directory can be
/// found without a walk from the top, and the walk is needed once for each directory.
#[derive(Debug)]
pub(super) struct Tree {
    single: bool,
    dirs: Vec<Node>,
    files: Vec<Leaf>,
}

#[derive(Debug)]
struct Node {
    parent: DirIndex,
    name: Box<str>,
}

/// A file of a [`Tree`].
#[derive(Debug)]
pub(super) struct Leaf {
    /// The directory it is in; meaningless in a single-file torrent.
    pub(super) dir: DirIndex,
    /// Its name there; empty in a single-file torrent.
    pub(super) name: Box<str>,
    /// Bytes.
    pub(super) length: u64,
    /// Never on the disk.
    pub(super) padding: bool,
}

impl Tree {
    pub(super) fn new(contents: Contents) -> Self {
        let mut numbers: HashMap<(DirIndex, Box<str>), DirIndex> = HashMap::new();
        let mut dirs = vec![Node { parent: DirIndex::ROOT, name: "".into() }];
        let mut files = Vec::with_capacity(contents.files.len());
        for StoredFile { mut path, length, padding } in contents.files {
            let name = path.pop().unwrap_or_default();
            let mut dir = DirIndex::ROOT;
            // Directories that hold nothing but padding are not made either.
            for element in path.into_iter().filter(|_| !padding) {
                dir = *numbers.entry((dir, element)).or_insert_with_key(|(parent, name)| {
                    dirs.push(Node { parent: *parent, name: name.clone() });
                    DirIndex(u32::try_from(dirs.len() - 1).unwrap_or(u32::MAX))
                });
            }
            files.push(Leaf { dir, name, length, padding });
        }
        Self { single: contents.single, dirs, files }
    }

    /// Whether the target is the file itself.
    pub(super) const fn is_single(&self) -> bool {
        self.single
    }

    /// All files, in order.
    pub(super) fn files(&self) -> &[Leaf] {
        &self.files
    }

    /// The directory above one, and the name that one has in it; `None` for the root.
    pub(super) fn parent(&self, dir: DirIndex) -> Option<(DirIndex, &str)> {
        let node = self.dirs.get(dir.0 as usize).filter(|_| dir != DirIndex::ROOT)?;
        Some((node.parent, &node.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &[&str], padding: bool) -> StoredFile {
        StoredFile { path: path.iter().map(|&e| e.into()).collect(), length: 1, padding }
    }

    #[test]
    fn each_directory_has_one_number() {
        let files = vec![
            file(&["a", "x"], false),
            file(&["b", "a", "y"], false),
            file(&["a", "z"], false),
            file(&["w"], false),
        ];
        let tree = Tree::new(Contents { single: false, files });
        let dir = |n: usize| tree.files()[n].dir;
        assert_eq!(dir(0), dir(2));
        assert_ne!(dir(0), dir(1), "a and b/a are two directories");
        assert_eq!(dir(3), DirIndex::ROOT);
        assert_eq!(tree.parent(dir(0)), Some((DirIndex::ROOT, "a")));
        let (b, name) = tree.parent(dir(1)).unwrap();
        assert_eq!((name, tree.parent(b).unwrap().1), ("a", "b"));
        assert_eq!(tree.parent(DirIndex::ROOT), None);
    }

    #[test]
    fn padding_makes_no_directory() {
        let tree = Tree::new(Contents { single: false, files: vec![file(&[".pad", "5"], true)] });
        assert_eq!(tree.dirs.len(), 1);
    }
}
