//! Handshakes with peers: ours, theirs and what we make of it, and the first words after them.

use super::Torrent;
use super::connections::Opening;
use crate::action::Action;
use crate::context::Context;
use crate::error::DisconnectReason;
use crate::event::Event;
use crate::ids::{ConnId, PeerId};
use crate::limits::KEEP_ALIVE;
use crate::peer::{Opened, Peer};
use crate::timers::TimerKey;
use crate::wire::{Features, Handshake, Message};
use alloc::boxed::Box;
use bytes::Bytes;
use core::net::SocketAddr;

impl Torrent {
    /// Names the torrent, and us.
    pub(super) fn send_handshake(&self, cx: &mut Context, conn: ConnId) {
        let handshake =
            Handshake { info_hash: self.wire_hash(), peer_id: cx.peer_id, features: Features::OURS };
        let data = Bytes::copy_from_slice(&handshake.encode());
        cx.out.act(Action::Send { conn, data });
    }

    /// The other side's handshake is whole; `rest` is what came behind it.
    pub(crate) fn handshake_done(&mut self, cx: &mut Context, conn: ConnId, theirs: &Handshake, rest: Bytes) {
        let ours = theirs.peer_id == cx.peer_id && theirs.info_hash == self.wire_hash();
        if let Some(opening) = self.opening.get_mut(&conn)
            && ours
            && !opening.outgoing
        {
            opening.ourselves = true;
            return;
        }
        if let Err(reason) = self.judge_handshake(cx, conn, theirs) {
            self.end_opening(cx, conn, reason);
            return;
        }
        let Some(opening) = self.opening.remove(&conn) else { return };
        self.leave_half_open(cx, &opening);
        let Opening { remote, outgoing, round_trip, .. } = opening;
        if outgoing {
            self.list.connected(remote);
        }
        let features = Features::OURS.common(theirs.features);
        let opened = Opened { conn, remote, outgoing, peer_id: theirs.peer_id, features, round_trip };
        let peer = Peer::new(cx.now, opened, self.geometry.num_pieces());
        self.peers.insert(conn, Box::new(peer));
        cx.timers.set(TimerKey::Conn(conn), cx.now + KEEP_ALIVE);
        cx.out.tell(Event::PeerConnected { torrent: self.id, conn, remote });
        self.introduce(cx, conn);
        if !rest.is_empty() {
            self.received(cx, conn, rest);
        }
        self.dial(cx);
    }

    fn judge_handshake(
        &mut self,
        cx: &mut Context,
        conn: ConnId,
        theirs: &Handshake,
    ) -> Result<(), DisconnectReason> {
        let Some(opening) = self.opening.get(&conn) else { return Err(DisconnectReason::Closed) };
        let (remote, outgoing) = (opening.remote, opening.outgoing);
        if theirs.info_hash != self.wire_hash() {
            return Err(DisconnectReason::UnknownTorrent);
        }
        if self.list.is_banned(remote.ip()) {
            return Err(DisconnectReason::Banned);
        }
        if theirs.peer_id == cx.peer_id {
            self.list.set_own(remote);
            return Err(DisconnectReason::OurselfAgain);
        }
        match self.same_peer(remote, theirs.peer_id) {
            Some(other) if keeps_first(cx.peer_id, theirs.peer_id, other.1, outgoing) => {
                Err(DisconnectReason::Duplicate)
            }
            Some((other, _)) => {
                self.drop_peer(cx, other, DisconnectReason::Duplicate);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// An open connection to the same peer, and whether we dialled it. The address counts as well as the id,
    /// for an id can be anybody's.
    fn same_peer(&self, remote: SocketAddr, id: PeerId) -> Option<(ConnId, bool)> {
        let same = |p: &Peer| p.peer_id == id && p.remote.ip() == remote.ip();
        self.peers.values().find(|peer| same(peer)).map(|p| (p.conn, p.outgoing))
    }

    /// First words: what we have, and what we can do.
    fn introduce(&mut self, cx: &mut Context, conn: ConnId) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        let have = self.picker.have();
        peer.told = self.haves.all();
        let first = match (peer.features.fast, have.is_empty(), have.is_full()) {
            (true, _, true) => Some(Message::HaveAll),
            (true, true, _) => Some(Message::HaveNone),
            (false, true, _) => None,
            _ => Some(Message::Bitfield(have.to_wire())),
        };
        if let Some(first) = first {
            peer.send(cx.now, &mut cx.out, &first);
        }
        if peer.features.extended {
            let payload = super::messages::our_extension_handshake(cx, peer.remote);
            peer.send(cx.now, &mut cx.out, &Message::Extended { id: 0, payload });
        }
    }
}

/// Of two connections between the same two peers the one stays that the side with the greater id dialled, so
/// that both sides choose alike. Of two in the same direction the first stays.
fn keeps_first(ours: PeerId, theirs: PeerId, first_outgoing: bool, second_outgoing: bool) -> bool {
    first_outgoing == second_outgoing || first_outgoing == (ours > theirs)
}
