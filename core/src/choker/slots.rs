//! How many peers are unchoked at once: more on a faster line, and more while it stands idle.
//!
//! Each slot has a part of the line. A part that is too small takes long for a piece, and nobody can pass on a piece
//! before it is complete; and what the last blocks of a download are asked for comes late. With too few slots a fast line
//! hangs on peers that cannot take what it gives, and those that have nothing to trade seldom get a turn.

use crate::time::Duration;

/// Time between two looks at the line.
pub(crate) const LOOK: Duration = Duration::from_secs(1);
/// The least, if that many are allowed: three to trade with, and the optimistic one.
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
pub(crate) struct Slots {
    most: usize,
    count: usize,
    /// The fastest that we gave lately, in bytes a second.
    fastest: u64,
}

impl Slots {
    /// At first, of at most `most`.
    pub(crate) fn new(most: usize) -> Self {
        Self { most, count: FIRST.min(most), fastest: 0 }
    }

    /// How many there are.
    pub(crate) const fn count(&self) -> usize {
        self.count
    }

    /// Looks at the line, once in [`LOOK`]: we give `rate` bytes a second, and it was idle for `idle` thousandths of the
    /// time since the last look. `wanted`: somebody could use another slot. Only at the time of a `round` there may be
    /// fewer than before.
    pub(crate) fn look(&mut self, rate: u64, idle: u32, wanted: bool, round: bool) {
        let remembered = if round { self.fastest / 4 * 3 } else { self.fastest };
        self.fastest = rate.max(remembered);
        let worth = usize::try_from((self.fastest / PER_SLOT).isqrt()).unwrap_or(self.most).max(LEAST);
        if self.count < worth {
            self.count = worth;
        } else if idle > IDLE {
            if wanted && self.count < worth.saturating_mul(AT_MOST) {
                self.count += 1;
            }
        } else if idle < FULL && round {
            self.count -= (self.count - worth).div_ceil(2);
        }
        self.count = self.count.min(self.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MBIT: u64 = 125_000;

    /// After a minute at this rate on a full line.
    fn after_a_minute(slots: &mut Slots, rate: u64, idle: u32) -> usize {
        (1..=60).for_each(|second| slots.look(rate, idle, true, second % 10 == 0));
        slots.count()
    }

    #[test]
    fn a_faster_line_has_more_slots_and_each_of_them_gets_more() {
        let counts = [1, 10, 20, 100, 500].map(|n| after_a_minute(&mut Slots::new(50), n * MBIT, 0));
        assert_eq!(counts, [4, 5, 7, 17, 39]);
        assert_eq!(after_a_minute(&mut Slots::new(50), 10_000 * MBIT, 0), 50);
    }

    #[test]
    fn an_idle_line_has_one_more_each_second_until_it_is_full() {
        let mut slots = Slots::new(50);
        for count in [9, 10, 11] {
            slots.look(MBIT, 500, true, false);
            assert_eq!(slots.count(), count);
        }
        slots.look(MBIT, 500, false, false);
        assert_eq!(slots.count(), 11, "nobody wants another one");
        slots.look(MBIT, 40, true, false);
        assert_eq!(slots.count(), 11, "there is little room");
        assert_eq!(after_a_minute(&mut slots, MBIT, 500), 16, "four times what it is worth");
        slots.look(MBIT, 0, true, false);
        assert_eq!(slots.count(), 16, "nobody loses a slot between two rounds");
        assert_eq!(after_a_minute(&mut slots, MBIT, 0), 4);
    }

    #[test]
    fn a_line_that_becomes_slow_has_fewer_after_a_while() {
        let mut slots = Slots::new(50);
        assert_eq!(after_a_minute(&mut slots, 100 * MBIT, 0), 17);
        slots.look(10 * MBIT, 0, true, false);
        assert_eq!(slots.count(), 17);
        after_a_minute(&mut slots, 10 * MBIT, 0);
        assert_eq!(after_a_minute(&mut slots, 10 * MBIT, 0), 5);
    }

    #[test]
    fn there_are_never_more_than_allowed() {
        for most in [0, 1, 3, 8] {
            let mut slots = Slots::new(most);
            assert!(slots.count() <= most);
            assert_eq!(after_a_minute(&mut slots, 1_000 * MBIT, 500), most);
        }
    }
}
