//! Tests of whole simulations.

mod clocks;
mod crashes;
mod disks;
mod gates;
mod networks;
mod recordings;

use crate::units::{kib, mbit, mib, millis, minutes, secs};
use crate::{Host, HostId, HttpTracker, Link, RunDigest, Sim};
use peerless_core::{Event, Phase};

fn line() -> Link {
    Link::symmetric(mbit(50)).latency(millis(5))
}

/// A seed and some leechers, each of which knows the one before it.
fn chain(seed: u64, leechers: usize, size: u64) -> (Sim, Vec<HostId>) {
    let mut sim = Sim::new(seed);
    let torrent = sim.torrent(size, 64 << 10, &[]).unwrap();
    let mut hosts = vec![sim.add(Host::new("seed").link(line()).seeds(&torrent))];
    for n in 0..leechers {
        let leecher = sim.add(Host::new(format!("leecher {n}")).link(line()).downloads(&torrent));
        sim.introduce(leecher, hosts[n]);
        hosts.push(leecher);
    }
    (sim, hosts)
}

#[test]
fn a_torrent_travels_down_a_chain() {
    let (mut sim, hosts) = chain(1, 3, mib(2));
    sim.run_until(minutes(10), |sim| sim.downloads_left() == 0).unwrap();
    for leecher in &hosts[1..] {
        assert!(sim.has_whole(*leecher), "{}", sim.host_name(*leecher));
        let told = |event: &Event| sim.story(*leecher).iter().any(|(_, e)| e == event);
        assert!(told(&Event::Phase { torrent: peerless_core::TorrentId(0), phase: Phase::Seeding }));
    }
}

#[test]
fn one_seed_is_one_run() {
    let run = |seed| -> RunDigest {
        let (mut sim, _) = chain(seed, 2, mib(1));
        sim.run_until(minutes(10), |sim| sim.downloads_left() == 0).unwrap();
        sim.digest()
    };
    assert_eq!(run(3), run(3));
    assert_ne!(run(3), run(4));
}

#[test]
fn the_wire_is_the_bottleneck() {
    let (mut sim, _) = chain(1, 1, mib(8));
    sim.run_until(minutes(10), |sim| sim.downloads_left() == 0).unwrap();
    // 8 MiB at 50 Mbit/s are 1.34 s.
    assert!(sim.now().as_micros() < 1_900_000, "took until {}", sim.now());
}

#[test]
fn a_killed_download_goes_on_where_it_was() {
    let (mut sim, hosts) = chain(1, 1, mib(8));
    let leecher = hosts[1];
    sim.run_until(minutes(1), |sim| sim.status(leecher).is_some_and(|s| s.have > 40)).unwrap();
    sim.kill(leecher);
    sim.run_for(secs(5));
    sim.start(leecher);
    sim.introduce(leecher, hosts[0]);
    sim.run_until(minutes(1), |sim| sim.downloads_left() == 0).unwrap();
    assert!(sim.has_whole(leecher));
    let again = sim.status(leecher).unwrap().downloaded;
    assert!(again < mib(8) - 40 * kib(64) + kib(640), "fetched {again} bytes after the restart");
}

#[test]
fn a_run_that_cannot_end_says_who_waits_for_what() {
    let (mut sim, hosts) = chain(9, 1, mib(1));
    sim.kill(hosts[0]);
    let error = sim.run_until(minutes(1), |sim| sim.downloads_left() == 0).unwrap_err();
    assert_eq!(error.seed, 9);
    assert!(error.to_string().contains("leecher 0: 0 of 16 pieces"), "{error}");
}

#[test]
fn steps_happen_when_they_are_planned() {
    let (mut sim, hosts) = chain(1, 1, mib(64));
    let seed = hosts[0];
    sim.after(secs(1), move |sim| sim.kill(seed));
    sim.after(secs(2), move |sim| sim.start(seed));
    sim.run_for(millis(1_500));
    assert!(sim.engine(seed).is_none());
    sim.run_for(millis(1_000));
    assert!(sim.engine(seed).is_some());
}

#[test]
fn a_swarm_finds_itself_through_a_tracker() {
    let mut sim = Sim::new(5);
    let tracker = sim.add_actor("tracker", Link::unlimited(), HttpTracker::with_interval(1, minutes(2)));
    let torrent = sim.torrent(mib(2), 64 << 10, &[HttpTracker::url(sim.addr(tracker))]).unwrap();
    let seed = sim.add(Host::new("seed").link(line()).seeds(&torrent));
    let hosts: Vec<_> =
        (0..4).map(|n| sim.add(Host::new(format!("{n}")).link(line()).downloads(&torrent))).collect();
    sim.run_until(minutes(5), |sim| sim.downloads_left() == 0).unwrap();
    assert!(hosts.iter().all(|host| sim.has_whole(*host)));
    assert!(sim.traffic(seed).uploaded >= mib(2));
}
