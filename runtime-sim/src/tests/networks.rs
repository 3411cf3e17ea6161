//! Swarms on networks that fall apart and come together again, and names that cannot be looked up.

use crate::units::{mbit, mib, millis, minutes, secs};
use crate::{Host, HostId, HttpTracker, Link, Path, Sim};
use peerless_core::{Event, ResolveError, TrackerNews};

fn line() -> Link {
    Link::symmetric(mbit(20)).latency(millis(5))
}

/// A seed and some leechers, each of which knows all others.
fn swarm(seed: u64, leechers: usize, size: u64, link: Link) -> (Sim, Vec<HostId>) {
    let mut sim = Sim::new(seed);
    let torrent = sim.torrent(size, 64 << 10, &[]).unwrap();
    let mut hosts = vec![sim.add(Host::new("seed").link(link).seeds(&torrent))];
    for n in 0..leechers {
        hosts.push(sim.add(Host::new(format!("leecher {n}")).link(link).downloads(&torrent)));
    }
    for a in &hosts {
        hosts.iter().filter(|b| *b != a).for_each(|b| sim.introduce(*a, *b));
    }
    (sim, hosts)
}

#[test]
fn a_swarm_that_is_torn_in_two_completes_once_it_is_whole_again() {
    for seed in 0..3 {
        let (mut sim, hosts) = swarm(seed, 6, mib(8), line());
        sim.run_for(millis(800));
        let partition = sim.partition(&hosts[..3], &hosts[3..]);
        sim.run_for(minutes(4));
        assert!(hosts[1..3].iter().all(|host| sim.has_whole(*host)), "those with the seed");
        assert!(!hosts[3..].iter().any(|host| sim.has_whole(*host)), "those without");
        sim.heal(partition);
        sim.run_until(minutes(30), |sim| sim.downloads_left() == 0).unwrap();
    }
}

#[test]
fn a_short_partition_costs_little_more_than_its_time() {
    let (mut sim, hosts) = swarm(4, 3, mib(8), line());
    sim.run_for(secs(1));
    let partition = sim.isolate(&hosts[..1]);
    sim.after(secs(3), move |sim| sim.heal(partition));
    sim.run_until(minutes(2), |sim| sim.downloads_left() == 0).unwrap();
    let wasted: u64 = hosts.iter().map(|host| sim.traffic(*host).wasted).sum();
    assert!(wasted < mib(1), "{wasted} bytes were of no use");
}

#[test]
fn streams_that_break_all_the_time_delay_a_swarm_and_do_not_stop_it() {
    let (mut sim, _) = swarm(2, 5, mib(8), line().reset_permille(50));
    sim.run_until(minutes(20), |sim| sim.downloads_left() == 0).unwrap();
}

#[test]
fn a_bad_way_to_one_peer_is_made_up_for_by_the_others() {
    let (mut sim, hosts) = swarm(2, 4, mib(8), line());
    let bad = Path::latency(millis(2_000)).loss_permille(300);
    sim.set_path(hosts[0], hosts[1], Some(bad));
    sim.run_until(minutes(5), |sim| sim.downloads_left() == 0).unwrap();
    let slowest = sim.completed(hosts[1]).unwrap();
    assert!(slowest.as_micros() < 60_000_000, "{slowest}");
}

#[test]
fn a_suspended_leecher_goes_on_when_it_wakes_up() {
    let (mut sim, hosts) = swarm(3, 2, mib(16), line());
    sim.run_for(secs(1));
    sim.suspend(hosts[1]);
    let before = sim.status(hosts[1]).unwrap().have;
    sim.run_for(minutes(300));
    assert!(sim.has_whole(hosts[2]), "the others do not wait for it");
    assert_eq!(sim.status(hosts[1]).unwrap().have, before);
    sim.resume(hosts[1]);
    sim.run_until(minutes(10), |sim| sim.downloads_left() == 0).unwrap();
}

#[test]
fn hosts_of_one_family_get_everything_from_those_of_both() {
    let mut sim = Sim::new(1);
    let torrent = sim.torrent(mib(2), 64 << 10, &[]).unwrap();
    let old = sim.add(Host::new("old").only_v4().seeds(&torrent));
    let both = sim.add(Host::new("both").downloads(&torrent));
    let new = sim.add(Host::new("new").only_v6().downloads(&torrent));
    sim.introduce(new, old);
    sim.introduce(both, old);
    sim.introduce(new, both);
    sim.run_until(minutes(5), |sim| sim.downloads_left() == 0).unwrap();
    assert!(sim.peers(new).iter().all(|peer| peer.remote.is_ipv6()));
}

/// A swarm of two that find each other through a tracker of this name alone.
fn found_by_name(delay: u64) -> (Sim, HostId, HostId) {
    let mut sim = Sim::new(1);
    let tracker = sim.add_actor("tracker", Link::unlimited(), HttpTracker::with_interval(1, secs(60)));
    sim.name("tracker.example", tracker);
    sim.dns().set_delay("tracker.example", secs(delay));
    let torrent = sim.torrent(mib(1), 64 << 10, &["http://tracker.example:6881/announce".into()]).unwrap();
    sim.add(Host::new("seed").seeds(&torrent));
    let leecher = sim.add(Host::new("leecher").downloads(&torrent));
    (sim, leecher, tracker)
}

fn lookups_failed(sim: &Sim, host: HostId) -> usize {
    let failed =
        |(_, event): &&(_, Event)| matches!(event, Event::Tracker { news: TrackerNews::Failed { .. }, .. });
    sim.story(host).iter().filter(failed).count()
}

#[test]
fn a_name_that_is_slow_to_look_up_delays_the_start() {
    let (mut sim, ..) = found_by_name(7);
    sim.run_until(minutes(5), |sim| sim.downloads_left() == 0).unwrap();
    assert!(sim.now().as_micros() > 7_000_000, "{}", sim.now());
}

#[test]
fn a_name_that_fails_is_tried_again_until_it_works() {
    let (mut sim, leecher, _) = found_by_name(0);
    let error = ResolveError::Failed("server failure".into());
    sim.dns().set_error("tracker.example", Some(error));
    sim.run_for(minutes(10));
    assert_eq!(sim.downloads_left(), 1);
    assert!(lookups_failed(&sim, leecher) >= 2);
    sim.dns().set_error("tracker.example", None);
    sim.run_until(minutes(60), |sim| sim.downloads_left() == 0).unwrap();
}

#[test]
fn a_name_that_moves_is_found_at_its_new_address() {
    let (mut sim, _, tracker) = found_by_name(0);
    let nobody = sim.addr(tracker).ip();
    sim.dns().set("tracker.example", [nobody]);
    sim.kill(tracker);
    sim.run_for(minutes(3));
    assert_eq!(sim.downloads_left(), 1);
    let moved = sim.add_actor("moved", Link::unlimited(), HttpTracker::with_interval(1, secs(60)));
    let addr = sim.addr(moved).ip();
    sim.dns().set("tracker.example", [addr]);
    sim.run_until(minutes(90), |sim| sim.downloads_left() == 0).unwrap();
}
