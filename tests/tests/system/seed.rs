//! Real clients download from ours.

use crate::swarm::{Swarm, a_file, a_tree};
use peerless_tests::{
    Client, Deadline, Driver, Lab, Payload, Peer, Signal, both_drivers, same_bytes,
    same_bytes_but_empty_files,
};

/// Our client seeds, and one of `client` downloads from it.
fn serves(lab: &Lab, driver: Driver, client: Client, payload: &Payload) {
    if lab.must_skip(client) {
        return;
    }
    passes_on(lab, driver, client, &Swarm::new(lab, payload));
}

fn passes_on(lab: &Lab, driver: Driver, client: Client, swarm: &Swarm) {
    let mut ours = lab.peerless(
        driver,
        "seed",
        ["--json".as_ref(), "-v".as_ref(), swarm.torrent.path.as_os_str(), swarm.source.as_os_str()],
    );
    swarm.tracker.wait_for_peers(&swarm.torrent, 1);
    let mut leech = Peer::leech(lab, client, &swarm.torrent, &lab.dir("out"));
    leech.wait_complete(120);
    leech.stop();
    // Transmission makes no empty files.
    let compare = if client == Client::Transmission { same_bytes_but_empty_files } else { same_bytes };
    assert_eq!(compare(&swarm.source, &swarm.out), Ok(()));

    ours.signal(Signal::INT);
    let status = ours.wait_exit(Deadline::seconds(5));
    assert_eq!(status.code(), Some(130), "peerless seed: {status}");
}

both_drivers! {
    fn libtorrent_downloads_a_file_from_ours(lab, driver) {
        serves(lab, driver, Client::Libtorrent, &a_file());
    }

    fn libtorrent_downloads_a_tree_from_ours(lab, driver) {
        serves(lab, driver, Client::Libtorrent, &a_tree());
    }

    fn transmission_downloads_a_file_from_ours(lab, driver) {
        serves(lab, driver, Client::Transmission, &a_file());
    }

    fn transmission_downloads_a_tree_from_ours(lab, driver) {
        serves(lab, driver, Client::Transmission, &a_tree());
    }

    fn aria2_downloads_a_file_from_ours(lab, driver) {
        serves(lab, driver, Client::Aria2, &a_file());
    }

    fn aria2_downloads_a_tree_from_ours(lab, driver) {
        serves(lab, driver, Client::Aria2, &a_tree());
    }

    fn libtorrent_downloads_a_hybrid_tree_from_ours(lab, driver) {
        passes_on(lab, driver, Client::Libtorrent, &Swarm::hybrid(lab, &a_tree()));
    }
}
