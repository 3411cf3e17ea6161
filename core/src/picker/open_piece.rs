//! A piece that is being fetched: the state of each of its blocks, of whom it is requested and who sent it.

use super::free_blocks::FreeBlocks;
use super::roster::{NOBODY, Roster};
use super::solo::Solo;
use crate::geometry::{BLOCK_LEN, Geometry};
use crate::ids::{ConnId, PieceIndex};
use crate::time::Instant;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::net::IpAddr;
use core::ops::Range;

/// Connections that one block is requested of at most: more than one in endgame only.
pub(super) const MAX_REQUESTERS: usize = 3;

/// The one state that a block of an open piece is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Free,
    /// By the workers in [`Block::by`].
    Requested,
    /// In memory, perhaps on its way to the disk.
    Received,
    /// As received, but of no use any more: free as soon as the disk is done with it, not before, so that a late
    /// word about this write is not taken for one about the block that comes in its place.
    Stale,
    /// On the disk.
    Written,
}

#[derive(Clone, Copy, Debug)]
struct Block {
    state: State,
    /// The numbers of the workers that it is requested of, then `NOBODY`.
    by: [u16; MAX_REQUESTERS],
    /// The number of its sender, while it is received or written.
    sender: u16,
}

const FREE: Block = Block { state: State::Free, by: [NOBODY; MAX_REQUESTERS], sender: NOBODY };

impl Block {
    fn requesters(&self) -> impl Iterator<Item = u16> + use<> {
        self.by.into_iter().take_while(|worker| *worker != NOBODY)
    }
}

/// A piece that is being fetched, or that waits for the verdict on its hash.
#[derive(Debug, Default)]
pub(super) struct OpenPiece {
    blocks: Vec<Block>,
    free: FreeBlocks,
    /// The connections with blocks of this piece requested.
    workers: Roster<ConnId>,
    /// The addresses that sent blocks of this piece.
    senders: Roster<IpAddr>,
    /// Blocks in each state but `Free`.
    requested: u32,
    received: u32,
    stale: u32,
    written: u32,
    /// Requested blocks that take no further requester.
    crowded: u32,
    /// Bytes of the piece.
    len: u32,
    /// Bytes received or written.
    bytes: u32,
    /// Bytes that were discarded and not counted yet by the set of open pieces.
    pub(super) discarded: u32,
    /// Set while the piece must come from one address.
    pub(super) solo: Option<Solo>,
}

impl OpenPiece {
    /// Begins a piece, in place of the one that this was before.
    pub(super) fn begin(&mut self, geometry: &Geometry, piece: PieceIndex) {
        self.len = geometry.piece_len(piece);
        self.solo = None;
        self.reset(geometry.blocks_in(piece));
    }

    fn reset(&mut self, blocks: u32) {
        self.blocks.clear();
        self.blocks.resize(blocks as usize, FREE);
        self.free.fill(blocks);
        self.workers.clear();
        self.senders.clear();
        (self.requested, self.received, self.stale, self.written) = (0, 0, 0, 0);
        (self.crowded, self.bytes) = (0, 0);
    }

    /// All blocks become free, whatever they were.
    pub(super) fn free_all(&mut self) {
        self.reset(self.blocks.len() as u32);
    }

    /// Blocks that are free.
    pub(super) const fn free(&self) -> u32 {
        self.free.count()
    }

    /// Blocks that are requested.
    pub(super) const fn requested(&self) -> u32 {
        self.requested
    }

    /// Blocks not yet received.
    pub(super) fn missing(&self) -> u32 {
        self.blocks.len() as u32 - self.received - self.written
    }

    /// Blocks on the disk.
    pub(super) const fn written(&self) -> u32 {
        self.written
    }

    /// Whether every block is received or written.
    pub(super) fn is_received(&self) -> bool {
        self.missing() == 0
    }

    /// Whether every block is written.
    pub(super) fn is_written(&self) -> bool {
        self.written as usize == self.blocks.len()
    }

    /// Whether nothing is requested and nothing on its way to the disk.
    pub(super) const fn is_at_rest(&self) -> bool {
        self.requested == 0 && self.received == 0 && self.stale == 0
    }

    /// Bytes received or written.
    pub(super) const fn bytes(&self) -> u32 {
        self.bytes
    }

    /// The state of a block, and the number of its requesters.
    #[cfg(test)]
    pub(super) fn state(&self, block: u32) -> Option<(State, usize)> {
        self.blocks.get(block as usize).map(|b| (b.state, b.requesters().count()))
    }

    /// Blocks that are in memory, perhaps of no use any more.
    pub(super) fn on_their_way(&self) -> impl Iterator<Item = u32> + '_ {
        let waits = |state| matches!(state, State::Received | State::Stale);
        (0..).zip(&self.blocks).filter(move |(_, at)| waits(at.state)).map(|(block, _)| block)
    }

    /// Blocks requested of this connection.
    pub(super) fn requested_of(&self, conn: ConnId) -> u32 {
        self.workers.blocks_of(conn)
    }

    /// The connections that blocks are requested of, with how many.
    pub(super) fn workers(&self) -> impl Iterator<Item = (ConnId, u32)> + '_ {
        self.workers.iter()
    }

    /// The addresses that sent blocks.
    pub(super) fn senders(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.senders.iter().map(|(addr, _)| addr)
    }

    /// The sender of each block.
    pub(super) fn sender_of_each(&self) -> Vec<Option<IpAddr>> {
        self.blocks.iter().map(|b| self.senders.key(b.sender)).collect()
    }

    /// Requests up to `count` free blocks of this connection, lowest first, and tells each.
    pub(super) fn request_free(&mut self, conn: ConnId, count: usize, mut tell: impl FnMut(u32)) -> u32 {
        let Some(worker) = self.workers.number(conn) else { return 0 };
        let mut taken = 0;
        while (taken as usize) < count
            && let Some(block) = self.free.first()
        {
            self.request(block, worker);
            tell(block);
            taken += 1;
        }
        taken
    }

    /// Whether a block may be requested of `conn` besides those that it is requested of already.
    pub(super) fn has_more_for(&self, conn: ConnId) -> bool {
        self.requested > self.crowded && self.requested > self.requested_of(conn)
    }

    /// Requests up to `count` blocks of this connection that are requested of exactly `requesters` others, none of them
    /// `prompt`, from block `start` on and around, and tells each. Looks at no more than `budget` blocks, and lowers it.
    pub(super) fn request_again(
        &mut self,
        conn: ConnId,
        (requesters, prompt): (usize, &BTreeSet<ConnId>),
        (start, count): (u32, usize),
        budget: &mut usize,
        mut tell: impl FnMut(u32),
    ) -> u32 {
        let Some(worker) = self.workers.number(conn) else { return 0 };
        let mut taken = 0;
        for block in (start..self.blocks.len() as u32).chain(0..start) {
            if taken as usize == count || *budget == 0 {
                break;
            }
            *budget -= 1;
            let by = self.blocks[block as usize];
            let is_prompt = |other| self.workers.key(other).is_some_and(|conn| prompt.contains(&conn));
            if by.requesters().count() == requesters
                && by.requesters().all(|other| other != worker && !is_prompt(other))
            {
                self.request(block, worker);
                tell(block);
                taken += 1;
            }
        }
        taken
    }

    fn request(&mut self, block: u32, worker: u16) {
        if self.blocks[block as usize].state == State::Free {
            self.set_state(block, State::Requested);
        }
        let by = &mut self.blocks[block as usize].by;
        let at = by.iter().position(|w| *w == NOBODY).expect("a crowded block is never requested again");
        by[at] = worker;
        self.crowded += u32::from(at + 1 == MAX_REQUESTERS);
        self.workers.add(worker);
    }

    /// The connection no longer has the block requested. Says whether it had.
    pub(super) fn release(&mut self, conn: ConnId, block: u32) -> bool {
        let Some(at) = self.blocks.get_mut(block as usize) else { return false };
        let count = at.requesters().count();
        let Some(found) = at.requesters().position(|w| self.workers.key(w) == Some(conn)) else {
            return false;
        };
        let worker = at.by[found];
        at.by[found] = at.by[count - 1];
        at.by[count - 1] = NOBODY;
        self.crowded -= u32::from(count == MAX_REQUESTERS);
        self.workers.subtract(worker);
        if count == 1 {
            self.set_state(block, State::Free);
        }
        true
    }

    /// A block arrived. Says whether it was wanted, and if so tells each connection that had it requested: they
    /// no longer have.
    pub(super) fn arrive(&mut self, block: u32, from: IpAddr, mut tell: impl FnMut(ConnId)) -> bool {
        let Some(at) = self.blocks.get(block as usize).copied() else { return false };
        if !matches!(at.state, State::Free | State::Requested) {
            return false;
        }
        if self.solo.as_ref().is_some_and(|solo| solo.owner() != Some(from)) {
            return false;
        }
        let Some(sender) = self.senders.number(from) else { return false };
        for worker in at.requesters() {
            self.workers.subtract(worker);
            self.workers.key(worker).into_iter().for_each(&mut tell);
        }
        self.crowded -= u32::from(at.requesters().count() == MAX_REQUESTERS);
        self.senders.add(sender);
        self.set_state(block, State::Received);
        let at = &mut self.blocks[block as usize];
        (at.by, at.sender) = ([NOBODY; MAX_REQUESTERS], sender);
        true
    }

    /// Received blocks are on the disk; those that are of no use any more become free.
    pub(super) fn set_written(&mut self, blocks: Range<u32>) {
        for block in self.clamp(blocks) {
            match self.blocks[block as usize].state {
                State::Received => self.set_state(block, State::Written),
                State::Stale => self.set_free(block),
                State::Free | State::Requested | State::Written => {}
            }
        }
    }

    /// Received blocks could not be written: they become free.
    pub(super) fn set_unwritten(&mut self, blocks: Range<u32>) {
        for block in self.clamp(blocks) {
            match self.blocks[block as usize].state {
                State::Received | State::Stale | State::Written => self.set_free(block),
                State::Free | State::Requested => {}
            }
        }
    }

    /// Forgets what was received: it becomes free, at once or when the disk is done with it.
    fn discard(&mut self) {
        self.discarded += self.bytes;
        for block in 0..self.blocks.len() as u32 {
            match self.blocks[block as usize].state {
                State::Received => {
                    self.drop_sender(block);
                    self.set_state(block, State::Stale);
                }
                State::Written => self.set_free(block),
                State::Free | State::Requested | State::Stale => {}
            }
        }
    }

    /// The address is about to request blocks: of a solo piece it becomes the owner, and what another owner sent
    /// is discarded.
    pub(super) fn give_to_owner(&mut self, addr: IpAddr, now: Instant) {
        let Some(solo) = &mut self.solo else { return };
        let changes = solo.take(addr, now);
        if solo.is_over() {
            self.solo = None;
        } else if changes {
            self.discard();
        }
    }

    /// The owner of a solo piece, if it has one, gave up or failed: what it sent is discarded.
    pub(super) fn lose_owner(&mut self, now: Instant) {
        let Some(solo) = &mut self.solo else { return };
        solo.wait(now);
        if solo.is_over() {
            self.solo = None;
        } else {
            self.discard();
        }
    }

    fn clamp(&self, blocks: Range<u32>) -> Range<u32> {
        blocks.start..blocks.end.min(self.blocks.len() as u32)
    }

    /// A block that was received becomes free.
    fn set_free(&mut self, block: u32) {
        self.drop_sender(block);
        self.set_state(block, State::Free);
    }

    fn drop_sender(&mut self, block: u32) {
        let sender = core::mem::replace(&mut self.blocks[block as usize].sender, NOBODY);
        if sender != NOBODY {
            self.senders.subtract(sender);
        }
    }

    /// The one place where the state of one block changes and is counted; [`reset`](Self::reset) frees all.
    fn set_state(&mut self, block: u32, to: State) {
        let from = core::mem::replace(&mut self.blocks[block as usize].state, to);
        let len = (self.len - block * BLOCK_LEN).min(BLOCK_LEN);
        match from {
            State::Free => self.free.remove(block),
            State::Requested => self.requested -= 1,
            State::Received => (self.received, self.bytes) = (self.received - 1, self.bytes - len),
            State::Stale => self.stale -= 1,
            State::Written => (self.written, self.bytes) = (self.written - 1, self.bytes - len),
        }
        match to {
            State::Free => self.free.insert(block),
            State::Requested => self.requested += 1,
            State::Received => (self.received, self.bytes) = (self.received + 1, self.bytes + len),
            State::Stale => self.stale += 1,
            State::Written => (self.written, self.bytes) = (self.written + 1, self.bytes + len),
        }
    }

    /// Panics where the blocks and what is counted of them disagree.
    pub(super) fn check(&self) {
        let mut states = [0; 5];
        let mut crowded = 0;
        let (mut workers, mut senders) = (self.workers.tally(), self.senders.tally());
        for (block, at) in (0..).zip(&self.blocks) {
            states[at.state as usize] += 1;
            crowded += u32::from(at.requesters().count() == MAX_REQUESTERS);
            at.requesters().for_each(|worker| workers.count(worker));
            assert_eq!(self.free.has(block), at.state == State::Free, "block {block}");
            assert_eq!(at.requesters().count() > 0, at.state == State::Requested, "block {block}");
            let sent = matches!(at.state, State::Received | State::Written);
            assert_eq!(at.sender != NOBODY, sent, "block {block}");
            if sent {
                senders.count(at.sender);
                let owner = self.solo.as_ref().and_then(Solo::owner);
                let sender = self.senders.key(at.sender);
                assert!(owner.is_none() || sender == owner, "a solo piece has one sender");
            }
        }
        let counted = [self.free.count(), self.requested, self.received, self.stale, self.written];
        assert_eq!(counted, states, "blocks free, requested, received, stale, written");
        assert_eq!(self.crowded, crowded);
        self.workers.check(&workers);
        self.senders.check(&senders);
        let full = self.received + self.written;
        assert!(self.bytes <= full * BLOCK_LEN && (self.bytes == self.len) == self.is_received());
    }
}
