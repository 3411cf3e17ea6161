//! Who may download from us: carries out what the choker decides.

use super::Torrent;
use super::demand::Demand;
use super::upload::refuse;
use crate::choker::{Candidate, LOOK};
use crate::context::Context;
use crate::ids::ConnId;
use crate::peer::Peer;
use crate::time::Instant;
use crate::timers::TorrentTimer;
use crate::wire::Message;
use alloc::vec::Vec;

impl Torrent {
    /// A peer wants something of us.
    pub(super) fn interest_came(&mut self, cx: &mut Context, conn: ConnId) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        if !peer.interested {
            peer.interested = true;
            self.demand.join(peer);
            self.choke_now(cx);
            let next = self.next_look(cx.now);
            cx.timers.no_later_than(self.key(TorrentTimer::Slots), next);
        }
    }

    /// A peer wants nothing of us any more. It keeps its place until somebody else needs it.
    pub(super) fn not_interested(&mut self, cx: &mut Context, conn: ConnId) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        if peer.interested {
            self.demand.leave(peer);
            peer.interested = false;
            peer.last_interest = cx.now;
        }
        if !peer.choked {
            self.choke_now(cx);
        }
    }

    /// Deals out free slots at once, while there are any and somebody waits for one.
    pub(super) fn choke_now(&mut self, cx: &mut Context) {
        if self.demand.waiting > 0 && self.choker.may_unchoke_now(self.demand.served) {
            self.deal_slots(cx);
        }
    }

    /// It is time to look at our line, and perhaps for a round of the choker.
    pub(super) fn look_at_slots(&mut self, cx: &mut Context) {
        let is_round = cx.now >= self.choker.next_round();
        let wanted = self.demand.waiting > 0;
        if let Some(idle) = self.uplink.idle_permille(cx.now) {
            self.choker.look(cx.now, self.stats.up.per_second(cx.now), idle, wanted);
        }
        if is_round {
            self.deal_slots(cx);
        } else {
            self.choke_now(cx);
        }
        if self.is_networking() && self.demand != Demand::default() {
            let next = self.next_look(cx.now);
            self.set_timer(cx, TorrentTimer::Slots, next);
        }
    }

    /// Between two rounds there is nothing to look at while nobody waits for a slot.
    fn next_look(&self, now: Instant) -> Instant {
        let round = self.choker.next_round().max(now);
        if self.demand.waiting > 0 { round.min(now + LOOK) } else { round }
    }

    fn deal_slots(&mut self, cx: &mut Context) {
        let now = cx.now;
        let candidates: Vec<Candidate> = self.peers.values().map(|p| candidate(now, p)).collect();
        let unchoked = self.choker.round(now, self.completed.is_some(), &candidates);
        for conn in &unchoked {
            // Before it is told that it may ask.
            if self.peers.get(conn).is_some_and(|peer| peer.choked) {
                self.suggest(cx, *conn);
            }
        }
        for peer in self.peers.values_mut() {
            let choke = unchoked.binary_search(&peer.conn).is_err();
            if choke != peer.choked {
                self.demand.leave(peer);
                set_choked(cx, peer, choke);
                self.demand.join(peer);
                self.uplink.note(now, peer.conn, peer.waits_for_data());
            }
        }
    }
}

fn candidate(now: Instant, peer: &Peer) -> Candidate {
    Candidate {
        conn: peer.conn,
        interested: peer.interested,
        unchoked: !peer.choked,
        down_rate: peer.down.per_second(now),
        up_rate: peer.up.per_second(now),
        snubbed: peer.window.is_snubbed(),
        connected: peer.connected,
        sent_in_slot: peer.sent_in_slot,
        unchoked_at: peer.unchoked_at,
    }
}

fn set_choked(cx: &mut Context, peer: &mut Peer, choked: bool) {
    peer.choked = choked;
    if choked {
        peer.send(cx.now, &mut cx.out, &Message::Choke);
        for request in peer.serve.choked() {
            refuse(cx, peer, request);
        }
    } else {
        peer.unchoked_at = cx.now;
        peer.sent_in_slot = 0;
        peer.serve.unchoked();
        peer.send(cx.now, &mut cx.out, &Message::Unchoke);
    }
}
