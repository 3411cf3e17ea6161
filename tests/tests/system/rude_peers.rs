//! Seeds that lie, stall or trickle, beside honest ones: the download completes, and only liars are banned.

use crate::swarm::json_lines;
use peerless_core::BanReason;
use peerless_tests::script_tracker::{compact, http, with_peers};
use peerless_tests::{
    Answer, Deadline, Driver, Lab, Manner, Payload, Process, ScriptPeer, ScriptTracker, Torrent,
    both_drivers, same_bytes,
};
use std::net::SocketAddr;
use std::time::Duration;

/// Time for a block with which no seed is so fast that the others have nothing to do.
const PAUSE: Duration = Duration::from_millis(2);
const PACE: Manner = Manner::Slow(PAUSE);

/// Our client downloads from seeds of these manners, and completes within so many seconds.
fn completes_with(lab: &Lab, driver: Driver, manners: &[Manner], seconds: u64) -> (Vec<ScriptPeer>, Process) {
    completes(lab, driver, &Payload::file("file.bin", 16 << 20, 256 << 10), manners, seconds)
}

fn completes(
    lab: &Lab,
    driver: Driver,
    payload: &Payload,
    manners: &[Manner],
    seconds: u64,
) -> (Vec<ScriptPeer>, Process) {
    let addr = lab.next_addr();
    let torrent = Torrent::new(&lab.dir("torrents"), payload, &[&[&format!("http://{addr}/announce")]]);
    let seeds: Vec<_> = manners.iter().map(|m| ScriptPeer::seed(lab.next_addr(), &torrent, *m)).collect();
    let addrs: Vec<SocketAddr> = seeds.iter().map(|seed| seed.addr).collect();
    let answer = http("200 OK", "", &with_peers(&compact(&addrs)));
    let _tracker = ScriptTracker::start(addr, vec![Answer::Raw(answer)]);

    let out = lab.dir("out").join(payload.name());
    let args = ["--json".as_ref(), "-v".as_ref(), torrent.path.as_os_str(), "-o".as_ref(), out.as_os_str()];
    let mut process = lab.peerless(driver, "get", args);
    let status = process.wait_exit(Deadline::seconds(seconds));
    assert_eq!(status.code(), Some(0), "peerless get: {status}");
    assert_eq!(same_bytes(&payload.write(&lab.dir("source")), &out), Ok(()));
    (seeds, process)
}

/// The addresses that our client said it banned.
fn banned(process: &Process) -> Vec<String> {
    bans(process).into_iter().map(|(addr, _)| addr).collect()
}

/// The same, and why.
fn bans(process: &Process) -> Vec<(String, String)> {
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    let bans = json_lines(process).into_iter().filter(|line| line["type"] == "banned");
    bans.map(|line| (text(&line["addr"]), text(&line["reason"]))).collect()
}

both_drivers! {
    fn a_seed_that_corrupts_one_block_in_fifty_is_banned_and_no_other(lab, driver) {
        // As slow as the others, so that no piece is its own.
        let liar = Manner::CorruptsOneIn(50, PAUSE);
        let (seeds, process) = completes_with(lab, driver, &[liar, PACE, PACE], 120);
        assert!(seeds[0].corrupt() > 0, "the liar had no chance to lie");
        assert!(seeds[1].blocks() > 100 && seeds[2].blocks() > 100, "the honest had no chance to help");
        assert_eq!(banned(&process), [seeds[0].addr.ip().to_string()]);
        let lines = json_lines(&process);
        let shared = |line: &&serde_json::Value| line["type"] == "piece_failed" && line["culprit"].is_null();
        assert!(lines.iter().any(|line| shared(&line)), "no piece that failed came from several");
    }

    fn a_seed_that_chokes_for_ever_stops_nobody(lab, driver) {
        let (_, process) = completes_with(lab, driver, &[Manner::ChokesForEver, Manner::Honest], 60);
        assert!(banned(&process).is_empty());
    }

    fn a_seed_that_never_serves_holds_nothing_back(lab, driver) {
        let (seeds, process) = completes_with(lab, driver, &[Manner::NeverServes, PACE], 90);
        assert!(seeds[0].requests() > 0, "it was never asked");
        assert!(banned(&process).is_empty());
    }

    fn a_seed_that_trickles_holds_nothing_back(lab, driver) {
        let trickle = Manner::Trickles(Duration::from_millis(20));
        let (seeds, process) = completes_with(lab, driver, &[trickle, PACE], 90);
        assert!(seeds[0].requests() > 0, "it was never asked");
        assert!(banned(&process).is_empty());
    }

    fn blocks_that_nobody_asked_for_are_not_written(lab, driver) {
        let (seeds, _) = completes_with(lab, driver, &[Manner::SendsUnasked, PACE], 90);
        assert!(seeds[0].blocks() > 0, "it was never asked");
    }

    fn a_seed_that_drops_in_mid_block_loses_no_block(lab, driver) {
        let (seeds, process) = completes_with(lab, driver, &[Manner::DropsInEvery(100), PACE], 90);
        assert!(seeds[0].connections() > 0, "it was never asked");
        assert!(banned(&process).is_empty());
    }

    fn a_liar_that_vanishes_leaves_its_piece_to_others_and_is_convicted_of_its_block(lab, driver) {
        // Both send blocks of the one piece, which proves nothing. The liar, if it gets another chance, is gone; the
        // honest one sends the piece alone, and the block that differs is the liar's.
        let one_piece = Payload::file("file.bin", 4 << 20, 4 << 20);
        let liar = Manner::LiesThenVanishes(Duration::from_millis(2));
        let (seeds, process) = completes(lab, driver, &one_piece, &[liar, PACE], 90);
        assert_eq!(seeds[0].corrupt(), 1);
        let failed = json_lines(&process).into_iter().filter(|line| line["type"] == "piece_failed");
        assert_eq!(failed.map(|line| line["culprit"].clone()).collect::<Vec<_>>(), [serde_json::Value::Null]);
        let proof = BanReason::CorruptBlock.to_string();
        assert_eq!(bans(&process), [(seeds[0].addr.ip().to_string(), proof)]);
    }
}
