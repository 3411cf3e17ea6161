//! What comes on a connection: of peers the extension handshake is masked, of trackers the whole answer.

use super::super::scanner::{Kind, Scanner};
use super::{Mask, TEXT};
use crate::http::{Response, ResponseParser};
use crate::limits::MAX_EXTENDED_MESSAGE;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

/// How every answer begins that is worth parsing.
const START: &[u8] = b"HTTP/1.1 ";

/// One connection.
///
/// What is to be masked has to be there whole. Until then it is held back: an input is recorded with fewer bytes, or
/// none, and a later one with more. The engine acts on whole messages, so it does the same.
#[derive(Debug)]
pub(super) struct Stream {
    scanner: Scanner,
    /// The part of an extended message that has come.
    held: Vec<u8>,
    answer: Answer,
}

/// A tracker's answer.
#[derive(Debug, Default)]
struct Answer {
    parser: ResponseParser,
    begun: bool,
    over: bool,
}

/// What is recorded in place of what came.
#[derive(Debug, Default)]
pub(in crate::record) struct Masked {
    pub(in crate::record) data: Vec<u8>,
    /// The bytes of blocks in it.
    pub(in crate::record) blocks: Vec<Range<usize>>,
}

impl Stream {
    pub(super) fn new() -> Self {
        Self { scanner: Scanner::new(), held: Vec::new(), answer: Answer::default() }
    }

    /// Bytes came. `tracker`: it was asked something that no peer is asked.
    pub(super) fn received(&mut self, mask: &mut Mask, data: &[u8], tracker: bool) -> Masked {
        if tracker {
            return Masked { data: self.answer.received(mask, data), blocks: Vec::new() };
        }
        let mut out = Masked::default();
        let held = &mut self.held;
        self.scanner.scan(data, |kind, run| {
            if kind == Kind::Extended {
                held.extend_from_slice(run);
                return;
            }
            out.data.append(&mut mask.extended(&core::mem::take(held)));
            if kind == Kind::Block {
                out.blocks.push(out.data.len()..out.data.len() + run.len());
            }
            out.data.extend_from_slice(run);
        });
        if self.scanner.is_other() {
            // Somebody who speaks something else: the engine has stopped listening where that showed.
            out.data.fill(0);
        }
        // One that is too long the engine has refused by its head.
        if self.scanner.is_between() || self.held.len() > MAX_EXTENDED_MESSAGE as usize {
            out.data.append(&mut mask.extended(&core::mem::take(&mut self.held)));
        }
        out
    }

    /// The connection was closed. What has to be recorded before that, if anything.
    pub(super) fn closed(&mut self, mask: &mut Mask) -> Option<Vec<u8>> {
        self.answer.closed(mask)
    }
}

impl Answer {
    fn received(&mut self, mask: &mut Mask, data: &[u8]) -> Vec<u8> {
        if self.over {
            return Vec::new();
        }
        let start = if self.begun { &[][..] } else { START };
        self.begun = true;
        let rest = match self.parser.receive(data) {
            Ok(None) => Vec::new(),
            Ok(Some(response)) => self.whole(mask, &response, true),
            Err(_) => self.unusable(true),
        };
        [start, &rest].concat()
    }

    fn closed(&mut self, mask: &mut Mask) -> Option<Vec<u8>> {
        if self.over || !self.begun {
            return None;
        }
        match self.parser.end() {
            Ok(response) => Some(self.whole(mask, &response, false)),
            Err(_) => self.parser.head().is_some().then(|| self.unusable(false)),
        }
    }

    /// The answer from behind [`START`]. Where it gives its length it is over at once, and otherwise when the
    /// connection is.
    fn whole(&mut self, mask: &mut Mask, response: &Response, with_length: bool) -> Vec<u8> {
        self.over = true;
        let body = mask.answer(&response.body);
        let location = response.head.location.as_deref().map(|to| format!("Location: {}\r\n", mask.url(to)));
        let length = with_length.then(|| format!("Content-Length: {}\r\n", body.len()));
        let fields: String = location.into_iter().chain(length).collect();
        let head = format!("{} {TEXT}\r\n{fields}\r\n", response.head.status);
        [head.as_bytes(), &body].concat()
    }

    /// An answer that is of no use either, from behind [`START`]: at once, or once the connection is closed.
    fn unusable(&mut self, at_once: bool) -> Vec<u8> {
        self.over = true;
        let status = self.parser.head().map_or(200, |head| head.status);
        let fault = if at_once { "Content-Length: none" } else { "Content-Length: 1" };
        format!("{status} {TEXT}\r\n{fault}\r\n\r\n").into_bytes()
    }
}
