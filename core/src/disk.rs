//! Disk operations as values: what a driver is asked to do with files, and what it answers.
//!
//! The core decides every order that matters (what is synced before which journal entry, when the final
//! rename happens); a driver executes one operation at a time or many at once, in any order, and answers
//! each once with its [`JobId`](crate::JobId).

use crate::hash::Sha1State;
use crate::ids::{FileIndex, TorrentId};
use crate::piece_digest::PieceDigest;
use alloc::boxed::Box;
use alloc::vec::Vec;
use bytes::Bytes;
use core::fmt;

/// Which of the four things that stand at or beside a torrent's target.
///
/// With a target of `dir/debian.iso` these are `debian.iso`, `debian.iso.part`, `debian.iso.part.journal` and
/// `debian.iso.part.journal.new`, all in `dir`. For a torrent of several files the first two are directories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// The finished download, under its own name.
    Final,
    /// The data while it is being downloaded.
    Part,
    /// The record of what of [`Place::Part`] is verified and synced.
    Journal,
    /// A new journal until it replaces the old one.
    JournalNew,
}

impl Place {
    /// What is added to the target's name.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Final => "",
            Self::Part => ".part",
            Self::Journal => ".part.journal",
            Self::JournalNew => ".part.journal.new",
        }
    }
}

/// A run of bytes within one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Extent {
    /// The file.
    pub file: FileIndex,
    /// Bytes from the start of the file.
    pub offset: u64,
    /// Bytes; never zero.
    pub len: u64,
    /// A padding file (BEP 47): never on the disk, reads as zeros, writes are dropped.
    pub padding: bool,
}

/// How space is set aside for a new file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Allocation {
    /// The file has its full length from the first write, and its blocks as they are written.
    #[default]
    Sparse,
    /// The file system reserves every block at the first write, where it can.
    Full,
    /// The file grows as it is written.
    None,
}

/// One disk operation, for the files of one torrent.
///
/// Extents of one operation are in the order of the torrent and may cross files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskOp {
    /// The torrent; the driver knows where its target is.
    pub torrent: TorrentId,
    /// What to do.
    pub task: DiskTask,
}

/// What a [`DiskOp`] does. Answered by the [`DiskOutcome`] of the same name, or a [`DiskError`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiskTask {
    /// Look at what stands at a place: nothing is created. Follows no symbolic link below the target.
    Survey {
        /// Where.
        place: Place,
    },
    /// Write `data` (whose lengths add up to those of `extents`) to [`Place::Part`], creating files and
    /// directories that do not exist yet. With `hash`, advance it over the same bytes in the same visit.
    Write {
        /// Where.
        extents: Vec<Extent>,
        /// What.
        data: Vec<Bytes>,
        /// The running digest of the piece, if these bytes continue it.
        hash: Option<Sha1State>,
        /// How to set aside space for a file that this write creates.
        allocation: Allocation,
    },
    /// Read `extents` and advance `hash` over them. A file that is missing or too short is a
    /// [`DiskErrorKind::Short`].
    Digest {
        /// Where: part or final.
        place: Place,
        /// What to read.
        extents: Vec<Extent>,
        /// The digest so far.
        hash: PieceDigest,
    },
    /// Read `extents` whole.
    Read {
        /// Where: part or final.
        place: Place,
        /// What to read.
        extents: Vec<Extent>,
    },
    /// Write `data` (whose lengths add up to those of `extents`) over what stands at [`Place::Final`], and make sure
    /// that it survives a power cut: a piece of a finished download that was lost and has been fetched again. No file
    /// is created, no symbolic link is followed, and a file that was cut short has its full length again.
    Mend {
        /// Where.
        extents: Vec<Extent>,
        /// What.
        data: Vec<Bytes>,
        /// The running digest of the piece, as in [`DiskTask::Write`].
        hash: Option<Sha1State>,
    },
    /// Make sure that what was written to these files of [`Place::Part`] survives a power cut, their
    /// directory entries included.
    Sync {
        /// The files, in order.
        files: Vec<FileIndex>,
    },
    /// Read a whole journal of at most `limit` bytes. One that is longer is a [`DiskErrorKind::TooLarge`].
    LoadJournal {
        /// Bytes.
        limit: u64,
    },
    /// Create or replace [`Place::JournalNew`] with `data`, sync it, and rename it over
    /// [`Place::Journal`].
    StoreJournal {
        /// The whole journal.
        data: Bytes,
    },
    /// Add `data` at the end of [`Place::Journal`]; with `sync`, so that it survives a power cut.
    AppendJournal {
        /// One or more whole records.
        data: Bytes,
        /// Whether to sync.
        sync: bool,
    },
    /// Create all files and directories that do not exist yet in [`Place::Part`] and give every file its
    /// full length: empty files, and files that end in a hole.
    FillUp,
    /// Rename [`Place::Part`] to [`Place::Final`] and sync the directory they stand in. Never replaces
    /// anything but an empty directory: otherwise [`DiskErrorKind::InTheWay`].
    Publish,
    /// Delete the journal. That none is there is success.
    DeleteJournal,
}

/// What a disk operation found or did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiskOutcome {
    /// What stands there.
    Survey(Survey),
    /// Written; the digest advanced, if one was given.
    Write(Option<Sha1State>),
    /// The digest advanced.
    Digest(PieceDigest),
    /// Read.
    Read {
        /// The bytes, exactly as many as were asked for.
        data: Bytes,
        /// The stamps of the files, taken after reading, in the order of the extents; of padding any.
        stamps: Vec<FileStamp>,
    },
    /// Written and synced.
    Mend {
        /// The digest, if one was given.
        hash: Option<Sha1State>,
        /// The stamps of the files afterwards, in the order of the extents; of padding any.
        stamps: Vec<FileStamp>,
    },
    /// Synced; the files' stamps afterwards, in the order asked for.
    Sync(Vec<FileStamp>),
    /// The journal's bytes; `None` where there is none.
    LoadJournal(Option<Bytes>),
    /// Stored.
    StoreJournal,
    /// Appended.
    AppendJournal,
    /// All files are there.
    FillUp,
    /// Renamed.
    Publish,
    /// Gone.
    DeleteJournal,
}

/// What a driver answers.
pub type DiskResult = Result<DiskOutcome, DiskError>;

/// What was found at a [`Place`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Survey {
    /// Nothing, or (for a torrent of several files) an empty directory.
    Absent,
    /// Something of the right kind: for each file of the torrent its stamp, `None` where it is missing.
    /// Padding files are `None`.
    Present(Vec<Option<FileStamp>>),
    /// Something of another kind: a directory for a file, a file for a directory, a socket, and so on.
    WrongKind,
}

/// What a file system says of a file, enough to notice that someone else changed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileStamp {
    /// Bytes.
    pub len: u64,
    /// Nanoseconds since 1970, as the file system has it.
    pub modified: i64,
}

/// A disk operation that failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("disk: cannot {action} {path}: {kind}")]
pub struct DiskError {
    /// What was tried: [`DiskTask::verb`].
    pub action: &'static str,
    /// On which path, as the driver knows it; characters that are not text replaced.
    pub path: Box<str>,
    /// Why not.
    pub kind: DiskErrorKind,
}

/// Why a disk operation failed. The core acts on this and never on the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiskErrorKind {
    /// The disk or the quota is full.
    NoSpace,
    /// Not allowed.
    Denied,
    /// The file system takes no changes.
    ReadOnly,
    /// It is not there.
    NotFound,
    /// A file ended before the extent did, or is missing: only from reading.
    Short,
    /// Something that is not ours stands where a file or directory is to be.
    InTheWay,
    /// Another process is downloading to this target.
    InUse,
    /// A symbolic link inside the target: never followed.
    Symlink,
    /// The file, or the file system's limit on files, is too small or too large for this.
    TooLarge,
    /// Too many open files.
    TooManyFiles,
    /// Anything else; the operating system's number and words.
    Other {
        /// `errno`, or 0.
        code: i32,
        /// What the system calls it.
        text: Box<str>,
    },
}

impl fmt::Display for DiskErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSpace => "no space left on the device; free some and run the same command again",
            Self::Denied => "permission denied; check the owner and mode of the directory",
            Self::ReadOnly => "read-only file system; choose another place or mount it for writing",
            Self::NotFound => "no such file or directory",
            Self::Short => "the file is shorter than the torrent says",
            Self::InTheWay => "something else is in the way; move it or choose another name",
            Self::InUse => {
                "another process is downloading to this target; wait for its end or choose another name"
            }
            Self::Symlink => "it is a symbolic link, which is never followed inside a download",
            Self::TooLarge => "too large for this file system",
            Self::TooManyFiles => "too many open files",
            Self::Other { text, .. } => return write!(f, "{text}"),
        })
    }
}

impl DiskTask {
    /// All that [`verb`](Self::verb) says.
    pub(crate) const VERBS: [&str; 11] = [
        "look at",
        "write",
        "check",
        "read",
        "sync",
        "read the journal",
        "write the journal",
        "create",
        "rename",
        "delete the journal",
        "repair",
    ];

    /// A word for logs and errors: what the task is about to do.
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::Survey { .. } => "look at",
            Self::Write { .. } => "write",
            Self::Digest { .. } => "check",
            Self::Read { .. } => "read",
            Self::Mend { .. } => "repair",
            Self::Sync { .. } => "sync",
            Self::LoadJournal { .. } => "read the journal",
            Self::StoreJournal { .. } | Self::AppendJournal { .. } => "write the journal",
            Self::FillUp => "create",
            Self::Publish => "rename",
            Self::DeleteJournal => "delete the journal",
        }
    }
}
