//! How many requests to keep outstanding with one peer, and when one is late.
//!
//! A request waits at the peer behind those before it. Too few outstanding, and the peer runs dry; too many,
//! and blocks are pinned to a peer that cannot send them soon. So the window grows as in TCP's slow start at
//! first, until blocks are seen to queue; from then on it is the rate times the path's delay plus some slack.

mod delay;
mod intake;
mod outstanding;
#[cfg(test)]
mod tests;
mod throughput;

use crate::geometry::BLOCK_LEN;
use crate::limits;
use crate::time::{Duration, Instant};
use delay::Delay;
pub(crate) use intake::Intake;
use outstanding::Outstanding;
use throughput::Throughput;

/// Requests to begin with: some milliseconds' worth on a fast path, not many seconds' worth on a slow one.
const FIRST: usize = 8;
/// Where the path there and back takes so long, it is the round trips until the window is full that cost time.
const FAR: Duration = Duration::from_millis(150);
/// Requests to begin with on such a path.
const FIRST_FAR: usize = 24;
/// Below this the peer would run dry between two requests.
const LEAST: usize = 2;
/// What a peer holds when it does not say (`reqq`, BEP 10).
const DEFAULT_LIMIT: usize = 250;
/// How much the window grows for each block while it grows: it quadruples in a round trip.
const STEP: usize = 3;
/// On a [`FAR`] path it grows eightfold.
const STEP_FAR: usize = 7;
/// The time's worth of blocks that may queue at the peer, so that it does not run dry when we are late or the
/// path becomes slower.
const SLACK: Duration = Duration::from_millis(400);
/// While all peers together were asked for enough, each of them is asked for so much, so that it does not stand idle; and
/// for what it delivers in [`NEAR`], or in its delay if that is less, for those that hold most of it may be stuck.
const SHARE: usize = 2;
/// More of a delay may be a queue of our own line.
const NEAR: Duration = Duration::from_millis(200);
/// Where the path seems to take longer, a queue of our own line may be in it.
const LONG: Duration = Duration::from_millis(500);
/// In endgame, blocks that come so soon are not asked of others too.
const PROMPT: Duration = Duration::from_secs(1);
/// A peer that delivers so many bytes a second is fast: it completes common pieces alone in seconds.
const FAST: u64 = 512 << 10;

/// The window of one peer.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    /// The path is long.
    far: bool,
    size: usize,
    limit: usize,
    outstanding: Outstanding,
    /// No queue at the peer was seen yet: the window grows with each block.
    growing: bool,
    snubbed: bool,
    /// When the first of the requests ran out that were sent together.
    ran_out: Instant,
    delay: Delay,
    throughput: Throughput,
}

impl Window {
    /// The window of a peer that was asked for nothing yet. The path there and back takes `round_trip`, if that is known:
    /// what blocks show of it is longer, where the peer is slow.
    pub(crate) fn new(now: Instant, round_trip: Option<Duration>) -> Self {
        let far = round_trip.is_some_and(|time| time >= FAR);
        Self {
            far,
            size: first(far),
            limit: DEFAULT_LIMIT,
            outstanding: Outstanding::default(),
            growing: true,
            snubbed: false,
            ran_out: now,
            delay: Delay::new(now),
            throughput: Throughput::default(),
        }
    }

    /// How many requests may be outstanding: from 1 to [`limits::MAX_OUTSTANDING_REQUESTS`].
    pub(crate) fn size(&self) -> usize {
        if !self.delay.is_probing() {
            return self.size;
        }
        // Less than the path holds, so that the queue drains and the path shows its own delay; even where we
        // took the rate or the delay for too high.
        blocks(self.throughput.rate(), self.delay.base() * 3 / 4).clamp(1, self.size)
    }

    /// How many requests may be outstanding where all peers together were asked for enough. Who is new, and answers
    /// at once, may show what it can.
    pub(crate) fn size_in_crowd(&self) -> usize {
        let is_new = self.growing && self.delay.base() < LONG;
        let share = blocks(self.throughput.rate(), self.delay.base().min(NEAR)).max(SHARE);
        if is_new { self.size() } else { self.size().min(share) }
    }

    /// `blocks` were asked for.
    pub(crate) fn sent(&mut self, now: Instant, blocks: usize) {
        self.outstanding.sent(now, blocks);
        self.note_filled();
    }

    /// A block of `bytes` that was asked for at `asked_at` is here, late or in time.
    pub(crate) fn received(&mut self, now: Instant, bytes: u32, asked_at: Instant) {
        self.note_filled();
        self.outstanding.received(asked_at);
        self.delay.sample(now, asked_at, !self.growing);
        if self.snubbed {
            self.snubbed = false;
            self.start_over(LEAST);
            return;
        }
        if self.growing {
            self.grow(now, asked_at);
        }
        if self.throughput.received(now, bytes, self.delay.base()) && !self.growing {
            let wanted = blocks(self.throughput.rate(), self.delay.base() + SLACK) + LEAST;
            self.size = wanted.min(self.limit);
        }
    }

    /// So many requests were taken back without having run out: cancelled, or rejected (BEP 6).
    pub(crate) fn withdrawn(&mut self, blocks: usize) {
        self.outstanding.withdrawn(blocks);
    }

    /// The peer choked us, and with that dropped all requests (BEP 3).
    pub(crate) fn choked(&mut self) {
        self.outstanding = Outstanding::default();
        if !self.snubbed {
            self.start_over(first(self.far));
        }
    }

    /// Requests ran out: the peer snubs us until it delivers something.
    pub(crate) fn timed_out(&mut self, now: Instant) {
        if !self.snubbed {
            self.snubbed = true;
            self.ran_out = now;
        } else if now.since(self.ran_out) >= self.timeout() {
            // What was sent since ran out, too. The next may take longer: the peer could merely be slow.
            self.delay.doubt();
            self.ran_out = now;
        }
        self.start_over(1);
        self.growing = false;
    }

    /// Whether a request ran out and nothing came since.
    pub(crate) const fn is_snubbed(&self) -> bool {
        self.snubbed
    }

    /// How long a request may take, as things stand now: from 5 to 60 seconds.
    pub(crate) fn timeout(&self) -> Duration {
        let measured = self.snubbed || self.throughput.rate() > 0;
        if measured { self.delay.timeout() } else { self.delay.first_timeout() }
    }

    /// The peer holds at most `reqq` requests (BEP 10).
    pub(crate) fn set_limit(&mut self, reqq: usize) {
        self.limit = reqq.clamp(1, limits::MAX_OUTSTANDING_REQUESTS);
        self.size = self.size.min(self.limit);
    }

    /// Whether it delivers so much that whole pieces may be left to it.
    pub(crate) fn is_fast(&self) -> bool {
        self.throughput.rate() >= FAST
    }

    /// Whether what is outstanding will be here soon, as things go: all of it within a second, and the oldest of it,
    /// asked for at `oldest`, not later than usual.
    pub(crate) fn is_prompt(&self, now: Instant, oldest: Instant) -> bool {
        let soon = blocks(self.throughput.rate(), PROMPT);
        !self.snubbed
            && self.outstanding.count() <= soon
            && now.since(oldest) <= self.delay.usual().max(PROMPT / 2)
    }

    /// Requests go out in batches, so a window counts as full when most of it is. What a probe leaves of it
    /// is not: it says nothing about the peer.
    fn note_filled(&mut self) {
        if self.outstanding.count() * 4 >= self.size * 3 {
            self.throughput.filled();
        }
    }

    fn start_over(&mut self, size: usize) {
        self.size = size.min(self.limit);
        self.growing = true;
        self.throughput = Throughput::default();
    }

    /// Grows by the block that was asked for at `asked_at`, if the window is what limits us; and no more once
    /// that block had to queue at the peer.
    fn grow(&mut self, now: Instant, asked_at: Instant) {
        if now.since(asked_at) > self.delay.base() + SLACK {
            self.growing = false;
        } else if self.throughput.is_filled() {
            let step = if self.far { STEP_FAR } else { STEP };
            self.size = (self.size + step).min(self.limit);
        }
    }
}

const fn first(far: bool) -> usize {
    if far { FIRST_FAR } else { FIRST }
}

/// How many blocks pass at `rate` bytes a second in `time`, rounded up.
fn blocks(rate: u64, time: Duration) -> usize {
    let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let bytes = rate.saturating_mul(micros) / 1_000_000;
    usize::try_from(bytes.div_ceil(BLOCK_LEN.into()))
        .unwrap_or(usize::MAX)
        .min(limits::MAX_OUTSTANDING_REQUESTS)
}
