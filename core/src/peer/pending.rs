//! Messages that wait to be sent to a peer, all of them as one.

use bytes::{Bytes, BytesMut};

/// What is sent in a piece of memory of its own, so that the buffer stays for what comes next.
const SMALL: usize = 256;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// A message that others are sent as well, while it waits alone: no peer has a copy of its own.
    shared: Bytes,
    own: BytesMut,
}

impl Pending {
    pub(super) fn is_empty(&self) -> bool {
        self.shared.is_empty() && self.own.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.shared.len() + self.own.len()
    }

    /// Where what comes next is written to.
    pub(super) fn buffer(&mut self) -> &mut BytesMut {
        let shared = core::mem::take(&mut self.shared);
        self.own.extend_from_slice(&shared);
        &mut self.own
    }

    /// Adds a message that others are sent as well.
    pub(super) fn share(&mut self, message: &Bytes) {
        if self.is_empty() {
            self.shared = message.clone();
        } else {
            self.buffer().extend_from_slice(message);
        }
    }

    /// Everything that waits.
    pub(super) fn take(&mut self) -> Bytes {
        if !self.shared.is_empty() {
            return core::mem::take(&mut self.shared);
        }
        if self.own.len() > SMALL {
            return self.own.split().freeze();
        }
        let small = Bytes::copy_from_slice(&self.own);
        self.own.clear();
        small
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shared_is_copied_only_where_it_does_not_wait_alone() {
        let have = Bytes::from_static(b"have");
        let (mut alone, mut before, mut after) = (Pending::default(), Pending::default(), Pending::default());
        alone.share(&have);
        assert_eq!(alone.len(), 4);
        assert_eq!(alone.take().as_ptr(), have.as_ptr());
        before.share(&have);
        before.buffer().extend_from_slice(b", then more");
        assert_eq!(&before.take()[..], b"have, then more");
        after.buffer().extend_from_slice(b"first, ");
        after.share(&have);
        after.share(&have);
        assert_eq!(&after.take()[..], b"first, havehave");
        assert!(alone.is_empty() && before.is_empty() && after.is_empty());
    }

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
