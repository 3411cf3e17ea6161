//! What must always hold of a torrent: above all that no wanted block is ever lost.

use super::demand::Demand;
use super::{Job, Torrent};
use crate::context::Context;
use crate::ids::BlockId;
use crate::timers::TimerKey;
use alloc::collections::BTreeSet;

impl Torrent {
    /// Panics where an invariant is broken. Costs time in proportion to the torrent.
    pub(crate) fn check(&self, cx: &Context) {
        self.picker.check();
        self.check_requests();
        for peer in self.peers.values().filter(|peer| !peer.requests.is_empty()) {
            assert!(
                cx.timers.has(TimerKey::Conn(peer.conn)),
                "requests of {:?} without a deadline",
                peer.conn
            );
        }
        if self.is_networking() {
            self.check_blocks(cx);
        }
    }

    /// Panics where something that has changed since the last call broke an invariant. Costs time in proportion to
    /// what has changed and to the peers. Debug builds only: see [`Picker::check_changes`].
    ///
    /// [`Picker::check_changes`]: crate::picker::Picker::check_changes
    pub(crate) fn check_changes(&mut self) {
        self.picker.check_changes();
        self.check_requests();
    }

    /// What the picker calls requested is what the connections wait for, and all that came is accounted for.
    fn check_requests(&self) {
        let mut requested = 0;
        for peer in self.peers.values() {
            let (picker, peer_waits) = (self.picker.requested_of(peer.conn) as usize, peer.requests.len());
            assert_eq!(picker, peer_waits, "requests of {:?} as the picker and as the peer count", peer.conn);
            requested += peer_waits;
        }
        assert_eq!(self.picker.requested(), requested, "requests of connections that are gone");
        assert_eq!(self.ledger.total(), self.stats.down.total(), "payload bytes that came");
        assert!(self.is_networking() || requested == 0, "requests while {:?}", self.phase);
        let demand = Demand::of(self.peers.values().map(|peer| &**peer));
        assert_eq!(self.demand, demand, "peers that want something of us");
        self.list.check(self.peers.values().map(|peer| peer.addr()).chain(self.opening_addrs()));
    }

    /// A block that was received is gathered or being written, in one place, and its bytes are counted.
    fn check_blocks(&self, cx: &Context) {
        let mut blocks = BTreeSet::new();
        let mut bytes = 0;
        let gathered = self.gather.blocks().map(|(piece, block, data)| (piece, block..block + 1, data.len()));
        let being_written = cx.jobs_of(self.id).filter_map(|job| match job {
            Job::Write { piece, blocks, bytes, .. } => Some((*piece, blocks.clone(), *bytes)),
            _ => None,
        });
        let waiting = self.trouble.iter().flat_map(|trouble| &trouble.failed);
        let waiting = waiting.map(|write| (write.piece, write.blocks.clone(), write.bytes));
        for (piece, range, len) in gathered.chain(being_written).chain(waiting) {
            bytes += len;
            for block in range {
                assert!(blocks.insert(BlockId { piece, block }), "block {block} of piece {piece} twice");
            }
        }
        assert!(self.picker.on_their_way().eq(blocks), "received blocks are not those that will be written");
        assert_eq!(self.in_flight, bytes, "payload in memory");
    }
}
