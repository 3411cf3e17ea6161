//! Our client downloads from real ones.

use crate::swarm::{Swarm, a_file, a_large_file, a_large_tree, a_tree, json_lines, result};
use peerless_tests::script_tracker::{compact, http, with_peers};
use peerless_tests::{
    Answer, Client, Deadline, Driver, Lab, Payload, Peer, ScriptTracker, Signal, Torrent, both_drivers,
    same_bytes,
};
use serde_json::Value;

/// Our client downloads from one seed of each of `clients`.
fn downloads_from(lab: &Lab, driver: Driver, clients: &[Client], payload: &Payload) {
    let Some(swarm) = Swarm::seeded_by(lab, payload, clients) else { return };
    swarm.download(lab, driver, 180);
}

/// Our client downloads from two slow seeds, and another client meanwhile from ours alone: its tracker names
/// nobody else.
fn passes_on(lab: &Lab, driver: Driver, seeds: [Client; 2], other: Client) {
    if seeds.into_iter().chain([other]).any(|client| lab.must_skip(client)) {
        return;
    }
    let payload = Payload::file("file.bin", 16 << 20, 64 << 10);
    let mut swarm = Swarm::new(lab, &payload);
    for seed in seeds {
        swarm.seeds.push(Peer::slow_seed(lab, seed, &swarm.torrent, &lab.dir("seed"), 1 << 10));
    }
    swarm.tracker.wait_for_peers(&swarm.torrent, 2);

    let port = lab.next_addr().port();
    let (torrent, out) = (swarm.torrent.path.as_os_str(), swarm.out.as_os_str());
    let args = [torrent, "-o".as_ref(), out, "--seed".as_ref(), "--json".as_ref(), "-v".as_ref()];
    let mut ours = lab.peerless_at(driver, port, "get", args);
    ours.wait_for_text("piece_verified", Deadline::seconds(60));

    let tracker = lab.next_addr();
    let names_us = http("200 OK", "", &with_peers(&compact(&[(lab.own_ip(), port).into()])));
    ScriptTracker::start(tracker, vec![Answer::Raw(names_us)]);
    let same = Torrent::new(&lab.dir("other"), &payload, &[&[&format!("http://{tracker}/announce")]]);
    let mut leech = Peer::leech(lab, other, &same, &lab.dir("other"));
    leech.wait_complete(60);
    leech.stop();
    assert_eq!(same_bytes(&swarm.source, &lab.path("other").join(payload.name())), Ok(()));

    let status = ours.stop(Signal::INT);
    assert_eq!(status.code(), Some(130), "{status}");
    assert_eq!(same_bytes(&swarm.source, &swarm.out), Ok(()));
    assert!(result(&ours)["uploaded"].as_u64() >= Some(payload.total()), "{}", result(&ours));
    let lines = json_lines(&ours);
    let met =
        |line: &Value| line["addr"].as_str().is_some_and(|a| a.starts_with(&format!("{}:", leech.addr.ip())));
    let first = |is_it: &dyn Fn(&Value) -> bool| lines.iter().position(is_it).expect("it was told");
    let (connected, complete) = (first(&met), first(&|line| line["type"] == "completed"));
    assert!(connected < complete, "it was complete before the other client came");
}

both_drivers! {
    fn a_file_comes_whole_from_libtorrent(lab, driver) {
        downloads_from(lab, driver, &[Client::Libtorrent], &a_file());
    }

    fn a_tree_comes_whole_from_libtorrent(lab, driver) {
        downloads_from(lab, driver, &[Client::Libtorrent], &a_tree());
    }

    fn a_file_comes_whole_from_transmission(lab, driver) {
        downloads_from(lab, driver, &[Client::Transmission], &a_file());
    }

    fn a_tree_comes_whole_from_transmission(lab, driver) {
        downloads_from(lab, driver, &[Client::Transmission], &a_tree());
    }

    fn a_file_comes_whole_from_aria2(lab, driver) {
        downloads_from(lab, driver, &[Client::Aria2], &a_file());
    }

    fn a_tree_comes_whole_from_aria2(lab, driver) {
        downloads_from(lab, driver, &[Client::Aria2], &a_tree());
    }

    fn three_seeds_with_a_third_each_make_a_whole(lab, driver) {
        Swarm::seeded_in_thirds(lab, &a_file()).download(lab, driver, 180);
    }

    fn three_seeds_with_a_third_of_a_tree_each_make_a_whole(lab, driver) {
        Swarm::seeded_in_thirds(lab, &a_tree()).download(lab, driver, 180);
    }

    fn a_hybrid_tree_comes_whole_from_libtorrent(lab, driver) {
        let mut swarm = Swarm::hybrid(lab, &a_tree());
        swarm.seeds.push(Peer::seed(lab, Client::Libtorrent, &swarm.torrent, &lab.dir("seed")));
        swarm.tracker.wait_for_peers(&swarm.torrent, 1);
        swarm.download(lab, driver, 60);
    }

    fn what_is_still_being_downloaded_is_passed_on_to_libtorrent(lab, driver) {
        passes_on(lab, driver, [Client::Libtorrent, Client::Aria2], Client::Libtorrent);
    }

    fn what_is_still_being_downloaded_is_passed_on_to_transmission(lab, driver) {
        passes_on(lab, driver, [Client::Libtorrent, Client::Aria2], Client::Transmission);
    }

    fn what_is_still_being_downloaded_is_passed_on_to_aria2(lab, driver) {
        passes_on(lab, driver, [Client::Libtorrent, Client::Transmission], Client::Aria2);
    }

    #[ignore = "1 GiB: run by .ci/full"]
    fn a_large_file_comes_whole_from_libtorrent(lab, driver) {
        downloads_from(lab, driver, &[Client::Libtorrent], &a_large_file());
    }

    #[ignore = "2,000 files: run by .ci/full"]
    fn a_large_tree_comes_whole_from_libtorrent(lab, driver) {
        downloads_from(lab, driver, &[Client::Libtorrent], &a_large_tree());
    }

    #[ignore = "1 GiB: run by .ci/full"]
    fn three_seeds_with_a_third_of_a_large_file_each_make_a_whole(lab, driver) {
        Swarm::seeded_in_thirds(lab, &a_large_file()).download(lab, driver, 300);
    }

    #[ignore = "2,000 files: run by .ci/full"]
    fn three_seeds_with_a_third_of_a_large_tree_each_make_a_whole(lab, driver) {
        Swarm::seeded_in_thirds(lab, &a_large_tree()).download(lab, driver, 300);
    }
}
