//! The other side: a tracker that does no I/O (BEP 3, 7, 23, 48 over HTTP).
//!
//! [`Tracker`] answers requests; [`RequestReader`] finds them in the bytes of a connection. Whoever runs it brings
//! sockets and time.

mod answer;
mod http;
mod query;
mod refusal;
mod registry;
#[cfg(test)]
mod tests;

pub use http::{MAX_REQUEST, Request, RequestReader, Response};
pub use refusal::Refusal;
pub use registry::{Change, MAX_NUMWANT, MAX_SWARM, MAX_SWARM_PEERS, MAX_SWARMS};

use crate::ids::Sha1Hash;
use crate::time::{Duration, Instant};
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use query::Announce;
use registry::{Found, Registry};

/// What a tracker tells its clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How often a client is asked to come back. A peer that was not heard of for two and a half of them has
    /// left.
    pub interval: Duration,
    /// How soon a client may come back.
    pub min_interval: Duration,
    /// Peers in one answer where the client does not say; never more than [`MAX_NUMWANT`].
    pub numwant: usize,
}

impl Default for Settings {
    /// A minute, a quarter of a minute, 50 peers: for a small network.
    fn default() -> Self {
        Self { interval: Duration::from_secs(60), min_interval: Duration::from_secs(15), numwant: 50 }
    }
}

/// Where a request came from, and where it arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asker {
    /// The client's address.
    pub remote: IpAddr,
    /// The tracker's address, as the client reached it.
    pub local: IpAddr,
}

/// What an announce changed in a swarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SwarmNews {
    /// Which torrent.
    pub info_hash: Sha1Hash,
    /// Where the peer listens.
    pub peer: SocketAddr,
    /// What it did.
    pub change: Change,
}

/// A tracker: all its swarms, as a plain value.
///
/// ```
/// use peerless_core::tracker::server::{Asker, RequestReader, Settings, Tracker};
/// use peerless_core::Instant;
///
/// let mut tracker = Tracker::new(7, Settings::default());
/// let asker = Asker { remote: [192, 0, 2, 1].into(), local: [192, 0, 2, 9].into() };
/// let request = b"GET /announce?info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=bbbbbbbbbbbbbbbbbbbb&port=6881 HTTP/1.1\r\n\r\n";
/// let request = RequestReader::new().push(request).expect("a sound request").expect("a whole one");
/// let (response, news) = tracker.answer(Instant::ZERO, asker, &request);
/// assert!(response.encode().starts_with(b"HTTP/1.1 200 OK\r\n"));
/// assert_eq!(news.map(|n| n.peer), Some("192.0.2.1:6881".parse().unwrap()));
/// ```
#[derive(Debug)]
pub struct Tracker {
    settings: Settings,
    registry: Registry,
}

impl Tracker {
    /// A tracker without swarms. `random` decides which peers are named where there are more than asked for.
    pub fn new(random: u64, settings: Settings) -> Self {
        Self { registry: Registry::new(random, &settings), settings }
    }

    /// Tells clients something else from now on.
    pub fn set_settings(&mut self, settings: Settings) {
        self.registry.set(&settings);
        self.settings = settings;
    }

    /// Answers a request that came at `now`; with the news, where it was an announce.
    pub fn answer(&mut self, now: Instant, asker: Asker, request: &Request) -> (Response, Option<SwarmNews>) {
        let told = match request.path.as_str() {
            "/announce" => self.announce(now, asker, &request.query).map(|(body, news)| (body, Some(news))),
            "/scrape" => self.scrape(&request.query).map(|body| (body, None)),
            "/" => return (Response::ok("This is a BitTorrent tracker. Announce to /announce.\n"), None),
            _ => return (Response::refuse(404, "nothing here: announce to /announce"), None),
        };
        let (body, news) = told.unwrap_or_else(|refusal| (answer::failure(&refusal), None));
        (Response::ok(body), news)
    }

    /// Peers of a torrent that the tracker knows: how many are complete and how many are not.
    pub fn swarm(&self, info_hash: &Sha1Hash) -> Option<(u64, u64)> {
        self.registry.counts(&info_hash.0).map(|counts| (counts.complete, counts.incomplete))
    }

    fn announce(&mut self, now: Instant, asker: Asker, query: &str) -> Result<(Vec<u8>, SwarmNews), Refusal> {
        let asked = Announce::parse(query)?;
        let mut found = self.registry.announce(now, asker.remote, &asked)?;
        reachable(&mut found, asker);
        let peer = SocketAddr::new(asker.remote, asked.port);
        let news = SwarmNews { info_hash: Sha1Hash(asked.info_hash), peer, change: found.change };
        Ok((answer::announce(&self.settings, &asked, &found), news))
    }

    fn scrape(&self, query: &str) -> Result<Vec<u8>, Refusal> {
        let mut hashes = query::scrape(query)?;
        if hashes.is_empty() {
            hashes.extend(self.registry.torrents());
        }
        hashes.sort_unstable();
        hashes.dedup();
        let swarms = hashes.into_iter().filter_map(|h| Some((h, self.registry.counts(&h)?)));
        Ok(answer::scrape(&swarms.collect::<Vec<_>>()))
    }
}

/// A peer that announced over loopback stands on the tracker's machine: another machine reaches it where it
/// reached the tracker.
fn reachable(found: &mut Found, asker: Asker) {
    if asker.remote.is_loopback() {
        return;
    }
    for (addr, _) in &mut found.peers {
        if addr.ip().is_loopback() && addr.is_ipv4() == asker.local.is_ipv4() {
            addr.set_ip(asker.local);
        }
    }
}
