//! Where the files of a torrent lie in its bytes, and which files a range of bytes falls into.

use super::error::MetainfoError;
use crate::disk::Extent;
use crate::geometry::Geometry;
use crate::ids::FileIndex;
use crate::limits::{MAX_PIECES, MAX_TOTAL_LENGTH};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Range;

/// Where the files of a torrent lie in its bytes. They follow one another without a gap.
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
    /// A padding file (BEP 47): never on the disk. In a version 2 torrent, where files are aligned to pieces
    /// without any, the gaps are listed as padding files.
    pub padding: bool,
}

impl FileLayout {
    /// Puts `files` one after another. `position` is where the .torrent file lists them.
    pub(super) fn new(
        mut files: Vec<FileEntry>,
        single: bool,
        piece_length: u32,
        position: usize,
    ) -> Result<Self, MetainfoError> {
        let mut total = 0u64;
        for file in &mut files {
            file.offset = total;
            total = total.saturating_add(file.length);
        }
        if files.iter().all(|file| file.length == 0) {
            return Err(MetainfoError::invalid("torrent", "has no data: every file is empty,", position));
        }
        if total > MAX_TOTAL_LENGTH {
            let what = "the length of all files is";
            return Err(MetainfoError::limit(what, total, MAX_TOTAL_LENGTH, position));
        }
        let num_pieces = total.div_ceil(u64::from(piece_length.max(1)));
        let too_many =
            || MetainfoError::limit("the number of pieces is", num_pieces, u64::from(MAX_PIECES), position);
        if num_pieces > u64::from(MAX_PIECES) {
            return Err(too_many());
        }
        let geometry = Geometry::new(total, piece_length).ok_or_else(too_many)?;
        Ok(Self { geometry, single, files })
    }

    /// All files, in order.
    pub fn files(&self) -> &[FileEntry] {
        &self.files
    }

    /// Bytes of all files but padding files: what a finished download takes on the disk.
    pub fn content_length(&self) -> u64 {
        self.files.iter().filter(|file| !file.padding).map(|file| file.length).sum()
    }

    /// The extents of a range of the torrent's bytes, in order; empty files have none. What lies beyond the
    /// torrent's end is left out.
    pub fn extents(&self, range: Range<u64>) -> Vec<Extent> {
        self.each_extent(range).collect()
    }

    /// The same one by one, for who has many ranges to look at and nothing to keep.
    pub(crate) fn each_extent(&self, range: Range<u64>) -> impl Iterator<Item = Extent> {
        let first = self.files.partition_point(|file| file.end() <= range.start);
        let from_first = self.files.get(first..).unwrap_or_default().iter();
        let indices = u32::try_from(first).unwrap_or(u32::MAX)..;
        from_first.zip(indices).take_while(move |(file, _)| file.offset < range.end).filter_map(
            move |(file, index)| {
                let start = range.start.max(file.offset);
                let len = range.end.min(file.end()).saturating_sub(start);
                let extent = Extent {
                    file: FileIndex(index),
                    offset: start - file.offset,
                    len,
                    padding: file.padding,
                };
                (len > 0).then_some(extent)
            },
        )
    }

    pub(super) const fn geometry(&self) -> Geometry {
        self.geometry
    }

    pub(super) const fn is_single_file(&self) -> bool {
        self.single
    }
}

impl FileEntry {
    /// A file whose place is not known yet.
    pub(super) const fn new(path: Vec<Box<str>>, length: u64, padding: bool) -> Self {
        Self { path, length, offset: 0, padding }
    }

    /// Just after its last byte, from the start of the torrent.
    const fn end(&self) -> u64 {
        self.offset + self.length
    }
}
