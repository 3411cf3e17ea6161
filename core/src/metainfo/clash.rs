//! Refuses torrents of which, on some file system, one file would overwrite another or be its directory.
//!
//! The paths are laid into one tree, in which a directory is kept once: however often a torrent's paths repeat it,
//! memory is used in proportion to the names that differ.

use super::error::PathError;
use super::layout::FileEntry;
use crate::escape::escape_line;
use crate::limits::MAX_SHOWN_TEXT;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use unicode_normalization::UnicodeNormalization;

/// Refuses the first file that clashes with one before it.
///
/// Padding files never reach the disk and may be called what they like.
pub(super) fn refuse_clashes(files: &[FileEntry]) -> Result<(), PathError> {
    let mut tree = Tree::default();
    let on_disk = || files.iter().filter(|file| !file.padding);
    for (number, file) in on_disk().enumerate() {
        let Err(with) = tree.add(number, &file.path) else { continue };
        let named = on_disk().nth(with.named).map(|file| file.path.join("/"));
        let path = escape_line(&named.unwrap_or_default(), MAX_SHOWN_TEXT).into();
        let (first, second) = (with.other + 1, number + 1);
        return Err(if with.directory {
            PathError::FileAsDirectory { path, first, second }
        } else {
            PathError::Clash { path, first, second }
        });
    }
    Ok(())
}

/// What a path clashes with. Files go by their numbers, counted from 0.
#[derive(Clone, Copy, Debug)]
struct With {
    /// The file that was there before.
    other: usize,
    /// Of the two the one whose whole path it is about.
    named: usize,
    /// One of them is a directory.
    directory: bool,
}

/// Files in their directories, by names as the least discerning file systems see them.
#[derive(Debug, Default)]
struct Tree<'a> {
    /// By the number of the directory that they are in, 0 for the target itself, and the folded name.
    entries: BTreeMap<(u32, Box<str>), Entry>,
    directories: u32,
    /// The directories that the last path leads through, by name and number: the next path mostly begins alike.
    last: Vec<(&'a str, u32)>,
}

#[derive(Clone, Copy, Debug)]
enum Entry {
    File(usize),
    /// A directory, by its number, and the first file that lies in it or below.
    Directory(u32, usize),
}

impl<'a> Tree<'a> {
    fn add(&mut self, number: usize, path: &'a [Box<str>]) -> Result<(), With> {
        let Some((name, directories)) = path.split_last() else { return Ok(()) };
        let directory = self.enter(number, directories)?;
        match self.entries.insert((directory, fold(name)), Entry::File(number)) {
            None => Ok(()),
            Some(Entry::File(other)) => Err(With { other, named: other, directory: false }),
            Some(Entry::Directory(_, other)) => Err(With { other, named: number, directory: true }),
        }
    }

    /// The number of the directory that this path leads to.
    fn enter(&mut self, number: usize, path: &'a [Box<str>]) -> Result<u32, With> {
        let known = self.last.iter().zip(path).take_while(|((last, _), name)| *last == &***name).count();
        self.last.truncate(known);
        let mut at = self.last.last().map_or(0, |(_, directory)| *directory);
        for name in path.iter().skip(known) {
            let new = Entry::Directory(self.directories + 1, number);
            match *self.entries.entry((at, fold(name))).or_insert(new) {
                Entry::File(other) => return Err(With { other, named: other, directory: true }),
                Entry::Directory(directory, _) => at = directory,
            }
            self.directories = self.directories.max(at);
            self.last.push((name, at));
        }
        Ok(at)
    }
}

/// What is the same for all spellings that a file system may take for one: case folded, composed (NFC).
fn fold(name: &str) -> Box<str> {
    let folded: String = if name.is_ascii() {
        name.to_ascii_lowercase()
    } else {
        // By way of capitals, so that ß, ſ and final ς fold as Unicode wants.
        name.nfd().flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfc().collect()
    };
    folded.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Whether one path is the other or leads through it, name by name.
    fn clash(a: &FileEntry, b: &FileEntry) -> bool {
        a.path.iter().zip(&b.path).all(|(a, b)| fold(a) == fold(b))
    }

    proptest! {
        #[test]
        fn the_first_file_that_clashes_is_found(
            paths in proptest::collection::vec(proptest::collection::vec("[aAbBß]{1,2}", 1..4), 0..12),
        ) {
            let entry = |path: Vec<String>| FileEntry::new(path.into_iter().map(Into::into).collect(), 1, false);
            let files: Vec<FileEntry> = paths.into_iter().map(entry).collect();
            let clashes = |n: &usize| files[..*n].iter().any(|before| clash(before, &files[*n]));
            let found = match refuse_clashes(&files) {
                Ok(()) => None,
                Err(PathError::Clash { first, second, .. } | PathError::FileAsDirectory { first, second, .. }) => {
                    prop_assert!(clash(&files[first - 1], &files[second - 1]));
                    Some(second - 1)
                }
                Err(other) => panic!("{other}"),
            };
            prop_assert_eq!(found, (0..files.len()).find(clashes));
        }
    }
}
