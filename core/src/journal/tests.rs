//! A journal may be cut, changed or swapped: it never proves more than was recorded.

use super::*;
use crate::ids::Sha1Hash;
use alloc::vec::Vec;
use proptest::prelude::*;

fn writer() -> Writer {
    let info_hash = InfoHash { v1: Some(Sha1Hash([9; 20])), v2: None };
    Writer::new(info_hash, Geometry::new(100 * 1_000, 1_000).unwrap())
}

fn read(data: &[u8]) -> Option<Replay> {
    replay(data, &writer().info_hash, writer().geometry)
}

fn pieces(numbers: &[u32]) -> Vec<PieceIndex> {
    numbers.iter().copied().map(PieceIndex::new).collect()
}

fn story() -> BytesMut {
    let w = writer();
    let mut out = BytesMut::from(&w.fresh(&Bitfield::new(100), &[])[..]);
    w.begun(&mut out, &pieces(&[1, 2, 3]));
    w.have(&mut out, &pieces(&[1, 3]));
    w.stamps(&mut out, &[(FileIndex(0), FileStamp { len: 5, modified: -7 })]);
    out
}

#[test]
fn a_begun_piece_is_in_doubt_until_it_is_had() {
    let replay = read(&story()).unwrap();
    assert!(replay.have.iter().eq(pieces(&[1, 3])));
    assert!(replay.in_doubt.iter().eq(pieces(&[2])));
    assert_eq!(replay.stamps[&FileIndex(0)], FileStamp { len: 5, modified: -7 });
    assert!(!replay.closed);
}

#[test]
fn closed_in_order_is_only_the_last_word() {
    let mut data = story();
    writer().closed(&mut data);
    assert!(read(&data).unwrap().closed);
    writer().begun(&mut data, &pieces(&[7]));
    assert!(!read(&data).unwrap().closed);
}

#[test]
fn a_lost_piece_is_in_doubt_again() {
    let mut data = story();
    writer().lost(&mut data, &pieces(&[3]));
    let replay = read(&data).unwrap();
    assert!(!replay.have.has(PieceIndex::new(3)));
    assert!(replay.in_doubt.has(PieceIndex::new(3)));
}

#[test]
fn a_journal_of_another_torrent_is_refused() {
    let other = InfoHash { v1: Some(Sha1Hash([8; 20])), v2: None };
    assert_eq!(replay(&story(), &other, writer().geometry), None);
    let longer = Geometry::new(100_001, 1_000).unwrap();
    assert_eq!(replay(&story(), &writer().info_hash, longer), None);
    assert_eq!(read(b"not a journal"), None);
}

#[test]
fn piece_numbers_beyond_the_torrent_are_ignored() {
    let mut data = story();
    writer().have(&mut data, &pieces(&[100, u32::MAX]));
    assert_eq!(read(&data).unwrap().have.count(), 2);
}

proptest! {
    #[test]
    fn a_torn_tail_costs_only_what_came_after(cut in 0usize..200) {
        let data = story();
        let whole = read(&data).unwrap();
        let kept = data.len().saturating_sub(cut);
        if let Some(part) = read(&data[..kept]) {
            prop_assert!(part.have.minus(&whole.have).next().is_none());
        } else {
            prop_assert!(kept < HEADER_LEN);
        }
    }

    #[test]
    fn a_flipped_bit_never_proves_a_piece(at in 0usize..200, bit in 0u8..8) {
        let mut data = story();
        let at = at % data.len();
        data[at] ^= 1 << bit;
        if let Some(replay) = read(&data) {
            prop_assert!(replay.have.minus(&read(&story()).unwrap().have).next().is_none());
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(data in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&data);
    }
}
