//! When all peers together have been asked for enough: for what our line takes in a while.
//!
//! Each window holds what one peer delivers in its delay and a bit. Where many deliver at once and it is our line that is
//! full, the queue before it is in every delay and never gone, so that each window grows for the sake of all others: of
//! forty seeds, as much as our line takes in eight seconds. Then requests run out of time although nobody is late,
//! blocks come twice, and the end of a download waits for whom it asked long ago.

use super::throughput::Throughput;
use crate::geometry::BLOCK_LEN;
use crate::time::{Duration, Instant};

/// The time's worth of blocks that may be outstanding with all peers together.
const ENOUGH: Duration = Duration::from_millis(1_500);
/// But always so many: a MiB.
const LEAST_TOGETHER: usize = 64;
/// The rate is measured for at least so long.
const INTERVAL: Duration = Duration::from_millis(500);

/// How fast all peers together deliver.
#[derive(Debug, Default)]
pub(crate) struct Intake {
    throughput: Throughput,
}

impl Intake {
    /// A block of `bytes` came from somebody.
    pub(crate) fn received(&mut self, now: Instant, bytes: u32) {
        self.throughput.filled();
        self.throughput.received(now, bytes, INTERVAL);
    }

    /// Whether `requests`, with all peers together, are enough.
    pub(crate) fn is_enough(&self, requests: usize) -> bool {
        let bytes = self.throughput.rate().saturating_mul(ENOUGH.as_millis() as u64) / 1_000;
        let blocks = usize::try_from(bytes / u64::from(BLOCK_LEN)).unwrap_or(usize::MAX);
        requests >= blocks.max(LEAST_TOGETHER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_line_takes_in_a_second_and_a_half_is_enough() {
        let mut intake = Intake::default();
        assert!(intake.is_enough(64) && !intake.is_enough(63), "before anything came");
        // 100 blocks a second.
        let mut at = Instant::from_secs(5);
        for _ in 0..=200 {
            intake.received(at, BLOCK_LEN);
            at = at + Duration::from_millis(10);
        }
        assert!(intake.is_enough(150) && !intake.is_enough(149));
    }

    #[test]
    fn on_a_slow_line_a_mebibyte_is_enough() {
        let mut intake = Intake::default();
        for secs in 0..10 {
            intake.received(Instant::from_secs(secs), BLOCK_LEN);
        }
        assert!(intake.is_enough(64) && !intake.is_enough(63));
    }
}
