//! What can be set for a session, beyond what the engine itself can be told.

use peerless_core::Config;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

/// Bytes after which a recording ends, unless it is told otherwise: without blocks some hundred GiB of download.
pub const RECORD_LIMIT: u64 = 1 << 30;

/// Settings of a session. `Default` suits a desktop with a fast line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The engine's own. Its numbers of peers are lowered where the process may not have so many
    /// descriptors.
    pub engine: Config,
    /// Where to wait for peers; `None`: nowhere.
    pub listen: Option<Listen>,
    /// Threads that read, write and hash. At least 1.
    pub disk_workers: usize,
    /// Files and directories that may be open at once; `None`: as many as the limit on descriptors
    /// (`RLIMIT_NOFILE`) suggests.
    pub max_open_files: Option<usize>,
    /// A PEM file of certificates to trust besides the system's, when trackers are reached over TLS.
    pub extra_roots: Option<PathBuf>,
    /// The engine's randomness; `None`: from the operating system. For tests that want the same run twice.
    pub seed: Option<[u8; 32]>,
    /// Where to record the session, so that it can be replayed; `None`: nowhere.
    pub record: Option<Recording>,
}

/// A recording to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// The file. A recording that is there gives way; nothing else does. No torrent of the session may have its files there:
    /// [`keep_out_of`](Self::keep_out_of).
    pub path: PathBuf,
    /// Whether it is to hold the bytes of blocks, too. A replay does not need them.
    pub payload: bool,
    /// Whether other addresses, names and secrets are to stand in it.
    pub mask: bool,
    /// Bytes after which it ends. The session goes on.
    pub limit: u64,
}

impl Recording {
    /// A recording without the bytes of blocks, of at most [`RECORD_LIMIT`].
    pub fn to(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), payload: false, mask: false, limit: RECORD_LIMIT }
    }
}

impl Default for Settings {
    fn default() -> Self {
        let cpus = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            engine: Config::default(),
            listen: Some(Listen::default()),
            disk_workers: cpus.clamp(2, 4),
            max_open_files: None,
            extra_roots: None,
            seed: None,
            record: None,
        }
    }
}

/// Where to wait for peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen {
    /// The TCP port; 0: any. Where it is taken one of the next nine is tried, then any.
    pub port: u16,
    /// The IPv4 address to bind; `None`: no IPv4.
    pub v4: Option<Ipv4Addr>,
    /// The IPv6 address to bind; `None`: no IPv6.
    pub v6: Option<Ipv6Addr>,
}

impl Listen {
    /// On every address of the machine.
    pub const fn everywhere(port: u16) -> Self {
        Self { port, v4: Some(Ipv4Addr::UNSPECIFIED), v6: Some(Ipv6Addr::UNSPECIFIED) }
    }

    /// On the loopback addresses only: nobody else can connect.
    pub const fn loopback(port: u16) -> Self {
        Self { port, v4: Some(Ipv4Addr::LOCALHOST), v6: Some(Ipv6Addr::LOCALHOST) }
    }
}

impl Default for Listen {
    /// A port below those that systems give out by themselves, and outside 6881 to 6889, which some trackers
    /// and providers refuse.
    fn default() -> Self {
        Self::everywhere(16881)
    }
}
