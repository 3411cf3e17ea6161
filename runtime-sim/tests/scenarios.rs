//! Every built-in scenario, small, from a few seeds: all of them end well, and one seed is one run.

use peerless_core::{Duration, Instant};
use peerless_sim::Misdeed;
use peerless_sim::scenario::{Report, Scenario, Setup};
use peerless_sim::units::{mib, millis, minutes, secs};
use std::collections::BTreeSet;
use std::sync::OnceLock;

/// Seeds from which each scenario is run here. `peerless sim NAME --runs N` runs many more.
const SEEDS: std::ops::Range<u64> = 1..4;

fn small(seed: u64) -> Setup {
    Setup { seed, peers: Some(6), size: Some(mib(3)), ..Setup::default() }
}

/// The command that runs the same.
fn command(scenario: &str, seed: u64) -> String {
    format!("peerless sim {scenario} --seed {seed} --peers 6 --size 3M")
}

/// Runs a scenario. A panic in it knows seed and host, but not what was run: that is said before.
#[expect(clippy::print_stderr, reason = "it is shown where a test fails, and not otherwise")]
fn run(scenario: &Scenario, seed: u64) -> Report {
    eprintln!("{}", command(scenario.name, seed));
    scenario.run(&small(seed)).expect("a torrent of this size")
}

/// Every scenario and what came of it from each of the seeds, in their order. They are run once for all tests.
fn reports() -> &'static [(&'static Scenario, Vec<Report>)] {
    static REPORTS: OnceLock<Vec<(&Scenario, Vec<Report>)>> = OnceLock::new();
    let each = |scenario: &Scenario| SEEDS.map(|seed| run(scenario, seed)).collect();
    REPORTS.get_or_init(|| Scenario::all().map(|scenario| (scenario, each(scenario))).collect())
}

#[test]
fn every_scenario_ends_well() {
    for report in reports().iter().flat_map(|(_, reports)| reports) {
        assert_eq!(
            report.faults,
            Vec::<String>::new(),
            "see it with: {}",
            command(report.scenario, report.seed)
        );
    }
}

#[test]
fn one_seed_is_one_run() {
    for (scenario, reports) in reports() {
        let again = run(scenario, SEEDS.start);
        assert_eq!(again.digest, reports[0].digest, "{} is not a function of its seed", scenario.name);
        assert_eq!(again.struck, reports[0].struck, "{} is not a function of its seed", scenario.name);
    }
}

/// The digests of all scenarios, as they are on every machine and in every build. After a change that is meant:
/// `PEERLESS_UPDATE=1 cargo test -p peerless-sim --test scenarios`.
#[test]
fn the_digests_are_those_of_every_other_machine() {
    let mut now = String::new();
    for (scenario, reports) in reports() {
        now.push_str(&format!("{:<16}{}\n", scenario.name, reports[0].digest));
    }
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/digests.txt");
    if std::env::var_os("PEERLESS_UPDATE").is_some() {
        std::fs::write(&path, &now).expect("the digests can be written");
    }
    let before = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(before == now, "runs have changed; before:\n{before}\nnow:\n{now}");
}

/// Scenarios that are told to differ do: one of them would not be felt at all otherwise.
#[test]
fn no_two_scenarios_are_the_same_run() {
    let mut digests: Vec<String> = reports().iter().map(|(_, r)| r[0].digest.to_string()).collect();
    let all = digests.len();
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), all);
}

#[test]
fn what_a_scenario_is_about_strikes() {
    for (scenario, reports) in reports() {
        for report in reports {
            let told = format!("{} from seed {}: {}", scenario.name, report.seed, report.struck);
            assert!(strikes(report), "{told}");
        }
        assert!(strikes_in_one(scenario.name, reports), "{}: in none of the seeds", scenario.name);
    }
}

#[test]
fn reports_tell_of_rates_and_waste() {
    for report in reports().iter().flat_map(|(_, reports)| reports) {
        let told = format!("{} from seed {}", report.scenario, report.seed);
        if report.end.since(report.leechers[0].started) > secs(2) {
            assert!(report.samples.len() >= 100, "{told}: {} samples", report.samples.len());
        }
        assert!(report.samples.len() <= 512, "{told}: {} samples", report.samples.len());
        assert!(report.why.values().sum::<Duration>() <= report.unfinished, "{told}: {:?}", report.why);
        assert!(report.bytes.duplicate <= report.bytes.wasted, "{told}: {:?}", report.bytes);
        // Whoever gets blocks has shaken hands and asked for them.
        assert!(report.bytes.overhead > report.bytes.downloaded / 1_000, "{told}: {:?}", report.bytes);
        assert!(report.samples.iter().any(|sample| sample.up > 0 && sample.down > 0), "{told}");
    }
}

/// What shows that a scenario was what it says, from each seed.
fn strikes(report: &Report) -> bool {
    let all = |what: &[&str]| what.iter().all(|what| report.struck.count(what) > 0);
    let nothing = report.struck.iter().next().is_none();
    let started: BTreeSet<Instant> = report.leechers.iter().map(|l| l.started).collect();
    let first = report.leechers.iter().filter_map(|l| l.completed).min();
    let overlap = started.len() > 1 && started.last() < first.as_ref();
    let time = report.time().expect("all are complete");
    match report.scenario {
        "one-to-one" | "far" | "one-to-many" | "slow-and-fast" | "uneven-seeds" => {
            nothing && report.permille_of_shortest() > Some(1_000)
        }
        "flash-crowd" | "staggered" => nothing && overlap,
        "leaving-seeds" => all(&["seeds_left"]),
        "churn" => overlap && all(&["left_unfinished"]),
        "lossy" => all(&["parcels_lost"]),
        "long-paths" => nothing && time > report.shortest.expect("a bound") + millis(900),
        "resets" => all(&["streams_broken"]),
        "partition" => all(&["streams_cut"]) && time > minutes(1),
        "nat" => all(&["shut_out"]),
        "partial-seeds" => nothing && report.pieces >= 3,
        "crashing" => all(&["kills", "power_cuts", "restarts"]),
        "full-disk" => all(&["disk_troubles"]) && time > minutes(1),
        "slow-disk" => nothing && time > secs(report.size / mib(2)),
        "suspended" => all(&["sleeps"]) && time > minutes(30),
        "clocks" => all(&["clock_jumps", "times_of_day_set", "restarts"]),
        "many-pieces" => report.pieces == 10_000,
        "huge-pieces" => report.pieces == 4,
        "tiny-pieces" => report.size / u64::from(report.pieces) <= 4 << 10,
        "corrupting" => all(&["bans", "pieces_failed"]),
        "hostile" => report.struck.count("misdeeds") == Misdeed::EVERY.len() as u64,
        "rude-trackers" => all(&["rude_answers"]),
        other => panic!("say here how {other} shows that it is what it says"),
    }
}

/// What is to be seen from one seed at least.
fn strikes_in_one(scenario: &str, reports: &[Report]) -> bool {
    let any = |what: &str| reports.iter().any(|report| report.struck.count(what) > 0);
    match scenario {
        "churn" => any("left_complete"),
        "hostile" => any("bans") && reports.iter().any(|report| report.bytes.corrupt > 0),
        "rude-trackers" => any("trackers_failed") && any("intervals_changed"),
        _ => true,
    }
}

#[test]
fn it_is_known_before_a_run_how_many_leechers_there_are() {
    for (scenario, reports) in reports() {
        for report in reports {
            let told = scenario.leechers(&small(report.seed));
            assert_eq!(report.leechers.len(), told as usize, "{}", scenario.name);
        }
    }
}

#[test]
fn scenarios_are_known_by_their_names() {
    for scenario in Scenario::all() {
        assert_eq!(Scenario::named(scenario.name).map(|s| s.about), Some(scenario.about));
    }
    assert!(Scenario::named("no such thing").is_none());
}
