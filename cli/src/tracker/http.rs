//! The little HTTP that a tracker needs: one GET a connection, with a deadline and a size limit.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Bytes of a whole request. Announces have a few hundred.
const MAX_REQUEST: usize = 8 << 10;
/// Time for a whole request, and for a whole answer.
const DEADLINE: Duration = Duration::from_secs(5);

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    /// The path, still escaped.
    pub(super) path: String,
    /// What stands behind the question mark; empty where there is none.
    pub(super) query: String,
}

/// An answer to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Response {
    /// The status code.
    pub(super) status: u16,
    /// The body.
    pub(super) body: Vec<u8>,
}

impl Response {
    /// An answer that went well.
    pub(super) fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, body: body.into() }
    }

    /// A refusal, with a line for the person who reads it.
    pub(super) fn refuse(status: u16, text: &str) -> Self {
        Self { status, body: format!("{text}\n").into_bytes() }
    }

    /// Writes the answer and ends the connection's sending side.
    pub(super) fn write(&self, stream: &mut TcpStream) -> io::Result<()> {
        stream.set_write_timeout(Some(DEADLINE))?;
        let mut out = format!(
            "HTTP/1.1 {} {}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            self.status,
            words(self.status),
            self.body.len()
        )
        .into_bytes();
        out.extend_from_slice(&self.body);
        stream.write_all(&out)?;
        stream.shutdown(std::net::Shutdown::Write)
    }
}

/// Reads one request. `Err(Some(response))`: answer with that; `Err(None)`: there is nobody to answer.
pub(super) fn read(stream: &mut TcpStream) -> Result<Request, Option<Response>> {
    let end = Instant::now() + DEADLINE;
    let mut head = Vec::new();
    let mut chunk = [0; 1024];
    while !is_whole(&head) {
        if head.len() >= MAX_REQUEST {
            return Err(Some(Response::refuse(431, "the request is too long")));
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Some(Response::refuse(408, "the request took too long")));
        }
        stream.set_read_timeout(Some(left)).map_err(|_| None)?;
        match stream.read(&mut chunk) {
            Ok(0) => return Err(None),
            Ok(n) => head.extend_from_slice(&chunk[..n]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
            Err(_) => return Err(None),
        }
    }
    parse(&head).map_err(Some)
}

fn is_whole(head: &[u8]) -> bool {
    head.windows(4).any(|w| w == b"\r\n\r\n") || head.windows(2).any(|w| w == b"\n\n")
}

/// Reads the first line; the rest of the head says nothing that matters here.
pub(super) fn parse(head: &[u8]) -> Result<Request, Response> {
    let bad = || Response::refuse(400, "not an HTTP request");
    let line = head.split(|&b| b == b'\r' || b == b'\n').next().unwrap_or_default();
    let line = std::str::from_utf8(line).map_err(|_| bad())?;
    let mut words = line.split(' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(bad());
    };
    if !version.starts_with("HTTP/1.") || !target.starts_with('/') {
        return Err(bad());
    }
    if method != "GET" {
        return Err(Response::refuse(405, "a tracker takes GET only"));
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    Ok(Request { path: path.to_owned(), query: query.to_owned() })
}

const fn words(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        _ => "Request Header Fields Too Large",
    }
}
