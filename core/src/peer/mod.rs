//! One connected peer: what it has, what was asked of it, what it asked for. No decisions: those are the
//! torrent's.

mod pending;
mod requests;
mod serve;
#[cfg(test)]
mod tests;

pub(crate) use requests::{Asked, Rejected, Requests};
pub(crate) use serve::{Batch, Serve};

use crate::action::Action;
use crate::bitfield::Bitfield;
use crate::context::Outbox;
use crate::ids::{ConnId, PeerId, PieceIndex};
use crate::limits::{MAX_REFUSED, REFUSAL};
use crate::rate::Rate;
use crate::time::{Duration, Instant};
use crate::window::Window;
use crate::wire::{Decoder, Features, Message};
use alloc::boxed::Box;
use alloc::collections::{BTreeSet, VecDeque};
use alloc::vec::Vec;
use bytes::Bytes;
use core::net::{IpAddr, SocketAddr};
use pending::Pending;

/// A peer that has completed the handshake.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) conn: ConnId,
    pub(crate) remote: SocketAddr,
    /// We dialled it, so `remote` is where it listens.
    pub(crate) outgoing: bool,
    pub(crate) peer_id: PeerId,
    /// What both sides can do.
    pub(crate) features: Features,
    /// What it calls itself (BEP 10 `v`). As it sent it.
    pub(crate) client: Option<Box<str>>,
    pub(crate) connected: Instant,
    pub(crate) decoder: Decoder,

    pub(crate) has: Bitfield,
    /// Which of our pieces it has been told of.
    pub(crate) told: Told,
    /// How many pieces it has that we miss: interest in one number.
    pub(crate) missing_here: u32,
    /// Whether a message has come that may not stand before a bitfield: an empty one, a port and extended ones
    /// may. From then on a bitfield only adds to what it has, and it can no longer say that it has all or none.
    pub(crate) introduced: bool,
    pub(crate) choking_us: bool,
    pub(crate) interesting: bool,
    pub(crate) choked: bool,
    pub(crate) interested: bool,
    /// When one side last wanted something of the other; without meaning while one does.
    pub(crate) last_interest: Instant,
    /// Pieces we may request while choked (BEP 6).
    pub(crate) allowed_fast: BTreeSet<PieceIndex>,
    /// Pieces of which it rejected a block while it let us download: not asked of it until it says anew that it
    /// has them, or until `refused_until`.
    pub(crate) refused: BTreeSet<PieceIndex>,
    /// Without meaning while nothing is refused.
    pub(crate) refused_until: Instant,
    /// Pieces it would like us to fetch (BEP 6), newest last.
    pub(crate) suggested: VecDeque<PieceIndex>,
    /// Pieces that we suggested to it and that it has not asked for yet.
    pub(crate) offered: Vec<PieceIndex>,

    pub(crate) requests: Requests,
    pub(crate) window: Window,
    pub(crate) serve: Serve,
    pub(crate) unchoked_at: Instant,
    /// Payload sent since it was last unchoked.
    pub(crate) sent_in_slot: u64,

    pub(crate) down: Rate,
    pub(crate) up: Rate,
    pub(crate) last_received: Instant,
    pub(crate) last_sent: Instant,

    pub(crate) unwanted_blocks: u32,
    /// How often it rejected requests since its last useful block, while it let us download. What had been asked
    /// before it did so for the last time does not count anew.
    pub(crate) rejections: u32,
    pub(crate) last_rejection: Option<Instant>,
    /// Rejects of what was not asked for.
    pub(crate) unasked_rejects: u32,

    /// Messages that wait to be sent as one.
    out: Pending,
}

impl Peer {
    pub(crate) fn new(now: Instant, opened: Opened, num_pieces: u32) -> Self {
        Self {
            conn: opened.conn,
            remote: opened.remote,
            outgoing: opened.outgoing,
            peer_id: opened.peer_id,
            features: opened.features,
            client: None,
            connected: now,
            decoder: Decoder::new(num_pieces, opened.features),
            has: Bitfield::new(num_pieces),
            told: Told::default(),
            missing_here: 0,
            introduced: false,
            choking_us: true,
            interesting: false,
            choked: true,
            interested: false,
            last_interest: now,
            allowed_fast: BTreeSet::new(),
            refused: BTreeSet::new(),
            refused_until: now,
            suggested: VecDeque::new(),
            offered: Vec::new(),
            requests: Requests::default(),
            window: Window::new(now, opened.round_trip),
            serve: Serve::default(),
            unchoked_at: now,
            sent_in_slot: 0,
            down: Rate::default(),
            up: Rate::default(),
            last_received: now,
            last_sent: now,
            unwanted_blocks: 0,
            rejections: 0,
            last_rejection: None,
            unasked_rejects: 0,
            out: Pending::default(),
        }
    }

    pub(crate) const fn addr(&self) -> IpAddr {
        self.remote.ip()
    }

    pub(crate) const fn is_seed(&self) -> bool {
        self.has.is_full()
    }

    /// Whether requests may be sent at all.
    pub(crate) fn may_request(&self) -> bool {
        self.interesting && (!self.choking_us || !self.allowed_fast.is_empty())
    }

    /// Whether it may download from us and has asked for something that it has not got. One that is choked and does not
    /// read what was sent before waits for nothing.
    pub(crate) fn waits_for_data(&self) -> bool {
        !self.choked && self.serve.is_busy()
    }

    /// It rejected a request that was sent at `asked`, although it lets us download (BEP 6).
    pub(crate) fn refuses(&mut self, now: Instant, piece: PieceIndex, asked: Instant) {
        if self.last_rejection.is_none_or(|last| asked >= last) {
            self.rejections += 1;
            self.last_rejection = Some(now);
        }
        if self.refused.is_empty() {
            self.refused_until = now + REFUSAL;
        }
        if self.refused.len() < MAX_REFUSED {
            self.refused.insert(piece);
        }
    }

    /// Queues a message. Many are sent together when the driver next asks for actions.
    pub(crate) fn send(&mut self, now: Instant, out: &mut Outbox, message: &Message) {
        if self.out.is_empty() {
            out.flush_later(self.conn);
        }
        message.encode(self.out.buffer());
        self.last_sent = now;
    }

    /// Queues a block (BEP 3 `piece`): its head joins the messages before it, its data goes as it is.
    pub(crate) fn send_block(&mut self, now: Instant, out: &mut Outbox, head: &[u8], data: Bytes) {
        self.out.buffer().extend_from_slice(head);
        self.flush(out);
        self.serve.sending(data.len());
        out.act(Action::Send { conn: self.conn, data });
        self.last_sent = now;
    }

    /// Bytes that wait for it to read them.
    pub(crate) fn backlog(&self) -> usize {
        self.out.len() + self.serve.unsent()
    }

    /// Hands over what waits.
    pub(crate) fn flush(&mut self, out: &mut Outbox) {
        if !self.out.is_empty() {
            self.serve.sending(self.out.len());
            out.act(Action::Send { conn: self.conn, data: self.out.take() });
        }
    }
}

/// How far a peer has been told what we have: it need not hear of what was verified before. Counts what was verified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Told(pub(crate) u64);

/// What the handshake brought to light.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opened {
    pub(crate) conn: ConnId,
    pub(crate) remote: SocketAddr,
    pub(crate) outgoing: bool,
    pub(crate) peer_id: PeerId,
    pub(crate) features: Features,
    /// How long the path there and back takes, if that is known.
    pub(crate) round_trip: Option<Duration>,
}
