//! Every built-in scenario, small, from a few seeds: all of them end well, and one seed is one run.

use peerless_sim::scenario::{Scenario, Setup};
use peerless_sim::units::mib;

/// Seeds from which each scenario is run here. `peerless sim NAME --runs N` runs many more.
const SEEDS: std::ops::Range<u64> = 1..4;

fn small(seed: u64) -> Setup {
    Setup { seed, peers: Some(6), size: Some(mib(3)), ..Setup::default() }
}

#[test]
fn every_scenario_ends_well() {
    for scenario in Scenario::all() {
        for seed in SEEDS {
            let report = scenario.run(&small(seed)).expect("a torrent of this size");
            assert_eq!(
                report.faults,
                Vec::<String>::new(),
                "see it with: peerless sim {} --seed {seed} --peers 6 --size 3M",
                scenario.name
            );
        }
    }
}

#[test]
fn one_seed_is_one_run() {
    for scenario in Scenario::all() {
        let digest = |seed| scenario.run(&small(seed)).expect("a torrent of this size").digest;
        assert_eq!(digest(1), digest(1), "{} is not a function of its seed", scenario.name);
    }
}

/// The digests of all scenarios, as they are on every machine and in every build. After a change that is meant:
/// `PEERLESS_UPDATE=1 cargo test -p peerless-sim --test scenarios`.
#[test]
fn the_digests_are_those_of_every_other_machine() {
    let mut now = String::new();
    for scenario in Scenario::all() {
        let report = scenario.run(&small(1)).expect("a torrent of this size");
        now.push_str(&format!("{:<16}{}\n", scenario.name, report.digest));
    }
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/digests.txt");
    if std::env::var_os("PEERLESS_UPDATE").is_some() {
        std::fs::write(&path, &now).expect("the digests can be written");
    }
    let before = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(before == now, "runs have changed; before:\n{before}\nnow:\n{now}");
}

#[test]
fn scenarios_are_known_by_their_names() {
    for scenario in Scenario::all() {
        assert_eq!(Scenario::named(scenario.name).map(|s| s.about), Some(scenario.about));
    }
    assert!(Scenario::named("no such thing").is_none());
}
