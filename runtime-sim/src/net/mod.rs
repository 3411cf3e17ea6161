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

mod datagram;
mod flow;
mod line;
mod link;
mod route;
mod site;
mod stream;
#[cfg(test)]
mod tests;
mod trouble;

pub(crate) use datagram::{Mail, from_port};
pub use link::Link;
pub use route::{PartitionId, Path};
pub use site::{Gate, SiteId};

use crate::dice::Dice;
use crate::struck::Struck;
use bytes::Bytes;
use datagram::Datagram;
use link::Port;
use peerless_core::{Duration, Instant, NetError};
pub(crate) use route::Routes;
use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use stream::{Side, Slices, State, Stream};

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
    /// The request to open a stream reaches the host that it is for; it was sent so many times before.
    Dialled(End, u32),
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
    /// A datagram is there.
    Datagram(Box<Datagram>),
    /// What flies from this end and did not get there is tried again.
    Again(End),
    /// A second in the life of a stream that may break at any time.
    Second(End),
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
    Connected {
        local: SocketAddr,
    },
    ConnectFailed(NetError),
    Accepted {
        remote: SocketAddr,
        port: u16,
    },
    Received(Slices),
    Sent(usize),
    /// The other side sends nothing more, and still takes what comes.
    Ended,
    Closed(Option<NetError>),
}

/// Nobody answers: the opener gives up after so long.
const NO_ANSWER: Duration = Duration::from_secs(60);

/// See the module.
#[derive(Debug)]
pub(crate) struct Network {
    ports: Vec<Port>,
    streams: Vec<Slot>,
    free: Vec<u32>,
    routes: Routes,
    dice: Dice,
    /// What happens later, for the queue.
    pub(crate) planned: Vec<(Instant, NetEvent)>,
    /// What hosts notice now.
    pub(crate) news: VecDeque<News>,
    /// Datagrams that have come.
    pub(crate) mail: VecDeque<Mail>,
    /// What went wrong on the way.
    pub(crate) struck: Struck,
}

#[derive(Debug, Default)]
struct Slot {
    generation: u32,
    stream: Option<Stream>,
}

/// What hosts do.
impl Network {
    pub(crate) fn new(dice: Dice) -> Self {
        Self {
            ports: Vec::new(),
            streams: Vec::new(),
            free: Vec::new(),
            routes: Routes::default(),
            dice,
            planned: Vec::new(),
            news: VecDeque::new(),
            mail: VecDeque::new(),
            struck: Struck::default(),
        }
    }

    /// Adds a place with a network of its own.
    pub(crate) fn add_site(&mut self, gate: Gate) -> SiteId {
        self.routes.add_site(gate)
    }

    /// Adds a host at a place; `None`: by itself. Hosts are numbered in order.
    pub(crate) fn add(&mut self, site: Option<SiteId>, link: Link) -> HostId {
        let host = HostId(u32::try_from(self.ports.len()).expect("fewer than 2^32 hosts fit into memory"));
        self.ports.push(Port::new(link));
        self.routes.add(site);
        host
    }

    /// How an address and port of a host look to somebody at `by`; `None`: to the world.
    pub(crate) fn seen(&self, host: HostId, addr: SocketAddr, by: Option<IpAddr>) -> SocketAddr {
        self.routes.seen(host, addr, by)
    }

    /// Where everybody is.
    pub(crate) const fn routes(&mut self) -> &mut Routes {
        &mut self.routes
    }

    /// Streams to this port of the host can be opened from now on.
    pub(crate) fn listen(&mut self, host: HostId, port: u16) {
        self.ports[host.index()].listening.push(port);
    }

    /// The link of a host changes. What is on its way stays on its way.
    pub(crate) fn set_link(&mut self, now: Instant, host: HostId, link: Link) {
        self.ports[host.index()].link = link;
        if link.reset_permille > 0 {
            self.begin_all_seconds(now, host);
        }
    }

    pub(crate) fn link(&self, host: HostId) -> Link {
        self.ports[host.index()].link
    }

    /// Opens a stream from this address; `None`: the host has none of the family that is needed.
    pub(crate) fn connect(
        &mut self,
        now: Instant,
        from: HostId,
        local: Option<IpAddr>,
        remote: SocketAddr,
    ) -> End {
        let number = self.ports[from.index()].ephemeral();
        let to = self.routes.leads_to(from, remote);
        let addr = SocketAddr::new(local.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)), number);
        let mut near = Side::new(from, addr);
        near.seen = self.routes.seen(from, addr, Some(remote.ip()));
        let end = self.insert(Stream { sides: [near, Side::new(to.unwrap_or(from), remote)] });
        match to {
            _ if local.is_none() => self.plan(now, NetEvent::Answered(end, Some(NetError::Unreachable))),
            Some(to) => self.plan(now + self.way(from, to), NetEvent::Dialled(end, 0)),
            None => {
                self.struck.add("shut_out", u64::from(self.routes.near(remote).is_some()));
                self.plan(now + NO_ANSWER, NetEvent::Answered(end, Some(NetError::TimedOut)));
            }
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

    /// Says that nothing more is sent from this end; what comes is still taken. The other side hears of it behind all
    /// that was sent before, and not before the stream is open.
    pub(crate) fn shut(&mut self, now: Instant, end: End) {
        if let Some(side) = self.side_mut(end) {
            side.shutting = true;
            self.shut_drained(now, end);
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
    pub(crate) fn set_accepting(&mut self, now: Instant, host: HostId, accepting: bool) {
        let port = &mut self.ports[host.index()];
        port.accepting = accepting;
        let waiting = if accepting { std::mem::take(&mut port.backlog) } else { VecDeque::new() };
        for end in waiting {
            self.accept(now, end);
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
        port.asleep = false;
        port.accepting = true;
        port.ring.clear();
        port.mail.clear();
        port.mail_waiting = 0;
        port.arrived.clear();
        port.mail_arrived = 0;
        port.backlog.clear();
        port.listening.clear();
        self.routes.groups.leave_all(host);
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
