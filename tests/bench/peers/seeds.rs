//! Seeds that have everything and serve whatever they are asked for, at once or at a pace.

use super::{Cast, Crowd, Told};
use crate::bench::content::Content;
use crate::bench::link::{Heard, Link};
use bytes::Bytes;
use mio::net::TcpListener;
use mio::{Interest, Registry, Token};
use peerless_core::wire::{BlockRange, piece_header};
use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

/// Bytes that wait in one connection before more are handed to it.
const AHEAD: usize = 1 << 20;

/// What a rate of bytes lets out at once after a pause, in seconds.
const BURST: f64 = 0.02;

/// How seeds serve.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::bench) struct Pace {
    /// Bytes a second of each; `None`: all that the machine gives.
    pub(in crate::bench) rate: Option<f64>,
    /// The time between a request and its answer.
    pub(in crate::bench) delay: Duration,
    /// Tells [`Told::Served`] after so many bytes of all together.
    pub(in crate::bench) tell_after: Option<u64>,
}

/// Seeds in one thread.
#[derive(Debug)]
pub(in crate::bench) struct Seeds {
    content: Content,
    pace: Pace,
    hosts: Vec<Host>,
    guests: Vec<Option<Guest>>,
    /// Guests with something to do, by their place.
    busy: BTreeSet<usize>,
    requested: bool,
    served: u64,
    tell: Sender<Told>,
}

#[derive(Debug)]
struct Host {
    listener: TcpListener,
    /// Bytes that may be sent now, where there is a rate; and the moment they were counted.
    allowed: f64,
    counted: Instant,
}

#[derive(Debug)]
struct Guest {
    link: Link,
    host: usize,
    /// What it asked for, and when that may be answered.
    wanted: VecDeque<(Instant, BlockRange)>,
}

/// What a guest waits for.
enum Waits {
    /// Something from the network.
    Network,
    Until(Instant),
}

impl Seeds {
    /// One at each address; returns where they listen.
    pub(in crate::bench) fn start(
        ips: impl IntoIterator<Item = Ipv4Addr>,
        content: &Content,
        pace: Pace,
    ) -> io::Result<(Crowd, Vec<SocketAddr>)> {
        let mut addrs = Vec::new();
        let crowd = Crowd::start(|registry, tell| {
            let mut hosts = Vec::new();
            for ip in ips {
                let mut listener = TcpListener::bind((ip, 0).into())?;
                addrs.push(listener.local_addr()?);
                registry.register(&mut listener, Token(hosts.len()), Interest::READABLE)?;
                hosts.push(Host { listener, allowed: 0.0, counted: Instant::now() });
            }
            let (guests, busy) = (Vec::new(), BTreeSet::new());
            Ok(Self {
                content: content.clone(),
                pace,
                hosts,
                guests,
                busy,
                requested: false,
                served: 0,
                tell,
            })
        })?;
        Ok((crowd, addrs))
    }

    fn accept(&mut self, registry: &Registry, host: usize) -> io::Result<()> {
        loop {
            let mut stream = match self.hosts[host].listener.accept() {
                Ok((stream, _)) => stream,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(e) => return Err(e),
            };
            let token = Token(self.hosts.len() + self.guests.len());
            registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
            let link = Link::new(stream, 16 << 10);
            self.guests.push(Some(Guest { link, host, wanted: VecDeque::new() }));
        }
    }

    /// Hears what a guest wants.
    fn hear(&mut self, at: usize) -> io::Result<()> {
        let Some(guest) = &mut self.guests[at] else { return Ok(()) };
        let (wanted, now) = (&mut guest.wanted, Instant::now());
        let due = now + self.pace.delay;
        let mut greeted = false;
        guest.link.pull(|heard| match heard {
            Heard::Handshake => greeted = true,
            Heard::Message(6, body) => wanted.extend(range(body).map(|range| (due, range))),
            Heard::Message(8, body) => wanted.retain(|(_, wanted)| Some(*wanted) != range(body)),
            _ => {}
        })?;
        if greeted {
            guest.link.push(self.content.handshake(guest.host));
            guest.link.push(self.content.everything());
            guest.link.push(Bytes::from_static(&[0, 0, 0, 1, 1])); // unchoke
        }
        if !self.requested && !guest.wanted.is_empty() {
            self.requested = true;
            let _ = self.tell.send(Told::Requested(now));
        }
        Ok(())
    }

    /// Serves a guest as far as pace and network let it.
    fn serve(&mut self, at: usize, now: Instant) -> io::Result<Waits> {
        let Some(guest) = &mut self.guests[at] else { return Ok(Waits::Network) };
        let host = &mut self.hosts[guest.host];
        if let Some(rate) = self.pace.rate {
            let earned = rate * now.saturating_duration_since(host.counted).as_secs_f64();
            host.allowed = (host.allowed + earned).min(rate * BURST);
            host.counted = now;
        }
        let mut waits = Waits::Network;
        while let Some((due, range)) = guest.wanted.front().copied() {
            if due > now {
                waits = Waits::Until(due);
                break;
            }
            // Below zero by less than a block: so a rate is met whatever the block's length.
            if let Some(rate) = self.pace.rate
                && host.allowed < 0.0
            {
                waits = Waits::Until(now + Duration::from_secs_f64(-host.allowed / rate));
                break;
            }
            if guest.link.queued() >= AHEAD {
                guest.link.flush()?;
                if guest.link.queued() >= AHEAD {
                    return Ok(Waits::Network);
                }
            }
            let Some(block) = self.content.block(range) else {
                return Err(io::Error::other(format!("asked for {range:?}, which is not there")));
            };
            guest.wanted.pop_front();
            guest.link.push(Bytes::copy_from_slice(&piece_header(range.index, range.begin, range.len)));
            guest.link.push(block);
            host.allowed -= f64::from(range.len);
            let before = self.served;
            self.served += u64::from(range.len);
            if self.pace.tell_after.is_some_and(|after| before < after && self.served >= after) {
                let _ = self.tell.send(Told::Served);
            }
        }
        guest.link.flush()?;
        Ok(waits)
    }
}

impl Cast for Seeds {
    fn ready(&mut self, registry: &Registry, at: usize) -> io::Result<()> {
        let Some(at) = at.checked_sub(self.hosts.len()) else { return self.accept(registry, at) };
        match self.hear(at) {
            Ok(()) => _ = self.busy.insert(at),
            // Whoever leaves has a reason.
            Err(_) => self.guests[at] = None,
        }
        Ok(())
    }

    fn turn(&mut self, _: &Registry, now: Instant) -> io::Result<Option<Instant>> {
        let mut next: Option<Instant> = None;
        for at in std::mem::take(&mut self.busy) {
            match self.serve(at, now) {
                Ok(Waits::Network) => {}
                Ok(Waits::Until(due)) => {
                    self.busy.insert(at);
                    next = Some(next.map_or(due, |next| next.min(due)));
                }
                Err(e) if e.kind() == io::ErrorKind::Other => {
                    let _ = self.tell.send(Told::Wrong(e.to_string()));
                }
                Err(_) => self.guests[at] = None,
            }
        }
        Ok(next)
    }
}

fn range(body: &[u8]) -> Option<BlockRange> {
    let number = |at: usize| Some(u32::from_be_bytes(*body.get(at..)?.first_chunk()?));
    Some(BlockRange { index: number(0)?, begin: number(4)?, len: number(8)? })
}
