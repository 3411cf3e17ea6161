//! The network: hosts with links, and byte streams between them.
//!
//! ```text
//!  send ─▶ queue of the stream ─▶ uplink: one parcel at a time, streams in turn ─▶ latency, jitter, loss
//!                                                                                          │
//!  Received ◀── held while not readable ◀── downlink: one parcel at a time, first come ◀───┘
//! ```
//!
//! A machine like those of the core: it is told what happens, and says what is to happen later
//! ([`Network::planned`]) and what hosts notice ([`Network::news`]).

mod link;
mod stream;
#[cfg(test)]
mod tests;

pub use link::Link;

use crate::dice::Dice;
use bytes::Bytes;
use link::Port;
use peerless_core::{Duration, Instant, NetError};
use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use stream::{Parcel, Side, State, Stream};

/// A host of the simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostId(pub(crate) u32);

impl HostId {
    /// Its number, from 0, in the order in which hosts were added.
    pub const fn get(self) -> u32 {
        self.0
    }

    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// One end of a stream. Never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct End {
    slot: u32,
    generation: u32,
    side: u8,
}

impl End {
    const fn other(self) -> Self {
        Self { side: 1 - self.side, ..self }
    }
}

/// What the network does later.
#[derive(Clone, Debug)]
pub(crate) enum NetEvent {
    /// The request to open a stream reaches the host that it is for.
    Dialled(End),
    /// The answer to it is back.
    Answered(End, Option<NetError>),
    /// A host's uplink has passed a parcel.
    Left(HostId),
    /// The first parcel that flies from this end is there.
    Arrived(End),
    /// A host's downlink has passed a parcel.
    Through(HostId),
    /// An acknowledgement is back at this end.
    Acked(End),
}

/// What a host notices.
#[derive(Clone, Debug)]
pub(crate) struct News {
    pub(crate) host: HostId,
    pub(crate) end: End,
    pub(crate) what: Noticed,
}

/// See [`News`].
#[derive(Clone, Debug)]
pub(crate) enum Noticed {
    Connected { local: SocketAddr },
    ConnectFailed(NetError),
    Accepted { remote: SocketAddr, port: u16 },
    Received(Vec<Bytes>),
    Sent(usize),
    Closed(Option<NetError>),
}

/// Nobody answers: the opener gives up after so long.
const NO_ANSWER: Duration = Duration::from_secs(60);
/// Streams that may wait to be accepted.
const BACKLOG: usize = 128;
/// A lost parcel comes again after a round trip and so much more.
const RETRANSMIT: Duration = Duration::from_millis(20);

/// See the module.
#[derive(Debug)]
pub(crate) struct Network {
    ports: Vec<Port>,
    streams: Vec<Slot>,
    free: Vec<u32>,
    homes: BTreeMap<IpAddr, HostId>,
    dice: Dice,
    /// What happens later, for the queue.
    pub(crate) planned: Vec<(Instant, NetEvent)>,
    /// What hosts notice now.
    pub(crate) news: VecDeque<News>,
}

#[derive(Debug, Default)]
struct Slot {
    generation: u32,
    stream: Option<Stream>,
}

/// What hosts do.
impl Network {
    pub(crate) const fn new(dice: Dice) -> Self {
        Self {
            ports: Vec::new(),
            streams: Vec::new(),
            free: Vec::new(),
            homes: BTreeMap::new(),
            dice,
            planned: Vec::new(),
            news: VecDeque::new(),
        }
    }

    /// Adds a host with these addresses. Hosts are numbered in order.
    pub(crate) fn add(&mut self, addrs: &[IpAddr], link: Link) -> HostId {
        let host = HostId(u32::try_from(self.ports.len()).expect("fewer than 2^32 hosts fit into memory"));
        self.ports.push(Port::new(link));
        self.homes.extend(addrs.iter().map(|addr| (*addr, host)));
        host
    }

    /// Streams to this port of the host can be opened from now on.
    pub(crate) fn listen(&mut self, host: HostId, port: u16) {
        self.ports[host.index()].listening.push(port);
    }

    /// The link of a host changes. What is on its way stays on its way.
    pub(crate) fn set_link(&mut self, host: HostId, link: Link) {
        self.ports[host.index()].link = link;
    }

    pub(crate) fn link(&self, host: HostId) -> Link {
        self.ports[host.index()].link
    }

    /// Opens a stream.
    pub(crate) fn connect(&mut self, now: Instant, from: HostId, local: IpAddr, remote: SocketAddr) -> End {
        let local = SocketAddr::new(local, self.ports[from.index()].ephemeral());
        let to = self.homes.get(&remote.ip()).copied();
        let stream = Stream { sides: [Side::new(from, local), Side::new(to.unwrap_or(from), remote)] };
        let end = self.insert(stream);
        match to {
            Some(to) => self.plan(now + self.way(from, to), NetEvent::Dialled(end)),
            None => self.plan(now + NO_ANSWER, NetEvent::Answered(end, Some(NetError::TimedOut))),
        }
        end
    }

    /// Sends bytes after all that came before.
    pub(crate) fn send(&mut self, now: Instant, end: End, data: Bytes) {
        let Some(side) = self.side_mut(end) else { return };
        side.push(data);
        self.offer(now, end);
    }

    /// Stops or goes on taking what arrives.
    pub(crate) fn set_readable(&mut self, now: Instant, end: End, readable: bool) {
        let Some(side) = self.side_mut(end) else { return };
        side.readable = readable;
        let held = if readable { std::mem::take(&mut side.held) } else { VecDeque::new() };
        for parcel in held {
            self.take(now, end, parcel);
        }
    }

    /// Says that nothing more is sent from this end; what comes is still taken.
    pub(crate) fn shut(&mut self, now: Instant, end: End) {
        if let Some(side) = self.side_mut(end)
            && side.state == State::Open
            && !side.has_queued()
        {
            side.state = State::Shut;
            self.end_way(now, end, None);
        }
    }

    /// Ends a stream, for both sides; what has not left is dropped. With an error: breaks it.
    pub(crate) fn close(&mut self, now: Instant, end: End, error: Option<NetError>) {
        let Some(side) = self.side_mut(end) else { return };
        let before = std::mem::replace(&mut side.state, State::Gone);
        side.held.clear();
        side.drop_queued();
        let other = self.side_mut(end.other()).map(|s| &mut s.state);
        match (before, other) {
            // The other host has not heard of it yet, and never will.
            (State::Opening, Some(other @ State::Opening)) => *other = State::Gone,
            (State::Opening | State::Open | State::Shut, Some(State::Open | State::Shut)) => {
                self.end_way(now, end, error);
            }
            _ => {}
        }
        self.sweep(end);
    }

    /// Stops or goes on accepting streams.
    pub(crate) fn set_accepting(&mut self, host: HostId, accepting: bool) {
        let port = &mut self.ports[host.index()];
        port.accepting = accepting;
        let waiting = if accepting { std::mem::take(&mut port.backlog) } else { VecDeque::new() };
        for end in waiting {
            self.accept(end);
        }
    }

    /// Breaks every stream of a host: the others see a reset.
    pub(crate) fn reset_all(&mut self, now: Instant, host: HostId) {
        for end in self.ends_of(host) {
            self.close(now, end, Some(NetError::Reset));
        }
    }

    /// The host is gone without a word: nobody is told, and what comes for it is lost.
    pub(crate) fn switch_off(&mut self, host: HostId) {
        let port = &mut self.ports[host.index()];
        port.on = false;
        port.accepting = true;
        port.ring.clear();
        port.arrived.clear();
        port.backlog.clear();
        port.listening.clear();
        for end in self.ends_of(host) {
            if let Some(side) = self.side_mut(end) {
                side.vanish();
            }
            self.sweep(end);
        }
    }

    /// The ends that a host knows of.
    fn ends_of(&self, host: HostId) -> Vec<End> {
        let all = self.streams.iter().enumerate().flat_map(|(slot, entry)| {
            [0, 1].map(|side| End { slot: slot as u32, generation: entry.generation, side })
        });
        all.filter(|end| self.side(*end).is_some_and(|s| s.host == host && s.state != State::Gone)).collect()
    }

    /// The host is back.
    pub(crate) fn switch_on(&mut self, host: HostId) {
        self.ports[host.index()].on = true;
    }
}

/// What happens on the way.
impl Network {
    /// Something that was planned is due.
    pub(crate) fn handle(&mut self, now: Instant, event: NetEvent) {
        match event {
            NetEvent::Dialled(end) => self.dialled(now, end),
            NetEvent::Answered(end, error) => self.answered(end, error),
            NetEvent::Left(host) => self.left(now, host),
            NetEvent::Arrived(end) => self.arrived(now, end),
            NetEvent::Through(host) => self.through(now, host),
            NetEvent::Acked(end) => {
                if let Some(side) = self.side_mut(end) {
                    side.busy = false;
                }
                self.offer(now, end);
            }
        }
    }

    fn dialled(&mut self, now: Instant, end: End) {
        let theirs = end.other();
        let (Some(from), Some(to)) = (self.side(end), self.side(theirs)) else { return };
        let (from, host, number) = (from.host, to.host, to.addr.port());
        let way = self.way(from, host);
        let port = &mut self.ports[host.index()];
        if !port.on || port.backlog.len() >= BACKLOG {
            self.plan(now + NO_ANSWER, NetEvent::Answered(end, Some(NetError::TimedOut)));
        } else if !port.listening.contains(&number) {
            self.plan(now + way, NetEvent::Answered(end, Some(NetError::Refused)));
        } else {
            if port.accepting {
                self.accept(theirs);
            } else {
                port.backlog.push_back(theirs);
            }
            self.plan(now + way, NetEvent::Answered(end, None));
        }
    }

    fn accept(&mut self, end: End) {
        let Some(remote) = self.side(end.other()).map(|s| s.addr) else { return };
        let Some(side) = self.side_mut(end) else { return };
        side.state = State::Open;
        let (host, port) = (side.host, side.addr.port());
        self.tell(host, end, Noticed::Accepted { remote, port });
    }

    fn answered(&mut self, end: End, error: Option<NetError>) {
        let Some(side) = self.side_mut(end) else { return };
        if side.state != State::Opening {
            return;
        }
        let (host, local) = (side.host, side.addr);
        match error {
            None => {
                side.state = State::Open;
                self.tell(host, end, Noticed::Connected { local });
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
    fn offer(&mut self, now: Instant, end: End) {
        let Some(side) = self.side_mut(end) else { return };
        if side.busy || !side.has_queued() {
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

    fn start_uplink(&mut self, now: Instant, host: HostId) {
        while self.ports[host.index()].up.passing.is_none() {
            let Some(end) = self.ports[host.index()].ring.pop_front() else { return };
            let Some(side) = self.side_mut(end) else { continue };
            let Some(parcel) = side.take_parcel() else {
                side.busy = false;
                continue;
            };
            side.in_flight += parcel.bytes();
            let port = &mut self.ports[host.index()];
            let time = port.up.time(port.link.up, parcel.bytes());
            port.up.passing = Some((end, parcel));
            self.plan(now + time, NetEvent::Left(host));
        }
    }

    fn left(&mut self, now: Instant, host: HostId) {
        let Some((end, parcel)) = self.ports[host.index()].up.passing.take() else { return };
        let on = self.ports[host.index()].on;
        if let Some(side) = self.side_mut(end)
            && on
        {
            side.busy = false;
            let (open, ends, bytes) = (side.state == State::Open, side.ends.take(), parcel.bytes());
            self.fly(now, end, parcel);
            if let Some(error) = ends {
                self.fly(now, end, Parcel::End(error));
            }
            if open {
                self.tell(host, end, Noticed::Sent(bytes));
            }
            self.offer(now, end);
        }
        self.start_uplink(now, host);
    }

    /// Puts a parcel on its way, behind what flies already.
    fn fly(&mut self, now: Instant, end: End, parcel: Parcel) {
        let (Some(from), Some(to)) = (self.side(end), self.side(end.other())) else { return };
        let (from, to) = (from.host, to.host);
        let link = self.ports[from.index()].link;
        let mut way = self.way(from, to) + self.dice.time(link.jitter);
        if self.dice.chance(link.loss_permille) {
            way += 2 * self.way(from, to) + RETRANSMIT;
        }
        let Some(side) = self.side_mut(end) else { return };
        let at = (now + way).max(side.last_arrival);
        side.last_arrival = at;
        side.flying.push_back(parcel);
        self.plan(at, NetEvent::Arrived(end));
    }

    fn arrived(&mut self, now: Instant, end: End) {
        let Some(parcel) = self.side_mut(end).and_then(|s| s.flying.pop_front()) else { return };
        let Some(host) = self.side(end.other()).map(|s| s.host) else { return };
        if self.ports[host.index()].on {
            self.ports[host.index()].arrived.push_back((end, parcel));
            self.start_downlink(now, host);
        }
        self.sweep(end);
    }

    fn start_downlink(&mut self, now: Instant, host: HostId) {
        let port = &mut self.ports[host.index()];
        while port.down.passing.is_none() {
            let Some((end, parcel)) = port.arrived.pop_front() else { return };
            let time = port.down.time(port.link.down, parcel.bytes());
            port.down.passing = Some((end, parcel));
            self.planned.push((now + time, NetEvent::Through(host)));
        }
    }

    fn through(&mut self, now: Instant, host: HostId) {
        if let Some((end, parcel)) = self.ports[host.index()].down.passing.take()
            && self.ports[host.index()].on
        {
            self.take(now, end.other(), parcel);
        }
        self.start_downlink(now, host);
    }

    /// A parcel has come through to the end that it is for.
    fn take(&mut self, now: Instant, end: End, parcel: Parcel) {
        let Some(side) = self.side_mut(end) else { return };
        let host = side.host;
        match side.state {
            State::Open | State::Shut if !side.readable => side.held.push_back(parcel),
            State::Open | State::Shut => match parcel {
                Parcel::Data { slices, bytes } => {
                    self.acknowledge(now, end, bytes);
                    self.tell(host, end, Noticed::Received(slices));
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
    fn acknowledge(&mut self, now: Instant, end: End, bytes: usize) {
        let sender = end.other();
        let (Some(here), Some(there)) = (self.side(end), self.side(sender)) else { return };
        let back = self.way(here.host, there.host);
        if let Some(side) = self.side_mut(sender) {
            side.ack(now + back, bytes);
        }
        self.offer(now, sender);
    }

    /// The last that this end sends.
    fn end_way(&mut self, now: Instant, end: End, error: Option<NetError>) {
        let Some(side) = self.side(end) else { return };
        let passing = &self.ports[side.host.index()].up.passing;
        if passing.as_ref().is_some_and(|(of, _)| *of == end) {
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
        self.ports[from.index()].link.latency + self.ports[to.index()].link.latency
    }

    fn plan(&mut self, at: Instant, event: NetEvent) {
        self.planned.push((at, event));
    }

    fn tell(&mut self, host: HostId, end: End, what: Noticed) {
        self.news.push_back(News { host, end, what });
    }
}

/// The table of streams.
impl Network {
    fn insert(&mut self, stream: Stream) -> End {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.streams.push(Slot::default());
            (self.streams.len() - 1) as u32
        });
        let entry = &mut self.streams[slot as usize];
        entry.stream = Some(stream);
        End { slot, generation: entry.generation, side: 0 }
    }

    fn side(&self, end: End) -> Option<&Side> {
        let slot = self.streams.get(end.slot as usize).filter(|s| s.generation == end.generation)?;
        Some(&slot.stream.as_ref()?.sides[usize::from(end.side)])
    }

    fn side_mut(&mut self, end: End) -> Option<&mut Side> {
        let slot = self.streams.get_mut(end.slot as usize).filter(|s| s.generation == end.generation)?;
        Some(&mut slot.stream.as_mut()?.sides[usize::from(end.side)])
    }

    /// Forgets a stream that neither host knows of any more, once nothing of it is on its way.
    fn sweep(&mut self, end: End) {
        let Some(slot) = self.streams.get_mut(end.slot as usize) else { return };
        let over = |s: &Side| s.state == State::Gone && s.flying.is_empty() && s.ends.is_none();
        if slot.generation == end.generation && slot.stream.as_ref().is_some_and(|s| s.sides.iter().all(over))
        {
            slot.stream = None;
            slot.generation = slot.generation.wrapping_add(1);
            self.free.push(end.slot);
        }
    }
}
