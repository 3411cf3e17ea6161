//! Hosts that are killed or lose power in the middle of anything, and start again with what is on their disk.

use crate::units::{Rate, kib, millis, minutes, secs};
use crate::{Host, HostId, Link, Sim, Torrent};
use peerless_core::{Allocation, Config, Event, PeerAddr, ResumeSummary, SeedPolicy, TorrentOptions};

fn torrent() -> Torrent {
    let files = [("a", 100_000), ("sub/b", 70_001), ("c", 3), ("sub/d", 250_000)];
    Torrent::of_files(1, "some", &files, 32_768, &[]).unwrap()
}

/// A seed, and a leecher for whom the torrent takes a while: long enough for syncs in the middle.
fn pair(torrent: &Torrent, seed: u64, allocation: Allocation) -> (Sim, HostId) {
    let mut sim = Sim::new(seed);
    let slow = Link::symmetric(Rate(kib(32)));
    let from = sim.add(Host::new("seed").link(slow).seeds(torrent));
    let options = TorrentOptions {
        seeding: SeedPolicy::Forever,
        allocation,
        peers: vec![PeerAddr::Addr(sim.addr(from))],
        ..Default::default()
    };
    // With so little memory not every piece is written at one go.
    let config = Config { memory_budget: 0, ..Config::default() };
    let leecher = sim.add(Host::new("leecher").link(slow).config(config).with(torrent, options));
    (sim, leecher)
}

/// Runs on until the leecher is complete. At every moment it has what it says.
fn complete(sim: &mut Sim, leecher: HostId, what: &str) {
    let end = sim.now() + minutes(10);
    while sim.downloads_left() > 0 {
        assert!(sim.step(end), "{what}: not complete at {}, seed {}", sim.now(), sim.seed());
        assert_eq!(sim.unproved(leecher), [], "{what}: seed {}", sim.seed());
        if sim.engine(leecher).is_none() {
            sim.run_for(secs(5));
            sim.start(leecher);
        }
    }
    assert!(sim.has_whole(leecher), "{what}");
}

/// How many operations of the disk a download takes.
fn operations(torrent: &Torrent, allocation: Allocation) -> u64 {
    let (mut sim, leecher) = pair(torrent, 0, allocation);
    complete(&mut sim, leecher, "undisturbed");
    sim.disk(leecher).operations()
}

/// Strikes in the middle of every operation of the disk in turn.
fn strike_everywhere(strike: fn(&mut Sim, HostId)) {
    let torrent = torrent();
    for allocation in [Allocation::Sparse, Allocation::Full, Allocation::None] {
        let all = operations(&torrent, allocation);
        assert!(all > 30, "only {all} operations");
        for n in 1..=all {
            let (mut sim, leecher) = pair(&torrent, n, allocation);
            sim.at_disk_operation(leecher, n, move |sim| strike(sim, leecher));
            complete(&mut sim, leecher, &format!("struck in operation {n} of {all}, {allocation:?}"));
        }
    }
}

/// What the last start of a host found.
fn resumed(sim: &Sim, host: HostId) -> ResumeSummary {
    let found = sim.story(host).iter().rev().find_map(|(_, event)| match event {
        Event::Resumed { summary, .. } => Some(*summary),
        _ => None,
    });
    found.expect("the start was told")
}

#[test]
fn a_power_cut_in_the_middle_of_any_operation_costs_only_what_was_not_synced() {
    strike_everywhere(Sim::cut_power);
}

#[test]
fn a_kill_in_the_middle_of_any_operation_costs_nothing_but_time() {
    strike_everywhere(Sim::kill);
}

#[test]
fn a_host_that_loses_power_again_and_again_gets_there() {
    let torrent = torrent();
    for seed in 0..20 {
        let (mut sim, leecher) = pair(&torrent, seed, Allocation::Sparse);
        for n in 1..=12 {
            sim.at_disk_operation(leecher, n * 13, move |sim| sim.cut_power(leecher));
            while sim.is_on(leecher) && sim.downloads_left() > 0 {
                assert!(sim.step(sim.now() + minutes(10)));
                assert_eq!(sim.unproved(leecher), [], "seed {seed}, life {n}");
            }
            sim.start(leecher);
        }
        complete(&mut sim, leecher, "in the end");
    }
}

#[test]
fn a_killed_host_that_then_loses_power_knows_what_it_has() {
    let torrent = torrent();
    for seed in 0..40 {
        let (mut sim, leecher) = pair(&torrent, seed, Allocation::Sparse);
        sim.at_disk_operation(leecher, 20 + seed % 20, move |sim| {
            sim.kill(leecher);
            sim.start(leecher);
            let next = sim.disk(leecher).operations() + 1 + sim.seed() % 15;
            sim.at_disk_operation(leecher, next, move |sim| sim.cut_power(leecher));
        });
        complete(&mut sim, leecher, "killed, then cut");
    }
}

#[test]
fn what_was_recorded_before_a_cut_is_not_fetched_again() {
    let (mut sim, leecher) = pair(&torrent(), 3, Allocation::Sparse);
    // Verified pieces are synced every 5 s: at 9 s the first of them have been recorded.
    sim.run_for(secs(9));
    let had = sim.status(leecher).unwrap().have;
    sim.cut_power(leecher);
    sim.start(leecher);
    complete(&mut sim, leecher, "after the cut");
    let trusted = resumed(&sim, leecher).trusted;
    assert!(trusted > 0 && trusted <= had, "{trusted} of {had}");
}

#[test]
fn after_a_clean_stop_everything_is_trusted_even_if_the_power_fails_then() {
    let torrent = torrent();
    for seed in 0..20 {
        let (mut sim, leecher) = pair(&torrent, seed, Allocation::Sparse);
        sim.run_for(secs(2) + millis(500 * seed));
        sim.shut_down(leecher);
        sim.run_for(secs(4));
        assert!(sim.story(leecher).iter().any(|(_, event)| *event == Event::ShutDown));
        let had = sim.status(leecher).unwrap().have;
        sim.cut_power(leecher);
        sim.start(leecher);
        complete(&mut sim, leecher, "after the stop");
        assert_eq!(resumed(&sim, leecher).trusted, had, "seed {seed}");
    }
}

#[test]
fn nobody_hears_of_a_power_cut() {
    let (mut sim, leecher) = pair(&torrent(), 1, Allocation::Sparse);
    let seed = HostId(0);
    sim.run_for(secs(3));
    sim.cut_power(leecher);
    sim.run_for(secs(30));
    assert_eq!(sim.peers(seed).len(), 1, "the stream hangs");
    sim.start(leecher);
    sim.run_until(secs(10), |sim| sim.status(leecher).is_some_and(|status| status.have > 0)).unwrap();
}
