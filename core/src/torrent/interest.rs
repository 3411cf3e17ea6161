//! Who has what: what each peer has, and whether we want any of it. What we tell of our own pieces is in `haves`.
//!
//! How many pieces a peer has that we miss is one number for each peer, kept up to date with every change on
//! either side: interest (BEP 3) is whether it is zero.

use super::Torrent;
use crate::bitfield::Bitfield;
use crate::context::Context;
use crate::error::{DisconnectReason, PeerFault};
use crate::event::Phase;
use crate::ids::{ConnId, PieceIndex};
use crate::wire::Message;
use alloc::vec::Vec;

impl Torrent {
    /// A peer has one more piece (BEP 3 `have`).
    pub(super) fn have_came(&mut self, cx: &mut Context, conn: ConnId, index: u32) -> Result<(), PeerFault> {
        let piece = self.piece(index)?;
        let missing = !self.picker.have().has(piece);
        let Some(peer) = self.peers.get_mut(&conn) else { return Ok(()) };
        // It may have said so before, and rejected it since: now it means it.
        peer.refused.remove(&piece);
        if peer.has.insert(piece) {
            peer.missing_here += u32::from(missing);
            self.picker.peer_got(piece);
            self.has_changed(cx, conn);
        }
        Ok(())
    }

    /// The first word of a peer about what it has (BEP 3 `bitfield`, BEP 6 `have all`).
    pub(super) fn first_bitfield(&mut self, cx: &mut Context, conn: ConnId, has: Bitfield) {
        if let Some(peer) = self.peers.get_mut(&conn) {
            self.picker.peer_joined(&has);
            let missing = has.minus(self.picker.have()).count();
            peer.missing_here = u32::try_from(missing).unwrap_or(u32::MAX);
            peer.has = has;
            self.has_changed(cx, conn);
        }
    }

    /// A later bitfield: adds what is new in it.
    pub(super) fn later_bitfield(&mut self, cx: &mut Context, conn: ConnId, has: &Bitfield) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        let new: Vec<PieceIndex> = has.minus(&peer.has).collect();
        for piece in new {
            peer.has.insert(piece);
            peer.missing_here += u32::from(!self.picker.have().has(piece));
            self.picker.peer_got(piece);
        }
        self.has_changed(cx, conn);
    }

    /// A peer has more than before.
    fn has_changed(&mut self, cx: &mut Context, conn: ConnId) {
        let both_seeds =
            self.picker.is_complete() && self.peers.get(&conn).is_some_and(|peer| peer.is_seed());
        if both_seeds && self.phase == Phase::Seeding {
            self.drop_peer(cx, conn, DisconnectReason::NothingToExchange);
        } else {
            self.update_interest(cx, conn);
        }
    }

    /// Says whether we want something of a peer, when that has changed (BEP 3).
    pub(super) fn update_interest(&mut self, cx: &mut Context, conn: ConnId) {
        // A seed of what the user has does not fetch what it has lost.
        let fetches = self.phase != Phase::Seeding || self.is_mending();
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        let interesting = peer.missing_here > 0 && fetches;
        if peer.interesting != interesting {
            peer.interesting = interesting;
            peer.last_interest = cx.now;
            let message = if interesting { Message::Interested } else { Message::NotInterested };
            peer.send(cx.now, &mut cx.out, &message);
        }
        if interesting {
            self.hungry.insert(conn);
        } else {
            self.hungry.remove(&conn);
        }
    }
}
