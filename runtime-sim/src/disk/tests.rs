//! Tests of the disk: what engines rely on.

mod crash;
mod faults;

use super::*;
use crate::units::secs;
use bytes::Bytes;
use peerless_core::{
    Allocation, BlockId, DiskErrorKind, DiskOutcome, FileIndex, PieceDigest, Sha1State, sha1,
};

const ID: TorrentId = TorrentId(0);

fn disk(total: u64, piece_length: u32) -> (Disk, Torrent) {
    let torrent = Torrent::new(1, "t", total, piece_length, &[]).unwrap();
    let mut disk = Disk::new(DiskSpeed::default(), Dice::new(1, "disk"));
    disk.register(ID, &torrent);
    (disk, torrent)
}

fn run(disk: &mut Disk, task: DiskTask) -> DiskResult {
    disk.begin(Instant::ZERO, DiskOp { torrent: ID, task }).1
}

fn write(torrent: &Torrent, range: std::ops::Range<u64>, data: Vec<Bytes>, hash: Sha1State) -> DiskTask {
    let extents = torrent.metainfo.layout().extents(range);
    DiskTask::Write { extents, data, hash: Some(hash), allocation: Allocation::Sparse }
}

fn bytes(result: DiskResult) -> Bytes {
    match result {
        Ok(DiskOutcome::Read { data, .. }) => data,
        other => panic!("nothing was read: {other:?}"),
    }
}

fn state(result: DiskResult) -> Sha1State {
    match result {
        Ok(DiskOutcome::Write(Some(state))) => state,
        Ok(DiskOutcome::Digest(digest)) => digest.whole(),
        other => panic!("no digest: {other:?}"),
    }
}

#[test]
fn a_piece_that_is_written_block_by_block_has_its_hash() {
    let (mut disk, torrent) = disk(100_000, 32_768);
    let mut hash = Sha1State::new();
    for at in [32_768u64, 49_152] {
        let data = torrent.payload.read(at..at + 16_384);
        hash = state(run(&mut disk, write(&torrent, at..at + 16_384, vec![data], hash)));
    }
    let piece = PieceIndex::new(1);
    assert_eq!(Some(hash.finish()), torrent.metainfo.piece_hash(piece));
    let extents = torrent.metainfo.layout().extents(torrent.metainfo.geometry().piece_range(piece));
    let hash = PieceDigest::with_blocks();
    let digest = run(&mut disk, DiskTask::Digest { place: Place::Part, extents: extents.clone(), hash });
    assert_eq!(Some(state(digest.clone()).finish()), torrent.metainfo.piece_hash(piece));
    let Ok(DiskOutcome::Digest(digest)) = digest else { unreachable!() };
    let blocks = [32_768u64, 49_152].map(|at| sha1(&torrent.payload.read(at..at + 16_384)));
    assert_eq!(digest.into_blocks(), blocks);
    let read = run(&mut disk, DiskTask::Read { place: Place::Part, extents });
    assert_eq!(bytes(read), torrent.payload.read(32_768..65_536));
}

#[test]
fn wrong_bytes_are_kept_and_do_not_have_the_hash() {
    let (mut disk, torrent) = disk(40_000, 16_384);
    let mut data = torrent.payload.read(0..16_384).to_vec();
    data[9_000] ^= 1;
    let hash = state(run(&mut disk, write(&torrent, 0..16_384, vec![data.clone().into()], Sha1State::new())));
    assert_ne!(Some(hash.finish()), torrent.metainfo.piece_hash(PieceIndex::new(0)));
    let extents = torrent.metainfo.layout().extents(0..16_384);
    let read = run(&mut disk, DiskTask::Read { place: Place::Part, extents });
    assert_eq!(bytes(read), data);
}

#[test]
fn what_was_never_written_is_zeros_or_short() {
    let (mut disk, torrent) = disk(100_000, 16_384);
    let extents = torrent.metainfo.layout().extents(16_384..32_768);
    let read = |disk: &mut Disk| run(disk, DiskTask::Read { place: Place::Part, extents: extents.clone() });
    assert_eq!(read(&mut disk).unwrap_err().kind, DiskErrorKind::Short);
    let data = torrent.payload.read(0..16_384);
    run(&mut disk, write(&torrent, 0..16_384, vec![data], Sha1State::new())).unwrap();
    assert_eq!(bytes(read(&mut disk)), vec![0; 16_384]);
}

#[test]
fn a_finished_torrent_is_complete_until_it_is_damaged() {
    let (mut disk, torrent) = disk(70_000, 32_768);
    assert!(!disk.is_complete(ID));
    disk.fill(ID, Instant::ZERO);
    assert!(disk.is_complete(ID));
    disk.corrupt(ID, BlockId { piece: PieceIndex::new(1), block: 1 });
    assert!(!disk.is_complete(ID));
    let extents = torrent.metainfo.layout().extents(0..70_000);
    assert!(run(&mut disk, DiskTask::Read { place: Place::Final, extents }).is_ok());
}

#[test]
fn operations_take_their_time_one_after_another() {
    let speed = DiskSpeed { access: secs(1), rate: Rate(16_384), ..DiskSpeed::default() };
    let torrent = Torrent::new(1, "t", 70_000, 32_768, &[]).unwrap();
    let mut disk = Disk::new(speed, Dice::new(1, "disk"));
    disk.register(ID, &torrent);
    disk.fill(ID, Instant::ZERO);
    let read = DiskTask::Read { place: Place::Final, extents: torrent.metainfo.layout().extents(0..32_768) };
    let mut begin = || disk.begin(Instant::ZERO, DiskOp { torrent: ID, task: read.clone() }).0;
    assert_eq!((begin(), begin()), (Instant::from_secs(3), Instant::from_secs(6)));
}

#[test]
fn a_fault_lasts_until_it_is_mended() {
    let (mut disk, torrent) = disk(40_000, 16_384);
    let task = || write(&torrent, 0..16_384, vec![torrent.payload.read(0..16_384)], Sha1State::new());
    disk.set_fault("write", Some(DiskErrorKind::NoSpace));
    assert_eq!(run(&mut disk, task()).unwrap_err().kind, DiskErrorKind::NoSpace);
    disk.set_fault("write", None);
    assert!(run(&mut disk, task()).is_ok());
}
