//! How fast a peer delivers, measured over whole round trips: the rate that the window is made of.

use crate::time::{Duration, Instant};

/// A round lasts at least so long, so that one read of the socket is not taken for a rate.
const MIN_ROUND: Duration = Duration::from_millis(5);
/// The best of so many rounds counts: one slow round is no reason to ask for less.
const REMEMBERED: usize = 3;

/// The current round and the rates of the last ones. A round ends when a block comes that was asked for after
/// the round began.
#[derive(Clone, Debug)]
pub(super) struct Rounds {
    start: Instant,
    bytes: u64,
    least: Duration,
    filled: bool,
    /// The round before was filled: what is left of one read of the socket belongs to that.
    filled_before: bool,
    /// Bytes a second, the latest first.
    rates: [u64; REMEMBERED],
}

/// A round that ended and says something.
#[derive(Clone, Copy, Debug)]
pub(super) struct Round {
    /// The shortest delay of its blocks.
    pub(super) least: Duration,
}

impl Rounds {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            start: now,
            bytes: 0,
            least: Duration::MAX,
            filled: false,
            filled_before: false,
            rates: [0; REMEMBERED],
        }
    }

    /// Begins a new round; the one under way says nothing.
    pub(super) const fn restart(&mut self, now: Instant) {
        *self = Self { rates: self.rates, ..Self::new(now) };
    }

    /// Forgets all that was measured.
    pub(super) const fn forget(&mut self) {
        *self = Self::new(self.start);
    }

    /// The window is full: this round measures the peer, and not how little we ask for.
    pub(super) const fn filled(&mut self) {
        self.filled = true;
    }

    /// Whether the window was full in this round or the one before.
    pub(super) const fn is_filled(&self) -> bool {
        self.filled || self.filled_before
    }

    /// Counts a block; the round, if the block ends it and it is worth something.
    pub(super) fn received(&mut self, now: Instant, bytes: u32, asked_at: Instant) -> Option<Round> {
        self.bytes += u64::from(bytes);
        self.least = self.least.min(now.since(asked_at));
        let lasted = now.since(self.start);
        if asked_at < self.start || lasted < MIN_ROUND {
            return None;
        }
        let rate = per_second(self.bytes, lasted);
        let round = Round { least: self.least };
        let filled = self.filled;
        let counts = filled || rate > self.rate();
        self.restart(now);
        self.filled_before = filled;
        if !counts {
            return None;
        }
        self.rates.rotate_right(1);
        self.rates[0] = rate;
        Some(round)
    }

    /// Bytes a second in the best of the last rounds; 0 before the first.
    pub(super) fn rate(&self) -> u64 {
        self.rates.iter().copied().fold(0, u64::max)
    }

    /// Bytes a second in the best of the last rounds and the one under way, if it is under way for `enough`.
    pub(super) fn rate_so_far(&self, now: Instant, enough: Duration) -> u64 {
        let lasted = now.since(self.start);
        if lasted < enough.max(MIN_ROUND) {
            self.rate()
        } else {
            self.rate().max(per_second(self.bytes, lasted))
        }
    }

    /// Bytes a second in the last round.
    pub(super) const fn latest(&self) -> u64 {
        self.rates[0]
    }
}

fn per_second(bytes: u64, time: Duration) -> u64 {
    let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX).max(1);
    bytes.saturating_mul(1_000_000) / micros
}
