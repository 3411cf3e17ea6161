//! One conversation of a scripted peer: what was said on it so far, and how bytes leave.

use crate::actor::Cx;
use crate::net::End;
use bytes::{Bytes, BytesMut};
use peerless_core::wire::{BlockRange, Decoder, Features, HandshakeDecoder, Message};
use peerless_core::{Bitfield, BlockId, Instant};
use std::collections::{BTreeSet, VecDeque};

/// Bytes of blocks that wait to leave, before no more are taken from the queue.
const MAX_UNSENT: usize = 128 << 10;

/// See the module.
#[derive(Debug)]
pub(super) struct Talk {
    pub(super) end: End,
    /// Our handshake has been sent.
    pub(super) greeted: bool,
    pub(super) handshake: HandshakeDecoder,
    /// There once their handshake has come.
    pub(super) decoder: Option<Decoder>,
    pub(super) features: Features,
    pub(super) theirs: Bitfield,
    pub(super) choking: bool,
    pub(super) choked: bool,
    pub(super) interested: bool,
    pub(super) interesting: bool,
    /// What they asked for and was not answered.
    pub(super) asked: VecDeque<BlockRange>,
    /// What was asked of them.
    pub(super) wanted: BTreeSet<BlockId>,
    /// Bytes of blocks that were sent.
    pub(super) given: u64,
    /// Nothing is sent any more.
    pub(super) stuck: bool,
    /// It is broken when all has left.
    pub(super) breaking: bool,
    /// When a choke turns into an unchoke and back.
    pub(super) flaps: Instant,
    /// What leaves slowly.
    slow: BytesMut,
    unsent: usize,
}

impl Talk {
    pub(super) fn new(end: End, num_pieces: u32) -> Self {
        Self {
            end,
            greeted: false,
            handshake: HandshakeDecoder::new(),
            decoder: None,
            features: Features::default(),
            theirs: Bitfield::new(num_pieces),
            choking: true,
            choked: true,
            interested: false,
            interesting: false,
            asked: VecDeque::new(),
            wanted: BTreeSet::new(),
            given: 0,
            stuck: false,
            breaking: false,
            flaps: Instant::ZERO,
            slow: BytesMut::new(),
            unsent: 0,
        }
    }

    /// Both have shaken hands.
    pub(super) const fn is_open(&self) -> bool {
        self.greeted && self.decoder.is_some()
    }

    /// Sends bytes, or keeps them for [`drip`](Self::drip) where they leave slowly.
    pub(super) fn send(&mut self, cx: &mut Cx<'_>, slowly: bool, data: Bytes) {
        if self.stuck {
            return;
        }
        if slowly || !self.slow.is_empty() {
            self.slow.extend_from_slice(&data);
            return;
        }
        self.unsent += data.len();
        cx.send(self.end, data);
    }

    /// Sends so much of what leaves slowly. Whether some of it has to wait.
    pub(super) fn drip(&mut self, cx: &mut Cx<'_>, bytes: usize) -> bool {
        let now = self.slow.split_to(bytes.min(self.slow.len())).freeze();
        if !now.is_empty() && !self.stuck {
            self.unsent += now.len();
            cx.send(self.end, now);
        }
        !self.slow.is_empty()
    }

    pub(super) fn say(&mut self, cx: &mut Cx<'_>, slowly: bool, message: &Message) {
        let mut out = BytesMut::new();
        message.encode(&mut out);
        self.send(cx, slowly, out.freeze());
    }

    /// Bytes have left. Whether all have.
    pub(super) const fn left(&mut self, bytes: usize) -> bool {
        self.unsent = self.unsent.saturating_sub(bytes);
        self.unsent == 0
    }

    /// Whether another block may be sent.
    pub(super) fn has_room(&self) -> bool {
        !self.stuck && !self.breaking && self.unsent + self.slow.len() < MAX_UNSENT
    }
}
