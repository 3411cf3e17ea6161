//! Ports, address families, and peers that are not there, slow, or cut into crumbs.

use crate::actor::{Actor, end, perform, settings};
use crate::stage::{PIECE, Stage};
use peerless_core::{DisconnectReason, Event, NetError};
use peerless_runtime::{Listen, Session};
use peerless_tests::{Manner, Payload, ScriptPeer};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::time::Duration;

stories![
    a_port_that_is_taken_is_passed_over,
    a_session_need_not_listen,
    ipv6_works_as_well,
    a_peer_that_refuses_is_passed_over,
    blocks_that_arrive_byte_by_byte_make_a_file,
    a_seed_that_keeps_hanging_up_is_enough,
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
    let seed =
        Actor::<S>::with(settings, stage.metainfo.clone(), stage.source.clone(), crate::actor::seeding());
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
    let options = crate::actor::download_from(&[seed.addr()]);
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
