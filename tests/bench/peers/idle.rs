//! Peers that connect, have nothing, want nothing and stay; told to, each tells of a piece once a second.

use super::{Cast, Crowd, Order, Told};
use crate::bench::content::Content;
use crate::bench::link::{Heard, Link};
use bytes::Bytes;
use mio::{Interest, Registry, Token};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

/// How many connections are being made at once. A listener keeps no more than five for later, in the case of
/// libtorrent, and those that come on top try again only after a second.
const AT_ONCE: usize = 4;

/// How often some of them tell of a piece.
const TICK: Duration = Duration::from_millis(10);
const TICKS: usize = 100;

/// Idle peers in one thread.
#[derive(Debug)]
pub(in crate::bench) struct Idle {
    content: Content,
    ips: Vec<Ipv4Addr>,
    to: SocketAddr,
    all: Vec<Option<Peer>>,
    connecting: usize,
    /// When the next ones tell of a piece; and how often that was.
    next: Option<Instant>,
    ticks: usize,
    tell: Sender<Told>,
}

#[derive(Debug)]
struct Peer {
    link: Link,
    shaken: bool,
}

impl Idle {
    /// One from each address.
    pub(in crate::bench) fn start(
        ips: Vec<Ipv4Addr>,
        to: SocketAddr,
        content: &Content,
    ) -> io::Result<Crowd> {
        let content = content.clone();
        Crowd::start(|_, tell| {
            Ok(Self { content, ips, to, all: Vec::new(), connecting: 0, next: None, ticks: 0, tell })
        })
    }

    fn connect_more(&mut self, registry: &Registry) -> io::Result<()> {
        while self.connecting < AT_ONCE && self.all.len() < self.ips.len() {
            let at = self.all.len();
            let mut link = Link::connect(self.ips[at], self.to, 128)?;
            registry.register(&mut link.stream, Token(at), Interest::READABLE | Interest::WRITABLE)?;
            link.push(self.content.handshake(at));
            self.all.push(Some(Peer { link, shaken: false }));
            self.connecting += 1;
        }
        Ok(())
    }

    /// A hundredth of them tell of a piece; in the end each of all, unless there are more seconds than pieces.
    fn tell_of_pieces(&mut self) {
        let second = (self.ticks / TICKS) as u32;
        for at in (self.ticks % TICKS..self.all.len()).step_by(TICKS) {
            let Some(peer) = &mut self.all[at] else { continue };
            let piece = (at as u32).wrapping_mul(0x9e37).wrapping_add(second) % self.content.pieces;
            let mut have = [0, 0, 0, 5, 4, 0, 0, 0, 0];
            have[5..].copy_from_slice(&piece.to_be_bytes());
            peer.link.push(Bytes::copy_from_slice(&have));
            if peer.shaken && peer.link.flush().is_err() {
                self.lose(at, "cannot send");
            }
        }
        self.ticks += 1;
    }

    fn lose(&mut self, at: usize, why: &str) {
        if self.all[at].take().is_some_and(|peer| !peer.shaken) {
            self.connecting -= 1;
        }
        let _ = self.tell.send(Told::Lost(why.into()));
    }
}

impl Cast for Idle {
    fn ready(&mut self, _: &Registry, at: usize) -> io::Result<()> {
        let Some(peer) = &mut self.all[at] else { return Ok(()) };
        let mut shaken = false;
        let went_well =
            peer.link.flush().and_then(|()| peer.link.pull(|heard| shaken |= heard == Heard::Handshake));
        if shaken {
            peer.shaken = true;
            self.connecting -= 1;
            let _ = self.tell.send(Told::Connected);
        }
        if let Err(e) = went_well {
            self.lose(at, &e.to_string());
        }
        Ok(())
    }

    fn obey(&mut self, order: Order) {
        if order == Order::Have {
            self.next = Some(Instant::now());
        }
    }

    fn turn(&mut self, registry: &Registry, now: Instant) -> io::Result<Option<Instant>> {
        self.connect_more(registry)?;
        while let Some(due) = self.next.filter(|due| *due <= now) {
            self.tell_of_pieces();
            self.next = Some(due + TICK);
        }
        Ok(self.next)
    }
}
