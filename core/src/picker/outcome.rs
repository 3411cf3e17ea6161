//! What came of a request: received, given up, written, judged. Each is harmless when it comes too late.

use super::Picker;
use super::open_piece::OpenPiece;
use super::solo::Solo;
use crate::ids::{BlockId, ConnId, PieceIndex};
use crate::time::Instant;
use alloc::vec::Vec;
use core::net::IpAddr;
use core::ops::Range;

impl Picker {
    /// A block arrived on `conn`, which was asked for it at some time. Says whether it was wanted; if so it is
    /// now received, and other connections that still have it requested are appended to `duplicates`: they are
    /// to be sent a cancel and are forgotten here.
    ///
    /// A late block, whose request was given up, is welcome as long as it is missing. Not wanted is a duplicate,
    /// and in a piece that must come from one address the block of another.
    pub(crate) fn received(
        &mut self,
        conn: ConnId,
        sender: IpAddr,
        block: BlockId,
        duplicates: &mut Vec<ConnId>,
    ) -> bool {
        if self.geometry.block_len(block) == 0 || !self.is_or_gets_open(block.piece) {
            return false;
        }
        let workload = &mut self.workload;
        let wanted = self.opens.change(block.piece, |open| {
            open.arrive(block.block, sender, |requester| {
                workload.end(requester, 1);
                if requester != conn {
                    duplicates.push(requester);
                }
            })
        });
        wanted == Some(true)
    }

    fn is_or_gets_open(&mut self, piece: PieceIndex) -> bool {
        if self.opens.get(piece).is_some() {
            return true;
        }
        if !self.rarity.is_closed(piece) || self.opens.unfinished() >= self.max_open {
            return false;
        }
        self.rarity.set_open(piece);
        self.opens.open(&self.geometry, piece);
        true
    }

    /// The connection no longer has the block requested: it was rejected, timed out, or the peer choked us or is
    /// gone. The block is free unless it is requested of another, too.
    pub(crate) fn give_up(&mut self, conn: ConnId, block: BlockId) {
        let now = self.clock;
        let released = self.opens.change(block.piece, |open| {
            let released = open.release(conn, block.block);
            if released && open.requested() == 0 {
                open.lose_owner(now);
            }
            released
        });
        if released == Some(true) {
            self.workload.end(conn, 1);
            self.close_if_empty(block.piece);
        }
    }

    /// These blocks are on the disk.
    pub(crate) fn written(&mut self, piece: PieceIndex, blocks: Range<u32>) {
        self.opens.change(piece, |open| open.set_written(blocks));
    }

    /// These blocks could not be written: they are wanted again.
    pub(crate) fn unwritten(&mut self, piece: PieceIndex, blocks: Range<u32>) {
        self.opens.change(piece, |open| open.set_unwritten(blocks));
        self.close_if_empty(piece);
    }

    /// The hash of the piece is right.
    pub(crate) fn verified(&mut self, piece: PieceIndex) {
        self.set_have(piece);
    }

    /// The hash of the piece is wrong: all its blocks are wanted again. Returns the sender of each block, by its
    /// number; empty for a piece that is not open.
    ///
    /// If there was one sender, it is the culprit. If there were several, nobody is proven guilty, and the piece
    /// will be fetched from one address: one that was not involved, or after 10 seconds one that was.
    pub(crate) fn failed(&mut self, now: Instant, piece: PieceIndex) -> Vec<Option<IpAddr>> {
        self.clock = self.clock.max(now);
        let workload = &mut self.workload;
        let blame = self.opens.change(piece, |open| {
            let blame = open.sender_of_each();
            let senders: Vec<_> = open.senders().collect();
            open.workers().for_each(|(conn, blocks)| workload.end(conn, blocks));
            open.free_all();
            if senders.len() > 1 {
                open.solo = Some(Solo::new(now, senders));
            } else {
                open.lose_owner(now);
            }
            blame
        });
        self.close_if_empty(piece);
        blame.unwrap_or_default()
    }

    /// An open piece of which nothing is there or under way is as good as one that was never begun.
    fn close_if_empty(&mut self, piece: PieceIndex) {
        let empty = |open: &OpenPiece| open.is_at_rest() && open.written() == 0 && open.solo.is_none();
        if self.opens.get(piece).is_some_and(empty) {
            self.opens.close(piece);
            self.rarity.set_closed(piece);
        }
    }

    /// Drops the open state of a piece with all that is requested of it.
    pub(super) fn forget_open(&mut self, piece: PieceIndex) {
        if let Some(open) = self.opens.get(piece) {
            open.workers().for_each(|(conn, blocks)| self.workload.end(conn, blocks));
            self.opens.close(piece);
        }
    }
}
