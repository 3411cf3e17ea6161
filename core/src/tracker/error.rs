//! What can go wrong with a tracker.

use crate::input::{NetError, ResolveError};
use alloc::boxed::Box;
use core::time::Duration;

/// Why an announce failed. Texts are the tracker's own and must be escaped before they are shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrackerError {
    /// The URL is not one that we can use.
    #[error("tracker: unusable URL: {0}")]
    Url(Box<str>),
    /// The host's name has no address.
    #[error("tracker: {0}")]
    Resolve(#[from] ResolveError),
    /// No connection.
    #[error("tracker: cannot connect: {0}")]
    Connect(NetError),
    /// The connection broke or ended before the answer was whole.
    #[error("tracker: the connection ended before the answer did")]
    Incomplete,
    /// No whole answer in time.
    #[error("tracker: no answer after {} s", .0.as_secs())]
    TimedOut(Duration),
    /// An HTTP status other than 200, with the beginning of the body.
    #[error("tracker: HTTP {status}: {text}")]
    Status {
        /// The status code.
        status: u16,
        /// The beginning of the body, or the status' reason where there is no body.
        text: Box<str>,
    },
    /// The tracker says no (BEP 3 `failure reason`).
    #[error("tracker: says: {text}")]
    Refused {
        /// The tracker's words.
        text: Box<str>,
        /// When to try again (BEP 31); `None` inside: never.
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
