//! A byte stream between two hosts: in order, with a window, ended by either side.

use super::HostId;
use super::line::Line;
use bytes::Bytes;
use peerless_core::{Instant, NetError};
use std::collections::VecDeque;
use std::net::SocketAddr;

/// Bytes that leave a host at one go, unless a single slice is longer. Slices are not cut below
/// [`LONGEST_SLICE`], so that a block stays whole.
pub(super) const PARCEL: usize = 16 << 10;
const LONGEST_SLICE: usize = 64 << 10;

/// What travels at one go.
#[derive(Debug)]
pub(super) enum Parcel {
    /// Bytes of the stream.
    Data { slices: Slices, bytes: usize },
    /// The sender will send nothing more (`None`), or the stream is broken.
    End(Option<NetError>),
}

/// Bytes as they were sent. Most parcels are one small message, for which there is no list.
#[derive(Clone, Debug)]
pub(crate) struct Slices {
    first: Bytes,
    more: Vec<Bytes>,
}

impl Slices {
    pub(crate) const fn len(&self) -> usize {
        1 + self.more.len()
    }
}

impl IntoIterator for Slices {
    type Item = Bytes;
    type IntoIter = std::iter::Chain<std::iter::Once<Bytes>, std::vec::IntoIter<Bytes>>;

    fn into_iter(self) -> Self::IntoIter {
        std::iter::once(self.first).chain(self.more)
    }
}

impl Parcel {
    pub(super) const fn bytes(&self) -> usize {
        match self {
            Self::Data { bytes, .. } => *bytes,
            Self::End(_) => 0,
        }
    }
}

/// A stream: two ends.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) sides: [Side; 2],
}

/// One end of a stream, and the way from it to the other end.
#[derive(Debug)]
pub(super) struct Side {
    pub(super) host: HostId,
    pub(super) addr: SocketAddr,
    /// Where the other host sees it: somewhere else, if there is a NAT between.
    pub(super) seen: SocketAddr,
    pub(super) state: State,
    /// The host sends nothing more: its half is shut when all that it has sent has left.
    pub(super) shutting: bool,
    /// The host has been told that the other side sends nothing more.
    pub(super) ended: bool,
    /// Whether the host takes what arrives.
    pub(super) readable: bool,
    /// What arrived while the host did not take it.
    pub(super) held: VecDeque<Parcel>,
    /// What the host has sent and the uplink has not taken.
    queue: Line<Bytes>,
    pub(super) flying: Line<Parcel>,
    /// The last of it arrives then; nothing overtakes it.
    pub(super) last_arrival: Instant,
    /// Bytes between the uplink and the other host.
    pub(super) in_flight: usize,
    /// Bytes that the other host has taken, and when this end learns of it.
    acks: Line<(Instant, usize)>,
    /// It is in its host's ring, or its parcel is passing the uplink, or it waits for an acknowledgement.
    pub(super) busy: bool,
    /// The end comes as soon as the parcel that is passing has left.
    pub(super) ends: Option<Option<NetError>>,
    /// What flies from here does not get there at the moment.
    pub(super) stall: Option<Stall>,
    /// Whether the seconds of the stream's life are counted on this side, for it may break in any of them.
    pub(super) counted: bool,
}

/// See [`Side::stall`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Stall {
    pub(super) since: Instant,
    /// How often it was tried again.
    pub(super) tries: u32,
    /// Parcels that would be there by now.
    pub(super) owed: u32,
}

/// How far an end is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Not known to its host yet.
    Opening,
    /// Open both ways, as far as this host knows.
    Open,
    /// This host has said that it sends nothing more, and still takes what comes.
    Shut,
    /// Nothing is told to the host any more.
    Gone,
}

impl Side {
    pub(super) const fn new(host: HostId, addr: SocketAddr) -> Self {
        Self {
            host,
            addr,
            seen: addr,
            state: State::Opening,
            shutting: false,
            ended: false,
            readable: true,
            held: VecDeque::new(),
            queue: Line::new(),
            flying: Line::new(),
            last_arrival: Instant::ZERO,
            in_flight: 0,
            acks: Line::new(),
            busy: false,
            ends: None,
            stall: None,
            counted: false,
        }
    }

    /// The host sends more.
    pub(super) fn push(&mut self, data: Bytes) {
        if !data.is_empty() && self.state == State::Open && !self.shutting {
            self.queue.push_back(data);
        }
    }

    /// Whether anything waits to be sent.
    pub(super) fn has_queued(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Forgets what has not left.
    pub(super) fn drop_queued(&mut self) {
        self.queue.clear();
    }

    /// The host is gone, and so is all that it had not handed to the network.
    pub(super) fn vanish(&mut self) {
        self.state = State::Gone;
        self.queue.clear();
        self.held.clear();
        self.flying.clear();
        self.stall = None;
    }

    /// The next parcel for the uplink.
    pub(super) fn take_parcel(&mut self) -> Option<Parcel> {
        let first = self.take_slice()?;
        let (mut bytes, mut more) = (first.len(), Vec::new());
        while bytes < PARCEL
            && let Some(slice) = self.take_slice()
        {
            bytes += slice.len();
            more.push(slice);
        }
        Some(Parcel::Data { slices: Slices { first, more }, bytes })
    }

    fn take_slice(&mut self) -> Option<Bytes> {
        let mut slice = self.queue.pop_front()?;
        if slice.len() > LONGEST_SLICE {
            self.queue.push_front(slice.split_off(LONGEST_SLICE));
        }
        Some(slice)
    }

    /// The other host has taken bytes; this end learns of it at `at`.
    pub(super) fn ack(&mut self, at: Instant, bytes: usize) {
        self.acks.push_back((at, bytes));
    }

    /// Counts what has been acknowledged by `now`. Whether the window has room then; if not, when that may change
    /// (`None`: not before something is taken).
    pub(super) fn has_window(&mut self, now: Instant, window: usize) -> Result<(), Option<Instant>> {
        while let Some((at, bytes)) = self.acks.front().copied()
            && at <= now
        {
            self.acks.pop_front();
            self.in_flight = self.in_flight.saturating_sub(bytes);
        }
        if self.in_flight < window {
            return Ok(());
        }
        Err(self.acks.front().map(|(at, _)| *at))
    }
}
