//! A scripted peer downloads: in the order of the blocks, from whoever lets it.

use super::ScriptedPeer;
use crate::actor::Cx;
use crate::net::End;
use peerless_core::wire::{BlockRange, Message, Payload};
use peerless_core::{Bitfield, BlockId, PieceIndex};
use std::collections::BTreeSet;

/// Requests that are with one other side at once.
const WINDOW: usize = 32;

impl ScriptedPeer {
    /// Asks the other side for as much as the window has room for.
    pub(super) fn fetch(&mut self, cx: &mut Cx<'_>, end: End) {
        if self.only_gives {
            return;
        }
        let slowly = self.trickles(cx.now).is_some();
        let elsewhere: BTreeSet<BlockId> =
            self.talks.values().flat_map(|t| t.wanted.iter().copied()).collect();
        let Self { torrent, has, parts, talks, .. } = self;
        let geometry = torrent.metainfo.geometry();
        let Some(talk) = talks.get_mut(&end).filter(|talk| talk.is_open()) else { return };
        let interesting = talk.theirs.has_more_than(has);
        if talk.interesting != interesting {
            talk.interesting = interesting;
            let message = if interesting { Message::Interested } else { Message::NotInterested };
            talk.say(cx, slowly, &message);
        }
        if talk.choked || !interesting {
            return;
        }
        let room = WINDOW.saturating_sub(talk.wanted.len());
        let free = |block: &BlockId| {
            !elsewhere.contains(block)
                && !parts.get(&block.piece).is_some_and(|got| got.contains(&block.block))
        };
        let blocks = talk
            .theirs
            .minus(has)
            .flat_map(|piece| (0..geometry.blocks_in(piece)).map(move |block| BlockId { piece, block }));
        let picked: Vec<BlockId> = blocks.filter(free).take(room).collect();
        for block in picked {
            talk.wanted.insert(block);
            let (begin, len) = (geometry.block_start(block), geometry.block_len(block));
            talk.say(cx, slowly, &Message::Request(BlockRange { index: block.piece.get(), begin, len }));
        }
    }

    /// Blocks have become free.
    pub(super) fn fetch_everywhere(&mut self, cx: &mut Cx<'_>) {
        let all: Vec<End> = self.talks.keys().copied().collect();
        for end in all {
            self.fetch(cx, end);
        }
    }

    pub(super) fn choked_us(&mut self, cx: &mut Cx<'_>, end: End) {
        let Some(talk) = self.talks.get_mut(&end) else { return };
        talk.choked = true;
        talk.wanted.clear();
        self.fetch_everywhere(cx);
    }

    pub(super) fn arrived(&mut self, cx: &mut Cx<'_>, end: End, index: u32, begin: u32, data: &Payload) {
        self.taken += data.len() as u64;
        let geometry = self.torrent.metainfo.geometry();
        let len = u32::try_from(data.len()).unwrap_or(u32::MAX);
        let Some(block) = geometry.block(index, begin, len) else { return };
        if let Some(talk) = self.talks.get_mut(&end) {
            talk.wanted.remove(&block);
        }
        if !self.has.has(block.piece) && self.torrent.payload.is_true(block, 0..data.len(), &data.to_bytes())
        {
            let got = self.parts.entry(block.piece).or_default();
            got.insert(block.block);
            if got.len() == geometry.blocks_in(block.piece) as usize {
                self.parts.remove(&block.piece);
                self.got(cx, block.piece);
            }
        }
        self.fetch(cx, end);
    }

    fn got(&mut self, cx: &mut Cx<'_>, piece: PieceIndex) {
        self.has.insert(piece);
        let slowly = self.trickles(cx.now).is_some();
        for talk in self.talks.values_mut().filter(|talk| talk.is_open()) {
            talk.say(cx, slowly, &Message::Have(piece.get()));
        }
        if self.has.is_full() {
            self.fetch_everywhere(cx);
        }
    }

    /// Pieces that everybody may be asked for, whether they have them or not.
    pub(super) fn any_piece(&self, cx: &mut Cx<'_>) -> PieceIndex {
        let pieces = Bitfield::len(&self.has);
        PieceIndex::new(cx.dice.below(u64::from(pieces)) as u32)
    }
}
