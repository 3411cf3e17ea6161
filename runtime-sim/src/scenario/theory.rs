//! The shortest time in which a swarm can be served: no client can be faster.
//!
//! For content that can be cut as finely as one likes (Kumar and Ross 2006), the last leecher has it all after
//! `max(F / u_seeds, F / d_min, N F / (u_seeds + sum of u_i))`: the seeds have to send each byte once, the slowest
//! leecher has to receive it all, and what all receive has to be sent by somebody.

use crate::net::Link;
use peerless_core::Duration;

/// The bound for `total` bytes, these seeds, and these leechers that all begin at once and stay.
pub fn shortest_time(total: u64, seeds: &[Link], leechers: &[Link]) -> Duration {
    let sum = |links: &[Link]| {
        links.iter().try_fold(0u128, |sum, link| link.up.map(|up| sum + u128::from(up.bytes_per_second())))
    };
    let micros = |bytes: u128, rate: Option<u128>| match rate {
        Some(rate) => (bytes * 1_000_000).div_ceil(rate.max(1)),
        None => 0,
    };
    let slowest =
        leechers.iter().filter_map(|l| l.down).min().map(|down| u128::from(down.bytes_per_second()));
    let (total, count) = (u128::from(total), leechers.len() as u128);
    let from_seeds = micros(total, sum(seeds));
    let into_slowest = micros(total, slowest);
    let by_all = micros(total * count, sum(seeds).zip(sum(leechers)).map(|(s, l)| s + l));
    let micros = from_seeds.max(into_slowest).max(by_all);
    Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{Rate, secs};

    fn link(up: u64, down: u64) -> Link {
        Link::rates(Rate(up), Rate(down))
    }

    #[test]
    fn each_bound_has_its_turn() {
        // The seed is slow.
        assert_eq!(shortest_time(1_000, &[link(10, 0)], &[link(500, 500)]), secs(100));
        // A leecher is slow.
        assert_eq!(shortest_time(1_000, &[link(500, 0)], &[link(500, 500), link(500, 20)]), secs(50));
        // Nobody gives but the seed.
        assert_eq!(shortest_time(1_000, &[link(100, 0)], &[link(0, 500); 5]), secs(50));
        // Together they are faster than the seed alone.
        assert_eq!(shortest_time(1_000, &[link(100, 0)], &[link(100, 500); 4]), secs(10));
        assert_eq!(shortest_time(1_000, &[Link::unlimited()], &[Link::unlimited()]), secs(0));
    }
}
