//! Tests of disks that refuse, run full, wear out and lie.

use super::*;
use crate::units::millis;
use peerless_core::Extent;

const LATER: Instant = Instant::from_secs(1_000);

fn block(n: u32) -> BlockId {
    BlockId { piece: PieceIndex::new(n / 2), block: n % 2 }
}

fn extents(torrent: &Torrent, range: std::ops::Range<u64>) -> Vec<Extent> {
    torrent.metainfo.layout().extents(range)
}

fn task(torrent: &Torrent, range: std::ops::Range<u64>, allocation: Allocation) -> DiskTask {
    let data = vec![torrent.payload.read(range.clone())];
    DiskTask::Write { extents: extents(torrent, range), data, hash: None, allocation }
}

fn kind(result: DiskResult) -> Option<DiskErrorKind> {
    result.err().map(|error| error.kind)
}

#[test]
fn one_operation_fails_and_the_next_does_not() {
    let (mut disk, torrent) = disk(200_000, 32_768);
    disk.fail_operation(2, DiskErrorKind::Symlink);
    let mut write = || kind(run(&mut disk, task(&torrent, 0..16_384, Allocation::Sparse)));
    assert_eq!([write(), write(), write()], [None, Some(DiskErrorKind::Symlink), None]);
}

#[test]
fn a_full_disk_takes_what_fits_and_more_once_there_is_room() {
    let (mut disk, torrent) = disk(200_000, 32_768);
    disk.set_capacity(Some(50_000));
    let write = |disk: &mut Disk| kind(run(disk, task(&torrent, 0..65_536, Allocation::Sparse)));
    assert_eq!(write(&mut disk), Some(DiskErrorKind::NoSpace));
    assert_eq!(disk.used(), 3 * 16_384);
    assert!(disk.proves(ID, PieceIndex::new(0)) && !disk.proves(ID, PieceIndex::new(1)));
    let journal = |disk: &mut Disk| kind(run(disk, DiskTask::StoreJournal { data: vec![0; 900].into() }));
    assert_eq!(journal(&mut disk), Some(DiskErrorKind::NoSpace));
    disk.set_capacity(Some(70_000));
    assert_eq!((write(&mut disk), journal(&mut disk)), (None, None));
    assert_eq!(disk.used(), 65_536 + 900);
    // What is there can be written again.
    disk.set_capacity(Some(0));
    assert_eq!(write(&mut disk), None);
}

#[test]
fn a_file_that_is_set_aside_whole_fits_whole_or_not_at_all() {
    let (mut disk, torrent) = disk(200_000, 32_768);
    disk.set_capacity(Some(199_999));
    let write = |disk: &mut Disk, n: u64| {
        kind(run(disk, task(&torrent, n * 16_384..(n + 1) * 16_384, Allocation::Full)))
    };
    assert_eq!(write(&mut disk, 0), Some(DiskErrorKind::NoSpace));
    assert_eq!(disk.used(), 0);
    disk.set_capacity(Some(200_000));
    assert_eq!(write(&mut disk, 0), None);
    assert_eq!(disk.used(), 200_000);
    assert_eq!(write(&mut disk, 1), None, "no more room is needed");
}

#[test]
fn a_read_only_disk_can_be_looked_at_and_not_changed() {
    let (mut disk, torrent) = disk(200_000, 32_768);
    disk.fill(ID, Instant::ZERO);
    disk.set_read_only(true);
    let denied = Some(DiskErrorKind::ReadOnly);
    assert_eq!(kind(run(&mut disk, task(&torrent, 0..16_384, Allocation::Sparse))), denied);
    assert_eq!(kind(run(&mut disk, DiskTask::StoreJournal { data: Bytes::new() })), denied);
    let read = DiskTask::Read { place: Place::Final, extents: extents(&torrent, 0..9) };
    assert_eq!(kind(run(&mut disk, read)), None);
    assert_eq!(kind(run(&mut disk, DiskTask::Survey { place: Place::Final })), None);
}

#[test]
fn reads_of_a_worn_out_disk_are_short_or_wrong_now_and_then() {
    let (mut disk, torrent) = disk(200_000, 32_768);
    disk.fill(ID, Instant::ZERO);
    let truth = torrent.payload.read(0..16_384);
    let mut counts = [0; 3];
    disk.set_short_reads(200);
    disk.set_corrupt_reads(200);
    for _ in 0..1_000 {
        let read = DiskTask::Read { place: Place::Final, extents: extents(&torrent, 0..16_384) };
        match run(&mut disk, read) {
            Ok(DiskOutcome::Read { data, .. }) if data == truth => counts[0] += 1,
            Ok(DiskOutcome::Read { data, .. }) => {
                assert_eq!(data.iter().zip(&truth).filter(|(a, b)| a != b).count(), 1);
                counts[1] += 1;
            }
            other => {
                assert_eq!(kind(other), Some(DiskErrorKind::Short));
                counts[2] += 1;
            }
        }
    }
    assert!((560..720).contains(&counts[0]), "{counts:?}");
    assert!((110..210).contains(&counts[1]) && (150..250).contains(&counts[2]), "{counts:?}");
    assert!(disk.is_complete(ID), "what is there is not touched");
}

#[test]
fn a_corrupting_write_says_that_all_went_well() {
    let (mut disk, torrent) = disk(200_000, 32_768);
    disk.set_corrupt_writes(1_000);
    let data = torrent.payload.read(0..32_768);
    let hash = state(run(&mut disk, write(&torrent, 0..32_768, vec![data], Sha1State::new())));
    assert_eq!(Some(hash.finish()), torrent.metainfo.piece_hash(PieceIndex::new(0)));
    assert!(!disk.proves(ID, PieceIndex::new(0)));
}

#[test]
fn a_sync_that_lies_saves_nothing() {
    let lost = (0..100).filter(|seed| {
        let torrent = Torrent::new(1, "t", 40_000, 32_768, &[]).unwrap();
        let mut disk = Disk::new(DiskSpeed::default(), Dice::new(*seed, "disk"));
        disk.register(ID, &torrent);
        disk.set_sync_lies(true);
        run(&mut disk, task(&torrent, 0..32_768, Allocation::Sparse)).unwrap();
        run(&mut disk, DiskTask::Sync { files: vec![FileIndex(0)] }).unwrap();
        disk.cut(LATER);
        !disk.proves(ID, PieceIndex::new(0))
    });
    assert!(lost.count() > 20);
}

#[test]
fn a_file_that_somebody_cuts_short_is_shorter() {
    let (mut disk, torrent) = disk(200_000, 32_768);
    disk.fill(ID, Instant::ZERO);
    disk.truncate(ID, FileIndex(0), Some(100_000));
    assert!(disk.proves(ID, PieceIndex::new(2)) && !disk.proves(ID, PieceIndex::new(3)));
    let read = |range| DiskTask::Read { place: Place::Final, extents: extents(&torrent, range) };
    assert_eq!(bytes(run(&mut disk, read(0..100_000))), torrent.payload.read(0..100_000));
    assert_eq!(kind(run(&mut disk, read(0..100_001))), Some(DiskErrorKind::Short));
    disk.truncate(ID, FileIndex(0), None);
    assert_eq!(kind(run(&mut disk, read(0..1))), Some(DiskErrorKind::Short));
}

#[test]
fn a_damaged_block_is_one_block() {
    let (mut disk, torrent) = disk(200_000, 32_768);
    run(&mut disk, task(&torrent, 0..65_536, Allocation::Sparse)).unwrap();
    disk.corrupt(ID, block(3));
    assert!(disk.proves(ID, PieceIndex::new(0)) && !disk.proves(ID, PieceIndex::new(1)));
}

#[test]
fn a_disk_that_slows_down_is_slower_from_then_on() {
    let (mut disk, torrent) = disk(200_000, 32_768);
    let took = |disk: &mut Disk| {
        let op = DiskOp { torrent: ID, task: task(&torrent, 0..16_384, Allocation::Sparse) };
        let before = disk.busy_until;
        disk.begin(Instant::ZERO, op).0.since(before)
    };
    assert!(took(&mut disk) < millis(1));
    disk.set_speed(DiskSpeed { access: millis(30), ..DiskSpeed::default() });
    assert!(took(&mut disk) > millis(30));
}
