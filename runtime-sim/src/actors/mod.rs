//! Programs that run on hosts without an engine.

mod peer;
mod tracker;

pub use peer::{Misdeed, ScriptedPeer};
pub use tracker::{HttpTracker, TrackerManner};
