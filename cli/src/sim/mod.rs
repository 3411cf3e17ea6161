//! `peerless sim`: runs a built-in scenario of the simulator and tells what came of it.

mod plot;
mod tell;

use crate::args;
use crate::console;
use crate::exit::{Exit, Failure, reason};
use crate::fault::catching;
use crate::report::Report;
use peerless_core::record::is_recording;
use peerless_sim::scenario::{self, Scenario, Setup};
use std::fs::OpenOptions;
use std::io::{self, Read, Seek, Write};
use std::path::Path;

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
    let (mut bad, mut broken) = (Vec::new(), false);
    let mut last = None;
    for n in 0..args.runs {
        let seed = args.seed.wrapping_add(n);
        let setup = Setup { seed, peers: args.peers, size: args.size, record };
        let report = match catching(|| simulate(scenario, &setup)) {
            Ok(report) => report?,
            Err(fault) => {
                broken = true;
                bad.push(seed);
                if args.json {
                    console::json(&tell::json_fault(name, seed, &fault))?;
                } else {
                    console::data(&format!("seed {seed:<6} a bug: {fault}"))?;
                }
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
        if !report.faults.is_empty() {
            bad.push(seed);
        }
        last = Some(report);
    }
    if let (Some(path), Some(report)) = (&args.plot, &last) {
        std::fs::write(path, plot::svg(report)).map_err(|error| {
            let text = format!("disk: cannot write {}: {}", path.display(), reason(&error));
            Failure::new(Exit::of_io(&error), text)
        })?;
    }
    if let (Some(path), Some(report)) = (&args.record, &last) {
        keep(path, report.recording.as_deref(), args.leecher)?;
    }
    let verdict = verdict(args, name, &bad);
    // A fault of the engine or the simulator, not a download that did not come to its end.
    Ok(if broken { Report { exit: Exit::Bug, ..verdict } } else { verdict })
}

/// Writes a recording. Only another one gives way to it.
fn keep(path: &Path, recording: Option<&[u8]>, leecher: u32) -> Result<(), Failure> {
    let Some(recording) = recording else {
        return Err(Failure::new(Exit::Usage, format!("usage: there is no leecher {leecher} to record")));
    };
    let failed = |error: io::Error| {
        let text = format!("disk: cannot write {}: {}", path.display(), reason(&error));
        Failure::new(Exit::of_io(&error), text)
    };
    let mut options = OpenOptions::new();
    let mut file = options.read(true).write(true).create(true).truncate(false).open(path).map_err(failed)?;
    let mut start = Vec::new();
    Read::by_ref(&mut file).take(16).read_to_end(&mut start).map_err(failed)?;
    if !start.is_empty() && !is_recording(&start) {
        let text =
            format!("path: {} is there already and is no recording; choose another name", path.display());
        return Err(Failure::new(Exit::TargetInTheWay, text));
    }
    file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(recording)).map_err(failed)
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

/// All runs came out well, or the first that did not, with the command that shows it again.
fn verdict(args: &args::Sim, name: &str, bad: &[u64]) -> Report {
    let report = Report::complete().with("runs", args.runs).with("bad_seeds", bad.to_vec());
    let Some(first) = bad.first() else { return report };
    let mut again = format!("peerless sim {name} --seed {first}");
    if let Some(peers) = args.peers {
        again.push_str(&format!(" --peers {peers}"));
    }
    if let Some(size) = args.size {
        again.push_str(&format!(" --size {size}"));
    }
    let (bad, runs) = (bad.len(), args.runs);
    let error =
        format!("interrupted: {bad} of {runs} runs did not end as they should; see one with: {again}");
    Report { exit: Exit::Incomplete, error: Some(error), ..report }
}
