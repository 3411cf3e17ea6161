//! Tells the blocks of a peer stream from the rest, as its bytes come, without keeping any.
//!
//! A stream that begins with the handshake of BEP 3 is a peer stream; of any other all bytes are plain.

use crate::wire::{EXTENDED, HANDSHAKE_LEN, PIECE, PIECE_HEADER_LEN, PROTOCOL};

/// Bytes of the length prefix and the id.
const PREFIX: usize = 5;

/// What bytes of a stream are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Handshake, heads and bodies of messages; or anything, where this is no peer stream.
    Plain,
    /// The bytes of a block.
    Block,
    /// The body of an extended message (BEP 10).
    Extended,
}

/// What begins in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begin {
    /// Nothing begins: the handshake is whole.
    Handshake,
    /// A message without anything (BEP 3).
    KeepAlive,
    /// A message of this kind.
    Message(u8),
}

/// Where in one direction of a connection we are.
#[derive(Clone, Debug)]
pub(super) struct Scanner {
    state: State,
    /// What began last, and was not asked for yet.
    begun: Option<Begin>,
    /// The head of the message that is being read: `have` bytes of it have come.
    head: [u8; PIECE_HEADER_LEN],
    have: usize,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// So many bytes of the handshake have come.
    Handshake(usize),
    /// In or before the head of a message.
    Head,
    /// So many bytes of a message are still to come.
    Body(Kind, u32),
    /// No peer stream.
    Other,
}

impl Scanner {
    /// At the beginning of a stream.
    pub(super) const fn new() -> Self {
        Self { state: State::Handshake(0), begun: None, head: [0; PIECE_HEADER_LEN], have: 0 }
    }

    /// Whether it has shown that it is no peer stream.
    pub(super) const fn is_other(&self) -> bool {
        matches!(self.state, State::Other)
    }

    /// Whether no body has begun that is not whole.
    pub(super) const fn is_between(&self) -> bool {
        matches!(self.state, State::Head)
    }

    /// Cuts what came into runs of one kind and hands out each, in order.
    pub(super) fn scan<'a>(&mut self, data: &'a [u8], mut run: impl FnMut(Kind, &'a [u8])) {
        let (mut from, mut at) = (0, 0);
        let mut of = Kind::Plain;
        while at < data.len() {
            let rest = data.get(at..).unwrap_or_default();
            let (kind, len) = self.advance(rest);
            if kind != of {
                if at > from {
                    run(of, data.get(from..at).unwrap_or_default());
                }
                (of, from) = (kind, at);
            }
            at += len;
        }
        if at > from {
            run(of, data.get(from..).unwrap_or_default());
        }
    }

    /// Hands out what begins in the bytes that came, in order.
    pub(super) fn beginnings(&mut self, mut data: &[u8], mut begins: impl FnMut(Begin)) {
        while !data.is_empty() {
            let (_, len) = self.advance(data);
            data = data.get(len..).unwrap_or_default();
            if let Some(begun) = self.begun.take() {
                begins(begun);
            }
        }
    }

    /// What the first bytes of `data` are, and how many of them; at least one. `data` is not empty.
    fn advance(&mut self, data: &[u8]) -> (Kind, usize) {
        match self.state {
            State::Other => (Kind::Plain, data.len()),
            State::Handshake(have) => (Kind::Plain, self.handshake(have, data)),
            State::Head => (Kind::Plain, self.fill_head(data)),
            State::Body(kind, left) => {
                let len = data.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                self.body(kind, left - u32::try_from(len).unwrap_or(left));
                (kind, len)
            }
        }
    }

    fn handshake(&mut self, have: usize, data: &[u8]) -> usize {
        let len = data.len().min(HANDSHAKE_LEN - have);
        let named = PROTOCOL.get(have..).unwrap_or_default();
        if data.iter().zip(named).any(|(got, expected)| got != expected) {
            self.state = State::Other;
            return data.len();
        }
        self.state = State::Handshake(have + len);
        if have + len == HANDSHAKE_LEN {
            self.state = State::Head;
            self.begun = Some(Begin::Handshake);
        }
        len
    }

    /// Takes bytes of a head until it is known what follows.
    fn fill_head(&mut self, data: &[u8]) -> usize {
        for (n, byte) in data.iter().enumerate() {
            let Some(slot) = self.head.get_mut(self.have) else { return n };
            *slot = *byte;
            self.have += 1;
            if self.have >= PREFIX - 1 && self.head_is_whole() {
                return n + 1;
            }
        }
        data.len()
    }

    /// Whether the head is whole. Then the body is next, and if there is none, the next head.
    fn head_is_whole(&mut self) -> bool {
        let [a, b, c, d, id, ..] = self.head;
        let len = u32::from_be_bytes([a, b, c, d]);
        let is_block = id == PIECE && len as usize >= PIECE_HEADER_LEN - 4;
        match self.have {
            4 if len == 0 => self.body(Kind::Plain, 0),
            PREFIX if !is_block => {
                self.body(if id == EXTENDED { Kind::Extended } else { Kind::Plain }, len - 1);
            }
            PIECE_HEADER_LEN => self.body(Kind::Block, len - (PIECE_HEADER_LEN as u32 - 4)),
            _ => return false,
        }
        self.begun = Some(if len == 0 { Begin::KeepAlive } else { Begin::Message(id) });
        true
    }

    const fn body(&mut self, kind: Kind, left: u32) {
        if left == 0 {
            self.have = 0;
            self.state = State::Head;
        } else {
            self.state = State::Body(kind, left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{PeerId, Sha1Hash};
    use crate::wire::{Features, Handshake, Message};
    use alloc::vec;
    use alloc::vec::Vec;
    use bytes::{Bytes, BytesMut};
    use proptest::prelude::*;

    fn stream() -> (Vec<u8>, Vec<u8>) {
        let (info_hash, peer_id) = (Sha1Hash([1; 20]), PeerId([2; 20]));
        let handshake = Handshake { info_hash, peer_id, features: Features::OURS }.encode();
        let mut out = BytesMut::from(&handshake[..]);
        let mut kinds = vec![b'.'; out.len()];
        let piece =
            |len: usize| Message::Piece { index: 1, begin: 0, data: Bytes::from(vec![7; len]).into() };
        for message in [
            Message::Bitfield(Bytes::from_static(&[255; 9])),
            Message::KeepAlive,
            piece(40),
            piece(0),
            Message::Extended { id: 0, payload: Bytes::from_static(b"d1:v1:xe") },
            Message::Have(3),
            piece(1),
            Message::Unchoke,
        ] {
            let before = out.len();
            message.encode(&mut out);
            kinds.resize(out.len(), b'.');
            match message {
                Message::Piece { .. } => kinds[before + 13..].fill(b'b'),
                Message::Extended { .. } => kinds[before + 5..].fill(b'x'),
                _ => {}
            }
        }
        (out.to_vec(), kinds)
    }

    fn kinds(scanner: &mut Scanner, data: &[u8]) -> Vec<u8> {
        let mut kinds = Vec::new();
        scanner.scan(data, |kind, run| {
            assert!(!run.is_empty());
            let letter = match kind {
                Kind::Plain => b'.',
                Kind::Block => b'b',
                Kind::Extended => b'x',
            };
            kinds.resize(kinds.len() + run.len(), letter);
        });
        kinds
    }

    #[test]
    fn anything_but_a_handshake_is_plain() {
        for start in [&b"GET /announce HTTP/1.1\r\n"[..], b"\x13BitTorrent protocoL", b"\0\0\0\x05\x07"] {
            let mut scanner = Scanner::new();
            assert_eq!(kinds(&mut scanner, start), vec![b'.'; start.len()]);
            assert!(scanner.is_other());
            assert_eq!(kinds(&mut scanner, &stream().0), vec![b'.'; stream().0.len()]);
        }
    }

    #[test]
    fn a_piece_too_short_to_be_one_is_plain() {
        let (mut data, mut expected) = stream();
        data.extend([0, 0, 0, 8, 7, 1, 2, 3, 4, 5, 6, 7, 0, 0, 0, 1, 0]);
        expected.resize(data.len(), b'.');
        assert_eq!(kinds(&mut Scanner::new(), &data), expected);
    }

    proptest! {
        #[test]
        fn blocks_are_found_however_the_stream_is_cut(cuts in proptest::collection::vec(0usize..250, 0..12)) {
            let (data, expected) = stream();
            let mut cuts: Vec<_> = cuts.into_iter().map(|c| c.min(data.len())).collect();
            cuts.sort_unstable();
            let (mut scanner, mut found, mut from) = (Scanner::new(), Vec::new(), 0);
            for cut in cuts.into_iter().chain([data.len()]) {
                found.extend(kinds(&mut scanner, &data[from..cut]));
                from = cut;
            }
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn no_bytes_are_lost(data in proptest::collection::vec(any::<u8>(), 0..300)) {
            let start = &stream().0[..68];
            let mut scanner = Scanner::new();
            prop_assert_eq!(kinds(&mut scanner, start).len(), 68);
            prop_assert_eq!(kinds(&mut scanner, &data).len(), data.len());
        }
    }
}
