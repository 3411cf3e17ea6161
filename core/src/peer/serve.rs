//! What one peer asked of us: a bounded queue, read in batches, no faster than the socket takes it.
//!
//! What is handed to the driver cannot be taken back, and everything else that we tell the peer has to wait behind it,
//! our own requests first of all. So it is never much more than the line sends in a moment.

use crate::error::PeerFault;
use crate::geometry::BLOCK_LEN;
use crate::ids::PieceIndex;
use crate::limits::{MAX_INCOMING_REQUESTS, MAX_INVALID_REQUESTS, MAX_UNSENT};
use crate::time::Duration;
use crate::wire::BlockRange;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// What may be unsent, in the time that it takes to send it: a disk needs less for the next read.
const AHEAD: Duration = Duration::from_millis(250);
/// But never so little that no block could be read while another, and what goes with it, is sent.
const MIN_UNSENT: usize = 3 * BLOCK_LEN as usize;

/// The requests of one peer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Serve {
    /// What waits, in the order in which it was asked for.
    queue: BTreeMap<u64, BlockRange>,
    /// Where in `queue` each request waits, so that a flood of cancels is no burden.
    places: BTreeMap<BlockRange, u64>,
    next_place: u64,
    /// Requests that could not be served since we last let it download.
    invalid: u32,
    /// Requests that may still cross with our `choke`: those that it could have had outstanding.
    crossing: usize,
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

impl Batch {
    /// The piece that it is of.
    pub(crate) fn piece(&self) -> PieceIndex {
        PieceIndex::new(self.requests.first().map_or(0, |first| first.index))
    }
}

impl Serve {
    /// Queues a request, once. `false`: there are too many.
    pub(crate) fn push(&mut self, request: BlockRange) -> bool {
        if self.places.contains_key(&request) {
            return true;
        }
        if self.queue.len() >= MAX_INCOMING_REQUESTS {
            return false;
        }
        self.queue.insert(self.next_place, request);
        self.places.insert(request, self.next_place);
        self.next_place += 1;
        true
    }

    /// Takes back a request that is not being read yet. Says whether it was there.
    pub(crate) fn cancel(&mut self, request: &BlockRange) -> bool {
        let Some(place) = self.places.remove(request) else { return false };
        self.queue.remove(&place).is_some()
    }

    /// It may download from now on.
    pub(crate) const fn unchoked(&mut self) {
        self.invalid = 0;
        self.crossing = MAX_INCOMING_REQUESTS;
    }

    /// It may not download from now on: drops every request that is not being read yet.
    pub(crate) fn choked(&mut self) -> Vec<BlockRange> {
        self.places.clear();
        core::mem::take(&mut self.queue).into_values().collect()
    }

    /// A request cannot be served. One that comes while we choke the peer may have crossed with our `choke`.
    ///
    /// # Errors
    /// The peer makes too many of them.
    pub(crate) const fn refused(&mut self, choked: bool) -> Result<(), PeerFault> {
        if choked && self.crossing > 0 {
            self.crossing -= 1;
            return Ok(());
        }
        self.invalid += 1;
        if self.invalid > MAX_INVALID_REQUESTS {
            Err(PeerFault::InvalidRequests(self.invalid))
        } else {
            Ok(())
        }
    }

    /// Whether there are requests that are not being read.
    pub(crate) fn has_queued(&self) -> bool {
        !self.queue.is_empty()
    }

    /// The next requests to read, if the socket of a peer that gets `rate` bytes a second has room for them. One read
    /// brings in no more than half of what may be unsent, so that the next overlaps the sending.
    pub(crate) fn next_batch(&mut self, rate: u64) -> Option<Batch> {
        let batch_len = may_be_unsent(rate) / 2;
        if self.reading + self.unsent > batch_len {
            return None;
        }
        let first = self.pop()?;
        let mut batch = Batch { len: first.len as usize, requests: Vec::from([first]) };
        let mut end = first.begin.saturating_add(first.len);
        while let Some((_, next)) = self.queue.first_key_value()
            && next.index == first.index
            && next.begin == end
            && batch.len + next.len as usize <= batch_len
        {
            end = end.saturating_add(next.len);
            batch.len += next.len as usize;
            batch.requests.push(*next);
            self.pop();
        }
        self.reading += batch.len;
        Some(batch)
    }

    fn pop(&mut self) -> Option<BlockRange> {
        let (_, request) = self.queue.pop_first()?;
        self.places.remove(&request);
        Some(request)
    }

    /// A batch has been read, or could not be.
    pub(crate) fn read_done(&mut self, batch: &Batch) {
        self.reading = self.reading.saturating_sub(batch.len);
    }

    /// Bytes were handed to the driver.
    pub(crate) fn sending(&mut self, bytes: usize) {
        self.unsent += bytes;
    }

    /// Whether something is asked for, being read, or handed over and not sent, be it data or what goes before.
    pub(crate) fn is_busy(&self) -> bool {
        !self.queue.is_empty() || self.reading > 0 || self.unsent > 0
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

/// Bytes that may be read or unsent for a peer that gets `rate` bytes a second.
fn may_be_unsent(rate: u64) -> usize {
    let ahead = rate.saturating_mul(AHEAD.as_millis() as u64) / 1_000;
    usize::try_from(ahead).unwrap_or(MAX_UNSENT).clamp(MIN_UNSENT, MAX_UNSENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes a second of a peer that gets as much as it can.
    const FAST: u64 = 100 << 20;

    const fn request(index: u32, begin: u32) -> BlockRange {
        BlockRange { index, begin, len: 16_384 }
    }

    #[test]
    fn neighbours_are_read_together_and_no_more_than_the_socket_takes() {
        let mut serve = Serve::default();
        for n in 0..20 {
            assert!(serve.push(request(0, n * 16_384)));
        }
        let first = serve.next_batch(FAST).unwrap();
        assert_eq!(first.len, MAX_UNSENT / 2);
        serve.next_batch(FAST).unwrap();
        assert_eq!(serve.next_batch(FAST), None);
        serve.read_done(&first);
        assert!(serve.next_batch(FAST).is_some());
    }

    #[test]
    fn on_a_slow_line_little_stands_before_what_else_we_have_to_say() {
        let handed_over = |rate: u64| {
            let mut serve = Serve::default();
            (0..100).for_each(|n| assert!(serve.push(request(0, n * 16_384))));
            while let Some(batch) = serve.next_batch(rate) {
                serve.read_done(&batch);
                serve.sending(batch.len);
            }
            serve.unsent()
        };
        assert_eq!(handed_over(0), 32 << 10, "one block is read while another is sent");
        assert_eq!(handed_over(256 << 10), 64 << 10, "a quarter of a second");
        assert_eq!(handed_over(FAST), MAX_UNSENT);
    }

    #[test]
    fn a_large_request_is_served_on_a_slow_line_too() {
        let mut serve = Serve::default();
        serve.push(BlockRange { index: 0, begin: 0, len: 128 << 10 });
        assert_eq!(serve.next_batch(0).unwrap().len, 128 << 10);
    }

    #[test]
    fn a_gap_or_another_piece_ends_a_batch() {
        let mut serve = Serve::default();
        serve.push(request(0, 0));
        serve.push(request(1, 16_384));
        assert_eq!(serve.next_batch(FAST).unwrap().requests, [request(0, 0)]);
        assert_eq!(serve.next_batch(FAST).unwrap().requests, [request(1, 16_384)]);
    }

    #[test]
    fn a_flood_of_requests_is_refused() {
        let mut serve = Serve::default();
        for n in 0..MAX_INCOMING_REQUESTS {
            assert!(serve.push(request(n as u32, 0)));
        }
        assert!(!serve.push(request(0, 1)));
        assert!(serve.cancel(&request(3, 0)));
        assert!(!serve.cancel(&request(3, 0)));
    }

    #[test]
    fn a_block_asked_for_twice_is_sent_once() {
        let mut serve = Serve::default();
        assert!(serve.push(request(0, 0)) && serve.push(request(0, 0)));
        assert_eq!(serve.next_batch(FAST).unwrap().requests.len(), 1);
        assert_eq!(serve.next_batch(FAST), None);
        assert!(serve.push(request(0, 0)), "it may be asked for again");
        assert_eq!(serve.choked(), [request(0, 0)]);
        assert!(!serve.cancel(&request(0, 0)));
    }

    #[test]
    fn requests_that_cross_with_our_choke_are_no_flood() {
        let mut serve = Serve::default();
        serve.unchoked();
        serve.choked();
        for _ in 0..MAX_INCOMING_REQUESTS + MAX_INVALID_REQUESTS as usize {
            assert_eq!(serve.refused(true), Ok(()));
        }
        assert_eq!(serve.refused(true), Err(PeerFault::InvalidRequests(MAX_INVALID_REQUESTS + 1)));
        // Who was never let in has nothing that could cross.
        let mut serve = Serve::default();
        (0..MAX_INVALID_REQUESTS).for_each(|_| assert_eq!(serve.refused(true), Ok(())));
        assert!(serve.refused(true).is_err());
    }
}
