//! The project's own tracker as an actor: what `peerless tracker` answers, on a simulated host, or something
//! worse at the times that a script says.

mod manner;
#[cfg(test)]
mod tests;

pub use manner::TrackerManner;

use crate::actor::{Actor, Cx};
use crate::net::End;
use bytes::Bytes;
use peerless_core::tracker::server::{Asker, Request, RequestReader, Response, Settings, Tracker};
use peerless_core::{Duration, Instant, NetError};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

/// Bytes of an answer that a trickling tracker sends at once.
const TRICKLE: usize = 20;

/// A tracker.
///
/// ```
/// use peerless_sim::{Host, HttpTracker, Link, Sim, TrackerManner, units::*};
///
/// let mut sim = Sim::new(1);
/// let rude = HttpTracker::new(1).from(secs(0), TrackerManner::Silent).from(minutes(2), TrackerManner::Civil);
/// let tracker = sim.add_actor("tracker", Link::unlimited(), rude);
/// let torrent = sim.torrent(mib(1), 64 << 10, &[HttpTracker::url(sim.addr(tracker))])?;
/// sim.add(Host::new("seed").seeds(&torrent));
/// sim.add(Host::new("leecher").downloads(&torrent));
/// sim.run_until(minutes(15), |sim| sim.downloads_left() == 0)?;
/// assert!(sim.now().as_micros() > minutes(2).as_micros() as u64);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct HttpTracker {
    tracker: Tracker,
    settings: Settings,
    /// After which time it asked to come back last.
    interval: Duration,
    /// When each manner begins, in order.
    script: Vec<(Instant, TrackerManner)>,
    asking: BTreeMap<End, (IpAddr, RequestReader)>,
    /// Bytes of an answer that have not left.
    answering: BTreeMap<End, usize>,
    /// What is to be sent later.
    later: BTreeMap<(Instant, End), Vec<u8>>,
    rude_answers: u64,
    intervals_changed: u64,
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
        Self {
            tracker: Tracker::new(seed, settings.clone()),
            interval: settings.interval,
            settings,
            script: Vec::new(),
            asking: BTreeMap::new(),
            answering: BTreeMap::new(),
            later: BTreeMap::new(),
            rude_answers: 0,
            intervals_changed: 0,
        }
    }

    /// From this time of the simulation on it behaves so. Before the first such time it is civil.
    #[must_use]
    pub fn from(mut self, time: Duration, manner: TrackerManner) -> Self {
        self.script.push((Instant::ZERO + time, manner));
        self.script.sort_by_key(|(at, _)| *at);
        self
    }

    /// The announce URL of a tracker at this address.
    pub fn url(addr: SocketAddr) -> String {
        format!("http://{addr}/announce")
    }

    /// How often it answered, or did not, as a tracker should not.
    pub const fn rude_answers(&self) -> u64 {
        self.rude_answers
    }

    /// How often it asked to come back after another time than before.
    pub const fn intervals_changed(&self) -> u64 {
        self.intervals_changed
    }

    fn manner(&self, now: Instant) -> TrackerManner {
        let begun = self.script.iter().take_while(|(at, _)| *at <= now);
        begun.last().map_or(TrackerManner::Civil, |(_, manner)| manner.clone())
    }

    fn asked(&mut self, cx: &mut Cx<'_>, end: End, asker: Asker, request: &Request) {
        let manner = self.manner(cx.now);
        let interval = match manner {
            TrackerManner::Interval(interval) => interval,
            TrackerManner::Civil | TrackerManner::Late(_) | TrackerManner::Trickling(_) => {
                self.settings.interval
            }
            _ => self.interval,
        };
        self.rude_answers += u64::from(!matches!(manner, TrackerManner::Civil | TrackerManner::Interval(_)));
        if interval != self.interval {
            self.intervals_changed += 1;
            self.interval = interval;
            self.tracker.set_settings(Settings { interval, ..self.settings.clone() });
        }
        if manner == TrackerManner::Reset {
            return cx.reset(end);
        }
        if manner == TrackerManner::Silent {
            return;
        }
        let civil = self.tracker.answer(cx.now, asker, request).0;
        let answer = manner.answer(&civil, &Self::url(cx.addr()), cx.dice);
        self.answering.insert(end, answer.len());
        match manner {
            TrackerManner::Late(time) => self.plan(cx, cx.now + time, end, answer),
            TrackerManner::Trickling(pause) => {
                for (n, part) in (0..).zip(answer.chunks(TRICKLE)) {
                    self.plan(cx, cx.now + pause * n, end, part.to_vec());
                }
            }
            _ => cx.send(end, answer),
        }
    }

    fn plan(&mut self, cx: &mut Cx<'_>, at: Instant, end: End, data: Vec<u8>) {
        self.later.insert((at, end), data);
        cx.wake_at(at);
    }

    fn refuse(&mut self, cx: &mut Cx<'_>, end: End, response: &Response) {
        let answer = response.encode();
        self.answering.insert(end, answer.len());
        cx.send(end, answer);
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
        let read = reader.push(&data);
        match read {
            Ok(None) => return,
            Ok(Some(request)) => self.asked(cx, end, asker, &request),
            Err(response) => self.refuse(cx, end, &response),
        }
        self.asking.remove(&end);
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

    fn woken(&mut self, cx: &mut Cx<'_>) {
        while let Some(first) = self.later.first_entry()
            && first.key().0 <= cx.now
        {
            let ((_, end), data) = first.remove_entry();
            if self.answering.contains_key(&end) {
                cx.send(end, data);
            }
        }
    }
}
