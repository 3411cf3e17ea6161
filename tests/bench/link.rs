//! One connection of our peers: no more of the protocol than it takes, so that it costs little.

use bytes::{Buf, Bytes};
use mio::net::TcpStream;
use peerless_core::wire::HANDSHAKE_LEN;
use socket2::{Domain, Socket, Type};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};

/// How many slices one system call takes.
const SLICES: usize = 64;

/// What every handshake begins with.
const PROTOCOL: &[u8] = b"\x13BitTorrent protocol";

/// A message longer than this is a mistake of the other side, or of ours.
const MAX_MESSAGE: usize = 1 << 20;

/// A connection that never blocks.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) stream: TcpStream,
    inbox: Vec<u8>,
    /// What of `inbox` was received and not yet taken.
    filled: std::ops::Range<usize>,
    shaken: bool,
    out: VecDeque<Bytes>,
    queued: usize,
}

/// What was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard<'a> {
    Handshake,
    /// The id of a message, and what follows it.
    Message(u8, &'a [u8]),
}

impl Link {
    /// `room` is how much is read at once, in bytes.
    pub(super) fn new(stream: TcpStream, room: usize) -> Self {
        // That small messages then take longer is no reason to stop.
        let _ = stream.set_nodelay(true);
        Self { stream, inbox: vec![0; room], filled: 0..0, shaken: false, out: VecDeque::new(), queued: 0 }
    }

    /// Begins to connect from an address.
    pub(super) fn connect(from: Ipv4Addr, to: SocketAddr, room: usize) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        socket.bind(&SocketAddr::from((from, 0)).into())?;
        match socket.connect(&to.into()) {
            Err(e) if e.raw_os_error() != Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {
                return Err(e);
            }
            _ => {}
        }
        Ok(Self::new(TcpStream::from_std(socket.into()), room))
    }

    /// Bytes that wait to be sent.
    pub(super) const fn queued(&self) -> usize {
        self.queued
    }

    /// Sends these bytes as soon as [`flush`](Self::flush) is called and there is room.
    pub(super) fn push(&mut self, data: Bytes) {
        self.queued += data.len();
        self.out.push_back(data);
    }

    /// Sends until there is nothing more to send, or no room.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        while !self.out.is_empty() {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let count =
                self.out.iter().zip(&mut slices).map(|(data, slice)| *slice = IoSlice::new(data)).count();
            match self.stream.write_vectored(&slices[..count]) {
                Ok(sent) => self.forget(sent),
                Err(e) if would_block(&e) => return Ok(()),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    fn forget(&mut self, mut sent: usize) {
        self.queued -= sent;
        while let Some(first) = self.out.front_mut() {
            if sent < first.len() {
                first.advance(sent);
                return;
            }
            sent -= first.len();
            self.out.pop_front();
        }
    }

    /// Reads all that is there, and tells of all that is whole.
    pub(super) fn pull(&mut self, mut hear: impl FnMut(Heard<'_>)) -> io::Result<()> {
        loop {
            self.make_room()?;
            match self.stream.read(&mut self.inbox[self.filled.end..]) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(n) => self.filled.end += n,
                Err(e) if would_block(&e) => return Ok(()),
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            }
            if !self.shaken && !is_ours(&self.inbox[self.filled.clone()]) {
                return Err(ErrorKind::InvalidData.into());
            }
            while let Some((heard, used)) = parse(&self.inbox[self.filled.clone()], self.shaken) {
                self.shaken = true;
                if let Some(heard) = heard {
                    hear(heard);
                }
                self.filled.start += used;
            }
        }
    }

    fn make_room(&mut self) -> io::Result<()> {
        if self.filled.is_empty() {
            self.filled = 0..0;
        } else if self.filled.end == self.inbox.len() {
            self.inbox.copy_within(self.filled.clone(), 0);
            self.filled = 0..self.filled.len();
            if self.filled.end == self.inbox.len() {
                if self.inbox.len() >= MAX_MESSAGE {
                    return Err(ErrorKind::InvalidData.into());
                }
                self.inbox.resize(self.inbox.len() * 2, 0);
            }
        }
        Ok(())
    }
}

/// The first message, if all of it is there, and its length; a message that says nothing is none.
fn parse(bytes: &[u8], shaken: bool) -> Option<(Option<Heard<'_>>, usize)> {
    if !shaken {
        return bytes.get(..HANDSHAKE_LEN).map(|_| (Some(Heard::Handshake), HANDSHAKE_LEN));
    }
    let (length, rest) = bytes.split_first_chunk()?;
    let length = u32::from_be_bytes(*length) as usize;
    let message = rest.get(..length)?;
    Some((message.split_first().map(|(id, body)| Heard::Message(*id, body)), 4 + length))
}

/// Whether this may become a handshake. Others begin with the keys of an encrypted connection, and without one if
/// the first is closed.
fn is_ours(bytes: &[u8]) -> bool {
    bytes.iter().zip(PROTOCOL).all(|(a, b)| a == b)
}

fn would_block(e: &io::Error) -> bool {
    // A connection that is still being made.
    matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deadline::{Deadline, wait_until};

    #[test]
    fn only_what_is_whole_is_heard() {
        assert_eq!(parse(&[19; HANDSHAKE_LEN - 1], false), None);
        assert_eq!(parse(&[19; HANDSHAKE_LEN], false), Some((Some(Heard::Handshake), HANDSHAKE_LEN)));
        let have = [0, 0, 0, 5, 4, 0, 0, 0, 9, 0];
        assert_eq!(parse(&have[..8], true), None);
        assert_eq!(parse(&have, true), Some((Some(Heard::Message(4, &[0, 0, 0, 9])), 9)));
        assert_eq!(parse(&[0, 0, 0, 0, 1], true), Some((None, 4)));
        assert!(is_ours(b"\x13Bit") && !is_ours(b"\x13But"));
    }

    #[test]
    fn a_message_larger_than_the_room_arrives_whole() {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut ours = Link::connect(Ipv4Addr::LOCALHOST, listener.local_addr().unwrap(), 16).unwrap();
        let (theirs, _) = listener.accept().unwrap();
        theirs.set_nonblocking(true).unwrap();
        let mut theirs = Link::new(TcpStream::from_std(theirs), 16);
        ours.push(Bytes::from_static(PROTOCOL));
        ours.push(Bytes::from(vec![0; HANDSHAKE_LEN - PROTOCOL.len()]));
        for length in [1_001_u32, 2] {
            ours.push(Bytes::copy_from_slice(&length.to_be_bytes()));
            ours.push(Bytes::from(vec![7; length as usize]));
        }
        let mut heard = Vec::new();
        let all = wait_until(Deadline::seconds(60), || {
            ours.flush().unwrap();
            let hear = |h: Heard<'_>| match h {
                Heard::Message(id, body) => heard.push((id, body.len())),
                Heard::Handshake => heard.push((0, 0)),
            };
            theirs.pull(hear).unwrap();
            (heard.len() == 3).then_some(())
        });
        assert_eq!((all, ours.queued()), (Some(()), 0));
        assert_eq!(heard, [(0, 0), (7, 1_000), (7, 1)]);
        drop(ours);
        let gone = wait_until(Deadline::seconds(60), || theirs.pull(|_| {}).err());
        assert_eq!(gone.unwrap().kind(), ErrorKind::UnexpectedEof);
    }
}
