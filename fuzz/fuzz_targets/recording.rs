//! Recordings: damage is an error, and what was read can be read again.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use peerless_core::record::{Reader, RecordError, Step};

fuzz_target!(|data: &[u8]| {
    let mut reader = match Reader::new(Bytes::copy_from_slice(data)) {
        Ok(reader) => reader,
        Err(RecordError::NotARecording) => return,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let (mut before, mut position, mut ended) = (reader.header().start, reader.position(), false);
    loop {
        let again = reader.clone().next();
        let next = reader.next();
        assert_eq!(next, again);
        let Ok(Some(entry)) = next else { return assert!(reader.position() <= data.len()) };
        assert!(!ended, "something follows the end");
        assert!(entry.at >= before && reader.position() > position && !reader.is_torn());
        (before, position) = (entry.at, reader.position());
        ended = matches!(entry.what, Step::End { .. });
    }
});
