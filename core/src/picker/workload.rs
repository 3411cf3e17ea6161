//! What each connection is working on: how many blocks are requested of it, and in which piece last.

use crate::ids::{ConnId, PieceIndex};
use alloc::collections::BTreeMap;

#[derive(Debug)]
struct Work {
    requested: u32,
    current: PieceIndex,
}

/// The connections that have blocks requested of them.
#[derive(Debug, Default)]
pub(super) struct Workload {
    conns: BTreeMap<ConnId, Work>,
    total: usize,
}

impl Workload {
    /// Blocks requested of this connection.
    pub(super) fn requested(&self, conn: ConnId) -> u32 {
        self.conns.get(&conn).map_or(0, |work| work.requested)
    }

    /// Requests outstanding, of all connections together.
    pub(super) const fn total(&self) -> usize {
        self.total
    }

    /// The piece that blocks were last requested of; `None` when nothing is requested.
    pub(super) fn current(&self, conn: ConnId) -> Option<PieceIndex> {
        self.conns.get(&conn).map(|work| work.current)
    }

    /// So many blocks more of `piece` are requested of the connection.
    pub(super) fn begin(&mut self, conn: ConnId, piece: PieceIndex, blocks: u32) {
        if blocks == 0 {
            return;
        }
        self.total += blocks as usize;
        let work = self.conns.entry(conn).or_insert(Work { requested: 0, current: piece });
        work.requested += blocks;
        work.current = piece;
    }

    /// So many blocks fewer are requested of the connection.
    pub(super) fn end(&mut self, conn: ConnId, blocks: u32) {
        let Some(work) = self.conns.get_mut(&conn) else { return };
        debug_assert!(work.requested >= blocks);
        let blocks = blocks.min(work.requested);
        work.requested -= blocks;
        self.total -= blocks as usize;
        if work.requested == 0 {
            self.conns.remove(&conn);
        }
    }

    /// Every connection with what is requested of it.
    pub(super) fn iter(&self) -> impl Iterator<Item = (ConnId, u32)> + '_ {
        self.conns.iter().map(|(conn, work)| (*conn, work.requested))
    }
}
