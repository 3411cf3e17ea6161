//! Trackers: what is asked of one and what it answers, whatever carries it.

mod announce;
mod announce_url;
mod error;
pub mod http;
pub(crate) mod reach;
pub mod server;
mod text;

pub use announce::{AnnounceEvent, AnnounceParams, AnnounceResponse};
pub use announce_url::{check_url, shown_url};
pub use error::{RetryIn, TrackerError, UrlError};
