//! Why a .torrent file is of no use: one sentence that names the fault, and the byte where it stands.

use crate::bencode;
use alloc::boxed::Box;
use core::fmt;

/// Why a .torrent file is of no use. Positions are in bytes from the start of the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetainfoError {
    /// It is not bencode.
    #[error(transparent)]
    Bencode(#[from] bencode::Error),
    /// A name or path that cannot be created safely.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The file is too long to be one.
    #[error("limit: a .torrent file of {len} bytes, more than {}", crate::limits::MAX_TORRENT_FILE)]
    FileTooLarge {
        /// Its length in bytes.
        len: usize,
    },
    /// A number above its limit.
    #[error("limit: {what} {found}, more than {limit}, at byte {position}")]
    Limit {
        /// What is too large or too many, and a verb.
        what: &'static str,
        /// How large or many.
        found: u64,
        /// How large or many they may be.
        limit: u64,
        /// Where.
        position: usize,
    },
    /// A key that must be there is not.
    #[error("metainfo: no \"{key}\" in the {of} at byte {position}")]
    Missing {
        /// The key.
        key: &'static str,
        /// The dictionary that should have it.
        of: &'static str,
        /// Where that dictionary begins.
        position: usize,
    },
    /// A value that should be of another kind.
    #[error("metainfo: \"{key}\" is not {expected} at byte {position}")]
    WrongType {
        /// Its key.
        key: &'static str,
        /// What it should be, with an article.
        expected: &'static str,
        /// Where it begins.
        position: usize,
    },
    /// A value that makes no sense.
    #[error("metainfo: the {what} {fault} at byte {position}")]
    Invalid {
        /// What the value is.
        what: &'static str,
        /// What is wrong with it.
        fault: &'static str,
        /// Where it begins.
        position: usize,
    },
    /// The piece hashes do not fit the sizes.
    #[error(
        "metainfo: the pieces are {found} bytes where {pieces} hashes of 20 are needed, at byte {position}"
    )]
    PieceCount {
        /// How many pieces the sizes give.
        pieces: u64,
        /// Bytes of hashes.
        found: usize,
        /// Where they begin.
        position: usize,
    },
    /// The two sides of a hybrid torrent describe different files (BEP 52).
    #[error("metainfo: the file list and the file tree differ from file {number} on")]
    HybridMismatch {
        /// The first file that differs, counted from 1, padding files not counted.
        number: usize,
    },
    /// Something that this version does not do.
    #[error("unsupported: {what} at byte {position}")]
    Unsupported {
        /// What.
        what: &'static str,
        /// Where it is asked for.
        position: usize,
    },
}

impl MetainfoError {
    pub(super) const fn limit(what: &'static str, found: u64, limit: u64, position: usize) -> Self {
        Self::Limit { what, found, limit, position }
    }

    pub(super) const fn invalid(what: &'static str, fault: &'static str, position: usize) -> Self {
        Self::Invalid { what, fault, position }
    }
}

/// A name or path in a .torrent file that cannot be created safely. Names inside are escaped and cut.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// One name.
    #[error("path: the name \"{name}\" {fault}, at byte {position}")]
    Name {
        /// The name.
        name: Box<str>,
        /// What is wrong with it.
        fault: NameFault,
        /// Where it stands.
        position: usize,
    },
    /// A file's path without an element.
    #[error("path: a file without a name at byte {position}")]
    Empty {
        /// Where the path stands.
        position: usize,
    },
    /// Two files that would be one on some file system.
    #[error("path: two files named \"{path}\", as some systems see them: numbers {first} and {second}")]
    Clash {
        /// The path, as one of them has it.
        path: Box<str>,
        /// The first file's number in the list, counted from 1, padding files not counted.
        first: usize,
        /// The second's.
        second: usize,
    },
    /// A file that would also have to be the directory of another.
    #[error("path: two files named \"{path}\", one of them a directory: numbers {first} and {second}")]
    FileAsDirectory {
        /// The path.
        path: Box<str>,
        /// The number of the one that comes first, counted from 1, padding files not counted.
        first: usize,
        /// The number of the other.
        second: usize,
    },
    /// A name that other systems cannot create as it is: only from making torrents.
    #[error(
        "path: \"{name}\" cannot be shared under this name (it would become \"{becomes}\"); rename it first"
    )]
    Unportable {
        /// The name.
        name: Box<str>,
        /// What a download would call it.
        becomes: Box<str>,
    },
}

/// What is wrong with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NameFault {
    /// Nothing is left of it.
    Empty,
    /// It means this directory or the one above.
    Dots,
    /// It holds `/` or `\`.
    Separator,
    /// It holds a control character.
    Control,
}

impl fmt::Display for NameFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "is empty",
            Self::Dots => "means this directory or the one above",
            Self::Separator => "holds a path separator",
            Self::Control => "holds a control character",
        })
    }
}
