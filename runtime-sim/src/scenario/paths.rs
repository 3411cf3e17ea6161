//! Scenarios of bad paths and of seeds that have only a part.

use super::{Report, Scenario, Setup, Swarm};
use crate::host::Host;
use crate::net::Link;
use crate::units::{hours, mbit, mib, millis};
use peerless_core::{MetainfoError, SeedPolicy, TorrentOptions};

/// See [`Scenario::all`].
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "lossy", about: "5 % of what is sent is lost, and arrives late", run: lossy },
    Scenario { name: "long-paths", about: "everybody is 300 ms from everybody", run: long_paths },
    Scenario {
        name: "partial-seeds",
        about: "three peers have a third each, nobody all",
        run: partial_seeds,
    },
];

const PIECE: u32 = 256 << 10;

fn lossy(setup: &Setup) -> Result<Report, MetainfoError> {
    even(setup, "lossy", Link::symmetric(mbit(20)).loss_permille(50).jitter(millis(30)))
}

fn long_paths(setup: &Setup) -> Result<Report, MetainfoError> {
    even(setup, "long-paths", Link::symmetric(mbit(20)).latency(millis(75)))
}

/// One seed and some leechers, all on such a line.
fn even(setup: &Setup, name: &'static str, line: Link) -> Result<Report, MetainfoError> {
    let mut swarm = Swarm::new(setup, setup.size(mib(64)), PIECE)?;
    swarm.seed(line);
    for _ in 0..setup.peers(20) {
        swarm.leecher(line);
    }
    swarm.expect_shortest();
    Ok(swarm.finish(name, hours(10)))
}

fn partial_seeds(setup: &Setup) -> Result<Report, MetainfoError> {
    let mut swarm = Swarm::new(setup, setup.size(mib(64)), PIECE)?;
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
