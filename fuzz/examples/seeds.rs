//! Writes what the fuzz targets begin with into `fuzz/corpus`: the malformed torrents that the tests of the core
//! have, some sound ones, answers of trackers, and random stories. Without it the first hours find what is known already.

#[path = "../../core/tests/corpus/mod.rs"]
mod corpus;

use peerless_core::metainfo::Builder;
use peerless_core::record::{RecordOptions, Recorded};
use peerless_core::wire::{ExtensionHandshake, Features, Handshake, Message};
use peerless_core::{Config, ConnId, Input, Instant, Metainfo, PeerId, Sha1Hash, TorrentOptions, sha1};
use std::path::Path;
use std::sync::Arc;

/// Longer ones slow the fuzzer down and teach it nothing.
const MAX_SEED: usize = 64 << 10;

/// Random stories for each target that takes them.
const STORIES: u64 = 300;

const ANSWERS: [&str; 8] = [
    "d8:completei5e10:incompletei2e8:intervali1800e12:min intervali60e5:peers6:\x01\x02\x03\x04\x1a\x7fe",
    "d8:intervali1800e5:peersld2:ip7:1.2.3.47:peer id20:aaaaaaaaaaaaaaaaaaaa4:porti6881eed2:ip3:::14:porti1eeee",
    "d8:intervali900e6:peers618: \x01\x0d\x38aaaaaaaaaaaaaae",
    "d14:failure reason12:unregistered8:retry in2:30e",
    "d14:failure reason4:gone8:retry in5:nevere",
    "d11:external ip4:\x01\x02\x03\x048:intervali1e10:tracker id3:abc15:warning message3:olde",
    "<!DOCTYPE html><html><head><title>403 Forbidden</title></head><body>&lt;no&gt;</body></html>",
    "",
];

const RESPONSES: [&str; 8] = [
    "Content-Length: 2\r\n\r\nde",
    "Transfer-Encoding: chunked\r\n\r\n1\r\nd\r\n1;x=y\r\ne\r\n0\r\nTrailer: 1\r\n\r\n",
    "Content-Encoding: gzip\r\n\r\n\x1f\u{8b}\x08\0\0\0\0\0\0\x03\x03\0\0\0\0\0\0\0\0\0",
    "Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 404 Not Found\nServer: x\n\nno",
    "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    "Folded: a\r\n b\r\n\r\n",
];

fn main() -> std::io::Result<()> {
    let mut torrents = corpus::cases();
    torrents.retain(|(_, bytes)| bytes.len() <= MAX_SEED);
    torrents.extend(sound());
    for (name, bytes) in torrents {
        write("metainfo", name, &bytes)?;
        write("bencode", name, &bytes)?;
    }
    for (n, answer) in ANSWERS.iter().enumerate() {
        let bytes: Vec<u8> = answer.chars().map(|c| c as u8).collect();
        write("tracker_answer", &format!("answer-{n}"), &bytes)?;
        write("bencode", &format!("answer-{n}"), &bytes)?;
    }
    for (n, response) in RESPONSES.iter().enumerate() {
        // The bytes behind the text are what says `true`, and how to cut; see the target.
        let text = response.chars().map(|c| c as u8);
        let right = u8::from(!response.starts_with("HTTP"));
        let bytes: Vec<u8> = [right, 3, 0].into_iter().chain(text).collect();
        write("http_response", &format!("response-{n}"), &bytes)?;
    }
    let full = ExtensionHandshake {
        m: [("ut_pex".into(), 1), ("ut_metadata".into(), 2)].into(),
        v: Some("Client 1.0".into()),
        p: Some(6881),
        reqq: Some(500),
        yourip: Some([192, 0, 2, 1].into()),
        upload_only: true,
        metadata_size: Some(31_235),
    };
    write("extension_handshake", "full", &full.encode())?;
    write("extension_handshake", "empty", b"de")?;
    let features = Features { fast: true, extended: true };
    let handshake = Handshake { info_hash: Sha1Hash([1; 20]), peer_id: PeerId([2; 20]), features };
    write("handshake", "right", &[&[0][..], &handshake.encode()].concat())?;
    let mut stream = bytes::BytesMut::new();
    for message in [Message::HaveAll, Message::Unchoke, Message::Interested, Message::KeepAlive] {
        message.encode(&mut stream);
    }
    write("wire_decoder", "short", &[&[9, 0, 1, 1, 5, 0][..], &stream].concat())?;
    write("recording", "whole", &recording(false))?;
    write("recording", "masked", &recording(true))?;
    // Where any bytes are a story, chance begins with better ones than a person would.
    for target in ["engine", "journal", "tracker_exchange"] {
        for n in 1..=STORIES {
            write(target, &format!("story-{n}"), &story(n))?;
        }
    }
    Ok(())
}

/// A session with a torrent, a peer that says something wrong, and an end.
fn recording(mask: bool) -> Vec<u8> {
    let options = RecordOptions { payload: true, mask, limit: 64 << 10 };
    let at = |n: u64| Instant::from_millis(n * 10);
    let mut engine = Recorded::new(Config::default(), [1; 32], at(0), Some(options));
    let (_, torrent) = sound().swap_remove(0);
    let metainfo = Arc::new(Metainfo::parse(&torrent).expect("it is sound"));
    engine.add_torrent(at(1), metainfo, TorrentOptions::default()).expect("it is the first");
    let (conn, remote) = (ConnId::accepted(0), ([192, 0, 2, 7], 6881).into());
    engine.handle(at(2), Input::Accepted { conn, remote });
    engine.handle(at(3), Input::Received { conn, data: bytes::Bytes::from_static(b"\x13BitTorrent?") });
    engine.handle(at(4), Input::Timeout);
    engine.shutdown(at(5));
    while engine.poll_action().is_some() || engine.poll_event().is_some() {}
    let mut out = Vec::new();
    let recorder = engine.recorder_mut().expect("it is recorded");
    recorder.end();
    recorder.drain_into(&mut out);
    out
}

/// Bytes that look random, more of them the greater `n` is, and always the same.
fn story(n: u64) -> Vec<u8> {
    let mut state = n;
    let next = || {
        // Xorshift.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).skip(64).take(n as usize * 20).collect()
}

/// Torrents with nothing wrong.
fn sound() -> Vec<(&'static str, Vec<u8>)> {
    let hash = sha1(b"x").0;
    let single = Builder::file("a.iso", 20_000, 16_384).pieces([hash, hash].concat());
    let path = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
    let files = vec![(path(&["a"]), 5), (path(&["d", "é"]), 0), (path(&["d", "b"]), 16_384)];
    let many = Builder::directory("dir", files, 16_384)
        .pieces([hash, hash].concat())
        .trackers([["http://a/announce", "http://b/announce"]]);
    let hybrid =
        corpus::hybrid_of(corpus::list([corpus::file(&["a"])]), 1, corpus::dict([("a", corpus::leaf(5))]));
    [("sound-single", single.build()), ("sound-directory", many.build())]
        .into_iter()
        .map(|(name, file)| (name, file.expect("it is sound")))
        .chain([
            ("sound-v2", corpus::v2(corpus::dict([("name", corpus::leaf(5))]), corpus::dict([]), &[])),
            ("hybrid", hybrid),
        ])
        .collect()
}

fn write(target: &str, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    std::fs::create_dir_all(&dir)?;
    std::fs::write(dir.join(name), bytes)
}
