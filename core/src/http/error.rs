//! What can be wrong with an HTTP response.

use crate::limits::{MAX_HTTP_BODY, MAX_HTTP_HEAD, MAX_HTTP_HEADERS};
use alloc::boxed::Box;

/// Why a response cannot be used.
///
/// Its text is the latter half of a sentence, without a class: whoever asked knows whom the answer is from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum HttpError {
    /// The first bytes are not `HTTP/`.
    #[error("the answer is not HTTP")]
    NotHttp,
    /// The status line or a header line cannot be read.
    #[error("the head of the HTTP response is malformed")]
    BadHead,
    /// More than [`MAX_HTTP_HEAD`] bytes before the body, interim (1xx) responses counted in.
    #[error("the head of the HTTP response is longer than {MAX_HTTP_HEAD} bytes")]
    HeadTooLong,
    /// More than [`MAX_HTTP_HEADERS`] header lines.
    #[error("the HTTP response has more than {MAX_HTTP_HEADERS} header lines")]
    TooManyHeaders,
    /// `Content-Length` is not a number, or there are several that differ.
    #[error("the length of the HTTP response is malformed")]
    BadLength,
    /// The body, or what it inflates to, is longer than [`MAX_HTTP_BODY`] bytes.
    #[error("the HTTP response is longer than {MAX_HTTP_BODY} bytes")]
    BodyTooLong,
    /// The chunks of the body do not fit together.
    #[error("the HTTP response is malformed: {0}")]
    BadChunk(&'static str),
    /// A content or transfer coding other than gzip and chunked.
    #[error("the HTTP response is encoded as {0:?}, which was not asked for")]
    UnknownCoding(Box<str>),
    /// The gzip data is damaged.
    #[error("the HTTP response is damaged: {0}")]
    BadGzip(&'static str),
    /// The connection ended before the response did.
    #[error("the connection ended before the answer did")]
    Incomplete,
}
