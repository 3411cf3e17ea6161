//! Whose turn it is among those who name addresses: each gets its share, however many another one names.

use crate::announcer::TrackerKey;
use alloc::collections::BTreeMap;

/// The turns of addresses that were never dialled: each tracker's addresses follow one another, beginning with the turn
/// that has come when it names them. So the few of one tracker do not wait behind the thousands of another.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// The latest that has come.
    now: u64,
    /// The turn of the address that each tracker named last.
    last: BTreeMap<TrackerKey, u64>,
}

impl Turns {
    /// The turn of one more address of a tracker.
    pub(super) fn of(&mut self, tracker: TrackerKey) -> u64 {
        let last = self.last.entry(tracker).or_default();
        *last = (*last).max(self.now) + 1;
        *last
    }

    /// The turn that comes next.
    pub(super) const fn next(&self) -> u64 {
        self.now + 1
    }

    /// An address with this turn is dialled.
    pub(super) fn reached(&mut self, turn: u64) {
        self.now = self.now.max(turn);
    }
}
