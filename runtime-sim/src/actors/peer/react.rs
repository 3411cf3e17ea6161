//! What a scripted peer does when something happens: connections come and go, messages arrive, time passes.

use super::ScriptedPeer;
use super::misdeed::Misdeed;
use super::talk::Talk;
use crate::actor::{Actor, Cx};
use crate::net::End;
use bytes::Bytes;
use peerless_core::wire::{BlockRange, Decoder, Message};
use peerless_core::{Bitfield, Duration, Instant, NetError, PieceIndex};
use std::net::SocketAddr;

impl Actor for ScriptedPeer {
    fn start(&mut self, cx: &mut Cx<'_>) {
        cx.listen(cx.addr().port());
        for addr in self.dials.clone() {
            self.dial(cx, addr);
        }
        self.announce(cx);
        self.plan(cx);
    }

    fn connected(&mut self, cx: &mut Cx<'_>, end: End) {
        if self.announcing == Some(end) {
            let text = self.announce_text(cx);
            return cx.send(end, text);
        }
        self.talks.insert(end, Talk::new(end, self.has.len()));
        self.greet(cx, end);
    }

    fn connect_failed(&mut self, cx: &mut Cx<'_>, end: End, _error: NetError) {
        self.redial_later(cx, end);
    }

    fn accepted(&mut self, cx: &mut Cx<'_>, end: End, _remote: SocketAddr, _port: u16) {
        self.talks.insert(end, Talk::new(end, self.has.len()));
        // An honest one waits for the torrent to be named.
        if self.does_now(cx.now, Misdeed::HalfHandshake) {
            self.greet(cx, end);
        }
    }

    fn received(&mut self, cx: &mut Cx<'_>, end: End, data: Bytes) {
        let features = self.features;
        let Some(talk) = self.talks.get_mut(&end) else { return };
        let data = match &mut talk.decoder {
            Some(_) => data,
            None => match talk.handshake.push(data) {
                Ok(None) => return,
                Ok(Some((theirs, rest))) => {
                    talk.features = features.common(theirs.features);
                    talk.decoder = Some(Decoder::new(talk.theirs.len(), talk.features));
                    if !talk.greeted {
                        self.greet(cx, end);
                    }
                    self.introduce(cx, end);
                    rest
                }
                Err(_) => {
                    cx.close(end);
                    return self.drop_talk(cx, end);
                }
            },
        };
        let decoder = self.talks.get_mut(&end).and_then(|talk| talk.decoder.as_mut());
        decoder.into_iter().for_each(|decoder| decoder.push(data.clone()));
        while let Some(decoder) = self.talks.get_mut(&end).and_then(|talk| talk.decoder.as_mut())
            && let Ok(Some(message)) = decoder.next()
        {
            self.message(cx, end, message);
        }
    }

    fn sent(&mut self, cx: &mut Cx<'_>, end: End, bytes: usize) {
        let Some(talk) = self.talks.get_mut(&end) else { return };
        if talk.left(bytes) && talk.breaking {
            cx.reset(end);
            return self.drop_talk(cx, end);
        }
        self.give(cx, end);
    }

    fn closed(&mut self, cx: &mut Cx<'_>, end: End, _error: Option<NetError>) {
        if self.announcing == Some(end) {
            self.announcing = None;
            return;
        }
        self.drop_talk(cx, end);
    }

    fn woken(&mut self, cx: &mut Cx<'_>) {
        while let Some(due) = self.redials.first_entry()
            && *due.key() <= cx.now
        {
            due.remove().into_iter().for_each(|addr| self.dial(cx, addr));
        }
        self.announce(cx);
        let time = cx.now.since(Instant::ZERO);
        let turned = std::mem::replace(&mut self.turned, time);
        let now = |at: Duration| turned < at && at <= time;
        let begun: Vec<Misdeed> = self.script.iter().filter(|p| now(p.from)).map(|p| p.misdeed).collect();
        for misdeed in begun {
            self.begins(cx, misdeed);
        }
        if self.script.iter().any(|p| p.until.is_some_and(now)) {
            self.ended(cx);
        }
        if self.next_tick <= cx.now {
            self.next_tick = Instant::FAR_FUTURE;
            self.tick(cx);
        }
        self.plan(cx);
    }
}

impl ScriptedPeer {
    /// A message has come.
    fn message(&mut self, cx: &mut Cx<'_>, end: End, message: Message) {
        let geometry = self.torrent.metainfo.geometry();
        let Some(talk) = self.talks.get_mut(&end) else { return };
        match message {
            Message::Interested => {
                talk.interested = true;
                self.unchoke(cx, end);
            }
            Message::NotInterested => talk.interested = false,
            Message::Choke => self.choked_us(cx, end),
            Message::Unchoke => {
                talk.choked = false;
                self.fetch(cx, end);
            }
            Message::Have(index) => {
                talk.theirs.insert(PieceIndex::new(index));
                self.fetch(cx, end);
            }
            Message::Bitfield(bits) => {
                if let Some(theirs) = Bitfield::from_wire(geometry.num_pieces(), &bits) {
                    talk.theirs = theirs;
                }
                self.fetch(cx, end);
            }
            Message::HaveAll => {
                talk.theirs = Bitfield::full(geometry.num_pieces());
                self.fetch(cx, end);
            }
            Message::Request(range) => self.requested(cx, end, range),
            Message::Cancel(range) => self.cancelled(cx, end, range),
            Message::Piece { index, begin, data } => self.arrived(cx, end, index, begin, &data),
            Message::Reject(BlockRange { index, begin, len }) => {
                if let Some(block) = geometry.block(index, begin, len) {
                    talk.wanted.remove(&block);
                }
            }
            _ => {}
        }
    }
}
