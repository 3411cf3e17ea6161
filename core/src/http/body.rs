//! Where a body ends: by its length, by its last chunk, or with the connection (RFC 9112, section 6).

use super::HttpError;
use crate::limits::{MAX_HTTP_BODY, MAX_HTTP_HEAD};
use alloc::vec::Vec;

/// How the end of a body is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// After so many bytes.
    Length(usize),
    /// After the chunk of length 0 and the trailers.
    Chunked,
    /// When the connection ends.
    UntilClose,
}

/// A body on its way, without its framing.
#[derive(Clone, Debug)]
pub(super) struct Body {
    data: Vec<u8>,
    rest: Rest,
}

/// What has to come yet.
#[derive(Clone, Debug)]
enum Rest {
    Length(usize),
    ChunkSize(Line),
    Chunk(usize),
    ChunkEnd(Line),
    Trailers { line: Line, bytes: usize },
    UntilClose,
    Nothing,
}

impl Body {
    pub(super) const fn new(framing: Framing) -> Self {
        let rest = match framing {
            Framing::Length(0) => Rest::Nothing,
            Framing::Length(n) => Rest::Length(n),
            Framing::Chunked => Rest::ChunkSize(Line::new()),
            Framing::UntilClose => Rest::UntilClose,
        };
        Self { data: Vec::new(), rest }
    }

    /// Takes the next bytes of the connection. Those after the body's end are ignored.
    pub(super) fn receive(&mut self, mut input: &[u8]) -> Result<(), HttpError> {
        while !input.is_empty() && !self.is_whole() {
            input = self.step(input)?;
        }
        Ok(())
    }

    /// Whether the body's end has been seen.
    pub(super) const fn is_whole(&self) -> bool {
        matches!(self.rest, Rest::Nothing)
    }

    /// Whether the body is whole if the connection ends here.
    pub(super) const fn may_end(&self) -> bool {
        matches!(self.rest, Rest::Nothing | Rest::UntilClose)
    }

    /// What has come so far.
    pub(super) fn take(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.data)
    }

    /// Takes what belongs to the present part; returns what lies behind it.
    fn step<'a>(&mut self, input: &'a [u8]) -> Result<&'a [u8], HttpError> {
        match &mut self.rest {
            Rest::Nothing => Ok(&[]),
            Rest::UntilClose => {
                append(&mut self.data, input)?;
                Ok(&[])
            }
            Rest::Length(left) | Rest::Chunk(left) => {
                let (now, behind) = input.split_at(input.len().min(*left));
                append(&mut self.data, now)?;
                *left -= now.len();
                if *left == 0 {
                    self.rest = match self.rest {
                        Rest::Chunk(_) => Rest::ChunkEnd(Line::new()),
                        _ => Rest::Nothing,
                    };
                }
                Ok(behind)
            }
            Rest::ChunkSize(line) => {
                let (text, behind) = line.receive(input)?;
                if let Some(text) = text {
                    self.rest = match chunk_size(&text)? {
                        0 => Rest::Trailers { line: Line::new(), bytes: 0 },
                        n if n > MAX_HTTP_BODY => return Err(HttpError::BodyTooLong),
                        n => Rest::Chunk(n),
                    };
                }
                Ok(behind)
            }
            Rest::ChunkEnd(line) => {
                let (text, behind) = line.receive(input)?;
                match text {
                    Some(text) if text.is_empty() => self.rest = Rest::ChunkSize(Line::new()),
                    Some(_) => return Err(HttpError::BadChunk("a chunk is longer than it says")),
                    None => {}
                }
                Ok(behind)
            }
            Rest::Trailers { line, bytes } => {
                let (text, behind) = line.receive(input)?;
                *bytes += input.len() - behind.len();
                if *bytes > MAX_HTTP_HEAD {
                    return Err(HttpError::HeadTooLong);
                }
                if text.is_some_and(|t| t.is_empty()) {
                    self.rest = Rest::Nothing;
                }
                Ok(behind)
            }
        }
    }
}

fn append(data: &mut Vec<u8>, more: &[u8]) -> Result<(), HttpError> {
    if more.len() > MAX_HTTP_BODY - data.len() {
        return Err(HttpError::BodyTooLong);
    }
    data.extend_from_slice(more);
    Ok(())
}

/// The size at the beginning of a chunk's line; extensions (after `;`) are ignored.
fn chunk_size(line: &[u8]) -> Result<usize, HttpError> {
    const MALFORMED: HttpError = HttpError::BadChunk("a chunk's size is not a hexadecimal number");
    let digits = line.split(|b| *b == b';').next().unwrap_or_default().trim_ascii();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(MALFORMED);
    }
    let text = core::str::from_utf8(digits).map_err(|_| MALFORMED)?;
    usize::from_str_radix(text, 16).map_err(|_| HttpError::BodyTooLong)
}

/// A line that may arrive in portions. It ends with LF; a CR before that is dropped.
#[derive(Clone, Debug)]
struct Line(Vec<u8>);

impl Line {
    /// Bytes of a chunk's size with its extensions, or of a trailer.
    const MAX: usize = 4_096;

    const fn new() -> Self {
        Self(Vec::new())
    }

    /// The line without its end, once it is whole, and what lies behind it.
    fn receive<'a>(&mut self, input: &'a [u8]) -> Result<(Option<Vec<u8>>, &'a [u8]), HttpError> {
        let end = input.iter().position(|b| *b == b'\n');
        let (now, behind) = input.split_at(end.map_or(input.len(), |at| at + 1));
        if self.0.len() + now.len() > Self::MAX {
            return Err(HttpError::BadChunk("a line between the chunks is too long"));
        }
        self.0.extend_from_slice(now);
        if end.is_none() {
            return Ok((None, behind));
        }
        let mut line = core::mem::take(&mut self.0);
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok((Some(line), behind))
    }
}
