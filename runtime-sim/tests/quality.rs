//! How good swarms are, as a table under version control: a change of policy shows as a change of a number.
//!
//! Times are thousandths of the shortest possible time, utilisations thousandths of what the lines could carry, both
//! from fixed seeds. After a change that is meant: `PEERLESS_UPDATE=1 cargo test --profile swarm -p peerless-sim
//! --test quality`, and a look at the difference.

use peerless_core::{Config, Instant, UploadSlots};
use peerless_sim::scenario::{Scenario, Setup, Swarm, shortest_time};
use peerless_sim::units::{gbit, hours, mbit, mib, secs};
use peerless_sim::{Host, Link, Sim};
use std::fmt::Write as _;
use std::path::Path;

const SEEDS: [u64; 2] = [1, 2];

#[test]
#[cfg_attr(debug_assertions, ignore = "takes minutes without optimisation: use --profile swarm")]
fn swarms_are_as_good_as_they_were() {
    let mut table = String::from("measure                                               seed 1  seed 2\n");
    for (name, measure) in MEASURES {
        let _ = write!(table, "{name:<52}");
        for seed in SEEDS {
            let _ = write!(table, "{:>8}", measure(seed));
        }
        table.push('\n');
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/quality.txt");
    if std::env::var_os("PEERLESS_UPDATE").is_some() {
        std::fs::write(&path, &table).expect("the table can be written");
    }
    let before = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(before == table, "swarms have changed; before:\n{before}\nnow:\n{table}");
}

/// What is measured, from a seed.
type Measure = fn(u64) -> u64;

const MEASURES: [(&str, Measure); 11] = [
    ("time: 1 seed, 50 equal leechers, 128 MiB", |seed| time("one-to-many", seed, 50, 128)),
    ("time: the same, 256 MiB, lines of 20 and 80 Mbit/s", asymmetric),
    ("time: 1 seed, 100 leechers of three speeds", |seed| time("slow-and-fast", seed, 100, 64)),
    ("duplicates: the same, of the bytes received", duplicates),
    ("use of 1 Gbit/s after a second, 10 ms", |seed| far(seed, 10)),
    ("use of 1 Gbit/s after a second, 50 ms", |seed| far(seed, 50)),
    ("use of 1 Gbit/s after a second, 100 ms", |seed| far(seed, 100)),
    ("use of 1 Gbit/s after a second, 200 ms", |seed| far(seed, 200)),
    ("use of 20 seeds of uneven speed", uneven),
    ("fairness: median time of who gives", |seed| fairness(seed).0),
    ("fairness: median time of who gives nothing", |seed| fairness(seed).1),
];

fn time(scenario: &str, seed: u64, peers: u32, size: u64) -> u64 {
    let setup = Setup { seed, peers: Some(peers), size: Some(mib(size)), ..Setup::default() };
    let report = Scenario::named(scenario).expect("a scenario").run(&setup).expect("a torrent");
    assert_eq!(report.faults, Vec::<String>::new());
    report.permille_of_shortest().expect("all complete")
}

/// With lines as households have them, that take more than they give. Where both are equal, as above, whoever was once
/// without work for its downlink is late for good, however good the swarm is.
fn asymmetric(seed: u64) -> u64 {
    let mut swarm = Swarm::new(&Setup::seed(seed), mib(256), 256 << 10).expect("a torrent");
    let line = Link::rates(mbit(20), mbit(80));
    swarm.seed(line);
    (0..50).for_each(|_| _ = swarm.leecher(line));
    swarm.expect_shortest();
    swarm.finish("asymmetric", hours(1)).permille_of_shortest().expect("all complete")
}

fn duplicates(seed: u64) -> u64 {
    let scenario = Scenario::named("slow-and-fast").expect("a scenario");
    let report = scenario
        .run(&Setup { seed, peers: Some(100), size: Some(mib(64)), ..Setup::default() })
        .expect("a torrent");
    report.bytes.wasted * 1_000 / report.bytes.downloaded
}

/// Of a line, over the five seconds after the first.
fn far(seed: u64, round_trip_ms: u64) -> u64 {
    let mut sim = Sim::new(seed);
    let torrent = sim.torrent(mib(1_024), 1 << 20, &[]).expect("a torrent");
    let way = peerless_core::Duration::from_micros(round_trip_ms * 250);
    let line = Link::symmetric(gbit(1)).latency(way).window(64 << 20);
    let there = sim.add(Host::new("seed").link(line).seeds(&torrent));
    sim.run_for(secs(3));
    let here = sim.add(Host::new("leecher").link(line).downloads(&torrent));
    sim.introduce(here, there);
    sim.run_for(secs(1));
    let before = sim.traffic(here).downloaded;
    sim.run_for(secs(5));
    (sim.traffic(here).downloaded - before) * 1_000 / (5 * 125_000_000)
}

/// The time of a download from 20 seeds, in terms of the shortest: 1,000 in 1,000 is full use.
fn uneven(seed: u64) -> u64 {
    1_000_000 / time("uneven-seeds", seed, 1, 1_024)
}

/// Among 40 leechers with equal lines and a seed that could serve few of them, a tenth gives nothing: how long both
/// take, at the median. That it does not pay to give nothing is no measure that may change.
fn fairness(seed: u64) -> (u64, u64) {
    let mut swarm = Swarm::new(&Setup::seed(seed), mib(64), 256 << 10).expect("a torrent");
    let line = Link::rates(mbit(10), mbit(40));
    let seeds = Link::symmetric(mbit(40));
    swarm.seed(seeds);
    let none = Config { upload_slots: UploadSlots::Fixed(0), ..Config::default() };
    let (mut giving, mut taking) = (Vec::new(), Vec::new());
    for n in 0..40 {
        let host = Host::new(format!("leecher {n}")).link(line).downloads(&swarm.torrent);
        if n % 10 == 0 {
            taking.push(swarm.sim.add(host.config(none.clone())));
        } else {
            giving.push(swarm.sim.add(host));
        }
    }
    let begin = swarm.sim.now();
    swarm.sim.run_until(secs(3_600), |sim| sim.downloads_left() == 0).expect("all complete");
    let bound = shortest_time(mib(64), &[seeds], &vec![line; 36]).as_micros();
    let median = |hosts: &[peerless_sim::HostId]| {
        let mut times: Vec<u128> = hosts
            .iter()
            .filter_map(|h| swarm.sim.completed(*h))
            .map(|at: Instant| at.since(begin).as_micros())
            .collect();
        times.sort_unstable();
        u64::try_from(times[times.len() / 2] * 1_000 / bound).expect("a time of hours")
    };
    let (gives, takes) = (median(&giving), median(&taking));
    assert!(gives <= takes, "from seed {seed}, who gives nothing is done at {takes}, who gives at {gives}");
    (gives, takes)
}
