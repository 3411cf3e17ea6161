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
    keep::check(args)?;
    let record = args.record.is_some().then_some(args.leecher);
    let (mut bad, mut broken) = (Vec::new(), false);
    let mut last = None;
    for n in 0..args.runs {
        let seed = args.seed.wrapping_add(n);
        let setup = Setup { seed, peers: args.peers, size: args.size, record };
        let report = match catching(|| simulate(scenario, &setup)) {
            Ok(report) => report?,
            Err(fault) => {
                broken = true;
                bad.push((seed, format!("a bug: {fault}")));
                if args.json {
                    console::json(&tell::json_fault(name, seed, &fault))?;
                } else {
                    console::data(&format!("seed {seed:<6} a bug: {fault}"))?;
                }
                continue;
            }
        };
        if let (Some(leecher), None) = (record, &report.recording) {
            // A scenario may have more of them than --peers says, so that the first run tells.
            let (there, name) = (text::count(report.leechers.len() as u64, "leecher"), report.scenario);
            let text = format!("usage: there is no leecher {leecher} to record: {name} has {there} here");
            return Err(Failure::new(Exit::Usage, text));
        }
        if args.json {
            console::json(&tell::json(&report))?;
        } else if args.runs == 1 {
            tell::whole(&report).iter().try_for_each(|line| console::data(line))?;
        } else {
            console::data(&tell::short(&report))?;
        }
        if let Some(fault) = report.faults.first() {
            bad.push((seed, fault.clone()));
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
    let verdict = verdict(args, name, &bad);
    // A fault of the engine or the simulator, not a download that did not come to its end.
    Ok(if broken { Report { exit: Exit::Bug, ..verdict } } else { verdict })
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

/// All runs came out well, or the first that did not: what was wrong, and the command that shows it again.
fn verdict(args: &args::Sim, name: &str, bad: &[(u64, String)]) -> Report {
    let seeds: Vec<u64> = bad.iter().map(|(seed, _)| *seed).collect();
    let report = Report::complete().with("runs", args.runs).with("bad_seeds", seeds);
    let Some((first, fault)) = bad.first() else { return report };
    let mut again = format!("peerless sim {name} --seed {first}");
    if let Some(peers) = args.peers {
        again.push_str(&format!(" --peers {peers}"));
    }
    if let Some(size) = args.size {
        again.push_str(&format!(" --size {size}"));
    }
    let (bad, runs) = (bad.len(), text::count(args.runs, "run"));
    let error =
        format!("interrupted: {bad} of {runs} ended badly; with seed {first}, {fault}; see it with: {again}");
    Report { exit: Exit::Incomplete, error: Some(error), ..report }
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
        let bad = [(2, "leecher 1 is not complete: no peers".to_owned()), (3, "it is late".to_owned())];
        let report = verdict(&args, "lossy", &bad);
        assert_eq!(report.exit, Exit::Incomplete);
        assert_eq!(
            report.error.as_deref(),
            Some(
                "interrupted: 2 of 3 runs ended badly; with seed 2, leecher 1 is not complete: no peers; \
                 see it with: peerless sim lossy --seed 2 --peers 2"
            )
        );
    }
}
