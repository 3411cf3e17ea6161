//! What will happen, in order of virtual time; what happens at one instant, in the order in which it was planned.

use peerless_core::Instant;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// A queue of happenings.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    heap: BinaryHeap<Entry<T>>,
    serial: u64,
}

#[derive(Debug)]
struct Entry<T> {
    at: Instant,
    serial: u64,
    what: T,
}

impl<T> Queue<T> {
    pub(crate) const fn new() -> Self {
        Self { heap: BinaryHeap::new(), serial: 0 }
    }

    /// Plans something.
    pub(crate) fn push(&mut self, at: Instant, what: T) {
        self.serial += 1;
        self.heap.push(Entry { at, serial: self.serial, what });
    }

    /// When the next thing happens.
    pub(crate) fn next(&self) -> Option<Instant> {
        Some(self.heap.peek()?.at)
    }

    /// Takes the next thing.
    pub(crate) fn pop(&mut self) -> Option<(Instant, T)> {
        self.heap.pop().map(|entry| (entry.at, entry.what))
    }
}

// The heap gives its greatest first; we want the earliest.
impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.serial).cmp(&(self.at, self.serial))
    }
}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T> Eq for Entry<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_planned_first_for_an_instant_happens_first() {
        let mut queue = Queue::new();
        for (at, what) in [(2, 'c'), (1, 'a'), (2, 'd'), (1, 'b')] {
            queue.push(Instant::from_secs(at), what);
        }
        assert_eq!(queue.next(), Some(Instant::from_secs(1)));
        let order: String = std::iter::from_fn(|| queue.pop()).map(|(_, what)| what).collect();
        assert_eq!(order, "abcd");
    }
}
