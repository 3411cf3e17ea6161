//! Expensive answers of trackers: HTTP responses and what is in them.

use crate::costs_little;
use crate::torrents::{many, string};
use peerless_core::http::ResponseParser;
use peerless_core::tracker::AnnounceResponse;

/// Reads the body of an answer, and says `ok` or what is wrong with it.
#[track_caller]
fn answers(make: impl Fn(usize) -> Vec<u8>, says: &str) {
    let read =
        |input: &Vec<u8>| AnnounceResponse::parse(input).map_or_else(|e| e.to_string(), |_| "ok".to_owned());
    costs_little(make, read, says);
}

/// Reads a response that arrives in portions of so many bytes, and says `ok` or what is wrong with it.
#[track_caller]
fn responds(portion: usize, make: impl Fn(usize) -> Vec<u8>, says: &str) {
    let read = |input: &Vec<u8>| {
        let mut parser = ResponseParser::new();
        let mut portions = input.chunks(portion).map(|portion| parser.receive(portion));
        let end = portions.find(|result| !matches!(result, Ok(None)));
        match end.unwrap_or_else(|| parser.end().map(Some)) {
            Ok(_) => "ok".to_owned(),
            Err(error) => error.to_string(),
        }
    };
    costs_little(make, read, says);
}

#[test]
fn peers_beyond_number() {
    answers(|len| format!("d8:intervali1800e5:peers{}e", string(&"\u{7}".repeat(len / 6 * 6))).into(), "ok");
    answers(|len| format!("d6:peers6{}e", string(&"\u{20}".repeat(len / 18 * 18))).into(), "ok");
    let peer = |n: usize| format!("d2:ip{}4:porti1ee", string(&format!("2001:db8::{:x}", n % 0xffff)));
    answers(|len| format!("d5:peersl{}ee", many(len / 3, peer)).into(), "ok");
    answers(|len| format!("d5:peersl{}ee", "de".repeat(len / 32)).into(), "ok");
}

#[test]
fn texts_and_pages() {
    answers(|len| format!("d14:failure reason{}e", string(&"\u{1b} ".repeat(len / 2))).into(), "tracker: ");
    for part in ["<", "<a>", "&amp;", "<script>", "<style><script>", "\u{fffd}", " ", "</html"] {
        answers(|len| format!("<html>{}", part.repeat(len / part.len())).into(), "tracker: ");
        answers(|len| part.repeat(len / part.len()).into(), "tracker: ");
    }
}

#[test]
fn chunks_of_a_byte() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for portion in [1, 1_000, 1 << 20] {
        responds(portion, |len| format!("{head}{}0\r\n\r\n", "1\r\na\r\n".repeat(len / 6)).into(), "ok");
        let long_line = |len: usize| {
            format!("{head}1{}", format!(";{}\r\na\r\n1", "x".repeat(4_000)).repeat(len / 4_010))
        };
        responds(portion, |len| long_line(len).into(), "the connection ended");
    }
}

#[test]
fn heads_in_tiny_portions() {
    let line = |n| format!("a{n}: {}\r\n", "b".repeat(160));
    for portion in [1, 100] {
        responds(portion, |len| format!("HTTP/1.1 200 OK\r\n{}\r\n", many(len / 80, line)).into(), "ok");
        responds(portion, |len| format!("HTTP/1.1 200 OK\r\n{}", many(len, line)).into(), "the head of");
        let interim = "HTTP/1.1 100 \r\n\r\n";
        responds(portion, |len| interim.repeat(len / interim.len()).into(), "the head of");
    }
}

#[test]
fn a_gzip_bomb() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\0\0\0\0\0\0\x03";
    responds(1 << 20, |len| [&head[..], &zeros(len)].concat(), "the HTTP response is longer");
    // Members of nothing, each of which would cost an inflater.
    let empty = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0\0\0\0\0\0\0\0\0";
    let head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n";
    responds(1 << 20, |len| [&head[..], &empty.repeat(len / 20)].concat(), "the HTTP response is damaged");
}

/// A deflate stream of so many bytes: one block with fixed codes, a zero, and then over and over the 258 bytes
/// that began a byte ago.
fn zeros(len: usize) -> Vec<u8> {
    const FIRST_BLOCK: &str = "110";
    const ZERO: &str = "00110000";
    const REPEAT: &str = "1100010100000";
    let mut bits = FIRST_BLOCK.bytes().chain(ZERO.bytes()).chain(REPEAT.bytes().cycle());
    let mut byte = || (0..8).fold(0, |byte, at| byte | (bits.next().unwrap() - b'0') << at);
    (0..len).map(|_| byte()).collect()
}
