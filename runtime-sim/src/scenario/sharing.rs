//! Scenarios of honest peers that share: how good a swarm is.

use super::{Report, Scenario, Setup, Swarm};
use crate::net::{HostId, Link};
use crate::units::{Rate, gbit, hours, kib, mbit, mib, millis, minutes, secs};
use peerless_core::MetainfoError;

/// See [`Scenario::all`].
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "one-to-one", about: "one seed, one leecher, 1 Gbit/s, 10 ms apart", run: one_to_one },
    Scenario { name: "far", about: "one seed, one leecher, 1 Gbit/s, 200 ms apart", run: far },
    Scenario {
        name: "one-to-many",
        about: "one seed and 50 equal leechers that begin at once",
        run: one_to_many,
    },
    Scenario { name: "flash-crowd", about: "one seed and 200 leechers of one second", run: flash_crowd },
    Scenario { name: "staggered", about: "a leecher every two seconds", run: staggered },
    Scenario {
        name: "slow-and-fast",
        about: "one seed and 100 leechers of three classes of speed",
        run: slow_and_fast,
    },
    Scenario {
        name: "uneven-seeds",
        about: "20 seeds of uneven speed, one leecher that could take them all",
        run: uneven_seeds,
    },
    Scenario {
        name: "leaving-seeds",
        about: "the seed leaves when the first leecher has 99 %",
        run: leaving_seeds,
    },
];

const PIECE: u32 = 256 << 10;

fn one_to_one(setup: &Setup) -> Result<Report, MetainfoError> {
    pair(setup, "one-to-one", millis(5))
}

fn far(setup: &Setup) -> Result<Report, MetainfoError> {
    pair(setup, "far", millis(100))
}

/// A seed and a leecher at 1 Gbit/s, each so far from the middle.
fn pair(setup: &Setup, name: &'static str, way: peerless_core::Duration) -> Result<Report, MetainfoError> {
    let mut swarm = Swarm::new(setup, setup.size(mib(512)), PIECE)?;
    let link = Link::symmetric(gbit(1)).latency(way / 2).window(kib(64 << 10) as usize);
    swarm.seed(link);
    for _ in 0..setup.peers(1) {
        swarm.leecher(link);
    }
    swarm.expect_shortest();
    Ok(swarm.finish(name, hours(1)))
}

fn one_to_many(setup: &Setup) -> Result<Report, MetainfoError> {
    let mut swarm = Swarm::new(setup, setup.size(mib(128)), PIECE)?;
    let link = Link::symmetric(mbit(20));
    swarm.seed(link);
    for _ in 0..setup.peers(50) {
        swarm.leecher(link);
    }
    swarm.expect_shortest();
    Ok(swarm.finish("one-to-many", hours(10)))
}

fn flash_crowd(setup: &Setup) -> Result<Report, MetainfoError> {
    let mut swarm = Swarm::new(setup, setup.size(mib(32)), PIECE)?;
    swarm.seed(Link::symmetric(mbit(50)));
    arrive(
        &mut swarm,
        setup.peers(200),
        |_, _| Link::symmetric(mbit(20)),
        |n, total| millis(u64::from(n) * 1_000 / u64::from(total)),
    );
    Ok(swarm.finish("flash-crowd", hours(10)))
}

fn staggered(setup: &Setup) -> Result<Report, MetainfoError> {
    let mut swarm = Swarm::new(setup, setup.size(mib(64)), PIECE)?;
    swarm.seed(Link::symmetric(mbit(20)));
    arrive(&mut swarm, setup.peers(30), |_, _| Link::symmetric(mbit(20)), |n, _| secs(2 * u64::from(n)));
    Ok(swarm.finish("staggered", hours(10)))
}

fn slow_and_fast(setup: &Setup) -> Result<Report, MetainfoError> {
    let mut swarm = Swarm::new(setup, setup.size(mib(64)), PIECE)?;
    swarm.seed(Link::symmetric(mbit(50)));
    let classes = [(mbit(2), mbit(10)), (mbit(10), mbit(50)), (mbit(50), mbit(100))];
    for n in 0..setup.peers(100) {
        let (up, down) = classes[n as usize % classes.len()];
        swarm.leecher(Link::rates(up, down));
    }
    swarm.expect_shortest();
    Ok(swarm.finish("slow-and-fast", hours(10)))
}

fn uneven_seeds(setup: &Setup) -> Result<Report, MetainfoError> {
    let mut swarm = Swarm::new(setup, setup.size(mib(512)), PIECE)?;
    // From half a megabyte a second to ten; together a little over a hundred.
    for n in 1..=20 {
        let seed = swarm.seed_later(Link::symmetric(Rate(n * 500_000)));
        swarm.sim.start(seed);
    }
    swarm.sim.run_for(secs(10));
    for _ in 0..setup.peers(1) {
        swarm.leecher(Link::symmetric(gbit(1)));
    }
    swarm.expect_shortest();
    Ok(swarm.finish("uneven-seeds", hours(1)))
}

fn leaving_seeds(setup: &Setup) -> Result<Report, MetainfoError> {
    let mut swarm = Swarm::new(setup, setup.size(mib(64)), PIECE)?;
    let link = Link::symmetric(mbit(20));
    let seed = swarm.seed(link);
    for _ in 0..setup.peers(20) {
        swarm.leecher(link);
    }
    let nearly = |swarm: &Swarm| {
        let status = |l: &HostId| swarm.sim.status(*l);
        swarm.leechers.iter().filter_map(status).any(|s| u64::from(s.have) * 100 >= u64::from(s.pieces) * 99)
    };
    if swarm.wait_until(minutes(60), nearly) {
        swarm.sim.kill(seed);
    }
    Ok(swarm.finish("leaving-seeds", hours(10)))
}

/// Leechers that begin one after another.
fn arrive(
    swarm: &mut Swarm,
    count: u32,
    link: impl Fn(u32, u32) -> Link,
    when: impl Fn(u32, u32) -> peerless_core::Duration,
) {
    for n in 0..count {
        let host = swarm.later(link(n, count));
        swarm.sim.after(when(n, count), move |sim| sim.start(host));
    }
}
