//! What must always hold of the picker: checked whole on demand, and in debug builds for what has changed.

use super::Picker;
use crate::ids::PieceIndex;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::mem;

/// Pieces that have changed since the last check. Nothing is noted in release builds.
#[derive(Debug, Default)]
pub(super) struct Touched(Vec<PieceIndex>);

impl Touched {
    pub(super) fn note(&mut self, piece: PieceIndex) {
        if cfg!(debug_assertions) && self.0.last() != Some(&piece) {
            self.0.push(piece);
        }
    }

    /// Each piece that was noted, once. They are forgotten.
    fn take(&mut self) -> Vec<PieceIndex> {
        let mut pieces = mem::take(&mut self.0);
        pieces.sort_unstable();
        pieces.dedup();
        pieces
    }
}

impl Picker {
    /// Panics where an invariant is broken. Costs time in proportion to the torrent.
    pub(crate) fn check(&self) {
        (0..self.geometry.num_pieces()).map(PieceIndex::new).for_each(|piece| self.check_rarity(piece));
        self.opens.iter().for_each(|(piece, _)| self.check_open(piece));
        self.rarity.check_groups();
        self.check_sums();
    }

    /// Panics where something that has changed since the last call broke an invariant. Costs time in proportion to
    /// what has changed, however large the torrent is: sums over all open pieces are checked after as many changes
    /// as there are open pieces.
    ///
    /// In release builds nothing is noted, so nothing is checked.
    pub(crate) fn check_changes(&mut self) {
        let (rarity, opens) = (self.rarity.touched.take(), self.opens.touched.take());
        if rarity.is_empty() && opens.is_empty() {
            return;
        }
        self.unchecked += rarity.len() + opens.len();
        rarity.into_iter().for_each(|piece| self.check_rarity(piece));
        opens.into_iter().for_each(|piece| self.check_open(piece));
        if self.unchecked >= self.opens.len() {
            self.check_sums();
            self.unchecked = 0;
        }
    }

    fn check_rarity(&self, piece: PieceIndex) {
        self.rarity.check_piece(piece, self.have.has(piece), self.opens.get(piece).is_some());
    }

    fn check_open(&self, piece: PieceIndex) {
        self.check_rarity(piece);
        self.opens.check_offer(piece);
        let Some(open) = self.opens.get(piece) else { return };
        open.check();
        let empty = open.is_at_rest() && open.written() == 0;
        assert!(!empty || open.solo.is_some(), "piece {piece} is open for nothing");
    }

    /// What is counted over many pieces.
    fn check_sums(&self) {
        self.opens.check_sums();
        self.rarity.check_sums(self.have.count(), self.opens.len());
        let mut requested = BTreeMap::new();
        for (conn, blocks) in self.opens.iter().flat_map(|(_, open)| open.workers()) {
            *requested.entry(conn).or_insert(0) += blocks;
        }
        assert_eq!(requested.values().sum::<u32>() as usize, self.workload.total());
        assert!(requested.into_iter().eq(self.workload.iter()), "blocks requested of each connection");
    }
}
