//! What holds in every engine at every moment, as far as it shows from outside.

use super::breach::Breach;
use peerless_core::limits::{MAX_IN_THE_DOOR, MAX_OUTSTANDING_REQUESTS, MAX_UNSENT};
use peerless_core::{Config, Engine, Instant};
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
            ("unchoked peers", unchoked, config.upload_slots),
            ("requests with one peer", requests, MAX_OUTSTANDING_REQUESTS),
        ])
    })
}

fn over<const N: usize>(numbers: [(&'static str, usize, usize); N]) -> Option<Breach> {
    let broken = numbers.into_iter().find(|(_, count, limit)| count > limit);
    broken.map(|(what, count, limit)| Breach::Limit { what, count, limit })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{kib, millis, minutes};
    use crate::{Host, Link, Sim};

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
        let slots = state(sim.now(), sim.engine(seed).unwrap(), &Config { upload_slots: 0, ..usual });
        assert_eq!(slots, Some(Breach::Limit { what: "unchoked peers", count: 1, limit: 0 }));
    }
}
