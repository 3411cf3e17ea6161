//! A scripted peer gives: slots, answers, and what misdeeds make of them.

use super::{Misdeed, ScriptedPeer};
use crate::actor::Cx;
use crate::net::End;
use bytes::Bytes;
use peerless_core::PieceIndex;
use peerless_core::wire::{BlockRange, Message, piece_header};

/// Requests of one other side that are remembered.
const MAX_ASKED: usize = 4_000;

impl ScriptedPeer {
    /// Lets the other side download, if it wants to.
    pub(super) fn unchoke(&mut self, cx: &mut Cx<'_>, end: End) {
        let never = self.does_now(cx.now, Misdeed::ChokeForever);
        let slowly = self.trickles(cx.now).is_some();
        let Some(talk) = self.talks.get_mut(&end) else { return };
        if !talk.is_open() || !talk.interested || !talk.choking {
            return;
        }
        if never {
            return self.did(Misdeed::ChokeForever);
        }
        talk.choking = false;
        talk.say(cx, slowly, &Message::Unchoke);
    }

    /// No longer lets it download.
    pub(super) fn choke(&mut self, cx: &mut Cx<'_>, end: End) {
        let slowly = self.trickles(cx.now).is_some();
        let Some(talk) = self.talks.get_mut(&end) else { return };
        if !talk.is_open() || talk.choking {
            return;
        }
        talk.choking = true;
        talk.say(cx, slowly, &Message::Choke);
        for range in std::mem::take(&mut talk.asked) {
            if talk.features.fast {
                talk.say(cx, slowly, &Message::Reject(range));
            }
        }
    }

    pub(super) fn requested(&mut self, cx: &mut Cx<'_>, end: End, range: BlockRange) {
        let slowly = self.trickles(cx.now).is_some();
        let sound = self.torrent.metainfo.geometry().contains(range.index, range.begin, range.len);
        let Some(talk) = self.talks.get_mut(&end) else { return };
        if talk.choking || !sound || talk.asked.len() >= MAX_ASKED {
            if talk.features.fast {
                talk.say(cx, slowly, &Message::Reject(range));
            }
            return;
        }
        talk.asked.push_back(range);
        self.give(cx, end);
    }

    pub(super) fn cancelled(&mut self, cx: &mut Cx<'_>, end: End, range: BlockRange) {
        let slowly = self.trickles(cx.now).is_some();
        let Some(talk) = self.talks.get_mut(&end) else { return };
        if let Some(at) = talk.asked.iter().position(|asked| *asked == range) {
            talk.asked.remove(at);
            if talk.features.fast {
                talk.say(cx, slowly, &Message::Reject(range));
            }
        }
    }

    /// Answers requests, as many as there is room for.
    pub(super) fn give(&mut self, cx: &mut Cx<'_>, end: End) {
        if self.does_now(cx.now, Misdeed::NeverServe) {
            if self.talks.get(&end).is_some_and(|talk| !talk.asked.is_empty()) {
                self.did(Misdeed::NeverServe);
            }
            return;
        }
        while let Some(talk) = self.talks.get_mut(&end)
            && talk.has_room()
            && let Some(range) = talk.asked.pop_front()
        {
            self.answer(cx, end, range);
        }
    }

    fn answer(&mut self, cx: &mut Cx<'_>, end: End, range: BlockRange) {
        let slowly = self.trickles(cx.now).is_some();
        let lacks = !self.has.has(PieceIndex::new(range.index));
        let refuses = self.does_now(cx.now, Misdeed::RejectAll);
        let silent = lacks && self.does_now(cx.now, Misdeed::ClaimAll);
        let data = self.block(cx, range);
        let active: Vec<Misdeed> = self.active(cx.now).collect();
        let Some(talk) = self.talks.get_mut(&end) else { return };
        if silent {
            return;
        }
        if refuses || lacks {
            if talk.features.fast {
                talk.say(cx, slowly, &Message::Reject(range));
            }
            if refuses {
                self.did(Misdeed::RejectAll);
            }
            return;
        }
        talk.given += u64::from(range.len);
        let breaks = active.iter().any(|m| matches!(m, Misdeed::CloseAfter(bytes) if talk.given >= *bytes));
        let stops = active.contains(&Misdeed::StopInBlock);
        let data = if breaks || stops { data.slice(..data.len() / 2) } else { data };
        let head = piece_header(range.index, range.begin, range.len);
        self.given += data.len() as u64;
        talk.send(cx, slowly, Bytes::copy_from_slice(&head));
        talk.send(cx, slowly, data);
        let shuts = active.contains(&Misdeed::HalfClose);
        if shuts {
            cx.shut(end);
        }
        talk.stuck |= stops || shuts;
        talk.breaking |= breaks;
        for misdeed in active {
            match misdeed {
                Misdeed::CloseAfter(_) if breaks => self.did(misdeed),
                Misdeed::StopInBlock | Misdeed::HalfClose => self.did(misdeed),
                _ => {}
            }
        }
    }

    /// What it sends as a block: the torrent's bytes, or not quite.
    fn block(&mut self, cx: &mut Cx<'_>, range: BlockRange) -> Bytes {
        let start = self.torrent.metainfo.geometry().piece_start(PieceIndex::new(range.index));
        let start = start + u64::from(range.begin);
        let data = self.torrent.payload.read(start..start + u64::from(range.len));
        let corrupts =
            self.active(cx.now).find_map(|m| if let Misdeed::Corrupt(n) = m { Some((m, n)) } else { None });
        let Some((misdeed, _)) = corrupts.filter(|(_, permille)| cx.dice.chance(*permille)) else {
            return data;
        };
        self.did(misdeed);
        let mut wrong = data.to_vec();
        let at = cx.dice.below(wrong.len() as u64) as usize;
        if let Some(byte) = wrong.get_mut(at) {
            *byte ^= 0x55;
        }
        wrong.into()
    }
}
