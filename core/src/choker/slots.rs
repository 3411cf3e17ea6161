//! How many peers are unchoked at once: more on a faster line, and more while it stands idle.
//!
//! Each slot has a part of the line. A part that is too small takes long for a piece, and nobody can pass on a piece
//! before it is complete; and what the last blocks of a download are asked for comes late. With too few slots a fast line
//! hangs on peers that cannot take what it gives, and those that have nothing to trade seldom get a turn.

use super::ROUND;
use crate::config::UploadSlots;
use crate::time::{Duration, Instant};

/// Time between two looks at the line.
pub(crate) const LOOK: Duration = Duration::from_secs(1);
/// The least: three to trade with, and the optimistic one.
const LEAST: usize = 4;
/// At first, while nothing is known of the line: in a small swarm nobody waits for that.
const FIRST: usize = 8;
/// Bytes a second that are worth one slot, where there is one; four slots are worth 16 times that, and so on, so that
/// both the slots and what each of them gets grow with the line: at 10 Mbit/s there are 5, at 100 Mbit/s 17.
const PER_SLOT: u64 = 40_000;
/// So many times as many as the line is worth may be opened because it stands idle.
const AT_MOST: usize = 4;
/// Thousandths of the time: a line that is idle for more has room for another slot.
const IDLE: u32 = 60;
/// A line that is idle for less is full.
const FULL: u32 = 20;

/// The number of unchoke slots of one torrent.
#[derive(Debug)]
pub(super) struct Slots {
    slots: UploadSlots,
    count: usize,
    /// The fastest that we gave lately, in bytes a second.
    fastest: u64,
    /// Not before then there may be fewer.
    next_round: Instant,
}

impl Slots {
    /// At first.
    pub(super) const fn new(slots: UploadSlots) -> Self {
        let count = match slots {
            UploadSlots::FollowLine => FIRST,
            UploadSlots::Fixed(count) => count,
        };
        Self { slots, count, fastest: 0, next_round: Instant::ZERO }
    }

    /// How many there are.
    pub(super) const fn count(&self) -> usize {
        self.count
    }

    /// Looks at the line, once in [`LOOK`]: we give `rate` bytes a second, and it was idle for `idle` thousandths of the
    /// time since the last look. `wanted`: somebody could use another slot. Only once in a round of the choker there may
    /// be fewer than before.
    pub(super) fn look(&mut self, now: Instant, rate: u64, idle: u32, wanted: bool) {
        if self.slots != UploadSlots::FollowLine {
            return;
        }
        let most = UploadSlots::MOST;
        let round = now >= self.next_round;
        if round {
            self.next_round = now + ROUND;
        }
        let remembered = if round { self.fastest / 4 * 3 } else { self.fastest };
        self.fastest = rate.max(remembered);
        let worth = usize::try_from((self.fastest / PER_SLOT).isqrt()).unwrap_or(most).max(LEAST);
        if self.count < worth {
            self.count = worth;
        } else if idle > IDLE {
            if wanted && self.count < worth.saturating_mul(AT_MOST) {
                self.count += 1;
            }
        } else if idle < FULL && round {
            self.count -= (self.count - worth).div_ceil(2);
        }
        self.count = self.count.min(most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MBIT: u64 = 125_000;

    /// A torrent's slots, looked at once a second.
    struct Line {
        slots: Slots,
        now: Instant,
    }

    impl Line {
        fn new() -> Self {
            Self { slots: Slots::new(UploadSlots::FollowLine), now: Instant::from_secs(100) }
        }

        fn look(&mut self, rate: u64, idle: u32, wanted: bool) -> usize {
            self.slots.look(self.now, rate, idle, wanted);
            self.now = self.now + LOOK;
            self.slots.count()
        }

        fn after_a_minute(&mut self, rate: u64, idle: u32) -> usize {
            (1..60).for_each(|_| _ = self.look(rate, idle, true));
            self.look(rate, idle, true)
        }
    }

    #[test]
    fn a_faster_line_has_more_slots_and_each_of_them_gets_more() {
        let counts = [1, 10, 20, 100, 500].map(|n| Line::new().after_a_minute(n * MBIT, 0));
        assert_eq!(counts, [4, 5, 7, 17, 39]);
        assert_eq!(Line::new().after_a_minute(10_000 * MBIT, 0), 50);
    }

    #[test]
    fn an_idle_line_has_one_more_each_second_until_it_is_full() {
        let mut line = Line::new();
        for count in [9, 10, 11] {
            assert_eq!(line.look(MBIT, 500, true), count);
        }
        assert_eq!(line.look(MBIT, 500, false), 11, "nobody wants another one");
        assert_eq!(line.look(MBIT, 40, true), 11, "there is little room");
        assert_eq!(line.look(MBIT, 0, true), 11, "nobody loses a slot between two rounds");
        assert_eq!(line.after_a_minute(MBIT, 500), 16, "four times what it is worth");
        assert_eq!(line.after_a_minute(MBIT, 0), 4);
    }

    #[test]
    fn a_line_that_becomes_slow_has_fewer_after_a_while() {
        let mut line = Line::new();
        assert_eq!(line.after_a_minute(100 * MBIT, 0), 17);
        assert_eq!(line.look(100 * MBIT, 0, true), 17);
        assert_eq!(line.look(10 * MBIT, 0, true), 17, "not between two rounds");
        line.after_a_minute(10 * MBIT, 0);
        assert_eq!(line.after_a_minute(10 * MBIT, 0), 5);
    }

    #[test]
    fn a_fixed_number_stays() {
        for count in [0, 1, 3, 128] {
            let slots = Slots::new(UploadSlots::Fixed(count));
            let mut line = Line { slots, now: Instant::from_secs(100) };
            assert_eq!(line.slots.count(), count);
            assert_eq!(line.after_a_minute(1_000 * MBIT, 500), count);
            assert_eq!(line.after_a_minute(0, 0), count);
        }
    }
}
