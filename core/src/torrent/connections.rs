//! Connections to peers: dialling, accepting, and the end of each with its reason.

use super::Torrent;
use crate::context::{ConnOwner, Context};
use crate::error::{DisconnectReason, PeerFault};
use crate::event::{Event, Phase};
use crate::ids::ConnId;
use crate::input::NetError;
use crate::limits::{CONNECT_TIMEOUT, HANDSHAKE_TIMEOUT};
use crate::peer::Peer;
use crate::peer_list::{Outcome, Source};
use crate::time::{Duration, Instant};
use crate::timers::{TimerKey, TorrentTimer};
use crate::wire::HandshakeDecoder;
use alloc::vec::Vec;
use bytes::Bytes;
use core::net::{IpAddr, SocketAddr};

/// A connection that has not completed the handshake.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) remote: SocketAddr,
    pub(super) outgoing: bool,
    /// The connection is open; the handshake is not done.
    pub(super) connected: bool,
    /// It is we who dialled, as the handshake shows. It stays open until the other end of it has seen that too,
    /// and remembers the address that was dialled.
    pub(super) ourselves: bool,
    pub(super) decoder: HandshakeDecoder,
    /// When it began.
    began: Instant,
    /// How long the path there and back takes, as far as is known: an outgoing connection took that to open.
    pub(super) round_trip: Option<Duration>,
}

impl Opening {
    const fn new(now: Instant, remote: SocketAddr, outgoing: bool, decoder: HandshakeDecoder) -> Self {
        Self {
            remote,
            outgoing,
            connected: !outgoing,
            ourselves: false,
            decoder,
            began: now,
            round_trip: None,
        }
    }
}

impl Torrent {
    /// Asks for a place if there is somebody to dial, or sets the time when there will be. Places are dealt out
    /// after every input; then it is [`dial_next`](Self::dial_next)'s turn.
    pub(crate) fn dial(&mut self, cx: &mut Context) {
        if !self.is_dialling(cx) {
            return;
        }
        if cx.now < cx.dial_after {
            self.set_timer(cx, TorrentTimer::Dial, cx.dial_after);
        } else if self.list.has_ready(cx.now) {
            cx.dial_waiting.insert(self.id);
        } else if let Some(next) = self.list.next_deadline() {
            self.set_timer(cx, TorrentTimer::Dial, next.max(cx.now + Duration::from_millis(100)));
        }
    }

    /// There is a place: opens a connection to the best address. Whether there is one.
    pub(crate) fn dial_next(&mut self, cx: &mut Context) -> bool {
        if !self.is_dialling(cx) || cx.now < cx.dial_after {
            return false;
        }
        let Some(remote) = self.list.next(cx.now) else { return false };
        let conn = cx.connect(ConnOwner::Peer(self.id), remote, None);
        cx.half_open += 1;
        cx.timers.set(TimerKey::Conn(conn), cx.now + CONNECT_TIMEOUT);
        let decoder = HandshakeDecoder::new();
        self.list.take_place(remote.ip());
        self.opening.insert(conn, Opening::new(cx.now, remote, true, decoder));
        true
    }

    /// Whether it looks for peers by itself.
    fn is_dialling(&self, cx: &Context) -> bool {
        self.is_networking() && cx.config.dial && self.phase != Phase::Finishing
    }

    /// Its connections to peers, open or being opened.
    pub(crate) fn connections(&self) -> usize {
        self.peers.len() + self.opening.len()
    }

    /// The user, a tracker or a peer named an address.
    pub(crate) fn add_peer(&mut self, cx: &mut Context, addr: SocketAddr, source: Source) {
        self.list.add(cx.now, addr, source);
        self.dial(cx);
    }

    /// An outgoing connection is open.
    pub(crate) fn connected(&mut self, cx: &mut Context, conn: ConnId) {
        if let Some(opening) = self.opening.get_mut(&conn) {
            opening.connected = true;
            opening.round_trip = Some(cx.now.since(opening.began));
            cx.timers.set(TimerKey::Conn(conn), cx.now + HANDSHAKE_TIMEOUT);
            self.send_handshake(cx, conn);
        }
    }

    /// An outgoing connection could not be opened.
    pub(crate) fn connect_failed(&mut self, cx: &mut Context, conn: ConnId, error: NetError) {
        self.end_opening(cx, conn, DisconnectReason::ConnectFailed(error));
    }

    /// Whether a peer at this address may connect.
    pub(crate) fn welcomes(&self, remote: SocketAddr) -> Result<(), DisconnectReason> {
        if !self.is_networking() {
            Err(DisconnectReason::UnknownTorrent)
        } else if self.list.is_banned(remote.ip()) {
            Err(DisconnectReason::Banned)
        } else if !self.list.has_place_for(remote.ip()) {
            Err(DisconnectReason::TooManyFromAddress)
        } else {
            Ok(())
        }
    }

    /// A connection that we accepted wants this torrent, and is not welcome.
    pub(crate) fn turn_away(
        &self,
        cx: &mut Context,
        conn: ConnId,
        remote: SocketAddr,
        reason: DisconnectReason,
    ) {
        cx.close(conn);
        cx.out.tell(Event::PeerDisconnected { torrent: self.id, conn, remote, reason });
    }

    /// A connection that we accepted wants this torrent, and is welcome. `decoder` has read that much of its
    /// handshake.
    pub(crate) fn accept(
        &mut self,
        cx: &mut Context,
        conn: ConnId,
        remote: SocketAddr,
        decoder: HandshakeDecoder,
    ) {
        let mut half_open = self.opening.iter().filter(|(_, o)| !o.outgoing).map(|(conn, _)| *conn);
        if let Some(oldest) = half_open.next()
            && half_open.count() + 1 >= cx.config.max_half_open
        {
            self.end_opening(cx, oldest, DisconnectReason::HandshakeTimeout);
        }
        cx.adopt(conn, ConnOwner::Peer(self.id));
        self.list.take_place(remote.ip());
        self.opening.insert(conn, Opening::new(cx.now, remote, false, decoder));
        self.send_handshake(cx, conn);
    }

    /// Bytes arrived on a connection that has not completed the handshake.
    pub(super) fn opening_received(&mut self, cx: &mut Context, conn: ConnId, data: Bytes) {
        let Some(opening) = self.opening.get_mut(&conn).filter(|opening| !opening.ourselves) else { return };
        match opening.decoder.push(data) {
            Ok(None) => {}
            Ok(Some((handshake, rest))) => self.handshake_done(cx, conn, &handshake, rest),
            Err(error) => self.end_opening(cx, conn, PeerFault::Wire(error).into()),
        }
    }

    /// A connection of this torrent was closed by the other side, or broke.
    pub(crate) fn closed(&mut self, cx: &mut Context, conn: ConnId, error: Option<NetError>) {
        let reason = error.map_or(DisconnectReason::Closed, DisconnectReason::Broken);
        self.drop_peer(cx, conn, reason);
    }

    /// Ends a connection, whatever its state.
    pub(super) fn drop_peer(&mut self, cx: &mut Context, conn: ConnId, reason: DisconnectReason) {
        let Some(mut peer) = self.peers.remove(&conn) else {
            self.end_opening(cx, conn, reason);
            return;
        };
        self.hungry.remove(&conn);
        self.demand.leave(&peer);
        self.uplink.note(cx.now, conn, false);
        let asked = peer.requests.take_all(false);
        for block in &asked {
            self.picker.give_up(conn, *block);
        }
        self.picker.peer_left(&peer.has);
        self.list.give_place(peer.addr());
        cx.close(conn);
        if peer.outgoing {
            self.list.ended(cx.now, peer.remote, outcome(&reason, peer.down.total() + peer.up.total() > 0));
        }
        let (torrent, remote) = (self.id, peer.remote);
        cx.out.tell(Event::PeerDisconnected { torrent, conn, remote, reason });
        self.peer_gone(cx, &peer, !asked.is_empty());
    }

    /// Others take over what a peer leaves behind: its blocks, if it was asked for any, its slot, its place.
    fn peer_gone(&mut self, cx: &mut Context, gone: &Peer, was_asked: bool) {
        if !self.is_networking() {
            return;
        }
        if !gone.choked && gone.interested {
            self.choke_now(cx);
        }
        // With the only copy of a piece endgame may begin.
        if was_asked || self.picker.in_endgame() {
            self.fill_hungry(cx);
        }
        self.dial(cx);
        self.look_for_peers(cx);
    }

    pub(super) fn end_opening(&mut self, cx: &mut Context, conn: ConnId, reason: DisconnectReason) {
        let Some(opening) = self.opening.remove(&conn) else { return };
        self.leave_half_open(cx, &opening);
        self.list.give_place(opening.remote.ip());
        cx.close(conn);
        if opening.outgoing {
            self.list.ended(cx.now, opening.remote, outcome(&reason, false));
        }
        let (torrent, remote) = (self.id, opening.remote);
        let reason = if opening.ourselves { DisconnectReason::OurselfAgain } else { reason };
        cx.out.tell(Event::PeerDisconnected { torrent, conn, remote, reason });
        self.dial(cx);
        self.look_for_peers(cx);
    }

    /// A connection is no longer half open.
    pub(super) fn leave_half_open(&self, cx: &mut Context, opening: &Opening) {
        if opening.outgoing {
            cx.half_open -= 1;
        }
    }

    /// Two that have everything have nothing to say to each other.
    pub(super) fn leave_other_seeds(&mut self, cx: &mut Context) {
        let seeds: Vec<ConnId> = self.peers.values().filter(|p| p.is_seed()).map(|p| p.conn).collect();
        for conn in seeds {
            self.drop_peer(cx, conn, DisconnectReason::NothingToExchange);
        }
    }

    /// Connections to an address that are being opened.
    pub(super) fn opening_to(&self, addr: IpAddr) -> impl Iterator<Item = ConnId> + '_ {
        self.opening.iter().filter(move |(_, o)| o.remote.ip() == addr).map(|(conn, _)| *conn)
    }

    /// The addresses to which connections are being opened.
    pub(super) fn opening_addrs(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.opening.values().map(|opening| opening.remote.ip())
    }

    /// Whether a connection is one of this torrent's.
    pub(crate) fn knows(&self, conn: ConnId) -> bool {
        self.peers.contains_key(&conn) || self.opening.contains_key(&conn)
    }

    /// How many connections we are opening.
    pub(crate) fn half_open(&self) -> usize {
        self.opening.values().filter(|opening| opening.outgoing).count()
    }

    /// How many connections are being opened.
    pub(super) fn opening_count(&self) -> u32 {
        u32::try_from(self.opening.len()).unwrap_or(u32::MAX)
    }
}

/// What the end of a connection says about the address.
fn outcome(reason: &DisconnectReason, exchanged: bool) -> Outcome {
    match reason {
        DisconnectReason::ConnectFailed(NetError::TooManyFiles | NetError::NoPort) => Outcome::Untried,
        DisconnectReason::Misbehaved(_) | DisconnectReason::Banned => Outcome::Misbehaved,
        DisconnectReason::NothingToExchange => Outcome::Complete,
        DisconnectReason::MadeRoom(_)
        | DisconnectReason::Duplicate
        | DisconnectReason::UnknownTorrent
        | DisconnectReason::OurselfAgain => Outcome::Useless,
        _ if exchanged => Outcome::Useful,
        _ => Outcome::Failed,
    }
}
