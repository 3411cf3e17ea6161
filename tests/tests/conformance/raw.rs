//! A leecher by hand, on one blocking socket: it asks for what it is told to, and reads when it is told to.

use bytes::{Bytes, BytesMut};
use peerless_core::wire::{BlockRange, Decoder, Features, Handshake, HandshakeDecoder, Message};
use peerless_core::{BLOCK_LEN, PeerId};
use peerless_tests::Torrent;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long one read may wait before the story fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// One connection that downloads.
pub(crate) struct RawLeecher<'a> {
    stream: TcpStream,
    decoder: Decoder,
    torrent: &'a Torrent,
    /// Bytes read at once.
    pub(crate) sip: usize,
}

impl<'a> RawLeecher<'a> {
    /// Connects and shakes hands, as the `n`-th of its kind.
    pub(crate) fn connect(addr: SocketAddr, torrent: &'a Torrent, n: u8) -> io::Result<Self> {
        let mut stream = TcpStream::connect(addr)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut id = *b"-XX0001-rawleecher  ";
        id[19] = n;
        let features = Features::default();
        let ours = Handshake { info_hash: torrent.info_hash, peer_id: PeerId(id), features };
        stream.write_all(&ours.encode())?;
        let mut handshake = HandshakeDecoder::new();
        let rest = loop {
            let data = read(&mut stream, 1 << 10)?;
            if let Some((_, rest)) = handshake.push(data).map_err(io::Error::other)? {
                break rest;
            }
        };
        let mut decoder = Decoder::new(torrent.payload.num_pieces(), features);
        decoder.push(rest);
        Ok(Self { stream, decoder, torrent, sip: 64 << 10 })
    }

    pub(crate) fn send(&mut self, message: &Message) -> io::Result<()> {
        let mut out = BytesMut::new();
        message.encode(&mut out);
        self.stream.write_all(&out)
    }

    /// Says that it is interested, and waits until it is unchoked.
    pub(crate) fn get_unchoked(&mut self) -> io::Result<()> {
        self.send(&Message::Interested)?;
        while self.next()? != Message::Unchoke {}
        Ok(())
    }

    /// Asks for every block there is. Says how many.
    pub(crate) fn ask_for_everything(&mut self) -> io::Result<usize> {
        let payload = &self.torrent.payload;
        let mut asked = 0;
        for index in 0..payload.num_pieces() {
            let start = u64::from(index) * u64::from(payload.piece_length());
            let piece = (payload.total() - start).min(payload.piece_length().into()) as u32;
            for begin in (0..piece).step_by(BLOCK_LEN as usize) {
                let len = BLOCK_LEN.min(piece - begin);
                self.send(&Message::Request(BlockRange { index, begin, len }))?;
                asked += 1;
            }
        }
        Ok(asked)
    }

    /// Reads until so many blocks are here, each as it should be.
    pub(crate) fn receive(&mut self, blocks: usize) -> io::Result<()> {
        let payload = &self.torrent.payload;
        let mut got = 0;
        while got < blocks {
            let Message::Piece { index, begin, data } = self.next()? else { continue };
            let start = u64::from(index) * u64::from(payload.piece_length()) + u64::from(begin);
            assert!(data.to_bytes() == payload.bytes(start, data.len()), "piece {index} is wrong at {begin}");
            got += 1;
        }
        Ok(())
    }

    fn next(&mut self) -> io::Result<Message> {
        loop {
            if let Some(message) = self.decoder.next().map_err(io::Error::other)? {
                return Ok(message);
            }
            let data = read(&mut self.stream, self.sip)?;
            self.decoder.push(data);
        }
    }
}

fn read(stream: &mut TcpStream, most: usize) -> io::Result<Bytes> {
    let mut buffer = vec![0; most];
    let n = stream.read(&mut buffer)?;
    if n == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    buffer.truncate(n);
    Ok(buffer.into())
}
