//! How things stand: what a progress line, a user interface or a test asks an engine for.

use crate::event::Phase;
use crate::ids::{ConnId, PeerId};
use crate::why::Why;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::SocketAddr;

/// What an engine uses at the moment of what its [`Config`](crate::Config) allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Connections to peers of a torrent in both directions, those included that have not shaken hands.
    pub peers: usize,
    /// Those of them that it opened and that have not shaken hands.
    pub dialling: usize,
    /// Accepted connections that have not named a torrent: they are no peers yet.
    pub strangers: usize,
    /// Bytes of payload on their way to the disk.
    pub memory: usize,
}

/// How a torrent stands. A copy, made when asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TorrentStatus {
    /// Where it is in its life.
    pub phase: Phase,
    /// Pieces verified and on the disk.
    pub have: u32,
    /// All pieces.
    pub pieces: u32,
    /// Bytes verified and on the disk.
    pub bytes_have: u64,
    /// All bytes.
    pub bytes_total: u64,
    /// Bytes received that count towards pieces still missing: verified ones and those on their way.
    pub bytes_progress: u64,
    /// Payload bytes received, all of them.
    pub downloaded: u64,
    /// Payload bytes sent.
    pub uploaded: u64,
    /// Payload bytes received that were not of use: duplicates, unasked for, too late, or of a piece that had to come
    /// from one peer and did not.
    pub wasted: u64,
    /// Of the wasted: bytes that had been asked for of more than one peer, and were there already when they came.
    pub duplicate: u64,
    /// Payload bytes received in pieces that failed their hash.
    pub corrupt: u64,
    /// Payload bytes received a second, over the last seconds.
    pub down_rate: u64,
    /// Payload bytes sent a second, over the last seconds.
    pub up_rate: u64,
    /// Peers that completed the handshake.
    pub peers: u32,
    /// Those of them that have everything.
    pub seeds: u32,
    /// Addresses known, connected or not.
    pub known_peers: u32,
    /// Why it does not go faster, most telling first; empty when nothing holds it back.
    pub why: Vec<Why>,
}

/// The payload of a torrent in bytes, by what became of it: what [`TorrentStatus`] says of it, without a look at every
/// peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TorrentTraffic {
    /// Received, all of it.
    pub downloaded: u64,
    /// Sent.
    pub uploaded: u64,
    /// See [`TorrentStatus::wasted`].
    pub wasted: u64,
    /// See [`TorrentStatus::duplicate`].
    pub duplicate: u64,
    /// See [`TorrentStatus::corrupt`].
    pub corrupt: u64,
}

/// How a connected peer stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerStatus {
    /// The connection.
    pub conn: ConnId,
    /// The other side.
    pub remote: SocketAddr,
    /// Its id.
    pub peer_id: PeerId,
    /// What it calls itself (BEP 10 `v`), as it sent it: escape it before it is shown.
    pub client: Option<Box<str>>,
    /// Pieces it has.
    pub have: u32,
    /// It chokes us.
    pub choking_us: bool,
    /// We are interested in it.
    pub interesting: bool,
    /// We choke it.
    pub choked: bool,
    /// It is interested in us.
    pub interested: bool,
    /// It let requests run out of time and gave nothing since.
    pub snubbed: bool,
    /// Blocks asked of it and not yet received.
    pub requests: u32,
    /// Payload bytes a second from it.
    pub down_rate: u64,
    /// Payload bytes a second to it.
    pub up_rate: u64,
    /// Payload bytes from it.
    pub downloaded: u64,
    /// Payload bytes to it.
    pub uploaded: u64,
}
