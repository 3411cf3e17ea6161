//! What a peer is asked for next.
//!
//! In this order: the piece that it works on; open pieces that it works on or nobody does; a new piece, for a fast
//! peer or where that is rarer than the open ones; open pieces that it shares with others; a new piece.

use super::open_set::Offer;
use super::solo::Solo;
use super::{PickFor, Picker};
use crate::ids::{BlockId, ConnId, PieceIndex};
use alloc::vec::Vec;

/// Until so many pieces are there, new ones are random: a rare piece comes slowly, and we need some to give.
const RANDOM_FIRST: usize = 4;
/// So many times the limit of open pieces may be open for the sake of peers that would have nothing to do.
const STARVING_FACTOR: usize = 2;

/// Who works on an open piece, in the order of preference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Company {
    Itself,
    Nobody,
    Others,
}

impl Picker {
    /// Chooses up to `count` blocks for a peer and appends them to `out`: they are now requested of it.
    ///
    /// The peer must be one that has joined. Fewer blocks than asked for mean that there is nothing more to ask
    /// of this peer until something happens.
    pub(crate) fn pick(&mut self, peer: &PickFor<'_>, count: usize, out: &mut Vec<BlockId>) {
        self.clock = self.clock.max(peer.now);
        if count == 0 || self.is_complete() || peer.has.is_empty() {
            return;
        }
        let end = out.len().saturating_add(count);
        self.take_current(peer, end, out);
        if peer.fast {
            self.take_open(Company::Nobody, peer, end, out);
            self.take_new(false, peer, end, out);
        } else {
            self.take_rarer(peer, end, out);
        }
        self.take_open(Company::Others, peer, end, out);
        self.take_new(true, peer, end, out);
    }

    /// Free blocks of the piece that it was last asked for, while it works on it. Mostly these are enough.
    fn take_current(&mut self, peer: &PickFor<'_>, end: usize, out: &mut Vec<BlockId>) {
        let Some(piece) = self.workload.current(peer.conn) else { return };
        if self.works_on(peer.conn, piece) {
            self.take(piece, peer, end, out);
        }
    }

    /// Free blocks of open pieces, up to this degree of company.
    fn take_open(&mut self, company: Company, peer: &PickFor<'_>, end: usize, out: &mut Vec<BlockId>) {
        while out.len() < end
            && let Some(piece) = self.best_open(company, peer)
        {
            let before = out.len();
            self.take(piece, peer, end, out);
            if out.len() == before {
                return;
            }
        }
    }

    /// The open piece to go on with: the peer's own first, then the one that is nearest to being complete, then
    /// the rarest.
    fn best_open(&self, company: Company, peer: &PickFor<'_>) -> Option<PieceIndex> {
        let rank = |(piece, offer): (PieceIndex, Offer)| {
            let with = if !offer.busy {
                Company::Nobody
            } else if self.works_on(peer.conn, piece) {
                Company::Itself
            } else {
                Company::Others
            };
            (with, offer.missing, self.rarity.availability(piece), piece)
        };
        self.opens
            .offers()
            .filter(|(piece, offer)| peer.may_give(*piece) && (!offer.solo || self.suits(*piece, peer)))
            .map(rank)
            .filter(|(with, ..)| *with <= company)
            .min()
            .map(|(.., piece)| piece)
    }

    fn works_on(&self, conn: ConnId, piece: PieceIndex) -> bool {
        self.opens.get(piece).is_some_and(|open| open.requested_of(conn) > 0)
    }

    /// Whether the peer may be asked for blocks of this open piece.
    fn suits(&self, piece: PieceIndex, peer: &PickFor<'_>) -> bool {
        let Some(open) = self.opens.get(piece) else { return false };
        let may_take = |solo: &Solo| solo.may_take(peer.addr, peer.now, open.requested() > 0);
        peer.may_give(piece) && open.solo.as_ref().is_none_or(may_take)
    }

    /// Free blocks of one open piece, if it suits the peer.
    fn take(&mut self, piece: PieceIndex, peer: &PickFor<'_>, end: usize, out: &mut Vec<BlockId>) {
        let count = end.saturating_sub(out.len());
        let has_free = self.opens.get(piece).is_some_and(|open| open.free() > 0);
        if count == 0 || !has_free || !self.suits(piece, peer) {
            return;
        }
        let taken = self.opens.change(piece, |open| {
            open.give_to_owner(peer.addr, peer.now);
            open.request_free(peer.conn, count, |block| out.push(BlockId { piece, block }))
        });
        self.workload.begin(peer.conn, piece, taken.unwrap_or(0));
    }

    /// Blocks of new pieces that are rarer than every open one that the peer could help with.
    ///
    /// Who has a rare piece, a seed most of all, is not to spend itself on what others can give us as well. Without
    /// this, a simulated swarm with one seed takes a fifth more time.
    fn take_rarer(&mut self, peer: &PickFor<'_>, end: usize, out: &mut Vec<BlockId>) {
        while out.len() < end
            && self.opens.unfinished() < self.max_open
            && let Some(shared) = self.rarest_open(peer)
            && let Some(new) = self.new_piece(peer)
            && self.rarity.availability(new) < shared
        {
            let before = out.len();
            self.take_open(Company::Nobody, peer, end, out);
            if out.len() == before {
                self.begin(new, peer, end, out);
            }
        }
    }

    /// How many peers have the rarest of the open pieces that a peer could help with. `None` while the first pieces
    /// are fetched: those are to be complete soon, rare or not.
    fn rarest_open(&self, peer: &PickFor<'_>) -> Option<u32> {
        if (self.have.count() as usize) < RANDOM_FIRST {
            return None;
        }
        let offers = self.opens.offers();
        let suiting = offers
            .filter(|(piece, offer)| peer.may_give(*piece) && (!offer.solo || self.suits(*piece, peer)));
        suiting.map(|(piece, _)| self.rarity.availability(piece)).min()
    }

    /// Blocks of new pieces; beyond the limit of open pieces only one, for a peer that has nothing to do.
    fn take_new(&mut self, beyond_limit: bool, peer: &PickFor<'_>, end: usize, out: &mut Vec<BlockId>) {
        while out.len() < end {
            let starving = beyond_limit && self.workload.requested(peer.conn) == 0;
            if self.opens.unfinished() >= self.max_open && !starving {
                return;
            }
            let Some(piece) = self.new_piece(peer) else { return };
            if self.opens.unfinished() >= self.max_open.saturating_mul(STARVING_FACTOR)
                && !self.close_abandoned()
            {
                return;
            }
            self.begin(piece, peer, end, out);
        }
    }

    /// Opens a piece and takes blocks of it.
    fn begin(&mut self, piece: PieceIndex, peer: &PickFor<'_>, end: usize, out: &mut Vec<BlockId>) {
        self.rarity.set_open(piece);
        self.opens.open(&self.geometry, piece);
        self.take(piece, peer, end, out);
    }

    /// The piece to begin: the rarest that the peer has; among those, one that it suggested.
    fn new_piece(&mut self, peer: &PickFor<'_>) -> Option<PieceIndex> {
        let (rarity, rng) = (&self.rarity, &mut self.rng);
        let suits = |piece: &PieceIndex| rarity.is_closed(*piece) && peer.may_give(*piece);
        let best = if let Some(allowed) = peer.allowed {
            rarity.rarest_of(allowed.iter().copied().filter(suits), rng)
        } else if !peer.refused.is_empty() {
            rarity.rarest_of(peer.has.minus(&self.have).filter(suits), rng)
        } else if (self.have.count() as usize) < RANDOM_FIRST && self.opens.unfinished() < RANDOM_FIRST {
            rarity.any(peer.has, &self.have, rng)
        } else {
            rarity.rarest(peer.has, &self.have, rng)
        };
        let best = best?;
        let suggested = peer.suggested.iter().copied().filter(suits);
        let suggested = suggested.min_by_key(|piece| rarity.availability(*piece));
        suggested.filter(|piece| rarity.availability(*piece) <= rarity.availability(best)).or(Some(best))
    }

    /// Makes room: closes the piece with the least on the disk among those that nobody works on and no connected
    /// peer has. What was written of it is fetched again one day. Says whether there was one.
    fn close_abandoned(&mut self) -> bool {
        let abandoned = self
            .opens
            .iter()
            .filter(|(piece, open)| {
                open.is_at_rest() && !open.is_written() && self.rarity.availability(*piece) == 0
            })
            .min_by_key(|(piece, open)| (open.solo.is_some(), open.written(), *piece))
            .map(|(piece, _)| piece);
        let Some(piece) = abandoned else { return false };
        self.forget_open(piece);
        self.rarity.set_closed(piece);
        true
    }
}
