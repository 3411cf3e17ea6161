//! Which addresses are dialled, when again, and which never.

use super::*;
use proptest::prelude::*;
use rand_chacha::rand_core::SeedableRng;
use std::collections::BTreeSet as Set;

const START: Instant = Instant::from_secs(100);

fn list() -> PeerList {
    PeerList::new(ChaCha8Rng::from_seed([7; 32]), 2)
}

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// The `n`-th of many addresses.
fn nth(n: u32) -> SocketAddr {
    let [_, a, b, c] = n.to_be_bytes();
    SocketAddr::from(([10, a, b, c], 6881))
}

fn after(secs: u64) -> Instant {
    START + Duration::from_secs(secs)
}

/// Lets `addr`, the only one in the list, be dialled and fail at `now`; how long it then waits.
fn fail(list: &mut PeerList, now: Instant) -> Option<Duration> {
    let addr = list.next(now).unwrap();
    list.ended(now, addr, Outcome::Failed);
    list.next_deadline().map(|at| at.since(now))
}

#[test]
fn an_address_is_handed_out_once_until_its_connection_ends() {
    let mut list = list();
    assert!(list.add(START, addr("10.0.0.1:6881"), Source::Tracker));
    assert!(!list.add(START, addr("[::ffff:10.0.0.1]:6881"), Source::Tracker));
    assert!(list.has_ready(START));
    assert_eq!(list.next(START), Some(addr("10.0.0.1:6881")));
    assert!(!list.has_ready(START));
    assert!(!list.add(START, addr("10.0.0.1:6881"), Source::Tracker));
    assert_eq!(list.next(after(10_000)), None);

    list.connected(addr("10.0.0.1:6881"));
    list.ended(START, addr("10.0.0.1:6881"), Outcome::Useful);
    assert_eq!((list.known(), list.backing_off(START)), (1, 1));
    assert_eq!(list.next(after(2)), None);
    let ready = list.next_deadline().unwrap();
    assert!(ready > after(2) && ready < after(5));
    assert!(list.has_ready(ready));
    assert_eq!(list.next(ready), Some(addr("10.0.0.1:6881")));
    assert_eq!(list.backing_off(ready), 0);
}

/// Dials so many addresses that do not answer, and gives them.
fn dial(list: &mut PeerList, count: usize) -> Vec<SocketAddr> {
    let mut dialled = Vec::new();
    while dialled.len() < count {
        let addr = list.next(START).unwrap();
        list.ended(START, addr, Outcome::Failed);
        dialled.push(addr);
    }
    dialled
}

#[test]
fn a_tracker_that_names_thousands_does_not_hide_those_of_another() {
    let mut list = list();
    let [flood, few] = [0, 1].map(TrackerKey::nth);
    let named = |range: core::ops::Range<u32>| range.map(nth).collect::<Vec<_>>();
    list.add_all(START, flood, &named(1_000..1_500));
    dial(&mut list, 50);
    list.add_all(START, flood, &named(2_000..2_500));
    list.add_all(START, few, &named(0..5));
    let dialled = dial(&mut list, 10);
    assert!(named(0..5).iter().all(|addr| dialled.contains(addr)), "{dialled:?}");
    // What it names next does not come before those that it named already.
    list.add_all(START, few, &named(5..6));
    assert!(dial(&mut list, 2).contains(&nth(5)));
    assert!(dial(&mut list, 300).iter().all(|addr| (1_000..1_500).any(|n| nth(n) == *addr)));
}

#[test]
fn somebody_who_answered_once_comes_before_thousands_who_never_did() {
    let mut list = list();
    list.add(START, nth(1), Source::Tracker);
    list.next(START);
    list.connected(nth(1));
    list.ended(START, nth(1), Outcome::Failed);
    for n in 2..limits::MAX_KNOWN_PEERS as u32 + 100 {
        list.add(START, nth(n), Source::Tracker);
    }
    assert_eq!(list.next(after(100)), Some(nth(1)));
    // But for those who broke the protocol.
    list.connected(nth(1));
    list.ended(START, nth(1), Outcome::Misbehaved);
    assert_ne!(list.next(after(10_000)), Some(nth(1)));
}

#[test]
fn addresses_of_which_none_is_of_use_are_told() {
    let mut list = list();
    for n in 0..100 {
        list.add(START, nth(n), Source::Tracker);
    }
    dial(&mut list, 9);
    assert!(!list.is_barren());
    dial(&mut list, 1);
    assert!(list.is_barren());
    list.add(START, nth(0), Source::Tracker);
    assert!(list.is_barren(), "that is nobody new");
    list.add(START, nth(100), Source::Tracker);
    assert!(!list.is_barren());
    dial(&mut list, 10);
    let addr = list.next(START).unwrap();
    list.connected(addr);
    assert!(!list.is_barren(), "somebody is there");
    dial(&mut list, 10);
    assert!(list.is_barren());
    list.ended(START, addr, Outcome::Useful);
    assert!(!list.is_barren());
}

#[test]
fn seeds_that_had_nothing_to_exchange_are_dialled_at_once_when_something_is_lost() {
    let mut list = list();
    for (n, outcome) in [(1, Outcome::Complete), (2, Outcome::Useless), (3, Outcome::Complete)] {
        list.add(START, nth(n), Source::Tracker);
        assert_eq!(list.next(START), Some(nth(n)));
        list.connected(nth(n));
        list.ended(START, nth(n), outcome);
    }
    assert_eq!(list.next(after(599)), None);
    list.want_seeds();
    let mut dialled = [list.next(START).unwrap(), list.next(START).unwrap()];
    dialled.sort_unstable();
    assert_eq!((dialled, list.next(START)), ([nth(1), nth(3)], None));
    // What they are found to be now is what counts.
    list.ended(START, nth(1), Outcome::Useful);
    list.ended(START, nth(3), Outcome::Failed);
    list.want_seeds();
    assert_eq!(list.next(START), None);
}

#[test]
fn a_peer_that_cannot_be_reached_is_tried_ever_later_and_then_forgotten() {
    let mut list = list();
    list.add(START, nth(1), Source::Tracker);
    let mut now = START;
    for least in [10, 20, 40, 80, 160] {
        let rest = fail(&mut list, now).unwrap();
        let least = Duration::from_secs(least);
        assert!(rest >= least && rest < least * 5 / 4, "{rest:?} after {least:?}");
        now = now + rest;
    }
    assert_eq!(fail(&mut list, now), None);
    assert_eq!(list.known(), 0);
}

#[test]
fn an_address_is_not_to_blame_for_our_own_want() {
    let mut list = list();
    list.add(START, nth(1), Source::Tracker);
    let mut now = START;
    for _ in 0..50 {
        list.next(now).unwrap();
        list.ended(now, nth(1), Outcome::Untried);
        let next = list.next_deadline().unwrap();
        assert!(next.since(now) < Duration::from_secs(2));
        now = next;
    }
    let first_rest = fail(&mut list, now).unwrap();
    assert!(first_rest < Duration::from_secs(13), "{first_rest:?}");
}

#[test]
fn a_handshake_forgives_the_failures_before_it() {
    let mut list = list();
    list.add(START, nth(1), Source::Tracker);
    let mut now = START;
    for _ in 0..5 {
        now = now + fail(&mut list, now).unwrap();
    }
    list.next(now);
    list.connected(nth(1));
    list.ended(now, nth(1), Outcome::Useful);
    now = list.next_deadline().unwrap();
    assert!(fail(&mut list, now).unwrap() < Duration::from_secs(13));
}

#[test]
fn a_peer_that_shakes_hands_and_closes_is_not_pestered() {
    let mut list = list();
    list.add(START, nth(1), Source::Tracker);
    let mut now = START;
    for least in [10, 20, 40, 80, 160, 320, 640, 1_280, 1_800, 1_800] {
        list.next(now).unwrap();
        list.connected(nth(1));
        list.ended(now, nth(1), Outcome::Failed);
        let rest = list.next_deadline().unwrap().since(now);
        let least = Duration::from_secs(least);
        assert!(rest >= least && rest < least * 5 / 4, "{rest:?} after {least:?}");
        now = now + rest;
    }
    // One day it has room for us.
    list.next(now).unwrap();
    list.connected(nth(1));
    list.ended(now, nth(1), Outcome::Useful);
    now = list.next_deadline().unwrap();
    assert!(fail(&mut list, now).unwrap() < Duration::from_secs(13));
}

#[test]
fn a_peer_that_the_user_named_is_never_given_up() {
    let mut list = list();
    list.add(START, nth(1), Source::User);
    let mut now = START;
    for _ in 0..40 {
        let rest = fail(&mut list, now).unwrap();
        assert!(rest <= Duration::from_secs(225));
        now = now + rest;
    }
    assert_eq!(list.known(), 1);
}

#[test]
fn misbehaviour_is_not_forgiven_by_a_new_handshake() {
    let mut list = list();
    list.add(START, nth(1), Source::Tracker);
    let mut now = START;
    for least in [300, 600, 1_200] {
        list.next(now).unwrap();
        list.connected(nth(1));
        list.ended(now, nth(1), Outcome::Misbehaved);
        let ready = list.next_deadline().unwrap();
        assert!(ready.since(now) >= Duration::from_secs(least));
        now = ready;
    }
}

#[test]
fn the_users_peers_come_first_then_those_that_served_then_those_that_did_not_fail() {
    let mut list = list();
    for n in 1..=3 {
        list.add(START, nth(n), Source::Tracker);
    }
    for _ in 1..=3 {
        list.next(START);
    }
    list.ended(START, nth(1), Outcome::Failed);
    list.ended(START, nth(2), Outcome::Useful);
    list.ended(START, nth(3), Outcome::Useless);
    list.add(START, nth(4), Source::User);
    let order: Vec<_> = core::iter::from_fn(|| list.next(after(1_000))).collect();
    assert_eq!(order, [nth(4), nth(2), nth(3), nth(1)]);
}

#[test]
fn strangers_are_dialled_in_an_order_of_our_own() {
    let order = |seed| {
        let mut list = PeerList::new(ChaCha8Rng::from_seed([seed; 32]), 2);
        for n in 0..50 {
            list.add(START, nth(n), Source::Tracker);
        }
        core::iter::from_fn(|| list.next(START)).collect::<Vec<_>>()
    };
    assert_eq!(order(1), order(1));
    assert_ne!(order(1), order(2));
}

#[test]
fn naming_a_peer_by_hand_ends_its_back_off() {
    let mut list = list();
    list.add(START, nth(1), Source::Tracker);
    fail(&mut list, START);
    assert!(!list.add(START, nth(1), Source::User));
    assert_eq!(list.next(START), Some(nth(1)));
    // In use it stays in use.
    list.add(START, nth(1), Source::User);
    assert_eq!(list.next(START), None);
}

#[test]
fn a_ban_takes_every_port_and_every_spelling_of_an_address() {
    let mut list = list();
    for text in ["10.0.0.1:1", "10.0.0.1:65535", "10.0.0.2:1", "[2001:db8::1]:9"] {
        assert!(list.add(START, addr(text), Source::Tracker));
    }
    assert!(list.ban("::ffff:10.0.0.1".parse().unwrap()));
    assert!(!list.ban("10.0.0.1".parse().unwrap()));
    assert!(list.ban("2001:db8::1".parse().unwrap()));
    assert!(list.is_banned("10.0.0.1".parse().unwrap()));
    assert!(!list.add(START, addr("10.0.0.1:7"), Source::User));
    assert_eq!(list.known(), 1);
    assert_eq!(list.next(START), Some(addr("10.0.0.2:1")));
}

#[test]
fn a_connection_that_ends_after_the_ban_brings_nothing_back() {
    let mut list = list();
    list.add(START, nth(1), Source::Tracker);
    list.next(START);
    list.ban(nth(1).ip());
    list.ended(START, nth(1), Outcome::Useful);
    assert_eq!(list.known(), 0);
    assert_eq!(list.next(after(10_000)), None);
}

#[test]
fn the_oldest_of_too_many_bans_lapses() {
    let mut list = list();
    for n in 0..=limits::MAX_BANS as u32 {
        assert!(list.ban(nth(n).ip()));
    }
    assert!(!list.is_banned(nth(0).ip()));
    assert!(list.is_banned(nth(1).ip()));
    assert_eq!((list.banned.len(), list.ban_order.len()), (limits::MAX_BANS, limits::MAX_BANS));
}

#[test]
fn we_dial_ourselves_only_once() {
    let mut list = list();
    list.add(START, addr("127.0.0.1:6881"), Source::Tracker);
    let own = list.next(START).unwrap();
    list.set_own(own);
    list.ended(START, own, Outcome::Useless);
    assert!(!list.add(START, own, Source::Tracker));
    assert_eq!((list.known(), list.next(after(10_000))), (0, None));
    assert!(list.add(START, addr("127.0.0.1:6882"), Source::Tracker));
}

#[test]
fn a_tracker_that_names_us_again_and_again_costs_no_memory() {
    let mut list = list();
    for n in 0..10_000 {
        list.add(START, nth(n), Source::Tracker);
        list.set_own(nth(n));
    }
    assert_eq!((list.known(), list.own.len()), (0, limits::MAX_OWN_ADDRESSES));
}

#[test]
fn a_peer_that_shook_hands_once_is_forgotten_when_it_is_gone() {
    let mut list = list();
    list.add(START, nth(1), Source::Tracker);
    let mut now = START;
    list.next(now);
    list.connected(nth(1));
    list.ended(now, nth(1), Outcome::Failed);
    for _ in 0..6 {
        assert_eq!(list.known(), 1);
        now = list.next_deadline().unwrap();
        fail(&mut list, now);
    }
    assert_eq!(list.known(), 0);
}

#[test]
fn a_peer_that_connected_to_us_is_not_dialled_meanwhile() {
    let mut list = list();
    assert!(list.add(START, nth(1), Source::Tracker));
    list.connected(nth(1));
    assert_eq!(list.next(START), None);
    list.ended(START, nth(1), Outcome::Useful);
    assert_eq!(list.next(after(10)), Some(nth(1)));
}

#[test]
fn trackers_cannot_crowd_out_what_the_user_named() {
    let mut list = list();
    let most = limits::MAX_KNOWN_PEERS as u32;
    for n in 0..10 {
        list.add(START, nth(n), Source::User);
    }
    for n in 10_000..10_000 + 2 * most {
        assert!(list.add(START, nth(n), Source::Tracker));
    }
    assert_eq!(list.known(), most);
    assert_eq!(list.counts, [10, 2_990]);
}

#[test]
fn the_address_that_failed_most_gives_way() {
    let mut list = list();
    for n in 0..limits::MAX_KNOWN_PEERS as u32 {
        list.add(START, nth(n), Source::Tracker);
    }
    let failed = list.next(START).unwrap();
    list.ended(START, failed, Outcome::Failed);
    let newcomer = nth(1 << 20);
    assert!(list.add(START, newcomer, Source::Tracker));
    assert!(!list.peers.contains_key(&failed));
    assert!(list.peers.contains_key(&newcomer));
}

#[test]
fn what_is_in_use_is_never_evicted() {
    let mut list = list();
    for n in 0..limits::MAX_KNOWN_PEERS as u32 {
        list.add(START, nth(n), Source::Tracker);
    }
    while list.next(START).is_some() {}
    assert!(!list.add(START, nth(1 << 20), Source::Tracker));
    assert!(!list.add(START, nth(1 << 20), Source::User));
}

#[derive(Clone, Debug)]
enum Step {
    Add(u8, Source),
    Next,
    Connected(u8),
    Ended(u8, Outcome),
    Ban(u8),
    Own(u8),
    Wait(u16),
}

fn step() -> impl Strategy<Value = Step> {
    let source = prop_oneof![Just(Source::User), Just(Source::Tracker)];
    let outcome = prop_oneof![
        Just(Outcome::Useful),
        Just(Outcome::Useless),
        Just(Outcome::Complete),
        Just(Outcome::Failed),
        Just(Outcome::Misbehaved),
        Just(Outcome::Untried),
    ];
    prop_oneof![
        6 => (any::<u8>(), source).prop_map(|(n, source)| Step::Add(n, source)),
        6 => Just(Step::Next),
        2 => any::<u8>().prop_map(Step::Connected),
        4 => (any::<u8>(), outcome).prop_map(|(n, outcome)| Step::Ended(n, outcome)),
        1 => any::<u8>().prop_map(Step::Ban),
        1 => any::<u8>().prop_map(Step::Own),
        3 => any::<u16>().prop_map(Step::Wait),
    ]
}

/// 32 addresses: 16 hosts of two ports each.
fn small(n: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, n % 16 + 1], 1 + u16::from(n / 16 % 2)))
}

/// Every index agrees with the map of peers.
fn check(list: &PeerList) {
    let count = |want: fn(&State) -> bool| list.peers.values().filter(|k| want(&k.state)).count();
    assert_eq!(list.ready.len(), count(|state| *state == State::Ready));
    assert_eq!(list.waiting.len(), count(|state| matches!(state, State::Waiting(_))));
    let idle: usize = list.idle.iter().map(BTreeSet::len).sum();
    assert_eq!(idle, list.ready.len() + list.waiting.len());
    assert_eq!(list.counts.iter().sum::<usize>(), list.peers.len());
    for rank in list.ready.iter().chain(list.idle.iter().flatten()) {
        assert_eq!(list.peers[&rank.addr].rank(rank.addr), *rank);
    }
    for (at, addr) in &list.waiting {
        assert_eq!(list.peers[addr].state, State::Waiting(*at));
    }
}

proptest! {
    #[test]
    fn never_hands_out_what_is_banned_our_own_or_in_use(
        seed in any::<[u8; 32]>(),
        steps in proptest::collection::vec(step(), 0..400),
    ) {
        let mut list = PeerList::new(ChaCha8Rng::from_seed(seed), 2);
        let (mut banned, mut own, mut in_use) = (Set::new(), Set::new(), Set::new());
        let mut now = START;
        for step in steps {
            match step {
                Step::Add(n, source) => {
                    let addr = small(n);
                    let added = list.add(now, addr, source);
                    prop_assert!(!added || !banned.contains(&addr.ip()) && !own.contains(&addr));
                    prop_assert!(!added || !in_use.contains(&addr));
                }
                Step::Next => {
                    let ready = list.has_ready(now);
                    let next = list.next(now);
                    prop_assert_eq!(ready, next.is_some());
                    if let Some(addr) = next {
                        prop_assert!(!banned.contains(&addr.ip()) && !own.contains(&addr));
                        prop_assert!(in_use.insert(addr), "{} is in use", addr);
                    } else if let Some(at) = list.next_deadline() {
                        prop_assert!(at > now && !list.has_ready(now) && list.has_ready(at));
                    }
                }
                Step::Connected(n) => {
                    list.connected(small(n));
                    if list.peers.contains_key(&small(n)) {
                        in_use.insert(small(n));
                    }
                }
                Step::Ended(n, outcome) => {
                    list.ended(now, small(n), outcome);
                    in_use.remove(&small(n));
                    prop_assert!(list.backing_off(now) <= list.known());
                }
                Step::Ban(n) => {
                    list.ban(small(n).ip());
                    banned.insert(small(n).ip());
                    in_use.retain(|addr| addr.ip() != small(n).ip());
                }
                Step::Own(n) => {
                    list.set_own(small(n));
                    own.insert(small(n));
                    in_use.remove(&small(n));
                }
                Step::Wait(secs) => now = now + Duration::from_secs(secs.into()),
            }
            check(&list);
        }
    }
}
