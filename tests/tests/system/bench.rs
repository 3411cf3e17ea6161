//! The benchmark of whole processes, small: that it measures, compares and ends, not how fast anything is.

use peerless_tests::bench::{Options, measure};
use peerless_tests::{Lab, in_lab};

/// Runs it with these arguments. Every run has to succeed, and compares every byte itself.
fn measures(lab: &Lab, args: &str, columns: &[&str]) {
    let args = format!("{args} --clients mio,smol --runs 1 --no-warm-up --size 4M --peers 50 --window 1");
    let options = Options::parse(args.split(' ')).unwrap().expect("no call for help");
    for table in measure(lab, &options) {
        let text = table.markdown();
        assert!(table.is_whole(), "{text}");
        assert!(["| mio |", "| smol |"].iter().all(|row| text.contains(row)), "{text}");
        assert!(columns.iter().all(|column| text.contains(column)), "{text}");
    }
}

#[test]
fn downloads_are_measured() {
    in_lab(|lab| measures(lab, "download swarm far files", &["| processor s/GiB |", "| peak MiB |"]));
}

#[test]
fn checks_and_seeding_are_measured() {
    in_lab(|lab| measures(lab, "check seed", &["| processor s/GiB |", "| MiB/s |"]));
}

#[test]
fn idle_connections_are_measured() {
    in_lab(|lab| measures(lab, "connections", &["| 50.0 |", "| KiB a connection |", "| with haves: ms/s |"]));
}

#[test]
fn starts_are_measured() {
    in_lab(|lab| measures(lab, "start", &["| first request ms |", "| ended ms |"]));
}
