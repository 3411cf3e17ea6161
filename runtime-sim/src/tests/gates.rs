//! Swarms whose peers are behind firewalls and NATs.

use crate::units::{mbit, mib, minutes};
use crate::{Gate, Host, HostId, HttpTracker, Link, Sim};

fn line() -> Link {
    Link::symmetric(mbit(20))
}

/// A tracker, a torrent that names it, and a host for each of these gates; the first is the seed.
fn swarm(seed: u64, gates: &[Gate]) -> (Sim, Vec<HostId>) {
    let mut sim = Sim::new(seed);
    let tracker = sim.add_actor("tracker", Link::unlimited(), HttpTracker::new(seed));
    let torrent = sim.torrent(mib(4), 64 << 10, &[HttpTracker::url(sim.addr(tracker))]).unwrap();
    let host = |(n, gate): (usize, &Gate)| {
        let host = Host::new(format!("host {n}, {gate:?}")).link(line()).behind(*gate);
        sim.add(if n == 0 { host.seeds(&torrent) } else { host.downloads(&torrent) })
    };
    let hosts = gates.iter().enumerate().map(host).collect();
    (sim, hosts)
}

#[test]
fn a_swarm_most_of_which_is_behind_nats_completes_through_those_who_are_not() {
    let gates = [
        Gate::Symmetric,
        Gate::Open,
        Gate::FullCone,
        Gate::AddressRestricted,
        Gate::Symmetric,
        Gate::Firewall,
        Gate::FullCone,
        Gate::Symmetric,
    ];
    for seed in 0..3 {
        let (mut sim, hosts) = swarm(seed, &gates);
        sim.run_until(minutes(60), |sim| sim.downloads_left() == 0).unwrap();
        assert!(hosts[1..].iter().all(|host| sim.has_whole(*host)));
    }
}

#[test]
fn two_behind_nats_never_meet_by_streams_until_a_port_is_forwarded() {
    let (mut sim, hosts) = swarm(1, &[Gate::FullCone, Gate::FullCone]);
    let error = sim.run_until(minutes(90), |sim| sim.downloads_left() == 0).unwrap_err();
    assert!(error.to_string().contains("0 of 64 pieces, 0 peers"), "{error}");
    sim.forward(hosts[0], 6_881);
    sim.run_until(minutes(90), |sim| sim.downloads_left() == 0).unwrap();
}

#[test]
fn those_behind_one_nat_serve_each_other() {
    let mut sim = Sim::new(1);
    let home = sim.site(Gate::Symmetric);
    let torrent = sim.torrent(mib(4), 64 << 10, &[]).unwrap();
    let slow = sim.add(Host::new("seed").link(Link::symmetric(mbit(1))).seeds(&torrent));
    let two = ["a", "b"].map(|name| sim.add(Host::new(name).link(line()).at(home).downloads(&torrent)));
    sim.introduce(two[0], slow);
    sim.introduce(two[1], two[0]);
    sim.run_until(minutes(10), |sim| sim.downloads_left() == 0).unwrap();
    let fetched = sim.traffic(slow).uploaded;
    assert!(fetched < mib(5), "they fetched {fetched} bytes from outside, for 4 MiB");
}
