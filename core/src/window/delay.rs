//! How long the path and the peer take for a block, apart from the queue that we cause ourselves; and how
//! long is too long.

use crate::time::{Duration, Instant};

/// Before anything is measured.
const FIRST_TIMEOUT: Duration = Duration::from_secs(20);
const MIN_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_TIMEOUT: Duration = Duration::from_secs(60);
/// How often the time-out doubles: from the least to the most.
const MAX_DOUBTS: u32 = 4;
/// How long the least delay is believed without being seen again; but never less than so many times itself,
/// since a probe costs a part of a round trip.
const BELIEVED: Duration = Duration::from_secs(5);
const BELIEVED_ROUNDS: u32 = 32;
/// Blocks that are measured without a queue before the least of their delays is believed.
const PROBE_BLOCKS: u32 = 4;

/// The delays of one peer's blocks.
///
/// The least is the path's own. It cannot be the least of the last seconds, since our own queue is in all of
/// them: the window would grow by it again and again. So when the least was not seen for a while, a probe
/// asks for the window to shrink until the queue is gone, and takes the least of the next few delays.
#[derive(Clone, Debug)]
pub(super) struct Delay {
    base: Option<Duration>,
    /// When a delay was last close to `base`.
    seen: Instant,
    probe: Option<Probe>,
    /// The mean and the mean deviation, as in RFC 6298.
    mean: Duration,
    spread: Duration,
    /// Failures in a row.
    doubts: u32,
}

#[derive(Clone, Copy, Debug)]
struct Probe {
    since: Instant,
    blocks_left: u32,
    least: Duration,
}

impl Delay {
    pub(super) const fn new(now: Instant) -> Self {
        Self { base: None, seen: now, probe: None, mean: Duration::ZERO, spread: Duration::ZERO, doubts: 0 }
    }

    /// A block that was asked for at `asked_at` is here. A probe is only begun where `may_probe`.
    pub(super) fn sample(&mut self, now: Instant, asked_at: Instant, may_probe: bool) {
        let delay = now.since(asked_at);
        self.doubts = 0;
        let Some(base) = self.base else {
            self.base = Some(delay);
            self.seen = now;
            self.mean = delay;
            self.spread = delay / 2;
            return;
        };
        self.spread = (self.spread * 3 + self.mean.abs_diff(delay)) / 4;
        self.mean = (self.mean * 7 + delay) / 8;
        if let Some(probe) = self.probe {
            self.probe = self.go_on(probe, now, asked_at);
        } else if delay <= base + base / 8 {
            self.base = Some(base.min(delay));
            self.seen = now;
        } else if may_probe && now.since(self.seen) >= BELIEVED.max(base * BELIEVED_ROUNDS) {
            self.probe = Some(Probe::new(now));
        }
    }

    /// The delay of the path and the peer without a queue; zero before the first block.
    pub(super) fn base(&self) -> Duration {
        self.base.unwrap_or_default()
    }

    /// Whether the queue should be gone for a moment.
    pub(super) const fn is_probing(&self) -> bool {
        self.probe.is_some()
    }

    /// When a request is late. The queue that it finds is in what was measured.
    pub(super) fn timeout(&self) -> Duration {
        self.patience().saturating_mul(1 << self.doubts).min(MAX_TIMEOUT)
    }

    /// When a request is late while few blocks were seen, and those perhaps before the queue had formed.
    pub(super) fn first_timeout(&self) -> Duration {
        self.patience().clamp(FIRST_TIMEOUT, MAX_TIMEOUT)
    }

    /// A request was late: the next may take twice as long, until something arrives.
    pub(super) fn doubt(&mut self) {
        self.doubts = (self.doubts + 1).min(MAX_DOUBTS);
    }

    /// The time that nearly all requests take, our queue included.
    pub(super) fn usual(&self) -> Duration {
        self.mean + self.spread * 4
    }

    /// Twice that.
    fn patience(&self) -> Duration {
        (self.usual() * 2).max(MIN_TIMEOUT)
    }

    /// What is left of the probe after a block. At its end the least delay in it is the path's.
    fn go_on(&mut self, mut probe: Probe, now: Instant, asked_at: Instant) -> Option<Probe> {
        if asked_at < probe.since {
            return Some(probe);
        }
        probe.least = probe.least.min(now.since(asked_at));
        probe.blocks_left -= 1;
        if probe.blocks_left > 0 {
            return Some(probe);
        }
        // Where it is much less than before, even this queue may be our own: probe again, with a smaller one.
        let again = probe.least < self.base() * 7 / 8;
        self.base = Some(probe.least);
        self.seen = now;
        again.then(|| Probe::new(now))
    }
}

impl Probe {
    const fn new(now: Instant) -> Self {
        Self { since: now, blocks_left: PROBE_BLOCKS, least: Duration::MAX }
    }
}
