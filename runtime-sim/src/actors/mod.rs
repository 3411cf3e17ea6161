//! Programs that run on hosts without an engine.

mod tracker;

pub use tracker::{HttpTracker, TrackerManner};
