//! The little HTTP that a tracker needs: one GET a connection, of limited size.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Bytes of a whole request. Announces have a few hundred.
pub const MAX_REQUEST: usize = 8 << 10;

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The path, still escaped.
    pub path: String,
    /// What stands behind the question mark; empty where there is none.
    pub query: String,
}

/// Gathers the bytes of a request.
#[derive(Clone, Debug, Default)]
pub struct RequestReader {
    head: Vec<u8>,
}

impl RequestReader {
    /// A reader that has read nothing.
    pub const fn new() -> Self {
        Self { head: Vec::new() }
    }

    /// Takes in bytes; the request, once it is whole.
    ///
    /// # Errors
    /// The answer to something that is no request, or longer than [`MAX_REQUEST`].
    pub fn push(&mut self, data: &[u8]) -> Result<Option<Request>, Response> {
        // The end may lie across the border between the bytes before and these.
        let from = self.head.len().saturating_sub(3);
        let room = MAX_REQUEST - self.head.len().min(MAX_REQUEST);
        self.head.extend_from_slice(data.get(..room).unwrap_or(data));
        if is_whole(self.head.get(from..).unwrap_or_default()) {
            return parse(&self.head).map(Some);
        }
        if self.head.len() >= MAX_REQUEST {
            return Err(Response::refuse(431, "the request is too long"));
        }
        Ok(None)
    }
}

/// An answer to be written, after which the connection ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// An answer that went well.
    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, body: body.into() }
    }

    /// A refusal, with a line for the person who reads it.
    pub fn refuse(status: u16, text: &str) -> Self {
        Self { status, body: format!("{text}\n").into_bytes() }
    }

    /// The answer as bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = format!(
            "HTTP/1.1 {} {}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            self.status,
            words(self.status),
            self.body.len()
        )
        .into_bytes();
        out.extend_from_slice(&self.body);
        out
    }
}

fn is_whole(head: &[u8]) -> bool {
    head.windows(4).any(|w| w == b"\r\n\r\n") || head.windows(2).any(|w| w == b"\n\n")
}

/// Reads the first line; the rest of the head says nothing that matters here.
pub(super) fn parse(head: &[u8]) -> Result<Request, Response> {
    let bad = || Response::refuse(400, "not an HTTP request");
    let line = head.split(|&b| b == b'\r' || b == b'\n').next().unwrap_or_default();
    let line = core::str::from_utf8(line).map_err(|_| bad())?;
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
