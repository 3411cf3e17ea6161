//! Scenarios of bad paths and of seeds that have only a part.

use super::{Report, Scenario, Setup, Swarm};
use crate::host::Host;
use crate::net::{Gate, Link};
use crate::units::{hours, mbit, mib, millis, minutes};
use peerless_core::{MetainfoError, SeedPolicy, TorrentOptions};

/// See [`Scenario::all`].
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario::new("lossy", "5 % of what is sent is lost, and arrives late", 20, lossy),
    Scenario::new("long-paths", "everybody is 300 ms from everybody", 20, long_paths),
    Scenario::new(
        "resets",
        "one stream in 20 breaks in each second of its life, in short runs more",
        20,
        resets,
    ),
    Scenario::new(
        "partition",
        "half of the swarm is cut off for a minute when somebody has 30 %",
        20,
        partition,
    ),
    Scenario::new("nat", "five of six leechers are behind a NAT or a firewall", 18, nat),
    Scenario::new("partial-seeds", "three peers have a third each, nobody all", 10, partial_seeds)
        .besides(PARTS),
];

fn lossy(setup: &Setup, peers: u32) -> Result<Report, MetainfoError> {
    even(setup, peers, "lossy", Link::symmetric(mbit(20)).loss_permille(50).jitter(millis(30)))
}

fn long_paths(setup: &Setup, peers: u32) -> Result<Report, MetainfoError> {
    even(setup, peers, "long-paths", Link::symmetric(mbit(20)).latency(millis(75)))
}

/// In a short run as many streams break as in one of half a minute.
fn resets(setup: &Setup, peers: u32) -> Result<Report, MetainfoError> {
    let permille = (50 * mib(64) / setup.size(mib(64)).max(1)).clamp(50, 500) as u32;
    even(setup, peers, "resets", Link::symmetric(mbit(20)).reset_permille(permille))
}

fn partition(setup: &Setup, peers: u32) -> Result<Report, MetainfoError> {
    let mut swarm = Swarm::usual(setup, mib(64))?;
    let line = Link::symmetric(mbit(20));
    swarm.seed(line);
    for _ in 0..peers {
        swarm.leecher(line);
    }
    let half = swarm.leechers[..swarm.leechers.len().div_ceil(2)].to_vec();
    if swarm.wait_until(hours(10), |swarm| swarm.progress() >= 300) {
        let partition = swarm.sim.isolate(&half);
        swarm.sim.after(minutes(1), move |sim| sim.heal(partition));
    }
    Ok(swarm.finish("partition", hours(10)))
}

fn nat(setup: &Setup, peers: u32) -> Result<Report, MetainfoError> {
    let mut swarm = Swarm::usual(setup, mib(64))?;
    let line = Link::symmetric(mbit(20));
    swarm.seed(line);
    let gates = [
        Gate::Open,
        Gate::FullCone,
        Gate::Symmetric,
        Gate::Firewall,
        Gate::AddressRestricted,
        Gate::Symmetric,
    ];
    for n in 0..peers {
        let host = Host::new(format!("leecher {}", n + 1)).link(line).behind(gates[n as usize % gates.len()]);
        let host = swarm.add(host.downloads(&swarm.torrent));
        swarm.sim.start(host);
    }
    Ok(swarm.finish("nat", hours(10)))
}

/// One seed and some leechers, all on such a line.
fn even(setup: &Setup, peers: u32, name: &'static str, line: Link) -> Result<Report, MetainfoError> {
    let mut swarm = Swarm::usual(setup, mib(64))?;
    swarm.seed(line);
    for _ in 0..peers {
        swarm.leecher(line);
    }
    swarm.expect_shortest();
    Ok(swarm.finish(name, hours(10)))
}

fn partial_seeds(setup: &Setup, peers: u32) -> Result<Report, MetainfoError> {
    let mut swarm = Swarm::usual(setup, mib(64))?;
    let line = Link::symmetric(mbit(20));
    let options = TorrentOptions { seeding: SeedPolicy::Forever, ..TorrentOptions::default() };
    for part in 0..PARTS {
        let pieces = swarm.torrent.metainfo.geometry().pieces().filter(|p| p.get() % PARTS == part);
        let host = Host::new(format!("has part {}", part + 1)).link(line);
        let host = swarm.add(host.with_pieces(&swarm.torrent, options.clone(), pieces));
        swarm.sim.start(host);
    }
    for _ in 0..peers {
        swarm.leecher(line);
    }
    Ok(swarm.finish("partial-seeds", hours(10)))
}

/// Peers of `partial-seeds` that have a part, and so are leechers too.
const PARTS: u32 = 3;
