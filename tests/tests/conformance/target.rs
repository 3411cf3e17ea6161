//! What stands at the target already: the data, other data, or something else.

use crate::actor::{Actor, download_from, end, perform, seeding, settings};
use crate::stage::{PIECE, Stage};
use peerless_core::{Event, Goal, PieceIndex, TorrentError, TorrentOptions};
use peerless_runtime::{Session, SessionError};
use peerless_tests::{Manner, ScriptPeer};
use std::fs::OpenOptions;
use std::net::Ipv4Addr;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

stories![
    a_complete_target_is_success_without_network,
    another_file_at_the_target_is_left_alone,
    another_file_of_the_same_length_is_left_alone,
    a_directory_at_the_place_of_a_file_is_left_alone,
    wrong_data_is_not_seeded,
    nothing_can_not_be_seeded,
    a_verification_names_the_bad_pieces,
    a_target_belongs_to_one_torrent,
];

/// Runs a torrent to its end. Nobody may be connected to meanwhile.
fn run_alone<S: Session>(stage: &Stage, target: PathBuf, mut options: TorrentOptions) -> Actor<S> {
    let peer = ScriptPeer::seed((Ipv4Addr::LOCALHOST, 0), &stage.torrent, Manner::Honest);
    options.peers = download_from(&[peer.addr]).peers;
    let mut actors = [Actor::with(settings(), stage.metainfo.clone(), target, options)];
    perform(&mut actors, "the end of the torrent", |all| all[0].has_stopped());
    end(&mut actors);
    assert_eq!(peer.connections(), 0);
    let [actor] = actors;
    actor
}

fn flip_a_bit_in(path: &Path, piece: u32) {
    let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    let (mut byte, at) = ([0], u64::from(PIECE) * u64::from(piece) + 7);
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 4], at).unwrap();
}

fn a_complete_target_is_success_without_network<S: Session>() {
    let stage = Stage::file(12);
    std::fs::copy(&stage.source, stage.target()).unwrap();
    let actor = run_alone::<S>(&stage, stage.target(), TorrentOptions::default());
    assert!(actor.has_completed());
    assert_eq!((actor.failure(), actor.verified()), (None, 0));
    stage.assert_copied();
}

fn is_left_alone<S: Session>(content: &[u8]) {
    let stage = Stage::file(12);
    std::fs::write(stage.target(), content).unwrap();
    let actor = run_alone::<S>(&stage, stage.target(), TorrentOptions::default());
    assert_eq!(actor.failure(), Some(&TorrentError::TargetInTheWay));
    assert!(!actor.has_completed());
    assert!(std::fs::read(stage.target()).unwrap() == content, "it was touched");
    assert_eq!(std::fs::read_dir(stage.path("out")).unwrap().count(), 1, "something was put beside it");
}

fn another_file_at_the_target_is_left_alone<S: Session>() {
    is_left_alone::<S>(b"a letter to a friend");
}

fn another_file_of_the_same_length_is_left_alone<S: Session>() {
    is_left_alone::<S>(&vec![b'x'; 12 * PIECE as usize - 12_345]);
}

fn a_directory_at_the_place_of_a_file_is_left_alone<S: Session>() {
    let stage = Stage::file(12);
    std::fs::create_dir(stage.target()).unwrap();
    std::fs::write(stage.target().join("letter"), b"to a friend").unwrap();
    let actor = run_alone::<S>(&stage, stage.target(), TorrentOptions::default());
    assert_eq!(actor.failure(), Some(&TorrentError::TargetInTheWay));
    assert_eq!(std::fs::read(stage.target().join("letter")).unwrap(), b"to a friend");
}

fn wrong_data_is_not_seeded<S: Session>() {
    let stage = Stage::file(12);
    flip_a_bit_in(&stage.source, 4);
    let before = std::fs::read(&stage.source).unwrap();
    let actor = run_alone::<S>(&stage, stage.source.clone(), seeding());
    assert_eq!(actor.failure(), Some(&TorrentError::DataMismatch { good: 11, total: 12 }));
    assert!(!actor.is_seeding());
    assert!(std::fs::read(&stage.source).unwrap() == before, "it was touched");
}

fn nothing_can_not_be_seeded<S: Session>() {
    let stage = Stage::file(12);
    let actor = run_alone::<S>(&stage, stage.path("nothing"), seeding());
    assert_eq!(actor.failure(), Some(&TorrentError::TargetMissing));
    assert!(!stage.path("nothing").exists());
}

fn a_verification_names_the_bad_pieces<S: Session>() {
    let stage = Stage::file(12);
    flip_a_bit_in(&stage.source, 3);
    flip_a_bit_in(&stage.source, 11);
    let options = TorrentOptions { goal: Goal::Verify, ..Default::default() };
    let actor = run_alone::<S>(&stage, stage.source.clone(), options);
    let bad = [3, 11].map(PieceIndex::new).to_vec();
    let checked = |event: &&Event| matches!(event, Event::Checked { .. });
    let Some(Event::Checked { good, total, bad: named, .. }) = actor.events.iter().find(checked) else {
        panic!("no word of the verification: {:#?}", actor.events);
    };
    assert_eq!((*good, *total, named), (10, 12, &bad));
    assert_eq!(actor.failure(), None);
}

fn a_target_belongs_to_one_torrent<S: Session>() {
    let (stage, other) = (Stage::file(2), Stage::file(3));
    let mut actor =
        Actor::<S>::with(settings(), stage.metainfo.clone(), stage.target(), TorrentOptions::default());
    let within = stage.target().join("below");
    for target in [stage.target(), within] {
        let refused = actor.session.add(other.metainfo.clone(), target, TorrentOptions::default());
        assert!(matches!(refused, Err(SessionError::TargetTaken(_))), "{refused:?}");
    }
    end(&mut [actor]);
}
