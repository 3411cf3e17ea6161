//! How many requests are outstanding, counted so that a mistake does not last.

use crate::limits;
use crate::time::Instant;
use alloc::collections::VecDeque;

/// Requests by the time they were sent.
///
/// Peers answer in order. So when a block comes, what was asked for before it is settled: answered, rejected,
/// cancelled or given up, whether we were told or not.
#[derive(Clone, Debug, Default)]
pub(super) struct Outstanding {
    batches: VecDeque<(Instant, usize)>,
    count: usize,
}

impl Outstanding {
    /// Requests sent and not settled.
    pub(super) const fn count(&self) -> usize {
        self.count
    }

    /// `blocks` were asked for.
    pub(super) fn sent(&mut self, now: Instant, blocks: usize) {
        let blocks = blocks.min(limits::MAX_OUTSTANDING_REQUESTS);
        if blocks == 0 {
            return;
        }
        self.count += blocks;
        match self.batches.back_mut() {
            Some((at, batch)) if *at == now => *batch += blocks,
            _ => self.batches.push_back((now, blocks)),
        }
        // More than this cannot be outstanding: the oldest were settled without an answer.
        while self.batches.len() > 1 && self.count > limits::MAX_OUTSTANDING_REQUESTS {
            self.settle_oldest();
        }
    }

    /// A block that was asked for at `asked_at` is here.
    pub(super) fn received(&mut self, asked_at: Instant) {
        while self.batches.front().is_some_and(|(at, _)| *at < asked_at) {
            self.settle_oldest();
        }
        if let Some((at, batch)) = self.batches.front_mut()
            && *at == asked_at
        {
            *batch -= 1;
            self.count -= 1;
            if *batch == 0 {
                self.batches.pop_front();
            }
        }
    }

    /// `blocks` of those that are outstanding were taken back. Which ones makes no difference to the count.
    pub(super) fn withdrawn(&mut self, mut blocks: usize) {
        while let Some((_, batch)) = self.batches.back_mut()
            && blocks > 0
        {
            let taken = blocks.min(*batch);
            *batch -= taken;
            self.count -= taken;
            blocks -= taken;
            if *batch == 0 {
                self.batches.pop_back();
            }
        }
    }

    fn settle_oldest(&mut self) {
        if let Some((_, batch)) = self.batches.pop_front() {
            self.count -= batch;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(secs: u64) -> Instant {
        Instant::from_secs(secs)
    }

    #[test]
    fn what_was_never_answered_is_settled_by_the_next_answer() {
        let mut outstanding = Outstanding::default();
        outstanding.sent(at(1), 8);
        outstanding.sent(at(2), 4);
        outstanding.sent(at(2), 1);
        outstanding.received(at(1));
        assert_eq!(outstanding.count(), 12);
        outstanding.received(at(2));
        assert_eq!(outstanding.count(), 4);
        // An answer out of order, or to nothing, changes nothing.
        outstanding.received(at(1));
        assert_eq!(outstanding.count(), 4);
        (0..9).for_each(|_| outstanding.received(at(2)));
        assert_eq!(outstanding.count(), 0);
    }

    #[test]
    fn what_is_taken_back_is_not_outstanding() {
        let mut outstanding = Outstanding::default();
        outstanding.sent(at(1), 8);
        outstanding.sent(at(2), 4);
        outstanding.withdrawn(5);
        assert_eq!(outstanding.count(), 7);
        (0..7).for_each(|_| outstanding.received(at(1)));
        assert_eq!(outstanding.count(), 0);
        outstanding.withdrawn(1);
        assert_eq!(outstanding.count(), 0);
    }

    #[test]
    fn a_peer_that_never_answers_costs_no_memory() {
        let mut outstanding = Outstanding::default();
        for secs in 0..100_000 {
            outstanding.sent(at(secs), 1);
        }
        assert_eq!(outstanding.count(), limits::MAX_OUTSTANDING_REQUESTS);
        assert_eq!(outstanding.batches.len(), limits::MAX_OUTSTANDING_REQUESTS);
        outstanding.sent(at(100_000), 0);
        outstanding.sent(at(100_001), usize::MAX);
        assert_eq!(outstanding.count(), limits::MAX_OUTSTANDING_REQUESTS);
    }
}
