//! Why a recording cannot be read, and where a replay went another way.

use crate::metainfo::MetainfoError;
use crate::time::{Duration, Instant};

/// Why a recording cannot be read. A torn end is none of these: see [`Reader::is_torn`](super::Reader::is_torn).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// It does not begin like a recording.
    #[error("recording: this is not a recording of Peerless")]
    NotARecording,
    /// It is of a version that this program does not read.
    #[error("unsupported: a recording of version {found}; this program reads version {}", super::VERSION)]
    Version {
        /// The version, as two characters.
        found: alloc::string::String,
    },
    /// Something in it is not as it was written.
    #[error("recording: damaged at byte {position}: {fault}")]
    Damaged {
        /// Where the damaged entry begins, in bytes from the start.
        position: usize,
        /// What is wrong with it.
        fault: Fault,
    },
}

/// What is wrong with an entry of a recording. Its text is the latter half of a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is not what was written there.
    #[error("the check does not match")]
    Check,
    /// It ends before its values do.
    #[error("it is too short for what it says")]
    Short,
    /// It goes on after its values.
    #[error("{0} bytes too many")]
    Long(usize),
    /// A number that is not one, or is out of range.
    #[error("a number that cannot be")]
    Number,
    /// A text that is not UTF-8.
    #[error("a text that is not UTF-8")]
    Text,
    /// A kind of value that there is not.
    #[error("{of} of an unknown kind ({tag})")]
    Kind {
        /// Of what.
        of: &'static str,
        /// The kind, as it stands there.
        tag: u8,
    },
    /// More than any recording has.
    #[error("{len} of something that there are at most {limit} of")]
    TooLong {
        /// How many.
        len: usize,
        /// How many there may be.
        limit: usize,
    },
    /// It answers what the engine had not asked, or with something else.
    #[error("an answer to what was not asked")]
    Unasked,
    /// Its torrent is of no use.
    #[error("its torrent: {0}")]
    Torrent(MetainfoError),
}

/// Why a replay did not come to the end of its recording.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// The recording cannot be read.
    #[error(transparent)]
    Unreadable(#[from] RecordError),
    /// The engine did something else than it did when it was recorded.
    #[error(transparent)]
    Diverged(#[from] Divergence),
}

/// The first step after which a replay is not what was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "recording: the replay differs after step {step}, at {}: digest {found:04x} where {recorded:04x} was recorded",
    Instant::ZERO + *.after
)]
pub struct Divergence {
    /// Its number: the first input or command is 1. 0: before any.
    pub step: u64,
    /// When it happened, from the start of the recording on: what [`Replay::until`](super::Replay::until) ends with it.
    pub after: Duration,
    /// The digest of all actions and events up to here, as it was recorded: of a step its lowest 16 bits, of a check
    /// all.
    pub recorded: u64,
    /// Of the replay.
    pub found: u64,
}
