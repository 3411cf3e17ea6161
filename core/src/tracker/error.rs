//! What can go wrong with a tracker.

use crate::http::HttpError;
use crate::input::{NetError, ResolveError};
use crate::limits::MAX_URL;
use alloc::boxed::Box;
use core::time::Duration;

/// Why an announce failed. Texts are the tracker's own and must be escaped before they are shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrackerError {
    /// The URL is not one that we can use.
    #[error("tracker: {0}")]
    Url(#[from] UrlError),
    /// The host's name has no address.
    #[error("tracker: {0}")]
    Resolve(#[from] ResolveError),
    /// No connection, or no TLS on it.
    #[error("tracker: cannot connect: {0}")]
    Connect(NetError),
    /// The connection broke before the answer was whole.
    #[error("tracker: the connection broke: {0}")]
    Broken(NetError),
    /// The connection ended before the answer was whole.
    #[error("tracker: the connection ended before the answer did")]
    Incomplete,
    /// No whole answer in time.
    #[error("tracker: no answer after {} s", .0.as_secs())]
    TimedOut(Duration),
    /// An answer that is not HTTP, or exceeds a limit.
    #[error("tracker: {0}")]
    Http(HttpError),
    /// An HTTP status other than 200, with the beginning of the body.
    #[error("tracker: HTTP {status}: {text}")]
    Status {
        /// The status code.
        status: u16,
        /// The most useful line of the body, or the status' reason where there is no body. One line, at most
        /// [`MAX_SHOWN_TEXT`](crate::limits::MAX_SHOWN_TEXT) characters.
        text: Box<str>,
    },
    /// The tracker says no (BEP 3 `failure reason`).
    #[error("tracker: says: {text}")]
    Refused {
        /// The tracker's words. One line, at most [`MAX_SHOWN_TEXT`](crate::limits::MAX_SHOWN_TEXT)
        /// characters.
        text: Box<str>,
        /// When to try again (BEP 31), where the tracker says so.
        retry_in: Option<RetryIn>,
    },
    /// An answer that makes no sense.
    #[error("tracker: unusable answer: {0}")]
    Garbage(Box<str>),
    /// More redirects than are followed, or one to where it may not lead.
    #[error("tracker: {0}")]
    Redirect(Box<str>),
}

/// When a tracker that refused wants to be asked again (BEP 31).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RetryIn {
    /// After so long.
    After(Duration),
    /// Never.
    Never,
}

/// Why a URL is not one of a tracker that we can ask.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum UrlError {
    /// A kind of tracker that we do not speak to.
    #[error("{0} trackers are not supported; http and https ones are")]
    Scheme(Box<str>),
    /// It is not a URL, or one without a usable host or port.
    #[error("unusable URL: {0}")]
    Malformed(Box<str>),
    /// It has more than [`MAX_URL`] bytes.
    #[error("unusable URL: longer than {MAX_URL} bytes")]
    TooLong,
}
