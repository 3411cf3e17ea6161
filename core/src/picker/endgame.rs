//! Endgame: when every missing block is requested, the last ones are requested of further peers where those who were
//! asked are slow, so that none of them holds up the end.

use super::open_piece::MAX_REQUESTERS;
use super::rarity::below;
use super::{PickFor, Picker};
use crate::ids::{BlockId, ConnId, PieceIndex};
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

/// Blocks looked at for one peer at a time.
const MAX_LOOKED_AT: usize = 4_096;

impl Picker {
    /// In endgame, chooses up to `count` blocks that are requested of others, those with the fewest requesters first,
    /// and appends them to `out`. What is requested of one of the `prompt` connections is left to it. It begins at a
    /// random piece and block, so that not everybody duplicates the same ones.
    pub(crate) fn pick_again(
        &mut self,
        peer: &PickFor<'_>,
        prompt: &BTreeSet<ConnId>,
        count: usize,
        out: &mut Vec<BlockId>,
    ) {
        if count == 0 || !self.in_endgame() {
            return;
        }
        let end = out.len().saturating_add(count);
        let suitable: Vec<PieceIndex> = self
            .opens
            .iter()
            .filter(|(piece, open)| {
                open.solo.is_none() && peer.may_give(*piece) && open.has_more_for(peer.conn)
            })
            .map(|(piece, _)| piece)
            .collect();
        if suitable.is_empty() {
            return;
        }
        let (before, after) = suitable.split_at(below(&mut self.rng, suitable.len() as u32) as usize);
        let mut budget = MAX_LOOKED_AT;
        for requesters in 1..MAX_REQUESTERS {
            for piece in after.iter().chain(before) {
                if out.len() >= end || budget == 0 {
                    return;
                }
                self.take_piece_again(*piece, (requesters, prompt), peer, end, &mut budget, out);
            }
        }
    }

    fn take_piece_again(
        &mut self,
        piece: PieceIndex,
        (requesters, prompt): (usize, &BTreeSet<ConnId>),
        peer: &PickFor<'_>,
        end: usize,
        budget: &mut usize,
        out: &mut Vec<BlockId>,
    ) {
        let start = below(&mut self.rng, self.geometry.blocks_in(piece));
        let count = end.saturating_sub(out.len());
        let taken = self.opens.change(piece, |open| {
            let tell = |block| out.push(BlockId { piece, block });
            open.request_again(peer.conn, (requesters, prompt), (start, count), budget, tell)
        });
        self.workload.begin(peer.conn, piece, taken.unwrap_or(0));
    }
}
