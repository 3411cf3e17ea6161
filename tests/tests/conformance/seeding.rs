//! What a seed reads for others, from memory or from the disk, is right or is not sent.

use crate::actor::settings;
use crate::background::Background;
use crate::raw::RawLeecher;
use crate::stage::{PIECE, Stage};
use peerless_core::{BLOCK_LEN, Event, PieceIndex};
use peerless_runtime::Session;
use peerless_tests::Payload;
use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

stories![
    all_of_a_tree_is_right_again_and_again,
    nothing_of_a_piece_that_changes_in_mid_seed_is_sent,
    a_file_that_is_cut_in_mid_send_gives_what_is_left_of_it,
];

/// Blocks of a whole piece.
const BLOCKS: usize = (PIECE / BLOCK_LEN) as usize;

/// One that may download.
fn leecher<'a>(seed: &Background, stage: &'a Stage) -> RawLeecher<'a> {
    let mut leecher = RawLeecher::connect(seed.addr, &stage.torrent, 0).unwrap();
    leecher.get_unchoked().unwrap();
    leecher
}

fn open(path: &Path) -> File {
    File::options().write(true).open(path).unwrap()
}

/// Makes sure that a file that was written to has another time of change.
fn touch(file: &File) {
    let later = file.metadata().unwrap().modified().unwrap() + Duration::from_secs(2);
    file.set_modified(later).unwrap();
}

fn lost(events: &[Event]) -> BTreeSet<PieceIndex> {
    let lost = events.iter().filter_map(|event| match event {
        Event::PieceLost { piece, .. } => Some(*piece),
        _ => None,
    });
    lost.collect()
}

/// Its files are far smaller than what is read at once, and a piece has several.
fn all_of_a_tree_is_right_again_and_again<S: Session>() {
    let stage = Stage::new(&Payload::tree("tree", 60, PIECE));
    let seed = Background::seed::<S>(&stage, settings());
    let mut leecher = leecher(&seed, &stage);
    for _ in 0..3 {
        let blocks = leecher.ask_for_everything().unwrap();
        leecher.receive(blocks).unwrap();
    }
    assert_eq!(lost(&seed.end()), BTreeSet::new());
}

fn nothing_of_a_piece_that_changes_in_mid_seed_is_sent<S: Session>() {
    let stage = Stage::file(40);
    let seed = Background::seed::<S>(&stage, settings());
    let mut leecher = leecher(&seed, &stage);
    let blocks = leecher.ask_for_everything().unwrap();
    leecher.receive(blocks).unwrap();

    let file = open(&stage.source);
    let at = u64::from(PIECE) * 20 + 30_000;
    file.write_all_at(&[!stage.torrent.payload.bytes(at, 1)[0]], at).unwrap();
    touch(&file);
    leecher.ask_for_everything().unwrap();
    leecher.receive(blocks - BLOCKS).unwrap();
    assert_eq!(lost(&seed.end()), BTreeSet::from([PieceIndex::new(20)]));
}

/// It has asked for everything and read little: of what is left of the file it gets all, of the rest what had been read.
fn a_file_that_is_cut_in_mid_send_gives_what_is_left_of_it<S: Session>() {
    let stage = Stage::file(300);
    let seed = Background::seed::<S>(&stage, settings());
    let mut leecher = leecher(&seed, &stage);
    leecher.ask_for_everything().unwrap();
    leecher.receive(10).unwrap();

    let file = open(&stage.source);
    file.set_len(u64::from(PIECE) * 200).unwrap();
    touch(&file);
    leecher.sip = 10_000;
    leecher.receive(200 * BLOCKS - 10).unwrap();
    // What it has not got of the rest is asked for once more, and is not there.
    leecher.ask_for_everything().unwrap();
    leecher.receive(200 * BLOCKS).unwrap();
    let lost = lost(&seed.end());
    assert!(lost.contains(&PieceIndex::new(299)));
    assert!(lost.iter().all(|piece| (200..300).contains(&piece.get())), "{lost:?}");
}
