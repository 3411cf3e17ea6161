//! Recordings of sessions, and their replay.
//!
//! A run of an engine is a function of its configuration, its seed and its inputs. So a recording holds these,
//! with a digest of what the engine did after each, and a [`Replay`] does it all again, without a network, a disk
//! or a clock. `docs/recording.md` describes the bytes.
//!
//! [`Recorded`] is an engine that is recorded as it goes; a driver uses it in place of a bare one.

mod blocks;
mod code;
mod contract;
mod digest;
mod entry;
mod error;
mod explain;
mod mask;
mod mix;
mod plain;
mod reader;
mod recorded;
mod recorder;
mod replay;
mod scanner;
#[cfg(test)]
pub(crate) mod tests;
mod values;

pub use digest::Digest;
pub use entry::{Asked, End, Entry, Header, Step};
pub use error::{Divergence, Fault, RecordError, ReplayError};
pub use explain::Explainer;
pub use reader::Reader;
pub use recorded::Recorded;
pub use recorder::{RecordOptions, Recorder};
pub use replay::{Ending, Replay, Told};

/// The first bytes of every recording; the version follows.
const MAGIC: &[u8; 10] = b"peerless-r";
/// The version of the format, as it stands behind the magic.
pub const VERSION: &str = "01";
/// Whether this is how a recording of any version begins.
pub fn is_recording(start: &[u8]) -> bool {
    start.starts_with(MAGIC)
}

/// Bytes of an entry's check.
const CHECK_LEN: usize = 4;
