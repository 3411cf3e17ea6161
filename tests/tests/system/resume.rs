//! A download that is cut off goes on where it was, and fetches nothing twice that it can keep.

use crate::swarm::{Swarm, a_file, line_of_type};
use peerless_tests::{Deadline, Driver, Lab, Process, Signal, both_drivers, wait_until};
use serde_json::{Value, json};
use std::os::unix::fs::MetadataExt;

/// Slow enough that a journal entry, which is written every five seconds, comes before the middle.
const RATE: u32 = 5 << 20;

/// What may be fetched twice, in bytes: requests under way and pieces that were not complete.
const IN_DOUBT: u64 = 6 << 20;

/// Starts a download, and returns when nearly half of it is on the disk and some of that in the journal.
fn half_way(lab: &Lab, driver: Driver, swarm: &Swarm) -> Process {
    let process = swarm.get(lab, driver);
    let total = swarm.torrent.payload.total();
    let part = swarm.out.with_file_name("file.bin.part");
    let half = wait_until(Deadline::seconds(120), || {
        let on_disk = part.metadata().ok()?.blocks() * 512;
        (on_disk >= total * 45 / 100).then_some(())
    });
    assert!(half.is_some(), "nothing, or too little, arrives at {}", part.display());
    process
}

/// Lets our client finish, and checks how much the seed had to send in all. Returns what it says it found.
fn goes_on(lab: &Lab, driver: Driver, swarm: &mut Swarm) -> Value {
    let process = swarm.download(lab, driver, 120);
    let (sent, total) = (swarm.seeds[0].stop_and_count_uploaded(), swarm.torrent.payload.total());
    assert!(sent >= total, "the seed sent {sent} of {total} bytes");
    let twice = sent - total;
    assert!(twice <= IN_DOUBT, "{} KiB were fetched twice", twice >> 10);
    line_of_type(&process, "resumed")
}

both_drivers! {
    fn a_killed_download_goes_on_where_it_was(lab, driver) {
        let mut swarm = Swarm::seeded_slowly(lab, &a_file(), RATE);
        let mut process = half_way(lab, driver, &swarm);
        process.signal(Signal::KILL);
        process.wait_exit(Deadline::seconds(5));
        assert!(!swarm.out.exists(), "a download that is not complete has its final name");
        let found = goes_on(lab, driver, &mut swarm);
        assert_eq!(found["journal_rejected"], false, "{found}");
        let pieces = u64::from(swarm.torrent.payload.num_pieces());
        let count = |name: &str| found[name].as_u64().expect("a number");
        assert!(count("trusted") >= pieces / 8, "too little was journaled: {found}");
        assert!(count("trusted") + count("hashed") <= pieces, "a journaled piece was hashed: {found}");
    }

    fn an_interrupted_download_goes_on_where_it_was(lab, driver) {
        let mut swarm = Swarm::seeded_slowly(lab, &a_file(), RATE);
        let mut process = half_way(lab, driver, &swarm);
        process.signal(Signal::INT);
        let status = process.wait_exit(Deadline::seconds(5));
        assert_eq!(status.code(), Some(130), "{status}");
        assert!(!swarm.out.exists(), "a download that is not complete has its final name");
        let found = goes_on(lab, driver, &mut swarm);
        assert_eq!((&found["hashed"], &found["trusted"]), (&json!(0), &found["have"]), "{found}");
        let pieces = u64::from(swarm.torrent.payload.num_pieces());
        assert!(found["have"].as_u64() >= Some(pieces * 2 / 5), "too little was kept: {found}");
    }

    fn a_terminated_download_says_so_by_its_exit_code(lab, driver) {
        let swarm = Swarm::seeded_slowly(lab, &a_file(), RATE);
        let mut process = half_way(lab, driver, &swarm);
        process.signal(Signal::TERM);
        let status = process.wait_exit(Deadline::seconds(5));
        assert_eq!(status.code(), Some(143), "{status}");
    }

    fn a_complete_download_is_success_at_once(lab, driver) {
        let mut swarm = Swarm::seeded_slowly(lab, &a_file(), u32::MAX >> 1);
        swarm.download(lab, driver, 120);
        goes_on(lab, driver, &mut swarm);
    }
}
