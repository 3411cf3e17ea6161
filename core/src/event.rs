//! What the engine tells the application: one enum, all values.

use crate::disk::DiskError;
use crate::error::{BanReason, DisconnectReason, TorrentError};
use crate::ids::{ConnId, PieceIndex, TorrentId};
use crate::input::ResolveError;
use crate::tracker::TrackerError;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

/// Something an application may want to show, log or act on. Taken from
/// [`Engine::poll_event`](crate::Engine::poll_event).
///
/// Texts inside are as the outside sent them: pass them through [`escape`](crate::escape) before a terminal
/// shows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A torrent entered another phase of its life.
    Phase {
        /// Which torrent.
        torrent: TorrentId,
        /// The phase it is in now.
        phase: Phase,
    },
    /// What was on the disk has been looked at; the download goes on from there.
    Resumed {
        /// Which torrent.
        torrent: TorrentId,
        /// What was found.
        summary: ResumeSummary,
    },
    /// A piece was written and its hash matched.
    PieceVerified {
        /// Which torrent.
        torrent: TorrentId,
        /// Which piece.
        piece: PieceIndex,
    },
    /// A downloaded piece did not match its hash. It will be downloaded again.
    PieceFailed {
        /// Which torrent.
        torrent: TorrentId,
        /// Which piece.
        piece: PieceIndex,
        /// The only peer that sent any of it; `None` where it came from several.
        culprit: Option<IpAddr>,
    },
    /// Every piece is verified, synced, and stands under the target's name.
    Completed {
        /// Which torrent.
        torrent: TorrentId,
    },
    /// A verification ([`Goal::Verify`](crate::Goal::Verify)) came to its end.
    Checked {
        /// Which torrent.
        torrent: TorrentId,
        /// Pieces that match.
        good: u32,
        /// All pieces.
        total: u32,
        /// Those that do not, in order.
        bad: Vec<PieceIndex>,
    },
    /// The torrent cannot go on. What was verified is kept, and recorded where the disk still allows it: the
    /// next run hashes the rest.
    Failed {
        /// Which torrent.
        torrent: TorrentId,
        /// Why.
        error: TorrentError,
    },
    /// The torrent came to its end: it seeded enough, was told to stop, or failed. Its records are written
    /// and its trackers told, as far as [`stop_timeout`](crate::Config::stop_timeout) allowed. The last event of a torrent.
    Stopped {
        /// Which torrent.
        torrent: TorrentId,
    },
    /// A peer completed the handshake.
    PeerConnected {
        /// Which torrent.
        torrent: TorrentId,
        /// The connection.
        conn: ConnId,
        /// The other side.
        remote: SocketAddr,
    },
    /// A connection to a peer ended, before or after the handshake.
    PeerDisconnected {
        /// Which torrent.
        torrent: TorrentId,
        /// The connection.
        conn: ConnId,
        /// The other side.
        remote: SocketAddr,
        /// Why.
        reason: DisconnectReason,
    },
    /// A peer that the user named by the name of a host has no address. It is looked up again.
    PeerLookupFailed {
        /// Which torrent.
        torrent: TorrentId,
        /// The host's name.
        host: Box<str>,
        /// The peer's port.
        port: u16,
        /// Why.
        error: ResolveError,
        /// Time until the next lookup.
        retry: Duration,
    },
    /// An address will not be dealt with again by this torrent.
    PeerBanned {
        /// Which torrent.
        torrent: TorrentId,
        /// The address.
        addr: IpAddr,
        /// What was proved.
        reason: BanReason,
    },
    /// Something about a tracker.
    Tracker {
        /// Which torrent.
        torrent: TorrentId,
        /// The announce URL without its query, which may hold a secret.
        url: Box<str>,
        /// What happened.
        news: TrackerNews,
    },
    /// A piece that we had cannot be read, or is not what it was: it is no longer offered. A download fetches it again,
    /// also when it is complete; nobody is blamed.
    PieceLost {
        /// Which torrent.
        torrent: TorrentId,
        /// Which piece.
        piece: PieceIndex,
        /// Why it cannot be read; `None` where it was read and does not match its hash.
        error: Option<DiskError>,
    },
    /// The disk refused data, a journal or a new file. A download waits to try it again; a seed that was repairing a
    /// piece may give that up.
    DiskTrouble {
        /// Which torrent.
        torrent: TorrentId,
        /// What failed.
        error: DiskError,
    },
    /// The disk takes data again: what waited for it is being written, and the download goes on.
    DiskRecovered {
        /// Which torrent.
        torrent: TorrentId,
    },
    /// Every torrent has stopped after [`Engine::shutdown`](crate::Engine::shutdown): nothing more will be
    /// asked of the driver.
    ShutDown,
}

/// The life of a torrent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Looking at what is on the disk, and hashing what cannot be trusted.
    Checking,
    /// Downloading.
    Downloading,
    /// All pieces are verified; syncing and renaming.
    Finishing,
    /// Complete and giving to others.
    Seeding,
    /// Writing records and telling trackers before the end.
    Stopping,
    /// Over.
    Stopped,
}

/// What was found on the disk at the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ResumeSummary {
    /// Pieces taken from the journal without hashing.
    pub trusted: u32,
    /// Pieces that were hashed.
    pub hashed: u32,
    /// Pieces that the torrent has now.
    pub have: u32,
    /// Whether there was a journal, and it was not to be trusted.
    pub journal_rejected: bool,
}

/// What happened with a tracker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrackerNews {
    /// It answered.
    Answered {
        /// Peers in the answer.
        peers: usize,
        /// Time until the next announce.
        next: Duration,
    },
    /// It answered, with a warning.
    Warning {
        /// The tracker's words.
        text: Box<str>,
    },
    /// It has not answered for so long that others are asked beside it. It is still waited for.
    Slow {
        /// Since it was asked.
        waited: Duration,
    },
    /// It answered, with a list of peers that does not end with a whole address. The others are used.
    CutShort {
        /// Bytes at its end that make no address.
        leftover: usize,
    },
    /// It did not answer, or not with anything of use.
    Failed {
        /// What went wrong.
        error: TrackerError,
        /// Time until it is tried again; `None`: not again.
        retry: Option<Duration>,
    },
}
