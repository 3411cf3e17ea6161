//! What an engine must never say to a tracker.

use peerless_core::Duration;
use std::net::SocketAddr;

/// A rule of announces that an engine broke. See [`Breach::Announce`](crate::Breach::Announce).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each says in its text what it is")]
pub enum AnnounceBreach {
    #[error("its request is not what HTTP/1.1 allows: {0} (RFC 9112)")]
    Http(&'static str),
    #[error("its request has {0} bytes or more, which servers refuse")]
    TooLong(usize),
    #[error("sent {0} bytes behind its request")]
    Behind(usize),
    #[error("asked for {0}, which is no announce URL of a torrent that it has")]
    NotItsTracker(String),
    #[error("asked {to} for what is to be had of {host}")]
    WrongAddress { to: SocketAddr, host: String },
    #[error("gave user and password where the URL has none, or none where it has them")]
    Authorization,
    #[error("the parameter {name} is {what}")]
    Parameter { name: &'static str, what: &'static str },
    #[error("sent the parameter {0:?}, which no BEP has")]
    UnknownParameter(String),
    #[error("announced a torrent that it does not have at this tracker (BEP 3 info_hash)")]
    InfoHash,
    #[error("changed its peer_id while it ran (BEP 3)")]
    PeerId,
    #[error("changed its key while the torrent ran (BEP 7)")]
    Key,
    #[error("said that it listens on port {told}, and it listens on {port}")]
    Port { told: u16, port: u16 },
    #[error("did not give back the tracker id that it was given (BEP 3)")]
    TrackerId,
    #[error("asked for {0} peers")]
    Numwant(u32),
    #[error("said {what} {told}, after {before}")]
    Fell { what: &'static str, told: u64, before: u64 },
    #[error("said {what} {told}, and it is {least} to {most} (BEP 3)")]
    Count { what: &'static str, told: u64, least: u64, most: u64 },
    #[error("said something else before the tracker had taken in that it started (BEP 3)")]
    NotStarted,
    #[error("said again that it started to a tracker that had taken that in (BEP 3)")]
    StartedTwice,
    #[error("said that it is complete with {0} bytes left (BEP 3)")]
    CompletedEarly(u64),
    #[error("said that it is complete again to a tracker that had taken that in (BEP 3)")]
    CompletedTwice,
    #[error("said that it has become complete, which it was when it started (BEP 3)")]
    CompletedFromStart,
    #[error("announced to a tracker that it had told that it stops (BEP 3)")]
    AfterStopped,
    #[error("announced to a tracker that had told it never to do so again (BEP 31)")]
    AfterNever,
    #[error("announced while it waits for an answer to the last one")]
    TwoAtOnce,
    #[error("announced {ago:?} after the last time, and has to wait {least:?}")]
    TooSoon { ago: Duration, least: Duration },
    #[error(
        "announced {left:?} before the interval was over, with {peers} peers that it has had for long (BEP 3)"
    )]
    NeedsNoPeers { left: Duration, peers: usize },
    #[error("followed a redirect with other numbers than those that it had announced")]
    RedirectChanged,
}
