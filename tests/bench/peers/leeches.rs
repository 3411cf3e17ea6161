//! Leechers that ask for one piece after the other, compare what they get, and keep nothing.

use super::{Cast, Crowd, Told};
use crate::bench::content::Content;
use crate::bench::link::{Heard, Link};
use bytes::Bytes;
use mio::{Interest, Registry, Token};
use peerless_core::wire::BlockRange;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc::Sender;
use std::time::Instant;

/// Blocks that each has asked for and not got.
const WINDOW: u64 = 256;

/// Asked for together, as those do who think of their own system calls.
const TOGETHER: u64 = 32;

/// The most that is read at once, in bytes.
const ROOM: usize = 512 << 10;

/// Leechers in one thread.
#[derive(Debug)]
pub(in crate::bench) struct Leeches {
    content: Content,
    all: Vec<Option<Leech>>,
    tell: Sender<Told>,
}

#[derive(Debug)]
struct Leech {
    link: Link,
    unchoked: bool,
    /// The block to ask for next, counted over the whole torrent.
    next: u64,
    /// Blocks to ask for.
    to_ask: u64,
    /// Blocks to get, of those asked for too.
    to_get: u64,
    fault: Option<String>,
}

impl Leeches {
    /// One from each address, each wants so many bytes, and they begin at other places.
    pub(in crate::bench) fn start(
        ips: &[Ipv4Addr],
        to: SocketAddr,
        content: &Content,
        bytes: u64,
    ) -> io::Result<Crowd> {
        Crowd::start(|registry, tell| {
            let blocks = content.blocks();
            let wanted = (bytes / u64::from(content.block_len())).clamp(1, blocks);
            let mut all = Vec::new();
            for (n, ip) in ips.iter().enumerate() {
                let mut link = Link::connect(*ip, to, ROOM)?;
                registry.register(&mut link.stream, Token(n), Interest::READABLE | Interest::WRITABLE)?;
                link.push(content.handshake(n));
                let next = blocks * n as u64 / ips.len() as u64;
                all.push(Some(Leech {
                    link,
                    unchoked: false,
                    next,
                    to_ask: wanted,
                    to_get: wanted,
                    fault: None,
                }));
            }
            Ok(Self { content: content.clone(), all, tell })
        })
    }

    fn go_on(&mut self, at: usize) -> io::Result<bool> {
        let Some(leech) = &mut self.all[at] else { return Ok(false) };
        let Leech { link, unchoked, to_get, fault, .. } = leech;
        let content = &self.content;
        // Not before the other side has shaken hands: aria2 drops whoever does not wait.
        let mut greeted = false;
        link.pull(|heard| match heard {
            Heard::Handshake => greeted = true,
            Heard::Message(0, _) => *unchoked = false,
            Heard::Message(1, _) => *unchoked = true,
            Heard::Message(7, body) => match block(body) {
                Some((range, data)) if content.block(range).is_some_and(|right| right == data) => {
                    *to_get = to_get.saturating_sub(1);
                }
                other => *fault = Some(format!("a wrong block came: {:?}", other.map(|(range, _)| range))),
            },
            _ => {}
        })?;
        if greeted {
            leech.link.push(Bytes::from_static(&[0, 0, 0, 1, 2])); // interested
        }
        if let Some(fault) = leech.fault.take() {
            let _ = self.tell.send(Told::Wrong(fault));
        }
        if leech.to_get == 0 {
            return Ok(true);
        }
        // A choke loses what was asked for; then the same number is asked for, further on.
        if !leech.unchoked {
            leech.to_ask = leech.to_get;
        }
        let mut ask = Vec::new();
        let room = WINDOW.saturating_sub(leech.to_get - leech.to_ask);
        let now = if leech.unchoked && room >= TOGETHER { room.min(leech.to_ask) } else { 0 };
        for _ in 0..now {
            let range = content.nth_block(leech.next % content.blocks());
            ask.extend_from_slice(&[0, 0, 0, 13, 6]);
            [range.index, range.begin, range.len]
                .iter()
                .for_each(|n| ask.extend_from_slice(&n.to_be_bytes()));
            leech.next += 1;
            leech.to_ask -= 1;
        }
        if !ask.is_empty() {
            leech.link.push(ask.into());
        }
        leech.link.flush()?;
        Ok(false)
    }
}

impl Cast for Leeches {
    fn ready(&mut self, _: &Registry, at: usize) -> io::Result<()> {
        match self.go_on(at) {
            Ok(false) => return Ok(()),
            Ok(true) => _ = self.tell.send(Told::Finished),
            Err(e) => _ = self.tell.send(Told::Lost(e.to_string())),
        }
        self.all[at] = None;
        Ok(())
    }

    fn turn(&mut self, _: &Registry, _: Instant) -> io::Result<Option<Instant>> {
        Ok(None)
    }
}

fn block(body: &[u8]) -> Option<(BlockRange, &[u8])> {
    let (index, rest) = body.split_first_chunk()?;
    let (begin, data) = rest.split_first_chunk()?;
    let len = data.len().try_into().ok()?;
    Some((BlockRange { index: u32::from_be_bytes(*index), begin: u32::from_be_bytes(*begin), len }, data))
}
