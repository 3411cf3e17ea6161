//! The project's own tracker as an actor: what `peerless tracker` answers, on a simulated host.

use crate::actor::{Actor, Cx};
use crate::net::End;
use bytes::Bytes;
use peerless_core::tracker::server::{Asker, RequestReader, Settings, Tracker};
use peerless_core::{Duration, NetError};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

/// A tracker that does what it should.
///
/// ```
/// use peerless_sim::{Host, HttpTracker, Link, Sim, units::*};
///
/// let mut sim = Sim::new(1);
/// let tracker = sim.add_actor("tracker", Link::unlimited(), HttpTracker::new(1));
/// let torrent = sim.torrent(mib(1), 64 << 10, &[HttpTracker::url(sim.addr(tracker))])?;
/// sim.add(Host::new("seed").seeds(&torrent));
/// sim.add(Host::new("leecher").downloads(&torrent));
/// sim.run_until(minutes(5), |sim| sim.downloads_left() == 0)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct HttpTracker {
    tracker: Tracker,
    asking: BTreeMap<End, (IpAddr, RequestReader)>,
    /// Bytes of an answer that have not left.
    answering: BTreeMap<End, usize>,
}

impl HttpTracker {
    /// A tracker with the settings of `peerless tracker`. `seed` decides which peers it names where there are
    /// more than asked for.
    pub fn new(seed: u64) -> Self {
        Self::with(seed, Settings::default())
    }

    /// A tracker that asks its clients to come back after this time.
    pub fn with_interval(seed: u64, interval: Duration) -> Self {
        Self::with(seed, Settings { interval, min_interval: interval / 4, ..Settings::default() })
    }

    /// A tracker with these settings.
    pub fn with(seed: u64, settings: Settings) -> Self {
        Self { tracker: Tracker::new(seed, settings), asking: BTreeMap::new(), answering: BTreeMap::new() }
    }

    /// The announce URL of a tracker at this address.
    pub fn url(addr: SocketAddr) -> String {
        format!("http://{addr}/announce")
    }
}

impl Actor for HttpTracker {
    fn start(&mut self, cx: &mut Cx<'_>) {
        cx.listen(cx.addr().port());
    }

    fn accepted(&mut self, _cx: &mut Cx<'_>, end: End, remote: SocketAddr, _port: u16) {
        self.asking.insert(end, (remote.ip(), RequestReader::new()));
    }

    fn received(&mut self, cx: &mut Cx<'_>, end: End, data: Bytes) {
        let Some((remote, reader)) = self.asking.get_mut(&end) else { return };
        let asker = Asker { remote: *remote, local: cx.addr().ip() };
        let response = match reader.push(&data) {
            Ok(None) => return,
            Ok(Some(request)) => self.tracker.answer(cx.now, asker, &request).0,
            Err(response) => response,
        };
        self.asking.remove(&end);
        let answer = response.encode();
        self.answering.insert(end, answer.len());
        cx.send(end, answer);
    }

    fn sent(&mut self, cx: &mut Cx<'_>, end: End, bytes: usize) {
        let Some(left) = self.answering.get_mut(&end) else { return };
        *left = left.saturating_sub(bytes);
        if *left == 0 {
            self.answering.remove(&end);
            cx.close(end);
        }
    }

    fn closed(&mut self, _cx: &mut Cx<'_>, end: End, _error: Option<NetError>) {
        self.asking.remove(&end);
        self.answering.remove(&end);
    }
}
