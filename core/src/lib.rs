//! The BitTorrent protocol as state machines that do no I/O.
#![no_std]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod action;
pub mod announcer;
pub mod bencode;
mod bitfield;
mod choker;
mod config;
mod disk;
mod engine;
mod error;
pub mod escape;
mod event;
mod geometry;
mod hash;
pub mod http;
mod ids;
mod input;
pub mod limits;
pub mod metainfo;
mod peer_list;
mod picker;
mod rate;
mod status;
mod time;
pub mod tracker;
mod why;
pub mod wire;

pub use action::Action;
pub use bitfield::Bitfield;
pub use config::{Config, Goal, PeerAddr, SeedPolicy, TorrentOptions};
pub use disk::{
    Allocation, DiskError, DiskErrorKind, DiskOp, DiskOutcome, DiskResult, DiskTask, Extent, FileStamp,
    Place, Survey,
};
pub use engine::Engine;
pub use error::{AddError, BanReason, DisconnectReason, PeerFault, TorrentError};
pub use event::{Event, Phase, ResumeSummary, TrackerNews};
pub use geometry::{BLOCK_LEN, Geometry};
pub use hash::{Sha1State, sha1, sha256};
pub use ids::{
    BlockId, ConnId, FileIndex, InfoHash, JobId, PeerId, PieceIndex, Sha1Hash, Sha256Hash, TorrentId,
};
pub use input::{Input, NetError, ResolveError};
pub use metainfo::{FileLayout, Metainfo, MetainfoError};
pub use status::{PeerStatus, TorrentStatus};
pub use time::{Duration, Instant};
pub use why::Why;
