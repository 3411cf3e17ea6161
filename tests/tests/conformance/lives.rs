//! Torrents that come, end, and come again; several in one session; patience and goals that are met.

use crate::actor::{Actor, download_from, end, perform, seeding, settings};
use crate::stage::{PIECE, Stage};
use peerless_core::{Allocation, Event, SeedPolicy, TorrentError, TorrentOptions};
use peerless_runtime::Session;
use peerless_tests::{Manner, Payload, ScriptPeer};
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

stories![
    a_torrent_that_was_stopped_is_taken_again,
    two_torrents_share_a_session,
    space_is_set_aside_in_each_way,
    an_end_in_mid_download_is_quick_and_loses_nothing,
    an_end_during_the_check_is_quick,
    patience_runs_out_in_time,
    a_stalled_download_is_given_up_in_time,
    a_seed_stops_when_it_gave_enough,
    a_seed_stops_when_its_time_is_over,
];

fn a_torrent_that_was_stopped_is_taken_again<S: Session>() {
    let stage = Stage::file(20);
    let seed = Actor::<S>::seed(&stage);
    let some = ScriptPeer::seed((Ipv4Addr::LOCALHOST, 0), &stage.torrent, Manner::HasFirst(7));
    let options = download_from(&[seed.addr()]);
    let mut both = [seed, Actor::leecher(&stage, &[some.addr])];
    perform(&mut both, "seven pieces", |all| all[1].status().is_some_and(|s| s.have == 7));
    both[1].stop();
    perform(&mut both, "the stop", |all| all[1].has_stopped());
    both[1].events.clear();
    both[1].add(stage.metainfo.clone(), stage.target(), options);
    perform(&mut both, "the rest", |all| all[1].has_stopped());
    let found = both[1].resumed().unwrap();
    assert_eq!((found.trusted, found.hashed), (7, 0));
    stage.assert_copied();
    end(&mut both);
}

fn two_torrents_share_a_session<S: Session>() {
    let (file, tree) = (Stage::file(30), Stage::new(&Payload::tree("tree", 30, PIECE)));
    let mut seed = Actor::<S>::seed(&file);
    seed.add(tree.metainfo.clone(), tree.source.clone(), seeding());
    let mut leecher = Actor::leecher(&file, &[seed.addr()]);
    leecher.add(tree.metainfo.clone(), tree.target(), download_from(&[seed.addr()]));
    let mut both = [seed, leecher];
    let stopped = |event: &Event| matches!(event, Event::Stopped { .. });
    perform(&mut both, "both downloads", |all| all[1].count(stopped) == 2);
    file.assert_copied();
    tree.assert_copied();
    end(&mut both);
}

fn space_is_set_aside_in_each_way<S: Session>() {
    for allocation in [Allocation::Sparse, Allocation::Full, Allocation::None] {
        let stage = Stage::new(&Payload::tree("tree", 20, PIECE));
        let seed = Actor::<S>::seed(&stage);
        let options = TorrentOptions { allocation, ..download_from(&[seed.addr()]) };
        let leecher = Actor::with(settings(), stage.metainfo.clone(), stage.target(), options);
        let mut both = [seed, leecher];
        perform(&mut both, "the download", |all| all[1].has_stopped());
        stage.assert_copied();
        end(&mut both);
    }
}

/// How long the orderly end of these takes.
fn time_to_end<S: Session>(actors: &mut [Actor<S>]) -> Duration {
    let begun = Instant::now();
    end(actors);
    begun.elapsed()
}

fn an_end_in_mid_download_is_quick_and_loses_nothing<S: Session>() {
    let stage = Stage::file(60);
    let manner = Manner::Slow(Duration::from_millis(2));
    let slow = ScriptPeer::seed((Ipv4Addr::LOCALHOST, 0), &stage.torrent, manner);
    let mut actors = [Actor::<S>::leecher(&stage, &[slow.addr])];
    perform(&mut actors, "some pieces", |all| all[0].verified() >= 5);
    assert!(time_to_end(&mut actors) < Duration::from_secs(3));
    let have = actors[0].verified() as u32;
    assert!((5..stage.pieces()).contains(&have), "{have}");
    drop(actors);

    let mut again = [Actor::<S>::leecher(&stage, &[])];
    perform(&mut again, "a look at what is there", |all| all[0].resumed().is_some());
    let found = again[0].resumed().unwrap();
    assert_eq!((found.trusted, found.hashed), (have, 0));
    end(&mut again);
}

fn an_end_during_the_check_is_quick<S: Session>() {
    let stage = Stage::file(500);
    let mut actors = [Actor::<S>::seed(&stage)];
    assert!(time_to_end(&mut actors) < Duration::from_secs(3));
    assert!(!actors[0].is_seeding());
}

/// How long it takes a download without peers to fail, and why it does.
fn failure<S: Session>(options: TorrentOptions) -> (Duration, Option<TorrentError>) {
    let stage = Stage::file(3);
    let begun = Instant::now();
    let mut actors = [Actor::<S>::with(settings(), stage.metainfo.clone(), stage.target(), options)];
    actors[0].run_to_its_end();
    let took = begun.elapsed();
    end(&mut actors);
    (took, actors[0].failure().cloned())
}

fn patience_runs_out_in_time<S: Session>() {
    let limit = Duration::from_millis(300);
    let (took, why) = failure::<S>(TorrentOptions { timeout: Some(limit), ..Default::default() });
    assert_eq!(why, Some(TorrentError::TimedOut(limit)));
    assert!(took >= limit && took < Duration::from_secs(5), "{took:?}");
}

fn a_stalled_download_is_given_up_in_time<S: Session>() {
    let limit = Duration::from_millis(300);
    let (took, why) = failure::<S>(TorrentOptions { stall_timeout: Some(limit), ..Default::default() });
    assert_eq!(why, Some(TorrentError::Stalled(limit)));
    assert!(took >= limit && took < Duration::from_secs(5), "{took:?}");
}

fn a_seed_stops_when_it_gave_enough<S: Session>() {
    let stage = Stage::file(10);
    let enough = SeedPolicy::Until { ratio_permille: Some(1_000), time: None };
    let options = TorrentOptions { seeding: enough, ..seeding() };
    let seed = Actor::<S>::with(settings(), stage.metainfo.clone(), stage.source.clone(), options);
    let leecher = Actor::leecher(&stage, &[seed.addr()]);
    let mut both = [seed, leecher];
    perform(&mut both, "the end of both", |all| all.iter().all(Actor::has_stopped));
    assert_eq!(both[0].status().unwrap().uploaded, stage.torrent.payload.total());
    stage.assert_copied();
    end(&mut both);
}

fn a_seed_stops_when_its_time_is_over<S: Session>() {
    let (stage, time) = (Stage::file(3), Duration::from_millis(300));
    let options =
        TorrentOptions { seeding: SeedPolicy::Until { ratio_permille: None, time: Some(time) }, ..seeding() };
    let begun = Instant::now();
    let mut actors = [Actor::<S>::with(settings(), stage.metainfo.clone(), stage.source, options)];
    actors[0].run_to_its_end();
    let took = begun.elapsed();
    assert!(took >= time && took < Duration::from_secs(5), "{took:?}");
    assert!(actors[0].is_seeding());
    end(&mut actors);
}
