//! What an embedder can set: for the engine, and for each torrent.

use crate::disk::Allocation;
use crate::limits;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

/// Settings of an [`Engine`](crate::Engine). `Default` suits a desktop with a fast line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The first 8 bytes of our peer id (BEP 20); the rest is random for each engine.
    pub peer_id_prefix: [u8; 8],
    /// What we call ourselves to trackers (`User-Agent`) and to peers (BEP 10 `v`). ASCII, no controls.
    pub client_name: Box<str>,
    /// Connections to peers at once, over all torrents, in both directions.
    pub max_peers: usize,
    /// Connections to peers that are being opened or have not shaken hands, each way.
    pub max_half_open: usize,
    /// Connections that one address may have with a torrent, and as many that have not said which torrent they
    /// want. At least 1. A network of IPv6 (/64) counts as one address, but for local ones. This machine's own
    /// addresses have no limit: all peers on it have the same.
    pub max_per_address: usize,
    /// Bytes of payload on their way to the disk, over all torrents. While it is spent, the engine stops
    /// reading from each peer that delivers. What is read for peers has a limit for each of them
    /// ([`MAX_UNSENT`](crate::limits::MAX_UNSENT)).
    pub memory_budget: usize,
    /// Peers that are unchoked at once for each torrent, the optimistic slot included.
    pub upload_slots: UploadSlots,
    /// Pieces that may be partly downloaded at once, for each torrent; the picker finishes before it begins. Of
    /// small pieces as many more as make [`OPEN_BYTES`](crate::limits::OPEN_BYTES).
    pub max_open_pieces: usize,
    /// Whether to connect to peers at all, or only to wait for them.
    pub dial: bool,
    /// How long a clean stop may take before the engine gives up on what is left of it.
    pub stop_timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            peer_id_prefix: *b"-PE0100-",
            client_name: concat!("Peerless/", env!("CARGO_PKG_VERSION")).into(),
            max_peers: 200,
            max_half_open: 64,
            max_per_address: 8,
            memory_budget: 64 << 20,
            upload_slots: UploadSlots::FollowLine,
            max_open_pieces: 64,
            dial: true,
            stop_timeout: Duration::from_millis(2_500),
        }
    }
}

/// How many peers may download from us at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UploadSlots {
    /// As many as our line is worth: more on a faster one, and more while it stands idle; up to [`Self::MOST`].
    #[default]
    FollowLine,
    /// Always so many. With 0 nobody gets anything.
    Fixed(usize),
}

impl UploadSlots {
    /// The most that there are where they follow the line.
    pub const MOST: usize = 50;

    /// The most that there may be.
    pub const fn most(self) -> usize {
        match self {
            Self::FollowLine => Self::MOST,
            Self::Fixed(count) => count,
        }
    }
}

/// What is to become of a torrent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Goal {
    /// Download what is missing, publish it under the target's name, then follow [`SeedPolicy`].
    #[default]
    Download,
    /// The data is already at the target: check it, then seed it. Nothing is ever written.
    Seed,
    /// The data is already at the target: check it, say what is wrong with it, and be done. No network.
    Verify,
}

/// How long to seed once complete. The first bound that is reached ends it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SeedPolicy {
    /// Not at all: stop when the download is complete.
    #[default]
    Stop,
    /// Until told to stop.
    Forever,
    /// Until one of these is reached.
    Until {
        /// Uploaded bytes for each 1,000 bytes of the torrent (1,500 is a ratio of 1.5).
        ratio_permille: Option<u64>,
        /// Time since completion.
        time: Option<Duration>,
    },
}

/// A peer that the user named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerAddr {
    /// By address.
    Addr(SocketAddr),
    /// By name, to be resolved.
    Host(Box<str>, u16),
}

/// Settings of one torrent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TorrentOptions {
    /// What to do with it.
    pub goal: Goal,
    /// How long to seed.
    pub seeding: SeedPolicy,
    /// Peers to try besides those of trackers.
    pub peers: Vec<PeerAddr>,
    /// Give up when not complete after so long.
    pub timeout: Option<Duration>,
    /// Give up after so long without a new verified or received byte.
    pub stall_timeout: Option<Duration>,
    /// How to set aside space.
    pub allocation: Allocation,
    /// Distrust the journal and hash everything that is there.
    pub recheck: bool,
    /// On a full disk: keep everything and try again every 30 s, rather than fail. That holds for blocks, for the
    /// journal, and for what is created at the end. Not for a sync that fails: afterwards nobody knows what is on
    /// the disk. Nor for other errors, but for a lack of descriptors, which is always waited for in these places.
    pub wait_disk: bool,
}

/// The most payload bytes that may be in flight is never set below what one peer needs.
pub(crate) const MIN_MEMORY_BUDGET: usize = 4 * limits::MAX_UNSENT;
