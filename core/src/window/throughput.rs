//! How fast a peer delivers, measured over short intervals: the rate that the window is made of.

use crate::time::{Duration, Instant};

/// An interval lasts at least so long, and at least as long as the path's delay: blocks come in bursts.
const SHORTEST: Duration = Duration::from_millis(200);
/// The best of so many intervals counts: one slow interval is no reason to ask for less.
const REMEMBERED: usize = 3;

/// The current interval, from one block to another, and the rates of the last ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Throughput {
    start: Option<Instant>,
    bytes: u64,
    filled: bool,
    /// Bytes a second, the latest first.
    rates: [u64; REMEMBERED],
}

impl Throughput {
    /// The window is full: this interval measures the peer, and not how little we ask for.
    pub(super) const fn filled(&mut self) {
        self.filled = true;
    }

    /// Whether the window was full in this interval.
    pub(super) const fn is_filled(&self) -> bool {
        self.filled
    }

    /// Counts a block from the end of a path with the delay `base`. Whether there is a new rate.
    pub(super) fn received(&mut self, now: Instant, bytes: u32, base: Duration) -> bool {
        let Some(start) = self.start else {
            self.start = Some(now);
            return false;
        };
        self.bytes += u64::from(bytes);
        let lasted = now.since(start);
        if lasted < base.max(SHORTEST) {
            return false;
        }
        let micros = u64::try_from(lasted.as_micros()).unwrap_or(u64::MAX);
        let rate = self.bytes.saturating_mul(1_000_000) / micros;
        let counts = self.filled || rate > self.rate();
        *self = Self { start: Some(now), rates: self.rates, ..Self::default() };
        if counts {
            self.rates.rotate_right(1);
            self.rates[0] = rate;
        }
        counts
    }

    /// Bytes a second in the best of the last intervals; 0 before the first.
    pub(super) fn rate(&self) -> u64 {
        self.rates.iter().copied().fold(0, u64::max)
    }
}
