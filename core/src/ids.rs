//! Newtypes for every index, id and hash, so that none can be taken for another.

use alloc::string::String;
use core::fmt;

/// A piece of a torrent, counted from 0.
///
/// One that came from a peer is made by [`Geometry::piece`](crate::Geometry::piece) only, which checks the
/// range; so code that holds a `PieceIndex` of its own torrent needs no further check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PieceIndex(pub(crate) u32);

impl PieceIndex {
    /// The piece's number, unchecked: for tests and for reading back what this crate wrote.
    pub const fn new(index: u32) -> Self {
        Self(index)
    }

    /// The number as the wire carries it.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The number as an index into a slice.
    pub const fn as_usize(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for PieceIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One block (16 KiB, less at the end of the torrent's last piece): the unit of requests (BEP 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockId {
    /// The piece it belongs to.
    pub piece: PieceIndex,
    /// Its number within the piece, from 0; it begins at `block * 16384`.
    pub block: u32,
}

/// A file of a torrent, counted from 0 in the order of the info dictionary, padding files included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileIndex(pub u32);

impl FileIndex {
    /// The number as an index into a slice.
    pub const fn as_usize(self) -> usize {
        self.0 as usize
    }
}

/// A torrent within one engine. Never reused, so a late message to a removed torrent is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TorrentId(pub u32);

/// A connection: a byte stream to a peer or to a tracker.
///
/// Never reused, so that the number is its own generation. The engine numbers the connections that it asks
/// for; the driver numbers those that it accepts, through [`ConnId::accepted`]. The two cannot collide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(u64);

impl ConnId {
    /// The driver's `serial`-th accepted connection. Each serial may be used once.
    pub const fn accepted(serial: u64) -> Self {
        Self(serial << 1 | 1)
    }

    /// The engine's `serial`-th outgoing connection.
    pub(crate) const fn outgoing(serial: u64) -> Self {
        Self(serial << 1)
    }

    /// The connection that [`get`](Self::get) gives this number of.
    pub(crate) const fn from_number(number: u64) -> Self {
        Self(number)
    }

    /// Whether the other side opened it.
    pub const fn is_accepted(self) -> bool {
        self.0 & 1 == 1
    }

    /// The number, for logs and as a key.
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// A job that the engine handed out: a disk operation or a name to resolve. Never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub(crate) u64);

impl JobId {
    /// The number, for logs and as a key.
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// A SHA-1 digest: of a piece, or of an info dictionary (BEP 3).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha1Hash(pub [u8; 20]);

/// A SHA-256 digest: of a version 2 info dictionary (BEP 52).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256Hash(pub [u8; 32]);

/// A peer's id (BEP 3): 20 bytes of its own choice. Anything but unique, and never to be trusted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub [u8; 20]);

/// The identity of a torrent: the digest of its info dictionary, in version 1, version 2, or (hybrid) both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InfoHash {
    /// SHA-1 of the raw info dictionary (BEP 3), for version 1 and hybrid torrents.
    pub v1: Option<Sha1Hash>,
    /// SHA-256 of the raw info dictionary (BEP 52), for version 2 and hybrid torrents.
    pub v2: Option<Sha256Hash>,
}

impl InfoHash {
    /// The 20 bytes that handshakes and trackers carry: version 1 where there is one, otherwise the first
    /// 20 bytes of version 2 (BEP 52).
    pub fn wire(&self) -> Sha1Hash {
        if let Some(v1) = self.v1 {
            return v1;
        }
        let mut out = [0; 20];
        if let Some(v2) = &self.v2 {
            out.copy_from_slice(&v2.0[..20]);
        }
        Sha1Hash(out)
    }
}

impl Sha1Hash {
    /// The digest as 40 lower-case hexadecimal digits.
    pub fn to_hex(&self) -> String {
        hex(&self.0)
    }
}

impl Sha256Hash {
    /// The digest as 64 lower-case hexadecimal digits.
    pub fn to_hex(&self) -> String {
        hex(&self.0)
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    bytes.iter().flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]]).collect()
}

macro_rules! show_as_hex {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex(&self.0))
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex(&self.0))
            }
        }
    )*};
}
show_as_hex!(Sha1Hash, Sha256Hash);

impl fmt::Debug for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepted_and_outgoing_connections_never_share_a_number() {
        assert_ne!(ConnId::accepted(0), ConnId::outgoing(0));
        assert_ne!(ConnId::accepted(0), ConnId::outgoing(1));
        assert!(ConnId::accepted(3).is_accepted());
        assert!(!ConnId::outgoing(3).is_accepted());
    }

    #[test]
    fn a_v2_torrent_goes_by_the_first_20_bytes_of_its_hash() {
        let v2 = InfoHash { v1: None, v2: Some(Sha256Hash([7; 32])) };
        assert_eq!(v2.wire(), Sha1Hash([7; 20]));
        assert_eq!(v2.wire().to_hex(), "07".repeat(20));
    }
}
