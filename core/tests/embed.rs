//! The example that embeds the engine in a loop of its own downloads a file from a peer that is played here.

#![allow(clippy::disallowed_types, clippy::unwrap_used)] // a peer is played over a real socket

#[path = "../examples/embed.rs"]
mod embed;

use bytes::{Bytes, BytesMut};
use peerless_core::wire::{Decoder, Features, Handshake, HandshakeDecoder, Message, piece_header};
use peerless_core::{Metainfo, PeerId, metainfo::Builder, sha1};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

const PIECE: usize = 32 << 10;

/// Serves one peer that has nothing, in the simplest way, until it hangs up.
fn seed(mut socket: TcpStream, data: &[u8]) -> std::io::Result<()> {
    let mut hello = [0; 68];
    socket.read_exact(&mut hello)?;
    let (theirs, _) = HandshakeDecoder::new().push(Bytes::copy_from_slice(&hello)).unwrap().unwrap();
    let features = Features { fast: true, extended: false };
    let mut out = BytesMut::new();
    out.extend_from_slice(
        &Handshake { peer_id: PeerId(*b"-XX0000-a-played-one"), features, ..theirs }.encode(),
    );
    Message::HaveAll.encode(&mut out);
    Message::Unchoke.encode(&mut out);
    let mut decoder = Decoder::new(data.len().div_ceil(PIECE) as u32, features);
    let mut buffer = vec![0; 64 << 10];
    loop {
        socket.write_all(&out.split())?;
        let received = socket.read(&mut buffer)?;
        if received == 0 {
            return Ok(());
        }
        decoder.push(Bytes::copy_from_slice(&buffer[..received]));
        while let Some(message) = decoder.next().unwrap() {
            if let Message::Request(r) = message {
                out.extend_from_slice(&piece_header(r.index, r.begin, r.len));
                out.extend_from_slice(&data[r.index as usize * PIECE + r.begin as usize..][..r.len as usize]);
            }
        }
    }
}

#[test]
fn the_embedded_engine_downloads_a_file() {
    let data: Vec<u8> = (0..250_000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let hashes: Vec<u8> = data.chunks(PIECE).flat_map(|piece| sha1(piece).0).collect();
    let file = Builder::file("data", data.len() as u64, PIECE as u32).pieces(hashes).build().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("copy");
    std::thread::scope(|scope| {
        scope.spawn(|| seed(listener.accept().unwrap().0, &data));
        embed::download(Metainfo::parse(&file).unwrap(), target.clone(), vec![addr]).unwrap();
    });
    assert!(std::fs::read(&target).unwrap() == data, "the copy differs");
    let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["copy"]);
}

#[test]
fn the_example_stays_short() {
    let lines = include_str!("../examples/embed.rs").lines().count();
    assert!(lines < 250, "an embedder is promised fewer than 250 lines; these are {lines}");
}
