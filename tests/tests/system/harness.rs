//! The tools of the suite, proved with real clients among themselves: where these fail, ours is not to blame.

use peerless_tests::script_tracker::{chunked, compact, dictionaries, gzipped, http, with_peers};
use peerless_tests::{
    Answer, Client, Lab, Libtorrent, Manner, Opentracker, Payload, Peer, ScriptPeer, ScriptTracker, Torrent,
    in_lab, same_bytes,
};
use std::net::SocketAddr;

/// One client downloads from another, through opentracker.
fn one_downloads_from_the_other(lab: &Lab, from: Client, to: Client, payload: &Payload) {
    if lab.must_skip(from) || lab.must_skip(to) {
        return;
    }
    let addr = lab.next_addr();
    let torrent = Torrent::new(&lab.dir("torrents"), payload, &[&[&Opentracker::url(addr)]]);
    let tracker = Opentracker::start(lab, addr, &[&torrent]);
    let source = payload.write(&lab.dir("seed"));
    let mut seed = Peer::seed(lab, from, &torrent, &lab.dir("seed"));
    tracker.wait_for_peers(&torrent, 1);

    let out = lab.dir("out");
    let mut leech = Peer::leech(lab, to, &torrent, &out);
    leech.wait_complete(120);
    leech.stop();
    seed.stop();
    assert_eq!(same_bytes(&source, &out.join(payload.name())), Ok(()));
}

#[test]
fn aria2_downloads_from_libtorrent_through_opentracker() {
    in_lab(|lab| {
        let payload = Payload::file("file.bin", 16 << 20, 256 << 10);
        one_downloads_from_the_other(lab, Client::Libtorrent, Client::Aria2, &payload);
    });
}

#[test]
fn libtorrent_downloads_a_tree_from_transmission() {
    in_lab(|lab| {
        let payload = Payload::tree("tree", 100, 64 << 10);
        one_downloads_from_the_other(lab, Client::Transmission, Client::Libtorrent, &payload);
    });
}

#[test]
fn transmission_downloads_from_aria2() {
    in_lab(|lab| {
        let payload = Payload::file("file.bin", 16 << 20, 256 << 10);
        one_downloads_from_the_other(lab, Client::Aria2, Client::Transmission, &payload);
    });
}

#[test]
fn three_libtorrents_with_a_third_each_make_a_whole() {
    in_lab(|lab| {
        let payload = Payload::file("file.bin", 16 << 20, 256 << 10);
        let addr = lab.next_addr();
        let torrent = Torrent::new(&lab.dir("torrents"), &payload, &[&[&Opentracker::url(addr)]]);
        let tracker = Opentracker::start(lab, addr, &[&torrent]);
        let mut seeds = Vec::new();
        for third in 0..3 {
            let dir = lab.dir(&format!("third-{third}"));
            payload.write_some(&dir, |piece| piece % 3 == u32::from(third));
            let how = Libtorrent { third: Some(third), ..Libtorrent::default() };
            seeds.push(Peer::libtorrent(lab, how, &torrent, &dir));
        }
        tracker.wait_for_peers(&torrent, 3);

        let source = payload.write(&lab.dir("source"));
        let out = lab.dir("out");
        let mut leech = Peer::leech(lab, Client::Libtorrent, &torrent, &out);
        leech.wait_complete(60);
        leech.stop();
        assert_eq!(same_bytes(&source, &out.join(payload.name())), Ok(()));
        for seed in &mut seeds {
            let uploaded = seed.stop_and_count_uploaded();
            assert!(uploaded >= payload.total() / 4, "a seed with a third uploaded only {uploaded}");
        }
    });
}

/// A client downloads from a scripted seed, of which it hears from a scripted tracker.
fn downloads_by_script(lab: &Lab, client: Client, answer: impl Fn(&[SocketAddr]) -> Vec<u8>) -> ScriptPeer {
    let payload = Payload::file("file.bin", 4 << 20, 64 << 10);
    let addr = lab.next_addr();
    let url = format!("http://{addr}/announce");
    let torrent = Torrent::new(&lab.dir("torrents"), &payload, &[&[&url]]);
    let seed = ScriptPeer::seed(lab.next_addr(), &torrent, Manner::Honest);
    let tracker = ScriptTracker::start(addr, vec![Answer::Raw(answer(&[seed.addr]))]);

    let out = lab.dir("out");
    let mut leech = Peer::leech(lab, client, &torrent, &out);
    leech.wait_complete(60);
    leech.stop();
    let source = payload.write(&lab.dir("source"));
    assert_eq!(same_bytes(&source, &out.join(payload.name())), Ok(()));
    assert_eq!(tracker.announces()[0].params["info_hash"], torrent.info_hash.0);
    assert_eq!(tracker.announces()[0].text("event"), "started");
    seed
}

#[test]
fn an_honest_scripted_seed_is_one_for_aria2_too() {
    in_lab(|lab| {
        let seed =
            downloads_by_script(lab, Client::Aria2, |peers| http("200 OK", "", &with_peers(&compact(peers))));
        assert_eq!(seed.blocks(), 256);
        assert_eq!(seed.corrupt(), 0);
    });
}

#[test]
fn libtorrent_reads_what_a_scripted_tracker_compresses() {
    in_lab(|lab| {
        downloads_by_script(lab, Client::Libtorrent, |peers| gzipped(&with_peers(&dictionaries(peers))));
    });
}

#[test]
fn aria2_reads_what_a_scripted_tracker_sends_in_chunks() {
    in_lab(|lab| {
        downloads_by_script(lab, Client::Aria2, |peers| chunked(&with_peers(&compact(peers))));
    });
}
