//! How the trackers of a schedule stand: for a progress line, a user interface, a puzzled user.

use super::tracker::State;
use super::{Announcer, TrackerKey};
use crate::time::Instant;
use crate::tracker::{TrackerError, UrlError};

/// How one tracker stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackerStatus<'a> {
    /// Which.
    pub key: TrackerKey,
    /// Its announce URL, secrets included: show it through [`shown_url`](crate::tracker::shown_url).
    pub url: &'a str,
    /// Its tier, from 0.
    pub tier: usize,
    /// What it is doing.
    pub state: TrackerState<'a>,
}

/// What a tracker is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrackerState<'a> {
    /// It cannot be asked.
    Unusable(&'a UrlError),
    /// It has not been asked; another has been enough so far.
    Idle,
    /// It is being asked.
    Asking,
    /// It answered.
    Working {
        /// When it will be asked again.
        next: Instant,
    },
    /// It did not answer, or not with anything of use.
    Failed {
        /// What went wrong.
        error: &'a TrackerError,
        /// When it will be tried again; `None`: not again.
        retry: Option<Instant>,
    },
}

/// How many trackers are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrackerCounts {
    /// Being asked.
    pub asking: u32,
    /// Answered at their last announce.
    pub working: u32,
    /// Failed at their last announce.
    pub failed: u32,
    /// When the first of those that failed is tried again.
    pub retry: Option<Instant>,
}

impl Announcer {
    /// How each tracker stands, in the order in which they are asked.
    pub fn status(&self) -> impl Iterator<Item = TrackerStatus<'_>> {
        let keys =
            self.tiers.iter().enumerate().flat_map(|(tier, t)| t.order.iter().map(move |k| (tier, *k)));
        keys.filter_map(|(tier, key)| {
            let tracker = self.tracker(key)?;
            Some(TrackerStatus { key, url: &tracker.url, tier, state: tracker.status() })
        })
    }

    /// How many trackers are in which state.
    pub fn counts(&self) -> TrackerCounts {
        let mut counts = TrackerCounts::default();
        for tracker in &self.trackers {
            match &tracker.state {
                State::Asking { .. } => counts.asking += 1,
                State::Working { .. } => counts.working += 1,
                State::Failed { retry, .. } => {
                    counts.failed += 1;
                    counts.retry = [counts.retry, *retry].into_iter().flatten().min();
                }
                State::Unusable(_) | State::Idle => {}
            }
        }
        counts
    }
}
