//! Data goes from one session to another, byte for byte.

use crate::actor::{Actor, download_from, end, perform, settings};
use crate::stage::{PIECE, Stage};
use peerless_core::{Event, Phase, SeedPolicy};
use peerless_runtime::Session;
use peerless_tests::Payload;

stories![
    a_file_arrives,
    a_tree_of_files_arrives,
    a_file_smaller_than_a_block_arrives,
    a_hybrid_file_arrives_by_its_version_1_side,
    a_hybrid_tree_arrives_by_its_version_1_side_without_padding,
    three_sessions_pass_it_on,
    what_is_cut_off_while_it_is_given_away_is_fetched_again,
];

/// One session downloads what another seeds.
fn download<S: Session>(stage: &Stage) {
    let seed = Actor::<S>::seed(stage);
    let leecher = Actor::leecher(stage, &[seed.addr()]);
    let mut both = [seed, leecher];
    perform(&mut both, "the download", |all| all[1].has_stopped());
    assert!(both[1].has_completed());
    assert_eq!(both[1].verified(), stage.pieces() as usize);
    assert_eq!(both[1].failure(), None);
    stage.assert_copied();
    end(&mut both);
}

fn a_file_arrives<S: Session>() {
    download::<S>(&Stage::file(50));
}

/// Empty files, files smaller than a piece, files that span several, nested directories.
fn a_tree_of_files_arrives<S: Session>() {
    download::<S>(&Stage::new(&Payload::tree("tree", 60, PIECE)));
}

fn a_file_smaller_than_a_block_arrives<S: Session>() {
    download::<S>(&Stage::new(&Payload::file("one byte", 1, 16 << 10)));
}

fn hybrid<S: Session>(payload: &Payload) {
    let stage = Stage::hybrid(payload);
    let hashes = stage.metainfo.info_hash();
    assert!(hashes.v2.is_some() && hashes.v1 == Some(stage.torrent.info_hash), "{hashes:?}");
    download::<S>(&stage);
}

fn a_hybrid_file_arrives_by_its_version_1_side<S: Session>() {
    hybrid::<S>(&Payload::file("file.bin", 20 * u64::from(PIECE) - 12_345, PIECE));
}

/// In a hybrid each file begins with a piece: what lies between is fetched and not written.
fn a_hybrid_tree_arrives_by_its_version_1_side_without_padding<S: Session>() {
    hybrid::<S>(&Payload::tree("tree", 60, PIECE));
}

/// The third knows only the second, which has nothing at first.
fn three_sessions_pass_it_on<S: Session>() {
    let stage = Stage::file(40);
    let first = Actor::<S>::seed(&stage);
    let mut options = download_from(&[first.addr()]);
    options.seeding = SeedPolicy::Forever;
    let (middle, last) = (stage.target_in("middle"), stage.target_in("last"));
    let second = Actor::with(settings(), stage.metainfo.clone(), middle.clone(), options);
    let third =
        Actor::with(settings(), stage.metainfo.clone(), last.clone(), download_from(&[second.addr()]));
    let mut all = [first, second, third];
    perform(&mut all, "the last copy", |all| all[2].has_stopped());
    stage.assert_copied_to(&middle);
    stage.assert_copied_to(&last);
    end(&mut all);
}

/// The second is done and gives it away when somebody cuts its file; the third knows only the second.
fn what_is_cut_off_while_it_is_given_away_is_fetched_again<S: Session>() {
    let stage = Stage::file(40);
    let first = Actor::<S>::seed(&stage);
    let mut options = download_from(&[first.addr()]);
    options.seeding = SeedPolicy::Forever;
    let (middle, last) = (stage.target_in("middle"), stage.target_in("last"));
    let second = Actor::with(settings(), stage.metainfo.clone(), middle.clone(), options);
    let mut all = vec![first, second];
    perform(&mut all, "the first copy", |all| all[1].is_seeding());
    let file = std::fs::OpenOptions::new().write(true).open(&middle).unwrap();
    file.set_len(33 * u64::from(PIECE) + 1).unwrap();
    let options = download_from(&[all[1].addr()]);
    all.push(Actor::with(settings(), stage.metainfo.clone(), last.clone(), options));
    perform(&mut all, "the last copy", |all| all[2].has_stopped());
    stage.assert_copied_to(&middle);
    stage.assert_copied_to(&last);
    assert_eq!(all[1].count(|event| matches!(event, Event::PieceLost { .. })), 7);
    assert_eq!(all[1].verified(), 40 + 7);
    assert_eq!(all[1].status().map(|status| status.phase), Some(Phase::Seeding));
    let blames = |event: &Event| matches!(event, Event::PeerBanned { .. } | Event::PieceFailed { .. });
    assert!(all.iter().all(|actor| !actor.has_told(blames)));
    end(&mut all);
}
