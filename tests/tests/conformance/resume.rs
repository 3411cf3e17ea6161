//! A session ends, well or badly, and another goes on where it was.

use crate::actor::{Actor, download_from, end, perform, settings};
use crate::stage::{PIECE, Stage};
use peerless_core::ResumeSummary;
use peerless_runtime::Session;
use peerless_tests::{Manner, ScriptPeer};
use std::fs::OpenOptions;
use std::net::Ipv4Addr;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

stories![
    a_download_that_was_stopped_goes_on_without_hashing,
    a_download_that_was_dropped_goes_on,
    a_file_that_was_touched_since_is_hashed,
    a_journal_that_makes_no_sense_is_not_believed,
    a_recheck_believes_nothing,
];

/// A seed that has only the first so many pieces: the download comes so far, and waits.
fn seed_with(stage: &Stage, pieces: u32) -> ScriptPeer {
    ScriptPeer::seed((Ipv4Addr::LOCALHOST, 0), &stage.torrent, Manner::HasFirst(pieces))
}

/// Downloads until there are `pieces` pieces. The session still runs.
fn download_some<S: Session>(stage: &Stage, pieces: u32) -> [Actor<S>; 1] {
    let peer = seed_with(stage, pieces);
    let mut actors = [Actor::<S>::leecher(stage, &[peer.addr])];
    perform(&mut actors, "a part of the pieces", |all| all[0].status().is_some_and(|s| s.have == pieces));
    actors
}

/// Downloads so many pieces, then stops as one should.
fn download_some_and_stop<S: Session>(stage: &Stage, pieces: u32) {
    let mut actors = download_some::<S>(stage, pieces);
    actors[0].stop();
    perform(&mut actors, "the clean stop", |all| all[0].has_stopped());
    end(&mut actors);
}

/// Goes on, downloads what is missing from a seed, and says what was found at the start.
fn go_on<S: Session>(stage: &Stage, recheck: bool) -> ResumeSummary {
    let seed = Actor::<S>::seed(stage);
    let mut options = download_from(&[seed.addr()]);
    options.recheck = recheck;
    let mut both = [seed, Actor::with(settings(), stage.metainfo.clone(), stage.target(), options)];
    perform(&mut both, "the rest of the download", |all| all[1].has_stopped());
    let found = both[1].resumed().unwrap();
    assert_eq!(both[1].failure(), None);
    assert_eq!(both[1].verified() as u32, stage.pieces() - found.have, "what was there was fetched again");
    stage.assert_copied();
    end(&mut both);
    found
}

fn part_of(stage: &Stage) -> PathBuf {
    stage.target().with_file_name("file.bin.part")
}

fn a_download_that_was_stopped_goes_on_without_hashing<S: Session>() {
    let stage = Stage::file(20);
    download_some_and_stop::<S>(&stage, 6);
    assert!(!stage.target().exists());
    let found = go_on::<S>(&stage, false);
    assert_eq!(found, ResumeSummary { trusted: 6, hashed: 0, have: 6, journal_rejected: false });
}

/// What was recorded before is trusted, what the dropped session began is hashed.
fn a_download_that_was_dropped_goes_on<S: Session>() {
    let stage = Stage::file(20);
    download_some_and_stop::<S>(&stage, 6);
    let dropped = download_some::<S>(&stage, 10);
    assert_eq!(dropped[0].resumed().map(|found| (found.trusted, found.hashed)), Some((6, 0)));
    drop(dropped);
    let found = go_on::<S>(&stage, false);
    assert_eq!((found.trusted, found.journal_rejected), (6, false));
    assert!((1..=4).contains(&found.hashed), "{found:?}");
    assert_eq!(found.have, found.trusted + found.hashed);
}

fn a_file_that_was_touched_since_is_hashed<S: Session>() {
    let stage = Stage::file(20);
    download_some_and_stop::<S>(&stage, 6);
    let part = OpenOptions::new().read(true).write(true).open(part_of(&stage)).unwrap();
    let (mut byte, at) = ([0], u64::from(PIECE) * 2 + 99);
    part.read_exact_at(&mut byte, at).unwrap();
    part.write_all_at(&[byte[0] ^ 1], at).unwrap();
    let found = go_on::<S>(&stage, false);
    assert_eq!(found, ResumeSummary { trusted: 0, hashed: 6, have: 5, journal_rejected: false });
}

fn a_journal_that_makes_no_sense_is_not_believed<S: Session>() {
    let stage = Stage::file(20);
    download_some_and_stop::<S>(&stage, 6);
    std::fs::write(stage.target().with_file_name("file.bin.part.journal"), b"no journal at all").unwrap();
    let found = go_on::<S>(&stage, false);
    assert!(found.journal_rejected);
    assert_eq!((found.trusted, found.have), (0, 6));
    assert!(found.hashed >= 6, "{found:?}");
}

fn a_recheck_believes_nothing<S: Session>() {
    let stage = Stage::file(20);
    download_some_and_stop::<S>(&stage, 6);
    let found = go_on::<S>(&stage, true);
    assert_eq!((found.trusted, found.have), (0, 6));
    assert!(found.hashed >= 6, "{found:?}");
}
