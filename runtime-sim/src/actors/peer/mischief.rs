//! What a scripted peer does by itself: once on each connection, or again and again.

use super::misdeed::TICK;
use super::{Misdeed, ScriptedPeer};
use crate::actor::Cx;
use crate::net::End;
use bytes::{Bytes, BytesMut};
use peerless_core::BlockId;
use peerless_core::wire::{BlockRange, Message, piece_header};

/// Messages that are sent at once by one who is a nuisance.
const BURST: u32 = 100;

impl ScriptedPeer {
    /// A misdeed begins: on every open connection.
    pub(super) fn begins(&mut self, cx: &mut Cx<'_>, misdeed: Misdeed) {
        for end in self.open_talks() {
            match misdeed {
                Misdeed::ChokeForever => {
                    if self.talks.get(&end).is_some_and(|talk| talk.interested) {
                        self.did(misdeed);
                    }
                    self.choke(cx, end);
                }
                _ => self.once(cx, end, misdeed),
            }
        }
    }

    /// A misdeed has ended: what it held back goes on.
    pub(super) fn ended(&mut self, cx: &mut Cx<'_>) {
        for end in self.open_talks() {
            cx.set_readable(end, !self.does_now(cx.now, Misdeed::NeverRead));
            self.unchoke(cx, end);
            if self.trickles(cx.now).is_none()
                && let Some(talk) = self.talks.get_mut(&end)
            {
                talk.drip(cx, usize::MAX);
            }
            self.give(cx, end);
        }
    }

    fn open_talks(&self) -> Vec<End> {
        self.talks.values().filter(|talk| talk.is_open()).map(|talk| talk.end).collect()
    }

    /// What a misdeed does once on a connection.
    pub(super) fn once(&mut self, cx: &mut Cx<'_>, end: End, misdeed: Misdeed) {
        let pieces = self.has.len();
        let handshake = self.handshake(cx).encode();
        let slowly = self.trickles(cx.now).is_some();
        let Some(talk) = self.talks.get_mut(&end) else { return };
        match misdeed {
            Misdeed::SecondHandshake => talk.send(cx, slowly, Bytes::copy_from_slice(&handshake)),
            Misdeed::OutOfRange => talk.say(cx, slowly, &Message::Have(pieces + 5)),
            Misdeed::Oversize => {
                talk.send(cx, slowly, Bytes::from_static(&[0x7f, 0xff, 0xff, 0xff, 7, 0, 0]));
            }
            Misdeed::Noise => {
                let mut noise = vec![0; 1_000];
                cx.dice.fill(&mut noise);
                talk.send(cx, slowly, noise.into());
            }
            Misdeed::NeverRead => {
                talk.say(cx, slowly, &Message::Interested);
                cx.set_readable(end, false);
            }
            _ => return,
        }
        self.did(misdeed);
    }

    /// What misdeeds do again and again.
    pub(super) fn tick(&mut self, cx: &mut Cx<'_>) {
        let active: Vec<Misdeed> = self.active(cx.now).filter(|m| m.recurs()).collect();
        let ends: Vec<End> = self.talks.keys().copied().collect();
        for misdeed in active {
            for end in &ends {
                self.again(cx, *end, misdeed);
            }
        }
    }

    fn again(&mut self, cx: &mut Cx<'_>, end: End, misdeed: Misdeed) {
        let Some(talk) = self.talks.get_mut(&end) else { return };
        if let Misdeed::Trickle(rate) = misdeed {
            let bytes = u64::from(rate) * TICK.as_millis() as u64 / 1_000;
            if talk.drip(cx, bytes.max(1) as usize) {
                self.did(misdeed);
            }
            return self.give(cx, end);
        }
        if !talk.is_open() {
            return;
        }
        match misdeed {
            Misdeed::Flap(period) if cx.now >= talk.flaps => {
                talk.flaps = cx.now + period;
                if talk.choking {
                    self.unchoke(cx, end);
                } else {
                    self.choke(cx, end);
                    self.did(misdeed);
                }
            }
            Misdeed::Unasked(rate) => {
                for _ in 0..(rate / 4).max(1) {
                    self.unasked(cx, end);
                }
                self.did(misdeed);
            }
            Misdeed::Chatter => {
                self.chatter(cx, end);
                self.did(misdeed);
            }
            Misdeed::Flood | Misdeed::NeverRead => {
                self.flood(cx, end);
                self.did(misdeed);
            }
            _ => {}
        }
    }

    fn unasked(&mut self, cx: &mut Cx<'_>, end: End) {
        let piece = self.any_piece(cx);
        let geometry = self.torrent.metainfo.geometry();
        let block = cx.dice.below(u64::from(geometry.blocks_in(piece))) as u32;
        let block = BlockId { piece, block };
        let data = self.torrent.payload.block(block);
        let head = piece_header(piece.get(), geometry.block_start(block), geometry.block_len(block));
        if let Some(talk) = self.talks.get_mut(&end).filter(|talk| talk.has_room()) {
            talk.send(cx, false, Bytes::copy_from_slice(&head));
            talk.send(cx, false, data);
        }
    }

    fn chatter(&mut self, cx: &mut Cx<'_>, end: End) {
        let piece = self.any_piece(cx);
        let Some(talk) = self.talks.get_mut(&end) else { return };
        let mut out = BytesMut::new();
        for _ in 0..BURST / 4 {
            Message::KeepAlive.encode(&mut out);
            Message::Have(piece.get()).encode(&mut out);
            Message::Interested.encode(&mut out);
            Message::NotInterested.encode(&mut out);
        }
        talk.interesting = false;
        talk.send(cx, false, out.freeze());
    }

    fn flood(&mut self, cx: &mut Cx<'_>, end: End) {
        let piece = self.any_piece(cx);
        let geometry = self.torrent.metainfo.geometry();
        let Some(talk) = self.talks.get_mut(&end) else { return };
        let mut out = BytesMut::new();
        for n in 0..BURST {
            let block = BlockId { piece, block: n % geometry.blocks_in(piece) };
            let (begin, len) = (geometry.block_start(block), geometry.block_len(block));
            Message::Request(BlockRange { index: piece.get(), begin, len }).encode(&mut out);
        }
        talk.send(cx, false, out.freeze());
    }
}
