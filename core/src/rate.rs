//! How fast something goes: bytes a second over the last seconds, in whole numbers only.

use crate::time::{Duration, Instant};

const SLOT: Duration = Duration::from_millis(500);
const SLOTS: usize = 8;

/// A sliding sum over the last four seconds, in eight slots. Costs nothing while nothing happens.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rate {
    /// Bytes in each. Where it is more than 4 GiB it counts as that.
    slots: [u32; SLOTS],
    /// The slot that is being filled, counted from the origin of time.
    current: u64,
    /// The first slot that has been counted in.
    since: Option<u64>,
    total: u64,
}

impl Rate {
    /// Counts `bytes` at `now`.
    pub(crate) fn add(&mut self, now: Instant, bytes: u64) {
        self.advance(now);
        self.since.get_or_insert(self.current);
        let slot = &mut self.slots[(self.current % SLOTS as u64) as usize];
        *slot = slot.saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
        self.total += bytes;
    }

    /// Bytes a second: over the last four seconds, or over the time since the first byte if that is less.
    pub(crate) fn per_second(&self, now: Instant) -> u64 {
        let Some(since) = self.since else { return 0 };
        let current = slot(now).max(self.current);
        let stale = current - self.current;
        let fresh = (stale..SLOTS as u64).zip((0..=self.current).rev());
        let sum: u64 = fresh.map(|(_, at)| u64::from(self.slots[(at % SLOTS as u64) as usize])).sum();
        let spans = (current - since + 1).min(SLOTS as u64);
        sum * 1_000 / (spans * SLOT.as_millis() as u64)
    }

    /// All bytes ever counted.
    pub(crate) const fn total(&self) -> u64 {
        self.total
    }

    /// When something was last counted, up to half a second late; `None`: never.
    pub(crate) fn last(&self) -> Option<Instant> {
        let micros = (self.current + 1).saturating_mul(SLOT.as_micros() as u64);
        self.since.map(|_| Instant::ZERO + Duration::from_micros(micros))
    }

    fn advance(&mut self, now: Instant) {
        let slot = slot(now);
        if slot <= self.current {
            return;
        }
        let stale = (slot - self.current).min(SLOTS as u64);
        for n in 0..stale {
            self.slots[((slot - n) % SLOTS as u64) as usize] = 0;
        }
        self.current = slot;
    }
}

/// The slot of a moment, counted from the origin of time.
const fn slot(now: Instant) -> u64 {
    now.as_micros() / SLOT.as_micros() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_stream_is_measured_and_forgotten() {
        let mut rate = Rate::default();
        for tick in 0..80 {
            rate.add(Instant::from_millis(tick * 100), 1_000);
        }
        assert_eq!(rate.per_second(Instant::from_millis(7_999)), 10_000);
        assert_eq!(rate.per_second(Instant::from_secs(60)), 0);
        assert_eq!(rate.total(), 80_000);
        assert_eq!(rate.last(), Some(Instant::from_secs(8)));
    }

    #[test]
    fn what_is_older_than_four_seconds_does_not_count() {
        let mut rate = Rate::default();
        rate.add(Instant::from_millis(200), 8_000);
        rate.add(Instant::from_millis(3_700), 4_000);
        assert_eq!(rate.per_second(Instant::from_millis(3_900)), 3_000);
        assert_eq!(rate.per_second(Instant::from_millis(4_000)), 1_000);
        assert_eq!(rate.per_second(Instant::from_millis(7_400)), 1_000);
        assert_eq!(rate.per_second(Instant::from_millis(7_500)), 0);
    }

    #[test]
    fn the_first_second_is_not_diluted_by_the_silence_before() {
        let mut rate = Rate::default();
        assert_eq!(rate.last(), None);
        rate.add(Instant::from_secs(1_000), 5_000);
        assert_eq!(rate.per_second(Instant::from_secs(1_000)), 10_000);
    }
}
