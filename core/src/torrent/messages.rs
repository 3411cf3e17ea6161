//! What peers say: every message of BEP 3, 6 and 10, each with its own small answer.

use super::Torrent;
use crate::bitfield::Bitfield;
use crate::context::Context;
use crate::error::{BanReason, DisconnectReason, PeerFault};
use crate::event::Phase;
use crate::ids::{ConnId, PieceIndex};
use crate::limits::{
    KEEP_ALIVE, MAX_ALLOWED_FAST, MAX_BACKLOG, MAX_IMPOSSIBLE, MAX_IMPOSSIBLE_REMEMBERED,
    MAX_INCOMING_REQUESTS, MAX_SUGGESTED, PEER_SILENCE,
};
use crate::peer::Peer;
use crate::timers::TimerKey;
use crate::wire::{ExtensionHandshake, Message};
use bytes::Bytes;
use core::net::SocketAddr;

impl Torrent {
    /// Bytes arrived from a peer.
    pub(super) fn peer_received(&mut self, cx: &mut Context, conn: ConnId, data: Bytes) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        peer.last_received = cx.now;
        peer.decoder.push(data);
        // A message may end the connection, so the peer is looked up anew for each.
        while let Some(peer) = self.peers.get_mut(&conn) {
            let outcome = match peer.decoder.next() {
                Ok(None) => break,
                Ok(Some(message)) => self.message(cx, conn, message),
                Err(error) => Err(error.into()),
            };
            if let Err(fault) = outcome {
                self.misbehaved(cx, conn, fault);
            }
        }
        self.fill(cx, conn);
        if let Some(peer) = self.peers.get(&conn)
            && peer.backlog() > MAX_BACKLOG
        {
            self.misbehaved(cx, conn, PeerFault::DoesNotRead(peer.backlog()));
        }
    }

    fn misbehaved(&mut self, cx: &mut Context, conn: ConnId, fault: PeerFault) {
        let addr = self.peers.get(&conn).map(Peer::addr);
        let out_of_range = matches!(fault, PeerFault::PieceOutOfRange { .. });
        self.drop_peer(cx, conn, fault.into());
        if let (true, Some(addr)) = (out_of_range, addr) {
            if self.impossible.len() >= MAX_IMPOSSIBLE_REMEMBERED {
                self.impossible.pop_first();
            }
            let times = self.impossible.entry(addr).or_insert(0);
            *times += 1;
            if *times >= MAX_IMPOSSIBLE {
                self.impossible.remove(&addr);
                self.ban(cx, addr, BanReason::ImpossiblePieces);
            }
        }
    }

    fn message(&mut self, cx: &mut Context, conn: ConnId, message: Message) -> Result<(), PeerFault> {
        let Some(peer) = self.peers.get_mut(&conn) else { return Ok(()) };
        let first = !peer.introduced;
        if !matches!(message, Message::Extended { .. } | Message::KeepAlive | Message::Port(_)) {
            peer.introduced = true;
        }
        match message {
            Message::KeepAlive | Message::Port(_) | Message::Unknown { .. } => {}
            Message::Choke => self.choked_us(cx, conn),
            Message::Unchoke => peer.choking_us = false,
            Message::Interested => self.interested(cx, conn),
            Message::NotInterested => self.not_interested(cx, conn),
            Message::Have(index) => self.have_came(cx, conn, index)?,
            // aria2 says by a second bitfield what others say by many `have`s.
            Message::Bitfield(bits) if !first => {
                let has = Bitfield::from_wire(self.geometry.num_pieces(), &bits);
                self.later_bitfield(cx, conn, &has.ok_or(PeerFault::OutOfPlace("bitfield"))?);
            }
            Message::HaveAll | Message::HaveNone if !first => {
                return Err(PeerFault::OutOfPlace(message.name()));
            }
            Message::HaveNone => {}
            Message::HaveAll => self.first_bitfield(cx, conn, Bitfield::full(self.geometry.num_pieces())),
            Message::Bitfield(bits) => {
                let has = Bitfield::from_wire(self.geometry.num_pieces(), &bits);
                self.first_bitfield(cx, conn, has.ok_or(PeerFault::OutOfPlace("bitfield"))?);
            }
            Message::Request(request) => self.request_came(cx, conn, request)?,
            Message::Cancel(request) => self.cancelled(cx, conn, request),
            Message::Piece { index, begin, data } => self.block_arrived(cx, conn, index, begin, data)?,
            Message::Suggest(index) => self.suggested(conn, index)?,
            Message::AllowedFast(index) => self.allowed_fast(conn, index)?,
            Message::Reject(request) => self.rejected(cx, conn, request)?,
            Message::Extended { id: ExtensionHandshake::ID, payload } => {
                self.extension_handshake(conn, &payload)?;
            }
            Message::Extended { .. } => {}
        }
        Ok(())
    }

    fn piece(&self, index: u32) -> Result<PieceIndex, PeerFault> {
        let total = self.geometry.num_pieces();
        self.geometry.piece(index).ok_or(PeerFault::PieceOutOfRange { index, total })
    }

    fn have_came(&mut self, cx: &mut Context, conn: ConnId, index: u32) -> Result<(), PeerFault> {
        let piece = self.piece(index)?;
        let missing = !self.picker.have().has(piece);
        if let Some(peer) = self.peers.get_mut(&conn)
            && peer.has.insert(piece)
        {
            peer.missing_here += u32::from(missing);
            self.picker.peer_got(piece);
            self.has_changed(cx, conn);
        }
        Ok(())
    }

    fn first_bitfield(&mut self, cx: &mut Context, conn: ConnId, has: Bitfield) {
        if let Some(peer) = self.peers.get_mut(&conn) {
            self.picker.peer_joined(&has);
            let missing = has.minus(self.picker.have()).count();
            peer.missing_here = u32::try_from(missing).unwrap_or(u32::MAX);
            peer.has = has;
            self.has_changed(cx, conn);
        }
    }

    /// A later bitfield: adds what is new in it.
    fn later_bitfield(&mut self, cx: &mut Context, conn: ConnId, has: &Bitfield) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        let new: alloc::vec::Vec<PieceIndex> = has.minus(&peer.has).collect();
        for piece in new {
            peer.has.insert(piece);
            peer.missing_here += u32::from(!self.picker.have().has(piece));
            self.picker.peer_got(piece);
        }
        self.has_changed(cx, conn);
    }

    /// A peer has more than before.
    fn has_changed(&mut self, cx: &mut Context, conn: ConnId) {
        let both_seeds = self.completed.is_some() && self.peers.get(&conn).is_some_and(Peer::is_seed);
        if both_seeds && self.phase == Phase::Seeding {
            self.drop_peer(cx, conn, DisconnectReason::NothingToExchange);
        } else {
            self.update_interest(cx, conn);
        }
    }

    /// Says whether we want something of a peer, when that has changed (BEP 3).
    pub(super) fn update_interest(&mut self, cx: &mut Context, conn: ConnId) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        let interesting = peer.missing_here > 0;
        if peer.interesting != interesting {
            peer.interesting = interesting;
            peer.last_interest = cx.now;
            let message = if interesting { Message::Interested } else { Message::NotInterested };
            peer.send(cx.now, &mut cx.out, &message);
        }
        if interesting {
            self.hungry.insert(conn);
        } else {
            self.hungry.remove(&conn);
        }
    }

    /// Tells everybody who lacks it that we have a piece; those who have it need not be told.
    pub(super) fn announce_have(&mut self, cx: &mut Context, piece: PieceIndex) {
        let mut lost_interest = alloc::vec::Vec::new();
        for peer in self.peers.values_mut() {
            if !peer.has.has(piece) {
                peer.send(cx.now, &mut cx.out, &Message::Have(piece.get()));
                continue;
            }
            peer.missing_here = peer.missing_here.saturating_sub(1);
            if peer.missing_here == 0 {
                lost_interest.push(peer.conn);
            }
        }
        for conn in lost_interest {
            self.update_interest(cx, conn);
        }
    }

    fn suggested(&mut self, conn: ConnId, index: u32) -> Result<(), PeerFault> {
        let piece = self.piece(index)?;
        if let Some(peer) = self.peers.get_mut(&conn) {
            if peer.suggested.len() == MAX_SUGGESTED {
                peer.suggested.pop_front();
            }
            peer.suggested.push_back(piece);
        }
        Ok(())
    }

    fn allowed_fast(&mut self, conn: ConnId, index: u32) -> Result<(), PeerFault> {
        let piece = self.piece(index)?;
        if let Some(peer) = self.peers.get_mut(&conn)
            && peer.allowed_fast.len() < MAX_ALLOWED_FAST
        {
            peer.allowed_fast.insert(piece);
        }
        Ok(())
    }

    fn extension_handshake(&mut self, conn: ConnId, payload: &[u8]) -> Result<(), PeerFault> {
        let theirs = ExtensionHandshake::parse(payload)?;
        if let Some(peer) = self.peers.get_mut(&conn) {
            if let Some(reqq) = theirs.reqq {
                peer.window.set_limit(reqq as usize);
            }
            if theirs.v.is_some() {
                peer.client = theirs.v;
            }
        }
        Ok(())
    }

    /// A deadline of a peer has come: a late request, silence, or our own.
    pub(super) fn peer_timer(&mut self, cx: &mut Context, conn: ConnId) {
        if cx.budget.is_paused(conn)
            && let Some(peer) = self.peers.get_mut(&conn)
        {
            // It is we who do not listen: its clocks stand still.
            peer.last_received = cx.now;
            peer.requests.restart(cx.now);
        }
        self.expire_requests(cx, conn);
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
        cx.timers.set(TimerKey::Conn(conn), late.map_or(next, |late| late.min(next)));
    }
}

/// The extension handshake that we send (BEP 10).
pub(super) fn our_extension_handshake(cx: &Context, remote: SocketAddr) -> Bytes {
    ExtensionHandshake {
        v: Some(cx.config.client_name.clone()),
        p: cx.port,
        reqq: u32::try_from(MAX_INCOMING_REQUESTS).ok(),
        yourip: Some(remote.ip()),
        ..ExtensionHandshake::default()
    }
    .encode()
}
