//! The extension handshake: what was understood survives writing and reading again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use peerless_core::limits;
use peerless_core::wire::ExtensionHandshake;

fuzz_target!(|data: &[u8]| {
    let Ok(handshake) = ExtensionHandshake::parse(data) else { return };
    assert!(handshake.reqq.is_none_or(|n| (1..=limits::MAX_OUTSTANDING_REQUESTS as u32).contains(&n)));
    assert!(handshake.v.as_ref().is_none_or(|v| v.chars().count() <= limits::MAX_SHOWN_TEXT));
    let written = handshake.encode();
    // Bytes that are no text take three times the room once they are replaced by signs that say so.
    if written.len() <= limits::MAX_EXTENSION_HANDSHAKE {
        assert_eq!(ExtensionHandshake::parse(&written), Ok(handshake));
    }
});
