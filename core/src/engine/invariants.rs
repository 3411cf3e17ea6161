//! What must always hold of an engine, for tests and simulations to check.

use super::Engine;
use crate::context::ConnOwner;
use crate::torrent::Torrent;

impl Engine {
    /// Panics where an invariant of the engine is broken; there is no other way to learn of one.
    ///
    /// Every wanted block is in exactly one state: had, on its way to the disk, requested of live connections that
    /// have a deadline, or free. What is counted (requests, payload in memory, connections) is counted right.
    ///
    /// Debug builds check after every input what that input changed, at a cost that does not depend on the size of
    /// the torrents. This checks everything, in release builds too, in time proportional to the pieces of all
    /// torrents: for a simulation or a test after every input, or after every so many.
    pub fn check_invariants(&self) {
        self.torrents.values().for_each(|torrent| torrent.check(&self.cx));
        let in_flight: usize = self.torrents.values().map(Torrent::in_flight).sum();
        assert_eq!(self.cx.budget.used(), in_flight, "payload of all torrents in memory");
        let half_open: usize = self.torrents.values().map(Torrent::half_open).sum();
        assert_eq!(self.cx.half_open, half_open, "connections being opened");
        let mut peers = 0;
        for (conn, owner) in self.cx.conns() {
            let known = match owner {
                ConnOwner::Stranger => self.strangers.has(conn),
                ConnOwner::Peer(id) => self.torrents.get(&id).is_some_and(|torrent| torrent.knows(conn)),
                ConnOwner::Tracker(..) => continue,
            };
            assert!(known, "{conn:?} is nobody's");
            peers += 1;
        }
        assert_eq!(self.cx.peer_conns, peers, "connections to peers");
        let theirs = self.torrents.values().map(Torrent::connections).sum::<usize>() + self.strangers.len();
        assert_eq!(peers, theirs, "connections that the driver was told to close, or never of");
    }

    /// What every input is followed by in debug builds.
    pub(super) fn check_changes(&mut self) {
        self.torrents.values_mut().for_each(Torrent::check_changes);
    }
}
