//! A host's access link: capacity each way, latency, loss; streams share it fairly.

use super::End;
use super::datagram::Datagram;
use super::stream::{PARCEL, Parcel};
use crate::units::{Rate, mbit, millis};
use peerless_core::Duration;
use std::collections::VecDeque;

/// What connects a host with the rest of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Capacity for sending; `None` is without bound.
    pub up: Option<Rate>,
    /// Capacity for receiving; `None` is without bound.
    pub down: Option<Rate>,
    /// Time from the host to the middle of the network. The way to another host takes this and that of the other.
    pub latency: Duration,
    /// Up to so much more, anew for each parcel. A stream stays in order; datagrams overtake one another.
    pub jitter: Duration,
    /// Parcels in 1,000 that are lost on the way out. In a stream they come again, a round trip and a bit later,
    /// and hold up what is behind them; a datagram is gone.
    pub loss_permille: u32,
    /// Datagrams in 1,000 that come twice.
    pub duplicate_permille: u32,
    /// The longest datagram that passes, in bytes of payload, on the way out and on the way in.
    pub mtu: usize,
    /// Streams in 1,000 that break in each second of their life, whatever they do: both sides see a reset.
    pub reset_permille: u32,
    /// Bytes that one stream may have on its way, sent and not acknowledged.
    pub window: usize,
}

impl Default for Link {
    /// A good line: 100 Mbit/s each way, 10 ms to the middle.
    fn default() -> Self {
        Self {
            up: Some(mbit(100)),
            down: Some(mbit(100)),
            latency: millis(10),
            jitter: Duration::ZERO,
            loss_permille: 0,
            duplicate_permille: 0,
            mtu: 1_472,
            reset_permille: 0,
            window: 4 << 20,
        }
    }
}

impl Link {
    /// The same capacity both ways.
    pub fn symmetric(rate: Rate) -> Self {
        Self { up: Some(rate), down: Some(rate), ..Self::default() }
    }

    /// A line that sends at one rate and receives at another.
    pub fn rates(up: Rate, down: Rate) -> Self {
        Self { up: Some(up), down: Some(down), ..Self::default() }
    }

    /// A link that is never the bottleneck.
    pub fn unlimited() -> Self {
        Self { up: None, down: None, ..Self::default() }
    }

    /// With this latency.
    #[must_use]
    pub const fn latency(self, latency: Duration) -> Self {
        Self { latency, ..self }
    }

    /// With this jitter.
    #[must_use]
    pub const fn jitter(self, jitter: Duration) -> Self {
        Self { jitter, ..self }
    }

    /// With this loss.
    #[must_use]
    pub const fn loss_permille(self, loss_permille: u32) -> Self {
        Self { loss_permille, ..self }
    }

    /// On which so many datagrams in 1,000 come twice.
    #[must_use]
    pub const fn duplicate_permille(self, duplicate_permille: u32) -> Self {
        Self { duplicate_permille, ..self }
    }

    /// On which no longer datagram passes.
    #[must_use]
    pub const fn mtu(self, mtu: usize) -> Self {
        Self { mtu, ..self }
    }

    /// On which so many streams in 1,000 break each second.
    #[must_use]
    pub const fn reset_permille(self, reset_permille: u32) -> Self {
        Self { reset_permille, ..self }
    }

    /// With this window for each stream, in bytes.
    #[must_use]
    pub const fn window(self, window: usize) -> Self {
        Self { window, ..self }
    }
}

/// What passes a link at one go.
#[derive(Debug)]
pub(super) enum Load {
    /// Of the stream that is sent from this end.
    Parcel(End, Parcel),
    Datagram(Box<Datagram>),
}

impl Load {
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Parcel(_, parcel) => parcel.bytes(),
            Self::Datagram(datagram) => datagram.bytes(),
        }
    }
}

/// One direction of a link: it passes one load at a time.
#[derive(Debug, Default)]
pub(super) struct Pipe {
    remainder: u64,
    pub(super) passing: Option<Load>,
}

impl Pipe {
    /// How long `bytes` take to pass.
    pub(super) fn time(&mut self, rate: Option<Rate>, bytes: usize) -> Duration {
        rate.map_or(Duration::ZERO, |rate| rate.time(bytes as u64, &mut self.remainder))
    }
}

/// A host's place in the network.
#[derive(Debug)]
pub(super) struct Port {
    pub(super) link: Link,
    /// Whether the host is running.
    pub(super) on: bool,
    /// Whether it takes no part in anything for now.
    pub(super) asleep: bool,
    pub(super) up: Pipe,
    /// The flows that have something to send, each in its turn.
    pub(super) ring: VecDeque<End>,
    /// Datagrams that wait for the uplink, and how long they are together.
    pub(super) mail: VecDeque<Box<Datagram>>,
    pub(super) mail_waiting: usize,
    /// How long the datagrams of this turn were.
    mail_passed: usize,
    pub(super) down: Pipe,
    /// What has arrived at the downlink and waits to pass it.
    pub(super) arrived: VecDeque<Load>,
    /// How long the datagrams among it are.
    pub(super) mail_arrived: usize,
    /// Ports that streams can be opened to.
    pub(super) listening: Vec<u16>,
    pub(super) accepting: bool,
    /// Streams that wait to be accepted.
    pub(super) backlog: VecDeque<End>,
    /// Ports handed out to outgoing streams.
    pub(super) next_port: u16,
}

impl Port {
    pub(super) const fn new(link: Link) -> Self {
        Self {
            link,
            on: true,
            asleep: false,
            up: Pipe { remainder: 0, passing: None },
            ring: VecDeque::new(),
            mail: VecDeque::new(),
            mail_waiting: 0,
            mail_passed: 0,
            down: Pipe { remainder: 0, passing: None },
            arrived: VecDeque::new(),
            mail_arrived: 0,
            listening: Vec::new(),
            accepting: true,
            backlog: VecDeque::new(),
            next_port: FIRST_EPHEMERAL,
        }
    }

    /// The next datagram for the uplink, if it is their turn: they and the streams take turns, a parcel each.
    pub(super) fn next_datagram(&mut self) -> Option<Box<Datagram>> {
        if self.mail.is_empty() || (self.mail_passed >= PARCEL && !self.ring.is_empty()) {
            self.mail_passed = 0;
            return None;
        }
        let datagram = self.mail.pop_front()?;
        self.mail_passed += datagram.bytes();
        self.mail_waiting -= datagram.bytes();
        Some(datagram)
    }

    /// A port for an outgoing stream.
    pub(super) fn ephemeral(&mut self) -> u16 {
        let port = self.next_port;
        self.next_port = port.checked_add(1).unwrap_or(FIRST_EPHEMERAL);
        port
    }
}

const FIRST_EPHEMERAL: u16 = 32_768;
