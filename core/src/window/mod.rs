//! How many requests to keep outstanding with one peer, and when one is late.
//!
//! A request waits at the peer behind those before it. Too few outstanding, and the peer runs dry; too many,
//! and blocks are pinned to a peer that cannot send them soon. So the window grows as in TCP's slow start at
//! first, until blocks are seen to queue; from then on it is the rate times the path's delay plus some slack.

mod delay;
mod rounds;
#[cfg(test)]
mod tests;

use crate::geometry::BLOCK_LEN;
use crate::limits;
use crate::time::{Duration, Instant};
use delay::Delay;
use rounds::Rounds;

/// Requests to begin with: some milliseconds' worth on a fast path, not many seconds' worth on a slow one.
const FIRST: usize = 8;
/// Below this the peer would run dry between two requests.
const LEAST: usize = 2;
/// What a peer holds when it does not say (`reqq`, BEP 10).
const DEFAULT_LIMIT: usize = 250;
/// How much the window grows for each block while it grows: it quadruples in a round trip.
const STEP: usize = 3;
/// The time's worth of blocks that may queue at the peer, so that it does not run dry when we are late or the
/// path becomes slower. At least half the path's delay: the window has to grow on that path, too.
const SLACK: Duration = Duration::from_millis(400);
/// A peer that delivers so many bytes a second is fast: it completes common pieces alone in seconds.
const FAST: u64 = 512 << 10;

/// The window of one peer.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    size: usize,
    limit: usize,
    /// Requests sent and neither answered nor given up, as far as we were told.
    outstanding: usize,
    /// No queue at the peer was seen yet on a path as long as this: the window grows with each block.
    growing: bool,
    snubbed: bool,
    delay: Delay,
    rounds: Rounds,
}

impl Window {
    /// The window of a peer that was asked for nothing yet.
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            size: FIRST,
            limit: DEFAULT_LIMIT,
            outstanding: 0,
            growing: true,
            snubbed: false,
            delay: Delay::new(now),
            rounds: Rounds::new(now),
        }
    }

    /// How many requests may be outstanding: from 1 to [`limits::MAX_OUTSTANDING_REQUESTS`].
    pub(crate) fn size(&self) -> usize {
        if !self.delay.is_probing() {
            return self.size;
        }
        // Less than the path holds, so that the queue drains and the path shows its own delay; even where we
        // took the rate or the delay for too high.
        blocks(self.rounds.rate(), self.delay.base() * 3 / 4).clamp(1, self.size)
    }

    /// `blocks` were asked for.
    pub(crate) fn sent(&mut self, now: Instant, blocks: usize) {
        if self.outstanding == 0 {
            self.rounds.restart(now);
        }
        self.outstanding = self.outstanding.saturating_add(blocks);
        // What a probe leaves of the window says nothing about the peer.
        if self.outstanding >= self.size() && !self.delay.is_probing() {
            self.rounds.filled();
        }
    }

    /// A block of `bytes` that was asked for at `asked_at` is here, late or in time.
    pub(crate) fn received(&mut self, now: Instant, bytes: u32, asked_at: Instant) {
        self.outstanding = self.outstanding.saturating_sub(1);
        self.growing |= self.delay.sample(now, asked_at, !self.growing);
        if self.snubbed {
            self.snubbed = false;
            self.start_over(LEAST);
            self.rounds.restart(now);
            return;
        }
        if self.growing {
            self.grow(now, asked_at);
        }
        if let Some(round) = self.rounds.received(now, bytes, asked_at)
            && !self.growing
        {
            self.resize(round.least);
        }
    }

    /// So many requests were taken back without having run out: cancelled, or rejected (BEP 6).
    pub(crate) fn withdrawn(&mut self, blocks: usize) {
        self.outstanding = self.outstanding.saturating_sub(blocks);
    }

    /// The peer choked us, and with that dropped all requests (BEP 3).
    pub(crate) fn choked(&mut self) {
        self.outstanding = 0;
        if !self.snubbed {
            self.start_over(FIRST);
        }
    }

    /// Requests ran out: the peer snubs us until it delivers something.
    pub(crate) fn timed_out(&mut self, now: Instant) {
        self.outstanding = 0;
        self.snubbed = true;
        self.start_over(1);
        self.growing = false;
        self.rounds.restart(now);
    }

    /// Whether a request ran out and nothing came since.
    pub(crate) const fn is_snubbed(&self) -> bool {
        self.snubbed
    }

    /// How long a request that is sent now may take: from 5 to 60 seconds.
    pub(crate) fn timeout(&self) -> Duration {
        let rate = self.rounds.rate().max(1);
        let micros = (self.size as u64 * u64::from(BLOCK_LEN)).saturating_mul(1_000_000) / rate;
        let queue = if self.rounds.rate() == 0 { Duration::ZERO } else { Duration::from_micros(micros) };
        self.delay.timeout(queue, self.snubbed)
    }

    /// The peer holds at most `reqq` requests (BEP 10).
    pub(crate) fn set_limit(&mut self, reqq: usize) {
        self.limit = reqq.clamp(1, limits::MAX_OUTSTANDING_REQUESTS);
        self.size = self.size.min(self.limit);
    }

    /// Whether it delivers so much that whole pieces may be left to it.
    pub(crate) fn is_fast(&self) -> bool {
        self.rounds.rate() >= FAST
    }

    fn start_over(&mut self, size: usize) {
        self.size = size.min(self.limit);
        self.growing = true;
        self.rounds.forget();
    }

    /// Grows by the block that was asked for at `asked_at`, if the window is what limits us; and no more once
    /// that block had to queue at the peer.
    fn grow(&mut self, now: Instant, asked_at: Instant) {
        let base = self.delay.base();
        if now.since(asked_at) > base + slack(base) {
            self.growing = false;
            // By now the window is several times too large.
            self.size = target(self.rounds.rate_so_far(now, base), base).min(self.size);
            self.rounds.restart(now);
        } else if self.rounds.is_filled() {
            self.size = (self.size + STEP).min(self.limit);
        }
    }

    /// Sets the size by what was measured; `least` is the shortest delay in the last round.
    fn resize(&mut self, least: Duration) {
        let base = self.delay.base();
        // A long queue: the peer is slower than it was, and what it did before is no guide.
        let rate = if least > base + slack(base) * 2 { self.rounds.latest() } else { self.rounds.rate() };
        self.size = target(rate, base).min(self.size * 4).min(self.limit);
    }
}

/// The window that keeps a peer of such a rate, at the end of a path with such a delay, busy.
fn target(rate: u64, base: Duration) -> usize {
    blocks(rate, base + slack(base)) + LEAST
}

fn slack(base: Duration) -> Duration {
    SLACK.max(base / 2)
}

/// How many blocks pass at `rate` bytes a second in `time`, rounded up.
fn blocks(rate: u64, time: Duration) -> usize {
    let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let bytes = rate.saturating_mul(micros) / 1_000_000;
    usize::try_from(bytes.div_ceil(BLOCK_LEN.into()))
        .unwrap_or(usize::MAX)
        .min(limits::MAX_OUTSTANDING_REQUESTS)
}
