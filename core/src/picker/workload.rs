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
pub(super) struct Workload(BTreeMap<ConnId, Work>);

impl Workload {
    /// Blocks requested of this connection.
    pub(super) fn requested(&self, conn: ConnId) -> u32 {
        self.0.get(&conn).map_or(0, |work| work.requested)
    }

    /// The piece that blocks were last requested of; `None` when nothing is requested.
    pub(super) fn current(&self, conn: ConnId) -> Option<PieceIndex> {
        self.0.get(&conn).map(|work| work.current)
    }

    /// So many blocks more of `piece` are requested of the connection.
    pub(super) fn begin(&mut self, conn: ConnId, piece: PieceIndex, blocks: u32) {
        if blocks == 0 {
            return;
        }
        let work = self.0.entry(conn).or_insert(Work { requested: 0, current: piece });
        work.requested += blocks;
        work.current = piece;
    }

    /// So many blocks fewer are requested of the connection.
    pub(super) fn end(&mut self, conn: ConnId, blocks: u32) {
        let Some(work) = self.0.get_mut(&conn) else { return };
        debug_assert!(work.requested >= blocks);
        work.requested = work.requested.saturating_sub(blocks);
        if work.requested == 0 {
            self.0.remove(&conn);
        }
    }

    /// Every connection with what is requested of it.
    pub(super) fn iter(&self) -> impl Iterator<Item = (ConnId, u32)> + '_ {
        self.0.iter().map(|(conn, work)| (*conn, work.requested))
    }
}
