//! What happens on the way: parcels pass uplinks, fly, pass downlinks, and are acknowledged.

use super::link::Load;
use super::stream::{Parcel, State};
use super::{End, HostId, NetEvent, Network, News, Noticed};
use peerless_core::{Duration, Instant, NetError};

/// Streams that may wait to be accepted.
const BACKLOG: usize = 128;
/// A lost parcel comes again after a round trip and so much more.
const RETRANSMIT: Duration = Duration::from_millis(20);
/// The way to a host of the same site.
const NEARBY: Duration = Duration::from_micros(300);

/// What happens on the way.
impl Network {
    /// Something that was planned is due.
    pub(crate) fn handle(&mut self, now: Instant, event: NetEvent) {
        match event {
            NetEvent::Dialled(end, tries) => self.dialled(now, end, tries),
            NetEvent::Answered(end, error) => self.answered(now, end, error),
            NetEvent::Left(host) => self.left(now, host),
            NetEvent::Arrived(end) => self.arrived(now, end),
            NetEvent::Through(host) => self.through(now, host),
            NetEvent::Acked(end) => {
                if let Some(side) = self.side_mut(end) {
                    side.busy = false;
                }
                self.offer(now, end);
            }
            NetEvent::Datagram(datagram) => self.datagram_arrived(now, datagram),
            NetEvent::Again(end) => self.again(now, end),
            NetEvent::Second(end) => self.second(now, end),
        }
    }

    fn dialled(&mut self, now: Instant, end: End, tries: u32) {
        let theirs = end.other();
        let (Some(from), Some(to)) = (self.side(end), self.side(theirs)) else { return };
        let (from, host, number) = (from.host, to.host, to.addr.port());
        let way = self.way(from, host);
        let port = &self.ports[host.index()];
        if !self.reaches(from, host) || port.backlog.len() >= BACKLOG {
            self.dial_again(now, end, tries);
        } else if !port.listening.contains(&number) {
            self.plan(now + way, NetEvent::Answered(end, Some(NetError::Refused)));
        } else {
            if port.accepting {
                self.accept(now, theirs);
            } else {
                self.ports[host.index()].backlog.push_back(theirs);
            }
            self.plan(now + way, NetEvent::Answered(end, None));
        }
    }

    pub(super) fn accept(&mut self, now: Instant, end: End) {
        let Some(remote) = self.side(end.other()).map(|s| s.seen) else { return };
        let Some(side) = self.side_mut(end) else { return };
        side.state = State::Open;
        let (host, port) = (side.host, side.addr.port());
        self.tell(host, end, Noticed::Accepted { remote, port });
        self.begin_seconds(now, end);
    }

    fn answered(&mut self, now: Instant, end: End, error: Option<NetError>) {
        let Some(side) = self.side_mut(end) else { return };
        if side.state != State::Opening {
            return;
        }
        let (host, local) = (side.host, side.addr);
        match error {
            None => {
                side.state = State::Open;
                self.tell(host, end, Noticed::Connected { local });
                self.begin_seconds(now, end);
                self.shut_drained(now, end);
            }
            Some(error) => {
                side.state = State::Gone;
                if let Some(other) = self.side_mut(end.other()) {
                    other.state = State::Gone;
                }
                self.tell(host, end, Noticed::ConnectFailed(error));
                self.sweep(end);
            }
        }
    }

    /// A stream may have something to send: it takes its place in its host's ring.
    pub(super) fn offer(&mut self, now: Instant, end: End) {
        let Some(side) = self.side_mut(end) else { return };
        if side.busy || !side.has_queued() || side.stall.is_some() {
            return;
        }
        let host = side.host;
        let window = self.ports[host.index()].link.window;
        let Some(side) = self.side_mut(end) else { return };
        match side.has_window(now, window) {
            Ok(()) => {
                side.busy = true;
                self.ports[host.index()].ring.push_back(end);
                self.start_uplink(now, host);
            }
            Err(Some(at)) => {
                side.busy = true;
                self.plan(at, NetEvent::Acked(end));
            }
            // The other host does not take what arrives: when it does, `take` offers again.
            Err(None) => {}
        }
    }

    pub(super) fn start_uplink(&mut self, now: Instant, host: HostId) {
        while self.ports[host.index()].up.passing.is_none() && !self.ports[host.index()].asleep {
            let Some(load) = self.next_load(host) else { return };
            let port = &mut self.ports[host.index()];
            let time = port.up.time(port.link.up, load.bytes());
            port.up.passing = Some(load);
            self.plan(now + time, NetEvent::Left(host));
        }
    }

    /// What passes a host's uplink next.
    fn next_load(&mut self, host: HostId) -> Option<Load> {
        if let Some(datagram) = self.ports[host.index()].next_datagram() {
            return Some(Load::Datagram(datagram));
        }
        loop {
            let end = self.ports[host.index()].ring.pop_front()?;
            let Some(side) = self.side_mut(end) else { continue };
            let Some(parcel) = side.take_parcel() else {
                side.busy = false;
                continue;
            };
            side.in_flight += parcel.bytes();
            return Some(Load::Parcel(end, parcel));
        }
    }

    pub(super) fn left(&mut self, now: Instant, host: HostId) {
        let on = self.ports[host.index()].on;
        match self.ports[host.index()].up.passing.take() {
            Some(Load::Parcel(end, parcel)) if on => self.parcel_left(now, host, end, parcel),
            Some(Load::Datagram(datagram)) if on => self.datagram_left(now, datagram),
            Some(_) => {}
            None => return,
        }
        self.start_uplink(now, host);
    }

    fn parcel_left(&mut self, now: Instant, host: HostId, end: End, parcel: Parcel) {
        let Some(side) = self.side_mut(end) else { return };
        side.busy = false;
        let known = matches!(side.state, State::Open | State::Shut);
        let (ends, bytes) = (side.ends.take(), parcel.bytes());
        self.fly(now, end, parcel);
        if let Some(error) = ends {
            self.fly(now, end, Parcel::End(error));
        }
        if known {
            self.tell(host, end, Noticed::Sent(bytes));
        }
        self.shut_drained(now, end);
        self.offer(now, end);
    }

    /// Puts a parcel on its way, behind what flies already.
    pub(super) fn fly(&mut self, now: Instant, end: End, parcel: Parcel) {
        let (Some(from), Some(to)) = (self.side(end), self.side(end.other())) else { return };
        let (from, to) = (from.host, to.host);
        let link = &self.ports[from.index()].link;
        let (jitter, loss) = (link.jitter, link.loss_permille);
        let mut way = self.way(from, to);
        if !jitter.is_zero() {
            way += self.dice.time(jitter);
        }
        if self.dice.chance(loss) || self.dice.chance(self.routes.loss(from, to)) {
            way += 2 * self.way(from, to) + RETRANSMIT;
            self.struck.add("parcels_lost", 1);
        }
        let Some(side) = self.side_mut(end) else { return };
        let at = (now + way).max(side.last_arrival);
        side.last_arrival = at;
        side.flying.push_back(parcel);
        self.plan(at, NetEvent::Arrived(end));
    }

    fn arrived(&mut self, now: Instant, end: End) {
        let (Some(here), Some(there)) = (self.side(end), self.side(end.other())) else { return };
        if here.flying.is_empty() {
            // Whoever sent it is gone, and so is what it sent.
        } else if here.stall.is_some() || !self.reaches(here.host, there.host) {
            self.stall(now, end);
        } else {
            self.deliver(now, end);
        }
        self.sweep(end);
    }

    /// The first parcel that flies from this end is there.
    pub(super) fn deliver(&mut self, now: Instant, end: End) {
        let Some(parcel) = self.side_mut(end).and_then(|s| s.flying.pop_front()) else { return };
        let Some(host) = self.side(end.other()).map(|s| s.host) else { return };
        self.ports[host.index()].arrived.push_back(Load::Parcel(end, parcel));
        self.start_downlink(now, host);
    }

    pub(super) fn start_downlink(&mut self, now: Instant, host: HostId) {
        let port = &mut self.ports[host.index()];
        while port.down.passing.is_none() {
            let Some(load) = port.arrived.pop_front() else { return };
            if let Load::Datagram(datagram) = &load {
                port.mail_arrived -= datagram.bytes();
            }
            let time = port.down.time(port.link.down, load.bytes());
            port.down.passing = Some(load);
            self.planned.push((now + time, NetEvent::Through(host)));
        }
    }

    pub(super) fn through(&mut self, now: Instant, host: HostId) {
        let on = self.ports[host.index()].on;
        match self.ports[host.index()].down.passing.take() {
            Some(Load::Parcel(end, parcel)) if on => self.take(now, end.other(), parcel),
            Some(Load::Datagram(datagram)) if on => self.datagram_through(*datagram),
            _ => {}
        }
        self.start_downlink(now, host);
    }

    /// A parcel has come through to the end that it is for.
    pub(super) fn take(&mut self, now: Instant, end: End, parcel: Parcel) {
        let Some(side) = self.side_mut(end) else { return };
        let host = side.host;
        match side.state {
            State::Open | State::Shut if !side.readable => side.held.push_back(parcel),
            State::Open | State::Shut => match parcel {
                Parcel::Data { slices, bytes } => {
                    self.acknowledge(now, end, bytes);
                    self.tell(host, end, Noticed::Received(slices));
                }
                Parcel::End(None) if side.state == State::Open => {
                    if !std::mem::replace(&mut side.ended, true) {
                        self.tell(host, end, Noticed::Ended);
                    }
                }
                Parcel::End(error) => {
                    self.tell(host, end, Noticed::Closed(error));
                    self.close(now, end, None);
                }
            },
            // Bytes for a stream that this host knows nothing of any more: it says so.
            State::Gone if matches!(parcel, Parcel::Data { .. }) => {
                self.end_way(now, end, Some(NetError::Reset));
            }
            State::Gone | State::Opening => {}
        }
    }

    /// The sender learns, after a way back, that bytes were taken.
    pub(super) fn acknowledge(&mut self, now: Instant, end: End, bytes: usize) {
        let sender = end.other();
        let (Some(here), Some(there)) = (self.side(end), self.side(sender)) else { return };
        let back = self.way(here.host, there.host);
        if let Some(side) = self.side_mut(sender) {
            side.ack(now + back, bytes);
        }
        self.offer(now, sender);
    }

    /// A host that sends nothing more has its half shut once all that it sent has left. Where the other half was shut
    /// before, that is the end of the stream.
    pub(super) fn shut_drained(&mut self, now: Instant, end: End) {
        let Some(side) = self.side_mut(end) else { return };
        if !side.shutting || side.state != State::Open || side.busy || side.has_queued() {
            return;
        }
        if side.ended {
            let host = side.host;
            self.tell(host, end, Noticed::Closed(None));
            self.close(now, end, None);
        } else {
            side.state = State::Shut;
            self.end_way(now, end, None);
        }
    }

    /// The last that this end sends.
    pub(super) fn end_way(&mut self, now: Instant, end: End, error: Option<NetError>) {
        let Some(side) = self.side(end) else { return };
        let passing = &self.ports[side.host.index()].up.passing;
        if matches!(passing, Some(Load::Parcel(of, _)) if *of == end) {
            if let Some(side) = self.side_mut(end) {
                side.ends = Some(error);
            }
        } else {
            self.fly(now, end, Parcel::End(error));
        }
    }

    /// Time from one host to another.
    pub(crate) fn way(&self, from: HostId, to: HostId) -> Duration {
        if from == to {
            return Duration::ZERO;
        }
        if self.routes.together(from, to) {
            return NEARBY;
        }
        let links = self.ports[from.index()].link.latency + self.ports[to.index()].link.latency;
        self.routes.latency(from, to).unwrap_or(links)
    }

    pub(super) fn plan(&mut self, at: Instant, event: NetEvent) {
        self.planned.push((at, event));
    }

    pub(super) fn tell(&mut self, host: HostId, end: End, what: Noticed) {
        self.news.push_back(News { host, end, what });
    }
}
