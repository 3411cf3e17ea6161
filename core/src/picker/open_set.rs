//! The open pieces together, with what is counted over all of them.

use super::invariants::Touched;
use super::open_piece::OpenPiece;
use crate::geometry::Geometry;
use crate::ids::PieceIndex;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// Closed pieces whose memory is kept for the next ones.
const MAX_SPARE: usize = 16;

/// The open pieces.
#[derive(Debug, Default)]
pub(super) struct OpenSet {
    pieces: BTreeMap<PieceIndex, OpenPiece>,
    /// Those that have free blocks, with what the choice among them needs.
    offers: BTreeMap<PieceIndex, Offer>,
    /// How many have blocks that are not yet received.
    unfinished: usize,
    /// Bytes received or written in all of them.
    bytes: u64,
    /// Bytes that were discarded, ever.
    discarded: u64,
    spare: Vec<OpenPiece>,
    pub(super) touched: Touched,
}

/// An open piece that has free blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Offer {
    /// Other blocks of it are requested.
    pub(super) busy: bool,
    /// It must come from one address.
    pub(super) solo: bool,
    /// Blocks not yet received.
    pub(super) missing: u32,
}

/// What one piece adds to the whole.
struct Share {
    offer: Option<Offer>,
    unfinished: usize,
    bytes: u64,
}

impl Share {
    const NONE: Self = Self { offer: None, unfinished: 0, bytes: 0 };

    fn of(open: &OpenPiece) -> Self {
        let offer = Offer { busy: open.requested() > 0, solo: open.solo.is_some(), missing: open.missing() };
        Self {
            offer: (open.free() > 0).then_some(offer),
            unfinished: usize::from(!open.is_received()),
            bytes: u64::from(open.bytes()),
        }
    }
}

impl OpenSet {
    /// How many pieces are open, those that wait for a verdict included.
    pub(super) fn len(&self) -> usize {
        self.pieces.len()
    }

    /// How many open pieces have blocks that are not yet received.
    pub(super) const fn unfinished(&self) -> usize {
        self.unfinished
    }

    /// Bytes received or written in open pieces.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes that were received and discarded, ever.
    pub(super) const fn discarded(&self) -> u64 {
        self.discarded
    }

    /// An open piece.
    pub(super) fn get(&self, piece: PieceIndex) -> Option<&OpenPiece> {
        self.pieces.get(&piece)
    }

    /// All open pieces, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (PieceIndex, &OpenPiece)> {
        self.pieces.iter().map(|(piece, open)| (*piece, open))
    }

    /// The open pieces that have free blocks, in order.
    pub(super) fn offers(&self) -> impl Iterator<Item = (PieceIndex, Offer)> + '_ {
        self.offers.iter().map(|(piece, offer)| (*piece, *offer))
    }

    /// Opens a piece with all blocks free.
    pub(super) fn open(&mut self, geometry: &Geometry, piece: PieceIndex) {
        let mut open = self.spare.pop().unwrap_or_default();
        open.begin(geometry, piece);
        self.account(piece, &Share::NONE, &Share::of(&open));
        self.pieces.insert(piece, open);
    }

    /// Closes a piece.
    pub(super) fn close(&mut self, piece: PieceIndex) {
        let Some(open) = self.pieces.remove(&piece) else { return };
        self.account(piece, &Share::of(&open), &Share::NONE);
        if self.spare.len() < MAX_SPARE {
            self.spare.push(open);
        }
    }

    /// Changes a piece, and the sums with it. `None` if it is not open.
    pub(super) fn change<R>(&mut self, piece: PieceIndex, f: impl FnOnce(&mut OpenPiece) -> R) -> Option<R> {
        let open = self.pieces.get_mut(&piece)?;
        let before = Share::of(open);
        let result = f(open);
        self.discarded += u64::from(core::mem::take(&mut open.discarded));
        let after = Share::of(open);
        self.account(piece, &before, &after);
        Some(result)
    }

    fn account(&mut self, piece: PieceIndex, before: &Share, after: &Share) {
        self.touched.note(piece);
        self.unfinished = self.unfinished + after.unfinished - before.unfinished;
        self.bytes = self.bytes + after.bytes - before.bytes;
        match after.offer {
            offer if offer == before.offer => {}
            Some(offer) => drop(self.offers.insert(piece, offer)),
            None => drop(self.offers.remove(&piece)),
        }
    }

    /// Panics where the pieces and the sums disagree.
    pub(super) fn check_sums(&self) {
        let shares = || self.pieces.values().map(Share::of);
        assert_eq!(self.unfinished, shares().map(|s| s.unfinished).sum());
        assert_eq!(self.bytes, shares().map(|s| s.bytes).sum());
        assert_eq!(self.offers.len(), shares().filter(|s| s.offer.is_some()).count());
    }

    /// Panics where a piece is offered wrongly.
    pub(super) fn check_offer(&self, piece: PieceIndex) {
        let offer = self.pieces.get(&piece).and_then(|open| Share::of(open).offer);
        assert_eq!(self.offers.get(&piece).copied(), offer, "the offer of piece {piece}");
    }
}
