//! Settings and calls at the edge of what makes sense.

use crate::actor::{Actor, download_from, end, perform, seeding, settings};
use crate::stage::{PIECE, Stage};
use peerless_core::{Config, DisconnectReason, Event, TorrentId};
use peerless_runtime::{Listen, Session, Settings};
use peerless_tests::Payload;
use std::net::Ipv4Addr;
use std::time::Duration;

stories![
    no_workers_and_no_open_files_are_still_one_and_two,
    an_address_that_is_not_ours_is_done_without,
    a_wait_as_long_as_can_be_said_is_woken,
    what_is_over_can_be_ended_again,
    a_session_does_not_talk_to_itself,
    a_session_that_dials_nobody_is_found,
    fifty_torrents_share_two_sessions,
];

/// Downloads from a seed with default settings.
fn download_with<S: Session>(stage: &Stage, settings: Settings) -> Actor<S> {
    let seed = Actor::<S>::seed(stage);
    let options = download_from(&[seed.addr()]);
    let leecher = Actor::with(settings, stage.metainfo.clone(), stage.target(), options);
    let mut both = [seed, leecher];
    perform(&mut both, "the download", |all| all[1].has_stopped());
    stage.assert_copied();
    end(&mut both);
    let [_, leecher] = both;
    leecher
}

fn no_workers_and_no_open_files_are_still_one_and_two<S: Session>() {
    let stage = Stage::new(&Payload::tree("tree", 20, PIECE));
    download_with::<S>(&stage, Settings { disk_workers: 0, max_open_files: Some(0), ..settings() });
}

fn an_address_that_is_not_ours_is_done_without<S: Session>() {
    let foreign = Listen { port: 0, v4: Some(Ipv4Addr::new(203, 0, 113, 1)), v6: None };
    let settings = Settings { listen: Some(foreign), ..settings() };
    let leecher = download_with::<S>(&Stage::file(5), settings);
    assert!(leecher.session.listening().is_empty());
}

fn a_wait_as_long_as_can_be_said_is_woken<S: Session>() {
    let mut session = S::open(settings()).unwrap();
    let waker = session.waker();
    let thread = std::thread::spawn(move || waker.wake());
    assert_eq!(session.wait(Some(Duration::MAX)).unwrap(), None);
    thread.join().unwrap();
}

fn what_is_over_can_be_ended_again<S: Session>() {
    let stage = Stage::file(3);
    let mut actors = [Actor::<S>::seed(&stage)];
    actors[0].session.stop_torrent(TorrentId(77));
    actors[0].stop();
    actors[0].stop();
    perform(&mut actors, "the stop", |all| all[0].has_stopped());
    actors[0].stop();
    end(&mut actors);
    actors[0].session.shutdown();
    assert_eq!(actors[0].session.wait(Some(Duration::from_millis(20))).unwrap(), None);
    assert_eq!(actors[0].count(|event| matches!(event, Event::Stopped { .. })), 1);
}

/// Its own address is among the peers, as trackers have it.
fn a_session_does_not_talk_to_itself<S: Session>() {
    let stage = Stage::file(5);
    let seed = Actor::<S>::seed(&stage);
    let mut leecher = Actor::<S>::new(settings());
    let options = download_from(&[leecher.addr()]);
    leecher.add(stage.metainfo.clone(), stage.target(), options);
    let mut both = [seed, leecher];
    let itself = |event: &Event| {
        matches!(event, Event::PeerDisconnected { reason: DisconnectReason::OurselfAgain, .. })
    };
    perform(&mut both, "that it knows itself", |all| all[1].has_told(itself));
    let (torrent, peer) = (TorrentId(0), both[0].addr());
    both[1].session.add_peer(torrent, peer);
    perform(&mut both, "the download", |all| all[1].has_stopped());
    assert!(both[1].count(itself) <= 2, "once for each end of the connection");
    stage.assert_copied();
    end(&mut both);
}

fn a_session_that_dials_nobody_is_found<S: Session>() {
    let stage = Stage::file(5);
    let seed = Actor::<S>::seed(&stage);
    let engine = Config { dial: false, ..Config::default() };
    let options = download_from(&[seed.addr()]);
    let settings = Settings { engine, ..settings() };
    let leecher = Actor::with(settings, stage.metainfo.clone(), stage.target(), options);
    let peer = leecher.addr();
    let mut both = [seed, leecher];
    both[0].session.add_peer(TorrentId(0), peer);
    perform(&mut both, "the download", |all| all[1].has_stopped());
    let incoming = |event: &Event| matches!(event, Event::PeerConnected { conn, .. } if conn.is_accepted());
    assert_eq!(both[1].count(|event| matches!(event, Event::PeerConnected { .. })), both[1].count(incoming));
    stage.assert_copied();
    end(&mut both);
}

fn fifty_torrents_share_two_sessions<S: Session>() {
    let stages: Vec<Stage> = (0..50).map(|n| Stage::new(&Payload::file("file", 90_000 + n, PIECE))).collect();
    let mut both = [Actor::<S>::new(settings()), Actor::new(settings())];
    let seed = both[0].addr();
    for stage in &stages {
        both[0].add(stage.metainfo.clone(), stage.source.clone(), seeding());
        both[1].add(stage.metainfo.clone(), stage.target(), download_from(&[seed]));
    }
    let stopped = |event: &Event| matches!(event, Event::Stopped { .. });
    perform(&mut both, "fifty downloads", |all| all[1].count(stopped) == stages.len());
    stages.iter().for_each(Stage::assert_copied);
    end(&mut both);
}
