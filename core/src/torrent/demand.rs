//! How many peers want something of us, counted as that changes: interest may flap, and to look at all peers each time would
//! cost more than what follows from it.

use crate::peer::Peer;

/// Peers that are interested (BEP 3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Demand {
    /// Those that are unchoked.
    pub(super) served: usize,
    /// Those that are choked.
    pub(super) waiting: usize,
}

impl Demand {
    /// Counts a peer as it is now.
    pub(super) fn join(&mut self, peer: &Peer) {
        if peer.interested {
            *self.side(peer) += 1;
        }
    }

    /// A peer that was counted is about to change, or gone.
    pub(super) fn leave(&mut self, peer: &Peer) {
        if peer.interested {
            let side = self.side(peer);
            *side = side.saturating_sub(1);
        }
    }

    /// Of all of them.
    pub(super) fn of<'a>(peers: impl Iterator<Item = &'a Peer>) -> Self {
        let mut all = Self::default();
        peers.for_each(|peer| all.join(peer));
        all
    }

    const fn side(&mut self, peer: &Peer) -> &mut usize {
        if peer.choked { &mut self.waiting } else { &mut self.served }
    }
}
