//! Reads a recording. It may have been torn by a crash, or written by somebody who means harm.

use super::code::{Code, Take};
use super::entry::{Entry, Header, Step, check};
use super::error::{Fault, RecordError};
use super::{CHECK_LEN, MAGIC, VERSION};
use crate::limits::MAX_RECORDED_ENTRY;
use crate::time::Instant;
use alloc::string::String;
use bytes::{Buf, Bytes};

/// Gives the entries of a recording in order.
///
/// It copies nothing, and takes memory only for what was left out, within limits: zeros stand in its place.
#[derive(Clone, Debug)]
pub struct Reader {
    header: Header,
    /// From the next entry on.
    rest: Bytes,
    /// Where that is.
    position: usize,
    before: Instant,
    ended: bool,
    torn: bool,
}

/// What stands next.
enum Frame {
    /// A whole entry, as its body, and its length with all that is around it.
    Whole(Bytes, usize),
    /// One that was not written to its end.
    Torn,
    Nothing,
}

impl Reader {
    /// Begins to read a recording.
    ///
    /// # Errors
    /// [`RecordError`] where it is none, or its header is damaged or torn.
    pub fn new(mut recording: Bytes) -> Result<Self, RecordError> {
        let start = MAGIC.len() + VERSION.len();
        let Some(version) = recording.get(MAGIC.len()..start).filter(|_| recording.starts_with(MAGIC)) else {
            return Err(RecordError::NotARecording);
        };
        if version != VERSION.as_bytes() {
            return Err(RecordError::Version { found: String::from_utf8_lossy(version).into() });
        }
        recording.advance(start);
        let damaged = |fault| RecordError::Damaged { position: start, fault };
        let Frame::Whole(body, len) = frame(&recording).map_err(damaged)? else {
            return Err(damaged(Fault::Short));
        };
        let header: Header = whole(body, Header::take).map_err(damaged)?;
        recording.advance(len);
        let before = header.start;
        Ok(Self { header, rest: recording, position: start + len, before, ended: false, torn: false })
    }

    /// How the recording begins.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Where the next entry begins, in bytes from the start.
    pub const fn position(&self) -> usize {
        self.position
    }

    /// Whether the last entry was not written to its end: what came before is all there is.
    pub const fn is_torn(&self) -> bool {
        self.torn
    }

    /// The next entry; `None` at the end.
    ///
    /// # Errors
    /// [`RecordError::Damaged`], again and again.
    #[expect(clippy::should_implement_trait, reason = "an iterator goes on after an error, this does not")]
    pub fn next(&mut self) -> Result<Option<Entry>, RecordError> {
        let damaged = |fault| RecordError::Damaged { position: self.position, fault };
        if self.ended && !self.rest.is_empty() {
            return Err(damaged(Fault::Long(self.rest.len())));
        }
        let (body, len) = match frame(&self.rest).map_err(damaged)? {
            Frame::Whole(body, len) => (body, len),
            Frame::Torn => {
                self.torn = true;
                return Ok(None);
            }
            Frame::Nothing => return Ok(None),
        };
        let entry = whole(body, |from| Entry::take(from, self.before)).map_err(damaged)?;
        self.rest.advance(len);
        self.position += len;
        self.before = entry.at;
        self.ended = matches!(entry.what, Step::End { .. });
        Ok(Some(entry))
    }
}

/// Finds the next frame.
fn frame(rest: &Bytes) -> Result<Frame, Fault> {
    if rest.is_empty() {
        return Ok(Frame::Nothing);
    }
    let mut from = Take(rest.clone());
    let len = match from.len() {
        Ok(len) => len,
        Err(Fault::Short) => return Ok(Frame::Torn),
        Err(fault) => return Err(fault),
    };
    if len > MAX_RECORDED_ENTRY {
        return Err(Fault::TooLong { len, limit: MAX_RECORDED_ENTRY });
    }
    let (Ok(body), Ok(given)) = (from.bytes(len), from.array::<CHECK_LEN>()) else { return Ok(Frame::Torn) };
    if given == check(&body) {
        return Ok(Frame::Whole(body, rest.len() - from.0.len()));
    }
    // What was not written to its end may be garbage. Zeros may follow it, where the file was to be longer.
    if from.0.iter().all(|byte| *byte == 0) {
        return Ok(Frame::Torn);
    }
    Err(Fault::Check)
}

/// Reads a body to its end.
fn whole<T>(body: Bytes, read: impl FnOnce(&mut Take) -> Result<T, Fault>) -> Result<T, Fault> {
    let mut from = Take(body);
    let value = read(&mut from)?;
    if from.0.is_empty() { Ok(value) } else { Err(Fault::Long(from.0.len())) }
}
