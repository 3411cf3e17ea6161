//! Scenarios of bad paths and of seeds that have only a part.

use super::{Report, Scenario, Setup, Swarm};
use crate::host::Host;
use crate::net::{Gate, Link};
use crate::units::{hours, mbit, mib, millis, minutes};
use peerless_core::{MetainfoError, SeedPolicy, TorrentOptions};

/// See [`Scenario::all`].
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "lossy", about: "5 % of what is sent is lost, and arrives late", run: lossy },
    Scenario { name: "long-paths", about: "everybody is 300 ms from everybody", run: long_paths },
    Scenario {
        name: "resets",
        about: "one stream in 20 breaks in each second of its life, in short runs more",
        run: resets,
    },
    Scenario {
        name: "partition",
        about: "half of the swarm is cut off for a minute when somebody has 30 %",
        run: partition,
    },
    Scenario { name: "nat", about: "five of six leechers are behind a NAT or a firewall", run: nat },
    Scenario {
        name: "partial-seeds",
        about: "three peers have a third each, nobody all",
        run: partial_seeds,
    },
];

fn lossy(setup: &Setup) -> Result<Report, MetainfoError> {
    even(setup, "lossy", Link::symmetric(mbit(20)).loss_permille(50).jitter(millis(30)))
}

fn long_paths(setup: &Setup) -> Result<Report, MetainfoError> {
    even(setup, "long-paths", Link::symmetric(mbit(20)).latency(millis(75)))
}

/// In a short run as many streams break as in one of half a minute.
fn resets(setup: &Setup) -> Result<Report, MetainfoError> {
    let permille = (50 * mib(64) / setup.size(mib(64)).max(1)).clamp(50, 500) as u32;
    even(setup, "resets", Link::symmetric(mbit(20)).reset_permille(permille))
}

fn partition(setup: &Setup) -> Result<Report, MetainfoError> {
    let mut swarm = Swarm::usual(setup, mib(64))?;
    let line = Link::symmetric(mbit(20));
    swarm.seed(line);
    for _ in 0..setup.peers(20) {
        swarm.leecher(line);
    }
    let half = swarm.leechers[..swarm.leechers.len().div_ceil(2)].to_vec();
    if swarm.wait_until(hours(10), |swarm| swarm.progress() >= 300) {
        let partition = swarm.sim.isolate(&half);
        swarm.sim.after(minutes(1), move |sim| sim.heal(partition));
    }
    Ok(swarm.finish("partition", hours(10)))
}

fn nat(setup: &Setup) -> Result<Report, MetainfoError> {
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
    for n in 0..setup.peers(18) {
        let host = Host::new(format!("leecher {}", n + 1)).link(line).behind(gates[n as usize % gates.len()]);
        let host = swarm.add(host.downloads(&swarm.torrent));
        swarm.sim.start(host);
    }
    Ok(swarm.finish("nat", hours(10)))
}

/// One seed and some leechers, all on such a line.
fn even(setup: &Setup, name: &'static str, line: Link) -> Result<Report, MetainfoError> {
    let mut swarm = Swarm::usual(setup, mib(64))?;
    swarm.seed(line);
    for _ in 0..setup.peers(20) {
        swarm.leecher(line);
    }
    swarm.expect_shortest();
    Ok(swarm.finish(name, hours(10)))
}

fn partial_seeds(setup: &Setup) -> Result<Report, MetainfoError> {
    let mut swarm = Swarm::usual(setup, mib(64))?;
    let line = Link::symmetric(mbit(20));
    let options = TorrentOptions { seeding: SeedPolicy::Forever, ..TorrentOptions::default() };
    for part in 0..3 {
        let pieces = swarm.torrent.metainfo.geometry().pieces().filter(|p| p.get() % 3 == part);
        let host = Host::new(format!("has part {}", part + 1)).link(line);
        let host = swarm.add(host.with_pieces(&swarm.torrent, options.clone(), pieces));
        swarm.sim.start(host);
    }
    for _ in 0..setup.peers(10) {
        swarm.leecher(line);
    }
    Ok(swarm.finish("partial-seeds", hours(10)))
}
