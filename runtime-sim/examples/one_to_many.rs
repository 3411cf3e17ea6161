//! One seed and many leechers: how long they take, and how long it takes to simulate them.
//!
//! `cargo run --release -p peerless-sim --example one_to_many -- LEECHERS MEBIBYTES`
#![allow(clippy::print_stdout)]

use peerless_sim::units::{hours, mbit, mib};
use peerless_sim::{Dice, Host, Link, Sim};
use std::time::Instant;

/// Peers that each leecher is told of.
const KNOWN: u64 = 30;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let leechers: u64 = args.next().map_or(Ok(100), |a| a.parse())?;
    let size: u64 = args.next().map_or(Ok(256), |a| a.parse())?;
    let start = Instant::now();
    let mut sim = Sim::new(1);
    let torrent = sim.torrent(mib(size), 1 << 20, &[])?;
    let line = Link::symmetric(mbit(100));
    let seed = sim.add(Host::new("seed").link(line).seeds(&torrent));
    let all: Vec<_> = (0..leechers)
        .map(|n| sim.add(Host::new(format!("leecher {n}")).link(line).downloads(&torrent)))
        .collect();
    let mut dice = Dice::new(1, "who knows whom");
    for leecher in &all {
        sim.introduce(*leecher, seed);
        for _ in 0..KNOWN {
            sim.introduce(*leecher, all[dice.below(leechers) as usize]);
        }
    }
    let done = sim.run_until(hours(10), |sim| sim.downloads_left() == 0);
    println!(
        "virtual {}, real {:.1?}, {} inputs, digest {}, {} of {leechers} not complete",
        sim.now(),
        start.elapsed(),
        sim.inputs(),
        sim.digest(),
        sim.downloads_left(),
    );
    Ok(done?)
}
