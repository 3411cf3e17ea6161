//! Telling others what we have (BEP 3 `have`): at once whoever may be waiting for it, all others once in a while, and then
//! of several pieces together.
//!
//! A peer that wants much of us already loses nothing if it hears a second later of one piece more, and in a large swarm
//! a message for each piece and peer would be most of all messages. What goes to a peer anyway takes along what it has not
//! been told.

use super::Torrent;
use crate::context::Context;
use crate::ids::{ConnId, PieceIndex};
use crate::peer::{Peer, Told};
use crate::picker::Picker;
use crate::time::Duration;
use crate::timers::TorrentTimer;
use crate::wire::Message;
use alloc::vec::Vec;

/// No peer hears later of a piece than this.
const DELAY: Duration = Duration::from_secs(1);
/// A peer that knows of so many pieces that it could ask us for is in no hurry.
const PLENTY: usize = 16;

/// What was verified lately, in order.
#[derive(Debug, Default)]
pub(super) struct Haves {
    /// Pieces that some peer may not have been told of; `None` for those that were lost again.
    fresh: Vec<Option<PieceIndex>>,
    /// How many there were before these.
    before: u64,
}

impl Haves {
    /// Where somebody is who knows everything, as from a bitfield.
    pub(super) fn all(&self) -> Told {
        Told(self.before + self.fresh.len() as u64)
    }

    /// What somebody has not been told.
    fn since(&self, told: Told) -> &[Option<PieceIndex>] {
        let known = usize::try_from(told.0.saturating_sub(self.before)).unwrap_or(usize::MAX);
        self.fresh.get(known..).unwrap_or_default()
    }

    /// A piece is not there any more: nobody is told of it.
    pub(super) fn lost(&mut self, piece: PieceIndex) {
        for fresh in self.fresh.iter_mut().filter(|fresh| **fresh == Some(piece)) {
            *fresh = None;
        }
    }

    /// Everybody has been told.
    fn clear(&mut self) {
        self.before += self.fresh.len() as u64;
        self.fresh.clear();
    }
}

impl Torrent {
    /// We have a piece: whoever has little to ask us for hears of it at once, others within [`DELAY`].
    pub(super) fn tell_have(&mut self, cx: &mut Context, piece: PieceIndex) {
        self.haves.fresh.push(Some(piece));
        let mut lost_interest = Vec::new();
        for peer in self.peers.values_mut() {
            if peer.has.has(piece) {
                peer.missing_here = peer.missing_here.saturating_sub(1);
                if peer.missing_here == 0 {
                    lost_interest.push(peer.conn);
                }
            } else if !has_plenty(&self.picker, peer, self.haves.since(peer.told).len()) {
                tell(cx, &self.picker, &self.haves, peer);
            }
        }
        cx.timers.no_later_than(self.key(TorrentTimer::Haves), cx.now + DELAY);
        for conn in lost_interest {
            self.update_interest(cx, conn);
        }
    }

    /// Everybody is told what there is to tell.
    pub(super) fn tell_haves(&mut self, cx: &mut Context) {
        if self.is_networking() {
            for peer in self.peers.values_mut() {
                tell(cx, &self.picker, &self.haves, peer);
            }
        }
        self.haves.clear();
    }

    /// A peer gets something from us anyway.
    pub(super) fn tell_on_the_way(&mut self, cx: &mut Context, conn: ConnId) {
        if let Some(peer) = self.peers.get_mut(&conn) {
            tell(cx, &self.picker, &self.haves, peer);
        }
    }

    /// Hands over what waits for a peer, and with it what it has not been told.
    pub(crate) fn flush(&mut self, cx: &mut Context, conn: ConnId) {
        if let Some(peer) = self.peers.get_mut(&conn) {
            tell(cx, &self.picker, &self.haves, peer);
            peer.flush(&mut cx.out);
        }
    }
}

/// Whether a peer knows of enough that it may want of us, or could not ask for it; of so many pieces it has not been told.
/// It may want less: nobody names pieces that we have already. So whoever may ask and does not is always in a hurry.
fn has_plenty(picker: &Picker, peer: &Peer, untold: usize) -> bool {
    let both = peer.has.count() - peer.missing_here;
    let wanted = (picker.have().count() - both) as usize;
    peer.interested && (peer.choked || peer.serve.is_busy()) && wanted >= untold + PLENTY
}

/// Tells a peer what it has not been told; what it has itself it need not hear of.
fn tell(cx: &mut Context, picker: &Picker, haves: &Haves, peer: &mut Peer) {
    let since = haves.since(peer.told);
    if since.is_empty() {
        return;
    }
    peer.told = haves.all();
    for piece in since.iter().flatten().filter(|piece| picker.have().has(**piece)) {
        if !peer.has.has(*piece) {
            peer.send(cx.now, &mut cx.out, &Message::Have(piece.get()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_lost_before_somebody_was_told_stays_untold() {
        let [a, b] = [3, 5].map(PieceIndex);
        let mut haves = Haves::default();
        let first = haves.all();
        haves.fresh.push(Some(a));
        let second = haves.all();
        haves.fresh.push(Some(b));
        haves.lost(a);
        haves.fresh.push(Some(a));
        assert_eq!(haves.since(first), [None, Some(b), Some(a)]);
        assert_eq!(haves.since(second), [Some(b), Some(a)]);
        assert_eq!(haves.since(haves.all()), []);
        let all = haves.all();
        haves.clear();
        assert_eq!(haves.all(), all);
        assert_eq!(haves.since(first), [], "everybody was told");
    }
}
