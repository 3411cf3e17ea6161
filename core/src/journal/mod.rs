//! The journal beside a `.part`: what of it is verified and synced, as bytes that survive any crash.
//!
//! A header binds it to one torrent; records follow, each with its own check. Reading stops at the first
//! record that is not whole, so a torn tail costs only that record. The order that makes this safe (data
//! written, synced, then recorded) is kept by the torrent's records (`torrent/records.rs`), not here.

mod read;
#[cfg(test)]
mod tests;

pub(crate) use read::{Replay, is_of_another, replay};

use crate::bitfield::Bitfield;
use crate::disk::FileStamp;
use crate::geometry::Geometry;
use crate::hash::sha1;
use crate::ids::{FileIndex, InfoHash, PieceIndex};
use bytes::{BufMut, Bytes, BytesMut};

/// The first bytes of every journal; the last two digits are the version.
const MAGIC: &[u8; 12] = b"peerless-j01";
/// Magic, info hash, piece length, total length, check.
const HEADER_LEN: usize = 12 + 20 + 4 + 8 + CHECK_LEN;
/// Kind and payload length.
const RECORD_HEAD: usize = 1 + 4;
/// A record's check: the first bytes of a SHA-1 over the info hash, its head and its payload.
const CHECK_LEN: usize = 8;

/// What a record says. The number is what stands in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Kind {
    /// Blocks of these pieces may have been written; nothing is proved.
    Begun = 1,
    /// These pieces are verified, and were synced before this was written.
    Have = 2,
    /// All pieces that are verified and synced, as a bitfield.
    HaveAll = 3,
    /// These pieces turned out unreadable after all.
    Lost = 4,
    /// The stamps of some files, taken after their last sync.
    Stamps = 5,
    /// The download was closed in order: no write came after the stamps.
    Closed = 6,
}

/// Writes journals of one torrent.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    info_hash: InfoHash,
    geometry: Geometry,
}

impl Writer {
    pub(crate) const fn new(info_hash: InfoHash, geometry: Geometry) -> Self {
        Self { info_hash, geometry }
    }

    /// A whole new journal that says what is had, and what the files look like that hold it.
    pub(crate) fn fresh(&self, have: &Bitfield, stamps: &[(FileIndex, FileStamp)]) -> Bytes {
        let mut out = BytesMut::new();
        out.put_slice(MAGIC);
        out.put_slice(&self.info_hash.wire().0);
        out.put_u32(self.geometry.piece_length());
        out.put_u64(self.geometry.total());
        let check = sha1(&out);
        out.put_slice(&check.0[..CHECK_LEN]);
        self.record(&mut out, Kind::HaveAll, &have.to_wire());
        self.stamps(&mut out, stamps);
        out.freeze()
    }

    /// Records that pieces are about to be written to.
    pub(crate) fn begun(&self, out: &mut BytesMut, pieces: &[PieceIndex]) {
        self.pieces(out, Kind::Begun, pieces);
    }

    /// Records pieces whose data has been verified and synced.
    pub(crate) fn have(&self, out: &mut BytesMut, pieces: &[PieceIndex]) {
        self.pieces(out, Kind::Have, pieces);
    }

    /// Records pieces that could not be read back.
    pub(crate) fn lost(&self, out: &mut BytesMut, pieces: &[PieceIndex]) {
        self.pieces(out, Kind::Lost, pieces);
    }

    /// Records what the file system said of files after their last sync.
    pub(crate) fn stamps(&self, out: &mut BytesMut, stamps: &[(FileIndex, FileStamp)]) {
        let mut payload = BytesMut::with_capacity(stamps.len() * 20);
        for (file, stamp) in stamps {
            payload.put_u32(file.0);
            payload.put_u64(stamp.len);
            payload.put_i64(stamp.modified);
        }
        if !stamps.is_empty() {
            self.record(out, Kind::Stamps, &payload);
        }
    }

    /// Records an orderly end.
    pub(crate) fn closed(&self, out: &mut BytesMut) {
        self.record(out, Kind::Closed, &[]);
    }

    fn pieces(&self, out: &mut BytesMut, kind: Kind, pieces: &[PieceIndex]) {
        if pieces.is_empty() {
            return;
        }
        let mut payload = BytesMut::with_capacity(pieces.len() * 4);
        for piece in pieces {
            payload.put_u32(piece.get());
        }
        self.record(out, kind, &payload);
    }

    fn record(&self, out: &mut BytesMut, kind: Kind, payload: &[u8]) {
        let start = out.len();
        out.put_u8(kind as u8);
        out.put_u32(u32::try_from(payload.len()).expect("a record holds at most one entry a piece or file"));
        out.put_slice(payload);
        let check = check(&self.info_hash, &out[start..]);
        out.put_slice(&check);
    }
}

/// The check over a record. The info hash is in it so that records of another torrent never pass.
fn check(info_hash: &InfoHash, record: &[u8]) -> [u8; CHECK_LEN] {
    let mut state = crate::hash::Sha1State::new();
    state.update(&info_hash.wire().0);
    state.update(record);
    let mut out = [0; CHECK_LEN];
    out.copy_from_slice(&state.finish().0[..CHECK_LEN]);
    out
}
