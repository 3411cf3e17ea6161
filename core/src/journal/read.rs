//! Reads a journal back after a restart. Whatever it says, it can only ever lead to more hashing.

use super::{CHECK_LEN, HEADER_LEN, Kind, MAGIC, RECORD_HEAD, check};
use crate::bitfield::Bitfield;
use crate::disk::FileStamp;
use crate::geometry::Geometry;
use crate::hash::sha1;
use crate::ids::{FileIndex, InfoHash, PieceIndex};
use alloc::collections::BTreeMap;
use bytes::Buf;

/// What a journal says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Replay {
    /// Pieces verified and synced.
    pub(crate) have: Bitfield,
    /// Pieces that may have been written to and were not verified.
    pub(crate) in_doubt: Bitfield,
    /// What each file looked like after its last sync.
    pub(crate) stamps: BTreeMap<FileIndex, FileStamp>,
    /// Whether the download was closed in order after that.
    pub(crate) closed: bool,
}

/// Reads a journal of the torrent with this info hash and size. `None` for one of another torrent or version,
/// and for anything else: then everything on the disk has to be hashed.
pub(crate) fn replay(data: &[u8], info_hash: &InfoHash, geometry: Geometry) -> Option<Replay> {
    let mut rest = header(data, info_hash, geometry)?;
    let mut replay = Replay {
        have: Bitfield::new(geometry.num_pieces()),
        in_doubt: Bitfield::new(geometry.num_pieces()),
        stamps: BTreeMap::new(),
        closed: false,
    };
    while let Some((kind, payload, after)) = record(rest, info_hash) {
        replay.apply(kind, payload, geometry);
        rest = after;
    }
    Some(replay)
}

/// Whether this is the sound journal of another torrent: what lies beside it is then another's as well.
pub(crate) fn is_of_another(data: &[u8], info_hash: &InfoHash) -> bool {
    sound_header(data).is_some_and(|(fields, _)| !fields.starts_with(&info_hash.wire().0))
}

fn header<'a>(data: &'a [u8], info_hash: &InfoHash, geometry: Geometry) -> Option<&'a [u8]> {
    let (mut fields, rest) = sound_header(data)?;
    let mut hash = [0; 20];
    fields.copy_to_slice(&mut hash);
    let same = hash == info_hash.wire().0
        && fields.get_u32() == geometry.piece_length()
        && fields.get_u64() == geometry.total();
    same.then_some(rest)
}

/// The fields of a header whose check is right, and what follows it.
fn sound_header(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let (head, rest) = data.split_at_checked(HEADER_LEN)?;
    let (fields, check) = head.split_at(HEADER_LEN - CHECK_LEN);
    let is_sound = fields.starts_with(MAGIC) && sha1(fields).0[..CHECK_LEN] == *check;
    is_sound.then_some((&fields[MAGIC.len()..], rest))
}

/// The next whole record: its kind (`None` for one of a later version), its payload, and what follows.
fn record<'a>(data: &'a [u8], info_hash: &InfoHash) -> Option<(Option<Kind>, &'a [u8], &'a [u8])> {
    let (head, _) = data.split_at_checked(RECORD_HEAD)?;
    let len = usize::try_from((&head[1..]).get_u32()).ok()?;
    let whole = RECORD_HEAD.checked_add(len)?;
    let (body, rest) = data.split_at_checked(whole)?;
    let (given, rest) = rest.split_at_checked(CHECK_LEN)?;
    if given != check(info_hash, body) {
        return None;
    }
    Some((Kind::from_byte(head[0]), &body[RECORD_HEAD..], rest))
}

impl Kind {
    const fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::Begun,
            2 => Self::Have,
            3 => Self::HaveAll,
            4 => Self::Lost,
            5 => Self::Stamps,
            6 => Self::Closed,
            _ => return None,
        })
    }
}

impl Replay {
    fn apply(&mut self, kind: Option<Kind>, payload: &[u8], geometry: Geometry) {
        let Some(kind) = kind else { return };
        self.closed = kind == Kind::Closed;
        let pieces = payload.as_chunks::<4>().0.iter().filter_map(|n| geometry.piece(u32::from_be_bytes(*n)));
        match kind {
            Kind::Begun => pieces.for_each(|piece| self.begun(piece)),
            Kind::Have => pieces.for_each(|piece| self.have(piece)),
            Kind::Lost => pieces.for_each(|piece| self.lost(piece)),
            Kind::HaveAll => {
                if let Some(all) = Bitfield::from_wire(geometry.num_pieces(), payload) {
                    all.iter().for_each(|piece| self.have(piece));
                }
            }
            Kind::Stamps => self.stamp(payload),
            Kind::Closed => {}
        }
    }

    fn begun(&mut self, piece: PieceIndex) {
        if !self.have.has(piece) {
            self.in_doubt.insert(piece);
        }
    }

    fn have(&mut self, piece: PieceIndex) {
        self.have.insert(piece);
        self.in_doubt.remove(piece);
    }

    fn lost(&mut self, piece: PieceIndex) {
        self.have.remove(piece);
        self.in_doubt.insert(piece);
    }

    fn stamp(&mut self, payload: &[u8]) {
        for mut entry in payload.as_chunks::<20>().0.iter().map(|entry| &entry[..]) {
            let file = FileIndex(entry.get_u32());
            self.stamps.insert(file, FileStamp { len: entry.get_u64(), modified: entry.get_i64() });
        }
    }
}
