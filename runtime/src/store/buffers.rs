//! Memory for what is read for peers: used again, the newest first, so that it is still in the processor's cache and
//! need not be cleared.

use crate::workers::lock;
use std::sync::{Arc, Mutex};

/// Bytes of the smallest buffer: one block.
const SMALLEST: usize = 16 << 10;
/// Sizes of buffers, each twice that of the one before: the largest takes what the engine reads at once.
const SIZES: usize = 4;
/// Bytes that are kept while nobody uses them: for a dozen peers.
const KEPT: usize = 2 << 20;
/// What is read at a whole page of a file has to come to a whole page of memory. An allocator puts large pieces 16
/// bytes behind the beginning of a page, and there processors copy more slowly: by a sixth, or far worse.
const PAGE: usize = 4 << 10;

/// Memory that begins with a page. What is in it is of no meaning.
#[derive(Debug, Default)]
pub(super) struct Pages {
    memory: Vec<u8>,
    start: usize,
    len: usize,
}

impl Pages {
    pub(super) fn new(len: usize) -> Self {
        let memory = vec![0; len + PAGE];
        let start = memory.as_ptr().align_offset(PAGE).min(PAGE);
        Self { memory, start, len }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.memory[self.start..self.start + self.len]
    }

    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..self.start + self.len]
    }
}

/// Buffers that nobody uses just now.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    idle: Mutex<Idle>,
}

#[derive(Debug, Default)]
struct Idle {
    /// By size; in each the newest is the last.
    buffers: [Vec<Pages>; SIZES],
    /// What they are together.
    bytes: usize,
}

impl Buffers {
    /// A buffer of that many bytes, whatever is in them.
    pub(super) fn take(self: &Arc<Self>, len: usize) -> Buffer {
        let Some(size) = size_for(len) else {
            return Buffer { memory: Pages::new(len), len, home: None };
        };
        let mut idle = lock(&self.idle);
        let known = idle.buffers[size].pop();
        if let Some(known) = &known {
            idle.bytes -= known.len();
        }
        drop(idle);
        let memory = known.unwrap_or_else(|| Pages::new(SMALLEST << size));
        Buffer { memory, len, home: Some(self.clone()) }
    }

    fn give(&self, memory: Pages) {
        let Some(size) = size_for(memory.len()) else { return };
        let mut idle = lock(&self.idle);
        if idle.bytes + memory.len() <= KEPT {
            idle.bytes += memory.len();
            idle.buffers[size].push(memory);
        }
    }
}

/// Which size that many bytes fit into; `None` if they are more than is worth keeping.
fn size_for(len: usize) -> Option<usize> {
    (0..SIZES).find(|size| len <= SMALLEST << size)
}

/// A buffer in use. When it is dropped it waits for its next use.
#[derive(Debug)]
pub(super) struct Buffer {
    memory: Pages,
    len: usize,
    /// Whence it came; `None` if it is not to be kept.
    home: Option<Arc<Buffers>>,
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.memory.bytes()[..self.len]
    }
}

impl AsMut<[u8]> for Buffer {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.memory.bytes_mut()[..self.len]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Some(home) = self.home.take() {
            home.give(std::mem::take(&mut self.memory));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[test]
    fn what_was_used_last_is_used_next() {
        let buffers = Arc::new(Buffers::default());
        let [first, second] = [100_000, 70_000].map(|len| buffers.take(len));
        let at = second.as_ref().as_ptr();
        drop(first);
        // A slice of it is still in use.
        let slice = Bytes::from_owner(second).slice(69_000..);
        assert_ne!(buffers.take(128 << 10).as_ref().as_ptr(), at);
        drop(slice);
        assert_eq!(buffers.take(65 << 10).as_ref().as_ptr(), at);
    }

    #[test]
    fn memory_begins_with_a_page() {
        for len in [0, 1, 70_000, 600_000] {
            let mut pages = Pages::new(len);
            assert_eq!(pages.bytes().as_ptr().align_offset(PAGE), 0);
            assert_eq!((pages.bytes().len(), pages.bytes_mut().len()), (len, len));
        }
    }

    #[test]
    fn a_buffer_has_the_length_that_was_asked_for_and_little_more() {
        let buffers = Arc::new(Buffers::default());
        for len in [0, 1, 16 << 10, (16 << 10) + 1, 200_000, 256 << 10, (256 << 10) + 1, 5 << 20] {
            for _ in 0..2 {
                let mut buffer = buffers.take(len);
                assert_eq!((buffer.as_ref().len(), buffer.as_mut().len()), (len, len));
                assert!(buffer.memory.len() <= (2 * len).max(SMALLEST));
            }
        }
    }

    #[test]
    fn no_more_is_kept_than_a_few_peers_need() {
        let buffers = Arc::new(Buffers::default());
        let used: Vec<Buffer> = (0..1_000).map(|n| buffers.take(n * 300)).collect();
        drop(used);
        let idle = lock(&buffers.idle);
        let kept: usize = idle.buffers.iter().flatten().map(|memory| memory.len()).sum();
        assert_eq!(kept, idle.bytes);
        assert!(kept <= KEPT && kept > KEPT / 2);
    }
}
