//! `peerless sim`: runs a built-in scenario of the simulator and tells what came of it.

mod keep;
mod plot;
mod tell;

use crate::args;
use crate::console;
use crate::exit::{Exit, Failure};
use crate::fault::catching;
use crate::report::Report;
use crate::text;
use peerless_sim::scenario::{self, Scenario, Setup};

/// Lists the scenarios, or runs one from one seed or many.
pub(crate) fn run(args: &args::Sim) -> Result<Report, Failure> {
    let Some(name) = args.scenario.as_deref().filter(|_| !args.list) else {
        return list(args.json);
    };
    let scenario = Scenario::named(name).ok_or_else(|| {
        let text = format!("usage: there is no scenario {name}; peerless sim --list names them all");
        Failure::new(Exit::Usage, text)
    })?;
    let record = args.record.is_some().then_some(args.leecher);
    let setup = Setup { seed: args.seed, peers: args.peers, size: args.size, record };
    check_leecher(scenario, &setup)?;
    keep::check(args)?;
    let mut bad = Vec::new();
    let mut last = None;
    for n in 0..args.runs {
        let seed = args.seed.wrapping_add(n);
        let report = match catching(|| simulate(scenario, &Setup { seed, ..setup })) {
            Ok(report) => report?,
            Err(fault) => {
                if args.json {
                    console::json(&tell::json_fault(name, seed, &fault))?;
                } else {
                    console::data(&format!("seed {seed:<6} a bug: {fault}"))?;
                }
                bad.push(Bad { seed, fault, bug: true });
                continue;
            }
        };
        if args.json {
            console::json(&tell::json(&report))?;
        } else if args.runs == 1 {
            tell::whole(&report).iter().try_for_each(|line| console::data(line))?;
        } else {
            console::data(&tell::short(&report))?;
        }
        if let Some(fault) = report.faults.first() {
            bad.push(Bad { seed, fault: fault.clone(), bug: false });
        }
        last = Some(report);
    }
    if let Some(report) = &last {
        if let (Some(path), Some(recording)) = (&args.record, &report.recording) {
            keep::recording(path, recording)?;
        }
        if let Some(path) = &args.plot {
            keep::plot(path, &plot::svg(report))?;
        }
    }
    Ok(verdict(args, name, &bad))
}

/// A run that ended badly.
struct Bad {
    seed: u64,
    fault: String,
    /// It is one of the engine or the simulator, not a download that did not come to its end.
    bug: bool,
}

/// Whether there is the leecher that is to be recorded.
fn check_leecher(scenario: &Scenario, setup: &Setup) -> Result<(), Failure> {
    let there = scenario.leechers(setup);
    let Some(leecher) = setup.record.filter(|leecher| *leecher > there) else { return Ok(()) };
    let (there, name) = (text::count(there.into(), "leecher"), scenario.name);
    let text = format!("usage: there is no leecher {leecher} to record: {name} has {there} here");
    Err(Failure::new(Exit::Usage, text))
}

fn simulate(scenario: &Scenario, setup: &Setup) -> Result<scenario::Report, Failure> {
    scenario
        .run(setup)
        .map_err(|error| Failure::new(Exit::Usage, format!("usage: no torrent for this: {error}")))
}

fn list(json: bool) -> Result<Report, Failure> {
    let mut names = Vec::new();
    for scenario in Scenario::all() {
        if !json {
            console::data(&format!("{:<16}{}", scenario.name, scenario.about))?;
        }
        names.push(serde_json::json!({ "name": scenario.name, "about": scenario.about }));
    }
    Ok(Report::complete().with("scenarios", names))
}

/// All runs came out well, or the first bug, or else the first download that did not come to its end: what was wrong,
/// and the command that shows it again.
fn verdict(args: &args::Sim, name: &str, bad: &[Bad]) -> Report {
    let seeds: Vec<u64> = bad.iter().map(|bad| bad.seed).collect();
    let report = Report::complete().with("runs", args.runs).with("bad_seeds", seeds);
    let Some(Bad { seed, fault, bug }) = bad.iter().find(|bad| bad.bug).or_else(|| bad.first()) else {
        return report;
    };
    let mut again = format!("peerless sim {name} --seed {seed}");
    if let Some(peers) = args.peers {
        again.push_str(&format!(" --peers {peers}"));
    }
    if let Some(size) = args.size {
        again.push_str(&format!(" --size {size}"));
    }
    let (bad, runs) = (bad.len(), text::count(args.runs, "run"));
    let (class, exit) = if *bug { ("bug", Exit::Bug) } else { ("interrupted", Exit::Incomplete) };
    let error =
        format!("{class}: {bad} of {runs} ended badly; with seed {seed}, {fault}; see it with: {again}");
    Report { exit, error: Some(error), ..report }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command};
    use clap::Parser;

    #[test]
    fn the_verdict_names_the_first_bad_run_and_what_was_wrong_with_it() {
        let words = ["peerless", "sim", "lossy", "--runs", "3", "--peers", "2"];
        let Some(Command::Sim(args)) = Cli::parse_from(words).command else { panic!("no simulation") };
        assert_eq!(verdict(&args, "lossy", &[]).exit, Exit::Complete);
        let late = || Bad { seed: 2, fault: "leecher 1 is not complete: no peers".to_owned(), bug: false };
        let report = verdict(&args, "lossy", &[late(), late()]);
        assert_eq!(report.exit, Exit::Incomplete);
        assert_eq!(
            report.error.as_deref(),
            Some(
                "interrupted: 2 of 3 runs ended badly; with seed 2, leecher 1 is not complete: no peers; \
                 see it with: peerless sim lossy --seed 2 --peers 2"
            )
        );
        let bug = Bad { seed: 3, fault: "a block was lost".to_owned(), bug: true };
        let report = verdict(&args, "lossy", &[late(), bug]);
        assert_eq!(report.exit, Exit::Bug);
        assert_eq!(
            report.error.as_deref(),
            Some(
                "bug: 2 of 3 runs ended badly; with seed 3, a block was lost; \
                 see it with: peerless sim lossy --seed 3 --peers 2"
            )
        );
    }
}
