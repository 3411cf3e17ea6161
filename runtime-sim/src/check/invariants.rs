//! What holds in every engine at every moment, as far as it shows from outside.

use super::breach::Breach;
use peerless_core::limits::{MAX_IN_THE_DOOR, MAX_OUTSTANDING_REQUESTS, MAX_UNSENT};
use peerless_core::{Config, Engine, Instant, PeerStatus};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The least that the engine makes of a budget for memory.
const LEAST_BUDGET: usize = 4 * MAX_UNSENT;
/// What may still come from one peer when the budget is spent: what the network hands over at one go.
const LAST_PARCEL: usize = 80 << 10;

/// The numbers that the configuration limits. Costs nothing.
pub(super) fn limits(engine: &Engine, config: &Config) -> Option<Breach> {
    let usage = engine.usage();
    let memory = config.memory_budget.max(LEAST_BUDGET) + usage.peers * LAST_PARCEL;
    let numbers = [
        ("connections to peers", usage.peers, config.max_peers),
        ("connections that it opens", usage.dialling, config.max_half_open),
        ("connections without a torrent", usage.strangers, config.max_half_open),
        ("connections", usage.peers + usage.strangers, config.max_peers + MAX_IN_THE_DOOR),
        ("bytes on their way to the disk", usage.memory, memory),
    ];
    over(numbers)
}

/// The whole of an engine: its own account of blocks and connections, and what has to be looked for in every peer.
pub(super) fn state(now: Instant, engine: &Engine, config: &Config) -> Option<Breach> {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| engine.check_invariants())) {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
        return Some(Breach::Account(text.unwrap_or_default()));
    }
    engine.torrents().find_map(|torrent| {
        let peers = engine.peers(now, torrent);
        let unchoked = peers.iter().filter(|p| p.interested && !p.choked).count();
        let requests = peers.iter().map(|p| p.requests as usize).max().unwrap_or(0);
        over([
            ("unchoked peers", unchoked, config.upload_slots.most()),
            ("requests with one peer", requests, MAX_OUTSTANDING_REQUESTS),
            ("peers of one address", most_of_one_address(&peers), config.max_per_address.max(1)),
        ])
    })
}

/// How many connections the address has that has most. This machine's own are not counted, and a network of IPv6 (/64)
/// is one address, but for local ones.
fn most_of_one_address(peers: &[PeerStatus]) -> usize {
    let mut counts = BTreeMap::new();
    for peer in peers {
        let holder = match peer.remote.ip().to_canonical() {
            ip if ip.is_loopback() => continue,
            IpAddr::V6(ip) if !ip.is_unicast_link_local() && !ip.is_unique_local() => {
                IpAddr::from((u128::from(ip) >> 64 << 64).to_be_bytes())
            }
            ip => ip,
        };
        *counts.entry(holder).or_insert(0) += 1;
    }
    counts.into_values().max().unwrap_or(0)
}

fn over<const N: usize>(numbers: [(&'static str, usize, usize); N]) -> Option<Breach> {
    let broken = numbers.into_iter().find(|(_, count, limit)| count > limit);
    broken.map(|(what, count, limit)| Breach::Limit { what, count, limit })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{kib, millis, minutes};
    use crate::{Gate, Host, Link, Sim};
    use peerless_core::UploadSlots;

    #[test]
    fn more_connections_with_one_address_than_it_may_have_are_told() {
        let mut sim = Sim::new(1);
        let torrent = sim.torrent(kib(4_000), 64 << 10, &[]).unwrap();
        let seed = sim.add(Host::new("seed").seeds(&torrent));
        let site = sim.site(Gate::FullCone);
        for n in 0..3 {
            let leecher = sim.add(Host::new(format!("leecher {n}")).at(site).downloads(&torrent));
            sim.introduce(leecher, seed);
        }
        sim.run_until(minutes(1), |sim| sim.engine(seed).is_some_and(|e| e.usage().peers == 3)).unwrap();
        sim.run_for(millis(500));
        let told = |most| {
            let config = Config { max_per_address: most, ..Config::default() };
            state(sim.now(), sim.engine(seed).unwrap(), &config)
        };
        assert_eq!(told(3), None);
        assert_eq!(told(2), Some(Breach::Limit { what: "peers of one address", count: 3, limit: 2 }));
    }

    #[test]
    fn an_engine_that_uses_more_than_it_may_is_told() {
        let mut sim = Sim::new(1);
        let torrent = sim.torrent(kib(4_000), 64 << 10, &[]).unwrap();
        let line = Link::default().latency(millis(50));
        let seed = sim.add(Host::new("seed").link(line).seeds(&torrent));
        let leecher = sim.add(Host::new("leecher").link(line).downloads(&torrent));
        sim.introduce(leecher, seed);
        sim.run_until(minutes(1), |sim| sim.status(leecher).is_some_and(|s| s.have > 0)).unwrap();
        let usual = Config::default();
        for host in [seed, leecher] {
            let engine = sim.engine(host).unwrap();
            assert_eq!(limits(engine, &usual), None);
            assert_eq!(state(sim.now(), engine, &usual), None);
            let less = limits(engine, &Config { max_peers: 0, ..usual.clone() });
            assert_eq!(less, Some(Breach::Limit { what: "connections to peers", count: 1, limit: 0 }));
        }
        let slots = state(
            sim.now(),
            sim.engine(seed).unwrap(),
            &Config { upload_slots: UploadSlots::Fixed(0), ..usual },
        );
        assert_eq!(slots, Some(Breach::Limit { what: "unchoked peers", count: 1, limit: 0 }));
    }
}
