//! Takes samples while a simulation runs: often in short runs, seldom in long ones, and never many.

use super::report::{Sample, word};
use crate::net::HostId;
use crate::sim::Sim;
use peerless_core::{Duration, Instant};
use std::collections::BTreeMap;

/// Time between two samples at first.
const FIRST_PACE: Duration = Duration::from_millis(10);
/// When so many samples are held, every other one is dropped.
const MAX_HELD: usize = 512;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Sampler {
    held: Vec<Held>,
    pace: Duration,
    next: Instant,
    /// For how long each reason to wait came first, over all downloads from their beginning to their end.
    pub(super) why: BTreeMap<&'static str, Duration>,
    /// How long all downloads were unfinished, all together.
    pub(super) unfinished: Duration,
}

/// How things stood.
#[derive(Clone, Copy, Debug)]
struct Held {
    at: Instant,
    complete: usize,
    /// Payload bytes so far, received by leechers, and sent by all.
    received: u64,
    sent: u64,
}

impl Default for Sampler {
    fn default() -> Self {
        Self {
            held: Vec::new(),
            pace: FIRST_PACE,
            next: Instant::ZERO,
            why: BTreeMap::new(),
            unfinished: Duration::ZERO,
        }
    }
}

impl Sampler {
    /// Looks at every host, if it is time to.
    pub(super) fn tick(&mut self, sim: &Sim, seeds: &[HostId], leechers: &[HostId]) {
        if sim.now() >= self.next {
            self.look(sim, seeds, leechers);
        }
    }

    /// Looks at every host.
    pub(super) fn look(&mut self, sim: &Sim, seeds: &[HostId], leechers: &[HostId]) {
        let before = self.held.last().map_or(Instant::ZERO, |held| held.at);
        let mut held = Held { at: sim.now(), complete: 0, received: 0, sent: 0 };
        for host in leechers {
            let traffic = sim.traffic(*host);
            held.received += traffic.downloaded;
            held.sent += traffic.uploaded;
            if sim.completed(*host).is_some() {
                held.complete += 1;
            } else if sim.has_begun(*host) {
                // Since the look before it has been as it is now.
                let time = sim.now().since(before.max(sim.started(*host)));
                self.unfinished += time;
                let why = match sim.status(*host) {
                    None => Some("off"),
                    Some(status) => status.why.first().copied().map(word),
                };
                if let Some(why) = why {
                    *self.why.entry(why).or_default() += time;
                }
            }
        }
        held.sent += seeds.iter().map(|host| sim.traffic(*host).uploaded).sum::<u64>();
        self.held.push(held);
        while self.held.len() >= MAX_HELD {
            self.thin();
        }
        self.next = held.at + self.pace;
    }

    /// Doubles the pace, and drops what is closer together than that.
    fn thin(&mut self) {
        self.pace *= 2;
        let mut next = Instant::ZERO;
        let pace = self.pace;
        self.held.retain(|held| {
            let kept = held.at >= next;
            if kept {
                next = held.at + pace;
            }
            kept
        });
    }

    /// The samples, with the rates between them.
    pub(super) fn samples(&self) -> Vec<Sample> {
        let mut before = Held { at: Instant::ZERO, complete: 0, received: 0, sent: 0 };
        let sample = |held: &Held| {
            let micros = u64::try_from(held.at.since(before.at).as_micros()).unwrap_or(u64::MAX).max(1);
            let rate = |now: u64, then: u64| {
                let rate = u128::from(now.saturating_sub(then)) * 1_000_000 / u128::from(micros);
                u64::try_from(rate).unwrap_or(u64::MAX)
            };
            let (down, up) = (rate(held.received, before.received), rate(held.sent, before.sent));
            before = *held;
            Sample { at: held.at, complete: held.complete, down, up }
        };
        self.held.iter().map(sample).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{mbit, mib, millis, minutes, secs};
    use crate::{Host, Link};

    /// A host that downloads from another, looked at for so long.
    fn sampled(time: Duration) -> Sampler {
        let mut sim = Sim::new(1);
        let torrent = sim.torrent(mib(4), 64 << 10, &[]).unwrap();
        let line = Link::symmetric(mbit(20));
        let seed = sim.add(Host::new("seed").link(line).seeds(&torrent));
        let leecher = sim.add(Host::new("leecher").link(line).downloads(&torrent));
        let later = sim.add_off(Host::new("later").downloads(&torrent));
        sim.introduce(leecher, seed);
        let mut sampler = Sampler::default();
        let end = sim.now() + time;
        while sim.step(end) {
            sampler.tick(&sim, &[seed], &[leecher, later]);
        }
        sampler
    }

    #[test]
    fn a_short_run_has_a_hundred_samples_and_a_long_one_not_many() {
        assert!((100..MAX_HELD).contains(&sampled(secs(2)).samples().len()));
        assert!((100..MAX_HELD).contains(&sampled(minutes(100)).samples().len()));
    }

    #[test]
    fn rates_are_those_between_samples_whatever_was_dropped() {
        for time in [secs(2), minutes(20)] {
            let samples = sampled(time).samples();
            let mut before = 0;
            let mut bytes = [0, 0];
            for sample in &samples {
                let micros = sample.at.as_micros() - before;
                bytes =
                    [bytes[0] + sample.down * micros / 1_000_000, bytes[1] + sample.up * micros / 1_000_000];
                before = sample.at.as_micros();
            }
            assert!(bytes.iter().all(|b| b.abs_diff(mib(4)) < 20_000), "{bytes:?}");
        }
    }

    #[test]
    fn only_downloads_that_have_begun_and_are_not_complete_wait() {
        let sampler = sampled(minutes(5));
        let waited: Duration = sampler.why.values().sum();
        assert!(!waited.is_zero() && waited < sampler.unfinished, "{waited:?} of {:?}", sampler.unfinished);
        // 4 MiB take 1.7 seconds.
        assert!((millis(1_700)..millis(2_500)).contains(&sampler.unfinished), "{:?}", sampler.unfinished);
    }
}
