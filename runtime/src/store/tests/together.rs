//! Operations that a worker carries out together.

use super::*;
use std::fs;

const OTHER: TorrentId = TorrentId(8);

fn content(len: usize, seed: usize) -> Vec<u8> {
    (0..len).map(|n| ((n * n + seed) >> 5) as u8).collect()
}

fn op(torrent: TorrentId, extents: &[Extent], hash: PieceDigest) -> DiskOp {
    DiskOp { torrent, task: DiskTask::Digest { place: Place::Final, extents: extents.to_vec(), hash } }
}

fn whole() -> PieceDigest {
    Sha1State::new().into()
}

/// Two finished torrents: one file of a million bytes, and one of two files with padding between.
fn two() -> (Desk, Vec<u8>, Vec<u8>) {
    let desk = Desk::single(1_000_000);
    let long = content(1_000_000, 1);
    fs::write(desk.path(Place::Final), &long).unwrap();
    let short = content(70_000, 2);
    let target = desk.store.claim(&desk.dir.path().join("pair")).unwrap();
    let padding = StoredFile { padding: true, ..file(".pad", 1_000) };
    let files = vec![file("one", 30_000), padding, file("two", 40_000)];
    desk.store.register(OTHER, &target, Contents { single: false, files });
    fs::create_dir(&target).unwrap();
    fs::write(target.join("one"), &short[..30_000]).unwrap();
    fs::write(target.join("two"), &short[30_000..]).unwrap();
    (desk, long, short)
}

#[test]
fn pieces_of_different_torrents_and_lengths_are_hashed_together() {
    let (mut desk, long, short) = two();
    let crossing = [extent(0, 10_000, 20_000), padding(1, 1_000), extent(2, 0, 40_000)];
    let crossed = [&short[10_000..30_000], &[0; 1_000], &short[30_000..]].concat();
    let ops = vec![
        op(TORRENT, &[extent(0, 0, 700_001)], whole()),
        op(OTHER, &crossing, whole()),
        op(OTHER, &crossing, PieceDigest::with_blocks()),
        op(TORRENT, &[extent(0, 700_001, 299_999)], state_of(b"before").into()),
        op(OTHER, &[extent(2, 39_999, 1)], whole()),
    ];
    let each: Vec<_> = ops.iter().map(|op| desk.run_op(op.clone())).collect();
    let together = desk.store.execute_together(ops, &mut desk.scratch);
    assert_eq!(together, each);
    let digests: Vec<_> = together
        .into_iter()
        .map(|result| match result {
            Ok(DiskOutcome::Digest(digest)) => digest,
            other => panic!("{other:?}"),
        })
        .collect();
    let after = [b"before", &long[700_001..]].concat();
    let expected = [&long[..700_001], &crossed, &crossed, &after, &short[69_999..]];
    assert!(digests.iter().map(PieceDigest::whole).eq(expected.into_iter().map(state_of)));
    let blocks: Vec<_> = crossed.chunks(16 << 10).map(peerless_core::sha1).collect();
    assert_eq!(digests[2].clone().into_blocks(), blocks);
}

#[test]
fn a_piece_that_cannot_be_read_does_not_hinder_the_others() {
    let (mut desk, long, short) = two();
    let ops = vec![
        op(TORRENT, &[extent(0, 999_999, 2)], whole()),
        op(TorrentId(99), &[extent(0, 0, 5)], whole()),
        op(TORRENT, &[extent(0, 5, 300_000)], whole()),
        op(OTHER, &[extent(0, 0, 30_000)], whole()),
    ];
    let results = desk.store.execute_together(ops, &mut desk.scratch);
    let digest = |data| Ok(DiskOutcome::Digest(state_of(data).into()));
    assert_eq!(results[0].as_ref().unwrap_err().kind, DiskErrorKind::Short);
    assert_eq!(results[1].as_ref().unwrap_err().kind, DiskErrorKind::NotFound);
    assert_eq!(results[2], digest(&long[5..300_005]));
    assert_eq!(results[3], digest(&short[..30_000]));
}

#[test]
fn runs_that_are_written_together_are_hashed_each_by_itself() {
    let mut desk = Desk::single(3_000);
    let data = content(4_000, 3);
    let run = |begin: usize, len: usize, torrent| {
        let slices = data[begin..begin + len].chunks(333).map(Bytes::copy_from_slice).collect();
        let (extents, hash) = (vec![extent(0, begin as u64, len as u64)], Some(state_of(b"before")));
        let allocation = Allocation::None;
        DiskOp { torrent, task: DiskTask::Write { extents, data: slices, hash, allocation } }
    };
    let ops = vec![run(0, 1_000, TORRENT), run(1_000, 2_000, TORRENT), run(0, 1_000, OTHER)];
    assert!(goes_together(&ops[0], &ops[1]));
    let results = desk.store.execute_together(ops, &mut desk.scratch);
    let written = |data: &[u8]| Ok(DiskOutcome::Write(Some(state_of(&[b"before", data].concat()))));
    assert_eq!(results[0], written(&data[..1_000]));
    assert_eq!(results[1], written(&data[1_000..3_000]));
    assert_eq!(results[2].as_ref().unwrap_err().kind, DiskErrorKind::NotFound, "no such torrent");
    assert_eq!(fs::read(desk.path(Place::Part)).unwrap(), data[..3_000]);
}

#[test]
fn only_what_hashes_goes_together() {
    let digest = || op(TORRENT, &[extent(0, 0, 1)], whole());
    let plain = DiskOp { torrent: TORRENT, task: write(&[extent(0, 0, 1)], &[b"x"]) };
    assert!(goes_together(&digest(), &op(OTHER, &[], PieceDigest::with_blocks())));
    assert!(!goes_together(&digest(), &plain) && !goes_together(&plain, &plain));
}
