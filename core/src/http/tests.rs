//! Stories of honest, odd and hostile responses; the same response cut at every place.

use super::{HttpError, Request, Response, ResponseParser, gzip};
use crate::limits::{MAX_HTTP_BODY, MAX_HTTP_HEAD};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use miniz_oxide::deflate::compress_to_vec;
use proptest::prelude::*;

/// Hands over `bytes` at once, then ends the connection.
fn parse(bytes: &[u8]) -> Result<Response, HttpError> {
    let mut parser = ResponseParser::new();
    match parser.receive(bytes)? {
        Some(response) => Ok(response),
        None => parser.end(),
    }
}

fn body_of(bytes: &[u8]) -> Result<Vec<u8>, HttpError> {
    parse(bytes).map(|r| r.body)
}

fn gzipped(data: &[u8]) -> Vec<u8> {
    let mut out = b"\x1f\x8b\x08\0\0\0\0\0\0\xff".to_vec();
    out.extend(compress_to_vec(data, 6));
    out.extend(gzip::crc32(data).to_le_bytes());
    out.extend((data.len() as u32).to_le_bytes());
    out
}

/// A gzipped response that ends with the connection.
fn gzip_response(file: &[u8]) -> Vec<u8> {
    [b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", file].concat()
}

#[test]
fn a_request_says_what_trackers_need_to_know() {
    let request = Request {
        target: "/announce?info_hash=%00",
        host: "[::1]:6969",
        user_agent: "Peerless/0.1\r\nEvil: 1",
        authorization: Some("Basic YTpi"),
    };
    let text = String::from_utf8(request.encode().to_vec()).unwrap();
    assert_eq!(
        text,
        "GET /announce?info_hash=%00 HTTP/1.1\r\nHost: [::1]:6969\r\nUser-Agent: Peerless/0.1Evil: 1\r\n\
         Accept-Encoding: gzip\r\nAuthorization: Basic YTpi\r\nConnection: close\r\n\r\n"
    );
}

#[test]
fn a_body_ends_by_its_length_and_what_follows_is_ignored() {
    let response = parse(b"HTTP/1.1 200 OK\r\ncontent-LENGTH: 3, 3\r\n\r\nd1:junk").unwrap();
    assert_eq!((response.head.status, &*response.head.reason), (200, "OK"));
    assert_eq!(response.body, b"d1:");
}

#[test]
fn a_body_ends_with_the_connection_where_nothing_else_says_so() {
    assert_eq!(body_of(b"HTTP/1.0 200 OK\n\nde"), Ok(b"de".to_vec()));
    assert_eq!(body_of(b"HTTP/1.0 200\r\n\r\n"), Ok(vec![]));
}

#[test]
fn a_body_ends_with_its_last_chunk_and_trailers() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\nContent-Length: 999\r\n\r\n";
    let chunks = "3;name=value\r\nabc\r\n0a \r\n0123456789\r\n00\r\nX-Trailer: 1\r\n\r\n";
    assert_eq!(body_of(format!("{head}{chunks}").as_bytes()), Ok(b"abc0123456789".to_vec()));
    let missing = body_of(format!("{head}3\r\nabc\r\n").as_bytes());
    assert_eq!(missing, Err(HttpError::Incomplete), "the last chunk never came");
}

#[test]
fn chunks_that_lie_are_refused() {
    let chunked = |text: &str| {
        body_of(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{text}").as_bytes())
    };
    for text in ["\r\n", "x\r\n", "-1\r\n", "+1\r\na\r\n", "0x5\r\n", "5 5\r\n", ";a\r\n", "3\r\nabcd\r\n"] {
        assert!(matches!(chunked(text), Err(HttpError::BadChunk(_))), "{text:?}: {:?}", chunked(text));
    }
    for text in ["ffffffffffffffff\r\n", "fffffffffffffffffffff\r\n", "80000000\r\n", "100001\r\n"] {
        assert_eq!(chunked(text), Err(HttpError::BodyTooLong), "{text:?}");
    }
    let endless_line = "1".repeat(5_000);
    assert!(matches!(chunked(&endless_line), Err(HttpError::BadChunk(_))));
    let endless_trailers = format!("0\r\n{}", "a: b\r\n".repeat(5_000));
    assert_eq!(chunked(&endless_trailers), Err(HttpError::HeadTooLong));
    let half = format!("80000\r\n{}\r\n", "x".repeat(0x80000));
    let many = half.repeat(3);
    assert_eq!(chunked(&many), Err(HttpError::BodyTooLong), "each chunk fits, all together do not");
}

#[test]
fn lengths_that_lie_are_refused() {
    let with = |header: &str| body_of(format!("HTTP/1.1 200 OK\r\n{header}\r\n\r\nabc").as_bytes());
    assert_eq!(with("Content-Length: 4"), Err(HttpError::Incomplete));
    for length in ["-1", "+3", "3x", "0x3", "3, 4"] {
        assert_eq!(with(&format!("Content-Length: {length}")), Err(HttpError::BadLength), "{length}");
    }
    assert_eq!(with("Content-Length: 3\r\nContent-Length: 2"), Err(HttpError::BadLength));
    for length in ["1048577", "18446744073709551616", "99999999999999999999999999"] {
        assert_eq!(with(&format!("Content-Length: {length}")), Err(HttpError::BodyTooLong), "{length}");
    }
}

#[test]
fn a_body_without_end_is_cut_short() {
    let mut parser = ResponseParser::new();
    parser.receive(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
    let portion = [b'x'; 64 << 10];
    for _ in 0..MAX_HTTP_BODY / portion.len() {
        assert_eq!(parser.receive(&portion), Ok(None));
    }
    assert_eq!(parser.receive(b"x"), Err(HttpError::BodyTooLong));
    assert_eq!(parser.receive(b"x"), Ok(None), "nothing more is read after an error");
    assert_eq!(parser.head().unwrap().status, 200, "what was understood is still known");
}

#[test]
fn a_head_without_end_is_cut_short() {
    let mut parser = ResponseParser::new();
    parser.receive(b"HTTP/1.1 200 OK\r\n").unwrap();
    let error = (0..=MAX_HTTP_HEAD).find_map(|_| parser.receive(b"x").err());
    assert_eq!(error, Some(HttpError::HeadTooLong));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(101));
    assert_eq!(body_of(many.as_bytes()), Err(HttpError::TooManyHeaders));
    let interim = "HTTP/1.1 100 Continue\r\n\r\n".repeat(1_000);
    assert_eq!(body_of(interim.as_bytes()), Err(HttpError::HeadTooLong), "1xx for ever");
}

#[test]
fn interim_responses_are_skipped() {
    let bytes = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n\
                  HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nde";
    assert_eq!(body_of(bytes), Ok(b"de".to_vec()));
}

#[test]
fn what_is_not_http_is_known_from_the_first_bytes() {
    for bytes in [&b"SSH-2.0-OpenSSH"[..], b"d8:", b"\r\nHTTP/1.1 200 OK\r\n\r\n", b"<html>"] {
        assert_eq!(ResponseParser::new().receive(bytes), Err(HttpError::NotHttp));
    }
    for head in ["HTTP/1.1", "HTTP/2 200", "HTTP/1.1 2000 OK", "HTTP/1.1 099 OK", "HTTP/1.1 x"] {
        let head = format!("{head}\r\n\r\n");
        assert_eq!(body_of(head.as_bytes()), Err(HttpError::BadHead), "{head:?}");
    }
}

#[test]
fn a_response_without_a_body_is_whole_after_its_head() {
    for status in [101, 204, 304] {
        let head = format!("HTTP/1.1 {status} X\r\nContent-Length: 5\r\n\r\n");
        assert_eq!(ResponseParser::new().receive(head.as_bytes()).unwrap().unwrap().body, b"");
    }
}

#[test]
fn a_redirect_tells_where_to() {
    let response = parse(b"HTTP/1.1 302 Found\r\nLocation:  /b?x=1 \r\nContent-Length: 0\r\n\r\n").unwrap();
    assert_eq!(response.head.location.as_deref(), Some("/b?x=1"));
    let long = format!("HTTP/1.1 302 Found\r\nLocation: /{}\r\nContent-Length: 0\r\n\r\n", "x".repeat(5_000));
    assert_eq!(parse(long.as_bytes()).unwrap().head.location, None);
}

#[test]
fn gzip_is_inflated_whatever_its_header_holds() {
    let data = b"d8:intervali1800e5:peers0:e";
    assert_eq!(body_of(&gzip_response(&gzipped(data))), Ok(data.to_vec()));
    let mut fancy = b"\x1f\x8b\x08\x1e\0\0\0\0\0\xff\x03\0abcname\0comment\0\0\0".to_vec();
    fancy.extend(gzipped(data).split_off(10));
    assert_eq!(body_of(&gzip_response(&fancy)), Ok(data.to_vec()));
    let two = [gzipped(b"d8:"), gzipped(&data[3..])].concat();
    assert_eq!(body_of(&gzip_response(&two)), Ok(data.to_vec()), "two members");
    assert_eq!(body_of(&gzip_response(b"")), Ok(vec![]), "no body, so nothing to inflate");
}

#[test]
fn gzip_with_a_cut_trailer_or_junk_behind_it_is_accepted() {
    let file = gzipped(b"de");
    assert_eq!(body_of(&gzip_response(&file[..file.len() - 1])), Ok(b"de".to_vec()));
    assert_eq!(body_of(&gzip_response(&[&file, &b"\0\0junk"[..]].concat())), Ok(b"de".to_vec()));
}

#[test]
fn damaged_gzip_is_refused() {
    let file = gzipped(b"d8:intervali1800e5:peers0:e");
    let len = file.len();
    for at in [0, 2, 10, len - 8, len - 1] {
        let mut damaged = file.clone();
        damaged[at] ^= 0x0f;
        let result = body_of(&gzip_response(&damaged));
        assert!(matches!(result, Err(HttpError::BadGzip(_))), "byte {at}: {result:?}");
    }
    let cut = body_of(&gzip_response(&file[..len - 12]));
    assert_eq!(cut, Err(HttpError::BadGzip("it is cut off")));
    assert_eq!(body_of(&gzip_response(b"de")), Err(HttpError::BadGzip("no gzip header")));
}

#[test]
fn a_gzip_bomb_is_stopped_at_the_limit() {
    assert_eq!(body_of(&gzip_response(&gzipped(&vec![0; MAX_HTTP_BODY]))).unwrap().len(), MAX_HTTP_BODY);
    let bomb = gzipped(&vec![0; 64 * MAX_HTTP_BODY]);
    assert!(bomb.len() < MAX_HTTP_BODY / 8);
    assert_eq!(body_of(&gzip_response(&bomb)), Err(HttpError::BodyTooLong));
    let members = gzipped(b"").repeat(40_000);
    assert_eq!(body_of(&gzip_response(&members)), Err(HttpError::BadGzip("it has too many members")));
}

#[test]
fn a_coding_that_was_not_asked_for_is_named() {
    let brotli = body_of(b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\nxx");
    assert_eq!(brotli, Err(HttpError::UnknownCoding("br".into())));
    let twice = body_of(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip\r\n\r\nxx");
    assert_eq!(twice, Err(HttpError::UnknownCoding("gzip".into())));
    let transfer = body_of(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: deflate, chunked\r\n\r\nxx");
    assert_eq!(transfer, Err(HttpError::UnknownCoding("deflate".into())));
}

/// How a generated response says where its body ends.
#[derive(Clone, Debug)]
enum Framed {
    Length,
    Close,
    Chunks(Vec<usize>),
}

fn framed() -> impl Strategy<Value = Framed> {
    prop_oneof![
        Just(Framed::Length),
        Just(Framed::Close),
        prop::collection::vec(1usize..50, 1..6).prop_map(Framed::Chunks)
    ]
}

fn response_bytes(body: &[u8], gzip: bool, framed: &Framed) -> Vec<u8> {
    let coded = if gzip { gzipped(body) } else { body.to_vec() };
    let mut out = b"HTTP/1.1 200 OK\r\nServer: x\r\n".to_vec();
    if gzip {
        out.extend(b"Content-Encoding: gzip\r\n");
    }
    match framed {
        Framed::Close => out.extend([b"\r\n", &coded[..]].concat()),
        Framed::Length => {
            out.extend(format!("Content-Length: {}\r\n\r\n", coded.len()).as_bytes());
            out.extend(coded);
        }
        Framed::Chunks(sizes) => {
            out.extend(b"Transfer-Encoding: chunked\r\n\r\n");
            let mut rest = &coded[..];
            for size in sizes.iter().cycle() {
                let (chunk, behind) = rest.split_at(rest.len().min(*size));
                out.extend(format!("{:x}\r\n", chunk.len()).as_bytes());
                out.extend(chunk);
                if chunk.is_empty() {
                    break;
                }
                out.extend(b"\r\n");
                rest = behind;
            }
            out.extend(b"Trailer: 1\r\n\r\n");
        }
    }
    out
}

proptest! {
    #[test]
    fn a_response_cut_anywhere_reads_the_same(
        body in prop::collection::vec(any::<u8>(), 0..300),
        gzip: bool,
        framed in framed(),
        cuts in prop::collection::vec(1usize..40, 1..8),
    ) {
        let bytes = response_bytes(&body, gzip, &framed);
        prop_assert_eq!(&body_of(&bytes).unwrap(), &body);
        let mut parser = ResponseParser::new();
        let mut rest = &bytes[..];
        let mut whole = None;
        for cut in cuts.iter().cycle() {
            let (now, behind) = rest.split_at(rest.len().min(*cut));
            if let Some(response) = parser.receive(now).unwrap() {
                whole = Some(response);
                prop_assert!(behind.is_empty());
            }
            if behind.is_empty() {
                break;
            }
            rest = behind;
        }
        let response = whole.map_or_else(|| parser.end(), Ok);
        prop_assert_eq!(response.unwrap().body, body);
    }

    #[test]
    fn arbitrary_bytes_never_panic(
        start in prop::sample::select(vec![
            "", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f",
        ]),
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        at in 0usize..400,
    ) {
        let all = [start.as_bytes(), &bytes].concat();
        let whole = parse(&all);
        let mut parser = ResponseParser::new();
        let (first, second) = all.split_at(at.min(all.len()));
        let cut = match parser.receive(first) {
            Ok(None) => parser.receive(second),
            done => done,
        };
        let cut = cut.and_then(|r| r.map_or_else(|| parser.end(), Ok));
        prop_assert_eq!(whole, cut);
    }

    #[test]
    fn an_arbitrary_deflate_stream_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let file = [b"\x1f\x8b\x08\0\0\0\0\0\0\xff", &bytes[..]].concat();
        if let Ok(out) = gzip::inflate(&file, 1_000) {
            prop_assert!(out.len() <= 1_000);
        }
    }
}
