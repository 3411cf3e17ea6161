//! Tests of power cuts and kills: what a disk keeps, and what it may lose.

use super::*;
use crate::units::millis;
use bytes::BytesMut;
use peerless_core::{DiskOutcome, Survey};
use std::ops::Range;

/// Long after everything that was asked for is done.
const LATER: Instant = Instant::from_secs(1_000);

fn with_seed(seed: u64) -> (Disk, Torrent) {
    let (_, torrent) = disk(200_000, 32_768);
    let mut disk = Disk::new(DiskSpeed::default(), Dice::new(seed, "disk"));
    disk.register(ID, &torrent);
    (disk, torrent)
}

fn put(disk: &mut Disk, torrent: &Torrent, range: Range<u64>) {
    let data = torrent.payload.read(range.clone());
    run(disk, write(torrent, range, vec![data], Sha1State::new())).unwrap();
}

fn pieces(disk: &Disk, torrent: &Torrent) -> Vec<bool> {
    torrent.metainfo.geometry().pieces().map(|piece| disk.proves(ID, piece)).collect()
}

fn sync(disk: &mut Disk) {
    run(disk, DiskTask::Sync { files: vec![FileIndex(0)] }).unwrap();
}

/// Pieces that are there after each of many cuts.
fn after_cuts(prepare: impl Fn(&mut Disk, &Torrent)) -> Vec<Vec<bool>> {
    let after = |seed| {
        let (mut disk, torrent) = with_seed(seed);
        prepare(&mut disk, &torrent);
        disk.cut(LATER);
        pieces(&disk, &torrent)
    };
    (0..200).map(after).collect()
}

#[test]
fn what_was_synced_survives_every_cut() {
    let all = after_cuts(|disk, torrent| {
        (0..4).for_each(|n| put(disk, torrent, n * 32_768..(n + 1) * 32_768));
        sync(disk);
        put(disk, torrent, 5 * 32_768..6 * 32_768);
    });
    assert!(all.iter().all(|pieces| pieces[..4] == [true; 4] && !pieces[4]));
    let kept = all.iter().filter(|pieces| pieces[5]).count();
    assert!((20..180).contains(&kept), "what was not synced survived {kept} of 200 cuts");
}

#[test]
fn what_was_not_synced_may_be_lost_in_any_order_or_torn() {
    let all = after_cuts(|disk, torrent| {
        (0..6).for_each(|n| put(disk, torrent, n * 32_768..(n + 1) * 32_768));
    });
    let some = |wanted: &dyn Fn(&[bool]) -> bool| all.iter().any(|pieces| wanted(&pieces[..6]));
    assert!(some(&|pieces| pieces.iter().all(|there| *there)), "all kept");
    assert!(some(&|pieces| !pieces.contains(&true)), "all lost");
    assert!(some(&|pieces| pieces.is_sorted_by(|a, b| a >= b) && pieces[0] && !pieces[5]), "in order");
    assert!(some(&|pieces| !pieces.is_sorted_by(|a, b| a >= b)), "out of order");
}

#[test]
fn a_torn_write_ends_at_a_page() {
    let mut torn = 0;
    for seed in 0..200 {
        let (mut disk, torrent) = with_seed(seed);
        put(&mut disk, &torrent, 0..32_768);
        disk.cut(LATER);
        let extents = torrent.metainfo.layout().extents(0..32_768);
        let Ok(DiskOutcome::Read { data: found, .. }) =
            run(&mut disk, DiskTask::Read { place: Place::Part, extents })
        else {
            continue;
        };
        let truth = torrent.payload.read(0..32_768);
        let same = found.iter().zip(&truth).take_while(|(a, b)| a == b).count() / 4_096 * 4_096;
        assert_eq!(found[..same], truth[..same]);
        assert!(found[same..].iter().all(|byte| *byte == 0), "zeros behind byte {same}");
        torn += u32::from(same > 0 && same < 32_768);
    }
    assert!(torn > 20, "{torn} of 200 were torn");
}

#[test]
fn a_lost_write_brings_back_what_it_replaced() {
    let mut back = 0;
    for seed in 0..100 {
        let (mut disk, torrent) = with_seed(seed);
        let mut wrong = BytesMut::from(&torrent.payload.read(0..16_384)[..]);
        wrong[77] ^= 1;
        let wrong = wrong.freeze();
        run(&mut disk, write(&torrent, 0..16_384, vec![wrong.clone()], Sha1State::new())).unwrap();
        sync(&mut disk);
        put(&mut disk, &torrent, 0..16_384);
        disk.cut(LATER);
        let extents = torrent.metainfo.layout().extents(0..16_384);
        let found = run(&mut disk, DiskTask::Read { place: Place::Part, extents });
        back += u32::from(found.is_ok() && bytes(found) == wrong);
    }
    assert!((20..90).contains(&back), "{back} of 100 had the old bytes");
}

#[test]
fn a_sync_of_one_file_says_nothing_of_another() {
    let torrent = Torrent::of_files(1, "t", &[("a", 40_000), ("b", 40_000)], 16_384, &[]).unwrap();
    let (mut lost, blocks) = (0, Sha1State::new());
    for seed in 0..100 {
        let mut disk = Disk::new(DiskSpeed::default(), Dice::new(seed, "disk"));
        disk.register(ID, &torrent);
        let data = torrent.payload.read(0..80_000);
        run(&mut disk, write(&torrent, 0..80_000, vec![data], blocks)).unwrap();
        sync(&mut disk);
        disk.cut(LATER);
        // The block that both share is whole, or cut at the end of the first file.
        let extents = torrent.metainfo.layout().extents(0..40_000);
        let first = run(&mut disk, DiskTask::Read { place: Place::Part, extents });
        assert_eq!(bytes(first), torrent.payload.read(0..40_000));
        lost += u32::from(!disk.proves(ID, PieceIndex::new(4)));
    }
    assert!((20..90).contains(&lost), "the second file was lost {lost} times of 100");
}

#[test]
fn a_file_that_was_never_synced_may_not_exist() {
    let absent = (0..100).filter(|seed| {
        let (mut disk, torrent) = with_seed(*seed);
        put(&mut disk, &torrent, 0..32_768);
        disk.cut(LATER);
        let found = run(&mut disk, DiskTask::Survey { place: Place::Part });
        found == Ok(DiskOutcome::Survey(Survey::Absent))
    });
    assert!((20..90).contains(&absent.count()));
}

#[test]
fn a_journal_keeps_what_was_synced_and_loses_or_tears_the_rest() {
    let mut ends = std::collections::BTreeSet::new();
    for seed in 0..300 {
        let (mut disk, _) = with_seed(seed);
        run(&mut disk, DiskTask::StoreJournal { data: Bytes::from_static(b"whole") }).unwrap();
        let mut append = |text: &'static [u8], sync| {
            run(&mut disk, DiskTask::AppendJournal { data: text.into(), sync }).unwrap();
        };
        append(b" one", false);
        append(b" two", true);
        append(b" three", false);
        append(b" four", false);
        disk.cut(LATER);
        let Ok(DiskOutcome::LoadJournal(Some(data))) = run(&mut disk, DiskTask::LoadJournal { limit: 1_000 })
        else {
            panic!("the journal is gone")
        };
        assert!(data.starts_with(b"whole one two"), "{data:?}");
        ends.insert(data.to_vec());
    }
    assert!(ends.contains(&b"whole one two three four"[..]) && ends.contains(&b"whole one two"[..]));
    assert!(ends.iter().any(|end| end.contains(&0)), "zeros where bytes did not get there");
    assert!(ends.len() > 5, "{ends:?}");
}

#[test]
fn what_is_cut_off_in_the_middle_of_a_rename_has_one_name_or_the_other() {
    let mut finals = 0;
    for seed in 0..100 {
        let (mut disk, torrent) = with_seed(seed);
        put(&mut disk, &torrent, 0..200_000);
        sync(&mut disk);
        run(&mut disk, DiskTask::Publish).unwrap();
        let middle = Instant::from_micros(disk.busy_until.as_micros() - 5);
        disk.cut(middle);
        let there = [Place::Part, Place::Final].map(|place| disk.files.contains_key(&(ID, place)));
        assert_ne!(there[0], there[1]);
        // The sync before had come to its end.
        assert!(pieces(&disk, &torrent).iter().all(|there| *there));
        finals += u32::from(there[1]);
    }
    assert!((20..90).contains(&finals), "{finals} of 100 had the final name");
}

#[test]
fn a_sync_that_was_cut_off_proves_nothing() {
    let lost = (0..100).filter(|seed| {
        let (mut disk, torrent) = with_seed(*seed);
        put(&mut disk, &torrent, 0..32_768);
        sync(&mut disk);
        disk.cut(Instant::from_micros(disk.busy_until.as_micros() - 1));
        !disk.proves(ID, PieceIndex::new(0))
    });
    assert!(lost.count() > 20);
}

#[test]
fn a_kill_loses_nothing_that_had_begun() {
    let (mut disk, torrent) = with_seed(1);
    put(&mut disk, &torrent, 0..32_768);
    let done = disk.busy_until;
    put(&mut disk, &torrent, 32_768..65_536);
    disk.abandon(done);
    assert_eq!(pieces(&disk, &torrent)[..2], [true, false], "the second was asked for and never begun");
    assert!(disk.busy_until <= done);
    // What the killed program wrote is still not synced.
    let lost = (0..100).filter(|seed| {
        let (mut disk, torrent) = with_seed(*seed);
        put(&mut disk, &torrent, 0..32_768);
        disk.abandon(LATER);
        assert!(disk.proves(ID, PieceIndex::new(0)));
        disk.cut(LATER + millis(1));
        !disk.proves(ID, PieceIndex::new(0))
    });
    assert!(lost.count() > 20);
}

#[test]
fn the_log_is_no_longer_than_what_is_unsynced() {
    let (mut disk, torrent) = with_seed(1);
    for _ in 0..10 {
        (0..6).for_each(|n| put(&mut disk, &torrent, n * 32_768..(n + 1) * 32_768));
        sync(&mut disk);
        run(&mut disk, DiskTask::StoreJournal { data: Bytes::from_static(b"x") }).unwrap();
    }
    disk.unsynced.settle(LATER);
    assert_eq!(disk.unsynced.len(), 0);
}
