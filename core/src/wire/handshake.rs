//! The handshake (BEP 3): 68 bytes that say which torrent, who, and which extensions.

use super::error::WireError;
use crate::ids::{PeerId, Sha1Hash};
use bytes::{Buf, Bytes};

/// Bytes of a handshake.
pub const HANDSHAKE_LEN: usize = 68;

/// The length and the name of the protocol, with which every handshake begins.
pub(crate) const PROTOCOL: &[u8; 20] = b"\x13BitTorrent protocol";
const RESERVED_AT: usize = 20;
const INFO_HASH_AT: usize = 28;
const PEER_ID_AT: usize = 48;

/// What each side sends first (BEP 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handshake {
    /// The torrent.
    pub info_hash: Sha1Hash,
    /// How the sender calls itself.
    pub peer_id: PeerId,
    /// The extensions that the sender offers.
    pub features: Features,
}

impl Handshake {
    /// The handshake as it goes over the wire.
    pub fn encode(&self) -> [u8; HANDSHAKE_LEN] {
        let mut out = [0; HANDSHAKE_LEN];
        out[..RESERVED_AT].copy_from_slice(PROTOCOL);
        out[RESERVED_AT..INFO_HASH_AT].copy_from_slice(&self.features.to_reserved());
        out[INFO_HASH_AT..PEER_ID_AT].copy_from_slice(&self.info_hash.0);
        out[PEER_ID_AT..].copy_from_slice(&self.peer_id.0);
        out
    }
}

/// Extensions that the reserved bytes of a handshake offer. The bits of others are neither kept nor sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// The fast extension (BEP 6).
    pub fast: bool,
    /// The extension protocol (BEP 10).
    pub extended: bool,
}

impl Features {
    /// All that this crate speaks.
    pub const OURS: Self = Self { fast: true, extended: true };

    /// Reads the reserved bytes.
    pub const fn from_reserved(reserved: [u8; 8]) -> Self {
        Self { fast: reserved[7] & 0x04 != 0, extended: reserved[5] & 0x10 != 0 }
    }

    /// The reserved bytes that offer these.
    pub const fn to_reserved(self) -> [u8; 8] {
        let extended = if self.extended { 0x10 } else { 0 };
        let fast = if self.fast { 0x04 } else { 0 };
        [0, 0, 0, 0, 0, extended, 0, fast]
    }

    /// What is in force between two sides: what both offer.
    pub const fn common(self, other: Self) -> Self {
        Self { fast: self.fast && other.fast, extended: self.extended && other.extended }
    }
}

/// Reads a handshake that arrives in any portions.
#[derive(Clone, Debug)]
pub struct HandshakeDecoder {
    bytes: [u8; HANDSHAKE_LEN],
    len: usize,
    failed: Option<WireError>,
}

impl HandshakeDecoder {
    /// A decoder that has seen nothing yet.
    pub const fn new() -> Self {
        Self { bytes: [0; HANDSHAKE_LEN], len: 0, failed: None }
    }

    /// Takes what arrived. Once the handshake is whole, gives it with the bytes that follow it: they are the
    /// first messages, for a [`Decoder`](super::Decoder), and were not copied.
    ///
    /// # Errors
    /// [`WireError::NotBitTorrent`] at the first byte that is not the protocol's name, however few bytes came
    /// before. The decoder then stays failed.
    pub fn push(&mut self, mut data: Bytes) -> Result<Option<(Handshake, Bytes)>, WireError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let taken = data.len().min(HANDSHAKE_LEN - self.len);
        let before = self.len;
        self.len += taken;
        data.copy_to_slice(&mut self.bytes[before..self.len]);
        if let Err(error) = self.check_protocol(before) {
            self.failed = Some(error.clone());
            return Err(error);
        }
        if self.len < HANDSHAKE_LEN {
            return Ok(None);
        }
        let handshake = Handshake {
            info_hash: Sha1Hash(self.field(INFO_HASH_AT)),
            peer_id: PeerId(self.field(PEER_ID_AT)),
            features: Features::from_reserved(self.field(RESERVED_AT)),
        };
        Ok(Some((handshake, data)))
    }

    /// The torrent that the other side wants, as soon as that has arrived: some wait for our handshake
    /// before they send their peer id (BEP 3 allows it).
    pub fn info_hash(&self) -> Option<Sha1Hash> {
        (self.failed.is_none() && self.len >= PEER_ID_AT).then(|| Sha1Hash(self.field(INFO_HASH_AT)))
    }

    /// Judges the bytes of the protocol's name that arrived from `from` on.
    fn check_protocol(&self, from: usize) -> Result<(), WireError> {
        let arrived = self.bytes.iter().take(self.len).zip(PROTOCOL).enumerate().skip(from);
        for (at, (&got, &expected)) in arrived {
            if got != expected {
                return Err(WireError::NotBitTorrent { at, got, expected });
            }
        }
        Ok(())
    }

    /// The field of `N` bytes at the constant place `at`, which lies within the handshake.
    fn field<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut out = [0; N];
        out.copy_from_slice(&self.bytes[at..at + N]);
        out
    }
}

impl Default for HandshakeDecoder {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::BytesMut;
    use proptest::collection::vec as many;
    use proptest::prelude::*;

    fn shaken() -> Handshake {
        Handshake {
            info_hash: Sha1Hash([0xab; 20]),
            peer_id: PeerId(*b"-XX0001-abcdefghijkl"),
            features: Features::OURS,
        }
    }

    #[test]
    fn a_handshake_can_come_byte_by_byte() {
        let wire = shaken().encode();
        assert_eq!(&wire[20..28], [0, 0, 0, 0, 0, 0x10, 0, 0x04]);
        let mut decoder = HandshakeDecoder::new();
        for (at, byte) in wire.iter().enumerate() {
            assert_eq!(decoder.info_hash().is_some(), at >= 48);
            let result = decoder.push(Bytes::copy_from_slice(&[*byte])).unwrap();
            assert_eq!(result, (at == 67).then(|| (shaken(), Bytes::new())));
        }
        assert_eq!(decoder.info_hash(), Some(shaken().info_hash));
    }

    #[test]
    fn what_follows_the_handshake_is_not_copied() {
        let mut wire = shaken().encode().to_vec();
        wire.extend_from_slice(&[0, 0, 0, 1, 1]);
        let wire = Bytes::from(wire);
        let (handshake, rest) = HandshakeDecoder::new().push(wire.clone()).unwrap().unwrap();
        assert_eq!(handshake, shaken());
        assert_eq!(rest.as_ref(), [0, 0, 0, 1, 1]);
        assert_eq!(rest.as_ptr(), wire[68..].as_ptr());
    }

    #[test]
    fn another_protocol_is_noticed_at_its_first_byte() {
        let mut decoder = HandshakeDecoder::new();
        let error = decoder.push(Bytes::from_static(b"GET / HTTP/1.1\r\n")).unwrap_err();
        assert_eq!(error, WireError::NotBitTorrent { at: 0, got: b'G', expected: 19 });
        assert_eq!(decoder.push(Bytes::copy_from_slice(&shaken().encode())), Err(error));
        assert_eq!(decoder.info_hash(), None);
    }

    #[test]
    fn the_place_of_the_first_wrong_byte_is_told() {
        for at in 0..20 {
            let mut wire = shaken().encode();
            wire[at] ^= 1;
            let mut decoder = HandshakeDecoder::new();
            assert_eq!(decoder.push(Bytes::copy_from_slice(&wire[..at])), Ok(None));
            let error = decoder.push(Bytes::copy_from_slice(&wire[at..=at])).unwrap_err();
            assert_eq!(error, WireError::NotBitTorrent { at, got: wire[at], expected: wire[at] ^ 1 });
        }
    }

    #[test]
    fn reserved_bits_that_we_do_not_know_are_ignored_and_not_sent() {
        assert_eq!(Features::from_reserved([0xff; 8]).to_reserved(), Features::OURS.to_reserved());
        assert_eq!(
            Features::from_reserved([0xff, 0xff, 0xff, 0xff, 0xff, !0x10, 0xff, !0x04]),
            Features::default()
        );
        let fast = Features { fast: true, extended: false };
        assert_eq!(Features::OURS.common(fast), fast);
        assert_eq!(Features::default().common(Features::OURS), Features::default());
    }

    proptest! {
        #[test]
        fn a_handshake_survives_any_cutting(
            (info_hash, peer_id, fast, extended) in any::<([u8; 20], [u8; 20], bool, bool)>(),
            after in many(any::<u8>(), 0..30),
            cuts in many(1usize..40, 1..10),
        ) {
            let features = Features { fast, extended };
            let sent = Handshake { info_hash: Sha1Hash(info_hash), peer_id: PeerId(peer_id), features };
            let mut wire = BytesMut::from(&sent.encode()[..]);
            wire.extend_from_slice(&after);
            let mut wire = wire.freeze();
            let (mut decoder, mut cuts) = (HandshakeDecoder::new(), cuts.into_iter().cycle());
            let (got, mut rest) = loop {
                let cut = cuts.next().unwrap().min(wire.len());
                if let Some((got, rest)) = decoder.push(wire.split_to(cut)).unwrap() {
                    break (got, BytesMut::from(rest));
                }
            };
            rest.unsplit(BytesMut::from(wire));
            prop_assert_eq!(got, sent);
            prop_assert_eq!(rest, after);
        }

        #[test]
        fn arbitrary_bytes_are_a_handshake_only_if_they_begin_like_one(
            right in 0..=PROTOCOL.len(),
            noise in many(any::<u8>(), 0..100),
        ) {
            let wire = [&PROTOCOL[..right], &noise].concat();
            let is_handshake = PROTOCOL.iter().zip(&wire).all(|(a, b)| a == b);
            prop_assert_eq!(HandshakeDecoder::new().push(wire.into()).is_ok(), is_handshake);
        }
    }
}
