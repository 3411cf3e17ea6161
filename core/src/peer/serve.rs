//! What one peer asked of us: a bounded queue, read in batches, no faster than the socket takes it.

use crate::limits::{MAX_INCOMING_REQUESTS, MAX_UNSENT};
use crate::wire::BlockRange;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// The most that one read brings in: half of what may be unsent, so that the next read overlaps the sending.
const MAX_BATCH: usize = MAX_UNSENT / 2;

/// The requests of one peer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Serve {
    queue: VecDeque<BlockRange>,
    /// Bytes being read from the disk.
    reading: usize,
    /// Bytes handed to the driver and not yet sent, other messages included.
    unsent: usize,
}

/// Requests that follow one another in one piece, to be read at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    /// The requests, in order; not empty.
    pub(crate) requests: Vec<BlockRange>,
    /// Their bytes together.
    pub(crate) len: usize,
}

impl Serve {
    /// Queues a request. `false`: there are too many.
    pub(crate) fn push(&mut self, request: BlockRange) -> bool {
        if self.queue.len() >= MAX_INCOMING_REQUESTS {
            return false;
        }
        self.queue.push_back(request);
        true
    }

    /// Takes back a request that is not being read yet. Says whether it was there.
    pub(crate) fn cancel(&mut self, request: &BlockRange) -> bool {
        let Some(at) = self.queue.iter().position(|r| r == request) else { return false };
        self.queue.remove(at).is_some()
    }

    /// Drops every request that is not being read yet.
    pub(crate) fn clear(&mut self) -> Vec<BlockRange> {
        self.queue.drain(..).collect()
    }

    /// The next requests to read, if the socket has room for them.
    pub(crate) fn next_batch(&mut self) -> Option<Batch> {
        if self.reading + self.unsent > MAX_UNSENT - MAX_BATCH {
            return None;
        }
        let first = self.queue.pop_front()?;
        let mut batch = Batch { len: first.len as usize, requests: Vec::from([first]) };
        let mut end = first.begin.saturating_add(first.len);
        while let Some(next) = self.queue.front()
            && next.index == first.index
            && next.begin == end
            && batch.len + next.len as usize <= MAX_BATCH
        {
            end = end.saturating_add(next.len);
            batch.len += next.len as usize;
            batch.requests.push(*next);
            self.queue.pop_front();
        }
        self.reading += batch.len;
        Some(batch)
    }

    /// A batch has been read, or could not be.
    pub(crate) fn read_done(&mut self, batch: &Batch) {
        self.reading = self.reading.saturating_sub(batch.len);
    }

    /// Bytes were handed to the driver.
    pub(crate) fn sending(&mut self, bytes: usize) {
        self.unsent += bytes;
    }

    /// Bytes handed to the driver and not yet sent.
    pub(crate) const fn unsent(&self) -> usize {
        self.unsent
    }

    /// The driver sent bytes.
    pub(crate) fn sent(&mut self, bytes: usize) {
        self.unsent = self.unsent.saturating_sub(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn request(index: u32, begin: u32) -> BlockRange {
        BlockRange { index, begin, len: 16_384 }
    }

    #[test]
    fn neighbours_are_read_together_and_no_more_than_the_socket_takes() {
        let mut serve = Serve::default();
        for n in 0..20 {
            assert!(serve.push(request(0, n * 16_384)));
        }
        let first = serve.next_batch().unwrap();
        assert_eq!(first.len, MAX_BATCH);
        serve.next_batch().unwrap();
        assert_eq!(serve.next_batch(), None);
        serve.read_done(&first);
        assert!(serve.next_batch().is_some());
    }

    #[test]
    fn a_gap_or_another_piece_ends_a_batch() {
        let mut serve = Serve::default();
        serve.push(request(0, 0));
        serve.push(request(1, 16_384));
        assert_eq!(serve.next_batch().unwrap().requests, [request(0, 0)]);
        assert_eq!(serve.next_batch().unwrap().requests, [request(1, 16_384)]);
    }

    #[test]
    fn a_flood_of_requests_is_refused() {
        let mut serve = Serve::default();
        for n in 0..MAX_INCOMING_REQUESTS {
            assert!(serve.push(request(n as u32, 0)));
        }
        assert!(!serve.push(request(0, 0)));
        assert!(serve.cancel(&request(3, 0)));
        assert!(!serve.cancel(&request(3, 0)));
    }
}
