//! What came of a simulation, for people and as JSON. Nothing in it depends on how fast this machine is.

use crate::text;
use peerless_core::{Duration, Instant};
use peerless_sim::scenario::{Download, Report};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// One line for one of many runs.
pub(super) fn short(report: &Report) -> String {
    let end = if report.faults.is_empty() { "well" } else { "BADLY" };
    let time = report.time().map_or_else(|| "-".to_owned(), seconds);
    let bound = report.permille_of_shortest().map_or_else(|| "-".to_owned(), thousandths);
    let mut out = format!(
        "seed {:<6} ended {end}  last after {time:>9}  x shortest {bound:>6}  digest {}",
        report.seed, report.digest
    );
    let lacking = lacking(report).count();
    if lacking > 0 {
        out.push_str(&format!("  {lacking} lack what nobody has"));
    }
    out
}

/// The downloads that lack what nobody has, each with what it says.
fn lacking(report: &Report) -> impl Iterator<Item = (&str, &str)> {
    report.leechers.iter().filter_map(|d| Some((d.name.as_str(), d.out_of_reach.as_deref()?)))
}

/// Everything about one run.
pub(super) fn whole(report: &Report) -> Vec<String> {
    let mut out = Vec::new();
    let mut line = |name: &str, value: String| out.push(format!("{name:<14}{value}"));
    line("scenario", format!("{}, seed {}", report.scenario, report.seed));
    line(
        "torrent",
        format!("{} in {}", text::bytes(report.size), text::count(report.pieces.into(), "piece")),
    );
    let mut times: Vec<Duration> = report.leechers.iter().filter_map(Download::time).collect();
    times.sort_unstable();
    let (complete, all) = (times.len(), report.leechers.len());
    let quit = report.leechers.iter().filter(|d| d.quitter).count();
    let quit = if quit > 0 { format!("; {quit} left before") } else { String::new() };
    line("complete", format!("{complete} of {}{quit}", text::count(all as u64, "download")));
    if let (Some(first), Some(last)) = (times.first(), times.last()) {
        let middle = times[times.len() / 2];
        let (first, middle, last) = (seconds(*first), seconds(middle), seconds(*last));
        line("took", format!("first {first}, median {middle}, last {last}"));
    }
    if let (Some(shortest), Some(permille)) = (report.shortest, report.permille_of_shortest()) {
        line(
            "shortest",
            format!("{} is possible; this took {} times that", seconds(shortest), thousandths(permille)),
        );
    }
    line("received", text::bytes(report.bytes.downloaded));
    let of_all =
        |bytes: u64| format!("{} ({})", text::bytes(bytes), text::percent(bytes, report.bytes.downloaded));
    line("duplicate", of_all(report.bytes.duplicate));
    line("other waste", of_all(report.bytes.wasted.saturating_sub(report.bytes.duplicate)));
    line("corrupt", of_all(report.bytes.corrupt));
    line("overhead", of_all(report.bytes.overhead));
    let mut why: Vec<_> = report.why.iter().collect();
    why.sort_by_key(|(word, time)| (std::cmp::Reverse(**time), **word));
    for (word, time) in why.into_iter().take(5) {
        line(
            "waited for",
            format!(
                "{} ({} of the time)",
                word.replace('_', " "),
                text::percent(micros(*time), micros(report.unfinished))
            ),
        );
    }
    if report.struck.iter().next().is_some() {
        line("struck", report.struck.to_string());
    }
    line("events", format!("{} inputs, digest {}", report.inputs, report.digest));
    for (name, why) in lacking(report) {
        line("out of reach", format!("{name} has {why}"));
    }
    for fault in &report.faults {
        line("wrong", fault.clone());
    }
    out
}

/// One object for `--json`.
pub(super) fn json(report: &Report) -> Value {
    let downloads: Vec<Value> = report
        .leechers
        .iter()
        .map(|d| {
            json!({
                "host": d.name,
                "started_us": d.started.as_micros(),
                "completed_us": d.completed.map(Instant::as_micros),
                "out_of_reach": d.out_of_reach,
                "quitter": d.quitter,
                "uploaded": d.uploaded,
            })
        })
        .collect();
    let samples: Vec<Value> =
        report.samples.iter().map(|s| json!([s.at.as_micros(), s.complete, s.down, s.up])).collect();
    json!({
        "v": 1,
        "type": "run",
        "scenario": report.scenario,
        "seed": report.seed,
        "size": report.size,
        "pieces": report.pieces,
        "ok": report.faults.is_empty(),
        "faults": report.faults,
        "end_us": report.end.as_micros(),
        "last_us": report.time().map(micros),
        "shortest_us": report.shortest.map(micros),
        "permille_of_shortest": report.permille_of_shortest(),
        "downloaded": report.bytes.downloaded,
        "uploaded": report.bytes.uploaded,
        "wasted": report.bytes.wasted,
        "duplicate": report.bytes.duplicate,
        "overhead": report.bytes.overhead,
        "corrupt": report.bytes.corrupt,
        "why_us": report.why.iter().map(|(word, time)| (*word, micros(*time))).collect::<BTreeMap<_, _>>(),
        "unfinished_us": micros(report.unfinished),
        "struck": report.struck.iter().collect::<BTreeMap<_, _>>(),
        "inputs": report.inputs,
        "digest": report.digest.to_string(),
        "downloads": downloads,
        "samples": samples,
    })
}

/// The same for a run that ended in a fault of ours.
pub(super) fn json_fault(scenario: &str, seed: u64, fault: &str) -> Value {
    json!({ "v": 1, "type": "run", "scenario": scenario, "seed": seed, "ok": false, "faults": [fault] })
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn seconds(time: Duration) -> String {
    format!("{}.{:03} s", time.as_secs(), time.subsec_millis())
}

fn thousandths(permille: u64) -> String {
    format!("{}.{:03}", permille / 1_000, permille % 1_000)
}
