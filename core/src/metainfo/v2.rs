//! The version 2 side of an info dictionary (BEP 52): the file tree, and the piece layers beside it.

use super::error::MetainfoError;
use super::fields::{Fields, wrong_type};
use super::layout::{FileEntry, FileLayout};
use super::path;
use super::v1::padding_path;
use crate::bencode::{DictIter, Value};
use crate::geometry::BLOCK_LEN;
use crate::limits::{MAX_FILES, MAX_PATH_DEPTH, MAX_TREE_PATHS};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// About what an element of a path takes beside its text, in bytes.
const ELEMENT_COST: usize = 40;
/// What the paths of the smallest torrent may take, in bytes.
const MIN_BUDGET: u64 = 1 << 20;

/// The files of a file tree, in its order.
pub(super) struct FileTree<'d> {
    files: Vec<TreeFile<'d>>,
    position: usize,
}

struct TreeFile<'d> {
    path: Vec<Box<str>>,
    length: u64,
    /// Of a file that is not empty, and where it stands.
    root: Option<(&'d [u8], usize)>,
}

impl<'d> FileTree<'d> {
    pub(super) fn read(info: Fields<'d>, piece_length: u32) -> Result<Self, MetainfoError> {
        if let Some(position) = info.value().non_canonical() {
            let fault = "is not in canonical form, as version 2 wants it,";
            return Err(MetainfoError::invalid("info dictionary", fault, position));
        }
        if !piece_length.is_power_of_two() || piece_length < BLOCK_LEN {
            let position = info.need("piece length")?.position();
            let fault = "is not a power of two from 16384, as version 2 wants it,";
            return Err(MetainfoError::invalid("piece length", fault, position));
        }
        let root = Fields::new(info.need("file tree")?, "file tree")?;
        Ok(Self { files: walk(root, path_budget(info))?, position: root.value().position() })
    }

    /// Checks that every file longer than a piece has its hashes. `of` is the document.
    pub(super) fn check_layers(&self, of: Fields<'_>, piece_length: u32) -> Result<(), MetainfoError> {
        let layers = Fields::new(of.need("piece layers")?, "dictionary of piece layers")?;
        let by_root: BTreeMap<&[u8], Value<'_>> = layers.entries().into_iter().flatten().collect();
        let longer = self.files.iter().filter(|file| file.length > u64::from(piece_length));
        for (file, (root, position)) in longer.filter_map(|file| Some((file, file.root?))) {
            let Some(layer) = by_root.get(root) else {
                let fault = "has no piece layer";
                return Err(MetainfoError::invalid("pieces root", fault, position));
            };
            let hashes = layer
                .as_bytes()
                .ok_or_else(|| wrong_type(*layer, "piece layers", "a dictionary of strings"))?;
            if hashes.len() as u64 != file.length.div_ceil(u64::from(piece_length)) * 32 {
                let fault = "does not fit the length of its file";
                let position = layer.position();
                return Err(MetainfoError::invalid("piece layer", fault, position));
            }
        }
        Ok(())
    }

    /// Checks that a version 1 file list says the same, every file at the start of a piece.
    pub(super) fn compare(&self, v1: &FileLayout, name: &str) -> Result<(), MetainfoError> {
        let piece_length = u64::from(v1.geometry().piece_length());
        let mut ours = self.files.iter();
        let theirs = v1.files().iter().filter(|file| !file.padding);
        for (number, theirs) in (1..).zip(theirs) {
            let same = ours.next().is_some_and(|ours| {
                let path =
                    if v1.is_single_file() { is_only(&ours.path, name) } else { ours.path == theirs.path };
                let aligned = theirs.length == 0 || theirs.offset.is_multiple_of(piece_length);
                path && ours.length == theirs.length && aligned
            });
            if !same {
                return Err(MetainfoError::HybridMismatch { number });
            }
        }
        let rest = ours.count();
        if rest > 0 {
            return Err(MetainfoError::HybridMismatch { number: self.files.len() - rest + 1 });
        }
        Ok(())
    }

    /// The layout of a torrent that has nothing but this tree: files at the starts of pieces, padding between.
    pub(super) fn into_layout(self, name: &str, piece_length: u32) -> Result<FileLayout, MetainfoError> {
        let single = matches!(&self.files[..], [only] if is_only(&only.path, name));
        let mut files: Vec<FileEntry> = Vec::with_capacity(self.files.len());
        let mut gap = 0;
        for file in self.files {
            if gap > 0 && file.length > 0 {
                files.push(FileEntry::new(padding_path(gap), gap, true));
                gap = 0;
            }
            if file.length > 0 {
                gap = file.length.next_multiple_of(u64::from(piece_length)) - file.length;
            }
            let path = if single { Vec::new() } else { file.path };
            files.push(FileEntry::new(path, file.length, false));
        }
        FileLayout::new(files, single, piece_length, self.position)
    }
}

/// Whether a path is the file that gives a single-file torrent its name.
fn is_only(path: &[Box<str>], name: &str) -> bool {
    matches!(path, [only] if &**only == name)
}

/// How many bytes the paths of all files may take: some for each byte that describes them, for in a tree a
/// directory is named once, in a list of paths once for each file.
fn path_budget(info: Fields<'_>) -> u64 {
    let len = info.value().raw().len() as u64;
    (MIN_BUDGET + 32 * len).min(MAX_TREE_PATHS)
}

/// The files of the tree, depth first: the order in which their pieces follow one another.
fn walk(root: Fields<'_>, budget: u64) -> Result<Vec<TreeFile<'_>>, MetainfoError> {
    let mut files = Vec::new();
    let mut spent = 0;
    let mut path: Vec<Box<str>> = Vec::new();
    let mut open: Vec<DictIter<'_>> = root.entries().into_iter().collect();
    while let Some(directory) = open.last_mut() {
        let Some((key, value)) = directory.next() else {
            open.pop();
            path.pop();
            continue;
        };
        let position = value.position();
        let within = |what, found: usize, limit| match found as u64 {
            found if found > limit => Err(MetainfoError::limit(what, found, limit, position)),
            _ => Ok(()),
        };
        let entry = Fields::new(value, "file tree entry")?;
        path.push(path::name(key, position)?);
        within("the number of a path's elements is", path.len(), MAX_PATH_DEPTH as u64)?;
        let Some(properties) = entry.find("") else {
            open.extend(entry.entries());
            continue;
        };
        if entry.entries().is_some_and(|entries| entries.count() > 1) {
            let fault = "is a file and a directory at once";
            return Err(MetainfoError::invalid("file tree entry", fault, position));
        }
        spent += path.iter().map(|element| element.len() + ELEMENT_COST).sum::<usize>();
        within("the memory for all paths is", spent, budget)?;
        files.push(file(Fields::new(properties, "file entry")?, path.clone())?);
        within("the number of files is", files.len(), MAX_FILES as u64)?;
        path.pop();
    }
    Ok(files)
}

fn file<'d>(entry: Fields<'d>, path: Vec<Box<str>>) -> Result<TreeFile<'d>, MetainfoError> {
    entry.refuse_symlink()?;
    let length = entry.length()?;
    if length == 0 {
        return Ok(TreeFile { path, length, root: None });
    }
    let (root, position) = entry.need_bytes("pieces root")?;
    if root.len() != 32 {
        let fault = "is not of 32 bytes";
        return Err(MetainfoError::invalid("pieces root", fault, position));
    }
    Ok(TreeFile { path, length, root: Some((root, position)) })
}
