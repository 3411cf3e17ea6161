//! The blocks that were asked of one peer, in order, and those that may still come although given up.

use crate::ids::BlockId;
use crate::limits::MAX_LATE_BLOCKS;
use crate::time::{Duration, Instant};
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// Requests outstanding with one peer. Peers answer in order, so nearly every answer is at the front.
#[derive(Clone, Debug, Default)]
pub(crate) struct Requests {
    queue: VecDeque<(BlockId, Instant)>,
    late: VecDeque<(BlockId, Instant)>,
}

/// Whether an arriving block was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Yes, at this time.
    At(Instant),
    /// It was, at this time, and has been given up since: timed out, or cancelled because another was faster.
    Late(Instant),
    /// Never.
    Never,
}

/// Whether a rejected block was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rejected {
    /// Yes, at this time, and it is not any more.
    Outstanding(Instant),
    /// It was, and has been given up since.
    Late,
    /// Never.
    Never,
}

impl Requests {
    /// How many are outstanding.
    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// When the oldest was sent.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        self.queue.front().map(|(_, at)| *at)
    }

    /// All requests count as sent now: we have not been listening.
    pub(crate) fn restart(&mut self, now: Instant) {
        self.queue.iter_mut().for_each(|(_, at)| *at = now);
    }

    /// A request was sent.
    pub(crate) fn push(&mut self, now: Instant, block: BlockId) {
        self.queue.push_back((block, now));
    }

    /// A block arrived.
    pub(crate) fn arrived(&mut self, block: BlockId) -> Asked {
        if let Some((_, asked)) = self.take(block) {
            return Asked::At(asked);
        }
        let late = self.late.iter().position(|(b, _)| *b == block).and_then(|at| self.late.remove(at));
        late.map_or(Asked::Never, |(_, asked)| Asked::Late(asked))
    }

    /// The peer said that it will not send a block (BEP 6).
    ///
    /// Peers answer in order: where the block was given up and asked for again, this is about the first time.
    pub(crate) fn rejected(&mut self, block: BlockId) -> Rejected {
        if let Some(at) = self.late.iter().position(|(b, _)| *b == block) {
            self.late.remove(at);
            return Rejected::Late;
        }
        self.take(block).map_or(Rejected::Never, |(_, asked)| Rejected::Outstanding(asked))
    }

    fn take(&mut self, block: BlockId) -> Option<(BlockId, Instant)> {
        let at = self.queue.iter().position(|(b, _)| *b == block)?;
        self.queue.remove(at)
    }

    /// We no longer want a block from this peer; it may come all the same. Says whether it was outstanding.
    pub(crate) fn give_up(&mut self, block: BlockId) -> bool {
        let Some(request) = self.take(block) else { return false };
        self.push_late(request);
        true
    }

    /// Gives up the requests that were sent more than `timeout` before `now`.
    pub(crate) fn take_overdue(&mut self, now: Instant, timeout: Duration) -> Vec<BlockId> {
        let mut overdue = Vec::new();
        while let Some((block, at)) = self.queue.front().copied()
            && now.since(at) >= timeout
        {
            self.queue.pop_front();
            self.push_late((block, at));
            overdue.push(block);
        }
        overdue
    }

    /// Gives up everything; with `may_come`, what was asked for may still arrive.
    pub(crate) fn take_all(&mut self, may_come: bool) -> Vec<BlockId> {
        let all: Vec<(BlockId, Instant)> = self.queue.drain(..).collect();
        if may_come {
            all.iter().for_each(|request| self.push_late(*request));
        }
        all.into_iter().map(|(block, _)| block).collect()
    }

    fn push_late(&mut self, request: (BlockId, Instant)) {
        if self.late.len() == MAX_LATE_BLOCKS {
            self.late.pop_front();
        }
        self.late.push_back(request);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::PieceIndex;

    const fn block(n: u32) -> BlockId {
        BlockId { piece: PieceIndex::new(0), block: n }
    }

    #[test]
    fn an_answer_is_accepted_once() {
        let mut requests = Requests::default();
        requests.push(Instant::from_secs(1), block(0));
        assert_eq!(requests.arrived(block(0)), Asked::At(Instant::from_secs(1)));
        assert_eq!(requests.arrived(block(0)), Asked::Never);
    }

    #[test]
    fn an_overdue_block_may_still_come() {
        let mut requests = Requests::default();
        requests.push(Instant::from_secs(1), block(0));
        requests.push(Instant::from_secs(5), block(1));
        assert_eq!(requests.take_overdue(Instant::from_secs(21), Duration::from_secs(20)), [block(0)]);
        assert_eq!(requests.len(), 1);
        assert_eq!(requests.arrived(block(0)), Asked::Late(Instant::from_secs(1)));
    }

    #[test]
    fn after_a_rejection_nothing_is_expected() {
        let mut requests = Requests::default();
        requests.push(Instant::ZERO, block(0));
        assert_eq!(requests.rejected(block(0)), Rejected::Outstanding(Instant::ZERO));
        assert_eq!(requests.arrived(block(0)), Asked::Never);
        assert_eq!(requests.rejected(block(0)), Rejected::Never);
    }

    #[test]
    fn the_answer_to_a_cancel_is_not_taken_for_that_to_a_later_request() {
        let mut requests = Requests::default();
        requests.push(Instant::ZERO, block(0));
        assert!(requests.give_up(block(0)));
        requests.push(Instant::from_secs(1), block(0));
        assert_eq!(requests.rejected(block(0)), Rejected::Late);
        assert_eq!(requests.arrived(block(0)), Asked::At(Instant::from_secs(1)));
    }
}
