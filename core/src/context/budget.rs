//! One budget for payload in memory, and which connections are not read while it is spent.

use super::outbox::Outbox;
use crate::action::Action;
use crate::config::MIN_MEMORY_BUDGET;
use crate::ids::ConnId;
use alloc::collections::BTreeSet;

/// Bytes of payload between a socket and the disk, over all torrents.
///
/// Above the high mark a connection that delivers is no longer read; below the low mark all are again. Two
/// marks, so that reading does not stop and start with every block.
#[derive(Debug)]
pub(crate) struct Budget {
    high: usize,
    low: usize,
    used: usize,
    paused: BTreeSet<ConnId>,
}

impl Budget {
    pub(crate) fn new(limit: usize) -> Self {
        let high = limit.max(MIN_MEMORY_BUDGET);
        Self { high, low: high / 2, used: 0, paused: BTreeSet::new() }
    }

    /// Whether gathered blocks should go to the disk now rather than wait for longer runs.
    pub(crate) const fn is_tight(&self) -> bool {
        self.used >= self.low
    }

    /// Bytes in memory now.
    pub(crate) const fn used(&self) -> usize {
        self.used
    }

    /// Payload came in on `conn` and will go to the disk.
    pub(crate) fn take(&mut self, out: &mut Outbox, conn: ConnId, bytes: usize) {
        self.used += bytes;
        if self.used >= self.high && self.paused.insert(conn) {
            out.act(Action::SetReadable { conn, readable: false });
        }
    }

    /// Payload has reached the disk, or was dropped.
    pub(crate) fn give(&mut self, out: &mut Outbox, bytes: usize) {
        debug_assert!(bytes <= self.used, "more given back than taken");
        self.used = self.used.saturating_sub(bytes);
        if self.used <= self.low {
            while let Some(conn) = self.paused.pop_first() {
                out.act(Action::SetReadable { conn, readable: true });
            }
        }
    }

    /// Whether a connection is not being read.
    pub(crate) fn is_paused(&self, conn: ConnId) -> bool {
        self.paused.contains(&conn)
    }

    /// A connection has ended.
    pub(crate) fn forget(&mut self, conn: ConnId) {
        self.paused.remove(&conn);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_stops_at_the_high_mark_and_goes_on_at_the_low_one() {
        let (mut out, conn) = (Outbox::default(), ConnId::accepted(1));
        let mut budget = Budget::new(MIN_MEMORY_BUDGET);
        budget.take(&mut out, conn, MIN_MEMORY_BUDGET);
        assert_eq!(out.next_action(), Some(Action::SetReadable { conn, readable: false }));
        budget.give(&mut out, 1);
        assert_eq!(out.next_action(), None);
        budget.give(&mut out, MIN_MEMORY_BUDGET / 2);
        assert_eq!(out.next_action(), Some(Action::SetReadable { conn, readable: true }));
    }

    #[test]
    fn a_connection_that_ended_is_not_resumed() {
        let (mut out, conn) = (Outbox::default(), ConnId::accepted(1));
        let mut budget = Budget::new(MIN_MEMORY_BUDGET);
        budget.take(&mut out, conn, MIN_MEMORY_BUDGET);
        out.next_action();
        budget.forget(conn);
        budget.give(&mut out, MIN_MEMORY_BUDGET);
        assert_eq!(out.next_action(), None);
    }
}
