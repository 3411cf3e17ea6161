//! Bytes that were pushed and not yet read: nearly always one slice, for which there is no list.

use alloc::collections::VecDeque;
use bytes::Bytes;

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Input {
    /// The first; where it is empty, there are no others.
    first: Bytes,
    /// What was pushed while something waited. None is empty.
    more: VecDeque<Bytes>,
}

impl Input {
    pub(super) const fn new() -> Self {
        Self { first: Bytes::new(), more: VecDeque::new() }
    }

    /// Adds bytes behind all others.
    pub(super) fn push(&mut self, data: Bytes) {
        if self.first.is_empty() {
            self.first = data;
        } else if !data.is_empty() {
            self.more.push_back(data);
        }
    }

    /// Reads from the first slice, which is let go of once it is empty. `false` when all is read.
    pub(super) fn read(&mut self, read: impl FnOnce(&mut Bytes)) -> bool {
        if self.first.is_empty() {
            return false;
        }
        read(&mut self.first);
        if self.first.is_empty() {
            self.first = self.more.pop_front().unwrap_or_default();
        }
        true
    }

    /// How many bytes wait.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.first.len() + self.more.iter().map(Bytes::len).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Buf;

    #[test]
    fn what_is_pushed_is_read_in_order() {
        let mut input = Input::new();
        for data in ["one", "", "two", "three"] {
            input.push(Bytes::from_static(data.as_bytes()));
        }
        assert_eq!(input.len(), 11);
        let mut read = alloc::vec::Vec::new();
        while input.read(|front| read.push(front.get_u8())) {
            if read.len() == 2 {
                input.push(Bytes::from_static(b"four"));
            }
        }
        assert_eq!(read, b"onetwothreefour");
        input.push(Bytes::from_static(b"five"));
        assert_eq!(input.len(), 4);
    }

    #[test]
    fn a_slice_that_was_read_is_let_go_of() {
        let buffer = Bytes::from(alloc::vec![7; 5]);
        let mut input = Input::new();
        input.push(buffer.clone());
        assert!(input.read(|front| front.advance(5)));
        assert!(buffer.is_unique());
    }
}
