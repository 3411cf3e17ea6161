//! Scenarios of honest peers that share: how good a swarm is.

use super::{Report, Scenario, Setup, Swarm};
use crate::dice::Dice;
use crate::net::{HostId, Link};
use crate::sim::Sim;
use crate::units::{Rate, gbit, hours, kib, mbit, mib, millis, secs};
use peerless_core::{Duration, MetainfoError};

/// See [`Scenario::all`].
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario::new("one-to-one", "one seed, one leecher, 1 Gbit/s, 10 ms apart", 1, one_to_one),
    Scenario::new("far", "one seed, one leecher, 1 Gbit/s, 200 ms apart", 1, far),
    Scenario::new("one-to-many", "one seed and 50 equal leechers that begin at once", 50, one_to_many),
    Scenario::new("flash-crowd", "one seed and 200 leechers that come nearly at once", 200, flash_crowd),
    Scenario::new("staggered", "one leecher after another, each while others download", 30, staggered),
    Scenario::new("slow-and-fast", "one seed and 100 leechers of three classes of speed", 100, slow_and_fast),
    Scenario::new(
        "uneven-seeds",
        "20 seeds of uneven speed, one leecher that could take them all",
        1,
        uneven_seeds,
    ),
    Scenario::new("leaving-seeds", "the seed leaves when the first leecher has 99 %", 20, leaving_seeds),
    Scenario::new(
        "churn",
        "leechers come at any time and leave some time after their end, one in four before it",
        40,
        churn,
    ),
];

fn one_to_one(setup: &Setup, peers: u32) -> Result<Report, MetainfoError> {
    pair(setup, peers, "one-to-one", millis(5))
}

fn far(setup: &Setup, peers: u32) -> Result<Report, MetainfoError> {
    pair(setup, peers, "far", millis(100))
}

/// A seed and a leecher at 1 Gbit/s, each so far from the middle.
fn pair(setup: &Setup, peers: u32, name: &'static str, way: Duration) -> Result<Report, MetainfoError> {
    let mut swarm = Swarm::usual(setup, mib(512))?;
    let link = Link::symmetric(gbit(1)).latency(way / 2).window(kib(64 << 10) as usize);
    swarm.seed(link);
    for _ in 0..peers {
        swarm.leecher(link);
    }
    swarm.expect_shortest();
    Ok(swarm.finish(name, hours(1)))
}

fn one_to_many(setup: &Setup, peers: u32) -> Result<Report, MetainfoError> {
    let mut swarm = Swarm::usual(setup, mib(128))?;
    let link = Link::symmetric(mbit(20));
    swarm.seed(link);
    for _ in 0..peers {
        swarm.leecher(link);
    }
    swarm.expect_shortest();
    Ok(swarm.finish("one-to-many", hours(10)))
}

fn flash_crowd(setup: &Setup, peers: u32) -> Result<Report, MetainfoError> {
    let mut swarm = Swarm::usual(setup, mib(32))?;
    swarm.seed(Link::symmetric(mbit(50)));
    arrive(&mut swarm, peers, 80 / peers.max(1));
    Ok(swarm.finish("flash-crowd", hours(10)))
}

fn staggered(setup: &Setup, peers: u32) -> Result<Report, MetainfoError> {
    let mut swarm = Swarm::usual(setup, mib(64))?;
    swarm.seed(Link::symmetric(mbit(20)));
    arrive(&mut swarm, peers, 75);
    Ok(swarm.finish("staggered", hours(10)))
}

fn slow_and_fast(setup: &Setup, peers: u32) -> Result<Report, MetainfoError> {
    let mut swarm = Swarm::usual(setup, mib(64))?;
    swarm.seed(Link::symmetric(mbit(50)));
    let classes = [(mbit(2), mbit(10)), (mbit(10), mbit(50)), (mbit(50), mbit(100))];
    for n in 0..peers {
        let (up, down) = classes[n as usize % classes.len()];
        swarm.leecher(Link::rates(up, down));
    }
    swarm.expect_shortest();
    Ok(swarm.finish("slow-and-fast", hours(10)))
}

fn uneven_seeds(setup: &Setup, peers: u32) -> Result<Report, MetainfoError> {
    let mut swarm = Swarm::usual(setup, mib(512))?;
    // From half a megabyte a second to ten; together a little over a hundred.
    for n in 1..=20 {
        let seed = swarm.seed_later(Link::symmetric(Rate(n * 500_000)));
        swarm.sim.start(seed);
    }
    swarm.sim.run_for(secs(10));
    for _ in 0..peers {
        swarm.leecher(Link::symmetric(gbit(1)));
    }
    swarm.expect_shortest();
    Ok(swarm.finish("uneven-seeds", hours(1)))
}

fn leaving_seeds(setup: &Setup, peers: u32) -> Result<Report, MetainfoError> {
    let mut swarm = Swarm::usual(setup, mib(64))?;
    let link = Link::symmetric(mbit(20));
    let seed = swarm.seed(link);
    for _ in 0..peers {
        swarm.leecher(link);
    }
    if swarm.wait_until(hours(10), |swarm| swarm.progress() >= 990) {
        if swarm.sim.downloads_left() == swarm.leechers.len() {
            swarm.sim.strike("seeds_left");
        }
        swarm.sim.kill(seed);
        swarm.copies_leave = true;
    }
    Ok(swarm.finish("leaving-seeds", hours(10)))
}

/// Arrivals and stays are drawn from exponential distributions, as they are where nobody knows of anybody.
fn churn(setup: &Setup, peers: u32) -> Result<Report, MetainfoError> {
    let mut swarm = Swarm::usual(setup, mib(64))?;
    swarm.seed(Link::symmetric(mbit(20)));
    let mut dice = Dice::new(setup.seed, "churn");
    let hosts: Vec<_> = (0..peers).map(|_| swarm.later(Link::symmetric(mbit(20)))).collect();
    // Four come, at the mean, in the shortest time in which one could be served.
    let (gap, stay) = (swarm.part(250), swarm.part(500));
    let mut arrival = Duration::ZERO;
    for (n, host) in (0..).zip(hosts) {
        arrival += dice.exponential(gap);
        swarm.sim.after(arrival, move |sim| sim.start(host));
        if n % 4 == 1 {
            // Nobody is complete so soon.
            swarm.quitters.insert(host);
            let patience = dice.exponential(stay).min(swarm.part(950));
            swarm.sim.after(arrival + patience, move |sim| leave(sim, host, "left_unfinished"));
        } else {
            let stay = dice.exponential(stay);
            swarm.when(
                move |sim| sim.completed(host).is_some(),
                move |sim| sim.after(stay, move |sim| leave(sim, host, "left_complete")),
            );
        }
    }
    Ok(swarm.finish("churn", hours(10)))
}

/// A host's program is ended in order, and the host is gone for good when it had the time to say so.
fn leave(sim: &mut Sim, host: HostId, how: &'static str) {
    sim.strike(how);
    sim.shut_down(host);
    sim.after(secs(5), move |sim| sim.kill(host));
}

/// Leechers that begin one after another, each so many thousandths of the shortest time after the one before.
fn arrive(swarm: &mut Swarm, count: u32, permille: u32) {
    let hosts: Vec<_> = (0..count).map(|_| swarm.later(Link::symmetric(mbit(20)))).collect();
    for (n, host) in (0..).zip(hosts) {
        swarm.sim.after(swarm.part(permille * n), move |sim| sim.start(host));
    }
}
