//! How fast simulations run: events a second in swarms of 10, 100 and 1,000 peers, and what peers cost that do nothing.
//!
//! `cargo bench -p peerless-sim`, or with `--profile swarm` for a quicker build; a word chooses the rows that
//! contain it. An event is an input to an engine, with all that follows from it on the network and on disks.
#![allow(clippy::print_stdout)]

use peerless_sim::units::{hours, mbit, mib};
use peerless_sim::{Checks, Dice, Host, HostId, Link, ScriptedPeer, Sim, Torrent};
use std::time::{Duration, Instant};

/// Peers that each leecher is told of.
const KNOWN: u64 = 20;

fn main() {
    // Cargo adds `--bench`.
    let word = std::env::args().skip(1).find(|word| !word.starts_with('-')).unwrap_or_default();
    println!("{:<34}{:>10}{:>9}{:>12}{:>10}", "", "events", "seconds", "events/s", "us/event");
    for (leechers, size) in [(10, 256), (100, 32), (1_000, 4)] {
        measure(&word, &format!("{leechers} leechers, {size} MiB"), || swarm(leechers, size));
    }
    measure(&word, "100 leechers, 32 MiB, no checks", || {
        let mut sim = swarm(100, 32);
        sim.set_checks(Checks::NONE);
        sim
    });
    for idle in [0, 100, 1_000] {
        measure(&word, &format!("10 leechers, 256 MiB, {idle} idle"), || {
            let mut sim = swarm(10, 256);
            add_idle(&mut sim, idle);
            sim
        });
    }
    for silent in [0, 100, 1_000] {
        measure(&word, &format!("10 leechers, 256 MiB, {silent} silent"), || {
            let mut sim = swarm(10, 256);
            add_silent(&mut sim, silent);
            sim
        });
    }
}

/// Prints a row: how long it takes until all downloads that can be complete are.
fn measure(word: &str, name: &str, build: impl FnOnce() -> Sim) {
    if !name.contains(word) {
        return;
    }
    let mut sim = build();
    let idle = sim.hosts().filter(|host| sim.host_name(*host).starts_with("idle")).count();
    let start = Instant::now();
    sim.run_until(hours(10), |sim| sim.downloads_left() == idle).expect("all complete");
    let (time, events) = (start.elapsed(), sim.inputs());
    println!(
        "{name:<34}{events:>10}{:>9.2}{:>12.0}{:>10.2}",
        secs(time),
        events as f64 / secs(time),
        micros(time, events)
    );
}

fn secs(time: Duration) -> f64 {
    time.as_secs_f64()
}

fn micros(time: Duration, events: u64) -> f64 {
    time.as_secs_f64() * 1e6 / events as f64
}

/// A seed and leechers with equal lines that begin together.
fn swarm(leechers: u64, size: u64) -> Sim {
    let mut sim = Sim::new(1);
    let torrent = sim.torrent(mib(size), 256 << 10, &[]).expect("a torrent");
    let line = Link::symmetric(mbit(100));
    let seed = sim.add(Host::new("seed").link(line).seeds(&torrent));
    let all = hosts(&mut sim, "leecher", leechers, line, &torrent);
    for leecher in all {
        sim.introduce(leecher, seed);
    }
    sim
}

/// Peers of another torrent that nobody has: they know each other, and wait.
fn add_idle(sim: &mut Sim, count: u64) {
    let torrent = sim.torrent(mib(64), 64 << 10, &[]).expect("a torrent");
    hosts(sim, "idle", count, Link::symmetric(mbit(100)), &torrent);
}

/// Peers of the swarm that are connected to one of its hosts each, have nothing, want nothing and say nothing: what they
/// cost is being told of every piece.
fn add_silent(sim: &mut Sim, count: u64) {
    let torrent = sim.torrent(mib(256), 256 << 10, &[]).expect("a torrent");
    let busy: Vec<_> = sim.hosts().map(|host| sim.addr(host)).collect();
    for (n, addr) in (0..count).zip(busy.iter().cycle()) {
        let peer = ScriptedPeer::partial_seed(&torrent, []).dials(*addr);
        sim.add_actor(format!("silent {n}"), Link::symmetric(mbit(100)), peer);
    }
}

/// Hosts that download and know some of each other.
fn hosts(sim: &mut Sim, name: &str, count: u64, line: Link, torrent: &Torrent) -> Vec<HostId> {
    let one = |n| Host::new(format!("{name} {n}")).link(line).downloads(torrent);
    let all: Vec<HostId> = (0..count).map(|n| sim.add(one(n))).collect();
    let mut dice = Dice::new(1, "who knows whom");
    for host in &all {
        for _ in 0..KNOWN.min(count) {
            sim.introduce(*host, all[dice.below(count) as usize]);
        }
    }
    all
}
