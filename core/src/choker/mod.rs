//! Who may download from us: tit for tat while we download, turns for all while we seed.

mod slots;
#[cfg(test)]
mod tests;
mod turns;

use crate::config::UploadSlots;
use crate::ids::ConnId;
use crate::time::{Duration, Instant};
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::cmp::Reverse;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng as _;
pub(crate) use slots::LOOK;
use slots::Slots;
use turns::Turns;

/// Time between two decisions (BEP 3): shorter, and TCP would not get up to speed.
const ROUND: Duration = Duration::from_secs(10);
/// How long the optimistic slot stays with one peer (BEP 3): time enough to be repaid.
const ROTATION: Duration = Duration::from_secs(30);
/// A peer is new for so long. It has nothing to trade yet.
const NEW: Duration = Duration::from_secs(60);
/// What a new peer's wait for the optimistic slot counts, against 1 for others (BEP 3).
const NEW_WEIGHT: u32 = 3;

/// What the choker has to know of a connected peer.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    /// The connection.
    pub(crate) conn: ConnId,
    /// It wants something that we have.
    pub(crate) interested: bool,
    /// It may download from us now.
    pub(crate) unchoked: bool,
    /// Bytes a second from it to us.
    pub(crate) down_rate: u64,
    /// Bytes a second from us to it.
    pub(crate) up_rate: u64,
    /// It does not answer our requests.
    pub(crate) snubbed: bool,
    /// Since when it is connected.
    pub(crate) connected: Instant,
    /// Bytes that we gave it since it was unchoked.
    pub(crate) sent_in_slot: u64,
    /// When it was unchoked; without meaning while it is choked.
    pub(crate) unchoked_at: Instant,
}

/// Deals out the unchoke slots of one torrent.
#[derive(Debug)]
pub(crate) struct Choker {
    slots: Slots,
    rng: ChaCha8Rng,
    next_round: Instant,
    optimistic: Option<ConnId>,
    next_rotation: Instant,
    turns: Turns,
}

impl Choker {
    /// A choker with so many unchoke slots, the optimistic one included.
    pub(crate) const fn new(slots: UploadSlots, rng: ChaCha8Rng) -> Self {
        Self {
            slots: Slots::new(slots),
            rng,
            next_round: Instant::ZERO,
            optimistic: None,
            next_rotation: Instant::ZERO,
            turns: Turns::new(),
        }
    }

    /// Exactly who should be unchoked now, in the order of their connections. `peers` are all connected ones,
    /// in any order. Only interested ones get a slot; who loses interest keeps it until somebody needs it.
    ///
    /// While we download, all slots but one go to the peers that give us most, if they give at all. One is
    /// optimistic. What is left is dealt out in turns, as are all slots while we seed. A call before
    /// [`next_round`](Self::next_round) takes no slot from an interested peer: it only fills free ones.
    pub(crate) fn round(&mut self, now: Instant, seeding: bool, peers: &[Candidate]) -> Vec<ConnId> {
        self.turns.observe(now, peers);
        let mut wanting: Vec<_> = peers.iter().filter(|peer| peer.interested).collect();
        wanting.sort_unstable_by_key(|peer| peer.conn);

        let mut chosen = BTreeSet::new();
        let early = now < self.next_round;
        if early {
            chosen.extend(
                wanting.iter().filter(|peer| peer.unchoked).map(|peer| peer.conn).take(self.slots.count()),
            );
        } else {
            self.next_round = now + ROUND;
        }
        if seeding {
            self.optimistic = None;
        } else {
            self.reciprocate(now, &wanting, &mut chosen);
            if !early {
                self.be_optimistic(now, &wanting, &mut chosen);
            }
        }
        self.fill(now, seeding, peers, &mut chosen);
        self.turns.ended(now, peers.iter().filter(|peer| peer.unchoked && !chosen.contains(&peer.conn)));
        chosen.into_iter().collect()
    }

    /// Looks at the line, and opens or closes slots by what it sees: see [`Slots::look`].
    pub(crate) fn look(&mut self, now: Instant, rate: u64, idle: u32, wanted: bool) {
        self.slots.look(now, rate, idle, wanted);
    }

    /// When the slots are dealt out anew. Only worth a wake-up while somebody is interested.
    pub(crate) const fn next_round(&self) -> Instant {
        self.next_round
    }

    /// Whether a peer that has just become interested may be unchoked at once, with so many interested peers
    /// unchoked already. Calling [`round`](Self::round) at once does the same.
    pub(crate) const fn may_unchoke_now(&self, unchoked_interested: usize) -> bool {
        unchoked_interested < self.slots.count()
    }

    /// Tit for tat: the regular slots go to those that give us most.
    fn reciprocate(&self, now: Instant, wanting: &[&Candidate], chosen: &mut BTreeSet<ConnId>) {
        let free = self.slots.count().saturating_sub(1).saturating_sub(chosen.len());
        let mut givers: Vec<_> = wanting
            .iter()
            .filter(|peer| peer.down_rate > 0 && !peer.snubbed)
            .filter(|peer| !chosen.contains(&peer.conn) && !self.turns.is_idle(now, peer))
            .collect();
        givers.sort_unstable_by_key(|peer| (Reverse(peer.down_rate), !peer.unchoked, peer.conn));
        chosen.extend(givers.iter().map(|peer| peer.conn).take(free));
    }

    /// One slot for a peer that did not earn it: perhaps it gives more than those that did, once it can.
    fn be_optimistic(&mut self, now: Instant, wanting: &[&Candidate], chosen: &mut BTreeSet<ConnId>) {
        if chosen.len() >= self.slots.count() {
            return;
        }
        let pool: Vec<_> = wanting.iter().copied().filter(|peer| !chosen.contains(&peer.conn)).collect();
        let held = pool.iter().any(|peer| {
            Some(peer.conn) == self.optimistic && !(someone_waits(&pool) && self.turns.is_idle(now, peer))
        });
        if !held || now >= self.next_rotation {
            self.optimistic = self.rotate(now, &pool);
            self.next_rotation = now + ROTATION;
        }
        chosen.extend(self.optimistic);
    }

    /// The next holder of the optimistic slot: whoever waited longest, where a new peer's wait counts more.
    fn rotate(&mut self, now: Instant, pool: &[&Candidate]) -> Option<ConnId> {
        let all = !someone_waits(pool);
        let mut best = None;
        for peer in pool.iter().filter(|peer| all || !peer.unchoked) {
            let weight = if now.since(peer.connected) < NEW { NEW_WEIGHT } else { 1 };
            let credit = self.turns.waited(peer.conn, weight);
            best = best.max(Some((credit, self.rng.next_u64(), peer.conn)));
        }
        let (_, _, winner) = best?;
        self.turns.won(winner);
        Some(winner)
    }

    /// Deals out what slots are left, in turns. Who snubs us gets no more than the optimistic slot.
    fn fill(&self, now: Instant, seeding: bool, peers: &[Candidate], chosen: &mut BTreeSet<ConnId>) {
        let free = self.slots.count().saturating_sub(chosen.len());
        let mut others: Vec<_> = peers
            .iter()
            .filter(|peer| peer.interested || peer.unchoked)
            .filter(|peer| !chosen.contains(&peer.conn) && (seeding || !peer.snubbed))
            .collect();
        others.sort_by_cached_key(|peer| (!peer.interested, self.turns.standing(now, peer)));
        chosen.extend(others.iter().map(|peer| peer.conn).take(free));
    }
}

fn someone_waits(pool: &[&Candidate]) -> bool {
    pool.iter().any(|peer| !peer.unchoked)
}
