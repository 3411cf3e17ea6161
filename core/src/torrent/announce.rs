//! Announces: carries out what the announcer's schedule says, over connections to HTTP trackers.

use super::{Job, Torrent};
use crate::announcer::{Due, PATIENCE, TrackerKey, TrackerState};
use crate::context::{ConnOwner, Context};
use crate::event::{Event, Phase, TrackerNews};
use crate::ids::{ConnId, JobId};
use crate::input::{NetError, ResolveError};
use crate::time::{Duration, Instant};
use crate::timers::TorrentTimer;
use crate::tracker::http::{Exchange, Step};
use crate::tracker::{AnnounceEvent, AnnounceParams, AnnounceResponse, TrackerError, shown_url};
use alloc::boxed::Box;
use alloc::vec::Vec;
use bytes::Bytes;
use core::net::IpAddr;

/// Peers that we ask a tracker for.
const NUMWANT: u32 = 100;
/// The port that trackers are told when we do not listen. They refuse 0, and at this one nobody answers.
const NO_PORT: u16 = 1;
/// Below so many peers, those being dialled included unless nobody answers, a downloading torrent asks for more.
const FEW_PEERS: usize = 10;

/// An announce under way.
#[derive(Debug)]
pub(super) struct Announcing {
    exchange: Exchange,
    url: Box<str>,
    /// When it counts as slow; `None` once that was told.
    slow: Option<Instant>,
    conn: Option<ConnId>,
    job: Option<JobId>,
}

impl Announcing {
    /// When there is something to do or to tell, if nothing happens.
    fn next_deadline(&self) -> Instant {
        let deadline = self.exchange.deadline();
        self.slow.map_or(deadline, |slow| slow.min(deadline))
    }
}

impl Torrent {
    /// Begins every announce that is due, and ends those that had their time.
    pub(super) fn run_announces(&mut self, cx: &mut Context) {
        let late: Vec<TrackerKey> = self
            .announcing
            .iter()
            .filter(|(_, a)| a.exchange.deadline() <= cx.now)
            .map(|(key, _)| *key)
            .collect();
        for tracker in late {
            self.drive(cx, tracker, |now, exchange| exchange.timed_out(now));
        }
        self.tell_slow(cx);
        while let Some(due) = self.announcer.poll(cx.now) {
            self.begin_announce(cx, due);
        }
        let exchanges = self.announcing.values().map(Announcing::next_deadline).min();
        let next = [self.announcer.next_deadline(), exchanges].into_iter().flatten().min();
        if let Some(next) = next {
            self.set_timer(cx, TorrentTimer::Announce, next.max(cx.now + Duration::from_millis(1)));
        }
    }

    /// Somebody who waits for a tracker that keeps silent wants to know which.
    fn tell_slow(&mut self, cx: &mut Context) {
        for announcing in self.announcing.values_mut().filter(|a| a.slow.is_some_and(|at| at <= cx.now)) {
            announcing.slow = None;
            let (torrent, url) = (self.id, shown_url(&announcing.url).into());
            cx.out.tell(Event::Tracker { torrent, url, news: TrackerNews::Slow { waited: PATIENCE } });
        }
    }

    fn begin_announce(&mut self, cx: &mut Context, due: Due) {
        let params = self.announce_params(cx, &due);
        match Exchange::new(cx.now, &due.url, params, due.timeout) {
            Ok(exchange) => {
                let slow = Some(cx.now + PATIENCE).filter(|at| *at < exchange.deadline());
                let announcing = Announcing { exchange, url: due.url, slow, conn: None, job: None };
                self.announcing.insert(due.tracker, announcing);
                self.drive(cx, due.tracker, |_, _| {});
            }
            Err(error) => self.announce_ended(cx, due.tracker, &due.url, Err(error)),
        }
    }

    fn announce_params(&self, cx: &Context, due: &Due) -> AnnounceParams {
        let wants_peers = due.event != AnnounceEvent::Stopped && self.phase != Phase::Stopping;
        AnnounceParams {
            info_hash: self.wire_hash(),
            peer_id: cx.peer_id,
            port: cx.port.unwrap_or(NO_PORT),
            uploaded: self.stats.up.total(),
            downloaded: self.stats.down.total(),
            left: self.bytes_left(),
            event: due.event,
            numwant: if wants_peers { NUMWANT } else { 0 },
            key: self.announce_key,
            tracker_id: due.tracker_id.clone(),
            user_agent: cx.config.client_name.clone(),
        }
    }

    /// Lets something happen to an exchange, then does what it asks for.
    fn drive(&mut self, cx: &mut Context, tracker: TrackerKey, happens: impl FnOnce(Instant, &mut Exchange)) {
        let Some(announcing) = self.announcing.get_mut(&tracker) else { return };
        happens(cx.now, &mut announcing.exchange);
        while let Some(announcing) = self.announcing.get_mut(&tracker)
            && let Some(step) = announcing.exchange.poll()
        {
            match step {
                Step::Resolve { host } => {
                    announcing.job = Some(cx.resolve(self.id, host, Job::TrackerHost(tracker)));
                }
                Step::Connect { remote, tls } => {
                    let owner = ConnOwner::Tracker(self.id, tracker);
                    announcing.conn = Some(cx.connect(owner, remote, tls));
                }
                Step::Send(data) => {
                    if let Some(conn) = announcing.conn {
                        cx.out.act(crate::action::Action::Send { conn, data });
                    }
                }
                Step::Disconnect => {
                    if let Some(conn) = announcing.conn.take() {
                        cx.close(conn);
                    }
                }
                Step::Done(result) => {
                    let url = announcing.url.clone();
                    self.end_exchange(cx, tracker);
                    self.announce_ended(cx, tracker, &url, result);
                }
            }
        }
        // What it does now may have to be done sooner than what it did.
        if let Some(announcing) = self.announcing.get(&tracker) {
            cx.timers.no_later_than(self.key(TorrentTimer::Announce), announcing.next_deadline());
        }
    }

    /// Drops every exchange.
    pub(super) fn end_exchanges(&mut self, cx: &mut Context) {
        let asking: Vec<TrackerKey> = self.announcing.keys().copied().collect();
        for tracker in asking {
            self.end_exchange(cx, tracker);
        }
    }

    /// Drops an exchange and all that belongs to it.
    fn end_exchange(&mut self, cx: &mut Context, tracker: TrackerKey) {
        let Some(announcing) = self.announcing.remove(&tracker) else { return };
        if let Some(conn) = announcing.conn {
            cx.close(conn);
        }
        if let Some(job) = announcing.job {
            cx.cancel(job);
        }
    }

    fn announce_ended(
        &mut self,
        cx: &mut Context,
        tracker: TrackerKey,
        url: &str,
        result: Result<AnnounceResponse, TrackerError>,
    ) {
        let news = match result {
            Ok(answer) => self.announce_answered(cx, tracker, url, answer),
            Err(error) => {
                self.announcer.failed(cx.now, tracker, &error);
                TrackerNews::Failed { error, retry: self.next_announce(cx.now, tracker) }
            }
        };
        self.tell_tracker(cx, url, news);
        self.dial(cx);
        self.run_announces(cx);
        self.stop_more(cx);
    }

    fn announce_answered(
        &mut self,
        cx: &mut Context,
        tracker: TrackerKey,
        url: &str,
        answer: AnnounceResponse,
    ) -> TrackerNews {
        self.announcer.answered(cx.now, tracker, &answer);
        if let Some(text) = &answer.warning {
            self.tell_tracker(cx, url, TrackerNews::Warning { text: text.clone() });
        }
        if answer.leftover > 0 {
            self.tell_tracker(cx, url, TrackerNews::CutShort { leftover: answer.leftover });
        }
        if let (Some(ip), Some(port)) = (answer.external_ip, cx.port) {
            self.list.set_own(core::net::SocketAddr::new(ip, port));
        }
        if self.is_networking() {
            self.list.add_all(cx.now, tracker, &answer.peers);
        }
        let next = self.next_announce(cx.now, tracker).unwrap_or_default();
        TrackerNews::Answered { peers: answer.peers.len(), next }
    }

    /// Time until a tracker is asked again; `None`: not again.
    fn next_announce(&self, now: Instant, tracker: TrackerKey) -> Option<Duration> {
        match self.announcer.status().find(|status| status.key == tracker)?.state {
            TrackerState::Working { next } | TrackerState::Failed { retry: Some(next), .. } => {
                Some(next.since(now))
            }
            _ => None,
        }
    }

    fn tell_tracker(&self, cx: &mut Context, url: &str, news: TrackerNews) {
        let url = shown_url(url).into();
        cx.out.tell(Event::Tracker { torrent: self.id, url, news });
    }

    /// Asks trackers for more peers, within what they allow, when a download runs out of them, or those that it knows
    /// do not answer. A seed that nobody is connected to tells further trackers of itself: the peers that the first one
    /// named may not exist.
    pub(super) fn look_for_peers(&mut self, cx: &mut Context) {
        let barren = self.list.is_barren();
        // Where one after the other does not answer, those that are being dialled count for nothing.
        let peers = if barren { self.peers.len() } else { self.connections() };
        let few = match self.phase {
            Phase::Seeding if !self.is_mending() => peers == 0,
            Phase::Downloading | Phase::Seeding => peers < FEW_PEERS,
            _ => false,
        };
        if few && (barren || !self.list.has_ready(cx.now)) {
            self.announcer.need_peers();
            self.run_announces(cx);
        }
    }

    // What happened to a connection or lookup of an exchange.

    /// A tracker's host has been looked up.
    pub(super) fn tracker_resolved(
        &mut self,
        cx: &mut Context,
        tracker: TrackerKey,
        result: Result<Vec<IpAddr>, ResolveError>,
    ) {
        if let Some(announcing) = self.announcing.get_mut(&tracker) {
            announcing.job = None;
        }
        self.drive(cx, tracker, |now, exchange| exchange.resolved(now, result));
    }

    pub(crate) fn tracker_connected(&mut self, cx: &mut Context, tracker: TrackerKey) {
        self.drive(cx, tracker, |_, exchange| exchange.connected());
    }

    /// The connection could not be opened; the driver has forgotten it.
    pub(crate) fn tracker_connect_failed(&mut self, cx: &mut Context, tracker: TrackerKey, error: NetError) {
        self.conn_gone(tracker);
        self.drive(cx, tracker, |now, exchange| exchange.connect_failed(now, error));
    }

    pub(crate) fn tracker_received(&mut self, cx: &mut Context, tracker: TrackerKey, data: &Bytes) {
        self.drive(cx, tracker, |now, exchange| exchange.received(now, data));
    }

    /// The tracker closed the connection, or it broke; the driver has forgotten it.
    pub(crate) fn tracker_closed(&mut self, cx: &mut Context, tracker: TrackerKey, error: Option<NetError>) {
        self.conn_gone(tracker);
        self.drive(cx, tracker, |now, exchange| exchange.closed(now, error));
    }

    fn conn_gone(&mut self, tracker: TrackerKey) {
        if let Some(announcing) = self.announcing.get_mut(&tracker) {
            announcing.conn = None;
        }
    }
}
