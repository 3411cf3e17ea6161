//! Expensive streams from peers.

use crate::costs_little;
use crate::meter::measure;
use bytes::Bytes;
use peerless_core::limits;
use peerless_core::wire::{Decoder, ExtensionHandshake, Features};

const FEATURES: Features = Features { fast: true, extended: true };

/// Decodes a stream that arrives in portions of so many bytes, and says how it ended.
#[track_caller]
fn decodes(portion: usize, make: impl Fn(usize) -> Vec<u8>, says: &str) {
    let read = |input: &Vec<u8>| {
        let mut decoder = Decoder::new(8_000, FEATURES);
        for data in input.chunks(portion) {
            decoder.push(Bytes::copy_from_slice(data));
            loop {
                match decoder.next() {
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(error) => return error.to_string(),
                }
            }
        }
        "ok".to_owned()
    };
    costs_little(make, read, says);
}

/// A message of this id.
fn message(id: u8, payload: &[u8]) -> Vec<u8> {
    [&(payload.len() as u32 + 1).to_be_bytes()[..], &[id], payload].concat()
}

#[test]
fn streams_in_tiny_portions() {
    for portion in [1, 7, 1 << 20] {
        decodes(portion, |len| vec![0; len], "ok");
        decodes(portion, |len| message(4, &[0; 4]).repeat(len / 9), "ok");
        decodes(portion, |len| message(5, &[0xff; 1_000]).repeat(len / 1_005), "ok");
        decodes(portion, |len| message(7, &[0; 8 + 100]).repeat(len / 113), "ok");
        decodes(portion, |len| message(20, &vec![7; len - 5]), "ok");
        decodes(portion, |len| message(99, &vec![7; len - 5]), "ok");
    }
}

#[test]
fn a_length_alone_costs_nothing() {
    let (_, cost) = measure(|| {
        let mut decoder = Decoder::new(8_000, FEATURES);
        let head = [&limits::MAX_EXTENDED_MESSAGE.to_be_bytes()[..], &[20, 7]].concat();
        decoder.push(head.into());
        assert!(matches!(decoder.next(), Ok(None)));
        decoder
    });
    assert!(cost.peak < 1_000, "{} bytes", cost.peak);
}

#[test]
fn extension_handshakes() {
    let read = |input: &Vec<u8>| {
        ExtensionHandshake::parse(input).map_or_else(|e| e.to_string(), |_| "ok".to_owned())
    };
    let wide = |len: usize| (0..len / 700).map(|n| format!("6:{n:06}i1e")).collect::<String>();
    costs_little(|len| format!("d1:md{}ee", wide(len)).into(), read, "ok");
    costs_little(|len| vec![b'l'; len / 16], read, "extension handshake that is not");
    let too_long = |len: usize| vec![b'l'; len + limits::MAX_EXTENSION_HANDSHAKE];
    costs_little(too_long, read, "extended message (id 20) of");
}
