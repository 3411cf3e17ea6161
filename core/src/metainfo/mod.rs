//! What a .torrent file says, checked: BEP 3, 12 (tracker tiers), 19 (web seeds), 27 (private), 47 (padding files)
//! and 52 (version 2).

mod builder;
mod clash;
mod error;
mod fields;
mod layout;
mod parse;
mod path;
#[cfg(test)]
mod tests;
mod v1;
mod v2;

pub use builder::Builder;
pub use error::{MetainfoError, NameFault, PathError};
pub use layout::{FileEntry, FileLayout};

use crate::geometry::Geometry;
use crate::ids::{InfoHash, PieceIndex, Sha1Hash};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;

/// A torrent, as its .torrent file describes it.
///
/// Whoever holds one knows that its sizes are within [`limits`](crate::limits) and agree with one another, and
/// that its name and its files' paths are safe to create. Texts ([`comment`](Self::comment) and the like) are as
/// they came: pass them through [`escape`](crate::escape) before showing them.
///
/// Where a key has a twin that ends in `.utf-8`, the twin is preferred.
///
/// # Names
///
/// A name that is empty, is `.` or `..`, or holds `/`, `\` or a control character makes the torrent unusable.
/// Any other becomes a name on the disk by the same steps on every system, so that a torrent has the same files
/// everywhere:
///
/// 1. each byte that is not part of UTF-8 becomes `%` and two hexadecimal digits, so that names that differ stay
///    different (other texts are decoded in the same way);
/// 2. characters that cannot be seen, or that turn the direction of writing, are dropped, and what is left must
///    still be a name;
/// 3. a name that Windows takes for a device or a drive (`CON`, `com1.txt`, `C:x`) gets a `_` before it;
/// 4. one that ends in a dot or a space, which Windows would cut off, gets a `_` after it;
/// 5. one of more than [`MAX_PATH_ELEMENT`](crate::limits::MAX_PATH_ELEMENT) bytes is cut before its extension,
///    and `~` with eight digits of its SHA-1 marks the cut.
///
/// Two paths that are then equal, or that differ only in capital letters or in how accents are coded, make the
/// torrent unusable: on some file systems they are one file. So does a file that is another's directory. Padding
/// files are never on the disk and may have equal names.
///
/// # No data
///
/// A torrent without a single byte of data is refused: there would be no piece to transfer or verify.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metainfo {
    info_hash: InfoHash,
    name: Box<str>,
    layout: FileLayout,
    /// The SHA-1 of every piece, one after another; empty for version 2 alone. A slice of `file`.
    pieces: Bytes,
    private: bool,
    trackers: Vec<Vec<Box<str>>>,
    web_seeds: Vec<Box<str>>,
    notes: Notes,
    /// All of it, as it was read.
    file: Bytes,
}

/// What people and programs wrote beside the data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Notes {
    comment: Option<Box<str>>,
    created_by: Option<Box<str>>,
    creation_date: Option<i64>,
    source: Option<Box<str>>,
    encoding: Option<Box<str>>,
}

impl Metainfo {
    /// Reads a .torrent file.
    ///
    /// What the download depends on must be right. What it does not depend on (trackers, web seeds, comment and
    /// the like) is ignored where it makes no sense.
    ///
    /// The info hash is taken over the info dictionary's bytes as they are, so version 1 may have its keys in any
    /// order. Version 2 may not (BEP 52). In a hybrid torrent both versions must describe the same files; the
    /// version 1 side is what is used.
    pub fn parse(data: &[u8]) -> Result<Self, MetainfoError> {
        parse::parse(data)
    }

    /// The .torrent file that it was read from, byte for byte. Two are equal only where their files are.
    pub const fn file(&self) -> &Bytes {
        &self.file
    }

    /// The same torrent with other URLs of trackers and web seeds (a function that gives different ones for different
    /// ones), and without what stands beside the info dictionary and is not needed.
    pub(crate) fn with_urls(&self, url: impl FnMut(&str) -> String) -> Self {
        let file = parse::with_urls(self, url);
        Self::parse(&file).expect("it differs only in what does not matter")
    }

    /// The identity of the torrent.
    pub const fn info_hash(&self) -> InfoHash {
        self.info_hash
    }

    /// Whether it can be downloaded by the version 1 protocol: version 1 alone, or hybrid.
    pub const fn has_v1(&self) -> bool {
        self.info_hash.v1.is_some()
    }

    /// The suggested name of the file, or of the directory: one safe path element.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is one file, not a directory.
    pub const fn is_single_file(&self) -> bool {
        self.layout.is_single_file()
    }

    /// Sizes.
    pub const fn geometry(&self) -> Geometry {
        self.layout.geometry()
    }

    /// Files.
    pub const fn layout(&self) -> &FileLayout {
        &self.layout
    }

    /// The expected SHA-1 of a piece; `None` out of range, or for a version 2 torrent.
    pub fn piece_hash(&self, piece: PieceIndex) -> Option<Sha1Hash> {
        self.pieces.as_chunks::<20>().0.get(piece.as_usize()).copied().map(Sha1Hash)
    }

    /// Announce URLs by tier (BEP 12), in the file's order, each once, at most
    /// [`limits::MAX_TRACKERS`](crate::limits::MAX_TRACKERS) in all. No tier is empty.
    pub fn trackers(&self) -> &[Vec<Box<str>>] {
        &self.trackers
    }

    /// URLs of web seeds (BEP 19 `url-list`), at most
    /// [`limits::MAX_WEB_SEEDS`](crate::limits::MAX_WEB_SEEDS).
    pub fn web_seeds(&self) -> &[Box<str>] {
        &self.web_seeds
    }

    /// Whether peers may come from its trackers only (BEP 27).
    pub const fn is_private(&self) -> bool {
        self.private
    }

    /// The author's comment.
    pub fn comment(&self) -> Option<&str> {
        self.notes.comment.as_deref()
    }

    /// The program that made the file.
    pub fn created_by(&self) -> Option<&str> {
        self.notes.created_by.as_deref()
    }

    /// When it was made: seconds since 1970, as the file says, so anything is possible.
    pub const fn creation_date(&self) -> Option<i64> {
        self.notes.creation_date
    }

    /// The `source` tag that some trackers add to change the info hash.
    pub fn source(&self) -> Option<&str> {
        self.notes.source.as_deref()
    }

    /// The character encoding that the author's program claims for names without a `.utf-8` twin. It is shown,
    /// not used.
    pub fn encoding(&self) -> Option<&str> {
        self.notes.encoding.as_deref()
    }
}
