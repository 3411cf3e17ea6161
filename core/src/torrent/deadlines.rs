//! The deadlines of a connection to a peer: until it is open, has shaken hands, says something, and answers what it
//! was asked; and our own, to say that we are still there.

use super::Torrent;
use crate::context::Context;
use crate::error::DisconnectReason;
use crate::ids::ConnId;
use crate::limits::{KEEP_ALIVE, PEER_SILENCE};
use crate::time::Instant;
use crate::timers::TimerKey;
use crate::wire::Message;

impl Torrent {
    /// The deadline of a connection has come: which of its deadlines?
    pub(crate) fn conn_timer(&mut self, cx: &mut Context, conn: ConnId) {
        if self.peers.contains_key(&conn) {
            self.peer_timer(cx, conn);
        } else {
            let connected = self.opening.get(&conn).is_some_and(|opening| opening.connected);
            let reason =
                if connected { DisconnectReason::HandshakeTimeout } else { DisconnectReason::ConnectTimeout };
            self.end_opening(cx, conn, reason);
        }
    }

    /// A deadline of a peer has come: a late request, silence, or our own.
    fn peer_timer(&mut self, cx: &mut Context, conn: ConnId) {
        if cx.budget.is_paused(conn)
            && let Some(peer) = self.peers.get_mut(&conn)
        {
            // It is we who do not listen: its clocks stand still.
            peer.last_received = cx.now;
            peer.requests.restart(cx.now);
        }
        self.expire_requests(cx, conn);
        self.ask_again(cx, conn);
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        if cx.now.since(peer.last_received) >= PEER_SILENCE {
            self.drop_peer(cx, conn, DisconnectReason::Silent);
            return;
        }
        if cx.now.since(peer.last_sent) >= KEEP_ALIVE {
            peer.send(cx.now, &mut cx.out, &Message::KeepAlive);
        }
        let late = peer.requests.oldest().map(|at| at + peer.window.timeout());
        let next = (peer.last_received + PEER_SILENCE).min(peer.last_sent + KEEP_ALIVE);
        let again = (!peer.refused.is_empty()).then_some(peer.refused_until);
        cx.timers.set(TimerKey::Conn(conn), [late, again].into_iter().flatten().fold(next, Instant::min));
    }

    /// What a peer refused may be asked of it again after a while.
    fn ask_again(&mut self, cx: &mut Context, conn: ConnId) {
        if let Some(peer) = self.peers.get_mut(&conn)
            && !peer.refused.is_empty()
            && cx.now >= peer.refused_until
        {
            peer.refused.clear();
            self.fill(cx, conn);
        }
    }
}
