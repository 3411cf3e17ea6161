//! What the options of a download promise, as a user sees it.

use crate::swarm::{json_lines, line_of_type, result};
use peerless_tests::script_tracker::{compact, http, with_peers};
use peerless_tests::{
    Answer, Deadline, Driver, Lab, Manner, Payload, Process, ScriptPeer, ScriptTracker, Signal, Torrent,
    both_drivers, same_bytes,
};
use std::path::PathBuf;
use std::time::Duration;

/// A torrent without a tracker: its peers are named on the command line.
fn a_torrent(lab: &Lab) -> Torrent {
    Torrent::new(&lab.dir("torrents"), &Payload::file("file.bin", 1 << 20, 64 << 10), &[])
}

fn seed(lab: &Lab, torrent: &Torrent, manner: Manner) -> ScriptPeer {
    ScriptPeer::seed(lab.next_addr(), torrent, manner)
}

fn target(lab: &Lab) -> PathBuf {
    lab.dir("out").join("file.bin")
}

/// Starts a download from these peers, with these options as well.
fn get(lab: &Lab, driver: Driver, torrent: &Torrent, peers: &[&ScriptPeer], options: &[&str]) -> Process {
    let (file, out) = (torrent.path.to_str().unwrap(), target(lab));
    let mut args: Vec<String> = ["--json", file, "-o", out.to_str().unwrap()].map(str::to_owned).to_vec();
    args.extend(peers.iter().flat_map(|peer| ["--peer".to_owned(), peer.addr.to_string()]));
    args.extend(options.iter().map(|&option| option.to_owned()));
    lab.peerless(driver, "get", args)
}

/// It ends with this exit code.
fn ends_with(process: &mut Process, code: i32) {
    let status = process.wait_exit(Deadline::seconds(30));
    assert_eq!(status.code(), Some(code), "peerless get: {status}");
}

fn is_copied(lab: &Lab, torrent: &Torrent) {
    assert_eq!(same_bytes(&torrent.payload.write(&lab.dir("source")), &target(lab)), Ok(()));
}

both_drivers! {
    fn a_download_gives_to_others_for_the_time_that_it_was_told(lab, driver) {
        let torrent = a_torrent(lab);
        let honest = seed(lab, &torrent, Manner::Honest);
        let mut process = get(lab, driver, &torrent, &[&honest], &["--seed-time", "2s"]);
        process.wait_for_text(r#""phase":"seeding""#, Deadline::seconds(30));
        is_copied(lab, &torrent);
        ends_with(&mut process, 0);
        let result = result(&process);
        assert!(result["elapsed_ms"].as_u64() >= Some(2_000), "{result}");
        assert_eq!(result["result"], "complete");
    }

    fn no_more_peers_are_met_than_allowed(lab, driver) {
        let torrent = a_torrent(lab);
        // So slow that there is time to meet the others.
        let seeds = [(); 3].map(|()| seed(lab, &torrent, Manner::Slow(Duration::from_millis(10))));
        let peers = seeds.each_ref();
        let mut process = get(lab, driver, &torrent, &peers, &["--max-peers", "1"]);
        ends_with(&mut process, 0);
        is_copied(lab, &torrent);
        assert_eq!(seeds.iter().map(ScriptPeer::connections).sum::<u64>(), 1);

        std::fs::remove_file(target(lab)).unwrap();
        ends_with(&mut get(lab, driver, &torrent, &peers, &["--max-peers", "3"]), 0);
        assert_eq!(seeds.iter().map(ScriptPeer::connections).sum::<u64>(), 4);
    }

    fn patience_is_measured_from_the_last_byte(lab, driver) {
        let torrent = a_torrent(lab);
        // Sixty-four blocks take longer than the patience, but none does.
        let slow = seed(lab, &torrent, Manner::Slow(Duration::from_millis(50)));
        ends_with(&mut get(lab, driver, &torrent, &[&slow], &["--stall-timeout", "2s"]), 0);
        is_copied(lab, &torrent);
    }

    fn a_download_without_a_new_byte_is_given_up_and_can_go_on(lab, driver) {
        let torrent = a_torrent(lab);
        let poor = seed(lab, &torrent, Manner::HasFirst(5));
        let mut process = get(lab, driver, &torrent, &[&poor], &["--stall-timeout", "2s"]);
        ends_with(&mut process, 9);
        let said = process.stderr().join("\n");
        assert!(said.starts_with("peerless: interrupted: ") && said.contains("2s"), "{said}");
        assert_eq!(result(&process)["bytes_have"], 5 << 16);

        let honest = seed(lab, &torrent, Manner::Honest);
        let mut process = get(lab, driver, &torrent, &[&honest], &[]);
        ends_with(&mut process, 0);
        is_copied(lab, &torrent);
        let found = line_of_type(&process, "resumed");
        assert_eq!((&found["trusted"], &found["hashed"]), (&5.into(), &0.into()), "{found}");
    }

    fn a_recheck_hashes_what_the_journal_vouches_for(lab, driver) {
        let torrent = a_torrent(lab);
        let poor = seed(lab, &torrent, Manner::HasFirst(5));
        ends_with(&mut get(lab, driver, &torrent, &[&poor], &["--stall-timeout", "2s"]), 9);
        let honest = seed(lab, &torrent, Manner::Honest);
        let mut process = get(lab, driver, &torrent, &[&honest], &["--recheck"]);
        ends_with(&mut process, 0);
        is_copied(lab, &torrent);
        let found = line_of_type(&process, "resumed");
        assert_eq!((&found["trusted"], &found["have"]), (&0.into(), &5.into()), "{found}");
        assert!(found["hashed"].as_u64() >= Some(5), "{found}");
        assert_eq!(honest.blocks(), 11 * 4, "what was there was fetched again");
    }

    fn a_second_signal_ends_it_at_once(lab, driver) {
        let tracker = lab.next_addr();
        let payload = Payload::file("file.bin", 1 << 20, 64 << 10);
        let url = format!("http://{tracker}/announce");
        let torrent = Torrent::new(&lab.dir("torrents"), &payload, &[&[&url]]);
        let poor = seed(lab, &torrent, Manner::HasFirst(5));
        // It answers once, and keeps the door open when somebody wants to leave.
        let answer = http("200 OK", "", &with_peers(&compact(&[poor.addr])));
        let answers = vec![Answer::Raw(answer), Answer::RawThenSilence(Vec::new())];
        let tracker = ScriptTracker::start(tracker, answers);
        let mut process = get(lab, driver, &torrent, &[], &["-v"]);
        let mut verified = 0;
        process.wait_for("five pieces", Deadline::seconds(30), |line| {
            verified += usize::from(line.contains("piece_verified"));
            (verified == 5).then_some(())
        });
        process.signal(Signal::INT);
        tracker.wait_for("stopped", Deadline::seconds(10), |a| a.text("event") == "stopped");
        process.signal(Signal::TERM);
        ends_with(&mut process, 143);
        let said = process.stderr().join("\n");
        assert!(said.contains("interrupted: stopped at once"), "{said}");
        let results = json_lines(&process).into_iter().filter(|line| line["type"] == "result");
        assert_eq!(results.map(|line| line["exit_code"].clone()).collect::<Vec<_>>(), [143]);

        let honest = seed(lab, &torrent, Manner::Honest);
        ends_with(&mut get(lab, driver, &torrent, &[&honest], &[]), 0);
        is_copied(lab, &torrent);
    }
}
