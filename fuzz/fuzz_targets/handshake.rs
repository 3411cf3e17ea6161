//! The handshake: the same byte by byte, again after writing and reading, and what follows it is kept.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use peerless_core::wire::{HANDSHAKE_LEN, HandshakeDecoder};

fuzz_target!(|input: (u8, &[u8])| {
    // A right beginning, as long as the first byte says: it would hardly be found by chance.
    let (right, data) = input;
    let beginning = b"\x13BitTorrent protocol";
    let data = [&beginning[..usize::from(right).min(beginning.len())], data].concat();

    let whole = HandshakeDecoder::new().push(data.clone().into());
    let mut decoder = HandshakeDecoder::new();
    let mut last = Ok(None);
    for byte in data.iter().take(HANDSHAKE_LEN) {
        last = decoder.push(Bytes::copy_from_slice(&[*byte]));
        if last.is_err() {
            break;
        }
    }
    match (whole, last) {
        (Ok(Some((handshake, rest))), Ok(Some((again, nothing)))) => {
            assert_eq!(handshake, again);
            assert!(nothing.is_empty());
            assert_eq!(rest, data[HANDSHAKE_LEN..]);
            assert_eq!(decoder.info_hash(), Some(handshake.info_hash));
            let written = Bytes::copy_from_slice(&handshake.encode());
            assert_eq!(HandshakeDecoder::new().push(written), Ok(Some((handshake, Bytes::new()))));
        }
        (Ok(None), Ok(None)) => assert!(data.len() < HANDSHAKE_LEN),
        (Err(error), Err(again)) => assert_eq!(error, again),
        (whole, last) => panic!("{whole:?} at once, {last:?} byte by byte"),
    }
});
