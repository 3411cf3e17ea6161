//! What peers say: every message of BEP 3, 6 and 10, each with its own small answer.

use super::Torrent;
use crate::bitfield::Bitfield;
use crate::context::Context;
use crate::error::{BanReason, PeerFault};
use crate::ids::{ConnId, PieceIndex};
use crate::limits::{
    MAX_ALLOWED_FAST, MAX_BACKLOG, MAX_IMPOSSIBLE, MAX_IMPOSSIBLE_REMEMBERED, MAX_INCOMING_REQUESTS,
    MAX_SUGGESTED,
};
use crate::wire::{ExtensionHandshake, Message};
use bytes::Bytes;
use core::net::SocketAddr;

impl Torrent {
    /// Bytes arrived on a connection of this torrent.
    pub(crate) fn received(&mut self, cx: &mut Context, conn: ConnId, data: Bytes) {
        let Some(peer) = self.peers.get_mut(&conn) else { return self.opening_received(cx, conn, data) };
        peer.last_received = cx.now;
        peer.decoder.push(data);
        // A message may end the connection, so the peer is looked up anew for each.
        while let Some(peer) = self.peers.get_mut(&conn) {
            let outcome = match peer.decoder.next() {
                Ok(None) => break,
                Ok(Some(message)) => {
                    let first = !peer.introduced;
                    peer.introduced |= !says_nothing_of_pieces(&message);
                    self.message(cx, conn, message, first)
                }
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
        let addr = self.peers.get(&conn).map(|peer| peer.addr());
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

    /// `first`: nothing before it spoke of pieces.
    fn message(
        &mut self,
        cx: &mut Context,
        conn: ConnId,
        message: Message,
        first: bool,
    ) -> Result<(), PeerFault> {
        match message {
            Message::KeepAlive | Message::Port(_) | Message::Unknown { .. } => {}
            Message::Choke => self.choked_us(cx, conn),
            Message::Unchoke => self.unchoked_us(conn),
            Message::Interested => self.interest_came(cx, conn),
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

    fn unchoked_us(&mut self, conn: ConnId) {
        if let Some(peer) = self.peers.get_mut(&conn) {
            peer.choking_us = false;
        }
    }

    pub(super) fn piece(&self, index: u32) -> Result<PieceIndex, PeerFault> {
        let total = self.geometry.num_pieces();
        self.geometry.piece(index).ok_or(PeerFault::PieceOutOfRange { index, total })
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
}

/// Whether a bitfield may still come after it, as clients have it. What was skipped may be an extended message.
const fn says_nothing_of_pieces(message: &Message) -> bool {
    matches!(
        message,
        Message::Extended { .. } | Message::Unknown { .. } | Message::KeepAlive | Message::Port(_)
    )
}

/// The extension handshake that we send (BEP 10). It offers no extension: whoever adds one tells the
/// [`Decoder`](crate::wire::Decoder) of it.
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
