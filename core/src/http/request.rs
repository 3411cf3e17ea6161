//! The head of a request, as bytes.

use alloc::vec::Vec;
use bytes::Bytes;

/// A `GET` request on a connection of its own.
///
/// The texts come from a parsed URL and from our own settings. A character that could end a line is dropped
/// all the same, so that no text can smuggle in a second header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// Path and query, percent-encoded, beginning with `/`.
    pub target: &'a str,
    /// The host, in ASCII, IPv6 in brackets, with the port unless it is the scheme's own.
    pub host: &'a str,
    /// What we call ourselves.
    pub user_agent: &'a str,
    /// The value of the `Authorization` header.
    pub authorization: Option<&'a str>,
}

impl Request<'_> {
    /// The bytes to send.
    pub fn encode(&self) -> Bytes {
        let mut out = Vec::with_capacity(self.target.len() + 192);
        out.extend_from_slice(b"GET ");
        out.extend(self.target.bytes().filter(u8::is_ascii_graphic));
        out.extend_from_slice(b" HTTP/1.1");
        header(&mut out, "Host", self.host);
        header(&mut out, "User-Agent", self.user_agent);
        header(&mut out, "Accept-Encoding", "gzip");
        if let Some(value) = self.authorization {
            header(&mut out, "Authorization", value);
        }
        header(&mut out, "Connection", "close");
        out.extend_from_slice(b"\r\n\r\n");
        Bytes::from(out)
    }
}

/// Appends the end of the line before, then a header without the end of its line.
fn header(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend(value.bytes().filter(|b| b.is_ascii_graphic() || *b == b' '));
}
