//! How a seed spreads a torrent that nobody else has yet: it suggests to each peer that it lets download pieces that
//! it has given to nobody (BEP 6 `suggest piece`). Peers that choose at random among the rarest choose the same ones
//! now and then, and what a lone seed sends twice, the whole swarm waits for.

use super::Torrent;
use crate::bitfield::Bitfield;
use crate::context::Context;
use crate::event::Phase;
use crate::ids::{ConnId, PieceIndex};
use crate::wire::Message;
use rand_chacha::rand_core::Rng as _;

/// Suggestions to a peer that it has not taken up.
const AHEAD: usize = 2;

/// The pieces that a seed has still to bring among people.
#[derive(Debug)]
pub(super) struct Spread {
    /// Pieces that were suggested to somebody, or asked for.
    given: Bitfield,
    /// The piece to look at next; all are looked at once.
    next: u32,
    left: u32,
}

impl Spread {
    fn new(cx: &mut Context, num_pieces: u32) -> Self {
        // Several seeds that begin together are not to begin with the same pieces.
        let next = cx.fork_rng().next_u32() % num_pieces.max(1);
        Self { given: Bitfield::new(num_pieces), next, left: num_pieces }
    }

    /// A piece that was given to nobody, and of which it is said that it is worth it.
    fn next(&mut self, is_wanted: impl Fn(PieceIndex) -> bool) -> Option<PieceIndex> {
        while self.left > 0 {
            let piece = PieceIndex::new(self.next);
            self.next = (self.next + 1) % self.given.len();
            self.left -= 1;
            if is_wanted(piece) && self.given.insert(piece) {
                return Some(piece);
            }
        }
        None
    }
}

impl Torrent {
    /// Suggests pieces to a peer that may download now or in a moment.
    pub(super) fn suggest(&mut self, cx: &mut Context, conn: ConnId) {
        if self.phase != Phase::Seeding {
            return;
        }
        let num_pieces = self.geometry.num_pieces();
        let spread = self.spread.get_or_insert_with(|| Spread::new(cx, num_pieces));
        // No connected peer has it; we do, unless we have lost it.
        let picker = &self.picker;
        let is_wanted = |piece| picker.have().has(piece) && picker.availability(piece) == 0;
        let Some(peer) = self.peers.get_mut(&conn).filter(|peer| peer.features.fast) else { return };
        peer.offered.retain(|piece| !peer.has.has(*piece));
        while peer.offered.len() < AHEAD
            && let Some(piece) = spread.next(is_wanted)
        {
            peer.offered.push(piece);
            peer.send(cx.now, &mut cx.out, &Message::Suggest(piece.get()));
        }
    }

    /// A peer asked for a part of a piece. If that was suggested to it, it is time for another suggestion.
    pub(super) fn note_request(&mut self, cx: &mut Context, conn: ConnId, piece: PieceIndex) {
        let (Some(spread), Some(peer)) = (&mut self.spread, self.peers.get_mut(&conn)) else { return };
        spread.given.insert(piece);
        if let Some(at) = peer.offered.iter().position(|offered| *offered == piece) {
            peer.offered.swap_remove(at);
            self.suggest(cx, conn);
        }
    }
}
