//! Messages between peers: the same however they are cut, and again after writing and reading.
#![no_main]

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use peerless_core::wire::{Decoder, Features, Message, WireError};

/// All messages, and how the stream ends.
fn decode(mut decoder: Decoder, pushes: &[Bytes]) -> (Vec<Message>, Option<WireError>) {
    let mut messages = Vec::new();
    for push in pushes {
        decoder.push(push.clone());
        loop {
            match decoder.next() {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(error) => return (messages, Some(error)),
            }
        }
    }
    (messages, None)
}

fuzz_target!(|input: (u16, bool, bool, u8, u16, &[u8])| {
    let (num_pieces, fast, extended, offered, cut, data) = input;
    let decoder = Decoder::new(u32::from(num_pieces), Features { fast, extended }).offering(offered);
    let whole = decode(decoder.clone(), &[Bytes::copy_from_slice(data)]);
    let pushes: Vec<Bytes> = data.chunks(usize::from(cut).max(1)).map(Bytes::copy_from_slice).collect();
    assert_eq!(decode(decoder.clone(), &pushes), whole);

    let mut written = BytesMut::new();
    for message in &whole.0 {
        // What was skipped is not there to be written again.
        if !matches!(message, Message::Unknown { .. }) {
            message.encode(&mut written);
        }
    }
    let known = whole.0.into_iter().filter(|message| !matches!(message, Message::Unknown { .. })).collect();
    assert_eq!(decode(decoder, &[written.freeze()]), (known, None));
});
