//! The bytes of one direction of a peer connection as messages. It is told of slices and keeps none of the
//! payload; it shares nothing with the decoder of the core, whose work it judges. So the ids of messages stand here
//! a second time: a wrong one in the core would go unnoticed if it were read with the core's own.

/// Bytes of a handshake (BEP 3).
const HANDSHAKE: usize = 68;
/// Bytes of a body that is kept whole: bitfields and extended messages.
const MAX_KEPT: u32 = 1 << 20;
/// A prefix beyond this is no message of any kind.
const MAX_PREFIX: u32 = 1 << 21;

pub(super) const CHOKE: u8 = 0;
pub(super) const UNCHOKE: u8 = 1;
pub(super) const INTERESTED: u8 = 2;
pub(super) const NOT_INTERESTED: u8 = 3;
pub(super) const HAVE: u8 = 4;
pub(super) const BITFIELD: u8 = 5;
pub(super) const REQUEST: u8 = 6;
pub(super) const PIECE: u8 = 7;
pub(super) const CANCEL: u8 = 8;
pub(super) const PORT: u8 = 9;
pub(super) const SUGGEST: u8 = 13;
pub(super) const HAVE_ALL: u8 = 14;
pub(super) const HAVE_NONE: u8 = 15;
pub(super) const REJECT: u8 = 16;
pub(super) const ALLOWED_FAST: u8 = 17;
pub(super) const EXTENDED: u8 = 20;

/// What the bytes of one direction say, in order.
#[derive(Debug)]
pub(super) struct Reader {
    /// The beginning of what is being read.
    head: [u8; HANDSHAKE],
    filled: usize,
    greeted: bool,
    /// Bytes of the body that have not come.
    left: usize,
    in_body: bool,
    keeps: bool,
    kept: Vec<u8>,
}

/// Something whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// The first 68 bytes.
    Handshake([u8; HANDSHAKE]),
    /// A length of 0.
    KeepAlive,
    /// A message, all of it.
    Message(Head),
    /// The beginning of a message that is too short for its kind, or longer than anything. What follows cannot
    /// be read.
    Broken {
        /// The kind.
        id: u8,
        /// The length prefix.
        len: u32,
    },
}

/// What stands before the body of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// The kind.
    pub(super) id: u8,
    /// The length prefix: bytes from the kind on.
    pub(super) len: u32,
    /// The numbers that follow the kind; 0 where it has fewer. Of `extended` the first is its own kind.
    pub(super) numbers: [u32; 3],
}

impl Head {
    /// Bytes of the block of a `piece`.
    pub(super) const fn block_len(&self) -> u32 {
        self.len.saturating_sub(9)
    }
}

impl Reader {
    pub(super) const fn new() -> Self {
        Self {
            head: [0; HANDSHAKE],
            filled: 0,
            greeted: false,
            left: 0,
            in_body: false,
            keeps: false,
            kept: Vec::new(),
        }
    }

    /// Takes the body of the `bitfield` or `extended` message that was given last.
    pub(super) fn take_body(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.kept)
    }

    /// Bytes of the handshake that have come.
    pub(super) const fn greeting(&self) -> usize {
        if self.greeted { HANDSHAKE } else { self.filled }
    }

    /// Reads on in `data` and takes what it has read from it. `None`: more is needed.
    pub(super) fn next(&mut self, data: &mut &[u8]) -> Option<Read> {
        if !self.greeted {
            return self.fill(data, HANDSHAKE).then(|| {
                self.greeted = true;
                self.filled = 0;
                Read::Handshake(self.head)
            });
        }
        if !self.in_body {
            if !self.fill(data, 4) {
                return None;
            }
            let len = self.number(0);
            if len == 0 {
                self.filled = 0;
                return Some(Read::KeepAlive);
            }
            if !self.fill(data, 5) {
                return None;
            }
            let id = self.head[4];
            let head = head_len(id);
            if len - 1 < head || len > MAX_PREFIX {
                return Some(Read::Broken { id, len });
            }
            if !self.fill(data, 5 + head as usize) {
                return None;
            }
            self.in_body = true;
            self.left = (len - 1 - head) as usize;
            self.keeps = matches!(id, BITFIELD | EXTENDED) && len <= MAX_KEPT;
            self.kept.clear();
        }
        let (body, rest) = data.split_at(self.left.min(data.len()));
        *data = rest;
        self.left -= body.len();
        if self.keeps {
            self.kept.extend_from_slice(body);
        }
        if self.left > 0 {
            return None;
        }
        self.in_body = false;
        self.filled = 0;
        Some(Read::Message(self.message()))
    }

    fn message(&self) -> Head {
        let id = self.head[4];
        let number = |n: usize| if 4 * n as u32 + 4 <= head_len(id) { self.number(5 + 4 * n) } else { 0 };
        let numbers = match id {
            EXTENDED => [u32::from(self.head[5]), 0, 0],
            _ => [0, 1, 2].map(number),
        };
        Head { id, len: self.number(0), numbers }
    }

    /// Moves bytes into the head until it has so many. Whether it has.
    fn fill(&mut self, data: &mut &[u8], wanted: usize) -> bool {
        let taken = wanted.saturating_sub(self.filled).min(data.len());
        let (now, rest) = data.split_at(taken);
        self.head[self.filled..self.filled + taken].copy_from_slice(now);
        self.filled += taken;
        *data = rest;
        self.filled >= wanted
    }

    fn number(&self, at: usize) -> u32 {
        u32::from_be_bytes([self.head[at], self.head[at + 1], self.head[at + 2], self.head[at + 3]])
    }
}

/// Bytes of numbers after the kind.
const fn head_len(id: u8) -> u32 {
    match id {
        HAVE | SUGGEST | ALLOWED_FAST => 4,
        REQUEST | CANCEL | REJECT => 12,
        PIECE => 8,
        PORT => 2,
        EXTENDED => 1,
        _ => 0,
    }
}

/// Whether a message of this kind may be so long, in a torrent of so many pieces.
pub(super) fn fits(head: &Head, pieces: u32) -> bool {
    match head.id {
        BITFIELD => head.len == 1 + pieces.div_ceil(8),
        PIECE => (9..=9 + peerless_core::BLOCK_LEN).contains(&head.len),
        EXTENDED => head.len <= MAX_KEPT,
        id => head.len == 1 + head_len(id),
    }
}

/// What the BEPs call a kind of message.
pub(super) const fn name(id: u8) -> &'static str {
    match id {
        CHOKE => "choke",
        UNCHOKE => "unchoke",
        INTERESTED => "interested",
        NOT_INTERESTED => "not interested",
        HAVE => "have",
        BITFIELD => "bitfield",
        REQUEST => "request",
        PIECE => "piece",
        CANCEL => "cancel",
        PORT => "port",
        SUGGEST => "suggest piece",
        HAVE_ALL => "have all",
        HAVE_NONE => "have none",
        REJECT => "reject request",
        ALLOWED_FAST => "allowed fast",
        EXTENDED => "extended",
        _ => "unknown message",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A handshake and some messages.
    fn stream() -> Vec<u8> {
        let mut out = vec![7; HANDSHAKE];
        out.extend_from_slice(&[0, 0, 0, 0]);
        out.extend_from_slice(&[0, 0, 0, 1, CHOKE]);
        out.extend_from_slice(&[0, 0, 0, 3, BITFIELD, 0xaa, 0x80]);
        out.extend_from_slice(&[0, 0, 0, 12, PIECE, 0, 0, 0, 9, 0, 0, 64, 0, 1, 2, 3]);
        out.extend_from_slice(&[0, 0, 0, 4, EXTENDED, 0, b'd', b'e']);
        out
    }

    fn all(parts: &[&[u8]]) -> Vec<(Read, Vec<u8>)> {
        let mut reader = Reader::new();
        let mut out = Vec::new();
        for mut part in parts.iter().copied() {
            while let Some(read) = reader.next(&mut part) {
                out.push((read, reader.take_body()));
            }
            assert!(part.is_empty(), "all of a part is read");
        }
        out
    }

    #[test]
    fn messages_are_found_however_they_are_cut() {
        let stream = stream();
        let whole = all(&[&stream]);
        assert_eq!(whole.len(), 6);
        assert_eq!(whole[1].0, Read::KeepAlive);
        assert_eq!(whole[2].0, Read::Message(Head { id: CHOKE, len: 1, numbers: [0; 3] }));
        assert_eq!(whole[3].1, [0xaa, 0x80]);
        assert_eq!(whole[4].0, Read::Message(Head { id: PIECE, len: 12, numbers: [9, 16_384, 0] }));
        assert_eq!(whole[5].1, b"de");
        for cut in 1..stream.len() {
            assert_eq!(all(&[&stream[..cut], &stream[cut..]]), whole);
        }
    }

    #[test]
    fn a_message_that_cannot_be_is_told() {
        let after = |bytes: &[u8]| {
            let mut reader = Reader::new();
            assert!(reader.next(&mut &[0; HANDSHAKE][..]).is_some());
            reader.next(&mut &bytes[..])
        };
        assert_eq!(after(&[0, 0, 0, 3, REQUEST]), Some(Read::Broken { id: REQUEST, len: 3 }));
        let long = [0x7f, 0xff, 0xff, 0xff, PIECE];
        assert_eq!(after(&long), Some(Read::Broken { id: PIECE, len: 0x7fff_ffff }));
    }
}
