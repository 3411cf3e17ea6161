//! An announce: what we tell a tracker, and what it tells us (BEP 3).

use crate::ids::{PeerId, Sha1Hash};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

/// What an announce tells besides the numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AnnounceEvent {
    /// Nothing: one of those sent at every interval.
    #[default]
    None,
    /// The torrent has started.
    Started,
    /// The download is complete. Never sent by one that was complete when it started.
    Completed,
    /// The torrent stops.
    Stopped,
}

/// What we tell a tracker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnounceParams {
    /// Which torrent, as [`InfoHash::wire`](crate::InfoHash::wire) gives it.
    pub info_hash: Sha1Hash,
    /// Who we are.
    pub peer_id: PeerId,
    /// The TCP port on which we listen for peers.
    pub port: u16,
    /// Payload bytes sent since `Started`.
    pub uploaded: u64,
    /// Payload bytes received since `Started`.
    pub downloaded: u64,
    /// Bytes still missing; 0 makes us a seed.
    pub left: u64,
    /// What happened.
    pub event: AnnounceEvent,
    /// How many peers we would like; 0 for none.
    pub numwant: u32,
    /// A number by which the tracker knows us again when our address changes. No one else learns it.
    pub key: u32,
    /// What the tracker called itself in an earlier answer.
    pub tracker_id: Option<Box<[u8]>>,
    /// What we call ourselves. ASCII, no controls.
    pub user_agent: Box<str>,
}

/// What a tracker tells us. All of it is claims: numbers are in range, nothing is proved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnnounceResponse {
    /// Time until the next regular announce; `None` where it is missing, 0 or negative. It may be absurdly long.
    pub interval: Option<Duration>,
    /// Time before which we must not announce again, under the same terms.
    pub min_interval: Option<Duration>,
    /// To be sent with later announces: at most [`MAX_TRACKER_ID`](crate::limits::MAX_TRACKER_ID) bytes.
    pub tracker_id: Option<Box<[u8]>>,
    /// Seeds, as the tracker counts them.
    pub complete: Option<u32>,
    /// Peers that are not complete.
    pub incomplete: Option<u32>,
    /// Our address as the tracker sees it (BEP 24).
    pub external_ip: Option<IpAddr>,
    /// Something the user should read (`warning message`). One line, at most
    /// [`MAX_SHOWN_TEXT`](crate::limits::MAX_SHOWN_TEXT) characters; escape it before it is shown.
    pub warning: Option<Box<str>>,
    /// Bytes at the ends of its compact lists of peers that make no whole address: 0 in a sound answer.
    pub leftover: usize,
    /// Peers, at most [`MAX_ANNOUNCE_PEERS`](crate::limits::MAX_ANNOUNCE_PEERS), IPv4 and IPv6 in turn. None
    /// has port 0 or an address that is nobody's; ours may be among them.
    pub peers: Vec<SocketAddr>,
}
