//! Who gets an unchoke slot, told over many rounds.

use super::*;
use proptest::prelude::*;
use rand_chacha::rand_core::SeedableRng;
use std::collections::BTreeMap;
use std::vec;

const START: Instant = Instant::from_secs(1_000);
const MIB: u64 = 1 << 20;

/// A swarm around us: it applies what the choker decides, and each peer takes and gives at its rate.
struct Swarm {
    choker: Choker,
    now: Instant,
    seeding: bool,
    peers: Vec<Candidate>,
    /// Seconds that each peer was unchoked.
    served: BTreeMap<ConnId, u64>,
}

impl Swarm {
    fn new(slots: usize, seeding: bool) -> Self {
        let choker = Choker::new(UploadSlots::Fixed(slots), ChaCha8Rng::from_seed([3; 32]));
        Self { choker, now: START, seeding, peers: Vec::new(), served: BTreeMap::new() }
    }

    /// A peer that gives us `down` and takes `up` bytes a second when it may.
    fn join(&mut self, down: u64, up: u64) -> ConnId {
        let conn = ConnId::outgoing(self.peers.len() as u64);
        self.peers.push(Candidate {
            conn,
            interested: true,
            unchoked: false,
            down_rate: down,
            up_rate: up,
            snubbed: false,
            connected: self.now,
            sent_in_slot: 0,
            unchoked_at: Instant::ZERO,
        });
        conn
    }

    fn peer(&mut self, conn: ConnId) -> &mut Candidate {
        self.peers.iter_mut().find(|peer| peer.conn == conn).unwrap()
    }

    /// Calls the choker at once, and does as it says.
    fn round(&mut self) -> Vec<ConnId> {
        let chosen = self.choker.round(self.now, self.seeding, &self.peers);
        for peer in &mut self.peers {
            let unchoke = chosen.contains(&peer.conn);
            if unchoke && !peer.unchoked {
                peer.unchoked_at = self.now;
                peer.sent_in_slot = 0;
            }
            peer.unchoked = unchoke;
        }
        chosen
    }

    /// `rounds` rounds at their times, from now on; who was unchoked in each.
    fn run(&mut self, rounds: usize) -> Vec<Vec<ConnId>> {
        (0..rounds)
            .map(|_| {
                let chosen = self.round();
                let pause = self.choker.next_round().since(self.now);
                assert_eq!(pause, Duration::from_secs(10));
                self.now = self.now + pause;
                for peer in self.peers.iter_mut().filter(|peer| peer.unchoked) {
                    peer.sent_in_slot += peer.up_rate * pause.as_secs();
                    *self.served.entry(peer.conn).or_default() += pause.as_secs();
                }
                chosen
            })
            .collect()
    }

    fn served(&self, conn: ConnId) -> u64 {
        self.served.get(&conn).copied().unwrap_or_default()
    }
}

#[test]
fn those_that_give_most_hold_the_regular_slots() {
    let mut swarm = Swarm::new(4, false);
    let conns: Vec<_> = (0..10).map(|n| swarm.join(n * 1_000, 1_000)).collect();
    for chosen in swarm.run(30) {
        assert_eq!(chosen.len(), 4);
        assert!(conns[7..].iter().all(|best| chosen.contains(best)));
    }
}

#[test]
fn the_optimistic_slot_goes_round_every_thirty_seconds() {
    let mut swarm = Swarm::new(2, false);
    let best = swarm.join(1_000, 1_000);
    let others: Vec<_> = (0..5).map(|_| swarm.join(0, 1_000)).collect();
    let rounds = swarm.run(15);
    let optimistic: Vec<_> =
        rounds.iter().map(|chosen| *chosen.iter().find(|conn| **conn != best).unwrap()).collect();
    for turn in optimistic.chunks(3) {
        assert!(turn.iter().all(|conn| *conn == turn[0]));
    }
    let all: BTreeSet<_> = optimistic.into_iter().collect();
    assert_eq!(all, others.into_iter().collect());
}

#[test]
fn a_newcomer_to_the_line_does_not_wait_for_what_others_waited_before() {
    let mut swarm = Swarm::new(2, false);
    swarm.join(9_000, 1_000);
    for _ in 0..4 {
        swarm.join(0, 1_000);
    }
    swarm.run(600);
    let late = swarm.join(0, 1_000);
    // Five share the optimistic slot now, three rounds each.
    swarm.run(15);
    assert!(swarm.served(late) > 0);
}

#[test]
fn of_two_that_give_the_same_the_one_that_has_the_slot_keeps_it() {
    let mut swarm = Swarm::new(2, false);
    let (other, holder) = (swarm.join(1_000, 1_000), swarm.join(1_000, 1_000));
    swarm.peer(other).interested = false;
    let third = swarm.join(0, 1_000);
    assert_eq!(swarm.run(1), [[holder, third]]);
    swarm.peer(other).interested = true;
    assert!(swarm.run(2).iter().all(|chosen| chosen.contains(&holder)));
}

#[test]
fn a_peer_that_repays_the_optimistic_slot_keeps_a_regular_one() {
    let mut swarm = Swarm::new(2, false);
    let slow = swarm.join(10, 1_000);
    let newcomer = swarm.join(0, 1_000);
    assert_eq!(swarm.run(1), [[slow, newcomer]]);
    swarm.peer(newcomer).down_rate = 5_000;
    let third = swarm.join(0, 1_000);
    let rounds = swarm.run(6);
    assert!(rounds.iter().all(|chosen| chosen.contains(&newcomer)));
    assert!(rounds.iter().any(|chosen| chosen.contains(&slow)));
    assert!(rounds.iter().any(|chosen| chosen.contains(&third)));
}

#[test]
fn a_new_peer_is_tried_before_one_that_has_been_here_for_long() {
    let mut won = 0;
    for seed in 0..20 {
        let mut swarm = Swarm::new(2, false);
        swarm.choker = Choker::new(UploadSlots::Fixed(2), ChaCha8Rng::from_seed([seed; 32]));
        swarm.join(1_000, 1_000);
        for _ in 0..3 {
            swarm.join(0, 1_000);
        }
        swarm.now = swarm.now + Duration::from_secs(600);
        let newcomer = swarm.join(0, 1_000);
        won += usize::from(swarm.round().contains(&newcomer));
    }
    assert_eq!(won, 20);
}

#[test]
fn a_peer_that_snubs_us_gets_no_more_than_the_optimistic_slot() {
    let mut swarm = Swarm::new(4, false);
    let snubs: Vec<_> = (0..3).map(|_| swarm.join(50_000, 1_000)).collect();
    for conn in &snubs {
        swarm.peer(*conn).snubbed = true;
    }
    let fair = swarm.join(10, 1_000);
    let rounds = swarm.run(30);
    for chosen in &rounds {
        assert!(chosen.contains(&fair));
        assert!(snubs.iter().filter(|conn| chosen.contains(conn)).count() <= 1);
    }
    assert!(snubs.iter().all(|conn| swarm.served(*conn) > 0));
}

#[test]
fn slots_that_nobody_earned_are_not_left_empty() {
    let mut swarm = Swarm::new(4, false);
    let giver = swarm.join(1_000, 1_000);
    let takers: Vec<_> = (0..6).map(|_| swarm.join(0, 1_000)).collect();
    for chosen in swarm.run(60) {
        assert!(chosen.contains(&giver) && chosen.len() == 4);
    }
    assert!(takers.iter().all(|conn| swarm.served(*conn) > 0));
}

#[test]
fn an_interested_peer_gets_a_free_slot_between_two_rounds() {
    let mut swarm = Swarm::new(2, false);
    let first = swarm.join(0, 1_000);
    assert!(swarm.choker.may_unchoke_now(0));
    assert_eq!(swarm.round(), [first]);
    swarm.now = swarm.now + Duration::from_secs(1);
    let second = swarm.join(0, 1_000);
    assert!(swarm.choker.may_unchoke_now(1));
    assert_eq!(swarm.round(), [first, second]);
    let third = swarm.join(9_000, 1_000);
    assert!(!swarm.choker.may_unchoke_now(2));
    assert_eq!(swarm.round(), [first, second], "no slot is taken away between two rounds");
    swarm.peer(first).interested = false;
    assert_eq!(swarm.round(), [second, third]);
}

#[test]
fn who_loses_interest_keeps_the_slot_only_until_somebody_needs_it() {
    for seeding in [false, true] {
        let mut swarm = Swarm::new(1, seeding);
        let first = swarm.join(9_000, 1_000);
        assert_eq!(swarm.run(1), [[first]]);
        swarm.peer(first).interested = false;
        assert_eq!(swarm.run(20), vec![[first]; 20]);
        let second = swarm.join(0, 1_000);
        assert!(swarm.choker.may_unchoke_now(0));
        assert_eq!(swarm.round(), [second]);
    }
}

#[test]
fn who_was_never_interested_is_never_unchoked() {
    let mut swarm = Swarm::new(4, false);
    let conn = swarm.join(9_000, 1_000);
    swarm.peer(conn).interested = false;
    assert_eq!(swarm.run(2), [[], []]);
}

#[test]
fn interest_that_comes_back_is_not_taken_for_idleness() {
    let mut swarm = Swarm::new(2, false);
    let giver = swarm.join(9_000, 0);
    swarm.run(1);
    swarm.peer(giver).interested = false;
    swarm.run(30);
    for _ in 0..3 {
        swarm.join(10, 1_000);
    }
    swarm.peer(giver).interested = true;
    assert!(swarm.run(2).iter().all(|chosen| chosen.contains(&giver)));
}

#[test]
fn a_slot_that_is_not_used_is_given_up_when_others_wait() {
    for seeding in [false, true] {
        let mut swarm = Swarm::new(2, seeding);
        // It gives well and takes nothing.
        let idle = swarm.join(9_000, 0);
        let other = swarm.join(5_000, 100);
        let rounds = swarm.run(20);
        assert!(rounds.iter().all(|chosen| *chosen == [idle, other]), "nobody waits");
        let waiting = [swarm.join(1_000, 100), swarm.join(1_000, 100)];
        let rounds = swarm.run(2);
        assert!(!rounds[0].contains(&idle) && waiting.iter().any(|conn| rounds[0].contains(conn)));
    }
}

#[test]
fn a_peer_that_takes_something_now_and_then_is_not_idle() {
    let mut swarm = Swarm::new(2, false);
    let trickle = swarm.join(9_000, 0);
    for _ in 0..3 {
        swarm.join(10, 100);
    }
    for _ in 0..10 {
        assert!(swarm.run(5).iter().all(|chosen| chosen.contains(&trickle)));
        swarm.peer(trickle).sent_in_slot += 16_384;
    }
}

#[test]
fn a_seed_serves_in_turns_of_a_minute_or_twenty_mebibytes() {
    let mut swarm = Swarm::new(1, true);
    let (slow, fast) = (swarm.join(0, 1_000), swarm.join(0, 5 * MIB));
    let order: Vec<_> = swarm.run(14).into_iter().map(|chosen| chosen[0]).collect();
    let turn = [slow, slow, slow, slow, slow, slow, fast];
    assert_eq!(order, [turn, turn].concat());
}

#[test]
fn a_seed_leaves_the_slot_with_a_peer_while_nobody_waits() {
    let mut swarm = Swarm::new(2, true);
    let (a, b) = (swarm.join(0, MIB), swarm.join(0, 1_000));
    assert!(swarm.run(50).iter().all(|chosen| *chosen == [a, b]));
}

#[test]
fn of_those_that_had_their_turn_a_seed_keeps_the_fast_ones() {
    let mut swarm = Swarm::new(3, true);
    let conns: Vec<_> = [4 * MIB, MIB, 2 * MIB].map(|up| swarm.join(0, up)).into();
    swarm.run(10);
    let newcomer = swarm.join(0, MIB);
    assert_eq!(swarm.run(1), [[conns[0], conns[2], newcomer]]);
}

#[test]
fn leaving_and_coming_back_does_not_jump_the_line() {
    let mut swarm = Swarm::new(1, true);
    swarm.join(0, 1_000);
    swarm.run(1);
    let patient = swarm.join(0, 1_000);
    swarm.run(3);
    swarm.join(0, 1_000);
    assert_eq!(swarm.run(3).last(), Some(&[patient].to_vec()));
}

#[test]
fn no_slots_means_nobody() {
    for seeding in [false, true] {
        let mut swarm = Swarm::new(0, seeding);
        swarm.join(1_000, 1_000);
        assert_eq!(swarm.run(2), [[], []]);
        assert!(!swarm.choker.may_unchoke_now(0));
    }
}

#[test]
fn a_laptop_that_slept_wakes_to_one_round() {
    let mut swarm = Swarm::new(1, true);
    swarm.join(0, 1_000);
    swarm.run(1);
    swarm.now = swarm.now + Duration::from_secs(36_000);
    swarm.run(1);
}

/// What it gives and takes; whether it is interested, unchoked, snubbing.
type AnyPeer = (u64, u64, bool, bool, bool);

fn any_peer() -> impl Strategy<Value = AnyPeer> {
    (0..3u64, 0..3u64, any::<bool>(), any::<bool>(), any::<bool>())
}

fn candidate((n, (down, up, interested, unchoked, snubbed)): (usize, AnyPeer)) -> Candidate {
    Candidate {
        conn: ConnId::outgoing(n as u64),
        interested,
        unchoked,
        down_rate: down * 1_000,
        up_rate: up * 1_000,
        snubbed,
        connected: START,
        sent_in_slot: up * 30 * MIB,
        unchoked_at: START,
    }
}

proptest! {
    #[test]
    fn never_more_than_the_slots_and_never_an_uninterested_peer(
        slots in 0..6usize,
        rounds in proptest::collection::vec(
            (any::<bool>(), 0..20u64, proptest::collection::vec(any_peer(), 0..12)), 1..20),
    ) {
        let mut choker = Choker::new(UploadSlots::Fixed(slots), ChaCha8Rng::from_seed([5; 32]));
        let mut now = START;
        for (seeding, pause, peers) in rounds {
            let peers: Vec<_> = peers.into_iter().enumerate().map(candidate).collect();
            let chosen = choker.round(now, seeding, &peers);
            let wanting = peers.iter().filter(|peer| peer.interested);
            prop_assert!(chosen.is_sorted() && chosen.len() <= slots);
            let may_stay = |conn| peers.iter().any(|p| p.conn == conn && (p.interested || p.unchoked));
            prop_assert!(chosen.iter().all(|conn| may_stay(*conn)));
            // Who is not interested never holds a slot that somebody interested is entitled to.
            let wants = |conn| wanting.clone().any(|peer| peer.conn == conn);
            let wasted = chosen.iter().any(|conn| !wants(*conn));
            let left_out = wanting.clone().any(|p| (seeding || !p.snubbed) && !chosen.contains(&p.conn));
            prop_assert!(!(wasted && left_out));
            // A slot stays free only when nobody may have it.
            let entitled = wanting.filter(|peer| seeding || !peer.snubbed).count();
            prop_assert!(chosen.len() >= entitled.min(slots));
            now = now + Duration::from_secs(pause);
        }
    }

    #[test]
    fn the_order_of_the_peers_does_not_matter(
        downs in proptest::collection::vec(0..5u64, 0..12),
        seeding in any::<bool>(),
    ) {
        let mut forth = Swarm::new(3, seeding);
        let mut back = Swarm::new(3, seeding);
        for down in downs {
            forth.join(down, 1_000);
            back.join(down, 1_000);
        }
        back.peers.reverse();
        prop_assert_eq!(forth.run(12), back.run(12));
    }

    #[test]
    fn nobody_starves(
        slots in 2..5usize,
        seeding in any::<bool>(),
        peers in proptest::collection::vec((0..4u64, 0..4u64, any::<bool>()), 1..14),
    ) {
        let mut swarm = Swarm::new(slots, seeding);
        for (down, up, snubbed) in peers {
            let conn = swarm.join(down * 10_000, up * MIB);
            swarm.peer(conn).snubbed = snubbed;
        }
        // Every peer is served at least once in each stretch of a turn, at most a minute, for every other.
        let stretch = (swarm.peers.len() + 8) * 6;
        for _ in 0..3 {
            swarm.served.clear();
            swarm.run(stretch);
            for peer in &swarm.peers {
                prop_assert!(swarm.served(peer.conn) > 0, "{:?} of {:#?}", peer.conn, swarm.peers);
            }
        }
    }
}
