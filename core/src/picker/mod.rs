//! The piece picker: which block to ask of which peer, rarest first, and what state each block is in.
//!
//! A plain policy that knows connections by number only. It owns the rule that a wanted block is always in
//! exactly one state: free, requested, received or written; whatever fails, a block is never lost.

mod endgame;
mod free_blocks;
mod invariants;
mod open_piece;
mod open_set;
mod outcome;
mod policy;
mod rarity;
mod roster;
mod solo;
#[cfg(test)]
mod tests;
mod workload;

use crate::bitfield::Bitfield;
use crate::geometry::Geometry;
use crate::ids::{BlockId, ConnId, PieceIndex};
use crate::time::Instant;
use alloc::collections::BTreeSet;
use core::net::IpAddr;
#[cfg(test)]
use open_piece::State;
use open_set::OpenSet;
use rand_chacha::ChaCha8Rng;
use rarity::Rarity;
pub(crate) use solo::SOLO_WAIT;
use workload::Workload;

/// The state of every piece and block of one torrent, and the choice of what to request next.
#[derive(Debug)]
pub(crate) struct Picker {
    geometry: Geometry,
    /// Unfinished pieces that are open at once, as a rule; see [`policy`].
    max_open: usize,
    rng: ChaCha8Rng,
    have: Bitfield,
    rarity: Rarity,
    opens: OpenSet,
    workload: Workload,
    /// The latest time that somebody told us.
    clock: Instant,
    /// Changes since the sums were checked.
    unchecked: usize,
}

/// Who asks for blocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PickFor<'a> {
    /// The connection.
    pub(crate) conn: ConnId,
    /// The address at its other end.
    pub(crate) addr: IpAddr,
    /// The pieces it has: the same that the picker was told of.
    pub(crate) has: &'a Bitfield,
    /// The time.
    pub(crate) now: Instant,
    /// It delivers a whole piece within a few seconds: it gets pieces of its own.
    pub(crate) fast: bool,
    /// While it chokes us, only these may be requested (allowed fast, BEP 6).
    pub(crate) allowed: Option<&'a BTreeSet<PieceIndex>>,
    /// Pieces that it has and will not give.
    pub(crate) refused: &'a BTreeSet<PieceIndex>,
    /// Pieces that it suggested (BEP 6): begun before others.
    pub(crate) suggested: &'a [PieceIndex],
}

impl PickFor<'_> {
    /// Whether blocks of this piece may be requested of it.
    fn may_give(&self, piece: PieceIndex) -> bool {
        self.has.has(piece)
            && self.allowed.is_none_or(|allowed| allowed.contains(&piece))
            && !self.refused.contains(&piece)
    }
}

/// The state of a block.
#[cfg(test)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BlockState {
    /// Wanted, and requested of nobody.
    Free,
    /// Requested of so many connections: more than one in endgame only.
    Requested(usize),
    /// Received, not yet written.
    Received,
    /// On the disk, in a piece that is not yet verified.
    Written,
    /// Part of a piece that is verified.
    Have,
}

impl Picker {
    /// A picker for a torrent of which nothing is there yet. As a rule at most `max_open` pieces are
    /// unfinished at once.
    pub(crate) fn new(geometry: Geometry, max_open: usize, rng: ChaCha8Rng) -> Self {
        Self {
            geometry,
            max_open: max_open.max(1),
            rng,
            have: Bitfield::new(geometry.num_pieces()),
            rarity: Rarity::new(geometry.num_pieces()),
            opens: OpenSet::default(),
            workload: Workload::default(),
            clock: Instant::ZERO,
            unchecked: 0,
        }
    }

    /// The verified pieces.
    pub(crate) const fn have(&self) -> &Bitfield {
        &self.have
    }

    /// Whether every piece is verified.
    pub(crate) const fn is_complete(&self) -> bool {
        self.have.is_full()
    }

    /// The piece was found good on the disk. If it was open it is closed, and its requests are forgotten.
    pub(crate) fn set_have(&mut self, piece: PieceIndex) {
        if self.have.insert(piece) {
            self.forget_open(piece);
            self.rarity.set_have(piece);
        }
    }

    /// A piece that we had turned out to be bad or unreadable: it is wanted again.
    pub(crate) fn unset_have(&mut self, piece: PieceIndex) {
        if self.have.remove(piece) {
            self.rarity.set_closed(piece);
        }
    }

    /// A peer is there that has these pieces. Constant time for a seed.
    pub(crate) fn peer_joined(&mut self, has: &Bitfield) {
        self.rarity.add_peer(has);
    }

    /// A peer is gone. `has` is what it joined with and got since.
    pub(crate) fn peer_left(&mut self, has: &Bitfield) {
        self.rarity.remove_peer(has);
    }

    /// A peer has this piece too, which it did not have before.
    pub(crate) fn peer_got(&mut self, piece: PieceIndex) {
        self.rarity.add(piece);
    }

    /// Missing pieces that no connected peer has.
    pub(crate) fn unavailable(&self) -> u32 {
        self.rarity.unavailable()
    }

    /// Whether a peer with these pieces has one that we miss.
    #[cfg(test)]
    pub(crate) fn wants_from(&self, has: &Bitfield) -> bool {
        // Who has more pieces than we have has one that we miss.
        has.count() > self.have.count() || (!self.is_complete() && has.has_more_than(&self.have))
    }

    /// Whether every block is received of this open piece; `false` for one that is not open.
    pub(crate) fn is_received(&self, piece: PieceIndex) -> bool {
        self.opens.get(piece).is_some_and(|open| open.is_received())
    }

    /// Whether every block is on the disk of this open piece, so that its digest can be judged; `false` for one
    /// that is not open.
    pub(crate) fn is_written(&self, piece: PieceIndex) -> bool {
        self.opens.get(piece).is_some_and(|open| open.is_written())
    }

    /// Whether the received blocks of an open piece came from more than one address.
    pub(crate) fn is_shared(&self, piece: PieceIndex) -> bool {
        self.opens.get(piece).is_some_and(|open| open.senders().count() > 1)
    }

    /// The addresses that sent the received blocks of an open piece, each once.
    #[cfg(test)]
    pub(crate) fn senders(&self, piece: PieceIndex) -> impl Iterator<Item = IpAddr> + '_ {
        self.opens.get(piece).into_iter().flat_map(|open| open.senders())
    }

    /// The state of a block, which must be one of this torrent.
    #[cfg(test)]
    pub(crate) fn block_state(&self, block: BlockId) -> BlockState {
        if self.have.has(block.piece) {
            return BlockState::Have;
        }
        match self.opens.get(block.piece).and_then(|open| open.state(block.block)) {
            None | Some((State::Free, _)) => BlockState::Free,
            Some((State::Requested, requesters)) => BlockState::Requested(requesters),
            Some((State::Received | State::Stale, _)) => BlockState::Received,
            Some((State::Written, _)) => BlockState::Written,
        }
    }

    /// Pieces that are begun and not yet verified.
    #[cfg(test)]
    pub(crate) fn open_pieces(&self) -> usize {
        self.opens.len()
    }

    /// Bytes that were received and thrown away because the piece had to come from one address, and did not.
    pub(crate) const fn bytes_discarded(&self) -> u64 {
        self.opens.discarded()
    }

    /// Bytes received, written or not, in pieces that are not yet verified.
    pub(crate) const fn bytes_received_in_open(&self) -> u64 {
        self.opens.bytes()
    }

    /// Whether a piece is kept for one address alone, after it failed with blocks of several.
    pub(crate) fn has_solo(&self) -> bool {
        self.opens.iter().any(|(_, open)| open.solo.is_some())
    }

    /// How many pieces failed with blocks of several senders and wait for one who sends them alone.
    pub(crate) fn failed_and_waiting(&self) -> u32 {
        let waits = |(_, offer): &(PieceIndex, open_set::Offer)| offer.solo && !offer.busy;
        u32::try_from(self.opens.offers().filter(waits).count()).unwrap_or(u32::MAX)
    }

    /// Blocks that were received, and that the disk is not yet done with, in order.
    pub(crate) fn on_their_way(&self) -> impl Iterator<Item = BlockId> + '_ {
        self.opens
            .iter()
            .flat_map(|(piece, open)| open.on_their_way().map(move |block| BlockId { piece, block }))
    }

    /// Blocks requested, over all connections.
    pub(crate) const fn requested(&self) -> usize {
        self.workload.total()
    }

    /// Blocks requested of a connection.
    pub(crate) fn requested_of(&self, conn: ConnId) -> u32 {
        self.workload.requested(conn)
    }

    /// Blocks that are requested, each once however many were asked for it.
    pub(crate) fn blocks_requested(&self) -> usize {
        self.opens.iter().map(|(_, open)| open.requested() as usize).sum()
    }

    /// How many connected peers have a piece.
    pub(crate) fn availability(&self, piece: PieceIndex) -> u32 {
        self.rarity.availability(piece)
    }

    /// Whether every missing block that a connected peer could give is requested or received, and something is
    /// missing.
    pub(crate) fn in_endgame(&self) -> bool {
        !self.is_complete()
            && self.rarity.obtainable() == 0
            && self.opens.offers().all(|(piece, _)| self.rarity.availability(piece) == 0)
    }
}
