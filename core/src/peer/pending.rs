//! Messages that wait to be sent to a peer, all of them as one.

use bytes::{Bytes, BytesMut};

/// What is sent in a piece of memory of its own, so that the buffer stays for what comes next.
const SMALL: usize = 256;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Pending(BytesMut);

impl Pending {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Where what comes next is written to.
    pub(super) const fn buffer(&mut self) -> &mut BytesMut {
        &mut self.0
    }

    /// Everything that waits.
    pub(super) fn take(&mut self) -> Bytes {
        if self.0.len() > SMALL {
            return self.0.split().freeze();
        }
        let small = Bytes::copy_from_slice(&self.0);
        self.0.clear();
        small
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_small_and_the_long_go_out_whole() {
        let mut pending = Pending::default();
        for len in [1, SMALL, SMALL + 1, 5_000, 3] {
            let message: alloc::vec::Vec<u8> = (0..len).map(|n| n as u8).collect();
            pending.buffer().extend_from_slice(&message);
            assert_eq!(pending.len(), len);
            assert_eq!(pending.take(), message);
            assert!(pending.is_empty());
        }
    }
}
