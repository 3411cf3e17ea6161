//! Our client downloads from real ones.

use crate::swarm::{Swarm, a_file, a_large_file, a_large_tree, a_tree};
use peerless_tests::{
    Client, Deadline, Driver, Lab, Libtorrent, Payload, Peer, Signal, both_drivers, same_bytes,
};
use std::net::SocketAddrV4;

/// Our client downloads from one seed of each of `clients`.
fn downloads_from(lab: &Lab, driver: Driver, clients: &[Client], payload: &Payload) {
    let Some(swarm) = Swarm::seeded_by(lab, payload, clients) else { return };
    swarm.download(lab, driver, 180);
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

    fn what_is_still_being_downloaded_is_passed_on(lab, driver) {
        let payload = a_file();
        let seeds = [Client::Libtorrent, Client::Transmission];
        let Some(swarm) = Swarm::seeded_by(lab, &payload, &seeds) else { return };
        let port = lab.next_addr().port();
        let out = swarm.out.as_os_str();
        let args = [swarm.torrent.path.as_os_str(), "-o".as_ref(), out, "--seed".as_ref()];
        let mut ours = lab.peerless_at(driver, port, "get", args);
        swarm.tracker.wait_for_peers(&swarm.torrent, 3);

        // This one knows nobody but us.
        let how = Libtorrent { peer: Some(SocketAddrV4::new(lab.own_ip(), port)), ..Libtorrent::default() };
        let passed_on = lab.dir("passed-on");
        let mut leech = Peer::libtorrent(lab, how, &swarm.torrent, &passed_on);
        leech.wait_complete(180);
        leech.stop();
        assert_eq!(same_bytes(&swarm.source, &passed_on.join(payload.name())), Ok(()));

        ours.signal(Signal::INT);
        ours.wait_exit(Deadline::seconds(10));
        assert_eq!(same_bytes(&swarm.source, &swarm.out), Ok(()));
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
