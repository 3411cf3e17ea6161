//! A seed that follows a script: honest, or rude in one way.

use crate::torrent::Torrent;
use bytes::{Bytes, BytesMut};
use peerless_core::wire::{
    BlockRange, Decoder, Features, Handshake, HandshakeDecoder, Message, piece_header,
};
use peerless_core::{Bitfield, PeerId, PieceIndex};
use std::collections::{BTreeSet, VecDeque};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How a scripted seed behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// As a seed should.
    Honest,
    /// As a seed should, but has only the first so many pieces.
    HasFirst(u32),
    /// As a seed should, but takes so much time for each block.
    Slow(Duration),
    /// One bit in one block of so many is wrong, and each takes so much time.
    CorruptsOneIn(u64, Duration),
    /// Has everything and lets nobody download it.
    ChokesForEver,
    /// Lets others download, and answers no request.
    NeverServes,
    /// Sends blocks byte by byte with so much time between.
    Trickles(Duration),
    /// Serves, and after each block sends one that nobody asked for.
    SendsUnasked,
    /// Closes in the middle of every so many-th block.
    DropsInEvery(u64),
    /// Takes so much time for each block, corrupts the first, and when it is asked for a block once more it
    /// closes and accepts nobody again.
    LiesThenVanishes(Duration),
}

/// A running scripted seed, which has the whole torrent and speaks plain BEP 3. It lives until its test ends.
#[derive(Debug)]
pub struct ScriptPeer {
    /// Where it listens.
    pub addr: SocketAddr,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    connections: AtomicU64,
    requests: AtomicU64,
    blocks: AtomicU64,
    corrupt: AtomicU64,
    vanished: AtomicBool,
    sent: Mutex<BTreeSet<BlockRange>>,
}

impl ScriptPeer {
    /// Starts a seed of `torrent` at `addr`; with port 0 at any port.
    ///
    /// # Panics
    /// When the address is taken.
    pub fn seed(addr: impl Into<SocketAddr>, torrent: &Torrent, manner: Manner) -> Self {
        let addr = addr.into();
        let listener = TcpListener::bind(addr).unwrap_or_else(|e| panic!("cannot listen at {addr}: {e}"));
        let addr = listener.local_addr().expect("bound");
        let counts = Arc::new(Counts::default());
        let (torrent, shared) = (Arc::new(torrent.clone()), Arc::clone(&counts));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                shared.connections.fetch_add(1, Ordering::Relaxed);
                let (torrent, counts) = (Arc::clone(&torrent), Arc::clone(&shared));
                // The end of a connection, whoever wanted it, is no news.
                std::thread::spawn(move || Conversation::begin(stream, &torrent, &counts, manner));
            }
        });
        Self { addr, counts }
    }

    /// Connections that were made to it.
    pub fn connections(&self) -> u64 {
        self.counts.connections.load(Ordering::Relaxed)
    }

    /// Requests that it was sent.
    pub fn requests(&self) -> u64 {
        self.counts.requests.load(Ordering::Relaxed)
    }

    /// Blocks that it sent in answer to requests, the corrupt ones among them.
    pub fn blocks(&self) -> u64 {
        self.counts.blocks.load(Ordering::Relaxed)
    }

    /// Blocks that it corrupted.
    pub fn corrupt(&self) -> u64 {
        self.counts.corrupt.load(Ordering::Relaxed)
    }
}

/// One connection of a scripted seed.
struct Conversation<'a> {
    stream: TcpStream,
    decoder: Decoder,
    torrent: &'a Torrent,
    counts: &'a Counts,
    manner: Manner,
    wanted: VecDeque<BlockRange>,
}

impl<'a> Conversation<'a> {
    fn begin(
        mut stream: TcpStream,
        torrent: &'a Torrent,
        counts: &'a Counts,
        manner: Manner,
    ) -> io::Result<()> {
        if counts.vanished.load(Ordering::Relaxed) {
            return Ok(());
        }
        stream.set_nodelay(true)?;
        let ours = Handshake {
            info_hash: torrent.info_hash,
            peer_id: PeerId(*b"-XX0001-scriptedseed"),
            features: Features::default(),
        };
        stream.write_all(&ours.encode())?;
        let mut handshake = HandshakeDecoder::new();
        let (_, rest) = loop {
            let data = read(&mut stream)?;
            if let Some(done) = handshake.push(data).map_err(io::Error::other)? {
                break done;
            }
        };
        let mut decoder = Decoder::new(torrent.payload.num_pieces(), Features::default());
        decoder.push(rest);
        Self { stream, decoder, torrent, counts, manner, wanted: VecDeque::new() }.converse()
    }

    fn converse(&mut self) -> io::Result<()> {
        self.send(&Message::Bitfield(self.pieces().to_wire()))?;
        if self.manner != Manner::ChokesForEver {
            self.send(&Message::Unchoke)?;
        }
        self.hear_all()?;
        let serves = !matches!(self.manner, Manner::NeverServes | Manner::ChokesForEver);
        loop {
            // Between two blocks, so that a cancel which has come meanwhile counts.
            let idle = self.wanted.is_empty() || !serves;
            if idle || self.has_input()? {
                let data = read(&mut self.stream)?;
                self.decoder.push(data);
                self.hear_all()?;
            }
            if serves && let Some(block) = self.wanted.pop_front() {
                self.serve(block)?;
            }
        }
    }

    /// The pieces that it says it has.
    fn pieces(&self) -> Bitfield {
        let total = self.torrent.payload.num_pieces();
        let Manner::HasFirst(some) = self.manner else { return Bitfield::full(total) };
        let mut has = Bitfield::new(total);
        for piece in 0..some {
            has.insert(PieceIndex::new(piece));
        }
        has
    }

    fn hear_all(&mut self) -> io::Result<()> {
        while let Some(message) = self.decoder.next().map_err(io::Error::other)? {
            match message {
                Message::Request(range) => {
                    self.counts.requests.fetch_add(1, Ordering::Relaxed);
                    self.wanted.push_back(range);
                }
                Message::Cancel(range) => self.wanted.retain(|wanted| *wanted != range),
                _ => {}
            }
        }
        Ok(())
    }

    fn serve(&mut self, range: BlockRange) -> io::Result<()> {
        let again = !self.counts.sent.lock().unwrap().insert(range);
        if again && matches!(self.manner, Manner::LiesThenVanishes(_)) {
            self.counts.vanished.store(true, Ordering::Relaxed);
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        let nth = self.counts.blocks.fetch_add(1, Ordering::Relaxed) + 1;
        let mut block = self.block(range);
        match self.manner {
            Manner::CorruptsOneIn(n, _) if nth.is_multiple_of(n) => self.corrupt(&mut block),
            Manner::LiesThenVanishes(_) if nth == 1 => self.corrupt(&mut block),
            _ => {}
        }
        if let Manner::Slow(pause) | Manner::CorruptsOneIn(_, pause) | Manner::LiesThenVanishes(pause) =
            self.manner
        {
            std::thread::sleep(pause);
        }
        self.stream.write_all(&piece_header(range.index, range.begin, range.len))?;
        match self.manner {
            Manner::DropsInEvery(n) if nth.is_multiple_of(n) => {
                self.stream.write_all(&block[..block.len() / 2])?;
                self.stream.shutdown(Shutdown::Both)?;
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            Manner::Trickles(pause) => {
                for byte in block {
                    std::thread::sleep(pause);
                    self.stream.write_all(&[byte])?;
                }
            }
            _ => self.stream.write_all(&block)?,
        }
        if self.manner == Manner::SendsUnasked {
            let unasked = BlockRange { index: 0, begin: 0, len: range.len };
            self.stream.write_all(&piece_header(unasked.index, unasked.begin, unasked.len))?;
            self.stream.write_all(&vec![0xee; unasked.len as usize])?;
        }
        Ok(())
    }

    fn corrupt(&self, block: &mut [u8]) {
        self.counts.corrupt.fetch_add(1, Ordering::Relaxed);
        let middle = block.len() / 2;
        block[middle] ^= 0x10;
    }

    fn block(&self, range: BlockRange) -> Vec<u8> {
        let payload = &self.torrent.payload;
        let start = u64::from(range.index) * u64::from(payload.piece_length()) + u64::from(range.begin);
        assert!(start + u64::from(range.len) <= payload.total(), "asked for what is not there: {range:?}");
        payload.bytes(start, range.len as usize)
    }

    fn send(&mut self, message: &Message) -> io::Result<()> {
        let mut out = BytesMut::new();
        message.encode(&mut out);
        self.stream.write_all(&out)
    }

    fn has_input(&self) -> io::Result<bool> {
        self.stream.set_nonblocking(true)?;
        let there = self.stream.peek(&mut [0]);
        self.stream.set_nonblocking(false)?;
        match there {
            Ok(_) => Ok(true),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(e) => Err(e),
        }
    }
}

fn read(stream: &mut TcpStream) -> io::Result<Bytes> {
    let mut buffer = vec![0; 64 << 10];
    let n = stream.read(&mut buffer)?;
    if n == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    buffer.truncate(n);
    Ok(buffer.into())
}
