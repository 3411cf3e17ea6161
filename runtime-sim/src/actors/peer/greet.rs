//! How a scripted peer greets: its handshake, and what it says of itself right after it.

use super::{Misdeed, ScriptedPeer};
use crate::actor::Cx;
use crate::net::End;
use bytes::Bytes;
use peerless_core::wire::{ExtensionHandshake, Handshake, Message};
use peerless_core::{Bitfield, PeerId};

impl ScriptedPeer {
    pub(super) fn peer_id(&self, cx: &Cx<'_>) -> PeerId {
        let mut id = *b"-SC0000-000000000000";
        let number = format!("{:012}", cx.host.get());
        id[8..].copy_from_slice(&number.as_bytes()[..12]);
        PeerId(id)
    }

    pub(super) fn handshake(&self, cx: &Cx<'_>) -> Handshake {
        let info_hash = self.torrent.metainfo.info_hash().wire();
        Handshake { info_hash, peer_id: self.peer_id(cx), features: self.features }
    }

    /// Sends our handshake, or what a misdeed makes of it.
    pub(super) fn greet(&mut self, cx: &mut Cx<'_>, end: End) {
        let mut bytes = self.handshake(cx).encode().to_vec();
        let mut sent = bytes.len();
        let active: Vec<Misdeed> = self.active(cx.now).filter(|m| m.greets()).collect();
        for misdeed in active {
            match misdeed {
                Misdeed::SilentAccept => sent = 0,
                Misdeed::HalfHandshake => sent = sent.min(34),
                Misdeed::WrongProtocol => bytes[1..20].copy_from_slice(b"BitTorment protocol"),
                Misdeed::WrongTorrent => bytes[28..48].fill(0x77),
                _ => continue,
            }
            self.did(misdeed);
        }
        bytes.truncate(sent);
        let slowly = self.trickles(cx.now).is_some();
        let Some(talk) = self.talks.get_mut(&end) else { return };
        talk.stuck |= bytes.len() < 68;
        talk.greeted = true;
        if !bytes.is_empty() {
            let stuck = std::mem::replace(&mut talk.stuck, false);
            talk.send(cx, slowly, bytes.into());
            talk.stuck = stuck;
        }
    }

    /// Says what it has, and what it can do.
    pub(super) fn introduce(&mut self, cx: &mut Cx<'_>, end: End) {
        let claims_all = self.does_now(cx.now, Misdeed::ClaimAll);
        let wrong = self.does_now(cx.now, Misdeed::WrongBitfield);
        let slowly = self.trickles(cx.now).is_some();
        let pieces = self.torrent.metainfo.geometry().num_pieces();
        let has = if claims_all { Bitfield::full(pieces) } else { self.has.clone() };
        for (misdeed, does) in [(Misdeed::ClaimAll, claims_all), (Misdeed::WrongBitfield, wrong)] {
            if does {
                self.did(misdeed);
            }
        }
        let Some(talk) = self.talks.get_mut(&end) else { return };
        let first = match (talk.features.fast, has.is_full(), has.is_empty()) {
            _ if wrong => Some(Message::Bitfield(Bytes::from(vec![0xff; pieces.div_ceil(8) as usize + 1]))),
            (true, true, _) => Some(Message::HaveAll),
            (true, _, true) => Some(Message::HaveNone),
            (false, _, true) => None,
            _ => Some(Message::Bitfield(has.to_wire())),
        };
        if let Some(first) = first {
            talk.say(cx, slowly, &first);
        }
        if talk.features.extended {
            let hello = ExtensionHandshake { v: Some("Scripted".into()), ..ExtensionHandshake::default() };
            let payload = hello.encode();
            talk.say(cx, slowly, &Message::Extended { id: ExtensionHandshake::ID, payload });
        }
        let active: Vec<Misdeed> = self.active(cx.now).collect();
        for misdeed in active {
            self.once(cx, end, misdeed);
        }
    }
}
