//! The tools of the suite, proved with real clients among themselves: where these fail, ours is not to blame.

use peerless_tests::{Client, Lab, Libtorrent, Opentracker, Payload, Peer, Torrent, in_lab, same_bytes};

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
