//! What an application tells a session while it runs: another peer, a torrent to forget.

use crate::actor::{Actor, end, perform, settings};
use crate::stage::Stage;
use peerless_core::{DiskErrorKind, Event, Phase, TorrentError, TorrentOptions};
use peerless_runtime::Session;

stories![
    a_peer_can_be_named_later,
    a_torrent_that_has_stopped_can_be_forgotten,
    two_sessions_do_not_download_to_one_target,
];

fn is_downloading<S: Session>(actor: &Actor<S>) -> bool {
    actor.has_told(|event| matches!(event, Event::Phase { phase: Phase::Downloading, .. }))
}

fn a_peer_can_be_named_later<S: Session>() {
    let stage = Stage::file(5);
    let seed = Actor::<S>::seed(&stage);
    let mut both = [Actor::leecher(&stage, &[]), seed];
    perform(&mut both, "the start", |all| is_downloading(&all[0]) && all[1].is_seeding());
    let peer = both[1].addr();
    let torrent = both[0].session.engine().torrents().next().unwrap();
    both[0].session.add_peer(torrent, peer);
    perform(&mut both, "the download", |all| all[0].has_stopped());
    stage.assert_copied();
    end(&mut both);
}

fn a_torrent_that_has_stopped_can_be_forgotten<S: Session>() {
    let stage = Stage::file(2);
    let mut actors = [Actor::<S>::seed(&stage)];
    let torrent = actors[0].session.engine().torrents().next().unwrap();
    actors[0].session.remove_torrent(torrent);
    assert!(actors[0].status().is_some(), "it still runs");
    actors[0].stop();
    perform(&mut actors, "the stop", |all| all[0].has_stopped());
    assert!(actors[0].status().is_some(), "nobody has asked to forget it");
    actors[0].session.remove_torrent(torrent);
    assert_eq!(actors[0].session.engine().torrents().next(), None);
    end(&mut actors);
}

/// Each session stands for a process: what they share is the disk.
fn two_sessions_do_not_download_to_one_target<S: Session>() {
    let stage = Stage::file(5);
    let mut both = [Actor::<S>::leecher(&stage, &[]), Actor::new(settings())];
    perform(&mut both, "the start of the first", |all| is_downloading(&all[0]));
    let second = &mut both[1].session;
    second.add(stage.metainfo.clone(), stage.target(), TorrentOptions::default()).unwrap();
    perform(&mut both, "the refusal of the second", |all| all[1].has_stopped());
    match both[1].failure() {
        Some(TorrentError::Disk { error, .. }) => {
            assert_eq!(error.kind, DiskErrorKind::InUse);
        }
        other => panic!("{other:?}"),
    }

    // The first goes on as if nothing had been.
    let seed = Actor::seed(&stage);
    let (peer, torrent) = (seed.addr(), both[0].session.engine().torrents().next().unwrap());
    both[0].session.add_peer(torrent, peer);
    let mut all = both.into_iter().chain([seed]).collect::<Vec<_>>();
    perform(&mut all, "the download", |all| all[0].has_stopped());
    stage.assert_copied();
    end(&mut all);
}
