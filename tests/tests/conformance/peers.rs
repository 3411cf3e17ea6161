//! Ports, address families, and peers that are not there, slow, or cut into crumbs.

use crate::actor::{Actor, download_from, end, perform, seeding, settings};
use crate::background::Background;
use crate::stage::{PIECE, Stage};
use peerless_core::{DisconnectReason, Event, NetError, PeerAddr, TorrentOptions};
use peerless_runtime::{Listen, Session, Settings};
use peerless_tests::{Manner, Payload, ScriptPeer};
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

stories![
    a_port_that_is_taken_is_passed_over,
    a_session_need_not_listen,
    ipv6_works_as_well,
    a_peer_that_refuses_is_passed_over,
    blocks_that_arrive_byte_by_byte_make_a_file,
    a_seed_that_keeps_hanging_up_is_enough,
    a_seed_may_be_the_one_that_connects,
    two_that_connect_to_each_other_keep_one_connection,
    a_peer_is_found_by_name,
    a_seed_that_comes_back_is_found_again,
    strangers_that_say_nothing_keep_nobody_out,
    noise_is_hung_up_on,
];

fn nobody() -> SocketAddr {
    // Bound and dropped: nothing listens there.
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}

/// Downloads from this address.
fn download_from_script<S: Session>(stage: &Stage, seed: &ScriptPeer) {
    let mut actors = [Actor::<S>::leecher(stage, &[seed.addr])];
    perform(&mut actors, "the download", |all| all[0].has_stopped());
    assert_eq!(actors[0].failure(), None);
    stage.assert_copied();
    end(&mut actors);
}

fn a_port_that_is_taken_is_passed_over<S: Session>() {
    let stage = Stage::file(5);
    // Below the range from which systems give ports to those who do not ask for one.
    let taken =
        (21_000..32_000).find_map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()).unwrap();
    let port = taken.local_addr().unwrap().port();
    let mut settings = settings();
    settings.listen = Some(Listen::loopback(port));
    let seed = Actor::<S>::with(settings, stage.metainfo.clone(), stage.source.clone(), seeding());
    assert!((port + 1..=port + 9).contains(&seed.addr().port()), "{} for {port}", seed.addr());
    let leecher = Actor::leecher(&stage, &[seed.addr()]);
    let mut both = [seed, leecher];
    perform(&mut both, "the download", |all| all[1].has_stopped());
    stage.assert_copied();
    end(&mut both);
}

fn a_session_need_not_listen<S: Session>() {
    let stage = Stage::file(5);
    let seed = Actor::<S>::seed(&stage);
    let mut settings = settings();
    settings.listen = None;
    let options = download_from(&[seed.addr()]);
    let leecher = Actor::<S>::with(settings, stage.metainfo.clone(), stage.target(), options);
    assert!(leecher.session.listening().is_empty());
    let mut both = [seed, leecher];
    perform(&mut both, "the download", |all| all[1].has_stopped());
    stage.assert_copied();
    end(&mut both);
}

fn ipv6_works_as_well<S: Session>() {
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        eprintln!("skipped: this machine has no IPv6");
        return;
    }
    let stage = Stage::file(5);
    let seed = Actor::<S>::seed(&stage);
    let addr = *seed.session.listening().iter().find(|addr| addr.is_ipv6()).expect("a port on ::1");
    assert_eq!(addr.port(), seed.addr().port(), "one port for both families");
    let leecher = Actor::leecher(&stage, &[addr]);
    let mut both = [seed, leecher];
    perform(&mut both, "the download", |all| all[1].has_stopped());
    let from = |event: &Event| matches!(event, Event::PeerConnected { remote, .. } if *remote == addr);
    assert!(both[1].has_told(from));
    stage.assert_copied();
    end(&mut both);
}

fn a_peer_that_refuses_is_passed_over<S: Session>() {
    let stage = Stage::file(5);
    let (seed, nobody) = (Actor::<S>::seed(&stage), nobody());
    let leecher = Actor::leecher(&stage, &[nobody, seed.addr()]);
    let mut both = [seed, leecher];
    perform(&mut both, "the download", |all| all[1].has_stopped());
    let refused = DisconnectReason::ConnectFailed(NetError::Refused);
    assert!(both[1].has_told(|event| {
        matches!(event, Event::PeerDisconnected { remote, reason, .. }
            if *remote == nobody && *reason == refused)
    }));
    stage.assert_copied();
    end(&mut both);
}

fn blocks_that_arrive_byte_by_byte_make_a_file<S: Session>() {
    let stage = Stage::new(&Payload::file("file.bin", 150_000, PIECE));
    let manner = Manner::Trickles(Duration::ZERO);
    let seed = ScriptPeer::seed((Ipv4Addr::LOCALHOST, 0), &stage.torrent, manner);
    download_from_script::<S>(&stage, &seed);
}

fn a_seed_that_keeps_hanging_up_is_enough<S: Session>() {
    let stage = Stage::new(&Payload::file("file.bin", 150_000, PIECE));
    let seed = ScriptPeer::seed((Ipv4Addr::LOCALHOST, 0), &stage.torrent, Manner::DropsInEvery(8));
    download_from_script::<S>(&stage, &seed);
    assert!(seed.connections() > 1);
}

fn a_seed_may_be_the_one_that_connects<S: Session>() {
    let stage = Stage::file(5);
    let leecher = Actor::<S>::leecher(&stage, &[]);
    let options = TorrentOptions { peers: download_from(&[leecher.addr()]).peers, ..seeding() };
    let seed = Actor::with(settings(), stage.metainfo.clone(), stage.source.clone(), options);
    let mut both = [seed, leecher];
    perform(&mut both, "the download", |all| all[1].has_stopped());
    stage.assert_copied();
    end(&mut both);
}

fn two_that_connect_to_each_other_keep_one_connection<S: Session>() {
    let stage = Stage::file(40);
    let mut seed = Actor::<S>::new(settings());
    let leecher = Actor::<S>::leecher(&stage, &[seed.addr()]);
    let options = TorrentOptions { peers: download_from(&[leecher.addr()]).peers, ..seeding() };
    seed.add(stage.metainfo.clone(), stage.source.clone(), options);
    let mut both = [seed, leecher];
    perform(&mut both, "the download", |all| {
        assert!(all.iter().all(|actor| actor.status().is_none_or(|status| status.peers <= 1)));
        all[1].has_stopped()
    });
    stage.assert_copied();
    end(&mut both);
}

/// The name may have an address of each family, and the seed listens on both.
fn a_peer_is_found_by_name<S: Session>() {
    let stage = Stage::file(40);
    let seed = Actor::<S>::seed(&stage);
    let peers = vec![PeerAddr::Host("localhost".into(), seed.addr().port())];
    let options = TorrentOptions { peers, ..Default::default() };
    let leecher = Actor::with(settings(), stage.metainfo.clone(), stage.target(), options);
    let mut both = [seed, leecher];
    perform(&mut both, "the download", |all| all[1].has_stopped());
    stage.assert_copied();
    end(&mut both);
}

/// It goes without a word in mid-download, and another session takes its place at the same port. The address is
/// none that other tests use, so that none of them takes the port meanwhile.
fn a_seed_that_comes_back_is_found_again<S: Session>() {
    let stage = Stage::file(100);
    let seed = |port| {
        let listen = Listen { port, v4: Some(Ipv4Addr::new(127, 77, 0, 1)), v6: None };
        let settings = Settings { listen: Some(listen), ..settings() };
        Actor::<S>::with(settings, stage.metainfo.clone(), stage.source.clone(), seeding())
    };
    let first = seed(0);
    let addr = first.addr();
    let leecher = Actor::leecher(&stage, &[addr]);
    let mut both = vec![first, leecher];
    perform(&mut both, "some pieces", |all| all[1].verified() >= 3);
    drop(both.remove(0));
    assert!(!both[0].has_stopped(), "the whole download was too quick for this story");
    both.push(seed(addr.port()));
    assert_eq!(both[1].addr(), addr);
    perform(&mut both, "the rest of the download", |all| all[0].has_stopped());
    stage.assert_copied();
    end(&mut both);
}

fn strangers_that_say_nothing_keep_nobody_out<S: Session>() {
    let stage = Stage::file(5);
    let seed = Background::seed::<S>(&stage, settings());
    let _strangers: Vec<TcpStream> = (0..250).map(|_| TcpStream::connect(seed.addr).unwrap()).collect();
    let mut actors = [Actor::<S>::leecher(&stage, &[seed.addr])];
    perform(&mut actors, "the download", |all| all[0].has_stopped());
    stage.assert_copied();
    end(&mut actors);
    seed.end();
}

fn noise_is_hung_up_on<S: Session>() {
    let stage = Stage::file(5);
    let seed = Background::seed::<S>(&stage, settings());
    for noise in [b"GET / HTTP/1.1\r\n\r\n".as_slice(), &[0; 100], &[0xff; 100_000]] {
        let mut stream = TcpStream::connect(seed.addr).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        // It may have hung up before the noise is over.
        let _ = stream.write_all(noise);
        let heard = stream.read(&mut [0; 100]);
        let end = |e: &std::io::Error| e.kind() == ErrorKind::ConnectionReset;
        assert!(heard.as_ref().map_or_else(end, |n| *n == 0), "{heard:?}");
    }
    let mut actors = [Actor::<S>::leecher(&stage, &[seed.addr])];
    perform(&mut actors, "the download", |all| all[0].has_stopped());
    stage.assert_copied();
    end(&mut actors);
    seed.end();
}
