//! What we ask for and what comes of it: requests, arriving blocks, late ones, and those never sent.

use super::Torrent;
use super::gather::{Flush, MAX_AGE};
use crate::context::Context;
use crate::error::PeerFault;
use crate::geometry::Geometry;
use crate::ids::{BlockId, ConnId};
use crate::limits::{MAX_REJECTIONS, MAX_UNASKED_REJECTS, MAX_UNWANTED_BLOCKS};
use crate::peer::{Asked, Peer, Rejected};
use crate::picker::PickFor;
use crate::time::{Duration, Instant};
use crate::timers::{TimerKey, TorrentTimer};
use crate::wire::{BlockRange, Message, Payload};
use alloc::vec::Vec;

/// Time between two looks at who is slow in endgame.
const ENDGAME_LOOK: Duration = Duration::from_millis(500);
/// Blocks that may be outstanding twice in endgame; and a quarter of those that are outstanding at all, if that is more.
/// All of what is asked for twice comes twice where the line is short, and so holds up the rest.
const MIN_DUPLICATES: usize = 4;
/// Requests that are sent at once, even if the window has not room for a quarter more.
const MAX_TOP_UP: usize = 32;

impl Torrent {
    /// Asks a peer for as much as its window has room for.
    pub(super) fn fill(&mut self, cx: &mut Context, conn: ConnId) {
        if !self.is_requesting() {
            return;
        }
        let crowded = self.intake.is_enough(self.picker.requested());
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        let room = room(peer, crowded);
        if room == 0 {
            return;
        }
        let endgame = self.picker.in_endgame();
        let mut picked = Vec::with_capacity(room);
        peer.suggested.make_contiguous();
        self.picker.pick(&wish(cx.now, peer), room, &mut picked);
        if endgame {
            self.pick_again(cx, conn, room - picked.len(), &mut picked);
        }
        if picked.len() < room {
            self.hungry.insert(conn);
        } else {
            self.hungry.remove(&conn);
        }
        if let Some(peer) = self.peers.get_mut(&conn) {
            request(cx, peer, &self.geometry, &picked);
        }
        self.ledger.asked(self.picker.requested());
    }

    /// In endgame: what has been asked of peers that are slow. Those who are prompt now may yet fail, so whoever has
    /// nothing to do is asked again a little later.
    fn pick_again(&mut self, cx: &mut Context, conn: ConnId, room: usize, picked: &mut Vec<BlockId>) {
        cx.timers.no_later_than(self.key(TorrentTimer::Endgame), cx.now + ENDGAME_LOOK);
        let (requests, blocks) = (self.picker.requested(), self.picker.blocks_requested());
        let most = (blocks / 4).max(MIN_DUPLICATES).saturating_sub(requests.saturating_sub(blocks));
        let (count, Some(peer)) = (most.min(room), self.peers.get(&conn)) else { return };
        if count > 0 {
            let is_prompt =
                |p: &Peer| p.requests.oldest().is_some_and(|oldest| p.window.is_prompt(cx.now, oldest));
            let prompt = self.peers.values().filter(|peer| is_prompt(peer)).map(|p| p.conn).collect();
            self.picker.pick_again(&wish(cx.now, peer), &prompt, count, picked);
        }
    }

    /// Blocks have become free: whoever had room for more is asked.
    pub(super) fn fill_hungry(&mut self, cx: &mut Context) {
        let hungry: Vec<ConnId> = self.hungry.iter().copied().collect();
        for conn in hungry {
            self.fill(cx, conn);
        }
    }

    /// A block has arrived (BEP 3 `piece`).
    pub(super) fn block_arrived(
        &mut self,
        cx: &mut Context,
        conn: ConnId,
        index: u32,
        begin: u32,
        data: Payload,
    ) -> Result<(), PeerFault> {
        let Some(peer) = self.peers.get_mut(&conn) else { return Ok(()) };
        let bytes = data.len();
        peer.down.add(cx.now, bytes as u64);
        self.stats.down.add(cx.now, bytes as u64);
        let len = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.intake.received(cx.now, len);
        let block = self.geometry.block(index, begin, len);
        let asked = block.map_or(Asked::Never, |block| peer.requests.arrived(block));
        if let Asked::At(at) | Asked::Late(at) = asked {
            peer.window.received(cx.now, len, at);
        }
        let (Some(block), Asked::At(_) | Asked::Late(_)) = (block, asked) else {
            self.ledger.unasked(bytes);
            peer.unwanted_blocks += 1;
            let many = peer.unwanted_blocks > MAX_UNWANTED_BLOCKS;
            return if many { Err(PeerFault::UnwantedBlocks(peer.unwanted_blocks)) } else { Ok(()) };
        };
        let mut others = Vec::new();
        let sender = peer.addr();
        if self.is_networking() && self.picker.received(conn, sender, block, &mut others) {
            self.ledger.keep(bytes);
            self.cancel_elsewhere(cx, block, &others);
            self.keep_block(cx, conn, block, data);
        } else {
            self.ledger.duplicate(bytes);
        }
        self.check_bound(cx);
        Ok(())
    }

    /// Stops asking where much more came than is wanted.
    fn check_bound(&mut self, cx: &mut Context) {
        self.ledger.discarded(self.picker.bytes_discarded());
        if self.is_requesting()
            && let Err(error) = self.ledger.check()
        {
            self.fail(cx, error.into());
        }
    }

    /// A block that was wanted: on its way to the disk from here on.
    fn keep_block(&mut self, cx: &mut Context, conn: ConnId, block: BlockId, data: Payload) {
        if let Some(peer) = self.peers.get_mut(&conn) {
            peer.rejections = 0;
        }
        self.stats.progress = cx.now;
        self.take_memory(cx, conn, data.len());
        self.gather.add(cx.now, block.piece, block.block, data);
        if cx.budget.is_tight() {
            self.write_all(cx);
        } else {
            self.write_runs(cx, block.piece, Flush::Ready);
            cx.timers.no_later_than(self.key(TorrentTimer::Gather), cx.now + MAX_AGE);
        }
    }

    /// Others were asked for a block that has arrived (endgame).
    fn cancel_elsewhere(&mut self, cx: &mut Context, block: BlockId, others: &[ConnId]) {
        for other in others {
            if let Some(peer) = self.peers.get_mut(other)
                && peer.requests.give_up(block)
            {
                peer.window.withdrawn(1);
                peer.send(cx.now, &mut cx.out, &Message::Cancel(range(&self.geometry, block)));
                self.hungry.insert(*other);
            }
        }
    }

    /// A peer will not send a block after all (BEP 6).
    pub(super) fn rejected(
        &mut self,
        cx: &mut Context,
        conn: ConnId,
        request: BlockRange,
    ) -> Result<(), PeerFault> {
        let block = self.geometry.block(request.index, request.begin, request.len);
        let (Some(block), Some(peer)) = (block, self.peers.get_mut(&conn)) else { return Ok(()) };
        match peer.requests.rejected(block) {
            Rejected::Outstanding(asked) if !peer.choking_us => peer.refuses(cx.now, block.piece, asked),
            Rejected::Outstanding(_) => _ = peer.allowed_fast.remove(&block.piece),
            Rejected::Late => return Ok(()),
            Rejected::Never => {
                peer.unasked_rejects += 1;
                let many = peer.unasked_rejects > MAX_UNASKED_REJECTS;
                return if many { Err(PeerFault::KeepsRejecting(peer.unasked_rejects)) } else { Ok(()) };
            }
        }
        peer.window.withdrawn(1);
        if !peer.refused.is_empty() {
            cx.timers.no_later_than(TimerKey::Conn(conn), peer.refused_until);
        }
        let rejections = peer.rejections;
        self.picker.give_up(conn, block);
        self.fill_hungry(cx);
        if rejections > MAX_REJECTIONS { Err(PeerFault::KeepsRejecting(rejections)) } else { Ok(()) }
    }

    /// A peer chokes us. With the fast extension it answers each request or rejects it (BEP 6); without, what
    /// was asked for is lost (BEP 3).
    pub(super) fn choked_us(&mut self, cx: &mut Context, conn: ConnId) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        peer.choking_us = true;
        peer.window.choked();
        if !peer.features.fast {
            self.give_up_requests(cx, conn);
        }
    }

    /// What was asked of a peer is free for others; it may still come.
    fn give_up_requests(&mut self, cx: &mut Context, conn: ConnId) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        for block in peer.requests.take_all(true) {
            self.picker.give_up(conn, block);
        }
        self.fill_hungry(cx);
    }

    /// Takes back everything that was asked for: the disk refuses, or the torrent stops.
    pub(super) fn withdraw_requests(&mut self, cx: &mut Context) {
        for peer in self.peers.values_mut() {
            peer.window.withdrawn(peer.requests.len());
            for block in peer.requests.take_all(true) {
                self.picker.give_up(peer.conn, block);
                peer.send(cx.now, &mut cx.out, &Message::Cancel(range(&self.geometry, block)));
            }
            self.hungry.insert(peer.conn);
        }
    }

    /// Requests that a peer has not answered in time are free for others, and the peer is snubbed.
    pub(super) fn expire_requests(&mut self, cx: &mut Context, conn: ConnId) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        let late = peer.requests.take_overdue(cx.now, peer.window.timeout());
        if late.is_empty() {
            return;
        }
        peer.window.timed_out(cx.now);
        for block in &late {
            peer.send(cx.now, &mut cx.out, &Message::Cancel(range(&self.geometry, *block)));
            self.picker.give_up(conn, *block);
        }
        // The others first: this peer has had its chance.
        self.hungry.remove(&conn);
        self.fill_hungry(cx);
        self.fill(cx, conn);
    }
}

/// Requests that may be sent to a peer now; `crowded`: all peers together were asked for enough. Topping up by single
/// blocks would cost a message each; a part of the window is soon enough.
fn room(peer: &Peer, crowded: bool) -> usize {
    // First, for of thousands of idle peers the rest is in no cache.
    if !peer.may_request() {
        return 0;
    }
    let size = if crowded { peer.window.size_in_crowd() } else { peer.window.size() };
    let room = size.saturating_sub(peer.requests.len());
    let soon = !peer.requests.is_empty() && room < (size / 4).min(MAX_TOP_UP);
    if soon { 0 } else { room }
}

/// What may be asked of a peer. Of its suggestions those that are in one stretch.
fn wish(now: Instant, peer: &Peer) -> PickFor<'_> {
    PickFor {
        conn: peer.conn,
        addr: peer.addr(),
        has: &peer.has,
        now,
        fast: peer.window.is_fast(),
        allowed: peer.choking_us.then_some(&peer.allowed_fast),
        refused: &peer.refused,
        suggested: peer.suggested.as_slices().0,
    }
}

fn request(cx: &mut Context, peer: &mut Peer, geometry: &Geometry, blocks: &[BlockId]) {
    if blocks.is_empty() {
        return;
    }
    for block in blocks {
        peer.requests.push(cx.now, *block);
        peer.send(cx.now, &mut cx.out, &Message::Request(range(geometry, *block)));
    }
    peer.window.sent(cx.now, blocks.len());
    let late = cx.now + peer.window.timeout();
    cx.timers.no_later_than(TimerKey::Conn(peer.conn), late);
}

fn range(geometry: &Geometry, block: BlockId) -> BlockRange {
    BlockRange {
        index: block.piece.get(),
        begin: geometry.block_start(block),
        len: geometry.block_len(block),
    }
}
