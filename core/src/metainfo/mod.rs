//! What a .torrent file says (BEP 3, 12, 19, 27, 47, 52), checked: stub.

use crate::disk::Extent;
use crate::geometry::Geometry;
use crate::ids::{FileIndex, InfoHash, PieceIndex, Sha1Hash};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use core::ops::Range;

/// A torrent, as its .torrent file describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metainfo {
    info_hash: InfoHash,
    name: Box<str>,
    layout: FileLayout,
    pieces: Bytes,
}

impl Metainfo {
    /// Reads a .torrent file.
    pub fn parse(_data: &[u8]) -> Result<Self, MetainfoError> {
        Err(MetainfoError::Stub)
    }

    /// The identity of the torrent.
    pub const fn info_hash(&self) -> InfoHash {
        self.info_hash
    }

    /// The suggested name of the file, or of the directory: one safe path element.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is one file, not a directory.
    pub const fn is_single_file(&self) -> bool {
        self.layout.single
    }

    /// Sizes.
    pub const fn geometry(&self) -> Geometry {
        self.layout.geometry
    }

    /// Files.
    pub const fn layout(&self) -> &FileLayout {
        &self.layout
    }

    /// The expected SHA-1 of a piece; `None` out of range, or for a version 2 torrent.
    pub fn piece_hash(&self, piece: PieceIndex) -> Option<Sha1Hash> {
        self.pieces.as_chunks::<20>().0.get(piece.as_usize()).copied().map(Sha1Hash)
    }

    /// Announce URLs by tier (BEP 12).
    pub fn trackers(&self) -> &[Vec<Box<str>>] {
        &[]
    }

    /// Whether peers may come from its trackers only (BEP 27).
    pub const fn is_private(&self) -> bool {
        false
    }
}

/// Where the files of a torrent lie in its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileLayout {
    geometry: Geometry,
    single: bool,
    files: Vec<FileEntry>,
}

/// One file of a torrent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEntry {
    /// Safe path elements below the target; empty for a single-file torrent.
    pub path: Vec<Box<str>>,
    /// Bytes.
    pub length: u64,
    /// Bytes from the start of the torrent.
    pub offset: u64,
    /// A padding file (BEP 47): never on the disk.
    pub padding: bool,
}

impl FileLayout {
    /// All files, in order.
    pub fn files(&self) -> &[FileEntry] {
        &self.files
    }

    /// The extents of a range of the torrent's bytes, in order; empty files have none.
    pub fn extents(&self, _range: Range<u64>) -> Vec<Extent> {
        let _ = FileIndex(0);
        Vec::new()
    }
}

/// Why a .torrent file is of no use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetainfoError {
    /// Stub.
    #[error("stub")]
    Stub,
}

/// Stub.
#[doc(hidden)]
pub type Unused = String;
