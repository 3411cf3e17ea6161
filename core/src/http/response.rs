//! The incremental parser of a response.

use super::body::{Body, Framing};
use super::{HttpError, gzip};
use crate::limits::{MAX_HTTP_BODY, MAX_HTTP_HEAD, MAX_HTTP_HEADERS, MAX_URL};
use alloc::boxed::Box;
use alloc::vec::Vec;
use httparse::{EMPTY_HEADER, ParserConfig, Status};

/// What the head of a response says, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The status code, 100 to 999.
    pub status: u16,
    /// The words beside the status code. Often empty, and never to be trusted.
    pub reason: Box<str>,
    /// Where a redirect leads: at most [`MAX_URL`] bytes of UTF-8, not yet looked at.
    pub location: Option<Box<str>>,
}

/// A whole response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// Its head.
    pub head: Head,
    /// Its body, without chunks and inflated: at most [`MAX_HTTP_BODY`] bytes.
    pub body: Vec<u8>,
}

/// Reads one response to a `GET` request out of bytes that arrive in any portions.
///
/// Interim responses (1xx) are skipped; lines may end with LF alone. After an error or a whole response,
/// further bytes are ignored.
///
/// ```
/// use peerless_core::http::ResponseParser;
/// let mut parser = ResponseParser::new();
/// assert_eq!(parser.receive(b"HTTP/1.1 200 OK\r\nContent-Le"), Ok(None));
/// let response = parser.receive(b"ngth: 2\r\n\r\nde").unwrap().unwrap();
/// assert_eq!(response.head.status, 200);
/// assert_eq!(response.body, b"de");
/// ```
#[derive(Clone, Debug, Default)]
pub struct ResponseParser {
    /// The bytes of the head, until it is whole.
    head_bytes: Vec<u8>,
    /// Bytes of interim heads that have been skipped.
    skipped: usize,
    head: Option<Head>,
    body: Option<(Body, Coding)>,
    over: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    Identity,
    Gzip,
}

impl ResponseParser {
    /// A parser at the beginning of a response.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes; returns the response once it is whole. One that ends with the connection is
    /// returned by [`ResponseParser::end`].
    ///
    /// # Errors
    /// The response is malformed or exceeds a limit. [`ResponseParser::head`] may still tell its status.
    pub fn receive(&mut self, data: &[u8]) -> Result<Option<Response>, HttpError> {
        if self.over {
            return Ok(None);
        }
        let result = self.advance(data);
        self.over = !matches!(result, Ok(None));
        result
    }

    /// The connection has ended, or is not worth waiting for: returns the response if it ends with the
    /// connection.
    ///
    /// # Errors
    /// [`HttpError::Incomplete`] where more had to come, or the gzip data is damaged.
    pub fn end(&mut self) -> Result<Response, HttpError> {
        if self.over || !self.body.as_ref().is_some_and(|(body, _)| body.may_end()) {
            return Err(HttpError::Incomplete);
        }
        self.over = true;
        self.finish()
    }

    /// The head, once it has come; there even if the body is unusable.
    pub const fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    fn advance(&mut self, mut data: &[u8]) -> Result<Option<Response>, HttpError> {
        while self.body.is_none() {
            let Some(behind) = self.receive_head(data)? else { return Ok(None) };
            data = behind;
        }
        let Some((body, _)) = &mut self.body else { return Ok(None) };
        body.receive(data)?;
        if !body.is_whole() {
            return Ok(None);
        }
        self.finish().map(Some)
    }

    /// Gathers a head; returns what lies behind it once it is whole.
    fn receive_head<'a>(&mut self, data: &'a [u8]) -> Result<Option<&'a [u8]>, HttpError> {
        const START: &[u8] = b"HTTP/";
        let seen = self.head_bytes.len();
        let room = (MAX_HTTP_HEAD - self.skipped - seen).min(data.len());
        let (now, beyond) = data.split_at(room);
        self.head_bytes.extend_from_slice(now);
        let start = self.head_bytes.get(..START.len()).unwrap_or(&self.head_bytes);
        if !START.starts_with(start) {
            return Err(HttpError::NotHttp);
        }
        let Some(end) = end_of_head(&self.head_bytes, seen) else {
            return if beyond.is_empty() { Ok(None) } else { Err(HttpError::HeadTooLong) };
        };
        let head_bytes = core::mem::take(&mut self.head_bytes);
        self.parse_head(head_bytes.get(..end).unwrap_or(&head_bytes))?;
        Ok(Some(data.get(end.saturating_sub(seen)..).unwrap_or_default()))
    }

    fn parse_head(&mut self, bytes: &[u8]) -> Result<(), HttpError> {
        let mut headers = [EMPTY_HEADER; MAX_HTTP_HEADERS];
        let mut parsed = httparse::Response::new(&mut headers);
        let result = ParserConfig::default()
            .allow_spaces_after_header_name_in_responses(true)
            .allow_obsolete_multiline_headers_in_responses(true)
            .allow_multiple_spaces_in_response_status_delimiters(true)
            .ignore_invalid_headers_in_responses(true)
            .parse_response(&mut parsed, bytes);
        match result {
            Ok(Status::Complete(_)) => {}
            Ok(Status::Partial) => return Err(HttpError::BadHead),
            Err(httparse::Error::TooManyHeaders) => return Err(HttpError::TooManyHeaders),
            Err(_) => return Err(HttpError::BadHead),
        }
        let status = parsed.code.filter(|code| *code >= 100).ok_or(HttpError::BadHead)?;
        if (100..200).contains(&status) && status != 101 {
            self.skipped += bytes.len();
            return Ok(());
        }
        let fields = Fields(parsed.headers);
        self.head = Some(Head {
            status,
            reason: parsed.reason.unwrap_or_default().into(),
            location: fields.location(),
        });
        let framing = match status {
            101 | 204 | 304 => Framing::Length(0),
            _ => fields.framing()?,
        };
        self.body = Some((Body::new(framing), fields.coding()?));
        Ok(())
    }

    fn finish(&mut self) -> Result<Response, HttpError> {
        let (Some(head), Some((body, coding))) = (&self.head, &mut self.body) else {
            return Err(HttpError::Incomplete);
        };
        let mut data = body.take();
        if *coding == Coding::Gzip && !data.is_empty() {
            data = gzip::inflate(&data, MAX_HTTP_BODY)?;
        }
        Ok(Response { head: head.clone(), body: data })
    }
}

/// The header lines of one response.
struct Fields<'a>(&'a [httparse::Header<'a>]);

impl<'a> Fields<'a> {
    /// The values of every line of that name, split at commas.
    fn values(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        let lines = self.0.iter().filter(move |h| h.name.eq_ignore_ascii_case(name));
        lines.flat_map(|h| h.value.split(|b| *b == b',')).map(<[u8]>::trim_ascii).filter(|v| !v.is_empty())
    }

    fn location(&self) -> Option<Box<str>> {
        let line = self.0.iter().find(|h| h.name.eq_ignore_ascii_case("location"))?;
        let text = core::str::from_utf8(line.value).ok()?.trim();
        (!text.is_empty() && text.len() <= MAX_URL).then(|| text.into())
    }

    fn framing(&self) -> Result<Framing, HttpError> {
        let mut chunked = false;
        for coding in self.values("transfer-encoding") {
            match coding {
                c if c.eq_ignore_ascii_case(b"chunked") && !chunked => chunked = true,
                c if c.eq_ignore_ascii_case(b"identity") => {}
                c => return Err(unknown_coding(c)),
            }
        }
        if chunked {
            return Ok(Framing::Chunked);
        }
        let mut length = None;
        for value in self.values("content-length") {
            let n = decimal(value)?;
            if length.replace(n).is_some_and(|other| other != n) {
                return Err(HttpError::BadLength);
            }
        }
        match length {
            None => Ok(Framing::UntilClose),
            Some(n) if n > MAX_HTTP_BODY => Err(HttpError::BodyTooLong),
            Some(n) => Ok(Framing::Length(n)),
        }
    }

    fn coding(&self) -> Result<Coding, HttpError> {
        let mut coding = Coding::Identity;
        for value in self.values("content-encoding") {
            match value {
                v if v.eq_ignore_ascii_case(b"identity") => {}
                v if coding == Coding::Identity
                    && (v.eq_ignore_ascii_case(b"gzip") || v.eq_ignore_ascii_case(b"x-gzip")) =>
                {
                    coding = Coding::Gzip;
                }
                v => return Err(unknown_coding(v)),
            }
        }
        Ok(coding)
    }
}

fn decimal(digits: &[u8]) -> Result<usize, HttpError> {
    if !digits.iter().all(u8::is_ascii_digit) {
        return Err(HttpError::BadLength);
    }
    let text = core::str::from_utf8(digits).map_err(|_| HttpError::BadLength)?;
    text.parse().map_err(|_| HttpError::BodyTooLong)
}

fn unknown_coding(name: &[u8]) -> HttpError {
    let name = name.get(..32).unwrap_or(name);
    HttpError::UnknownCoding(alloc::string::String::from_utf8_lossy(name).into())
}

/// Where the body begins: behind the first empty line. `seen` bytes have been searched before.
fn end_of_head(bytes: &[u8], seen: usize) -> Option<usize> {
    let from = seen.saturating_sub(3);
    let fresh = bytes.get(from..)?;
    fresh.iter().enumerate().filter(|(_, b)| **b == b'\n').find_map(|(at, _)| match fresh.get(at + 1..)? {
        [b'\n', ..] => Some(from + at + 2),
        [b'\r', b'\n', ..] => Some(from + at + 3),
        _ => None,
    })
}
