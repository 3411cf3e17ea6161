//! Trackers: what is asked of one and what it answers, whatever carries it.

mod error;

pub use error::{RetryIn, TrackerError};
