//! Making .torrent files of version 1, in canonical form.

use super::error::{MetainfoError, PathError};
use super::{FileEntry, Metainfo};
use crate::bencode::{DictEncoder, Encoder, encode_dict};
use crate::escape::escape_line;
use crate::geometry::BLOCK_LEN;
use crate::limits::MAX_SHOWN_TEXT;
use alloc::string::String;
use alloc::vec::Vec;

/// The longest piece that [`Builder::default_piece_length`] suggests.
const LONGEST_DEFAULT_PIECE: u64 = 16 << 20;
/// [`Builder::default_piece_length`] aims for as many pieces, or up to twice as many.
const DEFAULT_PIECES: u64 = 1_000;

/// Everything that goes into a new .torrent file.
///
/// ```
/// use peerless_core::{Metainfo, metainfo::Builder, sha1};
///
/// let data = b"hello";
/// let file = Builder::file("hello.txt", data.len() as u64, 16_384)
///     .pieces(sha1(data).0)
///     .trackers([["http://tracker.example/announce"]])
///     .build()?;
/// assert_eq!(Metainfo::parse(&file)?.name(), "hello.txt");
/// # Ok::<(), peerless_core::MetainfoError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Builder {
    name: String,
    content: Content,
    piece_length: u32,
    pieces: Vec<u8>,
    private: bool,
    trackers: Vec<Vec<String>>,
    web_seeds: Vec<String>,
    comment: Option<String>,
    created_by: Option<String>,
    creation_date: Option<i64>,
    source: Option<String>,
}

#[derive(Clone, Debug)]
enum Content {
    File(u64),
    Directory(Vec<(Vec<String>, u64)>),
}

impl Builder {
    /// A torrent of one file of `length` bytes.
    pub fn file(name: impl Into<String>, length: u64, piece_length: u32) -> Self {
        Self::new(name.into(), Content::File(length), piece_length)
    }

    /// A torrent of a directory: of each file the path below the directory and its length in bytes. The data of
    /// the files, in the order given, is what is cut into pieces.
    pub fn directory(name: impl Into<String>, files: Vec<(Vec<String>, u64)>, piece_length: u32) -> Self {
        Self::new(name.into(), Content::Directory(files), piece_length)
    }

    const fn new(name: String, content: Content, piece_length: u32) -> Self {
        Self {
            name,
            content,
            piece_length,
            pieces: Vec::new(),
            private: false,
            trackers: Vec::new(),
            web_seeds: Vec::new(),
            comment: None,
            created_by: None,
            creation_date: None,
            source: None,
        }
    }

    /// A good piece length for `total` bytes: a power of two from 16 KiB to 16 MiB that gives between 1,000 and
    /// 2,000 pieces, where one does.
    pub fn default_piece_length(total: u64) -> u32 {
        let wanted = (total / DEFAULT_PIECES).clamp(u64::from(BLOCK_LEN), LONGEST_DEFAULT_PIECE);
        u32::try_from(1u64 << wanted.ilog2()).unwrap_or(BLOCK_LEN)
    }

    /// The SHA-1 of every piece, 20 bytes each, one after another.
    #[must_use]
    pub fn pieces(mut self, hashes: impl Into<Vec<u8>>) -> Self {
        self.pieces = hashes.into();
        self
    }

    /// Announce URLs by tier (BEP 12). The first is also written as `announce`, for old programs.
    #[must_use]
    pub fn trackers<T, U>(mut self, tiers: impl IntoIterator<Item = T>) -> Self
    where
        T: IntoIterator<Item = U>,
        U: Into<String>,
    {
        let tiers = tiers.into_iter().map(|tier| tier.into_iter().map(Into::into).collect::<Vec<String>>());
        self.trackers = tiers.filter(|tier| !tier.is_empty()).collect();
        self
    }

    /// URLs of web seeds (BEP 19).
    #[must_use]
    pub fn web_seeds<U: Into<String>>(mut self, urls: impl IntoIterator<Item = U>) -> Self {
        self.web_seeds = urls.into_iter().map(Into::into).collect();
        self
    }

    /// Whether peers may come from its trackers only (BEP 27).
    #[must_use]
    pub const fn private(mut self, private: bool) -> Self {
        self.private = private;
        self
    }

    /// The author's comment.
    #[must_use]
    pub fn comment(mut self, comment: impl Into<String>) -> Self {
        self.comment = Some(comment.into());
        self
    }

    /// The program's name and version.
    #[must_use]
    pub fn created_by(mut self, program: impl Into<String>) -> Self {
        self.created_by = Some(program.into());
        self
    }

    /// Seconds since 1970.
    #[must_use]
    pub const fn creation_date(mut self, seconds: i64) -> Self {
        self.creation_date = Some(seconds);
        self
    }

    /// A tag that changes the info hash.
    #[must_use]
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The .torrent file's bytes.
    ///
    /// They have been read back, so whatever [`Metainfo::parse`] refuses is an error here. So is a name that
    /// [`Metainfo`] would change ([`PathError::Unportable`]): whoever shares the data would not find it.
    pub fn build(&self) -> Result<Vec<u8>, MetainfoError> {
        let bytes = encode_dict(|torrent| self.write(torrent));
        let metainfo = Metainfo::parse(&bytes)?;
        unchanged(&self.name, metainfo.name())?;
        if let Content::Directory(files) = &self.content {
            for ((given, _), read) in files.iter().zip(metainfo.layout().files()) {
                portable(given, read)?;
            }
        }
        Ok(bytes)
    }

    fn write(&self, torrent: &mut DictEncoder<'_>) {
        if let Some(first) = self.trackers.first().and_then(|tier| tier.first()) {
            torrent.entry("announce").bytes(first);
        }
        if self.trackers.iter().map(Vec::len).sum::<usize>() > 1 {
            torrent.entry("announce-list").list(|tiers| {
                self.trackers.iter().for_each(|tier| tiers.list(|urls| strings(urls, tier)));
            });
        }
        optional(torrent, "comment", self.comment.as_ref());
        optional(torrent, "created by", self.created_by.as_ref());
        if let Some(seconds) = self.creation_date {
            torrent.entry("creation date").int(seconds);
        }
        torrent.entry("info").dict(|info| self.write_info(info));
        if !self.web_seeds.is_empty() {
            torrent.entry("url-list").list(|urls| strings(urls, &self.web_seeds));
        }
    }

    fn write_info(&self, info: &mut DictEncoder<'_>) {
        match &self.content {
            Content::File(len) => info.entry("length").int(length(*len)),
            Content::Directory(files) => info.entry("files").list(|list| {
                for (path, len) in files {
                    list.dict(|file| {
                        file.entry("length").int(length(*len));
                        file.entry("path").list(|elements| strings(elements, path));
                    });
                }
            }),
        }
        info.entry("name").bytes(&self.name);
        info.entry("piece length").int(i64::from(self.piece_length));
        info.entry("pieces").bytes(&self.pieces);
        if self.private {
            info.entry("private").int(1);
        }
        optional(info, "source", self.source.as_ref());
    }
}

fn optional(dict: &mut DictEncoder<'_>, key: &str, text: Option<&String>) {
    if let Some(text) = text {
        dict.entry(key).bytes(text);
    }
}

fn strings(list: &mut Encoder, strings: &[String]) {
    strings.iter().for_each(|string| list.bytes(string));
}

/// A length as bencode has it. One beyond the limits becomes one that is read back as beyond the limits.
fn length(len: u64) -> i64 {
    i64::try_from(len).unwrap_or(i64::MAX)
}

fn portable(given: &[String], read: &FileEntry) -> Result<(), PathError> {
    given.iter().zip(&read.path).try_for_each(|(given, read)| unchanged(given, read))
}

fn unchanged(given: &str, read: &str) -> Result<(), PathError> {
    if given == read {
        return Ok(());
    }
    let shown = |text: &str| escape_line(text, MAX_SHOWN_TEXT).into();
    Err(PathError::Unportable { name: shown(given), becomes: shown(read) })
}
