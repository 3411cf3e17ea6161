//! HTTP responses: the same however they are cut, and never longer than the limits.
#![no_main]

use libfuzzer_sys::fuzz_target;
use peerless_core::http::{HttpError, Response, ResponseParser};
use peerless_core::limits::{MAX_HTTP_BODY, MAX_URL};

/// What a response that arrives in these portions is, the connection's end included.
fn read<'a>(portions: impl IntoIterator<Item = &'a [u8]>) -> (Result<Response, HttpError>, Option<u16>) {
    let mut parser = ResponseParser::new();
    for portion in portions {
        match parser.receive(portion) {
            Ok(None) => {}
            Ok(Some(response)) => {
                assert_eq!(parser.receive(b"more"), Ok(None), "it is over");
                return (Ok(response), parser.head().map(|head| head.status));
            }
            Err(error) => return (Err(error), parser.head().map(|head| head.status)),
        }
    }
    (parser.end(), parser.head().map(|head| head.status))
}

fuzz_target!(|input: (bool, u16, &[u8])| {
    // The beginning would hardly be found by chance.
    let (right, cut, data) = input;
    let data = [if right { &b"HTTP/1.1 200 OK\r\n"[..] } else { b"" }, data].concat();

    let whole = read([&data[..]]);
    assert_eq!(read(data.chunks(usize::from(cut).max(1))), whole);
    assert_eq!(read(data.chunks(1)), whole);
    if let (Ok(response), status) = whole {
        assert!(response.body.len() <= MAX_HTTP_BODY);
        assert_eq!(status, Some(response.head.status));
        assert!(response.head.status == 101 || (200..1_000).contains(&response.head.status));
        assert!(response.head.location.is_none_or(|l| !l.is_empty() && l.len() <= MAX_URL));
    }
});
