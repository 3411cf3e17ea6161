//! Whose turn it is: what the choker remembers of each peer, so that all are served and no slot is wasted.

use super::Candidate;
use crate::ids::ConnId;
use crate::time::{Duration, Instant};
use alloc::collections::BTreeMap;
use core::cmp::Reverse;

/// A turn is over after so many bytes, once others wait: with less, TCP gets no speed and no piece completes.
const TURN_BYTES: u64 = 20 << 20;
/// A turn is over after so long, once others wait.
const TURN_TIME: Duration = Duration::from_secs(60);
/// A peer that took nothing for so long does not need its slot.
const IDLE: Duration = Duration::from_secs(60);

/// What is remembered of the connected peers.
#[derive(Debug)]
pub(super) struct Turns {
    peers: BTreeMap<ConnId, Memory>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Memory {
    /// When its last turn ended.
    served: Instant,
    /// What it had been sent in this turn when that last grew, and when that was.
    sent: u64,
    took: Instant,
    /// How long it waited for the optimistic slot, in weighted rotations.
    credit: u32,
}

/// A peer's place in the line for a slot; the least comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// In the middle of its turn.
    Served(Reverse<u64>, ConnId),
    /// Waiting since then.
    Waiting(Instant, ConnId),
    /// Its turn is over. Of those, the fast ones stay longer: they spread what they get.
    Over(Reverse<u64>, ConnId),
    /// It has a slot and does not use it.
    Idle(ConnId),
}

impl Turns {
    pub(super) const fn new() -> Self {
        Self { peers: BTreeMap::new() }
    }

    /// Takes note of who is there and who took something; forgets who left.
    pub(super) fn observe(&mut self, now: Instant, peers: &[Candidate]) {
        let before = core::mem::take(&mut self.peers);
        for peer in peers {
            let mut memory = before.get(&peer.conn).copied().unwrap_or_default();
            // Who is not interested is not idle either.
            if peer.unchoked && (peer.sent_in_slot != memory.sent || !peer.interested) {
                memory.sent = peer.sent_in_slot;
                memory.took = now;
            }
            self.peers.insert(peer.conn, memory);
        }
    }

    /// These lose their slots now.
    pub(super) fn ended<'a>(&mut self, now: Instant, peers: impl Iterator<Item = &'a Candidate>) {
        for peer in peers {
            if let Some(memory) = self.peers.get_mut(&peer.conn) {
                memory.served = now;
                memory.sent = 0;
            }
        }
    }

    /// Whether it has held a slot for long and taken nothing.
    pub(super) fn is_idle(&self, now: Instant, peer: &Candidate) -> bool {
        let took = self.memory(peer.conn).took.max(peer.unchoked_at);
        peer.unchoked && now.since(took) >= IDLE
    }

    /// Where it stands in the line for a slot.
    pub(super) fn standing(&self, now: Instant, peer: &Candidate) -> Standing {
        if !peer.unchoked {
            return Standing::Waiting(self.memory(peer.conn).served.max(peer.connected), peer.conn);
        }
        if self.is_idle(now, peer) {
            return Standing::Idle(peer.conn);
        }
        let over = peer.sent_in_slot >= TURN_BYTES || now.since(peer.unchoked_at) >= TURN_TIME;
        let speed = Reverse(peer.up_rate);
        if over { Standing::Over(speed, peer.conn) } else { Standing::Served(speed, peer.conn) }
    }

    /// It waited one more rotation for the optimistic slot, which counts `weight`; its credit by now.
    pub(super) fn waited(&mut self, conn: ConnId, weight: u32) -> u32 {
        let memory = self.peers.entry(conn).or_default();
        memory.credit = memory.credit.saturating_add(weight);
        memory.credit
    }

    /// It got the optimistic slot.
    pub(super) fn won(&mut self, conn: ConnId) {
        self.peers.entry(conn).or_default().credit = 0;
    }

    fn memory(&self, conn: ConnId) -> Memory {
        self.peers.get(&conn).copied().unwrap_or_default()
    }
}
